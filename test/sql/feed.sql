-- Feeds: what the four formats say of actions, and how the aggregates behave.
\pset format unaligned
\pset tuples_only on
\i test/lib/fresh.sql
SET timezone = 'America/New_York';
CREATE SCHEMA feed;
SET search_path = feed, public;

-- one element in a line
CREATE FUNCTION lines(xml) RETURNS text LANGUAGE sql AS $$ SELECT replace($1::text, '><', E'>\n<') $$;

CREATE TABLE users (id integer PRIMARY KEY, name text);
CREATE TABLE repo (owner text, name text, PRIMARY KEY (owner, name));
INSERT INTO users VALUES (1, 'Ann'), (2, 'Ben'), (3, '<b>"C" & ''D''</b>' || chr(7) || chr(9) || chr(127));
INSERT INTO repo VALUES ('acme', 'rocket'), ('..', 'a/b?c#d');
SELECT label FROM actstream.register('users', 'user', name_template => '{name}', url_template => '/users/{id}');
SELECT label FROM actstream.register('repo', name_template => '{owner}/{name}', url_template => '{owner}/{name}');
SELECT label FROM actstream.register_external('site', url_template => 'https://{key}/"<&>" 100%?q={key}');
SELECT label FROM actstream.register_external('thing');
SELECT id FROM actstream.act_send('user:1', 'created', 'repo:acme,rocket', "timestamp" => '2026-03-01 09:00+00');
SELECT id FROM actstream.act_send('user:2', 'pushed to', target => 'repo:..,a/b?c#d', description => E'<i>fins</i> & "more"\r\n', "timestamp" => '2026-03-01 10:00:00.25+00');
SELECT id FROM actstream.act_send('user:3', 'started following', 'site:example.com', 'thing:a b/c,"d"', '', "timestamp" => '2026-03-02 23:59:59.999999-05');

CREATE VIEW page AS SELECT * FROM actstream.public_stream() LIMIT 30;

SELECT lines(actstream.atom_feed(a, 'tag:example.org,2026:stream', 'Who''s <b>"new"</b>', 'https://example.org/ann/' ORDER BY a."timestamp" DESC, a.id DESC)) FROM (SELECT * FROM page) a;
SELECT lines(actstream.rss_feed(a, 'https://example.org/ann.rss', 'Who''s <b>"new"</b>', 'https://example.org/ann/' ORDER BY a."timestamp" DESC, a.id DESC)) FROM (SELECT * FROM page) a;
SET actstream.tag_authority = 'ann@example.org,2026-01';
SELECT lines(actstream.rss_feed(a, 'https://example.org/ann.rss', 'Who''s <b>"new"</b>', 'https://example.org/ann/' ORDER BY a."timestamp" DESC, a.id DESC)) FROM (SELECT * FROM page) a;
SELECT jsonb_pretty(actstream.activity_streams_1(a, 'https://example.org/ann.json', 'Who''s <b>"new"</b>', 'https://example.org/ann/' ORDER BY a."timestamp" DESC, a.id DESC)) FROM (SELECT * FROM page) a;
SELECT jsonb_pretty(actstream.activity_streams_2(a, 'https://example.org/ann', 'Who''s <b>"new"</b>', 'https://example.org/ann?lang=en&before=x,1&after=#top' ORDER BY a."timestamp" DESC, a.id DESC)) FROM (SELECT * FROM page) a;

-- the ids are the same wherever an action is shown; the setting comes before the id of the feed
SELECT (xpath('//atom:entry/atom:id/text()', actstream.atom_feed(a, 'tag:example.org,2026:other', 'T', 'http://example.org'), '{{atom,http://www.w3.org/2005/Atom}}'))[1]
FROM actstream.actor_stream('user:1') a;
RESET actstream.tag_authority;

--
-- Without actions
--

