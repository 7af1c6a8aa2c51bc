"""What a session wants done by the server, in order."""

from dataclasses import dataclass

from tlib.requests import Request


@dataclass(frozen=True, slots=True)
class Send:
    """Bytes for the client: one message with its newline."""

    data: bytes


@dataclass(frozen=True, slots=True)
class CheckPassword:
    """To be answered by ``Session.password_checked``. ``password_hash`` is ``None`` for an unknown user."""

    password: str
    password_hash: str | None

    def __repr__(self) -> str:
        """Without the password."""
        return "CheckPassword(...)"


@dataclass(frozen=True, slots=True)
class ReadState:
    """To be answered by ``Session.state_read``, at one cut with the stream of events."""

    ticket: int
    dn: str


@dataclass(frozen=True, slots=True)
class Submit:
    """Put ``request`` in the queue of the switch.

    To be answered by ``Session.answered``, or by ``Session.refused``: with 56 when one of ``calls`` is no call on
    ThisDN.
    """

    ticket: int
    request: Request
    calls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Close:
    """Send what is to be sent, then close the connection."""

    reason: str


Effect = Send | CheckPassword | ReadState | Submit | Close
