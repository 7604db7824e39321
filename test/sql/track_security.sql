-- Who may bind and track tables, and whose rights anything runs with.
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP ROLE IF EXISTS tsec_owner, tsec_stranger, tsec_clerk;
CREATE ROLE tsec_owner;
CREATE ROLE tsec_stranger;
CREATE ROLE tsec_clerk;
RESET client_min_messages;
SET jit = off;
CREATE SCHEMA tsec AUTHORIZATION tsec_owner;
GRANT USAGE ON SCHEMA tsec TO PUBLIC;
GRANT CREATE ON SCHEMA tsec TO tsec_stranger;
GRANT USAGE ON SCHEMA actstream TO tsec_owner, tsec_stranger;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.object_types, actstream.actions, actstream.follows, actstream.follow_counts, actstream.mutes, actstream.marks TO tsec_owner, tsec_stranger;
SELECT label FROM actstream.register_external('site');

------------------------------------------------------------------------------
-- Somebody else's table
------------------------------------------------------------------------------

SET ROLE tsec_owner;
CREATE TABLE tsec.doc (id int PRIMARY KEY, title text);
SELECT label FROM actstream.register('tsec.doc');
SELECT actstream.track('tsec.doc', 'wrote', 'site:owner', events => '{insert,delete}');
SET ROLE tsec_stranger;
SELECT actstream.register('tsec.doc');
SELECT actstream.register('tsec.doc', 'mine');
SELECT actstream.unregister('doc');
SELECT actstream.track('tsec.doc', 'forged', 'site:stranger');
SELECT actstream.untrack('tsec.doc', 'actstream_track');
DROP TRIGGER actstream_object ON tsec.doc;
ALTER TABLE tsec.doc DISABLE TRIGGER actstream_object;
UPDATE actstream.object_types SET relation = NULL, key_columns = NULL WHERE label = 'doc';
-- TRIGGER on the table is not enough
RESET ROLE;
GRANT ALL ON tsec.doc TO tsec_stranger;
SET ROLE tsec_stranger;
SELECT actstream.track('tsec.doc', 'forged', 'site:stranger');
-- our functions are not his to attach, with arguments of his own choosing
CREATE TABLE tsec.theirs (id int PRIMARY KEY, label text);
CREATE TRIGGER t AFTER INSERT ON tsec.doc FOR EACH ROW EXECUTE FUNCTION actstream_internal.row_changed('forged', 'site:god', '', '', '', 'public', '', '', '');
CREATE EVENT TRIGGER t ON sql_drop EXECUTE FUNCTION actstream_internal.objects_dropped();
CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION actstream_internal.table_altered();
ALTER EVENT TRIGGER actstream_objects_dropped DISABLE;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'tsec.theirs'::regclass ORDER BY tgname;
-- those of the extension's tables are, and refuse to serve another
CREATE TRIGGER t AFTER INSERT ON tsec.theirs FOR EACH ROW EXECUTE FUNCTION actstream_internal.object_type_bind();
INSERT INTO tsec.theirs VALUES (1);
DROP TRIGGER t ON tsec.theirs;
-- those of registered tables are, too, and do nothing on a table that is not registered
CREATE TRIGGER deleted AFTER DELETE ON tsec.theirs FOR EACH ROW EXECUTE FUNCTION actstream_internal.object_deleted();
CREATE TRIGGER rekeyed AFTER UPDATE ON tsec.theirs FOR EACH ROW EXECUTE FUNCTION actstream_internal.object_rekeyed();
CREATE TRIGGER moves BEFORE UPDATE ON tsec.theirs FOR EACH ROW EXECUTE FUNCTION actstream_internal.object_moves();
CREATE TRIGGER truncated AFTER TRUNCATE ON tsec.theirs EXECUTE FUNCTION actstream_internal.objects_truncated();
INSERT INTO tsec.theirs VALUES (1), (2);
UPDATE tsec.theirs SET id = id + 10;
DELETE FROM tsec.theirs WHERE id = 11;
TRUNCATE tsec.theirs;
DROP TRIGGER deleted ON tsec.theirs;
DROP TRIGGER rekeyed ON tsec.theirs;
DROP TRIGGER moves ON tsec.theirs;
DROP TRIGGER truncated ON tsec.theirs;
RESET ROLE;
-- nor do any do anything where a superuser attaches them
CREATE FUNCTION tsec.fires(event text, function text, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text;
BEGIN
    INSERT INTO tsec.theirs VALUES (1) ON CONFLICT DO NOTHING;
    EXECUTE format('CREATE TRIGGER t %s EXECUTE FUNCTION actstream_internal.%s', event, function);
    EXECUTE statement;
    DROP TRIGGER t ON tsec.theirs;
    RETURN 'fired';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || sqlerrm;
END
$$;
SELECT function, tsec.fires(event || ' ON tsec.theirs' || each, function || '()', statement) FROM (VALUES
    ('AFTER DELETE', ' FOR EACH ROW', 'object_deleted', 'DELETE FROM tsec.theirs'),
    ('AFTER INSERT', ' FOR EACH ROW', 'object_deleted', 'INSERT INTO tsec.theirs VALUES (2)'),
    ('BEFORE DELETE', ' FOR EACH ROW', 'object_deleted', 'DELETE FROM tsec.theirs'),
    ('AFTER DELETE', ' FOR EACH STATEMENT', 'object_deleted', 'DELETE FROM tsec.theirs'),
    ('AFTER UPDATE', ' FOR EACH ROW', 'object_rekeyed', 'UPDATE tsec.theirs SET id = 3'),
    ('AFTER DELETE', ' FOR EACH ROW', 'object_rekeyed', 'DELETE FROM tsec.theirs'),
    ('BEFORE UPDATE', ' FOR EACH ROW', 'object_moves', 'UPDATE tsec.theirs SET id = id + 20'),
    ('AFTER TRUNCATE', '', 'objects_truncated', 'TRUNCATE tsec.theirs'),
    ('BEFORE TRUNCATE', '', 'objects_truncated', 'TRUNCATE tsec.theirs'),
    ('AFTER INSERT', ' FOR EACH ROW', 'object_type_bind', 'INSERT INTO tsec.theirs VALUES (2)'),
    ('AFTER INSERT', ' FOR EACH ROW', 'row_changed', 'INSERT INTO tsec.theirs VALUES (4)'),
    ('BEFORE INSERT', ' FOR EACH ROW', 'row_changed', 'INSERT INTO tsec.theirs VALUES (2)'),
    ('AFTER INSERT', '', 'row_changed', 'INSERT INTO tsec.theirs VALUES (2)')) AS v (event, each, function, statement);
SELECT actstream_internal.object_deleted();
SELECT actstream_internal.objects_dropped();

------------------------------------------------------------------------------
-- What tracking takes, and what it gives
------------------------------------------------------------------------------

-- a clerk with rights on the table alone
GRANT SELECT, INSERT, UPDATE, DELETE ON tsec.doc TO tsec_clerk;
SET ROLE tsec_clerk;
SELECT * FROM actstream.actions;
INSERT INTO tsec.doc VALUES (1, 'one'), (2, 'two');
UPDATE tsec.doc SET id = 20 WHERE id = 2;
RESET ROLE;
SELECT actor, verb, action_object FROM actstream.actions ORDER BY id;
INSERT INTO actstream.follows (follower, followee) VALUES ('site:a', 'doc:1');
SET ROLE tsec_clerk;
DELETE FROM tsec.doc;
RESET ROLE;
SELECT actor, verb, action_object FROM actstream.actions ORDER BY id;
SELECT * FROM actstream.follows;
DELETE FROM actstream.actions;
-- of rows that are hidden from him his actions still tell, as the owner wanted
ALTER TABLE tsec.doc ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON tsec.doc FOR INSERT TO tsec_clerk WITH CHECK (true);
SET ROLE tsec_clerk;
INSERT INTO tsec.doc VALUES (3, 'unseen');
SELECT * FROM tsec.doc;
RESET ROLE;
ALTER TABLE tsec.doc DISABLE ROW LEVEL SECURITY;
SELECT actor, verb, action_object FROM actstream.actions ORDER BY id;
-- INSERT on actstream.actions, without a restriction
REVOKE INSERT ON actstream.actions FROM tsec_owner;
SET ROLE tsec_owner;
SELECT actstream.track('tsec.doc', 'wrote', 'site:owner');
RESET ROLE;
GRANT INSERT ON actstream.actions TO tsec_owner;
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON actstream.actions USING (true) WITH CHECK (actor::text = 'site:owner');
SET ROLE tsec_owner;
SELECT actstream.track('tsec.doc', 'forged', 'site:god');
RESET ROLE;
-- what was tracked before sends nothing, either
SET ROLE tsec_clerk;
INSERT INTO tsec.doc VALUES (4, 'four');
RESET ROLE;
ALTER TABLE actstream.actions DISABLE ROW LEVEL SECURITY;
DROP POLICY p ON actstream.actions;
SELECT actor, verb, action_object FROM actstream.actions ORDER BY id;
REVOKE USAGE ON SCHEMA actstream FROM tsec_owner;
SET ROLE tsec_owner;
SELECT actstream.untrack('tsec.doc', 'actstream_track');
DROP TRIGGER actstream_track ON tsec.doc;
RESET ROLE;
GRANT USAGE ON SCHEMA actstream TO tsec_owner;
DELETE FROM actstream.actions;

------------------------------------------------------------------------------
-- Whose rights code runs with
------------------------------------------------------------------------------

-- everything the stranger owns tells who ran it
SET ROLE tsec_stranger;
CREATE TABLE tsec.log (how text, who name);
GRANT INSERT ON tsec.log TO PUBLIC;
CREATE FUNCTION tsec.note(how text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tsec.log VALUES (how, current_user);
    RETURN true;
END
$$;
RESET ROLE;
CREATE FUNCTION tsec.logged(OUT how text, OUT who name) RETURNS SETOF record LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM tsec.log l RETURNING l.*) SELECT DISTINCT g.how, g.who FROM gone g ORDER BY 1, 2
$$;

-- a condition: made by its owner, run by who writes
SET ROLE tsec_stranger;
CREATE DOMAIN tsec.noting AS int CHECK (tsec.note('domain'));
CREATE TYPE tsec.noting_pair AS (a tsec.noting);
CREATE TYPE tsec.noting_range AS RANGE (subtype = tsec.noting);
DELETE FROM tsec.log;
SELECT actstream.track('tsec.theirs', 'did', 'site:stranger', NULL, condition => $$tsec.note('condition')$$);
SELECT actstream.track('tsec.theirs', 'did', 'site:stranger', NULL, condition => $$'5'::tsec.noting > 0$$);
SELECT actstream.track('tsec.theirs', 'did', 'site:stranger', NULL, condition => $$'{5}'::tsec.noting[] IS NOT NULL$$);
SELECT actstream.track('tsec.theirs', 'did', 'site:stranger', NULL, condition => $$'(5)'::tsec.noting_pair IS NOT NULL$$);
SELECT actstream.track('tsec.theirs', 'did', 'site:stranger', NULL, condition => $$'[1,5]'::tsec.noting_range IS NOT NULL$$);
GRANT INSERT, UPDATE, DELETE ON tsec.theirs TO tsec_clerk;
RESET ROLE;
SELECT DISTINCT how FROM tsec.log WHERE who <> 'tsec_stranger';
DELETE FROM tsec.log;
SET ROLE tsec_clerk;
INSERT INTO tsec.theirs VALUES (10);
RESET ROLE;
SELECT * FROM tsec.logged();
SET ROLE tsec_stranger;
SELECT actstream.untrack('tsec.theirs', 'actstream_track');
SELECT actstream.untrack('tsec.theirs', 'actstream_track_' || i) FROM generate_series(2, 5) i;
RESET ROLE;
DELETE FROM tsec.log;

-- policies are not evaluated as the owner of the tracked table, who is not there, and whose rights who writes may not have
SET ROLE tsec_stranger;
CREATE TABLE tsec.topic (id int PRIMARY KEY);
INSERT INTO tsec.topic VALUES (1);
ALTER TABLE tsec.topic ENABLE ROW LEVEL SECURITY;
CREATE POLICY clerks ON tsec.topic USING (current_user IN ('tsec_clerk', 'tsec_owner'));
GRANT SELECT ON tsec.topic TO PUBLIC;
SELECT label FROM actstream.register('tsec.topic');
SET ROLE tsec_owner;
CREATE TABLE tsec.told (id int, topic int);
GRANT INSERT ON tsec.told TO PUBLIC;
SELECT actstream.track('tsec.told', 'told', 'site:owner', NULL, 'topic:{topic}');
SET ROLE tsec_stranger;
INSERT INTO tsec.told VALUES (1, 1);
SET ROLE tsec_clerk;
INSERT INTO tsec.told VALUES (2, 1);
-- unless whose policies they are has these rights anyway
RESET ROLE;
GRANT tsec_owner TO tsec_stranger;
SET ROLE tsec_clerk;
INSERT INTO tsec.told VALUES (3, 1);
SET ROLE tsec_stranger;
ALTER POLICY clerks ON tsec.topic USING (current_user = 'tsec_clerk');
SET ROLE tsec_clerk;
INSERT INTO tsec.told VALUES (4, 1);
RESET ROLE;
REVOKE tsec_owner FROM tsec_stranger;
SELECT row_number() OVER (ORDER BY id) AS told, target FROM actstream.actions WHERE verb = 'told' ORDER BY id;
DROP TABLE tsec.told, tsec.topic;
DELETE FROM actstream.actions WHERE verb = 'told';

-- nothing gets out of a condition, a verb, a template or a name
SET ROLE tsec_stranger;
SELECT actstream.track('tsec.theirs', 'x', 'site:1', NULL, condition => $$true) EXECUTE FUNCTION tsec.note(); DROP TABLE tsec.theirs; --$$);
SELECT actstream.track('tsec.theirs', 'x', 'site:1', NULL, condition => $$true; DROP TABLE tsec.theirs$$);
SELECT actstream.track('tsec.theirs', 'x', 'site:1', NULL, condition => $$(SELECT tsec.note('subquery'))$$);
SELECT actstream.track('tsec.theirs', 'x', 'site:1', NULL, condition => $$$1$$);
SELECT actstream.track('tsec.theirs', $$'); DROP TABLE tsec.theirs; --$$, $$site:'); DROP TABLE tsec.theirs; --$$, NULL,
    description => $$'{label}'; DROP TABLE tsec.theirs; --\$$, trigger_name => $$"; DROP TABLE tsec.theirs; --$$);
