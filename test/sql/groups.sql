--
-- Groups of actions: what they are, how they are read, whose rights they need
--
\i test/lib/fresh.sql
SET timezone = 'UTC';
SET datestyle = 'ISO';
SET intervalstyle = 'postgres';

SELECT label FROM actstream.register_external('o');
SELECT count(*) FROM (SELECT actstream.follow('o:reader', a::actstream.ref, flag, send_action => false) FROM (VALUES ('o:ann', ''), ('o:ben', ''), ('o:cleo', 'near')) f (a, flag)) f;
INSERT INTO actstream.actions ("timestamp", public, actor, verb, action_object, target)
SELECT t, p, a, v, o, g
FROM (VALUES (timestamptz '2026-03-02 10:00+00', true, 'o:ann', 'liked', NULL, 'o:photo'),
             ('2026-03-02 09:00+00', true, 'o:ben', 'liked', NULL, 'o:photo'),
             ('2026-03-02 09:00+00', true, 'o:cleo', 'liked', NULL, 'o:photo'),
             ('2026-03-02 08:00+00', false, 'o:ann', 'liked', NULL, 'o:photo'),     -- private
             ('2026-03-02 07:00+00', true, 'o:ann', 'wrote', 'o:note', 'o:photo'),
             ('2026-03-02 06:00+00', true, 'o:ann', 'wrote', NULL, 'o:photo'),
             ('2026-03-02 05:00+00', true, 'o:ann', 'liked', NULL, 'o:photo'),
             ('2026-03-02 00:00+00', true, 'o:ben', 'came', NULL, NULL),
             ('2026-03-01 23:59:59.999999+00', true, 'o:ann', 'came', NULL, NULL),
             ('2026-03-01 12:00+00', true, 'o:ben', 'liked', NULL, 'o:photo'),
             ('2026-02-28 12:00+00', true, 'o:ben', 'liked', NULL, 'o:song')) x (t, p, a, v, o, g);

-- All of a group but its cursor.
CREATE FUNCTION shown(g actstream.action_group) RETURNS text IMMUTABLE LANGUAGE sql
RETURN concat_ws(' ', to_char(g.newest, 'MM-DD HH24:MI'), to_char(g.oldest, 'MM-DD HH24:MI'), coalesce(g.verb, '-'), coalesce(g.actor::text, '-'),
                 coalesce(g.action_object::text, '-'), coalesce(g.target::text, '-'), g.actions, g.actors, g.actor_sample, g.action_sample);

--
-- What groups are
--
SELECT shown(g) FROM actstream.user_groups('o:reader') g;
SELECT shown(g) FROM actstream.user_groups('o:reader', '{target}') g;
SELECT shown(g) FROM actstream.user_groups('o:reader', '{actor,verb}', '30 days', 1) g;
-- twice is once
SELECT shown(g) FROM actstream.user_groups('o:reader', '{action_object,action_object}', '100 days', 0) g;
-- weeks begin on Mondays, in UTC whatever the time zone is; 2026-03-01 is a Sunday
SET timezone = 'Asia/Tokyo';
SELECT newest AT TIME ZONE 'UTC' AS newest, oldest AT TIME ZONE 'UTC' AS oldest, actions FROM actstream.user_groups('o:reader', '{target}', '7 days');
SET timezone = 'UTC';
SELECT shown(g) FROM actstream.user_groups('o:reader', flag => 'near') g;
SELECT shown(g) FROM actstream.groups_of('{o:photo,o:ben}', sample => 2) g;
SELECT shown(g) FROM actstream.groups_of('{o:photo,o:ben}', '{actor}', by => '{actor}') g;
-- of some verbs, and without what the follower did
SELECT shown(g) FROM actstream.user_groups('o:reader', '{target}', verbs => '{liked,none}') g;
SELECT shown(g) FROM actstream.groups_of('{o:photo,o:ben}', verbs => '{came,wrote}') g;
SELECT count(*) FROM actstream.user_groups('o:reader', verbs => '{}');
BEGIN;
SELECT FROM actstream.follow('o:ann', 'o:photo', actor_only => false, send_action => false);
SELECT shown(g) FROM actstream.user_groups('o:ann', '{target}') g;
SELECT shown(g) FROM actstream.user_groups('o:ann', '{target}', without_own => true) g;
ROLLBACK;
SELECT count(*) FROM actstream.user_groups(NULL);
SELECT count(*) FROM actstream.user_groups('o:nobody');
SELECT count(*) FROM actstream.groups_of(NULL);

