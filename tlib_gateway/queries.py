"""The SQL that the gateway sends, and rows turned into what the sessions know."""

from collections.abc import Sequence

from psycopg import AsyncConnection
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader

from tlib.enums import AgentStatus, AgentWorkMode, CallType, DNRole, PartyState
from tlib_gateway.configuration import Configuration, DNType, User
from tlib_gateway.delivery import EventRow
from tlib_gateway.dn_report import AgentOnDN, CallOnDN, DNReport

Connection = AsyncConnection[tuple[object, ...]]

EVENTS_AT_ONCE = 2000
"""Rows of the event log that one query gives at most."""

# The journal is the only writer and commits in the order of seq, so a number never appears below one already seen.
# The time lets PostgreSQL leave out the partitions of old days; an event is written within seconds of its time, or
# after an outage, within the journal's bounded memory.
_EVENTS = f"""
    SELECT seq, this_dn, body FROM kamcti.event
    WHERE seq > %s AND at > now() - interval '2 days' ORDER BY seq LIMIT {EVENTS_AT_ONCE}
"""
_LAST_EVENT = "SELECT coalesce(max(seq), 0) FROM kamcti.event"
_DNS = "SELECT number, type::text FROM kamcti.dn WHERE enabled"
_USERS = "SELECT name, password_hash, role::text FROM kamcti.gateway_user WHERE enabled"
_SWITCH = "SELECT name FROM kamcti.switch"
_CALLS = """
    SELECT party.dn, party.connid, call.call_type::text, party.role::text, party.state::text
    FROM kamcti.party JOIN kamcti.call USING (connid)
    WHERE party.dn = ANY(%s) ORDER BY call.created_at, party.connid
"""
_AGENTS = """
    SELECT dn, login_id, status::text, work_mode::text FROM kamcti.agent_state
    WHERE dn = ANY(%s) AND status <> 'LoggedOut' ORDER BY since
"""
_DN_STATES = "SELECT dn, in_service, dnd, forward_to FROM kamcti.dn_state WHERE dn = ANY(%s::text[])"
_DN_TYPES = "SELECT number, type::text FROM kamcti.dn WHERE enabled AND number = ANY(%s::text[])"
_NO_PARTY = """
    SELECT asked.number, asked.connid FROM unnest(%s::int[], %s::text[], %s::text[]) AS asked (number, connid, dn)
    WHERE NOT EXISTS (SELECT FROM kamcti.party WHERE party.connid = asked.connid AND party.dn = asked.dn)
"""
_SUBMIT = """
    INSERT INTO kamcti.request (gateway, session, reference_id, name, dn, body)
    VALUES (%s, %s, %s, %s, %s, %s) RETURNING id
"""
_ANSWERS = "SELECT id, answer FROM kamcti.request WHERE id = ANY(%s) AND answer IS NOT NULL"


class _RawJSON(Loader):
    """JSON as the bytes that are in the table."""

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


def prepare(context: AdaptContext) -> None:
    """Make a connection give JSON columns as bytes."""
    context.adapters.register_loader("json", _RawJSON)


async def read_configuration(connection: Connection) -> Configuration:
    """DNs and users that are enabled."""
    dns = await (await connection.execute(_DNS)).fetchall()
    users = await (await connection.execute(_USERS)).fetchall()
    switch = await (await connection.execute(_SWITCH)).fetchone()
    return Configuration(
        switch=str(switch[0]) if switch else "",
        dns={str(number): DNType(kind) for number, kind in dns},
        users={str(name): User(str(name), str(password_hash), str(role)) for name, password_hash, role in users},
    )


async def last_event(connection: Connection) -> int:
    """Number of the newest event, 0 when there is none."""
    row = await (await connection.execute(_LAST_EVENT)).fetchone()
    assert row is not None
    assert isinstance(row[0], int)
    return row[0]


async def events_after(connection: Connection, seq: int) -> list[EventRow]:
    """The next events, at most ``EVENTS_AT_ONCE``."""
    rows: list[EventRow] = await (await connection.execute(_EVENTS, (seq,), prepare=True)).fetchall()  # type: ignore[assignment]  # as selected
    return rows


async def read_reports(connection: Connection, dns: Sequence[str]) -> dict[str, DNReport]:
    """State of DNs; those that are not configured (any more) are missing. The caller provides one snapshot."""
    wanted = (list(dict.fromkeys(dns)),)
    async with connection.pipeline():
        types = await connection.execute(_DN_TYPES, wanted)
        calls = await connection.execute(_CALLS, wanted)
        agents = await connection.execute(_AGENTS, wanted)
        states = await connection.execute(_DN_STATES, wanted)
        calls_of: dict[object, list[CallOnDN]] = {}
        for dn, connid, call_type, role, state in await calls.fetchall():
            call = CallOnDN(str(connid), CallType(call_type), DNRole(role), PartyState(state))
            calls_of.setdefault(dn, []).append(call)
        agent_of = {
            dn: AgentOnDN(str(login_id), AgentStatus(status), AgentWorkMode(work_mode))
            for dn, login_id, status, work_mode in await agents.fetchall()
        }
        state_of = {
            dn: (bool(in_service), bool(dnd), None if forward_to is None else str(forward_to))
            for dn, in_service, dnd, forward_to in await states.fetchall()
        }
        reports = {}
        for dn, kind in await types.fetchall():
            in_service, dnd, forward_to = state_of.get(dn, (True, False, None))
            reports[str(dn)] = DNReport(
                dn=str(dn),
                type=DNType(kind),
                calls=calls_of.get(dn, []),
                agent=agent_of.get(dn),
                in_service=in_service,
                dnd=dnd,
                forward_to=forward_to,
            )
    return reports


async def calls_not_on_dn(connection: Connection, calls: Sequence[tuple[int, str, str]]) -> dict[int, str]:
    """Of (number, ConnID, DN): by number, the first ConnID that is no call on the DN."""
    numbers, connids, dns = zip(*calls, strict=True)
    rows = await (await connection.execute(_NO_PARTY, (list(numbers), list(connids), list(dns)))).fetchall()
    missing: dict[int, str] = {}
    for number, connid in rows:
        assert isinstance(number, int)
        missing.setdefault(number, str(connid))
    return missing


async def insert_requests(
    connection: Connection, rows: Sequence[tuple[str, str, int, str, str | None, str]]
) -> list[int]:
    """Put requests (gateway, session, ReferenceID, name, ThisDN, body) in the queue; their ids, in order."""
    ids: list[int] = []
    async with connection.cursor() as cursor:
        await cursor.executemany(_SUBMIT, rows, returning=True)
        async for result in cursor.results():
            row = await result.fetchone()
            assert row is not None
            assert isinstance(row[0], int)
            ids.append(row[0])
    return ids


async def answers_to(connection: Connection, ids: Sequence[int]) -> list[tuple[int, bytes]]:
    """The answers that are there, with their requests' ids."""
    rows = await (await connection.execute(_ANSWERS, (list(ids),))).fetchall()
    return [(number, answer) for number, answer in rows if isinstance(number, int) and isinstance(answer, bytes)]
