-- The benchmark: personal streams by several methods, side by side.
--
--   psql -v n=1000000 -v rounds=12 -v budget=15 -f test/bench/bench.sql
--
-- in an empty database, from a directory that takes the results.  No figure here
-- decides whether a test passes; but it fails if two methods disagree.

\set ON_ERROR_STOP 1
\set QUIET 1
\pset footer off
SET client_min_messages = warning;
SET search_path = pg_catalog, actstream;
CREATE EXTENSION actstream;
CREATE SCHEMA bench;

-- insist: fails unless it is true.
CREATE FUNCTION bench.insist(truth boolean, claim text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF truth IS NOT TRUE THEN
        RAISE EXCEPTION 'not so: %', claim;
    END IF;
END
$$;

\echo Making :n actions ...
\set fresh 330000
\ir data.sql
\ir common_design.sql
\echo Loading them ...
\ir load.sql
\ir follow.sql
VACUUM ANALYZE;
\ir inbox.sql
\ir page.sql
SELECT actstream.recency_build() \g /dev/null
\echo Reading, :rounds rounds ...
\ir methods.sql
\ir read.sql
\echo Writing ...
\ir write.sql
\ir report.sql
