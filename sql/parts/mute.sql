------------------------------------------------------------------------------
-- Mutes and blocks
------------------------------------------------------------------------------

CREATE TYPE actstream.mute AS (
    muter   actstream.ref,
    muted   actstream.ref,
    verbs   text[],
    until   timestamptz,
    block   boolean,
    created timestamptz
);
COMMENT ON TYPE actstream.mute IS E'@name mute_row\nmutes: which object does not want to see actions of which';

CREATE FUNCTION actstream_internal.mute_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_mute_check';
COMMENT ON FUNCTION actstream_internal.mute_check() IS 'trigger: check that the row is valid and its references name existing objects; a block ends follows';

CREATE FUNCTION actstream_internal.mute_time() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_mute_time';
COMMENT ON FUNCTION actstream_internal.mute_time() IS 'trigger: replace a null time by the current time, and check what indexes contain';

CREATE FUNCTION actstream_internal.mute_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_mute_changed';
COMMENT ON FUNCTION actstream_internal.mute_changed() IS 'trigger: make sessions reload the lists of follows that they keep';

-- A block is stronger than a mute, so it stays as it is until it expires.
CREATE FUNCTION actstream.mute(
    muter actstream.ref,
    muted actstream.ref,
    verbs text[] DEFAULT NULL,
    until timestamptz DEFAULT NULL)
    RETURNS actstream.mute
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SUPPORT actstream_internal.tables_support
AS $$
    INSERT INTO actstream.mutes AS m (muter, muted, verbs, until, block)
    VALUES (mute.muter, mute.muted, mute.verbs, mute.until, false)
    ON CONFLICT (muter, muted) DO UPDATE
        SET verbs = CASE WHEN m.block AND (m.until IS NULL OR m.until OPERATOR(pg_catalog.>) pg_catalog.now()) THEN m.verbs ELSE excluded.verbs END,
            until = CASE WHEN m.block AND (m.until IS NULL OR m.until OPERATOR(pg_catalog.>) pg_catalog.now()) THEN m.until ELSE excluded.until END,
            block = m.block AND (m.until IS NULL OR m.until OPERATOR(pg_catalog.>) pg_catalog.now())
    RETURNING m::actstream.mute
$$;

CREATE FUNCTION actstream.unmute(
    muter actstream.ref,
    muted actstream.ref)
    RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SUPPORT actstream_internal.tables_support
AS $$
    WITH ended AS (
        DELETE FROM actstream.mutes m
        WHERE m.muter OPERATOR(pg_catalog.=) unmute.muter
          AND m.muted OPERATOR(pg_catalog.=) unmute.muted
          AND NOT m.block
        RETURNING m.muter)
    SELECT pg_catalog.count(*) FROM ended
$$;

CREATE FUNCTION actstream.block(
    blocker actstream.ref,
    blocked actstream.ref)
    RETURNS actstream.mute
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SUPPORT actstream_internal.tables_support
AS $$
    INSERT INTO actstream.mutes AS m (muter, muted, block)
    VALUES (block.blocker, block.blocked, true)
    ON CONFLICT (muter, muted) DO UPDATE SET block = true, verbs = NULL, until = NULL
    RETURNING m::actstream.mute
$$;

CREATE FUNCTION actstream.unblock(
    blocker actstream.ref,
    blocked actstream.ref)
    RETURNS bigint
    LANGUAGE sql VOLATILE PARALLEL UNSAFE SUPPORT actstream_internal.tables_support
AS $$
    WITH ended AS (
        DELETE FROM actstream.mutes m
        WHERE m.muter OPERATOR(pg_catalog.=) unblock.blocker
          AND m.muted OPERATOR(pg_catalog.=) unblock.blocked
          AND m.block
        RETURNING m.muter)
    SELECT pg_catalog.count(*) FROM ended
$$;

-- For streams that do not leave out muted actions by themselves.  The mutes of one muter
-- are read once for a statement.
CREATE FUNCTION actstream.is_muted(
    muter  actstream.ref,
    action actstream.action)
    RETURNS boolean
    LANGUAGE c STABLE STRICT PARALLEL SAFE COST 10 AS 'MODULE_PATHNAME', 'actstream_is_muted';

COMMENT ON FUNCTION actstream.mute(actstream.ref, actstream.ref, text[], timestamptz)
    IS 'leave out actions with an object from what the muter is shown, or only those with some verbs, or until a time';
COMMENT ON FUNCTION actstream.unmute(actstream.ref, actstream.ref)
    IS 'end a mute; returns how many there were';
COMMENT ON FUNCTION actstream.block(actstream.ref, actstream.ref)
    IS 'mute an object, end the follows between the two, and hide the actions of the blocker from it';
COMMENT ON FUNCTION actstream.unblock(actstream.ref, actstream.ref)
    IS 'end a block; returns how many there were';
COMMENT ON FUNCTION actstream.is_muted(actstream.ref, actstream.action)
    IS 'whether mutes and blocks hide an action from an object';
