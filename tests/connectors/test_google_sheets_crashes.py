"""The hub is killed in the middle of its calls to Google: no row is lost, none is written twice."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from hub.clock import ManualClock
from hub.testing.faults import Fault
from hub.testing.google_book import Book
from hub.testing.google_calls import Call
from hub.testing.google_sheets import GoogleSheets as Fake
from tests.connectors.google import again, column, connect, orders_to_add, settle


@pytest.fixture
def book(google: Fake) -> Book:
    found = google.new_book()
    found.add_tab("Orders", ["Order", "Customer"])
    return found


def hub_process(google: Fake, book: Book, first: int, done: int) -> int:
    """A process that writes a batch of three orders after the other, from number ``first``; says so at ``done``."""
    child = os.fork()
    if child == 0:
        connection, clock = connect(google, book, timeout="5 seconds"), ManualClock()
        for batch in range(first, 10_000):
            wanted = orders_to_add(batch, *range(batch * 3, batch * 3 + 3))
            settle(connection, again(wanted) if batch == first else wanted, clock)
            os.write(done, b".")
        os._exit(1)
    return child


@pytest.mark.parametrize("calls", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("arrives", [True, False])
def test_a_batch_under_way_is_written_once_wherever_the_hub_dies(
    google: Fake, book: Book, calls: int, arrives: bool
) -> None:
    reading, writing = os.pipe()
    counted = 0
    child = 0

    def kill(_call: Call) -> Fault:
        nonlocal counted
        counted += 1
        if counted < calls:
            return Fault.NONE
        os.kill(child, signal.SIGKILL)
        return Fault.NONE if arrives else Fault.BEFORE

    google.plan = kill
    child = hub_process(google, book, 0, writing)
    os.close(writing)
    os.waitpid(child, 0)
    google.plan = lambda _call: Fault.NONE
    with os.fdopen(reading, "rb") as finished:
        done = len(finished.read())
    connection = connect(google, book)
    settle(connection, again(orders_to_add(done, *range(done * 3, done * 3 + 3))), ManualClock())
    connection.close()
    assert column(book.rows("Orders"), "Order") == list(range(done * 3 + 3))


def test_a_hub_that_is_killed_again_and_again_writes_every_order_once(google: Fake, book: Book) -> None:
    google.quota = 1_000_000
    faults = [Fault.BEFORE, Fault.AFTER, Fault.DROP]
    luck = random.Random(7)
    google.plan = lambda call: luck.choice(faults) if call.writes and luck.random() < 0.15 else Fault.NONE
    done = 0
    for _ in range(10):
        reading, writing = os.pipe()
        child = hub_process(google, book, done, writing)
        os.close(writing)
        os.read(reading, 1)
        time.sleep(luck.random() / 10)  # the moment of the kill, not a wait for something
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(reading, "rb") as finished:
            done += 1 + len(finished.read())
    connection = connect(google, book)
    settle(connection, again(orders_to_add(done, *range(done * 3, done * 3 + 3))), ManualClock())
    connection.close()
    assert column(book.rows("Orders"), "Order") == list(range(done * 3 + 3))
    assert done > 10
