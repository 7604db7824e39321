-- What track() and untrack() accept, and tracked() shows.
\i test/lib/fresh.sql
SET jit = off;
CREATE SCHEMA trt;
SET search_path = trt;
CREATE DOMAIN number AS int;
CREATE TABLE person (id int PRIMARY KEY, name text);
CREATE TABLE repo (owner text, number bigint, PRIMARY KEY (owner, number));
CREATE TABLE thing (id uuid PRIMARY KEY);
CREATE TABLE page (path text PRIMARY KEY);
CREATE TABLE q (id int PRIMARY KEY, who int, big bigint, small smallint, domain number, name text, u uuid, path varchar(10), at timestamptz, day date);
CREATE TABLE daily (day date PRIMARY KEY);
SELECT label FROM actstream.register('person');
SELECT label FROM actstream.register('repo');
SELECT label FROM actstream.register('thing');
SELECT label FROM actstream.register('page');
SELECT label FROM actstream.register('daily');
SELECT label FROM actstream.register('q');
SELECT label FROM actstream.register_external('web');
INSERT INTO person VALUES (1, 'Ann');

------------------------------------------------------------------------------
-- Templates
------------------------------------------------------------------------------

CREATE FUNCTION try(template text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    PERFORM actstream.track('q', 'tried', template);
    PERFORM actstream.untrack('q');
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' ', sqlstate, sqlerrm, '/', hint);
END
$$;
-- an object type that is not registered
SELECT try('persn:{who}');
SELECT try('persn:1');
-- no column, or not as it is written here
SELECT try('person:who');
SELECT try('person:1');
SELECT try('person:2');
SELECT try('person:one');
SELECT try('page:path');
SELECT try('web:who');
SELECT try('web:anything');
SELECT try('repo:ann,1');
SELECT try('repo:ann');
SELECT try('person:${who}');
SELECT try('web:${who}');
SELECT try('page:${path}');
SELECT try('person:user{who}');
SELECT try('person:{who}{small}');
SELECT try('person:{{who}}');
-- a key of another shape
SELECT try('repo:{name}');
SELECT try('repo:{name},{who},{big}');
SELECT try('repo:{name}/{who}');
SELECT try('repo:{name},{who}');
SELECT try('repo:a{name}\,b,{big}');
SELECT try('repo:{who},{name}');
SELECT try('person:{who},{who}');
SELECT try('page:{name},{who}');
-- types
SELECT try('person:{big}');
SELECT try('person:{small}');
SELECT try('person:{domain}');
SELECT try('person:{name}');
SELECT try('person:{u}');
SELECT try('thing:{u}');
SELECT try('thing:{name}');
SELECT try('thing:{who}');
SELECT try('page:{path}');
SELECT try('page:{who}');
SELECT try('page:/{name}/{u}');
SELECT try('web:{u}/{name}');
SELECT try('daily:{day}');
SELECT try('daily:{at}');
SELECT try('daily:2026-01-01');
SELECT try('daily:1 January');
SELECT try('page:{day}');
-- what can be known of any
SELECT try('{name}:{who}');
SELECT try('{name}{path}:{who}');
SELECT try('{self}');
SELECT try('{whom}');
SELECT try('person:{whom}');
-- a role, the description, columns
SELECT actstream.track('q', 'x', 'person:1', 'repo:{name}');
SELECT actstream.track('q', 'x', 'person:1', target => 'repo:{who},{name}');
SELECT actstream.track('q', 'x', 'person:1', description => '{nme}');
SELECT actstream.track('q', 'x', 'person:1', events => '{update}', columns => '{nme}');
SELECT actstream.track('q', 'x', 'person:1', data_columns => '{nme}');
SELECT actstream.track('q', 'x', 'person:1', timestamp_column => 'time');
SELECT actstream.track('q', 'x', 'person:1', timestamp_column => 'name');
SELECT count(*) FROM actstream.tracked();
DO $$ BEGIN EXECUTE 'CREATE TABLE many (' || (SELECT string_agg('c' || i || ' int', ', ') FROM generate_series(1, 40) i) || ')'; END $$;
SELECT actstream.track('many', 'x', 'person:{c41}', NULL);
DROP TABLE many;

