"""A real gateway over a real PostgreSQL; the test plays the clients and the journal."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.kit.fixtures_postgres import Database
from tests.kit.gateway import GatewayProcess, PlayedJournal, RawClient
from tests.kit.processes import wait_for
from tlib import enums
from tlib.attributes import Time
from tlib.codec import encode
from tlib.enums import AddressInfoType, RegisterMode
from tlib.events import Event, EventError, EventReleased, EventRinging, EventUserEvent
from tlib.message import KeepAlive
from tlib.passwords import hash_password
from tlib.requests import (
    Request,
    RequestAgentLogin,
    RequestAnswerCall,
    RequestMakeCall,
    RequestQueryAddress,
    RequestQueryServer,
    RequestRegisterAddress,
    RequestRegisterClient,
    RequestUnregisterAddress,
)

C1, C2 = "00000000000000a1", "00000000000000a2"
_HASH = hash_password("secret")


@dataclass(frozen=True, slots=True)
class Site:
    """What a test has: a gateway, its database, and the journal to play."""

    gateway: GatewayProcess
    database: Database
    journal: PlayedJournal

    def login(self, password: str = "secret", user: str = "agent") -> RawClient:
        client = RawClient(self.gateway.port)
        answer = client.ask(
            RequestRegisterClient(reference_id=1, application_name="test", user_name=user, password=password)
        )
        assert answer["message"] == "EventLinkConnected", answer
        return client

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with self.database.connect() as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []


def configure(database: Database, dns: int = 3) -> None:
    """A trunk, extensions 7001..., a Routing Point 8000, a user."""
    with psycopg.connect(database.conninfo()) as owner:
        owner.execute("INSERT INTO kamcti.gateway_user (name, password_hash) VALUES ('agent', %s)", [_HASH])
        owner.execute("INSERT INTO kamcti.dn (number, type) VALUES ('trunk', 'Trunk')")
        owner.execute("INSERT INTO kamcti.trunk (dn) VALUES ('trunk')")
        owner.execute(
            "INSERT INTO kamcti.dn (number, type, trunk) SELECT unnest(%s::text[]), 'Extension', 'trunk'",
            [[str(7001 + number) for number in range(dns)]],
        )
        owner.execute("INSERT INTO kamcti.dn (number, type) VALUES ('8000', 'RoutingPoint')")


@pytest.fixture
def options() -> list[str]:
    """Of the gateway's command line; tests override it with ``parametrize``."""
    return []


@pytest.fixture
def site(database: Database, tmp_path: Path, options: list[str]) -> Iterator[Site]:
    configure(database)
    with GatewayProcess(tmp_path, database.conninfo("kamcti_gateway"), *options) as gateway:
        journal = PlayedJournal(database.conninfo("kamcti_switch"))
        yield Site(gateway, database, journal)
        journal.close()


def ringing(dn: str = "7001", conn_id: str = C1) -> EventRinging:
    return EventRinging(
        time=Time.at(1_700_000_000.25),
        this_dn=dn,
        this_dn_role=enums.DNRole.DESTINATION,
        conn_id=conn_id,
        call_id=1,
        call_type=enums.CallType.INBOUND,
        call_state=enums.CallState.OK,
        other_dn="+49891234",
        other_dn_role=enums.DNRole.ORIGINATION,
        user_data={"name": "Ünï"},
    )


def released(dn: str = "7001", conn_id: str = C1) -> EventReleased:
    return EventReleased(
        time=Time.at(1_700_000_001),
        this_dn=dn,
        this_dn_role=enums.DNRole.DESTINATION,
        conn_id=conn_id,
        call_id=1,
        call_type=enums.CallType.INBOUND,
        call_state=enums.CallState.OK,
    )


def register(client: RawClient, dn: str = "7001", mode: RegisterMode = RegisterMode.SHARE) -> dict[str, object]:
    answer = client.ask(RequestRegisterAddress(reference_id=2, this_dn=dn, register_mode=mode))
    assert answer["message"] == "EventRegistered", answer
    assert (answer["ThisDN"], answer["ReferenceID"]) == (dn, 2)
    return answer


