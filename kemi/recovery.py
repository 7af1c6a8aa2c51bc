"""What to do with the calls of an earlier run, which the live state still has when Kamailio starts.

The legs of those calls are gone with the process that relayed them. So each DN that was told of such a call is told
that it is over, and the calls leave the live state, all in one transaction. Once the switch can take legs over from
the live state, this is the place that says which of them it did.
"""

import msgspec

from kemi import facts
from kemi.calls.call import Call
from kemi.calls.effects import Effect, Publish
from kemi.calls.leg import Leg
from kemi.calls.model import CallModel
from kemi.calls.party import Party, state_of
from kemi.rows import Batch, event_row
from tlib.attributes import KeyValues
from tlib.enums import CallType, DNRole, PartyState

LEFT_CALLS = b"""
SELECT coalesce(json_agg(json_build_object(
    'connid', call.connid, 'call_uuid', call.call_uuid, 'call_type', call.call_type, 'ani', call.ani,
    'dnis', call.dnis, 'trunk_in', call.trunk_in, 'user_data', call.user_data,
    'created_at', extract(epoch FROM call.created_at)::double precision,
    'parties', (
        SELECT coalesce(json_agg(json_build_object(
            'number', party.dn, 'role', party.role, 'state', party.state, 'leg', coalesce(party.leg, ''),
            'trunk', coalesce(leg.trunk, ''), 'since', extract(epoch FROM party.since)::double precision,
            'is_dn', EXISTS (SELECT FROM kamcti.dn WHERE dn.number = party.dn AND dn.type <> 'Trunk')
        ) ORDER BY party.role = 'Origination' DESC, party.dn), '[]')
        FROM kamcti.party LEFT JOIN kamcti.leg ON leg.id = party.leg
        WHERE party.connid = call.connid
    )
) ORDER BY call.created_at, call.connid), '[]')::text
FROM kamcti.call
"""
"""One row with one text: the calls as JSON."""

HOOK_EVENTS = b"SELECT options -> 'hook-events' IS DISTINCT FROM 'false' FROM kamcti.switch"


class _LeftParty(msgspec.Struct, frozen=True):
    number: str
    role: DNRole
    state: PartyState
    leg: str
    trunk: str
    since: float
    is_dn: bool


class _LeftCall(msgspec.Struct, frozen=True):
    connid: str
    call_uuid: str
    call_type: CallType
    ani: str | None
    dnis: str | None
    trunk_in: str | None
    user_data: KeyValues
    created_at: float
    parties: list[_LeftParty]


_decoder = msgspec.json.Decoder(list[_LeftCall])


def end_left_calls(calls: bytes, now: float, hook_events: bool) -> Batch:
    """The rows that end the calls of ``LEFT_CALLS``; ``now`` is Unix time. Raises ``msgspec.DecodeError``."""
    model = CallModel(hook_events=hook_events)
    left = [_restored(call) for call in _decoder.decode(calls)]
    for call in left:
        model.restore(call)
    effects: list[Effect] = []
    for call in left:
        model.release(call.connid, now, effects)
    return Batch(
        events=[event_row(effect) for effect in effects if isinstance(effect, Publish)],
        ended=[call.connid for call in left],
    )


def _restored(left: _LeftCall) -> Call:
    return Call(
        connid=left.connid,
        call_uuid=left.call_uuid,
        type=left.call_type,
        ani=left.ani,
        dnis=left.dnis,
        created_at=left.created_at,
        trunk_in=left.trunk_in,
        user_data=left.user_data,
        parties=[
            Party(
                connid=left.connid,
                number=party.number,
                role=party.role,
                is_dn=party.is_dn,
                since=party.since,
                # Of the dialog only what events say is known here.
                leg=Leg(_dialog(party), "", left.created_at) if party.leg else None,
                state=state_of(party.state),
            )
            for party in left.parties
        ],
    )


def _dialog(party: _LeftParty) -> facts.Leg:
    return facts.Leg(id=party.leg, call_id="", local_uri="", remote_uri="", trunk=party.trunk)
