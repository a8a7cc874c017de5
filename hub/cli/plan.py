"""``hub plan``: what other rules would have made of the orders that are on record."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from hub.cli.open_ import opened, since_ms
from hub.cli.output import AsJson, print_json, progress, say
from hub.cli.rules_file import usable
from hub.engine.whatif import BATCH, Comparison, Difference, Effect, compare, shown
from hub.store import journal

#: So many differences of one kind are shown for each rule; programs get all of them.
_SHOWN = 3
_KINDS = {"added": "more", "dropped": "fewer", "changed": "otherwise"}


def plan(
    rules: Annotated[Path, typer.Option(metavar="NEW.yaml", help="The rules to compare with those of now.")],
    since: Annotated[str, typer.Option(help="Events received within this time.")] = "30d",
    as_json: AsJson = False,
) -> None:
    """Run recorded events through other rules and show what would differ. Nothing is sent."""
    old, new = usable(None), usable(rules)
    with opened() as hub:
        moment = since_ms(since, hub.clock.now()) or 0
        seqs = hub.database.read(lambda connection: journal.received_since(connection, moment))
        batches = [seqs[start : start + BATCH] for start in range(0, len(seqs), BATCH)]
        found = compare(hub.database, hub.contexts, old, new, progress(batches, "Going over the events"))
    if as_json:
        print_json(_document(found))
    else:
        say("\n".join(_text(found, since)))


def _kind(one: Difference) -> str:
    if one.before is None:
        return "added"
    return "dropped" if one.after is None else "changed"


def _rule(one: Difference) -> str:
    effect = one.after or one.before
    assert effect is not None
    return effect.rule


# --- For people -----------------------------------------------------------------------------------------------------


def _text(found: Comparison, since: str) -> Iterator[str]:
    yield f"Nothing is sent. {found.events} events of the last {since}; {found.same} effects are the same."
    if found.unknown:
        yield f"Left out: {found.unknown} for rules that need what was never read from Stripe."
    by_rule: dict[str, list[Difference]] = {}
    for one in found.differences:
        by_rule.setdefault(_rule(one), []).append(one)
    for rule, differences in by_rule.items():
        counts = Counter(map(_kind, differences))
        yield f"\n{rule}: {', '.join(f'{counts[kind]} {word}' for kind, word in _KINDS.items() if counts[kind])}"
        for kind in _KINDS:
            yield from _some([one for one in differences if _kind(one) == kind])
    if not found.differences:
        yield "\nThe new rules would have done just the same."


def _some(differences: Sequence[Difference]) -> Iterator[str]:
    for one in differences[:_SHOWN]:
        yield from _lines(one)
    if len(differences) > _SHOWN:
        yield f"    … and {len(differences) - _SHOWN} more like this"


def _lines(one: Difference) -> Iterator[str]:
    effect = one.after or one.before
    assert effect is not None
    item = f", entry {effect.item}" if effect.item else ""
    yield f"  order {effect.order}{item}:" if effect.order else f"  {effect.subject}{item}:"
    before, after = shown(one.before), shown(one.after)
    yield from (f"    - {line}" for line in before if line not in after)
    yield from (f"    + {line}" for line in after if line not in before)


# --- For programs ---------------------------------------------------------------------------------------------------


def _document(found: Comparison) -> dict[str, Any]:
    kinds: dict[str, list[dict[str, Any]]] = {kind: [] for kind in _KINDS}
    for one in found.differences:
        kinds[_kind(one)].append(
            {"rule": _rule(one), "before": _effect(one.before), "after": _effect(one.after)} | _about(one)
        )
    return {"events": found.events, "same": found.same, "unknown": found.unknown, **kinds}


def _about(one: Difference) -> dict[str, Any]:
    effect = one.after or one.before
    assert effect is not None
    return {"subject": effect.subject, "order": effect.order, "item": effect.item}


def _effect(effect: Effect | None) -> list[dict[str, Any]] | None:
    if effect is None:
        return None
    if effect.error:
        return [{"error": effect.error}]
    return [{"action": act.action, "settings": json.loads(json.dumps(act.sent, default=str))} for act in effect.acts]
