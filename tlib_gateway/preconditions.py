"""What must hold before a request is carried out: one row a request.

The checks run in the order of the T-Library model: link up (54), DN configured (59), DN registered and not only
monitored (41), attributes sane (53), ConnID valid on the DN (56). The last one needs the live state, so it is only
stated here (``calls``) and checked where the request goes to the database.
"""

from collections.abc import Callable
from dataclasses import dataclass

from tlib import requests as r
from tlib.enums import RegisterMode, RouteType
from tlib.errors import TError, TLibError
from tlib.requests import Request
from tlib_gateway.registrations import SessionID
from tlib_gateway.site import Site

Sanity = Callable[[Request], str | None]
"""Gives what is wrong with the attributes, naming the first one at fault; or nothing."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A row of the table."""

    link: bool = True
    configured: bool = True
    """ThisDN is a configured DN (when the request has one)."""
    registered: bool = True
    """The client has registered ThisDN, and not with ModeMonitor."""
    calls: tuple[str, ...] = ()
    """Attributes (Python names) that must be ConnIDs of calls on ThisDN; one that is absent is not checked."""
    sane: Sanity | None = None


def _differ(first: str, second: str, names: tuple[str, str]) -> Sanity:
    def check(request: Request) -> str | None:
        same = getattr(request, first) == getattr(request, second)
        return f"{names[1]}: must not be the same as {names[0]}" if same else None

    return check


_two_calls = ("ConnID", "PreviousConnID")
_ROUTE_TYPES_WITHOUT_DESTINATION = (RouteType.REJECT, RouteType.CALL_DISCONNECT, RouteType.DEFAULT)


def _route_has_destination(request: Request) -> str | None:
    assert isinstance(request, r.RequestRouteCall)
    if request.other_dn is None and request.route_type not in _ROUTE_TYPES_WITHOUT_DESTINATION:
        return "OtherDN: missing; only RouteType Default, Reject and CallDisconnect go without"
    return None


def _reservation_names_agent(request: Request) -> str | None:
    assert isinstance(request, r.RequestReserveAgent)
    return None if request.this_dn or request.agent_id or request.place else "AgentID: missing"


_NOTHING = Requirement(link=False, configured=False, registered=False)
_LINK = Requirement(configured=False, registered=False)
_DN = Requirement(registered=False)
_OWN_DN = Requirement()
_CALL = Requirement(calls=("conn_id",))
_TWO_CALLS = Requirement(calls=("conn_id", "previous_conn_id"), sane=_differ("conn_id", "previous_conn_id", _two_calls))
_TRANSFER = Requirement(
    calls=("conn_id", "transfer_conn_id"),
    sane=_differ("conn_id", "transfer_conn_id", ("ConnID", "TransferConnID")),
)
_CONFERENCE = Requirement(
    calls=("conn_id", "conference_conn_id"),
    sane=_differ("conn_id", "conference_conn_id", ("ConnID", "ConferenceConnID")),
)
_SUPERVISION = Requirement(sane=_differ("this_dn", "other_dn", ("ThisDN", "OtherDN")))

