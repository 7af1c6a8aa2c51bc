"""Every message: its name, its attributes on the wire, its way through the codec and the schema."""

import json
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from tlib import enums
from tlib.attributes import Time
from tlib.codec import decode_event, decode_request, encode, number_event
from tlib.errors import TError, TLibError
from tlib.events import EVENTS, CallEvent, Event, EventRinging
from tlib.message import KeepAlive, Message, message_name, wire_name
from tlib.requests import REQUESTS, SECRET_ATTRIBUTES, Request
from tlib.schema import SCHEMA_FILE, protocol_schema, schema_text

_SCHEMA = protocol_schema()
_DEFINITIONS: Any = _SCHEMA["$defs"]


def sample_value(kind: msgspec.inspect.Type) -> object:
    """Some valid value of a type, as JSON has it."""
    match kind:
        case msgspec.inspect.UnionType():
            return sample_value(next(t for t in kind.types if not isinstance(t, msgspec.inspect.NoneType)))
        case msgspec.inspect.Metadata():
            return sample_value(kind.type)
        case msgspec.inspect.StrType():
            if kind.pattern and "0-9a-f" in kind.pattern:
                return "00a1b2c3d4e5f607"
            if kind.pattern and "{32}" in kind.pattern:
                return "A" * 32
            return "7001"
        case msgspec.inspect.IntType():
            return 7
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.EnumType():
            return list(kind.cls)[-1].value
        case msgspec.inspect.ListType():
            return [sample_value(kind.item_type)]
        case msgspec.inspect.StructType():
            return {field.encode_name: sample_value(field.type) for field in kind.fields}
    # What is left are key-value lists.
    return {"key": "value", "number": 1, "list": {"inner": "x"}}


def full_sample(message: type[Message]) -> dict[str, object]:
    """A message with every attribute."""
    info = msgspec.inspect.type_info(message)
    assert isinstance(info, msgspec.inspect.StructType)
    return {"message": message.__name__} | {f.encode_name: sample_value(f.type) for f in info.fields}


def decode(message: type[Message], data: bytes) -> Message:
    return decode_event(data) if issubclass(message, Event) else decode_request(data)


@pytest.mark.parametrize("message", [*REQUESTS, *EVENTS, KeepAlive], ids=message_name)
class TestEveryMessage:
    def test_survives_decoding_and_encoding_with_every_attribute(self, message: type[Message]) -> None:
        sample = full_sample(message)
        decoded = decode(message, json.dumps(sample).encode())
        assert type(decoded) is message
        again = json.loads(encode(decoded))
        defaults = {
            field.encode_name
            for field in msgspec.structs.fields(message)
            if getattr(decoded, field.name) == field.default
        }
        assert again == {name: value for name, value in sample.items() if name not in defaults}
        assert decode(message, encode(decoded)) == decoded

    def test_agrees_with_the_schema(self, message: type[Message]) -> None:
        schema = {**_SCHEMA, "anyOf": [{"$ref": f"#/$defs/{message.__name__}"}]}
        validator = Draft202012Validator(schema)
        sample = full_sample(message)
        validator.validate(sample)
        assert set(_DEFINITIONS[message.__name__]["properties"]) == set(sample)
        validator.validate(json.loads(encode(decode(message, json.dumps(sample).encode()))))

    def test_a_missing_mandatory_attribute_is_named(self, message: type[Message]) -> None:
        for name in _DEFINITIONS[message.__name__].get("required", []):
            sample = full_sample(message)
            del sample[name]
            with pytest.raises(TLibError, match=f"^53 {name}: missing$"):
                decode(message, json.dumps(sample).encode())

    def test_an_attribute_of_a_wrong_type_is_named(self, message: type[Message]) -> None:
        for name in full_sample(message):
            if name == "message":
                continue
            sample = full_sample(message) | {name: [[]]}
            with pytest.raises(TLibError) as caught:
                decode(message, json.dumps(sample).encode())
            assert caught.value.code == TError.INVALID_ATTRIBUTE
            assert caught.value.message.startswith((f"{name}: ", f"{name}["))


def test_the_schema_file_is_up_to_date() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run: python -m tlib.schema"


def test_the_schema_is_a_valid_schema() -> None:
    Draft202012Validator.check_schema(_SCHEMA)


