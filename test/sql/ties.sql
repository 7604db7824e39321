--
-- Many actions of one instant: a page costs what any other page costs, and no
-- action is lost or shown twice, whatever the ids are like.
--
\i test/lib/fresh.sql
SET datestyle = 'ISO';
SET timezone = 'UTC';
SET search_path = public, actstream;
-- what the map spares depends on when it was filled
SET actstream.enable_recency_map = off;

SELECT label FROM actstream.register_external('person');
SELECT label FROM actstream.register_external('repo');
SELECT label FROM actstream.register_external('rare');

-- 1000 actions a minute apart, 30000 of one instant, whose ids do not follow the
-- order in which they are stored, and 1000 more
CREATE FUNCTION send(first int, last int, at timestamptz, step interval) RETURNS void LANGUAGE sql AS $$
    INSERT INTO actstream.actions (id, "timestamp", public, actor, verb, target, action_object)
    SELECT i, at + (i - first) * step, i % 50 <> 0, actstream.ref('person', i % 100), 'did',
           actstream.ref('repo', i % 103), CASE WHEN i % 1000 = 1 THEN actstream.ref('rare', i) END
    FROM generate_series(first, last) AS i ORDER BY hashint4(i)
$$;
SELECT send(1, 1000, '2026-01-01 00:00+00', '1 minute'),
       send(1001, 31000, '2026-01-02 00:00+00', '0'),
       send(31001, 32000, '2026-01-02 00:01+00', '1 minute');
INSERT INTO actstream.follows (follower, followee, actor_only)
SELECT 'person:1000', actstream.ref('person', i), i % 2 = 0 FROM generate_series(0, 99) AS i
UNION ALL
SELECT 'person:1001', actstream.ref('repo', i), false FROM generate_series(0, 3) AS i
UNION ALL
-- who meets actions twice
SELECT 'person:1002', actstream.ref('repo', i), false FROM generate_series(0, 2) AS i
UNION ALL
SELECT 'person:1002', actstream.ref('person', i), true FROM generate_series(0, 5) AS i;
VACUUM ANALYZE actstream.actions, actstream.follows;

--
-- What a page reads
--

-- Read from the indexes, with few entries of them and few rows for a page of 20?
CREATE FUNCTION page_figures(stream text, condition text DEFAULT 'true', OUT rows int, OUT read text)
LANGUAGE plpgsql SET max_parallel_workers_per_gather = 0 AS $$
DECLARE
    plan json;
    entries int;
    fetches int;
BEGIN
    EXECUTE format('EXPLAIN (ANALYZE, FORMAT json, COSTS OFF, TIMING OFF, SUMMARY OFF) '
                   'SELECT * FROM %s AS s WHERE %s LIMIT 20', stream, condition) INTO plan;
    plan := plan->0->'Plan'->'Plans'->0;
    rows := (plan->>'Actual Rows')::numeric;
    entries := plan->>'Index Entries Read';
    fetches := plan->>'Heap Fetches';
    read := CASE WHEN entries < 2500 AND fetches < 200 THEN 'little'
                 ELSE format('%s entries, %s rows', entries, fetches) END;
END
$$;
CREATE TABLE stream (name text, call text);
INSERT INTO stream VALUES
    ('public', 'actstream.public_stream()'),
    ('actor', $$actstream.actor_stream('person:7')$$),
    ('any', $$actstream.any_stream('repo:7')$$),
    ('model', $$actstream.model_stream('repo')$$),
    ('rare model', $$actstream.model_stream('rare')$$),
    ('user, many', $$actstream.user_stream('person:1000')$$),
    ('user, few', $$actstream.user_stream('person:1001')$$),
    ('user, twice', $$actstream.user_stream('person:1002')$$);

-- The first page of all, the first of the instant, and those that begin or end in
-- the middle of it.
SELECT name, condition, p.* FROM stream, (VALUES
    (1, 'true'),
    (2, $$"timestamp" <= '2026-01-02 00:00+00'$$),
    (3, $$("timestamp", id) < ('2026-01-02 00:00+00', 16000)$$),
    (4, $$("timestamp", id) <= ('2026-01-02 00:00+00'::timestamptz, 1100::smallint)$$),
    (5, $$(timestamptz '2026-01-02 00:00+00', 16000) > ("timestamp", id)$$),
    (6, $$("timestamp", id, verb) < ('2026-01-02 00:00+00', 16000, 'a')$$)) AS c (n, condition),
    page_figures(call, condition) AS p
