"""What has to change to turn one configuration into another, row by row."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from kamcti.configuration import (
    Agent,
    Configuration,
    Destination,
    Dn,
    GatewayUser,
    Route,
    Row,
    Switch,
    Trunk,
)

R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Table(Generic[R]):
    """A configuration table: its name, the class of its rows, and its key (none for the table with one row)."""

    name: str
    row: type[R]
    key: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(field.name for field in dataclasses.fields(self.row))

    def key_of(self, row: R) -> tuple[object, ...]:
        return tuple(getattr(row, column) for column in self.key)


SWITCH = Table("switch", Switch, ())
DN = Table("dn", Dn, ("number",))
TRUNK = Table("trunk", Trunk, ("dn",))
DESTINATION = Table("trunk_destination", Destination, ("trunk", "position"))
ROUTE = Table("route", Route, ("number",))
AGENT = Table("agent", Agent, ("login_id",))
USER = Table("gateway_user", GatewayUser, ("name",))


@dataclass(frozen=True, slots=True)
class Changed(Generic[R]):
    old: R
    new: R
    columns: tuple[str, ...]
    """Names of the columns that differ."""


@dataclass(frozen=True, slots=True)
class TableDifference(Generic[R]):
    table: Table[R]
    added: tuple[R, ...]
    changed: tuple[Changed[R], ...]
    removed: tuple[R, ...]

    def lines(self) -> Iterator[str]:
        """One line a row, for people; values are left out, because some are secret."""
        for row in self.added:
            yield f"+ {self._named(row)}"
        for change in self.changed:
            yield f"~ {self._named(change.new)}: {', '.join(change.columns)}"
        for row in self.removed:
            yield f"- {self._named(row)}"

    def _named(self, row: R) -> str:
        return " ".join([self.table.name, *(str(part) for part in self.table.key_of(row))])


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    switch: TableDifference[Switch]
    dns: TableDifference[Dn]
    trunks: TableDifference[Trunk]
    destinations: TableDifference[Destination]
    routes: TableDifference[Route]
    agents: TableDifference[Agent]
    users: TableDifference[GatewayUser]

    def __bool__(self) -> bool:
        return any(True for _ in self.lines())

    def lines(self) -> Iterator[str]:
        yield from self.switch.lines()
        yield from self.trunks.lines()
        yield from self.destinations.lines()
        yield from self.dns.lines()
        yield from self.routes.lines()
        yield from self.agents.lines()
        yield from self.users.lines()

    def summary(self) -> str:
        """How many rows are added, changed and removed; "no change" when none is."""
        signs = [line[0] for line in self.lines()]
        if not signs:
            return "no change"
        return f"{signs.count('+')} added, {signs.count('~')} changed, {signs.count('-')} removed"


def compare(old: Configuration, new: Configuration) -> Difference:
    """What has to change in ``old`` to make it ``new``."""
    return Difference(
        switch=_compare(SWITCH, (old.switch,), (new.switch,)),
        dns=_compare(DN, old.dns, new.dns),
        trunks=_compare(TRUNK, old.trunks, new.trunks),
        destinations=_compare(DESTINATION, old.destinations, new.destinations),
        routes=_compare(ROUTE, old.routes, new.routes),
        agents=_compare(AGENT, old.agents, new.agents),
        users=_compare(USER, old.users, new.users),
    )


def _compare(table: Table[R], old: Sequence[R], new: Sequence[R]) -> TableDifference[R]:
    before = {table.key_of(row): row for row in old}
    after = {table.key_of(row): row for row in new}
    changed = []
    for key, row in after.items():
        if key in before and (columns := _differing(table, before[key], row)):
            changed.append(Changed(before[key], row, columns))
    return TableDifference(
        table,
        added=tuple(row for key, row in after.items() if key not in before),
        changed=tuple(changed),
        removed=tuple(row for key, row in before.items() if key not in after),
    )


def _differing(table: Table[R], old: R, new: R) -> tuple[str, ...]:
    return tuple(column for column in table.columns if _value(getattr(old, column)) != _value(getattr(new, column)))


def _value(value: object) -> object:
    # As JSON, true and 1 differ; in Python they do not.
    if isinstance(value, dict):
        return json.dumps(value, sort_keys=True)
    return value.value if isinstance(value, Enum) else value
