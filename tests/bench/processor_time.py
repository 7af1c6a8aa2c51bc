"""Processor time of processes, from the kernel's own accounting."""

from collections.abc import Iterable
from pathlib import Path


def tree(root: int) -> list[int]:
    """``root`` and its descendants."""
    found = [root]
    for pid in found:
        found += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return found


def seconds(pids: Iterable[int]) -> float:
    """What all of them have used so far. Each must be alive: what an ended process used would be missing."""
    # The first field of schedstat is nanoseconds on a processor; stat counts in ticks of 10 ms only.
    return sum(
        int((task / "schedstat").read_text().split()[0]) / 1e9
        for pid in pids
        for task in Path(f"/proc/{pid}/task").iterdir()
    )
