--
-- A stream is a scan of the table of actions: what the executor does for any scan of
-- a table, it does for a stream.
--
\i test/lib/fresh.sql
\i test/lib/plain_streams.sql
SET datestyle = 'ISO';
SET timezone = 'UTC';

SELECT label FROM actstream.register_external('o');
CREATE FUNCTION send(first int, last int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO actstream.actions (id, "timestamp", public, actor, verb, target)
    SELECT i, timestamptz '2025-01-01 00:00+00' + i * interval '1 hour', i % 7 > 0, actstream.ref('o', i % 5),
           (ARRAY['liked', 'wrote'])[1 + i % 2], actstream.ref('o', i % 9)
    FROM generate_series(first, last) AS i
$$;
SELECT send(1, 3000);
SELECT setval(pg_get_serial_sequence('actstream.actions', 'id'), 3000);
INSERT INTO actstream.follows (follower, followee, actor_only, started)
SELECT 'o:1', actstream.ref('o', i), i % 2 = 0, timestamptz '2025-02-01 00:00+00' + i * interval '3 days'
FROM generate_series(1, 4) AS i;
ANALYZE actstream.actions, actstream.follows;

-- Streams, and the same in plain SQL, each as a query for ids
CREATE TABLE stream (n int GENERATED ALWAYS AS IDENTITY, call text);
INSERT INTO stream (call) VALUES
    ('public_stream()'), ('actor_stream(''o:1'')'), ('target_stream(''o:2'')'), ('action_object_stream(''o:3'')'),
    ('any_stream(''o:4'')'), ('model_stream(''o'')'), ('stream_of(''{o:1,o:2,o:8}'', ''{actor,target}'')'),
    ('user_stream(''o:1'')'), ('user_stream(''o:1'', since_follow => true, with_user_activity => true)');
CREATE VIEW query AS
SELECT n, call, format(part, 'actstream.' || call) AS of_stream, format(part, 'plain.' || call) AS of_plain
FROM stream, unnest(ARRAY[
    'SELECT array(SELECT id FROM %s)',
    'SELECT array(SELECT id FROM %s LIMIT 20)',
    'SELECT array(SELECT id FROM %s WHERE ("timestamp", id) < (''2025-03-10 05:00+00'', 100) LIMIT 20)',
    'SELECT array(SELECT id FROM %s WHERE "timestamp" BETWEEN ''2025-02-20'' AND ''2025-03-10 05:00'' AND verb = ''liked'')',
    'SELECT array(SELECT id FROM %s WHERE id = ANY (''{5,1200,1201,1202,1203,1204,1205,1206,1207,2999}''))',
    'SELECT array(SELECT n FROM (SELECT id + 1, verb FROM %s WHERE id = ANY (ARRAY(SELECT generate_series(1000, 1010))) LIMIT 4) AS s (n, v))']) AS part;
\i test/lib/answer.sql
-- Queries, rows, and what differs
CREATE FUNCTION compare(OUT queries bigint, OUT rows bigint, OUT differing text) LANGUAGE sql AS $$
    SELECT count(*), sum(cardinality(s)), string_agg(DISTINCT call, ', ') FILTER (WHERE s IS DISTINCT FROM p)
    FROM (SELECT call, answer(of_stream) AS s, answer(of_plain) AS p FROM query) AS answers
$$;
\i test/lib/plan.sql
SELECT * FROM compare();
-- of several ids, the rows are looked up, and put in the order of the stream, if that is cheaper
SELECT plan($$SELECT verb FROM actstream.user_stream('o:1') WHERE id IN (1200, 1201, 5)$$);
-- not where that is in a join that needs values from the other side
CREATE TABLE name (object actstream.ref, name text);
INSERT INTO name SELECT actstream.ref('o', i), 'name ' || i FROM generate_series(1, 50) AS i;
ANALYZE name;
SELECT n.name, s.* FROM name n LEFT JOIN LATERAL
    (SELECT a.id, a.actor, n.name AS of_outer FROM actstream.user_stream('o:1') a WHERE a.id IN (1201, 1202)) AS s
    ON s.actor = n.object ORDER BY s.id, n.name LIMIT 3;
-- of one place in the order there is no order
BEGIN;
SET LOCAL session_replication_role = replica;
ALTER TABLE actstream.actions DROP CONSTRAINT actions_pkey;
ALTER TABLE actstream.actions ADD CONSTRAINT actions_pkey PRIMARY KEY (id) DEFERRABLE;
UPDATE actstream.actions SET "timestamp" = '2025-01-01';
ANALYZE actstream.actions;
SELECT s.actor FROM actstream.user_stream('o:1') s WHERE s."timestamp" = '2025-01-01' AND s.id = ANY ('{1201,5}') AND s.id = 1201;
ROLLBACK;
-- a query that reads a stream is never compiled, for it may be read by pages from a cursor
CREATE FUNCTION is_compiled(query text) RETURNS boolean LANGUAGE plpgsql SET jit = on SET jit_above_cost = 0 AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN plan->0->'JIT' IS NOT NULL;
END
$$;
SELECT is_compiled('SELECT id + 1 FROM actstream.actions') = pg_jit_available() AS of_table,
    is_compiled('SELECT id + 1 FROM actstream.public_stream()') AS of_stream;

--
-- One scan, whoever reads: under a policy there is its condition, and no more
--

CREATE ROLE stream_all;
CREATE ROLE stream_columns;
CREATE ROLE stream_tenant;
GRANT USAGE ON SCHEMA actstream TO stream_all, stream_columns, stream_tenant;
GRANT SELECT ON actstream.actions, actstream.follows, actstream.mutes TO stream_all, stream_tenant;
GRANT SELECT (id, "timestamp", public, actor, verb, action_object, target, description, data, external_id)
    ON actstream.actions TO stream_columns;
GRANT SELECT (follower, followee, flag, actor_only, started, verbs) ON actstream.follows TO stream_columns;
GRANT SELECT (muter, muted, verbs, until, block) ON actstream.mutes TO stream_columns;
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON actstream.actions TO stream_all, stream_columns USING (true);
CREATE POLICY tenant ON actstream.actions TO stream_tenant USING (data->>'tenant' IS NOT DISTINCT FROM current_setting('app.tenant', true));
SELECT plan($$SELECT * FROM actstream.user_stream('o:1') WHERE ("timestamp", id) < ('2025-03-10 05:00+00', 100) AND verb = 'liked' LIMIT 20$$);
SET ROLE stream_all;
SELECT plan($$SELECT * FROM actstream.user_stream('o:1') WHERE ("timestamp", id) < ('2025-03-10 05:00+00', 100) AND verb = 'liked' LIMIT 20$$);
SET ROLE stream_columns;
SELECT plan($$SELECT * FROM actstream.user_stream('o:1') WHERE ("timestamp", id) < ('2025-03-10 05:00+00', 100) AND verb = 'liked' LIMIT 20$$);
SET ROLE stream_tenant;
SELECT plan($$SELECT * FROM actstream.user_stream('o:1') WHERE ("timestamp", id) < ('2025-03-10 05:00+00', 100) AND verb = 'liked' LIMIT 20$$);
RESET ROLE;
-- a condition that could tell what it is given waits for the policy
CREATE FUNCTION public.tells(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
    'BEGIN RAISE EXCEPTION ''told %'', $1; END';
SET ROLE stream_tenant;
SET app.tenant = 'nobody';
SELECT id FROM actstream.user_stream('o:1') WHERE tells(verb);
SELECT id FROM actstream.actions a WHERE a.public AND tells(verb) AND actstream_internal.in_public_stream(actor, target, action_object, "timestamp", verb);
RESET app.tenant;
RESET ROLE;
DROP FUNCTION tells;
ALTER TABLE actstream.actions DISABLE ROW LEVEL SECURITY;
DROP POLICY everybody ON actstream.actions;
DROP POLICY tenant ON actstream.actions;

-- the condition by itself reads nothing
SET ROLE stream_all;
SELECT count(*) FROM actstream.actions a WHERE a.public AND actstream_internal.in_user_stream(a.actor, a.target, a.action_object, a."timestamp", a.verb, 'o:1', NULL, false, false, NULL, NULL);
RESET ROLE;
REVOKE SELECT ON actstream.follows FROM stream_all;
SET ROLE stream_all;
SELECT count(*) FROM actstream.actions a WHERE a.public AND actstream_internal.in_user_stream(a.actor, a.target, a.action_object, a."timestamp", a.verb, 'o:1', NULL, false, false, NULL, NULL);
SELECT count(*) FROM actstream.actions a WHERE actstream_internal.in_user_stream(a.actor, a.target, a.action_object, a."timestamp", a.verb, 'o:1', NULL, false, false, NULL, NULL);
SELECT count(*) FROM actstream.actions a WHERE a.public AND actstream_internal.in_user_stream(a.actor, a.target, a.action_object, a."timestamp", a.verb, 'o:1', NULL, false, false, ARRAY[ROW('o:2'::actstream.ref, true, now(), NULL::text[])], NULL);
RESET ROLE;
-- a view reads as its owner
CREATE VIEW of_follower AS SELECT a.* FROM actstream.actions a
WHERE a.public AND actstream_internal.in_user_stream(a.actor, a.target, a.action_object, a."timestamp", a.verb, 'o:1', NULL, false, false,
    ARRAY(SELECT ROW(followee, actor_only, started, NULL::text[]) FROM actstream.follows WHERE follower = 'o:1'), NULL);
ALTER VIEW of_follower OWNER TO stream_columns;
GRANT SELECT ON of_follower TO stream_all;
SET ROLE stream_all;
SELECT count(*) FROM of_follower;
RESET ROLE;
REVOKE SELECT (started) ON actstream.follows FROM stream_columns;
GRANT SELECT ON actstream.follows, actstream.mutes TO stream_all;
SET ROLE stream_all;
SELECT count(*) FROM of_follower;
RESET ROLE;
GRANT SELECT (started) ON actstream.follows TO stream_columns;
ALTER TABLE actstream.follows ENABLE ROW LEVEL SECURITY;
SET ROLE stream_all;
SELECT count(*) FROM actstream.actions a WHERE a.public AND actstream_internal.in_user_stream(a.actor, a.target, a.action_object, a."timestamp", a.verb, 'o:1', NULL, false, false, NULL, NULL);
SELECT count(*) FROM actstream.actions a WHERE a.public AND actstream_internal.in_user_stream(a.actor, a.target, a.action_object, a."timestamp", a.verb, 'o:1', NULL, false, false, (SELECT NULL::record[]), NULL);
SELECT count(*) FROM actstream.actions a WHERE actstream_internal.in_user_stream(a.actor, a.target, a.action_object, a."timestamp", a.verb, 'o:1', NULL, false, false, NULL, NULL);
SELECT count(*) FROM actstream.user_stream('o:1');
RESET ROLE;
ALTER TABLE actstream.follows DISABLE ROW LEVEL SECURITY;
-- and is a condition like others where it stands alone
SELECT count(*) > (SELECT count(*) FROM actstream.public_stream()) AS others_too, count(*) FILTER (WHERE NOT public) > 0 AS not_public
FROM actstream.actions a WHERE actstream_internal.in_public_stream(actor, target, action_object, "timestamp", verb);
REVOKE EXECUTE ON FUNCTION actstream_internal.in_public_stream FROM PUBLIC;
SET ROLE stream_all;
SELECT count(*) FROM actstream.public_stream();
RESET ROLE;
GRANT EXECUTE ON FUNCTION actstream_internal.in_public_stream TO PUBLIC;
-- what it is given as follows may be anything
SET actstream.enable_streamscan = off;
SELECT actstream_internal.in_user_stream('o:2', NULL, NULL, now(), 'did', 'o:1', NULL, false, false, follows, NULL) AS in_stream
FROM (VALUES (ARRAY[ROW('o:2'::actstream.ref, true, now(), NULL::text[])]), (ARRAY[ROW('o:1'::actstream.ref, true, now(), NULL::text[]), ROW('o:2'::actstream.ref, false, now(), NULL::text[])]),
             (ARRAY[ROW('o:3'::actstream.ref, true, now(), NULL::text[])]), (ARRAY[]::record[]), (ARRAY[ROW('o:2'::actstream.ref, true, NULL::timestamptz, NULL::text[])]),
             (ARRAY[ROW()]), (ARRAY[ROW(1, 2, 3, 4)]), (ARRAY[NULL, ROW('o:2', true, now(), NULL::text[])]),
             (ARRAY[[ROW('o:1'::actstream.ref, true, now(), NULL::text[])], [ROW('o:2'::actstream.ref, true, now(), NULL::text[])]])) AS v (follows);
RESET actstream.enable_streamscan;

--
-- Rows have a place in the table: they can be locked, found again and changed
--

CREATE VIEW of_one AS
SELECT a.tableoid::regclass AS tab, a.ctid AS place, a.* FROM actstream.actions a
WHERE a.public AND actstream_internal.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", a.verb, '{o:1}', 1);
SELECT plan('SELECT * FROM of_one ORDER BY "timestamp" DESC, id DESC LIMIT 2 FOR UPDATE');
SELECT tab, id, verb FROM of_one ORDER BY "timestamp" DESC, id DESC LIMIT 2 FOR UPDATE;
CREATE TEMP TABLE kept AS SELECT * FROM of_one;
SELECT count(*), count(a.id) FROM kept LEFT JOIN actstream.actions a ON a.ctid = kept.place AND a.id = kept.id;
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM actstream.actions a
    WHERE a.public AND actstream_internal.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", a.verb, '{o:1}', 1) FOR UPDATE;
FETCH 1 FROM c \gset at_
UPDATE actstream.actions SET description = 'current' WHERE CURRENT OF c RETURNING id = :at_id AS same;
CLOSE c;
DECLARE c CURSOR FOR SELECT * FROM actstream.actions a
    WHERE a.public AND actstream_internal.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", a.verb, '{o:1}', 1);
FETCH 2 FROM c;
DELETE FROM actstream.actions WHERE CURRENT OF c RETURNING id, description;
CLOSE c;
DECLARE c SCROLL CURSOR FOR SELECT id FROM actstream.actor_stream('o:1');
FETCH 3 FROM c;
FETCH BACKWARD 2 FROM c;
FETCH ABSOLUTE 3 FROM c;
ROLLBACK;
BEGIN;
SELECT count(*) AS rows FROM actstream.actor_stream('o:1') \gset
WITH changed AS (UPDATE actstream.actions a SET description = 'x' WHERE a.public
    AND actstream_internal.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", a.verb, '{o:1}', 1) RETURNING *)
SELECT count(*) = :rows AS all_of_them FROM changed;
SELECT count(*) = :rows AS all_of_them, bool_and(description = 'x') AS changed FROM actstream.actor_stream('o:1');
WITH gone AS (DELETE FROM actstream.actions a USING actstream.actor_stream('o:1') s WHERE s.id = a.id RETURNING a.*)
SELECT count(*) = :rows AS all_of_them FROM gone;
SELECT count(*) FROM actstream.actor_stream('o:1');
ROLLBACK;

--
-- Other ways to run it
--

-- how subqueries are called depends on the release
SELECT line FROM plan($$SELECT id FROM (SELECT * FROM actstream.actor_stream('o:1') UNION ALL SELECT * FROM actstream.target_stream('o:1')) s
    ORDER BY "timestamp" DESC, id DESC LIMIT 3$$) AS line WHERE line !~* '\*select\*|subquery';
SELECT answer($$SELECT array(SELECT id FROM (SELECT * FROM actstream.actor_stream('o:1') UNION ALL SELECT * FROM actstream.target_stream('o:1')) s
    ORDER BY "timestamp" DESC, id DESC LIMIT 9)$$) =
       answer($$SELECT array(SELECT id FROM (SELECT * FROM plain.actor_stream('o:1') UNION ALL SELECT * FROM plain.target_stream('o:1')) s
    ORDER BY "timestamp" DESC, id DESC LIMIT 9)$$) AS the_same;
SET jit = on;
SET jit_above_cost = 0;
SELECT * FROM compare();
RESET jit_above_cost;
RESET jit;
SELECT name AS forced FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query') \gset
SET :forced = on;
SELECT * FROM compare();
RESET :forced;
SELECT plan($$SELECT id FROM actstream.actions a TABLESAMPLE bernoulli (50)
    WHERE a.public AND actstream_internal.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", a.verb, '{o:1}', 1)$$);

-- commands that plan without a query
CLUSTER actstream.actions USING actions_pkey;
ALTER TABLE actstream.actions SET (parallel_workers = 2);
CREATE INDEX whole ON actstream.actions (verb, id);
DROP INDEX actstream.whole;
ALTER TABLE actstream.actions RESET (parallel_workers), SET WITHOUT CLUSTER;
SELECT * FROM compare();

-- a function that its owner has changed is run as any function is
BEGIN;
ALTER FUNCTION actstream.public_stream SET actstream.enable_streamscan = on;
SELECT plan('SELECT id FROM actstream.public_stream() LIMIT 1');
ALTER FUNCTION actstream.public_stream RESET ALL;
ALTER FUNCTION actstream.public_stream SECURITY DEFINER;
REVOKE ALL ON actstream.actions FROM stream_all;
SET LOCAL ROLE stream_all;
SELECT id FROM actstream.public_stream() LIMIT 1;
ROLLBACK;
BEGIN;
CREATE OR REPLACE FUNCTION actstream.public_stream(before text DEFAULT NULL, after text DEFAULT NULL) RETURNS SETOF actstream.action LANGUAGE sql STABLE AS
    'SELECT * FROM actstream.actions WHERE id < 10 ORDER BY id LIMIT 2';
ALTER FUNCTION actstream.public_stream SUPPORT actstream_internal.stream_support;
SELECT id FROM actstream.public_stream();
CREATE OR REPLACE FUNCTION actstream.public_stream(before text DEFAULT NULL, after text DEFAULT NULL) RETURNS SETOF actstream.action LANGUAGE sql STABLE
    SUPPORT actstream_internal.stream_support BEGIN ATOMIC SELECT * FROM actstream.actions WHERE id = 1; END;
SELECT id FROM actstream.public_stream();
CREATE OR REPLACE FUNCTION actstream.public_stream(before text DEFAULT NULL, after text DEFAULT NULL) RETURNS SETOF actstream.action LANGUAGE sql STABLE
    SUPPORT actstream_internal.stream_support AS
    'SELECT id, "timestamp", public, actor, ''replaced'', target, action_object, description, data, external_id FROM actstream.actions WHERE id = 2';
SELECT id, verb FROM actstream.public_stream();
SET LOCAL check_function_bodies = off;
CREATE OR REPLACE FUNCTION actstream.public_stream(before text DEFAULT NULL, after text DEFAULT NULL) RETURNS SETOF actstream.action LANGUAGE sql STABLE
    SUPPORT actstream_internal.stream_support AS '';
\set VERBOSITY sqlstate
SELECT id FROM actstream.public_stream();
\set VERBOSITY default
ROLLBACK;

-- columns that a later version adds
ALTER TYPE actstream.action ADD ATTRIBUTE tenant int CASCADE;
UPDATE actstream.actions SET tenant = 7;
SELECT plan($$SELECT * FROM actstream.user_stream('o:1') LIMIT 20$$);
SELECT id, tenant FROM actstream.user_stream('o:1') WHERE tenant = 7 LIMIT 1;
CREATE VIEW with_tenant AS SELECT * FROM actstream.actor_stream('o:1');
PREPARE whole AS SELECT s FROM actstream.actor_stream('o:1') AS s LIMIT 1;
EXECUTE whole;
ALTER TYPE actstream.action ADD ATTRIBUTE late int CASCADE;
EXECUTE whole;
SELECT * FROM with_tenant LIMIT 1;
DROP VIEW with_tenant;
ALTER TYPE actstream.action DROP ATTRIBUTE tenant CASCADE;
SELECT plan($$SELECT * FROM actstream.user_stream('o:1') LIMIT 20$$);
SELECT plan($$SELECT * FROM (VALUES ('o:1'::actstream.ref), ('o:2')) AS v(o), LATERAL (SELECT * FROM actstream.actor_stream(o) LIMIT 2) AS s$$);
SELECT o, id, late FROM (VALUES ('o:1'::actstream.ref), ('o:2')) AS v(o), LATERAL (SELECT * FROM actstream.actor_stream(o) LIMIT 2) AS s;
EXECUTE whole;
ALTER TYPE actstream.action DROP ATTRIBUTE late CASCADE;
SELECT * FROM compare();

--
-- What a follower follows is kept, also in a transaction that has written
--

CREATE FUNCTION follows_read(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    before bigint := pg_stat_get_xact_tuples_fetched('actstream.follows'::regclass) +
        pg_stat_get_xact_tuples_returned('actstream.follows_pkey'::regclass);
BEGIN
    PERFORM answer(query);
    RETURN pg_stat_get_xact_tuples_fetched('actstream.follows'::regclass) +
        pg_stat_get_xact_tuples_returned('actstream.follows_pkey'::regclass) - before;
END
$$;
SELECT follows_read($$SELECT array(SELECT id FROM actstream.user_stream('o:1') LIMIT 5)$$) >= 0 AS kept;
BEGIN;
INSERT INTO stream (call) VALUES ('of no table of ours');
SELECT follows_read($$SELECT array(SELECT id FROM actstream.user_stream('o:1') LIMIT 5)$$);
SELECT actstream.act_send('o:1', 'sent') IS NOT NULL AS sent;
SELECT follows_read($$SELECT array(SELECT id FROM actstream.user_stream('o:1') LIMIT 5)$$);
SELECT actstream.follow('o:1', 'o:0', send_action => false) IS DISTINCT FROM NULL AS followed;
SELECT follows_read($$SELECT array(SELECT id FROM actstream.user_stream('o:1') LIMIT 5)$$);
SELECT array(SELECT id FROM actstream.user_stream('o:1')) = array(SELECT id FROM plain.user_stream('o:1')) AS the_same;
ROLLBACK;
SELECT follows_read($$SELECT array(SELECT id FROM actstream.user_stream('o:1') LIMIT 5)$$) >= 0 AS kept;
SELECT follows_read($$SELECT array(SELECT id FROM actstream.user_stream('o:1') LIMIT 5)$$);

--
-- Tables below the table
--

CREATE TABLE actstream.action_more () INHERITS (actstream.actions);
CREATE TABLE actstream.action_archive (LIKE actstream.actions INCLUDING DEFAULTS INCLUDING INDEXES) INHERITS (actstream.actions);
WITH moved AS (DELETE FROM ONLY actstream.actions WHERE id BETWEEN 500 AND 900 RETURNING *)
INSERT INTO actstream.action_more SELECT * FROM moved;
WITH moved AS (DELETE FROM ONLY actstream.actions WHERE id < 500 RETURNING *)
INSERT INTO actstream.action_archive SELECT * FROM moved;
SELECT plan($$SELECT * FROM actstream.actor_stream('o:1') LIMIT 5$$);
SELECT * FROM compare();
DROP TABLE actstream.action_more, actstream.action_archive;
SELECT plan($$SELECT * FROM actstream.actor_stream('o:1') LIMIT 5$$);
SELECT * FROM compare();

-- What a page costs: searches of indexes, and visits to the table, which are not told of
-- what a parallel worker reads
SET :forced = off;
CREATE FUNCTION effort(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    line text;
    result bigint = 0;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
        -- an empty stream takes one search or none, as the recency map is there or not
        IF line ~ '^Limit .*rows=0[. ]' THEN
            RETURN 0;
        END IF;
        result := result + coalesce(substring(line FROM '(?:Lists Opened|Index Searches|Heap Fetches|Time Line Rows): (\d+)')::bigint, 0);
    END LOOP;
    RETURN result;
END
$$;
CREATE TABLE page (n int GENERATED ALWAYS AS IDENTITY, query text, effort_before bigint);
INSERT INTO page (query, effort_before)
SELECT query, effort(query)
FROM stream, format('SELECT * FROM actstream.%s LIMIT 20', call) AS query
WHERE effort(query) > 0;

-- partitions by range of time; plain SQL goes on to read the table that was there
SELECT send(1, 900);
CREATE SCHEMA before;
ALTER TABLE actstream.actions SET SCHEMA before;
CREATE TABLE actstream.actions OF actstream.action (PRIMARY KEY (id, "timestamp"))
    PARTITION BY RANGE ("timestamp");
SELECT actstream.create_tables();
CREATE TABLE actstream.action_1 PARTITION OF actstream.actions FOR VALUES FROM (MINVALUE) TO ('2025-02-01 00:00+00');
CREATE TABLE actstream.action_2 PARTITION OF actstream.actions FOR VALUES FROM ('2025-02-01 00:00+00') TO ('2025-03-01 00:00+00');
-- whose columns are in other places
CREATE TABLE actstream.action_3 (gone int, LIKE actstream.actions INCLUDING DEFAULTS);
ALTER TABLE actstream.action_3 DROP gone;
ALTER TABLE actstream.actions ATTACH PARTITION actstream.action_3 FOR VALUES FROM ('2025-03-01 00:00+00') TO ('2025-04-01 00:00+00');
CREATE TABLE actstream.action_4 PARTITION OF actstream.actions FOR VALUES FROM ('2025-04-01 00:00+00') TO (MAXVALUE);
SELECT send(1, 3000);
ANALYZE actstream.actions;
SELECT plan($$SELECT * FROM actstream.actor_stream('o:1') LIMIT 5$$);
SELECT line FROM plan($$SELECT * FROM actstream.user_stream('o:1') WHERE ("timestamp", id) < ('2025-03-10 05:00+00', 100) LIMIT 20$$) AS line
WHERE line ~ 'Append|Custom|Stream Cond';
SELECT * FROM compare();
GRANT SELECT ON actstream.actions TO stream_tenant;
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON actstream.actions TO stream_tenant USING (verb = 'liked');
SET ROLE stream_tenant;
SELECT plan($$SELECT * FROM actstream.actor_stream('o:1') LIMIT 5$$);
SELECT count(*), string_agg(DISTINCT verb, ' ') FROM actstream.user_stream('o:1');
RESET ROLE;
SELECT a.tableoid::regclass AS tab, a.id, verb FROM actstream.actions a
WHERE a.public AND actstream_internal.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", a.verb, '{o:1}', 1)
  AND "timestamp" < '2025-03-01 10:00+00'
ORDER BY "timestamp" DESC, id DESC LIMIT 5 FOR UPDATE;

-- 36 of them: those that are older than the page are not begun
DROP TABLE actstream.action_1, actstream.action_2, actstream.action_3, actstream.action_4;
SELECT format('CREATE TABLE actstream.action_%s PARTITION OF actstream.actions FOR VALUES FROM (%L) TO (%L)',
              i, timestamptz '2025-01-01 00:00+00' + i * interval '84 hours', timestamptz '2025-01-01 00:00+00' + (i + 1) * interval '84 hours')
FROM generate_series(0, 35) AS i
\set ECHO none
\gexec
\set ECHO all
ALTER TABLE actstream.actions DISABLE ROW LEVEL SECURITY;
SELECT send(1, 3000);
ANALYZE actstream.actions;
SELECT * FROM compare();
SELECT query FROM page WHERE effort(query) > 2 * effort_before;
CREATE FUNCTION begun(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    line text;
    result bigint = 0;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
        result := result + (line ~ 'Custom Scan .* on .*actual')::int;
    END LOOP;
    RETURN result;
END
$$;
SELECT begun(query) AS partitions, query FROM page ORDER BY n;
-- and those that are newer than the page neither
SELECT begun($$SELECT * FROM actstream.user_stream('o:1') WHERE ("timestamp", id) < ('2025-02-10 05:00+00', 100) LIMIT 20$$);
PREPARE next(actstream.ref, timestamptz, bigint) AS SELECT s.id, s."timestamp" FROM actstream.user_stream($1) s WHERE (s."timestamp", s.id) < ($2, $3) LIMIT 3;
SET plan_cache_mode = force_generic_plan;
EXECUTE next('o:1', '2025-03-10 05:00+00', 100);
EXECUTE next('o:1', '2025-02-10 05:00+00', 100);
EXECUTE next('o:1', '2026-02-10 05:00+00', 100);
EXECUTE next('o:1', NULL, 100);
RESET plan_cache_mode;
DEALLOCATE next;
SELECT count(*) AS pages, sum(cardinality(s.ids)) AS ids, count(*) FILTER (WHERE s.ids IS DISTINCT FROM p.ids) AS wrong
FROM generate_series(1, 9) AS o, generate_series(timestamptz '2024-12-30 00:00+00', '2025-05-10 00:00+00', interval '11 days') AS t,
    LATERAL (SELECT array_agg(id) AS ids FROM (SELECT id FROM actstream.user_stream(actstream.ref('o', o)) s WHERE (s."timestamp", s.id) < (t, 100) LIMIT 20) AS s) AS s,
    LATERAL (SELECT array_agg(id) AS ids FROM (SELECT id FROM plain.user_stream(actstream.ref('o', o)) p WHERE (p."timestamp", p.id) < (t, 100) ORDER BY p."timestamp" DESC, p.id DESC LIMIT 20) AS p) AS p;
SELECT a.tableoid::regclass AS tab, a.id, verb FROM actstream.actions a
WHERE a.public AND actstream_internal.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", a.verb, '{o:1}', 1)
  AND "timestamp" < '2025-03-01 10:00+00'
ORDER BY "timestamp" DESC, id DESC LIMIT 5 FOR UPDATE;
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT s.id FROM actstream.actor_stream('o:1') s;
MOVE 30 FROM c;
FETCH 2 FROM c;
MOVE BACKWARD 31 FROM c;
FETCH 2 FROM c;
COMMIT;
-- while a query is executed, none of them can be taken away
BEGIN;
DECLARE c CURSOR FOR SELECT s.id FROM actstream.actor_stream('o:1') s;
FETCH 1 FROM c;
SAVEPOINT s;
TRUNCATE actstream.action_0;
ROLLBACK TO s;
DROP TABLE actstream.action_0;
ROLLBACK TO s;
ALTER TYPE actstream.action ALTER ATTRIBUTE data TYPE text CASCADE;
ROLLBACK;
-- functions are called with the rights of whoever has started it
CREATE FUNCTION secret(verb text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RETURN true; END';
REVOKE ALL ON FUNCTION secret FROM PUBLIC;
CREATE FUNCTION page() RETURNS refcursor LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    c refcursor = 'c';
BEGIN
    OPEN c FOR SELECT s.id FROM actstream.actor_stream('o:1') s WHERE secret(s.verb);
    RETURN c;
END
$$;
CREATE FUNCTION fetch_all(c refcursor) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS 'DECLARE n bigint; BEGIN MOVE ALL FROM c; GET DIAGNOSTICS n = ROW_COUNT; RETURN n; END';
SET ROLE stream_tenant;
BEGIN;
SELECT page();
MOVE ALL FROM c;
SELECT fetch_all('c');
COMMIT;
BEGIN;
DECLARE c CURSOR FOR SELECT s.id FROM actstream.actor_stream('o:1') s WHERE secret(s.verb);
COMMIT;
RESET ROLE;
DROP FUNCTION secret, page, fetch_all;
-- partitions of partitions
BEGIN;
DROP TABLE actstream.action_35;
CREATE TABLE actstream.action_35 PARTITION OF actstream.actions FOR VALUES FROM ('2025-05-03 12:00+00') TO ('2025-05-07 00:00+00') PARTITION BY RANGE ("timestamp");
SELECT format('CREATE TABLE actstream.action_35_%s PARTITION OF actstream.action_35 FOR VALUES FROM (%L) TO (%L)',
              i, timestamptz '2025-05-03 12:00+00' + i * interval '28 hours', timestamptz '2025-05-03 12:00+00' + (i + 1) * interval '28 hours')
FROM generate_series(0, 2) AS i
\set ECHO none
\gexec
\set ECHO all
SELECT send(2940, 3000);
SELECT begun(query) AS partitions, query FROM page ORDER BY n LIMIT 3;
SELECT begun($$SELECT * FROM actstream.user_stream('o:1') WHERE ("timestamp", id) < ('2025-05-04 05:00+00', 100) LIMIT 10$$);
SELECT * FROM compare();
ROLLBACK;
-- nor by parallel workers, which would read and sort them all
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET cpu_operator_cost = 1;
SELECT query FROM page WHERE EXISTS (SELECT FROM plan(query) AS line WHERE line ~ 'Gather|Sort ');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET cpu_operator_cost;

DROP OWNED BY stream_all, stream_columns, stream_tenant;
DROP ROLE stream_all, stream_columns, stream_tenant;
SET client_min_messages = warning;
DROP SCHEMA plain, before CASCADE;
DROP EXTENSION actstream CASCADE;
DROP TABLE stream, page CASCADE;
DROP TABLE name;
DROP FUNCTION is_compiled, answer, plan, follows_read, send, effort, begun;
