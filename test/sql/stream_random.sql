--
-- Whoever reads a stream sees what plain SQL shows: two hundred random set-ups of
-- privileges, policies, owners and follows, the same ones each time.
--
\i test/lib/fresh.sql
\i test/lib/plain_streams.sql
SET datestyle = 'ISO';
SET timezone = 'UTC';

SELECT label FROM actstream.register_external('o');
INSERT INTO actstream.actions (id, "timestamp", public, actor, verb, target, action_object, data)
SELECT i, timestamptz '2025-01-01 00:00+00' + i / 3 * interval '1 hour', i % 7 > 0, actstream.ref('o', i % 5),
       (ARRAY['liked', 'wrote', 'moved'])[1 + i % 3], actstream.ref('o', i % 9),
       CASE WHEN i % 4 > 0 THEN actstream.ref('o', i % 13) END, jsonb_build_object('tenant', i % 3)
FROM generate_series(1, 700) AS i;
ANALYZE actstream.actions;

-- Readers, of which some are members of others; what they are does not change.
CREATE ROLE random_group;
CREATE ROLE random_member IN ROLE random_group;
CREATE ROLE random_heir NOINHERIT IN ROLE random_group;
CREATE ROLE random_plain;
CREATE ROLE random_owner;
CREATE ROLE random_exempt BYPASSRLS;
CREATE ROLE random_super SUPERUSER;
CREATE VIEW role AS SELECT rolname AS name FROM pg_roles WHERE rolname LIKE 'random\_%';
GRANT USAGE ON SCHEMA actstream, plain
    TO random_group, random_member, random_heir, random_plain, random_owner, random_exempt, random_super;

-- What policies ask
CREATE TABLE member (who name, object actstream.ref, PRIMARY KEY (who, object));
INSERT INTO member SELECT name, actstream.ref('o', i) FROM role, generate_series(1, 8) AS i
WHERE (i + length(name)) % 3 > 0;
GRANT SELECT ON member TO PUBLIC;
CREATE FUNCTION whims(bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN $1 % 5 > 0; END';
CREATE FUNCTION whims(actstream.ref) RETURNS boolean LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN $1::text <> ''o:3''; END';
CREATE FUNCTION leaks(text) RETURNS boolean LANGUAGE plpgsql STABLE COST 0.0001 AS 'BEGIN RETURN $1 <> ''moved''; END';

-- A condition of the reader's that tells when it is asked about a row that the reader may
-- not see.
CREATE TABLE visible (id bigint PRIMARY KEY);
CREATE FUNCTION tells(asked bigint) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY DEFINER COST 0.0001 AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM visible WHERE id = asked) THEN
        RAISE EXCEPTION 'told of %', asked;
    END IF;
    RETURN asked % 2 = 0;
END
$$;
CREATE FUNCTION whoever() RETURNS actstream.ref LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN ''o:1''; END';

-- The streams, by the schema that they are called from
CREATE TABLE call (n int GENERATED ALWAYS AS IDENTITY (MINVALUE 0 START 0) PRIMARY KEY, format text);
INSERT INTO call (format) VALUES
    ('%s.public_stream()'), ('%s.actor_stream(''o:1'')'), ('%s.target_stream(''o:2'')'), ('%s.action_object_stream(''o:3'')'),
    ('%s.any_stream(''o:4'')'), ('%s.model_stream(''o'')'), ('%s.stream_of(''{o:1,o:2,o:8}'', ''{actor,target}'')'),
    ('%s.user_stream(''o:1'')'), ('%s.user_stream(''o:1'', since_follow => true, with_user_activity => true)'),
    ('%s.user_stream(''o:1'', ''close'')'), ('%s.user_stream((SELECT object FROM member WHERE object = ''o:1'' LIMIT 1))'),
    ('%s.user_stream(whoever())'), ('(VALUES (''o:1''::actstream.ref)) AS v (who), LATERAL (SELECT * FROM %s.user_stream(who)) AS s');
