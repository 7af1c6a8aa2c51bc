"""The journal process: writes what the controller hands it into PostgreSQL, and numbers the events.

Events, live state and answers of a flush are one statement and so one transaction. While PostgreSQL is away, or slow,
everything waits in this process's memory, in order and within bounds (``kemi.backlog``): neither the controller nor
SIP notices.
"""

import os
import time
from collections import deque
from collections.abc import Callable

import msgspec

from kemi import database, recovery, rows, statements
from kemi.backlog import Backlog, Chunk, Limits
from kemi.database import Backoff, ConnectionLost, Link, Refused
from kemi.interfaces import Clock, Log, Queue, Shared, Table
from kemi.metrics import Metric, Metrics
from kemi.occasion import Occasion
from kemi.termination import Termination
from kemi.wakeup import Waiter

FLUSH_INTERVAL = 0.005
"""Least seconds between two transactions; the first after a pause is written at once.

At load the controller's batches, one in a few milliseconds, set the pace: each wakes the journal once.
"""

SLEEP = 0.5
"""Longest sleep, seconds."""

ANSWER_SLEEP = 0.05
"""Seconds until the journal looks for the database's answer by itself; at load the next batch wakes it before."""

RUN = 1.0
"""About so many seconds the process stays in one ``run_once``."""

DRAIN_BATCHES = 500
"""Queue entries that are taken at a time."""

FAREWELL = 2.0
"""Seconds that SIGTERM leaves to write what there is."""

QUIET = 0.2
"""Seconds without a row after which, at the end, the controller is taken to have said everything."""

MAINTENANCE_INTERVAL = 86_400.0
"""Seconds between two rounds of making and dropping partitions."""

MAINTENANCE_RETRY = 3600.0
"""Seconds after which a round that failed is repeated."""

# What a row is at fault for: cardinality, data and integrity violations, program limits (PostgreSQL, appendix A).
_ROW_AT_FAULT = ("21", "22", "23", "54")


