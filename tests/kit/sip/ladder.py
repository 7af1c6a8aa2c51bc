"""The message ladder.

Who sent what to whom, when; printed when a wait fails and read by the dialog checks.
"""

from __future__ import annotations

import enum
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.kit.sip.message import Message, Request, Response


class Way(enum.Enum):
    """The direction of a message, seen from the endpoint that recorded it."""

    SENT = "-->"
    RECEIVED = "<--"
    LOST = "x--"


@dataclass(frozen=True, slots=True)
class Entry:
    """One message at one endpoint. `message` is None when the bytes were no SIP message."""

    at: float
    endpoint: str
    way: Way
    remote: str
    message: Request | Response | None
    raw: bytes
    again: bool
    note: str = ""

    def line(self, start: float) -> str:
        """The entry as one line, with seconds since `start`."""
        return (
            f"{self.at - start:8.3f}  {self.endpoint:<10} {self.way.value} {self.remote:<24} "
            f"{_summary(self.message, self.raw)}{'  (again)' if self.again else ''}"
            f"{'  ' + self.note if self.note else ''}"
        )


def _summary(message: Request | Response | None, raw: bytes) -> str:
    if message is None:
        return f"{len(raw)} bytes that are no SIP message: {raw[:60]!r}"
    head = message.start_line.removesuffix(" SIP/2.0").removeprefix("SIP/2.0 ")
    cseq = message.get("CSeq") or "no CSeq"
    call_id = message.get("Call-ID") or "no Call-ID"
    return f"{head:<44} [{cseq}] {call_id[:28]}{_body(message)}"


def _body(message: Message) -> str:
    if not message.body:
        return ""
    sdp = message.sdp
    if sdp is None:
        return f" +{message.get('Content-Type') or 'body without a type'}"
    try:
        origin = sdp.origin
        return f" +SDP {origin.session_id}/{origin.version} {sdp.address}:{sdp.audio.port} {sdp.direction.value}"
    except (AssertionError, ValueError, IndexError):
        return " +SDP"


@dataclass(slots=True)
class Ladder:
    """A thread-safe record of messages.

    Several endpoints may share one, to see a whole call in one picture.
    """

    entries: list[Entry] = field(default_factory=list)
    start: float = field(default_factory=time.monotonic)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def record(
        self,
        endpoint: str,
        way: Way,
        remote: str,
        message: Request | Response | None,
        raw: bytes,
        *,
        again: bool = False,
        note: str = "",
    ) -> None:
        """Add one message. `again` marks a retransmission."""
        entry = Entry(time.monotonic(), endpoint, way, remote, message, raw, again, note)
        with self._changed:
            self.entries.append(entry)
            self._changed.notify_all()

    def snapshot(self) -> list[Entry]:
        """The entries so far."""
        with self._changed:
            return list(self.entries)

    def wait_for(self, fits: Callable[[Entry], bool], timeout: float) -> Entry | None:
        """The first entry that fits, as soon as it is there; None after `timeout` seconds."""
        deadline = time.monotonic() + timeout
        looked_at = 0
        with self._changed:
            while True:
                for entry in self.entries[looked_at:]:
                    if fits(entry):
                        return entry
                looked_at = len(self.entries)
                left = deadline - time.monotonic()
                if left <= 0:
                    return None
                self._changed.wait(left)

    def __str__(self) -> str:
        entries = self.snapshot()
        if not entries:
            return "(no message was sent or received)"
        return "\n".join(entry.line(self.start) for entry in entries)
