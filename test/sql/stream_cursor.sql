-- Pages of streams by cursors.
\i test/lib/fresh.sql

-- Few instants, so that most pages end among actions of one; private ones; ids that do not
-- follow the time.
SELECT label FROM actstream.register_external('o');
INSERT INTO actstream.actions (id, actor, verb, target, action_object, public, "timestamp")
SELECT (i * 37) % 1009, format('o:%s', i % 7)::actstream.ref, 'did', format('o:%s', i % 5)::actstream.ref,
       CASE WHEN i % 3 = 0 THEN format('o:%s', i % 11)::actstream.ref END, i % 10 <> 0,
       timestamptz '2026-01-01' + (i % 4) * interval '1 hour 0.000001 seconds'
FROM generate_series(1, 1000) AS i;
INSERT INTO actstream.actions (id, actor, verb, "timestamp") VALUES
    (9223372036854775807, 'o:1', 'last', 'infinity'), (-9223372036854775808, 'o:1', 'first', '-infinity'),
    (-5, 'o:1', 'early', '0044-03-15 BC');
INSERT INTO actstream.follows (follower, followee, actor_only) VALUES
    ('o:1', 'o:2', true), ('o:1', 'o:3', false), ('o:1', 'o:5', true);
ANALYZE actstream.actions, actstream.follows;

-- Reads a stream page by page, forwards by before and backwards by after; the stream is a
-- call with %s for the cursors.
CREATE FUNCTION pages(stream text, size int, backwards boolean, OUT pages int, OUT same boolean) LANGUAGE plpgsql AS $$
DECLARE
    wanted bigint[];
    found bigint[] := '{}';
    page bigint[];
    cursor text;
    cursors text[];
BEGIN
    EXECUTE format('SELECT array_agg(id) FROM ' || stream, 'before => NULL') INTO wanted;
    IF backwards THEN
        EXECUTE format('SELECT actstream.stream_cursor(s) FROM ' || stream || ' s ORDER BY "timestamp", id LIMIT 1', 'before => NULL') INTO cursor;
        found := wanted[cardinality(wanted):];
    END IF;
    pages := 0;
    LOOP
        -- what comes after a cursor is newest first, too: its end is the next page
        EXECUTE format('SELECT array_agg(id), array_agg(cursor) FROM (SELECT id, actstream.stream_cursor(s) AS cursor FROM ' || stream
                       || ' s ' || CASE WHEN backwards THEN 'ORDER BY "timestamp", id ' ELSE '' END || 'LIMIT %s) p',
                       format('%s => %L', CASE WHEN backwards THEN 'after' ELSE 'before' END, cursor), size)
        INTO page, cursors;
        EXIT WHEN page IS NULL;
        pages := pages + 1;
        cursor := cursors[cardinality(cursors)];
        IF backwards THEN
            SELECT array_agg(id ORDER BY n DESC) || found INTO found FROM unnest(page) WITH ORDINALITY AS u (id, n);
        ELSE
            found := found || page;
        END IF;
    END LOOP;
    same := found = wanted;
END
$$;
SELECT stream, size, backwards, p.pages, p.same
FROM unnest(ARRAY['actstream.public_stream(%s)', 'actstream.actor_stream(''o:1'', %s)', 'actstream.target_stream(''o:3'', %s)',
                  'actstream.action_object_stream(''o:0'', %s)', 'actstream.any_stream(''o:1'', %s)', 'actstream.model_stream(''o'', %s)',
                  'actstream.stream_of(''{o:1,o:2}'', %s)', 'actstream.user_stream(''o:1'', %s)',
                  'actstream.user_stream(''o:1'', NULL, true, without_own => true, %s)']) WITH ORDINALITY AS s (stream, n)
CROSS JOIN unnest('{7,100}'::int[]) AS size CROSS JOIN unnest('{false,true}'::boolean[]) AS backwards
CROSS JOIN LATERAL pages(stream, size, backwards) AS p
ORDER BY s.n, size, backwards;

-- between two cursors; of an action that is gone; the ends of all
SELECT count(*) FROM actstream.public_stream();
SELECT actstream.stream_cursor(a) AS upper FROM actstream.actions a WHERE public ORDER BY "timestamp" DESC, id DESC OFFSET 300 LIMIT 1 \gset
SELECT actstream.stream_cursor(a) AS lower FROM actstream.actions a WHERE public ORDER BY "timestamp" DESC, id DESC OFFSET 600 LIMIT 1 \gset
SELECT count(*) FROM actstream.public_stream(before => :'upper', after => :'lower');
SELECT count(*) FROM actstream.public_stream(before => :'lower', after => :'upper');
DELETE FROM actstream.actions a WHERE actstream.stream_cursor(a) IN (:'upper', :'lower');
SELECT count(*) FROM actstream.public_stream(before => :'upper', after => :'lower');
SELECT verb, actstream.stream_cursor(a) FROM actstream.actions a WHERE verb IN ('first', 'last', 'early') ORDER BY id;
SELECT count(*) FROM actstream.public_stream(before => '80000000000000008000000000000000');
SELECT count(*) FROM actstream.public_stream(after => '7fffffffffffffff7fffffffffffffff');
SELECT actstream.stream_cursor(NULL) IS NULL AS nothing,
       actstream.stream_cursor(ROW (1, NULL, true, 'o:1', 'did', NULL, NULL, NULL, NULL, NULL)::actstream.action) IS NULL AS no_time,
       actstream.stream_cursor(ROW (NULL, now(), true, 'o:1', 'did', NULL, NULL, NULL, NULL, NULL)::actstream.action) IS NULL AS no_id;

