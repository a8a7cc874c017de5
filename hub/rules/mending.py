"""Stub while the rest is written."""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from hub.rules.document import compose
from hub.rules.problems import Place, Problems


@dataclass
class Mended:
    node: yaml.Node | None
    lines: list[str]
    changed: bool


def mend(name: str, text: str, problems: Problems) -> Mended | None:
    try:
        return Mended(compose(text), text.split("\n"), False)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        problems.add(
            "Y10", Place(name, mark.line + 1 if mark else 1, mark.column + 1 if mark else 1), str(error.problem)
        )
        return None
