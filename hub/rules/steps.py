"""Reading ``do:``: steps, blocks, waits, stops and approvals, taken apart into a flat list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hub.retry import RetryPolicy
from hub.rules import catalogue, keys, suggest
from hub.rules.action_step import ActionReader, settings_allowed
from hub.rules.actions import Actions
from hub.rules.approving import SETTINGS, ApprovalReader, Approved
from hub.rules.comparing import Run
from hub.rules.conditions import ALWAYS, Condition, ConditionReader
from hub.rules.connections import ConnectionSpec
from hub.rules.document import Entry, Items, Map, Node, Text
from hub.rules.scope import Scope, Uses
from hub.rules.settings import SettingReader
from hub.rules.slots import Slot, result_type
from hub.rules.step import Step
from hub.rules.step_parts import for_each, length, retry
from hub.rules.templates import Workshop
from hub.rules.types import ANY, Type

_BESIDE = ("id", "if", "for_each", "retry", "on_error", "note")
_BLOCK = ("if", "do", "else", "id", "note")
_CONTROL = ("wait", "stop", "approve")
_ID = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(slots=True)
class Names:
    """The ids of a rule's steps: all of them, and those that have been read so far."""

    everywhere: frozenset[str]
    known: dict[str, Type] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    has_examples: bool = False  #: among the steps, where they do not belong


