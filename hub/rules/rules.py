"""Reading one rule: its keys, its scope, its steps, and whether it can run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hub.retry import RetryPolicy
from hub.rules import catalogue, keys, once, step_parts, stripe_types, suggest
from hub.rules import scope as scopes
from hub.rules.actions import Actions
from hub.rules.catalogue import Trigger
from hub.rules.comparing import Run
from hub.rules.conditions import ALWAYS, Condition, ConditionReader
from hub.rules.connections import ConnectionSpec
from hub.rules.document import Entry, Items, Map, Text
from hub.rules.examples import Example, ExampleReader
from hub.rules.problems import Flaw
from hub.rules.ruleset import Held, Rule, Step
from hub.rules.scope import Scope, Uses
from hub.rules.steps import Names, StepsReader
from hub.rules.templates import Workshop
from hub.rules.types import Type

KEYS = (
    "name", "when", "if", "for_each", "do", "on_error", "retry", "once_per", "delay", "enabled", "account", "tags",
    "note", "examples",
)  # fmt: skip

_SWITCH = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}


@dataclass(slots=True)
class Shared:
    """What the rules of one file set have in common."""

    workshop: Workshop
    actions: Actions
    connections: Mapping[str, ConnectionSpec]
    texts: Mapping[str, Text]
    defaults: Mapping[str, Map]
    accounts: Mapping[str, str]  #: ids by name
    flaws: list[Flaw]
    named: dict[str, tuple[str, int]] = field(default_factory=dict)  #: file and line by rule name
    warned: set[str] = field(default_factory=set)  #: connectors without a connection that were told of


class RuleReader:
    """Reads one rule."""

    def __init__(self, shared: Shared, node: Map) -> None:
        self._shared = shared
        self._problems = shared.workshop.problems
        self._node = node
        self._uses = Uses()
        self._missing: set[str] = set()
        self._names = Names(frozenset())

    def read(self) -> Rule:
        """The rule; with a Problem it is held."""
        label = self._label()
        with self._problems.within(label):
            is_spoilt = self._claim_flaws()
            rule = self._head(label) if is_spoilt else self._rule(label)
        held = self._held(label, rule)
        return replace(rule, held=held) if held else rule

    # --- Name and faults ---

    def _label(self) -> str:
        """The rule's name, made unique if it is missing or taken."""
        name = self._node.get("name")
        line = self._node.place.line
        if not isinstance(name, Text) or not name.value:
            return f"(rule on line {line})"
        return f"{name.value} (line {line})" if name.value in self._shared.named else name.value

    def _claim_flaws(self) -> bool:
        """What was noticed while the lines of this rule were read belongs to it; whether it can be read at all."""
        first, last = self._node.place.line, self._node.end[0] + 1
        found = [flaw for flaw in self._shared.flaws if flaw.place.file == self._node.place.file]
        own = [flaw for flaw in found if first <= flaw.place.line <= last]
        for flaw in own:
            self._problems.add_flaw(flaw)
            self._shared.flaws.remove(flaw)
        return any(flaw.spoils for flaw in own)

    def _head(self, label: str) -> Rule:
        """A rule of which nothing more can be said."""
        return Rule(name=label, place=self._node.place)

    def _held(self, label: str, rule: Rule) -> Held | None:
        reason = self._problems.spoilt.get(label)
        if reason is not None:
            return Held(reason, missing_connection=False)
        if self._missing:
            kinds = ", ".join(sorted(self._missing))
            return Held(f"There is no connection for {kinds}. Add it under “connections:”.", missing_connection=True)
        used = {step.connection for step in rule.every_step() if step.connection}
        unset = sorted({name for one in used for name in self._shared.connections[one].unset})
        if unset:
            verb, what = ("is", "it") if len(unset) == 1 else ("are", "them")
            return Held(f"{', '.join(unset)} {verb} not set. Add {what} to .env.", missing_connection=True)
        return None

    # --- Keys ---

    def _rule(self, label: str) -> Rule:
        entries = keys.known(self._node, "A rule", KEYS, self._problems)
        self._check_name(entries.get("name"))
        needed = [name for name in ("name", "when", "do") if name not in entries]
        keys.missing(needed, "A rule", self._node.place, self._problems)
        triggers, meant = self._triggers(entries.get("when"))
        rule = replace(
            self._head(label),
            triggers=tuple(one.name for one in triggers),
            enabled=self._enabled(entries.get("enabled")),
            retry=self._retry(entries.get("retry")),
            delay=self._delay(entries.get("delay")),
            accounts=self._accounts(entries.get("account")),
            tags=self._tags(entries.get("tags")),
            note=self._text(entries.get("note")),
        )
        if not meant:
            return rule  # nothing can be said about fields of an unknown event
        return self._with_steps(rule, entries, scopes.of_triggers(tuple(meant), self._shared.texts))

    def _with_steps(self, rule: Rule, entries: Mapping[str, Entry], scope: Scope) -> Rule:
        each, inner = self._for_each(entries.get("for_each"), scope)
        condition = self._condition(entries.get("if"), inner)
        reader = self._steps_reader(inner, entries)
        steps = tuple(reader.read(entries["do"])) if "do" in entries else ()
        errors = tuple(reader.error_reader().read(entries["on_error"], "on_error.")) if "on_error" in entries else ()
        once_per = (
            once.read(entries["once_per"], inner, self._shared.workshop, self._uses) if "once_per" in entries else None
        )
        for_each = entries["for_each"].value if each else None
        rule = replace(
            rule,
            condition=condition,
            for_each=for_each.value if isinstance(for_each, Text) else None,
            each=each,
            steps=steps,
            error_steps=errors,
            once_per=once_per,
            needs=frozenset(self._uses.sources - {"event"}),
        )
        return replace(rule, examples=self._examples(entries.get("examples"), rule, inner))

    def _steps_reader(self, scope: Scope, entries: Mapping[str, Entry]) -> StepsReader:
        do = entries["do"].value if "do" in entries else None
        self._names = Names(frozenset(step_parts.every_id(do.nodes if isinstance(do, Items) else ())))
        shared = self._shared
        return StepsReader(
            workshop=shared.workshop,
            actions=shared.actions,
            connections=shared.connections,
            defaults=shared.defaults,
            scope=scope,
            uses=self._uses,
            names=self._names,
            missing=self._missing,
            warned=shared.warned,
            nested="for_each" in entries,
        )

    def _check_name(self, entry: Entry | None) -> None:
        text = None if entry is None else keys.as_text(entry, self._problems, "Tell the team")
        if text is None:
            return
        first = self._shared.named.get(text.value)
        if first is None:
            self._shared.named[text.value] = (text.place.file, self._node.place.line)
            return
        file, line = first
        where = f"line {line}" if file == text.place.file else f"line {line} of {file}"
        message = f"Two rules are called “{text.value}” (the other is on {where})."
        self._problems.add("K04", text.place, message, "Give each rule its own name.")

    # --- When ---

    def _triggers(self, entry: Entry | None) -> tuple[list[Trigger], list[Trigger]]:
        """Those that are named, and with them those that were meant, so that the rest of the rule is checked too."""
        found: dict[str, Trigger] = {}
        meant: dict[str, Trigger] = {}
        for text in keys.as_texts(entry, self._problems, "order paid") if entry else []:
            trigger = self._trigger(text.value)
            if trigger is None:
                trigger = self._unknown(text)
            elif trigger.name in found:
                self._problems.add("T02", text.place, f"“{trigger.name}” is named twice.", "Remove one of them.")
            else:
                found[trigger.name] = trigger
            if trigger is not None:
                meant[trigger.name] = trigger
        return list(found.values()), list(meant.values())

    def _trigger(self, name: str) -> Trigger | None:
        found = catalogue.trigger(name)
        return found if name in catalogue.TRIGGERS or stripe_types.is_known(name) else None

    def _unknown(self, text: Text) -> Trigger | None:
        """Tells it; the trigger that was probably meant."""
        name = text.value
        close = suggest.closest("trigger", name, catalogue.TRIGGERS) if "." not in name else stripe_types.closest(name)
        hint = f"Did you mean “{close}”?" if close else "All of them:  hub triggers"
        kind = "Stripe has no event" if "." in name else "There is no trigger"
        self._problems.add("T01", text.place, f"{kind} “{name}”.", hint)
        return catalogue.trigger(close) if close else None

    # --- If and for_each ---

    def _for_each(self, entry: Entry | None, scope: Scope) -> tuple[Run | None, Scope]:
        if entry is None:
            return None, scope
        found = step_parts.for_each(entry, scope, self._shared.workshop, self._uses)
        if found is None:
            # “item” is known all the same: its absence would be a second message about one mistake.
            return None, scope.with_root("item", catalogue.ITEM)
        run, element = found
        return run, scope.with_root("item", element)

    def _condition(self, entry: Entry | None, scope: Scope) -> Condition:
        if entry is None:
            return ALWAYS
        if isinstance(entry.value, Text) and entry.value.is_empty:
            hint = "For example:  order.total: over 100 USD   on a line of its own below it."
            self._problems.add("K10", entry.key.place, "Nothing stands below “if:”.", hint)
            return ALWAYS
        return ConditionReader(self._shared.workshop, scope, self._uses).read(entry.value)

    # --- The other keys ---

    def _enabled(self, entry: Entry | None) -> bool:
        text = None if entry is None else keys.as_text(entry, self._problems, "yes")
        if text is None:
            return True
        if text.value.lower() not in _SWITCH:
            self._problems.add(
                "K06", text.place, f"“{text.value}” is neither yes nor no.", "Write:  enabled: yes   — or no"
            )
        return _SWITCH.get(text.value.lower(), True)

    def _retry(self, entry: Entry | None) -> RetryPolicy | None:
        return None if entry is None else step_parts.retry(entry, self._shared.workshop)

    def _delay(self, entry: Entry | None) -> timedelta | None:
        text = None if entry is None else keys.as_text(entry, self._problems, "2 days")
        return None if text is None else step_parts.length(text, self._shared.workshop, "delay")

    def _accounts(self, entry: Entry | None) -> frozenset[str] | None:
        if entry is None:
            return None
        found = set()
        known = self._shared.accounts
        for text in keys.as_texts(entry, self._problems, "farm"):
            if text.value in known:
                found.add(known[text.value])
                continue
            close = suggest.by_spelling(text.value, known)
            hint = f"Did you mean “{close}”?" if close else f"Add it to accounts:  {text.value}: acct_…"
            message = f"There is no account called “{text.value}”."
            self._problems.add("K06", text.place, message, hint, named_elsewhere=True)
        return frozenset(found)

    def _tags(self, entry: Entry | None) -> tuple[str, ...]:
        return () if entry is None else tuple(one.value for one in keys.as_texts(entry, self._problems, "[shipping]"))

    def _text(self, entry: Entry | None) -> str:
        text = None if entry is None else keys.as_text(entry, self._problems)
        return text.value if text else ""

    # --- Examples ---

    def _examples(self, entry: Entry | None, rule: Rule, scope: Scope) -> tuple[Example, ...]:
        if entry is None:
            return ()
        is_spoilt = rule.name in self._problems.spoilt
        acting = None if is_spoilt else frozenset(_act(step) for step in rule.every_step() if step.kind != "if")
        everything: dict[str, Type] = dict(self._names.known)
        inner = replace(scope, steps=everything)
        return ExampleReader(self._shared.workshop, self._shared.actions, inner, acting).read(entry)


def _act(step: Step) -> str:
    return step.kind if step.action is None else step.action.name
