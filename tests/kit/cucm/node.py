"""A CUCM node on a SIP trunk, spoken and listened to step by step from a test.

Everything of `Endpoint` works (`expect_request`, `reply`, `dialog.request` …) and comes out in CUCM's words;
the methods here are what a node does beyond that.
"""

from __future__ import annotations

import enum
import random
import uuid
from collections.abc import Sequence
from dataclasses import replace

from tests.kit.cucm.failures import FAILURES, Situation
from tests.kit.cucm.parties import Party
from tests.kit.cucm.wording import SESSION_EXPIRES, CucmWording
from tests.kit.sip import (
    PATIENCE,
    PCMA,
    PCMU,
    TELEPHONE_EVENT,
    Address,
    Audio,
    Behaviour,
    Body,
    Dialog,
    Direction,
    Endpoint,
    IncomingRequest,
    Ladder,
    OutgoingInvite,
    OutgoingRequest,
    Response,
    Sdp,
    Transport,
)

MUSIC = Audio(port=4000, address="198.51.100.90", codecs=(PCMU,), direction=Direction.SENDONLY)
"""CUCM's music on hold: a dummy port, because it only sends."""


class PingAnswer(enum.Enum):
    """What a node does with OPTIONS.

    Silence, 408 and 503 mean that it is down, anything else that it is up.
    """

    OK = 200
    NOT_FOUND = 404
    TIMEOUT = 408
    UNAVAILABLE = 503
    SILENCE = 0


class CucmNode(Endpoint):
    """One node of a CUCM cluster, with the trunk to us.

    `transport` is the trunk's outgoing transport; the node hears both. Nodes of one cluster share `cluster`.
    """

    def __init__(
        self,
        name: str = "cucm",
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        transport: Transport = Transport.TCP,
        peer: Address | None = None,
        behaviour: Behaviour | None = None,
        version: str = "12.5",
        cluster: uuid.UUID | None = None,
        session_id: bool = True,
        ladder: Ladder | None = None,
    ) -> None:
        self.words = CucmWording(address, version=version, cluster=cluster, session_id=session_id)
        self.ping_answer = PingAnswer.OK
        super().__init__(
            name,
            address=address,
            port=port,
            transport=transport,
            peer=peer,
            behaviour=behaviour,
            style=self.words,
            ladder=ladder,
        )
        self.automatic["OPTIONS"] = self._answer_ping

    def __enter__(self) -> CucmNode:
        return self

    # -- calling

    def call(
        self,
        calling: Party,
        called: str,
        offer: Body = None,
        *,
        to: Address | None = None,
        headers: Sequence[tuple[str, str]] = (),
        diversions: Sequence[str] = (),
    ) -> OutgoingInvite:
        """A call out of the trunk; a delayed offer unless `offer` is given (early offer).

        `diversions` are finished Diversion header values. `to` is the trunk's destination (default: `peer`).
        """
        destination = to or self.peer
        assert destination is not None, "a call needs an address: the node has no peer"

        def prepare(dialog: Dialog) -> None:
            leg = self.words.leg(dialog)
            leg.party = calling
            leg.diversions = list(diversions)
            dialog.contact = self._contact_of(calling)

        return self.invite(
            f"sip:{called}@{destination}",
            offer,
            caller=calling.shown(self.local.host),
            called=f"<sip:{called}@{destination.host}>",
            to=destination,
            headers=headers,
            prepare=prepare,
        )

    def expect_call(self, called: str | None = None, timeout: float = PATIENCE) -> IncomingRequest:
        """The next INVITE on the trunk, for that number if one is named."""
        return self.expect_request("INVITE", timeout, lambda incoming: called is None or number_of(incoming) == called)

    def ring(self, incoming: IncomingRequest, party: Party) -> Response:
        """180 in the name of a phone."""
        return self._reply_as(incoming, party, 180, None)

    def answer(self, incoming: IncomingRequest, party: Party, sdp: Body = None) -> Response:
        """200 in the name of a phone, with its offer or its answer (one codec and telephone-event)."""
        return self._reply_as(incoming, party, 200, sdp if sdp is not None else answer_to(incoming, party.media))

    def fail(self, incoming: IncomingRequest, situation: Situation) -> Response:
        """The final answer of the failure table, with its Reason."""
        failure = FAILURES[situation]
        headers = [] if failure.cause is None else [("Reason", f"Q.850;cause={failure.cause}")]
        return incoming.reply(failure.status, failure.reason, headers=headers)

    def refuse_short_session(self, incoming: IncomingRequest) -> bool:
        """422 with Min-SE if the INVITE asks for a session below 1800 s (RFC 4028 §8.1); True if it did."""
        asked = incoming.request.get("Session-Expires")
        if asked is None or int(asked.partition(";")[0]) >= 1800:
            return False
        incoming.reply(422, headers=[("Min-SE", SESSION_EXPIRES)])
        return True

    # -- in a call

    def stop_media(self, dialog: Dialog, party: Party) -> OutgoingInvite:
        """First step of hold and of resume.

        Re-INVITE with inactive and 0.0.0.0. Acknowledge its 200 with `ack()`.
        """
        return dialog.invite(party.media.held())

    def ask_for_offer(self, dialog: Dialog) -> OutgoingInvite:
        """Second step of hold and of resume: re-INVITE without SDP. The answer goes into the ACK."""
        return dialog.invite()

    def hold(self, dialog: Dialog, party: Party, timeout: float = PATIENCE) -> None:
        """The user presses hold.

        Media stopped, then music connected. Both must be answered by others meanwhile.
        """
        stopped = self.stop_media(dialog, party)
        stopped.expect(200, timeout)
        stopped.ack()
        asked = self.ask_for_offer(dialog)
        asked.expect(200, timeout)
        asked.ack(MUSIC)

    def resume(self, dialog: Dialog, party: Party, timeout: float = PATIENCE) -> None:
        """The user presses resume: media stopped, then the phone connected with its answer in the ACK."""
        stopped = self.stop_media(dialog, party)
        stopped.expect(200, timeout)
        stopped.ack()
        asked = self.ask_for_offer(dialog)
        asked.expect(200, timeout)
        asked.ack(party.media)

    def refresh(self, dialog: Dialog, *, by_update: bool = False) -> OutgoingRequest:
        """Session refresh: re-INVITE with the description as it is, or UPDATE without one (RFC 4028 §7.4)."""
        if by_update:
            return dialog.request("UPDATE", headers=[("Session-Expires", f"{SESSION_EXPIRES};refresher=uac")])
        return dialog.invite(dialog.audio)

    def connected_party(self, dialog: Dialog, party: Party) -> OutgoingRequest:
        """UPDATE without SDP that names another party (after a transfer inside CUCM)."""
        self.words.leg(dialog).party = party
        return dialog.request("UPDATE")

    def release(self, dialog: Dialog, *, cause: int | None = 16, statistics: str | None = None) -> OutgoingRequest:
        """BYE with its Q.850 cause; `statistics` is the value of P-RTP-Stat (release 12 on)."""
        headers = [] if cause is None else [("Reason", f"Q.850;cause={cause}")]
        if statistics is not None:
            headers.append(("P-RTP-Stat", statistics))
        return dialog.bye(headers=headers)

    def answer_by_itself(self, dialog: Dialog, party: Party) -> None:
        """From now on re-INVITEs and UPDATEs of the peer in this dialog are answered without help."""

        def accept(incoming: IncomingRequest) -> None:
            incoming.reply(200, sdp=answer_to(incoming, party.media))

        dialog.automatic["INVITE"] = accept
        dialog.automatic["UPDATE"] = lambda incoming: (
            accept(incoming) if incoming.request.body else _discard(incoming.reply(200))
        )

    # -- the trunk

    def ping(self, to: Address | None = None) -> OutgoingRequest:
        """CUCM's OPTIONS, with Max-Forwards 0.

        Raises OSError when TCP cannot connect: the destination is down.
        """
        destination = to or self.peer
        assert destination is not None, "a ping needs an address: the node has no peer"
        return self.request(
            "OPTIONS",
            f"sip:{destination}",
            caller=f"<sip:{self.local.host}>",
            called=f"<sip:{destination.host}>",
            to=destination,
            replace_headers={
                "From": f"<sip:{self.local.host}>;tag={random.randrange(10**9, 2 * 10**9)}",
                "Contact": f"<sip:{self.local}{self._transport_parameter()}>",
            },
        )

    def _answer_ping(self, incoming: IncomingRequest) -> None:
        if self.ping_answer is not PingAnswer.SILENCE:
            incoming.reply(self.ping_answer.value)

    # -- inside

    def _reply_as(self, incoming: IncomingRequest, party: Party, status: int, sdp: Body) -> Response:
        leg = self.words.legs.get(incoming.local_tag)
        if leg is not None:
            leg.party = party
        contact = {"Contact": self._contact_of(party, final=status >= 200)}
        response = incoming.reply(status, sdp=sdp, replace_headers=contact)
        incoming.dialog.contact = contact["Contact"]
        # From now on this side is the phone, whatever the caller dialled.
        incoming.dialog.local_uri = _with_display(incoming.dialog.local_uri, party)
        return response

    def _contact_of(self, party: Party, *, final: bool = False) -> str:
        number = "anonymous" if party.private else party.number
        contact = f"<sip:{number}@{self.local}{self._transport_parameter()}>"
        if final and party.device is not None:
            contact += f';+u.sip!devicename.ccm.cisco.com="{party.device}"'
        return contact

    def _transport_parameter(self) -> str:
        return "" if self.transport is Transport.UDP else f";transport={self.transport.value}"


