-- changes_since() for viewers: what random transactions have done is told to each viewer as what it
-- means for the viewer's stream, which plain SQL computes before and after each transaction.
\i test/lib/fresh.sql
\i test/lib/plain_streams.sql
SELECT count(actstream.register_external(l)) FROM unnest('{u,r}'::text[]) AS l;
SELECT actstream.record_changes(true);
-- a transaction, counted in each round, and what it has changed
CREATE TABLE touched (transaction int, id bigint, UNIQUE (transaction, id));
-- what was in a viewer's stream before that
CREATE TABLE before (transaction int, viewer actstream.ref, id bigint, UNIQUE (transaction, viewer, id));
CREATE TABLE told (round int, n int GENERATED ALWAYS AS IDENTITY, viewer actstream.ref, operation text, action actstream.action);
-- of an action that is or was in the stream of a viewer: is it now, was it before the first transaction, by how many
-- transactions was it changed, and before how many of these was it there
CREATE TABLE wanted (round int, paged boolean, viewer actstream.ref, id bigint, is_in boolean, was_in boolean, times bigint, were_in bigint);
CREATE FUNCTION some_ref() RETURNS actstream.ref LANGUAGE sql VOLATILE
    RETURN CASE WHEN random() < 0.15 THEN NULL ELSE actstream.ref(CASE WHEN random() < 0.1 THEN 'r' ELSE 'u' END, floor(10 * random() ^ 2)::bigint) END;
CREATE FUNCTION some_verb() RETURNS text LANGUAGE sql VOLATILE
    RETURN ('{did,did,said,secret}'::text[])[1 + floor(random() * 4)];

-- a few actions are sent, changed or deleted
CREATE FUNCTION change(transaction int) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    ids bigint[] := ARRAY(SELECT a.id FROM actstream.actions a ORDER BY random() LIMIT 1 + floor(random() * 3));
    changed bigint[];
BEGIN
    CASE floor(random() * 9)
        WHEN 0, 1, 2 THEN
            WITH c AS (INSERT INTO actstream.actions (public, actor, verb, action_object, target)
                       SELECT random() < 0.8, coalesce(some_ref(), 'u:0'), some_verb(), some_ref(), some_ref() FROM generate_series(0, random()::int) RETURNING id)
            SELECT array_agg(id) INTO changed FROM c;
        WHEN 3 THEN
            WITH c AS (UPDATE actstream.actions a SET public = NOT public WHERE a.id = ANY (ids) RETURNING a.id)
            SELECT array_agg(id) INTO changed FROM c;
        WHEN 4 THEN
            WITH c AS (UPDATE actstream.actions a SET verb = some_verb() WHERE a.id = ANY (ids) RETURNING a.id)
            SELECT array_agg(id) INTO changed FROM c;
        WHEN 5 THEN
            WITH c AS (UPDATE actstream.actions a SET actor = coalesce(some_ref(), 'u:0'), target = some_ref(), action_object = some_ref() WHERE a.id = ANY (ids) RETURNING a.id)
            SELECT array_agg(id) INTO changed FROM c;
        WHEN 6 THEN
            WITH c AS (UPDATE actstream.actions a SET description = random()::text, "timestamp" = "timestamp" + random() * interval '1 s' WHERE a.id = ANY (ids) RETURNING a.id)
            SELECT array_agg(id) INTO changed FROM c;
        WHEN 7 THEN
            WITH c AS (DELETE FROM actstream.actions a WHERE a.id = ANY (ids) RETURNING a.id)
            SELECT array_agg(id) INTO changed FROM c;
        WHEN 8 THEN
            -- another id; or deleted, and inserted with the same one, at once or later
            IF random() < 0.3 THEN
                UPDATE actstream.actions a SET id = nextval(pg_get_serial_sequence('actstream.actions', 'id')) WHERE a.id = ids[1] RETURNING ARRAY[a.id, ids[1]] INTO changed;
            ELSE
                IF random() < 0.5 THEN
                    WITH c AS (DELETE FROM actstream.actions a WHERE a.id = ids[1] RETURNING a.*)
                    SELECT array_agg(c.id) INTO changed FROM c;
                ELSE
                    changed := ARRAY(SELECT n FROM actstream.actions_id_seq, generate_series(1, last_value) n
                                     WHERE NOT EXISTS (SELECT FROM actstream.actions a WHERE a.id = n) ORDER BY random() LIMIT 1);
                END IF;
                INSERT INTO actstream.actions (id, actor, verb, target) OVERRIDING SYSTEM VALUE
                SELECT id, coalesce(some_ref(), 'u:0'), some_verb(), some_ref() FROM unnest(changed) AS id;
            END IF;
    END CASE;
    INSERT INTO touched SELECT change.transaction, u.id FROM unnest(changed) AS u (id) ON CONFLICT DO NOTHING;
