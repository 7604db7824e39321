-- What becomes of references when registered tables are altered or dropped.
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP ROLE IF EXISTS ddl_owner, ddl_other;
CREATE ROLE ddl_owner;
CREATE ROLE ddl_other;
RESET client_min_messages;
SET jit = off;

-- with nothing registered, everybody's DDL goes its way
SET ROLE ddl_owner;
CREATE TEMP TABLE t (id int PRIMARY KEY);
CREATE TEMP TABLE t2 AS SELECT 1 AS id;
ALTER TABLE t ADD COLUMN x int;
DROP TABLE t, t2;
RESET ROLE;

CREATE SCHEMA ddl;
GRANT ALL ON SCHEMA ddl TO ddl_owner, ddl_other;
SET search_path = ddl;
\i test/lib/try.sql
CREATE VIEW actions AS
    SELECT verb, actor, target FROM actstream.actions ORDER BY verb COLLATE "C", actor::text COLLATE "C", target::text COLLATE "C";
CREATE VIEW follows AS
    SELECT follower, followee FROM actstream.follows ORDER BY follower::text COLLATE "C", followee::text COLLATE "C";
CREATE VIEW types AS
    SELECT label, relation, key_columns, on_delete, checked FROM actstream.object_types ORDER BY label COLLATE "C";
CREATE VIEW broken AS
    SELECT problem, label, relation, object, detail FROM actstream.integrity_check()
    ORDER BY problem COLLATE "C", label COLLATE "C", object::text COLLATE "C", relation::text COLLATE "C", detail COLLATE "C";
-- our triggers, wherever they are
CREATE VIEW triggers AS
    SELECT t.tgrelid::regclass AS relation, string_agg(t.tgname, ' ' ORDER BY t.tgname) AS triggers
    FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
    WHERE p.pronamespace = 'actstream_internal'::regnamespace AND c.relnamespace <> 'actstream'::regnamespace
    GROUP BY t.tgrelid ORDER BY t.tgrelid::regclass::text COLLATE "C";
CREATE PROCEDURE clear() LANGUAGE sql AS 'DELETE FROM actstream.actions; DELETE FROM actstream.follows';
CREATE TABLE users (id int PRIMARY KEY);
INSERT INTO users VALUES (1), (2);
SELECT label FROM actstream.register('users', 'user');

------------------------------------------------------------------------------
-- Partitions come and go
------------------------------------------------------------------------------

CREATE TABLE part (id int PRIMARY KEY, note text) PARTITION BY RANGE (id);
CREATE TABLE part_0 PARTITION OF part FOR VALUES FROM (0) TO (10);
SELECT label FROM actstream.register('part');
CREATE PROCEDURE refer() LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM actstream.actions; DELETE FROM actstream.follows;
    INSERT INTO part VALUES (1), (11), (21) ON CONFLICT DO NOTHING;
    INSERT INTO actstream.actions (actor, verb, target)
        SELECT actstream.ref_of(p), 'was ' || id, 'user:1' FROM part p WHERE id IN (1, 11, 21);
    INSERT INTO actstream.follows (follower, followee)
        SELECT 'user:1', actstream.ref_of(p) FROM part p WHERE id IN (1, 11, 21);
