-- Following and unfollowing.
\i test/lib/fresh.sql
SELECT label FROM actstream.register_external('user');
SELECT label FROM actstream.register_external('repo');

-- a new follow sends an action
SELECT * FROM actstream.follow('user:1', 'user:2', "timestamp" => '2026-01-01 00:00:00+00');
SELECT * FROM actstream.follow('user:1', 'repo:a', 'watching', false, true, 'to learn', false,
                               '2026-01-02 00:00:00+00', '{"via": "search"}');
SELECT started BETWEEN now() AND clock_timestamp() AS now, actor_only, flag
FROM actstream.follow('user:1', 'repo:b', send_action => false);
SELECT * FROM actstream.actions ORDER BY id;

-- following again returns it; another actor_only changes it; no action is sent
SELECT * FROM actstream.follow('user:1', 'user:2');
SELECT * FROM actstream.follow('user:1', 'user:2', actor_only => false, "timestamp" => '2026-03-01 00:00:00+00');
SELECT * FROM actstream.follow('user:1', 'user:2', actor_only => false);
SELECT count(*) FROM actstream.actions;
SELECT count(*) FROM actstream.follows;

-- another flag is another follow; anything can follow anything, itself too
SELECT flag FROM actstream.follow('user:1', 'user:2', 'liking', "timestamp" => '2026-01-03 00:00:00+00');
SELECT follower, followee FROM actstream.follow('repo:a', 'user:1', "timestamp" => '2026-01-04 00:00:00+00');
SELECT follower, followee FROM actstream.follow('user:1', 'user:1', "timestamp" => '2026-01-05 00:00:00+00');
SELECT actor, verb, action_object, target, "timestamp" FROM actstream.actions ORDER BY id;

-- who follows whom
SELECT actstream.is_following('user:1', 'user:2') AS plain,
       actstream.is_following('user:1', 'user:2', NULL) AS any_flag,
       actstream.is_following('user:1', 'user:2', 'liking') AS liking,
       actstream.is_following('user:1', 'user:2', 'watching') AS watching,
       actstream.is_following('user:2', 'user:1') AS reverse,
       actstream.is_following(NULL, 'user:1') AS nobody,
       actstream.is_following('user:1', NULL) AS nothing;
-- who watches does not follow, unless asked for any kind
SELECT actstream.is_following('user:1', 'repo:a') AS plain,
       actstream.is_following('user:1', 'repo:a', 'watching') AS watching,
       actstream.is_following('user:1', 'repo:a', NULL) AS any_flag;
SELECT f FROM actstream.followers('user:2') f;
SELECT f FROM actstream.followers('user:1') f ORDER BY f::text;
SELECT f FROM actstream.followers('user:1', 'liking') f;
SELECT f FROM actstream.followers(NULL) f;
SELECT f FROM actstream.following('user:1') f ORDER BY f::text;
SELECT f FROM actstream.following('user:1', '') f ORDER BY f::text;
SELECT f FROM actstream.following('user:1', 'watching') f;
SELECT f FROM actstream.following('user:1', labels => '{repo}') f ORDER BY f::text;
SELECT f FROM actstream.following('user:1', labels => '{user,site}') f ORDER BY f::text;
SELECT f FROM actstream.following('user:1', labels => '{}') f;
SELECT f FROM actstream.following('user:9') f;

-- unfollow: the plain follow, one of another kind, or every kind; an action only if asked,
-- and if it did something
SELECT actstream.unfollow('user:1', 'user:2', 'watching', true);
SELECT actstream.unfollow('user:1', 'user:2');
SELECT actstream.unfollow('user:1', 'user:2', 'liking', send_action => true);
SELECT actstream.unfollow('user:1', 'user:2', 'liking', send_action => true);
SELECT f.flag FROM (VALUES (''), ('a'), ('b')) v (flag),
    LATERAL actstream.follow('user:3', 'repo:c', v.flag, send_action => false) f;
SELECT actstream.unfollow('user:3', 'repo:c', NULL, send_action => true);
SELECT actstream.unfollow('user:3', 'repo:c', NULL, send_action => true);
SELECT actstream.unfollow(NULL, 'repo:c'), actstream.unfollow('user:3', NULL);
SELECT actor, verb, target FROM actstream.actions WHERE verb LIKE 'stopped%' ORDER BY actor::text, verb;

-- what is pressed again and again sends one action of each kind within a minute, before
-- or after
CREATE FUNCTION again(at timestamptz, flag text = '', public boolean = true, follower actstream.ref = 'user:8') RETURNS bigint LANGUAGE sql AS $$
    SELECT actstream.follow(follower, 'repo:d', flag, "timestamp" => at, public => public);
    SELECT actstream.unfollow(follower, 'repo:d', flag, send_action => true);
