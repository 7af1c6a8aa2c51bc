"""A client of the gateway, for asyncio programs.

::

    client = await Client.connect("127.0.0.1", 3000)
    await client.register_client("my program", "user", "password")
    state = await client.register_address("7001")      # EventRegistered: what is on the DN now
    async for event in client:                         # and what happens after that
        ...

``stay_connected`` does the same and comes back after every loss of connection, with fresh states.
Requests that fail raise ``TLibError``; so does every request in flight when the connection is lost (code 54).
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TypeVar

import msgspec

from tlib.codec import decode_event, encode
from tlib.enums import RegisterMode
from tlib.errors import TError, TLibError
from tlib.events import (
    Event,
    EventACK,
    EventAddressInfo,
    EventError,
    EventLinkConnected,
    EventLinkDisconnected,
    EventPartyInfo,
    EventRegistered,
    EventServerConnected,
    EventServerDisconnected,
    EventServerInfo,
    EventUnregistered,
)
from tlib.framing import LineBuffer, TooLong
from tlib.message import KeepAlive, Message
from tlib.requests import (
    Request,
    RequestRegisterAddress,
    RequestRegisterClient,
    RequestUnregisterAddress,
)

logger = logging.getLogger(__name__)

_E = TypeVar("_E", bound=Event)

_MAX_LINE = 1024 * 1024
"""Bytes of a message that are accepted: generous, because what comes is the gateway's."""
_MAX_WAITING = 10_000
"""Events that may wait for the program; then nothing is read until it catches up."""
# Answers that are for the requester alone: they are not part of the stream of events.
_PURE_ANSWERS = (
    EventACK,
    EventAddressInfo,
    EventError,
    EventLinkConnected,
    EventLinkDisconnected,
    EventPartyInfo,
    EventRegistered,
    EventServerInfo,
    EventUnregistered,
)


class Client:
    """One connection to a gateway. Made by ``connect``; ended by ``close`` or ``async with``.

    Iterating gives events in the order in which the gateway sent them, and at last EventServerDisconnected.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, keep_alive: float) -> None:
        """Use ``connect``."""
        self._reader = reader
        self._writer = writer
        self._keep_alive = keep_alive
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Event | None] = asyncio.Queue(_MAX_WAITING)
        self._answers: dict[int, asyncio.Future[Event]] = {}
        # Events on a shared DN carry the ReferenceIDs of other clients, too: start where nobody else is.
        self._reference_id = random.getrandbits(46)
        self._received = self._sent = self._loop.time()
        self._lost: str | None = None
        self._ended = False
        self._tasks = (asyncio.create_task(self._read()), asyncio.create_task(self._keep_connection()))

    @classmethod
    async def connect(cls, host: str, port: int, *, keep_alive: float = 30.0, timeout: float = 10.0) -> "Client":
        """Open a connection. ``keep_alive`` is the period in seconds. Raises ``OSError`` or ``TimeoutError``."""
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(host, port)
        return cls(reader, writer, keep_alive)

    async def register_client(
        self, application_name: str, user_name: str, password: str
    ) -> EventLinkConnected | EventLinkDisconnected:
        """Log in. With EventLinkDisconnected, wait for EventLinkConnected before anything else."""
        answer = await self.request(
            RequestRegisterClient(application_name=application_name, user_name=user_name, password=password)
        )
        if isinstance(answer, EventLinkDisconnected):
            return answer
        return _expect(answer, EventLinkConnected)

    async def register_address(self, dn: str, mode: RegisterMode = RegisterMode.SHARE) -> EventRegistered:
        """Subscribe to a DN; its state now. Every later event comes out of the iteration."""
        answer = await self.request(RequestRegisterAddress(this_dn=dn, register_mode=mode))
        return _expect(answer, EventRegistered)

    async def unregister_address(self, dn: str) -> EventUnregistered:
        """Drop the subscription to a DN."""
        return _expect(await self.request(RequestUnregisterAddress(this_dn=dn)), EventUnregistered)

    async def request(self, request: Request, timeout: float = 15.0) -> Event:
        """Send a request and wait for the event that answers it.

        A ReferenceID is chosen when the request has none. Raises ``TLibError``: the code of the EventError, 57 after
        ``timeout`` seconds, 54 when the connection is lost.
        """
        if not request.reference_id:
            self._reference_id += 1
            request = msgspec.structs.replace(request, reference_id=self._reference_id)
        reference_id = request.reference_id
        assert reference_id is not None
        answer: asyncio.Future[Event] = self._loop.create_future()
        self._answers[reference_id] = answer
        try:
            await self.send(request)
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError:
            raise TLibError(TError.TIMEOUT, f"no answer within {timeout:g} s", reference_id) from None
        finally:
            del self._answers[reference_id]

    async def send(self, message: Message) -> None:
        """Send a message without waiting for anything. Raises ``TLibError`` 54 when the connection is lost."""
        if self._lost is not None:
            raise TLibError(TError.NO_SWITCH, f"the connection is lost: {self._lost}")
        self._writer.write(encode(message) + b"\n")
        self._sent = self._loop.time()
        # What goes wrong with the connection shows in the reading task, which tells everybody.
        with suppress(OSError):
            await self._writer.drain()

    def __aiter__(self) -> AsyncIterator[Event]:
        """The events, until the connection ends."""
        return self

    async def __anext__(self) -> Event:
        """The next event."""
        event = None if self._ended else await self._events.get()
        if event is None:
            self._ended = True
            raise StopAsyncIteration
        return event

    async def close(self) -> None:
        """Close the connection; harmless when it is closed already."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()
        self._fail_answers("closed by this side")

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _read(self) -> None:
        lines = LineBuffer(_MAX_LINE)
        reason = "closed by the gateway"
        try:
            while data := await self._reader.read(256 * 1024):
                self._received = self._loop.time()
                lines.feed(data)
                while (line := lines.next_line()) is not None:
                    await self._take(line)
        except OSError as error:
            reason = str(error)
        self._fail_answers(reason)
        await self._events.put(EventServerDisconnected(extensions={"Reason": reason}))
        await self._events.put(None)

    async def _take(self, line: bytes | TooLong) -> None:
        if isinstance(line, TooLong):
            logger.warning("message of more than %d bytes ignored", line.limit)
            return
        try:
            event = decode_event(line)
        except TLibError as error:
            # A newer gateway may send messages that this library does not know.
            logger.warning("message ignored: %s", error)
            return
        if isinstance(event, KeepAlive):
            return
        answer = self._answers.get(event.reference_id or 0)
        if answer is not None and not answer.done():
            if isinstance(event, EventError):
                answer.set_exception(TLibError(event.error_code, event.error_message, event.reference_id))
            else:
                answer.set_result(event)
            if isinstance(event, _PURE_ANSWERS):
                return
        await self._events.put(event)

    async def _keep_connection(self) -> None:
        while True:
            await asyncio.sleep(self._keep_alive / 4)
            now = self._loop.time()
            if self._events.full():
                self._received = now  # we are the ones who do not listen
            if now - self._received >= 3 * self._keep_alive:
                # Ends the reading task, which tells everybody.
                self._writer.transport.abort()
                return
            if now - self._sent >= self._keep_alive * 3 / 4 and self._lost is None:
                await self.send(KeepAlive())

    def _fail_answers(self, reason: str) -> None:
        if self._lost is None:
            self._lost = reason
        for reference_id, answer in self._answers.items():
            if not answer.done():
                answer.set_exception(TLibError(TError.NO_SWITCH, f"the connection is lost: {reason}", reference_id))


