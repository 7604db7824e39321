--
-- The scan of a stream: what is planned, what it reads, and what is planned where
-- it cannot be.
--
\i test/lib/fresh.sql
\set SHOW_CONTEXT errors
SET datestyle = 'ISO';
SET timezone = 'UTC';
-- what the map spares depends on when it was filled: see t/recency.pl
SET actstream.enable_recency_map = off;

SELECT label FROM actstream.register_external('person');
SELECT label FROM actstream.register_external('repo');
SELECT label FROM actstream.register_external('rare');
SELECT label FROM actstream.register_external('none');
SELECT label FROM actstream.register_external('follower');

-- 20000 actions, a minute apart, and 40 that are older, of persons who are
-- silent since
INSERT INTO actstream.actions ("timestamp", public, actor, verb, action_object, target)
SELECT timestamptz '2025-01-01 00:00+00' + i * interval '1 minute', i % 50 <> 0,
       actstream.ref('person', i % 100), CASE WHEN i % 4 = 0 THEN 'pushed' ELSE 'starred' END,
       CASE WHEN i % 1000 = 1 THEN actstream.ref('rare', i) END, actstream.ref('repo', i % 103)
FROM generate_series(1, 20000) AS i;
INSERT INTO actstream.actions ("timestamp", actor, verb)
SELECT timestamptz '2024-01-01 00:00+00' + i * interval '1 minute', actstream.ref('person', 1000 + i), 'left'
FROM generate_series(1, 40) AS i;
-- a follower of few, of many who are active, and of many who are silent
INSERT INTO actstream.follows (follower, followee, actor_only)
SELECT 'follower:1', actstream.ref('person', i), true FROM generate_series(1, 5) AS i
UNION ALL
SELECT 'follower:1', actstream.ref('repo', i), false FROM generate_series(1, 2) AS i
UNION ALL
SELECT 'follower:2', actstream.ref('person', i), true FROM generate_series(0, 99) AS i
UNION ALL
SELECT 'follower:3', actstream.ref('person', 1000 + i), true FROM generate_series(1, 40) AS i;
VACUUM ANALYZE actstream.actions, actstream.follows;

--
-- Plans
--

EXPLAIN (COSTS OFF) SELECT * FROM actstream.public_stream() LIMIT 20;
EXPLAIN (COSTS OFF) SELECT * FROM actstream.actor_stream('person:7');

-- the order is known: whole, and its beginning; any other is sorted
EXPLAIN (COSTS OFF) SELECT * FROM actstream.user_stream('follower:1') ORDER BY "timestamp" DESC, id DESC LIMIT 20;
EXPLAIN (COSTS OFF) SELECT * FROM actstream.user_stream('follower:1') ORDER BY "timestamp" DESC;
EXPLAIN (COSTS OFF) SELECT * FROM actstream.user_stream('follower:1') ORDER BY "timestamp" DESC, verb;
EXPLAIN (COSTS OFF) SELECT * FROM actstream.user_stream('follower:1') ORDER BY "timestamp", id;
EXPLAIN (COSTS OFF) SELECT * FROM actstream.user_stream('follower:1') ORDER BY id DESC;
EXPLAIN (COSTS OFF) SELECT * FROM actstream.user_stream('follower:1')
WHERE "timestamp" = '2025-01-02 00:00+00' ORDER BY id DESC;
EXPLAIN (COSTS OFF) SELECT * FROM actstream.actor_stream('person:1')
UNION ALL SELECT * FROM actstream.actor_stream('person:2') ORDER BY "timestamp" DESC, id DESC LIMIT 20;

-- conditions that limit the scan, and those that do not
EXPLAIN (COSTS OFF) SELECT * FROM actstream.user_stream('follower:1')
WHERE "timestamp" < '2025-01-10' AND '2025-01-05' <= "timestamp" AND verb = 'pushed';
EXPLAIN (COSTS OFF) SELECT * FROM actstream.user_stream('follower:1')
WHERE "timestamp" BETWEEN '2025-01-05' AND '2025-01-10';
EXPLAIN (COSTS OFF) SELECT * FROM actstream.user_stream('follower:1')
WHERE ("timestamp", id) < ('2025-01-10', 5) LIMIT 20;
EXPLAIN (COSTS OFF) SELECT * FROM actstream.user_stream('follower:1')
WHERE ('2025-01-10', 5) >= ("timestamp", id) LIMIT 20;
EXPLAIN (COSTS OFF) SELECT * FROM actstream.user_stream('follower:1')
WHERE "timestamp" < date '2025-01-10' AND "timestamp" > timestamp '2025-01-05';
EXPLAIN (COSTS OFF) SELECT * FROM actstream.user_stream('follower:1')
WHERE ("timestamp" < '2025-01-10' OR id = 5) AND "timestamp" <> '2025-01-05'
  AND "timestamp" < clock_timestamp() AND "timestamp" + interval '1 day' > '2025-01-01';
