"""``hub send-test``: a sample of everything that rules can be about, in every version of Stripe's API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.rules import catalogue
from hub.testing.plays import PLAYS, played, stage
from hub.testing.stripe import FakeStripe
from hub.testing.versions import VERSIONS, as_of
from tests.e2e.shop import SHOP, Shop, eventually, opened

TOLD = {
    "order": "{{ order.total }} {{ order.skus | join(' ') }} {{ order.shipping.label }} {{ customer.email }}",
    "refund": "{{ refund.amount }} of {{ order.total }}",
    "dispute": "{{ dispute.amount }} of {{ order.total }}",
    "subscription": "{{ subscription.amount }} {{ subscription.renews_at | date('YYYY-MM-DD') }}",
    "invoice": "{{ invoice.total }}",
}
#: What is sent for what: a refund may be told by three events, and an account of today tells it with the first.
TRIGGERS = {name: one for name, one in catalogue.TRIGGERS.items() if not one.events[0].startswith("hub.")}


_ROOTS = ("refund", "dispute", "invoice", "subscription", "order")


def rules() -> str:
    written = ""
    for name, trigger in TRIGGERS.items():
        root = next(
            (root for root in ("refund", "dispute", "invoice", "subscription", "order") if root in trigger.roots), ""
        )
        text = TOLD.get(root, "{{ event.type }}").replace("'", "''")
        step = f"spreadsheet.add_row: {{connection: all, columns: {{Trigger: {name}, Told: '{text}'}}}}"
        written += f"\n  - name: {name}\n    when: {name}\n    do: [{{{step}}}]"
    return f"{SHOP}connections:\n  all: {{type: spreadsheet, file: all.csv}}\nrules:{written}\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(tmp_path_factory.mktemp("samples"), rules()) as found:
        found.serve()
        yield found


@pytest.fixture
def fake() -> Iterator[FakeStripe]:
    with stage() as found:
        yield found


def told(shop: Shop) -> list[tuple[str, str]]:
    return [(row["Trigger"], row["Told"]) for row in shop.rows("all.csv")]


def test_there_is_a_sample_of_every_type_that_a_trigger_is_about() -> None:
    assert {kind for one in TRIGGERS.values() for kind in one.events} == set(PLAYS)


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_what_is_sent_for_a_trigger_fires_it(shop: Shop, trigger: str) -> None:
    before = [name for name, _ in told(shop)].count(trigger)
    done = shop.hub("send-test", trigger, "--json")
    assert done.code == 0, done.err
    assert done.json[-1]["type"] in catalogue.TRIGGERS[trigger].events
    eventually(f"“{trigger}” has fired", lambda: [name for name, _ in told(shop)].count(trigger) > before)


@pytest.mark.parametrize("kind", ["checkout.session.completed", "customer.subscription.created", "invoice.paid"])
def test_every_version_of_the_api_tells_the_same(shop: Shop, fake: FakeStripe, kind: str) -> None:
    shop.settle()
    rows = []
    for version in VERSIONS:
        before = len(told(shop))
        for document in played(fake, kind, PLAYS[kind]):
            assert shop.send(as_of(document, version)).status == 200
        shop.settle()
        rows.append(sorted(told(shop)[before:]))
    assert rows[0]
    assert rows == [rows[0]] * len(VERSIONS)


def test_a_type_without_a_sample_and_a_strange_version_are_told(shop: Shop) -> None:
    wrong = shop.hub("send-test", "order payed")
    assert (wrong.code, "Did you mean “order placed”?" in wrong.err) == (2, True)
    strange = shop.hub("send-test", "--api-version", "1999-01-01")
    assert (strange.code, "2020-03-02" in strange.err) == (2, True)
