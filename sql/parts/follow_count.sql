------------------------------------------------------------------------------
-- Counts of followers, and many follows at once
------------------------------------------------------------------------------

CREATE TYPE actstream.follow_count AS (
    object    actstream.ref,
    flag      text,
    slot      bigint,
    followers bigint,
    any_flag  bigint
);
COMMENT ON TYPE actstream.follow_count IS E'@name follow_count_row\nfollow_counts: a part of the number of followers of an object';

CREATE FUNCTION actstream_internal.follow_count() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_follow_count';
COMMENT ON FUNCTION actstream_internal.follow_count() IS 'trigger: count the followers of each object';

CREATE FUNCTION actstream_internal.follow_count_none() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_follow_count_none';
COMMENT ON FUNCTION actstream_internal.follow_count_none() IS 'trigger: remove all counts of followers';

CREATE FUNCTION actstream_internal.follow_count_store() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_follow_count_store';
COMMENT ON FUNCTION actstream_internal.follow_count_store() IS 'trigger: store the counts that the triggers of follows have collected';

CREATE FUNCTION actstream.follow_many(
    follower    actstream.ref,
    followees   actstream.ref[],
    flag        text DEFAULT '',
    actor_only  boolean DEFAULT true,
    send_action boolean DEFAULT false,
    verbs       text[] DEFAULT NULL)
    RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_follow_many';
COMMENT ON FUNCTION actstream.follow_many(actstream.ref, actstream.ref[], text, boolean, boolean, text[])
    IS 'follow many objects, or only their actions with some verbs; returns the number of new follows';

CREATE FUNCTION actstream.unfollow_many(
    follower    actstream.ref,
    followees   actstream.ref[],
    flag        text DEFAULT NULL,
    send_action boolean DEFAULT false)
    RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_unfollow_many';
COMMENT ON FUNCTION actstream.unfollow_many(actstream.ref, actstream.ref[], text, boolean)
    IS 'stop following many objects, with that flag; with a null flag, the default, for all flags; returns the number of follows that ended';

-- Each object once, in the order of the array.  A null flag means any flag, and each
-- follower once.
CREATE FUNCTION actstream.follower_counts(
    objects actstream.ref[],
    flag    text DEFAULT NULL)
    RETURNS TABLE (object actstream.ref, followers bigint)
    LANGUAGE sql STABLE PARALLEL SAFE SUPPORT actstream_internal.tables_support
AS $$
    SELECT o.object,
           (SELECT coalesce(pg_catalog.sum(CASE WHEN follower_counts.flag IS NULL THEN c.any_flag ELSE c.followers END), 0)::bigint
            FROM actstream.follow_counts c
            WHERE c.object OPERATOR(pg_catalog.=) o.object
              AND c.flag OPERATOR(pg_catalog.=) coalesce(follower_counts.flag, ''))
    FROM (SELECT u.object, pg_catalog.min(u.n) AS n
          FROM pg_catalog.unnest(follower_counts.objects) WITH ORDINALITY AS u (object, n)
          WHERE u.object IS NOT NULL
          GROUP BY u.object) AS o
    ORDER BY o.n
$$;
COMMENT ON FUNCTION actstream.follower_counts(actstream.ref[], text)
    IS 'the number of followers of each object, with that flag; with a null flag, with any, each follower once';

CREATE FUNCTION actstream.following_counts(
    followers actstream.ref[],
    flag      text DEFAULT NULL)
    RETURNS TABLE (follower actstream.ref, "following" bigint)
    LANGUAGE sql STABLE PARALLEL SAFE SUPPORT actstream_internal.tables_support
AS $$
    SELECT o.follower,
           (SELECT pg_catalog.count(*)
            FROM (SELECT DISTINCT f.followee
                  FROM actstream.follows f
                  WHERE f.follower OPERATOR(pg_catalog.=) o.follower
                    AND (following_counts.flag IS NULL OR f.flag OPERATOR(pg_catalog.=) following_counts.flag)) AS d)
    FROM (SELECT u.follower, pg_catalog.min(u.n) AS n
          FROM pg_catalog.unnest(following_counts.followers) WITH ORDINALITY AS u (follower, n)
          WHERE u.follower IS NOT NULL
          GROUP BY u.follower) AS o
    ORDER BY o.n
$$;
COMMENT ON FUNCTION actstream.following_counts(actstream.ref[], text)
    IS 'the number of objects that each follower follows, with that flag; with a null flag, with any, each object once';

-- For the owner of the tables.
CREATE FUNCTION actstream_internal.wrong_counts()
    RETURNS TABLE (object actstream.ref, flag text, followers bigint, any_flag bigint,
                   right_followers bigint, right_any_flag bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT s.object, s.flag, s.followers::bigint, s.any_flag::bigint, s.right_followers::bigint, s.right_any_flag::bigint
    FROM (SELECT a.object, a.flag, pg_catalog.sum(a.followers) AS followers, pg_catalog.sum(a.any_flag) AS any_flag,
                 pg_catalog.sum(a.right_followers) AS right_followers, pg_catalog.sum(a.right_any_flag) AS right_any_flag
          FROM (SELECT c.object, c.flag, c.followers, c.any_flag, 0 AS right_followers, 0 AS right_any_flag
                FROM actstream.follow_counts c
                UNION ALL
                SELECT f.followee, f.flag, 0, 0, pg_catalog.count(*), 0
                FROM actstream.follows f
                GROUP BY f.followee, f.flag
                UNION ALL
                SELECT f.followee, '', 0, 0, 0, pg_catalog.count(DISTINCT f.follower)
                FROM actstream.follows f
                GROUP BY f.followee) AS a
          GROUP BY a.object, a.flag) AS s
    WHERE s.followers OPERATOR(pg_catalog.<>) s.right_followers
       OR s.any_flag OPERATOR(pg_catalog.<>) s.right_any_flag
$$;
COMMENT ON FUNCTION actstream_internal.wrong_counts() IS 'counts of followers that differ from what follows has, with both';

CREATE FUNCTION actstream.recount_followers() RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_recount_followers';
COMMENT ON FUNCTION actstream.recount_followers()
    IS 'count all followers again, while nothing can be followed; returns the number of counts that were wrong';
