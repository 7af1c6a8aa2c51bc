"""Events: what the server tells a client. One class an event of T-Library, of the message's name.

Attributes and the groups "call-M" (mandatory on call events) and "call-O" (optional) follow "Genesys Events
and Models". Attributes without a default are mandatory. ``event_sequence_number`` is ``None`` until the event
has been written to the event log, which numbers it.
"""

from typing import Annotated

from msgspec import Meta

from tlib.attributes import DN, CallUUID, ConnID, Count, Integer, KeyValues, Name, Number, ReferenceID, Time
from tlib.enums import (
    AddressInfoType,
    AgentType,
    AgentWorkMode,
    CallInfoType,
    CallState,
    CallType,
    DNRole,
    ForwardMode,
    LocationInfoType,
    MonitorNextCallType,
    PartyState,
    ServerRole,
    SwitchInfoType,
    TreatmentType,
    XRouteType,
)
from tlib.message import Message

SequenceNumber = Annotated[Count, Meta(description="Grows by one per event of the server.")]


class Event(Message, frozen=True, kw_only=True):
    """Any event may carry these."""

    time: Time | None = None
    event_sequence_number: SequenceNumber | None = None
    reference_id: ReferenceID | None = None
    reasons: KeyValues | None = None
    extensions: KeyValues | None = None


class DNEvent(Event, frozen=True, kw_only=True):
    """An event about one DN."""

    this_dn: DN


class CallEvent(DNEvent, frozen=True, kw_only=True):
    """Groups call-M and call-O: what every call event carries, or may carry.

    ``call_id`` is the switch's own call id, 0 if it gives none. ``previous_conn_id`` is mandatory when the
    call type is Consult. ``other_dn`` is absent when the call has more than two parties.
    """

    time: Time
    this_dn_role: DNRole
    conn_id: ConnID
    call_id: Count
    call_type: CallType
    call_state: CallState
    call_uuid: CallUUID | None = None
    previous_conn_id: ConnID | None = None
    other_dn: Number | None = None
    other_dn_role: DNRole | None = None
    third_party_dn: Number | None = None
    third_party_dn_role: DNRole | None = None
    this_queue: DN | None = None
    other_queue: DN | None = None
    this_trunk: Name | None = None
    other_trunk: Name | None = None
    ani: Number | None = None
    dnis: Number | None = None
    user_data: KeyValues | None = None
    collected_digits: Name | None = None
    last_collected_digit: Name | None = None
    customer_id: Name | None = None
    call_history: KeyValues | None = None
    network_call_id: Name | None = None
    network_node_id: Name | None = None
    transferred_network_call_id: Name | None = None
    cause: Name | None = None


# --- session --------------------------------------------------------------------------------------


class EventServerConnected(Event, frozen=True, kw_only=True):
    """Made by the client library when the connection to the gateway is open; never sent by the gateway."""


class EventServerDisconnected(Event, frozen=True, kw_only=True):
    """Made by the client library when the connection to the gateway is lost; never sent by the gateway."""


class EventLinkConnected(Event, frozen=True, kw_only=True):
    """The switch can be reached: DNs can be registered. Also the answer to RequestRegisterClient."""


class EventLinkDisconnected(Event, frozen=True, kw_only=True):
    """The switch cannot be reached, or the gateway ends; all registrations are gone.

    Extensions ``Reason`` says why.
    """


class EventServerInfo(Event, frozen=True, kw_only=True):
    server_version: Name
    server_role: ServerRole
    capabilities: Annotated[list[str], Meta(description="Names of the requests that the server carries out.")]
    server_x_capabilities: KeyValues | None = None
    customer_id: Name | None = None


class EventError(Event, frozen=True, kw_only=True):
    """A request failed. Sent to the requester only."""

    error_code: Count
    error_message: str
    this_dn: DN | None = None
    conn_id: ConnID | None = None


class EventACK(Event, frozen=True, kw_only=True):
    """Positive answer to a request that has no event of its own."""

    this_dn: DN | None = None


class EventRegistered(DNEvent, frozen=True, kw_only=True):
    """Answer to RequestRegisterAddress; Extensions hold the DN's state, InfoStatus its AddressType."""

    info_type: AddressInfoType
    info_status: str
    agent_id: Name | None = None


