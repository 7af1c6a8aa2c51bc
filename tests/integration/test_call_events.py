"""From the SIP message to the T-Library client: what a call shows at the desktop, through every process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.cucm import CucmNode, Party
from tests.kit.cucm.failures import Situation
from tests.kit.event_log import EventLog
from tests.kit.fixtures_switch import Switch, hang_up
from tests.kit.gateway import GatewayProcess
from tests.kit.processes import wait_for
from tests.kit.sip import Audio, Endpoint, IncomingRequest, OutgoingInvite
from tlib.enums import CallState, CallType, DNRole
from tlib.errors import TError, TLibError
from tlib.events import CallEvent, Event, EventAttachedDataChanged, EventPartyInfo
from tlib.passwords import hash_password
from tlib.requests import RequestAttachUserData, RequestDeletePair, RequestMakeCall, RequestQueryCall

PASSWORD = "event log"
PASSWORD_HASH = hash_password(PASSWORD)
CUSTOMER = '"Ada Caller" <sip:+15550100@127.0.0.2>'
AGENT = Party("2001", "Agent One", media=Audio(port=24510, address="127.0.0.3"))

ANSWERED = ("EventRinging", "EventOffHook", "EventEstablished", "EventReleased", "EventOnHook")


def add_user(switch: Switch) -> None:
    switch.execute(
        "INSERT INTO kamcti.gateway_user (name, password_hash) VALUES ('log', %s) ON CONFLICT DO NOTHING", PASSWORD_HASH
    )


def event_log(gateway: GatewayProcess, *dns: str) -> EventLog:
    return EventLog((gateway.host, gateway.port), "log", PASSWORD, dns)


@pytest.fixture(scope="module")
def tlib(switch: Switch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    add_user(switch)
    with GatewayProcess(tmp_path_factory.mktemp("gateway"), switch.database.conninfo("kamcti_gateway")) as gateway:
        yield gateway


@pytest.fixture
def log(tlib: GatewayProcess) -> Iterator[EventLog]:
    with event_log(tlib, "2001", "2002") as log:
        yield log


def call_8000(switch: Switch, gateway: Endpoint) -> OutgoingInvite:
    return gateway.invite(f"sip:8000@{switch.address}", Audio(), caller=CUSTOMER)


def answer(call: OutgoingInvite, node: CucmNode, incoming: IncomingRequest) -> None:
    node.answer(incoming, AGENT)
    call.expect(200)
    call.ack()
    incoming.expect_ack()


def call_event(event: Event) -> CallEvent:
    assert isinstance(event, CallEvent)
    return event


class TestInboundCall:
    def test_answered_and_released_by_the_customer(
        self, switch: Switch, gateway: Endpoint, node: CucmNode, log: EventLog
    ) -> None:
        call = call_8000(switch, gateway)
        incoming = node.expect_call("2001")
        node.ring(incoming, AGENT)
        (ringing,) = log.expect("2001", "EventRinging")
        ringing = call_event(ringing)
        assert (ringing.call_type, ringing.call_state) == (CallType.INBOUND, CallState.OK)
        assert (ringing.this_dn, ringing.this_dn_role) == ("2001", DNRole.DESTINATION)
        assert (ringing.other_dn, ringing.other_dn_role) == ("+15550100", DNRole.ORIGINATION)
        assert (ringing.ani, ringing.dnis, ringing.other_trunk) == ("+15550100", "8000", "Gateway")
        assert ringing.call_uuid == incoming.request["X-Genesys-CallUUID"]

        answer(call, node, incoming)
        log.expect("2001", *ANSWERED[:3])
        hang_up(call, incoming)

        events = [event for event in log.expect("2001", *ANSWERED) if isinstance(event, CallEvent)]
        assert {event.conn_id for event in events} == {ringing.conn_id}
        numbers = [event.event_sequence_number for event in log.of("2001")]
        assert numbers == sorted(set(numbers), key=lambda number: number or 0)
        assert log.names("2002") == []

    def test_released_by_the_agent(self, switch: Switch, gateway: Endpoint, node: CucmNode, log: EventLog) -> None:
        call = call_8000(switch, gateway)
        incoming = node.expect_call()
        node.ring(incoming, AGENT)
        answer(call, node, incoming)
        bye = node.release(incoming.dialog)
        call.dialog.expect_request("BYE").reply(200)
        bye.expect(200)
        log.expect("2001", *ANSWERED)

    def test_auto_answer_without_ringing(
        self, switch: Switch, gateway: Endpoint, node: CucmNode, log: EventLog
    ) -> None:
        call = call_8000(switch, gateway)
        incoming = node.expect_call()
        answer(call, node, incoming)
        log.expect("2001", *ANSWERED[:3])
        hang_up(call, incoming)
        log.expect("2001", *ANSWERED)

    def test_abandoned(self, switch: Switch, gateway: Endpoint, node: CucmNode, log: EventLog) -> None:
        call = call_8000(switch, gateway)
        incoming = node.expect_call()
        node.ring(incoming, AGENT)
        call.expect(180)
        call.cancel()
        call.expect(487)
        _, abandoned = log.expect("2001", "EventRinging", "EventAbandoned")
        assert call_event(abandoned).call_state is CallState.OK

    def test_busy_shows_nothing_on_the_agents_dn(
        self, switch: Switch, gateway: Endpoint, node: CucmNode, log: EventLog
    ) -> None:
        call = call_8000(switch, gateway)
        node.fail(node.expect_call(), Situation.BUSY)
        call.expect(486)
        # The next call's events prove that nothing came before them.
        again = call_8000(switch, gateway)
        incoming = node.expect_call()
        node.ring(incoming, AGENT)
        log.expect("2001", "EventRinging")
        node.fail(incoming, Situation.REJECTED)
        again.expect(603)
        log.expect("2001", "EventRinging", "EventReleased")

    def test_no_answer(self, switch: Switch, gateway: Endpoint, node: CucmNode, log: EventLog) -> None:
        call = call_8000(switch, gateway)
        incoming = node.expect_call()
        node.ring(incoming, AGENT)
        node.fail(incoming, Situation.NO_ANSWER)
        call.expect(480)
        _, released = log.expect("2001", "EventRinging", "EventReleased")
        assert call_event(released).call_state is CallState.NO_ANSWER


class TestInternalCall:
    def test_events_on_both_sides(self, switch: Switch, node: CucmNode, log: EventLog) -> None:
        call = node.call(Party("2002", "Agent Two"), "2001")
        incoming = node.expect_call("2001")
        node.ring(incoming, AGENT)
        call.expect(180)
        answer(call, node, incoming)
        bye = node.release(call.dialog)
        incoming.dialog.expect_request("BYE").reply(200)
        bye.expect(200)
        caller = log.expect(
            "2002", "EventOffHook", "EventDialing", "EventEstablished", "EventReleased", "EventOnHook"
        )
        log.expect("2001", *ANSWERED)
        dialing = call_event(caller[1])
        assert (dialing.call_type, dialing.other_dn) == (CallType.INTERNAL, "2001")

    def test_busy(self, switch: Switch, node: CucmNode, log: EventLog) -> None:
        call = node.call(Party("2002", "Agent Two"), "2001")
        node.fail(node.expect_call("2001"), Situation.BUSY)
        call.expect(486)
        events = log.expect(
            "2002", "EventOffHook", "EventDialing", "EventDestinationBusy", "EventReleased", "EventOnHook"
        )
        assert call_event(events[2]).call_state is CallState.BUSY


class TestRequests:
    def test_request_goes_to_the_controller_and_its_answer_comes_back(self, log: EventLog) -> None:
        answer = log.request(RequestMakeCall(this_dn="2001", other_dn="2002"))
        assert isinstance(answer, TLibError)
        assert answer.code == TError.UNSUPPORTED_OPERATION.value
        assert "RequestMakeCall" in str(answer)


class TestUserData:
    def test_attached_data_reach_both_desktops_and_stay_with_the_call(
        self, switch: Switch, node: CucmNode, log: EventLog
    ) -> None:
        call = node.call(Party("2002", "Agent Two"), "2001")
        incoming = node.expect_call("2001")
        node.ring(incoming, AGENT)
        answer(call, node, incoming)
        *_, established = log.expect("2001", *ANSWERED[:3])
        conn_id = call_event(established).conn_id

        told = log.request(RequestAttachUserData(this_dn="2001", conn_id=conn_id, user_data={"language": "de", "n": 1}))
        assert isinstance(told, EventAttachedDataChanged)
        assert (told.this_dn, told.third_party_dn, told.user_data) == ("2001", "2001", {"language": "de", "n": 1})
        told = log.request(RequestDeletePair(this_dn="2002", conn_id=conn_id, key="n"))
        assert isinstance(told, EventAttachedDataChanged)
        assert (told.this_dn, told.third_party_dn, told.user_data) == ("2002", "2002", {"language": "de"})
        with switch.database.connect() as connection:
            assert connection.execute("SELECT user_data FROM kamcti.call").fetchall() == [({"language": "de"},)]
            asked = "SELECT DISTINCT answer::text FROM kamcti.request WHERE name = 'RequestDeletePair'"
            answers = connection.execute(asked).fetchall()
        assert answers == [("{}",)]

        parties = log.request(RequestQueryCall(this_dn="2001", conn_id=conn_id))
        assert isinstance(parties, EventPartyInfo)
        assert parties.user_data == {"language": "de"}
        assert (parties.extensions or {})["party-1"] == "2002"

        hang_up(call, incoming)
        changes = ["EventAttachedDataChanged"] * 2
        events = log.expect("2001", *ANSWERED[:3], *changes, *ANSWERED[3:])
        others = log.expect(
            "2002", "EventOffHook", "EventDialing", "EventEstablished", *changes, "EventReleased", "EventOnHook"
        )
        assert call_event(events[5]).user_data == {"language": "de"}
        # The ReferenceID is on the DN of the one who asked, and on no other.
        assert [bool(event.reference_id) for event in (*events, *others)] == [
            *(False, False, False, True, False, False, False),
            *(False, False, False, False, True, False, False),
        ]
        ended = log.request(RequestQueryCall(this_dn="2001", conn_id=conn_id))
        assert isinstance(ended, TLibError)
        assert ended.code == TError.INVALID_CONN_ID


class TestLosses:
    """PostgreSQL or a gateway goes away in the middle of a call; the call goes on, and nothing stays wrong."""

    def test_postgresql_away_in_the_middle_of_a_call(self, own_switch: Switch, tmp_path: Path) -> None:
        add_user(own_switch)
        cluster = own_switch.database.cluster
        conninfo = own_switch.database.conninfo("kamcti_gateway")
        with (
            own_switch.gateway() as customer,
            own_switch.node() as node,
            GatewayProcess(tmp_path, conninfo) as gateway,
        ):
            with event_log(gateway, "2001") as log:
                call = call_8000(own_switch, customer)
                incoming = node.expect_call()
                node.ring(incoming, AGENT)
                log.expect("2001", "EventRinging")
                # The tests' cluster is not durable; a crash of a durable one loses no more than this does.
                cluster.stop()
                try:
                    answer(call, node, incoming)
                    hang_up(call, incoming)
                finally:
                    cluster.start()
            wait_for(lambda: _logged(own_switch) == list(ANSWERED), "the events follow", 15)
            assert _numbers(own_switch) == list(range(1, len(ANSWERED) + 1))

    def test_gateway_killed_in_the_middle_of_a_call(self, own_switch: Switch, tmp_path: Path) -> None:
        add_user(own_switch)
        gateway = GatewayProcess(tmp_path, own_switch.database.conninfo("kamcti_gateway"))
        gateway.start()
        with own_switch.gateway() as customer, own_switch.node() as node:
            call = call_8000(own_switch, customer)
            incoming = node.expect_call()
            node.ring(incoming, AGENT)
            wait_for(lambda: _logged(own_switch) == ["EventRinging"], "the call rings")
            gateway.kill()
            answer(call, node, incoming)
            gateway.start()
            with event_log(gateway, "2001") as log:
                (connid,) = (v for k, v in (log.registered["2001"].extensions or {}).items() if k == "conn-1")
                hang_up(call, incoming)
                events = log.expect("2001", "EventReleased", "EventOnHook")
                assert call_event(events[0]).conn_id == connid
        gateway.stop()

    def test_switch_restarted_in_the_middle_of_a_call(self, own_switch: Switch, tmp_path: Path) -> None:
        """Calls are not taken over in this release: their parties are told that they are over."""
        with own_switch.gateway() as customer, own_switch.node() as node:
            call = call_8000(own_switch, customer)
            incoming = node.expect_call()
            node.ring(incoming, AGENT)
            answer(call, node, incoming)
            wait_for(lambda: _logged(own_switch) == list(ANSWERED[:3]), "the call is established")
            own_switch.kamailio.kill()
            own_switch.kamailio.start()
            wait_for(lambda: _logged(own_switch) == list(ANSWERED), "the call is closed", 15)
            customer.request(
                "BYE", call.dialog.remote_target, called=f"<sip:8000@x>;tag={call.dialog.remote_tag}"
            ).expect((481, 503))


def _logged(switch: Switch) -> list[str]:
    with switch.database.connect() as connection:
        rows = connection.execute("SELECT name FROM kamcti.event WHERE this_dn = '2001' ORDER BY seq").fetchall()
    return [str(row[0]) for row in rows]


def _numbers(switch: Switch) -> list[int]:
    with switch.database.connect() as connection:
        return [int(str(row[0])) for row in connection.execute("SELECT seq FROM kamcti.event ORDER BY seq").fetchall()]
