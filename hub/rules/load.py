"""From files to a rule set: everything that can be wrong is found at once, and what is right can run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hub.errors import RulesError
from hub.model import Problem
from hub.rules import keys, rules, suggest
from hub.rules.actions import Actions
from hub.rules.connections import ConnectionReader, ConnectionSpec
from hub.rules.document import Entry, Items, Map, Node, Text
from hub.rules.lint import lint
from hub.rules.printing import Printer
from hub.rules.problems import Flaw, Place, Problems
from hub.rules.reading import Document, decode, read
from hub.rules.ruleset import Rule, RuleSet
from hub.rules.sections import BUILT_IN_LISTS, SectionReader
from hub.rules.shop import Shop
from hub.rules.templates import Workshop

_MAIN_KEYS = ("version", "shop", "connections", "accounts", "lists", "texts", "defaults", "include", "rules")
_INCLUDED_KEYS = ("rules", "lists", "texts")


@dataclass(frozen=True, slots=True)
class Loaded:
    """``ruleset`` is None when the file as a whole cannot be used. ``problems`` are sorted, warnings included."""

    ruleset: RuleSet | None
    problems: tuple[Problem, ...]


def load(path: Path, actions: Actions, environment: Mapping[str, str]) -> Loaded:
    """Reads ``path`` and the files it includes (relative to its folder).

    Raises ``RulesError`` only when the main file is missing or cannot be read.
    """
    try:
        main = path.read_bytes()
    except OSError as error:
        reason = "it does not exist" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
        hint = "Make one with  hub init  or name another file." if isinstance(error, FileNotFoundError) else ""
        raise RulesError(f"The rules file {path} cannot be read: {reason}.", hint) from None
    return _Loader(actions, environment).load(path.name, main, path.parent)


def load_texts(files: Mapping[str, str], actions: Actions, environment: Mapping[str, str]) -> Loaded:
    """The same from texts by file name; the first is the main file."""
    encoded = {name: text.encode() for name, text in files.items()}
    name = next(iter(encoded))
    return _Loader(actions, environment, encoded).load(name, encoded[name], None)


@dataclass(slots=True)
class _Parts:
    """What the files say, before the rules are read."""

    shop: Shop = field(default_factory=Shop)
    connections: Mapping[str, ConnectionSpec] = field(default_factory=dict)
    accounts: Mapping[str, str] = field(default_factory=dict)
    lists: dict[str, tuple[str, ...]] = field(
        default_factory=lambda: {name: tuple(one) for name, one in BUILT_IN_LISTS.items()}
    )
    texts: dict[str, Text] = field(default_factory=dict)
    defaults: Mapping[str, Map] = field(default_factory=dict)
    rules: list[Node] = field(default_factory=list)
    first: dict[tuple[str, str], Place] = field(default_factory=dict)  #: where a list or text was first named


class _Loader:
    def __init__(
        self, actions: Actions, environment: Mapping[str, str], files: Mapping[str, bytes] | None = None
    ) -> None:
        self._actions = actions
        self._environment = environment
        self._given = files
        self._problems = Problems()
        self._sections = SectionReader(self._problems)
        self._documents: dict[str, Document] = {}
        self._parts = _Parts()

    def load(self, name: str, main: bytes, folder: Path | None) -> Loaded:
        includes = self._main(self._document(name, main))
        for text in includes:
            self._include(text, folder)
        loaded = self._rules()
        for flaw in self._flaws():
            self._problems.add_flaw(flaw)
        ruleset = None if None in self._problems.spoilt else self._ruleset(loaded)
        return Loaded(ruleset, self._problems.sorted())

    def _document(self, name: str, content: bytes) -> Document:
        text = decode(name, content, self._problems)
        document = read(name, text, self._problems)
        self._documents[name] = document
        if document.is_rebuilt:
            self._problems.close()
        return document

    def _flaws(self) -> list[Flaw]:
        return [flaw for document in self._documents.values() for flaw in document.flaws]

    # --- Sections ---

    def _main(self, document: Document) -> list[Text]:
        if not isinstance(document.root, Map):
            self._no_settings(document)
            return []
        entries = keys.known(document.root, "The file", _MAIN_KEYS, self._problems)
        self._version(entries.get("version"))
        self._facts(entries)
        self._shared_parts(entries)
        if "rules" not in entries and "include" not in entries:
            hint = "Add  rules:  and below it  - name: … ,  when: …  and  do: …"
            self._problems.add("K02", document.root.place, "There are no rules in this file.", hint)
        return keys.as_texts(entries["include"], self._problems, "[rules/refunds.yaml]") if "include" in entries else []

    def _no_settings(self, document: Document) -> None:
        if document.is_broken:
            return  # told already
        hint = "Start with  rules:  and below it  - name: My first rule"
        place = document.root.place if document.root else Place(document.name, 1, 1)
        message = "The file is empty." if document.root is None else "The file must begin with settings like “rules:”."
        self._problems.add("K03", place, message, hint)

    def _version(self, entry: Entry | None) -> None:
        text = None if entry is None else keys.as_text(entry, self._problems, "1")
        if text is not None and text.value != "1":
            self._problems.add(
                "K06",
                text.place,
                f"This hub does not know version {text.value} of the rules language.",
                "Write:  version: 1",
            )

    def _facts(self, entries: Mapping[str, Entry]) -> None:
        parts = self._parts
        if "shop" in entries:
            parts.shop = self._sections.shop(entries["shop"])
        if "accounts" in entries:
            parts.accounts = self._sections.accounts(entries["accounts"])
        if "defaults" in entries:
            parts.defaults = self._sections.defaults(entries["defaults"], self._actions)
        if "connections" in entries:
            example = "slack:  and below it  token: ${SLACK_TOKEN}"
            node = keys.as_map(entries["connections"].value, "connections:", example, self._problems)
            if node is not None:
                parts.connections = ConnectionReader(self._actions, self._environment, self._problems).read(node)

    def _shared_parts(self, entries: Mapping[str, Entry]) -> None:
        """What included files may hold too."""
        if "lists" in entries:
            self._once("list", entries["lists"])
            self._parts.lists |= self._sections.lists(entries["lists"])
        if "texts" in entries:
            self._once("text", entries["texts"])
            self._parts.texts |= self._sections.texts(entries["texts"])
        if "rules" in entries:
            self._parts.rules += self._list_of_rules(entries["rules"])

    def _once(self, kind: str, entry: Entry) -> None:
        """A list or text that two files name is a mistake."""
        for one in entry.value.entries if isinstance(entry.value, Map) else ():
            place = one.key.place
            first = self._parts.first.setdefault((kind, one.key.value), place)
            if first is not place:
                message = (
                    f"Two {kind}s are called “{one.key.value}” (the other is on line {first.line} of {first.file})."
                )
                self._problems.add("K04", place, message, "Give each its own name.")

    def _list_of_rules(self, entry: Entry) -> list[Node]:
        node = entry.value
        if isinstance(node, Items):
            for one in node.nodes:
                if not isinstance(one, Map):
                    self._problems.add(
                        "K03",
                        one.place,
                        "A rule needs settings: name, when and do.",
                        "Start every rule with  - name: …",
                    )
            return self._without_repeated_names(node.nodes)
        place = entry.key.place if isinstance(node, Text) and node.is_empty else node.place
        hint = "Start every rule with  - name: …"
        message = (
            "There are no rules below “rules:”."
            if place is entry.key.place
            else "rules: must be a list; each rule starts with “- ”."
        )
        self._problems.add("K05", place, message, hint)
        return []

    def _without_repeated_names(self, nodes: Sequence[Node]) -> list[Node]:
        """A ``- name:`` line that was typed twice is one mistake, not a rule without steps and a second of its name."""
        kept = list(nodes[-1:])
        for node, following in zip(nodes[-2::-1], nodes[:0:-1], strict=True):
            if _is_only_a_name(node, following):
                self._problems.add("K04", node.place, "This line is there twice.", "Delete one of them.")
            else:
                kept.insert(0, node)
        return kept

    # --- Includes ---

    def _include(self, text: Text, folder: Path | None) -> None:
        name = text.value
        if name in self._documents:
            self._problems.add("K04", text.place, f"“{name}” is included twice.", "Remove one of the lines.")
            return
        content = self._content(text, folder)
        if content is None:
            return
        document = self._document(name, content)
        if not isinstance(document.root, Map):
            self._no_settings(document)
            return
        entries = keys.known(document.root, "An included file", _INCLUDED_KEYS, self._problems)
        self._shared_parts(entries)

    def _content(self, text: Text, folder: Path | None) -> bytes | None:
        if self._given is not None:
            found = self._given.get(text.value)
            if found is None:
                self._problems.add("K06", text.place, f"The file “{text.value}” is not there.", "Correct the name.")
            return found
        assert folder is not None
        try:
            return (folder / text.value).read_bytes()
        except OSError as error:
            beside = (
                [one.name for one in (folder / text.value).parent.glob("*.yaml")]
                if (folder / text.value).parent.is_dir()
                else []
            )
            close = suggest.by_spelling(Path(text.value).name, beside)
            reason = "is not there" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
            hint = (
                f"Did you mean “{Path(text.value).with_name(close).as_posix()}”?"
                if close
                else "Names are relative to this file."
            )
            self._problems.add("K06", text.place, f"The file “{text.value}” {reason}.", hint)
            return None

    # --- Rules ---

    def _rules(self) -> list[Rule]:
        parts = self._parts
        lines = {name: document.lines for name, document in self._documents.items()}
        workshop = Workshop(parts.shop, Printer(parts.shop), self._problems, lines, parts.lists)
        flaws = self._flaws()
        shared = rules.Shared(
            workshop, self._actions, parts.connections, parts.texts, parts.defaults, parts.accounts, flaws
        )
        found = [rules.RuleReader(shared, node).read() for node in parts.rules if isinstance(node, Map)]
        lint(found, self._problems)
        for document in self._documents.values():
            document.flaws[:] = [flaw for flaw in document.flaws if flaw in flaws]
        workshop.check_unused(parts.texts)
        return found

    def _ruleset(self, loaded: list[Rule]) -> RuleSet:
        files = {name: document.text for name, document in self._documents.items()}
        parts = self._parts
        return RuleSet(
            digest=digest(files),
            files=files,
            shop=parts.shop,
            connections=parts.connections,
            rules=tuple(loaded),
            accounts={account: name for name, account in parts.accounts.items()},
        )


def _is_only_a_name(node: Node, following: Node) -> bool:
    if not isinstance(node, Map) or not isinstance(following, Map) or len(node.entries) != 1:
        return False
    name, other = node.get("name"), following.get("name")
    return isinstance(name, Text) and isinstance(other, Text) and name.value == other.value


def digest(files: Mapping[str, str]) -> str:
    """SHA-256 over names and texts, in hex."""
    total = hashlib.sha256()
    for name, text in files.items():
        for part in (name, text):
            # Lengths first: no two different sets of files look the same.
            encoded = part.encode("utf-8", "surrogatepass")
            total.update(f"{len(encoded)}:".encode())
            total.update(encoded)
    return total.hexdigest()
