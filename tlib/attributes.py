"""Types of attributes that many messages share."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from tlib.message import wire_name

INT64_MAX = 2**63 - 1

# The end of the text. ``$`` would let a newline follow in Python, and ``\Z`` is unknown to other dialects.
_END = r"(?![\s\S])"

ConnID = Annotated[
    str,
    Meta(
        pattern=f"^[0-9a-f]{{16}}{_END}",
        max_length=16,
        description="Call id that the server assigns: 64 bits, 16 lower-case hexadecimal digits.",
    ),
]
CallUUID = Annotated[
    str,
    Meta(
        pattern=f"^[0-9A-Z]{{32}}{_END}",
        max_length=32,
        description="Unique call id: 32 upper-case base-32 characters.",
    ),
]
DN = Annotated[
    str,
    Meta(
        pattern=f"^[0-9A-Za-z+*#_.-]{{1,64}}{_END}",
        max_length=64,
        description="Directory number as configured: 1 to 64 of letters, digits and + * # _ . -",
    ),
]
Number = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=256,
        description="A number as dialled or as the network shows it; need not be a configured DN.",
    ),
]
Name = Annotated[str, Meta(max_length=256, description="A short text.")]
ReferenceID = Annotated[
    int,
    Meta(
        ge=0,
        le=INT64_MAX,
        description="Chosen by the client for a request, repeated in the event that answers it; 0: none.",
    ),
]
Count = Annotated[int, Meta(ge=0, le=INT64_MAX)]
Integer = Annotated[int, Meta(ge=-INT64_MAX - 1, le=INT64_MAX)]

# A key-value list: strings, integers and lists of the same, to a depth of four. The depth is finite because
# the types are checked while the message is decoded; no list of the T-Library model is nested deeper than
# two.
_Value4 = str | Integer
_Value3 = str | Integer | Mapping[str, _Value4]
_Value2 = str | Integer | Mapping[str, _Value3]
_Value1 = str | Integer | Mapping[str, _Value2]
KeyValues = Mapping[str, _Value1]


class Time(msgspec.Struct, frozen=True, kw_only=True, gc=False, rename=wire_name):
    """When an event happened: Unix time in seconds, and microseconds within the second."""

    time_in_secs: Count
    time_in_usecs: Annotated[int, Meta(ge=0, lt=1_000_000)] = 0

    @classmethod
    def at(cls, seconds: float) -> "Time":
        """The attribute for Unix time ``seconds``."""
        usecs = round(seconds * 1_000_000)
        return cls(time_in_secs=usecs // 1_000_000, time_in_usecs=usecs % 1_000_000)

    @property
    def seconds(self) -> float:
        """Unix time in seconds."""
        return self.time_in_secs + self.time_in_usecs / 1_000_000
