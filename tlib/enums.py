"""T-Library enumerations; each member's value is its name on the wire.

Source: T-Library function reference and "Genesys Events and Models". Where a state report carries a number
instead of a name (Extensions ``ct-N``, ``mt-N``, ``ps-N``, ``AgentStatus``), the number is the ``code``.
"""

import enum


class CodedEnum(enum.Enum):
    """An enumeration whose members also have the number that state reports carry: their position."""

    @property
    def code(self) -> int:
        """Position in the enumeration, from 0."""
        return list(type(self)).index(self)


class CallType(CodedEnum):
    UNKNOWN = "Unknown"
    INTERNAL = "Internal"
    INBOUND = "Inbound"
    OUTBOUND = "Outbound"
    CONSULT = "Consult"


class CallState(enum.Enum):
    """Qualifies a call event: ``Ok`` unless one of the listed reasons applies."""

    OK = "Ok"
    TRANSFERRED = "Transferred"
    CONFERENCED = "Conferenced"
    GENERAL_ERROR = "GeneralError"
    SYSTEM_ERROR = "SystemError"
    REMOTE_RELEASE = "RemoteRelease"
    BUSY = "Busy"
    NO_ANSWER = "NoAnswer"
    SIT_DETECTED = "SitDetected"
    ANSWERING_MACHINE_DETECTED = "AnsweringMachineDetected"
    ALL_TRUNKS_BUSY = "AllTrunksBusy"
    SIT_INVALIDNUM = "SitInvalidnum"
    SIT_VACANT = "SitVacant"
    SIT_INTERCEPT = "SitIntercept"
    SIT_UNKNOWN = "SitUnknown"
    SIT_NOCIRCUIT = "SitNocircuit"
    SIT_REORDER = "SitReorder"
    FAX_DETECTED = "FaxDetected"
    QUEUE_FULL = "QueueFull"
    CLEARED = "Cleared"
    OVERFLOWED = "Overflowed"
    ABANDONED = "Abandoned"
    REDIRECTED = "Redirected"
    FORWARDED = "Forwarded"
    CONSULT = "Consult"
    PICKEDUP = "Pickedup"
    DROPPED = "Dropped"
    DROPPED_NO_ANSWER = "Droppednoanswer"
    UNKNOWN = "Unknown"
    COVERED = "Covered"
    CONVERSE_ON = "ConverseOn"
    BRIDGED = "Bridged"
    DEAFENED = "Deafened"
    HELD = "Held"


class DNRole(enum.Enum):
    """Role of a DN in the call that an event is about."""

    UNKNOWN = "Unknown"
    ORIGINATION = "Origination"
    DESTINATION = "Destination"
    CONFERENCE_MEMBER = "ConferenceMember"
    NEW_PARTY = "NewParty"
    ADDED_BY = "AddedBy"
    DELETED_BY = "DeletedBy"
    TRANSFERRED_BY = "TransferredBy"
    DELETED_PARTY = "DeletedParty"
    CONFERENCED_BY = "ConferencedBy"
    OBSERVER = "Observer"


class AgentWorkMode(enum.Enum):
    UNKNOWN = "Unknown"
    MANUAL_IN = "ManualIn"
    AUTO_IN = "AutoIn"
    LEGAL_GUARD = "LegalGuard"
    AFTER_CALL_WORK = "AfterCallWork"
    AUX_WORK = "AuxWork"
    NO_CALL_DISCONNECT = "NoCallDisconnect"
    WALK_AWAY = "WalkAway"
    RETURN_BACK = "ReturnBack"


class AgentStatus(enum.Enum):
    """Agent state on a DN; ``code`` is what Extensions ``AgentStatus`` carries."""

    UNKNOWN = "Unknown"
    LOGGED_OUT = "LoggedOut"
    LOGGED_IN = "LoggedIn"
    READY = "Ready"
    NOT_READY = "NotReady"
    AFTER_CALL_WORK = "AfterCallWork"

    @property
    def code(self) -> int:
        """-1 unknown, 0 logged out, 1 logged in, 2 ready, 3 not ready, 4 after-call work."""
        return list(AgentStatus).index(self) - 1


class AgentType(enum.Enum):
    AGENT = "Agent"
    SUPERVISOR = "Supervisor"


