--
-- Keys of every type that a key can have: each value has one text, whatever the
-- settings are
--
\i test/lib/fresh.sql

SET datestyle = 'ISO, MDY';
SET timezone = 'UTC';
CREATE SCHEMA keys;
SET search_path = keys, actstream;

CREATE TYPE mood AS ENUM ('good', 'Bad, really', '');
CREATE DOMAIN some_mood AS mood;
CREATE DOMAIN day AS date;
CREATE TABLE moods (k mood PRIMARY KEY, n text);
CREATE TABLE some_moods (k some_mood PRIMARY KEY, n text);
CREATE TABLE days (k date PRIMARY KEY, n text);
CREATE TABLE domain_days (k day PRIMARY KEY, n text);
CREATE TABLE moments (k timestamp PRIMARY KEY, n text);
CREATE TABLE instants (k timestamptz PRIMARY KEY, n text);
CREATE TABLE seconds (k timestamptz(0) PRIMARY KEY, n text);
CREATE TABLE codes (k char(4) PRIMARY KEY, n text);
CREATE TABLE both_of (day date, code char(3), mood some_mood, at timestamptz, n text, PRIMARY KEY (day, code, mood, at));
INSERT INTO moods VALUES ('good', 'G'), ('Bad, really', 'B');
INSERT INTO some_moods SELECT * FROM moods;
INSERT INTO days VALUES ('2026-11-28', 'today'), ('0044-03-15 BC', 'Caesar'), ('infinity', 'never'), ('-infinity', 'always'),
    ('5874897-12-31', 'last'), ('4713-01-01 BC', 'first'), ('0001-01-01', 'one'), ('0001-12-31 BC', 'before'), ('12026-01-01', 'Holocene');
INSERT INTO domain_days SELECT * FROM days;
INSERT INTO moments VALUES ('2026-11-28 12:34:56.789', 'today'), ('2026-11-28', 'midnight'), ('0044-03-15 12:00:00.000001 BC', 'Caesar'),
    ('infinity', 'never'), ('-infinity', 'always'), ('294276-12-31 23:59:59.999999', 'last'), ('4713-11-24 BC', 'first'), ('1969-12-31 23:59:59.9', 'before');
INSERT INTO instants SELECT k AT TIME ZONE 'UTC', n FROM moments;
INSERT INTO seconds VALUES ('2026-11-28 12:34:56.789+00', 'today');
INSERT INTO codes VALUES ('ab', 'two'), ('abcd', 'four'), (' a', 'blank first'), ('Ü', 'Ü');
INSERT INTO both_of VALUES ('2026-11-28', 'a,', 'Bad, really', '2026-11-28 12:00+00', 'all');

SELECT label, key_columns
FROM pg_class c, actstream.register(c.oid, name_template => '{n}', url_template => '/{n}/' || CASE relname WHEN 'both_of' THEN '{day}/{code}/{mood}/{at}' ELSE '{k}' END)
WHERE relnamespace = 'keys'::regnamespace AND relkind = 'r' ORDER BY 1;

CREATE VIEW all_refs AS
    SELECT actstream.ref_of(x) AS r FROM moods x UNION ALL SELECT actstream.ref_of(x) FROM some_moods x
    UNION ALL SELECT actstream.ref_of(x) FROM days x UNION ALL SELECT actstream.ref_of(x) FROM domain_days x
    UNION ALL SELECT actstream.ref_of(x) FROM moments x UNION ALL SELECT actstream.ref_of(x) FROM instants x
    UNION ALL SELECT actstream.ref_of(x) FROM seconds x UNION ALL SELECT actstream.ref_of(x) FROM codes x
    UNION ALL SELECT actstream.ref_of(x) FROM both_of x;
CREATE TABLE at_home AS SELECT r FROM all_refs;
SELECT r, actstream.display_name(r) AS name, actstream.expand(r)->>'n' AS n, actstream_internal.object_exists(r) AS there FROM at_home;

-- the same in a session with other settings
SET datestyle = 'German';
SET timezone = 'America/New_York';
SET intervalstyle = 'iso_8601';
SELECT r AS differs FROM all_refs EXCEPT SELECT r FROM at_home;
SELECT count(*), count(value) FROM actstream.expand_all(ARRAY(SELECT r FROM at_home));
SELECT bool_and(actstream_internal.object_exists(r)) FROM at_home;
SELECT count(s.id) FROM at_home, actstream.act_send(r, 'was') s;
-- a URL of key columns is made of the reference; what comes of the row is as the settings say
SELECT label FROM actstream.register('instants', name_template => '{k}', url_template => '/{k}');
SELECT actstream.url('instants:2026-11-28T12:34:56.789Z'), actstream.display_name('instants:2026-11-28T12:34:56.789Z');
SELECT actstream.url('codes:ab'), actstream.url('both_of:2026-11-28,a\,,Bad\, really,2026-11-28T12:00:00Z');
SET datestyle = 'ISO, MDY';
SET timezone = 'UTC';
SET intervalstyle = 'postgres';