class EventUnregistered(DNEvent, frozen=True, kw_only=True):
    """The registration is gone; ErrorCode and ErrorMessage say why when the client did not ask for it."""

    error_code: Count | None = None
    error_message: str | None = None


class EventPrimaryChanged(Event, frozen=True, kw_only=True):
    """Made by a client library that keeps links to two servers."""

    server_role: ServerRole | None = None


class EventRestoreConnection(Event, frozen=True, kw_only=True):
    """Made by a client library that keeps links to two servers."""


# --- queries --------------------------------------------------------------------------------------


class EventAddressInfo(DNEvent, frozen=True, kw_only=True):
    """Answer to RequestQueryAddress. InfoStatus is the name of an enumeration's member, or a number.

    For CallsQuery ConnID is the active call and PreviousConnID the held one.
    """

    info_type: AddressInfoType
    info_status: str | Integer | None = None
    this_queue: DN | None = None
    agent_id: Name | None = None
    conn_id: ConnID | None = None
    previous_conn_id: ConnID | None = None


class EventPartyInfo(DNEvent, frozen=True, kw_only=True):
    """Answer to RequestQueryCall; Extensions hold the list of parties."""

    conn_id: ConnID
    call_info_type: CallInfoType | None = None
    call_uuid: CallUUID | None = None
    call_id: Count = 0
    call_type: CallType | None = None
    call_state: CallState | None = None
    user_data: KeyValues | None = None


class EventSwitchInfo(Event, frozen=True, kw_only=True):
    switch_info_type: SwitchInfoType


class EventLocationInfo(Event, frozen=True, kw_only=True):
    location_info_type: LocationInfoType
    location: Name | None = None


# --- calls ----------------------------------------------------------------------------------------


class EventDialing(CallEvent, frozen=True, kw_only=True):
    """An outgoing leg was made for ThisDN; OtherDN is the dialled number."""


class EventRinging(CallEvent, frozen=True, kw_only=True):
    """A call is offered to ThisDN."""


class EventEstablished(CallEvent, frozen=True, kw_only=True):
    """ThisDN is connected. Sent on both sides."""


class EventNetworkReached(CallEvent, frozen=True, kw_only=True):
    """An outbound call reached the network."""


class EventDestinationBusy(CallEvent, frozen=True, kw_only=True):
    """The caller hears busy or a failure; CallState is the cause."""


class EventReleased(CallEvent, frozen=True, kw_only=True):
    """ThisDN left the call."""


class EventAbandoned(CallEvent, frozen=True, kw_only=True):
    """The caller gave up while ThisDN was ringing or the call was queued on it."""


class EventHeld(CallEvent, frozen=True, kw_only=True):
    pass


class EventRetrieved(CallEvent, frozen=True, kw_only=True):
    """Keeps ThisDNRole and ThisQueue of the earlier events."""


class EventPartyChanged(CallEvent, frozen=True, kw_only=True):
    """The other side or the ConnID changed: PreviousConnID is what this party's ConnID was before."""

    previous_conn_id: ConnID


class EventPartyAdded(CallEvent, frozen=True, kw_only=True):
    """OtherDN (role NewParty or Observer) joined the call; ThirdPartyDN (AddedBy) added it."""

    call_id: Count = 0


class EventPartyDeleted(CallEvent, frozen=True, kw_only=True):
    """OtherDN (DeletedParty) left a call of three or more; ThirdPartyDN (DeletedBy) did it."""


class EventBridged(CallEvent, frozen=True, kw_only=True):
    """Activity on a shared line."""


class EventQueued(CallEvent, frozen=True, kw_only=True):
    """The call entered the queue or Routing Point ThisDN; ThisQueue is the same."""


class EventDiverted(CallEvent, frozen=True, kw_only=True):
    """The call left the queue or Routing Point ThisDN; ThirdPartyDN (Destination) is where it went."""


class EventListenDisconnected(CallEvent, frozen=True, kw_only=True):
    pass


class EventListenReconnected(CallEvent, frozen=True, kw_only=True):
    pass


class PartialCallEvent(DNEvent, frozen=True, kw_only=True):
    """Group: events about a call that carry less than call-M."""

    conn_id: ConnID | None = None
    call_id: Count = 0
    call_uuid: CallUUID | None = None
    call_type: CallType | None = None
    call_state: CallState | None = None
    this_dn_role: DNRole | None = None
    this_queue: DN | None = None
    other_dn: Number | None = None
    other_dn_role: DNRole | None = None
    third_party_dn: Number | None = None
    third_party_dn_role: DNRole | None = None
    user_data: KeyValues | None = None