class AddressType(enum.Enum):
    UNKNOWN = "Unknown"
    DN = "DN"
    POSITION = "Position"
    QUEUE = "Queue"
    ROUTE_DN = "RouteDN"
    TRUNK = "Trunk"
    VOICE_CHANNEL = "VoiceChannel"
    DATA_CHANNEL = "DataChannel"
    ANNOUNCEMENT = "Announcement"
    ASAI = "ASAI"
    ACD_GROUP = "ACDGroup"
    VSP = "VSP"
    ROUTE_QUEUE = "RouteQueue"
    AGENT_ID = "AgentID"
    OTHER = "Other"


class RegisterMode(enum.Enum):
    """``ModeMonitor`` receives events and may not send requests; ``ModePrivate`` keeps others out."""

    SHARE = "ModeShare"
    PRIVATE = "ModePrivate"
    MONITOR = "ModeMonitor"


class ControlMode(enum.Enum):
    DEFAULT = "RegisterDefault"
    FORCE = "RegisterForce"
    LOCAL = "RegisterLocal"


class MakeCallType(enum.Enum):
    REGULAR = "Regular"
    DIRECT_AGENT = "DirectAgent"
    SUPERVISOR_ASSIST = "SupervisorAssist"
    PRIORITY = "Priority"
    DIRECT_PRIORITY = "DirectPriority"


class MonitorNextCallType(enum.Enum):
    ONE_CALL = "MonitorOneCall"
    ALL_CALLS = "MonitorAllCalls"


class MergeType(enum.Enum):
    FOR_TRANSFER = "ForTransfer"
    FOR_CONFERENCE = "ForConference"


class RouteType(enum.Enum):
    UNKNOWN = "Unknown"
    DEFAULT = "Default"
    LABEL = "Label"
    OVERWRITE_DNIS = "OverwriteDNIS"
    DDD = "DDD"
    IDDD = "IDDD"
    DIRECT = "Direct"
    REJECT = "Reject"
    ANNOUNCEMENT = "Announcement"
    POST_FEATURE = "PostFeature"
    DIRECT_AGENT = "DirectAgent"
    PRIORITY = "Priority"
    DIRECT_PRIORITY = "DirectPriority"
    AGENT_ID = "AgentID"
    CALL_DISCONNECT = "CallDisconnect"


class XRouteType(enum.Enum):
    """How a call reaches another site (ISCC)."""

    DEFAULT = "Default"
    ROUTE = "Route"
    DIRECT = "Direct"
    REROUTE = "Reroute"
    DIRECT_UUI = "DirectUUI"
    DIRECT_ANI = "DirectANI"
    DIRECT_NO_TOKEN = "DirectNoToken"
    DNIS_POOLING = "DNISPooling"
    DIRECT_DIGITS = "DirectDigits"
    PULL_BACK = "PullBack"
    EXT_PROTOCOL = "ExtProtocol"
    ROUTE_UUI = "RouteUUI"
    DIRECT_NETWORK_CALL_ID = "DirectNetworkCallID"


class TreatmentType(enum.Enum):
    UNKNOWN = "Unknown"
    IVR = "IVR"
    MUSIC = "Music"
    RING_BACK = "RingBack"
    SILENCE = "Silence"
    BUSY = "Busy"
    COLLECT_DIGITS = "CollectDigits"
    PLAY_ANNOUNCEMENT = "PlayAnnouncement"
    PLAY_ANNOUNCEMENT_AND_DIGITS = "PlayAnnouncementAndDigits"
    VERIFY_DIGITS = "VerifyDigits"
    RECORD_USER_ANNOUNCEMENT = "RecordUserAnnouncement"
    DELETE_USER_ANNOUNCEMENT = "DeleteUserAnnouncement"
    CANCEL_CALL = "CancelCall"
    PLAY_APPLICATION = "PlayApplication"
    SET_DEFAULT_ROUTE = "SetDefaultRoute"
    TEXT_TO_SPEECH = "TextToSpeech"
    TEXT_TO_SPEECH_AND_DIGITS = "TextToSpeechAndDigits"
    FAST_BUSY = "FastBusy"
    RAN = "RAN"


class ForwardMode(enum.Enum):
    NONE = "None"
    UNCONDITIONAL = "Unconditional"
    ON_BUSY = "OnBusy"
    ON_NO_ANSWER = "OnNoAnswer"
    ON_BUSY_AND_NO_ANSWER = "OnBusyAndNoAnswer"
    SEND_ALL_CALLS = "SendAllCalls"


class ServerRole(enum.Enum):
    PRIMARY = "Primary"
    BACKUP = "Backup"


