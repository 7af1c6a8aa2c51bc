"""The protocol's JSON Schema, made from the message types.

``python -m tlib.schema`` writes ``docs/protocol.schema.json``; ``python -m tlib.schema FILE`` writes another file.
"""

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from tlib import attributes
from tlib.events import EVENTS, SequenceNumber
from tlib.message import KeepAlive, Message
from tlib.requests import REQUESTS

SCHEMA_FILE = Path(__file__).resolve().parent.parent / "docs" / "protocol.schema.json"

# Types without a name of their own in Python's eyes: named here, so that the schema does not repeat them each time.
_NAMED: dict[str, Any] = {
    "ConnID": attributes.ConnID,
    "CallUUID": attributes.CallUUID,
    "DN": attributes.DN,
    "Number": attributes.Number,
    "Name": attributes.Name,
    "ReferenceID": attributes.ReferenceID,
    "Integer": attributes.Integer,
    "Count": attributes.Count,
    "KeyValues": attributes.KeyValues,
    "SequenceNumber": SequenceNumber,
}

_NULL = {"type": "null"}


def protocol_schema() -> dict[str, object]:
    """JSON Schema (draft 2020-12) of every message.

    ``#/$defs/Request`` and ``#/$defs/Event`` are what a client sends and receives; the schema itself accepts both.
    """
    messages: tuple[type[Message], ...] = (*REQUESTS, *EVENTS, KeepAlive)
    _, definitions = msgspec.json.schema_components(messages, ref_template="#/$defs/{name}")
    named = {name: msgspec.json.schema(type_) for name, type_ in _NAMED.items()}
    names = {_text(schema): name for name, schema in named.items()}
    folded: dict[str, Any] = {name: _fold(schema, names) for name, schema in definitions.items()}
    folded |= named
    folded["Request"] = _any_of((*REQUESTS, KeepAlive))
    folded["Event"] = _any_of((*EVENTS, KeepAlive))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "kamcti gateway protocol",
        "description": "One message. Attributes that are not listed are ignored by the receiver.",
        "anyOf": [{"$ref": "#/$defs/Request"}, {"$ref": "#/$defs/Event"}],
        "$defs": dict(sorted(folded.items())),
    }


def schema_text() -> str:
    """The schema as the file has it."""
    return json.dumps(protocol_schema(), indent=1, ensure_ascii=False) + "\n"


def _text(schema: Any) -> str:
    return json.dumps(schema, sort_keys=True)


def _fold(schema: Any, names: dict[str, str]) -> Any:
    """The same schema with references in place of the types that have a name.

    An optional attribute is absent rather than null on the wire, so the alternative null is left out.
    """
    name = names.get(_text(schema))
    if name is not None:
        return {"$ref": f"#/$defs/{name}"}
    if isinstance(schema, dict):
        alternatives = schema.get("anyOf")
        if isinstance(alternatives, list) and _NULL in alternatives:
            others = [alternative for alternative in alternatives if alternative != _NULL]
            return _fold(others[0] if len(others) == 1 else {"anyOf": others}, names)
        return {key: _fold(value, names) for key, value in schema.items()}
    if isinstance(schema, list):
        return [_fold(item, names) for item in schema]
    return schema


def _any_of(messages: tuple[type[Message], ...]) -> dict[str, object]:
    return {"anyOf": [{"$ref": f"#/$defs/{message.__name__}"} for message in messages]}


if __name__ == "__main__":
    (Path(sys.argv[1]) if len(sys.argv) > 1 else SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
