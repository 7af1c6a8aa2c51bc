"""The controller process: owns every call. It takes the facts of the switch, and hands events and rows to the journal.

It never touches the database, so SIP never waits for it, and one process owns the state, so nothing is locked.
"""

import os
import secrets
import time
import traceback
from collections.abc import Callable

import msgspec

from kemi import facts, rows
from kemi.calls.effects import CallChanged, CallEnded, Effect, Inconsistency, Oddity, Publish, SendRequest
from kemi.calls.model import CallFact, CallModel
from kemi.calls.party import Input, Party, State
from kemi.interfaces import Clock, Log, Queue, Shared, Table
from kemi.metrics import Metric, Metrics
from kemi.occasion import Occasion
from kemi.outbox import End, Outbox
from kemi.requests.table import carry_out
from kemi.routing.site import Site
from kemi.termination import Termination
from kemi.wakeup import Poke, Waiter
from tlib.codec import ANSWERED_BY_EVENT, encode
from tlib.errors import TError, TLibError
from tlib.events import EventError

NAP = 0.016
"""Seconds between two looks at the queue while there is work: facts are handled in batches of so much time.

Waking a process costs more than the few facts that it then finds, so this is what the CPU that a call costs hangs on.
It is also the longest that a fact waits.
"""

NAPS = 2
"""So many looks in vain, and the process goes to sleep."""

SLEEP = 0.5
"""Longest sleep, seconds: what a lost poke costs."""

RUN = 1.0
"""About so many seconds the process stays in one ``run_once``."""

BATCH_FACTS = 500
"""Facts of one batch at most: bounds the size of a queue entry."""

_CALL_FACTS = (
    facts.Invite,
    facts.Ringing,
    facts.Answered,
    facts.Confirmed,
    facts.Failed,
    facts.Cancelled,
    facts.Bye,
    facts.Target,
)

_ODDITIES = {
    Oddity.LATE: Metric.FACTS_LATE,
    Oddity.UNKNOWN_LEG: Metric.FACTS_UNKNOWN_LEG,
    Oddity.UNEXPECTED: Metric.FACTS_UNEXPECTED,
    Oddity.DUPLICATE: Metric.FACTS_DUPLICATE,
}


