--
-- What objects are called, where they are shown, and what their rows hold: as
-- far as whoever asks may see it
--
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS names, names_hidden CASCADE;
DROP ROLE IF EXISTS actstream_reader, actstream_owner;
RESET client_min_messages;

SET datestyle = 'ISO';
SET timezone = 'UTC';
CREATE SCHEMA names;
SET search_path = names;

--
-- Templates
--

CREATE TABLE users (id integer PRIMARY KEY, first_name text, last_name text, born date);
CREATE TABLE repo (owner text, name varchar(40), stars smallint, PRIMARY KEY (owner, name));
CREATE TABLE issue (id uuid PRIMARY KEY, title text NOT NULL);
CREATE TABLE page (title text PRIMARY KEY, body text);
CREATE TABLE "Odd ""Table""" ("the key" name PRIMARY KEY, "a}" text, "select" bigint);
CREATE TABLE plain (id bigint PRIMARY KEY);
INSERT INTO users VALUES (1, 'Ann', 'Lee', '1990-05-04'), (2, 'Bob', NULL, NULL), (3, NULL, NULL, NULL), (-4, '', 'X', NULL);
INSERT INTO repo VALUES ('acme', 'rocket', 5), ('a,b', 'c\d', 6), ('a:b', ' ', NULL), ('a', 'b,c\d', 7);
INSERT INTO issue VALUES ('6f1c3a52-0c39-4f9e-8d6c-2b1f0a7c9e11', 'It does not fly');
INSERT INTO page VALUES ('Main', 'main'), ('a,b', 'comma'), ('a\b', 'backslash'), ('a:b', 'colon'),
    (' ', 'blank'), ('../../etc', 'dots'), ('Größe 🚀', 'wide'), ('100% "<&>"', 'signs'), (E'a\nb\t', 'control'),
    (repeat('ä', 512), 'as long as a key can be');
INSERT INTO "Odd ""Table""" VALUES ('k', 'v', 1);
INSERT INTO plain VALUES (1);

SELECT label FROM actstream.register('users', 'user', name_template => '{first_name} {last_name}', url_template => '/users/{id}');
SELECT label FROM actstream.register('repo', name_template => '{owner}/{name}', url_template => '/{owner}/{name}');
SELECT label FROM actstream.register('issue', name_template => '"{title}"', url_template => '/i/{id}?title={title}');
SELECT label FROM actstream.register('page', name_template => '{title}', url_template => '/wiki/{title}');
SELECT label FROM actstream.register('"Odd ""Table"""', 'odd', name_template => '{{{the key}}} {select}', url_template => '/{select}#{{');
SELECT label FROM actstream.register('plain');
SELECT label FROM actstream.register_external('website', '{label} {key}', 'https://{key}');
SELECT label FROM actstream.register_external('thing');

CREATE FUNCTION shown(VARIADIC objects text[]) RETURNS TABLE (object text, name text, url text, value jsonb) LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT o, actstream.display_name(o::actstream.ref), actstream.url(o::actstream.ref), actstream.expand(o::actstream.ref)
    FROM unnest(objects) o;
END;

-- an integer key; a null is empty; what has no name is called by its reference
SELECT * FROM shown('user:1', 'user:2', 'user:3', 'user:-4');
-- composite keys
SELECT * FROM shown('repo:acme,rocket', 'repo:a\,b,c\\d', 'repo:a:b, ', 'repo:a,b\,c\\d');
-- a uuid; names that have to be quoted; no templates
SELECT * FROM shown('issue:6f1c3a52-0c39-4f9e-8d6c-2b1f0a7c9e11', 'odd:k', 'plain:1');
-- text keys: in a URL each is one segment of the path
SELECT * FROM shown('page:Main', 'page:a,b', 'page:a\b', 'page:a:b', 'page: ', 'page:../../etc', 'page:Größe 🚀',
                    'page:100% "<&>"', E'page:a\nb\t');
