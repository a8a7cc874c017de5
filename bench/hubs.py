"""Hubs and sinks as processes of their own, for measuring from outside."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SECRET = "whsec_bench"


@dataclass(frozen=True)
class RunningHub:
    """A hub that answers at ``port`` and keeps its things in ``folder``."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path
    started_in: float  #: seconds from its start to the first 2xx

    @property
    def memory_mb(self) -> float:
        """Resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    @property
    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def sign_in_token(self) -> str:
        """The token of the link that it has printed."""
        until = time.perf_counter() + 10
        while time.perf_counter() < until:
            if found := re.search(r"token=(\S+)", (self.folder / "log").read_text()):
                return found[1]
            time.sleep(0.05)
        raise RuntimeError("no link was printed")

    def count(self, statement: str) -> int:
        connection = sqlite3.connect(f"file:{self.folder}/var/hub.db?mode=ro", uri=True, timeout=10)
        try:
            found: int = connection.execute(statement).fetchone()[0]
        finally:
            connection.close()
        return found

    def is_drained(self) -> bool:
        return self.backlog() == 0

    def backlog(self) -> int:
        """Events not planned and deliveries not done."""
        return self.count("SELECT count(*) FROM plannings WHERE due_at IS NOT NULL") + self.count(
            "SELECT count(*) FROM deliveries WHERE state IN ('blocked', 'ready', 'running', 'waiting')"
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running_hub(rules: str, *arguments: str, stock: int = 0, database: str = "") -> Iterator[RunningHub]:
    """``hub serve`` in a folder of its own with ``rules``; ended and removed afterwards, but for a named database."""
    folder = Path(tempfile.mkdtemp(prefix="hub-bench-"))
    (folder / "rules.yaml").write_text(rules)
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "HUB_PORT": str(port),
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_POLL_SECONDS": "0",
        **({"HUB_DATABASE_URL": database} if database else {}),
    }
    hub = str(Path(sys.executable).with_name("hub"))
    if stock:
        subprocess.run(
            [hub, "stock", "set", "MUG-01", str(stock)],
            cwd=folder,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    with (folder / "log").open("wb") as log:
        began = time.perf_counter()
        process = subprocess.Popen([hub, "serve", *arguments], cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            _wait_for(port, process, folder)
            yield RunningHub(process, port, folder, time.perf_counter() - began)
        finally:
            process.terminate()
            process.wait(30)
            shutil.rmtree(folder, ignore_errors=True)


def _wait_for(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.perf_counter() + 30
    while time.perf_counter() < until:
        if process.poll() is not None:
            raise RuntimeError((folder / "log").read_text())
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", "/health/live")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.005)
        finally:
            connection.close()
    raise RuntimeError("the hub did not start")


@contextmanager
def running_module(*arguments: str) -> Iterator[int]:
    """A module of ``bench`` as a process that prints its port."""
    process = subprocess.Popen([sys.executable, "-m", *arguments], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(30)


def sink_count(port: int) -> dict[str, int]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/count")
    counts: dict[str, int] = json.loads(connection.getresponse().read())
    connection.close()
    return counts
