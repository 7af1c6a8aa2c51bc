"""Lines out of a byte stream, with a limit: how messages are told apart over TCP.

No I/O here; gateway and client feed it what their sockets give.
"""

from dataclasses import dataclass

from tlib.codec import MAX_MESSAGE


@dataclass(frozen=True, slots=True)
class TooLong:
    """Stands for a line of more than ``limit`` bytes; what it contained is gone."""

    limit: int


class LineBuffer:
    """Cuts bytes into lines. A line longer than ``limit`` bytes (without the newline) becomes one ``TooLong``.

    However the bytes are split into ``feed`` calls, the same lines come out. Memory stays within the limit plus
    what one ``feed`` brought.
    """

    def __init__(self, limit: int = MAX_MESSAGE) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._start = 0  # of the next line
        self._scanned = 0  # no newline between the two
        self._discarding = False

    def feed(self, data: bytes) -> None:
        """More bytes of the stream."""
        self._buffer += data

    def next_line(self) -> bytes | TooLong | None:
        """The next line without its newline (and without a carriage return before it), or ``None``: not there yet."""
        while True:
            end = self._buffer.find(b"\n", self._scanned)
            if end < 0:
                return self._incomplete()
            line = bytes(self._buffer[self._start : end])
            self._start = self._scanned = end + 1
            if self._discarding:
                self._discarding = False
            elif len(line) > self._limit:
                return TooLong(self._limit)
            else:
                return line.removesuffix(b"\r")

    def _incomplete(self) -> TooLong | None:
        if self._discarding:
            self._buffer.clear()
            self._start = self._scanned = 0
            return None
        if self._start:
            del self._buffer[: self._start]
            self._start = 0
        self._scanned = len(self._buffer)
        if self._scanned > self._limit:
            self._buffer.clear()
            self._scanned = 0
            self._discarding = True
            return TooLong(self._limit)
        return None

    @property
    def pending(self) -> int:
        """Bytes that have come and are in no line yet."""
        return len(self._buffer) - self._start
