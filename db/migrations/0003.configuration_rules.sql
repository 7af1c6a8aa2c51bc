-- Rules between rows of the configuration that a CHECK cannot see, each refused in words.
--
-- A rule that reads another row locks it (FOR SHARE), so that two sessions cannot break it together.

CREATE FUNCTION kamcti.in_words(numbers text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN cardinality(numbers) > 5
            THEN array_to_string(numbers[1:5], ', ') || ' and ' || (cardinality(numbers) - 5) || ' more'
        ELSE array_to_string(numbers, ', ')
    END
$$;
COMMENT ON FUNCTION kamcti.in_words(text[]) IS 'The first five of a list, and how many more there are, for messages.';

CREATE FUNCTION kamcti.trunk_is_trunk() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found kamcti.dn_type;
BEGIN
    SELECT type INTO found FROM kamcti.dn WHERE number = NEW.dn FOR SHARE;
    IF found <> 'Trunk' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'check_violation',
            MESSAGE = format('DN %s cannot be a trunk: its type is %s', NEW.dn, found),
            HINT = 'A row of the table trunk belongs to a DN of type Trunk.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION kamcti.trunk_is_trunk() IS 'Refuses a trunk whose DN is not of type Trunk.';
CREATE TRIGGER trunk_is_trunk BEFORE INSERT OR UPDATE OF dn ON kamcti.trunk
    FOR EACH ROW EXECUTE FUNCTION kamcti.trunk_is_trunk();

CREATE FUNCTION kamcti.route_leads_to_no_trunk() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    found kamcti.dn_type;
BEGIN
    SELECT type INTO found FROM kamcti.dn WHERE number = NEW.dn FOR SHARE;
    IF found = 'Trunk' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'check_violation',
            MESSAGE = format('number %s cannot lead to DN %s: it is a Trunk', NEW.number, NEW.dn),
            HINT = 'A route leads to an Extension, a RoutingPoint, an ACDQueue or a VoIPService.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION kamcti.route_leads_to_no_trunk() IS 'Refuses a route to a DN of type Trunk.';
CREATE TRIGGER route_leads_to_no_trunk BEFORE INSERT OR UPDATE OF dn ON kamcti.route
    FOR EACH ROW EXECUTE FUNCTION kamcti.route_leads_to_no_trunk();

CREATE FUNCTION kamcti.dn_type_may_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    numbers text[];
BEGIN
    IF OLD.type = 'Trunk' THEN
        IF EXISTS (SELECT FROM kamcti.trunk WHERE dn = OLD.number) THEN
            RAISE EXCEPTION USING
                ERRCODE = 'check_violation',
                MESSAGE = format('DN %s cannot become of type %s: it is in the table trunk', OLD.number, NEW.type),
                HINT = 'Delete its row there first.';
        END IF;
    ELSIF NEW.type = 'Trunk' THEN
        SELECT array_agg(number ORDER BY number) INTO numbers FROM kamcti.route WHERE dn = OLD.number;
        IF numbers IS NOT NULL THEN
            RAISE EXCEPTION USING
                ERRCODE = 'check_violation',
                MESSAGE = format('DN %s cannot become a Trunk: routes lead to it', OLD.number),
                DETAIL = format('Numbers routed to it: %s.', kamcti.in_words(numbers)),
                HINT = 'Delete these routes, or let them lead elsewhere, first.';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION kamcti.dn_type_may_change() IS 'Refuses a change of a DN''s type that its trunk or its routes contradict.';
CREATE TRIGGER dn_type_may_change BEFORE UPDATE OF type ON kamcti.dn
    FOR EACH ROW WHEN (OLD.type <> NEW.type) EXECUTE FUNCTION kamcti.dn_type_may_change();

CREATE FUNCTION kamcti.dn_is_unused() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    numbers text[];
BEGIN
    SELECT array_agg(number ORDER BY number) INTO numbers FROM kamcti.route WHERE dn = OLD.number;
    IF numbers IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'foreign_key_violation',
            MESSAGE = format('DN %s cannot be deleted: routes lead to it', OLD.number),
            DETAIL = format('Numbers routed to it: %s.', kamcti.in_words(numbers)),
            HINT = 'Delete these routes, or let them lead elsewhere, first.';
    END IF;
    RETURN OLD;
END
$$;
COMMENT ON FUNCTION kamcti.dn_is_unused() IS 'Refuses to delete a DN that a route names.';
CREATE TRIGGER dn_is_unused BEFORE DELETE ON kamcti.dn FOR EACH ROW EXECUTE FUNCTION kamcti.dn_is_unused();

CREATE FUNCTION kamcti.trunk_is_unused() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    numbers text[];
BEGIN
    SELECT array_agg(number ORDER BY number) INTO numbers FROM kamcti.dn WHERE trunk = OLD.dn;
    IF numbers IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'foreign_key_violation',
            MESSAGE = format('trunk %s cannot be deleted: DNs are reached over it', OLD.dn),
            DETAIL = format('DNs that use it: %s.', kamcti.in_words(numbers)),
            HINT = 'Delete these DNs, or give them another trunk, first.';
    END IF;
    RETURN OLD;
END
$$;
COMMENT ON FUNCTION kamcti.trunk_is_unused() IS 'Refuses to delete a trunk that a DN uses.';
CREATE TRIGGER trunk_is_unused BEFORE DELETE ON kamcti.trunk FOR EACH ROW EXECUTE FUNCTION kamcti.trunk_is_unused();

-- At the end of the transaction, because a DN and its trunk are two statements.
CREATE FUNCTION kamcti.trunk_dn_is_complete() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted text := CASE TG_TABLE_NAME WHEN 'dn' THEN to_jsonb(NEW) ->> 'number' ELSE to_jsonb(OLD) ->> 'dn' END;
BEGIN
    IF EXISTS (SELECT FROM kamcti.dn WHERE number = wanted AND type = 'Trunk')
       AND NOT EXISTS (SELECT FROM kamcti.trunk WHERE dn = wanted) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'check_violation',
            MESSAGE = format('DN %s is a Trunk without a row in the table trunk', wanted),
            HINT = 'Insert or delete both in one transaction.';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION kamcti.trunk_dn_is_complete() IS 'Refuses a DN of type Trunk that has no row in the table trunk when the transaction ends.';
CREATE CONSTRAINT TRIGGER trunk_dn_is_complete AFTER INSERT OR UPDATE OF type ON kamcti.dn
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.type = 'Trunk') EXECUTE FUNCTION kamcti.trunk_dn_is_complete();
CREATE CONSTRAINT TRIGGER trunk_dn_is_complete AFTER DELETE OR UPDATE OF dn ON kamcti.trunk
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION kamcti.trunk_dn_is_complete();
