"""A client's session as a state machine: what goes in, what comes out, in which order."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kit.gateway import check_against_schema
from tlib.codec import ANSWERED_BY_EVENT, encode
from tlib.enums import AddressInfoType, AgentStatus, AgentWorkMode, CallType, DNRole, PartyState, RegisterMode
from tlib.errors import TError, TLibError
from tlib.message import KeepAlive, Message
from tlib.requests import (
    RequestAgentLogin,
    RequestAnswerCall,
    RequestMakeCall,
    RequestQueryAddress,
    RequestQueryServer,
    RequestRegisterAddress,
    RequestRegisterClient,
    RequestSetInputMask,
    RequestUnregisterAddress,
)
from tlib_gateway.configuration import Configuration, DNType, User
from tlib_gateway.dn_report import AgentOnDN, CallOnDN, DNReport
from tlib_gateway.effects import CheckPassword, Close, Effect, ReadState, Send, Submit
from tlib_gateway.limits import Limits
from tlib_gateway.session import Session, State
from tlib_gateway.site import Site

LIMITS = Limits(login_time=10, login_errors=4, keep_alive=30, request_time=5, outstanding=3, outstanding_reads=2)
CONFIGURATION = Configuration(
    switch="s",
    dns={"7001": DNType.EXTENSION, "7002": DNType.EXTENSION, "8000": DNType.ROUTING_POINT},
    users={"agent": User("agent", "scrypt-hash", "client")},
)
LOGIN = RequestRegisterClient(reference_id=1, application_name="test", user_name="agent", password="secret")


def new_site(configuration: Configuration | None = CONFIGURATION, *, link_up: bool = True) -> Site:
    return Site(version="1.0", epoch=1000.0, configuration=configuration, link_up=link_up)


class Client:
    """Drives one session and sorts its effects."""

    def __init__(self, site: Site, number: int = 1) -> None:
        self.site = site
        self.now = 100.0
        self.session = Session(number, site, LIMITS, self.now)
        self.effects: list[Effect] = []

    def take(self, effects: Iterable[Effect]) -> list[dict[str, object]]:
        """The messages among the effects, each checked against the schema; the others are kept in ``effects``."""
        messages = []
        for effect in effects:
            if isinstance(effect, Send):
                assert effect.data.endswith(b"\n")
                message = json.loads(effect.data)
                check_against_schema(message)
                messages.append(message)
            else:
                self.effects.append(effect)
        return messages

    def send(self, *messages: Message) -> list[dict[str, object]]:
        return self.raw(b"".join(encode(message) + b"\n" for message in messages))

    def raw(self, data: bytes) -> list[dict[str, object]]:
        return self.take(self.session.receive(data, self.now))

    def pop(self) -> Effect:
        """The only effect that is not a message."""
        assert len(self.effects) == 1
        return self.effects.pop()

    def login(self) -> "Client":
        assert self.send(LOGIN) == []
        assert self.pop() == CheckPassword("secret", "scrypt-hash")
        (answer,) = self.take(self.session.password_checked(True, self.now))
        assert answer["message"] == "EventLinkConnected"
        return self

    def register(self, dn: str = "7001", mode: RegisterMode = RegisterMode.SHARE) -> "Client":
        assert self.send(RequestRegisterAddress(this_dn=dn, register_mode=mode)) == []
        read = self.pop()
        assert isinstance(read, ReadState)
        report = DNReport(dn, CONFIGURATION.dns[dn])
        (answer,) = self.take(self.session.state_read(read.ticket, report, self.now))
        assert answer["message"] == "EventRegistered"
        return self

    def tick(self, seconds: float) -> list[dict[str, object]]:
        self.now += seconds
        return self.take(self.session.tick(self.now))

    def submitted(self) -> Submit:
        submit = self.pop()
        assert isinstance(submit, Submit)
        return submit


def client(site: Site | None = None, number: int = 1) -> Client:
    return Client(site or new_site(), number)


def codes(messages: list[dict[str, object]]) -> list[object]:
    """ErrorCodes, in order; every message must be an EventError."""
    assert {message["message"] for message in messages} <= {"EventError"}
    return [message["ErrorCode"] for message in messages]


class TestLogin:
    def test_right_password(self) -> None:
        it = client()
        it.send(LOGIN)
        it.pop()
        assert it.take(it.session.password_checked(True, 105.0)) == [
            {"message": "EventLinkConnected", "ReferenceID": 1, "time": {"TimeinSecs": 1105, "TimeinuSecs": 0}}
        ]
        assert it.session.state is State.ACTIVE

    def test_wrong_password_is_told_and_closes(self) -> None:
        it = client()
        it.send(LOGIN)
        it.pop()
        (answer,) = it.take(it.session.password_checked(False, 100.0))
        assert (answer["ErrorCode"], answer["ReferenceID"]) == (119, 1)
        assert isinstance(it.pop(), Close)
        assert it.session.state is State.CLOSED

    def test_an_unknown_user_is_checked_like_a_known_one(self) -> None:
        it = client()
        it.send(RequestRegisterClient(application_name="test", user_name="nobody", password="x"))
        assert it.pop() == CheckPassword("x", None)

    def test_a_user_who_was_removed_while_the_password_was_checked_is_refused(self) -> None:
        it = client()
        it.send(LOGIN)
        it.pop()
        it.site.configuration = Configuration("s", {}, {})
        assert codes(it.take(it.session.password_checked(True, 100.0))) == [119]

    def test_without_a_link_the_answer_is_link_disconnected(self) -> None:
        it = client(new_site(link_up=False))
        it.send(LOGIN)
        it.pop()
        (answer,) = it.take(it.session.password_checked(True, 100.0))
        assert (answer["message"], answer["ReferenceID"]) == ("EventLinkDisconnected", 1)
        it.site.link_up = True
        (connected,) = it.take(it.session.link_changed(101.0))
        assert connected["message"] == "EventLinkConnected"

    def test_without_a_configuration_the_login_waits_for_one(self) -> None:
        it = client(new_site(None, link_up=False))
        (told,) = it.send(LOGIN)
        assert told["message"] == "EventLinkDisconnected"
        assert codes(it.send(RequestQueryServer())) == [54]
        it.site.configuration, it.site.link_up = CONFIGURATION, True
        assert it.take(it.session.link_changed(101.0)) == []
        assert it.take(it.session.configuration_changed(101.0)) == []
        assert it.pop() == CheckPassword("secret", "scrypt-hash")
        (answer,) = it.take(it.session.password_checked(True, 101.0))
        assert answer["message"] == "EventLinkConnected"

    def test_anything_before_login_is_refused_and_the_connection_lives(self) -> None:
        it = client()
        answers = it.send(RequestQueryServer(reference_id=5), KeepAlive())
        assert codes(answers) == [TError.SECURITY_VIOLATION]
        assert answers[0]["ReferenceID"] == 5
        it.login()

    def test_too_many_errors_before_login_close(self) -> None:
        it = client()
        assert codes(it.raw(b"{\n" * 4)) == [53, 53, 53, 53]
        assert isinstance(it.pop(), Close)
        assert it.raw(b"{\n") == []

    def test_no_login_in_time_closes(self) -> None:
        it = client()
        assert it.tick(9.9) == []
        assert codes(it.tick(0.2)) == [TError.TIMEOUT]
        assert isinstance(it.pop(), Close)

    def test_a_second_login_is_an_error(self) -> None:
        it = client().login()
        (answer,) = it.send(LOGIN)
        assert (answer["ErrorCode"], answer["ReferenceID"]) == (43, 1)

    def test_what_follows_the_login_waits_for_its_answer(self) -> None:
        it = client()
        assert it.send(LOGIN, RequestQueryServer(reference_id=2)) == []
        assert not it.session.wants_input
        it.pop()
        answers = it.take(it.session.password_checked(True, 100.0))
        assert [answer["message"] for answer in answers] == ["EventLinkConnected", "EventServerInfo"]
        assert it.session.wants_input


class TestRegistration:
    def test_the_answer_has_the_state_of_the_dn(self) -> None:
        it = client().login()
        it.send(RequestRegisterAddress(reference_id=9, this_dn="7001"))
        read = it.pop()
        assert isinstance(read, ReadState)
        report = DNReport(
            "7001",
            DNType.EXTENSION,
            [
                CallOnDN("00000000000000a1", CallType.INBOUND, DNRole.DESTINATION, PartyState.HELD),
                CallOnDN("00000000000000a2", CallType.CONSULT, DNRole.ORIGINATION, PartyState.CONNECTED),
            ],
            AgentOnDN("a17", AgentStatus.NOT_READY, AgentWorkMode.AUX_WORK),
            in_service=True,
            dnd=True,
            forward_to="7002",
        )
        assert it.take(it.session.state_read(read.ticket, report, it.now)) == [
            {
                "message": "EventRegistered",
                "ReferenceID": 9,
                "ThisDN": "7001",
                "InfoType": "AddressType",
                "InfoStatus": "DN",
                "AgentID": "a17",
                "Extensions": {
                    "status": 2,
                    "in-service": 1,
                    "AgentStatus": 3,
                    "AgentWorkMode": "AuxWork",
                    "dnd": 1,
                    "fwd": "7002",
                    "conn-1": "00000000000000a1",
                    "ct-1": 2,
                    "mt-1": 0,
                    "ps-1": PartyState.HELD.code,
                    "conn-2": "00000000000000a2",
                    "ct-2": 4,
                    "mt-2": 0,
                    "ps-2": PartyState.CONNECTED.code,
                },
            }
        ]

    def test_events_come_only_after_the_answer(self) -> None:
        it = client().login()
        it.send(RequestRegisterAddress(this_dn="7001"))
        assert it.site.registrations.subscribers == {}
        read = it.pop()
        assert isinstance(read, ReadState)
        it.take(it.session.state_read(read.ticket, DNReport("7001", DNType.EXTENSION), it.now))
        assert it.site.registrations.subscribers == {"7001": (1,)}

    def test_a_dn_that_is_not_configured(self) -> None:
        it = client().login()
        (answer,) = it.send(RequestRegisterAddress(reference_id=3, this_dn="9999"))
        assert (answer["ErrorCode"], answer["ReferenceID"], answer["ThisDN"]) == (59, 3, "9999")

    def test_a_dn_that_was_removed_while_its_state_was_read(self) -> None:
        it = client().login()
        it.send(RequestRegisterAddress(this_dn="7001"))
        read = it.pop()
        assert isinstance(read, ReadState)
        assert codes(it.take(it.session.state_read(read.ticket, None, it.now))) == [59]
        assert it.site.registrations.mode(1, "7001") is None

    def test_several_clients_share_a_dn(self) -> None:
        site = new_site()
        client(site, 1).login().register()
        client(site, 2).login().register()
        assert site.registrations.subscribers == {"7001": (1, 2)}

    @pytest.mark.parametrize("mode", list(RegisterMode))
    def test_a_private_holder_keeps_everybody_out(self, mode: RegisterMode) -> None:
        site = new_site()
        client(site, 1).login().register(mode=RegisterMode.PRIVATE)
        other = client(site, 2).login()
        assert codes(other.send(RequestRegisterAddress(this_dn="7001", register_mode=mode))) == [42]
        assert site.registrations.subscribers == {"7001": (1,)}

    def test_a_shared_dn_cannot_become_private(self) -> None:
        site = new_site()
        client(site, 1).login().register()
        second = client(site, 2).login().register()
        request = RequestRegisterAddress(this_dn="7001", register_mode=RegisterMode.PRIVATE)
        assert codes(second.send(request)) == [42]
        assert site.registrations.mode(2, "7001") is RegisterMode.SHARE

    def test_two_who_want_a_dn_alone_at_the_same_time_do_not_both_get_it(self) -> None:
        site = new_site()
        request = RequestRegisterAddress(this_dn="7001", register_mode=RegisterMode.PRIVATE)
        assert client(site, 1).login().send(request) == []
        assert codes(client(site, 2).login().send(request)) == [42]

    def test_a_private_dn_is_free_when_its_holder_is_gone(self) -> None:
        site = new_site()
        first = client(site, 1).login().register(mode=RegisterMode.PRIVATE)
        first.session.lost("closed by the client")
        client(site, 2).login().register(mode=RegisterMode.PRIVATE)

    def test_registering_again_changes_the_mode_and_sends_the_state_again(self) -> None:
        it = client().login().register().register(mode=RegisterMode.MONITOR)
        assert it.site.registrations.mode(1, "7001") is RegisterMode.MONITOR
        assert it.site.registrations.subscribers == {"7001": (1,)}

    def test_unregister(self) -> None:
        it = client().login().register()
        answer = it.send(RequestUnregisterAddress(reference_id=4, this_dn="7001"))
        assert answer == [{"message": "EventUnregistered", "ThisDN": "7001", "ReferenceID": 4}]
        assert it.site.registrations.subscribers == {}
        assert codes(it.send(RequestUnregisterAddress(this_dn="7001"))) == [41]

    def test_unregister_before_the_state_came(self) -> None:
        it = client().login()
        it.send(RequestRegisterAddress(this_dn="7001"))
        read = it.pop()
        assert isinstance(read, ReadState)
        assert [m["message"] for m in it.send(RequestUnregisterAddress(this_dn="7001"))] == ["EventUnregistered"]
        assert codes(it.take(it.session.state_read(read.ticket, DNReport("7001", DNType.EXTENSION), it.now))) == [41]
        assert it.site.registrations.subscribers == {}

    def test_a_dn_that_is_removed_later_is_unregistered(self) -> None:
        it = client().login().register("7001").register("7002")
        it.site.configuration = Configuration("s", {"7002": DNType.EXTENSION}, CONFIGURATION.users)
        (told,) = it.take(it.session.configuration_changed(it.now))
        assert (told["message"], told["ThisDN"], told["ErrorCode"]) == ("EventUnregistered", "7001", 59)
        assert "ReferenceID" not in told
        assert it.site.registrations.subscribers == {"7002": (1,)}

    def test_a_user_who_is_removed_is_disconnected(self) -> None:
        it = client().login().register()
        it.site.configuration = Configuration("s", CONFIGURATION.dns, {})
        assert codes(it.take(it.session.configuration_changed(it.now))) == [TError.SECURITY_VIOLATION]
        assert isinstance(it.pop(), Close)
        assert it.site.registrations.subscribers == {}

    def test_nothing_more_is_read_while_many_states_are_asked_for(self) -> None:
        it = client().login()
        it.send(*[RequestRegisterAddress(this_dn="7001")] * 3)
        assert len(it.effects) == LIMITS.outstanding_reads
        assert not it.session.wants_input
        read = it.effects.pop(0)
        assert isinstance(read, ReadState)
        it.take(it.session.state_read(read.ticket, DNReport("7001", DNType.EXTENSION), it.now))
        assert len(it.effects) == LIMITS.outstanding_reads, "the third was read now"


class TestQueries:
    def test_server(self) -> None:
        (answer,) = client().login().send(RequestQueryServer(reference_id=8))
        assert answer["message"] == "EventServerInfo"
        assert (answer["ServerVersion"], answer["ServerRole"], answer["ReferenceID"]) == ("1.0", "Primary", 8)

    def test_input_mask_is_not_supported(self) -> None:
        assert codes(client().login().send(RequestSetInputMask(input_mask="ff"))) == [51]

    def query(self, info_type: AddressInfoType, report: DNReport) -> dict[str, object]:
        it = client().login()
        it.send(RequestQueryAddress(reference_id=6, this_dn=report.dn, info_type=info_type))
        read = it.pop()
        assert isinstance(read, ReadState)
        (answer,) = it.take(it.session.state_read(read.ticket, report, it.now))
        assert (answer["ReferenceID"], answer["ThisDN"]) == (6, report.dn)
        return answer

    @pytest.mark.parametrize(
        ("states", "status"),
        [
            ([], "Idle"),
            ([PartyState.ALERTING], "Ringing"),
            ([PartyState.HELD], "Held"),
            ([PartyState.HELD, PartyState.DIALING], "Dialing"),
            ([PartyState.HELD, PartyState.CONNECTED], "Talking"),
        ],
    )
    def test_address_status(self, states: list[PartyState], status: str) -> None:
        calls = [
            CallOnDN(f"{number:016x}", CallType.INTERNAL, DNRole.DESTINATION, state)
            for number, state in enumerate(states)
        ]
        report = DNReport("7001", DNType.EXTENSION, calls)
        assert self.query(AddressInfoType.ADDRESS_STATUS, report)["InfoStatus"] == status
        assert self.query(AddressInfoType.DN_STATUS, report)["InfoStatus"] == status

    def test_out_of_service(self) -> None:
        report = DNReport("7001", DNType.EXTENSION, in_service=False)
        assert self.query(AddressInfoType.ADDRESS_STATUS, report)["InfoStatus"] == "Maintenance"

    def test_address_type(self) -> None:
        report = DNReport("8000", DNType.ROUTING_POINT)
        assert self.query(AddressInfoType.ADDRESS_TYPE, report)["InfoStatus"] == "RouteDN"

    def test_agent_status(self) -> None:
        agent = AgentOnDN("a17", AgentStatus.READY, AgentWorkMode.AUTO_IN)
        answer = self.query(AddressInfoType.AGENT_STATUS, DNReport("7001", DNType.EXTENSION, agent=agent))
        assert (answer["InfoStatus"], answer["AgentID"]) == ("Ready", "a17")
        assert answer["Extensions"] == {"AgentStatus": 2, "AgentWorkMode": "AutoIn"}
        nobody = self.query(AddressInfoType.AGENT_STATUS, DNReport("7001", DNType.EXTENSION))
        assert nobody["InfoStatus"] == "LoggedOut"

    def test_calls_query_names_the_active_and_the_held_call(self) -> None:
        calls = [
            CallOnDN("00000000000000a1", CallType.INBOUND, DNRole.DESTINATION, PartyState.HELD),
            CallOnDN("00000000000000a2", CallType.CONSULT, DNRole.ORIGINATION, PartyState.CONNECTED),
        ]
        answer = self.query(AddressInfoType.CALLS_QUERY, DNReport("7001", DNType.EXTENSION, calls))
        assert (answer["InfoStatus"], answer["ConnID"], answer["PreviousConnID"]) == (
            2, "00000000000000a2", "00000000000000a1",
        )  # fmt: skip

    def test_queue_status(self) -> None:
        calls = [CallOnDN("00000000000000a1", CallType.INBOUND, DNRole.DESTINATION, PartyState.QUEUED)]
        answer = self.query(AddressInfoType.QUEUE_STATUS, DNReport("8000", DNType.ROUTING_POINT, calls))
        assert (answer["InfoStatus"], answer["ThisQueue"]) == (1, "8000")
        assert answer["Extensions"] == {
            "conn-1": "00000000000000a1", "ct-1": 2, "mt-1": 0, "ps-1": PartyState.QUEUED.code,
        }  # fmt: skip

    def test_queue_status_of_a_phone_is_a_wrong_question(self) -> None:
        answer = self.query(AddressInfoType.QUEUE_STATUS, DNReport("7001", DNType.EXTENSION))
        assert answer["ErrorCode"] == 53

    def test_what_cannot_be_answered_is_named(self) -> None:
        answer = self.query(AddressInfoType.DATABASE_VALUE, DNReport("7001", DNType.EXTENSION))
        assert (answer["ErrorCode"], answer["ErrorMessage"]) == (51, "InfoType: DatabaseValue is not supported")

    def test_forwarding(self) -> None:
        answer = self.query(
            AddressInfoType.CALL_FORWARDING_STATUS, DNReport("7001", DNType.EXTENSION, forward_to="123")
        )
        assert (answer["InfoStatus"], answer["Extensions"]) == (1, {"fwd": "123"})


ANSWER = RequestAnswerCall(reference_id=7, this_dn="7001", conn_id="00000000000000a1")


class TestRequestsToTheSwitch:
    def test_a_request_goes_to_the_switch_with_the_calls_it_needs(self) -> None:
        it = client().login().register()
        assert it.send(ANSWER) == []
        submit = it.submitted()
        assert submit.request == ANSWER
        assert submit.calls == ("00000000000000a1",)

    def test_its_answer_is_passed_on_as_it_is(self) -> None:
        it = client().login().register()
        it.send(ANSWER)
        answer = b'{"message":"EventError","ErrorCode":51,"ErrorMessage":"no","ReferenceID":7}'
        assert it.session.answered(it.submitted().ticket, answer, it.now) == [Send(answer + b"\n")]

    def test_an_answer_that_comes_as_an_event_settles_the_request(self) -> None:
        it = client().login().register()
        it.send(ANSWER)
        assert it.session.answered(it.submitted().ticket, ANSWERED_BY_EVENT, it.now) == []
        assert it.tick(5.1) == [], "no timeout"

    def test_an_unknown_call_is_56(self) -> None:
        it = client().login().register()
        it.send(ANSWER)
        error = TLibError(TError.INVALID_CONN_ID, "ConnID: no")
        (answer,) = it.take(it.session.refused(it.submitted().ticket, error, it.now))
        assert (answer["ErrorCode"], answer["ReferenceID"], answer["ConnID"]) == (56, 7, ANSWER.conn_id)

    def test_no_answer_in_time_is_57_and_a_late_one_is_dropped(self) -> None:
        it = client().login().register()
        it.send(ANSWER)
        submit = it.submitted()
        assert it.tick(4.9) == []
        (answer,) = it.tick(0.2)
        assert (answer["ErrorCode"], answer["ReferenceID"]) == (57, 7)
        assert it.session.answered(submit.ticket, b"{}", it.now) == []

    def test_too_many_at_once_is_1183(self) -> None:
        it = client().login().register()
        assert codes(it.send(*[ANSWER] * 4)) == [1183]
        submit = it.effects.pop(0)
        assert isinstance(submit, Submit)
        it.session.answered(submit.ticket, b"{}", it.now)
        assert it.send(ANSWER) == [], "one was answered, one more may be asked"

    def test_a_password_does_not_reach_the_switch(self) -> None:
        it = client().login().register()
        it.send(RequestAgentLogin(this_dn="7001", agent_id="a17", password="secret"))
        request = it.submitted().request
        assert request == RequestAgentLogin(this_dn="7001", agent_id="a17")
        assert b"secret" not in encode(request)


class TestLink:
    def test_loss_is_told_and_drops_everything(self) -> None:
        it = client().login().register()
        it.send(ANSWER)
        it.submitted()
        it.site.link_up, it.site.link_reason = False, "the database is away"
        failed, told = it.take(it.session.link_changed(it.now))
        assert (failed["ErrorCode"], failed["ReferenceID"]) == (54, 7)
        assert (told["message"], told["Extensions"]) == ("EventLinkDisconnected", {"Reason": "the database is away"})
        assert it.site.registrations.subscribers == {}
        assert codes(it.send(RequestRegisterAddress(this_dn="7001"))) == [54]

    def test_return_is_told_and_registrations_have_to_be_made_again(self) -> None:
        it = client().login().register()
        it.site.link_up = False
        it.take(it.session.link_changed(it.now))
        it.site.link_up = True
        assert [m["message"] for m in it.take(it.session.link_changed(it.now))] == ["EventLinkConnected"]
        assert codes(it.send(ANSWER)) == [41]
        it.register()

    def test_it_is_told_once(self) -> None:
        it = client().login()
        it.site.link_up = False
        assert len(it.take(it.session.link_changed(it.now))) == 1
        assert it.take(it.session.link_changed(it.now)) == []


class TestKeepAlive:
    def test_it_is_sent_when_nothing_else_was(self) -> None:
        it = client().login()
        assert it.tick(29.9) == []
        assert it.tick(0.2) == [{"message": "KeepAlive"}]
        it.session.delivered(it.now + 20)
        assert it.tick(30) == []

    def test_silence_of_three_periods_closes(self) -> None:
        it = client().login()
        it.tick(60)
        it.send(KeepAlive())
        for _ in range(2):
            it.tick(40)
        assert it.session.state is State.ACTIVE
        it.tick(11)
        assert isinstance(it.pop(), Close)
        assert it.site.counters.silent_clients == 1

    def test_a_client_that_is_not_read_is_not_silent(self) -> None:
        it = client().login()
        it.send(*[RequestRegisterAddress(this_dn="7001")] * 2)
        for _ in range(4):
            # Time passes, but within the time of the request.
            it.now += 1
            it.tick(0)
        assert it.session.state is State.ACTIVE


class TestBadInput:
    @pytest.mark.parametrize(
        ("line", "code", "start"),
        [
            (b"{", 53, "malformed JSON"),
            (b'{"message":"RequestFly","ReferenceID":3}', 51, "message: "),
            (b'{"message":"RequestRegisterAddress","ThisDN":1,"ReferenceID":3}', 53, "ThisDN: "),
            (b'{"message":"RequestRegisterAddress","ReferenceID":3}', 53, "ThisDN: missing"),
            (b"\xff\xfe", 53, "the message is not UTF-8"),
            (b'"x"', 53, "a message is a JSON object"),
            (b"x" * 70000, 53, "the message is longer than 65536 bytes"),
        ],
    )
    def test_it_is_told_and_the_connection_lives(self, line: bytes, code: int, start: str) -> None:
        it = client().login()
        (answer,) = it.raw(line + b"\n")
        assert answer["ErrorCode"] == code
        assert str(answer["ErrorMessage"]).startswith(start)
        assert answer.get("ReferenceID") == (3 if b"ReferenceID" in line else None)
        assert [m["message"] for m in it.send(RequestQueryServer())] == ["EventServerInfo"]

    def test_a_line_that_is_too_long_is_told_before_it_ends(self) -> None:
        it = client().login()
        assert codes(it.raw(b"x" * 70000)) == [53]
        assert it.raw(b"x" * 70000) == []
        assert it.raw(b"\n") == []
        assert [m["message"] for m in it.send(RequestQueryServer())] == ["EventServerInfo"]

    def test_empty_lines_and_carriage_returns_do_not_matter(self) -> None:
        it = client().login()
        assert [m["message"] for m in it.raw(b"\r\n\n" + encode(RequestQueryServer()) + b"\r\n")] == ["EventServerInfo"]

    def test_nothing_is_handled_after_the_end(self) -> None:
        it = client()
        it.send(LOGIN)
        it.pop()
        it.take(it.session.password_checked(False, it.now))
        assert it.send(RequestQueryServer()) == []
        assert it.tick(1000) == []

    def test_the_end_of_the_gateway_is_told(self) -> None:
        it = client().login().register()
        (told,) = it.take(it.session.end("the gateway is shutting down", it.now))
        assert (told["message"], told["Extensions"]) == (
            "EventLinkDisconnected", {"Reason": "the gateway is shutting down"},
        )  # fmt: skip
        assert isinstance(it.pop(), Close)

    @given(st.lists(st.binary(max_size=40), max_size=10))
    def test_any_bytes_give_errors_and_nothing_else(self, chunks: list[bytes]) -> None:
        it = client().login()
        for chunk in chunks:
            assert set(codes(it.raw(chunk))) <= {51, 53}
        assert it.session.state is State.ACTIVE

    @given(st.data())
    def test_any_split_gives_the_same_answers(self, data: st.DataObject) -> None:
        stream = b"".join(
            line + b"\n"
            for line in (
                encode(RequestQueryServer(reference_id=1)),
                b"{",
                encode(RequestMakeCall(reference_id=2, this_dn="9", other_dn="1")),
                b"\xff",
                encode(RequestQueryServer(reference_id=3)),
            )
        )
        cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
        whole, split = client().login(), client().login()
        expected = whole.raw(stream)
        got = []
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            got += split.raw(stream[start:end])
        assert got == expected