SELECT length(name), left(url, 20), length(url), value->>'body' FROM shown('page:' || repeat('ä', 512));
-- external types have a label and a key
SELECT * FROM shown('website:example.org', 'website:javascript:alert(1)//', 'website:é', 'thing:1');
-- a template that is a column and no more has an address in it, if it is harmless
SELECT label FROM actstream.register_external('web', url_template => '{key}');
SELECT o AS object, actstream.url(o::actstream.ref)
FROM unnest(ARRAY['web:https://example.org/a/b?c=d&e=f#g', 'web:HTTPS://example.org', 'web:http://[::1]:80/', 'web:https://exämple.org/é ü/%zz%20"<>',
                  'web:https://', 'web:http:x', 'web:mailto:ann@example.org', 'web:tel:+1-201-555-0123', 'web:urn:isbn:0451450523', 'web:geo:1,2',
                  'web:javascript:alert(1)', 'web:JavaScript:alert(1)', E'web:java\tscript:alert(1)', 'web: javascript:alert(1)', 'web:data:text/html,x', 'web:vbscript:x', 'web:file:///etc/passwd',
                  'web:blob:x', 'web:x-own:y', 'web:/path/x:y?z:1', 'web:path/x', 'web:1:2/3:4', 'web://example.org/x', 'web:?q', 'web:#f', 'web:example.org',
                  'web: ']) o;
CREATE TABLE link (id integer PRIMARY KEY, address text, name text);
INSERT INTO link VALUES (1, 'https://example.org/?a=1', 'One'), (2, 'javascript:alert(1)', 'Two'), (3, NULL, 'Three'), (4, '', 'Four');
SELECT label FROM actstream.register('link', name_template => '{name}', url_template => '{address}');
SELECT object, name, url FROM shown('link:1', 'link:2', 'link:3', 'link:4');
SELECT label FROM actstream.register('link', name_template => '{name}', url_template => '{{{address}');
SELECT object, url FROM shown('link:1');
SELECT label FROM actstream.register_external('web', url_template => '{label}');
SELECT actstream.url('web:x');
-- objects that are not there, keys that no row has, labels that nobody knows
SELECT * FROM shown('user:5', 'user:x', 'user:01', 'user:99999999999999999999', 'repo:acme', 'repo:acme,rocket,x', 'repo:acme\,rocket',
                    'repo:acme\x,rocket', 'issue:6F1C3A52-0C39-4F9E-8D6C-2B1F0A7C9E11', 'issue:1', 'page:Nowhere', 'nothing:1');
-- long values
UPDATE users SET first_name = repeat('ä🚀', 5000), last_name = '"<&>{first_name}' WHERE id = 2;
SELECT length(actstream.display_name('user:2')), right(actstream.display_name('user:2'), 20),
       md5(actstream.display_name('user:2')) = md5(first_name || ' ' || last_name) AS whole,
       actstream.expand('user:2') = to_jsonb(u.*) AS expanded
FROM users u WHERE id = 2;
-- null gives null
SELECT actstream.display_name(NULL), actstream.url(NULL), actstream.expand(NULL);

-- a URL with a hole in it leads nowhere; what is not of the key needs the row
SELECT label FROM actstream.register('users', 'user', name_template => '#{id}', url_template => '/{last_name}/{id}');
SELECT object, name, url FROM shown('user:1', 'user:3', 'user:-4', 'user:5');
-- a text without columns: perhaps the braces were forgotten
SELECT label FROM actstream.register('users', 'user', name_template => 'a user', url_template => '/users');
SELECT object, name, url FROM shown('user:1', 'user:5', 'user:x');
SELECT label FROM actstream.register('users', 'user', name_template => '', url_template => '');
SELECT object, name, url FROM shown('user:1');
SELECT label FROM actstream.register('users', 'user', name_template => '{first_name}', url_template => '/{id}');
UPDATE users SET first_name = 'Bob', last_name = NULL WHERE id = 2;

-- every type of value that a row can hold
CREATE TYPE pair AS (a integer, b text);
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE DOMAIN small AS smallint;
CREATE TABLE sample (id small PRIMARY KEY, t timestamptz, b bytea, j jsonb, n numeric, f float8, a text[], p pair, m mood,
                     r int4range, d interval, g integer GENERATED ALWAYS AS (id + 1) STORED, r2 actstream.ref);
