"""Messages whose start line, length or required headers are wrong."""

from __future__ import annotations

from tests.kit.torture.case import OFFER, Case, Outcome, request

_DROPPED = Outcome.REFUSED_OR_SILENT
_TOLERATED = Outcome.TOLERATED

FRAMING: tuple[Case, ...] = (
    # -- the start line
    Case("start line of one word", request(line="OPTIONS"), _DROPPED),
    Case("start line without a uri", request(line="OPTIONS SIP/2.0"), _DROPPED),
    Case("request uri in brackets", request(line="OPTIONS <sip:@USER@@@TARGET@> SIP/2.0"), _DROPPED, "3.1.2.7"),
    Case("blank inside the request uri", request(line="OPTIONS sip:@USER@@@TARGET@; lr SIP/2.0"), _DROPPED, "3.1.2.8"),
    Case(
        "several blanks in the request line",
        request(line="OPTIONS  sip:@USER@@@TARGET@  SIP/2.0"),
        _TOLERATED,
        "3.1.2.9",
    ),
    Case(
        "blanks at the end of the request line",
        request(line="OPTIONS sip:@USER@@@TARGET@ SIP/2.0  "),
        _TOLERATED,
        "3.1.2.10",
    ),
    Case(
        "headers in the request uri",
        request(line="OPTIONS sip:@USER@@@TARGET@?Route=%3Csip:example.com%3E SIP/2.0"),
        _TOLERATED,
        "3.1.2.11",
    ),
    Case(
        "unknown protocol version",
        request(line="OPTIONS sip:@USER@@@TARGET@ SIP/7.0"),
        _DROPPED,
        "3.1.2.16",
        statuses=frozenset({400, 403, 505}),
    ),
    Case(
        "unknown scheme in the request uri",
        request(line="OPTIONS nobodyKnowsThisScheme:opaque SIP/2.0"),
        _DROPPED,
        "3.3.2",
    ),
    Case("request uri without a host", request(line="OPTIONS sip:@USER@@ SIP/2.0"), _DROPPED),
    Case("port in the request uri out of range", request(line="OPTIONS sip:@USER@@@HOST@:99999 SIP/2.0"), _TOLERATED),
    Case("lower case protocol", request(line="OPTIONS sip:@USER@@@TARGET@ sip/2.0"), _TOLERATED),
    Case("http request", b"GET / HTTP/1.1\r\nHost: @HOST@\r\n\r\n", _DROPPED, breaks_framing=True),
    # -- length
    Case(
        "content-length larger than the message",
        request("INVITE", change={"Content-Length": "9999"}, body=OFFER),
        _DROPPED,
        "3.1.2.2",
        datagram_only=True,
    ),
    Case(
        "content-length smaller than the body",
        request("INVITE", change={"Content-Length": "20"}, body=OFFER),
        _TOLERATED,
        datagram_only=True,
    ),
    Case(
        "negative content-length",
        request("INVITE", change={"Content-Length": "-999"}, body=OFFER),
        _DROPPED,
        "3.1.2.3",
        breaks_framing=True,
    ),
    Case("content-length that is no number", request(change={"Content-Length": "ten"}), _DROPPED, breaks_framing=True),
    Case(
        "content-length over 32 bits", request(change={"Content-Length": "4294967297"}), _DROPPED, breaks_framing=True
    ),
    Case(
        "two different content-lengths",
        request("INVITE", more=["Content-Length: 5"], body=OFFER),
        _TOLERATED,
        "3.3.9",
        breaks_framing=True,
    ),
    Case("truncated in a header", request(end=b"")[:-30], _DROPPED, datagram_only=True),
    Case("no empty line at the end", request(end=b"\r\n"), _TOLERATED, datagram_only=True),
    Case("only a start line", b"INVITE sip:@USER@@@TARGET@ SIP/2.0\r\n\r\n", _DROPPED),
    # -- missing and doubled headers
    Case(
        "no required header at all",
        b"INVITE sip:@USER@@@TARGET@ SIP/2.0\r\nContent-Length: 0\r\n\r\n",
        _DROPPED,
        "3.3.1",
    ),
    *(
        Case(f"no {name.lower()}", request("INVITE", change={name: None}), _DROPPED, "3.3.1")
        for name in ("Via", "From", "To", "Call-ID", "CSeq")
    ),
    Case("invite without a contact", request("INVITE", change={"Contact": None}), _TOLERATED),
    Case("invite without a from tag", request("INVITE", change={"From": "<sip:torture@@LOCAL@>"}), _TOLERATED, "3.4.1"),
    Case("two to headers", request(more=["To: <sip:other@@HOST@>"]), _TOLERATED, "3.3.8"),
    Case("two from headers", request(more=["From: <sip:other@@HOST@>;tag=other"]), _TOLERATED, "3.3.8"),
    Case("two cseq headers", request(more=["CSeq: 5 INVITE"]), _TOLERATED, "3.3.8"),
    Case("two call-ids", request(more=["Call-ID: another"]), _TOLERATED, "3.3.8"),
    Case("two max-forwards", request(more=["Max-Forwards: 5"]), _TOLERATED, "3.3.8"),
)
