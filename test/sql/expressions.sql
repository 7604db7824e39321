--
-- Every form in which applications and their libraries compare references, with typed
-- parameters, concatenation, lists, joins, views, policies: it is understood whatever
-- search_path is, and an index serves it.
--
\i test/lib/fresh.sql

CREATE SCHEMA expr;
CREATE SCHEMA expr_empty;
CREATE TABLE expr.users (id integer PRIMARY KEY, key uuid NOT NULL, name text);
INSERT INTO expr.users
SELECT i, ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid, 'User ' || i FROM generate_series(1, 200) i;
SELECT label FROM actstream.register('expr.users', 'user');
-- of each user 200 actions, and as many on each
INSERT INTO actstream.actions (actor, verb, target, "timestamp")
SELECT 'user:' || 1 + i % 200, 'did', 'user:' || 1 + i / 200, '2026-01-01'::timestamptz + i * interval '1 s'
FROM generate_series(0, 39999) i;
INSERT INTO actstream.follows (follower, followee)
SELECT 'user:' || i, 'user:' || j FROM generate_series(1, 200) i, generate_series(1, 10) j WHERE i <> j;
VACUUM ANALYZE actstream.actions, actstream.follows, expr.users;

CREATE VIEW expr.theirs AS SELECT * FROM actstream.actions WHERE actor = 'user:' || 1;
CREATE FUNCTION expr.count_of(integer) RETURNS bigint STABLE LANGUAGE plpgsql SET search_path = '' AS
    $$ BEGIN RETURN (SELECT count(*) FROM actstream.actions WHERE actor = 'user:' || $1); END $$;

CREATE ROLE expr_tenant;
ALTER ROLE expr_tenant SET search_path = expr_empty;
GRANT USAGE ON SCHEMA expr, actstream TO expr_tenant;
GRANT SELECT, UPDATE, DELETE ON actstream.actions TO expr_tenant;
GRANT SELECT ON actstream.follows, actstream.mutes, expr.users, expr.theirs TO expr_tenant;
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON actstream.actions TO expr_tenant USING (actor = 'user:' || current_setting('expr.whose'));
SET expr.whose = '1';

