-- Notifications: marks, exceptions, the archive, snoozes, counts.
\i test/lib/fresh.sql
\i test/lib/try.sql

CREATE TABLE person (id int PRIMARY KEY);
INSERT INTO person SELECT generate_series(1, 9);
SELECT label FROM actstream.register('person');
SELECT label FROM actstream.register_external('page');
SELECT count(*) FROM (SELECT actstream.follow('person:1', actstream.ref('person', n), CASE n WHEN 4 THEN 'close' ELSE '' END, send_action => false)
                      FROM generate_series(2, 4) AS n) AS f;
INSERT INTO actstream.actions ("timestamp", actor, verb, action_object)
SELECT '2026-01-01 00:00+00'::timestamptz + n * interval '1 minute', actstream.ref('person', 2 + n % 3), 'wrote', actstream.ref('page', n)
FROM generate_series(1, 12) AS n;

-- pages by number: "-" not seen, "s" seen but not read, "r" read
CREATE FUNCTION list(reader text DEFAULT 'person:1', feed text DEFAULT '', flag text DEFAULT NULL, archived boolean DEFAULT false) RETURNS text
    LANGUAGE sql AS $$
    SELECT string_agg(actstream.ref_key((n.action).action_object) || CASE WHEN n.read THEN CASE WHEN n.seen THEN 'r' ELSE '?' END WHEN n.seen THEN 's' ELSE '-' END, ' ')
    FROM actstream.notifications($1, $2, $3, $4) AS n
$$;
CREATE FUNCTION cursor(page int) RETURNS text LANGUAGE sql AS $$
    SELECT actstream.stream_cursor(a) FROM actstream.actions a WHERE a.action_object = actstream.ref('page', page)