END
$$;
-- created, attached, and within those
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (10) TO (20);
CREATE TABLE part_2 (note text, id int NOT NULL) PARTITION BY RANGE (id);
CREATE TABLE part_20 PARTITION OF part_2 DEFAULT;
ALTER TABLE ONLY part ATTACH PARTITION part_2 FOR VALUES FROM (20) TO (30);
SELECT * FROM triggers;
SELECT * FROM broken;
CALL refer();
SELECT * FROM actions;
-- truncated by itself
TRUNCATE part_1;
SELECT verb, actor FROM actions;
TRUNCATE part_20;
SELECT verb, actor FROM actions;
SELECT * FROM follows;
SELECT * FROM broken;
-- detached: its rows are no objects any more
CALL refer();
ALTER TABLE part DETACH PARTITION part_1;
SELECT verb, actor FROM actions;
SELECT * FROM follows;
SELECT * FROM triggers;
SELECT * FROM broken;
-- a table of its own now, whose rows come and go unnoticed
DELETE FROM part_1;
INSERT INTO part_1 VALUES (11);
SELECT actstream.ref_of(p) FROM part_1 p;
SELECT label FROM actstream.register('part_1');
SELECT actstream.unregister('part_1');
-- attached again, it begins anew
ALTER TABLE part ATTACH PARTITION part_1 FOR VALUES FROM (10) TO (20);
SELECT * FROM broken;
CALL refer();
ALTER TABLE part DETACH PARTITION part_1 CONCURRENTLY;
SELECT verb, actor FROM actions;
SELECT * FROM follows;
SELECT * FROM triggers;
SELECT * FROM broken;
ALTER TABLE part ATTACH PARTITION part_1 FOR VALUES FROM (10) TO (20);
-- below a partition
CALL refer();
ALTER TABLE part_2 DETACH PARTITION part_20;
SELECT verb, actor FROM actions;
SELECT * FROM triggers;
ALTER TABLE part_2 ATTACH PARTITION part_20 DEFAULT;
SELECT * FROM broken;
-- dropped
CALL refer();
DROP TABLE part_20;
SELECT verb, actor FROM actions;
DROP TABLE part_1;
SELECT verb, actor FROM actions;
SELECT * FROM follows;
SELECT * FROM broken;
-- made inside of other commands, under another search path
SET search_path = pg_catalog;
CREATE SCHEMA ddl_parts CREATE TABLE part_1 PARTITION OF ddl.part FOR VALUES FROM (10) TO (20);
CREATE TABLE ddl_parts.part_3 PARTITION OF ddl.part FOR VALUES FROM (30) TO (40);
CREATE TABLE ddl_parts.part_4 (LIKE ddl.part);
ALTER TABLE ddl.part ATTACH PARTITION ddl_parts.part_4 FOR VALUES FROM (40) TO (50);
DO 'BEGIN CREATE TABLE ddl_parts.part_5 PARTITION OF ddl.part FOR VALUES FROM (50) TO (60); END';
SET search_path = ddl;
SELECT * FROM broken;
SET client_min_messages = warning;
DROP SCHEMA ddl_parts CASCADE;
RESET client_min_messages;

-- by an owner without other rights
ALTER TABLE part OWNER TO ddl_owner;
ALTER TABLE part_2 OWNER TO ddl_owner;
SET ROLE ddl_owner;
CREATE TABLE part_6 PARTITION OF part FOR VALUES FROM (60) TO (70);
CREATE TABLE part_7 (LIKE part);
ALTER TABLE part ATTACH PARTITION part_7 FOR VALUES FROM (70) TO (80);
RESET ROLE;
SELECT relation FROM triggers;
DROP TABLE IF EXISTS part_6, part_7;
SELECT * FROM broken;

-- by on_delete: a partition that goes takes its objects along
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (10) TO (20);
CREATE TABLE part_20 PARTITION OF part_2 DEFAULT;
SELECT on_delete FROM actstream.register('part', on_delete => 'set null');
CALL refer();
SELECT verb FROM actstream.act_send('user:1', 'looked', target => 'part:11');
DROP TABLE part_1;
SELECT * FROM actions;
SELECT * FROM follows;
SELECT * FROM broken;
SELECT on_delete FROM actstream.register('part', on_delete => 'keep');
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (10) TO (20);
CALL refer();
DROP TABLE part_1;
SELECT * FROM actions;
SELECT * FROM follows;
SELECT * FROM broken;
-- restrict keeps a partition from being detached or truncated, but no DROP is refused
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (10) TO (20);
SELECT on_delete FROM actstream.register('part', on_delete => 'restrict');
CALL refer();
TRUNCATE part_1;
ALTER TABLE part DETACH PARTITION part_1;
DROP TABLE part_1;
SELECT * FROM actions;
SELECT * FROM follows;
SELECT problem, object FROM broken;
CALL clear();
DROP TABLE part;
SELECT label FROM types;

