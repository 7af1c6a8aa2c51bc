"""Least rights: each role can do what its process must, and nothing beyond."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from kamcti import configuration_store
from kamcti.site_file import parse
from tests.kit.fixtures_postgres import Database, new_database
from tests.kit.postgres import PrivatePostgres

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "site.example.yaml"
SWITCH, GATEWAY, READER = "kamcti_switch", "kamcti_gateway", "kamcti_reader"
HASH = "scrypt$16384$8$1$nKc4vIgq7ty8MMZ/W3OuFg==$UAjgPZMKIv1NjnBnD6Z8UZ3PiPDm+i/ZB94nq5Oe4gs="
CALL = "INSERT INTO kamcti.call (connid, call_uuid) VALUES ('00000000000000ab', repeat('A', 32))"
EVENT = "INSERT INTO kamcti.event (seq, at, name, body) VALUES (1, now(), 'EventLinkConnected', '{}')"
REQUEST = (
    "INSERT INTO kamcti.request (gateway, session, reference_id, name, dn, body)"
    " VALUES ('g', 's', 1, 'RequestMakeCall', '1001', '{}') RETURNING id"
)
CONFIGURATION = ("switch", "dn", "trunk", "trunk_destination", "route", "agent", "gateway_user")
LIVE = ("call", "party", "leg", "agent_state", "dn_state", "trunk_state")

ALLOWED = [
    (SWITCH, "SELECT * FROM kamcti.switch, kamcti.dn, kamcti.trunk, kamcti.trunk_destination, kamcti.route"),
    (SWITCH, "SELECT login_id, name, options, enabled FROM kamcti.agent"),
    (SWITCH, f"{CALL}; UPDATE kamcti.call SET ani = '1'; DELETE FROM kamcti.call"),
    (SWITCH, f"{CALL}; INSERT INTO kamcti.party (connid, dn, state) VALUES ('00000000000000ab', '1001', 'Alerting')"),
    (SWITCH, f"{CALL}; INSERT INTO kamcti.leg (id, connid, call_id) VALUES ('ab-1', '00000000000000ab', 'x')"),
    (SWITCH, "INSERT INTO kamcti.dn_state (dn, dnd) VALUES ('1001', true); UPDATE kamcti.dn_state SET dnd = false"),
    (SWITCH, "INSERT INTO kamcti.agent_state (login_id, dn, status) VALUES ('5001', '1001', 'Ready')"),
    (SWITCH, "INSERT INTO kamcti.trunk_state (trunk, position, state) VALUES ('CUCM', 1, 'up')"),
    (SWITCH, f"{EVENT}; SELECT max(seq) FROM kamcti.event"),
    (SWITCH, "SELECT kamcti.event_partitions_prepare(9); SELECT kamcti.event_partitions_drop(30)"),
    (SWITCH, "SELECT * FROM kamcti.request; SELECT kamcti.requests_drop('1 hour')"),
    (SWITCH, "UPDATE kamcti.request SET taken_at = now(), answered_at = now(), answer = '{}'"),
    (GATEWAY, "SELECT * FROM kamcti.switch, kamcti.dn, kamcti.agent, kamcti.gateway_user"),
    (GATEWAY, "SELECT * FROM kamcti.call, kamcti.party, kamcti.leg, kamcti.agent_state, kamcti.dn_state"),
    (GATEWAY, "SELECT * FROM kamcti.trunk_state, kamcti.dn_status, kamcti.event"),
    (GATEWAY, f"{REQUEST}; SELECT answer FROM kamcti.request"),
    (READER, "SELECT * FROM kamcti.switch, kamcti.dn, kamcti.trunk, kamcti.trunk_destination, kamcti.route"),
    (READER, "SELECT login_id, name, options, enabled FROM kamcti.agent"),
    (READER, "SELECT name, role, enabled FROM kamcti.gateway_user"),
    (READER, "SELECT * FROM kamcti.call, kamcti.party, kamcti.leg, kamcti.agent_state, kamcti.dn_state"),
    (READER, "SELECT * FROM kamcti.trunk_state, kamcti.dn_status, kamcti.event, kamcti.request"),
]

REFUSED = [
    *((role, f"DELETE FROM kamcti.{table}") for role in (SWITCH, GATEWAY, READER) for table in CONFIGURATION),
    *((role, f"DELETE FROM kamcti.{table}") for role in (GATEWAY, READER) for table in LIVE),
    *((role, f"DELETE FROM kamcti.{table}") for role in (SWITCH, GATEWAY, READER) for table in ("event", "request")),
    *(
        (role, f"TRUNCATE kamcti.{table}")
        for role in (SWITCH, GATEWAY, READER)
        for table in ("event", "request", "call")
    ),
    *((role, "UPDATE kamcti.event SET name = 'x'") for role in (SWITCH, GATEWAY, READER)),
    *((role, "UPDATE kamcti.dn SET enabled = false") for role in (SWITCH, GATEWAY, READER)),
    *((role, "SELECT name FROM kamcti_migrations._yoyo_migration") for role in (SWITCH, GATEWAY, READER)),
    *((role, "CREATE TABLE kamcti.mine (x int)") for role in (SWITCH, GATEWAY, READER)),
    *((role, EVENT) for role in (GATEWAY, READER)),
    *((role, CALL) for role in (GATEWAY, READER)),
    *((role, "SELECT kamcti.event_partitions_prepare(9)") for role in (GATEWAY, READER)),
    *((role, "SELECT kamcti.event_partitions_drop(1)") for role in (GATEWAY, READER)),
    *((role, "SELECT kamcti.requests_drop('1 hour')") for role in (GATEWAY, READER)),
    (SWITCH, "SELECT password_hash FROM kamcti.agent"),
    (SWITCH, "SELECT name FROM kamcti.gateway_user"),
    (SWITCH, REQUEST),
    (SWITCH, "UPDATE kamcti.request SET body = '{}'"),
    (GATEWAY, "SELECT number FROM kamcti.route"),
    (GATEWAY, "UPDATE kamcti.request SET answer = '{}', answered_at = now()"),
    (
        GATEWAY,
        "INSERT INTO kamcti.request (gateway, session, name, body, taken_at) VALUES ('g', 's', 'n', '{}', now())",
    ),
    (GATEWAY, "UPDATE kamcti.gateway_user SET role = 'administrator'"),
    (READER, "SELECT password_hash FROM kamcti.agent"),
    (READER, "SELECT password_hash FROM kamcti.gateway_user"),
    (READER, "SELECT * FROM kamcti.gateway_user"),
    (READER, REQUEST),
]


@pytest.mark.parametrize(("role", "statements"), ALLOWED)
def test_a_role_does_what_it_must(cluster_site: Database, role: str, statements: str) -> None:
    with psycopg.connect(cluster_site.conninfo(role)) as connection:
        for statement in statements.split("; "):
            connection.execute(statement)
        connection.rollback()


@pytest.mark.parametrize(("role", "statement"), REFUSED)
def test_a_role_is_refused_the_rest(cluster_site: Database, role: str, statement: str) -> None:
    with (
        cluster_site.connect(role) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_whoever_has_no_role_of_ours_sees_nothing(cluster_site: Database, postgres_cluster: PrivatePostgres) -> None:
    with cluster_site.connect() as owner:
        owner.execute("DROP ROLE IF EXISTS stranger")
        owner.execute("CREATE ROLE stranger LOGIN")
    try:
        with cluster_site.connect("stranger") as connection:
            for statement in ("SELECT * FROM kamcti.dn", "SELECT kamcti.event_partitions_drop(1)"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
    finally:
        with cluster_site.connect() as owner:
            owner.execute("DROP ROLE stranger")


def test_an_administrator_needs_no_more_than_the_configuration_tables(
    postgres_cluster: PrivatePostgres,
) -> None:
    with new_database(postgres_cluster) as site, site.connect() as owner:
        owner.execute("CREATE ROLE site_administrator LOGIN")
        try:
            owner.execute("GRANT USAGE ON SCHEMA kamcti TO site_administrator")
            for table in CONFIGURATION:
                owner.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON kamcti.{table} TO site_administrator")
            administrator = site.conninfo("site_administrator")
            example = EXAMPLE.read_text()
            assert (
                configuration_store.apply(administrator, parse(example)).summary() == "19 added, 1 changed, 0 removed"
            )
            owner.execute("INSERT INTO kamcti.trunk_state (trunk, position, state) VALUES ('CUCM', 1, 'up')")
            owner.execute("INSERT INTO kamcti.dn_state (dn) VALUES ('1001')")
            moved = example.replace("192.0.2.10", "192.0.2.99").replace("dn: 1001", "dn: 1009")
            assert configuration_store.apply(administrator, parse(moved))
            assert configuration_store.apply(administrator, parse("switch: {name: empty}\n"))
            assert owner.execute("SELECT count(*) FROM kamcti.dn").fetchone() == (0,)
        finally:
            owner.execute("REVOKE ALL ON ALL TABLES IN SCHEMA kamcti FROM site_administrator")
            owner.execute("REVOKE ALL ON SCHEMA kamcti FROM site_administrator")
            owner.execute("DROP ROLE site_administrator")


def test_every_column_but_the_secret_ones_is_open_to_the_reader(cluster_site: Database) -> None:
    """A table that a later migration forgets to grant is found here."""
    with cluster_site.connect() as connection:
        closed = connection.execute(
            """
            SELECT relname || '.' || attname
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            WHERE relnamespace = 'kamcti'::regnamespace AND relkind IN ('r', 'p', 'v') AND NOT relispartition
              AND attnum > 0 AND NOT attisdropped
              AND NOT has_column_privilege('kamcti_reader', pg_class.oid, attnum, 'SELECT')
            ORDER BY 1
            """
        ).fetchall()
    assert closed == [("agent.password_hash",), ("gateway_user.password_hash",)]


@pytest.fixture(scope="module")
def cluster_site(postgres_cluster: PrivatePostgres) -> Iterator[Database]:
    """A site with one of everything that the statements name."""
    with new_database(postgres_cluster) as made:
        with psycopg.connect(made.conninfo()) as connection:
            connection.execute("INSERT INTO kamcti.dn (number, type) VALUES ('CUCM', 'Trunk')")
            connection.execute("INSERT INTO kamcti.trunk (dn) VALUES ('CUCM')")
            connection.execute(
                "INSERT INTO kamcti.trunk_destination (trunk, position, host) VALUES ('CUCM', 1, '192.0.2.10')"
            )
            connection.execute("INSERT INTO kamcti.dn (number, type, trunk) VALUES ('1001', 'Extension', 'CUCM')")
            connection.execute("INSERT INTO kamcti.agent (login_id, password_hash) VALUES ('5001', %s)", [HASH])
            connection.execute("INSERT INTO kamcti.gateway_user (name, password_hash) VALUES ('d', %s)", [HASH])
        yield made
