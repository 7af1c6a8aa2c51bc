"""Allocation of call identifiers in the SIP workers, without any of them asking another."""

import os
import time


class ConnIds:
    """ConnIDs of one worker process: 8 bits of node, 42 of milliseconds, 8 of worker, 6 of sequence.

    They are unique as long as no two live processes share node and worker number and the clock does not jump
    back across a restart; within a process they only grow, whatever the clock does.
    """

    def __init__(self, worker: int, node: int = 0) -> None:
        self._fixed = (node & 0xFF) << 56 | (worker & 0xFF) << 6
        self._last = 0

    def next(self) -> int:
        now = time.time_ns() // 1_000_000 << 6
        self._last = max(now, self._last + 1)
        milliseconds, sequence = self._last >> 6, self._last & 0x3F
        return self._fixed | (milliseconds & (1 << 42) - 1) << 14 | sequence


def call_uuid() -> str:
    """A CallUUID: 32 upper-case hexadecimal digits, random. They are digits of base-32 (RFC 4648 §7) as well."""
    return os.urandom(16).hex().upper()
