"""What a SIP worker asks Python: one decision for each INVITE that opens a call."""

import os
import re
import time

from kemi import ksr
from kemi.connid import ConnIds, call_uuid
from kemi.facts import invite_body
from kemi.routing.decision import Refuse, decide
from kemi.routing.site import DnType, SharedSite

_PROTOCOLS = ("udp", "tcp", "tls")


class Worker:
    """One SIP worker's view. Its only state is the number of the last call it opened."""

    def __init__(self) -> None:
        self._connids: ConnIds | None = None
        self._address = os.environ["KAMCTI_ADDRESS"]
        self._host = self._address.rpartition(":")[0]
        self._site = SharedSite({name: ksr.Table(name).get for name in ("dn", "route", "trunk")})
        self._facts = ksr.MessageQueue("facts")

    def route_invite(self, rank: int, fields: str) -> int:
        """Decides the INVITE that ``invite.cfg`` describes in ``fields``; answers in ``$var(verdict)``.

        Returns 1 to relay, -1 to refuse.
        """
        (dialled, caller, call_id, tag, target, to_uri, from_uri, proto, trunk_in, record_route, name) = fields.split(
            "|", 10
        )
        if proto not in _PROTOCOLS:
            # "|" parts the fields here and in shared memory. A name may have it; no legal tag, Call-ID or URI does
            # (RFC 3261 §25.1), and in one of them it has moved the others.
            return _refuse(400, "Bad Character In A Header")
        if "\n" in fields:
            record_route = record_route.replace("\r\n", "").replace("\n", "")
            name = " ".join(name.split())
        if "<null>" in (call_id, tag) or not target or target == "<null>":
            return _refuse(400, "Call-ID, From Tag Or Contact Is Missing")
        dialled, caller, name = _given(dialled), _given(caller), _given(name).strip('"')
        record_route = _given(record_route)
        verdict = decide(dialled, self._site)
        if isinstance(verdict, Refuse):
            return _refuse(verdict.code, verdict.reason)
        if self._connids is None:
            self._connids = ConnIds(rank)
        number = self._connids.next()
        connid = f"{number:016x}"
        uuid = call_uuid()
        caller_dn = self._site.dn(caller)
        local_uri = _name_addr(name, f"sip:{caller}@{self._host}" if caller else f"sip:{self._host}")
        self._facts.put(
            "invite",
            invite_body(
                connid,
                uuid,
                time.time(),
                caller,
                caller_dn is not None and caller_dn.type is DnType.EXTENSION,
                dialled,
                verdict.callee,
                True,
                (
                    call_id,
                    f"<{to_uri}>",
                    f"<{from_uri}>",
                    tag,
                    target,
                    record_route,
                    f"{proto}:{self._address}",
                    trunk_in,
                ),
                (f"{uuid}-2@{self._host}", local_uri, verdict.uri, verdict.trunk),
                name,
            ),
        )
        # Session ids are numbers of at most 63 bits (RFC 4566 §5.2); the routes append the leg's digit.
        session = number & (1 << 56) - 1
        ksr.set_text(
            "$var(verdict)",
            f"{connid}|{uuid}|{verdict.callee}|{verdict.sets}|{verdict.trying_ms}|{session}|{local_uri}|{verdict.uri}",
        )
        return 1

    def reverse_record_route(self) -> int:
        """``$avp(record_route)`` → ``$avp(routes)``, reversed: a caller's route set (RFC 3261 §12.1.2)."""
        routes = _split_routes(ksr.variable("$avp(record_route)"))
        ksr.set_text("$avp(routes)", ", ".join(reversed(routes)))
        return 1


def _split_routes(value: str) -> list[str]:
    """The name-addrs of a Record-Route value. Commas inside ``<…>`` or quotes do not part them."""
    return [route.strip() for route in re.findall(r'(?:[^,<"]|"(?:[^"\\]|\\.)*"|<[^>]*>)+', value) if route.strip()]


def _name_addr(name: str, uri: str) -> str:
    name = name.replace("|", " ").replace("\\", "").replace('"', "")
    return f'"{name}" <{uri}>' if name else f"<{uri}>"


def _given(text: str) -> str:
    """Kamailio prints a variable that is null as ``<null>``."""
    return "" if text == "<null>" else text


def _refuse(code: int, reason: str) -> int:
    ksr.set_text("$var(verdict)", f"{code}|{reason}")
    return -1
