"""Every number that the processes inside Kamailio count, by its name; ``kamcmd htable.dump metrics`` shows them."""

from enum import StrEnum

from kemi.interfaces import Table

PUBLISH_INTERVAL = 1.0
"""Seconds between two looks at what has changed."""


class Metric(StrEnum):
    """The prefix is the process that counts."""

    FACTS = "controller.facts"
    """Facts of the switch that were handled."""
    FACTS_MALFORMED = "controller.facts.malformed"
    FACTS_LATE = "controller.facts.late"
    """Facts about a leg of a call that had just ended: harmless."""
    FACTS_UNKNOWN_LEG = "controller.facts.unknown_leg"
    FACTS_UNEXPECTED = "controller.facts.unexpected"
    """Facts that cannot happen to a party in the state it was in."""
    FACTS_DUPLICATE = "controller.facts.duplicate"
    FACTS_UNKNOWN_DESTINATION = "controller.facts.unknown_destination"
    """State of a trunk destination that the configuration does not have."""
    EVENTS = "controller.events"
    """T-Library events that were made."""
    CALLS = "controller.calls"
    """Calls in progress."""
    CALLS_ENDED = "controller.calls.ended"
    CALLS_FAILED_IN_MODEL = "controller.calls.failed_in_model"
    """Calls that were given up because handling a fact raised an exception."""
    REQUESTS = "controller.requests"
    """Requests of clients."""
    REQUESTS_UNSUPPORTED = "controller.requests.unsupported"
    REQUESTS_REFUSED = "controller.requests.refused"
    """Requests that were answered with any other error."""
    REQUESTS_FAILED_IN_MODEL = "controller.requests.failed_in_model"
    """Requests that were answered with TERR_INTERNAL because carrying them out raised an exception."""
    SIP_REQUESTS = "controller.sip_requests"
    """SIP requests of the controller's own."""
    SIP_REQUESTS_FAILED = "controller.sip_requests.failed"
    """Of these: refused by the endpoint, or without an answer."""
    SIP_REQUESTS_LOST = "controller.sip_requests.lost"
    """Of these: the switch has not told how they ended."""

    WRITTEN_EVENTS = "journal.events"
    """Events that are in the event log."""
    FLUSHES = "journal.flushes"
    """Transactions that were committed."""
    QUEUED_EVENTS = "journal.queued.events"
    """Events that wait in the journal's memory."""
    QUEUED_BYTES = "journal.queued.bytes"
    DROPPED_EVENTS = "journal.dropped.events"
    """Events that were given up because too many waited."""
    SKIPPED_ROWS = "journal.skipped.rows"
    """Rows that PostgreSQL refused for what they hold."""
    MALFORMED_ROWS = "journal.malformed.batches"
    JOURNAL_LAG = "journal.lag.ms"
    """Age of the oldest event of the last transaction when it was committed, milliseconds."""
    JOURNAL_CONNECTIONS = "journal.connections"
    """Connections to PostgreSQL that were made."""
    JOURNAL_CONNECTED = "journal.connected"
    """1 while the journal can write."""

    SITE_VERSIONS = "intake.sites"
    """Configurations that were published."""
    SITES_REFUSED = "intake.sites.refused"
    INTAKE_CONNECTIONS = "intake.connections"
    INTAKE_CONNECTED = "intake.connected"
    REQUESTS_TAKEN = "intake.requests"
    REQUESTS_EXPIRED = "intake.requests.expired"
    """Requests that were too old when they were found; answered with TERR_TIMEOUT."""


class Metrics:
    """The numbers of one process."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._values: dict[Metric, int] = {}
        self._published: dict[Metric, int] = {}
        self._next = 0.0

    def add(self, metric: Metric, number: int = 1) -> None:
        self._values[metric] = self._values.get(metric, 0) + number

    def set(self, metric: Metric, value: int) -> None:
        self._values[metric] = value

    def value(self, metric: Metric) -> int:
        return self._values.get(metric, 0)

    def publish(self, now: float) -> None:
        """Writes what has changed into the table, at most once in ``PUBLISH_INTERVAL``; ``now`` is monotonic."""
        if now < self._next:
            return
        self._next = now + PUBLISH_INTERVAL
        for metric, value in self._values.items():
            if self._published.get(metric) != value:
                self._published[metric] = value
                self._table.set(metric.value, str(value))
