"""Every line of the example files deleted, doubled, shifted, stripped: one message in the right place, no traceback.

The test makes every third change of each line, another third for the line after it.
All of them, in about a minute:  ``python -m tests.unit.rules.test_mutations``
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hub.model import Problem, Severity
from hub.rules.load import load_texts
from tests.unit.rules.actions import Known

EXAMPLES = sorted((Path(__file__).parents[3] / "docs" / "examples").glob("*.yaml"))


def mutants(text: str, share: int) -> Iterator[tuple[int, str]]:
    """Changed files, each with the line (from 1) that was changed; one in ``share`` of the changes of each line."""
    lines = text.split("\n")
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        changed = [[], [line, line], [f" {line}"]]
        if line.startswith(" "):
            changed.append([line[1:]])
        if ":" in line:
            changed.append([line.replace(":", "", 1)])
        if '"' in line:
            changed.append([line.replace('"', "", 1)])
        for new in changed[index % share :: share]:
            yield index + 1, "\n".join([*lines[:index], *new, *lines[index + 1 :]])


def problems(text: str) -> list[Problem]:
    found = load_texts({"rules.yaml": text}, Known(), {}).problems
    return [one for one in found if one.severity is Severity.PROBLEM]


def judged(share: int) -> Counter[str]:
    """How many of the mutants that are wrong get one message, near the change, and how many do not."""
    count: Counter[str] = Counter()
    for path in EXAMPLES:
        for line, text in mutants(path.read_text("utf-8"), share):
            found = problems(text)
            if found:
                is_near = found[0].line in {line, line + 1}
                count["wrong"] += 1
                count["one"] += len(found) == 1
                count["one, near"] += len(found) == 1 and is_near
    return count


def test_at_least_nine_in_ten_mutants_that_are_wrong_get_one_message_in_the_right_place() -> None:
    count = judged(share=3)
    assert count["wrong"] > 1_000
    assert count["one, near"] / count["wrong"] >= 0.9, count
    assert count["one"] / count["wrong"] >= 0.98, count


if __name__ == "__main__":
    print(judged(share=1))
