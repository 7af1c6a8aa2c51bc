"""What the gateway counts since it started."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counters:
    """Written to the log every minute in which one changed, and at the end."""

    connections: int = 0
    refused_connections: int = 0
    """Above the maximum number of connections."""
    logins: int = 0
    refused_logins: int = 0
    requests: int = 0
    errors: int = 0
    """EventError sent."""
    events_read: int = 0
    """Rows of the event log."""
    events_delivered: int = 0
    """Once a client."""
    slow_clients: int = 0
    """Disconnected because their queue was full."""
    silent_clients: int = 0
    """Disconnected because nothing came from them for three keep-alive periods."""
    link_losses: int = 0
