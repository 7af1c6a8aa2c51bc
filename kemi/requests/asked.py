"""What requests about a call have in common: the party who asks, and the mark of the answer."""

import msgspec

from kemi.calls.call import Call
from kemi.calls.effects import Effect, Publish
from kemi.calls.model import CallModel
from kemi.calls.party import Party, State
from tlib.attributes import KeyValues
from tlib.errors import TError, TLibError
from tlib.events import DNEvent
from tlib.requests import CallRequest, Request

REASONS_LIMIT = 4096
"""Bytes of a request's Reasons, as JSON: the event that answers it repeats them beside everything else that it says."""

_encoder = msgspec.json.Encoder()


def party_of(model: CallModel, request: CallRequest) -> tuple[Call, Party]:
    """The call that ConnID names, and ThisDN's party in it. Raises ``TLibError`` 56; it may have ended meanwhile."""
    call = model.call(request.conn_id)
    if call is not None:
        for party in call.parties:
            if party.number == request.this_dn and party.is_dn and party.state is not State.ENDED:
                return call, party
    raise TLibError(TError.INVALID_CONN_ID, f"ConnID: {request.conn_id} is no call on {request.this_dn}")


def check_reasons(request: Request) -> None:
    """Raises ``TLibError`` 53 when the answer could not repeat the request's Reasons."""
    if request.reasons and encoded_size(request.reasons) > REASONS_LIMIT:
        raise TLibError(TError.INVALID_ATTRIBUTE, f"Reasons: longer than {REASONS_LIMIT} bytes")


def mark_answer(effects: list[Effect], begin: int, kind: type[DNEvent], request: CallRequest) -> None:
    """Makes the first event of ``kind`` about ThisDN, from index ``begin`` on, the answer to ``request``."""
    for index in range(begin, len(effects)):
        effect = effects[index]
        if isinstance(effect, Publish) and isinstance(effect.event, kind) and effect.event.this_dn == request.this_dn:
            event = msgspec.structs.replace(
                effect.event, reference_id=request.reference_id or None, reasons=request.reasons or None
            )
            effects[index] = Publish(event, effect.connid)
            return
    raise AssertionError(f"nothing answers {request}")


def encoded_size(pairs: KeyValues) -> int:
    """Bytes of a key-value list in a message."""
    return len(_encoder.encode(pairs))
