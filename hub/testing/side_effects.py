"""Seeing what a connector does on the side: threads and sockets it leaves behind, files and networks it touches."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

_FILES = Path("/proc/self/fd")


def left_behind(work: Callable[[], object]) -> list[str]:
    """The threads and sockets that exist after ``work`` and did not before; sockets only where there is /proc.

    Sockets of servers in this process do not count: a fake may keep its side of a connection a little longer.
    """
    threads, sockets = set(threading.enumerate()), _client_sockets()
    work()
    new_threads = [f"thread {one.name}" for one in threading.enumerate() if one not in threads]
    return new_threads + [f"{name} {what}" for name, what in _client_sockets().items() if name not in sockets]


def _client_sockets() -> dict[str, str]:
    """What each open socket of this process is connected to, by its inode."""
    opened = _sockets()
    listening = {_port(one) for one in opened.values() if _listens(one)} - {0}
    found = {name: _peer(one) for name, one in opened.items() if _port(one) not in listening}
    for one in opened.values():
        one.close()
    return found


def _sockets() -> dict[str, socket.socket]:
    """A second handle for each open socket of this process, by inode."""
    found: dict[str, socket.socket] = {}
    for link in list(_FILES.iterdir()) if _FILES.exists() else ():
        # Another thread may close it in the meantime.
        with suppress(OSError):
            name = str(link.readlink())
            if name.startswith("socket:") and name not in found:
                found[name] = socket.socket(fileno=os.dup(int(link.name)))
    return found


def _listens(one: socket.socket) -> bool:
    return bool(one.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _port(one: socket.socket) -> int:
    """The port at this machine's end; 0: it has none."""
    address = one.getsockname()
    return address[1] if isinstance(address, tuple) else 0


def _peer(one: socket.socket) -> str:
    try:
        return f"to {one.getpeername()}"
    except OSError:
        return "to nobody"


# --- Files and networks -----------------------------------------------------------------------------------------

_TELLING = ("open", "socket.", "subprocess.", "os.", "shutil.", "sqlite3.", "urllib.")
_records: dict[int, list[str]] = {}


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    record = _records.get(threading.get_ident())
    if record is not None and event.startswith(_TELLING):
        record.append(f"{event}{arguments[:1]}")


@contextmanager
def watched() -> Iterator[list[str]]:
    """Notes every file, network and process that the calling thread touches meanwhile."""
    _install()
    record = _records[threading.get_ident()] = []
    try:
        yield record
    finally:
        del _records[threading.get_ident()]


@cache
def _install() -> None:
    # Once per process: Python has no way to remove an audit hook.
    sys.addaudithook(_hook)