PREPARE page(timestamptz, bigint) AS
SELECT * FROM actstream.user_stream('follower:1') WHERE ("timestamp", id) < ($1, $2) LIMIT 20;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE page('2025-01-10', 5);
RESET plan_cache_mode;
DEALLOCATE page;
\i test/lib/plan.sql
SELECT plan($$
SELECT * FROM (VALUES (timestamptz '2025-01-02')) AS v(t), actstream.public_stream() AS s
WHERE s."timestamp" > v.t - interval '1 hour' AND s."timestamp" < (SELECT max("timestamp") FROM actstream.actions)
$$);

-- LATERAL, and a join condition as a bound of its inner side
CREATE TEMP TABLE reader (ref actstream.ref, seen timestamptz);
INSERT INTO reader VALUES ('follower:1', '2025-01-14 00:00'), ('follower:2', '2025-01-14 20:00'), ('follower:3', '2025-01-01');
ANALYZE reader;
EXPLAIN (COSTS OFF)
SELECT * FROM reader r CROSS JOIN LATERAL
    (SELECT * FROM actstream.user_stream(r.ref) AS s WHERE s."timestamp" > r.seen LIMIT 3) AS s;
EXPLAIN (COSTS OFF)
SELECT * FROM reader r JOIN actstream.actor_stream('person:1') AS s ON s."timestamp" > r.seen;
EXPLAIN (COSTS OFF)
SELECT * FROM reader r JOIN actstream.public_stream() AS s ON s."timestamp" >= r.seen AND s."timestamp" < r.seen + interval '1 hour';
SELECT r.ref, s.id, s."timestamp" FROM reader r CROSS JOIN LATERAL
    (SELECT * FROM actstream.user_stream(r.ref) AS s WHERE s."timestamp" > r.seen LIMIT 3) AS s
ORDER BY r.ref, s.id DESC;

-- a function of one's own is inlined, and stays lazy
CREATE FUNCTION pushes(follower actstream.ref) RETURNS SETOF actstream.action LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT * FROM actstream.stream_of(ARRAY(SELECT actstream.following(follower)), '{actor}')
    WHERE verb = 'pushed';
END;
SELECT plan($$SELECT * FROM pushes('follower:1') LIMIT 5$$);
DROP FUNCTION pushes;

-- arguments that are computed once: a query, and a volatile function
SELECT plan($$SELECT * FROM actstream.user_stream((SELECT ref FROM reader WHERE ref::text = 'follower:1')) LIMIT 5$$);
CREATE FUNCTION whoever() RETURNS actstream.ref LANGUAGE sql AS $$SELECT 'follower:1'::actstream.ref$$;
SELECT plan($$SELECT * FROM actstream.user_stream(whoever()) ORDER BY "timestamp" DESC, id DESC LIMIT 5$$);
SELECT plan($$SELECT * FROM reader r CROSS JOIN LATERAL (SELECT * FROM actstream.user_stream((SELECT r.ref)) LIMIT 3) AS s$$);

-- not a scan of a stream: the function runs
EXPLAIN (COSTS OFF) SELECT * FROM actstream.actor_stream('person:7') WITH ORDINALITY;

-- estimates: by the statistics of who acts, and who follows
CREATE FUNCTION estimated_rows(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT json) ' || query INTO plan;
    RETURN round((plan->0->'Plan'->>'Plan Rows')::numeric, -2);
END
$$;
SELECT estimated_rows($$SELECT * FROM actstream.public_stream()$$) AS public,
       estimated_rows($$SELECT * FROM actstream.actor_stream('person:7')$$) AS actor,
       estimated_rows($$SELECT * FROM actstream.actor_stream('person:1001')$$) AS silent,
       estimated_rows($$SELECT * FROM actstream.model_stream('rare')$$) AS rare,
       estimated_rows($$SELECT * FROM actstream.model_stream('person')$$) AS person,
       estimated_rows($$SELECT actstream.actor_stream('person:7')$$) AS function;
