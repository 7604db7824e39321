-- References to rows of partitioned tables: what goes, and what stays.
\i test/lib/fresh.sql
\set VERBOSITY terse
SET client_min_messages = warning;
SET search_path = public, actstream;
SELECT label FROM actstream.register_external('site');
CREATE VIEW refs AS
    SELECT actor, verb, target FROM actstream.actions ORDER BY id;
CREATE VIEW broken AS SELECT * FROM actstream.integrity_check();

------------------------------------------------------------------------------
-- Keys that shift in one statement
------------------------------------------------------------------------------

CREATE TABLE pt (id int PRIMARY KEY, v text) PARTITION BY LIST (id);
DO $$
BEGIN
    FOR i IN 0..9 LOOP
        EXECUTE format('CREATE TABLE pt%s PARTITION OF pt FOR VALUES IN (%s, %s)', i, i, i + 100);
    END LOOP;
END
$$;
SELECT label FROM actstream.register('pt');
INSERT INTO pt SELECT i, 'row ' || i FROM generate_series(2, 5) i;
INSERT INTO actstream.actions (actor, verb) SELECT actstream.ref_of(pt), v FROM pt ORDER BY id;
UPDATE pt SET id = id - 1;
SELECT actor, verb FROM refs;
UPDATE pt SET id = id - 1;
SELECT actor, verb FROM refs;
-- within one partition and across others, in whatever order the rows lie
UPDATE pt SET id = CASE WHEN id = 0 THEN 100 ELSE id - 1 END;
SELECT p.id, a.actor, a.verb FROM pt p JOIN actstream.actions a ON a.actor = actstream.ref_of(p) AND a.verb = p.v ORDER BY id;
SELECT count(*) FROM actstream.actions;
-- a statement that is rolled back, and one after it
BEGIN;
SAVEPOINT s;
UPDATE pt SET id = id + 3 WHERE id = 2;
ROLLBACK TO s;
UPDATE pt SET id = id + 4 WHERE id = 2;
COMMIT;
SELECT p.id, a.actor, a.verb FROM pt p LEFT JOIN actstream.actions a ON a.actor = actstream.ref_of(p) AND a.verb = p.v ORDER BY id;
-- a user's trigger that moves the row once more before ours fires for the first move
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE pt SET id = 9 WHERE id = 8;
    RETURN NULL;
END
$$;
CREATE TRIGGER a_again AFTER INSERT OR UPDATE ON pt FOR EACH ROW EXECUTE FUNCTION again();
UPDATE pt SET id = 8 WHERE id = 6;
SELECT p.id, a.actor, a.verb FROM pt p LEFT JOIN actstream.actions a ON a.actor = actstream.ref_of(p) AND a.verb = p.v ORDER BY id;
DROP TRIGGER a_again ON pt;
SELECT * FROM broken;
DELETE FROM pt;
SELECT * FROM refs;

------------------------------------------------------------------------------
-- A partition that goes takes along what refers to its rows, and nothing else
------------------------------------------------------------------------------

