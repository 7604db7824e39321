-- The methods: how a page of a stream is asked for.
--
--   $1  the follower as a reference      $3  "timestamp" and
--   $2  the follower as a number         $4  id of the last row of the page before
--
-- {below} stands where a page that is not the first has its bound.

CREATE TABLE bench.method (
    place int GENERATED ALWAYS AS IDENTITY,
    name  text PRIMARY KEY,
    below text NOT NULL DEFAULT 'AND (a."timestamp", a.id) < ($3, $4)',
    query text NOT NULL,
    aided boolean NOT NULL DEFAULT true     -- by the recency map and kept lists of follows
);

-- the common design: it knows which content types the follower follows, and
-- orders by timestamp alone
INSERT INTO bench.method (name, below, query)
SELECT 'common', 'AND a."timestamp" < $3',
       'SELECT * FROM common_design.action a WHERE (' || string_agg(format($$
    a.actor_type = %1$s AND a.actor_id IN (
        SELECT object_id FROM common_design.follow WHERE follower = $2 AND object_type = %1$s)
    OR a.target_type = %1$s AND a.target_id IN (
        SELECT object_id FROM common_design.follow WHERE follower = $2 AND object_type = %1$s AND NOT actor_only)
    OR a.action_object_type = %1$s AND a.action_object_id IN (
        SELECT object_id FROM common_design.follow WHERE follower = $2 AND object_type = %1$s AND NOT actor_only)$$, id),
           ' OR ' ORDER BY id) || $$)
    AND a.public {below}
ORDER BY a."timestamp" DESC LIMIT 20$$
FROM common_design.content_type;

-- plain SQL on our tables, followee by followee
INSERT INTO bench.method (name, query) VALUES ('lateral', $$
SELECT DISTINCT ON (a."timestamp", a.id) a.*
FROM actstream.follows f
CROSS JOIN LATERAL (
    (SELECT * FROM actstream.actions a
     WHERE a.actor = f.followee AND a.public {below}
     ORDER BY a."timestamp" DESC, a.id DESC LIMIT 20)
    UNION ALL
    (SELECT * FROM actstream.actions a
     WHERE NOT f.actor_only AND a.target = f.followee AND a.public {below}
     ORDER BY a."timestamp" DESC, a.id DESC LIMIT 20)
    UNION ALL
    (SELECT * FROM actstream.actions a
     WHERE NOT f.actor_only AND a.action_object = f.followee AND a.public {below}
     ORDER BY a."timestamp" DESC, a.id DESC LIMIT 20)) AS a
WHERE f.follower = $1
ORDER BY a."timestamp" DESC, a.id DESC LIMIT 20$$);

-- plain SQL on our tables, down the time line
INSERT INTO bench.method (name, query) VALUES ('timeline', $$
SELECT * FROM actstream.actions a
WHERE (a.actor IN (SELECT f.followee FROM actstream.follows f WHERE f.follower = $1)
       OR a.target IN (SELECT f.followee FROM actstream.follows f WHERE f.follower = $1 AND NOT f.actor_only)
       OR a.action_object IN (SELECT f.followee FROM actstream.follows f WHERE f.follower = $1 AND NOT f.actor_only))
  AND a.public {below}
ORDER BY a."timestamp" DESC, a.id DESC LIMIT 20$$);

INSERT INTO bench.method (name, below, query) VALUES ('inbox', 'AND (i."timestamp", i.action_id) < ($3, $4)', $$
SELECT a.* FROM bench.inbox i JOIN actstream.actions a ON a.id = i.action_id
WHERE i.follower = $2 {below}
ORDER BY i."timestamp" DESC, i.action_id DESC LIMIT 20$$);

INSERT INTO bench.method (name, query) VALUES ('actstream', $$
SELECT * FROM actstream.user_stream($1) AS a WHERE true {below}
ORDER BY a."timestamp" DESC, a.id DESC LIMIT 20$$);

-- the same without the recency map, and with the follows read each time
INSERT INTO bench.method (name, query, aided)
SELECT 'unaided', query, false FROM bench.method WHERE name = 'actstream';

-- what nobody can do without: 20 rows of the busiest actor from one index
INSERT INTO bench.method (name, query) VALUES ('floor', $$
SELECT * FROM actstream.actions a WHERE a.actor = 'user:2' AND a.public
ORDER BY a."timestamp" DESC, a.id DESC LIMIT 20$$);

CREATE VIEW bench.statement AS
SELECT m.place, m.name AS method, m.aided, p.page, m.name || ' ' || p.page AS name,
       replace(m.query, '{below}', CASE p.page WHEN 'first' THEN '' ELSE m.below END) AS query
FROM bench.method m CROSS JOIN (VALUES ('first'), ('50th')) AS p (page);

-- For each statement a function that runs it and says how long it took, until all
-- columns of all rows were there: hence count(a), which wants whole rows.
SELECT format($create$
CREATE FUNCTION bench.%I(actstream.ref, bigint, timestamptz, bigint, OUT microseconds float8, OUT ids bigint[])
LANGUAGE plpgsql AS $function$
DECLARE
    start timestamptz := clock_timestamp();
    rows bigint;
BEGIN
    SELECT array_agg(a.id::bigint), count(a) INTO ids, rows FROM (%s) AS a;
    microseconds := extract(epoch FROM clock_timestamp() - start) * 1e6;
END
$function$
$create$, name, query)
FROM bench.statement
\gexec

-- As drivers have it: prepared statements, whose plan is made once and serves any
-- follower.  Without Memoize, which the planner would have the inbox do in vain.
SET plan_cache_mode = force_generic_plan;
SET enable_memoize = off;
