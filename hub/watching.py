"""Noticing that the rules file was saved. The only importer of watchfiles."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from watchfiles import watch

#: Editors write in several steps; all within this time count as one save.
_DEBOUNCE_MS = 200


class FileWatch:
    """Calls ``changed`` from a thread after a save in one of the folders of ``files()``, asked anew after each."""

    def __init__(self, files: Callable[[], Iterable[Path]], changed: Callable[[], None]) -> None:
        self._files = files
        self._changed = changed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="hub-watch-rules", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.is_set():
            # The folders, not the files: most editors replace a file, and a watch on the old one would go blind.
            # Not what is below them: the database may be there, and would wake us with every commit.
            folders = {file.resolve().parent for file in self._files()}
            changes: Iterator[object] = watch(
                *folders,
                watch_filter=lambda _, path: path.endswith((".yaml", ".yml")),
                stop_event=self._stop,
                debounce=_DEBOUNCE_MS,
                rust_timeout=1000,
                raise_interrupt=False,
                recursive=False,
            )
            if next(changes, None):
                self._changed()
