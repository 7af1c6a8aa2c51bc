"""Requests between the facts of many calls, at any time: every story makes sense, each request is answered once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from kemi.calls.effects import CallEnded, Effect, Publish, SendRequest
from kemi.calls.model import CallFact, CallModel
from kemi.calls.party import State
from tests.kit.call_facts import CallFacts, ask, run
from tests.unit.test_calls_properties import DNS, UNFINISHED, WHOLE, letters, networks
from tlib.codec import decode_event, encode
from tlib.errors import TError, TLibError
from tlib.events import Event, EventOffHook, EventOnHook
from tlib.requests import (
    CallRequest,
    RequestAttachUserData,
    RequestClearCall,
    RequestDeletePair,
    RequestDeleteUserData,
    RequestQueryCall,
    RequestReleaseCall,
    RequestUpdateUserData,
)

KEYS = st.sampled_from(["language", "skill"])
KINDS: list[type[CallRequest]] = [
    *(RequestAttachUserData, RequestUpdateUserData, RequestDeletePair, RequestDeleteUserData),
    *(RequestQueryCall, RequestReleaseCall, RequestClearCall),
]
REFUSALS = (TError.INVALID_CONN_ID, TError.INCORRECT_OBJECT_STATE, TError.REQUEST_IN_PROGRESS)
PAIRS = st.dictionaries(KEYS, st.integers(0, 9), max_size=2)


@st.composite
def requests(draw: st.DrawFn, dn: str, connid: str, reference_id: int) -> CallRequest:
    kind = draw(st.sampled_from(KINDS))
    if kind is RequestDeletePair:
        return RequestDeletePair(this_dn=dn, conn_id=connid, reference_id=reference_id, key=draw(KEYS))
    more = {"user_data": draw(PAIRS)} if kind in (RequestAttachUserData, RequestUpdateUserData) else {}
    return kind(this_dn=dn, conn_id=connid, reference_id=reference_id, **more)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[CallFacts], list[CallFact | CallRequest]]:
    """What the network does, and what clients ask between."""
    calls, happened = draw(networks())
    mixed: list[CallFact | CallRequest] = list(happened)
    for reference_id in range(1, draw(st.integers(0, 8)) + 1):
        place = (draw(st.sampled_from(DNS)), draw(st.sampled_from(calls)).connid, reference_id)
        mixed.insert(draw(st.integers(0, len(mixed))), draw(requests(*place)))
    return calls, mixed


@settings(max_examples=300)
@given(worlds())
def test_every_dn_hears_a_story_that_makes_sense(
    world: tuple[list[CallFacts], list[CallFact | CallRequest]],
) -> None:
    calls, happened = world
    model = CallModel()
    effects: list[Effect] = []
    accepted: list[CallRequest] = []
    for each in happened:
        if not isinstance(each, CallRequest):
            effects += run(model, each)
            continue
        call = model.call(each.conn_id)
        states = {party.state for party in call.parties if party.number == each.this_dn} if call else set()
        came: list[Effect] = []
        refused: TLibError | None = None
        answer: Event | None = None
        try:
            answer, came = ask(model, each)
        except TLibError as error:
            refused = error
        if not states - {State.ENDED}:
            assert refused is not None
            assert refused.code == TError.INVALID_CONN_ID
        if refused is not None:
            assert refused.code in REFUSALS
            continue
        if answer is None:
            accepted.append(each)
        effects += came

    events = [effect for effect in effects if isinstance(effect, Publish)]
    assert all(decode_event(encode(publish.event)) == publish.event for publish in events)
    ended = [effect.connid for effect in effects if isinstance(effect, CallEnded)]
    for request in accepted:
        answers = [publish.event for publish in events if publish.event.reference_id == request.reference_id]
        assert all(event.this_dn == request.this_dn for event in answers)
        released = isinstance(request, RequestReleaseCall | RequestClearCall)
        assert len(answers) == 1 or (not answers and released and request.conn_id not in ended)
    byes = [effect.leg for effect in effects if isinstance(effect, SendRequest) and effect.method == "BYE"]
    assert len(byes) == len(set(byes))
    assert len(ended) == len(set(ended))
    assert set(model.calls) == {call.connid for call in calls} - set(ended)
    for call in calls:
        if call.caller_is_dn and call.caller == call.dn:
            continue  # a DN that calls itself hears both stories under one ConnID
        for dn in DNS:
            told = letters(events, dn, call.connid)
            assert WHOLE.fullmatch(told) or (call.connid not in ended and UNFINISHED.fullmatch(told)), f"{dn}: {told}"
    for dn in DNS:
        hooks = [type(e.event) for e in events if e.event.this_dn == dn and isinstance(e.event, _HOOKS)]
        assert all(kind is _HOOKS[i % 2] for i, kind in enumerate(hooks))


_HOOKS = (EventOffHook, EventOnHook)
