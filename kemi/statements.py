"""The journal's SQL: one prepared statement, and so one round trip and one transaction, writes a whole chunk.

Rows travel as JSON (``json_to_recordset``): one parameter a table, however many rows. A row that says what the table
says already is not written again.
"""

from collections.abc import Iterable, Sequence

import msgspec

from kemi.backlog import Chunk
from kemi.rows import LegRow, PartyRow
from tlib.codec import number_event

_EVENTS_AND_CALLS = """
WITH new_event AS (
    INSERT INTO kamcti.event (seq, at, this_dn, name, connid, body)
    SELECT seq, to_timestamp(at), this_dn, name, connid, body
    FROM json_to_recordset($1::json)
        AS r (seq bigint, at double precision, this_dn text, name text, connid text, body json)
), ended_call AS (
    DELETE FROM kamcti.call WHERE connid = ANY ($2::text[])
), live_call AS (
    INSERT INTO kamcti.call (connid, call_uuid, call_type, ani, dnis, trunk_in, user_data, created_at)
    SELECT connid, call_uuid, call_type, ani, dnis, trunk_in, user_data, to_timestamp(created_at)
    FROM json_to_recordset($3::json) AS r (connid text, call_uuid text, call_type kamcti.call_type, ani text,
        dnis text, trunk_in text, user_data jsonb, created_at double precision)
    ON CONFLICT (connid) DO UPDATE SET call_type = excluded.call_type, user_data = excluded.user_data
    WHERE (call.call_type, call.user_data) IS DISTINCT FROM (excluded.call_type, excluded.user_data)
), live_party AS (
    INSERT INTO kamcti.party (connid, dn, role, state, leg, since)
    SELECT connid, dn, role, state, leg, to_timestamp(since)
    FROM json_to_recordset($4::json) AS r (connid text, dn text, role kamcti.dn_role, state kamcti.party_state,
        leg text, since double precision)
    ON CONFLICT (connid, dn) DO UPDATE
    SET role = excluded.role, state = excluded.state, leg = excluded.leg, since = excluded.since
    WHERE (party.role, party.state, party.leg) IS DISTINCT FROM (excluded.role, excluded.state, excluded.leg)
), live_leg AS (
    INSERT INTO kamcti.leg (id, connid, call_id, local_uri, remote_uri, remote_tag, remote_target, route_set,
        socket, trunk, peer, since)
    SELECT id, connid, call_id, local_uri, remote_uri, remote_tag, remote_target, route_set, socket, trunk, peer,
        to_timestamp(since)
    FROM json_to_recordset($5::json) AS r (id text, connid text, call_id text, local_uri text, remote_uri text,
        remote_tag text, remote_target text, route_set text, socket text, trunk text, peer text,
        since double precision)
    ON CONFLICT (id) DO UPDATE SET connid = excluded.connid, remote_tag = excluded.remote_tag,
        remote_target = excluded.remote_target, route_set = excluded.route_set, socket = excluded.socket,
        trunk = excluded.trunk, peer = excluded.peer
    WHERE (leg.connid, leg.remote_tag, leg.remote_target, leg.route_set, leg.socket, leg.trunk, leg.peer)
        IS DISTINCT FROM (excluded.connid, excluded.remote_tag, excluded.remote_target, excluded.route_set,
            excluded.socket, excluded.trunk, excluded.peer)
)"""

# A destination that the configuration does not have any more is passed over, and so is a request that was deleted.
_THE_REST = """, destination AS (
    INSERT INTO kamcti.trunk_state (trunk, position, state, since)
    SELECT d.trunk, d.position, r.state, to_timestamp(r.since)
    FROM json_to_recordset($7::json)
        AS r (trunk text, position integer, state kamcti.destination_state, since double precision)
    JOIN kamcti.trunk_destination d ON d.trunk = r.trunk AND d.position = r.position
    ON CONFLICT (trunk, position) DO UPDATE SET state = excluded.state, since = excluded.since
    WHERE trunk_state.state IS DISTINCT FROM excluded.state
), answered AS (
    UPDATE kamcti.request SET answer = r.answer, answered_at = now()
    FROM json_to_recordset($8::json) AS r (id bigint, answer json)
    WHERE request.id = r.id AND request.answered_at IS NULL
)"""

