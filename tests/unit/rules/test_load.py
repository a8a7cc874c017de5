"""Loading: files and includes, what holds a rule, what holds them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.errors import RulesError
from hub.model import Severity
from hub.rules.load import Loaded, load, load_texts
from tests.unit.rules import broken
from tests.unit.rules.actions import Known

RULE = """
  - name: {name}
    when: order paid
    do: [{{inventory.decrease: {{sku: MUG, by: 1}}}}]
"""
SLACK = """
  - name: Tell
    when: order paid
    do: [{slack.message: {channel: "#a", text: Hello}}]
"""


def loaded(text: str, environment: dict[str, str] | None = None) -> Loaded:
    return load_texts({"rules.yaml": text}, Known(), environment or {})


def codes(found: Loaded) -> list[str]:
    return [f"{one.severity.value[0]} {one.code} {one.file}:{one.line}" for one in found.problems]


def test_a_missing_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="it does not exist"):
        load(tmp_path / "rules.yaml", Known(), {})


def test_included_files_are_read_relative_to_the_main_file_and_come_after_it(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "rules.yaml").write_text(f"include: [more/b.yaml, c.yaml]\nrules:{RULE.format(name='A')}", "utf-8")
    (tmp_path / "more" / "b.yaml").write_text(f"lists: {{x: [A]}}\nrules:{RULE.format(name='B')}", "utf-8")
    (tmp_path / "c.yaml").write_text(f"texts: {{t: hello}}\nrules:{RULE.format(name='C')}", "utf-8")
    found = load(tmp_path / "rules.yaml", Known(), {})
    assert found.problems == ()
    assert found.ruleset is not None
    assert [rule.name for rule in found.ruleset.rules] == ["A", "B", "C"]
    assert list(found.ruleset.files) == ["rules.yaml", "more/b.yaml", "c.yaml"]


def test_the_same_files_as_texts_give_the_same_digest(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(f"include: b.yaml\nrules:{RULE.format(name='A')}", "utf-8")
    (tmp_path / "b.yaml").write_text(f"rules:{RULE.format(name='B')}", "utf-8")
    first = load(tmp_path / "rules.yaml", Known(), {}).ruleset
    assert first is not None
    again = load_texts(first.files, Known(), {}).ruleset
    assert again is not None
    assert again.digest == first.digest
    (tmp_path / "b.yaml").write_text(f"rules:{RULE.format(name='C')}", "utf-8")
    changed = load(tmp_path / "rules.yaml", Known(), {}).ruleset
    assert changed is not None
    assert changed.digest != first.digest


def test_names_used_in_two_files_are_problems_of_the_later_one_that_name_the_earlier(tmp_path: Path) -> None:
    main = f"include: b.yaml\nlists: {{x: [A]}}\ntexts: {{t: a}}\nrules:{RULE.format(name='A')}"
    (tmp_path / "rules.yaml").write_text(main, "utf-8")
    (tmp_path / "b.yaml").write_text(f"lists: {{x: [B]}}\ntexts: {{t: b}}\nrules:{RULE.format(name='A')}", "utf-8")
    found = load(tmp_path / "rules.yaml", Known(), {})
    assert [(one.code, one.file, one.line) for one in found.problems] == [
        ("K04", "b.yaml", 1),
        ("K04", "b.yaml", 2),
        ("K04", "b.yaml", 4),
    ]
    assert "line 2 of rules.yaml" in found.problems[0].message
    assert "of rules.yaml" in found.problems[2].message


def test_an_included_file_holds_rules_lists_and_texts_only(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(f"include: b.yaml\nrules:{RULE.format(name='A')}", "utf-8")
    (tmp_path / "b.yaml").write_text("shop: {name: X}\n", "utf-8")
    assert codes(load(tmp_path / "rules.yaml", Known(), {})) == ["p K01 b.yaml:1"]


def test_a_rule_with_a_problem_is_held_and_the_others_run() -> None:
    broken = RULE.format(name="B").replace("sku: MUG", "sku: '{{ order.nubmer }}'")
    found = loaded(f"rules:{RULE.format(name='A')}{broken}")
    assert found.ruleset is not None
    first, second = found.ruleset.rules
    assert first.held is None
    assert second.held is not None
    assert not second.held.missing_connection
    assert "order.nubmer" in second.held.reason
    assert second in found.ruleset.for_trigger("order paid")


def test_a_problem_in_the_yaml_of_one_rule_holds_that_rule_only() -> None:
    broken = RULE.format(name="B") + "    note: order #12\n"
    found = loaded(f"rules:{RULE.format(name='A')}{broken}")
    assert codes(found) == ["p Y12 rules.yaml:9"]
    assert found.ruleset is not None
    assert [rule.held is None for rule in found.ruleset.rules] == [True, False]


@pytest.mark.parametrize(
    "text",
    [
        "rules:\n  - name: 'It's\n",
        "shop: {timezone: Berlin}\nrules: []\n",
        "connections: {slack: {tokn: x}}\nrules: []\n",
        "rulez: []\n",
        "",
    ],
)
def test_what_is_wrong_outside_a_rule_keeps_the_whole_file_out(text: str) -> None:
    found = loaded(text)
    assert found.ruleset is None
    assert found.problems


def test_a_rule_whose_connector_is_not_connected_is_held_with_one_warning_per_connector() -> None:
    found = loaded(f"rules:{SLACK}{SLACK.replace('Tell', 'Again')}{RULE.format(name='A')}")
    assert codes(found) == ["w A06 rules.yaml:4"]
    assert found.ruleset is not None
    held = [rule.held for rule in found.ruleset.rules]
    assert [one and one.missing_connection for one in held] == [True, True, None]
    step = found.ruleset.rules[0].steps[0]
    assert step.connection is None
    assert step.settings({"order": {}}) is not None


def test_a_secret_that_is_not_set_is_a_warning_and_holds_the_rules_that_need_it() -> None:
    text = f"connections: {{slack: {{token: '${{SLACK_TOKEN}}'}}}}\nrules:{SLACK}{RULE.format(name='A')}"
    found = loaded(text)
    assert codes(found) == ["w S03 rules.yaml:1"]
    assert found.ruleset is not None
    assert found.ruleset.connections["slack"].unset == ("SLACK_TOKEN",)
    first, second = found.ruleset.rules
    assert first.held is not None
    assert first.held.missing_connection
    assert second.held is None
    ready = loaded(text, {"SLACK_TOKEN": "xoxb-1"})
    assert ready.problems == ()
    assert ready.ruleset is not None
    assert ready.ruleset.rules[0].held is None


def test_secrets_are_filled_in_only_when_a_connection_is_opened_and_never_shown() -> None:
    text = f"connections: {{slack: {{token: '${{SLACK_TOKEN}}'}}}}\nrules:{SLACK}"
    found = loaded(text, {"SLACK_TOKEN": "xoxb-very-secret"})
    assert found.ruleset is not None
    spec = found.ruleset.connections["slack"]
    assert spec.config() == {"token": "xoxb-very-secret"}
    assert spec.settings == {"token": "${SLACK_TOKEN}"}
    assert "very-secret" not in repr(found.ruleset)


def test_several_connections_of_a_kind_need_to_be_named_unless_one_has_the_kinds_own_name() -> None:
    two = "connections: {a: {type: slack, token: '${T}'}, b: {type: slack, token: '${T}'}}\n"
    assert codes(loaded(f"{two}rules:{SLACK}", {"T": "x"})) == ["p A07 rules.yaml:5"]
    named = "connections: {slack: {token: '${T}'}, b: {type: slack, token: '${T}'}}\n"
    found = loaded(f"{named}rules:{SLACK}", {"T": "x"})
    assert found.ruleset is not None
    assert found.ruleset.rules[0].steps[0].connection == "slack"


def test_a_byte_order_mark_and_one_leading_document_mark_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_bytes(b"\xef\xbb\xbf---\nrules:" + RULE.format(name="A").encode())
    found = load(tmp_path / "rules.yaml", Known(), {})
    assert found.problems == ()
    assert found.ruleset is not None


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_a_file_in_another_encoding_is_told_with_the_remedy(tmp_path: Path, encoding: str) -> None:
    text = f"rules:{RULE.format(name='Größe')}"
    (tmp_path / "rules.yaml").write_bytes(text.encode(encoding))
    found = load(tmp_path / "rules.yaml", Known(), {})
    assert [one.code for one in found.problems] == ["Y14"]
    assert found.ruleset is None


def test_yaml_guesses_no_types() -> None:
    text = """
