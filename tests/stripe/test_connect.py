"""``hub connect``: one endpoint at Stripe, with all the types that the rules need, and never a second one."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from hub.settings import Environment, read_settings
from hub.testing.stripe import FakeStripe
from tests.e2e.shop import HUB, SHOP

RULES = (
    SHOP
    + """
connections: {orders: {type: spreadsheet, file: orders.csv}}
rules:
  - name: Row
    when: subscription renewed
    do: [{spreadsheet.add_row: {columns: {Order: "{{ subscription.id }}"}}}]
"""
)
KEY = "sk_test_fakeFullKeyOfTheShop0001"
ADDRESS = "http://127.0.0.1:9/webhooks/stripe"


class Folder:
    """A shop's folder, and the command run in it."""

    def __init__(self, path: Path, stripe: FakeStripe) -> None:
        self.path = path
        self.stripe = stripe
        (path / "rules.yaml").write_text(RULES)
        self.settings = {"STRIPE_API_KEY": KEY, "STRIPE_API_BASE": stripe.url, "HUB_PUBLIC_URL": "http://127.0.0.1:9"}

    def connect(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [HUB, "connect", *arguments],
            cwd=self.path,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self.path), **self.settings},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def endpoints(self) -> list[Any]:
        return self.stripe.all("webhook_endpoint")


@pytest.fixture
def folder(tmp_path: Path, fake: FakeStripe) -> Folder:
    return Folder(tmp_path, fake)


def test_it_makes_one_with_what_the_rules_need_in_the_hubs_version_and_keeps_the_secret(folder: Folder) -> None:
    done = folder.connect("--yes")
    assert done.returncode == 0, done.stderr
    assert "+ invoice.paid" in done.stdout
    (endpoint,) = folder.endpoints()
    assert endpoint["url"] == ADDRESS
    assert {"invoice.paid", "checkout.session.completed", "refund.created"} <= set(endpoint["enabled_events"])
    assert endpoint["api_version"] == "2026-10-28.endive"
    secrets = read_settings(Environment({}, folder.path / ".env")).webhook_secrets
    assert secrets == (folder.stripe.office.endpoints[endpoint["id"]].secrets[0][0],)
    assert secrets[0] not in done.stdout + done.stderr
    assert (folder.path / ".env").stat().st_mode & 0o077 == 0
    again = folder.connect("--yes")
    assert "Nothing is missing." in again.stdout
    assert len(folder.endpoints()) == 1


def test_a_secret_that_cannot_be_written_is_shown_this_once(folder: Folder) -> None:
    (folder.path / ".env").mkdir()
    done = folder.connect("--yes")
    (endpoint,) = folder.endpoints()
    assert folder.stripe.office.endpoints[endpoint["id"]].secrets[0][0] in done.stderr


def test_further_types_may_be_asked_for_by_their_right_names(folder: Folder) -> None:
    assert folder.connect("--yes", "--events", "product.updated, price.created").returncode == 0
    (endpoint,) = folder.endpoints()
    assert {"product.updated", "price.created", "invoice.paid"} <= set(endpoint["enabled_events"])
    wrong = folder.connect("--yes", "--events", "product.updatet")
    assert (wrong.returncode, "product.updated" in wrong.stderr) == (2, True)


def test_it_shows_and_changes_nothing_until_it_is_told_to(folder: Folder) -> None:
    assert folder.connect("--json").stdout.count('"done": false') == 1
    assert folder.endpoints() == []


def test_it_adds_what_is_missing_keeps_what_others_chose_and_switches_on(folder: Folder) -> None:
    made = folder.stripe.add_endpoint(ADDRESS + "/", ["radar.early_fraud_warning.created"], api_version="2022-11-15")
    folder.stripe.books.kept[made.id].thing["status"] = "disabled"
    done = folder.connect("--yes")
    assert done.returncode == 0, done.stderr
    (endpoint,) = folder.endpoints()
    assert endpoint["status"] == "enabled"
    assert endpoint["enabled_events"][0] == "radar.early_fraud_warning.created"
    assert "invoice.paid" in endpoint["enabled_events"]
    assert "2022-11-15" in done.stdout
    assert "switched on" in done.stdout


def test_an_event_destination_with_thin_events_is_understood(folder: Folder) -> None:
    folder.connect("--yes")
    (classic,) = folder.endpoints()
    folder.settings["HUB_PUBLIC_URL"] = "http://127.0.0.1:9/other"
    body = {
        "name": "ours",
        "type": "webhook_endpoint",
        "event_payload": "thin",
        "enabled_events": ["v1.checkout.session.completed"],
        "webhook_endpoint": {"url": "http://127.0.0.1:9/other/webhooks/stripe"},
    }
    made = folder.stripe.destination(body)
    done = folder.connect("--yes")
    assert done.returncode == 0, done.stderr
    assert "+ v1.invoice.paid" in done.stdout
    assert "v1.invoice.paid" in folder.stripe.books.kept[made["id"]].thing["enabled_events"]
    assert folder.endpoints() == [classic]


def test_two_endpoints_of_one_address_are_told_and_left_alone(folder: Folder) -> None:
    for _ in range(2):
        folder.stripe.add_endpoint(ADDRESS, ["checkout.session.completed"])
    done = folder.connect("--yes")
    assert (done.returncode, "2 of Stripe's endpoints" in done.stderr) == (1, True)
    assert all(one["enabled_events"] == ["checkout.session.completed"] for one in folder.endpoints())


def test_two_people_at_the_same_time_make_one(folder: Folder) -> None:
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: folder.connect("--yes"), range(4)))
    assert len(folder.endpoints()) == 1, [one.stderr for one in done]


def test_one_that_was_deleted_is_made_anew(folder: Folder) -> None:
    folder.connect("--yes")
    (old,) = folder.endpoints()
    folder.stripe.delete_endpoint(old["id"])
    assert folder.connect("--yes").returncode == 0
    (new,) = folder.endpoints()
    assert new["id"] != old["id"]


def test_a_key_that_may_not_is_told_the_permission(folder: Folder) -> None:
    folder.settings["STRIPE_API_KEY"] = folder.stripe.key
    done = folder.connect("--yes")
    assert done.returncode == 2
    assert "rak_webhook_write" in done.stderr
    assert "--ask-key" in done.stderr


def test_what_stripe_will_not_take_is_said_in_its_own_words(folder: Folder) -> None:
    for number in range(16):
        folder.stripe.add_endpoint(f"http://127.0.0.1:9/{number}")
    done = folder.connect("--yes")
    assert (done.returncode, "maximum of 16 test webhook endpoints" in done.stderr) == (2, True)
    assert "same account and mode" not in done.stderr


def test_a_key_that_may_look_and_not_change_is_told_so(folder: Folder) -> None:
    folder.stripe.add_endpoint(ADDRESS, ["checkout.session.completed"])
    folder.settings["STRIPE_API_KEY"] = "rk_test_mayLook0001"
    folder.stripe.gate.restrict("rk_test_mayLook0001", "rak_webhook_read", "rak_event_destination_read")
    done = folder.connect("--yes")
    assert done.returncode == 2
    assert "may not change the endpoint" in done.stderr
    assert "rak_webhook_write" in done.stderr


def test_without_an_address_it_asks_for_one(folder: Folder) -> None:
    del folder.settings["HUB_PUBLIC_URL"]
    done = folder.connect()
    assert (done.returncode, "HUB_PUBLIC_URL" in done.stderr) == (2, True)
