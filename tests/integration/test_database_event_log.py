"""The event log: a partition a day, nothing lost, nothing changed, old days dropped as a whole."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.kit.fixtures_postgres import Database

INSERT = "INSERT INTO kamcti.event (seq, at, this_dn, name, body) VALUES (%s, %s, '1001', 'EventRinging', '{}')"
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def partition(day: datetime) -> str:
    return f"event_{day:%Y%m%d}"


def partitions(connection: psycopg.Connection) -> set[str]:
    rows = connection.execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'kamcti.event'::regclass"
    )
    return {str(name).removeprefix("kamcti.") for (name,) in rows}


def places(connection: psycopg.Connection) -> dict[object, str]:
    """Partition by number of the event."""
    rows = connection.execute("SELECT seq, tableoid::regclass::text FROM kamcti.event")
    return {seq: str(name).removeprefix("kamcti.") for seq, name in rows}


def test_partitions_are_made_ahead_and_only_once(database: Database) -> None:
    with database.connect("kamcti_switch") as connection:
        before = partitions(connection)
        assert {partition(MIDNIGHT), partition(MIDNIGHT + timedelta(days=7)), "event_default"} <= before
        made = connection.execute("SELECT kamcti.event_partitions_prepare(20)").fetchall()
        assert partitions(connection) == before | {str(name) for (name,) in made}
        assert partition(MIDNIGHT + timedelta(days=20)) in partitions(connection)
        assert connection.execute("SELECT kamcti.event_partitions_prepare(20)").fetchall() == []


def test_an_event_goes_to_its_utc_day_whatever_the_session_s_time_zone(database: Database) -> None:
    with database.connect("kamcti_switch") as connection:
        connection.execute("SET timezone = 'Pacific/Auckland'")
        connection.execute("SELECT kamcti.event_partitions_prepare(9)")
        connection.execute(INSERT, [1, MIDNIGHT])
        connection.execute(INSERT, [2, MIDNIGHT + timedelta(days=8, hours=23, minutes=59)])
        connection.execute(INSERT, [3, MIDNIGHT + timedelta(days=9)])
        assert places(connection) == {
            1: partition(MIDNIGHT),
            2: partition(MIDNIGHT + timedelta(days=8)),
            3: partition(MIDNIGHT + timedelta(days=9)),
        }


def test_events_of_unprepared_days_are_kept_and_moved_to_their_day(database: Database) -> None:
    far, old = MIDNIGHT + timedelta(days=40), MIDNIGHT - timedelta(days=3)
    with database.connect("kamcti_switch") as connection:
        connection.execute(INSERT, [1, far])
        connection.execute(INSERT, [2, old])
        assert places(connection) == {1: "event_default", 2: "event_default"}
        connection.execute("SELECT kamcti.event_partitions_prepare(1)")
        assert places(connection) == {1: partition(far), 2: partition(old)}


def test_retention_drops_whole_days_and_what_is_old_in_the_default_partition(database: Database) -> None:
    with database.connect("kamcti_switch") as connection:
        for age in (2, 3, 4, 5):
            connection.execute(INSERT, [age, MIDNIGHT - timedelta(days=age)])
        connection.execute("SELECT kamcti.event_partitions_prepare(1)")
        connection.execute(INSERT, [9, MIDNIGHT - timedelta(days=9)])
        assert places(connection)[9] == "event_default"
        dropped = connection.execute("SELECT kamcti.event_partitions_drop(3)").fetchall()
        assert dropped == [(partition(MIDNIGHT - timedelta(days=age)),) for age in (5, 4)]
        assert set(places(connection)) == {2, 3}
        assert partition(MIDNIGHT) in partitions(connection)


@pytest.mark.parametrize("call", ["event_partitions_prepare(-1)", "event_partitions_prepare(null)"])
def test_nonsense_days_ahead_are_refused(database: Database, call: str) -> None:
    with database.connect() as connection, pytest.raises(psycopg.errors.RaiseException) as refusal:
        connection.execute(f"SELECT kamcti.{call}")
    assert "not a number from 0 to 366" in str(refusal.value)


@pytest.mark.parametrize("call", ["event_partitions_drop(0)", "event_partitions_drop(null)"])
def test_today_is_never_dropped(database: Database, call: str) -> None:
    with database.connect() as connection, pytest.raises(psycopg.errors.RaiseException) as refusal:
        connection.execute(f"SELECT kamcti.{call}")
    assert "not a number from 1 to 36500" in str(refusal.value)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE kamcti.event SET name = 'x'",
        "DELETE FROM kamcti.event",
        "TRUNCATE kamcti.event",
        f"UPDATE kamcti.{partition(MIDNIGHT)} SET name = 'x'",
        f"DELETE FROM kamcti.{partition(MIDNIGHT)}",
        f"TRUNCATE kamcti.{partition(MIDNIGHT)}",
        f"DELETE FROM kamcti.{partition(MIDNIGHT + timedelta(days=12))}",
        f"TRUNCATE kamcti.{partition(MIDNIGHT + timedelta(days=12))}",
        "DELETE FROM kamcti.event_default",
        "TRUNCATE kamcti.event_default",
    ],
)
def test_even_the_owner_cannot_change_what_was_written(database: Database, statement: str) -> None:
    with database.connect() as connection:
        connection.execute("SELECT kamcti.event_partitions_prepare(12)")
        for seq, days in ((1, 0), (2, 12), (3, 300)):
            connection.execute(INSERT, [seq, MIDNIGHT + timedelta(days=days)])
        with pytest.raises(psycopg.errors.RestrictViolation) as refusal:
            connection.execute(statement)
        assert "the event log is append-only" in str(refusal.value)
        assert set(places(connection)) == {1, 2, 3}


def test_reading_on_looks_at_recent_days_only(database: Database) -> None:
    """A query with a time touches that time's partitions; without one it would touch them all."""
    with database.connect("kamcti_gateway") as connection:
        plan = connection.execute(
            "EXPLAIN (COSTS OFF) SELECT body FROM kamcti.event WHERE seq > 5 AND at >= %s AND at < %s ORDER BY seq",
            [MIDNIGHT, MIDNIGHT + timedelta(days=1)],
        ).fetchall()
    text = "\n".join(str(line) for (line,) in plan)
    assert partition(MIDNIGHT) in text
    assert partition(MIDNIGHT + timedelta(days=1)) not in text
    assert "Seq Scan" not in text


def test_requests_are_dropped_when_they_are_old(database: Database) -> None:
    with database.connect() as connection:
        connection.execute(
            "INSERT INTO kamcti.request (gateway, session, name, body, created_at)"
            " VALUES ('g', 's', 'n', '{}', now() - interval '2 hours'), ('g', 's', 'n', '{}', now())"
        )
        assert connection.execute("SELECT kamcti.requests_drop('1 hour')").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM kamcti.request").fetchone() == (1,)
        with pytest.raises(psycopg.errors.RaiseException):
            connection.execute("SELECT kamcti.requests_drop('1 second')")