def call_sql(conn_id: str, dn: str, state: str = "Alerting") -> tuple[str, str]:
    return (
        f"INSERT INTO kamcti.call (connid, call_uuid, call_type) VALUES ('{conn_id}', repeat('A', 32), 'Inbound')",
        f"INSERT INTO kamcti.party (connid, dn, role, state) VALUES ('{conn_id}', '{dn}', 'Destination', '{state}')",
    )


class TestLogin:
    @pytest.mark.parametrize(("user", "password"), [("agent", "wrong"), ("agent", ""), ("nobody", "secret")])
    def test_a_wrong_login_is_told_and_the_connection_closed(self, site: Site, user: str, password: str) -> None:
        with RawClient(site.gateway.port) as client:
            answer = client.ask(RequestRegisterClient(application_name="t", user_name=user, password=password))
            assert (answer["message"], answer["ErrorCode"]) == ("EventError", 119)
            with pytest.raises(EOFError):
                client.read()

    def test_the_password_is_in_no_log(self, site: Site) -> None:
        site.login().close()
        with RawClient(site.gateway.port) as client:
            client.ask(RequestRegisterClient(application_name="t", user_name="agent", password="mistyped"))
        assert "secret" not in site.gateway.log
        assert "mistyped" not in site.gateway.log

    def test_a_user_added_in_sql_can_log_in_and_a_disabled_one_is_disconnected(self, site: Site) -> None:
        site.sql("INSERT INTO kamcti.gateway_user (name, password_hash) VALUES ('second', %s)", _HASH)

        def logged_in() -> RawClient | None:
            client = RawClient(site.gateway.port)
            answer = client.ask(RequestRegisterClient(application_name="t", user_name="second", password="secret"))
            if answer["message"] == "EventLinkConnected":
                return client
            client.close()
            return None

        client = wait_for(logged_in, "the gateway knows the new user")
        assert client is not None
        site.sql("UPDATE kamcti.gateway_user SET enabled = false WHERE name = 'second'")
        assert client.read()["ErrorCode"] == 1158
        with pytest.raises(EOFError):
            client.read()
        client.close()

    @pytest.mark.parametrize("options", [["--login-time", "0.3"]])
    def test_who_does_not_log_in_is_disconnected(self, site: Site) -> None:
        with RawClient(site.gateway.port) as client:
            assert client.read()["ErrorCode"] == 57
            with pytest.raises(EOFError):
                client.read()

    @pytest.mark.parametrize("options", [["--max-connections", "2"]])
    def test_one_connection_too_many_is_refused(self, site: Site) -> None:
        first, second = site.login(), site.login()
        with RawClient(site.gateway.port) as third:
            assert third.read()["ErrorCode"] == 1171
            with pytest.raises(EOFError):
                third.read()
        first.close()
        second.close()
        wait_for(lambda: can_log_in(site), "there is room again")


def can_log_in(site: Site) -> bool:
    try:
        with RawClient(site.gateway.port) as client:
            login = RequestRegisterClient(application_name="t", user_name="agent", password="secret")
            return client.ask(login)["message"] == "EventLinkConnected"
    except (EOFError, ConnectionError):
        return False


