"""A real gateway process on a free port, that tests can stop, kill and start again on the same port."""

import sys
from pathlib import Path
from types import TracebackType

from tests.kit.processes import Process, wait_for

_READY = "tlib_gateway listens on "


class GatewayProcess:
    """``python -m tlib_gateway`` on loopback. As a context manager: started on entry, stopped on exit."""

    def __init__(self, directory: Path, database: str, *options: str) -> None:
        """``database`` is the conninfo of the role kamcti_gateway; ``options`` go to the command line."""
        self.host = "127.0.0.1"
        self.port = 0
        self._directory = directory
        self._database = database
        self._options = options
        self._starts = 0
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        return self._running.pid

    @property
    def log(self) -> str:
        """What the process of the last start has written."""
        return self._running.output()

    def start(self) -> None:
        """Start it and wait until it listens; on the port of the time before, if there was one."""
        assert self._process is None, "the gateway runs already"
        self._starts += 1
        command = [
            sys.executable, "-u", "-m", "tlib_gateway",
            "--listen", f"{self.host}:{self.port}", "--database", self._database, *self._options,
        ]  # fmt: skip
        log = self._directory / f"gateway-{id(self):x}-{self._starts}.log"
        self._process = Process("the gateway", command, log)
        try:
            self._process.wait_for_output(_READY, timeout=20)
            wait_for(lambda: _READY in self.log and "\n" in self.log.split(_READY, 1)[1], "the ready line")
        except BaseException:
            self.kill()
            raise
        self.port = int(self.log.split(_READY, 1)[1].split("\n", 1)[0].rpartition(":")[2])

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        process, self._process = self._running, None
        return process.stop()

    def kill(self) -> None:
        """SIGKILL, as in a crash."""
        process, self._process = self._running, None
        process.kill()

    @property
    def _running(self) -> Process:
        assert self._process is not None, "the gateway does not run"
        return self._process

    def __enter__(self) -> "GatewayProcess":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.stop()
