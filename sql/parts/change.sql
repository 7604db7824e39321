------------------------------------------------------------------------------
-- The record of changes: what happened to actions, and by which transaction
------------------------------------------------------------------------------

-- Timestamps and ids are given when an action is sent, but others see it when its
-- transaction commits.  Whether a snapshot saw it, only the transaction tells.  The
-- record is kept while there is the trigger that record_changes() makes.

-- The transaction is that of the top level, which a pg_snapshot knows about.  A mark that was
-- set within the delay, the time from that of the action to when it was recorded, or the
-- reverse, may be above an action that it has not seen.  The last five columns are what an
-- UPDATE or DELETE has replaced.
--
-- A row whose operation is G is a gap: what its transaction, or one before, has changed may
-- not be in the record.  Its action_id is the transaction that has made it.
CREATE TYPE actstream.change AS (
    transaction xid8,
    action_id   bigint,
    "timestamp" timestamptz,
    recorded    timestamptz,
    incarnation bigint,
    delay       tstzrange,
    operation   "char",
    arrived     boolean,
    old_public  boolean,
    old_actor   actstream.ref,
    old_verb    text,
    old_action_object actstream.ref,
    old_target  actstream.ref
);
COMMENT ON TYPE actstream.change IS E'@name change_row\nrecord of changes: which transaction changed which action';

CREATE FUNCTION actstream_internal.action_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_action_changed';
COMMENT ON FUNCTION actstream_internal.action_changed() IS 'trigger: record a change of actions';

CREATE FUNCTION actstream_internal.note_gap() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_note_gap';
COMMENT ON FUNCTION actstream_internal.note_gap() IS 'record that changes until now may not be in the record; for the owner of the tables';

CREATE FUNCTION actstream_internal.action_of(record) RETURNS actstream.action
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_action_of';
COMMENT ON FUNCTION actstream_internal.action_of(record) IS 'the action whose attributes are the columns of a row that have their names';

-- Transaction ids mean something only within one history of one database cluster.
CREATE FUNCTION actstream_internal.incarnation() RETURNS bigint
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_incarnation';
COMMENT ON FUNCTION actstream_internal.incarnation() IS 'a number that differs between databases, also between a restored one and its origin';

-- What a snapshot has not seen.  Where its transaction ids cannot be compared with those
-- of the record, which was restored from another incarnation, the time decides.
CREATE FUNCTION actstream_internal.is_later(
    transaction xid8, incarnation bigint, recorded timestamptz,
    snapshot pg_snapshot, taken_by xid8, taken_in bigint, taken timestamptz)
    RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN $2 OPERATOR(pg_catalog.=) $6 AND $4 IS NOT NULL
                THEN NOT pg_catalog.pg_visible_in_snapshot($1, $4) AND $1 OPERATOR(pg_catalog.<>) $5
                ELSE $3 OPERATOR(pg_catalog.>) $7 END
$$;
COMMENT ON FUNCTION actstream_internal.is_later(xid8, bigint, timestamptz, pg_snapshot, xid8, bigint, timestamptz)
    IS 'whether a snapshot, taken by a transaction at a time, has not seen a recorded change';

-- Its triggers, which fire always; partitions have one for rows alone.
CREATE FUNCTION actstream_internal.change_triggers()
    RETURNS TABLE (relation regclass, trigger name, mode "char", present boolean)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.relation, e.trigger, e.mode, EXISTS (
        SELECT FROM pg_trigger t
        WHERE t.tgrelid = e.relation AND t.tgname = e.trigger AND t.tgenabled = e.mode AND t.tgtype = e.type
          AND t.tgqual IS NULL AND t.tgnargs = 0 AND t.tgattr = '' AND NOT t.tgdeferrable
          AND t.tgfoid = 'actstream_internal.action_changed()'::regprocedure)
    FROM (
        -- AFTER TRUNCATE, for each statement
        SELECT 'actstream.actions'::regclass, 'action_truncated'::name, 'A'::"char", 32
        UNION ALL
        -- AFTER INSERT OR DELETE OR UPDATE, for each row
        SELECT p.relation, 'action_changed', 'A', 29
        FROM (SELECT 'actstream.actions'::regclass AS relation
              UNION
              SELECT relid FROM pg_partition_tree('actstream.actions')) AS p
    ) AS e (relation, trigger, mode, type)
$$;
COMMENT ON FUNCTION actstream_internal.change_triggers() IS 'triggers of record_changes(), for it and for integrity_check()';

CREATE FUNCTION actstream_internal.changes_are_recorded() RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT bool_and(e.present) FROM actstream_internal.change_triggers() AS e
$$;
COMMENT ON FUNCTION actstream_internal.changes_are_recorded() IS 'whether all triggers of record_changes() are there';

