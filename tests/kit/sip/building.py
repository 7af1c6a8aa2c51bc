"""Putting messages together: what RFC 3261 asks for, in the words of a style, with what the test wants changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from tests.kit.sip.message import Request, Response
from tests.kit.sip.style import Style
from tests.kit.sip.uri import NameAddr
from tests.kit.sip.wire import Address, Transport

if TYPE_CHECKING:
    from tests.kit.sip.dialog import Body, Dialog

M = TypeVar("M", Request, Response)

_WITH_CONTACT = ("INVITE", "UPDATE", "SUBSCRIBE", "NOTIFY", "REFER", "OPTIONS", "REGISTER")


@dataclass(frozen=True, slots=True)
class Changes(Generic[M]):
    """What a test wants different: lines added, headers replaced or (None) removed, and anything else by `edit`."""

    headers: Sequence[tuple[str, str]] = ()
    replace_headers: Mapping[str, str | None] | None = None
    content_type: str = "application/sdp"
    edit: Callable[[M], None] | None = None

    def finish(self, message: M) -> None:
        """Apply what comes last: replacements and `edit`."""
        for name, replacement in (self.replace_headers or {}).items():
            if replacement is None:
                message.remove(name)
            else:
                message.set(name, replacement)
        if self.edit is not None:
            self.edit(message)


class MessageBuilder:
    """Makes the messages of one endpoint."""

    def __init__(self, name: str, local: Address, style: Style) -> None:
        self._name = name
        self._local = local
        self._style = style

    def request(
        self,
        dialog: Dialog,
        method: str,
        cseq: int,
        transport: Transport,
        body: Body,
        changes: Changes[Request],
        *,
        inside: bool = True,
    ) -> Request:
        """A request with the identifiers of `dialog`; `inside` False: it only lends them, the style shall not know."""
        request = Request.new(method, dialog.remote_target)
        request.add("Via", f"SIP/2.0/{transport.name} {self._local};branch={self._style.branch()}")
        for route in dialog.route_set:
            request.add("Route", route)
        request.add("Max-Forwards", "70")
        request.add("From", dialog.from_value)
        request.add("To", dialog.to_value)
        request.add("Call-ID", dialog.call_id)
        request.add("CSeq", f"{cseq} {method}")
        if method in _WITH_CONTACT:
            request.add("Contact", self._contact(dialog, transport))
        for name, value in changes.headers:
            request.add(name, value)
        request.set_body(dialog.text(body), changes.content_type)
        self._style.finish_request(request, dialog if inside else None)
        changes.finish(request)
        return request

    def same_transaction(
        self, invite: Request, method: str, dialog: Dialog, headers: Sequence[tuple[str, str]] = ()
    ) -> Request:
        """CANCEL, or the ACK of a failure: they repeat the INVITE's identifiers (RFC 3261 §9.1, §17.1.1.3)."""
        request = Request.new(method, invite.uri)
        request.add("Via", invite.values("Via")[0])
        for route in invite.lines("Route"):
            request.add("Route", route)
        request.add("Max-Forwards", "70")
        for name in ("From", "To", "Call-ID"):
            request.add(name, invite[name])
        request.add("CSeq", f"{invite.cseq.number} {method}")
        for name, value in headers:
            request.add(name, value)
        request.add("Content-Length", "0")
        self._style.finish_request(request, dialog)
        return request

    def response(
        self,
        request: Request,
        status: int,
        reason: str | None,
        tag: str,
        dialog: Dialog | None,
        transport: Transport,
        body: Body,
        changes: Changes[Response],
    ) -> Response:
        """A response with what RFC 3261 §8.2.6 copies from the request."""
        response = Response.new(status, reason)
        accepts = 100 < status < 300
        for via in request.lines("Via"):
            response.add("Via", via)
        if accepts and request.method == "INVITE":
            for route in request.lines("Record-Route"):
                response.add("Record-Route", route)
        response.add("From", request["From"])
        needs_tag = status > 100 and request.to_tag is None
        response.add("To", f"{request['To']};tag={tag}" if needs_tag else request["To"])
        response.add("Call-ID", request.call_id)
        response.add("CSeq", request["CSeq"])
        if accepts and request.method in ("INVITE", "UPDATE"):
            response.add("Contact", self._contact(dialog, transport))
        for name, value in changes.headers:
            response.add(name, value)
        response.set_body(dialog.text(body) if dialog is not None else _plain_text(body), changes.content_type)
        self._style.finish_response(response, request, dialog)
        changes.finish(response)
        return response

    def _contact(self, dialog: Dialog | None, transport: Transport) -> str:
        if dialog is not None and dialog.contact is not None:
            return dialog.contact
        user = NameAddr.parse(dialog.local_uri).uri.user if dialog is not None else self._name
        suffix = "" if transport is Transport.UDP else f";transport={transport.value}"
        return f"<sip:{user or self._name}@{self._local}{suffix}>"


def _plain_text(body: Body) -> bytes:
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    raise TypeError("a stream can be described in a dialog only; give the text of the SDP")
