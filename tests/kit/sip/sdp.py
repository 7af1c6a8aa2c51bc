"""Session descriptions: built for one audio stream, read leniently (RFC 4566, RFC 3264)."""

from __future__ import annotations

import enum
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace


class Direction(enum.Enum):
    """The direction attribute of a stream."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class Codec:
    """An RTP payload type with its rtpmap and fmtp."""

    payload: int
    encoding: str
    parameters: str | None = None


PCMU = Codec(0, "PCMU/8000")
PCMA = Codec(8, "PCMA/8000")
G729 = Codec(18, "G729/8000", "annexb=no")
TELEPHONE_EVENT = Codec(101, "telephone-event/8000", "0-15")
STATIC_CODECS = {codec.payload: codec for codec in (PCMU, PCMA, G729)}


@dataclass(frozen=True, slots=True)
class Origin:
    """The o= line. Session id and version are kept as numbers because tests compare them."""

    username: str
    session_id: int
    version: int
    address: str

    def __str__(self) -> str:
        return f"{self.username} {self.session_id} {self.version} IN IP4 {self.address}"


@dataclass(frozen=True, slots=True)
class Audio:
    """One audio stream that an endpoint wants to describe; the dialog adds the o= line.

    `direction` None leaves the attribute out, which means sendrecv.
    """

    port: int = 4000
    address: str = "127.0.0.1"
    codecs: tuple[Codec, ...] = (PCMU, TELEPHONE_EVENT)
    direction: Direction | None = None
    attributes: tuple[str, ...] = ()

    def held(self) -> Audio:
        """The same stream stopped the old and the new way at once: 0.0.0.0 and inactive."""
        return replace(self, address="0.0.0.0", direction=Direction.INACTIVE)


@dataclass(frozen=True, slots=True)
class Media:
    """One m= section: its line, and the lines below it without line ends."""

    line: str
    below: tuple[str, ...]

    @property
    def kind(self) -> str:
        """audio, video, application, image."""
        return self.line.split()[0]

    @property
    def port(self) -> int:
        """The port; 0 is a refused stream."""
        return int(self.line.split()[1].partition("/")[0])

    @property
    def payloads(self) -> list[str]:
        """The formats as written."""
        return self.line.split()[3:]

    @property
    def codecs(self) -> list[Codec]:
        """The formats with their rtpmap and fmtp; static payload types may come without."""
        found: list[Codec] = []
        for payload in (int(text) for text in self.payloads if text.isdigit()):
            encoding = self._attribute(f"rtpmap:{payload} ")
            parameters = self._attribute(f"fmtp:{payload} ")
            if encoding is not None:
                found.append(Codec(payload, encoding, parameters))
            elif payload in STATIC_CODECS:
                found.append(replace(STATIC_CODECS[payload], parameters=parameters))
        return found

    def _attribute(self, prefix: str) -> str | None:
        for line in self.below:
            if line.startswith(f"a={prefix}"):
                return line[2 + len(prefix) :]
        return None


@dataclass(frozen=True, slots=True)
class Sdp:
    """A session description that was read: the lines in order, nothing changed."""

    lines: tuple[str, ...]

    @classmethod
    def parse(cls, body: bytes | str) -> Sdp:
        """Never fails; what is missing is noticed by the properties."""
        text = body.decode("utf-8", "surrogateescape") if isinstance(body, bytes) else body
        return cls(tuple(line for line in text.replace("\r\n", "\n").split("\n") if line))

    @property
    def session(self) -> tuple[str, ...]:
        """The lines before the first m= line."""
        position = next((i for i, line in enumerate(self.lines) if line.startswith("m=")), len(self.lines))
        return self.lines[:position]

    @property
    def media(self) -> list[Media]:
        """The m= sections in order."""
        starts = [i for i, line in enumerate(self.lines) if line.startswith("m=")] + [len(self.lines)]
        return [Media(self.lines[start][2:], self.lines[start + 1 : end]) for start, end in itertools.pairwise(starts)]

    @property
    def audio(self) -> Media:
        """The first audio section; an assertion error if there is none."""
        for media in self.media:
            if media.kind == "audio":
                return media
        raise AssertionError(f"no audio in the SDP:\n{self}")

    @property
    def origin(self) -> Origin:
        """The o= line; an assertion error if it is missing or not six words."""
        for line in self.lines:
            words = line[2:].split()
            if line.startswith("o=") and len(words) == 6:
                return Origin(words[0], int(words[1]), int(words[2]), words[5])
        raise AssertionError(f"no o= line in the SDP:\n{self}")

    @property
    def without_origin(self) -> tuple[str, ...]:
        """Everything but the o= line: what the version number stands for."""
        return tuple(line for line in self.lines if not line.startswith("o="))

    @property
    def address(self) -> str:
        """Where the first audio stream is to be sent (its own c= line, else the session's)."""
        for line in (*self.audio.below, *self.session):
            if line.startswith("c="):
                return line.split()[2].partition("/")[0]
        raise AssertionError(f"no c= line in the SDP:\n{self}")

    @property
    def direction(self) -> Direction:
        """The direction of the first audio stream; sendrecv when nothing is said."""
        for line in (*self.audio.below, *self.session):
            if line[:2] == "a=" and line[2:] in Direction._value2member_map_:
                return Direction(line[2:])
        return Direction.SENDRECV

    def as_audio(self, attributes: Sequence[str] = ()) -> Audio:
        """The first audio stream as something that can be described again under another o= line."""
        direction = self.direction
        return Audio(
            port=self.audio.port,
            address=self.address,
            codecs=tuple(self.audio.codecs),
            direction=None if direction is Direction.SENDRECV else direction,
            attributes=tuple(attributes),
        )

    def __str__(self) -> str:
        return "".join(f"{line}\r\n" for line in self.lines)


def describe(
    audio: Audio,
    origin: Origin,
    *,
    session_name: str = "-",
    bandwidth: str | None = None,
) -> str:
    """The text of a session description with one audio stream."""
    lines = ["v=0", f"o={origin}", f"s={session_name}", f"c=IN IP4 {audio.address}"]
    if bandwidth is not None:
        lines.append(f"b={bandwidth}")
    payloads = " ".join(str(codec.payload) for codec in audio.codecs)
    lines += ["t=0 0", f"m=audio {audio.port} RTP/AVP {payloads}"]
    for codec in audio.codecs:
        lines.append(f"a=rtpmap:{codec.payload} {codec.encoding}")
        if codec.parameters is not None:
            lines.append(f"a=fmtp:{codec.payload} {codec.parameters}")
    lines += [f"a={attribute}" for attribute in audio.attributes]
    if audio.direction is not None:
        lines.append(f"a={audio.direction.value}")
    return "".join(f"{line}\r\n" for line in lines)
