"""A CUCM cluster that acts by itself: nodes with trunks, phones behind them that are played or real.

    with CucmCluster(trunk=kamailio.address, addresses=("127.0.0.10", "127.0.0.11")) as cucm:
        cucm.add_agent(Party("2001", "Agent One"), PhoneBehaviour(answer_after=0.5))
        cucm.add_line(Party("2002", "Agent Two"))
        with Phone("2002", directory=tmp_path, registrar=cucm.lines.local, tone=700) as phone: …

A call from the trunk goes to the phone of its number. A call of a real phone goes to another phone of the cluster, or
out of the trunk of the first node.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from types import TracebackType

from tests.kit.cucm.agents import AgentCall, PhoneBehaviour
from tests.kit.cucm.bridge import Bridge
from tests.kit.cucm.failures import Situation
from tests.kit.cucm.lines import LineSide
from tests.kit.cucm.node import CucmNode, number_of
from tests.kit.cucm.parties import Party
from tests.kit.sip import (
    PATIENCE,
    Address,
    Audio,
    Behaviour,
    Dialog,
    IncomingRequest,
    Ladder,
    NameAddr,
    OutgoingInvite,
    SipTimeout,
    Transport,
)


class CucmCluster:
    """Nodes of one cluster, one ladder for all of them.

    `trunk` is where the nodes send their calls (may be set later by `connect`). `early_offer` is the trunk's setting
    for calls of real phones; without it they are delayed offers.
    """

    def __init__(
        self,
        *,
        trunk: Address | None = None,
        addresses: Sequence[str] = ("127.0.0.10",),
        transport: Transport = Transport.TCP,
        version: str = "12.5",
        early_offer: bool = False,
        behaviour: Behaviour | None = None,
        ladder: Ladder | None = None,
        name: str = "cucm",
    ) -> None:
        self.ladder = ladder if ladder is not None else Ladder()
        self.early_offer = early_offer
        self.agent_calls: list[AgentCall] = []
        self.bridges: list[Bridge] = []
        self._agents: dict[str, tuple[Party, PhoneBehaviour]] = {}
        self._line_parties: dict[str, Party] = {}
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []
        self._changed = threading.Condition()
        cluster = uuid.uuid4()
        self.nodes = [
            CucmNode(
                f"{name}{number}",
                address=address,
                transport=transport,
                peer=trunk,
                behaviour=behaviour,
                version=version,
                cluster=cluster,
                ladder=self.ladder,
            )
            for number, address in enumerate(addresses, 1)
        ]
        for node in self.nodes:
            node.automatic["INVITE"] = self._from_trunk(node)
        self.lines = LineSide(
            f"{name} lines", address=addresses[0], called=self._from_phone, behaviour=behaviour, ladder=self.ladder
        )

    # -- life

    def connect(self, trunk: Address) -> None:
        """Set where the nodes send their calls."""
        for node in self.nodes:
            node.peer = trunk

    def close(self) -> None:
        """Free everything. Nothing is sent: calls that are still up are cut off."""
        for bridge in self.bridges:
            bridge.over.set()
        for call in self.agent_calls:
            call.over.set()
        for endpoint in (*self.nodes, self.lines):
            endpoint.close()
        deadline = time.monotonic() + 2.0
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def raise_failure(self) -> None:
        """Raise the first thing that went wrong in a call of the cluster."""
        with self._changed:
            failure = self._failures.pop(0) if self._failures else None
        if failure is not None:
            raise AssertionError(f"a call of the cluster failed\n{self.ladder}") from failure

    def __enter__(self) -> CucmCluster:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if kind is None:
            self.raise_failure()

    # -- phones

    def add_agent(self, party: Party, behaviour: PhoneBehaviour | None = None) -> None:
        """A phone that is played. Again for the same number: it behaves differently from the next call on."""
        self._agents[party.number] = (party, behaviour or PhoneBehaviour())

    def add_line(self, party: Party) -> None:
        """A number whose phone is real; it registers at `lines.local`."""
        self._line_parties[party.number] = party

    def expect_agent_call(self, number: str, timeout: float = PATIENCE) -> AgentCall:
        """The latest call to a phone that is played, as soon as there is one that is not over."""

        def current() -> AgentCall | None:
            calls = [call for call in self.agent_calls if call.party.number == number and not call.over.is_set()]
            return calls[-1] if calls else None

        with self._changed:
            if not self._changed.wait_for(lambda: current() is not None, timeout):
                raise SipTimeout(f"no call to {number} within {timeout} s\n{self.ladder}")
            found = current()
            assert found is not None
            return found

    # -- calls

    def _from_trunk(self, node: CucmNode) -> Callable[[IncomingRequest], None]:
        def called(incoming: IncomingRequest) -> None:
            number = number_of(incoming)
            if node.refuse_short_session(incoming):
                return
            agent = self._agents.get(number)
            if agent is not None:
                call = AgentCall(node, agent[0], incoming)
                with self._changed:
                    self.agent_calls.append(call)
                    self._changed.notify_all()
                behaviour = agent[1]
                self._run(lambda: call.serve(behaviour))
            elif number in self._line_parties:
                self._to_phone(incoming, node, self._line_parties[number])
            else:
                node.fail(incoming, Situation.UNALLOCATED)

        return called

    def _to_phone(self, incoming: IncomingRequest, node: CucmNode, party: Party) -> None:
        if self.lines.registration(party.number) is None:
            node.fail(incoming, Situation.UNREGISTERED)
            return
        caller = NameAddr.parse(incoming.request["From"])
        self._bridge(
            Bridge(
                incoming,
                self._ring_phone(party.number, caller),
                trunk=node,
                trunk_is_first=True,
                party=party,
                early_offer=True,
            )
        )

    def _from_phone(self, incoming: IncomingRequest) -> None:
        caller = NameAddr.parse(incoming.request["From"])
        number = number_of(incoming)
        party = self._line_parties.get(caller.uri.user or "", Party(caller.uri.user or "anonymous"))
        if number in self._line_parties:
            if self.lines.registration(number) is None:
                incoming.reply(404)
                return
            self._bridge(
                Bridge(
                    incoming,
                    self._ring_phone(number, caller),
                    trunk=None,
                    trunk_is_first=False,
                    party=self._line_parties[number],
                    early_offer=True,
                )
            )
            return
        node = self.nodes[0]
        if node.peer is None:
            incoming.reply(404)
            return
        self._bridge(
            Bridge(
                incoming,
                lambda offer: node.call(party, number, offer),
                trunk=node,
                trunk_is_first=False,
                party=party,
                early_offer=self.early_offer,
            )
        )

    def _ring_phone(self, number: str, caller: NameAddr) -> Callable[[Audio | None], OutgoingInvite]:
        registration = self.lines.registration(number)
        assert registration is not None
        name = f'"{caller.display}" ' if caller.display else ""
        shown = f"{name}<sip:{caller.uri.user or 'anonymous'}@{self.lines.local.host}>"

        def place(offer: Audio | None) -> OutgoingInvite:
            return self.lines.invite(
                registration.contact,
                offer,
                caller=shown,
                called=f"<sip:{number}@{self.lines.local.host}>",
                prepare=_contact_of_the_line(self.lines),
            )

        return place

    def _bridge(self, bridge: Bridge) -> None:
        self.bridges.append(bridge)
        self._run(bridge.serve)

    def _run(self, action: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                action()
            except Exception as failure:  # for `raise_failure`, in the test's thread
                with self._changed:
                    self._failures.append(failure)

        thread = threading.Thread(target=guarded, name="cucm call", daemon=True)
        self._threads.append(thread)
        thread.start()


def _contact_of_the_line(lines: LineSide) -> Callable[[Dialog], None]:
    def prepare(dialog: Dialog) -> None:
        dialog.contact = f"<sip:{lines.local}>"

    return prepare
