"""The protocol's JSON Schema, made from the message types.

``python -m tlib.schema`` writes ``docs/protocol.schema.json``; ``python -m tlib.schema FILE`` writes another file.
"""

import json
import sys
from pathlib import Path

import msgspec

from tlib.events import EVENTS
from tlib.message import KeepAlive, Message
from tlib.requests import REQUESTS

SCHEMA_FILE = Path(__file__).resolve().parent.parent / "docs" / "protocol.schema.json"


def protocol_schema() -> dict[str, object]:
    """JSON Schema (draft 2020-12) of every message.

    ``#/$defs/Request`` and ``#/$defs/Event`` are what a client sends and receives; the schema itself accepts both.
    """
    messages: tuple[type[Message], ...] = (*REQUESTS, *EVENTS, KeepAlive)
    _, definitions = msgspec.json.schema_components(messages, ref_template="#/$defs/{name}")
    definitions["Request"] = _any_of((*REQUESTS, KeepAlive))
    definitions["Event"] = _any_of((*EVENTS, KeepAlive))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "kamcti gateway protocol",
        "description": "One message. Attributes that are not listed are ignored by the receiver.",
        "anyOf": [{"$ref": "#/$defs/Request"}, {"$ref": "#/$defs/Event"}],
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """The schema as the file has it."""
    return json.dumps(protocol_schema(), indent=1, ensure_ascii=False) + "\n"


def _any_of(messages: tuple[type[Message], ...]) -> dict[str, object]:
    return {"anyOf": [{"$ref": f"#/$defs/{message.__name__}"} for message in messages]}


if __name__ == "__main__":
    (Path(sys.argv[1]) if len(sys.argv) > 1 else SCHEMA_FILE).write_text(schema_text(), encoding="utf-8")
