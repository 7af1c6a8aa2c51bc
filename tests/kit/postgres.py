"""A private PostgreSQL cluster: its own data, its own Unix socket, no TCP, no trace after it is stopped.

Tests, the demo and the benchmark run on one. It works for root, too: the server then runs as the ``postgres`` user.
Durable by default; ``fast=True`` gives up durability for tests that never look at a crash.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from kamcti import migrations

OWNER = "kamcti_owner"
"""Owns the databases and runs the migrations. No superuser: what the migrations need, an administrator can grant."""

SUPERUSER = "postgres"
DATABASE = "kamcti"

_SERVER_USER = "postgres"
_START_LIMIT = 30.0
_STOP_LIMIT = 30.0

_SETTINGS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
}
_FAST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class ServerFailed(Exception):
    """The cluster could not be made, or the server did not start; the message ends with what the server said."""


class PrivatePostgres:
    """One PostgreSQL cluster below ``directory``, started and stopped by its owner.

    ``directory`` is created when missing, and keeps the data between ``stop`` and ``start``. Where the server's user
    cannot reach it (root's home, say), the data is in a temporary directory that ``close`` removes; ``data`` tells.

    As a context manager: started on entry, closed on exit. The server also stops when this process dies, provided
    that ``start`` was called from the main thread (the kernel's parent-death signal follows the starting thread).
    """

    def __init__(self, directory: Path, *, fast: bool = False, settings: dict[str, str] | None = None) -> None:
        self._settings = {**_SETTINGS, **(_FAST_SETTINGS if fast else {}), **(settings or {})}
        self._binaries = _binaries()
        self._user = pwd.getpwnam(_SERVER_USER) if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._relocated: Path | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self.data = self._place(directory.resolve())
        self.log = directory / "postgresql.log"
        # A socket's path may have 107 bytes; a test's directory is often longer than that.
        self.socket_directory = Path(tempfile.mkdtemp(prefix="kamcti-pg-", dir=_short_temporary_directory()))
        self._own(self.socket_directory)
        self._finalizer: weakref.finalize[..., PrivatePostgres] = weakref.finalize(
            self, _remove, self._temporary_directories()
        )

    def __enter__(self) -> "PrivatePostgres":
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def conninfo(self, role: str = OWNER, dbname: str = DATABASE) -> str:
        """A libpq connection string; it stays valid over a restart."""
        return make_conninfo(host=str(self.socket_directory), port=5432, user=role, dbname=dbname)

    def start(self) -> None:
        """Make the cluster when it is not there yet, start the server, and wait until it takes connections."""
        if self.pid is not None:
            return
        created = not (self.data / "PG_VERSION").exists()
        if created:
            self._initialise()
        arguments = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        command = [
            *self._as_server_user(dies_with_parent=threading.current_thread() is threading.main_thread()),
            str(self._binaries / "postgres"),
            *("-D", str(self.data), "-k", str(self.socket_directory), *arguments),
        ]
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C at a terminal is for this process, which then stops the server in order.
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
            )
        self._finalizer.detach()
        self._finalizer = weakref.finalize(self, _end, self._process, self._temporary_directories())
        self._wait_until_ready()
        if created:
            self._create_owner()

    def stop(self) -> None:
        """Fast shutdown: sessions are ended, everything is written, the process is gone on return."""
        self._end_with(signal.SIGINT)

    def kill(self) -> None:
        """Immediate shutdown, as after a crash: nothing is flushed, the next ``start`` recovers from the log."""
        self._end_with(signal.SIGQUIT)

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop, and remove what lies outside ``directory``. The cluster cannot be started again."""
        self.stop()
        self._finalizer.detach()
        _remove(self._temporary_directories())

    def create_database(self, name: str = DATABASE, *, template: str | None = None) -> None:
        """Create a database of the owner's, empty or as a copy of ``template`` (which nobody may be using)."""
        statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER))
        if template is not None:
            statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
        self._administrate(statement)

    def drop_database(self, name: str) -> None:
        """Drop a database; sessions that still use it are ended."""
        self._administrate(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def has_database(self, name: str = DATABASE) -> bool:
        with psycopg.connect(self.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
            return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None

    def migrate(self, dbname: str = DATABASE) -> list[str]:
        """Bring a database to the newest schema, as its owner; the names of the migrations that were applied."""
        return migrations.apply(self.conninfo(dbname=dbname))

    def _administrate(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _create_owner(self) -> None:
        self._administrate(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE").format(sql.Identifier(OWNER)))

    def _initialise(self) -> None:
        result = subprocess.run(
            [
                *self._as_server_user(dies_with_parent=False),
                str(self._binaries / "initdb"),
                *("--pgdata", str(self.data), "--username", SUPERUSER, "--auth", "trust"),
                *("--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"),
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", check=False,
        )  # fmt: skip
        if result.returncode != 0:
            raise ServerFailed(f"initdb failed: {result.stdout.decode(errors='replace').strip()}")

    def _as_server_user(self, *, dies_with_parent: bool) -> list[str]:
        options = ["--pdeathsig", "INT"] if dies_with_parent else []
        if self._user is not None:
            options += [
                "--reuid",
                str(self._user.pw_uid),
                "--regid",
                str(self._user.pw_gid),
                "--clear-groups",
            ]
        return ["setpriv", *options, "--"] if options else []

    def _place(self, directory: Path) -> Path:
        """Where the data goes: below ``directory``, unless the server's user cannot get there."""
        data = directory / "postgresql"
        data.mkdir(mode=0o700, exist_ok=True)
        self._own(data)
        if self._user is None or subprocess.run(
            [*self._as_server_user(dies_with_parent=False), "test", "-w", str(data)], check=False
        ).returncode == 0:  # fmt: skip
            return data
        data.rmdir()
        self._relocated = Path(tempfile.mkdtemp(prefix="kamcti-pg-data-", dir=_short_temporary_directory()))
        self._own(self._relocated)
        return self._relocated

    def _own(self, path: Path) -> None:
        if self._user is not None:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _temporary_directories(self) -> list[Path]:
        return [path for path in (self.socket_directory, self._relocated) if path is not None]

    def _wait_until_ready(self) -> None:
        process = self._process
        assert process is not None
        refusal: psycopg.OperationalError | None = None
        for _ in range(int(_START_LIMIT / 0.02)):
            try:
                psycopg.connect(self.conninfo(SUPERUSER, "postgres")).close()
                return
            except psycopg.OperationalError as error:
                refusal = error
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.02)
                raise ServerFailed(f"PostgreSQL ended at start with status {process.returncode}: {self._log_tail()}")
        self._end_with(signal.SIGQUIT)
        raise ServerFailed(f"PostgreSQL took no connection for {_START_LIMIT:g} s ({refusal}): {self._log_tail()}")

    def _log_tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:].strip()

    def _end_with(self, how: signal.Signals) -> None:
        if self._process is not None:
            _signal_and_wait(self._process, how)
            self._process = None


def _signal_and_wait(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    for attempt in (how, signal.SIGQUIT, signal.SIGKILL):
        if process.poll() is None:
            process.send_signal(attempt)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_STOP_LIMIT)
            return
    raise ServerFailed(f"PostgreSQL, process {process.pid}, cannot be stopped")


def _end(process: subprocess.Popen[bytes], directories: list[Path]) -> None:
    _signal_and_wait(process, signal.SIGINT)
    _remove(directories)


def _remove(directories: list[Path]) -> None:
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


def _short_temporary_directory() -> str:
    """The system's temporary directory, or /tmp where that is too long for a socket's path."""
    directory = tempfile.gettempdir()
    return directory if len(os.fsencode(directory)) <= 60 else "/tmp"


def _binaries() -> Path:
    """Where the server's programs are: Debian's directory of the newest release, or where the path leads."""
    major: Callable[[Path], int] = lambda path: int(path.parent.name)  # noqa: E731
    installed = sorted(
        (p for p in Path("/usr/lib/postgresql").glob("[0-9]*/bin") if (p / "initdb").exists()), key=major
    )
    if installed:
        return installed[-1]
    found = shutil.which("initdb")
    if found is None:
        raise ServerFailed("no PostgreSQL server is installed (Debian: apt install postgresql)")
    return Path(found).resolve().parent