class Journal:
    """Call ``run_once`` again and again from one process."""

    def __init__(
        self,
        *,
        rows_queue: Queue,
        conninfo: str,
        waiter: Waiter,
        metrics: Metrics,
        log: Log,
        limits: Limits | None = None,
        flush_interval: float = FLUSH_INTERVAL,
        wall_clock: Clock = time.time,
        monotonic: Clock = time.monotonic,
        exit_process: Callable[[int], None] = os._exit,
    ) -> None:
        self._rows = rows_queue
        self._conninfo = conninfo
        self._waiter = waiter
        self._metrics = metrics
        self._log = log
        self._flush_interval = flush_interval
        self._wall_clock = wall_clock
        self._monotonic = monotonic
        self._exit = exit_process
        self._termination = Termination(waiter.poke_self)
        self._backlog = Backlog(limits)
        self._link: Link | None = None
        self._ready = False
        self._backoff = Backoff()
        self._last_number = 0
        self._in_hand: deque[Chunk] = deque()
        self._in_flight = False
        self._sent_at = float("-inf")
        self._first_connection = True
        self._maintenance_at = float("inf")
        self._say_waiting = Occasion(5.0)
        self._say_dropped = Occasion(5.0)
        self._said_dropped = 0

    def run_once(self) -> None:
        """Writes rows as they come, for about ``RUN`` seconds."""
        self._termination.install()
        self._waiter.open()
        until = self._monotonic() + RUN
        while True:
            self.drain()
            self.advance()
            now = self._monotonic()
            self._publish_metrics(now)
            if self._termination.requested:
                self._finish()
                return
            if now >= until:
                return
            self._rest(now)

    def drain(self) -> bool:
        """Takes what the controller has handed over into memory; whether there was anything."""
        for taken in range(DRAIN_BATCHES):
            entry = self._rows.get()
            if entry is None:
                return taken > 0
            try:
                self._backlog.add(rows.decode(*entry))
            except rows.MalformedBatch as error:
                self._metrics.add(Metric.MALFORMED_ROWS)
                self._log.error(f"process=journal error=malformed-batch what={error}")
        return True

    def advance(self) -> None:
        """Goes on with whatever is under way with the database, without waiting for it."""
        now = self._monotonic()
        try:
            if self._link is None:
                if now >= self._backoff.at:
                    self._link = Link(self._conninfo, "kamcti journal")
            elif not self._ready:
                if self._link.connect():
                    self._begin(self._link, now)
            else:
                self._write(self._link, now)
        except ConnectionLost as error:
            self._lose(str(error), now)

    @property
    def idle(self) -> bool:
        """Whether all rows are written."""
        return self._ready and not (self._backlog or self._in_hand or self._in_flight)

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    # --- one connection ---------------------------------------------------------------------------

    def _begin(self, link: Link, now: float) -> None:
        """Prepares a new connection. Whatever is refused here is tried again with the next one."""
        try:
            link.run(statements.SESSION)
            if link.execute(statements.LOCK) != [[b"t"]]:
                self._lose("another journal writes to this database", now)
                return
            self._reconcile(int(_only(link.execute(statements.LAST_SEQUENCE_NUMBER))))
            for name, statement in statements.PREPARED.items():
                link.prepare(name, statement)
            if self._first_connection:
                self._end_left_calls(link)
                self._first_connection = False
        except Refused as error:
            self._lose(str(error), now)
            return
        except msgspec.DecodeError as error:
            self._lose(f"the live state cannot be read: {error}", now)
            return
        self._ready = True
        self._backoff.succeeded()
        self._maintenance_at = now
        self._metrics.add(Metric.JOURNAL_CONNECTIONS)
        self._metrics.set(Metric.JOURNAL_CONNECTED, 1)
        self._log.info(
            f"process=journal state=connected {database.place(self._conninfo)} "
            f"last-number={self._last_number} queued={self._backlog.events}"
        )

    def _reconcile(self, last_number: int) -> None:
        """Finds out whether the chunk under way when the connection was lost was committed."""
        chunk = self._in_hand[0] if self._in_hand else None
        if self._in_flight and chunk is not None:
            self._in_flight = False
            if chunk.events and last_number >= self._first_number(chunk) + len(chunk.events) - 1:
                self._commit(chunk)
        self._last_number = last_number

    def _end_left_calls(self, link: Link) -> None:
        link.run(statements.FORGET_DESTINATIONS)
        hook_events = _only(link.execute(recovery.HOOK_EVENTS)) == b"t"
        batch = recovery.end_left_calls(_only(link.execute(recovery.LEFT_CALLS)), self._wall_clock(), hook_events)
        if batch.ended:
            self._log.warning(f"process=journal calls-of-an-earlier-run={len(batch.ended)} action=released")
            self._in_hand.appendleft(Chunk(events=batch.events, ended=batch.ended))

    def _lose(self, why: str, now: float) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None
        if self._ready or self._say_waiting.due(now):
            self._log.warning(
                f"process=journal state=waiting {database.place(self._conninfo)} "
                f"queued={self._waiting_events()} error={why}"
            )
        self._ready = False
        self._metrics.set(Metric.JOURNAL_CONNECTED, 0)
        self._backoff.failed(now)

    # --- writing ----------------------------------------------------------------------------------

    def _write(self, link: Link, now: float) -> None:
        if self._in_flight:
            try:
                if not link.done():
                    return
            except Refused as error:
                self._in_flight = False
                self._refused(error, now)
                return
            self._in_flight = False
            self._commit(self._in_hand[0])
        if not self._in_hand and self._backlog and self._due(now):
            self._in_hand.append(self._backlog.take())
        if self._in_hand:
            chunk = self._in_hand[0]
            self._in_flight = True
            self._sent_at = now
            link.send(*statements.write(chunk, self._first_number(chunk)))
        elif now >= self._maintenance_at:
            self._maintain(link, now)
        else:
            link.check()

    def _due(self, now: float) -> bool:
        full = self._backlog.events >= self._backlog.limits.chunk_events
        return full or now - self._sent_at >= self._flush_interval or self._termination.requested

    def _first_number(self, chunk: Chunk) -> int:
        return self._last_number + chunk.lost_before + 1

    def _commit(self, chunk: Chunk) -> None:
        self._in_hand.popleft()
        self._metrics.add(Metric.FLUSHES)
        if chunk.events:
            self._last_number = self._first_number(chunk) + len(chunk.events) - 1
            self._metrics.add(Metric.WRITTEN_EVENTS, len(chunk.events))
            self._metrics.set(Metric.JOURNAL_LAG, int(1000 * (self._wall_clock() - chunk.events[0].at)))

    def _refused(self, error: Refused, now: float) -> None:
        """A row that the database does not take is looked for by halves, and skipped; the others are written."""
        if error.sqlstate[:2] not in _ROW_AT_FAULT:
            # The database is not as it should be: nothing is wrong with the rows.
            self._lose(str(error), now)
            return
        chunk = self._in_hand.popleft()
        if len(chunk) > 1:
            self._in_hand.extendleft(reversed(chunk.halves()))
            return
        self._metrics.add(Metric.SKIPPED_ROWS)
        self._log.error(f"process=journal error={error} skipped={statements.describe(chunk)}")
        self._lose_number(chunk.lost_before + len(chunk.events))
        for call in chunk.calls:
            self._backlog.refuse(call.connid)

    def _lose_number(self, events: int) -> None:
        following = next((chunk for chunk in self._in_hand if chunk.events), None)
        if following is not None:
            following.lost_before += events
        else:
            self._backlog.lose(events)

    def _maintain(self, link: Link, now: float) -> None:
        """Days of the event log ahead, old days and old requests away."""
        self._maintenance_at = now + MAINTENANCE_INTERVAL
        try:
            made = link.execute(statements.PREPARE_PARTITIONS)
            dropped: list[database.Row] = []
            for (days,) in link.execute(statements.RETENTION):
                dropped += link.execute(statements.DROP_PARTITIONS, [days])
            requests = _only(link.execute(statements.DROP_REQUESTS))
        except Refused as error:
            self._maintenance_at = now + MAINTENANCE_RETRY
            self._log.error(f"process=journal maintenance=failed error={error}")
        else:
            self._log.info(
                f"process=journal maintenance=done days-made={len(made)} days-dropped={len(dropped)} "
                f"requests-dropped={int(requests)}"
            )

    # --- waiting ----------------------------------------------------------------------------------

    def _rest(self, now: float) -> None:
        """Waits for what comes next: rows, an answer of the database, or the time for the next transaction."""
        link = self._link
        more = bool(self._backlog or self._in_hand)
        if link is None:
            self._waiter.sleep(min(SLEEP, max(0.01, self._backoff.at - now)), self.drain)
        elif not self._ready:
            self._waiter.nap(0.01)
        elif self._in_flight:
            # Each wake costs more than what it does; the answer alone is worth one only if something waits for it.
            if len(self._in_hand) > 1 or self._backlog:
                self._waiter.sleep(SLEEP, self.drain, [link.fileno()])
            else:
                self._waiter.sleep(ANSWER_SLEEP, self.drain)
        elif more:
            self._waiter.nap(max(0.0, self._sent_at + self._flush_interval - now))
        else:
            self._waiter.sleep(SLEEP, self.drain, [link.fileno()])

    def _finish(self) -> None:
        """Writes what there is, and ends the process."""
        until = self._monotonic() + FAREWELL
        quiet_since = self._monotonic()
        while (now := self._monotonic()) < until:
            if self.drain():
                quiet_since = now
            self.advance()
            if self.idle and now - quiet_since >= QUIET:
                break
            self._waiter.nap(0.005)
        lost = self._waiting_events()
        say = self._log.error if lost else self._log.info
        say(f"process=journal state=ended last-number={self._last_number} lost-events={lost}")
        self.close()
        self._exit(0)

    def _waiting_events(self) -> int:
        return self._backlog.events + sum(len(chunk.events) for chunk in self._in_hand)

    def _publish_metrics(self, now: float) -> None:
        dropped = self._backlog.dropped
        if dropped > self._said_dropped and self._say_dropped.due(now):
            self._log.error(
                f"process=journal error=too-many-events-wait dropped={dropped - self._said_dropped} total={dropped}"
            )
            self._said_dropped = dropped
        self._metrics.set(Metric.DROPPED_EVENTS, dropped)
        self._metrics.set(Metric.QUEUED_EVENTS, self._waiting_events())
        self._metrics.set(Metric.QUEUED_BYTES, self._backlog.bytes)
        self._metrics.publish(now)


def _only(found: list[database.Row]) -> bytes:
    ((value,),) = found
    assert value is not None
    return value


def build(*, rows_queue: Queue, metrics: Table, shared: Shared, log: Log) -> Journal:
    """The journal of this Kamailio; nothing is opened before its first ``run_once``."""
    return Journal(
        rows_queue=rows_queue,
        conninfo=database.from_environment(),
        waiter=Waiter("journal", shared),
        metrics=Metrics(metrics),
        log=log,
    )
