-- Who may do what: privileges, ownership, row-level security, search paths.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS actstream CASCADE;
DROP SCHEMA IF EXISTS actstream;
DROP ROLE IF EXISTS actstream_app, actstream_reader, actstream_writer, actstream_stranger;

-- objects planted before the extension is made are not adopted
CREATE ROLE actstream_stranger;
CREATE SCHEMA actstream AUTHORIZATION actstream_stranger;
CREATE EXTENSION actstream;
DROP SCHEMA actstream;
-- only a superuser makes it
SELECT format('GRANT CREATE ON DATABASE %I TO actstream_stranger', current_database()) \gexec
SET ROLE actstream_stranger;
CREATE EXTENSION actstream;
RESET ROLE;
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
RESET client_min_messages;

CREATE ROLE actstream_app;
CREATE ROLE actstream_reader;
CREATE ROLE actstream_writer;
CREATE SCHEMA sec AUTHORIZATION actstream_app;
GRANT USAGE ON SCHEMA sec TO PUBLIC;

-- without a grant there is nothing
SET ROLE actstream_stranger;
SELECT actstream.act_send('user:1', 'pushed');
SELECT * FROM actstream.actions;
RESET ROLE;

-- an application role: registers its own tables, sends and follows
GRANT USAGE ON SCHEMA actstream TO actstream_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.object_types, actstream.actions, actstream.follows, actstream.mutes TO actstream_app;
SET ROLE actstream_app;
CREATE TABLE sec.users (id int PRIMARY KEY, name text);
INSERT INTO sec.users SELECT i FROM generate_series(1, 4) i;
SELECT label FROM actstream.register('sec.users', 'user');
SELECT verb FROM actstream.act_send('user:1', 'pushed');
SELECT followee FROM actstream.follow('user:2', 'user:1');
SELECT verb FROM actstream.user_stream('user:2', with_user_activity => true);
SELECT actstream.unfollow('user:2', 'user:1');
RESET ROLE;

-- someone else's table
GRANT USAGE ON SCHEMA actstream TO actstream_stranger, actstream_reader, actstream_writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.object_types TO actstream_stranger;
CREATE TABLE sec.mine (id int PRIMARY KEY);
INSERT INTO sec.mine VALUES (1);
SET ROLE actstream_stranger;
SELECT actstream.register('sec.mine');
SELECT actstream.register('sec.users', 'user');
SELECT actstream.unregister('user');
INSERT INTO actstream.object_types (label, relation, key_columns) VALUES ('mine', 'sec.mine', '{id}');
UPDATE actstream.object_types SET on_delete = 'keep';
DELETE FROM actstream.object_types;
RESET ROLE;
REVOKE ALL ON actstream.object_types FROM actstream_stranger;
SET ROLE actstream_stranger;
SELECT actstream.register('sec.users', 'user');
SELECT actstream.register_external('site');
SELECT actstream.unregister('user');
RESET ROLE;

-- a reader reads, a writer writes
GRANT SELECT ON actstream.actions, actstream.follows, actstream.mutes TO actstream_reader;
GRANT SELECT, INSERT ON actstream.actions, actstream.follows, actstream.mutes TO actstream_writer;
GRANT UPDATE, DELETE ON actstream.follows TO actstream_writer;
SET ROLE actstream_writer;
SELECT verb FROM actstream.act_send('user:3', 'wrote');
SELECT flag FROM actstream.follow('user:3', 'user:1');
SELECT flag FROM actstream.follow('user:3', 'user:1', actor_only => false);
DELETE FROM actstream.actions;
SET ROLE actstream_reader;
SELECT actor, verb FROM actstream.public_stream() ORDER BY id;
SELECT verb FROM actstream.user_stream('user:3');
SELECT actstream.act_send('user:3', 'wrote');
SELECT actstream.follow('user:4', 'user:3');
SELECT actstream.unfollow('user:3', 'user:1');
RESET ROLE;
REVOKE SELECT ON actstream.follows FROM actstream_reader;
SET ROLE actstream_reader;
SELECT verb FROM actstream.user_stream('user:3');
SELECT actstream.is_following('user:3', 'user:1');
SELECT verb FROM actstream.actor_stream('user:3');
RESET ROLE;

