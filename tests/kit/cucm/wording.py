"""How CUCM words its SIP: header sets and order, identifiers, SDP, as seen on real SIP trunks.

Call-ID, Cisco-Guid, tags and the o= line hang together: the Call-ID's first and last part are the Guid's
first and last field in hex (the last is the node's IPv4 address with its bytes reversed), and a tag begins
with the number of the leg, which is also the session id of its SDP.
"""

from __future__ import annotations

import email.utils
import itertools
import random
import secrets
import time
import uuid
from dataclasses import dataclass, field

from tests.kit.cucm.parties import Party
from tests.kit.sip import (
    Address,
    Audio,
    Dialog,
    Direction,
    Message,
    NameAddr,
    Origin,
    Request,
    Response,
    Style,
)

METHODS = "INVITE, OPTIONS, INFO, BYE, CANCEL, ACK, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY"
NO_SESSION = "0" * 32
# The blank after the colon is put there when the header is rendered; CUCM writes two.
SESSION_EXPIRES = " 1800"


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_INVITE_ORDER = _names("""
    Via Route From To Date Call-ID Supported Min-SE User-Agent Allow CSeq Expires Allow-Events Supported
    Call-Info Session-ID Cisco-Guid Session-Expires Privacy Diversion P-Asserted-Identity Remote-Party-ID
    Contact Max-Forwards Content-Type Content-Length
""")
_REINVITE_ORDER = _names("""
    Via Route From To Date Call-ID Supported Min-SE User-Agent Allow CSeq Max-Forwards Expires Allow-Events
    Session-ID Session-Expires P-Asserted-Identity Remote-Party-ID Contact Content-Type Content-Length
""")
_OTHER_ORDER = _names("""
    Via Route From To Date Call-ID Supported Min-SE User-Agent Allow Max-Forwards P-Asserted-Identity
    Remote-Party-ID CSeq Reason Session-ID P-RTP-Stat Session-Expires Allow-Events Contact Content-Type
    Content-Length
""")
_OPTIONS_ORDER = _names("Via From To Date Call-ID User-Agent CSeq Contact Max-Forwards Content-Length")
_TRYING_ORDER = _names("Via From To Date Call-ID CSeq Allow-Events Content-Length")
_ANSWER_ORDER = _names("""
    Via Record-Route From To Date Call-ID CSeq Allow Allow-Events Supported Server Call-Info Supported
    Supported Session-Expires Require Session-ID P-Asserted-Identity Remote-Party-ID Contact Content-Type
    Content-Length
""")
_EARLY_ORDER = _names("""
    Via Record-Route From To Date Call-ID CSeq Allow Allow-Events Server Call-Info Supported Session-ID
    P-Asserted-Identity Remote-Party-ID Contact Content-Type Content-Length
""")
_FAILURE_ORDER = _names("""
    Via From To Date Call-ID CSeq Allow-Events Server Reason Min-SE Retry-After Session-ID Content-Length
""")
_PLAIN_ANSWER_ORDER = _names("""
    Via From To Date Call-ID Server CSeq Allow Allow-Events Supported Session-Expires Require Contact
    Content-Type Content-Length
""")


@dataclass(slots=True)
class LegFacts:
    """What CUCM remembers of one leg for its headers."""

    number: int
    party: Party | None = None
    session: str = NO_SESSION
    """Our half of Session-ID; zeros until the phone behind has contributed its own."""
    peer_session: str = NO_SESSION
    diversions: list[str] = field(default_factory=list)


