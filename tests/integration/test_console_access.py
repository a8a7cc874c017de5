"""Who gets where in the console: every door with every role, forms of strangers, ends of sessions, too many tries."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from hub.model import Role
from hub.store import people
from hub.web.console.pages import DOORS
from tests.integration.console import Browser, Place
from tests.integration.test_api import Program

PASSWORD = "a short sentence is fine"

#: Written out once more, by what a role is for: a door that is opened too far in the table is found here.
FIGURES = {"/", "/orders.csv", "/events", "/events/{event_id}", "/reports", "/connections", "/stock", "/codes"}
FIGURES |= {"/rules", "/rules/versions/{number}", "/stock/{sku}", "/codes/{pool}", "/needs-you"}
FIGURES |= {"/subscriptions", "/subscriptions.csv", "/subscriptions/{subscription_id}"}
PACKERS = {"approvals", "packed", "unpack", "shipped", "hold", "release", "note", "bulk"}
EDITOR = {f"/rules/{what}" for what in ("edit", "new", "complete", "hover", "problems", "effect")}


def may(role: Role, method: str, path: str) -> bool:
    """What a role should reach."""
    if (
        role is Role.OWNER
        or path.startswith(("/sign", "/account", "/approve/"))
        or path == "/live"
        or path.startswith("/views")
    ):
        return True
    if path.startswith("/settings") or path.endswith("/run") or path in EDITOR:
        return False
    if role is Role.VIEWER:
        return method == "GET"
    return (
        path in {"/", "/approvals"} or (path.startswith("/orders") and path not in FIGURES)
        if method == "GET"
        else (path.rpartition("/")[2] in PACKERS or path == "/demo/order")
    )


def reach(browser: Browser, method: str, path: str) -> int:
    path = path.replace("{session_id}", "cs_none").replace("{", "").replace("}", "")
    return browser.get(path)[0] if method == "GET" else browser.post(path)[0]


def test_every_door_lets_in_whom_it_should_and_nobody_else(open_place: Callable[..., Place]) -> None:
    place = open_place()
    for role in Role:
        browser = place.signed_in(role)
        for door in DOORS:
            if door.path in {"/live", "/sign-out", "/sign-in"}:
                continue
            status = reach(browser, door.method, door.path)
            allowed = may(role, door.method, door.path)
            assert (status == 403) is not allowed, (role, door.method, door.path, status)
            assert status < 500, (role, door.method, door.path)


def test_without_a_session_there_is_only_the_way_in(place: Place) -> None:
    place.link()
    for door in DOORS:
        status = reach(place.browser(), door.method, door.path)
        # A form without a session is one of nobody's; an empty try to sign in fails as well.
        assert status == (200 if (door.method, door.path) == ("GET", "/sign-in") else 401), door


def test_a_form_that_another_site_sends_is_refused(place: Place) -> None:
    session_id = place.shop.sell()
    place.shop.work()
    browser, other = place.signed_in(), place.signed_in(name="another")
    for form in ("", "guessed", other.token()):
        assert browser.post(f"/orders/{session_id}/packed", form=form)[0] == 403
    body = f"form={browser.token()}"
    assert browser.ask("POST", f"/orders/{session_id}/packed", body, **{"Sec-Fetch-Site": "cross-site"}).status == 403
    assert place.acts(session_id) == []
    assert browser.post(f"/orders/{session_id}/packed")[0] == 303
    assert place.acts(session_id) == [("owner", "packed", session_id)]


def test_a_session_ends_when_it_is_not_used_and_after_a_month_in_any_case(place: Place) -> None:
    browser = place.signed_in()
    for _ in range(people.LONGEST_MS // people.IDLE_MS + 1):
        place.shop.clock.advance(people.IDLE_MS / 1000 - 60)
        status, _ = browser.get("/orders")
    assert status == 401, "thirty days later, used every day"
    idle = place.signed_in()
    place.shop.clock.advance(people.IDLE_MS / 1000 - 60)
    assert idle.get("/orders")[0] == 200
    place.shop.clock.advance(people.IDLE_MS / 1000)
    assert idle.get("/orders")[0] == 401


def test_signing_out_ends_the_session_wherever_its_cookie_is(place: Place) -> None:
    browser = place.signed_in()
    stolen = Browser(place.port, browser.cookie)
    assert browser.post("/sign-out")[0] == 303
    assert browser.cookie == ""
    assert stolen.get("/orders")[0] == 401


def test_a_password_lets_in_and_a_new_one_ends_other_sessions(place: Place) -> None:
    browser = place.signed_in()
    assert "differ" in browser.send("/account/password", password=PASSWORD, again="x").said
    assert "characters" in browser.send("/account/password", password="short", again="short").said
    assert "is set" in browser.send("/account/password", password=PASSWORD, again=PASSWORD).said
    by_password = place.browser()
    assert by_password.post("/sign-in", name="OWNER", password="wrong")[0] == 401
    assert by_password.post("/sign-in", name="nobody", password=PASSWORD)[0] == 401
    assert by_password.post("/sign-in", name="Owner", password=PASSWORD)[0] == 303
    assert "old password" in by_password.send("/account/password", password=PASSWORD, again=PASSWORD).said
    new = f"{PASSWORD}!"
    assert by_password.send("/account/password", old=PASSWORD, password=new, again=new).status == 303
    assert browser.get("/orders")[0] == 401
    assert by_password.get("/orders")[0] == 200
    assert place.console.start_link() is None, "the log gives no link away once there is a password"


def test_a_new_password_ends_links_that_were_made_before(place: Place) -> None:
    browser, link = place.signed_in(), place.link()
    browser.post("/account/password", password=PASSWORD, again=PASSWORD)
    assert place.browser().post("/sign-in", token=link)[0] == 401


def test_names_may_have_capitals_of_every_alphabet(place: Place) -> None:
    assert place.signed_in(name="Ödön Ács").post("/account/password", password=PASSWORD, again=PASSWORD)[0] == 303
    for name in ("Ödön Ács", "ödön ács"):
        assert place.browser().post("/sign-in", name=name, password=PASSWORD)[0] == 303


def test_pages_show_nothing_that_form_tokens_are_made_of(place: Place) -> None:
    owner, packer = place.signed_in(), place.signed_in(Role.PACKER)
    now = place.shop.clock.now()
    digests = [one.digest for one in place.shop.hub.database.read(lambda c: people.open_sessions(c, now))]
    assert len(digests) == 2
    pages = owner.get("/settings")[1] + owner.get("/account")[1] + packer.get("/account")[1]
    assert [one for one in digests if one in pages] == []


def test_who_guesses_is_stopped(place: Place) -> None:
    place.signed_in().post("/account/password", password=PASSWORD, again=PASSWORD)
    answers = [place.browser().post("/sign-in", name="owner", password=f"guess {n}")[0] for n in range(11)]
    assert answers == [401] * 9 + [429] * 2, "the change of the password was a try as well"
    assert place.browser().post("/sign-in", name="owner", password=PASSWORD)[0] == 429


def test_people_are_added_shown_a_link_once_and_removed(place: Place) -> None:
    owner = place.signed_in()
    _, page = owner.post("/settings/people/add", name="Mara", role="packer")
    token = page.partition("/sign-in?token=")[2].partition("<")[0]
    mara = place.browser()
    assert mara.post("/sign-in", token=token)[0] == 303
    assert mara.get("/orders")[0] == 200
    assert token not in owner.get("/settings")[1]
    assert "already" in owner.send("/settings/people/add", name="mara", role="owner").said
    assert "role" in owner.send("/settings/people/add", name="Ben", role="king").said
    assert "last owner" in owner.send("/settings/people/remove", name="owner").said
    assert owner.send("/settings/people/remove", name="Mara").status == 303
    assert mara.get("/orders")[0] == 401
    done = [(who, what, thing) for who, what, thing in place.acts() if thing == "user Mara"]
    assert done == [("owner", what, "user Mara") for what in ("added", "made a link for", "removed")]


def test_a_token_is_made_shown_once_and_removed(place: Place) -> None:
    owner = place.signed_in()
    _, page = owner.post("/settings/tokens/add", name="till", role="packer", scope="write")
    found = re.search(r"hub_[\w-]{40}", page)
    assert found is not None
    assert found[0] not in owner.get("/settings")[1]
    till = Program(place.port, found[0])
    assert till.call("GET", "orders")[0] == 200
    assert "already" in owner.send("/settings/tokens/add", name="till", role="owner", scope="read").said
    assert "scope" in owner.send("/settings/tokens/add", name="other", role="owner", scope="all").said
    assert owner.send("/settings/tokens/remove", name="till").status == 303
    assert till.call("GET", "orders")[0] == 401
    assert "no token" in owner.send("/settings/tokens/remove", name="till").said
    assert [what for _, what, thing in place.acts() if thing == "token till"] == ["added", "removed"]


def test_a_session_is_ended_by_its_owner_or_an_owner(place: Place) -> None:
    packer, owner, other = place.signed_in(Role.PACKER), place.signed_in(), place.signed_in(Role.VIEWER)
    handles = {
        one.user.name: one.handle
        for one in place.shop.hub.database.read(lambda c: people.open_sessions(c, place.shop.clock.now()))
    }
    other.post("/account/sessions/end", session=handles["packer"])
    assert packer.get("/orders")[0] == 200, "it is somebody else's"
    owner.post("/account/sessions/end", session=handles["packer"])
    assert packer.get("/orders")[0] == 401


@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'nobody'", "DELETE FROM audit"])
def test_what_people_did_cannot_be_changed(place: Place, change: str) -> None:
    place.signed_in().post("/settings/people/add", name="Mara", role="packer")
    with pytest.raises(Exception, match="only grows"):
        place.shop.hub.database.write(lambda connection: connection.exec_driver_sql(change)).result()
    table = place.signed_in().get("/settings/audit.csv")[1]
    assert "added,user Mara,packer" in table
