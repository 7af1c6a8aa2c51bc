"""A connection to PostgreSQL that never makes its process wait for long: the journal goes on while the server thinks.

It stands on libpq's non-blocking calls, which ``psycopg.pq`` gives as they are (PostgreSQL documentation, chapter
"libpq", "Asynchronous Command Processing").
"""

import os
import select
import time
from collections.abc import Callable, Sequence

import psycopg
from psycopg import conninfo as conninfos
from psycopg import pq

CONNECT_LIMIT = 5.0
"""Seconds until an attempt to connect is given up."""

ANSWER_LIMIT = 15.0
"""Seconds until a connection whose server does not answer is taken as lost; statements are limited to less."""

Row = list[bytes | None]


class ConnectionLost(Exception):
    """There is no connection, or there is none any more; whether the last statement was carried out is unknown."""


class Refused(Exception):
    """The server refused a statement; the connection lives. ``sqlstate`` is its code, five characters."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(f"{sqlstate} {message}")
        self.sqlstate = sqlstate


def from_environment() -> str:
    """The connection string of this installation: ``KAMCTI_DATABASE``, libpq's defaults when it is not set."""
    return os.environ.get("KAMCTI_DATABASE", "")


def place(conninfo: str) -> str:
    """Where a connection string leads, for the log: never with a password."""
    try:
        known = conninfos.conninfo_to_dict(conninfo)
    except psycopg.Error:
        return "(unreadable connection string)"
    return " ".join(f"{key}={known[key]}" for key in ("host", "hostaddr", "port", "dbname", "user") if key in known)


def complete(conninfo: str, application: str) -> str:
    """The connection string with what every connection of ours wants."""
    # A peer that is gone without a word is noticed by TCP itself; milliseconds, Linux only, ignored on Unix sockets.
    return conninfos.make_conninfo(conninfo, application_name=application, tcp_user_timeout=5000)


class Backoff:
    """When to try again: soon after the first failure, then ever more seldom, until one attempt succeeds."""

    FIRST = 0.1
    LAST = 2.0

    def __init__(self) -> None:
        self.at = 0.0
        """Monotonic time of the next attempt."""
        self._pause = self.FIRST

    def failed(self, now: float) -> None:
        self.at = now + self._pause
        self._pause = min(2 * self._pause, self.LAST)

    def succeeded(self) -> None:
        self._pause = self.FIRST


