"""A client ends a call: events on both desktops, and a BYE of the switch in each dialog, or a CANCEL of the phone."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.test_call_events import (
    AGENT,
    ANSWERED,
    add_user,
    answer,
    call_8000,
    call_event,
    event_log,
)
from tests.kit.cucm import CucmNode, Party
from tests.kit.event_log import EventLog
from tests.kit.fixtures_switch import NODE_2, Switch
from tests.kit.gateway import GatewayProcess
from tests.kit.processes import wait_for
from tests.kit.sip import (
    Endpoint,
    IncomingRequest,
    OutgoingInvite,
    Transport,
    assert_dialog_rules,
    assert_separate_legs,
)
from tlib.enums import CallState
from tlib.errors import TError, TLibError
from tlib.events import EventReleased
from tlib.requests import RequestClearCall, RequestReleaseCall

TABLES = ("leg", "dialog", "call", "cseq", "offerer", "origin")


@pytest.fixture(scope="module")
def tlib(switch: Switch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    add_user(switch)
    with GatewayProcess(tmp_path_factory.mktemp("gateway"), switch.database.conninfo("kamcti_gateway")) as gateway:
        yield gateway


@pytest.fixture
def log(tlib: GatewayProcess) -> Iterator[EventLog]:
    with event_log(tlib, "2001", "2002", "2101") as log:
        yield log


@pytest.fixture
def customer(switch: Switch) -> Iterator[Endpoint]:
    with switch.gateway() as endpoint:
        yield endpoint


@pytest.fixture
def node(switch: Switch) -> Iterator[CucmNode]:
    with switch.node() as node:
        yield node


@pytest.fixture(autouse=True)
def _nothing_left(switch: Switch) -> Iterator[None]:
    """Whatever happened, no leg and no call is left, in shared memory or in the live state."""
    before = {name: switch.kamailio.table(name).keys() for name in TABLES}
    yield
    for name in TABLES:
        wait_for(lambda n=name: switch.kamailio.table(n).keys() <= before[n], f"table {name} is as it was", 3.0)
    wait_for(lambda: _rows(switch, "call") == _rows(switch, "leg") == 0, "the live state is empty", 3.0)


def _rows(switch: Switch, table: str) -> int:
    with switch.database.connect() as connection:
        row = connection.execute(f"SELECT count(*) FROM kamcti.{table}").fetchone()  # type: ignore[arg-type]
    assert row is not None
    return int(str(row[0]))


def _answered(switch: Switch) -> int:
    """Requests that the switch has carried out, or begun to."""
    with switch.database.connect() as connection:
        row = connection.execute("SELECT count(*) FROM kamcti.request WHERE answered_at IS NOT NULL").fetchone()
    assert row is not None
    return int(str(row[0]))


def metric(switch: Switch, name: str) -> int:
    return int(switch.kamailio.table("metrics").get(f"controller.{name}", 0))


def established(
    switch: Switch, customer: Endpoint, node: CucmNode, log: EventLog
) -> tuple[OutgoingInvite, IncomingRequest, str]:
    """A customer talks to 2001; the call's ConnID, too."""
    call = call_8000(switch, customer)
    incoming = node.expect_call("2001")
    node.ring(incoming, AGENT)
    answer(call, node, incoming)
    *_, event = log.expect("2001", *ANSWERED[:3])
    return call, incoming, call_event(event).conn_id


def release(log: EventLog, conn_id: str, dn: str = "2001") -> EventReleased:
    answered = log.request(RequestReleaseCall(this_dn=dn, conn_id=conn_id))
    assert isinstance(answered, EventReleased), answered
    return answered


def agree(*dialogs: OutgoingInvite | IncomingRequest) -> None:
    for each in dialogs:
        each.dialog.expect_request("BYE").reply(200)


