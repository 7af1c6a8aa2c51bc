"""How long the disk takes to make a write durable: every event waits for that once, in PostgreSQL."""

import os
import time
from pathlib import Path

from tests.bench.report import Latency

PAGE = b"\0" * 8192


def durable_writes(directory: Path, seconds: float = 5.0, rate: int = 60) -> Latency:
    """Milliseconds of ``fdatasync`` after a write of one page, as often as the journal commits under the load."""
    file = os.open(directory / "probe", os.O_CREAT | os.O_WRONLY)
    samples: list[float] = []
    try:
        for _ in range(int(seconds * rate)):
            before = time.perf_counter()
            os.pwrite(file, PAGE, 0)
            os.fdatasync(file)
            samples.append(1000 * (time.perf_counter() - before))
            time.sleep(max(0.0, 1 / rate - samples[-1] / 1000))
    finally:
        os.close(file)
    return Latency(tuple(sorted(samples)))
