--
-- Tables of the extension that are missing, or that somebody has altered: an error with a
-- hint from every function that needs them, none from triggers, and no crash
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS actstream CASCADE;
DROP ROLE IF EXISTS shape_owner;
CREATE EXTENSION actstream;
RESET client_min_messages;
CREATE ROLE shape_owner;
GRANT USAGE, CREATE ON SCHEMA actstream TO shape_owner;
GRANT CREATE ON SCHEMA public TO shape_owner;
SET timezone = 'UTC';

-- What each does, in a subtransaction that is undone
CREATE FUNCTION outcome(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE query;
    RAISE EXCEPTION 'done' USING ERRCODE = 'ZZZZZ';
EXCEPTION
    WHEN SQLSTATE 'ZZZZZ' THEN RETURN 'done';
    WHEN OTHERS THEN RETURN concat_ws(' ', SQLSTATE, replace(SQLERRM, 'UNIQUE', 'unique'));
END
$$;
CREATE TABLE attempt (n int GENERATED ALWAYS AS IDENTITY, what text, query text);
GRANT SELECT ON attempt TO PUBLIC;
INSERT INTO attempt (what, query) VALUES
    ('act_send', $$SELECT actstream.act_send('person:1', 'did')$$),
    ('once', $$SELECT actstream.act_send('person:1', 'did', external_id => 'x')$$),
    ('follow', $$SELECT actstream.follow('person:1', 'person:2', 'liking')$$),
    ('unfollow', $$SELECT actstream.unfollow('person:1', 'person:2')$$),
    ('is_following', $$SELECT actstream.is_following('person:1', 'person:2')$$),
    ('followers', $$SELECT * FROM actstream.followers('person:2'), actstream.which_followed('person:1', '{person:2}'), actstream.audience(NULL)$$),
    ('following', $$SELECT actstream.following('person:1')$$),
    ('streams', $$SELECT * FROM actstream.user_stream('person:1'), LATERAL actstream.actor_stream('person:2')$$),
    ('stream in a list', $$SELECT actstream.user_stream('person:1')$$),
    ('streams off', $$SELECT set_config('actstream.enable_streamscan', 'off', true) FROM actstream.public_stream()$$),
    ('sentence', $$SELECT actstream.sentence(ROW(1, now(), true, 'person:1', 'did', NULL, NULL, NULL, NULL, NULL)::actstream.action)$$),
    ('names', $$SELECT actstream.display_name('person:1'), actstream.url('person:1'), actstream.expand('person:1')$$),
    ('ref_of', $$SELECT actstream.ref_of(p) FROM person p$$),
    ('register', $$SELECT actstream.register('other')$$),
    ('external', $$SELECT actstream.register_external('site')$$),
    ('unregister', $$SELECT actstream.unregister('person')$$),
    ('rebind', $$SELECT actstream.rebind('person', 'other')$$),
    ('track', $$SELECT actstream.track('other', 'came', 'person:{id}', NULL)$$),
    ('tracked', $$SELECT actstream.tracked()$$),
    ('recency', $$SELECT actstream.recency_stats()$$),
    ('integrity_check', $$SELECT actstream.integrity_check()$$),
    ('mute', $$SELECT actstream.mute('person:1', 'person:2')$$),
    ('block', $$SELECT actstream.block('person:1', 'person:2')$$),
    ('unmute', $$SELECT actstream.unmute('person:1', 'person:2')$$),
    ('muted', $$SELECT * FROM actstream.public_stream() s WHERE actstream.is_muted('person:1', s)$$),
    ('counts', $$SELECT * FROM actstream.follower_counts('{person:2}'), actstream.following_counts('{person:1}')$$),
    ('recount', $$SELECT actstream.recount_followers()$$),
    ('notifications', $$SELECT * FROM actstream.notifications('person:1')$$),
    ('unread', $$SELECT * FROM actstream.unread('person:1')$$),
    ('badge', $$SELECT actstream.unseen_count('person:1') + actstream.unread_count('person:1')$$),
    ('mark_all_seen', $$SELECT actstream.mark_all_seen('person:1')$$),
    ('mark_all_read', $$SELECT actstream.mark_all_read('person:1')$$),
    ('mark_read', $$SELECT actstream.mark_read('person:1', '{1}')$$),
    ('mark_unread', $$SELECT actstream.mark_unread('person:1', '{1}')$$),
    ('archive', $$SELECT actstream.archive('person:1', '{1}')$$),
    ('trim_marks', $$SELECT actstream.trim_marks()$$),
    ('groups', $$SELECT actstream.user_groups('person:1')$$),
    ('changes', $$SELECT actstream.changes_since('person:1', NULL)$$),
    ('trim_changes', $$SELECT actstream.trim_changes('1 day')$$),
    ('object_exists', $$SELECT actstream_internal.object_exists('person:1')$$),
    ('create_tables', $$SELECT actstream.create_tables()$$),
    ('delete', $$DELETE FROM person WHERE id = 2$$),
    ('rekey', $$UPDATE person SET id = 20 WHERE id = 2$$),
    ('truncate', $$TRUNCATE person$$),
    ('insert', $$INSERT INTO person VALUES (3, 'Cid')$$),
    ('ddl', $$ALTER TABLE person RENAME name TO title; ALTER TABLE person ALTER title TYPE varchar; DROP TABLE person$$);
-- what a change of the tables comes to
CREATE PROCEDURE try(ddl text) LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    EXECUTE ddl;
    RAISE NOTICE '%', ddl;
    FOR line IN
        SELECT result || ': ' || string_agg(what, ', ' ORDER BY n)
        FROM (SELECT n, what, outcome(query) AS result FROM attempt) AS a
        GROUP BY result ORDER BY result
    LOOP
        RAISE NOTICE '    %', line;
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION
    WHEN SQLSTATE 'ZZZZZ' THEN NULL;
END
$$;

-- before there are any
CREATE TABLE person (id int PRIMARY KEY, name text);
CREATE TABLE other (id int PRIMARY KEY, name text);
INSERT INTO person VALUES (1, 'Ann'), (2, 'Ben');
INSERT INTO other VALUES (1), (2);
ALTER TABLE person OWNER TO shape_owner;
ALTER TABLE other OWNER TO shape_owner;
SET ROLE shape_owner;
SET client_min_messages = notice;
SELECT actstream.act_send('person:1', 'did');
CALL try('SELECT');

SELECT actstream.create_tables();
SELECT label FROM actstream.register('person', name_template => '{name}');
SELECT actstream.track('person', 'changed', '{self}', events => '{insert,update,delete}');
SELECT verb FROM actstream.act_send('person:1', 'met', target => 'person:2');
SELECT followee FROM actstream.follow('person:1', 'person:2', send_action => false);
CALL try('SELECT');

-- one is missing
CALL try('DROP TABLE actstream.actions');
CALL try('DROP TABLE actstream.follows');
CALL try('DROP TABLE actstream.phrases');
CALL try('ALTER TABLE actstream.object_types RENAME TO types');
CALL try('DROP TABLE actstream.mutes');
CALL try('DROP TABLE actstream.follow_counts');
CALL try('DROP TABLE actstream.marks CASCADE');
CALL try('DROP TABLE actstream.mark_exceptions');
CALL try('DROP TABLE actstream.changes');

-- one is no table of the type any more, and may have other columns
CALL try('ALTER TABLE actstream.actions NOT OF');
CALL try('ALTER TABLE actstream.follows NOT OF; ALTER TABLE actstream.follows DROP started');
CALL try('ALTER TABLE actstream.object_types NOT OF; ALTER TABLE actstream.object_types ALTER relation TYPE text');
CALL try('ALTER TABLE actstream.phrases NOT OF; ALTER TABLE actstream.phrases ADD words text');
-- it has them in order again, with gaps; or is something else
CALL try('ALTER TABLE actstream.actions NOT OF; ALTER TABLE actstream.actions DROP data, DROP external_id;
    ALTER TABLE actstream.actions ADD data jsonb, ADD external_id text; ALTER TABLE actstream.actions OF actstream.action');
CALL try('DROP TABLE actstream.actions; CREATE VIEW actstream.actions AS SELECT NULL::bigint AS id');
CALL try('DROP TABLE actstream.object_types; CREATE TABLE actstream.object_types OF actstream.object_type (PRIMARY KEY (label)) PARTITION BY LIST (label)');
CALL try('DROP TABLE actstream.phrases; CREATE INDEX phrases ON actstream.actions (verb)');
CALL try('ALTER TABLE actstream.follows SET UNLOGGED');
CALL try('ALTER TABLE actstream.actions RENAME TO old; CREATE TEMP TABLE actions OF actstream.action');
-- another type, of a table that is called right
CREATE TYPE mine AS (id bigint, "timestamp" timestamptz, public boolean, actor actstream.ref, verb text,
    action_object actstream.ref, target actstream.ref, description text, data jsonb, external_id text);
CALL try('ALTER TABLE actstream.actions NOT OF; ALTER TABLE actstream.actions OF mine');

-- what an owner may do: constraints, defaults, triggers of ours
CALL try('ALTER TABLE actstream.object_types DROP CONSTRAINT object_types_pkey, DROP CONSTRAINT object_types_on_delete_check;
    ALTER TABLE actstream.object_types DROP CONSTRAINT object_types_relation_key, ALTER label DROP NOT NULL, DISABLE TRIGGER ALL;
    INSERT INTO actstream.object_types VALUES (NULL, NULL, NULL, NULL, NULL, ''keep'', true), (''person'', ''other'', ''{}'', NULL, NULL, ''what'', true),
        (repeat(''x'', 1000), ''other'', ''{id}'', NULL, NULL, ''cascade'', true), (''odd'', ''other'', ''{{id},{id}}'', NULL, NULL, ''keep'', false)');
CALL try('CREATE TRIGGER x BEFORE INSERT ON actstream.phrases EXECUTE FUNCTION actstream_internal.phrase_check();
    CREATE TRIGGER x AFTER INSERT OR DELETE ON actstream.follows EXECUTE FUNCTION actstream_internal.follow_changed();
    CREATE TRIGGER x AFTER DELETE ON actstream.actions FOR EACH ROW EXECUTE FUNCTION actstream_internal.action_check()');
-- repaired
DROP TRIGGER object_type_bind ON actstream.object_types;
ALTER TABLE actstream.follows DISABLE TRIGGER follow_changed, ALTER actor_only DROP DEFAULT;
DROP INDEX actstream.actions_actor_idx;
ALTER TABLE actstream.phrases ENABLE TRIGGER phrase_changed;
ALTER TABLE actstream.object_types DROP CONSTRAINT object_types_key_check;
SELECT problem, relation, detail FROM actstream.integrity_check() ORDER BY detail;
SELECT actstream.create_tables();
SELECT actstream.create_tables();
SELECT * FROM actstream.integrity_check();
CALL try('SELECT');
RESET ROLE;

-- rows that the check of the table has not seen: each other that fits is taken
ALTER TABLE actstream.phrases DROP CONSTRAINT phrases_pkey;
ALTER TABLE actstream.phrases ALTER language DROP NOT NULL, ALTER verb DROP NOT NULL, ALTER pattern DROP NOT NULL;
SET session_replication_role = replica;
INSERT INTO actstream.phrases (language, verb, pattern) VALUES
    (NULL, 'met', 'x'), ('en', NULL, 'x'), ('de', 'met', NULL), ('fr', 'met', '{actor}[ '), ('fr', '', '{nobody}'), ('en', 'met', '{actor');
RESET session_replication_role;
SELECT actstream.sentence(a, a."timestamp"), actstream.sentence(a, a."timestamp", 'fr'), actstream.sentence(a, a."timestamp", 'de')
FROM actstream.actions a;

-- the tables of others are theirs
SELECT actstream.create_tables();
-- a session keeps nothing of tables that are gone
SET ROLE shape_owner;
SELECT actstream.drop_tables();
SELECT tgname FROM pg_trigger WHERE tgrelid = 'person'::regclass;
CALL try('SELECT');
SELECT actstream.create_tables();
SELECT label FROM actstream.register('person', 'human');
SELECT verb FROM actstream.act_send('human:1', 'came back');
SELECT verb FROM actstream.public_stream();

-- rows that are older than columns of the table, which are short
BEGIN;
DROP TABLE actstream.actions;
CREATE TABLE actstream.actions (id bigint, "timestamp" timestamptz, public boolean, actor actstream.ref);
INSERT INTO actstream.actions SELECT i, '2026-01-01', true, actstream.ref('person', i) FROM generate_series(1, 300) AS i;
ALTER TABLE actstream.actions ADD verb text NOT NULL DEFAULT 'did', ADD action_object actstream.ref,
    ADD target actstream.ref DEFAULT 'person:7', ADD description text, ADD data jsonb, ADD external_id text;
ALTER TABLE actstream.actions OF actstream.action;
SELECT count(*) > 0 AS made FROM actstream.create_tables();
SELECT label FROM actstream.register_external('person');
SELECT count(*) FROM actstream.model_stream('person');
SELECT count(*) FROM actstream.stream_of(ARRAY(SELECT actstream.ref('person', i) FROM generate_series(1, 2000) AS i), '{target}');
ROLLBACK;
RESET ROLE;

SET client_min_messages = warning;
DROP PROCEDURE try;
DROP FUNCTION outcome;
DROP TABLE attempt;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY shape_owner;
DROP ROLE shape_owner;
