-- The row that a reference names is found, whatever key its table has: by the
-- index of its primary key, or by a query.
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS found CASCADE;
DROP ROLE IF EXISTS found_owner;
RESET client_min_messages;
\set VERBOSITY terse
CREATE SCHEMA found;
SET search_path = found;
SELECT label FROM actstream.register_external('user');

-- refer: what comes of a reference
CREATE FUNCTION refer(object text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM actstream.act_send('user:1', 'saw', object::actstream.ref);
    RETURN 'found';
EXCEPTION WHEN OTHERS THEN
    RETURN concat_ws(' ', sqlstate, sqlerrm);
END
$$;

-- each type that a key can have, alone, and with domains
CREATE DOMAIN positive AS bigint CHECK (VALUE > 0);
CREATE DOMAIN slug AS varchar(20);
CREATE TABLE by_int2 (id int2 PRIMARY KEY);
CREATE TABLE by_int4 (id int4 PRIMARY KEY);
CREATE TABLE by_int8 (id int8 PRIMARY KEY);
CREATE TABLE by_uuid (id uuid PRIMARY KEY);
CREATE TABLE by_text (id text PRIMARY KEY);
CREATE TABLE by_text_c (id text COLLATE "C" PRIMARY KEY);
CREATE TABLE by_varchar (id varchar(10) PRIMARY KEY);
CREATE TABLE by_name (id name PRIMARY KEY);
CREATE TABLE by_positive (id positive PRIMARY KEY);
CREATE TABLE by_slug (id slug PRIMARY KEY);
-- keys of several columns, also in another order than the table's, and of wider indexes
CREATE TABLE by_two (x text, a int, b text, PRIMARY KEY (b, a));
CREATE TABLE by_two_turned (x text, a int, b text, PRIMARY KEY (b, a));
CREATE TABLE by_more (a int, b text, c int, PRIMARY KEY (a) INCLUDE (b, c));
-- keys that are not the primary one, or put off, or of partitions
CREATE TABLE by_other (id int PRIMARY KEY, code text NOT NULL UNIQUE);
CREATE TABLE by_unique (code text NOT NULL UNIQUE);
CREATE TABLE by_late (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, code int NOT NULL UNIQUE);
CREATE TABLE by_part (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE by_part_low PARTITION OF by_part FOR VALUES FROM (0) TO (100);
CREATE TABLE by_part_high PARTITION OF by_part FOR VALUES FROM (100) TO (1000);
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child () INHERITS (parent);

SELECT label, key_columns FROM (VALUES
    ('by_int2', NULL), ('by_int4', NULL), ('by_int8', NULL), ('by_uuid', NULL), ('by_text', NULL), ('by_text_c', NULL),
    ('by_varchar', NULL), ('by_name', NULL), ('by_positive', NULL), ('by_slug', NULL), ('by_two', NULL),
    ('by_two_turned', '{a,b}'), ('by_more', NULL), ('by_other', '{code}'), ('by_unique', '{code}'), ('by_late', '{code}'),
    ('by_part', NULL), ('parent', NULL)) AS t (name, keys),
    LATERAL actstream.register(name::regclass, key_columns => keys::name[]) AS r;

INSERT INTO by_int2 VALUES (-7), (32767);
INSERT INTO by_int4 VALUES (0), (2147483647);
INSERT INTO by_int8 VALUES (1), (-9223372036854775808);
INSERT INTO by_uuid VALUES ('6f1c3a52-0c39-4f9e-8d6c-2b1f0a7c9e11');
INSERT INTO by_text VALUES (''), ('a'), ('a,b'), ('ä'), (repeat('x', 300));
INSERT INTO by_text_c TABLE by_text;
INSERT INTO by_varchar VALUES ('a'), ('a ');
INSERT INTO by_name VALUES ('a'), (repeat('n', 63));
INSERT INTO by_positive VALUES (5);
INSERT INTO by_slug VALUES ('slug');
INSERT INTO by_two VALUES ('x', 1, 'one'), ('x', 2, 'one');
INSERT INTO by_two_turned TABLE by_two;
INSERT INTO by_more VALUES (1, 'b', 2);
INSERT INTO by_other VALUES (1, 'one');
INSERT INTO by_unique VALUES ('one');
INSERT INTO by_late VALUES (1, 1);
INSERT INTO by_part VALUES (1), (500);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (2);

SELECT left(object, 30) AS object, left(refer(object), 70) AS refer FROM unnest(ARRAY[
    'by_int2:-7', 'by_int2:32767', 'by_int2:32768', 'by_int2:7', 'by_int2:07', 'by_int2:x',
    'by_int4:0', 'by_int4:2147483647', 'by_int4:2147483648', 'by_int4:1',
    'by_int8:1', 'by_int8:-9223372036854775808', 'by_int8:9223372036854775808',
    'by_uuid:6f1c3a52-0c39-4f9e-8d6c-2b1f0a7c9e11', 'by_uuid:6f1c3a52-0c39-4f9e-8d6c-2b1f0a7c9e12', 'by_uuid:x',
    'by_text:a', 'by_text:A', 'by_text:a,b', 'by_text:ä', 'by_text:b', 'by_text:' || repeat('x', 300),
    'by_text_c:a', 'by_text_c:A', 'by_text_c:ä', 'by_text_c:a ',
    'by_varchar:a', 'by_varchar:a ', 'by_varchar:a  ', 'by_varchar:much longer than ten',
    'by_name:a', 'by_name:' || repeat('n', 63), 'by_name:' || repeat('n', 64),
    'by_positive:5', 'by_positive:-5', 'by_slug:slug', 'by_slug:slog',
    'by_two:one,1', 'by_two:one,2', 'by_two:1,one', 'by_two:two,1', 'by_two:one', 'by_two:one,1,1',
    'by_two_turned:1,one', 'by_two_turned:2,one', 'by_two_turned:one,1', 'by_two_turned:3,one',
    'by_more:1', 'by_more:2', 'by_other:one', 'by_other:1', 'by_unique:one', 'by_unique:two', 'by_late:1', 'by_late:2',
    'by_part:1', 'by_part:500', 'by_part:2', 'parent:1', 'parent:2']) AS object;

-- rows of this transaction, of this command, and gone ones
BEGIN;
INSERT INTO by_int4 VALUES (10);
SELECT refer('by_int4:10');
DELETE FROM actstream.actions;
DELETE FROM by_int4 WHERE id = 10;
SELECT refer('by_int4:10');
UPDATE by_int4 SET id = 11 WHERE id = 0;
SELECT refer('by_int4:0'), refer('by_int4:11');
WITH new AS (INSERT INTO by_int4 VALUES (12) RETURNING id) SELECT refer('by_int4:12') FROM new;
ROLLBACK;
SELECT refer('by_int4:0'), refer('by_int4:11');

-- many dead versions of a row
DO $$
BEGIN
    FOR i IN 1 .. 300 LOOP
        UPDATE by_two SET x = repeat(i::text, 100) WHERE a = 1;
    END LOOP;
END
$$;
SELECT refer('by_two:one,1');

-- the row is locked, which its version tells; how, and against what, see the specs
BEGIN;
SELECT verb FROM actstream.act_send('user:1', 'saw', 'by_int8:1', 'by_two_turned:1,one');
SELECT verb FROM actstream.act_send('user:1', 'saw', 'by_other:one');
SELECT pg_current_xact_id()::text = ALL (SELECT xmax::text FROM by_int8 WHERE id = 1
                                         UNION ALL SELECT xmax::text FROM by_two_turned WHERE a = 1
                                         UNION ALL SELECT xmax::text FROM by_other) AS locked;
COMMIT;

-- an index that is not good for every snapshot, as the rows have had other keys
CREATE TABLE by_young (id int NOT NULL, v int) WITH (fillfactor = 50);
INSERT INTO by_young VALUES (1, 1);
BEGIN;
UPDATE by_young SET id = 2;
ALTER TABLE by_young ADD PRIMARY KEY (id);
SELECT indcheckxmin FROM pg_index WHERE indrelid = 'by_young'::regclass;
SELECT label FROM actstream.register('by_young');
SELECT refer('by_young:1'), refer('by_young:2');
COMMIT;
SELECT refer('by_young:1'), refer('by_young:2');

-- the key that was registered is no longer the primary one
CREATE TABLE by_former (id int PRIMARY KEY, code int NOT NULL UNIQUE);
INSERT INTO by_former VALUES (1, 2);
SELECT label FROM actstream.register('by_former');
ALTER TABLE by_former ADD UNIQUE (id);
ALTER TABLE by_former DROP CONSTRAINT by_former_pkey;
ALTER TABLE by_former ADD PRIMARY KEY (code);
SELECT refer('by_former:1'), refer('by_former:2');

-- an owner without rights, as for a foreign key
CREATE ROLE found_owner;
GRANT USAGE, CREATE ON SCHEMA found TO found_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.object_types TO found_owner;
GRANT USAGE ON SCHEMA actstream TO found_owner;
SET ROLE found_owner;
CREATE TABLE owned (id int PRIMARY KEY);
INSERT INTO owned VALUES (1);
SELECT label FROM actstream.register('owned');
RESET ROLE;
SELECT refer('owned:1'), refer('owned:2');
REVOKE UPDATE ON owned FROM found_owner;
SELECT refer('owned:1'), refer('owned:2');
GRANT UPDATE ON owned TO found_owner;
REVOKE SELECT ON owned FROM found_owner;
SELECT refer('owned:1'), refer('owned:2');
GRANT SELECT ON owned TO found_owner;
REVOKE USAGE, CREATE ON SCHEMA found FROM found_owner;
SELECT refer('owned:1'), refer('owned:2');
-- what cannot be prepared leaves no memory
SELECT used_bytes AS before FROM pg_backend_memory_contexts WHERE name = 'TopMemoryContext' \gset
DO $$
BEGIN
    FOR i IN 1 .. 200 LOOP
        PERFORM refer('owned:1');
    END LOOP;
END
$$;
SELECT used_bytes - :before < 8192 AS kept FROM pg_backend_memory_contexts WHERE name = 'TopMemoryContext';
GRANT USAGE ON SCHEMA found TO found_owner;
ALTER TABLE owned ENABLE ROW LEVEL SECURITY;
ALTER TABLE owned FORCE ROW LEVEL SECURITY;
SELECT refer('owned:1'), refer('owned:2');

SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
DROP SCHEMA found CASCADE;
DROP OWNED BY found_owner;
DROP ROLE found_owner;
