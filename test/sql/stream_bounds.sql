--
-- Streams in queries of every form: with bounds upon "timestamp" and
-- ("timestamp", id) that a reader may begin and end at, with conditions that
-- look like bounds and are none, in joins, subqueries, loops and cursors.
--
-- Each query is asked twice: of the streams, and of functions in plain SQL
-- (test/lib/oracle.sql) that sort first and are opaque to the planner.  In the
-- queries, @ stands for the one or the other: @actor_stream('o:1'), @ref.  They
-- are to answer alike, also in order where a query promises one, also with an
-- error.  Data and cases come from a hash.
--
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS wanted, own_got, own_wanted CASCADE;
RESET client_min_messages;

SET datestyle = 'ISO';
SET timezone = 'UTC';
SET jit = off;
-- the operators of references are there
SET search_path = public, actstream;

\i test/lib/oracle.sql

CREATE INDEX ON oracle.action (actor);
CREATE INDEX ON oracle.action (target);
CREATE INDEX ON oracle.action (action_object);

--
-- What the streams are to be: sorted, and nothing known to the planner
--

CREATE SCHEMA wanted;
CREATE DOMAIN wanted.ref AS text;
CREATE VIEW wanted.action AS SELECT * FROM oracle.action;

DO $$
DECLARE
    stream record;
BEGIN
    FOR stream IN SELECT proname, pg_get_function_arguments(oid) AS arguments, pronargs
                  FROM pg_proc WHERE pronamespace = 'oracle'::regnamespace AND prokind = 'f' AND proretset
    LOOP
        EXECUTE format('CREATE FUNCTION wanted.%I(%s) RETURNS SETOF wanted.action LANGUAGE plpgsql STABLE AS $body$
                        BEGIN
                            RETURN QUERY SELECT * FROM oracle.%I(%s) AS s ORDER BY s."timestamp" DESC, s.id DESC;
                        END $body$',
                       stream.proname, stream.arguments, stream.proname,
                       (SELECT string_agg('$' || i, ', ') FROM generate_series(1, stream.pronargs) AS i));
    END LOOP;
END
$$;
SELECT count(*) AS streams FROM pg_proc WHERE pronamespace = 'wanted'::regnamespace AND proretset;

--
-- The driver
--

CREATE TABLE oracle.outcome (
    n         integer GENERATED ALWAYS AS IDENTITY,
    kind      text PRIMARY KEY,
    queries   bigint,
    rows      bigint,               -- wanted
    empty     bigint,               -- queries that are to have no row
    errors    bigint,               -- queries that are to fail
    differing bigint                -- queries
);

-- In which way queries differ, for whoever has to find out why.
CREATE TABLE oracle.differing (
    kind   text,
    query  text,
    how    text,
    wanted text[],
    got    text[]
);

-- A query, of the streams or of what they are to be.  @@ is for what the test
-- makes twice.
CREATE FUNCTION oracle.ask(query text, got boolean) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT regexp_replace(regexp_replace(query, '@@(\w)', CASE WHEN got THEN 'own_got' ELSE 'own_wanted' END || '.\1', 'g'),
                          '@(\w)', CASE WHEN got THEN 'actstream' ELSE 'wanted' END || '.\1', 'g')
$$;

-- The rows of a query, as they come, or the SQLSTATE
CREATE FUNCTION oracle.answer(query text, at_once boolean) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    r    record;
    rows text[] := '{}';
BEGIN
    IF at_once THEN
        EXECUTE format('SELECT coalesce(array_agg(q::text), ''{}'') FROM (%s) AS q', query) INTO rows;
    ELSE
        FOR r IN EXECUTE query LOOP
            rows := rows || r::text;
        END LOOP;
    END IF;
    RETURN rows;
EXCEPTION WHEN others THEN
    RETURN ARRAY['error ' || SQLSTATE];
END
$$;

CREATE PROCEDURE oracle.note(kind text, query text, how text, wanted text[], got text[]) LANGUAGE plpgsql AS $$
BEGIN
    IF wanted IS DISTINCT FROM got THEN
        INSERT INTO oracle.differing VALUES (kind, query, how, wanted, got);
    END IF;
    INSERT INTO oracle.outcome AS o (kind, queries, rows, empty, errors, differing)
    VALUES (kind, 1, CASE WHEN wanted[1] LIKE 'error%' THEN 0 ELSE cardinality(wanted) END,
            (wanted = '{}')::integer, (wanted[1] LIKE 'error%' IS TRUE)::integer,
            (wanted IS DISTINCT FROM got)::integer)
    ON CONFLICT ON CONSTRAINT outcome_pkey DO UPDATE
    SET queries = o.queries + 1, rows = o.rows + excluded.rows, empty = o.empty + excluded.empty,
        errors = o.errors + excluded.errors, differing = o.differing + excluded.differing;
END
$$;

-- ordered: in the order in which the rows come; else whatever the order.
-- settings: ask once more with each of these, such as 'enable_hashjoin=off'; they
-- are on otherwise.
CREATE PROCEDURE oracle.same(kind text, query text, ordered boolean DEFAULT true, settings text[] DEFAULT '{}')
    LANGUAGE plpgsql AS $$
DECLARE
    at_once boolean := length(query) % 2 = 0;
    wanted  text[] := oracle.answer(oracle.ask(query, false), at_once);
    got     text[];
    these   text;
    setting text;
BEGIN
    IF NOT ordered THEN
        wanted := array(SELECT unnest(wanted) COLLATE "C" ORDER BY 1);
    END IF;
    FOREACH these IN ARRAY '{NULL}' || settings LOOP
        FOREACH setting IN ARRAY coalesce(string_to_array(these, ' '), '{}') LOOP
            PERFORM set_config(split_part(setting, '=', 1), split_part(setting, '=', 2), true);
        END LOOP;
        got := oracle.answer(oracle.ask(query, true), at_once);
        FOREACH setting IN ARRAY coalesce(string_to_array(these, ' '), '{}') LOOP
            PERFORM set_config(split_part(setting, '=', 1), 'on', true);
        END LOOP;
        IF NOT ordered THEN
            got := array(SELECT unnest(got) COLLATE "C" ORDER BY 1);
        END IF;
        CALL oracle.note(kind, query, these, wanted, got);
    END LOOP;
END
$$;

-- A prepared query, executed with each of the lists of arguments, with plans of
-- every kind.
CREATE PROCEDURE oracle.same_prepared(kind text, types text, query text, arguments text[]) LANGUAGE plpgsql AS $$
DECLARE
    mode  text;
    these text;
BEGIN
    EXECUTE format('PREPARE wanted(%s) AS %s', oracle.ask(types, false), oracle.ask(query, false));
    FOREACH mode IN ARRAY '{force_generic_plan,force_custom_plan,auto}'::text[] LOOP
        PERFORM set_config('plan_cache_mode', mode, true);
        EXECUTE format('PREPARE got(%s) AS %s', oracle.ask(types, true), oracle.ask(query, true));
        FOREACH these IN ARRAY arguments LOOP
            CALL oracle.note(kind, query, concat_ws(' ', mode, these, current_setting('timezone')),
                             oracle.answer(format('EXECUTE wanted(%s)', these), false),
                             oracle.answer(format('EXECUTE got(%s)', these), false));
        END LOOP;
        DEALLOCATE got;
    END LOOP;
    DEALLOCATE wanted;
    PERFORM set_config('plan_cache_mode', 'auto', true);
END
$$;

--
-- The data: 48 objects, 5,600 actions, of which 3,000 are of one instant and
-- most others share theirs with some
--

SELECT count(*) FROM (VALUES (actstream.register_external('o')), (actstream.register_external('box')), (actstream.register_external('bo'))) AS t;

CREATE TABLE oracle.object AS
SELECT i AS n, CASE WHEN i <= 40 THEN 'o:' || i ELSE 'box:' || i - 40 END AS ref FROM generate_series(1, 48) AS i;

INSERT INTO actstream.actions (id, "timestamp", public, actor, verb, action_object, target, description, data, external_id)
SELECT 1 + i * 2741 % 5607,                     -- not in order of insertion
       CASE WHEN i > 2600 THEN '2021-03-06 12:00+00'
            WHEN kind < 60 THEN hour
            WHEN kind < 75 THEN hour + (oracle.dice(3, 'near', i) - 1) * interval '1 microsecond'
            WHEN kind < 80 THEN hour - oracle.dice(30, 'years', i) * interval '1 year'
            WHEN kind < 82 THEN 'infinity'
            WHEN kind < 84 THEN '-infinity'
            WHEN kind < 88 THEN '2021-03-06 12:00+00'
            ELSE timestamptz '2021-03-05 00:00+00' + i * interval '17 seconds' END,
       oracle.dice(8, 'private', i) > 0,
       a.ref::actstream.ref,
       (ARRAY['joined', 'liked', 'pushed', 'wrote'])[1 + oracle.dice(4, 'verb', i)],
       (CASE WHEN shape < 6 THEN t.ref WHEN shape < 12 THEN a.ref WHEN shape < 50 THEN o.ref END)::actstream.ref,
       (CASE WHEN shape BETWEEN 8 AND 16 THEN a.ref WHEN shape < 75 THEN t.ref END)::actstream.ref,
       CASE WHEN oracle.dice(3, 'description', i) = 0 THEN 'about ' || i END,
       CASE WHEN oracle.dice(3, 'data', i) > 0 THEN jsonb_build_object('k', oracle.dice(5, 'k', i)::text) END,
       CASE WHEN oracle.dice(9, 'external', i) = 0 THEN 'e' || i END
FROM generate_series(1, 5600) AS i
CROSS JOIN LATERAL (SELECT oracle.dice(100, 'kind', i) AS kind, oracle.dice(100, 'shape', i) AS shape,
                           timestamptz '2021-03-01 00:00+00' + oracle.dice(240, 'hour', i) * interval '1 hour' AS hour) AS d
JOIN oracle.object a ON a.n = CASE WHEN i > 2600 THEN 31 + oracle.dice(10, 'tie', i)
                                   ELSE 1 + oracle.dice(31, 'a1', i) * oracle.dice(31, 'a2', i) / 31 END
JOIN oracle.object t ON t.n = CASE WHEN i > 2600 THEN 31 + oracle.dice(18, 'tied', i)
                                   ELSE 1 + oracle.dice(48, 't1', i) * oracle.dice(48, 't2', i) / 48 END
JOIN oracle.object o ON o.n = CASE WHEN i > 2600 THEN 29 + oracle.dice(15, 'tied to', i)
                                   ELSE 48 - oracle.dice(48, 'o1', i) * oracle.dice(48, 'o2', i) / 48 END
ORDER BY i;
SELECT setval(pg_get_serial_sequence('actstream.actions', 'id'), 20000);

