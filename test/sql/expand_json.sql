--
-- A json that jsonb cannot hold does not keep the rest from being read
--
\i test/lib/fresh.sql
CREATE SCHEMA expand;
SET search_path = expand;

CREATE TYPE pair AS (a integer, j json);
CREATE DOMAIN some_json AS json;
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE FUNCTION mood_to_json(mood) RETURNS json LANGUAGE sql IMMUTABLE AS $$ SELECT '{"mood": "\u0000"}'::json $$;
CREATE CAST (mood AS json) WITH FUNCTION mood_to_json(mood);
CREATE TABLE doc (id integer PRIMARY KEY, name text, j json, p pair, a json[], d some_json, b jsonb, m mood);
SELECT label FROM actstream.register('doc', name_template => '{name}');
INSERT INTO doc (id, name, j, p, a, d, b) VALUES
    (1, 'held', '{"a": [1, 2.50, {"b": "\u00e9\ud83d\ude80"}], "c": null}', '(1,"{""x"":1}")', '{1,"[2]"}', '"x"', '[1]'),
    (2, 'nothing', NULL, NULL, NULL, NULL, NULL),
    (3, 'a name twice, a backslash', '{"a": 1, "a": 2, "z": "\\u0000 \" \u005c"}', '(,)', '{}', 'true', '{}'),
    (4, 'a zero byte', '{"a": "\u0000"}', '(1,"""\\\\u0000""")', '{"\"\\u0000\"",2}', '["\u0000"]', '{"x": 1}'),
    (5, 'half a pair', '["\ud83d"]', NULL, NULL, '"\ude80"', NULL),
    (6, 'two halves', '["\ude80\ud83d"]', NULL, NULL, '"\ud83d\ud83d\ude80"', NULL),
    (7, 'a number', '{"n": [1, 1e1000000]}', NULL, NULL, '-1e-20000', NULL);
-- all of a page
SELECT * FROM actstream.expand_all(ARRAY(SELECT actstream.ref('doc', id) FROM doc ORDER BY id));
SELECT id, actstream.expand(actstream.ref('doc', id)) = to_jsonb(d.*) AS as_jsonb FROM doc d WHERE id <= 3 ORDER BY id;
SELECT actstream.expand('doc:4')->>'j' = (SELECT j::text FROM doc WHERE id = 4) AS text;
-- what a cast makes is no better
INSERT INTO doc (id, m) VALUES (8, 'good');
SELECT actstream.expand('doc:8');
-- where numbers end
CREATE TABLE number (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, j json);
INSERT INTO number (j) SELECT v::json
FROM unnest(ARRAY['1e131071', '1e131072', '1e-16383', '1e-16384', '10e131070', '10e131071', '0.1e131072', '0.1e131073', '0.001e131074', '0.001e131075',
                  '-123.456e+3', '0e0', '-0.0', '0e-16383', '0e-16384', '0e1000000', '1E99999999999999999999', '1.5e-99999999999999999999',
                  repeat('9', 131072), repeat('9', 131073), '0.' || repeat('1', 16383), '0.' || repeat('1', 16384), '-0.5E3']) v;
SELECT label FROM actstream.register('number');
CREATE FUNCTION held(j json) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN to_jsonb(j) IS NOT NULL; EXCEPTION WHEN OTHERS THEN RETURN false; END $$;
SELECT left(j::text, 20) AS j, jsonb_typeof(e->'j') AS is, held(j) FROM number, actstream.expand(actstream.ref('number', id)) e ORDER BY id;
SELECT bool_and(held(j) = (jsonb_typeof(e->'j') = 'number')) AS all_right,
       bool_and(CASE WHEN held(j) THEN e->'j' = to_jsonb(j) ELSE e->>'j' = j::text END) AS all_same
FROM number, actstream.expand(actstream.ref('number', id)) e;

-- of rights on some columns
CREATE ROLE actstream_expand;
GRANT USAGE ON SCHEMA actstream, expand TO actstream_expand;
GRANT SELECT (id, j, b) ON doc TO actstream_expand;
SET ROLE actstream_expand;
SELECT actstream.expand('doc:4'), actstream.expand('doc:1');
RESET ROLE;
REVOKE SELECT (b) ON doc FROM actstream_expand;
GRANT SELECT (a) ON doc TO actstream_expand;
SET ROLE actstream_expand;
SELECT actstream.expand('doc:4');
RESET ROLE;
-- a table of nothing else
CREATE TABLE lone (j mood PRIMARY KEY);
INSERT INTO lone VALUES ('bad');
SELECT label FROM actstream.register('lone');
SELECT actstream.expand('lone:bad'), actstream.expand('lone:good');

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA expand CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY actstream_expand;
DROP ROLE actstream_expand;
