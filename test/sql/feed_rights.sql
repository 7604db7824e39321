-- Feeds show what their reader may see; all else is as if it did not exist.
\pset format unaligned
\pset tuples_only on
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP ROLE IF EXISTS actstream_reader;
RESET client_min_messages;
CREATE ROLE actstream_reader;
CREATE SCHEMA feed;
GRANT USAGE ON SCHEMA actstream, feed TO actstream_reader;
SET search_path = feed, public;

-- one that he may read, one of which he may read some rows, one without a grant,
-- one of which he may read the name but not what the URL takes, and the other way round
CREATE TABLE person (id integer PRIMARY KEY, name text);
CREATE TABLE team (id integer PRIMARY KEY, name text, secret boolean);
CREATE TABLE salary (id integer PRIMARY KEY, name text);
CREATE TABLE badge (id integer PRIMARY KEY, name text, pin text);
CREATE TABLE door (id integer PRIMARY KEY, name text, pin text);
INSERT INTO person VALUES (1, 'Ann');
INSERT INTO team VALUES (1, 'Open', false), (2, 'Closed', true);
INSERT INTO salary VALUES (2, 'High');
INSERT INTO badge VALUES (2, 'Gold', '1234');
INSERT INTO door VALUES (2, 'Back', '5678');
SELECT label FROM actstream.register('person', name_template => '{name}', url_template => '/person/{name}');
SELECT label FROM actstream.register('team', name_template => '{name}', url_template => '/team/{name}');
SELECT label FROM actstream.register('salary', name_template => '{name}', url_template => '/salary/{name}');
SELECT label FROM actstream.register('badge', name_template => '{name}', url_template => '/badge/{pin}');
SELECT label FROM actstream.register('door', name_template => '{pin}', url_template => '/door/{name}');
ALTER TABLE team ENABLE ROW LEVEL SECURITY;
CREATE POLICY see ON team USING (NOT secret);
GRANT SELECT ON person, team TO actstream_reader;
GRANT SELECT (id, name) ON badge, door TO actstream_reader;

CREATE FUNCTION does(object text) RETURNS actstream.action LANGUAGE sql AS $$
    SELECT ROW(1, '2026-03-01 08:00+00', true, 'person:1', 'met', $1, 'team:1', 'what', NULL, NULL)::actstream.action
$$;
-- an object in the four formats
CREATE FUNCTION feeds(object text) RETURNS TABLE (feed text) LANGUAGE sql AS $$
    SELECT unnest(ARRAY[actstream.atom_feed(does(object), 'tag:example.org,2026:s', 'T', 'http://a')::text,
                        actstream.rss_feed(does(object), 'tag:example.org,2026:s', 'T', 'http://a')::text,
                        actstream.activity_streams_1(does(object), 'tag:example.org,2026:s', 'T', 'http://a')::text,
                        actstream.activity_streams_2(does(object), 'tag:example.org,2026:s', 'T', 'http://a')::text])
$$;

-- who may see it all
SELECT f->'displayName', f->'url'
FROM unnest('{team:2,salary:2,badge:2,door:2}'::text[]) o,
     LATERAL (SELECT actstream.activity_streams_1(a, 'tag:example.org,2026:s', 'T', 'http://a') #> '{items,0,object}' FROM (SELECT (does(o)).*) a) l (f);

SET ROLE actstream_reader;
SELECT f->'displayName', f->'url'
FROM unnest('{team:2,salary:2,badge:2,door:2}'::text[]) o,
     LATERAL (SELECT actstream.activity_streams_1(a, 'tag:example.org,2026:s', 'T', 'http://a') #> '{items,0,object}' FROM (SELECT (does(o)).*) a) l (f);
-- byte for byte as what does not exist
SELECT hidden, missing, count(*), bool_and(h.feed = replace(m.feed, missing, hidden)) AS the_same
FROM (VALUES ('team:2', 'team:7'), ('salary:2', 'salary:7')) v (hidden, missing),
     LATERAL ROWS FROM (feeds(hidden)) WITH ORDINALITY h (feed, n) JOIN ROWS FROM (feeds(missing)) WITH ORDINALITY m (feed, n) USING (n)
GROUP BY 1, 2 ORDER BY 1;
SELECT feed FROM feeds('team:2');
SELECT feed FROM feeds('salary:2');
-- a definer's feed is as the definer sees it
RESET ROLE;
CREATE FUNCTION definers(text) RETURNS SETOF text LANGUAGE sql SECURITY DEFINER SET search_path = feed, pg_temp AS $$ SELECT feed FROM feeds($1) $$;
SET ROLE actstream_reader;
SELECT f LIKE '%Closed%' FROM definers('team:2') f;
RESET ROLE;

SET client_min_messages = warning;
DROP SCHEMA feed CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY actstream_reader;
DROP ROLE actstream_reader;
