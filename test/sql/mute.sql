--
-- Mutes and blocks: what they hide, from whom, until when, and what goes with them
--
\i test/lib/fresh.sql
\i test/lib/plain_streams.sql
SET timezone = 'UTC';

CREATE SCHEMA mutes;
SET search_path = mutes;
CREATE TABLE person (id int PRIMARY KEY, name text);
INSERT INTO person SELECT i, 'P' || i FROM generate_series(1, 20) i;
CREATE TABLE page (id int PRIMARY KEY);
INSERT INTO page SELECT generate_series(1, 9);
SELECT label FROM actstream.register('person');
SELECT label FROM actstream.register('page', on_delete => 'keep');
INSERT INTO actstream.actions (id, "timestamp", actor, verb, action_object, target)
SELECT i, timestamptz '2026-01-01' + i * interval '1 minute', actstream.ref('person', 1 + i % 7), (ARRAY['wrote', 'read', 'liked'])[1 + i % 3],
       CASE WHEN i % 2 = 0 THEN actstream.ref('page', 1 + i % 9) END, CASE WHEN i % 5 = 0 THEN actstream.ref('person', 1 + i % 11) END
FROM generate_series(1, 200) i;
SELECT count((actstream.follow('person:1', actstream.ref('person', i), actor_only => i % 2 = 0, send_action => false)).follower) FROM generate_series(2, 7) i;
CREATE FUNCTION stream() RETURNS bigint[] LANGUAGE sql AS $$SELECT array(SELECT id FROM actstream.user_stream('person:1'))$$;
CREATE FUNCTION differs() RETURNS boolean LANGUAGE sql AS
    $$SELECT array(SELECT id FROM actstream.user_stream('person:1')) IS DISTINCT FROM array(SELECT id FROM plain.user_stream('person:1'))$$;
CREATE TABLE before AS SELECT stream() AS ids;

-- a mute hides what its object does, and what is done to it
SELECT muter, muted, verbs, until, block FROM actstream.mute('person:1', 'person:3');
SELECT cardinality(ids) > cardinality(stream()) AS fewer, differs() FROM before;
SELECT count(*) FROM actstream.user_stream('person:1') WHERE 'person:3' IN (actor, target);
-- also of an object that is not followed
SELECT muted FROM actstream.mute('person:1', 'page:4');
SELECT count(*), differs() FROM actstream.user_stream('person:1') WHERE action_object = 'page:4';
-- a second one replaces the first
SELECT verbs, until FROM actstream.mute('person:1', 'person:3', '{liked,wrote}', '2100-01-01');
SELECT differs(), array_agg(DISTINCT verb) FROM actstream.user_stream('person:1') WHERE 'person:3' IN (actor, target);
SELECT verbs, until FROM actstream.mute('person:1', 'person:3', until => '2020-01-01');
SELECT differs(), count(*) FROM actstream.user_stream('person:1') WHERE actor = 'person:3';
-- nobody else is concerned
SELECT array(SELECT id FROM actstream.user_stream('person:2')) = array(SELECT id FROM plain.user_stream('person:2')) AS same,
       (SELECT count(*) FROM actstream.any_stream('person:3')) = (SELECT count(*) FROM plain.any_stream('person:3')) AS same;
-- and undone, the stream is what it was
SELECT actstream.unmute('person:1', 'person:3'), actstream.unmute('person:1', 'page:4'), actstream.unmute('person:1', 'page:4');
SELECT ids = stream() AS same FROM before;

-- it ends by itself, also for a session that keeps the list: at the time of a transaction
SELECT muted FROM actstream.mute('person:1', 'person:3', until => clock_timestamp() + interval '0.5 s');
SELECT (ids <> stream()) = (now() < until) AS right FROM before, actstream.mutes;
SELECT count(pg_sleep_until(until)) FROM actstream.mutes;
SELECT ids = stream() AS same FROM before;
SELECT actstream.unmute('person:1', 'person:3');

