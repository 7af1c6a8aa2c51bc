"""Where an INVITE goes: the dialled number, the configuration, and nothing else, decide."""

from dataclasses import dataclass
from functools import lru_cache

from kemi.routing.site import Dn, DnType, Lookup, Trunk

# RFC 3261 §17.1.1.2 Timer B; a trunk with a further destination does not let the caller wait that long for the first.
ONLY_DESTINATION_MS = 32_000
NEXT_DESTINATION_MS = 4_000


@dataclass(frozen=True, slots=True)
class Relay:
    """Send the INVITE on."""

    callee: str
    """The DN."""
    trunk: str
    sets: str
    """Dispatcher sets to try in order, as ``ds_select_routes`` wants them: ``set=algorithm;…``."""
    trying_ms: int
    """How long one destination has for its first answer."""
    uri: str
    """The callee as To and log name it: at the trunk's first destination."""


@dataclass(frozen=True, slots=True)
class Refuse:
    code: int
    reason: str


NOT_CONFIGURED = Refuse(404, "Number Is Not Configured")


def decide(dialled: str, site: Lookup) -> Relay | Refuse:
    """The verdict for an INVITE to ``dialled``: a DN, or a number that a route leads to a DN."""
    dn = site.dn(dialled)
    if dn is None:
        routed = site.route(dialled)
        dn = site.dn(routed) if routed is not None else None
        if dn is None:
            return NOT_CONFIGURED
    return _way_to(dn, site.trunk(dn.trunk) if dn.trunk is not None else None)


@lru_cache(maxsize=4096)
def _way_to(dn: Dn, trunk: Trunk | None) -> Relay | Refuse:
    if not dn.enabled or dn.type is DnType.TRUNK:
        return NOT_CONFIGURED
    if dn.trunk is None:
        return Refuse(480, f"No Destination For {dn.type.value}")
    if trunk is None or not trunk.destinations:
        return Refuse(503, "Trunk Has No Destination")
    return Relay(
        callee=dn.number,
        trunk=trunk.dn,
        sets=f"{trunk.set_id}={trunk.selection.algorithm}",
        trying_ms=ONLY_DESTINATION_MS if len(trunk.destinations) == 1 else NEXT_DESTINATION_MS,
        uri=f"<sip:{dn.number}@{trunk.destinations[0].host}>",
    )
