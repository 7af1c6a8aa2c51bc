"""Phones behind the stand-in that exist as a behaviour only: they ring, answer, refuse, hang up by themselves."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from tests.kit.cucm.failures import Situation
from tests.kit.cucm.node import CucmNode
from tests.kit.cucm.parties import Party
from tests.kit.sip import PATIENCE, Dialog, IncomingRequest, SipTimeout


@dataclass(frozen=True, slots=True)
class PhoneBehaviour:
    """What a phone does with a call. Times in seconds; None means never.

    `failure` ends the call with that row of the failure table, `failure_after` seconds after it began to ring (0: it
    does not ring). `hang_up_after` counts from the answer. A call that is never answered rings for 180 s, the
    Expires of CUCM, and then fails as `Situation.NO_ANSWER`.
    """

    registered: bool = True
    rings: bool = True
    answer_after: float | None = 0.1
    failure: Situation | None = None
    failure_after: float = 0.0
    hang_up_after: float | None = None


BUSY = PhoneBehaviour(failure=Situation.BUSY)
NO_ANSWER = PhoneBehaviour(answer_after=None)
REJECTS = PhoneBehaviour(failure=Situation.REJECTED, failure_after=0.2)
UNREGISTERED = PhoneBehaviour(registered=False)
AFTER_TIMER_B = PhoneBehaviour(answer_after=33.0)
"""Answers when a caller without provisional responses would have given up (64 * T1)."""

_RING_LIMIT = 180.0


@dataclass(eq=False, slots=True)
class AgentCall:
    """One call at such a phone. The events may be waited for."""

    node: CucmNode
    party: Party
    incoming: IncomingRequest
    ringing: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)
    confirmed: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def dialog(self) -> Dialog:
        """The dialog on the trunk."""
        return self.incoming.dialog

    def wait(self, event: threading.Event, what: str, timeout: float = PATIENCE) -> None:
        """Wait for one of the events; SipTimeout names `what` and shows the ladder."""
        if not event.wait(timeout):
            raise SipTimeout(f"{self.party.number}: not {what} within {timeout} s\n{self.node.ladder_text()}")

    def hang_up(self) -> None:
        """The user hangs up; waits for the answer to BYE."""
        self.node.release(self.dialog).expect(200)
        self.over.set()

    def hold(self) -> None:
        """The user presses hold."""
        self.node.hold(self.dialog, self.party)

    def resume(self) -> None:
        """The user presses resume."""
        self.node.resume(self.dialog, self.party)

    def serve(self, behaviour: PhoneBehaviour) -> None:
        """Play the whole call, in a thread of its own."""
        try:
            if self._set_up(behaviour):
                self._talk(behaviour)
        finally:
            self.over.set()

    def _prepare(self, dialog: Dialog) -> None:
        self.node.answer_by_itself(dialog, self.party)
        dialog.automatic["BYE"] = self._on_bye

    def _set_up(self, behaviour: PhoneBehaviour) -> bool:
        self.incoming.when_dialog = self._prepare
        if not behaviour.registered:
            self.node.fail(self.incoming, Situation.UNREGISTERED)
            return False
        if behaviour.failure is not None and not behaviour.failure_after:
            self.node.fail(self.incoming, behaviour.failure)
            return False
        if behaviour.rings:
            self.node.ring(self.incoming, self.party)
            self.ringing.set()
        if behaviour.failure is not None:
            if not self._cancelled_within(behaviour.failure_after):
                self.node.fail(self.incoming, behaviour.failure)
            return False
        if self._cancelled_within(_RING_LIMIT if behaviour.answer_after is None else behaviour.answer_after):
            return False
        if behaviour.answer_after is None:
            self.node.fail(self.incoming, Situation.NO_ANSWER)
            return False
        return True

    def _talk(self, behaviour: PhoneBehaviour) -> None:
        self.node.answer(self.incoming, self.party)
        self.answered.set()
        self.incoming.expect_ack(40.0)
        self.confirmed.set()
        if behaviour.hang_up_after is not None and not self.over.wait(behaviour.hang_up_after):
            self.hang_up()
        self.over.wait()

    def _cancelled_within(self, seconds: float) -> bool:
        return self.incoming.cancels.wait_until(lambda: self.incoming.answered, seconds)

    def _on_bye(self, bye: IncomingRequest) -> None:
        bye.reply(200)
        self.over.set()
