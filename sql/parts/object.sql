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
COMMENT ON TYPE actstream.object_type IS E'@name object_type_row\nwhat actions and follows can refer to';

-- What create_tables() puts on the table of these.  Anybody may, for who owns the tables
-- needs to: each does nothing but on that table.
CREATE FUNCTION actstream_internal.object_type_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_type_check';
CREATE FUNCTION actstream_internal.object_type_bind() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_type_bind';
CREATE FUNCTION actstream_internal.object_type_keep() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_type_keep';
CREATE FUNCTION actstream_internal.object_type_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_type_changed';
COMMENT ON FUNCTION actstream_internal.object_type_check() IS 'trigger: what is registered is valid, what is referenced keeps its meaning';
COMMENT ON FUNCTION actstream_internal.object_type_bind() IS 'trigger: a registered table has the triggers that bind it';
COMMENT ON FUNCTION actstream_internal.object_type_keep() IS 'trigger: what is registered is not truncated away';
COMMENT ON FUNCTION actstream_internal.object_type_changed() IS 'trigger: all sessions read the registry anew';

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
CREATE FUNCTION actstream_internal.object_deleted() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_deleted';
CREATE FUNCTION actstream_internal.object_rekeyed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_rekeyed';
CREATE FUNCTION actstream_internal.object_moves() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_object_moves';
CREATE FUNCTION actstream_internal.objects_truncated() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_objects_truncated';
COMMENT ON FUNCTION actstream_internal.object_deleted() IS 'trigger: references follow a deleted row';
COMMENT ON FUNCTION actstream_internal.object_rekeyed() IS 'trigger: references follow a new key';
COMMENT ON FUNCTION actstream_internal.object_moves() IS 'trigger: a row may be about to move to another partition';
COMMENT ON FUNCTION actstream_internal.objects_truncated() IS 'trigger: references follow truncated rows';

-- Rows can also go with their table or their partition.  Replicated DDL too
-- has to be noticed, hence ALWAYS.
CREATE FUNCTION actstream_internal.ddl_begins() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_ddl_begins';
CREATE FUNCTION actstream_internal.objects_dropped() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_objects_dropped';
CREATE FUNCTION actstream_internal.table_altered() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_table_altered';
REVOKE EXECUTE ON FUNCTION actstream_internal.ddl_begins() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION actstream_internal.objects_dropped() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION actstream_internal.table_altered() FROM PUBLIC;
COMMENT ON FUNCTION actstream_internal.ddl_begins() IS 'event trigger: what is about to be dropped is watched';
COMMENT ON FUNCTION actstream_internal.objects_dropped() IS 'event trigger: references follow dropped tables and partitions';
COMMENT ON FUNCTION actstream_internal.table_altered() IS 'event trigger: partitions come and go';
CREATE EVENT TRIGGER actstream_ddl_begins ON ddl_command_start
    EXECUTE FUNCTION actstream_internal.ddl_begins();
CREATE EVENT TRIGGER actstream_objects_dropped ON sql_drop
    EXECUTE FUNCTION actstream_internal.objects_dropped();
CREATE EVENT TRIGGER actstream_table_altered ON ddl_command_end
    EXECUTE FUNCTION actstream_internal.table_altered();
ALTER EVENT TRIGGER actstream_ddl_begins ENABLE ALWAYS;
ALTER EVENT TRIGGER actstream_objects_dropped ENABLE ALWAYS;
ALTER EVENT TRIGGER actstream_table_altered ENABLE ALWAYS;
COMMENT ON EVENT TRIGGER actstream_ddl_begins IS 'what is about to be dropped is watched';
COMMENT ON EVENT TRIGGER actstream_objects_dropped IS 'references follow dropped tables and partitions';
COMMENT ON EVENT TRIGGER actstream_table_altered IS 'partitions of registered tables come and go';
