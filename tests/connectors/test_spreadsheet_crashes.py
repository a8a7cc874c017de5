"""The hub is killed at every point of writing a local spreadsheet: no row is lost, none is written twice."""

from __future__ import annotations

import csv
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.spreadsheet import AddRow, UpdateRow
from connectors.table import RowUpdated
from connectors.table import UpdateRow as Update
from hub.connector import CANNOT_TELL, NOT_APPLIED, Batch, Delivery, Result
from tests.connectors.dying import AFTER, BEFORE, HALF, survives
from tests.connectors.spreadsheets import (
    add,
    column,
    connect,
    csv_rows,
    key,
    orders_to_add,
    rows_to_add,
    xlsx_rows,
)

BATCH = 7
OLD, NEW = [1, 2, 3], [1042, 1043, 1044]


def read(path: Path) -> list[list[Any]]:
    return csv_rows(path) if path.suffix == ".csv" else xlsx_rows(path)


def orders(path: Path) -> list[int]:
    return [int(value) for value in column(read(path), "Order")]


def deliver_again(folder: Path, file: str, batch: Batch[Any]) -> list[object]:
    """What the hub does with a batch that may have been written: looks it up, and writes what was not."""
    connection = connect(folder, file)
    answers = AddRow().lookup(connection, batch)
    missing = [one for one, answer in zip(batch.deliveries, answers, strict=True) if answer is NOT_APPLIED]
    if missing:
        outcomes = AddRow().run(connection, Batch(batch.id, missing, repeated=True))
        assert all(isinstance(one, Result) for one in outcomes)
    return list(answers)


def every_death(start: Callable[[], Path], work: Callable[[Path], object]) -> Iterator[Path]:
    """A folder per point at which the work can be interrupted, in the state in which it was left."""
    for death in (BEFORE, AFTER, HALF):
        for calls in range(1, 60):
            folder = start()
            if survives(lambda folder=folder: work(folder), calls=calls, death=death):  # type: ignore[misc]
                assert calls > 3, "nothing was interrupted"
                break
            yield folder


@pytest.fixture
def fresh(tmp_path: Path) -> Callable[[], Path]:
    """A new, empty data folder each time."""
    numbers = iter(range(1000))

    def folder() -> Path:
        made = tmp_path / str(next(numbers))
        made.mkdir()
        return made

    return folder


@pytest.mark.parametrize("file", ["orders.csv", "orders.xlsx"])
@pytest.mark.parametrize("there", [[], OLD])
def test_rows_are_added_once_wherever_the_hub_dies(fresh: Callable[[], Path], file: str, there: list[int]) -> None:
    def start() -> Path:
        folder = fresh()
        if there:
            add(connect(folder, file), orders_to_add(1, *there))
        return folder

    for folder in every_death(start, lambda folder: add(connect(folder, file), orders_to_add(BATCH, *NEW))):
        answers = deliver_again(folder, file, orders_to_add(BATCH, *NEW))
        assert CANNOT_TELL not in answers
        assert orders(folder / file) == there + NEW
        add(connect(folder, file), orders_to_add(BATCH + 1, 9))
        assert orders(folder / file) == [*there, *NEW, 9]


@pytest.mark.parametrize("file", ["orders.csv", "orders.xlsx"])
def test_a_new_column_and_its_rows_survive_a_death(fresh: Callable[[], Path], file: str) -> None:
    def start() -> Path:
        folder = fresh()
        add(connect(folder, file), orders_to_add(1, *OLD))
        return folder

    batch = rows_to_add(BATCH, {"Order": 1042, "Note": "new"})
    for folder in every_death(start, lambda folder: add(connect(folder, file), batch)):
        deliver_again(folder, file, batch)
        assert read(folder / file)[0] == ["Order", "Customer", "Note"]
        assert orders(folder / file) == [*OLD, 1042]


@pytest.mark.parametrize("file", ["orders.csv", "orders.xlsx"])
def test_a_row_is_changed_wherever_the_hub_dies_and_newer_changes_are_not_undone(
    fresh: Callable[[], Path], file: str
) -> None:
    def start() -> Path:
        folder = fresh()
        add(connect(folder, file), orders_to_add(1, *OLD))
        return folder

    def changed(batch: int, customer: str) -> Batch[Update]:
        params = Update(sheet="Orders", find={"Order": 2}, columns={"Customer": customer})
        return Batch(batch, [Delivery(key(batch), params)])

    def work(folder: Path) -> object:
        return UpdateRow().run(connect(folder, file), changed(BATCH, "Bo"))

    for folder in every_death(start, work):
        connection = connect(folder, file)
        (answer,) = UpdateRow().lookup(connection, changed(BATCH, "Bo"))
        UpdateRow().run(connection, changed(BATCH + 1, "Cy"))
        if answer is not NOT_APPLIED:
            assert answer == RowUpdated(found=True, row_number=3)
            UpdateRow().run(connection, changed(BATCH, "Bo"))
            assert column(read(folder / file), "Customer") == ["Ana Núñez", "Cy", "Ana Núñez"]
        assert orders(folder / file) == OLD
        assert sorted(one.name for one in folder.iterdir()) == [file, "spreadsheets"]


