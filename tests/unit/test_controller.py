"""The controller: facts from the queue become one batch of rows, whatever the facts are."""

import json
import time

import pytest

from kemi import facts, rows
from kemi.calls.events import EventWriter
from kemi.calls.model import CallModel
from kemi.controller import BATCH_FACTS, Controller
from kemi.metrics import Metric, Metrics
from kemi.outbox import Outbox
from kemi.requests.table import HANDLERS
from kemi.routing.site import Destination, Site, Trunk
from kemi.wakeup import Poke, Waiter
from tests.kit.call_facts import CallFacts, invite_body, request_fact
from tests.kit.in_memory import MemoryLog, MemoryQueue, MemoryShared, MemoryTable
from tlib.codec import ANSWERED_BY_EVENT
from tlib.requests import (
    Request,
    RequestAttachUserData,
    RequestMakeCall,
    RequestQueryCall,
    RequestReleaseCall,
)

X = CallFacts()
INTERNAL = CallFacts(2, caller="1002", caller_is_dn=True)

SITE = Site(
    name="demo",
    trunks=(
        Trunk(
            dn="PSTN",
            set_id=3,
            destinations=(
                Destination(position=1, host="192.0.2.1", port=5060),
                Destination(position=2, host="192.0.2.2", port=5060, transport="tcp"),
            ),
        ),
    ),
)


class Bench:
    """A controller with everything around it in memory."""

    def __init__(self) -> None:
        self.facts = MemoryQueue()
        self.rows = MemoryQueue()
        self.shared = MemoryShared()
        self.log = MemoryLog()
        self.table = MemoryTable()
        self.metrics = Metrics(self.table)
        self.exits: list[int] = []
        self.sent: list[str] = []
        self.controller = Controller(
            facts_queue=self.facts,
            rows_queue=self.rows,
            waiter=Waiter("controller", self.shared),
            poke_journal=Poke("journal", self.shared),
            outbox=Outbox(self.sent.append, 5059, "secret"),
            metrics=self.metrics,
            log=self.log,
            exit_process=self.exits.append,
        )

    def put(self, fact: facts.Invite | facts.SiteChanged | facts.Request) -> None:
        body = invite_body(fact) if isinstance(fact, facts.Invite) else facts.encode(fact)
        self.facts.put(facts.kind_of(fact), body)

    def handled(self) -> list[rows.Batch]:
        while self.controller.handle_waiting():
            pass
        batches = [rows.decode(*entry) for entry in self.rows.entries]
        self.rows.entries.clear()
        return batches


@pytest.fixture
def bench() -> Bench:
    return Bench()


def names(batch: rows.Batch) -> list[str]:
    return [f"{event.this_dn} {event.name}" for event in batch.events]


def test_what_waits_becomes_one_batch(bench: Bench) -> None:
    bench.put(X.invite())
    bench.facts.put("ringing", f"{X.b} 180")
    bench.put(INTERNAL.invite())
    (batch,) = bench.handled()
    assert names(batch) == ["1001 EventRinging", "1002 EventOffHook", "1002 EventDialing"]
    body = json.loads(bytes(batch.events[0].body))
    assert (body["message"], body["ConnID"], body["OtherDN"]) == ("EventRinging", X.connid, X.caller)
    assert "EventSequenceNumber" not in body
    assert batch.events[0].connid == X.connid
    assert abs(batch.events[0].at - time.time()) < 5
    assert [live.connid for live in batch.calls] == [X.connid, INTERNAL.connid]
    states = [(party.dn, party.state.value) for party in batch.calls[0].parties]
    assert states == [(X.caller, "Dialing"), ("1001", "Alerting")]
    assert bench.metrics.value(Metric.FACTS) == 3
    assert bench.metrics.value(Metric.EVENTS) == 3
    assert bench.metrics.value(Metric.CALLS) == 2


