"""The commands about rules, run as people run them: the installed ``hub`` in a folder with a rules.yaml."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hub.testing import events

GOOD = """
shop: {name: Mug & Poster, timezone: Europe/Berlin, currency: EUR}
rules:
  - name: Take sold items out of stock
    when: order paid
    for_each: order.items
    if: {order.total: over 10 EUR}
    tags: stock
    do:
      - id: stock
        inventory.decrease: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}
    examples:
      - name: two mugs
        given: sample order
        expect:
          - inventory.decrease: {sku: MUG-01, by: 2}
  - name: Put them back
    when: order refunded
    for_each: order.items
    do:
      - inventory.increase: {sku: "{{ item.sku }}", by: "{{ item.quantity }}"}
"""
BROKEN = GOOD.replace("{{ item.sku }}", "{{ item.sky }}", 1)
FAILING = GOOD.replace("by: 2", "by: 3")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(GOOD, "utf-8")
    return tmp_path


def hub(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "hub"), *arguments]
    environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)


def as_json(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_check_says_a_fine_file_back(folder: Path) -> None:
    done = hub(folder, "check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("rules.yaml is fine. 2 rules.\n")
    assert "for every entry of order.items: order paid, if order.total is over 10 EUR" in done.stdout
    assert "→ Take pieces out of stock: item.sku" in done.stdout
    assert "! no examples yet." in done.stdout


def test_check_prints_problems_and_ends_with_1(folder: Path) -> None:
    (folder / "rules.yaml").write_text(BROKEN, "utf-8")
    done = hub(folder, "check")
    assert done.returncode == 1
    assert "Problem X02  rules.yaml, line 11, column 39" in done.stdout
    assert "→ Did you mean “item.sku”?" in done.stdout
    assert "rules.yaml: 2 rules, 1 problem." in done.stdout


def test_check_gives_programs_every_field(folder: Path) -> None:
    (folder / "other.yaml").write_text(BROKEN, "utf-8")
    done = hub(folder, "check", "other.yaml", "--format", "json")
    assert done.returncode == 1
    document = as_json(done)
    assert document["problems"] == [
        {
            "severity": "problem",
            "code": "X02",
            "file": "other.yaml",
            "line": 11,
            "column": 39,
            "message": "We do not know “item.sky”.",
            "suggestion": "Did you mean “item.sku”?",
        }
    ]
    assert [(rule["name"], rule["line"], rule["held"]) for rule in document["rules"]] == [
        ("Take sold items out of stock", 4, True),
        ("Put them back", 17, False),
    ]
    assert document["rules"][1]["reads"].startswith("for every entry of order.items: order refunded\n→ ")


def test_check_annotates_for_github(folder: Path) -> None:
    (folder / "rules.yaml").write_text(BROKEN, "utf-8")
    done = hub(folder, "check", "--format", "github")
    assert done.stdout == (
        "::error file=rules.yaml,line=11,col=39,title=X02::We do not know “item.sky”.%0A→ Did you mean “item.sku”?\n"
    )


def test_a_missing_file_is_one_sentence_and_ends_with_2(tmp_path: Path) -> None:
    for command in ("check", "test"):
        done = hub(tmp_path, command, "nowhere.yaml")
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("The rules file nowhere.yaml cannot be read: it does not exist.")


def test_test_runs_the_examples(folder: Path) -> None:
    done = hub(folder, "test")
    assert (done.returncode, done.stderr) == (0, "")
    assert "  Take sold items out of stock\n    ✓ two mugs\n1 of 1 example passed." in done.stdout


def test_a_failing_example_ends_with_1_and_says_what_was_different(folder: Path) -> None:
    (folder / "rules.yaml").write_text(FAILING, "utf-8")
    done = hub(folder, "test")
    assert done.returncode == 1
    assert "✗ two mugs   (line 13)" in done.stdout
    assert "expected: 3\n        got:      2" in done.stdout
    assert as_json(hub(folder, "test", "--json")) == {
        "passed": 0,
        "failed": 1,
        "examples": [
            {
                "rule": "Take sold items out of stock",
                "name": "two mugs",
                "line": 13,
                "ok": False,
                "why": ["inventory.decrease → by", "expected: 3", "got:      2"],
            }
        ],
    }


def test_test_can_be_limited_to_a_rule_or_a_tag(folder: Path) -> None:
    assert as_json(hub(folder, "test", "--rule", "put them back", "--json"))["passed"] == 0
    assert as_json(hub(folder, "test", "--tag", "stock", "--json"))["passed"] == 1
    done = hub(folder, "test", "--rule", "Put them bakc")
    assert done.returncode == 1
    assert "Did you mean “Put them back”?" in done.stderr


def test_the_examples_of_a_broken_rule_do_not_count_as_passed(folder: Path) -> None:
    (folder / "rules.yaml").write_text(BROKEN, "utf-8")
    done = hub(folder, "test")
    assert done.returncode == 1
    assert "the rule has a problem: We do not know “item.sky”." in done.stdout


def test_try_shows_conditions_and_steps_for_a_changed_sample(folder: Path) -> None:
    done = hub(folder, "try", "Take sold items out of stock", "--with", "order.total=5 EUR")
    assert (done.returncode, done.stderr) == (0, "")
    assert "✗ order.total: over 10 EUR   (was EUR 5)" in done.stdout
    assert "→ the rule does not run" in done.stdout


def test_try_gives_programs_what_would_be_sent(folder: Path) -> None:
    document = as_json(hub(folder, "try", "Take sold items out of stock", "--json", "--now", "2026-11-24 19:10"))
    assert document == {
        "rule": "Take sold items out of stock",
        "trigger": "order paid",
        "runs": True,
        "conditions": [{"text": "order.total: over 10 EUR", "was": "EUR 49", "met": True, "children": []}],
        "steps": [
            {
                "action": "inventory.decrease",
                "id": "stock",
                "runs": True,
                "because": "",
                "settings": {"sku": "MUG-01", "by": 2, "not_listed": "hold", "oversell": "hold"},
                "error": "",
            }
        ],
        "error": "",
    }


def test_try_takes_an_event_from_a_file(folder: Path) -> None:
    sale = events.Sale(buyer=events.Buyer(name="Bo Li"), items=(events.Item(sku="CUP", unit_amount=900, quantity=3),))
    session = events.session(sale) | {"line_items": events.line_items(sale)}
    (folder / "event.json").write_bytes(events.encode(events.event("checkout.session.completed", session)))
    document = as_json(hub(folder, "try", "Take sold items out of stock", "--file", "event.json", "--json"))
    assert document["conditions"][0]["was"] == "EUR 27"
    assert document["steps"][0]["settings"] == {"sku": "CUP", "by": 3, "not_listed": "hold", "oversell": "hold"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--with", "order.totl=5"], 2, "Did you mean “order.total”?"),
        (["--with", "order.total"], 2, "is no change"),
        (["--with", "order.country=Germany"], 2, "Did you mean DE?"),
        (["--now", "tomorrow"], 2, "is not a date"),
        (["--file", "nowhere.json"], 2, "cannot be read"),
        (["--event", "evt_1", "--last"], 2, "Use one of"),
        (["--event", "evt_1"], 1, "There is no event evt_1"),
        (["--last"], 1, "No event of its triggers"),
    ],
)
def test_a_wrong_try_says_what_is_wrong(folder: Path, arguments: list[str], code: int, words: str) -> None:
    done = hub(folder, "try", "Take sold items out of stock", *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in " ".join(done.stderr.split())


def test_the_reference_is_listed_from_the_checkers_tables(folder: Path) -> None:
    triggers = as_json(hub(folder, "triggers", "--json"))
    assert {"order paid", "invoice overdue"} <= {one["name"] for one in triggers}
    fields = as_json(hub(folder, "fields", "order paid", "--json"))
    names = {one["name"]: one for one in fields}
    assert names["order.total"]["type"] == "amount"
    assert names["order.reference"]["optional"] is True
    assert "order.metadata.*" in names
    assert not any(name.startswith("invoice.") for name in names)
    filters = as_json(hub(folder, "filters", "--json"))
    assert "money" in {one["name"] for one in filters}
    action = as_json(hub(folder, "actions", "inventory.decrease", "--json"))
    assert [one["name"] for one in action["settings"]] == ["sku", "by", "not_listed", "oversell"]
    assert [one["name"] for one in action["results"]] == ["sku", "before", "left", "moved"]
    done = hub(folder, "fields", "order payed")
    assert (done.returncode, "Did you mean “order paid”?" in done.stderr) == (1, True)


def test_the_reference_is_a_table_for_people(folder: Path) -> None:
    assert "order paid" in hub(folder, "triggers").stdout
    assert "order.total" in hub(folder, "fields").stdout
    assert "inventory.decrease   Take pieces out of stock" in hub(folder, "actions", "inventory.decrease").stdout
    assert "{{ order.total | money }}" in hub(folder, "filters").stdout


def test_fix_shows_the_correction_makes_it_and_keeps_what_was(folder: Path) -> None:
    wrong = GOOD.replace("order paid", "order payed")
    (folder / "rules.yaml").write_text(wrong, "utf-8")
    done = hub(folder, "fix", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "-    when: order payed" in done.stdout
    assert "+    when: order paid" in done.stdout
    assert (folder / "rules.yaml").read_text("utf-8") == GOOD
    assert (folder / "rules.yaml.before-fix").read_text("utf-8") == wrong
    assert "no mistakes" in hub(folder, "fix").stdout


def test_fix_does_nothing_unasked_and_says_what_needs_a_person(folder: Path) -> None:
    wrong = GOOD.replace("order paid", "order payed").replace("sku: ", "")
    (folder / "rules.yaml").write_text(wrong, "utf-8")
    assert hub(folder, "fix").returncode != 0
    assert (folder / "rules.yaml").read_text("utf-8") == wrong
    done = hub(folder, "fix", "--yes")
    assert (done.returncode, "The rest needs you." in done.stderr) == (1, True)


def test_init_writes_a_shop_that_checks_and_passes_its_examples(tmp_path: Path) -> None:
    done = hub(tmp_path, "init", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "rules.yaml").read_text("utf-8").startswith("# yaml-language-server: $schema=")
    assert json.loads((tmp_path / ".rules.schema.json").read_text("utf-8")) == as_json(hub(tmp_path, "schema"))
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    assert (hub(tmp_path, "check").returncode, hub(tmp_path, "test").returncode) == (0, 0)


def test_init_overwrites_nothing(folder: Path) -> None:
    (folder / ".env").write_text("KEEP=me\n")
    done = hub(folder, "init", "--yes")
    assert (done.returncode, "is there already" in done.stderr) == (1, True)
    (folder / "rules.yaml").unlink()
    assert hub(folder, "init", "--yes").returncode == 0
    assert (folder / ".env").read_text() == "KEEP=me\n"