-- Versions of rows: with new entries in the indexes, without (HOT), both; gone
-- from the public and back; deleted.
UPDATE actstream.actions SET description = 'first' WHERE id % 11 = 3;
DELETE FROM actstream.actions WHERE id % 37 = 5;
VACUUM actstream.actions;
UPDATE actstream.actions SET description = 'again' WHERE id % 22 = 3;
UPDATE actstream.actions SET description = NULL WHERE id % 44 = 3;
UPDATE actstream.actions SET public = NOT public WHERE id % 13 = 1;
UPDATE actstream.actions SET public = NOT public WHERE id % 26 = 1;
UPDATE actstream.actions SET "timestamp" = "timestamp" + interval '1 microsecond' WHERE id % 17 = 1;
UPDATE actstream.actions SET "timestamp" = "timestamp" - interval '1 microsecond' WHERE id % 34 = 1;
DELETE FROM actstream.actions WHERE id % 41 = 2;

-- o:1 to o:12 follow a few, in every way; o:15 follows everything under three
-- flags, each in another way; o:16 what meets in the one instant; o:13 nothing
INSERT INTO actstream.follows (follower, followee, flag, actor_only, started)
SELECT DISTINCT ON (1, 2, 3)
       actstream.ref('o', f), o.ref::actstream.ref,
       (ARRAY['', '', 'watching', 'a,b'])[1 + oracle.dice(4, 'flag', d.i)],
       oracle.dice(2, 'actor_only', d.i) = 0,
       CASE WHEN d.started < 5 THEN 'infinity'
            WHEN d.started < 10 THEN '-infinity'
            ELSE timestamptz '2021-03-01 00:00+00' + oracle.dice(240, 'begun', d.i) * interval '1 hour' END
FROM generate_series(1, 12) AS f
CROSS JOIN LATERAL generate_series(1, 3 + f) AS nth
CROSS JOIN LATERAL (SELECT 100 * f + nth AS i, oracle.dice(100, 'started', 100 * f + nth) AS started) AS d
JOIN oracle.object o ON o.n = CASE WHEN nth % 4 = 3 THEN 48 - oracle.dice(20, 'followee', d.i - 1)
                                   ELSE 1 + oracle.dice(30, 'followee', d.i - d.i % 2) END
ORDER BY 1, 2, 3, d.i;
INSERT INTO actstream.follows (follower, followee, flag, actor_only, started)
SELECT 'o:15', o.ref::actstream.ref, flag, (o.n + length(flag)) % 2 = 0,
       timestamptz '2021-03-06 11:00+00' + length(flag) % 3 * interval '1 hour'
FROM oracle.object o, unnest('{"",watching,"a,b"}'::text[]) AS flag;
INSERT INTO actstream.follows (follower, followee, flag, actor_only, started)
SELECT 'o:16', o.ref::actstream.ref, '', o.n % 3 = 0, '2021-03-06 12:00+00' FROM oracle.object o WHERE n BETWEEN 31 AND 43;
UPDATE actstream.follows SET actor_only = NOT actor_only WHERE follower::text = 'o:5' AND flag = '';
DELETE FROM actstream.follows WHERE follower::text = 'o:6' AND flag = 'watching';

CALL oracle.load();
ANALYZE actstream.actions, actstream.follows, oracle.action, oracle.reason;

-- What is hard is there.
SELECT count(*) AS actions, count(*) FILTER (WHERE public) AS public,
       count(*) FILTER (WHERE NOT isfinite("timestamp")) AS infinite,
       count(*) FILTER (WHERE "timestamp" = '2021-03-06 12:00+00') AS of_one_instant,
       count(*) FILTER (WHERE "timestamp" = date_trunc('day', "timestamp")) AS at_midnight,
       count(*) FILTER (WHERE n > 1) AS not_alone,
       count(*) FILTER (WHERE actor IN (target, action_object) OR target = action_object) AS in_two_roles
FROM (SELECT *, count(*) OVER (PARTITION BY "timestamp") AS n FROM oracle.action) AS a;
SELECT follower, count(*) AS follows, count(DISTINCT followee) AS followees,
       count(*) FILTER (WHERE NOT actor_only) AS in_every_role,
       (SELECT count(*) FROM wanted.user_stream(follower)) AS sees,
       (SELECT count(*) FROM wanted.user_stream(follower, since_follow => true)) AS sees_since
FROM oracle.follow GROUP BY follower ORDER BY length(follower), follower;

-- The streams to ask of.  The first ones have many rows.
CREATE TABLE oracle.call (n integer GENERATED ALWAYS AS IDENTITY, call text);
INSERT INTO oracle.call (call) VALUES
    ('@public_stream()'),
    ('@model_stream(''box'')'),
    ('@user_stream(''o:16'')'),
    ('@user_stream(''o:15'', since_follow => true)'),
    ('@any_stream(''o:33'')'),
    ('@stream_of(''{o:31,o:32,box:1,o:32}'')'),

    ('@user_stream(''o:1'')'),
    ('@user_stream(''o:1'', NULL, true)'),
    ('@user_stream(''o:2'', NULL, true, true)'),
    ('@user_stream(''o:3'', '''')'),
    ('@user_stream(''o:4'', ''watching'', true)'),
    ('@user_stream(''o:5'', since_follow => true)'),
    ('@user_stream(''o:7'', ''a,b'', false, true)'),
    ('@user_stream(''o:13'', NULL, true)'),
    ('@actor_stream(''o:1'')'),
    ('@actor_stream(''o:21'')'),
    ('@target_stream(''o:2'')'),
    ('@target_stream(''box:2'')'),
    ('@action_object_stream(''box:8'')'),
    ('@action_object_stream(''o:29'')'),
    ('@any_stream(''o:4'')'),
    ('@any_stream(''box:3'')'),
    ('@stream_of(''{o:3,o:9,NULL,o:3}'')'),
    ('@stream_of(''{o:1,box:8}'', ''{target}'')'),
    ('@stream_of(''{o:5,o:28}'', ''{actor,action_object}'')'),

    ('@user_stream(''o:13'')'),
    ('@user_stream(NULL, NULL, true)'),
    ('@user_stream(''o:1'', ''unheard'')'),
    ('@actor_stream(NULL)'),
    ('@actor_stream(''ghost:1'')'),
    ('@any_stream(NULL)'),
    ('@model_stream(NULL)'),
    ('@model_stream(''bo'')'),
    ('@stream_of(NULL)'),
    ('@stream_of(''{}'')'),
    ('@stream_of(''{o:1}'', NULL)');

-- Instants to ask for: some at which something happened, next to those, others.
CREATE TABLE oracle.instant AS
SELECT (row_number() OVER ())::integer AS n, "timestamp"
FROM (SELECT "timestamp" + (oracle.dice(5, 'beside', id::integer) - 2) / 2 * interval '1 microsecond' AS "timestamp"
      FROM oracle.action WHERE id % 83 = 0
      UNION ALL SELECT timestamptz '2021-03-06 12:00+00' + i * interval '1 microsecond'
      FROM generate_series(-1, 1) AS i, generate_series(1, 5)
      UNION ALL VALUES (timestamptz 'infinity'), ('-infinity'), (NULL)
      ORDER BY 1) AS t;

-- The same expression for whoever evaluates it, as late as its volatility asks for
CREATE FUNCTION oracle.stable(timestamptz) RETURNS timestamptz LANGUAGE plpgsql STABLE AS 'BEGIN RETURN $1; END';
CREATE FUNCTION oracle.volatile(timestamptz) RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN $1; END';
SET oracle.bound = '2021-03-06 12:00+00';

--
-- Conditions, by chance
--

-- an expression for an instant
CREATE FUNCTION oracle.bound_expression(what text, i integer) RETURNS text
    LANGUAGE plpgsql STABLE SET timezone = 'UTC' AS $$
DECLARE
    "timestamp" timestamptz;
BEGIN
    SELECT t."timestamp" INTO "timestamp"
    FROM oracle.instant AS t
    WHERE n = 1 + oracle.dice((SELECT count(*)::integer FROM oracle.instant), what || 'instant', i);
    RETURN format('(' || (ARRAY['timestamptz %1$L', 'timestamptz %1$L', 'timestamptz %1$L', '%1$L::timestamptz', '%1$L::timestamptz',
                         'timestamp %2$L', 'date %3$L', 'date %3$L',
                         'timestamptz %1$L - interval ''1 hour''', 'date %3$L + interval ''12 hours''',
                         '(SELECT %1$L::timestamptz)', '(SELECT max("timestamp") FROM @actor_stream(''o:3'') WHERE "timestamp" <= %1$L)',
                         '(SELECT "timestamp" FROM @any_stream(''o:2'') WHERE id < 0)',
                         'NULL', 'NULL::timestamptz', 'timestamptz ''infinity''', 'timestamptz ''-infinity''', 'date ''infinity''',
                         'oracle.stable(%1$L)', 'oracle.volatile(%1$L)', 'current_setting(''oracle.bound'')::timestamptz',
                         'coalesce(NULL, %1$L::timestamptz)', 'greatest(%1$L::timestamptz, ''2021-03-06 12:00+00'')',
                         'CASE WHEN now() IS NULL THEN ''infinity'' ELSE %1$L::timestamptz END',
                         '%1$L::text::timestamptz', 'timestamptz %1$L AT TIME ZONE ''Asia/Tokyo'''])
                  [1 + oracle.dice(26, what || 'expression', i)] || ')',
                  coalesce("timestamp", '2021-03-04 00:00+00'), coalesce("timestamp"::timestamp, '2021-03-06 12:00'),
                  coalesce("timestamp"::date, '2021-03-06'));
END
$$;

