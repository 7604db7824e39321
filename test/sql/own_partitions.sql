--
-- Tables of an ordinary role, partitioned, under policies that it forces upon itself
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS actstream CASCADE;
DROP ROLE IF EXISTS parts_owner;
CREATE EXTENSION actstream;
RESET client_min_messages;
SET timezone = 'UTC';
CREATE ROLE parts_owner;
GRANT USAGE, CREATE ON SCHEMA actstream TO parts_owner;
CREATE SCHEMA parts AUTHORIZATION parts_owner;
SET ROLE parts_owner;
SET search_path = parts, actstream;

CREATE TABLE actstream.actions OF actstream.action PARTITION BY RANGE ("timestamp");
DO $$
BEGIN
    FOR i IN 0 .. 35 LOOP
        EXECUTE format('CREATE TABLE parts.actions_%s PARTITION OF actstream.actions FOR VALUES FROM (%L) TO (%L)', i,
                       timestamptz '2024-01-01' + i * interval '1 month', timestamptz '2024-01-01' + (i + 1) * interval '1 month');
    END LOOP;
END
$$;
CREATE TABLE actstream.follows OF actstream.follow (PRIMARY KEY (follower, followee, flag) INCLUDE (actor_only, started, verbs)) PARTITION BY HASH (follower);
CREATE TABLE parts.follows_0 PARTITION OF actstream.follows FOR VALUES WITH (MODULUS 2, REMAINDER 0);
-- whose columns are in another order
CREATE TABLE parts.follows_1 (started timestamptz NOT NULL, verbs text[], gone int, flag text NOT NULL, followee actstream.ref NOT NULL, actor_only boolean NOT NULL, follower actstream.ref NOT NULL);
ALTER TABLE parts.follows_1 DROP gone;
ALTER TABLE actstream.follows ALTER actor_only SET NOT NULL, ALTER started SET NOT NULL;
ALTER TABLE actstream.follows ATTACH PARTITION parts.follows_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SELECT actstream.create_tables();
SELECT actstream.create_tables();
SELECT count(*) AS triggers FROM pg_trigger WHERE tgfoid = 'actstream_internal.action_check'::regproc;

CREATE TABLE person (id int PRIMARY KEY, name text);
CREATE TABLE post (id int PRIMARY KEY, author int, at timestamptz);
INSERT INTO person SELECT i, 'P' || i FROM generate_series(1, 20) AS i;
SELECT label FROM actstream.register('person', name_template => '{name}');
SELECT label FROM actstream.register('post', on_delete => 'set null');
SELECT actstream.track('post', 'wrote', 'person:{author}', timestamp_column => 'at');
INSERT INTO post SELECT i, 1 + i % 20, timestamptz '2024-01-01' + i * interval '3 days' FROM generate_series(1, 300) AS i;
SELECT id, verb, target FROM actstream.act_send('person:1', 'met', target => 'person:2', "timestamp" => '2026-03-03');
SELECT tableoid::regclass FROM actstream.actions WHERE verb = 'met';
SELECT actstream.act_send('person:1', 'met', "timestamp" => '2030-01-01');
SELECT actstream.act_send('person:99', 'met', "timestamp" => '2026-03-03');
SELECT actstream.act_send('person:1', '', "timestamp" => '2026-03-03');
SELECT actstream.act_send('person:1', 'met', external_id => 'x', "timestamp" => '2026-03-03');
INSERT INTO parts.actions_3 (id, "timestamp", actor, verb) VALUES (1000, '2024-04-02', 'person:99', 'went around');
SELECT followee, actor_only FROM actstream.follow('person:1', actstream.ref('person', 2), send_action => false);
SELECT count((actstream.follow(actstream.ref('person', i), actstream.ref('person', 1 + i % 20), 'x', i % 2 = 0, false)).flag) FROM generate_series(1, 20) AS i;
SELECT tableoid::regclass, count(*) FROM actstream.follows GROUP BY 1 ORDER BY 1;
SELECT actstream.follow('person:1', 'person:99', send_action => false), actstream.follow('person:3', 'person:99', send_action => false);
INSERT INTO parts.follows_1 (follower, followee, flag, actor_only, started) SELECT follower, 'person:99', '', true, now() FROM parts.follows_1 LIMIT 1;
SELECT flag, actor_only FROM actstream.follow('person:1', 'person:2', 'x', true, false);
-- a time that is null is now, also where the columns are in another place; but by it no
-- partition can be found
INSERT INTO actstream.follows (follower, followee, started) SELECT actstream.ref('person', i), 'person:4', NULL FROM generate_series(5, 12) i
    RETURNING tableoid::regclass, started BETWEEN now() AND clock_timestamp() AS now;
