"""What the SIP workers' Python makes of an INVITE, on a double that is as strict as Kamailio."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.kit.ksr import KsrDouble

FIELDS = {
    "dialled": "8000",
    "caller": "+15550100",
    "call_id": "a@192.0.2.10",
    "tag": "t1",
    "target": "sip:+15550100@192.0.2.10:5060;transport=tcp",
    "to_uri": "sip:8000@192.0.2.20",
    "from_uri": "sip:+15550100@192.0.2.10",
    "proto": "tcp",
    "trunk": "CUCM",
    "record_route": "<null>",
    "name": '"Ada Caller"',
}


class Bench:
    """A worker on the double."""

    def __init__(self, ksr: KsrDouble, worker: Any, facts: Any) -> None:
        self.ksr = ksr
        self.worker = worker
        self.facts = facts

    def route(self, **changed: str) -> list[str]:
        """The verdict's fields; of a refusal: status code, reason."""
        self.ksr.variables.pop("$var(verdict)", None)
        result = self.worker.route_invite(3, "|".join({**FIELDS, **changed}.values()))
        verdict = str(self.ksr.variables["$var(verdict)"]).split("|")
        assert result == (1 if len(verdict) > 2 else -1)
        return verdict

    def invite(self) -> Any:
        """The fact that the worker queued, as the controller reads it."""
        fact = self.facts.decode(*self.ksr.queues["facts"].popleft())
        assert isinstance(fact, self.facts.Invite)
        return fact


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("KAMCTI_ADDRESS", "192.0.2.20:5060")
    ksr = KsrDouble(tables=("dn", "route", "trunk"), queues=("facts",))
    ksr.tables["dn"] = {
        "2001": json.dumps({"number": "2001", "type": "Extension", "trunk": "CUCM"}),
        "2002": json.dumps({"number": "2002", "type": "Extension", "trunk": "CUCM"}),
    }
    ksr.tables["route"] = {"8000": "2001"}
    destination = {"position": 1, "host": "192.0.2.10", "port": 5060, "transport": "tcp"}
    ksr.tables["trunk"] = {"CUCM": json.dumps({"dn": "CUCM", "set_id": 7, "destinations": [destination]})}
    with ksr.installed():
        from kemi import facts
        from kemi.worker import Worker

        yield Bench(ksr, Worker(), facts)


def test_call_from_outside(bench: Bench) -> None:
    connid, uuid, callee, sets, trying, session, local, remote = bench.route()
    assert (callee, sets, trying) == ("2001", "7=4", "32000")
    assert local == '"Ada Caller" <sip:+15550100@192.0.2.20>'
    assert remote == "<sip:2001@192.0.2.10>"
    assert 0 < int(session) < 1 << 59

    fact = bench.invite()
    assert (fact.connid, fact.call_uuid) == (connid, uuid)
    assert (fact.caller, fact.caller_is_dn, fact.dialled, fact.dn) == ("+15550100", False, "8000", "2001")
    assert (fact.leg_a.id, fact.leg_b.id) == (f"{connid}-1", f"{connid}-2")
    assert fact.leg_a.call_id == "a@192.0.2.10"
    assert fact.leg_a.remote_target == FIELDS["target"]
    assert (fact.leg_a.trunk, fact.leg_b.trunk) == ("CUCM", "CUCM")
    assert fact.leg_a.socket == "tcp:192.0.2.20:5060"
    assert fact.leg_b.call_id == f"{uuid}-2@192.0.2.20"


def test_caller_that_is_a_dn(bench: Bench) -> None:
    bench.route(caller="2002", dialled="2001")
    assert bench.invite().caller_is_dn


def test_each_call_has_identifiers_of_its_own(bench: Bench) -> None:
    calls = [bench.route() for _ in range(100)]
    for field in (0, 1, 5):
        assert len({call[field] for call in calls}) == 100


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"dialled": "9999"}, "404"),
        ({"dialled": "<null>"}, "404"),
        ({"call_id": "a|b"}, "400"),
        ({"tag": "<null>"}, "400"),
        ({"target": ""}, "400"),
        ({"target": "<null>"}, "400"),
    ],
)
def test_refusals(bench: Bench, changed: dict[str, str], code: str) -> None:
    assert bench.route(**changed)[0] == code
    assert not bench.ksr.queues["facts"]


@pytest.mark.parametrize(
    "name", ["a|b", "\x00", "Zoë \udcff", 'many "quotes" \\', "folded\r\n name", "", "<null>", "%20 %"]
)
def test_any_name_is_survived(bench: Bench, name: str) -> None:
    local = bench.route(name=name)[6]
    assert local.endswith("<sip:+15550100@192.0.2.20>")
    assert "\r" not in local
    assert "|" not in local
    bench.invite()


def test_route_set_of_the_called_side_is_reversed(bench: Bench) -> None:
    ask: Callable[[], int] = bench.worker.reverse_record_route
    bench.ksr.variables["$avp(record_route)"] = '<sip:a;lr>, "x, y" <sip:b;p="1,2";lr>,<sip:c?h=1%2C2>'
    assert ask() == 1
    assert bench.ksr.variables["$avp(routes)"] == '<sip:c?h=1%2C2>, "x, y" <sip:b;p="1,2";lr>, <sip:a;lr>'
