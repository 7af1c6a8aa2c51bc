"""A SIP endpoint that a test can let say anything, and that sees everything on the wire."""

from tests.kit.sip.behaviour import Behaviour
from tests.kit.sip.dialog import Body, Dialog
from tests.kit.sip.endpoint import Endpoint
from tests.kit.sip.incoming import IncomingRequest
from tests.kit.sip.ladder import Entry, Ladder, Way
from tests.kit.sip.message import CSeq, Header, MalformedMessage, Message, Request, Response, parse
from tests.kit.sip.outgoing import OutgoingInvite, OutgoingRequest
from tests.kit.sip.rules import assert_dialog_rules, assert_separate_legs
from tests.kit.sip.sdp import G729, PCMA, PCMU, TELEPHONE_EVENT, Audio, Codec, Direction, Origin, Sdp
from tests.kit.sip.style import Style
from tests.kit.sip.uri import NameAddr, SipUri, Via
from tests.kit.sip.waiting import PATIENCE, Box, SipTimeout, UnexpectedMessage
from tests.kit.sip.wire import Address, Flow, Transport

__all__ = [
    "G729",
    "PATIENCE",
    "PCMA",
    "PCMU",
    "TELEPHONE_EVENT",
    "Address",
    "Audio",
    "Behaviour",
    "Body",
    "Box",
    "CSeq",
    "Codec",
    "Dialog",
    "Direction",
    "Endpoint",
    "Entry",
    "Flow",
    "Header",
    "IncomingRequest",
    "Ladder",
    "MalformedMessage",
    "Message",
    "NameAddr",
    "Origin",
    "OutgoingInvite",
    "OutgoingRequest",
    "Request",
    "Response",
    "Sdp",
    "SipTimeout",
    "SipUri",
    "Style",
    "Transport",
    "UnexpectedMessage",
    "Via",
    "Way",
    "assert_dialog_rules",
    "assert_separate_legs",
    "parse",
]
