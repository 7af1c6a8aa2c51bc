"""Calls through a real switch: each side sees a dialog of its own, and nothing is lost between them."""

from collections.abc import Iterator

import pytest

from tests.kit.cucm import CucmNode, Party
from tests.kit.cucm.failures import Situation
from tests.kit.cucm.node import number_of
from tests.kit.fixtures_switch import Switch, hang_up
from tests.kit.processes import wait_for
from tests.kit.sip import (
    PCMA,
    Audio,
    Endpoint,
    IncomingRequest,
    OutgoingInvite,
    Transport,
    assert_dialog_rules,
    assert_separate_legs,
)

CUSTOMER = '"Ada Caller" <sip:+15550100@127.0.0.2>'
AGENT = Party("2001", "Agent One", media=Audio(port=24510, address="127.0.0.3"))


@pytest.fixture(autouse=True)
def _nothing_left(switch: Switch) -> Iterator[None]:
    """A test leaves no leg and no call of its own in shared memory."""
    tables = ("leg", "dialog", "call", "cseq", "offerer", "origin")
    before = {name: switch.kamailio.table(name).keys() for name in tables}
    yield
    for name in tables:
        wait_for(lambda n=name: switch.kamailio.table(n).keys() <= before[n], f"table {name} is as it was", 3.0)


def dial(switch: Switch, gateway: Endpoint, number: str = "8000", offer: Audio | None = None) -> OutgoingInvite:
    return gateway.invite(f"sip:{number}@{switch.address}", offer, caller=CUSTOMER)


def established(
    switch: Switch, gateway: Endpoint, node: CucmNode, number: str = "8000"
) -> tuple[OutgoingInvite, IncomingRequest]:
    """A call with early offer, answered and acknowledged."""
    call = dial(switch, gateway, number, Audio(port=4000))
    incoming = node.expect_call()
    node.ring(incoming, AGENT)
    call.expect(180)
    node.answer(incoming, AGENT)
    call.expect(200)
    call.ack()
    incoming.expect_ack()
    return call, incoming


