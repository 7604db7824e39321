-- With whose rights a tracked table sends actions, and what it tells of hidden rows.
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP ROLE IF EXISTS trr_owner, trr_other, trr_clerk;
CREATE ROLE trr_owner;
CREATE ROLE trr_other;
CREATE ROLE trr_clerk;
RESET client_min_messages;
SET jit = off;
CREATE SCHEMA trr;
GRANT ALL ON SCHEMA trr TO trr_owner, trr_other;
GRANT USAGE ON SCHEMA trr TO trr_clerk;
GRANT USAGE ON SCHEMA actstream TO trr_owner, trr_other;
GRANT INSERT ON actstream.actions TO trr_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.object_types TO trr_owner, trr_other;
SELECT label FROM actstream.register_external('site');
CREATE FUNCTION trr.sent(OUT actor actstream.ref, OUT verb text, OUT action_object actstream.ref, OUT target actstream.ref) RETURNS SETOF record LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM actstream.actions a RETURNING a.*)
    SELECT g.actor, g.verb, g.action_object, g.target FROM gone g ORDER BY g.id
$$;

------------------------------------------------------------------------------
-- The owner of the table
------------------------------------------------------------------------------

SET ROLE trr_owner;
CREATE TABLE trr.doc (id int PRIMARY KEY, t text);
SELECT actstream.track('trr.doc', 'wrote', 'site:owner', 'site:{id}');
CREATE TRIGGER by_hand AFTER INSERT ON trr.doc FOR EACH ROW EXECUTE FUNCTION actstream_internal.row_changed('confessed', 'site:ceo', '', '', '', 'public', '', '', '');
GRANT INSERT ON trr.doc TO trr_clerk;
SET ROLE trr_clerk;
INSERT INTO trr.doc VALUES (1);
RESET ROLE;
SELECT * FROM trr.sent();
-- who may not insert, sends nothing; each session is warned once
REVOKE INSERT ON actstream.actions FROM trr_owner;
SET ROLE trr_clerk;
INSERT INTO trr.doc VALUES (2);
INSERT INTO trr.doc VALUES (3);
RESET ROLE;
SELECT relation, trigger_name, problem FROM actstream.tracked() ORDER BY trigger_name;
SELECT problem, relation, detail FROM actstream.integrity_check() ORDER BY detail;
GRANT INSERT (actor, verb) ON actstream.actions TO trr_owner;
INSERT INTO trr.doc VALUES (4);
GRANT INSERT ON actstream.actions TO trr_owner;
REVOKE USAGE ON SCHEMA actstream FROM trr_owner;
INSERT INTO trr.doc VALUES (5);
GRANT USAGE ON SCHEMA actstream TO trr_owner;
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON actstream.actions USING (true) WITH CHECK (true);
INSERT INTO trr.doc VALUES (6);
SELECT problem FROM actstream.tracked();
ALTER TABLE actstream.actions DISABLE ROW LEVEL SECURITY;
DROP POLICY p ON actstream.actions;
SELECT * FROM trr.sent();
INSERT INTO trr.doc VALUES (7);
SELECT * FROM trr.sent();
-- track() asks for it, also when it is a superuser who calls it
SET ROLE trr_other;
CREATE TABLE trr.theirs (id int PRIMARY KEY);
SELECT actstream.track('trr.theirs', 'wrote', 'site:other', NULL);
RESET ROLE;
SELECT actstream.track('trr.theirs', 'wrote', 'site:other', NULL);
-- by hand it can be attached, and nothing comes of it; by INSERT neither
SET ROLE trr_other;
CREATE TRIGGER forged AFTER INSERT ON trr.theirs FOR EACH ROW EXECUTE FUNCTION actstream_internal.row_changed('forged', 'site:god', '', '', '', 'public', '', '', '');
INSERT INTO trr.theirs VALUES (1);
INSERT INTO actstream.actions (actor, verb) VALUES ('site:god', 'forged');
RESET ROLE;
INSERT INTO trr.theirs VALUES (2);
SELECT * FROM trr.sent();
-- TRIGGER on the table of somebody else is not enough
GRANT ALL ON trr.doc TO trr_other;
SET ROLE trr_other;
CREATE TRIGGER forged AFTER INSERT ON trr.doc FOR EACH ROW EXECUTE FUNCTION actstream_internal.row_changed('forged', 'site:god', '', '', '', 'public', '', '', '');
CREATE OR REPLACE TRIGGER by_hand AFTER INSERT ON trr.doc FOR EACH ROW EXECUTE FUNCTION actstream_internal.row_changed('forged', 'site:god', '', '', '', 'public', '', '', '');
CREATE TRIGGER moved AFTER INSERT ON trr.doc FOR EACH ROW EXECUTE FUNCTION actstream_internal.row_moved();
RESET ROLE;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'trr.doc'::regclass ORDER BY tgname;
GRANT trr_owner TO trr_other;
SET ROLE trr_other;
CREATE TRIGGER member AFTER INSERT ON trr.doc FOR EACH ROW EXECUTE FUNCTION actstream_internal.row_changed('joined', 'site:god', '', '', '', 'public', '', '', '');
RESET ROLE;
REVOKE trr_owner FROM trr_other;
DROP TRIGGER member ON trr.doc;
-- what guards the table "actions" is asked about the owner
CREATE FUNCTION trr.in_own_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.actor::text <> 'site:' || substr(current_user, 5) THEN RAISE EXCEPTION '% is not %', NEW.actor, current_user; END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER in_own_name BEFORE INSERT ON actstream.actions FOR EACH ROW EXECUTE FUNCTION trr.in_own_name();
INSERT INTO trr.doc VALUES (8);
DROP TRIGGER in_own_name ON actstream.actions;
SELECT * FROM trr.sent();
-- a new owner
ALTER TABLE trr.doc OWNER TO trr_other;
INSERT INTO trr.doc VALUES (9);
SELECT * FROM trr.sent();
DROP TABLE trr.doc, trr.theirs;

