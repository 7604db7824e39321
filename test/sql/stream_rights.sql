--
-- A stream gives nobody more, and nobody less, than plain SQL over the tables
-- gives the same role: the same ids in the same order, or 42501 as well.
--
-- First for privileges and policies drawn by a hash, then in a session that has
-- its plans already when rights change.
--
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS rights CASCADE;
DROP ROLE IF EXISTS actstream_group, actstream_one, actstream_two, actstream_owner, actstream_bypass, actstream_stranger;
RESET client_min_messages;

SET timezone = 'UTC';
SET jit = off;
CREATE SCHEMA rights;
GRANT USAGE ON SCHEMA rights TO PUBLIC;
CREATE ROLE actstream_group;
CREATE ROLE actstream_one;
CREATE ROLE actstream_two IN ROLE actstream_group;
CREATE ROLE actstream_owner;
CREATE ROLE actstream_bypass BYPASSRLS;
CREATE ROLE actstream_stranger;

--
-- The data
--

SELECT label FROM actstream.register_external('o');
-- 0 to n - 1, depending on nothing but the arguments
CREATE FUNCTION rights.dice(n integer, what text, i integer)
    RETURNS integer LANGUAGE sql IMMUTABLE
    RETURN ('x' || left(encode(sha256(convert_to(what || i, 'UTF8')), 'hex'), 6))::bit(24)::integer % n;

INSERT INTO actstream.actions (id, "timestamp", public, actor, verb, action_object, target, data)
SELECT i, timestamptz '2021-03-01 00:00+00' + rights.dice(60, 'hour', i) * interval '1 hour',
       rights.dice(5, 'public', i) > 0, actstream.ref('o', rights.dice(8, 'actor', i)),
       (ARRAY['joined', 'liked', 'pushed', 'wrote'])[1 + rights.dice(4, 'verb', i)],
       CASE WHEN rights.dice(2, 'no object', i) = 0 THEN actstream.ref('o', rights.dice(9, 'object', i)) END,
       CASE WHEN rights.dice(3, 'no target', i) > 0 THEN actstream.ref('o', rights.dice(8, 'target', i)) END,
       jsonb_build_object('k', i % 5)
FROM generate_series(1, 300) AS i;
INSERT INTO actstream.follows (follower, followee, flag, actor_only, started)
SELECT actstream.ref('o', i % 4), actstream.ref('o', i % 9), (ARRAY['', 'watching'])[1 + i % 2], i % 3 > 0,
       timestamptz '2021-03-01 00:00+00' + i * interval '1 hour'
FROM generate_series(0, 35) AS i;
ANALYZE actstream.actions, actstream.follows;
-- rights to read mutes are like those to read follows; here there are none
GRANT SELECT ON actstream.mutes TO PUBLIC;

