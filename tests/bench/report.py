"""The benchmark's result as a page of documentation."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Measured:
    """One system under load. Milliseconds of processor time for one call, by part."""

    milliseconds: dict[str, float]
    successful: int
    failed: int
    failures: dict[str, int]

    @property
    def total(self) -> float:
        return sum(self.milliseconds.values())


@dataclass(frozen=True, slots=True)
class Latency:
    """Delays in milliseconds, sorted."""

    samples: tuple[float, ...]

    def percentile(self, percent: float) -> float:
        """Nearest rank; not a number without samples."""
        if not self.samples:
            return float("nan")
        rank = max(1, -(-len(self.samples) * percent // 100))
        return self.samples[int(rank) - 1]


@dataclass(frozen=True, slots=True)
class Report:
    rate: int
    seconds: int
    hold_ms: int
    plain: Measured
    """As Debian starts it."""
    same: Measured
    """With the memory manager and pool sizes that kamcti's Kamailio has."""
    kamcti: Measured
    ringing: Latency
    disk: Latency
    """Of one durable write, apart from all else."""
    wrong: tuple[str, ...]


def write(report: Report) -> str:
    """The page, in Markdown."""
    rows = [
        _row("plain Kamailio, as Debian starts it", report.plain, report),
        _row("plain Kamailio, memory manager as kamcti's", report.same, report),
        _row("kamcti, all processes", report.kamcti, report),
    ]
    parts = [f"| – of that: {name} | {used:.3f} | | | | |" for name, used in report.kamcti.milliseconds.items()]
    own = sum(used for name, used in report.kamcti.milliseconds.items() if name != "PostgreSQL")
    ringing, disk, same = report.ringing, report.disk, report.same.total
    return f"""# Performance

Written by `make bench`. {report.rate} calls a second for {report.seconds} s, each held for {report.hold_ms / 1000:g} s:
SIPp calls through the switch to SIPp. With kamcti, one T-Library client is registered on every DN and every event is
journaled in PostgreSQL (durable). Processor time is what the kernel accounts to all processes of a system, divided by
the number of calls. The plain Kamailio relays with `record_route` and `dialog`
([its configuration](../tests/bench/plain.cfg)).

| system | CPU a call (ms) | against plain | against plain, same memory manager | calls | failed |
|---|---|---|---|---|---|
{chr(10).join(rows + parts)}

kamcti's own processes, without PostgreSQL: {own:.3f} ms a call, {own / report.plain.total:.2f} × plain Kamailio,
{own / same:.2f} × plain Kamailio with the same memory manager.

From the 180 on the wire to EventRinging at the client: p50 {ringing.percentile(50):.1f} ms,
p99 {ringing.percentile(99):.1f} ms, {len(ringing.samples)} calls.
One durable write of this machine's disk (`fdatasync`), which each event waits for: p50 {disk.percentile(50):.1f} ms,
p99 {disk.percentile(99):.1f} ms, longest {disk.percentile(100):.1f} ms.

Events lost, doubled or out of order, and calls without their events: {"; ".join(report.wrong) or "none"}.

Machine: {_machine()}.
"""


def _row(name: str, measured: Measured, report: Report) -> str:
    total = measured.total
    return (
        f"| {name} | {total:.3f} | {total / report.plain.total:.2f} | {total / report.same.total:.2f}"
        f" | {measured.successful} | {measured.failed} |"
    )


def _machine() -> str:
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024 / 1024
    system = f"Linux {platform.release()}"
    return f"{os.cpu_count()} processors ({processor}), {memory:.0f} GiB, {system}; everything on loopback"
