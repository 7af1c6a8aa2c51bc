"""Why the switch does not carry a request out; the text ends the EventError 51."""

from tlib import requests as r
from tlib.requests import Request

_CALLS = "it does not set up, answer, hold or move calls"
_AGENTS = "it keeps no states of agents"
_FEATURES = "it does not control the features of phones"
_ROUTING = "it has no routing points that wait for a router"
_SUPERVISION = "it does not supervise calls"
_EVENTS = "it distributes no events of clients"
_SITES = "it knows no other sites"
_VOICE_MAIL = "it has no voice mail"
_FEED = "it has no call-based feed"

WHY: dict[type[Request], str] = {
    r.RequestQuerySwitch: "it has nothing to tell about itself",
    r.RequestQueryLocation: _SITES,
    r.RequestAgentLogin: _AGENTS,
    r.RequestAgentLogout: _AGENTS,
    r.RequestAgentReady: _AGENTS,
    r.RequestAgentNotReady: _AGENTS,
    r.RequestAgentSetIdleReason: _AGENTS,
    r.RequestReserveAgent: _AGENTS,
    r.RequestSetDNDOn: _FEATURES,
    r.RequestSetDNDOff: _FEATURES,
    r.RequestCallForwardSet: _FEATURES,
    r.RequestCallForwardCancel: _FEATURES,
    r.RequestSetMessageWaitingOn: _FEATURES,
    r.RequestSetMessageWaitingOff: _FEATURES,
    r.RequestMakeCall: _CALLS,
    r.RequestMakePredictiveCall: _CALLS,
    r.RequestAnswerCall: _CALLS,
    r.RequestHoldCall: _CALLS,
    r.RequestRetrieveCall: _CALLS,
    r.RequestAlternateCall: _CALLS,
    r.RequestReconnectCall: _CALLS,
    r.RequestInitiateTransfer: _CALLS,
    r.RequestMuteTransfer: _CALLS,
    r.RequestSingleStepTransfer: _CALLS,
    r.RequestInitiateConference: _CALLS,
    r.RequestSingleStepConference: _CALLS,
    r.RequestCompleteTransfer: _CALLS,
    r.RequestCompleteConference: _CALLS,
    r.RequestMergeCalls: _CALLS,
    r.RequestDeleteFromConference: "its calls have two parties",
    r.RequestRedirectCall: _CALLS,
    r.RequestSendDTMF: "it sends no digits",
    r.RequestCollectDigits: "it collects no digits",
    r.RequestListenDisconnect: "its calls have two parties",
    r.RequestListenReconnect: "its calls have two parties",
    r.RequestSetCallInfo: "ANI and DNIS of a call are those of its INVITE",
    r.RequestRouteCall: _ROUTING,
    r.RequestApplyTreatment: _ROUTING,
    r.RequestGiveMusicTreatment: _ROUTING,
    r.RequestGiveSilenceTreatment: _ROUTING,
    r.RequestGiveRingBackTreatment: _ROUTING,
    r.RequestMonitorNextCall: _SUPERVISION,
    r.RequestCancelMonitoring: _SUPERVISION,
    r.RequestSetMuteOn: _SUPERVISION,
    r.RequestSetMuteOff: _SUPERVISION,
    r.RequestDistributeUserEvent: _EVENTS,
    r.RequestDistributeEvent: _EVENTS,
    r.RequestPrivateService: "it has no services of its own",
    r.RequestGetAccessNumber: _SITES,
    r.RequestCancelReqGetAccessNumber: _SITES,
    r.RequestLoginMailBox: _VOICE_MAIL,
    r.RequestLogoutMailBox: _VOICE_MAIL,
    r.RequestOpenVoiceFile: _VOICE_MAIL,
    r.RequestCloseVoiceFile: _VOICE_MAIL,
    r.RequestPlayVoice: _VOICE_MAIL,
    r.RequestStartCallMonitoring: _FEED,
    r.RequestStopCallMonitoring: _FEED,
}
