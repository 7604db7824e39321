------------------------------------------------------------------------------
-- Names and sentences
------------------------------------------------------------------------------

-- PARALLEL UNSAFE, because policies of a table and casts of its types may call functions
-- that are not parallel safe, which only the planner of the query on that table could
-- know.

CREATE FUNCTION actstream.display_name(object actstream.ref) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE COST 100 AS 'MODULE_PATHNAME', 'actstream_display_name';
CREATE FUNCTION actstream.url(object actstream.ref) RETURNS text
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE COST 100 AS 'MODULE_PATHNAME', 'actstream_url';
CREATE FUNCTION actstream.display_all(objects actstream.ref[])
    RETURNS TABLE (object actstream.ref, name text, url text)
    LANGUAGE c STABLE STRICT PARALLEL UNSAFE COST 1000 ROWS 100 AS 'MODULE_PATHNAME', 'actstream_display_all';
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
CREATE FUNCTION actstream.sentence_html(action actstream.action, now timestamptz DEFAULT pg_catalog.now(), language text DEFAULT NULL)
    RETURNS text
    LANGUAGE c STABLE PARALLEL UNSAFE COST 300 AS 'MODULE_PATHNAME', 'actstream_sentence_html';
CREATE FUNCTION actstream.sentence_parts(action actstream.action, now timestamptz DEFAULT pg_catalog.now(), language text DEFAULT NULL)
    RETURNS jsonb
    LANGUAGE c STABLE PARALLEL UNSAFE COST 300 AS 'MODULE_PATHNAME', 'actstream_sentence_parts';
CREATE FUNCTION actstream.sentences(actions actstream.action[], now timestamptz DEFAULT pg_catalog.now(), language text DEFAULT NULL)
    RETURNS TABLE (action actstream.action, sentence text, html text, parts jsonb)
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 ROWS 20 AS 'MODULE_PATHNAME', 'actstream_sentences';
CREATE FUNCTION actstream.group_sentence(action_group actstream.action_group, now timestamptz DEFAULT pg_catalog.now(), language text DEFAULT NULL)
    RETURNS text
    LANGUAGE c STABLE PARALLEL UNSAFE COST 300 AS 'MODULE_PATHNAME', 'actstream_group_sentence';
CREATE FUNCTION actstream.group_sentence_html(action_group actstream.action_group, now timestamptz DEFAULT pg_catalog.now(), language text DEFAULT NULL)
    RETURNS text
    LANGUAGE c STABLE PARALLEL UNSAFE COST 300 AS 'MODULE_PATHNAME', 'actstream_group_sentence_html';
CREATE FUNCTION actstream.group_sentence_parts(action_group actstream.action_group, now timestamptz DEFAULT pg_catalog.now(), language text DEFAULT NULL)
    RETURNS jsonb
    LANGUAGE c STABLE PARALLEL UNSAFE COST 300 AS 'MODULE_PATHNAME', 'actstream_group_sentence_parts';
CREATE FUNCTION actstream.group_sentences(groups actstream.action_group[], now timestamptz DEFAULT pg_catalog.now(), language text DEFAULT NULL)
    RETURNS TABLE (action_group actstream.action_group, sentence text, html text, parts jsonb)
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 ROWS 20 AS 'MODULE_PATHNAME', 'actstream_group_sentences';
COMMENT ON FUNCTION actstream.display_name(actstream.ref) IS 'name of an object, as far as the caller may see it';
COMMENT ON FUNCTION actstream.url(actstream.ref) IS 'URL of an object, as far as the caller may see it';
COMMENT ON FUNCTION actstream.display_all(actstream.ref[]) IS 'names and URLs of many objects, each once, with one query for each type';
COMMENT ON FUNCTION actstream.expand(actstream.ref) IS 'row of an object, as far as the caller may see it';
COMMENT ON FUNCTION actstream.expand_all(actstream.ref[]) IS 'rows of many objects, each once, with one query for each type';
COMMENT ON FUNCTION actstream.timesince(timestamptz, timestamptz, text) IS 'how long ago something was, in words';
COMMENT ON FUNCTION actstream.sentence(actstream.action, timestamptz, text) IS 'an action as a sentence';
COMMENT ON FUNCTION actstream.sentence_html(actstream.action, timestamptz, text) IS 'an action as a sentence, in HTML with links to its objects';
COMMENT ON FUNCTION actstream.sentence_parts(actstream.action, timestamptz, text) IS 'an action as a sentence, as an array of texts, objects and the time';
COMMENT ON FUNCTION actstream.sentences(actstream.action[], timestamptz, text) IS 'a page of actions as sentences, in all three forms, with one query for each type of object';
COMMENT ON FUNCTION actstream.group_sentence(actstream.action_group, timestamptz, text) IS 'a group of actions as a sentence';
COMMENT ON FUNCTION actstream.group_sentence_html(actstream.action_group, timestamptz, text) IS 'a group of actions as a sentence, in HTML with links to its objects';
COMMENT ON FUNCTION actstream.group_sentence_parts(actstream.action_group, timestamptz, text) IS 'a group of actions as a sentence, as an array of texts, objects and the time';
COMMENT ON FUNCTION actstream.group_sentences(actstream.action_group[], timestamptz, text) IS 'a page of groups as sentences, in all three forms, with one query for each type of object';

CREATE FUNCTION actstream_internal.value_size(value "any") RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_value_size';
COMMENT ON FUNCTION actstream_internal.value_size("any") IS 'how large a value is without compression, in bytes; 0 if all of its type are as large';

-- Every sentence needs them, whichever role asks: they are read without regard to
-- privileges, as the registry is.
CREATE TYPE actstream.phrase AS (
    language text,
    verb     text,
    pattern  text
);
COMMENT ON TYPE actstream.phrase IS E'@name phrase_row\npatterns of sentences by language and verb';

CREATE FUNCTION actstream_internal.phrase_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_phrase_check';
CREATE FUNCTION actstream_internal.phrase_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_phrase_changed';
COMMENT ON FUNCTION actstream_internal.phrase_check() IS 'trigger: check that the row is valid';
COMMENT ON FUNCTION actstream_internal.phrase_changed() IS 'trigger: make all sessions reload the phrases';
