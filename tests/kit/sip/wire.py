"""Sockets and timers of one endpoint.

UDP, a TCP listener, TCP connections, and the thread that serves them.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import heapq
import itertools
import re
import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

MAX_MESSAGE = 1 << 20


class Transport(enum.Enum):
    """How messages travel."""

    UDP = "udp"
    TCP = "tcp"


@dataclass(frozen=True, slots=True)
class Address:
    """An IPv4 address and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(eq=False, slots=True)
class Connection:
    """One TCP connection with what was read of it and is not yet a whole message."""

    socket: socket.socket
    remote: Address
    local: Address
    buffer: bytearray = field(default_factory=bytearray)
    writing: threading.Lock = field(default_factory=threading.Lock)
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a message came from, or goes to: the connection counts for TCP, the address for UDP."""

    transport: Transport
    remote: Address
    connection: Connection | None = None

    def __str__(self) -> str:
        return f"{self.remote}/{self.transport.value}"


_LENGTH = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*(\d+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)


def take_message(buffer: bytearray) -> bytes | None:
    """Cut one whole message off the front of a stream (RFC 3261 §18.3), or None if there is none yet.

    Blank lines before a message (keep-alives) are dropped. A message without Content-Length has no body.
    """
    while buffer[:2] == b"\r\n":
        del buffer[:2]
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(buffer[: end + 2])
    found = _LENGTH.search(head)
    size = end + 4 + (int(found[1]) if found else 0)
    if len(buffer) < size:
        return None
    message = bytes(buffer[:size])
    del buffer[:size]
    return message


@dataclass(order=True, slots=True)
class _Timer:
    due: float
    number: int
    action: Callable[[], None] = field(compare=False)
    cancelled: bool = field(compare=False, default=False)


class Wire:
    """The sockets of an endpoint on one address and one port, UDP and TCP alike.

    `received` is called in the wire's own thread for every datagram and every message framed from a stream;
    `failed` gets an exception that escaped from it or from a timer. `port` 0 picks one that is free for both
    transports.
    """

    def __init__(
        self,
        address: str,
        port: int,
        received: Callable[[bytes, Flow], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._received = received
        self._failed = failed
        self._selector = selectors.DefaultSelector()
        self._udp, self._listener = _bind(address, port)
        self.local = Address(address, self._udp.getsockname()[1])
        self._connections: dict[Address, Connection] = {}
        self._every_connection: set[Connection] = set()
        self._lock = threading.Lock()
        self._timers: list[_Timer] = []
        self._numbers = itertools.count()
        self._closing = False
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._selector.register(self._udp, selectors.EVENT_READ, self._read_datagrams)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(self._wake_read, selectors.EVENT_READ, self._read_wake)
        self._thread = threading.Thread(target=self._run, name=f"sip {self.local}", daemon=True)
        self._thread.start()

    # -- sending

    def send(self, data: bytes, flow: Flow) -> None:
        """Send bytes.

        Raises OSError (ConnectionRefusedError, BrokenPipeError …) when TCP cannot deliver them.
        """
        if flow.transport is Transport.UDP:
            with contextlib.suppress(ConnectionRefusedError):  # ICMP of an earlier datagram
                self._udp.sendto(data, (flow.remote.host, flow.remote.port))
            return
        connection = flow.connection or self.connect(flow.remote).connection
        assert connection is not None
        with connection.writing:
            connection.socket.sendall(data)

    def connect(self, remote: Address, *, fresh: bool = False) -> Flow:
        """A TCP flow to `remote` from an ephemeral port of our address.

        An open one is used again unless `fresh`.
        """
        with self._lock:
            known = self._connections.get(remote)
        if known is not None and not known.closed and not fresh:
            return Flow(Transport.TCP, remote, known)
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.settimeout(5.0)
        try:
            sock.bind((self.local.host, 0))
            sock.connect((remote.host, remote.port))
        except OSError:
            sock.close()
            raise
        connection = self._adopt(sock, remote)
        with self._lock:
            self._connections[remote] = connection
        return Flow(Transport.TCP, remote, connection)

    def close_connections(self) -> None:
        """Break every TCP connection, as a restart of the peer would."""
        with self._lock:
            connections = list(self._every_connection)
        for connection in connections:
            self._drop(connection)
        self._wake()

    def refuse_tcp(self) -> None:
        """Stop listening on TCP: new connections are refused from now on. Open ones live on."""
        with self._lock:
            listener = self._listener
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(listener)
        listener.close()

    def accept_tcp(self) -> None:
        """Listen on TCP again after `refuse_tcp`."""
        self.refuse_tcp()
        listener = _listen(self.local.host, self.local.port)
        with self._lock:
            self._listener = listener
        self._selector.register(listener, selectors.EVENT_READ, self._accept)
        self._wake()

    # -- timers

    def later(self, delay: float, action: Callable[[], None]) -> Callable[[], None]:
        """Run `action` in the wire's thread after `delay` seconds; the result cancels it."""
        timer = _Timer(time.monotonic() + delay, next(self._numbers), action)
        with self._lock:
            heapq.heappush(self._timers, timer)
        self._wake()

        def cancel() -> None:
            timer.cancelled = True

        return cancel

    # -- the thread

    def close(self) -> None:
        """Stop the thread and close every socket."""
        if self._closing:
            return
        self._closing = True
        self._wake()
        if threading.current_thread() is not self._thread:
            self._thread.join(5.0)
        with self._lock:
            connections = list(self._every_connection)
        for connection in connections:
            self._drop(connection)
        for sock in (self._udp, self._listener, self._wake_read, self._wake_write):
            sock.close()
        self._selector.close()

    def _run(self) -> None:
        while not self._closing:
            for key, _ in self._selector.select(self._run_timers()):
                try:
                    key.data()
                except Exception as error:  # handed to the test thread by `failed`
                    self._failed(error)

    def _run_timers(self) -> float | None:
        while True:
            with self._lock:
                if not self._timers:
                    return None
                left = self._timers[0].due - time.monotonic()
                if left > 0:
                    return left
                timer = heapq.heappop(self._timers)
            if not timer.cancelled and not self._closing:
                try:
                    timer.action()
                except Exception as error:
                    self._failed(error)

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            self._wake_write.send(b"x")

    def _read_wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wake_read.recv(4096)

    def _read_datagrams(self) -> None:
        while not self._closing:
            try:
                data, (host, port) = self._udp.recvfrom(1 << 16)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            self._received(data, Flow(Transport.UDP, Address(host, port)))

    def _accept(self) -> None:
        try:
            sock, (host, port) = self._listener.accept()
        except OSError:
            return
        self._adopt(sock, Address(host, port))

    def _adopt(self, sock: socket.socket, remote: Address) -> Connection:
        sock.settimeout(5.0)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(sock, remote, Address(*sock.getsockname()))
        with self._lock:
            self._every_connection.add(connection)
        self._selector.register(sock, selectors.EVENT_READ, lambda: self._read_stream(connection))
        self._wake()
        return connection

    def _read_stream(self, connection: Connection) -> None:
        try:
            data = connection.socket.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self._drop(connection)
            return
        connection.buffer += data
        if len(connection.buffer) > MAX_MESSAGE:
            self._drop(connection)
            raise ValueError(f"more than {MAX_MESSAGE} bytes without a whole message from {connection.remote}")
        flow = Flow(Transport.TCP, connection.remote, connection)
        while (message := take_message(connection.buffer)) is not None:
            self._received(message, flow)

    def _drop(self, connection: Connection) -> None:
        connection.closed = True
        with self._lock:
            self._every_connection.discard(connection)
            if self._connections.get(connection.remote) is connection:
                del self._connections[connection.remote]
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(connection.socket)
        with contextlib.suppress(OSError):
            connection.socket.shutdown(socket.SHUT_RDWR)
        connection.socket.close()


def _listen(address: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener


def _bind(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    for _ in range(50):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        try:
            udp.bind((address, port))
            listener = _listen(address, udp.getsockname()[1])
        except OSError as error:
            udp.close()
            if port or error.errno != errno.EADDRINUSE:
                raise
            continue
        udp.setblocking(False)
        return udp, listener
    raise OSError(errno.EADDRINUSE, f"no port of {address} is free for UDP and TCP at once")
