"""The line side of the stand-in: real phones register here, and call from here."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.kit.sip import (
    PATIENCE,
    Behaviour,
    Endpoint,
    IncomingRequest,
    Ladder,
    NameAddr,
    SipTimeout,
    Style,
    Transport,
)

REGISTRATION_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Registration:
    """Where the phone of a number is."""

    number: str
    contact: str


class LineSide(Endpoint):
    """Registrar and outbound side for phones. `called` gets every INVITE of a phone, in the endpoint's thread."""

    def __init__(
        self,
        name: str,
        *,
        address: str,
        called: Callable[[IncomingRequest], None],
        behaviour: Behaviour | None = None,
        ladder: Ladder | None = None,
    ) -> None:
        self._registrations: dict[str, Registration] = {}
        self._changed = threading.Condition()
        super().__init__(
            name,
            address=address,
            transport=Transport.UDP,
            behaviour=behaviour,
            style=Style(),
            ladder=ladder,
        )
        self.automatic["REGISTER"] = self._register
        self.automatic["INVITE"] = called
        self.automatic["SUBSCRIBE"] = _not_here
        self.automatic["PUBLISH"] = _not_here

    def registration(self, number: str) -> Registration | None:
        """The registration of a number, if its phone is there."""
        with self._changed:
            return self._registrations.get(number)

    def wait_registered(self, number: str, timeout: float = PATIENCE) -> Registration:
        """Wait until a phone has registered for the number."""
        with self._changed:
            if not self._changed.wait_for(lambda: number in self._registrations, timeout):
                raise SipTimeout(f"{number} did not register within {timeout} s\n{self.ladder_text()}")
            return self._registrations[number]

    def _register(self, incoming: IncomingRequest) -> None:
        request = incoming.request
        number = NameAddr.parse(request["To"]).uri.user or ""
        contact = NameAddr.parse(request["Contact"])
        expires = contact.params.get("expires") or request.get("Expires") or str(REGISTRATION_SECONDS)
        with self._changed:
            if int(expires) == 0:
                self._registrations.pop(number, None)
            else:
                self._registrations[number] = Registration(number, str(contact.uri))
            self._changed.notify_all()
        incoming.reply(200, headers=[("Contact", f"<{contact.uri}>;expires={expires}"), ("Expires", expires)])


def _not_here(incoming: IncomingRequest) -> None:
    incoming.reply(489)
