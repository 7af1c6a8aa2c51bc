"""Valid messages that look strange: an element has to take them for what they are."""

from __future__ import annotations

from tests.kit.torture.case import OFFER, PLAIN, Case, Outcome, request

_PROCESSED = Outcome.PROCESSED
_OLD_VIAS = ", ".join(f"SIP/2.0/UDP h{number}.example;branch=z9hG4bKx{number}" for number in range(30))

ODD: tuple[Case, ...] = (
    Case(
        "tortuous invite",
        (
            b"INVITE sip:@USER@@@TARGET@;unknown-param SIP/2.0\r\n"
            b'TO :\r\n "A \\" quoted \\\\ name" <sip:@USER@@@HOST@>\r\n'
            b"from   : <sip:torture@@LOCAL@>\r\n  ;\r\n  tag = @ID@\r\n"
            b"MaX-fOrWaRdS: 0068\r\n"
            b"Call-ID: @ID@.odd(one)\r\n"
            b"cseq: 0009\r\n  INVITE\r\n"
            b"Via  : SIP  /   2.0\r\n /@TRANSPORT@\r\n    @LOCAL@;branch=z9hG4bK@ID@\r\n"
            b"NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n"
            b"UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n"
            b"Content-Type: application/sdp\r\n"
            b'm:"Quoted string \\"\\"" <sip:torture@@LOCAL@> ; newparam =\r\n      newvalue ;\r\n'
            b"  secondparam ; q = 0.33\r\n"
            b"l: @LENGTH@\r\n\r\n"
        )
        + OFFER,
        Outcome.TOLERATED,
        "3.1.1.1",
    ),
    Case(
        "wide range of characters",
        request(
            "INVITE",
            change={
                "To": '"BEL:\\\a NUL-less DEL:\\\x7f" <sip:1_unusual.URI~(to-be!sure)&isn\'t+it$/crazy?,/;;*@@HOST@>',
                "From": "token1~` token2'+_ token3*%!.- <sip:mundane@@HOST@>;param''~+*_!.-%=\"работающий\";tag=@ID@",
                "Call-ID": "@ID@.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
            },
            more=["extensionHeader-!.%*+_`'~: 大停電", 'Subject: "a tab\there"'],
        ),
        Outcome.TOLERATED,
        "3.1.1.2",
    ),
    Case(
        "escaped characters in the request uri",
        request(line="OPTIONS sip:%38%30%30%30@@TARGET@ SIP/2.0", change={"To": "<sip:%38%30%30%30@@HOST@>"}),
        _PROCESSED,
        "3.1.1.3",
    ),
    Case(
        "escaped nulls in a uri",
        request("REGISTER", line="REGISTER sip:@TARGET@ SIP/2.0", change={"To": "<sip:null-%00-null@@HOST@>"}),
        Outcome.TOLERATED,
        "3.1.1.4",
    ),
    Case(
        "percent that is no escape",
        request("RE%47IST%45R", line="RE%47IST%45R sip:registrar.@HOST@ SIP/2.0", change={"CSeq": "1 RE%47IST%45R"}),
        Outcome.TOLERATED,
        "3.1.1.5",
    ),
    Case(
        "no blank between display name and bracket",
        request(change={"From": "caller<sip:torture@@LOCAL@>;tag=@ID@"}),
        _PROCESSED,
        "3.1.1.6",
    ),
    Case(
        "long values",
        request(
            change={
                "To": '"I have a user name of extreme proportion"<sip:@USER@@@HOST@:6000;unknownparam1=very'
                + "long" * 40
                + ";longparam" * 5
                + "name=shortvalue>",
                "Call-ID": "@ID@." + "longvalue" * 40,
                "From": "<sip:amazinglylongcallername" + "x" * 300 + "@@LOCAL@>;tag=@ID@" + "longtag" * 30,
            },
            more=["Unknown-" + "Long" * 40 + "-Name: unknown-" + "long" * 80 + "-value"],
        ),
        _PROCESSED,
        "3.1.1.7",
    ),
    Case(
        "octets after the end of the message",
        request(change={"Content-Length": "0"}) + b"INVITE sip:other@@HOST@ SIP/2.0\r\nleft over\r\n",
        _PROCESSED,
        "3.1.1.8",
        datagram_only=True,
    ),
    Case(
        "semicolon in the user part",
        request(line="OPTIONS sip:@USER@;par=u%40example.net@@TARGET@ SIP/2.0"),
        _PROCESSED,
        "3.1.1.9",
    ),
    Case(
        "unknown transports below the topmost via",
        request(
            change={"Max-Forwards": "60"},
            more=[
                "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKkldjioe",
                "Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en",
                "v: SIP/2.0/TLS t6.example.com;branch=z9hG4bK9xxxa",
            ],
        ),
        _PROCESSED,
        "3.1.1.10",
    ),
    Case(
        "multipart body with binary in it",
        request(
            "MESSAGE",
            change={"Content-Type": 'multipart/mixed;boundary="7a9cbec02ceef655"'},
            body=(
                b"--7a9cbec02ceef655\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: binary\r\n\r\nHello\r\n"
                b"--7a9cbec02ceef655\r\nContent-Type: application/octet-stream\r\n"
                b"Content-Transfer-Encoding: binary\r\n\r\n" + bytes(range(1, 256)) + b"\r\n--7a9cbec02ceef655--\r\n"
            ),
        ),
        Outcome.TOLERATED,
        "3.1.1.11",
    ),
    Case(
        "compact forms throughout",
        (
            b"INVITE sip:@USER@@@TARGET@ SIP/2.0\r\nv: SIP/2.0/@TRANSPORT@ @LOCAL@;branch=z9hG4bK@ID@\r\n"
            b"f: <sip:torture@@LOCAL@>;tag=@ID@\r\nt: <sip:@USER@@@HOST@>\r\ni: @ID@@torture\r\nCSeq: 1 INVITE\r\n"
            b"Max-Forwards: 70\r\nm: <sip:torture@@LOCAL@>\r\nk: timer\r\nc: application/sdp\r\nl: @LENGTH@\r\n\r\n"
        )
        + OFFER,
        _PROCESSED,
    ),
    Case(
        "folded header lines",
        request(more=["Subject: one\r\n two\r\n\tthree", "Supported: timer,\r\n  100rel ,\r\n\treplaces"]),
        _PROCESSED,
    ),
    Case(
        "empty line before the message",
        b"\r\n" + request(),
        _PROCESSED,
    ),
    # Two of them are a keep-alive of their own (RFC 5626 §3.5.1), and some elements lose what follows.
    Case(
        "several empty lines before the message",
        b"\r\n\r\n\r\n" + request(),
        Outcome.TOLERATED,
        breaks_framing=True,
    ),
    Case("unknown method", request("NEWMETHOD"), _PROCESSED, "3.3.1"),
    Case(
        "unknown header with an empty value",
        request(more=["X-Empty:", "X-Blank:    ", "Supported:"]),
        _PROCESSED,
    ),
    Case(
        "many via values in one line",
        request(change={"Via": f"{PLAIN['Via']}, {_OLD_VIAS}"}),
        _PROCESSED,
    ),
    Case(
        "scheme in capitals and host with a dot at its end",
        request(line="OPTIONS SIP:@USER@@@TARGET@ SIP/2.0", change={"To": "<SIP:@USER@@EXAMPLE.com.>"}),
        _PROCESSED,
    ),
    Case(
        "unknown schemes in header fields",
        request(
            "OPTIONS",
            change={"To": "<isbn:2983792873>", "From": "<http://www.example.com>;tag=@ID@"},
        ),
        Outcome.TOLERATED,
        "3.3.4",
    ),
    Case(
        "tel uri as request uri",
        request("INVITE", line="INVITE tel:+15550100;phone-context=@HOST@ SIP/2.0"),
        Outcome.TOLERATED,
        "3.3.3",
    ),
    Case("max-forwards of zero on options", request(change={"Max-Forwards": "0"}), _PROCESSED, "3.3.11"),
    Case(
        "unknown authorization scheme",
        request(more=["Authorization: NoOneKnowsThisScheme opaque-data=here"]),
        _PROCESSED,
        "3.3.7",
    ),
    Case(
        "multiple accept and contact parameters",
        request(
            more=[
                "Accept: application/sdp;level=1;q=0.5, application/x-private, text/html",
                "Accept-Encoding: gzip, *;q=0",
            ]
        ),
        _PROCESSED,
        "3.3.14",
    ),
    Case(
        "ipv6 references in uris",
        request(change={"Contact": "<sip:torture@[2001:db8::1]:5060>", "From": "<sip:torture@[::1]>;tag=@ID@"}),
        _PROCESSED,
    ),
    Case(
        "invite without max-forwards as of rfc 2543",
        request(
            "INVITE",
            change={
                "Max-Forwards": None,
                "Via": "SIP/2.0/@TRANSPORT@ @LOCAL@",
                "From": "<sip:torture@@LOCAL@>;tag=@ID@",
            },
        ),
        Outcome.TOLERATED,
        "3.4.1",
    ),
    Case(
        "bye for a dialog that never was",
        request("BYE", change={"To": "<sip:@USER@@@HOST@>;tag=never"}),
        Outcome.REFUSED,
        statuses=frozenset({481, 403}),
    ),
    Case("cancel for nothing", request("CANCEL"), Outcome.REFUSED, statuses=frozenset({481, 403})),
    Case("ack for nothing", request("ACK", change={"To": "<sip:@USER@@@HOST@>;tag=never"}), Outcome.SILENT),
    Case("keep-alive of two line ends", b"\r\n\r\n", Outcome.SILENT),
    Case("keep-alive of nulls", b"\0\0\0\0", Outcome.SILENT, datagram_only=True),
)
