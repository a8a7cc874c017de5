"""What people do with the console, in a real browser: at a desk, on a phone, and without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from hub.connector import ConfigError, Permanent
from hub.model import Role
from hub.testing.events import Buyer, Item, Sale
from tests.browser.window import BY_NAME, DESK, PHONE, Opened, Screen, is_as_wide_as_the_screen
from tests.integration.console import Place
from tests.integration.test_console_pages import raising

OpenPlace = Callable[..., Place]

SHIPPED = """
rules:
  - name: Sent
    when: order shipped
    do:
      - far.post: {text: "{{ order.number }} by {{ shipment.carrier }} {{ shipment.tracking_number }}"}
"""
LETTER = """
rules:
  - name: Letter
    when: order paid
    do:
      - far.letter: {text: "Order {{ order.number }}"}
"""

on_all_screens = pytest.mark.parametrize("screen", BY_NAME.values(), ids=BY_NAME.keys())
with_scripts = pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])


def press(page: Page, label: str) -> None:
    page.get_by_role("button", name=label, exact=True).first.click()


def said(page: Page, text: str) -> None:
    expect(page.locator(".notice.said")).to_contain_text(text)


def sold(place: Place, *sales: Sale) -> list[str]:
    ids = [place.shop.sell(sale) for sale in sales]
    place.shop.work()
    return ids


def nora() -> Sale:
    buyer = Buyer("Nora Lind", "nora@example.com", "NO", "Oslo", "Storgata 5", "0155", "")
    return Sale(buyer=buyer, items=(Item("Harbour poster", "POSTER-A2", 3900, 1),))


@on_all_screens
def test_the_packers_morning(open_place: OpenPlace, windows: Opened, screen: Screen) -> None:
    place = open_place(SHIPPED)
    sold(place, Sale(), nora(), Sale())
    page = windows.open(place.port, f"/sign-in?token={place.link(Role.PACKER)}", screen=screen)
    press(page, "Sign in to the hub")
    page.get_by_role("link", name="Orders", exact=True).click()
    expect(page.locator("#list tbody tr")).to_have_count(3)
    page.get_by_role("searchbox").press_sequentially("nora")
    if not screen.scripts:
        press(page, "Search")
    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("q=nora"))
    page.get_by_role("link", name="1002").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Order 1002")
    if screen.scripts:
        press(page, "Copy")
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied.splitlines()[:2] == ["Nora Lind", "Storgata 5"]
    press(page, "Mark packed")
    expect(page.get_by_role("button", name="Not packed after all")).to_be_visible()
    _ship(page, "DHL", "JJD1", more=True)
    _ship(page, "DHL", "JJD2", more=False)
    expect(page.get_by_role("heading", level=1)).to_contain_text("shipped")
    assert not screen.scripts or is_as_wide_as_the_screen(page)
    page.get_by_role("link", name="Packing slip").click()
    expect(page.locator(".slip")).to_contain_text("Harbour poster")
    expect(page.locator(".slip")).not_to_contain_text("39.00")
    place.shop.work()
    assert place.shop.far.texts() == ["1002 by DHL JJD1", "1002 by DHL JJD2"]


def _ship(page: Page, carrier: str, number: str, *, more: bool) -> None:
    """Fills in the form of a parcel, which is open."""
    page.get_by_label("Carrier").fill(carrier)
    page.get_by_label("Tracking number").fill(number)
    if more:
        page.get_by_label("More parcels of this order will follow").check()
    page.get_by_role("button", name=re.compile("^Mark (parcel 2 )?shipped$")).click()
    expect(page.get_by_role("cell", name=number).first).to_be_visible()


@on_all_screens
def test_several_orders_at_once(open_place: OpenPlace, windows: Opened, screen: Screen) -> None:
    place = open_place(SHIPPED)
    sold(place, Sale(), nora())
    page = windows.open(place.port, "/orders", place.signed_in(Role.PACKER).cookie, screen)
    page.get_by_label("Order 1001").check()
    page.get_by_label("Order 1002").check()
    with page.expect_popup() as slips:
        press(page, "Print packing slips")
    expect(slips.value.locator(".slip")).to_have_count(2)
    press(page, "Mark packed")
    said(page, "2 of 2 marked as packed.")


@with_scripts
def test_the_support_leads_incident(open_place: OpenPlace, windows: Opened, screen: Screen) -> None:
    place = open_place()
    place.shop.far.will(raising(ConfigError("The token is wrong.", "Put a new one into .env.")))
    sold(place, Sale(), nora())
    page = windows.open(place.port, "/", place.signed_in().cookie, screen)
    page.get_by_role("main").get_by_role("link", name="Needs you").click()
    expect(page.locator(".group")).to_contain_text("The token is wrong")
    place.shop.far.will(raising(Permanent("No such channel.")))
    press(page, "Look again now")
    said(page, "looked at again")
    place.shop.work()
    page.reload()
    expect(page.locator(".group h2")).to_have_text(re.compile(r"Given up: far.post to “far” \(2\)"))
    assert is_as_wide_as_the_screen(page)
    press(page, "Retry all 2")
    said(page, "2 will be tried again.")
    place.shop.work()
    page.reload()
    expect(page.get_by_text("Nothing. All is done.")).to_be_visible()
    assert sorted(place.shop.far.texts()) == ["Order 1001", "Order 1002"]


@with_scripts
def test_the_owner_changes_a_rule_and_takes_it_back(open_place: OpenPlace, windows: Opened, screen: Screen) -> None:
    place = open_place(LETTER)
    sold(place, Sale())
    page = windows.open(place.port, "/rules", place.signed_in().cookie, screen)
    page.get_by_role("link", name="Change the rules").click()
    before = place.shop.hub.settings.rules.read_text()
    type_rules(page, before.replace("rules:", "rules"))
    with page.expect_navigation():  # the same is said while one types
        press(page, "Check")
    expect(page.get_by_text("It cannot be saved like this.")).to_be_visible()
    type_rules(page, before.replace('"Order', '"Sold'))
    with page.expect_navigation():  # the same is said while one types
        press(page, "Check")
    expect(page.get_by_text("No mistakes.")).to_be_visible()
    expect(page.locator("pre", has_text="+ 1 far.letter")).to_contain_text("Sold 1001")
    assert is_as_wide_as_the_screen(page)
    page.get_by_label("Why").fill("shorter")
    press(page, "Save and put in force")
    said(page, "saved and in force")
    expect(page.get_by_role("cell", name="shorter")).to_be_visible()
    sold(place, Sale())
    page.get_by_role("link", name="1", exact=True).click()
    press(page, "Put this version back")
    said(page, "Version 1 is in force again.")
    sold(place, Sale())
    assert place.shop.far.texts() == ["Order 1001", "Sold 1002", "Order 1003"]


def type_rules(page: Page, text: str) -> None:
    """Over what stands in the editor, as by hand."""
    page.locator(".cm-content").press("Control+a")
    page.keyboard.insert_text(text)


@on_all_screens
def test_the_first_sign_in(open_place: OpenPlace, windows: Opened, screen: Screen) -> None:
    place = open_place()
    page = windows.open(place.port, f"/sign-in?token={place.console.start_link()}", screen=screen)
    press(page, "Sign in to the hub")
    page.get_by_label("Password, 12 characters or more").fill("nine lives of a cat")
    page.get_by_label("The same again").fill("nine lives of a cat")
    press(page, "Set the password")
    said(page, "password")
    press(page, "Sign out")
    page.goto("/orders")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.get_by_label("Name").fill("owner")
    page.get_by_label("Password").fill("nine lives of a cat")
    press(page, "Sign in")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Overview")
