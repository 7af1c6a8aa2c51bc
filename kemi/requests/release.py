"""RequestReleaseCall and RequestClearCall of an established call.

A call has two parties, so the one who leaves ends it: both requests do the same. Each leg gets a BYE of the switch.
"""

from kemi.calls.effects import Effect
from kemi.calls.model import CallModel
from kemi.calls.party import State
from kemi.requests import asked
from tlib.errors import TError, TLibError
from tlib.events import EventReleased
from tlib.requests import Request, RequestClearCall, RequestReleaseCall


def hang_up(model: CallModel, request: Request, now: float, effects: list[Effect]) -> None:
    """TReleaseCall, TClearCall: EventReleased on the requester's DN first, with the ReferenceID."""
    assert isinstance(request, RequestReleaseCall | RequestClearCall)
    asked.check_reasons(request)
    call, party = asked.party_of(model, request)
    if party.state is not State.CONNECTED:
        raise TLibError(
            TError.INCORRECT_OBJECT_STATE,
            f"ConnID: the call is not established, {request.this_dn} is {party.state.reported.value}; "
            "this switch releases established calls only",
        )
    begin = len(effects)
    model.hang_up(call, party, now, effects)
    asked.mark_answer(effects, begin, EventReleased, request)
