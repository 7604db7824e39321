-- The pages: the first, and the 50th, or the last if there are fewer.  A page
-- begins below the last row of the page before.
CREATE TABLE bench.page AS
SELECT f.*, p.page, p.number, below."timestamp" AS below_timestamp, below.action_id AS below_id,
       ARRAY(SELECT i.action_id FROM bench.inbox i
             WHERE i.follower = f.account
             ORDER BY i."timestamp" DESC, i.action_id DESC
             OFFSET 20 * (p.number - 1) LIMIT 20) AS ids
FROM bench.follower f
CROSS JOIN LATERAL (SELECT count(*) AS actions FROM bench.inbox i WHERE i.follower = f.account) AS stream
CROSS JOIN LATERAL (VALUES ('first', 1),
                           ('50th', least(50, ceil(stream.actions / 20.0)::int))) AS p (page, number)
LEFT JOIN LATERAL (
    SELECT i."timestamp", i.action_id FROM bench.inbox i
    WHERE i.follower = f.account AND p.page = '50th'
    ORDER BY i."timestamp" DESC, i.action_id DESC
    OFFSET greatest(20 * (p.number - 1) - 1, 0) LIMIT 1) AS below ON true
WHERE p.page = 'first' OR p.number > 1;

-- What the cells are made of, as medians of their followers: the lists in
-- the indexes by role, the actions in the stream, the number of the later page,
-- and how many rows of the time line lie above the end of the first page.
CREATE TABLE bench.cell AS
SELECT kind, followees,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY lists) AS lists,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY actions) AS actions,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY pages) AS later_page,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY time_line) AS time_line
FROM bench.follower
CROSS JOIN LATERAL (
    SELECT sum(CASE WHEN actor_only THEN 1 ELSE 3 END) AS lists
    FROM bench.follow WHERE follow.account = follower.account) AS f
CROSS JOIN LATERAL (
    SELECT count(*) AS actions, least(50, ceil(count(*) / 20.0)) AS pages
    FROM bench.inbox WHERE inbox.follower = follower.account) AS s
CROSS JOIN LATERAL (
    SELECT count(*) AS time_line FROM actstream.actions
    WHERE public AND "timestamp" >= coalesce(
        (SELECT i."timestamp" FROM bench.inbox i WHERE i.follower = follower.account
         ORDER BY i."timestamp" DESC, i.action_id DESC OFFSET 19 LIMIT 1), '-infinity')) AS t
GROUP BY kind, followees;
