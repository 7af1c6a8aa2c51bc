"""Where an INVITE goes, and what of the configuration the workers see."""

import json

import pytest

from kemi.routing.decision import NEXT_DESTINATION_MS, ONLY_DESTINATION_MS, Refuse, Relay, decide
from kemi.routing.site import Destination, Dn, DnType, Route, Selection, SharedSite, Site, Trunk

ONE = Destination(position=1, host="192.0.2.10", port=5060, transport="tcp")
TWO = Destination(position=2, host="cucm-2.example.com", port=5062)

SITE = Site(
    dns=(
        Dn(number="2001", type=DnType.EXTENSION, trunk="CUCM"),
        Dn(number="2002", type=DnType.EXTENSION, trunk="Single"),
        Dn(number="2003", type=DnType.EXTENSION, trunk="CUCM", enabled=False),
        Dn(number="2004", type=DnType.EXTENSION, trunk="Empty"),
        Dn(number="7000", type=DnType.ROUTING_POINT),
        *(Dn(number=name, type=DnType.TRUNK) for name in ("CUCM", "Single", "Empty")),
    ),
    trunks=(
        Trunk(dn="CUCM", set_id=3, selection=Selection.PRIMARY_BACKUP, destinations=(ONE, TWO)),
        Trunk(dn="Single", set_id=4, destinations=(ONE,), options={"sources": ["192.0.2.99"]}),
        Trunk(dn="Empty", set_id=5),
    ),
    routes=(Route(number="8000", dn="2001"), Route(number="8001", dn="7000"), Route(number="8002", dn="gone")),
)


def resolve(host: str) -> list[str]:
    return ["198.51.100.7"] if host == "cucm-2.example.com" else [host]


@pytest.fixture
def shared() -> SharedSite:
    entries = SITE.entries(resolve)
    return SharedSite({name: entries[name].get for name in ("dn", "route", "trunk")})


@pytest.mark.parametrize(
    ("dialled", "callee", "sets", "trying"),
    [
        ("2001", "2001", "3=8", NEXT_DESTINATION_MS),
        ("8000", "2001", "3=8", NEXT_DESTINATION_MS),
        ("2002", "2002", "4=4", ONLY_DESTINATION_MS),
    ],
)
def test_relay(shared: SharedSite, dialled: str, callee: str, sets: str, trying: int) -> None:
    verdict = decide(dialled, shared)
    assert isinstance(verdict, Relay)
    assert (verdict.callee, verdict.sets, verdict.trying_ms) == (callee, sets, trying)
    assert verdict.uri == f"<sip:{callee}@192.0.2.10>"


@pytest.mark.parametrize(
    ("dialled", "code"),
    [
        *(("9999", 404), ("", 404), ("CUCM", 404), ("2003", 404), ("8002", 404)),
        *(("7000", 480), ("8001", 480), ("2004", 503)),
    ],
)
def test_refusal(shared: SharedSite, dialled: str, code: int) -> None:
    verdict = decide(dialled, shared)
    assert isinstance(verdict, Refuse)
    assert verdict.code == code


def test_changed_entry_is_decoded_anew() -> None:
    entries = SITE.entries(resolve)
    shared = SharedSite({name: entries[name].get for name in ("dn", "route", "trunk")})
    assert isinstance(decide("2001", shared), Relay)
    entries["dn"]["2001"] = json.dumps({"number": "2001", "type": "Extension", "trunk": "Single"})
    verdict = decide("2001", shared)
    assert isinstance(verdict, Relay)
    assert verdict.sets == "4=4"


def test_source_addresses_belong_to_the_first_trunk_by_name() -> None:
    assert SITE.entries(resolve)["source"] == {
        "192.0.2.10": "CUCM",
        "198.51.100.7": "CUCM",
        "192.0.2.99": "Single",
    }


def test_dispatcher_list_puts_the_primary_first() -> None:
    lines = SITE.dispatcher_list().splitlines()[1:]
    assert [line.split()[:4] for line in lines] == [
        ["3", "sip:192.0.2.10:5060;transport=tcp", "0", "1"],
        ["3", "sip:cucm-2.example.com:5062;transport=udp", "0", "0"],
        ["4", "sip:192.0.2.10:5060;transport=tcp", "0", "0"],
    ]


def test_ipv6_address_stands_in_brackets() -> None:
    assert Destination(position=1, host="2001:db8::1", port=5060).uri == "sip:[2001:db8::1]:5060;transport=udp"
