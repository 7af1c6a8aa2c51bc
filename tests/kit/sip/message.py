"""SIP messages as they are on the wire: header order, duplicates, compact names and blanks are all kept.

Nothing is corrected on the way in or out, because tests look at exactly these details and send wrong ones on
purpose. Text is UTF-8 with surrogate escapes, so that any byte survives a round trip.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from tests.kit.sip.sdp import Sdp
from tests.kit.sip.uri import NameAddr, SipUri, Via, split_outside_quotes

COMPACT_FORMS = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}

REASONS = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    302: "Moved Temporarily",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    415: "Unsupported Media Type",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Server Time-out",
    600: "Busy Everywhere",
    603: "Decline",
    606: "Not Acceptable",
}


class MalformedMessage(ValueError):
    """Bytes from which no SIP message could be made."""


class Header(NamedTuple):
    """One header line; `value` is unfolded, without the blank after the colon."""

    name: str
    value: str


class CSeq(NamedTuple):
    """The CSeq value."""

    number: int
    method: str


def canonical(name: str) -> str:
    """A header's name in lower case, compact forms spelled out."""
    lowered = name.strip().lower()
    return COMPACT_FORMS.get(lowered, lowered)


class Message:
    """What requests and responses have in common: a start line, header lines in order, a body.

    `raw` holds the bytes that were received; it is empty for a message that is being built.
    """

    def __init__(
        self,
        start_line: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        raw: bytes = b"",
    ) -> None:
        self.start_line = start_line
        self.headers = [Header(name, value) for name, value in headers]
        self.body = body
        self.raw = raw

    # -- reading

    def lines(self, name: str) -> list[str]:
        """The values of every header line of that name, in order."""
        wanted = canonical(name)
        return [header.value for header in self.headers if canonical(header.name) == wanted]

    def values(self, name: str) -> list[str]:
        """Like `lines`, with comma-separated lists taken apart. Not for Date or authentication headers."""
        return [part.strip() for line in self.lines(name) for part in split_outside_quotes(line, ",") if part.strip()]

    def get(self, name: str) -> str | None:
        """The first value, without blanks around it, or None."""
        found = self.lines(name)
        return found[0].strip() if found else None

    def __getitem__(self, name: str) -> str:
        """The first value; a missing header is an assertion error that shows the message."""
        value = self.get(name)
        if value is None:
            raise AssertionError(f"no {name} header in:\n{self}")
        return value

    def __contains__(self, name: str) -> bool:
        return bool(self.lines(name))

    @property
    def call_id(self) -> str:
        """The Call-ID."""
        return self["Call-ID"]

    @property
    def cseq(self) -> CSeq:
        """The CSeq; ValueError if it is not a number and a method."""
        number, method = self["CSeq"].split()
        return CSeq(int(number), method)

    @property
    def from_tag(self) -> str | None:
        """The tag of From."""
        return NameAddr.parse(self["From"]).tag

    @property
    def to_tag(self) -> str | None:
        """The tag of To."""
        return NameAddr.parse(self["To"]).tag

    @property
    def via(self) -> Via:
        """The topmost Via."""
        found = self.values("Via")
        if not found:
            raise AssertionError(f"no Via in:\n{self}")
        return Via.parse(found[0])

    @property
    def contact(self) -> SipUri:
        """The URI of the first Contact."""
        return NameAddr.parse(self.values("Contact")[0] if "Contact" in self else self["Contact"]).uri

    @property
    def sdp(self) -> Sdp | None:
        """The session description in the body (also inside multipart), or None."""
        content_type = (self.get("Content-Type") or "").lower()
        if not self.body:
            return None
        if content_type.startswith("application/sdp"):
            return Sdp.parse(self.body)
        boundary = re.search(r'boundary="?([^";]+)"?', self.get("Content-Type") or "")
        if content_type.startswith("multipart/") and boundary:
            for part in self.body.split(b"--" + boundary[1].encode()):
                head, _, body = part.partition(b"\r\n\r\n")
                if b"application/sdp" in head.lower():
                    return Sdp.parse(body)
        return None

    # -- building

    def add(self, name: str, value: str) -> None:
        """Append a header line."""
        self.headers.append(Header(name, value))

    def add_first(self, name: str, value: str) -> None:
        """Put a header line before all others."""
        self.headers.insert(0, Header(name, value))

    def set(self, name: str, value: str) -> None:
        """Replace the first line of that name in place and drop the others; append if there is none."""
        wanted = canonical(name)
        kept: list[Header] = []
        done = False
        for header in self.headers:
            if canonical(header.name) != wanted:
                kept.append(header)
            elif not done:
                kept.append(Header(name, value))
                done = True
        if not done:
            kept.append(Header(name, value))
        self.headers = kept

    def remove(self, name: str) -> None:
        """Drop every line of that name."""
        wanted = canonical(name)
        self.headers = [header for header in self.headers if canonical(header.name) != wanted]

    def order(self, names: Iterable[str]) -> None:
        """Bring the header lines into this order of names; lines of one name keep theirs, others come last.

        A name that is listed twice takes one line each time and the rest at its last place.
        """
        wanted = [canonical(name) for name in names]
        rest = list(self.headers)
        ordered: list[Header] = []
        for position, name in enumerate(wanted):
            mine = [header for header in rest if canonical(header.name) == name]
            if name in wanted[position + 1 :]:
                mine = mine[:1]
            for header in mine:
                rest.remove(header)
            ordered += mine
        self.headers = ordered + rest

    def set_body(self, body: bytes, content_type: str | None) -> None:
        """Set body, Content-Type and Content-Length (0 for an empty body)."""
        self.body = body
        if body and content_type:
            self.set("Content-Type", content_type)
        self.set("Content-Length", str(len(body)))

    def render(self) -> bytes:
        """The bytes for the wire. Content-Length is sent as it stands in the headers, right or wrong."""
        lines = [self.start_line] + [f"{header.name}: {header.value}" for header in self.headers]
        head = "\r\n".join(lines) + "\r\n\r\n"
        return head.encode("utf-8", "surrogateescape") + self.body

    def __str__(self) -> str:
        data = self.raw or self.render()
        return data.decode("utf-8", "replace").replace("\r\n", "\n")