class Link:
    """One connection, from the attempt to its end. One statement at a time."""

    def __init__(self, conninfo: str, application: str) -> None:
        """Begins to connect. Raises ``ConnectionLost``. A host name is resolved at once, which may take its time."""
        self._began = time.monotonic()
        self._waits_to_write = True
        self._sent_at = 0.0
        self._unsent = False
        self._connected = False
        self._last_rows: list[Row] = []
        try:
            text = complete(conninfo, application)
        except psycopg.Error as error:
            raise ConnectionLost(f"the connection string is wrong: {error}") from None
        self._pg = pq.PGconn.connect_start(text.encode())
        if self._pg.status == pq.ConnStatus.BAD:
            raise self._lost()

    @property
    def connected(self) -> bool:
        return self._connected

    def fileno(self) -> int:
        """The socket to wait for; -1 when there is none."""
        return -1 if self._pg.status == pq.ConnStatus.BAD else self._pg.socket

    def connect(self) -> bool:
        """Goes on connecting, as far as that goes without waiting; whether it is done. Raises ``ConnectionLost``."""
        while True:
            poller = select.poll()
            poller.register(self._pg.socket, select.POLLOUT if self._waits_to_write else select.POLLIN)
            if not poller.poll(0):
                if time.monotonic() - self._began > CONNECT_LIMIT:
                    raise ConnectionLost(f"no answer in {CONNECT_LIMIT:g} s")
                return False
            try:
                state = self._pg.connect_poll()
            except psycopg.Error as error:
                raise ConnectionLost(str(error).strip()) from None
            if state == pq.PollingStatus.OK:
                self._pg.nonblocking = 1
                self._connected = True
                return True
            if state == pq.PollingStatus.FAILED:
                raise self._lost()
            self._waits_to_write = state == pq.PollingStatus.WRITING

    def execute(self, statement: bytes, parameters: Sequence[bytes | None] = ()) -> list[Row]:
        """Rows of one statement; waits for them. Raises ``Refused`` and ``ConnectionLost``."""
        self._call(lambda: self._pg.send_query_params(statement, list(parameters)))
        return self._rows()

    def run(self, script: bytes) -> None:
        """Statements without parameters or interest in their rows; waits. Raises as ``execute``."""
        self._call(lambda: self._pg.send_query(script))
        self._rows()

    def prepare(self, name: bytes, statement: bytes) -> None:
        """Waits. Raises as ``execute``."""
        self._call(lambda: self._pg.send_prepare(name, statement))
        self._rows()

    def send(self, name: bytes, parameters: Sequence[bytes | None]) -> None:
        """Sends a prepared statement and does not wait; ``done`` tells the rest. Raises ``ConnectionLost``."""
        self._call(lambda: self._pg.send_query_prepared(name, list(parameters)))

    def done(self) -> bool:
        """Whether the statement that was sent has been carried out. Raises ``Refused`` and ``ConnectionLost``."""
        if not self._answered():
            if time.monotonic() - self._sent_at > ANSWER_LIMIT:
                raise ConnectionLost(f"no answer in {ANSWER_LIMIT:g} s")
            return False
        self._take_results()
        return True

    def check(self) -> None:
        """Looks whether the server has ended an idle connection. Raises ``ConnectionLost``."""
        self._consume()
        if self._pg.status == pq.ConnStatus.BAD:
            raise self._lost()

    def notifications(self) -> set[str]:
        """Channels that were notified since the last call. Raises ``ConnectionLost``."""
        self.check()
        channels: set[str] = set()
        while (notification := self._pg.notifies()) is not None:
            channels.add(notification.relname.decode())
        return channels

    def wait(self, timeout: float) -> None:
        """Until the server says something, or ``timeout`` seconds are over."""
        poller = select.poll()
        poller.register(self._pg.socket, select.POLLIN)
        poller.poll(1000 * timeout)

    def close(self) -> None:
        self._pg.finish()

    def _call(self, send: Callable[[], None]) -> None:
        try:
            send()
            self._sent_at = time.monotonic()
            self._unsent = self._pg.flush() == 1
        except psycopg.Error as error:
            raise ConnectionLost(str(error).strip()) from None

    def _answered(self) -> bool:
        try:
            if self._unsent:
                self._unsent = self._pg.flush() == 1
        except psycopg.Error as error:
            raise ConnectionLost(str(error).strip()) from None
        self._consume()
        return not self._pg.is_busy()

    def _consume(self) -> None:
        try:
            self._pg.consume_input()
        except psycopg.Error as error:
            raise ConnectionLost(str(error).strip()) from None

    def _rows(self) -> list[Row]:
        poller = select.poll()
        poller.register(self._pg.socket, select.POLLIN)
        while not self.done():
            if self._unsent:
                poller.modify(self._pg.socket, select.POLLIN | select.POLLOUT)
            else:
                poller.modify(self._pg.socket, select.POLLIN)
            poller.poll(500)
        return self._last_rows

    def _take_results(self) -> None:
        self._last_rows = []
        refused: Refused | None = None
        while (result := self._pg.get_result()) is not None:
            if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
                columns = range(result.nfields)
                self._last_rows += [[result.get_value(row, c) for c in columns] for row in range(result.ntuples)]
            else:
                state = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode()
                message = (result.error_field(pq.DiagnosticField.MESSAGE_PRIMARY) or result.error_message).decode(
                    "utf-8", "replace"
                )
                refused = refused or Refused(state, message.strip())
        if self._pg.status == pq.ConnStatus.BAD:
            raise self._lost()
        if refused is not None:
            raise refused

    def _lost(self) -> ConnectionLost:
        return ConnectionLost(self._pg.error_message.decode("utf-8", "replace").strip() or "the connection failed")
