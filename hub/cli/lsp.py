"""``hub lsp``: the language server for rules.yaml, over standard input and output. The only importer of pygls.

https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/
"""

from __future__ import annotations

from pathlib import Path

from hub.cli.rules_file import registry
from hub.errors import HubError
from hub.model import Problem, Severity
from hub.registry import Registry
from hub.rules.editing import Offer, help_at, offers
from hub.rules.fixing import corrected_line
from hub.rules.load import load_texts
from hub.settings import Environment

try:
    from lsprotocol import types
    from pygls.lsp.server import LanguageServer
    from pygls.uris import to_fs_path
    from pygls.workspace import ServerTextPosition, TextDocument
except ModuleNotFoundError:
    raise HubError(
        "The language server is not installed.", "Install the hub with it: pip install 'checkout-hub[lsp]'."
    ) from None

_KINDS = {
    "key": types.CompletionItemKind.Property,
    "value": types.CompletionItemKind.EnumMember,
    "field": types.CompletionItemKind.Field,
    "action": types.CompletionItemKind.Method,
    "filter": types.CompletionItemKind.Function,
}


def lsp() -> None:
    """Speak the Language Server Protocol over standard input and output; editors start this."""
    environment = Environment()
    _server(registry(environment), environment).start_io()


def _server(connectors: Registry, environment: Environment) -> LanguageServer:
    server = LanguageServer("hub", "1", text_document_sync_kind=types.TextDocumentSyncKind.Full)

    def tell(uri: str) -> None:
        document = server.workspace.get_text_document(uri)
        found = [_diagnostic(document, one) for one in _problems(document, connectors, environment)]
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, found, document.version))

    def place(params: types.CompletionParams | types.HoverParams) -> tuple[TextDocument, ServerTextPosition]:
        document = server.workspace.get_text_document(params.text_document.uri)
        return document, document.position_codec.position_from_client_units(document.lines, params.position)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        tell(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        tell(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=[" ", ".", "{", "|"]))
    def complete(params: types.CompletionParams) -> types.CompletionList:
        document, at = place(params)
        found = offers(document.source, at.line, at.character, connectors)
        return types.CompletionList(is_incomplete=False, items=[_item(one) for one in found])

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hover(params: types.HoverParams) -> types.Hover | None:
        document, at = place(params)
        about = help_at(document.source, at.line, at.character, connectors)
        return types.Hover(types.MarkupContent(types.MarkupKind.PlainText, about)) if about else None

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
    )
    def correct(params: types.CodeActionParams) -> list[types.CodeAction]:
        document, lines = server.workspace.get_text_document(params.text_document.uri), params.range
        problems = [
            one
            for one in _problems(document, connectors, environment)
            if lines.start.line <= one.line - 1 <= lines.end.line
        ]
        found = [(one, corrected_line(document.source, one)) for one in problems]
        return [_correction(document, one, *corrected) for one, corrected in found if corrected]

    return server


def _name(document: TextDocument) -> str:
    return Path(to_fs_path(document.uri) or "rules.yaml").name


def _problems(document: TextDocument, connectors: Registry, environment: Environment) -> list[Problem]:
    """The Problems of the text as it is in the editor, with the files it includes as they are on disk."""
    name = _name(document)
    files = {name: document.source, **_beside(document, name)}
    return [one for one in load_texts(files, connectors, environment).problems if one.file == name]


def _beside(document: TextDocument, name: str) -> dict[str, str]:
    folder = Path(to_fs_path(document.uri) or ".").parent
    found = sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])
    return {one.name: one.read_text("utf-8", errors="replace") for one in found if one.name != name}


def _diagnostic(document: TextDocument, problem: Problem) -> types.Diagnostic:
    start = types.Position(problem.line - 1, problem.column - 1)
    end = types.Position(problem.line - 1, problem.end)
    # Editors count in UTF-16: a smiley is two of theirs.
    where = document.position_codec.range_to_client_units(document.lines, types.Range(start, end))
    is_problem = problem.severity is Severity.PROBLEM
    return types.Diagnostic(
        range=where,
        message=f"{problem.message}\n→ {problem.suggestion}" if problem.suggestion else problem.message,
        severity=types.DiagnosticSeverity.Error if is_problem else types.DiagnosticSeverity.Warning,
        code=problem.code,
        source="hub",
    )


def _item(offer: Offer) -> types.CompletionItem:
    return types.CompletionItem(
        label=offer.text,
        kind=_KINDS[offer.kind],
        detail=offer.help or None,
        insert_text=offer.typed,
    )


def _correction(document: TextDocument, problem: Problem, line: int, after: str) -> types.CodeAction:
    before = document.source.split("\n")[line]
    whole = types.Range(types.Position(line, 0), types.Position(line, len(before)))
    where = document.position_codec.range_to_client_units(document.lines, whole)
    edit = types.WorkspaceEdit(changes={document.uri: [types.TextEdit(where, after)]})
    return types.CodeAction(
        title=problem.suggestion.split("\n")[0],
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[_diagnostic(document, problem)],
        edit=edit,
    )
