"""Calls from a trunk or a DN to an extension, fact by fact: which DN is told what, in which order."""

import pytest

from kemi import facts
from kemi.calls.model import CallModel
from tests.kit.call_facts import CallFacts, lines, run

X = CallFacts()
"""A customer on a trunk calls extension 1001."""
I = CallFacts(caller="1002", caller_is_dn=True, dialled="1001")  # noqa: E741
"""Extension 1002 calls extension 1001."""

Step = tuple[object, list[str]]

SCENARIOS: dict[str, list[Step]] = {
    "inbound, answered, caller hangs up": [
        (X.invite(), []),
        (X.ringing(), ["1001 Ringing Ok"]),
        (X.answered(), []),
        (X.confirmed(), ["1001 OffHook", "1001 Established Ok"]),
        (X.bye_from_caller(), ["1001 Released Ok", "1001 OnHook", "end"]),
    ],
    "inbound, answered, agent hangs up": [
        (X.invite(), []),
        (X.ringing(183), ["1001 Ringing Ok"]),
        (X.answered(), []),
        (X.confirmed(), ["1001 OffHook", "1001 Established Ok"]),
        (X.bye_from_called(), ["1001 Released Ok", "1001 OnHook", "end"]),
    ],
    "inbound, the phone answers without ringing": [
        (X.invite(), []),
        (X.answered(), []),
        (X.confirmed(), ["1001 Ringing Ok", "1001 OffHook", "1001 Established Ok"]),
        (X.bye_from_called(), ["1001 Released Ok", "1001 OnHook", "end"]),
    ],
    "inbound, early media and then ringing": [
        (X.invite(), []),
        (X.ringing(183), ["1001 Ringing Ok"]),
        (X.ringing(180), []),
        (X.cancelled(), ["1001 Abandoned Ok", "end"]),
    ],
    "inbound, abandoned while ringing": [
        (X.invite(), []),
        (X.ringing(), ["1001 Ringing Ok"]),
        (X.cancelled(), ["1001 Abandoned Ok", "end"]),
    ],
    "inbound, abandoned before ringing": [(X.invite(), []), (X.cancelled(), ["end"])],
    "inbound, busy": [(X.invite(), []), (X.failed(486, 17), ["end"])],
    "inbound, all trunks down": [(X.invite(), []), (X.failed(503), ["end"])],
    "inbound, no answer": [
        (X.invite(), []),
        (X.ringing(), ["1001 Ringing Ok"]),
        (X.failed(480, 19), ["1001 Released NoAnswer", "end"]),
    ],
    "inbound, rejected while ringing": [
        (X.invite(), []),
        (X.ringing(), ["1001 Ringing Ok"]),
        (X.failed(603, 21), ["1001 Released Dropped", "end"]),
    ],
    "inbound, caller's BYE while ringing": [
        (X.invite(), []),
        (X.ringing(), ["1001 Ringing Ok"]),
        (X.bye_from_caller(), ["1001 Abandoned Ok", "end"]),
    ],
    "inbound, the media broke": [
        (X.invite(), []),
        (X.ringing(), ["1001 Ringing Ok"]),
        (X.answered(), []),
        (X.confirmed(), ["1001 OffHook", "1001 Established Ok"]),
        (X.bye_from_called(41), ["1001 Released GeneralError", "1001 OnHook", "end"]),
    ],
    "inbound, never acknowledged": [
        (X.invite(), []),
        (X.ringing(), ["1001 Ringing Ok"]),
        (X.answered(), []),
        (X.bye_from_called(), ["1001 Released Ok", "end"]),
    ],
    "internal, answered, caller hangs up": [
        (I.invite(), ["1002 OffHook", "1002 Dialing Ok"]),
        (I.ringing(), ["1001 Ringing Ok"]),
        (I.answered(), []),
        (I.confirmed(), ["1002 Established Ok", "1001 OffHook", "1001 Established Ok"]),
        (I.bye_from_caller(), ["1002 Released Ok", "1002 OnHook", "1001 Released Ok", "1001 OnHook", "end"]),
    ],
    "internal, answered, called party hangs up": [
        (I.invite(), ["1002 OffHook", "1002 Dialing Ok"]),
        (I.ringing(), ["1001 Ringing Ok"]),
        (I.answered(), []),
        (I.confirmed(), ["1002 Established Ok", "1001 OffHook", "1001 Established Ok"]),
        (I.bye_from_called(), ["1002 Released Ok", "1002 OnHook", "1001 Released Ok", "1001 OnHook", "end"]),
    ],
    "internal, cleared before ringing": [
        (I.invite(), ["1002 OffHook", "1002 Dialing Ok"]),
        (I.cancelled(), ["1002 Released Ok", "1002 OnHook", "end"]),
    ],
    "internal, cleared while ringing": [
        (I.invite(), ["1002 OffHook", "1002 Dialing Ok"]),
        (I.ringing(), ["1001 Ringing Ok"]),
        (I.cancelled(), ["1002 Released Ok", "1002 OnHook", "1001 Abandoned Ok", "end"]),
    ],
    "internal, busy": [
        (I.invite(), ["1002 OffHook", "1002 Dialing Ok"]),
        (I.failed(486, 17), ["1002 DestinationBusy Busy", "1002 Released Busy", "1002 OnHook", "end"]),
    ],
    "internal, unreachable": [
        (I.invite(), ["1002 OffHook", "1002 Dialing Ok"]),
        (
            I.failed(408),
            ["1002 DestinationBusy GeneralError", "1002 Released GeneralError", "1002 OnHook", "end"],
        ),
    ],
    "internal, all trunks down": [
        (I.invite(), ["1002 OffHook", "1002 Dialing Ok"]),
        (
            I.failed(503),
            ["1002 DestinationBusy AllTrunksBusy", "1002 Released AllTrunksBusy", "1002 OnHook", "end"],
        ),
    ],
    "internal, no answer": [
        (I.invite(), ["1002 OffHook", "1002 Dialing Ok"]),
        (I.ringing(), ["1001 Ringing Ok"]),
        (I.failed(408), ["1002 Released NoAnswer", "1002 OnHook", "1001 Released NoAnswer", "end"]),
    ],
    "internal, rejected while ringing": [
        (I.invite(), ["1002 OffHook", "1002 Dialing Ok"]),
        (I.ringing(), ["1001 Ringing Ok"]),
        (
            I.failed(486, 21),
            [
                "1002 DestinationBusy Dropped",
                "1002 Released Dropped",
                "1002 OnHook",
                "1001 Released Dropped",
                "end",
            ],
        ),
    ],
}