-- not one row: nothing says what the feed is
SELECT actstream.atom_feed(a, 'tag:example.org,2026:s', 'T', 'http://example.org') IS NULL, actstream.rss_feed(a, 'tag:example.org,2026:s', 'T', 'http://example.org') IS NULL,
       actstream.activity_streams_1(a, 'tag:example.org,2026:s', 'T', 'http://example.org') IS NULL, actstream.activity_streams_2(a, 'tag:example.org,2026:s', 'T', 'http://example.org') IS NULL
FROM actstream.actor_stream('user:9') a;
-- a row without an action says it; nothing has an authority then
BEGIN;
SELECT lines(actstream.atom_feed(a, 'http://example.org/f', 'T', 'http://example.org')) = format(E'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:activity="http://activitystrea.ms/spec/1.0/">\n<id>http://example.org/f</id>\n<title type="text">T</title>\n<updated>%s</updated>\n<link rel="alternate" href="http://example.org"/>\n<link rel="self" type="application/atom+xml" href="http://example.org/f"/>\n</feed>',
    regexp_replace(to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '\.?0*Z$', 'Z'))
FROM (SELECT 1) one LEFT JOIN actstream.actor_stream('user:9') a ON true;
COMMIT;
SELECT actstream.rss_feed(a, 'http://example.org/f', 'T', 'http://example.org')::text LIKE '%GMT</lastBuildDate><atom:link %/></channel></rss>',
       actstream.activity_streams_1(a, 'http://example.org/f', 'T', 'http://example.org') - 'updated', actstream.activity_streams_2(a, 'http://example.org/f', 'T', 'http://example.org') - 'updated'
FROM (SELECT 1) one LEFT JOIN (SELECT * FROM actstream.actor_stream('user:9')) a ON true;
-- rows that are no whole actions are skipped
SELECT jsonb_path_query_array(actstream.activity_streams_1(a, 'tag:example.org,2026:s', 'T', 'http://example.org'), '$.items[*].id')
FROM (VALUES (NULL::actstream.action), (ROW(1, now(), true, NULL, 'did', NULL, NULL, NULL, NULL, NULL)::actstream.action),
      (ROW(2, now(), true, 'user:1', NULL, NULL, NULL, NULL, NULL, NULL)::actstream.action), (ROW(3, NULL, true, 'user:1', 'did', NULL, NULL, NULL, NULL, NULL)::actstream.action),
      (ROW(NULL, now(), true, 'user:1', 'did', NULL, NULL, NULL, NULL, NULL)::actstream.action), (ROW(5, now(), NULL, 'user:1', 'did', NULL, NULL, NULL, NULL, NULL)::actstream.action)) v (a);

--
-- Arguments and the setting
--

CREATE FUNCTION try(id text, title text, link text, authority text DEFAULT '') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    PERFORM set_config('actstream.tag_authority', $4, true);
    RETURN left(actstream.atom_feed(a, $1, $2, $3)::text, 0) || 'ok' FROM actstream.actor_stream('user:1') a;
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' / ', SQLSTATE, SQLERRM, nullif(hint, ''));
END $$;
SELECT try(NULL, 'T', 'http://example.org');
SELECT try('tag:example.org,2026:s', NULL, 'http://example.org');
SELECT try('tag:example.org,2026:s', 'T', NULL);
SELECT try('stream', 'T', 'http://example.org');
SELECT try('', 'T', 'http://example.org');
SELECT try('tag:example.org,2026:s', 'T', '/ann');
SELECT try('tag:example.org,2026:s', 'T', 'http://');
SELECT try('tag:example.org,2026:s', 'T', 'javascript:alert(1)');
SELECT try('tag:example.org,2026:s', 'T', 'javascript://example.org/%0Aalert(1)');
SELECT try('tag:example.org,2026:s', 'T', 'HTTPS://example.org');
SELECT try('http://example.org/f', 'T', 'http://example.org');
SELECT try('tag:example.org:s', 'T', 'http://example.org');
SELECT a, try('http://example.org/f', 'T', 'http://example.org', a)
FROM unnest('{"example.org,2026","a.b-c.example.org,2026-12","x_y.z@example.org,2026-12-31","localhost,0001",
              "example.org","example.org,26","example.org,2026-13","example.org,2026-00","example.org,2026-1","example.org,2026-01-32",
              "example.org,2026:x","-a.org,2026","a-.org,2026","a..org,2026",".org,2026",",2026","@example.org,2026","<a>,2026","é.org,2026"," example.org,2026"}'::text[]) a;
