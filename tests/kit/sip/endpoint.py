"""A scriptable SIP endpoint: synchronous for the test, with one thread of its own for sockets and timers.

    with Endpoint("alice") as alice, Endpoint("bob") as bob:
        call = alice.invite(bob.uri("bob"), Audio(port=4000))
        request = bob.expect_request("INVITE")
        request.reply(180)
        request.reply(200, sdp=Audio(port=4002))
        call.expect(180)
        call.expect(200)
        call.ack()
        request.expect_ack()
        call.hang_up()

What an element does by itself is set by `Behaviour`; each of it can be switched off, so that a test can do it
wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType

from tests.kit.sip.behaviour import Behaviour
from tests.kit.sip.building import Changes, MessageBuilder
from tests.kit.sip.dialog import Body, Dialog, untagged
from tests.kit.sip.incoming import IncomingRequest
from tests.kit.sip.ladder import Entry, Ladder, Way
from tests.kit.sip.message import MalformedMessage, Request, Response, parse
from tests.kit.sip.outgoing import OutgoingInvite, OutgoingRequest
from tests.kit.sip.style import Style
from tests.kit.sip.uri import NameAddr, SipUri
from tests.kit.sip.waiting import PATIENCE, Box, SipTimeout, UnexpectedMessage
from tests.kit.sip.wire import Address, Flow, Transport, Wire


class Endpoint:
    """One SIP element on one address and port, UDP and TCP.

    `peer` is where requests outside a dialog go when their URI is not to be resolved. `lose` is asked for
    every message with its direction; True drops it as a lossy network would (it stands in the ladder as
    lost).
    """

    def __init__(
        self,
        name: str,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        transport: Transport = Transport.UDP,
        peer: Address | None = None,
        behaviour: Behaviour | None = None,
        style: Style | None = None,
        ladder: Ladder | None = None,
    ) -> None:
        self.name = name
        self.transport = transport
        self.peer = peer
        self.behaviour = behaviour or Behaviour()
        self.style = style or Style()
        self.ladder = ladder if ladder is not None else Ladder()
        self.inbox: Box[IncomingRequest] = Box()
        self.strays: Box[Response] = Box()
        self.automatic: dict[str, Callable[[IncomingRequest], None]] = {}
        self.lose: Callable[[Request | Response | None, Way], bool] = lambda message, way: False
        self.deaf = False
        self._failure: BaseException | None = None
        self._lock = threading.RLock()
        self._outgoing: dict[tuple[str, str], OutgoingRequest] = {}
        self._incoming: dict[tuple[str, str, str], IncomingRequest] = {}
        self._dialogs: dict[tuple[str, str], Dialog] = {}
        self._invites: dict[tuple[str, str, int], IncomingRequest] = {}
        self.wire = Wire(address, port, self._on_bytes, self._on_failure)
        self._builder = MessageBuilder(name, self.wire.local, self.style)

    @property
    def local(self) -> Address:
        """Where this endpoint listens."""
        return self.wire.local

    def uri(self, user: str | None = None) -> str:
        """A URI of this endpoint, with its transport unless that is UDP."""
        prefix = f"{user}@" if user else ""
        suffix = "" if self.transport is Transport.UDP else f";transport={self.transport.value}"
        return f"sip:{prefix}{self.local}{suffix}"

    def close(self) -> None:
        """Free sockets and thread. Nothing is sent."""
        self.wire.close()

    def __enter__(self) -> Endpoint:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if kind is None:
            self.raise_failure()

    # -- calling

    def invite(
        self,
        uri: str,
        body: Body = None,
        *,
        caller: str | None = None,
        called: str | None = None,
        to: Address | None = None,
        headers: Sequence[tuple[str, str]] = (),
        replace_headers: Mapping[str, str | None] | None = None,
        edit: Callable[[Request], None] | None = None,
        prepare: Callable[[Dialog], None] | None = None,
    ) -> OutgoingInvite:
        """Call `uri`; without a body it is a delayed offer.

        `caller` and `called` are the From and To values without tag (default: this endpoint, and the URI).
        `to` is the address that the request is sent to (default: `peer`, else the URI's). `prepare` gets the
        new dialog before anything is built from it. Raises OSError when TCP cannot connect.
        """
        target = SipUri.parse(uri)
        transport = self._transport_of(target)
        dialog = self._new_dialog(uri, caller, called, transport)
        if prepare is not None:
            prepare(dialog)
        self._remember(dialog)
        flow = self._flow(transport, to or self.peer or _address(target))
        changes: Changes[Request] = Changes(headers, replace_headers, edit=edit)
        request = self._builder.request(dialog, "INVITE", dialog.next_cseq(), transport, body, changes)
        call = OutgoingInvite(self, request, flow, dialog)
        self._start(call)
        return call

    def request(
        self,
        method: str,
        uri: str,
        body: Body = None,
        *,
        caller: str | None = None,
        called: str | None = None,
        to: Address | None = None,
        headers: Sequence[tuple[str, str]] = (),
        replace_headers: Mapping[str, str | None] | None = None,
        content_type: str = "application/sdp",
        edit: Callable[[Request], None] | None = None,
    ) -> OutgoingRequest:
        """Send any request outside a dialog (OPTIONS, REGISTER, a stray BYE).

        See `invite` for the arguments.
        """
        target = SipUri.parse(uri)
        transport = self._transport_of(target)
        scratch = self._new_dialog(uri, caller, called, transport)
        flow = self._flow(transport, to or self.peer or _address(target))
        changes: Changes[Request] = Changes(headers, replace_headers, content_type, edit)
        number = scratch.next_cseq()
        request = self._builder.request(scratch, method, number, transport, body, changes, inside=False)
        outgoing = OutgoingRequest(self, request, flow, None)
        self._start(outgoing)
        return outgoing

    def send_raw(self, data: bytes, to: Address | None = None, transport: Transport | None = None) -> Flow:
        """Send bytes as they are.

        Responses to them wait in `strays`. Raises OSError when TCP cannot connect.
        """
        target = to or self.peer
        assert target is not None, "send_raw needs an address: the endpoint has no peer"
        flow = self._flow(transport or self.transport, target)
        self._record(data, flow)
        self.wire.send(data, flow)
        return flow

    # -- waiting

    def expect_request(
        self,
        method: str,
        timeout: float = PATIENCE,
        fits: Callable[[IncomingRequest], bool] | None = None,
    ) -> IncomingRequest:
        """The next request of that method that belongs to no dialog of ours; others stay waiting."""
        return self.take_request(self.inbox, method, timeout, fits, method)

    def expect_stray(self, wanted: int, timeout: float = PATIENCE) -> Response:
        """A response that belongs to no request of ours (to `send_raw`, say)."""
        found = self.strays.take(lambda response: response.status == wanted, timeout)
        self.raise_failure()
        if found is None:
            raise SipTimeout(f"{self.name}: no stray {wanted} within {timeout} s\n{self.ladder_text()}")
        return found

    def expect_silence(self, seconds: float) -> None:
        """No request outside a dialog may come for so long."""
        found = self.inbox.take(lambda _: True, seconds)
        self.raise_failure()
        if found is not None:
            raise UnexpectedMessage(f"{self.name}: {found!r} came in a silence\n{self.ladder_text()}")

    def take_request(
        self,
        box: Box[IncomingRequest],
        method: str,
        timeout: float,
        fits: Callable[[IncomingRequest], bool] | None,
        what: str,
    ) -> IncomingRequest:
        """Take a request from a box or raise SipTimeout with the ladder."""
        self.raise_failure()
        found = box.take(lambda request: request.method == method and (fits is None or fits(request)), timeout)
        self.raise_failure()
        if found is None:
            waiting = ", ".join(repr(request) for request in box.peek()) or "nothing"
            raise SipTimeout(f"{self.name}: no {what} within {timeout} s (waiting: {waiting})\n{self.ladder_text()}")
        return found

    def ladder_text(self) -> str:
        """The ladder, for error messages."""
        return f"--- messages of {self.name} ---\n{self.ladder}"

    def messages(self, way: Way | None = None) -> list[Entry]:
        """This endpoint's entries of the ladder, retransmissions included."""
        return [
            entry
            for entry in self.ladder.snapshot()
            if entry.endpoint == self.name and (way is None or entry.way is way)
        ]

    def wait_for_entry(self, what: str, fits: Callable[[Entry], bool], timeout: float = PATIENCE) -> Entry:
        """The first entry of this endpoint's ladder that fits, even if it came before.

        `what` names it in the error.
        """
        found = self.ladder.wait_for(lambda entry: entry.endpoint == self.name and fits(entry), timeout)
        if found is None:
            raise SipTimeout(f"{self.name}: no {what} within {timeout} s\n{self.ladder_text()}")
        return found

    def raise_failure(self) -> None:
        """Raise what went wrong in the endpoint's own thread, once."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise AssertionError(f"{self.name}: its thread failed\n{self.ladder_text()}") from failure

    # -- sending; called by Dialog, OutgoingInvite and IncomingRequest

    def send_in_dialog(
        self, dialog: Dialog, method: str, body: Body, changes: Changes[Request], cseq: int | None
    ) -> OutgoingRequest:
        """A request other than INVITE and ACK inside a dialog."""
        request, flow = self._in_dialog(dialog, method, body, changes, cseq)
        outgoing = OutgoingRequest(self, request, flow, dialog)
        self._start(outgoing)
        return outgoing

    def reinvite(self, dialog: Dialog, body: Body, changes: Changes[Request], cseq: int | None) -> OutgoingInvite:
        """An INVITE inside a dialog."""
        request, flow = self._in_dialog(dialog, "INVITE", body, changes, cseq)
        outgoing = OutgoingInvite(self, request, flow, dialog)
        self._start(outgoing)
        return outgoing

    def send_ack(self, dialog: Dialog, cseq: int, body: Body, changes: Changes[Request]) -> tuple[Request, Flow]:
        """The ACK of a 2xx: a transaction of its own without an answer (RFC 3261 §13.2.2.4)."""
        request, flow = self._in_dialog(dialog, "ACK", body, changes, cseq)
        self.transmit(request, flow)
        return request, flow

    def acknowledge_failure(self, invite: OutgoingInvite, response: Response) -> None:
        """The ACK of a failure belongs to the INVITE's transaction (RFC 3261 §17.1.1.3)."""
        ack = self._builder.same_transaction(invite.request, "ACK", invite.dialog)
        ack.set("To", response["To"])
        self.transmit(ack, invite.flow)

    def cancel(self, invite: OutgoingInvite, headers: Sequence[tuple[str, str]]) -> OutgoingRequest:
        """CANCEL an INVITE of ours (RFC 3261 §9.1)."""
        request = self._builder.same_transaction(invite.request, "CANCEL", invite.dialog, headers)
        outgoing = OutgoingRequest(self, request, invite.flow, None)
        self._start(outgoing)
        return outgoing

    def make_reply(
        self,
        incoming: IncomingRequest,
        status: int,
        reason: str | None,
        body: Body,
        to_tag: str | None,
        changes: Changes[Response],
    ) -> Response:
        """A response to a request; the first with a tag to an INVITE makes its dialog."""
        tag = to_tag or incoming.local_tag
        if incoming.dialog_or_none is None and incoming.method == "INVITE" and 100 < status < 300:
            self._dialog_of_invite(incoming, tag)
        dialog = incoming.dialog_or_none
        transport = dialog.transport if dialog is not None else incoming.flow.transport
        return self._builder.response(incoming.request, status, reason, tag, dialog, transport, body, changes)

    def transmit(self, message: Request | Response, flow: Flow, *, again: bool = False) -> None:
        """Record and send a finished message."""
        data = message.render()
        if self.lose(message, Way.SENT):
            self.ladder.record(self.name, Way.LOST, str(flow), message, data, again=again, note="lost on its way")
            return
        self.ladder.record(self.name, Way.SENT, str(flow), message, data, again=again)
        try:
            self.wire.send(data, self._flow_that_works(message, flow))
        except OSError as error:
            if not again:
                raise
            # Whether a repetition gets through is nobody's question: the test that breaks connections asks
            # for more.
            self.ladder.record(self.name, Way.LOST, str(flow), message, data, again=True, note=str(error))

    # -- inside: where to

    def _transport_of(self, uri: SipUri) -> Transport:
        named = (uri.params.get("transport") or "").lower()
        return Transport(named) if named else self.transport

    def _flow(self, transport: Transport, address: Address) -> Flow:
        if transport is Transport.UDP:
            return Flow(Transport.UDP, address)
        return self.wire.connect(address)

    def _flow_that_works(self, message: Request | Response, flow: Flow) -> Flow:
        if flow.connection is None or not flow.connection.closed:
            return flow
        if isinstance(message, Request):
            return self.wire.connect(flow.remote)
        via = message.via  # RFC 3261 §18.2.2: the connection is gone, open one to where the request said it came from
        return self.wire.connect(Address(via.host, via.port or 5060))

    def _new_dialog(self, uri: str, caller: str | None, called: str | None, transport: Transport) -> Dialog:
        return Dialog(
            self,
            call_id=self.style.call_id(self.local),
            local_uri=caller or f"<sip:{self.name}@{self.local.host}>",
            remote_uri=called or f"<{uri.partition(';')[0]}>",
            local_tag=self.style.tag(),
            remote_tag=None,
            remote_target=uri,
            transport=transport,
        )

    def _in_dialog(
        self, dialog: Dialog, method: str, body: Body, changes: Changes[Request], cseq: int | None
    ) -> tuple[Request, Flow]:
        hop = NameAddr.parse(dialog.route_set[0]).uri if dialog.route_set else SipUri.parse(dialog.remote_target)
        named = (hop.params.get("transport") or "").lower()
        transport = Transport(named) if named else dialog.transport
        number = cseq if cseq is not None else dialog.next_cseq()
        request = self._builder.request(dialog, method, number, transport, body, changes)
        return request, self._flow(transport, _address(hop))

    def _dialog_of_invite(self, incoming: IncomingRequest, tag: str) -> None:
        request = incoming.request
        dialog = Dialog(
            self,
            call_id=request.call_id,
            local_uri=untagged(request["To"]),
            remote_uri=untagged(request["From"]),
            local_tag=tag,
            remote_tag=request.from_tag,
            remote_target=str(request.contact),
            transport=incoming.flow.transport,
        )
        dialog.route_set = request.values("Record-Route")
        dialog.heard_from(request)
        incoming.dialog_or_none = dialog
        incoming.local_tag = tag
        with self._lock:
            self._invites[(request.call_id, tag, request.cseq.number)] = incoming
        if incoming.when_dialog is not None:
            incoming.when_dialog(dialog)
        self._remember(dialog)

    def _remember(self, dialog: Dialog) -> None:
        with self._lock:
            self._dialogs[(dialog.call_id, dialog.local_tag)] = dialog

    def _start(self, outgoing: OutgoingRequest) -> None:
        request = outgoing.request
        with self._lock:
            self._outgoing[(request.via.branch or "", request.cseq.method)] = outgoing
        outgoing.start()

    # -- inside: receiving, in the wire's thread

    def _on_failure(self, failure: BaseException) -> None:
        self._failure = self._failure or failure

    def _record(self, data: bytes, flow: Flow) -> None:
        try:
            message: Request | Response | None = parse(data)
        except MalformedMessage:
            message = None
        self.ladder.record(self.name, Way.SENT, str(flow), message, data)

    def _on_bytes(self, data: bytes, flow: Flow) -> None:
        if not data.strip(b"\r\n\0"):
            return
        try:
            message = parse(data)
        except MalformedMessage as error:
            self.ladder.record(self.name, Way.RECEIVED, str(flow), None, data, note=str(error))
            raise
        if self.deaf or self.lose(message, Way.RECEIVED):
            self.ladder.record(self.name, Way.LOST, str(flow), message, data, note="not heard")
            return
        if isinstance(message, Response):
            self._on_response(message, data, flow)
        else:
            self._on_request(message, data, flow)

    def _on_response(self, response: Response, data: bytes, flow: Flow) -> None:
        with self._lock:
            outgoing = self._outgoing.get((response.via.branch or "", response.cseq.method))
        again = outgoing is not None and any(earlier.raw == response.raw for earlier in outgoing.received)
        self.ladder.record(self.name, Way.RECEIVED, str(flow), response, data, again=again)
        if outgoing is None:
            self.strays.put(response)
        else:
            outgoing.on_response(response)

    def _on_request(self, request: Request, data: bytes, flow: Flow) -> None:
        via = request.via
        method = request.method
        tag = request.to_tag
        key = (
            via.branch or request.call_id,
            f"{via.host}:{via.port}",
            "INVITE" if method == "ACK" else method,
        )
        with self._lock:
            known = self._incoming.get(key)
            dialog = self._dialogs.get((request.call_id, tag)) if tag is not None else None
        self.ladder.record(
            self.name, Way.RECEIVED, str(flow), request, data, again=known is not None and method != "ACK"
        )
        if method == "ACK":
            with self._lock:
                known = known or self._invites.get((request.call_id, tag or "", request.cseq.number))
            if known is not None:
                known.on_ack(request)
            else:
                self.inbox.put(IncomingRequest(self, request, flow, dialog))
            return
        if known is not None:
            known.on_repeated()
            return
        incoming = IncomingRequest(self, request, flow, dialog)
        with self._lock:
            self._incoming[key] = incoming
            if method == "INVITE":
                self._invites[(request.call_id, incoming.local_tag, request.cseq.number)] = incoming
        if method == "CANCEL":
            self._on_cancel(incoming, key)
            return
        if dialog is not None:
            dialog.heard_from(request)
            if method in ("INVITE", "UPDATE") and "Contact" in request:
                dialog.remote_target = str(request.contact)
        if method == "INVITE" and self.behaviour.trying:
            incoming.reply(100)
        action = dialog.automatic.get(method) if dialog is not None else self.automatic.get(method)
        if action is not None:
            action(incoming)
        elif method == "OPTIONS" and dialog is None and self.behaviour.answer_options:
            incoming.reply(200)
        else:
            (self.inbox if dialog is None else dialog.inbox).put(incoming)

    def _on_cancel(self, incoming: IncomingRequest, key: tuple[str, str, str]) -> None:
        with self._lock:
            invite = self._incoming.get((key[0], key[1], "INVITE"))
        if invite is None:
            incoming.reply(481)
            return
        if self.behaviour.answer_cancel:
            incoming.reply(200, to_tag=invite.local_tag)
        invite.on_cancel(incoming.request)


def _address(uri: SipUri) -> Address:
    return Address(uri.host, uri.port if uri.port is not None else 5060)
