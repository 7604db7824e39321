-- Actions that tables send by themselves.
\i test/lib/fresh.sql
SET jit = off;
SET datestyle = ISO;
CREATE SCHEMA trk;
SET search_path = trk;
\i test/lib/try.sql
-- what was sent since the last time
CREATE FUNCTION sent(OUT actor actstream.ref, OUT verb text, OUT action_object actstream.ref, OUT target actstream.ref,
                     OUT description text, OUT public boolean, OUT data jsonb) RETURNS SETOF record LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM actstream.actions a RETURNING a.*)
    SELECT g.actor, g.verb, g.action_object, g.target, g.description, g.public, g.data FROM gone g ORDER BY g.id
$$;
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE post (id int PRIMARY KEY, author_id int, title text, body text, score numeric DEFAULT 0);
INSERT INTO users VALUES (1, 'Ann'), (2, 'Bob');
SELECT label FROM actstream.register('users', 'user');
SELECT label FROM actstream.register('post');
SELECT label FROM actstream.register_external('site');

------------------------------------------------------------------------------
-- Parameters
------------------------------------------------------------------------------

-- defaults: insert, the row itself, the actor that was set
SELECT actstream.track('post', 'wrote');
INSERT INTO post VALUES (1, 1, 'first');
BEGIN;
SELECT actstream.set_actor('user:2');
INSERT INTO post VALUES (1, 1, 'first');
UPDATE post SET title = 'First';
DELETE FROM post;
COMMIT;
SELECT * FROM sent();
BEGIN;
SELECT actstream.set_actor('user:2');
INSERT INTO post VALUES (2, 1, 'second');
COMMIT;
SELECT * FROM sent();
SELECT actstream.untrack('post', 'actstream_track');
INSERT INTO post VALUES (3, 1, 'third');
SELECT * FROM sent();

-- all of them
SELECT actstream.track('post', 'edited', actor => 'user:{author_id}', action_object => 'post:{id}', target => 'site:{{{id}}}',
    events => '{insert,update,delete}', columns => '{title,body}', condition => 'true', description => '"{title}" of {author_id} {{!}}',
    public => false, data_columns => '{title,score}', trigger_name => 'mine');
UPDATE post SET score = 1 WHERE id = 3;
UPDATE post SET title = title WHERE id = 3;
SELECT * FROM sent();
UPDATE post SET title = 'Third', score = 2.50 WHERE id = 3;
UPDATE post SET body = '' WHERE id = 3;
INSERT INTO post VALUES (4, 2, NULL);
SELECT * FROM sent();
SELECT actstream.untrack('post', 'mine');

-- deletes: the row is gone, and {self} names nothing unless its type keeps it
SELECT actstream.track('post', 'removed', 'user:{author_id}', events => '{delete}', data_columns => '{id}');
DELETE FROM post WHERE id = 4;
SELECT on_delete FROM actstream.register('post', on_delete => 'set null');
DELETE FROM post WHERE id = 3;
SELECT on_delete FROM actstream.register('post', on_delete => 'restrict');
INSERT INTO post VALUES (5, 1), (6, 1);
DELETE FROM post WHERE id = 5;
SELECT on_delete FROM actstream.register('post', on_delete => 'keep');
DELETE FROM post WHERE id = 6;
SELECT actor, verb, action_object, data FROM actstream.actions ORDER BY id;
SELECT * FROM actstream.integrity_check();
SELECT count(*) FROM sent();
SELECT on_delete FROM actstream.register('post', on_delete => 'cascade');
SELECT actstream.untrack('post', 'actstream_track');
-- so does what names it by its columns
SELECT actstream.track('post', 'removed', 'user:{author_id}', 'post:{id}', events => '{delete}');
INSERT INTO post VALUES (7, 1);
DELETE FROM post WHERE id = 7;
SELECT actor, verb, action_object FROM sent();
SELECT actstream.untrack('post', 'actstream_track');
DELETE FROM post;
-- a user who is deleted did not do it
SELECT actstream.track('users', 'left', '{self}', NULL, events => '{delete}');
INSERT INTO users VALUES (3, 'Cid');
DELETE FROM users WHERE id = 3;
SELECT count(*) FROM sent();
INSERT INTO users VALUES (3, 'Cid');
BEGIN;
SELECT actstream.set_actor('site:hr');
DELETE FROM users WHERE id = 3;
INSERT INTO users VALUES (3, 'Cid');
SELECT actstream.set_actor('user:3');
DELETE FROM users WHERE id = 3;
COMMIT;
SELECT * FROM sent();
SELECT actstream.untrack('users', 'actstream_track');

