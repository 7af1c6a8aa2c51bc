"""A stand-in for CUCM on its SIP trunk.

Spoken by a test step by step, or acting by itself with phones behind it.
"""

from tests.kit.cucm.agents import (
    AFTER_TIMER_B,
    BUSY,
    NO_ANSWER,
    REJECTS,
    UNREGISTERED,
    AgentCall,
    PhoneBehaviour,
)
from tests.kit.cucm.bridge import Bridge
from tests.kit.cucm.cluster import CucmCluster
from tests.kit.cucm.failures import FAILURES, Failure, Situation
from tests.kit.cucm.lines import LineSide, Registration
from tests.kit.cucm.node import MUSIC, CucmNode, PingAnswer, answer_to, answer_to_offer, number_of
from tests.kit.cucm.parties import Party
from tests.kit.cucm.wording import CucmWording

__all__ = [
    "AFTER_TIMER_B",
    "BUSY",
    "FAILURES",
    "MUSIC",
    "NO_ANSWER",
    "REJECTS",
    "UNREGISTERED",
    "AgentCall",
    "Bridge",
    "CucmCluster",
    "CucmNode",
    "CucmWording",
    "Failure",
    "LineSide",
    "Party",
    "PhoneBehaviour",
    "PingAnswer",
    "Registration",
    "Situation",
    "answer_to",
    "answer_to_offer",
    "number_of",
]
