-- What binds a registered table to its object type: the registry, and a trigger that
-- its owner can replace.
\i test/lib/fresh.sql
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE ROLE bind_owner;
GRANT USAGE ON SCHEMA actstream TO bind_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.object_types TO bind_owner;
GRANT SELECT, INSERT, UPDATE ON actstream.actions, actstream.follows, actstream.mutes TO bind_owner;
CREATE SCHEMA shop AUTHORIZATION bind_owner;
SELECT label FROM actstream.register_external('site');

-- The SQLSTATE and message of what a statement comes to, or its result.
CREATE FUNCTION shop.try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE statement INTO result;
    RETURN result;
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate || ' ' || sqlerrm;
END
$$;
GRANT EXECUTE ON FUNCTION shop.try(text) TO bind_owner;
ALTER FUNCTION shop.try(text) OWNER TO bind_owner;

-- Every function that reads of what a reference names.
CREATE FUNCTION shop.try_all(ref text) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT DISTINCT f || ': ' || shop.try(replace(f, '$1', quote_literal(ref)))
    FROM unnest(ARRAY[
        $f$SELECT actstream.display_name($1)$f$,
        $f$SELECT actstream.url($1)$f$,
        $f$SELECT actstream.expand($1)$f$,
        $f$SELECT value FROM actstream.expand_all(ARRAY[$1]::actstream.ref[])$f$,
        $f$SELECT verb FROM actstream.act_send('site:1', 'saw', $1)$f$,
        $f$SELECT flag FROM actstream.follow('site:1', $1, send_action => false)$f$
        ]) AS f
    ORDER BY 1
$$;
ALTER FUNCTION shop.try_all(text) OWNER TO bind_owner;

SET ROLE bind_owner;
DO $$
BEGIN
    EXECUTE 'CREATE TABLE shop.wide (id int PRIMARY KEY, '
        || (SELECT string_agg('c' || i || ' int8', ', ' ORDER BY i) FROM generate_series(1, 1599) i) || ')';
END
$$;
SELECT label, key_columns FROM actstream.register('shop.wide', name_template => 'wide {id}', url_template => '/{id}');
INSERT INTO shop.wide (id) VALUES (1), (2);
SELECT * FROM shop.try_all('wide:1');
SELECT actstream.ref_of(w) FROM shop.wide w ORDER BY id;

------------------------------------------------------------------------------
-- Look-alikes of the trigger
------------------------------------------------------------------------------

CREATE PROCEDURE shop.replace_trigger(columns int) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'CREATE OR REPLACE TRIGGER actstream_object AFTER DELETE OR UPDATE OF '
        || (SELECT string_agg('c' || i, ', ' ORDER BY i) FROM generate_series(1, columns) i)
        || ' ON shop.wide FOR EACH ROW EXECUTE FUNCTION actstream_internal.object_deleted()';
END
$$;
-- as many columns as fit and more, of which the registry knows nothing
CALL shop.replace_trigger(1);
SELECT * FROM shop.try_all('wide:1');
CALL shop.replace_trigger(32);
SELECT DISTINCT split_part(t, ': ', 2) FROM shop.try_all('wide:' || (SELECT string_agg('1', ',') FROM generate_series(1, 32))) t;
CALL shop.replace_trigger(33);
SELECT DISTINCT split_part(t, ': ', 2) FROM shop.try_all('wide:' || (SELECT string_agg('1', ',') FROM generate_series(1, 33))) t;
CALL shop.replace_trigger(1599);
SELECT DISTINCT split_part(t, ': ', 2) FROM shop.try_all('wide:' || (SELECT string_agg('1', ',') FROM generate_series(1, 400))) t;
SELECT shop.try($$SELECT actstream.ref_of(w) FROM shop.wide w$$);
SELECT shop.try($$DELETE FROM shop.wide$$);
SELECT shop.try($$UPDATE shop.wide SET id = 3$$);
SELECT shop.try($$SELECT actstream.register('shop.wide', key_columns => '{c1}')$$);
-- the right columns, but another function, other events, a condition
CREATE OR REPLACE TRIGGER actstream_object AFTER DELETE OR UPDATE OF id ON shop.wide
    FOR EACH ROW EXECUTE FUNCTION actstream_internal.object_rekeyed();
