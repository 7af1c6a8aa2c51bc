"""A stand-in for `KSR` in unit tests of the code that talks to Kamailio.

Names and types are those of a real Kamailio (`exports.json`): an unknown name is an AttributeError, a wrong argument a
SystemError, as strictly as there. Variables, htables, message queues and the log work in memory; every other function
notes its call in `calls` and returns what `returns` says, or success.

    ksr = KsrDouble()
    with ksr.installed():
        from kemi import worker
        …
"""

from __future__ import annotations

import contextlib
import sys
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple, cast

from tests.kit.ksr.exports import Function, load_exports

Value = int | str | None
Result = Value | bool

_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1


class LogLine(NamedTuple):
    """One line that was logged."""

    level: str
    text: str


class Call(NamedTuple):
    """A call of a function that has no behaviour of its own."""

    path: str
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Module:
    """`KSR.pv`, `KSR.htable` …: attributes are the exported functions of that module, nothing else."""

    name: str
    functions: Mapping[str, Callable[..., Result]]

    def __getattr__(self, name: str) -> Callable[..., Result]:
        try:
            return self.functions[name]
        except KeyError:
            raise AttributeError(f"KSR.{self.name} has no function {name!r}") from None


class KsrDouble:
    """One `KSR` object with a memory of its own.

    `variables` are pseudo-variables by their full name (`$ru`, `$var(x)`, `$shv(y)`), `tables` htables by name (a table
    that was not put there does not exist), `queues` message queues likewise. `returns` sets the results of functions
    by path: a value, or a callable that gets the arguments.
    """

    def __init__(self, tables: tuple[str, ...] = (), queues: tuple[str, ...] = ()) -> None:
        self.variables: dict[str, Value] = {}
        self.tables: dict[str, dict[str, int | str]] = {name: {} for name in tables}
        self.queues: dict[str, deque[tuple[str, str]]] = {name: deque() for name in queues}
        self.logged: list[LogLine] = []
        self.calls: list[Call] = []
        self.returns: dict[str, Result | Callable[..., Result]] = {}
        self._fetched: dict[str, tuple[str, str]] = {}
        behaviours = self._behaviours()
        functions: dict[str, dict[str, Callable[..., Result]]] = defaultdict(dict)
        for path, function in load_exports().items():
            functions[function.module][function.name] = self._checked(function, behaviours.get(path))
        self._core = functions.pop("")
        self._modules = {name: _Module(name, found) for name, found in functions.items()}

    def __getattr__(self, name: str) -> object:
        found = self._core.get(name) or self._modules.get(name)
        if found is None:
            raise AttributeError(f"KSR has nothing called {name!r}")
        return found

    @contextlib.contextmanager
    def installed(self, *forget: str) -> Iterator[KsrDouble]:
        """`import KSR` gives this double inside; modules whose names begin with `kemi` (or one of `forget`) that were
        imported inside are forgotten after, so that the next test gets them anew.
        """
        prefixes = forget or ("kemi",)
        before = {name: module for name, module in sys.modules.items() if name.startswith(prefixes)}
        old = sys.modules.get("KSR")
        for name in before:
            del sys.modules[name]
        sys.modules["KSR"] = cast(ModuleType, self)
        try:
            yield self
        finally:
            for name in [name for name in sys.modules if name.startswith(prefixes)]:
                del sys.modules[name]
            sys.modules.update(before)
            if old is None:
                del sys.modules["KSR"]
            else:
                sys.modules["KSR"] = old

    def log_texts(self, level: str) -> list[str]:
        """What was logged at one level."""
        return [line.text for line in self.logged if line.level == level]

    # -- checking

    def _checked(self, function: Function, behaviour: Callable[..., Result] | None) -> Callable[..., Result]:
        def call(*arguments: object) -> Result:
            _check(function, arguments)
            if function.path in self.returns:
                self.calls.append(Call(function.path, arguments))
                told = self.returns[function.path]
                return told(*arguments) if callable(told) else told
            if behaviour is not None:
                return behaviour(*arguments)
            self.calls.append(Call(function.path, arguments))
            return {"int": 1, "bool": True}.get(function.returns)

        return call

    # -- behaviour

    def _behaviours(self) -> dict[str, Callable[..., Result]]:
        found: dict[str, Callable[..., Result]] = {
            "log": self._log,
            "pv.get": self._variable,
            "pv.gete": lambda name: _or(self._variable(name), ""),
            "pv.getw": lambda name: _or(self._variable(name), "<null>"),
            "pv.getvn": lambda name, default: _or(self._variable(name), default),
            "pv.getvs": lambda name, default: _or(self._variable(name), default),
            "pv.geti": lambda name: _or(self._variable(name), 0),
            "pv.sets": self._set_variable,
            "pv.seti": self._set_variable,
            "pv.unset": lambda name: self._set_variable(name, None),
            "pv.is_null": lambda name: self._variable(name) is None,
            "htable.sht_get": self._table_get,
            "htable.sht_gete": lambda table, key: _or(self._table_get(table, key), ""),
            "htable.sht_getw": lambda table, key: _or(self._table_get(table, key), "<null>"),
            "htable.sht_sets": self._table_set,
            "htable.sht_seti": self._table_set,
            "htable.sht_setxs": lambda table, key, value, _: self._table_set(table, key, value),
            "htable.sht_setxi": lambda table, key, value, _: self._table_set(table, key, value),
            "htable.sht_rm": self._table_remove,
            "htable.sht_is_null": lambda table, key: 1 if self._table_get(table, key) is None else -1,
            "htable.sht_inc": lambda table, key: self._table_add(table, key, 1),
            "htable.sht_dec": lambda table, key: self._table_add(table, key, -1),
            "htable.sht_reset": self._table_reset,
            "mqueue.mq_add": self._queue_add,
            "mqueue.mq_fetch": self._queue_fetch,
            "mqueue.mq_size": lambda queue: len(self.queues[queue]) if queue in self.queues else -1,
            "mqueue.mq_pv_free": self._queue_free,
        }
        for level in ("dbg", "info", "notice", "warn", "err", "crit"):
            found[level] = self._logger(level, 0)
            found[f"xlog.x{level}"] = self._logger(level, 1)
        for part, prefix in enumerate(("mqk", "mqv")):
            for ending in ("get", "gete", "getw"):  # all three give None when nothing was fetched
                found[f"mqueue.{prefix}_{ending}"] = lambda queue, part=part: self._queue_part(queue, part)
        return found

    def _logger(self, level: str, result: int) -> Callable[..., Result]:
        def write(text: str) -> int:
            self.logged.append(LogLine(level, text))
            return result

        return write

    def _log(self, level: str, text: str) -> int:
        self.logged.append(LogLine(level, text))
        return 0

    def _variable(self, name: str) -> Value:
        # A shared variable that nobody has set is made on the spot, and is 0.
        return self.variables.get(name, 0 if name.startswith("$shv(") else None)

    def _set_variable(self, name: str, value: Value) -> bool:
        if value is None:
            self.variables.pop(name, None)
        else:
            self.variables[name] = int(value) if isinstance(value, int) else value
        return True

    def _table_get(self, table: str, key: str) -> Value:
        return self.tables.get(table, {}).get(key)

    def _table_set(self, table: str, key: str, value: int | str) -> int:
        if table not in self.tables:
            return -1
        self.tables[table][key] = value
        return 1

    def _table_remove(self, table: str, key: str) -> int:
        if table not in self.tables:
            return -1
        self.tables[table].pop(key, None)
        return 1

    def _table_add(self, table: str, key: str, step: int) -> int:
        value = self.tables.get(table, {}).get(key)
        if not isinstance(value, int):
            return -255
        self.tables[table][key] = value + step
        return value + step

    def _table_reset(self, table: str) -> int:
        if table not in self.tables:
            return -1
        self.tables[table].clear()
        return 0

    def _queue_add(self, queue: str, key: str, value: str) -> int:
        if queue not in self.queues:
            return -1
        self.queues[queue].append((key, value))
        return 1

    def _queue_fetch(self, queue: str) -> int:
        if queue not in self.queues:
            return -1
        if not self.queues[queue]:
            return -2
        self._fetched[queue] = self.queues[queue].popleft()
        return 1

    def _queue_part(self, queue: str, part: int) -> str | None:
        fetched = self._fetched.get(queue)
        return None if fetched is None else fetched[part]

    def _queue_free(self, queue: str) -> int:
        self._fetched.pop(queue, None)
        return 1


def _or(value: Value, default: int | str) -> Value:
    return default if value is None else value


def _check(function: Function, arguments: tuple[object, ...]) -> None:
    """Refuse what the real function refuses, in its way: a SystemError that comes from a swallowed other error."""
    if not function.parameters:
        return  # arguments of a function without any are not looked at
    if len(arguments) != len(function.parameters):
        raise SystemError(f"KSR.{function.path} takes {len(function.parameters)} arguments, got {len(arguments)}")
    for position, (kind, argument) in enumerate(zip(function.parameters, arguments, strict=True), 1):
        if kind == "str" and isinstance(argument, str):
            wrong = "\0" in argument or any(0xD800 <= ord(character) <= 0xDFFF for character in argument)
        elif kind == "int" and isinstance(argument, int):
            wrong = not _INT_MIN <= argument <= _INT_MAX
        else:
            wrong = True
        if wrong:
            raise SystemError(f"KSR.{function.path}: argument {position} is no {kind} that it can take: {argument!r}")
