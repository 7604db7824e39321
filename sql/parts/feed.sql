------------------------------------------------------------------------------
-- Feeds
------------------------------------------------------------------------------

-- PARALLEL UNSAFE, because the final functions read names of objects.

CREATE FUNCTION actstream_internal.feed_collect(internal, actstream.action, text, text, text) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_feed_collect';
CREATE FUNCTION actstream_internal.feed_collect(internal, actstream.action, text, text, text, text) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_feed_collect';
CREATE FUNCTION actstream_internal.atom_feed_final(internal) RETURNS xml
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'actstream_atom_feed_final';
CREATE FUNCTION actstream_internal.rss_feed_final(internal) RETURNS xml
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'actstream_rss_feed_final';
CREATE FUNCTION actstream_internal.activity_streams_1_final(internal) RETURNS jsonb
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'actstream_activity_streams_1_final';
CREATE FUNCTION actstream_internal.activity_streams_2_final(internal) RETURNS jsonb
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'actstream_activity_streams_2_final';
COMMENT ON FUNCTION actstream_internal.feed_collect(internal, actstream.action, text, text, text) IS 'transition function of feeds';
COMMENT ON FUNCTION actstream_internal.feed_collect(internal, actstream.action, text, text, text, text) IS 'transition function of feeds in a language';
COMMENT ON FUNCTION actstream_internal.atom_feed_final(internal) IS 'final function of atom_feed';
COMMENT ON FUNCTION actstream_internal.rss_feed_final(internal) IS 'final function of rss_feed';
COMMENT ON FUNCTION actstream_internal.activity_streams_1_final(internal) IS 'final function of activity_streams_1';
COMMENT ON FUNCTION actstream_internal.activity_streams_2_final(internal) IS 'final function of activity_streams_2';

CREATE AGGREGATE actstream.atom_feed(action actstream.action, id text, title text, link text) (
    SFUNC = actstream_internal.feed_collect, STYPE = internal, SSPACE = 10000,
    FINALFUNC = actstream_internal.atom_feed_final, FINALFUNC_MODIFY = read_only
);
CREATE AGGREGATE actstream.rss_feed(action actstream.action, id text, title text, link text) (
    SFUNC = actstream_internal.feed_collect, STYPE = internal, SSPACE = 10000,
    FINALFUNC = actstream_internal.rss_feed_final, FINALFUNC_MODIFY = read_only
);
CREATE AGGREGATE actstream.activity_streams_1(action actstream.action, id text, title text, link text) (
    SFUNC = actstream_internal.feed_collect, STYPE = internal, SSPACE = 10000,
    FINALFUNC = actstream_internal.activity_streams_1_final, FINALFUNC_MODIFY = read_only
);
CREATE AGGREGATE actstream.activity_streams_2(action actstream.action, id text, title text, link text) (
    SFUNC = actstream_internal.feed_collect, STYPE = internal, SSPACE = 10000,
    FINALFUNC = actstream_internal.activity_streams_2_final, FINALFUNC_MODIFY = read_only
);

