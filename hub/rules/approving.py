"""The step ``approve:``: a text that somebody says yes or no to before the rule goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from pydantic import Field

from hub import duration
from hub.connector import Result
from hub.model import Context, Role
from hub.rules import keys, suggest
from hub.rules.document import Entry, Map, Text
from hub.rules.scope import Scope, Uses
from hub.rules.settings import Setting, SettingReader
from hub.rules.slots import Slot
from hub.rules.step_parts import length
from hub.rules.templates import Workshop

#: What stands below ``approve:``; ``text`` is needed.
SETTINGS = ("text", "who", "within", "unanswered", "tell")
#: Whom a rule can name by role. A viewer changes nothing.
ROLES = (Role.OWNER.value, Role.PACKER.value)
WITHIN = timedelta(days=7)

_UNANSWERED = ("stop", "go on")
_EXAMPLE = "approve: {text: Ship it?, who: owner}"
#: What people write for a role. Anything else is taken for a name: who has an account may change after the check.
_MEANT = {"owners": "owner", "admin": "owner", "admins": "owner", "packers": "packer"}


class Approved(Result):
    """What ``steps.<id>`` holds behind the step. Whatever was refused has no steps behind it."""

    by: str = Field("", description="who said yes; nothing when nobody answered and the rule went on")
    at: str = Field("", description="when")
    answered: bool = Field(True, description="whether somebody did")


@dataclass(frozen=True, slots=True)
class Approval:
    """A compiled ``approve:``. ``who``: roles and names; owners may always decide."""

    text: Setting
    who: tuple[str, ...] = (Role.OWNER.value,)
    within: timedelta = WITHIN
    goes_on: bool = False  #: when nobody answers

    def as_read(self, context: Context) -> Mapping[str, str]:
        """As people are shown it. Raises ``EvaluationError``."""
        return {
            "text": str(self.text.render(context, False)),
            "who": ", ".join(self.who),
            "within": duration.words(self.within),
            "unanswered": _UNANSWERED[self.goes_on],
        }


@dataclass(frozen=True, slots=True)
class ApprovalReader:
    """Reads what stands behind or below ``approve:``."""

    workshop: Workshop
    scope: Scope
    uses: Uses

    def read(self, what: Entry, node: Map) -> Approval | None:
        """The approval; None when there is nothing to ask. ``node`` is the step, where settings may stand wrongly."""
        if isinstance(what.value, Text):
            return self._short(what, node)
        problems = self.workshop.problems
        found = keys.as_map(what.value, "approve", _EXAMPLE, problems)
        if found is None:
            return None
        entries = keys.known(found, "approve", SETTINGS, problems, "setting")
        if "text" not in entries:
            keys.missing(["text"], "approve", what.key.place, problems, "A04")
            return None
        text = keys.as_text(entries["text"], problems, "Ship order {{ order.number }}?")
        if text is None:
            return None
        return Approval(
            self._setting(text),
            self._who(entries.get("who")),
            self._within(entries.get("within")),
            self._goes_on(entries.get("unanswered")),
        )

    def _short(self, what: Entry, node: Map) -> Approval | None:
        """``approve: Ship it?`` asks the owners."""
        beside = [one.key for one in node.entries if one.key.value in SETTINGS]
        if beside and isinstance(what.value, Text) and what.value.is_empty:
            names = ", ".join(one.value for one in beside)
            message = "The settings of approve must be indented below it."
            self.workshop.problems.add("A03", beside[0].place, message, f"Add 2 more spaces in front of: {names}.")
            return None
        text = keys.as_text(what, self.workshop.problems, "Ship order {{ order.number }}?")
        return None if text is None else Approval(self._setting(text))

    def _setting(self, text: Text) -> Setting:
        return SettingReader(self.workshop, self.scope, self.uses).read(text, Slot("value"))

    def _who(self, entry: Entry | None) -> tuple[str, ...]:
        if entry is None:
            return ROLES[:1]
        texts = keys.as_texts(entry, self.workshop.problems, "[packer, Mara]")
        for one in texts:
            self._check_name(one)
        return tuple(one.value.lower() if one.value.lower() in ROLES else one.value for one in texts)

    def _check_name(self, text: Text) -> None:
        name = text.value.lower()
        problems = self.workshop.problems
        if name == Role.VIEWER.value:
            message = "A viewer changes nothing, so cannot approve anything."
            problems.add("K06", text.place, message, "Write:  who: packer   — or owner, or somebody's name.")
        elif "{{" in name:
            message = "Who decides is fixed text; {{ }} cannot be used here."
            problems.add("X11", text.place, message, "Write:  who: owner   — or packer, or somebody's name.")
        elif name in _MEANT:
            message = f"There is no role “{text.value}”."
            problems.add("K06", text.place, message, f"Write:  who: {_MEANT[name]}   — or somebody's name.")

    def _within(self, entry: Entry | None) -> timedelta:
        text = None if entry is None else keys.as_text(entry, self.workshop.problems, "2 days")
        found = None if text is None else length(text, self.workshop, "within")
        if text is not None and found is not None and not found:
            message = "Nobody can answer in no time."
            self.workshop.problems.add("K06", text.place, message, "For example:  within: 2 days")
        return found or WITHIN

    def _goes_on(self, entry: Entry | None) -> bool:
        text = None if entry is None else keys.as_text(entry, self.workshop.problems, "go on")
        if text is None or text.value in _UNANSWERED:
            return text is not None and text.value == "go on"
        meant = "go on" if text.value.lower() in {"continue", "approve", "yes", "go_on"} else None
        meant = meant or suggest.by_spelling(text.value, _UNANSWERED) or "stop"
        message = "unanswered says what happens when nobody answers in time: stop or go on."
        self.workshop.problems.add("K06", text.place, message, f"Write:  unanswered: {meant}")
        return False