END
$$;

-- some of it in savepoints, of which some are undone
CREATE FUNCTION change_all(transaction int) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO before SELECT change_all.transaction, v.viewer, s.id FROM viewers v, plain.user_stream(v.viewer) s;
    FOR i IN 1..1 + floor(random() * 4) LOOP
        BEGIN
            PERFORM change(transaction);
            IF random() < 0.2 THEN
                RAISE EXCEPTION 'undone';
            END IF;
        EXCEPTION WHEN raise_exception THEN
        END;
    END LOOP;
END
$$;

-- follows, mutes and blocks change between rounds, for what is told goes by what they are now
CREATE FUNCTION follow_others() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    reader actstream.ref;
    other actstream.ref;
BEGIN
    FOR i IN 1..10 LOOP
        reader := actstream.ref('r', floor(random() * 60)::bigint);
        other := actstream.ref('u', floor(10 * random() ^ 2)::bigint);
        CASE floor(random() * 5)
            WHEN 0, 1, 2 THEN
                INSERT INTO actstream.follows (follower, followee, flag, actor_only, verbs)
                SELECT f.* FROM (SELECT reader AS follower, coalesce(some_ref(), 'u:1') AS followee, CASE WHEN random() < 0.2 THEN 'close' ELSE '' END, random() < 0.5, CASE WHEN random() < 0.2 THEN ARRAY[some_verb()] END) AS f
                WHERE NOT EXISTS (SELECT FROM actstream.mutes m WHERE m.block AND f.followee IN (m.muter, m.muted) AND f.follower IN (m.muter, m.muted))
                ON CONFLICT DO NOTHING;
            WHEN 3 THEN
                DELETE FROM actstream.follows f WHERE f.follower = reader;
            WHEN 4 THEN
                CASE floor(random() * 4)
                    WHEN 0 THEN PERFORM actstream.mute(reader, other, verbs => CASE WHEN random() < 0.5 THEN ARRAY[some_verb()] END);
                    WHEN 1 THEN PERFORM actstream.block(reader, other);
                    WHEN 2 THEN PERFORM actstream.block(other, reader);
                    WHEN 3 THEN DELETE FROM actstream.mutes m WHERE reader IN (m.muter, m.muted);
                END CASE;
        END CASE;
    END LOOP;
END
$$;

-- few viewers, many, or some of them twice; some that follow nobody
CREATE TABLE viewers (viewer actstream.ref PRIMARY KEY);
CREATE FUNCTION choose_viewers() RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
    TRUNCATE viewers, touched, before;
    INSERT INTO viewers SELECT actstream.ref('r', n) FROM generate_series(0, 60) n ORDER BY random() LIMIT (60 * random() ^ 3)::int + 1;
$$;

-- Rounds of some transactions, after which it is asked what has changed, at once or in parts.
CREATE PROCEDURE rounds(first int, last int) LANGUAGE plpgsql AS $$
DECLARE
    start text;
    reached text;
    r record;
    is_more boolean;
    paged boolean;
