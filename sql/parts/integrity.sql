------------------------------------------------------------------------------
-- Integrity
------------------------------------------------------------------------------

-- These are for the owner of the extension's tables: they disclose rows that other roles
-- may not see.
CREATE FUNCTION actstream_internal.object_exists(object actstream.ref) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_object_exists';
COMMENT ON FUNCTION actstream_internal.object_exists(actstream.ref) IS 'whether an object exists; null if its table cannot be read';

CREATE FUNCTION actstream_internal.object_type_fault(label text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_object_type_fault';
CREATE FUNCTION actstream_internal.template_fault(template text, relation regclass) RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_template_fault';
COMMENT ON FUNCTION actstream_internal.template_fault(text, regclass) IS 'why a template gives no text; null if it does';
COMMENT ON FUNCTION actstream_internal.object_type_fault(text) IS 'why a table does not meet its registration; null if it does';

CREATE FUNCTION actstream.integrity_check()
    RETURNS TABLE (problem text, label text, relation regclass, object actstream.ref, detail text)
    LANGUAGE sql STABLE PARALLEL UNSAFE SUPPORT actstream_internal.tables_support
    SET search_path = pg_catalog, pg_temp SET row_security = off SET jit = off
AS $$
    -- tables_support() requires the tables that are mentioned here: also
    -- actstream.follow_counts, actstream.phrases, actstream.changes and
    -- actstream.mark_exceptions

    -- every object that is referred to, once
    WITH reference (object, kind) AS (
        SELECT a.actor, 'action' FROM actstream.actions a
        UNION
        SELECT a.action_object, 'action' FROM actstream.actions a WHERE a.action_object IS NOT NULL
        UNION
        SELECT a.target, 'action' FROM actstream.actions a WHERE a.target IS NOT NULL
        UNION
        SELECT f.follower, 'follow' FROM actstream.follows f
        UNION
        SELECT f.followee, 'follow' FROM actstream.follows f
        UNION
        SELECT m.muter, 'mute' FROM actstream.mutes m
        UNION
        SELECT m.muted, 'mute' FROM actstream.mutes m
        UNION
        SELECT m.reader, 'mark' FROM actstream.marks m
    ),
    -- every table that has our triggers, and these triggers; those of our own tables
    -- with the mode that create_tables() gives them
    expected (label, relation, trigger, function, mode) AS (
        SELECT t.label, t.relation, e.trigger, e.function, NULL::"char"
        FROM actstream.object_types t
        JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.relation
        CROSS JOIN (VALUES ('actstream_object', 'object_deleted'),
                           ('actstream_rekey', 'object_rekeyed'),
                           ('actstream_truncate', 'objects_truncated'),
                           ('actstream_truncated', 'objects_truncated'),
                           ('zz_actstream_move', 'object_moves')) AS e (trigger, function)
        WHERE e.trigger OPERATOR(pg_catalog.<>) 'zz_actstream_move'
           OR c.relkind OPERATOR(pg_catalog.=) 'p'
        UNION ALL
        SELECT t.label, p.relid, e.trigger, e.function, NULL
        FROM actstream.object_types t
        CROSS JOIN LATERAL pg_catalog.pg_partition_tree(t.relation) AS p
        CROSS JOIN (VALUES ('actstream_object', 'object_deleted'),
                           ('actstream_rekey', 'object_rekeyed'),
                           ('actstream_truncate', 'objects_truncated'),
                           ('zz_actstream_move', 'object_moves')) AS e (trigger, function)
        JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) p.relid
        WHERE p.level OPERATOR(pg_catalog.>) 0
          AND CASE WHEN e.trigger OPERATOR(pg_catalog.=) 'actstream_truncate'
                   THEN c.relkind OPERATOR(pg_catalog.=) 'r'
                   ELSE c.relkind OPERATOR(pg_catalog.<>) 'f' END
        UNION ALL
        SELECT NULL, p.relation, o.trigger, o.function, o.mode
        FROM actstream_internal.table_triggers() AS o
        JOIN pg_catalog.pg_class c ON c.relname OPERATOR(pg_catalog.=) o.relation
            AND c.relnamespace OPERATOR(pg_catalog.=) 'actstream'::regnamespace
        CROSS JOIN LATERAL (
            SELECT c.oid::regclass AS relation
            UNION
            -- partitions have triggers for rows alone
            SELECT t.relid FROM pg_catalog.pg_partition_tree(c.oid) AS t
            WHERE o.definition OPERATOR(pg_catalog.~) ' FOR EACH ROW ') AS p
        UNION ALL
        -- those that record_changes() makes, while one is there
        SELECT NULL, e.relation, e.trigger, 'action_changed', e.mode
        FROM actstream_internal.change_triggers() AS e
        WHERE EXISTS (
            SELECT FROM pg_catalog.pg_trigger t
            WHERE t.tgrelid OPERATOR(pg_catalog.=) 'actstream.actions'::regclass
              AND t.tgname OPERATOR(pg_catalog.=) ANY ('{action_changed,action_truncated}'::name[]))
    ),
    found (label, relation, trigger, mode, enabled) AS (
        SELECT e.label, e.relation, e.trigger, e.mode,
               (SELECT t.tgenabled
                FROM pg_catalog.pg_trigger t
                JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) t.tgfoid
                WHERE t.tgrelid OPERATOR(pg_catalog.=) e.relation
                  AND t.tgname OPERATOR(pg_catalog.=) e.trigger
                  AND p.proname OPERATOR(pg_catalog.=) e.function
                  AND p.pronamespace OPERATOR(pg_catalog.=) 'actstream_internal'::regnamespace)
        FROM expected e
    ),
    -- a cursor has 32 digits
    broken_mark (reader, feed, mark) AS (
        SELECT m.reader, m.feed, v.mark
        FROM actstream.marks m
        CROSS JOIN LATERAL (VALUES ('seen', m.seen), ('read', m.read)) AS v (mark, cursor)
        WHERE v.cursor OPERATOR(pg_catalog.!~) '^[0-9a-f]{32}$'
    )
    SELECT 'missing table', t.label, t.relation, NULL::actstream.ref, NULL
    FROM actstream.object_types t
    WHERE t.relation IS NOT NULL
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c
                      WHERE c.oid OPERATOR(pg_catalog.=) t.relation)
    UNION ALL
    SELECT 'broken object type', t.label, t.relation, NULL, actstream_internal.object_type_fault(t.label)
    FROM actstream.object_types t
    JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.relation
    WHERE actstream_internal.object_type_fault(t.label) IS NOT NULL
    UNION ALL
    SELECT 'broken template', t.label, t.relation, NULL, actstream_internal.template_fault(v.template, t.relation)
    FROM actstream.object_types t
    CROSS JOIN LATERAL (VALUES (t.name_template), (t.url_template)) AS v (template)
    WHERE actstream_internal.template_fault(v.template, t.relation) IS NOT NULL
    UNION ALL
    SELECT 'missing part', NULL, c.oid::regclass, NULL, p.part
    FROM actstream_internal.table_parts() AS p
    JOIN pg_catalog.pg_class c ON c.relname OPERATOR(pg_catalog.=) p.relation
        AND c.relnamespace OPERATOR(pg_catalog.=) 'actstream'::regnamespace
    WHERE NOT p.present
      AND p.part OPERATOR(pg_catalog.!~) '^(comment on|trigger) '
    UNION ALL
    SELECT 'rule', NULL, r.ev_class::regclass, NULL, r.rulename::text
    FROM pg_catalog.pg_rewrite r
    JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) r.ev_class
    WHERE c.relnamespace OPERATOR(pg_catalog.=) 'actstream'::regnamespace
      AND c.relname OPERATOR(pg_catalog.=) ANY ('{actions,follows,follow_counts,mutes,object_types,phrases,changes,marks,mark_exceptions}'::name[])
    UNION ALL
    -- the owner of a table removes references, and looks for them
    SELECT 'missing privilege', NULL, c.oid::regclass, NULL,
           pg_catalog.pg_get_userbyid(c.relowner)::text
    FROM pg_catalog.pg_class c
    WHERE c.relnamespace OPERATOR(pg_catalog.=) 'actstream'::regnamespace
      AND c.relname OPERATOR(pg_catalog.=) ANY ('{actions,follows,follow_counts,mutes,object_types,changes,marks,mark_exceptions}'::name[])
      AND NOT (pg_catalog.has_schema_privilege(c.relowner, 'actstream'::regnamespace, 'USAGE')
               AND pg_catalog.has_table_privilege(c.relowner, c.oid, 'SELECT')
               AND pg_catalog.has_table_privilege(c.relowner, c.oid, 'UPDATE')
               AND pg_catalog.has_table_privilege(c.relowner, c.oid, 'DELETE'))
    UNION ALL
    SELECT CASE WHEN f.enabled IS NULL THEN 'missing trigger'
                WHEN f.enabled OPERATOR(pg_catalog.=) ANY ('{D,R}') THEN 'disabled trigger'
                ELSE 'altered trigger' END,
           f.label, f.relation, NULL, f.trigger
    FROM found f
    WHERE f.enabled IS NULL OR f.enabled OPERATOR(pg_catalog.=) ANY ('{D,R}')
       OR f.enabled OPERATOR(pg_catalog.<>) f.mode
    UNION ALL
    SELECT 'altered trigger', NULL, f.relation, NULL, f.trigger
    FROM found f
    JOIN actstream_internal.change_triggers() AS e
        ON e.relation OPERATOR(pg_catalog.=) f.relation AND e.trigger OPERATOR(pg_catalog.=) f.trigger
    WHERE f.enabled OPERATOR(pg_catalog.=) f.mode AND NOT e.present
    UNION ALL
    SELECT 'broken tracking', NULL, t.relation, NULL,
           pg_catalog.concat_ws(': ', t.trigger_name, t.problem)
    FROM actstream.tracked() t
    WHERE t.problem IS NOT NULL
    UNION ALL
    SELECT 'disabled event trigger', NULL, NULL, NULL, t.evtname
    FROM pg_catalog.pg_event_trigger t
    JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) t.evtfoid
    WHERE p.pronamespace OPERATOR(pg_catalog.=) 'actstream_internal'::regnamespace
      AND t.evtenabled OPERATOR(pg_catalog.<>) 'A'
    UNION ALL
    SELECT CASE WHEN t.label IS NULL THEN 'unregistered label'
                WHEN actstream_internal.object_exists(r.object) IS NULL THEN 'unreadable object'
                ELSE 'missing object' END,
           actstream.ref_label(r.object), t.relation, r.object,
           CASE r.kind WHEN 'action' THEN 'referred to by an action'
                       WHEN 'follow' THEN 'referred to by a follow'
                       WHEN 'mute' THEN 'referred to by a mute'
                       ELSE 'referred to by a mark' END
    FROM reference r
    LEFT JOIN actstream.object_types t
        ON t.label OPERATOR(pg_catalog.=) actstream.ref_label(r.object)
    WHERE t.label IS NULL
       OR (t.checked AND NOT (r.kind OPERATOR(pg_catalog.=) 'action' AND t.on_delete OPERATOR(pg_catalog.=) 'keep')
           AND actstream_internal.object_type_fault(t.label) IS NULL
           AND actstream_internal.object_exists(r.object) IS NOT TRUE)
    UNION ALL
    SELECT 'broken mark', actstream.ref_label(b.reader), NULL, b.reader,
           pg_catalog.format('feed "%s": %s is no cursor', b.feed, b.mark)
    FROM broken_mark b
    UNION ALL
    SELECT 'wrong count', actstream.ref_label(c.object), NULL, c.object,
           pg_catalog.format('flag "%s": %s counted, %s are right; with any flag: %s, %s', c.flag,
                             c.followers, c.right_followers, c.any_flag, c.right_any_flag)
    FROM actstream_internal.wrong_counts() AS c
$$;
COMMENT ON FUNCTION actstream.integrity_check() IS 'violations of integrity, and their causes; empty in a healthy database';
