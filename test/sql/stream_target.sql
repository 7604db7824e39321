--
-- Streams in the select list: read as in FROM where that gives the same rows in the same order,
-- and row by row elsewhere
--
\i test/lib/fresh.sql
\i test/lib/plan.sql
SET max_parallel_workers_per_gather = 0;

SELECT label FROM actstream.register_external('o');
INSERT INTO actstream.actions (id, "timestamp", actor, verb, target)
SELECT i, timestamptz '2026-01-01' + i / 2 * interval '1 second', actstream.ref('o', i % 40), CASE WHEN i % 3 = 0 THEN 'made' ELSE 'liked' END, actstream.ref('o', i % 7)
FROM generate_series(1, 2000) i;
INSERT INTO actstream.follows (follower, followee, started)
SELECT actstream.ref('o', i), actstream.ref('o', (i + 3 * j) % 40), '2026-01-01' FROM generate_series(1, 5) i, generate_series(1, 4) j;
CREATE TABLE member (number int PRIMARY KEY, feed actstream.ref);
INSERT INTO member SELECT i, actstream.ref('o', i) FROM generate_series(1, 5) i;
CREATE VIEW feed AS SELECT actstream.user_stream('o:1') AS action;
CREATE FUNCTION any_follower() RETURNS actstream.ref LANGUAGE sql VOLATILE RETURN actstream.ref('o', 1);
VACUUM ANALYZE actstream.actions, actstream.follows, member;

-- a query, its rows compared with what PostgreSQL does by itself, and whether there is a scan of
-- a stream in its plan
CREATE FUNCTION compare(query text, OUT rows int, OUT same boolean, OUT scans int, OUT row_by_row boolean) LANGUAGE plpgsql AS $$
DECLARE
    got text[] := '{}';
    wanted text[] := '{}';
    r record;
BEGIN
    -- not as a subquery, where some would be read in another way
    FOR r IN EXECUTE query LOOP
        got := got || r::text;
    END LOOP;
    SET LOCAL actstream.enable_streamscan = off;
    FOR r IN EXECUTE query LOOP
        wanted := wanted || r::text;
    END LOOP;
    SET LOCAL actstream.enable_streamscan = on;
    rows := cardinality(got);
    same := got = wanted;
    SELECT count(*) FILTER (WHERE line ~ 'actstream Stream'), bool_or(line ~ 'ProjectSet') INTO scans, row_by_row FROM plan(query) line;
END
$$;

-- as in FROM
SELECT query, c.* FROM unnest(ARRAY[
    $$SELECT actstream.user_stream('o:1') LIMIT 5$$,
    $$SELECT (actstream.user_stream('o:1')).* LIMIT 5$$,
    $$SELECT 1 AS one, (actstream.user_stream('o:1')).id, upper((actstream.user_stream('o:1')).verb), actstream.stream_cursor(actstream.user_stream('o:1')) LIMIT 5$$,
    $$SELECT actstream.public_stream() WHERE current_user IS NOT NULL OFFSET 3 LIMIT 4$$,
    $$SELECT DISTINCT (actstream.actor_stream('o:3')).verb ORDER BY 1$$,
    $$SELECT (actstream.actor_stream('o:3')).id ORDER BY (actstream.actor_stream('o:3'))."timestamp" DESC, 1 DESC LIMIT 3$$,
    $$SELECT actstream.model_stream('o', before => (SELECT actstream.stream_cursor(a) FROM actstream.actions a WHERE id = 900)) LIMIT 3$$,
    $$SELECT actstream.user_groups('o:1', by => '{verb}') LIMIT 3$$,
    $$SELECT (action).id FROM feed LIMIT 3$$,
    $$SELECT array(SELECT (actstream.user_stream(feed)).id LIMIT 3) FROM member ORDER BY number$$,
    $$WITH page AS MATERIALIZED (SELECT actstream.user_stream('o:1') AS action LIMIT 3) SELECT (action).id FROM page UNION ALL (SELECT (actstream.user_stream('o:2')).id LIMIT 3)$$,
    $$SELECT (actstream.user_stream(any_follower())).id LIMIT 5$$,
    $$SELECT (actstream.user_stream((SELECT feed FROM member WHERE number = 1))).id LIMIT 5$$,
    $$SELECT number, (actstream.user_stream(feed)).id FROM member WHERE number > 2$$,
    $$SELECT number, actstream.user_stream(feed, flag => 'f', with_user_activity => true) FROM member LIMIT 60$$
]) query, compare(query) c;