-- a table with triggers of its own can be a partition of one registered table only
CREATE TABLE part (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE leaf (id int NOT NULL);
CREATE UNIQUE INDEX leaf_id ON leaf (id);
SELECT label FROM actstream.register('leaf', key_columns => '{id}');
SELECT label FROM actstream.register('part');
SELECT try('ALTER TABLE part ATTACH PARTITION leaf FOR VALUES FROM (0) TO (10)');
SELECT actstream.unregister('part');
SELECT * FROM triggers;
DROP TABLE part, leaf;
SELECT label FROM types;

------------------------------------------------------------------------------
-- Tables go, by whatever command of an owner without other rights
------------------------------------------------------------------------------

GRANT USAGE ON SCHEMA actstream TO ddl_owner;
GRANT SELECT, INSERT, UPDATE ON actstream.object_types TO ddl_owner;
CREATE PROCEDURE make(schema name) LANGUAGE plpgsql AS $$
DECLARE
    rule text;
BEGIN
    FOREACH rule IN ARRAY '{cascade,set null,restrict,keep}'::text[] LOOP
        EXECUTE format('CREATE TABLE %I.%I (id int PRIMARY KEY)', schema, rule);
        EXECUTE format('INSERT INTO %I.%I VALUES (1)', schema, rule);
        PERFORM actstream.register(format('%I.%I', schema, rule)::regclass, replace(rule, ' ', '_'), on_delete => rule);
    END LOOP;
END
$$;
CREATE PROCEDURE use() LANGUAGE plpgsql AS $$
DECLARE
    label text;
BEGIN
    FOREACH label IN ARRAY '{cascade,set_null,restrict,keep}'::text[] LOOP
        INSERT INTO actstream.actions (actor, verb, target) VALUES
            (actstream.ref(label, 1), label || ' did', 'user:1'),
            ('user:1', 'did to ' || label, actstream.ref(label, 1));
        INSERT INTO actstream.follows (follower, followee) VALUES
            (actstream.ref(label, 1), 'user:1'), ('user:1', actstream.ref(label, 1));
    END LOOP;
END
$$;
SET ROLE ddl_owner;
CALL make('ddl');
RESET ROLE;
CALL use();
REVOKE ALL ON SCHEMA actstream FROM ddl_owner;
REVOKE ALL ON actstream.object_types FROM ddl_owner;
SET ROLE ddl_owner;
DROP TABLE cascade;
DROP TABLE "set null", restrict, keep;
RESET ROLE;
SELECT * FROM actions;
SELECT * FROM follows;
-- what is kept has a label that is nothing's, so that nothing else can take it
SELECT * FROM types;
SELECT * FROM broken;
SELECT * FROM triggers;
SET ROLE ddl_owner;
CREATE TABLE cascade (id int PRIMARY KEY);
CREATE TABLE keep (id int PRIMARY KEY);
INSERT INTO cascade VALUES (1);
INSERT INTO keep VALUES (1);
RESET ROLE;
SELECT try($$SELECT actstream.act_send('cascade:1', 'did')$$);
SELECT try($$SELECT actstream.register('keep')$$);
SELECT try($$SELECT actstream.register('cascade')$$);
SELECT * FROM actions WHERE actor::text ~ '^cascade';
SELECT try($$SELECT actstream.unregister('keep')$$);
CALL clear();
SELECT try($$SELECT actstream.unregister('keep')$$), try($$SELECT actstream.unregister('restrict')$$);
DROP TABLE cascade, keep;
SELECT * FROM types;

-- with a schema, with all that an owner has, and in a transaction that is taken back
CREATE SCHEMA ddl_mine AUTHORIZATION ddl_owner;
CALL make('ddl_mine');
ALTER TABLE ddl_mine.cascade OWNER TO ddl_owner;
ALTER TABLE ddl_mine."set null" OWNER TO ddl_owner;
ALTER TABLE ddl_mine.restrict OWNER TO ddl_owner;
ALTER TABLE ddl_mine.keep OWNER TO ddl_owner;
CALL use();
SET client_min_messages = error;
SET ROLE ddl_owner;
BEGIN;
DROP SCHEMA ddl_mine CASCADE;
ROLLBACK;
RESET ROLE;
SELECT count(*) FROM actions;
SELECT * FROM broken;
SET ROLE ddl_owner;
DROP OWNED BY ddl_owner;
RESET ROLE;
RESET client_min_messages;
GRANT ALL ON SCHEMA ddl TO ddl_owner;
SELECT * FROM actions;
SELECT * FROM follows;
SELECT * FROM types;
SELECT * FROM broken;
CALL clear();
SELECT actstream.unregister('keep'), actstream.unregister('restrict');
-- in one transaction with what refers to it
BEGIN;
CREATE TABLE brief (id int PRIMARY KEY);
INSERT INTO brief VALUES (1);
SELECT label FROM actstream.register('brief');
SELECT verb FROM actstream.act_send('brief:1', 'was');
DROP TABLE brief;
CREATE TABLE brief (id int PRIMARY KEY);
INSERT INTO brief VALUES (1);
SELECT label FROM actstream.register('brief');
COMMIT;
SELECT * FROM actions;
SELECT * FROM types;
DROP TABLE brief;

------------------------------------------------------------------------------
-- A partition whose long values are dropped before it
------------------------------------------------------------------------------

CREATE TABLE long (kind int, url text, PRIMARY KEY (kind, url)) PARTITION BY LIST (kind);
ALTER TABLE long ALTER url SET STORAGE EXTERNAL;
CREATE TABLE long_1 PARTITION OF long FOR VALUES IN (1);
CREATE TABLE long_2 PARTITION OF long FOR VALUES IN (2);
SELECT label FROM actstream.register('long', on_delete => 'restrict');
INSERT INTO long SELECT k, u FROM generate_series(1, 2) k, (VALUES ('short'), (repeat('long', 560))) v (u);
SELECT verb FROM actstream.act_send('long:1,short', 'was');
SELECT verb FROM actstream.act_send('long:2,short', 'was');
DROP TABLE long_1;
SELECT * FROM actions;
SELECT on_delete FROM actstream.register('long', on_delete => 'cascade');
DROP TABLE long_1;
SELECT * FROM actions;
SELECT * FROM broken;
SELECT on_delete FROM actstream.register('long', on_delete => 'restrict', checked => false);
DROP TABLE long_2;
SELECT on_delete FROM actstream.register('long', on_delete => 'cascade');
DROP TABLE long_2;
SELECT * FROM actions;
DROP TABLE long;
SELECT * FROM types;

------------------------------------------------------------------------------
-- The names of triggers
------------------------------------------------------------------------------

CREATE TABLE named (id int PRIMARY KEY);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER actstream_truncate BEFORE TRUNCATE ON named EXECUTE FUNCTION nothing();
SELECT try($$SELECT actstream.register('named')$$);
ALTER TRIGGER actstream_truncate ON named RENAME TO mine;
SELECT label FROM actstream.register('named');
SELECT try($$ALTER TRIGGER actstream_object ON named RENAME TO other$$);
CREATE TRIGGER zz_actstream_move BEFORE DELETE ON named EXECUTE FUNCTION nothing();
SELECT try($$ALTER TRIGGER zz_actstream_move ON named RENAME TO another$$);
ALTER TRIGGER mine ON named RENAME TO other;
-- a template that was allowed still is when columns have longer names
SELECT try(format($$SELECT actstream.register('named', name_template => %L)$$, repeat('{id}', 129)));
SELECT label FROM actstream.register('named', name_template => repeat('{id}', 128));
ALTER TABLE named RENAME id TO a_name_of_a_column_that_is_as_long_as_any_name_can_be_in_all_of;
SELECT on_delete, length(name_template) FROM actstream.register('named', on_delete => 'keep');
ALTER TABLE named RENAME a_name_of_a_column_that_is_as_long_as_any_name_can_be_in_all_of TO id;
-- who may create triggers may not take those of the type away
GRANT TRIGGER ON named TO ddl_owner;
GRANT EXECUTE ON FUNCTION nothing() TO ddl_owner;
SET ROLE ddl_owner;
SELECT try($$CREATE OR REPLACE TRIGGER actstream_rekey AFTER UPDATE ON named FOR EACH ROW EXECUTE FUNCTION ddl.nothing()$$);
SELECT try($$CREATE OR REPLACE TRIGGER actstream_other AFTER UPDATE ON named FOR EACH ROW EXECUTE FUNCTION ddl.nothing()$$);
RESET ROLE;
DROP TABLE named;
-- a partition with such a trigger
CREATE TABLE named (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE named_1 (id int PRIMARY KEY);
CREATE TRIGGER actstream_truncate BEFORE TRUNCATE ON named_1 EXECUTE FUNCTION nothing();
SELECT label FROM actstream.register('named');
SELECT try($$ALTER TABLE named ATTACH PARTITION named_1 FOR VALUES IN (1)$$);
DROP TABLE named, named_1;
DROP FUNCTION nothing();

------------------------------------------------------------------------------
-- Names change, objects stay
------------------------------------------------------------------------------

CREATE TABLE thing (id int PRIMARY KEY, other int NOT NULL UNIQUE, name text);
INSERT INTO thing VALUES (1, 2, 'a'), (2, 1, 'b');
SELECT label FROM actstream.register('thing', name_template => '{name}');
SELECT verb FROM actstream.act_send('thing:1', 'was');
ALTER TABLE thing RENAME TO renamed;
CREATE TABLE thing (id int PRIMARY KEY);
ALTER TABLE renamed RENAME CONSTRAINT thing_pkey TO renamed_pkey;
CREATE SCHEMA ddl_elsewhere;
ALTER TABLE renamed SET SCHEMA ddl_elsewhere;
ALTER SCHEMA ddl_elsewhere RENAME TO ddl_there;
SELECT relation FROM types WHERE label = 'thing';
SELECT actstream.ref_of(r) FROM ddl_there.renamed r ORDER BY id;
SELECT try($$SELECT actstream.act_send('thing:1', 'was')$$), try($$SELECT actstream.act_send('thing:3', 'was')$$);
SELECT * FROM broken;
ALTER TABLE ddl_there.renamed SET SCHEMA ddl;
DROP SCHEMA ddl_there;
DROP TABLE thing;
ALTER TABLE renamed RENAME TO thing;
-- columns
ALTER TABLE thing RENAME id TO x;
ALTER TABLE thing RENAME other TO id;
SELECT actstream.ref_of(t), x, id FROM thing t ORDER BY x;
SELECT try($$SELECT actstream.act_send('thing:2', 'was')$$);
DELETE FROM thing WHERE x = 2;
SELECT * FROM actions;
-- whatever else of it is changed
UPDATE actstream.object_types SET on_delete = 'keep' WHERE label = 'thing';
SELECT actstream.ref_of(t), x, id FROM thing t ORDER BY x;
UPDATE thing SET x = 3;
SELECT * FROM actions;
SELECT key_columns FROM actstream.register('thing');
SELECT actstream.ref_of(t), x, id FROM thing t ORDER BY x;
SELECT * FROM broken;
-- to a name that no template can contain
ALTER TABLE thing RENAME name TO "na}me";
SELECT * FROM broken;
ALTER TABLE thing RENAME "na}me" TO name;
SELECT * FROM broken;
-- by an event trigger within the renaming of another, which changes two names
SELECT label FROM actstream.register('thing', name_template => '{name} {x} {id}', url_template => '/{name}/{id}');
SELECT label FROM actstream.register_external('web');
SELECT actstream.track('thing', 'was', 'web:{name},{x},{id}', columns => '{id,name,x}', events => '{update}', description => '{id}{name}', data_columns => '{x}');
CREATE FUNCTION swap() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('ddl.in_swap', true) = 'on' THEN
        RETURN;
    END IF;
    PERFORM set_config('ddl.in_swap', 'on', false);
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'thing'::regclass AND attname = 'temporary') THEN
        IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'thing'::regclass AND attname = 'undone') THEN
            BEGIN
                ALTER TABLE thing RENAME undone TO x;
                ALTER TABLE thing RENAME temporary TO undone;
                RAISE division_by_zero;
            EXCEPTION WHEN division_by_zero THEN
                NULL;
            END;
            ALTER TABLE thing RENAME undone TO x;
        END IF;
        ALTER TABLE thing RENAME name TO id;
        ALTER TABLE thing RENAME temporary TO name;
    END IF;
    PERFORM set_config('ddl.in_swap', 'off', false);
