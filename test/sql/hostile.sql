-- A table whose owner means harm, in whatever others do: nothing of the owner's runs where others refer
-- to its rows or read their names; what maintenance runs, it runs as the owner, and nothing is left behind.
\i test/lib/fresh.sql
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE ROLE host_mallory;
CREATE ROLE host_tenant;
GRANT USAGE ON SCHEMA actstream TO host_mallory, host_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.object_types TO host_mallory;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.actions, actstream.follows, actstream.mutes TO host_mallory, host_tenant;
CREATE SCHEMA mal AUTHORIZATION host_mallory;
SELECT label FROM actstream.register_external('site');

SET ROLE host_mallory;
GRANT USAGE ON SCHEMA mal TO PUBLIC;
CREATE TABLE mal.log (id serial, what text, by_whom name, for_whom name, at_commit boolean);
GRANT SELECT, INSERT ON mal.log TO PUBLIC;
GRANT USAGE ON SEQUENCE mal.log_id_seq TO PUBLIC;

-- whoever comes here is noted, and led to note it once more at COMMIT
CREATE TABLE mal.trap (what text);
GRANT INSERT ON mal.trap TO PUBLIC;
CREATE FUNCTION mal.spring() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO mal.log (what, by_whom, for_whom, at_commit) VALUES (NEW.what, current_user, session_user, true);
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER spring AFTER INSERT ON mal.trap DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION mal.spring();
CREATE FUNCTION mal.note(what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        INSERT INTO mal.log (what, by_whom, for_whom, at_commit) VALUES (what, current_user, session_user, false);
    EXCEPTION WHEN read_only_sql_transaction THEN
        NULL;
    END;
    BEGIN
        INSERT INTO mal.trap VALUES (what);
    EXCEPTION WHEN insufficient_privilege OR read_only_sql_transaction THEN
        NULL;
    END;
END
$$;
-- said to be immutable, so that the planner evaluates it
CREATE FUNCTION mal.evil(what text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mal.note(what);
    RETURN true;
END
$$;
CREATE FUNCTION mal.evil(what text, value anyelement) RETURNS anyelement IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mal.note(what);
    RETURN value;
END
$$;
CREATE FUNCTION mal.evil_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mal.note(TG_NAME);
    RETURN coalesce(NEW, OLD);
END
$$;
-- A condition without VALUE is evaluated while the type cache loads the domain, where an
-- end of a subtransaction fails an assertion of core's: this one does without.
CREATE FUNCTION mal.note_load(what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('transaction_read_only') = 'off' THEN
        INSERT INTO mal.log (what, by_whom, for_whom, at_commit) VALUES (what, current_user, session_user, false);
    END IF;
END
$$;
CREATE FUNCTION mal.evil_load(what text) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mal.note_load(what);
    RETURN true;
END
$$;
CREATE DOMAIN mal.key AS int CHECK (mal.evil('domain of the key', VALUE) IS NOT DISTINCT FROM VALUE)
    CHECK (mal.evil_load('domain of the key, loaded'));
CREATE DOMAIN mal.word AS text CHECK (mal.evil('domain', VALUE) IS NOT DISTINCT FROM VALUE)
    CHECK (mal.evil_load('domain, loaded'));
CREATE TYPE mal.pair AS (a int, b int);
CREATE FUNCTION mal.pair_json(mal.pair) RETURNS json IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mal.note('cast to json');
    RETURN to_json($1.a);
END
$$;
CREATE CAST (mal.pair AS json) WITH FUNCTION mal.pair_json(mal.pair);
CREATE FUNCTION mal.pair_text(mal.pair) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mal.note('cast to text');
    RETURN $1.a::text;
END
$$;
CREATE CAST (mal.pair AS text) WITH FUNCTION mal.pair_text(mal.pair) AS ASSIGNMENT;
CREATE FUNCTION mal.equal(int, int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM mal.note('operator');
    RETURN $1 IS NOT DISTINCT FROM $2;
END
$$;
CREATE OPERATOR mal.= (FUNCTION = mal.equal, LEFTARG = int, RIGHTARG = int);

CREATE PROCEDURE mal.arm(name text, tail text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($f$
        CREATE TABLE mal.%1$s (
            id mal.key PRIMARY KEY,
            name mal.word DEFAULT mal.evil('default', 'x'::text),
            pair mal.pair,
            made text GENERATED ALWAYS AS (mal.evil('generated', 'made'::text)) STORED,
            CHECK (mal.evil('check'))
        ) %2$s;
        CREATE INDEX ON mal.%1$s (id) WHERE mal.evil('predicate');
        CREATE INDEX ON mal.%1$s ((mal.evil('expression', name)));
        CREATE STATISTICS mal.%1$s_stats ON (mal.evil('statistics', name)), id FROM mal.%1$s;
        GRANT SELECT, INSERT, UPDATE, DELETE ON mal.%1$s TO PUBLIC;
        $f$, name, tail);
END
$$;
CREATE PROCEDURE mal.guard(name text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format($f$
        CREATE TRIGGER before_row BEFORE INSERT OR UPDATE OR DELETE ON mal.%1$s FOR EACH ROW EXECUTE FUNCTION mal.evil_trigger();
        CREATE TRIGGER after_row AFTER INSERT OR UPDATE OR DELETE ON mal.%1$s FOR EACH ROW EXECUTE FUNCTION mal.evil_trigger();
        CREATE TRIGGER before_truncate BEFORE TRUNCATE ON mal.%1$s EXECUTE FUNCTION mal.evil_trigger();
        CREATE TRIGGER after_truncate AFTER TRUNCATE ON mal.%1$s EXECUTE FUNCTION mal.evil_trigger();
        ALTER TABLE mal.%1$s ENABLE ROW LEVEL SECURITY;
        ALTER TABLE mal.%1$s FORCE ROW LEVEL SECURITY;
        CREATE POLICY everybody ON mal.%1$s USING (mal.evil('policy'));
        $f$, name);
END
$$;
CALL mal.arm('plain', '');
CALL mal.arm('part', 'PARTITION BY LIST (id)');
-- the same, of which the extension knows nothing
CALL mal.arm('twin', '');
CREATE TABLE mal.part_1 PARTITION OF mal.part FOR VALUES IN (1);
CREATE TABLE mal.part_2 PARTITION OF mal.part FOR VALUES IN (2);
SELECT label FROM actstream.register('mal.plain', name_template => '{name} {pair} {made}', url_template => '/{name}/{pair}');
SELECT label FROM actstream.register('mal.part', name_template => '{name} {pair} {made}', url_template => '/{name}/{pair}');
SELECT actstream.track('mal.plain', 'changed', 'site:mallory', description => '{name} {pair}', data_columns => '{pair,made}',
                       events => '{insert,update,delete}');
INSERT INTO mal.plain (id, pair) VALUES (1, '(1,2)'), (2, '(1,2)'), (3, '(1,2)');
INSERT INTO mal.part (id, pair) VALUES (1, '(1,2)'), (2, '(1,2)');
INSERT INTO mal.twin (id, pair) VALUES (1, '(1,2)'), (2, '(1,2)'), (3, '(1,2)');
CALL mal.guard('plain');
CALL mal.guard('part');
CALL mal.guard('twin');
RESET ROLE;
CREATE RULE also AS ON INSERT TO mal.plain DO ALSO SELECT mal.evil('rule');
-- planners know of it
ANALYZE mal.plain, mal.part;
TRUNCATE mal.log;

-- a table that has nothing to do with it
CREATE TABLE public.mine (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE public.mine_1 PARTITION OF public.mine FOR VALUES FROM (0) TO (10);
CREATE TABLE public.mine_2 PARTITION OF public.mine FOR VALUES FROM (10) TO (20);
SELECT label FROM actstream.register('public.mine');
INSERT INTO public.mine VALUES (1), (11);

-- Who ran what since the last time, but for the owner: nobody.
CREATE FUNCTION public.others() RETURNS TABLE (what text, by_whom name, at_commit boolean) LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM mal.log RETURNING *)
    SELECT DISTINCT g.what, g.by_whom, g.at_commit FROM gone g WHERE g.by_whom <> 'host_mallory' ORDER BY 1, 2, 3;
$$;

------------------------------------------------------------------------------
-- By a superuser
------------------------------------------------------------------------------

-- a row can be referred to where looking for it plans no query
BEGIN;
SELECT verb FROM actstream.act_send('site:root', 'saw', 'plain:1');
INSERT INTO actstream.actions (actor, verb, target) VALUES ('plain:2', 'met', 'plain:3');
SELECT flag FROM actstream.follow('site:root', 'plain:1', send_action => false);
COMMIT;
SELECT actstream.act_send('site:root', 'saw', 'part:1');
INSERT INTO actstream.actions (actor, verb, target) VALUES ('plain:2', 'met', 'part:2');
SELECT actstream.follow('plain:2', 'part:2');
-- the owner's own session runs what the owner likes
ALTER TABLE mal.part NO FORCE ROW LEVEL SECURITY;
SET SESSION AUTHORIZATION host_mallory;
BEGIN;
SELECT verb FROM actstream.act_send('plain:2', 'met', 'part:2');
SELECT verb FROM actstream.act_send('plain:2', 'met', 'part:1');
SELECT actstream.display_name('part:1'), actstream.expand('plain:1') - 'made' IS NOT NULL AS expanded;
COMMIT;
RESET SESSION AUTHORIZATION;
ALTER TABLE mal.part FORCE ROW LEVEL SECURITY;
SELECT count(*) > 0 AS noted FROM mal.log;
SELECT * FROM public.others();
BEGIN;
SELECT actstream.display_name(r), actstream.url(r), actstream.expand(r) - 'made' IS NOT NULL AS expanded
FROM unnest('{plain:1,part:1,plain:9}'::actstream.ref[]) r;
SELECT count(*) FROM actstream.expand_all('{plain:1,plain:2,part:1,part:2}');
SELECT count(actstream.sentence(a)) > 0 FROM actstream.actions a;
SELECT actstream.atom_feed(a, 'tag:example.org,2026:x', 'x', 'http://example.org/') IS NOT NULL,
       actstream.activity_streams_2(a, 'tag:example.org,2026:x', 'x', 'http://example.org/') IS NOT NULL FROM actstream.actions a;
SELECT count(*) > 0 FROM actstream.user_stream('site:root');
COMMIT;
SELECT * FROM public.others();
BEGIN;
SELECT actstream_internal.object_exists('plain:1'), actstream_internal.object_exists('part:1');
SELECT * FROM actstream.integrity_check();
SELECT label FROM actstream.register('mal.plain');
SELECT label, relation FROM actstream.rebind('plain', 'mal.plain');
COMMIT;
SELECT * FROM public.others();
-- what happens to other tables
BEGIN;
INSERT INTO actstream.actions (actor, verb) VALUES ('mine:1', 'was'), ('mine:11', 'was');
DROP TABLE public.mine_1;
ALTER TABLE public.mine DETACH PARTITION public.mine_2;
TRUNCATE public.mine_2, public.mine;
COMMIT;
SELECT * FROM public.others();
-- partitions of that one that go
BEGIN;
DROP TABLE mal.part_1;
COMMIT;
SELECT * FROM public.others();
BEGIN;
ALTER TABLE mal.part DETACH PARTITION mal.part_2;
COMMIT;
SELECT * FROM public.others();
-- what a superuser writes to the table runs its triggers, and with them what it would
-- run on a table that is not registered
BEGIN;
UPDATE mal.twin SET id = 7 WHERE id = 3;
DELETE FROM mal.twin WHERE id = 2;
TRUNCATE mal.twin;
COMMIT;
CREATE TEMPORARY TABLE expected AS SELECT * FROM public.others();
BEGIN;
UPDATE mal.plain SET id = 7 WHERE id = 3;
DELETE FROM mal.plain WHERE id = 2;
TRUNCATE mal.plain;
COMMIT;
SELECT * FROM public.others() EXCEPT SELECT * FROM expected;
SELECT count(*) > 0 FROM expected;

------------------------------------------------------------------------------
-- By another tenant, whom the policies are for
------------------------------------------------------------------------------

SET ROLE host_mallory;
CREATE TABLE mal.part_1 PARTITION OF mal.part FOR VALUES IN (1);
ALTER TABLE mal.plain NO FORCE ROW LEVEL SECURITY;
INSERT INTO mal.plain (id, pair) VALUES (1, '(1,2)'), (2, '(1,2)');
INSERT INTO mal.part (id, pair) VALUES (1, '(1,2)');
RESET ROLE;
TRUNCATE mal.log;
SET ROLE host_tenant;
SELECT actstream.act_send('site:tenant', 'saw', 'plain:1');
SELECT actstream.act_send('site:tenant', 'saw', 'part:1');
SELECT actstream.follow('site:tenant', 'plain:1', send_action => false);
BEGIN;
SELECT actstream.display_name('plain:1'), actstream.url('plain:1'), actstream.expand('plain:1') IS NOT NULL AS expanded;
SELECT count(*) FROM actstream.expand_all('{plain:1,plain:2,part:1}');
SELECT count(actstream.sentence(a)) > 0 FROM actstream.actions a;
SELECT count(*) > 0 FROM actstream.user_stream('site:tenant');
COMMIT;
RESET ROLE;
SELECT * FROM public.others();

DROP FUNCTION public.others();
DROP TABLE public.mine, public.mine_2, expected;
DROP SCHEMA mal CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY host_mallory, host_tenant;
DROP ROLE host_mallory, host_tenant;
