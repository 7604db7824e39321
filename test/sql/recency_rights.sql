-- The recency map and the phrases belong to everybody, so nobody else's table
-- gets at them, whoever makes the index or the trigger.
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS rr CASCADE;
DROP ROLE IF EXISTS recency_stranger;
RESET client_min_messages;
CREATE ROLE recency_stranger;
GRANT USAGE ON SCHEMA actstream TO recency_stranger;
GRANT SELECT ON actstream.actions, actstream.phrases TO recency_stranger;
CREATE SCHEMA rr AUTHORIZATION recency_stranger;

SELECT coalesce(used, 0) AS used FROM actstream.recency_stats() \gset

SET ROLE recency_stranger;
SET search_path = rr;
-- tables of the same form, whose rows would raise bounds to the end of time: an
-- index there is of no use, and of no harm
CREATE TABLE forged (LIKE actstream.actions);
INSERT INTO forged VALUES (1, 'infinity', true, 'user:1', 'forged');
CREATE INDEX ON forged USING actstream_recency (actor, target, action_object, public, "timestamp");
CREATE INDEX ON forged USING actstream_recency (actor);
CREATE UNIQUE INDEX ON forged USING actstream_recency (actor, target, action_object, public, "timestamp");
CREATE INDEX CONCURRENTLY forged_idx ON forged USING actstream_recency (actor, target, action_object, public, "timestamp");
INSERT INTO forged VALUES (2, 'infinity', true, 'user:1', 'forged');
UPDATE forged SET actor = 'user:2';
REINDEX INDEX forged_idx;
REINDEX TABLE forged;
CLUSTER forged USING forged_idx;
TRUNCATE forged;
VACUUM FULL forged;
DROP TABLE forged;
CREATE TEMP TABLE forged (LIKE actstream.actions);
CREATE INDEX ON forged USING actstream_recency (actor, target, action_object, public, "timestamp");
INSERT INTO forged VALUES (1, 'infinity', true, 'user:3', 'forged');
DROP TABLE forged;
CREATE UNLOGGED TABLE forged (LIKE actstream.actions);
CREATE INDEX ON forged USING actstream_recency (actor, target, action_object, public, "timestamp");
INSERT INTO forged VALUES (1, 'infinity', true, 'user:4', 'forged');
DROP TABLE forged;
CREATE TABLE copied (LIKE actstream.actions INCLUDING ALL);
INSERT INTO copied VALUES (1, 'infinity', true, 'user:5', 'forged');
CREATE TABLE forged (LIKE actstream.actions) PARTITION BY LIST (public);
CREATE INDEX ON forged USING actstream_recency (actor, target, action_object, public, "timestamp");
CREATE TABLE forged_true PARTITION OF forged FOR VALUES IN (true);
INSERT INTO forged VALUES (1, 'infinity', true, 'user:6', 'forged');
CREATE TABLE forged_false (LIKE actstream.actions);
ALTER TABLE forged ATTACH PARTITION forged_false FOR VALUES IN (false);
CREATE MATERIALIZED VIEW seen AS SELECT * FROM actstream.actions;
CREATE INDEX ON seen USING actstream_recency (actor, target, action_object, public, "timestamp");
-- a search in one is no plan
SET enable_seqscan = off;
SELECT count(*) FROM copied WHERE public;
RESET enable_seqscan;
-- someone else's table
CREATE INDEX ON actstream.actions USING actstream_recency (actor, target, action_object, public, "timestamp");
DROP INDEX actstream.actions_track_recency_idx;
-- operators, access methods, and what completes or switches off the map
CREATE OPERATOR CLASS mine FOR TYPE integer USING actstream_recency AS STORAGE integer;
CREATE ACCESS METHOD mine TYPE INDEX HANDLER actstream_internal.recency_handler;
SELECT actstream.recency_build();
SET actstream.enable_recency_map = off;
SET actstream.no_such_setting = 1;
-- what there is of the whole server, for those who may see statistics of others
SELECT size, bounds, used, shared_lines FROM actstream.recency_stats();
-- and of the database, also for the owner of the table
SELECT built, build_time, objects, streams, lists_skipped, lists_opened, false_opens, lowered FROM actstream.recency_stats();
RESET ROLE;
GRANT pg_read_all_stats TO recency_stranger;
SET ROLE recency_stranger;
SELECT (size IS NULL) = (state IN ('not preloaded', 'no memory')) AS has_size,
       (streams IS NULL) = (state IN ('not preloaded', 'no memory')) AS has_streams FROM actstream.recency_stats();
