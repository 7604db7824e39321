#!/usr/bin/env python3
"""Torture of the recency map and of the kept lists of follows.

    torture.py SETTINGS DIRECTORY

Writers change actions and follows in every way that there is, chaos kills
processes and rewrites the tables, and readers compare pages of streams with
those of plain SQL, by one statement or at one snapshot.  The last part is
played on a standby that has been promoted.  Speaks TAP.  MINUTES, SEED, MAP, SLOW and
PARTITIONS are as in tools/check-recency; with BREAK the map is known to be broken, and what
is wanted is a page that differs.
"""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time

import psycopg

MINUTES = float(os.environ["MINUTES"])
SEED = int(os.environ["SEED"])
MAP = os.environ["MAP"]
BREAK = os.environ["BREAK"]
SLOW = int(os.environ["SLOW"])
PARTITIONS = os.environ["PARTITIONS"] != ""
SETTINGS, DIRECTORY = sys.argv[1:]

OBJECTS = 2000      # that may be followed
ACTIVE = OBJECTS if SLOW == 0 else 100      # of these: few meet more often
FOLLOWERS = 20      # o:10001 and so on
WRITERS, FOLLOW_WRITERS, READERS = 3, 1, 3

# of five minutes, a short while around now; the map is for the last one that is not empty
PARTITIONED = """
CREATE TABLE actstream.actions OF actstream.action (PRIMARY KEY (id, "timestamp")) PARTITION BY RANGE ("timestamp");
DO $$
DECLARE
    began CONSTANT timestamptz := now() - interval '20 minutes';
BEGIN
    EXECUTE format('CREATE TABLE actstream.part_0 PARTITION OF actstream.actions FOR VALUES FROM (MINVALUE) TO (%L)', began);
    FOR i IN 1..12 LOOP
        EXECUTE format('CREATE TABLE actstream.part_%s PARTITION OF actstream.actions FOR VALUES FROM (%L) TO (%L)',
                       i, began + (i - 1) * interval '5 minutes', began + i * interval '5 minutes');
    END LOOP;
    EXECUTE format('CREATE TABLE actstream.part_13 PARTITION OF actstream.actions FOR VALUES FROM (%L) TO (MAXVALUE)', began + interval '1 hour');
END
$$;
"""

SETUP = f"""
CREATE EXTENSION actstream;
{PARTITIONED if PARTITIONS else ""}
DO 'BEGIN PERFORM actstream.create_tables(); END';
SELECT actstream.register_external('o');
-- all have acted long ago, and others all the time
INSERT INTO actstream.actions (actor, verb, action_object, target, "timestamp")
SELECT actstream.ref('o', i), 'did', actstream.ref('o', 1 + i * 7 % {OBJECTS}), actstream.ref('o', 1 + i * 13 % {OBJECTS}),
       now() - interval '1 year' + i * interval '1 minute'
FROM generate_series(1, {OBJECTS}) AS i;
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT actstream.ref('o', 20000 + i), 'noise', now() + interval '{10 if PARTITIONS else 60} minutes' - i * interval '1 second'
FROM generate_series(1, 20000) AS i;
INSERT INTO actstream.follows (follower, followee, actor_only)
SELECT actstream.ref('o', 10000 + f), actstream.ref('o', 1 + (i * 37 + f * 101) % {OBJECTS}), i % 3 = 0
FROM generate_series(1, {FOLLOWERS}) AS f, generate_series(1, 200 + f * 10) AS i;
ANALYZE actstream.actions, actstream.follows;
"""


