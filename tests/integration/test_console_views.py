"""Lists of orders that people keep under a name, over real HTTP."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from hub.model import Role
from hub.store import tables, views
from tests.integration.console import Browser, Place

OpenPlace = Callable[..., Place]


def kept(browser: Browser) -> dict[str, str]:
    """The kept lists above the orders, with where they lead."""
    found = re.search(r'aria-label="Kept lists">(.*?)</ul>', browser.get("/orders")[1], re.DOTALL)
    links = re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', found[1] if found else "")
    return {html.unescape(name): html.unescape(link) for link, name in links if link != "/views"}


def remove(browser: Browser, name: str, place: Place) -> str:
    """Removes the list of that name; what the page says then."""
    rows = place.shop.hub.database.read(lambda c: list(c.execute(tables.views.select())))
    return browser.send("/views/remove", view=str(next(row.id for row in rows if row.name == name))).said


def test_a_person_keeps_filters_under_a_name_and_removes_them(open_place_on_each: OpenPlace) -> None:
    place = open_place_on_each()
    browser, other = place.signed_in(), place.signed_in(Role.PACKER)
    page = browser.get("/orders?show=to_ship&q=austria&since=2026-01-02")[1]
    assert 'href="/views?show=to_ship&amp;q=austria&amp;since=2026-01-02">Keep this list' in page
    given = {"show": "to_ship", "q": "austria", "since": "2026-01-02"}
    answer = browser.send("/views", name="To ship,  <Austria>", **given)
    link = "/orders?show=to_ship&q=austria&since=2026-01-02"
    assert (answer.headers["location"], kept(browser)) == (link, {"To ship, <Austria>": link})
    assert f'href="{html.escape(link)}" aria-current="true">To ship, &lt;Austria&gt;<' in browser.get(link)[1]
    assert kept(other) == {}, "nobody else's"
    assert browser.post("/views", name="To ship, <Austria>", show="held")[0] == 303
    assert kept(browser) == {"To ship, <Austria>": "/orders?show=held"}, "the same name is the same list"
    assert "removed" in remove(browser, "To ship, <Austria>", place)
    assert kept(browser) == {}
    done = [(what, thing) for _, what, thing in place.acts()]
    assert done == [(what, "list To ship, <Austria>") for what in ("kept", "kept", "removed")]


def test_an_owner_shares_with_all_and_only_an_owner(open_place: OpenPlace) -> None:
    place = open_place()
    owner, packer, viewer = place.signed_in(), place.signed_in(Role.PACKER), place.signed_in(Role.VIEWER)
    owner.post("/views", name="Held", show="held", shared="yes")
    packer.post("/views", name="Packed", show="packed", shared="yes")
    assert list(kept(viewer)) == ["Held"]
    assert list(kept(packer)) == ["Held", "Packed"]
    assert "no such list of yours" in remove(packer, "Held", place)
    assert "no such list of yours" in remove(owner, "Packed", place), "it is not shared"
    another = place.signed_in(name="another")
    assert "removed" in remove(another, "Held", place)
    assert (kept(viewer), list(kept(packer))) == ({}, ["Packed"])


def test_a_list_leads_nowhere_but_to_orders(open_place: OpenPlace) -> None:
    place = open_place()
    browser = place.signed_in()
    strange = {"url": "//evil.test", "before": "7", "link": "x", "since": "yesterday", "show": "//evil.test"}
    browser.post("/views", name="Strange", q="a&b=//evil.test", **strange)
    assert kept(browser) == {"Strange": "/orders?q=a%26b%3D%2F%2Fevil.test"}
    row = {"show": "https://evil.test", "q": "mug", "path": "//evil.test"}
    place.shop.hub.database.write(lambda c: views.keep(c, 1, "Old", row, 0, shared=False)).result()
    assert kept(browser)["Old"] == "/orders?q=mug", "what an earlier version wrote down is read in the same way"


def test_names_and_numbers_of_lists_have_limits(open_place: OpenPlace) -> None:
    place = open_place()
    browser = place.signed_in()
    assert "nothing to keep" in browser.send("/views", name="All").said
    assert "nothing to keep" in browser.send("/views", name="All", show="nonsense").said
    for name in ("", "   ", "x" * 41):
        assert "40 characters" in browser.send("/views", name=name, q="mug").said
    for number in range(views.MOST):
        assert "is kept" in browser.send("/views", name=f"{number}", q="mug").said
    assert "20 lists already" in browser.send("/views", name="one more", q="mug").said
    assert "is kept" in browser.send("/views", name="7", q="poster").said, "in place of one that is there"
    assert len(kept(browser)) == views.MOST


def test_who_is_removed_takes_their_lists_along(open_place_on_each: OpenPlace) -> None:
    place = open_place_on_each()
    owner = place.signed_in()
    place.signed_in(Role.OWNER, "Mara").post("/views", name="Mara's", show="held", shared="yes")
    assert list(kept(owner)) == ["Mara's"]
    assert "no longer" in owner.send("/settings/people/remove", name="Mara").said
    assert kept(owner) == {}