INSERT INTO sample (id, t, b, j, n, f, a, p, m, r, d, r2) VALUES
    (1, '2026-01-02 03:04:05.6+00', '\xdeadbeef', '{"a": [1, null]}', 'NaN', 2.5, '{a,NULL,"b c"}', '(1,"x ""y""")', 'bad',
     '[1,5)', '1 mon 2 days', 'user:1');
SELECT label FROM actstream.register('sample', name_template => '{t} {b} {j} {n} {f} {a} {p} {m} {r} {d} {g} {r2}');
SELECT actstream.display_name('sample:1');
SELECT key, value FROM jsonb_each(actstream.expand('sample:1')) ORDER BY 1;
SELECT actstream.expand('sample:1') = to_jsonb(s.*) AS same FROM sample s;
SELECT actstream.expand('sample:32768'), actstream.expand('sample:-32768');
-- settings decide how a date looks
SET datestyle = 'German';
SET timezone = 'America/New_York';
SELECT left(actstream.display_name('sample:1'), 27);
SET datestyle = 'ISO';
SET timezone = 'UTC';

-- columns that are made when they are read, where there are such
SELECT format('CREATE TABLE made (id integer PRIMARY KEY, first text, whole text GENERATED ALWAYS AS (first || '' Lee'') %s, '
              'slug text GENERATED ALWAYS AS (lower(first)) %1$s)',
              CASE WHEN current_setting('server_version_num')::integer >= 180000 THEN 'VIRTUAL' ELSE 'STORED' END) AS create_made \gset
:create_made;
INSERT INTO made VALUES (1, 'Ann'), (2, NULL);
SELECT label FROM actstream.register('made', name_template => '{whole}', url_template => '/{slug}/{id}');
SELECT * FROM shown('made:1', 'made:2');
SELECT * FROM actstream.expand_all('{made:1,made:2}');

-- the braces of a template
SELECT label FROM actstream.register('plain', name_template => '{{{id}}} }}{{ {id}{id}', url_template => '/{{{id}}}');
SELECT object, name, url FROM shown('plain:1');

--
-- All at once
--

-- each object once, where it is first mentioned; null is no object
SELECT * FROM actstream.expand_all('{user:2,plain:1,user:1,thing:1,"repo:acme,rocket",user:2,NULL,user:9,nothing:1,plain:1,"repo:a\\,b,c\\\\d"}');
SELECT * FROM actstream.expand_all('{}');
SELECT * FROM actstream.expand_all('{NULL}');
SELECT * FROM actstream.expand_all(NULL);
SELECT * FROM actstream.expand_all('{{user:1,user:2},{user:2,user:3}}');
CREATE TABLE numbers (id integer PRIMARY KEY, square bigint);
INSERT INTO numbers SELECT i, i * i FROM generate_series(1, 5000) i;
SELECT label FROM actstream.register('numbers', 'number');
SELECT count(*), count(value), sum((value->>'square')::bigint), bool_and(value->>'id' = actstream.ref_key(object) OR value IS NULL) AS right_ones
FROM actstream.expand_all(ARRAY(SELECT actstream.ref('number', i % 6000) FROM generate_series(0, 11999) i));
-- in the select list, and beside others
SELECT actstream.expand_all('{number:3,number:2}');
SELECT n, e.* FROM (VALUES (1), (2)) v (n), LATERAL actstream.expand_all(ARRAY[actstream.ref('number', n), actstream.ref('user', n)]) e;

-- The witness: joined by hashing, a query scans its table once.  So the number of
-- scans is the number of queries.
CREATE FUNCTION scans_of(relation regclass) RETURNS bigint LANGUAGE sql AS $$
    SELECT pg_stat_get_xact_numscans(relation) + coalesce(sum(pg_stat_get_xact_numscans(indexrelid)), 0)::bigint
    FROM pg_index WHERE indrelid = relation;
$$;
CREATE FUNCTION scans(query text) RETURNS TABLE (label text, scans bigint) LANGUAGE plpgsql
    SET enable_nestloop = off SET enable_mergejoin = off SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    before jsonb;
