"""How much a file looks like rules, without understanding it: the judge between corrections that all can be read."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import yaml

_TOP = {"version", "shop", "connections", "accounts", "lists", "texts", "defaults", "include", "rules"}
_SHOP = {"name", "email", "timezone", "currency", "language", "business_hours", "alerts"}
_RULE = {
    "name", "when", "if", "for_each", "do", "on_error", "retry", "once_per", "delay", "enabled", "account", "tags",
    "note", "examples",
}  # fmt: skip
_STEP = {"id", "if", "for_each", "retry", "on_error", "note", "do", "else", "wait", "stop", "approve"}
_EXAMPLE = {"name", "given", "now", "with", "expect"}


def oddities(node: yaml.Node | None) -> int:
    """How many things are not where they belong; 0 for a file in good shape."""
    return sum(_top(node)) + _empty(node)


def _empty(node: yaml.Node | None) -> int:
    """Names with nothing behind or below them."""
    if isinstance(node, yaml.MappingNode):
        return sum(_empty(value) for _, value in node.value)
    if isinstance(node, yaml.SequenceNode):
        return sum(map(_empty, node.value))
    return int(isinstance(node, yaml.ScalarNode) and node.value == "" and node.style in {None, ""})


def _pairs(node: yaml.Node | None) -> list[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        return []
    return [(str(key.value), value) for key, value in node.value if isinstance(key, yaml.ScalarNode)]


def _is(node: yaml.Node, kind: type[yaml.Node]) -> int:
    """1 if it is something else."""
    return not isinstance(node, kind)


def _top(node: yaml.Node | None) -> Iterator[int]:
    pairs = _pairs(node)
    yield from _known(pairs, _TOP)
    yield not {"rules", "include"} & {name for name, _ in pairs}
    for name, value in pairs:
        if name in {"shop", "connections", "accounts", "lists", "texts", "defaults"}:
            yield _is(value, yaml.MappingNode)
        if name == "shop":
            yield from _known(_pairs(value), _SHOP)
        if name in {"connections", "defaults"}:
            yield from (_is(one, yaml.MappingNode) for _, one in _pairs(value))
        if name == "rules":
            yield from _rules(value)


def _known(pairs: list[tuple[str, yaml.Node]], names: Collection[str]) -> Iterator[int]:
    seen = set()
    for name, _ in pairs:
        yield (name not in names) + (name in seen)
        seen.add(name)


def _entries(node: yaml.Node) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _rules(node: yaml.Node) -> Iterator[int]:
    yield _is(node, yaml.SequenceNode)
    for rule in _entries(node):
        pairs = _pairs(rule)
        yield from _known(pairs, _RULE)
        yield len({"name", "when", "do"} - {name for name, _ in pairs})
        for name, value in pairs:
            if name in {"do", "on_error"}:
                yield from _steps(value)
            elif name == "examples":
                yield from _examples(value)
            elif name == "if":
                yield sum(inner in _RULE for inner, _ in _pairs(value))


def _steps(node: yaml.Node) -> Iterator[int]:
    yield _is(node, yaml.SequenceNode)
    for step in _entries(node):
        pairs = _pairs(step)
        actions = [value for name, value in pairs if "." in name]
        does = len(actions) + sum(name in {"do", "wait", "stop", "approve"} for name, _ in pairs)
        yield abs(does - 1) + sum("." not in name and name not in _STEP for name, _ in pairs)
        yield from (_is(value, yaml.MappingNode) for value in actions)
        for name, value in pairs:
            if name in {"do", "else"}:
                yield from _steps(value)
            if name == "approve":
                yield from (found for inner, told in _pairs(value) if inner == "tell" for found in _steps(told))


def _examples(node: yaml.Node) -> Iterator[int]:
    yield _is(node, yaml.SequenceNode)
    for example in _entries(node):
        yield from _known(_pairs(example), _EXAMPLE)
        yield len({"given", "expect"} - {name for name, _ in _pairs(example)})