DROP FUNCTION estimated_rows;

--
-- What is read
--

-- the figures of a scan
CREATE FUNCTION figures(query text, OUT strategy text, OUT rows int, OUT objects int, OUT lists int,
                        OUT searches int, OUT entries int, OUT heap int, OUT skipped int, OUT time_line int)
LANGUAGE plpgsql SET max_parallel_workers_per_gather = 0 AS $$    -- a worker would keep its figures
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, FORMAT json, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query INTO plan;
    plan := plan->0->'Plan';
    WHILE plan->>'Node Type' <> 'Custom Scan' LOOP
        plan := plan->'Plans'->0;
    END LOOP;
    strategy := plan->>'Strategy';
    rows := (plan->>'Actual Rows')::numeric;     -- from 18 on with decimals
    objects := coalesce(plan->>'Followees', plan->>'Objects');
    lists := plan->>'Lists Opened';
    searches := plan->>'Index Searches';
    entries := plan->>'Index Entries Read';
    heap := plan->>'Heap Fetches';
    skipped := plan->>'Invisible Rows';
    time_line := plan->>'Time Line Rows';
END
$$;

-- Few lists are merged: 20 rows are 20 visits to the table, whether the stream
-- holds 200 or 20000, and no list is opened twice.
SELECT * FROM figures($$SELECT * FROM actstream.user_stream('follower:1') LIMIT 20$$);
SELECT * FROM figures($$SELECT * FROM actstream.actor_stream('person:7') LIMIT 20$$);
SELECT * FROM figures($$SELECT * FROM actstream.any_stream('repo:7') LIMIT 20$$);
SELECT * FROM figures($$SELECT * FROM actstream.stream_of('{person:7,repo:7,person:8}') LIMIT 20$$);
SELECT * FROM figures($$SELECT * FROM actstream.public_stream() LIMIT 20$$);
SELECT * FROM figures($$SELECT * FROM actstream.user_stream('follower:1') WHERE verb = 'pushed' LIMIT 5$$);

-- Many active objects are found on the time line.  Silent ones are not, and that
-- is soon given up.
SELECT * FROM figures($$SELECT * FROM actstream.user_stream('follower:2') LIMIT 20$$);
SELECT * FROM figures($$SELECT * FROM actstream.user_stream('follower:3') LIMIT 20$$);
-- objects are counted once, however often the reader starts again
SELECT objects = (SELECT count(*) FROM actstream.follows WHERE follower = 'follower:1') AS once, rows > 1000 AS long
FROM figures($$SELECT * FROM actstream.user_stream('follower:1')$$);
SELECT * FROM figures($$SELECT * FROM actstream.model_stream('person') LIMIT 20$$);
SELECT * FROM figures($$SELECT * FROM actstream.model_stream('rare')$$);
SELECT * FROM figures($$SELECT * FROM actstream.model_stream('none')$$);

-- rows that are gone are skipped
BEGIN;
DELETE FROM actstream.actions WHERE actor::text = 'person:7' AND id > 19500;
SELECT * FROM figures($$SELECT * FROM actstream.actor_stream('person:7') LIMIT 20$$);
ROLLBACK;

-- bounds are where reading begins and ends
SELECT * FROM figures($$SELECT * FROM actstream.public_stream() WHERE "timestamp" < '2025-01-10 00:00' LIMIT 3$$);
SELECT * FROM figures($$SELECT * FROM actstream.public_stream() WHERE "timestamp" >= '2025-01-14 21:10'$$);
SELECT * FROM figures($$SELECT * FROM actstream.user_stream('follower:1') WHERE ("timestamp", id) < ('2025-01-10 00:00', 5) LIMIT 20$$);
SELECT * FROM figures($$SELECT * FROM actstream.public_stream() WHERE "timestamp" < '2025-01-10' AND "timestamp" > '2025-01-11'$$);
PREPARE older(timestamptz) AS SELECT * FROM actstream.public_stream() WHERE "timestamp" < $1;
SET plan_cache_mode = force_generic_plan;
SELECT * FROM figures('EXECUTE older(NULL)');
RESET plan_cache_mode;
DEALLOCATE older;