class EventRouteRequest(PartialCallEvent, frozen=True, kw_only=True):
    """A router must decide about the call on Routing Point ThisDN; ThisQueue is the same."""

    conn_id: ConnID
    call_type: CallType
    previous_conn_id: ConnID | None = None
    ani: Number | None = None
    dnis: Number | None = None
    collected_digits: Name | None = None
    last_collected_digit: Name | None = None
    other_trunk: Name | None = None
    customer_id: Name | None = None


class EventRouteUsed(PartialCallEvent, frozen=True, kw_only=True):
    """The call was routed to ThirdPartyDN (Destination), by RequestRouteCall or by default."""

    conn_id: ConnID
    call_type: CallType
    route_type: Name | None = None


class TreatmentEvent(PartialCallEvent, frozen=True, kw_only=True):
    """Group: what treatments report."""

    conn_id: ConnID
    treatment_type: TreatmentType | None = None
    collected_digits: Name | None = None
    last_collected_digit: Name | None = None


class EventTreatmentApplied(TreatmentEvent, frozen=True, kw_only=True):
    pass


class EventTreatmentNotApplied(TreatmentEvent, frozen=True, kw_only=True):
    pass


class EventTreatmentEnd(TreatmentEvent, frozen=True, kw_only=True):
    pass


class EventTreatmentRequired(TreatmentEvent, frozen=True, kw_only=True):
    pass


class EventAttachedDataChanged(PartialCallEvent, frozen=True, kw_only=True):
    """UserData is the whole new list; ThirdPartyDN is the DN that changed it."""

    conn_id: ConnID


class EventCallInfoChanged(PartialCallEvent, frozen=True, kw_only=True):
    conn_id: ConnID
    ani: Number | None = None
    dnis: Number | None = None


class EventOffHook(PartialCallEvent, frozen=True, kw_only=True):
    """Informational: call state follows from the call events alone."""


class EventOnHook(PartialCallEvent, frozen=True, kw_only=True):
    """Informational: call state follows from the call events alone."""


class EventMuteOn(PartialCallEvent, frozen=True, kw_only=True):
    conn_id: ConnID


class EventMuteOff(PartialCallEvent, frozen=True, kw_only=True):
    conn_id: ConnID


class EventDTMFSent(PartialCallEvent, frozen=True, kw_only=True):
    dtmf_digits: Name | None = None


class EventDigitsCollected(PartialCallEvent, frozen=True, kw_only=True):
    collected_digits: Name | None = None
    last_collected_digit: Name | None = None


class EventUserEvent(PartialCallEvent, frozen=True, kw_only=True):
    """Key-value data for every client of ThisDN."""


class EventPrivateInfo(PartialCallEvent, frozen=True, kw_only=True):
    private_msg_id: Integer


class EventRemoteConnectionSuccess(PartialCallEvent, frozen=True, kw_only=True):
    """The call reached the other site that the request named."""


class EventRemoteConnectionFailed(PartialCallEvent, frozen=True, kw_only=True):
    """The call did not reach the other site that the request named."""

    error_code: Count | None = None
    error_message: str | None = None


class EventAnswerAccessNumber(PartialCallEvent, frozen=True, kw_only=True):
    access_number: Number | None = None
    location: Name | None = None
    x_route_type: XRouteType | None = None


class EventReqGetAccessNumberCanceled(PartialCallEvent, frozen=True, kw_only=True):
    pass


# --- agents ---------------------------------------------------------------------------------------


class AgentEvent(DNEvent, frozen=True, kw_only=True):
    """Group: what agent events carry."""

    agent_id: Name | None = None
    this_queue: DN | None = None
    agent_work_mode: AgentWorkMode | None = None
    agent_type: AgentType | None = None


class EventAgentLogin(AgentEvent, frozen=True, kw_only=True):
    """Does not by itself state a ready state."""


class EventAgentLogout(AgentEvent, frozen=True, kw_only=True):
    """The final logout."""


class EventQueueLogout(AgentEvent, frozen=True, kw_only=True):
    """Logout from one of several queues."""


class EventAgentReady(AgentEvent, frozen=True, kw_only=True):
    pass


