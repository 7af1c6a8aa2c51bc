"""What the call model wants done."""

from dataclasses import dataclass
from enum import StrEnum

from tlib.events import DNEvent


@dataclass(slots=True, frozen=True)
class Publish:
    """Tell everyone who listens to the event's ThisDN."""

    event: DNEvent
    connid: str


@dataclass(slots=True, frozen=True)
class CallChanged:
    """The live state of the call's parties is no longer what was written."""

    connid: str
    call: bool = False
    """What describes the call as a whole has changed, too: it is new, or other data are attached."""
    legs: bool = False
    """What identifies its dialogs has changed, too."""

    def and_(self, later: "CallChanged") -> "CallChanged":
        """Both changes as one."""
        if (later.call and not self.call) or (later.legs and not self.legs):
            return CallChanged(self.connid, self.call or later.call, self.legs or later.legs)
        return self


@dataclass(slots=True, frozen=True)
class CallEnded:
    """The call is over and the model has forgotten it."""

    connid: str


@dataclass(slots=True, frozen=True)
class SendRequest:
    """Send a SIP request in the dialog of a leg. The switch knows the dialog; how it ends comes back as a fact."""

    leg: str
    method: str
    headers: tuple[tuple[str, str], ...] = ()
    """Beyond those of the dialog."""


class Oddity(StrEnum):
    """A fact that does not fit; the name is the metric's."""

    UNKNOWN_LEG = "unknown_leg"
    """No call has this leg."""
    LATE = "late"
    """Its call is over: two workers, two neighbouring messages. Harmless."""
    UNEXPECTED = "unexpected"
    """It cannot happen to a party in this state."""
    DUPLICATE = "duplicate"
    """A second INVITE fact of one call."""


@dataclass(slots=True, frozen=True)
class Inconsistency:
    """A fact was ignored; ``what`` names fact and state."""

    kind: Oddity
    what: str
    leg: str = ""
    connid: str = ""


Effect = Publish | CallChanged | CallEnded | SendRequest | Inconsistency
