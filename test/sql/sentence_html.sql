--
-- Actions in words for people: HTML, parts, whole pages
--
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS actstream CASCADE;
DROP SCHEMA IF EXISTS sentence_html CASCADE;
DROP ROLE IF EXISTS actstream_stranger;
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
RESET client_min_messages;
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on

SET datestyle = 'ISO';
SET timezone = 'UTC';
CREATE SCHEMA sentence_html;
SET search_path = sentence_html;

CREATE TABLE users (id integer PRIMARY KEY, name text);
INSERT INTO users VALUES (1, 'Ann'), (2, 'Ben & Söhne');
SELECT label FROM actstream.register('users', 'user', name_template => '{name}', url_template => '/users/{id}?a=1&b={name}');
SELECT label FROM actstream.register_external('issue', 'issue {key}');
SELECT label FROM actstream.register_external('web', '{key}', '{key}');
CREATE FUNCTION told(verb text, action_object actstream.ref DEFAULT NULL, target actstream.ref DEFAULT NULL,
                     "timestamp" timestamptz DEFAULT '2026-01-01 09:00+00', actor actstream.ref DEFAULT 'user:1')
RETURNS actstream.action IMMUTABLE
RETURN ROW(1, "timestamp", true, actor, verb, action_object, target, NULL, NULL, NULL)::actstream.action;
CREATE FUNCTION noon() RETURNS timestamptz IMMUTABLE RETURN timestamptz '2026-01-01 12:00+00';

--
-- The forms
--
SELECT actstream.sentence_html(told('closed', 'issue:2', 'user:2'), noon());
SELECT actstream.sentence_html(told('closed', 'issue:2', 'user:2'), noon(), 'de');
SELECT actstream.sentence_html(told('öffnete', 'issue:2'), noon(), language => 'de');
SELECT jsonb_pretty(actstream.sentence_parts(told('closed', 'issue:2', 'user:2'), noon()));
SELECT actstream.sentence_parts(told('arrived'), noon(), 'ru');
-- the pattern decides where the time is, and how much of it
INSERT INTO actstream.phrases VALUES ('en', 'closed', '[{timesince} ago, ]{actor} {verb} {action_object}[ ({target})]'),
    ('en', 'aged', '{actor} is {timesince} old'), ('en', 'left', '<i>{actor}</i> &amp; "{verb}"');
SELECT actstream.sentence_html(told('closed', 'issue:2', 'user:2'), noon());
SELECT actstream.sentence_html(told('aged'), noon());
SELECT actstream.sentence_html(told('left'), noon());
SELECT actstream.sentence_parts(told('closed', 'issue:2'), noon());
DELETE FROM actstream.phrases;
-- times: HTML has milliseconds, and no years before the first
SELECT actstream.sentence_html(told('x', "timestamp" => t), noon()), actstream.sentence_parts(told('x', "timestamp" => t), noon()) -> 2
FROM unnest('{2026-01-01 08:59:59.999999+00,1969-12-31 23:59:59.9999+00,0001-01-01 00:00+00,0044-03-15 12:00+00 BC,12026-01-01 00:00+00,infinity,-infinity}'::timestamptz[]) t;
-- nothing to tell
SELECT actstream.sentence_html(NULL) IS NULL, actstream.sentence_parts(NULL) IS NULL, actstream.sentence_html(told('x'), NULL) = actstream.sentence_html(told('x')),
       actstream.sentence_parts(told('x'), NULL) = actstream.sentence_parts(told('x')), actstream.sentence_html(told(NULL)) IS NULL, actstream.sentence_parts(told('x', actor => NULL)) IS NULL;

