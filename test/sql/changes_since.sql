-- stream_position() and changes_since(): what is told, to whom, and when a position is refused.
-- Positions and transaction ids differ from run to run, so they are kept, and not printed.
\i test/lib/fresh.sql
\i test/lib/try.sql
CREATE TABLE kept (name text PRIMARY KEY, position text NOT NULL);
-- what is told since a kept position; the position of the last row is kept instead
CREATE FUNCTION told(name text, viewers actstream.ref[] DEFAULT NULL, max_rows integer DEFAULT 1000)
    RETURNS TABLE (viewer actstream.ref, operation text, action text) LANGUAGE plpgsql AS $$
DECLARE
    r record;
    last text;
BEGIN
    FOR r IN SELECT c.* FROM actstream.changes_since((SELECT k.position FROM kept k WHERE k.name = told.name), told.viewers, told.max_rows) c LOOP
        viewer := r.viewer;
        operation := r.operation;
        action := concat_ws(' ', (r.action).actor, (r.action).verb, (r.action).action_object, (r.action).target,
                            'public=' || (r.action).public, (r.action).description);
        last := r.position;
        RETURN NEXT;
    END LOOP;
    UPDATE kept k SET position = coalesce(last, k.position) WHERE k.name = told.name;
END
$$;
CREATE FUNCTION keep(name text) RETURNS void LANGUAGE sql
    AS 'INSERT INTO kept VALUES ($1, actstream.stream_position()) ON CONFLICT (name) DO UPDATE SET position = excluded.position';
SELECT label FROM actstream.register_external('o');

-- nothing is recorded
SELECT try('SELECT actstream.stream_position()');
SELECT try('SELECT actstream.changes_since(''1:1:'')');
SELECT actstream.record_changes(true);
SELECT keep('all'), keep('viewers');
SELECT * FROM told('all');

-- arguments
SELECT try('SELECT actstream.changes_since(NULL)');
SELECT try(format('SELECT actstream.changes_since(%L, max_rows => %L)', position, n)) FROM kept, unnest('{0,-1,NULL}'::integer[]) AS n WHERE name = 'all';
SELECT p AS change, try(format('SELECT actstream.changes_since(%L)', regexp_replace(position, split_part(p, '>', 1), split_part(p, '>', 2))))
FROM kept, unnest(ARRAY['^.*$>', '^>-', '^>x', ':.*$>', ':.*$>:', ':.*$>::', ':>: ', '$>x', '$>,', '$>/', '$>/1', '$>/1,', '$>/1,2', '$>/99999999999,2',
                        ':[0-9]+:>:5:7,6', ':[0-9]+:>:5:3,3', ':[0-9]+:>:5:9', ':[0-9]+:>:99999999999999999999:', '^.>']) AS p
WHERE name = 'all';

-- more transactions than can have been in progress
SELECT try(format('SELECT actstream.changes_since(%L)', regexp_replace(position, ':.*', ':1000000:' || (SELECT string_agg(n::text, ',' ORDER BY n) FROM generate_series(5000, 50000) n))))
FROM kept WHERE name = 'all';

