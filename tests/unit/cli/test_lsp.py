"""The language server as an editor uses it: a real client over standard input and output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.lsp.client import LanguageClient

TEXT = """\
shop: {currency: EUR}
connections: {slack: {token: "${SLACK_TOKEN}"}}
rules:
  - name: Tell
    when: order paid
    if: {order.total: over 100 EUR}
    do:
      - slack.message:
          channel: "#orders"
          text: "🎉 {{ order.number | upper }}"
"""
HUB = str(Path(sys.executable).parent / "hub")


class Editor:
    """One open file."""

    def __init__(self, client: LanguageClient, uri: str, text: str) -> None:
        self.client, self.uri, self.text, self.version = client, uri, text, 1
        self.told: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()

    async def replace(self, right: str, wrong: str) -> list[types.Diagnostic]:
        assert right in self.text
        self.text, self.version = self.text.replace(right, wrong, 1), self.version + 1
        identity = types.VersionedTextDocumentIdentifier(self.version, self.uri)
        change = types.TextDocumentContentChangeWholeDocument(self.text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(identity, [change]))
        return await self.problems()

    async def problems(self) -> list[types.Diagnostic]:
        return [
            one
            for one in (await asyncio.wait_for(self.told.get(), 20)).diagnostics
            if one.severity is types.DiagnosticSeverity.Error
        ]

    def place(self, mark: str, behind: int = 0) -> dict[str, Any]:
        """Behind ``mark``; an editor counts in UTF-16."""
        before = self.text[: self.text.index(mark) + len(mark) - behind].split("\n")
        column = len(before[-1].encode("utf-16-le")) // 2
        return {
            "text_document": types.TextDocumentIdentifier(self.uri),
            "position": types.Position(len(before) - 1, column),
        }

    async def offered(self, mark: str) -> set[str]:
        found = await self.client.text_document_completion_async(types.CompletionParams(**self.place(mark)))
        assert isinstance(found, types.CompletionList)
        return {item.label for item in found.items}

    async def help(self, mark: str) -> str:
        found = await self.client.text_document_hover_async(types.HoverParams(**self.place(mark, 1)))
        return "" if found is None else str(getattr(found.contents, "value", ""))


@asynccontextmanager
async def editing(folder: Path, text: str = TEXT) -> AsyncIterator[Editor]:
    client = LanguageClient("editor", "1")
    await client.start_io(HUB, "lsp", cwd=str(folder))
    uri = (folder / "rules.yaml").as_uri()
    editor = Editor(client, uri, text)

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)  # type: ignore[untyped-decorator]
    def told(params: types.PublishDiagnosticsParams) -> None:
        editor.told.put_nowait(params)

    await client.initialize_async(types.InitializeParams(capabilities=types.ClientCapabilities()))
    client.initialized(types.InitializedParams())
    document = types.TextDocumentItem(uri, "yaml", 1, text)
    client.text_document_did_open(types.DidOpenTextDocumentParams(document))
    assert await editor.problems() == []
    try:
        yield editor
    finally:
        await client.shutdown_async(None)
        client.exit(None)
        await client.stop()  # type: ignore[no-untyped-call]  # pygls leaves it untyped


def test_problems_as_one_types_are_those_of_check_and_go_when_corrected(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            (problem,) = await editor.replace("order paid", "order payed")
            assert (problem.code, problem.source) == ("T01", "hub")
            assert "Did you mean “order paid”?" in problem.message
            assert problem.range.start == types.Position(4, 10)
            assert await editor.replace("order payed", "order paid") == []

    asyncio.run(scenario())


def test_columns_are_counted_as_editors_count(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            (problem,) = await editor.replace("| upper", "| uper")
            line = editor.text.split("\n")[9]
            assert problem.range.start == types.Position(9, len(line[: line.index("uper")].encode("utf-16-le")) // 2)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("typed", "mark", "expected", "never"),
    [
        ("order paid", "when: ", {"order paid", "order refunded"}, {"name"}),
        ("if: {order.total: over 100 EUR}", "paid\n    ", {"if", "for_each", "do"}, {"channel"}),
        ("over 100 EUR}", "if: {", {"order.total", "customer.email", "now.time"}, {"subscription.status"}),
        ("order.number | upper", "{{ ", {"order.number", "shop.name"}, {"upper"}),
        ("upper", "number | ", {"upper", "money"}, {"order.number"}),
        ('channel: "#orders"', "slack.message:\n          ", {"channel", "text", "on_unknown"}, {"when"}),
        ("slack.message:", "do:\n      - ", {"slack.message", "wait", "id"}, {"when"}),
        ("shop: {currency: EUR}", "", {"shop", "rules", "lists"}, {"when"}),
    ],
)
def test_what_can_stand_here_is_offered(
    tmp_path: Path, typed: str, mark: str, expected: set[str], never: set[str]
) -> None:
    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            await editor.replace(typed, "")
            offered = await editor.offered(mark)
            assert expected <= offered
            assert not never & offered

    asyncio.run(scenario())


def test_words_explain_themselves(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            assert "money arrived" in await editor.help("when: order paid")
            assert await editor.help("{order.total")
            assert "Slack" in await editor.help("slack.message")
            assert await editor.help("| upper")
            assert await editor.help("    do")

    asyncio.run(scenario())


def test_a_suggestion_can_be_taken_with_one_click(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with editing(tmp_path) as editor:
            (problem,) = await editor.replace("order paid", "order payed")
            context = types.CodeActionContext(diagnostics=[problem])
            document = types.TextDocumentIdentifier(editor.uri)
            found = await editor.client.text_document_code_action_async(
                types.CodeActionParams(document, problem.range, context)
            )
            assert found
            (action,) = found
            assert isinstance(action, types.CodeAction)
            assert action.edit
            assert action.edit.changes
            (edit,) = action.edit.changes[editor.uri]
            assert edit.new_text == "    when: order paid"

    asyncio.run(scenario())
