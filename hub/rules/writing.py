"""Writing into a rules file without touching the rest of it: a rule is added, a connection is added.

Comments, blank lines and quotes of everything else stay as they are. Whatever is written is read again: when the file
then says anything but what it said before and the addition, it is left alone (None).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

#: Lines are not folded: what was typed on one line stays on one.
_WIDTH = 1_000_000


class _Writer(yaml.SafeDumper):
    """Lists are indented below their names, as in all examples; texts of several lines stand as typed."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _text(writer: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    lines = value.split("\n")
    is_plain = len(lines) > 1 and all(one.isprintable() and one == one.strip() for one in lines)
    style = "|" if is_plain else '"' if "{{" in value or not value.isprintable() else None
    return writer.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Writer.add_representer(str, _text)


def with_rule(text: str, rule: Mapping[str, Any]) -> str | None:
    """The file with one more rule at the end of its rules."""
    return _with(text, "rules", [rule])


def with_connection(text: str, name: str, settings: Mapping[str, Any]) -> str | None:
    """The file with one more connection."""
    return _with(text, "connections", {name: settings})


def _with(text: str, section: str, added: Any) -> str | None:
    try:
        before = _read(text) or {}
        root = yaml.compose(text, yaml.BaseLoader)
        after = _written(text, root, section, added)
        same = after is not None and _read(after) == _expected(before, section, added)
    except (yaml.YAMLError, TypeError):
        return None
    return after if same else None


def _read(text: str) -> Any:
    return yaml.load(text, yaml.BaseLoader)  # nothing but texts, lists and maps


def _expected(before: Mapping[str, Any], section: str, added: Any) -> Any:
    present = before.get(section)
    if not present:
        return {**before, section: added}
    return {**before, section: [*present, *added] if isinstance(added, list) else {**present, **added}}


def _written(text: str, root: yaml.Node | None, section: str, added: Any) -> str | None:
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    found = next((pair for pair in pairs if pair[0].value == section), None)
    if found is None:
        rules = next((key.start_mark.line for key, _ in pairs if key.value == "rules"), None)
        block = [f"{section}:\n", *_block(added, 2)]
        if rules is None:
            return "".join([*lines, "\n", *block])
        return "".join([*lines[:rules], *block, "\n", *lines[rules:]])
    key, node = found
    if not node.value:
        line = key.start_mark.line
        bare = lines[line].replace("[]", "", 1).replace("{}", "", 1).rstrip() + "\n"
        return "".join([*lines[:line], bare, *_block(added, 2), *lines[line + 1 :]])
    if not isinstance(node, yaml.CollectionNode) or node.flow_style:
        return None
    at = _below(node)
    gap = ["\n"] if isinstance(added, list) else []
    return "".join([*lines[:at], *gap, *_block(added, node.start_mark.column), *lines[at:]])


def _below(node: yaml.Node) -> int:
    """The line below the last one that belongs to the node."""
    while isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    end = node.end_mark
    return int(end.line if end.column == 0 else end.line + 1)


def _block(added: Any, indent: int) -> list[str]:
    written = yaml.dump(added, Dumper=_Writer, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return [" " * indent + line if line.strip() else line for line in written.splitlines(keepends=True)]
