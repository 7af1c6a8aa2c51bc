"""Parsing and building of SIP messages and session descriptions in the test kit."""

from __future__ import annotations

import pytest

from tests.kit.sip import (
    Audio,
    Direction,
    MalformedMessage,
    NameAddr,
    Request,
    Response,
    Sdp,
    SipUri,
    Via,
    parse,
)
from tests.kit.sip.dialog import untagged
from tests.kit.sip.wire import take_message

ODD = (
    b"INVITE sip:8000@192.0.2.20:5060 SIP/2.0\r\n"
    b"v: SIP / 2.0 / UDP 192.0.2.10 :5070 ;branch=z9hG4bK1, SIP/2.0/TCP 192.0.2.11;branch=z9hG4bK2\r\n"
    b'f: "Ada, \\"A\\" <x>" <sip:+15550100@192.0.2.10;user=phone>;x=1;tag=a~b-c\r\n'
    b"t: <sip:8000@192.0.2.20>\r\n"
    b"i: abc@192.0.2.10\r\n"
    b"CSeq:  101   INVITE\r\n"
    b"Session-Expires:  1800\r\n"
    b"Subject: one\r\n"
    b" two\r\n"
    b"l: 3\r\n"
    b"\r\n"
    b"abcdef"
)


def test_odd_message_is_read_exactly() -> None:
    message = parse(ODD)
    assert isinstance(message, Request)
    assert (message.method, message.uri) == ("INVITE", "sip:8000@192.0.2.20:5060")
    assert message.lines("Session-Expires") == [" 1800"]
    assert message["session-expires"] == "1800"
    assert message["Subject"] == "one two"
    assert [header.name for header in message.headers][:4] == ["v", "f", "t", "i"]
    assert message.cseq == (101, "INVITE")
    assert message.from_tag == "a~b-c"
    assert message.body == b"abc"
    assert message.raw == ODD
    assert (message.via.host, message.via.port, message.via.branch) == ("192.0.2.10", 5070, "z9hG4bK1")
    assert len(message.values("Via")) == 2


def test_rendered_message_is_what_was_parsed() -> None:
    data = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\nMin-SE:  1800\r\nX: \xff\xfe\r\nContent-Length: 0\r\n\r\n"
    assert parse(data).render() == data


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"SIP/2.0 xyz OK\r\n\r\n", b"INVITE sip:a SIP/2.0\r\nno colon\r\n\r\n"]
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse(data)


def test_stream_is_cut_into_messages() -> None:
    first = b"OPTIONS sip:a SIP/2.0\r\nl : 2\r\n\r\nab"
    second = b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"
    stream = bytearray()
    cut = []
    for byte in b"\r\n\r\n" + first + second:
        stream.append(byte)
        message = take_message(stream)
        if message is not None:
            cut.append(message)
    assert cut == [first, second]
    assert stream == b""


def test_headers_are_brought_into_an_order() -> None:
    message = Response.new(200)
    for name, value in [("C", "1"), ("Supported", "a"), ("B", "1"), ("Supported", "b"), ("Z", "1")]:
        message.add(name, value)
    message.order(["Supported", "B", "C", "Supported"])
    assert message.headers == [("Supported", "a"), ("B", "1"), ("C", "1"), ("Supported", "b"), ("Z", "1")]


def test_first_line_of_a_name_is_replaced_in_place() -> None:
    message = Request.new("BYE", "sip:a@b")
    message.add("v", "1")
    message.add("To", "x")
    message.add("Via", "2")
    message.set("Via", "3")
    assert message.headers == [("Via", "3"), ("To", "x")]


@pytest.mark.parametrize(
    ("value", "bare"),
    [
        ("<sip:a@b>;tag=1", "<sip:a@b>"),
        ('"x;tag=1" <sip:a@b>;y=2;tag=1;z=3', '"x;tag=1" <sip:a@b>;y=2;z=3'),
        ("<sip:a@b>", "<sip:a@b>"),
    ],
)
def test_tag_is_taken_off(value: str, bare: str) -> None:
    assert untagged(value) == bare


def test_name_addr_and_uri_are_read() -> None:
    address = NameAddr.parse('"Ada" <sip:1001@[::1]:5062;transport=tcp?x=y>;tag=7')
    assert (address.display, address.tag) == ("Ada", "7")
    assert (address.uri.user, address.uri.host, address.uri.port) == ("1001", "[::1]", 5062)
    assert address.uri.params == {"transport": "tcp"}
    assert SipUri.parse("tel:+15550100").scheme == "tel"
    with pytest.raises(ValueError, match="not a SIP URI"):
        SipUri.parse("nothing")
    with pytest.raises(ValueError, match="not a Via"):
        Via.parse("SIP/2.0 host")


SDP = """v=0
o=CiscoSystemsCCM-SIP 81217 3 IN IP4 192.0.2.10
s=SIP Call
c=IN IP4 198.51.100.31
t=0 0
m=audio 24510 RTP/AVP 0 18 101
c=IN IP4 198.51.100.32
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=inactive
m=video 0 RTP/AVP 97
"""


def test_session_description_is_read() -> None:
    sdp = Sdp.parse(SDP)
    assert (sdp.origin.session_id, sdp.origin.version) == (81217, 3)
    assert sdp.address == "198.51.100.32"
    assert sdp.direction is Direction.INACTIVE
    assert [media.port for media in sdp.media] == [24510, 0]
    assert [codec.payload for codec in sdp.audio.codecs] == [0, 18, 101]
    assert sdp.audio.codecs[2].parameters == "0-15"
    assert sdp.as_audio().address == "198.51.100.32"


def test_description_inside_multipart_is_found() -> None:
    body = (
        "--b1\r\nContent-Type: text/plain\r\n\r\nhi\r\n"
        f"--b1\r\nContent-Type: application/sdp\r\n\r\n{SDP}\r\n--b1--\r\n"
    )
    message = Request.new("INVITE", "sip:a@b")
    message.set_body(body.encode(), "multipart/mixed;boundary=b1")
    assert message.sdp is not None
    assert message.sdp.audio.port == 24510


def test_held_stream_is_inactive_and_nowhere() -> None:
    held = Audio(port=4000).held()
    assert (held.address, held.port, held.direction) == ("0.0.0.0", 4000, Direction.INACTIVE)
