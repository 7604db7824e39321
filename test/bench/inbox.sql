-- The inbox: for each follower, what happened, written down beforehand.  It is
-- made without any index of actions, and also says what all others must answer.

CREATE TABLE bench.inbox (
    follower    bigint,
    "timestamp" timestamptz,
    action_id   bigint,
    PRIMARY KEY (follower, "timestamp", action_id)
);

INSERT INTO bench.inbox
SELECT f.account, a."timestamp", a.id
FROM bench.follow f JOIN actstream.actions a ON a.actor = f.ref WHERE a.public
UNION
SELECT f.account, a."timestamp", a.id
FROM bench.follow f JOIN actstream.actions a ON a.target = f.ref WHERE a.public AND NOT f.actor_only
UNION
SELECT f.account, a."timestamp", a.id
FROM bench.follow f JOIN actstream.actions a ON a.action_object = f.ref WHERE a.public AND NOT f.actor_only
ORDER BY 1, 2, 3;
VACUUM ANALYZE bench.inbox;
