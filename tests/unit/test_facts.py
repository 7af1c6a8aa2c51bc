"""Facts from the queue: every kind, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kemi import facts
from kemi.routing.site import Dn, DnType, Site
from tests.kit.call_facts import CallFacts, invite_body

INVITE = CallFacts().invite()
NAMED = facts.msgspec.structs.replace(INVITE, caller_name="Ada | Caller")


@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        ("ringing", "c-2 183", facts.Ringing(leg="c-2", code=183)),
        (
            "answered",
            "c-2 tag sip:1001@192.0.2.1:5060;transport=tcp %3csip:a;lr%3e,%20%3csip:b;lr%3e",
            facts.Answered(
                leg="c-2",
                remote_tag="tag",
                remote_target="sip:1001@192.0.2.1:5060;transport=tcp",
                route_set="<sip:a;lr>, <sip:b;lr>",
            ),
        ),
        ("answered", "c-2 tag target ", facts.Answered(leg="c-2", remote_tag="tag", remote_target="target")),
        ("answered", "c-2 tag target", facts.Answered(leg="c-2", remote_tag="tag", remote_target="target")),
        ("confirmed", "c-1", facts.Confirmed(leg="c-1")),
        ("failed", "c-2 486 17", facts.Failed(leg="c-2", code=486, cause=17)),
        ("failed", "c-2 486 ", facts.Failed(leg="c-2", code=486)),
        ("failed", "c-2 486", facts.Failed(leg="c-2", code=486)),
        ("cancelled", "c-2", facts.Cancelled(leg="c-2")),
        ("bye", "c-1 16", facts.Bye(leg="c-1", cause=16)),
        ("bye", "c-1 ", facts.Bye(leg="c-1")),
        ("bye", "c-1", facts.Bye(leg="c-1")),
        ("target", "c-1 sip:a%20b@192.0.2.1", facts.Target(leg="c-1", remote_target="sip:a b@192.0.2.1")),
        (
            "destination",
            "sip:192.0.2.1:5060;transport=udp down",
            facts.Destination(uri="sip:192.0.2.1:5060;transport=udp", up=False),
        ),
        ("destination", "sip:192.0.2.1 up", facts.Destination(uri="sip:192.0.2.1", up=True)),
        ("invite", invite_body(INVITE), INVITE),
        ("invite", invite_body(NAMED), NAMED),
        ("result", "c-1 BYE 481", facts.Result(leg="c-1", method="BYE", code=481)),
    ],
)
def test_decode(kind: str, body: str, expected: facts.Fact) -> None:
    assert facts.decode(kind, body) == expected
    assert facts.kind_of(expected) == kind


@pytest.mark.parametrize("cause", ["<null>", "abc", "16;text=x", "9999", "-1", "1 6", "%31"])
def test_a_peers_nonsense_about_the_cause_does_not_hide_the_end_of_a_call(cause: str) -> None:
    assert facts.decode("bye", f"c-1 {cause}") == facts.Bye(leg="c-1")
    assert facts.decode("failed", f"c-2 486 {cause}") == facts.Failed(leg="c-2", code=486)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("dance", "c-1"),
        ("", ""),
        ("ringing", "c-2"),
        ("ringing", "c-2 180 more"),
        ("ringing", "c-2 loud"),
        ("ringing", " 180"),
        ("answered", "c-2 tag"),
        ("answered", "c-2 a b c d"),
        ("confirmed", ""),
        ("confirmed", "c-1 c-2"),
        ("failed", "c-2"),
        ("failed", ""),
        ("failed", "c-2 x 17"),
        ("bye", ""),
        ("target", "c-1"),
        ("destination", "sip:a sideways"),
        ("destination", "sip:a up now"),
        ("destination", "sip:a"),
        ("invite", ""),
        ("invite", "{}"),
        ("invite", invite_body(INVITE).rpartition("|")[0]),
        ("invite", invite_body(INVITE).replace("1700000000.25", "noon")),
        ("invite", invite_body(INVITE).removeprefix(INVITE.connid)),
        ("request", '{"type":"request","id":"one","name":"RequestMakeCall","body":{}}'),
        ("site", "[1,2]"),
    ],
)
def test_malformed(kind: str, body: str) -> None:
    with pytest.raises(facts.Malformed) as refused:
        facts.decode(kind, body)
    assert repr(kind) in str(refused.value)


@given(st.sampled_from([*facts.KINDS, "other"]), st.text(max_size=80))
def test_any_text_is_a_fact_or_malformed(kind: str, body: str) -> None:
    try:
        fact = facts.decode(kind, body)
    except facts.Malformed:
        return
    assert facts.kind_of(fact) == kind


def test_a_request_keeps_the_clients_message_as_it_is() -> None:
    body = b'{"message":"RequestMakeCall","ReferenceID":7,"Odd":[1,{"x":null}]}'
    request = facts.Request(
        id=12, name="RequestMakeCall", dn="1001", reference_id=7, body=facts.msgspec.Raw(body)
    )
    seen = facts.decode("request", facts.encode(request))
    assert isinstance(seen, facts.Request)
    assert bytes(seen.body) == body
    assert (seen.id, seen.name, seen.dn, seen.reference_id) == (12, "RequestMakeCall", "1001", 7)


def test_a_site_travels_whole() -> None:
    site = Site(name="demo", options={"hook-events": False}, dns=(Dn(number="1001", type=DnType.EXTENSION),))
    body = facts.encode(facts.SiteChanged(site=site))
    seen = facts.decode("site", body)
    assert isinstance(seen, facts.SiteChanged)
    assert (seen.site.options, seen.site.dns[0].type) == ({"hook-events": False}, DnType.EXTENSION)
    assert facts.encode(seen) == body
