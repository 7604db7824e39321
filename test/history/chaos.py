"""What happens to the clients: their backends are ended and killed."""
import os
import random
import signal
import time
from collections import Counter

from session import Lost, Session

# seconds between ends of one backend, and between kills, on average
END_EVERY, KILL_EVERY = 1.0, 10.0

STATEMENTS = {
    'backends': "SELECT pid FROM pg_catalog.pg_stat_activity"
                " WHERE application_name = 'history' AND pid <> pg_catalog.pg_backend_pid()",
    'end': 'SELECT pg_catalog.pg_terminate_backend($1)',
    'map': 'SELECT streams, lists_skipped FROM actstream.recency_stats()',
}


class Chaos:
    def __init__(self, conninfo, seed, crashing):
        self.conninfo, self.crashing = conninfo, crashing
        self.random = random.Random(f'{seed} chaos')
        self.counts = Counter()
        self.session = Session(conninfo, STATEMENTS)

    def work(self, deadline):
        kill = time.monotonic() + KILL_EVERY / 2
        while time.monotonic() < deadline - KILL_EVERY / 2:
            time.sleep(self.random.uniform(0, 2 * END_EVERY))
            pids = [int(pid) for pid, in self.session.call('backends')]
            if pids and time.monotonic() > kill:
                self.kill(self.random.choice(pids))
                kill = time.monotonic() + self.random.uniform(0.5, 1.5) * KILL_EVERY
            elif pids:
                self.session.call('end', self.random.choice(pids))
                self.counts['ended'] += 1
        while time.monotonic() < deadline:
            time.sleep(0.1)

    def count_map(self):
        """What the recency map did since the server started."""
        for name, value in zip(('map streams', 'lists skipped'), self.session.call('map')[0]):
            self.counts[name] += int(value or 0)

    def kill(self, pid):
        """Kill a backend, of which the server crashes, and wait until it is up again.

        Nobody connects meanwhile: see Client.reconnect().
        """
        self.count_map()
        self.crashing.value = 1
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            self.crashing.value = 0
            return
        self.counts['killed'] += 1
        try:
            while True:
                self.session.call('backends')
                time.sleep(0.01)
        except Lost:
            self.session.close()
        while True:
            try:
                self.session = Session(self.conninfo, STATEMENTS)
                break
            except Lost:
                time.sleep(0.05)
        self.crashing.value = 0
