"""Finding orders by the beginnings of words: each database's own word index, given the same words.

SQLite has FTS5 (https://www.sqlite.org/fts5.html), PostgreSQL ``tsvector``. Both get words that were cut here, so that
they agree on what a word is: letters and digits, small, without accents. An id (``cs_test_a1b2``) is one word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Connection

#: Of one order at most so many words of so many characters count: a buyer's name may have 10 kB.
_MOST_WORDS = 80
_LONGEST = 80
#: Of a question.
_MOST_ASKED = 8
_AMOUNT = re.compile(r"(?<![\w.,])(\d{1,12})[.,](\d{2,3})(?![\w.,])")
_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """The different words of a text; ``49.00`` is the word ``4900``, an e-mail address is one word and its parts."""
    plain = _plain(text)
    whole = [_joined(one) for one in _EMAIL.findall(plain)]
    return _different([*whole, *_cut(plain)], _MOST_WORDS)


def asked_words(question: str) -> list[str]:
    """The different words that are looked for; of an e-mail address not its parts: half of all orders have some."""
    plain = _plain(question)
    whole = [_joined(one) for one in _EMAIL.findall(plain)]
    return _different([*whole, *_cut(_EMAIL.sub(" ", plain))], _MOST_ASKED)


def _plain(text: str) -> str:
    """Small letters without accents."""
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one)).lower()


def _joined(text: str) -> str:
    return "".join(_WORD.findall(text)).replace("_", "")


def _cut(plain: str) -> Iterator[str]:
    return (_joined(one) for one in _WORD.findall(_AMOUNT.sub(r"\1\2", plain)))


def _different(found: Iterable[str], most: int) -> list[str]:
    return list(dict.fromkeys(one[:_LONGEST] for one in found if one))[:most]


def index(connection: Connection, texts: Mapping[int, Iterable[str]]) -> None:
    """Makes orders, by number, findable by these texts, in place of those of before."""
    found = {number: words(" ".join(parts)) for number, parts in texts.items()}
    if not found:
        return
    if connection.dialect.name == "sqlite":
        rows = [(number, " ".join(cut)) for number, cut in found.items()]
        connection.exec_driver_sql("INSERT OR REPLACE INTO order_search (rowid, words) VALUES (?, ?)", rows)
    else:
        connection.execute(_PUT, [{"number": number, "words": cut} for number, cut in found.items()])


_PUT = sa.text(
    "INSERT INTO order_search (number, words) VALUES (:number, array_to_tsvector(CAST(:words AS text[])))"
    " ON CONFLICT (number) DO UPDATE SET words = excluded.words"
)


def matches(dialect: str, asked: str, before: int | None, most: int) -> sa.Select[int] | None:
    """The numbers of the newest ``most`` orders (below ``before``) of which some word begins with each word asked for.

    None: the question has no words.
    """
    wanted = asked_words(asked)
    if not wanted:
        return None
    if dialect == "sqlite":
        number, condition = _ROWID, "order_search MATCH :asked"
        # Quoted, so that nothing in a question is FTS5's own syntax.
        found = " AND ".join(f'"{one}"*' for one in wanted)
    else:
        number, condition = _NUMBER, "words @@ CAST(:asked AS tsquery)"
        found = " & ".join(f"'{one}':*" for one in wanted)
    statement = sa.select(number).select_from(_TABLE).where(sa.text(condition).bindparams(asked=found))
    if before is not None:
        statement = statement.where(number < before)
    return statement.order_by(number.desc()).limit(most)


_TABLE = sa.table("order_search")
_ROWID, _NUMBER = sa.column("rowid", sa.BigInteger), sa.column("number", sa.BigInteger)
