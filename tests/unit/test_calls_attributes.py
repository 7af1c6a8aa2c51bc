"""The attributes of call events, checked on whole events."""

import msgspec
import pytest

from kemi.calls.model import CallModel
from tests.kit.call_facts import CUSTOMER, SERVICE, CallFacts, published, run
from tlib.attributes import Time
from tlib.codec import decode_event, encode
from tlib.enums import CallState, CallType, DNRole
from tlib.events import (
    CallEvent,
    EventDestinationBusy,
    EventDialing,
    EventEstablished,
    EventOffHook,
    EventOnHook,
    EventReleased,
    EventRinging,
)

INBOUND = CallFacts()
INTERNAL = CallFacts(caller="1002", caller_is_dn=True, dialled="8001")


def answered_and_released(call: CallFacts, model: CallModel | None = None) -> list[object]:
    happened = (call.invite(), call.ringing(), call.answered(), call.confirmed(), call.bye_from_caller())
    return list(published(run(model or CallModel(), *happened)))


def test_an_inbound_call_tells_the_called_dn_everything() -> None:
    common = {
        "time": Time(time_in_secs=1_700_000_001, time_in_usecs=500_000),
        "this_dn": "1001",
        "this_dn_role": DNRole.DESTINATION,
        "conn_id": INBOUND.connid,
        "call_id": int(INBOUND.connid, 16) & 0x7FFFFFFF,
        "call_uuid": f"{1:032d}",
        "call_type": CallType.INBOUND,
        "call_state": CallState.OK,
        "other_dn": CUSTOMER,
        "other_dn_role": DNRole.ORIGINATION,
        "other_trunk": "PSTN",
        "ani": CUSTOMER,
        "dnis": SERVICE,
    }
    hook = {key: common[key] for key in ("time", "this_dn", "conn_id", "call_id", "call_uuid")}
    assert answered_and_released(INBOUND) == [
        EventRinging(**common),
        EventOffHook(**hook),
        EventEstablished(**common),
        EventReleased(**common),
        EventOnHook(**hook),
    ]


def test_an_internal_call_has_a_side_for_each_dn() -> None:
    events = [event for event in answered_and_released(INTERNAL) if isinstance(event, CallEvent)]
    seen = [(type(e), e.this_dn, e.this_dn_role, e.other_dn, e.other_dn_role) for e in events]
    caller, called = DNRole.ORIGINATION, DNRole.DESTINATION
    assert seen == [
        (EventDialing, "1002", caller, "8001", called),  # the number as dialled
        (EventRinging, "1001", called, "1002", caller),
        (EventEstablished, "1002", caller, "1001", called),
        (EventEstablished, "1001", called, "1002", caller),
        (EventReleased, "1002", caller, "1001", called),
        (EventReleased, "1001", called, "1002", caller),
    ]
    assert {e.call_type for e in events} == {CallType.INTERNAL}
    assert {(e.ani, e.dnis, e.other_trunk) for e in events} == {("1002", "8001", None)}


def test_attached_data_are_in_every_call_event() -> None:
    model = CallModel()
    run(model, INTERNAL.invite())
    call = model.call(INTERNAL.connid)
    assert call is not None
    call.user_data = {"customer": "4711"}
    events = published(run(model, INTERNAL.ringing(), INTERNAL.confirmed(), INTERNAL.bye_from_called()))
    assert {e.user_data["customer"] for e in events if isinstance(e, CallEvent) and e.user_data} == {"4711"}
    assert all(e.user_data for e in events if isinstance(e, CallEvent))


def test_a_withheld_number_leaves_other_dn_and_ani_out() -> None:
    (event,) = published(run(CallModel(), (call := CallFacts(caller="")).invite(), call.ringing()))
    assert isinstance(event, EventRinging)
    assert (event.ani, event.other_dn, event.other_dn_role) == (None, None, None)
    assert event.other_trunk == "PSTN"


def test_an_endless_number_is_cut_to_what_an_attribute_holds() -> None:
    (event,) = published(run(CallModel(), (call := CallFacts(caller="9" * 1000)).invite(), call.ringing()))
    assert decode_event(encode(event)) == event


@pytest.mark.parametrize(
    ("caller_is_dn", "dn_is_internal", "expected"),
    [
        (False, True, CallType.INBOUND),
        (True, True, CallType.INTERNAL),
        (True, False, CallType.OUTBOUND),
        (False, False, CallType.UNKNOWN),
    ],
)
def test_call_type(caller_is_dn: bool, dn_is_internal: bool, expected: CallType) -> None:
    model = CallModel()
    run(model, (call := CallFacts(caller_is_dn=caller_is_dn, dn_is_internal=dn_is_internal)).invite())
    made = model.call(call.connid)
    assert made is not None
    assert made.type is expected


def test_an_external_destination_is_told_nothing() -> None:
    call = CallFacts(
        caller="1002", caller_is_dn=True, dn="+4989999", dialled="+4989999", dn_is_internal=False
    )
    events = answered_and_released(call)
    assert {e.this_dn for e in events} == {"1002"}
    established = events[2]
    assert isinstance(established, EventEstablished)
    assert (established.other_dn, established.other_trunk) == ("+4989999", "CUCM")


def test_the_cause_of_a_failure_is_in_both_events_of_the_caller() -> None:
    busy, released = published(run(CallModel(hook_events=False), INTERNAL.invite(), INTERNAL.failed(404)))[1:]
    assert isinstance(busy, EventDestinationBusy)
    assert isinstance(released, EventReleased)
    assert busy.call_state is released.call_state is CallState.SIT_INVALIDNUM


def test_call_id_is_never_zero() -> None:
    model = CallModel()
    invite = msgspec.structs.replace(INBOUND.invite(), connid="00000000" + "80000000")
    (event,) = published(run(model, invite, INBOUND.ringing()))
    assert isinstance(event, EventRinging)
    assert event.call_id == 1


@pytest.mark.parametrize("call", [INBOUND, INTERNAL])
def test_every_event_is_a_valid_message(call: CallFacts) -> None:
    for event in answered_and_released(call):
        assert decode_event(encode(event)) == event


def test_two_calls_of_one_dn_share_its_hook_state() -> None:
    first, second = CallFacts(1), CallFacts(2)
    model = CallModel()

    def hooks(*happened: object) -> list[str]:
        return [type(e).__name__ for e in published(run(model, *happened)) if "Hook" in type(e).__name__]

    assert hooks(first.invite(), first.ringing(), first.confirmed()) == ["EventOffHook"]
    assert hooks(second.invite(), second.ringing(), second.confirmed()) == []
    assert hooks(first.bye_from_caller()) == []
    assert hooks(second.bye_from_caller()) == ["EventOnHook"]


def test_hook_events_can_be_turned_off_during_a_call() -> None:
    model = CallModel()
    run(model, INBOUND.invite(), INBOUND.ringing(), INBOUND.confirmed())
    model.set_hook_events(False)
    assert [type(e) for e in published(run(model, INBOUND.bye_from_caller()))] == [EventReleased, EventOnHook]
    assert not any(
        isinstance(e, EventOffHook | EventOnHook) for e in answered_and_released(CallFacts(2), model)
    )
