------------------------------------------------------------------------------
-- Actions from table changes
------------------------------------------------------------------------------

CREATE FUNCTION actstream.set_actor(actor actstream.ref, is_local boolean DEFAULT true) RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_set_actor';
CREATE FUNCTION actstream.current_actor() RETURNS actstream.ref
    LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_current_actor';
COMMENT ON FUNCTION actstream.set_actor(actstream.ref, boolean) IS 'set the actor of tracked changes, until the end of the transaction or session';
COMMENT ON FUNCTION actstream.current_actor() IS 'actor that was set with set_actor()';

-- The triggers that track() creates on a table; see row_trigger.c.  PUBLIC may execute
-- their functions: an action is sent with the rights of the table's owner, and only the
-- owner can create the trigger that sends it.
CREATE FUNCTION actstream_internal.row_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_row_changed';
CREATE FUNCTION actstream_internal.row_moved() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_row_moved';
COMMENT ON FUNCTION actstream_internal.row_changed() IS 'trigger: send an action';
COMMENT ON FUNCTION actstream_internal.row_moved() IS 'trigger: treat the move of a row to another partition as an update';

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
    IS 'make a table send actions when its rows change';
COMMENT ON FUNCTION actstream.tracked() IS 'tables that send actions, when they do, and problems that prevent it';
COMMENT ON FUNCTION actstream.untrack(regclass, name) IS 'drop tracking triggers; returns how many';