------------------------------------------------------------------------------
-- Partitioned tables
------------------------------------------------------------------------------

SET ROLE trr_owner;
CREATE TABLE trr.part (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE trr.part_1 PARTITION OF trr.part FOR VALUES FROM (0) TO (10);
SELECT label FROM actstream.register('trr.part');
SELECT actstream.track('trr.part', 'wrote', 'site:{id}', events => '{insert,update}');
CREATE TABLE trr.part_2 PARTITION OF trr.part FOR VALUES FROM (10) TO (20);
RESET ROLE;
-- a partition of somebody else: whoever has tracked the whole table answers for it
ALTER TABLE trr.part_2 OWNER TO trr_other;
INSERT INTO trr.part VALUES (1), (11);
SELECT * FROM trr.sent();
SET ROLE trr_other;
CREATE OR REPLACE TRIGGER actstream_track AFTER INSERT OR UPDATE ON trr.part_2 FOR EACH ROW EXECUTE FUNCTION actstream_internal.row_changed('forged', 'site:god', '', '', '', 'public', '', '', '');
DROP TRIGGER actstream_track ON trr.part_2;
INSERT INTO trr.part_2 VALUES (12);
RESET ROLE;
SELECT * FROM trr.sent();
-- a new owner can add partitions, and is asked for the right to send
ALTER TABLE trr.part OWNER TO trr_other;
SET ROLE trr_other;
CREATE TABLE trr.part_3 PARTITION OF trr.part FOR VALUES FROM (20) TO (30);
INSERT INTO trr.part VALUES (21);
RESET ROLE;
SELECT * FROM trr.sent();
GRANT INSERT ON actstream.actions TO trr_other;
REASSIGN OWNED BY trr_owner TO trr_other;
INSERT INTO trr.part VALUES (22), (2);
SELECT * FROM trr.sent();
-- nothing is left of it
DROP TABLE trr.part;
REVOKE ALL ON SCHEMA trr, actstream FROM trr_owner;
REVOKE ALL ON actstream.actions, actstream.object_types FROM trr_owner;
DROP ROLE trr_owner;
CREATE ROLE trr_owner;
GRANT ALL ON SCHEMA trr TO trr_owner;
GRANT USAGE ON SCHEMA actstream TO trr_owner;
GRANT INSERT ON actstream.actions TO trr_owner;

------------------------------------------------------------------------------
-- Hidden rows
------------------------------------------------------------------------------

CREATE TABLE trr.person (id int PRIMARY KEY, seen_by name[], deleted boolean DEFAULT false);
INSERT INTO trr.person VALUES (1, '{trr_owner,trr_clerk}'), (2, '{trr_owner}'), (3, '{trr_clerk}'), (4, '{}');
SELECT label FROM actstream.register('trr.person');
ALTER TABLE trr.person ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON trr.person USING (current_user = ANY (seen_by));
GRANT SELECT, DELETE ON trr.person TO trr_owner, trr_clerk;
SET ROLE trr_owner;
CREATE TABLE trr.note (id int PRIMARY KEY, about int);
GRANT ALL ON trr.note TO trr_clerk;
SELECT actstream.track('trr.note', 'noted', 'person:{about}', NULL, events => '{insert}', trigger_name => 'as_actor');
SELECT actstream.track('trr.note', 'noted', 'site:{about}', 'person:{about}', events => '{insert}', trigger_name => 'as_object');
SELECT actstream.track('trr.note', 'noted', 'person:4', NULL, events => '{delete}');
SELECT actstream.track('trr.note', 'noted', 'person:5', NULL, events => '{delete}');
-- those that both may see; the others are as what does not exist
SET ROLE trr_clerk;
INSERT INTO trr.note VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 5);
RESET ROLE;
SELECT actor, verb, action_object FROM trr.sent() ORDER BY 1, 2, 3;
SET ROLE trr_owner;
INSERT INTO trr.note VALUES (11, 1), (12, 2), (13, 3), (14, 4), (15, 5);
RESET ROLE;
SELECT actor, verb, action_object FROM trr.sent() ORDER BY 1, 2, 3;
INSERT INTO trr.note VALUES (21, 1), (22, 2), (23, 3), (24, 4), (25, 5);
SELECT actor, verb, action_object FROM trr.sent() ORDER BY 1, 2, 3;
-- who may not read the table at all sees none of its rows
REVOKE SELECT ON trr.person FROM trr_clerk;
SET ROLE trr_clerk;
INSERT INTO trr.note VALUES (31, 1);
RESET ROLE;
SELECT actor, verb, action_object FROM trr.sent() ORDER BY 1, 2, 3;
GRANT SELECT ON trr.person TO trr_clerk;
-- the actor that was set
SET ROLE trr_owner;
SELECT actstream.untrack('trr.note'), actstream.track('trr.note', 'noted', NULL, NULL);
BEGIN;
SELECT actstream.set_actor('person:2');
INSERT INTO trr.note VALUES (41, 1);
SELECT actstream.set_actor('person:3');
INSERT INTO trr.note VALUES (42, 1);
SELECT actstream.set_actor('person:5');
INSERT INTO trr.note VALUES (43, 1);
COMMIT;
RESET ROLE;
SELECT actor FROM trr.sent();
-- policies that the owner of both tables has forced upon itself
ALTER TABLE trr.person OWNER TO trr_owner;
SET ROLE trr_owner;
SELECT actstream.untrack('trr.note'), actstream.track('trr.note', 'noted', 'person:{about}', NULL);
INSERT INTO trr.note VALUES (51, 3);
ALTER TABLE trr.person FORCE ROW LEVEL SECURITY;
INSERT INTO trr.note VALUES (52, 3), (53, 2);
RESET ROLE;
SELECT actor FROM trr.sent();
-- a policy that fails, or is not to be left out: nobody is seen
CREATE FUNCTION trr.fails(id int) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT 1 / (id - 1) > 0';
CREATE POLICY fails ON trr.person AS RESTRICTIVE USING (trr.fails(id));
SET ROLE trr_owner;
INSERT INTO trr.note VALUES (61, 1), (62, 2);
SET row_security = off;
INSERT INTO trr.note VALUES (63, 2);
RESET row_security;
RESET ROLE;
SELECT actor FROM trr.sent();
DROP POLICY fails ON trr.person;
-- what a statement deletes is kept only if it was to be seen
SELECT on_delete FROM actstream.register('trr.person', on_delete => 'keep');
SET ROLE trr_owner;
CREATE TABLE trr.letter (id int PRIMARY KEY, who int);
GRANT ALL ON trr.letter TO trr_clerk;
SELECT actstream.track('trr.letter', 'withdrew', 'person:{who}', NULL, events => '{delete}');
INSERT INTO trr.letter VALUES (1, 1), (3, 3);
RESET ROLE;
ALTER TABLE trr.letter ADD FOREIGN KEY (who) REFERENCES trr.person ON DELETE CASCADE;
SET ROLE trr_clerk;
DELETE FROM trr.person;
RESET ROLE;
SELECT id FROM trr.person ORDER BY id;
SELECT actor FROM trr.sent();

