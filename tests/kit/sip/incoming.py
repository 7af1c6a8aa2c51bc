"""Requests that an endpoint receives: the server transaction with its replies, ACK and CANCEL."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from tests.kit.sip.building import Changes
from tests.kit.sip.dialog import Body, Dialog
from tests.kit.sip.message import Request, Response
from tests.kit.sip.waiting import PATIENCE, Box, SipTimeout, UnexpectedMessage
from tests.kit.sip.wire import Flow, Transport

if TYPE_CHECKING:
    from tests.kit.sip.endpoint import Endpoint


class IncomingRequest:
    """A request that came, and what can be answered to it (RFC 3261 §17.2).

    `dialog` is the dialog it belongs to, or for an INVITE the one that a reply with a tag makes.
    """

    def __init__(self, endpoint: Endpoint, request: Request, flow: Flow, dialog: Dialog | None) -> None:
        self.endpoint = endpoint
        self.request = request
        self.flow = flow
        self.dialog_or_none = dialog
        self.local_tag = dialog.local_tag if dialog else (request.to_tag or endpoint.style.tag())
        self.replies: list[Response] = []
        self.received_times = 1
        self.acks: Box[Request] = Box()
        self.ack_times = 0
        self.cancels: Box[Request] = Box()
        self.when_dialog: Callable[[Dialog], None] | None = None
        """Called with the dialog that an INVITE makes, before the reply that makes it is sent."""
        self.when_cancelled: Callable[[], None] | None = None
        """Called in the endpoint's thread when CANCEL has come; it must not wait."""
        self.confirmed = False
        self._interval = endpoint.behaviour.t1
        self._deadline = 0.0

    def __repr__(self) -> str:
        return f"<incoming {self.request!r}>"

    @property
    def method(self) -> str:
        """The method."""
        return self.request.method

    @property
    def dialog(self) -> Dialog:
        """The dialog; an assertion error if there is none (a request outside, no reply with a tag yet)."""
        assert self.dialog_or_none is not None, f"{self.request!r} has no dialog (yet)"
        return self.dialog_or_none

    @property
    def answered(self) -> bool:
        """True when a final reply was sent."""
        return bool(self.replies) and self.replies[-1].is_final

    # -- replying

    def reply(
        self,
        status: int,
        reason: str | None = None,
        *,
        sdp: Body = None,
        headers: Sequence[tuple[str, str]] = (),
        replace_headers: Mapping[str, str | None] | None = None,
        content_type: str = "application/sdp",
        to_tag: str | None = None,
        edit: Callable[[Response], None] | None = None,
    ) -> Response:
        """Answer. Final answers are repeated until the ACK comes, and given again when the request is
        repeated.

        `headers` are added as they are; `replace_headers` change or (None) take away what the endpoint put
        in; `edit` gets the finished message for anything else.
        """
        changes: Changes[Response] = Changes(headers, replace_headers, content_type, edit)
        response = self.endpoint.make_reply(self, status, reason, sdp, to_tag, changes)
        self.send_reply(response)
        return response

    def send_reply(self, response: Response) -> None:
        """Send a response that was made elsewhere as this transaction's answer."""
        self.replies.append(response)
        self.endpoint.transmit(response, self.flow)
        if self.method == "INVITE" and response.is_final:
            behaviour = self.endpoint.behaviour
            self._deadline = 64 * behaviour.t1
            self._interval = behaviour.t1
            # RFC 3261 §13.3.1.4: a 2xx is repeated over TCP as well, because it is acknowledged end to end.
            if behaviour.retransmit and (self.flow.transport is Transport.UDP or response.status < 300):
                self.endpoint.wire.later(self._interval, lambda: self._repeat(response))

    def _repeat(self, response: Response) -> None:
        if self.confirmed or self.replies[-1] is not response:
            return
        self._deadline -= self._interval
        if self._deadline <= 0:
            return
        self.endpoint.transmit(response, self.flow, again=True)
        self._interval = min(2 * self._interval, self.endpoint.behaviour.t2)
        self.endpoint.wire.later(self._interval, lambda: self._repeat(response))

    # -- what follows

    def expect_ack(self, timeout: float = PATIENCE) -> Request:
        """The ACK of the final reply; an ACK that comes again is counted in `ack_times` only."""
        found = self.acks.take(lambda _: True, timeout)
        self.endpoint.raise_failure()
        if found is None:
            raise SipTimeout(
                f"{self.endpoint.name}: no ACK for {self.request!r} within {timeout} s\n{self.endpoint.ladder_text()}"
            )
        return found

    def expect_no_ack(self, seconds: float) -> None:
        """No ACK may come for so long."""
        if self.acks.take(lambda _: True, seconds) is not None:
            raise UnexpectedMessage(
                f"{self.endpoint.name}: an ACK for {self.request!r} that should not come\n{self.endpoint.ladder_text()}"
            )

    def expect_cancel(self, timeout: float = PATIENCE) -> Request:
        """The CANCEL of this INVITE. By default the endpoint has answered it 200, and the INVITE 487."""
        found = self.cancels.take(lambda _: True, timeout)
        self.endpoint.raise_failure()
        if found is None:
            raise SipTimeout(
                f"{self.endpoint.name}: no CANCEL of {self.request!r} within {timeout} s\n{self.endpoint.ladder_text()}"
            )
        return found

    # -- called by the endpoint

    def on_repeated(self) -> None:
        """The same request came again: give the last reply again (RFC 3261 §17.2.2)."""
        self.received_times += 1
        if self.replies and self.endpoint.behaviour.repeat_replies:
            self.endpoint.transmit(self.replies[-1], self.flow, again=True)

    def on_ack(self, ack: Request) -> None:
        """The ACK came."""
        self.ack_times += 1
        self.confirmed = True
        if self.dialog_or_none is not None:
            self.dialog_or_none.heard_from(ack)
        if self.ack_times == 1:
            self.acks.put(ack)
        else:
            self.acks.wake()

    def on_cancel(self, cancel: Request) -> None:
        """A CANCEL for this INVITE came."""
        if self.endpoint.behaviour.answer_cancel and not self.answered:
            self.reply(487)
        self.cancels.put(cancel)
        if self.when_cancelled is not None:
            self.when_cancelled()
