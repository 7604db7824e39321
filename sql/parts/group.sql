------------------------------------------------------------------------------
-- Groups: "Ann, Ben and 3 others liked X"
------------------------------------------------------------------------------

CREATE TYPE actstream.action_group AS (
    cursor        text,
    newest        timestamptz,
    oldest        timestamptz,
    verb          text,
    actor         actstream.ref,
    action_object actstream.ref,
    target        actstream.ref,
    actions       bigint,
    actors        bigint,
    actor_sample  actstream.ref[],
    action_sample bigint[]
);
COMMENT ON TYPE actstream.action_group IS 'actions of one span of time that have something in common';

-- Groups are made as the actions of a stream are read, newest first: next_groups() returns
-- the groups of a span when it meets an action of the next one, or the row of nulls that
-- comes last.  So a query with a LIMIT reads the spans that it needs.  The functions are
-- PARALLEL UNSAFE, because workers would not read in order.

CREATE FUNCTION actstream_internal.next_groups(
    "timestamp" timestamptz, id bigint, actor actstream.ref, verb text, action_object actstream.ref, target actstream.ref,
    by text[], span interval, sample integer, before text)
    RETURNS SETOF actstream.action_group
    LANGUAGE c STABLE PARALLEL UNSAFE ROWS 1 AS 'MODULE_PATHNAME', 'actstream_next_groups';
CREATE FUNCTION actstream_internal.groups_start(before text) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_groups_start';
COMMENT ON FUNCTION actstream_internal.next_groups(timestamptz, bigint, actstream.ref, text, actstream.ref, actstream.ref, text[], interval, integer, text)
    IS 'implementation of groups: those that are complete when this action of a stream has been read';
COMMENT ON FUNCTION actstream_internal.groups_start(text)
    IS 'implementation of groups: where in the stream the groups after a cursor begin';

CREATE FUNCTION actstream.user_groups(
    follower actstream.ref,
    by       text[] DEFAULT '{verb,target}',
    span     interval DEFAULT '1 day',
    sample   integer DEFAULT 3,
    flag     text DEFAULT NULL,
    before   text DEFAULT NULL,
    verbs    text[] DEFAULT NULL,
    without_own boolean DEFAULT false)
    RETURNS SETOF actstream.action_group
    LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 100 SUPPORT actstream_internal.stream_support AS $$
    SELECT (g.row).cursor, (g.row).newest, (g.row).oldest, (g.row).verb, (g.row).actor, (g.row).action_object,
           (g.row).target, (g.row).actions, (g.row).actors, (g.row).actor_sample, (g.row).action_sample
    FROM (SELECT actstream_internal.next_groups(a."timestamp", a.id, a.actor, a.verb, a.action_object, a.target,
                                                $2, $3, $4, $6) AS row
          FROM ((SELECT s."timestamp", s.id, s.actor, s.verb, s.action_object, s.target
                 FROM actstream.user_stream($1, flag => $5, before => actstream_internal.groups_start($6), without_own => $8) s
                 WHERE $7 IS NULL OR s.verb OPERATOR(pg_catalog.=) ANY ($7)
                 ORDER BY s."timestamp" DESC, s.id DESC)
                UNION ALL
                SELECT NULL, NULL, NULL, NULL, NULL, NULL) a) g
$$;
CREATE FUNCTION actstream.groups_of(
    objects actstream.ref[],
    roles   text[] DEFAULT '{actor,action_object,target}',
    by      text[] DEFAULT '{verb,target}',
    span    interval DEFAULT '1 day',
    sample  integer DEFAULT 3,
    before  text DEFAULT NULL,
    verbs   text[] DEFAULT NULL)
    RETURNS SETOF actstream.action_group
    LANGUAGE sql STABLE PARALLEL UNSAFE ROWS 100 SUPPORT actstream_internal.stream_support AS $$
    SELECT (g.row).cursor, (g.row).newest, (g.row).oldest, (g.row).verb, (g.row).actor, (g.row).action_object,
           (g.row).target, (g.row).actions, (g.row).actors, (g.row).actor_sample, (g.row).action_sample
    FROM (SELECT actstream_internal.next_groups(a."timestamp", a.id, a.actor, a.verb, a.action_object, a.target,
                                                $3, $4, $5, $6) AS row
          FROM ((SELECT s."timestamp", s.id, s.actor, s.verb, s.action_object, s.target
                 FROM actstream.stream_of($1, $2, before => actstream_internal.groups_start($6)) s
                 WHERE $7 IS NULL OR s.verb OPERATOR(pg_catalog.=) ANY ($7)
                 ORDER BY s."timestamp" DESC, s.id DESC)
                UNION ALL
                SELECT NULL, NULL, NULL, NULL, NULL, NULL) a) g
$$;
COMMENT ON FUNCTION actstream.user_groups(actstream.ref, text[], interval, integer, text, text, text[], boolean)
    IS E'@simpleCollections only\nactions of the objects that a follower follows, in groups';
COMMENT ON FUNCTION actstream.groups_of(actstream.ref[], text[], text[], interval, integer, text, text[])
    IS E'@simpleCollections only\nactions with any of the objects, in groups';
