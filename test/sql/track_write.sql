-- What an application writes to a tracked table never fails over what is sent of it.
\i test/lib/fresh.sql
SET jit = off;
CREATE SCHEMA trw;
SET search_path = trw;
-- what was sent since the last time
CREATE FUNCTION sent(OUT actor actstream.ref, OUT verb text, OUT action_object actstream.ref, OUT target actstream.ref,
                     OUT description text, OUT data jsonb) RETURNS SETOF record LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM actstream.actions a RETURNING a.*)
    SELECT g.actor, g.verb, g.action_object, g.target, g.description, g.data FROM gone g ORDER BY g.id
$$;
SELECT label FROM actstream.register_external('u');

------------------------------------------------------------------------------
-- Objects that go with the row, or have never been there
------------------------------------------------------------------------------

-- rows that a foreign key deletes, in each role, under each on_delete
CREATE TABLE issue (id int PRIMARY KEY);
CREATE TABLE comment (id int PRIMARY KEY, issue int REFERENCES issue ON DELETE CASCADE);
CREATE TABLE reply (id int PRIMARY KEY, comment int REFERENCES comment ON DELETE CASCADE);
SELECT label FROM actstream.register('issue');
SELECT label FROM actstream.register('comment');
SELECT actstream.track('comment', 'removed', 'u:1', NULL, 'issue:{issue}', events => '{delete}');
SELECT actstream.track('comment', 'removed by issue', 'issue:{issue}', 'comment:{id}', 'issue:{issue}', events => '{delete}');
SELECT actstream.track('comment', 'removed itself', '{self}', NULL, 'issue:{issue}', events => '{delete}');
SELECT actstream.track('reply', 'removed reply', 'u:1', 'comment:{comment}', 'issue:1', events => '{delete}');
CREATE PROCEDURE cascade_from(on_delete text) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM actstream.register('issue', on_delete => cascade_from.on_delete), actstream.register('comment', on_delete => cascade_from.on_delete);
    INSERT INTO issue VALUES (1), (2);
    INSERT INTO comment VALUES (1, 1), (2, 2);
    INSERT INTO reply VALUES (1, 1);
    DELETE FROM issue;
END
$$;
CALL cascade_from('cascade');
SELECT actor, verb, action_object, target FROM sent();
CALL cascade_from('set null');
SELECT actor, verb, action_object, target FROM sent();
CALL cascade_from('restrict');
SELECT actor, verb, action_object, target FROM sent();
CALL cascade_from('keep');
SELECT * FROM actstream.integrity_check();
SELECT actor, verb, action_object, target FROM sent();
-- all within one transaction, and by a user with a name
BEGIN;
SELECT actstream.set_actor('u:me');
CALL cascade_from('set null');
COMMIT;
SELECT * FROM actstream.integrity_check();
SELECT actor, verb, action_object, target FROM sent();
SELECT count(*) FROM issue;
SELECT actstream.untrack('comment'), actstream.untrack('reply');

-- what is kept is what the statement has deleted, not what has never been
SELECT on_delete FROM actstream.register('issue', on_delete => 'keep');
CREATE TABLE note (id int PRIMARY KEY, issue int, who int, label text, t text, u uuid, big bigint);
SELECT actstream.track('note', 'noted', 'u:{who}', NULL, 'issue:{issue}', events => '{insert,update,delete}');
INSERT INTO issue VALUES (7);
INSERT INTO note VALUES (1, 7, 1), (2, 404, 2);
BEGIN;
DELETE FROM issue;
DELETE FROM note WHERE id = 1;
COMMIT;
SELECT actor, target FROM sent();
SELECT actstream.untrack('note');

-- an actor that is missing: nothing is sent; anything else: the role is empty
SELECT actstream.track('note', 'noted', 'issue:{issue}', NULL, 'comment:{who}');
INSERT INTO issue VALUES (1);
INSERT INTO note VALUES (10, 1, 1), (11, 404, 1), (12, 1, NULL);
BEGIN;
SELECT actstream.set_actor('issue:405');
INSERT INTO note VALUES (13, NULL, 1);
COMMIT;
SELECT actor, target FROM sent();
SELECT count(*) FROM note;
-- nobody at all is the one error
INSERT INTO note VALUES (14, NULL, 1);
SELECT actstream.untrack('note');

