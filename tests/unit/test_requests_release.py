"""RequestReleaseCall and RequestClearCall: an established call ends once, for both sides."""

import pytest

from kemi.calls.effects import CallEnded, Effect, SendRequest
from kemi.calls.model import CallModel
from tests.kit.call_facts import CallFacts, ask, lines, published, run
from tlib.enums import CallState
from tlib.errors import TError, TLibError
from tlib.events import EventReleased
from tlib.requests import RequestClearCall, RequestReleaseCall

X = CallFacts(caller="1002", caller_is_dn=True)
INBOUND = CallFacts(2)


def established(call: CallFacts) -> CallModel:
    model = CallModel()
    run(model, call.invite(), call.ringing(), call.answered(), call.confirmed())
    return model


def sent(effects: list[Effect]) -> list[tuple[str, str]]:
    return [(effect.method, effect.leg) for effect in effects if isinstance(effect, SendRequest)]


@pytest.mark.parametrize("kind", [RequestReleaseCall, RequestClearCall])
@pytest.mark.parametrize(("dn", "other", "legs"), [("1001", "1002", (X.b, X.a)), ("1002", "1001", (X.a, X.b))])
def test_the_requesters_dn_first_then_the_other_side(
    kind: type[RequestReleaseCall | RequestClearCall], dn: str, other: str, legs: tuple[str, str]
) -> None:
    model = established(X)
    answer, effects = ask(model, kind(this_dn=dn, conn_id=X.connid, reference_id=7, reasons={"why": "done"}))
    assert answer is None
    assert lines(effects) == [f"{dn} Released Ok", f"{dn} OnHook", f"{other} Released Ok", f"{other} OnHook", "end"]
    own, others = (event for event in published(effects) if isinstance(event, EventReleased))
    assert (own.reference_id, own.reasons, own.call_state) == (7, {"why": "done"}, CallState.OK)
    assert (others.reference_id, others.reasons, others.other_dn) == (None, None, dn)
    assert sent(effects) == [("BYE", leg) for leg in legs]
    assert not model.calls


def test_the_party_outside_gets_its_bye_too() -> None:
    _, effects = ask(established(INBOUND), RequestReleaseCall(this_dn="1001", conn_id=INBOUND.connid))
    assert lines(effects) == ["1001 Released Ok", "1001 OnHook", "end"]
    assert sent(effects) == [("BYE", INBOUND.b), ("BYE", INBOUND.a)]


def test_a_bye_that_crosses_is_late_and_a_second_request_is_56() -> None:
    model = established(X)
    request = RequestReleaseCall(this_dn="1001", conn_id=X.connid)
    ask(model, request)
    assert lines(run(model, X.bye_from_caller(), X.bye_from_called())) == ["! late", "! late"]
    with pytest.raises(TLibError) as refused:
        ask(model, request)
    assert refused.value.code == TError.INVALID_CONN_ID


def test_a_call_that_an_endpoint_has_ended_is_56() -> None:
    model = established(X)
    run(model, X.bye_from_caller())
    with pytest.raises(TLibError) as refused:
        ask(model, RequestReleaseCall(this_dn="1001", conn_id=X.connid))
    assert refused.value.code == TError.INVALID_CONN_ID


@pytest.mark.parametrize("dn", ["1001", "1002"])
@pytest.mark.parametrize("happened", [(), (X.ringing(),), (X.ringing(), X.answered())])
def test_a_call_that_is_not_established_is_1161(dn: str, happened: tuple[object, ...]) -> None:
    model = CallModel()
    run(model, X.invite(), *happened)  # type: ignore[arg-type]
    with pytest.raises(TLibError) as refused:
        ask(model, RequestReleaseCall(this_dn=dn, conn_id=X.connid))
    assert refused.value.code == TError.INCORRECT_OBJECT_STATE
    assert X.connid in model.calls


def test_the_dn_of_a_call_that_ended_can_be_used_again() -> None:
    model = established(X)
    ask(model, RequestReleaseCall(this_dn="1001", conn_id=X.connid))
    again = CallFacts(9, caller="1002", caller_is_dn=True)
    effects = run(model, again.invite(), again.ringing())
    assert lines(effects) == ["1002 OffHook", "1002 Dialing Ok", "1001 Ringing Ok"]
    assert not any(isinstance(effect, CallEnded) for effect in effects)