_NOTIFY = "\nSELECT pg_notify('kamcti_event', $6::text) WHERE $6::text <> ''"

WRITE = b"write"
"""Events and calls: all that there is at nearly every time."""
WRITE_ALL = b"write_all"
"""The same with trunk destinations and answers to requests."""

PREPARED = {
    WRITE: (_EVENTS_AND_CALLS + _NOTIFY).encode(),
    WRITE_ALL: (_EVENTS_AND_CALLS + _THE_REST + _NOTIFY).encode(),
}

SESSION = b"""
SET jit = off; SET plan_cache_mode = force_generic_plan; SET statement_timeout = '10s'; SET timezone = 'UTC';
SET client_min_messages = warning
"""

LOCK = b"SELECT pg_try_advisory_lock(hashtext('kamcti.journal'))"
"""Only one journal writes: event numbers have no other guard."""

LAST_SEQUENCE_NUMBER = b"SELECT coalesce(max(seq), 0) FROM kamcti.event"

PREPARE_PARTITIONS = b"SELECT kamcti.event_partitions_prepare(7)"

# The newest events are kept however old they are: the log's numbers go on from there.
RETENTION = b"""
SELECT days
FROM (SELECT coalesce((options ->> 'event-retention-days')::integer, 30) AS days FROM kamcti.switch) AS kept
WHERE EXISTS (SELECT FROM kamcti.event WHERE at >= current_date - days)
"""
"""Days that the event log is kept; no row while there is nothing newer than that."""

DROP_PARTITIONS = b"SELECT kamcti.event_partitions_drop($1::integer)"

DROP_REQUESTS = b"SELECT kamcti.requests_drop(interval '1 day')"

FORGET_DESTINATIONS = b"DELETE FROM kamcti.trunk_state"

_encoder = msgspec.json.Encoder()


class _NumberedEvent(msgspec.Struct, frozen=True, gc=False):
    seq: int
    at: float
    this_dn: str
    name: str
    connid: str | None
    body: msgspec.Raw


def write(chunk: Chunk, first_number: int) -> tuple[bytes, list[bytes | None]]:
    """Name and parameters of the statement that writes ``chunk``, its events numbered from ``first_number``."""
    events = [
        _NumberedEvent(
            number,
            event.at,
            event.this_dn,
            event.name,
            event.connid,
            msgspec.Raw(number_event(bytes(event.body), number)),
        )
        for number, event in enumerate(chunk.events, first_number)
    ]
    parties: list[PartyRow] = []
    legs: list[LegRow] = []
    for live in chunk.calls:
        parties += live.parties
        legs += live.legs or ()
    last = b"%d" % (first_number + len(events) - 1) if events else b""
    parameters: list[bytes | None] = [
        _encoder.encode(events),
        _text_array(chunk.ended),
        _encoder.encode([live.call for live in chunk.calls if live.call is not None]),
        _encoder.encode(parties),
        _encoder.encode(legs),
        last,
    ]
    if not (chunk.destinations or chunk.answers):
        return WRITE, parameters
    return WRITE_ALL, [*parameters, _encoder.encode(chunk.destinations), _encoder.encode(chunk.answers)]


def describe(chunk: Chunk) -> str:
    """The rows of a chunk as text, for the log."""
    return _encoder.encode(
        {
            "events": chunk.events,
            "calls": chunk.calls,
            "ended": chunk.ended,
            "destinations": chunk.destinations,
            "answers": chunk.answers,
        }
    ).decode()


def _text_array(values: Sequence[str]) -> bytes:
    return ("{" + ",".join(_quoted(values)) + "}").encode()


def _quoted(values: Iterable[str]) -> Iterable[str]:
    return ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