@dataclass(frozen=True, slots=True)
class StepsReader:
    """Reads the steps of one rule."""

    workshop: Workshop
    actions: Actions
    connections: Mapping[str, ConnectionSpec]
    defaults: Mapping[str, Map]
    scope: Scope
    uses: Uses
    names: Names
    missing: set[str]  #: connectors that have no connection yet
    warned: set[str]  #: those that were told of, in any rule
    nested: bool = False  #: the rule itself goes through a list
    guards: tuple[tuple[str, bool], ...] = ()

    def read(self, entry: Entry, prefix: str = "") -> list[Step]:
        """The steps below ``do:``, ``else:`` or ``on_error:``; mistakes are reported."""
        nodes = self._list(entry)
        return [step for index, node in enumerate(nodes, 1) for step in self._step(node, f"{prefix}{index}")]

    def _list(self, entry: Entry) -> Sequence[Node]:
        node, name = entry.value, entry.key.value
        if isinstance(node, Items):
            return node.nodes
        if isinstance(node, Map) and node.entries:
            first = node.entries[0].key
            message = f"{name}: must be a list of steps. Each step starts with “- ”."
            if first.value.startswith("-"):
                message = "There is no space behind the “-”."
            hint = f"Write:  - {first.value.lstrip('- ')}:"
            self.workshop.problems.add("K05", first.place, message, hint)
            return ()
        place = entry.key.place if isinstance(node, Text) and node.is_empty else node.place
        hint = "Write:  - slack.message:  and its settings below it."
        self.workshop.problems.add("K10", place, f"There are no steps below “{name}:”.", hint)
        return ()

    def _step(self, node: Node, position: str) -> Iterator[Step]:
        if not isinstance(node, Map):
            hint = "Write the name of an action and a colon:  - slack.message:"
            self.workshop.problems.add("K03", node.place, "A step is an action with its settings below it.", hint)
            return
        if node.get("given") or node.get("expect"):
            self._example_among_steps(node)
            return
        if (node.get("do") or node.get("else")) is not None:
            yield from self._block(node, position)
            return
        found = self._what(node)
        if found is None:
            return
        beside = keys.known(self._beside(node, found), "A step", _BESIDE, self.workshop.problems)
        told = found.value.entry("tell") if found.key.value == "approve" and isinstance(found.value, Map) else None
        if told is None:
            yield self._one(node, found, beside, position)
        else:
            yield from self._told(node, found, beside, position, told)

    def _told(self, node: Map, what: Entry, beside: Mapping[str, Entry], position: str, tell: Entry) -> Iterator[Step]:
        """An approval that people are told of: its condition becomes a block around the telling and the asking."""
        if "for_each" in beside:
            message = "An approval with tell: cannot go through a list by itself."
            self.workshop.problems.add("K06", beside["for_each"].key.place, message, "Put for_each: at the rule.")
            return
        inside = self
        if "if" in beside:
            block = f"{position}.asks"
            uses = Uses()
            condition = self._condition(beside["if"], self.scope_here(), uses)
            self._merge(uses)
            reads = frozenset(uses.steps)
            yield Step(key=block, kind="if", place=node.place, condition=condition, guards=self.guards, reads=reads)
            inside = replace(self, guards=(*self.guards, (block, True)))
        asks = inside._one(node, what, {name: one for name, one in beside.items() if name != "if"}, position)
        teller = replace(inside, scope=self.scope.with_root("approval", catalogue.ROOTS["approval"]))
        before = {one: type_ for one, type_ in self.names.known.items() if one != asks.id}
        teller = replace(teller, names=replace(self.names, known=before))
        for step in teller.read(tell, f"{position}.tell."):
            if step.kind == "approve":
                message = "A question cannot be told with another question."
                self.workshop.problems.add("K06", step.place, message, "Put the other approve: above this one.")
            # What could not be told is a dead letter, and the question is at the console all the same.
            goes_on = "continue" if step.on_error == "stop" else step.on_error
            yield replace(step, tells_of=asks.key, on_error=goes_on)
        self.names.known.update(teller.names.known)
        yield asks

    def _example_among_steps(self, node: Map) -> None:
        if not self.names.has_examples:
            message = "This is an example, but it stands among the steps."
            self.workshop.problems.add("K09", node.place, message, "Write  examples:  above it, as deep as “do:”.")
        self.names.has_examples = True

    def _beside(self, node: Map, what: Entry) -> Map:
        """What stands beside the action; not its settings, where they should have been indented (A03 tells)."""
        action = self.actions.get(what.key.value)
        rest = tuple(one for one in node.entries if not _says_what(one))
        if action is None and what.key.value != "approve":
            return replace(node, entries=rest)
        allowed = SETTINGS if action is None else settings_allowed(action)
        lost = [one for one in rest if one.key.value in allowed and one.key.value not in _BESIDE]
        if not (isinstance(what.value, Text) and what.value.is_empty):
            self._move_below(what.key.value, lost)
        return replace(node, entries=tuple(one for one in rest if one not in lost))

    def _move_below(self, action: str, lost: Sequence[Entry]) -> None:
        """A03 where only some of an action's settings stand beside it."""
        if lost:
            names = ", ".join(one.key.value for one in lost)
            message = f"What belongs to {action} must be indented below it."
            self.workshop.problems.add("A03", lost[0].key.place, message, f"Move below {action}: {names}.")

    # --- Blocks ---

    def _block(self, node: Map, position: str) -> Iterator[Step]:
        entries = keys.known(node, "A block of steps", _BLOCK, self.workshop.problems)
        keys.missing(
            [name for name in ("if", "do") if name not in entries],
            "A block of steps",
            node.place,
            self.workshop.problems,
        )
        uses = Uses()
        condition = self._condition(entries.get("if"), self.scope_here(), uses)
        self._merge(uses)
        reads = frozenset(uses.steps)
        yield Step(
            key=position,
            kind="if",
            place=node.place,
            condition=condition,
            guards=self.guards,
            reads=reads,
        )
        for name, answer in (("do", True), ("else", False)):
            if name in entries:
                inside = replace(self, guards=(*self.guards, (position, answer)))
                yield from inside.read(entries[name], f"{position}.{name}.")

    def _condition(self, entry: Entry | None, scope: Scope, uses: Uses) -> Condition:
        if entry is None:
            return ALWAYS
        if isinstance(entry.value, Text) and entry.value.is_empty:
            hint = "For example:  if: order.total > 100"
            self.workshop.problems.add("K10", entry.key.place, "Nothing stands behind “if:”.", hint)
            return ALWAYS
        return ConditionReader(self.workshop, scope, uses).read(entry.value)

    def scope_here(self) -> Scope:
        return replace(
            self.scope, steps=dict(self.names.known), later_steps=self.names.everywhere - set(self.names.known)
        )

    def _merge(self, uses: Uses) -> None:
        self.uses.sources |= uses.sources

    # --- One step ---

    def _what(self, node: Map) -> Entry | None:
        """The entry that says what the step does; A and K problems when there is none, or several."""
        candidates = [one for one in node.entries if _says_what(one)]
        problems = self.workshop.problems
        if len(candidates) > 1:
            hint = "Start the second one with “- ” on a line of its own."
            names = " and ".join(one.key.value for one in candidates[:2])
            problems.add("K08", candidates[1].key.place, f"One step does one thing, but here are {names}.", hint)
            return candidates[0]
        if candidates:
            return candidates[0]
        named = next((one for one in node.entries if one.key.value not in _BESIDE and self._meant_action(one)), None)
        if named is not None:
            self._unknown_action(named)
        elif all(one.key.value in _BESIDE for one in node.entries):
            problems.add(
                "K02", node.place, "This step does nothing.", "Add an action:  slack.message:  and its settings."
            )
        else:
            keys.known(node, "A step", (*_BESIDE, *_CONTROL, "do", "else"), problems)
        return None

    def _meant_action(self, entry: Entry) -> str | None:
        name = entry.key.value
        if suggest.by_meaning("key", name, (*_BESIDE, "do", "else")):
            return None
        return suggest.closest("action", name, self.actions.names)

    def _unknown_action(self, entry: Entry) -> None:
        name = entry.key.value
        close = suggest.closest("action", name, self.actions.names)
        of_kind = list(self.actions.actions_of(name.partition(".")[0]))
        if close:
            hint = f"Did you mean “{close}”?"
        elif of_kind:
            hint = f"There is: {', '.join(of_kind)}."
        else:
            hint = f"There are: {', '.join(self.actions.names)}."
        self.workshop.problems.add("A01", entry.key.place, f"There is no action “{name}”.", hint)

    def _one(self, node: Map, what: Entry, beside: Mapping[str, Entry], position: str) -> Step:
        uses = Uses()
        scope, each = self._for_each(beside.get("for_each"), uses)
        condition = self._condition(beside.get("if"), scope, uses)
        key = self._id(beside.get("id")) or position
        step = Step(
            key=key,
            kind="action",
            place=node.place,
            id=key if key != position else None,
            condition=condition,
            guards=self.guards,
            retry=self._retry(beside.get("retry")),
            each=each,
        )
        if what.key.value in _CONTROL:
            step = self._control(step, node, what, scope, uses)
        else:
            step = self._action(step, node, what, scope, uses)
        on_error = self._on_error(beside.get("on_error"), key)
        self._merge(uses)
        return replace(step, on_error=on_error, reads=frozenset(uses.steps))

    def _for_each(self, entry: Entry | None, uses: Uses) -> tuple[Scope, Run | None]:
        scope = self.scope_here()
        if entry is None:
            return scope, None
        if self.nested:
            message = "The rule goes through a list already; a step inside it cannot go through another one."
            self.workshop.problems.add("K06", entry.key.place, message, "Remove for_each: here or at the rule.")
            return scope, None
        found = for_each(entry, scope, self.workshop, uses)
        return (scope, None) if found is None else (scope.with_root("item", found[1]), found[0])

    def _id(self, entry: Entry | None) -> str | None:
        text = None if entry is None else keys.as_text(entry, self.workshop.problems, "stock")
        if text is None:
            return None
        problems = self.workshop.problems
        if not _ID.fullmatch(text.value):
            hint = f"For example:  id: {_id_like(text.value)}"
            problems.add(
                "K06", text.place, "An id has small letters, digits and _ only, and begins with a letter.", hint
            )
        elif text.value in self.names.lines:
            line = self.names.lines[text.value]
            problems.add(
                "K04",
                text.place,
                f"Two steps have the id “{text.value}” (the other is on line {line}).",
                "Give each its own.",
            )
        else:
            self.names.lines[text.value] = text.place.line
            return text.value
        return None

    def _action(self, step: Step, node: Map, what: Entry, scope: Scope, uses: Uses) -> Step:
        action = self.actions.get(what.key.value)
        if action is None:
            self._unknown_action(what)
            self._remember(step, ANY)
            return step
        reader = ActionReader(self.workshop, self.connections, scope, uses, self.missing, self.warned)
        done = reader.read(step, action, what, self.defaults.get(action.name), node)
        self._remember(step, result_type(action.result))
        return done

    def _remember(self, step: Step, result: Type) -> None:
        if step.id is not None and step.each is None:
            self.names.known[step.id] = result

    def _control(self, step: Step, node: Map, what: Entry, scope: Scope, uses: Uses) -> Step:
        if what.key.value == "approve":
            approval = ApprovalReader(self.workshop, scope, uses).read(what, node)
            self._remember(step, result_type(Approved))
            return replace(step, kind="approve", approval=approval)
        text = keys.as_text(
            what, self.workshop.problems, "3 days" if what.key.value == "wait" else "the order is too small"
        )
        if what.key.value == "wait":
            return replace(
                step, kind="wait", wait=None if text is None else length(text, self.workshop, what.key.value)
            )
        reason = None if text is None else SettingReader(self.workshop, scope, uses).read(text, Slot("value"))
        return replace(step, kind="stop", reason=reason)

    def _retry(self, entry: Entry | None) -> RetryPolicy | None:
        return None if entry is None else retry(entry, self.workshop)

    def _on_error(self, entry: Entry | None, key: str) -> str | tuple[Step, ...]:
        if entry is None:
            return "stop"
        if not isinstance(entry.value, Text):
            return tuple(self.error_reader().read(entry, f"{key}.on_error."))
        if entry.value.value in {"stop", "continue"}:
            return entry.value.value
        close = suggest.by_spelling(entry.value.value, ("stop", "continue")) or "continue"
        hint = f"Write:  on_error: {close}   — or a list of steps."
        self.workshop.problems.add("K06", entry.value.place, "on_error can be stop, continue, or steps.", hint)
        return "stop"

    def error_reader(self) -> StepsReader:
        """Reads ``on_error:`` steps: they see ``error`` and the results that are there."""
        roots = {name: root for name, root in self.scope.roots.items() if name != "approval"}
        from_error = replace(self.scope, roots=roots).with_root("error", catalogue.ROOTS["error"])
        return replace(self, scope=from_error, guards=())


def _says_what(entry: Entry) -> bool:
    return entry.key.value in _CONTROL or "." in entry.key.value


def _id_like(text: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return plain if _ID.fullmatch(plain) else f"step_{plain}".rstrip("_")