class Controller:
    """Call ``run_once`` again and again from one process."""

    def __init__(
        self,
        *,
        facts_queue: Queue,
        rows_queue: Queue,
        waiter: Waiter,
        poke_journal: Callable[[], None],
        outbox: Outbox,
        metrics: Metrics,
        log: Log,
        wall_clock: Clock = time.time,
        monotonic: Clock = time.monotonic,
        exit_process: Callable[[int], None] = os._exit,
    ) -> None:
        self._facts = facts_queue
        self._rows = rows_queue
        self._waiter = waiter
        self._poke_journal = poke_journal
        self._outbox = outbox
        self._metrics = metrics
        self._log = log
        self._wall_clock = wall_clock
        self._monotonic = monotonic
        self._exit = exit_process
        self._termination = Termination(waiter.poke_self)
        self._model = CallModel()
        self._looks_in_vain = 0
        self._complaints = {metric: Occasion(5.0) for metric in _ODDITIES.values()}
        self._destinations: dict[str, list[tuple[str, int]]] = {}
        self._destination_states: dict[str, tuple[bool, float]] = {}
        self._handlers: dict[type[facts.Fact], Callable[[facts.Fact, float, _Done], None]] = {
            facts.Destination: self._destination,
            facts.SiteChanged: self._site,
            facts.Request: self._request,
            facts.Result: self._result,
            **dict.fromkeys(_CALL_FACTS, self._call_fact),
        }

    def run_once(self) -> None:
        """Handles facts as they come, for about ``RUN`` seconds."""
        self._termination.install()
        self._waiter.open()
        until = self._monotonic() + RUN
        while True:
            if self.handle_waiting():
                self._looks_in_vain = 0
                self._waiter.nap(NAP)
            elif self._looks_in_vain < NAPS:
                self._looks_in_vain += 1
                self._waiter.nap(NAP)
            else:
                self._waiter.sleep(SLEEP, self._look)
            now = self._monotonic()
            if self._outbox:
                self._repeat_requests(now)
            self._metrics.publish(now)
            if self._termination.requested:
                self._finish()
                return
            if now >= until:
                return

    def handle_waiting(self) -> bool:
        """Handles what is in the queue now, at most ``BATCH_FACTS``, as one batch; whether there was anything."""
        entry = self._facts.get()
        if entry is None:
            return False
        now = self._wall_clock()
        done = _Done()
        number = 0
        while entry is not None:
            number += 1
            self._handle(*entry, now, done)
            entry = self._facts.get() if number < BATCH_FACTS else None
        self._metrics.add(Metric.FACTS, number)
        batch = self._batch(done)
        if batch is not None:
            self._rows.put(rows.KIND, rows.encode(batch))
            self._poke_journal()
        return True

    def _look(self) -> bool:
        if not self.handle_waiting():
            return False
        self._looks_in_vain = 0
        return True

    def _finish(self) -> None:
        while self.handle_waiting():
            pass
        self._log.info(f"process=controller state=ended calls={len(self._model.calls)}")
        self._exit(0)

    def _handle(self, kind: str, body: str, now: float, done: "_Done") -> None:
        try:
            fact = facts.decode(kind, body)
        except facts.Malformed as error:
            self._metrics.add(Metric.FACTS_MALFORMED)
            self._log.error(f"fact={kind[:40]} error={error}")
            return
        self._handlers[type(fact)](fact, now, done)

    def _call_fact(self, fact: facts.Fact, now: float, done: "_Done") -> None:
        assert isinstance(fact, _CALL_FACTS)
        try:
            self._model.handle(fact, now, done.effects)
        except Exception:
            self._give_up(fact, now, done)

    def _give_up(self, fact: CallFact, now: float, done: "_Done") -> None:
        """A fault of the model costs the call in which it shows, and no other."""
        self._drop(self._model.connid_of(fact), f"fact={facts.kind_of(fact)}", now, done)

    def _drop(self, connid: str | None, what: str, now: float, done: "_Done") -> None:
        """Ends the call in which the model failed just now."""
        self._metrics.add(Metric.CALLS_FAILED_IN_MODEL)
        what = f"connid={connid} {what}"
        self._log.error(f"{what} error=the-model-failed {traceback.format_exc()}")
        if connid is None:
            return
        try:
            self._model.release(connid, now, done.effects)
        except Exception:
            self._log.error(f"{what} error=the-call-could-not-be-released {traceback.format_exc()}")
            self._model.forget(connid, done.effects)

    def _batch(self, done: "_Done") -> rows.Batch | None:
        events: list[rows.EventRow] = []
        changed: dict[str, CallChanged] = {}
        ended: list[str] = []
        for effect in done.effects:
            if isinstance(effect, Publish):
                events.append(rows.event_row(effect))
            elif isinstance(effect, CallChanged):
                before = changed.get(effect.connid)
                changed[effect.connid] = effect if before is None else before.and_(effect)
            elif isinstance(effect, SendRequest):
                self._metrics.add(Metric.SIP_REQUESTS)
                self._outbox.send(effect, self._monotonic())
            elif isinstance(effect, CallEnded):
                changed.pop(effect.connid, None)
                ended.append(effect.connid)
            else:
                self._complain(effect)
        self._metrics.add(Metric.EVENTS, len(events))
        self._metrics.add(Metric.CALLS_ENDED, len(ended))
        calls = self._model.calls
        self._metrics.set(Metric.CALLS, len(calls))
        if not (events or changed or ended or done.destinations or done.answers):
            return None
        return rows.Batch(
            events=events,
            calls=[rows.live_call(calls[connid], effect) for connid, effect in changed.items()],
            ended=ended,
            destinations=done.destinations,
            answers=done.answers,
        )

    def _complain(self, oddity: Inconsistency) -> None:
        metric = _ODDITIES[oddity.kind]
        self._metrics.add(metric)
        text = f"inconsistency={oddity.kind} connid={oddity.connid} leg={oddity.leg} what={oddity.what!r}"
        if oddity.kind is Oddity.LATE:
            self._log.debug(text)
        elif self._complaints[metric].due(self._monotonic()):
            self._log.warning(text)

    def _destination(self, fact: facts.Fact, now: float, done: "_Done") -> None:
        assert isinstance(fact, facts.Destination)
        known = self._destination_states.get(fact.uri)
        if known is not None and known[0] == fact.up and fact.uri in self._destinations:
            return  # Each trunk that has it tells the same.
        self._destination_states[fact.uri] = fact.up, now
        if fact.uri in self._destinations:
            done.destinations += self._destination_rows(fact.uri)
            self._log.info(f"destination={fact.uri} state={'up' if fact.up else 'down'}")
        elif self._destinations:
            self._metrics.add(Metric.FACTS_UNKNOWN_DESTINATION)
            self._log.warning(f"destination={fact.uri} error=not-in-the-configuration")

    def _site(self, fact: facts.Fact, now: float, done: "_Done") -> None:
        assert isinstance(fact, facts.SiteChanged)
        site = fact.site
        self._destinations = _destinations(site)
        for uri in self._destination_states.keys() - self._destinations.keys():
            del self._destination_states[uri]
        # The switch takes a destination for up until OPTIONS or a call shows that it is not. One that is known may
        # have another place now, or have reported before the first configuration came.
        for uri in self._destinations:
            self._destination_states.setdefault(uri, (True, now))
            done.destinations += self._destination_rows(uri)
        self._model.set_hook_events(site.options.get("hook-events", True) is not False)
        self._model.trace = self._trace if site.options.get("log-transitions", True) is not False else None
        self._log.info(f"site={site.name} dns={len(site.dns)} trunks={len(site.trunks)}")

    def _destination_rows(self, uri: str) -> list[rows.DestinationRow]:
        up, since = self._destination_states[uri]
        state = "up" if up else "down"
        return [rows.DestinationRow(trunk, position, state, since) for trunk, position in self._destinations[uri]]

    def _request(self, fact: facts.Fact, now: float, done: "_Done") -> None:
        assert isinstance(fact, facts.Request)
        self._metrics.add(Metric.REQUESTS)
        begin = len(done.effects)
        try:
            event = carry_out(self._model, fact.name, bytes(fact.body), now, done.effects)
            answer = ANSWERED_BY_EVENT if event is None else encode(event)
        except TLibError as error:
            refused = Metric.REQUESTS_UNSUPPORTED if error.code == TError.UNSUPPORTED_OPERATION else None
            self._metrics.add(refused or Metric.REQUESTS_REFUSED)
            answer = encode(_refusal(fact, error))
        except Exception:
            self._metrics.add(Metric.REQUESTS_FAILED_IN_MODEL)
            self._log.error(f"request={fact.id} name={fact.name} error=the-model-failed {traceback.format_exc()}")
            if len(done.effects) > begin:
                self._drop(_connid(fact), f"request={fact.id} name={fact.name}", now, done)
            answer = encode(_refusal(fact, TLibError(TError.INTERNAL)))
        done.answers.append(rows.AnswerRow(fact.id, msgspec.Raw(answer)))

    def _result(self, fact: facts.Fact, _now: float, _done: "_Done") -> None:
        assert isinstance(fact, facts.Result)
        end = self._outbox.ended(fact)
        text = f"leg={fact.leg} method={fact.method} status={fact.code} request={end}"
        if end is End.FAILED:
            self._metrics.add(Metric.SIP_REQUESTS_FAILED)
            self._log.warning(text)
        else:
            self._log.debug(text)

    def _repeat_requests(self, now: float) -> None:
        lost = self._outbox.look(now)
        if lost:
            self._metrics.add(Metric.SIP_REQUESTS_LOST, lost)
            self._log.error(f"requests={lost} error=no-result")

    def _trace(self, party: Party, what: Input, before: State) -> None:
        leg = party.leg.id if party.leg is not None else ""
        self._log.info(
            f'connid={party.connid} dn={party.number} leg={leg} input="{what}" state={before}->{party.state}'
        )


