-- The report: medians and ratios on the screen and in report.txt; every sample,
-- and the quartiles, as CSV; the plans.

CREATE VIEW bench.reading AS
SELECT page, kind, followees, method, warm, samples, q[1] AS quartile_1, q[2] AS median, q[3] AS quartile_3
FROM (SELECT page, kind, followees, method, warm, count(*) AS samples,
             percentile_cont('{0.25,0.5,0.75}'::float8[]) WITHIN GROUP (ORDER BY microseconds) AS q
      FROM bench.sample GROUP BY page, kind, followees, method, warm) AS s;

CREATE VIEW bench.writing AS
SELECT what, checked, design, samples, q[1] AS quartile_1, q[2] AS median, q[3] AS quartile_3, log_bytes
FROM (SELECT what, checked, design, count(*) AS samples,
             percentile_cont('{0.25,0.5,0.75}'::float8[]) WITHIN GROUP (ORDER BY microseconds) AS q,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY log_bytes) AS log_bytes
      FROM bench.write_sample GROUP BY what, checked, design) AS s;

CREATE FUNCTION bench.figure(x float8) RETURNS numeric LANGUAGE sql IMMUTABLE
    RETURN round(x::numeric, CASE WHEN x < 1 THEN 3 WHEN x < 10 THEN 2 WHEN x < 100 THEN 1 ELSE 0 END);

-- a line for each cell, a column for each method
CREATE VIEW bench.line AS
SELECT page, kind, followees,
       bench.figure(common) AS common, bench.figure("lateral") AS "lateral", bench.figure(timeline) AS timeline,
       bench.figure(inbox) AS inbox, bench.figure(actstream) AS actstream,
       bench.figure(unaided) AS unaided, bench.figure(floor) AS floor,
       bench.figure(common / actstream) AS "common : actstream",
       bench.figure(least("lateral", timeline) / actstream) AS "best SQL : actstream",
       bench.figure(actstream / inbox) AS "actstream : inbox",
       samples
FROM (SELECT page, kind, followees,
             max(median) FILTER (WHERE method = 'common') AS common,
             max(median) FILTER (WHERE method = 'lateral') AS "lateral",
             max(median) FILTER (WHERE method = 'timeline') AS timeline,
             max(median) FILTER (WHERE method = 'inbox') AS inbox,
             max(median) FILTER (WHERE method = 'actstream') AS actstream,
             max(median) FILTER (WHERE method = 'unaided') AS unaided,
             max(median) FILTER (WHERE method = 'floor') AS floor,
             min(samples) || CASE WHEN max(samples) > min(samples) THEN '-' || max(samples) ELSE '' END AS samples
      FROM bench.reading WHERE warm GROUP BY page, kind, followees) AS m;

\if :{?smaller}
-- medians of both databases, and how they grow
CREATE VIEW bench.growth AS
SELECT page, kind, followees, method, percentile_cont(0.5) WITHIN GROUP (ORDER BY microseconds) FILTER (WHERE NOT larger) AS smaller,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY microseconds) FILTER (WHERE larger) AS larger,
       count(*) / 2 AS samples
FROM bench.growth_sample GROUP BY page, kind, followees, method;
\copy (SELECT * FROM bench.growth ORDER BY page DESC, kind, followees, method) TO growth.csv CSV HEADER
\endif

\copy bench.sample TO samples.csv CSV HEADER
\copy bench.guard_sample TO guard_samples.csv CSV HEADER
\copy (SELECT * FROM bench.guarding ORDER BY page DESC, kind, followees, way) TO guarding.csv CSV HEADER
\copy bench.write_sample TO write_samples.csv CSV HEADER
\copy (SELECT * FROM bench.reading ORDER BY page DESC, kind, followees, method, warm) TO reading.csv CSV HEADER
\copy (SELECT * FROM bench.line ORDER BY page DESC, kind, followees) TO lines.csv CSV HEADER
\copy (SELECT * FROM bench.writing ORDER BY what, checked, design) TO writing.csv CSV HEADER
\copy (SELECT * FROM bench.size ORDER BY design, what) TO size.csv CSV HEADER

\o plans.txt
\pset tuples_only on
\pset format unaligned
SELECT format('PREPARE %I(actstream.ref, bigint, timestamptz, bigint) AS %s', name, query),
       format('SELECT %L', E'\n' || name),
       format('EXPLAIN (COSTS OFF) EXECUTE %I(''user:1'', 1, now(), 1)', name)