-- in between there is nothing that is not found
CREATE TABLE spread (k timestamptz PRIMARY KEY);
INSERT INTO spread SELECT '2000-01-01 00:00+00'::timestamptz + (power(i, 3) * interval '1.234567 seconds') FROM generate_series(-2000, 2000) i;
SELECT label FROM actstream.register('spread');
SELECT count(*), bool_and(actstream_internal.object_exists(actstream.ref_of(x))) AS found,
       bool_and(actstream.ref_key(actstream.ref_of(x)) = trim('"' FROM to_json(k AT TIME ZONE 'UTC')::text) || 'Z' OR k < '0001-01-01') AS as_json
FROM spread x;

-- another text is no key, and the hint says how it is written
DO $$
DECLARE
    o text;
    message text;
    hint text;
BEGIN
    FOREACH o IN ARRAY ARRAY[
        'moods:Good', 'moods:good ', 'some_moods:GOOD', 'moods:' || repeat('x', 100),
        'days:28.11.2026', 'days:2026-11-28 ', 'days:2026-11-28T00:00:00', 'days:2026-02-29', 'days:2026-2-3', 'days:+2026-11-28', 'days:today', 'days:Infinity',
        'days:99999999-01-01', 'days:0000-01-01', 'days:44-03-15 BC', 'domain_days:20261128',
        'moments:2026-11-28 12:34:56.789', 'moments:2026-11-28T12:34:56.789000', 'moments:2026-11-28T12:34:56.789Z', 'moments:2026-11-28T24:00:00',
        'moments:2026-11-28T12:34:60', 'moments:294277-01-01T00:00:00', 'moments:2026-11-28T12:34:56.7891234',
        'instants:2026-11-28T12:34:56.789', 'instants:2026-11-28T12:34:56.789+00:00', 'instants:2026-11-28T07:34:56.789-05', 'instants:now',
        'seconds:2026-11-28T12:34:57.0Z',
        'codes:ab ', 'codes:AB', 'both_of:2026-11-28,a\,', 'both_of:2026-11-28,a\, ,Bad\, really,2026-11-28T12:00:00Z',
        'both_of:2026-11-28,a\,,Bad\, really,2026-11-28', 'both_of:2026-11-28,a,b,c\d', 'days:2026-11-27'] LOOP
        BEGIN
            PERFORM actstream.act_send(o::actstream.ref, 'was');
            RAISE NOTICE '% is there', o;
        EXCEPTION WHEN foreign_key_violation THEN
            GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
            RAISE NOTICE '%: %', message, coalesce(nullif(hint, ''), '-');
        END;
        IF actstream.display_name(o::actstream.ref) <> o OR actstream.expand(o::actstream.ref) IS NOT NULL THEN
            RAISE NOTICE '% is read', o;
        END IF;
    END LOOP;
END $$;

-- the types that keys have always had
CREATE TABLE number (id integer PRIMARY KEY);
CREATE TABLE small (id smallint PRIMARY KEY);
CREATE TABLE thing (id uuid PRIMARY KEY);
CREATE TABLE word (id name PRIMARY KEY);
CREATE TABLE issue (repo_id integer, number integer, PRIMARY KEY (repo_id, number));
SELECT label FROM unnest('{number,small,thing,word,issue}'::regclass[]) c, actstream.register(c);
DO $$
DECLARE
    o text;
    hint text;
BEGIN
    FOREACH o IN ARRAY ARRAY[
        'number:01', 'number: 7', 'number:+7', 'number:-0', 'number:-007', 'number:0x1', 'number:99999999999', 'number:x', 'number:7 8', 'small:040000', 'number:7',
        'thing:6f1c3a520c394f9e8d6c2b1f0a7c9e11', 'thing:{6F1C3A52-0C39-4F9E-8D6C-2B1F0A7C9E11}', 'thing:6f1c3a52-0c39-4f9e-8d6c-2b1f0a7c9e111',
        'thing:6f1c', 'thing:6f1c3a52-0c39-4f9e-8d6c-2b1f0a7c9e1x', 'thing:6f1c3a52-0c39-4f9e-8d6c-2b1f0a7c9e11',
        'word:' || repeat('x', 64), 'word:' || repeat('x', 63), 'issue:5', 'issue:5,6,7', 'issue:5,', 'issue:5\,6', 'issue:05,6', 'issue:5,6'] LOOP
        BEGIN
            PERFORM actstream.act_send(o::actstream.ref, 'was');
        EXCEPTION WHEN foreign_key_violation THEN
            GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
            RAISE NOTICE '%: %', o, coalesce(nullif(hint, ''), '-');
        END;
    END LOOP;
