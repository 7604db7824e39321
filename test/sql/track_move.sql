-- Rows of tracked tables that move between partitions: one change of one row.
\i test/lib/fresh.sql
SET jit = off;
CREATE SCHEMA trm;
SET search_path = trm;
SELECT label FROM actstream.register_external('u');
-- what was sent since the last time
CREATE FUNCTION sent(OUT verb text, OUT action_object actstream.ref, OUT description text, OUT data jsonb) RETURNS SETOF record LANGUAGE sql AS $$
    WITH gone AS (DELETE FROM actstream.actions a RETURNING a.*)
    SELECT g.verb, g.action_object, g.description, g.data FROM gone g ORDER BY g.id
$$;
-- partitions of two levels, with columns in another order
CREATE TABLE item (id int PRIMARY KEY, n int, t text) PARTITION BY RANGE (id);
CREATE TABLE item_1 PARTITION OF item FOR VALUES FROM (1) TO (10);
CREATE TABLE item_2 (t text, gone int, n int, id int NOT NULL) PARTITION BY RANGE (id);
ALTER TABLE item_2 DROP COLUMN gone;
CREATE TABLE item_21 (gone int, id int NOT NULL, t text, n int);
ALTER TABLE item_21 DROP COLUMN gone;
ALTER TABLE item_2 ATTACH PARTITION item_21 FOR VALUES FROM (10) TO (20);
CREATE TABLE item_22 PARTITION OF item_2 FOR VALUES FROM (20) TO (30);
ALTER TABLE item ATTACH PARTITION item_2 FOR VALUES FROM (10) TO (30);
SELECT label FROM actstream.register('item');

------------------------------------------------------------------------------
-- Events
------------------------------------------------------------------------------

SELECT actstream.track('item', 'created', 'u:1', events => '{insert}');
SELECT actstream.track('item', 'removed', 'u:1', events => '{delete}', data_columns => '{id}');
SELECT actstream.track('item', 'changed', 'u:1', events => '{update}', description => '{n}{t}', data_columns => '{id,t}');
SELECT actstream.track('item', 'happened', 'u:1', events => '{insert,update,delete}', data_columns => '{id}');
SELECT actstream.track('item', 'changed n', 'u:1', events => '{insert,update}', columns => '{n}', data_columns => '{n}');
SELECT tgname, tgfoid::regproc FROM pg_trigger WHERE tgrelid = 'item_21'::regclass AND tgname LIKE 'actstream_track%' OR tgfoid = 'actstream_internal.row_moved'::regproc ORDER BY tgname, tgrelid::regclass::text;
INSERT INTO item VALUES (1, 1, 'one'), (2, 2, 'two');
SELECT * FROM sent();
UPDATE item SET n = n + 1 WHERE id = 1;
SELECT * FROM sent();
UPDATE item SET id = 11 WHERE id = 1;
SELECT * FROM sent();
UPDATE item SET id = id + 10, n = n + 10;
SELECT * FROM sent();
-- of a partition, within it; and of one alone, a delete and an insert
UPDATE item_2 SET id = 13 WHERE id = 21;
SELECT * FROM sent();
DELETE FROM item;
SELECT verb, data FROM sent();
SELECT * FROM actstream.integrity_check();
SELECT actstream.untrack('item');
SELECT tgname FROM pg_trigger WHERE tgfoid IN ('actstream_internal.row_moved'::regproc, 'actstream_internal.row_changed'::regproc);

------------------------------------------------------------------------------
-- Conditions
------------------------------------------------------------------------------

SELECT actstream.track('item', 'grew', 'u:1', events => '{update}', condition => 'NEW.n > OLD.n AND NEW.t IS NOT DISTINCT FROM OLD.t', data_columns => '{n}');
SELECT actstream.track('item', 'large', 'u:1', events => '{insert,update}', condition => 'NEW.n > 10', data_columns => '{n}');
SELECT actstream.track('item', 'was large', 'u:1', events => '{update,delete}', condition => 'OLD.n > 10', data_columns => '{n}');
INSERT INTO item VALUES (1, 1, 'a'), (2, 2, 'a'), (3, 30, 'a');
SELECT verb, action_object, data FROM sent();
UPDATE item SET id = 11, n = 2 WHERE id = 1;
UPDATE item SET id = 12, n = 3, t = 'b' WHERE id = 2;
UPDATE item SET id = 13, n = 20 WHERE id = 3;
UPDATE item SET id = 14, n = 5 WHERE id = 13;
UPDATE item SET id = 1, n = 4 WHERE id = 14;
SELECT verb, action_object, data FROM sent();
SELECT trigger_name, events, condition FROM actstream.tracked();
SELECT actstream.untrack('item');
DELETE FROM item;

