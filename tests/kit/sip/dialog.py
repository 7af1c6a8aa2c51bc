"""One SIP dialog at an endpoint (RFC 3261 §12).

Identifiers, CSeq, route set, target, and the o= line of its SDP.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.kit.sip.building import Changes
from tests.kit.sip.message import Message, Request, Response
from tests.kit.sip.sdp import Audio, Origin, Sdp
from tests.kit.sip.uri import NameAddr
from tests.kit.sip.waiting import PATIENCE, Box
from tests.kit.sip.wire import Transport

if TYPE_CHECKING:
    from tests.kit.sip.endpoint import Endpoint
    from tests.kit.sip.incoming import IncomingRequest
    from tests.kit.sip.outgoing import OutgoingInvite, OutgoingRequest

Body = Audio | Sdp | str | bytes | None
"""What may be given as a body: a stream to describe in this dialog's words, ready text, or nothing."""


class Dialog:
    """The state that both sides of a dialog keep, and what can be said inside it.

    `local_uri` and `remote_uri` are From/To values without the tag parameter. Everything may be changed by a
    test that wants to send something wrong.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        call_id: str,
        local_uri: str,
        remote_uri: str,
        local_tag: str,
        remote_tag: str | None,
        remote_target: str,
        transport: Transport,
    ) -> None:
        self.endpoint = endpoint
        self.call_id = call_id
        self.local_uri = local_uri
        self.remote_uri = remote_uri
        self.local_tag = local_tag
        self.remote_tag = remote_tag
        self.remote_target = remote_target
        self.route_set: list[str] = []
        self.local_cseq: int | None = None
        self.contact: str | None = None
        self.inbox: Box[IncomingRequest] = Box()
        self.automatic: dict[str, Callable[[IncomingRequest], None]] = {}
        self.origin: Origin | None = None
        self._described: tuple[str, ...] | None = None
        self.transport = transport
        self.audio: Audio | None = None
        """The last stream that was described in this dialog."""
        self.remote_sdp: Sdp | None = None
        """The last session description that the peer sent."""

    # -- speaking

    def request(
        self,
        method: str,
        body: Body = None,
        *,
        headers: Sequence[tuple[str, str]] = (),
        replace_headers: Mapping[str, str | None] | None = None,
        content_type: str = "application/sdp",
        cseq: int | None = None,
        edit: Callable[[Request], None] | None = None,
    ) -> OutgoingRequest:
        """Send a request inside the dialog with the next CSeq. For INVITE use `invite`."""
        changes: Changes[Request] = Changes(headers, replace_headers, content_type, edit)
        return self.endpoint.send_in_dialog(self, method, body, changes, cseq)

    def invite(
        self,
        body: Body = None,
        *,
        headers: Sequence[tuple[str, str]] = (),
        replace_headers: Mapping[str, str | None] | None = None,
        cseq: int | None = None,
        edit: Callable[[Request], None] | None = None,
    ) -> OutgoingInvite:
        """A re-INVITE; without a body it asks the peer for an offer."""
        changes: Changes[Request] = Changes(headers, replace_headers, edit=edit)
        return self.endpoint.reinvite(self, body, changes, cseq)

    def bye(self, *, headers: Sequence[tuple[str, str]] = ()) -> OutgoingRequest:
        """Send BYE."""
        return self.request("BYE", headers=headers)

    def expect_request(
        self,
        method: str,
        timeout: float = PATIENCE,
        fits: Callable[[IncomingRequest], bool] | None = None,
    ) -> IncomingRequest:
        """The next request of that method inside the dialog; other requests stay waiting."""
        return self.endpoint.take_request(self.inbox, method, timeout, fits, f"{method} in the dialog {self.call_id}")

    def hang_up(self, timeout: float = PATIENCE) -> Response:
        """BYE, and wait for its 200."""
        return self.bye().expect(200, timeout)

    # -- state

    def next_cseq(self) -> int:
        """Take the next CSeq number of this side."""
        if self.local_cseq is None:
            self.local_cseq = self.endpoint.style.first_cseq()
        else:
            self.local_cseq += 1
        return self.local_cseq

    def text(self, body: Body) -> bytes:
        """The bytes of a body.

        An `Audio` gets this dialog's o= line; its version grows when anything changed.
        """
        if body is None:
            return b""
        if isinstance(body, bytes):
            return body
        if isinstance(body, str):
            return body.encode()
        if isinstance(body, Sdp):
            return str(body).encode()
        self.audio = body
        if self.origin is None:
            self.origin = self.endpoint.style.origin(self)
        text = self.endpoint.style.describe(body, self.origin)
        content = Sdp.parse(text).without_origin
        if self._described is not None and content != self._described:
            self.origin = replace(self.origin, version=self.origin.version + 1)
            text = self.endpoint.style.describe(body, self.origin)
        self._described = content
        return text.encode()

    def heard_from(self, message: Message) -> None:
        """Take over the session description of a message of the peer, and what the style keeps of it."""
        self.endpoint.style.heard(message, self)
        if message.body and message.sdp is not None:
            self.remote_sdp = message.sdp

    @property
    def from_value(self) -> str:
        """The From of our requests."""
        return f"{self.local_uri};tag={self.local_tag}"

    @property
    def to_value(self) -> str:
        """The To of our requests."""
        return self.remote_uri if self.remote_tag is None else f"{self.remote_uri};tag={self.remote_tag}"

    def learn_from_response(self, response: Response) -> None:
        """Early or confirmed state from a response to our INVITE (RFC 3261 §12.1.2)."""
        tag = response.to_tag
        if tag is None:
            return
        if self.remote_tag is None or (response.is_final and response.status < 300):
            self.remote_tag = tag
        if "Contact" in response:
            self.remote_target = str(response.contact)
        if "Record-Route" in response:
            self.route_set = list(reversed(response.values("Record-Route")))


def untagged(value: str) -> str:
    """A From or To value without its tag parameter; everything else stays as it was written."""
    address = NameAddr.parse(value)
    tag = address.tag
    if tag is None:
        return value
    at = value.rindex(f"tag={tag}")
    return value[:at].rstrip().removesuffix(";") + value[at + len(f"tag={tag}") :]
