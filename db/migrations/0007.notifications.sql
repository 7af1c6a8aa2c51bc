-- NOTIFY: whoever listens need not poll. A notification is sent at commit, and equal ones of a transaction only once.
--
-- A statement that could have changed a table notifies, be it that no row was changed, or that it is PostgreSQL's own statement
-- for a foreign key: listeners read the configuration again, and find what they have.
--
-- kamcti_event carries the number of the last event; the journal sends it itself, once a batch.

CREATE FUNCTION kamcti.notify_config() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('kamcti_config', TG_TABLE_NAME);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION kamcti.notify_config() IS 'Notifies kamcti_config with the name of the table.';
CREATE TRIGGER notify_config AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON kamcti.switch EXECUTE FUNCTION kamcti.notify_config();
CREATE TRIGGER notify_config AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON kamcti.dn EXECUTE FUNCTION kamcti.notify_config();
CREATE TRIGGER notify_config AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON kamcti.trunk EXECUTE FUNCTION kamcti.notify_config();
CREATE TRIGGER notify_config AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON kamcti.trunk_destination EXECUTE FUNCTION kamcti.notify_config();
CREATE TRIGGER notify_config AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON kamcti.route EXECUTE FUNCTION kamcti.notify_config();
CREATE TRIGGER notify_config AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON kamcti.agent EXECUTE FUNCTION kamcti.notify_config();
CREATE TRIGGER notify_config AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON kamcti.gateway_user EXECUTE FUNCTION kamcti.notify_config();

CREATE FUNCTION kamcti.notify_request() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    number bigint;
    first bigint;
BEGIN
    SELECT count(*), min(id) INTO number, first FROM inserted;
    IF number > 0 THEN
        PERFORM pg_notify('kamcti_request', CASE WHEN number = 1 THEN first::text ELSE '' END);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION kamcti.notify_request() IS 'Notifies kamcti_request with the id of the request, or with nothing when several were put in at once.';
CREATE TRIGGER notify_request AFTER INSERT ON kamcti.request
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION kamcti.notify_request();

CREATE FUNCTION kamcti.notify_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('kamcti_answer', NEW.id::text);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION kamcti.notify_answer() IS 'Notifies kamcti_answer with the id of the request that has been answered.';
CREATE TRIGGER notify_answer AFTER UPDATE OF answer ON kamcti.request
    FOR EACH ROW WHEN (OLD.answer IS NULL AND NEW.answer IS NOT NULL) EXECUTE FUNCTION kamcti.notify_answer();
