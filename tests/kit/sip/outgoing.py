"""Requests that an endpoint sends: the client transaction with its retransmissions, and what came back."""

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
    from tests.kit.sip.incoming import IncomingRequest

REORDER_GRACE = 0.5
"""Seconds that a provisional response may come after the final one.

Two workers of a relay may overtake each other.
"""

Wanted = int | Sequence[int]


def _names(wanted: Wanted) -> str:
    if isinstance(wanted, int):
        return str(wanted)
    if isinstance(wanted, range):
        return f"{wanted.start} to {wanted.stop - 1}"
    return " or ".join(str(status) for status in wanted)


class OutgoingRequest:
    """A request on its way and the responses to it (RFC 3261 §17.1)."""

    def __init__(self, endpoint: Endpoint, request: Request, flow: Flow, dialog: Dialog | None) -> None:
        self.endpoint = endpoint
        self.request = request
        self.flow = flow
        self.dialog_or_none = dialog
        self.received: list[Response] = []
        """Every response that came, retransmissions included."""
        self.responses: Box[Response] = Box()
        self.sent_times = 0
        self.completed = False
        self.provisional = False
        self.gave_up = False
        self._cancel_timer: Callable[[], None] | None = None
        self._interval = endpoint.behaviour.t1

    # -- waiting

    def expect(self, wanted: Wanted, timeout: float = PATIENCE) -> Response:
        """The next response with that status (or one of several, `range(400, 700)`).

        Provisional responses that nobody asked for are passed over, and remain for a later `expect`. A final
        response that is not wanted raises UnexpectedMessage at once, none in time raises SipTimeout.
        """
        statuses = (wanted,) if isinstance(wanted, int) else wanted
        self.endpoint.raise_failure()
        found: Response | None = None

        def decided(response: Response) -> bool:
            return response.status in statuses or response.is_final

        found = self.responses.take(decided, timeout)
        if found is not None and found.status not in statuses:
            other = found
            if any(status < 200 for status in statuses):
                found = self.responses.take(lambda response: response.status in statuses, REORDER_GRACE)
            else:
                found = None
            self.responses.put(other)
            if found is None:
                raise UnexpectedMessage(
                    f"{self.endpoint.name}: expected {_names(wanted)} to {self.request!r}, got {other!r}\n"
                    f"{self.endpoint.ladder_text()}"
                )
        if found is None:
            raise SipTimeout(
                f"{self.endpoint.name}: no {_names(wanted)} to {self.request!r} within {timeout} s\n"
                f"{self.endpoint.ladder_text()}"
            )
        self.endpoint.raise_failure()
        return found

    def expect_final(self, timeout: float = PATIENCE) -> Response:
        """Whatever final response comes."""
        return self.expect(range(200, 700), timeout)

    def expect_silence(self, seconds: float) -> None:
        """No response that was not taken yet may come for so long."""
        found = self.responses.take(lambda response: response.status != 100, seconds)
        if found is not None:
            raise UnexpectedMessage(
                f"{self.endpoint.name}: expected no answer to {self.request!r}, got {found!r}\n"
                f"{self.endpoint.ladder_text()}"
            )

    def count(self, status: int) -> int:
        """How many times a response with that status came, retransmissions included."""
        return sum(1 for response in self.received if response.status == status)

    def wait_for_count(self, status: int, times: int, timeout: float = PATIENCE) -> None:
        """Wait until a response has come so many times (retransmissions of a 2xx, say)."""
        if not self.responses.wait_until(lambda: self.count(status) >= times, timeout):
            raise SipTimeout(
                f"{self.endpoint.name}: {status} to {self.request!r} came {self.count(status)} times, "
                f"not {times}, within {timeout} s\n{self.endpoint.ladder_text()}"
            )

    # -- the transaction

    def start(self) -> None:
        """Send, and keep sending over UDP until something comes back (timers A, B, E, F)."""
        self._transmit()
        behaviour = self.endpoint.behaviour
        self.endpoint.wire.later(64 * behaviour.t1, self._give_up)
        if behaviour.retransmit and self.flow.transport is Transport.UDP:
            self._cancel_timer = self.endpoint.wire.later(self._interval, self._retransmit)

    def _transmit(self) -> None:
        self.sent_times += 1
        self.endpoint.transmit(self.request, self.flow, again=self.sent_times > 1)

    def _retransmit(self) -> None:
        if self.completed or self.gave_up or (self.provisional and self.request.method == "INVITE"):
            return
        self._transmit()
        t2 = self.endpoint.behaviour.t2
        self._interval *= 2
        if self.request.method != "INVITE":
            self._interval = t2 if self.provisional else min(self._interval, t2)
        self._cancel_timer = self.endpoint.wire.later(self._interval, self._retransmit)

    def _give_up(self) -> None:
        if not (self.completed or (self.provisional and self.request.method == "INVITE")):
            self.gave_up = True

    def stop(self) -> None:
        """No retransmission any more."""
        self.completed = True
        if self._cancel_timer is not None:
            self._cancel_timer()

    def on_response(self, response: Response) -> None:
        """Called by the endpoint for each response with this request's branch and method."""
        if response.is_final:
            again = any(
                earlier.status == response.status and earlier.get("To") == response.get("To")
                for earlier in self.received
                if earlier.is_final
            )
            self.stop()
        else:
            again = False
            self.provisional = True
        self.received.append(response)
        self.learn(response, again)
        if again:
            self.responses.wake()
        else:
            self.responses.put(response)

    def learn(self, response: Response, again: bool) -> None:
        """What a response changes beyond this transaction."""
        if self.dialog_or_none is not None:
            self.dialog_or_none.heard_from(response)