DELETE FROM actstream.follows WHERE followee = 'person:4' AND flag = '';
INSERT INTO actstream.actions ("timestamp", actor, verb) VALUES (NULL, 'person:1', 'came');
SELECT actstream.unfollow('person:2', 'person:3', NULL);

-- streams
ANALYZE actstream.actions;
SELECT count(*) FROM actstream.user_stream('person:1');
SELECT array(SELECT id FROM actstream.user_stream('person:1') LIMIT 20) = array(
    SELECT a.id FROM actstream.actions a WHERE a.actor IN (SELECT followee FROM actstream.follows WHERE follower = 'person:1' AND (actor_only OR true))
        OR a.target IN (SELECT followee FROM actstream.follows WHERE follower = 'person:1' AND NOT actor_only)
    ORDER BY "timestamp" DESC, id DESC LIMIT 20) AS the_same;
SELECT verb, actor, actstream.sentence(a, a."timestamp") FROM actstream.public_stream() a LIMIT 2;

-- what is hidden from the owner is found all the same
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY none ON actstream.actions USING (false) WITH CHECK (true);
ALTER TABLE actstream.follows ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY none ON actstream.follows USING (false) WITH CHECK (true);
ALTER TABLE actstream.object_types ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY none ON actstream.object_types USING (false) WITH CHECK (true);
SELECT count(*) FROM actstream.actions;
SELECT actstream.display_name('person:1');
DELETE FROM person WHERE id = 2;
UPDATE person SET id = 30 WHERE id = 3;
DELETE FROM post WHERE id <= 150;
TRUNCATE post;
ALTER TABLE person RENAME id TO number;
SELECT * FROM actstream.integrity_check();
SELECT actstream.unregister('person');
DROP TABLE post;
RESET ROLE;
SELECT * FROM actstream.integrity_check();
SELECT label, relation, key_columns FROM actstream.object_types;
SELECT count(*), count(*) FILTER (WHERE actor = 'person:2' OR target = 'person:2') AS of_2, count(*) FILTER (WHERE actor = 'person:3') AS of_3,
       count(*) FILTER (WHERE actor = 'person:30') AS of_30, count(action_object) AS posts FROM actstream.actions;
SELECT count(*) FILTER (WHERE follower = 'person:2' OR followee = 'person:2') AS of_2, count(*) FILTER (WHERE follower = 'person:30' OR followee = 'person:30') AS of_30 FROM actstream.follows;

-- a partition can have a trigger that keeps rows
CREATE FUNCTION parts.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE DELETE ON parts.actions_3 FOR EACH ROW EXECUTE FUNCTION parts.keep();
DELETE FROM parts.person WHERE number = 12;
-- and one that has lost ours is noticed
ALTER TABLE parts.actions_3 DISABLE TRIGGER action_check;
SELECT problem, relation, detail FROM actstream.integrity_check();
-- retention
ALTER TABLE actstream.actions DETACH PARTITION parts.actions_3;
DROP TABLE parts.actions_0;
DELETE FROM parts.person WHERE number = 12;
SELECT * FROM actstream.integrity_check();

-- what a transaction has made and deleted in a partition that it has emptied is told to nobody, whatever
-- the order of its columns
CREATE TABLE parts.turned (data jsonb, public boolean NOT NULL DEFAULT true, actor actstream.ref NOT NULL, description text, verb text NOT NULL, id bigint NOT NULL,
                           "timestamp" timestamptz NOT NULL, external_id text, target actstream.ref, action_object actstream.ref);
