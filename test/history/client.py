"""A client: sends, follows, unfollows, deletes and reads, and writes down what it was told."""
import random
import time
from collections import Counter
from dataclasses import dataclass, field

from operations import (BY_ACTOR, BY_ANY, NONE, STATEMENTS, Delete, Fetch, Follow, Following,
                        Read, Send)
from record import ABORTED, COMMITTED, UNKNOWN, Recorder
from session import Lost, Refused, Session, now

ACTORS, BUSY_ACTORS = 300, 20
READERS = 40
THINGS, SHARED_THINGS = 60000, 40
FOLLOWS = 40            # of each reader at first
BATCH = 24
PAGES = 6

# what may happen to a transaction: serialization failure, deadlock
RETRY = ('40001', '40P01')

# seconds that a server may take to recover
PATIENCE = 120


@dataclass
class Place:
    """Where in the history a statement stands."""
    seq: int
    tx: int
    snapshot: int
    begin: int = 0
    end: int = 0


@dataclass
class Transaction:
    """One whose end is not known yet.  "look_up" is the operation that tells."""
    tx: int
    begin: int
    operations: list
    look_up: object
    gid: str = None
    commit: bool = True
    prepared: bool = False
    places: list = field(default_factory=list)


class Client:
    def __init__(self, number, clients, level, conninfo, seed, path, crashing):
        self.number, self.clients, self.level = number, clients, level
        self.conninfo, self.crashing = conninfo, crashing
        self.random = random.Random(f'{seed} {level} {number}')
        self.recorder = Recorder(path)
        self.counts = Counter()
        self.session = None
        self.names = self.scans = self.shared = 0
        self.things = iter(range(SHARED_THINGS + 1 + number, THINGS, clients))
        self.readers = [f'reader:{r}' for r in range(1, READERS + 1) if r % clients == number]
        self.follows = {}       # (follower, followee): state
        self.told = {}          # (follower, followee): when an action was last sent of it
        self.busy = set()       # the ones of which it is not known
        self.sent = []          # what can be sent again, or deleted
        self.on_things = []     # (thing, id): what goes with its thing
        self.bounds = []        # keys of actions, from which to read on
        self.unknown = []       # transactions
        self.prepared = []      # transactions to be finished
        self.reconnect()

    # ---- choosing what to do ------------------------------------------------

    def actor(self):
        busy = self.random.random() < 0.7
        return f'actor:{self.random.randint(1, BUSY_ACTORS if busy else ACTORS)}'

    def shared_thing(self):
        return f'thing:{self.random.randint(1, SHARED_THINGS)}'

    def reader(self):
        if self.random.random() < 0.6:
            return self.random.choice(self.readers)
        return f'reader:{self.random.randint(1, READERS)}'

    def send(self, plain=False):
        """An action; "plain" is one that others may be sent after, in doubt."""
        self.names += 1
        chance = self.random.random
        past = time.time_ns() // 1000 - self.random.randint(0, 60_000_000)
        object = None
        if not plain and chance() < 0.1:
            thing = next(self.things, None)
            object = thing and f'thing:{thing}'
        return Send(f'{self.number}-{self.names}', self.actor(), object,
                    self.shared_thing() if chance() < 0.5 else None, chance() < 0.9,
                    past if chance() < 0.15 else None, named=plain or chance() < 0.8)

    def send_shared(self):
        """An action that all clients send."""
        self.shared += 1
        return Send(f'shared-{self.shared}', 'actor:1')

    def send_again(self):
        if not self.sent:
            return self.send()
        send = self.random.choice(self.sent)
        return Send(send.name, send.actor, send.object, send.target, send.public, again=True)

    def follow(self, begin=False):
        """Another state of a follow, none of which is under way; None if all are."""
        for _ in range(10):
            follower = self.random.choice(self.readers)
            followee = self.actor() if self.random.random() < 0.9 else self.shared_thing()
            if self.random.random() < 0.3:
                followee = f'actor:{self.random.randint(1, ACTORS)}'
            pair = follower, followee
            before = self.follows.get(pair, NONE)
            if pair in self.busy or (begin and before != NONE):
                continue
            by = BY_ANY if followee.startswith('thing') else \
                self.random.choice((BY_ACTOR, BY_ACTOR, BY_ANY))
            state = by if before == NONE or self.random.random() < 0.2 else NONE
            self.busy.add(pair)
            us = time.time_ns() // 1000
            # what is told again within a minute is not sent again
            tells = state != NONE and us % 4 == 0 and us - self.told.get(pair, 0) > 120_000_000
            if tells:
                self.told[pair] = us
            return Follow(follower, followee, state, before, us, tells)
        return None

    def delete(self):
        if self.on_things and self.random.random() < 0.5:
            return Delete(*self.on_things.pop()[::-1])
        if not self.sent:
            return self.send()
        return Delete(self.sent.pop(self.random.randrange(len(self.sent))).id)

    def read(self):
        kind = self.random.choices(
            ('user', 'own', 'actor', 'target', 'any', 'of', 'public'),
            (60, 8, 10, 5, 5, 7, 5))[0]
        upper = None
        if self.bounds and self.random.random() < 0.3:
            upper = self.random.choice(self.bounds)
        return Read(kind, self.argument(kind), upper)

    def argument(self, kind):
        if kind in ('user', 'own'):
            return self.reader()
        if kind == 'target' or (kind == 'any' and self.random.random() < 0.5):
            return self.shared_thing()
        if kind == 'of':
            return sorted({self.actor() for _ in range(5)})
        return None if kind == 'public' else self.actor()

    def operation(self):
        chance = self.random.random()
        if chance < 0.30:
            return self.send()
        if chance < 0.35:
            return self.follow() or self.send()
        if chance < 0.38:
            return self.delete()
        if chance < 0.40:
            return self.send_again()
        if chance < 0.41:
            return self.send_shared()
        if chance < 0.44:
            return Following(self.reader())
        return self.read()

    # ---- keeping account ----------------------------------------------------

    def count(self, operation):
        self.counts['operations'] += 1
        self.counts[operation.counts] += 1

    def committed(self, operation):
        if isinstance(operation, Follow):
            pair = operation.follower, operation.followee
            self.follows[pair] = operation.state
            self.busy.discard(pair)
        elif isinstance(operation, Send) and operation.id is not None:
            self.counts['acknowledged'] += 1
            self.bounds.append([operation.us, operation.id])
            if len(self.bounds) > 500:
                self.bounds.pop(self.random.randrange(250))
            if operation.object is not None:
                self.on_things.append((int(operation.object[6:]), operation.id))
            elif operation.named and not operation.again and \
                    not operation.name.startswith('shared'):
                self.sent.append(operation)

    def aborted(self, operation):
        if isinstance(operation, Follow):
            self.busy.discard((operation.follower, operation.followee))

    def end(self, tx, operations, outcome, begin):
        """The transaction has ended, and it is known how."""
        self.recorder.write('tx', tx, outcome, begin, now(), self.recorder.next_seq())
        for operation in operations:
            (self.committed if outcome == COMMITTED else self.aborted)(operation)

    def refused(self, error):
        if error.args[0] not in RETRY:
            self.recorder.write('error', *error.args)
        self.counts['refused'] += 1

    # ---- single statements, many at once ------------------------------------

    def batch(self, operations):
        """Each operation is a transaction.  Returns whether all were answered."""
        places = []
        for operation in operations:
            seq = self.recorder.next_seq()
            places.append(Place(seq, self.recorder.next_tx(), seq))
        begin = now()
        answers = self.session.calls([operation.statement() for operation in operations])
        lost = False
        # the answers first: when they end, the session leaves its pipeline
        for answer, operation, place in zip(answers, operations, places):
            place.begin, place.end = begin, now()
            self.count(operation)
            if isinstance(answer, Lost):
                lost = True
                self.lost(operation, place)
            elif isinstance(answer, Refused):
                self.refused(answer)
                self.recorder.write('tx', place.tx, ABORTED, begin, place.end, place.seq)
                self.aborted(operation)
            else:
                operation.answered(self.recorder, place, answer)
                if operation.counts != 'reads':
                    self.recorder.write('tx', place.tx, COMMITTED, begin, place.end, place.seq)
                    self.committed(operation)
        if lost:
            raise Lost()

    def lost(self, operation, place):
        operation.unanswered(self.recorder, place)
        if operation.counts != 'reads':
            self.unknown.append(Transaction(place.tx, place.begin, [operation], operation,
                                            places=[place]))

    # ---- transactions of many statements ------------------------------------

    def run(self, operation, tx, snapshot):
        """Run an operation within a transaction; returns the snapshot for the next."""
        seq = self.recorder.next_seq()
        begin = now()
        rows = self.session.call(*operation.statement())
        place = Place(seq, tx, seq, begin, now())
        if snapshot is not None and self.level != 'read committed':
            place.snapshot, place.begin, place.end = snapshot
        operation.answered(self.recorder, place, rows)
        self.count(operation)
        return place.snapshot, place.begin, place.end

    def transaction(self):
        """Some statements, one of them an action that tells of the outcome."""
        operations = [self.send(plain=True)]
        for _ in range(self.random.randint(1, 5)):
            operation = self.random.choice((
                lambda: self.send(plain=True), self.follow, self.follow, self.read, self.read,
                lambda: Following(self.reader())))()
            if operation is not None:
                operations.append(operation)
        self.random.shuffle(operations)
        marker = next(o for o in operations if isinstance(o, Send))
        transaction = Transaction(self.recorder.next_tx(), now(), operations, marker)
        try:
            self.session.query('BEGIN')
            snapshot = None
            for operation in operations:
                snapshot = self.run(operation, transaction.tx, snapshot)
            self.finish(transaction)
        except Refused as error:
            self.refused(error)
            self.end(transaction.tx, operations, ABORTED, transaction.begin)
            self.session.query('ROLLBACK')
        except Lost:
            # who has sent no COMMIT knows what has become of it
            if not transaction.prepared and transaction not in self.unknown:
                self.end(transaction.tx, operations, ABORTED, transaction.begin)
            raise

    def finish(self, transaction):
        """Commit, roll back, or prepare to do so later."""
        chance = self.random.random()
        if chance < 0.2:
            self.session.query('ROLLBACK')
            self.end(transaction.tx, transaction.operations, ABORTED, transaction.begin)
            return
        transaction.begin = now()
        self.unknown.append(transaction)
        try:
            if chance < 0.9:
                self.session.query('COMMIT')
                self.end(transaction.tx, transaction.operations, COMMITTED, transaction.begin)
            else:
                transaction.gid = f'{self.number}-{transaction.tx}'
                self.session.query(f"PREPARE TRANSACTION '{transaction.gid}'")
                self.prepared.append(transaction)
                transaction.prepared = True
                self.counts['prepared'] += 1
        except Refused:
            self.unknown.remove(transaction)
            raise
        self.unknown.remove(transaction)

    def finish_prepared(self):
        """Finish one that was prepared, perhaps before a crash."""
        if not self.prepared:
            return
        transaction = self.prepared.pop(self.random.randrange(len(self.prepared)))
        transaction.commit = self.random.random() < 0.8
        transaction.begin = now()
        self.unknown.append(transaction)
        self.end_prepared(transaction)
        self.unknown.remove(transaction)

    def end_prepared(self, transaction):
        command = 'COMMIT' if transaction.commit else 'ROLLBACK'
        self.session.query(f"{command} PREPARED '{transaction.gid}'")
        self.end(transaction.tx, transaction.operations,
                 COMMITTED if transaction.commit else ABORTED, transaction.begin)

    # ---- reading on ---------------------------------------------------------

    def scan(self):
        """Page after page; one snapshot for all if the level has such."""
        kind = self.random.choice(('user', 'user', 'actor', 'public', 'of'))
        argument = self.argument(kind)
        together = self.random.random() < 0.7
        self.scans += 1
        tx, snapshot, upper = self.recorder.next_tx(), None, None
        try:
            if together:
                self.session.query('BEGIN')
            for _ in range(PAGES):
                page = Read(kind, argument, upper, self.scans)
                found = self.run(page, tx, snapshot)
                if together:
                    snapshot = found
                upper = page.last
                if len(page.ids) < page.limit:
                    break
            if together:
                self.session.query('COMMIT')
        except Refused as error:
            self.refused(error)
            if together:
                self.session.query('ROLLBACK')

    def cursor(self):
        """The same by a cursor, which has a snapshot of its own at any level."""
        kind = self.random.choice(('user', 'actor', 'public'))
        argument = self.argument(kind)
        self.scans += 1
        tx, upper = self.recorder.next_tx(), None
        seq = self.recorder.next_seq()
        try:
            self.session.query('BEGIN')
            begin = now()
            self.session.query(Fetch.declare(kind, argument))
            place = Place(seq, tx, seq, begin, now())
            for _ in range(self.random.randint(1, 8)):
                page = Fetch(kind, argument, upper, self.scans)
                page.fetch(self.session, self.random.randint(1, 30))
                page.record(self.recorder, place)
                self.count(page)
                upper = page.last
                if len(page.ids) < page.limit:
                    break
            self.session.query('COMMIT')
        except Refused as error:
            self.refused(error)
            self.session.query('ROLLBACK')

    # ---- after a lost connection --------------------------------------------

    def reconnect(self):
        """Connect, and find out what has become of what was not answered.

        Not while the server is about to crash: a transaction that was cut off by
        that could commit still, though nobody sees it yet.
        """
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if self.session is not None:
                    self.session.close()
                    self.session = None
                while self.crashing.value:
                    time.sleep(0.01)
                self.session = Session(self.conninfo, STATEMENTS)
                while self.unknown:
                    again = self.resolve(self.unknown[0])
                    self.unknown.pop(0)
                    if again is not None:
                        self.retry(again)
                return
            except (Lost, Refused) as error:
                if isinstance(error, Refused):
                    self.refused(error)
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def resolve(self, transaction):
        """Look up how it has ended; returns what is to be sent again."""
        if transaction.gid is not None:
            self.resolve_prepared(transaction)
            self.counts['unknown'] += 1
            return None
        done = transaction.look_up.look_up(self.session)
        self.counts['unknown'] += 1
        if done is None:
            self.recorder.write('tx', transaction.tx, UNKNOWN, transaction.begin, None, None)
            return None
        for place in transaction.places:
            if done and isinstance(transaction.look_up, Send):
                transaction.look_up.record(self.recorder, place)
        self.end(transaction.tx, transaction.operations, COMMITTED if done else ABORTED,
                 transaction.begin)
        single = transaction.look_up
        if not done and transaction.places and isinstance(single, Send) and \
                not single.again and single.object is None and self.random.random() < 0.7:
            return single
        return None

    def retry(self, send):
        """Send once more what was not there."""
        place = Place(self.recorder.next_seq(), self.recorder.next_tx(), None)
        transaction = Transaction(place.tx, now(), [send], send, places=[place])
        self.counts['retries'] += 1
        self.count(send)
        try:
            send.answered(self.recorder, place, self.session.call(*send.statement()))
        except Refused as error:
            self.refused(error)
            self.end(place.tx, [send], ABORTED, transaction.begin)
        except Lost:
            send.unanswered(self.recorder, place)
            self.unknown.append(transaction)
            raise
        else:
            self.end(place.tx, [send], COMMITTED, transaction.begin)

    def resolve_prepared(self, transaction):
        """Has PREPARE TRANSACTION been done, or what comes after it?"""
        there = bool(self.session.call('look up prepared', transaction.gid))
        if not transaction.prepared and there:
            transaction.prepared = True
            self.prepared.append(transaction)
        elif there:
            self.end_prepared(transaction)
        else:
            outcome = COMMITTED if transaction.prepared and transaction.commit else ABORTED
            self.end(transaction.tx, transaction.operations, outcome, transaction.begin)

    # ---- the whole ----------------------------------------------------------

    def patiently(self, step, *arguments):
        try:
            step(*arguments)
        except Lost:
            self.counts['lost connections'] += 1
            self.reconnect()

    def begin_follows(self):
        for _ in range(len(self.readers)):
            follows = [self.follow(begin=True) for _ in range(FOLLOWS)]
            self.patiently(self.batch, [f for f in follows if f is not None])

    def work(self, deadline, rate):
        """Act until the deadline, at a rate of so many operations in a second."""
        self.begin_follows()
        begin, before = time.monotonic(), self.counts['operations']
        while time.monotonic() < deadline:
            chance = self.random.random()
            if chance < 0.80:
                self.patiently(self.batch, [self.operation() for _ in range(BATCH)])
            elif chance < 0.90:
                self.patiently(self.transaction)
            elif chance < 0.95:
                self.patiently(self.scan)
            elif chance < 0.98:
                self.patiently(self.cursor)
            else:
                self.patiently(self.finish_prepared)
            early = (self.counts['operations'] - before) / rate + begin - time.monotonic()
            if early > 0:
                time.sleep(early)
        while self.prepared or self.unknown:
            self.patiently(self.finish_prepared)
        self.recorder.write('count', self.counts)
        self.recorder.close()
        self.session.close()