ORDER BY n, name;
-- from the end of the instant on: what is read ends there as well
SELECT name, condition, p.* FROM stream, (VALUES
    (1, $$("timestamp", id) > ('2026-01-02 00:00+00', 30980) AND "timestamp" = '2026-01-02 00:00+00'$$),
    (2, $$("timestamp", id) >= ('2026-01-02 00:00+00', 30980) AND "timestamp" < '2026-01-02 00:00:01+00'$$),
    (3, $$(timestamptz '2026-01-02 00:00+00', 31000::bigint) < ("timestamp", id) AND "timestamp" < '2026-01-02 00:01:01+00'$$)) AS c (n, condition),
    page_figures(call, condition) AS p
ORDER BY n, name;

-- bounds at the ends of what there can be, and null ones
SELECT count(*) FROM public_stream() WHERE ("timestamp", id) > ('infinity', 9223372036854775807);
SELECT count(*) FROM public_stream() WHERE ("timestamp", id) < ('-infinity', (-9223372036854775808)::bigint);
SELECT count(*) FROM public_stream() WHERE ("timestamp", id) <= ('infinity', 9223372036854775807);
SELECT count(*) FROM public_stream() WHERE ("timestamp", id) >= ('-infinity', (-9223372036854775808)::bigint);
SELECT count(*) FROM public_stream() WHERE ("timestamp", id) < ('2026-01-02 00:00+00', (-9223372036854775808)::bigint);
SELECT count(*) FROM public_stream() WHERE ("timestamp", id) > ('2026-01-02 00:00+00', 9223372036854775807);
SELECT count(*) FROM public_stream() WHERE ("timestamp", id) < ('2026-01-02 00:00+00', NULL);
SELECT count(*) FROM public_stream() WHERE ("timestamp", id) > ('2026-01-02 00:00+00', NULL);
SELECT count(*) FROM public_stream() WHERE ("timestamp", id) < (NULL, 1);
-- what is compared with changes from row to row
SELECT count(*) FROM public_stream() WHERE ("timestamp", id) < ('2026-01-02 00:00+00', id + 1);
SELECT count(*) FROM public_stream() WHERE ("timestamp", 16000) < ('2026-01-02 00:00+00', id);

--
-- All pages, one after the other
--

CREATE FUNCTION pages(stream text, page int) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    result bigint[] := '{}';
    last bigint;
    more bigint[];
BEGIN
    LOOP
        EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM %s AS s '
                       'WHERE $1 IS NULL OR ("timestamp", id) < ($2, $1) LIMIT %s) AS p', stream, page)
        INTO more USING last, (SELECT "timestamp" FROM actstream.actions WHERE id = last);
        EXIT WHEN more IS NULL;
        result := result || more;
        last := more[cardinality(more)];
    END LOOP;
    RETURN result;
END
$$;
CREATE FUNCTION wanted(stream text) RETURNS bigint[] LANGUAGE plpgsql SET actstream.enable_streamscan = off AS $$
DECLARE
    result bigint[];
BEGIN
    EXECUTE format('SELECT array_agg(id ORDER BY "timestamp" DESC, id DESC) FROM %s AS s', stream) INTO result;
    RETURN result;
END
$$;
SELECT name, cardinality(wanted(call)) AS rows, pages(call, 1000) = wanted(call) AS in_pages,
       pages(call, 100000) = wanted(call) AS at_once
FROM stream ORDER BY name;
SELECT pages(call, 20) = wanted(call) AS in_small_pages FROM stream WHERE name = 'user, few';
-- the lists of a merge, all of them with their next action at the same instant
SET actstream.enable_recency_map = on;
SELECT pages(call, 500) = wanted(call) AS in_pages FROM stream WHERE name LIKE 'user%';
SET actstream.enable_recency_map = off;

--
-- Versions of one row have its place, and so have rows of the same id, or of none
--

-- An index that keeps those in one tuple has them in another order than one that
-- does not.  Dead versions are in it, as long as somebody could see them.
BEGIN;
DROP INDEX actstream.actions_actor_idx;
UPDATE actstream.actions SET external_id = id::text WHERE id % 3 = 0;
UPDATE actstream.actions SET external_id = 'again ' || id::text WHERE id % 9 = 0;
CREATE INDEX ON actstream.actions (actor, public, "timestamp", id);
SELECT name, pages(call, 100000) = wanted(call) AS at_once FROM stream WHERE name LIKE 'user%' ORDER BY name;
ROLLBACK;

ALTER TABLE actstream.actions DROP CONSTRAINT actions_pkey,
    ALTER id DROP IDENTITY, ALTER id DROP NOT NULL, ALTER "timestamp" DROP NOT NULL;