END $$;
-- a hint does not tell of a row that is hidden
CREATE ROLE actstream_keys;
GRANT USAGE ON SCHEMA actstream, keys TO actstream_keys;
GRANT INSERT ON actstream.actions TO actstream_keys;
GRANT SELECT ON number TO actstream_keys;
INSERT INTO number VALUES (1);
ALTER TABLE number ENABLE ROW LEVEL SECURITY;
SET ROLE actstream_keys;
INSERT INTO actstream.actions (actor, verb) VALUES ('number:1', 'was');
INSERT INTO actstream.actions (actor, verb) VALUES ('number:2', 'was');
INSERT INTO actstream.actions (actor, verb) VALUES ('number:01', 'was');
INSERT INTO actstream.actions (actor, verb) VALUES ('number:02', 'was');
RESET ROLE;
ALTER TABLE number DISABLE ROW LEVEL SECURITY;

-- references follow a new key, and go with the row
SELECT problem, object FROM actstream.integrity_check();
UPDATE moods SET k = '' WHERE k = 'good';
UPDATE moods SET k = 'good' WHERE k = 'Bad, really';
UPDATE some_moods SET k = CASE n WHEN 'G' THEN '' ELSE 'Bad, really' END::mood;
UPDATE days SET k = k + 1 WHERE isfinite(k) AND k < '5874897-12-31';
UPDATE moments SET k = k + interval '0.5 s' WHERE n = 'today';
UPDATE instants SET k = k - interval '1 microsecond' WHERE n = 'today';
UPDATE codes SET k = 'AB ' WHERE k = 'ab';
UPDATE both_of SET code = 'x', mood = 'good';
SELECT actor FROM actstream.actions ORDER BY actor;
SELECT problem, object FROM actstream.integrity_check();
DELETE FROM days WHERE k < 'infinity';
DELETE FROM domain_days;
DELETE FROM moments;
DELETE FROM instants WHERE n = 'today';
DELETE FROM codes WHERE k = 'AB';
DELETE FROM both_of;
DELETE FROM moods;
SELECT actor FROM actstream.actions ORDER BY actor;
SELECT problem, object FROM actstream.integrity_check();

-- the key of an enum is its label: renamed, it is another key
ALTER TYPE mood RENAME VALUE 'Bad, really' TO 'bad';
SELECT actor FROM actstream.actions WHERE actor >= actstream.label_start('some_moods') AND actor < actstream.label_stop('some_moods');
SELECT actstream.ref_of(x) FROM some_moods x WHERE n = 'B';
SELECT problem, object FROM actstream.integrity_check();
UPDATE actstream.actions SET actor = 'some_moods:bad' WHERE actor = 'some_moods:Bad, really';
SELECT problem, object FROM actstream.integrity_check();
-- a value that this transaction has added can be asked for
BEGIN;
ALTER TYPE mood ADD VALUE 'new';
SELECT actstream.display_name('moods:new'), actstream_internal.object_exists('moods:new');
ROLLBACK;
-- casts that the owner of the type makes are not called, though a query cannot do without
-- knowing which operator is meant
CREATE FUNCTION shout(mood) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE 'called'; RETURN 'x'; END $$;
CREATE CAST (mood AS text) WITH FUNCTION shout(mood) AS IMPLICIT;
\set VERBOSITY terse
SELECT actstream_internal.object_exists('some_moods:bad');
SELECT actstream.display_name('some_moods:bad');
\set VERBOSITY default
DROP CAST (mood AS text);

