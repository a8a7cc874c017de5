"""Rules files on the disk: what would change, and new ones put in place whole."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path

from hub.errors import RulesError


def difference(old: Mapping[str, str], new: Mapping[str, str], before: str, after: str) -> Iterator[str]:
    """The lines of a unified difference between two sets of files."""
    for name in dict.fromkeys([*old, *new]):
        lines = (old.get(name, "").splitlines(), new.get(name, "").splitlines())
        yield from difflib.unified_diff(*lines, f"{name} ({before})", f"{name} ({after})", lineterm="")


def on_disk(main: Path, like: Mapping[str, str]) -> dict[str, str]:
    """The same files as they are now; "" for one that is gone. What is not UTF-8 in them stands as “�”."""
    paths = {name: main.parent / name if index else main for index, name in enumerate(like)}
    return {name: path.read_text("utf-8", "replace") if path.exists() else "" for name, path in paths.items()}


def write(main: Path, files: Mapping[str, str]) -> None:
    """The first file under the name of the settings, the others beside it; raises ``RulesError``."""
    for index, (name, text) in enumerate(files.items()):
        replace(main.parent / name if index else main, text)


def replace(target: Path, text: str) -> None:
    """The file is there whole, old or new, whatever happens in between; raises ``RulesError``."""
    beside = target.with_name(f".{target.name}.new")
    try:
        beside.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8")
        beside.replace(target)
    except OSError as error:
        raise RulesError(f"{target} cannot be written: {error.strerror}.", "Allow writing there.") from None
