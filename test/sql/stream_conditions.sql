--
-- The conditions that streams are known by, called by anybody: they read nothing, raise
-- nothing, and depend on what they are given alone.
--
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS conditions CASCADE;
DROP ROLE IF EXISTS stream_caller, stream_definer, stream_bypass;
RESET client_min_messages;
SET timezone = 'UTC';

SELECT label FROM actstream.register_external('u');
INSERT INTO actstream.actions (id, "timestamp", actor, verb)
SELECT i, timestamptz '2025-01-01 00:00+00' + i * interval '1 hour', actstream.ref('u', i % 4), 'did'
FROM generate_series(1, 12) AS i;
INSERT INTO actstream.follows (follower, followee, flag)
VALUES ('u:1', 'u:2', ''), ('u:1', 'u:3', 'work'), ('u:2', 'u:3', '');
ANALYZE actstream.actions, actstream.follows;
CREATE ROLE stream_caller;
CREATE ROLE stream_definer;
CREATE ROLE stream_bypass BYPASSRLS;
CREATE SCHEMA conditions;
GRANT USAGE ON SCHEMA actstream, conditions TO PUBLIC;
GRANT CREATE ON SCHEMA conditions TO stream_definer;
\i test/lib/plan.sql

--
-- Before the conditions of a view that hides rows
--

CREATE TABLE conditions.pay AS SELECT i AS id, i * 50000 AS salary FROM generate_series(1, 3) AS i;
CREATE TABLE conditions.perms AS SELECT 1 AS pay, 'stream_caller' AS who;
CREATE VIEW conditions.my_pay WITH (security_barrier) AS
SELECT p.* FROM conditions.pay p JOIN conditions.perms m ON m.pay = p.id WHERE m.who = current_user;
GRANT SELECT ON conditions.my_pay TO stream_caller;
SET ROLE stream_caller;
-- of hidden rows, too, the condition is asked
SELECT plan($$
    SELECT id FROM conditions.my_pay
    WHERE actstream_internal.in_user_stream(NULL, NULL, NULL, CASE WHEN salary > 100000 THEN '2020-01-01'::timestamptz END, 'did',
                                   'u:1', NULL, false, false, NULL, NULL)$$);
SELECT id FROM conditions.my_pay
WHERE actstream_internal.in_user_stream(NULL, NULL, NULL, CASE WHEN salary > 100000 THEN '2020-01-01'::timestamptz END, 'did',
                               'u:1', NULL, false, false, NULL, NULL);
SELECT id FROM conditions.my_pay
WHERE actstream_internal.in_user_stream('u:1', NULL, NULL, CASE WHEN salary < 100000 THEN '2020-01-01'::timestamptz END, 'did',
                               'u:1', NULL, true, false, NULL, NULL);
RESET ROLE;
-- the same where policies apply, and where there is no table
ALTER TABLE actstream.follows ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON actstream.follows, actstream.mutes TO stream_caller;
SET ROLE stream_caller;
SELECT actstream_internal.in_user_stream('u:2', NULL, NULL, '2020-01-01', 'did', 'u:1', NULL, false, false, NULL, NULL) AS in_stream;
RESET ROLE;
REVOKE SELECT ON actstream.follows FROM stream_caller;
ALTER TABLE actstream.follows DISABLE ROW LEVEL SECURITY;
BEGIN;
ALTER TABLE actstream.follows RENAME TO no_follows;
SELECT actstream_internal.in_user_stream('u:2', NULL, NULL, '2020-01-01', 'did', 'u:1', NULL, false, false, NULL, NULL) AS in_stream;
ROLLBACK;

--
-- They are immutable: null is no follows, whoever follows whom
--

PREPARE once AS SELECT actstream_internal.in_user_stream('u:2', NULL, NULL, '2020-01-01', 'did', 'u:1', NULL, NULL, NULL, NULL, NULL) AS in_stream;
EXECUTE once;
DELETE FROM actstream.follows WHERE followee = 'u:2';
EXECUTE once;
INSERT INTO actstream.follows (follower, followee) VALUES ('u:1', 'u:2');
EXECUTE once;
DEALLOCATE once;
-- nobody can say that they are those of the session
DO $$
BEGIN
    PERFORM actstream_internal.in_user_stream('u:2', NULL, NULL, '2020-01-01', 'did', 'u:1', NULL, false, false, NULL::internal, NULL);
EXCEPTION WHEN feature_not_supported OR cannot_coerce THEN
    RAISE NOTICE 'refused';
