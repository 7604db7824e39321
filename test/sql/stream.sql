--
-- What the streams give, and what can be done with them
--
\i test/lib/fresh.sql

SET datestyle = 'ISO';
SET timezone = 'UTC';
-- the operators of references are there
SET search_path = public, actstream;

CREATE TABLE person (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE repo (slug text PRIMARY KEY);
INSERT INTO person VALUES (1, 'Ann'), (2, 'Bob'), (3, 'Cid'), (4, 'Dan');
INSERT INTO repo VALUES ('acme/rocket'), ('acme/ship');
SELECT label FROM actstream.register('person', name_template => '{name}');
SELECT label FROM actstream.register('repo');
SELECT label FROM actstream.register_external('site');

INSERT INTO actstream.actions ("timestamp", actor, verb, action_object, target, data, public) VALUES
    ('2026-01-01 10:00+00', 'person:1', 'pushed', NULL, 'repo:acme/rocket', '{"k": "3"}', true),
    ('2026-01-01 10:01+00', 'person:2', 'starred', NULL, 'repo:acme/rocket', NULL, true),
    ('2026-01-01 10:02+00', 'person:2', 'linked', 'site:https://example.org/', 'person:1', '{"k": "5"}', true),
    ('2026-01-01 10:02+00', 'person:3', 'joined', NULL, NULL, NULL, true),
    ('2026-01-01 10:03+00', 'person:1', 'wrote', 'person:1', 'person:1', '{"k": "3"}', true),
    ('2026-01-01 10:04+00', 'person:2', 'pushed', 'person:1', 'repo:acme/rocket', '{"k": "3"}', false),
    ('2026-01-01 10:05+00', 'person:3', 'forked', 'repo:acme/rocket', 'repo:acme/ship', NULL, true),
    ('2026-01-01 09:00+00', 'person:3', 'pushed', NULL, 'repo:acme/rocket', '{"k": "5"}', true),
    ('2026-01-01 10:02+00', 'person:2', 'followed', 'person:3', 'person:3', NULL, true);

--
-- The streams of objects
--

-- newest first; of the same instant, the greater id first
SELECT id, "timestamp", actor, verb, action_object, target FROM actstream.public_stream();

SELECT id, actor, verb, action_object, target FROM actstream.actor_stream('person:2');
SELECT id, actor, verb, action_object, target FROM actstream.target_stream('repo:acme/rocket');
SELECT id, actor, verb, action_object, target FROM actstream.action_object_stream('person:1');
-- an action in several roles is there once
SELECT id, actor, verb, action_object, target FROM actstream.any_stream('person:1');
SELECT id, actor, verb, action_object, target FROM actstream.model_stream('repo');
SELECT id, actor, verb, action_object, target FROM actstream.model_stream('site');

SELECT id, actor, verb, action_object, target FROM actstream.stream_of('{person:3,repo:acme/rocket}');
SELECT array(SELECT id FROM actstream.stream_of('{person:3,repo:acme/rocket}', '{actor}')) AS as_actor,
       array(SELECT id FROM actstream.stream_of('{person:3,repo:acme/rocket}', '{target}')) AS as_target,
       array(SELECT id FROM actstream.stream_of('{person:3,repo:acme/rocket}', '{target,action_object}')) AS as_either,
       array(SELECT id FROM actstream.stream_of('{person:3,person:3}', '{actor,actor}')) AS named_twice,
       array(SELECT id FROM actstream.stream_of('{{person:3},{repo:acme/rocket}}', '{actor}')) AS two_dimensions,
       array(SELECT id FROM actstream.stream_of('{}')) AS no_objects,
       array(SELECT id FROM actstream.stream_of('{person:3}', '{}')) AS no_roles;

-- objects that nothing is known of
SELECT count(*) FROM actstream.any_stream('person:4');
SELECT count(*) FROM actstream.any_stream('nowhere:1');
SELECT count(*) FROM actstream.model_stream('nowhere');
SELECT count(*) FROM actstream.model_stream('perso');
SELECT count(*) FROM actstream.model_stream(repeat('x', 63));

-- whole rows
SELECT * FROM actstream.actor_stream('person:3') LIMIT 1;
SELECT count(*) AS equal_to_the_table
FROM actstream.public_stream() AS s JOIN actstream.actions AS a ON a = s;

--
-- The streams of followers
--

-- Ann follows Bob, and Cid since the instant of his joining
INSERT INTO actstream.follows (follower, followee, flag, actor_only, started) VALUES
    ('person:1', 'person:2', '', true, '2026-01-01 10:01:30+00'),
    ('person:1', 'person:3', 'watching', true, '2026-01-01 10:02+00');

SELECT id, actor, verb, action_object, target FROM actstream.user_stream('person:1');
SELECT id, actor, verb, action_object, target FROM actstream.user_stream('person:1', 'watching');
SELECT id, actor, verb, action_object, target FROM actstream.user_stream('person:1', flag => '');
SELECT id, actor, verb, action_object, target FROM actstream.user_stream('person:1', 'unheard');
-- with what Ann does herself, whatever the flag
SELECT id, actor, verb, action_object, target
FROM actstream.user_stream('person:1', with_user_activity => true);
SELECT id, actor, verb, action_object, target
FROM actstream.user_stream('person:1', 'unheard', with_user_activity => true);
-- from the beginning of each follow, that instant included
SELECT id, "timestamp", actor, verb FROM actstream.user_stream('person:1', since_follow => true);
SELECT id, "timestamp", actor, verb
FROM actstream.user_stream('person:1', with_user_activity => true, since_follow => true);
UPDATE actstream.follows SET started = '2026-01-01 10:02:00.000001+00' WHERE flag = 'watching';
SELECT id, "timestamp", actor, verb
FROM actstream.user_stream('person:1', 'watching', since_follow => true);

-- A follow is of what the object does; or else of what is done to it and with
-- it, too.
INSERT INTO actstream.follows (follower, followee, flag, actor_only, started) VALUES
    ('person:2', 'repo:acme/rocket', '', true, '2026-01-01 10:00+00'),
    ('person:2', 'person:3', '', true, '2026-01-01 10:00+00');
SELECT id, actor, verb, action_object, target FROM actstream.user_stream('person:2');
UPDATE actstream.follows SET actor_only = false WHERE follower = 'person:2' AND followee = 'repo:acme/rocket';
SELECT id, actor, verb, action_object, target FROM actstream.user_stream('person:2');
SELECT id, actor, verb, action_object, target FROM actstream.user_stream('person:2', since_follow => true);

-- under two flags, each as it says
INSERT INTO actstream.follows (follower, followee, flag, actor_only, started) VALUES
    ('person:2', 'person:3', 'watching', false, '2026-01-01 10:00+00');
SELECT array(SELECT id FROM actstream.user_stream('person:2', '')) AS plain,
       array(SELECT id FROM actstream.user_stream('person:2', 'watching')) AS watching,
       array(SELECT id FROM actstream.user_stream('person:2')) AS either;

-- oneself; from the beginning of the follow, what one does is not all of that
INSERT INTO actstream.follows (follower, followee, flag, actor_only, started) VALUES
    ('person:3', 'person:3', '', false, '2026-01-01 10:02+00');
SELECT array(SELECT id FROM actstream.user_stream('person:3')) AS followed,
       array(SELECT id FROM actstream.user_stream('person:3', since_follow => true)) AS since,
       array(SELECT id FROM actstream.user_stream('person:3', with_user_activity => true,
                                                  since_follow => true)) AS with_own;

-- who follows nothing sees nothing
SELECT count(*) FROM actstream.user_stream('person:4');
SELECT count(*) FROM actstream.user_stream('person:4', with_user_activity => true);
SELECT count(*) FROM actstream.user_stream('nowhere:1', with_user_activity => true);

-- a follow is effective at once, and so is its end
SELECT follower, followee, flag, actor_only, started
FROM actstream.follow('person:4', 'site:https://example.org/', actor_only => false, send_action => false,
                      "timestamp" => '2026-01-01 10:00+00');
SELECT id, actor, verb, action_object, target FROM actstream.user_stream('person:4');
SELECT actstream.unfollow('person:4', 'site:https://example.org/');
SELECT count(*) FROM actstream.user_stream('person:4');

--
-- Private actions are in no stream
--
SELECT count(*)
FROM (SELECT * FROM actstream.public_stream()
      UNION ALL SELECT * FROM actstream.actor_stream('person:2')
      UNION ALL SELECT * FROM actstream.target_stream('repo:acme/rocket')
      UNION ALL SELECT * FROM actstream.action_object_stream('person:1')
      UNION ALL SELECT * FROM actstream.any_stream('person:2')
      UNION ALL SELECT * FROM actstream.model_stream('person')
      UNION ALL SELECT * FROM actstream.stream_of('{person:1,person:2,repo:acme/rocket}')
      UNION ALL SELECT * FROM actstream.user_stream('person:1')
      UNION ALL SELECT * FROM actstream.user_stream('person:2', with_user_activity => true)) AS s
WHERE NOT public OR id = 6;
BEGIN;
UPDATE actstream.actions SET public = NOT public WHERE id IN (2, 6);
SELECT array(SELECT id FROM actstream.actor_stream('person:2')) AS actor_stream,
       array(SELECT id FROM actstream.user_stream('person:1')) AS user_stream,
       array(SELECT id FROM actstream.target_stream('repo:acme/rocket')) AS target_stream,
       array(SELECT id FROM actstream.action_object_stream('person:1')) AS action_object_stream,
       array(SELECT id FROM actstream.public_stream()) AS public_stream;
ROLLBACK;

--
-- Nulls and errors
--
SELECT (SELECT count(*) FROM actstream.actor_stream(NULL)) AS actor_stream,
       (SELECT count(*) FROM actstream.target_stream(NULL)) AS target_stream,
       (SELECT count(*) FROM actstream.action_object_stream(NULL)) AS action_object_stream,
       (SELECT count(*) FROM actstream.any_stream(NULL)) AS any_stream,
       (SELECT count(*) FROM actstream.model_stream(NULL)) AS model_stream,
       (SELECT count(*) FROM actstream.stream_of(NULL)) AS stream_of,
       (SELECT count(*) FROM actstream.user_stream(NULL, with_user_activity => true)) AS user_stream;
SELECT array(SELECT id FROM actstream.stream_of('{NULL}')) AS nothing,
       array(SELECT id FROM actstream.stream_of('{person:3,NULL}', '{actor}')) AS person_3,
       array(SELECT id FROM actstream.stream_of('{person:3}', NULL)) AS no_roles;
-- null is neither true nor a flag
SELECT array(SELECT id FROM actstream.user_stream('person:1', NULL, NULL, NULL)) AS nulls,
       array(SELECT id FROM actstream.user_stream('person:1')) AS defaults;

-- the errors of a query, however it is planned
CREATE FUNCTION error_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    hint text;
BEGIN
    EXECUTE query;
    RETURN 'none';
EXCEPTION WHEN others THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RETURN concat_ws(' | ', SQLSTATE, SQLERRM, nullif(hint, ''));
END
$$;
SELECT error_of($$SELECT * FROM actstream.stream_of('{person:1}', '{actor,owner}')$$);
SELECT error_of($$SELECT * FROM actstream.stream_of('{person:1}', '{Actor}')$$);
SELECT error_of($$SELECT * FROM actstream.stream_of('{person:1}', '{actor,NULL}')$$);
SELECT error_of($$SELECT * FROM actstream.model_stream('no label')$$);
SELECT error_of($$SELECT * FROM actstream.model_stream('person:1')$$);
SELECT error_of($$SELECT * FROM actstream.model_stream('')$$);
SELECT error_of($$SELECT * FROM actstream.model_stream(repeat('x', 64))$$);
SELECT error_of($$SELECT * FROM actstream.actor_stream('person')$$);

SET plan_cache_mode = force_generic_plan;
PREPARE by_role(actstream.ref[], text[]) AS SELECT id FROM actstream.stream_of($1, $2);
SELECT error_of($$EXECUTE by_role('{person:1}', '{actor,owner}')$$);
PREPARE by_label(text) AS SELECT id FROM actstream.model_stream($1);
SELECT error_of($$EXECUTE by_label('no label')$$);
SELECT error_of($$EXECUTE by_label(NULL)$$);
DEALLOCATE ALL;
RESET plan_cache_mode;

--
-- A stream is a relation
--

-- filters
SELECT id, verb FROM actstream.any_stream('repo:acme/rocket') WHERE verb = 'pushed';
SELECT id, data FROM actstream.any_stream('person:1') WHERE data->>'k' = '3';
SELECT id FROM actstream.user_stream('person:2')
WHERE "timestamp" BETWEEN '2026-01-01 10:00+00' AND '2026-01-01 10:02+00';
-- another order
SELECT id, verb FROM actstream.user_stream('person:2') ORDER BY verb, id;
SELECT id FROM actstream.user_stream('person:2') ORDER BY "timestamp", id LIMIT 2;
-- pages
SELECT id, "timestamp" FROM actstream.public_stream() LIMIT 3;
SELECT id, "timestamp" FROM actstream.public_stream()
WHERE ("timestamp", id) < ('2026-01-01 10:02+00', 9) LIMIT 3;
SELECT id, "timestamp" FROM actstream.public_stream()
WHERE ("timestamp", id) < ('2026-01-01 10:01+00', 2) LIMIT 3;

-- joins, both ways
SELECT s.id, p.name, s.verb
FROM actstream.public_stream() AS s
JOIN person p ON actstream.ref('person', p.id) = s.actor
WHERE p.name <> 'Cid'
ORDER BY s."timestamp" DESC, s.id DESC;
SELECT p.name, s.id
FROM person p
CROSS JOIN LATERAL (SELECT * FROM actstream.user_stream(actstream.ref_of(p)) LIMIT 2) AS s
ORDER BY p.id, s."timestamp" DESC, s.id DESC;
SELECT p.name, s.id
FROM person p
LEFT JOIN LATERAL (SELECT * FROM actstream.user_stream(actstream.ref_of(p), with_user_activity => true)
                   WHERE verb = 'pushed') AS s ON true
ORDER BY p.id, s."timestamp" DESC, s.id DESC;
SELECT name FROM person p
WHERE EXISTS (SELECT FROM actstream.user_stream(actstream.ref_of(p)) WHERE verb = 'forked')
ORDER BY name;
SELECT name, (SELECT count(*) FROM actstream.user_stream(actstream.ref_of(p))) FROM person p ORDER BY id;

-- aggregates and set operations
SELECT count(*), min("timestamp"), max("timestamp") FROM actstream.user_stream('person:2');
SELECT verb, count(*) FROM actstream.public_stream() GROUP BY verb ORDER BY verb;
SELECT id FROM actstream.actor_stream('person:3') UNION SELECT id FROM actstream.actor_stream('person:1') ORDER BY id;
SELECT id FROM actstream.any_stream('person:3') EXCEPT SELECT id FROM actstream.actor_stream('person:3');

-- in the select list, and with a number
SELECT (s).id, (s).verb FROM (SELECT actstream.actor_stream('person:3') AS s OFFSET 0) AS s;
SELECT actstream.ref_of(p), (actstream.user_stream(actstream.ref_of(p))).id FROM person p WHERE p.id = 1;
SELECT ordinality, id, verb FROM actstream.user_stream('person:1') WITH ORDINALITY LIMIT 3;
SELECT a.id, b.id FROM ROWS FROM (actstream.actor_stream('person:3'), actstream.actor_stream('person:1'))
    AS s(id, t, public, actor, verb, action_object, target, description, data, external_id,
         id2, t2, public2, actor2, verb2, action_object2, target2, description2, data2, external_id2)
CROSS JOIN LATERAL (SELECT s.id) AS a CROSS JOIN LATERAL (SELECT s.id2) AS b(id);

-- a cursor, a prepared statement, a loop
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT id FROM actstream.user_stream('person:2');
FETCH 2 FROM c;
FETCH 2 FROM c;
FETCH BACKWARD 2 FROM c;
FETCH ABSOLUTE 1 FROM c;
COMMIT;

PREPARE page(actstream.ref, timestamptz, bigint) AS
SELECT id, "timestamp" FROM actstream.user_stream($1) WHERE ("timestamp", id) < ($2, $3) LIMIT 2;
EXECUTE page('person:2', 'infinity', 0);
EXECUTE page('person:2', '2026-01-01 10:02+00', 4);
EXECUTE page('person:2', '2026-01-01 10:01+00', 2);
EXECUTE page('person:1', '2026-01-01 10:02+00', 9);
DEALLOCATE page;

DO $$
DECLARE
    a actstream.action;
BEGIN
    FOR a IN SELECT * FROM actstream.user_stream('person:1') LOOP
        RAISE NOTICE '% % %', a.id, a.actor, a.verb;
        EXIT WHEN a.verb = 'followed';
    END LOOP;
END
$$;

-- a stream of one's own: what is done to the followed repositories, pushes left out
CREATE FUNCTION repo_stream(follower actstream.ref) RETURNS SETOF actstream.action LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT *
    FROM actstream.stream_of(ARRAY(SELECT actstream.following(follower, labels => '{repo}')), '{target}')
    WHERE verb <> 'pushed';
END;
SELECT id, actor, verb, target FROM repo_stream('person:2');
SELECT id FROM repo_stream('person:2') WHERE "timestamp" < '2026-01-01 10:01+00';
SELECT count(*) FROM repo_stream('person:1');

-- a view
CREATE VIEW pushed AS SELECT * FROM actstream.public_stream() WHERE verb = 'pushed';
SELECT id FROM pushed WHERE actor = 'person:3';
DROP VIEW pushed;

-- readers write nothing
BEGIN READ ONLY;
SELECT count(*) FROM actstream.public_stream();
SELECT id FROM actstream.user_stream('person:1', with_user_activity => true, since_follow => true) LIMIT 2;
SELECT id FROM actstream.any_stream('person:1') LIMIT 2;
SELECT id FROM actstream.model_stream('site') LIMIT 2;
SELECT id FROM actstream.stream_of('{person:3}') LIMIT 2;
COMMIT;

-- a stream shows what its statement's snapshot does
BEGIN;
DECLARE before CURSOR FOR SELECT id, verb FROM actstream.actor_stream('person:4');
SELECT verb FROM actstream.act_send('person:4', 'arrived', "timestamp" => '2026-01-01 11:00+00');
SELECT verb FROM actstream.actor_stream('person:4');
FETCH ALL FROM before;
SAVEPOINT s;
SELECT verb FROM actstream.act_send('person:4', 'left', "timestamp" => '2026-01-01 11:01+00');
SELECT verb FROM actstream.actor_stream('person:4');
ROLLBACK TO SAVEPOINT s;
SELECT verb FROM actstream.actor_stream('person:4');
ROLLBACK;

--
-- The ends of time
--
BEGIN;
INSERT INTO actstream.actions (id, "timestamp", actor, verb, target) VALUES
    (101, '-infinity', 'person:4', 'began', 'repo:acme/ship'),
    (102, '-infinity', 'person:4', 'began again', 'repo:acme/ship'),
    (103, '4714-11-24 00:00+00 BC', 'person:4', 'counted', 'repo:acme/ship'),
    (104, '4713-01-01 00:00+00 BC', 'person:4', 'counted', 'repo:acme/ship'),
    (105, '294276-12-31 23:59:59.999999+00', 'person:4', 'waited', 'repo:acme/ship'),
    (106, 'infinity', 'person:4', 'ended', 'repo:acme/ship');
INSERT INTO actstream.follows (follower, followee, flag, actor_only, started) VALUES
    ('person:4', 'repo:acme/ship', '', false, '-infinity'),
    ('person:4', 'repo:acme/ship', 'late', false, '4713-01-01 00:00+00 BC'),
    ('person:4', 'repo:acme/ship', 'never', false, 'infinity');
SELECT id, "timestamp" FROM actstream.actor_stream('person:4');
SELECT id, "timestamp" FROM actstream.any_stream('person:4') WHERE ("timestamp", id) < ('infinity', 106) LIMIT 2;
SELECT id, "timestamp" FROM actstream.any_stream('person:4') WHERE ("timestamp", id) < ('4713-01-01 00:00+00 BC', 104);
SELECT id, "timestamp" FROM actstream.any_stream('person:4') WHERE ("timestamp", id) < ('-infinity', 102);
SELECT id, "timestamp" FROM actstream.any_stream('person:4') WHERE ("timestamp", id) < ('-infinity', 101);
SELECT id FROM actstream.any_stream('person:4') WHERE "timestamp" >= 'infinity';
SELECT id FROM actstream.any_stream('person:4') WHERE "timestamp" <= '-infinity';
SELECT array(SELECT id FROM actstream.user_stream('person:4')) AS all,
       array(SELECT id FROM actstream.user_stream('person:4', '', since_follow => true)) AS always,
       array(SELECT id FROM actstream.user_stream('person:4', 'late', since_follow => true)) AS late,
       array(SELECT id FROM actstream.user_stream('person:4', 'never', since_follow => true)) AS never;
ROLLBACK;

SET client_min_messages = warning;
DROP EXTENSION actstream CASCADE;
DROP TABLE person, repo;
DROP FUNCTION error_of;
