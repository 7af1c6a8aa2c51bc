"""The acting CUCM stand-in: played phones against an endpoint, real phones through it to each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.cucm import (
    BUSY,
    NO_ANSWER,
    REJECTS,
    UNREGISTERED,
    CucmCluster,
    Party,
    PhoneBehaviour,
)
from tests.kit.phones import CallState, Phone
from tests.kit.sip import (
    Audio,
    Behaviour,
    Direction,
    Endpoint,
    Request,
    Transport,
    Way,
    assert_dialog_rules,
)

AGENT = Party("2001", "Agent One", device="SEPC4B9CD1A0E31")
SECOND = Party("2002", "Agent Two")
ADA = Party("+15550100", "Ada Caller")
QUICK = Behaviour(t1=0.1, t2=0.4)

Trunk = tuple[Endpoint, CucmCluster]


@pytest.fixture(params=list(Transport), ids=lambda transport: transport.value)
def trunk(request: pytest.FixtureRequest) -> Iterator[Trunk]:
    transport: Transport = request.param
    with (
        Endpoint("switch", transport=transport, behaviour=QUICK) as switch,
        CucmCluster(
            trunk=switch.local,
            addresses=("127.0.0.10", "127.0.0.11"),
            transport=transport,
            behaviour=QUICK,
            ladder=switch.ladder,
        ) as cucm,
    ):
        yield switch, cucm


def test_agent_rings_answers_and_hangs_up(trunk: Trunk) -> None:
    switch, cucm = trunk
    cucm.add_agent(AGENT, PhoneBehaviour(answer_after=0.1, hang_up_after=0.1))
    call = switch.invite(cucm.nodes[1].uri("2001"))
    call.expect(180)
    call.expect(200)
    call.ack(Audio())
    agent = cucm.expect_agent_call("2001")
    call.expect_request("BYE").reply(200)
    agent.wait(agent.over, "released")
    assert agent.node is cucm.nodes[1]
    assert_dialog_rules(switch)


@pytest.mark.parametrize(
    ("behaviour", "status", "rings"), [(BUSY, 486, False), (REJECTS, 603, True), (UNREGISTERED, 404, False)]
)
def test_agent_that_does_not_take_the_call(trunk: Trunk, behaviour: PhoneBehaviour, status: int, rings: bool) -> None:
    switch, cucm = trunk
    cucm.add_agent(AGENT, behaviour)
    call = switch.invite(cucm.nodes[0].uri("2001"))
    call.expect(status)
    assert (call.count(180) > 0) is rings


def test_number_that_nobody_has_is_not_found(trunk: Trunk) -> None:
    switch, cucm = trunk
    assert switch.invite(cucm.nodes[0].uri("2999")).expect(404)["Reason"] == "Q.850;cause=1"


def test_caller_gives_up_while_the_agent_rings(trunk: Trunk) -> None:
    switch, cucm = trunk
    cucm.add_agent(AGENT, NO_ANSWER)
    call = switch.invite(cucm.nodes[0].uri("2001"))
    call.expect(180)
    agent = cucm.expect_agent_call("2001")
    call.cancel().expect(200)
    call.expect(487)
    agent.wait(agent.over, "over")


def test_agent_holds_in_two_steps_and_releases(trunk: Trunk) -> None:
    switch, cucm = trunk
    cucm.add_agent(AGENT)
    call = switch.invite(cucm.nodes[0].uri("2001"))
    call.expect(200)
    call.ack(Audio(port=30000))
    agent = cucm.expect_agent_call("2001")
    agent.wait(agent.confirmed, "confirmed")
    call.dialog.automatic["INVITE"] = lambda incoming: _silently(incoming.reply(200, sdp=Audio(port=30000)))
    agent.hold()
    agent.resume()
    call.dialog.automatic["BYE"] = lambda incoming: _silently(incoming.reply(200))
    agent.hang_up()
    assert_dialog_rules(switch)


def test_reinvite_of_the_peer_is_answered_by_the_agent(trunk: Trunk) -> None:
    switch, cucm = trunk
    cucm.add_agent(AGENT)
    call = switch.invite(cucm.nodes[0].uri("2001"), Audio())
    call.expect(200)
    call.ack()
    held = call.dialog.invite(Audio().held())
    answer = held.expect(200).sdp
    assert answer is not None
    assert answer.direction is Direction.INACTIVE
    held.ack()
    asked = call.dialog.invite()
    offer = asked.expect(200).sdp
    assert offer is not None
    assert offer.direction is Direction.SENDRECV
    asked.ack(Audio())
    call.hang_up()
    assert_dialog_rules(switch)


def test_real_phones_of_one_cluster_hear_each_other(tmp_path: Path) -> None:
    with CucmCluster() as cucm:
        cucm.add_line(AGENT)
        cucm.add_line(SECOND)
        with (
            Phone("2001", directory=tmp_path, tone=500, registrar=cucm.lines.local) as first,
            Phone("2002", directory=tmp_path, tone=700, registrar=cucm.lines.local, answer_after=0.1) as second,
        ):
            call = first.call("2002")
            call.wait_for(CallState.CONFIRMED)
            assert first.hears(700)
            assert second.hears(500)
            call.hang_up()
            second.expect_call().wait_for(CallState.DISCONNECTED)
            nobody = first.call("2999")
            nobody.wait_for(CallState.DISCONNECTED)
            assert nobody.status == 404


@pytest.mark.parametrize("early_offer", [False, True], ids=["delayed offer", "early offer"])
def test_real_phones_of_two_clusters_hear_each_other_over_the_trunk(tmp_path: Path, early_offer: bool) -> None:
    with (
        CucmCluster(addresses=("127.0.0.10",)) as agents,
        CucmCluster(
            addresses=("127.0.0.20",),
            trunk=agents.nodes[0].local,
            early_offer=early_offer,
            ladder=agents.ladder,
            name="cust",
        ) as customers,
    ):
        agents.add_line(AGENT)
        customers.add_line(ADA)
        with (
            Phone("+15550100", directory=tmp_path, tone=500, registrar=customers.lines.local) as ada,
            Phone("2001", directory=tmp_path, tone=700, registrar=agents.lines.local, answer_after=0.1) as agent,
        ):
            call = ada.call("2001")
            call.wait_for(CallState.CONFIRMED)
            assert ada.hears(700)
            assert agent.hears(500)
            ringing = agent.expect_call()
            assert "+15550100" in ringing.remote

            call.hold()
            assert agent.hears_silence()
            assert ada.hears_silence()
            call.resume()
            assert ada.hears(700)
            assert agent.hears(500)

            ringing.hang_up()
            call.wait_for(CallState.DISCONNECTED)
        trunk = customers.nodes[0]
        invites = [
            entry.message
            for entry in trunk.messages(Way.SENT)
            if isinstance(entry.message, Request) and entry.message.method == "INVITE"
        ]
        assert [message.sdp is not None for message in invites] == [early_offer, True, False, True, False]
        assert_dialog_rules(trunk, agents.nodes[0])


def test_phone_that_is_not_registered_is_not_found(trunk: Trunk) -> None:
    switch, cucm = trunk
    cucm.add_line(AGENT)
    assert switch.invite(cucm.nodes[0].uri("2001")).expect(404)["Reason"] == "Q.850;cause=20"


def test_caller_gives_up_while_the_real_phone_rings(trunk: Trunk, tmp_path: Path) -> None:
    switch, cucm = trunk
    cucm.add_line(AGENT)
    with Phone("2001", directory=tmp_path, registrar=cucm.lines.local) as phone:
        call = switch.invite(cucm.nodes[0].uri("2001"))
        call.expect(180)
        ringing = phone.expect_call()
        call.cancel().expect(200)
        call.expect(487)
        ringing.wait_for(CallState.DISCONNECTED)


def test_trunk_that_is_down_is_unavailable_to_the_phone(tmp_path: Path) -> None:
    with Endpoint("switch") as switch, CucmCluster(trunk=switch.local) as cucm:
        switch.wire.refuse_tcp()
        cucm.add_line(AGENT)
        with Phone("2001", directory=tmp_path, registrar=cucm.lines.local) as phone:
            call = phone.call("8000")
            call.wait_for(CallState.DISCONNECTED)
            assert call.status == 503


def test_busy_real_phone_is_busy_on_the_trunk(trunk: Trunk, tmp_path: Path) -> None:
    switch, cucm = trunk
    cucm.add_line(AGENT)
    with Phone("2001", directory=tmp_path, registrar=cucm.lines.local) as phone:
        call = switch.invite(cucm.nodes[0].uri("2001"), Audio())
        phone.expect_call().answer(486)
        call.expect(486)


def _silently(_: object) -> None:
    return None
