"""The party table: every pair of state and input."""

import itertools

import pytest

from kemi.calls.party import TRANSITIONS, Action, Input, State

ENDING = {Input.FAILED, Input.CANCELLED, Input.LEAVES, Input.FAR_LEFT, Input.LOST}
CALLED = (State.OFFERED, State.PICKED_UP, State.ALERTING, State.ANSWERED)
TOLD_OF_THE_CALL = {State.DIALING, State.ALERTING, State.ANSWERED, State.CONNECTED}
IN_THE_CALL = {*CALLED, State.DIALING, State.CONNECTED}
RELEASING = {Action.RELEASE, Action.ABANDON, Action.REFUSE}


@pytest.mark.parametrize(("state", "what"), list(itertools.product(State, Input)))
def test_pair(state: State, what: Input) -> None:
    transition = TRANSITIONS.get((state, what))
    if transition is None:
        assert state is State.ENDED or (state, what) not in {(s, i) for s in CALLED for i in ENDING}
        return
    action, after = transition
    if after is State.ENDED:
        # Whoever was told of a call is told of its end; whoever was not is not.
        assert (action in RELEASING) == (state in TOLD_OF_THE_CALL)
    else:
        assert action not in RELEASING
    told_before, told_after = state in TOLD_OF_THE_CALL, after in TOLD_OF_THE_CALL
    if told_after and not told_before:
        assert action in {Action.DIAL, Action.RING, Action.RING_AND_ESTABLISH}
    if after is state:
        assert action is Action.NOTHING


def test_nothing_happens_to_a_party_that_has_left() -> None:
    assert not [pair for pair in TRANSITIONS if pair[0] is State.ENDED]


@pytest.mark.parametrize("state", [state for state in State if state in IN_THE_CALL])
def test_a_lost_call_ends_from_every_state(state: State) -> None:
    assert TRANSITIONS[state, Input.LOST][1] is State.ENDED


@pytest.mark.parametrize("state", State)
def test_every_state_is_reported_as_one_of_t_library(state: State) -> None:
    assert (state.reported.value == "Null") == (state in {State.NULL, State.ENDED})