class EventAgentNotReady(AgentEvent, frozen=True, kw_only=True):
    pass


class EventAgentAfterCallWork(AgentEvent, frozen=True, kw_only=True):
    """Of older servers; this one sends EventAgentNotReady with work mode AfterCallWork."""


class EventAgentIdleReasonSet(AgentEvent, frozen=True, kw_only=True):
    idle_reason: Integer | None = None


class EventAgentReserved(Event, frozen=True, kw_only=True):
    this_dn: DN | None = None
    agent_id: Name | None = None
    place: Name | None = None


class MonitoringEvent(DNEvent, frozen=True, kw_only=True):
    """Group: supervision subscriptions. Extensions carry MonitorMode and MonitorScope."""

    this_dn_role: DNRole
    other_dn: DN
    other_dn_role: DNRole
    monitor_next_call_type: MonitorNextCallType


class EventMonitoringNextCall(MonitoringEvent, frozen=True, kw_only=True):
    pass


class EventMonitoringCancelled(MonitoringEvent, frozen=True, kw_only=True):
    pass


# --- DNs ------------------------------------------------------------------------------------------


class EventDNDOn(DNEvent, frozen=True, kw_only=True):
    pass


class EventDNDOff(DNEvent, frozen=True, kw_only=True):
    pass


class EventForwardSet(DNEvent, frozen=True, kw_only=True):
    other_dn: Number | None = None
    forward_mode: ForwardMode | None = None


class EventForwardCancel(DNEvent, frozen=True, kw_only=True):
    forward_mode: ForwardMode | None = None


class EventMessageWaitingOn(DNEvent, frozen=True, kw_only=True):
    pass


class EventMessageWaitingOff(DNEvent, frozen=True, kw_only=True):
    pass


class EventDNOutOfService(DNEvent, frozen=True, kw_only=True):
    """The endpoint is gone."""


class EventDNBackInService(DNEvent, frozen=True, kw_only=True):
    """The endpoint is back."""


# --- voice mail -----------------------------------------------------------------------------------


class EventMailBoxLogin(DNEvent, frozen=True, kw_only=True):
    mail_box: Name | None = None
    conn_id: ConnID | None = None


class EventMailBoxLogout(DNEvent, frozen=True, kw_only=True):
    mail_box: Name | None = None
    conn_id: ConnID | None = None


class EventVoiceFileOpened(DNEvent, frozen=True, kw_only=True):
    conn_id: ConnID | None = None
    file_handle: Count | None = None


class EventVoiceFileClosed(DNEvent, frozen=True, kw_only=True):
    conn_id: ConnID | None = None
    file_handle: Count | None = None


class EventVoiceFileEndPlay(DNEvent, frozen=True, kw_only=True):
    conn_id: ConnID | None = None
    file_handle: Count | None = None


# --- call-based feed ------------------------------------------------------------------------------


class CallFeedEvent(Event, frozen=True, kw_only=True):
    """Group: events about a whole call instead of one DN."""

    call_uuid: CallUUID
    conn_id: ConnID
    call_type: CallType
    orig_call_uuid: CallUUID | None = None
    cause: Name | None = None
    user_data: KeyValues | None = None


class PartyFeedEvent(CallFeedEvent, frozen=True, kw_only=True):
    """Group: events of the call-based feed about one party."""

    party_id: Name
    party_state: PartyState
    this_dn: DN | None = None


class EventCallCreated(CallFeedEvent, frozen=True, kw_only=True):
    pass


class EventCallDataChanged(CallFeedEvent, frozen=True, kw_only=True):
    pass


class EventCallDeleted(CallFeedEvent, frozen=True, kw_only=True):
    pass


class EventCallPartyAdded(PartyFeedEvent, frozen=True, kw_only=True):
    pass


class EventCallPartyState(PartyFeedEvent, frozen=True, kw_only=True):
    pass


class EventCallPartyMoved(PartyFeedEvent, frozen=True, kw_only=True):
    pass


class EventCallPartyDeleted(PartyFeedEvent, frozen=True, kw_only=True):
    pass


def _concrete() -> tuple[type[Event], ...]:
    return tuple(
        value
        for name, value in globals().items()
        if name.startswith("Event") and name != "Event" and isinstance(value, type)
    )


EVENTS: tuple[type[Event], ...] = _concrete()
"""Every event that can be received."""
