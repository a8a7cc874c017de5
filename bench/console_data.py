"""A large shop, made up and written straight into a database: a year of orders with everything that belongs to them."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from hub.checkout import searching
from hub.model import Order, OrderState
from hub.store import facts, schema, search, stock
from hub.store.database import Database, open_database
from hub.store.tables import attempts, deliveries, events, lanes, orders, plannings, rulesets, runs

_YEAR_MS = 365 * 86_400_000
_AT_ONCE = 5000
PER_ORDER = 3
FIRST = 1001
#: Of the newest orders so many are still to be packed, and of all deliveries so many wait for a person.
TO_SHIP, DEAD, UNKNOWN = 500, 2000, 200

FIRST_NAMES = [
    a + b
    for a in [
        "Al",
        "Be",
        "Ca",
        "Da",
        "El",
        "Fi",
        "Ga",
        "Ha",
        "In",
        "Jo",
        "Ka",
        "Li",
        "Ma",
        "No",
        "Ol",
        "Pe",
        "Ro",
        "Sa",
        "Ti",
        "Ul",
    ]
    for b in ["na", "ra", "ton", "mir", "lle"]
]
LAST_NAMES = [
    a + b + c
    for a in ["Ber", "Dam", "Fol", "Gar", "Hol", "Kor", "Lind", "Mor", "Nor", "Pas"]
    for b in ["a", "e", "i", "o"]
    for c in ["berg", "dal", "hof", "man", "ner", "quist", "sen", "ski", "ton", "wald"]
]
PRODUCTS = [
    (f"{colour} {thing}", f"{thing[:4].upper()}-{number:03}", 500 + 137 * number)
    for number, (colour, thing) in enumerate(
        (colour, thing)
        for colour in ("Blue", "Green", "Red", "White", "Black", "Harbour", "Winter", "Oak", "Linen", "Copper")
        for thing in ("mug", "poster", "candle", "blanket", "lamp", "bowl", "notebook", "apron", "basket", "clock")
    )
]
_STATES = (
    (OrderState.PAID,) * 90
    + (OrderState.EXPIRED,) * 5
    + (OrderState.AWAITING_PAYMENT,) * 3
    + (OrderState.REFUNDED,) * 2
)  # fmt: skip


@dataclass
class Rows:
    """What a part of the orders comes to, by table."""

    events: list[dict[str, Any]] = field(default_factory=list)
    plannings: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    texts: dict[int, Sequence[str]] = field(default_factory=dict)


def fill(url: str, count: int) -> None:
    """Writes ``count`` orders, each with an event and three deliveries, unless they are there."""
    database = open_database(url)
    schema.upgrade(database)
    if database.read(lambda connection: connection.execute(sa.select(sa.func.max(orders.c.number))).scalar()) is None:
        began = time.perf_counter()
        now = time.time_ns() // 1_000_000
        ruleset = database.write(lambda connection: _begin(connection, now)).result()
        for rows in _parts(count, now, ruleset):
            database.write(lambda connection, part=rows: _store(connection, part), lasting=False).result()  # type: ignore[misc]
        _finish(database)
        print(f"{count} orders and {count * PER_ORDER} deliveries written in {time.perf_counter() - began:.0f} s")
    database.close()


def _begin(connection: Connection, now: int) -> int:
    facts.first_start(connection, now - _YEAR_MS)
    for number in (1, 2, 3):
        row = {"id": number, "name": f"lane {number}", "connection": f"place {number}", "serial": True}
        connection.execute(lanes.insert(), row)
    stock.set_on_hand(connection, {sku: 100 for _, sku, _ in PRODUCTS}, now=now)
    row = {"digest": "bench", "files": json.dumps({"rules.yaml": "version: 1\nrules: []\n"})}
    return int(connection.execute(rulesets.insert().values(row).returning(rulesets.c.id)).scalar_one())


def _finish(database: Database) -> None:
    """Statistics, as a database that has grown over a year has them; and row numbers go on behind what was written."""
    if database.dialect == "sqlite":
        return
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM ANALYZE")
        for table, column in (
            ("events", "seq"),
            ("orders", "number"),
            ("runs", "id"),
            ("deliveries", "id"),
            ("lanes", "id"),
        ):
            connection.exec_driver_sql(
                f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), (SELECT max({column}) FROM {table}))"
            )


def _parts(count: int, now: int, ruleset: int) -> Iterator[Rows]:
    chance = random.Random(1)
    for start in range(0, count, _AT_ONCE):
        rows = Rows()
        for place in range(start, min(count, start + _AT_ONCE)):
            _sale(rows, chance, place, count, now, ruleset)
        yield rows


def session_id(place: int) -> str:
    """The session of an order by its place, 0 for the first."""
    return f"cs_live_{random.Random(place).randbytes(14).hex()}"


def _sale(rows: Rows, chance: random.Random, place: int, count: int, now: int, ruleset: int) -> None:
    seq, number, at = place + 1, FIRST + place, now - _YEAR_MS + _YEAR_MS * (place + 1) // count
    state = chance.choice(_STATES)
    name, sku, price = chance.choice(PRODUCTS)
    first, last, quantity = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES), chance.randint(1, 4)
    line = {
        "description": name,
        "quantity": quantity,
        "amount_total": price * quantity,
        "price": {"unit_amount": price, "product": {"name": name, "metadata": {"sku": sku}}},
    }
    document: dict[str, Any] = {
        "id": session_id(place),
        "object": "checkout.session",
        "amount_total": price * quantity,
        "currency": "eur",
        "mode": "payment",
        "payment_status": "paid",
        "customer_details": {"name": f"{first} {last}", "email": f"{first}.{last}{place % 997}@example.com".lower()},
        "collected_information": {"shipping_details": {"name": f"{first} {last}", "address": {"line1": "Quay 1"}}},
        "line_items": {"data": [line], "has_more": False},
        "created": at // 1000,
    }  # fmt: skip
    paid = at if state in {OrderState.PAID, OrderState.REFUNDED} else None
    order = Order(
        id=document["id"],
        account="",
        livemode=True,
        state=state,
        mode="payment",
        total=price * quantity,
        currency="EUR",
        customer_name=f"{first} {last}",
        customer_email=document["customer_details"]["email"],
        payment_intent=f"pi_{document['id'][8:]}",
        subscription=None,
        created_at=at,
        paid_at=paid,
        expired_at=at if state is OrderState.EXPIRED else None,
        event_seq=seq,
        number=number,
        ships=True,
    )
    event = {"id": f"evt_{number}", "type": "checkout.session.completed", "livemode": True, "created": at // 1000}
    body = json.dumps(event | {"object": "event", "data": {"object": document}}).encode()
    rows.events.append(
        event | {"seq": seq, "object_id": order.id, "account": "", "thin": False, "source": "webhook"}
        | {"created": at, "received_at": at, "body": body}
    )  # fmt: skip
    rows.plannings.append({"event_seq": seq, "rule": "", "due_at": None, "ruleset_id": ruleset})
    shipped = paid and at + 20 * 3_600_000 if count - place > TO_SHIP else None
    columns = {column: getattr(order, column) for column in order.__slots__} | {"state": state.value, "updated_at": at}
    rows.orders.append(columns | {"packed_at": shipped, "shipped_at": shipped, "parcels": 1 if shipped else 0})
    run = {"id": seq, "key": f"run {seq}", "event_seq": seq, "order_number": number, "subject": order.id}
    rows.runs.append(run | {"trigger": "order paid", "rule": "Every paid order", "item": "", "created_at": at})
    _effects(rows, chance, place, count, at, ruleset)
    rows.texts[number] = list(searching.texts(order, document, {}, {}))


def _effects(rows: Rows, chance: random.Random, place: int, count: int, at: int, ruleset: int) -> None:
    share = place % max(1, count * PER_ORDER // (DEAD + UNKNOWN) // PER_ORDER)
    for step in range(1, PER_ORDER + 1):
        state = (
            "succeeded" if share or step > 1 else "unknown" if chance.random() < UNKNOWN / (DEAD + UNKNOWN) else "dead"
        )
        number = place * PER_ORDER + step
        failed = state != "succeeded"
        rows.deliveries.append(
            {
                "id": number,
                "run_id": place + 1,
                "step": str(step),
                "position": step - 1,
                "ruleset_id": ruleset,
                "action": ("spreadsheet.add_row", "slack.message", "email.send")[step - 1],
                "connection": f"place {step}",
                "lane_id": step,
                "state": state,
                "due_at": at,
                "attempts": 1,
                "receipt": None if failed else json.dumps({"row_number": number}),
                "error": f"Row {number} was refused." if failed else "",
                "updated_at": at + 300,
            }
        )
        outcome = "permanent" if failed else "succeeded"
        rows.attempts.append(
            {"delivery_id": number, "number": 1, "started_at": at, "finished_at": at + 300, "outcome": outcome}
        )


def _store(connection: Connection, rows: Rows) -> None:
    for table, found in (
        (events, rows.events),
        (plannings, rows.plannings),
        (orders, rows.orders),
        (runs, rows.runs),
        (deliveries, rows.deliveries),
        (attempts, rows.attempts),
    ):
        _insert(connection, table, found)
    search.index(connection, rows.texts)


def _insert(connection: Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """As the driver takes them; PostgreSQL by COPY, which is many times faster."""
    names = list(rows[0])
    values = [tuple(row[name] for name in names) for row in rows]
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(names))
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})", values)
        return
    raw: Any = connection.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy(f"COPY {table.name} ({', '.join(names)}) FROM STDIN") as copy:
        for value in values:
            copy.write_row(value)
