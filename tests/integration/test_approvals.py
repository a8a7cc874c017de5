"""The step ``approve:``: what waits for it, who may answer, one answer only, and what happens without one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from urllib.parse import quote

import pytest

from hub.connector import Permanent
from hub.engine import by_hand
from hub.engine.by_hand import Decision
from hub.model import Role
from hub.store import attention
from hub.testing.events import Item, Sale
from tests.integration.console import Browser, Place, words
from tests.integration.shop import TestShop

OpenShop = Callable[..., TestShop]
OpenPlace = Callable[..., Place]

DAY = 86_400
RULES = """
rules:
  - name: Large orders
    when: order paid
    do:
      - far.post: {text: before}
      - id: ok
        approve:
          text: "Ship order {{ order.number }}?"
          who: [packer, Mara]
          within: 2 days
      - far.post: {text: "after {{ steps.ok.by }}"}
      - far.post: {text: last}
"""


def waiting(shop: TestShop) -> str:
    """The id of the one approval that waits."""
    (found,) = [str(line.id) for line in shop.deliveries() if (line.action, line.state) == ("approve", "waiting")]
    return found


def sold(place: Place) -> str:
    session_id = place.shop.sell()
    place.shop.work()
    return session_id


def answer(browser: Browser, place: Place, what: str) -> str:
    return browser.send("/approvals", id=waiting(place.shop), answer=what).said


def test_the_rule_goes_on_when_somebody_says_yes(open_place_on_each: OpenPlace) -> None:
    place = open_place_on_each(RULES)
    session_id = sold(place)
    place.shop.work(after=DAY)
    assert place.shop.far.texts() == ["before"]
    owner = place.signed_in(name="Otto")
    assert "Ship order 1001?" in words(owner.get("/needs-you")[1])
    assert place.shop.hub.database.read(attention.count) == 1
    assert answer(owner, place, "yes") == "1 approved."
    place.shop.work()
    assert place.shop.far.texts() == ["before", "after Otto", "last"]
    assert "All is done" in owner.get("/needs-you")[1]
    assert place.acts(session_id) == [("Otto", "approved", session_id)]
    assert "“Ship order 1001?” Approved by Otto." in words(owner.get(f"/orders/{session_id}")[1])


def test_a_no_ends_the_rule_and_the_reason_is_with_each_step(open_place_on_each: OpenPlace) -> None:
    place = open_place_on_each(RULES)
    session_id = sold(place)
    assert answer(place.signed_in(name="Otto"), place, "no") == "1 refused."
    place.shop.work(after=3 * DAY)
    assert place.shop.far.texts() == ["before"]
    assert place.shop.states() == ["succeeded", "cancelled", "cancelled", "cancelled"]
    assert place.shop.errors() == ["Refused by Otto."] * 3
    assert place.acts(session_id) == [("Otto", "refused", session_id)]


def test_the_first_answer_counts_and_others_are_told_whose_it_was(open_place_on_each: OpenPlace) -> None:
    place = open_place_on_each(RULES)
    session_id = sold(place)
    asked = waiting(place.shop)
    browsers = [place.signed_in(name=name) for name in ("Otto", "Mara", "Nele", "Ida")]
    said: list[str] = []
    start = threading.Barrier(len(browsers))

    def click(browser: Browser, what: str) -> None:
        browser.token()
        start.wait(10)
        said.append(browser.send("/approvals", id=asked, answer=what).said)

    threads = [threading.Thread(target=click, args=(one, ("yes", "no")[at % 2])) for at, one in enumerate(browsers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ((who, what, _),) = place.acts(session_id)
    assert sorted(said)[0] == f"1 {what}."
    told = f"{who} approved this already." if what == "approved" else f"Refused by {who}."
    assert sorted(said)[1:] == [told] * 3


@pytest.mark.parametrize("unanswered", ["stop", "go on"])
def test_when_nobody_answers_in_time_the_rule_says_what_happens(open_shop: OpenShop, unanswered: str) -> None:
    shop = open_shop(RULES.replace("within: 2 days", f"within: 2 days\n          unanswered: {unanswered}"))
    shop.sell()
    shop.work()
    shop.work(after=2 * DAY - 1)
    assert shop.states()[1] == "waiting"
    shop.work(after=1)
    if unanswered == "stop":
        assert shop.far.texts() == ["before"]
        assert shop.errors() == ["Nobody answered within 2 days."] * 3
    else:
        assert shop.far.texts() == ["before", "after ", "last"]


def test_an_answer_after_the_time_does_not_count(open_place: OpenPlace) -> None:
    place = open_place(RULES)
    session_id = sold(place)
    owner = place.signed_in()
    asked = waiting(place.shop)
    place.shop.clock.advance(2 * DAY)
    owner = place.signed_in(name="Otto")
    assert owner.send("/approvals", id=asked, answer="yes").said == "The time for an answer has run out."
    place.shop.work()
    assert owner.send("/approvals", id=asked, answer="yes").said == "Nobody answered within 2 days."
    assert place.shop.far.texts() == ["before"]
    assert place.acts(session_id) == []


def test_who_may_answer_is_up_to_the_rule(open_place: OpenPlace) -> None:
    place = open_place(RULES.replace("[packer, Mara]", "[mara]"))
    session_id = sold(place)
    asked = waiting(place.shop)
    packer, viewer = place.signed_in(Role.PACKER), place.signed_in(Role.VIEWER, "Vera")
    for browser in (packer, viewer):
        for path in ("/approvals", f"/orders/{session_id}"):
            page = browser.get(path)[1]
            assert "Ship order 1001?" in page
            assert "Refuse" not in words(page)
    assert packer.send("/approvals", id=asked, answer="yes").said == "The rule leaves this to: mara."
    assert viewer.post("/approvals", id=asked, answer="yes")[0] == 403
    assert place.acts(session_id) == []
    mara = place.signed_in(Role.PACKER, "Mara")
    assert "Approve" in words(mara.get(f"/orders/{session_id}")[1])
    sent = mara.send("/approvals", id=asked, answer="yes", order=session_id)
    assert (sent.headers["location"], sent.said) == (f"/orders/{session_id}", "1 approved.")


def test_all_that_were_seen_are_answered_with_one_button(open_place_on_each: OpenPlace) -> None:
    place = open_place_on_each(RULES)
    for number in range(3):
        place.shop.sell(Sale(session_id=f"cs_live_{number}"))
    place.shop.work()
    page = place.signed_in(Role.PACKER).get("/approvals")[1]
    assert "Approve all 3" in page
    ids = [str(line.id) for line in place.shop.deliveries() if line.action == "approve"]
    packer = place.signed_in(Role.PACKER, "Paul")
    assert packer.send("/approvals", id=ids[0], answer="no").said == "1 refused."
    assert packer.send("/approvals", id=ids, answer="yes").said == "2 approved. Refused by Paul."
    place.shop.work()
    assert place.shop.far.texts().count("last") == 2


def test_a_question_outlives_restarts_edits_and_replays(open_shop: OpenShop) -> None:
    shop = open_shop(RULES)
    session_id = shop.sell()
    shop.work()
    asked = waiting(shop)
    shop.close()
    again = open_shop(RULES)
    again.reload(RULES.replace("Ship order", "Really ship").replace("2 days", "1 hour"))
    again.hub.database.write(lambda c: by_hand.replay(c, session_id, "Otto", again.clock.now())).result()
    again.work(after=DAY)
    assert waiting(again) == asked
    again.reload("rules: []")
    again.work(after=DAY)
    assert again.errors() == ["Nobody answered within 2 days."] * 3


def test_trying_again_does_not_answer_a_question(open_shop: OpenShop) -> None:
    shop = open_shop(RULES)
    shop.sell()
    shop.work()
    asked = int(waiting(shop))
    refused = shop.hub.database.write(
        lambda c: by_hand.decide(c, Decision.RETRY, [asked], "Otto", shop.clock.now())
    ).result()
    assert "until somebody approves it" in refused[asked]
    shop.work()
    assert waiting(shop) == str(asked)
    assert (
        shop.hub.database.write(
            lambda c: by_hand.decide(c, Decision.CANCEL, [asked], "Otto", shop.clock.now())
        ).result()
        == {}
    )
    assert shop.states() == ["succeeded", "cancelled", "cancelled", "cancelled"]


def test_only_what_its_condition_lets_through_is_asked(open_shop: OpenShop) -> None:
    rules = RULES.replace("      - id: ok\n", "      - id: ok\n        if: {order.total: over 100 EUR}\n")
    shop = open_shop(rules.replace("after {{ steps.ok.by }}", "after"))
    shop.sell(Sale(items=[Item(unit_amount=900)], session_id="cs_live_small"))
    shop.sell(Sale(items=[Item(unit_amount=90_000)], session_id="cs_live_large"))
    shop.work()
    assert shop.far.texts() == ["before", "before", "after", "last"]
    assert shop.states().count("waiting") == 1


def test_what_cannot_be_asked_is_told(open_place: OpenPlace) -> None:
    place = open_place(RULES)
    sold(place)
    owner = place.signed_in()
    assert owner.send("/approvals", answer="yes").said == "There is no such answer."
    assert owner.send("/approvals", id=waiting(place.shop), answer="maybe").said == "There is no such answer."
    assert owner.send("/approvals", id=["1", "99999999", "x"], answer="yes").said == "There is no such approval."
    assert place.shop.states()[1] == "waiting"
    outside = owner.send("/approvals", id="1", answer="yes", order="//evil.example").headers["location"]
    assert outside == "/needs-you"


# --- By link -------------------------------------------------------------------------------------------------------

TOLD = """
rules:
  - name: Large orders
    when: order paid
    do:
      - id: ok
        if: {order.total: over 10 EUR}
        approve:
          text: "Ship order {{ order.number }}?"
          within: 2 days
          tell:
            - far.post: {text: "asked: {{ approval.link }}"}
      - far.post: {text: "after"}