-- and what is read of them
CREATE TABLE part (n int GENERATED ALWAYS AS IDENTITY (MINVALUE 0 START 0) PRIMARY KEY, format text);
INSERT INTO part (format) VALUES
    ('SELECT array(SELECT id FROM %s)'),
    ('SELECT array(SELECT id FROM %s LIMIT 20)'),
    ('SELECT array(SELECT id FROM %s WHERE ("timestamp", id) < (''2025-01-06 05:00+00'', 375) LIMIT 20)'),
    ('SELECT array(SELECT id FROM %s WHERE tells(id) AND "timestamp" < ''2025-01-08'' LIMIT 20)');
CREATE VIEW query AS
SELECT call.n * 4 + part.n AS n, format(part.format, format(call.format, 'actstream')) AS of_stream,
       format(part.format, format(call.format, 'plain')) AS of_plain
FROM call, part;

-- Each is also prepared, once, a part of a view, and in a function that reads as its owner.
SELECT format('PREPARE prepared_%s AS %s', n, of_stream), format('CREATE VIEW view_%s AS %s AS ids', n, of_stream),
       format('CREATE FUNCTION definer_%s() RETURNS bigint[] LANGUAGE sql STABLE SECURITY DEFINER AS $$%s$$', n, of_stream),
       format('CREATE FUNCTION plain_definer_%s() RETURNS bigint[] LANGUAGE sql STABLE SECURITY DEFINER AS $$%s$$', n, of_plain),
       format('GRANT SELECT ON view_%s TO PUBLIC', n)
FROM query
\set ECHO none
\gexec
\set ECHO all

