"""How much one client may ask for."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one client may use. Times in seconds."""

    login_time: float = 10.0
    login_errors: int = 16
    """Messages that may be refused before the client has logged in."""
    keep_alive: float = 30.0
    """Period: something is sent at least this often; silence of three ends the connection."""
    request_time: float = 10.0
    """Until a request without an answer gets error 57."""
    outstanding: int = 100
    """Requests to the switch that may wait for their answers; one more gets error 1183."""
    outstanding_reads: int = 256
    """Questions to the database; while there are as many, nothing more is read from the client."""
