-- What pages are read from, and how: both designs with their actions and follows,
-- the inbox, and the methods.  In an empty database.
--
--   :n   actions to read

\set ON_ERROR_STOP 1
\set QUIET 1
\pset footer off
SET client_min_messages = warning;
SET search_path = pg_catalog, actstream;
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
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
\ir methods.sql
\ir sample.sql
SELECT actstream.recency_build() \g /dev/null
