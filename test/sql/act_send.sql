-- What is sent, or emitted by a tracked table, is stored as INSERT would store it,
-- whatever has become of the table.
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP ROLE IF EXISTS send_app, send_half;
DROP SCHEMA IF EXISTS send CASCADE;
RESET client_min_messages;
\set VERBOSITY terse
CREATE SCHEMA send;
SET search_path = send;
SELECT label FROM actstream.register_external('user');
CREATE TABLE post (id int PRIMARY KEY);
SELECT label FROM actstream.register('post');
SELECT actstream.track('post', 'emitted', 'user:1', '{self}');

-- three ways to the same row
CREATE PROCEDURE ways(name text) LANGUAGE plpgsql AS $$
DECLARE
    statement text;
    r record;
BEGIN
    DELETE FROM post;
    DELETE FROM actstream.actions;
    FOREACH statement IN ARRAY ARRAY[
        $sql$INSERT INTO actstream.actions (actor, verb, action_object) VALUES ('user:1', 'inserted', NULL)$sql$,
        $sql$SELECT actstream.act_send('user:1', 'sent')$sql$,
        $sql$INSERT INTO post VALUES (1)$sql$]
    LOOP
        BEGIN
            EXECUTE statement;
        EXCEPTION WHEN OTHERS THEN
            RAISE NOTICE '%: % %', name, sqlstate, sqlerrm;
        END;
    END LOOP;
    FOR r IN SELECT (to_jsonb(a) - 'id' - 'timestamp' - 'external_id') AS a FROM actstream.actions a ORDER BY id LOOP
        RAISE NOTICE '%: %', name, jsonb_strip_nulls(r.a);
    END LOOP;
END
$$;
CALL ways('as made');

-- the returned row is the stored one
CREATE TABLE returned AS
SELECT * FROM actstream.act_send('user:1', 'came', 'post:1', 'user:2', repeat('long ', 100000), false, now(), '{"a": [1, null]}');
SELECT to_jsonb(a) = to_jsonb(r) AS same, length(a.description) FROM returned r JOIN actstream.actions a USING (id);

-- each statement sees what the one before has sent, a snapshot from before does not
BEGIN;
SELECT count(*) FROM actstream.act_send('user:1', 'seen') a, actstream.actor_stream('user:1') s WHERE s.verb = 'seen';
SELECT count(*) FROM actstream.actor_stream('user:1') WHERE verb = 'seen';
DO $$
BEGIN
    PERFORM actstream.act_send('user:1', 'seen');
    RAISE NOTICE '%', (SELECT count(*) FROM actstream.actor_stream('user:1') WHERE verb = 'seen');
END
$$;
ROLLBACK;
SELECT count(*) FROM actstream.actions WHERE verb = 'seen';

-- and is gone with its savepoint
BEGIN;
SAVEPOINT a;
SELECT verb FROM actstream.act_send('user:1', 'seen');
ROLLBACK TO a;
SELECT count(*) FROM actstream.actions WHERE verb = 'seen';
COMMIT;

------------------------------------------------------------------------------
-- Triggers
------------------------------------------------------------------------------

CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% % % as %: %', TG_WHEN, TG_OP, TG_LEVEL, current_user,
        CASE WHEN TG_LEVEL = 'ROW' THEN NEW.verb || ', there are ' || (SELECT count(*) FROM actstream.actions) END;
    RETURN NEW;
END
$$;
CREATE TRIGGER tell AFTER INSERT ON actstream.actions FOR EACH ROW EXECUTE FUNCTION tell();
CALL ways('after, for each row');
DROP TRIGGER tell ON actstream.actions;
CREATE TRIGGER tell AFTER INSERT ON actstream.actions FOR EACH ROW WHEN (NEW.verb = 'sent') EXECUTE FUNCTION tell();
CALL ways('on a condition');
DROP TRIGGER tell ON actstream.actions;
CREATE TRIGGER tell BEFORE INSERT ON actstream.actions FOR EACH ROW EXECUTE FUNCTION tell();
CALL ways('before, for each row');
DROP TRIGGER tell ON actstream.actions;
CREATE TRIGGER tell BEFORE INSERT ON actstream.actions EXECUTE FUNCTION tell();
CALL ways('before the statement');
DROP TRIGGER tell ON actstream.actions;
CREATE TRIGGER tell AFTER INSERT ON actstream.actions EXECUTE FUNCTION tell();
CALL ways('after the statement');
DROP TRIGGER tell ON actstream.actions;
CREATE FUNCTION count_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'new: %', (SELECT string_agg(verb, ' ') FROM new);
    RETURN NULL;
