"""“Did you mean …?”: meaning before spelling, because the nearest spelling can be the most dangerous suggestion.

(“order payed” is nearer to “order placed” than to “order paid”.) Other tools' words are only ever suggestions,
never accepted: two live spellings make every answer on the web contradict another.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from difflib import get_close_matches

_MEANT_TRIGGERS = {
    "order paid": "order payed, payment succeeded, new order, order, paid, sale, new sale, purchase, order completed, "
    "payment received, payment, payment success, order success, payment completed, checkout complete, "
    "checkout completed",
    "order placed": "order created, order pending, payment pending, awaiting payment",
    "payment failed": "order failed, payment declined, failed payment",
    "checkout abandoned": "checkout expired, cart abandoned, abandoned cart, order expired, order abandoned",
    "order refunded": "refund, refunded, order refund, refund created, payment refunded, money back, refund succeeded",
    "dispute opened": "chargeback, dispute, dispute created, new dispute, order disputed",
    "dispute closed": "dispute won, dispute lost, chargeback closed",
    "subscription started": "new subscription, subscription created, subscription, new member, subscription active",
    "subscription renewed": "renewal, renewal paid, subscription paid, renewed, renewal succeeded",
    "renewal failed": "subscription payment failed, subscription past due, dunning",
    "trial ending": "trial ends, trial will end, trial end",
    "subscription changed": "subscription updated, plan changed, upgrade, downgrade",
    "cancellation scheduled": "cancel scheduled, subscription cancelling",
    "subscription cancelled": "subscription canceled, subscription deleted, subscription ended, cancellation, churn",
    "invoice paid": "invoice payed, invoice payment succeeded",
    "invoice overdue": "overdue invoice, invoice late, invoice past due",
    "payout paid": "payout, payout payed, paid out",
    "order shipped": "shipped, shipment, parcel sent, order sent, order fulfilled, order dispatched",
    "stock low": "low stock, inventory low, low inventory, stock running low",
    "stock sold out": "sold out, out of stock, stock empty, inventory empty",
    "codes low": "low codes, code pool low, codes running out, codes empty",
    "account disconnected": "account deauthorized, disconnected",
}

_MEANT_FIELDS = {
    "order.total": "order.amount_total, order.amount, order.price, order.sum, order.grand_total, order.value, amount, "
    "total, amount_total, price, order.total_price, order.money",
    "order.subtotal": "order.amount_subtotal, order.net",
    "order.tax": "order.amount_tax, order.vat, order.taxes",
    "order.discount": "order.amount_discount, order.discounts",
    "order.discount_code": "order.coupon, order.promo_code, order.promotion_code, order.voucher",
    "order.number": "order.no, order.nr, order.order_number, order.num, number",
    "order.reference": "order.client_reference_id, client_reference_id",
    "order.items": "order.line_items, order.products, line_items, items, order.lines, order.positions",
    "order.skus": "order.sku, order.product, skus, sku",
    "order.product_names": "order.product_name, order.products_names",
    "order.product_ids": "order.product_id",
    "order.price_ids": "order.price_id",
    "order.item_count": "order.quantity, order.count, order.items_count, order.qty, order.pieces",
    "order.paid_at": "order.date, order.paid, order.payment_date, order.paid_on",
    "order.created_at": "order.created",
    "order.currency": "currency",
    "order.country": "country, order.shipping_country",
    "order.metadata": "metadata",
    "order.fields": "order.custom_fields, custom_fields",
    "order.shipping.address": "order.address, order.shipping_address, shipping.address, order.shipping_details",
    "order.shipping.cost": "order.shipping_cost, order.shipping_total",
    "order.shipping": "shipping, order.delivery",
    "order.dashboard_url": "order.url, order.link, order.dashboard",
    "order.receipt_url": "order.receipt",
    "customer.name": "order.customer_name, order.customer, order.name, customer.full_name, name, buyer.name, "
    "order.buyer",
    "customer.email": "order.email, order.customer_email, email, customer.mail, customer.e-mail, customer_email, "
    "order.customer_details.email, customer_details.email, buyer.email, customer.email_address",
    "customer.phone": "order.phone, phone, customer.telephone",
    "customer.first_name": "customer.firstname, first_name, customer.given_name",
    "customer.business_name": "customer.company, customer.organization, customer.company_name",
    "customer.tax_id": "customer.vat, customer.vat_id, customer.vat_number",
    "item.name": "item.product, item.title, item.product_name",
    "item.quantity": "item.qty, item.count, item.amount",
    "item.price": "item.unit_price, item.unit_amount",
    "item.total": "item.amount_total, item.sum",
    "item.sku": "item.article, item.article_number",
    "subscription.amount": "subscription.price, subscription.total",
    "subscription.plan": "subscription.name, subscription.product",
    "subscription.renews_at": "subscription.current_period_end, subscription.renewal",
    "subscription.ends_at": "subscription.cancel_at, subscription.ended_at, subscription.end",
    "subscription.trial_ends_at": "subscription.trial_end",
    "invoice.pay_url": "invoice.url, invoice.hosted_invoice_url, invoice.link",
    "invoice.pdf_url": "invoice.pdf, invoice.invoice_pdf",
    "invoice.due_at": "invoice.due_date, invoice.due",
    "invoice.attempt": "invoice.attempt_count, invoice.attempts",
    "invoice.total": "invoice.amount, invoice.amount_total",
    "invoice.amount_due": "invoice.due_amount, invoice.open",
    "refund.at": "refund.created, refund.created_at, refund.date",
    "dispute.respond_by": "dispute.due_by, dispute.deadline",
    "event.at": "event.created, event.date, event.time, event.created_at",
    "event.live": "event.livemode, event.live_mode",
    "now": "today, date, time, now.date",
    "now.weekday": "weekday, now.day",
    "error.message": "error.text, error.reason",
}

_MEANT_KEYS = {
    "when": "on, trigger, triggers, event, events, whenever",
    "if": "condition, conditions, filter, filters, where, unless, criteria",
    "do": "then, action, actions, steps, run, tasks, execute",
    "for_each": "foreach, for, each, loop, repeat",
    "name": "title, rule, label, rulename",
    "note": "description, comment, notes",
    "enabled": "active, disabled, enable",
    "delay": "after, wait_before",
    "retry": "retries",
    "on_error": "onerror, on_failure, catch, error, rescue",
    "once_per": "once, unique, deduplicate",
    "tags": "tag, labels",
    "examples": "tests, example, test",
    "else": "otherwise",
    "approve": "approval, ask, confirm, confirmation, await, signoff",
    "given": "event, input, sample, from",
    "with": "set, where, values",
    "expect": "expects, expected, then, result, output",
}

_MEANT_SETTINGS = {
    "text": "message, body, content, msg, blocks",
    "body": "text, message, content",
    "html": "html_body",
    "subject": "title, headline",
    "to": "recipient, email, address, receiver",
    "channel": "to, room, channels",
    "sheet": "tab, worksheet, sheet_name",
    "columns": "values, row, cells, fields, data",
    "find": "where, match, key, search",
    "sku": "product, item, article",
    "by": "quantity, amount, count, qty",
    "url": "address, uri, link, endpoint",
    "json": "body, data, payload",
    "token": "api_key, key, bot_token, secret",
    "server": "host, smtp, smtp_server",
    "username": "user, login",
    "password": "pass, pwd",
    "from": "sender",
    "spreadsheet": "spreadsheet_id, id, url, sheet",
    "credentials": "key, service_account, token",
    "who": "by, from, approver, approvers, role, roles, people, person, whom",
    "within": "timeout, time_limit, limit, deadline, for, until, wait, expires",
    "unanswered": "otherwise, on_timeout, timeout_action, default, no_answer, if_nobody_answers, when_nobody_answers",
    "times": "max, attempts, count, max_attempts",
    "wait": "interval, delay, pause",
    "timezone": "time_zone, tz, zone",
    "email": "mail, e-mail",
    "language": "locale, lang",
    "currency": "money",
    "alerts": "alert, notify, notifications",
}

_MEANT_ACTIONS = {
    "slack.message": "slack.send, slack.post, slack.post_message, slack.send_message, slack.notify, slack",
    "email.send": "email.message, mail.send, email.mail, email, mail, smtp.send, send_email, email.send_email",
    "google_sheets.add_row": "google_sheets.append_row, google_sheets.append, sheets.add_row, google_sheet.add_row, "
    "googlesheets.add_row, google_sheets.insert_row, google_sheets.write_row, google_sheets",
    "google_sheets.update_row": "google_sheets.update, sheets.update_row, google_sheets.edit_row",
    "google_sheets.find_row": "google_sheets.find, google_sheets.lookup, google_sheets.get_row",
    "spreadsheet.add_row": "spreadsheet.append_row, excel.add_row, csv.add_row, spreadsheet",
    "inventory.decrease": "inventory.decrement, stock.decrease, inventory.remove, inventory.subtract, inventory",
    "inventory.increase": "inventory.increment, stock.increase, inventory.add, inventory.restock",
    "inventory.reserve": "stock.reserve, inventory.hold, inventory.allocate",
    "inventory.release": "stock.release, inventory.free, inventory.unreserve",
    "http.request": "http.post, http.get, webhook.send, http.call, webhook, http",
}

_MEANT_FILTERS = {
    "money": "currency, format_money, price, euro, usd",
    "number": "format_number, numberformat",
    "round": "floor, ceil, int",
    "date": "strftime, format_date, day",
    "upper": "uppercase, upcase, toupper",
    "lower": "lowercase, downcase, tolower",
    "title": "capitalize, titlecase, capitalise",
    "trim": "strip",
    "truncate": "shorten, cut, slice",
    "url": "urlencode, url_encode, quote",
    "json": "tojson, to_json",
    "lines": "newlines",
    "length": "count, size, len",
    "default": "d, fallback, ifempty, or",
    "plural": "pluralize",
}


def _inverted(meant: Mapping[str, str]) -> dict[str, list[str]]:
    inverted: dict[str, list[str]] = {}
    for right, others in meant.items():
        for word in others.split(","):
            inverted.setdefault(word.strip(), []).append(right)
    return inverted


_MEANINGS = {
    "trigger": _inverted(_MEANT_TRIGGERS),
    "field": _inverted(_MEANT_FIELDS),
    "key": _inverted(_MEANT_KEYS),
    "setting": _inverted(_MEANT_SETTINGS),
    "action": _inverted(_MEANT_ACTIONS),
    "filter": _inverted(_MEANT_FILTERS),
}


def by_meaning(what: str, written: str, possible: Container[str]) -> str | None:
    """The name in ``possible`` that people mean when they write ``written``; ``what`` is a kind of name."""
    plain = " ".join(written.lower().replace("_", " ").split()) if what == "trigger" else written.lower()
    return next((one for one in _MEANINGS[what].get(plain, []) if one in possible), None)


def by_spelling(written: str, possible: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The name that is spelt most like ``written``; None when nothing is near."""
    names = {one.lower(): one for one in possible}
    close = get_close_matches(written.lower(), names, 1, cutoff)
    return names[close[0]] if close else None


def closest(what: str, written: str, possible: Iterable[str]) -> str | None:
    """What was probably meant by ``written``: by meaning, else by spelling."""
    allowed = list(possible)
    return by_meaning(what, written, allowed) or by_spelling(written, allowed)
