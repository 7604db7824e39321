-- What integrity costs: medians and spread of alternating samples, server clock.
--
--   psql -v samples=30 -f test/bench/integrity.sql DATABASE
--
-- in an empty database.  No figure here decides whether a test passes.

\set ON_ERROR_STOP 1
\if :{?samples}
\else
    \set samples 30
\endif
SET client_min_messages = warning;
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';

-- the same objects twice: references to the one kind are checked
CREATE TABLE users (id int PRIMARY KEY);
CREATE TABLE repo (id int PRIMARY KEY);
CREATE TABLE users_unchecked (LIKE users INCLUDING ALL);
CREATE TABLE repo_unchecked (LIKE repo INCLUDING ALL);
INSERT INTO users SELECT generate_series(1, 1000);
INSERT INTO repo SELECT generate_series(1, 1000);
INSERT INTO users_unchecked TABLE users;
INSERT INTO repo_unchecked TABLE repo;

-- and the rows of a bulk load: into a tracked table, into one that is not, and
-- as what actions sent directly refer to
CREATE TABLE issue (id int PRIMARY KEY, author int, repo int, title text);
CREATE TABLE issue_plain (LIKE issue INCLUDING ALL);
CREATE TABLE issue_there (LIKE issue INCLUDING ALL);
INSERT INTO issue_there
SELECT i, 1 + i * 7919 % 1000, 1 + i::bigint * 104729 % 1000, 'title ' || i FROM generate_series(1, 100000) i;

SELECT actstream.register('users', 'user'), actstream.register('repo'),
       actstream.register('users_unchecked', checked => false),
       actstream.register('repo_unchecked', checked => false),
       actstream.register('issue'), actstream.register('issue_there'),
       actstream.track('issue', 'opened', 'user:{author}', '{self}', 'repo:{repo}')
\g /dev/null
VACUUM ANALYZE;

CREATE TABLE sample (what text, microseconds float8);

CREATE PROCEDURE take(what text, n float8, statement text) LANGUAGE plpgsql AS $$
DECLARE
    t0 timestamptz := clock_timestamp();
BEGIN
    EXECUTE statement;
    INSERT INTO sample VALUES (what, extract(epoch FROM clock_timestamp() - t0) * 1e6 / n);
END
$$;

CREATE FUNCTION send(users text, repo text, n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..n LOOP
        PERFORM actstream.act_send(actstream.ref(users, 1 + i % 1000), 'starred',
                                   target => actstream.ref(repo, 1 + i * 7 % 1000));
    END LOOP;
END
$$;

CREATE PROCEDURE empty() LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE issue, issue_plain, actstream.actions, actstream.follows;
END
$$;

-- each round takes every sample, every second one in reverse order
CREATE PROCEDURE sample_round(n int) LANGUAGE plpgsql AS $$
DECLARE
    whats text[] := '{bulk plain,bulk tracked,bulk direct,send checked,send unchecked}';
    what text;
BEGIN
    FOR i IN 1..array_length(whats, 1) LOOP
        what := whats[CASE n % 2 WHEN 0 THEN i ELSE array_length(whats, 1) + 1 - i END];
        CALL empty();
        COMMIT;
        CASE what
            WHEN 'bulk plain' THEN
                CALL take(what, 100000, 'INSERT INTO issue_plain TABLE issue_there');
            WHEN 'bulk tracked' THEN
                CALL take(what, 100000, 'INSERT INTO issue TABLE issue_there');
            WHEN 'bulk direct' THEN
                CALL take(what, 100000,
                          $sql$INSERT INTO actstream.actions (actor, verb, action_object, target)
                               SELECT actstream.ref('user', author), 'opened', actstream.ref('issue_there', id),
                                      actstream.ref('repo', repo) FROM issue_there$sql$);
            WHEN 'send checked' THEN
                CALL take(what, 10000, $sql$SELECT send('user', 'repo', 10000)$sql$);
            WHEN 'send unchecked' THEN
                CALL take(what, 10000, $sql$SELECT send('users_unchecked', 'repo_unchecked', 10000)$sql$);
        END CASE;
        COMMIT;
    END LOOP;
END
$$;

-- an object with 100,000 actions, in all roles, and 100,000 followers
CREATE PROCEDURE sample_delete() LANGUAGE plpgsql AS $$
BEGIN
    CALL empty();
    INSERT INTO actstream.actions (actor, verb, action_object, target)
    SELECT CASE i % 3 WHEN 0 THEN 'users_unchecked:1' ELSE 'user:2' END::actstream.ref, 'did',
           CASE i % 3 WHEN 1 THEN 'users_unchecked:1' END::actstream.ref,
           CASE i % 3 WHEN 2 THEN 'users_unchecked:1' END::actstream.ref
    FROM generate_series(1, 100000) i;
    INSERT INTO actstream.follows (follower, followee)
    SELECT actstream.ref('users_unchecked', 1000000 + i), 'users_unchecked:1' FROM generate_series(1, 100000) i;
    COMMIT;
    CALL take('delete object', 1, 'DELETE FROM users_unchecked WHERE id = 1');
    INSERT INTO users_unchecked VALUES (1);
    COMMIT;
END
$$;

SELECT format('CALL sample_round(%s)', i) FROM generate_series(1, :samples) i
\gexec
SELECT 'CALL sample_delete()' FROM generate_series(1, :samples) i
\gexec

\pset footer off
SELECT what, count(*) AS samples,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY microseconds)::numeric, 2) AS "median µs",
       round(percentile_cont(0.1) WITHIN GROUP (ORDER BY microseconds)::numeric, 2) AS "10 %",
       round(percentile_cont(0.9) WITHIN GROUP (ORDER BY microseconds)::numeric, 2) AS "90 %"
FROM sample GROUP BY what ORDER BY what;

WITH m AS (SELECT what, percentile_cont(0.5) WITHIN GROUP (ORDER BY microseconds) AS us FROM sample GROUP BY what),
     v AS (SELECT max(us) FILTER (WHERE what = 'bulk plain') AS plain,
                  max(us) FILTER (WHERE what = 'bulk tracked') AS tracked,
                  max(us) FILTER (WHERE what = 'bulk direct') AS direct,
                  max(us) FILTER (WHERE what = 'send checked') AS checked,
                  max(us) FILTER (WHERE what = 'send unchecked') AS unchecked,
                  max(us) FILTER (WHERE what = 'delete object') AS deleted FROM m)
SELECT round((tracked / direct)::numeric, 2) AS "tracked : direct",
       round(((tracked - plain) / direct)::numeric, 2) AS "tracked less its own row : direct",
       round((checked / unchecked)::numeric, 2) AS "send checked : unchecked",
       round((deleted / 1e6)::numeric, 2) AS "seconds to delete 100,000 + 100,000"
FROM v;