class TestEvents:
    def test_events_reach_every_client_of_their_dn_in_order_and_unchanged(self, site: Site) -> None:
        first, second, other = site.login(), site.login(), site.login()
        for client in (first, second):
            register(client, "7001")
        register(first, "7002")
        register(other, "7003")
        site.journal.write([ringing("7001"), ringing("7002", C2), released("7001")])
        site.journal.write([released("7002", C2), released("7003")])
        expected = json.loads(encode(ringing("7001")))
        assert first.read() == {**expected, "EventSequenceNumber": 1}
        assert [first.read()["EventSequenceNumber"] for _ in range(3)] == [2, 3, 4]
        assert [second.read()["EventSequenceNumber"] for _ in range(2)] == [1, 3]
        assert other.read()["EventSequenceNumber"] == 5
        for client in (first, second, other):
            assert client.ask(RequestQueryServer())["message"] == "EventServerInfo", "nothing else came"
            client.close()

    def test_monitor_mode_gets_events_and_may_not_ask(self, site: Site) -> None:
        with site.login() as client:
            register(client, mode=RegisterMode.MONITOR)
            assert client.ask(RequestMakeCall(this_dn="7001", other_dn="1"))["ErrorCode"] == 41
            site.journal.write([ringing()])
            assert client.read()["message"] == "EventRinging"

    def test_nothing_comes_after_unregistering(self, site: Site) -> None:
        with site.login() as client:
            register(client)
            assert client.ask(RequestUnregisterAddress(this_dn="7001"))["message"] == "EventUnregistered"
            site.journal.write([ringing()])
            # The state is read in one snapshot with the events before it: it is answered after them.
            register(client)

    def test_an_event_of_no_dn_is_for_everybody(self, site: Site) -> None:
        with site.login() as first, site.login() as second:
            site.sql(
                "INSERT INTO kamcti.event (seq, at, name, body) VALUES (1, now(), 'EventACK', %s)",
                '{"message":"EventACK",\n "EventSequenceNumber":1}',
            )
            site.sql("SELECT pg_notify('kamcti_event', '1')")
            for client in (first, second):
                assert client.read() == {"message": "EventACK", "EventSequenceNumber": 1}

    def test_a_registration_has_what_happened_before_and_none_of_it_comes_again(self, site: Site) -> None:
        site.journal.write([ringing()], *call_sql(C1, "7001"))
        with site.login() as client:
            state = register(client)["Extensions"]
            assert state == {
                "status": 1, "in-service": 1, "AgentStatus": 0, "dnd": 0,
                "conn-1": C1, "ct-1": 2, "mt-1": 0, "ps-1": enums.PartyState.ALERTING.code,
            }  # fmt: skip
            site.journal.write([released()], f"DELETE FROM kamcti.call WHERE connid = '{C1}'")
            assert client.read()["message"] == "EventReleased"

    def test_state_and_stream_fit_while_events_pour(self, site: Site) -> None:
        """Each event puts one more call on the DN: state plus later events must be every call, each once."""
        stop = threading.Event()

        def pour() -> None:
            number = 0
            while not stop.is_set():
                number += 1
                site.journal.write([ringing(conn_id=f"{number:016x}")], *call_sql(f"{number:016x}", "7001"))

        journal = threading.Thread(target=pour)
        journal.start()
        try:
            for _ in range(12):
                with site.login() as client:
                    extensions = register(client)["Extensions"]
                    assert isinstance(extensions, dict)
                    known = [value for key, value in extensions.items() if key.startswith("conn-")]
                    events = [client.read() for _ in range(3)]
                    # ConnIDs and sequence numbers are the same numbers here.
                    assert known == [f"{n:016x}" for n in range(1, len(known) + 1)]
                    assert [event["EventSequenceNumber"] for event in events] == [
                        len(known) + 1, len(known) + 2, len(known) + 3,
                    ]  # fmt: skip
        finally:
            stop.set()
            journal.join()

    @pytest.mark.parametrize("options", [["--queue-bytes", "2000000"]])
    def test_a_client_that_does_not_read_is_cut_off_and_the_others_get_everything(self, site: Site) -> None:
        with site.login() as lazy, site.login() as diligent:
            register(lazy)
            register(diligent)
            events: list[Event] = [
                EventUserEvent(time=Time.at(0), this_dn="7001", user_data={"data": "x" * 20_000})
            ] * 20
            # More than the queue and all socket buffers hold.
            for batch in range(60):
                site.journal.write(events)
                numbers = [diligent.read()["EventSequenceNumber"] for _ in events]
                assert numbers == list(range(batch * 20 + 1, batch * 20 + 21))
            assert len(lazy.read_to_end()) < 60 * 20
            site.journal.write([ringing()])
            assert diligent.read()["message"] == "EventRinging"