------------------------------------------------------------------------------
-- Triggers of the user's on the way
------------------------------------------------------------------------------

SELECT actstream.track('item', 'happened', 'u:1', events => '{insert,update,delete}', data_columns => '{id,t}');
SELECT actstream.track('item', 'changed', 'u:1', events => '{update}', data_columns => '{id,t}');
CREATE FUNCTION on_the_way() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.t = 'vanish' THEN RETURN NULL; END IF;
    NEW.t := NEW.t || '!';
    RETURN NEW;
END
$$;
CREATE TRIGGER on_the_way BEFORE INSERT ON item FOR EACH ROW EXECUTE FUNCTION on_the_way();
INSERT INTO item VALUES (1, 1, 'a'), (2, 1, 'b'), (3, 1, 'c');
SELECT verb, action_object, data FROM sent();
UPDATE item SET id = id + 10;
SELECT verb, action_object, data FROM sent();
DROP TRIGGER on_the_way ON item;
DELETE FROM item;
-- one that does not arrive is gone, and takes no other's place
CREATE TABLE flow (id int, t text) PARTITION BY RANGE (id);
CREATE TABLE flow_1 PARTITION OF flow FOR VALUES FROM (1) TO (10);
CREATE TABLE flow_2 PARTITION OF flow FOR VALUES FROM (10) TO (20);
SELECT actstream.track('flow', 'flowed', 'u:1', NULL, events => '{insert,update,delete}', data_columns => '{id,t}');
CREATE TRIGGER on_the_way BEFORE INSERT ON flow FOR EACH ROW EXECUTE FUNCTION on_the_way();
INSERT INTO flow VALUES (1, 'a'), (2, 'b'), (3, 'c');
SELECT count(*) FROM sent();
UPDATE flow SET t = 'vanish', id = 11 WHERE id = 1;
INSERT INTO flow VALUES (12, 'd');
UPDATE flow SET t = CASE id WHEN 2 THEN 'vanish' ELSE t END, id = id % 10 + 10;
INSERT INTO flow VALUES (1, 'e');
SELECT verb, data FROM sent();
TABLE flow ORDER BY id;
DROP TABLE flow;
-- writes in between, of the same table, moves among them
CREATE FUNCTION in_between() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() > 1 THEN RETURN NULL; END IF;
    INSERT INTO item VALUES (9, 0, tg_op);
    UPDATE item SET id = 29 WHERE id = 9;
    DELETE FROM item WHERE id = 29;
    RETURN NULL;
END
$$;
INSERT INTO item VALUES (21, 1, 'moves');
SELECT count(*) FROM sent();
CREATE TRIGGER a_first AFTER INSERT OR DELETE ON item FOR EACH ROW EXECUTE FUNCTION in_between();
UPDATE item SET id = 11 WHERE id = 21;
SELECT verb, action_object, data FROM sent();
ALTER TRIGGER a_first ON item RENAME TO z_last;
UPDATE item SET id = 2 WHERE id = 11;
SELECT verb, action_object, data FROM sent();
DROP TRIGGER z_last ON item;
-- a subtransaction that fails
BEGIN;
SAVEPOINT s;
UPDATE item SET id = 12 WHERE id = 2;
ROLLBACK TO s;
INSERT INTO item VALUES (13, 1, 'inserted');
UPDATE item SET id = 22 WHERE id = 2;
COMMIT;
SELECT verb, action_object, data FROM sent();

------------------------------------------------------------------------------
-- Other ways of writing
------------------------------------------------------------------------------

TABLE item ORDER BY id;
MERGE INTO item i USING (VALUES (22, 4), (13, 23), (5, 5), (15, 15)) v (id, new) ON i.id = v.id
    WHEN MATCHED THEN UPDATE SET id = v.new
    WHEN NOT MATCHED THEN INSERT (id, t) VALUES (v.id, 'merged');
