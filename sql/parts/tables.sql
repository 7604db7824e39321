------------------------------------------------------------------------------
-- Tables
------------------------------------------------------------------------------

-- The types of rows are the extension's; the tables are not, but ordinary ones of
-- whoever calls create_tables(): what is put on them, policies, grants, triggers,
-- indexes, is dumped and restored as that of any table.

-- The triggers are in the form of pg_get_triggerdef().  What clears the caches of other
-- sessions fires always: replicated changes, too, must reach these.
CREATE FUNCTION actstream.table_triggers()
    RETURNS TABLE (relation name, trigger name, function name, mode "char", definition text, comment text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$function$
    SELECT t.relation, t.trigger, t.function, t.mode,
           format('CREATE TRIGGER %s %s ON actstream.%s FOR EACH %s EXECUTE FUNCTION actstream.%s()',
                  t.trigger, t.events, t.relation, t.level, t.function),
           t.comment
    FROM (VALUES
        ('object_types', 'object_type_check', 'BEFORE INSERT OR DELETE OR UPDATE', 'ROW', 'object_type_check', 'O',
            'what is registered is valid, what is referenced keeps its meaning'),
        ('object_types', 'object_type_bind', 'AFTER INSERT OR DELETE OR UPDATE', 'ROW', 'object_type_bind', 'O',
            'a registered table has the triggers that bind it'),
        ('object_types', 'object_type_keep', 'BEFORE TRUNCATE', 'STATEMENT', 'object_type_keep', 'O',
            'what is registered is not truncated away'),
        ('object_types', 'object_type_changing', 'BEFORE INSERT OR DELETE OR UPDATE', 'ROW', 'object_type_changed', 'A',
            'all sessions read the registry anew'),
        ('object_types', 'object_type_changed', 'AFTER INSERT OR DELETE OR UPDATE', 'ROW', 'object_type_changed', 'A',
            'all sessions read the registry anew'),
        ('actions', 'action_check', 'AFTER INSERT OR UPDATE', 'ROW', 'action_check', 'O',
            'the row is valid, its references are to what exists'),
        ('follows', 'follow_check', 'AFTER INSERT OR UPDATE', 'ROW', 'follow_check', 'O',
            'the row is valid, its references are to what exists'),
        ('follows', 'follow_changed', 'AFTER INSERT OR DELETE OR UPDATE', 'ROW', 'follow_changed', 'A',
            'lists of follows that sessions keep are to be read again'),
        ('phrases', 'phrase_check', 'BEFORE INSERT OR UPDATE', 'ROW', 'phrase_check', 'O',
            'the pattern is valid'),
        ('phrases', 'phrase_changing', 'BEFORE INSERT OR DELETE OR UPDATE', 'ROW', 'phrase_changed', 'A',
            'all sessions read the phrases anew'),
        ('phrases', 'phrase_changed', 'AFTER INSERT OR DELETE OR UPDATE', 'ROW', 'phrase_changed', 'A',
            'all sessions read the phrases anew')
    ) AS t (relation, trigger, events, level, function, mode, comment)
$function$;
COMMENT ON FUNCTION actstream.table_triggers() IS 'the triggers of the tables, for create_tables() and integrity_check()';

-- What the tables are made of, in the order in which it is made; and whether it is there.
-- Where a table is, but was not made by create_tables(), as a partitioned one, that adds
-- what is missing.
CREATE FUNCTION actstream.table_parts()
    RETURNS TABLE (relation name, part text, present boolean, definition text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS
$function$
    SELECT p.relation, p.kind || ' ' || p.name,
           c.oid IS NOT NULL AND CASE p.kind
               WHEN 'table' THEN true
               WHEN 'comment on' THEN obj_description(c.oid, 'pg_class') IS NOT NULL
               WHEN 'not null' THEN NOT EXISTS (
                   SELECT FROM pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attname = ANY (string_to_array(p.name, ', ')) AND NOT a.attnotnull)
               WHEN 'default' THEN NOT EXISTS (
                   SELECT FROM pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attname = ANY (string_to_array(p.name, ', ')) AND NOT a.atthasdef)
               WHEN 'identity' THEN EXISTS (
                   SELECT FROM pg_attribute a
                   WHERE a.attrelid = c.oid AND a.attname = p.name AND a.attidentity <> '')
               WHEN 'primary key' THEN EXISTS (
                   SELECT FROM pg_constraint n WHERE n.conrelid = c.oid AND n.contype = 'p')
               WHEN 'constraint' THEN EXISTS (
                   SELECT FROM pg_constraint n WHERE n.conrelid = c.oid AND n.conname = p.name)
               WHEN 'index' THEN EXISTS (
                       SELECT FROM pg_index i JOIN pg_class k ON k.oid = i.indexrelid
                       WHERE i.indrelid = c.oid AND k.relname = p.name)
                   -- a partitioned table cannot have the one; the recency map has no use for the other
                   OR (c.relkind = 'p' AND p.name IN ('actions_external_id_key', 'actions_recency_idx'))
               WHEN 'trigger' THEN EXISTS (
                   SELECT FROM pg_trigger t
                   JOIN actstream.table_triggers() o ON o.relation = p.relation AND o.trigger = t.tgname
                   WHERE t.tgrelid = c.oid AND t.tgname = p.name
                     AND t.tgenabled = o.mode AND pg_get_triggerdef(t.oid) = o.definition)
           END,
           p.definition
    FROM (
        VALUES
        (11, 'object_types'::name, 'table', 'object_types', $$
            CREATE TABLE actstream.object_types OF actstream.object_type $$),
        (12, 'object_types', 'comment on', 'object_types', $$
            COMMENT ON TABLE actstream.object_types IS 'what actions and follows can refer to';
            COMMENT ON COLUMN actstream.object_types.label IS 'what references to these objects begin with';
            COMMENT ON COLUMN actstream.object_types.relation IS 'the table; null for objects outside of this database';
            COMMENT ON COLUMN actstream.object_types.key_columns IS 'columns of the table that are the key of a reference';
            COMMENT ON COLUMN actstream.object_types.name_template IS 'how an object is called: text with {column} in it';
            COMMENT ON COLUMN actstream.object_types.url_template IS 'where an object is shown: text with {column} in it';
            COMMENT ON COLUMN actstream.object_types.on_delete IS 'what becomes of references to a deleted row';
            COMMENT ON COLUMN actstream.object_types.checked IS 'whether references to rows that do not exist are refused' $$),
        (13, 'object_types', 'not null', 'on_delete, checked', $$
            ALTER TABLE actstream.object_types ALTER on_delete SET NOT NULL, ALTER checked SET NOT NULL $$),
        (14, 'object_types', 'default', 'on_delete, checked', $$
            ALTER TABLE actstream.object_types ALTER on_delete SET DEFAULT 'cascade', ALTER checked SET DEFAULT true $$),
        (15, 'object_types', 'primary key', 'label', $$
            ALTER TABLE actstream.object_types ADD CONSTRAINT object_types_pkey PRIMARY KEY (label);
            COMMENT ON INDEX actstream.object_types_pkey IS 'object types by label' $$),
        (16, 'object_types', 'constraint', 'object_types_relation_key', $$
            ALTER TABLE actstream.object_types ADD CONSTRAINT object_types_relation_key UNIQUE (relation);
            COMMENT ON INDEX actstream.object_types_relation_key IS 'object types by table' $$),
        (17, 'object_types', 'constraint', 'object_types_key_check', $$
            ALTER TABLE actstream.object_types ADD CONSTRAINT object_types_key_check
                CHECK ((relation IS NULL) = (key_columns IS NULL));
            COMMENT ON CONSTRAINT object_types_key_check ON actstream.object_types
                IS 'a table has key columns, an external type has none' $$),
        (18, 'object_types', 'constraint', 'object_types_on_delete_check', $$
            ALTER TABLE actstream.object_types ADD CONSTRAINT object_types_on_delete_check
                CHECK (on_delete IN ('cascade', 'set null', 'restrict', 'keep'));
            COMMENT ON CONSTRAINT object_types_on_delete_check ON actstream.object_types
                IS 'what can become of references' $$),

        -- Limits of length are kept by the trigger: the expression of a CHECK is parsed
        -- anew by each INSERT, which took a tenth of the time of sending an action.
        (21, 'actions', 'table', 'actions', $$
            CREATE TABLE actstream.actions OF actstream.action $$),
        (22, 'actions', 'comment on', 'actions', $$
            COMMENT ON TABLE actstream.actions IS 'an actor did something, with an object, to a target, at some instant';
            COMMENT ON COLUMN actstream.actions.id IS 'order among actions of one instant';
            COMMENT ON COLUMN actstream.actions."timestamp" IS 'when it happened';
            COMMENT ON COLUMN actstream.actions.public IS 'whether streams show it';
            COMMENT ON COLUMN actstream.actions.actor IS 'who did it';
            COMMENT ON COLUMN actstream.actions.verb IS 'what was done';
            COMMENT ON COLUMN actstream.actions.action_object IS 'what it was done with';
            COMMENT ON COLUMN actstream.actions.target IS 'what it was done to';
            COMMENT ON COLUMN actstream.actions.description IS 'what there is to say';
            COMMENT ON COLUMN actstream.actions.data IS 'what the application adds';
            COMMENT ON COLUMN actstream.actions.external_id IS 'the producer''s name of the action, by which it is stored once' $$),
        (23, 'actions', 'not null', 'id, timestamp, public, actor, verb', $$
            ALTER TABLE actstream.actions ALTER id SET NOT NULL, ALTER "timestamp" SET NOT NULL,
                ALTER public SET NOT NULL, ALTER actor SET NOT NULL, ALTER verb SET NOT NULL $$),
        (24, 'actions', 'default', 'timestamp, public', $$
            ALTER TABLE actstream.actions ALTER "timestamp" SET DEFAULT clock_timestamp(), ALTER public SET DEFAULT true $$),
        (25, 'actions', 'identity', 'id', $$
            ALTER TABLE actstream.actions ALTER id ADD GENERATED BY DEFAULT AS IDENTITY $$),
        (26, 'actions', 'primary key', 'id', $$
            ALTER TABLE actstream.actions ADD CONSTRAINT actions_pkey PRIMARY KEY (id);
            COMMENT ON INDEX actstream.actions_pkey IS 'actions by id' $$),
        -- Read backwards, these are the streams.  No two entries are alike, so to look for
        -- duplicates is a waste.
        (31, 'actions', 'index', 'actions_actor_idx', $$
            CREATE INDEX actions_actor_idx ON actstream.actions (actor, public, "timestamp", id)
                WITH (deduplicate_items = off);
            COMMENT ON INDEX actstream.actions_actor_idx IS 'what an actor did' $$),
        (32, 'actions', 'index', 'actions_target_idx', $$
            CREATE INDEX actions_target_idx ON actstream.actions (target, public, "timestamp", id)
                WITH (deduplicate_items = off) WHERE target IS NOT NULL;
            COMMENT ON INDEX actstream.actions_target_idx IS 'what was done to a target' $$),
        (33, 'actions', 'index', 'actions_action_object_idx', $$
            CREATE INDEX actions_action_object_idx ON actstream.actions (action_object, public, "timestamp", id)
                WITH (deduplicate_items = off) WHERE action_object IS NOT NULL;
            COMMENT ON INDEX actstream.actions_action_object_idx IS 'what was done with an action object' $$),
        (34, 'actions', 'index', 'actions_timestamp_idx', $$
            CREATE INDEX actions_timestamp_idx ON actstream.actions ("timestamp", id)
                WITH (deduplicate_items = off) WHERE public;
            COMMENT ON INDEX actstream.actions_timestamp_idx IS 'the time line of public actions' $$),
        (35, 'actions', 'index', 'actions_external_id_key', $$
            CREATE UNIQUE INDEX actions_external_id_key ON actstream.actions (external_id)
                WHERE external_id IS NOT NULL;
            COMMENT ON INDEX actstream.actions_external_id_key IS 'actions that producers named' $$),
        (36, 'actions', 'index', 'actions_recency_idx', $$
            CREATE INDEX actions_recency_idx ON actstream.actions
                USING actstream_recency (actor actstream.recency_ref_ops, target actstream.recency_ref_ops,
                                         action_object actstream.recency_ref_ops, public actstream.recency_bool_ops,
                                         "timestamp" actstream.recency_timestamptz_ops);
            COMMENT ON INDEX actstream.actions_recency_idx IS 'tells the recency map of new actions' $$),

        (41, 'follows', 'table', 'follows', $$
            CREATE TABLE actstream.follows OF actstream.follow $$),
        (42, 'follows', 'comment on', 'follows', $$
            COMMENT ON TABLE actstream.follows IS 'who follows what';
            COMMENT ON COLUMN actstream.follows.follower IS 'who follows';
            COMMENT ON COLUMN actstream.follows.followee IS 'what is followed';
            COMMENT ON COLUMN actstream.follows.flag IS 'kind of follow; empty is the plain one';
            COMMENT ON COLUMN actstream.follows.actor_only IS 'only what the followee does, not what is done to it or with it';
            COMMENT ON COLUMN actstream.follows.started IS 'when it began' $$),
        (43, 'follows', 'not null', 'actor_only, started', $$
            ALTER TABLE actstream.follows ALTER actor_only SET NOT NULL, ALTER started SET NOT NULL $$),
        (44, 'follows', 'default', 'flag, actor_only, started', $$
            ALTER TABLE actstream.follows ALTER flag SET DEFAULT '', ALTER actor_only SET DEFAULT true,
                ALTER started SET DEFAULT clock_timestamp() $$),
        (45, 'follows', 'primary key', 'follower, followee, flag', $$
            ALTER TABLE actstream.follows ADD CONSTRAINT follows_pkey
                PRIMARY KEY (follower, followee, flag) INCLUDE (actor_only, started);
            COMMENT ON INDEX actstream.follows_pkey IS 'what a follower follows, and how' $$),
        -- all of the key, so that whoever looks for one follow reads one entry, whichever
        -- index the planner takes
        (46, 'follows', 'index', 'follows_followee_idx', $$
            CREATE INDEX follows_followee_idx ON actstream.follows (followee, follower, flag);
            COMMENT ON INDEX actstream.follows_followee_idx IS 'the followers of an object' $$),

        (51, 'phrases', 'table', 'phrases', $$
            CREATE TABLE actstream.phrases OF actstream.phrase $$),
        (52, 'phrases', 'comment on', 'phrases', $$
            COMMENT ON TABLE actstream.phrases IS 'how sentences read in a language';
            COMMENT ON COLUMN actstream.phrases.language IS 'the language, such as de or de-at; empty for any';
            COMMENT ON COLUMN actstream.phrases.verb IS 'the verb of the action; empty for any';
            COMMENT ON COLUMN actstream.phrases.pattern IS 'the sentence: text with {actor} and so on in it' $$),
        (53, 'phrases', 'not null', 'pattern', $$
            ALTER TABLE actstream.phrases ALTER pattern SET NOT NULL $$),
        (54, 'phrases', 'primary key', 'language, verb', $$
            ALTER TABLE actstream.phrases ADD CONSTRAINT phrases_pkey PRIMARY KEY (language, verb);
            COMMENT ON INDEX actstream.phrases_pkey IS 'phrases by language and verb' $$)
        UNION ALL
        SELECT 60, o.relation, 'trigger', o.trigger,
               replace(o.definition, 'CREATE', 'CREATE OR REPLACE')
               || format('; ALTER TABLE actstream.%1$I ENABLE %3$s TRIGGER %2$I; COMMENT ON TRIGGER %2$I ON actstream.%1$I IS %4$L',
                         o.relation, o.trigger, CASE o.mode WHEN 'A' THEN 'ALWAYS' END, o.comment)
        FROM actstream.table_triggers() AS o
    ) AS p (step, relation, kind, name, definition)
    LEFT JOIN pg_class c ON c.relname = p.relation AND c.relnamespace = 'actstream'::regnamespace
    ORDER BY p.step, p.name
$function$;
COMMENT ON FUNCTION actstream.table_parts() IS 'what the tables consist of, for create_tables()';

CREATE FUNCTION actstream.require_tables() RETURNS void
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_require_tables';
COMMENT ON FUNCTION actstream.require_tables() IS 'error unless the tables are as the extension needs them';

CREATE FUNCTION actstream.create_tables() RETURNS SETOF text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS
$function$
DECLARE
    others text;
    made name[] := '{}';
    p record;
BEGIN
    -- one at a time
    PERFORM pg_advisory_xact_lock('pg_type'::regclass::oid::int, 'actstream.action'::regtype::oid::int);

    SELECT string_agg(format('%s belongs to role %I', c.oid::regclass, pg_get_userbyid(c.relowner)), ', ' ORDER BY c.relname)
    INTO others
    FROM pg_class c
    WHERE c.relnamespace = 'actstream'::regnamespace
      AND c.relname IN ('object_types', 'actions', 'follows', 'phrases')
      AND c.relowner <> (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user);
    IF others IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = 'tables of the extension belong to another role',
            DETAIL = others || '.',
            HINT = 'Call create_tables() as that role.';
    END IF;

    FOR p IN SELECT * FROM actstream.table_parts() LOOP
        CONTINUE WHEN p.present;
        EXECUTE p.definition;
        IF p.part = 'table ' || p.relation THEN
            made := made || p.relation;
            RETURN NEXT p.part;
        ELSIF p.relation <> ALL (made) THEN
            RETURN NEXT p.part || ' of table ' || p.relation;
        END IF;
    END LOOP;
    PERFORM actstream.require_tables();
END
$function$;
COMMENT ON FUNCTION actstream.create_tables()
    IS 'make the tables of the extension, or what is missing of them, as tables of the caller; returns what it has made';

CREATE FUNCTION actstream.drop_tables() RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS
$function$
DECLARE
    t record;
BEGIN
    FOR t IN
        SELECT g.tgname, g.tgrelid::regclass AS relation
        FROM pg_trigger g
        JOIN pg_proc f ON f.oid = g.tgfoid
        JOIN pg_class c ON c.oid = g.tgrelid
        WHERE f.pronamespace = 'actstream'::regnamespace
          AND c.relnamespace <> 'actstream'::regnamespace
          AND g.tgparentid = 0
        ORDER BY g.oid
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.relation);
    END LOOP;
    DROP TABLE IF EXISTS actstream.phrases, actstream.follows, actstream.actions, actstream.object_types;
END
$function$;
COMMENT ON FUNCTION actstream.drop_tables()
    IS 'drop the tables of the extension, and the triggers that register() and track() have made';

-- Support function of functions in SQL that read the tables, whatever their names.
CREATE FUNCTION actstream.tables_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_tables_support';
COMMENT ON FUNCTION actstream.tables_support(internal) IS 'planner support of functions that read the tables';
