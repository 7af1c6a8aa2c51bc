"""One site's configuration as the switch uses it: a snapshot of the configuration tables, and its shared form."""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Protocol

import msgspec


class DnType(Enum):
    """What a directory number stands for (column ``dn.type``)."""

    EXTENSION = "Extension"
    ROUTING_POINT = "RoutingPoint"
    ACD_QUEUE = "ACDQueue"
    TRUNK = "Trunk"
    VOIP_SERVICE = "VoIPService"


class Selection(Enum):
    """How a trunk's destinations share its calls; the value of each is in column ``trunk.selection``."""

    ROUND_ROBIN = "round-robin"
    PRIMARY_BACKUP = "primary-backup"

    @property
    def algorithm(self) -> int:
        """Kamailio's number for it (``dispatcher``, ``ds_select_dst``)."""
        return 4 if self is Selection.ROUND_ROBIN else 8


# Compared and hashed by identity: workers decode an entry once and keep what follows from it for as long.
class Dn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, eq=False):
    number: str
    type: DnType
    trunk: str | None = None
    """DN of the trunk that leads to it."""
    enabled: bool = True
    options: dict[str, object] = msgspec.field(default_factory=dict)


class Destination(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    position: int
    """Order within the trunk, first is 1; the primary of a primary-backup trunk."""
    host: str
    port: int
    transport: str = "udp"
    weight: int = 50

    @property
    def uri(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"sip:{host}:{self.port};transport={self.transport}"


class Trunk(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, eq=False):
    dn: str
    set_id: int
    """Number of its ``dispatcher`` set."""
    selection: Selection = Selection.ROUND_ROBIN
    destinations: tuple[Destination, ...] = ()
    options: dict[str, object] = msgspec.field(default_factory=dict)


class Route(msgspec.Struct, frozen=True, kw_only=True):
    number: str
    """As dialled."""
    dn: str


class Lookup(Protocol):
    """What a routing decision asks of the configuration."""

    def dn(self, number: str) -> Dn | None: ...

    def route(self, number: str) -> str | None: ...

    def trunk(self, name: str) -> Trunk | None: ...


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the switch must know of the configuration, read in one transaction."""

    name: str = ""
    options: dict[str, object] = msgspec.field(default_factory=dict)
    dns: tuple[Dn, ...] = ()
    trunks: tuple[Trunk, ...] = ()
    routes: tuple[Route, ...] = ()

    def entries(self, addresses_of: Callable[[str], Sequence[str]]) -> dict[str, dict[str, str]]:
        """The site as shared tables: table name → key → value.

        ``addresses_of`` gives the IP addresses of a host name (an address stands for itself). A trunk's option
        ``sources`` names further addresses that may send to us for it. An address of two trunks belongs to the
        first of them by name.
        """
        source: dict[str, str] = {}
        for trunk in sorted(self.trunks, key=lambda t: t.dn):
            extra = trunk.options.get("sources")
            hosts = [d.host for d in trunk.destinations]
            hosts += [str(host) for host in extra] if isinstance(extra, list) else []
            for host in hosts:
                for address in addresses_of(host):
                    source.setdefault(address, trunk.dn)
        return {
            "dn": {dn.number: encode(dn) for dn in self.dns},
            "route": {route.number: route.dn for route in self.routes},
            "trunk": {trunk.dn: encode(trunk) for trunk in self.trunks},
            "source": source,
        }

    def dispatcher_list(self) -> str:
        """The destinations as Kamailio's ``dispatcher`` reads them: set, URI, flags, priority, attributes."""
        lines = ["# Written by kamcti from the configuration tables; changes here are lost."]
        for trunk in sorted(self.trunks, key=lambda t: t.set_id):
            last = max((d.position for d in trunk.destinations), default=0)
            lines += [
                f"{trunk.set_id} {d.uri} 0 {last - d.position} weight={d.weight};position={d.position}"
                for d in sorted(trunk.destinations, key=lambda d: d.position)
            ]
        return "\n".join(lines) + "\n"


def encode(entry: Dn | Trunk) -> str:
    return msgspec.json.encode(entry).decode()


@lru_cache(maxsize=4096)
def _dn(text: str) -> Dn:
    return msgspec.json.decode(text, type=Dn)


@lru_cache(maxsize=256)
def _trunk(text: str) -> Trunk:
    return msgspec.json.decode(text, type=Trunk)


class SharedSite:
    """The configuration as a SIP worker sees it: look-ups in shared memory, each text decoded once."""

    def __init__(self, get: Mapping[str, Callable[[str], str | None]]) -> None:
        """``get``: for each table its look-up in shared memory."""
        self._get_dn, self._get_route, self._get_trunk = get["dn"], get["route"], get["trunk"]

    def dn(self, number: str) -> Dn | None:
        text = self._get_dn(number)
        return None if text is None else _dn(text)

    def route(self, number: str) -> str | None:
        return self._get_route(number)

    def trunk(self, name: str) -> Trunk | None:
        text = self._get_trunk(name)
        return None if text is None else _trunk(text)
