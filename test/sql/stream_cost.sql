--
-- What the planner takes the scan of a stream to cost, and what it chooses by that.
--
\i test/lib/fresh.sql
SET datestyle = 'ISO';
SET timezone = 'UTC';
-- the operators of references are there
SET search_path = public, actstream;
SET jit = off;

SELECT label FROM actstream.register_external('person');
SELECT label FROM actstream.register_external('repo');
INSERT INTO actstream.actions ("timestamp", public, actor, verb, target)
SELECT timestamptz '2025-01-01 00:00+00' + i * interval '1 minute', i % 50 <> 0,
       actstream.ref('person', i % 500), CASE WHEN i % 4 = 0 THEN 'pushed' ELSE 'starred' END, actstream.ref('repo', i % 103)
FROM generate_series(1, 20000) AS i;
INSERT INTO actstream.follows (follower, followee, actor_only)
SELECT 'person:1', actstream.ref('repo', i), false FROM generate_series(1, 40) AS i;
CREATE TABLE pick (id int);
INSERT INTO pick SELECT i * 1000 FROM generate_series(1, 19) AS i;
CREATE TABLE reader (ref actstream.ref, seen timestamptz);
INSERT INTO reader VALUES ('person:1', '2025-01-10'), ('person:2', '2025-01-11');
VACUUM ANALYZE actstream.actions, actstream.follows, pick, reader;

\i test/lib/plan.sql
CREATE FUNCTION cost(query text) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN plan->0->'Plan'->>'Total Cost';
END
$$;

--
-- A filter costs something for each row of the stream, a bound leaves out rows
--
SELECT cost($$SELECT * FROM public_stream() WHERE verb = 'none'$$) > cost('SELECT * FROM public_stream()') AS filtered,
       cost($$SELECT * FROM public_stream() WHERE "timestamp" > '2025-01-14'$$) < cost('SELECT * FROM public_stream()') / 5 AS bounded,
       cost($$SELECT * FROM public_stream() WHERE "timestamp" > '2025-01-14' AND verb = 'none'$$)
           BETWEEN cost($$SELECT * FROM public_stream() WHERE "timestamp" > '2025-01-14'$$) AND cost('SELECT * FROM public_stream()') / 5 AS both,
       cost($$SELECT * FROM public_stream() WHERE verb = 'pushed' LIMIT 20$$) < cost('SELECT * FROM public_stream()') / 50 AS page;
-- so the bounds of a join are worth while
SELECT plan($$SELECT * FROM reader r JOIN public_stream() s ON s."timestamp" BETWEEN r.seen AND r.seen + interval '1 hour' WHERE s.verb = 'pushed'$$);

--
-- Rows are looked up by a unique index
--
SELECT plan('SELECT * FROM pick p JOIN public_stream() s ON s.id = p.id + 101');
SELECT plan($$SELECT * FROM pick p JOIN user_stream('person:1') s ON s.id = p.id + 101 ORDER BY s."timestamp" DESC, s.id DESC LIMIT 5$$);
SELECT line FROM plan('SELECT * FROM public_stream() s WHERE id IN (SELECT p.id + 101 FROM pick p)') AS line WHERE line ~ 'Scan|Cond';
-- of a page only its own rows are, and the stream stays in order
SELECT plan('SELECT * FROM (SELECT * FROM public_stream() LIMIT 20) s JOIN public_stream() t ON t.id = s.id - 1');
SELECT plan('SELECT * FROM public_stream() s JOIN public_stream() t ON t.id = s.id - 1 ORDER BY s."timestamp" DESC, s.id DESC LIMIT 20');
-- one by one no page is
SELECT plan('SELECT * FROM reader r, LATERAL (SELECT * FROM actor_stream(r.ref) s WHERE s.id > 5 LIMIT 3) s');

--
-- A stream that is filtered by an object is read by that
--
SELECT plan($$SELECT * FROM public_stream() WHERE actor = 'person:3'$$);
SELECT plan($$SELECT * FROM public_stream() WHERE 'repo:3' = target AND "timestamp" < '2025-01-10' LIMIT 20$$);
SELECT plan($$SELECT * FROM user_stream('person:1') WHERE actor IN ('person:3', 'person:4') ORDER BY "timestamp" DESC, id DESC LIMIT 20$$);
PREPARE of(actstream.ref) AS SELECT id FROM public_stream() WHERE actor = $1 LIMIT 3;
SET plan_cache_mode = force_generic_plan;
SELECT plan('EXECUTE of(''person:3'')');
EXECUTE of('person:3');
EXECUTE of(NULL);
RESET plan_cache_mode;
-- unless there are none, or the stream is as short
SELECT plan($$SELECT * FROM public_stream() WHERE actor <> 'person:3'$$);
SELECT plan($$SELECT * FROM public_stream() WHERE actor = target$$);
SELECT plan($$SELECT * FROM public_stream() WHERE actor = 'person:3' OR target = 'repo:3'$$);
SELECT plan($$SELECT * FROM public_stream() WHERE actor <> ALL ('{person:3}')$$);
SELECT plan($$SELECT * FROM actor_stream('person:3') WHERE target = 'repo:3'$$);

