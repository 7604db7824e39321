------------------------------------------------------------------------------
-- Notifications: what of a user_stream its reader has seen and read
------------------------------------------------------------------------------

-- A mark is a position in the stream.  What is not above it counts as read, except what
-- its snapshot has not seen.  Exceptions are about one action each.  Nothing is stored
-- when an action is sent.

CREATE TYPE actstream.mark AS (
    reader        actstream.ref,
    feed          text,
    seen          text,
    seen_at       timestamptz,
    seen_snapshot pg_snapshot,
    seen_by       xid8,
    seen_next     xid8,
    read          text,
    read_at       timestamptz,
    read_snapshot pg_snapshot,
    read_by       xid8,
    read_next     xid8,
    incarnation   bigint
);
COMMENT ON TYPE actstream.mark IS E'@name mark_row\nmarks: up to where readers have seen and read their notifications';

CREATE TYPE actstream.mark_exception AS (
    reader      actstream.ref,
    feed        text,
    action_id   bigint,
    "timestamp" timestamptz,
    read        boolean,
    archived    boolean,
    until       timestamptz
);
COMMENT ON TYPE actstream.mark_exception IS E'@name mark_exception_row\nnotifications that were read, unread, archived or snoozed one by one';

CREATE TYPE actstream.notification AS (
    action actstream.action,
    seen   boolean,
    read   boolean
);
COMMENT ON TYPE actstream.notification IS 'an action, and whether its reader has seen and read it';

CREATE FUNCTION actstream_internal.mark_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_mark_check';
COMMENT ON FUNCTION actstream_internal.mark_check() IS 'trigger: check that the row is valid and its reader exists';

CREATE FUNCTION actstream_internal.is_marked("timestamp" timestamptz, id bigint, mark text) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_is_marked';
COMMENT ON FUNCTION actstream_internal.is_marked(timestamptz, bigint, text) IS 'whether a place is not above a mark';

-- Every row of the reader's stream, with what marks and exceptions say of it.  No ORDER BY:
-- the joins are nested loops, which keep the order of the stream, as OFFSET 0 and
-- conditions inside leave no other way.
--
-- CASE rather than COALESCE: behind a policy that could leak, as far as PostgreSQL knows, and would be
-- no condition for an index.
--
--   hidden    is in the archive now; by CASE, for the planner would take the share of exceptions for that of
--             the stream
--   returned  came back from there, and was not read since
--   covered   has been read, as far as the mark says
CREATE FUNCTION actstream_internal.notices(
    reader actstream.ref, feed text, flag text, before text, after text)
    RETURNS TABLE (action actstream.action, id bigint, "timestamp" timestamptz, own boolean,
                   hidden boolean, returned boolean, covered boolean, seen boolean, read boolean)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream_internal.tables_support AS $$
    SELECT n.action, n.id, n."timestamp", n.own, n.hidden, n.returned, n.covered,
           n.own OR n.read OR (n.covered_seen AND NOT n.returned_unseen),
           n.own OR n.read
    FROM (
        SELECT n.*, NOT n.returned AND COALESCE(n.excepted, n.covered) AS read
        FROM (
            SELECT s AS action, s.id, s."timestamp",
                   s.actor OPERATOR(pg_catalog.=) $1 AS own,
                   e.read AS excepted,
                   CASE WHEN e.archived AND (e.until IS NULL OR e.until OPERATOR(pg_catalog.>) pg_catalog.now())
                        THEN true ELSE false END AS hidden,
                   (e.until OPERATOR(pg_catalog.<=) pg_catalog.now()) IS TRUE
                       AND (actstream_internal.is_marked(s."timestamp", s.id, m.read)
                            AND e.until OPERATOR(pg_catalog.<=) m.read_at) IS NOT TRUE AS returned,
                   (e.until OPERATOR(pg_catalog.<=) pg_catalog.now()) IS TRUE
                       AND (actstream_internal.is_marked(s."timestamp", s.id, m.seen)
                            AND e.until OPERATOR(pg_catalog.<=) m.seen_at) IS NOT TRUE AS returned_unseen,
                   CASE WHEN actstream_internal.is_marked(s."timestamp", s.id, m.read)
                        THEN (SELECT true FROM actstream.changes c
                              WHERE c.action_id OPERATOR(pg_catalog.=) s.id AND c.arrived
                                AND actstream_internal.is_later(c.transaction, c.incarnation, c.recorded,
                                        m.read_snapshot, m.read_by, m.incarnation, m.read_at)
                              LIMIT 1) IS NULL
                        ELSE false END AS covered,
                   CASE WHEN actstream_internal.is_marked(s."timestamp", s.id, m.seen)
                        THEN (SELECT true FROM actstream.changes c
                              WHERE c.action_id OPERATOR(pg_catalog.=) s.id AND c.arrived
                                AND actstream_internal.is_later(c.transaction, c.incarnation, c.recorded,
                                        m.seen_snapshot, m.seen_by, m.incarnation, m.seen_at)
                              LIMIT 1) IS NULL
                        ELSE false END AS covered_seen
            FROM actstream.user_stream($1, $3, before => $4, after => $5) s
            LEFT JOIN LATERAL (
                SELECT x.read, x.archived, x.until
                FROM actstream.mark_exceptions x
                WHERE x.reader OPERATOR(pg_catalog.=) $1 AND x.feed OPERATOR(pg_catalog.=) CASE WHEN $2 IS NULL THEN '' ELSE $2 END
                  AND x."timestamp" OPERATOR(pg_catalog.=) s."timestamp"
                  AND x.action_id OPERATOR(pg_catalog.=) s.id
                OFFSET 0) e ON true
            LEFT JOIN LATERAL (
                SELECT x.seen, x.seen_at, x.seen_snapshot, x.seen_by,
                       x.read, x.read_at, x.read_snapshot, x.read_by, x.incarnation
                FROM actstream.marks x
                WHERE x.reader OPERATOR(pg_catalog.=) $1 AND x.feed OPERATOR(pg_catalog.=) CASE WHEN $2 IS NULL THEN '' ELSE $2 END
                OFFSET 0) m ON true
        ) n
    ) n
