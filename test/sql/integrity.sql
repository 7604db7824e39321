-- References and rows: together or not at all.
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP ROLE IF EXISTS integ_owner, integ_writer, integ_blind;
RESET client_min_messages;
SET jit = off;
CREATE SCHEMA integ;
SET search_path = integ;

-- what a statement comes to
\i test/lib/try.sql
-- all that is stored, in one order
CREATE VIEW actions AS
    SELECT verb, actor, action_object, target FROM actstream.actions ORDER BY verb COLLATE "C", actor::text COLLATE "C";
CREATE VIEW follows AS
    SELECT follower, followee, flag FROM actstream.follows
    ORDER BY follower::text COLLATE "C", followee::text COLLATE "C", flag COLLATE "C";
-- the invariant
CREATE VIEW broken AS
    SELECT problem, label, relation, object, detail FROM actstream.integrity_check()
    ORDER BY problem COLLATE "C", label COLLATE "C", object::text COLLATE "C", relation::text COLLATE "C", detail COLLATE "C";
CREATE PROCEDURE clear() LANGUAGE sql AS 'DELETE FROM actstream.actions; DELETE FROM actstream.follows';

------------------------------------------------------------------------------
-- Existence
------------------------------------------------------------------------------

CREATE DOMAIN positive AS bigint CHECK (VALUE > 0);
CREATE DOMAIN slug AS varchar(20);
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE small (id smallint PRIMARY KEY);
CREATE TABLE large (id bigint PRIMARY KEY);
CREATE TABLE uu (id uuid PRIMARY KEY);
CREATE TABLE word (id text PRIMARY KEY);
CREATE TABLE short (id varchar(10) PRIMARY KEY);
CREATE TABLE nam (id name PRIMARY KEY);
CREATE TABLE dom (id positive PRIMARY KEY);
CREATE TABLE sl (id slug PRIMARY KEY);
CREATE TABLE repo (owner text, name text, PRIMARY KEY (owner, name));
CREATE TABLE triple (a int, b uuid, c name, PRIMARY KEY (a, b, c));
CREATE TABLE loose (id int PRIMARY KEY);
INSERT INTO users VALUES (7, 'Ann'), (-7, 'Anti-Ann'), (0, 'Nil'), (2147483647, 'Max');
INSERT INTO small VALUES (-32768), (32767);
INSERT INTO large VALUES (-9223372036854775808), (9223372036854775807);
INSERT INTO uu VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
INSERT INTO word VALUES ('a'), ('a:b'), ('a,b'), ('a\b'), (' a'), ('007'), ('Ä'), (E'two\nlines'), ('''"'), (repeat('x', 1024));
INSERT INTO short VALUES ('a'), ('a ');
INSERT INTO nam VALUES ('a'), (repeat('n', 63));
INSERT INTO dom VALUES (5);
INSERT INTO sl VALUES ('x-y');
INSERT INTO repo VALUES ('ann', 'app'), ('a,b', 'c\d'), ('', 'x'), ('x', ''), ('', '');
INSERT INTO triple VALUES (1, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'x,y');
SELECT string_agg((actstream.register(c.oid)).label, ' ' ORDER BY c.relname COLLATE "C")
FROM pg_class c WHERE c.relnamespace = 'integ'::regnamespace AND c.relkind = 'r' AND c.relname <> 'loose';
SELECT checked FROM actstream.register('loose', checked => false);
SELECT label FROM actstream.register_external('site');
SELECT * FROM broken;

-- every row can be referred to by what ref_of() says of it
SELECT count(*), count(DISTINCT r) FROM (
    SELECT actstream.ref_of(t) AS r FROM users t UNION ALL SELECT actstream.ref_of(t) FROM small t
    UNION ALL SELECT actstream.ref_of(t) FROM large t UNION ALL SELECT actstream.ref_of(t) FROM uu t
    UNION ALL SELECT actstream.ref_of(t) FROM word t UNION ALL SELECT actstream.ref_of(t) FROM short t
    UNION ALL SELECT actstream.ref_of(t) FROM nam t UNION ALL SELECT actstream.ref_of(t) FROM dom t
    UNION ALL SELECT actstream.ref_of(t) FROM sl t UNION ALL SELECT actstream.ref_of(t) FROM repo t
    UNION ALL SELECT actstream.ref_of(t) FROM triple t) all_rows
WHERE try(format('SELECT actstream.act_send(%1$L, %2$L, %1$L, %1$L)', r, 'was')) = 'ok'
  AND try(format('SELECT actstream.follow(%1$L, %1$L)', r)) = 'ok';
SELECT * FROM broken;
CALL clear();

-- one row has one reference: no other text names it
SELECT r, try(format('SELECT actstream.act_send(%L, %L)', r, 'was'))
FROM unnest(ARRAY[
    'users:1', 'users:007', 'users:+7', 'users: 7', 'users:7 ', 'users:-0', 'users:00', 'users:7.0', 'users:0x7',
    'users:1_0', 'users:seven', 'users:2147483648', 'users:-2147483649', 'users:99999999999999999999', 'users:7,7',
    'small:32768', 'small:-32769', 'large:9223372036854775808', 'large:-9223372036854775809',
    'uu:A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'uu:a0eebc999c0b4ef8bb6d6bb9bd380a11',
    'uu:{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}', 'uu:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12', 'uu:1',
    'word:A', 'word:a ', 'word:b', 'word:a\,b', 'word:7', 'short:a  ', 'short:aaaaaaaaaaaa', 'nam:A',
    'dom:05', 'dom:-5', 'dom:0', 'sl:x-Y',
    'repo:ann', 'repo:ann,', 'repo:ann,app,', 'repo:ann,app,x', 'repo:,ann,app', 'repo:ann\,app', 'repo:a,b,c\d',
    'repo:a\,b,c\d', 'repo:a\,b,c\\d\', 'repo:\ann,app', 'repo:app,ann', 'repo:Ann,app', 'repo:\',
    'triple:1,a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,x,y', 'triple:01,a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11,x\,y',
    'triple:1,A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11,x\,y']) AS r;
-- no name is longer than 63 bytes, and none is cut
SELECT try($$SELECT actstream.act_send('nam:$$ || repeat('n', 64) || $$', 'was')$$)
     = '23503 object "nam:' || repeat('n', 64) || '" does not exist' AS not_cut;
SELECT * FROM actions;

-- in every role, and at both ends of a follow
SELECT try($$SELECT actstream.act_send('users:1', 'was', 'users:7', 'users:7')$$);
SELECT try($$SELECT actstream.act_send('users:7', 'was', 'users:1', 'users:7')$$);
SELECT try($$SELECT actstream.act_send('users:7', 'was', 'users:7', 'users:1')$$);
SELECT try($$SELECT actstream.act_send('users:7', 'was', target => 'users:1')$$);
SELECT try($$SELECT actstream.follow('users:1', 'users:7')$$);
SELECT try($$SELECT actstream.follow('users:7', 'users:1')$$);
SELECT try($$SELECT actstream.follow('users:1', 'users:1')$$);
SELECT try($$SELECT actstream.follow('users:7', 'users:1', send_action => false)$$);
-- absent roles need no object
SELECT try($$SELECT actstream.act_send('users:7', 'was')$$);
-- nor do external types and types that are not checked
SELECT try($$SELECT actstream.act_send('users:7', 'was', 'site:any', 'loose:99')$$);
SELECT try($$SELECT actstream.act_send('loose:x', 'was', 'loose:99', 'site:1')$$);
SELECT try($$SELECT actstream.follow('loose:99', 'site:any')$$);
-- an unknown label is another error
SELECT try($$SELECT actstream.act_send('nobody:7', 'was')$$);
SELECT try($$SELECT actstream.follow('users:7', 'nobody:7')$$);
SELECT * FROM actions;
SELECT * FROM follows;
SELECT * FROM broken;
CALL clear();

-- the object may have come in the same transaction, or in the same statement
BEGIN;
INSERT INTO users VALUES (20, 'Bob');
SELECT verb FROM actstream.act_send('users:20', 'arrived');
COMMIT;
WITH bob AS (INSERT INTO users VALUES (21, 'Cid') RETURNING id)
INSERT INTO actstream.actions (actor, verb) SELECT actstream.ref('users', id), 'arrived at once' FROM bob;
WITH action AS (INSERT INTO actstream.actions (actor, verb) VALUES ('users:22', 'arrived before')),
     dan AS (INSERT INTO users VALUES (22, 'Dan'))
INSERT INTO actstream.follows (follower, followee) VALUES ('users:22', 'users:7');
-- or have gone in it
WITH gone AS (DELETE FROM users WHERE id = 22)
INSERT INTO actstream.actions (actor, verb) VALUES ('users:22', 'left');
SELECT * FROM actions;
SELECT * FROM broken;

-- any way of writing
COPY actstream.actions (actor, verb) FROM STDIN;
users:1	copied
\.
COPY actstream.actions (actor, verb, target) FROM STDIN;
users:7	copied	users:20
\.
COPY actstream.follows (follower, followee) FROM STDIN;
users:7	users:20
users:7	users:1
\.
UPDATE actstream.actions SET target = 'users:1' WHERE verb = 'copied';
UPDATE actstream.actions SET target = 'users:21', action_object = 'users:7' WHERE verb = 'copied';
UPDATE actstream.follows SET followee = 'users:1';
INSERT INTO actstream.actions (actor, verb, external_id) VALUES ('users:7', 'upserted', 'e');
INSERT INTO actstream.actions (actor, verb, external_id) VALUES ('users:7', 'upserted', 'e')
    ON CONFLICT (external_id) WHERE external_id IS NOT NULL DO UPDATE SET target = 'users:1';
MERGE INTO actstream.actions a USING (VALUES ('e')) v (e) ON a.external_id = v.e
    WHEN MATCHED THEN UPDATE SET target = 'users:1';
SELECT * FROM actions;
SELECT * FROM follows;
-- what a savepoint takes back is not there
BEGIN;
SAVEPOINT s;
INSERT INTO users VALUES (30, 'Eve');
ROLLBACK TO s;
SELECT verb FROM actstream.act_send('users:30', 'arrived');
ROLLBACK;
SELECT * FROM broken;
CALL clear();

------------------------------------------------------------------------------
-- Hidden or missing: the same
------------------------------------------------------------------------------

CREATE ROLE integ_owner;
CREATE ROLE integ_writer;
CREATE ROLE integ_blind;
GRANT USAGE ON SCHEMA actstream, integ TO integ_owner, integ_writer, integ_blind;
GRANT SELECT, INSERT, UPDATE ON actstream.actions, actstream.follows, actstream.mutes TO integ_owner, integ_writer, integ_blind;
CREATE TABLE secret (id int PRIMARY KEY, open boolean);
INSERT INTO secret VALUES (1, true), (2, false);
SELECT label FROM actstream.register('secret');
ALTER TABLE secret OWNER TO integ_owner;
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON secret USING (open);
GRANT SELECT ON secret TO integ_writer;

CREATE FUNCTION diagnose(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text; detail text; hint text; col text; con text; dat text; tab text; sch text;
BEGIN
    EXECUTE statement;
    RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT, col = COLUMN_NAME, con = CONSTRAINT_NAME, dat = PG_DATATYPE_NAME,
        tab = TABLE_NAME, sch = SCHEMA_NAME;
    RETURN concat_ws('|', state, message, detail, hint, col, con, dat, tab, sch);
END
$$;
CREATE VIEW oracle AS
    SELECT place, diagnose(replace(statement, '%', '1')) AS open,
           diagnose(replace(statement, '%', '2')) AS hidden,
           replace(diagnose(replace(statement, '%', '2')), ':2', ':3')
               = diagnose(replace(statement, '%', '3')) AS as_missing
    FROM (VALUES (1, 'actor', $$SELECT actstream.act_send('secret:%', 'was')$$),
                 (2, 'object', $$SELECT actstream.act_send('users:7', 'was', 'secret:%')$$),
                 (3, 'target', $$INSERT INTO actstream.actions (actor, verb, target) VALUES ('users:7', 'was', 'secret:%')$$),
                 (4, 'follower', $$SELECT actstream.follow('secret:%', 'users:7', 'a')$$),
                 (5, 'followee', $$SELECT actstream.follow('users:7', 'secret:%', 'b')$$)) AS v (n, place, statement)
    ORDER BY n;
-- run as who asks
GRANT SELECT ON oracle TO integ_owner, integ_writer, integ_blind;
SET ROLE integ_writer;
SELECT * FROM oracle;
SET ROLE integ_blind;
SELECT * FROM oracle;
-- the owner is not kept from his rows, unless he wants to be
SET ROLE integ_owner;
SELECT place, open, hidden FROM oracle;
RESET ROLE;
CALL clear();
ALTER TABLE secret FORCE ROW LEVEL SECURITY;
SET ROLE integ_owner;
SELECT * FROM oracle;
RESET ROLE;
-- without USAGE on the schema there is nothing to see, either
REVOKE USAGE ON SCHEMA integ FROM integ_writer;
SET ROLE integ_writer;
SELECT actstream.act_send('secret:1', 'was');
SELECT actstream.act_send('secret:3', 'was');
RESET ROLE;
-- rights are those of the moment, in a session that has asked before
GRANT USAGE ON SCHEMA integ TO integ_writer;
SET ROLE integ_writer;
SELECT actor FROM actstream.act_send('secret:1', 'was');
RESET ROLE;
DROP POLICY p ON secret;
SET ROLE integ_writer;
SELECT actor FROM actstream.act_send('secret:1', 'was');
RESET ROLE;
ALTER TABLE secret DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
SET ROLE integ_writer;
SELECT actor FROM actstream.act_send('secret:2', 'was');
-- what exists is not for everybody to ask
SELECT actstream_internal.object_exists('users:7');
SELECT * FROM actstream.integrity_check();
RESET ROLE;
SELECT * FROM broken;
CALL clear();

------------------------------------------------------------------------------
-- Deletes
------------------------------------------------------------------------------

CREATE TABLE c (id int PRIMARY KEY);
CREATE TABLE n (id int PRIMARY KEY);
CREATE TABLE r (id int PRIMARY KEY);
CREATE TABLE k (id int PRIMARY KEY);
SELECT on_delete FROM actstream.register('c');
SELECT on_delete FROM actstream.register('n', on_delete => 'set null');
SELECT on_delete FROM actstream.register('r', on_delete => 'restrict');
SELECT on_delete FROM actstream.register('k', on_delete => 'keep');
-- an object in each role and in several, and in follows at both ends
CREATE PROCEDURE fill(label text) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %I VALUES (1), (2) ON CONFLICT DO NOTHING', label);
    INSERT INTO actstream.actions (verb, actor, action_object, target)
    SELECT v.verb, replace(v.actor, '%', label)::actstream.ref, replace(v.object, '%', label)::actstream.ref,
           replace(v.target, '%', label)::actstream.ref
    FROM (VALUES ('1 actor', '%:1', 'users:7', 'users:0'),
                 ('2 object', 'users:7', '%:1', 'users:0'),
                 ('3 target', 'users:7', 'users:0', '%:1'),
                 ('4 object and target', 'users:7', '%:1', '%:1'),
                 ('5 all', '%:1', '%:1', '%:1'),
                 ('6 with another', 'users:7', '%:1', '%:2'),
                 ('7 another', '%:2', '%:2', NULL)) AS v (verb, actor, object, target);
    INSERT INTO actstream.follows (follower, followee, flag)
    SELECT replace(v.follower, '%', label)::actstream.ref, replace(v.followee, '%', label)::actstream.ref, v.flag
    FROM (VALUES ('%:1', 'users:7', ''), ('users:7', '%:1', ''), ('users:7', '%:1', 'liking'),
                 ('%:1', '%:1', ''), ('%:1', '%:2', ''), ('%:2', '%:1', ''), ('%:2', 'users:7', '')) AS v (follower, followee, flag);
END
$$;

CALL fill('c');
DELETE FROM c WHERE id = 1;
SELECT * FROM actions;
SELECT * FROM follows;
SELECT * FROM broken;
CALL clear();

CALL fill('n');
DELETE FROM n WHERE id = 1;
SELECT * FROM actions;
SELECT * FROM follows;
SELECT * FROM broken;
CALL clear();

-- references dangle on purpose, follows do not; and what dangles can be edited
CALL fill('k');
DELETE FROM k WHERE id = 1;
SELECT * FROM actions;
SELECT * FROM follows;
SELECT * FROM broken;
UPDATE actstream.actions SET description = 'edited', public = false, data = '{}' WHERE verb = '5 all';
UPDATE actstream.actions SET actor = actor, target = target WHERE verb = '5 all';
UPDATE actstream.actions SET target = NULL WHERE verb = '5 all';
SELECT actor, description, public, data, target FROM actstream.actions WHERE verb = '5 all';
-- but not set anew
UPDATE actstream.actions SET target = 'k:1' WHERE verb = '5 all';
SELECT actstream.act_send('k:1', 'was');
SELECT actstream.follow('users:7', 'k:1');
SELECT * FROM broken;
CALL clear();

-- restrict, by each kind of reference alone
SELECT label FROM actstream.register('r', on_delete => 'restrict');
CALL fill('r');
DELETE FROM r WHERE id = 1;
DELETE FROM r;
SELECT count(*) FROM r;
CALL clear();
SELECT statement, diagnose('DELETE FROM r WHERE id = 1') FROM (VALUES
    (1, $$INSERT INTO actstream.actions (verb, actor) VALUES ('was', 'r:1')$$),
    (2, $$INSERT INTO actstream.actions (verb, actor, action_object) VALUES ('was', 'users:7', 'r:1')$$),
    (3, $$INSERT INTO actstream.actions (verb, actor, target) VALUES ('was', 'users:7', 'r:1')$$),
    (4, $$INSERT INTO actstream.follows (follower, followee) VALUES ('r:1', 'users:7')$$),
    (5, $$INSERT INTO actstream.follows (follower, followee) VALUES ('users:7', 'r:1')$$)) AS v (i, statement),
    LATERAL (SELECT diagnose(statement)) AS done (state),
    LATERAL (SELECT 1 WHERE done.state = 'ok') AS x
ORDER BY i;
CALL clear();
-- with nothing that refers to it, a row goes
DELETE FROM r WHERE id = 1;
SELECT * FROM r;
-- also if what referred to it goes before, in the same transaction
SELECT verb FROM actstream.act_send('r:2', 'was');
BEGIN;
DELETE FROM actstream.actions;
DELETE FROM r;
COMMIT;
SELECT * FROM r;
SELECT * FROM broken;

-- a delete that is taken back takes back what it did
INSERT INTO c VALUES (1) ON CONFLICT DO NOTHING;
SELECT verb FROM actstream.act_send('users:7', 'was with', 'c:1');
SELECT flag FROM actstream.follow('users:7', 'c:1', send_action => false);
BEGIN;
SAVEPOINT s;
DELETE FROM c WHERE id = 1;
SELECT (SELECT count(*) FROM actions) AS actions, (SELECT count(*) FROM follows) AS follows;
ROLLBACK TO s;
COMMIT;
SELECT (SELECT count(*) FROM actions) AS actions, (SELECT count(*) FROM follows) AS follows;
-- triggers of the user's own see ordinary deletes and updates
CREATE FUNCTION seen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE '% of %: % -> %', TG_OP, TG_TABLE_NAME, to_jsonb(OLD)->>'action_object', to_jsonb(NEW)->>'action_object';
    RETURN NULL;
END
$$;
CREATE TRIGGER seen AFTER DELETE OR UPDATE ON actstream.actions FOR EACH ROW EXECUTE FUNCTION seen();
CREATE TRIGGER seen AFTER DELETE OR UPDATE ON actstream.follows FOR EACH ROW EXECUTE FUNCTION seen();
DELETE FROM c WHERE id = 1;
INSERT INTO n VALUES (1) ON CONFLICT DO NOTHING;
SELECT verb FROM actstream.act_send('users:7', 'was with', 'n:1');
DELETE FROM n WHERE id = 1;
DROP TRIGGER seen ON actstream.actions;
DROP TRIGGER seen ON actstream.follows;
CALL clear();

-- deleted and inserted again in one statement, it is another row, as for a foreign key
INSERT INTO c VALUES (1);
SELECT verb FROM actstream.act_send('c:1', 'stayed');
SELECT flag FROM actstream.follow('users:7', 'c:1', send_action => false);
WITH d AS (DELETE FROM c WHERE id = 1 RETURNING id) INSERT INTO c SELECT id FROM d;
SELECT verb, actor FROM actions;
SELECT * FROM follows;
-- and so in two statements
SELECT verb FROM actstream.act_send('c:1', 'stayed');
BEGIN;
DELETE FROM c WHERE id = 1;
INSERT INTO c VALUES (1);
COMMIT;
SELECT count(*) FROM actions;
SELECT * FROM broken;
-- one that a function inserts takes the references over
CREATE FUNCTION insert_c(id int) RETURNS int LANGUAGE sql VOLATILE AS 'INSERT INTO c VALUES ($1) RETURNING id';
SELECT verb FROM actstream.act_send('c:1', 'stayed');
WITH d AS (DELETE FROM c WHERE id = 1 RETURNING id) SELECT insert_c(id) FROM d;
SELECT verb, actor FROM actions;
DROP FUNCTION insert_c(int);
CALL clear();
-- a row that gets the key of one that the statement deletes keeps its own references, and no others
CREATE TABLE c_parts (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE c_odd PARTITION OF c_parts FOR VALUES IN (1, 3);
CREATE TABLE c_even PARTITION OF c_parts FOR VALUES IN (2, 4);
SELECT label FROM actstream.register('c_parts');
CREATE PROCEDURE take_key(relation text, statement text) LANGUAGE plpgsql AS $$
DECLARE
    mode text;
BEGIN
    FOREACH mode IN ARRAY '{cascade,set null,restrict,keep}'::text[] LOOP
        EXECUTE format('DELETE FROM %I; INSERT INTO %1$I VALUES (1), (2), (3)', relation);
        PERFORM actstream.register(relation, on_delete => mode);
        PERFORM actstream.act_send(actstream.ref(relation, i::text), 'did ' || i) FROM generate_series(1, 3) i;
        PERFORM actstream.act_send('users:7', 'to ' || i, target => actstream.ref(relation, i::text)) FROM generate_series(1, 3) i;
        PERFORM actstream.follow('users:7', actstream.ref(relation, i::text), 'f' || i, send_action => false) FROM generate_series(1, 3) i;
        BEGIN
            EXECUTE format(statement, relation);
        EXCEPTION WHEN foreign_key_violation THEN
            RAISE NOTICE '% % refused: %', relation, mode, sqlerrm;
        END;
        RAISE NOTICE '% %: % / % / %', relation, mode, (SELECT string_agg(actor || ' ' || verb, ', ' ORDER BY verb) FROM actstream.actions a WHERE verb LIKE 'did%'),
            (SELECT string_agg(verb || coalesce(' ' || target, ''), ', ' ORDER BY verb) FROM actstream.actions a WHERE verb LIKE 'to%'),
            (SELECT string_agg(followee || ' ' || flag, ', ' ORDER BY flag) FROM actstream.follows);
        DELETE FROM actstream.actions;
        DELETE FROM actstream.follows;
    END LOOP;
    EXECUTE format('DELETE FROM %I', relation);
    PERFORM actstream.register(relation, on_delete => 'cascade');
END $$;
CALL take_key('c', 'MERGE INTO %I c USING generate_series(1, 3) s (i) ON c.id = s.i WHEN MATCHED AND s.i = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET id = c.id - 1');
CALL take_key('c_parts', 'MERGE INTO %I c USING generate_series(1, 3) s (i) ON c.id = s.i WHEN MATCHED AND s.i = 1 THEN DELETE WHEN MATCHED THEN UPDATE SET id = c.id - 1');
CALL take_key('c', 'WITH d AS (DELETE FROM %I WHERE id = 1 RETURNING id) UPDATE %1$I c SET id = d.id FROM d WHERE c.id = 3');
CALL take_key('c_parts', 'WITH d AS (DELETE FROM %I WHERE id = 1 RETURNING id) UPDATE %1$I c SET id = d.id FROM d WHERE c.id = 2');
SELECT * FROM broken;
DROP PROCEDURE take_key(text, text);
DROP TABLE c_parts;

-- the user's own foreign keys and deferred triggers delete rows, too
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE
                    DEFERRABLE INITIALLY DEFERRED);
SELECT label FROM actstream.register('child');
INSERT INTO users VALUES (40, 'parent');
INSERT INTO child VALUES (1, 40), (2, 7);
SELECT verb FROM actstream.act_send('child:1', 'played', 'child:2', 'users:40');
SELECT verb FROM actstream.act_send('child:2', 'played');
DELETE FROM users WHERE id = 40;
SELECT * FROM actions;
CREATE FUNCTION purge() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM child; RETURN NULL; END';
CREATE CONSTRAINT TRIGGER purge AFTER INSERT ON child DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION purge();
BEGIN;
INSERT INTO child VALUES (3, 7);
SELECT verb FROM actstream.act_send('child:3', 'played');
COMMIT;
SELECT * FROM actions;
SELECT * FROM broken;

-- a key that cannot be that of a reference does not stand in anybody's way
INSERT INTO word VALUES (''), (repeat('y', 1025));
UPDATE word SET id = id || '.' WHERE length(id) = 1025;
UPDATE word SET id = 'once empty' WHERE id = '';
-- for references, it goes
INSERT INTO actstream.actions (actor, verb) VALUES ('word:once empty', 'was'), ('word:once empty', 'is');
UPDATE word SET id = '' WHERE id = 'once empty';
SELECT count(*) FROM actions WHERE actor = 'word:once empty';
DELETE FROM word WHERE id = '' OR length(id) > 1024;
SELECT count(*) FROM word WHERE id = '' OR length(id) > 1024;

------------------------------------------------------------------------------
-- Key changes
------------------------------------------------------------------------------

CALL clear();
SELECT on_delete FROM actstream.register('r', on_delete => 'restrict');
CALL fill('r');
UPDATE r SET id = 10 WHERE id = 1;
SELECT * FROM actions;
SELECT * FROM follows;
SELECT * FROM broken;
-- an update that changes no key leaves everything alone
UPDATE r SET id = id;
UPDATE users SET name = 'Anna', id = 7 WHERE id = 7;
SELECT count(*) FROM actions WHERE actor::text = 'r:10';
CALL clear();
DELETE FROM r;

-- a row after another: id = id + 1 from the top, where each key is free
INSERT INTO r SELECT i FROM generate_series(5, 1, -1) i;
INSERT INTO actstream.actions (actor, verb) SELECT actstream.ref('r', i), 'was ' || i FROM generate_series(1, 5) i;
UPDATE r SET id = id + 1;
SELECT verb, actor FROM actions;
-- a swap in several steps
UPDATE r SET id = 0 WHERE id = 2;
UPDATE r SET id = 2 WHERE id = 3;
UPDATE r SET id = 3 WHERE id = 0;
SELECT verb, actor FROM actions;
SELECT * FROM broken;
BEGIN;
UPDATE r SET id = 100 WHERE id = 2;
ROLLBACK;
BEGIN;
SAVEPOINT s;
UPDATE r SET id = 100 WHERE id = 2;
ROLLBACK TO s;
UPDATE r SET id = 200 WHERE id = 2;
COMMIT;
SELECT verb, actor FROM actions;
CALL clear();
DELETE FROM r;

-- composite keys, one column and both, and characters that are escaped
SELECT verb FROM actstream.act_send('repo:ann,app', 'was', 'repo:a\,b,c\\d', 'repo:,x');
UPDATE repo SET name = 'b,c' WHERE owner = 'ann';
UPDATE repo SET owner = 'x\y', name = ',' WHERE owner = 'a,b';
UPDATE repo SET owner = 'x', name = 'x' WHERE owner = '' AND name = 'x';
SELECT * FROM actions;
SELECT * FROM broken;
CALL clear();

-- by a trigger that changes what the SET list does not name
CREATE FUNCTION renumber() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.id := OLD.id + 1000; RETURN NEW; END';
CREATE TRIGGER renumber BEFORE UPDATE ON users FOR EACH ROW WHEN (NEW.name = 'move') EXECUTE FUNCTION renumber();
SELECT verb FROM actstream.act_send('users:7', 'was');
UPDATE users SET name = 'move' WHERE id = 7;
SELECT * FROM actions;
DROP TRIGGER renumber ON users;
-- a generated key
CREATE TABLE gen (id int PRIMARY KEY, code text GENERATED ALWAYS AS ('c' || id) STORED NOT NULL UNIQUE);
SELECT key_columns FROM actstream.register('gen', key_columns => '{code}');
INSERT INTO gen VALUES (1);
SELECT verb FROM actstream.act_send('gen:c1', 'was generated');
UPDATE gen SET id = 2;
-- ON CONFLICT, MERGE and a foreign key's ON UPDATE CASCADE
INSERT INTO users VALUES (1007, 'again') ON CONFLICT (id) DO UPDATE SET id = 2007;
MERGE INTO users u USING (VALUES (2007, 3007)) v (was, becomes) ON u.id = v.was
    WHEN MATCHED THEN UPDATE SET id = v.becomes WHEN NOT MATCHED THEN INSERT VALUES (v.becomes, 'merged');
CREATE TABLE detail (user_id int REFERENCES users ON UPDATE CASCADE, line int, PRIMARY KEY (user_id, line));
SELECT label FROM actstream.register('detail');
INSERT INTO detail VALUES (3007, 1);
SELECT verb FROM actstream.act_send('detail:3007,1', 'was detailed');
UPDATE users SET id = 7, name = 'Ann' WHERE id = 3007;
SELECT verb, actor FROM actions;
SELECT * FROM broken;
CALL clear();
-- MERGE deletes
INSERT INTO c VALUES (50);
SELECT verb FROM actstream.act_send('c:50', 'was');
MERGE INTO c USING (VALUES (50)) v (id) ON c.id = v.id WHEN MATCHED THEN DELETE;
SELECT count(*) FROM actions;
-- a trigger that fires before ours may change the key again, or delete the row
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 61 THEN UPDATE c SET id = 62 WHERE id = 61; END IF;
    IF NEW.id = 71 THEN DELETE FROM c WHERE id = 71; END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER a_meddle AFTER UPDATE ON c FOR EACH ROW EXECUTE FUNCTION meddle();
INSERT INTO c VALUES (60), (70);
SELECT verb FROM actstream.act_send('c:60', 'was');
SELECT verb FROM actstream.act_send('c:70', 'was');
UPDATE c SET id = 61 WHERE id = 60;
UPDATE c SET id = 71 WHERE id = 70;
SELECT * FROM actions;
SELECT id FROM c WHERE id >= 60 ORDER BY id;
SELECT * FROM broken;
DROP TRIGGER a_meddle ON c;
CALL clear();

-- the new key may have a follow already, where nothing checks that it is one
INSERT INTO loose VALUES (1);
INSERT INTO actstream.follows (follower, followee, flag) VALUES
    ('loose:1', 'site:a', ''), ('loose:2', 'site:a', ''), ('loose:1', 'site:a', 'liking'),
    ('site:a', 'loose:1', ''), ('site:a', 'loose:2', ''), ('loose:1', 'loose:1', ''), ('loose:2', 'loose:1', 'x'),
    ('loose:2', 'loose:2', '');
UPDATE loose SET id = 2;
SELECT * FROM follows;
CALL clear();

------------------------------------------------------------------------------
-- TRUNCATE
------------------------------------------------------------------------------

CREATE TABLE serial (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
CREATE TABLE of_serial (id int PRIMARY KEY, serial_id int REFERENCES serial);
CREATE TABLE set_null (id int PRIMARY KEY);
SELECT label FROM actstream.register('serial');
SELECT label FROM actstream.register('of_serial');
SELECT label FROM actstream.register('set_null', on_delete => 'set null');
CREATE PROCEDURE refill() LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO serial SELECT FROM generate_series(1, 3);
    INSERT INTO of_serial SELECT i, i FROM generate_series(1, 3) i;
    INSERT INTO actstream.actions (actor, verb, action_object, target) VALUES
        ('serial:1', 'did', 'of_serial:1', NULL), ('users:7', 'did to', NULL, 'serial:2'), ('of_serial:3', 'did alone', NULL, NULL),
        ('users:7', 'did nothing', NULL, NULL);
    INSERT INTO actstream.follows (follower, followee) VALUES
        ('serial:1', 'users:7'), ('users:7', 'of_serial:2'), ('users:7', 'users:0');
END
$$;
CALL refill();
TRUNCATE of_serial;
SELECT * FROM actions;
SELECT * FROM follows;
TRUNCATE serial, of_serial RESTART IDENTITY;
SELECT * FROM actions;
SELECT * FROM follows;
SELECT * FROM broken;
CALL clear();
-- the keys that are used again inherit nothing
CALL refill();
BEGIN;
SET LOCAL client_min_messages = warning;
TRUNCATE serial RESTART IDENTITY CASCADE;
INSERT INTO serial DEFAULT VALUES RETURNING actstream.ref_of(serial);
SELECT * FROM actions WHERE actor::text = 'serial:1';
SELECT * FROM follows;
ROLLBACK;
SELECT count(*) FROM actions;
SET client_min_messages = warning;
TRUNCATE serial CASCADE;
RESET client_min_messages;
SELECT * FROM actions;
SELECT * FROM follows;
SELECT * FROM broken;
CALL clear();
INSERT INTO set_null VALUES (1);
SELECT verb FROM actstream.act_send('users:7', 'did', 'set_null:1', 'set_null:1');
SELECT verb FROM actstream.act_send('set_null:1', 'did');
TRUNCATE set_null;
SELECT * FROM actions;
CALL clear();
INSERT INTO k VALUES (1) ON CONFLICT DO NOTHING;
SELECT verb FROM actstream.act_send('k:1', 'did');
SELECT flag FROM actstream.follow('k:1', 'users:7', send_action => false);
TRUNCATE k;
SELECT * FROM actions;
SELECT * FROM follows;
CALL clear();
INSERT INTO r VALUES (1);
SELECT verb FROM actstream.act_send('r:1', 'did');
TRUNCATE r;
SELECT * FROM r;
CALL clear();
TRUNCATE r;
SELECT * FROM r;
SELECT * FROM broken;

------------------------------------------------------------------------------
-- Partitions
------------------------------------------------------------------------------

CREATE TABLE part (region text, id int, note text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE part_eu PARTITION OF part FOR VALUES IN ('eu');
-- its columns in another order, with one that was dropped
CREATE TABLE part_us (note text, junk int, id int NOT NULL, region text NOT NULL);
ALTER TABLE part_us DROP COLUMN junk;
ALTER TABLE part ATTACH PARTITION part_us FOR VALUES IN ('us');
CREATE TABLE part_rest PARTITION OF part DEFAULT PARTITION BY RANGE (id);
CREATE TABLE part_rest_low PARTITION OF part_rest FOR VALUES FROM (MINVALUE) TO (100);
CREATE TABLE part_rest_high PARTITION OF part_rest FOR VALUES FROM (100) TO (MAXVALUE);
SELECT label, key_columns FROM actstream.register('part', on_delete => 'restrict');
SELECT * FROM broken;
INSERT INTO part VALUES ('eu', 1), ('us', 2), ('as', 3), ('as', 300);
SELECT actstream.ref_of(t) FROM part_us t;
SELECT actstream.ref_of(t) FROM part_rest_high t;
SELECT verb FROM actstream.act_send('part:eu,1', '1', 'part:us,2', 'part:as,3');
SELECT verb FROM actstream.act_send('part:as,300', '2');
SELECT flag FROM actstream.follow('part:eu,1', 'part:us,2', send_action => false);
SELECT actstream.act_send('part:us,1', 'was');
-- within a partition, to another, to and fro, below a partition
UPDATE part SET note = 'stays';
UPDATE part SET id = 10 WHERE id = 1;
UPDATE part SET region = 'us' WHERE id = 10;
UPDATE part_us SET note = 'by itself' WHERE id = 10;
UPDATE part SET region = 'as', id = 20 WHERE id = 2;
UPDATE part SET id = 400 WHERE id = 3;
UPDATE part_rest SET id = 4 WHERE id = 400;
UPDATE part SET region = 'eu' WHERE id = 300;
SELECT * FROM actions;
SELECT * FROM follows;
SELECT * FROM broken;
BEGIN;
SAVEPOINT s;
UPDATE part SET region = 'eu' WHERE id = 10;
ROLLBACK TO s;
UPDATE part SET region = 'as' WHERE id = 10;
COMMIT;
-- by other ways
INSERT INTO part VALUES ('as', 10) ON CONFLICT (region, id) DO UPDATE SET note = 'upserted';
MERGE INTO part p USING (VALUES ('as', 10, 'eu')) v (region, id, becomes) ON p.region = v.region AND p.id = v.id
    WHEN MATCHED THEN UPDATE SET region = v.becomes;
CREATE FUNCTION emigrate() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.region := 'us'; RETURN NEW; END$$;
CREATE TRIGGER emigrate BEFORE UPDATE ON part FOR EACH ROW WHEN (NEW.note = 'emigrate') EXECUTE FUNCTION emigrate();
UPDATE part SET note = 'emigrate' WHERE id = 300;
SELECT * FROM actions;
SELECT * FROM follows;
SELECT * FROM broken;
DROP TRIGGER emigrate ON part;
-- triggers with names behind ours still change the key
CREATE FUNCTION relocate() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.id := OLD.id + 1; RETURN NEW; END$$;
CREATE TRIGGER zzz BEFORE UPDATE ON part FOR EACH ROW WHEN (NEW.note = 'relocate') EXECUTE FUNCTION relocate();
UPDATE part SET note = 'relocate', region = 'eu' WHERE id = 300;
-- a row that gets one key after the other, also in a subtransaction that is rolled back
CREATE TABLE turned (id int PRIMARY KEY);
SELECT label FROM actstream.register('turned');
CREATE FUNCTION turn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.id = 2 THEN
        UPDATE turned SET id = 3 WHERE id = 2;
        BEGIN
            INSERT INTO turned VALUES (2);
            UPDATE turned SET id = 4 WHERE id = 2;
            RAISE EXCEPTION 'no';
        EXCEPTION WHEN raise_exception THEN
            NULL;
        END;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER a_turn AFTER UPDATE ON turned FOR EACH ROW EXECUTE FUNCTION turn();
INSERT INTO turned VALUES (1);
INSERT INTO actstream.actions (actor, verb) VALUES ('turned:1', 'turned');
UPDATE turned SET id = 2 WHERE id = 1;
SELECT t.id, a.actor FROM turned t, actstream.actions a WHERE a.verb = 'turned';
DROP TABLE turned;
DROP FUNCTION turn;
SELECT * FROM actions;
DROP TRIGGER zzz ON part;
-- a partition that is truncated, a row that is deleted
DELETE FROM part WHERE id = 10;
TRUNCATE part_rest_low;
CALL clear();
TRUNCATE part_rest_low;
DELETE FROM part;
SELECT on_delete FROM actstream.register('part', on_delete => 'cascade');
INSERT INTO part VALUES ('eu', 1), ('us', 2), ('as', 3), ('as', 300);
INSERT INTO actstream.actions (actor, verb) SELECT actstream.ref_of(p), id::text FROM part p;
TRUNCATE part_rest_low;
SELECT verb, actor FROM actions;
TRUNCATE part_rest;
SELECT verb, actor FROM actions;
DELETE FROM part_us;
SELECT verb, actor FROM actions;
TRUNCATE part;
SELECT verb, actor FROM actions;
SELECT * FROM broken;

-- 2,000 rows move, and nothing is lost
INSERT INTO part SELECT 'eu', i FROM generate_series(1, 2000) i;
INSERT INTO actstream.actions (actor, verb, target)
SELECT actstream.ref_of(p), id::text, actstream.ref('part', 'eu,' || 2001 - id) FROM part p;
INSERT INTO actstream.follows (follower, followee) SELECT actstream.ref_of(p), 'users:7' FROM part p;
UPDATE part SET region = 'us';
SELECT count(*) AS actions, count(*) FILTER (WHERE actor::text = 'part:us,' || verb) AS actors,
       count(*) FILTER (WHERE target::text = 'part:us,' || 2001 - verb::int) AS targets FROM actions;
SELECT count(*) AS follows, count(DISTINCT p) AS of_rows FROM actstream.follows f JOIN part p ON actstream.ref_of(p)::text = f.follower::text;
SELECT * FROM broken;
-- deleted here and inserted there by hand, they are other rows
WITH moved AS (DELETE FROM part WHERE id = 1 RETURNING *) INSERT INTO part SELECT 'eu', id, note FROM moved;
SELECT count(*) FROM actions;
CALL clear();
TRUNCATE part;

------------------------------------------------------------------------------
-- What integrity_check() finds
------------------------------------------------------------------------------

SELECT verb FROM actstream.act_send('users:7', 'is fine', target => 'loose:404');
TRUNCATE c;
INSERT INTO c VALUES (1), (2), (3);
SELECT verb FROM actstream.act_send('c:1', 'was', 'c:2', 'users:7');
SELECT flag FROM actstream.follow('c:3', 'users:7', send_action => false);
-- behind the back of the triggers
SET session_replication_role = replica;
DELETE FROM c;
INSERT INTO actstream.actions (actor, verb) VALUES ('nobody:1', 'was');
INSERT INTO actstream.follows (follower, followee) VALUES ('users:7', 'users:007');
RESET session_replication_role;
SELECT * FROM broken;
CALL clear();
-- what was never counted has been counted off
SELECT * FROM broken;
SELECT actstream.recount_followers();
INSERT INTO c VALUES (1);
SELECT verb FROM actstream.act_send('c:1', 'was');
ALTER TABLE c DISABLE TRIGGER ALL;
DELETE FROM c;
SELECT * FROM broken;
ALTER TABLE c ENABLE TRIGGER ALL;
SELECT * FROM broken;
ALTER TABLE actstream.actions DISABLE TRIGGER action_check;
ALTER TABLE actstream.follows ENABLE REPLICA TRIGGER follow_check;
ALTER EVENT TRIGGER actstream_table_altered DISABLE;
SELECT * FROM broken;
ALTER TABLE actstream.actions ENABLE TRIGGER action_check;
ALTER TABLE actstream.follows ENABLE TRIGGER follow_check;
ALTER EVENT TRIGGER actstream_table_altered ENABLE ALWAYS;
CALL clear();
-- our own tables' triggers, as after pg_restore --data-only --disable-triggers
ALTER TABLE actstream.object_types DISABLE TRIGGER ALL;
SELECT * FROM broken;
ALTER TABLE actstream.object_types ENABLE TRIGGER ALL;
SELECT * FROM broken;
ALTER TABLE actstream.object_types ENABLE ALWAYS TRIGGER object_type_changing;
ALTER TABLE actstream.object_types ENABLE ALWAYS TRIGGER object_type_changed;
ALTER TABLE actstream.actions ENABLE ALWAYS TRIGGER action_check;
SELECT * FROM broken;
ALTER TABLE actstream.actions ENABLE TRIGGER action_check;
-- those of a registered table may well be enabled always
ALTER TABLE c ENABLE ALWAYS TRIGGER actstream_object;
SELECT * FROM broken;
ALTER TABLE c ENABLE TRIGGER actstream_object;
-- the triggers of a partition alone
ALTER TABLE part_eu DISABLE TRIGGER actstream_object;
ALTER TABLE part_us DISABLE TRIGGER USER;
SELECT * FROM broken;
ALTER TABLE part_eu ENABLE TRIGGER ALL;
ALTER TABLE part_us ENABLE TRIGGER ALL;
-- as after a restore without the tables: registered, and nowhere
SET session_replication_role = replica;
UPDATE actstream.object_types SET relation = 4294967295 WHERE label = 'c';
RESET session_replication_role;
SELECT problem, label, detail FROM broken;
SET session_replication_role = replica;
UPDATE actstream.object_types SET relation = 'c' WHERE label = 'c';
RESET session_replication_role;
SELECT * FROM broken;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA integ CASCADE;
DO 'BEGIN PERFORM actstream.drop_tables(); END';
DROP EXTENSION actstream;
DROP OWNED BY integ_owner, integ_writer, integ_blind;
DROP ROLE integ_owner, integ_writer, integ_blind;