END
$$;
CREATE TRIGGER tell AFTER INSERT ON actstream.actions REFERENCING NEW TABLE AS new FOR EACH ROW EXECUTE FUNCTION count_new();
CALL ways('with the new rows');
DROP TRIGGER tell ON actstream.actions;
CREATE CONSTRAINT TRIGGER tell AFTER INSERT ON actstream.actions DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tell();
BEGIN;
SELECT verb FROM actstream.act_send('user:1', 'deferred');
SAVEPOINT a;
SELECT verb FROM actstream.act_send('user:1', 'undone');
ROLLBACK TO a;
COMMIT;
DROP TRIGGER tell ON actstream.actions;

-- one that sends, for each that is sent
CREATE FUNCTION answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.verb IN ('inserted', 'sent', 'emitted') THEN
        PERFORM actstream.act_send('user:2', 'answered to ' || NEW.verb);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER answer AFTER INSERT ON actstream.actions FOR EACH ROW EXECUTE FUNCTION answer();
CALL ways('answered');
DROP TRIGGER answer ON actstream.actions;

-- one that suppresses the row
CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER suppress BEFORE INSERT ON actstream.actions FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT actstream.act_send('user:1', 'suppressed') IS NULL AS suppressed;
CALL ways('suppressed');
DROP TRIGGER suppress ON actstream.actions;

-- references are checked where, and only where, INSERT checks them
CREATE PROCEDURE check_ways(name text) LANGUAGE plpgsql AS $$
DECLARE
    statement text;
    outcome text;
BEGIN
    FOREACH statement IN ARRAY ARRAY[
        $sql$INSERT INTO actstream.actions (actor, verb, action_object) VALUES ('user:1', 'inserted', 'post:404')$sql$,
        $sql$SELECT actstream.act_send('user:1', 'sent', 'post:404')$sql$,
        $sql$INSERT INTO actstream.actions (actor, verb) VALUES ('nobody:1', 'inserted')$sql$,
        $sql$SELECT actstream.act_send('nobody:1', 'sent')$sql$,
        $sql$INSERT INTO actstream.actions (actor, verb) VALUES ('user:1', '')$sql$,
        $sql$SELECT actstream.act_send('user:1', '')$sql$]
    LOOP
        BEGIN
            EXECUTE statement;
            outcome := concat_ws(', ', outcome, 'stored');
        EXCEPTION WHEN OTHERS THEN
            outcome := concat_ws(', ', outcome, sqlstate);
        END;
    END LOOP;
    RAISE NOTICE '%: %', name, outcome;
END
$$;
CALL check_ways('as made');
SET session_replication_role = local;
CALL check_ways('local');
SET session_replication_role = replica;
CALL check_ways('replica');
ALTER TABLE actstream.actions ENABLE ALWAYS TRIGGER action_check;
CALL check_ways('always, replica');
RESET session_replication_role;
CALL check_ways('always');
ALTER TABLE actstream.actions ENABLE REPLICA TRIGGER action_check;
CALL check_ways('for replicas');
ALTER TABLE actstream.actions DISABLE TRIGGER action_check;
CALL check_ways('disabled');
ALTER TABLE actstream.actions ENABLE TRIGGER action_check;
CALL check_ways('as made again');
SET check_function_bodies = off;
CALL check_ways('whatever migrations set');
RESET check_function_bodies;
BEGIN;
ALTER EXTENSION actstream DROP FUNCTION actstream_internal.action_check();
DROP TRIGGER action_check ON actstream.actions;
CALL check_ways('dropped');
CREATE TRIGGER action_check AFTER UPDATE ON actstream.actions FOR EACH ROW EXECUTE FUNCTION actstream_internal.action_check();
CALL check_ways('for updates');
DROP TRIGGER action_check ON actstream.actions;
CREATE TRIGGER action_check AFTER INSERT ON actstream.actions FOR EACH ROW WHEN (NEW.verb <> 'sent') EXECUTE FUNCTION actstream_internal.action_check();
CALL check_ways('on a condition');
ROLLBACK;

------------------------------------------------------------------------------
-- Rules, columns, constraints, the sequence
------------------------------------------------------------------------------

CREATE RULE nothing AS ON INSERT TO actstream.actions WHERE NEW.verb = 'sent' DO INSTEAD NOTHING;
CALL ways('rule');
DROP RULE nothing ON actstream.actions;

ALTER TABLE actstream.actions ADD CONSTRAINT polite CHECK (verb <> 'sent');
CALL ways('constraint');
ALTER TABLE actstream.actions DROP CONSTRAINT polite;

DELETE FROM actstream.actions;
ALTER TABLE actstream.actions ALTER target SET NOT NULL;
CALL ways('not null');
DELETE FROM post;
ALTER TABLE actstream.actions ALTER target DROP NOT NULL;