-- what is sent, changed and deleted; not what came and went, was undone or rolled back
SELECT verb FROM actstream.act_send('o:1', 'sent', target => 'o:2');
BEGIN;
SELECT verb FROM actstream.act_send('o:1', 'went', target => 'o:2');
DELETE FROM actstream.actions WHERE verb = 'went';
SAVEPOINT a;
SELECT verb FROM actstream.act_send('o:1', 'undone', target => 'o:2');
ROLLBACK TO a;
SAVEPOINT b;
SELECT verb FROM actstream.act_send('o:1', 'kept', target => 'o:2');
RELEASE b;
UPDATE actstream.actions SET description = 'changed at once' WHERE verb = 'kept';
-- its own changes are told when they have been committed
SELECT * FROM told('all');
COMMIT;
BEGIN;
SELECT verb FROM actstream.act_send('o:1', 'rolled back', target => 'o:2');
ROLLBACK;
SELECT * FROM told('all');
SELECT * FROM told('all');
UPDATE actstream.actions SET description = 'changed' WHERE verb = 'sent';
DELETE FROM actstream.actions WHERE verb = 'kept';
INSERT INTO actstream.actions (id, actor, verb) OVERRIDING SYSTEM VALUE VALUES (900001, 'o:3', 'moved');
SELECT * FROM told('all');
-- an action that is deleted and inserted again; one that has another id
BEGIN;
DELETE FROM actstream.actions WHERE verb = 'moved';
INSERT INTO actstream.actions (id, actor, verb) OVERRIDING SYSTEM VALUE VALUES (900001, 'o:3', 'came back');
COMMIT;
UPDATE actstream.actions SET id = 900002 WHERE id = 900001;
SELECT * FROM told('all');
-- gone before anybody looked: told as deleted, no more
SELECT verb FROM actstream.act_send('o:1', 'short');
UPDATE actstream.actions SET description = 'x' WHERE verb = 'short';
DELETE FROM actstream.actions WHERE verb = 'short';
SELECT * FROM told('all');
TRUNCATE kept;
SELECT keep('all'), keep('viewers'), keep('one');

-- viewers: what their user_stream shows
SELECT actstream.follow('o:10', 'o:1', send_action => false) IS DISTINCT FROM NULL AS any_role,
       actstream.follow('o:11', 'o:2', actor_only => false, send_action => false) IS DISTINCT FROM NULL AS all_roles,
       actstream.follow('o:12', 'o:2', send_action => false) IS DISTINCT FROM NULL AS actor_only,
       actstream.follow('o:13', 'o:1', verbs => '{did}', send_action => false) IS DISTINCT FROM NULL AS verbs,
       actstream.follow('o:14', 'o:1', send_action => false) IS DISTINCT FROM NULL AS mutes,
       actstream.mute('o:14', 'o:2') IS DISTINCT FROM NULL AS muted,
       actstream.follow('o:15', 'o:1', send_action => false) IS DISTINCT FROM NULL AS both,
       actstream.follow('o:15', 'o:2', actor_only => false, flag => 'watching', send_action => false) IS DISTINCT FROM NULL AS twice;
\set viewers '''{o:10,o:11,o:12,o:13,o:14,o:15,o:15,o:99,NULL}'''
SELECT verb FROM actstream.act_send('o:1', 'did', target => 'o:2');
SELECT verb FROM actstream.act_send('o:1', 'said', action_object => 'o:2');
SELECT verb FROM actstream.act_send('o:2', 'did', target => 'o:7');
SELECT verb FROM actstream.act_send('o:1', 'hid', target => 'o:2', public => false);
SELECT verb FROM actstream.act_send('o:8', 'did', target => 'o:7');
SELECT c.viewer, c.operation, (c.action).actor, (c.action).verb FROM kept, actstream.changes_since(position, :viewers) c WHERE name = 'viewers';
-- the same one by one, each viewer's stream, and for so many viewers that they are looked up otherwise
SELECT count(*) AS told, count(*) FILTER (WHERE EXISTS (SELECT FROM actstream.user_stream(c.viewer) s WHERE s.id = (c.action).id)) AS in_stream,
       (SELECT count(*) FROM unnest('{o:10,o:11,o:12,o:13,o:14,o:15,o:99}'::actstream.ref[]) v, actstream.user_stream(v) s WHERE verb IN ('did', 'said', 'hid')) AS all
