"""The part of the site's configuration that the gateway needs: which DNs there are, who may log in."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from tlib.enums import AddressType


class DNType(enum.Enum):
    """Type of a configured DN; the values are those of the database."""

    EXTENSION = "Extension"
    ROUTING_POINT = "RoutingPoint"
    ACD_QUEUE = "ACDQueue"
    TRUNK = "Trunk"
    VOIP_SERVICE = "VoIPService"

    @property
    def address_type(self) -> AddressType:
        """What T-Library calls such a DN."""
        return _ADDRESS_TYPES[self]

    @property
    def is_queue(self) -> bool:
        """Calls wait on it; nobody answers it."""
        return self in (DNType.ROUTING_POINT, DNType.ACD_QUEUE)


_ADDRESS_TYPES = {
    DNType.EXTENSION: AddressType.DN,
    DNType.ROUTING_POINT: AddressType.ROUTE_DN,
    DNType.ACD_QUEUE: AddressType.QUEUE,
    DNType.TRUNK: AddressType.TRUNK,
    DNType.VOIP_SERVICE: AddressType.OTHER,
}


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may log in. ``password_hash`` is what ``tlib.passwords`` makes."""

    name: str
    password_hash: str
    role: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """What was read from the database last; only rows that are enabled."""

    switch: str
    dns: Mapping[str, DNType]
    users: Mapping[str, User]
