"""The call model: facts of the switch go in, effects come out. It knows no socket, no database, no clock."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from kemi import facts
from kemi.calls import outcomes
from kemi.calls.call import Call, Release, call_type
from kemi.calls.effects import CallChanged, CallEnded, Effect, Inconsistency, Oddity, Publish, SendRequest
from kemi.calls.events import NUMBER_LIMIT, EventWriter
from kemi.calls.hooks import Hooks
from kemi.calls.leg import Leg
from kemi.calls.party import TRANSITIONS, Input, Party, State
from tlib.attributes import Time
from tlib.enums import CallState, DNRole
from tlib.events import EventAbandoned, EventReleased

LegFact = facts.Ringing | facts.Answered | facts.Confirmed | facts.Failed | facts.Cancelled | facts.Bye
CallFact = facts.Invite | facts.Target | LegFact

INPUTS: dict[type[LegFact], tuple[Input, Input | None]] = {
    facts.Ringing: (Input.RINGS, None),
    facts.Answered: (Input.ANSWERS, None),
    facts.Confirmed: (Input.CONFIRMED, Input.CONFIRMED),
    facts.Failed: (Input.FAILED, Input.FAR_FAILED),
    facts.Cancelled: (Input.CANCELLED, Input.GIVES_UP),
    facts.Bye: (Input.LEAVES, Input.FAR_LEFT),
}
"""What a fact about a leg means for the party whose leg it is, and for the other parties."""

HANG_UP = (("Reason", 'Q.850;cause=16;text="Normal call clearing"'),)
"""Headers of a BYE that a client asked for (RFC 3326)."""

DECLINE, TERMINATED = "603", "487"
"""What a caller gets whose call was released while it rang: by a client of the phone called, by one of his own."""

REMEMBERED_LEGS = 8192
"""So many legs of ended calls are remembered, to tell a late fact from one of an unknown leg."""

Trace = Callable[[Party, Input, State], None]


class CallModel:
    """All calls of the switch.

    ``trace`` is called for each change of a party's state, with the state it had; it may be set at any time.
    """

    def __init__(self, *, hook_events: bool = True, trace: Trace | None = None) -> None:
        self._hooks = Hooks(hook_events)
        self._events = EventWriter(self._hooks)
        self.trace = trace
        self._calls: dict[str, Call] = {}
        self._parties: dict[str, Party] = {}
        self._over: dict[str, None] = {}

    @property
    def calls(self) -> Mapping[str, Call]:
        """Calls in progress by ConnID."""
        return MappingProxyType(self._calls)

    def call(self, connid: str) -> Call | None:
        return self._calls.get(connid)

    def set_hook_events(self, enabled: bool) -> None:
        self._hooks.enabled = enabled

    def connid_of(self, fact: CallFact) -> str | None:
        """The call that a fact is about; ``None`` when the model has no such call."""
        if isinstance(fact, facts.Invite):
            return fact.connid if fact.connid in self._calls else None
        party = self._parties.get(fact.leg)
        return None if party is None else party.connid

    def handle(self, fact: CallFact, now: float, effects: list[Effect]) -> None:
        """What ``fact`` means, appended to ``effects``; ``now`` is Unix time and becomes the events' time.

        A fact that does not fit appends an ``Inconsistency`` and changes nothing.
        """
        if isinstance(fact, facts.Invite):
            self._open(fact, now, effects)
            return
        party = self._parties.get(fact.leg)
        if party is None or party.leg is None:
            kind = Oddity.LATE if fact.leg in self._over else Oddity.UNKNOWN_LEG
            effects.append(Inconsistency(kind, facts.kind_of(fact), fact.leg))
            return
        call = self._calls[party.connid]
        if isinstance(fact, facts.Target):
            party.leg.retargeted(fact.remote_target)
            effects.append(CallChanged(call.connid, legs=True))
            return
        if isinstance(fact, facts.Answered) and party.state in _UNANSWERED:
            party.leg.answered(fact.remote_tag, fact.remote_target, fact.route_set)
            effects.append(CallChanged(call.connid, legs=True))
        self._advance(call, party, fact, now, effects)

    def release_party(self, call: Call, release: Release, now: float, effects: list[Effect]) -> None:
        """A client releases a party of a call that is established, or rings. The event that ends it there answers.

        An established call is over at once. One that rings is over when the phone has been cancelled; an answer that
        crosses establishes it, and then it is released as any.
        """
        call.release = release
        if release.party.state is State.CONNECTED:
            self._hang_up(call, release.party, now, effects)
            return
        answer = DECLINE if release.party.role is DNRole.DESTINATION else TERMINATED
        for party in call.parties:
            if party.role is DNRole.DESTINATION and party.state is State.ALERTING and party.leg is not None:
                effects.append(SendRequest(party.leg.id, "CANCEL", (("X-Kamcti-Answer", answer),)))

    def _hang_up(self, call: Call, party: Party, now: float, effects: list[Effect]) -> None:
        """Ends an established call for ``party``, whose DN is told first; every leg gets a BYE.

        The call is over at once, as with an endpoint's BYE (RFC 3261 §15.1.1): whatever becomes of the BYEs, and
        whatever the endpoints say meanwhile, is late.
        """
        time = Time.at(now)
        parties = _in_order(call)
        for each in parties:
            if each.state is not State.ENDED:
                event = Input.LEAVES if each is party else Input.FAR_LEFT
                self._move(call, each, event, time, now, CallState.OK, effects)
        effects += [SendRequest(each.leg.id, "BYE", HANG_UP) for each in parties if each.leg is not None]
        self._close(call, effects)

    def release(self, connid: str, now: float, effects: list[Effect]) -> None:
        """Ends a call that the switch has lost: every party that was told of it is told that it is over."""
        call = self._calls.get(connid)
        if call is None:
            return
        time = Time.at(now)
        for party in call.parties:
            if party.state is not State.ENDED:
                self._move(call, party, Input.LOST, time, now, CallState.SYSTEM_ERROR, effects)
        self._close(call, effects)

    def forget(self, connid: str, effects: list[Effect]) -> None:
        """Drops a call without a word: when even ``release`` failed."""
        call = self._calls.get(connid)
        if call is not None:
            self._close(call, effects)

    def restore(self, call: Call) -> None:
        """Takes in a call that an earlier run of the switch left in the live state."""
        self._calls[call.connid] = call
        for party in call.parties:
            if party.leg is not None:
                self._parties[party.leg.id] = party
            if party.is_dn and party.state in _OFF_HOOK:
                self._hooks.restore(party)

    def _open(self, fact: facts.Invite, now: float, effects: list[Effect]) -> None:
        if fact.connid in self._calls or fact.leg_a.id in self._over:
            effects.append(Inconsistency(Oddity.DUPLICATE, "invite", fact.leg_a.id, fact.connid))
            return
        ani = fact.caller[:NUMBER_LIMIT]
        caller = Party(
            connid=fact.connid,
            number=ani,
            role=DNRole.ORIGINATION,
            is_dn=fact.caller_is_dn,
            since=now,
            leg=Leg(fact.leg_a, fact.leg_b.id, fact.time),
        )
        called = Party(
            connid=fact.connid,
            number=fact.dn,
            role=DNRole.DESTINATION,
            is_dn=fact.dn_is_internal,
            since=now,
            leg=Leg(fact.leg_b, fact.leg_a.id, fact.time),
        )
        call = Call(
            connid=fact.connid,
            call_uuid=fact.call_uuid,
            type=call_type(fact.caller_is_dn, fact.dn_is_internal),
            ani=ani or None,
            dnis=fact.dialled[:NUMBER_LIMIT] or None,
            created_at=fact.time,
            trunk_in=None if fact.caller_is_dn else fact.leg_a.trunk or None,
            parties=[caller, called],
        )
        self._calls[fact.connid] = call
        self._parties[fact.leg_a.id] = caller
        self._parties[fact.leg_b.id] = called
        time = Time.at(now)
        self._move(call, caller, Input.DIALS, time, now, CallState.OK, effects)
        self._move(call, called, Input.INVITED, time, now, CallState.OK, effects)
        effects.append(CallChanged(call.connid, call=True, legs=True))

    def _advance(self, call: Call, party: Party, fact: LegFact, now: float, effects: list[Effect]) -> None:
        own, far = INPUTS[type(fact)]
        outcome = CallState.OK
        if isinstance(fact, facts.Failed):
            if call.release is None:
                outcome = outcomes.failed(fact.code, fact.cause, party.state in _RANG)
            elif call.release.party.role is DNRole.ORIGINATION:
                # What the caller's client asked for means the same as his CANCEL.
                own, far = INPUTS[facts.Cancelled]
            else:
                outcome = CallState.DROPPED
        elif isinstance(fact, facts.Bye):
            outcome = outcomes.ended(fact.cause)
        if (party.state, own) not in TRANSITIONS:
            what = f"{facts.kind_of(fact)} in state {party.state}"
            effects.append(Inconsistency(Oddity.UNEXPECTED, what, fact.leg, call.connid))
            return
        time = Time.at(now)
        changed = False
        for each in _in_order(call):
            event = own if each is party else far
            if event is not None and each.state is not State.ENDED:
                changed |= self._move(call, each, event, time, now, outcome, effects)
        if call.ended:
            self._close(call, effects)
        elif call.release is not None and call.release.party.state is State.CONNECTED:
            # The answer was faster than the CANCEL.
            self._hang_up(call, call.release.party, now, effects)
        elif changed:
            effects.append(CallChanged(call.connid))

    def _move(
        self,
        call: Call,
        party: Party,
        event: Input,
        time: Time,
        now: float,
        outcome: CallState,
        effects: list[Effect],
    ) -> bool:
        """The only place that changes a party's state; whether it did."""
        before = party.state
        transition = TRANSITIONS.get((before, event))
        if transition is None:
            leg = party.leg.id if party.leg is not None else ""
            effects.append(Inconsistency(Oddity.UNEXPECTED, f"{event} in state {before}", leg, call.connid))
            return False
        action, after = transition
        changed = after is not before
        if changed:
            party.state = after
            party.since = now
            if self.trace is not None:
                self.trace(party, event, before)
        self._events.carry_out(action, call, party, time, outcome, effects)
        return changed

    def _close(self, call: Call, effects: list[Effect]) -> None:
        del self._calls[call.connid]
        if call.release is not None:
            _mark_answer(call.connid, call.release, effects)
        for party in call.parties:
            if party.leg is not None:
                self._parties.pop(party.leg.id, None)
                self._over[party.leg.id] = None
            if party.off_hook:
                self._hooks.forget(party)
        while len(self._over) > REMEMBERED_LEGS:
            del self._over[next(iter(self._over))]
        effects.append(CallEnded(call.connid))


def _in_order(call: Call) -> list[Party]:
    """The parties; the one whose client ends the call is told first."""
    if call.release is None:
        return call.parties
    first = call.release.party
    return [first, *(party for party in call.parties if party is not first)]


def _mark_answer(connid: str, release: Release, effects: list[Effect]) -> None:
    """The event that ended the call on the requester's DN answers the request."""
    for index in range(len(effects) - 1, -1, -1):
        effect = effects[index]
        if (
            isinstance(effect, Publish)
            and isinstance(effect.event, EventReleased | EventAbandoned)
            and (effect.connid, effect.event.this_dn, effect.event.this_dn_role)
            == (connid, release.party.number, release.party.role)
        ):
            event = msgspec.structs.replace(
                effect.event, reference_id=release.reference_id, reasons=release.reasons
            )
            effects[index] = Publish(event, connid)
            return


_UNANSWERED = frozenset({State.OFFERED, State.ALERTING})
_RANG = frozenset({State.ALERTING, State.ANSWERED})
_OFF_HOOK = frozenset({State.DIALING, State.CONNECTED})
