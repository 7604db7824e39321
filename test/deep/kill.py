#!/usr/bin/env python3
"""Kill a server among writers, and see what it has kept.

    kill.py DATA CONNINFO [--kills N] [--clients N] [--seed N]

DATA is the directory of the running server, CONNINFO an empty database of a
superuser; pg_ctl is in PATH, and whoever calls owns the server's processes.

Clients send actions, follow, unfollow, and delete objects.  Meanwhile one of the
server's processes is killed: by turns the first one, after which the server is
started again, and one that serves a client.  What has been acknowledged must be
there in the end, once, what was rolled back must not, and no reference may be to
what is gone.  A client whose call was cut short sends the action again, with the
same external_id.

Prints lines "PROPERTY: N checked, M wrong", and exits with 1 if anything is wrong
or was never put to the test.
"""
import argparse
import os
import random
import signal
import subprocess
import sys
import threading
import time

import psycopg

SCHEMA = """
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
CREATE TABLE person (id integer PRIMARY KEY);
CREATE TABLE thing (id integer PRIMARY KEY);
SELECT FROM actstream.register('person');
SELECT FROM actstream.register('thing');
INSERT INTO person SELECT generate_series(1, 100);
"""

DANGLING = """
SELECT count(*), count(*) FILTER (WHERE NOT EXISTS
    (SELECT FROM thing t WHERE t.id = actstream.ref_key(r)::integer))
FROM (SELECT target FROM actstream.actions UNION ALL SELECT followee FROM actstream.follows) AS u (r)
WHERE actstream.ref_label(r) = 'thing'
"""


class Client(threading.Thread):
    """Works until told to stop, and remembers what it was told."""

    def __init__(self, number, options, stop):
        super().__init__()
        self.number = number
        self.conninfo = options.conninfo
        self.dice = random.Random(options.seed * 1000 + number)
        self.stop = stop
        self.sent = 0
        self.acknowledged = set()
        self.refused = set()        # rolled back
        self.follows = {}           # followee -> followed or not; None if in doubt
        self.in_doubt = None
        self.errors = []

    def run(self):
        while not self.stop.is_set():
            try:
                with psycopg.connect(self.conninfo, autocommit=True, connect_timeout=5) as connection:
                    if self.in_doubt:
                        self.send(connection, self.in_doubt)
                    while not self.stop.is_set():
                        self.work(connection)
            except psycopg.OperationalError:
                time.sleep(0.02)
            except psycopg.Error as error:
                self.errors.append('%s: %s' % (error.sqlstate, error))
                return

    def send(self, connection, name):
        self.in_doubt = name
        connection.execute("SELECT FROM actstream.act_send(actstream.ref('person', %s), 'did', external_id => %s)",
                           (self.number, name))
        self.acknowledged.add(name)
        self.in_doubt = None

    def work(self, connection):
        choice = self.dice.randrange(10)
        if choice < 5:
            self.sent += 1
            self.send(connection, '%d-%d' % (self.number, self.sent))
        elif choice < 6:
            self.roll_back(connection)
        elif choice < 8:
            self.follow(connection, self.dice.randrange(50, 100) + 1, self.dice.random() < 0.6)
        else:
            self.change_things(connection, self.dice.randrange(20) + 1)

    def roll_back(self, connection):
        self.sent += 1
        name = '%d-%d' % (self.number, self.sent)
        self.refused.add(name)
        connection.execute('BEGIN')
        connection.execute("SELECT FROM actstream.act_send(actstream.ref('person', %s), 'did', external_id => %s)",
                           (self.number, name))
        connection.execute('ROLLBACK')

    def follow(self, connection, followee, wanted):
        self.follows[followee] = None
        connection.execute("SELECT actstream.%s(actstream.ref('person', %%s), actstream.ref('person', %%s))" %
                           ('follow' if wanted else 'unfollow'), (self.number, followee))
        self.follows[followee] = wanted

    def change_things(self, connection, thing):
        """What may be refused because others change the same."""
        choice = self.dice.randrange(4)
        try:
            if choice == 0:
                connection.execute('DELETE FROM thing WHERE id = %s', (thing,))
            elif choice == 1:
                connection.execute('INSERT INTO thing VALUES (%s) ON CONFLICT DO NOTHING', (thing,))
            elif choice == 2:
                connection.execute("SELECT FROM actstream.act_send(actstream.ref('person', %s), 'saw', "
                                   "target => actstream.ref('thing', %s))", (self.number, thing))
            else:
                connection.execute("SELECT FROM actstream.follow(actstream.ref('person', %s), "
                                   "actstream.ref('thing', %s))", (self.number, thing))
        except (psycopg.errors.ForeignKeyViolation, psycopg.errors.DeadlockDetected):
            pass