-- a block hides more, and ends follows in both directions
SELECT (actstream.follow('person:3', 'person:1', send_action => false)).followee, (actstream.follow('person:3', 'person:2', send_action => false)).followee;
SELECT muter, muted, verbs, until, block FROM actstream.block('person:3', 'person:1');
SELECT follower, followee FROM actstream.follows WHERE 'person:3' IN (follower, followee) ORDER BY 1, 2;
SELECT actstream.follow('person:1', 'person:3');
SELECT actstream.follow('person:3', 'person:1', 'x');
INSERT INTO actstream.follows (follower, followee) VALUES ('person:1', 'person:3');
SELECT (actstream.follow('person:2', 'person:3', send_action => false)).followee;
-- what the blocker does, the blocked one does not see even by way of others
SELECT count(*) FILTER (WHERE actor = 'person:3') AS by_blocker, count(*) FILTER (WHERE target = 'person:3') > 0 AS to_blocker, differs()
FROM actstream.user_stream('person:1');
SELECT array(SELECT id FROM actstream.user_stream('person:3')) = array(SELECT id FROM plain.user_stream('person:3')) AS same;
-- a mute does not weaken it, nor does the end of a mute
SELECT verbs, until, block FROM actstream.mute('person:3', 'person:1', '{liked}', now());
SELECT actstream.unmute('person:3', 'person:1'), actstream.unblock('person:3', 'person:1'), actstream.unblock('person:3', 'person:1');
SELECT (actstream.follow('person:1', 'person:3', actor_only => false, send_action => false)).followee;
SELECT ids = stream() AS same FROM before;
-- of a mute it makes a block
SELECT verbs FROM actstream.mute('person:1', 'person:2', '{read}');
SELECT verbs, block FROM actstream.block('person:1', 'person:2');
SELECT count(*) FROM actstream.follows WHERE follower = 'person:1' AND followee = 'person:2';
SELECT actstream.unblock('person:1', 'person:2');
SELECT (actstream.follow('person:1', 'person:2', send_action => false)).followee;

-- is_muted() says the same of any action
SELECT muted FROM actstream.mute('person:1', 'person:4', '{read}');
SELECT muted FROM actstream.block('person:6', 'person:1');
SELECT count(*) AS hidden,
       count(*) FILTER (WHERE NOT (actor = 'person:6' OR 'person:4' IN (actor, target) AND verb = 'read')) AS wrongly
FROM actstream.public_stream() a WHERE actstream.is_muted('person:1', a);
SELECT count(*) FROM actstream.actions a, unnest('{person:2,page:1}'::actstream.ref[]) m WHERE actstream.is_muted(m, a);
SELECT actstream.is_muted(NULL, a), actstream.is_muted('person:1', NULL) FROM actstream.actions a LIMIT 1;
SELECT actstream.is_muted('person:1', ROW(1, now(), false, 'person:6', 'did', NULL, NULL, NULL, NULL, NULL)::actstream.action);
-- also within one transaction that mutes and takes back
DO $$
DECLARE
    a actstream.action;
    saw text = '';
BEGIN
    SELECT * INTO a FROM actstream.actions WHERE actor = 'person:5' AND target IS NULL AND action_object IS NULL LIMIT 1;
    FOR i IN 1 .. 3 LOOP
        saw := saw || actstream.is_muted('person:1', a);
        BEGIN
            PERFORM actstream.mute('person:1', 'person:5');
            saw := saw || ' ' || actstream.is_muted('person:1', a);
            IF i < 3 THEN
                RAISE EXCEPTION USING ERRCODE = 'P0002';
            END IF;
        EXCEPTION WHEN no_data_found THEN
            saw := saw || ' ' || actstream.is_muted('person:1', a) || ', ';
        END;
    END LOOP;
    RAISE NOTICE '%', saw;
END
$$;
SELECT actstream.unmute('person:1', 'person:5'), actstream.unmute('person:1', 'person:4'), actstream.unblock('person:6', 'person:1');
SELECT (actstream.follow('person:1', 'person:6', send_action => false)).followee;

-- audience() knows them
SELECT (actstream.follow('person:8', 'person:2', verbs => '{liked}', send_action => false)).verbs, (actstream.follow('person:9', 'person:2', send_action => false)).verbs;
SELECT muted FROM actstream.mute('person:9', 'page:3');
SELECT muted FROM actstream.block('person:2', 'person:10');
SELECT count(*) AS heard, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM actstream.user_stream(f) s WHERE s.id = a.id)) AS not_shown
FROM actstream.actions a, actstream.audience(a) f;
SELECT count(*) AS not_heard FROM person p, actstream.user_stream(actstream.ref('person', p.id)) s
WHERE NOT EXISTS (SELECT FROM actstream.audience(s) f WHERE f = actstream.ref('person', p.id));

