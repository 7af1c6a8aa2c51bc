"""What a request needs, and in which order it is checked; and who gets an event."""

import pytest

from tlib import requests as r
from tlib.enums import RegisterMode, RouteType
from tlib.errors import TError, TLibError
from tlib.requests import REQUESTS, Request
from tlib_gateway import log
from tlib_gateway.configuration import Configuration, DNType
from tlib_gateway.delivery import EventRow, deliver, one_line
from tlib_gateway.preconditions import REQUIREMENTS, calls_required, check
from tlib_gateway.site import Site

C1, C2 = "00000000000000a1", "00000000000000a2"


def site(*, link: bool = True, configured: bool = True, mode: RegisterMode | None = RegisterMode.SHARE) -> Site:
    dns = {"7001": DNType.EXTENSION} if configured else {}
    world = Site(version="1", configuration=Configuration("s", dns, {}), link_up=link)
    if mode is not None:
        world.registrations.reserve(1, "7001", mode)
    return world


def refusal(request: Request, world: Site) -> int | None:
    try:
        check(request, 1, world)
    except TLibError as error:
        return error.code
    return None


def test_every_request_has_a_row() -> None:
    assert set(REQUIREMENTS) == set(REQUESTS)


def test_every_call_that_a_row_names_is_an_attribute_of_the_request() -> None:
    for request, requirement in REQUIREMENTS.items():
        assert set(requirement.calls) <= set(request.__struct_fields__), request.__name__


@pytest.mark.parametrize("link", [True, False])
@pytest.mark.parametrize("configured", [True, False])
@pytest.mark.parametrize("mode", [None, *RegisterMode])
@pytest.mark.parametrize("sane", [True, False])
def test_the_first_precondition_that_does_not_hold_is_the_error(
    link: bool, configured: bool, mode: RegisterMode | None, sane: bool
) -> None:
    request = r.RequestAlternateCall(this_dn="7001", conn_id=C1, previous_conn_id=C2 if sane else C1)
    expected: int | None = None
    if not link:
        expected = TError.NO_SWITCH
    elif not configured:
        expected = TError.NOT_CONFIGURED
    elif mode in (None, RegisterMode.MONITOR):
        expected = TError.NOT_REGISTERED
    elif not sane:
        expected = TError.INVALID_ATTRIBUTE
    assert refusal(request, site(link=link, configured=configured, mode=mode)) == expected


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (r.RequestRouteCall(this_dn="7001", conn_id=C1), 53),
        (r.RequestRouteCall(this_dn="7001", conn_id=C1, other_dn="7002"), None),
        (r.RequestRouteCall(this_dn="7001", conn_id=C1, route_type=RouteType.REJECT), None),
        (r.RequestMonitorNextCall(this_dn="7001", other_dn="7001"), 53),
        (r.RequestMonitorNextCall(this_dn="7001", other_dn="7002"), None),
        (r.RequestCompleteTransfer(this_dn="7001", conn_id=C1, transfer_conn_id=C1), 53),
        (r.RequestCompleteConference(this_dn="7001", conn_id=C1, conference_conn_id=C1), 53),
        (r.RequestMergeCalls(this_dn="7001", conn_id=C1, transfer_conn_id=C2), None),
        (r.RequestReserveAgent(duration=5), 53),
        (r.RequestReserveAgent(duration=5, agent_id="a"), None),
        (r.RequestPrivateService(private_msg_id=1), None),
    ],
)
def test_sanity(request_: Request, code: int | None) -> None:
    assert refusal(request_, site()) == code


def test_queries_need_no_registration() -> None:
    world = site(mode=None)
    assert refusal(r.RequestQueryCall(this_dn="7001", conn_id=C1), world) is None
    assert refusal(r.RequestQueryServer(), site(link=False)) is None


def test_the_calls_that_have_to_be_on_the_dn() -> None:
    request = r.RequestCompleteTransfer(this_dn="7001", conn_id=C1, transfer_conn_id=C2)
    assert calls_required(request) == (C1, C2)
    assert calls_required(r.RequestMakeCall(this_dn="7001", other_dn="1")) == ()


class TestDelivery:
    def world(self) -> Site:
        world = site(mode=None)
        for session, dn in ((1, "7001"), (2, "7001"), (2, "7002"), (3, "7003")):
            world.registrations.reserve(session, dn, RegisterMode.SHARE)
            if session != 3:
                world.registrations.activate(session, dn)
        return world

    def test_each_gets_what_it_has_registered_in_order(self) -> None:
        rows: list[EventRow] = [(1, "7001", b"a"), (2, "7002", b"b"), (3, "7009", b"c"), (4, "7001", b"d")]
        assert deliver(rows, self.world(), [1, 2, 3]) == {1: [b"a\n", b"d\n"], 2: [b"a\n", b"b\n", b"d\n"]}

    def test_a_registration_without_its_state_gets_nothing(self) -> None:
        assert deliver([(1, "7003", b"a")], self.world(), [1, 2, 3]) == {}

    def test_an_event_without_a_dn_is_for_everybody_who_is_logged_in(self) -> None:
        rows: list[EventRow] = [(1, None, b"a"), (2, None, b"b")]
        assert deliver(rows, self.world(), iter([1, 3])) == {1: [b"a\n", b"b\n"], 3: [b"a\n", b"b\n"]}

    def test_it_counts(self) -> None:
        world = self.world()
        deliver([(1, "7001", b"a"), (2, "7009", b"c")], world, [])
        assert (world.counters.events_read, world.counters.events_delivered) == (2, 2)

    def test_json_of_several_lines_becomes_one(self) -> None:
        assert one_line(b'{\n "a": 1\n}') == b'{  "a": 1 }\n'


class TestRegistrations:
    def test_releasing_one_session_leaves_the_other(self) -> None:
        world = site()
        world.registrations.reserve(2, "7001", RegisterMode.MONITOR)
        world.registrations.activate(2, "7001")
        world.registrations.activate(1, "7001")
        assert world.registrations.release_all(1) == ("7001",)
        assert world.registrations.subscribers == {"7001": (2,)}
        assert world.registrations.dns(1) == ()
        assert not world.registrations.release(1, "7001")


@pytest.mark.parametrize("text", ["a b", 'say "x"', "two\nlines", "", "key=value", "tab\t", "\x1b[31m"])
def test_a_log_value_from_a_client_cannot_look_like_two(text: str) -> None:
    quoted = log.quoted(text)
    assert quoted[0] == quoted[-1] == '"'
    assert quoted.isprintable()
    assert log.quoted("127.0.0.1:5060") == "127.0.0.1:5060"
