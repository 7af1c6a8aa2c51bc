"""Reading YAML so that every mistake is reported, each with its line and its path, and not only the first.

Works on PyYAML's nodes rather than on finished values: nodes know their lines, keep duplicate keys, and keep
scalars as they were written, so that a number such as ``0701`` is not read as octal.
"""

import difflib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

import yaml

E = TypeVar("E", bound=Enum)

_STR, _INT, _FLOAT, _BOOL, _NULL, _TIME = (
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp")
)
_KINDS = {
    _STR: "a text",
    _INT: "a number",
    _FLOAT: "a number",
    _BOOL: "true or false",
    _NULL: "nothing",
    _TIME: "a date",
}
_TEXTS = _KINDS.keys() - {_NULL}
# YAML 1.1 has more spellings of a number (octal 0701, sexagesimal 10:30, 1_000): here they are surprises.
_PLAIN_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_PLAIN_FLOAT = re.compile(r"-?(0|[1-9][0-9]{0,17})\.[0-9]*([eE][-+]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a file. ``line`` counts from 1; ``path`` is empty when the file as a whole is meant."""

    line: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


@dataclass(frozen=True, slots=True)
class Item:
    """A value in the file, and where it stands."""

    node: yaml.Node
    path: str

    @property
    def line(self) -> int:
        return int(self.node.start_mark.line) + 1

    @property
    def kind(self) -> str:
        if isinstance(self.node, yaml.MappingNode):
            return "a mapping"
        if isinstance(self.node, yaml.SequenceNode):
            return "a list"
        return _KINDS.get(self.node.tag, f"of type {self.node.tag}")


@dataclass(slots=True)
class Reader:
    """Takes values out of nodes and collects what is wrong; a method returns None for a value that it refused."""

    problems: list[Problem] = field(default_factory=list)

    def refuse(self, item: Item, message: str) -> None:
        self.problems.append(Problem(item.line, item.path, message))

    def document(self, text: bytes | str) -> Item | None:
        """The top of the file's only document."""
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            self.problems.append(_syntax_problem(error))
            return None
        except RecursionError:
            self.problems.append(Problem(1, "", "the file is nested too deeply"))
            return None
        if node is None:
            self.problems.append(Problem(1, "", "the file is empty"))
            return None
        return Item(node, "")

    def mapping(self, item: Item, keys: Sequence[str], required: Sequence[str] = ()) -> dict[str, Item] | None:
        """The values of a mapping by key. A key with no value (``name:``) is as if it were not there."""
        found = self._entries(item)
        if found is None:
            return None
        for key, value in found.items():
            if key not in keys:
                near = difflib.get_close_matches(key, keys, n=1)
                meant = f"did you mean {near[0]}?" if near else f"known here: {', '.join(keys)}"
                self.refuse(value, f"unknown key, {meant}")
        present = {key: value for key, value in found.items() if key in keys and value.node.tag != _NULL}
        for key in required:
            if key not in present:
                self.problems.append(Problem(item.line, _join(item.path, key), "is missing"))
        return present

    def sequence(self, item: Item | None) -> Iterator[Item]:
        """The elements of a list; of nothing, none."""
        if item is None:
            return
        if not isinstance(item.node, yaml.SequenceNode):
            self.refuse(item, f"is {item.kind}, not a list")
            return
        for index, node in enumerate(item.node.value):
            yield Item(node, f"{item.path}[{index}]")

    def text(self, item: Item, *, longest: int = 255) -> str | None:
        """A scalar as it is written in the file, of whatever type YAML takes it for."""
        if not isinstance(item.node, yaml.ScalarNode) or item.node.tag not in _TEXTS:
            self.refuse(item, f"is {item.kind}, not a text")
            return None
        text = str(item.node.value)
        if any(_is_unprintable(character) for character in text):
            self.refuse(item, "has characters that cannot be printed")
            return None
        if len(text) > longest:
            self.refuse(item, f"has {len(text)} characters, at most {longest} are possible")
            return None
        return text

    def integer(self, item: Item, low: int, high: int, meaning: str) -> int | None:
        """A number from ``low`` to ``high``; ``meaning`` is what it is, for the message: "a port"."""
        if item.node.tag != _INT:
            self.refuse(item, f"{self._shown(item)} is {item.kind}, not {meaning} ({low} to {high})")
            return None
        written = str(item.node.value)
        if not _PLAIN_INTEGER.fullmatch(written) or not low <= int(written) <= high:
            self.refuse(item, f"{written} is not {meaning} ({low} to {high})")
            return None
        return int(written)

    def boolean(self, item: Item) -> bool | None:
        if item.node.tag != _BOOL:
            self.refuse(item, f"{self._shown(item)} is {item.kind}, not true or false")
            return None
        return item.node.value.lower() in ("true", "yes", "on")

    def choice(self, item: Item, of: type[E]) -> E | None:
        """A member of an enumeration, by its value."""
        text = self.text(item)
        if text is None:
            return None
        for member in of:
            if member.value == text:
                return member
        self.refuse(item, f"{text!r} is not one of {', '.join(str(member.value) for member in of)}")
        return None

    def options(self, item: Item) -> dict[str, str | int | float | bool | list[str]] | None:
        """Options by name, with values of the types that the database takes."""
        entries = self._entries(item)
        if entries is None:
            return None
        before = len(self.problems)
        found: dict[str, str | int | float | bool | list[str]] = {}
        for name, value in entries.items():
            option = self._option(value)
            if option is not None:
                found[name] = option
        return found if len(self.problems) == before else None

    def _option(self, item: Item) -> str | int | float | bool | list[str] | None:
        node = item.node
        if isinstance(node, yaml.SequenceNode):
            texts = [self._plain_text(element) for element in self.sequence(item)]
            return [text for text in texts if text is not None]
        if node.tag in (_STR, _TIME):
            return self._plain_text(item)
        written = str(node.value)
        if node.tag == _INT and _PLAIN_INTEGER.fullmatch(written):
            return int(written)
        if node.tag == _FLOAT and _PLAIN_FLOAT.fullmatch(written) and math.isfinite(float(written)):
            return float(written)
        if node.tag == _BOOL and written.lower() in ("true", "false"):
            return written.lower() == "true"
        if node.tag in (_INT, _FLOAT, _BOOL):
            self.refuse(
                item,
                f"{written} is ambiguous: put a text in quotes, write a number in decimal, or true or false",
            )
        else:
            self.refuse(item, f"is {item.kind}; an option is a text, a number, true, false or a list of texts")
        return None

    def _plain_text(self, item: Item) -> str | None:
        if item.node.tag not in (_STR, _TIME):
            self.refuse(item, f"{self._shown(item)} is {item.kind}, not a text (put it in quotes)")
            return None
        text = str(item.node.value)
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            self.refuse(item, "has characters that cannot be stored")
            return None
        return text

    def _entries(self, item: Item) -> dict[str, Item] | None:
        if not isinstance(item.node, yaml.MappingNode):
            self.refuse(item, f"is {item.kind}, not a mapping (key: value)")
            return None
        found: dict[str, Item] = {}
        for key_node, value_node in item.node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.refuse(Item(key_node, item.path), "has a key that is not a text")
                continue
            key = self.text(Item(key_node, item.path))
            if not key:
                if key is not None:
                    self.refuse(Item(key_node, item.path), "has an empty key")
                continue
            path = _join(item.path, key)
            if key in found:
                self.refuse(Item(key_node, path), f"is there twice, first in line {found[key].line}")
                continue
            found[key] = Item(value_node, path)
        return found

    @staticmethod
    def _shown(item: Item) -> str:
        return repr(item.node.value[:40]) if isinstance(item.node, yaml.ScalarNode) else "this"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _is_unprintable(character: str) -> bool:
    return character < " " or "\x7f" <= character <= "\x9f" or "\ud800" <= character <= "\udfff"


def _syntax_problem(error: yaml.YAMLError) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        reason = " ".join(part for part in (error.context, error.problem) if part)
        return Problem(mark.line + 1 if mark else 1, "", f"is not YAML: {reason}")
    return Problem(1, "", f"is not YAML: {' '.join(str(error).split())}")
