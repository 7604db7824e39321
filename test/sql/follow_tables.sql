-- Follows and blocks where their tables have other indexes and partitions than
-- create_tables() makes.
\i test/lib/fresh.sql
SET timezone = 'UTC';
SELECT label FROM actstream.register_external('u');

-- a partitioned table has indexes that nothing can be read from; nor need those of the
-- partitions have the columns in that order
DROP TABLE actstream.follows;
CREATE TABLE actstream.follows OF actstream.follow PARTITION BY LIST (flag);
CREATE TABLE actstream.plain_follows PARTITION OF actstream.follows FOR VALUES IN ('');
CREATE TABLE actstream.other_follows (flag text NOT NULL, verbs text[], followee actstream.ref NOT NULL, actor_only boolean NOT NULL, follower actstream.ref NOT NULL, started timestamptz NOT NULL);
ALTER TABLE actstream.follows ALTER actor_only SET NOT NULL, ALTER started SET NOT NULL;
ALTER TABLE actstream.follows ATTACH PARTITION actstream.other_follows DEFAULT;
SELECT count(*) > 0 AS made FROM actstream.create_tables();
SELECT (actstream.follow('u:1', 'u:2', f, send_action => false)).flag FROM unnest('{"",a,b}'::text[]) f;
SELECT (actstream.follow('u:2', 'u:1', send_action => false)).flag;
SELECT (actstream.follow('u:1', 'u:3', send_action => false)).flag;
SELECT muted FROM actstream.block('u:1', 'u:2');
SELECT follower, followee, flag FROM actstream.follows;
SELECT actstream.follow('u:2', 'u:1', 'a');
SELECT * FROM actstream.follower_counts('{u:1,u:2,u:3}');
SELECT actstream.recount_followers();

-- when a table is made anew, nothing is left of what its rows counted for
SELECT followers FROM actstream.follower_counts('{u:3}');
DROP TABLE actstream.follows;
SELECT count(*) > 0 AS made FROM actstream.create_tables();
SELECT followers FROM actstream.follower_counts('{u:3}');
SELECT * FROM actstream.integrity_check();

-- any index by the two objects will do
ALTER TABLE actstream.follows DROP CONSTRAINT follows_pkey;
DROP INDEX actstream.follows_followee_idx;
CREATE INDEX ON actstream.follows (followee, follower) WHERE actor_only;
INSERT INTO actstream.follows (follower, followee) VALUES ('u:1', 'u:2');
SELECT muted FROM actstream.block('u:1', 'u:2');
CREATE UNIQUE INDEX other_key ON actstream.follows (follower, followee, flag);
SELECT (actstream.follow('u:1', 'u:2', send_action => false)).flag;
SELECT muted FROM actstream.block('u:1', 'u:2');
SELECT follower, followee FROM actstream.follows;
DROP INDEX actstream.mutes_muted_idx;
SELECT (actstream.follow('u:4', 'u:3', send_action => false)).flag;
SELECT actstream.follow('u:1', 'u:2');
ALTER TABLE actstream.mutes DROP CONSTRAINT mutes_pkey;
SELECT actstream.follow('u:4', 'u:5');
SELECT count(*) > 0 AS made FROM actstream.create_tables();

-- an expired block is none
SELECT actstream.unblock('u:1', 'u:2');
SELECT (actstream.follow('u:1', 'u:2', send_action => false)).flag;
INSERT INTO actstream.mutes (muter, muted, block, until) VALUES ('u:1', 'u:2', true, '2020-01-01');
SELECT follower FROM actstream.follows WHERE followee = 'u:2';
SELECT verbs, until, block FROM actstream.mute('u:1', 'u:2', '{liked}', '2100-01-01');
SELECT verbs, until, block FROM actstream.mute('u:1', 'u:2');
SELECT actstream.unmute('u:1', 'u:2');

-- a pair with many flags is read once for a statement
CREATE FUNCTION fetched() RETURNS bigint LANGUAGE sql AS
    $$SELECT sum(pg_stat_get_xact_tuples_fetched(indexrelid)) FROM pg_index WHERE indrelid = 'actstream.follows'::regclass$$;
BEGIN;
INSERT INTO actstream.follows SELECT 'u:5', 'u:6', 'f' || i FROM generate_series(1, 1000) i;
SELECT fetched() < 10000 AS few;
UPDATE actstream.follows SET followee = 'u:7' WHERE followee = 'u:6' AND flag > 'f5';
SELECT fetched() < 20000 AS few;
DELETE FROM actstream.follows WHERE follower = 'u:5';
SELECT fetched() < 30000 AS few;
ROLLBACK;
INSERT INTO actstream.follows SELECT 'u:5', 'u:6', 'f' || i FROM generate_series(1, 10) i;
UPDATE actstream.follows SET followee = 'u:7' WHERE followee = 'u:6' AND flag > 'f5';
SELECT * FROM actstream.follower_counts('{u:6,u:7}');
SELECT * FROM actstream.integrity_check();

-- unfollow_many() also ends follows that policies let be deleted, but not updated
CREATE ROLE unfollow_app;
GRANT USAGE ON SCHEMA actstream TO unfollow_app;
GRANT SELECT, UPDATE, DELETE ON actstream.follows TO unfollow_app;
ALTER TABLE actstream.follows ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON actstream.follows FOR SELECT TO unfollow_app USING (true);
CREATE POLICY ending ON actstream.follows FOR DELETE TO unfollow_app USING (follower = 'u:5');
SET ROLE unfollow_app;
SELECT actstream.unfollow('u:5', 'u:6', 'f1'), actstream.unfollow_many('u:5', '{u:7,u:6,u:8}'), actstream.unfollow_many('u:4', '{u:3}');
RESET ROLE;
SELECT follower, followee, flag FROM actstream.follows ORDER BY 1, 2, 3;
DROP OWNED BY unfollow_app;
DROP ROLE unfollow_app;

DROP FUNCTION fetched();
SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