CREATE FUNCTION actstream.record_changes(enabled boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp SET client_min_messages = warning AS
$function$
DECLARE
    other name;
BEGIN
    PERFORM actstream_internal.require_tables();
    IF enabled IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'argument of actstream.record_changes() must not be null',
            HINT = 'Use true to record changes, false to stop.';
    ELSIF enabled AND actstream_internal.changes_are_recorded() THEN
        RETURN;
    END IF;
    -- whatever their names are now
    FOR other IN
        SELECT t.tgname FROM pg_trigger t
        WHERE t.tgrelid = 'actstream.actions'::regclass AND t.tgfoid = 'actstream_internal.action_changed()'::regprocedure
    LOOP
        EXECUTE format('DROP TRIGGER %I ON actstream.actions', other);
    END LOOP;
    IF enabled THEN
        CREATE TRIGGER action_changed AFTER INSERT OR DELETE OR UPDATE ON actstream.actions
            FOR EACH ROW EXECUTE FUNCTION actstream_internal.action_changed();
        CREATE TRIGGER action_truncated AFTER TRUNCATE ON actstream.actions
            FOR EACH STATEMENT EXECUTE FUNCTION actstream_internal.action_changed();
        ALTER TABLE actstream.actions ENABLE ALWAYS TRIGGER action_changed, ENABLE ALWAYS TRIGGER action_truncated;
        COMMENT ON TRIGGER action_changed ON actstream.actions IS 'record changes in actstream.changes';
        COMMENT ON TRIGGER action_truncated ON actstream.actions IS 'record in actstream.changes that all actions have gone';
        -- until now, changes may not be in the record
        PERFORM actstream_internal.note_gap();
    END IF;
END
$function$;
COMMENT ON FUNCTION actstream.record_changes(boolean)
    IS 'begin to record which transactions change actions, or stop; for the owner of the tables';

-- Senders only add rows, and do not wait for this.  Rows that somebody else is deleting are
-- left to them.  In a partitioned table, a ctid alone may be that of several rows.
--
-- A gap, at the last transaction of what is deleted, says that it is gone; earlier gaps are
-- then needless.
CREATE FUNCTION actstream.trim_changes(keep interval DEFAULT '1 day', max_rows bigint DEFAULT 10000) RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SUPPORT actstream_internal.tables_support AS $$
    SELECT actstream_internal.check_max_rows(trim_changes.max_rows);
    WITH old AS MATERIALIZED (
        SELECT o.tableoid AS part, o.ctid AS place, o.transaction, o.incarnation, o.recorded
        FROM actstream.changes o
        WHERE o.recorded OPERATOR(pg_catalog.<) (pg_catalog.now() OPERATOR(pg_catalog.-) trim_changes.keep)
          AND o.operation OPERATOR(pg_catalog.<>) 'G'
        ORDER BY o.transaction
        LIMIT trim_changes.max_rows
        FOR UPDATE SKIP LOCKED),
    gap AS MATERIALIZED (
        SELECT o.transaction, o.recorded
        FROM old o
        WHERE o.incarnation OPERATOR(pg_catalog.=) actstream_internal.incarnation()
        ORDER BY o.transaction DESC
        LIMIT 1),
    needless AS MATERIALIZED (
        SELECT g.tableoid AS part, g.ctid AS place
        FROM actstream.changes g
        WHERE g.operation OPERATOR(pg_catalog.=) 'G'
          AND (g.incarnation OPERATOR(pg_catalog.<>) actstream_internal.incarnation()
               OR g.transaction OPERATOR(pg_catalog.<=) (SELECT p.transaction FROM gap p))
        FOR UPDATE SKIP LOCKED),
    mark_gap AS (
        INSERT INTO actstream.changes (transaction, action_id, "timestamp", recorded, incarnation, delay, operation, arrived)
        SELECT p.transaction, pg_catalog.pg_current_xact_id()::pg_catalog.text::pg_catalog.int8, p.recorded, p.recorded, actstream_internal.incarnation(), 'empty', 'G', false
        FROM gap p),
    deleted AS (
        DELETE FROM actstream.changes c
        -- as arrays, which the planner takes for short: it then goes to each row
        USING ROWS FROM (
            pg_catalog.unnest(ARRAY(SELECT o.part FROM old o UNION ALL SELECT g.part FROM needless g)),
            pg_catalog.unnest(ARRAY(SELECT o.place FROM old o UNION ALL SELECT g.place FROM needless g))) AS o (part, place)
        WHERE c.tableoid OPERATOR(pg_catalog.=) o.part AND c.ctid OPERATOR(pg_catalog.=) o.place
        RETURNING c.operation)
    SELECT pg_catalog.count(*) FROM deleted d WHERE d.operation OPERATOR(pg_catalog.<>) 'G'
$$;
COMMENT ON FUNCTION actstream.trim_changes(interval, bigint)
    IS 'delete what is older from the record of changes, so many rows at most; returns how many';

-- What is new: for programs that have read a stream, and want to know what happens next.
CREATE TYPE actstream.changed_action AS (
    position  text,
    viewer    actstream.ref,
    operation text,
    action    actstream.action
);
COMMENT ON TYPE actstream.changed_action IS 'an action that was inserted, updated or deleted, and a position after that';

CREATE FUNCTION actstream.stream_position() RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'actstream_stream_position';
COMMENT ON FUNCTION actstream.stream_position()
    IS 'a position in the record of changes: changes_since() tells what happens afterwards';

CREATE FUNCTION actstream.changes_since(
    since    text,
    viewers  actstream.ref[] DEFAULT NULL,
    max_rows bigint DEFAULT 1000)
    RETURNS SETOF actstream.changed_action
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 ROWS 100
    AS 'MODULE_PATHNAME', 'actstream_changes_since';
COMMENT ON FUNCTION actstream.changes_since(text, actstream.ref[], bigint)
    IS E'@simpleCollections only\nchanges to actions since a position, or those that concern the streams of some viewers, and the next position';
