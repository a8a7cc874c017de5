"""Connectors from other people's packages, as a shop meets them; and what is imported for whom."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors import pager
from tests.connectors.pager import PagerFake

RULES = """
shop: {{name: Test shop, currency: EUR}}
connections:
  pager: {{token: "${{PAGER_TOKEN}}", base_url: "{url}"}}
rules:
  - name: Page the warehouse
    when: order paid
    do:
      - pager.page: {{to: warehouse, text: "Order {{{{ order.number }}}}"}}
"""


def hub(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("hub")), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(folder / "site"), **settings}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the pager's connector installed as pip installs packages."""
    information = tmp_path / "site" / "hub_pager-1.0.dist-info"
    information.mkdir(parents=True)
    (tmp_path / "site" / "hub_pager.py").write_text(pager.source(), "utf-8")
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: hub-pager\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[hub.connectors]\npager = hub_pager\n")
    return tmp_path


@pytest.fixture
def peer() -> Iterator[PagerFake]:
    with PagerFake() as fake:
        yield fake


def test_an_installed_connector_is_listed_and_its_rules_are_checked(folder: Path, peer: PagerFake) -> None:
    listed = json.loads(hub(folder, "connectors", "--json").stdout)
    assert {"kind": "pager", "from": "hub_pager", "connection": "Pager", "actions": ["pager.page"]} in listed
    (folder / "rules.yaml").write_text(RULES.format(url=peer.url), "utf-8")
    assert hub(folder, "check", PAGER_TOKEN="right-token").returncode == 0
    (folder / "rules.yaml").write_text(RULES.format(url=peer.url).replace("to: warehouse", "too: warehouse"), "utf-8")
    found = hub(folder, "check", PAGER_TOKEN="right-token")
    assert found.returncode == 1
    assert "Write  to:  instead." in found.stdout


@pytest.mark.parametrize(
    ("token", "code", "says"),
    [("right-token", 0, "✓ pager: It works."), ("wrong-token", 1, "✗ pager: The token is refused.")],
)
def test_credentials_are_tried_and_nothing_is_sent(
    folder: Path, peer: PagerFake, token: str, code: int, says: str
) -> None:
    (folder / "rules.yaml").write_text(RULES.format(url=peer.url), "utf-8")
    done = hub(folder, "connectors", "check", PAGER_TOKEN=token)
    assert done.returncode == code, done.stderr
    assert says in done.stdout
    assert token not in done.stdout
    assert not peer.counts
    assert [call.target for call in peer.received] == ["/whoami"]


def test_credentials_that_are_missing_are_named(folder: Path, peer: PagerFake) -> None:
    (folder / "rules.yaml").write_text(RULES.format(url=peer.url), "utf-8")
    done = hub(folder, "connectors", "check", "--json")
    assert done.returncode == 1
    assert "PAGER_TOKEN" in json.loads(done.stdout)[0]["message"]


SPREADSHEET = """
shop: {name: Test shop, currency: EUR}
connections:
  spreadsheet: {file: orders.csv}
rules:
  - name: Keep a list
    when: order paid
    do:
      - spreadsheet.add_row:
          columns: {Order: "{{ order.number }}"}
"""


CHECKED = """
import sys
from hub.cli.main import main
sys.argv[1:] = ["check"]
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""


def test_a_check_imports_only_what_the_rules_use(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(SPREADSHEET, "utf-8")
    command = [sys.executable, "-c", CHECKED]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Keep a list" in done.stdout
    loaded = set(done.stderr.split())
    assert "connectors.spreadsheet" in loaded
    assert not loaded & {"gspread", "google", "slack_sdk", "stripe", "aiohttp", "sqlalchemy", "starlette"}
