--
-- The time line: what is not wanted is passed over where it lies, and nothing
-- that is wanted is.
--
\i test/lib/fresh.sql
SET datestyle = 'ISO';
SET timezone = 'UTC';
-- without it a long list of follows is good for a long try on the time line
SET actstream.enable_recency_map = off;

SELECT label FROM actstream.register_external('person');
SELECT label FROM actstream.register_external('thing');

-- Of 30 actions one is a followee's, in whatever role; some keys are so long that
-- they are aligned, and some so long that they are compressed.
CREATE FUNCTION person(i bigint) RETURNS actstream.ref LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN i % 30 = 3 THEN actstream.ref('person', i * 7 % 500 * 3 + 3)
                WHEN i % 100 = 7 THEN actstream.ref('person', repeat('long', 240) || i)
                WHEN i % 100 = 8 THEN actstream.ref('person', repeat('k', (i % 1000)::int) || i)
                ELSE actstream.ref('person', i * 3 + 1) END;
CREATE FUNCTION thing(i bigint) RETURNS actstream.ref LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN i % 100 = 7 THEN actstream.ref('thing', repeat('long', 240) || i)
                ELSE actstream.ref('thing', i) END;

-- One who follows them, and one who does since some time, each since another.
INSERT INTO actstream.follows (follower, followee, actor_only, started)
SELECT follower, followee, i % 2 = 0, timestamptz '2025-01-01 00:00+00' + i * interval '1 hour'
FROM unnest('{person:a,person:b}'::actstream.ref[]) AS follower, generate_series(1, 500) AS i,
     LATERAL (VALUES (actstream.ref('person', i * 3)), (person(i * 300 + 7)), (person(i * 300 + 8))) AS v (followee)
WHERE followee::text !~ '[lk]' OR i <= 40;

-- Actions come alone and in runs of the same time, of up to 700.
CREATE FUNCTION send(first bigint, last bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO actstream.actions ("timestamp", public, actor, verb, action_object, target, description)
    SELECT timestamptz '2025-01-01 00:00+00' + interval '1 minute' *
           CASE WHEN i % 5000 < 700 THEN i / 700 * 700 WHEN i % 7 < 5 THEN i / 7 * 7 ELSE i END,
           i % 50 <> 1,
           CASE i % 4 WHEN 1 THEN person(i) ELSE thing(i) END,
           repeat('v', (i % 9)::int + 1),
           CASE i % 4 WHEN 2 THEN person(i) WHEN 3 THEN thing(i) END,
           CASE i % 4 WHEN 3 THEN person(i) WHEN 2 THEN thing(i) END,
           CASE WHEN i % 60 = 3 THEN (SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, 300) AS j)
                WHEN i % 60 = 33 THEN 'short' END
    FROM generate_series(first, last) AS i
$$;
SELECT send(1, 12000);

-- the figures of a scan
CREATE FUNCTION figures(query text, OUT strategy text, OUT rows int, OUT heap int, OUT skipped int, OUT time_line int)
LANGUAGE plpgsql SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, FORMAT json, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query INTO plan;
    plan := plan->0->'Plan';
    WHILE plan->>'Node Type' <> 'Custom Scan' LOOP
        plan := plan->'Plans'->0;
    END LOOP;
    strategy := plan->>'Strategy';
    rows := (plan->>'Actual Rows')::numeric;
    heap := plan->>'Heap Fetches';
    skipped := plan->>'Invisible Rows';
    time_line := plan->>'Time Line Rows';
END
$$;

-- Each stream as a whole, and in pages, against plain SQL.  A page goes on from the
-- last row of the page before.
\i test/lib/plain_streams.sql
CREATE FUNCTION ids(stream text, page int) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    result bigint[] := '{}';
    last actstream.action;
    more bigint[];
BEGIN
    LOOP
        EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM %s WHERE $1 IS NULL OR ("timestamp", id) < ($1, $2) '
                       'ORDER BY "timestamp" DESC, id DESC LIMIT %s) AS s', stream, page)
        INTO more USING last."timestamp", last.id;
        EXIT WHEN more IS NULL;
        result := result || more;
        SELECT * INTO last FROM actstream.actions WHERE id = more[cardinality(more)];
    END LOOP;
    RETURN result;
END
$$;
CREATE FUNCTION differing() RETURNS TABLE (stream text, page int) LANGUAGE plpgsql AS $$
DECLARE
    expected bigint[];
