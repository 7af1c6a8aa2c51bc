"""Messages to and from JSON text.

A message is one JSON object in UTF-8, at most ``MAX_MESSAGE`` bytes. Over TCP a newline ends it; the newline
is not part of what these functions take and give. Unknown attributes are ignored; everything else that is
wrong is a ``TLibError`` with code 53 (or 51 for a message that does not exist) whose text names the
attribute.
"""

import re
from typing import Any, Union

import msgspec

from tlib.attributes import INT64_MAX
from tlib.errors import TError, TLibError
from tlib.events import EVENTS, Event
from tlib.message import KeepAlive, Message
from tlib.requests import REQUESTS, Request

MAX_MESSAGE = 64 * 1024
"""Bytes of one message, without the newline."""

ANSWERED_BY_EVENT = b"{}"
"""Stands in the request queue for an answer that went out as an event: on its DN, with its ReferenceID."""

_encoder = msgspec.json.Encoder()
# msgspec takes the alternatives at run time; the casts below give them back their static types.
_requests: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[(*REQUESTS, KeepAlive)])
_events: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[(*EVENTS, KeepAlive)])

_REFERENCE_ID = re.compile(rb'"ReferenceID"\s*:\s*(\d{1,19})\b(?![.eE])')
_AT = re.compile(r" - at `\$\.?(.*)`$")
_BYTE = re.compile(r"\(byte (\d+)\)")


def encode(message: Message) -> bytes:
    """The message as JSON text, without a newline. The types are trusted: they are not checked again."""
    return _encoder.encode(message)


def number_event(body: bytes, sequence_number: int) -> bytes:
    """The encoded event ``body`` with its EventSequenceNumber added; ``body`` must not have one yet."""
    return b'%b,"EventSequenceNumber":%d}' % (body[:-1], sequence_number)


def decode_request(data: bytes) -> Request | KeepAlive:
    """What a client sent.

    Raises ``TLibError``: 51 when there is no such message, 53 for anything else; it carries the ReferenceID
    whenever that can still be read.
    """
    message: Request | KeepAlive = _decode(_requests, data)
    return message


def decode_event(data: bytes) -> Event | KeepAlive:
    """What a gateway sent. Raises as ``decode_request``."""
    message: Event | KeepAlive = _decode(_events, data)
    return message


def _decode(decoder: msgspec.json.Decoder[Any], data: bytes) -> Any:
    if len(data) > MAX_MESSAGE:
        raise TLibError(TError.INVALID_ATTRIBUTE, f"the message is longer than {MAX_MESSAGE} bytes")
    try:
        # Strict for the whole text: the JSON decoder looks only into the attributes that it keeps.
        data.decode("utf-8")
        message = decoder.decode(data)
    except UnicodeDecodeError as error:
        raise _invalid(f"the message is not UTF-8 (byte {error.start})", data) from None
    except msgspec.ValidationError as error:
        raise _validation_error(str(error), data) from None
    except msgspec.DecodeError as error:
        position = "" if _BYTE.search(str(error)) else f" (byte {len(data)})"
        text = str(error).removeprefix("JSON is malformed: ")
        raise _invalid(f"malformed JSON: {text}{position}", data) from None
    except RecursionError:
        raise _invalid("malformed JSON: nested too deeply", data) from None
    # T-Library's strings end at NUL, and PostgreSQL's text cannot hold it.
    if b"\\u0000" in data:
        place = _nul_in(msgspec.to_builtins(message), "")
        if place is not None:
            raise _invalid(f"{place}: contains the character U+0000", data)
    return message


def _validation_error(text: str, data: bytes) -> TLibError:
    at = _AT.search(text)
    field = at.group(1) if at else ""
    what = text[: at.start()] if at else text
    if field == "message" and what.startswith("Invalid value"):
        name = what.removeprefix("Invalid value ").strip("'")
        text = f"message: unknown message {name[:80]!r}"
        return TLibError(TError.UNSUPPORTED_OPERATION, text, _reference_id(data))
    missing = re.fullmatch(r"Object missing required field `(.*)`", what)
    if missing:
        where = f"{field}.{missing.group(1)}" if field else missing.group(1)
        return _invalid(f"{where}: missing", data)
    if field:
        return _invalid(f"{field}: {what[0].lower()}{what[1:]}", data)
    return _invalid(f"a message is a JSON object: {what[0].lower()}{what[1:]}", data)


def _invalid(text: str, data: bytes) -> TLibError:
    return TLibError(TError.INVALID_ATTRIBUTE, text, _reference_id(data))


def _reference_id(data: bytes) -> int | None:
    """The ReferenceID of a message that could not be decoded: from its JSON, or else from its text."""
    try:
        parsed = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        found = _REFERENCE_ID.search(data)
        value: object = int(found.group(1)) if found else None
    else:
        value = parsed.get("ReferenceID") if isinstance(parsed, dict) else None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= INT64_MAX:
        return value
    return None


def _nul_in(value: object, place: str) -> str | None:
    """Where U+0000 is, as the attribute's name and the keys inside it; ``None`` when it is nowhere."""
    if isinstance(value, str):
        return place if "\0" in value else None
    if isinstance(value, dict):
        for key, item in value.items():
            below = f"{place}.{key}" if place else str(key)
            found = below.replace("\0", "\\u0000") if "\0" in key else _nul_in(item, below)
            if found is not None:
                return found
    if isinstance(value, list):
        return next((found for item in value if (found := _nul_in(item, place)) is not None), None)
    return None
