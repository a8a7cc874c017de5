"""The API: who may call what, what calls do, and how it refuses."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from hub.connector import Permanent
from hub.model import Role, TokenScope
from hub.store import tokens
from hub.testing import events as samples
from hub.web.api.table import CALLS
from tests.integration.conftest import RULES
from tests.integration.console import Place
from tests.integration.subscribed import invoice, subscription

#: Written out once more, by what a role is for: a call that is opened too far in the table is found here.
PACKERS = {
    *("GET orders", "GET orders/{session_id}", "POST orders/{session_id}/packed", "POST orders/{session_id}/unpack"),
    *("POST orders/{session_id}/shipped", "POST orders/{session_id}/hold", "POST orders/{session_id}/release"),
    *("POST orders/{session_id}/note", "GET approvals", "POST approvals/{number}"),
}
OWNERS = {"GET people", "GET audit", "GET rules/file", "GET orders/{session_id}/run"}


@dataclass(frozen=True)
class Program:
    """Something that calls the API with a token."""

    port: int
    token: str

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None:
            sent["Content-Type"] = "application/json"
        text = body if isinstance(body, str | bytes | None) else json.dumps(body)
        connection.request(method, f"/api/v1/{path}", text, sent | headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        assert answer.getheader("Content-Type") == "application/json"
        found = json.loads(content)
        if answer.status != 200:
            assert set(found) == {"error"}
            assert set(found["error"]) == {"code", "message", "hint"}
        return answer.status, found

    def get(self, path: str) -> Any:
        status, found = self.call("GET", path)
        assert status == 200, found
        return found


def program(place: Place, role: Role = Role.OWNER, scope: TokenScope = TokenScope.WRITE) -> Program:
    now, name = place.shop.clock.now(), f"{role} {scope}"

    def write(connection: Any) -> str | None:
        tokens.remove(connection, name)
        return tokens.add(connection, name, role, scope, now)

    token = place.shop.hub.database.write(write).result()
    assert token is not None
    return Program(place.port, token)


@pytest.fixture
def owner(place: Place) -> Program:
    return program(place)


def may(role: Role, scope: TokenScope, method: str, path: str) -> bool:
    """What a token should reach."""
    if method != "GET" and scope is TokenScope.READ:
        return False
    if role is Role.PACKER:
        return f"{method} {path}" in PACKERS
    return role is Role.OWNER or (method == "GET" and f"{method} {path}" not in OWNERS)


@pytest.mark.parametrize("scope", TokenScope)
@pytest.mark.parametrize("role", Role)
def test_every_call_is_open_to_whom_it_should_and_nobody_else(place: Place, role: Role, scope: TokenScope) -> None:
    caller, nobody = program(place, role, scope), Program(place.port, "")
    for call in CALLS:
        path = call.path.replace("{session_id}", "cs_none").replace(":path", "").replace("{", "").replace("}", "")
        status, _ = caller.call(call.method, path, "{}" if call.method != "GET" else None)
        assert (status == 403) is not may(role, scope, call.method, call.path), (call.method, call.path, status)
        assert status < 500
        assert nobody.call(call.method, path)[0] == 401


def test_a_packers_morning(place: Place) -> None:
    session_id = place.shop.sell()
    place.shop.work()
    packer = program(place, Role.PACKER)
    path = f"orders/{session_id}"
    assert [one["fulfilment"] for one in packer.get("orders?show=to_ship")["items"]] == ["to ship"]
    assert packer.call("POST", f"{path}/packed")[0] == 200
    assert packer.call("POST", f"{path}/packed")[0] == 409
    assert packer.call("POST", f"{path}/hold")[0] == 200
    assert packer.call("POST", f"{path}/shipped", {"carrier": "DHL"})[0] == 409, "it is on hold"
    assert packer.call("POST", f"{path}/release")[0] == 200
    assert packer.call("POST", f"{path}/note", {"text": "Fragile"})[0] == 200
    sent = {"carrier": "DHL", "tracking_number": "00340", "more_will_follow": True}
    assert packer.call("POST", f"{path}/shipped", sent)[0] == 200
    assert packer.call("POST", f"{path}/shipped", sent)[0] == 409, "the same parcel twice"
    assert packer.call("POST", f"{path}/shipped", {"part": 2})[0] == 200
    order = packer.get(path)
    assert (order["parcels"], order["fulfilment"]) == (2, "shipped, 2 parcels")
    assert order["customer"]["email"]
    who = "token packer write"
    assert [one["what"] for one in reversed(order["acts"])] == [
        *("packed", "held", "released", "noted", "shipped", "shipped")
    ]
    assert {one["who"] for one in order["acts"]} == {who}
    shipped = [one for one in order["events"] if one["type"] == "hub.order.shipped"]
    assert len(shipped) == 2, "rules hear of every parcel once"


def test_an_incident_is_seen_and_settled(place: Place, owner: Program) -> None:
    place.shop.far.will(lambda batch: [Permanent("a wrong address") for _ in batch.deliveries])
    session_id = place.shop.sell()
    place.shop.work()
    (group,) = owner.get("needs-you")
    assert group["decisions"] == ["retry", "cancel"]
    status, decided = owner.call("POST", "needs-you", {"cause": group["cause"], "decision": "retry"})
    assert (status, decided) == (200, {"done": 1, "refused": []})
    place.shop.work()
    assert owner.get("needs-you") == []
    (line,) = owner.get(f"deliveries?subject={session_id}")["items"]
    assert line["state"] == "succeeded"
    whole = owner.get(f"deliveries/{line['id']}")
    assert [one["outcome"] for one in whole["tries"]] == ["permanent", "succeeded"]
    assert place.shop.far.texts() == ["Order 1001"]
    again = owner.call("POST", "deliveries/decide", {"ids": [line["id"]], "decision": "retry"})[1]
    assert again["done"] == 0
    assert again["refused"][0]["id"] == line["id"]
    assert owner.call("POST", "needs-you", {"cause": "none", "decision": "retry"})[0] == 404


def test_rules_are_read_checked_changed_and_put_back(place: Place, owner: Program) -> None:
    place.shop.sell()
    place.shop.work()
    file = owner.get("rules/file")
    broken = file["text"].replace("order paid", "order payed")
    _, checked = owner.call("POST", "rules/check", {"text": broken})
    assert "order payed" in checked["problems"][0]["message"]
    better = file["text"].replace("Order {{", "Sold: order {{")
    _, checked = owner.call("POST", "rules/check", {"text": better})
    assert checked["usable"]
    assert len(checked["changes"]) == 1
    change = {"text": better, "began": file["digest"], "reason": "friendlier"}
    assert owner.call("PUT", "rules/file", change | {"text": "rules: ["})[0] == 422
    assert owner.call("PUT", "rules/file", change)[0] == 200
    assert owner.call("PUT", "rules/file", change)[0] == 409, "it is another file by now"
    newest, oldest = owner.get("rules/versions")
    assert (newest["reason"], newest["author"]) == ("friendlier", "token owner write")
    assert owner.call("POST", "rules/back", {"version": oldest["number"]})[0] == 200
    assert owner.get("rules/file")["text"] == file["text"]
    assert better in owner.get(f"rules/versions/{newest['number']}")["files"].values()


def test_stock_and_codes(owner: Program) -> None:
    sku = "MUG%2F01%20%C3%A9"
    assert owner.call("PUT", f"stock/{sku}", {"on_hand": 7, "low_at": 2})[1]["sku"] == "MUG/01 é"
    assert owner.call("PUT", f"stock/{sku}", {"on_hand": 5})[1] == {
        **{"sku": "MUG/01 é", "on_hand": 5, "reserved": 0, "low_at": 2}
    }
    assert [one["delta"] for one in owner.get(f"stock/{sku}")["movements"]] == [-2, 7]
    assert "2 codes added" in owner.call("POST", "codes/keys", {"codes": ["a", "b"]})[1]["said"]
    assert "1 codes added" in owner.call("POST", "codes/keys", {"codes": ["b", "c"]})[1]["said"]
    assert owner.get("codes") == [{"name": "keys", "left": 3, "taken": 0}]


def test_lists_go_on_where_they_ended(place: Place, owner: Program) -> None:
    for _ in range(5):
        place.shop.sell()
    place.shop.work()
    for what in ("orders", "deliveries", "events", "audit"):
        whole = [one["id"] for one in owner.get(what)["items"]]
        found: list[Any] = []
        before = None
        while before is not None or not found:
            page = owner.get(f"{what}?limit=2" + (f"&before={before}" if before else ""))
            found += [one["id"] for one in page["items"]]
            before = page["next"]
            if not page["items"]:
                break
        assert found == whole


def test_rules_are_previewed_and_run(place: Place, owner: Program) -> None:
    session_id = place.shop.sell()
    place.shop.work()
    place.shop.reload(RULES + RULES.partition("rules:\n")[2].replace("Tell", "Say").replace("Order", "Sold:"))
    place.shop.work()
    (seen,) = owner.get(f"orders/{session_id}/run?rule=Say")
    assert seen["runs"]
    assert [(one["action"], one["sent"]["text"]) for one in seen["steps"]] == [("far.post", "Sold: 1001")]
    chosen = {"rule": "Say", "event": seen["event"]}
    assert owner.call("POST", f"orders/{session_id}/run", chosen)[0] == 200
    assert owner.call("POST", f"orders/{session_id}/run", chosen | {"event": "evt_other"})[0] == 409
    assert owner.call("POST", f"orders/{session_id}/run", {"rule": "No such", "event": "x"})[0] == 404
    place.shop.work()
    assert place.shop.far.texts() == ["Order 1001", "Sold: 1001"]
    assert owner.call("POST", f"orders/{session_id}/run", chosen)[0] == 409, "it ran"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        *(("", 422), ("{", 422), ("[]", 422), ('{"text": 1}', 422), ('{"text": "a\\u0000b"}', 422)),
        *(('{"text": "\\ud800"}', 422), ('{"text": "a", "more": 1}', 422), (b'{"text": "\xff"}', 422)),
        *(('{"text": "' + "x" * 2001 + '"}', 422), ('{"text": "' + "x" * 2**20 + '"}', 413)),
        ("[" * 10_000, 422),
    ],
)
def test_what_cannot_be_understood_is_refused(place: Place, owner: Program, body: str | bytes, status: int) -> None:
    session_id = place.shop.sell()
    place.shop.work()
    assert owner.call("POST", f"orders/{session_id}/note", body)[0] == status
    assert owner.call("POST", f"orders/{session_id}/note", '{"text": "a"}', **{"Content-Type": "text/plain"})[0] == 415
    assert place.acts(session_id) == []


@pytest.mark.parametrize(
    "path",
    [
        "orders?limit=0",
        "orders?limit=%C2%B2",
        "orders?before=-1",
        "orders?show=all",
        "orders?shw=held",
        "audit?limit=x",
    ],
)
def test_parameters_that_mean_nothing_are_refused(owner: Program, path: str) -> None:
    status, found = owner.call("GET", path)
    assert status == 422
    assert path.partition("?")[2].partition("=")[0] in found["error"]["message"]


def test_what_is_not_there(owner: Program) -> None:
    for path in ("nothing", "orders/cs_none", "events/evt_none", "deliveries/0", "deliveries/%C2%B2", "stock/none"):
        assert owner.call("GET", path)[0] == 404, path
    assert owner.call("GET", "orders/a%00b")[0] == 404
    status, found = owner.call("DELETE", "orders")
    assert (status, found["error"]["code"]) == (405, "method_not_allowed")


def test_a_removed_token_opens_nothing_and_guessing_is_stopped(place: Place, owner: Program) -> None:
    place.shop.hub.database.write(lambda connection: tokens.remove(connection, "owner write")).result()
    assert owner.call("GET", "orders")[0] == 401
    guesses = [Program(place.port, f"hub_{number}").call("GET", "orders")[0] for number in range(35)]
    assert set(guesses) == {401, 429}
    assert program(place).call("GET", "orders")[0] == 200, "who has a token is not kept out by who guesses"


def test_a_session_of_the_console_opens_nothing(place: Place) -> None:
    caller = Program(place.port, "")
    assert caller.call("GET", "orders", Cookie=place.signed_in().cookie)[0] == 401


def test_hostile_names_come_back_as_they_are(open_place_on_each: Callable[..., Place]) -> None:
    place = open_place_on_each()
    name = "<script>alert(1)</script>\u202e" + "x" * 10_000
    session_id = place.shop.sell(customer_details={"name": name, "email": "a@example.com"})
    place.shop.work()
    caller = program(place)
    assert caller.get(f"orders/{session_id}")["customer"]["name"].startswith("<script>")
    assert [one["id"] for one in caller.get("orders?q=%3Cscript%3E")["items"]] == [session_id]


APPROVED = """
rules:
  - name: Big
    when: order paid
    do:
      - approve: {who: packer, text: "Send {{ order.number }}?", within: 2 days}
      - far.post: {text: "Order {{ order.number }}"}
