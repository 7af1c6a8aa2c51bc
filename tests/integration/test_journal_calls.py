"""Calls through a real switch, as they stand in the event log and in the live state."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.kit.cucm import CucmNode, Party
from tests.kit.cucm.failures import Situation
from tests.kit.fixtures_switch import Switch, hang_up
from tests.kit.processes import wait_for
from tests.kit.sip import Audio, Endpoint, OutgoingInvite

CUSTOMER = "+15550100"
AGENT = Party("2001", "Agent One", media=Audio(port=24510, address="127.0.0.3"))
COLLEAGUE = Party("2002", "Agent Two", media=Audio(port=24512, address="127.0.0.3"))

ODD = ("malformed", "unknown_leg", "unexpected", "duplicate", "unknown_destination")

Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def connection(switch: Switch) -> Iterator[Connection]:
    with switch.database.connect() as open_connection:
        yield open_connection


class Log:
    """The event log and the live state, from now on."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.expected: list[str] = []
        (self._before,) = connection.execute("SELECT coalesce(max(seq), 0) FROM kamcti.event").fetchone() or (0,)

    def events(self) -> list[str]:
        """``2001 Ringing Ok`` for each event since the log was opened."""
        found = self._connection.execute(
            "SELECT this_dn, name, body ->> 'CallState' FROM kamcti.event WHERE seq > %s ORDER BY seq", [self._before]
        ).fetchall()
        words = [(str(dn), str(name).removeprefix("Event"), str(state or "")) for dn, name, state in found]
        return [" ".join(each).strip() for each in words]

    def expect(self, *events: str) -> None:
        """Exactly these events since the log was opened: now, or in a moment."""
        wait_for(lambda: len(self.events()) >= len(events), f"{events}; so far {self.events()}", 3.0)
        assert self.events() == list(events)
        self.expected = list(events)

    def states(self) -> dict[str, str]:
        """State of every party of every call."""
        return {str(dn): str(state) for dn, state in self._connection.execute("SELECT dn, state FROM kamcti.party")}

    def expect_no_call(self) -> None:
        def left() -> list[tuple[object, ...]]:
            return self._connection.execute("SELECT connid FROM kamcti.call UNION SELECT id FROM kamcti.leg").fetchall()

        wait_for(lambda: not left(), f"no call is left but {left()}", 3.0)


@pytest.fixture
def log(switch: Switch, connection: Connection) -> Iterator[Log]:
    """The test's call ends, nothing more is said of it than the test expected, and every fact of it fits."""

    def metric(name: str) -> int:
        return int(switch.kamailio.table("metrics").get(f"controller.{name}", "0"))

    def oddities() -> dict[str, int]:
        return {kind: metric(f"facts.{kind}") for kind in ODD}

    Log(connection).expect_no_call()
    before, ended = oddities(), metric("calls.ended")
    opened = Log(connection)
    yield opened
    wait_for(lambda: metric("calls.ended") > ended, "the call ended", 3.0)
    opened.expect_no_call()
    assert opened.events() == opened.expected
    assert oddities() == before


def dial(switch: Switch, gateway: Endpoint, number: str = "8000") -> OutgoingInvite:
    return gateway.invite(f"sip:{number}@{switch.address}", Audio(port=4000), caller=f"<sip:{CUSTOMER}@127.0.0.2>")


