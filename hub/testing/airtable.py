"""A fake Airtable over real HTTP: upserts by a field, all of a call or nothing, 422 for what a table does not have.

https://airtable.com/developers/web/api/update-multiple-records
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

from hub.testing.http_sink import Answer, HttpSink, Received

TOKEN = "patFakeToken.ofTheShop"
BASE = "appFakeBase000001"


class Airtable(HttpSink):
    """The fake. ``tables``: records by table, in order; a field that is not in ``fields`` is refused with its call."""

    def __init__(self, port: int = 0) -> None:
        super().__init__(port)
        self.authorization = f"Bearer {TOKEN}"
        self.fields = {"Hub key", "Order", "Customer", "Total", "Paid"}
        self.tables: dict[str, list[dict[str, Any]]] = {"Orders": []}

    def _planned(self, call: Received) -> Answer:
        planned = super()._planned(call)
        if planned.status != 200 or call.target == "/v0/meta/whoami":
            return Answer(body='{"id": "usrFake"}') if planned.status == 200 else planned
        _, _, base, table = call.target.split("/")
        if base != BASE or unquote(table) not in self.tables:
            return _refused(404, "NOT_FOUND", "")
        asked = call.json
        if len(asked["records"]) > 10:
            return _refused(422, "INVALID_REQUEST", "Too many records")
        unknown = {name for one in asked["records"] for name in one["fields"]} - self.fields
        if unknown:
            return _refused(422, "UNKNOWN_FIELD_NAME", f'Unknown field name: "{min(unknown)}"')
        made = [{"id": f"rec{one['fields']['Hub key'][-14:]}", "fields": one["fields"]} for one in asked["records"]]
        return Answer(body=json.dumps({"records": made}))

    def _place(self, table: str, asked: dict[str, Any]) -> int:
        keys = [one["Hub key"] for one in self.tables[table]]
        key = asked["fields"]["Hub key"]
        return keys.index(key) if key in keys else len(keys)

    def _apply(self, call: Received) -> None:
        if call.method != "PATCH":
            return
        table = unquote(call.target.rpartition("/")[2])
        for one in call.json["records"]:
            place = self._place(table, one)
            if place == len(self.tables[table]):
                self.tables[table].append({})
                self.counts[one["fields"]["Hub key"]] += 1
            self.tables[table][place] |= one["fields"]


def _refused(status: int, kind: str, message: str) -> Answer:
    return Answer(status, json.dumps({"error": {"type": kind, "message": message}}))
