-- What is sent, or emitted by a tracked table, is stored as INSERT would store it,
-- whatever has become of the table.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS actstream CASCADE;
DROP ROLE IF EXISTS send_app, send_half;
DROP SCHEMA IF EXISTS send CASCADE;
CREATE EXTENSION actstream;
RESET client_min_messages;
\set SHOW_CONTEXT never
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
    DELETE FROM actstream.action;
    FOREACH statement IN ARRAY ARRAY[
        $sql$INSERT INTO actstream.action (actor, verb, action_object) VALUES ('user:1', 'inserted', NULL)$sql$,
        $sql$SELECT actstream.act_send('user:1', 'sent')$sql$,
        $sql$INSERT INTO post VALUES (1)$sql$]
    LOOP
        BEGIN
            EXECUTE statement;
        EXCEPTION WHEN OTHERS THEN
            RAISE NOTICE '%: % %', name, sqlstate, sqlerrm;
        END;
    END LOOP;
    FOR r IN SELECT (to_jsonb(a) - 'id' - 'timestamp' - 'external_id') AS a FROM actstream.action a ORDER BY id LOOP
        RAISE NOTICE '%: %', name, jsonb_strip_nulls(r.a);
    END LOOP;
END
$$;
CALL ways('as made');

-- the returned row is the stored one
CREATE TABLE returned AS
SELECT * FROM actstream.act_send('user:1', 'came', 'post:1', 'user:2', repeat('long ', 100000), false, now(), '{"a": [1, null]}');
SELECT to_jsonb(a) = to_jsonb(r) AS same, length(a.description) FROM returned r JOIN actstream.action a USING (id);

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
SELECT count(*) FROM actstream.action WHERE verb = 'seen';

-- and is gone with its savepoint
BEGIN;
SAVEPOINT a;
SELECT verb FROM actstream.act_send('user:1', 'seen');
ROLLBACK TO a;
SELECT count(*) FROM actstream.action WHERE verb = 'seen';
COMMIT;

------------------------------------------------------------------------------
-- Triggers
------------------------------------------------------------------------------

CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% % % as %: %', TG_WHEN, TG_OP, TG_LEVEL, current_user,
        CASE WHEN TG_LEVEL = 'ROW' THEN NEW.verb || ', there are ' || (SELECT count(*) FROM actstream.action) END;
    RETURN NEW;
END
$$;
CREATE TRIGGER tell AFTER INSERT ON actstream.action FOR EACH ROW EXECUTE FUNCTION tell();
CALL ways('after, for each row');
DROP TRIGGER tell ON actstream.action;
CREATE TRIGGER tell AFTER INSERT ON actstream.action FOR EACH ROW WHEN (NEW.verb = 'sent') EXECUTE FUNCTION tell();
CALL ways('on a condition');
DROP TRIGGER tell ON actstream.action;
CREATE TRIGGER tell BEFORE INSERT ON actstream.action FOR EACH ROW EXECUTE FUNCTION tell();
CALL ways('before, for each row');
DROP TRIGGER tell ON actstream.action;
CREATE TRIGGER tell BEFORE INSERT ON actstream.action EXECUTE FUNCTION tell();
CALL ways('before the statement');
DROP TRIGGER tell ON actstream.action;
CREATE TRIGGER tell AFTER INSERT ON actstream.action EXECUTE FUNCTION tell();
CALL ways('after the statement');
DROP TRIGGER tell ON actstream.action;
CREATE FUNCTION count_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'new: %', (SELECT string_agg(verb, ' ') FROM new);
    RETURN NULL;
END
$$;
CREATE TRIGGER tell AFTER INSERT ON actstream.action REFERENCING NEW TABLE AS new FOR EACH ROW EXECUTE FUNCTION count_new();
CALL ways('with the new rows');
DROP TRIGGER tell ON actstream.action;
CREATE CONSTRAINT TRIGGER tell AFTER INSERT ON actstream.action DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tell();
BEGIN;
SELECT verb FROM actstream.act_send('user:1', 'deferred');
SAVEPOINT a;
SELECT verb FROM actstream.act_send('user:1', 'undone');
ROLLBACK TO a;
COMMIT;
DROP TRIGGER tell ON actstream.action;