SET actstream.tag_authority = 'x';

--
-- Addresses: relative to the link, as RFC 3986 says (section 5.4)
--

CREATE FUNCTION resolved(reference text, base text DEFAULT 'http://a/b/c/d;p?q') RETURNS text LANGUAGE plpgsql SET client_min_messages = warning AS $$
BEGIN
    PERFORM actstream.register_external('thing', url_template => reference);
    RETURN actstream.activity_streams_1(ROW(1, now(), true, 'thing:1', 'did', NULL, NULL, NULL, NULL, NULL)::actstream.action,
                                        'tag:example.org,2026:s', 'T', base) #>> '{items,0,actor,url}';
END $$;
SELECT reference, resolved, resolved = expected
FROM (VALUES ('g:h', 'g:h'), ('g', 'http://a/b/c/g'), ('./g', 'http://a/b/c/g'), ('g/', 'http://a/b/c/g/'), ('/g', 'http://a/g'),
             ('//g', 'http://g'), ('?y', 'http://a/b/c/d;p?y'), ('g?y', 'http://a/b/c/g?y'), ('#s', 'http://a/b/c/d;p?q#s'),
             ('g#s', 'http://a/b/c/g#s'), ('g?y#s', 'http://a/b/c/g?y#s'), (';x', 'http://a/b/c/;x'), ('g;x', 'http://a/b/c/g;x'),
             ('g;x?y#s', 'http://a/b/c/g;x?y#s'), ('.', 'http://a/b/c/'), ('./', 'http://a/b/c/'), ('..', 'http://a/b/'), ('../', 'http://a/b/'),
             ('../g', 'http://a/b/g'), ('../..', 'http://a/'), ('../../', 'http://a/'), ('../../g', 'http://a/g'),
             ('../../../g', 'http://a/g'), ('../../../../g', 'http://a/g'), ('/./g', 'http://a/g'), ('/../g', 'http://a/g'), ('g.', 'http://a/b/c/g.'),
             ('.g', 'http://a/b/c/.g'), ('g..', 'http://a/b/c/g..'), ('..g', 'http://a/b/c/..g'), ('./../g', 'http://a/b/g'), ('./g/.', 'http://a/b/c/g/'),
             ('g/./h', 'http://a/b/c/g/h'), ('g/../h', 'http://a/b/c/h'), ('g;x=1/./y', 'http://a/b/c/g;x=1/y'), ('g;x=1/../y', 'http://a/b/c/y'),
             ('g?y/./x', 'http://a/b/c/g?y/./x'), ('g#s/../x', 'http://a/b/c/g#s/../x'), ('http:g', 'http:g')) v (reference, expected), resolved(reference);
SELECT resolved('g', 'http://a'), resolved('g', 'http://a?q/r'), resolved('/g', 'http://a:80?q'), resolved('?x', 'http://a'), resolved('é ü', 'http://a/ö/');

--
-- An object that is an address has it, unless it could do harm
SELECT label FROM actstream.register_external('web', '{key}', '{key}');
CREATE FUNCTION liked(o actstream.ref) RETURNS actstream.action IMMUTABLE
    RETURN ROW(1, '2026-03-01 09:00+00', true, 'thing:1'::actstream.ref, 'liked', o, NULL, NULL, NULL, NULL)::actstream.action;
SELECT actstream.sentence(liked(o), '2026-03-01 09:00+00'),
       substring(actstream.atom_feed(liked(o), 'tag:example.org,2026:s', 'T', 'http://a/b')::text FROM '<activity:object>.*</activity:object>'),
       substring(actstream.rss_feed(liked(o), 'tag:example.org,2026:s', 'T', 'http://a/b')::text FROM '<item>.*</link>'),
       actstream.activity_streams_2(liked(o), 'tag:example.org,2026:s', 'T', 'http://a/b') #>> '{orderedItems,0,object}'
