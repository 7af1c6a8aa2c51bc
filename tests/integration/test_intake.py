"""The intake on a real PostgreSQL: configuration and requests on their way into Kamailio."""

import time
from collections.abc import Callable, Iterator
from types import TracebackType

import psycopg
import pytest

from kemi import facts
from kemi.intake import Intake
from kemi.metrics import Metric, Metrics
from kemi.routing.site import DnType, Route, Selection, Site
from kemi.wakeup import Poke
from tests.kit.fixtures_postgres import Database
from tests.kit.in_memory import MemoryLog, MemoryQueue, MemoryShared, MemoryTable
from tests.kit.postgres import SUPERUSER, PrivatePostgres

Connection = psycopg.Connection[tuple[object, ...]]


class Published:
    """A publisher that keeps what it was given, and can be out of order."""

    def __init__(self) -> None:
        self.sites: list[Site] = []
        self.broken = False

    def publish(self, site: Site) -> None:
        if self.broken:
            raise OSError("no space left on device")
        self.sites.append(site)


class RunningIntake:
    """Runs in the test's own thread, step by step."""

    def __init__(self, conninfo: str) -> None:
        self.queue = MemoryQueue()
        self.log = MemoryLog()
        self.metrics = Metrics(MemoryTable())
        self.published = Published()
        self.intake = Intake(
            conninfo=conninfo,
            publisher=self.published,
            facts_queue=self.queue,
            poke_controller=Poke("controller", MemoryShared()),
            metrics=self.metrics,
            log=self.log,
        )

    def step(self) -> None:
        self.intake.advance()
        time.sleep(0.001)

    def until(self, condition: Callable[[], bool], what: str, timeout: float = 10.0) -> float:
        """Steps until ``condition`` holds; seconds that it took."""
        began = time.monotonic()
        while not condition():
            assert time.monotonic() - began < timeout, f"{what}; the intake said: {self.log.lines[-10:]}"
            self.step()
        return time.monotonic() - began

    def sites(self, number: int) -> float:
        return self.until(lambda: len(self.published.sites) >= number, f"{number} configurations were published")

    def facts(self, kind: str) -> list[facts.Fact]:
        return [facts.decode(*entry) for entry in self.queue.entries if entry[0] == kind]

    def __enter__(self) -> "RunningIntake":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.intake.close()


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.connect() as open_connection:
        yield open_connection


@pytest.fixture
def intake(database: Database) -> Iterator[RunningIntake]:
    with RunningIntake(database.conninfo("kamcti_switch")) as running:
        yield running


def add_trunk(connection: Connection, dn: str = "CUCM") -> None:
    with connection.transaction():
        connection.execute("INSERT INTO kamcti.dn (number, type) VALUES (%s, 'Trunk')", [dn])
        connection.execute("INSERT INTO kamcti.trunk (dn, selection) VALUES (%s, 'primary-backup')", [dn])


def add_extension(connection: Connection, number: str, trunk: str = "CUCM") -> None:
    connection.execute("INSERT INTO kamcti.dn (number, type, trunk) VALUES (%s, 'Extension', %s)", [number, trunk])


def add_request(connection: Connection, name: str = "RequestMakeCall", dn: str = "1001", age: str = "0 s") -> int:
    row = connection.execute(
        "INSERT INTO kamcti.request (gateway, session, reference_id, name, dn, body, created_at)"
        " VALUES ('g', 's', 7, %s, %s, '{\"message\":\"RequestMakeCall\",\"ReferenceID\":7}', now() - %s::interval)"
        " RETURNING id",
        [name, dn, age],
    ).fetchone()
    assert row is not None
    (number,) = row
    assert isinstance(number, int)
    return number


