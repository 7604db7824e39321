#!/usr/bin/env python3
"""The history check: clients act while backends are killed, and all that they were
told is checked afterwards.

    run.py CONNINFO FOLDER --seed N --minutes M --clients C --rate R

CONNINFO is of a superuser, who owns the server's processes: databases are made for
each isolation level, and backends killed.  FOLDER takes the histories.
"""
import argparse
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
import traceback

import checker
from chaos import Chaos
from client import ACTORS, READERS, SHARED_THINGS, THINGS, Client, Place
from operations import STATEMENTS, Read, started_name
from record import BY_ACTOR, BY_ANY, Recorder
from session import Session, now

HERE = os.path.dirname(os.path.abspath(__file__))

UNAIDED = ('actstream.enable_recency_map = off', 'actstream.follow_cache_size = 0')

RUNS = [('read committed', ()), ('repeatable read', ()), ('serializable', ()),
        ('read committed', UNAIDED)]

COLUMNS = [('operations', 'operations'), ('sends acked', 'acknowledged'),
           ('reads checked', 'reads checked'), ('rows checked', 'rows checked'),
           ('killed', 'killed'), ('ended', 'ended'), ('unknown', 'unknown')]

FINAL_ROWS = """
SELECT id, (extract(epoch FROM "timestamp") * 1000000)::bigint, verb, external_id,
       data->>'name', actor, action_object, target, public
FROM actstream.actions"""
FINAL_FOLLOWS = 'SELECT follower, followee, actor_only FROM actstream.follows'
PROBLEMS = 'SELECT problem, object, detail FROM actstream.integrity_check()'


