"""A leg as the call model keeps it: the dialog's identity, and which leg its media and requests go to."""

from dataclasses import dataclass

import msgspec

from kemi import facts


@dataclass(slots=True)
class Leg:
    """One dialog of a party (RFC 3261 §12)."""

    dialog: facts.Leg
    peer: str
    """Id of the leg it is bridged to."""
    since: float
    """Unix time at which the dialog began."""

    @property
    def id(self) -> str:
        return self.dialog.id

    def answered(self, remote_tag: str, remote_target: str, route_set: str) -> None:
        """The 2xx completed the dialog's identity (RFC 3261 §12.1.2)."""
        self.dialog = msgspec.structs.replace(
            self.dialog, remote_tag=remote_tag, remote_target=remote_target, route_set=route_set
        )

    def retargeted(self, remote_target: str) -> None:
        """A target refresh (RFC 3261 §12.2)."""
        self.dialog = msgspec.structs.replace(self.dialog, remote_target=remote_target)
