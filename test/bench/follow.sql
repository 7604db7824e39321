-- The followers: three for each number of followees and kind,
--
--   a   all their followees are active
--   b   95 % are dormant: their last action lies in the oldest tenth of the time line
--   c   all are dormant
--
-- and of each one's followees 70 % are users, 25 % repositories, 5 % comments.

CREATE TABLE bench.follower AS
SELECT 100000000 + row_number() OVER () AS account, kind, followees
FROM unnest('{a,b,c}'::text[]) AS kind, unnest('{10,100,1000,5000}'::int[]) AS followees,
     generate_series(1, 3);

-- Every object that has done or met anything, each kind shuffled into a deck of
-- its own.
CREATE TABLE bench.object AS
SELECT ref, label, dormant,
       row_number() OVER (PARTITION BY label, dormant ORDER BY hashtextextended(ref::text, 0)) AS place
FROM (
    SELECT ref, actstream.ref_label(ref) AS label,
           max("timestamp") < bench.happened(:oldest_tenth, 0) AS dormant
    FROM (SELECT actor AS ref, "timestamp" FROM bench.action WHERE number <= :n
          UNION ALL
          SELECT target, "timestamp" FROM bench.action WHERE number <= :n AND target IS NOT NULL
          UNION ALL
          SELECT action_object, "timestamp" FROM bench.action WHERE number <= :n AND action_object IS NOT NULL) AS role
    GROUP BY ref) AS object;
CREATE INDEX ON bench.object (label, dormant, place);
ANALYZE bench.object;

-- How many of each a follower takes.  Where 95 % is no whole number, the active
-- ones are users.
CREATE TABLE bench.quota AS
SELECT account, label, dormant,
       CASE WHEN dormant THEN objects - active ELSE active END AS objects
FROM (VALUES ('user', 0.70), ('repo', 0.25), ('comment', 0.05)) AS share (label, part)
CROSS JOIN (VALUES (false), (true)) AS d (dormant)
CROSS JOIN bench.follower f
CROSS JOIN LATERAL (
    SELECT CASE label WHEN 'repo' THEN followees - round(0.70 * followees) - ceil(0.05 * followees)
                      WHEN 'user' THEN round(part * followees) ELSE ceil(part * followees) END AS objects) AS n
CROSS JOIN LATERAL (
    SELECT CASE kind WHEN 'a' THEN objects
                     WHEN 'b' THEN CASE label WHEN 'user' THEN ceil(0.05 * objects) ELSE floor(0.05 * objects) END
                     ELSE 0 END AS active) AS m;

-- A follower takes a run of each deck.  Things are followed for what is done to
-- them, people for what they do, three in 14 of them also for what is done to
-- them: so 45 % of the follows have actor_only false.
CREATE TABLE bench.follow AS
SELECT q.account, o.ref, o.label, o.label = 'user' AND o.place % 14 > 2 AS actor_only
FROM bench.quota q
JOIN (SELECT label, dormant, count(*) FROM bench.object GROUP BY label, dormant) AS deck USING (label, dormant)
CROSS JOIN LATERAL (
    SELECT floor((deck.count - q.objects + 1) * bench.uniform(q.account, hashtext(q.label))) AS start) AS s
JOIN bench.object o ON o.label = q.label AND o.dormant = q.dormant
                    AND o.place > s.start AND o.place <= s.start + q.objects;

SELECT bench.insist((SELECT count(*) FROM bench.follow) = (SELECT sum(objects) FROM bench.quota),
                    'there are enough objects to follow')
\g /dev/null

-- And some who are followed by many, for the cost of telling them all
CREATE TABLE bench.crowd AS
SELECT 200000000 + followers AS account, followers FROM unnest('{100,1000,10000}'::int[]) AS followers;
INSERT INTO bench.follow
SELECT 300000000 + i, actstream.ref('user', account), 'user', true FROM bench.crowd, generate_series(1, followers) AS i;

-- they exist, as who sends with checks will ask
INSERT INTO bench.users SELECT account FROM bench.follow UNION SELECT account FROM bench.crowd;

INSERT INTO actstream.follows (follower, followee, actor_only, started)
SELECT actstream.ref('user', account), follow.ref, actor_only, '2020-01-01 00:00+00' FROM bench.follow
ORDER BY account, follow.ref;

INSERT INTO common_design.account SELECT DISTINCT account, 'account ' || account FROM bench.follow;
INSERT INTO common_design.follow (follower, object_type, object_id, actor_only, flag, started)
SELECT account, t.id, actstream.ref_key(ref), actor_only, '', '2020-01-01 00:00+00'
FROM bench.follow JOIN common_design.content_type t USING (label)
ORDER BY account, follow.ref;
