-- What an owner's code raises, and how long names are, is no matter of whoever reads a page.
\i test/lib/fresh.sql
SET client_min_messages = warning;
CREATE ROLE bounds_owner;
CREATE ROLE bounds_reader;
CREATE SCHEMA bounds AUTHORIZATION bounds_owner;
GRANT USAGE ON SCHEMA actstream, bounds TO bounds_owner, bounds_reader;
GRANT ALL ON actstream.object_types, actstream.actions TO bounds_owner;
GRANT SELECT ON actstream.actions TO bounds_reader;
RESET client_min_messages;
SET ROLE bounds_owner;
CREATE TABLE bounds.thing (id int PRIMARY KEY, name text);
INSERT INTO bounds.thing VALUES (1, 'One'), (2, repeat('&', 200000)), (3, repeat('é', 100000));
GRANT SELECT ON bounds.thing TO PUBLIC;
SELECT label FROM actstream.register('bounds.thing', name_template => '{name}{name}', url_template => '/things/{name}');

-- a name is cut after 64 kB, and a longer URL is none
SET ROLE bounds_reader;
SELECT id, octet_length(actstream.display_name(actstream.ref('thing', id))) AS bytes, right(actstream.display_name(actstream.ref('thing', id)), 4) AS ending,
       actstream.url(actstream.ref('thing', id)) IS NULL AS no_url FROM generate_series(1, 3) AS id;

-- errors of whatever code that a function of the owner raises, on reading and on writing
SET ROLE bounds_owner;
ALTER TABLE bounds.thing ENABLE ROW LEVEL SECURITY;
CREATE FUNCTION bounds.fail() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = current_setting('bounds.code'), MESSAGE = 'no';
END
$$;
CREATE POLICY fail ON bounds.thing USING (bounds.fail());
SET ROLE bounds_reader;
CREATE FUNCTION pg_temp.named(code text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('bounds.code', code, true);
    RETURN actstream.display_name('thing:1');
EXCEPTION WHEN OTHERS OR query_canceled OR assert_failure THEN
    RETURN 'lost: ' || SQLSTATE;
END
$$;
SET client_min_messages = error;
SELECT code, pg_temp.named(code) FROM unnest('{22012,40001,40P01,42501,53100,55P03,57014,58000,P0004,XX000,XX001}'::text[]) AS code;
RESET client_min_messages;
RESET ROLE;

-- memory: large values that are no texts are left out; of many columns, few rows are read at a time
SET ROLE bounds_owner;
CREATE TABLE bounds.large (id int PRIMARY KEY, raw bytea, list int[], word text, mail text);
INSERT INTO bounds.large VALUES (1, decode(repeat('00', 20000000), 'hex'), array(SELECT 0 FROM generate_series(1, 1000000)), 'small', repeat('x', 9000)),
    (2, '\x00ff', '{1,2}', NULL, 'x');
SELECT label FROM actstream.register('bounds.large', name_template => 'large {raw} {list} {word} {mail}');
CREATE TABLE bounds.wide (id int PRIMARY KEY);
SELECT format('ALTER TABLE bounds.wide %s', string_agg(format('ADD c%s text', i), ', ')) FROM generate_series(1, 100) AS i
\gset
:format;
INSERT INTO bounds.wide (id, c1, c99) SELECT i, 'first ' || i, 'last ' || i FROM generate_series(1, 50) AS i;
SELECT label FROM actstream.register('bounds.wide', name_template => (SELECT string_agg(format('{c%s}', i), '' ORDER BY i) FROM generate_series(1, 100) AS i));
-- and of partitions, those that can have the objects
CREATE TABLE bounds.parted (id int PRIMARY KEY, name text) PARTITION BY RANGE (id);
SELECT format('CREATE TABLE bounds.parted_%s PARTITION OF bounds.parted FOR VALUES FROM (%s) TO (%s)', i, i * 10, i * 10 + 10) FROM generate_series(0, 29) AS i
\set ECHO none
\gexec
\set ECHO all
INSERT INTO bounds.parted SELECT i, 'part ' || i / 10 FROM generate_series(0, 299) AS i;
SELECT label FROM actstream.register('bounds.parted', name_template => '{name}');
GRANT SELECT ON bounds.large, bounds.wide, bounds.parted TO bounds_reader;
SET ROLE bounds_reader;
SELECT object, length(name), left(name, 30) FROM actstream.display_all('{large:1,large:2}');
SELECT count(*), min(name), max(name) FROM actstream.display_all(array(SELECT actstream.ref('wide', i) FROM generate_series(1, 50) AS i));
BEGIN;
SELECT object, name FROM actstream.display_all('{parted:5,parted:105,parted:299,parted:300}');
SELECT count(DISTINCT relation) < 15 AS few_locked FROM pg_locks WHERE pid = pg_backend_pid() AND relation::regclass::text ~ 'parted';
COMMIT;
RESET ROLE;

-- addresses that run something are no links, whoever chooses the scheme
SELECT label FROM actstream.register_external('script', url_template => 'javascript:alert({key})');
SELECT label FROM actstream.register_external('chosen', url_template => '{key}:{key}');
SELECT label FROM actstream.register_external('app', url_template => 'myapp://open/{key}');
SELECT o, actstream.url(o) FROM unnest('{script:1,chosen:javascript,chosen:myapp,chosen:https,app:1}'::actstream.ref[]) AS o;

-- a pattern is as short as a template
INSERT INTO actstream.phrases VALUES ('xx', 'long', repeat('x', 2049));

SET client_min_messages = warning;
DO 'BEGIN PERFORM actstream.drop_tables(); END';
DROP OWNED BY bounds_owner, bounds_reader CASCADE;
DROP ROLE bounds_owner, bounds_reader;
