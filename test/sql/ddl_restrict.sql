-- What on_delete = 'restrict', or a trigger of the tables' owner, refuses is refused before anything is
-- done, or not at all.
\i test/lib/fresh.sql

CREATE SCHEMA ddl_restrict;
CREATE ROLE ddl_restrict_owner;
CREATE ROLE ddl_restrict_other;
SET search_path = ddl_restrict, public;
SELECT label FROM actstream.register_external('o');

CREATE TABLE room (id int PRIMARY KEY, name text) PARTITION BY RANGE (id);
CREATE TABLE room_1 PARTITION OF room FOR VALUES FROM (10) TO (20);
CREATE TABLE room_2 PARTITION OF room FOR VALUES FROM (20) TO (30) PARTITION BY RANGE (id);
CREATE TABLE room_20 PARTITION OF room_2 DEFAULT;
INSERT INTO room VALUES (11), (12), (21);
CREATE VIEW parts AS
    SELECT inhrelid::regclass AS partition, inhdetachpending AS pending FROM pg_inherits WHERE inhparent = 'room'::regclass ORDER BY 1;
SELECT on_delete FROM actstream.register('room', on_delete => 'restrict');
SELECT verb FROM actstream.act_send('o:1', 'entered', target => 'room:11');
SELECT verb FROM actstream.act_send('o:1', 'entered', target => 'room:21');

-- DETACH ... CONCURRENTLY commits before it ends
ALTER TABLE room DETACH PARTITION room_1 CONCURRENTLY;
ALTER TABLE room DETACH PARTITION room_2 CONCURRENTLY;
SELECT * FROM parts;
SELECT id FROM room ORDER BY id;
-- what is no partition of that table, or not there, is for PostgreSQL to say
ALTER TABLE room DETACH PARTITION room_20 CONCURRENTLY;
ALTER TABLE room DETACH PARTITION nowhere CONCURRENTLY;
ALTER TABLE nowhere DETACH PARTITION room_1 CONCURRENTLY;
SET ROLE ddl_restrict_other;
ALTER TABLE ddl_restrict.room DETACH PARTITION ddl_restrict.room_1 CONCURRENTLY;
RESET ROLE;
DELETE FROM actstream.actions WHERE target = 'room:11';
ALTER TABLE room DETACH PARTITION room_1 CONCURRENTLY;
SELECT * FROM parts;
ALTER TABLE room ATTACH PARTITION room_1 FOR VALUES FROM (10) TO (20);

-- a trigger that refuses does not stop it halfway
SELECT on_delete FROM actstream.register('room', on_delete => 'cascade');
SELECT verb FROM actstream.act_send('o:1', 'entered', target => 'room:12');
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no action is deleted'; END $$;
CREATE TRIGGER refuse BEFORE DELETE ON actstream.actions FOR EACH ROW EXECUTE FUNCTION ddl_restrict.refuse();
ALTER TABLE room DETACH PARTITION room_1;
ALTER TABLE room DETACH PARTITION room_1 CONCURRENTLY;
SELECT * FROM parts;
SELECT problem, object FROM actstream.integrity_check();
DROP TRIGGER refuse ON actstream.actions;
DELETE FROM actstream.actions WHERE target = 'room:12';
DROP TABLE room_1;

-- a partition that goes with its table, whatever takes that along
SELECT on_delete FROM actstream.register('room', on_delete => 'restrict');
DROP TABLE room_20;
DROP TABLE room_2;
BEGIN;
DROP VIEW parts;
CREATE SCHEMA ddl_owned AUTHORIZATION ddl_restrict_owner;
ALTER TABLE room SET SCHEMA ddl_owned;
SET client_min_messages = warning;
DROP OWNED BY ddl_restrict_owner CASCADE;
SELECT to_regclass('ddl_owned.room'), to_regclass('room_20');
SELECT label, relation FROM actstream.object_types;
ROLLBACK;
BEGIN;
SET client_min_messages = warning;
DROP VIEW parts;
CREATE SCHEMA ddl_member;
CREATE EXTENSION citext SCHEMA ddl_member;
CREATE SCHEMA ddl_owned;
ALTER EXTENSION citext ADD SCHEMA ddl_owned;
ALTER TABLE room SET SCHEMA ddl_owned;
DROP EXTENSION citext CASCADE;
SELECT to_regclass('ddl_owned.room'), to_regclass('room_20');
ROLLBACK;
-- what a trigger does for one partition does not decide about another
CREATE TABLE post (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE post_1 PARTITION OF post FOR VALUES FROM (10) TO (20);
INSERT INTO post VALUES (11);
SELECT label FROM actstream.register('post');
SELECT verb FROM actstream.act_send('o:1', 'wrote', target => 'post:11');
CREATE FUNCTION work() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    CREATE TABLE ddl_restrict.work AS SELECT 1;
    DROP TABLE ddl_restrict.work;
    RETURN NULL;
END
$$;
CREATE TRIGGER work AFTER DELETE ON actstream.actions FOR EACH STATEMENT EXECUTE FUNCTION ddl_restrict.work();
DROP TABLE room_20, post_1;
DROP TABLE post_1, room_20;
DROP TABLE post;
DROP TRIGGER work ON actstream.actions;
-- nor does what somebody's event trigger does, and undoes, before ours
CREATE FUNCTION log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('ddl_restrict.log', true) IS DISTINCT FROM 'off' THEN
        PERFORM set_config('ddl_restrict.log', 'off', true);
        BEGIN
            CREATE TEMP TABLE logged ();
            DROP TABLE logged;
            PERFORM 1 / 0;
        EXCEPTION WHEN OTHERS THEN
            RAISE NOTICE 'not logged: %', sqlerrm;
        END;
        PERFORM set_config('ddl_restrict.log', 'on', true);
    END IF;
END
$$;
CREATE EVENT TRIGGER aaa_log_drop ON sql_drop EXECUTE FUNCTION log_ddl();
CREATE EVENT TRIGGER aaa_log_ddl ON ddl_command_end EXECUTE FUNCTION log_ddl();
DROP TABLE room_20;
ALTER TABLE room DETACH PARTITION room_2;
ALTER TABLE room RENAME id TO number;
SELECT key_columns FROM actstream.object_types WHERE label = 'room';
ALTER TABLE room RENAME number TO id;
BEGIN;
DROP TABLE room CASCADE;
SELECT label, relation FROM actstream.object_types;
ROLLBACK;
DROP EVENT TRIGGER aaa_log_drop;
DROP EVENT TRIGGER aaa_log_ddl;
SELECT * FROM actstream.integrity_check();
-- what refers to it may go along
BEGIN;
DROP TABLE room_20, actstream.actions;
ROLLBACK;
BEGIN;
DROP TABLE actstream.actions, room_20;
ROLLBACK;
-- only one of two savepoints is rolled back
BEGIN;
SAVEPOINT one;
DROP TABLE room_20;
ROLLBACK TO one;
DROP TABLE room CASCADE;
ROLLBACK;
SELECT * FROM parts;

-- the schemas keep their names, by which the functions refer to them
ALTER SCHEMA actstream RENAME TO other;
ALTER SCHEMA actstream_internal RENAME TO other;
CREATE SCHEMA ddl_owned;
ALTER SCHEMA ddl_owned RENAME TO ddl_other;

SET client_min_messages = warning;
DROP SCHEMA ddl_restrict, ddl_other CASCADE;
DROP EXTENSION actstream CASCADE;
DROP ROLE ddl_restrict_owner, ddl_restrict_other;
