-- Counts of followers, and many follows at once.
\i test/lib/fresh.sql
SELECT label FROM actstream.register_external('user');
SELECT label FROM actstream.register_external('page');
CREATE TABLE doc (id int PRIMARY KEY);
SELECT label FROM actstream.register('doc');
INSERT INTO doc SELECT generate_series(1, 5);

-- one row for each object, in the order of the array; nulls are left out
SELECT actstream.follow_many('user:1', '{page:1,doc:1,page:1,NULL,doc:2}');
SELECT actstream.follow_many('user:2', '{page:1}');
SELECT * FROM actstream.follower_counts('{page:1,doc:2,NULL,page:9,doc:1,page:1}');
SELECT * FROM actstream.follower_counts('{}');
SELECT * FROM actstream.follower_counts(NULL);
SELECT * FROM actstream.following_counts('{user:2,user:1,NULL,user:9,user:2}');

-- with a flag, and with any: then each follower once
SELECT actstream.follow_many('user:1', '{page:1,page:2}', 'watching');
SELECT actstream.follow_many('user:3', '{page:1}', 'watching');
SELECT f.flag, c.* FROM (VALUES (''), ('watching'), ('liking'), (NULL)) AS f (flag),
    LATERAL actstream.follower_counts('{page:1,page:2}', f.flag) AS c;
SELECT f.flag, c.* FROM (VALUES (''), ('watching'), ('liking'), (NULL)) AS f (flag),
    LATERAL actstream.following_counts('{user:1,user:3}', f.flag) AS c;

-- follows that are there: none is new, actor_only is replaced
SELECT actstream.follow_many('user:1', '{page:1,page:3}', actor_only => false);
SELECT followee, actor_only FROM actstream.follows WHERE follower = 'user:1' AND flag = '' ORDER BY followee;
-- oneself; nothing; nobody
SELECT actstream.follow_many('user:1', '{user:1}'), actstream.follow_many('user:1', '{}'), actstream.follow_many('user:1', NULL);
\set VERBOSITY terse
SELECT actstream.follow_many(NULL, '{page:1}');
\set VERBOSITY default
SELECT actstream.follow_many('user:1', '{page:1}', NULL);
SELECT actstream.follow_many('user:1', '{page:1}', repeat('x', 248));
-- if an object does not exist, nothing is followed
SELECT actstream.follow_many('user:4', '{doc:1,doc:7,page:1}');
SELECT actstream.follow_many('user:4', '{doc:1,nothing:7,page:1}');
SELECT count(*) FROM actstream.follows WHERE follower = 'user:4';
-- actions, if asked for: one for each new follow, none again within a minute
SELECT actstream.follow_many('user:5', '{page:2,page:1}', send_action => true), actstream.follow_many('user:5', '{page:1,page:4}', send_action => true);
SELECT actor, verb, target FROM actstream.actions ORDER BY id;
SELECT actstream.unfollow_many('user:5', '{page:1,page:4}', send_action => true);
SELECT actstream.follow_many('user:5', '{page:1}', send_action => true), actstream.follow_many('user:5', '{page:1}', 'watching', send_action => true);
SELECT actor, verb, target FROM actstream.actions ORDER BY id OFFSET 3;

-- by default unfollow_many() is about any flag
SELECT actstream.unfollow_many('user:1', '{page:1,page:2,page:8,NULL}'), actstream.unfollow_many('user:5', '{page:1}', 'watching');
SELECT actstream.unfollow_many('user:1', '{}'), actstream.unfollow_many(NULL, '{page:1}');
SELECT object, flag, sum(followers) AS followers, sum(any_flag) AS any_flag FROM actstream.follow_counts GROUP BY object, flag ORDER BY object, flag;

-- deleted objects, new keys
DELETE FROM doc WHERE id = 1;
UPDATE doc SET id = 8 WHERE id = 2;
SELECT * FROM actstream.follower_counts('{doc:1,doc:2,doc:8}');
SELECT object FROM actstream.follow_counts WHERE object >= 'doc:1' AND object < 'page:1' ORDER BY object;
TRUNCATE doc;
SELECT object FROM actstream.follow_counts WHERE object >= 'doc:1' AND object < 'page:1' ORDER BY object;

