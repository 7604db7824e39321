--
-- Sentences in other tongues
--
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS phrases CASCADE;
DROP ROLE IF EXISTS actstream_speaker, actstream_author;
RESET client_min_messages;

SET datestyle = 'ISO';
SET timezone = 'UTC';
CREATE SCHEMA phrases;
SET search_path = phrases;

--
-- Plural forms: of each unit so many, alone and within "... ago"
--
SELECT actstream.register_external('user', '{key}');
CREATE FUNCTION counted(language text, unit text, n integer) RETURNS text LANGUAGE sql
RETURN actstream.timesince(timestamptz '2026-07-01 00:00+00' - n * ('1 ' || unit)::interval, '2026-07-01 00:00+00', language);
CREATE FUNCTION ago(language text, unit text, n integer) RETURNS text LANGUAGE sql
RETURN actstream.sentence(ROW(1, timestamptz '2026-07-01 00:00+00' - n * ('1 ' || unit)::interval, true, 'user:A', 'x',
                              NULL, NULL, NULL, NULL, NULL)::actstream.action, '2026-07-01 00:00+00', language);
CREATE TABLE unit (o integer, unit text, counts integer[]);
INSERT INTO unit VALUES
    (1, 'minute', '{0,1,2,4,5,11,12,14,20,21,22,25,31}'),
    (2, 'hour', '{1,2,4,5,11,12,20,21,22}'),
    (3, 'day', '{1,2,4,5}'),
    (4, 'week', '{1,2,3,4}'),
    (5, 'month', '{1,2,4,5,11}'),
    (6, 'year', '{1,2,4,5,11,12,21,22,25,100,101,111,112,121}');
CREATE TABLE tongue (o integer, language text);
INSERT INTO tongue VALUES (1, 'en'), (2, 'de'), (3, 'fr'), (4, 'es'), (5, 'pt'), (6, 'pt-PT'), (7, 'ru');
\t on
SELECT language, string_agg(counted(language, unit, n), ', ' ORDER BY i) AS counted
FROM tongue t, unit u, unnest(counts) WITH ORDINALITY c (n, i) GROUP BY t.o, language, u.o ORDER BY t.o, u.o;
SELECT ago(language, unit, n) FROM tongue t, unit u, unnest(ARRAY[1, 2, 5]) n
WHERE (unit, n) <> ('week', 5) ORDER BY t.o, u.o, n;
-- two units
SELECT language, actstream.timesince('2026-01-01', now => '2027-03-01', language => language),
       actstream.timesince('2026-01-01 10:00', now => '2026-01-06 11:00', language => language),
       actstream.sentence(ROW(1, '2026-01-01', true, 'user:A', 'x', NULL, NULL, NULL, NULL, NULL)::actstream.action, '2027-03-01', language)
FROM tongue ORDER BY o;
\t off

--
-- Which language
--
SHOW actstream.language;
SELECT l AS language, actstream.timesince('2026-01-01', '2026-01-06', l)
FROM unnest('{de,DE,de-AT,de_AT,de_AT.UTF-8,de_DE@euro,de-Latn-AT-1996,pt-BR,pt_PT,PT-pt-x,ru_RU.KOI8-R,deu,xx,C,POSIX,"",-,de-,--,fr--,"fr,de;q=0.8"," de","{actor}","de''; DROP TABLE x"}'::text[]) l;
SELECT actstream.timesince('2026-01-01', '2026-01-06', 'de-' || repeat('x', 1000000)) AS too_long;
SET actstream.language = 'fr_CA';
SELECT actstream.timesince('2026-01-01', '2026-01-06'), actstream.timesince('2026-01-01', '2026-01-06', NULL),
       actstream.timesince('2026-01-01', '2026-01-06', 'es');
SET actstream.language = '';
SELECT actstream.timesince('2026-01-01', '2026-01-06');
RESET actstream.language;

--
-- Sentences without a phrase, and with
--
CREATE TABLE told (id integer, action actstream.action);
INSERT INTO told VALUES
    (1, ROW(1, '2026-01-01 09:00+00', true, 'user:Ann', 'commented', 'user:c7', 'user:rocket', NULL, NULL, NULL)),
    (2, ROW(2, '2026-01-01 09:00+00', true, 'user:Ann', 'commented', 'user:c7', NULL, NULL, NULL, NULL)),
    (3, ROW(3, '2026-01-01 09:00+00', true, 'user:Ann', 'commented', NULL, 'user:rocket', NULL, NULL, NULL)),
    (4, ROW(4, '2026-01-01 09:00+00', true, 'user:Ann', 'commented', NULL, NULL, NULL, NULL, NULL)),
    (5, ROW(5, '-infinity', true, 'user:Ann', 'commented', 'user:c7', 'user:rocket', NULL, NULL, NULL)),
    (6, ROW(6, '2026-01-01 09:00+00', true, 'user:Ann', 'left', NULL, NULL, NULL, NULL, NULL));
