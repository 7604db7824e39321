#!/usr/bin/env python3
"""Notifications while everything changes: six sessions send, delete, mark, archive, snooze,
mute, unfollow and change policies, also in transactions that commit late, and compare badges and
lists with a brute force in the same statement.

    marks.py CONNINFO OPERATIONS [SEED]

The database must have the extension's tables, and plain_streams.sql.  The brute force knows
of every operation as an event with the snapshot that the operation had, and of every
action the transaction that sent it; it reads none of the extension's marks, exceptions and
records.  Prints what was done; the exit status is 1 if anything differed.
"""
import random
import sys
import threading
from collections import Counter

import psycopg

# without an encoding, which clusters of locale C have, texts come as bytes
CONNINFO, OPERATIONS = sys.argv[1] + " client_encoding=utf8", int(sys.argv[2])
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
SESSIONS, READERS, ACTORS, ROUND = 6, 8, 25, 1500

SETUP = """
DROP SCHEMA IF EXISTS log CASCADE;
CREATE SCHEMA log;
CREATE TABLE log.sent (id bigint PRIMARY KEY, xid xid8 NOT NULL DEFAULT pg_current_xact_id());
CREATE TABLE log.event (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, reader actstream.ref NOT NULL, kind text NOT NULL, id bigint,
    up_to timestamptz, up_to_id bigint, snapshot pg_snapshot, xid xid8 DEFAULT pg_current_xact_id(), at timestamptz DEFAULT now(), until timestamptz);
CREATE INDEX ON log.event (reader);
CREATE FUNCTION log.state(reader actstream.ref) RETURNS TABLE (id bigint, "timestamp" timestamptz, own boolean, seen boolean, read boolean, away boolean, returned boolean)
    LANGUAGE sql STABLE AS $$
    WITH e AS MATERIALIZED (SELECT * FROM log.event e WHERE e.reader = $1),
    s AS MATERIALIZED (SELECT s.id, s."timestamp", s.actor = $1 AS own, a.xid FROM plain.user_stream($1) s JOIN log.sent a ON a.id = s.id),
    x AS MATERIALIZED (
        SELECT s.*, away.away, away.returned,
               -- an exception that the snapshot of a mark has not seen comes after the mark
               EXISTS (SELECT FROM e WHERE e.kind = 'mark_read' AND (s."timestamp", s.id) <= (e.up_to, e.up_to_id)
                       AND (pg_visible_in_snapshot(s.xid, e.snapshot) OR s.xid = e.xid)
                       AND (last.seq IS NULL OR (e.seq > last.seq AND (pg_visible_in_snapshot(last.xid, e.snapshot) OR NOT last.is_exception))))
                   OR coalesce(last.kind = 'read', false) AS read,
               EXISTS (SELECT FROM e WHERE e.kind = 'mark_seen' AND (s."timestamp", s.id) <= (e.up_to, e.up_to_id)
                       AND (pg_visible_in_snapshot(s.xid, e.snapshot) OR s.xid = e.xid)) AS seen,
               EXISTS (SELECT FROM e WHERE e.kind = 'mark_read' AND (s."timestamp", s.id) <= (e.up_to, e.up_to_id) AND e.at >= away.until AND e.seq > away.seq) AS read_since,
               -- what has found it back takes it out, also for whoever's now() is before that
               EXISTS (SELECT FROM e WHERE e.kind = 'mark_read' AND (s."timestamp", s.id) <= (e.up_to, e.up_to_id) AND e.at >= away.until
                       AND pg_visible_in_snapshot(away.xid, e.snapshot))
                   OR EXISTS (SELECT FROM e WHERE e.id = s.id AND e.seq > away.seq AND e.kind IN ('read', 'unread') AND e.at >= away.until) AS brought_back,
               EXISTS (SELECT FROM e WHERE e.kind = 'mark_seen' AND (s."timestamp", s.id) <= (e.up_to, e.up_to_id) AND e.at >= away.until AND e.seq > away.seq) AS seen_since
        FROM s LEFT JOIN LATERAL (
            -- to be unread is none where no mark was
            SELECT e.*, e.kind <> 'unread' OR EXISTS (SELECT FROM e m WHERE m.kind = 'mark_read' AND m.seq < e.seq
                                                      AND (s."timestamp", s.id) <= (m.up_to, m.up_to_id)) AS is_exception
            FROM e WHERE e.id = s.id AND e.kind IN ('read', 'unread', 'was_back') ORDER BY e.seq DESC LIMIT 1) AS last ON true
        LEFT JOIN LATERAL (
            SELECT e.seq, e.xid, e.until, e.kind = 'away' AND (e.until IS NULL OR e.until > now()) AS away,
                   e.kind = 'away' AND e.until <= now()
                   AND NOT EXISTS (SELECT FROM e o WHERE o.id = s.id AND o.seq > e.seq AND o.kind IN ('read', 'unread') AND o.at >= e.until) AS returned
            FROM e WHERE e.id = s.id AND e.kind IN ('away', 'back') ORDER BY e.seq DESC LIMIT 1) AS away ON true)
    SELECT x.id, x."timestamp", x.own,
           x.own OR (coalesce(x.read, false) AND NOT (coalesce(x.returned, false) AND NOT x.read_since))
               OR (x.seen AND NOT (coalesce(x.returned, false) AND NOT x.seen_since AND NOT x.read_since)),
           x.own OR (coalesce(x.read, false) AND NOT (coalesce(x.returned, false) AND NOT x.read_since)),
           coalesce(x.away, false) AND NOT x.brought_back, coalesce(x.returned, false) AND NOT x.read_since
    FROM x
$$;
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'marks_reader') THEN CREATE ROLE marks_reader; END IF;
END $$;
GRANT USAGE ON SCHEMA actstream, plain, log TO marks_reader;
GRANT ALL ON ALL TABLES IN SCHEMA actstream, log TO marks_reader;
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS p ON actstream.actions;
CREATE POLICY p ON actstream.actions USING (verb <> 'secret');
SELECT actstream.record_changes(true);
SELECT count(actstream.register_external(l)) FROM unnest(ARRAY['u', 'r']) AS l;
TRUNCATE actstream.actions, actstream.follows, actstream.mutes, actstream.changes, actstream.marks, actstream.mark_exceptions;
"""

