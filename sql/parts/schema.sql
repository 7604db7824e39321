/*
 * The schema of the extension.  The Makefile says in which order its parts are put
 * together.
 *
 * The script creates every object itself, and uses none that exists already: if there
 * is one of the same name, the script fails.  SQL functions, whose tables are created
 * later, qualify every name: so they mean the same under any search_path, and the
 * planner can inline them.
 *
 * A comment that begins with @ is also read by PostGraphile.  In GraphQL a table "actions"
 * and a type "action" would have the same name, as would the inputs of a table "follows" and
 * of a function "follow", which stops it: hence @name.  And the arguments "before" and
 * "after" would be those of its own paging: hence streams are plain lists in GraphQL.
 */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION actstream" to load this file. \quit

-- A member of the extension: a schema of another role could hold any objects, and its
-- owner could drop ours.
CREATE SCHEMA actstream;
COMMENT ON SCHEMA actstream IS 'activity streams: references, actions, follows and streams';

-- What nobody calls by name: trigger functions, support functions, functions behind
-- operators and aggregates.  Bodies of functions in SQL are parsed as the caller, and owners
-- of tables make triggers, so everybody may use it.
CREATE SCHEMA actstream_internal;
COMMENT ON SCHEMA actstream_internal IS 'functions of activity streams that are not to be called directly';
GRANT USAGE ON SCHEMA actstream_internal TO PUBLIC;

CREATE FUNCTION actstream_internal.check_max_rows(max_rows bigint) RETURNS void
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_check_max_rows';
COMMENT ON FUNCTION actstream_internal.check_max_rows(bigint) IS 'raise an error if the argument is negative';