BEGIN
    SELECT jsonb_object_agg(t.label, scans_of(t.relation)) INTO before
    FROM actstream.object_types t WHERE t.relation IS NOT NULL;
    EXECUTE query;
    RETURN QUERY SELECT t.label, scans_of(t.relation) - (before->>t.label)::bigint
    FROM actstream.object_types t
    WHERE t.relation IS NOT NULL AND scans_of(t.relation) <> (before->>t.label)::bigint ORDER BY 1;
END
$$;
-- a page of 30 actions over 4 types
SELECT a.id FROM generate_series(1, 30) i, LATERAL actstream.act_send(
    actstream.ref('user', 1 + i % 3), 'did',
    CASE WHEN i % 2 = 0 THEN 'issue:6f1c3a52-0c39-4f9e-8d6c-2b1f0a7c9e11'::actstream.ref ELSE actstream.ref('number', i) END,
    (ARRAY['repo:acme,rocket', 'repo:a\,b,c\\d', 'repo:a:b, ']::actstream.ref[])[1 + i % 3]) a OFFSET 29;
SELECT * FROM scans($$
    SELECT e.* FROM actstream.expand_all(ARRAY(
        SELECT o FROM (SELECT * FROM actstream.public_stream() LIMIT 30) a, unnest(ARRAY[a.actor, a.action_object, a.target]) o)) e $$);
SELECT * FROM scans($$ SELECT actstream.expand(actstream.ref('user', i)) FROM generate_series(1, 3) i $$);
-- a sentence names three objects
SELECT * FROM scans($$ SELECT actstream.sentence(a) FROM actstream.public_stream() a LIMIT 1 $$);
SELECT * FROM scans($$
    SELECT actstream.sentence(ROW(1, now(), true, 'user:1'::actstream.ref, 'met', 'user:2'::actstream.ref, 'user:3'::actstream.ref, NULL, NULL, NULL)::actstream.action) $$);
-- what cannot be there is not looked for, nor is what the reference tells
SELECT * FROM scans($$ SELECT e.*, actstream.url('user:1') FROM actstream.expand_all('{user:x,user:y,"repo:acme",thing:1,nothing:1}') e $$);

--
-- What has changed since it was registered
--

