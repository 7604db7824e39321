--
-- Names, addresses and rows are read as the owner of their table, or under its policies: of what
-- the owner has put into it nothing runs but queries and harmless functions
--
\i test/lib/fresh.sql
\set VERBOSITY terse
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

-- what the same role reads in its own session is what it could call there itself; and so is, for everybody, what
-- belongs to a role with the rights of the owner of the actions.  That is still read only, and leaves nothing behind
SET ROLE actstream_mallory;
DROP INDEX mal.guarded_predicate;
TRUNCATE mal.log, mal.trap;
ALTER TABLE mal.guarded FORCE ROW LEVEL SECURITY;
RESET ROLE;
SET SESSION AUTHORIZATION actstream_mallory;
SELECT actstream.display_name('guarded:1');
RESET SESSION AUTHORIZATION;
SELECT tableowner AS owner FROM pg_tables WHERE schemaname = 'actstream' AND tablename = 'actions' \gset
CREATE ROLE actstream_owns;
ALTER TABLE actstream.actions OWNER TO actstream_owns;
SET ROLE actstream_umbra;
SELECT actstream.display_name('guarded:1');
RESET ROLE;
GRANT actstream_owns TO actstream_mallory;
SET ROLE actstream_umbra;
BEGIN;
SELECT actstream.display_name('guarded:1');
CREATE TEMP TABLE written_as_well AS SELECT 1 AS one;
COMMIT;
RESET ROLE;
ALTER TABLE actstream.actions OWNER TO :"owner";
DROP ROLE actstream_owns;
SELECT what, who FROM mal.log GROUP BY 1, 2 ORDER BY 1, 2;
SHOW search_path;
SELECT current_setting('mal.setting', true) AS setting;

-- policies that are queries, also in functions
SET ROLE actstream_mallory;
CREATE TABLE mal.member (name name, id int);
INSERT INTO mal.member VALUES ('actstream_umbra', 1);
CREATE FUNCTION mal.is_member(id int) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS 'SELECT EXISTS (SELECT FROM mal.member m WHERE m.name = session_user AND m.id = $1) OR $1 = current_setting(''mal.id'', true)::int';
ALTER POLICY guard ON mal.guarded USING (mal.is_member(id));
RESET ROLE;
SET SESSION AUTHORIZATION actstream_umbra;
SELECT actstream.display_name(o) FROM unnest('{guarded:1,guarded:2}'::actstream.ref[]) AS o;
SET mal.id = 2;
SELECT actstream.display_name(o) FROM unnest('{guarded:1,guarded:2}'::actstream.ref[]) AS o;
RESET mal.id;
RESET SESSION AUTHORIZATION;
\set VERBOSITY default
SET SESSION AUTHORIZATION actstream_umbra;
SELECT actstream.display_name('thing:1');
RESET SESSION AUTHORIZATION;
\set VERBOSITY terse
-- a warning comes once for each table and statement
SET ROLE actstream_umbra;
SELECT actstream.display_name('thing:1'), actstream.url('thing:2'), actstream.sentence(a, a."timestamp") FROM actstream.actions a, generate_series(1, 2);
RESET ROLE;

