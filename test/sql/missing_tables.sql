--
-- Tables of the extension that are missing, or that refuse: references are removed from what
-- is there, what is not done is told, and nobody's DROP TABLE fails
--
SET client_min_messages = warning;
CREATE EXTENSION actstream;
CREATE ROLE missing_own;
CREATE ROLE missing_app;
GRANT USAGE, CREATE ON SCHEMA actstream TO missing_own;
GRANT USAGE ON SCHEMA actstream TO missing_app;
CREATE SCHEMA away AUTHORIZATION missing_own;
CREATE SCHEMA missing AUTHORIZATION missing_app;
SET ROLE missing_own;
DO 'BEGIN PERFORM actstream.create_tables(); END';
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.object_types, actstream.follows, actstream.mutes, actstream.actions TO missing_app;
RESET ROLE;
CREATE FUNCTION references_to(label text) RETURNS TABLE (actions bigint, follows bigint) LANGUAGE plpgsql AS $$
BEGIN
    SELECT count(*) INTO actions FROM actstream.actions WHERE actor::text LIKE label || ':%';
    SELECT count(*) INTO follows FROM actstream.follows WHERE follower::text LIKE label || ':%';
    RETURN NEXT;
END
$$;
-- makes a table again, registered and referred to
CREATE PROCEDURE make(name text, partitioned boolean = false, on_delete text = 'cascade') LANGUAGE plpgsql AS $$
BEGIN
    SET LOCAL ROLE missing_app;
    EXECUTE format('CREATE TABLE missing.%I (id int PRIMARY KEY) %s', name, CASE WHEN partitioned THEN 'PARTITION BY LIST (id)' END);
    IF partitioned THEN
        EXECUTE format('CREATE TABLE missing.%I PARTITION OF missing.%I FOR VALUES IN (1)', name || '_1', name);
        EXECUTE format('CREATE TABLE missing.%I PARTITION OF missing.%I FOR VALUES IN (2)', name || '_2', name);
    END IF;
    EXECUTE format('INSERT INTO missing.%I VALUES (1), (2)', name);
    PERFORM actstream.register('missing.' || name, on_delete => on_delete);
    INSERT INTO actstream.actions (actor, verb) VALUES ((name || ':1')::actstream.ref, 'was'), ((name || ':2')::actstream.ref, 'was');
    INSERT INTO actstream.follows (follower, followee) VALUES ((name || ':1')::actstream.ref, (name || ':2')::actstream.ref);
    RESET ROLE;
END
$$;

------------------------------------------------------------------------------
-- Missing
------------------------------------------------------------------------------
CALL make('page');
SELECT actstream.track('missing.page', 'changed', '{self}', events => '{insert,update,delete}');
-- phrases do not matter
BEGIN;
DROP TABLE actstream.phrases;
DELETE FROM missing.page WHERE id = 1;
SELECT * FROM references_to('page');
INSERT INTO missing.page VALUES (3);
SELECT actor, verb FROM actstream.actions ORDER BY id;
DROP TABLE missing.page;
SELECT * FROM references_to('page');
ROLLBACK;
-- what is there is swept; the rest is told once for each table
BEGIN;
ALTER TABLE actstream.actions SET SCHEMA away;
UPDATE missing.page SET id = 3 WHERE id = 1;
SELECT follower, followee FROM actstream.follows;
DELETE FROM missing.page;
SELECT count(*) FROM actstream.follows;
INSERT INTO missing.page VALUES (1), (2);
ROLLBACK;
\c -
BEGIN;
ALTER TABLE actstream.follows RENAME TO followed;
DELETE FROM missing.page WHERE id = 1;
TRUNCATE missing.page;
SELECT count(*) FROM actstream.actions WHERE verb = 'was';
ROLLBACK;
\c -
SET client_min_messages = warning;
BEGIN;
ALTER TABLE actstream.object_types RENAME TO types;
UPDATE missing.page SET id = 3 WHERE id = 1;
DELETE FROM missing.page;
INSERT INTO missing.page VALUES (1), (2);
TRUNCATE missing.page;
DROP TABLE missing.page;
SELECT * FROM references_to('page');
ROLLBACK;
\c -
SET client_min_messages = warning;
-- as soon as all are there again, all is as it was
DELETE FROM missing.page;
SELECT * FROM references_to('page');
SELECT actor, verb FROM actstream.actions ORDER BY id;
DROP TABLE missing.page;
-- a table that is only tracked
CREATE TABLE missing.tracked (id int PRIMARY KEY);
SELECT label FROM actstream.register_external('u');
SELECT actstream.track('missing.tracked', 'came', 'u:{id}', NULL);
BEGIN;
ALTER TABLE actstream.follows NOT OF;
INSERT INTO missing.tracked VALUES (1);
SELECT actor FROM actstream.actions;
ALTER TABLE actstream.object_types RENAME TO types;
INSERT INTO missing.tracked VALUES (2), (3);
DROP TABLE missing.tracked;
ROLLBACK;
DROP TABLE missing.tracked;

