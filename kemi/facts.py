"""What the switch tells the controller: one struct a kind of fact.

Facts travel through the ``facts`` message queue in shared memory; the queue's key is the kind, its value the
body. Bodies made by the intake process (``site``, ``request``) are JSON; bodies made by native routes are
fields separated by one blank. A field that may hold a blank or a percent sign is escaped as a SIP ``user``
part (RFC 3261 §25.1, ``{s.escape.user}``), so that nothing a peer sends can shift a field. ``invite`` comes
from a SIP worker's Python (``invite_body``).

Two workers may handle neighbouring messages of one dialog, so facts of one call can arrive out of order
(``answered`` before ``ringing``). The call model accepts that.
"""

from collections.abc import Callable
from urllib.parse import unquote

import msgspec

from kemi.routing.site import Site


class Leg(msgspec.Struct, frozen=True, kw_only=True):
    """One SIP dialog between us and an endpoint (RFC 3261 §12), as the switch knows it."""

    id: str
    """Our tag in this dialog and the user part of our Contact."""
    call_id: str
    local_uri: str
    remote_uri: str
    remote_tag: str = ""
    remote_target: str = ""
    route_set: str = ""
    """Route header value, ready to send; empty when the peer record-routed nothing."""
    socket: str = ""
    """``proto:address:port`` of ours that carries the dialog."""
    trunk: str = ""


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all facts."""


class Invite(Fact, tag="invite", frozen=True, kw_only=True):
    """An INVITE that opens a call was accepted; ``leg_b`` is being called. Body: see ``invite_body``."""

    connid: str
    call_uuid: str
    time: float
    """Unix time at which the worker saw the INVITE."""
    leg_a: Leg
    leg_b: Leg
    caller: str
    """User part of From: a number or a DN."""
    caller_name: str = ""
    caller_is_dn: bool = False
    dialled: str
    """User part of the request URI."""
    dn: str
    """The DN the call was routed to."""
    dn_is_internal: bool = True


class Ringing(Fact, tag="ringing", frozen=True, kw_only=True):
    """180 or 183 from the called leg. Body: ``leg code``."""

    leg: str
    code: int


class Answered(Fact, tag="answered", frozen=True, kw_only=True):
    """200 to the INVITE from the called leg. Body: ``leg remote_tag remote_target route_set``.

    ``route_set`` may be empty or absent.
    """

    leg: str
    remote_tag: str
    remote_target: str
    route_set: str = ""


class Confirmed(Fact, tag="confirmed", frozen=True, kw_only=True):
    """The caller's ACK to the 200 passed. Body: ``leg`` (the one that sent the ACK)."""

    leg: str


class Failed(Fact, tag="failed", frozen=True, kw_only=True):
    """The called leg ended with a final answer of 300 or above. Body: ``leg code cause``.

    ``cause`` is the Q.850 cause of its Reason header (RFC 3326), 0 when it had none. ``code`` is 408 when
    nothing answered, and 503 when no destination of the trunk was left to try.
    """

    leg: str
    code: int
    cause: int = 0


class Cancelled(Fact, tag="cancelled", frozen=True, kw_only=True):
    """The caller gave up (CANCEL) and the called leg is over. Body: ``leg`` (the called one)."""

    leg: str


class Bye(Fact, tag="bye", frozen=True, kw_only=True):
    """BYE from ``leg``; its peer has been sent one. Body: ``leg cause`` (Q.850, 0 when absent)."""

    leg: str
    cause: int = 0


class Target(Fact, tag="target", frozen=True, kw_only=True):
    """A re-INVITE or UPDATE moved the leg's remote target (RFC 3261 §12.2). Body: ``leg remote_target``."""

    leg: str
    remote_target: str


class Destination(Fact, tag="destination", frozen=True, kw_only=True):
    """A trunk destination went up or down (OPTIONS, RFC 3261 §11). Body: ``uri state``.

    ``state`` is ``up`` or ``down``. The URI may stand in several trunks.
    """

    uri: str
    up: bool


