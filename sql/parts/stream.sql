------------------------------------------------------------------------------
-- Streams: public actions, newest first
------------------------------------------------------------------------------

-- A stream is a scan of the table actions: the planner replaces a call of the function
-- by its body.  A call of one of the functions in_... in the body tells which actions
-- belong to the stream.  The library recognizes the scan by it, and returns the rows
-- from the indexes, in order.  In any other plan, that function is a filter.
--
-- These functions may be evaluated before the conditions of policies, so they are
-- leakproof: they raise no error, whatever the arguments.  They are not for use
-- elsewhere.

CREATE FUNCTION actstream_internal.stream_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_stream_support';
COMMENT ON FUNCTION actstream_internal.stream_support(internal) IS 'planner support for streams';

CREATE FUNCTION actstream_internal.in_public_stream(
    actor actstream.ref, target actstream.ref, action_object actstream.ref, "timestamp" timestamptz,
    verb text)
    RETURNS boolean
    LANGUAGE c IMMUTABLE LEAKPROOF PARALLEL SAFE COST 10 SUPPORT actstream_internal.stream_support
    AS 'MODULE_PATHNAME', 'actstream_in_public_stream';
CREATE FUNCTION actstream_internal.in_model_stream(
    actor actstream.ref, target actstream.ref, action_object actstream.ref, "timestamp" timestamptz,
    verb text, label_start actstream.ref)
    RETURNS boolean
    LANGUAGE c IMMUTABLE LEAKPROOF PARALLEL SAFE COST 10 SUPPORT actstream_internal.stream_support
    AS 'MODULE_PATHNAME', 'actstream_in_model_stream';
CREATE FUNCTION actstream_internal.in_stream_of(
    actor actstream.ref, target actstream.ref, action_object actstream.ref, "timestamp" timestamptz,
    verb text, objects actstream.ref[], roles integer)
    RETURNS boolean
    LANGUAGE c IMMUTABLE LEAKPROOF PARALLEL SAFE COST 10 SUPPORT actstream_internal.stream_support
    AS 'MODULE_PATHNAME', 'actstream_in_stream_of';
CREATE FUNCTION actstream_internal.in_user_stream(
    actor actstream.ref, target actstream.ref, action_object actstream.ref, "timestamp" timestamptz,
    verb text, follower actstream.ref, flag text, with_user_activity boolean, since_follow boolean,
    follows record[], mutes record[])
    RETURNS boolean
    LANGUAGE c IMMUTABLE LEAKPROOF PARALLEL SAFE COST 10 SUPPORT actstream_internal.stream_support
    AS 'MODULE_PATHNAME', 'actstream_in_user_stream';
COMMENT ON FUNCTION actstream_internal.in_public_stream(actstream.ref, actstream.ref, actstream.ref, timestamptz, text)
    IS 'implementation of public_stream: whether a public action belongs to it';
COMMENT ON FUNCTION actstream_internal.in_model_stream(actstream.ref, actstream.ref, actstream.ref, timestamptz, text, actstream.ref)
    IS 'implementation of model_stream: whether a public action belongs to it';
COMMENT ON FUNCTION actstream_internal.in_stream_of(actstream.ref, actstream.ref, actstream.ref, timestamptz, text, actstream.ref[], integer)
    IS 'implementation of the streams of objects: whether a public action belongs to one';
COMMENT ON FUNCTION actstream_internal.in_user_stream(actstream.ref, actstream.ref, actstream.ref, timestamptz, text, actstream.ref, text, boolean, boolean, record[], record[])
    IS 'implementation of user_stream: whether a public action belongs to it';

-- Each role is a bit: 1 actor, 2 target, 4 action_object.
CREATE FUNCTION actstream_internal.role_bits(roles text[]) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_role_bits';
COMMENT ON FUNCTION actstream_internal.role_bits(text[]) IS 'implementation of stream_of: the roles as a number';

-- A label that is not registered is an error, not a stream of nothing.
CREATE FUNCTION actstream_internal.model_start(label text) RETURNS actstream.ref
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_model_start';
COMMENT ON FUNCTION actstream_internal.model_start(text) IS 'implementation of model_stream: label_start() of a label that is registered';

