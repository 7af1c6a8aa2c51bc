"""A party in a call, and its life as one table: (state, what happened) → (what its DN is told, next state).

A pair that is not in the table is an inconsistency: it is counted and logged, and changes nothing.
The enumerations are strings because a string's hash is computed once and in C: a transition is one look-up.
"""

from dataclasses import dataclass
from enum import StrEnum

from kemi.calls.leg import Leg
from tlib.enums import DNRole, PartyState


class State(StrEnum):
    """Where a party is in its call."""

    NULL = "Null"
    """Not yet in the call."""
    DIALING = "Dialing"
    """Caller: the other side has not answered."""
    OFFERED = "Offered"
    """Called: the INVITE was sent, its phone has said nothing."""
    PICKED_UP = "PickedUp"
    """Called: answered without ringing first; the ACK has not passed."""
    ALERTING = "Alerting"
    """Called: its phone rings."""
    ANSWERED = "Answered"
    """Called: answered; the ACK has not passed."""
    CONNECTED = "Connected"
    ENDED = "Ended"

    @property
    def reported(self) -> PartyState:
        """The T-Library state that live state shows; ``Null`` for a party that is not in the call."""
        return REPORTED[self]


REPORTED = {
    State.NULL: PartyState.NULL,
    State.DIALING: PartyState.DIALING,
    State.OFFERED: PartyState.INITIATED,
    State.PICKED_UP: PartyState.INITIATED,
    State.ALERTING: PartyState.ALERTING,
    State.ANSWERED: PartyState.ALERTING,
    State.CONNECTED: PartyState.CONNECTED,
    State.ENDED: PartyState.NULL,
}
"""As ``State.reported``."""


def state_of(reported: PartyState) -> State:
    """A state that live state shows as ``reported``: of several the one that has not been told more of the call."""
    return _STATES.get(reported, State.CONNECTED)


_STATES = {
    PartyState.NULL: State.ENDED,
    PartyState.DIALING: State.DIALING,
    PartyState.INITIATED: State.OFFERED,
    PartyState.ALERTING: State.ALERTING,
}


class Input(StrEnum):
    """What happens to a party."""

    DIALS = "dials"
    INVITED = "invited"
    RINGS = "rings"
    """180 or 183 from its leg."""
    ANSWERS = "answers"
    """200 from its leg."""
    CONFIRMED = "confirmed"
    """The ACK to the 200 passed."""
    FAILED = "failed"
    """Final answer of 300 or above from its leg, or none at all."""
    CANCELLED = "cancelled"
    """The caller gave up; its leg was cancelled."""
    LEAVES = "leaves"
    """BYE from its leg, or a client of its DN released it."""
    FAR_FAILED = "far side failed"
    GIVES_UP = "gives up"
    """The caller's CANCEL."""
    FAR_LEFT = "far side left"
    LOST = "lost"
    """The switch knows nothing of the call any more, or the model failed to handle it."""


class Action(StrEnum):
    """What the party's DN is told; nothing is told about an external party."""

    NOTHING = "—"
    DIAL = "EventDialing"
    RING = "EventRinging"
    ESTABLISH = "EventEstablished"
    RING_AND_ESTABLISH = "EventRinging, EventEstablished"
    ABANDON = "EventAbandoned"
    RELEASE = "EventReleased"
    REFUSE = "EventDestinationBusy, EventReleased"
    """With CallState NoAnswer only EventReleased."""


_N, _D, _O, _P = State.NULL, State.DIALING, State.OFFERED, State.PICKED_UP
_A, _W, _C, _E = State.ALERTING, State.ANSWERED, State.CONNECTED, State.ENDED

