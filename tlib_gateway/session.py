"""One client's session, without I/O: bytes in, effects out.

The server feeds it with what the socket, the database and the clock bring, and carries out the effects in order.
States::

    NEW --RequestRegisterClient--> CHECKING --password right--> ACTIVE
                                      |  ^                        |
              no configuration read:  v  |  it was read           |
                                    WAITING                       |
    any state --wrong password, silence, too many errors, ...--> CLOSED

Messages are handled one after the other; while a password is checked the rest stays in the buffer.
"""

import enum
from dataclasses import dataclass

import msgspec

from tlib.attributes import Time
from tlib.codec import ANSWERED_BY_EVENT, MAX_MESSAGE, decode_request, encode
from tlib.enums import ServerRole
from tlib.errors import TError, TLibError
from tlib.events import (
    Event,
    EventError,
    EventLinkConnected,
    EventLinkDisconnected,
    EventServerInfo,
    EventUnregistered,
)
from tlib.framing import LineBuffer, TooLong
from tlib.message import KeepAlive, message_name
from tlib.requests import (
    Request,
    RequestAttachUserData,
    RequestClearCall,
    RequestDeletePair,
    RequestDeleteUserData,
    RequestQueryAddress,
    RequestQueryCall,
    RequestQueryServer,
    RequestRegisterAddress,
    RequestRegisterClient,
    RequestReleaseCall,
    RequestSetInputMask,
    RequestUnregisterAddress,
    RequestUpdateUserData,
)
from tlib_gateway import dn_report, log, preconditions
from tlib_gateway.dn_report import DNReport
from tlib_gateway.effects import CheckPassword, Close, Effect, ReadState, Send, Submit
from tlib_gateway.limits import Limits
from tlib_gateway.registrations import SessionID
from tlib_gateway.site import Site


class State(enum.Enum):
    """Of a session; see the module's drawing."""

    NEW = "new"
    CHECKING = "checking"
    WAITING = "waiting"
    ACTIVE = "active"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class _Outstanding:
    request: Request
    deadline: float
    to_switch: bool


CAPABILITIES = (
    RequestRegisterClient,
    RequestRegisterAddress,
    RequestUnregisterAddress,
    RequestQueryAddress,
    RequestQueryServer,
    RequestQueryCall,
    RequestAttachUserData,
    RequestUpdateUserData,
    RequestDeletePair,
    RequestDeleteUserData,
    RequestReleaseCall,
    RequestClearCall,
)
"""Requests that are carried out; every other one is answered by an error."""


