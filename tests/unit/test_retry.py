"""When failed deliveries are tried again."""

from __future__ import annotations

import itertools
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.retry import DEFAULT, LONGEST_PAUSE, NEVER, RetryPolicy

policies = st.builds(RetryPolicy, st.integers(1, 50), st.integers(1, 100_000).map(lambda n: timedelta(seconds=n)))


def pauses(policy: RetryPolicy, luck: float = 0.999) -> list[timedelta]:
    found: list[timedelta] = []
    while (pause := policy.pause(len(found) + 1, luck)) is not None:
        found.append(pause)
    return found


def test_by_default_temporary_failures_are_tried_again_for_about_an_hour() -> None:
    total = sum(pauses(DEFAULT), timedelta())
    assert timedelta(minutes=45) < total < timedelta(minutes=90)


def test_never_means_never() -> None:
    assert pauses(NEVER) == []


@given(policies, st.floats(0, 0.999))
def test_pauses_double_up_to_a_quarter_of_an_hour_and_are_as_many_as_allowed(policy: RetryPolicy, luck: float) -> None:
    found = pauses(policy, luck)
    assert len(found) == policy.times
    assert all(before <= after for before, after in itertools.pairwise(found))
    assert all(pause <= LONGEST_PAUSE for pause in found)
    assert found[0] >= min(policy.wait, LONGEST_PAUSE) / 2


@given(policies, st.integers(1, 50))
def test_luck_spreads_a_pause_over_its_upper_half(policy: RetryPolicy, failures: int) -> None:
    shortest, longest = policy.pause(failures, 0), policy.pause(failures, 0.999999)
    if shortest is not None and longest is not None:
        assert shortest < longest <= 2 * shortest