ALTER TABLE actstream.actions ATTACH PARTITION parts.turned FOR VALUES FROM ('2050-01-01') TO ('2051-01-01');
SELECT actstream.record_changes(true);
SELECT FROM actstream.register_external('turn');
SELECT FROM actstream.follow('turn:9', 'turn:1', send_action => false);
SELECT actstream.stream_position() AS position \gset
BEGIN;
TRUNCATE parts.turned;
INSERT INTO actstream.actions ("timestamp", actor, verb) VALUES ('2050-02-03', 'turn:1', 'same'), ('2050-02-03', 'turn:1', 'gone');
UPDATE actstream.actions SET description = 'x' WHERE verb = 'same';
DELETE FROM actstream.actions WHERE verb = 'gone';
COMMIT;
SELECT operation, (action).verb, (action).description FROM actstream.changes_since(:'position') WHERE operation IS NOT NULL;
SELECT operation, viewer, (action).verb FROM actstream.changes_since(:'position', '{turn:9}') WHERE operation IS NOT NULL;
-- what moves to another partition is an action that there was
INSERT INTO actstream.actions ("timestamp", actor, verb) VALUES ('2050-02-04', 'turn:1', 'moves'), ('2050-02-05', 'turn:1', 'moves too'), ('2050-02-06', 'turn:1', 'is moved');
SELECT actstream.mark_all_read('turn:9', up_to => actstream.stream_cursor(a)) FROM actstream.actions a WHERE verb = 'is moved';
SELECT actstream.stream_position() AS position \gset
UPDATE actstream.actions SET description = 'y' WHERE verb = 'moves';
UPDATE actstream.actions SET "timestamp" = '2026-05-05' WHERE verb = 'moves';
BEGIN;
UPDATE actstream.actions SET description = 'y' WHERE verb = 'moves too';
UPDATE actstream.actions SET "timestamp" = '2026-05-06' WHERE verb = 'moves too';
COMMIT;
SELECT operation, (action).verb, (action)."timestamp" FROM actstream.changes_since(:'position') WHERE operation IS NOT NULL ORDER BY 2, 1;
SELECT operation, viewer, (action).verb FROM actstream.changes_since(:'position', '{turn:9}') WHERE operation IS NOT NULL ORDER BY 3, 1;

RESET search_path;
SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
RESET client_min_messages;

-- nor is one unread that moves at its place, even if its transaction has changed it before
CREATE EXTENSION actstream;
CREATE TABLE actstream.actions OF actstream.action (PRIMARY KEY (id, verb)) PARTITION BY LIST (verb);
CREATE TABLE parts.did PARTITION OF actstream.actions FOR VALUES IN ('did');
CREATE TABLE parts.said PARTITION OF actstream.actions FOR VALUES IN ('said');
DO 'BEGIN PERFORM actstream.create_tables(), actstream.register_external(''u''), actstream.record_changes(true); END';
INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ('u:1', 'did', '2026-01-01'), ('u:1', 'did', '2026-01-02'), ('u:1', 'did', '2026-01-03');
SELECT FROM actstream.follow('u:2', 'u:1', send_action => false);
SELECT actstream.mark_all_read('u:2');
UPDATE actstream.actions SET verb = 'said' WHERE id = 1;
BEGIN;
UPDATE actstream.actions SET description = 'x' WHERE id = 2;
UPDATE actstream.actions SET verb = 'said' WHERE id = 2;
COMMIT;
SELECT actstream.unread_count('u:2');
-- but one that has come to another place is
BEGIN;
UPDATE actstream.actions SET "timestamp" = '2026-01-02 12:00' WHERE id = 3;
UPDATE actstream.actions SET verb = 'said' WHERE id = 3;
COMMIT;
SELECT actstream.unread_count('u:2');
-- and one that was made meanwhile
BEGIN;
INSERT INTO actstream.actions (actor, verb, "timestamp", public) VALUES ('u:1', 'did', '2026-01-01 12:00', false);
UPDATE actstream.actions SET verb = 'said', public = true WHERE NOT public;
COMMIT;
SELECT actstream.unread_count('u:2');

-- one action is looked up in each partition, although an id alone is not unique there
INSERT INTO actstream.actions (actor, verb) SELECT 'u:1', 'did' FROM generate_series(1, 2000);
ANALYZE actstream.actions;
\i test/lib/plan.sql
SELECT trim(' ->' FROM line) AS scans FROM plan($$SELECT verb FROM actstream.user_stream('u:2') WHERE id = 2$$) AS line WHERE line ~ 'Scan|Index Cond';
SELECT verb FROM actstream.user_stream('u:2') WHERE id = 2;
-- and so are several, if each is asked for
SELECT trim(' ->' FROM line) AS scans FROM plan($$SELECT s.verb FROM unnest('{3,2}'::bigint[]) AS i CROSS JOIN LATERAL (SELECT * FROM actstream.user_stream('u:2') s WHERE s.id = i OFFSET 0) AS s$$) AS line WHERE line ~ 'Scan|Index Cond';
SELECT s.id, s.verb FROM unnest('{3,-1,2}'::bigint[]) AS i CROSS JOIN LATERAL (SELECT * FROM actstream.user_stream('u:2') s WHERE s.id = i OFFSET 0) AS s;

SET client_min_messages = warning;
DROP FUNCTION plan;
DROP EXTENSION actstream CASCADE;
DROP SCHEMA parts CASCADE;
DROP OWNED BY parts_owner;
DROP ROLE parts_owner;
