--
-- What tools that make an interface out of a schema find, and the SQL that they make of it:
-- PostgREST (arguments by name, conditions and limits around the call, functions of a row as
-- its columns) and Hasura (functions that return rows of a table).
--
\i test/lib/fresh.sql

CREATE TABLE conv_user (id integer PRIMARY KEY, name text);
INSERT INTO conv_user VALUES (1, 'Ann'), (2, 'Ben');
SELECT label FROM actstream.register('conv_user', 'user', name_template => '{name}');
SELECT verb FROM actstream.act_send('user:2', 'came', "timestamp" => '2026-03-01 09:00');
SELECT verb FROM actstream.act_send('user:2', 'saw', "timestamp" => '2026-03-01 10:00');
SELECT verb FROM actstream.act_send('user:2', 'won', "timestamp" => '2026-03-01 11:00');
SELECT followee FROM actstream.follow('user:1', 'user:2', send_action => false);

--
-- What there is to list
--

-- no function that cannot be called
SELECT oid::regprocedure FROM pg_proc
WHERE pronamespace = 'actstream'::regnamespace
  AND 0 < (SELECT count(*) FROM unnest(proargtypes || prorettype) t WHERE t IN ('internal'::regtype, 'trigger'::regtype, 'event_trigger'::regtype, 'cstring'::regtype));
-- no function or type without a comment; no argument without a name, but of those of one value
SELECT oid::regprocedure FROM pg_proc
WHERE pronamespace = 'actstream'::regnamespace
  AND (obj_description(oid, 'pg_proc') IS NULL OR (pronargs > 1 AND 0 < (SELECT count(*) FROM generate_series(1, pronargs) i WHERE coalesce(proargnames[i], '') = '')));
SELECT oid::regtype FROM pg_type
WHERE typnamespace = 'actstream'::regnamespace AND typelem = 0 AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = typrelid AND relkind <> 'c')
  AND obj_description(oid, 'pg_type') IS NULL;
-- no table with the name of a function
SELECT relname FROM pg_class
WHERE relnamespace = 'actstream'::regnamespace AND relkind <> 'c'
  AND relname IN (SELECT proname FROM pg_proc WHERE pronamespace = 'actstream'::regnamespace);
-- nobody finds what is internal
SELECT count(*) FROM pg_proc WHERE pronamespace = 'actstream_internal'::regnamespace AND pg_function_is_visible(oid);

--
-- PostgREST
--

-- the scans of a query's tables and functions, those of a stream by its name
CREATE FUNCTION conv_scans(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN (SELECT string_agg(DISTINCT coalesce(n ->> 'Stream', n ->> 'Node Type'), ', ')
            FROM jsonb_path_query(plan::jsonb, 'strict $.** ? (@."Node Type" like_regex "Scan$" && @."Node Type" != "Subquery Scan")') n);
END
$$;

SET search_path = actstream, public;
-- GET /rpc/user_stream?follower=user:1&limit=2&select=actor,verb,stream_cursor
PREPARE rpc_get (text, text) AS
WITH pgrst_source AS (
    SELECT "pgrst_call"."actor", "pgrst_call"."verb", "pgrst_call"."stream_cursor"
    FROM "actstream"."user_stream"("follower" := $1::"actstream"."ref", "before" := $2::text) pgrst_call)
SELECT coalesce(json_agg(_postgrest_t), '[]') AS body
FROM (SELECT "pgrst_source".* FROM "pgrst_source" LIMIT 2 OFFSET 0) _postgrest_t;
EXECUTE rpc_get('user:1', NULL);
SELECT stream_cursor(a) AS cursor FROM user_stream('user:1') a OFFSET 1 LIMIT 1 \gset
EXECUTE rpc_get('user:1', :'cursor');
SELECT conv_scans($$EXECUTE rpc_get('user:1', NULL)$$);
-- POST /rpc/user_stream {"follower": "user:1"}
PREPARE rpc_post (json) AS
WITH pgrst_source AS (
    SELECT "pgrst_call".*
    FROM (SELECT $1 AS json_data) pgrst_payload,
         LATERAL (SELECT "follower" FROM json_to_record(pgrst_payload.json_data) AS _("follower" "actstream"."ref")) pgrst_body,
         LATERAL "actstream"."user_stream"("follower" := pgrst_body."follower") pgrst_call)
SELECT coalesce(json_agg(_postgrest_t), '[]') AS body
FROM (SELECT "pgrst_source"."verb" FROM "pgrst_source" LIMIT 2 OFFSET 0) _postgrest_t;
EXECUTE rpc_post('{"follower": "user:1"}');
SELECT conv_scans($$EXECUTE rpc_post('{"follower": "user:1"}')$$);
-- POST /rpc/act_send {"actor": "user:1", "verb": "left", "data": {"lines": 3}}
WITH pgrst_source AS (
    SELECT pgrst_call.*
    FROM (SELECT '{"actor": "user:1", "verb": "left", "data": {"lines": 3}}'::json AS json_data) pgrst_payload,
         LATERAL (SELECT "actor", "verb", "data" FROM json_to_record(pgrst_payload.json_data)
                  AS _("actor" "actstream"."ref", "verb" text, "data" jsonb)) pgrst_body,
         LATERAL "actstream"."act_send"("actor" := pgrst_body."actor", "verb" := pgrst_body."verb", "data" := pgrst_body."data") pgrst_call)
SELECT row_to_json(_postgrest_t)::jsonb - 'id' - 'timestamp' AS body FROM (SELECT "pgrst_source".* FROM "pgrst_source") _postgrest_t;
SELECT count(*) FROM actstream.actions WHERE verb = 'left';
-- GET /actions?actor=eq.user:2&verb=in.(came,saw)&select=verb,sentence
PREPARE rest_get (unknown, unknown) AS
SELECT "actstream"."actions"."verb", left("actstream"."actions"."sentence", 8) AS "sentence"
FROM "actstream"."actions" WHERE "actstream"."actions"."actor" = $1 AND "actstream"."actions"."verb" = ANY ($2)
ORDER BY "actstream"."actions"."id";
EXECUTE rest_get('user:2', '{came,saw}');
RESET search_path;

--
-- Hasura, or whoever puts functions before ours: the planner looks through them
--

CREATE FUNCTION conv_feed(reader text, before text DEFAULT NULL) RETURNS SETOF actstream.actions STABLE LANGUAGE sql AS
$$ SELECT * FROM actstream.user_stream(reader, before => conv_feed.before) $$;
CREATE FUNCTION conv_feed_atomic(reader text, before text DEFAULT NULL) RETURNS SETOF actstream.actions STABLE LANGUAGE sql
BEGIN ATOMIC SELECT * FROM actstream.user_stream(reader, before => conv_feed_atomic.before); END;
SELECT json_agg(row_to_json(r)) FROM (SELECT f.actor, f.verb FROM conv_feed(('user:1')::text, (NULL)::text) f WHERE ('true') LIMIT 2) r;
SELECT conv_scans($$SELECT * FROM conv_feed('user:1') LIMIT 2$$), conv_scans($$SELECT * FROM conv_feed_atomic('user:1') LIMIT 2$$);

DEALLOCATE ALL;
DROP FUNCTION conv_feed, conv_feed_atomic, conv_scans;
SET client_min_messages = warning;
DROP TABLE conv_user CASCADE;
