"""The documents, held against the code they speak of."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hub.cli.main import COMMANDS
from hub.model import Severity
from hub.registry import discover
from hub.rules.load import load_texts
from hub.settings import Settings
from hub.web.api.table import CALLS
from tools import reference

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
#: In what people write as secrets and addresses, so that a snippet lacks nothing but what a reader would have set.
SET = {name: f"{name.lower()}-value" for name in ("SLACK_TOKEN", "CARRIER_TOKEN", "SMTP_PASSWORD")}


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def table(name: str) -> list[list[str]]:
    """The cells of a page's first table, without its header."""
    lines = [line for line in page(name).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def test_every_setting_is_documented_with_its_default() -> None:
    documented = {row[0].strip("`"): row[1].strip("`") for row in table("docs/settings.md")}
    fields = {str(field.alias): field.default for field in Settings.model_fields.values()}
    assert documented.keys() == fields.keys()
    shown = {name: "" if default is None else str(default) for name, default in fields.items()}
    for name in ("HUB_CURRENCY_DECIMALS", "STRIPE_API_BASE"):  # a default that is not a value one could write
        del documented[name], shown[name]
    assert documented == shown


def test_every_command_is_documented_and_every_documented_one_exists() -> None:
    documented = {row[0].strip("`").split()[1] for row in table("docs/cli.md")}
    assert documented == COMMANDS.keys()


def links() -> list[tuple[Path, str]]:
    found = []
    for file in PAGES:
        text = re.sub(r"```.*?```", "", file.read_text("utf-8"), flags=re.DOTALL)
        targets = re.findall(r"\]\(([^)\s]+)\)", text)
        found += [(file, target) for target in targets if "://" not in target and not target.startswith("mailto:")]
    return list(dict.fromkeys(found))


@pytest.mark.parametrize(("file", "target"), links(), ids=lambda value: str(getattr(value, "name", value)))
def test_links_lead_somewhere(file: Path, target: str) -> None:
    path, _, anchor = target.partition("#")
    there = (file.parent / path).resolve() if path else file
    assert there.exists()
    if anchor:
        headings = re.findall(r"^#+ (.*)$", there.read_text("utf-8"), flags=re.MULTILINE)
        assert anchor in {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def whole_rules() -> list[str]:
    """The rules files in the pages that a reader may copy as they are."""
    blocks = [block for file in PAGES for block in re.findall(r"```yaml\n(.*?)```", file.read_text("utf-8"), re.DOTALL)]
    return [block for block in blocks if re.search(r"^rules:", block, re.MULTILINE)]


@pytest.mark.parametrize("block", whole_rules())
def test_rules_in_the_pages_have_no_mistake(block: str) -> None:
    loaded = load_texts({"rules.yaml": block}, discover(None), SET)
    assert [problem.message for problem in loaded.problems if problem.severity is Severity.PROBLEM] == []


def test_every_call_of_the_api_is_documented() -> None:
    text = (ROOT / "docs/api.md").read_text("utf-8")
    told = re.findall(r"^\| `(\w+) /api/v1/(\S+)` \| ([^|]*) \|", text, re.MULTILINE)
    known = [(one.method, one.path.replace(":path", ""), ", ".join(sorted(one.roles))) for one in CALLS]
    assert told == known


def test_the_reference_is_what_the_checker_knows() -> None:
    """After a change:  python tools/reference.py"""
    assert page("docs/reference.md") == reference.page(discover(None))
