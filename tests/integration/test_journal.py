"""The journal on a real PostgreSQL: what it writes, and how events are numbered."""

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from kemi import rows
from kemi.backlog import Limits
from kemi.journal import SLEEP
from kemi.metrics import Metric
from kemi.wakeup import Poke
from tests.integration.journal_kit import RunningJournal, call_batches, event, event_rows
from tests.kit.call_facts import CallFacts
from tests.kit.fixtures_postgres import Database
from tests.kit.processes import wait_for

X = CallFacts()


@pytest.fixture
def journal(database: Database) -> Iterator[RunningJournal]:
    with RunningJournal(database.conninfo("kamcti_switch")) as running:
        yield running


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    with database.connect() as open_connection:
        yield open_connection


Connection = psycopg.Connection[tuple[object, ...]]


def test_a_call_becomes_events_and_live_state(journal: RunningJournal, connection: Connection) -> None:
    invited, ringing, *_ = call_batches(X)
    journal.write(invited, ringing)

    (stored,) = connection.execute("SELECT seq, this_dn, name, connid, body FROM kamcti.event").fetchall()
    body = stored[4]
    assert stored[:4] == (1, "1001", "EventRinging", X.connid)
    assert isinstance(body, dict)
    assert (body["message"], body["EventSequenceNumber"], body["OtherTrunk"]) == ("EventRinging", 1, "PSTN")
    assert connection.execute(
        "SELECT connid, call_type::text, ani, dnis, trunk_in, user_data, previous_connid FROM kamcti.call"
    ).fetchall() == [(X.connid, "Inbound", X.caller, X.dialled, "PSTN", {}, None)]
    assert connection.execute("SELECT dn, role::text, state::text, leg FROM kamcti.party ORDER BY dn").fetchall() == [
        (X.caller, "Origination", "Dialing", X.a),
        ("1001", "Destination", "Alerting", X.b),
    ]
    assert connection.execute("SELECT id, connid, trunk, peer, remote_tag FROM kamcti.leg ORDER BY id").fetchall() == [
        (X.a, X.connid, "PSTN", X.b, "from-tag"),
        (X.b, X.connid, "CUCM", X.a, ""),
    ]


def test_live_state_follows_the_call_to_its_end(journal: RunningJournal, connection: Connection) -> None:
    invited, ringing, answered, confirmed, bye = call_batches(X)
    journal.write(invited, ringing)
    journal.write(answered)
    leg = "SELECT remote_tag, remote_target, route_set FROM kamcti.leg WHERE id = %s"
    assert connection.execute(leg, [X.b]).fetchone() == ("to-tag", "sip:1001@192.0.2.2:5060", "<sip:192.0.2.3;lr>")
    journal.write(confirmed)
    states = "SELECT DISTINCT state::text FROM kamcti.party"
    assert connection.execute(states).fetchall() == [("Connected",)]
    journal.write(bye)
    for table in ("call", "party", "leg"):
        assert connection.execute(f"SELECT count(*) FROM kamcti.{table}").fetchone() == (0,)
    assert [row[1] for row in event_rows(connection)] == [
        "EventRinging",
        "EventOffHook",
        "EventEstablished",
        "EventReleased",
        "EventOnHook",
    ]


def test_events_and_the_state_they_describe_are_one_transaction(
    journal: RunningJournal, connection: Connection
) -> None:
    invited, ringing, *_ = call_batches(X)
    journal.write(invited, ringing)
    writers = "SELECT xmin::text FROM kamcti.{}"
    seen = {row for table in ("event", "call", "party", "leg") for row in connection.execute(writers.format(table))}
    assert len(seen) == 1


def test_readers_are_notified_once_a_transaction_with_the_last_number(
    journal: RunningJournal, connection: Connection
) -> None:
    connection.execute("LISTEN kamcti_event")
    journal.write(rows.Batch(events=[event(n) for n in range(3)]))
    journal.write(rows.Batch(ended=[X.connid]))
    journal.write(rows.Batch(events=[event(3)]))
    heard = connection.notifies(timeout=5, stop_after=2)
    assert [(n.channel, n.payload) for n in heard] == [("kamcti_event", "3"), ("kamcti_event", "4")]


def test_numbers_go_on_after_a_restart(database: Database, connection: Connection) -> None:
    for start in (0, 2, 4):
        with RunningJournal(database.conninfo("kamcti_switch")) as journal:
            journal.write(rows.Batch(events=[event(start), event(start + 1)]))
    assert [row[0] for row in event_rows(connection)] == [1, 2, 3, 4, 5, 6]


