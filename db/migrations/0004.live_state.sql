-- Live state: what is going on now. Kamailio's journal writes it, anyone may read it.
--
-- At 200 calls a second these tables see about two thousand row operations a second, on few rows that live for minutes. Hence:
-- * only call, party and leg are tied by foreign keys (one parent, found by primary key); trunks and DNs are named as text, because
--   a change of configuration must not wait for calls, and a call outlives the configuration it was made with;
-- * one index beyond the primary keys (party.dn, which the gateway asks by); every further one would be written at each call;
-- * pages are left half empty, so that a change of state stays on its page and touches no index (a heap-only tuple);
-- * autovacuum counts dead rows, not a share of a table that is nearly empty.

CREATE TABLE kamcti.call (
    connid kamcti.connid PRIMARY KEY,
    call_uuid kamcti.call_uuid NOT NULL,
    call_type kamcti.call_type NOT NULL DEFAULT 'Unknown',
    ani text,
    dnis text,
    trunk_in text,
    user_data kamcti.key_values NOT NULL DEFAULT '{}',
    previous_connid kamcti.connid,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000);
COMMENT ON TABLE kamcti.call IS 'Calls that exist now.';
COMMENT ON COLUMN kamcti.call.connid IS 'T-Library ConnID.';
COMMENT ON COLUMN kamcti.call.call_uuid IS 'T-Library CallUUID.';
COMMENT ON COLUMN kamcti.call.call_type IS 'T-Library CallType.';
COMMENT ON COLUMN kamcti.call.ani IS 'Calling number; null when the caller withheld it.';
COMMENT ON COLUMN kamcti.call.dnis IS 'Number that was dialled.';
COMMENT ON COLUMN kamcti.call.trunk_in IS 'DN of the trunk that the call came in by; null when it was made here.';
COMMENT ON COLUMN kamcti.call.user_data IS 'T-Library UserData: the data attached to the call.';
COMMENT ON COLUMN kamcti.call.previous_connid IS 'ConnID of the call that this one came from: the main call of a consultation.';
COMMENT ON COLUMN kamcti.call.created_at IS 'When the call began.';

CREATE TABLE kamcti.party (
    connid kamcti.connid CONSTRAINT "the call of a party exists" REFERENCES kamcti.call ON DELETE CASCADE,
    dn text,
    role kamcti.dn_role NOT NULL DEFAULT 'Unknown',
    state kamcti.party_state NOT NULL,
    leg text,
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connid, dn)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000);
COMMENT ON TABLE kamcti.party IS 'Who is in which call.';
COMMENT ON COLUMN kamcti.party.connid IS 'The call.';
COMMENT ON COLUMN kamcti.party.dn IS 'A DN of ours, or an external number.';
COMMENT ON COLUMN kamcti.party.role IS 'T-Library DNRole of the party.';
COMMENT ON COLUMN kamcti.party.state IS 'T-Library PartyState of the party.';
COMMENT ON COLUMN kamcti.party.leg IS 'Id of the party''s SIP dialog; null while it has none (a call in a queue).';
COMMENT ON COLUMN kamcti.party.since IS 'When the party came into this state.';
CREATE INDEX party_dn ON kamcti.party (dn);

CREATE TABLE kamcti.leg (
    id text PRIMARY KEY,
    connid kamcti.connid NOT NULL CONSTRAINT "the call of a leg exists" REFERENCES kamcti.call ON DELETE CASCADE,
    call_id text NOT NULL,
    local_uri text NOT NULL DEFAULT '',
    remote_uri text NOT NULL DEFAULT '',
    remote_tag text NOT NULL DEFAULT '',
    remote_target text NOT NULL DEFAULT '',
    route_set text NOT NULL DEFAULT '',
    socket text NOT NULL DEFAULT '',
    trunk text NOT NULL DEFAULT '',
    peer text NOT NULL DEFAULT '',
    since timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 10000);
COMMENT ON TABLE kamcti.leg IS 'SIP dialogs between us and an endpoint (RFC 3261 section 12): what is needed to send requests in them after a restart.';
COMMENT ON COLUMN kamcti.leg.id IS 'Our tag in the dialog and the user part of our Contact.';
COMMENT ON COLUMN kamcti.leg.connid IS 'The call that the leg belongs to.';
COMMENT ON COLUMN kamcti.leg.call_id IS 'SIP Call-ID.';
COMMENT ON COLUMN kamcti.leg.local_uri IS 'Our URI in the dialog.';
COMMENT ON COLUMN kamcti.leg.remote_uri IS 'The endpoint''s URI in the dialog.';
COMMENT ON COLUMN kamcti.leg.remote_tag IS 'The endpoint''s tag; empty until it answered.';
COMMENT ON COLUMN kamcti.leg.remote_target IS 'The endpoint''s Contact: where requests go.';
COMMENT ON COLUMN kamcti.leg.route_set IS 'Route header value for requests; empty when there is none.';
COMMENT ON COLUMN kamcti.leg.socket IS 'Our socket that carries the dialog: proto:address:port.';
COMMENT ON COLUMN kamcti.leg.trunk IS 'DN of the trunk behind which the endpoint is.';
COMMENT ON COLUMN kamcti.leg.peer IS 'Id of the leg that this one is relayed to; empty when it stands alone.';
COMMENT ON COLUMN kamcti.leg.since IS 'When the leg began.';
-- Deleting a call has to find its legs.
CREATE INDEX leg_connid ON kamcti.leg (connid);

