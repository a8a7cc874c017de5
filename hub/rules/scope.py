"""What can be named at a place in a rule, and what a name means there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from hub.rules import catalogue, stripe_types, suggest
from hub.rules.catalogue import Trigger
from hub.rules.document import Text
from hub.rules.types import Kind, Type
from hub.rules.values import Misread


@dataclass(frozen=True, slots=True)
class Root:
    """The first word of a path: its type, and what must be fetched before it is known."""

    type: Type
    source: str = "event"


@dataclass(slots=True)
class Uses:
    """What a rule or step turned out to need."""

    sources: set[str] = field(default_factory=set)
    steps: set[str] = field(default_factory=set)  #: ids of the steps whose results are read


@dataclass(frozen=True, slots=True)
class Scope:
    """Names at one place. ``triggers`` names the place in messages."""

    triggers: tuple[str, ...]
    roots: Mapping[str, Root]
    steps: Mapping[str, Type] = field(default_factory=dict)
    later_steps: frozenset[str] = frozenset()  #: ids that exist, but not yet at this place
    texts: Mapping[str, Text] = field(default_factory=dict)
    local: Mapping[str, Type] = field(default_factory=dict)  #: loop variables

    def with_root(self, name: str, type_: Type, source: str = "event") -> Scope:
        return replace(self, roots={**self.roots, name: Root(type_, source)})

    def with_local(self, **names: Type) -> Scope:
        return replace(self, local={**self.local, **names})


@dataclass(frozen=True, slots=True)
class Resolved:
    type: Type
    sources: frozenset[str] = frozenset()


def of_triggers(triggers: tuple[Trigger, ...], texts: Mapping[str, Text]) -> Scope:
    """The scope of a rule: with several triggers, only what all of them have."""
    names = [set(trigger.roots) for trigger in triggers]
    shared = set.intersection(*names) if names else set()
    roots = {name: Root(catalogue.ROOTS[name]) for name in catalogue.ALWAYS}
    objects = {trigger.object or stripe_types.object_of(trigger.name) for trigger in triggers}
    if len(objects) == 1:
        roots["raw"] = Root(stripe_types.raw_type(objects.pop()))
    for name in sorted(shared):
        sources = {trigger.roots[name] for trigger in triggers}
        roots[name] = Root(catalogue.ROOTS[name], next((one for one in sorted(sources) if one != "event"), "event"))
    return Scope(tuple(trigger.name for trigger in triggers), roots, texts=texts)


def with_steps(scope: Scope, steps: Mapping[str, Type]) -> Scope:
    """The scope behind these steps."""
    return replace(scope, steps=steps)


Parts = tuple[str | int, ...]


def resolve(parts: Parts, scope: Scope) -> Resolved:
    """The type of a path and what it takes to know it; raises :class:`Misread`."""
    first = parts[0]
    if first in scope.local:
        return _walk(parts, 1, scope.local[str(first)], frozenset(), scope)
    if first == "steps":
        return _step(parts, scope)
    root = scope.roots.get(str(first))
    if root is None:
        raise _unknown_root(parts, scope)
    sources = frozenset() if root.source == "event" else frozenset({root.source})
    return _walk(parts, 1, root.type, sources, scope)


def _walk(parts: Parts, at: int, type_: Type, sources: frozenset[str], scope: Scope) -> Resolved:
    for index in range(at, len(parts)):
        part = parts[index]
        found = type_.fields.get(str(part))
        if found is not None:
            type_ = found.type
            if found.source != "event":
                sources |= {found.source}
        elif type_.open is not None:
            type_ = type_.open
        elif type_.kind is Kind.LIST and isinstance(part, int) and type_.element is not None:
            type_ = type_.element
        elif type_.kind is not Kind.ANY or type_.fields:
            raise _unknown_field(parts, index, type_, scope)
    return Resolved(type_, sources)


def _step(parts: Parts, scope: Scope) -> Resolved:
    if len(parts) == 1:
        raise Misread(
            "X02", "“steps” needs the id of a step and one of its results.", f"For example  {_example_step(scope)}"
        )
    result = scope.steps.get(str(parts[1]))
    if result is None:
        raise _unknown_step(parts, scope)
    return _walk(parts, 2, result, frozenset(), scope)


def _example_step(scope: Scope) -> str:
    for name, result in scope.steps.items():
        for one in result.fields:
            return f"steps.{name}.{one}"
    return "steps.stock.left"


def _unknown_step(parts: Parts, scope: Scope) -> Misread:
    name = str(parts[1])
    if name in scope.later_steps:
        return Misread(
            "X02", f"The step “{name}” comes later, so its result is not known here.", "Move this step below it."
        )
    close = suggest.by_spelling(name, scope.steps)
    if close is not None:
        return Misread(
            "X02", f"We do not know “steps.{name}”.", f"Did you mean “{_joined(('steps', close, *parts[2:]))}”?"
        )
    hint = (
        f"Steps with an id here: {', '.join(scope.steps)}."
        if scope.steps
        else f"Give the earlier step a name:  id: {name}"
    )
    return Misread("X02", f"We do not know “steps.{name}”.", hint)


def _unknown_root(parts: Parts, scope: Scope) -> Misread:
    first, path = str(parts[0]), _joined(parts)
    if first in catalogue.ROOTS:
        return _not_here(first, scope)
    meant = _meant(path, scope)
    if meant is None and len(parts) > 1:
        close = suggest.by_spelling(first, (*scope.local, *scope.roots, "steps"), 0.7)
        meant = close and _joined((close, *parts[1:]))
    if meant is not None:
        return Misread("X02", f"We do not know “{first if len(parts) == 1 else path}”.", f"Did you mean “{meant}”?")
    if len(parts) == 1:
        return _bare_word(first, scope)
    return Misread("X02", f"We do not know “{first}”.", f"Available here: {', '.join(available(scope))}.")


def _bare_word(word: str, scope: Scope) -> Misread:
    if word in {"yes", "no"}:
        right = "true" if word == "yes" else "false"
        return Misread(
            "X02", f"“{word}” is not known in an expression.", f"Write  {right}   — or, for text, '{word}' in quotes."
        )
    if word.isupper():
        return Misread("X02", f"We do not know “{word}”.", f"If it is text, put it in quotes:  '{word}'")
    close = suggest.by_spelling(word, (*scope.local, *scope.roots), 0.75)
    hint = f"Did you mean “{close}”?" if close else f"If it is text, put it in quotes:  '{word}'"
    return Misread("X02", f"We do not know “{word}”.", hint)


def _not_here(root: str, scope: Scope) -> Misread:
    here = f"Available here: {', '.join(available(scope))}."
    if root == "item":
        return Misread(
            "X03", "“item” is only available inside a loop.", "Add  for_each: order.items  to the rule or step."
        )
    if root == "approval":
        hint = "Put the step that uses it below  tell:  of the approval."
        return Misread("X03", "“approval” can only be used in the steps below  tell:.", hint)
    if root == "error":
        return Misread("X03", "“error” is only available below “on_error:”.", here)
    where = (
        "all of: " + ", ".join(scope.triggers)
        if len(scope.triggers) > 1
        else f"“{scope.triggers[0]}”"
        if scope.triggers
        else "this rule"
    )
    return Misread("X03", f"“{root}” is not available for {where}.", here)


def available(scope: Scope) -> Iterator[str]:
    """The roots of a scope in the order in which people are told."""
    first = [name for name in catalogue.ALWAYS if name != "raw"]
    yield from first
    yield from sorted(name for name in scope.roots if name not in catalogue.ALWAYS)
    yield "steps"


def _unknown_field(parts: Parts, index: int, type_: Type, scope: Scope) -> Misread:
    path, wrong = _joined(parts[: index + 1]), str(parts[index])
    base = _joined(parts[:index])
    if type_.kind is Kind.LIST:
        return Misread(
            "X02", f"“{base}” is a list; its entries have no common “{wrong}”.", _list_hint(base, wrong, type_)
        )
    close = _meant(path, scope) or _sibling(wrong, base, type_)
    if close is not None:
        return Misread("X02", f"We do not know “{path}”.", f"Did you mean “{_joined((close, *parts[index + 1 :]))}”?")
    if type_.fields:
        return Misread("X02", f"We do not know “{path}”.", f"“{base}” has: {', '.join(type_.fields)}.")
    return Misread("X02", f"“{base}” is {type_.kind} and has no “{wrong}”.", f"Write only  {base}")


def _sibling(wrong: str, base: str, type_: Type) -> str | None:
    close = suggest.by_spelling(wrong, type_.fields)
    return None if close is None else f"{base}.{close}"


def _list_hint(base: str, wrong: str, type_: Type) -> str:
    if type_.element is not None and wrong in type_.element.fields:
        return f"Go through it:  {{% for item in {base} %}}{{{{ item.{wrong} }}}}{{% endfor %}}"
    return f"Use a filter:  {{{{ {base} | join(', ') }}}}"


def _meant(path: str, scope: Scope) -> str | None:
    """The known path that other tools call ``path``, if it can be used here."""
    return suggest.by_meaning("field", path, _Paths(scope))


class _Paths:
    """All paths of a scope."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __contains__(self, path: object) -> bool:
        parts = str(path).split(".")
        root = self._scope.roots.get(parts[0])
        type_ = None if root is None else root.type
        for part in parts[1:]:
            found = None if type_ is None else type_.fields.get(part)
            type_ = None if found is None else found.type
        return type_ is not None


def _joined(parts: Parts) -> str:
    return ".".join(map(str, parts))


#: A function that places a Problem found at an offset of a text.
Report = Callable[[str, int, str, str], None]
