"""The schema as a whole: documented, in the words of T-Library, and made by migrations that can be run at any time."""

import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from kamcti import configuration, migrations
from tests.kit.fixtures_postgres import Database
from tests.kit.postgres import PrivatePostgres
from tlib import enums

UNDOCUMENTED = """
    SELECT 'relation ' || c.relname FROM pg_class c
    WHERE c.relnamespace = 'kamcti'::regnamespace AND c.relkind IN ('r', 'p', 'v')
      AND obj_description(c.oid, 'pg_class') IS NULL
    UNION ALL
    SELECT 'column ' || c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'kamcti'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
      AND a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL
    UNION ALL
    SELECT 'type ' || t.typname FROM pg_type t
    WHERE t.typnamespace = 'kamcti'::regnamespace AND t.typtype IN ('d', 'e')
      AND obj_description(t.oid, 'pg_type') IS NULL
    UNION ALL
    SELECT 'function ' || p.proname FROM pg_proc p
    WHERE p.pronamespace = 'kamcti'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL
"""


def test_everything_has_a_comment(database: Database) -> None:
    with database.connect() as connection:
        assert connection.execute(UNDOCUMENTED).fetchall() == []


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("call_type", [member.value for member in enums.CallType]),
        ("dn_role", [member.value for member in enums.DNRole]),
        ("party_state", [member.value for member in enums.PartyState]),
        ("agent_work_mode", [member.value for member in enums.AgentWorkMode]),
        ("agent_status", [m.value for m in enums.AgentStatus if m is not enums.AgentStatus.UNKNOWN]),
        ("dn_type", [member.value for member in configuration.DnType]),
        ("transport", [member.value for member in configuration.Transport]),
        ("trunk_selection", [member.value for member in configuration.Selection]),
        ("gateway_role", [member.value for member in configuration.GatewayRole]),
    ],
)
def test_enumerations_are_those_of_the_programs(database: Database, name: str, values: list[str]) -> None:
    with database.connect() as connection:
        rows = connection.execute(
            "SELECT enumlabel FROM pg_enum WHERE enumtypid = %s::regtype ORDER BY enumsortorder", [f"kamcti.{name}"]
        )
        assert [label for (label,) in rows] == values


def test_a_new_database_has_its_switch(database: Database) -> None:
    with database.connect() as connection:
        assert connection.execute("SELECT name, options FROM kamcti.switch").fetchall() == [("kamcti", {})]


def test_dn_status_derives_what_is_busy(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("INSERT INTO kamcti.dn (number, type) VALUES ('7000', 'RoutingPoint'), ('7001', 'ACDQueue')")
        connection.execute("INSERT INTO kamcti.call (connid, call_uuid) VALUES ('00000000000000ab', repeat('A', 32))")
        connection.execute(
            "INSERT INTO kamcti.party (connid, dn, state) VALUES ('00000000000000ab', '7000', 'Queued'),"
            " ('00000000000000ab', '0301234', 'Connected')"
        )
        connection.execute("INSERT INTO kamcti.dn_state (dn, in_service) VALUES ('7001', false)")
        query = "SELECT dn, calls, busy, in_service FROM kamcti.dn_status ORDER BY dn"
        assert connection.execute(query).fetchall() == [("7000", 1, True, True), ("7001", 0, False, False)]
        connection.execute("DELETE FROM kamcti.call")
        assert connection.execute(query).fetchall() == [("7000", 0, False, True), ("7001", 0, False, False)]


def test_deleting_a_call_takes_its_parties_and_legs(database: Database) -> None:
    with database.connect("kamcti_switch") as connection:
        connection.execute("INSERT INTO kamcti.call (connid, call_uuid) VALUES ('00000000000000ab', repeat('A', 32))")
        connection.execute("INSERT INTO kamcti.party (connid, dn, state) VALUES ('00000000000000ab', '1', 'Held')")
        connection.execute("INSERT INTO kamcti.leg (id, connid, call_id) VALUES ('ab-1', '00000000000000ab', 'x')")
        connection.execute("DELETE FROM kamcti.call")
        assert connection.execute("SELECT count(*) FROM kamcti.party").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM kamcti.leg").fetchone() == (0,)


def test_migrations_are_applied_once(postgres_cluster: PrivatePostgres, database: Database) -> None:
    assert migrations.pending(database.conninfo()) == []
    assert postgres_cluster.migrate(database.name) == []


def test_an_empty_database_lacks_them_all(empty_database: str) -> None:
    names = migrations.pending(empty_database)
    assert names == sorted(path.stem for path in migrations.DIRECTORY.glob("*.sql"))
    assert migrations.apply(empty_database) == names
    assert migrations.pending(empty_database) == []


def test_two_that_migrate_at_once_take_turns(empty_database: str) -> None:
    applied: list[list[str]] = []
    threads = [threading.Thread(target=lambda: applied.append(migrations.apply(empty_database))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(map(len, applied)) == [0, 0, len(list(migrations.DIRECTORY.glob("*.sql")))]


def test_a_lock_left_by_a_process_that_died_does_not_stop_the_next(empty_database: str) -> None:
    migrations.apply(empty_database)
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("INSERT INTO kamcti_migrations.yoyo_lock (locked, ctime, pid) VALUES (1, now(), 1)")
    assert migrations.apply(empty_database) == []


def test_a_migration_that_fails_leaves_nothing_of_itself(empty_database: str, tmp_path: Path) -> None:
    (tmp_path / "0001.good.sql").write_text("CREATE TABLE public.good (x int);\n")
    (tmp_path / "0002.bad.sql").write_text("CREATE TABLE public.half (x int);\nSELECT 1 / 0;\n")
    with psycopg.connect(empty_database, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            migrations.apply(empty_database, tmp_path)
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert tables == [("good",)]
    assert migrations.pending(empty_database, tmp_path) == ["0002.bad"]


def test_a_directory_without_migrations_is_an_error(empty_database: str, tmp_path: Path) -> None:
    with pytest.raises(migrations.MigrationsMissing, match=str(tmp_path)):
        migrations.apply(empty_database, tmp_path)


@pytest.fixture
def empty_database(postgres_cluster: PrivatePostgres) -> Iterator[str]:
    postgres_cluster.create_database("kamcti_empty")
    yield postgres_cluster.conninfo(dbname="kamcti_empty")
    postgres_cluster.drop_database("kamcti_empty")
