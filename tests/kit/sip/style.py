"""How an element words its messages: identifiers, first CSeq, extra headers, header order, SDP.

`Style` is the plain element of RFC 3261. The stand-ins of real products (CUCM) are subclasses.
"""

from __future__ import annotations

import random
import secrets
from typing import TYPE_CHECKING

from tests.kit.sip.message import Message, Request, Response
from tests.kit.sip.sdp import Audio, Origin, describe
from tests.kit.sip.wire import Address

if TYPE_CHECKING:
    from tests.kit.sip.dialog import Dialog

ALLOW = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO, NOTIFY, REFER"


class Style:
    """A plain SIP element. Subclasses override what their product does differently."""

    def call_id(self, local: Address) -> str:
        """A new Call-ID."""
        return f"{secrets.token_hex(8)}@{local.host}"

    def tag(self) -> str:
        """A new From or To tag."""
        return secrets.token_hex(6)

    def branch(self) -> str:
        """A new Via branch (RFC 3261 §8.1.1.7)."""
        return f"z9hG4bK{secrets.token_hex(8)}"

    def first_cseq(self) -> int:
        """The CSeq number of the first request that this element sends in a dialog."""
        return 1

    def finish_request(self, request: Request, dialog: Dialog | None) -> None:
        """Add, change or reorder headers of a request before it is sent; Content-Length is set already."""
        if request.method == "INVITE" and "Allow" not in request:
            request.add("Allow", ALLOW)

    def finish_response(self, response: Response, request: Request, dialog: Dialog | None) -> None:
        """Add, change or reorder headers of a response before it is sent."""
        if request.method in ("INVITE", "OPTIONS") and response.is_final and "Allow" not in response:
            response.add("Allow", ALLOW)

    def heard(self, message: Message, dialog: Dialog) -> None:
        """A message of the peer came in this dialog; remember what later messages have to repeat."""

    def origin(self, dialog: Dialog) -> Origin:
        """The first o= line of a dialog."""
        return Origin("kit", random.randrange(1, 1 << 31), 1, dialog.endpoint.local.host)

    def describe(self, audio: Audio, origin: Origin) -> str:
        """The session description of an audio stream."""
        return describe(audio, origin)