class Run:
    """One isolation level."""

    def __init__(self, options, number):
        self.options, self.number = options, number
        self.level, self.settings = RUNS[number]
        self.name = self.level + (', unaided' if self.settings else '')
        self.database = f'history_{number}'
        self.folder = os.path.join(options.folder, self.database)
        # escaped once for the options, and once more for the string that they stand in
        level = self.level.replace(' ', r'\\ ')
        self.conninfo = (f'{options.conninfo} dbname={self.database} application_name=history'
                         f" options='-c default_transaction_isolation={level}'")
        self.plain = f'{options.conninfo} dbname={self.database} application_name=chaos'

    def make_database(self):
        os.makedirs(self.folder)
        maintenance = Session(f'{self.options.conninfo} dbname=postgres', {})
        maintenance.query(f'CREATE DATABASE {self.database}')
        for setting in self.settings:
            maintenance.query(f'ALTER DATABASE {self.database} SET {setting}')
        maintenance.close()
        subprocess.run(['psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-d', self.plain,
                        '-v', f'actors={ACTORS}', '-v', f'readers={READERS}',
                        '-v', f'things={THINGS}', '-f', f'{HERE}/schema.sql'],
                       check=True, stdout=subprocess.DEVNULL)

    def act(self):
        """Let the clients act; returns what has happened to them."""
        context = multiprocessing.get_context('fork')
        crashing = context.Value('b', 0)
        deadline = time.monotonic() + self.options.minutes * 60
        failed = context.Value('i', 0)
        clients = [context.Process(target=self.run_client, args=(i, crashing, deadline, failed))
                   for i in range(self.options.clients)]
        for client in clients:
            client.start()
        chaos = Chaos(self.plain, f'{self.options.seed} {self.number}', crashing)
        try:
            chaos.work(deadline)
        finally:
            for client in clients:
                client.join()
        chaos.count_map()
        chaos.counts['failed clients'] = failed.value
        return chaos.counts

    def run_client(self, number, crashing, deadline, failed):
        try:
            Client(number, self.options.clients, self.level, self.conninfo, self.options.seed,
                   os.path.join(self.folder, f'client-{number}.jsonl'), crashing).work(
                       deadline, self.options.rate / self.options.clients)
        except BaseException:
            traceback.print_exc()
            with failed.get_lock():
                failed.value += 1

    def look_at_end(self):
        """Write down the tables, and read every stream once more."""
        session = Session(self.plain, STATEMENTS)
        recorder = Recorder(os.path.join(self.folder, f'client-{self.options.clients}.jsonl'))
        reads = [Read(kind, f'reader:{r}', long=True)
                 for r in range(1, READERS + 1) for kind in ('user', 'own')]
        reads += [Read('actor', f'actor:{a}', long=True) for a in range(1, ACTORS + 1)]
        reads += [Read('target', f'thing:{t}', long=True) for t in range(1, SHARED_THINGS + 1)]
        for read in (*reads, Read('public', long=True)):
            seq, begin = recorder.next_seq(), now()
            rows = session.call(*read.statement())
            read.answered(recorder, Place(seq, 0, seq, begin, now()), rows)
        recorder.close()
        self.write_final(session)
        session.close()

    def write_final(self, session):
        session.query('SET enable_indexscan = off')
        session.query('SET enable_bitmapscan = off')
        session.query('SET enable_indexonlyscan = off')
        recorder = Recorder(os.path.join(self.folder, 'final.jsonl'))
        for row in session.query(FINAL_ROWS):
            id, us, verb, external, name, actor, object, target, public = [
                value and value.decode() for value in row]
            if verb == 'started following':
                name = started_name(actor, target, us)
            recorder.write('row', int(id), int(us), external or name, actor, object, target,
                           public == 't')
        for follower, followee, actor_only in session.query(FINAL_FOLLOWS):
            recorder.write('follow', follower.decode(), followee.decode(),
                           BY_ACTOR if actor_only == b't' else BY_ANY)
        for problem in session.query(PROBLEMS):
            recorder.write('error', *(value and value.decode() for value in problem))
        for gid, in session.query('SELECT gid FROM pg_catalog.pg_prepared_xacts'):
            recorder.write('error', 'left prepared', gid.decode())
        recorder.close()

    def run(self):
        """Returns the violations, and figures."""
        self.make_database()
        happened = self.act()
        self.look_at_end()
        violations, counts = checker.check(self.folder, os.cpu_count())
        counts.update(happened)
        if happened['failed clients']:
            violations.append(('error', f"{happened['failed clients']} clients have failed"))
        if not self.settings and not counts['lists skipped'] and self.level != 'serializable':
            violations.append(('error', 'no stream was read with the recency map'))
        if not violations and not self.options.keep:
            shutil.rmtree(self.folder)
        return violations, counts


def line(name, clients, figures, violations):
    return f'{name:<24}{clients:>8}' + ''.join(f'{f:>14}' for f in figures) + f'{violations:>12}'


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('conninfo')
    parser.add_argument('folder')
    parser.add_argument('--seed', type=int, required=True)
    parser.add_argument('--minutes', type=float, default=3)
    parser.add_argument('--clients', type=int, default=8)
    parser.add_argument('--rate', type=float, default=2500, help='operations per second')
    parser.add_argument('--runs', default='0123', help='which of the runs')
    parser.add_argument('--keep', action='store_true', help='keep the histories')
    options = parser.parse_args()

    table, passed, failed, total = [], 0, 0, 0
    for number in map(int, options.runs):
        run = Run(options, number)
        violations, counts = run.run()
        checker.show(violations)
        table.append(line(run.name, options.clients,
                          [f'{counts[column]:,}' for _, column in COLUMNS], len(violations)))
        print(f'{run.name}:', ', '.join(
            f'{value:,} {name}' for name, value in sorted(counts.items())), flush=True)
        passed += not violations
        failed += bool(violations)
        total += counts['operations']
    print()
    print(line('isolation level', 'clients', [title for title, _ in COLUMNS], 'violations'))
    print('\n'.join(table))
    print(f'{total:,} operations')
    print(f'histories: {passed} passed, {failed} failed')
    return bool(failed)


if __name__ == '__main__':
    sys.exit(main())
