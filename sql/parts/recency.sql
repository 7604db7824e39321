------------------------------------------------------------------------------
-- The recency map
------------------------------------------------------------------------------

-- An index of this method stores nothing.  It reports every new row version to the
-- recency map, however that was written; see recency_index.c.
CREATE FUNCTION actstream_internal.recency_handler(internal) RETURNS index_am_handler
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_recency_handler';
REVOKE EXECUTE ON FUNCTION actstream_internal.recency_handler(internal) FROM PUBLIC;
COMMENT ON FUNCTION actstream_internal.recency_handler(internal) IS 'handler of access method actstream_recency';
CREATE ACCESS METHOD actstream_recency TYPE INDEX HANDLER actstream_internal.recency_handler;
COMMENT ON ACCESS METHOD actstream_recency IS 'reports new actions to the recency map';
CREATE OPERATOR FAMILY actstream.recency_ops USING actstream_recency;
CREATE OPERATOR CLASS actstream.recency_ref_ops DEFAULT FOR TYPE actstream.ref
    USING actstream_recency FAMILY actstream.recency_ops AS STORAGE actstream.ref;
CREATE OPERATOR CLASS actstream.recency_bool_ops DEFAULT FOR TYPE pg_catalog.bool
    USING actstream_recency FAMILY actstream.recency_ops AS STORAGE pg_catalog.bool;
CREATE OPERATOR CLASS actstream.recency_timestamptz_ops DEFAULT FOR TYPE pg_catalog.timestamptz
    USING actstream_recency FAMILY actstream.recency_ops AS STORAGE pg_catalog.timestamptz;
COMMENT ON OPERATOR FAMILY actstream.recency_ops USING actstream_recency IS 'columns of an action';
COMMENT ON OPERATOR CLASS actstream.recency_ref_ops USING actstream_recency IS 'an object of an action';
COMMENT ON OPERATOR CLASS actstream.recency_bool_ops USING actstream_recency IS 'whether an action is public';
COMMENT ON OPERATOR CLASS actstream.recency_timestamptz_ops USING actstream_recency IS 'when an action happened';

CREATE FUNCTION actstream.recency_build() RETURNS bigint
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_recency_build';
COMMENT ON FUNCTION actstream.recency_build() IS 'complete the recency map now; returns the number of pairs of an object and a role';

CREATE FUNCTION actstream.recency_stats(
    OUT state         text,
    OUT size          bigint,
    OUT bounds        bigint,
    OUT used          bigint,
    OUT shared_lines  bigint,
    OUT built         timestamptz,
    OUT build_time    interval,
    OUT objects       bigint,
    OUT streams       bigint,
    OUT lists_skipped bigint,
    OUT lists_opened  bigint,
    OUT false_opens   bigint,
    OUT lowered       bigint,
    OUT follow_lists  boolean)
    LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_recency_stats';
COMMENT ON FUNCTION actstream.recency_stats() IS 'contents and statistics of the recency map in this database';
