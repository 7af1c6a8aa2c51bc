"""The gateway process: TCP connections, sessions and the database put together in one event loop."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from tlib.codec import encode
from tlib.errors import TError, TLibError
from tlib.events import EventError
from tlib.passwords import MalformedHash, hash_password, verify_password
from tlib_gateway import log
from tlib_gateway.configuration import Configuration
from tlib_gateway.connection import Connection
from tlib_gateway.counters import Counters
from tlib_gateway.delivery import EventRow, deliver, one_line
from tlib_gateway.dn_report import DNReport
from tlib_gateway.effects import CheckPassword, Close, Effect, ReadState, Send, Submit
from tlib_gateway.limits import Limits
from tlib_gateway.registrations import SessionID
from tlib_gateway.session import Session, State
from tlib_gateway.site import Site
from tlib_gateway.store import Store, Ticket

_COUNTERS_INTERVAL = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """How far a client may fall behind before it is cut off."""

    messages: int = 20_000
    bytes: int = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line sets."""

    host: str
    port: int
    database: str
    name: str = ""
    """In the request queue; the listening address when empty."""
    version: str = ""
    max_connections: int = 1000
    limits: Limits = field(default_factory=Limits)
    queue_limits: QueueLimits = field(default_factory=QueueLimits)


class Gateway:
    """``run`` is the life of it. It is the store's ``Receiver``."""

    def __init__(self, options: Options) -> None:
        self.queue_limits = options.queue_limits
        self._options = options
        self._loop = asyncio.get_running_loop()
        self._connections: dict[SessionID, Connection] = {}
        self._next_session: SessionID = 1
        self._site = Site(version=options.version)
        # scrypt takes tens of milliseconds and megabytes: as many at once as threads, the others wait.
        self._passwords = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")
        self._decoy_hash = ""
        self._checks: set[asyncio.Task[None]] = set()
        self._store: Store | None = None
        self._database_tried: asyncio.Future[None] = self._loop.create_future()

    async def run(self, ready: "asyncio.Future[tuple[str, int]]", stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set.

        ``ready`` gets the address that is listened on, once the first try to reach the database has ended either way.
        """
        self._site.epoch = time.time() - self._loop.time()
        self._decoy_hash = await self._loop.run_in_executor(self._passwords, hash_password, "")
        server = await self._loop.create_server(
            lambda: Connection(self), self._options.host, self._options.port, backlog=1024
        )
        host, port = server.sockets[0].getsockname()[:2]
        self._store = Store(
            self._options.database,
            self._options.name or f"{host}:{port}",
            self,
            answer_time=self._options.limits.request_time,
        )
        log.info("gateway", state="listening", listen=f"{host}:{port}")
        tasks = [asyncio.create_task(self._store.run()), asyncio.create_task(self._keep_time())]
        stopping = asyncio.create_task(_until_set(stop))
        self._database_tried.add_done_callback(lambda _: ready.set_result((host, port)))
        try:
            # A task that ends by itself has failed: then the gateway ends with that failure.
            done, _ = await asyncio.wait({stopping, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            server.close()
            await self._say_goodbye()
            for task in (*tasks, *self._checks):
                task.cancel()
            await asyncio.gather(*tasks, *self._checks, return_exceptions=True)
            self._passwords.shutdown(wait=False, cancel_futures=True)
            self._log_counters()
            log.info("gateway", state="ended")
        for task in done - {stopping}:
            task.result()

    # --- clients ----------------------------------------------------------------------------------

    def connected(self, connection: Connection, peer: str) -> Session | None:
        """A client has connected; ``None``: there are too many."""
        self._site.counters.connections += 1
        if len(self._connections) >= self._options.max_connections:
            self._site.counters.refused_connections += 1
            log.warning("refused", peer=peer, reason=f"{len(self._connections)} connections are the maximum")
            event = EventError(error_code=int(TError.SERVICE_BUSY), error_message="too many connections")
            connection.send([encode(event) + b"\n"])
            connection.close()
            return None
        session = Session(self._next_session, self._site, self._options.limits, self._loop.time(), peer)
        self._next_session += 1
        self._connections[session.id] = connection
        return session

    def received(self, connection: Connection, session: Session, data: bytes) -> None:
        """Bytes from a client."""
        self._perform(connection, session, session.receive(data, self._loop.time()))

    def disconnected(self, session: Session, reason: str) -> None:
        """A client is gone."""
        if self._connections.pop(session.id, None) is not None:
            session.lost(reason)
            if self._store is not None:
                self._store.forget(session.id)

    def _perform(self, connection: Connection, session: Session, effects: list[Effect]) -> None:
        lines: list[bytes] = []
        close = False
        for effect in effects:
            match effect:
                case Send():
                    lines.append(effect.data)
                case CheckPassword():
                    self._start_check(connection, session, effect)
                case ReadState() if self._store is not None:
                    self._store.read_state((session.id, effect.ticket), effect.dn)
                case Submit() if self._store is not None:
                    self._store.submit((session.id, effect.ticket), effect.request, effect.calls)
                case Close():
                    close = True
        if lines:
            self._send(connection, session, lines)
        if close:
            connection.close()
        else:
            connection.read_on(session.wants_input)

    def _send(self, connection: Connection, session: Session, lines: Sequence[bytes]) -> None:
        if not connection.send(lines):
            self._site.counters.slow_clients += 1
            log.warning("cut_off", session=session.id, user=session.user, reason="does not read: its queue is full")
            connection.abort()
            self.disconnected(session, "does not read")

    def _start_check(self, connection: Connection, session: Session, effect: CheckPassword) -> None:
        task = asyncio.create_task(self._check_password(connection, session, effect))
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)

    async def _check_password(self, connection: Connection, session: Session, effect: CheckPassword) -> None:
        # An unknown user costs the same time as a wrong password, so that the time does not tell who exists.
        password_hash = effect.password_hash or self._decoy_hash
        try:
            right = await self._loop.run_in_executor(self._passwords, verify_password, effect.password, password_hash)
        except MalformedHash as error:
            log.warning("login", session=session.id, error=f"stored password hash: {error}")
            right = False
        right = right and effect.password_hash is not None
        self._perform(connection, session, session.password_checked(right, self._loop.time()))

    def _sessions(self) -> Iterator[tuple[Connection, Session]]:
        for connection in list(self._connections.values()):
            if connection.session is not None:
                yield connection, connection.session

    async def _keep_time(self) -> None:
        interval = min(1.0, self._options.limits.keep_alive / 4)
        written, counted = self._loop.time(), _copy(self._site.counters)
        while True:
            await asyncio.sleep(interval)
            for connection, session in self._sessions():
                self._perform(connection, session, session.tick(self._loop.time()))
            if self._loop.time() - written >= _COUNTERS_INTERVAL:
                if counted != self._site.counters:
                    self._log_counters()
                written, counted = self._loop.time(), _copy(self._site.counters)

    async def _say_goodbye(self) -> None:
        for connection, session in self._sessions():
            self._perform(connection, session, session.end("the gateway is shutting down", self._loop.time()))
        # What was written leaves when the transports have closed; a client that does not read is not waited for.
        with suppress(TimeoutError):
            async with asyncio.timeout(2.0):
                while self._connections:
                    await asyncio.sleep(0.01)
        for connection in list(self._connections.values()):
            connection.abort()

    def _log_counters(self) -> None:
        counters = self._site.counters
        values = {name: getattr(counters, name) for name in Counters.__slots__}
        log.info("counters", clients=len(self._connections), **values)

    # --- the store's Receiver ---------------------------------------------------------------------

    def link_is_up(self, configuration: Configuration) -> None:
        """See ``Receiver``."""
        self._site.configuration = configuration
        self._site.link_up = True
        self._link_changed()
        self._configuration_changed()

    def link_is_down(self, reason: str) -> None:
        """See ``Receiver``."""
        if self._site.link_up:
            self._site.counters.link_losses += 1
        self._site.link_up = False
        self._site.link_reason = reason
        self._link_changed()

    def configuration_read(self, configuration: Configuration) -> None:
        """See ``Receiver``."""
        self._site.configuration = configuration
        self._configuration_changed()

    def events_read(self, rows: Sequence[EventRow]) -> None:
        """See ``Receiver``."""
        now = self._loop.time()
        active = self._active()
        for session_id, lines in deliver(rows, self._site, active).items():
            for connection, session in self._session_of(session_id):
                session.delivered(now)
                self._send(connection, session, lines)

    def states_read(self, states: Sequence[tuple[Ticket, DNReport | None]]) -> None:
        """See ``Receiver``."""
        now = self._loop.time()
        for (session_id, ticket), report in states:
            for connection, session in self._session_of(session_id):
                self._perform(connection, session, session.state_read(ticket, report, now))

    def request_answered(self, ticket: Ticket, answer: bytes) -> None:
        """See ``Receiver``."""
        for connection, session in self._session_of(ticket[0]):
            line = one_line(answer).removesuffix(b"\n")
            self._perform(connection, session, session.answered(ticket[1], line, self._loop.time()))

    def request_refused(self, ticket: Ticket, error: TLibError) -> None:
        """See ``Receiver``."""
        for connection, session in self._session_of(ticket[0]):
            self._perform(connection, session, session.refused(ticket[1], error, self._loop.time()))

    def _session_of(self, session_id: SessionID) -> tuple[tuple[Connection, Session], ...]:
        """The session, unless its client has gone meanwhile."""
        connection = self._connections.get(session_id)
        return () if connection is None or connection.session is None else ((connection, connection.session),)

    def _active(self) -> Iterator[SessionID]:
        return (session.id for _, session in self._sessions() if session.state is State.ACTIVE)

    def _link_changed(self) -> None:
        if not self._database_tried.done():
            self._database_tried.set_result(None)
        for connection, session in self._sessions():
            self._perform(connection, session, session.link_changed(self._loop.time()))

    def _configuration_changed(self) -> None:
        for connection, session in self._sessions():
            self._perform(connection, session, session.configuration_changed(self._loop.time()))


async def _until_set(event: asyncio.Event) -> None:
    await event.wait()


def _copy(counters: Counters) -> Counters:
    return Counters(*(getattr(counters, name) for name in Counters.__slots__))
