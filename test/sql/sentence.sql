--
-- Actions in words
--
\i test/lib/fresh.sql
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS sentence CASCADE;
RESET client_min_messages;

SET datestyle = 'ISO';
SET timezone = 'UTC';
CREATE SCHEMA sentence;
SET search_path = sentence;

CREATE TABLE users (id integer PRIMARY KEY, name text);
CREATE TABLE repo (owner text, name text, PRIMARY KEY (owner, name));
INSERT INTO users VALUES (1, 'Ann'), (2, '%s "<&>" $1'), (3, '');
INSERT INTO repo VALUES ('acme', 'rocket');
SELECT label FROM actstream.register('users', 'user', name_template => '{name}');
SELECT label FROM actstream.register('repo', name_template => '{owner}/{name}', on_delete => 'keep');
SELECT label FROM actstream.register_external('issue', 'issue {key}');

INSERT INTO actstream.actions ("timestamp", actor, verb, action_object, target) VALUES
    ('2026-01-01 09:00+00', 'user:1', 'arrived', NULL, NULL),
    ('2026-01-01 09:01+00', 'user:1', 'closed', 'issue:2', NULL),
    ('2026-01-01 09:02+00', 'user:1', 'starred', NULL, 'repo:acme,rocket'),
    ('2026-01-01 09:03+00', 'user:1', 'closed', 'issue:2', 'repo:acme,rocket'),
    ('2026-01-01 09:04+00', 'user:1', 'met', 'user:1', 'user:1'),
    ('2026-01-01 09:05+00', 'user:2', '%d said "<b>"', 'user:2', 'user:3'),
    ('2026-01-02 12:00+00', 'issue:7', 'will be', NULL, NULL),
    ('-infinity', 'user:1', 'has always been', NULL, 'user:2'),
    ('infinity', 'user:1', 'will never', NULL, NULL);
SELECT actstream.sentence(a, '2026-01-01 12:05:10+00') FROM actstream.actions a ORDER BY id;
SELECT actstream.sentence(a, now => '2026-02-01 12:05:10+00') FROM actstream.user_stream('user:2', with_user_activity => true) a;
SELECT actstream.sentence(a, '2026-02-01 12:05:10+00') FROM actstream.actor_stream('user:1') a WHERE verb <> 'will never' LIMIT 2;
-- what is gone is called by its reference, as is what never was
DELETE FROM repo;
SELECT actstream.sentence(a, '2026-01-01 12:05:10+00') FROM actstream.target_stream('repo:acme,rocket') a;
SELECT actstream.sentence(a, '2026-01-01 12:05:10+00') FROM actstream.act_send('user:1', 'knew', 'issue:1', "timestamp" => '2026-01-01 12:00+00') a;
-- by default, now
SELECT actstream.sentence(actstream.act_send('user:1', 'sent', "timestamp" => now() - interval '65 minutes'));
SELECT actstream.sentence(actstream.act_send('user:1', 'sent'));
-- nothing to tell, and too little to tell
SELECT actstream.sentence(NULL), actstream.sentence(a, NULL) = actstream.sentence(a) AS same FROM actstream.actions a LIMIT 1;
SELECT actstream.sentence(a) FROM (SELECT 1) one LEFT JOIN actstream.actions a ON a.id = 0;
SELECT actstream.sentence(ROW(NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)::actstream.action),
       actstream.sentence(ROW(1, now(), true, 'user:1', NULL, NULL, NULL, NULL, NULL, NULL)::actstream.action),
       actstream.sentence(ROW(1, NULL, true, 'user:1', 'did', NULL, NULL, NULL, NULL, NULL)::actstream.action),
       actstream.sentence(ROW(1, now(), true, NULL, 'did', 'user:1', NULL, NULL, NULL, NULL)::actstream.action);
-- a later version may have given the type another column
ALTER TYPE actstream.action ADD ATTRIBUTE note text CASCADE;
SELECT actstream.sentence(a, '2026-01-01 12:05:10+00') FROM actstream.actions a WHERE id = 4;
ALTER TYPE actstream.action DROP ATTRIBUTE note CASCADE;
SELECT actstream.sentence(a, '2026-01-01 12:05:10+00') FROM actstream.actions a WHERE id = 4;

SET client_min_messages = warning;
DROP SCHEMA sentence CASCADE;
DROP EXTENSION actstream CASCADE;