-- what is no reference: no such label, a malformed one, keys that are empty, too long or of another type
SELECT actstream.track('note', 'noted', 'u:{id}', '{label}:{t}', 'comment:{big}');
INSERT INTO note (id, label, t, big) VALUES
    (20, 'nolabel', '1', 1), (21, 'no label', '1', NULL), (22, '', '1', NULL), (23, 'u', '', NULL), (24, 'u', repeat('x', 1025), NULL),
    (25, 'u', repeat('x', 20000000), NULL), (26, 'issue', 'one', 9223372036854775807), (27, 'issue', '01', 99999999999), (28, 'u', 'ok', NULL),
    (29, repeat('l', 64), '1', NULL), (30, 'issue', '1', NULL);
SELECT actor, action_object, target FROM sent();
SELECT actstream.untrack('note');
SELECT actstream.track('note', 'noted', '{label}:{t}', NULL);
INSERT INTO note (id, label, t) VALUES (40, 'nolabel', '1'), (41, 'u', ''), (42, 'u', 'ok');
SELECT actor FROM sent();
SELECT actstream.untrack('note');
-- labels that go
SELECT label FROM actstream.register_external('web');
SELECT actstream.track('note', 'noted', 'u:1', 'comment:{id}', 'web:{id}');
SELECT actstream.unregister('web'), actstream.unregister('comment');
INSERT INTO note (id) VALUES (50);
SELECT actor, action_object, target FROM sent();
SELECT actstream.untrack('note');

------------------------------------------------------------------------------
-- Values that cannot be had
------------------------------------------------------------------------------

-- json that jsonb cannot hold is a string of its text
CREATE TABLE doc (id int PRIMARY KEY, j json, js json[], n int);
SELECT actstream.track('doc', 'changed', 'u:1', NULL, events => '{insert,update,delete}', data_columns => '{j,js,n}', description => '{j}');
INSERT INTO doc VALUES (1, '{"a": "\u0000"}', NULL, 1), (2, '1e1000000', NULL, 2), (3, '"\ud800"', NULL, 3), (4, '{"a": [1, "\u00e4"]}', '{1,2}', 4);
INSERT INTO doc VALUES (5, '0', ARRAY['"\u0000"']::json[], 5), (6, NULL, NULL, NULL);
UPDATE doc SET j = '1' WHERE id = 1;
DELETE FROM doc WHERE id = 2;
SELECT description, data FROM sent();
-- as to_jsonb() gives it where there is one
INSERT INTO doc VALUES (7, '{"b": 1, "a": 1.50, "b": 2, "c": null, "d": "x\ty"}');
SELECT data->'j' = to_jsonb(j) AS same FROM sent(), doc WHERE id = 7;
SELECT actstream.untrack('doc');

-- types whose code fails, in the description and in the data
SET client_min_messages = warning;
CREATE TYPE broken;
CREATE FUNCTION broken_in(cstring) RETURNS broken LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION broken_out(broken) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'shell_out';
CREATE TYPE broken (INPUT = broken_in, OUTPUT = broken_out, INTERNALLENGTH = variable);
RESET client_min_messages;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE FUNCTION mood_json(mood) RETURNS json LANGUAGE plpgsql AS $$BEGIN RETURN json_build_object('mood', 1 / ($1::text <> 'sad')::int); END$$;
CREATE TABLE odd (id int PRIMARY KEY, b broken, m mood, ms mood[], n int);
SELECT actstream.track('odd', 'changed', 'u:1', NULL, events => '{insert,update,delete}', data_columns => '{b,m,ms,n}', description => '{b}{m}{ms}');
INSERT INTO odd VALUES (1, 'x', 'sad', '{sad,glad}', 1);
SELECT description, data FROM sent();
CREATE CAST (mood AS json) WITH FUNCTION mood_json(mood);
INSERT INTO odd VALUES (2, NULL, 'sad', '{sad,glad}', 2), (3, 'x', 'glad', '{glad}', 3);
UPDATE odd SET n = 0;
DELETE FROM odd;
SELECT description, data FROM sent();
SELECT count(*) FROM odd;
SELECT actstream.untrack('odd');

