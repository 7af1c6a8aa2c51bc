"""``kamcti monitor``: the live events of DNs, one a line."""

import argparse
import asyncio
import contextlib
import getpass
import os
import sys
from collections.abc import Mapping
from datetime import datetime

from tlib.client import stay_connected
from tlib.codec import encode
from tlib.enums import CallType, PartyState
from tlib.errors import TLibError
from tlib.events import (
    AgentEvent,
    CallEvent,
    Event,
    EventError,
    EventLinkConnected,
    EventLinkDisconnected,
    EventRegistered,
    EventServerConnected,
    EventServerDisconnected,
    EventUnregistered,
    PartialCallEvent,
)
from tlib.message import message_name

_NAME_WIDTH = 24
_DN_WIDTH = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``kamcti monitor`` takes."""
    parser.add_argument("dns", nargs="+", metavar="DN", help="DNs whose events are shown")
    parser.add_argument(
        "--gateway", type=_gateway_address, default=("127.0.0.1", 3000), metavar="HOST:PORT",
        help="the gateway (default 127.0.0.1:3000)",
    )  # fmt: skip
    parser.add_argument("--user", default=os.environ.get("USER", ""), help="user of the gateway (default: $USER)")
    parser.add_argument(
        "--password", default=os.environ.get("KAMCTI_PASSWORD"),
        help="password; better in $KAMCTI_PASSWORD, where other users of the machine do not see it; else it is asked",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="show events as they are on the wire")


def run(args: argparse.Namespace) -> int:
    """Show events until interrupted; exit status 1 when the login is refused."""
    if args.password is None:
        args.password = getpass.getpass(f"password of {args.user}: ")
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(_show(args))
        except TLibError as error:
            print(f"kamcti monitor: {error.message} (error {int(error.code)})", file=sys.stderr)
            return 1
        except BrokenPipeError:
            # Whoever read the lines has enough; nothing more can be written, not even by the interpreter at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def describe(event: Event) -> str:
    """One line for people: time, DN, event, ConnID, call type, other party, state.

    Times are local. What does not apply to an event is left out.
    """
    when = datetime.fromtimestamp(event.time.seconds) if event.time else datetime.now()
    dn: str = getattr(event, "this_dn", None) or "-"
    parts = [f"{when:%H:%M:%S.%f}"[:-3], dn.ljust(_DN_WIDTH), message_name(event).ljust(_NAME_WIDTH), *_details(event)]
    return " ".join(part for part in parts if part).rstrip()


def _details(event: Event) -> list[str]:
    match event:
        case CallEvent() | PartialCallEvent():
            return _call(event)
        case AgentEvent():
            return [
                f"agent {event.agent_id}" if event.agent_id else "",
                event.agent_work_mode.value if event.agent_work_mode else "",
            ]
        case EventRegistered():
            return _state(event.extensions or {})
        case EventError() | EventUnregistered():
            return [f"error {event.error_code}: {event.error_message}" if event.error_code is not None else ""]
        case EventLinkDisconnected() | EventServerDisconnected():
            return [str((event.extensions or {}).get("Reason", ""))]
        case EventServerConnected() | EventLinkConnected():
            return []
    return []


def _call(event: CallEvent | PartialCallEvent) -> list[str]:
    other = third = ""
    if event.other_dn:
        other = f"with {event.other_dn}" + (f" ({event.other_dn_role.value})" if event.other_dn_role else "")
    if event.third_party_dn:
        role = f" ({event.third_party_dn_role.value})" if event.third_party_dn_role else ""
        third = f"third party {event.third_party_dn}{role}"
    return [
        event.conn_id or "",
        event.call_type.value.ljust(8) if event.call_type else "",
        event.call_state.value if event.call_state else "",
        other,
        third,
        f"queue {event.this_queue}" if event.this_queue else "",
    ]


def _state(extensions: Mapping[str, object]) -> list[str]:
    """The state that EventRegistered reports: calls, and what is out of the ordinary."""
    calls = []
    number = 1
    while f"conn-{number}" in extensions:
        call_type = _named(list(CallType), extensions.get(f"ct-{number}"))
        state = _named(list(PartyState), extensions.get(f"ps-{number}"))
        calls.append(f"{extensions[f'conn-{number}']} {call_type} {state}")
        number += 1
    return [
        "; ".join(calls) if calls else "idle",
        "out of service" if extensions.get("in-service") == 0 else "",
        "do not disturb" if extensions.get("dnd") == 1 else "",
        f"forwarded to {extensions['fwd']}" if "fwd" in extensions else "",
    ]


def _named(members: list[CallType] | list[PartyState], code: object) -> str:
    known = isinstance(code, int) and 0 <= code < len(members)
    return members[code].value if known and isinstance(code, int) else str(code)


async def _show(args: argparse.Namespace) -> None:
    host, port = args.gateway
    events = stay_connected(
        host,
        port,
        application_name="kamcti monitor",
        user_name=args.user,
        password=args.password,
        dns=list(dict.fromkeys(args.dns)),
    )
    async for event in events:
        print(encode(event).decode() if args.json else describe(event), flush=True)


def _gateway_address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdecimal() or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)
