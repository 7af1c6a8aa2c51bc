"""SIP URIs, name-addr values and Via values, as far as an endpoint needs to read them.

Reading is lenient: the kit must be able to look at what a faulty peer sent. Only a value from which nothing
can be made raises `ValueError`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_URI = re.compile(
    r"^(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):"
    r"(?:(?P<user>[^@>]*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:;?>\s]*)"
    r"(?::(?P<port>\d+))?"
    r"(?P<params>;[^?>]*)?"
    r"(?:\?(?P<headers>[^>]*))?$"
)
_NAME_ADDR = re.compile(r'^(?P<display>\s*"(?:\\.|[^"\\])*"\s*|[^<"]*)<(?P<uri>[^>]*)>(?P<params>.*)$', re.DOTALL)
_VIA = re.compile(
    r"^SIP\s*/\s*2\.0\s*/\s*(?P<transport>[A-Za-z]+)\s+"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s:]+)\s*(?::\s*(?P<port>\d+))?$",
    re.IGNORECASE,
)


def split_parameters(text: str) -> dict[str, str | None]:
    """`;a=1;b` as `{"a": "1", "b": None}`: names in lower case, quotes kept, blanks dropped."""
    found: dict[str, str | None] = {}
    for part in split_outside_quotes(text, ";"):
        name, equals, value = part.strip().partition("=")
        if name.strip():
            found[name.strip().lower()] = value.strip() if equals else None
    return found


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """Split at `separator` where it stands neither in a quoted string nor in angle brackets."""
    parts: list[str] = []
    current: list[str] = []
    quoted = False
    escaped = False
    depth = 0
    for character in text:
        if escaped:
            escaped = False
        elif quoted and character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif not quoted and character == "<":
            depth += 1
        elif not quoted and character == ">":
            depth = max(0, depth - 1)
        elif not quoted and depth == 0 and character == separator:
            parts.append("".join(current))
            current = []
            continue
        current.append(character)
    parts.append("".join(current))
    return parts


@dataclass(frozen=True, slots=True)
class SipUri:
    """A parsed URI; `str()` gives back the text that was parsed (RFC 3261 §19.1)."""

    text: str
    scheme: str
    user: str | None
    host: str
    port: int | None
    params: dict[str, str | None]

    @classmethod
    def parse(cls, text: str) -> SipUri:
        """Raises ValueError when there is no scheme or the port is no number."""
        found = _URI.match(text.strip())
        if found is None:
            raise ValueError(f"not a SIP URI: {text!r}")
        port = found["port"]
        return cls(
            text=text.strip(),
            scheme=found["scheme"].lower(),
            user=found["user"],
            host=found["host"],
            port=int(port) if port else None,
            params=split_parameters(found["params"] or ""),
        )

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class NameAddr:
    """A From, To, Contact, Route or identity value (RFC 3261 §20.10)."""

    display: str | None
    uri: SipUri
    params: dict[str, str | None]

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """Raises ValueError when there is no URI in it."""
        text = text.strip()
        found = _NAME_ADDR.match(text)
        if found is not None:
            name = found["display"].strip().strip('"') or None
            return cls(name, SipUri.parse(found["uri"]), split_parameters(found["params"]))
        uri_text, _, params = text.partition(";")
        return cls(None, SipUri.parse(uri_text), split_parameters(params))

    @property
    def tag(self) -> str | None:
        """The dialog tag, if there is one."""
        return self.params.get("tag")


@dataclass(frozen=True, slots=True)
class Via:
    """One Via value (RFC 3261 §20.42)."""

    transport: str
    host: str
    port: int | None
    params: dict[str, str | None]

    @classmethod
    def parse(cls, text: str) -> Via:
        """Raises ValueError when it is not `SIP/2.0/TRANSPORT sent-by;params`."""
        head, _, params = text.strip().partition(";")
        found = _VIA.match(head.strip())
        if found is None:
            raise ValueError(f"not a Via: {text!r}")
        port = found["port"]
        return cls(found["transport"].upper(), found["host"], int(port) if port else None, split_parameters(params))

    @property
    def branch(self) -> str | None:
        """The transaction's branch."""
        return self.params.get("branch")