--
-- Pages
--
CREATE FUNCTION pages(size integer, by text[] DEFAULT '{verb,target}', span interval DEFAULT '1 day') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    g      actstream.action_group;
    cursor text;
    more   boolean;
BEGIN
    LOOP
        more := false;
        FOR g IN SELECT * FROM actstream.user_groups('o:reader', by, span, before => cursor) LIMIT size LOOP
            more := true;
            RETURN NEXT shown(g);
            cursor := g.cursor;
        END LOOP;
        EXIT WHEN NOT more;
    END LOOP;
END
$$;
SELECT size, array_agg(p ORDER BY n) = (SELECT array_agg(shown(g)) FROM actstream.user_groups('o:reader') g) AS same
FROM generate_series(1, 4) size, pages(size) WITH ORDINALITY p (p, n) GROUP BY size ORDER BY size;
-- a span is continued where a page ended, whatever has become of its groups: wrote is shown, came and liked are not
SELECT cursor FROM actstream.user_groups('o:reader', '{verb}') OFFSET 1 LIMIT 1 \gset
BEGIN;
INSERT INTO actstream.actions ("timestamp", public, actor, verb, target)
VALUES ('2026-03-02 11:00+00', true, 'o:ann', 'came', NULL), ('2026-03-02 09:30+00', true, 'o:ann', 'wrote', NULL), ('2026-03-02 09:40+00', true, 'o:ann', 'late', NULL), ('2026-03-02 11:10+00', true, 'o:ann', 'new', NULL);
SELECT shown(g) FROM actstream.user_groups('o:reader', '{verb}', before => :'cursor') g;
ROLLBACK;
BEGIN;
DELETE FROM actstream.actions WHERE verb = 'liked' AND "timestamp" > '2026-03-02 06:00+00';
SELECT shown(g) FROM actstream.user_groups('o:reader', '{verb}', before => :'cursor') g;
ROLLBACK;
-- cursors need no escaping
SELECT bool_and(cursor ~ '^[A-Za-z0-9_-]+$') AS safe, max(length(cursor)) FROM actstream.user_groups('o:reader');

--
-- Errors
--
SELECT * FROM actstream.user_groups('o:reader', '{}');
SELECT * FROM actstream.user_groups('o:reader', '{verb,NULL}');
SELECT * FROM actstream.user_groups('o:reader', '{verb,object}');
SELECT * FROM actstream.user_groups('o:reader', NULL);
SELECT * FROM actstream.user_groups('o:reader', span => NULL);
SELECT * FROM actstream.user_groups('o:reader', sample => NULL);
SELECT * FROM actstream.user_groups('o:reader', sample => -1);
SELECT * FROM actstream.user_groups('o:reader', span => '0');
SELECT * FROM actstream.user_groups('o:reader', span => '-1 day');
SELECT * FROM actstream.user_groups('o:reader', span => '1 month');
SELECT * FROM actstream.user_groups('o:reader', span => '2000000000 days');
-- without any action, too
SELECT * FROM actstream.user_groups('o:nobody', '{object}');
SELECT * FROM actstream.groups_of('{o:ben}', '{object}');
SELECT * FROM actstream.user_groups('o:reader', before => 'x');
SELECT * FROM actstream.user_groups('o:reader', before => '');
SELECT * FROM actstream.user_groups('o:nobody', before => (SELECT actstream.stream_cursor(a) FROM actstream.actions a LIMIT 1));
SELECT * FROM actstream.user_groups('o:reader', '{verb}', '2 days', before => :'cursor');
SELECT * FROM actstream.user_groups('o:reader', '{actor}', before => :'cursor');
-- no change of a character is taken for something else, or crashes
CREATE FUNCTION answer(cursor text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT 'groups' FROM (SELECT count(*) FROM actstream.user_groups('o:reader', '{verb}', before => cursor)) x);
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate;
END
$$;
SELECT string_agg(DISTINCT answer(overlay(:'cursor' PLACING c FROM i)), ' ' ORDER BY answer(overlay(:'cursor' PLACING c FROM i)))
FROM generate_series(1, length(:'cursor')) i, unnest('{A,_,9,=,é,z}'::text[]) c;
SELECT string_agg(DISTINCT answer(left(:'cursor', i)), ' ') FROM generate_series(0, length(:'cursor') - 1) i;
SELECT answer(:'cursor' || 'A'), answer(:'cursor' || 'AAAAAAAAAAA'), answer(repeat('A', 100000));
-- times at both ends
INSERT INTO actstream.actions ("timestamp", public, actor, verb) SELECT t, true, 'o:ann', 'far'
FROM unnest('{infinity,-infinity,4714-11-24 00:00:00+00 BC,294276-12-31 23:59:59.999999+00}'::timestamptz[]) t;
SELECT span, array_agg(p ORDER BY n) = (SELECT array_agg(shown(g)) FROM actstream.user_groups('o:reader', '{verb}', span) g) AS same, count(*)
FROM unnest('{1 day,00:00:00.000001,106751991 days,7 days}'::interval[]) span, pages(1, '{verb}', span) WITH ORDINALITY p (p, n) GROUP BY span ORDER BY span;
DELETE FROM actstream.actions WHERE verb = 'far';

