\set ECHO none
--
-- Notifications by brute force: every mark, exception and snooze is kept as an event, and
-- what has been seen and read is what the last event about it says.  After
-- plain_streams.sql.
--
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS marks CASCADE;
RESET client_min_messages;

CREATE SCHEMA marks;

-- in which order what became visible when
CREATE SEQUENCE marks.clock;
CREATE TABLE marks.arrived (id bigint PRIMARY KEY, seq bigint NOT NULL DEFAULT nextval('marks.clock'), published boolean NOT NULL DEFAULT false);

-- A mark is about everything up to a place that had arrived; the others about one action:
-- read, unread; away (until is null or an hour from now), back (taken out), returned (a
-- snooze is over).
CREATE TABLE marks.event (
    seq    bigint PRIMARY KEY DEFAULT nextval('marks.clock'),
    reader actstream.ref NOT NULL,
    kind   text NOT NULL,
    seen   boolean NOT NULL DEFAULT false,      -- is the mark about seen?
    up_to  timestamptz, up_to_id bigint,
    id     bigint,
    snooze boolean
);
CREATE INDEX ON marks.event (reader);

CREATE FUNCTION marks.readers() RETURNS TABLE (reader actstream.ref) LANGUAGE sql STABLE AS $$
    SELECT actstream.ref('r', n) FROM generate_series(0, 299) AS n
$$;

CREATE PROCEDURE marks.send(n int, backdated boolean DEFAULT false) LANGUAGE sql AS $$
    WITH sent AS (
        INSERT INTO actstream.actions ("timestamp", public, actor, verb, target)
        SELECT date_trunc('second', '2026-01-01'::timestamptz
                   + CASE WHEN backdated THEN random() ELSE 1 + 0.0001 * g + 0.00001 * (SELECT count(*) FROM actstream.actions) END * interval '10 days'),
               random() > 0.1, actstream.ref(CASE WHEN random() < 0.1 THEN 'r' ELSE 'u' END, (random() * 60)::int), 'did',
               actstream.ref(CASE WHEN random() < 0.5 THEN 't' ELSE 'u' END, (random() * 60)::int)
        FROM generate_series(1, n) AS g
        RETURNING id)
    INSERT INTO marks.arrived (id) SELECT id FROM sent
$$;

-- the state of each action of the stream of a reader
CREATE FUNCTION marks.state(reader actstream.ref, flag text DEFAULT NULL)
    RETURNS TABLE (id bigint, "timestamp" timestamptz, seen boolean, read boolean, away boolean, own boolean)
    LANGUAGE sql STABLE AS $$
    WITH e AS MATERIALIZED (SELECT * FROM marks.event e WHERE e.reader = $1)
    SELECT s.id, s."timestamp",
           own OR read OR (marked_seen IS NOT NULL AND NOT coalesce(back_unseen > marked_seen, false)),
           own OR read,
           coalesce(away_kind = 'away', false), own
    FROM (
        SELECT s.id, s."timestamp", s.actor = $1 AS own,
               coalesce((SELECT e.kind IN ('mark', 'read') FROM e
                         WHERE (e.id = s.id AND e.kind IN ('read', 'unread', 'returned'))
                            OR (e.kind = 'mark' AND NOT e.seen AND (s."timestamp", s.id) <= (e.up_to, e.up_to_id) AND a.seq < e.seq)
                         ORDER BY e.seq DESC LIMIT 1), false) AS read,
               (SELECT max(e.seq) FROM e
                WHERE e.kind = 'mark' AND e.seen AND (s."timestamp", s.id) <= (e.up_to, e.up_to_id) AND a.seq < e.seq) AS marked_seen,
               -- it has come back, and nothing else has been done with it since
               (SELECT CASE WHEN e.kind = 'returned' THEN e.seq END FROM e WHERE e.id = s.id ORDER BY e.seq DESC LIMIT 1) AS back_unseen,
               (SELECT e.kind FROM e WHERE e.id = s.id AND e.kind IN ('away', 'back', 'returned') ORDER BY e.seq DESC LIMIT 1) AS away_kind
        FROM plain.user_stream($1, $2) s
        JOIN marks.arrived a ON a.id = s.id) s
    ORDER BY s."timestamp" DESC, s.id DESC
$$;

