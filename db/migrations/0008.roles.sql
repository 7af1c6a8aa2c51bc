-- Who may do what. Three roles without passwords: how they authenticate is set where PostgreSQL is run (pg_hba.conf, ALTER ROLE).
--
-- A table of a later migration is granted in that migration; there are no default privileges, because a default would one day
-- open a table with secrets.

DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['kamcti_switch', 'kamcti_gateway', 'kamcti_reader'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
                EXECUTE format('CREATE ROLE %I LOGIN', role);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            -- Roles belong to the whole cluster: another database is being migrated at this moment.
            NULL;
        END;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA kamcti TO kamcti_switch, kamcti_gateway, kamcti_reader;

-- Kamailio: reads what it routes by, keeps the live state, appends to the log, takes and answers requests. No password reaches it.
GRANT SELECT ON kamcti.switch, kamcti.dn, kamcti.trunk, kamcti.trunk_destination, kamcti.route TO kamcti_switch;
GRANT SELECT (login_id, name, options, enabled) ON kamcti.agent TO kamcti_switch;
GRANT SELECT, INSERT, UPDATE, DELETE
    ON kamcti.call, kamcti.party, kamcti.leg, kamcti.agent_state, kamcti.dn_state, kamcti.trunk_state TO kamcti_switch;
GRANT SELECT, INSERT ON kamcti.event TO kamcti_switch;
GRANT SELECT ON kamcti.request TO kamcti_switch;
GRANT UPDATE (taken_at, answered_at, answer) ON kamcti.request TO kamcti_switch;
GRANT EXECUTE ON FUNCTION
    kamcti.event_partitions_prepare(integer), kamcti.event_partitions_drop(integer), kamcti.requests_drop(interval)
    TO kamcti_switch;

-- The gateway: checks who logs in, reads what it reports, puts requests in and reads their answers. It changes no state.
GRANT SELECT ON kamcti.switch, kamcti.dn, kamcti.agent, kamcti.gateway_user TO kamcti_gateway;
GRANT SELECT
    ON kamcti.call, kamcti.party, kamcti.leg, kamcti.agent_state, kamcti.dn_state, kamcti.trunk_state, kamcti.dn_status
    TO kamcti_gateway;
GRANT SELECT ON kamcti.event, kamcti.request TO kamcti_gateway;
GRANT INSERT (gateway, session, reference_id, name, dn, body) ON kamcti.request TO kamcti_gateway;

-- A reader: reports, dashboards, support. Everything but password hashes.
GRANT SELECT ON kamcti.switch, kamcti.dn, kamcti.trunk, kamcti.trunk_destination, kamcti.route TO kamcti_reader;
GRANT SELECT (login_id, name, options, enabled) ON kamcti.agent TO kamcti_reader;
GRANT SELECT (name, role, enabled) ON kamcti.gateway_user TO kamcti_reader;
GRANT SELECT
    ON kamcti.call, kamcti.party, kamcti.leg, kamcti.agent_state, kamcti.dn_state, kamcti.trunk_state, kamcti.dn_status
    TO kamcti_reader;
GRANT SELECT ON kamcti.event, kamcti.request TO kamcti_reader;
