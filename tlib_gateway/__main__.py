"""``python -m tlib_gateway``: one gateway process."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from importlib import metadata

from tlib_gateway.limits import Limits
from tlib_gateway.server import Gateway, Options, QueueLimits


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; exit status 0 then."""
    options = _options(arguments)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    # psycopg warns of its own about connections that fail; the store says so in a line of its own.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    return asyncio.run(_serve(options))


async def _serve(options: Options) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    ready: asyncio.Future[tuple[str, int]] = loop.create_future()
    ready.add_done_callback(_say_ready)
    try:
        await Gateway(options).run(ready, stop)
    except OSError as error:
        print(f"tlib_gateway cannot listen on {options.host}:{options.port}: {error}", file=sys.stderr)
        return 1
    return 0


def _say_ready(ready: "asyncio.Future[tuple[str, int]]") -> None:
    host, port = ready.result()
    print(f"tlib_gateway listens on {_address(host, port)}", flush=True)


def _options(arguments: list[str] | None) -> Options:
    limits, queues = Limits(), QueueLimits()
    parser = argparse.ArgumentParser(prog="tlib_gateway", description="Serves T-Library clients over TCP.")
    parser.add_argument(
        "--listen", type=_listen_address, default=("127.0.0.1", 3000), metavar="HOST:PORT",
        help="address to listen on; port 0 takes any that is free (default 127.0.0.1:3000)",
    )  # fmt: skip
    parser.add_argument(
        "--database", default=os.environ.get("KAMCTI_DATABASE", ""), metavar="CONNINFO",
        help="libpq connection string of the role kamcti_gateway (default: $KAMCTI_DATABASE)",
    )  # fmt: skip
    parser.add_argument("--name", default="", help="name of this process in the request queue (default HOST:PORT)")
    parser.add_argument("--max-connections", type=_positive, default=1000, help="clients at once (default %(default)s)")
    parser.add_argument(
        "--keep-alive", type=_seconds, default=limits.keep_alive, metavar="SECONDS",
        help="keep-alive period; silence of three ends a connection (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--login-time", type=_seconds, default=limits.login_time, metavar="SECONDS",
        help="time until a client must have logged in (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--request-time", type=_seconds, default=limits.request_time, metavar="SECONDS",
        help="time until a request without an answer fails with 57 (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--outstanding", type=_positive, default=limits.outstanding, metavar="REQUESTS",
        help="requests of a client that may wait for their answers (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--queue-bytes", type=_positive, default=queues.bytes, metavar="BYTES",
        help="what may wait for a client that does not read (default %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--queue-messages", type=_positive, default=queues.messages, metavar="MESSAGES",
        help="messages that may wait for a client that does not read (default %(default)s)",
    )  # fmt: skip
    values = parser.parse_args(arguments)
    host, port = values.listen
    return Options(
        host=host,
        port=port,
        database=values.database,
        name=values.name,
        version=metadata.version("kamcti"),
        max_connections=values.max_connections,
        limits=Limits(
            login_time=values.login_time,
            keep_alive=values.keep_alive,
            request_time=values.request_time,
            outstanding=values.outstanding,
        ),
        queue_limits=QueueLimits(messages=values.queue_messages, bytes=values.queue_bytes),
    )


def _listen_address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.01 <= seconds <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0.01 to 86400")
    return seconds


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


if __name__ == "__main__":
    sys.exit(main())
