"""PostgreSQL, for the gateway: configuration, events as they are written, state of DNs, requests and answers.

One supervisor task keeps two connections: one listens and reads events and state, the other does everything else.
When either fails the link is down; they are made anew, with growing pauses. What the store finds it hands to a
``Receiver`` at once, within the event loop.

Events and state meet in one place: the reading task. It takes the state of a DN and the events before it in one
snapshot (REPEATABLE READ), hands over those events, and then the state. Whoever is subscribed by that state gets
every later event, and no event that the state already contains.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import psycopg
from psycopg import AsyncConnection, IsolationLevel, Notify

from tlib.codec import encode
from tlib.errors import TError, TLibError
from tlib.message import message_name
from tlib.requests import Request
from tlib_gateway import log, queries
from tlib_gateway.configuration import Configuration
from tlib_gateway.delivery import EventRow
from tlib_gateway.dn_report import DNReport
from tlib_gateway.queries import Connection
from tlib_gateway.registrations import SessionID

Ticket = tuple[SessionID, int]
"""Whose question: session, and its ticket."""

_CHANNELS = ("kamcti_event", "kamcti_config", "kamcti_answer")
_CONNECT_TIME = 10.0
_QUERY_TIME = 10.0
"""Seconds after which a database that does not answer is as good as none."""
_STATES_AT_ONCE = 500
_READING_PAUSE = 0.008
"""Seconds between two readings of events, from start to start; the first after a quiet time is not delayed."""
_CONFIGURATION_PAUSE = 0.1
"""Seconds between two readings of the configuration, however often it changes."""


class Receiver(Protocol):
    """What the store reports to."""

    def link_is_up(self, configuration: Configuration) -> None:
        """Everything works (again)."""

    def link_is_down(self, reason: str) -> None:
        """The database cannot be reached; what was asked will not be answered."""

    def configuration_read(self, configuration: Configuration) -> None:
        """The configuration has changed."""

    def events_read(self, rows: Sequence[EventRow]) -> None:
        """The next events, in order."""

    def states_read(self, states: Sequence[tuple[Ticket, DNReport | None]]) -> None:
        """Answers to ``Store.read_state``; ``None``: no such DN. Events given before are contained in them."""

    def request_answered(self, ticket: Ticket, answer: bytes) -> None:
        """The switch has answered a request."""

    def request_refused(self, ticket: Ticket, error: TLibError) -> None:
        """A request was not put in the queue."""


@dataclass(frozen=True, slots=True)
class _Submission:
    ticket: Ticket
    request: Request
    calls: tuple[str, ...]


class Store:
    """``run`` is the life of it; the other methods are called while it runs."""

    def __init__(
        self,
        conninfo: str,
        gateway: str,
        receiver: Receiver,
        *,
        answer_time: float = 10.0,
        check_interval: float = 5.0,
        retry_delays: tuple[float, float] = (0.1, 5.0),
    ) -> None:
        """``gateway`` names this process in the request queue.

        Times in seconds: how long an answer is waited for, how often the link is checked, the first and the longest
        pause before it is tried again.
        """
        self._conninfo = conninfo
        self._gateway = gateway
        self._receiver = receiver
        self._answer_time = answer_time
        self._check_interval = check_interval
        self._retry_delays = retry_delays
        self._up = False
        self._reset()

    def _reset(self) -> None:
        self._wake_reader = asyncio.Event()
        self._events_announced = False
        self._wake_submitter = asyncio.Event()
        self._wake_answers = asyncio.Event()
        self._wake_configuration = asyncio.Event()
        self._states: list[tuple[Ticket, str]] = []
        self._submissions: list[_Submission] = []
        self._in_queue: dict[int, tuple[Ticket, float]] = {}  # by request id: whose, and put in when
        self._inserting = False
        self._answered: set[int] = set()

    # --- what the server asks ---------------------------------------------------------------------

    def read_state(self, ticket: Ticket, dn: str) -> None:
        """Ask for a DN's state."""
        self._states.append((ticket, dn))
        self._wake_reader.set()

    def submit(self, ticket: Ticket, request: Request, calls: tuple[str, ...]) -> None:
        """Put a request in the queue of the switch, provided that ``calls`` are ConnIDs of calls on its ThisDN."""
        self._submissions.append(_Submission(ticket, request, calls))
        self._wake_submitter.set()

    def forget(self, session: SessionID) -> None:
        """Nobody waits for this session's answers any more."""
        for number in [number for number, (ticket, _) in self._in_queue.items() if ticket[0] == session]:
            del self._in_queue[number]

    # --- the life of it ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled."""
        first, longest = self._retry_delays
        delay = first
        while True:
            reason = await self._connected()
            was_up, self._up = self._up, False
            delay = first if was_up else min(delay * 2, longest)
            log.warning("database", state="lost" if was_up else "away", reason=reason, seconds=delay)
            self._reset()
            self._receiver.link_is_down(f"the database is away: {reason}")
            await asyncio.sleep(delay)

    async def _connected(self) -> str:
        """Connect and work until something fails; what failed."""
        reason = "the database closed the connection"
        try:
            async with contextlib.AsyncExitStack() as stack:
                async with asyncio.timeout(_CONNECT_TIME):
                    reading = await stack.enter_async_context(await self._connect())
                    working = await stack.enter_async_context(await self._connect())
                    reading.add_notify_handler(self._notified)
                    for channel in _CHANNELS:
                        await reading.execute(f"LISTEN {channel}")
                    configuration = await queries.read_configuration(working)
                    seq = await queries.last_event(reading)
                self._up = True
                log.info("database", state="connected", dns=len(configuration.dns), users=len(configuration.users))
                self._receiver.link_is_up(configuration)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._read(reading, seq))
                    tasks.create_task(self._submit_requests(working))
                    tasks.create_task(self._read_answers(working))
                    tasks.create_task(self._read_configuration(working))
                    tasks.create_task(self._check_link(working))
        except* (psycopg.Error, TimeoutError, OSError) as failures:
            reason = _first_line(failures)
        return reason

    async def _connect(self) -> Connection:
        connection: Connection = await AsyncConnection.connect(self._conninfo, autocommit=True)
        queries.prepare(connection)
        await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        return connection

    async def _check_link(self, connection: Connection) -> None:
        """Whether the link is up, asked regularly. A heartbeat of the switch, once it has one, is looked at here."""
        while True:
            await asyncio.sleep(self._check_interval)
            async with asyncio.timeout(self._check_interval):
                await connection.execute("SELECT 1")
            self._forget_unanswered()
            # Also what would be missed if a notification were lost.
            self._events_announced = True
            self._wake_reader.set()

    def _forget_unanswered(self) -> None:
        """Their clients have been told (57); an answer that still comes is for nobody."""
        oldest = asyncio.get_running_loop().time() - self._answer_time
        for number in [number for number, (_, since) in self._in_queue.items() if since < oldest]:
            del self._in_queue[number]

    # --- events and state -------------------------------------------------------------------------

    def _notified(self, notification: Notify) -> None:
        match notification.channel:
            case "kamcti_event":
                self._events_announced = True
            case "kamcti_config":
                self._wake_configuration.set()
            case "kamcti_answer":
                self._note_answer(notification.payload)

    async def _read(self, connection: Connection, seq: int) -> None:
        loop = asyncio.get_running_loop()
        read_at = 0.0
        while True:
            await self._something_to_read(connection)
            if not self._states:
                # Under load many small batches become few larger ones; nobody wakes us up meanwhile.
                await asyncio.sleep(max(0.0, read_at + _READING_PAUSE - loop.time()))
            read_at = loop.time()
            self._events_announced = False
            asked, self._states = self._states[:_STATES_AT_ONCE], self._states[_STATES_AT_ONCE:]
            if not asked:
                async with asyncio.timeout(_QUERY_TIME):
                    seq = await self._hand_over_events(connection, seq)
                continue
            async with asyncio.timeout(_QUERY_TIME), connection.transaction():
                reports = await queries.read_reports(connection, [dn for _, dn in asked])
                seq = await self._hand_over_events(connection, seq)
            self._receiver.states_read([(ticket, reports.get(dn)) for ticket, dn in asked])

    async def _something_to_read(self, connection: Connection) -> None:
        """Until events are announced or states asked for. Notifications come with queries, and between them here."""
        loop = asyncio.get_running_loop()
        while not self._events_announced and not self._states:
            loop.add_reader(connection.fileno(), self._wake_reader.set)
            try:
                await self._wake_reader.wait()
            finally:
                loop.remove_reader(connection.fileno())
            self._wake_reader.clear()
            connection.pgconn.consume_input()
            while notification := connection.pgconn.notifies():
                self._notified(Notify(notification.relname.decode(), notification.extra.decode(), notification.be_pid))

    async def _hand_over_events(self, connection: Connection, seq: int) -> int:
        """All events after ``seq``; the number of the last."""
        while True:
            rows = await queries.events_after(connection, seq)
            if rows:
                self._receiver.events_read(rows)
                seq = rows[-1][0]
            if len(rows) < queries.EVENTS_AT_ONCE:
                return seq

    # --- requests ---------------------------------------------------------------------------------

    async def _submit_requests(self, connection: Connection) -> None:
        while True:
            await self._wake_submitter.wait()
            self._wake_submitter.clear()
            batch, self._submissions = self._submissions, []
            batch = await self._with_their_calls(connection, batch)
            if not batch:
                continue
            self._inserting = True
            ids = await queries.insert_requests(connection, [self._row(submission) for submission in batch])
            now = asyncio.get_running_loop().time()
            for number, submission in zip(ids, batch, strict=True):
                self._in_queue[number] = (submission.ticket, now)
            self._inserting = False
            # An answer may have been announced before its request's number was known here.
            self._answered &= self._in_queue.keys()
            if self._answered:
                self._wake_answers.set()

    async def _with_their_calls(self, connection: Connection, batch: list[_Submission]) -> list[_Submission]:
        """Those whose calls are on their DN; the others are refused."""
        calls = [
            (number, connid, str(getattr(submission.request, "this_dn", "")))
            for number, submission in enumerate(batch)
            for connid in submission.calls
        ]
        if not calls:
            return batch
        missing = await queries.calls_not_on_dn(connection, calls)
        for number, connid in missing.items():
            error = TLibError(TError.INVALID_CONN_ID, f"ConnID: {connid} is no call on the DN")
            self._receiver.request_refused(batch[number].ticket, error)
        return [submission for number, submission in enumerate(batch) if number not in missing]

    def _row(self, submission: _Submission) -> tuple[str, str, int, str, str | None, str]:
        request = submission.request
        return (
            self._gateway,
            str(submission.ticket[0]),
            request.reference_id or 0,
            message_name(request),
            getattr(request, "this_dn", None),
            encode(request).decode(),
        )

    def _note_answer(self, payload: str) -> None:
        if payload.isdecimal() and (int(payload) in self._in_queue or self._inserting):
            self._answered.add(int(payload))
            self._wake_answers.set()

    async def _read_answers(self, connection: Connection) -> None:
        while True:
            await self._wake_answers.wait()
            self._wake_answers.clear()
            ids = [number for number in self._answered if number in self._in_queue]
            if not ids:
                continue
            self._answered.difference_update(ids)
            for number, answer in await queries.answers_to(connection, ids):
                waiting = self._in_queue.pop(number, None)
                if waiting is not None:
                    self._receiver.request_answered(waiting[0], answer)

    # --- configuration ----------------------------------------------------------------------------

    async def _read_configuration(self, connection: Connection) -> None:
        while True:
            await self._wake_configuration.wait()
            self._wake_configuration.clear()
            configuration = await queries.read_configuration(connection)
            log.info("configuration", dns=len(configuration.dns), users=len(configuration.users))
            self._receiver.configuration_read(configuration)
            await asyncio.sleep(_CONFIGURATION_PAUSE)


def _first_line(failures: BaseExceptionGroup[BaseException]) -> str:
    """The first failure in one line, for people."""
    failure: BaseException = failures
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    if isinstance(failure, TimeoutError):
        return "it does not answer"
    text = str(failure).strip().splitlines()
    return text[0] if text else type(failure).__name__
