"""SIPp as load generator: one run of a scenario on free ports, bounded in rate and time, with a typed result.

with SippRun(UAS, directory=tmp_path, address="127.0.0.1", pause_ms=200) as phones:
    result = SippRun(UAC, directory=tmp_path, remote=phones.local, numbers=[("1001", "8000")],
                     calls=200, rate=50, pause_ms=1000).run()
assert result.failed == 0
"""

from __future__ import annotations

import contextlib
import csv
import math
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from tests.kit.processes import free_port
from tests.kit.sip import Address, Transport

SCENARIOS = Path(__file__).parent.parent / "bench" / "sipp"
UAC = SCENARIOS / "uac.xml"
UAS = SCENARIOS / "uas.xml"

_TRANSPORTS = {Transport.UDP: "u1", Transport.TCP: "t1"}


class SippError(AssertionError):
    """SIPp could not run, or did not end in time; the text holds what it printed."""


@dataclass(frozen=True, slots=True)
class ResponseTimes:
    """The samples of one of the scenario's timers, in milliseconds, sorted.

    SIPp measures whole milliseconds.
    """

    samples: tuple[float, ...]

    def percentile(self, percent: float) -> float:
        """The sample below or at which `percent` of all lie (nearest rank). ValueError without samples."""
        if not self.samples:
            raise ValueError("no response time was measured")
        rank = max(1, -(-len(self.samples) * percent // 100))
        return self.samples[int(rank) - 1]


@dataclass(frozen=True, slots=True)
class SippResult:
    """What SIPp counted over the whole run."""

    created: int
    successful: int
    failed: int
    unfinished: int
    """Calls that were still going on when the run was ended."""
    failures: Mapping[str, int]
    """Failed calls by SIPp's reason (`UnexpectedMessage`, `MaxUDPRetrans`, `TimeoutOnRecv` …), zeros left
    out.
    """
    retransmissions: int
    unexpected_messages: int
    """Messages outside any call, and for calls that were over already."""
    seconds: float
    response_times: Mapping[str, ResponseTimes] = field(default_factory=dict)
    """By the name of the scenario's timer."""
    errors: str = ""
    """The beginning of SIPp's error file."""


class SippRun:
    """One SIPp process. A context manager: it is running inside, and ended with all that belongs to it after.

    Without `remote` it waits for calls; it listens once `start` has returned. `calls` bounds how many are
    made or taken, `seconds` how long new ones are made; at least one of the two for a caller. `numbers` are
    the rows that scenarios see as [field0], [field1] …, taken in turn. `pause_ms` is the scenario's pause.
    `limit` bounds the calls at one time.
    """

    def __init__(
        self,
        scenario: Path,
        *,
        directory: Path,
        remote: Address | None = None,
        address: str = "127.0.0.1",
        port: int = 0,
        transport: Transport = Transport.UDP,
        calls: int | None = None,
        seconds: float | None = None,
        rate: float = 10.0,
        limit: int | None = None,
        pause_ms: int = 0,
        numbers: Sequence[Sequence[str]] = (),
        keys: Mapping[str, str] | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        if remote is not None and calls is None and seconds is None:
            raise ValueError("a caller needs a bound: calls or seconds")
        self.scenario = scenario
        self.remote = remote
        self.transport = transport
        self.calls = math.ceil(rate * seconds) if calls is None and seconds is not None else calls
        self._address = address
        self._port = port
        self._directory = directory
        self._rate = rate
        self._limit = limit
        self._pause_ms = pause_ms
        self._numbers = numbers
        self._keys = keys or {}
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = directory
        self._started = 0.0
        self.local = Address(address, port)

    @property
    def pid(self) -> int:
        """The process id, for measuring its CPU time."""
        assert self._process is not None, "not started"
        return self._process.pid

    def start(self) -> SippRun:
        """Start SIPp and wait until it listens. Raises SippError if it cannot."""
        for attempt in range(5):
            port = self._port or free_port(self._address)
            self._launch(port)
            if self._wait_until_listening(port):
                self.local = Address(self._address, port)
                return self
            output = self._output()
            self.stop()
            if self._port or "Unable to bind" not in output:
                raise SippError(f"SIPp did not start (attempt {attempt + 1}):\n{output}")
        raise SippError(f"SIPp found no free port:\n{output}")

    def wait(self, timeout: float | None = None) -> SippResult:
        """Wait until all calls are over.

        Raises SippError after `timeout` seconds (default: what the calls need).
        """
        assert self._process is not None, "not started"
        patience = timeout if timeout is not None else self._expected_seconds() + 30
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            output = self._output()
            self.stop()
            raise SippError(f"SIPp did not end within {patience} s:\n{output}") from None
        return self.result()

    def run(self, timeout: float | None = None) -> SippResult:
        """Start, wait, and give the result."""
        with self:
            return self.wait(timeout)

    def finish(self, timeout: float = 10.0) -> SippResult:
        """Take no new calls, let the running ones end, and give the result (SIGUSR1)."""
        assert self._process is not None, "not started"
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGUSR1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
        self.stop()
        return self.result()

    def stop(self) -> None:
        """End the process if it runs."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(3.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def __enter__(self) -> SippRun:
        return self.start() if self._process is None else self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def result(self) -> SippResult:
        """What the statistics file says.

        Complete once the process has ended. Raises SippError if there is none.
        """
        rows = list(csv.DictReader(self._read("stat.csv").splitlines(), delimiter=";"))
        if not rows:
            raise SippError(f"SIPp left no statistics:\n{self._output()}")
        last = rows[-1]

        def total(name: str) -> int:
            return int(last.get(f"{name}(C)") or 0)

        failures = {
            name.removeprefix("Failed").removesuffix("(C)"): int(value)
            for name, value in last.items()
            if name and name.startswith("Failed") and name.endswith("(C)") and name != "FailedCall(C)" and int(value)
        }
        return SippResult(
            created=int(last["TotalCallCreated"]),
            successful=total("SuccessfulCall"),
            failed=total("FailedCall"),
            unfinished=int(last["CurrentCall"]),
            failures=failures,
            retransmissions=total("Retransmissions"),
            unexpected_messages=total("OutOfCallMsgs") + total("DeadCallMsgs"),
            seconds=time.monotonic() - self._started,
            response_times=self._response_times(),
            errors=self._read("errors.log")[:4000],
        )

    # -- inside

    def _launch(self, port: int) -> None:
        number = 0
        while True:  # several runs of a scenario may share a directory
            self._folder = self._directory / f"{self.scenario.stem}-{number}"
            try:
                self._folder.mkdir(parents=True)
                break
            except FileExistsError:
                number += 1
        command = [
            "sipp", "-sf", str(self.scenario.resolve()), "-i", self._address, "-p", str(port),
            "-t", _TRANSPORTS[self.transport], "-nostdin", "-pause_msg_ign", "-d", str(self._pause_ms),
            "-trace_stat", "-stf", "stat.csv", "-fd", "1", "-trace_rtt", "-rtt_freq", "1",
            "-trace_err", "-error_file", "errors.log", "-max_socket", "5000", "-cp", str(free_port(self._address)),
            "-mi", self._address, "-mp", str(free_port(self._address)),
        ]  # fmt: skip
        if self._numbers:
            rows = "".join(";".join(row) + "\n" for row in self._numbers)
            (self._folder / "numbers.csv").write_text(f"SEQUENTIAL\n{rows}")
            command += ["-inf", "numbers.csv"]
        for name, value in self._keys.items():
            command += ["-key", name, value]
        if self.calls is not None:
            command += ["-m", str(self.calls)]
        if self._limit is not None:
            command += ["-l", str(self._limit)]
        if self.remote is not None:
            command += ["-r", str(int(self._rate)) if self._rate >= 1 else "1"]
            command += ["-rp", "1000" if self._rate >= 1 else str(int(1000 / self._rate))]
        command += list(self._arguments)
        if self.remote is not None:
            command.append(str(self.remote))
        self._started = time.monotonic()
        with (self._folder / "output.txt").open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "TERM": "dumb"},
            )

    def _wait_until_listening(self, port: int) -> bool:
        assert self._process is not None
        caller_over_tcp = self.remote is not None and self.transport is Transport.TCP
        deadline = time.monotonic() + 10.0
        while time.monotonic() < deadline:
            if caller_over_tcp or is_bound(Address(self._address, port), self.transport, self.pid):
                return True
            if self._process.poll() is not None:
                # A short run may be over before it was seen listening.
                return bool(self._read("stat.csv")) and self._process.returncode in (0, 1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.02)
        return False

    def _expected_seconds(self) -> float:
        calls = self.calls or 0
        return calls / self._rate + self._pause_ms / 1000 if self.remote is not None else 60.0

    def _response_times(self) -> dict[str, ResponseTimes]:
        samples: dict[str, list[float]] = {}
        for path in self._folder.glob("*_rtt.csv"):
            for line in path.read_text().splitlines()[1:]:
                fields = line.split(";")
                if len(fields) >= 3:
                    samples.setdefault(fields[2], []).append(float(fields[1]))
        return {name: ResponseTimes(tuple(sorted(values))) for name, values in samples.items()}

    def _read(self, name: str) -> str:
        path = self._folder / name
        return path.read_text(errors="replace") if path.exists() else ""

    def _output(self) -> str:
        return (self._read("output.txt") + self._read("errors.log"))[-3000:]


def is_bound(address: Address, transport: Transport, pid: int) -> bool:
    """True when process `pid` has a socket bound to this address (UDP) or listening on it (TCP), as the kernel says."""
    packed = int.from_bytes(socket.inet_aton(address.host), "little")
    wanted = f"{packed:08X}:{address.port:04X}"
    inodes = set()
    for line in Path(f"/proc/net/{transport.value}").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1] == wanted and (transport is Transport.UDP or fields[3] == "0A"):
            inodes.add(f"socket:[{fields[9]}]")
    try:
        return any(os.readlink(descriptor) in inodes for descriptor in Path(f"/proc/{pid}/fd").iterdir())
    except FileNotFoundError:  # the process, or one of its descriptors, went away while we looked
        return False
