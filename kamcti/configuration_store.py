"""The configuration in PostgreSQL: read as a whole, and changed as a whole to what a site file says."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import Enum
from typing import TypeVar

import msgspec
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from kamcti.configuration import (
    ClearPassword,
    Configuration,
    DnType,
    Password,
    Row,
)
from kamcti.difference import (
    AGENT,
    DESTINATION,
    DN,
    ROUTE,
    SWITCH,
    TRUNK,
    USER,
    Changed,
    Difference,
    Table,
    TableDifference,
    compare,
)
from tlib.passwords import hash_password, verify_password

R = TypeVar("R", bound=Row)
Connection = psycopg.Connection[tuple[object, ...]]


def read(conninfo: str) -> Configuration:
    """The configuration as it is now, all of one moment. Raises ``psycopg.Error``."""
    with psycopg.connect(conninfo) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        return _read(connection)


def apply(conninfo: str, wanted: Configuration, *, dry_run: bool = False) -> Difference:
    """Make the database's configuration the wanted one, in one transaction, touching only rows that differ.

    Whoever else changes the configuration at the same time waits. Returns what was different; with ``dry_run``
    that is all. Raises ``psycopg.Error`` when the database refuses; then nothing has changed.
    """
    # Making a hash takes long: that is done before anybody has to wait for us.
    settled = settle_passwords(wanted, read(conninfo))
    if dry_run:
        return compare(read(conninfo), settled)
    with psycopg.connect(conninfo) as connection:
        _lock(connection)
        difference = compare(_read(connection), settled)
        if difference:
            _write(connection, difference)
        return difference


def settle_passwords(wanted: Configuration, current: Configuration) -> Configuration:
    """The wanted configuration with hashes for clear passwords: the stored hash where the password fits it."""
    agents = {agent.login_id: agent.password_hash for agent in current.agents}
    users = {user.name: user.password_hash for user in current.users}
    return replace(
        wanted,
        agents=tuple(
            replace(agent, password_hash=_settle(agent.password_hash, agents.get(agent.login_id)))
            if agent.password_hash is not None
            else agent
            for agent in wanted.agents
        ),
        users=tuple(
            replace(user, password_hash=_settle(user.password_hash, users.get(user.name))) for user in wanted.users
        ),
    )


def _settle(wanted: Password, stored: Password | None) -> Password:
    if not isinstance(wanted, ClearPassword):
        return wanted
    if isinstance(stored, str) and verify_password(wanted.text, stored):
        return stored
    return hash_password(wanted.text)


def _read(connection: Connection) -> Configuration:
    (switch,) = _rows(connection, SWITCH)
    return Configuration(
        switch=switch,
        dns=_rows(connection, DN),
        trunks=_rows(connection, TRUNK),
        destinations=_rows(connection, DESTINATION),
        routes=_rows(connection, ROUTE),
        agents=_rows(connection, AGENT),
        users=_rows(connection, USER),
    )


def _rows(connection: Connection, table: Table[R]) -> tuple[R, ...]:
    order = table.key or table.columns[:1]
    query = sql.SQL("SELECT {} FROM {} ORDER BY {}").format(_list(table.columns), _name(table), _list(order))
    return tuple(
        msgspec.convert(dict(zip(table.columns, values, strict=True)), table.row)
        for values in connection.execute(query)
    )


def _lock(connection: Connection) -> None:
    """Others may read, and keep live state that refers to these tables; they may not change them until we are done."""
    names = [_name(SWITCH), _name(DN), _name(TRUNK), _name(DESTINATION), _name(ROUTE), _name(AGENT), _name(USER)]
    tables = sql.SQL(", ").join(names)
    connection.execute(sql.SQL("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE").format(tables))


def _write(connection: Connection, difference: Difference) -> None:
    """Carry the difference out in an order in which no step refers to a row that is not there (any more, or yet)."""
    # Two destinations of a trunk may change places.
    connection.execute("SET CONSTRAINTS ALL DEFERRED")
    _update(connection, SWITCH, difference.switch.changed)

    routes, dns, trunks = difference.routes, difference.dns, difference.trunks
    rerouted = [change for change in routes.changed if "dn" in change.columns]
    becoming = [c for c in dns.changed if c.new.type is DnType.TRUNK and c.old.type is not DnType.TRUNK]
    ceasing = [c for c in dns.changed if c.old.type is DnType.TRUNK and c.new.type is not DnType.TRUNK]
    staying = [change for change in dns.changed if change not in becoming and change not in ceasing]

    _delete(connection, ROUTE, [*routes.removed, *(change.old for change in rerouted)])

    _insert(connection, DN, [dn for dn in dns.added if dn.type is DnType.TRUNK])
    _update(connection, DN, becoming)
    _insert(connection, TRUNK, trunks.added)
    _update(connection, TRUNK, trunks.changed)

    _insert(connection, DN, [dn for dn in dns.added if dn.type is not DnType.TRUNK])
    _update(connection, DN, staying)
    _delete(connection, DN, [dn for dn in dns.removed if dn.type is not DnType.TRUNK])

    _delete(connection, TRUNK, trunks.removed)
    _update(connection, DN, ceasing)
    _delete(connection, DN, [dn for dn in dns.removed if dn.type is DnType.TRUNK])
    _replace(connection, difference.destinations)

    _insert(connection, ROUTE, [*routes.added, *(change.new for change in rerouted)])
    _update(connection, ROUTE, [change for change in routes.changed if change not in rerouted])
    _replace(connection, difference.agents)
    _replace(connection, difference.users)


def _replace(connection: Connection, difference: TableDifference[R]) -> None:
    _delete(connection, difference.table, difference.removed)
    _update(connection, difference.table, difference.changed)
    _insert(connection, difference.table, difference.added)


def _insert(connection: Connection, table: Table[R], rows: Sequence[R]) -> None:
    if rows:
        places = sql.SQL(", ").join(sql.Placeholder() * len(table.columns))
        query = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(_name(table), _list(table.columns), places)
        connection.cursor().executemany(query, [_values(row, table.columns) for row in rows])


def _update(connection: Connection, table: Table[R], changes: Sequence[Changed[R]]) -> None:
    for change in changes:
        assignments = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(column), sql.Placeholder()) for column in change.columns
        )
        query = sql.SQL("UPDATE {} SET {} WHERE {}").format(_name(table), assignments, _condition(table))
        connection.execute(query, [*_values(change.new, change.columns), *_values(change.new, table.key)])


def _delete(connection: Connection, table: Table[R], rows: Iterable[R]) -> None:
    query = sql.SQL("DELETE FROM {} WHERE {}").format(_name(table), _condition(table))
    keys = [_values(row, table.key) for row in rows]
    if keys:
        connection.cursor().executemany(query, keys)


def _condition(table: Table[R]) -> sql.Composable:
    parts = [sql.SQL("{} = {}").format(sql.Identifier(column), sql.Placeholder()) for column in table.key]
    return sql.SQL(" AND ").join(parts) if parts else sql.SQL("true")


def _values(row: Row, columns: Iterable[str]) -> list[object]:
    values: list[object] = []
    for column in columns:
        value = getattr(row, column)
        if isinstance(value, Enum):
            values.append(value.value)
        elif column == "options":
            values.append(Jsonb(value))
        else:
            values.append(value)
    return values


def _name(table: Table[R]) -> sql.Identifier:
    return sql.Identifier("kamcti", table.name)


def _list(columns: Iterable[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))
