"""Send one case to an element and see what comes of it; then see whether the element still serves."""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import time
from dataclasses import dataclass

from tests.kit.sip import Address, Transport
from tests.kit.torture.case import Case, request
from tests.kit.torture.case import Outcome as _Outcome

_STATUS = re.compile(rb"^SIP/2\.0 (\d{3})", re.MULTILINE)
_GRACE = 0.05
"""Seconds that an answer may come after that of the plain request: two workers may overtake each other."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What came back: the final answer to the case (None: none), and whether a plain OPTIONS was answered after."""

    status: int | None
    alive: bool


def probe(
    case: Case,
    target: Address,
    *,
    transport: Transport = Transport.UDP,
    address: str = "127.0.0.1",
    user: str = "8000",
    timeout: float = 2.0,
) -> Probe:
    """Send `case` from a new socket of `address`, then a plain OPTIONS, and wait for its answer.

    The case's own answer is what else came by then. Over TCP the OPTIONS goes over the same connection, unless the case
    breaks the stream's framing or the element closed it.
    """
    if transport is Transport.UDP:
        return _over_udp(case, target, address, user, timeout)
    return _over_tcp(case, target, address, user, timeout)


def _plain(target: Address, local: Address, transport: Transport) -> tuple[bytes, bytes]:
    mark = f"alive-{secrets.token_hex(6)}"
    template = request("OPTIONS", change={"Call-ID": mark})
    return Case(mark, template, _Outcome.PROCESSED).render(target, local, transport), mark.encode()


def _final(datagrams: bytes, mark: bytes) -> int | None:
    """The first final status in what came, apart from the answer to the plain request."""
    for part in re.split(rb"(?=^SIP/2\.0 )", datagrams, flags=re.MULTILINE):
        found = _STATUS.match(part)
        if found and int(found[1]) >= 200 and mark not in part:
            return int(found[1])
    return None


def _over_udp(case: Case, target: Address, address: str, user: str, timeout: float) -> Probe:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, 0))
        local = Address(*sock.getsockname())
        plain, mark = _plain(target, local, Transport.UDP)
        sock.sendto(case.render(target, local, Transport.UDP, user), (target.host, target.port))
        sock.sendto(plain, (target.host, target.port))
        heard = _read_until(sock, mark, timeout)
        return Probe(_final(heard, mark), mark in heard)


def _over_tcp(case: Case, target: Address, address: str, user: str, timeout: float) -> Probe:
    with contextlib.closing(_connect(target, address)) as sock:
        local = Address(*sock.getsockname())
        plain, mark = _plain(target, local, Transport.TCP)
        heard = b""
        with contextlib.suppress(ConnectionError):
            sock.sendall(case.render(target, local, Transport.TCP, user))
            if not case.breaks_framing:
                sock.sendall(plain)
        heard = _read_until(sock, mark, timeout if not case.breaks_framing else 0.2)
    if mark in heard:
        return Probe(_final(heard, mark), True)
    with contextlib.closing(_connect(target, address)) as sock:
        plain, again = _plain(target, Address(*sock.getsockname()), Transport.TCP)
        sock.sendall(plain)
        return Probe(_final(heard, mark), again in _read_until(sock, again, timeout))


def _connect(target: Address, address: str) -> socket.socket:
    return socket.create_connection((target.host, target.port), timeout=5.0, source_address=(address, 0))


def _read_until(sock: socket.socket, mark: bytes, timeout: float) -> bytes:
    """Everything that comes until `mark` was seen and a little after, the peer closes, or time is up."""
    heard = b""
    deadline = time.monotonic() + timeout
    marked = False
    while (left := deadline - time.monotonic()) > 0:
        sock.settimeout(left)
        try:
            data = sock.recv(1 << 16)
        except (TimeoutError, ConnectionError):
            break
        if not data and sock.type == socket.SOCK_STREAM:
            break
        heard += data + b"\r\n"
        if mark in heard and not marked:
            marked = True
            deadline = min(deadline, time.monotonic() + _GRACE)
    return heard