CREATE FUNCTION said(language text) RETURNS SETOF text LANGUAGE sql
BEGIN ATOMIC
    SELECT actstream.sentence(action, '2026-01-01 12:00+00', language) FROM told ORDER BY id;
END;
SELECT said(language) FROM tongue ORDER BY o;

-- the verb of a language, all verbs of a language, a variant, any language
INSERT INTO actstream.phrases VALUES
    ('de', 'commented', '{actor} hat[ vor {timesince}][ {action_object} zu {target}| {action_object}| etwas zu {target}| etwas] kommentiert'),
    ('ru', 'commented', '{actor}: комментарий[ {action_object}][ к {target}][, {timesince} назад]'),
    ('fr', '', '[Il y a {timesince}, ]{actor} : {verb}[ {action_object}][ ({target})]'),
    ('de-at', 'commented', 'Servus, {actor}'),
    ('', 'left', '{actor} →'),
    ('en', 'commented', '{actor} commented on {target}');
SELECT said('de');
SELECT said('ru');
SELECT said('fr-CA');
SELECT said('de-AT');
SELECT said('de-CH') LIMIT 1;
SELECT said('xx');
SELECT said('es');
-- any language and any verb; what is there for a verb goes before what is there for all
INSERT INTO actstream.phrases VALUES ('', '', '{actor} / {verb}'), ('de', '', 'nichts');
SELECT said('de');
SELECT said('es');
SELECT said('xx');
DELETE FROM actstream.phrases;

--
-- What a pattern can be
--
CREATE FUNCTION told_by(pattern text) RETURNS text[] LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO actstream.phrases VALUES ('en', 'commented', pattern)
    ON CONFLICT (language, verb) DO UPDATE SET pattern = EXCLUDED.pattern;
    RETURN ARRAY(SELECT actstream.sentence(action, '2026-01-01 12:00+00') FROM told WHERE id <= 5 ORDER BY id);
END
$$;
SELECT p AS pattern, told_by(p) FROM unnest(ARRAY[
    'x', ' ', '{actor}', '{actor}{actor}', '{{actor}}', '{{{actor}}}', '[[{actor}]]', '[[[{target}]]]', '[{target}]',
    '{action_object}-{target}', '[{action_object}-{target}]', '[a{action_object}|b{target}|c]', '[|{target}]',
    '[{target}|]', '[]', 'a|b', '[a||b|c]', '[{target}||]', 'a||b', '[{timesince}|ever]', '[[', ']]', '[{{{target}}}]',
    '%s %n $1 \1', E'{actor}\n\t{verb}', '<b>{actor}</b>', '{actor} 😀 {verb}', '(SELECT version())']) p;
\set SHOW_CONTEXT never
CREATE FUNCTION refused(language text, verb text, pattern text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text; detail text; hint text;
BEGIN
    INSERT INTO actstream.phrases VALUES (language, verb, pattern);
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' / ', SQLSTATE, message, nullif(detail, ''), nullif(hint, ''));
END
$$;
SELECT refused('en', 'x', p) FROM unnest(ARRAY['', '{', '}', '{}', '{actor', '{actor}}', '{Actor}', '{ actor}', '{object}',
    '{description}', '[', ']', '[[]', '[]]', '[{target}', '{target}]', '[a[b]]', '[a [b] c]', '[a]]', '[{actor]}', NULL]) p;