$$;
COMMENT ON FUNCTION actstream_internal.notices(actstream.ref, text, text, text, text)
    IS 'implementation of notifications: the stream of a reader, with what marks and exceptions say';

CREATE FUNCTION actstream_internal.current_notifications(
    reader actstream.ref, feed text, flag text, before text, after text)
    RETURNS SETOF actstream.notification
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream_internal.tables_support AS $$
    SELECT n.action, n.seen, n.read
    FROM actstream_internal.notices($1, $2, $3, $4, $5) n
    WHERE NOT n.hidden
$$;

-- What is in the archive is read from the exceptions, which are in order, too.
CREATE FUNCTION actstream_internal.archived_notifications(
    reader actstream.ref, feed text, flag text, before text, after text)
    RETURNS SETOF actstream.notification
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream_internal.tables_support AS $$
    SELECT n.action, n.seen, n.read
    FROM actstream.mark_exceptions x
    CROSS JOIN LATERAL (
        SELECT n.action, n.seen, n.read
        FROM actstream_internal.notices($1, $2, $3, NULL, NULL) n
        WHERE n.id OPERATOR(pg_catalog.=) x.action_id
          AND n."timestamp" OPERATOR(pg_catalog.=) x."timestamp"
          AND n.hidden
        OFFSET 0) n
    WHERE x.reader OPERATOR(pg_catalog.=) $1 AND x.feed OPERATOR(pg_catalog.=) CASE WHEN $2 IS NULL THEN '' ELSE $2 END AND x.archived
      AND (x."timestamp", x.action_id) OPERATOR(pg_catalog.<=)
              (actstream_internal.cursor_timestamp($4, true), actstream_internal.cursor_id($4, true))
      AND (x."timestamp", x.action_id) OPERATOR(pg_catalog.>=)
              (actstream_internal.cursor_timestamp($5, false), actstream_internal.cursor_id($5, false))
    ORDER BY x."timestamp" DESC, x.action_id DESC
$$;
COMMENT ON FUNCTION actstream_internal.current_notifications(actstream.ref, text, text, text, text)
    IS 'implementation of notifications: those that are not in the archive';
COMMENT ON FUNCTION actstream_internal.archived_notifications(actstream.ref, text, text, text, text)
    IS 'implementation of notifications: those that are in the archive';

-- The planner replaces a call by one of these two, if it knows which is wanted.
CREATE FUNCTION actstream_internal.notifications_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_notifications_support';
COMMENT ON FUNCTION actstream_internal.notifications_support(internal) IS 'planner support for notifications';

CREATE FUNCTION actstream.notifications(
    reader   actstream.ref,
    feed     text DEFAULT '',
    flag     text DEFAULT NULL,
    archived boolean DEFAULT false,
    before   text DEFAULT NULL,
    after    text DEFAULT NULL)
    RETURNS SETOF actstream.notification
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream_internal.notifications_support AS $$
    SELECT n.* FROM actstream_internal.current_notifications($1, $2, $3, $5, $6) n WHERE $4 IS NOT TRUE
    UNION ALL
    SELECT n.* FROM actstream_internal.archived_notifications($1, $2, $3, $5, $6) n WHERE $4 IS TRUE
$$;
COMMENT ON FUNCTION actstream.notifications(actstream.ref, text, text, boolean, text, text)
    IS E'@simpleCollections only\nthe user_stream of a reader, with what has been seen and read; or what is in the archive';

CREATE FUNCTION actstream_internal.unread_below(reader actstream.ref, feed text, flag text)
    RETURNS SETOF actstream.notification
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 ROWS 1 AS 'MODULE_PATHNAME', 'actstream_unread_below';
COMMENT ON FUNCTION actstream_internal.unread_below(actstream.ref, text, text)
    IS 'implementation of unread: notifications that are not above the mark';

