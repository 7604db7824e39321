--
-- What is said of mistakes that people make who have not read the manual
--
\i test/lib/fresh.sql
CREATE ROLE actstream_mistaken;
CREATE SCHEMA mistake;
GRANT USAGE ON SCHEMA actstream, mistake TO actstream_mistaken;
GRANT SELECT ON actstream.actions TO actstream_mistaken;
SET search_path = mistake;

CREATE TABLE users (id int PRIMARY KEY, name text, email text);
CREATE TABLE issue (repo_id int, number int, title text, author int, state text, PRIMARY KEY (repo_id, number));
CREATE TABLE doc (id uuid PRIMARY KEY);
CREATE TABLE "Strange name" (id int PRIMARY KEY);
CREATE TABLE keyless (a int, b text);
CREATE VIEW active AS SELECT * FROM users;
CREATE TEMP TABLE scratch (id int PRIMARY KEY);
CREATE UNLOGGED TABLE fast (id int PRIMARY KEY);
CREATE TABLE event (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
INSERT INTO users VALUES (1, 'Ann'), (2, 'Ben');
INSERT INTO issue VALUES (7, 1, 'bug', 1, 'open');
INSERT INTO doc VALUES ('8a1e0c1e-0000-4000-8000-000000000001');
SELECT count(*) FROM (VALUES (actstream.register('users', 'user', name_template => '{name}')), (actstream.register('issue')),
    (actstream.register('doc')), (actstream.register_external('site'))) AS v;
SELECT verb FROM actstream.act_send('user:1', 'opened', 'issue:7,1');

-- what a statement comes to, and nothing else of it
CREATE FUNCTION said(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    message text;
    detail text;
    hint text;
    s text;
    t text;
    c text;
    k text;
BEGIN
    EXECUTE statement;
    RAISE EXCEPTION USING ERRCODE = 'ZZZZZ';
EXCEPTION
    WHEN SQLSTATE 'ZZZZZ' THEN RETURN 'nothing';
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT,
            s = SCHEMA_NAME, t = TABLE_NAME, c = COLUMN_NAME, k = CONSTRAINT_NAME;
        RETURN concat(sqlstate, ' ', message, E'\n    DETAIL: ' || nullif(detail, ''), E'\n    HINT: ' || nullif(hint, ''),
                      CASE WHEN t <> '' THEN format(E'\n    FIELDS: %s.%s %s %s', s, t, c, k) END);
END
$$;
CREATE TABLE mistake (n serial, statement text);
COPY mistake (statement) FROM STDIN;
SELECT actstream.act_send('user:1', 'opened', 'issue:7')
SELECT actstream.act_send('user:1', 'opened', 'issue:7:1')
SELECT actstream.act_send('user:1', 'opened', 'issue:7, 1')
SELECT actstream.act_send('user:1', 'read', 'doc:8a1e0c1e000040008000000000000001')
SELECT actstream.act_send('user:1', 'read', target => 'doc:8A1E0C1E-0000-4000-8000-000000000001')
SELECT actstream.act_send('user:01', 'came')
SELECT actstream.act_send('user: 1', 'came')
SELECT actstream.act_send('user:ann', 'came')
SELECT actstream.act_send('user:99', 'met', target => 'user:99')
SELECT actstream.act_send('user:1', 'met', target => 'user:99')
SELECT actstream.act_send('User:1', 'came')
SELECT actstream.act_send('users:1', 'came')
SELECT actstream.act_send('mistake.users:1', 'came')
SELECT actstream.act_send('user:1', 'came', target => 'isue:7,1')
SELECT actstream.act_send('robot:1', 'came')
SET LOCAL ROLE actstream_mistaken; SELECT count(*) FROM actstream.model_stream('users')
SELECT actstream.act_send('Users:', 'came')
SELECT actstream.act_send('1', 'came')
SELECT actstream.act_send('user/1', 'came')
SELECT actstream.act_send('', 'came')
SELECT actstream.act_send(':1', 'came')
SELECT actstream.act_send('"user":1', 'came')
SELECT actstream.act_send('came', 'user:1')
SELECT actstream.act_send('user:1', '')
SELECT actstream.act_send('user:1', repeat('x', 256))
SELECT actstream.act_send('user:1', 'came', external_id => repeat('x', 1025))
SELECT actstream.act_send('user:1', 'came', external_id => (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 100) i))
INSERT INTO actstream.actions (actor, verb, external_id) VALUES ('user:1', 'came', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 100) i))
CREATE INDEX ON actstream.actions (verb, "timestamp"); SELECT actstream.act_send('user:1', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 100) i))
INSERT INTO actstream.actions (actor, verb, target) VALUES ('user:1', 'came', 'user:99')
UPDATE actstream.actions SET target = 'user:99'
SELECT actstream.ref_of(a) FROM active a
SELECT actstream.ref_of(k) FROM (VALUES (ROW(1, '')::keyless)) v (k)
SELECT actstream.ref_of(ROW(1))
SELECT actstream.register('active')
SELECT actstream.register('scratch')
SELECT actstream.register('fast')
SELECT actstream.register('event_1')
SELECT actstream.register('keyless')
SELECT actstream.register('"Strange name"')
SELECT actstream.register('"Strange name"', 'strange name')
SELECT actstream.register('pg_class')
SELECT actstream.register('actstream.actions')
SELECT actstream.register('users', 'person')
SELECT actstream.register('event', 'user')
SELECT actstream.register('users', key_columns => '{mail}')
SELECT actstream.register('users', key_columns => '{email}')
SELECT actstream.register('issue', key_columns => '{number}')
SELECT actstream.register('users', name_template => '{nam}')
SELECT actstream.register('users', name_template => '{name')
SELECT actstream.register('users', on_delete => 'SET NULL')
SELECT actstream.register_external('user')
SELECT actstream.register_external('page', url_template => 'https://example.org/{id}')
SELECT actstream.unregister('users')
SELECT actstream.unregister('user')
SELECT actstream.rebind('user', 'doc')
TRUNCATE actstream.object_types
SELECT actstream.follow('user:1', 'user:99')
SELECT actstream.follow('user:99', 'user:1')
SELECT actstream.follow('user:1', 'user:1')
SELECT actstream.follow('user:1', 'usr:2')
SELECT actstream.follow('user:1', 'user:2', NULL)
SELECT actstream.follow('user:1', 'user:2', repeat('x', 248))
SELECT actstream.follow('user:1', 'user:2', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 100) i))
SELECT actstream.follow_many('user:1', '{user:2}', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 100) i))
SELECT actstream.follow('user:1', 'user:2', verbs => '{}')
SELECT actstream.follow('user:1', 'user:2', verbs => '{{liked,shared}}')
SELECT actstream.follow_many('user:1', '{user:2}', verbs => '{{liked},{shared}}')
INSERT INTO actstream.follows (follower, followee, verbs) SELECT 'user:1', 'user:2', array_agg(md5(i::text)) FROM generate_series(1, 100) i
INSERT INTO actstream.follows (follower, followee) VALUES ('user:1', 'user:2'); UPDATE actstream.follows SET verbs = '{{liked}}'
SELECT actstream.mute('user:1', 'user:2', verbs => '{{liked,shared}}')
SELECT actstream.mute('user:1', 'user:2', (SELECT array_agg(md5(i::text)) FROM generate_series(1, 100) i))
SELECT actstream.mark_all_seen('user:1', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 100) i), '0002eef176bc44000000000000000001')
SELECT actstream.mark_all_read('user:1', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 100) i), '0002eef176bc44000000000000000001')
SELECT actstream.mark_read('user:1', '{1}'::bigint[], (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 100) i))
SELECT actstream.mark_unread('user:1', '{1}', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 100) i))
SELECT actstream.archive('user:1', '{1}', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 100) i))
SELECT actstream.unseen_count('user:1', cap => -1)
SELECT actstream.trim_marks(-1)
SELECT actstream.trim_changes(max_rows => -1)
SELECT actstream.stream_position()
INSERT INTO actstream.follows (follower, followee) VALUES ('user:1', 'user:99')
SELECT count(*) FROM actstream.user_stream('1')
SELECT count(*) FROM actstream.user_stream('user:1', before => '2026-01-01')
SELECT count(*) FROM actstream.stream_of('{user:1}', '{object}')
SELECT count(*) FROM actstream.model_stream('users')
SELECT count(*) FROM actstream.model_stream('user:1')
SELECT actstream.track('issue', 'opened', 'user:{auther}')
SELECT actstream.track('issue', 'opened', 'user:author')
SELECT actstream.track('issue', 'opened', '{author}')
SELECT actstream.track('issue', 'opened', 'users:{author}')
SELECT actstream.track('issue', 'opened', 'user:{author}', 'issue:{number}')
SELECT actstream.track('issue', 'opened', 'user:{title}')
SELECT actstream.track('issue', '', 'user:{author}')
SELECT actstream.track('issue', 'opened', 'user:{author}', events => '{inserted}')
SELECT actstream.track('issue', 'opened', 'user:{author}', columns => '{state}')
SELECT actstream.track('issue', 'opened', 'user:{author}', columns => '{stat}')
SELECT actstream.track('issue', 'opened', 'user:{author}', condition => 'state = ''open''')
SELECT actstream.track('issue', 'opened', 'user:{author}', condition => 'SELECT true')
SELECT actstream.track('issue', 'opened', 'user:{author}', timestamp_column => 'created_at')
SELECT actstream.track('issue', 'opened', 'user:{author}', timestamp_column => 'title')
SELECT actstream.track('active', 'opened', 'user:{id}')
SELECT actstream.track('keyless', 'opened', 'user:{a}')
SELECT actstream.untrack('issue', 'opened')
SELECT actstream.track('issue', 'closed', NULL); INSERT INTO issue VALUES (7, 2)
SELECT actstream.set_actor('ann')
SET LOCAL actstream.actor = 'ann'
INSERT INTO actstream.phrases VALUES ('de', 'opened', '{actor} hat {object} opened')
INSERT INTO actstream.phrases VALUES ('de', 'opened', '{actor hat')
INSERT INTO actstream.phrases VALUES ('German', 'opened', '{actor} hat')
SET LOCAL ROLE actstream_mistaken; SELECT actstream.create_tables()
SET LOCAL ROLE actstream_mistaken; SELECT actstream.act_send('user:1', 'came')
SET LOCAL ROLE actstream_mistaken; SELECT actstream.register('users')
SET LOCAL transaction_read_only = on; SELECT actstream.act_send('user:1', 'came')
SET LOCAL transaction_read_only = on; SELECT actstream.register('users')
ALTER TABLE actstream.follows RENAME TO f; SELECT actstream.follow('user:1', 'user:2')
ALTER TABLE actstream.actions RENAME TO a; SELECT count(*) FROM actstream.public_stream()
ALTER TABLE users DROP CONSTRAINT users_pkey
\.
\pset format unaligned
\pset tuples_only on
SELECT statement || E'\n    ' || said(statement) FROM mistake ORDER BY n;

-- what is accepted, and probably meant otherwise
SELECT FROM actstream.register('users', name_template => 'name');
SELECT FROM actstream.register('users', url_template => '/users/');
SELECT FROM actstream.register_external('site', url_template => 'https://example.org/');
SELECT FROM actstream.track('issue', 'opened', 'user:2');
SELECT FROM actstream.track('issue', 'moved', 'site:${author}');
-- once
SELECT count(actstream.sentence(a, language => 'german')) FROM actstream.actions a, generate_series(1, 3);
INSERT INTO actstream.phrases VALUES ('german', 'opened', '{actor} hat {action_object} erstellt'), ('de-at', 'opened', '{actor} hat {action_object} erstellt');
SELECT count(actstream.sentence(a, language => 'de-AT')), count(actstream.sentence(a, language => 'pt_PT.UTF-8')), count(actstream.sentence(a, language => 'gsw')) FROM actstream.actions a;

\pset format aligned
\pset tuples_only off
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA mistake CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY actstream_mistaken;
DROP ROLE actstream_mistaken;
