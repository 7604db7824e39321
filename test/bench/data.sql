-- The data: objects, and what they have done.  All of it follows from the number
-- of each action by hashing, so that every run with the same n has the same.
--
--   :n       actions to read
--   :fresh   actions beyond those, to write

SELECT greatest(5000, :n / 50) AS users,
       greatest(2000, :n / 200) AS repos,
       (:n + :fresh) / 5 AS comments,
       :n / 10 AS oldest_tenth
\gset

CREATE FUNCTION bench.uniform(number bigint, what int) RETURNS float8 LANGUAGE sql IMMUTABLE
    RETURN (hashint8extended(number, what) & 4294967295)::float8 / 4294967296;

-- The objects with even keys stay, and are drawn by Zipf's law.  Those with odd
-- keys try it out in the oldest tenth, where two actions in three are theirs, and
-- quit.
CREATE FUNCTION bench.draw(number bigint, what int, objects bigint) RETURNS bigint LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN number <= :oldest_tenth AND bench.uniform(number, what) < 2.0 / 3
                THEN 2 * floor(objects * bench.uniform(number, what + 1)) + 1
                ELSE 2 * floor(power(objects + 1, bench.uniform(number, what + 1))) END;

-- Every 30 seconds there is an action, and three in a hundred come up to 2,000
-- actions late.  No two have the same timestamp, as the common design leaves the
-- order of such to chance: who is late adds as many microseconds as its number,
-- less than 30 seconds while there are less than 30 million.
CREATE FUNCTION bench.happened(number bigint, late bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE
    RETURN '2020-01-01 00:00+00'::timestamptz + (number - late) * interval '30 seconds'
           + CASE WHEN late > 0 THEN number ELSE 0 END * interval '1 microsecond';

-- The actions, in the words of both designs: neither has to convert anything.
-- A comment is good for about two actions.
CREATE UNLOGGED TABLE bench.action AS
SELECT number,
       bench.happened(number, late) AS "timestamp",
       bench.uniform(number, 5) < 0.98 AS public,
       verb,
       actstream.ref('user', actor) AS actor,
       actstream.ref('comment', comment) AS action_object,
       coalesce(actstream.ref('repo', repo), actstream.ref('user', other)) AS target,
       1 AS actor_type,
       actor::varchar(255) AS actor_id,
       CASE WHEN comment IS NOT NULL THEN 3 END AS action_object_type,
       comment::varchar(255) AS action_object_id,
       CASE WHEN repo IS NOT NULL THEN 2 WHEN other IS NOT NULL THEN 1 END AS target_type,
       coalesce(repo, other)::varchar(255) AS target_id
FROM generate_series(1::bigint, :n + :fresh) AS number
CROSS JOIN LATERAL (
    SELECT CASE WHEN bench.uniform(number, 1) < 0.03
                THEN 1 + floor(2000 * bench.uniform(number, 2))::bigint ELSE 0 END AS late,
           bench.uniform(number, 4) AS kind) AS chance
CROSS JOIN LATERAL (
    SELECT CASE WHEN kind < 0.4 THEN 'commented' WHEN kind < 0.7 THEN 'pushed'
                WHEN kind < 0.9 THEN 'thanked' ELSE 'joined' END AS verb,
           bench.draw(number, 10, :users) AS actor,
           CASE WHEN kind < 0.4 THEN number / 5 END AS comment,
           CASE WHEN kind < 0.7 THEN bench.draw(number, 20, :repos) END AS repo,
           CASE WHEN kind >= 0.7 AND kind < 0.9 THEN bench.draw(number, 30, :users) END AS other) AS role;

ALTER TABLE bench.action ADD PRIMARY KEY (number);
ANALYZE bench.action;

-- The objects themselves, for references that are checked.
CREATE TABLE bench.users (id bigint PRIMARY KEY);
CREATE TABLE bench.repo (id bigint PRIMARY KEY);
CREATE TABLE bench.comment (id bigint PRIMARY KEY);
INSERT INTO bench.users SELECT generate_series(1, 2 * :users);
INSERT INTO bench.repo SELECT generate_series(1, 2 * :repos);
INSERT INTO bench.comment SELECT generate_series(0, :comments);

CREATE PROCEDURE bench.register(checked boolean) LANGUAGE sql AS $$
    SELECT actstream.register('bench.users', 'user', checked => checked),
           actstream.register('bench.repo', 'repo', checked => checked),
           actstream.register('bench.comment', 'comment', checked => checked)
$$;
CALL bench.register(checked => false);