SELECT shop.try($$SELECT actstream.act_send('site:1', 'saw', 'wide:1')$$);
CREATE OR REPLACE TRIGGER actstream_object AFTER UPDATE OF id ON shop.wide
    FOR EACH ROW EXECUTE FUNCTION actstream_internal.object_deleted();
SELECT shop.try($$SELECT actstream.act_send('site:1', 'saw', 'wide:1')$$);
CREATE OR REPLACE TRIGGER actstream_object AFTER DELETE OR UPDATE OF id ON shop.wide
    FOR EACH ROW WHEN (OLD.id > 5) EXECUTE FUNCTION actstream_internal.object_deleted();
SELECT shop.try($$SELECT actstream.act_send('site:1', 'saw', 'wide:1')$$);
DROP TRIGGER actstream_object ON shop.wide;
CREATE CONSTRAINT TRIGGER actstream_object AFTER DELETE OR UPDATE OF id ON shop.wide
    DEFERRABLE FOR EACH ROW EXECUTE FUNCTION actstream_internal.object_deleted();
SELECT shop.try($$SELECT actstream.act_send('site:1', 'saw', 'wide:1')$$);
RESET ROLE;
SELECT * FROM actstream.integrity_check();
SET ROLE bind_owner;
DROP TRIGGER actstream_object ON shop.wide;
-- mended by its owner, without a word of what is registered already
SELECT label, key_columns, name_template, url_template FROM actstream.register('shop.wide');
SELECT * FROM shop.try_all('wide:1');
DELETE FROM shop.wide WHERE id = 1;
SELECT actor, verb, action_object FROM actstream.actions ORDER BY id;
DROP TABLE shop.wide;

------------------------------------------------------------------------------
-- What is not named stays as it is registered
------------------------------------------------------------------------------

CREATE TABLE shop.acc (id int PRIMARY KEY, code text NOT NULL UNIQUE, name text);
SELECT * FROM actstream.register('shop.acc', 'account', '{code}', '{name}', '/{id}', 'restrict', false);
SELECT * FROM actstream.register('shop.acc');
SELECT * FROM actstream.register('shop.acc', url_template => '/acc/{id}');
SELECT * FROM actstream.register('shop.acc', 'account', checked => true);
SELECT * FROM actstream.register('shop.acc', on_delete => 'set null');
-- an empty template is none
SELECT * FROM actstream.register('shop.acc', name_template => '');
SELECT shop.try($$SELECT actstream.register('shop.acc', 'other')$$);
SELECT shop.try($$SELECT actstream.register('shop.acc', on_delete => 'nothing')$$);
RESET ROLE;
SELECT * FROM actstream.register_external('site', '{key}', 'https://{key}/');
SELECT * FROM actstream.register_external('site');
SELECT * FROM actstream.register_external('site', url_template => '');
SET ROLE bind_owner;

------------------------------------------------------------------------------
-- What a column is called
------------------------------------------------------------------------------

