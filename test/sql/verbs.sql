--
-- Follows of some verbs, and streams of some verbs, which an index may help to read
--
\i test/lib/fresh.sql
\i test/lib/plain_streams.sql
\i test/lib/answer.sql
SET timezone = 'UTC';
SET jit = off;

SELECT label FROM actstream.register_external('o');
CREATE FUNCTION dice(n int, what text, i int) RETURNS int LANGUAGE sql IMMUTABLE
    RETURN ('x' || left(md5(what || i), 6))::bit(24)::int % n;
-- verbs of all frequencies; many actions have one time
INSERT INTO actstream.actions (id, "timestamp", public, actor, verb, action_object, target)
SELECT i, timestamptz '2026-01-01' + (i / (1 + dice(3, 'tie', i / 50) * 20)) * interval '1 minute', dice(10, 'private', i) > 0,
       actstream.ref('o', dice(60, 'actor', i)), 'v' || width_bucket(sqrt(dice(1000000, 'verb', i)), 0, 1000, 40),
       CASE WHEN dice(2, 'object?', i) = 0 THEN actstream.ref('o', dice(90, 'object', i)) END,
       CASE WHEN dice(3, 'target?', i) > 0 THEN actstream.ref('o', dice(90, 'target', i)) END
FROM generate_series(1, 12000) i;
ANALYZE actstream.actions;
SELECT min(n) AS fewest, max(n) AS most, count(*) AS verbs FROM (SELECT count(*) AS n FROM actstream.actions GROUP BY verb) v;

-- follow() takes verbs, and replaces them
SELECT flag, actor_only, verbs FROM actstream.follow('o:100', 'o:1', verbs => '{v1,v9}', send_action => false);
SELECT flag, actor_only, verbs FROM actstream.follow('o:100', 'o:1', verbs => '{v9}', actor_only => false, send_action => false);
SELECT flag, actor_only, verbs FROM actstream.follow('o:100', 'o:1', send_action => false);
SELECT flag, actor_only, verbs FROM actstream.follow('o:100', 'o:1', 'x', verbs => '{v20}', send_action => false);
SELECT actstream.follow('o:100', 'o:2', verbs => '{}');
SELECT actstream.follow('o:100', 'o:2', verbs => '{v1,NULL}');
SELECT actstream.follow('o:100', 'o:2', verbs => ARRAY['', 'v1']);
SELECT actstream.follow('o:100', 'o:2', verbs => ARRAY[repeat('v', 256)]);
INSERT INTO actstream.follows (follower, followee, verbs) VALUES ('o:100', 'o:2', ARRAY(SELECT repeat('v', i) FROM generate_series(1, 60) i));
SELECT flag, verbs FROM actstream.follows ORDER BY 1;
-- what it sends is as with any follow
SELECT setval(pg_get_serial_sequence('actstream.actions', 'id'), 20000);
SELECT verbs FROM actstream.follow('o:101', 'o:1', verbs => '{v1}');
SELECT verb, target FROM actstream.actor_stream('o:101');
DELETE FROM actstream.actions WHERE actor = 'o:101';

-- Three hundred followers, of which some follow only verbs, or some of one object and all of
-- another, or the same object in several ways, and some mute.
TRUNCATE actstream.follows;
INSERT INTO actstream.follows (follower, followee, flag, actor_only, started, verbs)
SELECT actstream.ref('o', 200 + f), actstream.ref('o', dice(90, 'followee', 100 * f + i)), (ARRAY['', '', 'x'])[1 + dice(3, 'flag', 100 * f + i)],
       dice(2, 'only', 100 * f + i) = 0, timestamptz '2026-01-01' + dice(100, 'since', 100 * f + i) * interval '1 hour',
       CASE WHEN f % 3 = 0 OR dice(3, 'verbs?', 100 * f + i) = 0
            THEN ARRAY(SELECT 'v' || 1 + dice(40, 'verbs' || v, 100 * f + i) FROM generate_series(0, dice(3, 'how many', 100 * f + i)) v) END
