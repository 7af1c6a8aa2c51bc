"""RequestReleaseCall and RequestClearCall of a call that is established, or rings.

A call has two parties, so the one who leaves ends it: both requests do the same.
"""

from kemi.calls.call import Call, Release
from kemi.calls.effects import Effect
from kemi.calls.model import CallModel
from kemi.calls.party import Party, State
from kemi.requests import asked
from tlib.enums import DNRole
from tlib.errors import TError, TLibError
from tlib.requests import Request, RequestClearCall, RequestReleaseCall

_RINGS = frozenset({State.ALERTING, State.ANSWERED})


def release(model: CallModel, request: Request, now: float, effects: list[Effect]) -> None:
    """TReleaseCall, TClearCall: EventReleased on the requester's DN first, with the ReferenceID."""
    assert isinstance(request, RequestReleaseCall | RequestClearCall)
    asked.check_reasons(request)
    call, party = asked.party_of(model, request)
    if call.release is not None:
        raise TLibError(TError.REQUEST_IN_PROGRESS, f"ConnID: {call.connid} is being released already")
    if party.state is not State.CONNECTED and not _rings(call):
        raise TLibError(
            TError.INCORRECT_OBJECT_STATE,
            f"ConnID: {request.this_dn} is {_state(party)}, and the phone that was called does not ring yet",
        )
    release = Release(party, request.reference_id or None, request.reasons or None)
    model.release_party(call, release, now, effects)


def _rings(call: Call) -> bool:
    """A phone that has said nothing yet cannot be cancelled (RFC 3261 §9.1)."""
    return any(party.role is DNRole.DESTINATION and party.state in _RINGS for party in call.parties)


def _state(party: Party) -> str:
    return party.state.reported.value