-- very large values
CREATE TABLE large (id int PRIMARY KEY, t text, a int[]);
ALTER TABLE large ALTER t SET STORAGE EXTERNAL, ALTER a SET STORAGE EXTERNAL;
SELECT actstream.track('large', 'stored', 'u:1', 'u:{t}', data_columns => '{t,a,id}', description => '{t}');
INSERT INTO large VALUES (1, repeat('x', 70000000)), (2, repeat('y', 2000000));
SELECT action_object, length(description) AS description, length(data->>'t') AS t, data->'id' AS id FROM sent();
SELECT actstream.untrack('large');
DROP TABLE large;

------------------------------------------------------------------------------
-- Columns that change
------------------------------------------------------------------------------

CREATE TABLE wide (id int PRIMARY KEY, who int, note text, at timestamptz DEFAULT '2026-01-01 00:00+00', extra int, "odd {""}" text);
SELECT actstream.track('wide', 'changed', 'u:{who}', NULL, 'u:{note}', events => '{insert,update,delete}', columns => '{note,extra}',
    description => '{note} {{who}} {extra}', data_columns => '{note,extra,"odd {\"}"}', timestamp_column => 'at');
-- a renamed column is followed
ALTER TABLE wide RENAME who TO whom;
ALTER TABLE wide RENAME note TO "Note, ""new""";
ALTER TABLE wide RENAME at TO happened;
ALTER TABLE wide RENAME "odd {""}" TO odd;
ALTER TABLE wide RENAME TO broad;
SELECT actor, target, events, columns, description, data_columns, timestamp_column, problem FROM actstream.tracked();
INSERT INTO broad VALUES (1, 1, 'one', DEFAULT, 2, 'o');
UPDATE broad SET odd = 'p';
UPDATE broad SET "Note, ""new""" = 'two';
SELECT actor, target, description, data FROM sent();
SELECT * FROM actstream.integrity_check();
-- but not to a name that no template can contain, of which it warns
ALTER TABLE broad RENAME whom TO "wh}om";
SELECT actor, problem FROM actstream.tracked();
INSERT INTO broad VALUES (9, 1, 'one', DEFAULT, 2, 'o');
ALTER TABLE broad RENAME odd TO "{odd}";
SELECT data_columns, problem FROM actstream.tracked();
ALTER TABLE broad RENAME "{odd}" TO odd;
ALTER TABLE broad RENAME "wh}om" TO whom;
SELECT actor, data_columns, problem FROM actstream.tracked();
DELETE FROM broad WHERE id = 9;
SELECT actor, data FROM sent();
-- {self} is a column in a description
ALTER TABLE broad ADD COLUMN self text DEFAULT 's', ADD COLUMN me text DEFAULT 'm';
SELECT actstream.track('broad', 'described', 'u:1', NULL, events => '{insert}', description => '{self}', trigger_name => 'described');
ALTER TABLE broad RENAME self TO himself;
ALTER TABLE broad RENAME me TO self;
INSERT INTO broad VALUES (9, 1, 'one', DEFAULT, 2, 'o');
SELECT verb, description FROM sent() WHERE verb = 'described';
-- a name that had been given up is said to be used again
ALTER TABLE broad DROP COLUMN himself;
ALTER TABLE broad RENAME self TO himself;
INSERT INTO broad VALUES (10, 1, 'one', DEFAULT, 2, 'o');
SELECT verb, description FROM sent() WHERE verb = 'described';
SELECT actstream.untrack('broad', 'described');
ALTER TABLE broad DROP COLUMN himself;
DELETE FROM broad WHERE id IN (9, 10);
SELECT count(*) FROM sent();
-- a column that is gone is left out, with a warning for each session
ALTER TABLE broad DROP COLUMN extra;
\c -
SET search_path = trw;
SET jit = off;
INSERT INTO broad VALUES (2, 2, 'one', DEFAULT, 'o');
UPDATE broad SET "Note, ""new""" = 'two' WHERE id = 2;
SELECT actor, target, description, data FROM sent();
SELECT problem, relation, detail FROM actstream.integrity_check();
ALTER TABLE broad ADD COLUMN extra text;
SELECT * FROM actstream.integrity_check();
INSERT INTO broad VALUES (3, 2, 'one', DEFAULT, 'o', 'extra');
SELECT description, data FROM sent();
-- another type that does as well, and one that does not
ALTER TABLE broad ALTER whom TYPE bigint, ALTER happened TYPE timestamptz(0);
SELECT * FROM actstream.integrity_check();
ALTER TABLE broad ALTER happened TYPE timestamp;
INSERT INTO broad VALUES (4, 2, 'one', DEFAULT, 'o', 'extra');
ALTER TABLE broad ALTER whom TYPE numeric;
INSERT INTO broad VALUES (5, 2, 'one', DEFAULT, 'o', 'extra');
BEGIN;
SELECT actstream.set_actor('u:me');
INSERT INTO broad VALUES (6, 2, 'one', DEFAULT, 'o', 'extra');
COMMIT;
SELECT actor, description FROM sent();
SELECT problem, relation, detail FROM actstream.integrity_check();
ALTER TABLE broad DROP COLUMN whom;
DELETE FROM broad;
SELECT count(*) FROM sent();
SELECT actstream.untrack('broad');
-- of all columns of which an update must change one
SELECT actstream.track('broad', 'changed', 'u:1', NULL, events => '{update}', columns => '{extra}');
ALTER TABLE broad DROP COLUMN extra;
INSERT INTO broad VALUES (1, 'one');
UPDATE broad SET odd = 'x';
SELECT count(*) FROM sent();
SELECT actstream.untrack('broad');
-- columns that are inherited, and those of partitions
CREATE TABLE base (id int, who int) PARTITION BY LIST (id);
CREATE TABLE part (who int, id int);
ALTER TABLE base ATTACH PARTITION part DEFAULT;
SELECT actstream.track('base', 'changed', 'u:{who}', NULL);
SELECT actstream.track('part', 'changed part', 'u:{who}', NULL);
ALTER TABLE base RENAME who TO whom;
INSERT INTO base VALUES (1, 2);
SELECT actor, verb FROM sent() ORDER BY verb;
ALTER TABLE base DROP COLUMN whom;
INSERT INTO base VALUES (1);
DROP TABLE base;

