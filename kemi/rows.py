"""What the controller hands to the journal: typed records, one queue entry a batch, JSON."""

import msgspec

from kemi.calls.call import Call
from kemi.calls.effects import CallChanged, Publish
from kemi.calls.leg import Leg
from kemi.calls.party import REPORTED, Party
from tlib.codec import encode as encode_message
from tlib.enums import CallType, DNRole, PartyState

KIND = "batch"
"""Key in the ``rows`` queue."""


class EventRow(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One event of the log, still without its number."""

    at: float
    """Unix time."""
    this_dn: str
    name: str
    """T-Library name."""
    connid: str | None
    body: msgspec.Raw
    """The encoded event without EventSequenceNumber: an object that is not empty."""


class PartyRow(msgspec.Struct, frozen=True, gc=False):
    """Columns of table ``party``; ``since`` is Unix time."""

    connid: str
    dn: str
    role: DNRole
    state: PartyState
    leg: str | None
    since: float


class LegRow(msgspec.Struct, frozen=True, gc=False):
    """Columns of table ``leg``; ``since`` is Unix time."""

    id: str
    connid: str
    call_id: str
    local_uri: str
    remote_uri: str
    remote_tag: str
    remote_target: str
    route_set: str
    socket: str
    trunk: str
    peer: str
    since: float


class CallRow(msgspec.Struct, frozen=True, gc=False):
    """Columns of table ``call``; ``created_at`` is Unix time."""

    connid: str
    call_uuid: str
    call_type: CallType
    ani: str | None
    dnis: str | None
    trunk_in: str | None
    user_data: msgspec.Raw
    created_at: float


class LiveCall(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A call as it is now: all its parties always, the rest when it is not as it was before."""

    connid: str
    call: CallRow | None
    parties: list[PartyRow]
    legs: list[LegRow] | None

    def over(self, earlier: "LiveCall") -> "LiveCall":
        """This state, with what it does not say taken from an earlier one."""
        if self.call is not None and self.legs is not None:
            return self
        return LiveCall(
            self.connid,
            self.call if self.call is not None else earlier.call,
            self.parties,
            self.legs if self.legs is not None else earlier.legs,
        )


class DestinationRow(msgspec.Struct, frozen=True, gc=False):
    """Columns of table ``trunk_state``."""

    trunk: str
    position: int
    state: str
    since: float


class AnswerRow(msgspec.Struct, frozen=True, gc=False):
    """The answer to a request of the request queue: an encoded event."""

    id: int
    answer: msgspec.Raw


class Batch(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """What one run of the controller made. A call is in ``calls`` or in ``ended``, never in both."""

    events: list[EventRow] = []
    calls: list[LiveCall] = []
    ended: list[str] = []
    destinations: list[DestinationRow] = []
    answers: list[AnswerRow] = []


class MalformedBatch(Exception):
    """An entry of the ``rows`` queue that is no batch."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Batch)
_NO_DATA = msgspec.Raw(b"{}")


def encode(batch: Batch) -> str:
    """The batch as text without NUL, as the queue wants it."""
    return _encoder.encode(batch).decode()


def decode(kind: str, body: str) -> Batch:
    """Raises ``MalformedBatch``."""
    if kind != KIND:
        raise MalformedBatch(f"there is no kind of rows {kind[:40]!r}")
    try:
        return _decoder.decode(body)
    except msgspec.DecodeError as error:
        raise MalformedBatch(f"{error}: {body[:200]!r}") from None


def event_row(effect: Publish) -> EventRow:
    """The event log's row of an event; its time is the event's."""
    event = effect.event
    time = event.time
    assert time is not None
    return EventRow(
        time.seconds, event.this_dn, type(event).__name__, effect.connid, msgspec.Raw(encode_message(event))
    )


def live_call(call: Call, changed: CallChanged) -> LiveCall:
    """The live state of a call, as far as it has changed.

    A number is a party once: of a DN that calls itself, and of a caller who shows the number of the DN he calls, the
    party that is a DN and called is kept.
    """
    parties: dict[str, PartyRow] = {}
    for party in sorted(call.parties, key=_precedence) if _ambiguous(call) else call.parties:
        parties[party.number] = _party_row(party)
    legs = (
        [_leg_row(call.connid, party.leg) for party in call.parties if party.leg is not None] if changed.legs else None
    )
    return LiveCall(call.connid, _call_row(call) if changed.call else None, list(parties.values()), legs)


def _call_row(call: Call) -> CallRow:
    return CallRow(
        connid=call.connid,
        call_uuid=call.call_uuid,
        call_type=call.type,
        ani=call.ani,
        dnis=call.dnis,
        trunk_in=call.trunk_in,
        user_data=msgspec.Raw(_encoder.encode(call.user_data)) if call.user_data else _NO_DATA,
        created_at=call.created_at,
    )


def _ambiguous(call: Call) -> bool:
    parties = call.parties
    if len(parties) == 2:
        return parties[0].number == parties[1].number
    return len({party.number for party in parties}) < len(parties)


def _precedence(party: Party) -> tuple[bool, bool]:
    """Later wins."""
    return party.is_dn, party.role is not DNRole.ORIGINATION


def _party_row(party: Party) -> PartyRow:
    return PartyRow(
        connid=party.connid,
        dn=party.number,
        role=party.role,
        state=REPORTED[party.state],
        leg=party.leg.id if party.leg is not None else None,
        since=party.since,
    )


def _leg_row(connid: str, leg: Leg) -> LegRow:
    dialog = leg.dialog
    return LegRow(
        id=dialog.id,
        connid=connid,
        call_id=dialog.call_id,
        local_uri=dialog.local_uri,
        remote_uri=dialog.remote_uri,
        remote_tag=dialog.remote_tag,
        remote_target=dialog.remote_target,
        route_set=dialog.route_set,
        socket=dialog.socket,
        trunk=dialog.trunk,
        peer=leg.peer,
        since=leg.since,
    )