FROM generate_series(1, 300) f, generate_series(1, 1 + dice(30, 'follows', f)) i
ON CONFLICT DO NOTHING;
INSERT INTO actstream.mutes (muter, muted, verbs, until, block)
SELECT actstream.ref('o', 200 + f), actstream.ref('o', dice(90, 'muted', 100 * f + i)),
       CASE WHEN dice(2, 'verbs?', 100 * f + i) = 0 THEN ARRAY(SELECT 'v' || 1 + dice(40, 'mute' || v, 100 * f + i) FROM generate_series(0, 9) v) END,
       (ARRAY[NULL, NULL, '2020-01-01', 'infinity']::timestamptz[])[1 + dice(4, 'until', 100 * f + i)], false
FROM generate_series(1, 300, 2) f, generate_series(1, dice(12, 'mutes', f)) i
ON CONFLICT DO NOTHING;
INSERT INTO actstream.mutes (muter, muted, block) SELECT actstream.ref('o', dice(90, 'blocker', f)), actstream.ref('o', 200 + f), true
FROM generate_series(1, 300, 5) f;
ANALYZE actstream.follows, actstream.mutes;
SELECT count(*) AS follows, count(verbs) AS of_verbs, count(DISTINCT follower) AS followers, (SELECT count(*) FROM actstream.mutes) AS mutes FROM actstream.follows;

CREATE TABLE wrong (how text, follower actstream.ref, condition text, wanted bigint[], got bigint[]);
CREATE TABLE seen (how text, cases bigint, rows bigint);
CREATE PROCEDURE compare(how text, every int DEFAULT 1) LANGUAGE plpgsql AS $$
DECLARE
    f int;
    arguments text;
    part text;
    condition text;
    rest text;
    wanted bigint[];
    got bigint[];
    page bigint[];
    cursor text;
    cases bigint = 0;
    rows bigint = 0;
BEGIN
    FOR f IN 1 .. 300 BY every LOOP
        arguments := (ARRAY['', ', ''''', ', NULL, true', ', NULL, false, true', ', ''x'', true, true'])[1 + f % 5];
        condition := (ARRAY['true', format('verb = %L', 'v' || 1 + f % 40), format('verb = ANY (%L)', ARRAY['v' || 1 + f % 40, 'v3', 'none']),
                            format('%L = verb AND public', 'v' || 1 + f % 7), 'verb <> ''v30'''])[1 + f / 5 % 5];
        wanted := answer(format('SELECT array(SELECT id FROM plain.user_stream(''o:%s''%s) WHERE %s)', 200 + f, arguments, condition));
        got := answer(format('SELECT array(SELECT id FROM actstream.user_stream(''o:%s''%s) WHERE %s)', 200 + f, arguments, condition));
        cases := cases + 1;
        rows := rows + cardinality(wanted);
        IF got IS DISTINCT FROM wanted THEN
            INSERT INTO wrong VALUES (how, actstream.ref('o', 200 + f), condition, wanted, got);
        END IF;
        -- the same page by page, the next ones below a cursor
        got := '{}';
        cursor := NULL;
        LOOP
            EXECUTE format('SELECT array_agg(id), min(cursor) FROM (SELECT id, nth_value(actstream.stream_cursor(s), 7) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS cursor
                            FROM (SELECT s.* FROM actstream.user_stream(''o:%s''%s, before => $1) s WHERE %s LIMIT 7) s) p', 200 + f, arguments, condition)
                INTO page, cursor USING cursor;
            EXIT WHEN page IS NULL;
            got := got || page;
            EXIT WHEN cursor IS NULL OR cardinality(got) > 60;
        END LOOP;
        IF got IS DISTINCT FROM wanted[:cardinality(got)] OR cardinality(got) < least(cardinality(wanted), 60) THEN
            INSERT INTO wrong VALUES (how || ', pages', actstream.ref('o', 200 + f), condition, wanted, got);
        END IF;
    END LOOP;
    FOR f IN 1 .. 40 LOOP
        FOREACH part IN ARRAY ARRAY['public_stream()', 'model_stream(''o'')', format('any_stream(''o:%s'')', f), format('actor_stream(''o:%s'')', f)] LOOP
            rest := format(' WHERE verb = ''v%s'' AND "timestamp" <= ''2026-01-%s''', f, 2 + f % 8);
            wanted := answer(format('SELECT array(SELECT id FROM plain.%s', part) || rest || ')');
            got := answer(format('SELECT array(SELECT id FROM actstream.%s', part) || rest || ')');
            cases := cases + 1;
            rows := rows + cardinality(wanted);
            IF got IS DISTINCT FROM wanted THEN
                INSERT INTO wrong VALUES (how || ', ' || part, NULL, rest, wanted, got);
            END IF;
        END LOOP;
    END LOOP;
    INSERT INTO seen VALUES (how, cases, rows);