CREATE TABLE u_a (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE u_a1 PARTITION OF u_a FOR VALUES FROM (0) TO (10);
CREATE TABLE u_a2 PARTITION OF u_a FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
CREATE TABLE u_a21 PARTITION OF u_a2 FOR VALUES FROM (10) TO (15);
CREATE TABLE u_a22 PARTITION OF u_a2 FOR VALUES FROM (15) TO (20);
CREATE TABLE u_b (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE u_b1 PARTITION OF u_b FOR VALUES FROM (0) TO (10);
SELECT label FROM actstream.register('u_a', 'ua');
SELECT label FROM actstream.register('u_b', 'ub', checked => false);
INSERT INTO u_a VALUES (1), (11), (16);
INSERT INTO u_b VALUES (1);
CREATE PROCEDURE send_all() LANGUAGE sql AS $$
    DELETE FROM actstream.actions;
    INSERT INTO actstream.actions (actor, verb)
        SELECT r::actstream.ref, 'sent' FROM unnest('{ua:1,ua:11,ua:16,ub:1,ub:5,ub:500}'::text[]) r;
$$;
CALL send_all();
-- of a type that is not checked, rows are sent ahead of
DROP TABLE u_a1;
SELECT actor FROM refs;
CREATE TABLE u_a1 PARTITION OF u_a FOR VALUES FROM (0) TO (10);
INSERT INTO u_a1 VALUES (1);
CALL send_all();
DROP TABLE u_b1;
SELECT actor FROM refs;
CREATE TABLE u_b1 PARTITION OF u_b FOR VALUES FROM (0) TO (10);
INSERT INTO u_b1 VALUES (1);
CALL send_all();
ALTER TABLE u_b DETACH PARTITION u_b1;
SELECT actor FROM refs;
ALTER TABLE u_b ATTACH PARTITION u_b1 FOR VALUES FROM (0) TO (10);
CALL send_all();
TRUNCATE u_b1;
SELECT actor FROM refs;
INSERT INTO u_b VALUES (1);
CALL send_all();
TRUNCATE u_b;
SELECT actor FROM refs;
INSERT INTO u_b VALUES (1);
CALL send_all();
-- a partition with partitions
ALTER TABLE u_a DETACH PARTITION u_a2;
SELECT actor FROM refs;
ALTER TABLE u_a ATTACH PARTITION u_a2 FOR VALUES FROM (10) TO (20);
CALL send_all();
TRUNCATE u_a2;
SELECT actor FROM refs;
INSERT INTO u_a VALUES (11), (16);
CALL send_all();
DROP TABLE u_a2;
SELECT actor FROM refs;
-- all at once, and more than one
TRUNCATE u_a, u_b;
SELECT actor FROM refs;
INSERT INTO u_a VALUES (1);
INSERT INTO u_b VALUES (1);
INSERT INTO actstream.actions (actor, verb) VALUES ('ua:1', 'sent');
-- a TRUNCATE that fails half-way says nothing of the next
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
CREATE TRIGGER zz_refuse BEFORE TRUNCATE ON u_a EXECUTE FUNCTION refuse();
BEGIN;
SAVEPOINT s;
TRUNCATE u_a;
ROLLBACK TO s;
TRUNCATE u_a1;
COMMIT;
SELECT actor FROM refs;
DROP TRIGGER zz_refuse ON u_a;
-- rows that a user's trigger has stored since
INSERT INTO u_a VALUES (1), (2);
INSERT INTO actstream.actions (actor, verb) VALUES ('ua:1', 'sent'), ('ua:2', 'sent');
CREATE FUNCTION refill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO u_a VALUES (1); RETURN NULL; END $$;
CREATE TRIGGER a_refill AFTER TRUNCATE ON u_a EXECUTE FUNCTION refill();
TRUNCATE u_a;
SELECT actor FROM refs;
DROP TRIGGER a_refill ON u_a;
SELECT * FROM broken;

-- what on_delete says
INSERT INTO u_a VALUES (2), (3);
CREATE PROCEDURE send_more(label text) LANGUAGE sql AS $$
    DELETE FROM actstream.actions;
    DELETE FROM actstream.follows;
    INSERT INTO actstream.actions (actor, verb, target)
        VALUES (actstream.ref(label, 1), 'did', NULL), ('site:1', 'did to', actstream.ref(label, 2));
    INSERT INTO actstream.follows (follower, followee) VALUES ('site:1', actstream.ref(label, 3));
$$;
SELECT on_delete FROM actstream.register('u_a', on_delete => 'restrict');
CALL send_more('ua');
DROP TABLE u_a1;
TRUNCATE u_a1;
ALTER TABLE u_a DETACH PARTITION u_a1;
SELECT on_delete FROM actstream.register('u_a', on_delete => 'set null');
BEGIN;
DROP TABLE u_a1;
SELECT actor, verb, target FROM refs;
SELECT follower, followee FROM actstream.follows;
ROLLBACK;
SELECT on_delete FROM actstream.register('u_a', on_delete => 'keep');
DROP TABLE u_a1;
SELECT actor, verb, target FROM refs;
SELECT follower, followee FROM actstream.follows;
SELECT * FROM broken;
-- with the table itself, or what it depends on, none is refused
SELECT on_delete FROM actstream.register('u_a', on_delete => 'restrict');
CREATE TABLE u_a1 PARTITION OF u_a FOR VALUES FROM (0) TO (10);
INSERT INTO u_a VALUES (1), (2), (3);
CALL send_more('ua');
DROP TABLE u_a;
SELECT actor, verb, target FROM refs;
SELECT label, relation FROM actstream.object_types ORDER BY label;
DROP TABLE u_b;
CREATE SCHEMA gone;
CREATE TABLE gone.g (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE gone.g1 PARTITION OF gone.g FOR VALUES FROM (0) TO (10);
SELECT label FROM actstream.register('gone.g');
INSERT INTO gone.g VALUES (1), (2), (3);
CALL send_more('g');
DROP SCHEMA gone CASCADE;
SELECT actor, verb, target FROM refs;
SELECT label FROM actstream.object_types ORDER BY label;
-- a statement that only looks as if it dropped the table
CREATE SCHEMA other;
CREATE TABLE other.k (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE k PARTITION OF other.k FOR VALUES FROM (0) TO (10);
SELECT label FROM actstream.register('other.k');
INSERT INTO k VALUES (1), (2), (3);
CALL send_more('k');
DROP TABLE k;
SELECT actor, verb, target FROM refs;
SELECT label FROM actstream.object_types ORDER BY label;
SELECT * FROM broken;
DROP SCHEMA other CASCADE;

------------------------------------------------------------------------------
-- In proportion to what goes
------------------------------------------------------------------------------

-- Rows of ours that a statement reads or removes, however it gets at them.
CREATE TABLE big (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE big_1 PARTITION OF big FOR VALUES FROM (0) TO (100000);
CREATE TABLE big_2 PARTITION OF big FOR VALUES FROM (100000) TO (200000);
CREATE TABLE big_3 PARTITION OF big FOR VALUES FROM (200000) TO (300000);
SELECT label FROM actstream.register('big');
INSERT INTO big SELECT generate_series(1, 20000);
INSERT INTO big VALUES (100001);
INSERT INTO actstream.actions (actor, verb) SELECT actstream.ref_of(b), 'sent' FROM big b;
VACUUM ANALYZE actstream.actions;
CREATE FUNCTION touched(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    before bigint; after bigint;
    sum text := 'SELECT sum(pg_stat_get_xact_tuples_returned(i.indexrelid) + pg_stat_get_xact_blocks_fetched(i.indexrelid))
        + sum(DISTINCT pg_stat_get_xact_tuples_returned(i.indrelid) + pg_stat_get_xact_tuples_fetched(i.indrelid))
        FROM pg_index i WHERE i.indrelid IN (''actstream.actions''::regclass, ''actstream.follows''::regclass, ''big_1''::regclass)';
BEGIN
    EXECUTE sum INTO before;
    EXECUTE statement;
    EXECUTE sum INTO after;
    RETURN CASE WHEN after - before < 200 THEN 'little' ELSE 'much: ' || after - before END;
END
$$;
SELECT touched('DROP TABLE big_3');
SELECT touched('ALTER TABLE big DETACH PARTITION big_2');
SELECT count(*) FROM actstream.actions;
CREATE TABLE big_3 PARTITION OF big FOR VALUES FROM (200000) TO (300000);
INSERT INTO big VALUES (200001);
SELECT touched('TRUNCATE big_3');
SELECT touched('DROP TABLE big_3');
SELECT * FROM broken;
DROP TABLE big, big_2;

------------------------------------------------------------------------------
-- DDL of strangers, on what is not theirs and what is not there
------------------------------------------------------------------------------

CREATE ROLE part_stranger;
CREATE TABLE v_users (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE v_users_1 PARTITION OF v_users FOR VALUES FROM (0) TO (10);
CREATE TABLE v_plain (id int PRIMARY KEY);
SELECT label FROM actstream.register('v_users');
INSERT INTO v_users VALUES (1);
SELECT verb FROM actstream.act_send('v_users:1', 'sent');
GRANT CREATE ON SCHEMA public TO part_stranger;
SET ROLE part_stranger;
BEGIN;
\set VERBOSITY default
SET client_min_messages = notice;
ALTER TABLE IF EXISTS no_such DETACH PARTITION public.v_users_1;
ALTER TABLE IF EXISTS no_such ATTACH PARTITION public.v_plain DEFAULT;
ALTER TABLE IF EXISTS no_such OWNER TO part_stranger;
DROP TABLE IF EXISTS no_such;
SET client_min_messages = warning;
\set VERBOSITY terse
-- a table of the stranger's own, called like another's, with triggers called like ours
CREATE TABLE mine (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE mine_1 PARTITION OF mine FOR VALUES FROM (0) TO (10);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER actstream_object AFTER DELETE ON mine FOR EACH ROW EXECUTE FUNCTION nothing();
DROP TABLE mine_1;
DROP TABLE mine;
SELECT relation::regclass, mode FROM pg_locks
WHERE pid = pg_backend_pid() AND relation IN ('v_users'::regclass, 'v_users_1'::regclass, 'v_plain'::regclass);
COMMIT;
RESET ROLE;
SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE tgrelid IN ('v_users_1'::regclass, 'v_plain'::regclass) ORDER BY 1, 2;
SELECT actor FROM refs WHERE actor = 'v_users:1';
SELECT * FROM broken;
DROP TABLE v_users, v_plain;
-- partitions that change hands
CREATE ROLE part_one;
CREATE ROLE part_two;
GRANT USAGE ON SCHEMA actstream TO part_one;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.object_types TO part_one;
GRANT CREATE ON SCHEMA public TO part_one, part_two;
SET ROLE part_one;
CREATE TABLE handed (id int PRIMARY KEY) PARTITION BY RANGE (id);
SELECT label FROM actstream.register('handed');
RESET ROLE;
ALTER TABLE handed OWNER TO part_two;
SET ROLE part_two;
CREATE TABLE handed_1 PARTITION OF handed FOR VALUES FROM (0) TO (10);
CREATE TABLE handed_2 (id int PRIMARY KEY);
ALTER TABLE handed ATTACH PARTITION handed_2 FOR VALUES FROM (10) TO (20);
RESET ROLE;
SELECT * FROM broken;
DROP TABLE handed;
-- a registered table becomes a partition
CREATE TABLE message (id int PRIMARY KEY, author text DEFAULT 'web:1');
INSERT INTO message VALUES (1);
SELECT label FROM actstream.register('message');
SELECT label FROM actstream.register_external('web');
SELECT actstream.track('message', 'wrote', 'web:1');
BEGIN;
ALTER TABLE message RENAME TO message_1;
CREATE TABLE message (id int PRIMARY KEY, author text DEFAULT 'web:1') PARTITION BY RANGE (id);
ALTER TABLE message ATTACH PARTITION message_1 FOR VALUES FROM (0) TO (10);
SELECT label, relation FROM actstream.rebind('message', 'message');
SELECT actstream.untrack('message_1');
SELECT actstream.track('message', 'wrote', 'web:1');
CREATE TABLE message_2 PARTITION OF message FOR VALUES FROM (10) TO (20);
COMMIT;
INSERT INTO message VALUES (2), (12);
UPDATE message SET id = 11 WHERE id = 2;
SELECT actor, verb, action_object FROM actstream.actions WHERE actor = 'web:1' ORDER BY id;
DROP TABLE message;
-- nothing is left behind that would keep a role
DROP OWNED BY part_one, part_two, part_stranger;
DROP ROLE part_one, part_two, part_stranger;

DROP VIEW refs, broken;
DROP PROCEDURE send_all, send_more(text);
DROP FUNCTION touched(text), again(), refuse(), refill();
DROP TABLE pt;
RESET search_path;
DROP EXTENSION actstream CASCADE;