class _Done:
    """What the facts of one batch led to."""

    __slots__ = ("answers", "destinations", "effects")

    def __init__(self) -> None:
        self.effects: list[Effect] = []
        self.destinations: list[rows.DestinationRow] = []
        self.answers: list[rows.AnswerRow] = []


def _refusal(request: facts.Request, error: TLibError) -> EventError:
    """For the requester alone; it names the call as the request did."""
    return EventError(
        reference_id=request.reference_id or None,
        error_code=int(error.code),
        error_message=error.message,
        this_dn=request.dn,
        conn_id=_connid(request),
    )


def _connid(request: facts.Request) -> str | None:
    """The call that a request names."""
    try:
        return _named_call.decode(request.body).conn_id
    except msgspec.DecodeError:
        return None


class _NamedCall(msgspec.Struct, frozen=True):
    conn_id: str | None = msgspec.field(name="ConnID", default=None)


_named_call = msgspec.json.Decoder(_NamedCall)


def _destinations(site: Site) -> dict[str, list[tuple[str, int]]]:
    """The places of each URI: trunk and position."""
    places: dict[str, list[tuple[str, int]]] = {}
    for trunk in site.trunks:
        for destination in trunk.destinations:
            places.setdefault(destination.uri, []).append((trunk.dn, destination.position))
    return places


def build(
    *,
    facts_queue: Queue,
    rows_queue: Queue,
    metrics: Table,
    shared: Shared,
    log: Log,
    send_to_switch: Callable[[int, str], None],
) -> Controller:
    """The controller of this Kamailio; nothing is opened before its first ``run_once``.

    ``send_to_switch`` sends a datagram to a loopback port of the switch.
    """
    port = shared.get("controller_requests_port")
    if not isinstance(port, int):
        raise TypeError(f"$shv(controller_requests_port) is {port!r}, not a port")
    secret = secrets.token_hex(16)
    shared.set("controller_secret", secret)
    return Controller(
        outbox=Outbox(lambda text: send_to_switch(port, text), port, secret),
        facts_queue=facts_queue,
        rows_queue=rows_queue,
        waiter=Waiter("controller", shared),
        poke_journal=Poke("journal", shared),
        metrics=Metrics(metrics),
        log=log,
    )