CREATE TABLE kamcti.agent_state (
    login_id kamcti.account_name PRIMARY KEY
        CONSTRAINT "the agent exists" REFERENCES kamcti.agent ON UPDATE CASCADE ON DELETE CASCADE,
    dn text,
    status kamcti.agent_status NOT NULL DEFAULT 'LoggedOut',
    work_mode kamcti.agent_work_mode NOT NULL DEFAULT 'Unknown',
    reasons kamcti.key_values NOT NULL DEFAULT '{}',
    since timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT "an agent who is logged in has a DN" CHECK (status = 'LoggedOut' OR dn IS NOT NULL)
) WITH (fillfactor = 50);
COMMENT ON TABLE kamcti.agent_state IS 'State of each agent; one without a row is logged out.';
COMMENT ON COLUMN kamcti.agent_state.login_id IS 'The agent.';
COMMENT ON COLUMN kamcti.agent_state.dn IS 'The DN that the agent is logged in on.';
COMMENT ON COLUMN kamcti.agent_state.status IS 'State of the agent.';
COMMENT ON COLUMN kamcti.agent_state.work_mode IS 'T-Library AgentWorkMode that qualifies the state.';
COMMENT ON COLUMN kamcti.agent_state.reasons IS 'T-Library Reasons of the last change.';
COMMENT ON COLUMN kamcti.agent_state.since IS 'When the agent came into this state.';

CREATE TABLE kamcti.dn_state (
    dn kamcti.dn_number PRIMARY KEY
        CONSTRAINT "the DN exists" REFERENCES kamcti.dn (number) ON UPDATE CASCADE ON DELETE CASCADE,
    in_service boolean NOT NULL DEFAULT true,
    dnd boolean NOT NULL DEFAULT false,
    forward_to text,
    since timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
COMMENT ON TABLE kamcti.dn_state IS 'State of each DN apart from its calls; one without a row is in service, without do-not-disturb or forwarding.';
COMMENT ON COLUMN kamcti.dn_state.dn IS 'The DN.';
COMMENT ON COLUMN kamcti.dn_state.in_service IS 'False after EventDNOutOfService.';
COMMENT ON COLUMN kamcti.dn_state.dnd IS 'Do not disturb.';
COMMENT ON COLUMN kamcti.dn_state.forward_to IS 'Where calls are forwarded to; null when they are not.';
COMMENT ON COLUMN kamcti.dn_state.since IS 'When the row last changed.';

CREATE TABLE kamcti.trunk_state (
    trunk kamcti.dn_number,
    position integer,
    state kamcti.destination_state NOT NULL DEFAULT 'unknown',
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (trunk, position),
    CONSTRAINT "the trunk destination exists" FOREIGN KEY (trunk, position)
        REFERENCES kamcti.trunk_destination ON UPDATE CASCADE ON DELETE CASCADE
) WITH (fillfactor = 50);
COMMENT ON TABLE kamcti.trunk_state IS 'State of each trunk destination; one without a row is unknown.';
COMMENT ON COLUMN kamcti.trunk_state.trunk IS 'The trunk.';
COMMENT ON COLUMN kamcti.trunk_state.position IS 'The destination within the trunk.';
COMMENT ON COLUMN kamcti.trunk_state.state IS 'Whether it answers.';
COMMENT ON COLUMN kamcti.trunk_state.since IS 'When it came into this state.';

-- With the owner's rights: who edits the configuration need not be allowed to write live state.
CREATE FUNCTION kamcti.trunk_state_forget() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM kamcti.trunk_state WHERE trunk = NEW.trunk AND position = NEW.position;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION kamcti.trunk_state_forget() IS 'A destination that became another peer is unknown again.';
CREATE TRIGGER trunk_state_forget AFTER UPDATE OF host, port, transport ON kamcti.trunk_destination
    FOR EACH ROW WHEN ((OLD.host, OLD.port, OLD.transport) IS DISTINCT FROM (NEW.host, NEW.port, NEW.transport))
    EXECUTE FUNCTION kamcti.trunk_state_forget();

CREATE VIEW kamcti.dn_status AS
    SELECT
        dn.number AS dn,
        dn.type,
        coalesce(now_on.calls, 0) AS calls,
        now_on.calls IS NOT NULL AS busy,
        coalesce(dn_state.in_service, true) AS in_service,
        coalesce(dn_state.dnd, false) AS dnd,
        dn_state.forward_to
    FROM kamcti.dn
    LEFT JOIN kamcti.dn_state ON dn_state.dn = dn.number
    LEFT JOIN (SELECT dn, count(*) AS calls FROM kamcti.party GROUP BY dn) AS now_on ON now_on.dn = dn.number;
COMMENT ON VIEW kamcti.dn_status IS 'Each DN with what can be derived: how many calls it has, and whether it is busy.';
COMMENT ON COLUMN kamcti.dn_status.dn IS 'The DN.';
COMMENT ON COLUMN kamcti.dn_status.type IS 'What it is.';
COMMENT ON COLUMN kamcti.dn_status.calls IS 'Calls that it is a party of now.';
COMMENT ON COLUMN kamcti.dn_status.busy IS 'True when it has a call.';
COMMENT ON COLUMN kamcti.dn_status.in_service IS 'As in dn_state.';
COMMENT ON COLUMN kamcti.dn_status.dnd IS 'As in dn_state.';
COMMENT ON COLUMN kamcti.dn_status.forward_to IS 'As in dn_state.';
