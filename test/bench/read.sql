-- Reading: rounds of samples, by all methods.
--
--   :rounds  how many
--   :budget  seconds for one method and one page of one follower

-- the first round warms up
CALL bench.read(0, 'infinity');
TRUNCATE bench.sample;
\pset tuples_only on
\pset format unaligned
SELECT format('CALL bench.read(%s, %s)', round, :budget),
       format('SELECT ''  round %s of %s at '' || to_char(clock_timestamp(), ''HH24:MI:SS'')', round, :rounds)
FROM generate_series(1, :rounds) AS round
\gexec
\pset tuples_only off
\pset format aligned
