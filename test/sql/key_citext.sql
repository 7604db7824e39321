--
-- Keys of type citext, whose text is the lower-case one
--
SELECT NOT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'citext') AS no_citext \gset
\if :no_citext
\quit
\endif
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS citext CASCADE;
-- its operators are found wherever they are
CREATE SCHEMA "Its own";
CREATE EXTENSION citext SCHEMA "Its own";
RESET client_min_messages;
CREATE SCHEMA keys;
SET search_path = keys, "Its own";

CREATE DOMAIN nick AS citext CHECK (length(VALUE) < 20);
CREATE TABLE account (email citext PRIMARY KEY, name text);
CREATE TABLE player (nick nick, game citext, name text, PRIMARY KEY (game, nick));
CREATE TABLE part (k citext, PRIMARY KEY (k)) PARTITION BY LIST (k);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN ('a');
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN ('b');
INSERT INTO account VALUES ('Ann@Example.org', 'Ann'), ('ÄRGER', 'Ä'), ('plain', 'P');
INSERT INTO player VALUES ('Neo', 'Go, fast', 'N');
INSERT INTO part VALUES ('A');
SELECT label, key_columns FROM actstream.register('account', name_template => '{name} <{email}>', url_template => '/{email}');
SELECT label, key_columns FROM actstream.register('player', name_template => '{nick}');
SELECT label FROM actstream.register('part');

SELECT actstream.ref_of(a), actstream.display_name(actstream.ref_of(a)), actstream.url(actstream.ref_of(a)), actstream.expand(actstream.ref_of(a)) FROM account a WHERE email <> 'ÄRGER';
-- what lower case is, the database's locale says
SELECT actstream.ref_key(actstream.ref_of(a)) = lower(email::text) AS lower, actstream_internal.object_exists(actstream.ref_of(a)) FROM account a WHERE name = 'Ä';
SELECT actstream.ref_of(p), actstream.display_name(actstream.ref_of(p)), actstream.expand(actstream.ref_of(p)) FROM player p;
SELECT * FROM actstream.expand_all('{account:plain,account:ann@example.org,account:Plain,"player:go\\, fast,neo"}');
SELECT verb FROM actstream.act_send('account:ann@example.org', 'met', 'player:go\, fast,neo', 'part:a');
SELECT actstream.act_send('account:Ann@Example.org', 'met');
SELECT actstream.act_send('player:Go\, fast,Neo', 'met');
SELECT actstream.act_send('part:A', 'met');
SELECT actstream.act_send('account:nobody', 'met');
SELECT actstream.display_name('account:Plain'), actstream.url('account:Plain'), actstream.expand('account:Plain'), actstream_internal.object_exists('account:Plain');

-- another spelling is the same key; another key takes the references along
UPDATE account SET email = 'ANN@example.ORG' WHERE email = 'ann@example.org';
UPDATE player SET nick = 'NEO';
SELECT actor, action_object, target FROM actstream.actions;
SELECT actstream.display_name('account:ann@example.org');
UPDATE account SET email = 'Ann@Example.net' WHERE name = 'Ann';
UPDATE player SET game = 'Chess';
UPDATE part SET k = 'B';
SELECT actor, action_object, target FROM actstream.actions;
SELECT problem, object FROM actstream.integrity_check();
DELETE FROM player;
SELECT actor FROM actstream.actions;
SELECT verb FROM actstream.act_send('account:ann@example.net', 'left');
DELETE FROM account WHERE email = 'ANN@EXAMPLE.NET';
SELECT actor FROM actstream.actions;

-- a dump finds the operators of text for what names none, so track() puts its trigger right
CREATE TABLE renamed (id integer PRIMARY KEY, name citext, game citext);
SELECT label FROM actstream.register('renamed');
CREATE FUNCTION track_again(condition text, OUT before text, OUT restored text, OUT after text, OUT same boolean) LANGUAGE plpgsql AS $$
DECLARE
    first name := actstream.track('keys.renamed', 'renamed', 'renamed:{id}', events => '{update}', condition => condition);
BEGIN
    SELECT t.condition INTO before FROM actstream.tracked() t WHERE t.relation = 'keys.renamed'::regclass;
    SET LOCAL search_path = '';
    EXECUTE (SELECT 'DROP TRIGGER ' || tgname || ' ON keys.renamed; ' || pg_get_triggerdef(oid) FROM pg_trigger
             WHERE tgrelid = 'keys.renamed'::regclass AND tgname = first);
    SELECT t.condition INTO restored FROM actstream.tracked() t WHERE t.relation = 'keys.renamed'::regclass;
    SET LOCAL search_path = keys, "Its own";
    same := actstream.track('keys.renamed', 'renamed', 'renamed:{id}', events => '{update}', condition => condition) = first;
    SELECT t.condition INTO after FROM actstream.tracked() t WHERE t.relation = 'keys.renamed'::regclass;
    PERFORM actstream.untrack('keys.renamed');
END $$;
SELECT c AS condition, t.* FROM (VALUES ('NEW.name IS DISTINCT FROM OLD.name'), ($$NULLIF(NEW.name, '') IS NOT NULL$$), ($$CASE NEW.name WHEN 'a' THEN true ELSE false END$$),
    ('(NEW.name, NEW.id) IS NOT DISTINCT FROM (OLD.name, OLD.id)'), ($$NEW.name IN ('a', 'b')$$), ('NEW.* IS DISTINCT FROM OLD.*')) v (c), track_again(c) t;
DROP TABLE renamed;
-- a trigger of track() writes the same text
CREATE TABLE login (id integer PRIMARY KEY, who citext);
SELECT label FROM actstream.register('login');
SELECT actstream.track('login', 'came', 'account:{who}');
INSERT INTO login VALUES (1, 'PLAIN');
SELECT actor, action_object FROM actstream.actions;

-- an index that takes it for text is none: two rows would have one key
CREATE TABLE spelling (k citext NOT NULL);
CREATE UNIQUE INDEX ON spelling (k text_ops);
SELECT actstream.register('spelling', key_columns => '{k}');
CREATE UNIQUE INDEX ON spelling (k);
SELECT label FROM actstream.register('spelling', key_columns => '{k}');
-- nor is a type that only has its name
CREATE DOMAIN keys.citext AS numeric;
CREATE TABLE other (k keys.citext PRIMARY KEY);
SELECT actstream.register('other');
ALTER EXTENSION citext ADD DOMAIN keys.citext;
SELECT actstream.register('other');
ALTER EXTENSION citext DROP DOMAIN keys.citext;

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA keys CASCADE;
DROP EXTENSION actstream CASCADE;
DROP EXTENSION citext;
DROP SCHEMA "Its own";