-- Each stream, and the same in plain SQL.  A stream consists of whole rows: it
-- takes the right to read every column.
CREATE TABLE rights.stream (n integer GENERATED ALWAYS AS IDENTITY, stream text, plain text);
INSERT INTO rights.stream (stream, plain) VALUES
    ('actstream.public_stream()',
     'SELECT a.* FROM actstream.actions a WHERE a.public'),
    ('actstream.actor_stream(''o:1'')',
     'SELECT a.* FROM actstream.actions a WHERE a.public AND a.actor::text = ''o:1'''),
    ('actstream.target_stream(''o:2'')',
     'SELECT a.* FROM actstream.actions a WHERE a.public AND a.target::text = ''o:2'''),
    ('actstream.action_object_stream(''o:3'')',
     'SELECT a.* FROM actstream.actions a WHERE a.public AND a.action_object::text = ''o:3'''),
    ('actstream.any_stream(''o:4'')',
     'SELECT a.* FROM actstream.actions a WHERE a.public AND ''o:4'' IN (a.actor::text, a.target::text, a.action_object::text)'),
    ('actstream.model_stream(''o'')',
     'SELECT a.* FROM actstream.actions a WHERE a.public AND (a.actor::text LIKE ''o:%'' OR a.target::text LIKE ''o:%'' OR a.action_object::text LIKE ''o:%'')'),
    ('actstream.stream_of(''{o:5,o:6}'', ''{actor,target}'')',
     'SELECT a.* FROM actstream.actions a WHERE a.public AND (a.actor::text IN (''o:5'', ''o:6'') OR a.target::text IN (''o:5'', ''o:6''))'),
    ('actstream.user_stream(''o:1'')',
     'SELECT a.* FROM actstream.actions a WHERE a.public AND EXISTS
          (SELECT FROM actstream.follows f WHERE f.follower::text = ''o:1'' AND (f.verbs IS NULL OR a.verb = ANY (f.verbs)) AND f.flag IS NOT NULL AND f.started IS NOT NULL
              AND (a.actor::text = f.followee::text OR NOT f.actor_only AND f.followee::text IN (a.target::text, a.action_object::text)))'),
    ('actstream.user_stream(''o:2'', ''watching'', true, true)',
     'SELECT a.* FROM actstream.actions a WHERE a.public AND (a.actor::text = ''o:2'' OR EXISTS
          (SELECT FROM actstream.follows f WHERE f.follower::text = ''o:2'' AND (f.verbs IS NULL OR a.verb = ANY (f.verbs)) AND f.flag = ''watching'' AND a."timestamp" >= f.started
              AND (a.actor::text = f.followee::text OR NOT f.actor_only AND f.followee::text IN (a.target::text, a.action_object::text))))'),
    ('(SELECT * FROM actstream.user_stream(''o:3'') WHERE ("timestamp", id) < (''2021-03-02 00:00+00'', 100) LIMIT 5)',
     '(SELECT a.* FROM actstream.actions a WHERE a.public AND (a."timestamp", a.id) < (''2021-03-02 00:00+00'', 100) AND EXISTS
          (SELECT FROM actstream.follows f WHERE f.follower::text = ''o:3'' AND (f.verbs IS NULL OR a.verb = ANY (f.verbs)) AND f.flag IS NOT NULL AND f.started IS NOT NULL
              AND (a.actor::text = f.followee::text OR NOT f.actor_only AND f.followee::text IN (a.target::text, a.action_object::text)))
          ORDER BY a."timestamp" DESC, a.id DESC LIMIT 5)'),
    -- arguments that are computed once
    ('actstream.user_stream((SELECT who FROM rights.me), NULL, (SELECT own FROM rights.me))',
     'SELECT a.* FROM actstream.actions a WHERE a.public AND (a.actor::text = ''o:1'' OR EXISTS
          (SELECT FROM actstream.follows f WHERE f.follower::text = ''o:1'' AND (f.verbs IS NULL OR a.verb = ANY (f.verbs)) AND f.flag IS NOT NULL AND f.started IS NOT NULL
              AND (a.actor::text = f.followee::text OR NOT f.actor_only AND f.followee::text IN (a.target::text, a.action_object::text))))'),
    ('(SELECT * FROM actstream.user_stream(rights.whoever(''o:2''), since_follow => true) ORDER BY "timestamp" DESC, id DESC LIMIT 7)',
     '(SELECT a.* FROM actstream.actions a WHERE a.public AND EXISTS
          (SELECT FROM actstream.follows f WHERE f.follower::text = ''o:2'' AND (f.verbs IS NULL OR a.verb = ANY (f.verbs)) AND f.flag IS NOT NULL AND a."timestamp" >= f.started
              AND (a.actor::text = f.followee::text OR NOT f.actor_only AND f.followee::text IN (a.target::text, a.action_object::text)))
          ORDER BY a."timestamp" DESC, a.id DESC LIMIT 7)'),
    -- of each row of another table
    ('(SELECT s.* FROM rights.me m CROSS JOIN LATERAL actstream.user_stream(m.who, ''watching'') AS s)',
     'SELECT a.* FROM actstream.actions a WHERE a.public AND EXISTS
          (SELECT FROM actstream.follows f WHERE f.follower::text = ''o:1'' AND (f.verbs IS NULL OR a.verb = ANY (f.verbs)) AND f.flag = ''watching'' AND f.started IS NOT NULL
              AND (a.actor::text = f.followee::text OR NOT f.actor_only AND f.followee::text IN (a.target::text, a.action_object::text)))'),
    -- empty, and yet it takes the right to read
    ('actstream.actor_stream(''o:99'')',
     'SELECT a.* FROM actstream.actions a WHERE a.public AND a.actor::text = ''o:99'''),
    ('actstream.user_stream(''o:99'')',
     'SELECT a.* FROM actstream.actions a WHERE a.public AND EXISTS
          (SELECT FROM actstream.follows f WHERE f.follower::text = ''o:99'' AND (f.verbs IS NULL OR a.verb = ANY (f.verbs)) AND f.flag IS NOT NULL AND f.started IS NOT NULL AND f.actor_only
              AND a.actor::text = f.followee::text)');

CREATE TABLE rights.me AS SELECT 'o:1'::actstream.ref AS who, true AS own;
CREATE FUNCTION rights.whoever(who actstream.ref) RETURNS actstream.ref LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN who; END';
GRANT SELECT ON rights.me TO PUBLIC;

-- The ids that a query has for a role, or the SQLSTATE
CREATE FUNCTION rights.answer(role text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
BEGIN
    PERFORM set_config('role', role, true);
    EXECUTE query INTO ids;
    PERFORM set_config('role', 'none', true);
    RETURN coalesce(ids, '{}')::text;
EXCEPTION WHEN others THEN
    RETURN SQLSTATE;
END
$$;

--
-- Rights by chance
--

CREATE TABLE rights.result (
    n         integer GENERATED ALWAYS AS IDENTITY,
    role      text PRIMARY KEY,
    cases     bigint,
    refused   bigint,               -- 42501 in plain SQL
    all_rows  bigint,
    some_rows bigint,
    no_row    bigint,
    differing bigint,
    leaking   bigint                -- a function in WHERE saw a row that it must not see
);
CREATE TABLE rights.difference (i integer, role text, stream text, wanted text, got text, ddl text[]);

-- What happens to a table in setup number i
CREATE FUNCTION rights.setup(what text, columns text[], conditions text[], i integer) RETURNS text[] LANGUAGE plpgsql AS $$
DECLARE
    role text;
    ddl  text[] := '{}';
    p    integer;
BEGIN
    IF rights.dice(3, what || 'owner', i) = 0 THEN
        ddl := ddl || format('ALTER TABLE actstream.%s OWNER TO actstream_owner', what);
    END IF;
    FOREACH role IN ARRAY '{actstream_group,actstream_one,actstream_two,actstream_owner,actstream_bypass}'::text[] LOOP
        ddl := ddl || CASE rights.dice(10, what || role, i)
            WHEN 0 THEN '{}'
            WHEN 1 THEN ARRAY[format('GRANT SELECT (%s) ON actstream.%s TO %s', array_to_string(columns, ', '), what, role)]
            WHEN 2 THEN ARRAY[format('GRANT SELECT (%s) ON actstream.%s TO %s',
                                     array_to_string(array_remove(columns, columns[1 + rights.dice(cardinality(columns), what || 'column', i)]), ', '),
                                     what, role)]
            WHEN 3 THEN ARRAY[format('GRANT SELECT ON actstream.%s TO %s', what, role), format('REVOKE SELECT ON actstream.%s FROM %s', what, role)]
            WHEN 4 THEN ARRAY[format('GRANT INSERT, UPDATE, DELETE ON actstream.%s TO %s', what, role)]
            ELSE ARRAY[format('GRANT SELECT ON actstream.%s TO %s', what, role)] END;
    END LOOP;
    IF rights.dice(20, what || 'public', i) = 0 THEN
        ddl := ddl || format('GRANT SELECT ON actstream.%s TO PUBLIC', what);
    END IF;
    IF rights.dice(4, what || 'security', i) > 0 THEN
        ddl := ddl || format('ALTER TABLE actstream.%s ENABLE ROW LEVEL SECURITY', what);
    END IF;
    IF rights.dice(3, what || 'force', i) = 0 THEN
        ddl := ddl || format('ALTER TABLE actstream.%s FORCE ROW LEVEL SECURITY', what);
    END IF;
    FOR p IN 1 .. least(rights.dice(7, what || 'policies', i), 3) LOOP
        ddl := ddl || format('CREATE POLICY p%s ON actstream.%s AS %s FOR %s TO %s %s (%s)', p, what,
                             CASE WHEN rights.dice(3, what || 'restrictive' || p, i) = 0 THEN 'RESTRICTIVE' ELSE 'PERMISSIVE' END,
                             (ARRAY['ALL', 'SELECT', 'SELECT', 'SELECT', 'DELETE'])[1 + rights.dice(5, what || 'for' || p, i)],
                             (ARRAY['PUBLIC', 'PUBLIC', 'actstream_one', 'actstream_two', 'actstream_group', 'actstream_owner'])[1 + rights.dice(6, what || 'to' || p, i)],
                             'USING', conditions[1 + rights.dice(cardinality(conditions), what || 'using' || p, i)]);
    END LOOP;
    RETURN ddl;
END
$$;

-- Remembers what it is shown, and costs nothing, so that it would come first.
CREATE FUNCTION rights.look(id bigint) RETURNS boolean LANGUAGE plpgsql STABLE COST 0.000001 AS $$
BEGIN
    PERFORM set_config('rights.seen', concat_ws(',', nullif(current_setting('rights.seen', true), ''), id), false);
    RETURN true;
END
$$;

-- Where policies leave nothing to be read, the planner may from 16 on forget to ask
-- for rights.  So what is to be refused is as wanted, too, if nothing is shown.
CREATE FUNCTION rights.as_wanted(got text, wanted text) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN current_setting('server_version_num')::integer >= 160000 AND wanted = '42501' AND got = '{}'
                THEN wanted ELSE got END;

CREATE PROCEDURE rights.compare(i integer, ddl text[]) LANGUAGE plpgsql AS $$
DECLARE
    role   text;
    s      record;
    wanted text;
    got    text;
    every  text;
    seen   text;
    leaks  boolean;
BEGIN
    FOREACH role IN ARRAY '{actstream_one,actstream_two,actstream_owner,actstream_bypass,none}'::text[] LOOP
        CONTINUE WHEN role IN ('actstream_bypass', 'none') AND i % 5 > 0;
        FOR s IN SELECT * FROM rights.stream WHERE (n + i + length(role)) % 2 = 0 LOOP
            wanted := rights.answer(role, format('SELECT array_agg(id ORDER BY "timestamp" DESC, id DESC) FROM (%s) AS p', s.plain));
            got := rights.answer(role, format('SELECT array_agg(id) FROM %s AS s', s.stream));
            got := rights.as_wanted(got, wanted);
            IF wanted <> got THEN
                INSERT INTO rights.difference VALUES (i, role, s.stream, wanted, got, ddl);
            END IF;
            leaks := false;
            IF (i + s.n) % 3 = 0 THEN
                PERFORM set_config('rights.seen', '', false);
                PERFORM rights.answer(role, format('SELECT array_agg(id) FROM %s AS s WHERE rights.look(id)', s.stream));
                seen := format('{%s}', current_setting('rights.seen'));
                every := rights.answer(role, 'SELECT array_agg(id) FROM actstream.actions');
                leaks := CASE WHEN every LIKE '{%' THEN NOT seen::bigint[] <@ every::bigint[]
                              WHEN wanted LIKE '{%' THEN false     -- by columns
                              ELSE seen <> '{}' END;
                IF leaks THEN
                    INSERT INTO rights.difference VALUES (i, role, s.stream, every, 'seen: ' || seen, ddl);
                END IF;
            END IF;
            every := rights.answer('none', format('SELECT array_agg(id ORDER BY "timestamp" DESC, id DESC) FROM (%s) AS p', s.plain));
            INSERT INTO rights.result AS r (role, cases, refused, all_rows, some_rows, no_row, differing, leaking)
            VALUES (role, 1, (wanted = '42501')::integer, (wanted = every AND wanted <> '{}')::integer,
                    (wanted LIKE '{_%}' AND wanted <> every AND wanted <> '{}')::integer, (wanted = '{}')::integer,
                    (wanted <> got)::integer, leaks::integer)
            ON CONFLICT ON CONSTRAINT result_pkey DO UPDATE
            SET cases = r.cases + 1, refused = r.refused + excluded.refused, all_rows = r.all_rows + excluded.all_rows,
                some_rows = r.some_rows + excluded.some_rows, no_row = r.no_row + excluded.no_row,
                differing = r.differing + excluded.differing, leaking = r.leaking + excluded.leaking;
        END LOOP;
    END LOOP;
END
$$;

-- Set up, compare, and take back
CREATE PROCEDURE rights.try(setups integer) LANGUAGE plpgsql AS $$
DECLARE
    i         integer;
    ddl       text[];
    statement text;
    results   rights.result[];
    differing rights.difference[];
BEGIN
    FOR i IN 1 .. setups LOOP
        ddl := rights.setup('actions', '{id,"\"timestamp\"",public,actor,verb,action_object,target,description,data,external_id}',
                            '{"verb <> ''liked''","id % 3 > 0",public,"actor::text = ''o:1''","target IS NOT NULL",true,"current_user = ''actstream_two''","pg_has_role(''actstream_group'', ''member'')","EXISTS (SELECT FROM rights.grade g WHERE g.id = actions.id % 10)","\"timestamp\" > ''2021-03-01 20:00+00''","rights.fits(verb)","id IN (SELECT id * 7 FROM rights.grade)"}', i)
            || rights.setup('follows', '{follower,followee,flag,actor_only,started,verbs}',
                            '{"flag = ''''",actor_only,"followee::text <> ''o:3''",true,false,"current_user = ''actstream_one''","started > ''2021-03-01 10:00+00''","rights.fits(flag)","EXISTS (SELECT FROM rights.grade g WHERE g.id = length(flag))"}', i);
        FOREACH statement IN ARRAY ddl LOOP
            EXECUTE statement;
        END LOOP;
        CALL rights.compare(i, ddl);
        SELECT array_agg(r) INTO results FROM rights.result r;
        SELECT array_agg(d) INTO differing FROM rights.difference d;
        ROLLBACK;
        DELETE FROM rights.result;
        INSERT INTO rights.result OVERRIDING SYSTEM VALUE SELECT * FROM unnest(results);
        DELETE FROM rights.difference;
        INSERT INTO rights.difference SELECT * FROM unnest(differing);
        COMMIT;
    END LOOP;
END
$$;
-- of a policy: volatile, and nothing that is known to keep a secret
CREATE FUNCTION rights.fits(t text) RETURNS boolean LANGUAGE plpgsql VOLATILE COST 0.1 AS 'BEGIN RETURN length(t) % 2 = 0; END';
CREATE TABLE rights.grade AS SELECT i AS id FROM generate_series(0, 4) AS i;
GRANT SELECT ON rights.grade TO PUBLIC;
GRANT USAGE ON SCHEMA actstream TO actstream_group, actstream_one, actstream_owner, actstream_bypass;
CALL rights.try(200);
SELECT role, cases, refused, all_rows, some_rows, no_row, differing, leaking FROM rights.result ORDER BY n;
-- none; or the first ones
SELECT i, role, stream, left(wanted, 40) AS wanted, left(got, 40) AS got, ddl FROM rights.difference LIMIT 10;

--
-- A session that is warm: its plans were made when other rights held
--

-- Each query in each form that keeps a plan.  Whether the plan of a function or
-- a prepared statement has seen a change is for the server to know, whose minor
-- releases differ in that.  So a stream is compared with plain SQL in the same form,
-- or as it is planned anew.
CREATE TABLE rights.warm (n integer, stream text, plain text);
INSERT INTO rights.warm
SELECT n, format('SELECT array_agg(id) FROM %s AS s', stream),
       format('SELECT array_agg(id ORDER BY "timestamp" DESC, id DESC) FROM (%s) AS p', plain)
FROM rights.stream WHERE n IN (1, 2, 5, 7, 8, 9, 11, 13);
GRANT SELECT ON rights.warm TO PUBLIC;

-- for whoever is to have plans
CREATE PROCEDURE rights.prepare(prefix text) LANGUAGE plpgsql AS $$
DECLARE
    w record;
BEGIN
    FOR w IN SELECT * FROM rights.warm LOOP
        EXECUTE format('PREPARE %s_stream_%s AS %s', prefix, w.n, w.stream);
        EXECUTE format('PREPARE %s_plain_%s AS %s', prefix, w.n, w.plain);
    END LOOP;
END
$$;
DO $$
DECLARE
    w record;
BEGIN
    FOR w IN SELECT * FROM rights.warm LOOP
        EXECUTE format('CREATE FUNCTION rights.stream_%s() RETURNS bigint[] LANGUAGE plpgsql STABLE AS ''BEGIN RETURN (%s); END''', w.n, replace(w.stream, '''', ''''''));
        EXECUTE format('CREATE FUNCTION rights.plain_%s() RETURNS bigint[] LANGUAGE plpgsql STABLE AS ''BEGIN RETURN (%s); END''', w.n, replace(w.plain, '''', ''''''));
    END LOOP;
END
$$;

CREATE TABLE rights.step (n integer GENERATED ALWAYS AS IDENTITY, step text, role text, form text, refused bigint, rows bigint, differing text);

CREATE PROCEDURE rights.look_again(step text, forms text[] DEFAULT '{none,stranger,anew,function}') LANGUAGE plpgsql AS $$
DECLARE
    role   text;
    form   text;
    w      record;
    wanted text;
    got    text;
    refused bigint;
    rows    bigint;
    differing text;
    anew   text;
    with_policies text;
BEGIN
    FOREACH role IN ARRAY '{actstream_one,none,actstream_two,actstream_bypass,actstream_stranger,actstream_one}'::text[] LOOP
        FOREACH form IN ARRAY forms LOOP
            refused := 0; rows := 0; differing := NULL;
            FOR w IN SELECT * FROM rights.warm ORDER BY n LOOP
                with_policies := '';
                anew := rights.answer(role, w.plain);
                CASE form
                    WHEN 'anew' THEN
                        wanted := anew;
                        got := rights.answer(role, w.stream);
                    WHEN 'function' THEN
                        wanted := rights.answer(role, format('SELECT rights.plain_%s()', w.n));
                        got := rights.answer(role, format('SELECT rights.stream_%s()', w.n));
                    ELSE
                        wanted := rights.answer(role, format('EXECUTE %s_plain_%s', form, w.n));
                        got := rights.answer(role, format('EXECUTE %s_stream_%s', form, w.n));
                END CASE;
                got := rights.as_wanted(got, wanted);
                refused := refused + (anew !~ '^{')::integer;
                rows := rows + coalesce(CASE WHEN anew LIKE '{%' THEN cardinality(anew::bigint[]) END, 0);
                -- The server does not know that the plan of an inlined function
                -- depends on row_security.  It may run on, with the policies in it.
                IF wanted = '42501' AND form <> 'anew' AND current_setting('row_security') = 'off' THEN
                    PERFORM set_config('row_security', 'on', true);
                    with_policies := rights.answer(role, w.plain);
                    PERFORM set_config('row_security', 'off', true);
                END IF;
                IF got NOT IN (wanted, anew, with_policies) THEN
                    differing := concat_ws(', ', differing, w.n || ': ' || left(wanted, 20) || ' - ' || left(got, 20));
                END IF;
            END LOOP;
            INSERT INTO rights.step (step, role, form, refused, rows, differing) VALUES (step, role, form, refused, rows, differing);
        END LOOP;
    END LOOP;
END
$$;

GRANT USAGE ON SCHEMA actstream TO actstream_stranger;
SET plan_cache_mode = force_generic_plan;
-- made by a superuser; made by a role that cannot read
CALL rights.prepare('none');
SET ROLE actstream_stranger;
CALL rights.prepare('stranger');
RESET ROLE;

CREATE PROCEDURE rights.go(steps text[]) LANGUAGE plpgsql AS $$
DECLARE
    step text;
BEGIN
    FOREACH step IN ARRAY steps LOOP
        EXECUTE step;
        COMMIT;
        CALL rights.look_again(step);
        COMMIT;
    END LOOP;
END
$$;
CALL rights.look_again('at first');
CALL rights.go(ARRAY[
    'GRANT SELECT ON actstream.actions, actstream.follows TO actstream_one, actstream_group, actstream_bypass',
    'REVOKE SELECT ON actstream.follows FROM actstream_one',
    'GRANT SELECT (follower, followee, flag, actor_only, started, verbs) ON actstream.follows TO actstream_one',
    'REVOKE SELECT ON actstream.actions FROM actstream_one',
    'GRANT SELECT ON actstream.actions TO PUBLIC',
    'GRANT SELECT ON actstream.actions, actstream.follows TO actstream_one',
    'ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY',
    'CREATE POLICY see ON actstream.actions USING (verb = ''liked'')',
    'ALTER POLICY see ON actstream.actions USING (id % 2 = 0)',
    'ALTER POLICY see ON actstream.actions TO actstream_group',
    'GRANT actstream_group TO actstream_one',
    'ALTER TABLE actstream.actions OWNER TO actstream_one',
    'ALTER TABLE actstream.actions FORCE ROW LEVEL SECURITY',
    'CREATE POLICY narrow ON actstream.actions AS RESTRICTIVE USING (actor::text <> ''o:4'' AND id <> coalesce(current_setting(''rights.hidden'', true), ''0'')::bigint)',
    'SET rights.hidden = 42',
    'ALTER TABLE actstream.actions NO FORCE ROW LEVEL SECURITY',
    'ALTER TABLE actstream.actions OWNER TO CURRENT_USER',
    'REVOKE actstream_group FROM actstream_one',
    'DROP POLICY see ON actstream.actions',
    'CREATE POLICY see ON actstream.actions TO actstream_one, actstream_two USING (EXISTS (SELECT FROM rights.grade g WHERE g.id = actions.id % 10))',
    'ALTER ROLE actstream_one BYPASSRLS',
    'ALTER ROLE actstream_one NOBYPASSRLS',
    'ALTER ROLE actstream_bypass NOBYPASSRLS',
    'ALTER ROLE actstream_bypass BYPASSRLS',
    'SET row_security = off',
    'RESET row_security',
    'DELETE FROM rights.grade WHERE id > 1',
    'ALTER TABLE actstream.actions DISABLE ROW LEVEL SECURITY',
    'ALTER TABLE actstream.follows ENABLE ROW LEVEL SECURITY',
    'CREATE POLICY see ON actstream.follows USING (flag = ''watching'' OR current_user = ''actstream_two'')',
    'ALTER TABLE actstream.follows DISABLE ROW LEVEL SECURITY',
    'ALTER ROLE actstream_stranger SUPERUSER',
    'ALTER ROLE actstream_stranger NOSUPERUSER',
    'REVOKE SELECT ON actstream.actions, actstream.follows FROM actstream_one, actstream_group, actstream_bypass, PUBLIC']);
-- queries refused / rows of all others, in plain SQL that is planned anew
SELECT left(step, 90) AS step,
       string_agg(DISTINCT refused || '/' || rows, ' ') FILTER (WHERE role = 'actstream_one') AS one,
       string_agg(DISTINCT refused || '/' || rows, ' ') FILTER (WHERE role = 'actstream_two') AS two,
       string_agg(DISTINCT refused || '/' || rows, ' ') FILTER (WHERE role = 'actstream_bypass') AS bypass,
       string_agg(DISTINCT refused || '/' || rows, ' ') FILTER (WHERE role = 'actstream_stranger') AS stranger,
       string_agg(DISTINCT refused || '/' || rows, ' ') FILTER (WHERE role = 'none') AS superuser,
       count(differing) AS differing
FROM rights.step GROUP BY step ORDER BY min(n);
SELECT step, role, form, differing FROM rights.step WHERE differing IS NOT NULL ORDER BY n LIMIT 10;
RESET plan_cache_mode;

--
-- Rights to the functions and to the schema
--

GRANT SELECT ON actstream.actions, actstream.follows TO actstream_one;
CREATE FUNCTION rights.functions() RETURNS TABLE (stream text, refused text) LANGUAGE plpgsql AS $$
BEGIN
    FOR stream IN SELECT * FROM unnest(ARRAY['public_stream()', 'actor_stream(''o:1'')', 'target_stream(''o:1'')',
                                             'action_object_stream(''o:1'')', 'any_stream(''o:1'')', 'model_stream(''o'')',
                                             'stream_of(''{o:1}'')', 'user_stream(''o:1'')', 'user_stream(NULL)']) LOOP
        refused := concat_ws(' ',
            rights.answer('actstream_one', format('SELECT array_agg(id) FROM actstream.%s', stream)),
            rights.answer('actstream_one', format('SELECT array_agg((s).id) FROM (SELECT actstream.%s AS s) AS s', stream)),
            rights.answer('actstream_one', format('SELECT array_agg(id) FROM actstream.%s WITH ORDINALITY', stream)),
            rights.answer('actstream_one', format('SELECT array_agg(id) FROM (SELECT * FROM actstream.%s LIMIT 0) AS s', stream)),
            rights.answer('actstream_one', format('SELECT array_agg(s.id) FROM rights.grade g LEFT JOIN LATERAL (SELECT * FROM actstream.%s WHERE "timestamp" < now() LIMIT 1) s ON true', stream)));
        IF refused ~ '{' THEN
            refused := regexp_replace(refused, '{[^}]*}', 'answered', 'g');
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
SELECT * FROM rights.functions();
REVOKE EXECUTE ON FUNCTION actstream.public_stream, actstream.actor_stream, actstream.target_stream,
    actstream.action_object_stream, actstream.any_stream, actstream.model_stream,
    actstream.stream_of, actstream.user_stream FROM PUBLIC;
SELECT * FROM rights.functions();
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA actstream TO PUBLIC;
REVOKE USAGE ON SCHEMA actstream FROM actstream_one;
SELECT * FROM rights.functions();
GRANT USAGE ON SCHEMA actstream TO actstream_one;
-- the tables' rights are asked for, also where nothing is read
REVOKE SELECT ON actstream.actions FROM actstream_one;
SELECT * FROM rights.functions();
GRANT SELECT ON actstream.actions TO actstream_one;

--
-- Who reads for whom: a function with its owner's rights, a view, a policy
--

ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
DROP POLICY see ON actstream.actions;
DROP POLICY narrow ON actstream.actions;
CREATE POLICY see_one ON actstream.actions TO actstream_one USING (verb = 'liked');
CREATE POLICY see_two ON actstream.actions TO actstream_two USING (verb = 'wrote');
GRANT SELECT ON actstream.actions, actstream.follows TO actstream_two;
GRANT CREATE ON SCHEMA rights TO actstream_one;
SET ROLE actstream_one;
CREATE FUNCTION rights.for_others(actstream.ref) RETURNS SETOF actstream.action LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS 'SELECT * FROM actstream.user_stream($1)';
CREATE FUNCTION rights.looped_for_others(follower actstream.ref) RETURNS SETOF text LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS
    'DECLARE a actstream.action; BEGIN FOR a IN SELECT * FROM actstream.user_stream(follower) LOOP RETURN NEXT current_user || '' '' || a.verb; END LOOP; END';
CREATE FUNCTION rights.opened(actstream.ref) RETURNS refcursor LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS
    'DECLARE c refcursor := ''c''; BEGIN OPEN c FOR SELECT verb FROM actstream.user_stream($1); RETURN c; END';
CREATE VIEW rights.timeline AS SELECT * FROM actstream.public_stream();
CREATE VIEW rights.guarded WITH (security_barrier) AS SELECT * FROM actstream.user_stream('o:1') WHERE id % 2 = 0;
GRANT SELECT ON rights.timeline, rights.guarded TO PUBLIC;
RESET ROLE;
CREATE TABLE rights.note (about actstream.ref, note text);
INSERT INTO rights.note SELECT actstream.ref('o', i), 'about ' || i FROM generate_series(1, 9) AS i;
ALTER TABLE rights.note ENABLE ROW LEVEL SECURITY;
CREATE POLICY note ON rights.note USING (EXISTS (SELECT FROM actstream.actor_stream(about) AS s WHERE s.id < 40));
GRANT SELECT ON rights.note TO PUBLIC;

CREATE FUNCTION rights.for_whom(role text) RETURNS TABLE (what text, answer text) LANGUAGE plpgsql AS $$
BEGIN
    FOR what, answer IN VALUES
        ('the stream', 'SELECT array_agg(id) FROM actstream.user_stream(''o:1'')'),
        ('definer', 'SELECT array_agg(id) FROM rights.for_others(''o:1'')'),
        ('definer, plpgsql', 'SELECT array_agg(DISTINCT ascii(split_part(f, '' '', 2))) FROM rights.looped_for_others(''o:1'') f'),
        ('view', 'SELECT array_agg(id) FROM rights.timeline'),
        ('guarded view', 'SELECT array_agg(id) FROM rights.guarded'),
        ('policy', 'SELECT array_agg(substr(note, 7)::bigint) FROM rights.note'),
        ('beside definer', 'SELECT array_agg(a.id) FROM actstream.user_stream(''o:1'') a JOIN rights.for_others(''o:1'') b USING (id)')
    LOOP
        answer := rights.answer(role, answer);
        IF answer LIKE '{_%' AND what NOT LIKE 'definer, %' AND what <> 'policy' THEN
            SELECT format('%s rows: %s', count(*), string_agg(DISTINCT verb, ' ')) INTO answer
            FROM actstream.actions WHERE id = ANY (answer::bigint[]);
        END IF;
        RETURN NEXT;
    END LOOP;
END
$$;
SELECT what, o.answer AS one, t.answer AS two, s.answer AS stranger
FROM rights.for_whom('actstream_one') o JOIN rights.for_whom('actstream_two') t USING (what) JOIN rights.for_whom('actstream_stranger') s USING (what);
-- a cursor reads with the rights of who opened it
SET ROLE actstream_stranger;
BEGIN;
SELECT rights.opened('o:1');
FETCH 2 FROM c;
ROLLBACK;
RESET ROLE;
-- and goes on with the rights that it began with
SET ROLE actstream_one;
BEGIN;
DECLARE c CURSOR FOR SELECT verb FROM actstream.user_stream('o:1');
FETCH 2 FROM c;
SET LOCAL ROLE actstream_two;
FETCH 1 FROM c;
SET LOCAL ROLE actstream_stranger;
FETCH 1 FROM c;
\set VERBOSITY sqlstate
SELECT count(*) FROM actstream.user_stream('o:1');
\set VERBOSITY default
ROLLBACK;
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA rights CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY actstream_group, actstream_one, actstream_two, actstream_owner, actstream_bypass, actstream_stranger;
DROP ROLE actstream_group, actstream_one, actstream_two, actstream_owner, actstream_bypass, actstream_stranger;
