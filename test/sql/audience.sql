--
-- Whose stream shows an action, and which of some objects are followed: against the streams
-- and the table, for data that is drawn from a hash
--
\i test/lib/fresh.sql
CREATE SCHEMA heard;
SET search_path = heard;
SELECT actstream.register_external(label) IS NOT NULL AS registered FROM unnest('{user,repo}'::text[]) label;

CREATE FUNCTION dice(n int, what text, i int) RETURNS int LANGUAGE sql IMMUTABLE
    RETURN ('x' || left(md5(what || i), 6))::bit(24)::int % n;
CREATE FUNCTION object(n int) RETURNS actstream.ref LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN n < 40 THEN 'user:' || n ELSE 'repo:' || n END;
INSERT INTO actstream.actions (public, actor, verb, action_object, target)
SELECT dice(8, 'private', i) > 0, object(dice(40, 'actor', i)), 'did',
       CASE WHEN dice(3, 'object?', i) = 0 THEN object(dice(60, 'object', i)) END,
       CASE WHEN dice(3, 'target?', i) > 0 THEN object(dice(60, 'target', i)) END
FROM generate_series(1, 1000) i;
-- some follow themselves, some an object in several kinds
INSERT INTO actstream.follows (follower, followee, flag, actor_only)
SELECT object(dice(50, 'follower', i)), object(dice(60, 'followee', i)), ('{"",watching,"a,b"}'::text[])[1 + dice(3, 'flag', i)], dice(2, 'only', i) = 0
FROM generate_series(1, 700) i
ON CONFLICT DO NOTHING;
ANALYZE actstream.actions, actstream.follows;
SELECT count(*), count(*) FILTER (WHERE follower = followee) AS own, count(DISTINCT (follower, followee)) AS pairs, count(*) FILTER (WHERE actor_only) AS actor_only
FROM actstream.follows;

CREATE VIEW audience AS
SELECT flag, a.id, f AS follower
FROM unnest('{NULL,"",watching,"a,b",unheard}'::text[]) AS flag, actstream.actions a, actstream.audience(a, flag) f;
CREATE VIEW shown AS
SELECT flag, a.id, object(n) AS follower
FROM unnest('{NULL,"",watching,"a,b",unheard}'::text[]) AS flag, generate_series(0, 59) n, actstream.user_stream(object(n), flag) a;
-- with a sum of the ids, since of two that differ neither may be right
SELECT coalesce(flag, 'any') AS flag, count(*), count(DISTINCT (id, follower)) AS each_once, sum(id) FROM audience GROUP BY 1 ORDER BY 1;
SELECT count(*) AS differing FROM (TABLE audience EXCEPT TABLE shown UNION ALL (TABLE shown EXCEPT TABLE audience)) d;
SELECT count(*) AS of_private_ones FROM audience JOIN actstream.actions USING (id) WHERE NOT public;

-- which_followed() as is_following() and the table have it
SELECT count(*) AS cases, sum(cardinality(w.got)) AS found,
       count(*) FILTER (WHERE w.got IS DISTINCT FROM w.wanted) AS differing,
       count(*) FILTER (WHERE w.got IS DISTINCT FROM w.asked) AS differing
FROM generate_series(0, 59) n, unnest('{NULL,"",watching,"a,b",unheard}'::text[]) flag,
     LATERAL (SELECT array_agg(object(dice(60, 'which', 100 * n + i))) AS objects FROM generate_series(1, 20) i) o,
     LATERAL (SELECT array(SELECT f FROM actstream.which_followed(object(n), objects, o.flag) f ORDER BY f::text) AS got,
                     array(SELECT followee FROM actstream.follows f WHERE follower = object(n) AND followee = ANY (objects) AND (o.flag IS NULL OR f.flag = o.flag)
                           GROUP BY 1 ORDER BY followee::text) AS wanted,
                     array(SELECT x FROM (SELECT DISTINCT unnest(objects)) u (x) WHERE actstream.is_following(object(n), x, o.flag) ORDER BY x::text) AS asked
              FROM (SELECT flag) AS o (flag)) w;
SELECT f FROM actstream.which_followed('user:1', NULL) f;
SELECT f FROM actstream.which_followed('user:1', '{NULL}') f;
SELECT f FROM actstream.which_followed(NULL, '{user:1}') f;
SELECT f FROM actstream.audience(NULL) f;

-- an action need not be stored, nor be that of a table
SELECT count(*) > 0 AS heard FROM actstream.audience(ROW(0, now(), true, 'user:1', 'did', NULL, NULL, NULL, NULL, NULL)::actstream.action) f;
SELECT count(*) FROM actstream.audience(ROW(0, now(), NULL, 'user:1', 'did', NULL, NULL, NULL, NULL, NULL)::actstream.action) f;

-- policies and privileges are those of the caller
CREATE ROLE actstream_heard;
GRANT USAGE ON SCHEMA actstream, heard TO actstream_heard;
GRANT SELECT ON actstream.actions TO actstream_heard;
SET ROLE actstream_heard;
SELECT count(*) FROM actstream.actions a, actstream.audience(a) f;
SELECT count(*) FROM actstream.which_followed('user:1', '{repo:41}') f;
RESET ROLE;
GRANT SELECT ON actstream.follows, actstream.mutes TO actstream_heard;
ALTER TABLE actstream.follows ENABLE ROW LEVEL SECURITY;
CREATE POLICY plain ON actstream.follows USING (flag = '' AND follower > 'user:3');
ALTER VIEW audience OWNER TO actstream_heard;
ALTER VIEW shown OWNER TO actstream_heard;
SET ROLE actstream_heard;
SELECT coalesce(flag, 'any') AS flag, count(*), sum(id) FROM audience GROUP BY 1 ORDER BY 1;
SELECT count(*) AS differing FROM (TABLE audience EXCEPT TABLE shown UNION ALL (TABLE shown EXCEPT TABLE audience)) d;
SELECT count(*) FROM generate_series(0, 59) n, actstream.which_followed(object(n), array(SELECT object(i) FROM generate_series(0, 59) i)) f;
RESET ROLE;

-- they are a part of the query around them, and read indexes
ALTER TABLE actstream.follows DISABLE ROW LEVEL SECURITY;
INSERT INTO actstream.follows (follower, followee) SELECT actstream.ref('user', i), actstream.ref('repo', i % 4000) FROM generate_series(1000, 20000) i;
ANALYZE actstream.follows;
CREATE FUNCTION scans(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        IF line ~ 'Scan' THEN
            RETURN NEXT regexp_replace(line, '^.*->  | using \w+', '', 'g');
        END IF;
    END LOOP;
END $$;
SET enable_bitmapscan = off;
SELECT scans($$ SELECT f FROM actstream.actions a, actstream.audience(a, 'watching') f WHERE a.id = 7 $$);
-- also behind a policy that is to be evaluated first
ALTER TABLE actstream.follows ENABLE ROW LEVEL SECURITY;
SET ROLE actstream_heard;
SELECT scan FROM heard.scans($$ SELECT f FROM actstream.actions a, actstream.audience(a) f WHERE a.id < 7 $$) AS scan WHERE scan ~ 'follows';
RESET ROLE;
RESET enable_bitmapscan;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA heard CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY actstream_heard;
DROP ROLE actstream_heard;
