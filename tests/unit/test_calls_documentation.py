"""docs/call-model.md shows the tables that the code has."""

import importlib.util
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]


def test_the_tables_are_those_of_the_code() -> None:
    spec = importlib.util.spec_from_file_location("call_model_tables", HOME / "tools" / "call_model_tables.py")
    assert spec is not None
    assert spec.loader is not None
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    page = tables.PAGE.read_text()
    assert tables.render(page) == page, "run: python tools/call_model_tables.py"
