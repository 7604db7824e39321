-- Commands that reach registered tables by ways around, code of an owner's that fails,
-- and what others than the extension have made of its names.
\set VERBOSITY terse
SET client_min_messages = warning;

-- a schema of that name that somebody else has made, with tables of those names
DROP SCHEMA IF EXISTS actstream;
CREATE SCHEMA actstream;
CREATE TABLE actstream.actions (id int);
CREATE TABLE actstream.follows (id int);
CREATE TABLE actstream.object_types (label text, relation regclass);
CREATE TABLE actstream.phrases (id int);
CREATE TYPE actstream.ref AS (x int);
LOAD 'actstream';
CREATE TABLE other (id int PRIMARY KEY);
ALTER TABLE other ADD x int;
DROP TABLE other;
DROP SCHEMA actstream CASCADE;

CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
SET search_path = public, actstream;
CREATE ROLE str_owner;
CREATE ROLE str_tenant;
GRANT USAGE ON SCHEMA actstream TO str_owner, str_tenant;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.object_types, actstream.actions, actstream.follows, actstream.mutes TO str_owner;
GRANT SELECT ON actstream.object_types, actstream.actions, actstream.follows, actstream.mutes TO str_tenant;
SELECT label FROM actstream.register_external('site');
CREATE VIEW broken AS SELECT problem, label, object, detail FROM actstream.integrity_check() ORDER BY 1, 2, 3, 4;
CREATE VIEW sent AS SELECT actor, verb, action_object, target FROM actstream.actions ORDER BY id;
\i test/lib/try.sql

------------------------------------------------------------------------------
-- What a table follows
------------------------------------------------------------------------------
-- a column that is renamed by way of a parent, or of the row type
CREATE TABLE base (code int NOT NULL, title text);
CREATE TABLE heir (PRIMARY KEY (code)) INHERITS (base);
CREATE TYPE shape AS (code int, title text);
CREATE TABLE shaped OF shape (PRIMARY KEY (code));
SELECT label, key_columns FROM actstream.register('heir', name_template => '{title}');
SELECT label, key_columns FROM actstream.register('shaped', name_template => '{title}');
INSERT INTO heir VALUES (1, 'one');
INSERT INTO shaped VALUES (1, 'eins');
SELECT verb FROM actstream.act_send('heir:1', 'met', 'shaped:1');
ALTER TABLE base RENAME code TO number;
ALTER TABLE base RENAME title TO name;
ALTER TYPE shape RENAME ATTRIBUTE code TO number CASCADE;
ALTER TYPE shape RENAME ATTRIBUTE title TO name CASCADE;
SELECT label, key_columns, name_template FROM actstream.object_types WHERE relation IS NOT NULL ORDER BY label;
SELECT actstream.display_name('heir:1'), actstream.display_name('shaped:1');
-- and what register() has asked for, taken away there
CREATE TABLE loose (code int NOT NULL);
CREATE TABLE bound (UNIQUE (code)) INHERITS (loose);
SELECT label FROM actstream.register('bound', key_columns => '{code}');
SELECT try('ALTER TABLE loose ALTER code DROP NOT NULL');
SELECT try('ALTER TABLE loose ALTER code TYPE numeric');
SELECT * FROM broken;
-- the index that keys are looked up by, in each way
CREATE UNIQUE INDEX bound_2 ON bound (code);
ALTER TABLE bound DROP CONSTRAINT bound_code_key;
DROP INDEX CONCURRENTLY bound_2;
SELECT try('DROP INDEX bound_2');
SELECT * FROM broken;
SELECT actstream.unregister('bound');
DROP INDEX CONCURRENTLY bound_2;
DROP TABLE loose, bound;