class Request(Message):
    """A request; `method` and `uri` come from the start line."""

    def __init__(
        self,
        start_line: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        raw: bytes = b"",
    ) -> None:
        super().__init__(start_line, headers, body, raw)
        self.method, _, rest = start_line.partition(" ")
        self.uri = rest.rpartition(" ")[0].strip()

    @classmethod
    def new(cls, method: str, uri: str) -> Request:
        """An empty request."""
        return cls(f"{method} {uri} SIP/2.0")

    def __repr__(self) -> str:
        return f"<{self.method} {self.uri}>"


class Response(Message):
    """A response; `status` and `reason` come from the start line."""

    def __init__(
        self,
        start_line: str,
        headers: Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        raw: bytes = b"",
    ) -> None:
        super().__init__(start_line, headers, body, raw)
        _, _, rest = start_line.partition(" ")
        status, _, self.reason = rest.partition(" ")
        if not status.isdigit():
            raise MalformedMessage(f"no status code in {start_line!r}")
        self.status = int(status)

    @classmethod
    def new(cls, status: int, reason: str | None = None) -> Response:
        """An empty response."""
        return cls(f"SIP/2.0 {status} {reason if reason is not None else REASONS.get(status, 'Unknown')}")

    @property
    def is_final(self) -> bool:
        """True from 200 on."""
        return self.status >= 200

    def __repr__(self) -> str:
        return f"<{self.status} {self.reason}>"


def parse(data: bytes) -> Request | Response:
    """One message from a datagram or from the stream framing.

    Lenient: bare LF line ends, folded lines, blanks before the colon. Over UDP a body longer than
    Content-Length is cut (RFC 3261 §18.3); a shorter one is kept as it is, for the caller to see. Raises
    MalformedMessage.
    """
    trimmed = data.lstrip(b"\r\n")
    for separator in (b"\r\n\r\n", b"\n\n"):
        head, found, body = trimmed.partition(separator)
        if found:
            break
    text = head.decode("utf-8", "surrogateescape")
    lines = re.split(r"\r\n|\n", text)
    start_line = lines[0]
    headers: list[Header] = []
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and headers:
            headers[-1] = Header(headers[-1].name, f"{headers[-1].value} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if not colon:
            raise MalformedMessage(f"a header line without a colon: {line!r}")
        headers.append(Header(name.rstrip(), value[1:] if value.startswith(" ") else value))
    message: Request | Response
    if start_line.upper().startswith("SIP/2.0 "):
        message = Response(start_line, headers, raw=data)
    elif re.match(r"^\S+ .+ SIP/\d+\.\d+$", start_line):
        message = Request(start_line, headers, raw=data)
    else:
        raise MalformedMessage(f"not a SIP start line: {start_line!r}")
    length = message.get("Content-Length")
    message.body = body[: int(length)] if length is not None and length.isdigit() else body
    return message
