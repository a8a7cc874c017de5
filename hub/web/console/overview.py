"""The first page: how the day goes, what is open, and whether everything works."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from hub.clock import to_datetime
from hub.engine import reconciling
from hub.model import Role
from hub.store import attention, facts, figures, orderlist
from hub.store.database import Connection
from hub.store.figures import HOUR_MS, Hour, Sum
from hub.web.console.desk import Desk, Visit

_HOURS = 24
#: The chart's measures, in its own unit.
_BAR, _HEIGHT = 26, 120


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour of the chart: counts, and heights in the chart's unit."""

    label: str
    done: int
    failed: int
    x: int
    done_height: int
    failed_height: int


@dataclass(frozen=True, slots=True)
class Figures:
    """``oldest``: since when the oldest order is to be shipped; ``time_to_ship``: the median, in milliseconds."""

    livemode: bool
    today: Sequence[Sum]
    to_ship: Sequence[Sum]
    oldest: int | None
    hours: Sequence[Hour]
    time_to_ship: int | None
    reconciled: Mapping[str, object] | None
    needs_you: int


def show(desk: Desk, visit: Visit) -> Response:
    """A packer's first page is the list of orders: figures are not for the packing table."""
    if visit.may(Role.PACKER):
        return desk.back("/orders", show="to_ship")
    found = figures_now(desk)
    bars = chart(found.hours, desk.now())
    failing: dict[str, int] = {}
    for one in found.hours:
        if one.failed:
            name = one.connection or "the hub's own steps"
            failing[name] = failing.get(name, 0) + one.failed
    return desk.page(
        visit,
        "overview.html",
        found=found,
        bars=bars,
        width=_HOURS * _BAR,
        height=_HEIGHT,
        failing=sorted(failing.items(), key=lambda one: -one[1]),
        median=_milliseconds(desk.metrics.acknowledgement(0.5)),
        slowest=_milliseconds(desk.metrics.acknowledgement(0.99)),
    )


def figures_now(desk: Desk) -> Figures:
    """What the page shows, except how fast webhooks are acknowledged."""
    now = desk.now()
    midnight = round(_today(now) * 1000)
    return desk.read(lambda connection: _figures(connection, midnight, now))


def _figures(connection: Connection, midnight: int, now: int) -> Figures:
    livemode = orderlist.has_live(connection)
    first_start = int(facts.get(connection, "first_start") or 0)
    to_ship, oldest = figures.to_ship(connection, first_start, livemode=livemode)
    return Figures(
        livemode,
        figures.paid_since(connection, midnight, livemode=livemode),
        to_ship,
        oldest,
        figures.hours(connection, (now // HOUR_MS - _HOURS + 1) * HOUR_MS),
        figures.time_to_ship(connection, livemode=livemode),
        reconciling.last(connection),
        attention.count(connection),
    )


def _today(now: int) -> float:
    """When this day began, in the machine's time zone (seconds)."""
    return to_datetime(now).astimezone().replace(hour=0, minute=0, second=0, microsecond=0).timestamp()


def _milliseconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds * 1000:g} ms"


def chart(hours: Sequence[Hour], now: int) -> list[Bar]:
    """The last hours as bars, done and failed one on the other; the highest fills the chart."""
    last = now // HOUR_MS
    counts = {hour: [0, 0] for hour in range(last - _HOURS + 1, last + 1)}
    for one in hours:
        if one.hour in counts:
            counts[one.hour][0] += one.done
            counts[one.hour][1] += one.failed
    highest = max((done + failed for done, failed in counts.values()), default=0) or 1
    bars = []
    for place, (hour, (done, failed)) in enumerate(counts.items()):
        label = to_datetime(hour * HOUR_MS).astimezone().strftime("%H:%M")
        heights = [-(-count * _HEIGHT // highest) for count in (done, failed)]
        bars.append(Bar(label, done, failed, place * _BAR, heights[0], heights[1]))
    return bars