CREATE FUNCTION marks.wanted(reader actstream.ref, archived boolean, flag text) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(concat_ws(' ', s.id, s.seen, s.read)), '{}') FROM marks.state($1, $3) s WHERE s.away = $2
$$;
CREATE FUNCTION marks.list(reader actstream.ref, archived boolean DEFAULT false, flag text DEFAULT NULL) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT coalesce(array_agg(concat_ws(' ', (n.action).id, n.seen, n.read)), '{}') FROM actstream.notifications($1, '', $3, $2) n
$$;
-- the same, page by page
CREATE FUNCTION marks.pages(reader actstream.ref, archived boolean, flag text, size int) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    result text[] := '{}';
    page text[];
    place text;
BEGIN
    LOOP
        SELECT coalesce(array_agg(concat_ws(' ', (n.action).id, n.seen, n.read)), '{}'),
               (array_agg(actstream.stream_cursor(n.action)))[size]
        INTO page, place
        FROM (SELECT * FROM actstream.notifications(reader, '', flag, archived, before => place) LIMIT size) n;
        result := result || page;
        EXIT WHEN place IS NULL;
    END LOOP;
    RETURN result;
END
$$;

-- One operation of each kind, as an event and for real.
CREATE PROCEDURE marks.mark(who actstream.ref, is_read boolean, up_to text) LANGUAGE plpgsql AS $$
DECLARE
    place actstream.action;
    highest record;
    below record;
BEGIN
    IF up_to IS NULL THEN
        SELECT * INTO place FROM plain.user_stream(who) ORDER BY "timestamp" DESC, id DESC LIMIT 1;
    ELSE
        SELECT * INTO place FROM actstream.actions a WHERE actstream.stream_cursor(a) = up_to;
    END IF;
    IF place.id IS NOT NULL THEN
        -- where the mark of that kind is now
        SELECT e.up_to, e.up_to_id INTO highest FROM marks.event e
        WHERE e.reader = who AND e.kind = 'mark' AND NOT e.seen ORDER BY e.up_to DESC, e.up_to_id DESC LIMIT 1;
        IF is_read AND (highest.up_to IS NULL OR (highest.up_to, highest.up_to_id) <= (place."timestamp", place.id)) THEN
            INSERT INTO marks.event (reader, kind, seen, up_to, up_to_id) VALUES (who, 'mark', false, place."timestamp", place.id);
        ELSIF is_read THEN
            INSERT INTO marks.event (reader, kind, id)
            SELECT who, 'read', s.id FROM marks.state(who) s WHERE NOT s.read AND (s."timestamp", s.id) <= (place."timestamp", place.id);
        END IF;
        SELECT e.up_to, e.up_to_id INTO highest FROM marks.event e
        WHERE e.reader = who AND e.kind = 'mark' AND e.seen ORDER BY e.up_to DESC, e.up_to_id DESC LIMIT 1;
        IF highest.up_to IS NULL OR (highest.up_to, highest.up_to_id) <= (place."timestamp", place.id) THEN
            INSERT INTO marks.event (reader, kind, seen, up_to, up_to_id) VALUES (who, 'mark', true, place."timestamp", place.id);
        ELSIF up_to IS NULL AND NOT is_read THEN
            INSERT INTO marks.event (reader, kind, seen, up_to, up_to_id) VALUES (who, 'mark', true, highest.up_to, highest.up_to_id);
        END IF;
    END IF;
    IF is_read THEN
        PERFORM actstream.mark_all_read(who, up_to => up_to);
    ELSE
        PERFORM actstream.mark_all_seen(who, up_to => up_to);
    END IF;
END
$$;

-- Some actions, most of them of the reader's stream.
CREATE FUNCTION marks.some(who actstream.ref) RETURNS bigint[] LANGUAGE sql VOLATILE AS $$
    SELECT ARRAY(SELECT a.id FROM (SELECT s.id FROM plain.user_stream(who) s ORDER BY s."timestamp" DESC LIMIT 200) a ORDER BY random() LIMIT 1 + random() * 6)
           || (random() * 12000)::bigint
$$;

CREATE PROCEDURE marks.change(who actstream.ref, what text, ids bigint[]) LANGUAGE plpgsql AS $$
DECLARE
    expected bigint;
    changed bigint;
    until timestamptz := CASE what WHEN 'snooze' THEN now() + interval '1 hour' WHEN 'back' THEN '-infinity' END;
