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