-- only as far as rows are asked for
BEGIN;
CREATE FUNCTION heap_visits() RETURNS bigint LANGUAGE sql
    RETURN pg_stat_get_xact_tuples_fetched('actstream.actions'::regclass);
DECLARE c CURSOR FOR SELECT id FROM actstream.user_stream('follower:1');
SELECT heap_visits() AS before \gset
FETCH 5 FROM c;
SELECT heap_visits() - :before AS visits;
MOVE 15 FROM c;
SELECT heap_visits() - :before AS visits;
CLOSE c;
DECLARE c CURSOR FOR SELECT actstream.actor_stream('person:7');
SELECT heap_visits() AS before \gset
MOVE 5 FROM c;
SELECT heap_visits() - :before AS visits;
CLOSE c;
ROLLBACK;

-- rows of one time come together, by id, an action in several roles once
BEGIN;
INSERT INTO actstream.actions ("timestamp", actor, verb, action_object, target)
SELECT '2026-01-01 00:00+00', 'person:1', 'did', 'person:1', 'repo:1' FROM generate_series(1, 3000);
SELECT count(*), count(DISTINCT id), bool_and(id < before) AS ordered
FROM (SELECT id, lag(id, 1, 1000000::bigint) OVER () AS before FROM actstream.any_stream('person:1') LIMIT 3000) AS s;
SELECT count(*), min(id) = max(id) - 2999 AS the_same
FROM (SELECT id FROM actstream.user_stream('follower:1') LIMIT 3000) AS s;
ROLLBACK;

-- arguments are evaluated once, as those of any function, unless a parameter
-- changes them
CREATE TEMP SEQUENCE number;
SET enable_material = off;
SELECT count(DISTINCT s.actor) AS actors, (SELECT last_value FROM number) AS number
FROM reader r LEFT JOIN actstream.actor_stream(actstream.ref('person', nextval('number'))) AS s ON true;
SELECT count(DISTINCT s.actor) AS actors
FROM reader r LEFT JOIN LATERAL actstream.actor_stream(actstream.ref('person', nextval('number') + extract(day FROM r.seen)::int)) AS s ON true;
RESET enable_material;
DROP SEQUENCE number;

-- a cursor keeps what it may yet come to
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM actstream.user_stream('follower:2');
MOVE 5 FROM c;
DROP INDEX actstream.actions_target_idx;
ROLLBACK;

-- of a long key, which an index compresses, nothing is kept
BEGIN;
INSERT INTO actstream.actions ("timestamp", actor, verb, target)
SELECT timestamptz '2020-01-01 00:00+00' + i * interval '1 minute', 'person:1', 'did', actstream.ref('follower', repeat('k', 1000))
FROM generate_series(1, 2000) AS i;
SELECT count(*), sum(m.total_bytes) < 500000 AS little
FROM (SELECT * FROM actstream.model_stream('follower') LIMIT 1) AS s,
     LATERAL (SELECT total_bytes FROM pg_backend_memory_contexts WHERE name = 'actstream reader' AND s.id > 0) AS m;
ROLLBACK;

--
-- Where the indexes cannot be read: the condition is a filter
--

SET actstream.enable_streamscan = off;
SET enable_seqscan = off;
SELECT plan($$SELECT * FROM actstream.user_stream('follower:1') LIMIT 20$$);
RESET enable_seqscan;
SELECT plan($$SELECT * FROM actstream.stream_of('{person:7}', '{target}')$$);
RESET actstream.enable_streamscan;
-- also where a single row is looked up
SELECT plan($$SELECT * FROM actstream.any_stream('person:7') WHERE id = 5$$);

