"""Making messages fit: texts and blocks cut to Slack's limits, what is cut for the thread, short ones joined.

https://docs.slack.dev/reference/methods/chat.postMessage and https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

#: Slack recommends no more, and splits what is longer; chat.update refuses it.
LONGEST_TEXT = 4_000
#: So many messages at most carry on what was cut.
_MOST_PARTS = 3
_MOST_BLOCKS = 50
_LONGEST = {"header": 150, "section": 3_000}
_LONGEST_ELSEWHERE = 2_000
#: All texts of a message's blocks together: Slack refuses somewhere above, without documenting where
#: (9,597 characters were accepted, 11,341 refused: https://github.com/slackapi/bolt-js/issues/2867).
_LONGEST_BLOCKS = 9_000


@dataclass(frozen=True, slots=True)
class Fitted:
    """A message as Slack takes it, and what was cut: to be said in its thread."""

    text: str
    blocks: Sequence[Mapping[str, Any]] | None
    rest: Sequence[str]


def fit(text: str, blocks: Sequence[Any] | None = None) -> Fitted:
    """A text, or blocks with a text for notifications, as one message."""
    if blocks is None:
        first, rest = cut(text)
        return Fitted(first, None, parts(rest))
    budget = _Budget()
    fitted = [budget.block(one) for one in blocks[:_MOST_BLOCKS]]
    more = [_all_text(one) for one in blocks[_MOST_BLOCKS:]]
    return Fitted(cut(text)[0], fitted, parts("\n".join(filter(None, [*budget.rest, *more]))))


def cut(text: str, longest: int = LONGEST_TEXT) -> tuple[str, str]:
    """``text`` in whole characters, with an ellipsis at the end if it was too long; and what was cut."""
    text = text.encode("utf-8", "replace").decode()
    if len(text) <= longest:
        return text, ""
    # Not in the middle of an entity: what is left of it would be shown.
    kept = re.sub(r"&[a-z]{0,3}$", "", text[: longest - 1])
    return f"{kept}…", text[len(kept) :]


def parts(text: str) -> list[str]:
    """A text in messages; the last one has an ellipsis if there was still more."""
    found: list[str] = []
    while text and len(found) < _MOST_PARTS:
        shown, text = cut(text)
        found.append(shown)
    return found


def joined(texts: Sequence[str]) -> str:
    """Several messages as one: a line each, or with a line between them if any has several."""
    between = "\n\n" if any("\n" in one.strip() for one in texts) else "\n"
    return between.join(one.strip() for one in texts)


class _Budget:
    """Cuts the texts of blocks, one after the other, and keeps what was cut."""

    def __init__(self) -> None:
        self._left = _LONGEST_BLOCKS
        self.rest: list[str] = []

    def block(self, block: Mapping[str, Any]) -> Mapping[str, Any]:
        longest = _LONGEST.get(str(block.get("type")), _LONGEST_ELSEWHERE)
        return {name: self._value(name, one, longest) for name, one in block.items()}

    def _value(self, name: str, value: Any, longest: int) -> Any:
        if isinstance(value, Mapping):
            return {key: self._value(key, one, longest) for key, one in value.items()}
        if isinstance(value, list):
            return [self._value(name, one, _LONGEST_ELSEWHERE) for one in value]
        if isinstance(value, Decimal):
            return float(value)
        return self._text(value, longest) if name == "text" and isinstance(value, str) else value

    def _text(self, text: str, longest: int) -> str:
        # An empty text would have the whole message refused.
        shown, more = cut(text, max(1, min(longest, self._left)))
        self._left -= len(shown)
        self.rest += [more] if more else []
        return shown


def _all_text(value: Any) -> str:
    if isinstance(value, Mapping):
        shown = [one if name == "text" and isinstance(one, str) else _all_text(one) for name, one in value.items()]
    elif isinstance(value, list):
        shown = [_all_text(one) for one in value]
    else:
        return ""
    return "\n".join(filter(None, shown))
