"""EventOffHook and EventOnHook: the hook state of a DN, which several calls may share.

A DN goes off hook with its first party that dials or is connected, and on hook when the last of them has
left. So the two events of a DN always alternate, whatever happens in its calls.
"""

from kemi.calls.call import Call
from kemi.calls.effects import Effect, Publish
from kemi.calls.party import Party
from tlib.attributes import Time
from tlib.events import EventOffHook, EventOnHook


class Hooks:
    """Hook states of all DNs. ``enabled`` may change at any time: what is off hook still goes on hook."""

    def __init__(self, enabled: bool = True) -> None:
        self.enabled = enabled
        self._off_hook: dict[str, int] = {}

    def lift(self, call: Call, party: Party, time: Time, effects: list[Effect]) -> None:
        """``party`` dials or answers."""
        if party.off_hook or not self.enabled:
            return
        party.off_hook = True
        parties = self._off_hook.get(party.number, 0) + 1
        self._off_hook[party.number] = parties
        if parties == 1:
            effects.append(_hook_event(EventOffHook, call, party, time))

    def replace(self, call: Call, party: Party, time: Time, effects: list[Effect]) -> None:
        """``party`` has left its call."""
        if not party.off_hook:
            return
        party.off_hook = False
        parties = self._off_hook.pop(party.number, 1) - 1
        if parties:
            self._off_hook[party.number] = parties
            return
        effects.append(_hook_event(EventOnHook, call, party, time))

    def off_hook(self, dn: str) -> bool:
        return dn in self._off_hook

    def restore(self, party: Party) -> None:
        """``party`` was off hook in an earlier run."""
        party.off_hook = True
        self._off_hook[party.number] = self._off_hook.get(party.number, 0) + 1

    def forget(self, party: Party) -> None:
        """``party`` is gone and nobody is told."""
        party.off_hook = False
        parties = self._off_hook.pop(party.number, 1) - 1
        if parties:
            self._off_hook[party.number] = parties


def _hook_event(kind: type[EventOffHook | EventOnHook], call: Call, party: Party, time: Time) -> Publish:
    event = kind(
        time=time,
        this_dn=party.number,
        conn_id=call.connid,
        call_id=call.call_id,
        call_uuid=call.call_uuid,
    )
    return Publish(event, call.connid)
