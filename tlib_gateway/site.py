"""What all sessions of a gateway share: the link, the configuration, the registrations."""

from dataclasses import dataclass, field

from tlib_gateway.configuration import Configuration, DNType
from tlib_gateway.counters import Counters
from tlib_gateway.registrations import Registrations


@dataclass(slots=True)
class Site:
    """The world as a session sees it. The server keeps it up to date and then tells the sessions."""

    version: str
    epoch: float = 0.0
    """Unix time at which the clock of ``now`` arguments was 0."""
    configuration: Configuration | None = None
    """``None`` until it could be read for the first time."""
    link_up: bool = False
    """Whether the switch can be asked and heard; the server decides."""
    link_reason: str = "the gateway has just started"
    registrations: Registrations = field(default_factory=Registrations)
    counters: Counters = field(default_factory=Counters)

    def dn_type(self, dn: str) -> DNType | None:
        """Type of a configured DN; ``None``: there is no such DN."""
        return self.configuration.dns.get(dn) if self.configuration else None