$$;
CREATE FUNCTION ids(VARIADIC pages int[]) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT array_agg(a.id) FROM actstream.actions a JOIN unnest(pages) AS p ON a.action_object = actstream.ref('page', p)
$$;
CREATE FUNCTION counts(reader text DEFAULT 'person:1', feed text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN format('unseen %s, unread %s', actstream.unseen_count(reader, feed), actstream.unread_count(reader, feed));
END
$$;

SELECT list(), counts();
SELECT list(flag => 'close'), actstream.unread_count('person:1', flag => 'close');
SELECT actstream.unread_count('person:1', cap => c) FROM unnest('{0,1,11,12,13,NULL}'::int[]) AS c;
SELECT try($$SELECT actstream.unread_count('person:1', cap => -1)$$);

-- marks; they do not move back
SELECT actstream.mark_all_seen('person:1', up_to => cursor(9));
SELECT list(), counts();
SELECT actstream.mark_all_read('person:1', up_to => cursor(6));
SELECT list(), counts();
SELECT actstream.mark_all_seen('person:1', up_to => cursor(2)), actstream.mark_all_read('person:1', up_to => cursor(2));
SELECT list(), counts();
-- what has been read has been seen
SELECT actstream.mark_all_read('person:1', up_to => cursor(10));
SELECT list(), counts();
-- a null feed is the one without a name
BEGIN;
SELECT actstream.mark_read('person:1', ids(11, 12), NULL), actstream.mark_unread('person:1', ids(9), NULL), actstream.archive('person:1', ids(8), NULL);
SELECT actstream.unread_count('person:1', NULL), actstream.unseen_count('person:1', NULL), counts(),
       (SELECT count(*) FROM actstream.notifications('person:1', NULL) WHERE NOT read) AS listed,
       (SELECT count(*) FROM actstream.notifications('person:1', NULL, archived => true)) AS archived;
SELECT actstream.mark_all_read('person:1', NULL), actstream.mark_all_seen('person:1', NULL), counts();
ROLLBACK;
-- another feed, and other readers, have marks of their own
SELECT list(feed => 'mail'), counts(feed => 'mail'), counts('person:5');
SELECT actstream.mark_all_read('person:1', 'mail');
SELECT counts(feed => 'mail'), counts();

-- exceptions; a second time changes nothing
SELECT actstream.mark_unread('person:1', ids(1, 8, 11)), actstream.mark_unread('person:1', ids(1, 8, 11));
SELECT actstream.mark_read('person:1', actions => ids(8, 12)), actstream.mark_read('person:1', actions => ids(8, 12));
SELECT list(), counts();
SELECT actstream.ref_key(a.action_object) AS page, read, archived, until FROM actstream.mark_exceptions x JOIN actstream.actions a ON a.id = x.action_id ORDER BY x."timestamp";
-- back to what the mark says
SELECT actstream.mark_unread('person:1', ids(12)), actstream.mark_read('person:1', actions => ids(1));
SELECT list(), (SELECT count(*) FROM actstream.mark_exceptions);
-- a mark makes exceptions needless, also one that does not move
SELECT actstream.mark_unread('person:1', ids(3, 7)), actstream.mark_read('person:1', actions => ids(12));
SELECT actstream.mark_all_read('person:1', up_to => cursor(5));
SELECT list(), (SELECT count(*) FROM actstream.mark_exceptions);
SELECT actstream.mark_all_read('person:1', up_to => cursor(10)), actstream.mark_all_read('person:1'), actstream.mark_all_read('person:1');
SELECT list(), counts(), (SELECT count(*) FROM actstream.mark_exceptions), (SELECT count(*) FROM actstream.marks);

-- the archive
SELECT actstream.archive('person:1', ids(12, 5, 3)), actstream.archive('person:1', ids(12, 5, 3));
SELECT list(), list(archived => true);
SELECT actstream.mark_unread('person:1', ids(5, 6));
SELECT list(), list(archived => true), counts();
-- pages of it
SELECT actstream.ref_key((n.action).action_object) FROM actstream.notifications('person:1', archived => true, before => cursor(12), after => cursor(3)) AS n;
SELECT actstream.archive('person:1', ids(5, 11), until => '-infinity');
SELECT list(), list(archived => true), counts();
SELECT actstream.archive('person:1', ids(3, 12), until => now());
SELECT list(), actstream.mark_all_read('person:1', up_to => cursor(1)), actstream.mark_all_read('person:1'), (SELECT count(*) FROM actstream.mark_exceptions);

-- snoozes: the clock is not waited for, but everything stored is made older
CREATE PROCEDURE wait_for(hours int) LANGUAGE sql AS $$
    UPDATE actstream.marks SET seen_at = seen_at - make_interval(hours => hours), read_at = read_at - make_interval(hours => hours);
    UPDATE actstream.mark_exceptions SET until = until - make_interval(hours => hours);
$$;
SELECT actstream.archive('person:1', ids(4, 8, 10), until => now() + interval '1 hour');
SELECT list(), list(archived => true), counts();
CALL wait_for(2);
SELECT list(), list(archived => true), counts();
-- taking out what has come back changes nothing
SELECT actstream.archive('person:1', ids(4), until => now()), list();
SELECT actstream.mark_read('person:1', actions => ids(4)), actstream.mark_all_seen('person:1');
SELECT list(), counts();
-- what has come back, and is put away again, is unread when it is taken out
SELECT actstream.archive('person:1', ids(8), until => 'infinity'), list(), actstream.archive('person:1', ids(8), until => now()), list();
-- a mark that is set during a snooze does not make it read
SELECT actstream.archive('person:1', ids(2), until => now() + interval '1 hour'), actstream.mark_all_read('person:1'), list();
CALL wait_for(2);
SELECT list(), counts(), actstream.mark_all_read('person:1'), list(), (SELECT count(*) FROM actstream.mark_exceptions);

-- what the reader did
SELECT actstream.follow('person:1', 'person:1', send_action => false) IS DISTINCT FROM NULL;
SELECT verb FROM actstream.act_send('person:1', 'wrote', 'page:13');
SELECT list(), counts(), actstream.mark_unread('person:1', ids(13)), actstream.archive('person:1', ids(13)), list(archived => true);

-- ids that are not in the stream are passed over, whatever they are
SELECT verb FROM actstream.act_send('person:5', 'wrote', 'page:14');
SELECT verb FROM actstream.act_send('person:2', 'wrote', 'page:15', public => false);
SELECT actstream.mark_unread('person:1', ids(14, 15) || '{999999,NULL}'), actstream.archive('person:1', ids(14, 15) || 999999),
       actstream.mark_read('person:1', actions => ids(14, 15) || 999999), actstream.mark_unread('person:1', NULL), actstream.archive('person:1', '{}');
SELECT count(*) FROM actstream.mark_exceptions;

-- bad arguments
SELECT try($$SELECT actstream.mark_all_read('person:1', up_to => 'x')$$), try($$SELECT actstream.mark_all_seen('person:77')$$);
SELECT try($$SELECT actstream.mark_all_read(NULL)$$);
SELECT try($$SELECT actstream.mark_all_read('person:1', repeat('x', 256))$$);
SELECT try($$UPDATE actstream.marks SET read = 'x'$$);
SELECT try($$INSERT INTO actstream.mark_exceptions (reader, action_id, "timestamp", until) VALUES ('person:1', 1, now(), now())$$);
SELECT actstream.unread_count(NULL), actstream.unread_count('person:1', NULL), (SELECT count(*) FROM actstream.notifications(NULL));

-- unfollow, delete, private: right at once
SELECT actstream.mark_unread('person:1', ids(1, 2, 3)), counts();
SELECT actstream.unfollow('person:1', 'person:4', 'close'), list(), counts();
DELETE FROM actstream.actions WHERE id = ANY (ids(1));
SELECT list(), counts();
UPDATE actstream.actions SET public = false WHERE id = ANY (ids(3));
SELECT list(), counts();
-- exceptions of actions that are gone
SELECT count(*) FROM actstream.mark_exceptions;
SELECT actstream.trim_marks(), (SELECT count(*) FROM actstream.mark_exceptions);

-- late: backdated below the mark
SELECT actstream.mark_all_read('person:1');
SELECT counts();
SELECT verb FROM actstream.act_send('person:3', 'wrote', 'page:16', "timestamp" => '2026-01-01 00:00:30+00');
SELECT list(), counts();
SELECT actstream.record_changes(true), actstream.record_changes(true);
SELECT verb FROM actstream.act_send('person:3', 'wrote', 'page:17', "timestamp" => '2026-01-01 00:00:40+00');
UPDATE actstream.actions SET public = true WHERE id = ANY (ids(3));
UPDATE actstream.actions SET description = 'x' WHERE id = ANY (ids(2));
SELECT list(), counts();
SELECT operation, arrived, actstream.ref_key(a.action_object) AS page FROM actstream.changes c JOIN actstream.actions a ON a.id = c.action_id ORDER BY c.recorded;
-- some of it read, below a mark that stays where it is
SELECT actstream.mark_all_read('person:1', up_to => cursor(17)), list(), counts();
SELECT actstream.mark_all_read('person:1'), list(), counts(), (SELECT count(*) FROM actstream.mark_exceptions);
-- without the record's rows, it counts as read
SELECT verb FROM actstream.act_send('person:3', 'wrote', 'page:18', "timestamp" => '2026-01-01 00:00:50+00');
SELECT counts(), actstream.trim_changes(), counts(), actstream.trim_changes('-1 hour', 2), actstream.trim_changes('-1 hour'), counts();
SELECT actstream.record_changes(false), actstream.record_changes(false);
SELECT verb FROM actstream.act_send('person:3', 'wrote', 'page:19', "timestamp" => '2026-01-01 00:00:55+00');
SELECT counts(), (SELECT count(*) FROM actstream.changes), try('SELECT actstream.record_changes(NULL)');

-- an action that has another time since is not read with what was before it
SELECT actstream.record_changes(true), actstream.mark_all_read('person:1', 'moved'), actstream.mark_unread('person:1', ids(7), 'moved');
UPDATE actstream.actions SET "timestamp" = '2026-01-01 00:30+00' WHERE id = ANY (ids(7));
SELECT counts('person:1', 'moved'), actstream.mark_all_read('person:1', 'moved', cursor(9)), counts('person:1', 'moved'),
       actstream.mark_all_read('person:1', 'moved', cursor(7)), counts('person:1', 'moved');
SELECT actstream.record_changes(false), actstream.trim_changes('-1 hour') > 0 AS trimmed;

-- what has come below a mark is seen and read without a cursor, also if nothing is left above the mark
SELECT verb FROM actstream.act_send('person:3', 'wrote', 'page:20');
SELECT actstream.record_changes(true), actstream.mark_all_read('person:1', 'gone'), counts('person:1', 'gone');
DELETE FROM actstream.actions WHERE id = ANY (ids(20));
SELECT verb FROM actstream.act_send('person:3', 'wrote', 'page:21', "timestamp" => '2026-01-01 00:01:30+00');
SELECT counts('person:1', 'gone'), actstream.mark_all_seen('person:1', 'gone', cursor(21)), counts('person:1', 'gone'), actstream.mark_all_seen('person:1', 'gone'),
       counts('person:1', 'gone'), actstream.mark_all_read('person:1', 'gone'), counts('person:1', 'gone');
-- how many were not read, below a mark that stays
SELECT verb FROM actstream.act_send('person:3', 'wrote', 'page:22');
SELECT actstream.mark_all_read('person:1', 'gone'), actstream.mark_unread('person:1', ids(2, 21, 22), 'gone'), counts('person:1', 'gone'),
       actstream.mark_all_read('person:1', 'gone', cursor(22)), counts('person:1', 'gone'), actstream.mark_all_read('person:1', 'gone');
SELECT count(*) FROM actstream.mark_exceptions WHERE feed = 'gone';
DELETE FROM actstream.actions WHERE id = ANY (ids(21, 22));
SELECT actstream.record_changes(false), actstream.trim_changes('-1 hour') > 0 AS trimmed;

-- a trigger that keeps marks from being stored
CREATE FUNCTION keep_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep_out BEFORE INSERT ON actstream.marks FOR EACH ROW EXECUTE FUNCTION keep_out();
SELECT try($$SELECT actstream.mark_all_read('person:1', 'kept out')$$), try($$SELECT actstream.mark_all_read('person:1')$$);
DROP FUNCTION keep_out CASCADE;

-- no actions are none, and not all
SELECT counts('person:1', 'none'),
       actstream.mark_read('person:1', actions => NULL, feed => 'none'), actstream.mark_read('person:1', '{}'::bigint[], 'none'), counts('person:1', 'none');

-- the mark is not set to the future, unless that is asked for, and comes back from there
SELECT verb FROM actstream.act_send('person:2', 'wrote', 'page:20', "timestamp" => now() + interval '1 year');
SELECT actstream.mark_all_read('person:1', 'future'), counts('person:1', 'future'), actstream.mark_read('person:1', ids(20), 'future'), counts('person:1', 'future');
SELECT actstream.mark_all_read('person:1', 'future', cursor(20));
BEGIN;
SELECT actstream.mark_all_seen('person:1', 'future');
SELECT counts('person:1', 'future'), (SELECT count(*) FROM actstream.notifications('person:1', 'future') WHERE NOT seen) AS listed,
       (SELECT m.seen < m.read FROM actstream.marks m WHERE m.reader = 'person:1' AND m.feed = 'future') AS seen_is_lower;
ROLLBACK;
DELETE FROM actstream.actions WHERE id = ANY (ids(20));
SELECT actstream.mark_all_read('person:1', 'future'), actstream.mark_all_read('person:1', 'future');
SELECT verb FROM actstream.act_send('person:2', 'wrote', 'page:21');
SELECT counts('person:1', 'future');

-- marks go with their reader, and move with its key
SELECT actstream.mark_unread('person:1', ids(2));
UPDATE person SET id = 11 WHERE id = 1;
SELECT reader, feed FROM actstream.marks ORDER BY feed;
SELECT reader FROM actstream.mark_exceptions;
DELETE FROM person WHERE id = 11;
SELECT (SELECT count(*) FROM actstream.marks), (SELECT count(*) FROM actstream.mark_exceptions);
SELECT actstream.mark_all_read('person:9') IS NOT NULL;
-- a mark that no trigger has checked
SET session_replication_role = replica;
UPDATE actstream.marks SET read = 'x';
SELECT * FROM actstream.integrity_check();
UPDATE actstream.marks SET read = NULL;
RESET session_replication_role;
SELECT label, on_delete FROM actstream.register('person', on_delete => 'restrict');
DELETE FROM person WHERE id = 9;
SELECT count(*) FROM actstream.marks;
SELECT * FROM actstream.integrity_check();

-- one row, whatever the stream holds
SELECT label FROM actstream.register_external('reader');
CREATE PROCEDURE fill(n int) LANGUAGE sql AS $$
    INSERT INTO actstream.actions (actor, verb) SELECT 'page:busy', 'did' FROM generate_series(1, n)
$$;
SELECT follower FROM actstream.follow('reader:1', 'page:busy', send_action => false);
CALL fill(10);
SELECT actstream.unread_count('reader:1'), actstream.mark_all_read('reader:1'), (SELECT count(*) FROM actstream.marks), (SELECT count(*) FROM actstream.mark_exceptions);
CALL fill(990);
SELECT actstream.unread_count('reader:1', cap => NULL), actstream.mark_all_read('reader:1'), (SELECT count(*) FROM actstream.marks), (SELECT count(*) FROM actstream.mark_exceptions);
CALL fill(99000);
SELECT actstream.unread_count('reader:1', cap => NULL), actstream.mark_all_read('reader:1'), (SELECT count(*) FROM actstream.marks), (SELECT count(*) FROM actstream.mark_exceptions);
SELECT actstream.unread_count('reader:1');

-- plans are lazy, also the one that fits any arguments
\i test/lib/plan.sql
CREATE FUNCTION steps(query text) RETURNS SETOF text LANGUAGE sql AS $$
    -- two indexes are as good
    SELECT replace(trim(line), 'exceptions_action_id_idx', 'exceptions_pkey') FROM plan(query) AS line WHERE line ~ 'Limit|Sort|Custom Scan|Scan.*actions|Scan.*mark_exceptions x$'
$$;
SET enable_seqscan = off;
SELECT steps($$SELECT n.action FROM actstream.notifications('reader:1') AS n ORDER BY (n.action)."timestamp" DESC, (n.action).id DESC LIMIT 20$$);
SELECT steps($$SELECT n.action FROM actstream.notifications('reader:1', before => actstream.stream_cursor(NULL)) AS n LIMIT 20$$);
SELECT steps($$SELECT n.action FROM actstream.notifications('reader:1', archived => true) AS n LIMIT 20$$);
PREPARE page(actstream.ref, text) AS SELECT n.action FROM actstream.notifications($1, before => $2) AS n LIMIT 20;
PREPARE any_page(actstream.ref, boolean) AS SELECT n.action FROM actstream.notifications($1, archived => $2) AS n LIMIT 1;
SET plan_cache_mode = force_generic_plan;
SELECT steps($$EXECUTE page('reader:1', NULL)$$);
SELECT actstream.archive('reader:1', ARRAY(SELECT a.id FROM actstream.user_stream('reader:1') AS a LIMIT 2));
EXECUTE any_page('reader:1', true) \gset archived_
EXECUTE any_page('reader:1', NULL) \gset current_
SELECT (:'archived_action'::actstream.action).id - (:'current_action'::actstream.action).id AS distance;

SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
DROP TABLE person;
DROP FUNCTION try, list, cursor, ids, counts, plan, steps;
DROP PROCEDURE wait_for, fill;