BEGIN
    FOREACH stream IN ARRAY ARRAY[
        $s$public_stream()$s$,
        $s$user_stream('person:a')$s$,
        $s$user_stream('person:b', since_follow => true)$s$,
        $s$model_stream('person')$s$,
        $s$model_stream('thing')$s$] LOOP
        EXECUTE format('SELECT array_agg(id ORDER BY "timestamp" DESC, id DESC) FROM plain.%s', stream) INTO expected;
        FOREACH page IN ARRAY '{37,1000,100000}'::int[] LOOP
            IF page >= 1000 OR stream ~ 'user_stream' THEN
                IF ids('actstream.' || stream, page) IS DISTINCT FROM expected THEN
                    RETURN NEXT;
                END IF;
            END IF;
        END LOOP;
    END LOOP;
END
$$;

-- Only what is wanted is fetched, but for references that are not to be read in
-- their place.
SELECT * FROM figures($$SELECT * FROM actstream.user_stream('person:a') LIMIT 20$$);
SELECT strategy, rows, heap < 0.1 * time_line AS few, skipped
FROM figures($$SELECT * FROM actstream.user_stream('person:a') LIMIT 150$$);
SELECT * FROM differing();

-- versions that no index knows of, and rows that are gone
DELETE FROM actstream.actions WHERE id % 13 = 0;
SELECT * FROM differing();
VACUUM actstream.actions;
UPDATE actstream.actions SET description = 'new ' || id WHERE id % 20 = 3;
SELECT * FROM differing();
VACUUM actstream.actions;
SELECT * FROM differing();
-- places that are used again, by rows that an old snapshot does not see
SELECT send(4000, 5500);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) > 10000 AS many FROM actstream.public_stream();
DELETE FROM actstream.actions WHERE id % 17 = 0;
SELECT * FROM differing();
ROLLBACK;
SELECT * FROM differing();

-- versions that refer to something else, made while no index was there to know
DROP INDEX actstream.actions_actor_idx, actstream.actions_track_recency_idx;
DELETE FROM actstream.actions WHERE id % 11 = 0;
VACUUM actstream.actions;
BEGIN;
UPDATE actstream.actions SET actor = 'person:3' WHERE id % 50 = 12;
SELECT pg_stat_get_xact_tuples_hot_updated('actstream.actions'::regclass) > 0 AS hot;
COMMIT;
CREATE INDEX ON actstream.actions (actor, public, "timestamp", id);
SELECT * FROM differing();
SELECT strategy FROM figures($$SELECT * FROM actstream.user_stream('person:a') LIMIT 20$$);

-- references that lie elsewhere
ALTER TABLE actstream.actions ALTER COLUMN actor SET STORAGE external,
    ALTER COLUMN action_object SET STORAGE external, ALTER COLUMN target SET STORAGE external;
SELECT send(12001, 13000);
SELECT * FROM differing();

-- what is never null, after all
ALTER TABLE actstream.actions ALTER COLUMN verb DROP NOT NULL, ALTER COLUMN actor DROP NOT NULL,
                             ALTER COLUMN "timestamp" DROP NOT NULL, ALTER COLUMN public DROP NOT NULL,
                             DISABLE TRIGGER action_time;
INSERT INTO actstream.actions (actor) VALUES ('person:3');
INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ('person:3', 'did', NULL);
INSERT INTO actstream.actions (actor, verb, public) VALUES ('person:3', 'did', NULL);
INSERT INTO actstream.actions ("timestamp", verb, target)
SELECT timestamptz '2025-01-02 00:00+00' + i * interval '1 hour', 'did', person(i * 3)
FROM generate_series(1, 100) AS i;
SELECT * FROM differing();

-- a serializable transaction has to have read what it has seen
SELECT strategy, rows, heap - rows < 5 AS few FROM figures($$SELECT * FROM actstream.model_stream('person') LIMIT 200$$);
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT strategy, rows, heap - rows < 5 AS few FROM figures($$SELECT * FROM actstream.model_stream('person') LIMIT 200$$);
SELECT * FROM differing();
ROLLBACK;

DROP FUNCTION person, thing, send, figures, ids, differing;
SET client_min_messages = warning;
DROP SCHEMA plain CASCADE;
DROP EXTENSION actstream CASCADE;
