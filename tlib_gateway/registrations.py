"""Who has registered which DN, and who gets its events."""

from collections.abc import Collection

from tlib.enums import RegisterMode
from tlib.errors import TError, TLibError

SessionID = int


class Registrations:
    """Registrations of all sessions of one gateway.

    A registration is *reserved* when it is asked for and *live* once the DN's state has been sent: only then does
    the session get the DN's events. Two clients that ask for a DN at the same time are so told apart at once.
    """

    def __init__(self) -> None:
        self._holders: dict[str, dict[SessionID, RegisterMode]] = {}
        self._dns: dict[SessionID, set[str]] = {}
        self.subscribers: dict[str, tuple[SessionID, ...]] = {}
        """Live registrations by DN: what the delivery of events looks at."""

    def reserve(self, session: SessionID, dn: str, mode: RegisterMode) -> None:
        """Register ``dn``, or register it again with another mode.

        Raises ``TLibError`` 42 when another session holds it alone (ModePrivate), or when this one wants it alone
        and another has it.
        """
        holders = self._holders.get(dn, {})
        for other, other_mode in holders.items():
            if other == session:
                continue
            if other_mode is RegisterMode.PRIVATE:
                raise TLibError(TError.RESOURCE_SEIZED, f"ThisDN: {dn} is registered privately by another client")
            if mode is RegisterMode.PRIVATE:
                raise TLibError(TError.RESOURCE_SEIZED, f"ThisDN: {dn} is registered by another client")
        self._holders.setdefault(dn, {})[session] = mode
        self._dns.setdefault(session, set()).add(dn)

    def activate(self, session: SessionID, dn: str) -> None:
        """From now on the session gets the DN's events."""
        live = self.subscribers.get(dn, ())
        if session not in live:
            self.subscribers[dn] = (*live, session)

    def mode(self, session: SessionID, dn: str) -> RegisterMode | None:
        """How the session has registered the DN; ``None``: it has not."""
        return self._holders.get(dn, {}).get(session)

    def release(self, session: SessionID, dn: str) -> bool:
        """Drop a registration, live or not. False: there was none."""
        holders = self._holders.get(dn, {})
        if holders.pop(session, None) is None:
            return False
        if not holders:
            del self._holders[dn]
        self._dns[session].discard(dn)
        live = tuple(other for other in self.subscribers.get(dn, ()) if other != session)
        if live:
            self.subscribers[dn] = live
        else:
            self.subscribers.pop(dn, None)
        return True

    def release_all(self, session: SessionID) -> Collection[str]:
        """Drop every registration of a session; which they were."""
        dns = tuple(self._dns.get(session, ()))
        for dn in dns:
            self.release(session, dn)
        self._dns.pop(session, None)
        return dns

    def dns(self, session: SessionID) -> Collection[str]:
        """What the session has registered."""
        return tuple(self._dns.get(session, ()))
