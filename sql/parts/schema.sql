/*
 * The schema of the extension, to be read in the order in which the Makefile puts its
 * parts together.
 *
 * Nothing is replaced and nothing is taken over: an object of ours that exists
 * already stops the script.  Functions in SQL, whose tables are made later, qualify every
 * name: they mean the same whatever search_path they are called under, and the
 * planner inlines them.
 *
 * A comment that begins with @ is also read by PostGraphile.  In GraphQL a table "actions"
 * and a type "action" would have the same name, as would the inputs of a table "follows" and
 * of a function "follow", which stops it: hence @name.  And the arguments "before" and
 * "after" would be those of its own paging: hence streams are plain lists in GraphQL.
 */

-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION actstream" to load this file. \quit

-- A member of the extension: somebody else's could hold anything, and its owner could
-- drop ours.
CREATE SCHEMA actstream;
COMMENT ON SCHEMA actstream IS 'activity streams: references, actions, follows and streams';

-- What nobody calls by name: trigger functions, support functions, functions behind
-- operators and aggregates.  Bodies of functions in SQL are parsed as the caller, and owners
-- of tables make triggers, so everybody may use it.
CREATE SCHEMA actstream_internal;
COMMENT ON SCHEMA actstream_internal IS 'functions of activity streams that are not to be called directly';
GRANT USAGE ON SCHEMA actstream_internal TO PUBLIC;
