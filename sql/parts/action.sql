------------------------------------------------------------------------------
-- Actions
------------------------------------------------------------------------------

-- Columns of fixed width come first, so that alignment wastes no space.
CREATE TYPE actstream.action AS (
    id            bigint,
    "timestamp"   timestamptz,
    public        boolean,
    actor         actstream.ref,
    verb          text,
    action_object actstream.ref,
    target        actstream.ref,
    description   text,
    data          jsonb,
    external_id   text
);
COMMENT ON TYPE actstream.action IS E'@name action_row\nactions: an actor did something, with an object, to a target, at some time';

CREATE FUNCTION actstream_internal.action_check() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_action_check';
COMMENT ON FUNCTION actstream_internal.action_check() IS 'trigger: check that the row is valid and its references name existing objects';

CREATE FUNCTION actstream_internal.action_time() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'actstream_action_time';
COMMENT ON FUNCTION actstream_internal.action_time() IS 'trigger: replace a null timestamp by the current time, and check what indexes contain';

CREATE FUNCTION actstream.act_send(
    actor         actstream.ref,
    verb          text,
    action_object actstream.ref DEFAULT NULL,
    target        actstream.ref DEFAULT NULL,
    description   text DEFAULT NULL,
    public        boolean DEFAULT true,
    "timestamp"   timestamptz DEFAULT NULL,
    data          jsonb DEFAULT NULL,
    external_id   text DEFAULT NULL)
    RETURNS actstream.action
    LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'actstream_act_send';
COMMENT ON FUNCTION actstream.act_send(actstream.ref, text, actstream.ref, actstream.ref, text, boolean, timestamptz, jsonb, text)
    IS 'send an action';