FROM unnest('{"web:https://example.org/ü?a=1&b=2",web:javascript:alert(1)}'::actstream.ref[]) o GROUP BY o ORDER BY o::text COLLATE "C" DESC;

-- Times that feeds cannot hold are the nearest that they can
--

CREATE FUNCTION at(timestamptz) RETURNS actstream.action LANGUAGE sql AS $$ SELECT ROW(1, $1, true, 'user:1', 'did', NULL, NULL, NULL, NULL, NULL)::actstream.action $$;
SELECT t, actstream.activity_streams_1(at(t), 'tag:example.org,2026:s', 'T', 'http://a') #>> '{items,0,published}' AS published,
       (xpath('//pubDate/text()', actstream.rss_feed(at(t), 'tag:example.org,2026:s', 'T', 'http://a')))[1],
       actstream.activity_streams_2(at(t), 'tag:example.org,2026:s', 'T', 'http://a')->>'next' AS next,
       -- the cursor is that of the action
       split_part(actstream.activity_streams_2(at(t), 'tag:example.org,2026:s', 'T', 'http://a')->>'next', '=', 2) = actstream.stream_cursor(at(t))
FROM (VALUES ('infinity'::timestamptz), ('-infinity'), ('0044-03-15 12:00+00 BC'), ('0001-01-01 00:00+00'), ('9999-12-31 23:59:59.5+00'), ('10000-01-01 00:00+00'),
             ('294276-12-31 23:59:59+00'), ('4713-01-01 00:00+00 BC'), ('2024-02-29 23:30:00.000001-05')) v (t)
GROUP BY t ORDER BY t;

--
-- As any aggregate
--

CREATE FUNCTION ids(jsonb) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(split_part(v->>'id', '/', 2), ',' ORDER BY o) FROM jsonb_array_elements($1->'items') WITH ORDINALITY e (v, o) $$;
SELECT ids(actstream.activity_streams_1(a, 'tag:example.org,2026:s', 'T', 'http://a' ORDER BY a.id)), ids(actstream.activity_streams_1(a, 'tag:example.org,2026:s', 'T', 'http://a' ORDER BY a.id DESC) FILTER (WHERE a.id > 1)) FROM actstream.public_stream() a;
SELECT a.actor, ids(actstream.activity_streams_1(a, 'tag:example.org,2026:s', 'T', 'http://a')) FROM actstream.public_stream() a GROUP BY 1 ORDER BY 1;
SELECT ids(actstream.activity_streams_1(a, 'tag:example.org,2026:s', 'T', 'http://a') OVER (ORDER BY a.id)),
       ids(actstream.activity_streams_1(a, 'tag:example.org,2026:s', 'T', 'http://a') OVER (ORDER BY a.id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)) FROM actstream.public_stream() a ORDER BY a.id;
-- id, title and link of the first row, and state that is shared by two formats
SELECT s1->>'id', s1->>'displayName', s2->>'name', s2->>'id' FROM (
    SELECT actstream.activity_streams_1(a, 'tag:example.org,2026:' || a.id, 'T' || a.id, 'http://a/' || a.id ORDER BY a.id DESC) s1, actstream.activity_streams_2(a, 'tag:example.org,2026:' || a.id, 'T' || a.id, 'http://a/' || a.id ORDER BY a.id DESC) s2
    FROM actstream.public_stream() a) f;

-- a verb that the vocabulary has, and one that it has not
SELECT v, s #>> '{orderedItems,0,type}', s #>> '{orderedItems,0,verb}'
FROM (SELECT v, actstream.activity_streams_2(ROW(1, now(), true, 'user:1', v, NULL, NULL, NULL, NULL, NULL)::actstream.action, 'tag:example.org,2026:s', 'T', 'http://a') s
      FROM unnest('{created,liked,"started following",shared,Liked,did}'::text[]) v GROUP BY v) f ORDER BY v COLLATE "C";

SET client_min_messages = warning;
DROP SCHEMA feed CASCADE;
DROP EXTENSION actstream CASCADE;
