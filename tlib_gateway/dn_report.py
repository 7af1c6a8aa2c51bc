"""State of one DN as the database has it, and how EventRegistered and EventAddressInfo tell it.

Source: "Genesys Events and Models", query events; the keys of Extensions are explained in docs/protocol.md.
"""

from dataclasses import dataclass, field

from tlib.enums import (
    AddressInfoType,
    AddressStatus,
    AgentStatus,
    AgentWorkMode,
    CallType,
    DNRole,
    MediaType,
    PartyState,
)
from tlib.errors import TError, TLibError
from tlib.events import EventAddressInfo, EventRegistered
from tlib.requests import RequestQueryAddress, RequestRegisterAddress
from tlib_gateway.configuration import DNType


@dataclass(frozen=True, slots=True)
class CallOnDN:
    """A call that the DN is a party of."""

    conn_id: str
    call_type: CallType
    role: DNRole
    state: PartyState


@dataclass(frozen=True, slots=True)
class AgentOnDN:
    """The agent who is logged in on the DN."""

    agent_id: str
    status: AgentStatus
    work_mode: AgentWorkMode


@dataclass(frozen=True, slots=True)
class DNReport:
    """Everything that is known about a DN; ``calls`` are in the order in which they came."""

    dn: str
    type: DNType
    calls: list[CallOnDN] = field(default_factory=list)
    agent: AgentOnDN | None = None
    in_service: bool = True
    dnd: bool = False
    forward_to: str | None = None


_ACTIVE = (PartyState.CONNECTED, PartyState.DIALING, PartyState.INITIATED, PartyState.ALERTING)

# What the DN as a whole is doing, by the call that says most: the first of these states that any call is in.
_STATUS_OF_CALLS = (
    (PartyState.CONNECTED, AddressStatus.TALKING),
    (PartyState.INITIATED, AddressStatus.ORIGINATION),
    (PartyState.DIALING, AddressStatus.DIALING),
    (PartyState.ALERTING, AddressStatus.RINGING),
    (PartyState.TREATMENT, AddressStatus.TREATMENT),
    (PartyState.HELD, AddressStatus.HELD),
)


def registered(report: DNReport, request: RequestRegisterAddress) -> EventRegistered:
    """The answer to RequestRegisterAddress."""
    return EventRegistered(
        this_dn=report.dn,
        reference_id=request.reference_id,
        info_type=AddressInfoType.ADDRESS_TYPE,
        info_status=report.type.address_type.value,
        agent_id=report.agent.agent_id if report.agent else None,
        extensions=extensions(report),
    )


def address_info(report: DNReport, request: RequestQueryAddress) -> EventAddressInfo:
    """The answer to RequestQueryAddress.

    Raises ``TLibError``: 53 when the question does not fit the DN, 51 when it cannot be answered here.
    """
    info_status: str | int | None = None
    conn_id = previous_conn_id = None
    details: dict[str, str | int] | None = None
    match request.info_type:
        case AddressInfoType.ADDRESS_TYPE:
            info_status = report.type.address_type.value
        case AddressInfoType.ADDRESS_STATUS:
            info_status = address_status(report).value
        case AddressInfoType.AGENT_STATUS:
            info_status = _agent_status(report).value
            details = {"AgentStatus": _agent_status(report).code}
            if report.agent:
                details["AgentWorkMode"] = report.agent.work_mode.value
        case AddressInfoType.CALL_FORWARDING_STATUS:
            info_status = int(report.forward_to is not None)
            details = {"fwd": report.forward_to or ""}
        case AddressInfoType.CALLS_QUERY:
            info_status = len(report.calls)
            conn_id = next((call.conn_id for call in report.calls if call.state in _ACTIVE), None)
            previous_conn_id = next((c.conn_id for c in report.calls if c.state is PartyState.HELD), None)
            details = _calls(report)
        case AddressInfoType.DN_STATUS:
            info_status = address_status(report).value
            details = extensions(report)
        case AddressInfoType.QUEUE_STATUS | AddressInfoType.NUMBER_OF_CALLS_IN_QUEUE:
            if not report.type.is_queue:
                raise TLibError(TError.INVALID_ATTRIBUTE, f"InfoType: {report.dn} is not a queue")
            info_status = len(report.calls)
            if request.info_type is AddressInfoType.QUEUE_STATUS:
                details = _calls(report)
        case _:
            raise TLibError(TError.UNSUPPORTED_OPERATION, f"InfoType: {request.info_type.value} is not supported")
    return EventAddressInfo(
        this_dn=report.dn,
        reference_id=request.reference_id,
        info_type=request.info_type,
        info_status=info_status,
        this_queue=report.dn if report.type.is_queue else None,
        agent_id=report.agent.agent_id if report.agent else None,
        conn_id=conn_id,
        previous_conn_id=previous_conn_id,
        extensions=details,
    )


def extensions(report: DNReport) -> dict[str, str | int]:
    """The state report of EventRegistered and of DNStatus."""
    pairs: dict[str, str | int] = {"status": len(report.calls), "in-service": int(report.in_service)}
    if not report.type.is_queue:
        pairs["AgentStatus"] = _agent_status(report).code
        if report.agent:
            pairs["AgentWorkMode"] = report.agent.work_mode.value
        pairs["dnd"] = int(report.dnd)
        if report.forward_to is not None:
            pairs["fwd"] = report.forward_to
    return pairs | _calls(report)


def address_status(report: DNReport) -> AddressStatus:
    """What the DN is doing."""
    if not report.in_service:
        return AddressStatus.MAINTENANCE
    states = {call.state for call in report.calls}
    return next((status for state, status in _STATUS_OF_CALLS if state in states), AddressStatus.IDLE)


def _agent_status(report: DNReport) -> AgentStatus:
    return report.agent.status if report.agent else AgentStatus.LOGGED_OUT


def _calls(report: DNReport) -> dict[str, str | int]:
    pairs: dict[str, str | int] = {}
    for number, call in enumerate(report.calls, start=1):
        pairs[f"conn-{number}"] = call.conn_id
        pairs[f"ct-{number}"] = call.call_type.code
        pairs[f"mt-{number}"] = MediaType.VOICE.code
        pairs[f"ps-{number}"] = call.state.code
    return pairs
