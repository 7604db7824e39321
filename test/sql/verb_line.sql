--
-- Streams of some verbs, read by an index: what a page reads depends neither on how many actions
-- have the verb, nor on what came later, nor on ties and dead rows
--
\i test/lib/fresh.sql
SET timezone = 'UTC';
SET jit = off;
-- a worker would keep its figures
SET max_parallel_workers_per_gather = 0;

SELECT label FROM actstream.register_external('o');
CREATE FUNCTION second(n int) RETURNS timestamptz LANGUAGE sql IMMUTABLE
    RETURN timestamptz '2026-01-01' + n * interval '1 second';
-- VACUUM would remove dead rows
ALTER TABLE actstream.actions SET (autovacuum_enabled = off);
-- half of the time all did something old, then something new; private ones of both kinds
INSERT INTO actstream.actions (id, "timestamp", public, actor, verb, target)
SELECT i, second(i), i % 5 > 0, actstream.ref('o', i % 50), CASE WHEN i > 10000 THEN 'new' WHEN i % 2 = 0 THEN 'old' ELSE 'odd' END, actstream.ref('o', i % 7)
FROM generate_series(1, 20000) i;
INSERT INTO actstream.follows (follower, followee, started) SELECT 'o:900', actstream.ref('o', i), second(0) FROM generate_series(0, 39) i;
INSERT INTO actstream.follows (follower, followee, started, verbs) SELECT 'o:901', actstream.ref('o', i), second(0), '{old,odd}' FROM generate_series(0, 39) i;
INSERT INTO actstream.follows (follower, followee, started) SELECT 'o:902', actstream.ref('o', i), second(0) FROM generate_series(0, 2) i;
VACUUM ANALYZE actstream.actions, actstream.follows;

-- a page by way of the index, and the same without it: is it the same, and how many entries were read?
CREATE TABLE read (index text, stream text, condition text, n int, same boolean, strategy text, entries int);
CREATE PROCEDURE read_pages(index text) LANGUAGE plpgsql AS $$
DECLARE
    stream text;
    condition text;
    page text;
    wanted bigint[];
    got bigint[];
    plan jsonb;
BEGIN
    FOREACH stream IN ARRAY ARRAY['public_stream()', 'user_stream(''o:900'')', 'user_stream(''o:901'')', 'user_stream(''o:902'')', 'model_stream(''o'')', 'actor_stream(''o:7'')', 'any_stream(''o:3'')'] LOOP
        FOREACH condition IN ARRAY ARRAY['verb = ''old''', '''odd'' = verb OR verb = ''old''', 'verb = ANY (''{old,none,old}'')', 'verb = ''new''',
                                         'verb = ''old'' AND "timestamp" < ''2026-01-01 02:00''', 'verb = ''none'''] LOOP
            page := format('SELECT id FROM actstream.%s WHERE %s LIMIT 20', stream, condition);
            SET LOCAL actstream.enable_streamscan = off;
            EXECUTE format('SELECT array(SELECT id FROM actstream.%s WHERE %s ORDER BY "timestamp" DESC, id DESC LIMIT 20)', stream, condition) INTO wanted;
            SET LOCAL actstream.enable_streamscan = on;
            EXECUTE format('SELECT array(%s)', page) INTO got;
            EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || page INTO plan;
            INSERT INTO read SELECT index, stream, condition, cardinality(got), wanted = got, p ->> 'Strategy', (p ->> 'Index Entries Read')::int FROM jsonb_path_query_first(plan, '$.**.Plans[0]') p;
        END LOOP;
    END LOOP;
END
$$;
CALL read_pages('none');
CREATE INDEX by_verb ON actstream.actions (verb, "timestamp");
CALL read_pages('verb, timestamp');
DROP INDEX actstream.by_verb;
CREATE INDEX by_verb ON actstream.actions (verb, "timestamp" DESC, id) WHERE public;
CALL read_pages('verb, timestamp DESC, id');
DROP INDEX actstream.by_verb;
CREATE INDEX by_verb ON actstream.actions (verb, "timestamp", id) WHERE public;
CALL read_pages('verb, timestamp, id');
SELECT index, stream, count(*), bool_and(same) AS same, bool_and(entries < 1000 OR n < 20) AS few, bool_or(strategy ~ 'verbs') AS by_verb FROM read GROUP BY 1, 2 ORDER BY min(ctid);