------------------------------------------------------------------------------
-- Code of types
------------------------------------------------------------------------------

-- it runs as the owner of the table, leaves nothing behind, and meets none of the writer's names
SET ROLE trr_owner;
CREATE TABLE trr.log (how text, who name);
GRANT INSERT ON trr.log TO PUBLIC;
CREATE TABLE trr.trap (x int);
CREATE FUNCTION trr.later() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO trr.log VALUES ('at commit', current_user); RETURN NULL; END$$;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON trr.trap DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION trr.later();
CREATE TYPE trr.mood AS ENUM ('sad', 'glad', 'deferred', 'role', 'path');
CREATE FUNCTION trr.to_json(m trr.mood) RETURNS json LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO trr.log VALUES ('cast of ' || (m::text), current_user);
    CASE m
    WHEN 'deferred' THEN INSERT INTO trr.trap VALUES (1);
    WHEN 'role' THEN RESET ROLE;
    ELSE NULL;
    END CASE;
    RETURN to_json(m::text);
END
$$;
CREATE CAST (trr.mood AS json) WITH FUNCTION trr.to_json(trr.mood);
CREATE TABLE trr.diary (id int PRIMARY KEY, m trr.mood);
GRANT INSERT ON trr.diary TO PUBLIC;
SELECT actstream.track('trr.diary', 'felt', 'site:{id}', NULL, data_columns => '{m}', description => '{m}');
RESET ROLE;
CREATE SCHEMA evil;
GRANT ALL ON SCHEMA evil TO PUBLIC;
SET ROLE trr_clerk;
CREATE FUNCTION evil.concat(text, text) RETURNS text LANGUAGE plpgsql AS $$BEGIN INSERT INTO trr.log VALUES ('captured', current_user); RETURN $1 || $2; END$$;
CREATE OPERATOR evil.|| (FUNCTION = evil.concat, LEFTARG = text, RIGHTARG = text);
SET search_path = evil, trr, pg_catalog;
INSERT INTO trr.diary VALUES (1, 'path'), (2, 'glad');
RESET search_path;
INSERT INTO trr.diary VALUES (3, 'role');
RESET ROLE;
INSERT INTO trr.diary VALUES (4, 'deferred');
SELECT description, data FROM actstream.actions ORDER BY id;
SELECT DISTINCT how, who FROM trr.log ORDER BY 1, 2;
-- a cast that comes later is no code of the writer's either
SET ROLE trr_owner;
CREATE TYPE trr.colour AS ENUM ('red', 'blue');
CREATE TABLE trr.paint (id int PRIMARY KEY, c trr.colour);
SELECT actstream.track('trr.paint', 'painted', 'site:{id}', NULL, data_columns => '{c}');
DELETE FROM trr.log;
RESET ROLE;
INSERT INTO trr.paint VALUES (1, 'red');
SET ROLE trr_owner;
CREATE FUNCTION trr.to_json(c trr.colour) RETURNS json LANGUAGE plpgsql AS $$BEGIN INSERT INTO trr.log VALUES ('later', current_user); RETURN '"later"'; END$$;
CREATE CAST (trr.colour AS json) WITH FUNCTION trr.to_json(trr.colour);
RESET ROLE;
INSERT INTO trr.paint VALUES (2, 'red');
SELECT data FROM actstream.actions WHERE verb = 'painted' ORDER BY id;
SELECT * FROM trr.log;

SET client_min_messages = warning;
DROP SCHEMA trr CASCADE;
DROP SCHEMA evil CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY trr_owner, trr_other, trr_clerk;
DROP ROLE trr_owner, trr_other, trr_clerk;
