"""docs/scenarios.md, held against the tests it names."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent.parent
PAGE = (TESTS.parent / "docs" / "scenarios.md").read_text("utf-8")
ROWS = [[cell.strip() for cell in line.split(" | ")] for line in PAGE.splitlines() if re.match(r"\| \d+ \|", line)]


def named() -> set[tuple[str, str]]:
    """The tests that the page names, each with its file."""
    found = set()
    for row in ROWS:
        for part in row[2].removesuffix(" |").split("<br>"):
            file, *tests = re.findall(r"`([^`]+)`", part) or [""]
            found |= {(file, test) for test in tests}
    return found


def existing() -> set[tuple[str, str]]:
    """All tests that carry a scenario's number."""
    found = set()
    for file in TESTS.rglob("test_*.py"):
        for name, number in re.findall(r"^def (test_(\d+)_\w+)", file.read_text("utf-8"), re.M):
            if int(number) <= 54:
                found.add((str(file.relative_to(TESTS)), name))
    return found


def test_the_page_has_every_scenario_once() -> None:
    assert [int(row[0].strip("| ")) for row in ROWS] == list(range(1, 55))


def test_every_scenario_names_a_test_that_exists() -> None:
    assert [row[0] for row in ROWS if "`test_" not in row[2]] == []
    assert named() - existing() == set()


def test_every_test_that_carries_a_scenarios_number_is_named() -> None:
    assert existing() - named() == set()
