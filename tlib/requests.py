"""Requests: what a client asks. One class a request of T-Library, of the message's name.

Names of attributes are those of the T-Library function reference. Parameters of the C functions map to
attributes so: ``dn`` is ThisDN, ``destination`` (and the other party's DN in supervision and conference
requests) is OtherDN, ``queue`` is ThisQueue, ``agent_id`` is AgentID. Requests that name two calls say which
is which.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from tlib.attributes import DN, ConnID, Count, Integer, KeyValues, Name, Number, ReferenceID
from tlib.enums import (
    AddressInfoType,
    AddressType,
    AgentType,
    AgentWorkMode,
    CallInfoType,
    ControlMode,
    ForwardMode,
    LocationInfoType,
    MakeCallType,
    MergeType,
    MonitorNextCallType,
    RegisterMode,
    RouteType,
    SwitchInfoType,
    TreatmentType,
    XRouteType,
)
from tlib.message import Message

Secret = Annotated[str, Meta(max_length=256, description="Never logged, never repeated.")]


class Request(Message, frozen=True, kw_only=True):
    """Any request may carry these."""

    reference_id: ReferenceID | None = None
    reasons: KeyValues | None = None
    extensions: KeyValues | None = None


class DNRequest(Request, frozen=True, kw_only=True):
    """A request about one DN."""

    this_dn: DN


class CallRequest(DNRequest, frozen=True, kw_only=True):
    """A request about one call on a DN."""

    conn_id: ConnID


# --- session --------------------------------------------------------------------------------------


class RequestRegisterClient(Request, frozen=True, kw_only=True):
    """The first message of a client.

    Answered by EventLinkConnected or EventLinkDisconnected; or by EventError, and the connection is closed.
    """

    application_name: Name
    user_name: Name
    password: Secret = ""

    def __repr__(self) -> str:
        """Without the password."""
        return f"RequestRegisterClient({self.application_name!r}, user_name={self.user_name!r})"


class RequestRegisterAddress(DNRequest, frozen=True, kw_only=True):
    """Subscribe to a DN. Answered by EventRegistered with the DN's state in Extensions."""

    register_mode: RegisterMode = RegisterMode.SHARE
    control_mode: ControlMode = ControlMode.DEFAULT
    address_type: AddressType | None = None


class RequestUnregisterAddress(DNRequest, frozen=True, kw_only=True):
    control_mode: ControlMode = ControlMode.DEFAULT


class RequestSetInputMask(Request, frozen=True, kw_only=True):
    """Which messages the client wants: 64 bytes as hexadecimal digits, one bit a message number."""

    input_mask: Annotated[str, Meta(max_length=128)]


# --- queries --------------------------------------------------------------------------------------


class RequestQueryServer(Request, frozen=True, kw_only=True):
    pass


class RequestQueryAddress(DNRequest, frozen=True, kw_only=True):
    info_type: AddressInfoType
    address_type: AddressType | None = None
    this_queue: DN | None = None


class RequestQueryCall(CallRequest, frozen=True, kw_only=True):
    call_info_type: CallInfoType = CallInfoType.PARTIES_QUERY


class RequestQuerySwitch(Request, frozen=True, kw_only=True):
    switch_info_type: SwitchInfoType


class RequestQueryLocation(Request, frozen=True, kw_only=True):
    location_info_type: LocationInfoType
    location: Name | None = None


# --- agents ---------------------------------------------------------------------------------------


class RequestAgentLogin(DNRequest, frozen=True, kw_only=True):
    agent_id: Name
    password: Secret = ""
    this_queue: DN | None = None
    agent_type: AgentType = AgentType.AGENT
    agent_work_mode: AgentWorkMode = AgentWorkMode.UNKNOWN

    def __repr__(self) -> str:
        """Without the password."""
        return f"RequestAgentLogin(this_dn={self.this_dn!r}, agent_id={self.agent_id!r})"


class RequestAgentLogout(DNRequest, frozen=True, kw_only=True):
    this_queue: DN | None = None


class RequestAgentReady(DNRequest, frozen=True, kw_only=True):
    """TAgentSetReady."""

    this_queue: DN | None = None
    agent_work_mode: AgentWorkMode = AgentWorkMode.UNKNOWN


class RequestAgentNotReady(DNRequest, frozen=True, kw_only=True):
    """TAgentSetNotReady; repeated with another work mode or reasons it is a new event."""

    this_queue: DN | None = None
    agent_work_mode: AgentWorkMode = AgentWorkMode.UNKNOWN


class RequestAgentSetIdleReason(DNRequest, frozen=True, kw_only=True):
    this_queue: DN | None = None
    idle_reason: Integer


class RequestReserveAgent(Request, frozen=True, kw_only=True):
    this_dn: DN | None = None
    agent_id: Name | None = None
    place: Name | None = None
    duration: Annotated[Count, Meta(description="Milliseconds.")]
    priority: Count = 0


# --- DN features ----------------------------------------------------------------------------------