-- Verbs that the follows exclude are not looked for, one that is named often is read once, and of
-- two indexes the better one is used.
CREATE FUNCTION figure(name text, query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || query INTO plan;
    RETURN jsonb_path_query_first(plan, format('$.**.%I', name)::jsonpath);
END
$$;
CREATE FUNCTION entries(query text) RETURNS int LANGUAGE sql RETURN figure('Index Entries Read', query);
SELECT entries('SELECT * FROM actstream.user_stream(''o:901'') WHERE verb = ''new'' LIMIT 20') AS excluded,
       entries('SELECT * FROM actstream.public_stream() WHERE verb = ANY (array_fill(''old''::text, ARRAY[1000])) LIMIT 20') < 100 AS once;
DROP INDEX actstream.by_verb;
CREATE INDEX by_verb ON actstream.actions (verb, "timestamp");
CREATE INDEX by_verb_2 ON actstream.actions (verb, "timestamp", id) WHERE public;
SELECT entries('SELECT * FROM actstream.public_stream() WHERE verb = ''old'' LIMIT 20') < 50 AS better;
DROP INDEX actstream.by_verb;
ALTER INDEX actstream.by_verb_2 RENAME TO by_verb;
-- the planner knows: else it would keep a plan for a filter that is not always there
CREATE FUNCTION cost(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN plan #> '{0,Plan,Total Cost}';
END
$$;
SELECT stream, cost(format('SELECT * FROM actstream.%s WHERE verb = ''none', stream) || '''') < cost(format('SELECT * FROM actstream.%s', stream)) / 20 AS cheap
FROM unnest(ARRAY['public_stream()', 'user_stream(''o:900'')', 'model_stream(''o'')', 'any_stream(''o:1'')']) stream;
\i test/lib/plan.sql
-- such a filter is recognized, and without a value it is none
SET plan_cache_mode = force_generic_plan;
PREPARE optional(text) AS SELECT id, verb FROM actstream.user_stream('o:900') WHERE $1 IS NULL OR verb = $1 LIMIT 3;
EXECUTE optional('old');
EXECUTE optional(NULL);
PREPARE optional_array(text[]) AS SELECT id, verb FROM actstream.user_stream('o:900') WHERE verb = ANY ($1) OR $1 IS NULL LIMIT 3;
EXECUTE optional_array('{odd,none}');
EXECUTE optional_array('{}');
EXECUTE optional_array(NULL);
EXPLAIN (COSTS OFF) EXECUTE optional_array(NULL);
PREPARE optional_varchar(varchar) AS SELECT id, verb FROM actstream.user_stream('o:900') WHERE $1 IS NULL OR verb = $1 LIMIT 3;
SELECT trim(line) AS line FROM plan('EXECUTE optional_varchar(NULL)') AS line WHERE line ~ 'Verb Cond';
-- one that is always there goes first
PREPARE two(text, text) AS SELECT id, verb FROM actstream.user_stream('o:900') WHERE ($1 IS NULL OR verb = $1) AND verb = ANY (ARRAY['old', 'odd', $2]) AND verb = $2 LIMIT 3;
SELECT trim(line) AS line FROM plan('EXECUTE two(NULL, NULL)') AS line WHERE line ~ 'Verb Cond';
-- not if something else is null
PREPARE other(text, text) AS SELECT id, verb FROM actstream.user_stream('o:900') WHERE $2 IS NULL OR verb = $1 LIMIT 3;
EXPLAIN (COSTS OFF) EXECUTE other('old', NULL);
EXECUTE other('old', NULL);
DEALLOCATE ALL;
RESET plan_cache_mode;
-- where the index is of no use, both ways are read, but lists are not opened again and again: here
-- most actions have the verb, but none of those of 3,000 followees
INSERT INTO actstream.follows (follower, followee, started) SELECT 'o:903', actstream.ref('o', 100 + i), second(0) FROM generate_series(1, 3000) i;
INSERT INTO actstream.actions (id, "timestamp", actor, verb)
SELECT 100000 + i, second(20000 + i), actstream.ref('o', CASE WHEN i % 8 = 0 THEN 101 + i / 8 % 3000 ELSE 5000 + i % 700 END), CASE WHEN i % 8 = 0 THEN 'quiet' ELSE 'loud' END
FROM generate_series(1, 48000) i;
ANALYZE actstream.follows;
SELECT figure('Lists Opened', 'SELECT * FROM actstream.user_stream(''o:903'') WHERE verb = ''loud'' LIMIT 20') < 6000 AS few_times;

-- Ties: an index that has the order of the stream need not be read to the end of an instant.
INSERT INTO actstream.actions (id, "timestamp", actor, verb) SELECT 30000 + i, second(80000), actstream.ref('o', i % 50), 'tied' FROM generate_series(1, 5000) i;
SELECT array_agg(id::int) = ARRAY(SELECT generate_series(35000, 34981, -1)) AS same FROM (SELECT id FROM actstream.public_stream() WHERE verb = 'tied' LIMIT 20) s;
SELECT array_agg(id::int) = ARRAY(SELECT generate_series(32999, 32980, -1)) AS same
FROM (SELECT id FROM actstream.public_stream() WHERE verb = 'tied' AND ("timestamp", id) < (second(80000), 33000) LIMIT 20) s;
SELECT count(*), max(id), min(id) FROM actstream.public_stream() WHERE verb = 'tied' AND ("timestamp", id) < (second(80000), 33000);
SELECT entries('SELECT * FROM actstream.public_stream() WHERE verb = ''tied'' LIMIT 20') < 100 AS few,
       entries('SELECT * FROM actstream.public_stream() WHERE verb = ''tied'' AND ("timestamp", id) < (second(80000), 33000) LIMIT 20') < 100 AS few_below;
DROP INDEX actstream.by_verb;
CREATE INDEX by_verb ON actstream.actions (verb, "timestamp");
SELECT array_agg(id::int) = ARRAY(SELECT generate_series(32999, 32980, -1)) AS same,
       entries('SELECT * FROM actstream.public_stream() WHERE verb = ''tied'' AND ("timestamp", id) < (second(80000), 33000) LIMIT 20') >= 5000 AS all_of_them
FROM (SELECT id FROM actstream.public_stream() WHERE verb = 'tied' AND ("timestamp", id) < (second(80000), 33000) LIMIT 20) s;

-- Dead rows: the first page that meets them marks them, and later ones skip them.
INSERT INTO actstream.actions (id, "timestamp", actor, verb) SELECT 200000 + i, second(90000 + i), actstream.ref('o', i % 50), 'old' FROM generate_series(1, 5000) i;
DELETE FROM actstream.actions WHERE id > 200000;
SELECT array_agg(id::int) = ARRAY(SELECT i FROM generate_series(10000, 1, -2) i WHERE i % 5 > 0 LIMIT 20) AS same FROM (SELECT id FROM actstream.public_stream() WHERE verb = 'old' LIMIT 20) s;
SELECT entries('SELECT * FROM actstream.public_stream() WHERE verb = ''old'' LIMIT 20') < 400 AS few;
-- also where another verb, which has none, is read before, and where dead rows are few among others
DROP INDEX actstream.by_verb;
CREATE INDEX by_verb ON actstream.actions (verb, "timestamp", id) WHERE public;
SELECT array_agg(id::int) = ARRAY(SELECT i FROM generate_series(10000, 1, -2) i WHERE i % 5 > 0 LIMIT 20) AS same FROM (SELECT id FROM actstream.public_stream() WHERE verb IN ('none', 'old') LIMIT 20) s;
INSERT INTO actstream.actions (id, "timestamp", actor, verb) SELECT 300000 + i, second(100000 + i), actstream.ref('o', i % 50), 'sparse' FROM generate_series(1, 20000) i;
DELETE FROM actstream.actions WHERE id > 300000 AND id % 40 = 1;
SELECT entries('SELECT * FROM actstream.public_stream() WHERE verb = ANY (''{sparse,none}'')') < 25000 AS once;
-- nor is a follower kept by dead rows of others, on any page
INSERT INTO actstream.actions (id, "timestamp", actor, verb) SELECT 500000 + i, second(300000 + i), actstream.ref('o', 5000 + i % 700), 'rare' FROM generate_series(1, 20000) i;
DELETE FROM actstream.actions WHERE id > 500000;
VACUUM (INDEX_CLEANUP off) actstream.actions;
INSERT INTO actstream.follows (follower, followee, started) SELECT 'o:905', actstream.ref('o', i), second(0) FROM generate_series(0, 9) i;
SELECT entries('SELECT * FROM actstream.user_stream(''o:905'') WHERE verb IN (''new'', ''rare'') LIMIT 20') < 5000 AS few FROM generate_series(1, 3);
-- dead rows at the top of what a follower by verbs reads
INSERT INTO actstream.follows (follower, followee, started, verbs) SELECT 'o:904', actstream.ref('o', i), second(0), '{gone,odd}' FROM generate_series(0, 39) i;
INSERT INTO actstream.actions (id, "timestamp", actor, verb) SELECT 400000 + i, second(200000 + i), actstream.ref('o', i % 40), 'gone' FROM generate_series(1, 500) i;
DELETE FROM actstream.actions WHERE id > 400000;
SELECT count(*), max(id) FROM (SELECT id FROM actstream.user_stream('o:904') LIMIT 20) s;
DROP INDEX actstream.by_verb;
CREATE INDEX by_verb ON actstream.actions (verb, "timestamp" DESC, id);
SELECT array_agg(id::int) = ARRAY(SELECT i FROM generate_series(10000, 1, -2) i WHERE i % 5 > 0 LIMIT 20) AS same FROM (SELECT id FROM actstream.public_stream() WHERE verb = 'old' LIMIT 20) s;
SELECT entries('SELECT * FROM actstream.public_stream() WHERE verb = ''old'' LIMIT 20') < 400 AS few;

SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
DROP FUNCTION second, entries, figure, cost, plan;
DROP PROCEDURE read_pages;
DROP TABLE read;
