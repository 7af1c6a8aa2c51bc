"""The user data of a call: attach, update, delete. Each change is told on the DN of every party.

An object of the protocol holds a key once, so attaching a key that the call has already replaces its value, as an
update does. A request that changes nothing is answered as one that does.
"""

from kemi.calls.call import Call
from kemi.calls.effects import CallChanged, Effect, Publish
from kemi.calls.model import CallModel
from kemi.calls.party import Party, State
from kemi.requests import asked
from tlib.attributes import KeyValues, Time
from tlib.codec import MAX_MESSAGE
from tlib.enums import CallState
from tlib.errors import TError, TLibError
from tlib.events import EventAttachedDataChanged
from tlib.requests import (
    CallRequest,
    Request,
    RequestAttachUserData,
    RequestDeletePair,
    RequestDeleteUserData,
    RequestUpdateUserData,
)

USER_DATA_LIMIT = MAX_MESSAGE - 16 * 1024
"""Bytes of a call's user data, as JSON: every event of the call repeats them, beside numbers and Reasons."""

_TOLD = frozenset({State.DIALING, State.ALERTING, State.ANSWERED, State.CONNECTED})
"""States of a party whose DN has been told of the call. The others learn the data with the call itself."""


def attach(model: CallModel, request: Request, now: float, effects: list[Effect]) -> None:
    """RequestAttachUserData (TAttachUserData)."""
    assert isinstance(request, RequestAttachUserData)
    _add(model, request, request.user_data, now, effects)


def update(model: CallModel, request: Request, now: float, effects: list[Effect]) -> None:
    """RequestUpdateUserData (TUpdateUserData)."""
    assert isinstance(request, RequestUpdateUserData)
    _add(model, request, request.user_data, now, effects)


def delete_pair(model: CallModel, request: Request, now: float, effects: list[Effect]) -> None:
    """RequestDeletePair (TDeleteUserData)."""
    assert isinstance(request, RequestDeletePair)
    call, party = _asked(model, request)
    left = {key: value for key, value in call.user_data.items() if key != request.key}
    _change(call, party, left, request, now, effects)


def delete_all(model: CallModel, request: Request, now: float, effects: list[Effect]) -> None:
    """RequestDeleteUserData (TDeleteAllUserData)."""
    assert isinstance(request, RequestDeleteUserData)
    call, party = _asked(model, request)
    _change(call, party, {}, request, now, effects)


def _add(model: CallModel, request: CallRequest, pairs: KeyValues, now: float, effects: list[Effect]) -> None:
    call, party = _asked(model, request)
    data = {**call.user_data, **pairs}
    if asked.encoded_size(data) > USER_DATA_LIMIT:
        key = _first_too_many(call.user_data, pairs)
        raise TLibError(
            TError.INVALID_ATTRIBUTE,
            f"UserData.{key[:80]}: with it the call's user data are longer than {USER_DATA_LIMIT} bytes",
        )
    _change(call, party, data, request, now, effects)


def _first_too_many(before: KeyValues, pairs: KeyValues) -> str:
    data = dict(before)
    for key, value in pairs.items():
        data[key] = value
        if asked.encoded_size(data) > USER_DATA_LIMIT:
            return key
    # A later pair takes the place of a longer value.
    return next(iter(pairs))


def _asked(model: CallModel, request: CallRequest) -> tuple[Call, Party]:
    asked.check_reasons(request)
    return asked.party_of(model, request)


def _change(
    call: Call, asker: Party, data: KeyValues, request: CallRequest, now: float, effects: list[Effect]
) -> None:
    call.user_data = data
    begin = len(effects)
    time = Time.at(now)
    told: set[str] = set()
    for party in call.parties:
        if party.is_dn and party.number not in told and (party.state in _TOLD or party is asker):
            told.add(party.number)
            effects.append(Publish(_changed(call, party, asker, time), call.connid))
    asked.mark_answer(effects, begin, EventAttachedDataChanged, request)
    effects.append(CallChanged(call.connid, call=True))


def _changed(call: Call, party: Party, asker: Party, time: Time) -> EventAttachedDataChanged:
    other = call.other(party)
    return EventAttachedDataChanged(
        time=time,
        this_dn=party.number,
        this_dn_role=party.role,
        conn_id=call.connid,
        call_id=call.call_id,
        call_uuid=call.call_uuid,
        call_type=call.type,
        call_state=CallState.OK,
        other_dn=other.number or None if other is not None else None,
        other_dn_role=other.role if other is not None and other.number else None,
        third_party_dn=asker.number,
        third_party_dn_role=asker.role,
        # The whole list, also when nothing is left in it.
        user_data=call.user_data,
    )
