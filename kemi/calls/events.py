"""The events of the actions in the party table, with their attributes and in their order on one DN.

Sources: "Genesys Events and Models", basic call models, and its lists of attributes; the choices of this
product are in docs/call-model.md.
"""

from collections.abc import Callable

from kemi.calls.call import Call
from kemi.calls.effects import Effect, Publish
from kemi.calls.hooks import Hooks
from kemi.calls.party import Action, Party
from tlib.attributes import Time
from tlib.enums import CallState
from tlib.events import (
    CallEvent,
    EventAbandoned,
    EventDestinationBusy,
    EventDialing,
    EventEstablished,
    EventReleased,
    EventRinging,
)

NUMBER_LIMIT = 256
"""Characters of an attribute that holds a number."""


def call_event(
    kind: type[CallEvent],
    call: Call,
    party: Party,
    time: Time,
    state: CallState = CallState.OK,
    other_dn: str = "",
) -> CallEvent:
    """An event of ``kind`` for ``party``: groups call-M and call-O as far as they apply.

    ``other_dn`` overrides the number of the other party.
    """
    other = call.other(party)
    number = other_dn or (other.number if other is not None else "")
    return kind(
        time=time,
        this_dn=party.number,
        this_dn_role=party.role,
        conn_id=call.connid,
        call_id=call.call_id,
        call_uuid=call.call_uuid,
        call_type=call.type,
        call_state=state,
        other_dn=number or None,
        other_dn_role=other.role if other is not None and number else None,
        other_trunk=other.trunk if other is not None else None,
        ani=call.ani,
        dnis=call.dnis,
        user_data=call.user_data or None,
    )


class EventWriter:
    """Carries out actions: what the party's DN is told is appended to ``effects``.

    External parties are told nothing.
    """

    def __init__(self, hooks: Hooks) -> None:
        self.hooks = hooks
        self._actions: dict[Action, Callable[[Call, Party, Time, CallState, list[Effect]], None]] = {
            Action.DIAL: self._dial,
            Action.RING: self._ring,
            Action.ESTABLISH: self._establish,
            Action.RING_AND_ESTABLISH: self._ring_and_establish,
            Action.ABANDON: self._abandon,
            Action.RELEASE: self._release,
            Action.REFUSE: self._refuse,
        }

    def carry_out(
        self, action: Action, call: Call, party: Party, time: Time, state: CallState, effects: list[Effect]
    ) -> None:
        """``state`` is the CallState of a failure or an end."""
        if party.is_dn and action is not Action.NOTHING:
            self._actions[action](call, party, time, state, effects)

    def _dial(self, call: Call, party: Party, time: Time, _: CallState, effects: list[Effect]) -> None:
        self.hooks.lift(call, party, time, effects)
        # The dialled number: until the call is answered, that is all the caller's desktop should show.
        event = call_event(EventDialing, call, party, time, other_dn=call.dnis or "")
        effects.append(Publish(event, call.connid))

    def _ring(self, call: Call, party: Party, time: Time, _: CallState, effects: list[Effect]) -> None:
        effects.append(Publish(call_event(EventRinging, call, party, time), call.connid))

    def _establish(self, call: Call, party: Party, time: Time, _: CallState, effects: list[Effect]) -> None:
        self.hooks.lift(call, party, time, effects)
        effects.append(Publish(call_event(EventEstablished, call, party, time), call.connid))

    def _ring_and_establish(
        self, call: Call, party: Party, time: Time, state: CallState, effects: list[Effect]
    ) -> None:
        self._ring(call, party, time, state, effects)
        self._establish(call, party, time, state, effects)

    def _abandon(self, call: Call, party: Party, time: Time, _: CallState, effects: list[Effect]) -> None:
        effects.append(Publish(call_event(EventAbandoned, call, party, time), call.connid))
        self.hooks.replace(call, party, time, effects)

    def _release(self, call: Call, party: Party, time: Time, state: CallState, effects: list[Effect]) -> None:
        effects.append(Publish(call_event(EventReleased, call, party, time, state), call.connid))
        self.hooks.replace(call, party, time, effects)

    def _refuse(self, call: Call, party: Party, time: Time, state: CallState, effects: list[Effect]) -> None:
        if state is not CallState.NO_ANSWER:
            effects.append(Publish(call_event(EventDestinationBusy, call, party, time, state), call.connid))
        self._release(call, party, time, state, effects)
