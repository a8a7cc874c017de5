"""The words of an expression, and the mistakes that show in a single word."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hub.rules.syntax import SyntaxMistake


@dataclass(frozen=True, slots=True)
class Token:
    kind: str  #: name, number, string, operator, end
    text: str
    at: int


_TOKEN = re.compile(
    r"(?P<name>[^\W\d]\w*)|(?P<number>\d[\d_]*(?:\.\d+)?)|(?P<string>'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<operator>==|!=|<=|>=|//|\*\*|&&|\|\||[-+*/%~<>=|.,:()\[\]{}!&;?@^`$#\\])",
    re.DOTALL,
)
_TYPOGRAPHIC = "“”„‘’‚«»"

WRONG_SIGNS = {
    "&&": ("“&&” is not used here.", "Write the word:  and"),
    "||": ("“||” is not used here.", "Write the word:  or"),
    "&": ("“&” is not used here.", "Write the word:  and"),
    "!": ("“!” is not used here.", "Write the word:  not"),
    "?": ("“?” is not used here.", "Write:  a if condition else b"),
}
NOT_AVAILABLE = {"~", "**", "//", "%", ";", "@", "^", "`", "$", "#", "\\", "{", "}", ":"}


def tokenize(source: str, start: int, end: int) -> list[Token]:
    """The words of an expression that stands in ``source[start:end]``."""
    found = []
    at = start
    while True:
        while at < end and source[at].isspace():
            at += 1
        if at >= end:
            found.append(Token("end", "", end))
            return found
        match = _TOKEN.match(source, at, end)
        if match is None:
            raise _unreadable(source, at)
        found.append(Token(str(match.lastgroup), match[0], at))
        at = match.end()


def _unreadable(source: str, at: int) -> SyntaxMistake:
    character = source[at]
    if character in _TYPOGRAPHIC:
        return SyntaxMistake(
            "X06", at, f"“{character}” is a typographic quote.", "Use straight quotes: 'US' or \"US\"."
        )
    if character in "'\"":
        return SyntaxMistake(
            "X06", at, f"This text starts with {character} but never ends with one.", f"Add {character} at its end."
        )
    return SyntaxMistake("X06", at, f"“{character}” cannot be read here.", "Remove it, or put text in quotes.")


def call_mistake(source: str, name: Token) -> SyntaxMistake:
    """``customer.name.upper()``: names the filter that does it, if there is one."""
    from_filter = _METHODS.get(name.text, name.text)
    before = re.search(r"[\w.]+$", source[: name.at])
    path = before[0].rstrip(".") if before else ""
    if path and from_filter in _METHODS.values():
        hint = f"Use the filter:  {{{{ {path} | {from_filter} }}}}"
    else:
        hint = "Only fields and filters can be used:  {{ order.total | money }}"
    return SyntaxMistake("X04", name.at, f"“{name.text}()” is not available in rules.", hint)


#: Methods of other languages, with the filter that does it.
_METHODS = {
    "upper": "upper", "lower": "lower", "title": "title", "strip": "trim", "trim": "trim", "capitalize": "title",
    "toUpperCase": "upper", "toLowerCase": "lower", "replace": "replace", "join": "join", "format": "number",
    "strftime": "date", "len": "length", "length": "length", "toFixed": "round", "round": "round", "get": "default",
}  # fmt: skip