-- without_own leaves out what the follower did, whatever it was done to, and no more
SELECT count(*) FILTER (WHERE actor = 'o:1') AS own, count(*) FROM actstream.user_stream('o:1', with_user_activity => true);
SELECT count(*) FILTER (WHERE actor = 'o:1') AS own, count(*) FROM actstream.user_stream('o:1', with_user_activity => true, without_own => true);
SELECT count(*) FROM actstream.user_stream('o:1', with_user_activity => true, without_own => NULL);

-- the bounds are the scan's: in every kind of plan, and only where there is a cursor
PREPARE page (text, text) AS SELECT id FROM actstream.actor_stream('o:1', $1, $2) LIMIT 3;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE page(NULL, NULL);
EXECUTE page(NULL, NULL);
EXECUTE page(:'lower', NULL);
SET plan_cache_mode = force_custom_plan;
EXPLAIN (COSTS OFF) EXECUTE page(NULL, NULL);
EXPLAIN (COSTS OFF) EXECUTE page('0002e83f0f0e4c0000000000000003e8', NULL);
EXECUTE page(NULL, NULL);
EXECUTE page(:'lower', NULL);
RESET plan_cache_mode;
EXPLAIN (COSTS OFF) SELECT id FROM actstream.user_stream('o:1') LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM actstream.user_stream('o:1', without_own => true, after => '0002e83f0f0e4c0000000000000003e8') LIMIT 3;
SELECT count(*) FROM (VALUES (:'upper'), (:'lower'), (NULL)) AS v (cursor), LATERAL (SELECT FROM actstream.public_stream(before => cursor) LIMIT 5) AS s;

-- what is no cursor
CREATE FUNCTION refused(cursor text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    PERFORM FROM actstream.public_stream(before => cursor) LIMIT 1;
    RETURN 'accepted';
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, hint);
END
$$;
SELECT refused(cursor) FROM unnest(ARRAY['', 'x', '2026-01-01', repeat('0', 31), repeat('0', 33), repeat('0', 31) || 'G', repeat('0', 31) || 'A',
                                         repeat('é', 16), '7ffffffffffffffe0000000000000000', upper(:'lower')]) AS cursor;

-- arguments are evaluated once, however often a stream refers to them
CREATE SEQUENCE calls;
CREATE FUNCTION called(cursor text) RETURNS text LANGUAGE sql VOLATILE AS $$ SELECT CASE WHEN nextval('calls') > 0 THEN cursor END $$;
CREATE FUNCTION next_follower() RETURNS actstream.ref LANGUAGE sql VOLATILE AS $$ SELECT actstream.ref('o', nextval('calls')) $$;
SELECT count(*) FROM (SELECT FROM actstream.public_stream(before => called(:'upper'), after => called(:'lower'))) AS s;
SELECT last_value FROM calls;
SELECT count(*) FROM (SELECT FROM (VALUES (1), (2), (3)) AS v (n), actstream.actor_stream('o:2', before => called(CASE WHEN n > 0 THEN :'upper' END)) LIMIT 100) AS s;
SELECT last_value <= 5 AS once_each FROM calls;
ALTER SEQUENCE calls RESTART WITH 1;
SELECT count(*) FILTER (WHERE actor = 'o:1') AS own, count(*) > 100 AS others
FROM actstream.user_stream(next_follower(), with_user_activity => true, without_own => true);
SELECT last_value FROM calls;
DROP FUNCTION called, next_follower;
DROP SEQUENCE calls;

-- next to the ends of all times
EXPLAIN (COSTS OFF) SELECT FROM actstream.public_stream(after => '80000000000000007fffffffffffffff');
EXPLAIN (COSTS OFF) SELECT FROM actstream.public_stream(before => '7fffffffffffffff8000000000000000');
SELECT verb FROM actstream.public_stream(before => '7fffffffffffffff8000000000000000', after => '80000000000000007fffffffffffffff') WHERE verb <> 'did';
SELECT verb FROM actstream.public_stream(after => '7fffffffffffffff7ffffffffffffffe');
SELECT verb FROM actstream.public_stream(before => '80000000000000008000000000000001');
-- an index goes before the first row is fetched
BEGIN;
DECLARE late CURSOR FOR SELECT id FROM actstream.public_stream();
DROP INDEX actstream.actions_timestamp_idx;
FETCH 1 FROM late;
ROLLBACK;
DROP FUNCTION pages, refused;
