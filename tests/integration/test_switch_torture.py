"""Odd and broken SIP in the spirit of RFC 4475: each is handled as it should be, and the switch goes on serving."""

from collections.abc import Iterator

import pytest

from tests.kit.cucm import CucmNode
from tests.kit.cucm.failures import Situation
from tests.kit.fixtures_switch import GATEWAY, STRANGER, Switch
from tests.kit.processes import wait_for
from tests.kit.sip import Transport
from tests.kit.torture import CORPUS, Case, judge, probe


@pytest.fixture(scope="module")
def busy_node(switch: Switch) -> Iterator[CucmNode]:
    """Answers every call 486, so that a message that is relayed gets a final answer."""
    with switch.node() as node:
        node.automatic["INVITE"] = lambda incoming: node.fail(incoming, Situation.BUSY) and None
        yield node


@pytest.mark.parametrize(
    ("case", "transport"),
    [
        pytest.param(case, transport, id=f"{case.name}-{transport.value}")
        for case in CORPUS
        for transport in Transport
        if transport is Transport.UDP or not case.datagram_only
    ],
)
def test_case(switch: Switch, busy_node: CucmNode, case: Case, transport: Transport) -> None:
    found = probe(case, switch.address, transport=transport, address=GATEWAY)
    assert found.alive, switch.kamailio.log()[-2000:]
    assert judge(case, found.status) is None


def test_nothing_is_left_of_the_corpus(switch: Switch, busy_node: CucmNode) -> None:
    before = {name: switch.kamailio.table(name).keys() for name in ("leg", "dialog", "call")}
    for case in CORPUS:
        probe(case, switch.address, address=GATEWAY)
    for name, keys in before.items():
        wait_for(lambda n=name, k=keys: switch.kamailio.table(n).keys() <= k, f"table {name} is as it was")


def test_the_same_from_a_stranger(switch: Switch) -> None:
    """From an address that is no trunk nothing gets further than a refusal."""
    routed = switch.kamailio.counter("calls_routed")
    for case in CORPUS[:40]:
        probe(case, switch.address, address=STRANGER, timeout=0.05)
    assert switch.kamailio.counter("calls_routed") == routed