-- row-level security holds in streams and for senders
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON actstream.actions FOR SELECT USING (verb <> 'wrote');
CREATE POLICY send ON actstream.actions FOR INSERT TO actstream_writer
    WITH CHECK (actor::text = 'user:' || current_setting('sec.me', true));
SET ROLE actstream_reader;
SELECT verb FROM actstream.public_stream() ORDER BY id;
SELECT verb FROM actstream.actor_stream('user:3');
SET ROLE actstream_writer;
SELECT actstream.act_send('user:3', 'read');
SET sec.me = '3';
SELECT verb FROM actstream.act_send('user:3', 'read', external_id => 'e1');
SELECT actstream.act_send('user:4', 'read');
-- the row with that external_id is hidden
RESET ROLE;
UPDATE actstream.actions SET verb = 'wrote' WHERE external_id = 'e1';
SET ROLE actstream_writer;
SELECT actstream.act_send('user:3', 'read', external_id => 'e1');
RESET sec.me;
RESET ROLE;
DROP POLICY see ON actstream.actions;
DROP POLICY send ON actstream.actions;
ALTER TABLE actstream.actions DISABLE ROW LEVEL SECURITY;
ALTER TABLE actstream.follows ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON actstream.follows FOR SELECT USING (actor_only);
CREATE POLICY write ON actstream.follows FOR INSERT WITH CHECK (true);
SET ROLE actstream_writer;
-- a follow that is hidden is in the way, but does not make follow() wait for ever
SELECT count(*) FROM actstream.follows;
SELECT actstream.follow('user:3', 'user:1');
RESET ROLE;
ALTER TABLE actstream.follows DISABLE ROW LEVEL SECURITY;

-- what is done as the owner of a table sees all of it, even what is forced to hide
-- from him, and nobody becomes another meanwhile
BEGIN;
ALTER TABLE sec.users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT verb FROM actstream.act_send('user:2', 'waved');
ALTER TABLE sec.users DISABLE ROW LEVEL SECURITY;
ALTER TABLE actstream.actions OWNER TO actstream_writer;
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SET LOCAL ROLE actstream_app;
DELETE FROM sec.users WHERE id = 3;
SELECT current_user;
RESET ROLE;
SELECT count(*) FROM actstream.actions WHERE actor::text = 'user:3';
ROLLBACK;
CREATE FUNCTION sec.become() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN SET ROLE actstream_stranger; RETURN OLD; END';
CREATE TRIGGER become BEFORE DELETE ON actstream.actions FOR EACH ROW EXECUTE FUNCTION sec.become();
SET ROLE actstream_app;
DELETE FROM sec.users WHERE id = 3;
SELECT current_user;
RESET ROLE;
DROP TRIGGER become ON actstream.actions;

-- trigger functions are not for other tables
GRANT CREATE ON SCHEMA sec TO actstream_stranger;
SET ROLE actstream_stranger;
CREATE TABLE sec.theirs (id int, actor actstream.ref, verb text);
RESET ROLE;
DO $$
DECLARE
    f text;
    state text;
    message text;
BEGIN
    SET LOCAL ROLE actstream_stranger;
    FOREACH f IN ARRAY '{action_check,follow_check,object_type_check,object_type_bind,object_type_keep,object_type_changed,object_deleted,object_rekeyed,object_moves,objects_truncated,row_changed}'::text[] LOOP
        BEGIN
            EXECUTE format('CREATE TRIGGER t AFTER INSERT ON sec.theirs FOR EACH STATEMENT EXECUTE FUNCTION actstream_internal.%s()', f);
            INSERT INTO sec.theirs VALUES (1);
            DROP TRIGGER t ON sec.theirs;
            RAISE NOTICE '% fired', f;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
            RAISE NOTICE '%: % %', f, state, message;
        END;
    END LOOP;
    RESET ROLE;
    -- at another event of our own table
    FOREACH f IN ARRAY '{action_check BEFORE INSERT,action_check AFTER DELETE}'::text[] LOOP
        BEGIN
            EXECUTE format('CREATE TRIGGER t %s ON actstream.actions FOR EACH ROW EXECUTE FUNCTION actstream_internal.action_check()',
                           substr(f, 14));
            INSERT INTO actstream.actions (actor, verb) VALUES ('user:1', 'fired');
            DELETE FROM actstream.actions WHERE verb = 'fired';
            RAISE NOTICE '% fired', f;
        EXCEPTION WHEN OTHERS THEN
            GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT;
            RAISE NOTICE '%: % %', f, state, message;
        END;
    END LOOP;