-- whatever changes rows: several flags of a pair in one statement, another key of a follow,
-- a savepoint
INSERT INTO actstream.follows SELECT 'user:7', 'page:7', f FROM unnest('{a,b,c}'::text[]) f;
INSERT INTO actstream.follows SELECT 'user:8', 'page:7', f FROM unnest('{c,b}'::text[]) f;
INSERT INTO actstream.follows SELECT 'user:8', 'page:7', f FROM unnest('{a,b}'::text[]) f ON CONFLICT (follower, followee, flag) DO UPDATE SET actor_only = false;
SELECT f.flag, c.* FROM (VALUES ('a'), ('b'), ('c'), (NULL)) AS f (flag), LATERAL actstream.follower_counts('{page:7}', f.flag) AS c;
UPDATE actstream.follows SET flag = 'd' WHERE flag = 'b';
UPDATE actstream.follows SET followee = 'page:6' WHERE followee = 'page:7' AND (follower = 'user:7' OR flag = 'd');
SELECT f.flag, c.* FROM (VALUES ('a'), ('b'), ('c'), ('d'), (NULL)) AS f (flag), LATERAL actstream.follower_counts('{page:6,page:7}', f.flag) AS c;
BEGIN;
SAVEPOINT s;
DELETE FROM actstream.follows WHERE follower = 'user:7';
SELECT * FROM actstream.follower_counts('{page:6,page:7}');
ROLLBACK TO s;
SELECT * FROM actstream.follower_counts('{page:6,page:7}');
WITH gone AS (DELETE FROM actstream.follows WHERE followee = 'page:6' RETURNING *)
INSERT INTO actstream.follows SELECT follower, followee, 'a' FROM gone GROUP BY 1, 2;
SELECT f.flag, c.* FROM (VALUES ('a'), ('c'), ('d'), (NULL)) AS f (flag), LATERAL actstream.follower_counts('{page:6}', f.flag) AS c;
COMMIT;
SELECT * FROM actstream.integrity_check();

-- many followers of one object in one statement: one slot, which changes once
INSERT INTO actstream.follows SELECT actstream.ref('user', i), 'page:10' FROM generate_series(1, 25000) i;
SELECT * FROM actstream.follower_counts('{page:10}');
SELECT count(*) FROM actstream.follow_counts WHERE object = 'page:10';
DELETE FROM actstream.follows WHERE followee = 'page:10';
SELECT count(*) FROM actstream.follow_counts WHERE object = 'page:10';

-- a trigger that follows while a statement that does is not done
CREATE FUNCTION also() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    INSERT INTO actstream.follows VALUES (NEW.follower, NEW.followee, NEW.flag || '+');
    BEGIN
        INSERT INTO actstream.follows VALUES (NEW.follower, NEW.followee, NEW.flag || '-');
        RAISE SQLSTATE 'ZZ000';
    EXCEPTION WHEN SQLSTATE 'ZZ000' THEN
    END;
    RETURN NULL;
END
$$;
CREATE TRIGGER a_also AFTER INSERT ON actstream.follows FOR EACH ROW WHEN (length(NEW.flag) = 1) EXECUTE FUNCTION also();
INSERT INTO actstream.follows SELECT 'user:1', 'page:11', f FROM unnest('{c,b,a}'::text[]) f;
SELECT * FROM actstream.follower_counts('{page:11}');
DROP FUNCTION also() CASCADE;
SELECT * FROM actstream.integrity_check();

-- a trigger that follows while the counts of a statement with many are stored, before it is done
CREATE FUNCTION also() RETURNS trigger LANGUAGE plpgsql AS
$$
BEGIN
    IF NEW.flag = 'w' AND NEW.object IN ('page:1100', 'page:7100') THEN
        INSERT INTO actstream.follows SELECT 'user:2', NEW.object, f FROM unnest('{a,b}'::text[]) f;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER also BEFORE INSERT ON actstream.follow_counts FOR EACH ROW EXECUTE FUNCTION also();