def test_the_whole_configuration_is_published_and_told(intake: RunningIntake, connection: Connection) -> None:
    add_trunk(connection)
    insert = "INSERT INTO kamcti.trunk_destination (trunk, position, host, port, transport, weight) VALUES"
    connection.execute(f"{insert} ('CUCM', 2, '192.0.2.2', 5070, 'tcp', 10), ('CUCM', 1, '192.0.2.1', 5060, 'udp', 50)")
    add_extension(connection, "1001")
    connection.execute("INSERT INTO kamcti.dn (number, type, enabled) VALUES ('8001', 'RoutingPoint', false)")
    connection.execute("INSERT INTO kamcti.route (number, dn) VALUES ('+498001', '1001')")
    connection.execute("UPDATE kamcti.switch SET options = '{\"hook-events\": false}'")
    intake.sites(1)

    (site,) = intake.published.sites
    assert list(intake.queue.entries) == [("site", facts.encode(facts.SiteChanged(site=site)))]
    assert (site.name, site.options) == ("kamcti", {"hook-events": False})
    assert [(dn.number, dn.type, dn.trunk, dn.enabled) for dn in site.dns] == [
        ("1001", DnType.EXTENSION, "CUCM", True),
        ("8001", DnType.ROUTING_POINT, None, False),
        ("CUCM", DnType.TRUNK, None, True),
    ]
    assert site.routes == (Route(number="+498001", dn="1001"),)
    (trunk,) = site.trunks
    assert (trunk.dn, trunk.selection) == ("CUCM", Selection.PRIMARY_BACKUP)
    assert [(d.position, d.uri, d.weight) for d in trunk.destinations] == [
        (1, "sip:192.0.2.1:5060;transport=udp", 50),
        (2, "sip:192.0.2.2:5070;transport=tcp", 10),
    ]


def test_a_change_arrives_within_a_second(intake: RunningIntake, connection: Connection) -> None:
    add_trunk(connection)
    intake.sites(1)
    add_extension(connection, "1001")
    assert intake.sites(2) < 1.0
    assert [dn.number for dn in intake.published.sites[1].dns] == ["1001", "CUCM"]


def test_many_changes_in_a_row_are_read_together(intake: RunningIntake, connection: Connection) -> None:
    add_trunk(connection)
    intake.sites(1)
    for number in range(20):
        add_extension(connection, f"{1000 + number}")
        intake.step()
    intake.until(lambda: len(intake.published.sites[-1].dns) == 21, "all are there")
    assert len(intake.published.sites) < 10


def test_a_disabled_trunk_is_as_if_it_were_not_there(intake: RunningIntake, connection: Connection) -> None:
    add_trunk(connection)
    connection.execute("UPDATE kamcti.dn SET enabled = false WHERE number = 'CUCM'")
    intake.sites(1)
    assert intake.published.sites[0].trunks == ()


def test_a_change_that_is_none_for_the_switch_is_not_published(intake: RunningIntake, connection: Connection) -> None:
    intake.sites(1)
    connection.execute("INSERT INTO kamcti.agent (login_id) VALUES ('a1')")
    add_trunk(connection)
    intake.sites(2)
    assert [len(site.trunks) for site in intake.published.sites] == [0, 1]


def test_a_configuration_that_this_release_does_not_understand_leaves_the_old_one(
    intake: RunningIntake, connection: Connection, database: Database
) -> None:
    add_trunk(connection)
    intake.sites(1)
    connection.execute("ALTER TYPE kamcti.dn_type ADD VALUE 'Carrier'")
    connection.execute("ALTER TABLE kamcti.dn DISABLE TRIGGER USER")
    connection.execute("INSERT INTO kamcti.dn (number, type) VALUES ('X', 'Carrier')")
    connection.execute("NOTIFY kamcti_config, 'dn'")
    intake.until(lambda: intake.metrics.value(Metric.SITES_REFUSED) == 1, "it is refused")
    assert len(intake.published.sites) == 1
    connection.execute("DELETE FROM kamcti.dn WHERE number = 'X'")
    connection.execute("ALTER TABLE kamcti.dn ENABLE TRIGGER USER")
    add_extension(connection, "1001")
    intake.sites(2)