--
-- How groups are read: as little of the stream as they need, by whatever stops early
--
INSERT INTO actstream.actions ("timestamp", public, actor, verb, target)
SELECT timestamptz '2026-02-01 12:00+00' - i * interval '6 hours', true, 'o:ann', 'liked', 'o:' || i % 5 FROM generate_series(1, 2000) i;
-- The rows that the streams of a query return, and how often they are read.
CREATE FUNCTION reads(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, FORMAT JSON) ' || query INTO plan;
    RETURN QUERY SELECT concat_ws(' ', n ->> 'Stream', round((n ->> 'Actual Rows')::numeric), n ->> 'Actual Loops')
    FROM jsonb_path_query(plan::jsonb, 'strict $.** ? (exists (@."Stream"))') n;
END
$$;
SELECT reads($$SELECT * FROM actstream.user_groups('o:reader') LIMIT 3$$);
SELECT reads($$SELECT * FROM actstream.user_groups('o:reader') LIMIT 9$$);
SELECT reads($$SELECT * FROM actstream.user_groups('o:reader', span => '2 days') LIMIT 30$$);
SELECT reads($$SELECT * FROM actstream.groups_of('{o:ann}') LIMIT 9$$);
SELECT reads($$SELECT * FROM actstream.user_groups((SELECT 'o:reader'::text), span => (SELECT interval '1 day')) LIMIT 3$$);
SELECT reads($$SELECT * FROM actstream.user_groups('o:reader', sample => (1 + random())::integer) LIMIT 3$$);
SELECT reads($$SELECT EXISTS (SELECT FROM actstream.user_groups('o:reader'))$$);
-- for each of several readers
SELECT reads($$SELECT * FROM unnest('{o:reader,o:nobody,o:reader}'::text[]) r, LATERAL (SELECT * FROM actstream.user_groups(r) LIMIT 3) g$$);
SELECT r, by, count(*), sum(actions), max(newest) FROM (VALUES ('o:reader', '{verb}'), ('o:nobody', '{verb}'), ('o:reader', '{actor,target}'), ('o:reader', '{verb}')) r (r, by),
    LATERAL (SELECT * FROM actstream.user_groups(r, by::text[]) LIMIT 5) g GROUP BY r, by ORDER BY r, by;
