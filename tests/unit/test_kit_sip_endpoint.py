"""The SIP endpoint of the test kit against itself, over UDP and TCP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kit.sip import (
    Address,
    Audio,
    Behaviour,
    Direction,
    Endpoint,
    IncomingRequest,
    Ladder,
    OutgoingInvite,
    Request,
    SipTimeout,
    Transport,
    UnexpectedMessage,
    Way,
    assert_dialog_rules,
    assert_separate_legs,
)

QUICK = Behaviour(t1=0.05, t2=0.2)

Pair = tuple[Endpoint, Endpoint]


@pytest.fixture(params=list(Transport), ids=lambda transport: transport.value)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    ladder = Ladder()
    transport: Transport = request.param
    with (
        Endpoint("alice", transport=transport, behaviour=QUICK, ladder=ladder) as alice,
        Endpoint("bob", address="127.0.0.2", transport=transport, behaviour=QUICK, ladder=ladder) as bob,
    ):
        yield alice, bob


@pytest.fixture
def udp_pair() -> Iterator[Pair]:
    ladder = Ladder()
    with (
        Endpoint("alice", behaviour=QUICK, ladder=ladder) as alice,
        Endpoint("bob", address="127.0.0.2", behaviour=QUICK, ladder=ladder) as bob,
    ):
        yield alice, bob


def establish(alice: Endpoint, bob: Endpoint) -> tuple[OutgoingInvite, IncomingRequest]:
    call = alice.invite(bob.uri("bob"), Audio(port=4000))
    incoming = bob.expect_request("INVITE")
    incoming.reply(180)
    incoming.reply(200, sdp=Audio(port=4002))
    call.expect(180)
    call.expect(200)
    call.ack()
    incoming.expect_ack()
    return call, incoming


def test_call_is_set_up_and_released_by_the_caller(pair: Pair) -> None:
    alice, bob = pair
    call, incoming = establish(alice, bob)
    bye = call.dialog.bye()
    incoming.dialog.expect_request("BYE").reply(200)
    bye.expect(200)
    assert call.dialog.remote_sdp is not None
    assert call.dialog.remote_sdp.audio.port == 4002
    assert_dialog_rules(alice, bob)


def test_call_is_released_by_the_called_party(pair: Pair) -> None:
    alice, bob = pair
    call, incoming = establish(alice, bob)
    bye = incoming.dialog.bye(headers=[("Reason", "Q.850;cause=16")])
    request = call.expect_request("BYE")
    request.reply(200)
    bye.expect(200)
    assert request.request["Reason"] == "Q.850;cause=16"
    assert request.request.cseq.number == 1


def test_delayed_offer_is_answered_in_the_ack(pair: Pair) -> None:
    alice, bob = pair
    call = alice.invite(bob.uri("bob"))
    incoming = bob.expect_request("INVITE")
    assert incoming.request.body == b""
    incoming.reply(200, sdp=Audio(port=4002))
    call.expect(200)
    call.ack(Audio(port=4000))
    answer = incoming.expect_ack().sdp
    assert answer is not None
    assert answer.audio.port == 4000


def test_origin_version_grows_only_with_a_change(pair: Pair) -> None:
    alice, bob = pair
    call, incoming = establish(alice, bob)
    versions = []
    for audio in (Audio(port=4000), Audio(port=4000).held(), Audio(port=4000)):
        again = call.dialog.invite(audio)
        request = incoming.dialog.expect_request("INVITE")
        assert request.request.sdp is not None
        versions.append(request.request.sdp.origin.version)
        request.reply(200, sdp=Audio(port=4002))
        again.expect(200)
        again.ack()
        request.expect_ack()
    assert versions == [1, 2, 3]
    assert call.dialog.remote_sdp is not None
    assert call.dialog.remote_sdp.direction is Direction.SENDRECV
    assert_dialog_rules(alice, bob)


def test_cancel_ends_the_invite_with_487(pair: Pair) -> None:
    alice, bob = pair
    call = alice.invite(bob.uri("bob"))
    incoming = bob.expect_request("INVITE")
    incoming.reply(180)
    call.expect(180)
    call.cancel().expect(200)
    incoming.expect_cancel()
    call.expect(487)
    incoming.expect_ack()


def test_answer_that_crosses_a_cancel_wins(pair: Pair) -> None:
    alice, bob = pair
    call = alice.invite(bob.uri("bob"), Audio())
    incoming = bob.expect_request("INVITE")
    incoming.reply(200, sdp=Audio())
    call.cancel().expect(200)
    incoming.expect_cancel()
    call.expect(200)
    call.ack()
    incoming.expect_ack()
    bye = call.dialog.bye()
    incoming.dialog.expect_request("BYE").reply(200)
    bye.expect(200)
    assert call.count(487) == 0


def test_failure_is_acknowledged_by_itself(pair: Pair) -> None:
    alice, bob = pair
    call = alice.invite(bob.uri("bob"))
    incoming = bob.expect_request("INVITE")
    incoming.reply(486, headers=[("Reason", "Q.850;cause=17")])
    assert call.expect(486)["Reason"] == "Q.850;cause=17"
    ack = incoming.expect_ack()
    assert ack.via.branch == incoming.request.via.branch


def test_tcp_requests_come_from_an_ephemeral_port_of_the_own_address() -> None:
    with (
        Endpoint("alice", address="127.0.0.3", transport=Transport.TCP) as alice,
        Endpoint("bob", transport=Transport.TCP) as bob,
    ):
        alice.request("INFO", bob.uri("bob"))
        incoming = bob.expect_request("INFO")
        assert incoming.flow.remote.host == "127.0.0.3"
        assert incoming.flow.remote.port != alice.local.port
        assert incoming.request.via.port == alice.local.port


def test_request_is_repeated_until_it_is_answered(udp_pair: Pair) -> None:
    alice, bob = udp_pair
    heard: list[Request] = []

    def lose_two(message: object, way: Way) -> bool:
        if way is Way.RECEIVED and isinstance(message, Request) and len(heard) < 2:
            heard.append(message)
            return True
        return False

    bob.lose = lose_two
    info = alice.request("INFO", bob.uri("bob"))
    bob.expect_request("INFO").reply(200)
    info.expect(200)
    assert info.sent_times == 3


def test_lost_reply_is_given_again(udp_pair: Pair) -> None:
    alice, bob = udp_pair
    lost: list[object] = []

    def lose_first(message: object, way: Way) -> bool:
        if way is Way.SENT and not lost:
            lost.append(message)
            return True
        return False

    bob.lose = lose_first
    info = alice.request("INFO", bob.uri("bob"))
    incoming = bob.expect_request("INFO")
    incoming.reply(200)
    info.expect(200)
    assert incoming.received_times >= 2


def test_2xx_is_repeated_until_the_ack_even_over_tcp(pair: Pair) -> None:
    alice, bob = pair
    call = alice.invite(bob.uri("bob"), Audio())
    incoming = bob.expect_request("INVITE")
    incoming.reply(200, sdp=Audio())
    call.expect(200)
    call.wait_for_count(200, 3)
    call.ack()
    incoming.expect_ack()
    assert incoming.confirmed


def test_repeated_2xx_gets_the_same_ack_again(udp_pair: Pair) -> None:
    alice, bob = udp_pair
    call = alice.invite(bob.uri("bob"), Audio())
    incoming = bob.expect_request("INVITE")
    response = incoming.reply(200, sdp=Audio())
    call.expect(200)
    ack = call.ack()
    incoming.expect_ack()
    bob.transmit(response, incoming.flow, again=True)
    assert incoming.acks.wait_until(lambda: incoming.ack_times == 2, 5.0)
    sent = [entry.raw for entry in alice.messages(Way.SENT) if entry.raw == ack.render()]
    assert len(sent) == 2


def test_unanswered_expectation_shows_the_ladder(udp_pair: Pair) -> None:
    alice, bob = udp_pair
    call = alice.invite(bob.uri("bob"))
    bob.expect_request("INVITE")
    with pytest.raises(SipTimeout, match=r"(?s)no 200 to <INVITE .*alice +--> .*INVITE sip:bob@.*100 Trying"):
        call.expect(200, timeout=0.1)


def test_wrong_final_answer_is_told_at_once(udp_pair: Pair) -> None:
    alice, bob = udp_pair
    call = alice.invite(bob.uri("bob"))
    bob.expect_request("INVITE").reply(404)
    with pytest.raises(UnexpectedMessage, match="expected 200 to"):
        call.expect(200, timeout=30)


def test_ringing_that_comes_after_the_answer_is_found(udp_pair: Pair) -> None:
    alice, bob = udp_pair
    call = alice.invite(bob.uri("bob"), Audio())
    incoming = bob.expect_request("INVITE")
    incoming.reply(200, sdp=Audio())
    incoming.reply(180)
    call.expect(180)
    call.expect(200)
    call.ack()
    incoming.expect_ack()


def test_anything_can_be_said_wrong(udp_pair: Pair) -> None:
    alice, bob = udp_pair

    def two_call_ids(request: Request) -> None:
        request.add_first("i", "another@127.0.0.1")

    alice.request(
        "INFO",
        bob.uri("bob"),
        headers=[("X-Odd", "a"), ("X-Odd", "b")],
        replace_headers={"Max-Forwards": None, "CSeq": "77 INFO", "Via": None},
        edit=lambda request: request.add_first("v", f"SIP/2.0/UDP {alice.local};branch=z9hG4bKx"),
    )
    odd = bob.expect_request("INFO").request
    assert odd.lines("X-Odd") == ["a", "b"]
    assert "Max-Forwards" not in odd
    assert odd.headers[0].name == "v"
    assert odd.cseq.number == 77
    alice.request("INFO", bob.uri("bob"), edit=two_call_ids)
    doubled = bob.expect_request("INFO").request
    assert len(doubled.lines("Call-ID")) == 2


def test_raw_bytes_go_out_as_they_are_and_their_answer_is_a_stray(udp_pair: Pair) -> None:
    alice, bob = udp_pair
    alice.send_raw(
        b"OPTIONS sip:bob@127.0.0.2 SIP/2.0\r\n"
        b"Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKraw\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\n"
        b"To: <sip:bob@127.0.0.2>\r\nCall-ID: raw\r\nCSeq: 1 OPTIONS\r\n\r\n",
        to=bob.local,
    )
    assert alice.expect_stray(200).call_id == "raw"


def test_refused_tcp_connection_is_an_error_and_can_come_back() -> None:
    with Endpoint("alice", transport=Transport.TCP) as alice, Endpoint("bob", transport=Transport.TCP) as bob:
        bob.wire.refuse_tcp()
        with pytest.raises(ConnectionRefusedError):
            alice.request("INFO", bob.uri("bob"))
        bob.wire.accept_tcp()
        info = alice.request("INFO", bob.uri("bob"))
        bob.expect_request("INFO").reply(200)
        info.expect(200)


def test_reply_finds_another_way_when_the_connection_is_gone() -> None:
    with Endpoint("alice", transport=Transport.TCP) as alice, Endpoint("bob", transport=Transport.TCP) as bob:
        info = alice.request("INFO", bob.uri("bob"))
        incoming = bob.expect_request("INFO")
        bob.wire.close_connections()
        incoming.reply(200)
        info.expect(200)


def test_reliable_provisional_response_is_acknowledged(udp_pair: Pair) -> None:
    alice, bob = udp_pair
    call = alice.invite(bob.uri("bob"), Audio())
    incoming = bob.expect_request("INVITE")
    incoming.reply(183, sdp=Audio(), headers=[("Require", "100rel"), ("RSeq", "7")])
    prack = call.prack(call.expect(183))
    request = incoming.dialog.expect_request("PRACK")
    assert request.request["RAck"] == "7 1 INVITE"
    request.reply(200)
    prack.expect(200)
    assert_dialog_rules(bob)


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ({"CSeq": "1 BYE"}, "does not follow CSeq 1"),
        ({"From": "<sip:alice@127.0.0.1>;tag=other"}, "changes the From tag"),
        ({"Max-Forwards": None}, "has no Max-Forwards"),
        ({"Record-Route": "<sip:127.0.0.9;lr>"}, "has Record-Route"),
    ],
)
def test_dialog_rules_find_a_faulty_request(udp_pair: Pair, fault: dict[str, str | None], complaint: str) -> None:
    alice, bob = udp_pair
    call, incoming = establish(alice, bob)
    call.dialog.request("BYE", replace_headers=fault)
    incoming.dialog.expect_request("BYE").reply(200)
    with pytest.raises(AssertionError, match=complaint):
        assert_dialog_rules(bob)


def test_dialog_rules_find_a_description_that_changed_without_its_version(udp_pair: Pair) -> None:
    alice, bob = udp_pair
    call, incoming = establish(alice, bob)
    again = call.dialog.invite(call.dialog.text(Audio(port=4000)).replace(b"audio 4000", b"audio 4004"))
    incoming.dialog.expect_request("INVITE").reply(200, sdp=Audio(port=4002))
    again.expect(200)
    again.ack()
    with pytest.raises(AssertionError, match="version stays 1"):
        assert_dialog_rules(bob)


def test_dialog_rules_find_a_faulty_answer(udp_pair: Pair) -> None:
    alice, bob = udp_pair
    call = alice.invite(bob.uri("bob"))
    bob.expect_request("INVITE").reply(180, replace_headers={"From": "<sip:else@127.0.0.1>;tag=1"})
    call.expect(180)
    with pytest.raises(AssertionError, match="brings back From"):
        assert_dialog_rules(alice)


def test_legs_that_share_an_identity_are_found(udp_pair: Pair) -> None:
    alice, bob = udp_pair
    establish(alice, bob)
    with pytest.raises(AssertionError, match="both alice and bob saw"):
        assert_separate_legs(alice, bob)


def test_failure_in_the_endpoints_thread_reaches_the_test() -> None:
    alice = Endpoint("alice", behaviour=QUICK)
    bob = Endpoint("bob")
    try:
        alice.send_raw(b"this is no SIP\r\n\r\n", to=bob.local)
        bob.wait_for_entry("garbage", lambda entry: entry.message is None)
        with pytest.raises(AssertionError, match="its thread failed"):
            bob.expect_request("INVITE", timeout=1.0)
    finally:
        alice.close()
        bob.close()


def test_endpoint_can_be_deaf(udp_pair: Pair) -> None:
    alice, bob = udp_pair
    bob.deaf = True
    ping = alice.request("OPTIONS", f"sip:{bob.local}", to=Address(bob.local.host, bob.local.port))
    ping.expect_silence(0.2)
    bob.deaf = False
    ping.expect(200)
