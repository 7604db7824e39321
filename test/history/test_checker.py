#!/usr/bin/env python3
"""Can the check fail?  Each kind of violation, planted into a small history."""
import os
import shutil
import tempfile
import unittest

import checker
from record import ABORTED, BY_ACTOR, COMMITTED, NONE, Recorder

MS = 1_000_000      # nanoseconds


class Planted(unittest.TestCase):
    """Client 0 sends and follows, client 1 reads.  Times are in milliseconds."""

    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.folder)
        self.clients = [self.recorder(f'client-{i}') for i in range(2)]
        self.final = {}
        self.follows = {}

    def recorder(self, name):
        return Recorder(os.path.join(self.folder, name + '.jsonl'))

    def send(self, id, begin, end=None, tx=None, name=None, known=True, client=0,
             outcome=COMMITTED, public=True, actor='actor:1'):
        recorder = self.clients[client]
        seq = recorder.next_seq()
        own = tx is None
        tx = tx or recorder.next_tx()
        content = [actor, None, None, public]
        recorder.write('send', seq, tx, name or f'n{id}', id if known else None,
                       begin * 1000 if known else None, *content)
        if own:
            self.end(tx, begin, end or begin + 1, outcome, client)
        if outcome == COMMITTED:
            self.final[id] = [begin * 1000, name or f'n{id}', *content]

    def end(self, tx, begin, end, outcome=COMMITTED, client=0):
        recorder = self.clients[client]
        recorder.write('tx', tx, outcome, begin * MS, end * MS, recorder.next_seq())

    def follow(self, state, begin, followee='actor:1'):
        recorder = self.clients[0]
        tx = recorder.next_tx()
        recorder.write('follow', recorder.next_seq(), tx, 'reader:1', followee, state)
        self.end(tx, begin, begin + 1)
        self.follows['reader:1', followee] = state

    def delete(self, id, begin):
        recorder = self.clients[0]
        tx = recorder.next_tx()
        recorder.write('delete', recorder.next_seq(), tx, id)
        self.end(tx, begin, begin + 1)
        self.final.pop(id, None)

    def read(self, ids, begin, end=None, client=1, kind='actor', argument='actor:1', upper=None,
             limit=20, scan=None, snapshot=None, tx=0):
        recorder = self.clients[client]
        seq = recorder.next_seq()
        recorder.write('read', seq, tx, snapshot or seq, begin * MS, (end or begin + 1) * MS,
                       kind, argument, upper, limit, ids, scan)
        return seq

    def found(self, followees, begin):
        recorder = self.clients[1]
        seq = recorder.next_seq()
        recorder.write('follows', seq, 0, seq, begin * MS, (begin + 1) * MS, 'reader:1', followees)

    def violations(self, *kinds):
        """The kinds of violations found are these."""
        final = self.recorder('final')
        for id, row in self.final.items():
            final.write('row', id, *row)
        for (follower, followee), state in self.follows.items():
            if state != NONE:
                final.write('follow', follower, followee, state)
        for recorder in (*self.clients, final):
            recorder.close()
        found, counts = checker.check(self.folder)
        self.assertEqual(sorted({kind for kind, _ in found}), sorted(kinds), found)

    def test_nothing_wrong(self):
        self.send(1, 10)
        self.follow(BY_ACTOR, 20)
        self.send(2, 30, 40)
        self.read([1], 35)                  # or not yet
        self.read([2, 1], 50, kind='user', argument='reader:1')
        self.found(['actor:1'], 50)
        self.follow(NONE, 60)
        self.read([], 70, kind='user', argument='reader:1')
        self.delete(1, 80)
        self.read([2], 90)
        self.violations()

    def test_lost(self):
        self.send(1, 10)
        del self.final[1]
        self.violations('lost')

    def test_doubled(self):
        self.send(1, 10, name='a')
        self.send(2, 20, name='a')
        self.violations('doubled')

    def test_doubled_after_a_lost_connection(self):
        self.send(1, 10, name='a', known=False)
        self.send(2, 20, name='a')
        self.violations('doubled', 'invented')

    def test_retried_after_a_lost_connection(self):
        self.send(1, 10, name='a', known=False)
        self.send(1, 20, name='a')
        self.read([1], 30)
        self.violations()

    def test_aborted_in_table(self):
        self.send(1, 10, outcome=ABORTED)
        self.final[1] = [10000, 'n1', 'actor:1', None, None, True]
        self.violations('aborted')

    def test_aborted_in_read(self):
        self.send(1, 10, outcome=ABORTED)
        self.read([1], 20)
        self.violations('aborted')

    def test_invented(self):
        self.read([7], 20)
        self.violations('invented')

    def test_invented_in_table(self):
        self.final[7] = [10000, 'n7', 'actor:1', None, None, True]
        self.violations('invented')

    def test_altered(self):
        self.send(1, 10)
        self.final[1][2] = 'actor:2'
        self.violations('altered')

    def test_missed(self):
        self.send(1, 10)
        self.read([], 20)
        self.violations('missed')

    def test_missed_on_a_page(self):
        for id in range(1, 6):
            self.send(id, id * 10)
        first = [[5, 4], [40000, 4]]
        self.read(first[0], 100, limit=2, scan=1)
        self.read([2, 1], 110, limit=2, scan=1, upper=first[1])     # 3 is skipped
        self.violations('missed')

    def test_repeated_on_pages(self):
        for id in range(1, 4):
            self.send(id, id * 10)
        self.read([3, 2], 100, limit=2, scan=1)
        self.read([2, 1], 110, limit=2, scan=1, upper=[20000, 2])
        self.violations('order', 'repeated')

    def test_repeated_on_a_page(self):
        self.send(1, 10)
        self.read([1, 1], 20)
        self.violations('repeated')

    def test_pages_that_do_not_join(self):
        for id in range(1, 5):
            self.send(id, id * 10)
        self.read([4, 3], 100, limit=2, scan=1)
        self.read([1], 110, limit=2, scan=1, upper=[20000, 2])
        self.violations('pages')

    def test_order(self):
        self.send(1, 10)
        self.send(2, 20)
        self.read([1, 2], 30)
        self.violations('order')

    def test_early(self):
        self.send(1, 30)
        self.read([1], 20)
        self.violations('early')

    def test_deleted(self):
        self.send(1, 10)
        self.delete(1, 20)
        self.read([1], 30)
        self.violations('deleted')

    def test_deleted_in_table(self):
        self.send(1, 10)
        row = self.final[1]
        self.delete(1, 20)
        self.final[1] = row
        self.violations('deleted')

    def test_private(self):
        self.send(1, 10, public=False)
        self.read([1], 20)
        self.violations('stray')

    def test_of_another(self):
        self.send(1, 10)
        self.read([1], 20, argument='actor:2')
        self.violations('stray')

    def test_follow_not_counted(self):
        self.send(1, 10)
        self.follow(BY_ACTOR, 20)
        self.read([], 30, kind='user', argument='reader:1')
        self.violations('missed')

    def test_unfollow_not_counted(self):
        self.send(1, 10)
        self.follow(BY_ACTOR, 20)
        self.follow(NONE, 30)
        self.read([1], 40, kind='user', argument='reader:1')
        self.violations('unfollowed')

    def test_followees(self):
        self.follow(BY_ACTOR, 20)
        self.found([], 30)
        self.follow(NONE, 40)
        self.found(['actor:1'], 50)
        self.violations('follow', 'unfollowed')

    def test_follow_lost(self):
        self.follow(BY_ACTOR, 20)
        self.follows.clear()
        self.violations('follow')

    def test_own_write(self):
        self.send(1, 10, 11)
        self.read([], 10, 20, client=0)     # sent with it, answered after it
        self.violations('own')

    def test_read_back_in_time(self):
        self.send(1, 10, 100)
        self.read([1], 20)
        self.read([], 30, client=0)
        self.violations('missed')

    def test_read_back_in_time_in_a_session(self):
        self.send(1, 10, 100)
        self.read([1], 20, 40)
        self.read([], 20, 41)               # of one batch
        self.violations('own')

    def test_snapshot_that_changes(self):
        self.send(1, 10, 100)
        snapshot = self.read([], 20)
        self.read([1], 20, snapshot=snapshot)
        self.violations('snapshot')

    def test_torn(self):
        tx = self.clients[0].next_tx()
        self.send(1, 10, tx=tx)
        self.send(2, 12, tx=tx)
        self.end(tx, 14, 100)
        self.read([2], 20)
        self.violations('torn')


if __name__ == '__main__':
    unittest.main()
