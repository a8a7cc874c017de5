"""Logging: one line per thing that happened, for people (``console``) or programs (``json``); never a secret.

The only importer of structlog. Values of secrets are registered with :func:`hide` and cut out of every line, also
out of what libraries log.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog

_hidden: set[str] = set()
_SHORTEST_SECRET = 6


def hide(*secrets: str) -> None:
    """Has the values cut out of everything that is logged from now on."""
    _hidden.update(secret for secret in secrets if len(secret) >= _SHORTEST_SECRET)


def redact(text: str) -> str:
    """``text`` without any registered secret."""
    for secret in _hidden:
        text = text.replace(secret, "•••")
    return text


def get_logger(name: str) -> Any:
    """A logger with ``debug``, ``info``, ``warning``, ``error`` taking an event name and key-value pairs."""
    return structlog.stdlib.get_logger(name)


def set_up(form: Literal["console", "json"]) -> None:
    """Configures logging of this process, standard-library loggers included; lines go to standard error."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_all,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("hub").setLevel(logging.INFO)


def _redact_all(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: redact(value) if isinstance(value, str) else value for key, value in event.items()}
