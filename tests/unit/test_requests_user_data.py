"""Attach, update and delete user data: EventAttachedDataChanged on every party's DN, and in every later event."""

import pytest

from kemi.calls.effects import CallChanged
from kemi.calls.model import CallModel
from kemi.requests.asked import REASONS_LIMIT
from kemi.requests.user_data import USER_DATA_LIMIT
from tests.kit.call_facts import CallFacts, ask, published, run
from tlib.codec import MAX_MESSAGE, encode
from tlib.enums import CallType, DNRole
from tlib.errors import TError, TLibError
from tlib.events import CallEvent, EventAttachedDataChanged, EventReleased
from tlib.requests import (
    CallRequest,
    RequestAttachUserData,
    RequestDeletePair,
    RequestDeleteUserData,
    RequestUpdateUserData,
)

X = CallFacts(caller="1002", caller_is_dn=True)
INBOUND = CallFacts(2)


@pytest.fixture
def model() -> CallModel:
    """An internal and an inbound call, both established."""
    model = CallModel()
    for call in (X, INBOUND):
        run(model, call.invite(), call.ringing(), call.answered(), call.confirmed())
    return model


def changed(model: CallModel, request: CallRequest) -> list[EventAttachedDataChanged]:
    answer, effects = ask(model, request)
    assert answer is None
    assert CallChanged(request.conn_id, call=True) in effects
    events = published(effects)
    assert all(isinstance(event, EventAttachedDataChanged) for event in events)
    return [event for event in events if isinstance(event, EventAttachedDataChanged)]


def attach(model: CallModel, **pairs: str | int) -> list[EventAttachedDataChanged]:
    return changed(model, RequestAttachUserData(this_dn="1001", conn_id=X.connid, user_data=pairs))


def test_every_partys_dn_is_told_and_the_requesters_event_has_the_reference_id(model: CallModel) -> None:
    caller, called = changed(
        model,
        RequestAttachUserData(
            this_dn="1001", conn_id=X.connid, user_data={"language": "de"}, reference_id=5, reasons={"why": 1}
        ),
    )
    assert (caller.this_dn, caller.reference_id, caller.reasons) == ("1002", None, None)
    assert (called.this_dn, called.reference_id, called.reasons) == ("1001", 5, {"why": 1})
    for event in (caller, called):
        assert event.user_data == {"language": "de"}
        assert (event.third_party_dn, event.third_party_dn_role) == ("1001", DNRole.DESTINATION)
        assert (event.conn_id, event.call_type, event.call_uuid) == (X.connid, CallType.INTERNAL, f"{1:032d}")
    assert (caller.other_dn, called.other_dn) == ("1001", "1002")


def test_a_party_outside_is_told_nothing(model: CallModel) -> None:
    request = RequestUpdateUserData(this_dn="1001", conn_id=INBOUND.connid, user_data={"k": 1})
    assert [event.this_dn for event in changed(model, request)] == ["1001"]


def test_a_dn_that_does_not_know_of_the_call_learns_the_data_with_it() -> None:
    model = CallModel()
    run(model, X.invite())
    told = changed(model, RequestAttachUserData(this_dn="1002", conn_id=X.connid, user_data={"k": "v"}))
    assert [event.this_dn for event in told] == ["1002"]
    (ringing,) = published(run(model, X.ringing()))
    assert isinstance(ringing, CallEvent)
    assert ringing.user_data == {"k": "v"}


def test_the_requester_is_answered_even_before_his_phone_rings() -> None:
    model = CallModel()
    run(model, X.invite())
    request = RequestAttachUserData(this_dn="1001", conn_id=X.connid, user_data={"k": "v"}, reference_id=4)
    assert [(event.this_dn, event.reference_id) for event in changed(model, request)] == [("1002", None), ("1001", 4)]


def test_a_dn_that_calls_itself_is_told_once() -> None:
    model = CallModel()
    own = CallFacts(caller="1001", caller_is_dn=True)
    run(model, own.invite(), own.ringing())
    assert len(changed(model, RequestDeleteUserData(this_dn="1001", conn_id=own.connid, reference_id=1))) == 1


def test_attached_pairs_are_added_and_take_the_place_of_older_ones(model: CallModel) -> None:
    attach(model, a=1, b="x")
    assert attach(model, b="y", c=3)[0].user_data == {"a": 1, "b": "y", "c": 3}