-- From version 18 on a generated column may be virtual, which a trigger does not see.
-- Before, there is nothing to test.
SELECT current_setting('server_version_num')::int >= 180000 AS has_virtual \gset
\if :has_virtual
\o /dev/null
CREATE FUNCTION refused(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    RETURN concat_ws(' ', sqlstate, sqlerrm);
END
$$;
CREATE TABLE virt (id int, v int GENERATED ALWAYS AS (id * 2) VIRTUAL, s int GENERATED ALWAYS AS (id * 2) STORED,
                   t timestamptz GENERATED ALWAYS AS ('2026-01-01'::timestamp AT TIME ZONE 'UTC') VIRTUAL) PARTITION BY LIST (id);
CREATE TABLE virt_1 PARTITION OF virt FOR VALUES IN (1, 2);
CREATE TABLE virt_2 PARTITION OF virt DEFAULT;
SELECT bool_and(refused(statement) = format('0A000 virtual generated column "%s" of relation "virt" cannot be tracked', col)) AS virtual_ok
FROM (VALUES ('v', $$SELECT actstream.track('virt', 'x', 'web:{v}', NULL)$$),
             ('v', $$SELECT actstream.track('virt', 'x', 'web:1', 'web:{v}')$$),
             ('v', $$SELECT actstream.track('virt', 'x', 'web:1', NULL, 'web:{v}')$$),
             ('v', $$SELECT actstream.track('virt', 'x', 'web:1', NULL, description => '{v}')$$),
             ('v', $$SELECT actstream.track('virt', 'x', 'web:1', NULL, data_columns => '{id,v}')$$),
             ('v', $$SELECT actstream.track('virt', 'x', 'web:1', NULL, events => '{update}', columns => '{v}')$$),
             ('t', $$SELECT actstream.track('virt', 'x', 'web:1', NULL, timestamp_column => 't')$$)) AS t (col, statement) \gset
-- in a condition PostgreSQL computes it, also for a row that moves
SELECT actstream.track('virt', 'tracked', 'web:{s}', NULL, events => '{update}', condition => 'NEW.v > OLD.v');
INSERT INTO virt (id) VALUES (1);
UPDATE virt SET id = 2;
UPDATE virt SET id = 3;
UPDATE virt SET id = 1;
SELECT :'virtual_ok' AND string_agg(actor::text, ' ' ORDER BY id) = 'web:4 web:6' AS virtual_ok FROM actstream.actions \gset
DELETE FROM actstream.actions;
-- a column that becomes one
SELECT actstream.untrack('virt');
SELECT actstream.track('virt', 'tracked', 'web:{s}', NULL, data_columns => '{id,s}');
SET client_min_messages = error;
ALTER TABLE virt DROP COLUMN s, ADD COLUMN s int GENERATED ALWAYS AS (id * 3) VIRTUAL;
INSERT INTO virt (id) VALUES (1);
RESET client_min_messages;
SELECT :'virtual_ok' AND problem = 'column "s" is a virtual generated column' AS virtual_ok FROM actstream.tracked() \gset
DROP TABLE virt;
\o
\else
\set virtual_ok t
\endif
\echo virtual columns ok: :virtual_ok

------------------------------------------------------------------------------
-- The same once more
------------------------------------------------------------------------------

SELECT actstream.track('q', 'asked', 'person:{who}');
SELECT actstream.track('q', 'asked', 'person:{who}');
SELECT actstream.track('q', 'asked', 'person:{who}', '{self}', NULL, '{insert}', NULL, NULL, NULL, true);
SELECT actstream.track('q', 'asked', 'person:{who}', condition => 'NEW.who > 1');
SELECT actstream.track('q', 'asked', 'person:{who}', condition => '  NEW.who>1 /* the same */');
SELECT actstream.track('q', 'asked', 'person:{who}', condition => 'NEW.who > 2');
SELECT actstream.track('q', 'asked', 'person:{who}', events => '{update,insert}');
SELECT actstream.track('q', 'asked', 'person:{who}', events => '{insert,update,insert}');
SELECT actstream.track('q', 'asked', 'person:{who}', public => false);
-- by a name
SELECT actstream.track('q', 'asked', 'person:{who}', trigger_name => 'mine');
SELECT actstream.track('q', 'asked', 'person:{who}', trigger_name => 'mine');
SELECT actstream.track('q', 'asked', 'person:{who}', trigger_name => 'actstream_track');
SELECT actstream.track('q', 'answered', 'person:{who}', trigger_name => 'mine');
SELECT actstream.track('q', 'answered', 'person:{who}', trigger_name => 'other');
SELECT actstream.track('q', 'answered', 'person:{who}');
SELECT trigger_name, verb, events, condition, public FROM actstream.tracked() ORDER BY trigger_name;
INSERT INTO q (id, who) VALUES (1, 1);
SELECT verb, public FROM actstream.actions ORDER BY id;
DELETE FROM actstream.actions;
-- and after a dump, which writes conditions in its own way
SELECT pg_get_triggerdef(oid) AS definition FROM pg_trigger WHERE tgrelid = 'q'::regclass AND tgname = 'actstream_track_2' \gset
DROP TRIGGER actstream_track_2 ON q;
:definition;
SELECT actstream.track('q', 'asked', 'person:{who}', condition => 'NEW.who > 1');
SELECT actstream.untrack('q');
-- some of which it reads in another way than it has written them
CREATE PROCEDURE dump_and_restore() LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
    t record;
BEGIN
    FOR t IN SELECT d.trigger_name, pg_get_triggerdef(g.oid) AS definition FROM actstream.tracked() d
        JOIN pg_trigger g ON g.tgrelid = d.relation AND g.tgname = d.trigger_name WHERE d.relation = 'trt.q'::regclass
    LOOP
        EXECUTE format('DROP TRIGGER %I ON trt.q', t.trigger_name);
        EXECUTE t.definition;
    END LOOP;
END $$;
CREATE FUNCTION track_again(condition text, OUT name name, OUT before text, OUT restored text, OUT again name) LANGUAGE plpgsql SET client_min_messages = warning AS $$
DECLARE
    after text;
    other text;
BEGIN
    $2 := actstream.track('q', 'asked', 'person:1', events => '{update}', condition => condition);
    SELECT t.condition INTO before FROM actstream.tracked() t;
    FOR i IN 1 .. 3 LOOP
        CALL dump_and_restore();
        SELECT t.condition INTO restored FROM actstream.tracked() t;
        again := actstream.track('q', 'asked', 'person:1', events => '{update}', condition => condition);
        EXIT WHEN again <> $2;
    END LOOP;
    SELECT t.condition INTO after FROM actstream.tracked() t;
    IF after <> before THEN
        RAISE EXCEPTION 'condition: %, after track(): %', condition, after;
    END IF;
    -- as tracked() shows it
    IF actstream.track('q', 'asked', 'person:1', events => '{update}', condition => before) <> again THEN
        RAISE EXCEPTION 'not known as tracked() shows it: %', before;
    END IF;
    other := actstream.track('q', 'asked', 'person:1', events => '{update}', condition => replace(condition, 'other', 'another'));
    IF (other = again) <> (condition NOT LIKE '%other%') THEN
        RAISE EXCEPTION 'condition: %, tracked by % and %', condition, again, other;
    END IF;
    PERFORM actstream.untrack('q');
END $$;
\x on
SET datestyle = German;
SET intervalstyle = sql_standard;
SET extra_float_digits = -10;
SELECT c.c AS condition, t.* FROM (VALUES
    ($$NEW.path IN ('a', 'other')$$), ($$NEW.path NOT IN ('a', 'b', NEW.name)$$), ($$NEW.path = ANY ('{a,other}')$$), ($$NEW.name IN ('a', 'other')$$),
    ($$NEW.path = ANY (ARRAY['a', NEW.path, 'other']::varchar[])$$), ($$(NEW.path IN ('other', 'b')) IS DISTINCT FROM (OLD.path IN ('a', 'b'))$$),
    ($$CASE NEW.path WHEN 'other' THEN true ELSE NEW.who IN (1, 2) END$$), ($$NEW.* IS DISTINCT FROM OLD.*$$), ($$OLD IS DISTINCT FROM NEW$$),
    ($$NEW.who > -1 AND (OLD.domain < 1 AND NEW.small <> '2')$$), ($$NEW.day IN ('2026-02-03', now()) OR NEW.at - OLD.at > '-1 day 2:00'$$),
    ($$NEW.big > 1.23456789012345678::float8 AND NEW.name IS NOT NULL IS TRUE$$), ($$NEW.name = E'it''s \\ "other"'$$), ($$NEW.tableoid = 'q'::regclass$$)) AS c (c), track_again(c.c) t;
RESET datestyle;
RESET intervalstyle;
RESET extra_float_digits;
\x off
-- digits that are not shown count
SET extra_float_digits = -10;
SELECT actstream.track('q', 'asked', 'person:1', condition => 'NEW.big > 1.23456::float8'), actstream.track('q', 'asked', 'person:1', condition => 'NEW.big > 1.23457::float8');
RESET extra_float_digits;
SELECT actstream.untrack('q');
-- one that is too deep for the session is the problem of its trigger alone
SELECT actstream.track('q', 'asked', 'person:1', condition => repeat('abs(', 1500) || 'NEW.who' || repeat(')', 1500) || ' > 0');
SELECT actstream.track('q', 'told', 'person:1', condition => 'NEW.who > 0');
SET max_stack_depth = '200kB';
SELECT verb, condition, problem FROM actstream.tracked();
SELECT problem, relation, detail FROM actstream.integrity_check();
RESET max_stack_depth;
SELECT verb, length(condition), problem FROM actstream.tracked();
SELECT actstream.untrack('q');
-- columns are a set
SELECT actstream.track('q', 'asked', 'person:1', events => '{update}', columns => '{who,at}', data_columns => '{name,path}');
SELECT actstream.track('q', 'asked', 'person:1', events => '{update}', columns => '{at,who,at}', data_columns => '{path,name,name}');
ALTER TABLE q RENAME at TO zeit;
SELECT actstream.track('q', 'asked', 'person:1', events => '{update}', columns => '{zeit,who}', data_columns => '{path,name}');
ALTER TABLE q RENAME zeit TO at;
SELECT actstream.untrack('q');

------------------------------------------------------------------------------
-- A trigger that does not fire is created anew
------------------------------------------------------------------------------

CREATE VIEW firing AS SELECT tgrelid::regclass AS relation, tgname, tgenabled, tgattr, obj_description(oid, 'pg_trigger') AS comment FROM pg_trigger
    WHERE tgfoid IN ('actstream_internal.row_changed'::regproc, 'actstream_internal.row_moved'::regproc) ORDER BY tgrelid::regclass::text COLLATE "C", tgname;
SELECT actstream.track('q', 'asked', 'person:{who}', events => '{update}', condition => $$NEW.path IN ('a', 'b')$$);
COMMENT ON TRIGGER actstream_track ON q IS 'mine';
ALTER TABLE q DISABLE TRIGGER actstream_track;
SELECT problem FROM actstream.tracked();
SELECT actstream.track('q', 'asked', 'person:{who}', events => '{update}', condition => $$NEW.path IN ('a', 'b')$$);
SELECT * FROM firing;
ALTER TABLE q ENABLE REPLICA TRIGGER actstream_track;
SELECT problem FROM actstream.tracked();
SELECT actstream.track('q', 'asked', 'person:{who}', events => '{update}', condition => $$NEW.path IN ('a', 'b')$$);
SELECT * FROM firing;
ALTER TABLE q ENABLE ALWAYS TRIGGER actstream_track;
SELECT actstream.track('q', 'asked', 'person:{who}', events => '{update}', condition => $$NEW.path IN ('a', 'b')$$);
SELECT * FROM firing;
-- also when it is created anew
CALL dump_and_restore();
ALTER TABLE q ENABLE ALWAYS TRIGGER actstream_track;
SELECT actstream.track('q', 'asked', 'person:{who}', events => '{update}', condition => $$NEW.path IN ('a', 'b')$$);
SELECT * FROM firing;
SELECT replace(pg_get_triggerdef(oid), 'UPDATE', 'UPDATE OF who, at') AS definition FROM pg_trigger WHERE tgrelid = 'q'::regclass AND tgname = 'actstream_track' \gset
DROP TRIGGER actstream_track ON q;
:definition;
SELECT * FROM firing;
SELECT problem FROM actstream.tracked();
SELECT actstream.track('q', 'asked', 'person:{who}', events => '{update}', condition => $$NEW.path IN ('a', 'b')$$);
SELECT * FROM firing;
SELECT replace(pg_get_triggerdef(oid), 'AFTER', 'BEFORE') AS definition FROM pg_trigger WHERE tgrelid = 'q'::regclass AND tgname = 'actstream_track' \gset
DROP TRIGGER actstream_track ON q;
:definition;
SELECT problem FROM actstream.tracked();
DROP TRIGGER actstream_track ON q;
SELECT actstream.track('q', 'asked', 'person:{who}', events => '{update}', condition => $$NEW.path IN ('a', 'b')$$);
-- but not beside one that does the same
SELECT actstream.track('q', 'asked', 'person:{who}', events => '{update}', condition => $$NEW.path IN ('a', 'b')$$, trigger_name => 'other');
ALTER TABLE q DISABLE TRIGGER actstream_track;
SELECT actstream.track('q', 'asked', 'person:{who}', events => '{update}', condition => $$NEW.path IN ('a', 'b')$$);
SELECT * FROM firing;
SELECT actstream.track('q', 'asked', 'person:{who}', events => '{update}', condition => $$NEW.path IN ('a', 'b')$$, trigger_name => 'actstream_track');
SELECT * FROM firing;
SELECT actstream.untrack('q');
-- one that others have deferred stays as it is
SELECT actstream.track('q', 'asked', 'person:{who}');
SELECT replace(pg_get_triggerdef(oid), 'CREATE TRIGGER', 'CREATE CONSTRAINT TRIGGER') AS definition FROM pg_trigger WHERE tgrelid = 'q'::regclass AND tgname = 'actstream_track' \gset
DROP TRIGGER actstream_track ON q;
:definition;
SELECT actstream.track('q', 'asked', 'person:{who}');
ALTER TABLE q DISABLE TRIGGER actstream_track;
SELECT actstream.track('q', 'asked', 'person:{who}');
SELECT replace(:'definition', 'CREATE CONSTRAINT TRIGGER actstream_track', 'CREATE TRIGGER ordinary') AS definition \gset
:definition;
ALTER TABLE q DISABLE TRIGGER ordinary;
SELECT actstream.track('q', 'asked', 'person:{who}');
SELECT actstream.untrack('q');
-- on partitions, too
CREATE TABLE parted (id int) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2, 3) PARTITION BY LIST (id);
CREATE TABLE parted_2_2 PARTITION OF parted_2 FOR VALUES IN (2);
SELECT actstream.track('parted', 'asked', 'web:{id}', NULL, events => '{insert,update}');
SELECT * FROM firing;
ALTER TABLE parted_2 ENABLE ALWAYS TRIGGER actstream_track;
ALTER TABLE parted_2_2 DISABLE TRIGGER actstream_track;
ALTER TABLE parted ENABLE ALWAYS TRIGGER actstream_move;
ALTER TABLE parted_1 DISABLE TRIGGER actstream_move;
SELECT relation, trigger_name, problem FROM actstream.tracked() WHERE problem IS NOT NULL;
SELECT actstream.track('parted', 'asked', 'web:{id}', NULL, events => '{insert,update}');
SELECT * FROM firing;
SELECT relation, trigger_name, problem FROM actstream.tracked();
INSERT INTO parted VALUES (1), (2);
UPDATE parted SET id = 3 - id;
SELECT actor, verb FROM actstream.actions ORDER BY id;
DELETE FROM actstream.actions;
-- what is no trigger for rows that move does not count as one
DROP TRIGGER actstream_move ON parted;
CREATE TRIGGER actstream_move AFTER INSERT ON parted FOR EACH ROW WHEN (false) EXECUTE FUNCTION actstream_internal.row_moved();
SELECT trigger_name, problem FROM actstream.tracked();
SELECT actstream.track('parted', 'asked', 'web:{id}', NULL, events => '{insert,update}');
SELECT trigger_name, problem FROM actstream.tracked();
SELECT actstream.untrack('parted');
DROP VIEW firing;
-- a partition that sends the same as the partitioned table
SELECT actstream.track('parted_1', 'asked', 'web:{id}', NULL, condition => 'NEW.id > 0');
SELECT actstream.track('parted_1', 'told', 'web:{id}', NULL);
SELECT actstream.track('parted', 'asked', 'web:{id}', NULL, condition => 'NEW.id > 0');
SELECT relation, trigger_name, problem FROM actstream.tracked() ORDER BY relation::text COLLATE "C", trigger_name;
ALTER TABLE parted_1 DISABLE TRIGGER actstream_track_3;
SELECT relation, trigger_name, problem FROM actstream.tracked() ORDER BY relation::text COLLATE "C", trigger_name;
ALTER TABLE parted_1 ENABLE TRIGGER actstream_track_3;
SELECT actstream.track('parted_2_2', 'asked', 'web:{id}', NULL, condition => 'NEW.id > 0');
SELECT actstream.untrack('parted_2_2');
ALTER TABLE parted DETACH PARTITION parted_1;
SELECT actstream.untrack('parted_1');
SELECT actstream.track('parted_1', 'asked', 'web:{id}', NULL, condition => 'NEW.id > 0');
ALTER TABLE parted ATTACH PARTITION parted_1 FOR VALUES IN (1);
SELECT actstream.track('parted', 'asked', 'web:{id}', NULL, condition => 'NEW.id > 1');
DROP TABLE parted;
-- names that triggers of registered tables have
SELECT actstream.track('q', 'asked', 'person:{who}', trigger_name => 'actstream_rekey');
SELECT actstream.track('q', 'asked', 'person:{who}', trigger_name => 'actstream_mine');
SELECT actstream.untrack('q');
-- the function of the trigger is named where it may not be called
CREATE ROLE regress_tracker;
GRANT CREATE, USAGE ON SCHEMA trt TO regress_tracker;
GRANT USAGE ON SCHEMA actstream TO regress_tracker;
GRANT INSERT, SELECT ON actstream.actions TO regress_tracker;
CREATE TABLE theirs (id int);
ALTER TABLE theirs OWNER TO regress_tracker;
REVOKE EXECUTE ON FUNCTION actstream_internal.row_changed() FROM PUBLIC;
SET ROLE regress_tracker;
SELECT actstream.track('theirs', 'x', 'web:{id}', NULL);
RESET ROLE;
GRANT EXECUTE ON FUNCTION actstream_internal.row_changed() TO PUBLIC;
-- the condition of a trigger is not analysed again for somebody else, whose code it could run
SET ROLE regress_tracker;
CREATE FUNCTION tell(int) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE 'checked as %', current_user; RETURN true; END$$;
CREATE DOMAIN told AS int CHECK (trt.tell(VALUE));
SET client_min_messages = warning;
SELECT actstream.track('theirs', 'x', 'web:{id}', NULL, condition => $$NEW.id = ANY ('{1}'::trt.told[])$$);
RESET client_min_messages;
RESET ROLE;
SELECT actstream.track('theirs', 'x', 'web:{id}', NULL, condition => 'NEW.id > 0');
SELECT condition FROM actstream.tracked() ORDER BY trigger_name;
DROP OWNED BY regress_tracker;
DROP ROLE regress_tracker;

