"""The examples in docs/protocol.md are messages of the protocol."""

import json
import re
from pathlib import Path

from tests.kit.gateway import check_against_schema
from tlib import enums
from tlib.schema import SCHEMA_FILE

_TEXT = Path(SCHEMA_FILE.parent / "protocol.md").read_text(encoding="utf-8")


def test_every_example_agrees_with_the_schema() -> None:
    examples = re.findall(r'^\{"message".*\}$', _TEXT, flags=re.MULTILINE)
    assert len(examples) >= 8
    for example in examples:
        check_against_schema(json.loads(example))


def test_the_codes_of_party_states_are_those_of_the_program() -> None:
    row = next(line for line in _TEXT.splitlines() if line.startswith("| `ps-N`"))
    codes = {name: int(code) for code, name in re.findall(r"(\d+) ([A-Z]\w+)", row)}
    assert codes == {state.value: state.code for state in enums.PartyState}
