--
-- What is asked of follows costs no more where the statistics are not those of today
--
\i test/lib/fresh.sql
CREATE SCHEMA plans;
SET search_path = plans;

-- 2,000 users follow ten issues each, of which nobody else hears; after the statistics
-- were made, all of them come to follow one project, and some of them in several ways
SELECT actstream.register_external(label) IS NOT NULL FROM unnest('{user,issue,project}'::text[]) label;
ALTER TABLE actstream.follows SET (autovacuum_enabled = off);
INSERT INTO actstream.follows (follower, followee)
SELECT actstream.ref('user', i), actstream.ref('issue', i * 10 + j) FROM generate_series(1, 2000) i, generate_series(1, 10) j;
ANALYZE actstream.follows;
INSERT INTO actstream.follows (follower, followee) SELECT actstream.ref('user', i), 'project:1' FROM generate_series(1, 2000) i;
INSERT INTO actstream.follows (follower, followee, flag)
SELECT actstream.ref('user', i), 'project:1', flag FROM generate_series(1, 2000, 100) i, unnest('{watching,liking}'::text[]) flag;

-- How often a query scans the table or an index of it, and how many entries it reads.
CREATE FUNCTION work(query text, OUT scans bigint, OUT entries bigint, OUT result text) LANGUAGE plpgsql AS $$
DECLARE
    before record;
BEGIN
    SELECT sum(pg_stat_get_xact_numscans(o)) AS scans, sum(pg_stat_get_xact_tuples_returned(o)) AS entries INTO before
    FROM (SELECT 'actstream.follows'::regclass::oid AS o UNION ALL SELECT indexrelid FROM pg_index WHERE indrelid = 'actstream.follows'::regclass) s;
    EXECUTE query INTO result;
    SELECT sum(pg_stat_get_xact_numscans(o)) - before.scans, sum(pg_stat_get_xact_tuples_returned(o)) - before.entries INTO scans, entries
    FROM (SELECT 'actstream.follows'::regclass::oid AS o UNION ALL SELECT indexrelid FROM pg_index WHERE indrelid = 'actstream.follows'::regclass) s;
END $$;
-- what a parallel worker reads is not counted
SELECT name AS forced FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query') \gset
SET :forced = off;
-- each entry is read once, whoever is followed by how many
SELECT scans, entries, result FROM work($$ SELECT count(*) || ', ' || count(DISTINCT f::text) FROM actstream.followers('project:1') f $$);
SELECT entries < 3000 AS few, result FROM work($$ SELECT count(*) FROM actstream.followers('project:1', '') f $$);
SELECT entries < 3000 AS few, result FROM work($$ SELECT count(*) FROM actstream.followers('project:1', 'liking') f $$);
SELECT scans, entries, result FROM work($$ SELECT string_agg(f::text, ' ' ORDER BY f::text) FROM actstream.following('user:101') f $$);
SELECT scans, entries, result FROM work($$ SELECT string_agg(f::text, ' ') FROM actstream.following('user:101', labels => '{project}') f $$);
-- of one follow, one entry at most
SELECT scans, entries < 2 AS few, result FROM work($$ SELECT actstream.is_following('user:1999', 'project:1') $$);
SELECT scans, entries < 2 AS few, result FROM work($$ SELECT actstream.is_following('user:1999', 'project:1', 'liking') $$);
SELECT scans, entries < 5000 AS few, result
FROM work($$ SELECT count(*) FILTER (WHERE actstream.is_following(actstream.ref('user', i), 'project:1')) FROM generate_series(1, 2100) i $$);
SELECT scans, entries, result FROM work($$ SELECT count(*) FROM actstream.followers('project:1') f WHERE f::text = 'user:7' $$);
SET search_path = plans, actstream;
SELECT scans, entries, result FROM work($$ SELECT count(*) FROM followers('project:1') f WHERE f = 'user:7' $$);

-- they are a part of the query around them, also under a policy
CREATE ROLE actstream_plans;
GRANT USAGE ON SCHEMA actstream, plans TO actstream_plans;
GRANT SELECT ON actstream.follows, actstream.mutes TO actstream_plans;
ALTER TABLE actstream.follows ENABLE ROW LEVEL SECURITY;
CREATE POLICY plain ON actstream.follows USING (flag = '' AND follower <> 'user:1');
SET ROLE actstream_plans;
SELECT count(*) FROM actstream.followers('project:1');
SELECT count(*) FROM actstream.followers('project:1', 'liking');
SELECT (SELECT count(*) FROM actstream.following('user:1')), (SELECT count(*) FROM actstream.following('user:101'));
SELECT actstream.is_following('user:1', 'project:1'), actstream.is_following('user:101', 'project:1', 'liking'), actstream.is_following('user:101', 'project:1');
RESET ROLE;
REVOKE SELECT ON actstream.follows FROM actstream_plans;
SET ROLE actstream_plans;
SELECT count(*) FROM actstream.followers('project:1');
RESET ROLE;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA plans CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY actstream_plans;
DROP ROLE actstream_plans;