RESET ROLE;
REVOKE pg_read_all_stats FROM recency_stranger;
SET ROLE recency_stranger;
-- phrases are read for everybody, and written by whom they are granted to
INSERT INTO actstream.phrases VALUES ('', '', '{actor} forged this');
UPDATE actstream.phrases SET pattern = '{actor} forged this';
CREATE TABLE worded (LIKE actstream.phrases);
-- the functions of triggers serve the tables that they are made for
CREATE TRIGGER t BEFORE INSERT ON worded FOR EACH ROW EXECUTE FUNCTION actstream_internal.phrase_check();
INSERT INTO worded VALUES ('', '', '{');
DROP TRIGGER t ON worded;
CREATE TRIGGER t AFTER INSERT ON worded FOR EACH ROW EXECUTE FUNCTION actstream_internal.phrase_changed();
INSERT INTO worded VALUES ('', '', '{');
RESET ROLE;
CREATE TABLE followed (LIKE actstream.follows);
CREATE TRIGGER t AFTER INSERT ON followed FOR EACH ROW EXECUTE FUNCTION actstream_internal.follow_changed();
INSERT INTO followed VALUES ('a:1', 'a:2', '', true, 'now');

CREATE INDEX ON actstream.actions USING actstream_recency (target, actor, action_object, public, "timestamp");
CREATE INDEX ON actstream.actions USING actstream_recency (actor, target, action_object, public, "timestamp") WHERE public;
-- an index with other columns, or a part of the rows, is not the one that tells
DROP INDEX actstream.actions_track_recency_idx;
SELECT state IN ('no index', 'not preloaded') AS without_map FROM actstream.recency_stats();

-- predicates of the table's owner, which are simplified by whoever asks for them, run
-- for nobody who looks for the indexes
CREATE FUNCTION rr.tells(i integer) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    RAISE WARNING 'a predicate is simplified';
    RETURN true;
END
$$;
SET client_min_messages = error;
CREATE INDEX ON actstream.actions USING actstream_recency (actor, target, action_object, public, "timestamp") WHERE rr.tells(1);
DROP INDEX actstream.actions_actor_idx, actstream.actions_timestamp_idx;
CREATE INDEX ON actstream.actions (actor, public, "timestamp", id) WHERE rr.tells(2);
CREATE INDEX ON actstream.actions ("timestamp", id) WHERE rr.tells(3);
RESET client_min_messages;
SELECT state IN ('no index', 'not preloaded') AS without_map FROM actstream.recency_stats();
SELECT actstream.recency_build();

-- nothing of all this has raised a bound
SELECT coalesce(used, 0) - :used AS raised FROM actstream.recency_stats();

-- a table that is called as ours, with columns of other types
SET client_min_messages = warning;
DROP TABLE actstream.actions CASCADE;
RESET client_min_messages;
CREATE TABLE actstream.actions (id bigint, "timestamp" timestamptz, public boolean, actor boolean, verb text, action_object boolean, target boolean);
CREATE INDEX ON actstream.actions USING actstream_recency (actor actstream.recency_bool_ops, target actstream.recency_bool_ops,
    action_object actstream.recency_bool_ops, public actstream.recency_bool_ops, "timestamp" actstream.recency_timestamptz_ops);
INSERT INTO actstream.actions VALUES (1, now(), true, true, 'did', true, true);
DROP TABLE actstream.actions;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA rr CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY recency_stranger;
DROP ROLE recency_stranger;