------------------------------------------------------------------------------
-- Refusing
------------------------------------------------------------------------------
-- what refuses a DELETE refuses no DROP
CREATE PROCEDURE refuse(ddl text) LANGUAGE plpgsql AS $$
DECLARE
    statement text;
BEGIN
    RAISE WARNING '%', ddl;
    CALL make('thing');
    CALL make('parts', true);
    FOREACH statement IN ARRAY ARRAY['DELETE FROM missing.thing', 'TRUNCATE missing.thing', 'ALTER TABLE missing.parts DETACH PARTITION missing.parts_1',
        'DROP TABLE missing.thing', 'DROP TABLE missing.parts_1', 'DROP TABLE missing.parts', 'DROP SCHEMA missing CASCADE', 'DROP OWNED BY missing_app'] LOOP
        BEGIN
            EXECUTE ddl;
            EXECUTE statement;
            RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
        EXCEPTION
            WHEN SQLSTATE 'ZZZZZ' THEN RAISE WARNING '    %: ok', statement;
            WHEN OTHERS THEN RAISE WARNING '    %: % %', statement, sqlstate, sqlerrm;
        END;
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION
    WHEN SQLSTATE 'ZZZZZ' THEN NULL;
END
$$;
CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
\set VERBOSITY terse
SET client_min_messages = warning;
CALL refuse('SELECT');
CALL refuse('ALTER TABLE actstream.actions NOT OF');
CALL refuse('ALTER TABLE actstream.actions RENAME TO old; CREATE VIEW actstream.actions AS SELECT * FROM actstream.old');
CALL refuse('CREATE TABLE away.likes (action bigint REFERENCES actstream.actions); INSERT INTO away.likes SELECT id FROM actstream.actions');
CALL refuse('CREATE TABLE away.likes (action bigint REFERENCES actstream.actions DEFERRABLE INITIALLY DEFERRED)');
CALL refuse('REVOKE ALL ON actstream.actions FROM missing_own');
CALL refuse('CREATE RULE no AS ON DELETE TO actstream.actions DO INSTEAD NOTHING');
CALL refuse('CREATE TRIGGER no BEFORE DELETE ON actstream.actions EXECUTE FUNCTION no()');
CALL refuse('REVOKE ALL ON actstream.object_types FROM missing_own');
CALL refuse('ALTER TABLE actstream.object_types NOT OF');
-- what stays behind is told, and can be removed
CALL make('thing');
CREATE TABLE away.likes (action bigint REFERENCES actstream.actions DEFERRABLE INITIALLY DEFERRED);
\set VERBOSITY default
DROP TABLE missing.thing;
\set VERBOSITY terse
SELECT * FROM references_to('thing');
SELECT problem, label, object FROM actstream.integrity_check() ORDER BY 1, 3;
SELECT actstream.unregister('thing');
DELETE FROM actstream.actions a USING actstream.integrity_check() c WHERE c.object = a.actor;
DELETE FROM actstream.follows a USING actstream.integrity_check() c WHERE c.object = a.follower;
SELECT actstream.unregister('thing');
SELECT problem, label, object FROM actstream.integrity_check() ORDER BY 1, 3;
-- "restrict" refuses what it refuses
CALL make('parts', true, 'restrict');
DROP TABLE missing.parts_1;
DROP TABLE missing.parts;
SELECT * FROM references_to('parts');

DROP TABLE away.likes;
DROP PROCEDURE refuse, make;
DROP FUNCTION references_to, no;
DROP SCHEMA missing CASCADE;
DROP SCHEMA away CASCADE;
SELECT actstream.drop_tables();
DROP EXTENSION actstream;
DROP OWNED BY missing_own, missing_app;
DROP ROLE missing_own, missing_app;
