-- The event log: every T-Library event, in order, for replay and for the question "what happened in this call".
--
-- A thousand rows a second come in; nothing is ever changed; whole days go when they are old. So there is a partition a day: dropping
-- one costs nothing, and the indexes of a day stay small. Two indexes only: the number (clients read on from where they were) and
-- the call.

CREATE TABLE kamcti.event (
    seq bigint NOT NULL,
    at timestamptz NOT NULL,
    this_dn text,
    name text NOT NULL,
    connid kamcti.connid,
    body json NOT NULL,
    PRIMARY KEY (seq, at)
) PARTITION BY RANGE (at);
COMMENT ON TABLE kamcti.event IS 'Event log: append-only, one partition a day (UTC). Readers name a time as well as a number, so that only that day''s partitions are searched.';
COMMENT ON COLUMN kamcti.event.seq IS 'T-Library EventSequenceNumber: grows by one with each event.';
COMMENT ON COLUMN kamcti.event.at IS 'When it happened.';
COMMENT ON COLUMN kamcti.event.this_dn IS 'ThisDN: the DN whose clients get the event; null for events of the whole switch.';
COMMENT ON COLUMN kamcti.event.name IS 'T-Library name of the event.';
COMMENT ON COLUMN kamcti.event.connid IS 'The call that the event is about.';
COMMENT ON COLUMN kamcti.event.body IS 'The complete event as clients get it.';
CREATE INDEX event_connid ON kamcti.event (connid) WHERE connid IS NOT NULL;

CREATE TABLE kamcti.event_default PARTITION OF kamcti.event DEFAULT;
COMMENT ON TABLE kamcti.event_default IS 'Events of days that have no partition (yet): none is lost when nobody prepared. event_partitions_prepare moves them to their day.';

CREATE FUNCTION kamcti.event_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- event_partitions_prepare and event_partitions_drop work on the default partition; they set this for themselves only.
    IF current_setting('kamcti.event_maintenance', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'restrict_violation',
        MESSAGE = format('the event log is append-only: %s is refused', TG_OP),
        HINT = 'Old days go as a whole: SELECT kamcti.event_partitions_drop(days_kept).';
END
$$;
COMMENT ON FUNCTION kamcti.event_is_kept() IS 'Keeps the event log append-only.';
-- Row triggers reach every partition by themselves, present and future; a TRUNCATE trigger has to be put on each.
CREATE TRIGGER event_is_kept BEFORE UPDATE OR DELETE ON kamcti.event FOR EACH ROW EXECUTE FUNCTION kamcti.event_is_kept();
CREATE TRIGGER event_is_not_truncated BEFORE TRUNCATE ON kamcti.event EXECUTE FUNCTION kamcti.event_is_kept();
CREATE TRIGGER event_is_not_truncated BEFORE TRUNCATE ON kamcti.event_default EXECUTE FUNCTION kamcti.event_is_kept();

CREATE FUNCTION kamcti.event_partitions_prepare(days_ahead integer) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    day date;
    partition text;
BEGIN
    IF (days_ahead BETWEEN 0 AND 366) IS NOT TRUE THEN
        RAISE EXCEPTION 'days_ahead is %, not a number from 0 to 366', days_ahead;
    END IF;
    -- Two at once would both make the same partition.
    PERFORM pg_advisory_xact_lock(hashtext('kamcti.event_partitions'));
    PERFORM set_config('kamcti.event_maintenance', 'on', true);
    FOR day IN
        SELECT generate_series(current_date, current_date + days_ahead, interval '1 day')
        UNION SELECT DISTINCT at::date FROM kamcti.event_default
        ORDER BY 1
    LOOP
        partition := 'event_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass('kamcti.' || partition) IS NOT NULL;
        -- Made apart and attached: unlike CREATE TABLE ... PARTITION OF, that stops neither readers nor the journal.
        EXECUTE format('CREATE TABLE kamcti.%I (LIKE kamcti.event INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING COMMENTS)', partition);
        EXECUTE format('COMMENT ON TABLE kamcti.%I IS %L', partition, 'Events of ' || day);
        EXECUTE format('CREATE TRIGGER event_is_not_truncated BEFORE TRUNCATE ON kamcti.%I EXECUTE FUNCTION kamcti.event_is_kept()', partition);
        EXECUTE format(
            'WITH moved AS (DELETE FROM kamcti.event_default WHERE at >= %L AND at < %L RETURNING *) INSERT INTO kamcti.%I SELECT * FROM moved',
            day::timestamptz, (day + 1)::timestamptz, partition
        );
        EXECUTE format(
            'ALTER TABLE kamcti.event ATTACH PARTITION kamcti.%I FOR VALUES FROM (%L) TO (%L)',
            partition, day::timestamptz, (day + 1)::timestamptz
        );
        RETURN NEXT partition;
    END LOOP;
    PERFORM set_config('kamcti.event_maintenance', 'off', true);
END
$$;
COMMENT ON FUNCTION kamcti.event_partitions_prepare(integer) IS 'Makes the event log''s partitions for today and the given number of days after it, and for every day of which the default partition holds events. Returns the names of those that it made. To be called daily, or oftener.';

CREATE FUNCTION kamcti.event_partitions_drop(days_kept integer) RETURNS SETOF text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    oldest date;
    partition text;
BEGIN
    IF (days_kept BETWEEN 1 AND 36500) IS NOT TRUE THEN
        RAISE EXCEPTION 'days_kept is %, not a number from 1 to 36500', days_kept;
    END IF;
    oldest := current_date - days_kept;
    PERFORM pg_advisory_xact_lock(hashtext('kamcti.event_partitions'));
    FOR partition IN
        SELECT child.relname
        FROM pg_inherits
        JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
        WHERE pg_inherits.inhparent = 'kamcti.event'::regclass
          AND child.relname ~ '^event_[0-9]{8}$'
          AND to_date(substr(child.relname, 7), 'YYYYMMDD') < oldest
        ORDER BY child.relname
    LOOP
        EXECUTE format('DROP TABLE kamcti.%I', partition);
        RETURN NEXT partition;
    END LOOP;
    PERFORM set_config('kamcti.event_maintenance', 'on', true);
    DELETE FROM kamcti.event_default WHERE at < oldest::timestamptz;
    PERFORM set_config('kamcti.event_maintenance', 'off', true);
END
$$;
COMMENT ON FUNCTION kamcti.event_partitions_drop(integer) IS 'Drops the days of the event log that lie more than the given number of days back (UTC). Returns the names of the dropped partitions.';

REVOKE EXECUTE ON FUNCTION kamcti.event_partitions_prepare(integer), kamcti.event_partitions_drop(integer) FROM PUBLIC;

DO $$
BEGIN
    PERFORM kamcti.event_partitions_prepare(7);
END
$$;
