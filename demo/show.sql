-- The demonstration: every query is printed above its result, and the time that it took
-- below.

\pset footer off
\pset linestyle unicode
\pset null ''

-- The names of what is shown come from the data.
SELECT 'maintainer:' || maintainer AS maintainer
FROM release WHERE released IS NOT NULL AND maintainer IS NOT NULL
GROUP BY maintainer ORDER BY count(*) DESC, maintainer LIMIT 1
\gset
SELECT 'package:' || package AS package
FROM release GROUP BY package ORDER BY package <> 'openssl', count(*) DESC, package LIMIT 1
\gset

\echo
\echo '──── What was loaded ───────────────────────────────────────────────────────────────────────────────'
\echo
\set ECHO queries
\timing on

SELECT verb, count(*) AS actions, count(DISTINCT actor) AS actors,
       min("timestamp")::date AS first, max("timestamp")::date AS last
FROM actstream.actions GROUP BY verb ORDER BY actions DESC;

\echo
\echo '──── Who follows whom, and what ────────────────────────────────────────────────────────────────────'
\echo 'By default the stream shows what the followee does; without actor_only, also what is done to it.'
\echo

SELECT actstream.display_name(follower) AS follower, flag, actor_only, min(started)::date AS since,
       left(string_agg(actstream.display_name(followee), ', '), 50) AS followees
FROM actstream.follows
GROUP BY follower, flag, actor_only ORDER BY follower, flag, actor_only DESC;

\echo
\echo '──── A personal stream ─────────────────────────────────────────────────────────────────────────────'
\echo 'What happens to everything that Ann follows, newest first.'
\echo

SELECT actstream.sentence(a)
FROM actstream.user_stream('reader:1') a LIMIT 10;

-- what a program remembers of the last row of a page
\set ECHO none
\timing off
SELECT coalesce(max("timestamp"), '-infinity') AS last_timestamp, coalesce(max(id), 0) AS last_id
FROM (SELECT "timestamp", id FROM actstream.user_stream('reader:1') OFFSET 9 LIMIT 1) last
\gset
\set ECHO queries
\timing on
\echo
\echo '──── Its next page ─────────────────────────────────────────────────────────────────────────────────'
\echo 'It begins below the last row of the first page: no OFFSET that grows from page to page.'
\echo

SELECT actstream.sentence(a)
FROM actstream.user_stream('reader:1') a
WHERE ("timestamp", id) < (:'last_timestamp', :last_id) LIMIT 10;

\echo
\echo '──── In other languages ────────────────────────────────────────────────────────────────────────────'
\echo 'The table of phrases has a pattern for each verb and language: see schema.sql.'
\echo

SELECT actstream.sentence(a, language => 'de-AT')
FROM actstream.user_stream('reader:1') a LIMIT 3;

\echo
SELECT actstream.sentence(a, language => 'ru')
FROM actstream.user_stream('reader:1') a LIMIT 3;

\echo
\echo '──── With her own activity ─────────────────────────────────────────────────────────────────────────'
\echo

SELECT actstream.sentence(a)
FROM actstream.user_stream('reader:1', with_user_activity => true) a LIMIT 10;

\echo
\echo '──── A filter is a WHERE ───────────────────────────────────────────────────────────────────────────'
\echo

SELECT actstream.sentence(a)
FROM actstream.user_stream('reader:1') a WHERE verb = 'closed' LIMIT 5;

\echo
SELECT data->>'urgency' AS urgency, actstream.sentence(a)
FROM actstream.public_stream() a WHERE data->>'urgency' IN ('critical', 'emergency') LIMIT 5;

\echo
\echo '──── The follows with a flag ───────────────────────────────────────────────────────────────────────'
\echo 'Ben follows packages for their security, and watches Ann.'
\echo

SELECT actstream.sentence(a)
FROM actstream.user_stream('reader:2', flag => 'security') a LIMIT 5;

\echo
SELECT actstream.sentence(a)
FROM actstream.user_stream('reader:2', flag => 'watching') a LIMIT 5;

\echo
\echo '──── A stream of your own ──────────────────────────────────────────────────────────────────────────'
\echo 'security_uploads() is an SQL function of five lines over actstream.stream_of: see schema.sql.'
\echo

SELECT data->>'distributions' AS distribution, actstream.sentence(a)
FROM security_uploads('reader:2') a LIMIT 10;

\echo
\echo '──── Since the follow began ────────────────────────────────────────────────────────────────────────'
\echo 'Cleo sees the whole past of the maintainers that she follows, or only what came after the follow.'
\echo

