"""``hub retry``, ``replay``, ``cancel``, ``resolve``: a person's decisions. Finished effects never repeat."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import typer

from hub.app import Hub
from hub.cli.open_ import opened, operator, since_ms
from hub.cli.output import no, progress
from hub.engine import by_hand
from hub.engine.by_hand import Decision
from hub.store import deciding

Ids = Annotated[list[int] | None, typer.Argument(metavar="ID…", help="Deliveries, see  hub deliveries")]

#: So many at a time: each a transaction of its own, so that the hub's own work goes on in between.
_AT_ONCE = 500


def retry(
    ids: Ids = None,
    all_dead: Annotated[bool, typer.Option("--all-dead", help="Every dead letter.")] = False,
    rule: Annotated[str | None, typer.Option(help="With --all-dead: only of this rule.")] = None,
    since: Annotated[str | None, typer.Option(help="With --all-dead: only those of this time, e.g. 7d.")] = None,
) -> None:
    """Try dead deliveries again, and waiting ones at once."""
    if bool(ids) is all_dead:
        raise typer.BadParameter("Name deliveries, or say --all-dead.")
    with opened() as hub:
        now = hub.clock.now()
        moment = since_ms(since, now)
        chosen = ids or hub.database.read(lambda connection: deciding.dead_ids(connection, rule=rule, since=moment))
        refused: dict[int, str] = {}
        for start in progress(range(0, len(chosen), _AT_ONCE), "Retrying"):
            part = chosen[start : start + _AT_ONCE]
            refused |= _decide(hub, Decision.RETRY, part)
        hub.database.announce()
    _report(len(chosen) - len(refused), "will be tried again", refused)


def cancel(ids: Annotated[list[int], typer.Argument(metavar="ID…")]) -> None:
    """Never send these deliveries, nor the steps that follow them."""
    with opened() as hub:
        refused = _decide(hub, Decision.CANCEL, ids)
    _report(len(ids) - len(refused), "cancelled", refused)


def resolve(
    delivery: Annotated[int, typer.Argument(metavar="ID")],
    happened: Annotated[
        bool | None, typer.Option("--happened/--did-not-happen", help="What you found at the far end.")
    ] = None,
) -> None:
    """Say whether a delivery of unknown outcome happened."""
    if happened is None:
        raise typer.BadParameter("Say --happened or --did-not-happen.")
    with opened() as hub:
        refused = _decide(hub, Decision.HAPPENED if happened else Decision.DID_NOT_HAPPEN, [delivery])
        hub.database.announce()
    if refused:
        raise no(f"Delivery {delivery}: {refused[delivery]}")
    print(f"Delivery {delivery} is settled." if happened else f"Delivery {delivery} will be sent.")


def replay(
    ids: Annotated[list[str], typer.Argument(metavar="evt_…|cs_…", help="Events, or orders with all their events.")],
) -> None:
    """Go over events or orders again with the rules of now; finished effects do not repeat."""
    with opened() as hub:
        missing = [one for one in progress(ids, "Replaying") if not _replay(hub, one)]
        hub.database.announce()
    for one in missing:
        no(f"There is no event or order {one}.")
    if missing:
        raise typer.Exit(1)
    print("It will be planned again by the running hub; finished effects do not repeat.")


def _decide(hub: Hub, decision: Decision, ids: Sequence[int]) -> dict[int, str]:
    decide = partial(by_hand.decide, decision=decision, ids=ids, who=operator(), now=hub.clock.now())
    return hub.database.write(decide).result()


def _replay(hub: Hub, wanted: str) -> bool:
    return hub.database.write(partial(by_hand.replay, wanted=wanted, who=operator(), now=hub.clock.now())).result()


def _report(count: int, what: str, refused: dict[int, str]) -> None:
    print(f"{count} {what}.")
    for delivery, reason in sorted(refused.items()):
        no(f"Delivery {delivery}: {reason}")
    if refused:
        raise typer.Exit(1)
