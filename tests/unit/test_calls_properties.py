"""Whatever the network does to the facts of many calls, every DN's events are a story that makes sense."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from kemi import facts
from kemi.calls.effects import CallEnded, Publish
from kemi.calls.model import CallFact, CallModel
from tests.kit.call_facts import CallFacts, run
from tlib.codec import decode_event, encode
from tlib.events import CallEvent, EventOffHook, EventOnHook

DNS = ("1001", "1002", "1003")

# One letter an event, per DN and ConnID.
LETTERS = {
    "EventDialing": "D",
    "EventRinging": "r",
    "EventEstablished": "E",
    "EventDestinationBusy": "B",
    "EventReleased": "R",
    "EventAbandoned": "A",
}
CALLED = "r(A|E?R)"
CALLING = "D(B|E)?R"
WHOLE = re.compile(f"(({CALLED})|({CALLING}))?")
UNFINISHED = re.compile("(rE?)|(DE?)")


def story(call: CallFacts) -> st.SearchStrategy[list[CallFact]]:
    """The facts of one call as they happen; what the network does to them comes later."""
    rings = st.lists(st.sampled_from([180, 183]), max_size=2).map(
        lambda codes: [call.ringing(c) for c in codes]
    )
    ends = st.sampled_from(
        [
            [call.cancelled()],
            [call.failed(486, 17)],
            [call.failed(480, 19)],
            [call.failed(503)],
            [call.bye_from_caller()],
            [call.bye_from_called()],
            [call.answered(), call.confirmed(), call.bye_from_caller(), call.bye_from_called()],
            [call.answered(), call.confirmed(), call.bye_from_called(41)],
            [call.answered(), call.failed(408)],
            [call.answered(), call.confirmed()],
            [facts.Ringing(leg=call.a, code=180), call.cancelled()],
        ]
    )
    return st.tuples(rings, ends).map(lambda parts: [*parts[0], *parts[1]])


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[CallFacts], list[CallFact]]:
    """Several calls and their facts: shuffled, doubled and lost. Only a call's INVITE is always first."""
    calls: list[CallFacts] = []
    mixed: list[tuple[float, CallFact]] = []
    moments = st.floats(0, 1, allow_nan=False)
    for number in range(1, draw(st.integers(1, 5)) + 1):
        internal = draw(st.booleans())
        call = CallFacts(
            number,
            dn=draw(st.sampled_from(DNS)),
            caller=draw(st.sampled_from(DNS)) if internal else "+4930",
            caller_is_dn=internal,
        )
        calls.append(call)
        begins = draw(moments)
        happened = draw(story(call))
        happened = [fact for fact in happened for _ in range(draw(st.sampled_from([1, 1, 1, 0, 2])))]
        shuffled = draw(st.permutations(happened)) if draw(st.booleans()) else happened
        mixed.append((begins, call.invite()))
        times = sorted(draw(st.lists(moments, min_size=len(shuffled), max_size=len(shuffled))))
        mixed += [(begins + moment, fact) for moment, fact in zip(times, shuffled, strict=True)]
        if draw(st.booleans()):
            mixed.append((begins + draw(moments), call.invite()))
    mixed.sort(key=lambda entry: entry[0])
    return calls, [fact for _, fact in mixed]


def letters(model_events: list[Publish], dn: str, connid: str) -> str:
    return "".join(
        LETTERS[type(publish.event).__name__]
        for publish in model_events
        if isinstance(publish.event, CallEvent)
        and publish.event.this_dn == dn
        and publish.event.conn_id == connid
    )


@settings(max_examples=300)
@given(networks())
def test_every_dn_hears_a_story_that_makes_sense(network: tuple[list[CallFacts], list[CallFact]]) -> None:
    calls, happened = network
    model = CallModel()
    effects = run(model, *happened)
    events = [effect for effect in effects if isinstance(effect, Publish)]
    ended = {effect.connid for effect in effects if isinstance(effect, CallEnded)}

    assert all(decode_event(encode(publish.event)) == publish.event for publish in events)
    assert set(model.calls) == {call.connid for call in calls} - ended
    for call in calls:
        if call.caller_is_dn and call.caller == call.dn:
            continue  # a DN that calls itself hears both stories under one ConnID
        for dn in DNS:
            told = letters(events, dn, call.connid)
            grammar = WHOLE if call.connid in ended else re.compile(f"{WHOLE.pattern}|{UNFINISHED.pattern}")
            assert grammar.fullmatch(told), f"{dn}: {told}"
    for dn in DNS:
        hooks = [
            type(p.event) for p in events if p.event.this_dn == dn and not isinstance(p.event, CallEvent)
        ]
        assert all(kind is (EventOffHook, EventOnHook)[i % 2] for i, kind in enumerate(hooks))


@settings(max_examples=200)
@given(networks())
def test_releasing_what_is_left_finishes_every_story(network: tuple[list[CallFacts], list[CallFact]]) -> None:
    calls, happened = network
    model = CallModel()
    effects = run(model, *happened)
    for connid in list(model.calls):
        model.release(connid, 1_700_000_009.0, effects)
    events = [effect for effect in effects if isinstance(effect, Publish)]

    assert not model.calls
    assert [e.connid for e in effects if isinstance(e, CallEnded)].count(calls[0].connid) == 1
    for call in calls:
        if call.caller_is_dn and call.caller == call.dn:
            continue
        for dn in DNS:
            assert WHOLE.fullmatch(letters(events, dn, call.connid))
    for dn in DNS:
        hooks = [p.event for p in events if p.event.this_dn == dn and not isinstance(p.event, CallEvent)]
        assert len(hooks) % 2 == 0


@settings(max_examples=100)
@given(networks())
def test_a_fact_after_the_end_changes_nothing(network: tuple[list[CallFacts], list[CallFact]]) -> None:
    _, happened = network
    model = CallModel()
    ended = {effect.connid for effect in run(model, *happened) if isinstance(effect, CallEnded)}
    late = [fact for fact in happened if _connid(fact) in ended]
    effects = run(model, *late)
    assert len(effects) == len(late)
    assert not any(isinstance(effect, Publish) for effect in effects)


def _connid(fact: CallFact) -> str:
    return fact.connid if isinstance(fact, facts.Invite) else fact.leg.rpartition("-")[0]
