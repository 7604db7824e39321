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

-- Every sentence needs them, whoever asks: they are read as the registry is, without
-- regard to privileges.
CREATE TYPE actstream.phrase AS (
    language text,
    verb     text,
    pattern  text
);
COMMENT ON TYPE actstream.phrase IS E'@name phrase_row\nhow sentences read in a language';

CREATE FUNCTION actstream_internal.phrase_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_phrase_check';
CREATE FUNCTION actstream_internal.phrase_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_phrase_changed';
COMMENT ON FUNCTION actstream_internal.phrase_check() IS 'trigger: the pattern is valid';
COMMENT ON FUNCTION actstream_internal.phrase_changed() IS 'trigger: all sessions read the phrases anew';
