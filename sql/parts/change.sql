------------------------------------------------------------------------------
-- The record of changes: what arrived in actions, and by which transaction
------------------------------------------------------------------------------

-- Timestamps and ids are given when an action is sent, but others see it when its
-- transaction commits.  Whether a snapshot saw it, only the transaction tells.  The
-- record is kept while there is the trigger that record_changes() makes.

-- The transaction is that of the top level, which a pg_snapshot knows about.  A mark that was
-- set within the delay, the time from that of the action to when it was recorded, or the
-- reverse, may be above an action that it has not seen.
CREATE TYPE actstream.change AS (
    transaction xid8,
    action_id   bigint,
    "timestamp" timestamptz,
    recorded    timestamptz,
    incarnation bigint,
    delay       tstzrange,
    operation   "char",
    arrived     boolean
);
COMMENT ON TYPE actstream.change IS E'@name change_row\nrecord of changes: which transaction changed which action';

CREATE FUNCTION actstream_internal.action_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_action_changed';
COMMENT ON FUNCTION actstream_internal.action_changed() IS 'trigger: record a change of actions';

-- Transaction ids mean something only within one history of one database cluster.
CREATE FUNCTION actstream_internal.incarnation() RETURNS bigint
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_incarnation';
COMMENT ON FUNCTION actstream_internal.incarnation() IS 'a number that differs between databases, also between a restored or promoted one and its origin';

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

CREATE FUNCTION actstream.record_changes(enabled boolean) RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS
$function$
BEGIN
    PERFORM actstream_internal.require_tables();
    IF enabled IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'argument of actstream.record_changes() must not be null',
            HINT = 'Use true to record changes, false to stop.';
    ELSIF enabled THEN
        IF NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = 'actstream.actions'::regclass AND t.tgname = 'action_changed') THEN
            CREATE TRIGGER action_changed AFTER INSERT OR DELETE OR UPDATE ON actstream.actions
                FOR EACH ROW EXECUTE FUNCTION actstream_internal.action_changed();
        END IF;
        ALTER TABLE actstream.actions ENABLE ALWAYS TRIGGER action_changed;
        COMMENT ON TRIGGER action_changed ON actstream.actions IS 'record changes in actstream.changes';
    ELSIF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = 'actstream.actions'::regclass AND t.tgname = 'action_changed') THEN
        DROP TRIGGER action_changed ON actstream.actions;
    END IF;
END
$function$;
COMMENT ON FUNCTION actstream.record_changes(boolean)
    IS 'begin to record which transactions change actions, or stop; for the owner of the tables';

-- Senders only add rows, and do not wait for this.  Rows that somebody else is deleting are
-- left to them.  In a partitioned table, a ctid alone may be that of several rows.
CREATE FUNCTION actstream.trim_changes(keep interval DEFAULT '1 day', max_rows bigint DEFAULT 10000) RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SUPPORT actstream_internal.tables_support AS $$
    WITH old AS MATERIALIZED (
        SELECT o.tableoid AS part, o.ctid AS place FROM actstream.changes o
        WHERE o.recorded OPERATOR(pg_catalog.<) (pg_catalog.now() OPERATOR(pg_catalog.-) trim_changes.keep)
        ORDER BY o.transaction
        LIMIT trim_changes.max_rows
        FOR UPDATE SKIP LOCKED),
    deleted AS (
        DELETE FROM actstream.changes c
        -- as arrays, which the planner takes for short: it then goes to each row
        USING ROWS FROM (pg_catalog.unnest(ARRAY(SELECT o.part FROM old o)), pg_catalog.unnest(ARRAY(SELECT o.place FROM old o))) AS o (part, place)
        WHERE c.tableoid OPERATOR(pg_catalog.=) o.part AND c.ctid OPERATOR(pg_catalog.=) o.place
        RETURNING 1)
    SELECT pg_catalog.count(*) FROM deleted
$$;
COMMENT ON FUNCTION actstream.trim_changes(interval, bigint)
    IS 'delete what is older from the record of changes, so many rows at most; returns how many';