------------------------------------------------------------------------------
-- untrack() and tracked()
------------------------------------------------------------------------------

SELECT actstream.track('q', 'asked', 'person:{who}', trigger_name => name) FROM unnest('{mine,first,second}'::name[]) name;
SELECT actstream.untrack('q', 'nothing');
SELECT actstream.untrack('q', 'actstream_object');
SELECT actstream.untrack('person');
SELECT actstream.untrack('q', 'mine');
SELECT actstream.untrack('q', trigger_name => NULL);
SELECT actstream.untrack('q');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'q'::regclass AND tgname NOT LIKE 'actstream_re%' AND tgname NOT LIKE 'actstream_ob%' AND tgname NOT LIKE 'actstream_tru%';
CREATE TABLE "odd WHEN (1" ("a WHEN (" int, b text);
SELECT actstream.track('"odd WHEN (1"', E'it''s "odd" \\ ü WHEN (', 'web:{a WHEN (}', NULL, 'web:{{{b}}}', '{insert,delete,update}', '{"a WHEN (",b}',
    $$current_setting('x', true) IS DISTINCT FROM 'a'') (''"(' AND E'\\''' <> ')' AND ((1)) = 1$$, '{b} EXECUTE FUNCTION', false, '{b}', 'a "trigger" WHEN ( ');