def children(pid):
    """The processes that the server's first one has started."""
    with open('/proc/%d/task/%d/children' % (pid, pid)) as file:
        return [int(word) for word in file.read().split()]


def command_line(pid):
    try:
        with open('/proc/%d/cmdline' % pid) as file:
            return file.read()
    except OSError:
        return ''


def first_process(data):
    with open(os.path.join(data, 'postmaster.pid')) as file:
        return int(file.readline())


def kill_server(data):
    first = first_process(data)
    processes = [first] + children(first)
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while any(os.path.exists('/proc/%d' % pid) for pid in processes):
        if time.monotonic() > deadline:
            sys.exit('processes of the killed server do not end: %s' % processes)
        time.sleep(0.02)
    subprocess.run(['pg_ctl', 'start', '--pgdata', data, '--silent',
                    '--log', os.path.join(os.path.dirname(data), 'server.log')],
                   check=True, stdin=subprocess.DEVNULL)


def kill_backend(data, dice):
    backends = [pid for pid in children(first_process(data)) if '[local]' in command_line(pid)]
    if backends:
        os.kill(dice.choice(backends), signal.SIGKILL)


def wait_for(conninfo):
    deadline = time.monotonic() + 60
    while True:
        try:
            return psycopg.connect(conninfo, autocommit=True)
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def report(what, checked, wrong):
    print('%s: %d checked, %d wrong' % (what, checked, wrong))
    return checked > 0 and wrong == 0


def main():
    parser = argparse.ArgumentParser(description='Kill a server among writers.')
    parser.add_argument('data')
    parser.add_argument('conninfo')
    parser.add_argument('--kills', type=int, default=50)
    parser.add_argument('--clients', type=int, default=4)
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()

    dice = random.Random(options.seed)
    with psycopg.connect(options.conninfo, autocommit=True) as connection:
        connection.execute(SCHEMA)
    stop = threading.Event()
    clients = [Client(number, options, stop) for number in range(1, options.clients + 1)]
    for client in clients:
        client.start()
    try:
        for kill in range(options.kills):
            wait_for(options.conninfo).close()
            time.sleep(0.1 + dice.random() * 0.5)
            if kill % 2 == 0:
                kill_server(options.data)
            else:
                kill_backend(options.data, dice)
        wait_for(options.conninfo).close()
        time.sleep(1)
    finally:
        stop.set()
        for client in clients:
            client.join()
    sys.exit(0 if check(clients, wait_for(options.conninfo)) else 1)


def check(clients, connection):
    rows = connection.execute("SELECT external_id FROM actstream.actions WHERE external_id IS NOT NULL").fetchall()
    stored = [row[0] for row in rows]
    found = set(stored)
    follows = {(follower, followee) for follower, followee in connection.execute(
        "SELECT actstream.ref_key(follower)::integer, actstream.ref_key(followee)::integer "
        "FROM actstream.follows WHERE actstream.ref_label(followee) = 'person'")}
    acknowledged = set().union(*(client.acknowledged for client in clients))
    refused = set().union(*(client.refused for client in clients))
    known = [(client.number, followee, wanted) for client in clients
             for followee, wanted in client.follows.items() if wanted is not None]
    (references, dangling), = connection.execute(DANGLING).fetchall()
    in_doubt = {client.in_doubt for client in clients}

    for client in clients:
        for error in client.errors:
            print('client %d: %s' % (client.number, error))
    return all([
        report('acknowledged actions, lost', len(acknowledged), len(acknowledged - found)),
        report('actions, doubled or never sent', len(stored),
               len(stored) - len(found) + len(found - acknowledged - in_doubt)),
        report('rolled back actions, there', len(refused), len(refused & found)),
        report('acknowledged follows, otherwise', len(known),
               sum(((number, followee) in follows) != wanted for number, followee, wanted in known)),
        report('references, dangling', references, dangling),
        report('clients, met an unexpected error', len(clients), sum(bool(client.errors) for client in clients)),
    ])


if __name__ == '__main__':
    main()
