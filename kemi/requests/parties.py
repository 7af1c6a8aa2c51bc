"""RequestQueryCall: who is in a call, or how it stands. The answer goes to the requester alone."""

from kemi.calls.call import Call
from kemi.calls.effects import Effect
from kemi.calls.model import CallModel
from kemi.calls.party import State
from kemi.requests import asked
from tlib.attributes import Time
from tlib.enums import CallInfoType, CallState
from tlib.events import EventPartyInfo
from tlib.requests import Request, RequestQueryCall


def query(model: CallModel, request: Request, now: float, _effects: list[Effect]) -> EventPartyInfo:
    """TQueryCall: PartiesQuery lists the parties in Extensions; StatusQuery tells of the call alone."""
    assert isinstance(request, RequestQueryCall)
    call, _ = asked.party_of(model, request)
    return EventPartyInfo(
        time=Time.at(now),
        reference_id=request.reference_id or None,
        this_dn=request.this_dn,
        conn_id=call.connid,
        call_info_type=request.call_info_type,
        call_uuid=call.call_uuid,
        call_id=call.call_id,
        call_type=call.type,
        call_state=CallState.OK,
        user_data=call.user_data or None,
        extensions=_list(call) if request.call_info_type is CallInfoType.PARTIES_QUERY else None,
    )


def _list(call: Call) -> dict[str, str | int]:
    pairs: dict[str, str | int] = {}
    present = [party for party in call.parties if party.state is not State.ENDED]
    for number, party in enumerate(present, start=1):
        # Empty: the number is withheld.
        pairs[f"party-{number}"] = party.number
        pairs[f"role-{number}"] = party.role.value
        pairs[f"ps-{number}"] = party.state.reported.code
    return pairs
