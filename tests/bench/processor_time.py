"""Processor time of a process and all its descendants, from the kernel's own accounting."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Usage:
    """Seconds on a processor, by process id."""

    seconds: dict[int, float]

    def since(self, earlier: "Usage") -> dict[int, float]:
        """What each process has used since; a process that is new counts from its start."""
        return {pid: used - earlier.seconds.get(pid, 0.0) for pid, used in self.seconds.items()}


def usage(root: int) -> Usage:
    """What ``root`` and its descendants have used so far."""
    seconds: dict[int, float] = {}
    for pid in _tree(root):
        try:
            # The first field of schedstat is nanoseconds on a processor; stat counts in ticks of 10 ms only.
            seconds[pid] = sum(
                int((task / "schedstat").read_text().split()[0]) / 1e9 for task in Path(f"/proc/{pid}/task").iterdir()
            )
        except (FileNotFoundError, ProcessLookupError):
            continue
    return Usage(seconds)


def name_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()


def _tree(root: int) -> list[int]:
    found = [root]
    for pid in found:
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        found += [int(child) for child in children]
    return found