-- stopped in the middle of a span, and begun again
SELECT n, shown FROM generate_series(1, 3) n, LATERAL (SELECT shown(g) FROM actstream.user_groups('o:reader', '{verb}', CASE WHEN n > 0 THEN interval '1 day' END) g LIMIT 1) g;
-- a page after the first one
SELECT g.cursor FROM actstream.user_groups('o:reader') g OFFSET 99 LIMIT 1 \gset
SELECT reads(format('SELECT * FROM actstream.user_groups(''o:reader'', before => %L) LIMIT 4', :'cursor'));
-- a cursor, also one that outlives its transaction; a loop that ends early
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT verb, actions FROM actstream.user_groups('o:reader');
FETCH 2 FROM c;
SAVEPOINT s;
FETCH 1 FROM c;
ROLLBACK TO s;
FETCH 1 FROM c;
FETCH BACKWARD 2 FROM c;
MOVE ABSOLUTE 0 FROM c;
FETCH 1 FROM c;
DECLARE h CURSOR WITH HOLD FOR SELECT verb, actions FROM actstream.user_groups('o:reader') LIMIT 3;
COMMIT;
FETCH ALL FROM h;
CLOSE h;
DO $$
DECLARE
    g actstream.action_group;
BEGIN
    FOR i IN 1..3 LOOP
        FOR g IN SELECT * FROM actstream.user_groups('o:reader') LOOP
            EXIT WHEN g.newest < '2026-01-01';
            BEGIN
                CONTINUE WHEN 1 / (g.actions - 1) = 0;
            EXCEPTION WHEN division_by_zero THEN
                NULL;
            END;
        END LOOP;
    END LOOP;
    RAISE NOTICE '%', g.newest;
END
$$;
-- other ways to call it, and plans
SELECT count(*), sum((g).actions) FROM (SELECT actstream.user_groups('o:reader') AS g) x;
SELECT max(n), sum(actions) FROM actstream.user_groups('o:reader') WITH ORDINALITY g (c, newest, oldest, verb, a, o, t, actions, actors, s1, s2, n);
SET actstream.enable_streamscan = off;
SELECT count(*), sum(actions) FROM actstream.user_groups('o:reader');
RESET actstream.enable_streamscan;
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET min_parallel_index_scan_size = 0;
SELECT count(*), sum(actions) FROM actstream.user_groups('o:reader');
SET actstream.enable_streamscan = off;
SELECT count(*), sum(actions) FROM actstream.user_groups('o:reader');
RESET ALL;
SET timezone = 'UTC';
-- rows that do not come as they must, which no plan should make
SELECT * FROM (SELECT actstream_internal.next_groups(t, 1, 'o:1', 'v', NULL, NULL, '{verb}', '1 day', 3, NULL) FROM unnest('{2026-01-01,2026-01-02}'::timestamptz[]) t) x;
SELECT * FROM (SELECT actstream_internal.next_groups(t, 1, 'o:1', 'v', NULL, NULL, '{verb}', '1 day', 3, NULL) FROM unnest('{NULL,2026-01-02}'::timestamptz[]) t) x;

--
-- Rights and policies are those of the stream
--
CREATE ROLE actstream_grouper;
GRANT USAGE ON SCHEMA actstream TO actstream_grouper;
SET ROLE actstream_grouper;
SELECT count(*) FROM actstream.user_groups('o:reader');
RESET ROLE;
GRANT SELECT ON actstream.actions TO actstream_grouper;
SET ROLE actstream_grouper;
SELECT count(*) FROM actstream.user_groups('o:reader');
SELECT count(*) FROM actstream.groups_of('{o:ben}');
RESET ROLE;
GRANT SELECT ON actstream.follows, actstream.mutes TO actstream_grouper;
SET ROLE actstream_grouper;
SELECT shown(g) FROM actstream.user_groups('o:reader') g LIMIT 2;
RESET ROLE;
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
CREATE POLICY not_ann ON actstream.actions USING (actor <> 'o:ann');
SET ROLE actstream_grouper;
SELECT shown(g) FROM actstream.user_groups('o:reader') g LIMIT 2;
RESET ROLE;
ALTER TABLE actstream.actions DISABLE ROW LEVEL SECURITY;
DROP POLICY not_ann ON actstream.actions;
SELECT shown(g) FROM actstream.user_groups('o:reader') g LIMIT 2;
DROP OWNED BY actstream_grouper;
DROP ROLE actstream_grouper;

DO 'BEGIN PERFORM actstream.drop_tables(); END';
SELECT * FROM actstream.user_groups('o:reader');
SELECT * FROM actstream.groups_of('{o:ben}');
DROP FUNCTION shown, pages, answer, reads;
SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
