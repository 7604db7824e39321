/*
 * actstream.sql
 *      The whole schema of the extension, to be read from top to bottom.
 *
 * Nothing is replaced and nothing is taken over: an object of ours that exists
 * already stops the script.  Functions in SQL have parsed bodies (BEGIN ATOMIC
 * or RETURN), which name their objects once and for all, or else qualify every
 * name: they mean the same whatever search_path they are called under, and the
 * planner inlines them.
 */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION actstream" to load this file. \quit

-- Somebody else's schema could hold anything, and its owner could drop ours.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_namespace n
        WHERE n.nspname OPERATOR(pg_catalog.=) 'actstream'
          AND EXISTS (SELECT FROM pg_catalog.pg_roles r
                      WHERE r.oid OPERATOR(pg_catalog.=) n.nspowner
                        AND (r.rolsuper OR r.rolname OPERATOR(pg_catalog.=) current_user))
          AND NOT EXISTS (SELECT FROM pg_catalog.aclexplode(n.nspacl) a
                          WHERE a.privilege_type OPERATOR(pg_catalog.=) 'CREATE'
                            AND a.grantee OPERATOR(pg_catalog.<>) n.nspowner)
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c
                          WHERE c.relnamespace OPERATOR(pg_catalog.=) n.oid)
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_proc p
                          WHERE p.pronamespace OPERATOR(pg_catalog.=) n.oid)
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_type t
                          WHERE t.typnamespace OPERATOR(pg_catalog.=) n.oid)
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_operator o
                          WHERE o.oprnamespace OPERATOR(pg_catalog.=) n.oid)) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'schema "actstream" is not empty, or other roles can create objects in it',
            HINT = 'Drop or rename it; the extension makes its own.';
    END IF;
END
$$;

COMMENT ON SCHEMA actstream IS 'activity streams: references, actions, follows and streams';

------------------------------------------------------------------------------
-- References
------------------------------------------------------------------------------

CREATE TYPE actstream.ref;

CREATE FUNCTION actstream.ref_in(cstring) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_in';
CREATE FUNCTION actstream.ref_out(actstream.ref) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_out';
CREATE FUNCTION actstream.ref_recv(internal) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_recv';
CREATE FUNCTION actstream.ref_send(actstream.ref) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_send';

-- "main" rather than "plain": only then is the one-byte header used
CREATE TYPE actstream.ref (
    INPUT = actstream.ref_in,
    OUTPUT = actstream.ref_out,
    RECEIVE = actstream.ref_recv,
    SEND = actstream.ref_send,
    INTERNALLENGTH = variable,
    ALIGNMENT = int4,
    STORAGE = main
);

COMMENT ON TYPE actstream.ref IS 'reference to an object: a label and a key, written label:key';
COMMENT ON FUNCTION actstream.ref_in(cstring) IS 'I/O';
COMMENT ON FUNCTION actstream.ref_out(actstream.ref) IS 'I/O';
COMMENT ON FUNCTION actstream.ref_recv(internal) IS 'I/O';
COMMENT ON FUNCTION actstream.ref_send(actstream.ref) IS 'I/O';

CREATE CAST (text AS actstream.ref) WITH INOUT AS ASSIGNMENT;
CREATE CAST (actstream.ref AS text) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (text AS actstream.ref) IS 'label:key to reference';
COMMENT ON CAST (actstream.ref AS text) IS 'reference to label:key';

CREATE FUNCTION actstream.ref(label text, key bigint) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_from_bigint';
CREATE FUNCTION actstream.ref(label text, key uuid) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_from_uuid';
CREATE FUNCTION actstream.ref(label text, key text) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_from_text';
COMMENT ON FUNCTION actstream.ref(text, bigint) IS 'make a reference from a label and an integer key';
COMMENT ON FUNCTION actstream.ref(text, uuid) IS 'make a reference from a label and a uuid key';
COMMENT ON FUNCTION actstream.ref(text, text) IS 'make a reference from a label and a key of any text';

CREATE FUNCTION actstream.ref_of(record) RETURNS actstream.ref
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_of';
COMMENT ON FUNCTION actstream.ref_of(record) IS 'reference to a row of a registered table';

CREATE FUNCTION actstream.ref_label(actstream.ref) RETURNS text
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_label';
CREATE FUNCTION actstream.ref_key(actstream.ref) RETURNS text
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_key';
COMMENT ON FUNCTION actstream.ref_label(actstream.ref) IS 'label of a reference';
COMMENT ON FUNCTION actstream.ref_key(actstream.ref) IS 'key of a reference, as text';

-- ref >= label_start(l) AND ref < label_stop(l): the references with label l,
-- in a form that an index serves
CREATE FUNCTION actstream.label_start(label text) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_label_start';
CREATE FUNCTION actstream.label_stop(label text) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_label_stop';
COMMENT ON FUNCTION actstream.label_start(text) IS 'least reference with the label';
COMMENT ON FUNCTION actstream.label_stop(text) IS 'least reference above all with the label';

CREATE FUNCTION actstream.ref_eq(actstream.ref, actstream.ref) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_eq';
CREATE FUNCTION actstream.ref_ne(actstream.ref, actstream.ref) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_ne';
CREATE FUNCTION actstream.ref_lt(actstream.ref, actstream.ref) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_lt';
CREATE FUNCTION actstream.ref_le(actstream.ref, actstream.ref) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_le';
CREATE FUNCTION actstream.ref_gt(actstream.ref, actstream.ref) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_gt';
CREATE FUNCTION actstream.ref_ge(actstream.ref, actstream.ref) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_ge';
CREATE FUNCTION actstream.ref_cmp(actstream.ref, actstream.ref) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_cmp';
CREATE FUNCTION actstream.ref_sortsupport(internal) RETURNS void
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_sortsupport';
CREATE FUNCTION actstream.ref_hash(actstream.ref) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_hash';
CREATE FUNCTION actstream.ref_hash_extended(actstream.ref, bigint) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_hash_extended';

