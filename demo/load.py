#!/usr/bin/python3
"""Loads the changelogs in $CHANGELOGS into the database that $PGDATABASE names.

It copies rows into ordinary tables, and knows nothing of activity streams: that
a maintainer released a release of a package, and closed the bugs in it, is sent
by the tables themselves, with the date that stands under the entry.
"""

import os
import sys
import uuid
from collections import Counter
from time import perf_counter

import psycopg

import changelogs

EXAMPLES = 3            # oddities named, of each kind
PROGRESS = 10_000       # rows of a table


class Clock:
    """The seconds since it was asked before."""

    def __init__(self):
        self.then = perf_counter()

    def lap(self):
        then, self.then = self.then, perf_counter()
        return self.then - then


def say(text=''):
    print(text, flush=True)


def maintainer_id(email):
    """The same person has the same id on every machine."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, 'mailto:' + email))


def rows(releases):
    """The rows of each table, in an order that satisfies its foreign keys."""
    maintainers, bugs = {}, {}
    for r in releases:
        if r.email:
            maintainers[r.email] = r.name       # the newest name stays
        for bug in r.bugs:
            bugs.setdefault(bug, r.package)
    return {
        'maintainer (id, name, email)':
            [(maintainer_id(email), name, email) for email, name in maintainers.items()],
        'package (name)':
            [(package,) for package in {r.package: None for r in releases}],
        'release (package, version, distributions, urgency, maintainer, released)':
            [(r.package, r.version, r.distributions, r.urgency,
              r.email and maintainer_id(r.email), r.date) for r in releases],
        'bug (number, package)':
            list(bugs.items()),
        'fix (bug, package, version, maintainer, fixed)':
            [(bug, r.package, r.version, r.email and maintainer_id(r.email), r.date)
             for r in releases for bug in r.bugs],
    }


def copy(cursor, table, rows):
    """Copies the rows into the table; returns their number."""
    number = 0
    with cursor.copy(f'COPY {table} FROM STDIN') as stream:
        for number, row in enumerate(rows, 1):
            stream.write_row(row)
            if number % PROGRESS == 0:
                say(f'  {number:9,} ...')
    return number


def report(oddities):
    """Names what was odd, a few of each kind."""
    if not oddities:
        return
    say('\nOdd in the changelogs, and left out as far as it could not be used:')
    for kind, number in Counter(o.kind for o in oddities).most_common():
        say(f'  {number:9,} {kind}')
        examples = [o for o in oddities if o.kind == kind]
        for o in examples[:EXAMPLES]:
            where = os.sep.join(o.file.split(os.sep)[-2:])
            text = ''.join(c if c.isprintable() else '?' for c in ': '.join(filter(None, (where, o.detail))))
            say('            ' + (text if len(text) <= 86 else text[:83] + '...'))
        if number > EXAMPLES:
            say(f'            and {number - EXAMPLES:,} more')


def main():
    directories = [d for d in os.environ.get('CHANGELOGS', '').split(':') if d]
    clock = Clock()

    try:
        files = changelogs.find(directories)
    except OSError as error:
        sys.exit(f'load.py: {error}')
    say(f'Reading {len(files):,} changelogs in {", ".join(directories) or "no directory"} ...')
    history = changelogs.read(files)
    # Entries without a date come first: they are old.
    releases = sorted(history.releases.values(),
                      key=lambda r: (r.date is not None, r.date, r.key))
    if not any(r.is_complete() for r in releases):
        report(history.oddities)
        sys.exit('load.py: there is no usable entry in these changelogs')
    reading = clock.lap()
    say(f'  {history.entries:9,} entries in {reading:.1f} s')

    with psycopg.connect() as connection, connection.cursor() as cursor:
        say('Copying the tables ...')
        loaded = {}
        for table, values in rows(releases).items():
            name = table.split()[0]
            loaded[name] = copy(cursor, table, values)
            say(f'  {loaded[name]:9,} {name}')
        connection.commit()
        writing = clock.lap()
        number = cursor.execute('SELECT count(*) FROM actstream.actions').fetchone()[0]
        say(f'  {sum(loaded.values()):9,} rows in {writing:.1f} s, '
            f'of which {number:,} have sent an action')
        cursor.execute('ANALYZE')

    report(history.oddities)

    say('\nLoaded')
    for what, count in [('files', history.files), ('entries', history.entries),
                        ('maintainers', loaded['maintainer']), ('packages', loaded['package']),
                        ('releases', loaded['release']), ('bugs', loaded['bug']),
                        ('actions', number)]:
        say(f'  {count:9,} {what}')
    say(f'  {number / writing:9,.0f} actions per second, each with its references checked')


if __name__ == '__main__':
    main()
