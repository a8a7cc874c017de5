"""``hub dev slack``, ``sheets`` and ``mail`` beside ``hub serve``: what they print makes a hub that works with them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e import sales
from tests.e2e.sales import session
from tests.e2e.shop import SHOP, Shop, eventually, opened

STEPS = {
    "slack": 'slack.message: {channel: "#orders", text: "Paid by {{ customer.name }}"}',
    "sheets": 'google_sheets.add_row: {sheet: Orders, columns: {Paid: "Paid by {{ customer.name }}"}}',
    "mail": 'email.send: {to: "ana@example.com", subject: Thanks, body: "Paid by {{ customer.name }}"}',
}


def started(shop: Shop, what: str) -> tuple[str, str]:
    """The page's address, and the lines for rules.yaml; the settings are taken over."""
    shop.start("dev", what, "--port", "0")
    eventually("the fake says where it is", lambda: "Ctrl-C" in shop.log)
    for name, value in re.findall(r"^  ([A-Z_]+)=(.+)$", shop.log, re.M):
        shop.settings[name] = value.strip("'")
    (page,) = re.findall(r"see what it gets:  (\S+)", shop.log)
    (lines,) = re.findall(r"In rules.yaml:\n\n(.+?)\n\n", shop.log, re.S)
    return page, lines


@pytest.mark.parametrize("what", STEPS)
def test_what_a_rule_sends_is_seen_on_the_page(tmp_path: Path, what: str) -> None:
    with opened(tmp_path, SHOP + "rules: []\n") as shop:
        page, lines = started(shop, what)
        assert "Nothing yet" in sales.call("GET", page).body.decode()
        rule = f"rules:\n  - name: Tell\n    when: order paid\n    do: [{{{STEPS[what]}}}]\n"
        shop.rules(f"{SHOP}{lines}\n{rule}")
        shop.serve()
        obj = session()
        obj["customer_details"]["name"] = "<b>Ana</b>"
        shop.sell(obj)
        eventually("the page shows it", lambda: b"Paid by" in sales.call("GET", page).body)
        assert "<b>" not in sales.call("GET", page).body.decode()
