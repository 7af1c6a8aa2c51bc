"""The CUCM stand-in against a plain endpoint: its words, its hold, its pings."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pytest

from tests.kit.cucm import FAILURES, CucmNode, Failure, Party, PingAnswer, Situation
from tests.kit.sip import (
    Audio,
    Behaviour,
    Dialog,
    Direction,
    Endpoint,
    IncomingRequest,
    Ladder,
    Message,
    OutgoingInvite,
    Request,
    Response,
    Transport,
    Way,
    assert_dialog_rules,
)

ADA = Party("+15550100", "Ada Caller", media=Audio(port=20000, address="198.51.100.7"))
AGENT = Party("2001", "Agent One", device="SEPC4B9CD1A0E31")
QUICK = Behaviour(t1=0.1, t2=0.4)

Pair = tuple[CucmNode, Endpoint]


@pytest.fixture(params=list(Transport), ids=lambda transport: transport.value)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    ladder = Ladder()
    transport: Transport = request.param
    with (
        Endpoint("switch", transport=transport, behaviour=QUICK, ladder=ladder) as switch,
        CucmNode(
            "cucm",
            address="127.0.0.10",
            transport=transport,
            behaviour=QUICK,
            peer=switch.local,
            ladder=ladder,
            cluster=uuid.UUID("7b1f0c52-9d3e-4a6b-8c41-2f5e6d7a8b90"),
        ) as cucm,
    ):
        yield cucm, switch


def names(message: Message) -> list[str]:
    return [header.name for header in message.headers]


def call_from(cucm: CucmNode, switch: Endpoint) -> tuple[OutgoingInvite, IncomingRequest]:
    call = cucm.call(ADA, "8000")
    incoming = switch.expect_request("INVITE")
    incoming.reply(180)
    incoming.reply(200, sdp=Audio(port=30000))
    call.expect(200)
    call.ack(ADA.media)
    incoming.expect_ack()
    return call, incoming


def call_to(cucm: CucmNode, switch: Endpoint) -> tuple[OutgoingInvite, Dialog]:
    call = switch.invite(
        cucm.uri("2001"), headers=[("Supported", "timer"), ("Session-ID", f"{'ab' * 16};remote={'0' * 32}")]
    )
    incoming = cucm.expect_call("2001")
    cucm.ring(incoming, AGENT)
    cucm.answer(incoming, AGENT)
    call.expect(200)
    call.ack(Audio(port=30000))
    incoming.expect_ack()
    return call, incoming.dialog


def test_invite_has_cucms_headers_in_cucms_order(pair: Pair) -> None:
    cucm, switch = pair
    cucm.call(ADA, "8000")
    invite = switch.expect_request("INVITE").request
    assert names(invite) == [
        "Via",
        "From",
        "To",
        "Date",
        "Call-ID",
        "Supported",
        "Min-SE",
        "User-Agent",
        "Allow",
        "CSeq",
        "Expires",
        "Allow-Events",
        "Supported",
        "Call-Info",
        "Call-Info",
        "Session-ID",
        "Cisco-Guid",
        "Session-Expires",
        "P-Asserted-Identity",
        "Remote-Party-ID",
        "Contact",
        "Max-Forwards",
        "Content-Length",
    ]
    assert invite.uri == f"sip:8000@{switch.local}"
    assert invite.body == b""
    assert b"\r\nMin-SE:  1800\r\n" in invite.raw
    assert b"\r\nSession-Expires:  1800\r\n" in invite.raw
    assert invite["CSeq"] == "101 INVITE"
    assert invite["Expires"] == "180"
    assert invite["User-Agent"] == "Cisco-CUCM12.5"
    assert invite["P-Asserted-Identity"] == '"Ada Caller" <sip:+15550100@127.0.0.10>'
    assert invite["Remote-Party-ID"].endswith(";party=calling;screen=yes;privacy=off")
    assert re.fullmatch(r"[0-9a-f]{32};remote=0{32}", invite["Session-ID"])
    assert re.fullmatch(r"\d+~7b1f0c52-9d3e-4a6b-8c41-2f5e6d7a8b90-\d+", invite.from_tag or "")


def test_call_id_and_guid_belong_together(pair: Pair) -> None:
    cucm, switch = pair
    cucm.call(ADA, "8000")
    invite = switch.expect_request("INVITE").request
    first, _, counter, last = invite.call_id.partition("@")[0].split("-")
    guid = invite["Cisco-Guid"].split("-")
    assert [len(field) for field in guid] == [10, 10, 10, 10]
    assert (int(guid[0]), int(guid[2]), int(guid[3])) == (int(first, 16), int(counter, 16), int(last, 16))
    assert last == "a00007f"  # 127.0.0.10, bytes reversed
    assert invite.call_id.endswith("@127.0.0.10")


def test_private_caller_is_anonymous_in_from_only(pair: Pair) -> None:
    cucm, switch = pair
    cucm.call(Party("+15550100", "Ada", private=True), "8000")
    invite = switch.expect_request("INVITE").request
    assert invite["From"].startswith('"Anonymous" <sip:anonymous@')
    assert invite["Privacy"] == "id"
    assert "+15550100" in invite["P-Asserted-Identity"]
    assert invite["Remote-Party-ID"].endswith("privacy=full")


def test_early_offer_and_diversion(pair: Pair) -> None:
    cucm, switch = pair
    diversion = '"Front desk" <sip:2100@127.0.0.10>;reason=no-answer;privacy=off;screen=yes'
    cucm.call(ADA, "8000", ADA.media, diversions=[diversion])
    invite = switch.expect_request("INVITE").request
    assert invite["Diversion"] == diversion
    assert invite.sdp is not None
    assert invite.sdp.origin.username == "CiscoSystemsCCM-SIP"
    assert str(invite.sdp.origin.session_id) == (invite.from_tag or "").partition("~")[0]
    assert invite.sdp.origin.address == "127.0.0.10"
    assert invite.sdp.address == "198.51.100.7"


def test_answers_have_cucms_headers(pair: Pair) -> None:
    cucm, switch = pair
    call, _ = call_to(cucm, switch)
    ringing = next(response for response in call.received if response.status == 180)
    answer = next(response for response in call.received if response.status == 200)
    assert b"\r\nSession-Expires:  1800;refresher=uas\r\nRequire:  timer\r\n" in answer.raw
    assert ringing["Session-ID"] == f"{'0' * 32};remote={'ab' * 16}"
    assert re.fullmatch(rf"[0-9a-f]{{8}}00105000a000c4b9cd1a0e31;remote={'ab' * 16}", answer["Session-ID"])
    assert answer["Contact"].endswith(';+u.sip!devicename.ccm.cisco.com="SEPC4B9CD1A0E31"')
    assert answer["Remote-Party-ID"].startswith('"Agent One" <sip:2001@127.0.0.10>;party=called')
    assert names(answer)[:6] == ["Via", "From", "To", "Date", "Call-ID", "CSeq"]
    assert names(answer)[-2:] == ["Content-Type", "Content-Length"]
    assert answer.sdp is not None
    assert answer.sdp.lines[:4] == (
        "v=0",
        f"o=CiscoSystemsCCM-SIP {(answer.to_tag or '').partition('~')[0]} 1 IN IP4 127.0.0.10",
        "s=SIP Call",
        "c=IN IP4 198.51.100.31",
    )
    trying = next(response for response in call.received if response.status == 100)
    assert names(trying) == ["Via", "From", "To", "Date", "Call-ID", "CSeq", "Allow-Events", "Content-Length"]
    assert trying.to_tag is None


def test_session_timer_is_not_forced_on_a_peer_without_it(pair: Pair) -> None:
    cucm, switch = pair
    call = switch.invite(cucm.uri("2001"))
    incoming = cucm.expect_call()
    cucm.answer(incoming, AGENT)
    answer = call.expect(200)
    assert "Require" not in answer
    call.ack(Audio())


def test_early_offer_gets_one_codec_as_answer(pair: Pair) -> None:
    cucm, switch = pair
    call = switch.invite(cucm.uri("2001"), Audio(port=30000))
    cucm.answer(cucm.expect_call(), AGENT)
    answer = call.expect(200).sdp
    assert answer is not None
    assert answer.audio.payloads == ["0", "101"]
    call.ack()


def test_hold_stops_the_media_and_then_connects_music(pair: Pair) -> None:
    cucm, switch = pair
    call, dialog = call_to(cucm, switch)
    call.dialog.automatic["INVITE"] = lambda incoming: _accept(incoming)
    cucm.hold(dialog, AGENT)
    cucm.resume(dialog, AGENT)
    spoken = _spoken_by(cucm)
    assert spoken == [
        ("INVITE", "101", Direction.INACTIVE),
        ("ACK", "101", None),
        ("INVITE", "102", None),
        ("ACK", "102", Direction.SENDONLY),
        ("INVITE", "103", Direction.INACTIVE),
        ("ACK", "103", None),
        ("INVITE", "104", None),
        ("ACK", "104", Direction.SENDRECV),
    ]
    assert_dialog_rules(switch)


def _accept(incoming: IncomingRequest) -> None:
    incoming.reply(200, sdp=Audio(port=30000))


def _spoken_by(cucm: CucmNode) -> list[tuple[str, str, Direction | None]]:
    return [
        (message.method, message["CSeq"].split()[0], message.sdp.direction if message.sdp else None)
        for entry in cucm.messages()
        if entry.way is Way.SENT and isinstance(message := entry.message, Request)
    ]


def test_release_names_its_cause(pair: Pair) -> None:
    cucm, switch = pair
    call, incoming = call_from(cucm, switch)
    bye = cucm.release(call.dialog, statistics="PS=1,OS=160,PR=1,OR=160,PL=0,JI=0,LA=0,DU=1")
    request = incoming.dialog.expect_request("BYE")
    request.reply(200)
    bye.expect(200)
    assert request.request["Reason"] == "Q.850;cause=16"
    assert names(request.request)[-4:] == ["Reason", "Session-ID", "P-RTP-Stat", "Content-Length"]
    assert_dialog_rules(switch, cucm)


def test_connected_party_and_refresh(pair: Pair) -> None:
    cucm, switch = pair
    call, incoming = call_from(cucm, switch)
    update = cucm.connected_party(call.dialog, Party("2002", "Agent Two"))
    request = incoming.dialog.expect_request("UPDATE")
    request.reply(200)
    update.expect(200)
    assert request.request["P-Asserted-Identity"] == '"Agent Two" <sip:2002@127.0.0.10>'
    refresh = cucm.refresh(call.dialog)
    again = incoming.dialog.expect_request("INVITE")
    assert again.request.sdp is not None
    assert again.request.sdp.origin.version == 1
    assert b"\r\nSession-Expires:  1800;refresher=uac\r\n" in again.request.raw
    again.reply(200, sdp=Audio(port=30000))
    refresh.expect(200)


def test_short_session_is_refused_with_422(pair: Pair) -> None:
    cucm, switch = pair
    call = switch.invite(cucm.uri("2001"), headers=[("Session-Expires", "90"), ("Supported", "timer")])
    assert cucm.refuse_short_session(cucm.expect_call())
    assert call.expect(422)["Min-SE"] == "1800"


@pytest.mark.parametrize("situation", list(Situation), ids=lambda situation: situation.name)
def test_every_failure_is_answered_as_its_row_says(situation: Situation) -> None:
    failure: Failure = FAILURES[situation]
    with Endpoint("switch") as switch, CucmNode(address="127.0.0.10", transport=Transport.UDP) as cucm:
        call = switch.invite(cucm.uri("2999"))
        incoming = cucm.expect_call()
        cucm.fail(incoming, situation)
        answer = call.expect(failure.status)
        incoming.expect_ack()
    expected = None if failure.cause is None else f"Q.850;cause={failure.cause}"
    assert answer.get("Reason") == expected


def test_ping_has_max_forwards_zero(pair: Pair) -> None:
    cucm, switch = pair
    switch.behaviour = Behaviour(answer_options=False)
    ping = cucm.ping()
    request = switch.expect_request("OPTIONS")
    request.reply(200)
    ping.expect(200)
    assert request.request["Max-Forwards"] == "0"
    assert re.fullmatch(r"<sip:127.0.0.10>;tag=\d{10}", request.request["From"])
    assert names(request.request) == [
        "Via",
        "From",
        "To",
        "Date",
        "Call-ID",
        "User-Agent",
        "CSeq",
        "Contact",
        "Max-Forwards",
        "Content-Length",
    ]


@pytest.mark.parametrize("answer", [PingAnswer.OK, PingAnswer.TIMEOUT, PingAnswer.UNAVAILABLE])
def test_ping_of_the_node_is_answered_as_told(pair: Pair, answer: PingAnswer) -> None:
    cucm, switch = pair
    cucm.ping_answer = answer
    response: Response = switch.request("OPTIONS", cucm.uri()).expect(answer.value)
    assert response["Server"] == "Cisco-CUCM12.5"


def test_node_that_is_down_is_silent_or_refuses() -> None:
    with Endpoint("switch") as switch, CucmNode(address="127.0.0.10") as cucm:
        cucm.ping_answer = PingAnswer.SILENCE
        switch.request("OPTIONS", f"sip:{cucm.local}").expect_silence(0.2)
        cucm.wire.refuse_tcp()
        with pytest.raises(ConnectionRefusedError):
            switch.request("OPTIONS", f"sip:{cucm.local};transport=tcp")
