"""A real process that is killed in the middle of its work: at the n-th of the calls by which it reaches the disk."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

_CALLS = ("write", "fsync", "replace", "ftruncate", "unlink")

BEFORE, AFTER, HALF = "before", "after", "half"  #: the call at which the process dies; half: only of a write


def survives(work: Callable[[], object], *, calls: int, death: str) -> bool:
    """Runs ``work`` in a process of its own and kills it (SIGKILL) at call number ``calls``; whether it got through."""
    child = os.fork()
    if child == 0:
        _die_at(calls, death)
        status = 3
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0, "the work itself failed"
        return True
    assert os.WTERMSIG(status) == signal.SIGKILL
    return False


def _die_at(last: int, death: str) -> None:
    count = 0

    def watched(call: Callable[..., Any], name: str) -> Callable[..., Any]:
        def counted(*args: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count != last:
                return call(*args, **options)
            if death == HALF and name == "write":
                call(args[0], bytes(args[1])[: len(args[1]) // 2])
            elif death == AFTER:
                call(*args, **options)
            os.kill(os.getpid(), signal.SIGKILL)
            raise AssertionError("nobody survives SIGKILL")

        return counted

    for name in _CALLS:
        setattr(os, name, watched(getattr(os, name), name))
