-- A database for random queries: tables with references, their actions and
-- follows, and a role that may do what the extension lets anybody do, but end no
-- session and write no file.
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';

CREATE TABLE person (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE page (id bigint PRIMARY KEY, title text, author actstream.ref);
SELECT FROM actstream.register('person', name_template => '{name}');
SELECT FROM actstream.register('page', url_template => '/{title}');
SELECT FROM actstream.register_external('website');

INSERT INTO person SELECT i, 'person ' || i FROM generate_series(1, 50) AS i;
INSERT INTO page SELECT i, 'page ' || i, actstream.ref('person', i % 50 + 1) FROM generate_series(1, 100) AS i;
SELECT count(actstream.act_send(actstream.ref('person', i % 50 + 1), (ARRAY['wrote', 'liked', 'read'])[i % 3 + 1],
                                CASE WHEN i % 5 > 0 THEN actstream.ref('page', i % 100 + 1) END,
                                CASE i % 3 WHEN 0 THEN actstream.ref('person', i * 7 % 50 + 1)
                                           WHEN 1 THEN 'website:example.org'::actstream.ref END,
                                public => i % 10 > 0, data => CASE WHEN i % 4 = 0 THEN '{"a": 1}'::jsonb END))
FROM generate_series(1, 1000) AS i;
SELECT count(actstream.follow(actstream.ref('person', i % 50 + 1), actstream.ref('person', i * 3 % 50 + 1),
                              flag => (ARRAY['', 'watching'])[i % 2 + 1], actor_only => i % 3 > 0))
FROM generate_series(1, 200) AS i;
ANALYZE;

CREATE ROLE smith LOGIN;
ALTER ROLE smith SET statement_timeout = '2s';
GRANT USAGE ON SCHEMA actstream TO smith;
GRANT ALL ON ALL TABLES IN SCHEMA actstream, public TO smith;
GRANT EXECUTE ON ALL ROUTINES IN SCHEMA actstream TO smith;