DROP INDEX actstream.actions_actor_idx;
CREATE INDEX ON actstream.actions (actor, public, "timestamp", id);
-- past the trigger, which refuses some
SET session_replication_role = replica;
INSERT INTO actstream.actions (id, "timestamp", actor, verb, target, description)
SELECT CASE WHEN i % 2000 = 0 THEN NULL WHEN i % 3 = 0 THEN 16001 WHEN i % 100 = 1 THEN 9223372036854775807 ELSE i % 7000 END,
       CASE WHEN i % 1900 = 0 THEN NULL WHEN i % 2000 = 1 THEN 'infinity' WHEN i % 2000 = 2 THEN '-infinity'
            ELSE timestamptz '2026-01-02 00:00+00' END,
       'person:7', 'did again', actstream.ref('repo', i % 4), i
FROM generate_series(1, 12000) AS i ORDER BY hashint4(i);
INSERT INTO actstream.actions (id, "timestamp", actor, verb, target)
VALUES ((-9223372036854775808)::bigint, '-infinity', 'person:7', 'did first', 'repo:1');
RESET session_replication_role;

-- Each row once, in order, but for rows without a time, which are in no stream that is
-- read from the indexes.  No id has the place of the largest one.
CREATE FUNCTION as_wanted(stream text, rows text, OUT n int, OUT distinct_rows boolean, OUT as_wanted boolean, OUT in_order boolean)
LANGUAGE plpgsql SET enable_sort = on AS $$
BEGIN
    EXECUTE format($query$
        WITH got AS MATERIALIZED (SELECT row_number() OVER () AS n, s."timestamp", coalesce(s.id, 9223372036854775807) AS id, s.actor, s.target, s.description FROM %s AS s),
             wanted AS MATERIALIZED (SELECT a."timestamp", coalesce(a.id, 9223372036854775807), a.actor, a.target, a.description FROM actstream.actions a
                                     WHERE a.public AND a."timestamp" IS NOT NULL AND %s)
        SELECT (SELECT count(*) FROM got), NOT EXISTS (SELECT FROM got GROUP BY "timestamp", id, actor, target, description HAVING count(*) > 1),
               NOT EXISTS ((SELECT "timestamp", id, actor, target, description FROM got) EXCEPT ALL TABLE wanted)
               AND (SELECT count(*) FROM got) = (SELECT count(*) FROM wanted),
               NOT EXISTS (SELECT FROM (SELECT "timestamp", id, lead("timestamp") OVER w AS next_time, lead(id) OVER w AS next_id
                                        FROM got WINDOW w AS (ORDER BY n)) AS g
                           WHERE next_time > "timestamp" OR (next_time = "timestamp" AND id < next_id))
        $query$, stream, rows) INTO n, distinct_rows, as_wanted, in_order;
END
$$;
SELECT * FROM as_wanted('actstream.public_stream()', 'true');
SELECT * FROM as_wanted($$actstream.actor_stream('person:7')$$, $$a.actor = 'person:7'$$);
SELECT * FROM as_wanted($$actstream.model_stream('repo')$$, $$a.target IS NOT NULL$$);
SELECT * FROM as_wanted($$actstream.user_stream('person:1000')$$, $$a.actor >= 'person:0' AND a.actor <= 'person:99'$$);
SELECT * FROM as_wanted($$actstream.user_stream('person:1001')$$, $$a.target >= 'repo:0' AND a.target <= 'repo:3'$$);
SELECT * FROM as_wanted($$actstream.user_stream('person:1002')$$, $$((a.target >= 'repo:0' AND a.target <= 'repo:2') OR (a.actor >= 'person:0' AND a.actor <= 'person:5'))$$);
SET actstream.enable_recency_map = on;
SELECT * FROM as_wanted($$actstream.user_stream('person:1000')$$, $$a.actor >= 'person:0' AND a.actor <= 'person:99'$$);
-- from the middle of those with one id
SELECT count(*), min(id) AS oldest, max(id) AS newest FROM actstream.user_stream('person:1001')
WHERE ("timestamp", id) <= ('2026-01-02 00:00+00', 16001) AND ("timestamp", id) >= ('2026-01-02 00:00+00', 15000);
SELECT count(*), min(id) AS oldest, max(id) AS newest FROM actstream.actions
WHERE ("timestamp", id) <= ('2026-01-02 00:00+00', 16001) AND ("timestamp", id) >= ('2026-01-02 00:00+00', 15000)
  AND public AND target >= 'repo:0' AND target <= 'repo:3';

DROP TABLE stream;
DROP FUNCTION send, page_figures, pages, wanted, as_wanted;
SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
