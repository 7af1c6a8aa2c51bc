"""NOTIFY: who listens hears of every change of configuration, every request and every answer, and of nothing else."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.kit.fixtures_postgres import Database

SITE = """
    INSERT INTO kamcti.dn (number, type) VALUES ('CUCM', 'Trunk');
    INSERT INTO kamcti.trunk (dn) VALUES ('CUCM');
    INSERT INTO kamcti.trunk_destination (trunk, position, host) VALUES ('CUCM', 1, '192.0.2.10');
    INSERT INTO kamcti.dn (number, type, trunk) VALUES ('1001', 'Extension', 'CUCM');
    INSERT INTO kamcti.route (number, dn) VALUES ('0800100', '1001');
    INSERT INTO kamcti.agent (login_id) VALUES ('5001');
"""
REQUEST = "INSERT INTO kamcti.request (gateway, session, name, body) VALUES ('g', 's', 'RequestMakeCall', '{}')"
MARK = "SELECT pg_notify('kamcti_event', 'mark')"


def heard(listener: psycopg.Connection, actor: psycopg.Connection) -> list[tuple[str, str]]:
    """Channel and payload of what came until now: up to a mark that is sent behind it, in order."""
    actor.execute(MARK)
    found: list[tuple[str, str]] = []
    for notification in listener.notifies(timeout=10):
        if (notification.channel, notification.payload) == ("kamcti_event", "mark"):
            return found
        found.append((notification.channel, notification.payload))
    raise AssertionError(f"the mark did not come; heard {found}")


@pytest.mark.parametrize(
    ("statement", "tables"),
    [
        ("UPDATE kamcti.switch SET options = '{\"a\": 1}'", {"switch"}),
        ("INSERT INTO kamcti.dn (number, type) VALUES ('7000', 'RoutingPoint')", {"dn"}),
        ("UPDATE kamcti.dn SET name = 'x'", {"dn"}),
        ("UPDATE kamcti.trunk SET selection = 'primary-backup'", {"trunk"}),
        ("UPDATE kamcti.trunk_destination SET weight = 10", {"trunk_destination"}),
        ("DELETE FROM kamcti.route", {"route"}),
        ("DELETE FROM kamcti.agent", {"agent"}),
        (
            "INSERT INTO kamcti.gateway_user (name, password_hash) VALUES ('d', 'scrypt$2$1$1$' || repeat('A', 24)"
            " || '$' || repeat('A', 24))",
            {"gateway_user"},
        ),
        ("TRUNCATE kamcti.route", {"route"}),
        ("DELETE FROM kamcti.route; DELETE FROM kamcti.dn WHERE number = '1001'", {"route", "dn"}),
        ("UPDATE kamcti.dn SET number = 'CLUSTER' WHERE number = 'CUCM'", {"dn", "trunk", "trunk_destination"}),
    ],
)
def test_a_change_of_configuration_names_its_tables(
    listener: psycopg.Connection, actor: psycopg.Connection, statement: str, tables: set[str]
) -> None:
    actor.execute(statement)
    found = heard(listener, actor)
    # Tables that a foreign key might have changed are named, too.
    assert set(found) >= {("kamcti_config", table) for table in tables}
    assert {channel for channel, _ in found} == {"kamcti_config"}
    assert len(found) == len(set(found))


def test_a_transaction_names_each_table_once_and_only_when_it_is_committed(
    listener: psycopg.Connection, actor: psycopg.Connection
) -> None:
    with actor.transaction():
        for name in ("a", "b", "c"):
            actor.execute("UPDATE kamcti.dn SET name = %s", [name])
    assert heard(listener, actor) == [("kamcti_config", "dn")]
    with actor.transaction(force_rollback=True):
        actor.execute("UPDATE kamcti.dn SET name = 'd'")
    assert heard(listener, actor) == []


def test_a_request_is_announced_with_its_id(listener: psycopg.Connection, actor: psycopg.Connection) -> None:
    row = actor.execute(f"{REQUEST} RETURNING id").fetchone()
    assert row is not None
    assert heard(listener, actor) == [("kamcti_request", str(row[0]))]


def test_several_requests_at_once_are_announced_once_without_id(
    listener: psycopg.Connection, actor: psycopg.Connection
) -> None:
    actor.execute(f"{REQUEST}, ('g', 's', 'RequestAnswerCall', '{{}}')")
    assert heard(listener, actor) == [("kamcti_request", "")]


def test_an_answer_is_announced_once_and_taking_is_not(
    listener: psycopg.Connection, actor: psycopg.Connection, database: Database
) -> None:
    row = actor.execute(f"{REQUEST} RETURNING id").fetchone()
    assert row is not None
    assert heard(listener, actor) == [("kamcti_request", str(row[0]))]
    with database.connect("kamcti_switch") as switch:
        switch.execute("UPDATE kamcti.request SET taken_at = now()")
        assert heard(listener, actor) == []
        switch.execute("UPDATE kamcti.request SET answered_at = now(), answer = '{}'")
        assert heard(listener, actor) == [("kamcti_answer", str(row[0]))]


def test_live_state_is_announced_by_nobody_but_the_journal(
    listener: psycopg.Connection, database: Database, actor: psycopg.Connection
) -> None:
    with database.connect("kamcti_switch") as switch:
        switch.execute("INSERT INTO kamcti.call (connid, call_uuid) VALUES ('00000000000000ab', repeat('A', 32))")
        switch.execute("INSERT INTO kamcti.dn_state (dn, dnd) VALUES ('1001', true)")
        switch.execute("INSERT INTO kamcti.event (seq, at, name, body) VALUES (1, now(), 'EventDNDOn', '{}')")
        assert heard(listener, actor) == []
        switch.execute("SELECT pg_notify('kamcti_event', '1')")
    assert heard(listener, actor) == [("kamcti_event", "1")]


@pytest.fixture
def actor(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        with connection.transaction():
            connection.execute(SITE)
        yield connection


@pytest.fixture
def listener(database: Database, actor: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """Listens with the least of the roles, from when the site is there."""
    with database.connect("kamcti_reader") as connection:
        for channel in ("kamcti_config", "kamcti_event", "kamcti_request", "kamcti_answer"):
            connection.execute(f"LISTEN {channel}")
        yield connection
