#!/usr/bin/env python3
"""Consumers of changes_since() among writers and kills: is each told of everything, once?

    live.py DATA CONNINFO [--changes N] [--writers N] [--consumers N] [--rate N] [--kills N]
            [--seed N] [--broken]

DATA is the directory of the running server, CONNINFO an empty database of a superuser; pg_ctl
and pgbench are in PATH, and whoever calls owns the server's processes.

Writers insert, update and delete actions, row by row and in bulk, by COPY and by cascades,
with savepoints, rollbacks and two-phase commits.  One begins a transaction, inserts, and idles
until the end.  Meanwhile the server, or one of its backends, is killed.  Consumers wait for the
doorbell, keep their position, and connect again at random, sometimes forgetting what they were
told since the position.  Triggers that know nothing of the record keep a ledger.

With --broken the record has the transaction ids of subtransactions, as the rows themselves have:
then something must be wrong.

Prints lines "PROPERTY: N checked, M wrong" and the delay from commit to consumer, in the whole run
and apart from the seconds after each kill, and exits with 1 if anything is wrong or was never put
to the test.
"""
import argparse
import collections
import contextlib
import multiprocessing
import os
import random
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time

import psycopg
import psycopg2

from kill import kill_backend, kill_server, report, wait_for

SCHEMA = """
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
SELECT actstream.register_external('person');
CREATE TABLE thing (id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY);
SELECT FROM actstream.register('thing');
CREATE TABLE ledger (xid xid8 NOT NULL DEFAULT pg_current_xact_id(), id bigint NOT NULL, operation text NOT NULL,
                     number bigint GENERATED ALWAYS AS IDENTITY);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'DELETE' THEN
        INSERT INTO ledger SELECT pg_current_xact_id(), id, 'delete' FROM old_rows;
    ELSE
        INSERT INTO ledger SELECT pg_current_xact_id(), id, lower(tg_op) FROM new_rows;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER i AFTER INSERT ON actstream.actions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note();
CREATE TRIGGER u AFTER UPDATE ON actstream.actions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION note();
CREATE TRIGGER d AFTER DELETE ON actstream.actions REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION note();
SELECT actstream.record_changes(true);
"""

BREAK = """
CREATE FUNCTION actstream.mistake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE actstream.changes SET transaction = xmin::text::xid8
    WHERE transaction = NEW.transaction AND action_id = NEW.action_id AND operation = NEW.operation;
    RETURN NULL;
END
$$;
CREATE TRIGGER mistake AFTER INSERT ON actstream.changes FOR EACH ROW EXECUTE FUNCTION actstream.mistake();
"""

INSERT = "INSERT INTO actstream.actions (actor, verb, target) VALUES ('person:%s', '%s', 'person::t');\n"
SOME = "(SELECT last_value - :old FROM actstream.actions_id_seq)"
DICE = "\\set t random(1, 1000)\n\\set old random_exponential(1, 100000, 10)\n\\set r random(1, 1000000000)\n"

# Consumers read by a library in C: one in Python would take the processor from the writers.
PREPARE = """
PREPARE changes AS
SELECT position, operation, (action).id, (action).description, (action).verb FROM actstream.changes_since($1, max_rows => 2000)
"""