-- A number from 0 to below n
CREATE FUNCTION die(n bigint) RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT floor(random() * n)::bigint';
CREATE FUNCTION one_of(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS 'SELECT choices[1 + die(cardinality(choices))]';
CREATE FUNCTION a_role() RETURNS text LANGUAGE sql VOLATILE AS 'SELECT one_of(VARIADIC array_agg(name::text ORDER BY name)) FROM role';

-- The commands of a random set-up of one table
CREATE FUNCTION commands(tab text, columns text, conditions text[]) RETURNS SETOF text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    reader text;
BEGIN
    RETURN NEXT format('ALTER TABLE %s OWNER TO %s', tab, one_of('random_owner', 'random_owner', current_user));
    RETURN NEXT format('ALTER TABLE %s %s ROW LEVEL SECURITY', tab, one_of('ENABLE', 'ENABLE', 'DISABLE'));
    RETURN NEXT format('ALTER TABLE %s %s ROW LEVEL SECURITY', tab, one_of('FORCE', 'NO FORCE'));
    FOR i IN 1 .. die(4) LOOP
        RETURN NEXT format('CREATE POLICY random_%s ON %s AS %s TO %s USING (%s)', i, tab,
                           CASE WHEN i = 3 THEN 'RESTRICTIVE' ELSE 'PERMISSIVE' END,
                           one_of('PUBLIC', 'PUBLIC', a_role()), one_of(VARIADIC conditions));
    END LOOP;
    RETURN NEXT format('REVOKE ALL ON %s FROM PUBLIC', tab);
    FOR reader IN SELECT name FROM role ORDER BY name LOOP
        RETURN NEXT format('REVOKE ALL ON %s FROM %s', tab, reader);
        RETURN NEXT format('GRANT %s ON %s TO %s',
                           one_of('SELECT', 'SELECT', 'SELECT', 'INSERT', format('SELECT (%s)', columns),
                                  format('SELECT (%s)', array_to_string(array_remove(string_to_array(columns, ', '),
                                                                                     one_of('public', 'flag', 'id', 'started')), ', '))),
                           tab, reader);
    END LOOP;
END
$$;
-- and of all, with what changes besides
CREATE FUNCTION commands() RETURNS SETOF text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY SELECT format('DROP POLICY %I ON %s', polname, polrelid::regclass) FROM pg_policy;
    RETURN QUERY SELECT commands('actstream.actions',
        'id, "timestamp", public, actor, verb, target, action_object, description, data, external_id',
        ARRAY['true', 'public', 'id % 3 > 0', $c$verb = 'liked'$c$, 'whims(id)', 'leaks(verb)',
              $c$data->>'tenant' = current_setting('app.tenant', true)$c$,
              'EXISTS (SELECT FROM member m WHERE m.who = current_user AND m.object = target)',
              'actor = ANY (ARRAY(SELECT object FROM member WHERE who = current_user))',
              $c$EXISTS (SELECT FROM actstream.follows f WHERE f.follower = 'o:1' AND f.followee = target)$c$]);
    RETURN QUERY SELECT commands('actstream.follows', 'follower, followee, flag, actor_only, started, verbs',
        ARRAY['true', 'true', 'actor_only', $c$flag <> 'close'$c$, 'whims(followee)', $c$leaks(follower::text)$c$,
              'EXISTS (SELECT FROM member m WHERE m.who = current_user AND m.object = followee)']);
    RETURN QUERY SELECT commands('actstream.mutes', 'muter, muted, verbs, until, block, created',
        ARRAY['true', 'true', $c$muter = 'o:1' OR block$c$, 'verbs IS NULL', 'whims(muted)', $c$leaks(muted::text)$c$,
              'EXISTS (SELECT FROM member m WHERE m.who = current_user AND m.object = muted)']);
    RETURN NEXT format($c$INSERT INTO actstream.follows (follower, followee, flag, actor_only, started, verbs)
        VALUES ('o:1', 'o:%s', '%s', '%s', timestamptz '2025-01-01' + %s * interval '1 day', %L) ON CONFLICT DO NOTHING$c$,
        die(9), one_of('', '', 'close'), die(2) = 0, die(20), one_of(NULL, NULL, '{liked}', '{wrote,moved}'));
    RETURN NEXT format($c$INSERT INTO actstream.mutes (muter, muted, verbs, until) VALUES ('o:1', 'o:%s', %L, %L) ON CONFLICT DO NOTHING$c$,
        2 + die(11), one_of(NULL, '{liked}', '{wrote,moved}'), one_of(NULL, NULL, '2025-01-01', 'infinity'));
    -- without the follows that it would end as their owner, who may have no right to
    RETURN NEXT 'SET session_replication_role = replica';
    RETURN NEXT format($c$INSERT INTO actstream.mutes (muter, muted, block) VALUES ('o:%s', 'o:1', true) ON CONFLICT DO NOTHING$c$, 9 + die(4));
    RETURN NEXT 'RESET session_replication_role';
    RETURN NEXT format($c$DELETE FROM actstream.mutes WHERE 'o:%s' IN (muter::text, muted::text)$c$, 2 + die(11));
    RETURN NEXT format($c$DELETE FROM actstream.follows WHERE followee = 'o:%s'$c$, die(9));
    RETURN NEXT format('SET app.tenant = %L', die(3));
    RETURN NEXT format('SET row_security = %s', one_of('on', 'on', 'on', 'on', 'off'));
    RETURN NEXT format('SET plan_cache_mode = %s', one_of('auto', 'force_generic_plan'));
END
$$;

-- What the role gets for the query: ids, or the code of an error
CREATE FUNCTION answer(query text, reader text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    BEGIN
        PERFORM set_config('role', reader, true);
        EXECUTE query INTO result;
        PERFORM set_config('role', 'none', true);
    EXCEPTION WHEN OTHERS THEN
        result := SQLSTATE;
    END;
    RETURN result;
END
$$;
-- what plain SQL answers.  Who may not read follows, or mutes, is refused also where PostgreSQL
-- knows that no action can be seen, and then may not ask for the right.
CREATE FUNCTION plain_answer(query text, reader text, owner text) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN query !~ 'user_stream'
                  OR answer('SELECT f.follower, f.followee, f.flag, f.actor_only, f.started, f.verbs, m.muter, m.muted, m.verbs, m.until, m.block
                             FROM actstream.follows f, actstream.mutes m LIMIT 0', owner) IS NULL
           THEN answer(query, reader)
           ELSE '42501' END
$$;
-- what it may see of the table, for tells()
CREATE FUNCTION look(reader text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ids text = answer('SELECT array_agg(id) FROM actstream.actions', reader);
BEGIN
    TRUNCATE visible;
    IF ids LIKE '{%' THEN
        INSERT INTO visible SELECT unnest(ids::bigint[]);
    END IF;
END
$$;

CREATE TABLE outcome (setup int, n int, form text, reader text, stream text, plain text, commands text[]);
CREATE PROCEDURE try(setup int, tries int) LANGUAGE plpgsql AS $$
DECLARE
    commands text[] = ARRAY(SELECT commands());
    command text;
    reader text;
    owner text;
    form text;
    queries CONSTANT bigint := (SELECT count(*) FROM query);
    pick bigint;
    q query;
BEGIN
    RESET row_security;
    FOREACH command IN ARRAY commands LOOP
        EXECUTE command;
    END LOOP;
    FOR i IN 1 .. tries LOOP
        reader := a_role();
        form := one_of('called', 'prepared', 'prepared', 'view', 'definer');
        pick := die(queries);
        SELECT * INTO q FROM query WHERE n = pick;
        owner := reader;
        IF form = 'definer' THEN
            owner := a_role();
            EXECUTE format('ALTER FUNCTION definer_%s OWNER TO %s', q.n, owner);
            EXECUTE format('ALTER FUNCTION plain_definer_%s OWNER TO %s', q.n, owner);
        END IF;
        IF q.of_stream LIKE '%tells%' THEN
            PERFORM look(owner);
        END IF;
        INSERT INTO outcome VALUES (setup, q.n, form, reader,
            answer(CASE form WHEN 'called' THEN q.of_stream
                             WHEN 'prepared' THEN format('EXECUTE prepared_%s', q.n)
                             WHEN 'view' THEN format('SELECT ids FROM view_%s', q.n)
                             ELSE format('SELECT definer_%s()', q.n) END, reader),
            plain_answer(CASE form WHEN 'definer' THEN format('SELECT plain_definer_%s() /* %s */', q.n, q.of_plain)
                                   ELSE q.of_plain END, reader, owner),
            commands);
    END LOOP;
END
$$;
SELECT setseed(0.2025);
SELECT format('CALL try(%s, 12)', i) FROM generate_series(1, 200) AS i
\set ECHO none
\gexec
\set ECHO all
ANALYZE outcome;
SELECT count(*) AS answers, count(DISTINCT setup) AS setups, count(*) FILTER (WHERE stream IS DISTINCT FROM plain) AS differing
FROM outcome;
-- the first that differ, if there are any
SELECT setup, form, reader, of_stream, stream, plain, commands FROM outcome JOIN query USING (n)
WHERE stream IS DISTINCT FROM plain ORDER BY setup LIMIT 3;
-- there was something to be seen, of some all, of others not, and to be refused
SELECT form, count(*) > 300 AS many, count(*) FILTER (WHERE plain = '{}') > 20 AS nothing, count(*) FILTER (WHERE plain = '42501') > 50 AS refused,
       count(DISTINCT plain) > 100 AS various, count(*) FILTER (WHERE plain LIKE '{_%') > 100 AS seen
FROM outcome GROUP BY form ORDER BY form;
SELECT count(*) FILTER (WHERE plain NOT LIKE '{%' AND plain <> '42501') AS other_errors FROM outcome;

DEALLOCATE ALL;
RESET plan_cache_mode;
RESET row_security;
SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
DROP SCHEMA plain CASCADE;
DROP TABLE member, visible, call, part, outcome CASCADE;
DROP OWNED BY random_group, random_member, random_heir, random_plain, random_owner, random_exempt, random_super CASCADE;
DROP VIEW role;
DROP ROLE random_group, random_member, random_heir, random_plain, random_owner, random_exempt, random_super;
DROP FUNCTION whims(bigint), leaks, tells, die, one_of, a_role, answer, plain_answer, look;
DROP FUNCTION commands();
DROP FUNCTION commands(text, text, text[]);
DROP PROCEDURE try;