-- conditions
SELECT actstream.track('post', 'published', 'user:{author_id}', events => '{update}',
    condition => $$NEW.score > 9 AND OLD.score IS DISTINCT FROM NEW.score AND NEW.title <> 'it''s; "quoted"'$$);
INSERT INTO post VALUES (1, 1, 'a', NULL, 10);
UPDATE post SET title = 'b';
UPDATE post SET score = 9;
UPDATE post SET score = 11;
UPDATE post SET score = 12, title = 'it''s; "quoted"';
SELECT * FROM sent();
SELECT actstream.untrack('post', 'actstream_track');

-- several, each by its name; a name that is given is kept
SELECT actstream.track('post', 'a', 'user:1');
SELECT actstream.track('post', 'b', 'user:1');
SELECT actstream.track('post', 'c', 'user:1', trigger_name => 'Odd "name"; --');
SELECT actstream.track('post', 'd', 'user:1');
INSERT INTO post VALUES (2, 1);
SELECT verb, action_object FROM sent() ORDER BY verb;
SELECT actstream.untrack('post', 'actstream_track_2');
SELECT actstream.track('post', E'e\n''\\x41 "ü" \\', 'user:1');
SELECT actstream.untrack('post', 'Odd "name"; --');
INSERT INTO post VALUES (3, 1);
SELECT verb, action_object FROM sent() ORDER BY verb;
SELECT try($$SELECT actstream.track('post', 'f', 'user:1', trigger_name => 'actstream_track')$$);
SELECT actstream.untrack('post', 'actstream_track'), actstream.untrack('post', 'actstream_track_2'), actstream.untrack('post', 'actstream_track_3');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'post'::regclass AND NOT tgisinternal ORDER BY tgname;

------------------------------------------------------------------------------
-- References from templates
------------------------------------------------------------------------------