-- mistakes
SELECT actstream.mute('person:1', 'person:1');
SELECT actstream.mute('person:1', 'person:99');
SELECT actstream.mute('person:99', 'person:1');
SELECT actstream.mute('person:1', 'nobody:1');
SELECT actstream.mute('person:1', 'person:2', '{}');
SELECT actstream.mute('person:1', 'person:2', '{NULL}');
SELECT actstream.mute('person:1', 'person:2', ARRAY['']);
SELECT actstream.mute('person:1', 'person:2', ARRAY(SELECT 'v' || i FROM generate_series(1, 200) i));
\set VERBOSITY terse
SELECT actstream.mute(NULL, 'person:2');
SELECT actstream.block('person:2', NULL);
\set VERBOSITY default
INSERT INTO actstream.mutes (muter, muted, block, verbs) VALUES ('person:1', 'person:2', true, '{liked}');
SELECT count(*) FROM actstream.mutes WHERE muter = 'person:1';
-- a time that is null is now
INSERT INTO actstream.mutes (muter, muted, created) VALUES ('person:1', 'person:2', NULL) RETURNING created BETWEEN now() AND clock_timestamp() AS now, block;

-- mutes go with their objects, whatever becomes of actions, and follow their keys
TRUNCATE actstream.mutes;
SELECT ids = stream() AS same FROM before;
SELECT count((actstream.mute('person:1', actstream.ref('page', i))).muter), count((actstream.mute(actstream.ref('person', 10 + i), 'page:9')).muter) FROM generate_series(1, 5) i;
DELETE FROM page WHERE id IN (1, 2);
UPDATE page SET id = 103 WHERE id = 3;
UPDATE person SET id = 111 WHERE id = 11;
DELETE FROM person WHERE id = 12;
SELECT muter, muted FROM actstream.mutes ORDER BY 1, 2;
SELECT * FROM actstream.integrity_check() WHERE problem <> 'missing object' OR detail !~ 'action';
ALTER TABLE actstream.mutes DISABLE TRIGGER mute_check;
INSERT INTO actstream.mutes (muter, muted) VALUES ('person:1', 'page:77');
ALTER TABLE actstream.mutes ENABLE TRIGGER mute_check;
SELECT * FROM actstream.integrity_check() WHERE object = 'page:77';
TRUNCATE actstream.mutes;

-- rights: those on the table
CREATE ROLE mute_app;
GRANT USAGE ON SCHEMA actstream, mutes, plain TO mute_app;
GRANT SELECT ON actstream.actions, actstream.follows, person, page TO mute_app;
SET ROLE mute_app;
SELECT count(*) FROM actstream.user_stream('person:1');
SELECT actstream.mute('person:1', 'person:2');
SELECT count(*) FROM actstream.actions a WHERE actstream.is_muted('person:1', a);
RESET ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.mutes TO mute_app;
SET ROLE mute_app;
SELECT muted FROM actstream.mute('person:1', 'person:2');
SELECT count(*) FROM actstream.user_stream('person:1') WHERE 'person:2' IN (actor, target);
-- a block ends follows that the caller has no right to delete
SELECT muted FROM actstream.block('person:4', 'person:1');
RESET ROLE;
SELECT count(*) FROM actstream.follows WHERE follower = 'person:1' AND followee = 'person:4';
-- policies hold: who sees no mute is shown everything
ALTER TABLE actstream.mutes ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON actstream.mutes USING (muter = actstream.ref('person', current_setting('app.id')) OR block AND muted = actstream.ref('person', current_setting('app.id')))
    WITH CHECK (muter = actstream.ref('person', current_setting('app.id')));
SET app.id = 1;
SET ROLE mute_app;
SELECT count(*) FILTER (WHERE 'person:2' IN (actor, target)) AS muted, count(*) FILTER (WHERE actor = 'person:4') AS blocked, differs() FROM actstream.user_stream('person:1');
SELECT muter, muted FROM actstream.mutes ORDER BY 1;
SELECT count(*) FROM actstream.actions a WHERE actstream.is_muted('person:1', a);
SELECT actstream.mute('person:2', 'person:1');
SELECT actstream.block('person:2', 'person:1');
SET app.id = 2;
SELECT count(*) FILTER (WHERE 'person:2' IN (actor, target)) > 0 AS muted, count(*) FROM actstream.user_stream('person:1');
SELECT count(*) FROM actstream.actions a WHERE actstream.is_muted('person:1', a);
-- and in expressions of PL/pgSQL
DO $$
DECLARE
    a actstream.action;
    saw text = '';
BEGIN
    SELECT * INTO a FROM actstream.actions WHERE actor = 'person:2' AND target IS NULL AND action_object IS NULL LIMIT 1;
    FOR i IN 1 .. 2 LOOP
        PERFORM set_config('app.id', i::text, true);
        saw := saw || ' ' || actstream.is_muted('person:1', a);
    END LOOP;
    RAISE NOTICE '%', saw;
END
$$;
SELECT actstream.unmute('person:1', 'person:2');
RESET ROLE;

SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
DROP SCHEMA mutes, plain CASCADE;
DROP ROLE mute_app;