------------------------------------------------------------------------------
-- Triggers that are out of place
------------------------------------------------------------------------------

-- on a table that is not registered: so a dump of the schema alone leaves it
CREATE TABLE post (id int PRIMARY KEY, t text);
SELECT label FROM actstream.register('post');
SELECT actstream.track('post', 'wrote', 'u:1');
ALTER TABLE actstream.object_types DISABLE TRIGGER object_type_bind;
DELETE FROM actstream.object_types WHERE label = 'post';
ALTER TABLE actstream.object_types ENABLE TRIGGER object_type_bind;
INSERT INTO post VALUES (1);
SELECT count(*) FROM sent();
SELECT problem, relation, detail FROM actstream.integrity_check();
SELECT label FROM actstream.register('post');
INSERT INTO post VALUES (2);
SELECT action_object FROM sent();
-- unregister() takes the triggers along
SELECT actstream.unregister('post');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'post'::regclass;
-- made by hand, with arguments that make no sense
CREATE TRIGGER few AFTER INSERT ON post FOR EACH ROW EXECUTE FUNCTION actstream_internal.row_changed('wrote', 'u:1');
CREATE TRIGGER malformed AFTER INSERT ON post FOR EACH ROW EXECUTE FUNCTION actstream_internal.row_changed('wrote', 'u:{', '', '', '', 'public', '', '', '');
CREATE TRIGGER nothing AFTER INSERT ON post FOR EACH ROW EXECUTE FUNCTION actstream_internal.row_changed('', 'u:1', '', '', '', 'public', '', '', '');
CREATE TRIGGER array_of AFTER INSERT ON post FOR EACH ROW EXECUTE FUNCTION actstream_internal.row_changed('wrote', 'u:1', '', '', '', 'public', '', '{{id}', '');
CREATE TRIGGER good AFTER INSERT ON post FOR EACH ROW EXECUTE FUNCTION actstream_internal.row_changed('wrote', 'u:1', 'u:{id}', '', '', 'private', '', '{id}', '');
CREATE TRIGGER moved AFTER INSERT OR UPDATE OR DELETE ON post FOR EACH ROW EXECUTE FUNCTION actstream_internal.row_moved();
INSERT INTO post VALUES (3);
UPDATE post SET id = 4 WHERE id = 3;
DELETE FROM post;
SELECT actor, verb, action_object, data FROM sent();
ALTER TABLE post DISABLE TRIGGER good;
SELECT trigger_name, verb, problem FROM actstream.tracked() ORDER BY trigger_name;
SELECT problem, detail FROM actstream.integrity_check() ORDER BY detail;
SELECT actstream.untrack('post');