-- An argument of an aggregate can have no default: so there are two of each.
CREATE AGGREGATE actstream.atom_feed(action actstream.action, id text, title text, link text, language text) (
    SFUNC = actstream_internal.feed_collect, STYPE = internal, SSPACE = 10000,
    FINALFUNC = actstream_internal.atom_feed_final, FINALFUNC_MODIFY = read_only
);
CREATE AGGREGATE actstream.rss_feed(action actstream.action, id text, title text, link text, language text) (
    SFUNC = actstream_internal.feed_collect, STYPE = internal, SSPACE = 10000,
    FINALFUNC = actstream_internal.rss_feed_final, FINALFUNC_MODIFY = read_only
);
CREATE AGGREGATE actstream.activity_streams_1(action actstream.action, id text, title text, link text, language text) (
    SFUNC = actstream_internal.feed_collect, STYPE = internal, SSPACE = 10000,
    FINALFUNC = actstream_internal.activity_streams_1_final, FINALFUNC_MODIFY = read_only
);
CREATE AGGREGATE actstream.activity_streams_2(action actstream.action, id text, title text, link text, language text) (
    SFUNC = actstream_internal.feed_collect, STYPE = internal, SSPACE = 10000,
    FINALFUNC = actstream_internal.activity_streams_2_final, FINALFUNC_MODIFY = read_only
);
COMMENT ON AGGREGATE actstream.atom_feed(actstream.action, text, text, text) IS 'a stream as an Atom 1.0 feed';
COMMENT ON AGGREGATE actstream.rss_feed(actstream.action, text, text, text) IS 'a stream as an RSS 2.0 feed';
COMMENT ON AGGREGATE actstream.activity_streams_1(actstream.action, text, text, text) IS 'a stream as a collection of JSON Activity Streams 1.0';
COMMENT ON AGGREGATE actstream.activity_streams_2(actstream.action, text, text, text) IS 'a stream as a page of a collection of Activity Streams 2.0';
COMMENT ON AGGREGATE actstream.atom_feed(actstream.action, text, text, text, text) IS 'a stream as an Atom 1.0 feed; titles in that language, if null in the session''s';
COMMENT ON AGGREGATE actstream.rss_feed(actstream.action, text, text, text, text) IS 'a stream as an RSS 2.0 feed; titles in that language, if null in the session''s';
COMMENT ON AGGREGATE actstream.activity_streams_1(actstream.action, text, text, text, text) IS 'a stream as a collection of JSON Activity Streams 1.0; titles in that language, if null in the session''s';
COMMENT ON AGGREGATE actstream.activity_streams_2(actstream.action, text, text, text, text) IS 'a stream as a page of a collection of Activity Streams 2.0; titles in that language, if null in the session''s';

-- Groups have an aggregate of another name: a page is the result of a subquery, whose rows could be
-- of either type.
CREATE FUNCTION actstream_internal.feed_collect(internal, actstream.action_group, text, text, text) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_group_feed_collect';
CREATE FUNCTION actstream_internal.feed_collect(internal, actstream.action_group, text, text, text, text) RETURNS internal
    LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_group_feed_collect';
CREATE FUNCTION actstream_internal.activity_streams_2_groups_final(internal) RETURNS jsonb
    LANGUAGE c STABLE PARALLEL UNSAFE COST 1000 AS 'MODULE_PATHNAME', 'actstream_activity_streams_2_groups_final';
COMMENT ON FUNCTION actstream_internal.feed_collect(internal, actstream.action_group, text, text, text) IS 'transition function of feeds of groups';
COMMENT ON FUNCTION actstream_internal.feed_collect(internal, actstream.action_group, text, text, text, text) IS 'transition function of feeds of groups in a language';
COMMENT ON FUNCTION actstream_internal.activity_streams_2_groups_final(internal) IS 'final function of activity_streams_2_groups';

CREATE AGGREGATE actstream.activity_streams_2_groups(action_group actstream.action_group, id text, title text, link text) (
    SFUNC = actstream_internal.feed_collect, STYPE = internal, SSPACE = 10000,
    FINALFUNC = actstream_internal.activity_streams_2_groups_final, FINALFUNC_MODIFY = read_only
);
CREATE AGGREGATE actstream.activity_streams_2_groups(action_group actstream.action_group, id text, title text, link text, language text) (
    SFUNC = actstream_internal.feed_collect, STYPE = internal, SSPACE = 10000,
    FINALFUNC = actstream_internal.activity_streams_2_groups_final, FINALFUNC_MODIFY = read_only
);
COMMENT ON AGGREGATE actstream.activity_streams_2_groups(actstream.action_group, text, text, text) IS 'groups as a page of a collection of Activity Streams 2.0, whose items are collections';
COMMENT ON AGGREGATE actstream.activity_streams_2_groups(actstream.action_group, text, text, text, text) IS 'groups as a page of a collection of Activity Streams 2.0; titles in that language, if null in the session''s';