def test_later_batches_say_only_what_has_changed(bench: Bench) -> None:
    bench.put(X.invite())
    assert [(live.call is None, live.legs is None) for live in bench.handled()[0].calls] == [(False, False)]
    bench.facts.put("ringing", f"{X.b} 180")
    assert [(live.call is None, live.legs is None) for live in bench.handled()[0].calls] == [(True, True)]
    bench.facts.put("answered", f"{X.b} tag sip:a@192.0.2.2 ")
    bench.facts.put("confirmed", X.a)
    assert [(live.call is None, live.legs is None) for live in bench.handled()[0].calls] == [(True, False)]
    bench.facts.put("bye", f"{X.a} 16")
    (batch,) = bench.handled()
    assert (batch.calls, batch.ended) == ([], [X.connid])


def test_facts_without_consequence_make_no_batch(bench: Bench) -> None:
    bench.facts.put("ringing", "unknown-leg 180")
    assert bench.handled() == []
    assert bench.metrics.value(Metric.FACTS_UNKNOWN_LEG) == 1
    assert bench.controller.handle_waiting() is False


def test_a_malformed_fact_costs_only_itself(bench: Bench) -> None:
    bench.put(X.invite())
    for kind, body in (("invite", "{"), ("ringing", "x"), ("dance", ""), ("bye", "")):
        bench.facts.put(kind, body)
    bench.facts.put("ringing", f"{X.b} 180")
    (batch,) = bench.handled()
    assert names(batch) == ["1001 EventRinging"]
    assert bench.metrics.value(Metric.FACTS_MALFORMED) == 4


def test_every_oddity_is_counted(bench: Bench) -> None:
    bench.put(X.invite())
    bench.put(X.invite())
    bench.facts.put("ringing", f"{X.a} 180")
    bench.facts.put("cancelled", X.b)
    bench.facts.put("failed", f"{X.b} 487 ")
    bench.facts.put("failed", "nobody 487 ")
    bench.handled()
    counted = {metric: bench.metrics.value(metric) for metric in Metric if metric.startswith("controller.facts.")}
    assert counted == {
        Metric.FACTS_DUPLICATE: 1,
        Metric.FACTS_UNEXPECTED: 1,
        Metric.FACTS_LATE: 1,
        Metric.FACTS_UNKNOWN_LEG: 1,
        Metric.FACTS_MALFORMED: 0,
        Metric.FACTS_UNKNOWN_DESTINATION: 0,
    }


def test_a_fault_of_the_model_ends_that_call_and_no_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.put(X.invite())
    bench.put(INTERNAL.invite())
    bench.handled()
    handle = CallModel.handle

    def faulty(model: CallModel, fact: object, now: float, effects: list[object]) -> None:
        handle(model, fact, now, effects)  # type: ignore[arg-type]
        if getattr(fact, "leg", "") == INTERNAL.b:
            raise ZeroDivisionError("a fault")

    monkeypatch.setattr(CallModel, "handle", faulty)
    bench.facts.put("ringing", f"{INTERNAL.b} 180")
    bench.facts.put("ringing", f"{X.b} 180")
    (batch,) = bench.handled()
    assert names(batch) == [
        "1001 EventRinging",
        "1002 EventReleased",
        "1002 EventOnHook",
        "1001 EventReleased",
        "1001 EventRinging",
    ]
    assert batch.ended == [INTERNAL.connid]
    assert bench.metrics.value(Metric.CALLS_FAILED_IN_MODEL) == 1
    assert bench.metrics.value(Metric.CALLS) == 1