SELECT count(*) AS actions, min("timestamp")::date AS first, max("timestamp")::date AS last
FROM actstream.user_stream('reader:3');

\echo
SELECT count(*) AS actions, min("timestamp")::date AS first, max("timestamp")::date AS last
FROM actstream.user_stream('reader:3', since_follow => true);

\echo
\echo '──── What a maintainer does ────────────────────────────────────────────────────────────────────────'
\echo

SELECT actstream.sentence(a)
FROM actstream.actor_stream(:'maintainer') a LIMIT 5;

\echo
\echo '──── What happens to a package, in any role ────────────────────────────────────────────────────────'
\echo

SELECT actstream.sentence(a)
FROM actstream.any_stream(:'package') a LIMIT 8;

\echo
\echo '──── What happens to any bug ───────────────────────────────────────────────────────────────────────'
\echo

SELECT actstream.sentence(a)
FROM actstream.model_stream('bug') a LIMIT 8;

\echo
\echo '──── No reference outlives what it names ───────────────────────────────────────────────────────────'
\echo 'When a row is deleted, so are its actions, as by ON DELETE CASCADE.'
\echo

\set ECHO none
\timing off
SELECT 'bug:' || coalesce(max(number), 1) AS bug, coalesce(max(number), 1) AS number FROM bug
\gset
BEGIN;
\set ECHO queries
SELECT actstream.sentence(a)
FROM actstream.action_object_stream(:'bug') a;
DELETE FROM fix WHERE bug = :number;
DELETE FROM bug WHERE number = :number;
SELECT actstream.sentence(a)
FROM actstream.action_object_stream(:'bug') a;
\set ECHO none
ROLLBACK;
\set ECHO queries
\timing on

\echo
\echo '──── A stream is a relation ────────────────────────────────────────────────────────────────────────'
\echo 'It joins and groups like any other: who released most of what Ann follows?'
\echo

\set ECHO none
\timing off
SET search_path = public, actstream;
\set ECHO queries
\timing on
SELECT m.name, count(*) AS releases, min("timestamp")::date AS first, max("timestamp")::date AS last
FROM actstream.user_stream('reader:1') a
     JOIN maintainer m ON a.actor = ref('maintainer', m.id)
WHERE verb = 'released'
GROUP BY m.id ORDER BY releases DESC, m.name LIMIT 8;

\echo
\echo '──── Notifications ─────────────────────────────────────────────────────────────────────────────────'
\echo 'Ann has read all but the newest five. She mutes whoever acted last; the badge is right at once.'
\echo

SELECT actstream.mark_all_read('reader:1', up_to => actstream.stream_cursor(a))
FROM (SELECT a FROM actstream.user_stream('reader:1') a OFFSET 5 LIMIT 1) s;
SELECT actstream.unread_count('reader:1'), actstream.unseen_count('reader:1');

\echo
SELECT CASE WHEN n.read THEN '' ELSE 'new' END AS " ", actstream.sentence(n.action)
FROM actstream.notifications('reader:1') n LIMIT 7;

\echo
SELECT actstream.display_name(muted) AS muted
FROM (SELECT actor FROM actstream.user_stream('reader:1') LIMIT 1) a, actstream.mute('reader:1', a.actor);
SELECT actstream.unread_count('reader:1');
SELECT sum(actstream.unmute(muter, muted)) AS unmuted FROM actstream.mutes;

\echo
\echo '──── The stream as a page and as feeds ─────────────────────────────────────────────────────────────'
\echo 'As a page of HTML, made by the XML functions of PostgreSQL (see page.sql), an Atom feed, and a page'
\echo 'of Activity Streams 2.0.'
\echo

\pset format unaligned
\pset tuples_only on
\timing off
SELECT page('reader:1',
            ARRAY(SELECT a FROM actstream.user_stream('reader:1', with_user_activity => true) a LIMIT 30),
            groups => ARRAY(SELECT g FROM actstream.user_groups('reader:1', '{actor,verb}', '7 days') g LIMIT 12),
            unread => actstream.unread_count('reader:1'))
\g :results/stream.html

\echo
SELECT actstream.atom_feed(a, 'tag:example.org,2026:ann', 'Ann’s stream', 'https://example.org/ann')
FROM (SELECT a FROM actstream.user_stream('reader:1', with_user_activity => true) a LIMIT 30) s
\g :results/stream.atom

\echo
SELECT jsonb_pretty(actstream.activity_streams_2(a, 'https://example.org/ann.json', 'Ann’s stream',
                                                 'https://example.org/ann'))
FROM (SELECT a FROM actstream.user_stream('reader:1', with_user_activity => true) a LIMIT 30) s
\g :results/stream.json