CREATE TABLE changing (id integer PRIMARY KEY, name text, place text);
INSERT INTO changing VALUES (1, 'one', 'here');
SELECT label FROM actstream.register('changing', name_template => '{name}', url_template => '/{place}/{id}');
SELECT * FROM shown('changing:1');
ALTER TABLE changing RENAME COLUMN place TO "Place";
SELECT * FROM shown('changing:1');
ALTER TABLE changing RENAME COLUMN "Place" TO place;
ALTER TABLE changing ADD COLUMN more integer DEFAULT 3;
SELECT * FROM shown('changing:1');
ALTER TABLE changing RENAME TO changed;
ALTER TABLE changed SET SCHEMA public;
SELECT * FROM shown('changing:1');
ALTER TABLE public.changed RENAME COLUMN id TO number;
SELECT * FROM shown('changing:1');
ALTER TABLE public.changed DROP COLUMN name;
SELECT * FROM shown('changing:1');
SELECT problem, label, detail FROM actstream.integrity_check() WHERE label = 'changing';
SELECT verb FROM actstream.act_send('changing:1', 'lost', 'changing:1');
CREATE VIEW lost AS
    SELECT actstream.sentence(a, a."timestamp"),
           (SELECT actstream.activity_streams_1(b, 'tag:example.org,2026:x', 'T', 'https://example.org/') #> '{items,0,object}' FROM actstream.actions b WHERE b.id = a.id) AS fed
    FROM actstream.actions a WHERE verb = 'lost';
SELECT * FROM lost;
-- templates that came past the checks, as in a copy of the table, do no harm either
SET session_replication_role = replica;
UPDATE actstream.object_types SET name_template = '{number', url_template = '}' WHERE label = 'changing';
UPDATE actstream.object_types SET name_template = '{nope}', url_template = '{}' WHERE label = 'website';
RESET session_replication_role;
SELECT * FROM shown('changing:1', 'website:x');
SELECT * FROM lost;
SELECT problem, label, detail FROM actstream.integrity_check() WHERE problem = 'broken template' ORDER BY label COLLATE "C", detail COLLATE "C";
ALTER TABLE public.changed RENAME COLUMN more TO less;
SELECT name_template FROM actstream.object_types WHERE label = 'changing';
SELECT label FROM actstream.register('public.changed', 'changing', name_template => '{less}', url_template => '/{number}');
SELECT label FROM actstream.register_external('website', '{label} {key}', 'https://{key}');
SELECT * FROM shown('changing:1', 'website:x');
SELECT problem, label, detail FROM actstream.integrity_check() WHERE problem = 'broken template';
DELETE FROM actstream.actions WHERE verb = 'lost';
-- another table that has its name now is not meant
ALTER TABLE public.changed RENAME TO other;
CREATE TABLE public.changed (number integer PRIMARY KEY, name text);
INSERT INTO public.changed VALUES (1, 'wrong');
SELECT * FROM shown('changing:1');
-- a type that is not bound any more, then without a table, then unregistered
ALTER TABLE public.other DISABLE TRIGGER actstream_object;
SELECT * FROM shown('changing:1');
DROP TRIGGER actstream_object ON public.other;
SELECT * FROM shown('changing:1');
DROP TABLE public.other, public.changed;
SELECT * FROM shown('changing:1');
CREATE TABLE kept (id integer PRIMARY KEY, name text);
INSERT INTO kept VALUES (1, 'kept');
SELECT label FROM actstream.register('kept', name_template => '{name}', url_template => '/{id}', on_delete => 'keep');
SELECT verb FROM actstream.act_send('kept:1', 'stayed');
SELECT * FROM shown('kept:1');
DROP TABLE kept;
SELECT label, name_template FROM actstream.object_types WHERE label = 'kept';
SELECT * FROM shown('kept:1');
SELECT actstream.sentence(a, a."timestamp") FROM actstream.actions a WHERE verb = 'stayed';
SELECT actstream.unregister('odd');
SELECT * FROM shown('odd:k');
-- another template is used at once, in a warm session
SELECT label FROM actstream.register('numbers', 'number', name_template => 'no. {id}');
SELECT actstream.display_name('number:3');
SELECT label FROM actstream.register('numbers', 'number', name_template => '{square}');
SELECT actstream.display_name('number:3');
-- a row that the transaction has just written, and one that it has just deleted
BEGIN;
INSERT INTO numbers VALUES (0, 0);
DELETE FROM numbers WHERE id = 3;
SELECT actstream.display_name('number:0'), actstream.display_name('number:3');
ROLLBACK;

-- partitions are rows of the root, children are not
CREATE TABLE part (id integer, region text, name text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE part_a PARTITION OF part FOR VALUES IN ('a');
CREATE TABLE part_b (name text, id integer NOT NULL, region text NOT NULL);
ALTER TABLE part ATTACH PARTITION part_b FOR VALUES IN ('b');
INSERT INTO part VALUES (1, 'a', 'in a'), (2, 'b', 'in b');
SELECT label FROM actstream.register('part', key_columns => '{id,region}', name_template => '{name}', url_template => '/{region}/{id}');
SELECT * FROM shown('part:1,a', 'part:2,b', 'part:2,a', 'part:1');
SELECT * FROM actstream.expand_all('{"part:2,b","part:1,a","part:1,b"}');
CREATE TABLE parent (id integer PRIMARY KEY, name text);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES (1, 'parent');
INSERT INTO child VALUES (1, 'child'), (2, 'child');
SELECT label FROM actstream.register('parent', name_template => '{name}');
SELECT * FROM shown('parent:1', 'parent:2');
SELECT * FROM actstream.expand_all('{parent:1,parent:2}');
-- a collation of the key's own
CREATE TABLE word (word text COLLATE "C" PRIMARY KEY, meaning text);
INSERT INTO word VALUES ('a', 'first'), ('b', 'second');
SELECT label FROM actstream.register('word', name_template => '{meaning}');
SELECT * FROM actstream.expand_all('{word:a,word:b,word:A}');
SELECT actstream.display_name('word:b');

--
-- Rights
--

CREATE ROLE actstream_owner;
CREATE ROLE actstream_reader;
GRANT USAGE ON SCHEMA actstream, names TO actstream_reader, actstream_owner;
GRANT CREATE ON SCHEMA names TO actstream_owner;
CREATE SCHEMA names_hidden;
CREATE TABLE names_hidden.room (id integer PRIMARY KEY, name text);
CREATE TABLE team (id integer PRIMARY KEY, name text, secret boolean, budget integer);
CREATE TABLE salary (id integer PRIMARY KEY, name text);
CREATE TABLE badge (id integer, serial integer, name text, pin text, PRIMARY KEY (id, serial));
INSERT INTO names_hidden.room VALUES (1, 'Blue');
INSERT INTO team VALUES (1, 'Open', false, 10), (2, 'Closed', true, 20);
INSERT INTO salary VALUES (1, 'Ann''s');
INSERT INTO badge VALUES (1, 1, 'Gold', '1234');
ALTER TABLE team ENABLE ROW LEVEL SECURITY;
ALTER TABLE team OWNER TO actstream_owner;
CREATE POLICY see ON team USING (NOT secret);
SELECT label FROM actstream.register('names_hidden.room', name_template => '{name}', url_template => '/room/{id}/{name}');
SELECT label FROM actstream.register('team', name_template => '{name}', url_template => '/team/{id}/{name}');
SELECT label FROM actstream.register('salary', name_template => '{name}', url_template => '/salary/{id}/{name}');
SELECT label FROM actstream.register('badge', name_template => '{name}', url_template => '/badge/{id}/{name}');
GRANT SELECT ON names_hidden.room, team, users TO actstream_reader;
GRANT SELECT (id, serial, name) ON badge TO actstream_reader;

SET ROLE actstream_reader;
-- tables that he may read, rows that a policy hides, a schema that is closed to him, a
-- table without a grant, columns without one
SELECT * FROM shown('user:1', 'team:1', 'team:2', 'room:1', 'salary:1', 'badge:1,1', 'repo:acme,rocket');
-- all that is hidden is as if it were not there
CREATE TEMP TABLE pairs (hidden text, missing text);
INSERT INTO pairs VALUES ('team:2', 'team:7'), ('room:1', 'room:7'), ('salary:1', 'salary:7'), ('team:2', 'unknown:2'),
    ('issue:6f1c3a52-0c39-4f9e-8d6c-2b1f0a7c9e11', 'issue:6f1c3a52-0c39-4f9e-8d6c-2b1f0a7c9e12');
SELECT hidden, missing,
       replace(h::text, hidden, 'X') = replace(m::text, missing, 'X') AS shown_the_same,
       replace(ARRAY(SELECT e FROM actstream.expand_all(ARRAY[hidden, 'team:1', hidden]::actstream.ref[]) e)::text, hidden, 'X')
       = replace(ARRAY(SELECT e FROM actstream.expand_all(ARRAY[missing, 'team:1', missing]::actstream.ref[]) e)::text, missing, 'X') AS expanded_the_same
FROM pairs, shown(hidden) h, shown(missing) m;
SELECT replace(actstream.sentence(a, a."timestamp"), 'team:2', 'X') = replace(actstream.sentence(b, b."timestamp"), 'team:7', 'X') AS said_the_same,
       actstream.sentence(a, a."timestamp")
FROM (SELECT (ROW(1, now(), true, 'team:2'::actstream.ref, 'met', 'team:1'::actstream.ref, 'team:2'::actstream.ref, NULL, NULL, NULL)::actstream.action).*) a,
     (SELECT (ROW(1, now(), true, 'team:7'::actstream.ref, 'met', 'team:1'::actstream.ref, 'team:7'::actstream.ref, NULL, NULL, NULL)::actstream.action).*) b;
-- the same, warm, while rights come and go
RESET ROLE;
GRANT USAGE ON SCHEMA names_hidden TO actstream_reader;
GRANT SELECT (name) ON salary TO actstream_reader;
GRANT SELECT (pin) ON badge TO actstream_reader;
REVOKE SELECT (name) ON badge FROM actstream_reader;
ALTER TABLE team DISABLE ROW LEVEL SECURITY;
SET ROLE actstream_reader;
SELECT * FROM shown('team:2', 'room:1', 'salary:1', 'badge:1,1');
SELECT * FROM actstream.expand_all('{"badge:1,1",team:2,team:1}');
RESET ROLE;
REVOKE SELECT (serial) ON badge FROM actstream_reader;
REVOKE SELECT ON names_hidden.room FROM actstream_reader;
GRANT SELECT (id) ON salary TO actstream_reader;
ALTER TABLE team ENABLE ROW LEVEL SECURITY;
DROP POLICY see ON team;
SET ROLE actstream_reader;
SELECT * FROM shown('team:1', 'room:1', 'salary:1', 'badge:1,1');
SELECT * FROM actstream.expand_all('{"badge:1,1",team:2,team:1}');
-- one prepared statement for several roles
PREPARE team_names AS SELECT actstream.display_name('team:1'), actstream.display_name('team:2');
EXECUTE team_names;
RESET ROLE;
EXECUTE team_names;
SET ROLE actstream_owner;
EXECUTE team_names;
RESET ROLE;
CREATE POLICY see ON team USING (name = 'Closed');
SET ROLE actstream_reader;
EXECUTE team_names;
RESET ROLE;
ALTER TABLE team FORCE ROW LEVEL SECURITY;
SET ROLE actstream_owner;
EXECUTE team_names;
-- who wants no row withheld gets an error, of any object of the type
SET row_security = off;
SELECT actstream.display_name('team:1');
SELECT actstream.display_name('team:7');
RESET row_security;
RESET ROLE;
ALTER TABLE team NO FORCE ROW LEVEL SECURITY;

-- a definer's function sees what its owner sees
CREATE FUNCTION team_name(integer) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    AS $$ SELECT actstream.display_name(actstream.ref('team', $1)) $$;
ALTER FUNCTION team_name OWNER TO actstream_owner;
SET ROLE actstream_reader;
SELECT actstream.display_name('team:1'), team_name(1);
RESET ROLE;
-- a policy that itself asks for names, of the table whose policy it is: as its owner, if that is trusted
SELECT tableowner AS own FROM pg_tables WHERE schemaname = 'actstream' AND tablename = 'actions' \gset
ALTER TABLE actstream.actions OWNER TO actstream_owner;
DROP POLICY see ON team;
CREATE POLICY see ON team USING (team_name(id) = 'Open' AND team_name(id) = 'Open');
SET ROLE actstream_reader;
SELECT actstream.display_name('team:1'), actstream.display_name('team:2') FROM generate_series(1, 3);
SELECT * FROM actstream.expand_all('{team:1,team:2}');
RESET ROLE;
ALTER TABLE actstream.actions OWNER TO :"own";
\set VERBOSITY terse
SET ROLE actstream_reader;
SELECT actstream.display_name('team:1');
RESET ROLE;
\set VERBOSITY default
-- a policy that fails does so here as in a query of his own, and leaves nothing behind
DROP POLICY see ON team;
CREATE FUNCTION fail() RETURNS boolean LANGUAGE sql STABLE AS 'SELECT 1 / 0 > 0';
CREATE POLICY see ON team USING (fail());
SET ROLE actstream_reader;
SELECT actstream.display_name('team:1');
RESET ROLE;
DROP POLICY see ON team;
CREATE POLICY see ON team USING (NOT secret);
SET ROLE actstream_reader;
SELECT actstream.display_name('team:1'), actstream.display_name('team:2');
RESET ROLE;

--
-- Whose code runs
--

-- look-alikes that come first in the search path are not called
CREATE SCHEMA evil;
CREATE TABLE evil.log (who name, what text);
GRANT USAGE ON SCHEMA evil TO PUBLIC;
GRANT ALL ON evil.log TO PUBLIC;
CREATE FUNCTION evil.eq(integer, integer) RETURNS boolean LANGUAGE sql AS $$ INSERT INTO evil.log VALUES (current_user, 'eq'); SELECT true $$;
CREATE FUNCTION evil.eq(text, text) RETURNS boolean LANGUAGE sql AS $$ INSERT INTO evil.log VALUES (current_user, 'eq'); SELECT true $$;
CREATE OPERATOR evil.= (FUNCTION = evil.eq, LEFTARG = integer, RIGHTARG = integer);
CREATE OPERATOR evil.= (FUNCTION = evil.eq, LEFTARG = text, RIGHTARG = text);
CREATE FUNCTION evil.unnest(anyarray) RETURNS SETOF anyelement LANGUAGE sql AS $$ INSERT INTO evil.log VALUES (current_user, 'unnest'); SELECT $1[1] $$;
CREATE FUNCTION evil.to_jsonb(anyelement) RETURNS jsonb LANGUAGE sql AS $$ INSERT INTO evil.log VALUES (current_user, 'to_jsonb'); SELECT '{}'::jsonb $$;
CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS $$ INSERT INTO evil.log VALUES (current_user, 'now'); SELECT pg_catalog.now() $$;
CREATE DOMAIN evil.int8 AS bigint CHECK (false);
CREATE TABLE evil.team (LIKE names.team);
CREATE TABLE evil.users (LIKE names.users);
\c -
SET search_path = evil, pg_temp, pg_catalog;
CREATE TEMP TABLE users (LIKE names.users);
CREATE TEMP TABLE team (LIKE names.team);
GRANT SELECT ON pg_temp.users, pg_temp.team TO actstream_reader;
SET ROLE actstream_reader;
SELECT actstream.display_name('user:1'), actstream.url('user:1'), actstream.expand('user:1'), actstream.display_name('badge:1,1');
SELECT actstream.display_name('team:1'), actstream.url('team:1'), actstream.expand('team:1');
SELECT * FROM actstream.expand_all('{user:1,user:2,team:1,team:2}');
SELECT actstream.timesince(pg_catalog.now()),
       actstream.sentence(ROW(1, pg_catalog.now(), true, 'user:1'::actstream.ref, 'met', 'team:1'::actstream.ref, 'user:2'::actstream.ref, NULL, NULL, NULL)::actstream.action);
RESET ROLE;
RESET search_path;
SELECT * FROM evil.log;

-- what a table's owner has put into it runs as the owner, whoever looks: a cast to
-- json for a value, but not for a name
CREATE TYPE names.mood2 AS ENUM ('good', 'bad');
CREATE FUNCTION names.mood_to_json(names.mood2) RETURNS json LANGUAGE sql STABLE AS 'SELECT to_json(current_user)';
CREATE CAST (names.mood2 AS json) WITH FUNCTION names.mood_to_json(names.mood2);
CREATE TABLE names.strange (id integer PRIMARY KEY, m names.mood2);
INSERT INTO names.strange VALUES (1, 'good');
SELECT label FROM actstream.register('names.strange', name_template => '{m}');
GRANT SELECT ON names.strange TO actstream_reader;
ALTER TABLE names.strange OWNER TO actstream_owner;
SET ROLE actstream_reader;
SELECT actstream.display_name('strange:1');
SELECT actstream.expand('strange:1');
RESET ROLE;

-- nothing is written or locked
BEGIN READ ONLY;
SELECT actstream.display_name('user:1'), actstream.url('user:1'), actstream.expand('user:1') IS NOT NULL AS expanded,
       (SELECT count(*) FROM actstream.expand_all('{user:1,user:2}'));
SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation';
SELECT pg_current_xact_id_if_assigned();
COMMIT;
-- after an error the next call works
DO $$
BEGIN
    PERFORM actstream.display_name(('team:' || i)::actstream.ref), 1 / (i - 2) FROM generate_series(1, 3) i;
EXCEPTION WHEN division_by_zero THEN
    RAISE NOTICE 'then %', actstream.display_name('team:1');
END
$$;
-- a browser drops blanks and line ends before it looks at the scheme
SELECT label, actstream.url(actstream.ref(label, '1'))
FROM unnest(ARRAY[E'java\tscript:alert({key})', E' \njavascript:alert({key})', E'\x01javascript:alert({key})', 'javascript:alert({key})', '/süß/{key}?a[]=%7B%']) WITH ORDINALITY AS t (template, n),
     actstream.register_external('scheme_' || n, url_template => template);

SET client_min_messages = warning;
DROP SCHEMA names, names_hidden, evil CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY actstream_reader, actstream_owner;
DROP ROLE actstream_reader, actstream_owner;