END $$;
CREATE EVENT TRIGGER a_swap ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION swap();
CREATE VIEW templates AS SELECT t.key_columns, t.name_template, t.url_template, d.actor, d.columns, d.description, d.data_columns, d.problem
    FROM actstream.object_types t JOIN actstream.tracked() d USING (relation);
SELECT * FROM templates;
ALTER TABLE thing RENAME id TO temporary;
SELECT attname FROM pg_attribute WHERE attrelid = 'thing'::regclass AND attnum > 0 ORDER BY attnum;
SELECT * FROM templates;
ALTER TABLE thing RENAME x TO undone;
SELECT * FROM templates;
ALTER TABLE thing RENAME id TO temporary;
SELECT attname FROM pg_attribute WHERE attrelid = 'thing'::regclass AND attnum > 0 ORDER BY attnum;
SELECT * FROM templates;
-- one that gives away the name that the outer command has given
BEGIN;
CREATE OR REPLACE FUNCTION swap() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'thing'::regclass AND attname = 'temporary') AND
        current_setting('ddl.in_swap') = 'off' THEN
        PERFORM set_config('ddl.in_swap', 'on', false);
        ALTER TABLE thing RENAME temporary TO first;
        ALTER TABLE thing RENAME x TO temporary;
    END IF;
