"""Call identifiers: unique without asking anybody, and growing whatever the clock does."""

import re

import pytest

from kemi import connid
from kemi.connid import ConnIds, call_uuid


def test_connids_of_workers_never_meet() -> None:
    workers = [ConnIds(rank) for rank in range(1, 9)]
    numbers = [worker.next() for _ in range(2000) for worker in workers]
    assert len(set(numbers)) == len(numbers)
    assert all(0 < number < 1 << 64 for number in numbers)


def test_connids_grow_when_the_clock_stands_or_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([5_000_000_000, 5_000_000_000, 1_000_000_000, 6_000_000_000])
    monkeypatch.setattr(connid.time, "time_ns", lambda: next(times))
    ids = ConnIds(1)
    numbers = [ids.next() for _ in range(4)]
    assert numbers == sorted(set(numbers))


def test_call_uuid() -> None:
    uuids = {call_uuid() for _ in range(1000)}
    assert len(uuids) == 1000
    assert all(re.fullmatch("[0-9A-V]{32}", uuid) for uuid in uuids)
