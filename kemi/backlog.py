"""What the journal holds in memory until PostgreSQL has it.

Events are kept in order, within bounds: beyond them the oldest are dropped, and the numbers that they would have had
stay unused, so that a reader of the log sees that something is missing. Live state is never dropped: of each call only
the newest state is kept, and a call that came and went unseen leaves nothing.
"""

from collections import deque
from dataclasses import dataclass, field

from kemi.rows import AnswerRow, Batch, DestinationRow, EventRow, LiveCall

_ROW_BYTES = 400  # what an event costs in memory besides its body


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait, and how much is written at a time."""

    events: int = 500_000
    bytes: int = 256 * 1024 * 1024
    chunk_events: int = 5_000
    chunk_bytes: int = 4 * 1024 * 1024


@dataclass(slots=True)
class Chunk:
    """What goes into one transaction."""

    events: list[EventRow] = field(default_factory=list)
    calls: list[LiveCall] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    destinations: list[DestinationRow] = field(default_factory=list)
    answers: list[AnswerRow] = field(default_factory=list)
    lost_before: int = 0
    """Events that were given up just before the first of these."""

    def __len__(self) -> int:
        """Rows; those of one call count once."""
        return sum(len(rows) for rows in (self.events, self.calls, self.ended, self.destinations, self.answers))

    def halves(self) -> "tuple[Chunk, Chunk]":
        """The chunk in two, neither of them empty if there are two rows or more; order is kept."""
        middle = len(self) // 2
        first, second = Chunk(lost_before=self.lost_before), Chunk()
        for mine, left, right in (
            (self.events, first.events, second.events),
            (self.calls, first.calls, second.calls),
            (self.ended, first.ended, second.ended),
            (self.destinations, first.destinations, second.destinations),
            (self.answers, first.answers, second.answers),
        ):
            left.extend(mine[:middle])  # type: ignore[arg-type]
            right.extend(mine[middle:])  # type: ignore[arg-type]
            middle = max(0, middle - len(mine))
        return first, second


class Backlog:
    """Rows in the order in which the controller made them, until ``take`` hands them out."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self.dropped = 0
        """Events dropped since the process began."""
        self.bytes = 0
        self._events: deque[EventRow] = deque()
        self._lost = 0
        self._live: dict[str, LiveCall | None] = {}
        self._stored: set[str] = set()
        self._refused: set[str] = set()
        self._destinations: dict[tuple[str, int], DestinationRow] = {}
        self._answers: list[AnswerRow] = []

    def __bool__(self) -> bool:
        return bool(self._events or self._live or self._destinations or self._answers)

    @property
    def events(self) -> int:
        """How many events wait."""
        return len(self._events)

    def add(self, batch: Batch) -> None:
        for event in batch.events:
            self._events.append(event)
            self.bytes += _size(event)
        if len(self._events) > self.limits.events or self.bytes > self.limits.bytes:
            self._shed()
        for call in batch.calls:
            if call.connid not in self._refused:
                earlier = self._live.get(call.connid)
                self._live[call.connid] = call if earlier is None else call.over(earlier)
        for connid in batch.ended:
            self._refused.discard(connid)
            if connid in self._stored:
                self._live[connid] = None
            else:
                self._live.pop(connid, None)
        for destination in batch.destinations:
            self._destinations[destination.trunk, destination.position] = destination
        self._answers.extend(batch.answers)

    def refuse(self, connid: str) -> None:
        """The database does not take this call: what depends on its row is not tried again."""
        self._refused.add(connid)
        self._live.pop(connid, None)

    def lose(self, events: int) -> None:
        """So many events before the next to be taken are given up."""
        self._lost += events

    def take(self) -> Chunk:
        """As much as may be written at once: the oldest events, and live state as it is now.

        After an outage live state is therefore ahead of the log until all is written. A reader who takes both and
        then follows the log ends up right; were it the other way round, he would keep a call that is over.
        """
        events: list[EventRow] = []
        size = 0
        waiting = self._events
        while waiting and len(events) < self.limits.chunk_events and size < self.limits.chunk_bytes:
            event = waiting.popleft()
            events.append(event)
            size += _size(event)
        self.bytes -= size
        calls = [call for call in self._live.values() if call is not None]
        ended = [connid for connid, call in self._live.items() if call is None]
        self._stored.update(call.connid for call in calls)
        self._stored.difference_update(ended)
        chunk = Chunk(events, calls, ended, list(self._destinations.values()), self._answers)
        if events:
            chunk.lost_before, self._lost = self._lost, 0
        self._live = {}
        self._destinations = {}
        self._answers = []
        return chunk

    def _shed(self) -> None:
        while self._events and (len(self._events) > self.limits.events or self.bytes > self.limits.bytes):
            self.bytes -= _size(self._events.popleft())
            self._lost += 1
            self.dropped += 1


def _size(event: EventRow) -> int:
    return len(bytes(event.body)) + _ROW_BYTES