FROM bench.statement ORDER BY place, page DESC
\gexec
\pset tuples_only off
\pset format aligned

\o | tee report.txt
\qecho
\qecho :n actions, PostgreSQL :SERVER_VERSION_NAME
\qecho
\qecho Followers are of three kinds: all of their followees are active (a), 95 % of them
\qecho are dormant (b), all are (c).
\pset title 'What the followers have: medians of three'
SELECT kind, followees, lists, actions AS "actions in the stream", later_page AS "number of the later page",
       time_line AS "rows of the time line above the end of the first page"
FROM bench.cell ORDER BY kind, followees;

\qecho Reading 20 actions, in microseconds: medians.  The quartiles are in reading.csv.
\pset title 'The first page'
SELECT * FROM bench.line WHERE page = 'first' ORDER BY kind, followees;
\pset title 'The 50th page, or the last if there are fewer'
SELECT * FROM bench.line WHERE page = '50th' ORDER BY kind, followees;

\qecho The same pages by roles that policies apply to, of which all rows pass: a constant
\qecho column, a comparison with a setting, a query over a table of members, and also one on
\qecho follows; then in a transaction that has written, and planned each time: times as long
\qecho as in a plain transaction of a superuser, prepared.
\pset title 'Under guard'
SELECT page, kind, followees, bench.figure(max(median) FILTER (WHERE way = 'plain')) AS microseconds,
       bench.figure(max(ratio) FILTER (WHERE way = 'constant')) AS constant,
       bench.figure(max(ratio) FILTER (WHERE way = 'tenant')) AS tenant,
       bench.figure(max(ratio) FILTER (WHERE way = 'member')) AS member,
       bench.figure(max(ratio) FILTER (WHERE way = 'follows')) AS "and follows",
       bench.figure(max(ratio) FILTER (WHERE way = 'written')) AS written,
       bench.figure(max(ratio) FILTER (WHERE way = 'planned')) AS planned,
       bench.figure(max(ratio) FILTER (WHERE way = 'planned tenant')) AS "planned, tenant", min(samples) AS samples
FROM bench.guarding GROUP BY page, kind, followees ORDER BY page DESC, kind, followees;

\if :{?smaller}
\qecho The same pages with :smaller_n and with :n actions, read in turns, in microseconds:
\qecho medians.
\pset title 'Growth'
SELECT page, kind, followees,
       max(bench.figure(smaller)) FILTER (WHERE method = 'actstream') AS actstream,
       max(bench.figure(larger)) FILTER (WHERE method = 'actstream') AS larger,
       max(bench.figure(larger / smaller)) FILTER (WHERE method = 'actstream') AS growth,
       max(bench.figure(smaller)) FILTER (WHERE method = 'inbox') AS inbox,
       max(bench.figure(larger)) FILTER (WHERE method = 'inbox') AS larger,
       max(bench.figure(larger / smaller)) FILTER (WHERE method = 'inbox') AS growth,
       max(bench.figure(larger / smaller)) FILTER (WHERE method = 'floor') AS "growth of the floor",
       max(samples) AS samples
FROM bench.growth GROUP BY page, kind, followees ORDER BY page DESC, kind, followees;
\endif

\qecho The recency map, after all that was read:
\pset title
\x
SELECT * FROM actstream.recency_stats();
\x
\qecho Writing, in microseconds and in bytes of log for each action: medians.
\pset title 'One by one, and 10,000 at a time'
SELECT what, checked, bench.figure(c.median) AS common, bench.figure(a.median) AS actstream,
       bench.figure(c.median / a.median) AS "common : actstream",
       bench.figure(c.log_bytes) AS "log: common", bench.figure(a.log_bytes) AS "log: actstream",
       bench.figure(c.log_bytes / a.log_bytes) AS "common : actstream"
FROM (SELECT * FROM bench.writing WHERE design = 'common') AS c
JOIN (SELECT * FROM bench.writing WHERE design = 'actstream') AS a USING (what, checked)
ORDER BY what DESC, checked;

\pset title 'What an inbox adds to each'
SELECT what, bench.figure(median) AS microseconds, bench.figure(log_bytes) AS "log bytes"
FROM bench.writing WHERE design = 'inbox' ORDER BY median;

\pset title 'Bytes for each action, after the load'
SELECT design, what, bench.figure(bytes_per_action) AS bytes FROM bench.size
ORDER BY design, what LIKE 'disk: %', bytes_per_action DESC;
\o
