"""A T-Library client that runs beside a test and keeps every event it gets."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from types import TracebackType

from tests.kit.processes import wait_for
from tlib.client import Client
from tlib.errors import TLibError
from tlib.events import DNEvent, Event, EventRegistered
from tlib.requests import Request


class EventLog:
    """Connected and registered on ``dns`` inside the ``with`` block; ``events`` grows while the test goes on."""

    def __init__(
        self,
        address: tuple[str, int],
        user: str,
        password: str,
        dns: Sequence[str],
        follow: Callable[[Event], None] | None = None,
    ) -> None:
        """``follow`` is called with each event, from another thread."""
        self._address = address
        self._login = (user, password)
        self._dns = dns
        self._follow = follow
        self.events: list[Event] = []
        self.registered: dict[str, EventRegistered] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._client: Client | None = None

    def of(self, dn: str) -> list[Event]:
        """The events about ``dn``, in their order."""
        return [event for event in self.events if isinstance(event, DNEvent) and event.this_dn == dn]

    def names(self, dn: str) -> list[str]:
        return [type(event).__name__ for event in self.of(dn)]

    def expect(self, dn: str, *names: str, timeout: float = 5.0) -> list[Event]:
        """Waits until the events about ``dn`` are exactly these, and returns them."""
        # In vain or not, what came is compared below: that tells more than the time limit.
        with contextlib.suppress(TimeoutError):
            wait_for(lambda: self.names(dn) == list(names) or len(self.names(dn)) > len(names), "", timeout)
        assert self.names(dn) == list(names), f"events about {dn}: {self.names(dn)}"
        return self.of(dn)

    def request(self, request: Request) -> Event | TLibError:
        """The answer to ``request``; an EventError as the exception that the client raises."""

        async def ask() -> Event | TLibError:
            assert self._client is not None
            try:
                return await self._client.request(request)
            except TLibError as error:
                return error

        return asyncio.run_coroutine_threadsafe(ask(), self._loop).result(20)

    def __enter__(self) -> "EventLog":
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self) -> None:
        client = await Client.connect(*self._address)
        self._client = client
        await client.register_client("event log", *self._login)
        for dn in self._dns:
            self.registered[dn] = await client.register_address(dn)
        self._follower = asyncio.create_task(self._read(client))

    async def _read(self, client: Client) -> None:
        async for event in client:
            self.events.append(event)
            if self._follow is not None:
                self._follow(event)

    async def _close(self) -> None:
        assert self._client is not None
        await self._client.close()
        self._follower.cancel()
        await asyncio.gather(self._follower, return_exceptions=True)