DOCUMENTED_EVENTS = [
    "ServerConnected",
    "ServerDisconnected",
    "LinkConnected",
    "LinkDisconnected",
    "ServerInfo",
    "Error",
    "ACK",
    "Registered",
    "Unregistered",
    "Dialing",
    "Ringing",
    "Established",
    "NetworkReached",
    "DestinationBusy",
    "Released",
    "Abandoned",
    "Held",
    "Retrieved",
    "PartyChanged",
    "PartyAdded",
    "PartyDeleted",
    "PartyInfo",
    "Bridged",
    "Queued",
    "Diverted",
    "RouteRequest",
    "RouteUsed",
    "TreatmentApplied",
    "TreatmentNotApplied",
    "TreatmentEnd",
    "TreatmentRequired",
    "AttachedDataChanged",
    "OffHook",
    "OnHook",
    "AgentLogin",
    "AgentLogout",
    "QueueLogout",
    "AgentReady",
    "AgentNotReady",
    "AgentAfterCallWork",
    "AgentIdleReasonSet",
    "DNDOn",
    "DNDOff",
    "ForwardSet",
    "ForwardCancel",
    "MessageWaitingOn",
    "MessageWaitingOff",
    "DNOutOfService",
    "DNBackInService",
    "MonitoringNextCall",
    "MonitoringCancelled",
    "MuteOn",
    "MuteOff",
    "PrivateInfo",
    "UserEvent",
    "AddressInfo",
    "ListenDisconnected",
    "ListenReconnected",
    "DTMFSent",
    "DigitsCollected",
    "CallCreated",
    "CallDataChanged",
    "CallDeleted",
    "CallPartyAdded",
    "CallPartyState",
    "CallPartyMoved",
    "CallPartyDeleted",
    "RemoteConnectionSuccess",
    "RemoteConnectionFailed",
    "PrimaryChanged",
    "RestoreConnection",
    "CallInfoChanged",
    "AgentReserved",
    "SwitchInfo",
    "LocationInfo",
    "AnswerAccessNumber",
    "ReqGetAccessNumberCanceled",
]


def test_every_event_of_the_model_exists() -> None:
    assert {f"Event{name}" for name in DOCUMENTED_EVENTS} <= {message_name(event) for event in EVENTS}


@pytest.mark.parametrize(
    ("python", "wire"),
    [
        ("this_dn_role", "ThisDNRole"),
        ("third_party_dn", "ThirdPartyDN"),
        ("conn_id", "ConnID"),
        ("previous_conn_id", "PreviousConnID"),
        ("call_uuid", "CallUUID"),
        ("ani", "ANI"),
        ("dnis", "DNIS"),
        ("reference_id", "ReferenceID"),
        ("event_sequence_number", "EventSequenceNumber"),
        ("time", "time"),
        ("time_in_secs", "TimeinSecs"),
        ("time_in_usecs", "TimeinuSecs"),
        ("agent_work_mode", "AgentWorkMode"),
        ("dtmf_digits", "DTMFDigits"),
        ("network_node_id", "NetworkNodeID"),
        ("server_x_capabilities", "ServerXCapabilities"),
        ("private_msg_id", "PrivateMsgID"),
    ],
)
def test_attributes_have_their_documented_names(python: str, wire: str) -> None:
    assert wire_name(python) == wire


def test_call_events_have_the_mandatory_group() -> None:
    call_m = {"message", "time", "ThisDN", "ThisDNRole", "ConnID", "CallID", "CallType", "CallState"}
    for event in EVENTS:
        if issubclass(event, CallEvent) and event.__name__ != "EventPartyAdded":
            assert call_m <= set(_DEFINITIONS[event.__name__]["required"]), event.__name__


def ringing() -> EventRinging:
    return EventRinging(
        time=Time.at(1732333333.123456),
        this_dn="7001",
        this_dn_role=enums.DNRole.DESTINATION,
        conn_id="00a1b2c3d4e5f607",
        call_id=12,
        call_type=enums.CallType.INBOUND,
        call_state=enums.CallState.OK,
        user_data={"name": 'Ünï "}'},
    )


def test_what_is_not_set_is_absent() -> None:
    assert json.loads(encode(ringing())) == {
        "message": "EventRinging",
        "time": {"TimeinSecs": 1732333333, "TimeinuSecs": 123456},
        "ThisDN": "7001",
        "ThisDNRole": "Destination",
        "ConnID": "00a1b2c3d4e5f607",
        "CallID": 12,
        "CallType": "Inbound",
        "CallState": "Ok",
        "UserData": {"name": 'Ünï "}'},
    }


def test_an_event_is_numbered_after_encoding() -> None:
    numbered = number_event(encode(ringing()), 77)
    assert decode_event(numbered) == msgspec.structs.replace(ringing(), event_sequence_number=77)


def test_passwords_are_not_shown() -> None:
    for request in REQUESTS:
        sample = full_sample(request)
        if sample.keys() & SECRET_ATTRIBUTES:
            sample["Password"] = "s3cret"
            assert "s3cret" not in repr(decode_request(json.dumps(sample).encode()))


def test_codes_of_state_reports() -> None:
    assert [call_type.code for call_type in enums.CallType] == [0, 1, 2, 3, 4]
    assert [status.code for status in enums.AgentStatus] == [-1, 0, 1, 2, 3, 4]
    assert enums.PartyState.NULL.code == 0
    assert enums.MediaType.VOICE.code == 0


def test_errors_know_their_texts() -> None:
    assert TLibError(54).message == TError.NO_SWITCH.text
    assert TLibError(54).code is TError.NO_SWITCH
    assert TLibError(99999).code == 99999
    assert str(TLibError(53, "ThisDN: missing")) == "53 ThisDN: missing"


def test_request_classes_are_requests() -> None:
    assert all(issubclass(request, Request) for request in REQUESTS)
