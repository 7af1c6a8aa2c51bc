"""A journal that a test drives step by step, and the rows of made-up calls."""

import time
from collections.abc import Callable
from types import TracebackType

import msgspec
import psycopg

from kemi import rows
from kemi.backlog import Limits
from kemi.calls.effects import CallChanged, CallEnded, Publish
from kemi.calls.model import CallModel
from kemi.journal import Journal
from kemi.metrics import Metrics
from kemi.wakeup import Waiter
from tests.kit.call_facts import CallFacts, run
from tests.kit.in_memory import MemoryLog, MemoryQueue, MemoryShared, MemoryTable


class RunningJournal:
    """Runs in the test's own thread: ``step`` by ``step``, or until all is written (``settle``)."""

    def __init__(self, conninfo: str, limits: Limits | None = None) -> None:
        self.queue = MemoryQueue()
        self.log = MemoryLog()
        self.table = MemoryTable()
        self.metrics = Metrics(self.table)
        self.shared = MemoryShared()
        self.journal = Journal(
            rows_queue=self.queue,
            conninfo=conninfo,
            waiter=Waiter("journal", self.shared),
            metrics=self.metrics,
            log=self.log,
            limits=limits,
        )

    def put(self, *batches: rows.Batch) -> None:
        for batch in batches:
            self.queue.put(rows.KIND, rows.encode(batch))

    def step(self) -> None:
        """One look at the queue and the database; a millisecond for the database to go on."""
        self.journal.drain()
        self.journal.advance()
        time.sleep(0.001)

    def until(self, condition: Callable[[], bool], what: str, timeout: float = 15.0) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, f"{what}; the journal said: {self.log.lines[-10:]}"
            self.step()

    def settle(self, timeout: float = 15.0) -> None:
        """Until everything that was put in is written."""
        self.until(lambda: not self.queue.entries and self.journal.idle, "all is written", timeout)

    def write(self, *batches: rows.Batch) -> None:
        self.put(*batches)
        self.settle()

    def __enter__(self) -> "RunningJournal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.journal.close()


def event(number: int, connid: str | None = None, at: float | None = None) -> rows.EventRow:
    """An event whose ThisDN is its number."""
    body = msgspec.Raw(b'{"message":"EventOnHook","ThisDN":"%d"}' % number)
    return rows.EventRow(time.time() if at is None else at, str(number), "EventOnHook", connid, body)


def event_rows(connection: psycopg.Connection[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Number, name and ThisDN of every event in the log, by number."""
    return connection.execute("SELECT seq, name, this_dn FROM kamcti.event ORDER BY seq").fetchall()


def call_batches(call: CallFacts) -> list[rows.Batch]:
    """What the controller makes of a call that is invited, rings, is answered, confirmed, and ended by the caller."""
    model = CallModel()
    batches: list[rows.Batch] = []
    for fact in (call.invite(), call.ringing(), call.answered(), call.confirmed(), call.bye_from_caller()):
        effects = run(model, fact, now=time.time())
        changed: CallChanged | None = None
        for effect in effects:
            if isinstance(effect, CallChanged):
                changed = effect if changed is None else changed.and_(effect)
        live = model.call(call.connid)
        batches.append(
            rows.Batch(
                events=[rows.event_row(effect) for effect in effects if isinstance(effect, Publish)],
                calls=[rows.live_call(live, changed)] if live is not None and changed is not None else [],
                ended=[effect.connid for effect in effects if isinstance(effect, CallEnded)],
            )
        )
    return batches
