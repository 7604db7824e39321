--
-- What looks rows up does so by index, however small the tables were when it was planned, and
-- whatever has changed since; what others plan meanwhile is planned as ever
--
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); PERFORM actstream.record_changes(true); END';
CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE song (id int PRIMARY KEY, singer int);
INSERT INTO person SELECT i, 'P' || i FROM generate_series(1, 20) AS i;
SELECT label FROM actstream.register('person', name_template => '{name}');
SELECT label FROM actstream.register('song');
SELECT actstream.track('song', 'released', 'person:{singer}');

-- tables whose rows fit on a page, which the planner knows
SELECT (actstream.follow('person:1', 'person:2')).followee;
SELECT (actstream.mute('person:1', 'person:9')).muted;
SELECT (actstream.act_send('person:2', 'sang', external_id => 'x')).verb;
SELECT actstream.mark_all_read('person:1') AS read;
SELECT actstream.mark_unread('person:1', array(SELECT id FROM actstream.actions WHERE verb = 'sang')) AS unread;
VACUUM ANALYZE;

CREATE PROCEDURE look_up() LANGUAGE plpgsql AS $$
DECLARE
    since text = actstream.stream_position();
BEGIN
    PERFORM actstream.unread_count('person:1'), actstream.unseen_count('person:1');
    PERFORM actstream.follow('person:1', 'person:2'), actstream.unfollow('person:1', 'person:3');
    PERFORM actstream.follow_many('person:1', '{person:2}'), actstream.unfollow_many('person:1', '{person:4}');
    PERFORM actstream.act_send('person:2', 'sang', external_id => 'x');
    PERFORM actstream.mark_read('person:1', '{1}'), actstream.archive('person:1', '{1}'), actstream.mark_all_read('person:1');
    PERFORM actstream.display_name('person:3'), actstream.display_all('{person:1,person:5}');
    INSERT INTO song VALUES (1, 2);
    UPDATE person SET id = 22 WHERE id = 12;
    UPDATE person SET id = 12 WHERE id = 22;
    DELETE FROM song;
    DELETE FROM person WHERE id IN (19, 20);
    INSERT INTO person VALUES (19, 'P19'), (20, 'P20');
    PERFORM actstream.changes_since(since), actstream.changes_since(since, '{person:1}', 999);
END
$$;
CREATE VIEW read_whole AS
SELECT schemaname, relname, seq_scan FROM pg_stat_xact_all_tables
WHERE schemaname = 'actstream' AND relname IN ('actions', 'follows', 'mutes', 'marks', 'mark_exceptions', 'changes') AND seq_scan > 0
ORDER BY relname;

SELECT pg_stat_force_next_flush();
BEGIN;
CALL look_up();
SELECT * FROM read_whole;
COMMIT;
-- the same session, the statements planned before: with another path, other settings, new statistics
CREATE SCHEMA elsewhere;
SET search_path = elsewhere, public;
SELECT pg_stat_force_next_flush();
BEGIN;
CALL look_up();
SELECT * FROM read_whole;
COMMIT;
SET plan_cache_mode = force_custom_plan;
SELECT pg_stat_force_next_flush();
BEGIN;
CALL look_up();
SELECT * FROM read_whole;
COMMIT;
RESET plan_cache_mode;
RESET search_path;
SELECT pg_stat_force_next_flush();
BEGIN;
ANALYZE actstream.actions, actstream.follows, actstream.mutes, actstream.marks, actstream.mark_exceptions, actstream.changes;
CALL look_up();
SELECT * FROM read_whole;
COMMIT;
-- and by a role under policies
CREATE ROLE reader;
GRANT USAGE ON SCHEMA actstream TO reader;
GRANT ALL ON ALL TABLES IN SCHEMA actstream TO reader;
GRANT ALL ON person, song, read_whole TO reader;
DO $$
DECLARE
    tab text;
BEGIN
    FOREACH tab IN ARRAY '{actions,follows,mutes,marks,mark_exceptions,changes}'::text[] LOOP
        EXECUTE format('ALTER TABLE actstream.%I ENABLE ROW LEVEL SECURITY', tab);
        EXECUTE format('CREATE POLICY everything ON actstream.%I USING (true)', tab);
    END LOOP;
END
$$;
SET ROLE reader;
SELECT pg_stat_force_next_flush();
BEGIN;
CALL look_up();
SELECT * FROM read_whole;
COMMIT;
RESET ROLE;

-- what a policy calls is planned as if it were called by itself: most rows are read
CREATE TABLE big (id int, kind text);
INSERT INTO big SELECT i, CASE WHEN i % 100 = 0 THEN 'rare' ELSE 'common' END FROM generate_series(1, 20000) AS i;
CREATE INDEX ON big (kind);
ANALYZE big;
CREATE FUNCTION mine() RETURNS actstream.ref[] STABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE WHEN (SELECT count(id) FROM big WHERE kind = 'common') > 0 THEN '{person:1}' END;
END
$$;
GRANT SELECT ON big TO reader;
DROP POLICY everything ON actstream.follows;
DROP POLICY everything ON actstream.actions;
CREATE POLICY mine ON actstream.follows USING (follower = ANY (mine()));
CREATE POLICY mine ON actstream.actions USING (actor = ANY (mine()) OR mine() IS NOT NULL);
SELECT actstream.stream_position() AS since \gset
\connect
SET ROLE reader;
SET client_min_messages = error;
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT actstream.unfollow('person:1', 'person:3');
SELECT count(*) AS told FROM actstream.changes_since(:'since');
SELECT mine();
SELECT seq_scan > 0 AS read_whole, idx_scan AS by_index FROM pg_stat_xact_user_tables WHERE relname = 'big';
SHOW enable_seqscan;
COMMIT;
RESET ROLE;
RESET client_min_messages;