class AddressInfoType(enum.Enum):
    """What RequestQueryAddress asks."""

    ADDRESS_STATUS = "AddressStatus"
    MESSAGE_WAITING_STATUS = "MessageWaitingStatus"
    ASSOCIATION_STATUS = "AssociationStatus"
    CALL_FORWARDING_STATUS = "CallForwardingStatus"
    AGENT_STATUS = "AgentStatus"
    NUMBER_OF_AGENTS_IN_QUEUE = "NumberOfAgentsInQueue"
    NUMBER_OF_AVAILABLE_AGENTS_IN_QUEUE = "NumberOfAvailableAgentsInQueue"
    NUMBER_OF_CALLS_IN_QUEUE = "NumberOfCallsInQueue"
    ADDRESS_TYPE = "AddressType"
    CALLS_QUERY = "CallsQuery"
    SEND_ALL_CALLS_STATUS = "SendAllCallsStatus"
    QUEUE_LOGIN_AUDIT = "QueueLoginAudit"
    NUMBER_OF_IDLE_TRUNKS = "NumberOfIdleTrunks"
    NUMBER_OF_TRUNKS_IN_USE = "NumberOfTrunksInUse"
    DATABASE_VALUE = "DatabaseValue"
    DN_STATUS = "DNStatus"
    QUEUE_STATUS = "QueueStatus"


class AddressStatus(enum.Enum):
    """What a DN is doing, as EventAddressInfo reports it."""

    IDLE = "Idle"
    ORIGINATION = "Origination"
    DIALING = "Dialing"
    TALKING = "Talking"
    RINGING = "Ringing"
    HELD = "Held"
    TREATMENT = "Treatment"
    LOCKED_OUT = "LockedOut"
    MAINTENANCE = "Maintenance"
    AVAILABLE = "Available"
    VACANT = "Vacant"


class CallInfoType(enum.Enum):
    PARTIES_QUERY = "PartiesQuery"
    STATUS_QUERY = "StatusQuery"


class SwitchInfoType(enum.Enum):
    DATE_TIME = "DateTime"
    CLASSIFIER_STAT = "ClassifierStat"


class MediaType(CodedEnum):
    VOICE = "Voice"
    VOIP = "VoIP"
    EMAIL = "EMail"
    VMAIL = "VMail"
    SMAIL = "SMail"
    CHAT = "Chat"
    VIDEO = "Video"
    COBROWSING = "Cobrowsing"
    WHITEBOARD = "Whiteboard"
    APP_SHARING = "AppSharing"
    WEB_FORM = "WebForm"
    WORK_ITEM = "WorkItem"


class PartyState(CodedEnum):
    """State of one party in a call. T-Library's own numbers are not public: the codes are this product's."""

    NULL = "Null"
    INITIATED = "Initiated"
    QUEUED = "Queued"
    ALERTING = "Alerting"
    BUSY = "Busy"
    CONNECTED = "Connected"
    CP_DETECT = "CP_Detect"
    HELD = "Held"
    FAILED = "Failed"
    DIALING = "Dialing"
    NO_LISTEN = "NoListen"
    NO_TALK = "NoTalk"
    BRIDGED = "Bridged"
    AUDIT = "Audit"
    SVC_OBSERVING = "SvcObserving"
    TREATMENT_REQ = "TreatmentReq"
    TREATMENT = "Treatment"
    ROUTING = "Routing"
    UNCERTAIN = "Uncertain"


class LocationInfoType(enum.Enum):
    ALL_LOCATIONS = "AllLocations"
    LOCATION_DATA = "LocationData"
    MONITOR_LOCATION = "MonitorLocation"
    CANCEL_MONITOR_LOCATION = "CancelMonitorLocation"
    MONITOR_ALL_LOCATIONS = "MonitorAllLocations"
    CANCEL_MONITOR_ALL_LOCATIONS = "CancelMonitorAllLocations"
    LOCATION_MONITOR_CANCELED = "LocationMonitorCanceled"
    ALL_LOCATIONS_MONITOR_CANCELED = "AllLocationsMonitorCanceled"


class MonitorMode(enum.Enum):
    """Extensions ``MonitorMode``: ``normal`` means ``mute``, ``connect`` is open, ``coach`` whispers."""

    MUTE = "mute"
    NORMAL = "normal"
    CONNECT = "connect"
    COACH = "coach"


class MonitorScope(enum.Enum):
    """Extensions ``MonitorScope``: how long a supervisor stays."""

    CALL = "call"
    AGENT = "agent"


class AssistMode(enum.Enum):
    """Extensions ``AssistMode`` of RequestSingleStepConference."""

    COACH = "coach"
    CONNECT = "connect"
    MUTE = "mute"