class Server:
    """A server of its own directory, and how to make and end it."""

    def __init__(self, name, port):
        self.data = os.path.join(DIRECTORY, name)
        self.port = port

    def connect(self, database="postgres"):
        # who waits for a prepared transaction can keep VACUUM waiting, and so on
        return psycopg.connect(host=DIRECTORY, port=self.port, dbname=database, user="postgres", autocommit=True,
                               options="-c lock_timeout=2s -c statement_timeout=30s")

    def settings(self, *lines):
        with open(os.path.join(self.data, "postgresql.conf"), "a") as conf:
            conf.write("\n".join(lines) + "\n")

    def make(self):
        run("initdb", "-D", self.data, "-A", "trust", "-U", "postgres", "--no-sync", "--locale=C.UTF-8", "-E", "UTF8")
        with open(SETTINGS) as given:
            self.settings(given.read(), f"port = {self.port}", "listen_addresses = ''",
                          f"unix_socket_directories = '{DIRECTORY}'", "shared_preload_libraries = 'actstream'",
                          f"actstream.recency_map_size = '{MAP}'", "fsync = off", "wal_level = logical",
                          "max_prepared_transactions = 50", "max_connections = 60", "jit = off",
                          "autovacuum_naptime = 2s", "wal_retrieve_retry_interval = 200ms",
                          "max_standby_streaming_delay = 1s")

    def start(self):
        run("pg_ctl", "-D", self.data, "-l", self.data + ".log", "-s", "-t", "120", "start")

    def stop(self):
        subprocess.run(["pg_ctl", "-D", self.data, "-s", "-m", "immediate", "stop"], stderr=subprocess.DEVNULL)

    def postmaster(self):
        with open(os.path.join(self.data, "postmaster.pid")) as pid:
            return int(pid.readline())

    def processes(self):
        """All whose working directory is ours."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/cwd") == self.data:
                    found.append(int(pid))
            except OSError:
                pass
        return found

    def kill(self):
        """Kill the postmaster, and wait until its children have noticed."""
        postmaster = self.postmaster()
        os.kill(postmaster, signal.SIGKILL)
        for _ in range(600):
            time.sleep(0.1)
            # the dead one keeps its number until somebody has waited for it
            if not self.processes() and not os.path.exists(f"/proc/{postmaster}"):
                return
        raise RuntimeError("children of a killed postmaster do not end")


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Shared:
    """What all processes know: where to go, when to stop, what was counted.

    A process may be killed at any moment, so nobody holds a lock, and each
    worker counts and reports in a place of its own."""

    COUNTERS = ("pages", "cursors", "complete", "rows", "mismatches", "after", "after_complete", "aborted", "unconnected", "wrong")

    def __init__(self, nworkers):
        self.names = list(self.COUNTERS) + Writer.WAYS + FollowWriter.WAYS
        self.stop = multiprocessing.RawValue("b", 0)
        self.where = multiprocessing.RawValue("b", 0)
        self.counters = [multiprocessing.RawArray("q", len(self.names)) for _ in range(nworkers)]

    def count(self, worker, name, n=1):
        self.counters[worker][self.names.index(name)] += n

    def __getitem__(self, name):
        return sum(counters[self.names.index(name)] for counters in self.counters)

    def tell(self, worker, text):
        with open(f"{DIRECTORY}/worker-{worker}.found", "a") as found:
            found.write(text.replace("\n", " ") + "\n")

    def show_found(self, most=10):
        for worker in range(len(self.counters)):
            if os.path.exists(f"{DIRECTORY}/worker-{worker}.found"):
                with open(f"{DIRECTORY}/worker-{worker}.found") as found:
                    for line in found.readlines()[:most]:
                        print("#", line, end="", flush=True)


class Worker:
    """Does something again and again, and connects again when the server has gone."""

    def __init__(self, number, shared, servers):
        self.dice = random.Random(SEED * 1000 + number)
        self.number, self.shared, self.servers = number, shared, servers

    def work(self):
        while not self.shared.stop.value:
            where = self.shared.where.value
            try:
                with self.servers[where].connect() as self.connection:
                    while not self.shared.stop.value and where == self.shared.where.value:
                        self.step()
            except psycopg.Rollback:
                pass    # which the end of the server has done
            except psycopg.Error as error:
                # class 42 is what nobody but us has done wrong
                if (error.sqlstate or "").startswith("42") or (error.sqlstate or "") == "XX000":
                    self.shared.tell(self.number, f"{type(self).__name__}: {error.sqlstate} {error}")
                    self.count("wrong")
                self.count("unconnected" if error.sqlstate is None or error.sqlstate.startswith("57") else "aborted")
                time.sleep(0.05)

    def count(self, name, n=1):
        self.shared.count(self.number, name, n)

    def run(self, sql):
        return self.connection.execute(sql)

    def object(self):
        return f"'o:{self.dice.randint(1, ACTIVE)}'::actstream.ref"

    def follower(self):
        return f"'o:{10000 + self.dice.randint(1, FOLLOWERS)}'::actstream.ref"

    def time(self):
        if PARTITIONS:
            return f"now() + interval '{self.dice.randint(-600, 600)} seconds'"
        return f"now() - interval '{self.dice.randint(1, 3600)} seconds'"


class Writer(Worker):
    """Lets actions come by all ways."""

    def step(self):
        name = self.dice.choice(self.WAYS)
        way = getattr(self, name)
        ending = self.dice.random()
        if way.__doc__ == "alone":
            way()
        elif ending < 0.6:
            way()
        elif ending < 0.8:
            with self.connection.transaction():
                way()
                if self.dice.random() < 0.5:
                    time.sleep(self.dice.random() * 0.05)
                if self.dice.random() < 0.5:
                    raise psycopg.Rollback()
        elif ending < 0.9:
            with self.connection.transaction():
                with self.connection.transaction():
                    way()
                    raise psycopg.Rollback()
                with self.connection.transaction():
                    way()
        else:
            gid = f"t{self.number}_{self.dice.getrandbits(40)}"
            self.run("BEGIN")
            try:
                way()
                self.run(f"PREPARE TRANSACTION '{gid}'")
            except psycopg.Error:
                self.run("ROLLBACK")
                raise
            # one that stays prepared keeps all sessions from keeping lists of follows
            if self.dice.random() < 0.97:
                try:
                    self.run(f"{self.dice.choice(('COMMIT', 'COMMIT', 'ROLLBACK'))} PREPARED '{gid}'")
                except psycopg.errors.UndefinedObject:
                    pass    # the chaos has
        self.count(name)
        time.sleep(self.dice.random() * 0.01)

    def values(self, public="true"):
        target, action_object = (self.dice.choice(("NULL", self.object())) for _ in range(2))
        return f"({self.object()}, 'wrote', {action_object}, {target}, {self.time()}, {public})"

    INSERT = 'INSERT INTO actstream.actions (actor, verb, action_object, target, "timestamp", public) VALUES '

    def by_insert(self):
        self.run(self.INSERT + self.values())

    def by_rows(self):
        self.run(self.INSERT + ", ".join(self.values() for _ in range(self.dice.randint(2, 30))))

    def by_private(self):
        self.run(self.INSERT + self.values("false"))

    def some(self, condition="true"):
        """One action of those of late, or none."""
        return (f"id = (SELECT id FROM actstream.actions WHERE id >= (SELECT max(id) FROM actstream.actions) - {self.dice.randint(1, 3000)}"
                f" AND {condition} ORDER BY id LIMIT 1)")

    def by_timestamp(self):
        self.run(f'UPDATE actstream.actions SET "timestamp" = {self.time()} WHERE {self.some()}')

    def by_role(self):
        role = self.dice.choice(("actor", "target", "action_object"))
        self.run(f"UPDATE actstream.actions SET {role} = {self.object()} WHERE {self.some()}")

    def by_public(self):
        self.run(f"UPDATE actstream.actions SET public = NOT public WHERE {self.some(self.dice.choice(('true', 'NOT public')))}")

    def by_old_action(self):
        self.run(f"""UPDATE actstream.actions SET "timestamp" = {self.time()} WHERE actor = {self.object()} AND verb = 'did'""")

    def by_delete(self):
        self.run(f"DELETE FROM actstream.actions WHERE {self.some()}")

    def by_delete_of_many(self):
        self.run("DELETE FROM actstream.actions WHERE verb = 'wrote' AND id < (SELECT max(id) FROM actstream.actions) - 6000")

    def by_copy(self):
        with self.connection.cursor().copy('COPY actstream.actions (actor, verb, target, "timestamp") FROM STDIN') as copy:
            for _ in range(self.dice.randint(1, 20)):
                copy.write_row([f"o:{self.dice.randint(1, OBJECTS)}", "wrote", f"o:{self.dice.randint(1, OBJECTS)}",
                                time.strftime("%Y-%m-%d %H:%M:%S+00", time.gmtime(time.time() - self.dice.randint(1, 3600)))])

    def by_merge(self):
        self.run(f"""MERGE INTO actstream.actions a
            USING (SELECT id, n FROM generate_series(1, 2) AS n LEFT JOIN actstream.actions ON {self.some()} AND n = 1) AS s ON a.id = s.id
            WHEN MATCHED THEN UPDATE SET actor = {self.object()}, "timestamp" = {self.time()}
            WHEN NOT MATCHED THEN INSERT (actor, verb, "timestamp") VALUES ({self.object()}, 'wrote', {self.time()})""")

    def by_conflict(self):
        self.run(f"""INSERT INTO actstream.actions (actor, verb, "timestamp", external_id)
            VALUES ({self.object()}, 'wrote', {self.time()}, 'e{self.dice.randint(1, 50)}')
            ON CONFLICT (external_id) WHERE external_id IS NOT NULL
            DO UPDATE SET actor = excluded.actor, target = {self.object()}, "timestamp" = excluded."timestamp" """)

    def by_act_send(self):
        self.run(f"""SELECT actstream.act_send({self.object()}, 'wrote', {self.object()}, {self.object()}, "timestamp" => {self.time()})""")

    def by_poison(self):
        "alone"
        # times that nothing comes after raise bounds that have to come down again
        verb, time = f"poison {self.number}", self.dice.choice(("now() + interval '1 second'", "'2099-01-01'", "'infinity'"))
        role = self.dice.choice(("actor", "target", "action_object"))
        insert = f"""INSERT INTO actstream.actions (actor, verb, target, action_object, "timestamp")
            SELECT CASE '{role}' WHEN 'actor' THEN o ELSE 'o:30000' END, '{verb}',
                   CASE '{role}' WHEN 'target' THEN o END, CASE '{role}' WHEN 'action_object' THEN o END, {time}
            FROM (SELECT actstream.ref('o', i) FROM generate_series({self.dice.randint(1, 20)}, {ACTIVE}, {self.dice.randint(1, 20)}) AS i) AS s (o)"""
        ending = self.dice.choice(("roll back", "roll back", "delete", "vacuum", "update"))
        with self.connection.transaction():
            self.run(insert)
            if ending == "roll back":
                raise psycopg.Rollback()
        if ending == "update":
            self.run(f"""UPDATE actstream.actions SET verb = 'wrote', "timestamp" = {self.time()} WHERE verb = '{verb}'""")
        else:
            self.run(f"DELETE FROM actstream.actions WHERE verb = '{verb}'")
        if ending == "vacuum":
            self.run("VACUUM actstream.actions")

    def by_truncate(self):
        "alone"
        # what a stream then reads is not what there is
        with self.connection.transaction():
            self.run("SET LOCAL lock_timeout = '100ms'")
            self.run("TRUNCATE actstream.actions")
            for _ in range(3):
                self.run(f"SELECT * FROM actstream.any_stream({self.object()}) LIMIT 20")
            raise psycopg.Rollback()

    def by_replica_role(self):
        with self.connection.transaction():
            self.run("SET LOCAL session_replication_role = replica")
            self.by_insert()

    def by_disabled_triggers(self):
        with self.connection.transaction():
            self.run("SET LOCAL lock_timeout = '100ms'")
            self.run("ALTER TABLE actstream.actions DISABLE TRIGGER ALL")
            self.by_insert()
            self.run("ALTER TABLE actstream.actions ENABLE TRIGGER ALL")

    def by_replication(self):
        "alone"
        with self.servers[self.shared.where.value].connect("source") as source:
            source.execute(self.INSERT + self.values())
            source.execute(f"""UPDATE actstream.actions SET "timestamp" = {self.time()}, target = {self.object()}
                WHERE id = (SELECT max(id) FROM actstream.actions)""")


    # external_id cannot be unique in partitions
    WAYS = sorted(name for name in locals() if name.startswith("by_") and (name != "by_conflict" or not PARTITIONS))


class FollowWriter(Worker):
    """Changes what is followed."""

    WAYS = ["follow", "follow more", "delete", "update", "insert", "truncate"]

    def step(self):
        follow = f"FROM actstream.follows WHERE follower = {self.follower()} ORDER BY random() LIMIT {self.dice.randint(1, 5)}"
        name, change = self.dice.choices(list(zip(self.WAYS, (
            f"SELECT actstream.follow({self.follower()}, {self.object()}, send_action => false)",
            f"SELECT actstream.follow({self.follower()}, {self.object()}, actor_only => false)",
            f"DELETE FROM actstream.follows WHERE ctid = ANY (array(SELECT ctid {follow}))",
            f"UPDATE actstream.follows SET actor_only = NOT actor_only WHERE ctid = ANY (array(SELECT ctid {follow}))",
            f"""INSERT INTO actstream.follows (follower, followee, actor_only) SELECT {self.follower()}, actstream.ref('o', i), true
                FROM generate_series({self.dice.randint(1, 1900)}, {OBJECTS}, 100) AS i ON CONFLICT DO NOTHING""",
            f"""CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM actstream.follows WHERE follower <> {self.follower()};
                TRUNCATE actstream.follows; INSERT INTO actstream.follows SELECT * FROM kept"""))), weights=[20, 20, 20, 20, 20, 1])[0]
        with self.connection.transaction():
            if self.dice.random() < 0.2:
                self.run("SET LOCAL session_replication_role = replica")
            if name != "truncate" and self.dice.random() < 0.3:
                self.run("SAVEPOINT a")
                self.run(change)
                self.run("ROLLBACK TO a")
            self.run(change)
            if self.dice.random() < 0.2:
                raise psycopg.Rollback()
        self.count(name)
        time.sleep(self.dice.random() * 0.05)


class Reader(Worker):
    """Compares pages with those of plain SQL."""

    def page(self):
        """What a stream is called with, and how many rows of it are read."""
        return (self.follower() + self.dice.choice(("", "", ", with_user_activity => true", ", since_follow => true")),
                "ALL" if self.dice.random() < 0.05 else self.dice.choice((1, 5, 20, 20, 100)))

    def compare(self, args, limit):
        stream = f"user_stream({args})"
        if self.dice.random() < 0.1:
            stream = "public_stream()"
        got, wanted, state = self.run(
            "SELECT " + ", ".join(f"(SELECT coalesce(array_agg(id), '{{}}') FROM (SELECT id FROM {schema}.{stream} LIMIT {limit}) AS s)"
                                  for schema in ("actstream", "plain")) +
            ", (SELECT state FROM actstream.recency_stats())").fetchone()
        count = self.count
        count("pages")
        count("complete", state == "complete")
        count("rows", len(wanted))
        if self.shared.where.value == 1:
            count("after")
            count("after_complete", state == "complete")
        if got != wanted:
            count("mismatches")
            self.shared.tell(self.number, f"{stream} LIMIT {limit}, map {state}, at {self.connection.isolation_level}: "
                                  f"missing {sorted(set(wanted) - set(got))[:5]}, too many {sorted(set(got) - set(wanted))[:5]}, "
                                  f"{len(got)} of {len(wanted)}, twice {[(got.index(id), i, id) for i, id in enumerate(got) if got.index(id) < i][:5]}; "
                                  f"again {self.again(args, limit)}")

    def compare_cursor(self, args, limit):
        """A page that is read with a pause after its first row, at the snapshot of the transaction."""
        # a partition that is attached meanwhile is in no plan from before
        tree = lambda: self.run("SELECT array_agg(relid::oid) FROM pg_partition_tree('actstream.actions')").fetchone()
        before = tree()
        self.run(f"DECLARE c CURSOR FOR SELECT id FROM actstream.user_stream({args}) LIMIT {limit}")
        got = self.run("FETCH 1 FROM c").fetchall()
        time.sleep(self.dice.random())
        got += self.run("FETCH ALL FROM c").fetchall()
        self.run("CLOSE c")
        wanted = self.run(f"SELECT id FROM plain.user_stream({args}) LIMIT {limit}").fetchall()
        if tree() != before:
            return
        self.count("cursors")
        if got != wanted:
            self.count("mismatches")
            self.shared.tell(self.number, f"cursor for user_stream({args}) LIMIT {limit}: {len(got)} of {len(wanted)}, "
                                          f"missing {sorted(set(wanted) - set(got))[:5]}, too many {sorted(set(got) - set(wanted))[:5]}")

    def again(self, args, limit):
        """How many rows there are a moment later, and how many different ones: in the same way, without kept lists,
        without the map as well, in plain SQL; and how the first were read."""
        rows = lambda schema: f"(SELECT id FROM {schema}.user_stream({args}) LIMIT {limit}) AS s"
        count = lambda schema: self.run(f"SELECT count(*), count(DISTINCT id) FROM {rows(schema)}").fetchone()
        found = [count("actstream"),
                 [line for line, in self.run(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM {rows('actstream')}")]]
        for setting in ("actstream.follow_cache_size = 0", "actstream.enable_recency_map = off"):
            self.run(f"SET {setting}")
            found.append(count("actstream"))
        found.append(count("plain"))
        self.run("RESET actstream.follow_cache_size")
        self.run("RESET actstream.enable_recency_map")
        return found

    def step(self):
        if self.dice.random() < 0.6:
            # in a row, so that what the session keeps is good for the next one
            page = self.page()
            for _ in range(self.dice.randint(1, 12)):
                self.compare(*page)
        else:
            self.connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            with self.connection.transaction():
                for _ in range(self.dice.randint(1, 6)):
                    if self.dice.random() < 0.2:
                        self.compare_cursor(*self.page())
                    else:
                        self.compare(*self.page())
                    time.sleep(self.dice.random() * 0.1)
            self.connection.isolation_level = None


class StandbyReader(Reader):
    """Reads from the standby from the beginning, whatever it becomes."""

    def work(self):
        self.servers = [self.servers[1], self.servers[1]]
        super().work()

    def step(self):
        super().step()
        time.sleep(0.05)


class Chaos:
    """What is done to the primary in between."""

    def __init__(self, server, shared):
        self.dice = random.Random(SEED)
        self.server, self.shared = server, shared
        self.done = {}

    def act(self):
        name = self.dice.choice(("kill_postmaster", "kill_backend", "kill_backend", "vacuum_full", "cluster", "reindex", "reindex",
                                 "new_recency_index", "end_prepared", "end_prepared", "vacuum") +
                                PARTITIONS * ("empty_newest", "empty_newest", "empty_newest", "detach", "detach", "build", "build"))
        try:
            getattr(self, name)()
            if self.dice.random() < 0.5:
                self.sql("SELECT actstream.recency_build()")
            self.done[name] = self.done.get(name, 0) + 1
        except psycopg.Error:
            time.sleep(0.2)

    def sql(self, *statements):
        with self.server.connect() as connection:
            return [connection.execute(statement) for statement in statements][-1]

    def kill_postmaster(self):
        self.server.kill()
        self.server.start()
        self.end_prepared()

    def kill_backend(self):
        pids = self.sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()").fetchall()
        if pids:
            try:
                os.kill(self.dice.choice(pids)[0], signal.SIGKILL)
            except ProcessLookupError:
                pass    # it has gone by itself
        for _ in range(100):
            time.sleep(0.1)
            try:
                return self.end_prepared()
            except psycopg.OperationalError:
                pass

    def end_prepared(self):
        with self.server.connect() as connection:
            for gid, in connection.execute("SELECT gid FROM pg_prepared_xacts ORDER BY gid").fetchall():
                try:
                    connection.execute(f"{self.dice.choice(('COMMIT', 'ROLLBACK'))} PREPARED '{gid}'")
                except psycopg.Error:
                    pass    # its own writer has

    def vacuum_full(self):
        self.end_prepared()
        self.sql("VACUUM FULL actstream.actions", "VACUUM FULL actstream.follows")

    def vacuum(self):
        self.sql("VACUUM actstream.actions")

    def cluster(self):
        self.end_prepared()
        self.sql("CLUSTER actstream.actions USING actions_pkey")

    def reindex(self):
        self.end_prepared()
        index = self.dice.choice(("actions_actor_idx", "actions_target_idx", "actions_action_object_idx", "actions_timestamp_idx",
                                  "actions_pkey", "actions_track_recency_idx"))
        self.sql(f"REINDEX INDEX CONCURRENTLY actstream.{index}")
        if PARTITIONS:
            self.sql("REINDEX INDEX CONCURRENTLY actstream.actions_track_recency_idx")

    def build(self):
        self.sql("SELECT actstream.recency_build()")

    def empty_newest(self):
        # the map then is for an earlier partition, until writers have filled this one again
        self.end_prepared()
        self.sql(f"""DELETE FROM actstream.actions WHERE "timestamp" > now() + interval '{self.dice.randint(-5, 9)} minutes'""",
                 "VACUUM actstream.actions", "SELECT actstream.recency_build()")

    def detach(self):
        part = f"part_{self.dice.randint(3, 8)}"
        self.end_prepared()
        bounds, = self.sql(f"SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = 'actstream.{part}'::regclass").fetchone()
        self.sql(f"ALTER TABLE actstream.actions DETACH PARTITION actstream.{part}")
        try:
            self.sql(f"INSERT INTO actstream.{part} SELECT r.* FROM (SELECT p FROM actstream.{part} p ORDER BY id DESC LIMIT 5) s, "
                     "jsonb_populate_record(s.p, jsonb_build_object('id', nextval(pg_get_serial_sequence('actstream.actions', 'id')), "
                     f"'actor', 'o:{self.dice.randint(1, OBJECTS)}')) r")
            if self.dice.random() < 0.5:
                self.sql("SELECT actstream.recency_build()")
        finally:
            self.attach(part, bounds)

    def attach(self, part, bounds):
        for _ in range(100):
            try:
                return self.sql(f"ALTER TABLE actstream.actions ATTACH PARTITION actstream.{part} {bounds}")
            except psycopg.Error:
                time.sleep(0.1)
        raise RuntimeError("a partition cannot be attached again")

    def new_recency_index(self):
        self.end_prepared()
        # an index of partitions is invalid with one that REINDEX has left behind
        for index, in self.sql("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid").fetchall():
            if index.endswith(("_ccnew", "_ccold")):
                self.sql(f"DROP INDEX {index}")
        self.sql("BEGIN", "DROP INDEX IF EXISTS actstream.actions_track_recency_idx",
                 'INSERT INTO actstream.actions (actor, verb, "timestamp") '
                 f"SELECT actstream.ref('o', i), 'wrote', now() FROM generate_series(1, {OBJECTS}, 100) AS i",
                 "CREATE INDEX actions_track_recency_idx ON actstream.actions USING actstream_recency "
                 '(actor, target, action_object, public, "timestamp")', "COMMIT")


def report(ok, name, number=[0]):
    number[0] += 1
    print(f"{'ok' if ok else 'not ok'} {number[0]} - {name}", flush=True)


def set_up(primary, standby):
    os.makedirs(DIRECTORY, exist_ok=True)
    primary.make()
    primary.start()
    with primary.connect() as connection:
        connection.execute(SETUP)
        with open(os.path.join(os.path.dirname(__file__), "../lib/plain_streams.sql")) as file:
            # without what is for psql
            connection.execute("".join(line for line in file if not line.startswith("\\")))
        connection.execute("CREATE DATABASE source")
        with primary.connect("source") as source:
            source.execute("CREATE EXTENSION actstream; SELECT actstream.create_tables(); SELECT actstream.register_external('o');"
                           "SELECT setval(pg_get_serial_sequence('actstream.actions', 'id'), 1000000000);"
                           "CREATE PUBLICATION p FOR TABLE actstream.actions")
            source.execute("SELECT pg_create_logical_replication_slot('s', 'pgoutput')")
        connection.execute(f"CREATE SUBSCRIPTION s CONNECTION 'host={DIRECTORY} port={primary.port} dbname=source user=postgres'"
                           " PUBLICATION p WITH (create_slot = false, slot_name = 's', copy_data = false)")
        connection.execute("SELECT pg_create_physical_replication_slot('standby')")
        connection.execute("SELECT actstream.recency_build()")
    run("pg_basebackup", "-D", standby.data, "-R", "-S", "standby", "-c", "fast", "-h", DIRECTORY, "-p", str(primary.port), "-U", "postgres")
    standby.settings(f"port = {standby.port}")
    standby.start()


def promote(primary, standby, shared):
    """Let the primary die and the standby go on."""
    primary.kill()
    run("pg_ctl", "-D", standby.data, "-s", "promote")
    shared.where.value = 1
    with standby.connect() as connection:
        while connection.execute("SELECT state FROM actstream.recency_stats()").fetchone()[0] != "complete":
            try:
                connection.execute("SELECT actstream.recency_build()")
            except psycopg.errors.ObjectInUse:
                time.sleep(0.1)     # a worker is at it
            except psycopg.errors.ObjectNotInPrerequisiteState:
                # the primary died when chaos had made an index anew, but not yet that of the map
                Chaos(standby, shared).new_recency_index()


def torture(primary, standby, shared):
    end = time.time() + MINUTES * 60
    chaos = Chaos(primary, shared)
    began = time.time()
    while time.time() < end and not (BREAK and shared["mismatches"]):
        if shared.where.value == 0 and time.time() > end - MINUTES * 60 * 0.2:
            promote(primary, standby, shared)
            chaos.server = standby
        time.sleep(1)
        try:
            chaos.end_prepared()
        except psycopg.Error:
            pass
        if not BREAK:
            chaos.act()
    print(f"# {time.time() - began:.1f} s; chaos: {chaos.done}", flush=True)
    return chaos.done


def main():
    kinds = [Writer] * WRITERS + [FollowWriter] * FOLLOW_WRITERS + [Reader] * READERS + [StandbyReader]
    shared = Shared(len(kinds))
    primary, standby = servers = [Server("primary", 5432), Server("standby", 5433)]
    print(f"# SEED={SEED} MINUTES={MINUTES:g} MAP={MAP}", flush=True)
    workers = []
    try:
        set_up(primary, standby)
        workers = [multiprocessing.Process(target=kind(i, shared, servers).work) for i, kind in enumerate(kinds)]
        for worker in workers:
            worker.start()
        done = torture(primary, standby, shared)
        died = [worker.name for worker in workers if not worker.is_alive()]
        shared.stop.value = 1
        for worker in workers:
            worker.join(3)
            worker.kill()
        shared.show_found()
        print("# " + ", ".join(f"{name} {shared[name]}" for name in shared.names), flush=True)
        if BREAK:
            report(shared["mismatches"] > 0, "pages are seen to differ where a raise is left out")
            return
        report(not died, f"all workers have worked to the end {died or ''}")
        report(shared["wrong"] == 0, "no statement is wrong, and no error internal")
        idle = [name for name in Writer.WAYS + FollowWriter.WAYS if shared[name] == 0]
        report(not idle or MINUTES < 1, f"all ways to write have been gone {idle or ''}")
        report(shared["mismatches"] == 0, f"{shared['pages']} pages with {shared['rows']} rows are those of plain SQL")
        report(shared["complete"] * (4 if PARTITIONS else 2) > shared["pages"] - shared["after"], f"{shared['complete']} of them with the map complete")
        report(done.get("kill_postmaster", 0) + done.get("kill_backend", 0) > 0, "the server has crashed")
        report(shared["after_complete"] > 0, f"{shared['after_complete']} pages with the map complete after the promotion")
        with servers[shared.where.value].connect() as connection:
            streams, skipped, lines, lowered = connection.execute(
                "SELECT streams, lists_skipped, shared_lines, lowered FROM actstream.recency_stats()").fetchone()
            # The server may have begun anew at the end, so that few streams have been read.
            report(skipped > 0 or streams < 100, f"{streams} streams since have skipped {skipped} lists; {lines} lines are shared")
            report(lowered > 0 or streams < 100, f"{lowered} bounds have been lowered since")
    finally:
        shared.stop.value = 1
        for worker in workers:
            if worker.pid is not None:
                worker.join(3)
                worker.kill()
        for server in servers:
            server.stop()


main()
