--
-- Entries of rows that are dead to everybody: the first page that meets many of
-- them marks them, and the next ones skip them, as index scans do.
--
\i test/lib/fresh.sql
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET search_path = public, actstream;
-- a bound of the map is for dead rows, too
SET actstream.enable_recency_map = off;
-- VACUUM would remove them
ALTER TABLE actstream.actions SET (autovacuum_enabled = off);

SELECT label FROM actstream.register_external('person');
SELECT label FROM actstream.register_external('repo');

CREATE FUNCTION send(first int, last int) RETURNS void LANGUAGE sql AS $$
    INSERT INTO actstream.actions ("timestamp", actor, verb, target)
    SELECT timestamptz '2026-01-01 00:00+00' + i * interval '1 second',
           actstream.ref('person', i % 7), 'did', actstream.ref('repo', i % 11)
    FROM generate_series(first, last) AS i
$$;
SELECT send(1, 2000);
-- somebody who meets some actions through two follows
INSERT INTO actstream.follows (follower, followee, actor_only)
VALUES ('person:100', 'person:1', true), ('person:100', 'person:2', true),
       ('person:100', 'repo:1', false), ('person:100', 'repo:2', false);
-- and somebody whose stream is read from the time line
INSERT INTO actstream.follows (follower, followee, actor_only)
SELECT 'person:101', actstream.ref('repo', i), false FROM generate_series(1, 9) AS i;

-- How many rows that were not there a page has come upon: none, few, or how many?
CREATE FUNCTION skipped(stream text) RETURNS text
LANGUAGE plpgsql SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
    plan json;
    skipped int;
BEGIN
    EXECUTE format('EXPLAIN (ANALYZE, FORMAT json, COSTS OFF, TIMING OFF, SUMMARY OFF) '
                   'SELECT * FROM %s AS s LIMIT 20', stream) INTO plan;
    skipped := plan->0->'Plan'->'Plans'->0->>'Invisible Rows';
    RETURN CASE WHEN skipped <= 40 THEN 'few' WHEN skipped < 400 THEN 'some' ELSE 'many' END;
END
$$;
CREATE TABLE stream (name text, call text);
INSERT INTO stream VALUES
    ('public', 'actstream.public_stream()'),
    ('actor', $$actstream.actor_stream('person:3')$$),
    ('any', $$actstream.any_stream('repo:7')$$),
    ('model', $$actstream.model_stream('repo')$$),
    ('user', $$actstream.user_stream('person:100')$$),
    ('user of many', $$actstream.user_stream('person:101')$$);
CREATE FUNCTION ids(stream text) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    result bigint[];
BEGIN
    EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM %s AS s) AS s', stream) INTO result;
    RETURN result;
END
$$;
CREATE FUNCTION wanted(stream text) RETURNS bigint[] LANGUAGE sql SET actstream.enable_streamscan = off
RETURN ids(stream);

-- Send, and think better of it.
CREATE FUNCTION take_back(first int, last int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM send(first, last);
    RAISE division_by_zero;
EXCEPTION WHEN division_by_zero THEN
    NULL;
END
$$;

-- at the top, anew for each stream: what one has marked helps the others
DO $$
DECLARE
    s stream;
BEGIN
    FOR s IN SELECT * FROM stream ORDER BY name LOOP
        PERFORM take_back(2001, 8000);
        RAISE NOTICE '%: %, %, %', s.name, skipped(s.call), skipped(s.call),
            CASE WHEN ids(s.call) = wanted(s.call) THEN 'the same' ELSE 'not the same' END;
    END LOOP;
END
$$;

-- further down, between rows that are there
SELECT take_back(10001, 14000), send(14001, 14010), take_back(14011, 16000), send(16001, 16010);
SELECT name, ids(call) = wanted(call) AS same, skipped(call) FROM stream ORDER BY name;

-- one in ten
SELECT count(*) FROM generate_series(20001, 22000, 10) AS i, LATERAL (SELECT send(i, i + 8), take_back(i + 9, i + 9)) AS s;
SELECT name, ids(call) = wanted(call) AS same FROM stream ORDER BY name;
SELECT name, ids(call) = wanted(call) AS same FROM stream ORDER BY name;

-- Rows with new versions, which have the same place as the old ones: an old one can
-- be met after the new one has been shown.
UPDATE actstream.actions SET external_id = id::text WHERE id % 3 > 0;
UPDATE actstream.actions SET external_id = 'again ' || id WHERE id % 3 = 1;
SELECT name, ids(call) = wanted(call) AS same FROM stream ORDER BY name;
SELECT name, ids(call) = wanted(call) AS same, skipped(call) <> 'many' AS few FROM stream ORDER BY name;

-- all of them
DELETE FROM actstream.actions;
SELECT name, ids(call) IS NULL AS none FROM stream ORDER BY name;
SELECT name, ids(call) IS NULL AS none FROM stream ORDER BY name;

DROP TABLE stream;
DROP FUNCTION send, take_back, skipped, ids, wanted;
SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
