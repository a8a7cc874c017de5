"""What writing to a local file safely needs: a lock across processes, bytes that stay, errors in words."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from hub.connector import Ambiguous, ConfigError, Failure, RateLimited, Retryable

_LONGEST_WAIT = 10.0  # seconds
_BETWEEN_LOOKS = 0.002

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.ETXTBSY})
_NO_FOLDER = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR})


class FileLock:
    """One writer at a time, in this process and among all processes of this machine; free when its holder dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.here = threading.Lock()  #: keeps out only this process's other threads

    @contextmanager
    def held(self) -> Iterator[None]:
        """Waits for the lock, ten seconds at most; then raises ``RateLimited``: nothing is wrong, it is just busy."""
        give_up = time.monotonic() + _LONGEST_WAIT
        if not self.here.acquire(timeout=_LONGEST_WAIT):
            raise _busy(self._path)
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                self._wait_for_other_processes(descriptor, give_up)
                yield
            finally:
                os.close(descriptor)  # gives the lock back as well
        finally:
            self.here.release()

    def _wait_for_other_processes(self, descriptor: int, give_up: float) -> None:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() >= give_up:
                    raise _busy(self._path) from None
                # flock knows no time-out, and a holder that hangs must not hang this worker as well.
                time.sleep(_BETWEEN_LOOKS)


def _busy(path: Path) -> RateLimited:
    return RateLimited(f"Another writer has been busy with {path.stem} for ten seconds.", timedelta(seconds=1))


def refused(error: OSError, path: Path) -> Failure:
    """What a refused operation on ``path`` means. Only for cases in which surely nothing was changed.

    What a person has to mend pauses the connection instead of using up tries: the rows wait, none is given up.
    """
    if error.errno in _FULL:
        return ConfigError(
            f"There is no space left for {path}.",
            "Free some space on that disk; the waiting rows follow by themselves.",
        )
    if error.errno in _FORBIDDEN:
        return ConfigError(
            f"{path} cannot be written ({error.strerror}).",
            "Close the program that has it open, and let the hub's user write the file and its folder.",
        )
    if error.errno in _NO_FOLDER:
        return ConfigError(
            f"{path} cannot be opened ({error.strerror}).", "Make its folder, or correct “file:” in rules.yaml."
        )
    return Retryable(f"{path.name} could not be used ({error.strerror}).")


def opened_by_a_person(path: Path) -> ConfigError | None:
    """Says so when an office program has the file open: saving there would undo what was written meanwhile.

    Excel and LibreOffice put a file beside the one they have open, and remove it when they close it.
    """
    for program, name in (("Excel", f"~${path.name}"), ("LibreOffice", f".~lock.{path.name}#")):
        marker = path.with_name(name)
        if marker.exists():
            return ConfigError(
                f"{path.name} is open in {program}.",
                f"Close it; the waiting rows follow within a minute. If nobody has it open, delete {marker}.",
            )
    return None


def sync_folder(folder: Path) -> None:
    """Makes new and renamed names in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes) -> None:
    """Writes all of ``data``; the system may take less than that at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def replace_file(new: Path, path: Path) -> None:
    """Puts the finished file ``new`` in the place of ``path``, at once or not at all, with the same permissions.

    Raises ``OSError`` when it did not happen, ``Ambiguous`` when a power cut could still undo it.
    """
    if path.exists():
        new.chmod(path.stat().st_mode & 0o7777)
    new.replace(path)
    try:
        sync_folder(path.parent)
    except OSError as error:
        raise Ambiguous(f"The disk with {path} failed after it was written ({error.strerror}).") from error
