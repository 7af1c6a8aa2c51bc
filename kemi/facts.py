"""What the switch tells the controller: one struct a kind of fact.

Facts travel through the ``facts`` message queue in shared memory; the queue's key is the kind, its value the body.
Bodies made by Python (``invite``, ``site``, ``request``) are JSON; bodies made by native routes are fields
separated by one blank, each escaped as a SIP ``user`` part (RFC 3261 §25.1, ``{s.escape.user}``), so that nothing
a peer sends can shift a field.

Two workers may handle neighbouring messages of one dialog, so facts of one call can arrive out of order
(``answered`` before ``ringing``). The call model accepts that.
"""

from urllib.parse import unquote

import msgspec


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
    """An INVITE that opens a call was accepted; ``leg_b`` is being called. Body: JSON."""

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
    user_agent: str = ""


class Ringing(Fact, tag="ringing", frozen=True, kw_only=True):
    """180 or 183 from the called leg. Body: ``leg code``."""

    leg: str
    code: int


class Answered(Fact, tag="answered", frozen=True, kw_only=True):
    """200 to the INVITE from the called leg. Body: ``leg remote_tag remote_target route_set`` (the last may be empty)."""

    leg: str
    remote_tag: str
    remote_target: str
    route_set: str = ""


class Confirmed(Fact, tag="confirmed", frozen=True, kw_only=True):
    """The caller's ACK to the 200 passed. Body: ``leg`` (the one that sent the ACK)."""

    leg: str


class Failed(Fact, tag="failed", frozen=True, kw_only=True):
    """The called leg ended with a final answer of 300 or above. Body: ``leg code cause``.

    ``cause`` is the Q.850 cause of its Reason header (RFC 3326), 0 when it had none. ``code`` is 408 when nothing answered, and 503 when
    no destination of the trunk was left to try.
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
    """A trunk destination went up or down (OPTIONS, RFC 3261 §11). Body: ``set_id uri state`` with state ``up`` or ``down``."""

    set_id: int
    uri: str
    up: bool


class Malformed(Exception):
    """A fact whose body does not have its kind's fields; the message names the kind and what was wrong."""


def _fields(kind: str, body: str, least: int, most: int) -> list[str]:
    fields = [unquote(field) for field in body.split(" ")]
    if not least <= len(fields) <= most:
        raise Malformed(f"fact {kind!r} has {len(fields)} fields, not {least} to {most}: {body[:200]!r}")
    return fields


def _number(kind: str, field: str) -> int:
    if not field:
        return 0
    try:
        return int(field)
    except ValueError:
        raise Malformed(f"fact {kind!r} has {field[:40]!r} where a number is due") from None


def _ringing(body: str) -> Fact:
    leg, code = _fields("ringing", body, 2, 2)
    return Ringing(leg=leg, code=_number("ringing", code))


def _answered(body: str) -> Fact:
    return Answered(*_fields("answered", body, 3, 4))


def _confirmed(body: str) -> Fact:
    (leg,) = _fields("confirmed", body, 1, 1)
    return Confirmed(leg=leg)
