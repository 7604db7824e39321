--
-- Every stream, whole and page by page, against plain SQL that shares nothing
-- with the extension.
--
-- The oracle and the driver stand in test/lib/oracle.sql.  Data and cases come
-- from a hash, so that they are the same everywhere.
--
\i test/lib/fresh.sql

SET datestyle = 'ISO';
SET timezone = 'UTC';
SET jit = off;

\i test/lib/oracle.sql

--
-- The data
--

CREATE TABLE oracle.member (id integer PRIMARY KEY);
CREATE TABLE oracle.page (slug text PRIMARY KEY);
CREATE TABLE oracle.device (id uuid PRIMARY KEY);
CREATE TABLE oracle.seat (hall text, number smallint, PRIMARY KEY (hall, number));

INSERT INTO oracle.member
SELECT CASE WHEN i % 25 = 0 THEN -i WHEN i % 40 = 7 THEN i * 1000003 ELSE i END
FROM generate_series(1, 250) AS i;
-- texts that look like other types of keys, too
INSERT INTO oracle.page
SELECT CASE i % 7 WHEN 0 THEN 'page ' || i
                  WHEN 1 THEN i::text
                  WHEN 2 THEN '00' || i
                  WHEN 3 THEN 'a:b,' || i
                  WHEN 4 THEN '\' || i || '\,'
                  WHEN 5 THEN oracle.uuid('page', i)::text
                  WHEN 6 THEN upper(oracle.uuid('page', i - 1)::text) END