END
$$;
CALL compare('no index', 3);
CREATE INDEX by_verb ON actstream.actions (verb, "timestamp");
CALL compare('verb, time');
DROP INDEX actstream.by_verb;
CREATE INDEX by_verb ON actstream.actions (verb, "timestamp" DESC, id) WHERE public;
CALL compare('verb, time and id of public ones', 3);
SET plan_cache_mode = force_generic_plan;
CALL compare('generic plans', 3);
RESET plan_cache_mode;
SET actstream.enable_streamscan = off;
CALL compare('no stream scan', 7);
RESET actstream.enable_streamscan;
SET actstream.follow_cache_size = 0;
CALL compare('no kept lists', 7);
RESET actstream.follow_cache_size;
-- by the queries for follows and mutes, as under policies
CREATE ROLE verbs_tenant;
GRANT USAGE ON SCHEMA actstream, plain TO verbs_tenant;
GRANT SELECT ON actstream.actions, actstream.follows, actstream.mutes TO verbs_tenant;
GRANT ALL ON wrong, seen TO verbs_tenant;
ALTER TABLE actstream.mutes ENABLE ROW LEVEL SECURITY;
CREATE POLICY seen ON actstream.mutes USING (muted::text !~ '7');
SET ROLE verbs_tenant;
CALL compare('policy', 7);
RESET ROLE;
SELECT * FROM seen;
SELECT how, follower, condition, cardinality(wanted) AS wanted, cardinality(got) AS got FROM wrong LIMIT 10;

-- how it is read: few actions by their verb, many as before
CREATE FUNCTION strategy(query text) RETURNS text
LANGUAGE plpgsql SET max_parallel_workers_per_gather = 0 AS $$    -- a worker would keep its figures
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || query INTO plan;
    RETURN jsonb_path_query_first(plan::jsonb, '$.**.Strategy') #>> '{}';
END
$$;
SELECT verb, count(*), strategy(format('SELECT * FROM actstream.public_stream() WHERE verb = %L LIMIT 20', verb)),
       strategy(format('SELECT * FROM actstream.user_stream(''o:210'') WHERE verb = ANY (%L) LIMIT 20', ARRAY[verb]))
FROM actstream.actions WHERE verb IN ('v1', 'v2') GROUP BY verb ORDER BY 2;
SELECT strategy('SELECT * FROM actstream.public_stream() WHERE verb = ANY (ARRAY(SELECT ''v'' || i FROM generate_series(20, 40) i)) LIMIT 20');
SELECT strategy('SELECT * FROM actstream.public_stream() WHERE verb = ''none'' LIMIT 20'),
       strategy('SELECT * FROM actstream.public_stream() WHERE verb = NULL LIMIT 20'),
       strategy('SELECT * FROM actstream.public_stream() WHERE verb = ANY (NULL::text[]) LIMIT 20'),
       strategy('SELECT * FROM actstream.public_stream() WHERE verb = ANY (''{}'') LIMIT 20'),
       strategy('SELECT * FROM actstream.public_stream() WHERE verb = ''v1'' COLLATE "C" LIMIT 20');
