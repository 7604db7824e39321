-- Notifications and counts of many readers, compared with a brute force that replays every
-- mark, exception and snooze: see test/lib/plain_marks.sql.
\i test/lib/fresh.sql
\i test/lib/plain_streams.sql
\i test/lib/plain_marks.sql

SELECT count(*) FROM (SELECT actstream.register_external(l) FROM unnest('{u,r,t}'::text[]) AS l) AS t;
SELECT actstream.record_changes(true);
-- ties in time, private actions, targets; three hundred readers, some of whom also act
SELECT setseed(0.37);
CALL marks.send(12000);
INSERT INTO actstream.follows (follower, followee, flag, actor_only)
SELECT DISTINCT ON (1, 2, 3) actstream.ref('r', n % 300), actstream.ref(CASE WHEN random() < 0.1 THEN 'r' ELSE 'u' END, (random() * 60)::int),
       CASE WHEN random() < 0.3 THEN 'close' ELSE '' END, random() < 0.6
FROM generate_series(1, 900) AS n
ON CONFLICT DO NOTHING;
ANALYZE;
SET jit = off;

CREATE TABLE before AS SELECT r.reader, marks.list(r.reader) AS list FROM marks.readers() AS r;
CREATE TABLE streams AS SELECT r.reader, ARRAY(SELECT s::text FROM actstream.user_stream(r.reader) AS s) AS stream FROM marks.readers() AS r;
CALL marks.act(300, '{mark_seen,mark_read,mark_read_up_to,mark_seen_up_to}');
SELECT readers, rows > 30000 AS many, lists, archives, flagged, pages, unread, unseen, capped FROM marks.differences(0);
CALL marks.act(800);
SELECT readers, rows > 30000 AS many, lists, archives, flagged, pages, unread, unseen, capped FROM marks.differences(1);
CALL marks.act(500, '{mark_read_up_to,mark_read,unread,read,snooze,send,wait,archive,archive}');
SELECT readers, rows > 100000 AS many, lists, archives, flagged, pages, unread, unseen, capped FROM marks.differences();
-- all kinds of states have been met
SELECT * FROM marks.met();

-- everything undone in any order
DELETE FROM actstream.actions a WHERE a.id > 12000;
CALL marks.undo();
SELECT (SELECT count(*) FROM actstream.mark_exceptions) AS exceptions,
       (SELECT count(*) FROM before AS b WHERE marks.list(b.reader) <> b.list) AS other_lists,
       (SELECT count(*) FROM streams AS b WHERE ARRAY(SELECT s::text FROM actstream.user_stream(b.reader) AS s) <> b.stream) AS other_streams;
SELECT * FROM actstream.integrity_check();
SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
DROP SCHEMA marks CASCADE;
DROP SCHEMA plain CASCADE;
DROP TABLE before, streams;