REQUIREMENTS: dict[type[Request], Requirement] = {
    r.RequestRegisterClient: _NOTHING,
    r.RequestSetInputMask: _NOTHING,
    r.RequestQueryServer: _NOTHING,
    r.RequestRegisterAddress: _DN,
    r.RequestUnregisterAddress: _DN,
    # Queries change nothing: they need no registration, as a router asks about agents that it does not register.
    r.RequestQueryAddress: _DN,
    r.RequestQueryCall: Requirement(registered=False, calls=("conn_id",)),
    r.RequestQuerySwitch: _LINK,
    r.RequestQueryLocation: _LINK,
    r.RequestAgentLogin: _OWN_DN,
    r.RequestAgentLogout: _OWN_DN,
    r.RequestAgentReady: _OWN_DN,
    r.RequestAgentNotReady: _OWN_DN,
    r.RequestAgentSetIdleReason: _OWN_DN,
    r.RequestReserveAgent: Requirement(registered=False, sane=_reservation_names_agent),
    r.RequestSetDNDOn: _OWN_DN,
    r.RequestSetDNDOff: _OWN_DN,
    r.RequestCallForwardSet: _OWN_DN,
    r.RequestCallForwardCancel: _OWN_DN,
    r.RequestSetMessageWaitingOn: _OWN_DN,
    r.RequestSetMessageWaitingOff: _OWN_DN,
    r.RequestMakeCall: _OWN_DN,
    r.RequestMakePredictiveCall: _OWN_DN,
    r.RequestAnswerCall: _CALL,
    r.RequestReleaseCall: _CALL,
    r.RequestClearCall: _CALL,
    r.RequestHoldCall: _CALL,
    r.RequestRetrieveCall: _CALL,
    r.RequestAlternateCall: _TWO_CALLS,
    r.RequestReconnectCall: _TWO_CALLS,
    r.RequestInitiateTransfer: _CALL,
    r.RequestMuteTransfer: _CALL,
    r.RequestSingleStepTransfer: _CALL,
    r.RequestInitiateConference: _CALL,
    # Without OtherDN the requesting DN joins a call that it is not a party of yet; the switch checks that one.
    r.RequestSingleStepConference: _OWN_DN,
    r.RequestCompleteTransfer: _TRANSFER,
    r.RequestCompleteConference: _CONFERENCE,
    r.RequestMergeCalls: _TRANSFER,
    r.RequestDeleteFromConference: _CALL,
    r.RequestRedirectCall: _CALL,
    r.RequestSendDTMF: _CALL,
    r.RequestCollectDigits: _CALL,
    r.RequestListenDisconnect: _CALL,
    r.RequestListenReconnect: _CALL,
    r.RequestAttachUserData: _CALL,
    r.RequestUpdateUserData: _CALL,
    r.RequestDeletePair: _CALL,
    r.RequestDeleteUserData: _CALL,
    r.RequestSetCallInfo: _CALL,
    r.RequestRouteCall: Requirement(calls=("conn_id",), sane=_route_has_destination),
    r.RequestApplyTreatment: _CALL,
    r.RequestGiveMusicTreatment: _CALL,
    r.RequestGiveSilenceTreatment: _CALL,
    r.RequestGiveRingBackTreatment: _CALL,
    r.RequestMonitorNextCall: _SUPERVISION,
    r.RequestCancelMonitoring: _SUPERVISION,
    r.RequestSetMuteOn: _CALL,
    r.RequestSetMuteOff: _CALL,
    r.RequestDistributeUserEvent: _OWN_DN,
    # Virtual queues have no calls of their own: the ConnID is that of a call elsewhere.
    r.RequestDistributeEvent: _OWN_DN,
    r.RequestPrivateService: _OWN_DN,
    r.RequestGetAccessNumber: _OWN_DN,
    r.RequestCancelReqGetAccessNumber: _OWN_DN,
    r.RequestLoginMailBox: _OWN_DN,
    r.RequestLogoutMailBox: _OWN_DN,
    r.RequestOpenVoiceFile: _OWN_DN,
    r.RequestCloseVoiceFile: _OWN_DN,
    r.RequestPlayVoice: _OWN_DN,
    r.RequestStartCallMonitoring: _DN,
    r.RequestStopCallMonitoring: _DN,
}


def check(request: Request, session: SessionID, site: Site) -> None:
    """Raises ``TLibError`` with the first precondition that does not hold."""
    requirement = REQUIREMENTS[type(request)]
    if requirement.link and not site.link_up:
        raise TLibError(TError.NO_SWITCH, f"{TError.NO_SWITCH.text}: {site.link_reason}")
    dn: str | None = getattr(request, "this_dn", None)
    if dn is not None:
        if requirement.configured and site.dn_type(dn) is None:
            raise TLibError(TError.NOT_CONFIGURED, f"ThisDN: {dn} is not configured")
        mode = site.registrations.mode(session, dn)
        if requirement.registered and mode is None:
            raise TLibError(TError.NOT_REGISTERED, f"ThisDN: the client has not registered {dn}")
        if requirement.registered and mode is RegisterMode.MONITOR:
            raise TLibError(TError.NOT_REGISTERED, f"ThisDN: {dn} is registered with ModeMonitor, for events only")
    problem = requirement.sane(request) if requirement.sane else None
    if problem:
        raise TLibError(TError.INVALID_ATTRIBUTE, problem)


def calls_required(request: Request) -> tuple[str, ...]:
    """The ConnIDs that must be calls on ThisDN; otherwise the request fails with 56."""
    values = (getattr(request, name) for name in REQUIREMENTS[type(request)].calls)
    return tuple(value for value in values if value is not None)
