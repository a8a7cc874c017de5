"""``hub connectors new``: what it writes works, passes the suite, and is what the page about connectors shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.connectors import pager
from tests.e2e.shop import HUB


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "COLUMNS": "200"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_what_it_writes_passes_the_suite(tmp_path: Path) -> None:
    assert run(tmp_path, HUB, "connectors", "new", "tea_bell").returncode == 0
    done = run(tmp_path, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "hub-tea_bell")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_it_is_the_connector_of_the_page(tmp_path: Path) -> None:
    run(tmp_path, HUB, "connectors", "new", "pager", "--to", "made")
    assert (tmp_path / "made" / "hub-pager" / "hub_pager.py").read_text("utf-8") == pager.source()
    # A package is found by its entry point, a single file in the drop-in folder.
    (tmp_path / "dropped").mkdir()
    (tmp_path / "dropped" / "pager.py").write_text(pager.source(), "utf-8")
    (tmp_path / ".env").write_text("HUB_CONNECTORS_DIR=dropped\n")
    assert "pager.page" in run(tmp_path, HUB, "connectors").stdout


def test_wrong_names_and_what_is_there_already_are_told_and_nothing_is_overwritten(tmp_path: Path) -> None:
    assert run(tmp_path, HUB, "connectors", "new", "Tea Bell").returncode == 2
    taken = run(tmp_path, HUB, "connectors", "new", "slack")
    assert (taken.returncode, "There is a connector “slack” already" in taken.stderr) == (1, True)
    run(tmp_path, HUB, "connectors", "new", "bell")
    (tmp_path / "hub-bell" / "hub_bell.py").write_text("mine")
    again = run(tmp_path, HUB, "connectors", "new", "bell")
    assert (again.returncode, "nothing was written" in again.stderr) == (1, True)
    assert (tmp_path / "hub-bell" / "hub_bell.py").read_text() == "mine"
