-- Sending actions, and actions as rows.
\i test/lib/fresh.sql
SELECT label FROM actstream.register_external('user');
SELECT label FROM actstream.register_external('repo');

-- all arguments, by position and by name
SELECT * FROM actstream.act_send('user:1', 'pushed', 'repo:a', 'repo:b', 'a push', true,
                                 '2026-01-01 00:00:00+00', '{"commits": 3}', 'push-1');
SELECT id, public, actor, verb, action_object, target, description, data, external_id
FROM actstream.act_send(actor => 'user:1', verb => 'starred', target => 'repo:a', public => false);

-- without a timestamp it happens now, in one transaction too
BEGIN;
SELECT "timestamp" BETWEEN now() AND clock_timestamp() AS now,
       "timestamp" < (actstream.act_send('user:1', 'blinked'))."timestamp" AS in_order
FROM actstream.act_send('user:1', 'blinked');
ROLLBACK;

-- any instant
SELECT "timestamp" FROM actstream.act_send('user:1', 'began', "timestamp" => '-infinity');
SELECT "timestamp" FROM actstream.act_send('user:1', 'ended', "timestamp" => 'infinity');
SELECT "timestamp" FROM actstream.act_send('user:1', 'dug', "timestamp" => '4714-11-24 00:00:00+00 BC');
SELECT "timestamp" FROM actstream.act_send('user:1', 'flew', "timestamp" => '294276-12-31 23:59:59.999999+00');

-- verbs are kept as given, with 1 to 255 characters
SELECT '[' || verb || ']' AS verb FROM actstream.act_send('user:1', '  Liked  ');
SELECT length(verb), octet_length(verb) FROM actstream.act_send('user:1', repeat('ü', 255));
SELECT actstream.act_send('user:1', '');
SELECT actstream.act_send('user:1', repeat('ü', 256));
\set VERBOSITY terse
INSERT INTO actstream.actions (actor, verb) VALUES ('user:1', '');
INSERT INTO actstream.actions (actor, verb) VALUES ('user:1', repeat('x', 256));

-- nulls
SELECT actstream.act_send(NULL, 'pushed');
SELECT actstream.act_send('user:1', NULL);
SELECT actstream.act_send('user:1', 'pushed', public => NULL);
\set VERBOSITY default
SELECT action_object IS NULL AS no_object, target IS NULL AS no_target
FROM actstream.act_send('user:1', 'pushed', NULL, NULL, NULL, true, NULL, NULL, NULL);

-- a timestamp that is null is now, as frameworks send it; not so in an update, nor public
INSERT INTO actstream.actions ("timestamp", actor, verb) VALUES (NULL, 'user:1', 'inserted') RETURNING "timestamp" BETWEEN now() AND clock_timestamp() AS now;
COPY actstream.actions ("timestamp", actor, verb) FROM STDIN;
\N	user:1	copied
\.
SELECT "timestamp" BETWEEN now() - interval '1 hour' AND clock_timestamp() AS now FROM actstream.actions WHERE verb = 'copied';
\set VERBOSITY terse
UPDATE actstream.actions SET "timestamp" = NULL WHERE verb = 'copied';
INSERT INTO actstream.actions (public, actor, verb) VALUES (NULL, 'user:1', 'inserted');
\set VERBOSITY default
-- a trigger of that function can be nothing else, and nowhere else
CREATE TRIGGER late AFTER INSERT ON actstream.actions FOR EACH ROW EXECUTE FUNCTION actstream_internal.action_time();
INSERT INTO actstream.actions (actor, verb) VALUES ('user:1', 'inserted');
DROP TRIGGER late ON actstream.actions;
CREATE TEMP TABLE other ("timestamp" timestamptz, started timestamptz);
CREATE TRIGGER other BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION actstream_internal.action_time();
INSERT INTO other VALUES (NULL);
DROP TRIGGER other ON other;
CREATE TRIGGER other BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION actstream_internal.follow_time();
INSERT INTO other VALUES (NULL);

-- references
SELECT actstream.act_send('user', 'pushed');
SELECT actstream.act_send('robot:1', 'pushed');
SELECT actstream.act_send('user:1', 'pushed', 'robot:1');
SELECT actstream.act_send('user:1', 'pushed', target => 'robot:1');
SELECT actstream.act_send('User:1', 'pushed');