def test_a_configuration_that_could_not_be_published_is_tried_again(
    intake: RunningIntake, connection: Connection
) -> None:
    intake.published.broken = True
    intake.until(lambda: intake.metrics.value(Metric.SITES_REFUSED) == 1, "it is refused")
    assert not intake.facts("site")
    intake.published.broken = False
    intake.sites(1)
    assert len(intake.facts("site")) == 1


def test_a_lost_connection_loses_no_change(database: Database, connection: Connection) -> None:
    with RunningIntake(database.conninfo("kamcti_switch")) as intake, database.connect(SUPERUSER) as superuser:
        intake.sites(1)
        superuser.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'kamcti intake'"
            " AND datname = current_database()"
        )
        add_trunk(connection)
        number = add_request(connection)
        intake.sites(2)
        intake.until(lambda: len(intake.facts("request")) == 1, "the request is taken")
        (request,) = intake.facts("request")
        assert isinstance(request, facts.Request)
        assert request.id == number


def test_requests_are_taken_once_and_in_order(intake: RunningIntake, connection: Connection) -> None:
    first = [add_request(connection) for _ in range(3)]
    intake.until(lambda: len(intake.facts("request")) == 3, "they are taken")
    second = [add_request(connection, dn=f"{1000 + n}") for n in range(250)]
    intake.until(lambda: len(intake.facts("request")) == 253, "all are taken")
    for _ in range(10):
        intake.step()
    taken = [request for request in intake.facts("request") if isinstance(request, facts.Request)]
    assert [request.id for request in taken] == [*first, *second]
    assert (taken[0].name, taken[0].dn, taken[0].reference_id) == ("RequestMakeCall", "1001", 7)
    assert bytes(taken[0].body) == b'{"message":"RequestMakeCall","ReferenceID":7}'
    assert connection.execute("SELECT count(*) FROM kamcti.request WHERE taken_at IS NULL").fetchone() == (0,)


def test_a_request_is_taken_at_once(intake: RunningIntake, connection: Connection) -> None:
    intake.sites(1)
    add_request(connection)
    assert intake.until(lambda: bool(intake.facts("request")), "it is taken") < 0.5


def test_requests_that_waited_too_long_are_answered_and_not_carried_out(
    database: Database, connection: Connection
) -> None:
    old = add_request(connection, age="1 minute")
    half_done = add_request(connection)
    connection.execute("UPDATE kamcti.request SET taken_at = now() WHERE id = %s", [half_done])
    young = add_request(connection)
    with RunningIntake(database.conninfo("kamcti_switch")) as intake:
        intake.until(lambda: bool(intake.facts("request")), "the young one is taken")
        (request,) = intake.facts("request")
        assert isinstance(request, facts.Request)
        assert request.id == young
    answers = connection.execute("SELECT id, answer FROM kamcti.request WHERE answer IS NOT NULL ORDER BY id")
    found = {number: answer for number, answer in answers.fetchall() if isinstance(answer, dict)}
    assert set(found) == {old, half_done}
    assert {(a["message"], a["ErrorCode"], a["ReferenceID"], a["ThisDN"]) for a in found.values()} == {
        ("EventError", 57, 7, "1001")
    }


def test_away_at_start(postgres_cluster: PrivatePostgres) -> None:
    name = "kamcti_late_intake"
    with RunningIntake(postgres_cluster.conninfo("kamcti_switch", name)) as intake:
        intake.until(lambda: bool(intake.log.lines), "it says what it waits for")
        assert intake.metrics.value(Metric.INTAKE_CONNECTED) == 0
        postgres_cluster.create_database(name)
        try:
            for _ in range(100):
                intake.step()
            postgres_cluster.migrate(name)
            intake.sites(1)
        finally:
            intake.intake.close()
            postgres_cluster.drop_database(name)


def test_run_once_returns(database: Database) -> None:
    with RunningIntake(database.conninfo("kamcti_switch")) as intake:
        began = time.monotonic()
        intake.intake.run_once()
        assert len(intake.published.sites) == 1
        assert time.monotonic() - began < 3.0