class Session:
    """One client. Times (``now``) are in seconds of any clock that only goes forward."""

    def __init__(self, session_id: SessionID, site: Site, limits: Limits, now: float, peer: str = "") -> None:
        self.id = session_id
        self.user = ""
        self._site = site
        self._limits = limits
        self._peer = peer
        self._state = State.NEW
        self._lines = LineBuffer(MAX_MESSAGE)
        self._effects: list[Effect] = []
        self._opened = now
        self._received = now
        self._sent = now
        self._login: RequestRegisterClient | None = None
        self._login_errors = 0
        self._outstanding: dict[int, _Outstanding] = {}
        self._tickets = 0
        self._reads = 0
        self._told_link_up = False

    # --- what the server asks ---------------------------------------------------------------------

    @property
    def state(self) -> State:
        """Where the session stands."""
        return self._state

    @property
    def wants_input(self) -> bool:
        """False: leave what the client sends in the socket for now."""
        return self._state is not State.CHECKING and self._reads < self._limits.outstanding_reads

    # --- what happens -----------------------------------------------------------------------------

    def receive(self, data: bytes, now: float) -> list[Effect]:
        """Bytes came from the client."""
        self._received = now
        self._lines.feed(data)
        self._handle_lines(now)
        return self._take_effects()

    def password_checked(self, right: bool, now: float) -> list[Effect]:
        """Result of ``CheckPassword``."""
        if self._state is State.CHECKING and self._login is not None:
            login, self._login = self._login, None
            configuration = self._site.configuration
            if right and configuration is not None and login.user_name in configuration.users:
                self.user = login.user_name
                self._site.counters.logins += 1
                self._enter(State.ACTIVE, user=login.user_name, application=login.application_name)
                self._tell_link(now, login.reference_id)
            else:
                self._refuse_login(login, now)
            self._handle_lines(now)
        return self._take_effects()

    def state_read(self, ticket: int, report: DNReport | None, now: float) -> list[Effect]:
        """Result of ``ReadState``; ``None``: the DN has been removed from the configuration."""
        outstanding = self._settle(ticket)
        if outstanding is not None:
            request = outstanding.request
            try:
                self._answer_with_state(request, report, now)
            except TLibError as error:
                self._fail(request, error, now)
            self._handle_lines(now)
        return self._take_effects()

    def answered(self, ticket: int, answer: bytes, now: float) -> list[Effect]:
        """The switch has answered: ``answer`` is the event as JSON, for this client only.

        Or it is ``ANSWERED_BY_EVENT``: the event comes to every client of the DN, by the way of all events.
        """
        if self._settle(ticket) is not None and answer != ANSWERED_BY_EVENT:
            self._send_line(answer, now)
        return self._take_effects()

    def refused(self, ticket: int, error: TLibError, now: float) -> list[Effect]:
        """The request did not get as far as the switch."""
        outstanding = self._settle(ticket)
        if outstanding is not None:
            self._fail(outstanding.request, error, now)
        return self._take_effects()

    def link_changed(self, now: float) -> list[Effect]:
        """``site.link_up`` is not what it was: tell the client; without a link there are no registrations."""
        if not self._site.link_up:
            self._site.registrations.release_all(self.id)
            for ticket, outstanding in list(self._outstanding.items()):
                self._settle(ticket)
                self._fail(outstanding.request, _no_switch(self._site), now)
        if self._state is State.ACTIVE and self._told_link_up != self._site.link_up:
            self._tell_link(now, None)
        self._handle_lines(now)
        return self._take_effects()

    def configuration_changed(self, now: float) -> list[Effect]:
        """``site.configuration`` was read again."""
        configuration = self._site.configuration
        if configuration is None:
            return []
        if self._state is State.WAITING and self._login is not None:
            self._check_password(self._login)
        elif self._state is State.ACTIVE:
            if self.user not in configuration.users:
                self._close("the user was removed or disabled", now, TError.SECURITY_VIOLATION)
            for dn in sorted(self._site.registrations.dns(self.id)):
                if dn not in configuration.dns:
                    self._site.registrations.release(self.id, dn)
                    log.info("unregistered", session=self.id, dn=dn, reason="removed from the configuration")
                    self._send(
                        EventUnregistered(
                            this_dn=dn,
                            error_code=int(TError.NOT_CONFIGURED),
                            error_message=f"ThisDN: {dn} was removed from the configuration",
                        ),
                        now,
                    )
        return self._take_effects()

    def delivered(self, now: float) -> None:
        """Events were sent to the client; they prove that the connection lives as well as a KeepAlive."""
        self._sent = now

    def tick(self, now: float) -> list[Effect]:
        """Time has passed. To be called several times a keep-alive period."""
        if not self.wants_input:
            # We are the ones who do not listen.
            self._received = now
        if self._state is State.NEW and now - self._opened >= self._limits.login_time:
            self._close(f"no login within {self._limits.login_time:g} s", now, TError.TIMEOUT)
        if self._state is not State.CLOSED and now - self._received >= 3 * self._limits.keep_alive:
            self._site.counters.silent_clients += 1
            self._close(f"silence for {3 * self._limits.keep_alive:g} s", now)
        for ticket, outstanding in list(self._outstanding.items()):
            if now >= outstanding.deadline:
                self._settle(ticket)
                text = f"no answer within {self._limits.request_time:g} s"
                self._fail(outstanding.request, TLibError(TError.TIMEOUT, text), now)
        if self._state is not State.CLOSED and now - self._sent >= self._limits.keep_alive:
            self._send(KeepAlive(), now)
        self._handle_lines(now)
        return self._take_effects()

    def end(self, reason: str, now: float) -> list[Effect]:
        """The gateway ends: say so and close."""
        if self._state is not State.CLOSED:
            if self._state is not State.NEW:
                self._send(_link_disconnected(self._site, now, reason, None), now)
            self._close(reason, now)
        return self._take_effects()

    def lost(self, reason: str) -> None:
        """The connection is gone."""
        if self._state is not State.CLOSED:
            self._enter(State.CLOSED, reason=reason)
        self._forget()

    # --- messages ---------------------------------------------------------------------------------

    def _handle_lines(self, now: float) -> None:
        while self._state is not State.CLOSED and self.wants_input:
            line = self._lines.next_line()
            if line is None:
                return
            if line == b"":
                continue
            try:
                if isinstance(line, TooLong):
                    text = f"the message is longer than {line.limit} bytes"
                    raise TLibError(TError.INVALID_ATTRIBUTE, text)
                request = decode_request(line)
                if not isinstance(request, KeepAlive):
                    self._handle(request, now)
            except TLibError as error:
                self._error(error, now)
                self._count_login_error(now)

    def _handle(self, request: Request, now: float) -> None:
        self._site.counters.requests += 1
        if isinstance(request, RequestRegisterClient):
            self._register_client(request, now)
            return
        try:
            if self._state is State.WAITING:
                raise _no_switch(self._site)
            if self._state is not State.ACTIVE:
                raise TLibError(TError.SECURITY_VIOLATION, "message: the first message must be RequestRegisterClient")
            preconditions.check(request, self.id, self._site)
            self._carry_out(request, now)
        except TLibError as error:
            self._fail(request, error, now)
            self._count_login_error(now)

    def _carry_out(self, request: Request, now: float) -> None:
        match request:
            case RequestRegisterAddress():
                self._site.registrations.reserve(self.id, request.this_dn, request.register_mode)
                self._ask_state(request, request.this_dn, now)
            case RequestUnregisterAddress():
                if not self._site.registrations.release(self.id, request.this_dn):
                    raise TLibError(TError.NOT_REGISTERED, f"ThisDN: the client has not registered {request.this_dn}")
                log.info("unregistered", session=self.id, dn=request.this_dn, reason="asked for")
                self._send(EventUnregistered(this_dn=request.this_dn, reference_id=request.reference_id), now)
            case RequestQueryAddress():
                self._ask_state(request, request.this_dn, now)
            case RequestQueryServer():
                self._send(
                    EventServerInfo(
                        reference_id=request.reference_id,
                        server_version=self._site.version,
                        server_role=ServerRole.PRIMARY,
                        capabilities=[message_name(known) for known in CAPABILITIES],
                    ),
                    now,
                )
            case RequestSetInputMask():
                raise TLibError(
                    TError.UNSUPPORTED_OPERATION, "RequestSetInputMask is not supported: all events are sent"
                )
            case _:
                self._submit(request, now)

    # --- login ------------------------------------------------------------------------------------

    def _register_client(self, request: RequestRegisterClient, now: float) -> None:
        if self._state is State.ACTIVE or self._login is not None:
            raise TLibError(TError.IN_SAME_STATE, "message: the client has registered already", request.reference_id)
        self._login = request
        if self._site.configuration is None:
            self._enter(State.WAITING, user=request.user_name, reason="no configuration yet")
            self._send(_link_disconnected(self._site, now, self._site.link_reason, request.reference_id), now)
        else:
            self._check_password(request)

    def _check_password(self, login: RequestRegisterClient) -> None:
        assert self._site.configuration is not None
        user = self._site.configuration.users.get(login.user_name)
        self._enter(State.CHECKING, user=login.user_name, application=login.application_name)
        self._effects.append(CheckPassword(login.password, user.password_hash if user else None))

    def _refuse_login(self, login: RequestRegisterClient, now: float) -> None:
        self._site.counters.refused_logins += 1
        self._fail(login, TLibError(TError.BAD_PASSWORD), now)
        self._close(TError.BAD_PASSWORD.text, now)

    def _count_login_error(self, now: float) -> None:
        if self._state in (State.NEW, State.WAITING):
            self._login_errors += 1
            if self._login_errors >= self._limits.login_errors:
                self._close("too many errors before login", now)

    def _tell_link(self, now: float, reference_id: int | None) -> None:
        self._told_link_up = self._site.link_up
        if self._site.link_up:
            self._send(EventLinkConnected(time=Time.at(self._site.epoch + now), reference_id=reference_id), now)
        else:
            self._send(_link_disconnected(self._site, now, self._site.link_reason, reference_id), now)

    # --- requests that wait for somebody ----------------------------------------------------------

    def _ask_state(self, request: Request, dn: str, now: float) -> None:
        self._reads += 1
        self._effects.append(ReadState(self._await(request, now, to_switch=False), dn))

    def _submit(self, request: Request, now: float) -> None:
        if len(self._outstanding) - self._reads >= self._limits.outstanding:
            raise TLibError(
                TError.OUTSTANDING_REQUEST_LIMIT, f"{self._limits.outstanding} requests wait for their answers"
            )
        ticket = self._await(request, now, to_switch=True)
        self._effects.append(Submit(ticket, _without_secrets(request), preconditions.calls_required(request)))

    def _await(self, request: Request, now: float, *, to_switch: bool) -> int:
        self._tickets += 1
        deadline = now + self._limits.request_time
        self._outstanding[self._tickets] = _Outstanding(request, deadline, to_switch)
        return self._tickets

    def _settle(self, ticket: int) -> _Outstanding | None:
        outstanding = self._outstanding.pop(ticket, None)
        if outstanding is not None and not outstanding.to_switch:
            self._reads -= 1
        return outstanding

    def _answer_with_state(self, request: Request, report: DNReport | None, now: float) -> None:
        dn: str = getattr(request, "this_dn")  # noqa: B009  # only requests with ThisDN ask for state
        if report is None:
            self._site.registrations.release(self.id, dn)
            raise TLibError(TError.NOT_CONFIGURED, f"ThisDN: {dn} is not configured")
        if isinstance(request, RequestQueryAddress):
            self._send(dn_report.address_info(report, request), now)
        elif isinstance(request, RequestRegisterAddress):
            mode = self._site.registrations.mode(self.id, dn)
            if mode is None:
                raise TLibError(TError.NOT_REGISTERED, f"ThisDN: {dn} was unregistered meanwhile")
            self._site.registrations.activate(self.id, dn)
            log.info("registered", session=self.id, dn=dn, mode=mode.value)
            self._send(dn_report.registered(report, request), now)

    # --- output -----------------------------------------------------------------------------------

    def _fail(self, request: Request, error: TLibError, now: float) -> None:
        if isinstance(request, RequestRegisterAddress) and error.code != TError.RESOURCE_SEIZED:
            self._give_back(request)
        self._error(
            error,
            now,
            reference_id=request.reference_id,
            this_dn=getattr(request, "this_dn", None),
            conn_id=getattr(request, "conn_id", None),
        )

    def _give_back(self, request: RequestRegisterAddress) -> None:
        """A registration that failed leaves no reservation, unless an earlier one of the same DN lives on."""
        registrations = self._site.registrations
        if self.id not in registrations.subscribers.get(request.this_dn, ()):
            registrations.release(self.id, request.this_dn)

    def _error(
        self,
        error: TLibError,
        now: float,
        reference_id: int | None = None,
        this_dn: str | None = None,
        conn_id: str | None = None,
    ) -> None:
        self._site.counters.errors += 1
        event = EventError(
            error_code=int(error.code),
            error_message=error.message,
            reference_id=error.reference_id if reference_id is None else reference_id,
            this_dn=this_dn,
            conn_id=conn_id,
        )
        self._send(event, now)

    def _send(self, message: Event | KeepAlive, now: float) -> None:
        self._send_line(encode(message), now)

    def _send_line(self, text: bytes, now: float) -> None:
        if self._state is not State.CLOSED:
            self._effects.append(Send(text + b"\n"))
            self._sent = now

    def _close(self, reason: str, now: float, error: TError | None = None) -> None:
        if self._state is State.CLOSED:
            return
        if error is not None:
            self._error(TLibError(error, reason), now)
        self._enter(State.CLOSED, reason=reason)
        self._effects.append(Close(reason))
        self._forget()

    def _forget(self) -> None:
        self._site.registrations.release_all(self.id)
        self._outstanding.clear()
        self._reads = 0
        self._login = None

    def _enter(self, state: State, **values: object) -> None:
        before, self._state = self._state, state
        log.info("session", session=self.id, peer=self._peer, state=f"{before.value}->{state.value}", **values)

    def _take_effects(self) -> list[Effect]:
        effects, self._effects = self._effects, []
        return effects


def _no_switch(site: Site) -> TLibError:
    return TLibError(TError.NO_SWITCH, f"{TError.NO_SWITCH.text}: {site.link_reason}")


def _link_disconnected(site: Site, now: float, reason: str, reference_id: int | None) -> EventLinkDisconnected:
    return EventLinkDisconnected(
        time=Time.at(site.epoch + now), reference_id=reference_id, extensions={"Reason": reason}
    )


def _without_secrets(request: Request) -> Request:
    """Passwords are never stored: what the switch gets has none."""
    return msgspec.structs.replace(request, password="") if hasattr(request, "password") else request
