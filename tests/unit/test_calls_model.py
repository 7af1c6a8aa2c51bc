"""What the call model keeps of a call, and how it lets go of one."""

import functools

import pytest

from kemi import facts
from kemi.calls.call import Call
from kemi.calls.effects import CallChanged, CallEnded, Effect, Inconsistency, Oddity
from kemi.calls.events import EventWriter
from kemi.calls.leg import Leg
from kemi.calls.model import REMEMBERED_LEGS, CallFact, CallModel
from kemi.calls.party import Input, Party, State
from tests.kit.call_facts import CallFacts, lines, run
from tlib.enums import CallType, DNRole

X = CallFacts()
INTERNAL = CallFacts(caller="1002", caller_is_dn=True)


def called_leg(model: CallModel, call: CallFacts) -> Leg:
    made = model.call(call.connid)
    assert made is not None
    leg = made.parties[1].leg
    assert leg is not None
    return leg


def released(model: CallModel, call: CallFacts) -> list[str]:
    effects: list[Effect] = []
    model.release(call.connid, 1_700_000_002.0, effects)
    return lines(effects)


def test_each_leg_knows_its_dialog_and_its_peer() -> None:
    model = CallModel()
    run(model, X.invite(), X.ringing(), X.answered())
    leg = called_leg(model, X)
    assert (leg.id, leg.peer, leg.since) == (X.b, X.a, X.invite().time)
    assert (leg.dialog.remote_tag, leg.dialog.remote_target) == ("to-tag", "sip:1001@192.0.2.2:5060")
    assert leg.dialog.route_set == "<sip:192.0.2.3;lr>"
    assert leg.dialog.call_id == X.invite().leg_b.call_id


def test_a_second_answer_does_not_change_the_dialog() -> None:
    model = CallModel()
    run(model, X.invite(), X.answered())
    fork = facts.Answered(leg=X.b, remote_tag="other", remote_target="sip:other@192.0.2.4")
    run(model, fork)
    assert called_leg(model, X).dialog.remote_tag == "to-tag"


def test_a_target_refresh_moves_the_leg() -> None:
    model = CallModel()
    run(model, X.invite(), X.answered(), X.confirmed())
    effects = run(model, facts.Target(leg=X.b, remote_target="sip:1001@192.0.2.7:5062"))
    assert effects == [CallChanged(X.connid, legs=True)]
    assert called_leg(model, X).dialog.remote_target == "sip:1001@192.0.2.7:5062"


def test_each_change_of_live_state_is_said() -> None:
    model = CallModel()

    def changed(fact: CallFact) -> CallChanged | None:
        said = [effect for effect in run(model, fact) if isinstance(effect, CallChanged)]
        return functools.reduce(CallChanged.and_, said) if said else None

    assert changed(X.invite()) == CallChanged(X.connid, call=True, legs=True)
    assert changed(X.ringing()) == CallChanged(X.connid)
    assert changed(X.ringing()) is None
    assert changed(X.answered()) == CallChanged(X.connid, legs=True)
    assert changed(X.confirmed()) == CallChanged(X.connid)
    assert run(model, X.bye_from_caller())[-1] == CallEnded(X.connid)


def test_trace_names_each_change_of_state_once() -> None:
    seen: list[tuple[str, Input, State, State]] = []
    model = CallModel(
        trace=lambda party, what, before: seen.append((party.number, what, before, party.state))
    )
    run(model, INTERNAL.invite(), INTERNAL.ringing(), INTERNAL.ringing(), INTERNAL.failed(486))
    assert seen == [
        ("1002", Input.DIALS, State.NULL, State.DIALING),
        ("1001", Input.INVITED, State.NULL, State.OFFERED),
        ("1001", Input.RINGS, State.OFFERED, State.ALERTING),
        ("1002", Input.FAR_FAILED, State.DIALING, State.ENDED),
        ("1001", Input.FAILED, State.ALERTING, State.ENDED),
    ]


@pytest.mark.parametrize(
    ("happened", "expected"),
    [
        ([], ["1002 Released SystemError", "1002 OnHook", "end"]),
        (
            [INTERNAL.ringing()],
            ["1002 Released SystemError", "1002 OnHook", "1001 Released SystemError", "end"],
        ),
        (
            [INTERNAL.ringing(), INTERNAL.confirmed()],
            [
                "1002 Released SystemError",
                "1002 OnHook",
                "1001 Released SystemError",
                "1001 OnHook",
                "end",
            ],
        ),
    ],
)
def test_a_lost_call_is_released_on_every_dn_that_was_told_of_it(
    happened: list[facts.Ringing | facts.Confirmed], expected: list[str]
) -> None:
    model = CallModel()
    run(model, INTERNAL.invite(), *happened)
    assert released(model, INTERNAL) == expected
    assert not model.calls
    assert released(model, INTERNAL) == []


def test_a_call_that_cannot_even_be_released_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    model = CallModel()
    run(model, INTERNAL.invite(), INTERNAL.ringing(), INTERNAL.confirmed())

    def broken(*_: object) -> None:
        raise ValueError("a fault of the model")

    with monkeypatch.context() as patch:
        patch.setattr(EventWriter, "carry_out", broken)
        with pytest.raises(ValueError, match="a fault"):
            released(model, INTERNAL)
    effects: list[Effect] = []
    model.forget(INTERNAL.connid, effects)
    assert effects == [CallEnded(INTERNAL.connid)]
    assert not model.calls
    # Nothing of it is left in the hook states: the next call lifts the phone again.
    again = CallFacts(2)
    assert "1001 OffHook" in lines(run(model, again.invite(), again.ringing(), again.confirmed()))
    model.forget("0123456789abcdef", effects)
    assert len(effects) == 1


def test_connid_of_a_fact() -> None:
    model = CallModel()
    assert model.connid_of(X.invite()) is None
    assert model.connid_of(X.ringing()) is None
    run(model, X.invite())
    assert model.connid_of(X.invite()) == model.connid_of(X.ringing()) == X.connid


def test_a_call_of_an_earlier_run_ends_as_any_other() -> None:
    model = CallModel()
    parties = [
        Party(X.connid, "+4930", DNRole.ORIGINATION, False, 1.0, state=State.CONNECTED),
        Party(X.connid, "1001", DNRole.DESTINATION, True, 1.0, state=State.CONNECTED),
        Party(X.connid, "1003", DNRole.DESTINATION, True, 1.0, state=State.ALERTING),
    ]
    parties[1].leg = Leg(X.invite().leg_b, X.a, 1.0)
    model.restore(Call(X.connid, "U" * 32, CallType.INBOUND, "+4930", "8001", 1.0, parties=parties))
    assert model.connid_of(X.ringing()) == X.connid
    assert released(model, X) == [
        "1001 Released SystemError",
        "1001 OnHook",
        "1003 Released SystemError",
        "end",
    ]


def test_the_memory_of_ended_calls_is_bounded() -> None:
    model = CallModel()
    for number in range(1, REMEMBERED_LEGS // 2 + 2):
        call = CallFacts(number)
        run(model, call.invite(), call.cancelled())
    assert not model.calls
    oldest, newest = CallFacts(1), CallFacts(REMEMBERED_LEGS // 2 + 1)
    kinds = [
        e.kind for e in run(model, oldest.cancelled(), newest.cancelled()) if isinstance(e, Inconsistency)
    ]
    assert kinds == [Oddity.UNKNOWN_LEG, Oddity.LATE]