-- {b}, {c} are instants, {i}, {j} ids, {v} a verb
CREATE TABLE oracle.condition (n integer GENERATED ALWAYS AS IDENTITY, condition text);
INSERT INTO oracle.condition (condition) VALUES
    -- bounds
    ('"timestamp" < {b}'), ('"timestamp" <= {b}'), ('"timestamp" > {b}'), ('"timestamp" >= {b}'), ('"timestamp" = {b}'),
    ('{b} < "timestamp"'), ('{b} <= "timestamp"'), ('{b} > "timestamp"'), ('{b} >= "timestamp"'), ('{b} = "timestamp"'),
    ('"timestamp" < {b}'), ('"timestamp" >= {b}'), ('{b} > "timestamp"'), ('{b} <= "timestamp"'),
    ('"timestamp" BETWEEN {b} AND {c}'), ('"timestamp" BETWEEN SYMMETRIC {b} AND {c}'),
    ('"timestamp" >= {b} AND "timestamp" < {c}'), ('"timestamp" > {b} AND {c} > "timestamp"'),
    ('("timestamp", id) < ({b}, {i})'), ('("timestamp", id) <= ({b}, {i})'),
    ('("timestamp", id) > ({b}, {i})'), ('("timestamp", id) >= ({b}, {i})'),
    ('({b}, {i}) < ("timestamp", id)'), ('({b}, {i}) <= ("timestamp", id)'),
    ('({b}, {i}) > ("timestamp", id)'), ('({b}, {i}) >= ("timestamp", id)'),
    ('("timestamp", id) < ({b}, {i})'), ('("timestamp", id) < ({b}, {i}::integer)'), ('("timestamp", id) >= ({b}, {i}::smallint)'),
    ('("timestamp", id) >= ({b}, {i}) AND ("timestamp", id) < ({c}, {j})'),
    ('("timestamp", id) < ({b}, {i}) AND "timestamp" > {c}'),
    ('("timestamp", id) < ({b}, NULL)'), ('("timestamp", id) > ({b}, {i}) AND id < {j}'),
    ('("timestamp", id) < (SELECT t."timestamp", t.id FROM @any_stream(''o:3'') AS t WHERE t."timestamp" < {b} LIMIT 1)'),
    -- others that have an instant in them
    ('"timestamp" <> {b}'), ('"timestamp" IS DISTINCT FROM {b}'), ('"timestamp" IS NOT DISTINCT FROM {b}'),
    ('"timestamp" IN ({b}, {c})'), ('"timestamp" NOT IN ({b}, {c})'), ('"timestamp" NOT BETWEEN {b} AND {c}'),
    ('"timestamp" < ANY (ARRAY[{b}, {c}]::timestamptz[])'), ('"timestamp" > ALL (ARRAY[{b}, {c}]::timestamptz[])'),
    ('NOT "timestamp" < {b}'), ('NOT ("timestamp" >= {b} AND "timestamp" < {c})'), ('NOT ("timestamp" < {b} OR "timestamp" > {c})'),
    ('NOT ("timestamp", id) < ({b}, {i})'), ('NOT ("timestamp" < {b} AND verb = {v})'),
    ('("timestamp" < {b} OR verb = {v})'), ('("timestamp" < {b} OR "timestamp" > {c})'),
    ('("timestamp" < {b} OR "timestamp" < {c})'), ('("timestamp" >= {b} AND verb = {v} OR ("timestamp", id) < ({c}, {i}))'),
    ('(("timestamp", id) < ({b}, {i}) OR id > {j})'), ('("timestamp" < {b}) IS NOT FALSE'), ('("timestamp" < {b}) IS NOT TRUE'),
    ('("timestamp" > {b}) IS TRUE'), ('("timestamp" > {b}) IS UNKNOWN'), ('("timestamp" > {b}) = (id > {i})'),
    ('coalesce("timestamp" > {b}, true)'), ('CASE WHEN id > {i} THEN "timestamp" < {b} ELSE "timestamp" > {b} END'),
    ('"timestamp" + interval ''1 hour'' < {b}'), ('"timestamp"::date = {b}::date'), ('"timestamp"::timestamp < {b}::timestamp'),
    ('date_trunc(''day'', "timestamp") = {b}'), ('coalesce("timestamp", now()) < {b}'),
    ('"timestamp" < {b}::timestamptz + id * interval ''1 minute'''), ('"timestamp" > CASE WHEN verb = {v} THEN {b} ELSE {c}::timestamptz END'),
    ('("timestamp", id) = ({b}, {i})'), ('("timestamp", id) <> ({b}, {i})'), ('("timestamp", id) IN (({b}, {i}), ({c}, {j}))'),
    ('(id, "timestamp") < ({i}, {b})'), ('("timestamp", verb) < ({b}, {v})'), ('("timestamp", id, verb) >= ({b}, {i}, {v})'),
    ('("timestamp", "timestamp") < ({b}, {c})'), ('("timestamp", id + 1) < ({b}, {i})'), ('("timestamp", -id) < ({b}, - {i})'),
    ('("timestamp", {i}) < ({b}, id)'), ('({b}, id) < ("timestamp", {i})'), ('ROW("timestamp") < ROW({b})'),
    ('("timestamp", id) < ({b}, {i} + 0.5)'), ('("timestamp", public) < ({b}, true)'),
    ('"timestamp" < s."timestamp" + interval ''1 second'''), ('"timestamp" <= s."timestamp"'), ('isfinite("timestamp")'),
    ('"timestamp" IS NULL'), ('"timestamp" IS NOT NULL'),
    -- filters
    ('id < {i}'), ('id BETWEEN {i} AND {j}'), ('verb = {v}'), ('verb <> {v} AND data->>''k'' = ''3'''), ('data IS NULL'),
    ('description IS NULL'), ('description = ''again'''), ('s IS NOT NULL'), ('NOT s IS NULL'), ('external_id IS NOT NULL'),
    ('s IS DISTINCT FROM NULL'), ('to_jsonb(s)->>''verb'' = {v}'), ('actor = target'), ('target IS NULL AND public'), ('NOT public'),
    -- (not a join, which from 18 on may put them into another order)
    ('(EXISTS (SELECT FROM @actor_stream(''o:2'') AS t WHERE t.verb = s.verb AND t."timestamp" < s."timestamp")) IS TRUE'),
    ('false'), ('NULL'), ('true');

CREATE FUNCTION oracle.random_condition(what text, i integer) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT replace(replace(replace(replace(replace(condition,
               '{b}', oracle.bound_expression(what || 'b', i)), '{c}', oracle.bound_expression(what || 'c', i)),
               '{i}', (oracle.dice(5800, what || 'i', i) - 100)::text), '{j}', (oracle.dice(5800, what || 'j', i) - 100)::text),
               '{v}', format('%L', (ARRAY['joined', 'liked', 'pushed', 'wrote'])[1 + oracle.dice(4, what || 'v', i)]))
    FROM oracle.condition
    WHERE n = 1 + oracle.dice((SELECT count(*)::integer FROM oracle.condition), what || 'condition', i));
END
$$;

CREATE FUNCTION oracle.random_query(call text, i integer) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT format('SELECT %s FROM %s AS s WHERE %s%s%s',
                  CASE WHEN ending = ' ORDER BY "timestamp" DESC' THEN '"timestamp"'         -- the rest is not said
                       ELSE (ARRAY['id', 'id', '"timestamp", id', 's', 'to_jsonb(s)', 's.*'])[1 + oracle.dice(6, 'list', i)] END,
                  call,
                  (SELECT string_agg(oracle.random_condition('c' || c, i), ' AND ')
                   FROM generate_series(1, (2 + oracle.dice(5, 'conjuncts', i)) / 2) AS c),
                  ending,
                  CASE WHEN ending = ' ORDER BY "timestamp" DESC' THEN '' ELSE
                  (ARRAY['', '', '', ' LIMIT 0', ' LIMIT 1', ' LIMIT 3', ' LIMIT 20', ' OFFSET 2 LIMIT 5', ' OFFSET 7', ' LIMIT ALL'])
                  [1 + oracle.dice(10, 'limit', i)] END)
    FROM (SELECT (ARRAY['', '', '', '', ' ORDER BY "timestamp" DESC, id DESC', ' ORDER BY "timestamp" DESC, id DESC',
                        ' ORDER BY "timestamp" DESC, id', ' ORDER BY "timestamp", id', ' ORDER BY id', ' ORDER BY id DESC',
                        ' ORDER BY "timestamp" DESC', ' ORDER BY verb, id', ' ORDER BY verb DESC, "timestamp" DESC, id DESC, data',
                        ' ORDER BY "timestamp" DESC NULLS LAST, id DESC NULLS LAST', ' ORDER BY "timestamp" DESC, verb, id DESC'])
                 [1 + oracle.dice(15, 'ending', i)] AS ending) AS t);
END
$$;

CREATE PROCEDURE oracle.random_conditions(kind text, calls int4range, number integer) LANGUAGE plpgsql AS $$
DECLARE
    query record;
BEGIN
    FOR query IN SELECT i, oracle.random_query(c.call, 1000 * c.n + i) AS query
                 FROM oracle.call AS c, generate_series(1, number) AS i WHERE c.n <@ calls
    LOOP
        PERFORM set_config('timezone', (ARRAY['UTC', 'UTC', 'Asia/Tokyo', 'America/St_Johns'])[1 + query.i % 4], true);
        CALL oracle.same(kind, query.query);
    END LOOP;
END
$$;
CALL oracle.random_conditions('conditions, long streams', '[1,6]', 30);
CALL oracle.random_conditions('conditions', '[7,25]', 60);
CALL oracle.random_conditions('conditions, empty streams', '[26,36]', 20);

--
-- Bounds that are known when a prepared query runs: with plans that are made
-- once and plans that are made each time
--

CREATE PROCEDURE oracle.prepared_bounds(kind text, types text, conditions text[], arguments text[]) LANGUAGE plpgsql AS $$
DECLARE
    query text;
BEGIN
    FOR query IN SELECT format('SELECT id FROM %s AS s WHERE %s%s', c.call, condition,
                               (ARRAY['', ' LIMIT 5', ' ORDER BY "timestamp" DESC, id DESC LIMIT 9', ' ORDER BY "timestamp", id'])
                               [1 + oracle.dice(4, condition, c.n)])
                 FROM oracle.call AS c, unnest(conditions) AS condition
                 WHERE c.n IN (8, 9, 24) OR c.n IN (1, 4) AND length(condition) % 3 = 0
    LOOP
        CALL oracle.same_prepared(kind, types, query, arguments);
    END LOOP;
END
$$;

