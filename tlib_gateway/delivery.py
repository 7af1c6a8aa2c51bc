"""Which client gets which event of the log: the path that every event takes, so it decodes and encodes nothing."""

from collections.abc import Iterable

from tlib_gateway.registrations import SessionID
from tlib_gateway.site import Site

EventRow = tuple[int, str | None, bytes]
"""Sequence number, ThisDN (``None``: for everybody), the event as JSON."""


def deliver(rows: Iterable[EventRow], site: Site, active: Iterable[SessionID]) -> dict[SessionID, list[bytes]]:
    """The lines that each session gets of these events, in their order. ``active`` are the sessions logged in."""
    subscribers = site.registrations.subscribers
    lines: dict[SessionID, list[bytes]] = {}
    everybody: tuple[SessionID, ...] | None = None
    read = delivered = 0
    for _, dn, body in rows:
        read += 1
        if dn is None:
            receivers = everybody = tuple(active) if everybody is None else everybody
        else:
            receivers = subscribers.get(dn, ())
        if not receivers:
            continue
        line = one_line(body)
        delivered += len(receivers)
        for session in receivers:
            queue = lines.get(session)
            if queue is None:
                lines[session] = [line]
            else:
                queue.append(line)
    site.counters.events_read += read
    site.counters.events_delivered += delivered
    return lines


def one_line(body: bytes) -> bytes:
    """JSON with a newline at its end and none inside (in JSON text a newline can only be white space)."""
    if b"\n" in body:
        body = body.replace(b"\n", b" ")
    return body + b"\n"
