#!/usr/bin/env python3
"""Does the memory of a session grow with the number of its calls?

    memory.py CONNINFO [--calls N]

CONNINFO names an empty database of a superuser on this machine.  Each function is
called N times in one session, in transactions of a thousand calls; what the
process has of its own memory is looked at after a tenth of the calls and at the
end.

Prints a line "FUNCTION: N checked, M wrong, B bytes per million calls" for each,
where M is 1 if the growth is of more than a megabyte, and exits with 1 then.
"""
import argparse
import sys

import psycopg

LIMIT = 2 ** 20

SCHEMA = """
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
CREATE TABLE person (id integer PRIMARY KEY, name text NOT NULL);
SELECT FROM actstream.register('person', name_template => '{name}');
INSERT INTO person SELECT i, 'person ' || i FROM generate_series(1, 1000) AS i;
SELECT count(actstream.act_send(actstream.ref('person', i % 100 + 1), 'met', target => actstream.ref('person', i % 90 + 101)))
FROM generate_series(1, 2000) AS i;
SELECT count(actstream.follow(actstream.ref('person', i % 5 + 1), actstream.ref('person', i))) FROM generate_series(10, 60) AS i;
ANALYZE;
"""

# what is called, in terms of i
CALLS = {
    'act_send': "PERFORM actstream.act_send(actstream.ref('person', i % 1000 + 1), 'met', "
                "target => actstream.ref('person', i % 999 + 1), data => '{\"a\": 1}')",
    'follow': "PERFORM actstream.follow(actstream.ref('person', i % 1000 + 1), actstream.ref('person', i / 1000 % 1000 + 1))",
    'unfollow': "PERFORM actstream.unfollow(actstream.ref('person', i % 1000 + 1), actstream.ref('person', i / 1000 % 1000 + 1))",
    'user_stream': "PERFORM FROM actstream.user_stream(actstream.ref('person', i % 5 + 1)) LIMIT 20",
    'any_stream': "PERFORM FROM actstream.any_stream(actstream.ref('person', i % 100 + 1)) LIMIT 20",
    'user_stream, planned': "EXECUTE 'SELECT FROM actstream.user_stream(actstream.ref(''person'', 1)) LIMIT 20'",
    'sentence': "PERFORM actstream.sentence(a) FROM actstream.actions a WHERE id = i % 2000 + 1",
}

PROCEDURE = """
CREATE OR REPLACE PROCEDURE work(first bigint, last bigint) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN first .. last LOOP
        %s;
        IF i %% 1000 = 0 THEN
            COMMIT;
        END IF;
    END LOOP;
END
$$
"""


def own_memory(pid):
    """Bytes that the process does not share."""
    with open('/proc/%d/status' % pid) as file:
        for line in file:
            if line.startswith('RssAnon:'):
                return int(line.split()[1]) * 1024
    sys.exit('the kernel does not say what memory a process has')


def growth(conninfo, call, calls):
    """In bytes per million calls."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(PROCEDURE % call)
        pid = connection.info.backend_pid
        warm = calls // 10
        connection.execute('CALL work(1, %d)' % warm)
        before = own_memory(pid)
        connection.execute('CALL work(%d, %d)' % (warm + 1, calls))
        return (own_memory(pid) - before) * 1000000 // (calls - warm)


def main():
    parser = argparse.ArgumentParser(description='Does memory grow with the number of calls?')
    parser.add_argument('conninfo')
    parser.add_argument('--calls', type=int, default=1000000)
    options = parser.parse_args()

    with psycopg.connect(options.conninfo, autocommit=True) as connection:
        connection.execute(SCHEMA)
    wrong = 0
    for name, call in CALLS.items():
        grown = growth(options.conninfo, call, options.calls)
        # less than a page a thousand calls says nothing of few calls
        bad = grown > LIMIT and grown * options.calls // 1000000 > LIMIT // 4
        wrong += bad
        print('%s: %d checked, %d wrong, %d bytes per million calls' % (name, options.calls, bad, grown), flush=True)
    sys.exit(wrong > 0)


if __name__ == '__main__':
    main()
