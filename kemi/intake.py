"""The intake process: brings into Kamailio what is decided outside: the configuration, and requests of clients.

It listens to PostgreSQL; a change of configuration reaches the SIP workers within a second, through shared memory. A
configuration that cannot be used leaves the one before it in force.
"""

import time
from typing import Protocol

import msgspec

from kemi import configuration, database, facts
from kemi.database import Backoff, ConnectionLost, Link, Refused
from kemi.interfaces import Clock, Log, Queue, Shared, Table
from kemi.metrics import Metric, Metrics
from kemi.occasion import Occasion
from kemi.routing.site import Site
from kemi.wakeup import Poke
from tlib.codec import encode
from tlib.errors import TError
from tlib.events import EventError

DEBOUNCE = 0.1
"""Seconds that a changed configuration must have been quiet before it is read."""

DEBOUNCE_LIMIT = 0.4
"""Seconds after which it is read in any case."""

RETRY_SITE = 1.0
"""Seconds until a configuration that could not be published is tried again."""

REQUEST_LIFETIME = 10
"""Seconds: an older request is answered with TERR_TIMEOUT. A call made a minute late is worse than an error."""

CLAIM = 100
"""Requests that are taken at a time."""

RUN = 1.0
"""About so many seconds the process stays in one ``run_once``."""

SLEEP = 0.5
"""Longest sleep, seconds."""

_LISTEN = b"SET timezone = 'UTC'; SET statement_timeout = '10s'; LISTEN kamcti_config; LISTEN kamcti_request"

_TAKE = b"""
WITH waiting AS (
    SELECT id FROM kamcti.request WHERE taken_at IS NULL ORDER BY id LIMIT %d FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE kamcti.request SET taken_at = now() FROM waiting WHERE request.id = waiting.id
    RETURNING request.id, name, dn, reference_id, body, created_at < now() - interval '%d seconds' AS expired
)
SELECT json_build_object('id', id, 'name', name, 'dn', dn, 'reference_id', reference_id, 'body', body,
    'expired', expired)::text
FROM taken ORDER BY id
""" % (CLAIM, REQUEST_LIFETIME)

# Taken by an earlier run, which ended before it could answer: nobody knows how far it came.
_LEFT = b"""
SELECT json_build_object('id', id, 'name', name, 'dn', dn, 'reference_id', reference_id, 'body', body,
    'expired', true)::text
FROM kamcti.request WHERE taken_at IS NOT NULL AND answered_at IS NULL ORDER BY id
"""

_ANSWER = b"""
UPDATE kamcti.request SET answer = $2::json, answered_at = now() WHERE id = $1::bigint AND answered_at IS NULL
"""


class Publisher(Protocol):
    """Puts a configuration where the SIP workers find it. Raises ``OSError``."""

    def publish(self, site: Site) -> None: ...


class _Taken(msgspec.Struct, frozen=True):
    id: int
    name: str
    dn: str | None
    reference_id: int
    body: msgspec.Raw
    expired: bool


_decoder = msgspec.json.Decoder(_Taken)


