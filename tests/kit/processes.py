"""Child processes of tests and demo: each in a process group of its own, always ended, never by name."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar

T = TypeVar("T")


def free_port(address: str = "127.0.0.1") -> int:
    """A port of ``address`` that is free for UDP and TCP at the moment of asking."""
    for _ in range(100):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
            tcp.bind((address, 0))
            port: int = tcp.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, contextlib.suppress(OSError):
                udp.bind((address, port))
                return port
    raise OSError(f"no port of {address} is free for both UDP and TCP")


def wait_for(condition: Callable[[], T], what: str, timeout: float = 10.0) -> T:
    """The first true value of ``condition``, asked again every few milliseconds; ``TimeoutError`` names ``what``."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout} s: {what}")
        time.sleep(0.01)


class Process:
    """A child process with its output in a file.

    It is told to end (SIGTERM) when the thread that started it dies, so that a test run that is killed leaves nothing.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as out:
            self._child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        self.pid = self._child.pid

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def wait_for_output(self, text: str, timeout: float = 10.0) -> None:
        """Waits until the process has written ``text``; ends with its output when it dies instead."""

        def written() -> bool:
            if text in self.output():
                return True
            if not self.running:
                raise RuntimeError(f"{self.name} ended with {self._child.returncode}:\n{self.output()[-4000:]}")
            return False

        wait_for(written, f"{self.name} writes {text!r}; it wrote:\n{self.output()[-2000:]}", timeout)

    def stop(self, timeout: float = 10.0) -> int:
        """SIGTERM, then SIGKILL to the whole group when that takes too long. Returns the exit status."""
        if self.running:
            self._child.send_signal(signal.SIGTERM)
            try:
                self._child.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        return self._child.wait()

    def kill(self) -> None:
        """SIGKILL to the process and all its children."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._child.wait()

    def __enter__(self) -> "Process":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