END $$;
ALTER TABLE thing RENAME id TO temporary;
SELECT * FROM templates;
-- one that drops the column
CREATE OR REPLACE FUNCTION swap() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'thing'::regclass AND attname = 'first') THEN
        ALTER TABLE thing DROP COLUMN first;
    END IF;
END $$;
ALTER TABLE thing ALTER first SET STATISTICS 7;
SELECT * FROM templates;
ROLLBACK;
DROP EVENT TRIGGER a_swap;
DROP FUNCTION swap();
DROP VIEW templates;
SELECT * FROM broken;
SELECT actstream.untrack('thing'), actstream.unregister('web');
-- the primary key moves: not while anything refers to it
ALTER TABLE thing DROP CONSTRAINT renamed_pkey, ADD PRIMARY KEY (id), ADD UNIQUE (x);
SELECT try($$SELECT actstream.register('thing', key_columns => '{id}')$$);
SELECT actstream.ref_of(t), x, id FROM thing t ORDER BY x;
SELECT key_columns FROM actstream.register('thing', key_columns => '{x}');
CALL clear();
SELECT key_columns FROM actstream.register('thing', key_columns => '{id}');
SELECT actstream.ref_of(t), x, id FROM thing t ORDER BY x;
SELECT * FROM broken;
DROP TABLE thing;

