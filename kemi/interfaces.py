"""What the processes inside Kamailio need of the world around them. ``kemi.ksr`` has the real ones."""

from collections.abc import Callable
from typing import Protocol


class Queue(Protocol):
    """First in, first out, between processes."""

    def put(self, key: str, body: str) -> None: ...

    def get(self) -> tuple[str, str] | None:
        """The oldest entry, taken out; ``None`` when there is none."""
        ...


class Table(Protocol):
    """Texts by key, seen by every process."""

    def set(self, key: str, value: str) -> None: ...


class Shared(Protocol):
    """Single values that every process sees."""

    def get(self, name: str) -> int | str | None: ...

    def set(self, name: str, value: int | str) -> None: ...


class Log(Protocol):
    """One line a call, ``key=value``."""

    def debug(self, text: str) -> None: ...

    def info(self, text: str) -> None: ...

    def warning(self, text: str) -> None: ...

    def error(self, text: str) -> None: ...


Clock = Callable[[], float]
"""Unix time in seconds, or monotonic time; the parameter's name says which."""