TRANSITIONS: dict[tuple[State, Input], tuple[Action, State]] = {
    (_N, Input.DIALS): (Action.DIAL, _D),
    (_N, Input.INVITED): (Action.NOTHING, _O),
    #
    (_D, Input.CONFIRMED): (Action.ESTABLISH, _C),
    (_D, Input.FAR_FAILED): (Action.REFUSE, _E),
    (_D, Input.GIVES_UP): (Action.RELEASE, _E),
    (_D, Input.LEAVES): (Action.RELEASE, _E),
    (_D, Input.FAR_LEFT): (Action.RELEASE, _E),
    (_D, Input.LOST): (Action.RELEASE, _E),
    #
    (_O, Input.RINGS): (Action.RING, _A),
    (_O, Input.ANSWERS): (Action.NOTHING, _P),
    (_O, Input.CONFIRMED): (Action.RING_AND_ESTABLISH, _C),
    (_O, Input.FAILED): (Action.NOTHING, _E),
    (_O, Input.CANCELLED): (Action.NOTHING, _E),
    (_O, Input.LEAVES): (Action.NOTHING, _E),
    (_O, Input.FAR_LEFT): (Action.NOTHING, _E),
    (_O, Input.LOST): (Action.NOTHING, _E),
    #
    (_P, Input.RINGS): (Action.NOTHING, _P),
    (_P, Input.ANSWERS): (Action.NOTHING, _P),
    (_P, Input.CONFIRMED): (Action.RING_AND_ESTABLISH, _C),
    (_P, Input.FAILED): (Action.NOTHING, _E),
    (_P, Input.CANCELLED): (Action.NOTHING, _E),
    (_P, Input.LEAVES): (Action.NOTHING, _E),
    (_P, Input.FAR_LEFT): (Action.NOTHING, _E),
    (_P, Input.LOST): (Action.NOTHING, _E),
    #
    (_A, Input.RINGS): (Action.NOTHING, _A),
    (_A, Input.ANSWERS): (Action.NOTHING, _W),
    (_A, Input.CONFIRMED): (Action.ESTABLISH, _C),
    (_A, Input.FAILED): (Action.RELEASE, _E),
    (_A, Input.CANCELLED): (Action.ABANDON, _E),
    (_A, Input.LEAVES): (Action.RELEASE, _E),
    (_A, Input.FAR_LEFT): (Action.ABANDON, _E),
    (_A, Input.LOST): (Action.RELEASE, _E),
    #
    (_W, Input.RINGS): (Action.NOTHING, _W),
    (_W, Input.ANSWERS): (Action.NOTHING, _W),
    (_W, Input.CONFIRMED): (Action.ESTABLISH, _C),
    (_W, Input.FAILED): (Action.RELEASE, _E),
    (_W, Input.CANCELLED): (Action.ABANDON, _E),
    (_W, Input.LEAVES): (Action.RELEASE, _E),
    (_W, Input.FAR_LEFT): (Action.RELEASE, _E),
    (_W, Input.LOST): (Action.RELEASE, _E),
    #
    (_C, Input.RINGS): (Action.NOTHING, _C),
    (_C, Input.ANSWERS): (Action.NOTHING, _C),
    (_C, Input.CONFIRMED): (Action.NOTHING, _C),
    (_C, Input.FAILED): (Action.RELEASE, _E),
    (_C, Input.CANCELLED): (Action.RELEASE, _E),
    (_C, Input.LEAVES): (Action.RELEASE, _E),
    (_C, Input.FAR_FAILED): (Action.RELEASE, _E),
    (_C, Input.GIVES_UP): (Action.RELEASE, _E),
    (_C, Input.FAR_LEFT): (Action.RELEASE, _E),
    (_C, Input.LOST): (Action.RELEASE, _E),
}


@dataclass(slots=True, eq=False)
class Party:
    """A DN or an external number in a call."""

    connid: str
    number: str
    """DN, or the external number as the network shows it; empty when it is withheld."""
    role: DNRole
    is_dn: bool
    """Whether events are told about it."""
    since: float
    """Unix time of its last change of state."""
    leg: Leg | None = None
    state: State = State.NULL
    off_hook: bool = False
    """Whether it counts for its DN's hook state."""

    @property
    def trunk(self) -> str | None:
        """The trunk that an external party is behind."""
        return self.leg.dialog.trunk or None if self.leg is not None and not self.is_dn else None