def test_update_adds_and_replaces(model: CallModel) -> None:
    attach(model, a=1, b="x")
    request = RequestUpdateUserData(this_dn="1002", conn_id=X.connid, user_data={"b": {"deep": 1}, "c": 3})
    assert changed(model, request)[0].user_data == {"a": 1, "b": {"deep": 1}, "c": 3}


@pytest.mark.parametrize(("key", "left"), [("a", {"b": "x"}), ("none", {"a": 1, "b": "x"})])
def test_delete_one_pair(model: CallModel, key: str, left: dict[str, object]) -> None:
    attach(model, a=1, b="x")
    (_, event) = changed(model, RequestDeletePair(this_dn="1001", conn_id=X.connid, key=key, reference_id=6))
    assert (event.user_data, event.reference_id) == (left, 6)


def test_delete_all_tells_an_empty_list(model: CallModel) -> None:
    attach(model, a=1)
    (_, event) = changed(model, RequestDeleteUserData(this_dn="1001", conn_id=X.connid))
    assert event.user_data == {}
    assert b'"UserData":{}' in encode(event)


def test_every_later_event_of_the_call_has_the_data(model: CallModel) -> None:
    attach(model, language="de")
    released = [event for event in published(run(model, X.bye_from_caller())) if isinstance(event, EventReleased)]
    assert [(event.this_dn, event.user_data) for event in released] == [
        ("1002", {"language": "de"}),
        ("1001", {"language": "de"}),
    ]


@pytest.mark.parametrize(
    "request_",
    [
        RequestAttachUserData(this_dn="1009", conn_id=X.connid, user_data={}),
        RequestUpdateUserData(this_dn="1001", conn_id="00000000000000ff", user_data={}),
        RequestDeletePair(this_dn="1002", conn_id=INBOUND.connid, key="k"),
        RequestDeleteUserData(this_dn=INBOUND.caller[1:], conn_id=INBOUND.connid),
    ],
)
def test_a_call_that_is_none_of_the_dn_is_56(model: CallModel, request_: CallRequest) -> None:
    with pytest.raises(TLibError) as refused:
        ask(model, request_)
    assert refused.value.code == TError.INVALID_CONN_ID


def test_a_call_that_has_ended_is_56(model: CallModel) -> None:
    run(model, X.bye_from_called())
    with pytest.raises(TLibError) as refused:
        attach(model, a=1)
    assert refused.value.code == TError.INVALID_CONN_ID


def test_more_than_an_event_can_hold_is_53_and_names_the_key(model: CallModel) -> None:
    half = "x" * (USER_DATA_LIMIT // 2)
    attach(model, first=half)
    with pytest.raises(TLibError) as refused:
        attach(model, small=1, second=half)
    assert refused.value.code == TError.INVALID_ATTRIBUTE
    assert refused.value.message.startswith("UserData.second: ")
    # What was refused has left no trace, and the place of what is there can be taken.
    (event, _) = attach(model, first=half[1:])
    assert event.user_data == {"first": half[1:]}


def test_the_longest_event_of_a_call_fits_into_a_message() -> None:
    model = CallModel()
    caller = "\x01" * 256  # six bytes each in JSON
    call = CallFacts(caller=caller, dialled=caller)
    run(model, call.invite(), call.ringing())
    reasons = {"r": "x" * (REASONS_LIMIT - 8)}
    data = {"k": "x" * (USER_DATA_LIMIT - 8)}
    (event,) = changed(
        model, RequestAttachUserData(this_dn="1001", conn_id=call.connid, user_data=data, reasons=reasons)
    )
    abandoned = published(run(model, call.cancelled()))[0]
    for each in (event, abandoned):
        assert USER_DATA_LIMIT < len(encode(each)) < MAX_MESSAGE - 100


def test_reasons_that_the_event_cannot_repeat_are_53(model: CallModel) -> None:
    request = RequestDeleteUserData(this_dn="1001", conn_id=X.connid, reasons={"r": "x" * REASONS_LIMIT})
    with pytest.raises(TLibError, match="Reasons: longer"):
        ask(model, request)


def test_a_key_with_the_character_that_no_string_can_hold_is_named(model: CallModel) -> None:
    with pytest.raises(TLibError, match=r"UserData\.deep\.key: contains the character U\+0000") as refused:
        attach(model, deep={"key": "a\0b"})  # type: ignore[arg-type]
    assert refused.value.code == TError.INVALID_ATTRIBUTE
