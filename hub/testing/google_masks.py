"""Field masks: what of an answer Google sends, ``sheets(properties.title,data/rowData(values))``.

https://developers.google.com/workspace/sheets/api/guides/field-masks
"""

from __future__ import annotations

import re
from typing import Any

_Mask = dict[str, "_Mask"]  #: empty: everything below


def masked(answer: Any, mask: str) -> Any:
    """``answer`` with nothing but what ``mask`` names; raises ``ValueError`` when it is no mask."""
    tokens = re.findall(r"[\w*]+|[(),./]", mask)
    if "".join(tokens) != mask.replace(" ", ""):
        raise ValueError(mask)
    tree = _several(tokens)
    if tokens:
        raise ValueError(mask)
    return _cut(answer, tree)


def _several(tokens: list[str]) -> _Mask:
    """Takes names separated by commas off the front of ``tokens``."""
    tree: _Mask = {}
    while True:
        _merge(tree, _one(tokens))
        if not tokens or tokens[0] != ",":
            return tree
        tokens.pop(0)


def _one(tokens: list[str]) -> _Mask:
    if not tokens or tokens[0] in "(),./":
        raise ValueError("a name is missing")
    name = tokens.pop(0)
    if tokens and tokens[0] in "./":
        tokens.pop(0)
        return {name: _one(tokens)}
    if not tokens or tokens[0] != "(":
        return {name: {}}
    tokens.pop(0)
    below = _several(tokens)
    if not tokens or tokens.pop(0) != ")":
        raise ValueError("a bracket is missing")
    return {name: below}


def _merge(tree: _Mask, other: _Mask) -> None:
    for name, below in other.items():
        if name in tree and tree[name] and below:
            _merge(tree[name], below)
        else:
            tree[name] = {} if name in tree else below


def _cut(value: Any, tree: _Mask) -> Any:
    if not tree or "*" in tree:
        return value
    if isinstance(value, list):
        return [_cut(one, tree) for one in value]
    if isinstance(value, dict):
        return {name: _cut(value[name], below) for name, below in tree.items() if name in value}
    return value
