"""``hub stock``: the list as a file, as spreadsheet programs save it, and back."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.test_rules_commands import hub


def listed(folder: Path) -> dict[str, tuple[int, int | None]]:
    """On hand and low at, by SKU."""
    return {one["sku"]: (one["on_hand"], one["low_at"]) for one in json.loads(hub(folder, "stock", "--json").stdout)}


def moves(folder: Path, sku: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(hub(folder, "stock", "moves", sku, "--json").stdout)
    return found


@pytest.mark.parametrize(
    "text",
    [
        "sku,on_hand,low_at\nMUG,40,5\nCUP,0,\n",
        "\ufeffName;SKU;On hand;Low at\r\nA mug;MUG;40;5\r\n;;;\r\nA cup; CUP ;0;\r\n",
        "low at\tsku\ton hand\n5\tMUG\t40\n\n\tCUP\t0\n",
    ],
)
def test_a_file_sets_the_stock_and_again_changes_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "stock.csv").write_text(text, "utf-8")
    for _ in range(2):
        assert hub(tmp_path, "stock", "import", "stock.csv").stdout == "2 SKUs set from stock.csv.\n"
        assert listed(tmp_path) == {"CUP": (0, None), "MUG": (40, 5)}
    assert [(one["kind"], one["delta"]) for one in moves(tmp_path, "MUG")] == [("count", 40)]


def test_every_line_that_is_wrong_is_named_and_then_nothing_is_changed(tmp_path: Path) -> None:
    rows = [
        "MUG,40,5",
        "",
        "CUP,many,",
        ',3,""',
        '"two\nlines",1,',
        "JAR,1,-1",
        "MUG,2,",
        f"{'x' * 201},1,",
        "POT,1.5,",
    ]
    (tmp_path / "stock.csv").write_text("sku,on_hand,low_at\n" + "\n".join(rows), "utf-8")
    done = hub(tmp_path, "stock", "import", "stock.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.findall(r"line (\d+):", done.stderr) == ["4", "5", "7", "8", "9", "10", "11"]
    assert "line 4: on_hand is “many”, not a whole number of pieces\n" in done.stderr
    assert "line 9: “MUG” is in line 2 already\n" in done.stderr
    assert "Nothing was changed." in done.stderr
    assert listed(tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "no column “sku”"), ("MUG,40\n", "no column “sku”"), ("sku,count\nMUG,40\n", "no column “on_hand”")],
)
def test_a_file_without_the_columns_is_told_so(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "stock.csv").write_text(text, "utf-8")
    done = hub(tmp_path, "stock", "import", "stock.csv")
    assert (done.returncode, says in done.stderr, "names the columns" in done.stderr) == (2, True, True)


def test_of_very_many_mistakes_some_are_named(tmp_path: Path) -> None:
    (tmp_path / "stock.csv").write_text("sku,on_hand\n" + "MUG,x\n" * 50, "utf-8")
    done = hub(tmp_path, "stock", "import", "stock.csv")
    assert done.stderr.count("line ") == 20
    assert "… and 30 more" in done.stderr


def test_what_is_exported_can_be_imported_elsewhere_and_is_no_formula(tmp_path: Path) -> None:
    shop, other = tmp_path / "shop", tmp_path / "other"
    names = ["MUG-01", "=1+1", "-SALE", "'=2", "'quoted", "@x", 'a,b;"c"', "Tasse groß"]
    for folder in (shop, other):
        folder.mkdir()
    for number, name in enumerate(names):
        assert hub(shop, "stock", "set", "--", name, str(number)).returncode == 0
    hub(shop, "stock", "low", "MUG-01", "3")
    assert hub(shop, "stock", "export", str(other / "list.csv")).stdout == f"8 SKUs written to {other}/list.csv.\n"
    text = (other / "list.csv").read_text("utf-8-sig")
    assert not re.search(r'^"?[=+@-]', text, re.MULTILINE)
    assert hub(shop, "stock", "export").stdout.splitlines() == text.splitlines()
    assert hub(other, "stock", "import", "list.csv").returncode == 0
    assert listed(other) == listed(shop)
    assert listed(other)["MUG-01"] == (0, 3)


def test_what_is_below_zero_stays_so_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "stock.csv").write_text("sku,on_hand,reserved,low_at\nMUG,-3,1,\n", "utf-8")
    assert hub(tmp_path, "stock", "import", "stock.csv").returncode == 0
    assert listed(tmp_path) == {"MUG": (-3, None)}


@pytest.mark.parametrize("name", ["", "x" * 201, "two\nlines"])
def test_a_product_has_a_name_that_fits_on_a_line(tmp_path: Path, name: str) -> None:
    done = hub(tmp_path, "stock", "set", name, "3")
    assert (done.returncode, "no name for a product" in done.stderr) == (2, True)