class Intake:
    """Call ``run_once`` again and again from one process."""

    def __init__(
        self,
        *,
        conninfo: str,
        publisher: Publisher,
        facts_queue: Queue,
        poke_controller: Poke,
        metrics: Metrics,
        log: Log,
        monotonic: Clock = time.monotonic,
    ) -> None:
        self._conninfo = conninfo
        self._publisher = publisher
        self._facts = facts_queue
        self._poke_controller = poke_controller
        self._metrics = metrics
        self._log = log
        self._monotonic = monotonic
        self._link: Link | None = None
        self._ready = False
        self._backoff = Backoff()
        self._first_connection = True
        self._published: bytes | None = None
        self._changed_at: float | None = None
        self._read_site_at: float | None = None
        self._requests_wait = False
        self._say_waiting = Occasion(5.0)

    def run_once(self) -> None:
        """Follows the database for about ``RUN`` seconds."""
        until = self._monotonic() + RUN
        while True:
            self.advance()
            now = self._monotonic()
            self._metrics.publish(now)
            if now >= until:
                return
            self._rest(now)

    def advance(self) -> None:
        """Does what there is to do now, and waits for nothing but the answers of PostgreSQL."""
        now = self._monotonic()
        try:
            if self._link is None:
                if now >= self._backoff.at:
                    self._link = Link(self._conninfo, "kamcti intake")
            elif not self._ready:
                if self._link.connect():
                    self._begin(self._link, now)
            else:
                self._follow(self._link, now)
        except (ConnectionLost, Refused) as error:
            self._lose(str(error), now)

    def close(self) -> None:
        if self._link is not None:
            self._link.close()
            self._link = None

    def _begin(self, link: Link, now: float) -> None:
        link.run(_LISTEN)
        if self._first_connection:
            self._expire([_decoder.decode(_text(row)) for row in link.execute(_LEFT)], link)
            self._first_connection = False
        self._ready = True
        self._backoff.succeeded()
        self._metrics.add(Metric.INTAKE_CONNECTIONS)
        self._metrics.set(Metric.INTAKE_CONNECTED, 1)
        self._log.info(f"process=intake state=connected {database.place(self._conninfo)}")
        # Whatever was notified while nobody listened.
        self._read_site_at = now
        self._requests_wait = True
        self._follow(link, now)

    def _follow(self, link: Link, now: float) -> None:
        channels = link.notifications()
        if "kamcti_config" in channels:
            self._changed_at = self._changed_at if self._changed_at is not None else now
            self._read_site_at = min(now + DEBOUNCE, self._changed_at + DEBOUNCE_LIMIT)
        self._requests_wait |= "kamcti_request" in channels
        if self._requests_wait:
            self._take_requests(link)
        if self._read_site_at is not None and now >= self._read_site_at:
            self._changed_at = self._read_site_at = None
            self._read_site(link, now)

    def _lose(self, why: str, now: float) -> None:
        self.close()
        if self._ready or self._say_waiting.due(now):
            self._log.warning(f"process=intake state=waiting {database.place(self._conninfo)} error={why}")
        self._ready = False
        self._metrics.set(Metric.INTAKE_CONNECTED, 0)
        self._backoff.failed(now)

    # --- configuration ----------------------------------------------------------------------------

    def _read_site(self, link: Link, now: float) -> None:
        ((text,),) = link.execute(configuration.SITE)
        if text is None or text == self._published:
            return
        try:
            site = configuration.decode(text)
            self._publisher.publish(site)
        except configuration.Unusable as error:
            self._keep(str(error))
        except OSError as error:
            self._keep(str(error))
            self._read_site_at = now + RETRY_SITE
        else:
            self._published = text
            self._metrics.add(Metric.SITE_VERSIONS)
            self._tell(facts.SiteChanged(site=site))

    def _keep(self, why: str) -> None:
        self._metrics.add(Metric.SITES_REFUSED)
        kept = "none" if self._published is None else "the-one-before"
        self._log.error(f"process=intake configuration=refused kept={kept} error={why}")

    # --- requests ---------------------------------------------------------------------------------

    def _take_requests(self, link: Link) -> None:
        taken = [_decoder.decode(_text(row)) for row in link.execute(_TAKE)]
        # As many as asked for: there may be more.
        self._requests_wait = len(taken) == CLAIM
        self._metrics.add(Metric.REQUESTS_TAKEN, len(taken))
        self._expire([request for request in taken if request.expired], link)
        for request in taken:
            if not request.expired:
                self._tell(
                    facts.Request(
                        id=request.id,
                        name=request.name,
                        dn=request.dn,
                        reference_id=request.reference_id or None,
                        body=request.body,
                    )
                )

    def _expire(self, requests: list[_Taken], link: Link) -> None:
        for request in requests:
            answer = EventError(
                reference_id=request.reference_id or None,
                error_code=TError.TIMEOUT,
                error_message=f"{request.name} waited too long for the switch",
                this_dn=request.dn,
            )
            link.execute(_ANSWER, [b"%d" % request.id, encode(answer)])
            self._metrics.add(Metric.REQUESTS_EXPIRED)
            self._log.warning(f"process=intake request={request.id} name={request.name} answer=timeout")

    def _tell(self, fact: facts.SiteChanged | facts.Request) -> None:
        self._facts.put(facts.kind_of(fact), facts.encode(fact))
        self._poke_controller()

    def _rest(self, now: float) -> None:
        if self._link is None:
            time.sleep(min(SLEEP, max(0.01, self._backoff.at - now)))
        elif not self._ready:
            time.sleep(0.01)
        elif not self._requests_wait:
            timeout = SLEEP if self._read_site_at is None else min(SLEEP, self._read_site_at - now)
            self._link.wait(max(0.0, timeout))


def _text(row: database.Row) -> bytes:
    (text,) = row
    assert text is not None
    return text


def build(*, facts_queue: Queue, publisher: Publisher, metrics: Table, shared: Shared, log: Log) -> Intake:
    """The intake of this Kamailio; nothing is opened before its first ``run_once``."""
    return Intake(
        conninfo=database.from_environment(),
        publisher=publisher,
        facts_queue=facts_queue,
        poke_controller=Poke("controller", shared),
        metrics=Metrics(metrics),
        log=log,
    )
