-- What is computed for a reader: mutes, badges, groups, a rare verb, counts of followers; in
-- turns with a plain page of twenty of the same reader, and as multiples of it.
--
--   :n       actions
--   :rounds  how many
--
-- In an empty database.  There is an action every 30 seconds, of one of 10,000 objects; one
-- in 30,000 has a rare verb.  One object has :n followers, nineteen others have a tenth of
-- that together.  The second of two calls in a row is timed.
\set ON_ERROR_STOP on
\set QUIET on
SET client_min_messages = warning;

CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); PERFORM actstream.register_external(l) FROM unnest(''{o,p,r}''::text[]) AS l; END';
CREATE INDEX ON actstream.actions (verb, "timestamp");
INSERT INTO actstream.actions ("timestamp", actor, verb, target)
SELECT '2025-01-01 00:00+00'::timestamptz + i * interval '30 seconds', actstream.ref('o', hashint8(i) % 5000 + 5000),
       CASE WHEN i % 30000 = 0 THEN 'retired' ELSE 'did ' || i % 7 END, actstream.ref('p', hashint8(i + 1) % 50 + 50)
FROM generate_series(1, :n) AS i;
-- reader r:F follows F objects, and so does r:F0000, who mutes 100, half of them followed
INSERT INTO actstream.follows (follower, followee)
SELECT actstream.ref('r', f * m), actstream.ref('o', i * 9) FROM unnest('{100,1000}'::int[]) AS f, unnest('{1,10000}'::int[]) AS m, generate_series(1, f) AS i;
INSERT INTO actstream.mutes (muter, muted)
SELECT actstream.ref('r', f * 10000), actstream.ref('o', i * 18 * f / 100) FROM unnest('{100,1000}'::int[]) AS f, generate_series(1, 100) AS i;
INSERT INTO actstream.follows (follower, followee) SELECT actstream.ref('p', i), 'o:1' FROM generate_series(1, :n) AS i;
INSERT INTO actstream.follows (follower, followee) SELECT actstream.ref('p', i), actstream.ref('o', 2 + i % 19) FROM generate_series(1, :n / 10) AS i;
VACUUM ANALYZE;
SELECT actstream.recency_build() \g /dev/null
SELECT count(actstream.mark_all_read(actstream.ref('r', f), up_to => (SELECT actstream.stream_cursor(s) FROM actstream.user_stream(actstream.ref('r', f)) s OFFSET 150 LIMIT 1)))
FROM unnest('{100,1000}'::int[]) AS f \g /dev/null

CREATE TABLE cell (place int GENERATED ALWAYS AS IDENTITY, name text PRIMARY KEY, query text, followees int, microseconds float8[]);
INSERT INTO cell (name, followees, query)
SELECT format('%s, F = %s', name, f), f, replace(replace(query, ':muter', quote_literal('r:' || f * 10000)), ':reader', quote_literal('r:' || f))
FROM unnest('{100,1000}'::int[]) AS f, (VALUES
    (1, 'page', 'SELECT s.* FROM actstream.user_stream(:reader) s LIMIT 20'),
    (2, 'page with 100 mutes', 'SELECT s.* FROM actstream.user_stream(:muter) s LIMIT 20'),
    (3, 'badge up to 100', 'SELECT actstream.unread_count(:reader)'),
    (4, 'page of notifications', 'SELECT n.* FROM actstream.notifications(:reader) n LIMIT 20'),
    (5, '20 groups of a day', 'SELECT g.* FROM actstream.user_groups(:reader) g LIMIT 20'),
    (6, 'page of a rare verb', 'SELECT s.* FROM actstream.user_stream(:reader) s WHERE s.verb = ''retired'' LIMIT 20'),
    (7, 'counts of 20 objects', 'SELECT c.* FROM actstream.follower_counts(ARRAY(SELECT actstream.ref(''o'', i) FROM generate_series(1, 20) AS i)) c')
) AS q (place, name, query) ORDER BY f, q.place;
SELECT format('CREATE FUNCTION cell_%s() RETURNS void LANGUAGE plpgsql AS %L', place, format('BEGIN PERFORM x.* FROM (%s) AS x; END', query)) FROM cell \gexec

CREATE PROCEDURE measure(rounds int) LANGUAGE plpgsql AS $$
DECLARE
    c cell;
    start timestamptz;
BEGIN
    FOR i IN -5..rounds LOOP
        FOR c IN SELECT * FROM cell ORDER BY hashtext(format('%s %s', i, place)) LOOP
            EXECUTE format('SELECT cell_%s()', c.place);
            start := clock_timestamp();
            EXECUTE format('SELECT cell_%s()', c.place);
            IF i > 0 THEN
                UPDATE cell SET microseconds = microseconds || (extract(epoch FROM clock_timestamp() - start) * 1e6)::float8 WHERE place = c.place;
            END IF;
        END LOOP;
        COMMIT;
    END LOOP;
END
$$;
CALL measure(:rounds);

SELECT c.name, round(m.median::numeric) AS microseconds, round((m.median / first_value(m.median) OVER (PARTITION BY c.followees ORDER BY c.place))::numeric, 2) AS pages
FROM cell c, LATERAL (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY t) AS median FROM unnest(c.microseconds) AS t) AS m
ORDER BY c.place;
