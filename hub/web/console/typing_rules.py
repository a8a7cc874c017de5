"""What the editor asks while rules are typed. The answers are those of ``hub lsp``: the same code gives them."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse, PlainTextResponse, Response

from hub.model import Problem, Severity
from hub.rules.editing import help_at, offers, offers_from
from hub.rules.fixing import corrected_line
from hub.web.console import draft
from hub.web.console.desk import HEADERS, Desk, Visit, whole


def complete(desk: Desk, visit: Visit) -> Response:
    """What can stand at a place, and where the word begins that it takes the place of."""
    text, line, column = _place(visit)
    found = [
        {"text": one.text, "typed": one.typed, "kind": one.kind, "help": one.help}
        for one in offers(text, line, column, desk.hub.registry)
    ]
    return _answer({"offers": found, "from": offers_from(text, line, column) if found else column})


def hover(desk: Desk, visit: Visit) -> Response:
    """What the word at a place means."""
    return _answer({"about": help_at(*_place(visit), desk.hub.registry)})


def problems(desk: Desk, visit: Visit) -> Response:
    """Every mistake of the text, and whether it could be saved."""
    files = draft.with_text(draft.files_now(desk), visit.form.get("text", ""))
    main, text = next(iter(files.items()))
    loaded = draft.read(desk, files)
    said, state = draft.verdict(loaded)
    here = [_problem(text, one) for one in loaded.problems if one.file == main]
    return _answer({"problems": here, "said": said, "state": state, "is_usable": loaded.ruleset is not None})


def effect(desk: Desk, visit: Visit) -> Response:
    """What the text would have made of the last orders; one at a time, so that typing does not slow the hub down."""
    if not desk.trying.acquire(blocking=False):
        return PlainTextResponse("Other rules are being tried.", 429, HEADERS | {"Retry-After": "2"})
    try:
        loaded = draft.read(desk, draft.with_text(draft.files_now(desk), visit.form.get("text", "")))
        if loaded.ruleset is None:
            return PlainTextResponse("It cannot be tried like this.", 422, HEADERS)
        found = draft.effect(desk, loaded.ruleset)
    finally:
        desk.trying.release()
    return desk.page(visit, "rules_effect.html", effect=found, orders=draft.ORDERS, events=draft.EVENTS)


def _place(visit: Visit) -> tuple[str, int, int]:
    """The text and a place in it; a place that is nowhere becomes its end."""
    lines = visit.form.get("text", "").replace("\r\n", "\n").split("\n")
    line = min(whole(visit.given("line")) or 0, len(lines) - 1)
    return "\n".join(lines), line, min(whole(visit.given("column")) or 0, len(lines[line]))


def _problem(text: str, problem: Problem) -> dict[str, Any]:
    corrected = corrected_line(text, problem)
    return {
        "line": problem.line,
        "column": problem.column,
        "end": problem.end,
        "message": problem.message,
        "suggestion": problem.suggestion,
        "is_warning": problem.severity is Severity.WARNING,
        "line_instead": corrected[1] if corrected and corrected[0] == problem.line - 1 else None,
    }


def _answer(content: dict[str, Any]) -> Response:
    return JSONResponse(content, headers=HEADERS)
