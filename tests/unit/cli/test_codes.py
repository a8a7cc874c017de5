"""``hub codes``: pools filled from files, as people have them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.test_rules_commands import hub


@pytest.mark.parametrize(
    "text", ["A-1\nB,2\n\nC-3\n", 'code,for\nA-1,x\n"B,2",y\nC-3,\n', '\ufeffName;x,Code\nn,A-1\nn,"B,2"\nn,C-3\n']
)
def test_a_list_or_a_csv_fills_a_pool_and_again_adds_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys").write_text(text, "utf-8")
    assert hub(tmp_path, "codes", "import", "Font keys", "keys").stdout == "3 codes added to “Font keys”.\n"
    again = hub(tmp_path, "codes", "import", "Font keys", "keys").stdout
    assert again == "0 codes added to “Font keys”. 3 were there already.\n"
    listed = json.loads(hub(tmp_path, "codes", "--json").stdout)
    assert listed == [{"pool": "Font keys", "left": 3, "taken": 0}]
    assert hub(tmp_path, "codes", "taken", "Font keys").stdout == "None yet.\n"


@pytest.mark.parametrize(("text", "says"), [("", "has no codes"), ("A\n" + "x" * 501, "longer than 500")])
def test_a_file_without_usable_codes_changes_nothing(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "keys").write_text(text, "utf-8")
    done = hub(tmp_path, "codes", "import", "keys", "keys")
    assert (done.returncode, says in done.stderr) == (2, True)
    assert json.loads(hub(tmp_path, "codes", "--json").stdout) == []
    assert hub(tmp_path, "codes", "taken", "keys").returncode == 1