rules:
  - name: NO
    when: order paid
    do:
      - google_sheets.add_row:
          sheet: yes
          columns: {a: NO, b: 01234, c: 0x1F, d: 1_000, e: "+1555", f: 22:30, g: 1.10, h: 2026-01-02, i: ~, j: Null}
"""
    found = loaded("connections: {google_sheets: {spreadsheet: a, credentials: '${C}'}}\n" + text, {"C": "x"})
    assert found.ruleset is not None
    rule = found.ruleset.rules[0]
    assert rule.name == "NO"
    assert rule.steps[0].as_read({}) == {
        "sheet": "yes",
        "columns": {
            "a": "NO", "b": "01234", "c": "0x1F", "d": "1_000", "e": "+1555", "f": "22:30", "g": "1.10",
            "h": "2026-01-02", "i": "~", "j": "Null",
        },
    }  # fmt: skip


def test_all_problems_are_told_at_once_and_sorted() -> None:
    text = """
rules:
  - name: A
    when: order payed
    do: [{inventory.decrease: {sku: MUG, by: two}}]
  - name: B
    when: order paid
    if: {order.country: Germany, order.totl: over 5}
    do: [{inventory.decrease: {skuu: MUG, by: 1}}]
"""
    assert codes(loaded(text)) == [
        "p T01 rules.yaml:4",
        "p A05 rules.yaml:5",
        "p C06 rules.yaml:8",
        "p X02 rules.yaml:8",
        "p K01 rules.yaml:9",
    ]


def test_an_expression_about_an_amount_without_a_shop_currency_is_a_warning() -> None:
    rule = RULE.format(name="A").replace("    do:", "    if: order.total > 100\n    do:")
    assert codes(loaded(f"rules:{rule}")) == ["w X15 rules.yaml:4"]
    assert codes(loaded(f"shop: {{currency: EUR}}\nrules:{rule}")) == []


def test_defaults_complete_the_settings_of_an_action() -> None:
    text = """
