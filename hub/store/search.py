"""Finding orders and subscriptions by the beginnings of words: each database's own word index, given the same words.

SQLite has FTS5 (https://www.sqlite.org/fts5.html), PostgreSQL ``tsvector``. Both get words that were cut here, so that
they agree on what a word is: letters and digits, small, without accents. An id (``cs_test_a1b2``) is one word.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

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


#: The indexes, by the table's name.
ORDERS, SUBSCRIPTIONS = "order_search", "subscription_search"


def index(connection: Connection, texts: Mapping[int, Iterable[str]], table: str = ORDERS) -> None:
    """Makes what has these numbers findable by these texts, in place of those of before."""
    found = {number: words(" ".join(parts)) for number, parts in texts.items()}
    if not found:
        return
    if connection.dialect.name == "sqlite":
        rows = [(number, " ".join(cut)) for number, cut in found.items()]
        connection.exec_driver_sql(f"INSERT OR REPLACE INTO {table} (rowid, words) VALUES (?, ?)", rows)
    else:
        connection.execute(_put(table), [{"number": number, "words": cut} for number, cut in found.items()])


@cache
def _put(table: str) -> sa.TextClause:
    return sa.text(
        f"INSERT INTO {table} (number, words) VALUES (:number, array_to_tsvector(CAST(:words AS text[])))"
        " ON CONFLICT (number) DO UPDATE SET words = excluded.words"
    )


def matches(dialect: str, asked: str, before: int | None, most: int, table: str = ORDERS) -> sa.Select[int] | None:
    """The newest ``most`` numbers (below ``before``) of which some word begins with each word asked for.

    None: the question has no words.
    """
    wanted = asked_words(asked)
    if not wanted:
        return None
    if dialect == "sqlite":
        number, condition = _ROWID, f"{table} MATCH :asked"
        # Quoted, so that nothing in a question is FTS5's own syntax.
        found = " AND ".join(f'"{one}"*' for one in wanted)
    else:
        number, condition = _NUMBER, "words @@ CAST(:asked AS tsquery)"
        found = " & ".join(f"'{one}':*" for one in wanted)
    statement = sa.select(number).select_from(sa.table(table)).where(sa.text(condition).bindparams(asked=found))
    if before is not None:
        statement = statement.where(number < before)
    return statement.order_by(number.desc()).limit(most)


_ROWID, _NUMBER = sa.column("rowid", sa.BigInteger), sa.column("number", sa.BigInteger)

#: Of what a question finds, so many are looked through at a time for those that the filter lets pass. Few at first: a
#: word that half of all have should cost no more than a rare one.
_LOOKED_THROUGH = (400, 20_000)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to an index, "" for everything; ``before``: the number to go on below."""

    table: str
    question: str
    before: int | None


def page(
    connection: Connection, statement: sa.Select[Any], number: sa.Column[Any], asked: Asked, limit: int
) -> tuple[Sequence[Any], int | None]:
    """Up to ``limit`` rows of a statement that match, newest first, and the number that the next page goes on below.

    Of a question that finds very many, perhaps fewer on a page that is not the last.
    """
    statement = statement.order_by(number.desc()).limit(limit + 1)
    if not asked.question:
        if asked.before is not None:
            statement = statement.where(number < asked.before)
        return _up_to(limit, connection.execute(statement).all())
    rows: Sequence[Any] = []
    last: int | None = None
    for most in _LOOKED_THROUGH:
        found = matches(connection.dialect.name, asked.question, asked.before, most, asked.table)
        if found is None:
            return [], None
        rows = connection.execute(statement.where(number.in_(found))).all()
        if len(rows) > limit:
            return _up_to(limit, rows)
        looked = found.subquery()
        count, last = connection.execute(sa.select(sa.func.count(), sa.func.min(looked.c[0]))).one()
        if count < most:
            return rows, None
    return rows, last


def _up_to(limit: int, rows: Sequence[Any]) -> tuple[Sequence[Any], int | None]:
    return rows[:limit], rows[limit - 1].number if len(rows) > limit else None