------------------------------------------------------------------------------
-- What is undone has not happened
------------------------------------------------------------------------------
CREATE TABLE part (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE part_0 PARTITION OF part FOR VALUES FROM (0) TO (10);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (10) TO (20);
SELECT label FROM actstream.register('part');
INSERT INTO part VALUES (1), (11);
SELECT verb FROM actstream.act_send('part:1', 'was');
SELECT verb FROM actstream.act_send('part:11', 'was');
-- a command that fails in the middle
BEGIN;
CREATE TABLE hold (id int REFERENCES part);
SELECT try('DROP TABLE part_1, nothing');
SELECT try('ALTER TABLE part DETACH PARTITION part_1; SELECT 1/0');
SELECT try('ALTER TABLE part RENAME id TO id2; SELECT 1/0');
CREATE TABLE unrelated (id int);
DROP TABLE unrelated;
SELECT key_columns FROM actstream.object_types WHERE label = 'part';
ROLLBACK;
-- moves that a savepoint takes back
BEGIN;
SAVEPOINT s;
UPDATE part SET id = 12 WHERE id = 1;
SELECT * FROM sent;
ROLLBACK TO s;
DELETE FROM part WHERE id = 1;
SELECT * FROM sent;
ROLLBACK;
-- a key that is used once more later on in the transaction
BEGIN;
UPDATE part SET id = 12 WHERE id = 1;
INSERT INTO part VALUES (1);
SELECT verb FROM actstream.act_send('part:1', 'came');
DELETE FROM part WHERE id = 1;
SELECT * FROM sent;
ROLLBACK;
SELECT * FROM sent;
-- DROP OWNED of a table whose references restrict, partitions and all
CREATE TABLE mine (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE mine_0 PARTITION OF mine DEFAULT;
ALTER TABLE mine OWNER TO str_owner;
ALTER TABLE mine_0 OWNER TO str_owner;
SELECT label FROM actstream.register('mine', on_delete => 'restrict');
INSERT INTO mine VALUES (1);
SELECT verb FROM actstream.act_send('mine:1', 'was');
SELECT try('DROP OWNED BY str_owner');
SELECT label, relation FROM actstream.object_types WHERE label = 'mine';
GRANT USAGE ON SCHEMA actstream TO str_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.object_types, actstream.actions, actstream.follows, actstream.mutes TO str_owner;
DELETE FROM actstream.actions WHERE actor = 'mine:1';
SELECT actstream.unregister('mine');
-- DROP OWNED of a partition of somebody else's table
CREATE TABLE ours (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE ours_0 PARTITION OF ours FOR VALUES FROM (0) TO (10);
CREATE TABLE ours_1 PARTITION OF ours FOR VALUES FROM (10) TO (20);
ALTER TABLE ours_0 OWNER TO str_owner;
SELECT label FROM actstream.register('ours');
INSERT INTO ours VALUES (1), (11);
INSERT INTO actstream.actions (actor, verb) VALUES ('ours:1', 'lived'), ('ours:11', 'lived');
BEGIN;
DROP OWNED BY str_owner;
SELECT actor FROM sent WHERE verb = 'lived' ORDER BY 1;
ROLLBACK;
DELETE FROM actstream.actions WHERE verb = 'lived';
SELECT actstream.unregister('ours');
DROP TABLE ours;
-- a type whose trigger is gone is not swept: nothing is known of its rows
DROP TRIGGER actstream_object ON part;
DROP TABLE part_1;
SELECT * FROM sent;
SELECT try($$SELECT actstream.register('part')$$);
DELETE FROM actstream.actions WHERE actor = 'part:11';
SELECT label FROM actstream.register('part');
SELECT * FROM broken;

------------------------------------------------------------------------------
-- Code of the owner's that fails
------------------------------------------------------------------------------
CREATE SCHEMA str AUTHORIZATION str_owner;
SET ROLE str_owner;
GRANT USAGE ON SCHEMA str TO PUBLIC;
CREATE FUNCTION str.fail() RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT 1 / (current_setting('str.fail', true) IS DISTINCT FROM 'on')::int = 1 $$;
CREATE TABLE str.sour (id int PRIMARY KEY, name text) PARTITION BY RANGE (id);
CREATE TABLE str.sour_0 PARTITION OF str.sour DEFAULT;
CREATE INDEX ON str.sour (name) WHERE str.fail();
CREATE TABLE str.hidden (id int PRIMARY KEY, name text);
ALTER TABLE str.hidden ENABLE ROW LEVEL SECURITY;
CREATE POLICY fails ON str.hidden FOR SELECT USING (str.fail());
GRANT SELECT ON str.sour, str.hidden TO PUBLIC;
INSERT INTO str.sour VALUES (1, 'Sour');
INSERT INTO str.hidden VALUES (1, 'Hidden');
SELECT label FROM actstream.register('str.sour', name_template => '{name}');
SELECT label FROM actstream.register('str.hidden', name_template => '{name}');
SELECT verb FROM actstream.act_send('sour:1', 'met', 'hidden:1', 'shaped:1');
RESET ROLE;
-- others' pages have the names of all else
SET ROLE str_tenant;
SELECT display_name(actor), display_name(action_object), display_name(target) FROM actstream.actions WHERE verb = 'met' AND target = 'shaped:1';
SET str.fail = on;
SELECT display_name(actor), display_name(action_object), display_name(target) FROM actstream.actions WHERE verb = 'met' AND target = 'shaped:1';
SELECT * FROM actstream.expand_all(ARRAY['sour:1', 'hidden:1', 'site:1']::actstream.ref[]);
RESET ROLE;
DISCARD PLANS;
SELECT * FROM broken;
RESET str.fail;
SELECT * FROM broken;
DELETE FROM actstream.actions WHERE target = 'shaped:1';

-- a policy that writes references of its own while our own writing asks it
CREATE TABLE loop (id int PRIMARY KEY, name text) PARTITION BY RANGE (id);
CREATE TABLE loop_0 PARTITION OF loop DEFAULT;
CREATE FUNCTION deeper_1() RETURNS text LANGUAGE plpgsql SET str.depth = 'x' AS 'BEGIN RETURN actstream.display_name(''loop:2''); END';
CREATE FUNCTION deeper_2() RETURNS text LANGUAGE plpgsql SET str.depth = 'xx' AS 'BEGIN RETURN actstream.display_name(''loop:2''); END';
CREATE FUNCTION deeper_3() RETURNS text LANGUAGE plpgsql SET str.depth = 'xxx' AS 'BEGIN RETURN actstream.display_name(''loop:2''); END';
CREATE FUNCTION again() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    CASE coalesce(current_setting('str.depth', true), '')
        WHEN '' THEN PERFORM deeper_1();
        WHEN 'x' THEN PERFORM deeper_2();
        WHEN 'xx' THEN PERFORM deeper_3();
        ELSE NULL;
    END CASE;
    RETURN true;
END
$$;
ALTER TABLE loop ENABLE ROW LEVEL SECURITY;
CREATE POLICY again ON loop USING (again());
GRANT ALL ON loop TO str_owner;
INSERT INTO loop VALUES (1, 'one'), (2, 'two');
SELECT label FROM actstream.register('loop', name_template => '{name}');
SELECT verb FROM actstream.act_send('loop:1', 'was');
SET ROLE str_owner;
SET str.depth = '';
SELECT try($$UPDATE loop SET id = 3 WHERE id = 1$$);
SELECT left(try($$SELECT actstream.display_name('loop:2')$$), 60);
SELECT left(try($$SELECT actstream.act_send('loop:2', 'was')$$), 60);
RESET ROLE;
SELECT * FROM sent;
DELETE FROM actstream.actions;
DROP TABLE loop;

------------------------------------------------------------------------------
-- The registry
------------------------------------------------------------------------------
-- what was not checked is looked for when it is to be
CREATE TABLE later (id int PRIMARY KEY);
SELECT checked FROM actstream.register('later', checked => false);
SELECT verb FROM actstream.act_send('later:1', 'was');
SELECT try($$SELECT actstream.register('later', checked => true)$$);
INSERT INTO later VALUES (1);
SELECT checked FROM actstream.register('later', checked => true);
-- a label that is as long as a name can be, and one that is longer
SELECT label = repeat('z', 62) FROM actstream.register_external(repeat('z', 62));
SELECT try(format('SELECT actstream.register_external(%L)', repeat('z', 63)));
SELECT try(format('SELECT actstream.register_external(%L)', repeat('z', 64)));
-- a template, too, is not longer than it needs to be: all sessions keep it
SELECT try(format('SELECT actstream.register_external(%L, %L)', 'long', repeat('x', 2049)));
-- what no condition of a trigger can be, and what is only a part of one
CREATE TABLE tracked_one (id int PRIMARY KEY);
SELECT c, try(format('SELECT actstream.track(%L, %L, %L, NULL, condition => %L)', 'tracked_one', 'did', 'site:{id}', c))
FROM unnest(ARRAY['*', 'NEW.*', '(NEW).*', '', 'true AND', 'NEW.id > 1 AS x', 'NEW.id > 1 whatever', 'true, true',
    'true FROM later', 'true; true', 'NEW.id > 1 /*', 'true) EXECUTE FUNCTION x() --']) AS c;
SELECT trigger_name FROM tracked();
-- a trigger whose arguments make no sense keeps nobody from renaming a column
CREATE TRIGGER odd AFTER INSERT ON tracked_one FOR EACH ROW
    EXECUTE FUNCTION actstream_internal.row_changed('v', '{self}', '', '', '', 'public', '{', '{', '');
ALTER TABLE tracked_one RENAME id TO number;
-- a read-only transaction may write to temporary tables
CREATE TEMP TABLE passing (id int);
SELECT actstream.track('pg_temp.passing', 'did', 'site:{id}', NULL);
BEGIN READ ONLY;
INSERT INTO passing VALUES (1);
SELECT * FROM passing;
COMMIT;
-- a session does not grow with triggers that have come and gone
DO $$
BEGIN
    FOR i IN 1 .. 200 LOOP
        CREATE TEMP TABLE brief (id int);
        PERFORM actstream.track('pg_temp.brief', 'did', 'site:{id}', NULL);
        INSERT INTO brief VALUES (1);
        DROP TABLE brief;
        COMMIT;
    END LOOP;
END
$$;
SELECT count(*) < 20 AS few FROM pg_backend_memory_contexts WHERE name LIKE 'actstream tracking%';
DELETE FROM actstream.actions WHERE verb = 'did';
DROP TABLE tracked_one, passing;
-- the owner of a table needs rights on it, and on the schema
ALTER TABLE actstream.follows OWNER TO str_tenant;
REVOKE UPDATE ON actstream.follows FROM str_tenant;
SELECT problem, relation, detail FROM actstream.integrity_check() ORDER BY 1, 2;
ALTER TABLE actstream.follows OWNER TO CURRENT_USER;

DROP TABLE later, part, heir, base, shaped;
DROP TYPE shape;
DROP SCHEMA str CASCADE;
DROP VIEW sent, broken;
DROP FUNCTION try(text), again(), deeper_1(), deeper_2(), deeper_3();
DO 'BEGIN PERFORM actstream.drop_tables(); END';
DROP EXTENSION actstream;
DROP OWNED BY str_owner, str_tenant;
DROP ROLE str_owner, str_tenant;