-- tables that are partitioned by time, as the sequence of their columns has it, or by a key
CREATE TABLE reading (sensor integer, at timestamptz, value float8, PRIMARY KEY (sensor, at)) PARTITION BY RANGE (at);
CREATE TABLE reading_1 PARTITION OF reading FOR VALUES FROM ('2026-01-01 00:00+00') TO ('2026-02-01 00:00+00');
CREATE TABLE reading_2 (value float8, at timestamptz NOT NULL, gone integer, sensor integer NOT NULL);
ALTER TABLE reading_2 DROP COLUMN gone;
ALTER TABLE reading ATTACH PARTITION reading_2 FOR VALUES FROM ('2026-02-01 00:00+00') TO ('2026-03-01 00:00+00');
CREATE TABLE diary (day day, PRIMARY KEY (day)) PARTITION BY RANGE (day);
CREATE TABLE diary_1 PARTITION OF diary FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
CREATE TABLE diary_2 PARTITION OF diary FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
CREATE TABLE by_mood (mood mood PRIMARY KEY) PARTITION BY LIST (mood);
CREATE TABLE by_mood_1 PARTITION OF by_mood FOR VALUES IN ('good');
CREATE TABLE by_mood_2 PARTITION OF by_mood FOR VALUES IN ('bad');
SELECT label FROM unnest('{reading,diary,by_mood}'::regclass[]) c, actstream.register(c);
SELECT label FROM actstream.register('reading', name_template => 'sensor {sensor}: {value}');
INSERT INTO reading VALUES (1, '2026-01-15 10:00+02', 0.5), (1, '2026-02-15 10:00+02', 1.5);
INSERT INTO diary VALUES ('2025-12-31'), ('2026-01-01');
INSERT INTO by_mood VALUES ('good');
SET timezone = 'Asia/Kolkata';
SELECT actstream.ref_of(r), actstream.display_name(actstream.ref_of(r)) FROM reading r UNION ALL SELECT actstream.ref_of(r), NULL FROM reading_2 r;
SELECT verb FROM actstream.act_send('reading:1,2026-01-15T08:00:00Z', 'rose', 'reading:1,2026-02-15T08:00:00Z', 'diary:2025-12-31');
SELECT verb FROM actstream.act_send('by_mood:good', 'was', 'diary:2026-01-01');
SELECT actstream.act_send('reading:1,2026-01-15T08:00:01Z', 'rose');
-- within a partition, and to another
UPDATE reading SET at = at + interval '1 hour' WHERE value = 0.5;
UPDATE reading SET at = '2026-01-20 00:00+00' WHERE value = 1.5;
UPDATE diary SET day = '2026-01-02' WHERE day = '2025-12-31';
UPDATE by_mood SET mood = 'bad';
SELECT actor, action_object, target FROM actstream.actions WHERE verb IN ('rose', 'was') AND (action_object IS NOT NULL) ORDER BY id;
DELETE FROM reading WHERE value = 1.5;
SELECT actor, action_object, target FROM actstream.actions WHERE verb = 'rose';
DELETE FROM diary_2 WHERE day = '2026-01-01';
SELECT actor, action_object FROM actstream.actions WHERE verb = 'was' AND action_object IS NOT NULL;
SELECT problem, object FROM actstream.integrity_check();
RESET timezone;

-- a trigger of track() writes keys of columns in the same form
CREATE TABLE visit (id integer PRIMARY KEY, day date, code char(3), mood mood);
INSERT INTO days VALUES ('2026-03-01', 'visited');
INSERT INTO codes VALUES ('v', 'visited');
SELECT label FROM actstream.register('visit');
SELECT actstream.track('visit', 'came', 'codes:{code}', NULL, 'days:{day}');
SET datestyle = 'SQL, DMY';
INSERT INTO visit VALUES (1, '2026-03-01', 'v');
SELECT actor, target FROM actstream.actions WHERE verb = 'came';
RESET datestyle;

-- what has no one text, or another equality, is no key
CREATE TABLE no_key (a numeric NOT NULL UNIQUE, b interval NOT NULL UNIQUE, c timetz NOT NULL UNIQUE, d time NOT NULL UNIQUE, e bytea NOT NULL UNIQUE,
                     f mood[] NOT NULL UNIQUE, g bool NOT NULL UNIQUE, h oid NOT NULL UNIQUE, i inet NOT NULL UNIQUE, j int4range NOT NULL UNIQUE);
DO $$
DECLARE
    c text;
BEGIN
    FOR c IN SELECT attname FROM pg_attribute WHERE attrelid = 'no_key'::regclass AND attnum > 0 ORDER BY attnum LOOP
        BEGIN
            PERFORM actstream.register('no_key', key_columns => ARRAY[c]::name[]);
            RAISE NOTICE '% is registered', c;
        EXCEPTION WHEN feature_not_supported THEN
            RAISE NOTICE '%', SQLERRM;
        END;
    END LOOP;
END $$;
SELECT actstream.register('no_key', key_columns => '{a}');
CREATE TABLE padded (k text NOT NULL);
CREATE UNIQUE INDEX ON padded (k bpchar_ops);
SELECT actstream.register('padded', key_columns => '{k}');
CREATE UNIQUE INDEX ON padded (k text_pattern_ops);
SELECT label FROM actstream.register('padded', key_columns => '{k}');

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA keys CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY actstream_keys;
DROP ROLE actstream_keys;
