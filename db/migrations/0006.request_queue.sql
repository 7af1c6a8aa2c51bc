-- The request queue: what clients ask, from the gateway to Kamailio, and the answers.

CREATE TABLE kamcti.request (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway text NOT NULL,
    session text NOT NULL,
    reference_id bigint NOT NULL DEFAULT 0,
    name text NOT NULL,
    dn text,
    body json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    taken_at timestamptz,
    answered_at timestamptz,
    answer json,
    CONSTRAINT "an answer comes with its time" CHECK ((answer IS NULL) = (answered_at IS NULL))
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE kamcti.request IS 'Requests of clients to the switch, with their answers.';
COMMENT ON COLUMN kamcti.request.id IS 'Number of the request; requests are carried out in this order.';
COMMENT ON COLUMN kamcti.request.gateway IS 'The gateway process that put it in.';
COMMENT ON COLUMN kamcti.request.session IS 'The client''s session at that gateway.';
COMMENT ON COLUMN kamcti.request.reference_id IS 'T-Library ReferenceID, chosen by the client; 0 when it gave none.';
COMMENT ON COLUMN kamcti.request.name IS 'T-Library name of the request.';
COMMENT ON COLUMN kamcti.request.dn IS 'ThisDN of the request.';
COMMENT ON COLUMN kamcti.request.body IS 'The complete request. Passwords are checked by the gateway and never put in here.';
COMMENT ON COLUMN kamcti.request.created_at IS 'When the gateway put it in.';
COMMENT ON COLUMN kamcti.request.taken_at IS 'When Kamailio took it; null while it waits.';
COMMENT ON COLUMN kamcti.request.answered_at IS 'When it was answered.';
COMMENT ON COLUMN kamcti.request.answer IS 'The answer to the client who asked: an event or an EventError; {} when the answer is an event of the log, with the ReferenceID.';
-- What waits is few; the rest is kept for a while, and never searched for work.
CREATE INDEX request_waiting ON kamcti.request (id) WHERE taken_at IS NULL;

CREATE FUNCTION kamcti.requests_drop(older_than interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    dropped bigint;
BEGIN
    IF (older_than >= interval '1 minute') IS NOT TRUE THEN
        RAISE EXCEPTION 'older_than is %, less than a minute: a client may still wait for its answer', older_than;
    END IF;
    DELETE FROM kamcti.request WHERE created_at < now() - older_than;
    GET DIAGNOSTICS dropped = ROW_COUNT;
    RETURN dropped;
END
$$;
COMMENT ON FUNCTION kamcti.requests_drop(interval) IS 'Deletes requests that were put in longer ago than the given interval, answered or not. Returns how many.';
REVOKE EXECUTE ON FUNCTION kamcti.requests_drop(interval) FROM PUBLIC;
