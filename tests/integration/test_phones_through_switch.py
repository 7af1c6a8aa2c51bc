"""Real phones behind the CUCM stand-in: what people hear on a call through the switch."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.cucm import CucmCluster, Party
from tests.kit.fixtures_switch import Switch
from tests.kit.phones import CallState, Phone
from tests.kit.processes import wait_for

TRUNK = "127.0.0.12"
TONES = {"+15550100": 600, "2901": 900}


@pytest.fixture
def cucm(switch: Switch) -> Iterator[CucmCluster]:
    """A cluster with a trunk of its own: DN 2901 behind it, customers call 8900."""
    with CucmCluster(trunk=switch.address, addresses=(TRUNK,)) as cluster:
        port = cluster.nodes[0].local.port
        with switch.database.connect() as connection, connection.transaction():
            connection.execute("INSERT INTO kamcti.dn (number, type) VALUES ('Phones', 'Trunk')")
            connection.execute("INSERT INTO kamcti.trunk (dn) VALUES ('Phones')")
            connection.execute(
                "INSERT INTO kamcti.trunk_destination (trunk, position, host, port, transport)"
                " VALUES ('Phones', 1, %s, %s, 'tcp')",
                (TRUNK, port),
            )
            connection.execute("INSERT INTO kamcti.dn (number, type, trunk) VALUES ('2901', 'Extension', 'Phones')")
            connection.execute("INSERT INTO kamcti.route (number, dn) VALUES ('8900', '2901')")
        wait_for(lambda: "8900" in switch.kamailio.table("route"), "the trunk is known", 2.0)
        for number in TONES:
            cluster.add_line(Party(number))
        yield cluster
    with switch.database.connect() as connection, connection.transaction():
        for statement in (
            "DELETE FROM kamcti.route WHERE number = '8900'",
            "DELETE FROM kamcti.dn WHERE number = '2901'",
            "DELETE FROM kamcti.dn WHERE number = 'Phones'",
        ):
            connection.execute(statement)


@pytest.fixture
def phones(cucm: CucmCluster, tmp_path: Path) -> Iterator[tuple[Phone, Phone]]:
    def phone(number: str) -> Phone:
        return Phone(number, directory=tmp_path, tone=TONES[number], registrar=cucm.lines.local)

    with phone("+15550100") as customer, phone("2901") as agent:
        yield customer, agent


def test_both_hear_each_other_before_and_after_a_hold(cucm: CucmCluster, phones: tuple[Phone, Phone]) -> None:
    customer, agent = phones
    call = customer.call("8900")
    at_agent = agent.expect_call()
    call.wait_for(CallState.EARLY)
    at_agent.answer()
    call.wait_for(CallState.CONFIRMED)
    assert customer.hears(TONES["2901"])
    assert agent.hears(TONES["+15550100"])

    # The phone's own hold crosses the trunk in CUCM's two steps, and the switch relays each of them.
    at_agent.hold()
    assert customer.hears_silence()
    at_agent.resume()
    assert customer.hears(TONES["2901"])
    assert agent.hears(TONES["+15550100"])

    at_agent.hang_up()
    call.wait_for(CallState.DISCONNECTED)