class RequestSetDNDOn(DNRequest, frozen=True, kw_only=True):
    pass


class RequestSetDNDOff(DNRequest, frozen=True, kw_only=True):
    pass


class RequestCallForwardSet(DNRequest, frozen=True, kw_only=True):
    """TCallSetForward."""

    other_dn: Number
    forward_mode: ForwardMode = ForwardMode.UNCONDITIONAL


class RequestCallForwardCancel(DNRequest, frozen=True, kw_only=True):
    forward_mode: ForwardMode = ForwardMode.UNCONDITIONAL


class RequestSetMessageWaitingOn(DNRequest, frozen=True, kw_only=True):
    pass


class RequestSetMessageWaitingOff(DNRequest, frozen=True, kw_only=True):
    pass


# --- calls ----------------------------------------------------------------------------------------


class RequestMakeCall(DNRequest, frozen=True, kw_only=True):
    other_dn: Number
    location: Name | None = None
    make_call_type: MakeCallType = MakeCallType.REGULAR
    user_data: KeyValues | None = None


class RequestMakePredictiveCall(DNRequest, frozen=True, kw_only=True):
    other_dn: Number
    timeout: Annotated[Count, Meta(description="Seconds to ring.")] = 0
    user_data: KeyValues | None = None


class RequestAnswerCall(CallRequest, frozen=True, kw_only=True):
    pass


class RequestReleaseCall(CallRequest, frozen=True, kw_only=True):
    pass


class RequestClearCall(CallRequest, frozen=True, kw_only=True):
    pass


class RequestHoldCall(CallRequest, frozen=True, kw_only=True):
    pass


class RequestRetrieveCall(CallRequest, frozen=True, kw_only=True):
    pass


class RequestAlternateCall(CallRequest, frozen=True, kw_only=True):
    """ConnID is the active call, PreviousConnID the held one."""

    previous_conn_id: ConnID


class RequestReconnectCall(CallRequest, frozen=True, kw_only=True):
    """ConnID is the active (consultation) call, to be released; PreviousConnID the held one, to retrieve."""

    previous_conn_id: ConnID


class ConsultationRequest(CallRequest, frozen=True, kw_only=True):
    """Group: a request that makes a new call, or moves the call, to OtherDN. ConnID is the main call."""

    other_dn: Number
    location: Name | None = None
    user_data: KeyValues | None = None


class RequestInitiateTransfer(ConsultationRequest, frozen=True, kw_only=True):
    pass


class RequestMuteTransfer(ConsultationRequest, frozen=True, kw_only=True):
    pass


class RequestSingleStepTransfer(ConsultationRequest, frozen=True, kw_only=True):
    pass


class RequestInitiateConference(ConsultationRequest, frozen=True, kw_only=True):
    pass


class RequestSingleStepConference(CallRequest, frozen=True, kw_only=True):
    """Without OtherDN the requesting DN itself joins the call."""

    other_dn: Number | None = None
    location: Name | None = None
    user_data: KeyValues | None = None


class RequestCompleteTransfer(CallRequest, frozen=True, kw_only=True):
    """ConnID is the held (main) call, TransferConnID the current (consultation) call."""

    transfer_conn_id: ConnID


class RequestCompleteConference(CallRequest, frozen=True, kw_only=True):
    """ConnID is the held (main) call, ConferenceConnID the current (consultation) call."""

    conference_conn_id: ConnID


class RequestMergeCalls(CallRequest, frozen=True, kw_only=True):
    """ConnID is the held call, TransferConnID the current call."""

    transfer_conn_id: ConnID
    merge_type: MergeType = MergeType.FOR_TRANSFER


class RequestDeleteFromConference(CallRequest, frozen=True, kw_only=True):
    """OtherDN leaves the conference; the own DN is a plain release."""

    other_dn: Number


class RequestRedirectCall(CallRequest, frozen=True, kw_only=True):
    other_dn: Number


class RequestSendDTMF(CallRequest, frozen=True, kw_only=True):
    dtmf_digits: Annotated[str, Meta(min_length=1, max_length=128)]


class RequestCollectDigits(CallRequest, frozen=True, kw_only=True):
    num_digits: Annotated[int, Meta(ge=1, le=128)]
    term_digits: Annotated[str, Meta(max_length=16)] = ""
    clear_flag: bool = False
    timeout: Annotated[Count, Meta(description="Seconds.")] = 0


class RequestListenDisconnect(CallRequest, frozen=True, kw_only=True):
    other_dn: Number


class RequestListenReconnect(CallRequest, frozen=True, kw_only=True):
    other_dn: Number


# --- user data ------------------------------------------------------------------------------------


class RequestAttachUserData(CallRequest, frozen=True, kw_only=True):
    user_data: KeyValues


class RequestUpdateUserData(CallRequest, frozen=True, kw_only=True):
    user_data: KeyValues


