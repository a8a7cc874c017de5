"""The fake's pages: where a buyer pays, and a dashboard for whoever develops."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from hub.clock import to_datetime
from hub.money import from_stripe
from hub.testing.stripe.books import Books, Json
from hub.testing.stripe.webhooks import PostOffice

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1f36}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #e3e8ee}
button{font:inherit;padding:.3rem .7rem;margin:.1rem;border:1px solid #ccd;border-radius:.4rem;background:#fff}
button:hover{background:#f4f6fa}input,select{font:inherit;padding:.3rem}.note{color:#697386}.said{color:#a00}
form.inline{display:inline}code{font-size:.75em;word-break:break-all}
"""
_SHOWN = 50


def _page(title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{_STYLE}</style>{body}</html>'
    )


def message(text: str) -> str:
    """A page with one sentence."""
    return _page(text, f"<h1>Fake Stripe</h1><p>{escape(text)}</p>")


def checkout(session: Json, lines: Sequence[Json]) -> str:
    """The hosted payment page."""
    if session["status"] != "open":
        return message(f"This payment page is closed: the session is {session['status']}.")
    rows = "".join(
        f"<tr><td>{escape(str(line['description']))}<td>{line['quantity']}<td>{_money(line['amount_total'], line)}"
        for line in lines
    )
    total = "" if session["amount_total"] is None else f"<p><strong>{_money(session['amount_total'], session)}</strong>"
    buttons = "".join(
        f'<button name="do" value="{value}">{text}</button>'
        for value, text in (
            ("pay", "Pay by card"),
            ("later", "Pay by bank debit (money comes later)"),
            ("fail", "Try a card that is declined"),
            ("expire", "Let it expire"),
        )
    )
    return _page(
        "Pay",
        f"<h1>Pay</h1><p class=note>A fake Stripe: no money moves.</p><table>{rows}</table>{total}"
        '<form method="post"><p><label>Name <input name="name" value="Ana Núñez"></label> '
        '<label>E-mail <input name="email" value="ana@example.com"></label></p>'
        f"<p>{buttons}</p></form>",
    )


def dashboard(books: Books, office: PostOffice, said: str) -> str:
    """Payments with what can be done to them, and how the webhooks fare."""
    kept = [one.thing for one in books.by_type.get("checkout.session", [])]
    sessions = kept[::-1][:_SHOWN]
    rows = "".join(_row(books, session) for session in sessions)
    posts = "".join(
        f"<tr><td>{_time(one.at)}<td>{escape(one.type)}<td><code>{escape(one.event_id)}</code>"
        f"<td>{one.status or 'no answer'}<td>{escape(one.url)}"
        for one in office.posted[::-1][:_SHOWN]
    )
    return _page(
        "Fake Stripe",
        "<h1>Fake Stripe</h1><p class=note>For development: no money moves.</p>"
        + (f"<p class=said>{escape(said)}</p>" if said else "")
        + '<form method="post" action="/_fake/do"><input type="hidden" name="do" value="sell">'
        '<input name="name" value="Blue mug" aria-label="Product"> <input name="sku" value="MUG-01" aria-label="SKU"> '
        '<input name="amount" value="2450" size="6" inputmode="numeric" aria-label="Price in cents"> '
        '<select name="pay" aria-label="How"><option value="card">paid by card<option value="later">debit, money later'
        '<option value="open">payment page left open<option value="subscription">subscription</select> '
        "<button>Sell</button></form>"
        f"<h2>Payments ({len(kept)})</h2><table><tr><th>When<th>Session<th>Amount<th>State<th>"
        f"{rows or '<tr><td colspan=5>Nothing sold yet.'}</table>"
        f"<h2>Webhooks</h2><table><tr><th>When<th>Event<th>Id<th>Answer<th>To"
        f"{posts or '<tr><td colspan=5>Nothing sent yet.'}</table>",
    )


def _row(books: Books, session: Json) -> str:
    amount = "" if session["amount_total"] is None else _money(session["amount_total"], session)
    state = session["payment_status"] if session["status"] == "complete" else session["status"]
    intent = books.kept.get(session["payment_intent"] or "")
    charge = books.kept.get(intent.thing["latest_charge"] or "") if intent else None
    if charge and charge.thing["amount_refunded"]:
        state = "refunded" if charge.thing["refunded"] else "partly refunded"
    if charge and charge.thing["disputed"]:
        state += ", disputed"
    buttons = "".join(_button(identity, what) for identity, what in _choices(session, charge))
    link = f'<a href="{escape(session["url"])}">payment page</a> ' if session["url"] else ""
    return (
        f"<tr><td>{_time(session['created'])}<td><code>{session['id']}</code>"
        f"<td>{amount}<td>{escape(state)}<td>{link}{buttons}"
    )


def _choices(session: Json, charge: Any) -> list[tuple[str, str]]:
    identity = session["id"]
    if session["status"] == "open":
        return [(identity, "expire")]
    if session["status"] == "expired":
        return []
    if session["subscription"]:
        return [(session["subscription"], "renew"), (session["subscription"], "cancel")]
    if charge and charge.thing["status"] == "pending":
        return [(identity, "money arrives"), (identity, "money fails")]
    if charge and charge.thing["status"] == "succeeded" and not charge.thing["refunded"]:
        return [(identity, "refund"), (identity, "dispute")]
    return []


def _button(identity: str, what: str) -> str:
    return (
        '<form class="inline" method="post" action="/_fake/do">'
        f'<input type="hidden" name="id" value="{escape(identity)}">'
        f'<button name="do" value="{what}">{what}</button></form>'
    )


def _money(units: int, thing: Json) -> str:
    money = from_stripe(units, thing["currency"])
    return f"{money} {money.currency}"


def _time(seconds: float) -> str:
    return f"{to_datetime(int(seconds * 1000)):%d %b %H:%M:%S}"