INSERT INTO actstream.follows SELECT 'user:1', actstream.ref('page', 1000 + i), 'w' FROM generate_series(1, 12000) i;
SELECT * FROM actstream.follower_counts('{page:1100,page:1101,page:7100,page:13000}');
DROP FUNCTION also() CASCADE;
SELECT * FROM actstream.integrity_check();
DELETE FROM actstream.follows WHERE flag = 'w';

-- one who may only insert into follows
CREATE ROLE counts_app;
GRANT USAGE ON SCHEMA actstream TO counts_app;
GRANT INSERT ON actstream.follows TO counts_app;
SET ROLE counts_app;
INSERT INTO actstream.follows VALUES ('user:1', 'page:12');
SELECT * FROM actstream.follower_counts('{page:12}');
SELECT actstream.recount_followers();
UPDATE actstream.follow_counts SET followers = 0;
RESET ROLE;
-- policies of follows do not apply to counts; those of follow_counts do
GRANT SELECT ON actstream.follows, actstream.follow_counts TO counts_app;
ALTER TABLE actstream.follows ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SET ROLE counts_app;
SELECT * FROM actstream.follower_counts('{page:12}');
RESET ROLE;
ALTER TABLE actstream.follow_counts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY writer ON actstream.follows FOR INSERT TO counts_app WITH CHECK (true);
SET ROLE counts_app;
SELECT * FROM actstream.follower_counts('{page:12}');
INSERT INTO actstream.follows VALUES ('user:2', 'page:12');
RESET ROLE;
SELECT * FROM actstream.follower_counts('{page:12}');
ALTER TABLE actstream.follows DISABLE ROW LEVEL SECURITY;
ALTER TABLE actstream.follow_counts DISABLE ROW LEVEL SECURITY;
DROP OWNED BY counts_app;
DROP ROLE counts_app;

-- counts that are wrong are found, and mended
ALTER TABLE actstream.follows DISABLE TRIGGER follow_count;
INSERT INTO actstream.follows VALUES ('user:1', 'page:13', ''), ('user:1', 'page:13', 'x');
DELETE FROM actstream.follows WHERE followee = 'page:12';
SELECT problem, object, detail FROM actstream.integrity_check() ORDER BY 1, 2, 3;
SELECT actstream.recount_followers();
ALTER TABLE actstream.follows ENABLE TRIGGER follow_count;
SELECT * FROM actstream.integrity_check();
-- follows that were there before counts were
DROP TABLE actstream.follow_counts;
SELECT actstream.follow_many('user:1', '{page:14}');
SELECT * FROM actstream.follower_counts('{page:14}');
SELECT actstream.create_tables();
SELECT * FROM actstream.follower_counts('{page:14,page:13}');
SELECT * FROM actstream.integrity_check();
SELECT actstream.create_tables();
-- without the trigger that stores, each row stores its own
ALTER TABLE actstream.follow_counts DISABLE TRIGGER follow_count_store;
SELECT actstream.follow_many('user:2', '{page:14,page:13}');
SELECT * FROM actstream.follower_counts('{page:14,page:13}');
ALTER TABLE actstream.follow_counts ENABLE TRIGGER follow_count_store;
-- without its primary key
ALTER TABLE actstream.follow_counts DROP CONSTRAINT follow_counts_pkey;
SELECT actstream.follow_many('user:3', '{page:14}');
-- what is collected in vain leaves no memory
BEGIN;
DO $$
BEGIN
    FOR i IN 1 .. 50 LOOP
        BEGIN
            PERFORM actstream.follow_many('user:3', '{page:14}');
        EXCEPTION WHEN object_not_in_prerequisite_state THEN
        END;
    END LOOP;
END
$$;
SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'actstream follow counts';
COMMIT;
SELECT actstream.create_tables();

TRUNCATE actstream.follows;
SELECT count(*) FROM actstream.follow_counts;
SELECT actstream.follow_many('user:1', '{page:1}');
TRUNCATE actstream.follow_counts, actstream.follows;
SELECT count(*) FROM actstream.follow_counts;
DROP TABLE doc;
SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