--
-- Whatever a value holds is text
--
CREATE TABLE hostile (id integer PRIMARY KEY, v text);
INSERT INTO hostile VALUES (1, '<script>alert(1)</script>'), (2, '"><img src=x onerror=alert(1)>'), (3, ''' onclick=''alert(1)'), (4, '&lt;b&gt; &amp; &#60; &'),
    (5, E'\u202Egnp.exe\u202C \u2066\u2067\u200F'), (6, E'\u202E'), (7, repeat('Long', 2500)), (8, E'a\x01b\x1b[31mc\x7f\u0085'), (9, E'\t\r\n \u2028'), (10, ']]> --> <!-- <![CDATA[ </bdi></a>'),
    (11, E'\uFFFE\uFFFF😀'), (12, 'javascript:alert(1)'), (13, '{actor} {{ [ %s \1 $1'), (14, E'\u05E9\u05DC\u05D5\u05DD'),
    (15, E'\u2069\u2069\u202Ea'), (16, E'a\u2066b\u2069c\u2069d\u2066\u2066e\u2069f\u2069g\u2069'), (17, E'\u2029\u202Ea'), (18, E'\u0085\u202Ea');
SELECT label FROM actstream.register('hostile', name_template => '{v}', url_template => '{v}');
SELECT label FROM actstream.register_external('bad', '{key}', 'javascript:alert(1)//{key}');
SELECT label FROM actstream.register_external('data', '{key}', ' data:text/html,{key}');
CREATE FUNCTION parsed(html text) RETURNS xml IMMUTABLE STRICT RETURN xmlparse(DOCUMENT '<p>' || html || '</p>');
-- a parser finds the text of the sentence, but for blanks and what would end its isolation, and our elements
SELECT id, regexp_replace(x, '[\s\u0085\u2028\u2029\u2069]', '', 'g')
           = regexp_replace(regexp_replace(actstream.sentence(a, noon()), '[\s\u0085\u2028\u2029\u2069]', '', 'g'), '[\x01-\x1f\uFFFE\uFFFF]', U&'\FFFD', 'g') AS is_the_text,
       elements, attributes
FROM (SELECT told(left(v, 255), actstream.ref('hostile', id)) AS a, parsed(actstream.sentence_html(told(left(v, 255), actstream.ref('hostile', id)), noon())) AS p, id FROM hostile) h,
     XMLTABLE('/p' PASSING p COLUMNS x text PATH 'string(.)') t,
     LATERAL (SELECT string_agg(e, ' ') FROM XMLTABLE('//p//*' PASSING p COLUMNS e text PATH 'name()')) e (elements),
     LATERAL (SELECT string_agg(DISTINCT n, ' ') FROM XMLTABLE('//@*' PASSING p COLUMNS n text PATH 'name()')) n (attributes)
ORDER BY id;
SELECT id, left(actstream.sentence_html(told(left(v, 255), actstream.ref('hostile', id)), noon()), 330) FROM hostile WHERE id <> 7 ORDER BY id;
-- nothing that runs is a link, and the parts have the same
SELECT r, actstream.url(r), actstream.sentence_html(told('x', r, "timestamp" => '-infinity'), noon()), actstream.sentence_parts(told('x', r), noon()) #>> '{2,url}'
FROM unnest(ARRAY['bad:1', 'data:1', 'web:javascript:alert(1)', 'web:JaVaScRiPt:alert(1)', E'web:java\tscript:alert(1)', 'web: javascript:alert(1)', 'web:vbscript:x', 'web:https://example.org/ü?a=1&b="2"',
    'web://example.org/', 'web:/a/b', 'web:a:b', 'web:#top', 'web:mailto:ann@example.org']::actstream.ref[]) r;
SELECT bool_and((SELECT string_agg(coalesce(p->>'name', p->>'text'), '' ORDER BY n) FROM jsonb_array_elements(actstream.sentence_parts(a, noon(), 'fr')) WITH ORDINALITY e (p, n)) = actstream.sentence(a, noon(), 'fr')) AS parts_are_the_sentence
FROM hostile, told(left(v, 255), actstream.ref('hostile', id), 'issue:1') a;

--
-- Less than a minute ago
--
CREATE TABLE tongue (o integer, language text);
INSERT INTO tongue VALUES (1, 'en'), (2, 'de'), (3, 'fr'), (4, 'es'), (5, 'pt'), (6, 'pt-PT'), (7, 'ru'), (8, 'xx');
SELECT language, string_agg(actstream.sentence(told('came', "timestamp" => t), noon(), language), ' / ' ORDER BY t)
FROM tongue, unnest(ARRAY[noon() - interval '60 s', noon() - interval '59.999999 s', noon() + interval '1 year']) t GROUP BY o, language ORDER BY o;
SELECT actstream.timesince(noon(), noon()), actstream.sentence_html(told('came', "timestamp" => noon()), noon()), actstream.sentence_parts(told('came', "timestamp" => noon()), noon());
-- the words around the time go with it, blanks and punctuation stay
CREATE FUNCTION told_by(pattern text, t timestamptz) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO actstream.phrases VALUES ('en', 'came', pattern) ON CONFLICT (language, verb) DO UPDATE SET pattern = EXCLUDED.pattern;
    RETURN actstream.sentence(told('came', "timestamp" => t), noon());
END
$$;
SELECT p AS pattern, told_by(p, '2026-01-01 09:00+00'), told_by(p, noon()), told_by(p, '-infinity')
FROM unnest(ARRAY['{actor}[ {timesince} ago]', '{actor}[, {timesince} ago]', '{actor}[ ({timesince} ago)]', '{actor}[ — vor {timesince}]', '[Il y a {timesince}, ]{actor}', '[{timesince} назад ]{actor}',
    '{actor}[ {timesince}]', '[{timesince}]', '{actor}[（{timesince}前）]', '{actor}[: about {timesince} or so!?]', '{actor}[ {timesince} ago| always]', '{actor}[ {{{timesince}}}]',
    -- these say more than when
    '{actor} {timesince} ago', '[{actor} {timesince} ago]', '[{timesince} after {timesince}]']) p;
DELETE FROM actstream.phrases;

--
-- Verbs of follows
--
SELECT verb, language, actstream.sentence(told(verb, NULL, 'user:2', t), noon(), language)
FROM tongue, unnest(ARRAY[noon(), '2026-01-01 09:00+00']) t, unnest(ARRAY['started following', 'stopped following', 'started watching', 'stopped watching']) verb
ORDER BY verb COLLATE "C", t, o;
-- what follow() and unfollow() send
SELECT actstream.follow('user:1', 'user:2') IS DISTINCT FROM NULL, actstream.follow('user:1', 'user:2', 'watching') IS DISTINCT FROM NULL, actstream.unfollow('user:1', 'user:2', NULL, send_action => true);
SELECT actstream.sentence(a, language => 'de') FROM actstream.actions a ORDER BY id;
-- what they do not
SELECT v, actstream.sentence(told(v, o, t), noon(), 'de')
FROM (VALUES ('started', NULL::actstream.ref, 'user:2'::actstream.ref), ('started ', NULL, 'user:2'), ('startedfollowing', NULL, 'user:2'), ('started following', NULL, NULL),
             ('started following', 'issue:1', NULL), ('started following', 'issue:1', 'user:2'), ('restarted following', NULL, 'user:2'), ('started following me', NULL, 'user:2')) x (v, o, t);
-- phrases of the table go before: of the verb, and of all verbs
INSERT INTO actstream.phrases VALUES ('de', 'started following', '{actor} folgt {target}'), ('fr', '', '{actor} : {verb} {target}'), ('de-at', 'stopped watching', '{actor} {verb}');
SELECT verb, language, actstream.sentence(told(verb, NULL, 'user:2'), noon(), language)
FROM unnest('{de,de-AT,fr,es}'::text[]) language, unnest(ARRAY['started following', 'stopped watching']) verb;
DELETE FROM actstream.phrases;

--
-- Whole pages
--
CREATE TABLE page AS
    SELECT n, told(CASE WHEN n % 3 = 0 THEN 'started following' ELSE 'met' END, CASE WHEN n % 3 > 0 THEN actstream.ref('hostile', n % 18 + 1) END,
                   actstream.ref('user', n % 4), noon() - n * interval '20 s', actstream.ref('user', n % 2 + 1)) AS a
    FROM generate_series(1, 20) n;
SELECT count(*), bool_and((s.action).id IS NOT DISTINCT FROM (p.a).id), bool_and(s.action = p.a), bool_and(s.sentence = actstream.sentence(p.a, noon(), 'de')),
       bool_and(s.html = actstream.sentence_html(p.a, noon(), 'de')), bool_and(s.parts = actstream.sentence_parts(p.a, noon(), 'de'))
FROM page p JOIN actstream.sentences(ARRAY(SELECT a FROM page ORDER BY n), noon(), 'de') WITH ORDINALITY s (action, sentence, html, parts, n) USING (n);
SELECT (action).verb, sentence, html IS NULL, parts IS NULL FROM actstream.sentences(ARRAY[told('a'), NULL, told(NULL), told('b', "timestamp" => NULL), told('c')], noon());
SELECT count(*), count(sentence) FROM actstream.sentences(ARRAY[told('a')], NULL);
SELECT count(*) FROM actstream.sentences(NULL);
SELECT count(*) FROM actstream.sentences('{}');
SELECT sentence FROM actstream.sentences(ARRAY(SELECT a FROM actstream.public_stream() a WHERE verb = 'started watching'));
SELECT sentence FROM actstream.sentences(ARRAY(SELECT a::actstream.action FROM actstream.actions a WHERE verb = 'stopped following'));
SELECT *, name = actstream.display_name(object), url IS NOT DISTINCT FROM actstream.url(object)
FROM actstream.display_all('{user:2,issue:7,NULL,user:1,user:2,user:99,bad:1,nolabel:1}');
SELECT count(*) FROM actstream.display_all(NULL);
SELECT count(*) FROM actstream.display_all('{}');

-- one query for each type of object, as the caller, with what he sees at that moment
CREATE ROLE actstream_stranger;
GRANT USAGE ON SCHEMA actstream, sentence_html TO actstream_stranger;
GRANT SELECT ON page, users TO actstream_stranger;
CREATE FUNCTION noticed() RETURNS boolean STABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'users are read'; RETURN true; END $$;
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
CREATE POLICY noticed ON users USING ((SELECT noticed()) AND id < 2);
SET ROLE actstream_stranger;
SELECT count(*), count(DISTINCT html) FROM actstream.sentences(ARRAY(SELECT a FROM page ORDER BY n));
SELECT html, parts FROM actstream.sentences(ARRAY(SELECT a FROM page WHERE n IN (1, 3) ORDER BY n), noon());
SELECT * FROM actstream.display_all('{user:0,user:1,user:2,user:3,hostile:1,hostile:2}');
SELECT actstream.sentence_html(a, noon()) FROM page WHERE n = 2;
RESET ROLE;
ALTER TABLE users DISABLE ROW LEVEL SECURITY;
-- what a statement has changed is seen by the next, and by the statements of a function
CREATE FUNCTION renamed(n text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    UPDATE users SET name = n WHERE id = 1;
    RETURN (SELECT string_agg(html, ' ') FROM actstream.sentences(ARRAY[told('met', NULL, 'user:1')], noon()));
END
$$;
SELECT renamed(n) FROM unnest('{A,B}'::text[]) n;

--
-- The titles of feeds
--
SELECT l, (xpath('//entry/title/text()', replace(atom::text, ' xmlns="http://www.w3.org/2005/Atom"', '')::xml))[1], (xpath('//item/title/text()', rss))[1], one #>> '{items,0,title}', two #>> '{orderedItems,0,summary}'
FROM (SELECT l, actstream.atom_feed(a, 'tag:example.org,2026:s', 'T', 'http://a', l ORDER BY n) AS atom, actstream.rss_feed(a, 'tag:example.org,2026:s', 'T', 'http://a', l ORDER BY n) AS rss,
             actstream.activity_streams_1(a, 'tag:example.org,2026:s', 'T', 'http://a', l ORDER BY n) AS one, actstream.activity_streams_2(a, 'tag:example.org,2026:s', 'T', 'http://a', l ORDER BY n) AS two
      FROM page, unnest('{de,xx,NULL}'::text[]) l WHERE n IN (3, 6) GROUP BY l) f ORDER BY l;
SET actstream.language = 'es';
SELECT actstream.activity_streams_1(a, 'tag:example.org,2026:s', 'T', 'http://a', NULL) #>> '{items,0,title}', actstream.activity_streams_1(a, 'tag:example.org,2026:s', 'T', 'http://a') #>> '{items,0,title}',
       actstream.activity_streams_1(a, 'tag:example.org,2026:s', 'T', 'http://a', 'pt') #>> '{items,0,title}'
FROM page WHERE n = 3;
-- the first row says it
SELECT jsonb_path_query_array(actstream.activity_streams_1(a, 'tag:example.org,2026:s', 'T', 'http://a', CASE n WHEN 6 THEN 'de' ELSE 'ru' END ORDER BY n DESC), '$.items[*].title') FROM page WHERE n IN (3, 6);
RESET actstream.language;

SET client_min_messages = warning;
DROP SCHEMA sentence_html CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY actstream_stranger;
DROP ROLE actstream_stranger;