def test_a_call_that_cannot_be_released_either_is_forgotten(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.put(X.invite())
    bench.handled()

    def faulty(*_: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(EventWriter, "carry_out", faulty)
    bench.facts.put("ringing", f"{X.b} 180")
    (batch,) = bench.handled()
    assert (batch.events, batch.ended) == ([], [X.connid])
    assert bench.metrics.value(Metric.CALLS) == 0


def ask(bench: Bench, request: Request, number: int = 12) -> dict[str, object]:
    """The answer to ``request`` in the batch that it makes."""
    bench.put(request_fact(request, number))
    (batch,) = bench.handled()
    ((answered, answer),) = [(row.id, bytes(row.answer)) for row in batch.answers]
    assert answered == number
    return json.loads(answer)


def test_requests_that_are_not_supported_are_refused_and_the_text_says_why(bench: Bench) -> None:
    assert ask(bench, RequestMakeCall(this_dn="1001", other_dn="1002", reference_id=7)) == {
        "message": "EventError",
        "ReferenceID": 7,
        "ErrorCode": 51,
        "ErrorMessage": "RequestMakeCall is not supported by this switch: "
        "it does not set up, answer, hold or move calls",
        "ThisDN": "1001",
    }
    bench.put(facts.Request(id=13, name="RequestFly", body=facts.msgspec.Raw(b"{}")))
    (batch,) = bench.handled()
    assert json.loads(bytes(batch.answers[0].answer)) == {
        "message": "EventError",
        "ErrorCode": 51,
        "ErrorMessage": "RequestFly is not supported by this switch",
    }
    assert bench.metrics.value(Metric.REQUESTS_UNSUPPORTED) == 2


def test_a_request_is_answered_by_its_event_in_the_same_batch_as_the_live_state(bench: Bench) -> None:
    bench.put(INTERNAL.invite())
    bench.facts.put("ringing", f"{INTERNAL.b} 180")
    bench.handled()
    bench.put(
        request_fact(
            RequestAttachUserData(this_dn="1001", conn_id=INTERNAL.connid, user_data={"k": "v"}, reference_id=9)
        )
    )
    (batch,) = bench.handled()
    assert [bytes(row.answer) for row in batch.answers] == [ANSWERED_BY_EVENT]
    assert sorted(names(batch)) == ["1001 EventAttachedDataChanged", "1002 EventAttachedDataChanged"]
    bodies = {event.this_dn: json.loads(bytes(event.body)) for event in batch.events}
    assert bodies["1001"]["ReferenceID"] == 9
    assert "ReferenceID" not in bodies["1002"]
    assert batch.calls[0].call is not None
    assert json.loads(bytes(batch.calls[0].call.user_data)) == {"k": "v"}


def test_a_request_for_a_call_that_has_ended_meanwhile(bench: Bench) -> None:
    bench.put(X.invite())
    bench.facts.put("cancelled", X.b)
    refused = ask(bench, RequestQueryCall(this_dn="1001", conn_id=X.connid, reference_id=3))
    assert (refused["ErrorCode"], refused["ReferenceID"], refused["ConnID"]) == (56, 3, X.connid)
    assert bench.metrics.value(Metric.REQUESTS_REFUSED) == 1


def test_a_fault_while_a_request_is_carried_out_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.put(X.invite())

    def faulty(*_: object) -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setitem(HANDLERS, RequestQueryCall, faulty)
    failed = ask(bench, RequestQueryCall(this_dn="1001", conn_id=X.connid, reference_id=3))
    assert (failed["ErrorCode"], failed["ReferenceID"]) == (52, 3)
    assert bench.metrics.value(Metric.REQUESTS_FAILED_IN_MODEL) == 1


def established(bench: Bench, call: CallFacts) -> None:
    bench.put(call.invite())
    bench.facts.put("ringing", f"{call.b} 180")
    bench.facts.put("answered", f"{call.b} tag sip:a@192.0.2.2 ")
    bench.facts.put("confirmed", call.a)
    bench.handled()


def test_a_released_call_ends_at_once_and_each_leg_gets_a_bye(bench: Bench) -> None:
    established(bench, INTERNAL)
    bench.put(request_fact(RequestReleaseCall(this_dn="1001", conn_id=INTERNAL.connid, reference_id=9)))
    (batch,) = bench.handled()
    assert names(batch) == ["1001 EventReleased", "1001 EventOnHook", "1002 EventReleased", "1002 EventOnHook"]
    assert batch.ended == [INTERNAL.connid]
    assert [bytes(row.answer) for row in batch.answers] == [ANSWERED_BY_EVENT]
    assert [text.split(" ")[1] for text in bench.sent] == [f"sip:{INTERNAL.b}@127.0.0.1", f"sip:{INTERNAL.a}@127.0.0.1"]

    # What the endpoints and the switch say from now on changes nothing.
    bench.facts.put("bye", f"{INTERNAL.a} 16")
    bench.facts.put("result", f"{INTERNAL.b} BYE 200")
    bench.facts.put("result", f"{INTERNAL.a} BYE 408")
    assert bench.handled() == []
    assert bench.metrics.value(Metric.SIP_REQUESTS) == 2
    assert bench.metrics.value(Metric.SIP_REQUESTS_FAILED) == 1


def test_a_fault_in_the_middle_of_a_release_still_ends_the_call(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    established(bench, INTERNAL)
    writes = EventWriter.carry_out
    calls: list[object] = []

    def faulty(*arguments: object) -> None:
        calls.append(arguments)
        if len(calls) == 2:
            raise ZeroDivisionError("a fault")
        writes(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(EventWriter, "carry_out", faulty)
    bench.put(request_fact(RequestReleaseCall(this_dn="1001", conn_id=INTERNAL.connid, reference_id=9)))
    (batch,) = bench.handled()
    assert json.loads(bytes(batch.answers[0].answer))["ErrorCode"] == 52
    assert batch.ended == [INTERNAL.connid]
    assert bench.metrics.value(Metric.CALLS) == 0


def test_trunk_destinations_by_their_place_in_the_configuration(bench: Bench) -> None:
    uri = "sip:192.0.2.2:5060;transport=tcp"
    bench.facts.put("destination", f"{uri} down")
    assert bench.handled() == []  # no configuration yet
    bench.put(facts.SiteChanged(site=SITE))
    (batch,) = bench.handled()
    # What nothing was heard of is up, as the switch takes it.
    assert {(d.trunk, d.position, d.state) for d in batch.destinations} == {("PSTN", 1, "up"), ("PSTN", 2, "down")}
    bench.facts.put("destination", f"{uri} up")
    bench.facts.put("destination", "sip:192.0.2.9:5060;transport=udp up")
    (batch,) = bench.handled()
    assert [(d.trunk, d.position, d.state) for d in batch.destinations] == [("PSTN", 2, "up")]
    assert bench.metrics.value(Metric.FACTS_UNKNOWN_DESTINATION) == 1


def test_hook_events_follow_the_option(bench: Bench) -> None:
    bench.put(facts.SiteChanged(site=Site(options={"hook-events": False})))
    bench.put(INTERNAL.invite())
    (batch,) = bench.handled()
    assert names(batch) == ["1002 EventDialing"]
    bench.put(facts.SiteChanged(site=Site()))
    other = CallFacts(3, caller="1003", caller_is_dn=True)
    bench.put(other.invite())
    assert names(bench.handled()[0]) == ["1003 EventOffHook", "1003 EventDialing"]


def test_a_flood_is_handled_in_batches_of_bounded_size(bench: Bench) -> None:
    for number in range(BATCH_FACTS + 1):
        bench.put(CallFacts(number + 1).invite())
    assert [len(batch.calls) for batch in bench.handled()] == [BATCH_FACTS, 1]


def test_run_once_returns_and_publishes_its_metrics(bench: Bench) -> None:
    bench.put(X.invite())
    began = time.monotonic()
    bench.controller.run_once()
    assert time.monotonic() - began < 3
    assert len(bench.rows.entries) == 1
    assert bench.table.values["controller.calls"] == "1"
    assert isinstance(bench.shared.get("controller_port"), int)


def test_the_end_of_the_process_takes_what_still_waits(bench: Bench) -> None:
    bench.controller._termination.requested = True
    for number in range(BATCH_FACTS + 1):
        bench.put(CallFacts(number + 1).invite())
    bench.controller.run_once()
    assert bench.exits == [0]
    assert not bench.facts.entries
    assert sum(len(rows.decode(*entry).calls) for entry in bench.rows.entries) == BATCH_FACTS + 1