class RequestDeletePair(CallRequest, frozen=True, kw_only=True):
    """TDeleteUserData: removes one key."""

    key: Annotated[str, Meta(min_length=1, max_length=256)]


class RequestDeleteUserData(CallRequest, frozen=True, kw_only=True):
    """TDeleteAllUserData: removes every key."""


class RequestSetCallInfo(CallRequest, frozen=True, kw_only=True):
    ani: Number | None = None
    dnis: Number | None = None
    user_data: KeyValues | None = None


# --- routing --------------------------------------------------------------------------------------


class RequestRouteCall(CallRequest, frozen=True, kw_only=True):
    """A router's answer to EventRouteRequest. OtherDN is absent when RouteType refuses the call."""

    other_dn: Number | None = None
    location: Name | None = None
    route_type: RouteType = RouteType.UNKNOWN
    dnis: Number | None = None
    user_data: KeyValues | None = None


class RequestApplyTreatment(CallRequest, frozen=True, kw_only=True):
    treatment_type: TreatmentType
    treatment_parameters: KeyValues | None = None


class RequestGiveMusicTreatment(CallRequest, frozen=True, kw_only=True):
    pass


class RequestGiveSilenceTreatment(CallRequest, frozen=True, kw_only=True):
    pass


class RequestGiveRingBackTreatment(CallRequest, frozen=True, kw_only=True):
    pass


# --- supervision ----------------------------------------------------------------------------------


class RequestMonitorNextCall(DNRequest, frozen=True, kw_only=True):
    """ThisDN supervises OtherDN."""

    other_dn: DN
    monitor_next_call_type: MonitorNextCallType = MonitorNextCallType.ONE_CALL


class RequestCancelMonitoring(DNRequest, frozen=True, kw_only=True):
    other_dn: DN


class RequestSetMuteOn(CallRequest, frozen=True, kw_only=True):
    pass


class RequestSetMuteOff(CallRequest, frozen=True, kw_only=True):
    pass


# --- events on behalf of a client -----------------------------------------------------------------


class RequestDistributeUserEvent(DNRequest, frozen=True, kw_only=True):
    """TSendUserEvent."""

    conn_id: ConnID | None = None
    user_data: KeyValues | None = None


class RequestDistributeEvent(DNRequest, frozen=True, kw_only=True):
    """Asks for the event named ``UserEvent`` on ThisDN: a router feeds virtual queues with it."""

    user_event: Name
    conn_id: ConnID | None = None
    other_dn: Number | None = None
    this_queue: DN | None = None
    user_data: KeyValues | None = None


class RequestPrivateService(Request, frozen=True, kw_only=True):
    private_msg_id: Integer
    this_dn: DN | None = None
    conn_id: ConnID | None = None
    user_data: KeyValues | None = None


# --- other sites, voice mail, call-based feed -----------------------------------------------------


class RequestGetAccessNumber(DNRequest, frozen=True, kw_only=True):
    other_dn: Number
    location: Name
    conn_id: ConnID | None = None
    x_route_type: XRouteType = XRouteType.DEFAULT
    user_data: KeyValues | None = None


class RequestCancelReqGetAccessNumber(DNRequest, frozen=True, kw_only=True):
    """Cancels the RequestGetAccessNumber whose ReferenceID was PreviousReferenceID."""

    previous_reference_id: ReferenceID


class RequestLoginMailBox(DNRequest, frozen=True, kw_only=True):
    mail_box: Name
    password: Secret = ""
    conn_id: ConnID | None = None

    def __repr__(self) -> str:
        """Without the password."""
        return f"RequestLoginMailBox(this_dn={self.this_dn!r}, mail_box={self.mail_box!r})"


class RequestLogoutMailBox(DNRequest, frozen=True, kw_only=True):
    conn_id: ConnID | None = None


class RequestOpenVoiceFile(DNRequest, frozen=True, kw_only=True):
    file_name: Name
    conn_id: ConnID | None = None


class RequestCloseVoiceFile(DNRequest, frozen=True, kw_only=True):
    conn_id: ConnID | None = None
    file_handle: Count


class RequestPlayVoice(DNRequest, frozen=True, kw_only=True):
    conn_id: ConnID | None = None
    file_handle: Count


class RequestStartCallMonitoring(Request, frozen=True, kw_only=True):
    """Subscribes to the call-based feed (EventCallCreated and so on) of one DN, or of the whole switch."""

    this_dn: DN | None = None


class RequestStopCallMonitoring(Request, frozen=True, kw_only=True):
    this_dn: DN | None = None


def _concrete() -> tuple[type[Request], ...]:
    return tuple(
        value
        for name, value in globals().items()
        if name.startswith("Request") and name != "Request" and isinstance(value, type)
    )


REQUESTS: tuple[type[Request], ...] = _concrete()
"""Every request that can be sent."""

SECRET_ATTRIBUTES = frozenset(
    field.encode_name for request in REQUESTS for field in msgspec.structs.fields(request) if field.name == "password"
)
"""Wire names of attributes that must not be logged or stored."""
