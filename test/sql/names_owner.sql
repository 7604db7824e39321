--
-- Names, addresses and rows are read as the owner of their table: what the owner has
-- put into it gets no other rights, and leaves nothing behind
--
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS mal CASCADE;
DROP ROLE IF EXISTS actstream_mallory, actstream_umbra;
RESET client_min_messages;

CREATE ROLE actstream_mallory;
CREATE ROLE actstream_umbra;
CREATE SCHEMA mal AUTHORIZATION actstream_mallory;
GRANT USAGE ON SCHEMA actstream TO actstream_mallory, actstream_umbra;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.object_types TO actstream_mallory;
GRANT SELECT, INSERT ON actstream.actions TO actstream_mallory;
GRANT SELECT ON actstream.actions TO actstream_umbra;

-- mallory notes who runs his code, and tries to leave more of it behind: at COMMIT, and
-- in the settings of the session
SET ROLE actstream_mallory;
GRANT USAGE ON SCHEMA mal TO PUBLIC;
CREATE TABLE mal.log (what text, who name);
CREATE TABLE mal.trap (what text);
GRANT ALL ON mal.log, mal.trap TO PUBLIC;
CREATE FUNCTION mal.at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO mal.log VALUES (NEW.what || ', at COMMIT', current_user);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER trap AFTER INSERT ON mal.trap DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION mal.at_commit();
CREATE FUNCTION mal.spring(what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        INSERT INTO mal.log VALUES (what, current_user);
    EXCEPTION WHEN OTHERS THEN
        RAISE NOTICE '% as %: %', what, current_user, SQLERRM;
    END;
    BEGIN
        INSERT INTO mal.trap VALUES (what);
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END;
    BEGIN
        PERFORM set_config('search_path', 'mal', false), set_config('mal.setting', what, false);
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END;
END $$;
CREATE FUNCTION mal.check(what text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM mal.spring(what);
    RETURN true;
END $$;
CREATE TYPE mal.kind AS ENUM ('good', 'bad');
CREATE FUNCTION mal.kind_to_json(mal.kind) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM mal.spring('cast');
    RETURN '"cast"';
END $$;
CREATE CAST (mal.kind AS json) WITH FUNCTION mal.kind_to_json(mal.kind);
-- not without VALUE: that would be evaluated while the type cache loads the domain, where
-- an end of a subtransaction fails an assertion of core's
CREATE DOMAIN mal.number AS integer CHECK (mal.check('domain of ' || VALUE));

CREATE TABLE mal.thing (id mal.number PRIMARY KEY, name text, kind mal.kind);
INSERT INTO mal.thing VALUES (1, 'One', 'good'), (2, 'Two', 'bad');
CREATE INDEX thing_predicate ON mal.thing (id) WHERE mal.check('predicate');
CREATE INDEX thing_expression ON mal.thing ((mal.check('expression')));
-- rows of this one are read by whom the policy is for
CREATE TABLE mal.guarded (id mal.number PRIMARY KEY, name text, kind mal.kind);
INSERT INTO mal.guarded VALUES (1, 'One', 'good'), (2, 'Two', 'bad');
CREATE INDEX guarded_predicate ON mal.guarded (id) WHERE mal.check('predicate');
ALTER TABLE mal.guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY guard ON mal.guarded USING (mal.check('policy'));
GRANT SELECT ON mal.thing, mal.guarded TO actstream_umbra;
SELECT label FROM actstream.register('mal.thing', name_template => '{name} {kind}', url_template => '/{kind}/{id}');
SELECT label FROM actstream.register('mal.guarded', name_template => '{name} {kind}', url_template => '/{kind}/{id}');
SELECT verb FROM actstream.act_send('thing:1', 'met', 'thing:2', 'guarded:1', "timestamp" => '2026-01-01 00:00+00');
RESET ROLE;

-- by a superuser, for whom there are no policies
\c -
SET search_path = pg_catalog;
TRUNCATE mal.log, mal.trap;
CREATE FUNCTION pg_temp.look() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT actstream.display_name(o) || ' ' || actstream.url(o) || ' ' || actstream.expand(o)
    FROM unnest('{thing:1,guarded:1}'::actstream.ref[]) o
    UNION ALL SELECT e.value::text FROM actstream.expand_all('{thing:1,thing:2,guarded:1,guarded:2}') e
    UNION ALL SELECT actstream.sentence(a, a."timestamp") FROM actstream.actions a
    UNION ALL SELECT actstream.activity_streams_1(a, 'tag:example.org,2026:x', 'x', 'https://example.org/') #>> '{items,0,title}'
    FROM actstream.actions a;
$$;
BEGIN;
SELECT pg_temp.look();
COMMIT;
SELECT what, who FROM mal.log GROUP BY 1, 2 ORDER BY 1, 2;
SHOW search_path;
SELECT current_setting('mal.setting', true) AS setting, current_setting('transaction_read_only') AS read_only;

-- by another tenant: under a policy it is a query of his own, which can write nothing
\c -
SET search_path = pg_catalog;
TRUNCATE mal.log, mal.trap;
SET client_min_messages = warning;
SET ROLE actstream_umbra;
CREATE FUNCTION pg_temp.look() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT actstream.display_name(o) || ' ' || actstream.url(o) || ' ' || actstream.expand(o)
    FROM unnest('{thing:1,guarded:1}'::actstream.ref[]) o
    UNION ALL SELECT e.value::text FROM actstream.expand_all('{thing:1,thing:2,guarded:1,guarded:2}') e
    UNION ALL SELECT actstream.sentence(a, a."timestamp") FROM actstream.actions a
    UNION ALL SELECT actstream.activity_streams_1(a, 'tag:example.org,2026:x', 'x', 'https://example.org/') #>> '{items,0,title}'
    FROM actstream.actions a;
$$;
BEGIN;
SELECT pg_temp.look();
-- the transaction is what it was
CREATE TEMP TABLE written AS SELECT 1 AS one;
COMMIT;
SELECT what, who FROM mal.log GROUP BY 1, 2 ORDER BY 1, 2;
SHOW search_path;
SELECT current_setting('mal.setting', true) AS setting, current_setting('transaction_read_only') AS read_only;
SET client_min_messages = notice;
SELECT actstream.display_name('guarded:1');
BEGIN;
-- what a policy does in a subtransaction of its own does not outlive it either
SAVEPOINT s;
SET client_min_messages = warning;
SELECT actstream.display_name('guarded:1');
ROLLBACK TO s;
CREATE TEMP TABLE written_too AS SELECT 1 AS one;
COMMIT;
RESET ROLE;

-- nothing but queries is executed by a policy, as whoever calls it, also where a read-only transaction would
-- allow it, and where that can be made one that writes
SET ROLE actstream_mallory;
CREATE SEQUENCE mal.numbers;
GRANT ALL ON mal.numbers TO PUBLIC;
CREATE FUNCTION mal.write() RETURNS void LANGUAGE sql BEGIN ATOMIC INSERT INTO mal.log VALUES ('function', CURRENT_USER); END;
CREATE FUNCTION mal.write_all() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    first text;
    command text;
BEGIN
    IF current_user = 'actstream_mallory' THEN
        RETURN true;
    END IF;
    FOREACH first IN ARRAY ARRAY['SELECT 1', 'RESET transaction_read_only', 'SET LOCAL transaction_read_only TO DEFAULT', 'SELECT set_config(''transaction_read_only'', NULL, false)'] LOOP
        FOREACH command IN ARRAY ARRAY[
            'INSERT INTO mal.log VALUES (''insert'', current_user)', 'WITH x AS (DELETE FROM pg_temp.mine RETURNING 1) SELECT * FROM x', 'UPDATE pg_temp.mine SET one = 2',
            'SELECT nextval(''mal.numbers'')', 'SELECT mal.write()', 'SELECT set_config(''transaction_read_only'', NULL, false), mal.write()',
            'SELECT one FROM mal.log FOR UPDATE', 'EXPLAIN (ANALYZE) INSERT INTO mal.log VALUES (''explain'', current_user)', 'TRUNCATE pg_temp.mine',
            'COPY (SELECT 1) TO PROGRAM ''true''', 'CREATE TABLE mal.made (a int)', 'CREATE TEMP TABLE made (a int)', 'CREATE TABLE mal.made AS SELECT 1',
            'GRANT ALL ON pg_temp.mine TO PUBLIC', 'ALTER ROLE CURRENT_USER PASSWORD ''known''', 'LOCK TABLE mal.log IN SHARE MODE', 'NOTIFY policy', 'LISTEN policy', 'PREPARE p AS SELECT 1',
            'DECLARE c CURSOR WITH HOLD FOR SELECT 1', 'DISCARD SEQUENCES', 'LOAD ''plpgsql''', 'DO ''BEGIN END''', 'SET TRANSACTION READ WRITE',
            'ANALYZE pg_temp.mine', 'COMMENT ON TABLE pg_temp.mine IS ''x''', 'CHECKPOINT'] LOOP
            BEGIN
                EXECUTE first;
                EXECUTE command;
                RAISE WARNING '%; %', first, command;
            EXCEPTION WHEN OTHERS THEN
            END;
        END LOOP;
    END LOOP;
    RETURN true;
END $$;
ALTER POLICY guard ON mal.guarded USING (mal.write_all());
RESET ROLE;
GRANT pg_execute_server_program TO actstream_umbra;
TRUNCATE mal.log;
SET ROLE actstream_umbra;
CREATE TEMP TABLE mine AS SELECT 1 AS one;
SELECT actstream.display_name('guarded:1'), actstream.expand('guarded:1');
SELECT verb, actstream.sentence(s, s."timestamp") FROM actstream.public_stream() s;
SELECT one FROM mine;
-- the transaction is what it was
INSERT INTO mine VALUES (3);
DROP TABLE mine;
RESET ROLE;
SELECT what, who FROM mal.log;
SELECT rolname, rolpassword IS NULL AS has_none FROM pg_authid WHERE rolname = 'actstream_umbra';
SET ROLE actstream_mallory;
ALTER POLICY guard ON mal.guarded USING (mal.check('policy'));
RESET ROLE;

-- neither as the owner nor as whoever calls does code of the owner reach what belongs to the caller: cursors, pg_temp,
-- settings of the transaction, locks
SET ROLE actstream_mallory;
CREATE FUNCTION mal.evil() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RAISE WARNING 'evil as %', current_user;
    RETURN 'evil';
END $$;
CREATE FUNCTION mal.leave() RETURNS int LANGUAGE plpgsql SET exit_on_error = on AS 'BEGIN RAISE EXCEPTION ''left''; END';
CREATE FUNCTION mal.temporary() RETURNS boolean LANGUAGE sql STABLE SET search_path = "pg_temp", pg_catalog AS 'SELECT current_schema() IS NOT NULL';
CREATE FUNCTION mal.temporary_2() RETURNS boolean LANGUAGE sql STABLE SET search_path = nosuch, "$user", pg_temp AS 'SELECT current_schema() IS NOT NULL';
CREATE TYPE mal.kind2 AS ENUM ('x');
CREATE FUNCTION mal.kind2_to_json(mal.kind2) RETURNS json LANGUAGE plpgsql SET search_path = mal, pg_catalog AS $$
BEGIN
    BEGIN
        RETURN to_json(public.initials('a b'));
    EXCEPTION WHEN insufficient_privilege THEN
        RETURN '"refused"';
    END;
END $$;
CREATE CAST (mal.kind2 AS json) WITH FUNCTION mal.kind2_to_json(mal.kind2);
CREATE FUNCTION mal.again() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kind text := actstream.expand('inner_thing:1') ->> 'kind';
BEGIN
    IF kind <> 'refused' THEN
        RAISE WARNING 'kind: %', kind;
    END IF;
    RAISE EXCEPTION 'nothing';
END $$;
CREATE FUNCTION mal.set_path() RETURNS text LANGUAGE plpgsql SET search_path = mal, pg_catalog AS 'BEGIN RETURN public.initials(''a b''); END';
CREATE TABLE mal.inner_thing (id int PRIMARY KEY, kind mal.kind2);
INSERT INTO mal.inner_thing VALUES (1, 'x');
SELECT label FROM actstream.register('mal.inner_thing');
CREATE FUNCTION mal.set_dates() RETURNS text LANGUAGE plpgsql SET datestyle = 'ISO, DMY' AS 'BEGIN RETURN public.initials(''a b''); END';
CREATE FUNCTION mal.set_plans() RETURNS text LANGUAGE plpgsql SET enable_indexscan = off AS 'BEGIN RETURN actstream.display_name(''forced:1''); END';
CREATE FUNCTION mal.leaving() RETURNS trigger LANGUAGE plpgsql SET exit_on_error = on AS 'BEGIN RAISE EXCEPTION ''left''; END';
CREATE TABLE mal.exit (id int);
CREATE TRIGGER leaving BEFORE INSERT ON mal.exit FOR EACH ROW EXECUTE FUNCTION mal.leaving();
CREATE TABLE mal.exits (id int) PARTITION BY RANGE (id);
CREATE TABLE mal.exits_0 PARTITION OF mal.exits DEFAULT;
CREATE TRIGGER leaving BEFORE INSERT ON mal.exits_0 FOR EACH ROW EXECUTE FUNCTION mal.leaving();
-- up to version 15
DO $$
BEGIN
    CREATE FUNCTION mal.seed() RETURNS int LANGUAGE plpgsql SET seed = 0.5 AS 'BEGIN RETURN 1; END';
EXCEPTION WHEN OTHERS THEN NULL;
END $$;
-- what has been evaluated before in the transaction is not looked at again
CREATE FUNCTION mal.simple() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    done text;
BEGIN
    done := set_config('mal.setting', 'simple', true);
    RAISE NOTICE 'set as %', current_user;
    RETURN 1;
END $$;
CREATE FUNCTION mal.defined() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN mal.simple(); END';
CREATE FUNCTION mal.reach() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    cursor refcursor;
    names text[] := ARRAY(SELECT c.name FROM pg_cursors c WHERE c.statement <> 'SELECT mal.evil()');
    found text;
    command text;
BEGIN
    FOREACH cursor IN ARRAY names LOOP
        BEGIN
            FETCH cursor INTO found;
            RAISE WARNING 'fetched % as %', found, current_user;
        EXCEPTION WHEN OTHERS THEN
        END;
        BEGIN
            MOVE cursor;
            RAISE WARNING 'moved';
        EXCEPTION WHEN OTHERS THEN
        END;
        BEGIN
            CLOSE cursor;
            OPEN cursor FOR SELECT mal.evil();
            RAISE WARNING 'taken';
        EXCEPTION WHEN OTHERS THEN
        END;
    END LOOP;
    cursor := NULL;
    OPEN cursor FOR SELECT mal.evil();
    FOREACH command IN ARRAY ARRAY[
        'CREATE FUNCTION pg_temp.planted() RETURNS int LANGUAGE sql RETURN 1', 'SET CONSTRAINTS ALL IMMEDIATE', 'RESET ALL', 'SET LOCAL work_mem = 64',
        'FETCH mine', 'CLOSE mine', 'DECLARE theirs CURSOR FOR SELECT 1', 'EXPLAIN ANALYZE CREATE TABLE mal.made AS SELECT 1', 'EXPLAIN SELECT 1',
        'SELECT set_config(''transaction_isolation'', NULL, false)', 'SELECT pg_advisory_lock(1)', 'SELECT pg_notify(''a'', ''b'')', 'SELECT setseed(0)',
        'SELECT lo_create(0)', 'SELECT pg_cancel_backend(pg_backend_pid())', 'SELECT cursor_to_xml(''mine'', 1, false, false, '''')', 'SELECT query_to_xml(''SELECT 1'', false, false, '''')',
        'SELECT actstream.act_send(''thing:1'', ''acted'')', 'SELECT setval(''mal.numbers'', 100)', 'SELECT mal.leave()', 'SELECT mal.seed()', 'SELECT mal.simple()', 'SELECT mal.temporary()', 'SELECT mal.temporary_2()',
        'SELECT mal.again()', 'SELECT mal.estimate()', 'INSERT INTO mal.spans VALUES (mal.span(5, 500))', 'SELECT mal.fetch()', 'SELECT mal.read_nested()', 'SELECT public.path_of_users(''a'')', 'SELECT mal.set_path()', 'SELECT mal.set_dates()', 'SELECT mal.set_plans()', 'INSERT INTO mal.exit VALUES (1)', 'INSERT INTO mal.exits VALUES (1)',
        'INSERT INTO umb.docs VALUES (3)', 'SELECT id FROM umb.docs FOR UPDATE NOWAIT'] LOOP
        BEGIN
            EXECUTE command;
            RAISE WARNING '% as %', command, current_user;
        EXCEPTION WHEN OTHERS THEN
        END;
    END LOOP;
    -- policies that an owner forces upon itself apply to its functions
    IF (SELECT umb.visible()) <> 1 THEN
        RAISE WARNING 'policies are not forced';
    END IF;
    RAISE WARNING 'nothing reached as %', current_user;
END $$;
CREATE OR REPLACE FUNCTION mal.kind_to_json(mal.kind) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM mal.reach();
    RETURN '"cast"';
END $$;
CREATE OR REPLACE FUNCTION mal.write_all() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mal.reach();
    RETURN true;
END $$;
ALTER POLICY guard ON mal.guarded USING (mal.write_all());
DROP INDEX mal.guarded_predicate;
RESET ROLE;
CREATE SCHEMA umb AUTHORIZATION actstream_umbra;
CREATE FUNCTION public.same(a text, b text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    t text := a;
BEGIN
    RETURN t = b;
END $$;
CREATE FUNCTION public.fetched(a text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    t text := a;
BEGIN
    RETURN t = a;
END $$;
CREATE FUNCTION public.path_of_users(a text) RETURNS boolean LANGUAGE plpgsql STABLE SET search_path = "$user", public AS $$
DECLARE
    t text := a;
BEGIN
    RETURN t = a;
END $$;
CREATE SCHEMA actstream_mallory AUTHORIZATION actstream_mallory;
SET ROLE actstream_mallory;
CREATE DOMAIN actstream_mallory.text AS pg_catalog.text CHECK (mal.check('a variable of others: ' || VALUE));
-- what the planner calls for an estimate
CREATE TABLE mal.common AS SELECT 'common'::pg_catalog.text AS name FROM generate_series(1, 100);
ANALYZE mal.common;
GRANT SELECT ON mal.common TO PUBLIC;
CREATE OPERATOR mal.~~# (LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text, FUNCTION = public.same, RESTRICT = eqsel);
CREATE FUNCTION mal.estimate() RETURNS void LANGUAGE plpgsql SET search_path = mal AS $$ BEGIN PERFORM FROM mal.common WHERE name OPERATOR(mal.~~#) 'x'; END $$;
-- what an index calls
CREATE FUNCTION mal.difference(int, int) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 - $2; END';
CREATE TYPE mal.span AS RANGE (SUBTYPE = int, SUBTYPE_DIFF = mal.difference);
CREATE TABLE mal.spans (span mal.span);
CREATE INDEX ON mal.spans USING gist (span);
INSERT INTO mal.spans SELECT mal.span(i, i + 10) FROM generate_series(1, 1000) AS i;
ALTER FUNCTION mal.difference SET exit_on_error = on;
ALTER FUNCTION mal.difference SET role = actstream_mallory;
-- what is started under one path, and goes on under another
CREATE FUNCTION mal.fetch_it(c refcursor) RETURNS void LANGUAGE plpgsql SET search_path = mal AS $$
DECLARE
    found pg_catalog.text;
BEGIN
    FETCH c INTO found;
END $$;
CREATE FUNCTION mal.fetch() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    c refcursor;
BEGIN
    OPEN c FOR SELECT public.fetched('a') FROM generate_series(1, 2);
    PERFORM mal.fetch_it(c);
END $$;
-- what is read under another path
CREATE TABLE mal.nested (id int PRIMARY KEY, name pg_catalog.text);
INSERT INTO mal.nested VALUES (1, 'n');
ALTER TABLE mal.nested ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY same ON mal.nested USING (public.same(name, name));
GRANT SELECT ON mal.nested TO PUBLIC;
SELECT label FROM actstream.register('mal.nested', name_template => '{name}');
CREATE FUNCTION mal.read_nested() RETURNS void LANGUAGE plpgsql SET search_path = mal AS $$
BEGIN
    IF actstream.display_name('nested:1') <> 'nested:1' THEN
        RAISE WARNING 'read under another path';
    END IF;
    RAISE EXCEPTION 'nothing';
END $$;
RESET ROLE;
CREATE DOMAIN mal.text AS pg_catalog.text CHECK (mal.check('a variable of others: ' || VALUE));
CREATE FUNCTION public.initials(full_name text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    t text;
BEGIN
    t := full_name || '\.';
    RETURN t;
END $$;
SET ROLE actstream_umbra;
CREATE TABLE umb.docs (id int);
INSERT INTO umb.docs VALUES (1), (2);
ALTER TABLE umb.docs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY one ON umb.docs USING (id = 1);
GRANT ALL ON umb.docs TO actstream_mallory;
CREATE FUNCTION umb.visible() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM umb.docs';
GRANT USAGE ON SCHEMA umb TO PUBLIC;
BEGIN;
SELECT mal.defined();
DECLARE mine SCROLL CURSOR FOR SELECT i FROM generate_series(1, 5) AS i;
FETCH mine;
SELECT actstream.display_name('guarded:1'), actstream.expand('thing:1') ->> 'name' AS thing, actstream.expand('guarded:2') ->> 'name' AS guarded;
FETCH mine;
SELECT name FROM pg_cursors ORDER BY name;
-- also if it fails, and that is caught
SAVEPOINT s;
SET LOCAL row_security = off;
SELECT actstream.display_name('guarded:1');
ROLLBACK TO s;
FETCH mine;
CLOSE mine;
COMMIT;
DO $$
DECLARE
    mine CURSOR FOR SELECT i FROM generate_series(1, 200) AS i;
    found int;
    count int := 0;
    turn record;
BEGIN
    OPEN mine;
    FOR turn IN SELECT i FROM generate_series(1, 200) AS i LOOP
        FETCH mine INTO found;
        count := count + (found = turn.i)::int;
        IF turn.i % 50 = 20 THEN
            PERFORM actstream.display_name('guarded:1'), actstream.expand('thing:1');
        END IF;
    END LOOP;
    RAISE NOTICE '% rows', count;
END $$;
RESET ROLE;
-- what others have written has been compiled and planned as ever
SELECT public.initials('a b'), public.same('a', 'a'), public.fetched('a'), public.path_of_users('a');
SELECT count(*) FROM mal.log WHERE what LIKE 'a variable of others%';
-- another role that the session has had in the transaction
BEGIN;
SET LOCAL ROLE actstream_mallory;
SELECT mal.simple();
SET LOCAL ROLE actstream_umbra;
SELECT actstream.display_name('guarded:1');
COMMIT;
-- what a tracked row is converted by
SET ROLE actstream_mallory;
CREATE TABLE mal.tracked (id int PRIMARY KEY, kind mal.kind);
SELECT label FROM actstream.register('mal.tracked');
SELECT actstream.track('mal.tracked', 'made', 'tracked:{id}', data_columns => '{kind}');
INSERT INTO mal.tracked VALUES (1, 'good'), (2, 'bad');
DROP TABLE mal.tracked;
-- a plan by which the owner's rows were read does not serve where policies are forced upon the owner
CREATE TABLE mal.forced (id int PRIMARY KEY, name text);
INSERT INTO mal.forced VALUES (1, 'visible'), (2, 'hidden');
ALTER TABLE mal.forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY one ON mal.forced USING (id = 1);
SELECT label FROM actstream.register('mal.forced', name_template => '{name}');
RESET ROLE;
SET search_path = pg_catalog, pg_temp;
SELECT actstream.display_name('forced:2');
SET ROLE actstream_mallory;
SELECT actstream.display_name('forced:2');
DROP TABLE mal.forced;
RESET ROLE;
RESET search_path;
DROP SCHEMA umb CASCADE;
SET ROLE actstream_mallory;
CREATE OR REPLACE FUNCTION mal.kind_to_json(mal.kind) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM mal.spring('cast');
    RETURN '"cast"';
END $$;
ALTER POLICY guard ON mal.guarded USING (mal.check('policy'));
RESET ROLE;

-- nor can who calls capture a name in code of the owner's
SET ROLE actstream_mallory;
DROP INDEX mal.thing_predicate, mal.thing_expression;
CREATE FUNCTION mal.kind_to_json2(mal.kind) RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN to_json(current_setting('search_path'));
END $$;
DROP CAST (mal.kind AS json);
CREATE CAST (mal.kind AS json) WITH FUNCTION mal.kind_to_json2(mal.kind);
RESET ROLE;
SET search_path = mal, pg_catalog;
SELECT actstream.expand('thing:1')->>'kind' AS kind;
SHOW search_path;
RESET search_path;

-- an owner who may not read the table cannot be whom it is read as
SET ROLE actstream_mallory;
REVOKE SELECT ON mal.thing FROM actstream_mallory;
SET ROLE actstream_umbra;
SELECT actstream.display_name('thing:1'), actstream.url('thing:1'), actstream.expand('thing:1');
RESET ROLE;
ALTER SCHEMA mal OWNER TO CURRENT_USER;
GRANT SELECT ON mal.thing TO actstream_mallory;
REVOKE ALL ON SCHEMA mal FROM actstream_mallory, PUBLIC;
GRANT USAGE ON SCHEMA mal TO actstream_umbra;
SET ROLE actstream_umbra;
SELECT actstream.display_name('thing:1'), actstream.url('thing:1'), actstream.expand('thing:1');
RESET ROLE;
GRANT ALL ON SCHEMA mal TO actstream_mallory;

-- only tables are read: up to version 15, a rule makes a view of an empty one
SET ROLE actstream_mallory;
CREATE TABLE mal.empty (id integer PRIMARY KEY, name text);
SELECT label FROM actstream.register('mal.empty', name_template => '{name}');
DROP TRIGGER actstream_object ON mal.empty;
DROP TRIGGER actstream_rekey ON mal.empty;
DROP TRIGGER actstream_truncate ON mal.empty;
ALTER TABLE mal.empty DROP CONSTRAINT empty_pkey, ALTER id DROP NOT NULL;
DO $$
BEGIN
    CREATE RULE "_RETURN" AS ON SELECT TO mal.empty DO INSTEAD
        SELECT 1 AS id, mal.check('view')::text AS name WHERE mal.check('view');
EXCEPTION WHEN OTHERS THEN NULL;
END $$;
RESET ROLE;
SELECT actstream.display_name('empty:1'), actstream.expand('empty:1');

SET client_min_messages = warning;
DROP SCHEMA actstream_mallory CASCADE;
DROP SCHEMA mal CASCADE;
DROP EXTENSION actstream CASCADE;
DROP FUNCTION public.initials, public.same, public.fetched, public.path_of_users;
DROP OWNED BY actstream_mallory, actstream_umbra;
DROP ROLE actstream_mallory, actstream_umbra;
