"""An orderly end of a process inside Kamailio that still holds something."""

import signal
from collections.abc import Callable
from types import FrameType


class Termination:
    """Remembers that this process was asked to end, and lets its owner end it when it is ready.

    Kamailio sends SIGTERM to each of its processes and waits a minute for them before it kills them.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        """``wake`` is called in the signal handler, to end a wait under way."""
        self._wake = wake
        self._installed = False
        self.requested = False

    def install(self) -> None:
        """Takes SIGTERM and SIGINT over, once, in the process that calls."""
        if not self._installed:
            self._installed = True
            signal.signal(signal.SIGTERM, self._handle)
            signal.signal(signal.SIGINT, self._handle)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        self._wake()
