"""How CUCM answers a call that it cannot put through: one row a situation.

`cause` is the Q.850 cause of the Reason header (RFC 3326). Where releases differ the row is a variant of its
own, so that a test can ask for each.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Situation(enum.Enum):
    """Why a call does not get through."""

    UNALLOCATED = "unallocated number"
    UNREGISTERED = "phone unregistered, answered 404"
    UNREGISTERED_503 = "phone unregistered, answered 503"
    BUSY = "busy trigger reached"
    PHONE_BUSY = "the phone itself answered 486"
    NO_ANSWER = "not answered until T301"
    NO_ANSWER_408 = "not answered, answered 408"
    REJECTED = "declined at the phone"
    REJECTED_486 = "declined at the phone, answered 486"
    CODEC = "no common codec"
    BANDWIDTH = "no bandwidth left between the locations"
    DO_NOT_DISTURB = "do not disturb, reject"
    NOT_PERMITTED = "calling search space excludes the number"
    LOOP = "too many hops"


@dataclass(frozen=True, slots=True)
class Failure:
    """One final answer."""

    status: int
    cause: int | None
    reason: str | None = None
    """Reason phrase, when it is not the usual one of the status."""


FAILURES: dict[Situation, Failure] = {
    Situation.UNALLOCATED: Failure(404, 1),
    Situation.UNREGISTERED: Failure(404, 20),
    Situation.UNREGISTERED_503: Failure(503, 27),
    Situation.BUSY: Failure(486, 17),
    Situation.PHONE_BUSY: Failure(486, 17),
    Situation.NO_ANSWER: Failure(480, 19),
    Situation.NO_ANSWER_408: Failure(408, 19),
    Situation.REJECTED: Failure(603, 21),
    Situation.REJECTED_486: Failure(486, 21),
    Situation.CODEC: Failure(488, 65, "Not Acceptable Media"),
    Situation.BANDWIDTH: Failure(503, 125),
    Situation.DO_NOT_DISTURB: Failure(486, 17),
    Situation.NOT_PERMITTED: Failure(404, 1),
    Situation.LOOP: Failure(483, None),
}