CREATE FUNCTION actstream.stream_cursor(action actstream.action) RETURNS text
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_stream_cursor';
COMMENT ON FUNCTION actstream.stream_cursor(actstream.action) IS 'position of an action in any stream, for the arguments before and after';
CREATE FUNCTION actstream_internal.cursor_timestamp(cursor text, before boolean) RETURNS timestamptz
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_cursor_timestamp';
CREATE FUNCTION actstream_internal.cursor_id(cursor text, before boolean) RETURNS bigint
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_cursor_id';
COMMENT ON FUNCTION actstream_internal.cursor_timestamp(text, boolean) IS 'implementation of streams: time of the position next to a cursor';
COMMENT ON FUNCTION actstream_internal.cursor_id(text, boolean) IS 'implementation of streams: id of the position next to a cursor';

CREATE FUNCTION actstream.public_stream(before text DEFAULT NULL, after text DEFAULT NULL)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream_internal.stream_support AS $$
    SELECT a.* FROM actstream.actions a
    WHERE a.public
      AND actstream_internal.in_public_stream(a.actor, a.target, a.action_object, a."timestamp", a.verb)
      AND (a."timestamp", a.id) OPERATOR(pg_catalog.<=)
              (actstream_internal.cursor_timestamp($1, true), actstream_internal.cursor_id($1, true))
      AND (a."timestamp", a.id) OPERATOR(pg_catalog.>=)
              (actstream_internal.cursor_timestamp($2, false), actstream_internal.cursor_id($2, false))
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.actor_stream(actor actstream.ref, before text DEFAULT NULL, after text DEFAULT NULL)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream_internal.stream_support AS $$
    SELECT a.* FROM actstream.actions a
    WHERE a.public
      AND actstream_internal.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", a.verb, ARRAY[$1], 1)
      AND (a."timestamp", a.id) OPERATOR(pg_catalog.<=)
              (actstream_internal.cursor_timestamp($2, true), actstream_internal.cursor_id($2, true))
      AND (a."timestamp", a.id) OPERATOR(pg_catalog.>=)
              (actstream_internal.cursor_timestamp($3, false), actstream_internal.cursor_id($3, false))
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.target_stream(target actstream.ref, before text DEFAULT NULL, after text DEFAULT NULL)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream_internal.stream_support AS $$
    SELECT a.* FROM actstream.actions a
    WHERE a.public
      AND actstream_internal.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", a.verb, ARRAY[$1], 2)
      AND (a."timestamp", a.id) OPERATOR(pg_catalog.<=)
              (actstream_internal.cursor_timestamp($2, true), actstream_internal.cursor_id($2, true))
      AND (a."timestamp", a.id) OPERATOR(pg_catalog.>=)
              (actstream_internal.cursor_timestamp($3, false), actstream_internal.cursor_id($3, false))
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.action_object_stream(action_object actstream.ref, before text DEFAULT NULL, after text DEFAULT NULL)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream_internal.stream_support AS $$
    SELECT a.* FROM actstream.actions a
    WHERE a.public
      AND actstream_internal.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", a.verb, ARRAY[$1], 4)
      AND (a."timestamp", a.id) OPERATOR(pg_catalog.<=)
              (actstream_internal.cursor_timestamp($2, true), actstream_internal.cursor_id($2, true))
      AND (a."timestamp", a.id) OPERATOR(pg_catalog.>=)
              (actstream_internal.cursor_timestamp($3, false), actstream_internal.cursor_id($3, false))
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.any_stream(object actstream.ref, before text DEFAULT NULL, after text DEFAULT NULL)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream_internal.stream_support AS $$
    SELECT a.* FROM actstream.actions a
    WHERE a.public
      AND actstream_internal.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", a.verb, ARRAY[$1], 7)
      AND (a."timestamp", a.id) OPERATOR(pg_catalog.<=)
              (actstream_internal.cursor_timestamp($2, true), actstream_internal.cursor_id($2, true))
      AND (a."timestamp", a.id) OPERATOR(pg_catalog.>=)
              (actstream_internal.cursor_timestamp($3, false), actstream_internal.cursor_id($3, false))
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.model_stream(label text, before text DEFAULT NULL, after text DEFAULT NULL)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream_internal.stream_support AS $$
    SELECT a.* FROM actstream.actions a
    WHERE a.public
      AND actstream_internal.in_model_stream(a.actor, a.target, a.action_object, a."timestamp", a.verb,
                                    actstream_internal.model_start($1))
      AND (a."timestamp", a.id) OPERATOR(pg_catalog.<=)
              (actstream_internal.cursor_timestamp($2, true), actstream_internal.cursor_id($2, true))
      AND (a."timestamp", a.id) OPERATOR(pg_catalog.>=)
              (actstream_internal.cursor_timestamp($3, false), actstream_internal.cursor_id($3, false))
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.stream_of(
    objects actstream.ref[],
    roles   text[] DEFAULT '{actor,action_object,target}',
    before  text DEFAULT NULL,
    after   text DEFAULT NULL)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream_internal.stream_support AS $$
    SELECT a.* FROM actstream.actions a
    WHERE a.public
      AND actstream_internal.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", a.verb,
                                 $1, actstream_internal.role_bits($2))
      AND (a."timestamp", a.id) OPERATOR(pg_catalog.<=)
              (actstream_internal.cursor_timestamp($3, true), actstream_internal.cursor_id($3, true))
      AND (a."timestamp", a.id) OPERATOR(pg_catalog.>=)
              (actstream_internal.cursor_timestamp($4, false), actstream_internal.cursor_id($4, false))
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
-- The queries for follows and mutes run only where the session does not keep the list of
-- follows.  The library leaves them out if they are exactly these.
CREATE FUNCTION actstream.user_stream(
    follower           actstream.ref,
    flag               text DEFAULT NULL,
    with_user_activity boolean DEFAULT false,
    since_follow       boolean DEFAULT false,
    without_own        boolean DEFAULT false,
    before             text DEFAULT NULL,
    after              text DEFAULT NULL)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream_internal.stream_support AS $$
    SELECT a.* FROM actstream.actions a
    WHERE a.public
      AND actstream_internal.in_user_stream(a.actor, a.target, a.action_object, a."timestamp", a.verb,
              $1, $2, $3, $4,
              ARRAY(SELECT ROW(f.followee, f.actor_only, f.started, f.verbs)
                    FROM actstream.follows f
                    WHERE f.follower OPERATOR(pg_catalog.=) $1
                      AND ($2 IS NULL OR f.flag OPERATOR(pg_catalog.=) $2)
                    ORDER BY f.followee),
              ARRAY(SELECT ROW(m.muter, m.muted, m.verbs, m.block)
                    FROM actstream.mutes m
                    WHERE (m.muter OPERATOR(pg_catalog.=) $1
                           OR m.muted OPERATOR(pg_catalog.=) $1 AND m.block)
                      AND (m.until IS NULL OR m.until OPERATOR(pg_catalog.>) pg_catalog.now())))
      AND ($5 IS NOT TRUE OR a.actor OPERATOR(pg_catalog.<>) $1)
      AND (a."timestamp", a.id) OPERATOR(pg_catalog.<=)
              (actstream_internal.cursor_timestamp($6, true), actstream_internal.cursor_id($6, true))
      AND (a."timestamp", a.id) OPERATOR(pg_catalog.>=)
              (actstream_internal.cursor_timestamp($7, false), actstream_internal.cursor_id($7, false))
    ORDER BY a."timestamp" DESC, a.id DESC
$$;

COMMENT ON FUNCTION actstream.public_stream(text, text) IS E'@simpleCollections only\nall public actions';
COMMENT ON FUNCTION actstream.actor_stream(actstream.ref, text, text) IS E'@simpleCollections only\nactions of an actor';
COMMENT ON FUNCTION actstream.target_stream(actstream.ref, text, text) IS E'@simpleCollections only\nactions with a target';
COMMENT ON FUNCTION actstream.action_object_stream(actstream.ref, text, text) IS E'@simpleCollections only\nactions with an action object';
COMMENT ON FUNCTION actstream.any_stream(actstream.ref, text, text) IS E'@simpleCollections only\nactions with an object in any role';
COMMENT ON FUNCTION actstream.model_stream(text, text, text) IS E'@simpleCollections only\nactions with any object of a type, in any role';
COMMENT ON FUNCTION actstream.stream_of(actstream.ref[], text[], text, text) IS E'@simpleCollections only\nactions with any of the objects, in one of the roles';
COMMENT ON FUNCTION actstream.user_stream(actstream.ref, text, boolean, boolean, boolean, text, text) IS E'@simpleCollections only\nactions of the objects that a follower follows';