INSERT INTO shop.acc VALUES (1, 'a', 'Ann');
SELECT * FROM actstream.register('shop.acc', name_template => '{name} {{{code}}}');
SELECT verb FROM actstream.act_send('account:a', 'came');
ALTER TABLE shop.acc RENAME code TO "Key, one";
ALTER TABLE shop.acc RENAME name TO called;
ALTER TABLE shop.acc RENAME id TO code;
SELECT * FROM actstream.object_types WHERE label = 'account';
SELECT actstream.display_name('account:a'), actstream.url('account:a');
SELECT verb FROM actstream.act_send('account:a', 'went');
-- a name that no template can have
ALTER TABLE shop.acc RENAME called TO "{called}";
SELECT name_template FROM actstream.object_types WHERE label = 'account';
ALTER TABLE shop.acc RENAME "{called}" TO name;
SELECT shop.try($$ALTER TABLE shop.acc DROP COLUMN "Key, one"$$);
SELECT shop.try($$ALTER TABLE shop.acc ALTER "Key, one" TYPE int USING 1$$);
RESET ROLE;
SELECT * FROM actstream.integrity_check();
SELECT name_template FROM actstream.register('shop.acc', name_template => '{name} {{{Key, one}}}');
SELECT * FROM actstream.integrity_check();
SET ROLE bind_owner;

------------------------------------------------------------------------------
-- What register() demanded
------------------------------------------------------------------------------