class CucmWording(Style):
    """The words of one CUCM node.

    `session_id` False is a release before 11.0. `kpml` offers KPML events on the trunk.
    """

    def __init__(
        self, host: str, *, version: str = "12.5", cluster: uuid.UUID | None = None, session_id: bool = True,
        kpml: bool = True,
    ) -> None:  # fmt: skip
        self.host = host
        self.product = f"Cisco-CUCM{version}"
        self.cluster = cluster or uuid.uuid4()
        self.session_id = session_id
        self.events = "presence, kpml" if kpml else "presence"
        self.legs: dict[str, LegFacts] = {}
        self._leg_numbers = itertools.count(random.randrange(81000, 90000), 3)
        self._call_numbers = itertools.count(random.randrange(40_000_000, 41_000_000))
        self._guid_counter = itertools.count(random.randrange(0x100, 0x2000))
        octets = [int(part) for part in host.split(".")]
        self._address_word = int.from_bytes(bytes(reversed(octets)), "big")

    # -- identifiers

    def call_id(self, local: Address) -> str:
        """`<guid 1>-<time>-<counter>-<address reversed>@ip`, all hex."""
        first = random.randrange(1, 1 << 24) << 8
        counter = next(self._guid_counter)
        return f"{first:08x}-{int(time.time()):08x}-{counter:x}-{self._address_word:x}@{self.host}"

    def guid(self, call_id: str) -> str:
        """The Cisco-Guid that belongs to a Call-ID of this node."""
        first, _, counter, last = call_id.partition("@")[0].split("-")
        return f"{int(first, 16):010d}-{65536:010d}-{int(counter, 16):010d}-{int(last, 16):010d}"

    def tag(self) -> str:
        """`<leg>~<cluster>-<call>`; the leg's facts are found by it later."""
        number = next(self._leg_numbers)
        tag = f"{number}~{self.cluster}-{next(self._call_numbers)}"
        self.legs[tag] = LegFacts(number)
        return tag

    def branch(self) -> str:
        """The RFC 3261 cookie and twelve hex digits."""
        return f"z9hG4bK{secrets.token_hex(6)}"

    def first_cseq(self) -> int:
        """CUCM counts from 101 in either role."""
        return 101

    def leg(self, dialog: Dialog) -> LegFacts:
        """The facts of a dialog's leg."""
        return self.legs.setdefault(dialog.local_tag, LegFacts(next(self._leg_numbers)))

    def new_session(self, leg: LegFacts, device: str | None) -> None:
        """Our half of Session-ID: from the phone's MAC, or invented so that it ends in the leg's number."""
        if device is not None and len(device) == 15:
            leg.session = f"{secrets.token_hex(4)}00105000a000{device[3:].lower()}"
        else:
            leg.session = f"{secrets.token_hex(13)}{leg.number:06d}"

    # -- SDP

    def origin(self, dialog: Dialog) -> Origin:
        """Session id = the leg's number; the address is CUCM's, not the phone's."""
        return Origin("CiscoSystemsCCM-SIP", self.leg(dialog).number, 1, self.host)

    def describe(self, audio: Audio, origin: Origin) -> str:
        """A description as CUCM writes it."""
        payloads = " ".join(str(codec.payload) for codec in audio.codecs)
        lines = [
            "v=0", f"o={origin}", "s=SIP Call", f"c=IN IP4 {audio.address}", "b=AS:64", "t=0 0",
            f"m=audio {audio.port} RTP/AVP {payloads}", "b=TIAS:64000",
        ]  # fmt: skip
        for codec in audio.codecs:
            lines.append(f"a=rtpmap:{codec.payload} {codec.encoding}")
            if codec.parameters is not None:
                lines.append(f"a=fmtp:{codec.payload} {codec.parameters}")
        lines.append("a=ptime:20")
        lines += [f"a={attribute}" for attribute in audio.attributes]
        if audio.direction is not None and audio.direction is not Direction.SENDRECV:
            lines.append(f"a={audio.direction.value}")
        return "".join(f"{line}\r\n" for line in lines)

    # -- messages

    def heard(self, message: Message, dialog: Dialog) -> None:
        """Remember the peer's half of Session-ID."""
        value = message.get("Session-ID")
        if value is not None:
            self.leg(dialog).peer_session = value.partition(";")[0].strip()

    def finish_request(self, request: Request, dialog: Dialog | None) -> None:
        """The header set of a request, in CUCM's order."""
        request.set("Date", email.utils.formatdate(usegmt=True))
        request.set("User-Agent", self.product)
        initial = dialog is None or dialog.remote_tag is None
        if request.method == "INVITE" and dialog is not None:
            self._invite(request, dialog, initial)
            request.order(_INVITE_ORDER if initial else _REINVITE_ORDER)
        elif request.method == "OPTIONS" and dialog is None:
            request.set("Max-Forwards", "0")
            request.order(_OPTIONS_ORDER)
        else:
            self._other_request(request, dialog)
            request.order(_OTHER_ORDER)

    def _invite(self, request: Request, dialog: Dialog, initial: bool) -> None:
        leg = self.leg(dialog)
        request.add("Supported", "timer,resource-priority,replaces")
        request.add("Min-SE", SESSION_EXPIRES)
        request.add("Allow", METHODS)
        request.add("Expires", "180")
        if initial:
            request.add("Allow-Events", self.events)
            request.add("Supported", "X-cisco-srtp-fallback,X-cisco-original-called")
            request.add(
                "Call-Info",
                f'<sip:{dialog.endpoint.local}>;method="NOTIFY;Event=telephone-event;Duration=500"',
            )
            request.add("Call-Info", "<urn:x-cisco-remotecc:callinfo>;x-cisco-video-traffic-class=DESKTOP")
            request.add("Cisco-Guid", self.guid(dialog.call_id))
            request.add("Session-Expires", SESSION_EXPIRES)
            request.set("Max-Forwards", "69")
            for diversion in leg.diversions:
                request.add("Diversion", diversion)
        else:
            request.add("Allow-Events", "presence")
            request.add("Session-Expires", f"{SESSION_EXPIRES};refresher=uac")
        self._session(request, leg)
        self._identities(request, dialog, "calling")

    def _other_request(self, request: Request, dialog: Dialog | None) -> None:
        if dialog is None:
            return
        leg = self.leg(dialog)
        if request.method == "BYE":
            request.add("P-Asserted-Identity", self._identity(dialog))
        elif request.method == "ACK":
            request.add("Allow-Events", "presence")
        elif request.method == "UPDATE":
            request.add("Supported", "timer,resource-priority,replaces")
            request.add("Min-SE", SESSION_EXPIRES)
            request.add("Allow", METHODS)
            self._identities(request, dialog, "calling")
        self._session(request, leg)

    def finish_response(self, response: Response, request: Request, dialog: Dialog | None) -> None:
        """The header set of a response, in CUCM's order."""
        response.set("Date", email.utils.formatdate(usegmt=True))
        if response.status == 100:
            response.add("Allow-Events", "presence")
            response.order(_TRYING_ORDER)
            return
        response.set("Server", self.product)
        if response.status >= 300:
            self._failure(response, request)
        elif request.method == "INVITE" and dialog is not None:
            self._answer(response, request, dialog)
        else:
            if request.method == "OPTIONS":
                response.add("Allow", METHODS)
                response.add("Allow-Events", self.events)
                response.add("Supported", "timer,resource-priority,replaces")
            elif request.method == "UPDATE":
                self._session_timer(response, request)
            response.order(_PLAIN_ANSWER_ORDER)

    def _failure(self, response: Response, request: Request) -> None:
        response.add("Allow-Events", "presence")
        if self.session_id and request.method == "INVITE":
            peer = (request.get("Session-ID") or NO_SESSION).partition(";")[0].strip()
            response.add("Session-ID", f"{NO_SESSION};remote={peer}")
        response.order(_FAILURE_ORDER)

    def _answer(self, response: Response, request: Request, dialog: Dialog) -> None:
        leg = self.leg(dialog)
        response.add("Allow", METHODS)
        response.add("Allow-Events", "presence")
        if response.is_final:
            response.add("Supported", "replaces")
            self._session_timer(response, request)
            if leg.session == NO_SESSION:
                self.new_session(leg, leg.party.device if leg.party else None)
        response.add("Call-Info", "<urn:x-cisco-remotecc:callinfo>;x-cisco-video-traffic-class=DESKTOP")
        response.add("Supported", "X-cisco-srtp-fallback")
        response.add("Supported", "Geolocation")
        self._session(response, leg)
        self._identities(response, dialog, "called")
        response.order(_ANSWER_ORDER if response.is_final else _EARLY_ORDER)

    def _session_timer(self, response: Response, request: Request) -> None:
        if "timer" in (option.lower() for option in request.values("Supported")):
            response.add("Session-Expires", f"{SESSION_EXPIRES};refresher=uas")
            response.add("Require", " timer")

    def _session(self, message: Message, leg: LegFacts) -> None:
        if not self.session_id:
            return
        if leg.session == NO_SESSION and isinstance(message, Request):
            self.new_session(leg, leg.party.device if leg.party else None)
        message.set("Session-ID", f"{leg.session};remote={leg.peer_session}")

    def _identity(self, dialog: Dialog) -> str:
        party = self.leg(dialog).party
        if party is not None:
            return party.identity(self.host)
        address = NameAddr.parse(dialog.local_uri)
        return Party(address.uri.user or "", address.display or "").identity(self.host)

    def _identities(self, message: Message, dialog: Dialog, role: str) -> None:
        identity = self._identity(dialog)
        party = self.leg(dialog).party
        private = party is not None and party.private
        if private and "Privacy" not in message:
            message.add("Privacy", "id")
        message.set("P-Asserted-Identity", identity)
        message.set(
            "Remote-Party-ID",
            f"{identity};party={role};screen=yes;privacy={'full' if private else 'off'}",
        )