"""


def linked(shop: TestShop) -> str:
    """The path of the link in the last message."""
    text = shop.far.texts()[-1]
    assert text.startswith("asked: https://hub.example.com/approve/")
    return text.removeprefix("asked: https://hub.example.com")


def test_whoever_has_the_link_answers_by_its_button_and_once(open_place_on_each: OpenPlace) -> None:
    place = open_place_on_each(TOLD, HUB_PUBLIC_URL="https://hub.example.com/")
    session_id = sold(place)
    path, anybody = linked(place.shop), place.browser()
    for _ in range(3):
        status, page = anybody.get(path)
        assert (status, "Ship order 1001?" in words(page)) == (200, True)
    assert place.shop.states()[-2:] == ["waiting", "blocked"], "opened by a chat program, and nothing is answered"
    assert anybody.post(path, answer="yes", name="")[0] == 200
    assert anybody.post(path, answer="yes", name="Nele")[0] == 303
    assert anybody.post(path, answer="no", name="Ida")[0] == 303
    assert "Nele (by link) approved this already." in words(anybody.get(path)[1])
    place.shop.work()
    assert place.shop.far.texts()[-1] == "after"
    assert place.acts(session_id) == [("Nele (by link)", "approved", session_id)]


def test_a_link_ends_with_the_time_for_an_answer(open_place: OpenPlace) -> None:
    place = open_place(TOLD, HUB_PUBLIC_URL="https://hub.example.com")
    sold(place)
    path, anybody = linked(place.shop), place.browser()
    place.shop.clock.advance(2 * DAY)
    anybody.post(path, answer="yes", name="Nele")
    assert "run out" in words(anybody.get(path)[1])
    place.shop.work()
    anybody.post(path, answer="yes", name="Nele")
    assert place.shop.errors() == ["Nobody answered within 2 days."] * 2


def test_a_link_is_for_its_own_question_only(open_place: OpenPlace) -> None:
    place = open_place(TOLD, HUB_PUBLIC_URL="https://hub.example.com")
    sold(place)
    first, anybody = linked(place.shop), place.browser()
    place.shop.sell()
    place.shop.work()
    second = linked(place.shop)
    run, step, signature = second.rsplit(".", 2)
    made_up = [f"{run}.{step}.{first.rpartition('.')[2]}", f"{run}.{step}.", f"{run}.{step}x.{signature}", "/approve/x"]
    for path in [*made_up, "/approve/1.ok.é", f"/approve/{'9' * 400}.ok.{signature}"]:
        assert anybody.get(quote(path))[0] == 401
        assert anybody.post(quote(path), answer="yes", name="Eve")[0] == 401
    assert place.shop.states().count("waiting") == 2
    stranger = anybody.ask("POST", second, "answer=yes&name=Eve", **{"Sec-Fetch-Site": "cross-site"})
    assert stranger.status == 403


def test_a_link_in_the_hands_of_somebody_signed_in_is_answered_in_their_name(open_place: OpenPlace) -> None:
    place = open_place(TOLD, HUB_PUBLIC_URL="https://hub.example.com")
    session_id = sold(place)
    packer = place.signed_in(Role.PACKER, "Paul")
    assert packer.post(linked(place.shop), answer="yes", name="Eve", form="guessed")[0] == 403
    assert packer.post(linked(place.shop), answer="no", name="Eve")[0] == 303
    assert place.acts(session_id) == [("Paul (by link)", "refused", session_id)]


def test_nobody_is_told_of_what_is_not_asked(open_shop: OpenShop) -> None:
    shop = open_shop(TOLD)
    shop.sell(Sale(items=[Item(unit_amount=100)]))
    shop.work()
    assert shop.far.texts() == ["after"]


def test_a_message_that_cannot_be_sent_does_not_keep_the_question_back(open_shop: OpenShop) -> None:
    shop = open_shop(TOLD)
    shop.far.will(lambda batch: [Permanent("The channel does not exist.") for _ in batch.deliveries])
    shop.sell()
    shop.work()
    assert shop.states() == ["succeeded", "dead", "waiting", "blocked"]