"""


def test_the_first_answer_to_an_approval_counts(open_place: Callable[..., Place]) -> None:
    place = open_place(APPROVED)
    place.shop.sell()
    place.shop.work()
    packer, viewer = program(place, Role.PACKER), program(place, Role.VIEWER)
    (asked,) = viewer.get("approvals")
    assert asked["text"] == "Send 1001?"
    path = f"approvals/{asked['id']}"
    assert viewer.call("POST", path, {"answer": "yes"})[0] == 403
    assert packer.call("POST", path, {"answer": "perhaps"})[0] == 422
    assert packer.call("POST", path, {"answer": "yes"}) == (200, {"said": "Approved."})
    assert packer.call("POST", path, {"answer": "no"})[0] == 409
    place.shop.work()
    assert place.shop.far.texts() == ["Order 1001"]
    assert packer.get("approvals") == []


def test_subscriptions_are_listed_and_told(place: Place, owner: Program) -> None:
    place.shop.take(
        samples.event("customer.subscription.created", subscription()), samples.event("invoice.paid", invoice())
    )
    place.shop.work()
    (line,) = owner.get("subscriptions?show=active")["items"]
    assert (line["id"], line["plan"], line["amount"], line["interval"]) == ("sub_one", "Coffee box", "19.00", "month")
    assert owner.get("subscriptions?show=canceled")["items"] == []
    whole = owner.get("subscriptions/sub_one")
    assert whole["customer"]["email"] == "one@example.com"
    assert [(one["number"], one["total"]) for one in whole["invoices"]] == [("SHOP-0001", "19.00")]
    assert owner.call("GET", "subscriptions/sub_none")[0] == 404