-- as many look-ups as there are objects, whatever else the follower follows
SET session_replication_role = replica;
INSERT INTO actstream.follows (follower, followee) SELECT 'person:1', actstream.ref('person', i) FROM generate_series(100, 4100) AS i ON CONFLICT DO NOTHING;
RESET session_replication_role;
INSERT INTO person SELECT i, 'P' || i FROM generate_series(100, 4100) AS i;
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT actstream.follow_many('person:1', '{person:100,person:101,person:102}') AS new;
SELECT idx_tup_fetch < 100 AS few FROM pg_stat_xact_all_tables WHERE schemaname = 'actstream' AND relname = 'follows';
COMMIT;

-- one notification is archived, whatever else is in the archive
SET session_replication_role = replica;
INSERT INTO actstream.mark_exceptions (reader, feed, action_id, "timestamp", archived)
SELECT 'person:1', '', i, '2020-01-01', true FROM generate_series(1000, 5000) AS i;
RESET session_replication_role;
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT actstream.archive('person:1', '{4000}', until => '-infinity') AS taken_out;
SELECT idx_tup_fetch < 100 AS few FROM pg_stat_xact_all_tables WHERE schemaname = 'actstream' AND relname = 'mark_exceptions';
COMMIT;

-- nor do statistics of the archive, or of one follower, tell what a page is like
SET session_replication_role = replica;
INSERT INTO actstream.actions (actor, verb) SELECT actstream.ref('person', 100 + i), 'sang' FROM generate_series(1, 1000) AS i;
RESET session_replication_role;
ANALYZE;
CREATE FUNCTION planned_rows(query text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN plan->0->'Plan'->'Plan Rows';
END
$$;
SELECT planned_rows($$SELECT n.* FROM actstream.notifications('person:1') n LIMIT 20$$);
SELECT planned_rows($$SELECT n.* FROM actstream.notifications('person:1') n WHERE NOT n.read LIMIT 20$$) > 1 AS several;
SELECT pg_stat_force_next_flush();
BEGIN;
SELECT actstream.which_followed('person:1', '{person:100,person:7,person:100,person:4000}') ORDER BY 1;
SELECT idx_tup_fetch < 100 AS few FROM pg_stat_xact_all_tables WHERE schemaname = 'actstream' AND relname = 'follows';
COMMIT;

-- an action that many transactions have changed
SELECT actstream.stream_position() AS position \gset
SELECT (actstream.act_send('person:2', 'counted')).id \gset
SELECT format('DO $d$ BEGIN FOR i IN 1..300 LOOP UPDATE actstream.actions SET verb = i::text WHERE id = %s; COMMIT; END LOOP; END $d$', :id) \gexec
CREATE VIEW entries_read AS
SELECT sum(idx_tup_read)::int AS number FROM pg_stat_all_indexes WHERE schemaname = 'actstream' AND relname = 'changes';
SELECT pg_stat_force_next_flush();
SELECT number AS before FROM entries_read \gset
SELECT count(*) FROM actstream.changes_since(:'position');
SELECT pg_stat_force_next_flush();
SELECT number - :before < 5000 AS few, number AS before FROM entries_read \gset
\echo :few
DELETE FROM actstream.actions WHERE id = :id;
SELECT count(*) > 0 AS told FROM actstream.changes_since(:'position', '{person:1}');
SELECT pg_stat_force_next_flush();
SELECT number - :before < 10000 AS few FROM entries_read;

-- an index that the planner can only read by way of a bitmap
CREATE INDEX by_hash ON actstream.changes USING hash (transaction);
SELECT actstream.mark_all_read('person:1') >= 0 AS marked;
SELECT count(*) FROM actstream.changes_since(:'position', '{person:1}');
DROP INDEX actstream.by_hash;

-- by one id, whatever else it would cost: a partition has no unique index of ids, and statistics can be wrong
DROP TABLE actstream.actions;
CREATE TABLE actstream.actions OF actstream.action (PRIMARY KEY (id, "timestamp")) PARTITION BY RANGE ("timestamp");
CREATE TABLE actstream.actions_1 PARTITION OF actstream.actions DEFAULT;
DO 'BEGIN PERFORM actstream.create_tables(); END';
SET session_replication_role = replica;
INSERT INTO actstream.actions (actor, verb) SELECT actstream.ref('person', 10 + i % 50), 'sang' FROM generate_series(1, 5000) AS i;
RESET session_replication_role;
ALTER TABLE actstream.actions_1 ALTER COLUMN id SET (n_distinct = 1);
ANALYZE;
EXPLAIN (COSTS OFF) SELECT * FROM actstream.public_stream() WHERE id = 2000;

SET client_min_messages = warning;
DROP OWNED BY reader;
DROP ROLE reader;
DROP TABLE person, song, big;
DROP VIEW read_whole, entries_read;
DROP PROCEDURE look_up;
DROP EXTENSION actstream CASCADE;
DROP FUNCTION IF EXISTS mine, planned_rows;
DROP SCHEMA elsewhere;
