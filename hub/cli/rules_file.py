"""The rules file that a command is about."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from hub.cli.output import no
from hub.cli.problems import in_words
from hub.registry import Registry, discover
from hub.rules.load import Loaded, load
from hub.rules.ruleset import Rule, RuleSet
from hub.settings import Environment


def path_of(file: Path | None, environment: Mapping[str, str]) -> Path:
    """The file that was named, else the one of the settings."""
    return file or Path(environment.get("HUB_RULES") or "rules.yaml")


def loaded(file: Path | None) -> Loaded:
    """Reads the rules; raises ``RulesError`` when the file is not there."""
    environment = Environment()
    return load(path_of(file, environment), registry(environment), environment)


def registry(environment: Mapping[str, str]) -> Registry:
    """The connectors that rules can name."""
    folder = environment.get("HUB_CONNECTORS_DIR")
    return discover(Path(folder) if folder else None)


def usable(file: Path | None) -> RuleSet:
    """The rules of a file that can be used; else its Problems and the answer "no"."""
    found = loaded(file)
    if found.ruleset is None:
        raise no(f"{in_words(found.problems)}\n\nThe rules cannot be used before this is corrected.")
    return found.ruleset


def rule_called(ruleset: RuleSet, name: str) -> Rule:
    """The rule of that name, in any case; else the answer "no" with the nearest one."""
    names = [rule.name for rule in ruleset.rules]
    found = next((rule for rule in ruleset.rules if rule.name.lower() == name.lower()), None)
    if found is not None:
        return found
    close = get_close_matches(name, names, 1)
    hint = f"Did you mean “{close[0]}”?" if close else f"There are: {', '.join(names)}"
    raise no(f"There is no rule “{name}”. {hint}")
