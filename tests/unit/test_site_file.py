"""The site file as a person writes it, and as the configuration is written back."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kamcti.configuration import (
    Agent,
    ClearPassword,
    Configuration,
    Destination,
    Dn,
    DnType,
    GatewayRole,
    GatewayUser,
    Route,
    Selection,
    Switch,
    Transport,
    Trunk,
)
from kamcti.difference import compare
from kamcti.site_export import dump
from kamcti.site_file import SiteFileWrong, is_host, parse
from kamcti.yaml_reading import Problem
from tests.kit.configurations import configurations

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "site.example.yaml"
HASH = "scrypt$16384$8$1$nKc4vIgq7ty8MMZ/W3OuFg==$UAjgPZMKIv1NjnBnD6Z8UZ3PiPDm+i/ZB94nq5Oe4gs="


def test_the_example_is_read_as_it_says() -> None:
    site = parse(EXAMPLE.read_bytes())
    assert site.switch == Switch(name="contact-centre", options={"default-ring-timeout": 20})
    assert site.trunks == (
        Trunk(dn="CUCM", selection=Selection.PRIMARY_BACKUP),
        Trunk(dn="PSTN", options={"sources": ["192.0.2.30", "192.0.2.31"]}),
    )
    assert site.destinations == (
        Destination(trunk="CUCM", position=1, host="192.0.2.10", transport=Transport.TCP),
        Destination(trunk="CUCM", position=2, host="192.0.2.11", transport=Transport.TCP),
        Destination(trunk="PSTN", position=1, host="gateway-1.example.com", weight=70),
        Destination(trunk="PSTN", position=2, host="gateway-2.example.com", weight=30),
    )
    assert site.dns == (
        Dn(number="CUCM", type=DnType.TRUNK, name="Call manager cluster"),
        Dn(number="PSTN", type=DnType.TRUNK),
        Dn(number="1001", type=DnType.EXTENSION, trunk="CUCM", name="Window seat"),
        Dn(number="1002", type=DnType.EXTENSION, trunk="CUCM", enabled=False),
        Dn(number="7000", type=DnType.ROUTING_POINT, name="Main number"),
        Dn(number="7100", type=DnType.ACD_QUEUE, name="Support"),
        Dn(number="MUSIC", type=DnType.VOIP_SERVICE, trunk="PSTN"),
    )
    assert site.routes == (
        Route(number="0800100", dn="7000", description="Hotline"),
        Route(number="+4930100200", dn="1001"),
    )
    assert site.agents == (
        Agent(login_id="5001", name="First agent", password_hash=ClearPassword("change-me")),
        Agent(login_id="5002"),
    )
    assert site.users == (
        GatewayUser(name="desktop", password_hash=ClearPassword("change-me-too")),
        GatewayUser(name="wallboard", password_hash=ClearPassword("and-me"), role=GatewayRole.SUPERVISOR),
    )


def test_the_least_site_is_a_switch() -> None:
    assert parse("switch:\n  name: s\n") == Configuration(switch=Switch(name="s"))


def test_a_key_without_a_value_is_as_if_it_were_not_there() -> None:
    assert parse("switch:\n  name: s\n  options:\nroutes:\nqueues:\n- dn: 1\n  name:\n") == Configuration(
        switch=Switch(name="s"), dns=(Dn(number="1", type=DnType.ACD_QUEUE),)
    )


@pytest.mark.parametrize(
    "written", ["0701", "007", "+49301", "1e5", "0x10", "1_000", "on", "'on'", "'*69'", "2026-01-01"]
)
def test_a_number_is_the_text_that_stands_there(written: str) -> None:
    site = parse(f"switch: {{name: s}}\nqueues:\n- dn: {written}\n")
    assert site.dns[0].number == written.strip("'")


def test_options_keep_their_types() -> None:
    site = parse(
        "switch: {name: s, options: {a: x, b: '1', c: 1, d: 1.5, e: true, f: [x, '2'], g: [], h: -3, i: 2026-01-01}}\n"
    )
    expected = {"a": "x", "b": "1", "c": 1, "d": 1.5, "e": True, "f": ["x", "2"], "g": [], "h": -3, "i": "2026-01-01"}
    assert site.switch.options == expected
    assert {key: type(value) for key, value in site.switch.options.items()} == {
        key: type(value) for key, value in expected.items()
    }


def test_positions_follow_the_order_and_can_be_given() -> None:
    text = "switch: {name: s}\ntrunks:\n- dn: T\n  destinations: [{host: a}, {host: b, position: 5}, {host: c}]\n"
    assert [(d.host, d.position) for d in parse(text).destinations] == [("a", 1), ("b", 5), ("c", 6)]


def test_anchors_can_be_used() -> None:
    text = "switch: {name: s, options: &same {a: 1}}\nqueues:\n- {dn: 1, options: *same}\n- {dn: 2, options: *same}\n"
    assert [dn.options for dn in parse(text).dns] == [{"a": 1}, {"a": 1}]


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "::1", "2001:db8::1", "a", "cucm-1.example.com", "1a.example", "dead.beef"]
)
def test_hosts(host: str) -> None:
    assert is_host(host)


@pytest.mark.parametrize(
    "host", ["", "192.0.2", "1", "256.0.0.1", "[::1]", "::1/64", "-a", "a-", "a b", "a:5060", "ä.example"]
)
def test_no_hosts(host: str) -> None:
    assert not is_host(host)


def test_what_is_default_is_not_written() -> None:
    text = dump(
        Configuration(
            switch=Switch(name="s"),
            dns=(Dn(number="T", type=DnType.TRUNK), Dn(number="1001", type=DnType.EXTENSION, trunk="T")),
            trunks=(Trunk(dn="T"),),
            destinations=(Destination(trunk="T", position=1, host="192.0.2.1"),),
            users=(GatewayUser(name="u", password_hash=HASH),),
        )
    )
    assert text == (
        "switch:\n  name: s\n"
        "trunks:\n- dn: T\n  destinations:\n  - host: 192.0.2.1\n"
        "extensions:\n- dn: '1001'\n  trunk: T\n"
        f"users:\n- name: u\n  password_hash: {HASH}\n  role: client\n"
    )


@given(configurations())
@example(Configuration(switch=Switch(name="s", options={"line ends": "\x85 \u2028 \u2029"})))
def test_what_is_written_is_read_back(site: Configuration) -> None:
    again = parse(dump(site))
    assert list(compare(site, again).lines()) == []
    assert list(compare(again, site).lines()) == []


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_reason(text: str) -> None:
    assert _reads(text) or _problems(text)


def _problems(text: str) -> list[Problem]:
    with pytest.raises(SiteFileWrong) as refusal:
        parse(text)
    return refusal.value.problems


def _reads(text: str) -> bool:
    try:
        parse(text)
    except SiteFileWrong:
        return False
    return True