# how often, and what
SCRIPTS = [
    (40, INSERT % (1, 'one')),
    (6, "SELECT FROM actstream.act_send('person:2', 'sent', target => 'person::t');\n"),
    (12, "BEGIN;\n" + INSERT % (3, 'before') + "SAVEPOINT a;\n" + INSERT % (3, 'undone') * 2 + "ROLLBACK TO a;\n" +
         INSERT % (3, 'again') + "SAVEPOINT b;\n" + INSERT % (3, 'inside') + "RELEASE b;\n" + INSERT % (3, 'after') + "COMMIT;\n"),
    (4, "BEGIN;\n" + INSERT % (4, 'gone') * 2 + "ROLLBACK;\n"),
    (4, "BEGIN;\n" + INSERT % (5, 'prepared') + "SAVEPOINT a;\n" + INSERT % (5, 'prepared') +
        "PREPARE TRANSACTION 'p-:client_id-:r';\nCOMMIT PREPARED 'p-:client_id-:r';\n"),
    (2, "BEGIN;\n" + INSERT % (6, 'never') + "PREPARE TRANSACTION 'p-:client_id-:r';\nROLLBACK PREPARED 'p-:client_id-:r';\n"),
    (1, "INSERT INTO actstream.actions (actor, verb) SELECT 'person:7', 'many' FROM generate_series(1, 1 + :t / 4);\n"),
    (10, "UPDATE actstream.actions SET description = ':r' WHERE id = " + SOME + ";\n"),
    (3, "BEGIN;\nSAVEPOINT a;\nUPDATE actstream.actions SET description = ':r' WHERE id = " + SOME + ";\nRELEASE a;\n" +
        INSERT % (8, 'beside') + "COMMIT;\n"),
    (5, "DELETE FROM actstream.actions WHERE id = " + SOME + ";\n"),
    (2, "BEGIN;\n" + INSERT % (9, 'short') + "DELETE FROM actstream.actions WHERE id = currval('actstream.actions_id_seq');\nCOMMIT;\n"),
    (2, "BEGIN;\nINSERT INTO thing DEFAULT VALUES;\nSELECT FROM actstream.act_send('person:10', 'made', "
        "target => actstream.ref('thing', currval('thing_id_seq')));\nCOMMIT;\n"),
    (1, "DELETE FROM thing WHERE id = (SELECT last_value - :old / 10 FROM thing_id_seq);\n"),
    (2, "BEGIN;\n" + INSERT % (11, 'slow') + "\\sleep :t ms\n" + INSERT % (11, 'late') + "COMMIT;\n"),
]


# from a kill until all have connected again
RECOVERY_SECONDS = 5


class Consumer:
    """Keeps a position, and counts what it is told, in a process of its own."""

    def __init__(self, number, options, start, stop):
        self.number, self.options, self.start, self.stop = number, options, start, stop
        self.told = {'insert': collections.Counter(), 'update': collections.Counter(), 'delete': collections.Counter()}
        self.last = {}
        self.received = {}
        self.reconnects = 0
        self.dice = random.Random(options.seed * 100 + number)

    def run(self, pipe):
        self.position = self.start
        drained = False
        while not drained:
            try:
                with contextlib.closing(psycopg2.connect(self.options.conninfo)) as connection:
                    connection.autocommit = True
                    connection.cursor().execute('LISTEN actstream')
                    connection.cursor().execute(PREPARE)
                    self.reconnects += 1
                    drained = self.consume(connection)
            except psycopg2.Error as error:
                # the server is gone, or says that it is going
                if error.pgcode and not error.pgcode.startswith('57'):
                    raise
                time.sleep(0.02)
        pipe.send((self.told, self.last, self.received, self.reconnects))

    def wait(self, connection):
        """For a notification; one may have come with the rows."""
        connection.poll()
        if not connection.notifies:
            select.select([connection], [], [], 5)

    def consume(self, connection):
        """Until all is told after the end, or to connect again."""
        cursor = connection.cursor()
        while True:
            # the flag first: what was committed before it is then read
            ended = self.stop.is_set()
            connection.notifies.clear()
            cursor.execute('EXECUTE changes (%s)', (self.position,))
            rows = cursor.fetchall()
            now = time.time()
            if rows and self.dice.random() < 0.002:
                return False            # forgets what it was told, and is told again
            for _, operation, number, description, verb in rows:
                if operation is None:
                    continue
                self.told[operation][number] += 1
                if operation != 'delete':
                    self.last[number] = description
                    if operation == 'insert' and verb == 'one' and number % 16 == 0:
                        self.received[number] = now
            if rows:
                self.position = rows[-1][0]
            elif ended:
                return True
            if not rows:
                self.wait(connection)
            if self.dice.random() < 0.001:
                return False


def consume(pipe, *arguments):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Consumer(*arguments).run(pipe)


class Background(threading.Thread):
    """Does something with a connection again and again until told to stop."""

    def __init__(self, conninfo, work):
        super().__init__()
        self.conninfo, self.work = conninfo, work
        self.stop = threading.Event()

    def run(self):
        while not self.stop.is_set():
            try:
                with psycopg.connect(self.conninfo, autocommit=True) as connection:
                    while not self.stop.is_set():
                        self.work(connection, self.stop)
            except psycopg.OperationalError:
                time.sleep(0.05)