------------------------------------------------------------------------------
-- Types of key columns
------------------------------------------------------------------------------

CREATE TABLE typed (id int PRIMARY KEY, extra int);
INSERT INTO typed VALUES (1), (2);
SELECT label FROM actstream.register('typed');
SELECT verb FROM actstream.act_send('typed:1', 'was');
\set VERBOSITY terse
ALTER TABLE typed ALTER id TYPE bigint;
ALTER TABLE typed ALTER id TYPE text;
ALTER TABLE typed DROP COLUMN id;
\set VERBOSITY default
ALTER TABLE typed ALTER extra TYPE bigint;
-- the triggers go, for the time of the change, and come back with register()
DROP TRIGGER actstream_object ON typed;
SELECT * FROM broken;
SELECT try($$SELECT actstream.act_send('typed:2', 'was')$$);
SELECT try($$SELECT actstream.follow('user:1', 'typed:2')$$);
SELECT try($$SELECT actstream.ref_of(t) FROM typed t$$);
SELECT try($$UPDATE typed SET id = 3 WHERE id = 2$$);
DROP TRIGGER actstream_rekey ON typed;
ALTER TABLE typed ALTER id TYPE bigint;
SELECT key_columns FROM actstream.register('typed');
SELECT * FROM broken;
SELECT verb FROM actstream.act_send('typed:2', 'was');
UPDATE typed SET id = 3000000000 WHERE id = 2;
SELECT * FROM actions;
DROP TRIGGER actstream_object ON typed;
DROP TRIGGER actstream_rekey ON typed;
ALTER TABLE typed ALTER id TYPE text;
SELECT key_columns FROM actstream.register('typed');
DELETE FROM typed WHERE id = '1';
SELECT * FROM actions;
SELECT * FROM broken;
-- but not to a type that no key has
DROP TRIGGER actstream_object ON typed;
DROP TRIGGER actstream_rekey ON typed;
ALTER TABLE typed ALTER id TYPE numeric USING id::numeric;
SELECT try($$SELECT actstream.register('typed')$$);
SELECT try($$SELECT actstream.act_send('typed:3000000000', 'was')$$);
ALTER TABLE typed ALTER id TYPE numeric USING 1.5;
SELECT try($$SELECT actstream.register('typed')$$);
SELECT problem, label, object, detail FROM broken;
-- a dropped key column takes the triggers with it, if it must
SET client_min_messages = warning;
ALTER TABLE typed DROP COLUMN id CASCADE;
RESET client_min_messages;
SELECT try($$SELECT actstream.act_send('typed:1', 'was')$$);
SELECT problem, label, object, detail FROM broken;
SELECT try($$SELECT actstream.unregister('typed')$$);
DROP TABLE typed;
SELECT * FROM actions;
SELECT * FROM broken;