-- indexes of the user's own, of which some have no entry for a row
DELETE FROM actstream.actions;
CREATE UNIQUE INDEX once ON actstream.actions (verb);
CREATE UNIQUE INDEX once_described ON actstream.actions (description) WHERE description IS NOT NULL AND public;
CREATE UNIQUE INDEX once_at_all ON actstream.actions ((true)) WHERE description IS NULL AND NOT public;
SELECT verb FROM actstream.act_send('user:1', 'sent');
SELECT verb FROM actstream.act_send('user:1', 'sent');
SELECT verb FROM actstream.act_send('user:1', 'told', description => 'news');
SELECT verb FROM actstream.act_send('user:1', 'told again', description => 'news');
SELECT verb FROM actstream.act_send('user:1', 'told in private', description => 'news', public => false);
SELECT verb FROM actstream.act_send('user:1', 'kept', public => false);
SELECT verb FROM actstream.act_send('user:1', 'kept again', public => false);
DROP INDEX actstream.once_at_all;
INSERT INTO post VALUES (1);
SET enable_seqscan = off;
SELECT verb FROM actstream.act_send('user:1', 'gave', 'post:1', 'user:2');
SELECT verb FROM actstream.target_stream('user:2');
SELECT verb FROM actstream.action_object_stream('post:1');
SELECT verb FROM actstream.public_stream();
SELECT verb FROM actstream.act_send('user:1', 'gave in secret', 'post:1', 'user:2', public => false);
SELECT verb FROM actstream.actions WHERE target = 'user:2' AND NOT public;
SELECT verb FROM actstream.public_stream();
RESET enable_seqscan;
DROP INDEX actstream.once, actstream.once_described;

ALTER TABLE actstream.actions ALTER id SET GENERATED ALWAYS;
CALL ways('ids generated always');
ALTER TABLE actstream.actions ALTER id SET GENERATED BY DEFAULT;
ALTER SEQUENCE actstream.actions_id_seq RESTART WITH 1000 INCREMENT BY 10;
DELETE FROM actstream.actions;
SELECT id FROM actstream.act_send('user:1', 'counted');
SELECT id FROM actstream.act_send('user:1', 'counted');
SELECT lastval(), currval('actstream.actions_id_seq');
ALTER SEQUENCE actstream.actions_id_seq MAXVALUE 1010;
SELECT id FROM actstream.act_send('user:1', 'counted');
ALTER SEQUENCE actstream.actions_id_seq NO MAXVALUE;

------------------------------------------------------------------------------
-- Who may
------------------------------------------------------------------------------

CREATE ROLE send_app;
CREATE ROLE send_half;
GRANT USAGE ON SCHEMA actstream, send TO send_app, send_half;
GRANT INSERT, SELECT ON actstream.actions TO send_app;
GRANT INSERT ON post TO send_app, send_half;
GRANT INSERT (actor, verb, action_object, target, description, public, "timestamp", data, external_id), SELECT ON actstream.actions TO send_half;
SET ROLE send_app;
SELECT verb FROM actstream.act_send('user:1', 'sent by app');
SET ROLE send_half;
SELECT verb FROM actstream.act_send('user:1', 'sent by columns');
RESET ROLE;
REVOKE INSERT (verb) ON actstream.actions FROM send_half;
REVOKE INSERT ON actstream.actions FROM send_app;
SET ROLE send_app;
SELECT verb FROM actstream.act_send('user:1', 'sent by app');
INSERT INTO post VALUES (10);
SET ROLE send_half;
SELECT verb FROM actstream.act_send('user:1', 'sent by columns');
RESET ROLE;
GRANT INSERT ON actstream.actions TO send_app;
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
CREATE POLICY polite ON actstream.actions USING (verb <> 'hidden') WITH CHECK (verb <> 'rude');
SET ROLE send_app;
SELECT verb FROM actstream.act_send('user:1', 'polite');
SELECT verb FROM actstream.act_send('user:1', 'rude');
SELECT verb FROM actstream.act_send('user:1', 'hidden');
RESET ROLE;
-- a tracked table sends as the owner, also where he is not exempt
ALTER TABLE actstream.actions FORCE ROW LEVEL SECURITY;
CREATE POLICY nothing ON actstream.actions AS RESTRICTIVE USING (false);
SET ROLE send_app;
INSERT INTO post VALUES (11);
RESET ROLE;
SELECT verb, action_object FROM actstream.actions WHERE action_object = 'post:11';
ALTER TABLE actstream.actions NO FORCE ROW LEVEL SECURITY;
ALTER TABLE actstream.actions DISABLE ROW LEVEL SECURITY;

BEGIN READ ONLY;
SELECT actstream.act_send('user:1', 'sent');
ROLLBACK;

------------------------------------------------------------------------------
-- Columns of a later version, and what a column may be given
------------------------------------------------------------------------------

ALTER TYPE actstream.action ADD ATTRIBUTE note text CASCADE;
CALL ways('column more');
ALTER TABLE actstream.actions ALTER note SET DEFAULT 'none', ALTER description SET DEFAULT 'said nothing';
CALL ways('with a default');
ALTER TYPE actstream.action DROP ATTRIBUTE note CASCADE;
CALL ways('column dropped');

SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
DROP SCHEMA send CASCADE;
DROP OWNED BY send_app, send_half;
DROP ROLE send_app, send_half;