class TestInboundCall:
    def test_both_sides_get_a_bye_in_their_dialog(
        self, switch: Switch, customer: Endpoint, node: CucmNode, log: EventLog
    ) -> None:
        failed = metric(switch, "sip_requests.failed")
        call, incoming, conn_id = established(switch, customer, node, log)
        released = release(log, conn_id)
        assert (released.this_dn, released.conn_id, released.other_dn) == ("2001", conn_id, "+15550100")
        for bye in (call.dialog.expect_request("BYE"), incoming.dialog.expect_request("BYE")):
            assert bye.request["Reason"].startswith("Q.850;cause=16")
            assert "X-Kamcti-Secret" not in bye.request
            assert len(bye.request.values("Via")) == 1
            bye.reply(200)
        log.expect("2001", *ANSWERED)
        assert_dialog_rules(customer, node)
        assert_separate_legs(customer, node)
        assert metric(switch, "sip_requests.failed") == failed

    def test_clear_call(self, switch: Switch, customer: Endpoint, node: CucmNode, log: EventLog) -> None:
        call, incoming, conn_id = established(switch, customer, node, log)
        answered = log.request(RequestClearCall(this_dn="2001", conn_id=conn_id))
        assert isinstance(answered, EventReleased)
        agree(call, incoming)
        log.expect("2001", *ANSWERED)

    def test_over_tcp_and_with_a_route_set(self, switch: Switch, log: EventLog) -> None:
        with (
            switch.gateway(Transport.TCP) as customer,
            switch.node(transport=Transport.TCP) as node,
            switch.node(NODE_2) as proxy,
        ):
            call = customer.invite(f"sip:2101@{switch.address}", AGENT.media)
            incoming = node.expect_call("2101")
            route = f"<sip:{NODE_2}:{switch.ports[NODE_2]};lr>"
            incoming.reply(200, sdp=AGENT.media, headers=[("Record-Route", route)])
            call.expect(200)
            call.ack()
            proxy.expect_request("ACK")
            incoming.confirmed = True
            *_, event = log.expect("2101", *ANSWERED[:3])
            release(log, call_event(event).conn_id, "2101")
            at_customer = call.dialog.expect_request("BYE")
            assert at_customer.flow.transport is Transport.TCP
            at_customer.reply(200)
            at_proxy = proxy.expect_request("BYE")
            assert at_proxy.request["Route"].replace(" ", "") == route
            at_proxy.reply(200)
            log.expect("2101", *ANSWERED)


class TestRingingCall:
    def test_the_phone_stops_and_the_caller_is_declined(
        self, switch: Switch, customer: Endpoint, node: CucmNode, log: EventLog
    ) -> None:
        call = call_8000(switch, customer)
        incoming = node.expect_call("2001")
        node.ring(incoming, AGENT)
        (ringing,) = log.expect("2001", "EventRinging")
        call.expect(180)
        released = release(log, call_event(ringing).conn_id)
        assert released.call_state is CallState.DROPPED
        incoming.expect_cancel()
        call.expect(603)
        log.expect("2001", "EventRinging", "EventReleased")
        assert_dialog_rules(customer, node)

    def test_the_callers_desktop_gives_up(self, switch: Switch, node: CucmNode, log: EventLog) -> None:
        call = node.call(Party("2002", "Agent Two"), "2001")
        incoming = node.expect_call("2001")
        node.ring(incoming, AGENT)
        (ringing,) = log.expect("2001", "EventRinging")
        call.expect(180)
        release(log, call_event(ringing).conn_id, "2002")
        incoming.expect_cancel()
        call.expect(487)
        log.expect("2001", "EventRinging", "EventAbandoned")
        log.expect("2002", "EventOffHook", "EventDialing", "EventReleased", "EventOnHook")
        assert_dialog_rules(node)

    def test_an_answer_that_crosses_is_established_and_released(
        self, switch: Switch, customer: Endpoint, node: CucmNode, log: EventLog
    ) -> None:
        call = call_8000(switch, customer)
        incoming = node.expect_call("2001")
        node.ring(incoming, AGENT)
        (ringing,) = log.expect("2001", "EventRinging")
        node.answer(incoming, AGENT)
        call.expect(200)
        before = _answered(switch)
        with ThreadPoolExecutor(1) as desktop:
            released = desktop.submit(release, log, call_event(ringing).conn_id)
            wait_for(lambda: _answered(switch) == before + 1, "the switch has the request")
            call.ack()
            incoming.expect_ack()
            agree(call, incoming)
            assert released.result(10).conn_id == call_event(ringing).conn_id
        log.expect("2001", *ANSWERED)

    def test_a_phone_that_does_not_ring_yet(
        self, switch: Switch, customer: Endpoint, node: CucmNode, log: EventLog
    ) -> None:
        call = node.call(Party("2002", "Agent Two"), "2001")
        incoming = node.expect_call("2001")
        _, dialing = log.expect("2002", "EventOffHook", "EventDialing")
        refused = log.request(RequestReleaseCall(this_dn="2002", conn_id=call_event(dialing).conn_id))
        assert isinstance(refused, TLibError)
        assert refused.code == TError.INCORRECT_OBJECT_STATE
        node.ring(incoming, AGENT)
        call.expect(180)
        call.cancel()
        call.expect(487)


