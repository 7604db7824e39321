\set ECHO none
--
-- The streams in plain SQL that shares nothing with the extension, and a driver
-- that compares.
--
-- The schema "oracle" holds copies of the tables with references as plain
-- text, and one function for each stream, written from its definition.
-- oracle.compare() reads a stream and the oracle for many cases and counts
-- the cases in which they differ: other ids, or the same in another order.
--
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS oracle CASCADE;
RESET client_min_messages;

CREATE SCHEMA oracle;

--
-- The copies, and the streams by definition
--

CREATE TABLE oracle.action (
    id            bigint PRIMARY KEY,
    "timestamp"   timestamptz,
    public        boolean,
    actor         text,
    verb          text,
    action_object text,
    target        text,
    description   text,
    data          jsonb,
    external_id   text
);

CREATE TABLE oracle.follow (
    follower   text,
    followee   text,
    flag       text,
    actor_only boolean,
    started    timestamptz
);

-- What a follower is to see, once for each reason.
CREATE TABLE oracle.reason (
    follower text,
    own      boolean,               -- it is the follower's own activity
    flag     text,                  -- else, of which follow
    during   boolean,               -- and it did not happen before that began
    id       bigint
);
CREATE INDEX ON oracle.reason (follower);

-- Copy the tables as they are now.
CREATE PROCEDURE oracle.load() LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM oracle.action;
    INSERT INTO oracle.action
    SELECT id, "timestamp", public, actor::text, verb, action_object::text, target::text,
           description, data, external_id
    FROM actstream.actions;

    DELETE FROM oracle.follow;
    INSERT INTO oracle.follow
    SELECT follower::text, followee::text, flag, actor_only, started
    FROM actstream.follows;

    DELETE FROM oracle.reason;
    INSERT INTO oracle.reason
    SELECT f.follower, false, f.flag, a."timestamp" >= f.started, a.id
    FROM oracle.follow f CROSS JOIN oracle.action a
    WHERE a.public
      AND (a.actor = f.followee
           OR (NOT f.actor_only AND (a.target = f.followee OR a.action_object = f.followee)));
    INSERT INTO oracle.reason
    SELECT a.actor, true, NULL, true, a.id
    FROM oracle.action a
    WHERE a.public;
END
$$;

CREATE FUNCTION oracle.user_stream(follower text, flag text DEFAULT NULL,
                                   with_user_activity boolean DEFAULT false,
                                   since_follow boolean DEFAULT false)
    RETURNS SETOF oracle.action LANGUAGE sql STABLE AS $$
    SELECT * FROM oracle.action
    WHERE id IN (SELECT r.id FROM oracle.reason r
                 WHERE r.follower = $1
                   AND CASE WHEN r.own THEN $3
                            ELSE ($2 IS NULL OR r.flag = $2) AND (r.during OR NOT $4) END)
$$;

CREATE FUNCTION oracle.actor_stream(actor text)
    RETURNS SETOF oracle.action LANGUAGE sql STABLE AS $$
    SELECT * FROM oracle.action a WHERE a.public AND a.actor = $1
$$;

CREATE FUNCTION oracle.target_stream(target text)
    RETURNS SETOF oracle.action LANGUAGE sql STABLE AS $$
    SELECT * FROM oracle.action a WHERE a.public AND a.target = $1
$$;

CREATE FUNCTION oracle.action_object_stream(action_object text)
    RETURNS SETOF oracle.action LANGUAGE sql STABLE AS $$
    SELECT * FROM oracle.action a WHERE a.public AND a.action_object = $1
$$;

CREATE FUNCTION oracle.any_stream(object text)
    RETURNS SETOF oracle.action LANGUAGE sql STABLE AS $$
    SELECT * FROM oracle.action a
    WHERE a.public AND (a.actor = $1 OR a.target = $1 OR a.action_object = $1)
$$;

CREATE FUNCTION oracle.model_stream(label text)
    RETURNS SETOF oracle.action LANGUAGE sql STABLE AS $$
    SELECT * FROM oracle.action a
    WHERE a.public
      AND (split_part(a.actor, ':', 1) = $1 OR split_part(a.target, ':', 1) = $1
           OR split_part(a.action_object, ':', 1) = $1)
$$;

CREATE FUNCTION oracle.public_stream()
    RETURNS SETOF oracle.action LANGUAGE sql STABLE AS $$
    SELECT * FROM oracle.action a WHERE a.public
$$;

CREATE FUNCTION oracle.stream_of(objects text[], roles text[] DEFAULT '{actor,action_object,target}')
    RETURNS SETOF oracle.action LANGUAGE sql STABLE AS $$
    SELECT * FROM oracle.action a
    WHERE a.public
      AND (('actor' = ANY ($2) AND a.actor IN (SELECT unnest($1)))
           OR ('target' = ANY ($2) AND a.target IN (SELECT unnest($1)))
           OR ('action_object' = ANY ($2) AND a.action_object IN (SELECT unnest($1))))
$$;

--
-- The driver
--

CREATE TABLE oracle.result (
    n         integer GENERATED ALWAYS AS IDENTITY,
    kind      text PRIMARY KEY,
    cases     bigint,
    pages     bigint,
    differing bigint,               -- cases
    rows      bigint                -- of the whole streams
);

-- In which way a case differs, for whoever has to find out why.
CREATE TABLE oracle.difference (
    kind      text,
    argument  text,
    page_size integer,              -- null: the whole stream
    wanted    bigint[],
    got       bigint[]
);

-- Read a stream page by page, each beginning where the one before ended, from
-- statements that compare() has prepared.  Of a stream of more than
-- 2 * max_pages pages, read as many as max_pages at its beginning and at its end.
CREATE PROCEDURE oracle.compare_pages(
    kind text, argument text, page_size integer, max_pages integer, whole bigint[],
    INOUT pages bigint, INOUT same boolean)
    LANGUAGE plpgsql AS $$
