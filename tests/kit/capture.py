"""Wire capture on the loopback interface: a pcap file to look at with Wireshark, and the SIP messages in it.

    with Capture(tmp_path / "call.pcap", ports=[kamailio.port]) as capture:
        …
    invites = [each for each in capture.messages() if each.is_request("INVITE")]

The capture itself is done by dumpcap, the program that tshark captures with (Debian package tshark). It needs the right
to capture, which root has, in a container too.
"""

from __future__ import annotations

import signal
import socket
import struct
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from tests.kit.processes import wait_for
from tests.kit.sip import Address, MalformedMessage, Request, Response, Transport, parse
from tests.kit.sip.wire import take_message

_PCAP_HEADER = struct.Struct("<IHHiIII")
_PACKET_HEADER = struct.Struct("<IIII")
_MAGIC_MICROSECONDS = 0xA1B2C3D4
_MAGIC_NANOSECONDS = 0xA1B23C4D
_ETHERNET, _IPV4 = 1, 0x0800
_TCP, _UDP = 6, 17
_SYN, _FIN_OR_RST = 0x02, 0x05


class Packet(NamedTuple):
    """One UDP or TCP packet of a capture file."""

    at: float
    source: Address
    destination: Address
    transport: Transport
    payload: bytes
    sequence: int
    flags: int


@dataclass(frozen=True, slots=True)
class CapturedMessage:
    """One SIP message as it crossed the wire.

    `at` is Unix time; `message` is None when the bytes were no SIP message.
    """

    at: float
    source: Address
    destination: Address
    transport: Transport
    message: Request | Response | None
    raw: bytes

    def is_request(self, method: str) -> bool:
        """True for a request of that method."""
        return isinstance(self.message, Request) and self.message.method == method

    def is_response(self, status: int, method: str | None = None) -> bool:
        """True for a response with that status (to that method)."""
        return (
            isinstance(self.message, Response)
            and self.message.status == status
            and (method is None or self.message.cseq.method == method)
        )