-- How the query, in which $1 and so on are parameters of these types, reads the table of
-- actions: "index" if indexes find the rows for each scan of it, or the name of the stream
-- that it is; else what filters them.
CREATE FUNCTION expr.reads(query text, types text, arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan json;
    scan json;
    result text := 'no scan';
BEGIN
    EXECUTE format('PREPARE expr_query%s AS %s', '(' || types || ')', query);
    EXECUTE format('EXPLAIN (FORMAT JSON, VERBOSE) EXECUTE expr_query%s', '(' || arguments || ')') INTO plan;
    DEALLOCATE expr_query;
    FOR scan IN
        SELECT value::json FROM jsonb_path_query(plan::jsonb, 'strict $.** ? (@."Relation Name" == "actions")') AS value
        WHERE value ->> 'Node Type' <> 'ModifyTable'
    LOOP
        IF scan ->> 'Node Type' = 'Custom Scan' THEN
            result := scan ->> 'Stream';
        ELSIF scan ->> 'Node Type' ~ '^(Index|Bitmap)' AND concat(scan ->> 'Filter') !~ 'actor|target' THEN
            result := 'index';
        ELSE
            RETURN coalesce(scan ->> 'Filter', 'no condition');
        END IF;
    END LOOP;
    RETURN result;
END
$$;

-- The number of rows that the query returns, or changes.
CREATE FUNCTION expr.rows(query text, types text, arguments text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    result bigint;
BEGIN
    EXECUTE format('PREPARE expr_query%s AS WITH q AS (%s) SELECT count(*) FROM q', '(' || types || ')', query);
    EXECUTE format('EXECUTE expr_query%s', '(' || arguments || ')') INTO result;
    DEALLOCATE expr_query;
    RETURN result;
END
$$;

CREATE TABLE expr.forms (n integer GENERATED ALWAYS AS IDENTITY, types text, query text, arguments text);
INSERT INTO expr.forms (types, query, arguments) VALUES
    -- constants and parameters
    (NULL, $$SELECT * FROM actstream.actions WHERE actor = 'user:1'$$, NULL),
    (NULL, $$SELECT * FROM actstream.actions WHERE 'user:1' = actor$$, NULL),
    (NULL, $$SELECT * FROM actstream.actions WHERE actor = 'user:' || 1$$, NULL),
    ('text', $$SELECT * FROM actstream.actions WHERE actor = $1$$, $$'user:1'$$),
    ('varchar', $$SELECT * FROM actstream.actions WHERE actor = $1$$, $$'user:1'$$),
    ('varchar', $$SELECT * FROM actstream.actions WHERE $1 = actor$$, $$'user:1'$$),
    ('unknown', $$SELECT * FROM actstream.actions WHERE actor = $1$$, $$'user:1'$$),
    (NULL, $$SELECT * FROM actstream.actions WHERE actor = 'user:1'::varchar$$, NULL),
    ('integer', $$SELECT * FROM actstream.actions WHERE actor = 'user:' || $1$$, '1'),
    ('bigint', $$SELECT * FROM actstream.actions WHERE actor = actstream.ref('user', $1)$$, '1'),
    ('smallint', $$SELECT * FROM actstream.actions WHERE actor = actstream.ref('user', $1)$$, '1::smallint'),
    ('varchar', $$SELECT * FROM actstream.actions WHERE actor = actstream.ref('user', $1)$$, $$'1'$$),
    ('varchar, bigint', $$SELECT * FROM actstream.actions WHERE actor = $1 || ':' || $2$$, $$'user', 1$$),
    -- lists
    (NULL, $$SELECT * FROM actstream.actions WHERE actor IN ('user:1', 'user:2')$$, NULL),
    (NULL, $$SELECT * FROM actstream.actions WHERE actor IN ('user:' || 1, 'user:' || 2)$$, NULL),
    ('text, text', $$SELECT * FROM actstream.actions WHERE actor IN ($1, $2)$$, $$'user:1', 'user:2'$$),
    ('varchar, varchar', $$SELECT * FROM actstream.actions WHERE actor IN ($1, $2)$$, $$'user:1', 'user:2'$$),
    ('text[]', $$SELECT * FROM actstream.actions WHERE actor = ANY ($1)$$, $$'{user:1,user:2}'$$),
    ('varchar[]', $$SELECT * FROM actstream.actions WHERE actor = ANY ($1)$$, $$'{user:1,user:2}'$$),
    (NULL, $$SELECT * FROM actstream.actions WHERE actor = ANY ('{user:1,user:2}'::text[])$$, NULL),
    (NULL, $$SELECT * FROM actstream.actions WHERE actor = ANY (ARRAY['user:' || 1, 'user:' || 2])$$, NULL),
    -- ranges
    (NULL, $$SELECT * FROM actstream.actions WHERE actor >= 'user:1' AND actor < 'user:3'::varchar$$, NULL),
    ('text, text', $$SELECT * FROM actstream.actions WHERE actor BETWEEN $1 AND $2$$, $$'user:1', 'user:2'$$),
    ('text, timestamptz', $$SELECT * FROM actstream.actions WHERE actor = $1 AND public AND "timestamp" < $2$$, $$'user:1', '2026-01-01 00:01'$$),
    -- joins and subqueries
    (NULL, $$SELECT * FROM expr.users u JOIN actstream.actions a ON a.actor = 'user:' || u.id WHERE u.id IN (1, 2)$$, NULL),
    (NULL, $$SELECT * FROM expr.users u JOIN actstream.actions a ON a.actor = actstream.ref('user', u.id) WHERE u.id IN (1, 2)$$, NULL),
    (NULL, $$SELECT * FROM expr.users u JOIN actstream.actions a ON a.actor = actstream.ref_of(u) WHERE u.id IN (1, 2)$$, NULL),
    (NULL, $$SELECT * FROM expr.users u LEFT JOIN actstream.actions a ON a.target = 'user:' || u.id WHERE u.id IN (1, 2)$$, NULL),
    (NULL, $$SELECT * FROM actstream.follows f JOIN actstream.actions a ON a.actor = f.followee WHERE f.follower = 'user:' || 1 AND f.followee IN ('user:2', 'user:3')$$, NULL),
    (NULL, $$SELECT * FROM actstream.actions WHERE actor IN (SELECT 'user:' || id FROM expr.users WHERE id < 3)$$, NULL),
    (NULL, $$SELECT * FROM actstream.actions WHERE actor = (SELECT 'user:' || id FROM expr.users WHERE name = 'User 1')$$, NULL),
    (NULL, $$SELECT * FROM expr.users u WHERE id < 3 AND EXISTS (SELECT FROM actstream.actions a WHERE a.actor = 'user:' || u.id)$$, NULL),
    (NULL, $$SELECT min(actor) FROM actstream.actions WHERE actor > 'user:' || 1$$, NULL),
    -- views and functions
    (NULL, $$SELECT * FROM expr.theirs$$, NULL),
    (NULL, $$SELECT * FROM expr.theirs WHERE target IN ('user:1', 'user:2')$$, NULL),
    -- changes
    ('text', $$UPDATE actstream.actions SET description = 'x' WHERE actor = $1 RETURNING id$$, $$'user:1'$$),
    ('varchar', $$DELETE FROM actstream.actions WHERE actor = $1 RETURNING id$$, $$'user:1'$$),
    (NULL, $$DELETE FROM actstream.actions a USING expr.users u WHERE a.actor = 'user:' || u.id AND u.id = 3 RETURNING a.id$$, NULL),
    -- streams
    (NULL, $$SELECT * FROM actstream.user_stream('user:' || 1)$$, NULL),
    ('text', $$SELECT * FROM actstream.user_stream($1)$$, $$'user:1'$$),
    ('varchar, varchar', $$SELECT * FROM actstream.user_stream($1, before => $2)$$, $$'user:1', NULL$$),
    ('varchar', $$SELECT * FROM actstream.user_stream($1) WHERE actor = 'user:' || 2$$, $$'user:1'$$),
    ('text', $$SELECT * FROM actstream.public_stream() WHERE actor = $1$$, $$'user:1'$$),
    ('varchar[]', $$SELECT * FROM actstream.public_stream() WHERE actor = ANY ($1)$$, $$'{user:1,user:2}'$$),
    ('text[]', $$SELECT * FROM actstream.stream_of($1)$$, $$'{user:1,user:2}'$$),
    ('varchar[], varchar[]', $$SELECT * FROM actstream.stream_of($1, $2)$$, $$'{user:1,user:2}', '{actor}'$$),
    (NULL, $$SELECT s.* FROM expr.users u, LATERAL actstream.actor_stream('user:' || u.id) s WHERE u.id IN (1, 2)$$, NULL),
    (NULL, $$SELECT s.* FROM expr.users u, LATERAL (SELECT * FROM actstream.user_stream(actstream.ref_of(u)) LIMIT 5) s WHERE u.id IN (1, 2)$$, NULL);

-- In any search_path, with plans for all parameters and for these
BEGIN;
SET LOCAL plan_cache_mode = force_generic_plan;
SET LOCAL search_path = '';
CREATE TABLE expr.plain AS SELECT n, expr.reads(query, types, arguments) FROM expr.forms;
SET LOCAL search_path = expr_empty;
SET LOCAL plan_cache_mode = force_custom_plan;
CREATE TABLE expr.elsewhere AS SELECT n, expr.reads(query, types, arguments) FROM expr.forms;
SET LOCAL search_path = actstream, public;
CREATE TABLE expr.inside AS SELECT n, expr.reads(query, types, arguments) FROM expr.forms;
RESET plan_cache_mode;
COMMIT;
\a \t
SELECT coalesce(types, '-') AS types, query, p.reads, NULLIF(e.reads, p.reads) AS elsewhere, NULLIF(i.reads, p.reads) AS inside
FROM expr.forms JOIN expr.plain p USING (n) JOIN expr.elsewhere e USING (n) JOIN expr.inside i USING (n) ORDER BY n;
\a \t

-- And it is what it should be
BEGIN;
SET LOCAL search_path = '';
SELECT expr.rows(query, types, arguments), count(*), array_agg(n ORDER BY n) FROM expr.forms WHERE query !~ '^(UPDATE|DELETE)' GROUP BY 1 ORDER BY 1;
SELECT expr.rows(query, types, arguments), n FROM expr.forms WHERE query ~ '^(UPDATE|DELETE)' ORDER BY n;
ROLLBACK;
SELECT expr.count_of(1);

-- Under a policy that compares, as a role that finds no schema of ours
GRANT SELECT ON expr.forms TO expr_tenant;
SET SESSION AUTHORIZATION expr_tenant;
SET search_path = expr_empty;
SELECT expr.reads('SELECT * FROM actstream.actions', NULL, NULL),
       expr.rows('SELECT * FROM actstream.actions', NULL, NULL);
SELECT expr.reads('SELECT * FROM actstream.actions WHERE target = $1', 'varchar', $$'user:2'$$),
       expr.rows('SELECT * FROM actstream.actions WHERE target = $1', 'varchar', $$'user:2'$$);
SELECT expr.reads('SELECT * FROM actstream.user_stream($1)', 'varchar', $$'user:2'$$),
       expr.rows('SELECT * FROM actstream.user_stream($1)', 'varchar', $$'user:2'$$);
SELECT expr.rows($$DELETE FROM actstream.actions WHERE actor IN ('user:' || 1, 'user:' || 2) RETURNING id$$, NULL, NULL);
RESET SESSION AUTHORIZATION;
RESET search_path;

SET client_min_messages = warning;
DROP SCHEMA expr, expr_empty CASCADE;
DROP OWNED BY expr_tenant;
DROP ROLE expr_tenant;