async def stay_connected(
    host: str,
    port: int,
    *,
    application_name: str,
    user_name: str,
    password: str,
    dns: Sequence[str],
    mode: RegisterMode = RegisterMode.MONITOR,
    keep_alive: float = 30.0,
    retry_delays: tuple[float, float] = (0.2, 5.0),
) -> AsyncIterator[Event]:
    """Events of ``dns`` for ever: after every loss, of the connection or of the link, connect and register again.

    Between the events of a connection stand EventServerConnected, EventRegistered of each DN (its state at that
    moment: what was missed is in there), EventError of a DN that cannot be registered, and EventServerDisconnected.
    ``retry_delays`` are the first and the longest pause in seconds. Raises ``TLibError`` when the login is refused.
    """
    first, longest = retry_delays
    delay = first
    told = False  # that the gateway cannot be reached
    while True:
        try:
            client = await Client.connect(host, port, keep_alive=keep_alive)
        except (OSError, TimeoutError) as error:
            if not told:
                yield EventServerDisconnected(extensions={"Reason": str(error) or "no answer"})
                told = True
            await asyncio.sleep(delay)
            delay = min(delay * 2, longest)
            continue
        async with client:
            try:
                answer = await client.register_client(application_name, user_name, password)
            except TLibError as error:
                if error.code not in (TError.NO_SWITCH, TError.TIMEOUT):
                    raise
                await asyncio.sleep(delay)
                delay = min(delay * 2, longest)
                continue
            delay = first
            yield EventServerConnected()
            yield answer
            if isinstance(answer, EventLinkConnected):
                for state in await _register_all(client, dns, mode):
                    yield state
            async for event in client:
                yield event
                told = isinstance(event, EventServerDisconnected)
                if isinstance(event, EventLinkConnected):
                    for state in await _register_all(client, dns, mode):
                        yield state
        await asyncio.sleep(first)


async def _register_all(client: Client, dns: Sequence[str], mode: RegisterMode) -> list[Event]:
    """What each DN answered: its state, or why it cannot be registered."""
    return list(await asyncio.gather(*(_register(client, dn, mode) for dn in dns)))


async def _register(client: Client, dn: str, mode: RegisterMode) -> Event:
    try:
        return await client.register_address(dn, mode)
    except TLibError as error:
        return EventError(
            error_code=int(error.code), error_message=error.message, reference_id=error.reference_id, this_dn=dn
        )


def _expect(answer: Event, kind: type[_E]) -> _E:
    if isinstance(answer, kind):
        return answer
    raise TLibError(TError.UNKNOWN_ERROR, f"unexpected answer {type(answer).__name__}", answer.reference_id)
