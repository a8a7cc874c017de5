"""Stock and codes: what there is, who got what, and what a person counted or brought."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import quote

from starlette.responses import Response

from hub.store import codes, stock
from hub.store.database import Connection
from hub.web.console.access import OWNERS
from hub.web.console.desk import Desk, Visit, whole

_LISTED = 200
_MOST = 10**9


def show_stock(desk: Desk, visit: Visit) -> Response:
    return desk.page(visit, "stock.html", items=desk.read(stock.items), may_change=visit.may(*OWNERS))


def show_sku(desk: Desk, visit: Visit) -> Response:
    """The movements of one SKU."""
    sku = visit.request.path_params["sku"]
    items = {one.sku: one for one in desk.read(stock.items)}
    if sku not in items:
        return desk.missing(visit, f"SKU “{sku}” in the stock list")
    moves = desk.read(partial(stock.movements, sku=sku, limit=_LISTED))
    return desk.page(visit, "sku.html", item=items[sku], moves=moves)


def count_stock(desk: Desk, visit: Visit) -> Response:
    """What a person counted; and from which number on it is low, if that is given."""
    sku, count, low = visit.given("sku")[:200], _pieces(visit.given("count")), _pieces(visit.given("low_at"))
    if not sku or count is None or (visit.given("low_at") and low is None):
        return desk.back("/stock", "Give a SKU and whole numbers of pieces.")
    count_sku(desk, visit, sku, count, low)
    return desk.back("/stock", f"{sku}: {count} on hand.")


def count_sku(desk: Desk, visit: Visit, sku: str, count: int, low: int | None) -> None:
    """Writes down what a person counted, in pieces; ``low`` None: as it was."""
    now = desk.now()

    def write(connection: Connection) -> None:
        stock.set_on_hand(connection, {sku: count}, now=now)
        if low is not None:
            stock.set_low_at(connection, sku, low)

    desk.act(visit, "counted", f"sku {sku}", write, str(count))


def show_codes(desk: Desk, visit: Visit) -> Response:
    return desk.page(visit, "codes.html", pools=desk.read(codes.pools), may_change=visit.may(*OWNERS))


def show_pool(desk: Desk, visit: Visit) -> Response:
    """Who got what of a pool."""
    name = visit.request.path_params["pool"]
    pool = next((one for one in desk.read(codes.pools) if one.name == name), None)
    if pool is None:
        return desk.missing(visit, f"pool of codes “{name}”")
    taken = desk.read(partial(codes.taken, pool=name, limit=_LISTED))
    return desk.page(visit, "pool.html", pool=pool, taken=taken)


def add_codes(desk: Desk, visit: Visit) -> Response:
    """Adds codes, one on a line; those that the pool has or had are left out."""
    pool = visit.given("pool")[:200]
    new = [line.strip() for line in visit.given("codes").splitlines() if line.strip()]
    if not pool or not new or any(len(one) > 500 for one in new):
        return desk.back("/codes", "Give the pool's name, and one code of at most 500 characters on each line.")
    count = bring(desk, visit, pool, new)
    return desk.back(f"/codes/{quote(pool, safe='')}", f"{count} codes added, {len(new) - count} were there already.")


def bring(desk: Desk, visit: Visit, pool: str, new: Sequence[str]) -> int:
    """Adds codes to a pool; returns how many it did not have."""
    add = partial(codes.add, pool=pool, new=new, now=desk.now())
    return desk.act(visit, "added codes to", f"pool {pool}", add, f"{len(new)} codes")


def _pieces(text: str) -> int | None:
    number = whole(text)
    return number if number is not None and number <= _MOST else None
