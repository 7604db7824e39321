--
-- create_tables() makes what is missing, by what it is and not by what it is called;
-- integrity_check() says what that is; drop_tables() leaves nothing of the owner's
--
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION actstream;
CREATE ROLE mend_own;
CREATE ROLE mend_app;
CREATE ROLE mend_other;
GRANT USAGE, CREATE ON SCHEMA actstream TO mend_own;
GRANT USAGE ON SCHEMA actstream TO mend_app, mend_other;
CREATE SCHEMA mend AUTHORIZATION mend_app;
SET ROLE mend_own;
DO 'BEGIN PERFORM actstream.create_tables(); END';
GRANT ALL ON actstream.object_types, actstream.follows, actstream.mutes, actstream.actions TO mend_app;

-- each part by itself
CREATE PROCEDURE actstream.try(ddl text) LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    EXECUTE ddl;
    IF ddl NOT LIKE 'ALTER TABLE % RENAME TO %' THEN
        FOR line IN SELECT concat_ws(' ', problem, relation::text, detail) FROM actstream.integrity_check() ORDER BY problem, relation::text, detail LOOP
            RAISE WARNING '%', line;
        END LOOP;
    END IF;
    FOR line IN SELECT actstream.create_tables() LOOP
        RAISE WARNING 'made %', line;
    END LOOP;
    FOR line IN SELECT concat_ws(' ', problem, relation::text, detail) FROM actstream.integrity_check() UNION ALL SELECT actstream.create_tables() LOOP
        RAISE WARNING 'left %', line;
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION
    WHEN SQLSTATE 'ZZZZZ' THEN NULL;
    WHEN OTHERS THEN RAISE WARNING '% %', sqlstate, sqlerrm;