BEGIN
    FOR this_round IN first..last LOOP
        PERFORM follow_others(), choose_viewers();
        COMMIT;
        start := actstream.stream_position();
        FOR transaction IN 1..1 + floor(random() * 4) LOOP
            PERFORM change_all(transaction);
            COMMIT;
        END LOOP;
        reached := start;
        paged := random() < 0.5;
        LOOP
            is_more := false;
            FOR r IN SELECT c.* FROM actstream.changes_since(reached, ARRAY(SELECT v.viewer FROM viewers v) || (SELECT max(v.viewer) FROM viewers v),
                                                              CASE WHEN paged THEN 1 + floor(random() * 8)::int ELSE 100000 END) c LOOP
                is_more := true;
                reached := r.position;
                INSERT INTO told (round, viewer, operation, action) SELECT this_round, r.viewer, r.operation, r.action WHERE r.operation IS NOT NULL;
            END LOOP;
            EXIT WHEN NOT is_more;
        END LOOP;
        INSERT INTO wanted
        SELECT this_round, paged, v.viewer, t.id, s.id IS NOT NULL, (array_agg(b.id ORDER BY t.transaction))[1] IS NOT NULL, count(*), count(b.id)
        FROM touched t CROSS JOIN viewers v
        LEFT JOIN LATERAL (SELECT s.id FROM plain.user_stream(v.viewer) s WHERE s.id = t.id) AS s ON true
        LEFT JOIN before b ON b.viewer = v.viewer AND b.id = t.id AND b.transaction = t.transaction
        GROUP BY v.viewer, t.id, s.id
        HAVING s.id IS NOT NULL OR count(b.id) > 0;
        -- the action is told as it is now
        ASSERT NOT EXISTS (SELECT FROM told t WHERE t.round = this_round AND t.operation <> 'delete'
                           AND t.action IS DISTINCT FROM (SELECT a::actstream.action FROM actstream.actions a WHERE a.id = (t.action).id)),
               'another version';
        COMMIT;
    END LOOP;
END
$$;

-- Each transaction that has changed an action is told to the viewers who see it now: the first as inserted, if they did not
-- see it before that, and others as updates, unless it has left their streams meanwhile, or a part has begun.  To those who do
-- not see it now, and did before, it is told as deleted, once at least.
CREATE VIEW differences AS
SELECT * FROM wanted w FULL JOIN (
    SELECT t.round, t.viewer, (t.action).id, count(*) FILTER (WHERE operation = 'insert') AS inserts, count(*) FILTER (WHERE operation = 'update') AS updates,
           count(*) FILTER (WHERE operation = 'delete') AS deletes, (array_agg(operation ORDER BY t.n))[1] AS first
    FROM told t GROUP BY 1, 2, 3) AS t USING (round, viewer, id)
WHERE CASE WHEN is_in IS NULL THEN true
           WHEN is_in THEN (inserts + updates = times AND deletes = 0 AND inserts <= times - were_in AND (was_in OR first = 'insert')
                            AND (paged OR were_in > 0 OR inserts = 1)) IS NOT TRUE
           WHEN was_in THEN (inserts + updates = 0 AND deletes BETWEEN 1 AND were_in) IS NOT TRUE
           ELSE inserts + updates > 0 OR deletes > were_in END;

SELECT setseed(0.4);
SET jit = off;
CALL rounds(1, 120);
SELECT * FROM differences;
-- all of it has happened
SELECT operation, count(*) > 100 AS often FROM told GROUP BY operation ORDER BY operation;
-- the same as a role that does not see all of it, now or before
CREATE ROLE changes_reader;
GRANT USAGE ON SCHEMA actstream, plain TO changes_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA actstream, public TO changes_reader;
GRANT INSERT ON told, wanted TO changes_reader;
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON actstream.actions USING (verb <> 'secret');
SET ROLE changes_reader;
CALL rounds(121, 180);
RESET ROLE;
SELECT * FROM differences;
SELECT operation, count(*) > 30 AS often, count(*) FILTER (WHERE (action).actor IS NOT NULL AND operation = 'delete') AS deleted_known,
       count(*) FILTER (WHERE (action).verb = 'secret') AS secret
FROM told WHERE round > 120 GROUP BY operation ORDER BY operation;
DROP OWNED BY changes_reader;
DROP ROLE changes_reader;
SET client_min_messages = warning;
DROP TABLE touched, before, told, wanted, viewers CASCADE;
DROP EXTENSION actstream CASCADE;
DROP SCHEMA plain CASCADE;
DROP FUNCTION some_verb, change, change_all, follow_others, choose_viewers;
DROP PROCEDURE rounds;
