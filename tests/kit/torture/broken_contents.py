"""Messages with octets, sizes, bodies or responses that nothing sensible can be made of."""

from __future__ import annotations

from tests.kit.torture.case import OFFER, Case, Outcome, request, response

_DROPPED = Outcome.REFUSED_OR_SILENT
_TOLERATED = Outcome.TOLERATED

CONTENTS: tuple[Case, ...] = (
    # -- octets
    Case("null in a header", request("INVITE", more=[b"Subject: a\0b"]), _TOLERATED),
    Case("null in the request uri", request(line="INVITE sip:80\x0000@@TARGET@ SIP/2.0"), _TOLERATED),
    Case(
        "null in from and call-id",
        request("INVITE", change={"From": '"a\0b" <sip:torture@@LOCAL@>;tag=@ID@', "Call-ID": "@ID@\0x"}),
        _TOLERATED,
    ),
    Case(
        "display name that is not utf-8",
        request("INVITE", change={"From": '"\udcff\udcfe\udcc3" <sip:torture@@LOCAL@>;tag=@ID@'}),
        _TOLERATED,
    ),
    Case(
        "user part that is not utf-8",
        request("INVITE", line="INVITE sip:\udce4\udcf6\udcfc@@TARGET@ SIP/2.0"),
        _TOLERATED,
    ),
    Case("control characters in header values", request("INVITE", more=[b"Subject: \x01\x02\x1b[31m\x7f"]), _TOLERATED),
    Case("line ends of lf alone", request().replace(b"\r\n", b"\n"), _TOLERATED, datagram_only=True),
    Case("line ends of cr alone", request().replace(b"\r\n", b"\r"), _DROPPED, datagram_only=True),
    Case("random octets", bytes((n * 151 + 43) % 256 for n in range(400)), Outcome.SILENT, datagram_only=True),
    Case(
        "percent signs and variables",
        request(
            "INVITE",
            line="INVITE sip:%n%s$ru$(avp(x))%@@TARGET@ SIP/2.0",
            more=["Subject: %n%n%s%s $var(x) {s.escape}"],
        ),
        _TOLERATED,
    ),
    # -- size
    Case("header line of 30000 octets", request(more=["X-Long: " + "x" * 30000]), _TOLERATED),
    Case("five hundred headers", request(more=[f"X-Header-{n}: {n}" for n in range(500)]), _TOLERATED),
    Case(
        "user part of 5000 octets", request("INVITE", line="INVITE sip:" + "8" * 5000 + "@@TARGET@ SIP/2.0"), _DROPPED
    ),
    Case("call-id of 10000 octets", request("INVITE", change={"Call-ID": "@ID@" + "c" * 10000}), _TOLERATED),
    Case(
        "seventy via headers",
        request("INVITE", more=[f"Via: SIP/2.0/UDP h{n}.example;branch=z9hG4bK{n}" for n in range(70)]),
        _TOLERATED,
    ),
    # -- bodies
    Case("sdp of garbage", request("INVITE", body=b"\x00\xff this is not SDP at all \r\n=\r\nm=\r\n"), _TOLERATED),
    Case(
        "sdp without an origin",
        request("INVITE", body=OFFER.replace(b"o=torture 1 1 IN IP4 127.0.0.1\r\n", b"")),
        _TOLERATED,
    ),
    Case(
        "sdp origin of too few words",
        request("INVITE", body=OFFER.replace(b"o=torture 1 1 IN IP4 127.0.0.1", b"o=- x")),
        _TOLERATED,
    ),
    Case("sdp announced and absent", request("INVITE", more=["Content-Type: application/sdp"]), _TOLERATED),
    Case("body without a type", request("INVITE", change={"Content-Type": ""}, body=OFFER), _TOLERATED),
    Case(
        "body of an unknown type",
        request("INVITE", change={"Content-Type": "application/unknownformat"}, body=b"<audio>\r\n"),
        _TOLERATED,
        "3.3.6",
    ),
    Case(
        "multipart that never ends",
        request(
            "INVITE",
            change={"Content-Type": "multipart/mixed;boundary=x"},
            body=b"--x\r\nContent-Type: application/sdp\r\n\r\n" + OFFER,
        ),
        _TOLERATED,
    ),
    # -- responses that nobody asked for
    Case("response without a request", response("SIP/2.0 200 OK"), Outcome.SILENT),
    Case(
        "response with a strange reason phrase",
        response("SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое"),
        Outcome.SILENT,
        "3.1.1.12",
    ),
    Case("response without a reason phrase", response("SIP/2.0 100 "), Outcome.SILENT, "3.1.1.13"),
    Case(
        "response with overlarge values",
        response(
            "SIP/2.0 503 Service Unavailable",
            change={"CSeq": "9292394834772304023312 OPTIONS", "Max-Forwards": "99999"},
        ),
        Outcome.SILENT,
        "3.1.2.5",
    ),
    Case(
        "overlarge status code",
        response("SIP/2.0 4294967301 better not break the receiver"),
        Outcome.SILENT,
        "3.1.2.19",
    ),
    Case("status code that is no number", response("SIP/2.0 OK 200"), Outcome.SILENT),
    Case(
        "response with a broadcast via",
        response("SIP/2.0 200 OK", change={"Via": "SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23"}),
        Outcome.SILENT,
        "3.3.10",
    ),
)
