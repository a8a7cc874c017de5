"""The collections of broken files beside this module: a title, a file, and the message it must give."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Broken:
    title: str
    text: str
    message: str


def read(name: str) -> list[Broken]:
    """The cases of one collection."""
    content = (FOLDER / name).read_text("utf-8")
    return [_case(part) for part in content.split("=== ")[1:]]


def _case(part: str) -> Broken:
    head, _, message = part.partition("\n--- gives\n")
    title, _, text = head.partition("\n")
    return Broken(title, f"{text}\n", message.strip("\n"))
