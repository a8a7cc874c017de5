"""The connector of ``docs/write-a-connector.md``, word for word, and a fake of its made-up service."""

from __future__ import annotations

import json
import re
import sys
import types
from pathlib import Path
from typing import Any

from hub.testing.http_sink import Answer, HttpSink, Received

PAGE = Path(__file__).parents[2] / "docs" / "write-a-connector.md"


def source() -> str:
    """The connector as the page has it."""
    found = re.search(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def load() -> Any:
    """The connector as a module."""
    module = sys.modules["the_pager_page"] = types.ModuleType("the_pager_page")
    exec(compile(source(), str(PAGE), "exec"), module.__dict__)
    return module


class PagerFake(HttpSink):
    """Pages whoever is known, once a key; ``nobody`` is not."""

    def __init__(self) -> None:
        super().__init__()
        self.authorization = "Bearer right-token"
        self.answer = Answer(body='{"id": "p_1"}')

    def _planned(self, call: Received) -> Answer:
        planned = super()._planned(call)
        is_unknown = planned.status == 200 and json.loads(call.body or b"{}").get("to") == "nobody"
        return Answer(404) if is_unknown else planned

    def _apply(self, call: Received) -> None:
        if key := json.loads(call.body or b"{}").get("key"):
            self.counts[key] = 1
