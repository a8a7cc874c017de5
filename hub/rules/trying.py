"""What would happen: a rule run over a context with pretended answers, through the functions that real runs use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub.errors import EvaluationError
from hub.model import Context
from hub.rules.approving import Approved
from hub.rules.conditions import Seen
from hub.rules.ruleset import DELAY, DELAYED_IF, Explanation, Rule, Step, StepPlan, with_results
from hub.rules.slots import result_type
from hub.rules.step import entries_of
from hub.rules.types import Kind

#: Pretended stocks and pools: nothing is nearly sold out unless an example says so.
_PLENTY = 1000
_APPROVAL = {"link": "(the link to this approval)"}


@dataclass(frozen=True, slots=True)
class Pretended:
    """Answers that ``with:`` gives to steps, by id; ``fails`` are errors."""

    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fails: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TriedStep:
    """One step. ``settings`` as their author reads them, ``sent`` as they would leave the hub."""

    key: str
    act: str  #: the action's name, wait, stop or approve
    id: str | None
    runs: bool
    because: Seen | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    sent: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """One run, or why there is none. ``error``: a condition that could not be answered."""

    item: str
    why: Explanation
    steps: tuple[TriedStep, ...] = ()
    error: str = ""

    @property
    def acting(self) -> list[TriedStep]:
        """The steps that act, in order."""
        return [step for step in self.steps if step.runs]


def rehearse(rule: Rule, context: Context, pretended: Pretended) -> list[Tried]:
    """What ``rule`` would do with a completed context: one entry, or one per item of its list."""
    try:
        contexts = [("", context)] if rule.each is None else _items(rule, context)
        plans = {plan.item: plan.steps for plan in rule.plan(context)}
    except EvaluationError as error:
        return [Tried("", Explanation(False, None), error=str(error))]
    return [_tried(rule, item, seen, plans.get(item), pretended) for item, seen in contexts]


def _items(rule: Rule, context: Context) -> list[tuple[str, Context]]:
    assert rule.each is not None
    return [(item, rule.with_item(context, item)) for item, _ in entries_of(rule.each, context)]


def _tried(rule: Rule, item: str, context: Context, steps: Sequence[StepPlan] | None, pretended: Pretended) -> Tried:
    why = rule.explain(context)
    if steps is None or not why.met:
        return Tried(item, why)
    return Tried(item, why, tuple(_Rehearsal(rule, context, pretended).run(steps)))


class _Rehearsal:
    """One run of a rule."""

    def __init__(self, rule: Rule, context: Context, pretended: Pretended) -> None:
        self._rule = rule
        self._context = {**context, "approval": _APPROVAL}
        self._pretended = pretended
        self._results: dict[str, Mapping[str, Any]] = {}
        self._blocks: dict[str, Seen | None] = {}

    def run(self, steps: Sequence[StepPlan]) -> Iterator[TriedStep]:
        """The steps in order, up to a stop or a failure; then what a failure brings about."""
        for plan in steps:
            step = plan.step
            if step.key in {DELAY, DELAYED_IF}:
                self._results[step.key] = {"met": True}
                continue
            context = with_results(self._context, self._results)
            if step.kind == "if":
                self._block(step, context)
                continue
            tried = self._step(step, context)
            yield tried
            if step.kind == "approve" and step.id in self._pretended.fails:
                return  # refused: the rest is cancelled, and nothing has failed
            if tried.error and step.on_error != "continue":
                yield from self._failed(step, tried)
                return
            if tried.runs and step.kind == "stop":
                return

    def _block(self, step: Step, context: Context) -> None:
        self._blocks[step.key] = step.explain(context)
        self._results[step.key] = {"met": step.wanted(context)}

    def _step(self, step: Step, context: Context) -> TriedStep:
        act = step.kind if step.action is None else step.action.name
        try:
            because = step.explain(context) or next((self._blocks.get(block) for block, _ in step.guards[::-1]), None)
            if not step.wanted(context):
                return TriedStep(step.key, act, step.id, runs=False, because=because)
            settings, sent = self._rendered(step, context)
        except EvaluationError as error:
            return TriedStep(step.key, act, step.id, runs=True, error=str(error))
        failure = self._pretended.fails.get(step.id or "", "")
        self._results[step.key] = self._answer(step)
        return TriedStep(step.key, act, step.id, True, because, settings, sent, failure)

    def _rendered(self, step: Step, context: Context) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        if step.approval is not None:
            return step.asks(context), step.asks(context)
        if step.action is None:
            shown = {} if step.reason is None else {"reason": step.reason.render(context, False)}
            return shown, shown
        params: Any = step.settings(context)
        return step.as_read(context), step.action.preview(params)

    def _answer(self, step: Step) -> Mapping[str, Any]:
        """Everything went fine, unless the example says otherwise."""
        if step.action is None and step.approval is None:
            return {}
        given = self._pretended.results.get(step.id or "", {})
        fields = result_type(Approved if step.action is None else step.action.result).fields
        fine = {name: _pretended(name, one.type.kind, one.sample, step.key) for name, one in fields.items()}
        return {**fine, **given}

    def _failed(self, step: Step, tried: TriedStep) -> Iterator[TriedStep]:
        error = {"message": tried.error, "step": step.key, "action": tried.act, "attempts": 1}
        self._context = {**self._context, "error": error}
        yield from self.run(self._rule.on_error_steps(step))


def _pretended(name: str, kind: Kind, sample: str, key: str) -> Any:
    match kind:
        case Kind.NUMBER:
            number = int(sample) if sample.isdigit() else 1
            return max(number, _PLENTY) if name in {"left", "before"} else number
        case Kind.YES_NO:
            return True
        case Kind.GROUP | Kind.ANY:
            return {}
        case Kind.LIST:
            return []
        case _:
            return f"({name} from step {key})"


# --- Conditions in lines --------------------------------------------------------------------------------------------


def condition_lines(seen: Seen, *, only_unmet: bool = False) -> list[str]:
    """A condition with what it saw, one line each: ``✗ order.total: over 2000 USD   (was USD 1500)``."""
    parts = seen.children if seen.text == "all:" else (seen,)
    shown = [part for part in parts if not (only_unmet and part.met)]
    return [line for part in shown for line in _lines(part, "")]


def _lines(seen: Seen, margin: str) -> Iterator[str]:
    mark = "✓" if seen.met else "✗"
    was = "" if seen.was is None else f"   ({was_words(seen.was)})"
    yield f"{margin}{mark} {seen.text}{was}"
    for child in seen.children:
        yield from _lines(child, f"{margin}  ")


def was_words(was: str) -> str:
    return f"was {was}" if was else "is empty"