$$;
SELECT again('2026-02-01 12:00+00'), again('2026-02-01 12:01+00'), again('2026-02-01 11:59+00');
SELECT again('2026-02-01 12:01:00.000001+00'), again('2026-02-01 12:02:00.000001+00');
SELECT again('2026-02-01 12:00+00', 'watching'), again('2026-02-01 12:00+00', 'watching');
SELECT again('2026-02-01 12:00+00', public => false), again('2026-02-01 12:00+00', public => false);
SELECT again('2026-02-01 12:00+00', follower => 'user:9'), again('2026-02-01 12:00+00', follower => 'user:9');
SELECT again('infinity'), again('infinity'), again('-infinity'), again('-infinity');
SELECT again('4714-11-24 00:00:00+00 BC'), again('294276-12-31 23:59:59.999999+00');
SELECT "timestamp", actor, verb, public FROM actstream.actions WHERE target = 'repo:d' AND verb LIKE 'started%' ORDER BY id;
SELECT actor, verb, coalesce(bool_or(gap <= interval '1 minute'), false) AS twice
FROM (SELECT actor, verb, "timestamp" - lag("timestamp") OVER (PARTITION BY actor, verb ORDER BY "timestamp") AS gap
      FROM actstream.actions WHERE target = 'repo:d' AND verb LIKE 'stopped%') a
GROUP BY 1, 2 ORDER BY actor::text, verb;
-- also where the follower has done much in between, and the object was followed by many
BEGIN;
SELECT count(actstream.act_send('user:8', 'slept', "timestamp" => '2026-02-01 12:00:50+00')) FROM generate_series(1, 30);
SELECT count(actstream.follow(actstream.ref('user', i), 'repo:d', "timestamp" => '2026-02-01 12:00:30+00')) FROM generate_series(100, 129) i;
SELECT again('2026-02-01 12:00:40+00'), again('2026-02-01 12:00:40+00', 'liking'), again('2026-02-01 12:00:41+00', 'liking');
SELECT verb, count(*) FROM actstream.actions WHERE actor = 'user:8' AND target = 'repo:d' AND verb LIKE 'started%' GROUP BY 1 ORDER BY 1;
ROLLBACK;
-- what was not stored was not sent
BEGIN;
DELETE FROM actstream.actions WHERE target = 'repo:d';
SELECT again('2026-02-01 12:00+00');
SELECT verb FROM actstream.actions WHERE target = 'repo:d' ORDER BY verb;
ROLLBACK;
DROP FUNCTION again;

-- a time that is null is now
INSERT INTO actstream.follows (follower, followee, started) VALUES ('user:7', 'user:2', NULL) RETURNING started BETWEEN now() AND clock_timestamp() AS now;
UPDATE actstream.follows SET started = NULL WHERE follower = 'user:7';

-- bad input
\set VERBOSITY terse
SELECT actstream.follow(NULL, 'user:1');
SELECT actstream.follow('user:1', NULL);
SELECT actstream.follow('user:1', 'user:3', NULL);
SELECT actstream.follow('user:1', 'user:3', actor_only => NULL);
SELECT actstream.follow('user:1', 'robot:1');
SELECT actstream.follow('robot:1', 'user:1');
SELECT actstream.follow('user:1', 'user:3', repeat('x', 248));
SELECT actstream.follow('user:1', 'user:3', public => NULL);
\set VERBOSITY default
SELECT actstream.is_following('user:1', 'user:3') AS half_done;
SELECT send_action.flag FROM actstream.follow('user:1', 'user:3', send_action => NULL) send_action;
INSERT INTO actstream.follows (follower, followee) VALUES ('user:1', 'robot:1');
\set VERBOSITY terse
INSERT INTO actstream.follows (follower, followee, flag) VALUES ('user:1', 'user:4', repeat('x', 248));
\set VERBOSITY default
UPDATE actstream.follows SET followee = 'robot:1' WHERE followee::text = 'repo:b';
COPY actstream.follows (follower, followee) FROM STDIN;
user:5	user:6
user:5	robot:6
\.
INSERT INTO actstream.follows (follower, followee) VALUES ('user:1', 'user:1');

-- the longest of everything fits
SELECT length(f.flag)
FROM actstream.follow(actstream.ref('user', repeat('ü', 512)), actstream.ref('repo', repeat('€', 341) || 'x'),
                      repeat('f', 247)) f;
SELECT length(verb) FROM actstream.actions WHERE verb LIKE 'started fff%';
SELECT length(label) FROM actstream.register_external(repeat('l', 63));
-- incompressible: no luck with compression is needed
SELECT octet_length(f.follower::text) FROM actstream.follow(
    actstream.ref(repeat('l', 63), (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 32) i)),
    actstream.ref(repeat('l', 63), (SELECT string_agg(md5(i::text), '') FROM generate_series(33, 64) i)),
    (SELECT left(string_agg(md5(i::text), ''), 247) FROM generate_series(65, 72) i)) f;

DO 'BEGIN PERFORM actstream.drop_tables(); END';
DROP EXTENSION actstream;