CREATE DOMAIN handle AS varchar(20);
CREATE TABLE repo (owner text, name text, PRIMARY KEY (owner, name));
CREATE TABLE event (id int, who int, owner text, repo text, label text, path text, h handle, u uuid);
SELECT label FROM actstream.register('repo');
INSERT INTO repo VALUES ('ann', 'app'), ('a,b', 'c\d');
SELECT actstream.track('event', 'starred', 'user:{who}', NULL, 'repo:{owner},{repo}');
INSERT INTO event VALUES (1, 1, 'ann', 'app'), (2, 1, 'a,b', 'c\d'), (3, 1, 'ann', NULL), (4, 1, NULL, NULL);
INSERT INTO event VALUES (5, 1, 'ann,app', '');
INSERT INTO event VALUES (6, 1, 'nobody', 'app');
SELECT actor, target FROM sent();
SELECT actstream.untrack('event', 'actstream_track');
-- a label from a column, a key of several, other types; a column is never a template
SELECT actstream.track('event', 'saw', 'user:{who}', '{label}:{who}', 'site:{owner}/{path}#{h}-{u}');
INSERT INTO event VALUES (1, 1, 'o', NULL, 'user', '{self}:{who}', 'hh', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
INSERT INTO event (id, who, label) VALUES (2, 2, 'site');
INSERT INTO event (id, who, label) VALUES (3, 2, 'nolabel');
INSERT INTO event (id, who, label) VALUES (4, 2, 'no label');
INSERT INTO event (id, who, label) VALUES (5, 2, '');
INSERT INTO event (id, who, label) VALUES (6, 3, NULL);
INSERT INTO event (id, who, owner, path, h, u) VALUES (7, 1, repeat('x', 1000), '', repeat('y', 20), 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
SELECT actor, action_object, target FROM sent();
SELECT actstream.untrack('event', 'actstream_track');

-- who acts: the template, else who was set, else it is an error; who is not there does not act
SELECT actstream.track('event', 'did', 'user:{who}', NULL);
INSERT INTO event (id) VALUES (1);
BEGIN;
SELECT actstream.set_actor('user:2');
INSERT INTO event (id, who) VALUES (2, 1), (3, NULL);
SAVEPOINT s;
SELECT actstream.set_actor('user:1');
INSERT INTO event (id) VALUES (4);
ROLLBACK TO s;
INSERT INTO event (id) VALUES (5);
SELECT actstream.set_actor(NULL);
SELECT actstream.current_actor() IS NULL AS nobody;
SELECT try('INSERT INTO event (id) VALUES (6)');
SELECT actstream.set_actor('user:9');
SELECT try('INSERT INTO event (id) VALUES (7)');
COMMIT;
SELECT actor FROM sent();
SELECT actstream.current_actor() IS NULL AS nobody;
-- for the session
SELECT actstream.set_actor('user:1', false);
INSERT INTO event (id) VALUES (8);
BEGIN;
SELECT actstream.set_actor('user:2');
SELECT actstream.current_actor();
ROLLBACK;
SELECT actstream.current_actor();
BEGIN;
SELECT actstream.set_actor('user:2', false);
ROLLBACK;
SELECT actstream.current_actor();
SELECT actor FROM sent();
DISCARD ALL;
SET search_path = trk;
SET jit = off;
SET datestyle = ISO;
SELECT actstream.current_actor() IS NULL AS nobody;
-- as any setting
SET actstream.actor = 'user:2';
SELECT actstream.current_actor();
SET actstream.actor = '';
SELECT actstream.current_actor() IS NULL AS nobody;
SET actstream.actor = 'user';
SET actstream.actor = 'us er:1';
SET actstream.actor = 'user:';
SET actstream.nonsense = 1;
SELECT set_config('actstream.actor', 'site:a:b', false), actstream.current_actor();
RESET actstream.actor;
SELECT actstream.set_actor('user');
SELECT actstream.set_actor('usr:1');
SELECT actstream.set_actor('user:1', NULL);
SELECT actstream.current_actor() IS NULL AS nobody;
SELECT actstream.untrack('event', 'actstream_track');

------------------------------------------------------------------------------
-- Data
------------------------------------------------------------------------------

CREATE TYPE pair AS (a int, b text);
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TABLE wide (id int PRIMARY KEY, gone int, i bigint, n numeric, f float8, t text, b boolean, j json, jb jsonb, a int[], ta text[][],
    p pair, m mood, u uuid, d date, ts timestamptz, r int4range, y bytea, h handle, nul int,
    g int GENERATED ALWAYS AS (id * 2) STORED, "odd ""name""" text, "{brace}" text);
ALTER TABLE wide DROP COLUMN gone;
SELECT actstream.track('wide', 'changed', 'user:1', NULL, events => '{insert,update,delete}', description => '{g} {t}{nul} {ts}',
    data_columns => ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = 'wide'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum));
SET timezone = 'UTC';
INSERT INTO wide VALUES (1, 9223372036854775807, 1.500, 0.1, E'a"\\\n', true, '{"x": [1, "y"]}', '[1, {"k": null}]', '{1,NULL,3}', '{{a,b},{c,d}}',
    (1, 'x'), 'glad', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2026-01-02', '2026-01-02 03:04:05+00', '[1,5)', '\x00ff', 'hh', NULL, DEFAULT, 'o', 'br');
SELECT description, jsonb_pretty(data) FROM sent();
-- as to_jsonb() gives it
INSERT INTO wide (id, jb) VALUES (2, '"scalar"'), (3, 'null'), (4, '{}');
SELECT data->'jb' AS jb, data = (SELECT to_jsonb(w) FROM wide w WHERE id = (data->>'id')::int) AS same FROM sent();
DELETE FROM wide WHERE id > 2;
SELECT verb, data->'id' AS id, description FROM sent();
UPDATE wide SET id = 20, jb = jb, a = '{}', nul = 7, t = NULL WHERE id = 2;
SELECT data->'id' AS id, data->'g' AS g, data->'jb' AS jb, data->'a' AS a, data->'nul' AS nul, data->'t' AS t, description FROM sent();
SELECT actstream.untrack('wide', 'actstream_track');
-- columns are compared as they are stored: 1.0 is not 1.00, null is not null
SELECT actstream.track('wide', 'changed', 'user:1', NULL, events => '{update}', columns => '{n,nul,"odd \"name\"","{brace}"}', data_columns => '{n,nul,"odd \"name\""}');
UPDATE wide SET n = 1.50, t = 'other' WHERE id = 1;
UPDATE wide SET n = 1.50 WHERE id = 1;
UPDATE wide SET nul = NULL WHERE id = 1;
UPDATE wide SET nul = 1 WHERE id = 1;
UPDATE wide SET "{brace}" = 'x', "odd ""name""" = 'y' WHERE id = 1;
SELECT data FROM sent();
SELECT actstream.untrack('wide', 'actstream_track');
-- a long value that is stored out of line
SELECT actstream.track('wide', 'changed', 'user:1', NULL, events => '{update}', columns => '{t}', data_columns => '{t}');
ALTER TABLE wide ALTER t SET STORAGE EXTERNAL;
UPDATE wide SET t = repeat('long', 5000) WHERE id = 1;
UPDATE wide SET i = 5 WHERE id = 1;
UPDATE wide SET t = repeat('long', 5000) WHERE id = 1;
UPDATE wide SET t = repeat('longer', 5000) WHERE id = 1;
SELECT length(data->'t'->>0) AS old, length(data->'t'->>1) AS new FROM sent();

------------------------------------------------------------------------------
-- Ways of writing, kinds of tables
------------------------------------------------------------------------------

DELETE FROM post;
SELECT actstream.track('post', 'changed', 'user:1', events => '{insert,update,delete}', data_columns => '{title}');
COPY post (id, title) FROM STDIN;
1	copied
2	copied
\.
INSERT INTO post (id, title) SELECT i, 'selected' FROM generate_series(3, 4) i;
INSERT INTO post (id, title) VALUES (1, 'nothing') ON CONFLICT DO NOTHING;
INSERT INTO post (id, title) VALUES (1, 'upserted'), (5, 'inserted') ON CONFLICT (id) DO UPDATE SET title = excluded.title;
MERGE INTO post p USING (VALUES (1, 'merged'), (2, NULL), (6, 'merged')) v (id, title) ON p.id = v.id
    WHEN MATCHED AND v.title IS NULL THEN DELETE
    WHEN MATCHED THEN UPDATE SET title = v.title
    WHEN NOT MATCHED THEN INSERT (id, title) VALUES (v.id, v.title);
WITH new AS (INSERT INTO post (id, title) VALUES (7, 'with') RETURNING id) SELECT * FROM new;
UPDATE post SET id = 70 WHERE id = 7;
SELECT action_object, data FROM sent();
TRUNCATE post;
SELECT * FROM sent();
SELECT actstream.untrack('post', 'actstream_track');
SELECT * FROM actstream.integrity_check();

-- a trigger that fires before ours deletes the new row, or gives it another key
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.title = 'delete' THEN DELETE FROM post WHERE id = NEW.id; END IF;
    IF NEW.title = 'touch' THEN UPDATE post SET title = 'touched' WHERE id = NEW.id; END IF;
    IF NEW.title = 'rekey' THEN UPDATE post SET id = NEW.id + 1000, title = 'rekeyed' WHERE id = NEW.id; END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER a_meddle AFTER INSERT OR UPDATE ON post FOR EACH ROW EXECUTE FUNCTION meddle();
SELECT actstream.track('post', 'wrote', 'user:1', data_columns => '{title}');
INSERT INTO post (id, title) VALUES (1, 'delete'), (2, 'touch'), (3, 'rekey'), (4, 'plain');
SELECT action_object, data FROM sent();
SELECT actstream.untrack('post', 'actstream_track');
SELECT actstream.track('post', 'edited', 'user:1', events => '{update}', columns => '{score}', data_columns => '{title}');
UPDATE post SET title = 'touch', score = 1 WHERE id = 4;
SELECT action_object, data FROM sent();
UPDATE post SET title = 'delete', score = 2 WHERE id = 4;
SELECT action_object, data FROM sent();
SELECT * FROM actstream.integrity_check();
DROP TRIGGER a_meddle ON post;
SELECT actstream.untrack('post', 'actstream_track');

-- partitions: old and new, with columns in another order, and moves between them
CREATE TABLE part (region text, id int, note text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE part_eu PARTITION OF part FOR VALUES IN ('eu');
SELECT label FROM actstream.register('part');
SELECT actstream.track('part', 'wrote', 'user:1', events => '{insert,update,delete}', columns => '{note}', description => '{region}/{id}', data_columns => '{note}');
CREATE TABLE part_us (note text, gone int, id int NOT NULL, region text NOT NULL);
ALTER TABLE part_us DROP COLUMN gone;
ALTER TABLE part ATTACH PARTITION part_us FOR VALUES IN ('us');
INSERT INTO part VALUES ('eu', 1, 'a'), ('us', 2, 'b');
INSERT INTO part_us (id, region, note) VALUES (3, 'us', 'c');
UPDATE part SET note = note || '!';
SELECT action_object, target, description, data FROM sent();
-- PostgreSQL moves a row by a delete here and an insert there
UPDATE part SET region = 'us' WHERE id = 1;
SELECT action_object, target, description, data FROM sent();
SELECT * FROM actstream.integrity_check();
ALTER TABLE part DETACH PARTITION part_us;
INSERT INTO part_us (id, region) VALUES (9, 'us');
SELECT * FROM sent();
SELECT try($$SELECT actstream.untrack('part_eu', 'actstream_track')$$), try($$DROP TRIGGER actstream_track ON part_eu$$);
SELECT actstream.untrack('part', 'actstream_track');
-- a partition alone
SELECT actstream.track('part_eu', 'wrote in Europe', 'user:1');
INSERT INTO part VALUES ('eu', 5);
SELECT verb, action_object FROM sent();

-- a table that is not registered, by columns or not at all by {self}
CREATE TABLE note (id int, who int);
SELECT try($$SELECT actstream.track('note', 'noted', 'user:{who}')$$);
SELECT actstream.track('note', 'noted', 'user:{who}', NULL);
INSERT INTO note VALUES (1, 1);
SELECT actor, verb FROM sent();
-- unregistered later, which takes the triggers along
SELECT actstream.track('post', 'wrote', 'user:1');
DELETE FROM post;
SELECT actstream.unregister('post');
INSERT INTO post VALUES (1);
SELECT label FROM actstream.register('post');
INSERT INTO post VALUES (2);
SELECT count(*) FROM sent();
SELECT actstream.track('post', 'wrote', 'user:1');
-- renamed tables
ALTER TABLE post RENAME TO article;
INSERT INTO article VALUES (3);
SELECT action_object FROM sent();
SELECT actstream.untrack('article', 'actstream_track');
ALTER TABLE article RENAME TO post;

------------------------------------------------------------------------------
-- Errors
------------------------------------------------------------------------------

CREATE VIEW v AS SELECT 1 AS id;
CREATE TABLE trial (n serial, statement text, expected text);
COPY trial (statement, expected) FROM STDIN (DELIMITER '|');
SELECT actstream.track(NULL, 'x', 'user:1')|22004
SELECT actstream.track('post', NULL, 'user:1')|22004
SELECT actstream.track('post', 'x', 'user:1', events => NULL)|22004
SELECT actstream.track('post', 'x', 'user:1', public => NULL)|22004
SELECT actstream.track('post', '', 'user:1')|22023
SELECT actstream.track('post', repeat('x', 256), 'user:1')|22023
SELECT actstream.track('nothing', 'x', 'user:1')|42P01
SELECT actstream.track(4294967295, 'x', 'user:1')|42P01
SELECT actstream.track('v', 'x', 'user:1')|42809
SELECT actstream.track('pg_class', 'x', 'user:1')|42809
SELECT actstream.track('post_pkey', 'x', 'user:1')|42809
SELECT actstream.track('actstream.actions', 'x', 'user:1')|42809
SELECT actstream.track('actstream.follows', 'x', 'user:1')|42809
SELECT actstream.track('actstream.object_types', 'x', 'user:1')|42809
SELECT actstream.track('post', 'x', 'user:{nope}')|42703
SELECT actstream.track('post', 'x', 'user:{ID}')|42703
SELECT actstream.track('post', 'x', 'user:{ctid}')|42703
SELECT actstream.track('post', 'x', 'user:1', 'post:{nope}')|42703
SELECT actstream.track('post', 'x', 'user:1', target => 'post:{nope}')|42703
SELECT actstream.track('post', 'x', 'user:1', description => '{nope}')|42703
SELECT actstream.track('post', 'x', 'user:1', columns => '{nope}', events => '{update}')|42703
SELECT actstream.track('post', 'x', 'user:1', data_columns => '{nope}')|42703
SELECT actstream.track('post', 'x', 'user:1', columns => '{}', events => '{update}')|22023
SELECT actstream.track('post', 'x', 'user:1', columns => '{NULL}', events => '{update}')|22004
SELECT actstream.track('post', 'x', 'user:1', data_columns => '{}')|22023
SELECT actstream.track('post', 'x', 'user:1', data_columns => '{NULL}')|22004
SELECT actstream.track('post', 'x', 'user:1', columns => '{id}')|22023
SELECT actstream.track('wide', 'x', 'user:{gone}')|42703
SELECT actstream.track('post', 'x', 'user:{score}')|0A000
SELECT actstream.track('wide', 'x', 'user:{n}')|0A000
SELECT actstream.track('wide', 'x', 'user:{jb}')|0A000
SELECT actstream.track('post', 'x', 'user')|22023
SELECT actstream.track('post', 'x', '{id}')|22023
SELECT actstream.track('post', 'x', 'user:{')|22023
SELECT actstream.track('post', 'x', 'user:{}')|22023
SELECT actstream.track('post', 'x', 'user:}')|22023
SELECT actstream.track('post', 'x', 'user:1', description => '{id')|22023
SELECT actstream.track('note', 'x', '{self}')|42704
SELECT actstream.track('post', 'x', 'us er:1')|22P02
SELECT actstream.track('post', 'x', ':{id}')|22P02
SELECT actstream.track('post', 'x', 'user:')|22P02
SELECT actstream.track('post', 'x', 'user:1', events => '{}')|22023
SELECT actstream.track('post', 'x', 'user:1', events => '{truncate}')|22023
SELECT actstream.track('post', 'x', 'user:1', events => '{INSERT}')|22023
SELECT actstream.track('post', 'x', 'user:1', events => '{NULL}')|22023
SELECT actstream.track('post', 'x', 'user:1', condition => '')|42601
SELECT actstream.track('post', 'x', 'user:1', condition => 'true,false')|42601
SELECT actstream.track('post', 'x', 'user:1', condition => 'true)')|42601
SELECT actstream.track('post', 'x', 'user:1', condition => 'true; SELECT 1')|42601
SELECT actstream.track('post', 'x', 'user:1', condition => 'true WHERE true')|42601
SELECT actstream.track('post', 'x', 'user:1', condition => 'true FROM post')|42601
SELECT actstream.track('post', 'x', 'user:1', condition => 'true UNION SELECT true')|42601
SELECT actstream.track('post', 'x', 'user:1', condition => 'DISTINCT true')|42601
SELECT actstream.track('post', 'x', 'user:1', condition => 'true ORDER BY 1')|42601
SELECT actstream.track('post', 'x', 'user:1', condition => 'true LIMIT 1')|42601
SELECT actstream.track('post', 'x', 'user:1', condition => 'EXISTS (SELECT 1)')|0A000
SELECT actstream.track('post', 'x', 'user:1', condition => 'NEW.id')|42804
SELECT actstream.track('post', 'x', 'user:1', condition => 'NEW.nope')|42703
SELECT actstream.track('post', 'x', 'user:1', condition => 'id = 1')|42702
SELECT actstream.track('post', 'x', 'user:1', condition => 'OLD.id = 1')|42P17
SELECT actstream.track('post', 'x', 'user:1', events => '{delete}', condition => 'NEW.id = 1')|42P17
SELECT actstream.track('post', 'x', 'user:1', condition => 'count(*) > 1')|42803
SELECT actstream.track('post', 'x', 'user:1', trigger_name => '')|42602
SELECT actstream.track('post', 'x', 'user:1', trigger_name => 'actstream_object')|42710
SELECT actstream.untrack(NULL, 'x')|22004
SELECT actstream.untrack('post', 'nope')|42704
SELECT actstream.untrack('post', 'actstream_object')|42704
SELECT actstream.untrack('nothing', 'x')|42P01
SELECT actstream_internal.row_changed()|39P01
\.
SELECT statement, expected, try(statement) AS actual
FROM trial WHERE left(try(statement), 5) IS DISTINCT FROM expected ORDER BY n;
SELECT count(*), count(DISTINCT expected) AS codes FROM trial;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'post'::regclass AND NOT tgisinternal ORDER BY tgname;
-- and the errors say what to do
SELECT actstream.track('post', 'x', 'user:{nope}');
SELECT actstream.track('post', 'x', 'user');
SELECT actstream.track('post', 'x', 'user:1', events => '{truncate}');
SELECT actstream.track('post', 'x', 'user:1', condition => 'true, false');
ALTER TABLE post ADD "made At" timestamp;
SELECT actstream.track('post', 'x', 'user:1', timestamp_column => 'made At');

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA trk CASCADE;
DO 'BEGIN PERFORM actstream.drop_tables(); END';
DROP EXTENSION actstream;