BEGIN
    INSERT INTO marks.event (reader, kind, id, snooze)
    SELECT who, CASE WHEN what IN ('archive', 'snooze') THEN 'away' ELSE what END, s.id, what = 'snooze'
    FROM marks.state(who) s
    WHERE s.id = ANY (ids)
      AND CASE what WHEN 'read' THEN NOT s.own AND NOT s.read
                    WHEN 'unread' THEN NOT s.own AND s.read
                    WHEN 'back' THEN s.away
                    ELSE true END;
    GET DIAGNOSTICS expected = ROW_COUNT;
    CASE what
        WHEN 'read' THEN changed := actstream.mark_read(who, actions => ids);
        WHEN 'unread' THEN changed := actstream.mark_unread(who, ids);
        ELSE changed := actstream.archive(who, ids, until => until);
    END CASE;
    IF changed <> expected AND what NOT IN ('archive', 'snooze') THEN
        RAISE WARNING '% % %: % instead of %', what, who, ids, changed, expected;
    END IF;
END
$$;

-- Two hours pass: everything that is stored becomes older.
CREATE PROCEDURE marks.wait() LANGUAGE sql AS $$
    UPDATE actstream.marks SET seen_at = seen_at - interval '2 hours', read_at = read_at - interval '2 hours';
    UPDATE actstream.mark_exceptions SET until = until - interval '2 hours';
    UPDATE actstream.changes SET recorded = recorded - interval '2 hours',
        delay = tstzrange(least("timestamp", recorded - interval '2 hours'), greatest("timestamp", recorded - interval '2 hours'), '[]');
    INSERT INTO marks.event (reader, kind, id)
    SELECT e.reader, 'returned', e.id
    FROM (SELECT DISTINCT ON (e.reader, e.id) e.* FROM marks.event e WHERE e.kind IN ('away', 'back', 'returned') ORDER BY e.reader, e.id, e.seq DESC) e
    WHERE e.kind = 'away' AND e.snooze;
$$;

-- So many random operations, each in a transaction of its own.
CREATE PROCEDURE marks.act(n int, kinds text[] DEFAULT '{mark_seen,mark_read,mark_seen_up_to,mark_read_up_to,mark_read_up_to,read,read,unread,unread,archive,snooze,snooze,back,send,send,backdate,backdate,publish,wait,mute,mute,unmute}')
    LANGUAGE plpgsql AS $$
DECLARE
    kind text;
    who actstream.ref;
    cursor text;
    chosen bigint;
BEGIN
    FOR i IN 1 .. n LOOP
        kind := kinds[1 + trunc(random() * cardinality(kinds))];
        who := actstream.ref('r', (random() * random() * 299)::int);
        SELECT actstream.stream_cursor(s) INTO cursor FROM (SELECT * FROM plain.user_stream(who) ORDER BY "timestamp" DESC LIMIT 200) s ORDER BY random() LIMIT 1;
        CASE kind
            WHEN 'mark_seen' THEN CALL marks.mark(who, false, NULL);
            WHEN 'mark_read' THEN CALL marks.mark(who, true, NULL);
            WHEN 'mark_seen_up_to' THEN CALL marks.mark(who, false, cursor);
            WHEN 'mark_read_up_to' THEN CALL marks.mark(who, true, cursor);
            WHEN 'send' THEN CALL marks.send(1);
            -- what is muted keeps its state
            WHEN 'mute' THEN PERFORM actstream.mute(who, actstream.ref(CASE WHEN random() < 0.5 THEN 't' ELSE 'u' END, (random() * 60)::int));
            WHEN 'unmute' THEN DELETE FROM actstream.mutes m WHERE m.muter = who;
            WHEN 'backdate' THEN CALL marks.send(1, true);
            WHEN 'publish' THEN
                SELECT id INTO chosen FROM actstream.actions WHERE NOT public ORDER BY random() LIMIT 1;
                UPDATE actstream.actions a SET public = true WHERE a.id = chosen;
                UPDATE marks.arrived a SET seq = nextval('marks.clock'), published = true WHERE a.id = chosen;
            -- seldom, for it is about everybody
            WHEN 'wait' THEN IF random() < 0.1 THEN CALL marks.wait(); END IF;
            ELSE CALL marks.change(who, kind, marks.some(who));
        END CASE;
        COMMIT;
    END LOOP;
END
$$;