SELECT actstream.track('q', 'asked', timestamp_column => 'at');
\x on
SELECT * FROM actstream.tracked() ORDER BY trigger_name;
\x off
SELECT actstream.track('"odd WHEN (1"', verb, actor, action_object, target, events, columns, condition, description, public, data_columns, trigger_name, timestamp_column)
FROM actstream.tracked() WHERE relation = '"odd WHEN (1"'::regclass;
SELECT count(*) FROM actstream.tracked();
INSERT INTO "odd WHEN (1" VALUES (1, 'b');
SELECT actor, verb, target, description, data FROM actstream.actions;
-- in one query
CREATE TABLE pair (id int) PARTITION BY LIST (id);
SELECT actstream.track('pair', 'x', 'web:{id}', NULL), actstream.track('pair', 'x', 'web:{id}', NULL), actstream.track('pair', 'y', 'web:{id}', NULL),
       actstream.untrack('pair'), actstream.untrack('pair'), actstream.track('pair', 'z', 'web:{id}', NULL);
SELECT tgname FROM pg_trigger WHERE tgrelid = 'pair'::regclass ORDER BY tgname;
DROP TABLE pair;
-- a name that is taken on a partition
CREATE TABLE parent (id int) PARTITION BY LIST (id);
CREATE TABLE child PARTITION OF parent DEFAULT;
SELECT actstream.track('child', 'x', 'web:{id}', NULL);
SELECT actstream.track('parent', 'x', 'web:{id}', NULL);
SELECT actstream.track('parent', 'x', 'web:{id}', NULL);
SELECT relation, trigger_name FROM actstream.tracked() WHERE relation IN ('parent'::regclass, 'child'::regclass) ORDER BY 1, 2;
SELECT actstream.untrack('child', 'actstream_track_2');
SELECT actstream.untrack('child'), actstream.untrack('parent');
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('parent'::regclass, 'child'::regclass);

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA trt CASCADE;
DO 'BEGIN PERFORM actstream.drop_tables(); END';
DROP EXTENSION actstream;
