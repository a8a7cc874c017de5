"""The sections of a file beside its rules: ``shop``, ``accounts``, ``lists``, ``texts``, ``defaults``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from babel import Locale, UnknownLocaleError

from hub.rules import keys, suggest, values
from hub.rules.actions import Actions
from hub.rules.document import Entry, Items, Map, Text
from hub.rules.problems import Problems
from hub.rules.shop import BusinessHours, Shop
from hub.rules.slots import settings_of
from hub.rules.values import EEA, EU, Misread

_SHOP = ("name", "email", "timezone", "currency", "language", "business_hours", "alerts")
_LIST_NAME = re.compile(r"[A-Za-z][\w -]*")
BUILT_IN_LISTS: Mapping[str, Sequence[str]] = {"eu": EU, "eea": EEA}


@dataclass(frozen=True, slots=True)
class SectionReader:
    problems: Problems

    # --- shop ---

    def shop(self, entry: Entry) -> Shop:
        """The facts of the shop; a wrong one is reported and keeps its default."""
        node = keys.as_map(entry.value, "shop:", "name: Mug & Poster", self.problems)
        if node is None:
            return Shop()
        facts = keys.without_groups(node, "shop:", "connections", self.problems, but="business_hours")
        entries = keys.known(facts, "shop:", _SHOP, self.problems, "setting")
        shop = Shop()
        for name, one in entries.items():
            if name == "business_hours":
                shop = replace(shop, business_hours=self._business_hours(one))
            elif (text := keys.as_text(one, self.problems)) is not None:
                shop = self._fact(shop, name, text)
        return shop

    def _fact(self, shop: Shop, name: str, text: Text) -> Shop:
        match name:
            case "timezone":
                return replace(shop, timezone=self._timezone(text))
            case "currency":
                return replace(shop, currency=self._currency(text))
            case "language":
                return replace(shop, language=self._language(text))
            case "email":
                self._email(text)
                return replace(shop, email=text.value)
            case "name":
                return replace(shop, name=text.value)
            case _:
                return replace(shop, alerts=text.value)

    def _timezone(self, text: Text) -> ZoneInfo:
        try:
            return ZoneInfo(text.value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            close = _zone_like(text.value)
            start = f"Did you mean “{close}”? " if close else ""
            hint = f"{start}Time zones look like Europe/Berlin or America/New_York."
            self.problems.add("K07", text.place, f"“{text.value}” is not a time zone we know.", hint)
            return ZoneInfo("UTC")

    def _currency(self, text: Text) -> str | None:
        try:
            return values.currency_code(text.value)
        except Misread as error:
            self.problems.add(error.code, text.place, error.message, error.suggestion)
            return None

    def _language(self, text: Text) -> str:
        try:
            return str(Locale.parse(text.value.replace("-", "_")))
        except (UnknownLocaleError, ValueError):
            hint = "For example:  language: en   — or de, fr, en-GB"
            self.problems.add("K06", text.place, f"“{text.value}” is not a language we know.", hint)
            return "en"

    def _email(self, text: Text) -> None:
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", text.value):
            self.problems.add(
                "K06",
                text.place,
                f"“{text.value}” is not an e-mail address.",
                "For example:  email: hello@shop.example",
            )

    def _business_hours(self, entry: Entry) -> BusinessHours | None:
        example = "business_hours: {days: Mon-Fri, hours: 09:00-17:00}"
        node = keys.as_map(entry.value, "business_hours:", example, self.problems)
        if node is None:
            return None
        entries = keys.known(node, "business_hours:", ("days", "hours"), self.problems, "setting")
        keys.missing(
            [one for one in ("days", "hours") if one not in entries], "business_hours:", node.place, self.problems
        )
        days = self._days(entries["days"]) if "days" in entries else None
        hours = self._hours(entries["hours"]) if "hours" in entries else None
        return None if days is None or hours is None else BusinessHours(days, *hours)

    def _days(self, entry: Entry) -> frozenset[int] | None:
        found: set[int] = set()
        for text in keys.as_texts(entry, self.problems, "Mon-Fri"):
            try:
                found |= values.days(text.value)
            except Misread as error:
                self.problems.add(error.code, text.place, error.message, error.suggestion)
                return None
        return frozenset(found)

    def _hours(self, entry: Entry) -> tuple[int, int] | None:
        text = keys.as_text(entry, self.problems, "09:00-17:00")
        if text is None:
            return None
        opens, dash, closes = text.value.partition("-")
        try:
            if dash and (start := values.minutes(opens)) < (end := values.minutes(closes)):
                return start, end
        except Misread as error:
            self.problems.add(error.code, text.place, error.message, "For example:  hours: 09:00-17:00")
            return None
        self.problems.add(
            "K06", text.place, f"“{text.value}” are no opening hours.", "For example:  hours: 09:00-17:00"
        )
        return None

    # --- accounts, lists, texts, defaults ---

    def accounts(self, entry: Entry) -> dict[str, str]:
        """Account ids by name."""
        node = keys.as_map(entry.value, "accounts:", "farm: acct_1Farm00001", self.problems)
        found: dict[str, str] = {}
        if node is None:
            return found
        for one in keys.without_groups(node, "accounts:", "connections", self.problems).entries:
            text = keys.as_text(one, self.problems, "acct_1Farm00001")
            if text is not None and not re.fullmatch(r"acct_\w+", text.value):
                hint = "Stripe's account ids begin with acct_ (Connect → Accounts)."
                self.problems.add("K06", text.place, f"“{text.value}” is not an account id.", hint)
            elif text is not None:
                found[one.key.value] = text.value
        return found

    def lists(self, entry: Entry) -> dict[str, tuple[str, ...]]:
        node = keys.as_map(entry.value, "lists:", "nordics: [NO, SE, DK, FI]", self.problems)
        return {one.key.value: self._list(one) for one in node.entries} if node else {}

    def _list(self, entry: Entry) -> tuple[str, ...]:
        if not _LIST_NAME.fullmatch(entry.key.value):
            self.problems.add(
                "K06", entry.key.place, f"“{entry.key.value}” cannot be the name of a list.", "Begin with a letter."
            )
        if isinstance(entry.value, Items) and entry.value.nodes:
            return tuple(text.value for text in keys.as_texts(entry, self.problems, "[NO, SE, DK, FI]"))
        one = entry.value.value if isinstance(entry.value, Text) and not entry.value.is_empty else "NO, SE"
        hint = f"Write:  {entry.key.value}: [{one}]"
        self.problems.add(
            "K03",
            entry.value.place if not _is_empty(entry) else entry.key.place,
            f"“{entry.key.value}” must be a list.",
            hint,
        )
        return ()

    def texts(self, entry: Entry) -> dict[str, Text]:
        node = keys.as_map(entry.value, "texts:", "signature: Thank you", self.problems)
        found: dict[str, Text] = {}
        for one in node.entries if node else ():
            if not re.fullmatch(r"[A-Za-z_]\w*", one.key.value):
                hint = "Use letters, digits and _ only."
                self.problems.add("K06", one.key.place, f"“{one.key.value}” cannot be the name of a text.", hint)
            elif (text := keys.as_text(one, self.problems, "Thank you")) is not None:
                found[one.key.value] = text
        return found

    def defaults(self, entry: Entry, actions: Actions) -> dict[str, Map]:
        """Default settings by action; what they hold is checked where it is used."""
        node = keys.as_map(entry.value, "defaults:", "email.send: {bcc: archive@shop.example}", self.problems)
        found: dict[str, Map] = {}
        for one in node.entries if node else ():
            action = actions.get(one.key.value)
            if action is None:
                close = suggest.closest("action", one.key.value, actions.names)
                hint = f"Did you mean “{close}”?" if close else f"There are: {', '.join(actions.names)}."
                self.problems.add("A01", one.key.place, f"There is no action “{one.key.value}”.", hint)
                continue
            inner = keys.as_map(one.value, one.key.value, "bcc: archive@shop.example", self.problems)
            if inner is not None:
                allowed = [*settings_of(action.params), "connection", "on_unknown"]
                known = keys.known(inner, action.name, allowed, self.problems, "setting")
                found[action.name] = replace(inner, entries=tuple(known.values()))
        return found


def _is_empty(entry: Entry) -> bool:
    return isinstance(entry.value, Text) and entry.value.is_empty


_ZONES = {"cet": "Europe/Berlin", "est": "America/New_York", "pst": "America/Los_Angeles", "germany": "Europe/Berlin"}


def _zone_like(text: str) -> str | None:
    """The time zone of a city, or of a word that people use for one."""
    wanted = text.strip().replace(" ", "_").lower()
    zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc", "posix")))
    by_city = {zone.rpartition("/")[2].lower(): zone for zone in reversed(zones)}
    return _ZONES.get(wanted) or by_city.get(wanted) or suggest.by_spelling(text, zones, 0.75)