class TestRequests:
    def outstanding(self, site: Site) -> list[tuple[object, ...]]:
        return site.sql("SELECT id, name, dn, reference_id, body, session FROM kamcti.request ORDER BY id")

    def answer(self, site: Site, number: object, event: Event) -> None:
        with site.database.connect("kamcti_switch") as switch:
            switch.execute(
                "UPDATE kamcti.request SET answered_at = now(), answer = %s::json WHERE id = %s",
                [encode(event).decode(), number],
            )

    def test_a_request_goes_to_the_switch_and_its_answer_to_the_requester_alone(self, site: Site) -> None:
        asking, other = site.login(), site.login()
        register(asking)
        register(other)
        request = RequestMakeCall(reference_id=77, this_dn="7001", other_dn="0123", user_data={"a": 1})
        asking.send(request)
        wait_for(lambda: self.outstanding(site), "the request is in the queue")
        ((number, name, dn, reference_id, body, _),) = self.outstanding(site)
        assert (name, dn, reference_id) == ("RequestMakeCall", "7001", 77)
        assert body == json.loads(encode(request))
        error = EventError(reference_id=77, error_code=51, error_message="not yet", this_dn="7001")
        self.answer(site, number, error)
        assert asking.read() == json.loads(encode(error))
        assert other.ask(RequestQueryServer())["message"] == "EventServerInfo", "nothing else came"
        asking.close()
        other.close()

    def test_many_requests_at_once_get_each_its_own_answer(self, site: Site) -> None:
        with site.login() as client:
            register(client)
            client.send_bytes(
                b"".join(
                    encode(RequestMakeCall(reference_id=number, this_dn="7001", other_dn=str(number))) + b"\n"
                    for number in range(1, 51)
                )
            )
            wait_for(lambda: len(self.outstanding(site)) == 50, "all are in the queue")
            rows = self.outstanding(site)
            assert [row[3] for row in rows] == list(range(1, 51)), "in the order in which they came"
            for number, _, _, reference_id, _, _ in reversed(rows):
                assert isinstance(reference_id, int)
                self.answer(site, number, EventError(reference_id=reference_id, error_code=51, error_message="no"))
            assert {client.read()["ReferenceID"] for _ in range(50)} == set(range(1, 51))

    @pytest.mark.parametrize("options", [["--request-time", "0.3", "--outstanding", "2"]])
    def test_no_answer_is_57_and_too_many_are_1183(self, site: Site) -> None:
        with site.login() as client:
            register(client)
            for number in (1, 2, 3):
                client.send(RequestMakeCall(reference_id=number, this_dn="7001", other_dn="1"))
            answers = [client.read() for _ in range(3)]
            assert [(a["ReferenceID"], a["ErrorCode"]) for a in answers] == [(3, 1183), (1, 57), (2, 57)]

    @pytest.mark.parametrize(
        ("request_", "code"),
        [
            (RequestMakeCall(this_dn="9999", other_dn="1"), 59),
            (RequestMakeCall(this_dn="7002", other_dn="1"), 41),
            (RequestAnswerCall(this_dn="7001", conn_id=C2), 56),
            (RequestQueryAddress(this_dn="7001", info_type=AddressInfoType.DATABASE_VALUE), 51),
        ],
    )
    def test_preconditions(self, site: Site, request_: Request, code: int) -> None:
        with site.login() as client:
            register(client)
            assert client.ask(request_)["ErrorCode"] == code
            assert self.outstanding(site) == []

    def test_a_call_on_the_dn_is_accepted(self, site: Site) -> None:
        site.journal.write([ringing()], *call_sql(C1, "7001"))
        with site.login() as client:
            register(client)
            client.send(RequestAnswerCall(this_dn="7001", conn_id=C1))
            wait_for(lambda: self.outstanding(site), "the request is in the queue")

    def test_no_password_is_stored(self, site: Site) -> None:
        with site.login() as client:
            register(client)
            client.send(RequestAgentLogin(this_dn="7001", agent_id="a", password="hush"))
            wait_for(lambda: self.outstanding(site), "the request is in the queue")
            assert "hush" not in str(self.outstanding(site))

    def test_queries_are_answered_from_the_live_state(self, site: Site) -> None:
        site.sql("INSERT INTO kamcti.dn_state (dn, in_service, forward_to) VALUES ('7002', false, '0123')")
        site.sql("INSERT INTO kamcti.agent (login_id) VALUES ('a17')")
        site.sql(
            "INSERT INTO kamcti.agent_state (login_id, dn, status, work_mode) VALUES ('a17', '7001', 'Ready', 'AutoIn')"
        )
        site.journal.write([ringing()], *call_sql(C1, "7001", "Connected"), *call_sql(C2, "8000", "Queued"))
        with site.login() as client:

            def ask(dn: str, info_type: AddressInfoType) -> dict[str, object]:
                answer = client.ask(RequestQueryAddress(this_dn=dn, info_type=info_type))
                assert (answer["message"], answer["InfoType"]) == ("EventAddressInfo", info_type.value)
                return answer

            assert ask("7001", AddressInfoType.ADDRESS_STATUS)["InfoStatus"] == "Talking"
            assert ask("7002", AddressInfoType.ADDRESS_STATUS)["InfoStatus"] == "Maintenance"
            assert ask("7003", AddressInfoType.ADDRESS_STATUS)["InfoStatus"] == "Idle"
            assert ask("7001", AddressInfoType.AGENT_STATUS)["AgentID"] == "a17"
            assert ask("7002", AddressInfoType.CALL_FORWARDING_STATUS)["Extensions"] == {"fwd": "0123"}
            assert ask("7001", AddressInfoType.CALLS_QUERY)["ConnID"] == C1
            assert ask("8000", AddressInfoType.QUEUE_STATUS)["InfoStatus"] == 1
            assert ask("8000", AddressInfoType.ADDRESS_TYPE)["InfoStatus"] == "RouteDN"


