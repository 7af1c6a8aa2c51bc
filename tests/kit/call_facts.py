"""Facts of calls as the switch reports them, and events as short lines, for tests of the call model."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from kemi import facts
from kemi.calls.effects import CallEnded, Effect, Inconsistency, Publish
from kemi.calls.model import CallFact, CallModel
from kemi.requests.table import carry_out
from tlib.codec import encode
from tlib.errors import TLibError
from tlib.events import CallEvent, DNEvent, Event
from tlib.message import message_name
from tlib.requests import Request

CUSTOMER = "+493012345678"
SERVICE = "8001"


def invite_body(fact: facts.Invite) -> str:
    """The fact as a SIP worker puts it into the queue."""
    a, b = fact.leg_a, fact.leg_b
    return facts.invite_body(
        fact.connid,
        fact.call_uuid,
        fact.time,
        fact.caller,
        fact.caller_is_dn,
        fact.dialled,
        fact.dn,
        fact.dn_is_internal,
        (a.call_id, a.local_uri, a.remote_uri, a.remote_tag, a.remote_target, a.route_set, a.socket, a.trunk),
        (b.call_id, b.local_uri, b.remote_uri, b.trunk),
        fact.caller_name,
    )


@dataclass(frozen=True, slots=True)
class CallFacts:
    """One call's facts; ``number`` tells calls apart. By default a customer calls ``dn`` over trunk PSTN."""

    number: int = 1
    dn: str = "1001"
    caller: str = CUSTOMER
    caller_is_dn: bool = False
    dialled: str = SERVICE
    dn_is_internal: bool = True

    @property
    def connid(self) -> str:
        return f"{0x00A1B2C3D4E50000 + self.number:016x}"

    @property
    def a(self) -> str:
        """The caller's leg."""
        return f"{self.connid}-1"

    @property
    def b(self) -> str:
        """The called leg."""
        return f"{self.connid}-2"

    def invite(self) -> facts.Invite:
        trunk = "CUCM" if self.caller_is_dn else "PSTN"
        return facts.Invite(
            connid=self.connid,
            call_uuid=f"{self.number:032d}",
            time=1_700_000_000.25,
            leg_a=facts.Leg(
                id=self.a,
                call_id=f"call-{self.number}@pstn.example",
                local_uri=f"<sip:{self.dialled}@switch.example>",
                remote_uri=f"<sip:{self.caller}@pstn.example>",
                remote_tag="from-tag",
                remote_target="sip:caller@192.0.2.1:5060",
                socket="udp:192.0.2.9:5060",
                trunk=trunk,
            ),
            leg_b=facts.Leg(
                id=self.b,
                call_id=f"{self.number:032d}-2@switch.example",
                local_uri=f"<sip:{self.caller}@switch.example>",
                remote_uri=f"<sip:{self.dn}@cucm.example>",
                trunk="CUCM",
            ),
            caller=self.caller,
            caller_is_dn=self.caller_is_dn,
            dialled=self.dialled,
            dn=self.dn,
            dn_is_internal=self.dn_is_internal,
        )

    def ringing(self, code: int = 180) -> facts.Ringing:
        return facts.Ringing(leg=self.b, code=code)

    def answered(self) -> facts.Answered:
        return facts.Answered(
            leg=self.b,
            remote_tag="to-tag",
            remote_target="sip:1001@192.0.2.2:5060",
            route_set="<sip:192.0.2.3;lr>",
        )

    def confirmed(self) -> facts.Confirmed:
        return facts.Confirmed(leg=self.a)

    def failed(self, code: int, cause: int = 0) -> facts.Failed:
        return facts.Failed(leg=self.b, code=code, cause=cause)

    def cancelled(self) -> facts.Cancelled:
        return facts.Cancelled(leg=self.b)

    def bye_from_caller(self, cause: int = 16) -> facts.Bye:
        return facts.Bye(leg=self.a, cause=cause)

    def bye_from_called(self, cause: int = 16) -> facts.Bye:
        return facts.Bye(leg=self.b, cause=cause)


def request_fact(request: Request, number: int = 12) -> facts.Request:
    """``request`` as the intake hands it over; ``number`` is its row in the request queue."""
    return facts.Request(
        id=number,
        name=message_name(request),
        dn=getattr(request, "this_dn", None),
        reference_id=request.reference_id,
        body=msgspec.Raw(encode(request)),
    )


def ask(
    model: CallModel, request: Request, now: float = 1_700_000_002.0
) -> tuple[Event | None, list[Effect]]:
    """The answer for the requester alone, and all effects. Raises ``TLibError``, and then there are no effects."""
    effects: list[Effect] = []
    try:
        return carry_out(model, message_name(request), encode(request), now, effects), effects
    except TLibError:
        assert not effects
        raise


def run(model: CallModel, *happened: CallFact, now: float = 1_700_000_001.5) -> list[Effect]:
    """All effects of the facts, in order."""
    effects: list[Effect] = []
    for fact in happened:
        model.handle(fact, now, effects)
    return effects


def published(effects: Sequence[Effect]) -> list[DNEvent]:
    return [effect.event for effect in effects if isinstance(effect, Publish)]


def line(event: DNEvent) -> str:
    """``1001 Ringing Ok``: DN, event without its prefix, CallState where it has one."""
    words = [event.this_dn, type(event).__name__.removeprefix("Event")]
    if isinstance(event, CallEvent):
        words.append(event.call_state.value)
    return " ".join(words)


def lines(effects: Sequence[Effect]) -> list[str]:
    """Events as lines; a call's end is the line ``end``, an ignored fact ``! kind``."""
    shown: list[str] = []
    for effect in effects:
        if isinstance(effect, Publish):
            shown.append(line(effect.event))
        elif isinstance(effect, CallEnded):
            shown.append("end")
        elif isinstance(effect, Inconsistency):
            shown.append(f"! {effect.kind}")
    return shown
