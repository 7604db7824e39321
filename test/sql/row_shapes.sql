--
-- Tables of the extension that somebody has altered: what reads their rows goes by the
-- names of columns, or says what is missing
--
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS actstream CASCADE;
CREATE EXTENSION actstream;
RESET client_min_messages;

SELECT label FROM actstream.register_external('user', '{key}', '/{key}');
INSERT INTO actstream.action (actor, verb, target, description, "timestamp") VALUES ('user:Ann', 'greeted', 'user:Ben', 'Hello', '2026-01-01 00:00+00');
CREATE VIEW shown AS
    SELECT actstream.sentence(a, a."timestamp"),
           (SELECT actstream.activity_streams_1(b, 'tag:example.org,2026:x', 'T', 'https://example.org/') #>> '{items,0,content}' FROM actstream.action b WHERE b.id = a.id) AS content
    FROM actstream.action a;

-- phrases
INSERT INTO actstream.phrase VALUES ('en', 'greeted', '{actor} said hello to {target}[ {timesince} ago]');
SELECT sentence FROM shown;
ALTER TABLE actstream.phrase ADD COLUMN note text DEFAULT 'mine';
SELECT sentence FROM shown;
INSERT INTO actstream.phrase VALUES ('en', 'left', '{actor} went', NULL);
INSERT INTO actstream.phrase VALUES ('en', 'left', '{actor', NULL);
SELECT sentence FROM shown;
ALTER TABLE actstream.phrase DROP COLUMN note;
SELECT sentence FROM shown;
-- the same columns in another place
ALTER TABLE actstream.phrase DROP COLUMN pattern;
ALTER TABLE actstream.phrase ADD COLUMN pattern text;
SELECT sentence FROM shown;
UPDATE actstream.phrase SET pattern = '{actor} hailed {target}' WHERE verb = 'greeted';
UPDATE actstream.phrase SET pattern = '{nobody}' WHERE verb = 'left';
SELECT sentence FROM shown;
-- of another type, under another name, gone
ALTER TABLE actstream.phrase ALTER COLUMN pattern TYPE integer USING NULL;
SELECT sentence FROM shown;
ALTER TABLE actstream.phrase ALTER COLUMN pattern TYPE text USING '{actor} waved';
SELECT sentence FROM shown;
ALTER TABLE actstream.phrase RENAME pattern TO words;
SELECT sentence FROM shown;
INSERT INTO actstream.phrase (language, verb, words) VALUES ('en', '', 'x');
ALTER TABLE actstream.phrase RENAME words TO pattern;
-- rows that the check of the table has not seen: each other that fits is taken
ALTER TABLE actstream.phrase DROP CONSTRAINT phrase_pkey;
ALTER TABLE actstream.phrase ALTER language DROP NOT NULL, ALTER verb DROP NOT NULL;
SET session_replication_role = replica;
INSERT INTO actstream.phrase (language, verb, pattern) VALUES (NULL, 'greeted', 'x'), ('en', NULL, 'x'), ('de', 'greeted', NULL), ('fr', 'greeted', '{actor}[ '), ('fr', '', '{nobody}');
UPDATE actstream.phrase SET pattern = '{actor' WHERE verb = 'greeted' AND language = 'en';
RESET session_replication_role;
SELECT sentence FROM shown;
SELECT actstream.sentence(a, a."timestamp", 'fr'), actstream.sentence(a, a."timestamp", 'de') FROM actstream.action a;
DELETE FROM actstream.phrase;

-- actions
ALTER TABLE actstream.action ADD COLUMN note text DEFAULT 'mine';
SELECT * FROM shown;
SELECT actstream.sentence(ROW(1, '2026-01-01', true, 'user:Ann', 'ran', NULL, NULL, NULL, NULL, NULL, 'mine'), '2026-01-01');
ALTER TABLE actstream.action RENAME description TO body;
SELECT * FROM shown;
SELECT sentence FROM shown;
ALTER TABLE actstream.action RENAME body TO description;
ALTER TABLE actstream.action RENAME verb TO did;
SELECT sentence FROM shown;
ALTER TABLE actstream.action RENAME note TO verb;
SELECT sentence FROM shown;

SET client_min_messages = warning;
DROP VIEW shown;
DROP EXTENSION actstream CASCADE;