-- as filters have it
CREATE TABLE query (n int GENERATED ALWAYS AS IDENTITY, query text);
INSERT INTO query (query) SELECT format('SELECT array(SELECT s.id FROM %s s%s)', stream, rest) FROM
    unnest(ARRAY['public_stream()', 'user_stream(''person:1'')', 'any_stream(''repo:3'')', 'model_stream(''repo'')', 'actor_stream(''person:3'')']) AS stream,
    unnest(ARRAY[$$ WHERE actor = 'person:3'$$, $$ WHERE 'repo:3' = target LIMIT 7$$, $$ WHERE action_object = 'repo:3'$$, ' WHERE actor = NULL',
                 $$ WHERE actor IN ('person:3', 'person:4', NULL)$$, $$ WHERE actor = ANY ('{{person:3},{person:104}}') AND target = 'repo:3'$$,
                 $$ WHERE actor = ANY (NULL::ref[])$$, $$ WHERE actor = ANY (ARRAY(SELECT ref FROM reader))$$, ' WHERE actor = (SELECT max(ref) FROM reader)',
                 ' WHERE id IN (SELECT id + 3 FROM pick) ORDER BY "timestamp" DESC, id DESC',
                 ' JOIN pick p ON s.id = p.id + 1 WHERE actor = ANY (ARRAY[''person:1'']::ref[]) ORDER BY "timestamp" DESC, s.id DESC LIMIT 5']) AS rest;
\i test/lib/answer.sql
CREATE TABLE answer AS SELECT n, answer(query) FROM query;
SELECT count(*), count(*) FILTER (WHERE cardinality(answer) > 0) AS not_empty FROM answer;
SET actstream.enable_streamscan = off;
SELECT query FROM query q JOIN answer a USING (n) WHERE a.answer IS DISTINCT FROM answer(query);
RESET actstream.enable_streamscan;

-- the condition that it is read by needs its right, too, and otherwise is not
CREATE ROLE stream_cost;
GRANT USAGE ON SCHEMA actstream TO stream_cost;
GRANT SELECT ON actstream.actions TO stream_cost;
REVOKE EXECUTE ON FUNCTION actstream_internal.in_stream_of FROM PUBLIC;
SET ROLE stream_cost;
SELECT plan($$SELECT * FROM public_stream() WHERE actor = 'person:3'$$);
RESET ROLE;
GRANT EXECUTE ON FUNCTION actstream_internal.in_stream_of TO PUBLIC;
SET ROLE stream_cost;
SET plan_cache_mode = force_generic_plan;
EXECUTE of('person:3');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION actstream_internal.in_stream_of FROM PUBLIC;
SET ROLE stream_cost;
EXECUTE of('person:3');
RESET ROLE;
GRANT EXECUTE ON FUNCTION actstream_internal.in_stream_of TO PUBLIC;
REVOKE EXECUTE ON FUNCTION actstream_internal.in_public_stream FROM PUBLIC;
SET ROLE stream_cost;
EXECUTE of('person:3');
RESET ROLE;
GRANT EXECUTE ON FUNCTION actstream_internal.in_public_stream TO PUBLIC;
RESET plan_cache_mode;
-- policies come before what is not leakproof, and the operator is
CREATE POLICY starred ON actstream.actions USING (verb = 'starred');
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
SET ROLE stream_cost;
SELECT plan($$SELECT * FROM public_stream() WHERE actor = 'person:4'$$);
SELECT count(*) FROM public_stream() WHERE actor = 'person:3' OR actor = 'person:4';
SELECT count(*) FROM public_stream() WHERE actor IN ('person:3', 'person:4');
RESET ROLE;

DROP OWNED BY stream_cost;
DROP ROLE stream_cost;
DROP TABLE pick, reader, query, answer;
DROP FUNCTION plan, cost, answer;
SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
