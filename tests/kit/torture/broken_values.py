"""Messages whose header values are wrong: numbers, Via, addresses, tokens."""

from __future__ import annotations

from tests.kit.torture.case import Case, Outcome, request

_REFUSED = Outcome.REFUSED
_DROPPED = Outcome.REFUSED_OR_SILENT
_TOLERATED = Outcome.TOLERATED
_VIA = "SIP/2.0/@TRANSPORT@ @LOCAL@;branch=z9hG4bK@ID@"

VALUES: tuple[Case, ...] = (
    # -- scalar values
    Case("cseq over 32 bits", request(change={"CSeq": "36893488147419103232 OPTIONS"}), _TOLERATED, "3.1.2.4"),
    Case("max-forwards over 8 bits", request(change={"Max-Forwards": "300"}), _TOLERATED, "3.1.2.4"),
    Case("negative max-forwards", request("INVITE", change={"Max-Forwards": "-1"}), _TOLERATED),
    Case("max-forwards that is no number", request("INVITE", change={"Max-Forwards": "many"}), _TOLERATED),
    Case(
        "max-forwards of zero on invite",
        request("INVITE", change={"Max-Forwards": "0"}),
        _REFUSED,
        "3.3.11",
        statuses=frozenset({483, 403, 404}),
    ),
    Case("cseq that is no number", request(change={"CSeq": "one OPTIONS"}), _DROPPED),
    Case("cseq without a method", request(change={"CSeq": "1"}), _DROPPED),
    Case("cseq of another method", request("OPTIONS", change={"CSeq": "8 INVITE"}), _TOLERATED, "3.1.2.17"),
    Case(
        "unknown method and cseq of another", request("NEWMETHOD", change={"CSeq": "8 INVITE"}), _TOLERATED, "3.1.2.18"
    ),
    Case("expires over 32 bits", request(more=["Expires: 1000000000000000000000000000"]), _TOLERATED, "3.1.2.4"),
    Case("impossible date", request(more=["Date: Fri, 01 Jan 2010 16:00:00 EST"]), _TOLERATED, "3.1.2.12"),
    # -- structured values
    Case("via without a branch", request(change={"Via": "SIP/2.0/@TRANSPORT@ @LOCAL@"}), _TOLERATED, "3.2.1"),
    Case(
        "via with the cookie alone",
        request(change={"Via": "SIP/2.0/@TRANSPORT@ @LOCAL@;branch=z9hG4bK"}),
        _TOLERATED,
        "3.2.1",
    ),
    Case("via without a host", request(change={"Via": "SIP/2.0/@TRANSPORT@ ;branch=z9hG4bK@ID@"}), _DROPPED),
    Case("via of garbage", request(change={"Via": ";;,,=/// \x01"}), _DROPPED),
    Case(
        "via port out of range",
        request(change={"Via": "SIP/2.0/@TRANSPORT@ @HOST@:99999;branch=z9hG4bK@ID@"}),
        _TOLERATED,
    ),
    Case("separators without values", request("INVITE", change={"Via": _VIA + ";;,;,,"}), _TOLERATED, "3.1.2.1"),
    Case(
        "quoted name that never ends", request(change={"To": '"Mr. J. User <sip:@USER@@@HOST@>'}), _TOLERATED, "3.1.2.6"
    ),
    Case(
        "uri with a question mark outside brackets",
        request(change={"Contact": "sip:torture@@LOCAL@?Route=%3Csip:example.com%3E"}),
        _TOLERATED,
        "3.1.2.13",
    ),
    Case("blanks inside a uri", request(change={"To": '"Watson" < sip:@USER@@@HOST@ >'}), _TOLERATED, "3.1.2.14"),
    Case(
        "display name that is no token",
        request(change={"From": "Bell, Alexander <sip:torture@@LOCAL@>;tag=@ID@"}),
        _TOLERATED,
        "3.1.2.15",
    ),
    Case("from without a uri", request(change={"From": ";tag=@ID@"}), _DROPPED),
    Case("to of garbage", request("INVITE", change={"To": "<<>>;;tag=;="}), _TOLERATED),
    Case("contact of a star on invite", request("INVITE", change={"Contact": "*"}), _TOLERATED),
    Case("contact of garbage on invite", request("INVITE", change={"Contact": "<<sip>:;@"}), _TOLERATED),
    Case("route of garbage", request("INVITE", more=["Route: <;lr>"]), _TOLERATED),
    Case("record-route of garbage", request("INVITE", more=["Record-Route: ;;;<sip:>, <"]), _TOLERATED),
    Case(
        "bars in a tag and a call-id",
        request("INVITE", change={"From": "<sip:torture@@LOCAL@>;tag=a|b|@ID@", "Call-ID": "@ID@|x|y"}),
        _TOLERATED,
    ),
    Case(
        "require of the unknown",
        request("INVITE", more=["Require: nothingSupportsThis, nothingSupportsThisEither"]),
        _TOLERATED,
        "3.3.5",
    ),
    Case("header line without a colon", request(more=["This line has no colon"]), _TOLERATED),
    Case("header name with blanks", request(more=["Bad Header Name: x"]), _TOLERATED),
    Case("header line of a colon alone", request(more=[": nothing"]), _TOLERATED),
)
