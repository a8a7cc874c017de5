"""Lines that stand at the wrong depth: where they may belong, one by one or as a block."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hub.rules.line_mistakes import Fix


def before(lines: Sequence[str], index: int, count: int) -> Iterator[int]:
    """The nearest lines with content above one."""
    for line in range(index - 1, -1, -1):
        if _has_content(lines[line]):
            yield line
            count -= 1
            if not count:
                return


def _has_content(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _text_column(line: str) -> int:
    """Where a line's text begins, behind its dash."""
    found = re.match(r"\s*(?:- +)?", line)
    assert found is not None
    return found.end()


def expected_indents(lines: Sequence[str], index: int) -> Iterator[int]:
    """Where a line should begin, judging by the one above: below its text, or deeper when it ends with a colon."""
    for above in before(lines, index, 1):
        yield _text_column(lines[above]) + (2 if lines[above].rstrip().endswith(":") else 0)


def neighbours(lines: Sequence[str], index: int) -> Iterator[int]:
    """Lines above that were probably meant to stand as deep as this one: one space more or less."""
    own = _indent(lines[index])
    found = 0
    for line in before(lines, index, len(lines)):
        if abs(_indent(lines[line]) - own) <= 1:
            yield line
            found += 1
        if found == 2 or _indent(lines[line]) < own - 1:
            return


def indents_around(lines: Sequence[str], index: int) -> list[int]:
    """Where a line may belong: as deep as the lines around and as what it stands in; the likeliest first."""
    own = _indent(lines[index])
    below = [line for line in range(index + 1, min(index + 4, len(lines))) if lines[line].strip()]
    near = [*before(lines, index, 6), *below, *_around(lines, index)]
    found = {column for line in near for column in (_indent(lines[line]), _text_column(lines[line]))}
    likely = [indent for indent in expected_indents(lines, index) if indent != own]
    return [*likely, *sorted(found - {own, *likely}, key=lambda indent: abs(indent - own))]


def _around(lines: Sequence[str], index: int) -> Iterator[int]:
    """What the line above stands in, outwards: each line that is less deep than all between."""
    depth = len(lines[index]) + 1_000
    for line in before(lines, index, len(lines)):
        if _indent(lines[line]) < depth:
            depth = _indent(lines[line])
            yield line
        if depth == 0:
            return


def moved(lines: Sequence[str], first: int, behind: int, indent: int) -> Iterator[Fix]:
    """Lines ``first`` up to ``behind`` moved so that the first begins at ``indent``."""
    own = _indent(lines[first])
    if not lines[first].strip() or indent == own:
        return
    is_guess = behind > first + 1
    if indent < own:
        message, hint = "This line is indented too far.", "Line it up with the setting above it."
        if is_guess:
            hint = "Line it up with the setting above it, or add the line that is missing above it."
    else:
        count = indent - own
        message = "This line is not indented far enough."
        hint = f"Add {count} space{'' if count == 1 else 's'} in front of it."
    changes = tuple((index, _shifted(lines[index], indent - own)) for index in range(first, behind))
    yield Fix("Y09", first, own, message, hint, changes[0][1], changes[1:], is_guess=is_guess)


def _shifted(line: str, by: int) -> str:
    return " " * max(_indent(line) + by, 0) + line.lstrip() if line.strip() else line


def moved_blocks(lines: Sequence[str], noticed: int) -> Iterator[Fix]:
    """Whole blocks: the one above the line where reading fails, and the one that begins there."""
    depth = _indent(lines[noticed])
    first = noticed
    for line in before(lines, noticed, len(lines)):
        if _indent(lines[line]) <= depth:
            break
        first = line
    if first < noticed:
        yield from _missing_dash(lines, first, depth)
        yield from moved(lines, first, noticed, depth)
    behind = noticed + 1
    while behind < len(lines) and (not lines[behind].strip() or _indent(lines[behind]) >= depth):
        behind += 1
    for indent in indents_around(lines, noticed):
        yield from moved(lines, noticed, behind, indent)


def _missing_dash(lines: Sequence[str], first: int, depth: int) -> Iterator[Fix]:
    """The block above is an entry of the same list, but does not begin with a dash."""
    own = _indent(lines[first])
    if own < depth + 2 or lines[first].lstrip().startswith("-"):
        return
    message = "A new entry of the list begins here, but there is no “- ” in front of it."
    text = f"{' ' * (own - 2)}- {lines[first].lstrip()}"
    hint = f"Write:  {text.strip()}   — or add the line that is missing above it."
    yield Fix("Y09", first, own, message, hint, text, is_guess=True)