------------------------------------------------------------------------------
-- A table "actions" that refuses
------------------------------------------------------------------------------

SELECT actstream.track('post', 'wrote', 'u:{id}', NULL, description => '{t}');
ALTER TABLE actstream.actions ADD CHECK (description <> 'bad');
INSERT INTO post VALUES (10, 'good'), (11, 'bad'), (12, 'better');
SELECT actor, description FROM sent();
\c -
SET search_path = trw;
SET jit = off;
ALTER TABLE actstream.actions DROP CONSTRAINT actions_description_check;
CREATE UNIQUE INDEX once ON actstream.actions (description);
INSERT INTO post VALUES (20, 'a'), (21, 'a'), (22, 'b');
SELECT actor, description FROM sent();
DROP INDEX actstream.once;
CREATE INDEX described ON actstream.actions (description);
INSERT INTO post VALUES (30, (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 500) i)), (31, 'short');
SELECT actor FROM sent();
DROP INDEX actstream.described;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.description = 'bad' THEN RAISE EXCEPTION 'refused'; END IF;
    IF NEW.description = 'skip' THEN RETURN NULL; END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER refuse BEFORE INSERT ON actstream.actions FOR EACH ROW EXECUTE FUNCTION refuse();
INSERT INTO post VALUES (40, 'good'), (41, 'bad'), (42, 'skip'), (43, 'good');
SELECT actor FROM sent();
DROP TRIGGER refuse ON actstream.actions;
CREATE TRIGGER refuse AFTER INSERT ON actstream.actions FOR EACH ROW EXECUTE FUNCTION refuse();
INSERT INTO post VALUES (50, 'good'), (51, 'bad'), (52, 'good');
SELECT actor FROM sent();
DROP TRIGGER refuse ON actstream.actions;
-- a rule, ids that are used up, a column that must not be null
CREATE RULE nothing AS ON INSERT TO actstream.actions DO INSTEAD NOTHING;
INSERT INTO post VALUES (53, 'ruled');
DROP RULE nothing ON actstream.actions;
\c -
SET search_path = trw;
SET jit = off;
SELECT pg_get_serial_sequence('actstream.actions', 'id') AS ids \gset
SELECT setval(:'ids', 1000);
ALTER SEQUENCE :ids MAXVALUE 1001;
INSERT INTO post VALUES (54, 'last'), (55, 'lost');
ALTER SEQUENCE :ids NO MAXVALUE;
INSERT INTO post VALUES (56, 'next');
SELECT actor FROM sent();
\c -
SET search_path = trw;
SET jit = off;
ALTER TABLE actstream.actions ALTER target SET NOT NULL;
INSERT INTO post VALUES (57, 'unsent');
ALTER TABLE actstream.actions ALTER target DROP NOT NULL;
-- what an action does to the table that has sent it sends nothing more; names in what it
-- calls are those of a safe search_path, or of its own
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql SET search_path = trw AS $$
BEGIN
    INSERT INTO post VALUES (NEW.id + 1000, 'again');
    UPDATE post SET t = 'counted' WHERE 'u:' || id = NEW.actor::text;
    RETURN NULL;
END
$$;
CREATE TRIGGER again AFTER INSERT ON actstream.actions FOR EACH ROW EXECUTE FUNCTION again();
INSERT INTO post VALUES (60, 'first'), (61, 'second');
SELECT actor, description FROM sent();
SELECT t FROM post WHERE t IN ('again', 'counted') ORDER BY t;
DROP TRIGGER again ON actstream.actions;

------------------------------------------------------------------------------
-- Templates that have ceased to name objects
------------------------------------------------------------------------------