def number_of(incoming: IncomingRequest) -> str:
    """The dialled number of an INVITE: the user part of its request URI."""
    return incoming.request.uri.partition(":")[2].partition("@")[0]


def answer_to(incoming: IncomingRequest, media: Audio) -> Audio:
    """What a phone with this stream says to an INVITE.

    Its answer to an offer, or its own offer if there is none.
    """
    offer = incoming.request.sdp
    return media if offer is None else answer_to_offer(offer, media)


def answer_to_offer(offer: Sdp, media: Audio) -> Audio:
    """The answer of a stream to an offer.

    One codec and telephone-event, the direction mirrored (RFC 3264 §6.1).
    """
    offered = {codec.encoding.lower(): codec for codec in offer.audio.codecs}
    event = TELEPHONE_EVENT.encoding.lower()
    voice = [offered[codec.encoding.lower()] for codec in media.codecs if codec.encoding.lower() in offered]
    chosen = [codec for codec in voice if codec.encoding.lower() != event][:1] or [
        codec for codec in offer.audio.codecs if codec.encoding in (PCMU.encoding, PCMA.encoding)
    ][:1]
    direction = {
        Direction.SENDRECV: media.direction,
        Direction.SENDONLY: Direction.RECVONLY,
        Direction.RECVONLY: Direction.SENDONLY,
        Direction.INACTIVE: Direction.INACTIVE,
    }[offer.direction]
    if offer.address == "0.0.0.0":
        direction = Direction.INACTIVE
    events = [codec for codec in voice if codec.encoding.lower() == event]
    return replace(media, codecs=(*chosen, *events), direction=direction)


def _with_display(uri: str, party: Party) -> str:
    address = uri[uri.index("<") :] if "<" in uri else f"<{uri}>"
    return f'"{party.name}" {address}' if party.name else address


def _discard(_: Response) -> None:
    return None
