"""Noticing that the rules file was saved. The only importer of watchfiles."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from watchfiles import watch

#: Editors write in several steps; all within this time count as one save.
_DEBOUNCE_MS = 200


class FileWatch:
    """Calls ``changed`` from a thread after each save in the folder of ``file`` or below (where included files are)."""

    def __init__(self, file: Path, changed: Callable[[], None]) -> None:
        self._file = file.resolve()
        self._changed = changed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="hub-watch-rules", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        # The folder, not the file: most editors replace the file, and a watch on the old one would go blind.
        folder = self._file.parent
        for changes in watch(
            folder, watch_filter=lambda _, path: path.endswith((".yaml", ".yml")), stop_event=self._stop,
            debounce=_DEBOUNCE_MS, rust_timeout=1000, raise_interrupt=False,
        ):  # fmt: skip
            if changes:
                self._changed()