CREATE TABLE tsec."odd
""table""; --" ("odd
""id""; --" int PRIMARY KEY, "a'b\c{d}" text, "$1" text);
SELECT label, key_columns FROM actstream.register($$tsec."odd
""table""; --"$$, 'odd');
SELECT actstream.track($$tsec."odd
""table""; --"$$, 'wrote', 'site:1', description => '{odd
"id"; --} {$1}', data_columns => ARRAY[$$a'b\c{d}$$, '$1'], columns => ARRAY['$1'], events => '{insert,update}');
INSERT INTO tsec.theirs VALUES (11, 'label');
INSERT INTO tsec."odd
""table""; --" VALUES (1, '{}', '{label}');
UPDATE tsec."odd
""table""; --" SET "odd
""id""; --" = 2, "$1" = '''';
SELECT actstream.untrack('tsec.theirs', $$"; DROP TABLE tsec.theirs; --$$);
SELECT actor, verb, action_object, description, data FROM actstream.actions ORDER BY id;
DROP TABLE tsec."odd
""table""; --";
DELETE FROM actstream.actions;
RESET ROLE;
SELECT * FROM tsec.logged();

-- key columns of domains with checks, and casts, output and comparison of the stranger's own
SET ROLE tsec_stranger;
CREATE DOMAIN tsec.key AS int CHECK (tsec.note('key domain'));
CREATE TYPE tsec.mood AS ENUM ('sad', 'glad');
CREATE FUNCTION tsec.to_json(tsec.mood) RETURNS json LANGUAGE plpgsql AS $$BEGIN PERFORM tsec.note('cast to json'); RETURN '"cast"'; END$$;
CREATE CAST (tsec.mood AS json) WITH FUNCTION tsec.to_json(tsec.mood);
CREATE FUNCTION tsec.eq(int, int) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM tsec.note('equal'); RETURN true; END$$;
CREATE FUNCTION tsec.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM tsec.note('equal'); RETURN true; END$$;
CREATE FUNCTION tsec.eq(actstream.ref, actstream.ref) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN PERFORM tsec.note('equal'); RETURN true; END$$;
CREATE OPERATOR tsec.= (FUNCTION = tsec.eq, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR tsec.<> (FUNCTION = tsec.eq, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR tsec.= (FUNCTION = tsec.eq, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR tsec.<> (FUNCTION = tsec.eq, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR tsec.= (FUNCTION = tsec.eq, LEFTARG = actstream.ref, RIGHTARG = actstream.ref);
CREATE OPERATOR tsec.>= (FUNCTION = tsec.eq, LEFTARG = actstream.ref, RIGHTARG = actstream.ref);
CREATE FUNCTION tsec.to_jsonb(anyelement) RETURNS jsonb LANGUAGE plpgsql AS $$BEGIN PERFORM tsec.note('to_jsonb'); RETURN '1'; END$$;
CREATE FUNCTION tsec.label_start(text) RETURNS actstream.ref LANGUAGE plpgsql AS $$BEGIN PERFORM tsec.note('label_start'); RETURN 'a:b'; END$$;
CREATE FUNCTION tsec.row_changed() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM tsec.note('row_changed'); RETURN NULL; END$$;
CREATE FUNCTION tsec.object_deleted() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM tsec.note('object_deleted'); RETURN NULL; END$$;
CREATE FUNCTION tsec.pg_event_trigger_dropped_objects() RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM tsec.note('dropped'); RETURN 1; END$$;
CREATE TABLE tsec.action (LIKE actstream.actions);
CREATE TABLE tsec.follow (LIKE actstream.follows);
CREATE TABLE tsec.object_type (LIKE actstream.object_types);
CREATE TABLE tsec.trap (id tsec.key PRIMARY KEY, m tsec.mood, t text, n int) PARTITION BY RANGE (id);
CREATE TABLE tsec.trap_1 PARTITION OF tsec.trap FOR VALUES FROM (0) TO (100);
CREATE TABLE tsec.trap_2 PARTITION OF tsec.trap FOR VALUES FROM (100) TO (200);
GRANT ALL ON tsec.trap, tsec.trap_1, tsec.trap_2 TO tsec_clerk;
RESET ROLE;
DELETE FROM tsec.log;
SET ROLE tsec_stranger;
SET search_path = tsec, pg_temp, pg_catalog;
SELECT label FROM actstream.register('tsec.trap');
SELECT actstream.track('tsec.trap', 'did', 'site:{t}', events => '{insert,update,delete}', columns => '{n,t,id}',
                       description => '{m}', data_columns => '{m}');
RESET ROLE;
-- registering and tracking runs nothing but, at most, the owner's own code as himself
SELECT DISTINCT how FROM tsec.log WHERE who OPERATOR(pg_catalog.<>) 'tsec_stranger';
DELETE FROM tsec.log WHERE true;
SET ROLE tsec_clerk;
INSERT INTO tsec.trap VALUES (1, 'glad', 'a', 1), (2, 'sad', 'b', 1);
UPDATE tsec.trap SET id = 3 WHERE id OPERATOR(pg_catalog.=) 1;
UPDATE tsec.trap SET id = 103 WHERE id OPERATOR(pg_catalog.=) 3;
RESET ROLE;
SELECT verb, action_object FROM actstream.act_send('site:a', 'saw', 'trap:2', 'trap:103');
SELECT flag FROM actstream.follow('trap:2', 'trap:103', send_action => false);
SET ROLE tsec_clerk;
DELETE FROM tsec.trap WHERE id OPERATOR(pg_catalog.=) 2;
TRUNCATE tsec.trap_2;
RESET ROLE;
SET search_path = pg_catalog;
SELECT actor, verb, action_object, target, description, data FROM actstream.actions ORDER BY id;
SELECT * FROM actstream.integrity_check();
-- what the clerk's statements add to the clerk's own runs the stranger's code as the
-- stranger; nobody else's rights are there
SELECT * FROM tsec.logged();
SET ROLE tsec_stranger;
SET search_path = tsec, pg_temp, pg_catalog;
ALTER TABLE tsec.trap DETACH PARTITION tsec.trap_2;
ALTER TABLE tsec.trap ATTACH PARTITION tsec.trap_2 FOR VALUES FROM (100) TO (200);
DROP TABLE tsec.trap_1;
SELECT actstream.untrack('tsec.trap', 'actstream_track');
SELECT label FROM actstream.register('tsec.trap', on_delete => 'keep');
DROP TABLE tsec.trap;
RESET ROLE;
SET search_path = pg_catalog;
SELECT * FROM tsec.logged();
SELECT label FROM actstream.object_types ORDER BY label COLLATE "C";

-- every function of ours that runs with an owner's rights says under which path
SELECT p.oid::regprocedure FROM pg_proc p
WHERE p.pronamespace IN ('actstream'::regnamespace, 'actstream_internal'::regnamespace) AND p.prosecdef
  AND NOT coalesce(p.proconfig @> '{"search_path=pg_catalog, pg_temp"}', false);
-- and no event trigger's function is for everybody
SELECT p.proname FROM pg_proc p
WHERE p.pronamespace IN ('actstream'::regnamespace, 'actstream_internal'::regnamespace) AND p.prorettype = 'event_trigger'::regtype
  AND has_function_privilege('public', p.oid, 'EXECUTE');
-- what tells of all rows is for the owner of the tables
SET ROLE tsec_owner;
SELECT * FROM actstream.integrity_check();
SELECT actstream_internal.object_exists('doc:1');
SELECT actstream_internal.object_type_fault('doc');
RESET ROLE;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA tsec CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY tsec_owner, tsec_stranger, tsec_clerk;
DROP ROLE tsec_owner, tsec_stranger, tsec_clerk;