-- a follower of rare verbs alone
INSERT INTO actstream.follows (follower, followee, verbs) SELECT 'o:900', actstream.ref('o', i), '{v1,v2}' FROM generate_series(0, 59) i;
SELECT strategy('SELECT * FROM actstream.user_stream(''o:900'') LIMIT 20');
EXPLAIN (COSTS OFF) SELECT * FROM actstream.user_stream('o:900') WHERE verb = ANY ('{v1,v2}') LIMIT 20;
-- conditions on other columns, or that depend on the row, are none on verbs
EXPLAIN (COSTS OFF) SELECT * FROM actstream.public_stream() WHERE verb = description AND upper(verb) = 'V1' LIMIT 20;
-- of a user's own function that leaks nothing may be told before a policy is asked
SELECT count(*) FROM actstream.public_stream() s, (VALUES ('v1'), ('v2')) v (x) WHERE s.verb = v.x;
SELECT count(*) FROM (VALUES ('v1'), ('v2')) v (x), LATERAL (SELECT FROM actstream.public_stream() s WHERE s.verb = v.x LIMIT 5) s;

-- Versions of a row that nobody sees are at the same place in an index, also where reading goes
-- on in another way.
TRUNCATE actstream.actions, actstream.follows, actstream.mutes;
CREATE FUNCTION second(n int) RETURNS timestamptz LANGUAGE sql IMMUTABLE
    RETURN timestamptz '2026-01-01' + n * interval '1 second';
INSERT INTO actstream.actions (id, "timestamp", actor, verb) SELECT i, second(i), actstream.ref('o', i % 3), 'v1' FROM generate_series(1, 300) i;
INSERT INTO actstream.follows (follower, followee, started, verbs) SELECT 'o:900', actstream.ref('o', i), second(0), '{v1}' FROM generate_series(0, 2) i;
INSERT INTO actstream.follows (follower, followee, started) SELECT 'o:901', actstream.ref('o', i), second(0) FROM generate_series(0, 40) i;
CREATE FUNCTION streams() RETURNS SETOF text LANGUAGE sql
RETURN unnest(ARRAY['user_stream(''o:900'') WHERE true', 'user_stream(''o:901'') WHERE verb = ''v1''', 'user_stream(''o:901'') WHERE true',
                    'public_stream() WHERE verb = ''v1''', 'model_stream(''o'') WHERE verb = ''v1''', 'model_stream(''o'') WHERE true',
                    'stream_of(''{o:0,o:1,o:2}'') WHERE verb = ''v1''']);
CREATE FUNCTION too_few(stream text, updated bigint) RETURNS bigint STABLE LANGUAGE plpgsql AS $$
DECLARE
    result bigint = 0;
BEGIN
    FOR n IN 1 .. updated LOOP
        EXECUTE format('SELECT $2 + count(*) FILTER (WHERE n <> $1) FROM (SELECT count(*) AS n FROM actstream.%s AND "timestamp" <= second($1::int)) s', stream)
            INTO result USING n, result;
    END LOOP;
    RETURN result;
END
$$;
CREATE PROCEDURE count_too_few() LANGUAGE plpgsql AS $$
DECLARE
    stream text;
    invisible bigint;
    dead bigint;
BEGIN
    -- each version has entries of its own, as an indexed column changes
    FOR stream IN SELECT streams() LOOP
        WITH u AS (UPDATE actstream.actions SET target = 'o:80' RETURNING 1) SELECT too_few(stream, count(*)) INTO invisible FROM u;
        ROLLBACK;
        SELECT too_few(stream, count(*)) INTO dead FROM actstream.actions;
        RAISE NOTICE '%: %, %', stream, invisible, dead;
    END LOOP;
END
$$;
DROP INDEX actstream.by_verb;
CREATE INDEX by_verb ON actstream.actions (verb, "timestamp");
CALL count_too_few();
DROP INDEX actstream.by_verb;
CREATE INDEX by_verb ON actstream.actions (verb, "timestamp", id);
CALL count_too_few();
DROP PROCEDURE count_too_few;
DROP FUNCTION too_few, streams, second;

SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
DROP SCHEMA plain CASCADE;
DROP FUNCTION answer, dice, strategy;
DROP PROCEDURE compare;
DROP TABLE wrong, seen;
DROP ROLE verbs_tenant;