END
$$;
CALL actstream.try('SELECT');
-- the right to make tables and indexes in the schema has been taken away again
RESET ROLE;
REVOKE CREATE ON SCHEMA actstream FROM mend_own;
SET ROLE mend_own;
SELECT actstream.create_tables();
\set VERBOSITY default
\set SHOW_CONTEXT never
BEGIN;
DROP INDEX actstream.actions_track_recency_idx;
SELECT actstream.create_tables();
ROLLBACK;
\set VERBOSITY terse
\set SHOW_CONTEXT errors
RESET ROLE;
GRANT CREATE ON SCHEMA actstream TO mend_own;
SET ROLE mend_own;
SET quote_all_identifiers = on;
CALL actstream.try('SELECT');
RESET quote_all_identifiers;
CALL actstream.try('ALTER TABLE actstream.actions RENAME TO actions_2025');
CALL actstream.try('ALTER TABLE actstream.object_types RENAME TO types');
CALL actstream.try('ALTER TABLE actstream.follows RENAME TO followed; ALTER TABLE actstream.phrases RENAME TO said');
CALL actstream.try('ALTER INDEX actstream.actions_actor_idx RENAME TO by_actor');
CALL actstream.try('DROP INDEX actstream.actions_actor_idx; CREATE INDEX actions_actor_idx ON actstream.actions (actor)');
CALL actstream.try('DROP INDEX actstream.actions_actor_idx; CREATE INDEX ON actstream.actions (actor, public, "timestamp" DESC, id)');
CALL actstream.try('DROP INDEX actstream.actions_actor_idx; CREATE INDEX ON actstream.actions (actor, public, "timestamp", id) WHERE public');
CALL actstream.try('DROP INDEX actstream.actions_external_id_key; CREATE INDEX actions_external_id_key ON actstream.actions (external_id) WHERE external_id IS NOT NULL');
CALL actstream.try('ALTER TABLE actstream.actions DROP CONSTRAINT actions_pkey');
CALL actstream.try('ALTER TABLE actstream.actions DROP CONSTRAINT actions_pkey, ADD PRIMARY KEY (id, verb)');
CALL actstream.try('ALTER TABLE actstream.follows DROP CONSTRAINT follows_pkey, ADD PRIMARY KEY (flag, follower, followee)');
CALL actstream.try('ALTER TABLE actstream.object_types DROP CONSTRAINT object_types_relation_key, ADD CONSTRAINT by_table UNIQUE (relation)');
CALL actstream.try('ALTER TABLE actstream.object_types DROP CONSTRAINT object_types_relation_key, ADD CONSTRAINT object_types_relation_key UNIQUE (key_columns)');
CALL actstream.try('ALTER TABLE actstream.actions ALTER verb DROP NOT NULL, ALTER id DROP IDENTITY, ALTER public DROP DEFAULT');
-- a key by what it refers to
CALL actstream.try('ALTER TABLE actstream.marks RENAME TO marks_2025');
CALL actstream.try('ALTER TABLE actstream.mark_exceptions DROP CONSTRAINT mark_exceptions_reader_feed_fkey,
    ADD CONSTRAINT to_mark FOREIGN KEY (reader, feed) REFERENCES actstream.marks ON UPDATE CASCADE ON DELETE CASCADE');
CALL actstream.try('ALTER TABLE actstream.mark_exceptions DROP CONSTRAINT mark_exceptions_reader_feed_fkey, ADD CONSTRAINT to_mark FOREIGN KEY (reader, feed) REFERENCES actstream.marks');
-- what no statement with ON CONFLICT can use
CALL actstream.try('ALTER TABLE actstream.follow_counts DROP CONSTRAINT follow_counts_pkey, ADD PRIMARY KEY (object, flag, slot) DEFERRABLE');
CALL actstream.try('ALTER TABLE actstream.mutes DROP CONSTRAINT mutes_pkey, ADD PRIMARY KEY (muter, muted) DEFERRABLE');
-- tables of another kind are told by an error
DO $$
DECLARE
    t name;
BEGIN
    FOREACH t IN ARRAY '{follow_counts,mutes,phrases,changes,mark_exceptions}'::name[] LOOP
        BEGIN
            EXECUTE format('ALTER TABLE actstream.%I SET UNLOGGED', t);
            PERFORM FROM actstream.integrity_check();
            RAISE EXCEPTION 'nothing is wrong with %', t;
        EXCEPTION WHEN OTHERS THEN
            RAISE WARNING '% %', sqlstate, sqlerrm;
        END;
    END LOOP;
END
$$;
-- the record of changes, which record_changes() mends
CALL actstream.try('SELECT actstream.record_changes(true)');
CALL actstream.try('SELECT actstream.record_changes(true); ALTER TABLE actstream.actions DISABLE TRIGGER ALL; ALTER TABLE actstream.actions ENABLE TRIGGER ALL');
CALL actstream.try('SELECT actstream.record_changes(true); ALTER TABLE actstream.actions DISABLE TRIGGER action_changed');
-- the index of the recency map is to be the last one, as the order of its name makes it in a dump
CALL actstream.try('DROP INDEX actstream.actions_timestamp_idx; CREATE INDEX ON actstream.actions ("timestamp", id) WHERE public');
CALL actstream.try('DROP INDEX actstream.actions_target_idx');
SELECT max(relname) AS last FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = 'actstream.actions'::regclass;
-- an index that was left behind by a command that failed
RESET ROLE;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'actstream.actions_target_idx'::regclass;
SET ROLE mend_own;
CALL actstream.try('SELECT');
RESET ROLE;
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'actstream.actions_target_idx'::regclass;
-- partitions
SET ROLE mend_own;
CALL actstream.try('DROP TABLE actstream.actions; CREATE TABLE actstream.actions OF actstream.action (PRIMARY KEY ("timestamp", id)) PARTITION BY RANGE ("timestamp");
    CREATE TABLE actstream.actions_now PARTITION OF actstream.actions FOR VALUES FROM (''2000-01-01'') TO (''2100-01-01'')');
CALL actstream.try('DROP TABLE actstream.actions; CREATE TABLE actstream.actions OF actstream.action (PRIMARY KEY ("timestamp", verb)) PARTITION BY RANGE ("timestamp")');

-- who makes nothing may not make others wait
SET ROLE mend_other;
SELECT actstream_internal.lock_tables();
SELECT actstream.create_tables();
SELECT actstream_internal.drop_binding('mend_own'::regrole::oid::regclass);
RESET ROLE;
-- the owner of the tables may mend them without CREATE
REVOKE CREATE ON SCHEMA actstream FROM mend_own;
SET ROLE mend_own;
ALTER TABLE actstream.phrases ENABLE TRIGGER phrase_changed;
SELECT actstream.create_tables();

------------------------------------------------------------------------------
-- drop_tables()
------------------------------------------------------------------------------
SET ROLE mend_app;
CREATE TABLE mend.post (id int PRIMARY KEY);
CREATE TABLE mend.page (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE mend.page_1 PARTITION OF mend.page FOR VALUES IN (1);
SELECT label FROM actstream.register('mend.post');
SELECT label FROM actstream.register('mend.page');
SELECT actstream.track('mend.post', 'wrote', '{self}');
INSERT INTO mend.post VALUES (1);
SET ROLE mend_own;
SELECT actstream.unregister('post');
\set VERBOSITY default
SET client_min_messages = notice;
SET ROLE mend_app;
SELECT actstream.unregister('post');
-- not by another
SELECT actstream.drop_tables();
SET ROLE mend_own;
DROP PROCEDURE actstream.try;
SELECT actstream.drop_tables();
RESET ROLE;
SELECT relname FROM pg_class WHERE relnamespace = 'actstream'::regnamespace AND relkind IN ('r', 'i', 'S');
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgrelid::regclass::text LIKE 'mend.%' ORDER BY 1, 2;
SET ROLE mend_app;
DELETE FROM mend.post;
INSERT INTO mend.post VALUES (2);
SELECT actstream.untrack('mend.post');
DROP TABLE mend.post, mend.page;
RESET ROLE;
DROP SCHEMA mend;
DROP EXTENSION actstream;
DROP OWNED BY mend_own, mend_app, mend_other;
DROP ROLE mend_own, mend_app, mend_other;
