"""``hub fix``: makes the corrections that ``hub check`` suggests, after showing them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.output import no
from hub.cli.problems import in_words
from hub.cli.rules_file import loaded, path_of, registry
from hub.errors import RulesError
from hub.rules.fixing import fix
from hub.settings import Environment


def fix_(
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The rules file.", show_default=False)] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Correct what can be corrected without a person; show it, ask, and keep a copy of what was."""
    environment = Environment()
    main = path_of(file, environment)
    texts = _texts(main, file)
    found = fix(texts, registry(environment), environment)
    if not found.corrected:
        if found.left:
            raise no(f"{in_words(found.left)}\n\nNone of this can be corrected without you.")
        print(f"{main.name} has no mistakes.")
        return
    print("\n".join(_difference(texts, found.files)))
    if not yes:
        typer.confirm("\nMake these corrections?", abort=True)
    changed = {name: text for name, text in found.files.items() if text != texts[name]}
    for name, text in changed.items():
        target = main.with_name(name)
        _write(target.with_name(f"{name}.before-fix"), texts[name])
        _write(target, text)
    print(
        f"\nCorrected: {len(found.corrected)}. What was before is in {', '.join(f'{n}.before-fix' for n in changed)}."
    )
    if found.left:
        raise no(f"\n{in_words(found.left)}\n\nThe rest needs you.")


def _texts(main: Path, file: Path | None) -> dict[str, str]:
    """The main file and all that it includes, as far as they can be read."""
    found = loaded(file)
    names = [*(found.ruleset.files if found.ruleset else ()), *(problem.file for problem in found.problems)]
    paths = {name: main.with_name(name) for name in dict.fromkeys([main.name, *names])}
    try:
        return {name: path.read_text("utf-8") for name, path in paths.items() if path.exists()}
    except UnicodeDecodeError as error:
        raise RulesError(f"{main} is not text in UTF-8 ({error.reason}).", "Save it as UTF-8.") from None


def _difference(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for name, text in new.items():
        lines = (old[name].splitlines(), text.splitlines())
        yield from difflib.unified_diff(*lines, name, f"{name}, corrected", lineterm="", n=1)


def _write(target: Path, text: str) -> None:
    try:
        target.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise RulesError(f"{target} cannot be written: {error.strerror}.", "Allow writing there.") from None