FROM generate_series(1, 70) AS i;
INSERT INTO oracle.device SELECT oracle.uuid('device', i) FROM generate_series(1, 40) AS i;
INSERT INTO oracle.seat
SELECT (ARRAY['A', 'B,', ',B', 'C\', ''])[1 + i % 5], i / 5 FROM generate_series(1, 40) AS i;

SELECT count(*) AS object_types
FROM (VALUES (actstream.register('oracle.member')),
             (actstream.register('oracle.page')),
             (actstream.register('oracle.device')),
             (actstream.register('oracle.seat')),
             (actstream.register_external('site')),
             (actstream.register_external('members')),       -- close to "member"
             (actstream.register_external('member-'))) AS t;

CREATE TABLE oracle.object (ref, n) AS
SELECT ref, row_number() OVER (ORDER BY sha256(convert_to(ref, 'UTF8')))::integer AS n
FROM (SELECT 'member:' || id FROM oracle.member
      UNION ALL SELECT 'page:' || slug FROM oracle.page
      UNION ALL SELECT 'device:' || id FROM oracle.device
      UNION ALL SELECT 'seat:' || replace(replace(hall, '\', '\\'), ',', '\,') || ',' || number FROM oracle.seat
      UNION ALL SELECT 'site:https://example.org/' || i FROM generate_series(1, 50) AS i
      UNION ALL SELECT 'members:' || i FROM generate_series(1, 5) AS i
      UNION ALL SELECT 'member-:' || i FROM generate_series(1, 5) AS i) AS o(ref);
CREATE UNIQUE INDEX ON oracle.object (n);

-- Who acts is among the first 330, whom it is about among the first 440; the
-- first ones more often.
CREATE TABLE oracle.new_action AS
SELECT (1 + i * 7919 % 12007)::bigint AS id,          -- not in order of insertion
       CASE WHEN i BETWEEN 5000 AND 5059 THEN '2021-03-05 05:00+00'
            WHEN kind < 50 THEN begin + oracle.dice(500, 'hour', i) * interval '1 hour'
            WHEN kind < 85 THEN begin + i * interval '150 seconds'
                                + oracle.dice(1000000, 'jitter', i) * interval '1 microsecond'
            WHEN kind < 90 THEN begin - oracle.dice(1000, 'days', i) * interval '24 hours'
            WHEN kind < 92 THEN '2021-03-10 12:00+00'
            WHEN kind = 92 THEN 'infinity'
            WHEN kind = 93 THEN '-infinity'
            ELSE begin + i / 4 * interval '10 minutes'
       END AS "timestamp",
       oracle.dice(10, 'private', i) > 0 AS public,
       a.ref AS actor,
       (ARRAY['joined', 'liked', 'pushed', 'wrote'])[1 + oracle.dice(4, 'verb', i)] AS verb,
       CASE WHEN shape < 6 THEN t.ref WHEN shape < 10 THEN a.ref WHEN shape < 50 THEN o.ref END AS action_object,
       CASE WHEN shape BETWEEN 6 AND 15 THEN a.ref WHEN shape < 70 THEN t.ref END AS target,
       CASE WHEN oracle.dice(3, 'data', i) > 0
            THEN jsonb_build_object('k', oracle.dice(5, 'k', i)::text, 'i', i) END AS data,
       i
FROM generate_series(1, 12000) AS i
CROSS JOIN LATERAL (SELECT timestamptz '2021-03-01 00:00+00' AS begin,
                           oracle.dice(100, 'kind', i) AS kind, oracle.dice(100, 'shape', i) AS shape,
                           CASE WHEN i BETWEEN 5000 AND 5059 THEN 1
                                ELSE 1 + oracle.dice(331, 'a1', i) * oracle.dice(331, 'a2', i) / 331 END AS actor,
                           1 + oracle.dice(441, 't1', i) * oracle.dice(441, 't2', i) / 441 AS target,
                           1 + oracle.dice(441, 'o1', i) * oracle.dice(441, 'o2', i) / 441 AS object) AS d
JOIN oracle.object a ON a.n = d.actor
JOIN oracle.object t ON t.n = d.target
JOIN oracle.object o ON o.n = d.object;
CREATE UNIQUE INDEX ON oracle.new_action (i);

INSERT INTO actstream.actions (id, "timestamp", public, actor, verb, action_object, target, data)
SELECT id, "timestamp", public, actor, verb, action_object, target, data
FROM oracle.new_action ORDER BY i;

-- Who follows: all members and a few of the rest.  The first 4 follow hundreds.
CREATE TABLE oracle.follower AS
SELECT ref, row_number() OVER (ORDER BY n)::integer AS n, n AS object
FROM oracle.object
WHERE ref LIKE 'member:%' OR n % 7 = 0;

CREATE TABLE oracle.new_follow AS
SELECT DISTINCT ON (1, 2, 3) f.ref AS follower, o.ref AS followee,
       (ARRAY['', '', '', 'watching', 'a,b'])[1 + (oracle.dice(5, 'flag', d.i) + again) % 5] AS flag,
       (oracle.dice(2, 'actor_only', d.i) + again) % 2 = 0 AS actor_only,
       CASE WHEN d.started < 40 THEN coalesce(      -- at the instant of an action with the followee
                (SELECT a."timestamp" FROM oracle.new_action a
                 WHERE o.ref IN (a.actor, a.target, a.action_object)
                   AND a.i BETWEEN 2000 * again + 1 AND 2000 * again + 2000
                 ORDER BY a.i LIMIT 1), '2021-03-10 12:00+00')
            WHEN d.started < 45 THEN 'infinity'
            WHEN d.started < 50 THEN '-infinity'
            ELSE timestamptz '2021-03-01 00:00+00'
                 + oracle.dice(1800000, 'begun', d.i + again) * interval '1 second'
       END AS started
FROM oracle.follower f
CROSS JOIN LATERAL generate_series(1, CASE WHEN f.n <= 4 THEN 100 + 60 * f.n
                                           WHEN f.n % 14 = 0 THEN 0
                                           ELSE 1 + oracle.dice(7, 'follows', f.n) END) AS nth
CROSS JOIN LATERAL generate_series(0, (oracle.dice(4, 'again', 1000 * f.n + nth) = 0)::integer) AS again
CROSS JOIN LATERAL (SELECT 1000 * f.n + nth AS i,
                           oracle.dice(100, 'started', 2000 * f.n + 2 * nth + again) AS started) AS d
JOIN oracle.object o ON o.n = CASE WHEN oracle.dice(10, 'self', d.i) = 0 THEN f.object
                                   ELSE 1 + oracle.dice(460, 'followee', d.i) END
ORDER BY 1, 2, 3, d.i, again;

INSERT INTO actstream.follows (follower, followee, flag, actor_only, started)
SELECT follower, followee, flag, actor_only, started FROM oracle.new_follow;

CALL oracle.load();
ANALYZE actstream.actions, actstream.follows, oracle.action, oracle.reason, oracle.object;

-- Where there is a recency map, streams are to be read with it.
DO $$
BEGIN
    IF (SELECT state FROM actstream.recency_stats()) = 'incomplete' THEN
        PERFORM actstream.recency_build();
    END IF;
END
$$;

-- What was stored is what was meant.
SELECT count(*) AS stored_otherwise
FROM (SELECT id, "timestamp", public, actor, verb, action_object, target, data FROM oracle.new_action) AS n
FULL JOIN (SELECT id, "timestamp", public, actor, verb, action_object, target, data FROM oracle.action) AS a USING (id)
WHERE n IS DISTINCT FROM a;

SELECT count(*) AS stored_otherwise
FROM oracle.new_follow n
FULL JOIN oracle.follow f USING (follower, followee, flag)
WHERE (n.actor_only, n.started) IS DISTINCT FROM (f.actor_only, f.started);

-- The data has what is hard in it.
SELECT (SELECT count(*) FROM oracle.object) AS objects,
       count(*) AS actions,
       count(*) FILTER (WHERE NOT public) AS private,
       count(*) FILTER (WHERE isfinite("timestamp") IS FALSE) AS infinite,
       count(*) FILTER (WHERE target IS NULL) AS no_target,
       count(*) FILTER (WHERE action_object IS NULL) AS no_object,
       count(*) FILTER (WHERE actor = target OR actor = action_object OR target = action_object) AS two_roles,
       count(*) FILTER (WHERE actor = target AND actor = action_object) AS three_roles
FROM oracle.action;

SELECT count(*) FILTER (WHERE n > 1) AS of_one_instant, max(n) AS at_most,
       count(*) FILTER (WHERE m > 1) AS of_one_actor_too, max(m) AS at_most
FROM (SELECT count(*) OVER (PARTITION BY "timestamp") AS n,
             count(*) OVER (PARTITION BY "timestamp", actor) AS m
      FROM oracle.action) AS a;

SELECT count(*) AS follows, count(DISTINCT follower) AS followers,
       (SELECT count(*) FROM oracle.follower) - count(DISTINCT follower) AS following_nothing,
       count(DISTINCT (follower, followee)) AS pairs,
       count(*) FILTER (WHERE NOT actor_only) AS more_than_actor,
       count(*) FILTER (WHERE follower = followee) AS of_itself,
       count(*) FILTER (WHERE followee NOT IN (SELECT actor FROM oracle.action)) AS of_who_never_act,
       count(*) FILTER (WHERE EXISTS (SELECT FROM oracle.action a
                                      WHERE a.public AND a.actor = followee
                                        AND a."timestamp" = started)) AS begun_with_an_action
FROM oracle.follow;

--
-- The comparison
--

\set objects 'SELECT ref FROM oracle.object'
\set some_objects 'SELECT ref FROM oracle.object WHERE n % 20 = 1'
\set labels 'SELECT label FROM actstream.object_types UNION ALL VALUES (NULL)'
-- those that follow nothing among them, two that are nowhere else, and nobody
\set followers 'SELECT ref FROM oracle.follower UNION ALL VALUES (''member:9999''), (''ghost:1''), (NULL)'
\set some_followers 'SELECT ref FROM oracle.follower WHERE n = 1 OR n BETWEEN 5 AND 29'
\set third_of_objects 'SELECT ref FROM oracle.object WHERE n % 3 = 1'
\set third_of_followers 'SELECT ref FROM oracle.follower WHERE n % 3 = 1'
\set few_followers 'SELECT ref FROM oracle.follower WHERE n BETWEEN 5 AND 12'

-- Each argument and each combination of them
CALL oracle.compare_user_streams('user_stream', :'followers', '{20}', 3);
CALL oracle.compare('user_stream, all pages', 'actstream.user_stream($1)',
                    'oracle.user_stream($1)', :'followers', '{1,7,20}', 25);
CALL oracle.compare('user_stream, all pages', 'actstream.user_stream($1, NULL, true, true)',
                    'oracle.user_stream($1, NULL, true, true)', :'followers', '{1,7}', 10);
CALL oracle.compare('user_stream, all pages', 'actstream.user_stream($1, ''a,b'', since_follow => true)',
                    'oracle.user_stream($1, ''a,b'', since_follow => true)', :'followers', '{1,7,20}', 10);
CALL oracle.compare('user_stream, all pages', 'actstream.user_stream($1, '''', with_user_activity => true)',
                    'oracle.user_stream($1, '''', with_user_activity => true)', :'followers', '{1,7}', 10);
CALL oracle.compare('actor_stream', 'actstream.actor_stream($1)', 'oracle.actor_stream($1)',
                    :'objects', '{1,7,20}');
CALL oracle.compare('target_stream', 'actstream.target_stream($1)', 'oracle.target_stream($1)',
                    :'objects', '{1,7,20}');
CALL oracle.compare('action_object_stream', 'actstream.action_object_stream($1)',
                    'oracle.action_object_stream($1)', :'objects', '{1,7,20}');
CALL oracle.compare('any_stream', 'actstream.any_stream($1)', 'oracle.any_stream($1)',
                    :'objects', '{1,7,20}');
CALL oracle.compare('model_stream', 'actstream.model_stream($1)', 'oracle.model_stream($1)',
                    :'labels', '{1,7,20}', 40, 'text');
CALL oracle.compare('public_stream', 'actstream.public_stream()', 'oracle.public_stream()',
                    'VALUES ('''')', '{1,7,20}', type => 'text');

-- Arrays of objects: some hold an object twice, some a null, one is empty, one
-- holds hundreds, one is null itself
CREATE TABLE oracle.object_set AS
SELECT s AS n, array_agg(CASE WHEN oracle.dice(15, 'null', 100 * s + i) > 0 THEN o.ref END ORDER BY i)::text AS refs
FROM generate_series(1, 37) AS s
CROSS JOIN LATERAL generate_series(1, 1 + oracle.dice(30, 'size', s)) AS i
JOIN oracle.object o ON o.n = 1 + oracle.dice(40 + 11 * s, 'element', 100 * s + i / 2)
GROUP BY s
UNION ALL SELECT 38, '{}'
UNION ALL SELECT 39, '{NULL}'
UNION ALL SELECT 40, array_agg(ref ORDER BY n)::text FROM oracle.object WHERE n % 2 = 0
UNION ALL SELECT 41, NULL;

CREATE PROCEDURE oracle.compare_roles(kind text, page_sizes integer[]) LANGUAGE plpgsql AS $$
DECLARE
    args text;
BEGIN
    FOREACH args IN ARRAY ARRAY[
        '', ', ''{}''', ', NULL',
        ', ''{actor}''', ', ''{target}''', ', ''{action_object}''',
        ', ''{actor,target}''', ', ''{action_object,actor}''', ', ''{target,action_object}''',
        ', ''{target,actor,action_object}''', ', ''{actor,actor}''']
    LOOP
        CALL oracle.compare(kind, format('actstream.stream_of($1%s)', args),
                            format('oracle.stream_of($1::text[]%s)', args),
                            'SELECT refs FROM oracle.object_set', page_sizes, 3, 'actstream.ref[]');
    END LOOP;
END
$$;
CALL oracle.compare_roles('stream_of', '{1,7,20}');

-- Bounds from both sides, and filters
CREATE PROCEDURE oracle.compare_conditions(
    kind text, stream text, oracle text, arguments text, type text DEFAULT 'actstream.ref')
    LANGUAGE plpgsql AS $$
DECLARE
    condition text;
BEGIN
    FOREACH condition IN ARRAY ARRAY[
        '"timestamp" >= ''2021-03-10 12:00+00''',
        '"timestamp" > ''2021-03-10 12:00+00''',
        '"timestamp" <= ''2021-03-10 12:00+00''',
        '''2021-03-10 12:00+00'' > "timestamp"',
        '"timestamp" = ''2021-03-10 12:00+00''',
        '"timestamp" > ''2021-03-04 13:00+00'' AND "timestamp" < ''2021-03-12 01:00+00''',
        '"timestamp" BETWEEN ''2021-03-05 05:00+00'' AND ''2021-03-10 12:00+00''',
        '"timestamp" >= date ''2021-03-08'' AND "timestamp" < timestamp ''2021-03-10 12:00''',
        '"timestamp" > ''2021-03-12 00:00+00'' AND "timestamp" < ''2021-03-05 00:00+00''',
        '"timestamp" IN (''infinity'', ''2021-03-10 12:00+00'', ''2021-03-05 05:00+00'')',
        '"timestamp" = ''infinity''',
        '"timestamp" <= ''-infinity''',
        '"timestamp" < ''-infinity''',
        'isfinite("timestamp")',
        '"timestamp" < NULL',
        'NOT ("timestamp" < ''2021-03-10 12:00+00'')',
        '("timestamp" < ''2021-03-05 05:00+00'' OR verb = ''liked'')',
        '("timestamp", id) < (''2021-03-10 12:00+00'', 6000)',
        '("timestamp", id) > (''2021-03-10 12:00+00'', 6000)',
        '("timestamp", id) >= (''2021-03-10 12:00+00'', 3000)'
            ' AND ("timestamp", id) <= (''2021-03-10 12:00+00'', 9000)',
        '("timestamp", id) >= (''2021-03-05 05:00+00'', 6000) AND "timestamp" <= ''2021-03-10 12:00+00''',
        '("timestamp", id) < (''infinity'', 6000) AND ("timestamp", id) > (''-infinity'', 6000)',
        '(id, "timestamp") < (6000, ''2021-03-10 12:00+00'')',
        '("timestamp", verb) < (''2021-03-10 12:00+00'', ''liked'')',
        'id < 6000',
        'id = 6000',
        'verb = ''liked''',
        'verb <> ''liked'' AND data->>''k'' = ''3''',
        'data IS NULL AND "timestamp" < ''2021-03-10 12:00+00'' AND target IS NOT NULL',
        'NOT public']
    LOOP
        CALL oracle.compare(kind, stream, oracle, arguments, '{7}', 5, type, condition);
    END LOOP;
END
$$;
CALL oracle.compare_conditions('user_stream, conditions', 'actstream.user_stream($1, NULL, true)',
                               'oracle.user_stream($1, NULL, true)', :'some_followers');
CALL oracle.compare_conditions('user_stream, conditions', 'actstream.user_stream($1, since_follow => true)',
                               'oracle.user_stream($1, since_follow => true)', :'few_followers');
CALL oracle.compare_conditions('actor_stream, conditions', 'actstream.actor_stream($1)',
                               'oracle.actor_stream($1)', :'some_objects');
CALL oracle.compare_conditions('target_stream, conditions', 'actstream.target_stream($1)',
                               'oracle.target_stream($1)', :'some_objects');
CALL oracle.compare_conditions('action_object_stream, conditions', 'actstream.action_object_stream($1)',
                               'oracle.action_object_stream($1)', :'some_objects');
CALL oracle.compare_conditions('any_stream, conditions', 'actstream.any_stream($1)',
                               'oracle.any_stream($1)', :'some_objects');
CALL oracle.compare_conditions('model_stream, conditions', 'actstream.model_stream($1)',
                               'oracle.model_stream($1)', :'labels', 'text');
CALL oracle.compare_conditions('public_stream, conditions', 'actstream.public_stream()',
                               'oracle.public_stream()', 'VALUES ('''')', 'text');
CALL oracle.compare_conditions('stream_of, conditions', 'actstream.stream_of($1)', 'oracle.stream_of($1::text[])',
                               'SELECT refs FROM oracle.object_set WHERE n > 34', 'actstream.ref[]');

-- However a query has the stream in it
CREATE TABLE oracle.bound AS SELECT timestamptz '2021-03-10 12:00+00' AS "timestamp", 6000::bigint AS id;

CALL oracle.compare('user_stream, in other places',
                    '(SELECT s.* FROM (SELECT $1 AS f OFFSET 0) AS x, actstream.user_stream(x.f, flag => '''') AS s)',
                    'oracle.user_stream($1, flag => '''')', :'some_followers', '{7}', 5);
CALL oracle.compare('user_stream, in other places',
                    '(SELECT (x.s).* FROM (SELECT actstream.user_stream($1) AS s OFFSET 0) AS x)',
                    'oracle.user_stream($1)', :'some_followers', '{7}', 5);
CALL oracle.compare('user_stream, in other places',
                    'ROWS FROM (actstream.user_stream($1)) WITH ORDINALITY',
                    'oracle.user_stream($1)', :'some_followers', '{7}', 5);
CALL oracle.compare('user_stream, in other places',
                    '(SELECT * FROM (SELECT * FROM actstream.user_stream($1) ORDER BY "timestamp", id OFFSET 0) AS x'
                    ' ORDER BY "timestamp" DESC, id DESC)',
                    'oracle.user_stream($1)', :'some_followers', '{7}', 5);
CALL oracle.compare('user_stream, in other places',
                    '(SELECT s.* FROM oracle.bound AS b CROSS JOIN LATERAL (SELECT * FROM actstream.user_stream($1) AS s'
                    ' WHERE (s."timestamp", s.id) < (b."timestamp", b.id)) AS s)',
                    '(SELECT * FROM oracle.user_stream($1) AS s'
                    ' WHERE (s."timestamp", s.id) < (''2021-03-10 12:00+00'', 6000))',
                    :'some_followers', '{7}', 5);
CALL oracle.compare('user_stream, in other places',
                    '(SELECT * FROM actstream.user_stream($1) WHERE actstream.ref_label(actor) = ''member'')',
                    '(SELECT * FROM oracle.user_stream($1) WHERE actor LIKE ''member:%'')',
                    :'some_followers', '{7}', 5);

-- However the planner goes about it
SET enable_indexscan = off;
CALL oracle.compare_user_streams('user_stream, no index scans', :'some_followers', '{20}', 2);
SET enable_bitmapscan = off;
CALL oracle.compare_user_streams('user_stream, sequential scans', :'few_followers');
RESET enable_indexscan;
CALL oracle.compare_user_streams('user_stream, no bitmap scans', :'some_followers', '{20}', 2);
RESET enable_bitmapscan;
SET enable_nestloop = off;
CALL oracle.compare_user_streams('user_stream, no nested loops', :'some_followers', '{20}', 2);
RESET enable_nestloop;
SET enable_sort = off;
SET enable_incremental_sort = off;
CALL oracle.compare_user_streams('user_stream, no sorts', :'some_followers', '{20}', 2);
RESET enable_sort;
RESET enable_incremental_sort;
SET plan_cache_mode = force_custom_plan;
CALL oracle.compare_user_streams('user_stream, custom plans', :'some_followers', '{20}', 2);
SET plan_cache_mode = force_generic_plan;
CALL oracle.compare_user_streams('user_stream, generic plans', :'third_of_followers', '{7}', 2);
CALL oracle.compare_roles('stream_of, generic plans', '{7}');
RESET plan_cache_mode;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET min_parallel_index_scan_size = 0;
CALL oracle.compare_user_streams('user_stream, parallel', :'few_followers', '{20}', 2);
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET min_parallel_index_scan_size;

-- Whole rows, compared with those of the table
SELECT count(*) AS rows, count(*) FILTER (WHERE s IS DISTINCT FROM a OR s::text <> a::text) AS differing
FROM oracle.follower f
CROSS JOIN LATERAL (
    SELECT s FROM actstream.user_stream(f.ref::actstream.ref, NULL, true) AS s
    UNION ALL SELECT s FROM actstream.actor_stream(f.ref::actstream.ref) AS s
    UNION ALL SELECT s FROM actstream.target_stream(f.ref::actstream.ref) AS s
    UNION ALL SELECT s FROM actstream.action_object_stream(f.ref::actstream.ref) AS s
    UNION ALL SELECT s FROM actstream.any_stream(f.ref::actstream.ref) AS s
    UNION ALL SELECT s FROM actstream.stream_of(ARRAY[f.ref, 'member:2']::actstream.ref[]) AS s
    UNION ALL SELECT actstream.user_stream(f.ref::actstream.ref) AS s) AS s
LEFT JOIN actstream.actions a ON a.id = (s.s).id
WHERE f.n BETWEEN 4 AND 63;

SELECT count(*) AS rows, count(*) FILTER (WHERE s IS DISTINCT FROM a OR s::text <> a::text) AS differing
FROM (SELECT s FROM actstream.public_stream() AS s
      UNION ALL SELECT s FROM actstream.model_stream('page') AS s) AS s
LEFT JOIN actstream.actions a ON a.id = (s.s).id;

-- Actions and follows come and go: what the transaction itself has done, what
-- it has taken back, what it has committed
CREATE PROCEDURE oracle.change() LANGUAGE plpgsql AS $$
BEGIN
    UPDATE actstream.actions SET public = NOT public WHERE id % 29 = 0;
    UPDATE actstream.actions SET data = '{"k": "3"}', description = 'edited' WHERE id % 23 = 0;
    DELETE FROM actstream.actions WHERE id % 31 = 0;
    PERFORM actstream.unfollow(f.follower, f.followee, f.flag, f.actor_only)
    FROM oracle.follow AS o, actstream.follows AS f
    WHERE o.follower = f.follower::text AND o.followee = f.followee::text AND o.flag = f.flag
      AND oracle.dice(5, o.follower || o.flag, length(o.followee)) = 0;
    PERFORM actstream.follow(f.ref::actstream.ref, o.ref::actstream.ref, actor_only => f.n % 2 = 0,
                             "timestamp" => CASE f.n % 3 WHEN 0 THEN timestamptz '2021-03-10 12:00+00' END)
    FROM oracle.follower f
    JOIN oracle.object o ON o.n = 1 + oracle.dice(460, 'new', f.n);
    FOR pass IN 1..2 LOOP
        BEGIN
            PERFORM actstream.act_send(a.ref::actstream.ref, 'sent', o.ref::actstream.ref, t.ref::actstream.ref,
                                       public => i % 10 > 0,
                                       "timestamp" => CASE i % 5 WHEN 0 THEN '2021-03-10 12:00+00'
                                                                 WHEN 1 THEN '1999-12-31 23:00+00'
                                                                 WHEN 2 THEN timestamptz 'infinity'
                                                                 WHEN 3 THEN '2100-01-01 00:00+00' END)
            FROM generate_series(1, 500) AS i
            JOIN oracle.object a ON a.n = 1 + oracle.dice(460, 'actor', i)
            JOIN oracle.object t ON t.n = 1 + oracle.dice(460, 'target', i)
            JOIN oracle.object o ON o.n = 1 + oracle.dice(460, 'object', i);
            IF pass = 1 THEN
                RAISE EXCEPTION 'taken back';
            END IF;
        EXCEPTION WHEN raise_exception THEN
            NULL;
        END;
    END LOOP;
END
$$;

CREATE PROCEDURE oracle.compare_changed(kind text, followers text, objects text) LANGUAGE plpgsql AS $$
BEGIN
    CALL oracle.compare(kind, 'actstream.user_stream($1)', 'oracle.user_stream($1)', followers, '{7}', 5);
    CALL oracle.compare(kind, 'actstream.user_stream($1, '''', true, true)',
                        'oracle.user_stream($1, '''', true, true)', followers, '{7}', 5);
    CALL oracle.compare(kind, 'actstream.any_stream($1)', 'oracle.any_stream($1)', objects, '{7}', 5);
    CALL oracle.compare(kind, 'actstream.public_stream()', 'oracle.public_stream()',
                        'VALUES ('''')', '{20}', type => 'text');
END
$$;

SELECT setval(pg_get_serial_sequence('actstream.actions', 'id'), 20000);
BEGIN;
CALL oracle.change();
CALL oracle.load();
CALL oracle.compare_changed('changed, in the transaction', :'third_of_followers', :'third_of_objects');
SELECT kind, cases, pages, differing, rows FROM oracle.result ORDER BY n DESC LIMIT 1;
ROLLBACK;
CALL oracle.compare_changed('rolled back', :'third_of_followers', :'third_of_objects');
CALL oracle.change();
CALL oracle.load();
CALL oracle.compare_changed('changed', :'third_of_followers', :'third_of_objects');

SELECT kind, cases, pages, differing, rows FROM oracle.result ORDER BY n;
-- none; or where it begins
SELECT kind, argument, page_size, cardinality(wanted) AS wanted, cardinality(got) AS got,
       (SELECT min(i) FROM generate_series(1, 1 + cardinality(wanted)) AS i
        WHERE wanted[i] IS DISTINCT FROM got[i]) AS differ_from
FROM oracle.difference
LIMIT 20;

SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
DROP SCHEMA oracle CASCADE;
