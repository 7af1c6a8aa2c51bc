-- The schema, and the types that its tables share.
--
-- Names of constraints are sentences: PostgreSQL shows them when it refuses a row.
-- Enumerations of T-Library keep T-Library's names, so that rows, events and protocol say the same.

CREATE SCHEMA kamcti;
COMMENT ON SCHEMA kamcti IS 'A T-Library CTI server on Kamailio: configuration, live state, event log and request queue of one site.';

REVOKE ALL ON SCHEMA kamcti FROM PUBLIC;

CREATE DOMAIN kamcti.dn_number AS text
    CONSTRAINT "a number has 1-64 of 0-9 A-Z a-z + * # _ . - and no blanks" CHECK (VALUE ~ '^[0-9A-Za-z+*#_.-]{1,64}$');
COMMENT ON DOMAIN kamcti.dn_number IS 'A directory number, or the name of a trunk or service: what a DN is called.';

CREATE DOMAIN kamcti.account_name AS text
    CONSTRAINT "a login has 1-64 of 0-9 A-Z a-z _ . @ - and no blanks" CHECK (VALUE ~ '^[0-9A-Za-z_.@-]{1,64}$');
COMMENT ON DOMAIN kamcti.account_name IS 'What an agent or a client of the gateway logs in with.';

CREATE DOMAIN kamcti.password_hash AS text
    CONSTRAINT "a password is stored as scrypt$n$r$p$salt$hash, never in clear"
    CHECK (VALUE ~ '^scrypt\$[0-9]{1,8}\$[0-9]{1,4}\$[0-9]{1,4}\$[0-9A-Za-z+/]{16,}={0,2}\$[0-9A-Za-z+/]{16,}={0,2}$');
COMMENT ON DOMAIN kamcti.password_hash IS 'A password as scrypt (RFC 7914) leaves it: cost n, block size r, parallelism p, then salt and hash in base64. The command line makes it: kamcti apply.';

CREATE DOMAIN kamcti.host AS text
    CONSTRAINT "a host is a name or an IP address, without port or brackets"
    CHECK (CASE
        WHEN VALUE ~ '[^0-9.:A-Fa-f]' OR VALUE !~ ':|^[0-9.]*$' THEN VALUE ~ '^[0-9A-Za-z]([0-9A-Za-z_.-]{0,251}[0-9A-Za-z])?$'
        ELSE VALUE::inet IS NOT NULL -- what looks like an address has to be one
    END);
COMMENT ON DOMAIN kamcti.host IS 'A host name, an IPv4 address, or an IPv6 address (without brackets).';

CREATE DOMAIN kamcti.label AS text
    CONSTRAINT "a name has at most 255 characters, all of them printable" CHECK (length(VALUE) <= 255 AND VALUE !~ '[[:cntrl:]]');
COMMENT ON DOMAIN kamcti.label IS 'A name or a description for people: one line.';

-- In strict mode jsonpath looks at a list as a list; in its default mode it would look at the elements of the list.
CREATE DOMAIN kamcti.options AS jsonb
    CONSTRAINT "options are a JSON object" CHECK (jsonb_typeof(VALUE) = 'object')
    CONSTRAINT "an option is a text, a number, true, false or a list of texts" CHECK (
        NOT jsonb_path_exists(VALUE, 'strict $.* ? (@.type() == "object" || @.type() == "null")', '{}', true)
        AND NOT jsonb_path_exists(VALUE, 'strict $.* ? (@.type() == "array")[*] ? (@.type() != "string")', '{}', true)
    );
COMMENT ON DOMAIN kamcti.options IS 'Options by name. A value is a text, a number, true, false, or a list of texts.';

CREATE DOMAIN kamcti.key_values AS jsonb
    CONSTRAINT "a key-value list is a JSON object" CHECK (jsonb_typeof(VALUE) = 'object');
COMMENT ON DOMAIN kamcti.key_values IS 'A T-Library key-value list: texts, integers and nested lists by key.';

CREATE DOMAIN kamcti.connid AS text
    CONSTRAINT "a ConnID is 16 lower-case hexadecimal digits" CHECK (VALUE ~ '^[0-9a-f]{16}$');
COMMENT ON DOMAIN kamcti.connid IS 'T-Library ConnID: 64 bits as 16 lower-case hexadecimal digits.';

CREATE DOMAIN kamcti.call_uuid AS text
    CONSTRAINT "a CallUUID is 32 upper-case base-32 characters" CHECK (VALUE ~ '^[0-9A-Z]{32}$');
COMMENT ON DOMAIN kamcti.call_uuid IS 'T-Library CallUUID.';

CREATE TYPE kamcti.dn_type AS ENUM ('Extension', 'RoutingPoint', 'ACDQueue', 'Trunk', 'VoIPService');
COMMENT ON TYPE kamcti.dn_type IS 'What a DN is: an agent''s phone, a point where a router decides, a queue, a SIP trunk, or a service such as a music or conference server.';

CREATE TYPE kamcti.transport AS ENUM ('udp', 'tcp', 'tls');
COMMENT ON TYPE kamcti.transport IS 'SIP transport protocol (RFC 3261 section 18).';

CREATE TYPE kamcti.trunk_selection AS ENUM ('round-robin', 'primary-backup');
COMMENT ON TYPE kamcti.trunk_selection IS 'How a trunk''s destinations share its calls: in turn, or the first that is up.';

CREATE TYPE kamcti.destination_state AS ENUM ('unknown', 'up', 'down');
COMMENT ON TYPE kamcti.destination_state IS 'What the last OPTIONS or INVITE said of a trunk destination; unknown until one was answered or timed out.';

CREATE TYPE kamcti.gateway_role AS ENUM ('client', 'supervisor', 'router', 'administrator');
COMMENT ON TYPE kamcti.gateway_role IS 'What a user of the gateway may do: control DNs, also supervise, also route, or everything.';

CREATE TYPE kamcti.call_type AS ENUM ('Unknown', 'Internal', 'Inbound', 'Outbound', 'Consult');
COMMENT ON TYPE kamcti.call_type IS 'T-Library CallType.';

CREATE TYPE kamcti.dn_role AS ENUM (
    'Unknown', 'Origination', 'Destination', 'ConferenceMember', 'NewParty', 'AddedBy', 'DeletedBy', 'TransferredBy',
    'DeletedParty', 'ConferencedBy', 'Observer'
);
COMMENT ON TYPE kamcti.dn_role IS 'T-Library DNRole: the role of a DN in a call.';

CREATE TYPE kamcti.party_state AS ENUM (
    'Null', 'Initiated', 'Queued', 'Alerting', 'Busy', 'Connected', 'CP_Detect', 'Held', 'Failed', 'Dialing', 'NoListen',
    'NoTalk', 'Bridged', 'Audit', 'SvcObserving', 'TreatmentReq', 'Treatment', 'Routing', 'Uncertain'
);
COMMENT ON TYPE kamcti.party_state IS 'T-Library PartyState: what a party does in its call.';

CREATE TYPE kamcti.agent_status AS ENUM ('LoggedOut', 'LoggedIn', 'Ready', 'NotReady', 'AfterCallWork');
COMMENT ON TYPE kamcti.agent_status IS 'State of an agent.';

CREATE TYPE kamcti.agent_work_mode AS ENUM (
    'Unknown', 'ManualIn', 'AutoIn', 'LegalGuard', 'AfterCallWork', 'AuxWork', 'NoCallDisconnect', 'WalkAway', 'ReturnBack'
);
COMMENT ON TYPE kamcti.agent_work_mode IS 'T-Library AgentWorkMode: qualifies the state of an agent.';
