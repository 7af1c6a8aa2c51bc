"""Queues, tables and shared variables of one process: what ``kemi.ksr`` gives inside Kamailio."""

from collections import deque


class MemoryQueue:
    def __init__(self) -> None:
        self.entries: deque[tuple[str, str]] = deque()

    def put(self, key: str, body: str) -> None:
        self.entries.append((key, body))

    def get(self) -> tuple[str, str] | None:
        return self.entries.popleft() if self.entries else None


class MemoryTable:
    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def set(self, key: str, value: str) -> None:
        self.values[key] = value


class MemoryShared:
    def __init__(self) -> None:
        self.values: dict[str, int | str] = {}

    def get(self, name: str) -> int | str | None:
        return self.values.get(name)

    def set(self, name: str, value: int | str) -> None:
        self.values[name] = value


class MemoryLog:
    """Keeps what was said, for a person who reads a failure."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def debug(self, text: str) -> None:
        self.lines.append(f"debug {text}")

    def info(self, text: str) -> None:
        self.lines.append(f"info {text}")

    def warning(self, text: str) -> None:
        self.lines.append(f"warning {text}")

    def error(self, text: str) -> None:
        self.lines.append(f"error {text}")
