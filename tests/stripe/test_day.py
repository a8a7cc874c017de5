"""A day at a shop, small enough for every run of the tests; ``python -m bench day`` simulates 5,000 sessions."""

from __future__ import annotations

from pathlib import Path

from tests.stripe.day import Day, simulated


def test_after_a_day_of_lost_doubled_and_late_events_every_paid_order_is_complete_once(tmp_path: Path) -> None:
    report = simulated(tmp_path, Day(sessions=300, step=900, refunds=0.08, disputes=0.04))
    assert report.agrees, report.in_words()
    # The day had what makes it one.
    assert len(report.stripe.paid) > 200
    for kind in ("refunds", "undone", "disputes"):
        assert getattr(report.stripe, kind), kind
    assert report.lost > 0
    assert report.polled > report.lost / 2
