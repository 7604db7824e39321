-- Feeds of many actions.
\pset format unaligned
\pset tuples_only on
\i test/lib/fresh.sql
SET timezone = 'America/New_York';
CREATE SCHEMA feed_many;
SET search_path = feed_many, public;

CREATE TABLE users (id integer PRIMARY KEY, name text);
CREATE TABLE repo (owner text, name text, PRIMARY KEY (owner, name));
INSERT INTO users VALUES (1, 'Ann');
INSERT INTO repo VALUES ('acme', 'rocket');
SELECT label FROM actstream.register('users', 'user', name_template => '{name}', url_template => '/users/{id}');
SELECT label FROM actstream.register('repo', name_template => '{owner}/{name}', url_template => '{owner}/{name}');

SELECT jsonb_array_length(f->'items'), f #>> '{items,99999,id}' FROM (
    SELECT actstream.activity_streams_1(ROW(i, '2026-01-01', true, 'user:1', 'did', 'repo:acme,rocket', NULL, 'what', NULL, NULL)::actstream.action, 'tag:example.org,2026:s', 'T', 'http://a' ORDER BY i) f
    FROM generate_series(1, 100000) i) f;
SELECT xpath('count(//item)', f), length(f::text) FROM (
    SELECT actstream.rss_feed(ROW(i, '2026-01-01', true, 'user:1', 'did', 'repo:acme,rocket', NULL, NULL, NULL, NULL)::actstream.action, 'tag:example.org,2026:s', 'T', 'http://a' ORDER BY i) f
    FROM generate_series(1, 3000) i) f;

SET client_min_messages = warning;
DROP SCHEMA feed_many CASCADE;
DROP EXTENSION actstream CASCADE;
