"""The journal while PostgreSQL is away, ends, hangs, or forgets to answer."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from kemi import rows
from kemi.backlog import Limits
from kemi.database import ConnectionLost, Link
from kemi.metrics import Metric
from tests.integration.journal_kit import RunningJournal, call_batches, event, event_rows
from tests.kit.call_facts import CallFacts
from tests.kit.fixtures_postgres import Database
from tests.kit.postgres import SUPERUSER, PrivatePostgres
from tests.kit.processes import wait_for

X = CallFacts()
HOME = Path(__file__).resolve().parents[2]

Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.connect() as open_connection:
        yield open_connection


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[PrivatePostgres]:
    """A durable cluster that the test may stop, or kill."""
    with PrivatePostgres(tmp_path) as cluster:
        cluster.create_database()
        cluster.migrate()
        yield cluster


def backend(connection: Connection) -> int:
    """Process id of the server process that serves the journal."""
    found = connection.execute(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'kamcti journal' AND datname = current_database()"
    ).fetchone()
    assert found is not None
    (pid,) = found
    assert isinstance(pid, int)
    return pid


def test_away_at_start_and_in_the_middle(own_cluster: PrivatePostgres) -> None:
    own_cluster.stop()
    with RunningJournal(own_cluster.conninfo("kamcti_switch")) as journal:
        journal.put(rows.Batch(events=[event(n) for n in range(5)]))
        for _ in range(20):
            journal.step()
        assert not journal.queue.entries, "the queue is emptied into memory"
        own_cluster.start()
        journal.settle()

        own_cluster.kill()
        journal.until(lambda: journal.metrics.value(Metric.JOURNAL_CONNECTED) == 0, "the loss is noticed")
        journal.put(rows.Batch(events=[event(n) for n in range(5, 10)]), *call_batches(X)[:2])
        for _ in range(20):
            journal.step()
        own_cluster.start()
        journal.settle()
    with psycopg.connect(own_cluster.conninfo(), autocommit=True) as connection:
        assert [(row[0], row[2]) for row in event_rows(connection)] == [
            *((n + 1, str(n)) for n in range(10)),
            (11, "1001"),
        ]
        assert connection.execute("SELECT count(*) FROM kamcti.party").fetchone() == (2,)


def test_a_call_that_came_and_went_while_the_database_was_away_leaves_its_events_only(
    own_cluster: PrivatePostgres,
) -> None:
    with RunningJournal(own_cluster.conninfo("kamcti_switch")) as journal:
        known, unknown = CallFacts(1, dn="1001"), CallFacts(2, dn="1002")
        journal.write(*call_batches(known)[:4])
        own_cluster.stop()
        journal.put(call_batches(known)[4], *call_batches(unknown))
        for _ in range(20):
            journal.step()
        own_cluster.start()
        journal.settle()
    with psycopg.connect(own_cluster.conninfo(), autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM kamcti.call").fetchone() == (0,)
        assert [row[0] for row in event_rows(connection)] == list(range(1, 11))


def test_connections_that_end_again_and_again_lose_and_double_nothing(
    database: Database, connection: Connection
) -> None:
    with RunningJournal(database.conninfo("kamcti_switch")) as journal, database.connect(SUPERUSER) as superuser:
        for number in range(300):
            journal.put(rows.Batch(events=[event(number)]))
            journal.step()
            if number % 20 == 10:
                superuser.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kamcti journal'"
                    " AND datname = current_database()"
                )
        journal.settle()
    stored = event_rows(connection)
    assert [row[0] for row in stored] == list(range(1, 301))
    assert [row[2] for row in stored] == [str(n) for n in range(300)]


def test_a_commit_whose_answer_was_lost_is_not_repeated(
    database: Database, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RunningJournal(database.conninfo("kamcti_switch")) as journal:
        journal.settle()
        journal.put(rows.Batch(events=[event(0), event(1)], calls=call_batches(X)[0].calls))
        journal.step()
        wait_for(lambda: event_rows(connection), "the chunk is committed")

        def answer_is_lost(_: Link) -> bool:
            raise ConnectionLost("cut")

        with monkeypatch.context() as patch:
            patch.setattr(Link, "done", answer_is_lost)
            journal.journal.advance()
        journal.write(rows.Batch(events=[event(2)]))
    assert [(row[0], row[2]) for row in event_rows(connection)] == [(1, "0"), (2, "1"), (3, "2")]
    assert connection.execute("SELECT count(*) FROM kamcti.call").fetchone() == (1,)


def test_a_server_that_hangs_does_not_hold_the_journal_up(database: Database, connection: Connection) -> None:
    with RunningJournal(database.conninfo("kamcti_switch")) as journal:
        journal.write(rows.Batch(events=[event(0)]))
        server = backend(connection)
        os.kill(server, signal.SIGSTOP)
        try:
            for number in range(1, 50):
                journal.put(rows.Batch(events=[event(number)]))
                journal.step()
            assert not journal.queue.entries
            assert len(event_rows(connection)) == 1
        finally:
            os.kill(server, signal.SIGCONT)
        journal.settle()
    assert [row[2] for row in event_rows(connection)] == [str(n) for n in range(50)]


def test_beyond_the_bounds_the_oldest_events_go_and_their_numbers_stay_unused(
    own_cluster: PrivatePostgres,
) -> None:
    limits = Limits(events=10)
    with RunningJournal(own_cluster.conninfo("kamcti_switch"), limits=limits) as journal:
        journal.write(rows.Batch(events=[event(0)]))
        own_cluster.stop()
        journal.until(lambda: journal.metrics.value(Metric.JOURNAL_CONNECTED) == 0, "the loss is noticed")
        journal.put(*[rows.Batch(events=[event(n)]) for n in range(1, 31)], call_batches(X)[0])
        for _ in range(5):
            journal.step()
        own_cluster.start()
        journal.settle()
    with psycopg.connect(own_cluster.conninfo(), autocommit=True) as connection:
        stored = event_rows(connection)
        assert [row[2] for row in stored] == ["0", *(str(n) for n in range(21, 31))]
        assert [row[0] for row in stored] == [1, *range(22, 32)]
        assert connection.execute("SELECT count(*) FROM kamcti.call").fetchone() == (1,)


def test_a_database_without_its_tables_is_waited_for(postgres_cluster: PrivatePostgres) -> None:
    name = "kamcti_empty_journal"
    postgres_cluster.create_database(name)
    try:
        with RunningJournal(postgres_cluster.conninfo("kamcti_switch", name)) as journal:
            journal.put(rows.Batch(events=[event(0)]))
            for _ in range(50):
                journal.step()
            assert journal.metrics.value(Metric.JOURNAL_CONNECTED) == 0
            postgres_cluster.migrate(name)
            journal.settle()
            with psycopg.connect(postgres_cluster.conninfo(dbname=name)) as connection:
                assert len(event_rows(connection)) == 1
    finally:
        postgres_cluster.drop_database(name)


def test_a_right_that_was_taken_away_costs_no_row(database: Database, connection: Connection) -> None:
    with RunningJournal(database.conninfo("kamcti_switch")) as journal:
        journal.write(rows.Batch(events=[event(0)]))
        connection.execute("REVOKE INSERT ON kamcti.event FROM kamcti_switch")
        journal.put(rows.Batch(events=[event(1), event(2)]))
        journal.until(lambda: journal.metrics.value(Metric.JOURNAL_CONNECTED) == 0, "it is refused")
        connection.execute("GRANT INSERT ON kamcti.event TO kamcti_switch")
        journal.settle()
    assert [row[2] for row in event_rows(connection)] == ["0", "1", "2"]
    assert journal.metrics.value(Metric.SKIPPED_ROWS) == 0


@pytest.mark.parametrize("conninfo", ["nonsense", "host=/nowhere dbname=none", "host=127.0.0.1 port=1"])
def test_a_connection_string_that_is_wrong_is_said_and_not_raised(conninfo: str) -> None:
    with RunningJournal(conninfo) as journal:
        journal.put(rows.Batch(events=[event(0)]))
        journal.until(lambda: bool(journal.log.lines), "it says something")
        assert not journal.queue.entries
        assert not journal.journal.idle


def test_calls_of_an_earlier_run_are_ended(database: Database, connection: Connection) -> None:
    with connection.transaction():
        connection.execute("INSERT INTO kamcti.dn (number, type) VALUES ('CUCM', 'Trunk')")
        connection.execute("INSERT INTO kamcti.trunk (dn) VALUES ('CUCM')")
        for dn in ("1001", "1002", "1003"):
            connection.execute("INSERT INTO kamcti.dn (number, type, trunk) VALUES (%s, 'Extension', 'CUCM')", [dn])
    talking = CallFacts(1, dn="1001")
    dialling = CallFacts(2, dn="1002", caller="1003", caller_is_dn=True)
    invited = CallFacts(3, dn="1002")
    conninfo = database.conninfo("kamcti_switch")
    with RunningJournal(conninfo) as before:
        before.write(*call_batches(talking)[:4], *call_batches(dialling)[:2], *call_batches(invited)[:1])
        before.write(rows.Batch())
        already = len(event_rows(connection))
        assert connection.execute("SELECT count(*) FROM kamcti.call").fetchone() == (3,)
    with RunningJournal(conninfo) as after:
        after.write(*call_batches(CallFacts(4, dn="1001"))[:2])
    ended = event_rows(connection)[already:]
    assert [(row[1], row[2]) for row in ended] == [
        ("EventReleased", "1001"),
        ("EventOnHook", "1001"),
        ("EventReleased", "1003"),
        ("EventOnHook", "1003"),
        ("EventReleased", "1002"),
        ("EventRinging", "1001"),
    ]
    assert connection.execute("SELECT connid FROM kamcti.call").fetchall() == [(CallFacts(4).connid,)]
    (released,) = connection.execute(
        "SELECT body FROM kamcti.event WHERE name = 'EventReleased' AND this_dn = '1001'"
    ).fetchall()
    (body,) = released
    assert isinstance(body, dict)
    assert (body["CallState"], body["OtherDN"], body["OtherTrunk"]) == ("SystemError", talking.caller, "PSTN")


_PROCESS = """
import sys
from kemi import rows
from tests.integration.journal_kit import RunningJournal, event

journal = RunningJournal(sys.argv[1])
if sys.argv[2] == "connected":
    journal.settle()
journal.journal.run_once()
print("ready", flush=True)
while True:
    for _ in range(10):
        journal.put(rows.Batch(events=[event(0)]))
        print("event", flush=True)
    journal.journal.run_once()
"""


def _process(conninfo: str, how: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", _PROCESS, conninfo, how], stdout=subprocess.PIPE, text=True, cwd=HOME
    )


def test_sigterm_writes_what_there_is_and_ends(database: Database, connection: Connection) -> None:
    with _process(database.conninfo("kamcti_switch"), "connected") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert process.stdout.readline() == "event\n"
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(timeout=10) == 0
    assert len(event_rows(connection)) == 1 + rest.count("event")
    locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database"
    wait_for(
        lambda: connection.execute(f"{locks} WHERE datname = current_database())").fetchone() == (0,),
        "the next journal may write",
    )


def test_sigterm_without_a_database_ends_all_the_same() -> None:
    with _process("host=/nowhere", "not connected") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