def test_what_happens_within_one_flush_is_written_once(journal: RunningJournal, connection: Connection) -> None:
    journal.write(*call_batches(X))
    assert journal.metrics.value(Metric.FLUSHES) == 1
    assert len(event_rows(connection)) == 5
    assert connection.execute("SELECT count(*) FROM kamcti.call").fetchone() == (0,)


def test_a_dn_that_calls_itself_is_one_party(journal: RunningJournal, connection: Connection) -> None:
    call = CallFacts(caller="1001", caller_is_dn=True, dn="1001")
    invited, ringing, *_ = call_batches(call)
    journal.write(invited, ringing)
    assert connection.execute("SELECT dn, role::text FROM kamcti.party").fetchall() == [("1001", "Destination")]
    assert journal.metrics.value(Metric.SKIPPED_ROWS) == 0


def test_strange_texts_of_peers_are_stored_as_they_are(journal: RunningJournal, connection: Connection) -> None:
    strange = "o'ne\"il\\ {1,2} ü \t☎ $1 %s"
    invited, ringing, *_ = call_batches(CallFacts(caller=strange))
    journal.write(invited, ringing)
    assert connection.execute("SELECT ani FROM kamcti.call").fetchall() == [(strange,)]
    ((body,),) = connection.execute("SELECT body FROM kamcti.event").fetchall()
    assert isinstance(body, dict)
    assert body["ANI"] == strange
    assert journal.metrics.value(Metric.SKIPPED_ROWS) == 0


def test_trunk_destinations(journal: RunningJournal, connection: Connection) -> None:
    with connection.transaction():
        connection.execute("INSERT INTO kamcti.dn (number, type) VALUES ('PSTN', 'Trunk')")
        connection.execute("INSERT INTO kamcti.trunk (dn) VALUES ('PSTN')")
        connection.execute(
            "INSERT INTO kamcti.trunk_destination (trunk, position, host) VALUES ('PSTN', 1, '192.0.2.1')"
        )
    gone = rows.DestinationRow("PSTN", 7, "up", 1_700_000_000.0)
    journal.write(rows.Batch(destinations=[rows.DestinationRow("PSTN", 1, "down", 1_700_000_000.0), gone]))
    states = "SELECT trunk, position, state::text FROM kamcti.trunk_state"
    assert connection.execute(states).fetchall() == [("PSTN", 1, "down")]
    journal.write(rows.Batch(destinations=[rows.DestinationRow("PSTN", 1, "up", 1_700_000_009.0)]))
    assert connection.execute(states).fetchall() == [("PSTN", 1, "up")]


def test_answers_are_given_once(journal: RunningJournal, connection: Connection) -> None:
    connection.execute("LISTEN kamcti_answer")
    insert = "INSERT INTO kamcti.request (gateway, session, name, body) VALUES ('g', 's', 'R', '{}') RETURNING id"
    first = connection.execute(insert).fetchone()
    assert first is not None
    (number,) = first
    assert isinstance(number, int)
    answer = rows.msgspec.Raw(b'{"message":"EventError"}')
    journal.write(rows.Batch(answers=[rows.AnswerRow(number, answer), rows.AnswerRow(number + 1000, answer)]))
    journal.write(rows.Batch(answers=[rows.AnswerRow(number, rows.msgspec.Raw(b'{"message":"Late"}'))]))
    assert connection.execute("SELECT answer FROM kamcti.request").fetchall() == [({"message": "EventError"},)]
    heard = connection.notifies(timeout=1, stop_after=2)
    assert [n.payload for n in heard] == [str(number)]


def test_a_row_that_the_database_refuses_is_skipped_alone(journal: RunningJournal, connection: Connection) -> None:
    batch = rows.Batch(events=[event(n) if n != 13 else event(n, connid="no connid") for n in range(20)])
    journal.write(batch, *call_batches(X)[:2])
    assert journal.metrics.value(Metric.SKIPPED_ROWS) == 1
    stored = event_rows(connection)
    # The number of the skipped event is missing: a reader sees that there was something.
    assert [row[0] for row in stored] == [n for n in range(1, 22) if n != 14]
    assert connection.execute("SELECT count(*) FROM kamcti.party").fetchone() == (2,)


def test_a_call_that_the_database_refuses_costs_nothing_else(journal: RunningJournal, connection: Connection) -> None:
    bad = CallFacts(2)
    broken = [_without_uuid(batch) for batch in call_batches(bad)]
    for batch, good in zip(broken, call_batches(X), strict=True):
        journal.write(batch, good)
    assert journal.metrics.value(Metric.SKIPPED_ROWS) == 1
    assert len(event_rows(connection)) == 10
    assert connection.execute("SELECT count(*) FROM kamcti.call").fetchone() == (0,)