-- How many readers there are, every third or all, and for how many something differs: whole
-- lists and the archive, with a flag, in pages, and counts with and without a cap.
CREATE FUNCTION marks.differences(part int DEFAULT NULL)
    RETURNS TABLE (readers bigint, rows bigint, archived bigint, lists bigint, archives bigint, flagged bigint, pages bigint, unread bigint, unseen bigint, capped bigint)
    LANGUAGE sql STABLE AS $$
    SELECT count(*), sum(cardinality(w.current)), sum(cardinality(w.archived)),
           count(*) FILTER (WHERE marks.list(reader) <> w.current),
           count(*) FILTER (WHERE marks.list(reader, true) <> w.archived),
           count(*) FILTER (WHERE marks.list(reader, false, 'close') <> marks.wanted(reader, false, 'close')),
           count(*) FILTER (WHERE marks.pages(reader, false, NULL, 97) <> w.current OR marks.pages(reader, true, NULL, 3) <> w.archived),
           count(*) FILTER (WHERE actstream.unread_count(reader, cap => NULL) <> c.unread
                               OR ARRAY(SELECT (n.action).id FROM actstream.unread(reader) n) <>
                                  ARRAY(SELECT (n.action).id FROM actstream.notifications(reader) n WHERE NOT n.read)
                               OR ARRAY(SELECT n FROM actstream.unread(reader, flag => 'close') n LIMIT 7) <>
                                  ARRAY(SELECT n FROM actstream.notifications(reader, flag => 'close') n WHERE NOT n.read LIMIT 7)),
           count(*) FILTER (WHERE actstream.unseen_count(reader, cap => NULL) <> c.unseen),
           count(*) FILTER (WHERE actstream.unread_count(reader) <> least(c.unread, 100) OR actstream.unseen_count(reader, cap => 7) <> least(c.unseen, 7)
                               OR actstream.unread_count(reader, flag => 'close', cap => 20) <>
                                  least((SELECT count(*) FROM marks.state(reader, 'close') s WHERE NOT s.away AND NOT s.read), 20))
    FROM (SELECT r.reader FROM marks.readers() WITH ORDINALITY r (reader, n) WHERE part IS NULL OR r.n % 3 = part) r
    CROSS JOIN LATERAL (SELECT marks.wanted(reader, false, NULL) AS current, marks.wanted(reader, true, NULL) AS archived) w
    CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE NOT s.read) AS unread, count(*) FILTER (WHERE NOT s.seen) AS unseen
                        FROM marks.state(reader) s WHERE NOT s.away) c
$$;

-- Was there enough of everything?
CREATE FUNCTION marks.met() RETURNS TABLE (unseen boolean, seen boolean, read boolean, archived boolean, exceptions boolean, late boolean, returned boolean)
    LANGUAGE sql STABLE AS $$
    SELECT count(*) FILTER (WHERE NOT s.seen) > 1000, count(*) FILTER (WHERE s.seen AND NOT s.read) > 1000, count(*) FILTER (WHERE s.read) > 1000,
           count(*) FILTER (WHERE s.away) > 500,
           (SELECT count(*) > 300 FROM actstream.mark_exceptions WHERE read IS NOT NULL),
           (SELECT count(*) > 500 FROM actstream.changes WHERE arrived),
           (SELECT count(*) > 100 FROM actstream.mark_exceptions WHERE until < now())
    FROM marks.readers() r CROSS JOIN LATERAL marks.state(r.reader) s
$$;

-- Takes out of the archive, makes unread, and deletes marks and mutes, in random order; and
-- makes private what was published.
CREATE PROCEDURE marks.undo() LANGUAGE plpgsql AS $$
DECLARE
    x record;
BEGIN
    FOR x IN SELECT * FROM (SELECT e.reader, e.action_id, what.kind FROM actstream.mark_exceptions e CROSS JOIN (VALUES ('back'), ('unread')) AS what (kind)
                            UNION ALL SELECT m.reader, NULL, 'mark' FROM actstream.marks m
                            UNION ALL SELECT DISTINCT m.muter, NULL::bigint, 'mute' FROM actstream.mutes m) AS x ORDER BY random()
    LOOP
        CASE x.kind
            WHEN 'back' THEN PERFORM actstream.archive(x.reader, ARRAY[x.action_id], until => '-infinity');
            WHEN 'unread' THEN PERFORM actstream.mark_unread(x.reader, ARRAY[x.action_id]);
            WHEN 'mute' THEN DELETE FROM actstream.mutes m WHERE m.muter = x.reader;
            ELSE DELETE FROM actstream.marks m WHERE m.reader = x.reader;
        END CASE;
    END LOOP;
    UPDATE actstream.actions SET public = false WHERE id IN (SELECT id FROM marks.arrived a WHERE a.published);
END
$$;
\set ECHO all
