--
-- Groups compared with GROUP BY over the streams, whole and page by page, for 320 readers of
-- 12,000 actions: private ones, many at the same time, some at infinity.
--
\i test/lib/fresh.sql
SET timezone = 'UTC';
SET intervalstyle = 'postgres';
SELECT setseed(0.15) IS NOT NULL AS seeded;
CREATE SCHEMA groups;

SELECT label FROM actstream.register_external('o');
SET session_replication_role = replica;         -- the references need no check
INSERT INTO actstream.actions ("timestamp", public, actor, verb, action_object, target)
SELECT CASE WHEN i % 997 = 0 THEN 'infinity' WHEN i % 991 = 0 THEN '-infinity'
            WHEN i % 983 = 0 THEN timestamptz '0044-03-15 12:00+00 BC' + i * interval '1 hour'
            WHEN i % 3 = 0 THEN date_trunc('hour', t) ELSE t END,
       random() < 0.9, 'o:' || 1 + floor(random() ^ 2 * 300), (ARRAY['liked', 'saw', 'wrote', 'Liked'])[1 + floor(random() * 4)],
       CASE WHEN random() < 0.8 THEN 'o:' || 1 + floor(random() ^ 3 * 60) END,
       CASE WHEN random() < 0.7 THEN 'o:' || 1 + floor(random() ^ 3 * 40) END
FROM (SELECT i, timestamptz '2000-12-20 00:00+00' + random() * interval '40 days' AS t FROM generate_series(1, 12000) i) r;
INSERT INTO actstream.follows (follower, followee, flag, actor_only)
SELECT 'o:' || r, 'o:' || 1 + floor(random() ^ 2 * 400), (ARRAY['', 'watching'])[1 + n % 2], random() < 0.7
FROM generate_series(1, 320) r, generate_series(1, 1 + r % 25) n
ON CONFLICT DO NOTHING;
RESET session_replication_role;
ANALYZE actstream.actions, actstream.follows;

-- The groups of actions by definition, without cursors.
CREATE FUNCTION groups.plain(actions actstream.action[], by text[], span interval, sample integer) RETURNS SETOF text STABLE LANGUAGE sql AS $$
    WITH binned AS (
        SELECT *, CASE WHEN isfinite("timestamp") THEN date_bin(span, "timestamp", '2001-01-01 00:00+00') ELSE "timestamp" END AS bin,
               CASE WHEN 'actor' = ANY (by) THEN actor END AS k1, CASE WHEN 'verb' = ANY (by) THEN verb END COLLATE "C" AS k2,
               CASE WHEN 'action_object' = ANY (by) THEN action_object END AS k3, CASE WHEN 'target' = ANY (by) THEN target END AS k4
        FROM unnest(actions)),
    numbered AS (
        SELECT *, row_number() OVER (PARTITION BY bin, k1, k2, k3, k4, actor ORDER BY "timestamp" DESC, id DESC) AS n FROM binned)
    SELECT ROW(max("timestamp"), min("timestamp"),
               CASE WHEN count(DISTINCT verb) = 1 THEN min(verb) END,
               CASE WHEN count(DISTINCT actor) = 1 THEN min(actor) END,
               CASE WHEN count(DISTINCT action_object) = 1 AND count(action_object) = count(*) THEN min(action_object) END,
               CASE WHEN count(DISTINCT target) = 1 AND count(target) = count(*) THEN min(target) END,
               count(*), count(DISTINCT actor),
               coalesce((array_agg(actor ORDER BY "timestamp" DESC, id DESC) FILTER (WHERE n = 1))[:sample], '{}'),
               (array_agg(id ORDER BY "timestamp" DESC, id DESC))[:sample])::text
    FROM numbered
    GROUP BY bin, k1, k2, k3, k4
    ORDER BY max("timestamp") DESC, (array_agg(id ORDER BY "timestamp" DESC, id DESC))[1] DESC
$$;

-- A group without its cursor.
CREATE FUNCTION groups.shown(g actstream.action_group) RETURNS text IMMUTABLE LANGUAGE sql
RETURN ROW(g.newest, g.oldest, g.verb, g.actor, g.action_object, g.target, g.actions, g.actors, g.actor_sample, g.action_sample)::text;