SEND = """
WITH sent AS (
    INSERT INTO actstream.actions ("timestamp", public, actor, verb, target)
    SELECT date_trunc('second', clock_timestamp()) - %s * interval '1 second' * random(), true, actstream.ref(CASE WHEN random() < 0.1 THEN 'r' ELSE 'u' END, %s),
           (ARRAY['did', 'did', 'secret'])[1 + floor(random() * 3)], actstream.ref('u', %s)
    FROM generate_series(1, %s)
    RETURNING id)
INSERT INTO log.sent (id) SELECT id FROM sent
"""

CHECK = """
WITH wanted AS MATERIALIZED (SELECT * FROM log.state(%(r)s::actstream.ref))
SELECT actstream.unread_count(%(r)s::actstream.ref, cap => NULL), (SELECT count(*) FROM wanted WHERE NOT away AND NOT read),
       actstream.unseen_count(%(r)s::actstream.ref, cap => NULL), (SELECT count(*) FROM wanted WHERE NOT away AND NOT seen),
       actstream.unread_count(%(r)s::actstream.ref, cap => 10), (SELECT least(count(*), 10) FROM wanted WHERE NOT away AND NOT read),
       ARRAY(SELECT concat_ws(' ', (n.action).id, n.seen, n.read) FROM actstream.notifications(%(r)s::actstream.ref) AS n),
       ARRAY(SELECT concat_ws(' ', id, seen, read) FROM wanted WHERE NOT away ORDER BY "timestamp" DESC, id DESC),
       ARRAY(SELECT concat_ws(' ', (n.action).id, n.seen, n.read) FROM actstream.notifications(%(r)s::actstream.ref, archived => true) AS n),
       ARRAY(SELECT concat_ws(' ', id, seen, read) FROM wanted WHERE away ORDER BY "timestamp" DESC, id DESC),
       ARRAY(SELECT (n.action).id FROM actstream.unread(%(r)s::actstream.ref) AS n),
       ARRAY(SELECT id FROM wanted WHERE NOT away AND NOT read ORDER BY "timestamp" DESC, id DESC)
"""