------------------------------------------------------------------------------
-- Triggers and owners
------------------------------------------------------------------------------

CREATE TABLE guarded (id int PRIMARY KEY);
INSERT INTO guarded VALUES (1), (2), (3);
SELECT label FROM actstream.register('guarded');
INSERT INTO actstream.actions (actor, verb) SELECT actstream.ref_of(g), 'was ' || id FROM guarded g;
ALTER TABLE guarded DISABLE TRIGGER actstream_object, DISABLE TRIGGER actstream_truncate;
SELECT * FROM broken;
DELETE FROM guarded WHERE id = 1;
SELECT problem, object, detail FROM broken;
-- register() mends the triggers; what is lost is lost
SELECT label FROM actstream.register('guarded');
SELECT problem, object, detail FROM broken;
DROP TRIGGER actstream_rekey ON guarded;
DROP TRIGGER actstream_truncate ON guarded;
SELECT problem, object, detail FROM broken;
SELECT label FROM actstream.register('guarded');
DELETE FROM actstream.actions WHERE verb = 'was 1';
SELECT * FROM broken;
-- a trigger of the name that is not ours does not bind
DROP TRIGGER actstream_object ON guarded;
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER actstream_object AFTER DELETE OR UPDATE OF id ON guarded FOR EACH ROW EXECUTE FUNCTION nothing();
SELECT try($$SELECT actstream.act_send('guarded:2', 'was')$$);
SELECT problem, object, detail FROM broken WHERE problem ~ 'trigger';
SELECT label FROM actstream.register('guarded');
SELECT * FROM broken;
-- unregister: not while anything refers to it, then without a trace
SELECT try($$SELECT actstream.unregister('guarded')$$);
CALL clear();
SELECT flag FROM actstream.follow('user:1', 'guarded:2', send_action => false);
SELECT try($$SELECT actstream.unregister('guarded')$$);
CALL clear();
SELECT * FROM triggers WHERE relation = 'guarded'::regclass;
SELECT try($$SELECT actstream.unregister('guarded')$$);
SELECT * FROM triggers WHERE relation = 'guarded'::regclass;
DELETE FROM guarded WHERE id = 2;
-- a new owner, who has no rights but on his table
SELECT label FROM actstream.register('guarded');
SELECT verb FROM actstream.act_send('guarded:3', 'was');
ALTER TABLE guarded OWNER TO ddl_other;
SELECT verb FROM actstream.act_send('guarded:3', 'still was');
SET ROLE ddl_other;
UPDATE ddl.guarded SET id = 4;
RESET ROLE;
SELECT * FROM actions;
SET ROLE ddl_other;
DELETE FROM ddl.guarded;
RESET ROLE;
SELECT * FROM actions;
DROP TABLE guarded;

