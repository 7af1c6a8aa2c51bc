"""Why a call failed or ended, as a CallState: from SIP codes (RFC 3261 §21) and Q.850 causes (RFC 3398).

A Q.850 cause says more than the SIP code that a gateway derived from it, so a cause in the table wins.
"""

from tlib.enums import CallState

FAILED_BY_CAUSE: dict[int, CallState] = {
    1: CallState.SIT_INVALIDNUM,  # unallocated number
    2: CallState.SIT_INVALIDNUM,  # no route to network
    3: CallState.SIT_INVALIDNUM,  # no route to destination
    17: CallState.BUSY,
    18: CallState.NO_ANSWER,  # no user responding
    19: CallState.NO_ANSWER,  # alerted, no answer
    20: CallState.GENERAL_ERROR,  # subscriber absent
    21: CallState.DROPPED,  # call rejected
    22: CallState.SIT_INTERCEPT,  # number changed
    27: CallState.GENERAL_ERROR,  # destination out of order
    28: CallState.SIT_INVALIDNUM,  # invalid number format
    34: CallState.ALL_TRUNKS_BUSY,  # no circuit available
    38: CallState.SIT_REORDER,  # network out of order
    41: CallState.SIT_REORDER,  # temporary failure
    42: CallState.SIT_REORDER,  # switching equipment congestion
    44: CallState.SIT_NOCIRCUIT,  # requested circuit not available
    47: CallState.SIT_NOCIRCUIT,  # resource unavailable
}
"""A call that was not answered, by the Q.850 cause."""

FAILED_BY_CODE: dict[int, CallState] = {
    404: CallState.SIT_INVALIDNUM,
    410: CallState.SIT_INTERCEPT,
    484: CallState.SIT_INVALIDNUM,
    485: CallState.SIT_INVALIDNUM,
    486: CallState.BUSY,
    503: CallState.ALL_TRUNKS_BUSY,
    600: CallState.BUSY,
    603: CallState.DROPPED,
    604: CallState.SIT_INVALIDNUM,
    607: CallState.DROPPED,
    608: CallState.DROPPED,
}
"""A call that was not answered, by the SIP code; other 5xx are SystemError, everything else GeneralError."""

NO_ANSWER_AFTER_RINGING = frozenset({408, 480, 487, 504})
"""Codes that mean NoAnswer once the phone has rung; before that they mean that it cannot be reached."""

DISTURBED = frozenset({27, 38, 41, 42, 47, 102})
"""Q.850 causes in a BYE that mean that the call broke: GeneralError. With any other cause it ended: Ok."""


def failed(code: int, cause: int, rang: bool) -> CallState:
    """CallState of a call whose called leg ended with ``code`` unanswered; ``cause`` 0 is none."""
    by_cause = FAILED_BY_CAUSE.get(cause)
    if by_cause is not None:
        return by_cause
    if rang and code in NO_ANSWER_AFTER_RINGING:
        return CallState.NO_ANSWER
    by_code = FAILED_BY_CODE.get(code)
    if by_code is not None:
        return by_code
    return CallState.SYSTEM_ERROR if 500 <= code < 600 else CallState.GENERAL_ERROR


def ended(cause: int) -> CallState:
    """CallState of an answered call that a BYE with ``cause`` ended; ``cause`` 0 is none."""
    return CallState.GENERAL_ERROR if cause in DISTURBED else CallState.OK