END
$$;
SELECT actstream_internal.action_check();

-- look-alikes that come first in the search path are never called
CREATE SCHEMA evil;
CREATE TABLE evil.log (who name);
GRANT USAGE ON SCHEMA evil TO PUBLIC;
GRANT ALL ON evil.log TO PUBLIC;
CREATE FUNCTION evil.note() RETURNS void LANGUAGE sql AS 'INSERT INTO evil.log VALUES (current_user)';
CREATE FUNCTION evil.eq(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT evil.note(); SELECT true';
CREATE FUNCTION evil.eq(actstream.ref, actstream.ref) RETURNS boolean LANGUAGE sql AS 'SELECT evil.note(); SELECT true';
CREATE FUNCTION evil.eq(boolean, boolean) RETURNS boolean LANGUAGE sql AS 'SELECT evil.note(); SELECT true';
CREATE FUNCTION evil.ge(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql AS 'SELECT evil.note(); SELECT true';
CREATE OPERATOR evil.= (FUNCTION = evil.eq, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR evil.<> (FUNCTION = evil.eq, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR evil.= (FUNCTION = evil.eq, LEFTARG = actstream.ref, RIGHTARG = actstream.ref);
CREATE OPERATOR evil.>= (FUNCTION = evil.eq, LEFTARG = actstream.ref, RIGHTARG = actstream.ref);
CREATE OPERATOR evil.<> (FUNCTION = evil.eq, LEFTARG = boolean, RIGHTARG = boolean);
CREATE OPERATOR evil.>= (FUNCTION = evil.ge, LEFTARG = timestamptz, RIGHTARG = timestamptz);
CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT evil.note(); SELECT pg_catalog.now()';
CREATE FUNCTION evil.char_length(text) RETURNS int LANGUAGE sql AS 'SELECT evil.note(); SELECT 1';
CREATE FUNCTION evil.unnest(anyarray) RETURNS SETOF anyelement LANGUAGE sql AS 'SELECT evil.note(); SELECT $1[1]';
SET search_path = evil, pg_temp, pg_catalog;
CREATE TEMP TABLE actions (LIKE actstream.actions);
CREATE TEMP TABLE follows (LIKE actstream.follows);
CREATE TEMP TABLE object_types (LIKE actstream.object_types);
\c -
SET search_path = evil, pg_temp, pg_catalog;
SELECT label FROM actstream.register('sec.mine');
SELECT label FROM actstream.register('sec.mine', on_delete => 'keep');
SELECT label FROM actstream.register_external('site');
SELECT verb FROM actstream.act_send('mine:1', 'pushed', 'site:a', external_id => 'x');
SELECT verb FROM actstream.act_send('mine:1', 'pushed', 'site:a', external_id => 'x');
SELECT flag FROM actstream.follow('mine:1', 'site:a', actor_only => false);
SELECT flag FROM actstream.follow('mine:1', 'site:a', actor_only => true);
SELECT flag FROM actstream.follow('mine:1', 'site:a');
SELECT actstream.is_following('mine:1', 'site:a'), actstream.followers('site:a'),
       actstream.following('mine:1', labels => '{site}');
SELECT count(*) > 0 AS rows FROM actstream.user_stream('mine:1', flag => '', with_user_activity => true, since_follow => true);
SELECT count(*) > 0 AS rows FROM actstream.actor_stream('mine:1');
SELECT count(*) > 0 AS rows FROM actstream.target_stream('site:a');
SELECT count(*) > 0 AS rows FROM actstream.action_object_stream('site:a');
SELECT count(*) > 0 AS rows FROM actstream.any_stream('site:a');
SELECT count(*) > 0 AS rows FROM actstream.model_stream('site');
SELECT count(*) > 0 AS rows FROM actstream.public_stream();
SELECT count(*) > 0 AS rows FROM actstream.stream_of('{site:a}', '{target}');
SELECT actstream.ref_of(m) FROM (SELECT 1) one LEFT JOIN sec.mine m ON true;
SELECT actstream.display_name('mine:1'), actstream.url('mine:1'), actstream.expand('mine:1');
SELECT * FROM actstream.expand_all('{mine:1,mine:2,site:a}');
SELECT actstream.timesince(a."timestamp", a."timestamp"), actstream.sentence(a, a."timestamp")
FROM actstream.action_object_stream('site:a') a;
SELECT length(actstream.atom_feed(a, 'tag:example.org,2026:s', 'T', 'http://example.org')::text) > 0 AS atom,
       length(actstream.rss_feed(a, 'tag:example.org,2026:s', 'T', 'http://example.org')::text) > 0 AS rss,
       length(actstream.activity_streams_1(a, 'tag:example.org,2026:s', 'T', 'http://example.org')::text) > 0 AS streams_1,
       length(actstream.activity_streams_2(a, 'tag:example.org,2026:s', 'T', 'http://example.org')::text) > 0 AS streams_2
FROM actstream.action_object_stream('site:a') a;
SELECT actstream.unfollow('mine:1', 'site:a', send_action => true);
SELECT actstream.unregister('mine');
RESET search_path;
SELECT * FROM evil.log;

-- what the catalog says of our functions: none runs as its owner; those in PL/pgSQL look
-- names up in the catalog alone; those in SQL have all names qualified (capture.sql)
SELECT p.oid::regprocedure, l.lanname, prosecdef, proconfig
FROM pg_proc p JOIN pg_language l ON l.oid = prolang
WHERE pronamespace IN ('actstream'::regnamespace, 'actstream_internal'::regnamespace) AND prokind <> 'a'
  AND (prosecdef OR lanname NOT IN ('c', 'sql')) ORDER BY p.proname;
SELECT p.oid::regprocedure FROM pg_proc p
WHERE pronamespace IN ('actstream'::regnamespace, 'actstream_internal'::regnamespace)
  AND prorettype = 'event_trigger'::regtype
  AND has_function_privilege('public', p.oid, 'EXECUTE') ORDER BY p.proname;
-- none of our triggers can be put off, to run as whoever it is at COMMIT
SELECT tgrelid::regclass, tgname FROM pg_trigger t JOIN pg_proc p ON p.oid = tgfoid
WHERE pronamespace IN ('actstream'::regnamespace, 'actstream_internal'::regnamespace) AND tgdeferrable;
-- readers never write, and are ready for parallel queries unless what they read may
-- not be, they need a subtransaction, or they are for superusers
SELECT proname, provolatile, proparallel FROM pg_proc p
WHERE pronamespace IN ('actstream'::regnamespace, 'actstream_internal'::regnamespace) AND (provolatile = 'v' OR proparallel = 'u')
  AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) ORDER BY 1;
-- everything has a comment
SELECT pg_describe_object(classid, objid, objsubid)
FROM pg_depend
WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
  AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'actstream')
  AND obj_description(objid, classid::regclass::name) IS NULL
  AND classid <> 'pg_type'::regclass;
SELECT indexrelid::regclass FROM pg_index
WHERE indrelid IN ('actstream.actions'::regclass, 'actstream.follows'::regclass, 'actstream.object_types'::regclass)
  AND obj_description(indexrelid, 'pg_class') IS NULL;
SELECT attrelid::regclass, attname FROM pg_attribute
WHERE attrelid IN ('actstream.actions'::regclass, 'actstream.follows'::regclass, 'actstream.object_types'::regclass)
  AND attnum > 0 AND col_description(attrelid, attnum) IS NULL;
-- settings: those that users have loosen no rule, and nobody makes up others
SELECT name, CASE WHEN context IN ('postmaster', 'sighup') THEN 'server' ELSE context END AS context
FROM pg_settings WHERE name LIKE 'actstream.%' ORDER BY name COLLATE "C";
SET ROLE actstream_stranger;
SET actstream.enable_recency_map = off;
SET actstream.checked = off;
SELECT set_config('actstream.me', '1', false);
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA evil, sec CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY actstream_app, actstream_reader, actstream_writer, actstream_stranger;
DROP ROLE actstream_app, actstream_reader, actstream_writer, actstream_stranger;
