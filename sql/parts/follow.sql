------------------------------------------------------------------------------
-- Follows
------------------------------------------------------------------------------

CREATE TYPE actstream.follow AS (
    follower   actstream.ref,
    followee   actstream.ref,
    flag       text,
    actor_only boolean,
    started    timestamptz,
    verbs      text[]
);
COMMENT ON TYPE actstream.follow IS E'@name follow_row\nfollows: which object follows which';

CREATE FUNCTION actstream_internal.follow_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_follow_check';
COMMENT ON FUNCTION actstream_internal.follow_check() IS 'trigger: check that the row is valid and its references name existing objects';

CREATE FUNCTION actstream_internal.follow_time() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_follow_time';
COMMENT ON FUNCTION actstream_internal.follow_time() IS 'trigger: replace a null time by the current time, and check what indexes contain';

-- Sessions keep the lists of follows that they have read until this trigger, which also
-- fires for replicated changes, reports a change.
CREATE FUNCTION actstream_internal.follow_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_follow_changed';
COMMENT ON FUNCTION actstream_internal.follow_changed() IS 'trigger: make sessions reload the lists of follows that they keep';

CREATE FUNCTION actstream.follow(
    follower    actstream.ref,
    followee    actstream.ref,
    flag        text DEFAULT '',
    actor_only  boolean DEFAULT true,
    send_action boolean DEFAULT true,
    description text DEFAULT NULL,
    public      boolean DEFAULT true,
    "timestamp" timestamptz DEFAULT NULL,
    data        jsonb DEFAULT NULL,
    verbs       text[] DEFAULT NULL)
    RETURNS actstream.follow
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_follow';
CREATE FUNCTION actstream.unfollow(
    follower    actstream.ref,
    followee    actstream.ref,
    flag        text DEFAULT '',
    send_action boolean DEFAULT false)
    RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_unfollow';
COMMENT ON FUNCTION actstream.follow(actstream.ref, actstream.ref, text, boolean, boolean, text, boolean, timestamptz, jsonb, text[])
    IS 'follow an object, or only its actions with some verbs; the empty flag, the default, is the plain kind';
COMMENT ON FUNCTION actstream.unfollow(actstream.ref, actstream.ref, text, boolean)
    IS 'stop following an object, with that flag; with a null flag, for all flags';

-- follow(), unfollow() and is_following() are what a button calls: they are about one flag,
-- by default the empty one.  The functions that list follows are about any by default.
CREATE FUNCTION actstream.is_following(
    follower actstream.ref,
    followee actstream.ref,
    flag     text DEFAULT '')
    RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE SUPPORT actstream_internal.tables_support
AS $$
    SELECT EXISTS (
        SELECT FROM actstream.follows f
        WHERE f.follower OPERATOR(pg_catalog.=) is_following.follower
          AND f.followee OPERATOR(pg_catalog.=) is_following.followee
          AND (is_following.flag IS NULL OR f.flag OPERATOR(pg_catalog.=) is_following.flag))
$$;

CREATE FUNCTION actstream.followers(
    followee actstream.ref,
    flag     text DEFAULT NULL)
    RETURNS SETOF actstream.ref
    LANGUAGE sql STABLE PARALLEL SAFE SUPPORT actstream_internal.tables_support
AS $$
    SELECT DISTINCT f.follower
    FROM actstream.follows f
    WHERE f.followee OPERATOR(pg_catalog.=) followers.followee
      AND (followers.flag IS NULL OR f.flag OPERATOR(pg_catalog.=) followers.flag)
$$;

CREATE FUNCTION actstream.following(
    follower actstream.ref,
    flag     text DEFAULT NULL,
    labels   text[] DEFAULT NULL)
    RETURNS SETOF actstream.ref
    LANGUAGE sql STABLE PARALLEL SAFE SUPPORT actstream_internal.tables_support
AS $$
    SELECT DISTINCT f.followee
    FROM actstream.follows f
    WHERE f.follower OPERATOR(pg_catalog.=) following.follower
      AND (following.flag IS NULL OR f.flag OPERATOR(pg_catalog.=) following.flag)
      AND (following.labels IS NULL
           OR actstream.ref_label(f.followee) OPERATOR(pg_catalog.=) ANY (following.labels))
$$;

CREATE FUNCTION actstream.which_followed(
    follower actstream.ref,
    objects  actstream.ref[],
    flag     text DEFAULT NULL)
    RETURNS SETOF actstream.ref
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 ROWS 10 AS 'MODULE_PATHNAME', 'actstream_which_followed';

-- Both are found in the index alone; behind policies on follows only because the columns are taken out of
-- the action first: a cast of the row, as far as PostgreSQL knows, could leak.
CREATE FUNCTION actstream.audience(
    action actstream.action,
    flag   text DEFAULT NULL)
    RETURNS SETOF actstream.ref
    LANGUAGE sql STABLE PARALLEL SAFE SUPPORT actstream_internal.tables_support
AS $$
    SELECT s.follower
    FROM (SELECT (audience.action).public, (audience.action).actor, (audience.action).verb,
                 (audience.action).action_object, (audience.action).target
          OFFSET 0) AS a
    CROSS JOIN LATERAL (
        SELECT f.follower
        FROM actstream.follows f
        WHERE a.public
          AND f.followee OPERATOR(pg_catalog.=) a.actor
          AND (f.verbs IS NULL OR a.verb OPERATOR(pg_catalog.=) ANY (f.verbs))
          AND (audience.flag IS NULL OR f.flag OPERATOR(pg_catalog.=) audience.flag)
        UNION
        SELECT f.follower
        FROM actstream.follows f
        WHERE a.public
          AND f.followee OPERATOR(pg_catalog.=) ANY (ARRAY[a.target, a.action_object])
          AND NOT f.actor_only
          AND (f.verbs IS NULL OR a.verb OPERATOR(pg_catalog.=) ANY (f.verbs))
          AND (audience.flag IS NULL OR f.flag OPERATOR(pg_catalog.=) audience.flag)) AS s
    WHERE NOT EXISTS (
              SELECT FROM actstream.mutes m
              WHERE m.muter OPERATOR(pg_catalog.=) s.follower
                AND m.muted OPERATOR(pg_catalog.=) ANY (ARRAY[a.actor, a.target, a.action_object])
                AND (m.verbs IS NULL OR a.verb OPERATOR(pg_catalog.=) ANY (m.verbs))
                AND (m.until IS NULL OR m.until OPERATOR(pg_catalog.>) pg_catalog.now()))
      AND NOT EXISTS (
              SELECT FROM actstream.mutes m
              WHERE m.muter OPERATOR(pg_catalog.=) a.actor
                AND m.muted OPERATOR(pg_catalog.=) s.follower
                AND m.block
                AND (m.until IS NULL OR m.until OPERATOR(pg_catalog.>) pg_catalog.now()))
$$;

COMMENT ON FUNCTION actstream.is_following(actstream.ref, actstream.ref, text)
    IS 'whether one object follows another, with that flag; with a null flag, with any';
COMMENT ON FUNCTION actstream.followers(actstream.ref, text)
    IS 'followers of an object, each once';
COMMENT ON FUNCTION actstream.following(actstream.ref, text, text[])
    IS 'objects that a follower follows, each once';
COMMENT ON FUNCTION actstream.which_followed(actstream.ref, actstream.ref[], text)
    IS 'those of the objects that a follower follows, each once; a follow button asks with an empty flag, for a null flag means any';
COMMENT ON FUNCTION actstream.audience(actstream.action, text)
    IS 'followers whose user_stream shows the action, each once';
