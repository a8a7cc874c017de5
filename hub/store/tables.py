"""The tables, as SQLAlchemy Core objects; ``migrations/`` creates them, a test compares the two.

Times are whole milliseconds since 1970 UTC. JSON is stored as text: it is read back whole, never searched.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

#: SQLite gives out row ids itself only for a column of exactly this type.
_Id = BigInteger().with_variant(Integer, "sqlite")

#: What waits for a parcel, in exactly these words, so that both databases recognise the partial index over it.
TO_SHIP = "ships AND state IN ('paid','partly_refunded') AND shipped_at IS NULL"

#: Facts about this installation: its own id, when it first started.
facts = Table(
    "facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

#: The journal: every verified event once, as received. Rows are never changed.
events = Table(
    "events",
    metadata,
    Column("seq", _Id, Identity(), primary_key=True),
    Column("id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("object_id", Text, nullable=False),  # what it is about: a session, a charge …
    Column("account", Text, nullable=False),
    Column("livemode", Boolean(create_constraint=False), nullable=False),
    Column("thin", Boolean(create_constraint=False), nullable=False),
    Column("source", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    # https://docs.stripe.com/connect/webhooks: ids are only promised to be unique within an account and mode.
    UniqueConstraint("id", "type", "account", "livemode"),
    Index("ix_events_object_id", "object_id"),
)

#: What is still to be planned: a row per event, and one more per rule that has to wait (held, or for Stripe).
#: Done when ``due_at`` is null. Kept, because it says which rules an event met: ``ruleset_id``.
plannings = Table(
    "plannings",
    metadata,
    Column("event_seq", _Id, ForeignKey("events.seq"), primary_key=True),
    Column("rule", Text, primary_key=True),  # "" = every rule
    Column("due_at", BigInteger),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    Column("ruleset_id", Integer, ForeignKey("rulesets.id")),
    Column("note", Text, nullable=False, server_default=""),
    Column("asked", Boolean(create_constraint=False), nullable=False, server_default=false()),  # by a person
    Index(
        "ix_plannings_open",
        "due_at",
        "event_seq",
        sqlite_where=text("due_at IS NOT NULL"),
        postgresql_where=text("due_at IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)

#: Every rules file that was ever used to plan, whole: deliveries run under the rules they were planned with.
rulesets = Table(
    "rulesets",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("files", Text, nullable=False),
)
rule_versions = Table(
    "rule_versions",
    metadata,
    Column("number", Integer, Identity(), primary_key=True),
    Column("ruleset_id", Integer, ForeignKey("rulesets.id"), nullable=False),
    Column("loaded_at", BigInteger, nullable=False),
    Column("author", Text, nullable=False, server_default=""),  # "" = somebody with an editor
    Column("reason", Text, nullable=False, server_default=""),
)

#: Sales. ``number`` is the shop's running order number; the facts behind ``state`` only accumulate.
orders = Table(
    "orders",
    metadata,
    Column("number", _Id, Identity(start=1001), primary_key=True),
    Column("id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("livemode", Boolean(create_constraint=False), nullable=False),
    Column("state", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("total", BigInteger),  # in Stripe's unit of ``currency``
    Column("currency", Text, nullable=False),
    Column("customer_name", Text, nullable=False),
    Column("customer_email", Text, nullable=False),
    Column("payment_intent", Text),
    Column("subscription", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("paid_at", BigInteger),
    Column("failed_at", BigInteger),
    Column("expired_at", BigInteger),
    Column("refunded", BigInteger, nullable=False, server_default=text("0")),
    Column("disputed", Boolean(create_constraint=False), nullable=False, server_default=false()),
    Column("updated_at", BigInteger, nullable=False),
    Column("event_seq", _Id, ForeignKey("events.seq"), nullable=False),  # the event that tells most about it
    Column("ships", Boolean(create_constraint=False), nullable=False, server_default=false()),  # it has an address
    # What people did with it; events know nothing of these.
    Column("packed_at", BigInteger),
    Column("shipped_at", BigInteger),
    Column("parcels", Integer, nullable=False, server_default=text("0")),
    Column("held_at", BigInteger),
    UniqueConstraint("id", "account", "livemode"),
    Index("ix_orders_payment_intent", "payment_intent"),
    Index("ix_orders_subscription", "subscription"),
    Index("ix_orders_created_at", "created_at", "number"),
    Index("ix_orders_livemode", "livemode", "number"),
    Index("ix_orders_state", "livemode", "state", "number"),
    # The packing table's list: as long as what is still to be packed, whatever the history holds.
    Index("ix_orders_to_ship", "livemode", "number", sqlite_where=text(TO_SHIP), postgresql_where=text(TO_SHIP)),
    Index(
        "ix_orders_shipped",
        "livemode",
        "number",
        sqlite_where=text("shipped_at IS NOT NULL"),
        postgresql_where=text("shipped_at IS NOT NULL"),
    ),
    Index(
        "ix_orders_held",
        "livemode",
        "number",
        sqlite_where=text("held_at IS NOT NULL"),
        postgresql_where=text("held_at IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

#: Subscriptions as their newest events have them; see hub.model.Subscription.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("number", _Id, Identity(), primary_key=True),
    Column("id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("livemode", Boolean(create_constraint=False), nullable=False),
    Column("status", Text, nullable=False),
    Column("told", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("price", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("amount", BigInteger),
    Column("currency", Text, nullable=False),
    Column("interval", Text, nullable=False),
    Column("started_at", BigInteger),
    Column("trial_ends_at", BigInteger),
    Column("renews_at", BigInteger),
    Column("ends_at", BigInteger),
    Column("customer", Text, nullable=False),
    Column("customer_name", Text, nullable=False),
    Column("customer_email", Text, nullable=False),
    Column("named_at", BigInteger, nullable=False),
    Column("described", Text, nullable=False),
    Column("described_at", BigInteger, nullable=False),
    UniqueConstraint("id", "account", "livemode"),
    Index("ix_subscriptions_livemode", "livemode", "number"),
    Index("ix_subscriptions_status", "livemode", "status", "number"),
)
subscription_invoices = Table(
    "subscription_invoices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("livemode", Boolean(create_constraint=False), primary_key=True),
    Column("subscription", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("told", Text, nullable=False),
    Column("total", BigInteger),
    Column("currency", Text, nullable=False),
    Column("period_start", BigInteger),
    Column("period_end", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("paid_at", BigInteger),
    Column("failed_at", BigInteger),
    Index("ix_subscription_invoices_subscription", "subscription", "created_at"),
)

#: Refunds and disputes as far as events told them; they may be told before their order is.
reversals = Table(
    "reversals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("livemode", Boolean(create_constraint=False), primary_key=True),
    Column("kind", Text, nullable=False),  # refund, dispute
    Column("payment_intent", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("rank", Integer, nullable=False),  # how far along it is: it only moves forward
    Index("ix_reversals_payment_intent", "payment_intent"),
)

#: What was fetched from Stripe because a rule needs it, once per object.
enrichments = Table(
    "enrichments",
    metadata,
    Column("object_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),  # line_items, session
    Column("account", Text, primary_key=True),
    Column("livemode", Boolean(create_constraint=False), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("fetched_at", BigInteger, nullable=False),
)

#: One subject × one rule (× one item): the deliveries that belong together and follow each other.
runs = Table(
    "runs",
    metadata,
    Column("id", _Id, Identity(), primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("event_seq", _Id, ForeignKey("events.seq"), nullable=False),
    Column("order_number", BigInteger),
    Column("subject", Text, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("item", Text, nullable=False),
    Column("failed_delivery_id", _Id),  # set on a run of on_error steps: what failed
    Column("once", Text),  # what it happens once for within a time, if the rule says so
    Column("once_at", BigInteger),  # when its event was made: what that time is counted from
    Column("created_at", BigInteger, nullable=False),
    Index("ix_runs_subject", "subject"),
    Index(
        "ix_runs_once",
        "once",
        "once_at",
        sqlite_where=text("once IS NOT NULL"),
        postgresql_where=text("once IS NOT NULL"),
    ),
    Index("ix_runs_event_seq", "event_seq"),
    Index("ix_runs_order_number", "order_number"),
)

#: A connection and the value of the field that serialises (a sheet's tab, a channel); with its back-off.
lanes = Table(
    "lanes",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("connection", Text, nullable=False),
    Column("serial", Boolean(create_constraint=False), nullable=False),  # one batch at a time
    Column("blocked_until", BigInteger, nullable=False, server_default=text("0")),
    Column("reason", Text, nullable=False, server_default=""),
    Column("paused", Boolean(create_constraint=False), nullable=False, server_default=false()),  # a setting is wrong
    Column("failures", Integer, nullable=False, server_default=text("0")),  # in a row; a success sets it to 0
)

#: Leases on batches of deliveries. A serial lane holds at most one: the unique index is the lock.
claims = Table(
    "claims",
    metadata,
    Column("id", _Id, Identity(), primary_key=True),
    Column("lane_id", Integer, ForeignKey("lanes.id"), nullable=False),
    Column("serial_lane", Integer, unique=True),
    Column("worker", Text, nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    sqlite_autoincrement=True,  # an id that fenced a claim must never come back
)

#: The units of promise.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _Id, Identity(), primary_key=True),
    Column("run_id", _Id, ForeignKey("runs.id"), nullable=False),
    Column("step", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("ruleset_id", Integer, ForeignKey("rulesets.id"), nullable=False),
    Column("action", Text, nullable=False),
    Column("connection", Text, nullable=False),
    Column("lane_id", Integer, ForeignKey("lanes.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("claim_id", _Id),
    Column("batch_id", _Id),  # the batch that may have been applied: it comes again as it was
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("failures", Integer, nullable=False, server_default=text("0")),  # tries used up
    Column("receipt", Text),
    Column("error", Text, nullable=False, server_default=""),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("run_id", "step"),
    # The queue: only what can become due is in it, so claiming does not slow down as history grows.
    Index(
        "ix_deliveries_due",
        "lane_id",
        "due_at",
        "id",
        sqlite_where=text("state IN ('ready','waiting')"),
        postgresql_where=text("state IN ('ready','waiting')"),
    ),
    Index(
        "ix_deliveries_claim",
        "claim_id",
        sqlite_where=text("claim_id IS NOT NULL"),
        postgresql_where=text("claim_id IS NOT NULL"),
    ),
    Index(
        "ix_deliveries_batch",
        "batch_id",
        sqlite_where=text("batch_id IS NOT NULL"),
        postgresql_where=text("batch_id IS NOT NULL"),
    ),
    Index(
        "ix_deliveries_person",
        "state",
        "id",
        sqlite_where=text("state IN ('dead','unknown')"),
        postgresql_where=text("state IN ('dead','unknown')"),
    ),
)

#: Tries, recorded before the call; the outcome is filled in once, afterwards.
attempts = Table(
    "attempts",
    metadata,
    Column("delivery_id", _Id, ForeignKey("deliveries.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("claim_id", _Id),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    Column("outcome", Text),
    Column("detail", Text, nullable=False, server_default=""),
    sqlite_with_rowid=False,
)

#: The stock, and every change to it. ``on_hand`` is the balance of the movements.
stock_items = Table(
    "stock_items",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("on_hand", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False, server_default=text("0")),
    Column("low_at", BigInteger),
    Column("updated_at", BigInteger, nullable=False),
)

stock_movements = Table(
    "stock_movements",
    metadata,
    Column("id", _Id, Identity(), primary_key=True),
    Column("key", Text, nullable=False),  # the effect key: a delivery moves stock once
    Column("sku", Text, ForeignKey("stock_items.sku"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("delta", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False, server_default=text("0")),  # the change of what is reserved
    Column("pending", BigInteger, nullable=False, server_default=text("0")),  # of what comes back with its sale
    Column("balance", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("order_number", BigInteger),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("key", "sku", "kind"),
    Index("ix_stock_movements_sku", "sku", "id"),
    Index("ix_stock_movements_order", "order_number", "sku"),
)

#: What the shop chose for a pool of codes: the number left that counts as low.
code_pools = Table(
    "code_pools",
    metadata,
    Column("pool", Text, primary_key=True),
    Column("low_at", BigInteger, nullable=False),
)

#: Licence keys and voucher codes, each given out once: ``taken_by`` is the effect key of the delivery that took it.
codes = Table(
    "codes",
    metadata,
    Column("id", _Id, Identity(), primary_key=True),
    Column("pool", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("taken_by", Text),
    Column("subject", Text, nullable=False, server_default=""),
    Column("taken_at", BigInteger),
    UniqueConstraint("pool", "code"),
    UniqueConstraint("pool", "taken_by"),
    Index(
        "ix_codes_free",
        "pool",
        "id",
        sqlite_where=text("taken_by IS NULL"),
        postgresql_where=text("taken_by IS NULL"),
    ),
)

#: What is done again and again; ``cursor`` says how far it got, in its own words.
chores = Table(
    "chores",
    metadata,
    Column("name", Text, primary_key=True),
    Column("due_at", BigInteger, nullable=False),
    Column("leased_until", BigInteger, nullable=False, server_default=text("0")),
    Column("cursor", Text, nullable=False, server_default=""),
)

#: People who may use the console. ``password`` is an Argon2 hash; null until its owner has chosen one.
users = Table(
    "users",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),  # owner, packer, viewer
    Column("password", Text),
    Column("created_at", BigInteger, nullable=False),
)

#: Links that sign in once, and sessions: only digests of the secrets, so that a copy of the database opens nothing.
sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)
sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

#: What programs sign in with at the API.
tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("digest", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    Column("scope", Text, nullable=False),  # read, write
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

#: Filters of the list of orders that somebody keeps under a name: JSON, by the filter's name.
views = Table(
    "views",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("user_id", Integer, ForeignKey("users.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("filters", Text, nullable=False),
    Column("shared", Boolean(create_constraint=False), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("user_id", "name"),
)

#: What people did, each act once and for good: a trigger refuses to change or delete a row.
audit = Table(
    "audit",
    metadata,
    Column("id", _Id, Identity(), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("thing", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Index("ix_audit_thing", "thing", "id"),
)