done, wrong, lock = Counter(), [], threading.Lock()
# of a follow, InsufficientPrivilege: there is a block meanwhile
retry = (psycopg.errors.SerializationFailure, psycopg.errors.InsufficientPrivilege, psycopg.errors.DeadlockDetected, psycopg.errors.UniqueViolation)


class Session(threading.Thread):
    def __init__(self, number):
        super().__init__()
        self.dice = random.Random(SEED * 100 + number)
        self.main = psycopg.connect(CONNINFO, autocommit=True)
        self.main.execute("SET ROLE marks_reader; SET jit = off")
        self.owner = psycopg.connect(CONNINFO, autocommit=True)
        self.late = psycopg.connect(CONNINFO, autocommit=True)
        self.number = number
        self.is_open = False

    def reader(self):
        return f"r:{sum(done.values()) // ROUND * READERS + self.dice.randrange(READERS)}"

    def run(self):
        kinds = {self.send: 6, self.late_send: 5, self.delete: 2, self.mark: 6, self.change: 9, self.follow: 3, self.mute: 2, self.policy: 0.2, self.check: 10, self.trim: 0.5}
        try:
            while sum(done.values()) < OPERATIONS and not wrong:
                kind = self.dice.choices(list(kinds), list(kinds.values()))[0]
                try:
                    what = kind()
                except retry as error:
                    if isinstance(error, psycopg.errors.DeadlockDetected):
                        wrong.append(f"deadlock in {kind.__name__}")
                    self.main.execute("ROLLBACK")
                    what = "serialization failures"
                with lock:
                    done[what] += 1
        except Exception as error:
            wrong.append(repr(error))
            raise
        finally:
            if self.is_open:
                self.late.execute("ROLLBACK")

    def send(self, connection=None):
        ago = self.dice.choice((0, 0, 3, 60, 3600))
        (connection or self.owner).execute(SEND, (ago, self.dice.randrange(ACTORS), self.dice.randrange(ACTORS), self.dice.choice((1, 1, 3))))
        return "sends"

    def late_send(self):
        """A transaction that stays open meanwhile."""
        if not self.is_open:
            self.late.execute(self.dice.choice(("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ")))
            self.send(self.late)
            if self.dice.random() < 0.4:
                self.late.execute("SAVEPOINT a")
                self.send(self.late)
                self.late.execute(self.dice.choice(("RELEASE a", "ROLLBACK TO a", "SELECT 1")))
            self.is_open = True
            return "transactions left open"
        self.is_open = False
        end = self.dice.choice(("COMMIT", "COMMIT", "ROLLBACK", "PREPARE"))
        if end == "PREPARE":
            self.late.execute(f"PREPARE TRANSACTION 'late {SEED} {self.number}'")
            self.check()
            end = "COMMIT PREPARED"
            self.late.execute(f"{end} 'late {SEED} {self.number}'")
        else:
            self.late.execute(end)
        return f"late ends by {end}"

    def delete(self):
        self.owner.execute("DELETE FROM actstream.actions WHERE id IN (SELECT id FROM actstream.actions ORDER BY random() LIMIT greatest(3, (SELECT count(*) FROM actstream.actions) - 300))")
        return "deletes"

    def some(self, reader, n):
        return [row[0] for row in self.main.execute(
            "SELECT id FROM (SELECT s.id FROM actstream.user_stream(%s::actstream.ref) s LIMIT 60) s ORDER BY random() LIMIT %s", (reader, n))]

    def mark(self):
        reader = self.reader()
        kind = self.dice.choice(("seen", "read"))
        self.main.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        ids = self.some(reader, 1) if self.dice.random() < 0.6 else []
        args = {"r": reader, "id": ids[0] if ids else None}
        place = self.main.execute("""SELECT s."timestamp", s.id, actstream.stream_cursor(s) FROM plain.user_stream(%(r)s::actstream.ref) s
            WHERE %(id)s::bigint IS NULL OR s.id = %(id)s ORDER BY s."timestamp" DESC, s.id DESC LIMIT 1""", args).fetchone()
        self.main.execute(f"SELECT actstream.mark_all_{kind}(%s::actstream.ref, up_to => %s)", (reader, place[2] if ids else None))
        if place is not None:
            args.update(t=place[0], i=place[1])
            for mark in ("mark_seen", "mark_read") if kind == "read" else ("mark_seen",):
                moved = self.main.execute("""INSERT INTO log.event (reader, kind, up_to, up_to_id, snapshot)
                    SELECT %(r)s::actstream.ref, %(k)s, %(t)s, %(i)s, pg_current_snapshot()
                    WHERE NOT EXISTS (SELECT FROM log.event e WHERE e.reader = %(r)s::actstream.ref AND e.kind = %(k)s AND (e.up_to, e.up_to_id) > (%(t)s, %(i)s))""",
                    {**args, "k": mark}).rowcount
                if kind == "seen" and not ids and not moved:
                    self.main.execute("""INSERT INTO log.event (reader, kind, up_to, up_to_id, snapshot)
                        SELECT e.reader, e.kind, e.up_to, e.up_to_id, pg_current_snapshot() FROM log.event e
                        WHERE e.reader = %(r)s::actstream.ref AND e.kind = 'mark_seen' ORDER BY e.up_to DESC, e.up_to_id DESC LIMIT 1""", args)
                if mark == "mark_read" and not moved:
                    self.main.execute("""INSERT INTO log.event (reader, kind, id)
                        SELECT %(r)s::actstream.ref, 'read', s.id FROM log.state(%(r)s::actstream.ref) s WHERE NOT s.read AND (s."timestamp", s.id) <= (%(t)s, %(i)s)""", args)
        self.main.execute("COMMIT")
        return f"mark_{kind}"

    def change(self):
        reader = self.reader()
        what = self.dice.choice(("read", "unread", "archive", "snooze", "back"))
        self.main.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        args = {"r": reader, "ids": self.some(reader, self.dice.randrange(1, 6)) + [10 ** 9], "what": what, "kind": "away" if what in ("archive", "snooze") else what,
                "ms": self.dice.choice((1, 20, 500))}
        until = self.main.execute("SELECT CASE %(what)s::text WHEN 'snooze' THEN now() + %(ms)s * interval '1 ms' WHEN 'back' THEN '-infinity' END::text", args).fetchone()[0]
        args["until"] = until
        call = {"read": "mark_read(%(r)s::actstream.ref, actions => %(ids)s::bigint[])", "unread": "mark_unread(%(r)s::actstream.ref, %(ids)s::bigint[])"}
        changed = self.main.execute("SELECT actstream." + call.get(what, "archive(%(r)s::actstream.ref, %(ids)s::bigint[], until => %(until)s::timestamptz)"), args).fetchone()[0]
        # what had come back, and is put away again, is unread when it is taken out
        logged = self.main.execute("""
            WITH s AS MATERIALIZED (SELECT * FROM log.state(%(r)s::actstream.ref) s WHERE s.id = ANY (%(ids)s)
                AND CASE %(what)s::text WHEN 'read' THEN NOT s.own AND NOT s.read WHEN 'unread' THEN NOT s.own AND s.read WHEN 'back' THEN s.away ELSE true END),
            was_back AS (INSERT INTO log.event (reader, kind, id)
                SELECT %(r)s::actstream.ref, 'was_back', s.id FROM s WHERE %(kind)s::text = 'away' AND s.returned)
            INSERT INTO log.event (reader, kind, id, until)
            SELECT %(r)s::actstream.ref, %(kind)s, s.id,
                   -- after the marks that are there, whose transactions may have begun later
                   CASE WHEN %(until)s::timestamptz > now() THEN greatest(%(until)s::timestamptz, (
                        SELECT max(e.at) + interval '1 us' FROM log.event e WHERE e.reader = %(r)s::actstream.ref AND e.kind IN ('mark_seen', 'mark_read')))
                        ELSE %(until)s::timestamptz END
            FROM s""", args).rowcount
        self.main.execute("COMMIT")
        if changed != logged and what in ("read", "unread"):
            wrong.append(f"{what}: {changed} instead of {logged}")
        return what

    def follow(self):
        reader = self.reader()
        if self.dice.random() < 0.7:
            self.main.execute("""INSERT INTO actstream.follows (follower, followee, actor_only, verbs)
                SELECT DISTINCT ON (f.followee) f.* FROM (SELECT %s::actstream.ref, actstream.ref(CASE WHEN random() < 0.1 THEN 'r' ELSE 'u' END, floor(random() * %s)::bigint), random() < 0.5,
                       CASE WHEN random() < 0.2 THEN ARRAY['did'] END FROM generate_series(1, 3)) AS f (follower, followee, actor_only, verbs)
                WHERE NOT EXISTS (SELECT FROM actstream.mutes m WHERE m.block AND f.followee IN (m.muter, m.muted) AND f.follower IN (m.muter, m.muted))
                ON CONFLICT DO NOTHING""", (reader, ACTORS))
            return "follows"
        self.main.execute("DELETE FROM actstream.follows WHERE follower = %s::actstream.ref AND random() < 0.4", (reader,))
        return "unfollows"

    def mute(self):
        reader = self.reader()
        muted = f"u:{self.dice.randrange(ACTORS)}"
        call = self.dice.choice(("mute(%s, %s)", "mute(%s, %s, verbs => '{did}')", "mute(%s, %s, until => now() + interval '500 ms')", "block(%s, %s)",
                                 "unmute(%s, %s)", "unmute(%s, %s)", "unblock(%s, %s)"))
        if self.dice.random() < 0.1:
            self.main.execute("DELETE FROM actstream.mutes WHERE muter = %s::actstream.ref", (reader,))
        else:
            self.main.execute("SELECT actstream." + call, (reader, muted))
        return call.partition("(")[0] + "s"

    def policy(self):
        self.late.execute("ROLLBACK" if self.is_open else "SELECT 1")
        self.is_open = False
        try:
            self.late.execute("SET lock_timeout = '20ms'; ALTER POLICY p ON actstream.actions USING (%s); RESET lock_timeout"
                              % self.dice.choice(("true", "verb <> 'secret'", "actor <> 'u:1'")))
        except (psycopg.errors.LockNotAvailable, *retry):
            self.late.execute("RESET lock_timeout")
        return "policies changed"

    def trim(self):
        """Only what no open transaction and no mark can be about."""
        self.late.execute("SELECT 1") if self.is_open else self.late.execute("SELECT actstream.trim_marks(100)")
        return "trims"

    def check(self):
        reader = self.reader()
        row = self.main.execute(CHECK, {"r": reader}).fetchone()
        for i in range(0, len(row), 2):
            if row[i] != row[i + 1]:
                wrong.append(f"{reader}: {i}: {row}")
        return "checks"


def main():
    with psycopg.connect(CONNINFO, autocommit=True) as connection:
        connection.execute(SETUP)
    sessions = [Session(number) for number in range(SESSIONS)]
    for session in sessions:
        session.start()
    for session in sessions:
        session.join()
    for what, n in sorted(done.items()):
        print(f"{what}: {n}")
    for line in wrong[:3]:
        print(f"WRONG {line[:2000]}")
    print(f"operations: {sum(done.values())} checked, {len(wrong)} wrong")
    sys.exit(1 if wrong else 0)


main()