-- OFFSET 0 keeps the mark from being looked up for each of its uses.
CREATE FUNCTION actstream.unread(
    reader actstream.ref,
    feed   text DEFAULT '',
    flag   text DEFAULT NULL)
    RETURNS SETOF actstream.notification
    LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 100 SUPPORT actstream_internal.tables_support AS $$
    SELECT n.action, n.seen, n.read
    FROM (SELECT (SELECT m.read FROM actstream.marks m
                  WHERE m.reader OPERATOR(pg_catalog.=) $1 AND m.feed OPERATOR(pg_catalog.=) CASE WHEN $2 IS NULL THEN '' ELSE $2 END) AS read
          OFFSET 0) m
    CROSS JOIN LATERAL actstream_internal.notices($1, $2, $3, NULL, m.read) n
    WHERE NOT n.hidden AND NOT n.read
    UNION ALL
    SELECT n.* FROM actstream_internal.unread_below($1, $2, $3) n
$$;
COMMENT ON FUNCTION actstream.unread(actstream.ref, text, text)
    IS E'@simpleCollections only\nthe notifications of a reader that have not been read';

CREATE FUNCTION actstream.unseen_count(reader actstream.ref, feed text DEFAULT '', flag text DEFAULT NULL, cap bigint DEFAULT 100)
    RETURNS integer
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'actstream_unseen_count';
CREATE FUNCTION actstream.unread_count(reader actstream.ref, feed text DEFAULT '', flag text DEFAULT NULL, cap bigint DEFAULT 100)
    RETURNS integer
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'actstream_unread_count';
COMMENT ON FUNCTION actstream.unseen_count(actstream.ref, text, text, bigint)
    IS 'how many notifications their reader has not seen; counts no further than cap';
COMMENT ON FUNCTION actstream.unread_count(actstream.ref, text, text, bigint)
    IS 'how many notifications their reader has not read; counts no further than cap';

CREATE FUNCTION actstream.mark_all_seen(reader actstream.ref, feed text DEFAULT '', up_to text DEFAULT NULL) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_mark_all_seen';
CREATE FUNCTION actstream.mark_all_read(reader actstream.ref, feed text DEFAULT '', up_to text DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_mark_all_read';
CREATE FUNCTION actstream.mark_read(reader actstream.ref, actions bigint[], feed text DEFAULT '') RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_mark_read';
CREATE FUNCTION actstream.mark_unread(reader actstream.ref, actions bigint[], feed text DEFAULT '') RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_mark_unread';
CREATE FUNCTION actstream.archive(reader actstream.ref, actions bigint[], feed text DEFAULT '', until timestamptz DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_archive';
COMMENT ON FUNCTION actstream.mark_all_seen(actstream.ref, text, text)
    IS 'mark notifications as seen, up to a cursor, or to the newest';
COMMENT ON FUNCTION actstream.mark_all_read(actstream.ref, text, text)
    IS 'mark notifications as read, up to a cursor, or to the newest; returns 1 if the mark has moved, or else how many were not read';
COMMENT ON FUNCTION actstream.mark_read(actstream.ref, bigint[], text)
    IS 'mark some notifications as read; returns how many have changed';
COMMENT ON FUNCTION actstream.mark_unread(actstream.ref, bigint[], text)
    IS 'mark notifications as unread; returns how many have changed';
COMMENT ON FUNCTION actstream.archive(actstream.ref, bigint[], text, timestamptz)
    IS 'move notifications to the archive, for good or until a time; a time that is over takes them out; returns how many have changed';

-- Deleting an action does not look for them.  Whoever may not see all actions gets an error, as
-- one that is hidden is not gone.  In a partitioned table, a ctid alone may be that of several
-- rows.
CREATE FUNCTION actstream.trim_marks(max_rows bigint DEFAULT 10000) RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SUPPORT actstream_internal.tables_support
    SET row_security = off
AS $$
    SELECT actstream_internal.check_max_rows(trim_marks.max_rows);
    WITH needless AS MATERIALIZED (
        SELECT o.tableoid AS part, o.ctid AS place FROM actstream.mark_exceptions o
        WHERE NOT EXISTS (SELECT FROM actstream.actions a WHERE a.id OPERATOR(pg_catalog.=) o.action_id)
        LIMIT trim_marks.max_rows
        FOR UPDATE OF o SKIP LOCKED),
    deleted AS (
        DELETE FROM actstream.mark_exceptions x
        USING ROWS FROM (pg_catalog.unnest(ARRAY(SELECT o.part FROM needless o)), pg_catalog.unnest(ARRAY(SELECT o.place FROM needless o))) AS o (part, place)
        WHERE x.tableoid OPERATOR(pg_catalog.=) o.part AND x.ctid OPERATOR(pg_catalog.=) o.place
        RETURNING 1)
    SELECT pg_catalog.count(*) FROM deleted
$$;
COMMENT ON FUNCTION actstream.trim_marks(bigint)
    IS 'delete exceptions whose actions are gone, so many rows at most; for the owner of the tables; returns how many';