CREATE OPERATOR actstream.= (
    FUNCTION = actstream.ref_eq, LEFTARG = actstream.ref, RIGHTARG = actstream.ref,
    COMMUTATOR = OPERATOR(actstream.=), NEGATOR = OPERATOR(actstream.<>),
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR actstream.<> (
    FUNCTION = actstream.ref_ne, LEFTARG = actstream.ref, RIGHTARG = actstream.ref,
    COMMUTATOR = OPERATOR(actstream.<>), NEGATOR = OPERATOR(actstream.=),
    RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR actstream.< (
    FUNCTION = actstream.ref_lt, LEFTARG = actstream.ref, RIGHTARG = actstream.ref,
    COMMUTATOR = OPERATOR(actstream.>), NEGATOR = OPERATOR(actstream.>=),
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR actstream.<= (
    FUNCTION = actstream.ref_le, LEFTARG = actstream.ref, RIGHTARG = actstream.ref,
    COMMUTATOR = OPERATOR(actstream.>=), NEGATOR = OPERATOR(actstream.>),
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR actstream.> (
    FUNCTION = actstream.ref_gt, LEFTARG = actstream.ref, RIGHTARG = actstream.ref,
    COMMUTATOR = OPERATOR(actstream.<), NEGATOR = OPERATOR(actstream.<=),
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR actstream.>= (
    FUNCTION = actstream.ref_ge, LEFTARG = actstream.ref, RIGHTARG = actstream.ref,
    COMMUTATOR = OPERATOR(actstream.<=), NEGATOR = OPERATOR(actstream.<),
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);

COMMENT ON FUNCTION actstream.ref_eq(actstream.ref, actstream.ref) IS 'implementation of = operator';
COMMENT ON FUNCTION actstream.ref_ne(actstream.ref, actstream.ref) IS 'implementation of <> operator';
COMMENT ON FUNCTION actstream.ref_lt(actstream.ref, actstream.ref) IS 'implementation of < operator';
COMMENT ON FUNCTION actstream.ref_le(actstream.ref, actstream.ref) IS 'implementation of <= operator';
COMMENT ON FUNCTION actstream.ref_gt(actstream.ref, actstream.ref) IS 'implementation of > operator';
COMMENT ON FUNCTION actstream.ref_ge(actstream.ref, actstream.ref) IS 'implementation of >= operator';
COMMENT ON FUNCTION actstream.ref_cmp(actstream.ref, actstream.ref) IS 'less-equal-greater';
COMMENT ON FUNCTION actstream.ref_sortsupport(internal) IS 'sort support';
COMMENT ON FUNCTION actstream.ref_hash(actstream.ref) IS 'hash';
COMMENT ON FUNCTION actstream.ref_hash_extended(actstream.ref, bigint) IS 'hash';
COMMENT ON OPERATOR actstream.= (actstream.ref, actstream.ref) IS 'equal';
COMMENT ON OPERATOR actstream.<> (actstream.ref, actstream.ref) IS 'not equal';
COMMENT ON OPERATOR actstream.< (actstream.ref, actstream.ref) IS 'less than';
COMMENT ON OPERATOR actstream.<= (actstream.ref, actstream.ref) IS 'less than or equal';
COMMENT ON OPERATOR actstream.> (actstream.ref, actstream.ref) IS 'greater than';
COMMENT ON OPERATOR actstream.>= (actstream.ref, actstream.ref) IS 'greater than or equal';

CREATE OPERATOR FAMILY actstream.ref_ops USING btree;
CREATE OPERATOR FAMILY actstream.ref_ops USING hash;

CREATE OPERATOR CLASS actstream.ref_ops
    DEFAULT FOR TYPE actstream.ref USING btree FAMILY actstream.ref_ops AS
    OPERATOR 1 actstream.<,
    OPERATOR 2 actstream.<=,
    OPERATOR 3 actstream.=,
    OPERATOR 4 actstream.>=,
    OPERATOR 5 actstream.>,
    FUNCTION 1 actstream.ref_cmp(actstream.ref, actstream.ref),
    FUNCTION 2 actstream.ref_sortsupport(internal),
    FUNCTION 4 pg_catalog.btequalimage(oid);

CREATE OPERATOR CLASS actstream.ref_ops
    DEFAULT FOR TYPE actstream.ref USING hash FAMILY actstream.ref_ops AS
    OPERATOR 1 actstream.=,
    FUNCTION 1 actstream.ref_hash(actstream.ref),
    FUNCTION 2 actstream.ref_hash_extended(actstream.ref, bigint);

CREATE FUNCTION actstream.ref_smaller(actstream.ref, actstream.ref) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_smaller';
CREATE FUNCTION actstream.ref_larger(actstream.ref, actstream.ref) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_larger';
CREATE AGGREGATE actstream.min(actstream.ref) (
    SFUNC = actstream.ref_smaller, STYPE = actstream.ref, COMBINEFUNC = actstream.ref_smaller,
    SORTOP = OPERATOR(actstream.<), PARALLEL = safe
);
CREATE AGGREGATE actstream.max(actstream.ref) (
    SFUNC = actstream.ref_larger, STYPE = actstream.ref, COMBINEFUNC = actstream.ref_larger,
    SORTOP = OPERATOR(actstream.>), PARALLEL = safe
);
COMMENT ON FUNCTION actstream.ref_smaller(actstream.ref, actstream.ref) IS 'smaller of two';
COMMENT ON FUNCTION actstream.ref_larger(actstream.ref, actstream.ref) IS 'larger of two';
COMMENT ON AGGREGATE actstream.min(actstream.ref) IS 'least reference';
COMMENT ON AGGREGATE actstream.max(actstream.ref) IS 'greatest reference';

COMMENT ON OPERATOR FAMILY actstream.ref_ops USING btree IS 'references by label, then by key';
COMMENT ON OPERATOR FAMILY actstream.ref_ops USING hash IS 'references';
COMMENT ON OPERATOR CLASS actstream.ref_ops USING btree IS 'references by label, then by key';
COMMENT ON OPERATOR CLASS actstream.ref_ops USING hash IS 'references';

------------------------------------------------------------------------------
-- Object types
------------------------------------------------------------------------------

CREATE TABLE actstream.object_type (
    label         text PRIMARY KEY,
    relation      regclass UNIQUE,
    key_columns   name[],
    name_template text,
    url_template  text,
    on_delete     text NOT NULL DEFAULT 'cascade',
    checked       boolean NOT NULL DEFAULT true,
    CONSTRAINT object_type_key_check
        CHECK ((relation IS NULL) OPERATOR(pg_catalog.=) (key_columns IS NULL)),
    CONSTRAINT object_type_on_delete_check
        CHECK (on_delete OPERATOR(pg_catalog.=) ANY ('{cascade,set null,restrict,keep}'))
);

COMMENT ON TABLE actstream.object_type IS 'what actions and follows can refer to';
COMMENT ON COLUMN actstream.object_type.label IS 'what references to these objects begin with';
COMMENT ON COLUMN actstream.object_type.relation IS 'the table; null for objects outside of this database';
COMMENT ON COLUMN actstream.object_type.key_columns IS 'columns of the table that are the key of a reference';
COMMENT ON COLUMN actstream.object_type.name_template IS 'how an object is called: text with {column} in it';
COMMENT ON COLUMN actstream.object_type.url_template IS 'where an object is shown: text with {column} in it';
COMMENT ON COLUMN actstream.object_type.on_delete IS 'what becomes of references to a deleted row';
COMMENT ON COLUMN actstream.object_type.checked IS 'whether references to rows that do not exist are refused';
COMMENT ON CONSTRAINT object_type_key_check ON actstream.object_type IS 'a table has key columns, an external type has none';
COMMENT ON CONSTRAINT object_type_on_delete_check ON actstream.object_type IS 'what can become of references';
COMMENT ON INDEX actstream.object_type_pkey IS 'object types by label';
COMMENT ON INDEX actstream.object_type_relation_key IS 'object types by table';

CREATE FUNCTION actstream.object_type_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_type_check';
CREATE FUNCTION actstream.object_type_bind() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_type_bind';
CREATE FUNCTION actstream.object_type_keep() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_type_keep';
CREATE FUNCTION actstream.object_type_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_type_changed';
REVOKE EXECUTE ON FUNCTION actstream.object_type_check() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION actstream.object_type_bind() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION actstream.object_type_keep() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION actstream.object_type_changed() FROM PUBLIC;
COMMENT ON FUNCTION actstream.object_type_check() IS 'trigger: what is registered is valid, what is referenced keeps its meaning';
COMMENT ON FUNCTION actstream.object_type_bind() IS 'trigger: a registered table has the triggers that bind it';
COMMENT ON FUNCTION actstream.object_type_keep() IS 'trigger: what is registered is not truncated away';
COMMENT ON FUNCTION actstream.object_type_changed() IS 'trigger: all sessions read the registry anew';

CREATE TRIGGER object_type_check BEFORE INSERT OR UPDATE OR DELETE ON actstream.object_type
    FOR EACH ROW EXECUTE FUNCTION actstream.object_type_check();
CREATE TRIGGER object_type_bind AFTER INSERT OR UPDATE OR DELETE ON actstream.object_type
    FOR EACH ROW EXECUTE FUNCTION actstream.object_type_bind();
CREATE TRIGGER object_type_keep BEFORE TRUNCATE ON actstream.object_type
    EXECUTE FUNCTION actstream.object_type_keep();
CREATE TRIGGER object_type_changing BEFORE INSERT OR UPDATE OR DELETE ON actstream.object_type
    FOR EACH ROW EXECUTE FUNCTION actstream.object_type_changed();
CREATE TRIGGER object_type_changed AFTER INSERT OR UPDATE OR DELETE ON actstream.object_type
    FOR EACH ROW EXECUTE FUNCTION actstream.object_type_changed();
-- replicated changes too must reach the other sessions
ALTER TABLE actstream.object_type ENABLE ALWAYS TRIGGER object_type_changing;
ALTER TABLE actstream.object_type ENABLE ALWAYS TRIGGER object_type_changed;
COMMENT ON TRIGGER object_type_check ON actstream.object_type IS 'what is registered is valid, what is referenced keeps its meaning';
COMMENT ON TRIGGER object_type_bind ON actstream.object_type IS 'a registered table has the triggers that bind it';
COMMENT ON TRIGGER object_type_keep ON actstream.object_type IS 'what is registered is not truncated away';
COMMENT ON TRIGGER object_type_changing ON actstream.object_type IS 'all sessions read the registry anew';
COMMENT ON TRIGGER object_type_changed ON actstream.object_type IS 'all sessions read the registry anew';

CREATE FUNCTION actstream.register(
    relation      regclass,
    label         text DEFAULT NULL,
    key_columns   name[] DEFAULT NULL,
    name_template text DEFAULT NULL,
    url_template  text DEFAULT NULL,
    on_delete     text DEFAULT NULL,
    checked       boolean DEFAULT NULL)
    RETURNS actstream.object_type
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_register';
CREATE FUNCTION actstream.register_external(
    label         text,
    name_template text DEFAULT NULL,
    url_template  text DEFAULT NULL)
    RETURNS actstream.object_type
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_register_external';
CREATE FUNCTION actstream.unregister(label text) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_unregister';
CREATE FUNCTION actstream.rebind(label text, relation regclass) RETURNS actstream.object_type
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_rebind';
COMMENT ON FUNCTION actstream.register(regclass, text, name[], text, text, text, boolean)
    IS 'let actions and follows refer to the rows of a table; what is null stays as it is registered';
COMMENT ON FUNCTION actstream.rebind(text, regclass)
    IS 'hand an object type to another table, which has all rows that are referred to';
COMMENT ON FUNCTION actstream.register_external(text, text, text)
    IS 'let actions and follows refer to objects outside of this database';
COMMENT ON FUNCTION actstream.unregister(text)
    IS 'forget an object type that nothing refers to';

-- What register() puts on a table; see object_trigger.c.  Anybody may: each acts on
-- references to the rows of the table that it is fired for, and only if that is
-- registered.  The owner of a partitioned table needs to, for each new partition, and so
-- does whoever restores a dump.
CREATE FUNCTION actstream.object_deleted() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_deleted';
CREATE FUNCTION actstream.object_rekeyed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_rekeyed';
CREATE FUNCTION actstream.object_moves() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_moves';
CREATE FUNCTION actstream.objects_truncated() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_objects_truncated';
COMMENT ON FUNCTION actstream.object_deleted() IS 'trigger: references follow a deleted row';
COMMENT ON FUNCTION actstream.object_rekeyed() IS 'trigger: references follow a new key';
COMMENT ON FUNCTION actstream.object_moves() IS 'trigger: a row may be about to move to another partition';
COMMENT ON FUNCTION actstream.objects_truncated() IS 'trigger: references follow truncated rows';

-- Rows can also go with their table or their partition.  Replicated DDL too
-- has to be noticed, hence ALWAYS.
CREATE FUNCTION actstream.ddl_begins() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_ddl_begins';
CREATE FUNCTION actstream.objects_dropped() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_objects_dropped';
CREATE FUNCTION actstream.table_altered() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_table_altered';
REVOKE EXECUTE ON FUNCTION actstream.ddl_begins() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION actstream.objects_dropped() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION actstream.table_altered() FROM PUBLIC;
COMMENT ON FUNCTION actstream.ddl_begins() IS 'event trigger: what is about to be dropped is watched';
COMMENT ON FUNCTION actstream.objects_dropped() IS 'event trigger: references follow dropped tables and partitions';
COMMENT ON FUNCTION actstream.table_altered() IS 'event trigger: partitions come and go';
CREATE EVENT TRIGGER actstream_ddl_begins ON ddl_command_start
    EXECUTE FUNCTION actstream.ddl_begins();
CREATE EVENT TRIGGER actstream_objects_dropped ON sql_drop
    EXECUTE FUNCTION actstream.objects_dropped();
CREATE EVENT TRIGGER actstream_table_altered ON ddl_command_end
    EXECUTE FUNCTION actstream.table_altered();
ALTER EVENT TRIGGER actstream_ddl_begins ENABLE ALWAYS;
ALTER EVENT TRIGGER actstream_objects_dropped ENABLE ALWAYS;
ALTER EVENT TRIGGER actstream_table_altered ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER actstream_ddl_begins IS 'what is about to be dropped is watched';
COMMENT ON EVENT TRIGGER actstream_objects_dropped IS 'references follow dropped tables and partitions';
COMMENT ON EVENT TRIGGER actstream_table_altered IS 'partitions of registered tables come and go';

------------------------------------------------------------------------------
-- Actions
------------------------------------------------------------------------------

-- What has a fixed width comes first, so that nothing is lost to alignment.
-- Limits of length are kept by the trigger: the expression of a CHECK is parsed
-- anew by each INSERT, which took a tenth of the time of sending an action.
CREATE TABLE actstream.action (
    id            bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    "timestamp"   timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    public        boolean NOT NULL DEFAULT true,
    actor         actstream.ref NOT NULL,
    verb          text NOT NULL,
    action_object actstream.ref,
    target        actstream.ref,
    description   text,
    data          jsonb,
    external_id   text
);

COMMENT ON TABLE actstream.action IS 'an actor did something, with an object, to a target, at some instant';
COMMENT ON COLUMN actstream.action.id IS 'order among actions of one instant';
COMMENT ON COLUMN actstream.action."timestamp" IS 'when it happened';
COMMENT ON COLUMN actstream.action.public IS 'whether streams show it';
COMMENT ON COLUMN actstream.action.actor IS 'who did it';
COMMENT ON COLUMN actstream.action.verb IS 'what was done';
COMMENT ON COLUMN actstream.action.action_object IS 'what it was done with';
COMMENT ON COLUMN actstream.action.target IS 'what it was done to';
COMMENT ON COLUMN actstream.action.description IS 'what there is to say';
COMMENT ON COLUMN actstream.action.data IS 'what the application adds';
COMMENT ON COLUMN actstream.action.external_id IS 'the producer''s name of the action, by which it is stored once';

-- Read backwards, these are the streams.  No two entries are alike, so to look for
-- duplicates is a waste.
CREATE INDEX action_actor_idx ON actstream.action (actor, public, "timestamp", id)
    WITH (deduplicate_items = off);
CREATE INDEX action_target_idx ON actstream.action (target, public, "timestamp", id)
    WITH (deduplicate_items = off) WHERE target IS NOT NULL;
CREATE INDEX action_action_object_idx ON actstream.action (action_object, public, "timestamp", id)
    WITH (deduplicate_items = off) WHERE action_object IS NOT NULL;
CREATE INDEX action_timestamp_idx ON actstream.action ("timestamp", id)
    WITH (deduplicate_items = off) WHERE public;
CREATE UNIQUE INDEX action_external_id_key ON actstream.action (external_id)
    WHERE external_id IS NOT NULL;

-- An index of this method stores nothing.  Through it the recency map hears of
-- every new version of a row, in whatever way that was written; see
-- recency_index.c.
CREATE FUNCTION actstream.recency_handler(internal) RETURNS index_am_handler
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_recency_handler';
REVOKE EXECUTE ON FUNCTION actstream.recency_handler(internal) FROM PUBLIC;
COMMENT ON FUNCTION actstream.recency_handler(internal) IS 'handler of access method actstream_recency';
CREATE ACCESS METHOD actstream_recency TYPE INDEX HANDLER actstream.recency_handler;
COMMENT ON ACCESS METHOD actstream_recency IS 'raises upper bounds of the newest actions of objects';
CREATE OPERATOR FAMILY actstream.recency_ops USING actstream_recency;
CREATE OPERATOR CLASS actstream.recency_ref_ops DEFAULT FOR TYPE actstream.ref
    USING actstream_recency FAMILY actstream.recency_ops AS STORAGE actstream.ref;
CREATE OPERATOR CLASS actstream.recency_bool_ops DEFAULT FOR TYPE pg_catalog.bool
    USING actstream_recency FAMILY actstream.recency_ops AS STORAGE pg_catalog.bool;
CREATE OPERATOR CLASS actstream.recency_timestamptz_ops DEFAULT FOR TYPE pg_catalog.timestamptz
    USING actstream_recency FAMILY actstream.recency_ops AS STORAGE pg_catalog.timestamptz;
COMMENT ON OPERATOR FAMILY actstream.recency_ops USING actstream_recency IS 'what an action says';
COMMENT ON OPERATOR CLASS actstream.recency_ref_ops USING actstream_recency IS 'an object of an action';
COMMENT ON OPERATOR CLASS actstream.recency_bool_ops USING actstream_recency IS 'whether an action is public';
COMMENT ON OPERATOR CLASS actstream.recency_timestamptz_ops USING actstream_recency IS 'when an action happened';
CREATE INDEX action_recency_idx ON actstream.action
    USING actstream_recency (actor, target, action_object, public, "timestamp");
COMMENT ON INDEX actstream.action_recency_idx IS 'tells the recency map of new actions';
COMMENT ON INDEX actstream.action_pkey IS 'actions by id';
COMMENT ON SEQUENCE actstream.action_id_seq IS 'ids of actions';
COMMENT ON INDEX actstream.action_actor_idx IS 'what an actor did';
COMMENT ON INDEX actstream.action_target_idx IS 'what was done to a target';
COMMENT ON INDEX actstream.action_action_object_idx IS 'what was done with an action object';
COMMENT ON INDEX actstream.action_timestamp_idx IS 'the time line of public actions';
COMMENT ON INDEX actstream.action_external_id_key IS 'actions that producers named';

CREATE FUNCTION actstream.action_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_action_check';
REVOKE EXECUTE ON FUNCTION actstream.action_check() FROM PUBLIC;
COMMENT ON FUNCTION actstream.action_check() IS 'trigger: the row is valid, its references are to what exists';
CREATE TRIGGER action_check AFTER INSERT OR UPDATE ON actstream.action
    FOR EACH ROW EXECUTE FUNCTION actstream.action_check();
COMMENT ON TRIGGER action_check ON actstream.action IS 'the row is valid, its references are to what exists';

CREATE FUNCTION actstream.act_send(
    actor         actstream.ref,
    verb          text,
    action_object actstream.ref DEFAULT NULL,
    target        actstream.ref DEFAULT NULL,
    description   text DEFAULT NULL,
    public        boolean DEFAULT true,
    "timestamp"   timestamptz DEFAULT NULL,
    data          jsonb DEFAULT NULL,
    external_id   text DEFAULT NULL)
    RETURNS actstream.action
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_act_send';
COMMENT ON FUNCTION actstream.act_send(actstream.ref, text, actstream.ref, actstream.ref, text, boolean, timestamptz, jsonb, text)
    IS 'send an action';

------------------------------------------------------------------------------
-- Follows
------------------------------------------------------------------------------

CREATE TABLE actstream.follow (
    follower   actstream.ref,
    followee   actstream.ref,
    flag       text NOT NULL DEFAULT '',
    actor_only boolean NOT NULL DEFAULT true,
    started    timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (follower, followee, flag) INCLUDE (actor_only, started)
);

COMMENT ON TABLE actstream.follow IS 'who follows what';
COMMENT ON COLUMN actstream.follow.follower IS 'who follows';
COMMENT ON COLUMN actstream.follow.followee IS 'what is followed';
COMMENT ON COLUMN actstream.follow.flag IS 'kind of follow; empty is the plain one';
COMMENT ON COLUMN actstream.follow.actor_only IS 'only what the followee does, not what is done to it or with it';
COMMENT ON COLUMN actstream.follow.started IS 'when it began';

-- all of the key, so that whoever looks for one follow reads one entry, whichever
-- index the planner takes
CREATE INDEX follow_followee_idx ON actstream.follow (followee, follower, flag);
COMMENT ON INDEX actstream.follow_pkey IS 'what a follower follows, and how';
COMMENT ON INDEX actstream.follow_followee_idx IS 'the followers of an object';

CREATE FUNCTION actstream.follow_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_follow_check';
REVOKE EXECUTE ON FUNCTION actstream.follow_check() FROM PUBLIC;
COMMENT ON FUNCTION actstream.follow_check() IS 'trigger: the row is valid, its references are to what exists';
CREATE TRIGGER follow_check AFTER INSERT OR UPDATE ON actstream.follow
    FOR EACH ROW EXECUTE FUNCTION actstream.follow_check();
COMMENT ON TRIGGER follow_check ON actstream.follow IS 'the row is valid, its references are to what exists';

-- Sessions keep the lists of follows that they have read for as long as this
-- trigger, which hears of replicated changes too, has not noted a change.
CREATE FUNCTION actstream.follow_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_follow_changed';
REVOKE EXECUTE ON FUNCTION actstream.follow_changed() FROM PUBLIC;
COMMENT ON FUNCTION actstream.follow_changed() IS 'trigger: lists of follows that sessions keep are to be read again';
CREATE TRIGGER follow_changed AFTER INSERT OR UPDATE OR DELETE ON actstream.follow
    FOR EACH ROW EXECUTE FUNCTION actstream.follow_changed();
ALTER TABLE actstream.follow ENABLE ALWAYS TRIGGER follow_changed;
COMMENT ON TRIGGER follow_changed ON actstream.follow IS 'lists of follows that sessions keep are to be read again';

CREATE FUNCTION actstream.follow(
    follower    actstream.ref,
    followee    actstream.ref,
    flag        text DEFAULT '',
    actor_only  boolean DEFAULT true,
    send_action boolean DEFAULT true,
    description text DEFAULT NULL,
    public      boolean DEFAULT true,
    "timestamp" timestamptz DEFAULT NULL,
    data        jsonb DEFAULT NULL)
    RETURNS actstream.follow
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_follow';
CREATE FUNCTION actstream.unfollow(
    follower    actstream.ref,
    followee    actstream.ref,
    flag        text DEFAULT NULL,
    send_action boolean DEFAULT false)
    RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_unfollow';
COMMENT ON FUNCTION actstream.follow(actstream.ref, actstream.ref, text, boolean, boolean, text, boolean, timestamptz, jsonb)
    IS 'follow an object';
COMMENT ON FUNCTION actstream.unfollow(actstream.ref, actstream.ref, text, boolean)
    IS 'stop following an object; with flag null, in every kind';

CREATE FUNCTION actstream.is_following(
    follower actstream.ref,
    followee actstream.ref,
    flag     text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN EXISTS (
        SELECT FROM actstream.follow f
        WHERE f.follower OPERATOR(actstream.=) is_following.follower
          AND f.followee OPERATOR(actstream.=) is_following.followee
          AND (is_following.flag IS NULL OR f.flag OPERATOR(pg_catalog.=) is_following.flag));

-- DISTINCT needs to know the operator class of references, which pg_upgrade makes
-- after functions: hence bodies in a string, with every name qualified.
CREATE FUNCTION actstream.followers(
    followee actstream.ref,
    flag     text DEFAULT NULL)
    RETURNS SETOF actstream.ref
    LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT DISTINCT f.follower
    FROM actstream.follow f
    WHERE f.followee OPERATOR(actstream.=) followers.followee
      AND (followers.flag IS NULL OR f.flag OPERATOR(pg_catalog.=) followers.flag)
$$;

CREATE FUNCTION actstream.following(
    follower actstream.ref,
    flag     text DEFAULT NULL,
    labels   text[] DEFAULT NULL)
    RETURNS SETOF actstream.ref
    LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT DISTINCT f.followee
    FROM actstream.follow f
    WHERE f.follower OPERATOR(actstream.=) following.follower
      AND (following.flag IS NULL OR f.flag OPERATOR(pg_catalog.=) following.flag)
      AND (following.labels IS NULL
           OR actstream.ref_label(f.followee) OPERATOR(pg_catalog.=) ANY (following.labels))
$$;

COMMENT ON FUNCTION actstream.is_following(actstream.ref, actstream.ref, text)
    IS 'whether the one follows the other';
COMMENT ON FUNCTION actstream.followers(actstream.ref, text)
    IS 'who follows an object, each once';
COMMENT ON FUNCTION actstream.following(actstream.ref, text, text[])
    IS 'what a follower follows, each once';

------------------------------------------------------------------------------
-- Streams: public actions, newest first
------------------------------------------------------------------------------

-- A stream is a scan of the table: the planner puts the body of its function in
-- place of the call.  Which actions belong to the stream is said by one of the
-- functions in_..., by which the library knows the scan, and has it read the
-- rows from the indexes, in order.  In any other plan that function is a filter.
--
-- They may come before the conditions of policies, and so they are leakproof:
-- they raise no error, whatever they are given.  They are not for use elsewhere.

CREATE FUNCTION actstream.stream_support(internal) RETURNS internal
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_stream_support';
COMMENT ON FUNCTION actstream.stream_support(internal) IS 'planner support of streams';

CREATE FUNCTION actstream.in_public_stream(
    actor actstream.ref, target actstream.ref, action_object actstream.ref, "timestamp" timestamptz)
    RETURNS boolean
    LANGUAGE c IMMUTABLE LEAKPROOF PARALLEL SAFE COST 10 SUPPORT actstream.stream_support
    AS 'MODULE_PATHNAME', 'actstream_in_public_stream';
CREATE FUNCTION actstream.in_model_stream(
    actor actstream.ref, target actstream.ref, action_object actstream.ref, "timestamp" timestamptz,
    label_start actstream.ref)
    RETURNS boolean
    LANGUAGE c IMMUTABLE LEAKPROOF PARALLEL SAFE COST 10 SUPPORT actstream.stream_support
    AS 'MODULE_PATHNAME', 'actstream_in_model_stream';
CREATE FUNCTION actstream.in_stream_of(
    actor actstream.ref, target actstream.ref, action_object actstream.ref, "timestamp" timestamptz,
    objects actstream.ref[], roles integer)
    RETURNS boolean
    LANGUAGE c IMMUTABLE LEAKPROOF PARALLEL SAFE COST 10 SUPPORT actstream.stream_support
    AS 'MODULE_PATHNAME', 'actstream_in_stream_of';
CREATE FUNCTION actstream.in_user_stream(
    actor actstream.ref, target actstream.ref, action_object actstream.ref, "timestamp" timestamptz,
    follower actstream.ref, flag text, with_user_activity boolean, since_follow boolean,
    follows record[])
    RETURNS boolean
    LANGUAGE c IMMUTABLE LEAKPROOF PARALLEL SAFE COST 10 SUPPORT actstream.stream_support
    AS 'MODULE_PATHNAME', 'actstream_in_user_stream';
COMMENT ON FUNCTION actstream.in_public_stream(actstream.ref, actstream.ref, actstream.ref, timestamptz)
    IS 'implementation of public_stream: does a public action belong to it?';
COMMENT ON FUNCTION actstream.in_model_stream(actstream.ref, actstream.ref, actstream.ref, timestamptz, actstream.ref)
    IS 'implementation of model_stream: does a public action belong to it?';
COMMENT ON FUNCTION actstream.in_stream_of(actstream.ref, actstream.ref, actstream.ref, timestamptz, actstream.ref[], integer)
    IS 'implementation of the streams of objects: does a public action belong to one?';
COMMENT ON FUNCTION actstream.in_user_stream(actstream.ref, actstream.ref, actstream.ref, timestamptz, actstream.ref, text, boolean, boolean, record[])
    IS 'implementation of user_stream: does a public action belong to it?';

-- A role is a bit: 1 actor, 2 target, 4 action_object.
CREATE FUNCTION actstream.role_bits(roles text[]) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_role_bits';
COMMENT ON FUNCTION actstream.role_bits(text[]) IS 'implementation of stream_of: the roles as a number';

CREATE FUNCTION actstream.public_stream()
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream.stream_support AS $$
    SELECT a.* FROM actstream.action a
    WHERE a.public
      AND actstream.in_public_stream(a.actor, a.target, a.action_object, a."timestamp")
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.actor_stream(actor actstream.ref)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream.stream_support AS $$
    SELECT a.* FROM actstream.action a
    WHERE a.public
      AND actstream.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", ARRAY[$1], 1)
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.target_stream(target actstream.ref)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream.stream_support AS $$
    SELECT a.* FROM actstream.action a
    WHERE a.public
      AND actstream.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", ARRAY[$1], 2)
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.action_object_stream(action_object actstream.ref)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream.stream_support AS $$
    SELECT a.* FROM actstream.action a
    WHERE a.public
      AND actstream.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", ARRAY[$1], 4)
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.any_stream(object actstream.ref)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream.stream_support AS $$
    SELECT a.* FROM actstream.action a
    WHERE a.public
      AND actstream.in_stream_of(a.actor, a.target, a.action_object, a."timestamp", ARRAY[$1], 7)
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.model_stream(label text)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream.stream_support AS $$
    SELECT a.* FROM actstream.action a
    WHERE a.public
      AND actstream.in_model_stream(a.actor, a.target, a.action_object, a."timestamp",
                                    actstream.label_start($1))
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
CREATE FUNCTION actstream.stream_of(
    objects actstream.ref[],
    roles   text[] DEFAULT '{actor,action_object,target}')
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream.stream_support AS $$
    SELECT a.* FROM actstream.action a
    WHERE a.public
      AND actstream.in_stream_of(a.actor, a.target, a.action_object, a."timestamp",
                                 $1, actstream.role_bits($2))
    ORDER BY a."timestamp" DESC, a.id DESC
$$;
-- The follows are read only where the session does not keep them.
CREATE FUNCTION actstream.user_stream(
    follower           actstream.ref,
    flag               text DEFAULT NULL,
    with_user_activity boolean DEFAULT false,
    since_follow       boolean DEFAULT false)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 SUPPORT actstream.stream_support AS $$
    SELECT a.* FROM actstream.action a
    WHERE a.public
      AND actstream.in_user_stream(a.actor, a.target, a.action_object, a."timestamp", $1, $2, $3, $4,
              ARRAY(SELECT ROW(f.followee, f.actor_only, f.started)
                    FROM actstream.follow f
                    WHERE f.follower OPERATOR(actstream.=) $1
                      AND ($2 IS NULL OR f.flag OPERATOR(pg_catalog.=) $2)
                    ORDER BY f.followee))
    ORDER BY a."timestamp" DESC, a.id DESC
$$;

COMMENT ON FUNCTION actstream.public_stream() IS 'the whole time line';
COMMENT ON FUNCTION actstream.actor_stream(actstream.ref) IS 'what an actor did';
COMMENT ON FUNCTION actstream.target_stream(actstream.ref) IS 'what was done to a target';
COMMENT ON FUNCTION actstream.action_object_stream(actstream.ref) IS 'what was done with an action object';
COMMENT ON FUNCTION actstream.any_stream(actstream.ref) IS 'actions with an object in whatever role';
COMMENT ON FUNCTION actstream.model_stream(text) IS 'actions with any object of a type in whatever role';
COMMENT ON FUNCTION actstream.stream_of(actstream.ref[], text[]) IS 'actions with any of the objects in one of the roles';
COMMENT ON FUNCTION actstream.user_stream(actstream.ref, text, boolean, boolean) IS 'what the objects do that a follower follows';

------------------------------------------------------------------------------
-- Names and sentences
------------------------------------------------------------------------------

-- The policies of a table, and casts of its types, call functions that are not
-- ready for parallel queries unless they say so, which only the planner of that
-- table's query could know: hence PARALLEL UNSAFE.

CREATE FUNCTION actstream.display_name(object actstream.ref) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE COST 100 AS 'MODULE_PATHNAME', 'actstream_display_name';
CREATE FUNCTION actstream.url(object actstream.ref) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE COST 100 AS 'MODULE_PATHNAME', 'actstream_url';
CREATE FUNCTION actstream.expand(object actstream.ref) RETURNS jsonb
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE COST 100 AS 'MODULE_PATHNAME', 'actstream_expand';
CREATE FUNCTION actstream.expand_all(objects actstream.ref[])
    RETURNS TABLE (object actstream.ref, value jsonb)
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE COST 1000 ROWS 100 AS 'MODULE_PATHNAME', 'actstream_expand_all';
CREATE FUNCTION actstream.timesince(since timestamptz, now timestamptz DEFAULT pg_catalog.now(), language text DEFAULT NULL)
    RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_timesince';
CREATE FUNCTION actstream.sentence(action actstream.action, now timestamptz DEFAULT pg_catalog.now(), language text DEFAULT NULL)
    RETURNS text
    LANGUAGE c STABLE PARALLEL UNSAFE COST 300 AS 'MODULE_PATHNAME', 'actstream_sentence';
COMMENT ON FUNCTION actstream.display_name(actstream.ref) IS 'what an object is called, as far as the caller may see it';
COMMENT ON FUNCTION actstream.url(actstream.ref) IS 'where an object is shown, as far as the caller may see it';
COMMENT ON FUNCTION actstream.expand(actstream.ref) IS 'the row of an object, as far as the caller may see it';
COMMENT ON FUNCTION actstream.expand_all(actstream.ref[]) IS 'the rows of many objects, each once, by one query for each type';
COMMENT ON FUNCTION actstream.timesince(timestamptz, timestamptz, text) IS 'how long ago something was, in words';
COMMENT ON FUNCTION actstream.sentence(actstream.action, timestamptz, text) IS 'an action, in words';

-- Every sentence needs it, whoever asks: it is read as the registry is, without
-- regard to privileges.
CREATE TABLE actstream.phrase (
    language text,
    verb     text,
    pattern  text NOT NULL,
    PRIMARY KEY (language, verb)
);

COMMENT ON TABLE actstream.phrase IS 'how sentences read in a language';
COMMENT ON COLUMN actstream.phrase.language IS 'the language, such as de or de-at; empty for any';
COMMENT ON COLUMN actstream.phrase.verb IS 'the verb of the action; empty for any';
COMMENT ON COLUMN actstream.phrase.pattern IS 'the sentence: text with {actor} and so on in it';
COMMENT ON INDEX actstream.phrase_pkey IS 'phrases by language and verb';

CREATE FUNCTION actstream.phrase_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_phrase_check';
CREATE FUNCTION actstream.phrase_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_phrase_changed';
REVOKE EXECUTE ON FUNCTION actstream.phrase_check() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION actstream.phrase_changed() FROM PUBLIC;
COMMENT ON FUNCTION actstream.phrase_check() IS 'trigger: the pattern is valid';
COMMENT ON FUNCTION actstream.phrase_changed() IS 'trigger: all sessions read the phrases anew';

CREATE TRIGGER phrase_check BEFORE INSERT OR UPDATE ON actstream.phrase
    FOR EACH ROW EXECUTE FUNCTION actstream.phrase_check();
CREATE TRIGGER phrase_changing BEFORE INSERT OR UPDATE OR DELETE ON actstream.phrase
    FOR EACH ROW EXECUTE FUNCTION actstream.phrase_changed();
CREATE TRIGGER phrase_changed AFTER INSERT OR UPDATE OR DELETE ON actstream.phrase
    FOR EACH ROW EXECUTE FUNCTION actstream.phrase_changed();
-- replicated changes too must reach the other sessions
ALTER TABLE actstream.phrase ENABLE ALWAYS TRIGGER phrase_changing;
ALTER TABLE actstream.phrase ENABLE ALWAYS TRIGGER phrase_changed;
COMMENT ON TRIGGER phrase_check ON actstream.phrase IS 'the pattern is valid';
COMMENT ON TRIGGER phrase_changing ON actstream.phrase IS 'all sessions read the phrases anew';
COMMENT ON TRIGGER phrase_changed ON actstream.phrase IS 'all sessions read the phrases anew';

------------------------------------------------------------------------------
-- Feeds
------------------------------------------------------------------------------

-- PARALLEL UNSAFE for the same reason: the final functions read names.

CREATE FUNCTION actstream.feed_collect(internal, actstream.action, text, text, text) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_feed_collect';
CREATE FUNCTION actstream.atom_feed_final(internal) RETURNS xml
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'actstream_atom_feed_final';
CREATE FUNCTION actstream.rss_feed_final(internal) RETURNS xml
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'actstream_rss_feed_final';
CREATE FUNCTION actstream.activity_streams_1_final(internal) RETURNS jsonb
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'actstream_activity_streams_1_final';
CREATE FUNCTION actstream.activity_streams_2_final(internal) RETURNS jsonb
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'actstream_activity_streams_2_final';
COMMENT ON FUNCTION actstream.feed_collect(internal, actstream.action, text, text, text) IS 'transition function of feeds';
COMMENT ON FUNCTION actstream.atom_feed_final(internal) IS 'final function of atom_feed';
COMMENT ON FUNCTION actstream.rss_feed_final(internal) IS 'final function of rss_feed';
COMMENT ON FUNCTION actstream.activity_streams_1_final(internal) IS 'final function of activity_streams_1';
COMMENT ON FUNCTION actstream.activity_streams_2_final(internal) IS 'final function of activity_streams_2';

CREATE AGGREGATE actstream.atom_feed(action actstream.action, id text, title text, link text) (
    SFUNC = actstream.feed_collect, STYPE = internal, SSPACE = 10000,
    FINALFUNC = actstream.atom_feed_final, FINALFUNC_MODIFY = read_only
);
CREATE AGGREGATE actstream.rss_feed(action actstream.action, id text, title text, link text) (
    SFUNC = actstream.feed_collect, STYPE = internal, SSPACE = 10000,
    FINALFUNC = actstream.rss_feed_final, FINALFUNC_MODIFY = read_only
);
CREATE AGGREGATE actstream.activity_streams_1(action actstream.action, id text, title text, link text) (
    SFUNC = actstream.feed_collect, STYPE = internal, SSPACE = 10000,
    FINALFUNC = actstream.activity_streams_1_final, FINALFUNC_MODIFY = read_only
);
CREATE AGGREGATE actstream.activity_streams_2(action actstream.action, id text, title text, link text) (
    SFUNC = actstream.feed_collect, STYPE = internal, SSPACE = 10000,
    FINALFUNC = actstream.activity_streams_2_final, FINALFUNC_MODIFY = read_only
);
COMMENT ON AGGREGATE actstream.atom_feed(actstream.action, text, text, text) IS 'a stream as an Atom 1.0 feed';
COMMENT ON AGGREGATE actstream.rss_feed(actstream.action, text, text, text) IS 'a stream as an RSS 2.0 feed';
COMMENT ON AGGREGATE actstream.activity_streams_1(actstream.action, text, text, text) IS 'a stream as a collection of JSON Activity Streams 1.0';
COMMENT ON AGGREGATE actstream.activity_streams_2(actstream.action, text, text, text) IS 'a stream as a page of a collection of Activity Streams 2.0';

------------------------------------------------------------------------------
-- Actions from table changes
------------------------------------------------------------------------------

CREATE FUNCTION actstream.set_actor(actor actstream.ref, is_local boolean DEFAULT true) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_set_actor';
CREATE FUNCTION actstream.current_actor() RETURNS actstream.ref
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_current_actor';
COMMENT ON FUNCTION actstream.set_actor(actstream.ref, boolean) IS 'say who acts, until the end of the transaction or of the session';
COMMENT ON FUNCTION actstream.current_actor() IS 'who acts, as set_actor() has said';

-- What track() puts on a table; see row_trigger.c.  Anybody may: an action is sent with
-- the rights of the owner of the table, who alone can attach the trigger that sends it.
CREATE FUNCTION actstream.row_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_row_changed';
CREATE FUNCTION actstream.row_moved() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_row_moved';
COMMENT ON FUNCTION actstream.row_changed() IS 'trigger: send an action';
COMMENT ON FUNCTION actstream.row_moved() IS 'trigger: a row that moves to another partition is one that changes';

CREATE FUNCTION actstream.track(
    relation      regclass,
    verb          text,
    actor         text DEFAULT NULL,
    action_object text DEFAULT '{self}',
    target        text DEFAULT NULL,
    events        text[] DEFAULT '{insert}',
    columns       name[] DEFAULT NULL,
    condition     text DEFAULT NULL,
    description   text DEFAULT NULL,
    public        boolean DEFAULT true,
    data_columns  name[] DEFAULT NULL,
    trigger_name  name DEFAULT NULL,
    timestamp_column name DEFAULT NULL)
    RETURNS name
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_track';
CREATE FUNCTION actstream.tracked(
    OUT relation         regclass,
    OUT trigger_name     name,
    OUT verb             text,
    OUT actor            text,
    OUT action_object    text,
    OUT target           text,
    OUT events           text[],
    OUT columns          name[],
    OUT condition        text,
    OUT description      text,
    OUT public           boolean,
    OUT data_columns     name[],
    OUT timestamp_column name,
    OUT problem          text)
    RETURNS SETOF record
    LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_tracked';
CREATE FUNCTION actstream.untrack(relation regclass, trigger_name name DEFAULT NULL) RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_untrack';
COMMENT ON FUNCTION actstream.track(regclass, text, text, text, text, text[], name[], text, text, boolean, name[], name, name)
    IS 'let a table send an action when its rows change';
COMMENT ON FUNCTION actstream.tracked() IS 'which tables send actions, when, and what keeps them from it';
COMMENT ON FUNCTION actstream.untrack(regclass, name) IS 'undo track(); returns how many triggers it has dropped';

------------------------------------------------------------------------------
-- Integrity
------------------------------------------------------------------------------

-- Not for everybody: it tells of rows that its caller may not see.
CREATE FUNCTION actstream.object_exists(object actstream.ref) RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_object_exists';
REVOKE EXECUTE ON FUNCTION actstream.object_exists(actstream.ref) FROM PUBLIC;
COMMENT ON FUNCTION actstream.object_exists(actstream.ref) IS 'whether there is such an object; null if its table cannot be read';

CREATE FUNCTION actstream.object_type_fault(label text) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_object_type_fault';
REVOKE EXECUTE ON FUNCTION actstream.object_type_fault(text) FROM PUBLIC;
CREATE FUNCTION actstream.template_fault(template text, relation regclass) RETURNS text
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_template_fault';
REVOKE EXECUTE ON FUNCTION actstream.template_fault(text, regclass) FROM PUBLIC;
COMMENT ON FUNCTION actstream.template_fault(text, regclass) IS 'why a template gives no text; null if it does';
COMMENT ON FUNCTION actstream.object_type_fault(text) IS 'why a table is not what its registration says; null if it is';

CREATE FUNCTION actstream.integrity_check()
    RETURNS TABLE (problem text, label text, relation regclass, object actstream.ref, detail text)
    LANGUAGE sql STABLE PARALLEL UNSAFE SET jit = off
BEGIN ATOMIC
    -- every object that is referred to, each once: as text, since UNION would need
    -- to know the operator class of references, which pg_upgrade makes after functions
    WITH reference_text (object, kept) AS (
        SELECT a.actor::text, true FROM actstream.action a
        UNION
        SELECT a.action_object::text, true FROM actstream.action a WHERE a.action_object IS NOT NULL
        UNION
        SELECT a.target::text, true FROM actstream.action a WHERE a.target IS NOT NULL
        UNION
        SELECT f.follower::text, false FROM actstream.follow f
        UNION
        SELECT f.followee::text, false FROM actstream.follow f
    ),
    reference (object, kept) AS (
        SELECT t.object::actstream.ref, t.kept FROM reference_text t
    ),
    -- every table that has triggers of ours, and what they are; those of our own
    -- tables are in the mode that we have given them
    expected (label, relation, trigger, function, mode) AS (
        SELECT t.label, t.relation, e.trigger, e.function, NULL::"char"
        FROM actstream.object_type t
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
        FROM actstream.object_type t
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
        SELECT NULL, r.relation, e.trigger, e.function, e.mode
        FROM (VALUES ('object_type', 'object_type_check', 'object_type_check', 'O'::"char"),
                     ('object_type', 'object_type_bind', 'object_type_bind', 'O'),
                     ('object_type', 'object_type_keep', 'object_type_keep', 'O'),
                     ('object_type', 'object_type_changing', 'object_type_changed', 'A'),
                     ('object_type', 'object_type_changed', 'object_type_changed', 'A'),
                     ('action', 'action_check', 'action_check', 'O'),
                     ('phrase', 'phrase_check', 'phrase_check', 'O'),
                     ('phrase', 'phrase_changing', 'phrase_changed', 'A'),
                     ('phrase', 'phrase_changed', 'phrase_changed', 'A'),
                     ('follow', 'follow_check', 'follow_check', 'O'),
                     ('follow', 'follow_changed', 'follow_changed', 'A')) AS e (name, trigger, function, mode)
        CROSS JOIN LATERAL (
            SELECT c.oid::regclass AS relation FROM pg_catalog.pg_class c
            WHERE c.relname OPERATOR(pg_catalog.=) e.name
              AND c.relnamespace OPERATOR(pg_catalog.=) 'actstream'::regnamespace) AS r
    ),
    found (label, relation, trigger, mode, enabled) AS (
        SELECT e.label, e.relation, e.trigger, e.mode,
               (SELECT t.tgenabled
                FROM pg_catalog.pg_trigger t
                JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) t.tgfoid
                WHERE t.tgrelid OPERATOR(pg_catalog.=) e.relation
                  AND t.tgname OPERATOR(pg_catalog.=) e.trigger
                  AND p.proname OPERATOR(pg_catalog.=) e.function
                  AND p.pronamespace OPERATOR(pg_catalog.=) 'actstream'::regnamespace)
        FROM expected e
    )
    SELECT 'missing table', t.label, t.relation, NULL::actstream.ref, NULL
    FROM actstream.object_type t
    WHERE t.relation IS NOT NULL
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c
                      WHERE c.oid OPERATOR(pg_catalog.=) t.relation)
    UNION ALL
    SELECT 'broken object type', t.label, t.relation, NULL, actstream.object_type_fault(t.label)
    FROM actstream.object_type t
    JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) t.relation
    WHERE actstream.object_type_fault(t.label) IS NOT NULL
    UNION ALL
    SELECT 'broken template', t.label, t.relation, NULL, actstream.template_fault(v.template, t.relation)
    FROM actstream.object_type t
    CROSS JOIN LATERAL (VALUES (t.name_template), (t.url_template)) AS v (template)
    WHERE actstream.template_fault(v.template, t.relation) IS NOT NULL
    UNION ALL
    SELECT 'rule', NULL, r.ev_class::regclass, NULL, r.rulename::text
    FROM pg_catalog.pg_rewrite r
    JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) r.ev_class
    WHERE c.relnamespace OPERATOR(pg_catalog.=) 'actstream'::regnamespace
      AND c.relname OPERATOR(pg_catalog.=) ANY ('{action,follow,object_type}'::name[])
    UNION ALL
    -- the owner of actstream.action removes references, and looks for them
    SELECT 'missing privilege', NULL, c.oid::regclass, NULL,
           pg_catalog.pg_get_userbyid(o.relowner)::text
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_class o ON o.oid OPERATOR(pg_catalog.=) 'actstream.action'::regclass
    WHERE c.relnamespace OPERATOR(pg_catalog.=) 'actstream'::regnamespace
      AND c.relname OPERATOR(pg_catalog.=) ANY ('{action,follow,object_type}'::name[])
      AND NOT (pg_catalog.has_schema_privilege(o.relowner, 'actstream'::regnamespace, 'USAGE')
               AND pg_catalog.has_table_privilege(o.relowner, c.oid, 'SELECT')
               AND pg_catalog.has_table_privilege(o.relowner, c.oid, 'INSERT')
               AND pg_catalog.has_table_privilege(o.relowner, c.oid, 'UPDATE')
               AND pg_catalog.has_table_privilege(o.relowner, c.oid, 'DELETE'))
    UNION ALL
    SELECT CASE WHEN f.enabled IS NULL THEN 'missing trigger'
                WHEN f.enabled OPERATOR(pg_catalog.=) ANY ('{D,R}') THEN 'disabled trigger'
                ELSE 'altered trigger' END,
           f.label, f.relation, NULL, f.trigger
    FROM found f
    WHERE f.enabled IS NULL OR f.enabled OPERATOR(pg_catalog.=) ANY ('{D,R}')
       OR f.enabled OPERATOR(pg_catalog.<>) f.mode
    UNION ALL
    SELECT 'broken tracking', NULL, t.relation, NULL,
           pg_catalog.concat_ws(': ', t.trigger_name, t.problem)
    FROM actstream.tracked() t
    WHERE t.problem IS NOT NULL
    UNION ALL
    SELECT 'disabled event trigger', NULL, NULL, NULL, t.evtname
    FROM pg_catalog.pg_event_trigger t
    JOIN pg_catalog.pg_proc p ON p.oid OPERATOR(pg_catalog.=) t.evtfoid
    WHERE p.pronamespace OPERATOR(pg_catalog.=) 'actstream'::regnamespace
      AND t.evtenabled OPERATOR(pg_catalog.<>) 'A'
    UNION ALL
    SELECT CASE WHEN t.label IS NULL THEN 'unregistered label'
                WHEN actstream.object_exists(r.object) IS NULL THEN 'unreadable object'
                ELSE 'missing object' END,
           actstream.ref_label(r.object), t.relation, r.object,
           CASE WHEN r.kept THEN 'referred to by an action' ELSE 'referred to by a follow' END
    FROM reference r
    LEFT JOIN actstream.object_type t
        ON t.label OPERATOR(pg_catalog.=) actstream.ref_label(r.object)
    WHERE t.label IS NULL
       OR (t.checked AND NOT (r.kept AND t.on_delete OPERATOR(pg_catalog.=) 'keep')
           AND actstream.object_type_fault(t.label) IS NULL
           AND actstream.object_exists(r.object) IS NOT TRUE);
END;
REVOKE EXECUTE ON FUNCTION actstream.integrity_check() FROM PUBLIC;
COMMENT ON FUNCTION actstream.integrity_check() IS 'whatever is not as promised; empty in a healthy database';

------------------------------------------------------------------------------
-- The recency map
------------------------------------------------------------------------------

CREATE FUNCTION actstream.recency_build() RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_recency_build';
REVOKE EXECUTE ON FUNCTION actstream.recency_build() FROM PUBLIC;
COMMENT ON FUNCTION actstream.recency_build() IS 'complete the recency map now; returns how many pairs of an object and a role it has found';

CREATE FUNCTION actstream.recency_stats(
    OUT state        text,
    OUT size         bigint,
    OUT bounds       bigint,
    OUT used         bigint,
    OUT shared_lines bigint,
    OUT built        timestamptz,
    OUT build_time   interval,
    OUT objects      bigint,
    OUT streams      bigint,
    OUT lists_spared bigint,
    OUT lists_opened bigint,
    OUT too_high     bigint,
    OUT lowered      bigint,
    OUT follow_lists boolean)
    LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'actstream_recency_stats';
COMMENT ON FUNCTION actstream.recency_stats() IS 'what the recency map holds, and what it has done in this database';

------------------------------------------------------------------------------
-- Dump
------------------------------------------------------------------------------

SELECT pg_catalog.pg_extension_config_dump('actstream.object_type', '');
SELECT pg_catalog.pg_extension_config_dump('actstream.action', '');
SELECT pg_catalog.pg_extension_config_dump('actstream.action_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('actstream.follow', '');
SELECT pg_catalog.pg_extension_config_dump('actstream.phrase', '');
