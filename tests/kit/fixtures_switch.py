"""pytest fixtures: a switch with two CUCM nodes, a media gateway and a small dial plan, on addresses of their own.

Every trunk has an address of its own in 127.0.0.0/8, because the switch tells trunks apart by address. The ports of
nodes and gateway are fixed for the session, so that each test can bring up and take down what listens there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.kit.cucm import CucmNode
from tests.kit.fixtures_postgres import Database
from tests.kit.kamailio import Kamailio
from tests.kit.postgres import PrivatePostgres
from tests.kit.processes import free_port
from tests.kit.sip import Address, Endpoint, IncomingRequest, OutgoingInvite, Transport

GATEWAY, NODE_1, NODE_2 = "127.0.0.2", "127.0.0.3", "127.0.0.4"
STRANGER = "127.0.0.9"

_names = count(1)


@dataclass(frozen=True, slots=True)
class Switch:
    """A running switch with its database and the addresses of what is around it."""

    kamailio: Kamailio
    database: Database
    ports: dict[str, int]

    @property
    def address(self) -> Address:
        return Address(self.kamailio.address, self.kamailio.port)

    def gateway(self, transport: Transport = Transport.UDP) -> Endpoint:
        """The media gateway: customers call through it."""
        return Endpoint("gateway", address=GATEWAY, port=self.ports[GATEWAY], transport=transport, peer=self.address)

    def node(self, address: str = NODE_1, transport: Transport = Transport.UDP) -> CucmNode:
        """A CUCM node; agents' phones are behind it."""
        return CucmNode(
            f"cucm-{address}", address=address, port=self.ports[address], transport=transport, peer=self.address
        )

    def execute(self, statement: str, *parameters: object) -> None:
        """SQL as an administrator gives it."""
        with self.database.connect() as connection:
            connection.execute(statement, parameters)  # type: ignore[arg-type]


def write_site(connection: psycopg.Connection[tuple[object, ...]], ports: dict[str, int]) -> None:
    """Trunks: Gateway (customers), Node1 and Node1Tcp, Cluster (both nodes in turn), Pair (node 2 is the backup).

    2001 and 2002 are behind Node1, 2101 behind Node1Tcp, 3001 behind Cluster, 3101 behind Pair; 8000 leads to 2001.
    """
    trunks = {
        "Gateway": ("round-robin", [(GATEWAY, "udp")]),
        "Node1": ("round-robin", [(NODE_1, "udp")]),
        "Node1Tcp": ("round-robin", [(NODE_1, "tcp")]),
        "Cluster": ("round-robin", [(NODE_1, "udp"), (NODE_2, "udp")]),
        "Pair": ("primary-backup", [(NODE_1, "udp"), (NODE_2, "udp")]),
    }
    extensions = {"2001": "Node1", "2002": "Node1", "2101": "Node1Tcp", "3001": "Cluster", "3101": "Pair"}
    with connection.transaction():
        for name, (selection, destinations) in trunks.items():
            connection.execute("INSERT INTO kamcti.dn (number, type) VALUES (%s, 'Trunk')", (name,))
            connection.execute("INSERT INTO kamcti.trunk (dn, selection) VALUES (%s, %s)", (name, selection))
            for position, (host, transport) in enumerate(destinations, start=1):
                connection.execute(
                    "INSERT INTO kamcti.trunk_destination (trunk, position, host, port, transport)"
                    " VALUES (%s, %s, %s, %s, %s)",
                    (name, position, host, ports[host], transport),
                )
        for number, trunk in extensions.items():
            connection.execute(
                "INSERT INTO kamcti.dn (number, type, trunk) VALUES (%s, 'Extension', %s)", (number, trunk)
            )
        connection.execute("INSERT INTO kamcti.route (number, dn) VALUES ('8000', '2001')")


def hang_up(call: OutgoingInvite, incoming: IncomingRequest) -> None:
    """The caller ends the call, the callee agrees."""
    bye = call.dialog.bye()
    incoming.dialog.expect_request("BYE").reply(200)
    bye.expect(200)


def _start(cluster: PrivatePostgres, directory: Path, options_interval: int) -> Switch:
    name = f"kamcti_switch_{next(_names)}"
    cluster.create_database(name, template="kamcti_template")
    database = Database(cluster, name)
    ports = {address: free_port(address) for address in (GATEWAY, NODE_1, NODE_2)}
    with database.connect() as connection:
        write_site(connection, ports)
    kamailio = Kamailio(directory, database.conninfo("kamcti_switch"), options_interval=options_interval)
    kamailio.start()
    kamailio.wait_for_site()
    return Switch(kamailio, database, ports)


@pytest.fixture(scope="session")
def switch(postgres_cluster: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Switch]:
    """One switch for all tests that leave it as it was. It pings no destination, so that nodes may come and go."""
    started = _start(postgres_cluster, tmp_path_factory.mktemp("switch"), options_interval=36_000)
    yield started
    started.kamailio.stop()


@pytest.fixture
def own_switch(postgres_cluster: PrivatePostgres, tmp_path: Path) -> Iterator[Switch]:
    """A switch that a test may change, kill and restart. It pings destinations every second."""
    started = _start(postgres_cluster, tmp_path / "switch", options_interval=1)
    yield started
    started.kamailio.stop()


@pytest.fixture
def gateway(switch: Switch) -> Iterator[Endpoint]:
    """The media gateway of ``switch``."""
    with switch.gateway() as endpoint:
        yield endpoint


@pytest.fixture
def node(switch: Switch) -> Iterator[CucmNode]:
    """Node 1 of ``switch``."""
    with switch.node() as node:
        yield node