class Result(Fact, tag="result", frozen=True, kw_only=True):
    """A request of the controller's own has ended. Body: ``leg method code``.

    ``code`` is the final status of the endpoint; 408 when it gave none, 481 when the leg was gone already, and 503 when
    the request could not be sent.
    """

    leg: str
    method: str
    code: int


class SiteChanged(Fact, tag="site", frozen=True, kw_only=True):
    """A new configuration is in shared memory. Body: JSON."""

    site: Site


class Request(Fact, tag="request", frozen=True, kw_only=True):
    """A client asks for something. Body: JSON."""

    id: int
    """Row of the request queue; the answer names it."""
    name: str
    """T-Library name, such as ``RequestMakeCall``."""
    dn: str | None = None
    """DN on whose behalf the client asks."""
    reference_id: int | None = None
    body: msgspec.Raw
    """The client's message, a JSON object."""


class Malformed(Exception):
    """A fact whose body does not have its kind's fields; the message names the kind and what was wrong."""


def decode(kind: str, body: str) -> Fact:
    """The fact that an entry of the ``facts`` queue stands for.

    Raises ``Malformed`` for an unknown kind and for a body that does not have its kind's fields.
    """
    read = _READERS.get(kind)
    if read is None:
        raise Malformed(f"there is no kind of fact {kind[:40]!r}")
    return read(body)


def encode(fact: SiteChanged | Request) -> str:
    """Body of a fact that is JSON; its kind is the struct's tag (``kind_of``)."""
    return msgspec.json.encode(fact).decode()


def invite_body(
    connid: str,
    call_uuid: str,
    time: float,
    caller: str,
    caller_is_dn: bool,
    dialled: str,
    dn: str,
    dn_is_internal: bool,
    leg_a: tuple[str, str, str, str, str, str, str, str],
    leg_b: tuple[str, str, str, str],
    caller_name: str,
) -> str:
    """Body of ``invite``: fields parted by ``|``, which no text but the last, the caller's name, may have.

    ``leg_a`` is ``call_id`` to ``trunk`` of ``Leg`` in their order, ``leg_b`` those of them that are known of a leg
    that has not answered: ``call_id``, ``local_uri``, ``remote_uri``, ``trunk``. A leg's id follows from the ConnID.

    A SIP worker calls it between two waits for a message, with cold caches: one text costs it a fraction of what
    three structs and their JSON do. The controller, which handles facts in batches, makes the structs.
    """
    return (
        f"{connid}|{call_uuid}|{time!r}|{caller}|{caller_is_dn:d}|{dialled}|{dn}|{dn_is_internal:d}|"
        f"{'|'.join(leg_a)}|{'|'.join(leg_b)}|{caller_name}"
    )


def kind_of(fact: Fact) -> str:
    """Key in the ``facts`` queue."""
    return str(type(fact).__struct_config__.tag)


def _fields(kind: str, body: str, least: int, most: int) -> list[str]:
    fields = body.split(" ")
    if not least <= len(fields) <= most or not fields[0]:
        raise Malformed(f"fact {kind!r} has {len(fields)} fields, not {least} to {most}: {body[:200]!r}")
    return [unquote(field) if "%" in field else field for field in fields] if "%" in body else fields


def _number(kind: str, field: str) -> int:
    if not field.isdecimal():
        raise Malformed(f"fact {kind!r} has {field[:40]!r} where a number is due")
    return int(field)


def _cause(field: str) -> int:
    """A Q.850 cause as a peer wrote it. Nonsense counts as absent: it must not hide the end of a call."""
    return int(field) if field.isdecimal() and len(field) <= 3 else 0


