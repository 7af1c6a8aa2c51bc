"""When each 180 left the called phones: captured on the loopback interface, nothing else is."""

import struct
import subprocess
from pathlib import Path

from tests.kit.processes import Process

_PCAP_HEADER = 24
_RECORD_HEADER = 16


class RingingCapture:
    """Runs ``dumpcap`` for the 180s that leave ``port`` over UDP."""

    def __init__(self, port: int, directory: Path) -> None:
        self._file = directory / "ringing.pcap"
        # Payload begins 8 bytes after the UDP header's start: "SIP/2.0 180 …" has "180 " at offset 8 of it.
        self._filter = f"udp src port {port} and udp[16:4] = 0x31383020"
        self._directory = directory
        self._process: Process | None = None

    def start(self) -> None:
        self._process = Process(
            "dumpcap",
            ["dumpcap", "-q", "-P", "-i", "lo", "-f", self._filter, "-w", str(self._file)],
            self._directory / "dumpcap.log",
        )
        self._process.wait_for_output("File:")

    def stop(self) -> dict[str, float]:
        """Ends the capture. Unix time of the first 180, by Call-ID."""
        assert self._process is not None
        self._process.stop()
        return _first_by_call_id(self._file.read_bytes())


def _first_by_call_id(capture: bytes) -> dict[str, float]:
    nanoseconds = struct.unpack_from("<I", capture)[0] == 0xA1B23C4D
    times: dict[str, float] = {}
    at = _PCAP_HEADER
    while at + _RECORD_HEADER <= len(capture):
        seconds, fraction, length, _ = struct.unpack_from("<IIII", capture, at)
        packet = capture[at + _RECORD_HEADER : at + _RECORD_HEADER + length]
        at += _RECORD_HEADER + length
        for line in packet.split(b"\r\n"):
            if line[:8].lower() == b"call-id:":
                when = seconds + fraction / (1e9 if nanoseconds else 1e6)
                times.setdefault(line[8:].strip().decode(), when)
                break
    return times


def available() -> bool:
    """Whether this machine lets us capture."""
    return subprocess.run(["dumpcap", "-D"], capture_output=True, check=False).returncode == 0