-- rows of inheritance children are not those of the table
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE heir () INHERITS (parent);
SELECT label FROM actstream.register('parent');
INSERT INTO parent VALUES (1);
INSERT INTO heir VALUES (1), (2);
SELECT try($$SELECT actstream.act_send('parent:2', 'was')$$), try($$SELECT actstream.act_send('parent:1', 'was')$$);
SELECT try($$SELECT actstream.ref_of(h) FROM heir h$$);
DELETE FROM heir WHERE id = 1;
UPDATE parent SET id = 5 WHERE id = 2;
TRUNCATE heir;
SELECT * FROM actions;
INSERT INTO heir VALUES (1);
DELETE FROM ONLY parent;
SELECT * FROM actions;
SELECT * FROM broken;
DROP TABLE parent, heir;

------------------------------------------------------------------------------
-- Other people's DDL, and the end
------------------------------------------------------------------------------

SET ROLE ddl_other;
CREATE TABLE ddl.o (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE ddl.o_1 PARTITION OF ddl.o FOR VALUES IN (1);
CREATE TABLE ddl.o_2 (id int NOT NULL);
ALTER TABLE ddl.o ATTACH PARTITION ddl.o_2 FOR VALUES IN (2);
ALTER TABLE ddl.o DETACH PARTITION ddl.o_2;
ALTER TABLE ddl.o DETACH PARTITION ddl.o_1 CONCURRENTLY;
CREATE TEMP TABLE o_3 AS SELECT * FROM ddl.o;
CREATE VIEW ddl.o_4 AS SELECT 1 AS x;
CREATE TYPE ddl.o_5 AS (x int);
ALTER TABLE IF EXISTS ddl.nothing DETACH PARTITION ddl.nothing_1;
DROP VIEW ddl.o_4;
DROP TYPE ddl.o_5;
DROP TABLE ddl.o, ddl.o_1, ddl.o_2, o_3;
DROP TABLE IF EXISTS ddl.nothing;
RESET ROLE;
-- our own schema cannot go without the extension; with it, no trigger stays
SELECT verb FROM actstream.act_send('user:1', 'was');
SELECT label, relation FROM types;
SELECT * FROM triggers;
SET client_min_messages = warning;
DROP EXTENSION actstream;
DROP EXTENSION actstream CASCADE;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'users'::regclass AND NOT tgisinternal;
SELECT count(*) FROM pg_event_trigger WHERE evtname ~ 'actstream';
DELETE FROM users WHERE id = 1;
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
-- of what was registered nothing is known any more
SELECT try($$SELECT actstream.act_send('user:2', 'was')$$);
SELECT label FROM actstream.register('users', 'user');
SELECT verb FROM actstream.act_send('user:2', 'was');

RESET search_path;
DROP SCHEMA ddl CASCADE;
DO 'BEGIN PERFORM actstream.drop_tables(); END';
DROP EXTENSION actstream;
DROP OWNED BY ddl_owner, ddl_other;
DROP ROLE ddl_owner, ddl_other;