connections: {email: {server: a, from: b@example.com}}
defaults:
  email.send: {bcc: archive@example.com, subject: Default}
rules:
  - name: A
    when: order paid
    do: [{email.send: {to: c@example.com, subject: Own, body: Hi}}]
"""
    found = loaded(text)
    assert found.ruleset is not None
    assert found.ruleset.rules[0].steps[0].as_read({}) == {
        "to": "c@example.com",
        "subject": "Own",
        "body": "Hi",
        "bcc": "archive@example.com",
    }


def test_no_message_uses_words_of_yaml_or_python() -> None:
    from_broken = [one for name in ("broken_files.txt", "more_broken_files.txt") for one in _messages(name)]
    for message in from_broken:
        words = set(message.lower().replace(".", " ").replace(",", " ").split())
        assert not words & {"mapping", "scalar", "sequence", "node", "none", "str", "int", "dict", "exception"}, message


def _messages(name: str) -> list[str]:
    texts = [case.text for case in broken.read(name)]
    return [one.message for text in texts for one in loaded(text).problems if one.severity is Severity.PROBLEM]


# --- Written correctly, and probably not meant ----------------------------------------------------------------------

CONNECTED = "connections: {slack: {token: '${T}'}, google_sheets: {spreadsheet: a, credentials: '${T}'}}\n"


def warnings(rules: str) -> list[str]:
    return codes(loaded(f"{CONNECTED}rules:\n{rules}", {"T": "x"}))


def test_a_rule_that_can_never_match_is_a_warning() -> None:
    step = 'do: [{slack.message: {channel: "#a", text: Hello}}]'
    assert warnings(f"  - {{name: A, when: order paid, if: {{order.mode: setup}}, {step}}}\n") == ["w C13 rules.yaml:3"]
    both = "{all: [{order.country: [US, CA]}, {order.country: NO}]}"
    assert warnings(f"  - {{name: A, when: order paid, if: {both}, {step}}}\n") == ["w C13 rules.yaml:3"]
    fine = "{any: [{order.country: US}, {order.country: NO}], order.country: [US, NO]}"
    assert warnings(f"  - {{name: A, when: order paid, if: {fine}, {step}}}\n") == []


def test_two_rules_that_add_the_same_row_are_a_warning() -> None:
    row = "do: [{google_sheets.add_row: {sheet: Orders, columns: {Order: '{{ order.number }}'}}}]"
    other = row.replace("sheet: Orders", "sheet: Others")
    same = f"  - {{name: A, when: order paid, {row}}}\n  - {{name: B, when: [order placed, order paid], {row}}}\n"
    assert warnings(same) == ["w A08 rules.yaml:4"]
    assert warnings(f"  - {{name: A, when: order paid, {row}}}\n  - {{name: B, when: order paid, {other}}}\n") == []
    assert warnings(f"  - {{name: A, when: order paid, {row}}}\n  - {{name: B, when: order placed, {row}}}\n") == []


def test_reading_the_result_of_a_step_that_may_be_skipped_is_a_warning() -> None:
    rule = """
  - name: A
    when: order paid
    do:
      - id: ask
        if: {order.total: over 5 EUR}
        slack.message: {channel: "#a", text: Hello}
      - slack.message: {channel: "#a", text: "See {{ steps.ask.link }}"}
