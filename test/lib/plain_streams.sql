\set ECHO none
--
-- The streams in plain SQL over the extension's tables, as functions of the same
-- names in the schema "plain".  For tests that compare at the same snapshot, after
-- CREATE EXTENSION.
--
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS plain CASCADE;
RESET client_min_messages;

CREATE SCHEMA plain;

CREATE FUNCTION plain.public_stream() RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT a.*
    FROM actstream.actions a
    WHERE a.public
    ORDER BY a."timestamp" DESC, a.id DESC;
END;

CREATE FUNCTION plain.actor_stream(actor actstream.ref) RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT a.*
    FROM actstream.actions a
    WHERE a.actor = actor_stream.actor AND a.public
    ORDER BY a."timestamp" DESC, a.id DESC;
END;

CREATE FUNCTION plain.target_stream(target actstream.ref) RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT a.*
    FROM actstream.actions a
    WHERE a.target = target_stream.target AND a.public
    ORDER BY a."timestamp" DESC, a.id DESC;
END;

CREATE FUNCTION plain.action_object_stream(action_object actstream.ref) RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT a.*
    FROM actstream.actions a
    WHERE a.action_object = action_object_stream.action_object AND a.public
    ORDER BY a."timestamp" DESC, a.id DESC;
END;

-- An action that a stream meets through several roles or follows has one
-- timestamp and one id, by which DISTINCT ON leaves it once.  It is these two
-- and no more, so that a bound on them reaches the indexes.

CREATE FUNCTION plain.any_stream(object actstream.ref) RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT DISTINCT ON (a."timestamp", a.id) a.*
    FROM (SELECT * FROM plain.actor_stream(any_stream.object)
          UNION ALL
          SELECT * FROM plain.target_stream(any_stream.object)
          UNION ALL
          SELECT * FROM plain.action_object_stream(any_stream.object)) a
    ORDER BY a."timestamp" DESC, a.id DESC;
END;

CREATE FUNCTION plain.model_stream(label text) RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT a.*
    FROM actstream.actions a
    WHERE a.public
      AND ((a.actor >= actstream.label_start(model_stream.label)
            AND a.actor < actstream.label_stop(model_stream.label))
           OR (a.target >= actstream.label_start(model_stream.label)
               AND a.target < actstream.label_stop(model_stream.label))
           OR (a.action_object >= actstream.label_start(model_stream.label)
               AND a.action_object < actstream.label_stop(model_stream.label)))
    ORDER BY a."timestamp" DESC, a.id DESC;
END;

CREATE FUNCTION plain.stream_of(
    objects actstream.ref[],
    roles   text[] DEFAULT '{actor,action_object,target}')
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT DISTINCT ON (a."timestamp", a.id) a.*
    FROM pg_catalog.unnest(stream_of.objects) AS o(object)
    CROSS JOIN LATERAL (
        SELECT a.* FROM actstream.actions a
        WHERE 'actor' OPERATOR(pg_catalog.=) ANY (stream_of.roles)
          AND a.actor = o.object AND a.public
        UNION ALL
        SELECT a.* FROM actstream.actions a
        WHERE 'target' OPERATOR(pg_catalog.=) ANY (stream_of.roles)
          AND a.target = o.object AND a.public
        UNION ALL
        SELECT a.* FROM actstream.actions a
        WHERE 'action_object' OPERATOR(pg_catalog.=) ANY (stream_of.roles)
          AND a.action_object = o.object AND a.public) a
    ORDER BY a."timestamp" DESC, a.id DESC;
END;

CREATE FUNCTION plain.user_stream(
    follower           actstream.ref,
    flag               text DEFAULT NULL,
    with_user_activity boolean DEFAULT false,
    since_follow       boolean DEFAULT false)
    RETURNS SETOF actstream.action
    LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT DISTINCT ON (a."timestamp", a.id) a.*
    FROM (SELECT f.followee AS object, f.actor_only, f.verbs,
                 CASE WHEN user_stream.since_follow THEN f.started ELSE '-infinity' END AS since
          FROM actstream.follows f
          WHERE f.follower = user_stream.follower
            AND (user_stream.flag IS NULL OR f.flag OPERATOR(pg_catalog.=) user_stream.flag)
          UNION ALL
          SELECT user_stream.follower, true, NULL, '-infinity'
          WHERE user_stream.with_user_activity) AS source
    CROSS JOIN LATERAL (
        SELECT a.* FROM actstream.actions a
        WHERE a.actor = source.object AND a.public
          AND a."timestamp" OPERATOR(pg_catalog.>=) source.since
        UNION ALL
        SELECT a.* FROM actstream.actions a
        WHERE NOT source.actor_only
          AND a.target = source.object AND a.public
          AND a."timestamp" OPERATOR(pg_catalog.>=) source.since
        UNION ALL
        SELECT a.* FROM actstream.actions a
        WHERE NOT source.actor_only
          AND a.action_object = source.object AND a.public
          AND a."timestamp" OPERATOR(pg_catalog.>=) source.since) a
    WHERE (source.verbs IS NULL OR a.verb OPERATOR(pg_catalog.=) ANY (source.verbs))
      AND NOT EXISTS (
          SELECT FROM actstream.mutes m
          WHERE m.muter = user_stream.follower
            AND (m.muted = a.actor OR m.muted = a.target OR m.muted = a.action_object)
            AND (m.verbs IS NULL OR a.verb OPERATOR(pg_catalog.=) ANY (m.verbs))
            AND (m.until IS NULL OR m.until OPERATOR(pg_catalog.>) now()))
      AND NOT EXISTS (
          SELECT FROM actstream.mutes m
          WHERE m.muted = user_stream.follower AND m.block AND m.muter = a.actor
            AND (m.until IS NULL OR m.until OPERATOR(pg_catalog.>) now()))
    ORDER BY a."timestamp" DESC, a.id DESC;
END;
\set ECHO all
