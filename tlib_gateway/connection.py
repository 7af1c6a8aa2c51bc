"""One client's TCP connection: its queue of what is to be sent, and when to stop reading or give up."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tlib_gateway.session import Session

if TYPE_CHECKING:
    from tlib_gateway.server import Gateway

_HIGH_WATER = 256 * 1024
"""Bytes handed to the transport before the rest waits in our queue, where it is counted."""
_CLOSE_TIME = 5.0
"""Seconds that a client has to read the last messages before the connection is cut."""


class Connection(asyncio.Protocol):
    """Between the transport and the session. Everything of substance is in ``Session`` and ``Gateway``."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._writable = True
        self._reading = True
        self._closing = False
        self.session: Session | None = None

    # --- from asyncio -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.session = self._gateway.connected(self, f"{peer[0]}:{peer[1]}" if peer else "")

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self.session is not None:
            self._gateway.received(self, self.session, data)

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        self._writable = False

    def resume_writing(self) -> None:
        """The client has caught up with what the transport had."""
        self._writable = True
        self._write_queue()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, whoever wanted it."""
        self._closing = True
        self._queue.clear()
        if self.session is not None:
            self._gateway.disconnected(self.session, str(exc) if exc else "closed by the client")

    # --- from the gateway -------------------------------------------------------------------------

    def send(self, lines: Sequence[bytes]) -> bool:
        """Send whole lines, now or when the client reads. False: the queue is full."""
        if self._closing or self._transport is None:
            return True
        self._queue.extend(lines)
        self._queued_bytes += sum(map(len, lines))
        if self._writable:
            self._write_queue()
        limits = self._gateway.queue_limits
        return len(self._queue) <= limits.messages and self._queued_bytes <= limits.bytes

    def read_on(self, wanted: bool) -> None:
        """Read from the client, or leave it in the socket."""
        if wanted is not self._reading and self._transport is not None and not self._transport.is_closing():
            self._reading = wanted
            if wanted:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def close(self) -> None:
        """Send what is queued, then close; cut the connection when the client does not read it."""
        if self._transport is not None and not self._closing:
            self._closing = True
            self._transport.write(b"".join(self._queue))
            self._queue.clear()
            self._transport.close()
            self._loop.call_later(_CLOSE_TIME, self._transport.abort)

    def abort(self) -> None:
        """Cut the connection; what is queued is lost."""
        if self._transport is not None:
            self._closing = True
            self._transport.abort()

    def _write_queue(self) -> None:
        """Hand the queue to the transport, up to its high-water mark at a time."""
        assert self._transport is not None
        while self._queue and self._writable:
            chunk: list[bytes] = []
            size = 0
            while self._queue and size < _HIGH_WATER:
                line = self._queue.popleft()
                chunk.append(line)
                size += len(line)
            self._queued_bytes -= size
            self._transport.write(b"".join(chunk))
