"""Rows that the database refuses, and what it says: an administrator with nothing but SQL has to understand it."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.kit.fixtures_postgres import Database, new_database
from tests.kit.postgres import PrivatePostgres

SITE = """
    BEGIN;
    INSERT INTO kamcti.dn (number, type) VALUES ('CUCM', 'Trunk'), ('PSTN', 'Trunk');
    INSERT INTO kamcti.trunk (dn) VALUES ('CUCM'), ('PSTN');
    INSERT INTO kamcti.trunk_destination (trunk, position, host) VALUES ('CUCM', 1, '192.0.2.10');
    INSERT INTO kamcti.dn (number, type, trunk) VALUES ('1001', 'Extension', 'CUCM');
    INSERT INTO kamcti.dn (number, type) VALUES ('7000', 'RoutingPoint');
    INSERT INTO kamcti.route (number, dn) VALUES ('0800100', '7000');
    COMMIT;
"""
HASH = "scrypt$16384$8$1$nKc4vIgq7ty8MMZ/W3OuFg==$UAjgPZMKIv1NjnBnD6Z8UZ3PiPDm+i/ZB94nq5Oe4gs="

NUMBER_RULE = "a number has 1-64 of 0-9 A-Z a-z + * # _ . - and no blanks"
OPTION_RULE = "an option is a text, a number, true, false or a list of texts"
PASSWORD_RULE = "a password is stored as scrypt$n$r$p$salt$hash, never in clear"

BROKEN_RULES = {
    "an extension without a trunk": (
        "INSERT INTO kamcti.dn (number, type) VALUES ('1002', 'Extension')",
        "an Extension needs a trunk: the way to its phone",
    ),
    "a routing point behind a trunk": (
        "INSERT INTO kamcti.dn (number, type, trunk) VALUES ('7001', 'RoutingPoint', 'CUCM')",
        "only an Extension or a VoIPService is reached over a trunk",
    ),
    "an unknown trunk": (
        "INSERT INTO kamcti.dn (number, type, trunk) VALUES ('1002', 'Extension', 'NONE')",
        "the trunk of a DN exists",
    ),
    "a number with a blank": (
        "INSERT INTO kamcti.dn (number, type, trunk) VALUES ('10 02', 'Extension', 'CUCM')",
        NUMBER_RULE,
    ),
    "an empty number": ("INSERT INTO kamcti.route (number, dn) VALUES ('', '1001')", NUMBER_RULE),
    "a number that is too long": (
        "INSERT INTO kamcti.route (number, dn) VALUES (repeat('1', 65), '1001')",
        NUMBER_RULE,
    ),
    "an unknown type of DN": (
        "INSERT INTO kamcti.dn (number, type) VALUES ('1002', 'Phone')",
        'invalid input value for enum kamcti.dn_type: "Phone"',
    ),
    "options of a trunk in the wrong table": (
        "UPDATE kamcti.dn SET options = '{\"a\": 1}' WHERE number = 'CUCM'",
        "options of a Trunk belong in the table trunk",
    ),
    "options that are a list": (
        "UPDATE kamcti.dn SET options = '[1]' WHERE number = '1001'",
        "options are a JSON object",
    ),
    "options that are a text": ("UPDATE kamcti.switch SET options = '\"x\"'", "options are a JSON object"),
    "an option that is an object": (
        "UPDATE kamcti.dn SET options = '{\"a\": {\"b\": 1}}' WHERE number = '1001'",
        OPTION_RULE,
    ),
    "an option that is null": ("UPDATE kamcti.dn SET options = '{\"a\": null}' WHERE number = '1001'", OPTION_RULE),
    "an option that is a list of numbers": (
        "UPDATE kamcti.trunk SET options = '{\"sources\": [1]}' WHERE dn = 'CUCM'",
        OPTION_RULE,
    ),
    "an option that is a list of lists": (
        "UPDATE kamcti.trunk SET options = '{\"sources\": [[\"a\"]]}' WHERE dn = 'CUCM'",
        OPTION_RULE,
    ),
    "a name of two lines": (
        "UPDATE kamcti.dn SET name = E'a\\nb' WHERE number = '1001'",
        "a name has at most 255 characters, all of them printable",
    ),
    "a port above the last": (
        "INSERT INTO kamcti.trunk_destination (trunk, position, host, port) VALUES ('CUCM', 2, '192.0.2.11', 70000)",
        "a port is a number from 1 to 65535",
    ),
    "port 0": ("UPDATE kamcti.trunk_destination SET port = 0", "a port is a number from 1 to 65535"),
    "a weight out of range": ("UPDATE kamcti.trunk_destination SET weight = 101", "a weight is a number from 1 to 100"),
    "position 0": ("UPDATE kamcti.trunk_destination SET position = 0", "the first position is 1"),
    "an unknown transport": (
        "UPDATE kamcti.trunk_destination SET transport = 'sctp'",
        'invalid input value for enum kamcti.transport: "sctp"',
    ),
    "a host with a port": (
        "UPDATE kamcti.trunk_destination SET host = 'a.example.com:5060'",
        "a host is a name or an IP address, without port or brackets",
    ),
    "a host with a blank": (
        "UPDATE kamcti.trunk_destination SET host = 'a b'",
        "a host is a name or an IP address, without port or brackets",
    ),
    "an IPv4 address that is none": (
        "UPDATE kamcti.trunk_destination SET host = '192.0.2.300'",
        'invalid input syntax for type inet: "192.0.2.300"',
    ),
    "an IPv6 address that is none": (
        "UPDATE kamcti.trunk_destination SET host = '2001:db8::1::2'",
        'invalid input syntax for type inet: "2001:db8::1::2"',
    ),
    "a destination twice": (
        "INSERT INTO kamcti.trunk_destination (trunk, position, host) VALUES ('CUCM', 2, '192.0.2.10')",
        "a trunk has each destination once",
    ),
    "a destination of no trunk": (
        "INSERT INTO kamcti.trunk_destination (trunk, position, host) VALUES ('1001', 1, '192.0.2.10')",
        "the trunk of a destination exists",
    ),
    "a trunk that is an extension": (
        "INSERT INTO kamcti.trunk (dn) VALUES ('1001')",
        "DN 1001 cannot be a trunk: its type is Extension",
    ),
    "a trunk without a DN": ("INSERT INTO kamcti.trunk (dn) VALUES ('NONE')", "a trunk is a DN of type Trunk"),
    "a DN of type Trunk without a trunk": (
        "INSERT INTO kamcti.dn (number, type) VALUES ('T3', 'Trunk')",
        "DN T3 is a Trunk without a row in the table trunk",
    ),
    "the trunk deleted, its DN kept": (
        "DELETE FROM kamcti.trunk WHERE dn = 'PSTN'",
        "DN PSTN is a Trunk without a row in the table trunk",
    ),
    "a trunk that becomes a queue": (
        "UPDATE kamcti.dn SET type = 'ACDQueue' WHERE number = 'PSTN'",
        "DN PSTN cannot become of type ACDQueue: it is in the table trunk",
    ),
    "a routed DN that becomes a trunk": (
        "UPDATE kamcti.dn SET type = 'Trunk' WHERE number = '7000'",
        "DN 7000 cannot become a Trunk: routes lead to it",
    ),
    "a trunk in use deleted": (
        "DELETE FROM kamcti.dn WHERE number = 'CUCM'",
        "trunk CUCM cannot be deleted: DNs are reached over it",
    ),
    "a route to a trunk": (
        "INSERT INTO kamcti.route (number, dn) VALUES ('0800200', 'CUCM')",
        "number 0800200 cannot lead to DN CUCM: it is a Trunk",
    ),
    "a route to nowhere": (
        "INSERT INTO kamcti.route (number, dn) VALUES ('0800200', '9999')",
        "a route leads to a DN that exists",
    ),
    "a number routed twice": (
        "INSERT INTO kamcti.route (number, dn) VALUES ('0800100', '1001')",
        'duplicate key value violates unique constraint "route_pkey"',
    ),
    "a routed DN deleted": (
        "DELETE FROM kamcti.dn WHERE number = '7000'",
        "DN 7000 cannot be deleted: routes lead to it",
    ),
    "a second switch": ("INSERT INTO kamcti.switch (name) VALUES ('other')", "a site has exactly one switch"),
    "no switch": (
        "DELETE FROM kamcti.switch",
        "the row of the switch cannot be deleted: a site has exactly one switch",
    ),
    "a password in clear": (
        "INSERT INTO kamcti.gateway_user (name, password_hash) VALUES ('desktop', 'secret')",
        PASSWORD_RULE,
    ),
    "an agent's password in clear": (
        "INSERT INTO kamcti.agent (login_id, password_hash) VALUES ('5001', 'secret')",
        PASSWORD_RULE,
    ),
    "a user without a password": (
        "INSERT INTO kamcti.gateway_user (name) VALUES ('desktop')",
        'null value in column "password_hash" of relation "gateway_user" violates not-null constraint',
    ),
    "a login with a blank": (
        "INSERT INTO kamcti.agent (login_id) VALUES ('50 01')",
        "a login has 1-64 of 0-9 A-Z a-z _ . @ - and no blanks",
    ),
    "an unknown role": (
        f"INSERT INTO kamcti.gateway_user (name, password_hash, role) VALUES ('d', '{HASH}', 'root')",
        'invalid input value for enum kamcti.gateway_role: "root"',
    ),
    "a ConnID in capitals": (
        "INSERT INTO kamcti.call (connid, call_uuid) VALUES ('00000000000000AB', repeat('A', 32))",
        "a ConnID is 16 lower-case hexadecimal digits",
    ),
    "a short CallUUID": (
        "INSERT INTO kamcti.call (connid, call_uuid) VALUES ('00000000000000ab', 'ABC')",
        "a CallUUID is 32 upper-case base-32 characters",
    ),
    "user data that is a list": (
        "INSERT INTO kamcti.call (connid, call_uuid, user_data) VALUES ('00000000000000ab', repeat('A', 32), '[]')",
        "a key-value list is a JSON object",
    ),
    "a party of no call": (
        "INSERT INTO kamcti.party (connid, dn, state) VALUES ('00000000000000ab', '1001', 'Alerting')",
        "the call of a party exists",
    ),
    "a leg of no call": (
        "INSERT INTO kamcti.leg (id, connid, call_id) VALUES ('a-1', '00000000000000ab', 'x')",
        "the call of a leg exists",
    ),
    "state of an unknown DN": ("INSERT INTO kamcti.dn_state (dn) VALUES ('9999')", "the DN exists"),
    "state of an unknown agent": ("INSERT INTO kamcti.agent_state (login_id) VALUES ('9999')", "the agent exists"),
    "state of an unknown destination": (
        "INSERT INTO kamcti.trunk_state (trunk, position) VALUES ('CUCM', 9)",
        "the trunk destination exists",
    ),
    "an answer without its time": (
        "INSERT INTO kamcti.request (gateway, session, name, body, answer) VALUES ('g', 's', 'n', '{}', '{}')",
        "an answer comes with its time",
    ),
}


def _execute_to_the_end(connection: psycopg.Connection, statement: str) -> None:
    """The statement, and what COMMIT would check."""
    connection.execute(statement)
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")


def _said(error: psycopg.Error) -> str:
    """Message and name of the constraint: what psql shows in its first line."""
    return f"{error.diag.message_primary} {error.diag.constraint_name or ''}"


@pytest.mark.parametrize(("statement", "reason"), BROKEN_RULES.values(), ids=BROKEN_RULES.keys())
def test_a_wrong_row_is_refused_in_words(site: psycopg.Connection, statement: str, reason: str) -> None:
    with pytest.raises(psycopg.Error) as refusal:
        _execute_to_the_end(site, statement)
    assert reason in _said(refusal.value)


def test_an_agent_who_is_logged_in_has_a_dn(site: psycopg.Connection) -> None:
    site.execute("INSERT INTO kamcti.agent (login_id) VALUES ('5001')")
    with pytest.raises(psycopg.errors.CheckViolation) as refusal:
        site.execute("INSERT INTO kamcti.agent_state (login_id, status) VALUES ('5001', 'Ready')")
    assert "an agent who is logged in has a DN" in _said(refusal.value)


@pytest.mark.parametrize(
    ("statement", "detail", "hint"),
    [
        (
            "DELETE FROM kamcti.trunk WHERE dn = 'CUCM'",
            "DNs that use it: 1001, 1002, 1003, 1004, 1005 and 4 more.",
            "Delete these DNs, or give them another trunk, first.",
        ),
        (
            "DELETE FROM kamcti.dn WHERE number = '7000'",
            "Numbers routed to it: 0800100.",
            "Delete these routes, or let them lead elsewhere, first.",
        ),
    ],
)
def test_a_refusal_names_what_is_in_the_way(site: psycopg.Connection, statement: str, detail: str, hint: str) -> None:
    site.execute(
        "INSERT INTO kamcti.dn (number, type, trunk) SELECT n, 'Extension', 'CUCM' FROM generate_series(1002, 1009) n"
    )
    with pytest.raises(psycopg.errors.ForeignKeyViolation) as refusal:
        site.execute(statement)
    assert refusal.value.diag.message_detail == detail
    assert refusal.value.diag.message_hint == hint


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "2001:db8::1", "::1", "cucm-1.example.com", "a", "dead.beef", "1a.example"]
)
def test_a_host_is_taken(site: psycopg.Connection, host: str) -> None:
    site.execute("UPDATE kamcti.trunk_destination SET host = %s", [host])


@pytest.mark.parametrize(
    "options", ["{}", '{"a": "x"}', '{"a": 1, "b": 0.5, "c": true, "d": false}', '{"a": ["x", "y"], "b": []}']
)
def test_options_are_taken(site: psycopg.Connection, options: str) -> None:
    site.execute("UPDATE kamcti.switch SET options = %s", [options])


def test_a_dn_and_its_trunk_are_deleted_as_one(site: psycopg.Connection) -> None:
    site.execute("DELETE FROM kamcti.dn WHERE number = 'PSTN'")
    assert site.execute("SELECT dn FROM kamcti.trunk").fetchall() == [("CUCM",)]


def test_a_renumbered_dn_keeps_its_routes_and_its_phones(site: psycopg.Connection) -> None:
    site.execute("UPDATE kamcti.dn SET number = '7001' WHERE number = '7000'")
    site.execute("UPDATE kamcti.dn SET number = 'CLUSTER' WHERE number = 'CUCM'")
    assert site.execute("SELECT dn FROM kamcti.route").fetchall() == [("7001",)]
    assert site.execute("SELECT trunk FROM kamcti.dn WHERE number = '1001'").fetchone() == ("CLUSTER",)
    assert site.execute("SELECT trunk FROM kamcti.trunk_destination").fetchall() == [("CLUSTER",)]


def test_a_destination_that_becomes_another_peer_is_unknown_again(site: psycopg.Connection) -> None:
    site.execute("INSERT INTO kamcti.trunk_state (trunk, position, state) VALUES ('CUCM', 1, 'up')")
    site.execute("UPDATE kamcti.trunk_destination SET weight = 60")
    assert site.execute("SELECT state::text FROM kamcti.trunk_state").fetchall() == [("up",)]
    site.execute("UPDATE kamcti.trunk_destination SET host = '192.0.2.99'")
    assert site.execute("SELECT state::text FROM kamcti.trunk_state").fetchall() == []


@pytest.fixture(scope="module")
def site_database(postgres_cluster: PrivatePostgres) -> Iterator[Database]:
    with new_database(postgres_cluster) as made:
        with made.connect() as connection:
            connection.execute(SITE)
        yield made


@pytest.fixture
def site(site_database: Database) -> Iterator[psycopg.Connection]:
    """A connection to a database with a small site; what the test does is rolled back."""
    with psycopg.connect(site_database.conninfo()) as connection:
        yield connection
        connection.rollback()