\set VERBOSITY default
ALTER TABLE shop.acc SET UNLOGGED;
ALTER TABLE shop.acc ALTER "Key, one" DROP NOT NULL;
ALTER TABLE shop.acc DROP CONSTRAINT acc_code_key;
\set VERBOSITY terse
-- another one will do; and what is not the key's may go
CREATE UNIQUE INDEX acc_again ON shop.acc ("Key, one");
ALTER TABLE shop.acc DROP CONSTRAINT acc_code_key, DROP CONSTRAINT acc_pkey;
DROP INDEX shop.acc_again;
ALTER TABLE shop.acc ALTER code DROP NOT NULL;
-- in one command it may change
CREATE UNIQUE INDEX acc_new ON shop.acc ("Key, one");
DROP INDEX shop.acc_again;
-- partitions, too
CREATE TABLE shop.part (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE shop.part_1 PARTITION OF shop.part FOR VALUES FROM (0) TO (10);
SELECT label FROM actstream.register('shop.part');
ALTER TABLE shop.part_1 SET UNLOGGED;
CREATE UNLOGGED TABLE shop.part_2 PARTITION OF shop.part FOR VALUES FROM (10) TO (20);
CREATE UNLOGGED TABLE shop.part_2 (id int PRIMARY KEY);
ALTER TABLE shop.part ATTACH PARTITION shop.part_2 FOR VALUES FROM (10) TO (20);
ALTER TABLE shop.part DROP CONSTRAINT part_pkey;
CREATE TABLE shop.loose (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE UNLOGGED TABLE shop.loose_1 PARTITION OF shop.loose FOR VALUES FROM (0) TO (10);
SELECT shop.try($$SELECT actstream.register('shop.loose')$$);
DROP TABLE shop.part, shop.part_2, shop.loose;
-- where event triggers are silenced, the check of integrity tells
RESET ROLE;
ALTER EVENT TRIGGER actstream_table_altered DISABLE;
ALTER TABLE shop.acc SET UNLOGGED;
ALTER EVENT TRIGGER actstream_table_altered ENABLE ALWAYS;
SELECT problem, label, detail FROM actstream.integrity_check();
ALTER TABLE shop.acc SET LOGGED;
ALTER EVENT TRIGGER actstream_objects_dropped DISABLE;
DROP INDEX shop.acc_new;
ALTER EVENT TRIGGER actstream_objects_dropped ENABLE ALWAYS;
SELECT problem, label, detail FROM actstream.integrity_check();
CREATE UNIQUE INDEX ON shop.acc ("Key, one");
-- rules on our tables, and an owner of theirs that may not do what it has to
CREATE RULE quiet AS ON DELETE TO actstream.actions DO INSTEAD NOTHING;
SELECT shop.try($$DELETE FROM shop.acc$$);
DROP RULE quiet ON actstream.actions;
CREATE RULE quiet AS ON INSERT TO actstream.follows DO INSTEAD NOTHING;
CREATE ROLE bind_other;
ALTER TABLE actstream.actions OWNER TO bind_other;
SELECT problem, relation, detail FROM actstream.integrity_check() ORDER BY 1, 2;
ALTER TABLE actstream.actions OWNER TO CURRENT_USER;
DROP RULE quiet ON actstream.follows;
-- a trigger that keeps what is to be deleted
CREATE FUNCTION shop.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER keep BEFORE DELETE ON actstream.actions FOR EACH ROW EXECUTE FUNCTION shop.keep();
\set VERBOSITY default
DELETE FROM shop.acc;
\set VERBOSITY terse
DROP TRIGGER keep ON actstream.actions;
CREATE TRIGGER keep BEFORE UPDATE ON actstream.actions FOR EACH ROW EXECUTE FUNCTION shop.keep();
UPDATE shop.acc SET "Key, one" = "Key, one" || 'x';
DROP TRIGGER keep ON actstream.actions;
SELECT * FROM actstream.integrity_check();
DELETE FROM shop.acc;
SELECT count(*) FROM actstream.actions WHERE actor::text LIKE 'account:%';
DROP TABLE shop.acc;

------------------------------------------------------------------------------
-- A label is handed to another table
------------------------------------------------------------------------------

SET ROLE bind_owner;
CREATE TABLE shop.users (id int PRIMARY KEY, name text);
INSERT INTO shop.users VALUES (1, 'Ann'), (2, 'Ben');
SELECT label FROM actstream.register('shop.users', 'user', name_template => '{name}', on_delete => 'restrict');
SELECT verb FROM actstream.act_send('user:1', 'joined');
SELECT flag FROM actstream.follow('user:2', 'user:1', send_action => false);
ALTER TABLE shop.users RENAME TO users_old;
CREATE TABLE shop.users (id text PRIMARY KEY, name text);
\set VERBOSITY default
SELECT actstream.register('shop.users', 'user');
SELECT actstream.rebind('user', 'shop.users');
ALTER TABLE shop.users ALTER id TYPE bigint USING id::bigint;
SELECT actstream.rebind('user', 'shop.users');
ALTER TABLE shop.users ALTER id TYPE int;
INSERT INTO shop.users VALUES (1, 'Anna');
SELECT actstream.rebind('user', 'shop.users');
\set VERBOSITY terse
INSERT INTO shop.users VALUES (2, 'Benno');
SELECT * FROM actstream.rebind('user', 'shop.users');
SELECT * FROM actstream.rebind('user', 'shop.users');
SELECT actstream.display_name('user:1');
SELECT tgrelid::regclass, count(*) FROM pg_trigger
WHERE tgrelid IN ('shop.users'::regclass, 'shop.users_old'::regclass) AND NOT tgisinternal GROUP BY 1 ORDER BY 1;
DELETE FROM shop.users_old;
DROP TABLE shop.users_old;
SELECT shop.try($$DELETE FROM shop.users WHERE id = 1$$);
-- to a partitioned one, of which the old one becomes a part
BEGIN;
ALTER TABLE shop.users RENAME TO users_1;
CREATE TABLE shop.users (id int PRIMARY KEY, name text) PARTITION BY RANGE (id);
ALTER TABLE shop.users ATTACH PARTITION shop.users_1 FOR VALUES FROM (MINVALUE) TO (100);
SELECT * FROM actstream.rebind('user', 'shop.users');
COMMIT;
CREATE TABLE shop.users_2 PARTITION OF shop.users FOR VALUES FROM (100) TO (MAXVALUE);
UPDATE shop.users SET id = 101 WHERE id = 1;
SELECT actor, verb, actstream.display_name(actor) FROM actstream.actions WHERE actor::text LIKE 'user:%';
SELECT follower, followee FROM actstream.follows;
RESET ROLE;
SELECT * FROM actstream.integrity_check();
SET ROLE bind_owner;
-- to other columns of the same table: a key that becomes larger without a rewrite of the table
CREATE TABLE shop.item (id int PRIMARY KEY, name text);
INSERT INTO shop.item VALUES (1, 'Nut'), (2, 'Bolt');
SELECT label FROM actstream.register('shop.item', 'item', name_template => '{name}');
SELECT verb FROM actstream.act_send('item:2', 'broke');
ALTER TABLE shop.item ADD new_id bigint;
UPDATE shop.item SET new_id = id;
ALTER TABLE shop.item ALTER new_id SET NOT NULL;
CREATE UNIQUE INDEX item_new ON shop.item (new_id);
SELECT shop.try($$SELECT actstream.register('shop.item', 'item', key_columns => '{new_id}')$$);
UPDATE shop.item SET new_id = 3 WHERE id = 2;
SELECT shop.try($$SELECT actstream.rebind('item', 'shop.item', '{new_id}')$$);
UPDATE shop.item SET new_id = 2 WHERE id = 2;
SELECT shop.try($$SELECT actstream.rebind('item', 'shop.item', '{name}')$$), shop.try($$SELECT actstream.rebind('item', 'shop.item', '{new_id,id}')$$),
       shop.try($$SELECT actstream.rebind('item', 'shop.item', '{}')$$), shop.try($$SELECT actstream.rebind('item', 'shop.item', '{NULL}')$$);
SELECT label, key_columns FROM actstream.rebind('item', 'shop.item', '{new_id}');
BEGIN;
ALTER TABLE shop.item DROP CONSTRAINT item_pkey, ADD CONSTRAINT item_pkey PRIMARY KEY USING INDEX item_new;
ALTER TABLE shop.item DROP COLUMN id;
ALTER TABLE shop.item RENAME new_id TO id;
COMMIT;
SELECT label, key_columns FROM actstream.object_types WHERE label = 'item';
UPDATE shop.item SET id = 5000000000 WHERE id = 2;
SELECT actor, actstream.display_name(actor) FROM actstream.actions WHERE verb = 'broke';
-- also if the key has gone before
ALTER TABLE shop.item ADD next_id bigint UNIQUE;
UPDATE shop.item SET next_id = id;
ALTER TABLE shop.item ALTER next_id SET NOT NULL;
ALTER TABLE shop.item DROP COLUMN id CASCADE;
SELECT shop.try($$SELECT actstream.act_send('item:1', 'broke')$$);
SELECT label, key_columns FROM actstream.rebind('item', 'shop.item', '{next_id}');
DELETE FROM shop.item;
SELECT count(*) FROM actstream.actions WHERE verb = 'broke';
DROP TABLE shop.item;
-- whose the tables are
SELECT shop.try($$SELECT actstream.rebind('nobody', 'shop.users')$$);
SELECT shop.try($$SELECT actstream.rebind('user', 'actstream.actions')$$);
SELECT shop.try($$SELECT actstream.rebind(NULL, 'shop.users')$$);
CREATE TABLE shop.thing (id int PRIMARY KEY);
SELECT label FROM actstream.register('shop.thing');
SELECT shop.try($$SELECT actstream.rebind('user', 'shop.thing')$$);
RESET ROLE;
CREATE TABLE shop.foreign_one (id int PRIMARY KEY);
SET ROLE bind_owner;
SELECT shop.try($$SELECT actstream.rebind('user', 'shop.foreign_one')$$);
-- a label that is left of a dropped table is for the owner of the registry to give away
DROP TABLE shop.users;
SELECT label, relation, on_delete, checked FROM actstream.object_types WHERE label = 'user';
CREATE TABLE shop.users (id int PRIMARY KEY, name text);
INSERT INTO shop.users VALUES (101, 'Ann'), (2, 'Ben');
SELECT shop.try($$SELECT actstream.rebind('user', 'shop.users')$$);
RESET ROLE;
SELECT shop.try($$SELECT actstream.rebind('user', 'shop.users')$$);
SELECT verb FROM actstream.act_send('user:2', 'stayed');
SELECT shop.try($$SELECT actstream.act_send('user:3', 'never was')$$);
SELECT * FROM actstream.integrity_check();

-- Registered again, a table is put right, and what cannot be is told.
CREATE TABLE mended (id integer PRIMARY KEY, name text) PARTITION BY RANGE (id);
CREATE TABLE mended_1 PARTITION OF mended DEFAULT;
SELECT actstream.register('mended', name_template => '{name}');
CREATE VIEW altered AS
SELECT tgrelid::regclass, tgname, tgenabled, tgtype, regexp_replace(pg_get_triggerdef(oid), '.* ON | EXECUTE.*', '', 'g') AS on
FROM pg_trigger WHERE tgname ~ 'actstream' AND tgrelid IN ('mended'::regclass, 'mended_1'::regclass);
CREATE TEMP TABLE as_made AS TABLE altered;
SELECT count(*) FROM as_made;
DO $$
DECLARE
    change text;
BEGIN
    FOREACH change IN ARRAY ARRAY[
        'CREATE OR REPLACE TRIGGER actstream_rekey AFTER UPDATE ON mended FOR EACH ROW WHEN (false) EXECUTE FUNCTION actstream_internal.object_rekeyed()',
        'CREATE OR REPLACE TRIGGER actstream_rekey AFTER UPDATE ON mended FOR EACH ROW EXECUTE FUNCTION actstream_internal.object_rekeyed()',
        'CREATE OR REPLACE TRIGGER zz_actstream_move BEFORE UPDATE ON mended FOR EACH ROW WHEN (old.id > new.id) EXECUTE FUNCTION actstream_internal.object_moves()',
        'CREATE OR REPLACE TRIGGER actstream_truncate AFTER TRUNCATE ON mended EXECUTE FUNCTION actstream_internal.objects_truncated()',
        'CREATE OR REPLACE TRIGGER actstream_rekey AFTER UPDATE OF name ON mended FOR EACH ROW WHEN (NOT (old.id OPERATOR(pg_catalog.=) new.id)) EXECUTE FUNCTION actstream_internal.object_rekeyed()',
        'DROP TRIGGER actstream_truncated ON mended', 'DROP TRIGGER actstream_truncate ON mended_1',
        'ALTER TABLE mended DISABLE TRIGGER actstream_rekey', 'ALTER TABLE mended_1 DISABLE TRIGGER actstream_object',
        'ALTER TABLE mended_1 ENABLE REPLICA TRIGGER actstream_truncate', 'DROP TRIGGER actstream_object ON mended']
    LOOP
        EXECUTE change;
        PERFORM actstream.register('mended');
        IF EXISTS (TABLE altered EXCEPT TABLE as_made) OR EXISTS (TABLE as_made EXCEPT TABLE altered) THEN
            RAISE WARNING 'not put right: %', change;
        END IF;
    END LOOP;
END
$$;
ALTER TABLE mended DROP COLUMN name;
SELECT actstream.register('mended');
SELECT name_template FROM actstream.register('mended', name_template => '');
DROP VIEW altered;
DROP TABLE mended;

-- what register() cannot put right, it tells
CREATE TABLE shop.mute (id int PRIMARY KEY);
INSERT INTO shop.mute VALUES (1);
ALTER TABLE shop.mute OWNER TO bind_owner;
SET ROLE bind_owner;
REVOKE SELECT ON shop.mute FROM bind_owner;
SELECT label FROM actstream.register('shop.mute');
SELECT label FROM actstream.register('shop.mute');
SELECT shop.try($$SELECT actstream.act_send('mute:1', 'was')$$);
GRANT SELECT ON shop.mute TO bind_owner;
SELECT label FROM actstream.register('shop.mute');
SELECT verb FROM actstream.act_send('mute:1', 'was');
RESET ROLE;

DROP SCHEMA shop CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY bind_owner, bind_other;
DROP ROLE bind_owner, bind_other;
