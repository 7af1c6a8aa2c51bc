"""T-Library error codes, and the one exception that carries them."""

import enum


class TError(enum.IntEnum):
    """ErrorCode of EventError, with the text that goes out when nothing more precise is known."""

    text: str

    def __new__(cls, code: int, text: str) -> "TError":
        """A member is its code; ``text`` is for people."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.text = text
        return member

    NO_MORE_LICENSE = 40, "no more licences"
    NOT_REGISTERED = 41, "the client has not registered the DN"
    RESOURCE_SEIZED = 42, "the resource is already seized"
    IN_SAME_STATE = 43, "the object is already in the requested state"
    UNKNOWN_ERROR = 50, "unrecognised error"
    UNSUPPORTED_OPERATION = 51, "unsupported operation"
    INTERNAL = 52, "internal error"
    INVALID_ATTRIBUTE = 53, "invalid attribute value"
    NO_SWITCH = 54, "no connection to the switch"
    PROTOCOL_VERSION = 55, "incorrect protocol version"
    INVALID_CONN_ID = 56, "invalid ConnectionID"
    TIMEOUT = 57, "timeout expired"
    OUT_OF_SERVICE = 58, "out of service"
    NOT_CONFIGURED = 59, "the DN is not configured"
    INVALID_CALLING_TN = 60, "invalid calling TN"
    INVALID_CALLING_DN = 61, "invalid calling DN"
    INCOMPLETE_CALLING_DN = 70, "incomplete calling DN"
    INVALID_CALLED_DN = 71, "invalid called DN"
    INCOMPLETE_CALLED_DN = 72, "incomplete called DN"
    INCOMPLETE_CALLED_TN = 73, "incomplete called TN"
    ORIGINATION_PARTY_BUSY = 79, "the origination party is busy"
    ORIGINATION_DN_BUSY = 83, "the origination DN is busy"
    ORIGINATION_RINGING = 84, "the origination is ringing"
    DESTINATION_BUSY = 91, "the destination is busy"
    DESTINATION_INVALID_STATE = 93, "the destination is in an invalid state"
    CANNOT_COMPLETE_CONFERENCE = 96, "cannot complete the conference"
    CANNOT_INITIATE_TRANSFER = 97, "cannot initiate the transfer"
    CANNOT_COMPLETE_TRANSFER = 98, "cannot complete the transfer"
    CANNOT_RETRIEVE_ORIGINAL = 99, "cannot retrieve the original call"
    LINK_DOWN = 109, "the link is down"
    REQUEST_IN_PROGRESS = 110, "a request is already in progress"
    SERVICE_UNAVAILABLE = 118, "service unavailable"
    BAD_PASSWORD = 119, "bad user name or password"
    INVALID_ORIGINATION = 168, "invalid origination address"
    INVALID_DESTINATION_REQUEST = 169, "invalid destination request"
    RETRIEVE_FAILED = 171, "the retrieve did not succeed"
    TRANSFER_FAILED = 172, "the transfer did not succeed"
    CONFERENCE_FAILED = 173, "the conference did not succeed"
    ANSWER_FAILED = 174, "the answer did not succeed"
    RELEASE_FAILED = 175, "the release did not succeed"
    SET_WRONG_STATE = 185, "the set is in a wrong state"
    SET_TARGET_STATE = 186, "the set is already in the target state"
    ACD_LOGGED_OFF = 187, "ready or not ready while logged out"
    AGENT_ID_INVALID = 192, "the agent id is invalid"
    DN_BUSY = 231, "the DN is busy"
    DN_NO_ANSWER = 232, "the DN does not answer"
    CALL_REJECTED = 233, "the call was rejected"
    INVALID_DTMF_STRING = 302, "invalid DTMF string"
    INVALID_ROUTE_ADDRESS = 402, "invalid route address"
    INVALID_DESTINATION_DN = 415, "invalid destination DN"
    INVALID_TONE_TREATMENT = 416, "invalid tone or treatment"
    DN_MATCHES_ROUTING_POINT = 417, "the destination is the routing point itself"
    TONE_CONNECTION_BLOCKED = 418, "the tone connection is blocked"
    ALL_TRUNKS_BUSY = 452, "all trunks are busy"
    PARTY_NOT_ON_CALL = 470, "the party is not on the call"
    PARTY_ON_HOLD = 471, "the party is on hold"
    CANNOT_CLEAR_SUPERVISOR = 472, "an agent cannot clear a barged-in supervisor"
    INVALID_CALL_STATE = 496, "invalid call state"
    BARGED_IN = 533, "the supervisor has barged in"
    ISCC_NO_SUCH_SERVER = 1000, "no such server"
    ISCC_REMOTE_LINK_DOWN = 1004, "the remote link is down"
    ISCC_FEATURE_NOT_INITIALISED = 1005, "the feature is not initialised"
    ISCC_NO_FREE_CDNS = 1006, "no free CDNs"
    ISCC_NO_ACCESS_NUMBER = 1007, "no access number"
    ISCC_BAD_LOCATION = 1012, "bad location"
    ISCC_TRANSACTION_EXPIRED = 1013, "the transaction has expired"
    GENERIC_OPERATION = 1140, "generic operation error"
    REQUEST_INCOMPATIBLE = 1141, "the request is incompatible with the object"
    VALUE_OUT_OF_RANGE = 1142, "value out of range"
    OBJECT_NOT_KNOWN = 1143, "object not known"
    INVALID_CALLING_DEVICE = 1144, "invalid calling device"
    INVALID_CALLED_DEVICE = 1145, "invalid called device"
    PRIVILEGE_VIOLATION = 1147, "privilege violation on the specified device"
    PRIVILEGE_VIOLATION_CALLED = 1148, "privilege violation on the called device"
    PRIVILEGE_VIOLATION_CALLING = 1149, "privilege violation on the calling device"
    INVALID_CALL_ID = 1150, "invalid call id"
    INVALID_DEVICE_ID = 1151, "invalid device id"
    INVALID_CONNECTION_ID = 1152, "invalid connection id"
    INVALID_DESTINATION = 1153, "invalid destination"
    INVALID_FEATURE = 1154, "invalid feature"
    SECURITY_VIOLATION = 1158, "security violation"
    STATE_INCOMPATIBILITY = 1160, "generic state incompatibility"
    INCORRECT_OBJECT_STATE = 1161, "incorrect object state"
    INVALID_CONNECTION = 1162, "invalid connection id for the operation"
    NO_ACTIVE_CALL = 1163, "no active call"
    NO_HELD_CALL = 1164, "no held call"
    NO_CALL_TO_CLEAR = 1165, "no call to clear"
    NO_CONNECTION_TO_CLEAR = 1166, "no connection to clear"
    NO_CALL_TO_ANSWER = 1167, "no call to answer"
    NO_CALL_TO_COMPLETE = 1168, "no call to complete"
    SYSTEM_RESOURCE = 1170, "generic system resource error"
    SERVICE_BUSY = 1171, "the service is busy"
    RESOURCE_BUSY = 1172, "the resource is busy"
    RESOURCE_OUT_OF_SERVICE = 1173, "the resource is out of service"
    NETWORK_BUSY = 1174, "the network is busy"
    NETWORK_OUT_OF_SERVICE = 1175, "the network is out of service"
    MONITOR_LIMIT = 1176, "the monitor limit is exceeded"
    CONFERENCE_LIMIT = 1177, "the conference member limit is exceeded"
    OUTSTANDING_REQUEST_LIMIT = 1183, "too many outstanding requests"
    UNSPECIFIED = 1199, "unspecified error"
    AGENT_ALREADY_RESERVED = 1700, "the agent is already reserved"
    AGENT_WRONG_ID = 1703, "wrong agent id"
    AGENT_ID_IN_USE = 1704, "the agent id is in use"
    AGENT_PASSWORD = 1705, "the agent's password does not match"
    AGENT_ALREADY_LOGGED_IN = 1706, "the agent is already logged in"
    AGENT_NOT_LOGGED_IN = 1707, "the agent is not logged in"
    PREVIEW_CALL_REJECTED = 1710, "the preview call was rejected"
    PREVIEW_CALL_EXPIRED = 1711, "the preview call has expired"
    PREVIEW_INVALID_CALL_STATE = 1712, "invalid state of the preview call"


_BY_CODE: dict[int, TError] = {int(member): member for member in TError}


class TLibError(Exception):
    """A request or message that failed with a T-Library error.

    ``code`` is the ErrorCode (a plain integer when it is not one of ours, as a client may meet), ``message``
    the ErrorMessage, ``reference_id`` the ReferenceID of the request at fault when it is known.
    """

    def __init__(self, code: int, message: str | None = None, reference_id: int | None = None) -> None:
        """``message`` defaults to the code's own text."""
        known = _BY_CODE.get(code)
        self.code: int = code if known is None else known
        self.message = message or (f"error {code}" if known is None else known.text)
        self.reference_id = reference_id
        super().__init__(f"{int(code)} {self.message}")
