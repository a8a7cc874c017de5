"""Finding connectors: built in, installed, dropped in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hub.errors import HubError
from hub.registry import BUILT_IN, Registry, discover

PAGER = """
from collections.abc import Sequence
from typing import Any, ClassVar

from hub.connector import Action, Batch, Check, Connection, Idempotency, Params, PlainText, Result


class PagerConnection(Connection):
    kind: ClassVar[str] = "pager"
    title: ClassVar[str] = "A pager"

    def check(self) -> Check:
        return Check(ok=True, message="fine")


class Text(Params):
    text: PlainText


class Page(Action[PagerConnection, Text]):
    name = "pager.page"
    title = "Page somebody"
    connection = PagerConnection
    params = Text
    idempotency = Idempotency.NONE

    def run(self, connection: PagerConnection, batch: Batch[Text]) -> Sequence[Result]:
        return [Result() for _ in batch.deliveries]


ACTIONS = (Page(),)
"""


def write(folder: Path, name: str, text: str = PAGER) -> Path:
    folder.mkdir(exist_ok=True, mode=0o755)
    file = folder / name
    file.write_text(text)
    file.chmod(0o644)
    return folder


def test_a_file_in_the_folder_is_a_connector(tmp_path: Path) -> None:
    found = discover(write(tmp_path / "mine", "pager.py"))
    assert found.kinds == [*BUILT_IN, "pager"]
    assert found.get("pager.page") is not None
    connection = found.connection("pager")
    assert connection is not None
    assert connection.title == "A pager"


def test_a_file_called_like_a_module_of_pythons_hides_nothing(tmp_path: Path) -> None:
    found = discover(write(tmp_path / "mine", "calendar.py", PAGER.replace("pager", "calendar")))
    assert found.get("calendar.page") is not None
    import calendar  # the point of the test

    assert calendar.monthrange(2026, 11)[1] == 30


def test_two_connectors_of_one_name_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="Two connectors are called “slack”"):
        discover(write(tmp_path / "mine", "slack.py"))


@pytest.mark.parametrize("mode", [0o664, 0o646])
def test_a_file_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    folder = write(tmp_path / "mine", "pager.py")
    (folder / "pager.py").chmod(mode)
    with pytest.raises(HubError, match="chmod go-w"):
        discover(folder)


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HubError, match="no folder"):
        discover(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import nothing_of_that_name", "ModuleNotFoundError"),
        ("", "ACTIONS"),
        ("ACTIONS = [1]", "ACTIONS"),
        (PAGER.replace('"pager.page"', '"slack.page"'), "must be called pager"),
    ],
)
def test_a_broken_connector_is_told_when_a_rule_names_it(tmp_path: Path, text: str, told: str) -> None:
    found = discover(write(tmp_path / "mine", "pager.py", text))
    with pytest.raises(HubError, match=told):
        found.get("pager.page")


def test_an_installed_package_is_found_by_its_entry_point(tmp_path: Path) -> None:
    (tmp_path / "hub_pager.py").write_text(PAGER)
    info = tmp_path / "hub_pager-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: hub-pager\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[hub.connectors]\npager = hub_pager\n")
    code = "from hub.registry import discover; r = discover(None); print(r.kinds[-1], r.get('pager.page').title)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert done.stdout == "pager Page somebody\n"


def test_naming_a_kind_imports_its_connector_and_no_other() -> None:
    code = (
        "import json, sys; from hub.registry import Registry; Registry().get('inventory.decrease');"
        "print(json.dumps([name for name in ('gspread', 'slack_sdk', 'aiohttp', 'stripe', 'openpyxl')"
        " if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def test_every_built_in_connector_can_be_loaded() -> None:
    registry = Registry()
    assert {name.partition(".")[0] for name in registry.names} == set(BUILT_IN)