"""
    assert warnings(rule) == ["w X16 rules.yaml:10"]
    guarded = rule.replace("      - slack.message", "      - if: {order.total: over 5 EUR}\n        slack.message")
    assert warnings(guarded) == []


@pytest.mark.parametrize(
    ("text", "codes_"),
    [
        ("rules:\n  - name: A\x00\n", ["Y02"]),
        ("rules:\n  - name: A\u2028B\n", ["Y02"]),
        (f"rules: {'[' * 50_000}\n", ["Y10"]),
        (f"rules: {'[' * 900}{']' * 900}\n", ["Y10"]),
        ("a: &a [1, 1]\nb: &b [*a, *a]\nc: &c [*b, *b]\nrules: *c\n", ["Y03"]),
        ("rules: !!python/object/apply:os.system [id]\n", ["Y03"]),
        ("? {a: b}\n: c\n", ["Y04"]),
    ],
    ids=["control character", "another line end", "brackets", "nesting", "aliases", "a tag", "a complex key"],
)
def test_hostile_yaml_is_refused_with_a_message(text: str, codes_: list[str]) -> None:
    found = loaded(text)
    assert found.ruleset is None
    assert sorted({one.code for one in found.problems}) == sorted(codes_)


def test_line_ends_of_windows_are_line_ends(tmp_path: Path) -> None:
    text = f"rules:{RULE.format(name='A')}{SLACK}".replace("#a", "a")
    (tmp_path / "rules.yaml").write_bytes(text.replace("\n", "\r\n").encode())
    windows = load(tmp_path / "rules.yaml", Known(), {})
    unix = loaded(text)
    assert windows.problems == unix.problems
    assert windows.ruleset is not None
    assert unix.ruleset is not None
    assert windows.ruleset.digest == unix.ruleset.digest


def test_a_mistake_in_a_shared_text_holds_the_rules_that_use_it() -> None:
    texts = "texts: {good: Hello, bad: 'Hello {{ customer.nmae }}'}\n"
    second = SLACK.replace("Tell", "Again").replace("Hello", '"{{ texts.bad }}"')
    first = SLACK.replace("Hello", '"{{ texts.good }}"')
    found = loaded(f"{CONNECTED}{texts}rules:{first}{second}", {"T": "x"})
    assert codes(found) == ["p X02 rules.yaml:2"]
    assert found.ruleset is not None
    assert [rule.held is None for rule in found.ruleset.rules] == [True, False]
    unused = loaded(f"{CONNECTED}texts: {{bad: 'Hello {{{{ x'}}\nrules:{SLACK}", {"T": "x"})
    assert codes(unused) == ["w X07 rules.yaml:2"]
