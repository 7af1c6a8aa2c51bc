"""One T-Library client registered on every DN, as a process of its own: writes down what came when.

``python -m tests.bench.event_client HOST:PORT USER PASSWORD OUT DN…`` prints ``registered`` when it is, and appends to
``OUT`` twice a second: one line an event, ``unix-time sequence-number name dn call-uuid connid``.
"""

import asyncio
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from tlib.client import Client
from tlib.events import CallEvent


async def _run(host: str, port: int, user: str, password: str, out: Path, dns: list[str]) -> None:
    client = await Client.connect(host, port)
    await client.register_client("bench", user, password)
    for dn in dns:
        await client.register_address(dn)
    print("registered", flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    lines: list[str] = []

    async def follow() -> None:
        async for event in client:
            when = time.time()
            call = f"{event.call_uuid} {event.conn_id}" if isinstance(event, CallEvent) else "- -"
            lines.append(f"{when:.6f} {event.event_sequence_number} {type(event).__name__} {event.this_dn} {call}\n")

    task = asyncio.create_task(follow())
    with out.open("w") as file:
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 0.5)
            file.writelines(lines)
            file.flush()
            lines.clear()
    task.cancel()
    await client.close()


def main() -> None:
    address, user, password, out, *dns = sys.argv[1:]
    host, _, port = address.rpartition(":")
    asyncio.run(_run(host, int(port), user, password, Path(out), dns))


if __name__ == "__main__":
    main()
