-- Every documented error has its SQLSTATE, and leaves everything as it was.
\i test/lib/fresh.sql
CREATE SCHEMA err;
SET search_path = err;

CREATE TABLE users (id int PRIMARY KEY, d numeric NOT NULL UNIQUE, email text UNIQUE);
CREATE TABLE repo (id int PRIMARY KEY);
CREATE TABLE keyless (id int);
CREATE VIEW v AS SELECT 1 AS id;
CREATE TEMP TABLE temporary (id int PRIMARY KEY);
INSERT INTO users VALUES (1, 1.5);
SELECT label FROM actstream.register('users', 'user');
SELECT label FROM actstream.register_external('site');
SELECT id FROM actstream.act_send('user:1', 'visited', target => 'site:a');

CREATE FUNCTION sqlstate_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
    RETURN sqlstate;
END
$$;
CREATE TABLE trial (n serial, statement text, expected text);
COPY trial (statement, expected) FROM STDIN (DELIMITER '|');
SELECT 'user'::actstream.ref|22P02
SELECT ':1'::actstream.ref|22P02
SELECT 'user:'::actstream.ref|22P02
SELECT ''::actstream.ref|22P02
SELECT '1user:1'::actstream.ref|22P02
SELECT 'us er:1'::actstream.ref|22P02
SELECT 'üser:1'::actstream.ref|22P02
SELECT (repeat('x', 64) \|\| ':1')::actstream.ref|54000
SELECT ('user:' \|\| repeat('x', 1025))::actstream.ref|54000
SELECT actstream.ref('us:er', 1)|22P02
SELECT actstream.ref('user', '')|22P02
SELECT actstream.ref('user', repeat('x', 1025))|54000
SELECT actstream.ref_of(ROW(1))|42809
SELECT actstream.ref_of(r) FROM (SELECT repo FROM (VALUES (1)) AS repo (id)) r|42809
SELECT actstream.ref_of(r) FROM (VALUES (ROW(1)::err.repo)) AS s (r)|42704
SELECT actstream.register('users', 'person')|42710
SELECT actstream.register('repo', 'user')|42710
SELECT actstream.register('repo', 'site')|42710
SELECT actstream.register_external('user')|42710
SELECT actstream.register('repo', '')|22P02
SELECT actstream.register('repo', repeat('x', 64))|54000
SELECT actstream.register('nothing')|42P01
SELECT actstream.register(4294967295)|42P01
SELECT actstream.register(NULL)|22004
SELECT actstream.register('v')|42809
SELECT actstream.register('temporary')|42809
SELECT actstream.register('pg_class')|42809
SELECT actstream.register('actstream.actions')|42809
SELECT actstream.register('keyless')|0A000
SELECT actstream.register('users', 'user', '{email}')|0A000
SELECT actstream.register('users', 'user', '{id,d}')|0A000
SELECT actstream.register('users', 'user', '{d}')|0A000
SELECT actstream.register('users', 'user', '{nope}')|42703
SELECT actstream.register('users', 'user', '{id,id}')|42701
SELECT actstream.register('users', 'user', '{}')|22023
SELECT actstream.register('users', 'user', '{NULL}')|22004
SELECT actstream.register('users', 'user', name_template => '{')|22023
SELECT actstream.register('users', 'user', name_template => '{nope}')|42703
SELECT actstream.register('users', 'user', on_delete => 'nope')|22023
SELECT actstream.register_external('site', '{nope}')|42703
SELECT actstream.unregister('user')|23503
SELECT actstream.unregister('site')|23503
SELECT actstream.unregister('nope')|42704
SELECT actstream.unregister(NULL)|22004
DELETE FROM actstream.object_types|23503
UPDATE actstream.object_types SET label = 'place' WHERE label = 'site'|23503
TRUNCATE actstream.object_types|0A000
SELECT actstream.register('users', 'user', '{{id}}')|2202E
SELECT actstream.act_send('user:2', 'visited')|23503
SELECT actstream.act_send('user:01', 'visited')|23503
SELECT actstream.follow('user:1', 'user:2')|23503
INSERT INTO actstream.object_types (label) VALUES ('user')|23505
INSERT INTO actstream.object_types (label, relation) VALUES ('repo', 'repo')|23514
SELECT actstream.act_send('robot:1', 'visited')|42704
SELECT actstream.act_send('user:1', 'visited', 'robot:1')|42704
SELECT actstream.act_send('user:1', 'visited', target => 'robot:1')|42704
SELECT actstream.act_send('user:1', '')|22023
SELECT actstream.act_send('user:1', repeat('x', 256))|22023
SELECT actstream.act_send(NULL, 'visited')|23502
SELECT actstream.act_send('user:1', NULL)|23502
SELECT actstream.act_send('user:1', 'visited', public => NULL)|23502
SELECT actstream.act_send('user:1', 'visited', external_id => repeat('x', 1025))|54000
INSERT INTO actstream.actions (actor, verb) VALUES ('user:1', '')|22023
INSERT INTO actstream.actions (actor, verb, external_id) VALUES ('user:1', 'x', repeat('x', 1026))|54000
INSERT INTO actstream.actions (actor, verb) VALUES ('robot:1', 'visited')|42704
UPDATE actstream.actions SET actor = 'robot:1'|42704
SELECT actstream.follow('user:1', 'robot:1')|42704
SELECT actstream.follow('robot:1', 'user:1')|42704
SELECT actstream.follow(NULL, 'user:1')|23502
SELECT actstream.follow('user:1', 'user:1', NULL)|23502
SELECT actstream.follow('user:1', 'user:1', repeat('x', 248))|54000
INSERT INTO actstream.follows (follower, followee, flag) VALUES ('user:1', 'user:1', repeat('x', 248))|54000
INSERT INTO actstream.follows (follower, followee) VALUES ('user:1', 'robot:1')|42704
SELECT actstream.stream_of('{user:1}', '{owner}')|22023
SELECT actstream.stream_of('{user:1}', '{actor,NULL}')|22004
SELECT actstream.model_stream('no label')|22P02
SELECT actstream.model_stream(repeat('x', 64))|54000
SELECT actstream.label_stop(repeat('z', 63))|54000
SELECT actstream_internal.action_check()|39P01
\.
SELECT statement, expected, sqlstate_of(statement) AS actual
FROM trial WHERE sqlstate_of(statement) IS DISTINCT FROM expected ORDER BY n;
SELECT count(*), count(DISTINCT expected) AS codes FROM trial;
SELECT (SELECT count(*) FROM actstream.actions) AS actions,
       (SELECT count(*) FROM actstream.follows) AS follows,
       (SELECT string_agg(label, ' ' ORDER BY label) FROM actstream.object_types) AS labels;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA err CASCADE;
DO 'BEGIN PERFORM actstream.drop_tables(); END';
DROP EXTENSION actstream;