class TestSetUp:
    def test_early_offer(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        call, incoming = established(switch, gateway, node)

        assert number_of(incoming) == "2001"
        assert incoming.request.sdp.media[0].port == 4000
        assert incoming.request["From"].startswith('"Ada Caller" <sip:+15550100@')
        assert call.dialog.remote_sdp is not None
        assert call.dialog.remote_sdp.media[0].port == 24510
        hang_up(call, incoming)
        assert_dialog_rules(gateway, node)
        assert_separate_legs(gateway, node)

    def test_delayed_offer(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        call = dial(switch, gateway)
        incoming = node.expect_call()
        assert not incoming.request.body
        node.ring(incoming, AGENT)
        node.answer(incoming, AGENT)
        answer = call.expect(200)
        assert answer.sdp.media[0].port == 24510

        call.ack(Audio(port=4002))

        assert incoming.expect_ack().sdp.media[0].port == 4002
        hang_up(call, incoming)
        assert_dialog_rules(gateway, node)

    def test_cucm_calls_with_its_own_headers(self, switch: Switch, node: CucmNode) -> None:
        """The signaling loop: the customer's leg and the agent's leg are both with CUCM."""
        call = node.call(Party("+15550100", "Ada Caller"), "8000")
        incoming = node.expect_call("2001")
        for name in ("Session-Expires", "Min-SE", "P-Asserted-Identity", "Remote-Party-ID", "Session-ID", "Cisco-Guid"):
            assert incoming.request[name].strip() == call.request[name].strip()
        assert int(incoming.request["Max-Forwards"]) == int(call.request["Max-Forwards"]) - 1

        node.answer(incoming, AGENT)
        answer = call.expect(200)
        assert answer["Session-Expires"].strip() == "1800;refresher=uas"
        call.ack(Audio(port=4004))
        incoming.expect_ack()
        hang_up(call, incoming)
        assert_dialog_rules(node)

    def test_tcp(self, switch: Switch) -> None:
        with switch.gateway(Transport.TCP) as gateway, switch.node(transport=Transport.TCP) as node:
            call, incoming = established(switch, gateway, node, "2101")
            assert incoming.flow.transport is Transport.TCP
            assert "transport=tcp" in incoming.request["Contact"].lower()
            node.release(incoming.dialog)
            call.dialog.expect_request("BYE").reply(200)
            assert_dialog_rules(gateway, node)

    def test_route_to_us_goes_no_further(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        """A caller may name us in a Route (an outbound proxy setting); the callee's path is another."""
        call = gateway.invite(f"sip:8000@{switch.address}", Audio(), headers=[("Route", f"<sip:{switch.address};lr>")])
        incoming = node.expect_call()
        assert "Route" not in incoming.request
        node.fail(incoming, Situation.BUSY)
        call.expect(486)

    def test_retransmitted_invite_is_one_call(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        before = switch.kamailio.counter("calls_routed")
        call = dial(switch, gateway, offer=Audio())
        incoming = node.expect_call()
        gateway.transmit(call.request, call.flow, again=True)
        gateway.transmit(call.request, call.flow, again=True)
        node.answer(incoming, AGENT)
        call.expect(200)
        call.ack()
        incoming.expect_ack()
        hang_up(call, incoming)
        assert switch.kamailio.counter("calls_routed") == before + 1

    def test_via_gets_received_and_rport(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        call = gateway.invite(
            f"sip:8000@{switch.address}",
            Audio(),
            edit=lambda request: request.set("Via", request["Via"] + ";rport"),
        )
        incoming = node.expect_call()
        node.ring(incoming, AGENT)
        ringing = call.expect(180)
        assert f";rport={gateway.local.port}" in ringing["Via"]
        assert f";received={gateway.local.host}" in ringing["Via"]
        node.fail(incoming, Situation.BUSY)
        call.expect(486)

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ('"Sales | North"', '"Sales   North"'),
            ('"Böhm, Jürgen"', '"Böhm, Jürgen"'),
            (r'"a \"quoted\" name"', '"a quoted name"'),
            ("Plain Name", '"Plain Name"'),
            ("", ""),
        ],
    )
    def test_callers_name(
        self, switch: Switch, gateway: Endpoint, node: CucmNode, name: str, shown: str
    ) -> None:
        call = gateway.invite(f"sip:8000@{switch.address}", Audio(), caller=f"{name} <sip:+15550100@127.0.0.2>".strip())
        incoming = node.expect_call()
        assert incoming.request["From"].partition(";tag=")[0] == f"{shown} <sip:+15550100@127.0.0.1>".strip()
        node.fail(incoming, Situation.BUSY)
        call.expect(486)

    def test_lost_200_is_repeated_until_the_ack(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        call = dial(switch, gateway, offer=Audio())
        incoming = node.expect_call()
        node.answer(incoming, AGENT)
        call.wait_for_count(200, 2)
        call.ack()
        incoming.expect_ack()
        hang_up(call, incoming)
        assert_dialog_rules(gateway, node)


class TestInDialog:
    def test_reinvite_from_either_side(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        call, incoming = established(switch, gateway, node)

        again = call.dialog.invite(Audio(port=4010))
        at_node = incoming.dialog.expect_request("INVITE")
        assert at_node.request.sdp.media[0].port == 4010
        at_node.reply(200, sdp=Audio(port=24512, address="127.0.0.3"))
        assert again.expect(200).sdp.media[0].port == 24512
        again.ack()
        at_node.expect_ack()

        back = incoming.dialog.invite(Audio(port=24514, address="127.0.0.3", codecs=(PCMA,)))
        at_gateway = call.dialog.expect_request("INVITE")
        at_gateway.reply(200, sdp=Audio(port=4012, codecs=(PCMA,)))
        back.expect(200)
        back.ack()
        at_gateway.expect_ack()

        hang_up(call, incoming)
        assert_dialog_rules(gateway, node)

    def test_hold_and_resume_as_cucm_does_them(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        call, incoming = established(switch, gateway, node)
        call.dialog.automatic["INVITE"] = lambda request: request.reply(200, sdp=Audio(port=4000)) and None
        node.hold(incoming.dialog, AGENT)
        node.resume(incoming.dialog, AGENT)
        hang_up(call, incoming)
        assert_dialog_rules(gateway, node)

    def test_refused_reinvite(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        call, incoming = established(switch, gateway, node)
        again = call.dialog.invite(Audio(port=4010))
        incoming.dialog.expect_request("INVITE").reply(488)
        again.expect(488)
        hang_up(call, incoming)
        assert_dialog_rules(gateway, node)

    @pytest.mark.parametrize("method", ["UPDATE", "INFO", "MESSAGE", "NOTIFY"])
    def test_other_requests_pass(self, switch: Switch, gateway: Endpoint, node: CucmNode, method: str) -> None:
        call, incoming = established(switch, gateway, node)
        headers = [("Event", "telephone-event"), ("Subscription-State", "active")] if method == "NOTIFY" else []
        sent = call.dialog.request(method, headers=[*headers, ("X-Mark", "there")])
        received = incoming.dialog.expect_request(method)
        assert received.request["X-Mark"] == "there"
        received.reply(200, headers=[("X-Mark", "back")])
        assert sent.expect(200)["X-Mark"] == "back"
        back = incoming.dialog.request(method, headers=headers)
        call.dialog.expect_request(method).reply(200)
        back.expect(200)
        hang_up(call, incoming)
        assert_dialog_rules(gateway, node)

    def test_prack_names_the_invite_of_its_own_dialog(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        call = gateway.invite(
            f"sip:8000@{switch.address}", Audio(), caller=CUSTOMER, headers=[("Supported", "100rel")]
        )
        incoming = node.expect_call()
        incoming.reply(183, sdp=Audio(port=24516), headers=[("Require", "100rel"), ("RSeq", "41")])
        progress = call.expect(183)
        prack = call.prack(progress)
        at_node = incoming.dialog.expect_request("PRACK")
        assert at_node.request["RAck"] == f"41 {incoming.request.cseq.number} INVITE"
        at_node.reply(200)
        prack.expect(200)
        node.answer(incoming, AGENT)
        call.expect(200)
        call.ack()
        incoming.expect_ack()
        hang_up(call, incoming)
        assert_dialog_rules(gateway, node)

    def test_update_in_the_early_dialog(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        call = dial(switch, gateway, offer=Audio())
        incoming = node.expect_call()
        node.ring(incoming, AGENT)
        call.expect(180)
        update = incoming.dialog.request("UPDATE", headers=[("P-Asserted-Identity", "<sip:2001@127.0.0.3>")])
        call.dialog.expect_request("UPDATE").reply(200)
        update.expect(200)
        node.fail(incoming, Situation.BUSY)
        call.expect(486)
        assert_dialog_rules(gateway, node)

    def test_moved_contact_is_followed(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        """RFC 3261 §12.2.2: a re-INVITE may change the remote target."""
        call, incoming = established(switch, gateway, node)
        with Endpoint("moved", address=node.local.host, ladder=node.ladder) as moved:
            again = incoming.dialog.invite(
                Audio(port=24518), replace_headers={"Contact": f"<sip:2001@{moved.local};transport=udp>"}
            )
            call.dialog.expect_request("INVITE").reply(200, sdp=Audio(port=4000))
            again.expect(200)
            again.ack()
            bye = call.dialog.bye()
            moved.expect_request("BYE").reply(200)
            bye.expect(200)

    def test_record_route_becomes_the_route_set(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        """A proxy between us and the callee stays in the path (RFC 3261 §12.1.2, §16.12)."""
        with Endpoint("proxy", address=node.local.host) as proxy:
            first = f"<sip:{proxy.local};lr>"
            second = "<sip:127.0.0.77:5999;lr>"
            call = dial(switch, gateway, offer=Audio())
            incoming = node.expect_call()
            incoming.reply(200, sdp=Audio(port=24520), headers=[("Record-Route", f"{second}, {first}")])
            call.expect(200)
            call.ack()
            ack = proxy.expect_request("ACK")
            assert ack.request["Route"].replace(" ", "") == f"{first},{second}"
            incoming.confirmed = True
            bye = call.dialog.bye()
            at_proxy = proxy.expect_request("BYE")
            assert at_proxy.request["Route"].replace(" ", "") == f"{first},{second}"
            at_proxy.reply(200)
            bye.expect(200)

    def test_refer_is_refused(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        call, incoming = established(switch, gateway, node)
        incoming.dialog.request("REFER", headers=[("Refer-To", "<sip:2002@127.0.0.3>")]).expect(405)
        hang_up(call, incoming)


class TestEnd:
    def test_bye_from_the_customer(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        call, incoming = established(switch, gateway, node)
        bye = call.dialog.bye(headers=[("Reason", "Q.850;cause=16")])
        at_node = incoming.dialog.expect_request("BYE")
        assert at_node.request["Reason"] == "Q.850;cause=16"
        at_node.reply(200)
        bye.expect(200)

    def test_bye_from_both_sides_at_once(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        call, incoming = established(switch, gateway, node)
        ours = call.dialog.bye()
        at_node = incoming.dialog.expect_request("BYE")
        theirs = node.release(incoming.dialog)
        theirs.expect(200)
        at_node.reply(200)
        ours.expect(200)

    def test_cancel(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        call = dial(switch, gateway, offer=Audio())
        incoming = node.expect_call()
        node.ring(incoming, AGENT)
        call.expect(180)
        cancel = call.cancel(headers=[("Reason", "SIP;cause=487")])
        cancel.expect(200)
        incoming.expect_cancel()
        call.expect(487)
        assert_dialog_rules(gateway, node)

    def test_cancel_crosses_the_answer(self, switch: Switch, gateway: Endpoint, node: CucmNode) -> None:
        """The 200 wins; the caller acknowledges and hangs up (RFC 3261 §9.1)."""
        call = dial(switch, gateway, offer=Audio())
        incoming = node.expect_call()
        node.ring(incoming, AGENT)
        call.expect(180)
        node.answer(incoming, AGENT)
        call.cancel()
        call.expect(200)
        call.ack()
        incoming.expect_ack()
        hang_up(call, incoming)

    @pytest.mark.parametrize(
        ("situation", "status"),
        [(Situation.BUSY, 486), (Situation.UNALLOCATED, 404), (Situation.REJECTED, 603)],
    )
    def test_refused_by_the_callee(
        self, switch: Switch, gateway: Endpoint, node: CucmNode, situation: Situation, status: int
    ) -> None:
        call = dial(switch, gateway, offer=Audio())
        incoming = node.expect_call()
        node.fail(incoming, situation)
        answer = call.expect(status)
        assert answer["Reason"].startswith("Q.850;cause=")
        assert_dialog_rules(gateway, node)

    def test_redirection_and_challenge_are_no_use_to_the_caller(
        self, switch: Switch, gateway: Endpoint, node: CucmNode
    ) -> None:
        for status in (302, 401, 407):
            call = dial(switch, gateway, offer=Audio())
            node.expect_call().reply(status, headers=[("Contact", "<sip:2002@127.0.0.3>")])
            call.expect(480)
