--
-- Groups in words: every language with one to four actors by name and others, what one verb,
-- several, follows and phrases say, as text, as HTML, in parts, and pages of them.
--
\i test/lib/fresh.sql
\pset format unaligned
\pset tuples_only on
SET timezone = 'UTC';
CREATE SCHEMA groups;

CREATE TABLE groups.person (id integer PRIMARY KEY, name text);
INSERT INTO groups.person VALUES (1, 'Ann'), (2, 'Ben'), (3, 'Cleo'), (4, 'Dan <b>'), (5, 'Inés'), (6, 'Hilario'), (7, 'Hiedra'), (8, 'hi');
SELECT label FROM actstream.register('groups.person', 'person', name_template => '{name}', url_template => '/people/{id}');
SELECT label FROM actstream.register_external('photo', 'photo {key}');
CREATE FUNCTION groups.noon() RETURNS timestamptz IMMUTABLE RETURN timestamptz '2026-01-01 12:00+00';
-- A group of so many actors, those of the sample by name.
CREATE FUNCTION groups.told(verb text, actors bigint, sample integer[], target actstream.ref DEFAULT 'photo:7', action_object actstream.ref DEFAULT NULL,
                            actions bigint DEFAULT 0, newest timestamptz DEFAULT '2026-01-01 09:00+00', actor actstream.ref DEFAULT NULL)
RETURNS actstream.action_group STABLE LANGUAGE sql
RETURN ROW(NULL, newest, '2026-01-01 08:00+00', verb, actor, action_object, target, greatest(actions, actors), actors,
           (SELECT array_agg(actstream.ref('person', p::bigint) ORDER BY n) FROM unnest(sample) WITH ORDINALITY s (p, n)), '{1,2,3}')::actstream.action_group;

--
-- Every language: one to four actors by name; and 1, 2, 3, 4, 5, 11, 21, 22, 25, 111, a million others
--
SELECT format(E'%s\t%s\t%s', l, actors, actstream.group_sentence(groups.told('liked', actors, (ARRAY[1, 2, 3, 4])[:least(actors, 4)]), groups.noon(), l))
FROM unnest('{en,de,fr,es,ru,pt,pt-pt}'::text[]) WITH ORDINALITY a (l, n), unnest('{1,2,3,4,5,6,7,8,9}'::bigint[]) actors ORDER BY n, actors;
SELECT format(E'%s\t%s\t%s', l, others, actstream.group_sentence(groups.told('liked', 1 + others, '{1}'), groups.noon(), l))
FROM unnest('{en,de,fr,es,ru,pt,pt-pt}'::text[]) WITH ORDINALITY a (l, n), unnest('{1,2,4,5,11,14,21,22,25,101,111,112,999999,1000000,1000001,3000000}'::bigint[]) others ORDER BY n, others;
-- what follow() and unfollow() send, by one and by several
SELECT format(E'%s\t%s', l, actstream.group_sentence(groups.told(verb, actors, (ARRAY[1, 2])[:actors], 'person:3'), groups.noon(), l))
FROM unnest('{en,de,fr,es,ru,pt}'::text[]) WITH ORDINALITY a (l, n), unnest('{started following,stopped following,started watching,stopped watching}'::text[]) WITH ORDINALITY v (verb, m),
     unnest('{1,2}'::integer[]) actors ORDER BY n, m, actors;
-- several verbs; no object in common
SELECT format(E'%s\t%s', l, actstream.group_sentence(groups.told(verb, actors, (ARRAY[1, 2])[:actors], target, object, 12), groups.noon(), l))
FROM unnest('{en,de,fr,es,ru,pt}'::text[]) WITH ORDINALITY a (l, n), unnest('{1,2}'::integer[]) actors,
     (VALUES (1, NULL, 'photo:7', NULL), (2, NULL, 'photo:7', 'photo:8'), (3, NULL, NULL, NULL), (4, 'liked', NULL, NULL), (5, 'liked', 'photo:7', 'photo:8')) g (m, verb, target, object)
ORDER BY n, m, actors;
-- the Spanish "and" before the sound of "i"
SELECT actstream.group_sentence(groups.told('vio', 2, ARRAY[1, p]), groups.noon(), 'es') FROM generate_series(4, 8) p;
-- just now, and times that have none
SELECT format(E'%s\t%s', l, actstream.group_sentence(groups.told(verb, 2, '{1,2}', newest => newest), groups.noon(), l))
FROM unnest('{en,de,fr,es,ru,pt}'::text[]) WITH ORDINALITY a (l, n), unnest('{2026-01-01 11:59:30+00,-infinity}'::timestamptz[]) newest,
     unnest('{liked,NULL}'::text[]) verb ORDER BY n, newest DESC, verb;

--
-- Phrases
--
INSERT INTO actstream.phrases VALUES ('en', 'liked', '{actor} [{several}like|likes] {target}[, {actions} times][, {actors} people][ ({timesince} ago)]'),
    ('de', 'liked', '{actor} [{several}haben|hat] {target}[ vor {timesince}] gemocht');
SELECT actstream.group_sentence(groups.told('liked', actors, '{1}', actions => actions), groups.noon(), l)
FROM unnest('{en,de}'::text[]) l, (VALUES (1, 1), (1, 2), (2, 2), (4, 5)) g (actors, actions) ORDER BY l DESC, actors, actions;
-- an action is one of one actor
SELECT actstream.sentence(ROW(1, '2026-01-01 09:00+00', true, 'person:1', 'liked', NULL, 'photo:7', NULL, NULL, NULL)::actstream.action, groups.noon());
INSERT INTO actstream.phrases VALUES ('en', 'x', '{others} came');
DELETE FROM actstream.phrases;

--
-- HTML, parts, pages
--
SELECT actstream.group_sentence_html(groups.told('liked', 6, '{1,4}'), groups.noon());
SELECT actstream.group_sentence_html(groups.told('liked', 3, '{1,2,4}'), groups.noon(), 'fr');
SELECT jsonb_pretty(actstream.group_sentence_parts(groups.told('liked', 6, '{1,4}'), groups.noon()));
SELECT sentence, sentence = actstream.group_sentence(action_group, groups.noon()) AS same, html = actstream.group_sentence_html(action_group, groups.noon()) AS same_html,
       parts = actstream.group_sentence_parts(action_group, groups.noon()) AS same_parts
FROM actstream.group_sentences(ARRAY[groups.told('liked', 6, '{1,4}'), NULL, groups.told('liked', 2, '{}'), groups.told('saw', 1, '{2}'), groups.told('saw', 9, '{2,3,4,5}', NULL)], groups.noon());
SELECT count(*) FROM actstream.group_sentences(NULL::actstream.action_group[]);
-- without a sample, the actor that all have in common
SELECT actstream.group_sentence(groups.told('liked', 1, NULL, actor => 'person:3', actions => 3), groups.noon());
-- nothing to tell
SELECT actstream.group_sentence(groups.told('liked', 2, NULL), groups.noon()) IS NULL, actstream.group_sentence(groups.told('liked', NULL, '{1}'), groups.noon()) IS NULL,
       actstream.group_sentence(groups.told('liked', 1, '{1}'), NULL) = actstream.group_sentence(groups.told('liked', 1, '{1}')), actstream.group_sentence(NULL::actstream.action_group) IS NULL,
       actstream.group_sentence_html(NULL::actstream.action_group) IS NULL, actstream.group_sentence_parts(NULL::actstream.action_group) IS NULL;

SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
DROP SCHEMA groups CASCADE;