def saved_by_an_office_program(path: Path) -> None:
    """Sorted, everything quoted, other line ends: no byte stays where it was."""
    header, *rest = csv.reader(path.read_text(encoding="utf-8", errors="replace").splitlines())
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([header, *sorted(rest, reverse=True)])


def test_a_file_that_was_sorted_and_saved_after_the_death_never_gets_a_row_twice(fresh: Callable[[], Path]) -> None:
    def start() -> Path:
        folder = fresh()
        add(connect(folder, "orders.csv"), orders_to_add(1, *OLD))
        return folder

    known = 0
    for folder in every_death(start, lambda folder: add(connect(folder, "orders.csv"), orders_to_add(BATCH, *NEW))):
        path = folder / "orders.csv"
        saved_by_an_office_program(path)
        before = sorted(line[0] for line in csv_rows(path)[1:])
        answers = deliver_again(folder, "orders.csv", orders_to_add(BATCH, *NEW))
        if CANNOT_TELL in answers:
            assert sorted(line[0] for line in csv_rows(path)[1:]) == before
        else:
            assert sorted(orders(path)) == OLD + NEW
            known += 1
    assert known > 8


@pytest.mark.parametrize("garbage", [b"", b"\0" * 40, b"1043,An\0\0\0\0\0"])
def test_a_row_that_a_power_cut_left_unfinished_is_cut_off_and_written_again(
    fresh: Callable[[], Path], garbage: bytes
) -> None:
    folder = fresh()
    add(connect(folder, "orders.csv"), orders_to_add(1, *OLD))
    path, intact = folder / "orders.csv", (folder / "orders.csv").read_bytes()
    # Killed before the rows are written (call 3), then the disk shows what it had of them.
    assert not survives(lambda: add(connect(folder, "orders.csv"), orders_to_add(BATCH, 1043)), calls=3, death=BEFORE)
    path.write_bytes(intact + garbage[: len(b"1043,Ana N\xc3\xba\xc3\xb1ez\r\n")])
    assert deliver_again(folder, "orders.csv", orders_to_add(BATCH, 1043)) == [NOT_APPLIED]
    assert orders(path) == [*OLD, 1043]
    assert b"\0" not in path.read_bytes()


def test_a_file_that_was_taken_away_after_the_death_leaves_the_answer_to_a_person(fresh: Callable[[], Path]) -> None:
    folder = fresh()
    add(connect(folder, "orders.csv"), orders_to_add(1, *OLD))
    assert not survives(lambda: add(connect(folder, "orders.csv"), orders_to_add(BATCH, 1042)), calls=4, death=AFTER)
    (folder / "orders.csv").rename(folder / "archive.csv")
    assert deliver_again(folder, "orders.csv", orders_to_add(BATCH, 1042)) == [CANNOT_TELL]


def test_a_worker_that_was_thought_dead_does_not_write_its_batch_a_second_time(fresh: Callable[[], Path]) -> None:
    folder = fresh()
    child = os.fork()
    if child == 0:
        connection = connect(folder, "orders.csv")
        os.kill(os.getpid(), signal.SIGSTOP)
        add(connection, orders_to_add(BATCH, *NEW))
        os._exit(0)
    os.waitpid(child, os.WUNTRACED)
    deliver_again(folder, "orders.csv", orders_to_add(BATCH, *NEW))
    os.kill(child, signal.SIGCONT)
    assert os.waitpid(child, 0)[1] == 0
    assert orders(folder / "orders.csv") == NEW


@pytest.mark.parametrize(("file", "batches"), [("orders.csv", 120), ("orders.xlsx", 12)])
def test_several_processes_write_one_file(fresh: Callable[[], Path], file: str, batches: int) -> None:
    folder, processes = fresh(), 3
    children = []
    for process in range(processes):
        child = os.fork()
        if child == 0:
            connection = connect(folder, file)
            for number in range(process, batches, processes):
                (added,) = add(connection, orders_to_add(number + 1, number))
                if not isinstance(added, Result):
                    os._exit(1)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * processes
    assert sorted(orders(folder / file)) == list(range(batches))
    for number in (0, batches - 1):
        (answer,) = AddRow().lookup(connect(folder, file), orders_to_add(number + 1, number))
        if answer is not CANNOT_TELL:
            assert orders(folder / file)[answer.row_number - 2] == number  # type: ignore[union-attr]


def test_a_hub_that_is_killed_again_and_again_writes_every_order_once(fresh: Callable[[], Path]) -> None:
    folder, rounds, per_batch = fresh(), 12, 4
    luck = random.Random(7)
    done = 0
    for _ in range(rounds):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            connection = connect(folder, "orders.csv")
            for batch in range(done, 100_000):
                wanted = orders_to_add(batch + 1, *range(batch * per_batch, (batch + 1) * per_batch))
                known = AddRow().lookup(connection, wanted) if batch == done else [NOT_APPLIED]
                if NOT_APPLIED in known:
                    add(connection, wanted)
                os.write(writing, b".")
            os._exit(1)
        os.close(writing)
        os.read(reading, 1)
        time.sleep(luck.random() / 50)  # the moment of the kill, not a wait for something
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(reading, "rb") as finished:
            done += 1 + len(finished.read())
    deliver_again(folder, "orders.csv", orders_to_add(done + 1, *range(done * per_batch, (done + 1) * per_batch)))
    assert orders(folder / "orders.csv") == list(range((done + 1) * per_batch))
    assert done > rounds