class OutgoingInvite(OutgoingRequest):
    """An INVITE or re-INVITE that this endpoint sent, and shortcuts to its dialog."""

    def __init__(self, endpoint: Endpoint, request: Request, flow: Flow, dialog: Dialog) -> None:
        super().__init__(endpoint, request, flow, dialog)
        self.dialog = dialog
        self._ack: Request | None = None
        self._ack_flow: Flow | None = None
        self.is_initial = dialog.remote_tag is None

    def ack(
        self,
        body: Body = None,
        *,
        headers: Sequence[tuple[str, str]] = (),
        replace_headers: Mapping[str, str | None] | None = None,
        edit: Callable[[Request], None] | None = None,
    ) -> Request:
        """Acknowledge the 2xx, with the answer if the offer came in it.

        Repeated 2xx get the same ACK again.
        """
        changes: Changes[Request] = Changes(headers, replace_headers, edit=edit)
        cseq = self.request.cseq.number
        self._ack, self._ack_flow = self.endpoint.send_ack(self.dialog, cseq, body, changes)
        return self._ack

    def cancel(self, *, headers: Sequence[tuple[str, str]] = ()) -> OutgoingRequest:
        """CANCEL the INVITE; the result is the CANCEL's own transaction."""
        return self.endpoint.cancel(self, headers)

    def prack(self, response: Response, body: Body = None) -> OutgoingRequest:
        """Acknowledge a reliable provisional response (RFC 3262)."""
        cseq = response.cseq
        return self.dialog.request("PRACK", body, headers=[("RAck", f"{response['RSeq']} {cseq.number} {cseq.method}")])

    def expect_request(self, method: str, timeout: float = PATIENCE) -> IncomingRequest:
        """Shortcut for `dialog.expect_request`."""
        return self.dialog.expect_request(method, timeout)

    def hang_up(self, timeout: float = PATIENCE) -> Response:
        """Shortcut for `dialog.hang_up`."""
        return self.dialog.hang_up(timeout)

    def learn(self, response: Response, again: bool) -> None:
        """Dialog state from 1xx and 2xx, ACK of failures, the same ACK again for a repeated 2xx."""
        if response.status >= 300:
            if self.endpoint.behaviour.acknowledge_failures:
                self.endpoint.acknowledge_failure(self, response)
            return
        if self.is_initial and response.status > 100:
            self.dialog.learn_from_response(response)
        elif response.status // 100 == 2 and "Contact" in response:
            self.dialog.remote_target = str(response.contact)
        self.dialog.heard_from(response)
        if again and self._ack is not None and self._ack_flow is not None and self.endpoint.behaviour.repeat_ack:
            self.endpoint.transmit(self._ack, self._ack_flow, again=True)
