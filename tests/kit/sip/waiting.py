"""Waiting for messages.

A box that one thread fills and another takes from by condition, and what is raised in vain.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds that a wait lasts unless the test says otherwise."""


class SipTimeout(AssertionError):
    """What was expected did not come in time; the text holds the message ladder."""


class UnexpectedMessage(AssertionError):
    """Something came that rules out what was expected; the text holds the message ladder."""


class Box(Generic[T]):
    """Items in order of arrival. Takers may pick the first item that fits and leave the others."""

    def __init__(self) -> None:
        self._items: list[T] = []
        self._changed = threading.Condition()

    def put(self, item: T) -> None:
        """Add an item and wake those who wait."""
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()

    def take(self, fits: Callable[[T], bool], timeout: float) -> T | None:
        """The first item that fits, removed; None when none came within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                for position, item in enumerate(self._items):
                    if fits(item):
                        return self._items.pop(position)
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)

    def wake(self) -> None:
        """Let those who wait look again (something their condition depends on has changed)."""
        with self._changed:
            self._changed.notify_all()

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> bool:
        """True as soon as `condition` holds.

        It is asked after every change. False after `timeout` seconds.
        """
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    def peek(self) -> list[T]:
        """The items that nobody has taken."""
        with self._changed:
            return list(self._items)