FROM kept, actstream.changes_since(position, ARRAY(SELECT ('o:' || n)::actstream.ref FROM generate_series(1, 100) n)) c WHERE name = 'viewers';
SELECT * FROM told('one', '{o:13}');
-- an update is told as what it means for the viewer's stream
SELECT count(*) FROM told('viewers', :viewers);
UPDATE actstream.actions SET public = NOT public WHERE actor = 'o:1' AND verb IN ('did', 'hid');
UPDATE actstream.actions SET verb = 'did' WHERE verb = 'said';
SELECT * FROM told('viewers', :viewers);
DELETE FROM actstream.actions WHERE verb IN ('did', 'hid');
SELECT * FROM told('viewers', :viewers);
-- what others have not seen is not told, and is no state in which an action was in a stream
BEGIN;
SELECT verb FROM actstream.act_send('o:1', 'did', target => 'o:2');
UPDATE actstream.actions SET description = 'at once' WHERE verb = 'did';
SELECT verb FROM actstream.act_send('o:1', 'private', target => 'o:2');
UPDATE actstream.actions SET public = false WHERE verb = 'private';
COMMIT;
SELECT * FROM told('viewers', '{o:13,o:15}');
BEGIN;
UPDATE actstream.actions SET public = true WHERE verb = 'private';
UPDATE actstream.actions SET public = false WHERE verb = 'private';
UPDATE actstream.actions SET public = false WHERE verb = 'did';
UPDATE actstream.actions SET public = true WHERE verb = 'did';
COMMIT;
SELECT * FROM told('viewers', '{o:13,o:15}');
BEGIN;
UPDATE actstream.actions SET public = true WHERE verb = 'private';
UPDATE actstream.actions SET actor = 'o:5' WHERE verb = 'did';
DELETE FROM actstream.actions WHERE verb IN ('private', 'did');
COMMIT;
SELECT * FROM told('viewers', '{o:13,o:15}');
-- one that was hidden, or has changed hands, before it was deleted
SELECT verb FROM actstream.act_send('o:1', 'did', target => 'o:2');
SELECT verb FROM actstream.act_send('o:1', 'did', target => 'o:3');
SELECT * FROM told('viewers', '{o:13,o:15}');
UPDATE actstream.actions SET public = false WHERE verb = 'did' AND target = 'o:2';
UPDATE actstream.actions SET description = 'once' WHERE verb = 'did' AND target = 'o:3';
UPDATE actstream.actions SET actor = 'o:5' WHERE verb = 'did' AND target = 'o:3';
UPDATE actstream.actions SET description = 'twice' WHERE verb = 'did' AND target = 'o:3';
DELETE FROM actstream.actions WHERE verb = 'did';
SELECT * FROM told('viewers', '{o:13,o:15}');
-- one that has changed before it was deleted leaves a stream once
SELECT verb FROM actstream.act_send('o:1', 'did', target => 'o:2');
SELECT count(*) FROM told('viewers', '{o:13,o:15}');
UPDATE actstream.actions SET description = 'once' WHERE verb = 'did';
UPDATE actstream.actions SET description = 'twice' WHERE verb = 'did';
DELETE FROM actstream.actions WHERE verb = 'did';
SELECT * FROM told('viewers', '{o:13,o:15}');
-- an id that is given again: what was deleted before says nothing of what happens now
INSERT INTO actstream.actions (id, actor, verb, target) OVERRIDING SYSTEM VALUE VALUES (900010, 'o:1', 'did', 'o:2');
DELETE FROM actstream.actions WHERE id = 900010;
INSERT INTO actstream.actions (id, actor, verb, target) OVERRIDING SYSTEM VALUE VALUES (900010, 'o:1', 'did', 'o:2');
SELECT count(*) FROM told('viewers', '{o:13,o:15}');
UPDATE actstream.actions SET public = false WHERE id = 900010;
DELETE FROM actstream.actions WHERE id = 900010;
SELECT * FROM told('viewers', '{o:13,o:15}');
-- what concerns none of them moves the position, once
SELECT verb FROM actstream.act_send('o:8', 'did');
SELECT * FROM told('one', '{}');
SELECT * FROM told('one', '{}');
-- no follow: nothing is told
SELECT verb FROM actstream.act_send('o:1', 'did', target => 'o:2');
SELECT actstream.unfollow('o:10', 'o:1');
SELECT * FROM told('one', '{o:10,o:13}');