SELECT verb, action_object, data FROM sent();
INSERT INTO item VALUES (4, 0, 'upserted') ON CONFLICT (id) DO UPDATE SET t = excluded.t;
SELECT verb, action_object, data FROM sent();
WITH moved AS (UPDATE item SET id = id + 10 WHERE id < 10 RETURNING id), added AS (INSERT INTO item VALUES (3, 1, 'with') RETURNING id)
SELECT count(*) FROM moved, added;
SELECT verb, action_object, data FROM sent();
-- a foreign key that follows
CREATE TABLE child (item int REFERENCES item ON UPDATE CASCADE, id int) PARTITION BY LIST (item);
CREATE TABLE child_1 PARTITION OF child FOR VALUES IN (1, 2, 3);
CREATE TABLE child_2 PARTITION OF child DEFAULT;
SELECT actstream.track('child', 'followed', 'u:1', NULL, events => '{insert,update,delete}', data_columns => '{item}');
INSERT INTO child VALUES (3, 1);
UPDATE item SET id = 7 WHERE id = 3;
SELECT verb, action_object, data FROM sent();
DROP TABLE child;
-- the same by a session that is a replica's
SET session_replication_role = replica;
UPDATE item SET id = 17 WHERE id = 7;
SELECT verb, action_object, data FROM sent();
RESET session_replication_role;
SELECT actstream.untrack('item');

------------------------------------------------------------------------------
-- Partitions that are tracked by themselves
------------------------------------------------------------------------------

DELETE FROM item;
SELECT actstream.track('item_1', 'happened in 1', 'u:1', events => '{insert,update,delete}');
SELECT actstream.track('item_2', 'happened in 2', 'u:1', events => '{insert,update,delete}');
SELECT actstream.track('item', 'happened', 'u:1', events => '{insert,update,delete}');
INSERT INTO item VALUES (1), (11);
SELECT verb, action_object FROM sent() ORDER BY 1, 2;
UPDATE item SET id = 12 WHERE id = 1;
SELECT verb, action_object FROM sent() ORDER BY 1, 2;
UPDATE item SET id = 22 WHERE id = 12;
SELECT verb, action_object FROM sent() ORDER BY 1, 2;
UPDATE item SET id = 2 WHERE id = 22;
SELECT verb, action_object FROM sent() ORDER BY 1, 2;
SELECT actstream.untrack('item'), actstream.untrack('item_2'), actstream.untrack('item_1');
-- where the old row was, whatever the order of its columns
SELECT actstream.track('item', 'left', 'u:1', events => '{update}', condition => $$OLD.tableoid IN ('item_21'::regclass, 'item_1'::regclass) AND NEW.tableoid = 'item_22'::regclass$$);
UPDATE item SET id = 22 WHERE id = 2;
UPDATE item SET id = 12 WHERE id = 22;
UPDATE item SET id = 22 WHERE id = 12;
SELECT verb, action_object FROM sent();
UPDATE item SET id = 2 WHERE id = 22;
SELECT actstream.untrack('item');
-- detached, attached, and a trigger that is missing
SELECT actstream.track('item', 'happened', 'u:1', events => '{update}');
ALTER TABLE item DETACH PARTITION item_1;
SELECT tgname FROM pg_trigger WHERE tgrelid = 'item_1'::regclass AND tgname LIKE 'actstream_track%' OR tgrelid = 'item_1'::regclass AND tgname = 'actstream_move';
ALTER TABLE item ATTACH PARTITION item_1 FOR VALUES FROM (1) TO (10);
DELETE FROM item;
INSERT INTO item VALUES (1);
UPDATE item SET id = 11;
SELECT verb, action_object FROM sent();
ALTER TABLE item_1 DISABLE TRIGGER actstream_move;
SELECT relation, trigger_name, problem FROM actstream.tracked() ORDER BY trigger_name;
ALTER TABLE item_1 ENABLE TRIGGER actstream_move;
DROP TRIGGER actstream_move ON item;
SELECT relation, trigger_name, problem FROM actstream.tracked();
SELECT problem, relation, detail FROM actstream.integrity_check();

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA trm CASCADE;
DO 'BEGIN PERFORM actstream.drop_tables(); END';
DROP EXTENSION actstream;
