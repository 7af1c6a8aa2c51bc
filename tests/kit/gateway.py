"""What tests of the gateway need: a real gateway process, a client that checks every byte, a journal to play.

The process takes a free port; tests can stop it, kill it and start it again on the same port.
"""

import contextlib
import json
import socket
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import TracebackType

import psycopg
from jsonschema import Draft202012Validator

from tests.kit.processes import Process, wait_for
from tlib.codec import encode, number_event
from tlib.events import Event
from tlib.message import Message, message_name
from tlib.schema import SCHEMA_FILE

_READY = "tlib_gateway listens on "


class GatewayProcess:
    """``python -m tlib_gateway`` on loopback. As a context manager: started on entry, stopped on exit."""

    def __init__(self, directory: Path, database: str, *options: str) -> None:
        """``database`` is the conninfo of the role kamcti_gateway; ``options`` go to the command line."""
        self.host = "127.0.0.1"
        self.port = 0
        self._directory = directory
        self._database = database
        self._options = options
        self._starts = 0
        self._process: Process | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        return self._running.pid

    @property
    def log(self) -> str:
        """What the process of the last start has written."""
        return self._running.output()

    def start(self) -> None:
        """Start it and wait until it listens; on the port of the time before, if there was one."""
        assert self._process is None, "the gateway runs already"
        self._starts += 1
        command = [
            sys.executable, "-u", "-m", "tlib_gateway",
            "--listen", f"{self.host}:{self.port}", "--database", self._database, *self._options,
        ]  # fmt: skip
        log = self._directory / f"gateway-{id(self):x}-{self._starts}.log"
        self._process = Process("the gateway", command, log)
        try:
            self._process.wait_for_output(_READY, timeout=20)
            wait_for(lambda: _READY in self.log and "\n" in self.log.split(_READY, 1)[1], "the ready line")
        except BaseException:
            self.kill()
            raise
        self.port = int(self.log.split(_READY, 1)[1].split("\n", 1)[0].rpartition(":")[2])

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        process, self._process = self._running, None
        return process.stop()

    def kill(self) -> None:
        """SIGKILL, as in a crash."""
        process, self._process = self._running, None
        process.kill()

    @property
    def _running(self) -> Process:
        assert self._process is not None, "the gateway does not run"
        return self._process

    def __enter__(self) -> "GatewayProcess":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.stop()


@cache
def _validator(message: str) -> Draft202012Validator:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert message in schema["$defs"], f"the schema has no message {message!r}"
    return Draft202012Validator({**schema, "anyOf": [{"$ref": f"#/$defs/{message}"}]})


def check_against_schema(message: Mapping[str, object]) -> None:
    """Fails when a message is not as docs/protocol.schema.json says."""
    _validator(str(message.get("message"))).validate(message)


class RawClient:
    """A client without any library: lines over a socket. Every message in both directions is checked by the schema."""

    def __init__(self, port: int, host: str = "127.0.0.1", timeout: float = 10.0) -> None:
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self._lines = self.socket.makefile("rb")

    def send_bytes(self, data: bytes) -> None:
        """Anything at all."""
        self.socket.sendall(data)

    def send(self, message: Message) -> None:
        """A message."""
        check_against_schema(json.loads(encode(message)))
        self.send_bytes(encode(message) + b"\n")

    def read(self) -> dict[str, object]:
        """The next message that is no KeepAlive. Raises ``EOFError`` at the end of the connection."""
        while True:
            line = self._lines.readline()
            if not line.endswith(b"\n"):
                raise EOFError("the gateway closed the connection")
            message: dict[str, object] = json.loads(line)
            check_against_schema(message)
            if message["message"] != "KeepAlive":
                return message

    def read_to_end(self) -> list[dict[str, object]]:
        """Everything until the gateway closes or cuts the connection."""
        messages = []
        with contextlib.suppress(EOFError, ConnectionResetError):
            while True:
                messages.append(self.read())
        return messages

    def ask(self, message: Message) -> dict[str, object]:
        """Send a message and read the next one that comes."""
        self.send(message)
        return self.read()

    def close(self) -> None:
        """Close the socket."""
        self._lines.close()
        self.socket.close()

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class PlayedJournal:
    """Writes events as the journal of the switch does: numbered, in transactions, announced once a transaction."""

    def __init__(self, conninfo: str) -> None:
        """``conninfo`` is that of the role kamcti_switch."""
        self.connection = psycopg.connect(conninfo, autocommit=True)
        row = self.connection.execute("SELECT coalesce(max(seq), 0) FROM kamcti.event").fetchone()
        assert row is not None
        self.seq: int = row[0]

    def write(self, events: Sequence[Event], *live_state: str) -> None:
        """Commit events, together with ``live_state`` statements."""
        with self.connection.transaction():
            for statement in live_state:
                self.connection.execute(statement.encode())
            for event in events:
                self.seq += 1
                body = number_event(encode(event), self.seq).decode()
                this_dn, conn_id = getattr(event, "this_dn", None), getattr(event, "conn_id", None)
                self.connection.execute(
                    "INSERT INTO kamcti.event (seq, at, this_dn, name, connid, body)"
                    " VALUES (%s, now(), %s, %s, %s, %s)",
                    (self.seq, this_dn, message_name(event), conn_id, body),
                )
            self.connection.execute("SELECT pg_notify('kamcti_event', %s)", (str(self.seq),))

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()
