"""A call: its identity, what every event says of it, and its parties."""

from dataclasses import dataclass, field

from kemi.calls.party import Party, State
from tlib.attributes import KeyValues
from tlib.enums import CallType


@dataclass(slots=True, frozen=True)
class Release:
    """A client's request to release a call that is not established; an event on the party's DN will answer it."""

    party: Party
    reference_id: int | None
    reasons: KeyValues | None


@dataclass(slots=True, eq=False)
class Call:
    """One T-Library call, known by its ConnID."""

    connid: str
    call_uuid: str
    type: CallType
    ani: str | None
    dnis: str | None
    created_at: float
    """Unix time."""
    trunk_in: str | None = None
    """The trunk that an inbound call came from."""
    user_data: KeyValues = field(default_factory=dict)
    parties: list[Party] = field(default_factory=list)
    release: Release | None = None
    """Asked for and under way."""

    @property
    def call_id(self) -> int:
        """T-Library's CallID: 31 bits of the ConnID, never 0, which would mean that the switch gives none."""
        return int(self.connid, 16) & 0x7FFFFFFF or 1

    @property
    def ended(self) -> bool:
        return all(party.state is State.ENDED for party in self.parties)

    def other(self, party: Party) -> Party | None:
        """The single other party; ``None`` when there are more (OtherDN is then absent) or there is none."""
        if len(self.parties) != 2:
            return None
        first, second = self.parties
        return second if party is first else first


def call_type(caller_is_dn: bool, called_is_dn: bool) -> CallType:
    """The type of a call that no other call caused."""
    return _TYPES[caller_is_dn, called_is_dn]


_TYPES = {
    (True, True): CallType.INTERNAL,
    (False, True): CallType.INBOUND,
    (True, False): CallType.OUTBOUND,
    (False, False): CallType.UNKNOWN,
}
