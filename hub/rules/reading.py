"""From bytes to a document: UTF-8, no tabs or invisible spaces, YAML that means what it looks like."""

from __future__ import annotations

from dataclasses import dataclass, field

from hub.rules import mending
from hub.rules.document import Node
from hub.rules.problems import Flaw, Place, Problems
from hub.rules.tree import Tree


@dataclass(frozen=True, slots=True)
class Document:
    """One file. ``root`` is None when it is empty or beyond reading; ``flaws`` are not yet told."""

    name: str
    text: str
    lines: tuple[str, ...]
    root: Node | None
    is_broken: bool = False  #: not as it stands in the file
    is_rebuilt: bool = False  #: what belongs to what had to be guessed
    flaws: list[Flaw] = field(default_factory=list)


def decode(name: str, content: bytes, problems: Problems) -> str:
    """The text of a file, its lines ended by newlines; a Problem when it is not UTF-8."""
    return _decoded(name, content, problems).replace("\r\n", "\n").replace("\r", "\n")


def _decoded(name: str, content: bytes, problems: Problems) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            text = content.decode(encoding, "replace")
            _wrong_encoding(name, text, Place(name, 1, 1), "UTF-16", problems)
            return text
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        text = content.decode("cp1252", "replace")
        column = error.start - (before.rfind(b"\n") + 1) + 1
        _wrong_encoding(
            name, text, Place(name, before.count(b"\n") + 1, column), "another encoding than UTF-8", problems
        )
        return text


def _wrong_encoding(name: str, text: str, place: Place, encoding: str, problems: Problems) -> None:
    problems.read_lines(name, text.splitlines())
    problems.add(
        "Y14", place, f"This file is saved as {encoding}.", "Save it as UTF-8 (in Notepad: Save as → Encoding)."
    )


def read(name: str, text: str, problems: Problems) -> Document:
    """The document in ``text``; Problems of YAML are told, with what stands in the file."""
    lines = tuple(text.split("\n"))
    problems.read_lines(name, lines)
    mended = mending.mend(name, lines, problems)
    if mended is None:
        return Document(name, text, lines, None, is_broken=True)
    if mended.node is None:
        return Document(name, text, lines, None, is_broken=mended.is_changed)
    tree = Tree(name, mended.lines)
    root = tree.node(mended.node)
    for flaw in tree.flaws:
        problems.silence(name, flaw.place.line)
    return Document(name, text, lines, root, mended.is_changed, mended.is_rebuilt, tree.flaws)
