"""One case of the corpus: the bytes, where they mirror RFC 4475, and what an element has to do with them."""

from __future__ import annotations

import enum
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.kit.sip import Address, Transport


class Outcome(enum.Enum):
    """What an element may do with a message. It must never die, and must serve the next plain request in any case."""

    PROCESSED = "handled like a plain request of its method: any final answer that does not call it malformed"
    REFUSED = "refused with a final answer of 400 or above"
    REFUSED_OR_SILENT = "refused, or dropped without an answer"
    TOLERATED = "processed, refused or dropped: the standard leaves it open, or asks for leniency"
    SILENT = "no answer at all"


@dataclass(frozen=True, slots=True)
class Case:
    """A message with places to fill in, and its outcome.

    `template` holds `@TARGET@` (host:port of the element), `@HOST@` (its host), `@LOCAL@` (host:port of the sender),
    `@TRANSPORT@`, `@USER@` (a dialled number), `@ID@` (new for each message: Call-ID, branch and tag are made of it)
    and `@LENGTH@` (the length of what follows the first empty line). `section` is the section of RFC 4475 that it
    mirrors.
    """

    name: str
    template: bytes
    outcome: Outcome
    section: str | None = None
    datagram_only: bool = False
    """Makes no sense on a stream, whose framing it breaks on purpose."""
    statuses: frozenset[int] = frozenset()
    """Final answers that alone are right; empty: any that the outcome allows."""
    breaks_framing: bool = False
    """On a stream nothing that follows on the same connection can be understood."""

    def render(self, target: Address, local: Address, transport: Transport, user: str = "8000") -> bytes:
        """The bytes to send."""
        values = {
            b"@TARGET@": str(target),
            b"@HOST@": target.host,
            b"@LOCAL@": str(local),
            b"@TRANSPORT@": transport.name,
            b"@USER@": user,
            b"@ID@": secrets.token_hex(6),
        }
        data = self.template
        for name, value in values.items():
            data = data.replace(name, value.encode())
        _, _, body = data.partition(b"\r\n\r\n")
        return data.replace(b"@LENGTH@", str(len(body)).encode())


def judge(case: Case, status: int | None) -> str | None:
    """What is wrong with the final answer to a case (None: there was none); None if it is right."""
    wrong = f"{case.name}: {'no answer' if status is None else status}, expected: "
    if status is not None and case.statuses and status not in case.statuses:
        return wrong + " or ".join(str(each) for each in sorted(case.statuses))
    right = {
        Outcome.PROCESSED: status is not None and status not in (400, 500, 513),
        Outcome.REFUSED: status is not None and status >= 400,
        Outcome.REFUSED_OR_SILENT: status is None or status >= 400,
        Outcome.TOLERATED: True,
        Outcome.SILENT: status is None,
    }[case.outcome]
    return None if right else wrong + case.outcome.value


PLAIN: Mapping[str, str] = {
    "Via": "SIP/2.0/@TRANSPORT@ @LOCAL@;branch=z9hG4bK@ID@",
    "Max-Forwards": "70",
    "From": "<sip:torture@@LOCAL@>;tag=@ID@",
    "To": "<sip:@USER@@@HOST@>",
    "Call-ID": "@ID@@torture",
    "CSeq": "1 {method}",
    "Contact": "<sip:torture@@LOCAL@>",
    "Content-Length": "@LENGTH@",
}
"""The headers of a request without a fault."""

OFFER = (
    b"v=0\r\no=torture 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
)


def request(
    method: str = "OPTIONS",
    *,
    line: str | None = None,
    change: Mapping[str, str | None] | None = None,
    more: Sequence[str | bytes] = (),
    body: bytes = b"",
    end: bytes = b"\r\n\r\n",
) -> bytes:
    """A template of a request: the plain one with headers changed or (None) left out, lines added, a body.

    `line` replaces the request line; `more` are header lines, put before Content-Length.
    """
    fields = {name: value.format(method=method) for name, value in PLAIN.items()}
    for name, value in (change or {}).items():
        if value is None:
            fields.pop(name, None)
        else:
            fields[name] = value
    if body:
        fields.setdefault("Content-Type", "application/sdp")
    length = fields.pop("Content-Length", None)
    lines: list[bytes] = [
        (line if line is not None else f"{method} sip:@USER@@@TARGET@ SIP/2.0").encode("utf-8", "surrogateescape"),
        *_encoded(f"{name}: {value}" for name, value in fields.items()),
        *_encoded(more),
    ]
    if length is not None:
        lines.append(f"Content-Length: {length}".encode())
    return b"\r\n".join(lines) + end + body


def response(status_line: str, *, change: Mapping[str, str | None] | None = None) -> bytes:
    """A template of a response that nobody asked for."""
    return request("INVITE", line=status_line, change=change)


def _encoded(lines: Iterable[str | bytes]) -> Iterable[bytes]:
    return (each if isinstance(each, bytes) else each.encode("utf-8", "surrogateescape") for each in lines)