SELECT refused(l, 'x', 'x') FROM unnest(ARRAY['DE', 'de_AT', 'de-', '-de', 'de--at', '1', 'd e', 'de.utf8', 'ü', repeat('x', 36), NULL]) l;
SELECT refused('en', v, 'x') FROM unnest(ARRAY[repeat('é', 256), NULL]) v;
SELECT refused(repeat('x', 35), repeat('é', 255), 'x'), refused(repeat('x', 35), repeat('é', 255), 'x') LIKE '23505 %' AS twice;
UPDATE actstream.phrases SET pattern = '{' WHERE language = 'en';
UPDATE actstream.phrases SET language = 'EN' WHERE language = 'en';
-- a verb with all that a key could stumble over
SELECT refused('en', v, '<{verb}>'), actstream.sentence(ROW(1, 'infinity', true, 'user:A', v, NULL, NULL, NULL, NULL, NULL)::actstream.action, now())
FROM unnest(ARRAY[':', 'a:b', 'en:x', repeat('😀', 255), '''', '[', '{']) v;
-- what was stored while nobody looked is as if it were not there
DELETE FROM actstream.phrases;
ALTER TABLE actstream.phrases DISABLE TRIGGER phrase_check;
INSERT INTO actstream.phrases VALUES ('en', 'commented', '{nobody}'), (repeat('x', 2000), 'left', 'x'), ('en', repeat('x', 2000), 'x');
ALTER TABLE actstream.phrases ENABLE TRIGGER phrase_check;
SELECT actstream.sentence(action, '2026-01-01 12:00+00') FROM told WHERE id = 6;
SELECT actstream.sentence(action, '2026-01-01 12:00+00') FROM told WHERE id = 1;
DELETE FROM actstream.phrases;

--
-- A change is seen at once, and undone with what made it
--
CREATE FUNCTION now_said() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN (SELECT actstream.sentence(action, '2026-01-01 12:00+00') FROM phrases.told WHERE id = 6);
END
$$;
SELECT now_said();
BEGIN;
INSERT INTO actstream.phrases VALUES ('en', 'left', 'one');
SELECT now_said();
SAVEPOINT s;
UPDATE actstream.phrases SET pattern = 'two';
SELECT now_said();
ROLLBACK TO s;
SELECT now_said();
DELETE FROM actstream.phrases;
SELECT now_said();
ROLLBACK;
SELECT now_said();
INSERT INTO actstream.phrases VALUES ('en', 'left', 'three');
SELECT now_said();
BEGIN;
TRUNCATE actstream.phrases;
SELECT now_said();
ROLLBACK;
SELECT now_said();
-- read while it was there, by what fails then
INSERT INTO actstream.phrases SELECT 'de', now_said(), CASE i WHEN 1 THEN 'x' ELSE '{' END FROM generate_series(1, 2) i;
DO $$
BEGIN
    UPDATE actstream.phrases SET pattern = 'four';
    RAISE NOTICE '%', phrases.now_said();
    RAISE EXCEPTION 'no';
EXCEPTION WHEN raise_exception THEN
    RAISE NOTICE '%', phrases.now_said();
END
$$;
SELECT now_said();
-- the triggers that tell of a change fire for replicated ones, too
SET session_replication_role = replica;
UPDATE actstream.phrases SET pattern = 'replicated';
RESET session_replication_role;
SELECT now_said();

--
-- Who may write, and who is told
--
CREATE ROLE actstream_speaker;
CREATE ROLE actstream_author;
GRANT USAGE ON SCHEMA phrases, actstream TO actstream_speaker, actstream_author;
GRANT SELECT ON told TO actstream_speaker;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.phrases TO actstream_author;
SET ROLE actstream_speaker;
SELECT now_said();
SELECT * FROM actstream.phrases;
INSERT INTO actstream.phrases VALUES ('en', 'left', 'x');
DELETE FROM actstream.phrases;
SET ROLE actstream_author;
INSERT INTO actstream.phrases VALUES ('de', 'left', '{actor} ging');
SELECT * FROM actstream.phrases ORDER BY language COLLATE "C";
DELETE FROM actstream.phrases WHERE language = 'en';
CREATE TRIGGER mine BEFORE INSERT ON actstream.phrases FOR EACH ROW EXECUTE FUNCTION actstream_internal.phrase_changed();
RESET ROLE;
SELECT now_said();
-- the functions serve that table only
CREATE TABLE other (language text, verb text, pattern text);
CREATE TRIGGER phrase_check BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION actstream_internal.phrase_check();
INSERT INTO other VALUES ('de', 'left', 'x');
DROP TRIGGER phrase_check ON other;
CREATE TRIGGER phrase_changed BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION actstream_internal.phrase_changed();
INSERT INTO other VALUES ('de', 'left', 'x');
SELECT actstream_internal.phrase_check();
-- altered triggers are found
ALTER TABLE actstream.phrases ENABLE TRIGGER phrase_changed;
ALTER TABLE actstream.phrases DISABLE TRIGGER phrase_check;
SELECT problem, relation, detail FROM actstream.integrity_check() ORDER BY detail;

-- another extension, another table
SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
SELECT actstream.timesince('2026-01-01', '2026-01-06', 'de');
SELECT actstream.sentence(ROW(1, '-infinity', true, 'user:A', 'left', NULL, NULL, NULL, NULL, NULL)::actstream.action, language => 'de');

DROP SCHEMA phrases CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY actstream_speaker, actstream_author;
DROP ROLE actstream_speaker, actstream_author;