def idle(connection, stop):
    """The writer that idles; its transaction is committed when all others have ended."""
    connection.execute('BEGIN')
    connection.execute("INSERT INTO actstream.actions (actor, verb) VALUES ('person:12', 'idle')")
    while not stop.wait(0.5):
        connection.execute('SELECT 1')
    connection.execute('COMMIT')


def copy(connection, stop):
    with connection.cursor().copy('COPY actstream.actions (actor, verb) FROM STDIN') as rows:
        for _ in range(50):
            rows.write_row(('person:13', 'copied'))
    stop.wait(0.5)


def end_prepared(connection, stop):
    """What a crash has left, half a minute later."""
    for number, (gid,) in enumerate(connection.execute(
            "SELECT gid FROM pg_prepared_xacts WHERE prepared < clock_timestamp() - interval '15 seconds'").fetchall()):
        try:
            connection.execute('%s PREPARED %s' % ('COMMIT' if number % 2 else 'ROLLBACK', psycopg.sql.Literal(gid).as_string(connection)))
        except psycopg.errors.UndefinedObject:
            pass                    # its client was slow
    stop.wait(2)


def write(options, directory, messages):
    """Let the writers write until they are ended, or the server is gone; errors go to a file."""
    command = ['pgbench', '--no-vacuum', '--client', str(options.writers), '--jobs', '2', '--time', '36000',
               '--rate', str(options.rate), '--random-seed', str(random.randrange(10 ** 9)), '--max-tries', '20']
    for number, (weight, script) in enumerate(SCRIPTS):
        name = os.path.join(directory, '%d.sql' % number)
        if not os.path.exists(name):
            with open(name, 'w') as file:
                file.write(DICE + script)
        command += ['--file', '%s@%d' % (name, weight)]
    return subprocess.Popen(command + [options.conninfo], stdout=subprocess.DEVNULL, stderr=messages)


def ask(options, query):
    """The server may just be ending, because a backend was killed."""
    while True:
        try:
            with wait_for(options.conninfo) as connection:
                return connection.execute(query).fetchone()[0]
        except psycopg.OperationalError:
            time.sleep(0.1)


def count_changes(options):
    return ask(options, 'SELECT count(*) FROM ledger')


def estimate_changes(options):
    """With those that were rolled back; counting them would keep the consumers waiting."""
    return ask(options, 'SELECT last_value FROM ledger_number_seq')


def run_writers(options):
    """One set of writers until each kill, evenly among the changes, and one after the last.

    Returns when the kills were.
    """
    dice = random.Random(options.seed)
    kills = []
    done = 0
    errors = collections.Counter()
    with tempfile.TemporaryDirectory() as directory:
        while done < options.changes or len(kills) < options.kills:
            with tempfile.TemporaryFile('w+') as messages:
                writers = write(options, directory, messages)
                wanted = estimate_changes(options) + options.changes * (len(kills) + 1) / (options.kills + 1) - done
                while writers.poll() is None and estimate_changes(options) < wanted:
                    time.sleep(1 + dice.random())
                if len(kills) < options.kills:
                    kills.append(time.time())
                    if len(kills) % 2:
                        kill_backend(options.data, dice)
                    else:
                        kill_server(options.data)
                writers.terminate()
                writers.wait()
                messages.seek(0)
                for line in messages:
                    if 'ERROR' in line:
                        errors[line.split('ERROR')[1].strip()[:100]] += 1
            done = count_changes(options)
            print('%d changes' % done, flush=True)
    for error, number in errors.items():
        print('writers met %d times: %s' % (number, error))
    return kills


def expected(connection):
    """From the ledger: how often each action was inserted, updated and deleted by a transaction."""
    rows = connection.execute("""
        SELECT id, count(*) FILTER (WHERE inserted AND NOT deleted), count(*) FILTER (WHERE NOT inserted AND NOT deleted),
               count(*) FILTER (WHERE deleted AND NOT inserted)
        FROM (SELECT id, bool_or(operation = 'insert') AS inserted, bool_or(operation = 'delete') AS deleted
              FROM ledger GROUP BY id, xid) AS t
        GROUP BY id""").fetchall()
    return {number: counts for number, *counts in rows}


