-- The registry: what can be registered, by whom, and what is refused.
\i test/lib/fresh.sql
CREATE SCHEMA reg;
SET search_path = reg;

CREATE TABLE users (id int PRIMARY KEY, name text, email text UNIQUE, code text NOT NULL UNIQUE);
CREATE TABLE repo (owner text, name varchar(100), PRIMARY KEY (owner, name));
CREATE TABLE "Odd Table" (id uuid PRIMARY KEY);
CREATE TABLE part (id bigint, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE part_id (id int PRIMARY KEY, x int) PARTITION BY LIST (id);
CREATE TABLE part_id_1 PARTITION OF part_id FOR VALUES IN (1);

-- defaults: the table's name, the primary key
SELECT * FROM actstream.register('repo');
SELECT * FROM actstream.register('users', 'user', name_template => '{name} <{email}>',
                                 url_template => '/users/{id}?{{x}}', on_delete => 'set null');
SELECT * FROM actstream.register('part_id');
SELECT * FROM actstream.register_external('site', '{key}', 'https://{key}/{label}');

-- again, with the same label: the attributes change
SELECT * FROM actstream.register('users', 'user', key_columns => '{code}', checked => false);
SELECT * FROM actstream.register_external('site');
SELECT * FROM actstream.object_types ORDER BY label;

-- a label has one meaning, a table one label
SELECT actstream.register('users');
SELECT actstream.register('part_id', 'user');
SELECT actstream.register_external('user');
SELECT actstream.register('users', 'site');
\set VERBOSITY terse
INSERT INTO actstream.object_types (label, relation, key_columns) VALUES ('again', 'users', '{id}');
\set VERBOSITY default

-- what cannot be a label; the limit is 63 bytes, no folding
SELECT actstream.register('"Odd Table"');
SELECT actstream.register('"Odd Table"', '');
SELECT actstream.register('"Odd Table"', '1st');
SELECT actstream.register('"Odd Table"', 'a:b');
SELECT actstream.register('"Odd Table"', repeat('x', 64));
SELECT actstream.register_external('größe');
SELECT label FROM actstream.register('"Odd Table"', repeat('x', 63));
SELECT label FROM actstream.register_external('User');

-- what cannot be registered at all
CREATE VIEW v AS SELECT 1 AS id;
CREATE MATERIALIZED VIEW mv AS SELECT 1 AS id;
CREATE SEQUENCE s;
CREATE TEMP TABLE temporary (id int PRIMARY KEY);
CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY);
CREATE FOREIGN DATA WRAPPER dummy;
CREATE SERVER dummy FOREIGN DATA WRAPPER dummy;
CREATE FOREIGN TABLE foreign_table (id int NOT NULL) SERVER dummy;
SELECT actstream.register('v');
SELECT actstream.register('mv');
SELECT actstream.register('s');
SELECT actstream.register('temporary');
SELECT actstream.register('unlogged');
SELECT actstream.register('foreign_table');
SELECT actstream.register('part_id_1');
SELECT actstream.register('pg_class');
SELECT actstream.register('repo_pkey');
SELECT actstream.register('actstream.actions');
SELECT actstream.register('actstream.follows');
SELECT actstream.register('actstream.object_types');
SELECT actstream.register(4294967295);
SELECT actstream.register(NULL);
SELECT actstream.register_external(NULL);
SELECT actstream.register('no_such_table');

-- keys: present, unique, not null, of a type whose text is the same everywhere
CREATE COLLATION ignore_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE k (
    a int NOT NULL, b text NOT NULL, c int, d date NOT NULL UNIQUE, e numeric NOT NULL UNIQUE,
    f char(2) NOT NULL UNIQUE, g text COLLATE ignore_case NOT NULL UNIQUE, h float8 NOT NULL UNIQUE,
    i smallint NOT NULL UNIQUE, j bigint NOT NULL UNIQUE, k name NOT NULL UNIQUE, l positive NOT NULL UNIQUE,
    m int NOT NULL, n int NOT NULL, o timestamptz NOT NULL UNIQUE, p int UNIQUE,
    q int NOT NULL UNIQUE DEFERRABLE, UNIQUE (a, b));
CREATE UNIQUE INDEX ON k (m) WHERE a > 0;
CREATE UNIQUE INDEX ON k ((n + 1));
SELECT actstream.register('k');
SELECT actstream.register('k', key_columns => '{a}');
SELECT actstream.register('k', key_columns => '{a,b,i}');
SELECT actstream.register('k', key_columns => '{c}');
SELECT actstream.register('k', key_columns => '{p}');
SELECT actstream.register('k', key_columns => '{q}');
SELECT actstream.register('k', key_columns => '{m}');
SELECT actstream.register('k', key_columns => '{n}');
SELECT key_columns FROM actstream.register('k', key_columns => '{d}');
SELECT actstream.register('k', key_columns => '{e}');
SELECT key_columns FROM actstream.register('k', key_columns => '{f}');
SELECT actstream.register('k', key_columns => '{g}');
SELECT actstream.register('k', key_columns => '{h}');
SELECT key_columns FROM actstream.register('k', key_columns => '{o}');
SELECT actstream.register('k', key_columns => '{}');
SELECT actstream.register('k', key_columns => '{NULL}');
SELECT actstream.register('k', key_columns => '{i,i}');
SELECT actstream.register('k', key_columns => '{nope}');
SELECT actstream.register('k', key_columns => '{ctid}');
SELECT key_columns FROM actstream.register('part');
SELECT actstream.unregister('part');
SELECT key_columns FROM actstream.register('k', key_columns => '{b,a}');
SELECT key_columns FROM actstream.register('k', key_columns => '{i}');
SELECT key_columns FROM actstream.register('k', key_columns => '{j}');
SELECT key_columns FROM actstream.register('k', key_columns => '{k}');
SELECT key_columns FROM actstream.register('k', key_columns => '{l}');
CREATE TABLE deferred (id int PRIMARY KEY DEFERRABLE);
SELECT actstream.register('deferred');

