"""What a SIP worker asks Python: one decision for each INVITE that opens a call."""

import re
import time

import msgspec

from kemi import ksr
from kemi.connid import ConnIds, call_uuid
from kemi.facts import Invite, Leg
from kemi.routing.decision import Refuse, decide
from kemi.routing.site import DnType, SharedSite

# "|" parts the fields of a row in shared memory; no legal tag, Call-ID or URI has it (RFC 3261 §25.1).
_UNFIT = re.compile(r"[|\r\n]")


class Worker:
    """One SIP worker's view. Its only state is the number of the last call it opened."""

    def __init__(self) -> None:
        self._connids: ConnIds | None = None
        self._tables = {name: ksr.Table(name) for name in ("dn", "route", "trunk", "leg", "dialog", "call")}
        self._site = SharedSite(lambda table, key: self._tables[table].get(key))
        self._facts = ksr.MessageQueue("facts")

    def route_invite(self, rank: int) -> int:
        """Decides the current INVITE; sets the variables that ``invite.cfg`` names. 1: relay, -1: refuse."""
        dialled = ksr.variable("$rU")
        verdict = decide(dialled, self._site)
        if isinstance(verdict, Refuse):
            return _refuse(verdict.code, verdict.reason)
        call_id = ksr.variable("$ci")
        tag = ksr.variable("$ft")
        target = ksr.variable("$(ct{nameaddr.uri})")
        for name, value in (("Call-ID", call_id), ("From tag", tag), ("Contact", target)):
            if not value or _UNFIT.search(value):
                return _refuse(400, f"Bad {name}")
        if self._connids is None:
            self._connids = ConnIds(rank)
        number = self._connids.next()
        connid = f"{number:016x}"
        leg_a, leg_b = f"{connid}-1", f"{connid}-2"
        caller = ksr.variable("$fU")
        caller_name = ksr.variable("$fn").strip('"')
        trunk_in = ksr.variable("$var(trunk)")
        caller_dn = self._site.dn(caller)
        host = ksr.variable("$Ri")
        port = ksr.variable("$Rp")
        socket = f"{ksr.variable('$pr')}:{host}:{port}"
        record_route = ksr.variable("$(hdr(Record-Route)[*])")
        uuid = call_uuid()
        a = Leg(
            id=leg_a,
            call_id=call_id,
            local_uri=f"<{ksr.variable('$tu')}>",
            remote_uri=f"<{ksr.variable('$fu')}>",
            remote_tag=tag,
            remote_target=target,
            route_set=record_route,
            socket=socket,
            trunk=trunk_in,
        )
        b = Leg(
            id=leg_b,
            call_id=f"{uuid}-2@{host}",
            local_uri=_name_addr(caller_name, f"sip:{caller}@{host}" if caller else f"sip:{host}"),
            remote_uri=f"<sip:{verdict.dn.number}@{verdict.trunk.destinations[0].host}>",
            trunk=verdict.trunk.dn,
        )
        session = (number & (1 << 56) - 1) << 4
        legs = self._tables["leg"]
        legs.set(leg_a, _row(a, leg_b, session | 1))
        legs.set(leg_b, _row(b, leg_a, session | 2))
        self._tables["dialog"].set(leg_a, f"{tag}|{target}|{record_route}")
        self._tables["call"].set(connid, f"{caller}|{dialled}|{verdict.dn.number}|{leg_a}|{leg_b}")
        invite = Invite(
            connid=connid,
            call_uuid=uuid,
            time=time.time(),
            leg_a=a,
            leg_b=b,
            caller=caller,
            caller_name=caller_name,
            caller_is_dn=caller_dn is not None and caller_dn.type is DnType.EXTENSION,
            dialled=dialled,
            dn=verdict.dn.number,
        )
        self._facts.put("invite", msgspec.json.encode(invite).decode())
        ksr.set_text("$avp(leg)", leg_a)
        ksr.set_text("$avp(peer)", leg_b)
        ksr.set_text("$avp(uuid)", uuid)
        ksr.set_text("$avp(callee)", verdict.dn.number)
        ksr.set_text("$avp(sets)", verdict.sets)
        ksr.set_number("$avp(trying)", verdict.trying_ms)
        return 1

    def reverse_record_route(self) -> int:
        """``$avp(record_route)`` of an answer → ``$avp(routes)``: a caller's route set is the reverse of it (RFC 3261 §12.1.2)."""
        routes = _split_routes(ksr.variable("$avp(record_route)"))
        ksr.set_text("$avp(routes)", ", ".join(reversed(routes)))
        return 1


def _split_routes(value: str) -> list[str]:
    """The name-addrs of a Record-Route value. Commas inside ``<…>`` or quotes do not part them."""
    return [route.strip() for route in re.findall(r'(?:[^,<"]|"(?:[^"\\]|\\.)*"|<[^>]*>)+', value) if route.strip()]


def _name_addr(name: str, uri: str) -> str:
    name = name.replace("|", " ").replace("\\", "").replace('"', "")
    return f'"{name}" <{uri}>' if name else f"<{uri}>"


def _row(leg: Leg, peer: str, session: int) -> str:
    """A leg's row in shared memory, in the order that ``dialog.cfg`` and ``headers.cfg`` read it."""
    return f"{leg.call_id}|{leg.local_uri}|{leg.remote_uri}|{peer}|bridged|{session}|{leg.trunk}"


def _refuse(code: int, reason: str) -> int:
    ksr.set_number("$avp(code)", code)
    ksr.set_text("$avp(reason)", reason)
    return -1