-- one that sends, for each that is sent
CREATE FUNCTION answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.verb IN ('inserted', 'sent', 'emitted') THEN
        PERFORM actstream.act_send('user:2', 'answered to ' || NEW.verb);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER answer AFTER INSERT ON actstream.action FOR EACH ROW EXECUTE FUNCTION answer();
CALL ways('answered');
DROP TRIGGER answer ON actstream.action;

-- one that suppresses the row
CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER suppress BEFORE INSERT ON actstream.action FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT actstream.act_send('user:1', 'suppressed') IS NULL AS suppressed;
CALL ways('suppressed');
DROP TRIGGER suppress ON actstream.action;

-- references are checked where, and only where, INSERT checks them
CREATE PROCEDURE check_ways(name text) LANGUAGE plpgsql AS $$
DECLARE
    statement text;
    outcome text;
BEGIN
    FOREACH statement IN ARRAY ARRAY[
        $sql$INSERT INTO actstream.action (actor, verb, action_object) VALUES ('user:1', 'inserted', 'post:404')$sql$,
        $sql$SELECT actstream.act_send('user:1', 'sent', 'post:404')$sql$,
        $sql$INSERT INTO actstream.action (actor, verb) VALUES ('nobody:1', 'inserted')$sql$,
        $sql$SELECT actstream.act_send('nobody:1', 'sent')$sql$,
        $sql$INSERT INTO actstream.action (actor, verb) VALUES ('user:1', '')$sql$,
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
ALTER TABLE actstream.action ENABLE ALWAYS TRIGGER action_check;
CALL check_ways('always, replica');
RESET session_replication_role;
CALL check_ways('always');
ALTER TABLE actstream.action ENABLE REPLICA TRIGGER action_check;
CALL check_ways('for replicas');
ALTER TABLE actstream.action DISABLE TRIGGER action_check;
CALL check_ways('disabled');
ALTER TABLE actstream.action ENABLE TRIGGER action_check;
CALL check_ways('as made again');
SET check_function_bodies = off;
CALL check_ways('while a dump is loaded');
RESET check_function_bodies;
BEGIN;
ALTER EXTENSION actstream DROP FUNCTION actstream.action_check();
DROP TRIGGER action_check ON actstream.action;
CALL check_ways('dropped');
CREATE TRIGGER action_check AFTER UPDATE ON actstream.action FOR EACH ROW EXECUTE FUNCTION actstream.action_check();
CALL check_ways('for updates');
DROP TRIGGER action_check ON actstream.action;
CREATE TRIGGER action_check AFTER INSERT ON actstream.action FOR EACH ROW WHEN (NEW.verb <> 'sent') EXECUTE FUNCTION actstream.action_check();
CALL check_ways('on a condition');
ROLLBACK;

------------------------------------------------------------------------------
-- Rules, columns, constraints, the sequence
------------------------------------------------------------------------------

CREATE RULE nothing AS ON INSERT TO actstream.action WHERE NEW.verb = 'sent' DO INSTEAD NOTHING;
CALL ways('rule');
DROP RULE nothing ON actstream.action;

ALTER TABLE actstream.action ADD CONSTRAINT polite CHECK (verb <> 'sent');
CALL ways('constraint');
ALTER TABLE actstream.action DROP CONSTRAINT polite;

DELETE FROM actstream.action;
ALTER TABLE actstream.action ALTER target SET NOT NULL;
CALL ways('not null');
DELETE FROM post;
ALTER TABLE actstream.action ALTER target DROP NOT NULL;

-- indexes of the user's own, of which some have no entry for a row
DELETE FROM actstream.action;
CREATE UNIQUE INDEX once ON actstream.action (verb);
CREATE UNIQUE INDEX once_described ON actstream.action (description) WHERE description IS NOT NULL AND public;
CREATE UNIQUE INDEX once_at_all ON actstream.action ((true)) WHERE description IS NULL AND NOT public;
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
SELECT verb FROM actstream.action WHERE target OPERATOR(actstream.=) 'user:2' AND NOT public;
SELECT verb FROM actstream.public_stream();
RESET enable_seqscan;
DROP INDEX actstream.once, actstream.once_described;

ALTER TABLE actstream.action ALTER id SET GENERATED ALWAYS;
CALL ways('ids generated always');
ALTER TABLE actstream.action ALTER id SET GENERATED BY DEFAULT;
ALTER SEQUENCE actstream.action_id_seq RESTART WITH 1000 INCREMENT BY 10;
DELETE FROM actstream.action;
SELECT id FROM actstream.act_send('user:1', 'counted');
SELECT id FROM actstream.act_send('user:1', 'counted');
SELECT lastval(), currval('actstream.action_id_seq');
ALTER SEQUENCE actstream.action_id_seq MAXVALUE 1010;
SELECT id FROM actstream.act_send('user:1', 'counted');
ALTER SEQUENCE actstream.action_id_seq NO MAXVALUE;

------------------------------------------------------------------------------
-- Who may
------------------------------------------------------------------------------

CREATE ROLE send_app;
CREATE ROLE send_half;
GRANT USAGE ON SCHEMA actstream, send TO send_app, send_half;
GRANT INSERT, SELECT ON actstream.action TO send_app;
GRANT INSERT ON post TO send_app, send_half;
GRANT INSERT (actor, verb, action_object, target, description, public, "timestamp", data, external_id), SELECT ON actstream.action TO send_half;
SET ROLE send_app;
SELECT verb FROM actstream.act_send('user:1', 'sent by app');
SET ROLE send_half;
SELECT verb FROM actstream.act_send('user:1', 'sent by columns');
RESET ROLE;
REVOKE INSERT (verb) ON actstream.action FROM send_half;
REVOKE INSERT ON actstream.action FROM send_app;
SET ROLE send_app;
SELECT verb FROM actstream.act_send('user:1', 'sent by app');
INSERT INTO post VALUES (10);
SET ROLE send_half;
SELECT verb FROM actstream.act_send('user:1', 'sent by columns');
RESET ROLE;
GRANT INSERT ON actstream.action TO send_app;
ALTER TABLE actstream.action ENABLE ROW LEVEL SECURITY;
CREATE POLICY polite ON actstream.action USING (verb <> 'hidden') WITH CHECK (verb <> 'rude');
SET ROLE send_app;
SELECT verb FROM actstream.act_send('user:1', 'polite');
SELECT verb FROM actstream.act_send('user:1', 'rude');
SELECT verb FROM actstream.act_send('user:1', 'hidden');
RESET ROLE;
-- a tracked table sends as the owner, also where he is not exempt
ALTER TABLE actstream.action FORCE ROW LEVEL SECURITY;
CREATE POLICY nothing ON actstream.action AS RESTRICTIVE USING (false);
SET ROLE send_app;
INSERT INTO post VALUES (11);
RESET ROLE;
SELECT verb, action_object FROM actstream.action WHERE action_object OPERATOR(actstream.=) 'post:11';
ALTER TABLE actstream.action NO FORCE ROW LEVEL SECURITY;
ALTER TABLE actstream.action DISABLE ROW LEVEL SECURITY;

BEGIN READ ONLY;
SELECT actstream.act_send('user:1', 'sent');
ROLLBACK;

------------------------------------------------------------------------------
-- Columns of the user's own
------------------------------------------------------------------------------

ALTER TABLE actstream.action ADD COLUMN length integer GENERATED ALWAYS AS (char_length(verb)) STORED;
CALL ways('generated column');
ALTER TABLE actstream.action DROP COLUMN length;
CALL ways('column dropped');
ALTER TABLE actstream.action ADD COLUMN note text NOT NULL DEFAULT 'none';
CALL ways('column with a default');

SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
DROP SCHEMA send CASCADE;
DROP OWNED BY send_app, send_half;
DROP ROLE send_app, send_half;