END
$$;
SELECT count(*) FROM actstream.actions a
WHERE a.public AND actstream_internal.in_user_stream(a.actor, a.target, a.action_object, a."timestamp", a.verb, 'u:1', NULL, false, false, NULL, NULL);
SELECT count(*) FROM actstream.actions a
WHERE a.public AND actstream_internal.in_user_stream(a.actor, a.target, a.action_object, a."timestamp", a.verb, 'u:1', NULL, true, false, NULL, NULL);

--
-- A query for follows is what it says, and only that of user_stream() is left out
--

SELECT array_agg(id) FROM actstream.actions a
WHERE a.public AND actstream_internal.in_user_stream(a.actor, a.target, a.action_object, a."timestamp", a.verb, 'u:1', NULL, false, false,
    ARRAY(SELECT ROW(f.followee, f.actor_only, f.started, NULL::text[]) FROM actstream.follows f WHERE f.follower = 'u:2'), NULL);
SELECT array_agg(id) FROM actstream.actions a
WHERE a.public AND actstream_internal.in_user_stream(a.actor, a.target, a.action_object, a."timestamp", a.verb, 'u:1', NULL, false, false,
    ARRAY(SELECT ROW(f.followee, f.actor_only, f.started, NULL::text[]) FROM actstream.follows f WHERE f.follower = 'u:1' AND f.flag = 'work'), NULL);