-- sent again by its producer: once there, it stays as it is
SELECT count(*) FROM actstream.actions;
SELECT * FROM actstream.act_send('user:2', 'pulled', "timestamp" => '2030-01-01', external_id => 'push-1');
SELECT (actstream.act_send('user:2', 'pulled', external_id => 'pull-1')).external_id
FROM generate_series(1, 3);
SELECT external_id = '' AS empty FROM actstream.act_send('user:2', 'pulled', external_id => '');
SELECT length(external_id) FROM actstream.act_send('user:2', 'pulled', external_id => repeat('x', 1024));
SELECT actstream.act_send('user:2', 'pulled', external_id => repeat('x', 1025));
SELECT actstream.act_send('user:2', '', external_id => 'push-1');
INSERT INTO actstream.actions (actor, verb, external_id) VALUES ('user:1', 'pushed', 'push-1');
SELECT count(*) FROM actstream.actions;
TRUNCATE actstream.actions RESTART IDENTITY;

-- actions are rows: every way of writing keeps the rules
INSERT INTO actstream.actions (actor, verb) SELECT actstream.ref('user', i), 'joined' FROM generate_series(1, 3) i;
INSERT INTO actstream.actions (actor, verb) SELECT actstream.ref(CASE i WHEN 3 THEN 'robot' ELSE 'user' END, i), 'joined'
FROM generate_series(1, 3) i;
COPY actstream.actions (actor, verb, target, "timestamp") FROM STDIN;
user:4	joined	repo:x	2026-02-03 04:05:06+00
user:5	joined	\N	infinity
\.
COPY actstream.actions (actor, verb) FROM STDIN;
user:6	joined
robot:6	joined
\.
COPY actstream.actions (actor, verb) FROM STDIN;
user6	joined
\.
MERGE INTO actstream.actions a USING (VALUES (1, 'left'), (100, 'came')) v (id, verb) ON a.id = v.id
WHEN MATCHED THEN UPDATE SET description = v.verb
WHEN NOT MATCHED THEN INSERT (actor, verb) VALUES ('user:7', v.verb);
UPDATE actstream.actions SET description = 'changed', public = false, data = '[]' WHERE id = 1;
UPDATE actstream.actions SET target = 'robot:1' WHERE id = 1;
UPDATE actstream.actions SET actor = 'robot:1' WHERE id = 1;
UPDATE actstream.actions SET action_object = 'robot:1';
\set VERBOSITY terse
UPDATE actstream.actions SET verb = '' WHERE id = 1;
UPDATE actstream.actions SET actor = NULL WHERE id = 1;
\set VERBOSITY default
UPDATE actstream.actions SET target = 'repo:y' WHERE id = 1;
INSERT INTO actstream.actions (id, actor, verb) VALUES (1, 'user:1', 'again');
INSERT INTO actstream.actions (actor, verb) VALUES ('user:1', 'conflicted')
ON CONFLICT (external_id) WHERE external_id IS NOT NULL DO NOTHING RETURNING actor;
DELETE FROM actstream.actions WHERE actor::text = 'user:2';
SELECT id > 0 AS id, public, actor, verb, target, description, data FROM actstream.actions ORDER BY actor::text, verb, id;

-- nothing of a failed statement or transaction is left
BEGIN;
SELECT verb FROM actstream.act_send('user:1', 'vanished');
SAVEPOINT s;
SELECT actstream.act_send('robot:1', 'vanished');
ROLLBACK TO s;
ROLLBACK;
SELECT count(*) FROM actstream.actions WHERE verb = 'vanished';

-- in plpgsql, many in one statement, and after the extension was made anew
DO $$
DECLARE
    a actstream.action;
BEGIN
    FOR i IN 1..10 LOOP
        a := actstream.act_send('user:1', 'looped', target => actstream.ref('repo', i));
    END LOOP;
    RAISE NOTICE '% %', a.verb, a.target;
END
$$;
SELECT count((a).id) FROM (SELECT actstream.act_send('user:1', 'listed', external_id => i::text) AS a
                           FROM generate_series(1, 100) i OFFSET 0) s;
DO 'BEGIN PERFORM actstream.drop_tables(); END';
DROP EXTENSION actstream;
\set VERBOSITY terse
SELECT actstream.act_send('user:1', 'pushed');
\set VERBOSITY default
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
SELECT actstream.act_send('user:1', 'pushed');
SELECT label FROM actstream.register_external('user');
SELECT id, actor, verb FROM actstream.act_send('user:1', 'pushed');
SELECT actor, verb FROM actstream.act_send('user:1', 'pushed', external_id => 'e');

-- a reference takes its label, one byte, and what the key needs; the length is in the first byte
SELECT label FROM actstream.register_external('repo');
INSERT INTO actstream.actions (actor, verb, target) VALUES ('user:123456', 'pushed', 'repo:123456') RETURNING id \gset
SELECT pg_column_size(actor) AS actor, pg_column_size(verb) AS verb, pg_column_size(target) AS target
FROM actstream.actions WHERE id = :id;
DO 'BEGIN PERFORM actstream.drop_tables(); END';
DROP EXTENSION actstream;