-- in parts: actions of one transaction, and of several; no action is told to some viewers only
SELECT count(*) FROM told('all');
SELECT keep('viewers');
INSERT INTO actstream.actions (actor, verb, target) SELECT 'o:1', 'bulk ' || n, 'o:2' FROM generate_series(1, 5) n;
SELECT verb FROM actstream.act_send('o:1', 'next', target => 'o:2');
SELECT * FROM told('all', max_rows => 2);
SELECT verb FROM actstream.act_send('o:1', 'last', target => 'o:2');
SELECT * FROM told('all', max_rows => 2);
SELECT * FROM told('all', max_rows => 3);
SELECT * FROM told('all', max_rows => 3);
SELECT viewer, action FROM told('viewers', '{o:11,o:15}', max_rows => 1);
SELECT viewer, action FROM told('viewers', '{o:11,o:15}', max_rows => 3);
SELECT viewer, action FROM told('viewers', '{o:11,o:15}');
-- more than one batch
INSERT INTO actstream.actions (actor, verb) SELECT 'o:8', 'x' FROM generate_series(1, 2500) n;
SELECT operation, count(*) FROM told('viewers', '{o:11,o:15}') GROUP BY 1;
SELECT operation, count(*) FROM told('all', max_rows => 10000) GROUP BY 1;

-- as many as were asked for: nothing is left, but the position says that later
SELECT verb FROM actstream.act_send('o:1', 'exactly one');
SELECT * FROM told('all', max_rows => 1);
SELECT * FROM told('all', max_rows => 1);
SELECT * FROM told('all', max_rows => 1);
-- nothing is told, but the position becomes a new one after a time
DO $$ BEGIN FOR i IN 1..10100 LOOP COMMIT; PERFORM pg_current_xact_id(); END LOOP; END $$;
SELECT * FROM told('all');
SELECT * FROM told('all');

-- a backlog that concerns nobody is looked at in parts
INSERT INTO actstream.actions (actor, verb) SELECT 'o:8', 'x' FROM generate_series(1, 10500) n;
SELECT * FROM told('viewers', '{o:11,o:15}');
SELECT * FROM told('viewers', '{o:11,o:15}');
SELECT * FROM told('viewers', '{o:11,o:15}');

-- a position in a snapshot
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT keep('snapshot');
SELECT verb FROM actstream.act_send('o:1', 'in snapshot');
SELECT * FROM told('snapshot');
SELECT keep('snapshot');
COMMIT;
SELECT * FROM told('snapshot');