def _invite(body: str) -> Invite:
    fields = body.split("|", 20)
    if len(fields) != 21 or not fields[0]:
        raise Malformed(f"fact 'invite' has {len(fields)} fields, not 21: {body[:200]!r}")
    connid, call_uuid, time, caller, caller_is_dn, dialled, dn, dn_is_internal = fields[:8]
    a_call_id, a_local, a_remote, a_tag, a_target, a_routes, a_socket, a_trunk = fields[8:16]
    b_call_id, b_local, b_remote, b_trunk, caller_name = fields[16:]
    try:
        unix_time = float(time)
    except ValueError:
        raise Malformed(f"fact 'invite' has {time[:40]!r} where a time is due") from None
    return Invite(
        connid=connid,
        call_uuid=call_uuid,
        time=unix_time,
        leg_a=Leg(
            id=connid + "-1",
            call_id=a_call_id,
            local_uri=a_local,
            remote_uri=a_remote,
            remote_tag=a_tag,
            remote_target=a_target,
            route_set=a_routes,
            socket=a_socket,
            trunk=a_trunk,
        ),
        leg_b=Leg(id=connid + "-2", call_id=b_call_id, local_uri=b_local, remote_uri=b_remote, trunk=b_trunk),
        caller=caller,
        caller_name=caller_name,
        caller_is_dn=caller_is_dn == "1",
        dialled=dialled,
        dn=dn,
        dn_is_internal=dn_is_internal == "1",
    )


def _ringing(body: str) -> Ringing:
    leg, code = _fields("ringing", body, 2, 2)
    return Ringing(leg=leg, code=_number("ringing", code))


def _answered(body: str) -> Answered:
    leg, tag, target, *routes = _fields("answered", body, 3, 4)
    return Answered(leg=leg, remote_tag=tag, remote_target=target, route_set=routes[0] if routes else "")


def _confirmed(body: str) -> Confirmed:
    (leg,) = _fields("confirmed", body, 1, 1)
    return Confirmed(leg=leg)


def _failed(body: str) -> Failed:
    leg, _, rest = body.partition(" ")
    code, _, cause = rest.partition(" ")
    (leg,) = _fields("failed", leg, 1, 1)
    return Failed(leg=leg, code=_number("failed", code), cause=_cause(cause))


def _cancelled(body: str) -> Cancelled:
    (leg,) = _fields("cancelled", body, 1, 1)
    return Cancelled(leg=leg)


def _bye(body: str) -> Bye:
    leg, _, cause = body.partition(" ")
    (leg,) = _fields("bye", leg, 1, 1)
    return Bye(leg=leg, cause=_cause(cause))


def _target(body: str) -> Target:
    leg, remote_target = _fields("target", body, 2, 2)
    return Target(leg=leg, remote_target=remote_target)


def _destination(body: str) -> Destination:
    uri, state = _fields("destination", body, 2, 2)
    if state not in ("up", "down"):
        raise Malformed(f"fact 'destination' has state {state[:40]!r}, not 'up' or 'down'")
    return Destination(uri=uri, up=state == "up")


def _result(body: str) -> Result:
    leg, method, code = _fields("result", body, 3, 3)
    return Result(leg=leg, method=method, code=_number("result", code))


def _json(kind: str, struct: type[Fact]) -> Callable[[str], Fact]:
    decoder = msgspec.json.Decoder(struct)

    def read(body: str) -> Fact:
        try:
            return decoder.decode(body)
        except msgspec.DecodeError as error:
            raise Malformed(f"fact {kind!r}: {error}: {body[:200]!r}") from None

    return read


_READERS: dict[str, Callable[[str], Fact]] = {
    "invite": _invite,
    "ringing": _ringing,
    "answered": _answered,
    "confirmed": _confirmed,
    "failed": _failed,
    "cancelled": _cancelled,
    "bye": _bye,
    "target": _target,
    "destination": _destination,
    "result": _result,
    "site": _json("site", SiteChanged),
    "request": _json("request", Request),
}

KINDS = frozenset(_READERS)
"""Keys that may stand in the ``facts`` queue."""
