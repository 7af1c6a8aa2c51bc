-- Configuration of the site: what an administrator edits, with SQL or with `kamcti apply`. It holds the truth; the switch
-- and the gateway follow every change within a second.

CREATE TABLE kamcti.switch (
    name kamcti.account_name PRIMARY KEY,
    options kamcti.options NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE kamcti.switch IS 'The site as a whole: exactly one row.';
COMMENT ON COLUMN kamcti.switch.name IS 'Name of the switch.';
COMMENT ON COLUMN kamcti.switch.options IS 'Options that hold for the whole site.';

CREATE UNIQUE INDEX "a site has exactly one switch" ON kamcti.switch ((true));
INSERT INTO kamcti.switch (name) VALUES ('kamcti');

CREATE FUNCTION kamcti.switch_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'check_violation',
        MESSAGE = 'the row of the switch cannot be deleted: a site has exactly one switch',
        HINT = 'Change its name or its options with UPDATE.';
END
$$;
COMMENT ON FUNCTION kamcti.switch_stays() IS 'Refuses to delete the row of the switch.';
CREATE TRIGGER switch_stays BEFORE DELETE OR TRUNCATE ON kamcti.switch EXECUTE FUNCTION kamcti.switch_stays();

CREATE TABLE kamcti.dn (
    number kamcti.dn_number PRIMARY KEY,
    type kamcti.dn_type NOT NULL,
    trunk kamcti.dn_number,
    name kamcti.label NOT NULL DEFAULT '',
    options kamcti.options NOT NULL DEFAULT '{}',
    enabled boolean NOT NULL DEFAULT true,
    CONSTRAINT "an Extension needs a trunk: the way to its phone" CHECK (type <> 'Extension' OR trunk IS NOT NULL),
    CONSTRAINT "only an Extension or a VoIPService is reached over a trunk"
        CHECK (trunk IS NULL OR type IN ('Extension', 'VoIPService')),
    CONSTRAINT "options of a Trunk belong in the table trunk" CHECK (type <> 'Trunk' OR options = '{}')
);
COMMENT ON TABLE kamcti.dn IS 'Directory numbers: everything that a call can be at and a client can register.';
COMMENT ON COLUMN kamcti.dn.number IS 'The DN, as clients register it; the user part of its SIP address.';
COMMENT ON COLUMN kamcti.dn.type IS 'What the DN is.';
COMMENT ON COLUMN kamcti.dn.trunk IS 'The trunk that leads to it. Extensions always have one, services may have one, others never.';
COMMENT ON COLUMN kamcti.dn.name IS 'Name for people.';
COMMENT ON COLUMN kamcti.dn.options IS 'Options of this DN; those of a Trunk are in the table trunk.';
COMMENT ON COLUMN kamcti.dn.enabled IS 'False: calls to it are refused, clients cannot register it.';

CREATE TABLE kamcti.trunk (
    dn kamcti.dn_number PRIMARY KEY
        CONSTRAINT "a trunk is a DN of type Trunk" REFERENCES kamcti.dn (number) ON UPDATE CASCADE ON DELETE CASCADE,
    set_id integer NOT NULL GENERATED ALWAYS AS IDENTITY UNIQUE,
    selection kamcti.trunk_selection NOT NULL DEFAULT 'round-robin',
    options kamcti.options NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE kamcti.trunk IS 'SIP trunks: what belongs to a DN of type Trunk. Each such DN has its row here.';
COMMENT ON COLUMN kamcti.trunk.dn IS 'The DN of type Trunk.';
COMMENT ON COLUMN kamcti.trunk.set_id IS 'Number of the trunk''s destination set in Kamailio''s dispatcher module; given by the database.';
COMMENT ON COLUMN kamcti.trunk.selection IS 'How the destinations share the calls.';
COMMENT ON COLUMN kamcti.trunk.options IS 'Options of this trunk.';

ALTER TABLE kamcti.dn ADD CONSTRAINT "the trunk of a DN exists" FOREIGN KEY (trunk) REFERENCES kamcti.trunk (dn) ON UPDATE CASCADE;
-- Not for the calls, which never ask PostgreSQL: for deleting a trunk, which has to find the DNs that use it.
CREATE INDEX dn_trunk ON kamcti.dn (trunk) WHERE trunk IS NOT NULL;

CREATE TABLE kamcti.trunk_destination (
    trunk kamcti.dn_number
        CONSTRAINT "the trunk of a destination exists" REFERENCES kamcti.trunk (dn) ON UPDATE CASCADE ON DELETE CASCADE,
    position integer CONSTRAINT "the first position is 1" CHECK (position >= 1),
    host kamcti.host NOT NULL,
    port integer NOT NULL DEFAULT 5060 CONSTRAINT "a port is a number from 1 to 65535" CHECK (port BETWEEN 1 AND 65535),
    transport kamcti.transport NOT NULL DEFAULT 'udp',
    weight integer NOT NULL DEFAULT 50 CONSTRAINT "a weight is a number from 1 to 100" CHECK (weight BETWEEN 1 AND 100),
    PRIMARY KEY (trunk, position),
    CONSTRAINT "a trunk has each destination once" UNIQUE (trunk, host, port, transport)
        DEFERRABLE INITIALLY IMMEDIATE
);
COMMENT ON TABLE kamcti.trunk_destination IS 'Where a trunk leads: one row for each SIP peer. Requests from these hosts are accepted as coming from the trunk.';
COMMENT ON COLUMN kamcti.trunk_destination.trunk IS 'The trunk.';
COMMENT ON COLUMN kamcti.trunk_destination.position IS 'Order within the trunk, from 1; with primary-backup the lowest that is up takes the call.';
COMMENT ON COLUMN kamcti.trunk_destination.host IS 'Host name or IP address of the peer.';
COMMENT ON COLUMN kamcti.trunk_destination.port IS 'SIP port of the peer.';
COMMENT ON COLUMN kamcti.trunk_destination.transport IS 'Transport protocol for requests to the peer.';
COMMENT ON COLUMN kamcti.trunk_destination.weight IS 'Share of the calls among destinations with weights, 1 to 100.';

CREATE TABLE kamcti.route (
    number kamcti.dn_number PRIMARY KEY,
    dn kamcti.dn_number NOT NULL CONSTRAINT "a route leads to a DN that exists" REFERENCES kamcti.dn (number) ON UPDATE CASCADE,
    description kamcti.label NOT NULL DEFAULT ''
);
COMMENT ON TABLE kamcti.route IS 'Dialled numbers that lead to a DN of another name.';
COMMENT ON COLUMN kamcti.route.number IS 'The number as dialled: the user part of the request URI.';
COMMENT ON COLUMN kamcti.route.dn IS 'The DN that gets the call; any but a Trunk.';
COMMENT ON COLUMN kamcti.route.description IS 'What the number is for.';
CREATE INDEX route_dn ON kamcti.route (dn);

CREATE TABLE kamcti.agent (
    login_id kamcti.account_name PRIMARY KEY,
    name kamcti.label NOT NULL DEFAULT '',
    password_hash kamcti.password_hash,
    options kamcti.options NOT NULL DEFAULT '{}',
    enabled boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE kamcti.agent IS 'Agent logins.';
COMMENT ON COLUMN kamcti.agent.login_id IS 'What the agent logs in with: T-Library AgentID.';
COMMENT ON COLUMN kamcti.agent.name IS 'Name for people.';
COMMENT ON COLUMN kamcti.agent.password_hash IS 'Hash of the password; null when the agent logs in without one.';
COMMENT ON COLUMN kamcti.agent.options IS 'Options of this agent login.';
COMMENT ON COLUMN kamcti.agent.enabled IS 'False: the agent cannot log in.';

CREATE TABLE kamcti.gateway_user (
    name kamcti.account_name PRIMARY KEY,
    password_hash kamcti.password_hash NOT NULL,
    role kamcti.gateway_role NOT NULL DEFAULT 'client',
    enabled boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE kamcti.gateway_user IS 'Who may connect to the gateway: the UserName and Password of RequestRegisterClient.';
COMMENT ON COLUMN kamcti.gateway_user.name IS 'UserName.';
COMMENT ON COLUMN kamcti.gateway_user.password_hash IS 'Hash of the password.';
COMMENT ON COLUMN kamcti.gateway_user.role IS 'What the user may do.';
COMMENT ON COLUMN kamcti.gateway_user.enabled IS 'False: the user cannot log in.';