def _without_uuid(batch: rows.Batch) -> rows.Batch:
    calls = [
        rows.LiveCall(
            live.connid,
            None if live.call is None else rows.msgspec.structs.replace(live.call, call_uuid="none"),
            live.parties,
            live.legs,
        )
        for live in batch.calls
    ]
    return rows.msgspec.structs.replace(batch, calls=calls)


def test_what_is_no_batch_is_counted_and_passed_over(journal: RunningJournal, connection: Connection) -> None:
    journal.queue.put("batch", "{")
    journal.queue.put("dance", "{}")
    journal.write(rows.Batch(events=[event(0)]))
    assert journal.metrics.value(Metric.MALFORMED_ROWS) == 2
    assert len(event_rows(connection)) == 1


def test_a_big_backlog_is_written_in_order_in_several_transactions(database: Database, connection: Connection) -> None:
    limits = Limits(chunk_events=100)
    with RunningJournal(database.conninfo("kamcti_switch"), limits=limits) as journal:
        journal.write(*[rows.Batch(events=[event(10 * b + n) for n in range(10)]) for b in range(105)])
        assert journal.metrics.value(Metric.FLUSHES) == 11
    stored = event_rows(connection)
    assert [row[0] for row in stored] == list(range(1, 1051))
    assert [row[2] for row in stored] == [str(n) for n in range(1050)]


def test_there_is_one_writer_at_a_time(database: Database, connection: Connection) -> None:
    conninfo = database.conninfo("kamcti_switch")
    with RunningJournal(conninfo) as second:
        with RunningJournal(conninfo) as first:
            first.write(rows.Batch(events=[event(0)]))
            second.put(rows.Batch(events=[event(1)]))
            for _ in range(20):
                second.step()
            assert len(event_rows(connection)) == 1
            assert second.metrics.value(Metric.JOURNAL_CONNECTED) == 0
        second.settle()
    assert [(row[0], row[2]) for row in event_rows(connection)] == [(1, "0"), (2, "1")]


def test_partitions_are_made_and_old_days_go(database: Database, connection: Connection) -> None:
    connection.execute("UPDATE kamcti.switch SET options = '{\"event-retention-days\": 3}'")
    insert = "INSERT INTO kamcti.event (seq, at, name, body) VALUES (%s, now() - %s * interval '1 day', 'E', '{}')"
    for seq, days in ((1, 10), (2, 2)):
        connection.execute(insert, [seq, days])
    with RunningJournal(database.conninfo("kamcti_switch")) as journal:
        journal.until(lambda: [row[0] for row in event_rows(connection)] == [2], "the old day is dropped")
    days_ahead = "SELECT count(*) FROM pg_class WHERE relname = 'event_' || to_char(current_date + 7, 'YYYYMMDD')"
    assert connection.execute(days_ahead).fetchone() == (1,)


def test_the_last_events_are_kept_however_old_they_are(database: Database, connection: Connection) -> None:
    connection.execute("UPDATE kamcti.switch SET options = '{\"event-retention-days\": 3}'")
    connection.execute(
        "INSERT INTO kamcti.event (seq, at, name, body) VALUES (41, now() - interval '99 days', 'E', '{}')"
    )
    with RunningJournal(database.conninfo("kamcti_switch")) as journal:
        journal.settle()
        for _ in range(5):
            journal.step()
        journal.write(rows.Batch(events=[event(0)]))
    assert [row[0] for row in event_rows(connection)] == [41, 42]


def test_a_sleeping_journal_writes_at_once_when_it_is_poked(database: Database, connection: Connection) -> None:
    with RunningJournal(database.conninfo("kamcti_switch")) as journal:
        journal.settle()
        poke = Poke("journal", journal.shared)
        took: list[float] = []

        def hand_over() -> None:
            for number in range(3):
                wait_for(lambda: journal.shared.get("journal_asleep") == 1, "it sleeps")
                began = time.monotonic()
                journal.put(rows.Batch(events=[event(number)]))
                poke()
                wait_for(lambda: len(event_rows(connection)) > number, "the event is written")  # noqa: B023
                took.append(time.monotonic() - began)

        controller = threading.Thread(target=hand_over)
        controller.start()
        while controller.is_alive():
            journal.journal.run_once()
        controller.join()
        poke.close()
    assert len(took) == 3
    assert max(took) < SLEEP / 2
