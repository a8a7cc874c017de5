"""``hub explain``: why each rule ran for an order, or did not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from hub.cli.open_ import opened
from hub.cli.orders import find_order
from hub.cli.output import AsJson, no, print_json, say, when
from hub.cli.rules_file import rule_called, usable
from hub.cli.try_ import seen_document
from hub.engine.explaining import Answer, Look, explain
from hub.model import Order
from hub.rules.trying import condition_lines


def explain_(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The Checkout Session (cs_…) or the number.")],
    rule: Annotated[str | None, typer.Option(help="Only this rule.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say why each rule ran for an order, or did not."""
    ruleset = usable(None)
    wanted = None if rule is None else rule_called(ruleset, rule).name
    with opened() as hub:
        found = hub.database.read(lambda connection: find_order(connection, order))
        if found is None:
            raise no(f"There is no order {order}. List them with  hub orders")
        answers = explain(hub.database, hub.contexts, ruleset, found)
    shown = [one for one in answers if wanted is None or one.rule == wanted]
    if as_json:
        print_json([_document(one) for one in shown])
    else:
        say("\n".join(_text(found, shown)))


def _text(order: Order, answers: list[Answer]) -> Iterator[str]:
    yield f"Order {order.number}  {order.state}  {order.id}"
    for answer in answers:
        yield f"\n{'✓' if answer.ran else '✗'} {answer.rule}"
        if answer.because:
            yield f"    {answer.because}"
        for line in answer.deliveries:
            reason = f"   {line.error}" if line.error else ""
            yield f"    {when(line.updated_at)}  {line.state}  {line.action}{reason}"
        for look in answer.looks:
            yield from _look(look)


def _look(look: Look) -> Iterator[str]:
    yield f"    {look.trigger} ({look.event}): {look.because}"
    for item, seen in look.seen.items():
        if item:
            yield f"      for the entry {item}:"
        for line in condition_lines(seen):
            yield f"      {line}"


def _document(answer: Answer) -> dict[str, Any]:
    return {
        "rule": answer.rule,
        "ran": answer.ran,
        "because": answer.because,
        "deliveries": [line.id for line in answer.deliveries],
        "events": [
            {
                "event": look.event,
                "trigger": look.trigger,
                "because": look.because,
                "conditions": [{"item": item, **seen_document(seen)} for item, seen in look.seen.items()],
            }
            for look in answer.looks
        ],
    }
