-- Whether a function may be called is asked also where the planner replaces the call.
\i test/lib/fresh.sql
\i test/lib/try.sql
SET client_min_messages = warning;
DROP ROLE IF EXISTS mark_reader;
RESET client_min_messages;
CREATE ROLE mark_reader;
GRANT USAGE ON SCHEMA actstream TO mark_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA actstream TO mark_reader;
SELECT label FROM actstream.register_external('o');
SELECT try($$SELECT actstream.follow('o:1', 'o:2', send_action => false)$$);
SELECT verb FROM actstream.act_send('o:2', 'came');
CREATE VIEW calls AS SELECT unnest(ARRAY[
    $$SELECT FROM actstream.notifications('o:1')$$,
    $$SELECT FROM actstream.notifications('o:1', archived => true)$$,
    $$SELECT FROM actstream.unread('o:1')$$,
    $$SELECT FROM actstream.notifications('o:1', archived => random() < 2)$$,
    $$SELECT actstream.notifications('o:1')$$,
    $$SELECT FROM actstream.user_stream('o:1')$$,
    $$SELECT actstream.user_stream('o:1')$$,
    $$SELECT FROM actstream.public_stream() LIMIT 1$$,
    $$EXECUTE prepared$$]) AS call;
GRANT SELECT ON calls TO mark_reader;
PREPARE prepared AS SELECT FROM actstream.notifications('o:1');
EXECUTE prepared;
SET ROLE mark_reader;
SELECT try(call), call FROM calls;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION actstream.notifications FROM PUBLIC;
SET ROLE mark_reader;
SELECT try('EXECUTE prepared');
SELECT try(call), call FROM calls;
RESET ROLE;
SELECT try('EXECUTE prepared');
SET ROLE mark_reader;
SELECT try('EXECUTE prepared');
RESET ROLE;
REVOKE EXECUTE ON FUNCTION actstream.user_stream, actstream.public_stream FROM PUBLIC;
SELECT try(call), call FROM calls;
SET ROLE mark_reader;
SELECT try(call), call FROM calls;
RESET ROLE;

-- behind a policy that is to be evaluated first, exceptions are found in their index by all its columns
GRANT EXECUTE ON FUNCTION actstream.notifications, actstream.user_stream TO mark_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA actstream TO mark_reader;
ALTER TABLE actstream.mark_exceptions ENABLE ROW LEVEL SECURITY;
CREATE POLICY slow ON actstream.mark_exceptions USING (split_part(reader::text, ':', 1) = 'o');
CREATE FUNCTION conditions(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        IF line ~ 'mark_exceptions|Index Cond' THEN
            RETURN NEXT ltrim(regexp_replace(line, '^.*->  | using \w+| [|]{2} .*$| AND \("timestamp" = s."timestamp"\)', '', 'g'));
        END IF;
    END LOOP;
END $$;
SET ROLE mark_reader;
PREPARE page(actstream.ref, text) AS SELECT FROM actstream.notifications($1, $2) LIMIT 20;
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT conditions('EXECUTE page(''o:1'', '''')') AS condition GROUP BY 1 ORDER BY 1;
RESET enable_seqscan;
RESET enable_bitmapscan;
RESET plan_cache_mode;
RESET ROLE;
DROP FUNCTION conditions;

-- a policy on the record does not have it read whole, nor does a plan that was made when a table was small
DELETE FROM actstream.mark_exceptions;
SELECT actstream.record_changes(true);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA actstream TO mark_reader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA actstream TO mark_reader;
SELECT FROM actstream.follow('o:1', 'o:3', send_action => false);
VACUUM ANALYZE actstream.mark_exceptions, actstream.changes;
SET ROLE mark_reader;
CREATE TEMP TABLE few AS SELECT array_agg(id) AS ids FROM actstream.user_stream('o:1');
SELECT actstream.mark_read('o:1', ids), actstream.mark_unread('o:1', ids) FROM few, generate_series(1, 8) LIMIT 1;
SELECT actstream.mark_all_read('o:1'), actstream.unread_count('o:1');
RESET ROLE;
INSERT INTO actstream.actions (actor, verb, "timestamp") SELECT 'o:3', 'came', '2026-01-01' FROM generate_series(1, 3000);
ALTER TABLE actstream.changes ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_of_it ON actstream.changes USING (action_id > 0);
CREATE VIEW scans AS SELECT relname AS name, pg_stat_get_xact_numscans(oid) AS number FROM pg_class
WHERE oid IN ('actstream.changes'::regclass, 'actstream.mark_exceptions'::regclass);
CREATE TEMP TABLE before AS SELECT * FROM scans;
SET ROLE mark_reader;
BEGIN;
SELECT actstream.unread_count('o:1', cap => NULL), actstream.unseen_count('o:1', cap => NULL);
SELECT actstream.mark_read('o:1', ARRAY(SELECT id FROM actstream.actions ORDER BY id DESC LIMIT 100));
SELECT actstream.mark_unread('o:1', ARRAY(SELECT id FROM actstream.actions ORDER BY id DESC LIMIT 100));
SELECT actstream.archive('o:1', ARRAY(SELECT id FROM actstream.actions ORDER BY id DESC LIMIT 100));
SELECT actstream.mark_all_read('o:1');
RESET ROLE;
SELECT name, s.number - b.number AS scans FROM scans s JOIN before b USING (name) ORDER BY name;
COMMIT;
DROP VIEW scans;

-- what its owner has changed about the function holds for every call
ALTER FUNCTION actstream.notifications SET timezone = 'UTC';
EXPLAIN (COSTS OFF) SELECT * FROM actstream.notifications('o:1');

SET client_min_messages = warning;
DROP VIEW calls;
DROP FUNCTION try;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY mark_reader;
DROP ROLE mark_reader;
