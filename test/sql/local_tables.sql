--
-- Another engine holds the rows of our tables: an error, where reading finds nothing
-- and writing stores what nobody finds.  A query finds the rows of a table with another
-- access method.
--
\i test/lib/fresh.sql
SET timezone = 'UTC';

CREATE TABLE users (id integer PRIMARY KEY);
INSERT INTO users VALUES (1), (2), (3);
SELECT label FROM actstream.register('users', 'user');
SELECT id FROM actstream.act_send('user:1', 'waved', "timestamp" => '2026-01-01 00:00+00');
SELECT followee FROM actstream.follow('user:2', 'user:1', send_action => false);
PREPARE page AS SELECT id FROM actstream.user_stream('user:2') LIMIT 20;
SET plan_cache_mode = force_generic_plan;
EXECUTE page;

-- What is answered, or the error
CREATE FUNCTION outcome(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer text;
    hint text;
BEGIN
    EXECUTE query INTO answer;
    RETURN coalesce(answer, 'done');
EXCEPTION WHEN feature_not_supported OR object_not_in_prerequisite_state THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(': ', SQLSTATE, SQLERRM) || coalesce(E'\n' || nullif(hint, ''), '');
END
$$;
-- Whoever reads and writes
CREATE FUNCTION outcomes(OUT what text, OUT outcome text) RETURNS SETOF record LANGUAGE sql AS $$
    SELECT string_agg(what, ', ' ORDER BY what), outcome
    FROM (SELECT what, outcome(query) FROM (VALUES
            ('a prepared page', 'EXECUTE page'),
            ('a page', $q$SELECT id FROM actstream.public_stream() LIMIT 20$q$),
            ('a function', $q$SELECT (actstream.actor_stream('user:1')).id$q$),
            ('act_send', $q$SELECT actor FROM actstream.act_send('user:1', 'waved')$q$),
            ('act_send once', $q$SELECT actor FROM actstream.act_send('user:1', 'waved', external_id => 'x')$q$),
            ('follow', $q$SELECT follower FROM actstream.follow('user:3', 'user:1', send_action => false)$q$),
            ('unfollow', $q$SELECT actstream.unfollow('user:9', 'user:1')$q$),
            ('a new key', 'UPDATE users SET id = 4 WHERE id = 1 RETURNING id'),
            ('a delete', 'DELETE FROM users WHERE id = 3 RETURNING id')) AS v (what, query)) AS o
    GROUP BY outcome ORDER BY outcome
$$;

-- another access method
CREATE ACCESS METHOD other_heap TYPE TABLE HANDLER heap_tableam_handler;
BEGIN;
ALTER TABLE actstream.actions SET ACCESS METHOD other_heap;
SELECT * FROM outcomes();
SELECT * FROM outcomes();
ALTER TABLE actstream.actions SET ACCESS METHOD heap;
SELECT id FROM actstream.user_stream('user:2') LIMIT 20;
ALTER TABLE actstream.follows SET ACCESS METHOD other_heap;
SELECT * FROM outcomes();
ROLLBACK;
DROP ACCESS METHOD other_heap;

-- What the extension citus leaves behind: a note in a table of its own, of which
-- the relation cache hears.
CREATE TABLE pg_dist_partition (logicalrelid regclass, partmethod "char");
ALTER TABLE pg_dist_partition SET SCHEMA pg_catalog;
INSERT INTO pg_dist_partition VALUES ('actstream.actions', 'h');
ALTER TABLE actstream.actions ALTER target SET STATISTICS -1;
SELECT id FROM actstream.user_stream('user:2') LIMIT 20;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
SELECT 4294967000, 'citus', oid, 'pg_catalog'::regnamespace, false, '13.2' FROM pg_roles WHERE rolname = current_user;
ALTER TABLE actstream.actions ALTER target SET STATISTICS -1;
-- a table of the same name is not that of the extension
SELECT id FROM actstream.user_stream('user:2') LIMIT 20;
ALTER EXTENSION citus ADD TABLE pg_dist_partition;
BEGIN;
ALTER TABLE actstream.actions ALTER target SET STATISTICS -1;
SELECT * FROM outcomes();
SELECT * FROM outcomes();
UPDATE pg_dist_partition SET logicalrelid = 'actstream.follows';
ALTER TABLE actstream.follows ALTER followee SET STATISTICS -1;
SELECT * FROM outcomes();
-- it can be undone
UPDATE pg_dist_partition SET logicalrelid = 'users';
ALTER TABLE actstream.follows ALTER followee SET STATISTICS -1;
SELECT * FROM outcomes();
ROLLBACK;
ALTER EXTENSION citus DROP TABLE pg_dist_partition;
DELETE FROM pg_extension WHERE extname = 'citus';
DROP TABLE pg_catalog.pg_dist_partition;

RESET plan_cache_mode;
DROP TABLE users;
DROP FUNCTION outcome, outcomes;
SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
