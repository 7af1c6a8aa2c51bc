"""The wire capture sees what endpoints say, over UDP and TCP, and nothing else."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.kit.capture import Capture, Packet, sip_messages
from tests.kit.sip import Address, Audio, Endpoint, Transport

SOURCE = Address("127.0.0.1", 40000)
DESTINATION = Address("127.0.0.1", 5060)
FIRST = b"OPTIONS sip:a SIP/2.0\r\nl: 2\r\n\r\nab"
SECOND = b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("transport", list(Transport), ids=lambda transport: transport.value)
def test_every_message_of_a_call_is_captured(tmp_path: Path, transport: Transport) -> None:
    with Endpoint("alice", transport=transport) as alice, Endpoint("bob", transport=transport) as bob:
        before = time.time()
        with Capture(tmp_path / "call.pcap", [bob.local.port]) as capture:
            call = alice.invite(bob.uri("bob"), Audio())
            incoming = bob.expect_request("INVITE")
            incoming.reply(200, sdp=Audio())
            call.expect(200)
            call.ack()
            incoming.expect_ack()
            bye = call.dialog.bye()
            incoming.dialog.expect_request("BYE").reply(200)
            bye.expect(200)
        messages = capture.messages()
        sent = [entry.raw for entry in alice.messages() if entry.way.name == "SENT"]
    assert [each.raw for each in messages if each.destination == bob.local] == sent
    assert [each.message.start_line.split()[0] for each in messages if each.message] == [
        "INVITE", "SIP/2.0", "SIP/2.0", "ACK", "BYE", "SIP/2.0",
    ]  # fmt: skip
    assert messages[0].is_request("INVITE")
    assert messages[2].is_response(200, "INVITE")
    assert not messages[2].is_response(200, "BYE")
    assert {each.transport for each in messages} == {transport}
    assert before <= messages[0].at <= messages[-1].at <= time.time()


def test_other_ports_are_not_captured(tmp_path: Path) -> None:
    with Endpoint("alice") as alice, Endpoint("bob") as bob, Endpoint("carol") as carol:
        with Capture(tmp_path / "some.pcap", [bob.local.port]) as capture:
            alice.request("OPTIONS", carol.uri()).expect(200)
            alice.request("OPTIONS", bob.uri()).expect(200)
        assert [each.destination for each in capture.messages()] == [bob.local, alice.local]


def test_capture_that_cannot_start_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="dumpcap ended"):
        Capture(tmp_path / "x.pcap", [70000]).start()


def tcp(sequence: int, payload: bytes, flags: int = 0x18) -> Packet:
    return Packet(1.0, SOURCE, DESTINATION, Transport.TCP, payload, sequence, flags)


@pytest.mark.parametrize(
    "packets",
    [
        [tcp(100, FIRST + SECOND)],
        [tcp(99, b"", 0x02), tcp(100, FIRST[:10]), tcp(110, FIRST[10:] + SECOND)],
        [tcp(99, b"", 0x02), tcp(110, FIRST[10:] + SECOND), tcp(100, FIRST[:10])],
        [tcp(100, FIRST), tcp(100, FIRST), tcp(100 + len(FIRST), SECOND)],
        [tcp(2**32 - 10, FIRST + SECOND[:5]), tcp((2**32 - 10 + len(FIRST) + 5) % 2**32, SECOND[5:])],
    ],
    ids=["one packet", "cut", "out of order", "repeated", "wrapped sequence"],
)
def test_stream_is_put_together(packets: list[Packet]) -> None:
    assert [each.raw for each in sip_messages(packets)] == [FIRST, SECOND]


def test_keep_alives_are_left_out_and_garbage_is_kept() -> None:
    packets = [
        Packet(1.0, SOURCE, DESTINATION, Transport.UDP, payload, 0, 0) for payload in (b"\r\n\r\n", b"\0", b"garbage")
    ]
    assert [(each.message, each.raw) for each in sip_messages(packets)] == [(None, b"garbage")]