def test_a_customer_talks_to_an_agent(
    switch: Switch, gateway: Endpoint, node: CucmNode, log: Log, connection: Connection
) -> None:
    call = dial(switch, gateway)
    incoming = node.expect_call()
    node.ring(incoming, AGENT)
    call.expect(180)
    log.expect("2001 Ringing Ok")
    assert log.states() == {CUSTOMER: "Dialing", "2001": "Alerting"}
    node.answer(incoming, AGENT)
    call.expect(200)
    call.ack()
    incoming.expect_ack()
    log.expect("2001 Ringing Ok", "2001 OffHook", "2001 Established Ok")
    assert log.states() == {CUSTOMER: "Connected", "2001": "Connected"}
    legs = connection.execute("SELECT trunk, remote_tag <> '', remote_target <> '' FROM kamcti.leg ORDER BY id")
    assert legs.fetchall() == [("Gateway", True, True), ("Node1", True, True)]
    ringing = connection.execute(
        "SELECT body FROM kamcti.event WHERE name = 'EventRinging' ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    assert ringing is not None
    (body,) = ringing
    assert isinstance(body, dict)
    said = {key: body[key] for key in ("CallType", "OtherDN", "ANI", "DNIS", "OtherTrunk", "ThisDNRole")}
    assert said == {
        "CallType": "Inbound",
        "OtherDN": CUSTOMER,
        "ANI": CUSTOMER,
        "DNIS": "8000",
        "OtherTrunk": "Gateway",
        "ThisDNRole": "Destination",
    }
    hang_up(call, incoming)
    log.expect("2001 Ringing Ok", "2001 OffHook", "2001 Established Ok", "2001 Released Ok", "2001 OnHook")


def test_the_agent_hangs_up(switch: Switch, gateway: Endpoint, node: CucmNode, log: Log) -> None:
    call = dial(switch, gateway)
    incoming = node.expect_call()
    node.answer(incoming, AGENT)
    call.expect(200)
    call.ack()
    incoming.expect_ack()
    log.expect("2001 Ringing Ok", "2001 OffHook", "2001 Established Ok")
    bye = node.release(incoming.dialog)
    call.expect_request("BYE").reply(200)
    bye.expect(200)
    log.expect("2001 Ringing Ok", "2001 OffHook", "2001 Established Ok", "2001 Released Ok", "2001 OnHook")


def test_the_caller_gives_up_while_it_rings(switch: Switch, gateway: Endpoint, node: CucmNode, log: Log) -> None:
    call = dial(switch, gateway)
    incoming = node.expect_call()
    node.ring(incoming, AGENT)
    call.expect(180)
    cancel = call.cancel()
    cancel.expect(200)
    call.expect(487)
    log.expect("2001 Ringing Ok", "2001 Abandoned Ok")


@pytest.mark.parametrize(
    ("situation", "rings", "expected"),
    [
        (Situation.BUSY, False, []),
        (Situation.UNALLOCATED, False, []),
        (Situation.NO_ANSWER, True, ["2001 Ringing Ok", "2001 Released NoAnswer"]),
        (Situation.REJECTED, True, ["2001 Ringing Ok", "2001 Released Dropped"]),
        (Situation.REJECTED_486, True, ["2001 Ringing Ok", "2001 Released Dropped"]),
    ],
)
def test_the_phone_does_not_answer(
    switch: Switch,
    gateway: Endpoint,
    node: CucmNode,
    log: Log,
    situation: Situation,
    rings: bool,
    expected: list[str],
) -> None:
    call = dial(switch, gateway)
    incoming = node.expect_call()
    if rings:
        node.ring(incoming, AGENT)
        call.expect(180)
    failure = node.fail(incoming, situation)
    call.expect(failure.status)
    log.expect(*expected)


def test_a_colleague_calls(switch: Switch, node: CucmNode, log: Log) -> None:
    call = node.invite(f"sip:2001@{switch.address}", COLLEAGUE.media, caller=f"<sip:{COLLEAGUE.number}@127.0.0.3>")
    incoming = node.expect_call()
    log.expect("2002 OffHook", "2002 Dialing Ok")
    failure = node.fail(incoming, Situation.BUSY)
    call.expect(failure.status)
    log.expect("2002 OffHook", "2002 Dialing Ok", "2002 DestinationBusy Busy", "2002 Released Busy", "2002 OnHook")


def test_remote_target_is_kept_to_the_letter(
    switch: Switch, gateway: Endpoint, node: CucmNode, connection: Connection
) -> None:
    """A URI's own escapes (RFC 3261 §19.1.2) pass the queue unchanged, at the answer and when the target moves."""
    call = gateway.invite(f"sip:8000@{switch.address}", Audio(), caller="<sip:+15550100@127.0.0.2>")
    incoming = node.expect_call()
    first, second = (f"sip:a%2Bb%20{n}@{node.local};x=%40" for n in (1, 2))
    incoming.reply(200, sdp=Audio(port=24510), replace_headers={"Contact": f"<{first}>"})
    call.expect(200)
    call.ack()
    incoming.expect_ack()

    def target() -> str:
        row = connection.execute("SELECT remote_target FROM kamcti.leg WHERE id LIKE '%-2'").fetchone()
        return "" if row is None else str(row[0])

    wait_for(lambda: target() == first, f"the target is {first}", 3.0)
    again = incoming.dialog.invite(Audio(port=24512), replace_headers={"Contact": f"<{second}>"})
    call.dialog.expect_request("INVITE").reply(200, sdp=Audio(port=4000))
    again.expect(200)
    again.ack()
    wait_for(lambda: target() == second, f"the target is {second}", 3.0)
    hang_up(call, incoming)
