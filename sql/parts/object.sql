------------------------------------------------------------------------------
-- Object types
------------------------------------------------------------------------------

CREATE TYPE actstream.object_type AS (
    label         text,
    relation      regclass,
    key_columns   name[],
    name_template text,
    url_template  text,
    on_delete     text,
    checked       boolean
);
COMMENT ON TYPE actstream.object_type IS E'@name object_type_row\ntypes of objects that actions and follows can refer to';

-- The triggers that create_tables() creates on object_types.  PUBLIC may execute their
-- functions, since the owner of the tables has to; they act on that table only.
CREATE FUNCTION actstream_internal.object_type_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_type_check';
CREATE FUNCTION actstream_internal.object_type_bind() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_type_bind';
CREATE FUNCTION actstream_internal.object_type_keep() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_type_keep';
CREATE FUNCTION actstream_internal.object_type_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_type_changed';
COMMENT ON FUNCTION actstream_internal.object_type_check() IS 'trigger: check that the row is valid and that a label in use keeps its meaning';
COMMENT ON FUNCTION actstream_internal.object_type_bind() IS 'trigger: create the triggers that bind a registered table, or drop them';
COMMENT ON FUNCTION actstream_internal.object_type_keep() IS 'trigger: refuse TRUNCATE';
COMMENT ON FUNCTION actstream_internal.object_type_changed() IS 'trigger: make all sessions reload the registry';

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
CREATE FUNCTION actstream.rebind(label text, relation regclass, key_columns name[] DEFAULT NULL)
    RETURNS actstream.object_type
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_rebind';
COMMENT ON FUNCTION actstream.register(regclass, text, name[], text, text, text, boolean)
    IS 'let actions and follows refer to rows of a table; null arguments leave a registration unchanged';
COMMENT ON FUNCTION actstream.rebind(text, regclass, name[])
    IS 'bind an object type to another table, or to other columns, which must have all rows that are referred to';
COMMENT ON FUNCTION actstream.register_external(text, text, text)
    IS 'let actions and follows refer to objects outside this database';
COMMENT ON FUNCTION actstream.unregister(text)
    IS 'remove an object type that nothing refers to';

-- The triggers that register() creates on a table; see object_trigger.c.  PUBLIC may
-- execute their functions: they act on references to rows of the table that they are
-- fired for, and only if that is registered.  The owner of a partitioned table needs
-- them for each new partition, and a role that restores a dump needs them, too.
CREATE FUNCTION actstream_internal.object_deleted() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_deleted';
CREATE FUNCTION actstream_internal.object_rekeyed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_rekeyed';
CREATE FUNCTION actstream_internal.object_moves() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_moves';
CREATE FUNCTION actstream_internal.objects_truncated() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_objects_truncated';
COMMENT ON FUNCTION actstream_internal.object_deleted() IS 'trigger: apply on_delete to references to a deleted row';
COMMENT ON FUNCTION actstream_internal.object_rekeyed() IS 'trigger: update references to a row that gets a new key';
COMMENT ON FUNCTION actstream_internal.object_moves() IS 'trigger: note a row that may be about to move to another partition';
COMMENT ON FUNCTION actstream_internal.objects_truncated() IS 'trigger: apply on_delete to references to truncated rows';

-- Rows can also disappear with their table or partition.  Replicated DDL must be
-- noticed, too, hence ALWAYS.
CREATE FUNCTION actstream_internal.ddl_begins() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_ddl_begins';
CREATE FUNCTION actstream_internal.objects_dropped() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_objects_dropped';
CREATE FUNCTION actstream_internal.table_altered() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_table_altered';
REVOKE EXECUTE ON FUNCTION actstream_internal.ddl_begins() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION actstream_internal.objects_dropped() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION actstream_internal.table_altered() FROM PUBLIC;
COMMENT ON FUNCTION actstream_internal.ddl_begins() IS 'event trigger: watch what a command drops';
COMMENT ON FUNCTION actstream_internal.objects_dropped() IS 'event trigger: apply on_delete to references to dropped tables and partitions';
COMMENT ON FUNCTION actstream_internal.table_altered() IS 'event trigger: act on changes to registered and tracked tables';
CREATE EVENT TRIGGER actstream_ddl_begins ON ddl_command_start
    EXECUTE FUNCTION actstream_internal.ddl_begins();
CREATE EVENT TRIGGER actstream_objects_dropped ON sql_drop
    EXECUTE FUNCTION actstream_internal.objects_dropped();
CREATE EVENT TRIGGER actstream_table_altered ON ddl_command_end
    EXECUTE FUNCTION actstream_internal.table_altered();
ALTER EVENT TRIGGER actstream_ddl_begins ENABLE ALWAYS;
ALTER EVENT TRIGGER actstream_objects_dropped ENABLE ALWAYS;
ALTER EVENT TRIGGER actstream_table_altered ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER actstream_ddl_begins IS 'watch what a command drops';
COMMENT ON EVENT TRIGGER actstream_objects_dropped IS 'apply on_delete to references to dropped tables and partitions';
COMMENT ON EVENT TRIGGER actstream_table_altered IS 'act on changes to registered and tracked tables';