-- templates
SELECT actstream.register('users', 'user', name_template => '{nope}');
SELECT actstream.register('users', 'user', url_template => '/{ctid}');
SELECT actstream.register('users', 'user', name_template => '{name');
SELECT actstream.register('users', 'user', name_template => 'name}');
SELECT actstream.register('users', 'user', name_template => '{}');
SELECT actstream.register('users', 'user', name_template => '{na{me}');
SELECT actstream.register_external('site', '{name}');
SELECT name_template FROM actstream.register('users', 'user', name_template => '{{name}} }}{{ {name}');

-- the other attributes
SELECT actstream.register('users', 'user', on_delete => 'explode');
SELECT actstream.register('users', 'user', on_delete => NULL);
SELECT actstream.register('users', 'user', checked => NULL);
SELECT on_delete FROM actstream.register('users', 'user', on_delete => 'restrict');
SELECT on_delete FROM actstream.register('users', 'user', on_delete => 'keep');

-- the table keeps the same rules against any other way of writing
INSERT INTO actstream.object_types (label, relation, key_columns) VALUES ('x', 'v', '{id}');
INSERT INTO actstream.object_types (label, relation) VALUES ('x', 'deferred');
INSERT INTO actstream.object_types (label, key_columns) VALUES ('x', '{id}');
INSERT INTO actstream.object_types (label, on_delete) VALUES ('x', 'explode');
INSERT INTO actstream.object_types (label) VALUES ('x y');
UPDATE actstream.object_types SET name_template = '{' WHERE label = 'user';
UPDATE actstream.object_types SET key_columns = '{name}' WHERE label = 'user';
COPY actstream.object_types (label, relation, key_columns) FROM STDIN;
x	reg.k	{a}
\.
INSERT INTO actstream.object_types (label) VALUES ('by_insert');

-- unregister, and what is referenced stays
INSERT INTO users VALUES (1, 'Ann', 'ann@example.org', 'a');
SELECT verb FROM actstream.act_send('user:1', 'arrived', target => 'site:example.org');
SELECT actstream.unregister('user');
SELECT actstream.unregister('site');
DELETE FROM actstream.object_types WHERE label = 'site';
UPDATE actstream.object_types SET label = 'place' WHERE label = 'site';
UPDATE actstream.object_types SET relation = '"Odd Table"' WHERE label = 'user';
SELECT actstream.register('users', 'user', key_columns => '{code}');
TRUNCATE actstream.object_types;
SELECT actstream.unregister('nope');
SELECT actstream.unregister(NULL);
SELECT actstream.unregister('by_insert');
SELECT actstream.unregister('repo');
DELETE FROM actstream.actions;
SELECT flag FROM actstream.follow('site:a', 'User:b', send_action => false);
SELECT actstream.unregister('site');
SELECT actstream.unregister('User');
SELECT actstream.unfollow('site:a', 'User:b');
SELECT actstream.unregister('site');
UPDATE actstream.object_types SET label = 'person' WHERE label = 'user';
SELECT label FROM actstream.object_types ORDER BY label;
-- the label ends where it ends
SELECT actstream.register_external('use');
SELECT actstream.register_external('user-');
SELECT verb FROM actstream.act_send('user-:1', 'arrived');
SELECT actstream.unregister('use');
DELETE FROM actstream.actions;
DELETE FROM actstream.object_types WHERE relation IS NULL OR relation <> '"Odd Table"'::regclass;
SELECT actstream.act_send('person:1', 'arrived');

-- a registration lives and dies with its transaction
INSERT INTO users VALUES (2, 'Ben', 'ben@example.org', 'b');
BEGIN;
SELECT label FROM actstream.register('users');
SELECT verb FROM actstream.act_send('users:2', 'arrived');
SAVEPOINT s;
SELECT label FROM actstream.register_external('site');
SELECT verb FROM actstream.act_send('users:2', 'visited', 'site:a');
ROLLBACK TO s;
SELECT verb FROM actstream.act_send('users:2', 'visited', 'site:a');
ROLLBACK TO s;
COMMIT;
SELECT actor, verb FROM actstream.actions;
BEGIN;
SELECT label FROM actstream.register_external('site');
ROLLBACK;
SELECT actstream.act_send('users:2', 'visited', 'site:a');

-- the registered table may be gone
SELECT label FROM actstream.register('k', key_columns => '{i}');
DROP TABLE k;
SELECT label FROM actstream.object_types ORDER BY label;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA reg CASCADE;
DROP FOREIGN DATA WRAPPER dummy CASCADE;
DO 'BEGIN PERFORM actstream.drop_tables(); END';
DROP EXTENSION actstream;
