"""Who speaks through a CUCM trunk: numbers, names, devices, and where their media is."""

from __future__ import annotations

from dataclasses import dataclass

from tests.kit.sip import Audio

SILENT_PHONE = Audio(port=24510, address="198.51.100.31")


@dataclass(frozen=True, slots=True)
class Party:
    """A directory number or an outside number as CUCM presents it.

    `private` hides it from the called side (From anonymous, the number in P-Asserted-Identity only). `device`
    is the phone's device name, which CUCM puts into the Contact of its answers. `media` is where the phone
    (never CUCM) receives; the default is an address from which nothing is ever sent.
    """

    number: str
    name: str = ""
    private: bool = False
    device: str | None = None
    media: Audio = SILENT_PHONE

    def identity(self, host: str) -> str:
        """The name-addr with which CUCM names this party."""
        name = f'"{self.name}" ' if self.name else ""
        return f"{name}<sip:{self.number}@{host}>"

    def shown(self, host: str) -> str:
        """The name-addr for From: anonymous when the party is private."""
        return f'"Anonymous" <sip:anonymous@{host}>' if self.private else self.identity(host)