CREATE FUNCTION way(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        IF line ~ 'Custom Scan' THEN
            RETURN 'scan of the stream';
        ELSIF line ~ 'Function Scan' THEN
            RETURN 'function';
        ELSIF line ~ 'Filter: .*actstream_internal.in_' THEN
            RETURN 'filter';
        END IF;
    END LOOP;
    RETURN 'neither';
END
$$;

-- an index is missing, or not the same any more, or replaced by its equal
BEGIN;
DROP INDEX actstream.actions_target_idx;
SELECT way($$SELECT * FROM actstream.actor_stream('person:7')$$);
CREATE INDEX ON actstream.actions (target, public, "timestamp", id) WHERE verb <> 'x';
SELECT way($$SELECT * FROM actstream.actor_stream('person:7')$$);
CREATE INDEX ON actstream.actions (target, public, "timestamp");
SELECT way($$SELECT * FROM actstream.actor_stream('person:7')$$);
CREATE INDEX ON actstream.actions (target, public, "timestamp" DESC, id);
SELECT way($$SELECT * FROM actstream.actor_stream('person:7')$$);
CREATE INDEX ON actstream.actions (target, public, "timestamp", id);
SELECT way($$SELECT * FROM actstream.actor_stream('person:7')$$);
ROLLBACK;
-- without its index the follows are found by a query
BEGIN;
ALTER TABLE actstream.follows DROP CONSTRAINT follows_pkey;
SELECT plan($$SELECT * FROM actstream.user_stream('follower:1')$$);
ROLLBACK;
-- a table below it has rows, too
BEGIN;
CREATE TABLE more_actions () INHERITS (actstream.actions);
INSERT INTO more_actions (id, actor, verb) VALUES (0, 'person:7', 'inherited');
SELECT way($$SELECT * FROM actstream.actor_stream('person:7')$$),
       (SELECT verb FROM actstream.actor_stream('person:7') LIMIT 1);
DROP TABLE more_actions;
SELECT way($$SELECT * FROM actstream.actor_stream('person:7')$$),
       (SELECT verb FROM actstream.actor_stream('person:7') LIMIT 1);
ROLLBACK;

-- A prepared statement finds out: after the loss of an index, under other rights
-- and under others' policies.
SET plan_cache_mode = force_generic_plan;
PREPARE first AS SELECT id FROM actstream.user_stream('follower:1') LIMIT 1;
EXPLAIN (COSTS OFF) EXECUTE first;
SET enable_seqscan = off;
CREATE TABLE more_follows () INHERITS (actstream.follows);
SELECT trim(line) AS scans FROM plan('EXECUTE first') AS line WHERE line ~ 'Scan';
DROP TABLE more_follows;
SELECT plan('EXECUTE first');
RESET enable_seqscan;
BEGIN;
DROP INDEX actstream.actions_target_idx;
SELECT way('EXECUTE first');
EXECUTE first;
ROLLBACK;
SELECT way('EXECUTE first');
CREATE ROLE stream_reader;
GRANT USAGE ON SCHEMA actstream TO stream_reader;
SET ROLE stream_reader;
EXECUTE first;
RESET ROLE;
GRANT SELECT ON actstream.actions TO stream_reader;
SET ROLE stream_reader;
EXECUTE first;
SELECT way($$SELECT * FROM actstream.actor_stream('person:7')$$);
RESET ROLE;
GRANT SELECT (follower, followee, flag, actor_only, started, verbs) ON actstream.follows TO stream_reader;
GRANT SELECT (muter, muted, verbs, until, block) ON actstream.mutes TO stream_reader;
SET ROLE stream_reader;
EXECUTE first;
SELECT way('EXECUTE first');
RESET ROLE;
CREATE POLICY partly ON actstream.actions FOR SELECT TO stream_reader USING (target::text = 'repo:1');
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
SELECT way('EXECUTE first');
EXECUTE first;
SET ROLE stream_reader;
SELECT way('EXECUTE first');
EXECUTE first;
SELECT id FROM actstream.actor_stream('person:7') WITH ORDINALITY LIMIT 1;
SELECT (actstream.actor_stream('person:7')).id LIMIT 1;
\set SHOW_CONTEXT never
SET row_security = off;
SELECT id FROM actstream.actor_stream('person:7') LIMIT 1;
RESET row_security;
\set SHOW_CONTEXT errors
RESET ROLE;
-- Who need not heed policies.  Not all minor releases make a plan anew when a role
-- changes.
ALTER ROLE stream_reader BYPASSRLS;
DISCARD PLANS;
SET ROLE stream_reader;
SELECT way('EXECUTE first');
EXECUTE first;
RESET ROLE;
ALTER ROLE stream_reader NOBYPASSRLS;
DISCARD PLANS;
SET ROLE stream_reader;
SELECT way('EXECUTE first');
EXECUTE first;
RESET ROLE;
ALTER TABLE actstream.actions DISABLE ROW LEVEL SECURITY;
DROP POLICY partly ON actstream.actions;
-- with and without the reader, in all forms
PREPARE several AS
SELECT array(SELECT id FROM actstream.user_stream('follower:1') LIMIT 30) AS scan,
       array(SELECT (actstream.user_stream('follower:1', with_user_activity => true)).id LIMIT 30) AS function,
       array(SELECT s.id FROM generate_series(7, 9) AS i,
             LATERAL (SELECT * FROM actstream.actor_stream(actstream.ref('person', i))
                      WHERE "timestamp" < '2025-01-10' LIMIT 10) AS s) AS bounded;
CREATE TEMP TABLE answer AS EXECUTE several;
DISCARD PLANS;
SET actstream.enable_streamscan = off;
CREATE TEMP TABLE other_answer AS EXECUTE several;
SELECT way('EXECUTE several'), (SELECT cardinality(scan) + cardinality(function) + cardinality(bounded) FROM answer) AS rows,
       (SELECT a = o FROM answer a, other_answer o) AS the_same;
RESET actstream.enable_streamscan;
DISCARD PLANS;

-- Who leaves a group: nothing tells the plan, but the executor asks.
REVOKE SELECT ON actstream.actions, actstream.follows FROM stream_reader;
CREATE ROLE stream_readers;
GRANT SELECT ON actstream.actions, actstream.follows, actstream.mutes TO stream_readers;
GRANT stream_readers TO stream_reader;
SET ROLE stream_reader;
EXECUTE first;
PREPARE from_function AS SELECT (actstream.user_stream('follower:1')).id LIMIT 1;
EXECUTE from_function;
RESET ROLE;
REVOKE stream_readers FROM stream_reader;
SET ROLE stream_reader;
EXECUTE first;
EXECUTE from_function;
RESET ROLE;
GRANT stream_readers TO stream_reader;
-- who may not call the function
REVOKE EXECUTE ON FUNCTION actstream.user_stream FROM PUBLIC;
SET ROLE stream_reader;
EXECUTE first;
RESET ROLE;
RESET plan_cache_mode;

-- An index that is not valid any more when the paths are made: nothing sorts the rows, so the
-- indexes that were found first are used.
CREATE FUNCTION lose_index() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'actstream.actions_target_idx'::regclass;
    UPDATE pg_class SET relname = relname WHERE oid = 'actstream.actions'::regclass;
    RETURN true;
END
$$;
CREATE FUNCTION while_planning() RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN lose_index(); END';
BEGIN;
SELECT count(*) > 100 AS many, array_agg(s.id) = (SELECT array_agg(a.id ORDER BY a."timestamp" DESC, a.id DESC) FROM actstream.actions a WHERE a.public) AS in_order
FROM actstream.model_stream('person') AS s WHERE while_planning();
SELECT indisvalid FROM pg_index WHERE indexrelid = 'actstream.actions_target_idx'::regclass;
ROLLBACK;

-- An argument that is evaluated in the middle of planning, and plans the same stream, with another path.
CREATE FUNCTION plans_it(result text, call text) RETURNS text IMMUTABLE LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    FOR i IN 1..3 LOOP
        EXECUTE format('SELECT count(*) FROM actstream.%s', call);
    END LOOP;
    RETURN result;
END
$$;
SELECT count(*) FROM actstream.user_stream('follower:1', before => plans_it(NULL, 'user_stream(''follower:1'')'), after => plans_it(NULL, 'user_stream(''follower:1'')'));
SELECT count(*) FROM actstream.user_stream('follower:1', with_user_activity => true, before => plans_it(NULL, 'user_stream(''follower:1'', before => public.plans_it(NULL, ''user_stream(''''follower:1'''')''))'));
SELECT count(*) FROM actstream.model_stream('person', before => plans_it(NULL, 'model_stream(''person'')'));
SELECT count(*) > 0 AS any FROM actstream.notifications('follower:1', before => plans_it(NULL, 'notifications(''follower:1'')'));
SELECT count(*) FROM actstream.user_stream('follower:1');

DROP OWNED BY stream_reader, stream_readers;
DROP ROLE stream_reader, stream_readers;
DROP FUNCTION plans_it, figures, way, plan, whoever, while_planning, lose_index;
SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
