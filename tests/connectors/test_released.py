"""What a release promised to rules is found out when it is broken."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from hub.connector import Field, Params, PlainText, Result
from hub.testing import released
from tests.connectors import pager
from tests.connectors.test_contract_suite import PagerContract

GOOD = pager.load()


class Page(Params):
    to: PlainText = Field(description="who", examples=["x"])
    text: PlainText = Field(description="what", examples=["x"])
    tone: Literal["soft", "loud"] = Field("soft", description="how")


class Sent(Result):
    id: str = Field(description="which")


class Now(GOOD.SendPage):  # type: ignore[misc, name-defined]
    params: ClassVar[type[Params]] = Page
    result: ClassVar[type[Result]] = Sent


def changed(**settings: Any) -> dict[str, Any]:
    now = json.loads(json.dumps(released.action_shape(Now())))
    now["settings"] |= settings
    return {**now, "settings": {name: one for name, one in now["settings"].items() if one is not None}}


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (changed(), []),
        (changed(urgent={"required": False, "shape": "value", "choices": []}), []),
        (changed(tone=None), ["The setting “tone” is gone."]),
        (
            changed(urgent={"required": True, "shape": "value", "choices": []}),
            ["The setting “urgent” is new and needed."],
        ),
        (changed(tone={"required": True, "shape": "value", "choices": []}), ["The setting “tone” is needed now."]),
        (
            changed(tone={"required": False, "shape": "value", "choices": ["soft"]}),
            ["The setting “tone” no longer takes loud."],
        ),
        (
            changed(to={"required": True, "shape": "list", "choices": []}),
            ["The setting “to” was a value and is a list."],
        ),
        ({**changed(), "results": []}, ["The result “id” is gone."]),
    ],
)
def test_what_rules_relied_on_is_named_when_it_is_gone(now: dict[str, Any], said: list[str]) -> None:
    assert released.broken(released.action_shape(Now()), now) == said


def test_the_suite_fails_for_a_connector_that_breaks_its_release(tmp_path: Path) -> None:
    class Suite(PagerContract):
        def page(self) -> Path:
            return tmp_path / "pager.md"

    suite = Suite()
    suite.test_rules_for_the_last_release_still_work()
    shape = released.action_shape(suite.action)
    shape["settings"]["colour"] = {"required": False, "shape": "value", "choices": []}
    (tmp_path / "pager.released.json").write_text(json.dumps({suite.action.name: shape}))
    with pytest.raises(AssertionError, match="colour"):
        suite.test_rules_for_the_last_release_still_work()


def test_freeze_writes_what_the_suite_reads(tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("hub")), "connectors", "freeze", "slack", "--to", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "slack.released.json").read_text())
    assert set(written) == {"slack.message", "slack.update", "connection"}
    assert written["slack.message"]["settings"]["channel"] == {"choices": [], "required": True, "shape": "value"}
