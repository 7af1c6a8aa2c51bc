"""The configuration of a site as rows: one dataclass a table, column by column (`docs/database.md`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

Option = str | int | float | bool | list[str]
Options = Mapping[str, Option]


class DnType(Enum):
    """What a DN is (column ``dn.type``)."""

    EXTENSION = "Extension"
    ROUTING_POINT = "RoutingPoint"
    ACD_QUEUE = "ACDQueue"
    TRUNK = "Trunk"
    VOIP_SERVICE = "VoIPService"


class Transport(Enum):
    """SIP transport protocol (column ``trunk_destination.transport``)."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class Selection(Enum):
    """How a trunk's destinations share its calls (column ``trunk.selection``)."""

    ROUND_ROBIN = "round-robin"
    PRIMARY_BACKUP = "primary-backup"


class GatewayRole(Enum):
    """What a user of the gateway may do (column ``gateway_user.role``)."""

    CLIENT = "client"
    SUPERVISOR = "supervisor"
    ROUTER = "router"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class ClearPassword:
    """A password as a person wrote it; it becomes a hash before it is stored."""

    text: str = field(repr=False)


Password = str | ClearPassword
"""A hash (`tlib.passwords`), or what is yet to be hashed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    name: str
    options: Options = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dn:
    number: str
    type: DnType
    trunk: str | None = None
    name: str = ""
    options: Options = field(default_factory=dict)
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Trunk:
    """What belongs to a DN of type Trunk; the number of its dispatcher set is the database's business."""

    dn: str
    selection: Selection = Selection.ROUND_ROBIN
    options: Options = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    trunk: str
    position: int
    host: str
    port: int = 5060
    transport: Transport = Transport.UDP
    weight: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    number: str
    dn: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    login_id: str
    name: str = ""
    password_hash: Password | None = None
    options: Options = field(default_factory=dict)
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayUser:
    name: str
    password_hash: Password
    role: GatewayRole = GatewayRole.CLIENT
    enabled: bool = True


Row = Switch | Dn | Trunk | Destination | Route | Agent | GatewayUser


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """All configuration tables of a site. Within a table no two rows have the same key."""

    switch: Switch
    dns: tuple[Dn, ...] = ()
    trunks: tuple[Trunk, ...] = ()
    destinations: tuple[Destination, ...] = ()
    routes: tuple[Route, ...] = ()
    agents: tuple[Agent, ...] = ()
    users: tuple[GatewayUser, ...] = ()
