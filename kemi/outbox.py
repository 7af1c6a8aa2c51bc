"""SIP requests of the controller's own on their way into the switch (``controller.cfg``).

Each is a complete request, sent to the switch's loopback socket. Its end comes back as the fact ``result``. Until then
it is repeated a few times: the datagram may have been lost, and the switch sends a request once however often it comes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from kemi.calls.effects import SendRequest
from kemi.facts import Result

REPEAT = 0.5
"""Seconds until a request is repeated; twice as long each further time (RFC 3261 §17.1.2.2)."""

REPEATS = 3

PATIENCE = 40.0
"""Seconds after which no result will come: the switch itself gives an endpoint 32."""


class End(StrEnum):
    """How a request ended."""

    DONE = "done"
    """The endpoint agreed, or its dialog was over already."""
    FAILED = "failed"
    """The endpoint refused or was silent."""
    UNKNOWN = "unknown"
    """There is no such request, or not any more."""


@dataclass(slots=True)
class _Sent:
    text: str
    next: float
    repeats: int
    deadline: float


class Outbox:
    """Requests under way. Times are monotonic."""

    def __init__(self, send: Callable[[str], None], port: int, secret: str) -> None:
        """``send`` hands a datagram to the switch's socket on loopback ``port``; ``secret`` proves who sends."""
        self._send = send
        self._port = port
        self._secret = secret
        self._number = 0
        self._sent: dict[tuple[str, str], _Sent] = {}

    def __len__(self) -> int:
        return len(self._sent)

    def send(self, request: SendRequest, now: float) -> None:
        """Sends a request in the dialog of its leg."""
        self._number += 1
        text = _text(request, self._port, self._secret, self._number)
        self._sent[request.leg, request.method] = _Sent(text, now + REPEAT, 0, now + PATIENCE)
        self._send(text)

    def ended(self, result: Result) -> End:
        """The switch tells how a request ended. 481 is as good as 200: the dialog is gone (RFC 3261 §15.1.1)."""
        if self._sent.pop((result.leg, result.method), None) is None:
            return End.UNKNOWN
        return End.DONE if 200 <= result.code < 300 or result.code == 481 else End.FAILED

    def look(self, now: float) -> int:
        """Repeats what is due; the number of requests that are given up, as no result came."""
        lost = [key for key, sent in self._sent.items() if now >= sent.deadline]
        for key in lost:
            del self._sent[key]
        for sent in self._sent.values():
            if sent.repeats < REPEATS and now >= sent.next:
                sent.repeats += 1
                sent.next = now + REPEAT * 2**sent.repeats
                self._send(sent.text)
        return len(lost)


def _text(request: SendRequest, port: int, secret: str, number: int) -> str:
    """What the dialog owns is put in by the switch, which knows it; the To tag names the leg."""
    lines = [
        f"{request.method} sip:{request.leg}@127.0.0.1 SIP/2.0",
        f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK-{request.leg}-{number}",
        "From: <sip:controller@127.0.0.1>;tag=controller",
        f"To: <sip:{request.leg}@127.0.0.1>;tag={request.leg}",
        f"Call-ID: controller-{number}",
        f"CSeq: 1 {request.method}",
        "Max-Forwards: 70",
        f"X-Kamcti-Secret: {secret}",
        *(f"{name}: {value}" for name, value in request.headers),
        "Content-Length: 0",
    ]
    return "\r\n".join(lines) + "\r\n\r\n"
