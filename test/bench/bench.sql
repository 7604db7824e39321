-- The benchmark: personal streams by several methods, side by side.
--
--   psql -v n=1000000 -v rounds=12 -v budget=15 -f test/bench/bench.sql
--
-- in an empty database, from a directory that takes the results.  With
-- "-v smaller=DATABASE", in which prepare.sql has been run for fewer actions, it
-- also says how pages grow.  No figure here decides whether a test passes; but it
-- fails if two methods disagree.

\ir prepare.sql
\echo Reading, :rounds rounds ...
\ir read.sql
\echo Reading under policies, and without a prepared plan ...
\ir guard.sql
\if :{?smaller}
\echo Reading from both databases in turns ...
\ir growth.sql
\endif
\echo Writing ...
\ir write.sql
\ir report.sql