-- and those that are anything else, by every way that there is to call a function
CREATE SCHEMA umb AUTHORIZATION actstream_umbra;
SET ROLE actstream_umbra;
CREATE TABLE umb.secret (secret text, owner name DEFAULT current_user);
INSERT INTO umb.secret VALUES ('umbra''s');
CREATE VIEW umb.shown AS SELECT * FROM umb.secret WHERE owner = current_user;
CREATE TABLE umb.docs (id int);
INSERT INTO umb.docs VALUES (1), (2);
ALTER TABLE umb.docs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY one ON umb.docs USING (id = 1);
CREATE TABLE umb.public (id int);
INSERT INTO umb.public VALUES (1);
GRANT USAGE ON SCHEMA umb TO PUBLIC;
GRANT SELECT ON umb.shown, umb.docs, umb.public TO actstream_mallory;
SET ROLE actstream_mallory;
CREATE FUNCTION mal.evil(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE WARNING ''% evil as %'', $1, current_user; RETURN $1; END';
CREATE FUNCTION mal.is_evil(text, text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN mal.evil($1) = $2; END';
CREATE FUNCTION mal.in_sql() RETURNS boolean LANGUAGE sql STABLE AS 'SELECT mal.evil(''in SQL'') IS NOT NULL';
CREATE FUNCTION mal.in_default(text DEFAULT mal.evil('default')) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT $1 IS NOT NULL';
CREATE FUNCTION mal.rows() RETURNS SETOF text LANGUAGE plpgsql STABLE AS 'BEGIN RETURN NEXT mal.evil(''rows''); END';
CREATE FUNCTION mal.evil_step(text, text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN mal.evil($2); END';
CREATE AGGREGATE mal.evil_agg(text) (SFUNC = mal.evil_step, STYPE = text);
CREATE DOMAIN mal.evil_text AS text CHECK (mal.evil(VALUE) IS NOT NULL);
CREATE DOMAIN mal.notifying AS text CHECK (pg_notify('x', VALUE) IS NOT NULL);
CREATE TYPE mal.pair AS (a int, b mal.evil_text);
CREATE TABLE mal.common AS SELECT 'common'::text AS name, 'good'::mal.kind AS kind FROM generate_series(1, 100);
ANALYZE mal.common;
CREATE OPERATOR mal.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = mal.is_evil, RESTRICT = eqsel);
CREATE OPERATOR mal.!!! (RIGHTARG = text, FUNCTION = mal.evil);
CREATE VIEW mal.evil_view AS SELECT mal.evil(name) AS name FROM mal.common;
CREATE FUNCTION mal.difference(int, int) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE WARNING ''difference as %'', current_user; RETURN $1 - $2; END';
CREATE TYPE mal.span AS RANGE (SUBTYPE = int, SUBTYPE_DIFF = mal.difference);
CREATE TABLE mal.spans AS SELECT mal.span(i, i + 10) AS span FROM generate_series(1, 1000) AS i;
SET client_min_messages = error;
ANALYZE mal.spans;
RESET client_min_messages;
CREATE TABLE mal.inner_guarded (id int PRIMARY KEY, name text);
INSERT INTO mal.inner_guarded VALUES (1, 'x');
ALTER TABLE mal.inner_guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY guard ON mal.inner_guarded USING (mal.evil(name) IS NOT NULL);
SELECT label FROM actstream.register('mal.inner_guarded', name_template => '{name}');
CREATE TYPE mal.kind2 AS ENUM ('x');
CREATE FUNCTION mal.kind2_to_json(mal.kind2) RETURNS json LANGUAGE plpgsql AS 'BEGIN RETURN to_json(mal.evil(''cast'')); END';
CREATE CAST (mal.kind2 AS json) WITH FUNCTION mal.kind2_to_json(mal.kind2);
CREATE TYPE mal.kind5 AS ENUM ('x');
CREATE FUNCTION mal.kind5_to_json(mal.kind5) RETURNS json LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN to_json(mal.evil(''definer'')); END';
CREATE CAST (mal.kind5 AS json) WITH FUNCTION mal.kind5_to_json(mal.kind5);
CREATE TYPE mal.kind6 AS ENUM ('x');
CREATE FUNCTION mal.kind6_to_json(mal.kind6) RETURNS json LANGUAGE plpgsql SET exit_on_error = on AS 'BEGIN RETURN to_json(mal.evil(''setting'')); END';
CREATE CAST (mal.kind6 AS json) WITH FUNCTION mal.kind6_to_json(mal.kind6);
CREATE TYPE mal.kind7 AS ENUM ('x');
CREATE FUNCTION mal.kind7_to_json(mal.kind7) RETURNS json LANGUAGE sql STABLE SET exit_on_error = on SET role = actstream_mallory AS 'SELECT ''1''::json';
CREATE CAST (mal.kind7 AS json) WITH FUNCTION mal.kind7_to_json(mal.kind7);
-- up to version 15
DO $$
BEGIN
    CREATE TYPE mal.kind8 AS ENUM ('x');
    CREATE FUNCTION mal.kind8_to_json(mal.kind8) RETURNS json LANGUAGE sql STABLE SET seed = 0.25 AS 'SELECT ''1''::json';
    CREATE CAST (mal.kind8 AS json) WITH FUNCTION mal.kind8_to_json(mal.kind8);
EXCEPTION WHEN OTHERS THEN
    CREATE TYPE mal.kind8 AS ENUM ('x');
    CREATE FUNCTION mal.kind8_to_json(mal.kind8) RETURNS json LANGUAGE sql STABLE AS 'SELECT ''1''::json';
    CREATE CAST (mal.kind8 AS json) WITH FUNCTION mal.kind8_to_json(mal.kind8);
END $$;
CREATE TABLE mal.seeding (id int PRIMARY KEY, kind mal.kind8);
INSERT INTO mal.seeding VALUES (1, 'x');
SELECT label FROM actstream.register('mal.seeding');
CREATE FUNCTION mal.twice_0(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT $1';
DO $$
BEGIN
    FOR i IN 1..30 LOOP
        EXECUTE format('CREATE FUNCTION mal.twice_%1$s(int) RETURNS int LANGUAGE sql STABLE AS ''SELECT mal.twice_%2$s($1) + mal.twice_%2$s($1)''', i, i - 1);
    END LOOP;
END $$;
CREATE TABLE mal.numbered AS SELECT 4711 AS n FROM generate_series(1, 100);
CREATE STATISTICS mal.numbered_stats ON (n * 1) FROM mal.numbered;
ANALYZE mal.numbered;
CREATE OPERATOR mal.==== (LEFTARG = int, RIGHTARG = int, FUNCTION = pg_try_advisory_lock, RESTRICT = eqsel);
CREATE VIEW mal.others_view AS SELECT secret FROM umb.shown;
CREATE SEQUENCE mal.numbers;
GRANT SELECT, UPDATE ON mal.numbered, mal.others_view, mal.common, mal.evil_view, mal.spans, mal.inner_guarded, mal.trap TO PUBLIC;
GRANT ALL ON mal.numbers TO PUBLIC;
CREATE FUNCTION mal.writes() RETURNS int LANGUAGE sql AS 'INSERT INTO mal.log VALUES (''function'', current_user) RETURNING 1';
CREATE FUNCTION mal.writes_with() RETURNS int LANGUAGE sql AS 'WITH w AS (DELETE FROM mal.trap RETURNING 1) SELECT 1';
CREATE FUNCTION mal.locks() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM mal.common FOR UPDATE';
CREATE FUNCTION mal.locks_nowait() RETURNS int LANGUAGE sql AS 'SELECT 1 FROM mal.common FOR KEY SHARE NOWAIT';
CREATE FUNCTION mal.commands() RETURNS int LANGUAGE sql AS 'SET LOCAL transaction_read_only TO DEFAULT; SELECT 1';
CREATE FUNCTION mal.locks_stable() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1 FROM mal.common FOR KEY SHARE';
CREATE FUNCTION mal.locks_immutable() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT mal.locks()';
CREATE FUNCTION mal.closes() RETURNS int LANGUAGE sql AS 'CLOSE ALL; SELECT 1';
CREATE FUNCTION mal.sets() RETURNS int LANGUAGE sql STABLE SET exit_on_error = on AS 'SELECT 1 / 0';
CREATE FUNCTION mal.sets_role() RETURNS int LANGUAGE sql STABLE SET role = actstream_mallory AS 'SELECT 1';
CREATE FUNCTION mal.sets_path() RETURNS int LANGUAGE sql STABLE SET search_path = 'nosuch', 'pg_temp' AS 'SELECT 1';
RESET ROLE;
-- the name that the others see with this policy
CREATE FUNCTION pg_temp.try(condition text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE actstream_mallory;
    EXECUTE format('ALTER POLICY guard ON mal.guarded USING (%s)', condition);
    SET LOCAL ROLE actstream_umbra;
    condition := actstream.display_name('guarded:1');
    RESET ROLE;
    RETURN condition;
END
$$;
SELECT format('SELECT pg_temp.try(%L)', c) FROM unnest(ARRAY[
    $$mal.evil('policy') IS NOT NULL$$, $$mal.evil(name) IS NOT NULL$$, $$mal.in_sql()$$, $$mal.in_default()$$, $$EXISTS (SELECT FROM mal.rows())$$,
    $$(SELECT mal.evil_agg(name) FROM mal.common) IS NOT NULL$$, $$(SELECT min(n) FROM (SELECT mal.evil_agg(name) OVER () AS n FROM mal.common) s) IS NOT NULL$$,
    $$name::mal.evil_text IS NOT NULL$$, $$'x'::text::mal.notifying IS NOT NULL$$, $$json_populate_record(NULL::mal.pair, '{"b": "x"}') IS NOT NULL$$, $$(1, name)::mal.pair IS NOT NULL$$,
    $$EXISTS (SELECT FROM mal.common WHERE name OPERATOR(mal.===) 'x')$$, $$name OPERATOR(mal.===) ANY (ARRAY['x'])$$, $$(OPERATOR(mal.!!!) name) IS NOT NULL$$,
    $$EXISTS (SELECT FROM mal.evil_view WHERE name = 'x')$$, $$EXISTS (SELECT FROM mal.inner_guarded)$$, $$actstream.display_name('inner_guarded:1') <> 'inner_guarded:1'$$,
    $$to_jsonb('x'::mal.kind2) IS NOT NULL$$, $$(SELECT json_agg('x'::mal.kind2)) IS NOT NULL$$]) AS c \gexec
SELECT format('SELECT pg_temp.try(%L)', c) FROM unnest(ARRAY[
    $$to_json('x'::mal.kind2) IS NOT NULL$$, $$row_to_json(ROW('x'::mal.kind2)) IS NOT NULL$$, $$array_to_json(ARRAY['x'::mal.kind2]) IS NOT NULL$$,
    $$set_config('mal.setting', 'policy', false) IS NOT NULL$$, $$pg_notify('x', 'y') IS NOT NULL$$, $$pg_advisory_lock(1) IS NOT NULL$$, $$setseed(0) IS NOT NULL$$,
    $$nextval('mal.numbers') > 0$$, $$setval('mal.numbers', 7) > 0$$, $$lo_create(0) > 0$$, $$pg_cancel_backend(pg_backend_pid())$$, $$pg_sleep(0) IS NOT NULL$$,
    $$query_to_xml('SELECT 1', false, false, '') IS NOT NULL$$, $$cursor_to_xml('mine', 1, false, false, '') IS NOT NULL$$,
    $$(actstream.act_send('thing:1', 'acted')).id > 0$$, $$mal.writes() > 0$$, $$mal.writes_with() > 0$$, $$mal.locks() > 0$$, $$mal.locks_nowait() > 0$$, $$mal.locks_stable() > 0$$, $$mal.locks_immutable() > 0$$,
    $$EXISTS (SELECT FROM mal.common FOR UPDATE)$$, $$to_json('x'::mal.kind5) IS NOT NULL$$, $$txid_current() > 0$$, $$pg_current_xact_id() IS NOT NULL$$, $$txid_current_if_assigned() IS NULL$$, $$inet_client_addr() IS NULL$$,
    $$table_to_xmlschema('mal.common', true, true, '') IS NOT NULL$$, $$fmgr_sql_validator('mal.in_sql'::regproc)::text IS NOT NULL$$, $$satisfies_hash_partition('mal.common'::regclass, 2, 1, 1)$$,
    $$mal.commands() > 0$$, $$mal.closes() > 0$$, $$mal.sets() > 0$$, $$mal.sets_role() > 0$$, $$mal.sets_path() > 0$$]) AS c \gexec
-- what the planner would call for an estimate
SELECT format('SELECT pg_temp.try(%L)', c) FROM unnest(ARRAY[$$EXISTS (SELECT FROM mal.spans WHERE span && mal.span(5, 500))$$, 'clock_timestamp() IS NOT NULL', 'random() >= 0']) AS c \gexec
SELECT pg_temp.try($$EXISTS (SELECT FROM mal.numbered WHERE (n * 1) OPERATOR(mal.====) 7)$$);
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory';
-- the seed of a generator is not set, no error ends the session, and functions make no plan of any size
SET client_min_messages = error;
SELECT pg_temp.try('to_json(''x''::mal.kind6) IS NOT NULL'), pg_temp.try('to_json(''x''::mal.kind7) IS NOT NULL');
SELECT setseed(0.5) \g /dev/null
SELECT actstream.expand('seeding:1') IS NOT NULL AS expanded \gset
RESET client_min_messages;
SELECT random() = 0.19726358498438978 AS seeded;
SET statement_timeout = '20s';
SELECT pg_temp.try('id < 2 OR mal.twice_30(id) > 0');
RESET statement_timeout;
-- messages are not passed on, and errors not in full
SELECT pg_temp.try('(SELECT count(to_tsquery(''english'', ''the'')) FROM generate_series(1, 3)) >= 0');
\set VERBOSITY sqlstate
SELECT length(pg_temp.try('repeat(''x'', 1000000 + 0 * id)::int = 1'));
\set VERBOSITY terse
-- nothing runs in parallel workers
SET ROLE actstream_mallory;
CREATE TABLE mal.many AS SELECT i FROM generate_series(1, 10000) AS i;
ANALYZE mal.many;
CREATE FUNCTION mal.parallel() RETURNS SETOF bigint LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER AS 'SELECT count(*) FROM mal.many WHERE i % 2 = 0';
RESET ROLE;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT pg_temp.try('(SELECT count(n) FROM mal.parallel() AS n) > 0');
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
-- what the owner may not read, or what shows others something else, is not read
SELECT format('SELECT pg_temp.try(%L)', c) FROM unnest(ARRAY[
    $$EXISTS (SELECT FROM umb.secret)$$, $$EXISTS (SELECT FROM umb.shown)$$, $$EXISTS (SELECT FROM mal.others_view)$$, $$EXISTS (SELECT FROM umb.docs)$$, $$EXISTS (SELECT FROM pg_stats)$$,
    $$EXISTS (SELECT FROM pg_prepared_statements)$$, $$EXISTS (SELECT FROM pg_cursor())$$, $$EXISTS (SELECT FROM pg_stat_get_activity(NULL))$$, $$EXISTS (SELECT FROM information_schema.tables)$$,
    $$table_to_xml(to_regclass('umb.secret'), true, true, '') IS NOT NULL$$, $$EXISTS (SELECT FROM actstream.actions)$$, $$EXISTS (SELECT FROM actstream.user_stream('thing:1'))$$]) AS c \gexec
CREATE SCHEMA mal_closed;
CREATE TABLE mal_closed.secret (id int);
GRANT SELECT ON mal_closed.secret TO PUBLIC;
GRANT USAGE ON SCHEMA mal_closed TO actstream_umbra;
SET check_function_bodies = off;
SET ROLE actstream_mallory;
CREATE FUNCTION mal.enters() RETURNS boolean LANGUAGE sql STABLE AS 'SELECT count(*) >= 0 FROM mal_closed.secret';
RESET ROLE;
RESET check_function_bodies;
SELECT pg_temp.try('mal.enters()');
DROP TABLE mal_closed.secret;
DROP SCHEMA mal_closed;
SELECT pg_temp.try($$EXISTS (SELECT FROM umb.public) AND pg_has_role('actstream_umbra', 'member')$$);
SELECT count(*) FROM mal.log;
-- what is looked up and not called does not matter
SET ROLE actstream_mallory;
CREATE TABLE mal.ranged (id int PRIMARY KEY, span mal.span);
INSERT INTO mal.ranged VALUES (1, mal.span(1, 2));
GRANT SELECT ON mal.ranged TO PUBLIC;
SELECT label FROM actstream.register('mal.ranged', name_template => '{span}');
RESET ROLE;
\c -
\set VERBOSITY terse
SELECT actstream.display_name('ranged:1');

-- as the owner of the table, functions lock nothing, and those of others see none of their forced policies suspended
SET ROLE actstream_umbra;
CREATE FUNCTION umb.visible() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT count(*) FROM umb.docs';
SET ROLE actstream_mallory;
CREATE TYPE mal.kind3 AS ENUM ('x');
CREATE FUNCTION mal.kind3_to_json(mal.kind3) RETURNS json LANGUAGE sql STABLE AS 'SELECT to_json(umb.visible())';
CREATE CAST (mal.kind3 AS json) WITH FUNCTION mal.kind3_to_json(mal.kind3);
CREATE TYPE mal.kind4 AS ENUM ('x');
CREATE FUNCTION mal.kind4_to_json(mal.kind4) RETURNS json LANGUAGE sql AS 'SELECT to_json(id) FROM mal.member LIMIT 1 FOR KEY SHARE';
CREATE CAST (mal.kind4 AS json) WITH FUNCTION mal.kind4_to_json(mal.kind4);
CREATE TABLE mal.locked (id int PRIMARY KEY, kind mal.kind4);
INSERT INTO mal.locked VALUES (1, 'x');
SELECT label FROM actstream.register('mal.locked');
SELECT actstream.expand('locked:1');
-- a parallel worker cannot call what to_json() calls
SET max_parallel_workers_per_gather = 0;
SELECT to_json(kind) FROM mal.locked;
RESET max_parallel_workers_per_gather;
CREATE TABLE mal.counted (id int PRIMARY KEY, kind mal.kind3);
INSERT INTO mal.counted VALUES (1, 'x');
SELECT label FROM actstream.register('mal.counted');
SELECT actstream.expand('counted:1');
SELECT to_json(kind) FROM mal.counted;
RESET ROLE;
SET client_min_messages = warning;
DROP SCHEMA umb CASCADE;
RESET client_min_messages;

-- a tracked row, which somebody has written to that very table, is converted as its owner
SET ROLE actstream_mallory;
CREATE OR REPLACE FUNCTION mal.kind_to_json(mal.kind) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN to_json(current_user);
END $$;
CREATE TABLE mal.tracked (id int PRIMARY KEY, kind mal.kind);
SELECT label FROM actstream.register('mal.tracked');
SELECT actstream.track('mal.tracked', 'made', 'tracked:{id}', data_columns => '{kind}');
RESET ROLE;
INSERT INTO mal.tracked VALUES (1, 'good'), (2, 'bad');
SELECT actor, data FROM actstream.actions WHERE verb = 'made' ORDER BY id;
DROP TABLE mal.tracked;
SET ROLE actstream_mallory;
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
-- nor can who calls capture a name in code of the owner's
SET ROLE actstream_mallory;
DROP INDEX mal.thing_predicate, mal.thing_expression;
CREATE FUNCTION mal.kind_to_json2(mal.kind) RETURNS json LANGUAGE sql STABLE AS 'SELECT to_json(current_setting(''search_path''))';
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
DROP SCHEMA mal CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY actstream_mallory, actstream_umbra;
DROP ROLE actstream_mallory, actstream_umbra;