def compare(told, last, ledger, now):
    """What is missing, and what was told more often than it happened."""
    missing = doubled = stale = 0
    for number, (inserted, updated, deleted) in ledger.items():
        there = number in now
        got = [told[operation][number] for operation in ('insert', 'update', 'delete')]
        # an action that was gone before the consumer looked is told as deleted, no more
        missing += sum(max(0, n - g) for n, g, exact in zip((inserted, updated, deleted), got, (there, there, True)) if exact)
        doubled += sum(max(0, g - n) for n, g in zip((inserted, updated, deleted), got))
        stale += there and last.get(number) != now[number]
    for counter in told.values():
        doubled += sum(n for number, n in counter.items() if number not in ledger)
    return missing, doubled, stale


def percentile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))]


def main():
    parser = argparse.ArgumentParser(description='Consumers of changes among writers and kills.')
    parser.add_argument('data')
    parser.add_argument('conninfo')
    parser.add_argument('--changes', type=int, default=100000)
    parser.add_argument('--writers', type=int, default=64)
    parser.add_argument('--consumers', type=int, default=10)
    parser.add_argument('--rate', type=int, default=1000)
    parser.add_argument('--kills', type=int, default=6)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--broken', action='store_true')
    options = parser.parse_args()

    random.seed(options.seed)
    with psycopg.connect(options.conninfo, autocommit=True) as connection:
        connection.execute(SCHEMA)
        if options.broken:
            connection.execute(BREAK)
        start = connection.execute('SELECT actstream.stream_position()').fetchone()[0]
    stop = multiprocessing.Event()
    consumers = []
    for number in range(options.consumers):
        end, other_end = multiprocessing.Pipe()
        process = multiprocessing.Process(target=consume, args=(other_end, number, options, start, stop), daemon=True)
        process.start()
        consumers.append((process, end))
    others = [Background(options.conninfo, work) for work in (copy, end_prepared)]
    idler = Background(options.conninfo, idle)
    for thread in others + [idler]:
        thread.start()
    try:
        kills = run_writers(options)
    finally:
        for thread in others:
            thread.stop.set()
            thread.join()
        with wait_for(options.conninfo) as connection:
            for (gid,) in connection.execute('SELECT gid FROM pg_prepared_xacts').fetchall():
                connection.execute('COMMIT PREPARED %s' % psycopg.sql.Literal(gid).as_string(connection))
        idler.stop.set()
        idler.join()
        stop.set()
    results = [end.recv() for _, end in consumers]
    with wait_for(options.conninfo) as connection:
        sys.exit(0 if check(options, connection, results, kills) else 1)


def print_delays(what, delays):
    if delays:
        delays.sort()
        print('%s, ms: p50 %.1f, p90 %.1f, p99 %.1f, longest %.1f (of %d)' %
              tuple([what] + [percentile(delays, share) * 1000 for share in (0.5, 0.9, 0.99, 1)] + [len(delays)]))


def check(options, connection, results, kills):
    ledger = expected(connection)
    now = dict(connection.execute('SELECT id, description FROM actstream.actions').fetchall())
    committed = dict(connection.execute("""
        SELECT id, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8
        FROM actstream.actions WHERE verb = 'one' AND id % 16 = 0 AND description IS NULL""").fetchall())
    changes = sum(sum(counts) for counts in ledger.values())
    missing = doubled = stale = 0
    delays, undisturbed = [], []
    for told, last, received, _ in results:
        difference = compare(told, last, ledger, now)
        missing, doubled, stale = missing + difference[0], doubled + difference[1], stale + difference[2]
        for number, at in received.items():
            since = committed.get(number)
            if since:
                delays.append(at - since)
                if not any(since < kill + RECOVERY_SECONDS and at > kill for kill in kills):
                    undisturbed.append(at - since)
    print_delays('delay from commit to consumer', delays)
    print_delays('the same, but for %d seconds from each kill' % RECOVERY_SECONDS, undisturbed)
    print('consumers connected %d times' % sum(result[3] for result in results))
    with connection.cursor() as cursor:
        idled = cursor.execute("SELECT count(*) FROM actstream.actions WHERE verb = 'idle'").fetchone()[0]
    asked = changes * len(results)
    return all([
        report('changes of a transaction to an action, not told to a consumer', asked, missing),
        report('the same, told more often', asked, doubled),
        report('actions, last told otherwise than they are', len(now) * len(results), stale),
        report('transactions that idled to the end', idled, 0),
    ])


if __name__ == '__main__':
    main()
