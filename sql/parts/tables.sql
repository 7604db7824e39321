------------------------------------------------------------------------------
-- Tables
------------------------------------------------------------------------------

-- The row types belong to the extension.  The tables do not: they are ordinary tables of
-- the role that calls create_tables(), so their policies, grants, triggers and indexes
-- are dumped and restored as those of any table.

-- The definitions have the form of pg_get_triggerdef().  Triggers that invalidate caches
-- of other sessions fire always: replicated changes must be reported, too.
CREATE FUNCTION actstream_internal.table_triggers()
    RETURNS TABLE (relation name, trigger name, function name, mode "char", definition text, comment text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$function$
    SELECT t.relation, t.trigger, t.function, t.mode,
           format('CREATE TRIGGER %s %s ON actstream.%s FOR EACH %s EXECUTE FUNCTION actstream_internal.%s()',
                  t.trigger, t.events, t.relation, t.level, t.function),
           t.comment
    FROM (VALUES
        ('object_types', 'object_type_check', 'BEFORE INSERT OR DELETE OR UPDATE', 'ROW', 'object_type_check', 'O',
            'check that the row is valid and that a label in use keeps its meaning'),
        ('object_types', 'object_type_bind', 'AFTER INSERT OR DELETE OR UPDATE', 'ROW', 'object_type_bind', 'O',
            'create the triggers that bind a registered table, or drop them'),
        ('object_types', 'object_type_keep', 'BEFORE TRUNCATE', 'STATEMENT', 'object_type_keep', 'O',
            'refuse TRUNCATE'),
        ('object_types', 'object_type_changing', 'BEFORE INSERT OR DELETE OR UPDATE', 'ROW', 'object_type_changed', 'A',
            'make all sessions reload the registry'),
        ('object_types', 'object_type_changed', 'AFTER INSERT OR DELETE OR UPDATE', 'ROW', 'object_type_changed', 'A',
            'make all sessions reload the registry'),
        ('actions', 'action_time', 'BEFORE INSERT', 'ROW', 'action_time', 'O',
            'replace a null timestamp by the current time, and check what indexes contain'),
        ('actions', 'action_check', 'AFTER INSERT OR UPDATE', 'ROW', 'action_check', 'O',
            'check that the row is valid and its references name existing objects'),
        ('follows', 'follow_time', 'BEFORE INSERT', 'ROW', 'follow_time', 'O',
            'replace a null time by the current time, and check what indexes contain'),
        ('follows', 'follow_check', 'AFTER INSERT OR UPDATE', 'ROW', 'follow_check', 'O',
            'check that the row is valid and its references name existing objects'),
        ('follows', 'follow_changed', 'AFTER INSERT OR DELETE OR UPDATE', 'ROW', 'follow_changed', 'A',
            'make sessions reload the lists of follows that they keep'),
        ('follows', 'follow_count', 'AFTER INSERT OR DELETE OR UPDATE', 'ROW', 'follow_count', 'O',
            'count the followers of each object'),
        ('follows', 'follow_count_none', 'AFTER TRUNCATE', 'STATEMENT', 'follow_count_none', 'O',
            'remove all counts of followers'),
        ('mutes', 'mute_time', 'BEFORE INSERT', 'ROW', 'mute_time', 'O',
            'replace a null time by the current time, and check what indexes contain'),
        ('mutes', 'mute_check', 'AFTER INSERT OR UPDATE', 'ROW', 'mute_check', 'O',
            'check that the row is valid and its references name existing objects; a block ends follows'),
        ('mutes', 'mute_changed', 'AFTER INSERT OR DELETE OR UPDATE', 'ROW', 'mute_changed', 'A',
            'make sessions reload the lists of follows that they keep'),
        ('follow_counts', 'follow_count_store', 'AFTER INSERT', 'STATEMENT', 'follow_count_store', 'O',
            'store the counts that the triggers of follows have collected'),
        ('phrases', 'phrase_check', 'BEFORE INSERT OR UPDATE', 'ROW', 'phrase_check', 'O',
            'check that the row is valid'),
        ('phrases', 'phrase_changing', 'BEFORE INSERT OR DELETE OR UPDATE', 'ROW', 'phrase_changed', 'A',
            'make all sessions reload the phrases'),
        ('phrases', 'phrase_changed', 'AFTER INSERT OR DELETE OR UPDATE', 'ROW', 'phrase_changed', 'A',
            'make all sessions reload the phrases'),
        ('marks', 'mark_check', 'AFTER INSERT OR UPDATE', 'ROW', 'mark_check', 'O',
            'check that the row is valid and its reader exists')
    ) AS t (relation, trigger, events, level, function, mode, comment)
$function$;
COMMENT ON FUNCTION actstream_internal.table_triggers() IS 'triggers of the tables, for create_tables() and integrity_check()';

-- Their indexes, which may have other names; streams read the first four.
CREATE FUNCTION actstream_internal.table_indexes()
    RETURNS TABLE (index name, method name, columns text, predicate text, is_unique boolean)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS
$function$
    VALUES
        ('actions_actor_idx'::name, 'btree'::name, 'actor, public, timestamp, id', NULL, false),
        ('actions_target_idx', 'btree', 'target, public, timestamp, id', '(target IS NOT NULL)', false),
        ('actions_action_object_idx', 'btree', 'action_object, public, timestamp, id', '(action_object IS NOT NULL)', false),
        ('actions_timestamp_idx', 'btree', 'timestamp, id', 'public', false),
        ('actions_external_id_key', 'btree', 'external_id', '(external_id IS NOT NULL)', true),
        ('actions_track_recency_idx', 'actstream_recency', 'actor, target, action_object, public, timestamp', NULL, false),
        ('follows_followee_idx', 'btree', 'followee, follower, flag', NULL, false),
        ('mutes_muted_idx', 'btree', 'muted, muter', NULL, false),
        ('changes_transaction_idx', 'btree', 'transaction, action_id', NULL, false),
        ('changes_gap_idx', 'btree', 'transaction', '(operation = ''G''::"char")', false),
        ('changes_action_id_idx', 'btree', 'action_id, transaction', NULL, false),
        ('changes_delay_idx', 'gist', 'delay', 'arrived', false),
        ('mark_exceptions_action_id_idx', 'btree', 'reader, feed, action_id', NULL, false),
        ('mark_exceptions_read_idx', 'btree', 'reader, feed, timestamp, action_id', '((read IS NOT NULL) OR (until IS NOT NULL))', false)
$function$;
COMMENT ON FUNCTION actstream_internal.table_indexes() IS 'indexes of the tables, for create_tables() and integrity_check()';

-- The indexes of a table that match one of those; "good" is false for one that a failed
-- command has left behind.
CREATE FUNCTION actstream_internal.found_indexes(relation regclass)
    RETURNS TABLE (index name, found oid, good boolean)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
    SET quote_all_identifiers = off AS
$function$
    SELECT e.index, i.indexrelid, i.indisvalid AND i.indisready AND i.indislive
    FROM pg_index i
    JOIN pg_class k ON k.oid = i.indexrelid
    JOIN pg_am m ON m.oid = k.relam
    JOIN actstream_internal.table_indexes() e
        ON e.method = m.amname AND e.is_unique = i.indisunique
        AND e.predicate IS NOT DISTINCT FROM pg_get_expr(i.indpred, i.indrelid)
        AND e.columns = (SELECT string_agg(a.attname, ', ' ORDER BY c.n)
                         FROM unnest(i.indkey[:i.indnkeyatts - 1]) WITH ORDINALITY AS c (attnum, n)
                         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = c.attnum)
    WHERE i.indrelid = relation AND i.indexprs IS NULL AND i.indimmediate
      AND NOT EXISTS (SELECT FROM unnest(i.indclass) AS c JOIN pg_opclass o ON o.oid = c WHERE NOT o.opcdefault)
      AND 0 = ALL (i.indoption)
$function$;
COMMENT ON FUNCTION actstream_internal.found_indexes(regclass) IS 'indexes of a table that match those of create_tables()';

-- The parts of the tables, in the order in which they are created, and whether they are
-- there.  To a table that was not made by create_tables(), such as a partitioned one,
-- create_tables() adds what is missing.  In a definition, %1$I is the name of an index,
-- and %2$s the columns of the partition key that the primary key must include.
CREATE FUNCTION actstream_internal.table_parts()
    RETURNS TABLE (relation name, part text, present boolean, definition text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off
    SET quote_all_identifiers = off AS
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
               -- the key of a partitioned table also contains the partition key
               WHEN 'primary key' THEN EXISTS (
                   SELECT FROM pg_constraint n
                   JOIN pg_index i ON i.indexrelid = n.conindid AND i.indisvalid AND i.indimmediate
                   CROSS JOIN LATERAL (
                       SELECT array_agg(a.attname::text ORDER BY k.n) AS names
                       FROM unnest(n.conkey) WITH ORDINALITY AS k (attnum, n)
                       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum) AS k
                   WHERE n.conrelid = c.oid AND n.contype = 'p'
                     AND CASE c.relkind WHEN 'p' THEN k.names @> string_to_array(p.name, ', ')
                                        ELSE k.names = string_to_array(p.name, ', ') END)
               WHEN 'constraint' THEN EXISTS (
                   SELECT FROM pg_constraint n
                   WHERE n.conrelid = c.oid
                     AND CASE p.name
                         WHEN 'object_types_relation_key' THEN pg_get_constraintdef(n.oid) = 'UNIQUE (relation)'
                         WHEN 'mark_exceptions_reader_feed_fkey' THEN n.confrelid = to_regclass('actstream.marks')
                             AND pg_get_constraintdef(n.oid)
                                 = 'FOREIGN KEY (reader, feed) REFERENCES actstream.marks(reader, feed) ON UPDATE CASCADE ON DELETE CASCADE'
                         ELSE n.contype = 'c' AND n.conname = p.name END)
               -- the recency map is reliable only if its index comes after those that
               -- streams read: a row is entered into indexes in the order of their OIDs
               WHEN 'index' THEN EXISTS (
                       SELECT FROM actstream_internal.found_indexes(c.oid) f
                       WHERE f.index = p.name AND f.good
                         AND (f.index <> 'actions_track_recency_idx' OR f.found > ALL (
                             SELECT o.found FROM actstream_internal.found_indexes(c.oid) o
                             WHERE o.index IN ('actions_actor_idx', 'actions_target_idx', 'actions_action_object_idx', 'actions_timestamp_idx'))))
                   -- the first is impossible on a partitioned table, the second useless unless
                   -- it is partitioned by time
                   OR (c.relkind = 'p'
                       AND (p.name = 'actions_external_id_key'
                            OR (p.name = 'actions_track_recency_idx' AND NOT EXISTS (
                                SELECT FROM pg_partitioned_table t
                                JOIN pg_attribute a ON a.attrelid = t.partrelid AND a.attnum = t.partattrs[0]
                                WHERE t.partrelid = c.oid AND t.partstrat = 'r' AND a.attname = 'timestamp'))))
               WHEN 'trigger' THEN EXISTS (
                   SELECT FROM pg_trigger t
                   JOIN actstream_internal.table_triggers() o ON o.relation = p.relation AND o.trigger = t.tgname
                   WHERE t.tgrelid = c.oid AND t.tgname = p.name
                     AND t.tgenabled = o.mode AND pg_get_triggerdef(t.oid) = o.definition)
           END,
           p.definition
    FROM (
        VALUES
        (11, 'object_types'::name, 'table', 'object_types', $$
            CREATE TABLE actstream.object_types OF actstream.object_type $$),
        (12, 'object_types', 'comment on', 'object_types', $$
            COMMENT ON TABLE actstream.object_types IS 'types of objects that actions and follows can refer to';
            COMMENT ON COLUMN actstream.object_types.label IS 'first part of references to these objects';
            COMMENT ON COLUMN actstream.object_types.relation IS 'the table; null for objects outside this database';
            COMMENT ON COLUMN actstream.object_types.key_columns IS 'columns of the table that form the key of a reference';
            COMMENT ON COLUMN actstream.object_types.name_template IS 'name of an object: text with {column} in it';
            COMMENT ON COLUMN actstream.object_types.url_template IS 'URL of an object: text with {column} in it';
            COMMENT ON COLUMN actstream.object_types.on_delete IS 'what happens to references to a deleted row';
            COMMENT ON COLUMN actstream.object_types.checked IS 'whether references to rows that do not exist are refused' $$),
        (13, 'object_types', 'not null', 'on_delete, checked', $$
            ALTER TABLE actstream.object_types ALTER on_delete SET NOT NULL, ALTER checked SET NOT NULL $$),
        (14, 'object_types', 'default', 'on_delete, checked', $$
            ALTER TABLE actstream.object_types ALTER on_delete SET DEFAULT 'cascade', ALTER checked SET DEFAULT true $$),
        (15, 'object_types', 'primary key', 'label', $$
            ALTER TABLE actstream.object_types ADD CONSTRAINT %1$I PRIMARY KEY (label);
            COMMENT ON INDEX actstream.%1$I IS 'object types by label' $$),
        (16, 'object_types', 'constraint', 'object_types_relation_key', $$
            ALTER TABLE actstream.object_types ADD CONSTRAINT %1$I UNIQUE (relation);
            COMMENT ON INDEX actstream.%1$I IS 'object types by table' $$),
        (17, 'object_types', 'constraint', 'object_types_key_check', $$
            ALTER TABLE actstream.object_types ADD CONSTRAINT object_types_key_check
                CHECK ((relation IS NULL) = (key_columns IS NULL));
            COMMENT ON CONSTRAINT object_types_key_check ON actstream.object_types
                IS 'only a type with a table has key columns' $$),
        (18, 'object_types', 'constraint', 'object_types_on_delete_check', $$
            ALTER TABLE actstream.object_types ADD CONSTRAINT object_types_on_delete_check
                CHECK (on_delete IN ('cascade', 'set null', 'restrict', 'keep'));
            COMMENT ON CONSTRAINT object_types_on_delete_check ON actstream.object_types
                IS 'valid values of on_delete' $$),

        -- A trigger checks lengths: the expression of a CHECK is parsed again for each
        -- INSERT, which took a tenth of the time of sending an action.
        (21, 'actions', 'table', 'actions', $$
            CREATE TABLE actstream.actions OF actstream.action $$),
        (22, 'actions', 'comment on', 'actions', $$
            COMMENT ON TABLE actstream.actions IS 'actions: an actor did something, with an object, to a target, at some time';
            COMMENT ON COLUMN actstream.actions.id IS 'order among actions with the same timestamp';
            COMMENT ON COLUMN actstream.actions."timestamp" IS 'when it happened';
            COMMENT ON COLUMN actstream.actions.public IS 'whether streams show it';
            COMMENT ON COLUMN actstream.actions.actor IS 'the object that did it';
            COMMENT ON COLUMN actstream.actions.verb IS 'what it did';
            COMMENT ON COLUMN actstream.actions.action_object IS 'the object that it was done with';
            COMMENT ON COLUMN actstream.actions.target IS 'the object that it was done to';
            COMMENT ON COLUMN actstream.actions.description IS 'text of the action, such as a comment';
            COMMENT ON COLUMN actstream.actions.data IS 'further data of the application';
            COMMENT ON COLUMN actstream.actions.external_id IS 'identifier given by the producer, unique so that an action is stored once' $$),
        (23, 'actions', 'not null', 'id, timestamp, public, actor, verb', $$
            ALTER TABLE actstream.actions ALTER id SET NOT NULL, ALTER "timestamp" SET NOT NULL,
                ALTER public SET NOT NULL, ALTER actor SET NOT NULL, ALTER verb SET NOT NULL $$),
        (24, 'actions', 'default', 'timestamp, public', $$
            ALTER TABLE actstream.actions ALTER "timestamp" SET DEFAULT clock_timestamp(), ALTER public SET DEFAULT true $$),
        (25, 'actions', 'identity', 'id', $$
            ALTER TABLE actstream.actions ALTER id ADD GENERATED BY DEFAULT AS IDENTITY $$),
        (26, 'actions', 'primary key', 'id', $$
            ALTER TABLE actstream.actions ADD CONSTRAINT %1$I PRIMARY KEY (id%2$s);
            COMMENT ON INDEX actstream.%1$I IS 'actions by id' $$),
        -- Read backwards, these are the streams.  No two entries are equal, so
        -- deduplication would be a waste of time.
        (31, 'actions', 'index', 'actions_actor_idx', $$
            CREATE INDEX %1$I ON actstream.actions (actor, public, "timestamp", id)
                WITH (deduplicate_items = off);
            COMMENT ON INDEX actstream.%1$I IS 'actions of an actor' $$),
        (32, 'actions', 'index', 'actions_target_idx', $$
            CREATE INDEX %1$I ON actstream.actions (target, public, "timestamp", id)
                WITH (deduplicate_items = off) WHERE target IS NOT NULL;
            COMMENT ON INDEX actstream.%1$I IS 'actions with a target' $$),
        (33, 'actions', 'index', 'actions_action_object_idx', $$
            CREATE INDEX %1$I ON actstream.actions (action_object, public, "timestamp", id)
                WITH (deduplicate_items = off) WHERE action_object IS NOT NULL;
            COMMENT ON INDEX actstream.%1$I IS 'actions with an action object' $$),
        (34, 'actions', 'index', 'actions_timestamp_idx', $$
            CREATE INDEX %1$I ON actstream.actions ("timestamp", id)
                WITH (deduplicate_items = off) WHERE public;
            COMMENT ON INDEX actstream.%1$I IS 'public actions by time' $$),
        (35, 'actions', 'index', 'actions_external_id_key', $$
            CREATE UNIQUE INDEX %1$I ON actstream.actions (external_id)
                WHERE external_id IS NOT NULL;
            COMMENT ON INDEX actstream.%1$I IS 'actions by external_id' $$),
        (36, 'actions', 'index', 'actions_track_recency_idx', $$
            CREATE INDEX %1$I ON actstream.actions
                USING actstream_recency (actor actstream.recency_ref_ops, target actstream.recency_ref_ops,
                                         action_object actstream.recency_ref_ops, public actstream.recency_bool_ops,
                                         "timestamp" actstream.recency_timestamptz_ops);
            COMMENT ON INDEX actstream.%1$I IS 'reports new actions to the recency map' $$),

        (41, 'follows', 'table', 'follows', $$
            CREATE TABLE actstream.follows OF actstream.follow $$),
        (42, 'follows', 'comment on', 'follows', $$
            COMMENT ON TABLE actstream.follows IS E'@name follow_entries\nfollows: which object follows which';
            COMMENT ON COLUMN actstream.follows.follower IS 'the object that follows';
            COMMENT ON COLUMN actstream.follows.followee IS 'the object that is followed';
            COMMENT ON COLUMN actstream.follows.flag IS 'kind of follow; empty by default';
            COMMENT ON COLUMN actstream.follows.actor_only IS 'whether to follow only actions of the followee as the actor';
            COMMENT ON COLUMN actstream.follows.started IS 'when the follow began';
            COMMENT ON COLUMN actstream.follows.verbs IS 'verbs of the actions that are followed; null for any' $$),
        (43, 'follows', 'not null', 'actor_only, started', $$
            ALTER TABLE actstream.follows ALTER actor_only SET NOT NULL, ALTER started SET NOT NULL $$),
        (44, 'follows', 'default', 'flag, actor_only, started', $$
            ALTER TABLE actstream.follows ALTER flag SET DEFAULT '', ALTER actor_only SET DEFAULT true,
                ALTER started SET DEFAULT clock_timestamp() $$),
        (45, 'follows', 'primary key', 'follower, followee, flag', $$
            ALTER TABLE actstream.follows ADD CONSTRAINT %1$I
                PRIMARY KEY (follower, followee, flag) INCLUDE (actor_only, started, verbs);
            COMMENT ON INDEX actstream.%1$I IS 'follows by follower' $$),
        -- the whole key, so that a look-up of one follow reads one entry, whichever
        -- index the planner chooses; and what audience() reads
        (46, 'follows', 'index', 'follows_followee_idx', $$
            CREATE INDEX %1$I ON actstream.follows (followee, follower, flag)
                INCLUDE (actor_only, verbs);
            COMMENT ON INDEX actstream.%1$I IS 'follows by followee' $$),

        (51, 'mutes', 'table', 'mutes', $$
            CREATE TABLE actstream.mutes OF actstream.mute $$),
        (52, 'mutes', 'comment on', 'mutes', $$
            COMMENT ON TABLE actstream.mutes IS E'@name mute_entries\nmutes: which object does not want to see actions of which';
            COMMENT ON COLUMN actstream.mutes.muter IS 'the object that mutes';
            COMMENT ON COLUMN actstream.mutes.muted IS 'the object that is muted';
            COMMENT ON COLUMN actstream.mutes.verbs IS 'verbs of the actions that are left out; null for any';
            COMMENT ON COLUMN actstream.mutes.until IS 'when the mute ends; null for never';
            COMMENT ON COLUMN actstream.mutes.block IS 'whether it is a block';
            COMMENT ON COLUMN actstream.mutes.created IS 'when the mute began' $$),
        (53, 'mutes', 'not null', 'block, created', $$
            ALTER TABLE actstream.mutes ALTER block SET NOT NULL, ALTER created SET NOT NULL $$),
        (54, 'mutes', 'default', 'block, created', $$
            ALTER TABLE actstream.mutes ALTER block SET DEFAULT false,
                ALTER created SET DEFAULT clock_timestamp() $$),
        (55, 'mutes', 'primary key', 'muter, muted', $$
            ALTER TABLE actstream.mutes ADD CONSTRAINT %1$I PRIMARY KEY (muter, muted) INCLUDE (verbs, until);
            COMMENT ON INDEX actstream.%1$I IS 'mutes by muter' $$),
        (56, 'mutes', 'index', 'mutes_muted_idx', $$
            CREATE INDEX %1$I ON actstream.mutes (muted, muter) INCLUDE (block, until);
            COMMENT ON INDEX actstream.%1$I IS 'mutes by muted object' $$),

        (61, 'phrases', 'table', 'phrases', $$
            CREATE TABLE actstream.phrases OF actstream.phrase $$),
        (62, 'phrases', 'comment on', 'phrases', $$
            COMMENT ON TABLE actstream.phrases IS 'patterns of sentences by language and verb';
            COMMENT ON COLUMN actstream.phrases.language IS 'the language, such as de or de-at; empty for any';
            COMMENT ON COLUMN actstream.phrases.verb IS 'the verb of the action; empty for any';
            COMMENT ON COLUMN actstream.phrases.pattern IS 'the sentence: text with {actor} and so on in it' $$),
        (63, 'phrases', 'not null', 'pattern', $$
            ALTER TABLE actstream.phrases ALTER pattern SET NOT NULL $$),
        (64, 'phrases', 'primary key', 'language, verb', $$
            ALTER TABLE actstream.phrases ADD CONSTRAINT %1$I PRIMARY KEY (language, verb);
            COMMENT ON INDEX actstream.%1$I IS 'phrases by language and verb' $$),

        -- Several rows ("slots") of an object and a flag add up to a count, so that
        -- transactions that change it at the same time change different rows.  Updates
        -- stay in the page.
        (91, 'follow_counts', 'table', 'follow_counts', $$
            CREATE TABLE actstream.follow_counts OF actstream.follow_count WITH (fillfactor = 50) $$),
        (92, 'follow_counts', 'comment on', 'follow_counts', $$
            COMMENT ON TABLE actstream.follow_counts IS E'@name follower_slots\nnumbers of followers, kept by triggers of follows; the rows of an object and a flag add up to its count';
            COMMENT ON COLUMN actstream.follow_counts.object IS 'the object that is followed';
            COMMENT ON COLUMN actstream.follow_counts.flag IS 'kind of follow';
            COMMENT ON COLUMN actstream.follow_counts.slot IS 'distinguishes the rows of an object and a flag';
            COMMENT ON COLUMN actstream.follow_counts.followers IS 'followers with this flag';
            COMMENT ON COLUMN actstream.follow_counts.any_flag IS 'with the empty flag: followers with any flag, each once' $$),
        (93, 'follow_counts', 'not null', 'followers, any_flag', $$
            ALTER TABLE actstream.follow_counts ALTER followers SET NOT NULL, ALTER any_flag SET NOT NULL $$),
        (94, 'follow_counts', 'primary key', 'object, flag, slot', $$
            ALTER TABLE actstream.follow_counts ADD CONSTRAINT %1$I PRIMARY KEY (object, flag, slot);
            COMMENT ON INDEX actstream.%1$I IS 'counts by object' $$),

        (65, 'changes', 'table', 'changes', $$
            CREATE TABLE actstream.changes OF actstream.change;
            ALTER TABLE actstream.changes REPLICA IDENTITY FULL $$),
        (66, 'changes', 'comment on', 'changes', $$
            COMMENT ON TABLE actstream.changes IS E'@name change_entries\nrecord of changes: which transaction changed which action';
            COMMENT ON COLUMN actstream.changes.transaction IS 'the transaction, of the top level';
            COMMENT ON COLUMN actstream.changes.action_id IS 'the id of the action; of a gap, the transaction that has made it';
            COMMENT ON COLUMN actstream.changes."timestamp" IS 'the timestamp of the action';
            COMMENT ON COLUMN actstream.changes.recorded IS 'when this was recorded';
            COMMENT ON COLUMN actstream.changes.incarnation IS 'the database in which the transaction was';
            COMMENT ON COLUMN actstream.changes.delay IS 'the time between timestamp and recorded';
            COMMENT ON COLUMN actstream.changes.operation IS 'I for INSERT, U for UPDATE, D for DELETE, G for a gap: earlier changes are not in the record';
            COMMENT ON COLUMN actstream.changes.arrived IS 'whether the action came to its place in streams by this';
            COMMENT ON COLUMN actstream.changes.old_public IS 'what public was before an UPDATE or DELETE';
            COMMENT ON COLUMN actstream.changes.old_actor IS 'what actor was before an UPDATE or DELETE';
            COMMENT ON COLUMN actstream.changes.old_verb IS 'what verb was before an UPDATE or DELETE';
            COMMENT ON COLUMN actstream.changes.old_action_object IS 'what action_object was before an UPDATE or DELETE';
            COMMENT ON COLUMN actstream.changes.old_target IS 'what target was before an UPDATE or DELETE' $$),
        (67, 'changes', 'not null', 'transaction, action_id, timestamp, recorded, incarnation, delay, operation, arrived', $$
            ALTER TABLE actstream.changes ALTER transaction SET NOT NULL, ALTER action_id SET NOT NULL,
                ALTER "timestamp" SET NOT NULL, ALTER recorded SET NOT NULL, ALTER incarnation SET NOT NULL,
                ALTER delay SET NOT NULL, ALTER operation SET NOT NULL, ALTER arrived SET NOT NULL $$),
        (68, 'changes', 'index', 'changes_transaction_idx', $$
            CREATE INDEX %1$I ON actstream.changes (transaction, action_id);
            COMMENT ON INDEX actstream.%1$I IS 'changes by transaction' $$),
        (69, 'changes', 'index', 'changes_action_id_idx', $$
            CREATE INDEX %1$I ON actstream.changes (action_id, transaction);
            COMMENT ON INDEX actstream.%1$I IS 'changes by action' $$),
        (70, 'changes', 'index', 'changes_delay_idx', $$
            CREATE INDEX %1$I ON actstream.changes USING gist (delay) WHERE arrived;
            COMMENT ON INDEX actstream.%1$I IS 'changes that a mark may not have seen' $$),
        (97, 'changes', 'index', 'changes_gap_idx', $$
            CREATE INDEX %1$I ON actstream.changes (transaction) WHERE operation = 'G';
            COMMENT ON INDEX actstream.%1$I IS 'gaps in the record of changes' $$),

        (71, 'marks', 'table', 'marks', $$
            CREATE TABLE actstream.marks OF actstream.mark $$),
        (72, 'marks', 'comment on', 'marks', $$
            COMMENT ON TABLE actstream.marks IS E'@name mark_entries\nmarks: up to where readers have seen and read their notifications';
            COMMENT ON COLUMN actstream.marks.reader IS 'the object whose notifications these are';
            COMMENT ON COLUMN actstream.marks.feed IS 'name of the list of notifications; empty by default';
            COMMENT ON COLUMN actstream.marks.seen IS 'cursor: what is not above it has been seen';
            COMMENT ON COLUMN actstream.marks.seen_at IS 'when that mark was set';
            COMMENT ON COLUMN actstream.marks.seen_snapshot IS 'which transactions that mark knows about';
            COMMENT ON COLUMN actstream.marks.seen_by IS 'the transaction that set that mark';
            COMMENT ON COLUMN actstream.marks.seen_next IS 'the first transaction id that had not been given then';
            COMMENT ON COLUMN actstream.marks.read IS 'cursor: what is not above it has been read';
            COMMENT ON COLUMN actstream.marks.read_at IS 'when that mark was set';
            COMMENT ON COLUMN actstream.marks.read_snapshot IS 'which transactions that mark knows about';
            COMMENT ON COLUMN actstream.marks.read_by IS 'the transaction that set that mark';
            COMMENT ON COLUMN actstream.marks.read_next IS 'the first transaction id that had not been given then';
            COMMENT ON COLUMN actstream.marks.incarnation IS 'the database in which these transactions were' $$),
        (73, 'marks', 'default', 'feed', $$
            ALTER TABLE actstream.marks ALTER feed SET DEFAULT '' $$),
        (74, 'marks', 'primary key', 'reader, feed', $$
            ALTER TABLE actstream.marks ADD CONSTRAINT %1$I PRIMARY KEY (reader, feed);
            COMMENT ON INDEX actstream.%1$I IS 'marks by reader' $$),

        (81, 'mark_exceptions', 'table', 'mark_exceptions', $$
            CREATE TABLE actstream.mark_exceptions OF actstream.mark_exception $$),
        (82, 'mark_exceptions', 'comment on', 'mark_exceptions', $$
            COMMENT ON TABLE actstream.mark_exceptions IS E'@name mark_exception_entries\nnotifications that were read, unread, archived or snoozed one by one';
            COMMENT ON COLUMN actstream.mark_exceptions.reader IS 'the object whose notification this is';
            COMMENT ON COLUMN actstream.mark_exceptions.feed IS 'name of the list of notifications; empty by default';
            COMMENT ON COLUMN actstream.mark_exceptions.action_id IS 'the id of the action';
            COMMENT ON COLUMN actstream.mark_exceptions."timestamp" IS 'the timestamp of the action';
            COMMENT ON COLUMN actstream.mark_exceptions.read IS 'whether it has been read; null if the mark says that';
            COMMENT ON COLUMN actstream.mark_exceptions.archived IS 'whether it is in the archive';
            COMMENT ON COLUMN actstream.mark_exceptions.until IS 'when it comes back from there; null for never' $$),
        (83, 'mark_exceptions', 'not null', 'archived', $$
            ALTER TABLE actstream.mark_exceptions ALTER archived SET NOT NULL $$),
        (84, 'mark_exceptions', 'default', 'feed, archived', $$
            ALTER TABLE actstream.mark_exceptions ALTER feed SET DEFAULT '', ALTER archived SET DEFAULT false $$),
        (85, 'mark_exceptions', 'primary key', 'reader, feed, timestamp, action_id', $$
            ALTER TABLE actstream.mark_exceptions ADD CONSTRAINT %1$I
                PRIMARY KEY (reader, feed, "timestamp", action_id);
            COMMENT ON INDEX actstream.%1$I IS 'exceptions by place in the stream' $$),
        (86, 'mark_exceptions', 'index', 'mark_exceptions_read_idx', $$
            CREATE INDEX %1$I ON actstream.mark_exceptions (reader, feed, "timestamp", action_id)
                WHERE read IS NOT NULL OR until IS NOT NULL;
            COMMENT ON INDEX actstream.%1$I IS 'exceptions that say what has been read' $$),
        (87, 'mark_exceptions', 'index', 'mark_exceptions_action_id_idx', $$
            CREATE INDEX %1$I ON actstream.mark_exceptions (reader, feed, action_id);
            COMMENT ON INDEX actstream.%1$I IS 'exceptions by action' $$),
        (88, 'mark_exceptions', 'constraint', 'mark_exceptions_until_check', $$
            ALTER TABLE actstream.mark_exceptions ADD CONSTRAINT mark_exceptions_until_check CHECK (archived OR until IS NULL);
            COMMENT ON CONSTRAINT mark_exceptions_until_check ON actstream.mark_exceptions
                IS 'only what is archived comes back' $$),
        (89, 'mark_exceptions', 'constraint', 'mark_exceptions_reader_feed_fkey', $$
            ALTER TABLE actstream.mark_exceptions ADD CONSTRAINT mark_exceptions_reader_feed_fkey
                FOREIGN KEY (reader, feed) REFERENCES actstream.marks (reader, feed) ON UPDATE CASCADE ON DELETE CASCADE;
            COMMENT ON CONSTRAINT mark_exceptions_reader_feed_fkey ON actstream.mark_exceptions
                IS 'exceptions belong to marks, and go with them' $$)
        UNION ALL
        SELECT 100, o.relation, 'trigger', o.trigger,
               replace(o.definition, 'CREATE', 'CREATE OR REPLACE')
               || format('; ALTER TABLE actstream.%1$I ENABLE %3$s TRIGGER %2$I; COMMENT ON TRIGGER %2$I ON actstream.%1$I IS %4$L',
                         o.relation, o.trigger, CASE o.mode WHEN 'A' THEN 'ALWAYS' END, o.comment)
        FROM actstream_internal.table_triggers() AS o
    ) AS p (step, relation, kind, name, definition)
    LEFT JOIN pg_class c ON c.relname = p.relation AND c.relnamespace = 'actstream'::regnamespace
    ORDER BY p.step, p.name
$function$;
COMMENT ON FUNCTION actstream_internal.table_parts() IS 'parts of the tables, for create_tables() and integrity_check()';

CREATE FUNCTION actstream_internal.require_tables() RETURNS void
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_require_tables';
COMMENT ON FUNCTION actstream_internal.require_tables() IS 'raise an error unless the tables are as the extension needs them';

CREATE FUNCTION actstream_internal.lock_tables() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_lock_tables';
COMMENT ON FUNCTION actstream_internal.lock_tables() IS 'keep other sessions out of create_tables() until the end of the transaction';

-- An index with the name of one of ours may belong to a table that was renamed.
CREATE FUNCTION actstream_internal.free_name(wanted text) RETURNS text
    LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp SET jit = off AS
$function$
    SELECT wanted || coalesce(n::text, '')
    FROM (SELECT NULL::int UNION ALL SELECT generate_series(1, 1000)) AS s (n)
    WHERE NOT EXISTS (
        SELECT FROM pg_class c
        WHERE c.relnamespace = 'actstream'::regnamespace AND c.relname = wanted || coalesce(n::text, ''))
    ORDER BY n NULLS FIRST
    LIMIT 1
$function$;
COMMENT ON FUNCTION actstream_internal.free_name(text) IS 'an unused name for a relation in the schema';

CREATE FUNCTION actstream.create_tables() RETURNS SETOF text
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS
$function$
DECLARE
    others text;
    made name[] := '{}';
    p record;
    i regclass;
    n name;
    recount boolean := false;
BEGIN
    -- one call at a time
    PERFORM actstream_internal.lock_tables();

    SELECT string_agg(format('%s belongs to role %I', c.oid::regclass, pg_get_userbyid(c.relowner)), ', ' ORDER BY c.relname)
    INTO others
    FROM pg_class c
    WHERE c.relnamespace = 'actstream'::regnamespace
      AND c.relname IN ('object_types', 'actions', 'follows', 'follow_counts', 'mutes', 'phrases',
                        'changes', 'marks', 'mark_exceptions')
      AND c.relowner <> (SELECT r.oid FROM pg_roles r WHERE r.rolname = current_user);
    IF others IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = 'tables of the extension belong to another role',
            DETAIL = others || '.',
            HINT = 'Call actstream.create_tables() as that role.';
    END IF;

    FOR p IN SELECT * FROM actstream_internal.table_parts() LOOP
        -- the other indexes may have been created just now
        IF p.part = 'index actions_track_recency_idx' THEN
            SELECT x.present INTO p.present FROM actstream_internal.table_parts() AS x WHERE x.part = p.part;
        END IF;
        CONTINUE WHEN p.present;
        IF p.part = 'index actions_track_recency_idx' THEN
            -- an index that comes too early stores nothing that would be lost
            FOR i IN SELECT f.found FROM actstream_internal.found_indexes('actstream.actions') f WHERE f.index = 'actions_track_recency_idx' LOOP
                EXECUTE format('DROP INDEX %s', i);
            END LOOP;
        END IF;
        IF p.part = 'constraint mark_exceptions_reader_feed_fkey' THEN
            -- a key to a table that was marks before, or another key to marks
            FOR n IN
                SELECT k.conname FROM pg_constraint k
                JOIN pg_class c ON c.oid = k.confrelid
                WHERE k.conrelid = 'actstream.mark_exceptions'::regclass AND k.contype = 'f' AND k.conparentid = 0
                  AND (k.conname = 'mark_exceptions_reader_feed_fkey' OR c.reloftype = 'actstream.mark'::regtype)
            LOOP
                EXECUTE format('ALTER TABLE actstream.mark_exceptions DROP CONSTRAINT %I', n);
            END LOOP;
        END IF;
        IF split_part(p.part, ' ', 1) IN ('table', 'index', 'primary', 'identity') AND NOT has_schema_privilege('actstream', 'CREATE') THEN
            RAISE EXCEPTION USING
                ERRCODE = 'insufficient_privilege',
                MESSAGE = 'permission denied for schema actstream',
                DETAIL = format('What is missing of table "actstream.%s": %s.', p.relation, p.part),
                HINT = format('The owner of the schema can grant it: GRANT USAGE, CREATE ON SCHEMA actstream TO %I.', current_user);
        END IF;
        IF strpos(p.definition, '%1$I') > 0 THEN
            EXECUTE format(p.definition, actstream_internal.free_name(
                CASE WHEN p.part LIKE 'primary key %' THEN p.relation || '_pkey'
                     ELSE split_part(p.part, ' ', 2) END),
                (SELECT coalesce(string_agg(', ' || quote_ident(a.attname), '' ORDER BY k.n), '')
                 FROM pg_partitioned_table t
                 CROSS JOIN unnest(t.partattrs) WITH ORDINALITY AS k (attnum, n)
                 JOIN pg_attribute a ON a.attrelid = t.partrelid AND a.attnum = k.attnum
                 WHERE t.partrelid = to_regclass('actstream.' || p.relation) AND a.attname <> 'id'));
        ELSE
            EXECUTE p.definition;
        END IF;
        IF p.part = 'table ' || p.relation THEN
            made := made || p.relation;
            RETURN NEXT p.part;
        ELSIF p.relation <> ALL (made) THEN
            RETURN NEXT p.part || ' of table ' || p.relation;
        END IF;
        -- without them, follows may have changed and counts not; nor do counts go with the
        -- table that they count
        recount := recount OR 'follows' <> ALL (made)
            AND p.part IN ('table follow_counts', 'trigger follow_count', 'trigger follow_count_none')
            OR p.part = 'table follows' AND to_regclass('actstream.follow_counts') IS NOT NULL;
    END LOOP;
    PERFORM actstream_internal.require_tables();
    IF recount THEN
        PERFORM actstream.recount_followers();
    END IF;
END
$function$;
COMMENT ON FUNCTION actstream.create_tables()
    IS 'create the tables of the extension, or what is missing of them, owned by the caller; returns what was created';

CREATE FUNCTION actstream_internal.drop_binding(relation regclass) RETURNS void
    LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_drop_binding';
COMMENT ON FUNCTION actstream_internal.drop_binding(regclass) IS 'drop the triggers that register() created on a table; for the owner of object_types';

CREATE FUNCTION actstream.drop_tables() RETURNS void
    LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS
$function$
DECLARE
    t record;
    kept text;
BEGIN
    IF to_regclass('actstream.object_types') IS NOT NULL THEN
        -- the triggers of a table before those of its partitions
        PERFORM actstream_internal.drop_binding(c.oid)
        FROM (SELECT DISTINCT d.oid, d.relispartition
              FROM pg_trigger g
              JOIN pg_proc f ON f.oid = g.tgfoid
              JOIN pg_class d ON d.oid = g.tgrelid
              WHERE f.pronamespace = 'actstream_internal'::regnamespace
                AND f.proname IN ('object_deleted', 'object_rekeyed', 'object_moves', 'objects_truncated')
                AND g.tgparentid = 0
              ORDER BY d.relispartition, d.oid) AS c;
    END IF;
    FOR t IN
        SELECT g.tgname, g.tgrelid::regclass AS relation
        FROM pg_trigger g
        JOIN pg_proc f ON f.oid = g.tgfoid
        JOIN pg_class c ON c.oid = g.tgrelid
        WHERE f.pronamespace = 'actstream_internal'::regnamespace
          AND c.relnamespace <> 'actstream'::regnamespace
          AND g.tgparentid = 0
          AND pg_has_role(c.relowner, 'USAGE')
        ORDER BY g.oid
    LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', t.tgname, t.relation);
    END LOOP;
    DROP TABLE IF EXISTS actstream.mark_exceptions, actstream.marks, actstream.changes, actstream.phrases,
        actstream.mutes, actstream.follow_counts, actstream.follows, actstream.actions, actstream.object_types;

    SELECT string_agg(DISTINCT g.tgrelid::regclass::text, ', ')
    INTO kept
    FROM pg_trigger g
    JOIN pg_proc f ON f.oid = g.tgfoid
    WHERE f.pronamespace = 'actstream_internal'::regnamespace AND g.tgparentid = 0;
    IF kept IS NOT NULL THEN
        RAISE NOTICE USING
            MESSAGE = 'triggers of the extension remain on tables of other roles',
            DETAIL = 'They are on: ' || kept || '.',
            HINT = 'The owners of these tables should drop them, for example with actstream.untrack(). Until then, they warn that the tables of the extension are missing.';
    END IF;
END
$function$;
COMMENT ON FUNCTION actstream.drop_tables()
    IS 'drop the tables of the extension, and the triggers of register() and track()';

-- Support function of SQL functions that read the tables.
CREATE FUNCTION actstream_internal.tables_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_tables_support';
COMMENT ON FUNCTION actstream_internal.tables_support(internal) IS 'planner support for functions that read the tables';