class Capture:
    """A running capture of some ports. A context manager: it sees everything that is sent inside."""

    def __init__(self, path: Path, ports: Sequence[int]) -> None:
        if not ports:
            raise ValueError("a capture needs ports")
        self.path = path
        self.ports = tuple(ports)
        self._process: subprocess.Popen[bytes] | None = None
        # Datagrams to this port, where nobody reads, show that everything sent before them is in the file.
        self._marker = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._marks = 0

    def start(self) -> Capture:
        """Start, and wait until packets are really seen."""
        self._marker.bind(("127.0.0.1", 0))
        ports = " or ".join(f"port {port}" for port in (*self.ports, self._marker.getsockname()[1]))
        self.path.parent.mkdir(parents=True, exist_ok=True)
        log = self.path.with_suffix(".log")
        with log.open("wb") as output:
            self._process = process = subprocess.Popen(
                ["dumpcap", "-q", "-P", "-i", "lo", "-s", "0", "-B", "16", "-f", ports, "-w", str(self.path)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

        def seen() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"dumpcap ended with {process.returncode}:\n{log.read_text(errors='replace')}")
            return self._mark_and_look()

        try:
            wait_for(seen, "dumpcap sees packets", 10.0)
        except BaseException:
            self._end()
            raise
        return self

    def stop(self) -> None:
        """Wait until all that was sent is in the file, and end."""
        if self._process is None or self._process.poll() is not None:
            self._end()
            return
        try:
            wait_for(self._mark_and_look, "the last packets are in the capture", 10.0)
        finally:
            self._end()

    def messages(self) -> list[CapturedMessage]:
        """The SIP messages in the order in which they were complete, keep-alives left out."""
        return list(sip_messages(packet for packet in read_packets(self.path) if not self._is_mark(packet)))

    def __enter__(self) -> Capture:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- inside

    def _mark_and_look(self) -> bool:
        """Send a mark; True once it is in the file (it stays the same until it was found)."""
        mark = f"<mark {self._marks}>".encode()
        port = self._marker.getsockname()[1]
        self._marker.sendto(mark, ("127.0.0.1", port))
        if not self.path.exists():
            return False
        if mark in self.path.read_bytes():
            self._marks += 1
            return True
        return False

    def _is_mark(self, packet: Packet) -> bool:
        return packet.source.port not in self.ports and packet.destination.port not in self.ports

    def _end(self) -> None:
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(5.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._marker.close()


def read_packets(path: Path) -> Iterator[Packet]:
    """The UDP and TCP packets of a pcap file (Ethernet or loopback, IPv4). ValueError if it is no such file."""
    data = path.read_bytes()
    magic, _, _, _, _, _, link = _PCAP_HEADER.unpack_from(data)
    if magic not in (_MAGIC_MICROSECONDS, _MAGIC_NANOSECONDS) or link != _ETHERNET:
        raise ValueError(f"{path.name} is no pcap file of Ethernet frames")
    unit = 1e-6 if magic == _MAGIC_MICROSECONDS else 1e-9
    position = _PCAP_HEADER.size
    while position + _PACKET_HEADER.size <= len(data):
        seconds, fraction, length, _ = _PACKET_HEADER.unpack_from(data, position)
        position += _PACKET_HEADER.size
        packet = _read_frame(data[position : position + length], seconds + fraction * unit)
        position += length
        if packet is not None:
            yield packet


def _read_frame(frame: bytes, at: float) -> Packet | None:
    if len(frame) < 34 or int.from_bytes(frame[12:14], "big") != _IPV4:
        return None
    header = frame[14:]
    size = (header[0] & 0x0F) * 4
    protocol = header[9]
    end = int.from_bytes(header[2:4], "big") or len(header)  # 0: segmentation was left to the interface
    body = header[size:end]
    if protocol not in (_UDP, _TCP) or len(body) < 8:
        return None
    source = Address(socket.inet_ntoa(header[12:16]), int.from_bytes(body[:2], "big"))
    destination = Address(socket.inet_ntoa(header[16:20]), int.from_bytes(body[2:4], "big"))
    if protocol == _UDP:
        return Packet(at, source, destination, Transport.UDP, body[8:], 0, 0)
    payload = body[(body[12] >> 4) * 4 :]
    return Packet(at, source, destination, Transport.TCP, payload, int.from_bytes(body[4:8], "big"), body[13])


@dataclass(slots=True)
class _Stream:
    """One direction of a TCP connection: what was read in order, and what came too early."""

    expected: int | None
    buffer: bytearray
    early: dict[int, bytes]

    def add(self, packet: Packet) -> None:
        if packet.flags & _SYN:
            self.expected = (packet.sequence + 1) % (1 << 32)
            return
        if self.expected is None:  # the capture began in the middle of the connection
            self.expected = packet.sequence
        if packet.payload:
            self.early[packet.sequence] = packet.payload
        while self.expected in self.early:
            payload = self.early.pop(self.expected)
            self.buffer += payload
            self.expected = (self.expected + len(payload)) % (1 << 32)


def sip_messages(packets: Iterable[Packet]) -> Iterator[CapturedMessage]:
    """The SIP messages in packets; TCP streams are put together and cut (RFC 3261 §18.3)."""
    streams: dict[tuple[Address, Address], _Stream] = {}
    for packet in packets:
        if packet.transport is Transport.UDP:
            if packet.payload.strip(b"\r\n\0"):
                yield _message(packet, packet.payload)
            continue
        key = (packet.source, packet.destination)
        if packet.flags & _SYN or key not in streams:
            streams[key] = _Stream(None, bytearray(), {})
        stream = streams[key]
        stream.add(packet)
        while (raw := take_message(stream.buffer)) is not None:
            yield _message(packet, raw)
        if packet.flags & _FIN_OR_RST and not stream.early:
            del streams[key]


def _message(packet: Packet, raw: bytes) -> CapturedMessage:
    try:
        message: Request | Response | None = parse(raw)
    except MalformedMessage:
        message = None
    return CapturedMessage(packet.at, packet.source, packet.destination, packet.transport, message, raw)
