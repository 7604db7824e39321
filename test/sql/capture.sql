-- Nothing of ours is captured through the search path.
--
-- A hostile schema comes first in it, and pg_temp next.  The schema has a
-- look-alike of every function and operator of pg_catalog, and of ours, that
-- plpgsql can have; both have views in place of all tables of the system and of
-- ours, and domains in place of types.  Each says in a WARNING what it is and
-- who runs it.  There is none before the last part, which shows that they do.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS actstream CASCADE;
DROP SCHEMA IF EXISTS hostile, cap CASCADE;
DROP ROLE IF EXISTS capture_app;
SET jit = off;
SET timezone = 'UTC';
CREATE ROLE capture_app;
CREATE SCHEMA hostile;
GRANT USAGE ON SCHEMA hostile TO PUBLIC;
CREATE FUNCTION hostile.caught(what text) RETURNS boolean LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE WARNING '% captured, run by %', what, current_user;
    RETURN true;
END
$$;
CREATE TABLE hostile.made (kind text);

-- Puts look-alikes in a schema, and counts them.  What plpgsql does not take is
-- left out: no stranger could make it either.
CREATE FUNCTION hostile.fill(place text, from_schema regnamespace) RETURNS TABLE (kind text, made bigint) LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    o record;
BEGIN
    DELETE FROM hostile.made;
    FOR o IN
        SELECT 'function' AS kind, format('CREATE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', place, p.proname,
                                  pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid),
                                  format('BEGIN PERFORM hostile.caught(%L); %s; END', 'function ' || p.proname,
                                         CASE WHEN p.proretset OR p.proargmodes && '{o,b}' OR p.prorettype IN ('void'::regtype, 'event_trigger'::regtype) THEN 'RETURN' ELSE 'RETURN NULL' END)) AS ddl
        FROM pg_proc p
        WHERE (p.pronamespace = from_schema OR (from_schema::text = 'actstream' AND p.pronamespace::regnamespace::text = 'actstream_internal')) AND p.prokind = 'f' AND place <> 'pg_temp'
        UNION ALL
        SELECT 'operator', format('CREATE FUNCTION %1$I.operator_%2$s(%3$s) RETURNS %4$s LANGUAGE plpgsql AS %5$L;
                                   CREATE OPERATOR %1$I.%6$s (FUNCTION = %1$I.operator_%2$s, %7$s RIGHTARG = %8$s)',
                                  place, p.oid, concat_ws(', ', nullif(p.oprleft, 0)::regtype, p.oprright::regtype), p.oprresult::regtype,
                                  format('BEGIN PERFORM hostile.caught(%L); RETURN NULL; END', 'operator ' || p.oprname),
                                  p.oprname, 'LEFTARG = ' || nullif(p.oprleft, 0)::regtype || ',', p.oprright::regtype)
        FROM pg_operator p
        WHERE (p.oprnamespace = from_schema OR (from_schema::text = 'actstream' AND p.oprleft = to_regtype('actstream.ref'))) AND place <> 'pg_temp'
        UNION ALL
        -- for a type that a polymorphic operator serves, one of its own is chosen before that
        SELECT 'operator', format('CREATE FUNCTION %1$I.operator_%2$s_%3$s(%4$s, %4$s) RETURNS %5$s LANGUAGE plpgsql AS %6$L;
                                   CREATE OPERATOR %1$I.%7$s (FUNCTION = %1$I.operator_%2$s_%3$s, LEFTARG = %4$s, RIGHTARG = %4$s)',
                                  place, p.oid, row_number() OVER (), t.name, CASE WHEN p.oprresult = p.oprleft THEN t.name ELSE p.oprresult::regtype::text END,
                                  format('BEGIN PERFORM hostile.caught(%L); RETURN NULL; END', 'operator ' || p.oprname), p.oprname)
        FROM pg_operator p
        JOIN (VALUES ('anyarray', 'text[]'), ('anyarray', 'bigint[]'), ('anyarray', 'xid8[]'), ('anycompatiblearray', 'text[]'), ('anyrange', 'tstzrange')) AS t (type, name)
            ON p.oprleft = to_regtype(t.type) AND p.oprright = p.oprleft
        WHERE p.oprnamespace = from_schema AND place <> 'pg_temp' AND p.oprresult IN (p.oprleft, 'boolean'::regtype)
        UNION ALL
        SELECT 'table', format('CREATE VIEW %I.%I AS SELECT * FROM %s WHERE hostile.caught(%L); GRANT ALL ON %1$I.%2$I TO PUBLIC',
                               place, c.relname, c.oid::regclass, 'table ' || c.relname)
        FROM pg_class c
        WHERE c.relnamespace = from_schema AND c.relkind = ANY ('{r,v}')
        UNION ALL
        SELECT 'type', format('CREATE DOMAIN %I.%I AS %s CHECK (hostile.caught(%L))', place, t.typname, t.oid::regtype, 'type ' || t.typname)
        FROM pg_type t
        WHERE t.typnamespace = from_schema AND t.typtype = 'b' AND t.typelem = 0
    LOOP
        BEGIN
            EXECUTE o.ddl;
            INSERT INTO hostile.made VALUES (o.kind);
        EXCEPTION
            WHEN feature_not_supported OR invalid_function_definition OR invalid_table_definition THEN NULL;
        END;
    END LOOP;
    RETURN QUERY SELECT m.kind, count(*) FROM hostile.made m GROUP BY 1 ORDER BY 1;