SELECT array_agg(id) FROM actstream.user_stream('u:1');
SELECT plan($$SELECT id FROM actstream.user_stream('u:1')$$);
BEGIN;
SELECT replace(prosrc, 'f.follower OPERATOR(pg_catalog.=) $1', 'f.follower = ''u:2''') AS other,
       replace(prosrc, 'AND ($2 IS NULL', 'AND f.flag OPERATOR(pg_catalog.<>) '''' AND ($2 IS NULL') AS flagged FROM pg_proc WHERE proname = 'user_stream' \gset
CREATE OR REPLACE FUNCTION actstream.user_stream(follower actstream.ref, flag text DEFAULT NULL, with_user_activity boolean DEFAULT false, since_follow boolean DEFAULT false,
        without_own boolean DEFAULT false, before text DEFAULT NULL, after text DEFAULT NULL)
    RETURNS SETOF actstream.action LANGUAGE sql STABLE SUPPORT actstream_internal.stream_support AS :'other';
SELECT array_agg(id) FROM actstream.user_stream('u:1');
CREATE OR REPLACE FUNCTION actstream.user_stream(follower actstream.ref, flag text DEFAULT NULL, with_user_activity boolean DEFAULT false, since_follow boolean DEFAULT false,
        without_own boolean DEFAULT false, before text DEFAULT NULL, after text DEFAULT NULL)
    RETURNS SETOF actstream.action LANGUAGE sql STABLE SUPPORT actstream_internal.stream_support AS :'flagged';
SELECT array_agg(id) FROM actstream.user_stream('u:1');
ROLLBACK;
-- where the condition is asked of one row, or of rows of tables that are scanned one by one
SELECT plan($$SELECT id FROM actstream.user_stream('u:1') WHERE id = 2$$);
SELECT id FROM actstream.user_stream('u:1') WHERE id = 2;
SELECT id FROM actstream.user_stream('u:1', 'work') WHERE id = 2;
SELECT u, id FROM (VALUES ('u:1'::actstream.ref), ('u:2'), ('u:1')) AS v (u), actstream.user_stream(u) WHERE id IN (2, 3) ORDER BY u, id;
BEGIN;
CREATE TABLE conditions.more () INHERITS (actstream.actions);
INSERT INTO conditions.more (id, "timestamp", actor, verb) VALUES (20, '2025-01-02', 'u:3', 'did'), (21, '2025-01-02', 'u:1', 'did');
SELECT array_agg(id) FROM actstream.user_stream('u:1');
SELECT id FROM actstream.user_stream('u:1') WHERE id = 20;
ROLLBACK;
-- without the index that the plan counts on
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM actstream.user_stream('u:1');
ALTER TABLE actstream.follows DROP CONSTRAINT follows_pkey;
FETCH c;
ROLLBACK;

--
-- The rights are those of whoever has opened a cursor
--

GRANT SELECT ON actstream.actions, actstream.follows, actstream.mutes TO stream_definer;
GRANT SELECT ON actstream.actions TO stream_caller;
SET ROLE stream_definer;
CREATE FUNCTION conditions.opened(query text) RETURNS refcursor LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS 'DECLARE c refcursor := ''c''; BEGIN OPEN c FOR EXECUTE query; RETURN c; END';
SET ROLE stream_caller;
BEGIN;
SELECT conditions.opened($$SELECT id FROM actstream.user_stream('u:1') WHERE id = 2$$);
FETCH c;
CLOSE c;
SELECT conditions.opened($$SELECT id FROM actstream.user_stream('u:1')$$);
FETCH 2 FROM c;
ROLLBACK;
SELECT id FROM actstream.user_stream('u:1') WHERE id = 2;
RESET ROLE;
-- nor may the definer any more
REVOKE SELECT ON actstream.follows FROM stream_definer;
SET ROLE stream_caller;
SELECT conditions.opened($$SELECT id FROM actstream.user_stream('u:1') WHERE id = 2$$);
RESET ROLE;

--
-- Whether policies apply to a role may change: no plan goes on that was made before
--

GRANT SELECT ON actstream.actions, actstream.follows, actstream.mutes TO stream_bypass;
ALTER TABLE actstream.follows ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON actstream.follows USING (follower = 'u:2');
SET plan_cache_mode = force_generic_plan;
CREATE FUNCTION conditions.plans() RETURNS TABLE (stream bigint[], one bigint[], plain bigint[]) LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT array_agg(s.id) INTO stream FROM actstream.user_stream('u:1') AS s;
    SELECT array_agg(s.id) INTO one FROM actstream.user_stream('u:1') AS s WHERE s.id = 2;
    SELECT array_agg(a.id ORDER BY a.id DESC) INTO plain FROM actstream.actions a
    WHERE EXISTS (SELECT FROM actstream.follows f WHERE f.follower = 'u:1' AND f.followee = a.actor);
    RETURN NEXT;
END
$$;
SET ROLE stream_bypass;
SELECT stream = plain AND one = '{2}' AS all_of_it FROM conditions.plans();
RESET ROLE;
ALTER ROLE stream_bypass NOBYPASSRLS;
SET ROLE stream_bypass;
SELECT stream, one FROM conditions.plans();
SELECT count(*) FROM actstream.user_stream('u:1');
SELECT count(*) FROM actstream.user_stream('u:1') WHERE id = 2;
RESET ROLE;
-- the same for a member of the role that owns the table
DISCARD PLANS;
GRANT stream_definer TO stream_bypass;
ALTER TABLE actstream.follows OWNER TO stream_definer;
SET ROLE stream_bypass;
SELECT stream = plain AND one = '{2}' AS all_of_it FROM conditions.plans();
RESET ROLE;
REVOKE stream_definer FROM stream_bypass;
SET ROLE stream_bypass;
SELECT stream, one FROM conditions.plans();
SELECT count(*) FROM actstream.user_stream('u:1');
RESET ROLE;
ALTER TABLE actstream.follows OWNER TO CURRENT_USER;
ALTER TABLE actstream.follows DISABLE ROW LEVEL SECURITY;
RESET plan_cache_mode;

--
-- Arguments that are others for each row, and may lie where those before lay
--

SELECT x, actstream_internal.in_user_stream(actstream.ref('u', x), NULL, NULL, '2025-01-01', 'did', 'u:1', NULL, false, false,
                                   ARRAY(SELECT ROW(('u:' || x.f)::actstream.ref, true, now(), NULL::text[]) FROM generate_series(x, x) AS x (f)), NULL) AS in_stream
FROM generate_series(1, 5) AS x;
SELECT x, actstream_internal.in_user_stream(actstream.ref('u', 1), NULL, NULL, '2025-01-01', 'did', 'u:1', NULL, false, false,
                                   ARRAY(SELECT ROW(('u:' || x.f)::actstream.ref, true, now(), NULL::text[]) FROM generate_series(x, x) AS x (f)), NULL) AS in_stream
FROM generate_series(1, 5) AS x;
SELECT x, actstream_internal.in_user_stream('u:1', NULL, NULL, '2025-01-01', 'did', 'u:1', NULL, x % 2 = 0, false, NULL, NULL) AS own,
       actstream_internal.in_stream_of('u:1', NULL, NULL, '2025-01-01', 'did', ARRAY['u:1'::actstream.ref], x % 2) AS role,
       actstream_internal.in_stream_of('u:1', NULL, NULL, '2025-01-01', 'did', array_append(ARRAY['u:9'::actstream.ref], actstream.ref('u', x)), 1) AS object
FROM generate_series(1, 4) AS x;

DROP OWNED BY stream_caller, stream_definer, stream_bypass;
DROP ROLE stream_caller, stream_definer, stream_bypass;
DROP FUNCTION plan(text);
SET client_min_messages = warning;
DROP SCHEMA conditions CASCADE;
DROP EXTENSION actstream CASCADE;