OUT_OF_ORDER: dict[str, list[Step]] = {
    "ringing after answered": [
        (X.invite(), []),
        (X.answered(), []),
        (X.ringing(), []),
        (X.confirmed(), ["1001 Ringing Ok", "1001 OffHook", "1001 Established Ok"]),
    ],
    "ringing after confirmed": [
        (X.invite(), []),
        (X.answered(), []),
        (X.confirmed(), ["1001 Ringing Ok", "1001 OffHook", "1001 Established Ok"]),
        (X.ringing(), []),
    ],
    "answered after confirmed": [
        (X.invite(), []),
        (X.ringing(), ["1001 Ringing Ok"]),
        (X.confirmed(), ["1001 OffHook", "1001 Established Ok"]),
        (X.answered(), []),
        (X.bye_from_called(), ["1001 Released Ok", "1001 OnHook", "end"]),
    ],
    "confirmed after bye": [
        (X.invite(), []),
        (X.ringing(), ["1001 Ringing Ok"]),
        (X.answered(), []),
        (X.bye_from_caller(), ["1001 Released Ok", "end"]),
        (X.confirmed(), ["! late"]),
    ],
    "failed after cancelled": [
        (X.invite(), []),
        (X.ringing(), ["1001 Ringing Ok"]),
        (X.cancelled(), ["1001 Abandoned Ok", "end"]),
        (X.failed(487), ["! late"]),
    ],
    "both hang up": [
        (X.invite(), []),
        (X.ringing(), ["1001 Ringing Ok"]),
        (X.confirmed(), ["1001 OffHook", "1001 Established Ok"]),
        (X.bye_from_caller(), ["1001 Released Ok", "1001 OnHook", "end"]),
        (X.bye_from_called(), ["! late"]),
    ],
    "everything twice": [
        (X.invite(), []),
        (X.invite(), ["! duplicate"]),
        (X.ringing(), ["1001 Ringing Ok"]),
        (X.ringing(), []),
        (X.answered(), []),
        (X.answered(), []),
        (X.confirmed(), ["1001 OffHook", "1001 Established Ok"]),
        (X.confirmed(), []),
        (X.bye_from_caller(), ["1001 Released Ok", "1001 OnHook", "end"]),
        (X.bye_from_caller(), ["! late"]),
        (X.invite(), ["! duplicate"]),
    ],
    "a leg of no call": [(X.ringing(), ["! unknown_leg"]), (X.bye_from_caller(), ["! unknown_leg"])],
    "the caller's leg rings": [
        (X.invite(), []),
        (facts.Ringing(leg=X.a, code=180), ["! unexpected"]),
        (facts.Failed(leg=X.a, code=486), ["! unexpected"]),
        (X.ringing(), ["1001 Ringing Ok"]),
    ],
}


@pytest.mark.parametrize("name", [*SCENARIOS, *OUT_OF_ORDER])
def test_scenario(name: str) -> None:
    model = CallModel()
    for fact, expected in {**SCENARIOS, **OUT_OF_ORDER}[name]:
        assert lines(run(model, fact)) == expected, f"{name}: {fact}"


@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_is_left_of_a_call_that_ended(name: str) -> None:
    model = CallModel()
    run(model, *[fact for fact, _ in SCENARIOS[name]])
    assert not model.calls
    assert run(model, *[fact for fact, _ in SCENARIOS[name][1:]])
    assert not model.calls


@pytest.mark.parametrize("name", SCENARIOS)
def test_without_hook_events_everything_else_is_the_same(name: str) -> None:
    model = CallModel(hook_events=False)
    for fact, expected in SCENARIOS[name]:
        assert lines(run(model, fact)) == [line for line in expected if not line.endswith("Hook")]