END
$$;
SET search_path = pg_catalog, pg_temp;
SELECT kind, made > CASE kind WHEN 'function' THEN 1500 WHEN 'operator' THEN 600 ELSE 50 END AS many
FROM hostile.fill('hostile', 'pg_catalog');
SELECT kind, made > 50 AS many FROM hostile.fill('pg_temp', 'pg_catalog');

-- The extension is made here, and all is called that it has.
CREATE TABLE hostile.script (n integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, statement text);
GRANT SELECT ON hostile.script TO capture_app;
INSERT INTO hostile.script (statement) VALUES
    ('CREATE TABLE cap.person (id pg_catalog.int4 PRIMARY KEY, name pg_catalog.text)'),
    ('CREATE TABLE cap.place (kind pg_catalog.text, id pg_catalog.uuid, PRIMARY KEY (kind, id)) PARTITION BY LIST (kind)'),
    ('CREATE TABLE cap.place_a PARTITION OF cap.place FOR VALUES IN (''a'')'),
    ('CREATE TABLE cap.place_b PARTITION OF cap.place FOR VALUES IN (''b'')'),
    ('INSERT INTO cap.person VALUES (1, ''Ann''), (2, ''Ben''), (3, ''Cleo'')'),
    ('INSERT INTO cap.place VALUES (''a'', ''00000000-0000-0000-0000-000000000001''), (''b'', ''00000000-0000-0000-0000-000000000002'')'),
    ('SELECT label FROM actstream.register(''cap.person'', name_template => ''{name}'', url_template => ''/person/{name}'')'),
    ('SELECT label FROM actstream.register(''cap.person'', on_delete => ''set null'', name_template => ''{name}'', url_template => ''/person/{name}'')'),
    ('SELECT label FROM actstream.register(''cap.place'')'),
    ('SELECT label FROM actstream.register_external(''site'', url_template => ''https://{key}'')'),
    ('SELECT actstream.track(''cap.person'', ''changed'', NULL, ''{self}'', ''site:{name}'', ''{insert,update,delete}'',
         columns => ''{name}'', condition => ''true'', description => ''{name}'', data_columns => ''{name}'')'),
    ('SELECT actstream.set_actor(''site:b'', false)'),
    ('SELECT actstream.current_actor()'),
    ('INSERT INTO cap.person VALUES (4, ''Dan''), (5, ''Eve'')'),
    ('UPDATE cap.person SET name = ''Daniel'''),
    ('SELECT verb FROM actstream.act_send(''person:1'', ''pushed'', ''place:a,00000000-0000-0000-0000-000000000001'', ''site:a'', external_id => ''x'')'),
    ('SELECT verb FROM actstream.act_send(''person:1'', ''pushed'', ''place:a,00000000-0000-0000-0000-000000000001'', ''site:a'', external_id => ''x'')'),
    ('SELECT flag FROM actstream.follow(''person:2'', ''person:1'', actor_only => false)'),
    ('SELECT flag FROM actstream.follow(''person:2'', ''person:1'', actor_only => true)'),
    ('SELECT flag FROM actstream.follow(''person:2'', ''site:a'', ''watching'')'),
    ('SELECT verbs FROM actstream.follow(''person:2'', ''person:1'', verbs => ''{pushed}'')'),
    ('SELECT verbs FROM actstream.follow(''person:2'', ''person:1'', actor_only => false)'),
    ('SELECT actstream.follow_many(''person:2'', ''{person:3,person:4}'', verbs => ''{pushed}'', send_action => true)'),
    ('SELECT actstream.follow_many(''person:2'', ''{person:3,person:4}'', verbs => ''{came}'')'),
    ('SELECT actstream.unfollow_many(''person:2'', ''{person:3,person:4}'', send_action => true)'),
    ('SELECT f.followers FROM actstream.follower_counts(''{person:1,site:a}'') f'),
    ('SELECT f.following FROM actstream.following_counts(''{person:2,person:1}'') f'),
    ('SELECT verbs FROM actstream.mute(''person:2'', ''person:5'', ''{a}'')'),
    ('SELECT verbs FROM actstream.mute(''person:2'', ''person:5'', ''{b}'', until => ''infinity'')'),
    ('SELECT muted FROM actstream.block(''person:2'', ''person:4'')'),
    ('SELECT actstream.is_muted(''person:2'', a) FROM actstream.actor_stream(''person:1'') a LIMIT 1'),
    ('SELECT actstream.unmute(''person:2'', ''person:5'')'),
    ('SELECT actstream.unblock(''person:2'', ''person:4'')'),
    ('SELECT actstream.is_following(''person:2'', ''person:1'')'),
    ('SELECT actstream.which_followed(''person:2'', ''{person:1,person:3}'')'),
    ('SELECT actstream.audience(a) FROM actstream.actor_stream(''person:1'') a LIMIT 1'),
    ('SELECT actstream.followers(''person:1'')'),
    ('SELECT actstream.following(''person:2'', labels => ''{person}'')'),
    ('INSERT INTO actstream.actions (actor, verb) VALUES (''person:2'', ''came'')'),
    ('UPDATE actstream.actions SET description = NULL'),
    ('INSERT INTO actstream.follows (follower, followee) VALUES (''person:3'', ''person:2'')'),
    ('INSERT INTO actstream.phrases VALUES (''de'', ''pushed'', ''{actor} hat {action_object} geschoben'')'),
    ('SELECT verb FROM actstream.user_stream(''person:2'', with_user_activity => true, since_follow => true) LIMIT 2'),
    ('SELECT verb FROM actstream.actor_stream(''person:1'') LIMIT 2'),
    ('SELECT verb FROM actstream.target_stream(''site:a'')'),
    ('SELECT verb FROM actstream.action_object_stream(''place:a,00000000-0000-0000-0000-000000000001'')'),
    ('SELECT verb FROM actstream.any_stream(''site:a'')'),
    ('SELECT verb FROM actstream.model_stream(''place'')'),
    ('SELECT verb FROM actstream.public_stream() LIMIT 1'),
    ('SELECT verb FROM actstream.stream_of(''{site:a}'', ''{target}'')'),
    ('SELECT (n.action).verb, n.read FROM actstream.notifications(''person:2'') n'),
    ('SELECT actstream.unseen_count(''person:2''), actstream.unread_count(''person:2'')'),
    ('SELECT actstream.mark_all_seen(''person:2'')'),
    ('SELECT actstream.mark_all_read(''person:2'')'),
    ('SELECT actstream.mark_unread(''person:2'', ARRAY(SELECT id FROM actstream.actor_stream(''person:1'')))'),
    ('SELECT actstream.unseen_count(''person:2''), actstream.unread_count(''person:2'')'),
    ('SELECT actstream.archive(''person:2'', ARRAY(SELECT id FROM actstream.actor_stream(''person:1'')), until => ''2999-01-01'')'),
    ('SELECT actstream.archive(''person:2'', ARRAY(SELECT id FROM actstream.actor_stream(''person:1'')), until => ''2999-02-01'')'),
    ('SELECT (n.action).verb, n.read FROM actstream.notifications(''person:2'', archived => true) n'),
    ('SELECT (n.action).verb, n.read FROM actstream.unread(''person:2'') n'),
    ('SELECT actstream.mark_read(''person:2'', ARRAY(SELECT id FROM actstream.actor_stream(''person:1'')))'),
    ('SELECT actstream.mark_all_read(''person:2'')'),
    ('SELECT c.operation, (c.action).verb FROM pg_catalog.current_setting(''cap.position'') AS p (position), actstream.changes_since(p.position) c'),
    ('SELECT c.viewer, c.operation, (c.action).verb FROM pg_catalog.current_setting(''cap.position'') AS p (position), actstream.changes_since(p.position, ''{person:2,person:3}'') c'),
    ('SELECT actstream.stream_position() IS NULL'),
    ('SELECT actstream.group_sentence(g) IS NULL FROM actstream.user_groups(''person:2'') g'),
    ('SELECT actstream.group_sentence(g) IS NULL, actstream.group_sentence_html(g) IS NULL, actstream.group_sentence_parts(g) IS NULL
      FROM actstream.groups_of(''{person:1,site:a}'') g'),
    ('SELECT actstream.activity_streams_2_groups(g, ''tag:example.org,2026:s'', ''T'', ''http://a'') IS NULL FROM actstream.user_groups(''person:2'') g'),
    ('SELECT s.sentence IS NULL FROM actstream.group_sentences(ARRAY(SELECT g FROM actstream.user_groups(''person:2'') g)) s'),
    ('SELECT s.sentence IS NULL FROM actstream.sentences(ARRAY(SELECT a FROM actstream.public_stream() a)) s'),
    ('SELECT actstream.sentence_html(a) IS NULL, actstream.sentence_parts(a) IS NULL, actstream.stream_cursor(a) IS NULL FROM actstream.actor_stream(''person:1'') a'),
    ('SELECT name FROM actstream.display_all(''{person:1,person:9,site:a}'')'),
    ('SELECT trigger_name FROM actstream.tracked()'),
    ('SET actstream.enable_streamscan = off'),
    ('SELECT verb FROM actstream.user_stream(''person:2'', with_user_activity => true, since_follow => true) LIMIT 2'),
    ('SELECT verb FROM actstream.actor_stream(''person:1'') LIMIT 2'),
    ('SELECT verb FROM actstream.target_stream(''site:a'')'),
    ('SELECT verb FROM actstream.action_object_stream(''place:a,00000000-0000-0000-0000-000000000001'')'),
    ('SELECT verb FROM actstream.any_stream(''site:a'')'),
    ('SELECT verb FROM actstream.model_stream(''place'')'),
    ('SELECT verb FROM actstream.public_stream() LIMIT 1'),
    ('SELECT verb FROM actstream.stream_of(''{site:a}'', ''{target}'')'),
    ('RESET actstream.enable_streamscan'),
    ('SELECT actstream.ref_of(p) FROM cap.place p'),
    ('SELECT actstream.ref(''site'', ''a''), actstream.ref_label(''site:a''), actstream.ref_key(''site:a''), actstream.label_start(''site''), actstream.label_stop(''site'')'),
    ('SELECT actstream.display_name(''person:1''), actstream.url(''person:1''), actstream.expand(''place:a,00000000-0000-0000-0000-000000000001'')'),
    ('SELECT object, value FROM actstream.expand_all(''{person:1,person:9,site:a}'')'),
    ('SELECT actstream.timesince(''2026-01-01'', ''2026-01-03''), actstream.sentence(a, a."timestamp", ''de'') FROM actstream.action_object_stream(''place:a,00000000-0000-0000-0000-000000000001'') a'),
    ('SELECT actstream.atom_feed(a, ''tag:example.org,2026:s'', ''T'', ''http://a'') IS NULL, actstream.rss_feed(a, ''tag:example.org,2026:s'', ''T'', ''http://a'') IS NULL,
         actstream.activity_streams_1(a, ''tag:example.org,2026:s'', ''T'', ''http://a'') IS NULL, actstream.activity_streams_2(a, ''tag:example.org,2026:s'', ''T'', ''http://a'') IS NULL
      FROM actstream.public_stream() a'),
    ('SELECT state IS NULL FROM actstream.recency_stats()'),
    ('UPDATE cap.place SET kind = ''b'''),
    ('UPDATE cap.person SET name = NULL'),
    ('DELETE FROM cap.place'),
    ('ALTER TABLE cap.place DETACH PARTITION cap.place_b'),
    ('ALTER TABLE cap.place ATTACH PARTITION cap.place_b FOR VALUES IN (''b'')'),
    ('TRUNCATE cap.place_a'),
    ('DROP TABLE cap.place_a'),
    ('SELECT verb, action_object FROM actstream.actions'),
    ('SELECT actstream.unfollow(''person:2'', ''site:a'', NULL, send_action => true)'),
    ('SELECT actstream.untrack(''cap.person'', ''actstream_track'')'),
    ('DELETE FROM cap.person'),
    ('DROP TABLE cap.place'),
    ('DELETE FROM actstream.actions'),
    ('DELETE FROM actstream.follows'),
    ('DELETE FROM actstream.phrases'),
    ('SELECT actstream.unregister(''person'')'),
    ('SELECT actstream.unregister(''site'')'),
    ('DROP TABLE cap.person');

\pset format unaligned
\pset tuples_only on
SET search_path = hostile, pg_temp, pg_catalog;
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
SELECT actstream.record_changes(true);
SELECT pg_catalog.set_config('cap.position', actstream.stream_position(), false) IS NULL;
SET search_path = pg_catalog, pg_temp;
GRANT USAGE ON SCHEMA actstream TO capture_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.object_types, actstream.actions, actstream.follows, actstream.mutes, actstream.phrases,
    actstream.marks, actstream.mark_exceptions TO capture_app;
GRANT SELECT ON actstream.changes, actstream.follow_counts TO capture_app;
SELECT kind, made > 0 FROM hostile.fill('hostile', 'actstream');
SELECT kind, made > 0 FROM hostile.fill('pg_temp', 'actstream');
CREATE SCHEMA cap AUTHORIZATION capture_app;

-- by a superuser
SET search_path = hostile, pg_temp, pg_catalog;
SELECT statement FROM hostile.script ORDER BY n \gexec
-- what is for superusers and owners only
SELECT problem FROM actstream.integrity_check();
SELECT actstream.recount_followers(), actstream.trim_changes() IS NULL, actstream.trim_marks() IS NULL;
SELECT actstream.record_changes(false), actstream.record_changes(true);
SELECT pg_catalog.set_config('cap.position', actstream.stream_position(), false) IS NULL;
SELECT actstream_internal.object_exists('person:1');
DO $$
BEGIN
    PERFORM actstream.recency_build();
EXCEPTION WHEN object_not_in_prerequisite_state THEN NULL;      -- without a map
END
$$;
REINDEX TABLE actstream.actions;
VACUUM ANALYZE actstream.actions;

-- by who is none
SET ROLE capture_app;
SELECT statement FROM hostile.script ORDER BY n \gexec
RESET ROLE;

-- of what anybody may call, and what is for owners, nothing is missing here
SELECT DISTINCT p.proname
FROM pg_catalog.pg_proc p
WHERE p.pronamespace OPERATOR(pg_catalog.=) 'actstream'::pg_catalog.regnamespace
  AND p.proname OPERATOR(pg_catalog.<>) ALL ('{create_tables,drop_tables,rebind,record_changes,integrity_check,recency_build,recount_followers,trim_changes,trim_marks}')
  AND NOT EXISTS (SELECT FROM hostile.script s WHERE s.statement OPERATOR(pg_catalog.~) pg_catalog.format('actstream\.%s\(', p.proname))
ORDER BY p.proname;

-- the traps are set
SELECT lower('A');
SELECT 1 + 1;
SELECT 'x'::text;
SELECT 1 FROM pg_am LIMIT 1;
SELECT display_name('person:1');
SET search_path = pg_catalog, pg_temp;

DROP SCHEMA hostile, cap CASCADE;
DROP EXTENSION actstream CASCADE;
DROP OWNED BY capture_app;
DROP ROLE capture_app;
