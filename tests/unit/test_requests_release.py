"""RequestReleaseCall and RequestClearCall: a call ends once, for both sides."""

import pytest

from kemi.calls.effects import CallEnded, Effect, SendRequest
from kemi.calls.model import CallFact, CallModel
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
def test_a_phone_that_does_not_ring_yet_cannot_be_cancelled_1161(dn: str) -> None:
    model = CallModel()
    run(model, X.invite())
    with pytest.raises(TLibError) as refused:
        ask(model, RequestReleaseCall(this_dn=dn, conn_id=X.connid))
    assert refused.value.code == TError.INCORRECT_OBJECT_STATE
    assert X.connid in model.calls


class TestRinging:
    """The phone is cancelled, and the call is over when it says so."""

    def asked(self, dn: str, *before: CallFact) -> tuple[CallModel, list[Effect]]:
        model = CallModel()
        run(model, X.invite(), X.ringing(), *before)
        request = RequestReleaseCall(this_dn=dn, conn_id=X.connid, reference_id=7, reasons={"why": "no"})
        answer, effects = ask(model, request)
        assert (answer, lines(effects)) == (None, [])
        return model, effects

    def answers(self, effects: list[Effect]) -> list[tuple[str, str]]:
        """DN and name of the events with the ReferenceID."""
        return [(e.this_dn, type(e).__name__) for e in published(effects) if e.reference_id == 7 and e.reasons]

    def test_the_phone_called_declines(self) -> None:
        model, effects = self.asked("1001")
        assert effects == [SendRequest(X.b, "CANCEL", (("X-Kamcti-Answer", "603"),))]
        over = run(model, X.failed(487))
        assert lines(over) == [
            "1001 Released Dropped",
            "1002 DestinationBusy Dropped",
            "1002 Released Dropped",
            "1002 OnHook",
            "end",
        ]
        assert self.answers(over) == [("1001", "EventReleased")]

    def test_the_callers_client_gives_up(self) -> None:
        model, effects = self.asked("1002")
        assert effects == [SendRequest(X.b, "CANCEL", (("X-Kamcti-Answer", "487"),))]
        over = run(model, X.failed(487))
        assert lines(over) == ["1002 Released Ok", "1002 OnHook", "1001 Abandoned Ok", "end"]
        assert self.answers(over) == [("1002", "EventReleased")]

    @pytest.mark.parametrize(("dn", "legs"), [("1001", [X.b, X.a]), ("1002", [X.a, X.b])])
    def test_an_answer_that_crosses_is_released_when_it_is_established(self, dn: str, legs: list[str]) -> None:
        model, _ = self.asked(dn)
        assert lines(run(model, X.answered())) == []
        over = run(model, X.confirmed())
        assert [line for line in lines(over) if "Established" in line] == [
            "1002 Established Ok",
            "1001 Established Ok",
        ][:: 1 if dn == "1002" else -1]
        assert sent(over) == [("BYE", leg) for leg in legs]
        assert self.answers(over) == [(dn, "EventReleased")]
        assert not model.calls

    def test_a_phone_that_has_answered_is_not_cancelled(self) -> None:
        model, effects = self.asked("1001", X.answered())
        assert effects == []
        assert self.answers(run(model, X.confirmed())) == [("1001", "EventReleased")]

    @pytest.mark.parametrize(
        ("dn", "event"), [("1001", ("1001", "EventAbandoned")), ("1002", ("1002", "EventReleased"))]
    )
    def test_the_callers_own_cancel_crosses(self, dn: str, event: tuple[str, str]) -> None:
        model, _ = self.asked(dn)
        assert self.answers(run(model, X.cancelled())) == [event]

    def test_a_call_that_the_switch_loses_meanwhile(self) -> None:
        model, _ = self.asked("1001")
        effects: list[Effect] = []
        model.release(X.connid, 1_700_000_009.0, effects)
        assert self.answers(effects) == [("1001", "EventReleased")]

    def test_a_second_request_is_110(self) -> None:
        model, _ = self.asked("1001")
        with pytest.raises(TLibError) as refused:
            ask(model, RequestClearCall(this_dn="1002", conn_id=X.connid))
        assert refused.value.code == TError.REQUEST_IN_PROGRESS


def test_the_dn_of_a_call_that_ended_can_be_used_again() -> None:
    model = established(X)
    ask(model, RequestReleaseCall(this_dn="1001", conn_id=X.connid))
    again = CallFacts(9, caller="1002", caller_is_dn=True)
    effects = run(model, again.invite(), again.ringing())
    assert lines(effects) == ["1002 OffHook", "1002 Dialing Ok", "1001 Ringing Ok"]
    assert not any(isinstance(effect, CallEnded) for effect in effects)
