"""How ``kamcti monitor`` and the demo show an event."""

import json
from datetime import datetime

import pytest

from kamcti.monitor import describe
from tests.unit.test_tlib_messages import full_sample
from tlib import enums
from tlib.attributes import Time
from tlib.codec import decode_event
from tlib.events import (
    EVENTS,
    Event,
    EventError,
    EventLinkDisconnected,
    EventRegistered,
    EventReleased,
    EventRinging,
)

WHEN = Time.at(datetime(2026, 1, 2, 10, 11, 12, 345678).timestamp())


def test_a_call_event() -> None:
    event = EventRinging(
        time=WHEN,
        this_dn="7001",
        this_dn_role=enums.DNRole.DESTINATION,
        conn_id="00000000000000a1",
        call_id=1,
        call_type=enums.CallType.INBOUND,
        call_state=enums.CallState.OK,
        other_dn="+49891234",
        other_dn_role=enums.DNRole.ORIGINATION,
        this_queue="8000",
    )
    assert describe(event) == (
        "10:11:12.345 7001     EventRinging             "
        "00000000000000a1 Inbound  Ok with +49891234 (Origination) queue 8000"
    )


def test_a_transfer() -> None:
    event = EventReleased(
        time=WHEN,
        this_dn="7001",
        this_dn_role=enums.DNRole.DESTINATION,
        conn_id="00000000000000a1",
        call_id=1,
        call_type=enums.CallType.INTERNAL,
        call_state=enums.CallState.TRANSFERRED,
        third_party_dn="7002",
        third_party_dn_role=enums.DNRole.DESTINATION,
    )
    assert describe(event).endswith("Internal Transferred third party 7002 (Destination)")


@pytest.mark.parametrize(
    ("extensions", "text"),
    [
        ({"status": 0}, "idle"),
        ({"status": 0, "in-service": 0, "dnd": 1, "fwd": "5"}, "idle out of service do not disturb forwarded to 5"),
        (
            {"conn-1": "00000000000000a1", "ct-1": 2, "ps-1": 5, "conn-2": "00000000000000a2", "ct-2": 99, "ps-2": 7},
            "00000000000000a1 Inbound Connected; 00000000000000a2 99 Held",
        ),
    ],
)
def test_a_state(extensions: dict[str, str | int], text: str) -> None:
    event = EventRegistered(
        time=WHEN,
        this_dn="7001",
        info_type=enums.AddressInfoType.ADDRESS_TYPE,
        info_status="DN",
        extensions=extensions,
    )
    assert describe(event) == f"10:11:12.345 7001     EventRegistered          {text}"


def test_an_error_and_a_loss() -> None:
    error = EventError(time=WHEN, error_code=59, error_message="not configured", this_dn="9999")
    assert describe(error).endswith("9999     EventError               error 59: not configured")
    lost = EventLinkDisconnected(time=WHEN, extensions={"Reason": "the database is away"})
    assert describe(lost).endswith("-        EventLinkDisconnected    the database is away")


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: str(event.__name__))
def test_every_event_is_one_line(event: type[Event]) -> None:
    decoded = decode_event(json.dumps(full_sample(event)).encode())
    assert isinstance(decoded, Event)
    line = describe(decoded)
    assert event.__name__ in line
    assert "\n" not in line
