"""What the fakes of far ends share: faults in turn, counts by effect key, and a life as a process of their own.

Every fake runs in a thread of the test's process, or as a process that outlives kills of the hub::

    with FakeProcess("hub.testing.http_sink") as sink:
        sink.fail(Fault.BEFORE)
        … sink.url …
        sink.counts()

The process is asked over HTTP, below ``/_fake/``. It ends with its standard input, so it never outlives its parent.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import urllib.request
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from hub.connector import Delivery
from hub.testing.faults import Fault

CONTROL = "/_fake/"
#: What every fake asks for with a 429 (seconds).
WAIT = 7
#: A front end's error page, which is not JSON.
HTML = "<!DOCTYPE html><html lang=en><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"


class Fake:
    """Counts calls and effects, and hands out the faults that were asked for, one a call."""

    def __init__(self) -> None:
        self.faults: deque[Fault] = deque()
        self.calls = 0  #: calls that asked for an effect
        self.counts: Counter[str] = Counter()  #: effects by effect key
        self.arrived = threading.Event()  #: set by every such call

    def stop(self) -> None:
        """Ends the server."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def fail(self, *faults: Fault) -> None:
        """The next calls meet these faults."""
        self.faults.extend(faults)

    def fault(self) -> Fault:
        """Counts a call and says what happens to it."""
        self.calls += 1
        self.arrived.set()
        return self.faults.popleft() if self.faults else Fault.NONE

    def effects(self, delivery: Delivery[Any]) -> int:
        """How many effects there are of a delivery."""
        return self.counts[delivery.key]

    def program(self, what: str, settings: Any) -> None:
        """Further things a test may set over HTTP; raises ``KeyError`` for what there is not."""
        raise KeyError(what)

    async def control(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers below ``/_fake/``: GET ``counts``; POST ``faults`` (a list) and what :meth:`program` takes."""
        request = Request(scope, receive)
        await self._controlled(request.url.path.removeprefix(CONTROL), await request.body())(scope, receive, send)

    def _controlled(self, what: str, body: bytes) -> Response:
        if what == "counts":
            return JSONResponse({"calls": self.calls, "counts": self.counts})
        if what == "faults":
            self.fail(*map(Fault, json.loads(body)))
        else:
            self.program(what, json.loads(body))
        return JSONResponse({})


class FakeProcess:
    """A fake in a process of its own: ``python -m MODULE``. ``url`` is what the fake in this process would have."""

    def __init__(self, module: str, port: int = 0) -> None:
        command = [sys.executable, "-m", module, "--port", str(port)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        said = self._process.stdout.readline().split()
        if len(said) != 2:
            self.stop()
            raise RuntimeError(f"{module} did not start")
        self.url, self._control = said

    def fail(self, *faults: Fault) -> None:
        """The next calls meet these faults."""
        self.program("faults", faults)

    def program(self, what: str, settings: Any) -> None:
        """Sets something at the fake, see the fake's ``program``."""
        self._ask(what, json.dumps(settings).encode())

    def counts(self) -> Mapping[str, int]:
        """How many effects there are, by effect key."""
        counts: dict[str, int] = self._ask("counts")["counts"]
        return counts

    def calls(self) -> int:
        """How many calls arrived that ask for an effect."""
        return int(self._ask("counts")["calls"])

    def stop(self) -> None:
        """Ends the process."""
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _ask(self, what: str, body: bytes | None = None) -> Any:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self._control}{CONTROL}{what}", body, timeout=30) as answer:
            return json.load(answer)


def run(start: Callable[[int], AbstractContextManager[Any]]) -> None:
    """The ``python -m`` of a fake: prints its address and that of its control, serves until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    with start(parser.parse_args().port) as fake:
        print(fake.url, fake.control_url, flush=True)
        sys.stdin.read()