-- what is not in the record: trimmed, truncated, not recorded
SELECT keep('all');
SELECT verb FROM actstream.act_send('o:1', 'trimmed');
SELECT keep('viewers');
SELECT verb FROM actstream.act_send('o:1', 'not trimmed');
UPDATE actstream.changes SET recorded = recorded - interval '2 days' WHERE transaction < (SELECT max(transaction::text::bigint)::text::xid8 FROM actstream.changes);
SELECT actstream.trim_changes() > 0 AS trimmed, actstream.trim_changes() AS again;
SELECT count(*), count(*) FILTER (WHERE operation = 'G') AS gaps FROM actstream.changes;
SELECT try(format('SELECT FROM actstream.changes_since(%L)', position)) FROM kept WHERE name = 'all';
SELECT * FROM told('viewers');
SELECT keep('all');
TRUNCATE actstream.actions;
SELECT try(format('SELECT FROM actstream.changes_since(%L)', position)) FROM kept WHERE name = 'all';
SELECT keep('all');
SELECT actstream.record_changes(true);
SELECT verb FROM actstream.act_send('o:1', 'recorded');
SELECT * FROM told('all');
SELECT actstream.record_changes(false), actstream.record_changes(true);
SELECT try(format('SELECT FROM actstream.changes_since(%L)', position)) FROM kept WHERE name = 'all';
SELECT keep('all');
ALTER TABLE actstream.actions DISABLE TRIGGER action_changed;
SELECT try(format('SELECT FROM actstream.changes_since(%L)', position)) FROM kept WHERE name = 'all';
SELECT actstream.record_changes(true);
SELECT try(format('SELECT FROM actstream.changes_since(%L)', position)) FROM kept WHERE name = 'all';
SELECT keep('all');
ALTER TABLE actstream.actions DISABLE TRIGGER action_changed;
INSERT INTO actstream.actions (actor, verb) VALUES ('o:1', 'not recorded');
ALTER TABLE actstream.actions ENABLE ALWAYS TRIGGER action_changed;
SELECT try(format('SELECT FROM actstream.changes_since(%L)', position)) FROM kept WHERE name = 'all';
-- whoever has renamed it may have sent something meanwhile
SELECT keep('all');
ALTER TRIGGER action_changed ON actstream.actions RENAME TO renamed;
ALTER TRIGGER renamed ON actstream.actions RENAME TO action_changed;
SELECT try(format('SELECT FROM actstream.changes_since(%L)', position)) FROM kept WHERE name = 'all';
-- also if that is so old that the catalog's rows are frozen
SELECT keep('all'), keep('one');
SELECT actstream.record_changes(false);
INSERT INTO actstream.actions (actor, verb) VALUES ('o:1', 'not recorded');
SELECT actstream.record_changes(true);
VACUUM (FREEZE) pg_catalog.pg_trigger;
SELECT name, try(format('SELECT FROM actstream.changes_since(%L)', position)) FROM kept ORDER BY name;
SELECT keep('all');
SELECT * FROM told('all');
-- a trigger that has another name now is made anew, and is dropped
ALTER TRIGGER action_changed ON actstream.actions RENAME TO renamed;
SELECT try('SELECT actstream.stream_position()');
SELECT actstream.record_changes(true);
SELECT tgname FROM pg_trigger WHERE tgrelid = 'actstream.actions'::regclass AND tgfoid = 'actstream_internal.action_changed'::regproc ORDER BY tgname;
ALTER TRIGGER action_changed ON actstream.actions RENAME TO renamed;
SELECT actstream.record_changes(false);
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'actstream.actions'::regclass AND tgfoid = 'actstream_internal.action_changed'::regproc;
SELECT actstream.record_changes(true);
-- a record that is made anew
DROP TABLE actstream.changes;
SELECT actstream.create_tables();
SELECT try(format('SELECT FROM actstream.changes_since(%L)', position)) FROM kept WHERE name = 'all';
-- also if it is made in another way
SELECT keep('all');
BEGIN;
DROP TABLE actstream.changes;
CREATE TABLE actstream.changes OF actstream.change PARTITION BY RANGE (recorded);
CREATE TABLE actstream.changes_1 PARTITION OF actstream.changes FOR VALUES FROM (MINVALUE) TO (MAXVALUE);
SELECT count(*) > 0 AS made FROM actstream.create_tables();
COMMIT;
SELECT try(format('SELECT FROM actstream.changes_since(%L)', position)) FROM kept WHERE name = 'all';
SELECT keep('all');
SELECT verb FROM actstream.act_send('o:1', 'recorded');
SELECT * FROM told('all');
DROP TABLE actstream.changes;
SELECT count(*) > 0 AS made FROM actstream.create_tables();
-- what is published can be trimmed
SET client_min_messages = error;
CREATE PUBLICATION everything FOR ALL TABLES;
RESET client_min_messages;
SELECT verb FROM actstream.act_send('o:1', 'published');
SELECT actstream.trim_changes('-1 hour') AS trimmed;
DROP PUBLICATION everything;
-- a gap is noted by the owner of the tables, whatever policies say
ALTER TABLE actstream.changes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT actstream.record_changes(false), actstream.record_changes(true);
ALTER TABLE actstream.changes DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
CREATE ROLE changes_reader;
SET ROLE changes_reader;
SELECT try('SELECT actstream_internal.note_gap()');
RESET ROLE;
-- truncation has to be noticed, too
ALTER TABLE actstream.actions DISABLE TRIGGER action_truncated;
SELECT try('SELECT actstream.stream_position()');
ALTER TABLE actstream.actions ENABLE ALWAYS TRIGGER action_truncated;
-- a position that this server has not reached
SELECT try(format('SELECT FROM actstream.changes_since(%L)', regexp_replace(actstream.stream_position(), ':([0-9]+):', ':9\1:')));
-- a gap is noted where a trigger is called that is ours; elsewhere it does nothing
CREATE TABLE other (a int);
CREATE TRIGGER t AFTER TRUNCATE ON other FOR EACH STATEMENT EXECUTE FUNCTION actstream_internal.action_changed();
SELECT try('TRUNCATE other');
CREATE TRIGGER s AFTER INSERT ON actstream.actions FOR EACH STATEMENT EXECUTE FUNCTION actstream_internal.action_changed();
SELECT try('INSERT INTO actstream.actions (actor, verb) VALUES (''o:1'', ''x'')');
DROP TRIGGER s ON actstream.actions;

