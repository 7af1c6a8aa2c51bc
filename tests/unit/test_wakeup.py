"""Sleeping and being woken, over real sockets."""

import os
import threading
import time
from collections.abc import Iterator

import pytest

from kemi.wakeup import Poke, Waiter
from tests.kit.in_memory import MemoryShared
from tests.kit.processes import wait_for

LONG = 10.0


@pytest.fixture
def shared() -> MemoryShared:
    return MemoryShared()


@pytest.fixture
def waiter(shared: MemoryShared) -> Iterator[Waiter]:
    made = Waiter("journal", shared)
    yield made
    made.close()


def never() -> bool:
    return False


def test_a_sleeper_is_poked(waiter: Waiter, shared: MemoryShared) -> None:
    poke = Poke("journal", shared)

    def wake() -> None:
        wait_for(lambda: shared.get("journal_asleep") == 1, "it is asleep")
        poke()

    other = threading.Thread(target=wake)
    other.start()
    began = time.monotonic()
    waiter.sleep(LONG, never)
    assert time.monotonic() - began < LONG / 2
    assert shared.get("journal_asleep") == 0
    other.join()
    poke.close()


def test_a_sleep_is_bounded(waiter: Waiter) -> None:
    began = time.monotonic()
    waiter.sleep(0.05, never)
    assert 0.04 < time.monotonic() - began < LONG / 2


def test_work_that_came_before_anybody_knew_is_found(waiter: Waiter, shared: MemoryShared) -> None:
    seen: list[object] = []

    def look() -> bool:
        seen.append(shared.get("journal_asleep"))
        return True

    began = time.monotonic()
    waiter.sleep(LONG, look)
    assert time.monotonic() - began < LONG / 2
    assert seen == [1]
    assert shared.get("journal_asleep") == 0


def test_nobody_is_left_asleep_by_an_error(waiter: Waiter, shared: MemoryShared) -> None:
    def look() -> bool:
        raise ValueError("a fault")

    with pytest.raises(ValueError, match="a fault"):
        waiter.sleep(LONG, look)
    assert shared.get("journal_asleep") == 0


@pytest.mark.parametrize("how", ["sleep", "watch"])
def test_another_file_descriptor_ends_the_wait(waiter: Waiter, how: str) -> None:
    reader, writer = os.pipe()
    try:
        os.write(writer, b"x")
        began = time.monotonic()
        if how == "sleep":
            waiter.sleep(LONG, never, [reader])
        else:
            waiter.watch(LONG, [reader])
        assert time.monotonic() - began < LONG / 2
    finally:
        os.close(reader)
        os.close(writer)


def test_who_is_awake_is_not_poked(waiter: Waiter, shared: MemoryShared) -> None:
    socket = waiter.open()
    poke = Poke("journal", shared)
    poke()
    shared.set("journal_asleep", 1)
    poke()
    assert socket.recv(64)
    with pytest.raises(BlockingIOError):
        socket.recv(64)
    poke.close()


def test_one_poke_ends_one_sleep(waiter: Waiter, shared: MemoryShared) -> None:
    waiter.open()
    poke = Poke("journal", shared)
    shared.set("journal_asleep", 1)
    for _ in range(5):
        poke()
    waiter.sleep(LONG, never)
    began = time.monotonic()
    waiter.sleep(0.05, never)
    assert time.monotonic() - began > 0.04
    poke.close()


def test_a_poke_to_nobody_is_lost_in_silence(shared: MemoryShared) -> None:
    poke = Poke("journal", shared)
    poke()
    shared.set("journal_asleep", 1)
    poke()  # no port
    shared.set("journal_port", 1)
    poke()
    poke()
    poke.close()


def test_a_signal_handler_ends_the_own_sleep(waiter: Waiter) -> None:
    waiter.poke_self()  # nothing is open
    waiter.open()
    waiter.poke_self()
    began = time.monotonic()
    waiter.sleep(LONG, never)
    assert time.monotonic() - began < LONG / 2


def test_the_port_is_opened_once(waiter: Waiter, shared: MemoryShared) -> None:
    first = waiter.open()
    assert waiter.open() is first
    assert shared.get("journal_port") == first.getsockname()[1]