DECLARE
    room   integer := page_size * max_pages;
    skip   integer := greatest(cardinality(whole) - 2 * room, 0);
    wanted bigint[] := whole;
    got    bigint[] := '{}';
    page   bigint[];
    stamps timestamptz[];
    bound  text := '';
BEGIN
    IF skip > 0 THEN
        wanted := whole[:room] || whole[room + skip + 1:];
    END IF;
    LOOP
        EXECUTE format('EXECUTE oracle_%s_%s(%L%s)', CASE bound WHEN '' THEN 'first' ELSE 'next' END,
                       page_size, argument, bound) INTO page, stamps;
        got := got || page;
        pages := pages + 1;
        EXIT WHEN cardinality(page) < page_size OR cardinality(got) > cardinality(wanted);
        IF skip > 0 AND cardinality(got) = room THEN
            SELECT format(', %L, %L', a."timestamp", a.id) INTO bound
            FROM oracle.action a WHERE a.id = whole[room + skip];
        ELSE
            bound := format(', %L, %L', stamps[page_size], page[page_size]);
        END IF;
    END LOOP;

    IF got <> wanted THEN
        INSERT INTO oracle.difference VALUES (kind, argument, page_size, wanted, got);
        same := false;
    END IF;
END
$$;

CREATE PROCEDURE oracle.compare(
    kind       text,                            -- what the result is listed under
    stream     text,                            -- in FROM, with $1 for the argument
    oracle     text,                            -- likewise; its argument is text
    arguments  text,                            -- a query for them
    page_sizes integer[] DEFAULT '{}',          -- read pages of these sizes, too
    max_pages  integer DEFAULT 1000000,
    type       text DEFAULT 'actstream.ref',    -- of the stream's argument
    condition  text DEFAULT 'true')             -- upon the rows of both
    LANGUAGE plpgsql AS $$
DECLARE
    argument text;
    wanted   bigint[];
    got      bigint[];
    same     boolean;
    pages    bigint;
    size     integer;
BEGIN
    DEALLOCATE ALL;
    EXECUTE format('PREPARE oracle_wanted(text) AS'
                   ' SELECT array(SELECT id FROM %s AS o WHERE %s ORDER BY "timestamp" DESC, id DESC)',
                   oracle, condition);
    EXECUTE format('PREPARE oracle_whole(%s) AS SELECT array(SELECT id FROM %s AS s WHERE %s)',
                   type, stream, condition);
    FOREACH size IN ARRAY page_sizes LOOP
        EXECUTE format('PREPARE oracle_first_%s(%s) AS'
                       ' SELECT coalesce(array_agg(id), ''{}''), array_agg("timestamp")'
                       ' FROM (SELECT id, "timestamp" FROM %s AS s WHERE %s LIMIT %1$s) AS page',
                       size, type, stream, condition);
        EXECUTE format('PREPARE oracle_next_%s(%s, timestamptz, bigint) AS'
                       ' SELECT coalesce(array_agg(id), ''{}''), array_agg("timestamp")'
                       ' FROM (SELECT id, "timestamp" FROM %s AS s'
                             ' WHERE ("timestamp", id) < ($2, $3) AND %s LIMIT %1$s) AS page',
                       size, type, stream, condition);
    END LOOP;

    FOR argument IN EXECUTE arguments LOOP
        EXECUTE format('EXECUTE oracle_wanted(%L)', argument) INTO wanted;
        EXECUTE format('EXECUTE oracle_whole(%L)', argument) INTO got;
        pages := 0;
        same := got = wanted;
        IF NOT same THEN
            INSERT INTO oracle.difference VALUES (kind, argument, NULL, wanted, got);
        END IF;
        FOREACH size IN ARRAY page_sizes LOOP
            CALL oracle.compare_pages(kind, argument, size, max_pages, wanted, pages, same);
        END LOOP;

        INSERT INTO oracle.result AS r (kind, cases, pages, differing, rows)
        VALUES (kind, 1, pages, (NOT same)::integer, cardinality(wanted))
        ON CONFLICT ON CONSTRAINT result_pkey DO UPDATE
        SET cases = r.cases + 1, pages = r.pages + excluded.pages,
            differing = r.differing + excluded.differing, rows = r.rows + excluded.rows;
    END LOOP;
END
$$;

-- user_stream with every combination of its other arguments
CREATE PROCEDURE oracle.compare_user_streams(
    kind text, followers text, page_sizes integer[] DEFAULT '{}', max_pages integer DEFAULT 1000000)
    LANGUAGE plpgsql AS $$
DECLARE
    args text;
BEGIN
    FOR args IN SELECT format('$1, %L, %L, %L', flag, own, since)
                FROM unnest('{NULL,"",watching,"a,b",unheard}'::text[]) AS flag,
                     unnest('{false,true}'::boolean[]) AS own,
                     unnest('{false,true}'::boolean[]) AS since
    LOOP
        CALL oracle.compare(kind, format('actstream.user_stream(%s)', args),
                            format('oracle.user_stream(%s)', args),
                            followers, page_sizes, max_pages);
    END LOOP;
END
$$;

-- 0 to n - 1, depending on nothing but the arguments
CREATE FUNCTION oracle.dice(n integer, what text, i integer)
    RETURNS integer LANGUAGE sql IMMUTABLE
    RETURN ('x' || left(encode(sha256(convert_to(what || i, 'UTF8')), 'hex'), 6))::bit(24)::integer % n;

CREATE FUNCTION oracle.uuid(what text, i integer)
    RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN left(encode(sha256(convert_to(what || i, 'UTF8')), 'hex'), 32)::uuid;
\set ECHO all
