"""A stand-in for CUCM on its SIP trunk.

Spoken by a test step by step, or acting by itself with phones behind it.
"""

from tests.kit.cucm.failures import FAILURES, Failure, Situation
from tests.kit.cucm.node import MUSIC, CucmNode, PingAnswer, answer_to, answer_to_offer, number_of
from tests.kit.cucm.parties import Party
from tests.kit.cucm.wording import CucmWording

__all__ = [
    "FAILURES",
    "MUSIC",
    "CucmNode",
    "CucmWording",
    "Failure",
    "Party",
    "PingAnswer",
    "Situation",
    "answer_to",
    "answer_to_offer",
    "number_of",
]
