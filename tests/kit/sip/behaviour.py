"""What an endpoint does without being told, each of it to be switched off."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What an endpoint does without being told. Times in seconds (RFC 3261 §17, table 4)."""

    trying: bool = True
    """Answer an INVITE 100 at once."""
    retransmit: bool = True
    """Repeat requests over UDP, and final replies to INVITE until the ACK comes."""
    repeat_replies: bool = True
    """Give the last reply again when a request is repeated."""
    repeat_ack: bool = True
    """Send the ACK again when a 2xx is repeated."""
    acknowledge_failures: bool = True
    """Send the ACK of a final answer of 300 or above."""
    answer_cancel: bool = True
    """Answer CANCEL with 200 and its INVITE with 487."""
    answer_options: bool = True
    """Answer OPTIONS outside a dialog with 200; they do not reach `expect_request` then."""
    t1: float = 0.5
    t2: float = 4.0
