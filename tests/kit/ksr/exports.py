"""The functions that Kamailio exports to Python, with the types of their arguments and results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

EXPORTS_FILE = Path(__file__).with_name("exports.json")


@dataclass(frozen=True, slots=True)
class Function:
    """One function of `KSR`. `module` is empty for those of the core; types are Kamailio's words (str, int, xval …)."""

    module: str
    name: str
    parameters: tuple[str, ...]
    returns: str

    @property
    def path(self) -> str:
        """The name below `KSR`."""
        return f"{self.module}.{self.name}" if self.module else self.name


def load_exports(file: Path = EXPORTS_FILE) -> dict[str, Function]:
    """The functions of an exports file by path."""
    return parse_exports(json.loads(file.read_text()))


def parse_exports(data: Mapping[str, str]) -> dict[str, Function]:
    """`{"pv.sets": "str, str -> none"}` as functions."""
    functions: dict[str, Function] = {}
    for path, signature in data.items():
        parameters, _, returns = signature.partition("->")
        module, _, name = path.rpartition(".")
        types = tuple(word.strip() for word in parameters.split(",") if word.strip())
        functions[path] = Function(module, name, types, returns.strip())
    return functions


def render_exports(functions: Mapping[str, Function]) -> str:
    """The text of an exports file: one function a line, sorted, so that differences are readable."""
    rows = {
        path: f"{', '.join(function.parameters)} -> {function.returns}".strip()
        for path, function in sorted(functions.items())
    }
    return json.dumps(rows, indent=1) + "\n"
