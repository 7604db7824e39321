-- How pages grow: those of a smaller database and those of this one, in turns, so
-- that whatever else slows the machine slows both.
--
--   :smaller  its name
--   :rounds   a tenth of the turns

CREATE EXTENSION dblink SCHEMA bench;
\o /dev/null
SELECT bench.dblink_connect(name, format(
    'host=%s port=%s dbname=%s options=''%s''',
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), database,
    '-c search_path=pg_catalog,actstream -c plan_cache_mode=force_generic_plan -c enable_memoize=off'))
FROM (VALUES ('smaller', :'smaller'), ('larger', current_database())) AS d (name, database);

-- the first turn warms up; the numbers of rounds are below those of read.sql
SELECT format('SELECT bench.dblink_exec(%L, %L)', database,
              format('CALL bench.read(%s, ''infinity'', ''{inbox,actstream,floor}'')', -turn))
FROM generate_series(0, 10 * :rounds) AS turn, (VALUES (0, 'smaller'), (1, 'larger')) AS d (place, database)
ORDER BY turn, (turn + place) % 2
\gexec
\o

CREATE TABLE bench.growth_sample AS
SELECT true AS larger, page, kind, followees, method, microseconds
FROM bench.sample WHERE round < 0 AND warm
UNION ALL
SELECT false, * FROM bench.dblink('smaller', $$
    SELECT page, kind, followees, method, microseconds FROM bench.sample WHERE round < 0 AND warm$$)
    AS s (page text, kind text, followees int, method text, microseconds float8);
DELETE FROM bench.sample WHERE round <= 0;
SELECT actions AS smaller_n FROM bench.dblink('smaller', 'SELECT count(*) FROM actstream.actions') AS a (actions bigint) \gset
\o /dev/null
SELECT bench.dblink_disconnect(name) FROM unnest('{smaller,larger}'::text[]) AS name;
\o