CALL oracle.prepared_bounds('parameters', 'timestamptz, bigint',
    ARRAY['("timestamp", id) < ($1, $2)', '($1, $2) < ("timestamp", id)', '("timestamp", id) >= ($1, $2)',
          '("timestamp", id) <= ($1, $2) AND "timestamp" > $1 - interval ''1 day''',
          '("timestamp", id) >= ($1, $2 - 2000) AND ($1, $2) >= ("timestamp", id)',
          '"timestamp" = $1 AND id <> $2', '"timestamp" < $1 OR id = $2', '($1 IS NULL OR "timestamp" < $1)',
          '"timestamp" < coalesce($1, ''infinity'')', '$1 > "timestamp" AND id > $2'],
    ARRAY['NULL, 1', '''2021-03-06 12:00+00'', 2800', '''2021-03-06 12:00+00'', NULL', '''infinity'', 0',
          '''-infinity'', 5000', '''2021-03-06 12:00+00'', 9223372036854775807', '''2021-03-04 07:00:00.000001+00'', 3000']);
CALL oracle.prepared_bounds('parameters, two bounds', 'timestamptz, timestamptz',
    ARRAY['"timestamp" BETWEEN $1 AND $2', '"timestamp" > $1 AND "timestamp" > $2', '"timestamp" < least($1, $2)',
          '"timestamp" NOT BETWEEN $1 AND $2', '"timestamp" = ANY (ARRAY[$1, $2])', '"timestamp" < ANY (ARRAY[$1, $2])'],
    ARRAY['''2021-03-05 00:00+00'', ''2021-03-06 12:00+00''', '''2021-03-06 12:00+00'', ''2021-03-05 00:00+00''',
          '''2021-03-06 12:00+00'', ''2021-03-06 12:00+00''', 'NULL, ''2021-03-06 12:00+00''', '''2021-03-06 12:00+00'', NULL']);

-- What a date and a timestamp without time zone mean depends on the time zone
-- in which the query runs, not on that in which it was planned.
CREATE PROCEDURE oracle.prepared_zones() LANGUAGE plpgsql AS $$
DECLARE
    query text;
    zone  text;
    mode  text;
BEGIN
    FOR query IN SELECT format('SELECT id FROM %s WHERE %s', c.call, condition)
                 FROM oracle.call AS c,
                      unnest(ARRAY['"timestamp" < date ''2021-03-05'' AND "timestamp" >= date ''2021-03-03''',
                                   'timestamp ''2021-03-06 12:00'' <= "timestamp"',
                                   '("timestamp", id) < (timestamp ''2021-03-06 12:00'', 2800)',
                                   '"timestamp" >= ''2021-03-04 00:00''::text::timestamptz',
                                   '"timestamp" >= $1 AND "timestamp" < $2', '("timestamp", id) > ($1, 2800)']) AS condition
                 WHERE c.n IN (1, 8, 9, 21)
    LOOP
        EXECUTE format('PREPARE wanted(date, timestamp) AS %s', oracle.ask(query, false));
        FOREACH mode IN ARRAY '{force_generic_plan,auto}'::text[] LOOP
            PERFORM set_config('plan_cache_mode', mode, true);
            EXECUTE format('PREPARE got(date, timestamp) AS %s', oracle.ask(query, true));
            FOREACH zone IN ARRAY '{UTC,Asia/Tokyo,America/St_Johns,UTC}'::text[] LOOP
                PERFORM set_config('timezone', zone, true);
                CALL oracle.note('parameters and time zones', query, zone,
                                 oracle.answer('EXECUTE wanted(''2021-03-03'', ''2021-03-06 12:00'')', false),
                                 oracle.answer('EXECUTE got(''2021-03-03'', ''2021-03-06 12:00'')', false));
            END LOOP;
            DEALLOCATE got;
        END LOOP;
        DEALLOCATE wanted;
    END LOOP;
    PERFORM set_config('plan_cache_mode', 'auto', true);
    PERFORM set_config('timezone', 'UTC', true);
END
$$;
CALL oracle.prepared_zones();

-- arguments of the streams, limits and offsets
CALL oracle.same_prepared('parameters of streams', '@ref, text, boolean, boolean, bigint',
    'SELECT id FROM @user_stream($1, $2, $3, $4) WHERE "timestamp" < ''2021-03-08 00:00+00'' OFFSET $5 % 3 LIMIT $5',
    ARRAY['''o:1'', NULL, false, false, 10', '''o:1'', '''', true, false, 10', '''o:2'', ''watching'', NULL, true, NULL',
          '''o:15'', ''a,b'', true, true, 40', 'NULL, NULL, true, false, 10', '''o:16'', NULL, false, true, 0',
          '''o:13'', NULL, true, NULL, 3', '''o:3'', ''unheard'', false, false, 3', '''o:12'', NULL, true, true, 1000']);
CALL oracle.same_prepared('parameters of streams', '@ref[], text[], timestamptz',
    'SELECT id FROM @stream_of($1, $2) WHERE "timestamp" >= $3 LIMIT 30',
    ARRAY['''{o:1,o:2}'', ''{actor}'', ''-infinity''', '''{o:31,NULL}'', ''{target,actor}'', ''2021-03-06 12:00+00''',
          'NULL, ''{actor}'', ''-infinity''', '''{o:1}'', NULL, ''-infinity''', '''{o:1}'', ''{actor,actor}'', ''-infinity''',
          '''{}'', ''{actor}'', ''-infinity''', '''{o:1,o:2}'', ''{}'', ''-infinity''', '''{o:1,o:2}'', ''{actor}'', NULL']);
CALL oracle.same_prepared('parameters of streams', '@ref, bigint',
    'SELECT id FROM @any_stream($1) WHERE id % $2 > 0 LIMIT 30',
    ARRAY['''o:1'', 2', 'NULL, 2', '''o:35'', 3', '''o:1'', NULL', '''box:4'', 5']);

--
-- Pages, to the end
--

DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT n, replace(call, '@', 'actstream.') AS stream, replace(call, '@', 'oracle.') AS oracle FROM oracle.call LOOP
        PERFORM set_config('plan_cache_mode', (ARRAY['auto', 'force_generic_plan'])[1 + c.n % 2], true);
        CALL oracle.compare('pages', c.stream, c.oracle, 'VALUES ('''')', '{1,2,7,20}',
                            CASE WHEN c.n <= 6 THEN 8 ELSE 30 END, 'text');
        CALL oracle.compare('pages of a filtered stream', c.stream, c.oracle, 'VALUES ('''')', '{2,7}', 8, 'text',
                            'verb = ''liked'' AND "timestamp" >= ''2021-03-04 00:00+00''');
    END LOOP;
    PERFORM set_config('plan_cache_mode', 'auto', true);
END
$$;

-- The other way: from older to newer, and beginning in the midst of one instant
CREATE FUNCTION oracle.pages_up(call text, size integer, got boolean) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    found bigint[] := '{}';
    page  bigint[];
    stamp timestamptz := '2021-03-06 12:00+00';
    last  bigint := 2700;
BEGIN
    DEALLOCATE ALL;
    EXECUTE format('PREPARE page(timestamptz, bigint) AS
                    SELECT array_agg(id), (array_agg("timestamp"))[%s]
                    FROM (SELECT id, "timestamp" FROM %s WHERE ("timestamp", id) > ($1, $2)
                          ORDER BY "timestamp", id LIMIT %1$s) AS p', size, oracle.ask(call, got));
    FOR n IN 1..20 LOOP
        EXECUTE format('EXECUTE page(%L, %s)', stamp, last) INTO page, stamp;
        found := found || page;
        EXIT WHEN cardinality(page) < size IS NOT FALSE;
        last := page[size];
    END LOOP;
    RETURN found;
END
$$;
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT call, size FROM oracle.call, unnest('{1,2,7,20}'::integer[]) AS size WHERE n <= 25 LOOP
        CALL oracle.note('pages, from old to new', c.call, c.size::text,
                         oracle.pages_up(c.call, c.size, false), oracle.pages_up(c.call, c.size, true));
    END LOOP;
END
$$;
SELECT kind, cases, pages, differing, rows FROM oracle.result ORDER BY n;

--
-- Queries of every form
--

-- Rows to join with: some have no reference, some no instant, ids of actions
-- and others.
CREATE TABLE oracle.place AS
SELECT i AS n,
       CASE WHEN i % 9 > 0 THEN (SELECT ref FROM oracle.object WHERE n = 1 + oracle.dice(16, 'place', i)) END AS ref,
       (SELECT "timestamp" FROM oracle.instant WHERE n = i * 3) AS "timestamp",
       (SELECT id FROM oracle.action WHERE id >= oracle.dice(5300, 'id', i) ORDER BY id LIMIT 1) + (i % 4 = 0)::integer AS id,
       (ARRAY['', NULL, 'watching', 'a,b'])[1 + i % 4] AS flag,
       (ARRAY['joined', 'liked', 'pushed', 'wrote', NULL])[1 + i % 5] AS verb
FROM generate_series(1, 24) AS i;
INSERT INTO oracle.place
SELECT 24 + (row_number() OVER (ORDER BY id))::integer, actor, "timestamp", id, '', verb
FROM oracle.action WHERE public AND (actor = 'o:1' OR target = 'box:2') AND id % 3 = 0 AND "timestamp" <> '2021-03-06 12:00+00';
INSERT INTO oracle.place SELECT 100 + n, ref, "timestamp", id, flag, verb FROM oracle.place WHERE n < 12;    -- again
ANALYZE oracle.place, oracle.instant, oracle.object;

-- What the test makes of streams, twice: functions that are inlined and that
-- are not, and views
DO $$
DECLARE
    got boolean;
    ddl text;
BEGIN
    FOREACH got IN ARRAY '{true,false}'::boolean[] LOOP
        EXECUTE CASE WHEN got THEN 'CREATE SCHEMA own_got' ELSE 'CREATE SCHEMA own_wanted' END;
        FOREACH ddl IN ARRAY ARRAY[
            'CREATE FUNCTION @@pushed(follower @ref) RETURNS SETOF @action LANGUAGE sql STABLE AS
             ''SELECT * FROM @user_stream(follower) WHERE verb = ''''pushed''''''',
            'CREATE FUNCTION @@done_to(objects @ref[], since timestamptz) RETURNS SETOF @action LANGUAGE sql STABLE
             BEGIN ATOMIC
                 SELECT * FROM @stream_of(objects, ''{target,action_object}'') WHERE "timestamp" >= since;
             END',
            'CREATE FUNCTION @@page(follower @ref, "at" timestamptz, id bigint) RETURNS SETOF @action LANGUAGE sql STABLE AS
             ''SELECT * FROM @user_stream(follower) AS s WHERE (s."timestamp", s.id) < ("at", page.id) LIMIT 5''',
            'CREATE FUNCTION @@opaque(follower @ref, until timestamptz) RETURNS SETOF @action LANGUAGE sql VOLATILE AS
             ''SELECT * FROM @user_stream(follower) WHERE "timestamp" < until''',
            'CREATE FUNCTION @@strict(follower @ref, until timestamptz) RETURNS SETOF @action LANGUAGE sql STABLE STRICT AS
             ''SELECT * FROM @user_stream(follower) WHERE "timestamp" < until''',
            'CREATE FUNCTION @@definer(object @ref) RETURNS SETOF @action LANGUAGE sql STABLE SECURITY DEFINER AS
             ''SELECT * FROM @any_stream(object)''',
            'CREATE FUNCTION @@newest(object @ref, until timestamptz) RETURNS bigint LANGUAGE sql STABLE AS
             ''SELECT id FROM @any_stream(object) WHERE "timestamp" < until LIMIT 1''',
            'CREATE FUNCTION @@looped(object @ref, until timestamptz, most integer) RETURNS SETOF bigint LANGUAGE plpgsql STABLE AS
             ''DECLARE
                   a record;
               BEGIN
                   FOR a IN SELECT s.id FROM @any_stream(object) AS s WHERE s."timestamp" <= until LOOP
                       RETURN NEXT a.id;
                       most := most - 1;
                       EXIT WHEN most <= 0;
                   END LOOP;
               END''',
            'CREATE FUNCTION @@returned(object @ref, until timestamptz) RETURNS SETOF @action LANGUAGE plpgsql STABLE AS
             ''BEGIN RETURN QUERY SELECT * FROM @target_stream(object) AS s WHERE s."timestamp" > until; END''',
            'CREATE VIEW @@timeline AS SELECT * FROM @public_stream() WHERE "timestamp" >= ''2021-03-04 00:00+00''',
            'CREATE VIEW @@guarded WITH (security_barrier) AS SELECT * FROM @user_stream(''o:2'') WHERE verb <> ''liked''',
            'CREATE VIEW @@limited AS SELECT * FROM @user_stream(''o:1'') LIMIT 10',
            'CREATE VIEW @@nested AS SELECT id, "timestamp", target FROM @@timeline WHERE "timestamp" < ''2021-03-05 00:00+00''']
        LOOP
            EXECUTE oracle.ask(ddl, got);
        END LOOP;
    END LOOP;
END
$$;

-- {s}, {t} are streams.  u: whatever the order; j: likewise, with each way to
-- join.  Where there is neither {s} nor {t}, the query is asked once.
CREATE TABLE oracle.form (n integer GENERATED ALWAYS AS IDENTITY, kind text, how text, query text);
INSERT INTO oracle.form (kind, how, query) VALUES
-- whole rows
('rows', 'o', 'SELECT s FROM {s} s'),
('rows', 'o', 'SELECT s.* FROM {s} s'),
('rows', 'o', 'SELECT (s).id, (s)."timestamp" FROM {s} s LIMIT 5'),
('rows', 'o', 'SELECT to_jsonb(s) FROM {s} s'),
('rows', 'o', 'SELECT row_to_json(s)->>''verb'', s.id FROM {s} s'),
('rows', 'o', 'SELECT s IS NOT NULL, s IS NULL, s.*::text FROM {s} s'),
('rows', 'o', 'SELECT id FROM {s} s WHERE s IS NOT NULL'),
('rows', 'o', 'SELECT id FROM {s} s WHERE s = (SELECT t FROM {s} t OFFSET 2 LIMIT 1)'),
('rows', 'o', 'SELECT id FROM {s} s WHERE s >= (SELECT t FROM {s} t OFFSET 2 LIMIT 1)'),
('rows', 'o', 'SELECT count(s), count(*), count(target), count(s.*) FROM {s} s'),
('rows', 'o', 'SELECT 1 FROM {s} s'),
('rows', 'o', 'SELECT FROM {s} s LIMIT 3'),
('rows', 'o', 'SELECT verb, id + 1, "timestamp" - interval ''1 day'' FROM {s}'),
('rows', 'o', 'SELECT a, c FROM {s} AS s(a, b, c) WHERE b < ''2021-03-05 00:00+00'''),
('rows', 'o', 'SELECT x.s, (x.s).id FROM (SELECT s, "timestamp" AS t FROM {s} s OFFSET 0) x WHERE t < ''2021-03-05 00:00+00'''),
('rows', 'u', 'SELECT DISTINCT s FROM {s} s WHERE "timestamp" < ''2021-03-05 00:00+00'''),
('rows', 'u', 'SELECT s.*, p.n FROM {s} s LEFT JOIN oracle.place p ON p.id = (s).id'),
-- orders and limits
('orders', 'o', 'SELECT "timestamp" FROM {s} ORDER BY "timestamp" DESC LIMIT 30'),
('orders', 'o', 'SELECT id FROM {s} ORDER BY "timestamp" DESC, id DESC LIMIT 7 OFFSET 3'),
('orders', 'o', 'SELECT id FROM {s} ORDER BY "timestamp" DESC, id LIMIT 30'),
('orders', 'o', 'SELECT id FROM {s} ORDER BY "timestamp", id DESC LIMIT 30'),
('orders', 'o', 'SELECT id FROM {s} ORDER BY "timestamp" DESC, verb DESC, id'),
('orders', 'o', 'SELECT id FROM {s} ORDER BY id DESC, "timestamp" DESC LIMIT 3'),
('orders', 'o', 'SELECT id, verb FROM {s} ORDER BY verb, "timestamp" DESC, id DESC OFFSET 1'),
('orders', 'o', 'SELECT id FROM {s} ORDER BY "timestamp" DESC NULLS FIRST, id DESC NULLS LAST LIMIT 5'),
('orders', 'o', 'SELECT id FROM {s} ORDER BY "timestamp" + interval ''1 day'' DESC, id'),
('orders', 'o', 'SELECT id FROM {s} LIMIT (SELECT 3) OFFSET (SELECT 1)'),
('orders', 'o', 'SELECT "timestamp" FROM {s} ORDER BY 1 DESC FETCH FIRST 3 ROWS WITH TIES'),
('orders', 'o', 'SELECT id FROM (SELECT * FROM {s} LIMIT 8) x WHERE "timestamp" < ''2021-03-06 12:00+00'''),
('orders', 'o', 'SELECT id FROM (SELECT * FROM {s} OFFSET 8) x WHERE ("timestamp", id) > (''2021-03-04 12:00+00'', 50)'),
('orders', 'o', 'SELECT id FROM (SELECT * FROM {s} OFFSET 0) x WHERE ("timestamp", id) > (''2021-03-04 12:00+00'', 50)'),
('orders', 'o', 'SELECT id FROM (SELECT * FROM {s} WHERE "timestamp" < ''2021-03-06 12:00+00'' LIMIT 9) x ORDER BY "timestamp", id LIMIT 4'),
('orders', 'o', 'SELECT id FROM (SELECT * FROM {s} ORDER BY "timestamp", id LIMIT 9) x ORDER BY "timestamp" DESC, id DESC'),
-- aggregates and windows
('aggregates', 'o', 'SELECT count(*), min("timestamp"), max("timestamp"), min(id), max(id) FROM {s}'),
('aggregates', 'o', 'SELECT min("timestamp"), max("timestamp") FROM {s} WHERE "timestamp" < ''2021-03-06 12:00+00'''),
('aggregates', 'o', 'SELECT max("timestamp") FROM {s}'),
('aggregates', 'o', 'SELECT count(*) FROM {s} WHERE "timestamp" > ''2021-03-04 00:00+00'''),
('aggregates', 'o', 'SELECT array_agg(id ORDER BY "timestamp", id), array_agg(id) FROM {s}'),
('aggregates', 'u', 'SELECT verb, count(*), max(id) FROM {s} GROUP BY verb'),
('aggregates', 'u', 'SELECT verb, count(*) FROM {s} WHERE "timestamp" < ''2021-03-05 00:00+00'' GROUP BY ROLLUP (verb) HAVING count(*) > 2'),
('aggregates', 'u', 'SELECT "timestamp", count(*) FROM {s} GROUP BY "timestamp" HAVING "timestamp" < ''2021-03-05 00:00+00'''),
('aggregates', 'o', 'SELECT "timestamp", count(*) FROM {s} GROUP BY "timestamp" ORDER BY "timestamp" DESC LIMIT 4'),
('aggregates', 'o', 'SELECT "timestamp", id, count(*) FROM {s} GROUP BY 1, 2 ORDER BY 1 DESC, 2 DESC LIMIT 4'),
('aggregates', 'u', 'SELECT DISTINCT verb, target IS NULL FROM {s}'),
('aggregates', 'o', 'SELECT DISTINCT ON (verb) verb, id FROM {s} ORDER BY verb, "timestamp" DESC, id DESC'),
('aggregates', 'o', 'SELECT DISTINCT ON ("timestamp") "timestamp", id FROM {s} ORDER BY "timestamp" DESC, id DESC LIMIT 9'),
('aggregates', 'o', 'SELECT DISTINCT ON ("timestamp") "timestamp", id FROM {s} ORDER BY "timestamp" DESC, id LIMIT 9'),
('aggregates', 'u', 'SELECT * FROM (SELECT DISTINCT ON (verb) verb, "timestamp" FROM {s} ORDER BY verb, "timestamp" DESC) x WHERE "timestamp" < ''2021-03-09 00:00+00'''),
('aggregates', 'o', 'SELECT id, row_number() OVER () FROM {s}'),
('aggregates', 'o', 'SELECT * FROM (SELECT id, row_number() OVER (ORDER BY "timestamp" DESC, id DESC) AS r FROM {s}) x WHERE r <= 5 ORDER BY r'),
('aggregates', 'o', 'SELECT * FROM (SELECT id, row_number() OVER (ORDER BY "timestamp", id) AS r FROM {s}) x WHERE r <= 5 ORDER BY r'),
('aggregates', 'o', 'SELECT * FROM (SELECT id, "timestamp", count(*) OVER () AS c FROM {s}) x WHERE "timestamp" < ''2021-03-05 00:00+00'' ORDER BY "timestamp" DESC, id DESC LIMIT 3'),
('aggregates', 'u', 'SELECT id, lag("timestamp") OVER (PARTITION BY verb ORDER BY "timestamp" DESC, id DESC) FROM {s}'),
('aggregates', 'o', 'SELECT id, rank() OVER (ORDER BY "timestamp" DESC), sum(id) OVER (ORDER BY "timestamp" DESC, id DESC) FROM {s} ORDER BY "timestamp" DESC, id DESC LIMIT 12'),
('aggregates', 'o', 'SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY "timestamp"), count(DISTINCT verb), count(*) FILTER (WHERE "timestamp" < ''2021-03-05 00:00+00'') FROM {s}'),
-- subqueries
('subqueries', 'o', 'SELECT n, EXISTS (SELECT FROM {s} s WHERE s."timestamp" < p."timestamp") FROM oracle.place p ORDER BY n'),
('subqueries', 'o', 'SELECT n, (SELECT count(*) FROM {s} s WHERE s."timestamp" > p."timestamp") FROM oracle.place p ORDER BY n'),
('subqueries', 'o', 'SELECT n, (SELECT s.id FROM {s} s WHERE (s."timestamp", s.id) < (p."timestamp", p.id) LIMIT 1) FROM oracle.place p ORDER BY n'),
('subqueries', 'o', 'SELECT n, array(SELECT s.id FROM {s} s WHERE p."timestamp" >= s."timestamp" AND s.verb = p.verb LIMIT 3) FROM oracle.place p ORDER BY n'),
('subqueries', 'o', 'SELECT n, (SELECT s FROM {s} s WHERE s.id = p.id) FROM oracle.place p ORDER BY n'),
('subqueries', 'j', 'SELECT n FROM oracle.place p WHERE p.id IN (SELECT id FROM {s})'),
('subqueries', 'j', 'SELECT n FROM oracle.place p WHERE p.id NOT IN (SELECT id FROM {s})'),
('subqueries', 'j', 'SELECT n FROM oracle.place p WHERE p."timestamp" IN (SELECT "timestamp" FROM {s} WHERE id % 2 = 0)'),
('subqueries', 'j', 'SELECT n FROM oracle.place p WHERE NOT EXISTS (SELECT FROM {s} s WHERE s.id = p.id AND s."timestamp" > ''2021-03-04 00:00+00'')'),
('subqueries', 'j', 'SELECT id FROM {s} s WHERE s.id IN (SELECT p.id FROM oracle.place p)'),
('subqueries', 'j', 'SELECT id FROM {s} s WHERE NOT EXISTS (SELECT FROM oracle.place p WHERE p."timestamp" = s."timestamp")'),
('subqueries', 'j', 'SELECT id FROM {s} s WHERE EXISTS (SELECT FROM {t} t WHERE t.id = s.id AND t."timestamp" < ''2021-03-06 12:00+00'')'),
('subqueries', 'u', 'SELECT n FROM oracle.place p WHERE p."timestamp" > ALL (SELECT "timestamp" FROM {s} WHERE "timestamp" < ''2021-03-08 00:00+00'')'),
('subqueries', 'o', 'SELECT id FROM {s} WHERE "timestamp" < ANY (SELECT "timestamp" FROM oracle.place WHERE n < 4)'),
('subqueries', 'o', 'SELECT id FROM {s} WHERE "timestamp" < (SELECT max("timestamp") FROM {t}) LIMIT 8'),
('subqueries', 'o', 'SELECT id FROM {s} WHERE "timestamp" < (SELECT "timestamp" FROM {t} WHERE id = 0)'),
('subqueries', 'o', 'SELECT id FROM {s} WHERE ("timestamp", id) < (SELECT "timestamp", id FROM {s} OFFSET 3 LIMIT 1)'),
('subqueries', 'o', 'SELECT id FROM {s} WHERE ("timestamp", id) <= (SELECT "timestamp", id FROM {s} OFFSET 3 LIMIT 1) LIMIT 4'),
('subqueries', 'o', 'SELECT id FROM {s} WHERE ("timestamp", id) > (SELECT "timestamp", id FROM {s} OFFSET 30 LIMIT 1)'),
('subqueries', 'o', 'SELECT id FROM {s} WHERE ("timestamp", id) = (SELECT "timestamp", id FROM {s} OFFSET 3 LIMIT 1)'),
('subqueries', 'o', 'SELECT CASE WHEN count(*) > 3 THEN (SELECT count(*) FROM {t}) ELSE -1 END FROM {s}'),
-- joins
('joins', 'j', 'SELECT s.id, p.n FROM {s} s JOIN oracle.place p ON p.id = s.id'),
('joins', 'j', 'SELECT s.id, p.n FROM {s} s JOIN oracle.place p ON p."timestamp" = s."timestamp"'),
('joins', 'j', 'SELECT s.id, p.n FROM {s} s JOIN oracle.place p ON p."timestamp" = s."timestamp" AND p.id = s.id'),
('joins', 'j', 'SELECT s.id, t.verb FROM {s} s JOIN {t} t ON t.id = s.id'),
('joins', 'j', 'SELECT s.id, t.id FROM {s} s JOIN {t} t ON t."timestamp" = s."timestamp" AND t.id = s.id WHERE t."timestamp" < ''2021-03-06 12:00+00'''),
('joins', 'j', 'SELECT s.id, t.id FROM {s} s JOIN {t} t ON t."timestamp" = s."timestamp" WHERE s."timestamp" = ''2021-03-04 05:00+00'''),
('joins', 'u', 'SELECT s.id, p.n FROM {s} s JOIN oracle.place p ON s."timestamp" < p."timestamp" WHERE p.n < 9'),
('joins', 'u', 'SELECT s.id, p.n FROM {s} s JOIN oracle.place p ON (s."timestamp", s.id) >= (p."timestamp", p.id) WHERE p.n < 9'),
('joins', 'u', 'SELECT s.id, p.n FROM {s} s, oracle.place p WHERE s."timestamp" BETWEEN p."timestamp" AND p."timestamp" + interval ''1 day'''),
('joins', 'u', 'SELECT s.id, p.n FROM oracle.place p LEFT JOIN {s} s ON s."timestamp" < p."timestamp" AND p.n < 5'),
('joins', 'u', 'SELECT s.id, p.n FROM oracle.place p LEFT JOIN {s} s ON (s."timestamp", s.id) < (p."timestamp", p.id) AND s.verb = p.verb'),
('joins', 'u', 'SELECT s.id, p.n FROM {s} s LEFT JOIN oracle.place p ON s."timestamp" < p."timestamp" AND p.n < 5'),
('joins', 'j', 'SELECT s.id, p.n FROM {s} s LEFT JOIN oracle.place p ON s.id = p.id AND s."timestamp" > ''2021-03-06 00:00+00'''),
('joins', 'j', 'SELECT s.id, p.n FROM {s} s LEFT JOIN oracle.place p ON s.id = p.id AND (s."timestamp", s.id) < (''2021-03-06 00:00+00'', 3)'),
('joins', 'j', 'SELECT s.id, p.n FROM oracle.place p LEFT JOIN {s} s ON s.id = p.id AND s."timestamp" > ''2021-03-06 00:00+00'''),
('joins', 'j', 'SELECT s.id, p.n FROM oracle.place p LEFT JOIN {s} s ON s.id = p.id WHERE s."timestamp" > ''2021-03-06 00:00+00'''),
('joins', 'j', 'SELECT s.id, p.n FROM oracle.place p LEFT JOIN {s} s ON s.id = p.id WHERE s."timestamp" > ''2021-03-06 00:00+00'' OR s.id IS NULL'),
('joins', 'j', 'SELECT s.id, p.n FROM oracle.place p LEFT JOIN {s} s ON s.id = p.id WHERE coalesce(s."timestamp", ''infinity'') > ''2021-03-06 00:00+00'''),
('joins', 'j', 'SELECT s.id, p.n FROM oracle.place p LEFT JOIN {s} s ON s.id = p.id WHERE (s."timestamp" < ''2021-03-06 00:00+00'') IS NOT TRUE'),
('joins', 'j', 'SELECT s.id, s, p.n FROM oracle.place p FULL JOIN {s} s ON s.id = p.id'),
('joins', 'j', 'SELECT s.id, p.n FROM oracle.place p FULL JOIN {s} s ON s."timestamp" = p."timestamp"'),
('joins', 'j', 'SELECT s.id, t.id FROM {s} s FULL JOIN {t} t ON t.id = s.id WHERE s."timestamp" > ''2021-03-06 00:00+00'''),
('joins', 'j', 'SELECT s.id, t.id FROM {s} s FULL JOIN {t} t ON t.id = s.id AND t."timestamp" = s."timestamp"'),
('joins', 'j', 'SELECT s.id, p.n FROM {s} s RIGHT JOIN oracle.place p ON s.id = p.id AND p."timestamp" > ''2021-03-06 00:00+00'''),
('joins', 'u', 'SELECT s.id, t.id, p.n FROM {s} s LEFT JOIN ({t} t JOIN oracle.place p ON p.id = t.id) ON t.verb = s.verb AND t."timestamp" > s."timestamp"'),
('joins', 'o', 'SELECT s.id, p.n FROM {s} s JOIN oracle.place p USING (id) ORDER BY s."timestamp" DESC, s.id DESC, p.n LIMIT 4'),
('joins', 'o', 'SELECT s.id, p.n FROM {s} s LEFT JOIN oracle.place p USING (id) ORDER BY s."timestamp" DESC, s.id DESC, p.n OFFSET 2 LIMIT 9'),
('joins', 'u', 'SELECT count(*), sum(s.id) FROM {s} s CROSS JOIN {t} t WHERE s."timestamp" < t."timestamp" AND t."timestamp" < ''2021-03-04 00:00+00'' AND s.id % 7 = 0'),
('joins', 'u', 'SELECT s.id, d FROM {s} s JOIN (VALUES (date ''2021-03-03''), (''2021-03-05''), (NULL)) v (d) ON s."timestamp" >= d AND s."timestamp" < d + 1'),
-- LATERAL
('lateral', 'u', 'SELECT p.n, s.id FROM oracle.place p, LATERAL (SELECT * FROM {s} s WHERE s."timestamp" < p."timestamp" LIMIT 2) s'),
('lateral', 'u', 'SELECT p.n, s.id FROM oracle.place p LEFT JOIN LATERAL (SELECT * FROM {s} s WHERE (s."timestamp", s.id) < (p."timestamp", p.id) LIMIT 2) s ON true'),
('lateral', 'u', 'SELECT p.n, s.id FROM oracle.place p LEFT JOIN LATERAL (SELECT * FROM {s} s WHERE s."timestamp" >= p."timestamp" ORDER BY s."timestamp", s.id LIMIT 2) s ON s.verb = p.verb'),
('lateral', 'u', 'SELECT p.n, s.id FROM oracle.place p, LATERAL (SELECT p."timestamp" - interval ''1 day'' AS t OFFSET 0) x, {s} s WHERE s."timestamp" > x.t AND s."timestamp" <= p."timestamp"'),
('lateral', 'u', 'SELECT s.id, t.id FROM {s} s, LATERAL (SELECT * FROM {t} t WHERE (t."timestamp", t.id) < (s."timestamp", s.id) LIMIT 1) t'),
('lateral', 'u', 'SELECT p.n, s.id FROM oracle.place p, @user_stream(p.ref) s WHERE s."timestamp" < ''2021-03-03 00:00+00'''),
('lateral', 'u', 'SELECT p.n, s.id FROM oracle.place p LEFT JOIN LATERAL @user_stream(p.ref, p.flag, p.n % 2 = 0, p.n % 3 = 0) s ON true'),
('lateral', 'u', 'SELECT p.n, s.id FROM oracle.place p LEFT JOIN LATERAL (SELECT * FROM @user_stream(p.ref, p.flag, p.n % 2 = 0, p.n % 3 = 0) LIMIT 3) s ON s."timestamp" > p."timestamp"'),
('lateral', 'u', 'SELECT p.n, s.id FROM oracle.place p, LATERAL (SELECT * FROM @any_stream(p.ref) s WHERE s."timestamp" < p."timestamp" LIMIT 2) s'),
('lateral', 'u', 'SELECT p.n, s.id FROM oracle.place p, LATERAL (SELECT * FROM @stream_of(ARRAY[p.ref, ''o:2'', NULL], CASE p.n % 3 WHEN 0 THEN ''{actor}'' WHEN 1 THEN ''{target,actor}''::text[] END) s LIMIT 2) s'),
('lateral', 'u', 'SELECT p.n, s.id FROM oracle.place p, LATERAL (SELECT * FROM @model_stream((ARRAY[''box'', NULL, ''bo''])[1 + p.n % 3]) s WHERE s."timestamp" < p."timestamp" LIMIT 2) s WHERE p.n < 12'),
('lateral', 'u', 'SELECT a.id, t.id FROM @actor_stream(''o:1'') a, LATERAL (SELECT * FROM @target_stream(a.target) t WHERE t.id <> a.id LIMIT 2) t'),
('lateral', 'u', 'SELECT a.id, t.id FROM @actor_stream(''o:1'') a LEFT JOIN LATERAL @target_stream(a.action_object) t ON t."timestamp" < a."timestamp"'),
('lateral', 'u', 'SELECT count(*), sum(u.id) FROM @actor_stream(''o:21'') a, @target_stream(a.target) t, LATERAL (SELECT * FROM @user_stream(t.actor) u WHERE (u."timestamp", u.id) < (t."timestamp", t.id) LIMIT 2) u WHERE a.id % 20 = 0'),
('lateral', 'u', 'SELECT p.n, s.* FROM oracle.place p, LATERAL (SELECT count(*), max(id) FROM @user_stream(p.ref, with_user_activity => true) WHERE "timestamp" > p."timestamp") s'),
('lateral', 'u', 'SELECT p.n, s.id FROM oracle.place p, LATERAL (SELECT id FROM @actor_stream(p.ref) UNION ALL SELECT id FROM @target_stream(p.ref) WHERE "timestamp" < p."timestamp") s'),
-- sets
('sets', 'o', 'SELECT id FROM (SELECT * FROM {s} UNION ALL SELECT * FROM {t}) u ORDER BY "timestamp" DESC, id DESC LIMIT 12'),
('sets', 'o', 'SELECT id FROM (SELECT "timestamp", id FROM {s} UNION ALL SELECT "timestamp", id FROM {t}) u WHERE ("timestamp", id) < (''2021-03-05 00:00+00'', 7) ORDER BY "timestamp" DESC, id DESC LIMIT 12'),
('sets', 'u', 'SELECT id FROM (SELECT * FROM {s} UNION ALL SELECT * FROM {t} WHERE verb = ''liked'') u WHERE "timestamp" >= ''2021-03-05 00:00+00'''),
('sets', 'u', 'SELECT id FROM {s} UNION SELECT id FROM {t}'),
('sets', 'u', 'SELECT id FROM {s} EXCEPT SELECT id FROM {t} WHERE "timestamp" < ''2021-03-05 00:00+00'''),
('sets', 'u', 'SELECT id, "timestamp" FROM {s} INTERSECT SELECT id, "timestamp" FROM {t}'),
('sets', 'o', '(SELECT id FROM {s} LIMIT 2) UNION ALL (SELECT id FROM {t} LIMIT 2)'),
-- WITH
('with', 'o', 'WITH c AS MATERIALIZED (SELECT * FROM {s}) SELECT id FROM c WHERE "timestamp" < ''2021-03-05 00:00+00'' LIMIT 4'),
('with', 'o', 'WITH c AS NOT MATERIALIZED (SELECT * FROM {s}) SELECT id, (SELECT count(*) FROM c WHERE "timestamp" > ''2021-03-05 00:00+00'') FROM c WHERE "timestamp" < ''2021-03-05 00:00+00'' LIMIT 4'),
('with', 'o', 'WITH c AS (SELECT * FROM {s}) (SELECT id FROM c LIMIT 3) UNION ALL (SELECT id FROM c OFFSET 2 LIMIT 4) UNION ALL (SELECT count(*) FROM c)'),
('with', 'u', 'WITH RECURSIVE walk (ref, depth) AS (SELECT ''o:1''::@ref, 0 UNION SELECT s.target, depth + 1 FROM walk w, LATERAL (SELECT target::@ref FROM @actor_stream(w.ref) WHERE target IS NOT NULL LIMIT 3) s WHERE depth < 5) SELECT * FROM walk'),
('with', 'o', 'WITH RECURSIVE row AS ((SELECT "timestamp", id FROM {s} LIMIT 1) UNION ALL SELECT n.* FROM row r, LATERAL (SELECT s."timestamp", s.id FROM {s} s WHERE (s."timestamp", s.id) < (r."timestamp", r.id) LIMIT 1) n) SELECT * FROM row LIMIT 300'),
('with', 'o', 'WITH RECURSIVE row AS ((SELECT "timestamp", id FROM {s} ORDER BY "timestamp", id LIMIT 1) UNION ALL SELECT n.* FROM row r, LATERAL (SELECT s."timestamp", s.id FROM {s} s WHERE (r."timestamp", r.id) < (s."timestamp", s.id) ORDER BY s."timestamp", s.id LIMIT 1) n) SELECT * FROM row LIMIT 40'),
-- in other places than FROM
('elsewhere', 'o', 'SELECT {s}'),
('elsewhere', 'o', 'SELECT ({s}).id LIMIT 3'),
('elsewhere', 'o', 'SELECT (x.s).id FROM (SELECT {s} AS s) x WHERE ((x.s)."timestamp") < ''2021-03-05 00:00+00'' LIMIT 7'),
('elsewhere', 'u', 'SELECT p.n, (@user_stream(p.ref, p.flag)).id FROM oracle.place p'),
('elsewhere', 'o', 'SELECT p.n, (@any_stream(p.ref)).id FROM oracle.place p WHERE p.n < 5 ORDER BY p.n LIMIT 9'),
('elsewhere', 'o', 'SELECT ({s}).id, ({t}).verb, generate_series(1, 3) LIMIT 40'),
('elsewhere', 'o', 'SELECT ordinality, id FROM {s} WITH ORDINALITY'),
('elsewhere', 'o', 'SELECT ordinality, id FROM {s} WITH ORDINALITY WHERE "timestamp" < ''2021-03-05 00:00+00'' LIMIT 5'),
('elsewhere', 'o', 'SELECT id FROM {s} WITH ORDINALITY WHERE ordinality <= 3'),
('elsewhere', 'o', 'SELECT x.a, x.k FROM ROWS FROM ({s}, {t}, generate_series(1, 5)) AS x (a,b,c,d,e,f,g,h,i,j, k,l,m,n,o,p,q,r,s,t, u)'),
('elsewhere', 'u', 'SELECT p.n, x.o, x.a FROM oracle.place p LEFT JOIN LATERAL ROWS FROM (@actor_stream(p.ref)) WITH ORDINALITY AS x (a,b,c,d,e,f,g,h,i,j,o) ON x.b < p."timestamp"'),
('elsewhere', 'o', 'SELECT array(SELECT id FROM {s} LIMIT 3), (SELECT to_jsonb(s) FROM {s} s LIMIT 1)'),
('elsewhere', 'o', 'SELECT id FROM {s} WHERE (nextval(''oracle.odd'') + id) % 1 = 0 LIMIT 3'),
-- in functions and views
('wrapped', 'o', 'SELECT id FROM @@pushed(''o:1'') WHERE ("timestamp", id) < (''2021-03-06 12:00+00'', 3000) LIMIT 4'),
('wrapped', 'u', 'SELECT p.n, s.id FROM oracle.place p, @@pushed(p.ref) s WHERE s."timestamp" < p."timestamp"'),
('wrapped', 'o', 'SELECT id FROM @@done_to(''{o:1,box:1,NULL}'', ''2021-03-05 00:00+00'') WHERE "timestamp" >= ''2021-03-03 00:00+00'''),
('wrapped', 'u', 'SELECT p.n, s.id FROM oracle.place p, LATERAL (SELECT * FROM @@done_to(ARRAY[p.ref], p."timestamp") s WHERE s."timestamp" < ''2021-03-09 00:00+00'' LIMIT 2) s'),
('wrapped', 'o', 'SELECT id FROM @@done_to(''{o:1,box:1}'', NULL)'),
('wrapped', 'o', 'SELECT id FROM @@page(''o:2'', ''2021-03-06 12:00+00'', 3000)'),
('wrapped', 'u', 'SELECT p.n, s.id FROM oracle.place p, @@page(p.ref, p."timestamp", p.id) s WHERE s."timestamp" > ''2021-03-03 00:00+00'''),
('wrapped', 'o', 'SELECT id FROM @@page(''o:2'', NULL, 3000)'),
('wrapped', 'u', 'SELECT p.n, s.id FROM oracle.place p, @@opaque(p.ref, p."timestamp") s WHERE s."timestamp" > ''2021-03-03 00:00+00'''),
('wrapped', 'u', 'SELECT p.n, s.id FROM oracle.place p LEFT JOIN LATERAL @@strict(p.ref, p."timestamp") s ON true'),
('wrapped', 'u', 'SELECT p.n, s.id FROM oracle.place p LEFT JOIN LATERAL @@definer(p.ref) s ON s."timestamp" < p."timestamp"'),
('wrapped', 'o', 'SELECT p.n, @@newest(p.ref, p."timestamp") FROM oracle.place p ORDER BY n'),
('wrapped', 'o', 'SELECT id, @@newest(target, "timestamp"), @@newest(actor, NULL) FROM @user_stream(''o:1'') LIMIT 20'),
('wrapped', 'u', 'SELECT p.n, i FROM oracle.place p, @@looped(p.ref, p."timestamp", p.n) i'),
('wrapped', 'u', 'SELECT p.n, s.id FROM oracle.place p, @@returned(p.ref, p."timestamp") s'),
('wrapped', 'o', 'SELECT id FROM @@timeline WHERE "timestamp" < ''2021-03-05 00:00+00'' AND verb = ''liked'''),
('wrapped', 'o', 'SELECT id FROM @@timeline LIMIT 3'),
('wrapped', 'o', 'SELECT id FROM @@guarded WHERE "timestamp" < ''2021-03-05 00:00+00'' LIMIT 30'),
('wrapped', 'o', 'SELECT id FROM @@guarded WHERE ("timestamp", id) >= (''2021-03-05 00:00+00'', 8) AND data->>''k'' = ''3'''),
('wrapped', 'o', 'SELECT id FROM @@limited WHERE "timestamp" < ''2021-03-09 00:00+00'''),
('wrapped', 'u', 'SELECT n.id, s.id FROM @@nested n LEFT JOIN LATERAL (SELECT * FROM @any_stream(n.target) s WHERE s."timestamp" > n."timestamp" LIMIT 1) s ON true WHERE n.id % 5 = 0');
CREATE SEQUENCE oracle.odd;
UPDATE oracle.form SET query = replace(query, 'p.ref', 'p.ref::@ref');

CREATE PROCEDURE oracle.forms(calls integer[], settings text[]) LANGUAGE plpgsql AS $$
DECLARE
    f record;
BEGIN
    FOR f IN SELECT kind, how, replace(replace(form.query, '{s}', c.call), '{t}', t.call) AS query
             FROM oracle.form JOIN oracle.call c ON c.n = calls[1] OR form.query LIKE '%{s}%' AND c.n = ANY (calls)
             JOIN oracle.call t ON t.n = calls[1 + (c.n + form.n) % cardinality(calls)]
             ORDER BY form.n, c.n
    LOOP
        CALL oracle.same(f.kind, f.query, f.how = 'o', CASE WHEN f.how = 'j' THEN settings ELSE '{}' END);
    END LOOP;
END
$$;
CALL oracle.forms('{9,8,16,21,26}',
                  '{enable_hashjoin=off enable_mergejoin=off,enable_nestloop=off enable_mergejoin=off,enable_nestloop=off enable_hashjoin=off,enable_hashjoin=off enable_mergejoin=off enable_material=off enable_memoize=off}');

-- An expression that is not the same for every row is evaluated for each row:
-- every second one passes, whichever that is.
DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT call, format('SELECT count(*) FROM %s WHERE "timestamp" >= CASE nextval(''oracle.odd'') %% 2'
                                 ' WHEN 0 THEN timestamptz ''-infinity'' END', call) AS query
             FROM oracle.call WHERE n <= 25
    LOOP
        PERFORM setval('oracle.odd', 1, false);
        CALL oracle.note('volatile', c.query, NULL,
                         oracle.answer(oracle.ask(format('SELECT count(*) / 2 FROM %s', c.call), false), false),
                         oracle.answer(oracle.ask(c.query, true), false));
    END LOOP;
END
$$;

--
-- Loops and cursors
--

-- What a series of fetches finds, as NULL beyond either end
CREATE FUNCTION oracle.scroll(query text, moves text[]) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    c     refcursor;
    r     record;
    move  text;
    count integer;
    found text[] := '{}';
BEGIN
    OPEN c SCROLL FOR EXECUTE query;
    FOREACH move IN ARRAY moves LOOP
        CASE split_part(move, ' ', 1)
            WHEN 'next' THEN FETCH NEXT FROM c INTO r;
            WHEN 'prior' THEN FETCH PRIOR FROM c INTO r;
            WHEN 'first' THEN FETCH FIRST FROM c INTO r;
            WHEN 'last' THEN FETCH LAST FROM c INTO r;
            WHEN 'absolute' THEN FETCH ABSOLUTE split_part(move, ' ', 2)::integer FROM c INTO r;
            WHEN 'relative' THEN FETCH RELATIVE split_part(move, ' ', 2)::integer FROM c INTO r;
            WHEN 'move' THEN MOVE FORWARD split_part(move, ' ', 2)::integer FROM c; GET DIAGNOSTICS count = ROW_COUNT; r := row(count);
            WHEN 'back' THEN MOVE BACKWARD split_part(move, ' ', 2)::integer FROM c; GET DIAGNOSTICS count = ROW_COUNT; r := row(count);
        END CASE;
        found := found || r::text;
        -- what is taken back does not take the cursor back
        BEGIN
            FETCH NEXT FROM c INTO r;
            found := found || r::text;
            RAISE EXCEPTION 'taken back';
        EXCEPTION WHEN raise_exception THEN
            NULL;
        END;
    END LOOP;
    CLOSE c;
    RETURN found;
END
$$;

-- The first rows that a loop meets, which ends itself
CREATE FUNCTION oracle.loop(query text, most integer) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    r     record;
    found text[] := '{}';
BEGIN
    FOR r IN EXECUTE query LOOP
        found := found || r::text;
        EXIT WHEN cardinality(found) >= most;
    END LOOP;
    RETURN found;
END
$$;

DO $$
DECLARE
    q record;
BEGIN
    FOR q IN SELECT oracle.ask(replace(form, '{s}', call), false) AS wanted, oracle.ask(replace(form, '{s}', call), true) AS got
             FROM oracle.call, unnest(ARRAY['SELECT id, "timestamp" FROM {s}',
                                            'SELECT s FROM {s} s WHERE ("timestamp", id) < (''2021-03-06 12:00+00'', 2800)',
                                            'SELECT id FROM {s} s WHERE "timestamp" >= ''2021-03-05 00:00+00'' AND verb <> ''liked'' LIMIT 9',
                                            'SELECT id FROM {s} s ORDER BY "timestamp" DESC, id DESC',
                                            'SELECT n, s.id FROM oracle.place p CROSS JOIN LATERAL (SELECT * FROM {s} s WHERE s."timestamp" < p."timestamp" LIMIT 3) s ORDER BY n, s."timestamp" DESC, s.id DESC']) AS form
             WHERE n IN (1, 3, 8, 9, 12, 15, 21, 23, 24, 26)
    LOOP
        CALL oracle.note('cursors', q.got, NULL,
            oracle.scroll(q.wanted, '{next,next,prior,move 5,back 2,absolute 3,relative -1,last,prior,prior,move 10,back 4,first,prior,next,absolute -3,relative 2,absolute 0,move 1000,back 2000,next}'),
            oracle.scroll(q.got, '{next,next,prior,move 5,back 2,absolute 3,relative -1,last,prior,prior,move 10,back 4,first,prior,next,absolute -3,relative 2,absolute 0,move 1000,back 2000,next}'));
        CALL oracle.note('loops', q.got, NULL, oracle.loop(q.wanted, 4), oracle.loop(q.got, 4));
    END LOOP;
END
$$;

-- A cursor sees what there was when it was declared, whatever happens then,
-- also when it is held over the end of the transaction.
CREATE FUNCTION oracle.rest_of(c refcursor) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    id   bigint;
    rest bigint[] := '{}';
BEGIN
    LOOP
        FETCH c INTO id;
        EXIT WHEN id IS NULL;
        rest := rest || id;
    END LOOP;
    RETURN rest;
END
$$;
CREATE TABLE oracle.before AS SELECT array(SELECT id FROM wanted.user_stream('o:1')) AS ids;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM actstream.user_stream('o:1');
DECLARE d SCROLL CURSOR FOR SELECT id FROM actstream.user_stream('o:1') WHERE ("timestamp", id) < ('infinity', 0);
FETCH 2 FROM c;
FETCH 2 FROM d;
SAVEPOINT s;
DELETE FROM actstream.actions WHERE id % 3 = 0;
UPDATE actstream.actions SET public = NOT public, description = 'hidden' WHERE id % 3 = 1;
DELETE FROM actstream.follows WHERE follower::text = 'o:1';
FETCH 2 FROM c;
FETCH 2 FROM d;
ROLLBACK TO s;
FETCH 2 FROM c;
FETCH BACKWARD 3 FROM d;
DELETE FROM actstream.actions WHERE id % 3 = 0;
UPDATE actstream.actions SET "timestamp" = "timestamp" + interval '1 hour' WHERE id % 3 = 1;
SELECT oracle.rest_of('c') = ids[7:] AS c, oracle.rest_of('d') = (SELECT array_agg(i ORDER BY n) FROM unnest(ids) WITH ORDINALITY AS u (i, n)
                                                    WHERE i NOT IN (SELECT id FROM oracle.action WHERE "timestamp" = 'infinity'))[2:] AS d
FROM oracle.before;
ROLLBACK;
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT id FROM actstream.user_stream('o:1');
FETCH 2 FROM c;
SAVEPOINT s;
DELETE FROM actstream.follows WHERE follower::text = 'o:1';
ROLLBACK TO s;
COMMIT;
SELECT oracle.rest_of('c') = ids[3:] AS c FROM oracle.before;
CLOSE c;

--
-- Streams beside changes: a statement sees what there was before it
--

BEGIN;
CREATE TABLE kept AS SELECT * FROM actstream.user_stream('o:1') WHERE "timestamp" < '2021-03-06 12:00+00';
SELECT (SELECT array_agg(k::text) FROM kept k)
       = (SELECT array_agg(w::text) FROM wanted.user_stream('o:1') w WHERE "timestamp" < '2021-03-06 12:00+00') AS kept;
INSERT INTO kept SELECT * FROM actstream.actor_stream('o:1') ON CONFLICT DO NOTHING;
UPDATE kept k SET description = s.verb FROM actstream.actor_stream('o:1') s WHERE s.id = k.id;
SELECT count(*) = (SELECT count(*) FROM (SELECT id FROM wanted.user_stream('o:1') WHERE "timestamp" < '2021-03-06 12:00+00'
                                         UNION ALL SELECT id FROM wanted.actor_stream('o:1')) u) AS inserted,
       count(*) FILTER (WHERE description = verb) = (SELECT count(*) FROM kept WHERE actor = 'o:1') AS updated
FROM kept;
DELETE FROM kept k USING actstream.any_stream('o:1') s WHERE s.id = k.id AND s."timestamp" < '2021-03-05 00:00+00';
SELECT count(*) AS left_over FROM kept k JOIN wanted.any_stream('o:1') s USING (id) WHERE s."timestamp" < '2021-03-05 00:00+00';
ROLLBACK;

BEGIN;
-- the stream of the table that is written to
INSERT INTO actstream.actions ("timestamp", actor, verb, target) SELECT "timestamp", actor, 'again', target FROM actstream.actor_stream('o:1');
SELECT count(*) = 2 * (SELECT count(*) FROM wanted.actor_stream('o:1')) AS doubled FROM actstream.actor_stream('o:1');
WITH i AS (INSERT INTO actstream.actions (actor, verb) VALUES ('o:4', 'with') RETURNING id),
     d AS (DELETE FROM actstream.actions WHERE actor = 'o:4' AND id % 2 = 0 RETURNING id)
SELECT (SELECT count(*) FROM i) AS inserted, (SELECT count(*) FROM d) > 5 AS deleted,
       count(*) = (SELECT count(*) FROM wanted.actor_stream('o:4')) AS as_before
FROM actstream.actor_stream('o:4');
UPDATE actstream.actions a SET description = 'seen', data = NULL FROM actstream.user_stream('o:1') s WHERE s.id = a.id AND s.id % 2 = 0;
UPDATE actstream.actions a SET public = false FROM actstream.any_stream('o:2') s WHERE s.id = a.id AND s.id % 3 = 0;
UPDATE actstream.actions SET "timestamp" = "timestamp" + interval '1 year' WHERE id IN (SELECT id FROM actstream.public_stream() LIMIT 40);
DELETE FROM actstream.actions a USING actstream.target_stream('o:3') s WHERE s.id = a.id AND s."timestamp" < '2021-03-05 00:00+00';
-- a function that writes sees what it wrote, one that only reads does not
CREATE FUNCTION send_and_count() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM actstream.act_send('o:13', 'counted');
    RETURN (SELECT count(*) FROM actstream.actor_stream('o:13') WHERE verb = 'counted');
END
$$;
CREATE FUNCTION count_only() RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT count(*) FROM actstream.actor_stream('o:13') WHERE verb = 'counted');
END
$$;
SELECT send_and_count(), count_only() FROM generate_series(1, 3);
SELECT count_only();
CALL oracle.load();
CALL oracle.random_conditions('changed in the transaction', '[1,25]', 8);
CALL oracle.forms('{8,21}', '{}');
SELECT sum(queries) AS queries, sum(differing) AS differing FROM oracle.outcome;
ROLLBACK;
CALL oracle.random_conditions('rolled back', '[7,25]', 4);

SELECT kind, queries, rows, empty, errors, differing FROM oracle.outcome ORDER BY n;
-- none; or the first ones
SELECT kind, query, how, cardinality(wanted) AS wanted, cardinality(got) AS got, at, wanted[at], got[at]
FROM oracle.differing,
     LATERAL (SELECT min(i) FROM generate_series(1, 1 + greatest(cardinality(wanted), cardinality(got))) AS i
              WHERE wanted[i] IS DISTINCT FROM got[i]) AS a (at)
LIMIT 20;

SET client_min_messages = warning;
DROP SCHEMA own_got, own_wanted, wanted, oracle CASCADE;
DROP EXTENSION actstream CASCADE;