-- with whose rights: those of the caller, who needs all tables that are read, under their policies
GRANT USAGE ON SCHEMA actstream TO changes_reader;
GRANT SELECT, UPDATE ON kept TO changes_reader;
SELECT keep('all'), keep('viewers');
-- where nothing is new, too
SET ROLE changes_reader;
SELECT try('SELECT * FROM told(''all'')');
RESET ROLE;
GRANT SELECT ON actstream.changes, actstream.actions TO changes_reader;
SET ROLE changes_reader;
SELECT operation FROM told('all');
SELECT try('SELECT * FROM told(''viewers'', ''{o:11}'')');
RESET ROLE;
REVOKE SELECT ON actstream.changes, actstream.actions FROM changes_reader;
SELECT verb FROM actstream.act_send('o:1', 'did', target => 'o:2');
SELECT verb FROM actstream.act_send('o:1', 'secret', target => 'o:2', description => 'words');
SET ROLE changes_reader;
SELECT try('SELECT * FROM told(''all'')'), try('SELECT actstream.stream_position()');
RESET ROLE;
GRANT SELECT ON actstream.changes, actstream.actions TO changes_reader;
SET ROLE changes_reader;
SELECT operation, action FROM told('all');
SELECT try('SELECT * FROM told(''viewers'', ''{o:11}'')');
RESET ROLE;
GRANT SELECT ON actstream.follows, actstream.mutes TO changes_reader;
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON actstream.actions USING (verb <> 'secret');
SET ROLE changes_reader;
SELECT viewer, operation, action FROM told('viewers', '{o:11}');
RESET ROLE;
-- each column that is needed where something is new is needed where nothing is: the error is the same
CREATE FUNCTION without(relation regclass, name name, since text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    result text;
BEGIN
    EXECUTE format('REVOKE SELECT ON %s FROM changes_reader', relation);
    EXECUTE format('GRANT SELECT (%s) ON %s TO changes_reader',
                   (SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
                    WHERE attrelid = relation AND attnum > 0 AND attname <> name), relation);
    SET LOCAL ROLE changes_reader;
    result := try(format('SELECT FROM actstream.changes_since(%L, ''{o:11}'')', since));
    RESET ROLE;
    EXECUTE format('GRANT SELECT ON %s TO changes_reader', relation);
    RETURN result;
END
$$;
SELECT actstream.stream_position() AS before \gset
SELECT verb FROM actstream.act_send('o:1', 'did', target => 'o:2');
SELECT actstream.stream_position() AS after \gset
SELECT relation, count(*) FILTER (WHERE where_new <> 'ok') AS needed, count(*) FILTER (WHERE where_new <> where_not) AS different
FROM (SELECT attrelid::regclass AS relation, without(attrelid, attname, :'before') AS where_new, without(attrelid, attname, :'after') AS where_not
      FROM pg_attribute WHERE attnum > 0 AND attrelid IN ('actstream.actions'::regclass, 'actstream.changes'::regclass, 'actstream.follows'::regclass, 'actstream.mutes'::regclass)) w
GROUP BY relation ORDER BY relation::text;
SET ROLE changes_reader;
SELECT viewer, operation, action FROM told('viewers', '{o:11}');
RESET ROLE;
-- what an update hides has gone for who sees no more of it
SELECT keep('all');
UPDATE actstream.actions SET verb = 'secret' WHERE verb = 'did';
SET ROLE changes_reader;
SELECT operation, action FROM told('all');
RESET ROLE;
INSERT INTO actstream.actions (id, actor, verb) OVERRIDING SYSTEM VALUE VALUES (900020, 'o:1', 'did');
DELETE FROM actstream.actions WHERE id = 900020;
INSERT INTO actstream.actions (id, actor, verb) OVERRIDING SYSTEM VALUE VALUES (900020, 'o:1', 'did');
SELECT keep('all');
UPDATE actstream.actions SET verb = 'secret' WHERE id = 900020;
SET ROLE changes_reader;
SELECT operation, action FROM told('all');
RESET ROLE;
SELECT keep('all');
DELETE FROM actstream.actions;
-- of what is gone, no more than that, as no policy can tell whether it was to be seen
SET ROLE changes_reader;
SELECT operation, action FROM told('all');
RESET ROLE;
SELECT viewer, operation, action FROM told('viewers', '{o:11}');
-- what policies hide, and is trimmed, does not make a position too old
ALTER TABLE actstream.changes ENABLE ROW LEVEL SECURITY;
CREATE POLICY hidden ON actstream.changes USING (false);
SELECT keep('all');
SELECT verb FROM actstream.act_send('o:1', 'did');
SET ROLE changes_reader;
SELECT operation, action FROM told('all');
SELECT operation, action FROM told('all');
RESET ROLE;
SELECT actstream.trim_changes('-1 hour') > 0 AS trimmed;
SET ROLE changes_reader;
SELECT operation, action FROM told('all');
RESET ROLE;
DROP POLICY hidden ON actstream.changes;
ALTER TABLE actstream.changes DISABLE ROW LEVEL SECURITY;
-- a policy does not hide a gap
ALTER TABLE actstream.changes ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON actstream.changes USING (operation <> 'G');
SELECT keep('all');
TRUNCATE actstream.actions;
SET ROLE changes_reader;
SELECT try(format('SELECT FROM actstream.changes_since(%L)', position)) FROM kept WHERE name = 'all';
RESET ROLE;
-- rows that are frozen from the first are those of their transaction
ALTER TABLE actstream.changes DISABLE ROW LEVEL SECURITY;
DROP TABLE actstream.actions;
CREATE TABLE actstream.actions OF actstream.action PARTITION BY LIST (verb);
SELECT count(*) > 0 AS made FROM actstream.create_tables();
SELECT actstream.record_changes(true);
SELECT keep('all');
BEGIN;
CREATE TABLE actstream.actions_1 PARTITION OF actstream.actions DEFAULT;
COPY actstream.actions_1 (id, "timestamp", public, actor, verb) FROM stdin (FREEZE);
900030	2026-01-01	true	o:1	copied
900031	2026-01-01	true	o:1	copied
\.
UPDATE actstream.actions SET verb = 'changed' WHERE id = 900030;
DELETE FROM actstream.actions WHERE id = 900031;
COMMIT;
SELECT * FROM told('all');
-- what moves to another partition has arrived before
CREATE TABLE actstream.actions_2 PARTITION OF actstream.actions FOR VALUES IN ('moved');
UPDATE actstream.actions SET verb = 'moved' WHERE id = 900030;
SELECT * FROM told('all');
SELECT operation, arrived FROM actstream.changes WHERE action_id = 900030 ORDER BY transaction, operation;
-- a table that was written anew has no version that this transaction has not made
DROP TABLE actstream.actions_1, actstream.actions_2;
DROP TABLE actstream.actions;
SELECT count(*) > 0 AS made FROM actstream.create_tables();
SELECT actstream.record_changes(true);
INSERT INTO actstream.actions (id, actor, verb) SELECT 910000 + i, 'o:1', 'there' FROM generate_series(1, 4) AS i;
SELECT keep('all');
BEGIN;
UPDATE actstream.actions SET description = 'before' WHERE id = 910003;
ALTER TABLE actstream.actions SET UNLOGGED;
ALTER TABLE actstream.actions SET LOGGED;
INSERT INTO actstream.actions (id, actor, verb) VALUES (910009, 'o:1', 'short');
DELETE FROM actstream.actions WHERE id IN (910001, 910009);
UPDATE actstream.actions SET description = 'after' WHERE id IN (910002, 910003);
DELETE FROM actstream.actions WHERE id = 910003;
COMMIT;
SELECT action_id - 910000 AS id, operation, old_verb FROM actstream.changes WHERE action_id > 910000 AND operation IN ('U', 'D') ORDER BY 1, recorded;
SELECT * FROM told('all');
-- what was hidden when a call told of it comes back: viewers are told that it has come
SELECT actstream.follow_many('o:90', '{o:1}');
SELECT keep('all');
INSERT INTO actstream.actions (id, actor, verb) VALUES (920001, 'o:1', 'away'), (920002, 'o:1', 'there');
UPDATE actstream.actions SET public = false WHERE id = 920001;
SELECT position AS first FROM kept WHERE name = 'all' \gset
SELECT position AS next, operation, (action).verb FROM actstream.changes_since(:'first', '{o:90}', 1) \gset
SELECT :'operation' AS operation, :'verb' AS verb;
UPDATE actstream.actions SET public = true WHERE id = 920001;
SELECT position AS next, operation, (action).verb FROM actstream.changes_since(:'next', '{o:90}', 1) \gset
SELECT :'operation' AS operation, :'verb' AS verb;
SELECT operation, (action).verb FROM actstream.changes_since(:'next', '{o:90}', 1);
UPDATE actstream.actions SET public = false WHERE id = 920001;
SELECT operation, (action).verb FROM actstream.changes_since(:'next', '{o:90}');
-- a position that lists more transactions than there can be
SELECT try($$SELECT count(*) FROM actstream.changes_since('1:5:' || repeat('1,', 200000))$$);
-- triggers that have the names, but are others
DROP TRIGGER action_changed ON actstream.actions;
CREATE TRIGGER action_changed AFTER INSERT OR DELETE ON actstream.actions FOR EACH ROW EXECUTE FUNCTION actstream_internal.action_changed();
ALTER TABLE actstream.actions ENABLE ALWAYS TRIGGER action_changed;
SELECT problem, detail FROM actstream.integrity_check();
SELECT try('SELECT actstream.stream_position()');
SELECT actstream.record_changes(true);
SELECT try('SELECT actstream.stream_position()') LIKE 'ok%' AS mended, (SELECT count(*) FROM actstream.integrity_check()) AS problems;
-- whoever owns the table runs no code of its own as the caller
SELECT keep('all');
SELECT verb FROM actstream.act_send('o:1', 'did');
CREATE FUNCTION planted(actstream.actions) RETURNS actstream.action LANGUAGE plpgsql AS 'BEGIN RAISE ''planted code was run''; END';
CREATE CAST (actstream.actions AS actstream.action) WITH FUNCTION planted(actstream.actions) AS IMPLICIT;
SELECT operation, action FROM told('all');
DROP FUNCTION planted CASCADE;
-- types with more attributes
ALTER TYPE actstream.action ADD ATTRIBUTE more text CASCADE;
SELECT verb FROM actstream.act_send('o:1', 'did');
UPDATE actstream.actions SET more = 'more' WHERE verb = 'did';
SELECT operation, (action).verb, (action).more FROM kept, actstream.changes_since(position, '{o:11,o:13}') WHERE name = 'all';
DELETE FROM actstream.actions WHERE verb = 'did';
SELECT operation, (action).verb, (action).more FROM kept, actstream.changes_since(position) WHERE name = 'all';
ALTER TYPE actstream.changed_action ADD ATTRIBUTE more text;
SELECT try(format('SELECT c.more FROM actstream.changes_since(%L) c', position)) FROM kept WHERE name = 'all';
ALTER TYPE actstream.changed_action DROP ATTRIBUTE more;
ALTER TYPE actstream.changed_action DROP ATTRIBUTE operation, ADD ATTRIBUTE operation integer;
SELECT try(format('SELECT c.operation FROM actstream.changes_since(%L) c', position)) FROM kept WHERE name = 'all';
DROP OWNED BY changes_reader;
DROP ROLE changes_reader;
SELECT * FROM actstream.integrity_check();
SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
DROP FUNCTION try, keep, without;
DROP TABLE kept, other;