-- row by row: several at once, an order of their own, more than one table, what is computed at each call
SELECT query, c.* FROM unnest(ARRAY[
    $$SELECT (actstream.user_stream('o:1')).id, generate_series(1, 3) LIMIT 5$$,
    $$SELECT (actstream.user_stream('o:1')).id, (actstream.user_stream('o:2')).id LIMIT 5$$,
    $$SELECT (actstream.user_stream(f)).id FROM member, unnest(ARRAY[feed]) f LIMIT 5$$,
    $$SELECT number, (actstream.user_stream('o:1')).id FROM member LIMIT 5$$,
    $$SELECT number, (actstream.user_stream(feed)).id FROM member ORDER BY number DESC LIMIT 5$$,
    $$SELECT (actstream.user_stream('o:1')).id, current_user ORDER BY 2 LIMIT 5$$,
    $$SELECT (actstream.user_stream('o:1')).id, clock_timestamp() IS NULL ORDER BY 2, 1 LIMIT 5$$,
    $$SELECT DISTINCT ON (1) 1, (actstream.user_stream('o:1')).id ORDER BY 1$$,
    $$SELECT number, (actstream.public_stream(before => left(feed::text, 0) || NULL)).id FROM member LIMIT 8$$,
    $$SELECT number, (actstream.user_stream(feed)).id FROM member WHERE EXISTS (SELECT FROM member m WHERE m.feed = member.feed) LIMIT 5$$,
    $$SELECT (actstream.user_stream(any_follower())).verb, (actstream.user_stream(any_follower())).id LIMIT 5$$,
    $$SELECT number, (actstream.user_stream(coalesce(feed, any_follower()))).id FROM member LIMIT 5$$,
    $$SELECT s.number, s.id FROM (SELECT number, (actstream.user_stream(feed)).id FROM member) s WHERE random() >= 0$$,
    $$SELECT count(*), actstream.user_stream('o:1') LIMIT 5$$,
    $$SELECT number, (actstream.user_stream(feed)).id FROM member WHERE random() >= 0$$
]) query, compare(query) c;

-- the columns have the names that they had
SELECT (actstream.actor_stream('o:3')).id, actstream.actor_stream('o:3') LIMIT 1;
-- what a prepared statement, a cursor and other commands do with it
PREPARE page(actstream.ref) AS SELECT (actstream.user_stream($1)).id LIMIT 2;
EXECUTE page('o:1');
EXECUTE page('o:2');
SET plan_cache_mode = force_generic_plan;
EXECUTE page('o:1');
EXECUTE page('o:2');
RESET plan_cache_mode;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT (actstream.user_stream('o:1')).id;
FETCH 3 FROM c;
FETCH BACKWARD 2 FROM c;
COMMIT;
CREATE TABLE kept AS SELECT actstream.user_stream('o:1') AS action LIMIT 3;
INSERT INTO kept SELECT actstream.user_stream('o:2') LIMIT 2;
SELECT pg_typeof(action), (action).id FROM kept;

-- Rights are those of any call: also with a plan that was made before.
CREATE ROLE regress_actstream_reader;
GRANT USAGE ON SCHEMA actstream TO regress_actstream_reader;
GRANT SELECT ON actstream.actions TO regress_actstream_reader;
SET ROLE regress_actstream_reader;
SELECT (actstream.public_stream()).id LIMIT 1;
SELECT (actstream.user_stream('o:1')).id LIMIT 1;
PREPARE public AS SELECT (actstream.public_stream()).id LIMIT 1;
EXECUTE public;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION actstream.public_stream FROM PUBLIC;
SET ROLE regress_actstream_reader;
EXECUTE public;
SELECT (actstream.public_stream()).id LIMIT 1;
RESET ROLE;
GRANT EXECUTE ON FUNCTION actstream.public_stream TO PUBLIC;
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON actstream.actions USING (id % 10 = 0);
SET ROLE regress_actstream_reader;
SELECT (actstream.public_stream()).id LIMIT 2;
RESET ROLE;
DROP POLICY few ON actstream.actions;
ALTER TABLE actstream.actions DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON SCHEMA actstream FROM regress_actstream_reader;
REVOKE ALL ON actstream.actions FROM regress_actstream_reader;
DROP ROLE regress_actstream_reader;
DROP TABLE kept;
DROP VIEW feed;
DROP TABLE member;
DROP FUNCTION compare(text), plan, any_follower;
