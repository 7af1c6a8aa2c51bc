"""What waits in the journal's memory: order, bounds, and how live state is coalesced."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kemi import rows
from kemi.backlog import Backlog, Chunk, Limits
from tlib.enums import CallType, DNRole, PartyState


def event(number: int, size: int = 2) -> rows.EventRow:
    return rows.EventRow(float(number), str(number), "EventOnHook", None, msgspec.Raw(b"x" * size))


def live(connid: str, state: PartyState = PartyState.ALERTING, whole: bool = True) -> rows.LiveCall:
    call = rows.CallRow(connid, "U" * 32, CallType.INBOUND, None, None, None, msgspec.Raw(b"{}"), 1.0)
    party = rows.PartyRow(connid, "1001", DNRole.DESTINATION, state, None, 1.0)
    leg = rows.LegRow(f"{connid}-1", connid, "c", "", "", "", "", "", "", "", "", 1.0)
    return rows.LiveCall(connid, call if whole else None, [party], [leg] if whole else None)


def numbers(chunk: Chunk) -> list[str]:
    return [row.this_dn for row in chunk.events]


def test_events_come_out_in_order_and_in_bounded_chunks() -> None:
    backlog = Backlog(Limits(chunk_events=3))
    backlog.add(rows.Batch(events=[event(n) for n in range(5)]))
    backlog.add(rows.Batch(events=[event(5)]))
    assert backlog.events == 6
    assert [numbers(backlog.take()) for _ in range(2)] == [["0", "1", "2"], ["3", "4", "5"]]
    assert not backlog
    assert backlog.bytes == 0


def test_a_chunk_is_bounded_in_bytes_too() -> None:
    backlog = Backlog(Limits(chunk_bytes=1000))
    backlog.add(rows.Batch(events=[event(n, size=600) for n in range(3)]))
    assert numbers(backlog.take()) == ["0"]


def test_beyond_the_bounds_the_oldest_go() -> None:
    backlog = Backlog(Limits(events=3))
    backlog.add(rows.Batch(events=[event(n) for n in range(5)]))
    assert backlog.dropped == 2
    chunk = backlog.take()
    assert (numbers(chunk), chunk.lost_before) == (["2", "3", "4"], 2)
    backlog.add(rows.Batch(events=[event(5)]))
    assert backlog.take().lost_before == 0


def test_the_bound_in_bytes() -> None:
    backlog = Backlog(Limits(bytes=2500))
    for number in range(10):
        backlog.add(rows.Batch(events=[event(number, size=600)]))
    assert backlog.bytes <= 2500
    assert backlog.dropped == 8


def test_of_a_call_only_the_newest_state_waits_with_all_that_was_not_written() -> None:
    backlog = Backlog()
    backlog.add(rows.Batch(calls=[live("a")]))
    backlog.add(rows.Batch(calls=[live("a", PartyState.CONNECTED, whole=False)]))
    (call,) = backlog.take().calls
    assert call.parties[0].state is PartyState.CONNECTED
    assert call.call is not None
    assert call.legs is not None
    backlog.add(rows.Batch(calls=[live("a", PartyState.HELD, whole=False)]))
    (call,) = backlog.take().calls
    assert (call.call, call.legs) == (None, None)


def test_a_call_that_was_never_written_leaves_nothing() -> None:
    backlog = Backlog()
    backlog.add(rows.Batch(calls=[live("a")]))
    backlog.add(rows.Batch(ended=["a"]))
    assert not backlog


def test_a_call_that_was_written_is_deleted_once() -> None:
    backlog = Backlog()
    backlog.add(rows.Batch(calls=[live("a")]))
    backlog.take()
    backlog.add(rows.Batch(calls=[live("a", whole=False)], ended=[]))
    backlog.add(rows.Batch(ended=["a"]))
    chunk = backlog.take()
    assert (chunk.calls, chunk.ended) == ([], ["a"])
    backlog.add(rows.Batch(ended=["a"]))
    assert not backlog


def test_a_refused_call_is_not_tried_again() -> None:
    backlog = Backlog()
    backlog.add(rows.Batch(calls=[live("a"), live("b")]))
    backlog.refuse("a")
    backlog.add(rows.Batch(calls=[live("a", whole=False)]))
    assert [call.connid for call in backlog.take().calls] == ["b"]


def test_of_a_destination_the_newest_state_waits() -> None:
    backlog = Backlog()
    for state in ("down", "up"):
        backlog.add(rows.Batch(destinations=[rows.DestinationRow("PSTN", 1, state, 1.0)]))
    assert [row.state for row in backlog.take().destinations] == ["up"]


def test_answers_wait_in_order() -> None:
    backlog = Backlog()
    for number in (1, 2):
        backlog.add(rows.Batch(answers=[rows.AnswerRow(number, msgspec.Raw(b"{}"))]))
    assert [row.id for row in backlog.take().answers] == [1, 2]
    assert not backlog


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_halves_are_the_whole_in_order(events: int, calls: int, ended: int, answers: int) -> None:
    chunk = Chunk(
        events=[event(n) for n in range(events)],
        calls=[live(f"c{n}") for n in range(calls)],
        ended=[f"e{n}" for n in range(ended)],
        answers=[rows.AnswerRow(n, msgspec.Raw(b"{}")) for n in range(answers)],
        lost_before=4,
    )
    first, second = chunk.halves()
    assert len(first) + len(second) == len(chunk) == events + calls + ended + answers
    assert len(chunk) < 2 or (len(first) and len(second))
    assert numbers(first) + numbers(second) == numbers(chunk)
    assert first.calls + second.calls == chunk.calls
    assert first.ended + second.ended == chunk.ended
    assert first.answers + second.answers == chunk.answers
    assert (first.lost_before, second.lost_before) == (4, 0)
