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

CREATE FUNCTION actstream.stream_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_stream_support';
COMMENT ON FUNCTION actstream.stream_support(internal) IS 'planner support for streams';

CREATE FUNCTION actstream.in_public_stream(
    actor actstream.ref, target actstream.ref, action_object actstream.ref, "timestamp" timestamptz)
    RETURNS boolean
    LANGUAGE c IMMUTABLE LEAKPROOF PARALLEL SAFE COST 10 SUPPORT actstream.stream_support
    AS 'MODULE_PATHNAME', 'actstream_in_public_stream';
CREATE FUNCTION actstream.in_model_stream(
    actor actstream.ref, target actstream.ref, action_object actstream.ref, "timestamp" timestamptz,
    label_start actstream.ref)
    RETURNS boolean
    LANGUAGE c IMMUTABLE LEAKPROOF PARALLEL SAFE COST 10 SUPPORT actstream.stream_support
    AS 'MODULE_PATHNAME', 'actstream_in_model_stream';
CREATE FUNCTION actstream.in_stream_of(
    actor actstream.ref, target actstream.ref, action_object actstream.ref, "timestamp" timestamptz,
    objects actstream.ref[], roles integer)
    RETURNS boolean
    LANGUAGE c IMMUTABLE LEAKPROOF PARALLEL SAFE COST 10 SUPPORT actstream.stream_support
    AS 'MODULE_PATHNAME', 'actstream_in_stream_of';
CREATE FUNCTION actstream.in_user_stream(
    actor actstream.ref, target actstream.ref, action_object actstream.ref, "timestamp" timestamptz,
    follower actstream.ref, flag text, with_user_activity boolean, since_follow boolean,
    follows record[])
    RETURNS boolean
    LANGUAGE c IMMUTABLE LEAKPROOF PARALLEL SAFE COST 10 SUPPORT actstream.stream_support
    AS 'MODULE_PATHNAME', 'actstream_in_user_stream';
COMMENT ON FUNCTION actstream.in_public_stream(actstream.ref, actstream.ref, actstream.ref, timestamptz)
    IS 'implementation of public_stream: whether a public action belongs to it';
COMMENT ON FUNCTION actstream.in_model_stream(actstream.ref, actstream.ref, actstream.ref, timestamptz, actstream.ref)
    IS 'implementation of model_stream: whether a public action belongs to it';
COMMENT ON FUNCTION actstream.in_stream_of(actstream.ref, actstream.ref, actstream.ref, timestamptz, actstream.ref[], integer)
    IS 'implementation of the streams of objects: whether a public action belongs to one';
COMMENT ON FUNCTION actstream.in_user_stream(actstream.ref, actstream.ref, actstream.ref, timestamptz, actstream.ref, text, boolean, boolean, record[])
    IS 'implementation of user_stream: whether a public action belongs to it';

-- Each role is a bit: 1 actor, 2 target, 4 action_object.
CREATE FUNCTION actstream.role_bits(roles text[]) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_role_bits';
COMMENT ON FUNCTION actstream.role_bits(text[]) IS 'implementation of stream_of: the roles as a number';

CREATE FUNCTION actstream.public_stream()
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream.stream_support AS $$
    SELECT a.* FROM actstream.actions a
    WHERE a.public
      AND actstream.in_public_stream(a.actor, a.target, a.action_object, a."timestamp")
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.actor_stream(actor actstream.ref)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream.stream_support AS $$
    SELECT a.* FROM actstream.actions a
    WHERE a.public
      AND actstream.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", ARRAY[$1], 1)
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.target_stream(target actstream.ref)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream.stream_support AS $$
    SELECT a.* FROM actstream.actions a
    WHERE a.public
      AND actstream.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", ARRAY[$1], 2)
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.action_object_stream(action_object actstream.ref)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream.stream_support AS $$
    SELECT a.* FROM actstream.actions a
    WHERE a.public
      AND actstream.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", ARRAY[$1], 4)
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.any_stream(object actstream.ref)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream.stream_support AS $$
    SELECT a.* FROM actstream.actions a
    WHERE a.public
      AND actstream.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", ARRAY[$1], 7)
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.model_stream(label text)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream.stream_support AS $$
    SELECT a.* FROM actstream.actions a
    WHERE a.public
      AND actstream.in_model_stream(a.actor, a.target, a.action_object, a."timestamp",
                                    actstream.label_start($1))
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.stream_of(
    objects actstream.ref[],
    roles   text[] DEFAULT '{actor,action_object,target}')
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream.stream_support AS $$
    SELECT a.* FROM actstream.actions a
    WHERE a.public
      AND actstream.in_stream_of(a.actor, a.target, a.action_object, a."timestamp",
                                 $1, actstream.role_bits($2))
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
-- The query for follows runs only where the session does not keep the list of follows.
CREATE FUNCTION actstream.user_stream(
    follower           actstream.ref,
    flag               text DEFAULT NULL,
    with_user_activity boolean DEFAULT false,
    since_follow       boolean DEFAULT false)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream.stream_support AS $$
    SELECT a.* FROM actstream.actions a
    WHERE a.public
      AND actstream.in_user_stream(a.actor, a.target, a.action_object, a."timestamp", $1, $2, $3, $4,
              ARRAY(SELECT ROW(f.followee, f.actor_only, f.started)
                    FROM actstream.follows f
                    WHERE f.follower OPERATOR(actstream.=) $1
                      AND ($2 IS NULL OR f.flag OPERATOR(pg_catalog.=) $2)
                    ORDER BY f.followee))
    ORDER BY a."timestamp" DESC, a.id DESC
$$;

COMMENT ON FUNCTION actstream.public_stream() IS 'all public actions';
COMMENT ON FUNCTION actstream.actor_stream(actstream.ref) IS 'actions of an actor';
COMMENT ON FUNCTION actstream.target_stream(actstream.ref) IS 'actions with a target';
COMMENT ON FUNCTION actstream.action_object_stream(actstream.ref) IS 'actions with an action object';
COMMENT ON FUNCTION actstream.any_stream(actstream.ref) IS 'actions with an object in any role';
COMMENT ON FUNCTION actstream.model_stream(text) IS 'actions with any object of a type, in any role';
COMMENT ON FUNCTION actstream.stream_of(actstream.ref[], text[]) IS 'actions with any of the objects, in one of the roles';
COMMENT ON FUNCTION actstream.user_stream(actstream.ref, text, boolean, boolean) IS 'actions of the objects that a follower follows';