CREATE TABLE keyed (id integer PRIMARY KEY);
SELECT actstream.register('keyed');
SELECT actstream.register_external('gone');
INSERT INTO keyed VALUES (1);
CREATE TABLE watched (id integer, a bigint, b integer);
SELECT actstream.track('watched', 'type', 'keyed:{a}', NULL);
SELECT actstream.track('watched', 'label', 'keyed:{b}', NULL, 'gone:{b}', trigger_name => 'label');
SELECT actstream.track('watched', 'whoever is set', NULL, NULL, trigger_name => 'set');
SELECT actstream.track('watched', 'nobody yet', 'keyed:77', NULL, trigger_name => 'yet');
SELECT actstream.set_actor('keyed:1', false);
INSERT INTO watched VALUES (1, 1, 1);
SELECT verb, actor, target FROM sent();
SELECT trigger_name, problem FROM actstream.tracked() WHERE relation = 'watched'::regclass ORDER BY 1;
ALTER TABLE watched ALTER a TYPE text;
SELECT actstream.unregister('gone');
SET actstream.actor = 'kyed:1';
INSERT INTO watched VALUES (2, '1', 1), (3, '1', 1);
SELECT verb, actor, target FROM sent();
SELECT trigger_name, problem FROM actstream.tracked() WHERE relation = 'watched'::regclass ORDER BY 1;
SELECT object, detail FROM actstream.integrity_check();
\c -
SET search_path = trw;
SET actstream.actor = 'keyed:1';
INSERT INTO watched VALUES (4, '1', 1), (5, '1', 1);
RESET actstream.actor;

------------------------------------------------------------------------------
-- While changes are recorded
------------------------------------------------------------------------------

CREATE TABLE noted (id integer PRIMARY KEY);
SELECT actstream.track('noted', 'noted', 'keyed:1', NULL);
SELECT actstream.record_changes(true);
-- without a subtransaction for each row
INSERT INTO noted VALUES (0);
SELECT pg_current_xact_id()::text::bigint AS before \gset
INSERT INTO noted SELECT generate_series(1, 100);
SELECT pg_current_xact_id()::text::bigint - :before AS transactions, (SELECT count(*) FROM actstream.actions WHERE verb = 'noted') AS sent;
-- whatever has become of the record, the row is stored
CREATE FUNCTION note(ddl text, undo text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    sent bigint := (SELECT count(*) FROM actstream.actions);
BEGIN
    EXECUTE ddl;
    INSERT INTO noted SELECT max(id) + 1 FROM noted;
    sent := (SELECT count(*) FROM actstream.actions) - sent;
    EXECUTE undo;
    RETURN sent || ' sent';
EXCEPTION WHEN OTHERS THEN
    RETURN concat_ws(' ', sqlstate, sqlerrm);
END
$$;
SET client_min_messages = error;
DROP ROLE IF EXISTS trw_recorder;
CREATE ROLE trw_recorder;
SELECT current_user AS owner \gset
SELECT note('ALTER TABLE actstream.changes OWNER TO trw_recorder', 'GRANT USAGE ON SCHEMA actstream TO trw_recorder');
SELECT note('SELECT', 'REVOKE USAGE ON SCHEMA actstream FROM trw_recorder');
SELECT note('SELECT', 'SELECT');
SELECT note('ALTER TABLE actstream.changes OWNER TO ' || :'owner', 'SELECT');
SELECT note('ALTER TABLE actstream.changes ALTER action_id ADD GENERATED ALWAYS AS IDENTITY', 'ALTER TABLE actstream.changes ALTER action_id DROP IDENTITY');
SELECT note($$ALTER TABLE actstream.changes ADD CHECK (operation <> 'I') NOT VALID$$, 'ALTER TABLE actstream.changes DROP CONSTRAINT changes_operation_check');
SELECT note('CREATE INDEX odd ON actstream.changes (action_id) WHERE 1 / nullif(action_id - action_id, 0) > 0', 'DROP INDEX actstream.odd');
SELECT note('CREATE UNIQUE INDEX odd ON actstream.changes (arrived) WHERE operation = ''D''', 'DROP INDEX actstream.odd');
SELECT note('SELECT', 'SELECT');
DROP OWNED BY trw_recorder;
DROP ROLE trw_recorder;
RESET client_min_messages;
SELECT actstream.record_changes(false);

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA trw CASCADE;
DO 'BEGIN PERFORM actstream.drop_tables(); END';
DROP EXTENSION actstream;
