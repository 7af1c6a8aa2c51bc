"""SIP codes and Q.850 causes as CallState."""

import pytest

from kemi.calls import outcomes
from tlib.enums import CallState


@pytest.mark.parametrize(
    ("code", "cause", "rang", "expected"),
    [
        (404, 1, False, CallState.SIT_INVALIDNUM),
        (404, 0, False, CallState.SIT_INVALIDNUM),
        (486, 17, False, CallState.BUSY),
        (486, 0, True, CallState.BUSY),
        (486, 21, True, CallState.DROPPED),  # the phone's reject, as CUCM reports it
        (603, 0, True, CallState.DROPPED),
        (600, 0, False, CallState.BUSY),
        (480, 19, True, CallState.NO_ANSWER),
        (480, 0, True, CallState.NO_ANSWER),
        (480, 0, False, CallState.GENERAL_ERROR),  # no phone is registered
        (408, 0, True, CallState.NO_ANSWER),
        (408, 0, False, CallState.GENERAL_ERROR),
        (487, 0, True, CallState.NO_ANSWER),
        (503, 0, False, CallState.ALL_TRUNKS_BUSY),
        (503, 47, False, CallState.SIT_NOCIRCUIT),
        (500, 0, False, CallState.SYSTEM_ERROR),
        (599, 0, False, CallState.SYSTEM_ERROR),
        (302, 0, False, CallState.GENERAL_ERROR),
        (488, 65, False, CallState.GENERAL_ERROR),
        (486, 16, False, CallState.BUSY),  # "normal clearing" says nothing of a failure
        (0, 0, False, CallState.GENERAL_ERROR),
        (999, 999, True, CallState.GENERAL_ERROR),
    ],
)
def test_failed(code: int, cause: int, rang: bool, expected: CallState) -> None:
    assert outcomes.failed(code, cause, rang) is expected


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (0, CallState.OK),
        (16, CallState.OK),
        (31, CallState.OK),
        (41, CallState.GENERAL_ERROR),
        (102, CallState.GENERAL_ERROR),
    ],
)
def test_ended(cause: int, expected: CallState) -> None:
    assert outcomes.ended(cause) is expected
