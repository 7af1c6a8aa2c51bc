"""What the controller does with a client's request: one table from the request to what carries it out.

A request is answered once: by an event on the DN of the party who asked, which bears the ReferenceID and goes to every
client of that DN, at once or when what was asked for is done; by an event for the requester alone; or by an error, as a
``TLibError``.
"""

from collections.abc import Callable

from kemi.calls.effects import Effect
from kemi.calls.model import CallModel
from kemi.requests import parties, release, user_data
from kemi.requests.unsupported import WHY
from tlib import requests as r
from tlib.codec import decode_request
from tlib.errors import TError, TLibError
from tlib.events import Event
from tlib.message import message_name
from tlib.requests import Request

Handler = Callable[[CallModel, Request, float, list[Effect]], Event | None]
"""Carries a request out at a Unix time. What comes of it is appended to the effects.

Gives the answer for the requester alone, or ``None`` when the answer is among the effects, now or later. Raises
``TLibError`` before it changes anything.
"""

HANDLERS: dict[type[Request], Handler] = {
    r.RequestAttachUserData: user_data.attach,
    r.RequestUpdateUserData: user_data.update,
    r.RequestDeletePair: user_data.delete_pair,
    r.RequestDeleteUserData: user_data.delete_all,
    r.RequestQueryCall: parties.query,
    r.RequestReleaseCall: release.release,
    r.RequestClearCall: release.release,
}

_NAMES = {message_name(request): request for request in r.REQUESTS}


def carry_out(model: CallModel, name: str, body: bytes, now: float, effects: list[Effect]) -> Event | None:
    """Carries out the request ``name``; ``body`` is the client's message. As ``Handler``.

    Raises ``TLibError`` with the first precondition that does not hold: 51, 53, 56, then the state of the call.
    """
    kind = _NAMES.get(name)
    handler = HANDLERS.get(kind) if kind is not None else None
    if handler is None:
        why = WHY.get(kind) if kind is not None else None
        raise TLibError(
            TError.UNSUPPORTED_OPERATION, f"{name} is not supported by this switch" + (f": {why}" if why else "")
        )
    request = decode_request(body)
    if not isinstance(request, Request) or type(request) is not kind:
        raise TLibError(TError.INVALID_ATTRIBUTE, f"message: the request is not a {name}")
    return handler(model, request, now, effects)