class TestInternalCall:
    @pytest.mark.parametrize(("dn", "other"), [("2001", "2002"), ("2002", "2001")])
    def test_the_requesters_desktop_hears_of_it_first(
        self, switch: Switch, node: CucmNode, log: EventLog, dn: str, other: str
    ) -> None:
        call = node.call(Party("2002", "Agent Two"), "2001")
        incoming = node.expect_call("2001")
        node.ring(incoming, AGENT)
        call.expect(180)
        answer(call, node, incoming)
        *_, event = log.expect("2001", *ANSWERED[:3])
        own = release(log, call_event(event).conn_id, dn)
        agree(call, incoming)
        log.expect("2001", *ANSWERED)
        log.expect("2002", "EventOffHook", "EventDialing", "EventEstablished", "EventReleased", "EventOnHook")
        (others,) = [event for event in log.of(other) if isinstance(event, EventReleased)]
        assert others.reference_id is None
        assert (own.event_sequence_number or 0) < (others.event_sequence_number or 0)
        assert_dialog_rules(node)


class TestWhatMayCross:
    def test_a_bye_of_the_phone_crosses_ours(
        self, switch: Switch, customer: Endpoint, node: CucmNode, log: EventLog
    ) -> None:
        call, incoming, conn_id = established(switch, customer, node, log)
        release(log, conn_id)
        ours = incoming.dialog.expect_request("BYE")
        node.release(incoming.dialog).expect(200)
        ours.reply(200)
        agree(call)
        log.expect("2001", *ANSWERED)

    def test_request_and_bye_at_the_same_time_end_the_call_once(
        self, switch: Switch, customer: Endpoint, node: CucmNode, log: EventLog
    ) -> None:
        call, incoming, conn_id = established(switch, customer, node, log)
        theirs = node.release(incoming.dialog)
        answered = log.request(RequestReleaseCall(this_dn="2001", conn_id=conn_id))
        if isinstance(answered, TLibError):
            assert answered.code == TError.INVALID_CONN_ID
        agree(call)
        theirs.expect(200)
        log.expect("2001", *ANSWERED)

    @pytest.mark.parametrize("status", [481, 500])
    def test_a_phone_that_does_not_agree(
        self, switch: Switch, customer: Endpoint, node: CucmNode, log: EventLog, status: int
    ) -> None:
        failed = metric(switch, "sip_requests.failed")
        call, incoming, conn_id = established(switch, customer, node, log)
        release(log, conn_id)
        incoming.dialog.expect_request("BYE").reply(status)
        agree(call)
        log.expect("2001", *ANSWERED)
        # A dialog that is gone already is what was wanted.
        wait_for(lambda: metric(switch, "sip_requests.failed") == failed + (status == 500), "the failure is counted")

    def test_a_phone_that_is_silent_holds_nobody_up(
        self, switch: Switch, customer: Endpoint, node: CucmNode, log: EventLog
    ) -> None:
        call, incoming, conn_id = established(switch, customer, node, log)
        release(log, conn_id)
        agree(call)
        log.expect("2001", *ANSWERED)
        silent = incoming.dialog.expect_request("BYE")
        wait_for(lambda: not switch.kamailio.table("leg"), "no leg is left while the phone is silent")
        silent.reply(200)

    def test_a_released_call_is_no_call_of_the_dn_any_more(
        self, switch: Switch, customer: Endpoint, node: CucmNode, log: EventLog
    ) -> None:
        call, incoming, conn_id = established(switch, customer, node, log)
        release(log, conn_id)
        again = log.request(RequestReleaseCall(this_dn="2001", conn_id=conn_id))
        assert isinstance(again, TLibError)
        assert again.code == TError.INVALID_CONN_ID
        agree(call, incoming)
        log.expect("2001", *ANSWERED)


class TestTheControllersSocket:
    @pytest.mark.parametrize("secret", ["", "X-Kamcti-Secret: none\r\n", "X-Kamcti-Secret: guess\r\n"])
    def test_only_the_controller_is_heard(
        self, switch: Switch, customer: Endpoint, node: CucmNode, log: EventLog, secret: str
    ) -> None:
        call, incoming, conn_id = established(switch, customer, node, log)
        refused = switch.kamailio.counter("controller_refused")
        port = switch.kamailio.shared("controller_requests_port")
        forged = (
            f"BYE sip:{conn_id}-1@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bKforged\r\n"
            f"From: <sip:controller@127.0.0.1>;tag=controller\r\nTo: <sip:x@127.0.0.1>;tag={conn_id}-1\r\n"
            f"Call-ID: forged\r\nCSeq: 1 BYE\r\nMax-Forwards: 70\r\n{secret}Content-Length: 0\r\n\r\n"
        )
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(forged.encode(), ("127.0.0.1", port))
        wait_for(lambda: switch.kamailio.counter("controller_refused") == refused + 1, "it is refused and counted")
        # The call is untouched: the real BYEs are the first in their dialogs.
        release(log, conn_id)
        agree(call, incoming)
        log.expect("2001", *ANSWERED)
