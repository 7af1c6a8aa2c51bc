"""How a process inside Kamailio waits for work: cheap when idle, prompt when not, and without a thread.

The work lies in a queue in shared memory. A process that has had work lately naps for a few milliseconds between two
looks at the queue: at load nobody need poke it, and it handles what came meanwhile in one go. After some looks in
vain it says in a shared variable that it is asleep, looks once more, and waits in ``select`` on a UDP socket of its
own. Who puts something into the queue afterwards sees the variable and sends a datagram. The datagram carries
nothing and may be lost: the wait is bounded.
"""

import select
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from kemi.interfaces import Shared

_DATAGRAM = b"wake"


class Waiter:
    """The sleep of process ``name``: shared variables ``<name>_asleep`` and ``<name>_port`` belong to it."""

    def __init__(self, name: str, shared: Shared) -> None:
        self._name = name
        self._shared = shared
        self._socket: socket.socket | None = None

    def open(self) -> socket.socket:
        """Opens the socket in the process that calls first, and makes its port known."""
        if self._socket is None:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.bind(("127.0.0.1", 0))
            self._socket.setblocking(False)
            self._shared.set(f"{self._name}_port", self._socket.getsockname()[1])
        return self._socket

    def nap(self, seconds: float) -> None:
        """A pause in which nobody can wake this process."""
        time.sleep(seconds)

    def sleep(self, timeout: float, look: Callable[[], bool], also: Sequence[int] = ()) -> None:
        """Waits until it is poked, a file descriptor of ``also`` can be read, or ``timeout`` seconds are over.

        ``look`` looks at the queue and says whether there was work; it is called once others can see that this
        process is asleep, so that nothing put in before goes unnoticed.
        """
        mine = self.open()
        self._shared.set(f"{self._name}_asleep", 1)
        try:
            if not look():
                self._wait(mine, timeout, also)
        finally:
            self._shared.set(f"{self._name}_asleep", 0)

    def watch(self, timeout: float, also: Sequence[int]) -> None:
        """As ``sleep``, but others do not know of it: only file descriptors and the socket itself wake it."""
        self._wait(self.open(), timeout, also)

    def poke_self(self) -> None:
        """Ends the wait under way, from a signal handler."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.sendto(_DATAGRAM, self._socket.getsockname())

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _wait(self, mine: socket.socket, timeout: float, also: Sequence[int]) -> None:
        readable, _, _ = select.select([mine.fileno(), *also], [], [], timeout)
        if mine.fileno() in readable:
            with suppress(BlockingIOError):
                while True:
                    mine.recv(64)


class Poke:
    """Wakes process ``name`` if it is asleep."""

    def __init__(self, name: str, shared: Shared) -> None:
        self._asleep = f"{name}_asleep"
        self._port = f"{name}_port"
        self._shared = shared
        self._socket: socket.socket | None = None

    def __call__(self) -> None:
        if self._shared.get(self._asleep) != 1:
            return
        port = self._shared.get(self._port)
        if not isinstance(port, int) or not port:
            return
        if self._socket is None:
            self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
        # A lost poke costs the other's timeout, nothing else.
        with suppress(OSError):
            self._socket.sendto(_DATAGRAM, ("127.0.0.1", port))

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
