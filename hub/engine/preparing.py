"""Before anything is sent: a delivery's step is found, its context completed, its settings rendered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hub import keys
from hub.clock import Clock, to_datetime
from hub.connector import Params
from hub.engine import judging
from hub.engine.approval_links import ApprovalLinks
from hub.engine.contexts import Contexts
from hub.engine.planner import new_delivery
from hub.engine.rulebook import Rulebook
from hub.errors import EvaluationError, RulesError
from hub.model import Context, DeliveryState
from hub.rules.ruleset import Rule, RuleSet, Step, with_results
from hub.store import runs
from hub.store.claims import Work
from hub.store.database import Connection, Database
from hub.store.runs import Failed, NewRun
from hub.store.settling import Settled


@dataclass(frozen=True, slots=True)
class Ready:
    """A delivery whose step is known and whose context is complete."""

    work: Work
    ruleset: RuleSet
    rule: Rule
    step: Step
    context: Context

    @property
    def key(self) -> str:
        """The effect key."""
        return keys.effect_key(self.work.run_key, self.work.step)

    @property
    def tolerated(self) -> bool:
        """Whether the rule goes on when this step has failed."""
        return self.step.on_error == "continue"

    def failed(self, error: str, outcome: str) -> Settled:
        """The delivery as dead, with what the rule wants done about it."""
        return self.followed(judging.dead(self.work, error, outcome, self.tolerated))

    def followed(self, settled: Settled) -> Settled:
        """``settled``, with the run of the rule's ``on_error`` steps if the delivery has just died."""
        is_error_step = self.work.failed_delivery_id is not None
        if settled.state is not DeliveryState.DEAD or is_error_step:
            return settled
        run = self._error_run()
        return settled if run is None else replace(settled, on_error=run)

    def _error_run(self) -> NewRun | None:
        steps = self.rule.on_error_steps(self.step)
        if not steps:
            return None
        work = self.work
        return NewRun(
            key=keys.error_run_key(work.run_key, work.step),
            event_seq=work.event_seq,
            order_number=work.order_number,
            subject=work.subject,
            trigger=work.trigger,
            rule=work.rule,
            item=work.item,
            ruleset_id=work.ruleset_id,
            deliveries=[new_delivery(step, self.context) for step in steps],
            failed_delivery_id=work.id,
        )


class Preparer:
    """Prepares claimed deliveries. Safe to use from several threads."""

    def __init__(
        self, database: Database, rulebook: Rulebook, contexts: Contexts, clock: Clock, links: ApprovalLinks
    ) -> None:
        self._links = links
        self._database = database
        self._rulebook = rulebook
        self._contexts = contexts
        self._clock = clock

    def prepare(self, work: Sequence[Work]) -> list[Ready | Settled]:
        """Each delivery with its step and context, in order; or settled, when its rules cannot be found."""
        contexts = self._contexts.of({one.event_seq: one.order_number for one in work})
        moment = to_datetime(self._clock.now())
        return self._with_results([self._find(one, contexts, moment) for one in work])

    def _find(self, work: Work, contexts: Mapping[int, Context], moment: datetime) -> Ready | Settled:
        try:
            ruleset = self._rulebook.by_id(work.ruleset_id)
        except RulesError as error:
            return judging.dead(work, error.message, "rules", tolerated=False)
        rule = ruleset.rule(work.rule)
        step = None if rule is None else rule.step(work.step)
        if rule is None or step is None:
            return judging.dead(
                work, "The rule or step is not in the rules it was planned with.", "rules", tolerated=False
            )
        context = ruleset.complete(contexts[work.event_seq], now=moment)
        if step.tells_of is not None:
            context = {**context, "approval": {"link": self._links.link(work.run_id, step.tells_of)}}
        return Ready(work, ruleset, rule, step, rule.with_item(context, work.item))

    def _with_results(self, found: list[Ready | Settled]) -> list[Ready | Settled]:
        """Adds what earlier steps of the run answered, where a step asks for it, and the error it is about."""
        asking = [one for one in found if isinstance(one, Ready) and _asks(one)]
        if not asking:
            return found
        failed, results = self._database.read(lambda connection: _load(connection, [one.work for one in asking]))
        return [_add(one, failed, results) if isinstance(one, Ready) else one for one in found]


def _asks(ready: Ready) -> bool:
    return ready.step.uses_steps or ready.work.failed_delivery_id is not None


def _load(connection: Connection, work: Sequence[Work]) -> tuple[dict[int, Failed], dict[int, dict[str, Any]]]:
    failed = runs.failed(connection, {one.failed_delivery_id for one in work if one.failed_delivery_id is not None})
    wanted = {one.run_id for one in work} | {one.run_id for one in failed.values()}
    return failed, runs.results(connection, wanted)


def _add(ready: Ready, failed: Mapping[int, Failed], results: Mapping[int, dict[str, Any]]) -> Ready:
    cause = failed.get(ready.work.failed_delivery_id or 0)
    known = {} if cause is None else results.get(cause.run_id, {})
    context = with_results(ready.context, {**known, **results.get(ready.work.run_id, {})})
    if cause is not None:
        error = {"message": cause.error, "step": cause.step, "action": cause.action, "attempts": cause.attempts}
        context = {**context, "error": error}
    return replace(ready, context=context)


def render(ready: Ready) -> Params | Settled:
    """The rendered settings of a step; or that it is skipped; or dead, when they cannot be rendered."""
    try:
        if not ready.step.wanted(ready.context):
            return judging.skipped(ready.work)
        params: Params = ready.step.settings(ready.context)
    except EvaluationError as error:
        return ready.failed(str(error), "evaluation")
    return params