class TestConfiguration:
    def test_a_dn_that_is_removed_is_unregistered_and_a_new_one_can_be_registered(self, site: Site) -> None:
        with site.login() as client:
            register(client, "7001")
            site.sql("UPDATE kamcti.dn SET enabled = false WHERE number = '7001'")
            told = client.read()
            assert (told["message"], told["ThisDN"], told["ErrorCode"]) == ("EventUnregistered", "7001", 59)
            site.sql("UPDATE kamcti.dn SET enabled = true WHERE number = '7001'")

            def registered() -> bool:
                return client.ask(RequestRegisterAddress(this_dn="7001"))["message"] == "EventRegistered"

            wait_for(registered, "the DN can be registered again")


class TestBadInput:
    @pytest.mark.parametrize(
        "line",
        [
            b"{",
            b'{"message":"RequestFly"}',
            b'{"message":"RequestRegisterAddress","ThisDN":1}',
            b"\xff\xfe\x00",
            b"[" * 50_000,
            b"x" * 200_000,
            b"GET / HTTP/1.1",
        ],
        ids=["malformed", "unknown", "type", "utf-8", "depth", "length", "http"],
    )
    def test_it_is_told_and_the_connection_lives(self, site: Site, line: bytes) -> None:
        with site.login() as client:
            client.send_bytes(line + b"\n")
            assert client.read()["message"] == "EventError"
            assert client.ask(RequestQueryServer())["message"] == "EventServerInfo"

    def test_it_does_not_disturb_others(self, site: Site) -> None:
        with site.login() as client, RawClient(site.gateway.port) as stranger:
            register(client)
            stranger.send_bytes(b"\x00" * 300_000 + b"\n")
            stranger.send_bytes(b"{}\n" * 20)
            assert {message["message"] for message in stranger.read_to_end()} == {"EventError"}
            site.journal.write([ringing()])
            assert client.read()["message"] == "EventRinging"


class TestKeepAlive:
    @pytest.mark.parametrize("options", [["--keep-alive", "0.2"]])
    def test_silence_is_ended_and_a_client_that_says_something_stays(self, site: Site) -> None:
        talking, silent = site.login(), site.login()

        def silent_is_gone() -> bool:
            talking.send(KeepAlive())
            silent.socket.settimeout(0.05)
            try:
                return silent.socket.recv(65536) == b""
            except TimeoutError:
                return False

        wait_for(silent_is_gone, "the silent client was disconnected")
        assert talking.ask(RequestQueryServer())["message"] == "EventServerInfo"
        talking.close()
        silent.close()


class TestEnd:
    def test_sigterm_is_told_to_clients(self, site: Site) -> None:
        with site.login() as client:
            register(client)
            assert site.gateway.stop() == 0
            told = client.read()
            assert (told["message"], told["Extensions"]) == (
                "EventLinkDisconnected", {"Reason": "the gateway is shutting down"},
            )  # fmt: skip
            with pytest.raises(EOFError):
                client.read()
