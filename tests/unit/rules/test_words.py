"""What people who write rules are told is in their words: every text in the code, also those no other test prints."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3] / "hub"
FILES = sorted([*(ROOT / "rules").glob("*.py"), *(ROOT / "cli").glob("*.py")])

#: Words of YAML and of programming. “token:” is a connection's setting, a “token” of the API is one too.
FORBIDDEN = re.compile(
    r"\b(?i:mappings?|scalars?|sequences?|nodes?|parsers?|parsed|parsing|unexpected token|booleans?|integers?|strings?"
    r"|dict|dictionary|tuples?|exceptions?|traceback|stack ?trace|python|regex(es)?|null|none ?type|attribute"
    r"|instance of|callable|iterable|literal|syntax error|schema)\b"
    r"|\b[A-Z][a-z]+(Error|Exception|Node|Token|Type)\b"
)


def _sentences(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Texts of three words and more with a capital first, docstrings aside; what is filled in is “…”."""
    silent = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        text = _text(node)
        is_sentence = text is not None and len(text.split()) > 2 and (text.lstrip()[:1].isupper() or text[0] in "“…")
        if text is not None and is_sentence and not {id(node)} & (silent | parts):
            yield getattr(node, "lineno", 0), text


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in node.values)
    return None


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_no_text_uses_words_of_yaml_or_of_programming(file: Path) -> None:
    found = [(line, text) for line, text in _sentences(ast.parse(file.read_text("utf-8"))) if FORBIDDEN.search(text)]
    assert found == []


def test_the_texts_are_found() -> None:
    texts = [text for file in FILES for _, text in _sentences(ast.parse(file.read_text("utf-8")))]
    assert len(texts) > 300
    assert "“…” cannot be read here." in texts