CREATE TABLE groups.result (kind text, whole boolean, pages boolean, npages integer, ngroups integer);

-- Compare the groups that the call returns with those of the stream, whole and in pages.
CREATE PROCEDURE groups.compare(kind text, call text, stream text, by text[], span interval, sample integer, page integer) LANGUAGE plpgsql AS $$
DECLARE
    wanted text[];
    whole  text[];
    paged  text[] := '{}';
    got    text[];
    cursor text;
    n      integer := 0;
BEGIN
    EXECUTE format('SELECT array(SELECT * FROM groups.plain(array(SELECT a FROM %s a), $1, $2, $3))', stream)
    INTO wanted USING by, span, sample;
    page := greatest(page, cardinality(wanted) / 15);
    EXECUTE format('SELECT array(SELECT groups.shown(g) FROM %s g)', format(call, 'NULL')) INTO whole USING by, span, sample;
    LOOP
        EXECUTE format('SELECT array_agg(groups.shown(g)), (array_agg(g.cursor))[count(*)] FROM (SELECT * FROM %s LIMIT %s) g',
                       format(call, quote_nullable(cursor)), page) INTO got, cursor USING by, span, sample;
        n := n + 1;
        paged := paged || got;
        EXIT WHEN cursor IS NULL OR cardinality(got) < page;
    END LOOP;
    INSERT INTO groups.result VALUES (kind, whole = wanted, paged = wanted, n, cardinality(wanted));
END
$$;

-- Any element of an array, of all the same probability.
CREATE FUNCTION groups.any_of(anyarray) RETURNS anyelement VOLATILE LANGUAGE sql AS 'SELECT $1[1 + floor(random() * cardinality($1))]';
CREATE FUNCTION groups.any_by() RETURNS text[] VOLATILE LANGUAGE sql AS $$
    SELECT coalesce(array_agg(c) FILTER (WHERE random() < 0.5), '{verb,target,verb}') FROM unnest('{actor,verb,action_object,target}'::text[]) c
$$;

DO $$
DECLARE
    spans   interval[] := '{1 day,7 days,1 hour,00:00:01,90 minutes,30 days 00:00:01,100000 days,00:00:00.000007}';
    samples integer[] := '{0,1,3,4,17,1000}';
BEGIN
    FOR r IN 1..320 LOOP
        DECLARE
            flag text := (ARRAY[NULL, '', 'watching', 'none'])[1 + floor(random() * 4)];
        BEGIN
            CALL groups.compare('user_groups', format('actstream.user_groups(''o:%s'', $1, $2, $3, %L, before => %%s)', r, flag),
                                format('actstream.user_stream(''o:%s'', %L)', r, flag),
                                groups.any_by(), groups.any_of(spans), groups.any_of(samples), groups.any_of('{1,7,20,100,500}'::integer[]));
        END;
    END LOOP;
    FOR r IN 1..60 LOOP
        DECLARE
            objects text := array(SELECT 'o:' || 1 + floor(random() ^ 2 * 400) FROM generate_series(1, 1 + r % 9));
            roles   text := groups.any_of('{"{actor}","{target,action_object}","{actor,action_object,target}"}'::text[]);
        BEGIN
            CALL groups.compare('groups_of', format('actstream.groups_of(%L, %L, $1, $2, $3, before => %%s)', objects, roles),
                                format('actstream.stream_of(%L, %L)', objects, roles),
                                groups.any_by(), groups.any_of(spans), groups.any_of(samples), groups.any_of('{1,7,20,100,500}'::integer[]));
        END;
    END LOOP;
END
$$;
SELECT kind, count(*) AS cases, count(*) FILTER (WHERE whole) AS whole, count(*) FILTER (WHERE pages) AS pages,
       sum(npages) > 5 * count(*) AS many_pages, max(ngroups) > 2000 AS many_groups
FROM groups.result GROUP BY kind ORDER BY kind;

SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
DROP SCHEMA groups CASCADE;
