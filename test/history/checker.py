"""Check a history: was every read right, given what had been acknowledged?

    checker.py FOLDER       the files client-*.jsonl and final.jsonl; see record.py

A write takes effect at one instant between the time before its commit and that
of the answer, the snapshot of a read at one between the times of its statement.
So of a write that was answered before a read began the read must show the effect,
of one that began after its end it must not, of others it may; unless something
else settles it:

  - A session sees what it has done before, and of its own transaction all.
  - What a read has shown, reads that begin after its end must show, too, and
    later ones of the same session.
  - The reads of one snapshot agree, and of a transaction they show all or nothing.

What can be found:

    lost, doubled, altered, invented   an action in the table at the end, or in a read
    aborted, deleted                   one that is there and should not be
    missed, own                        a read lacks what was acknowledged, or what
                                       its own session had done or seen
    early, stray, unfollowed           it shows what was not there yet, belongs to
                                       another stream, or is not followed
    order, repeated, pages             rows or pages do not follow each other
    snapshot, torn                     reads of one snapshot disagree, or show a part
                                       of a transaction
    follow                             what is followed is not what was asked for
    error                              a statement was refused that should not be

A page covers what lies between its upper bound and its last row, and if it is not
full, all that lies below the bound.
"""
import collections
import glob
import math
import multiprocessing
import os
import sys
from bisect import bisect_left
from dataclasses import dataclass, field

import record
from record import ABORTED, BY_ACTOR, BY_ANY, COMMITTED, NONE, UNKNOWN

LOWEST = (-math.inf, 0)
HIGHEST = (math.inf, 0)

# microseconds that a timestamp may be ahead of what clients saw of it, at most
MARGIN = 5_000

# how many violations of a kind are shown
SHOWN = 5

Ending = collections.namedtuple('Ending', 'outcome begin end seq')
Attempt = collections.namedtuple('Attempt', 'client seq tx id us content')
Removal = collections.namedtuple('Removal', 'client begin end seq')
Change = collections.namedtuple('Change', 'seq tx followee state begin end tx_seq')
Page = collections.namedtuple(
    'Page', 'seq tx snapshot begin end kind argument upper limit ids scan')
Found = collections.namedtuple('Found', 'seq tx snapshot begin end follower followees')


class Row:
    """An action, as far as it was committed."""
    __slots__ = ('id', 'key', 'actor', 'object', 'target', 'public', 'own_tx',
                 'committed', 'begin', 'settled', 'own', 'starts', 'removals', 'mates')

    def __init__(self, id, us, content):
        self.id = id
        self.key = (us, id)
        self.actor, self.object, self.target, self.public = content
        self.own_tx = {}        # (client, tx): seq, of those who have sent it
        self.committed = False
        self.begin = math.inf   # before this nobody sees it
        self.settled = math.inf     # after this everybody does
        self.own = {}           # client: his seq after which he does
        self.starts = {}        # client: his first seq; none if others have sent it, too
        self.removals = ()
        self.mates = ()         # the rows of its transaction, with itself

    def objects(self):
        return {self.actor, self.object, self.target} - {None}


class History:
    """What the clients have written down, put in order."""

    def __init__(self, folder):
        self.paths = {int(os.path.basename(path)[7:-6]): path
                      for path in glob.glob(os.path.join(folder, 'client-*.jsonl'))}
        self.endings = {}
        self.attempts = collections.defaultdict(list)   # by name
        self.deletes = []
        self.changes = collections.defaultdict(list)    # by follower
        self.owners = {}                                # of followers
        self.seen = {}                                  # id: end of the first read
        self.seen_by = collections.defaultdict(dict)    # client: {id: snapshot}
        self.unnamed = set()    # transactions with actions whose ids they were not told
        self.counts = collections.Counter()
        self.errors = []
        for client, path in self.paths.items():
            self.load(client, path)
        self.final, self.final_follows = [], {}
        for kind, *line in record.read(os.path.join(folder, 'final.jsonl')):
            if kind == 'row':
                self.final.append(line)
            elif kind == 'follow':
                self.final_follows[line[0], line[1]] = line[2]
            else:
                self.errors.append(line)

    def load(self, client, path):
        writers = set()     # transactions whose reads show what is not committed
        seen_by = self.seen_by[client]
        for kind, *line in record.read(path):
            if kind == 'read':
                _, tx, snapshot, _, end, *_, ids, _ = line
                if tx in writers:
                    continue
                for id in ids:
                    if end < self.seen.get(id, math.inf):
                        self.seen[id] = end
                    if snapshot < seen_by.get(id, math.inf):
                        seen_by[id] = snapshot
            elif kind == 'send':
                seq, tx, name, id, us, *content = line
                self.attempts[name].append(Attempt(client, seq, tx, id, us, tuple(content)))
                writers.add(tx)
                if id is None:
                    self.unnamed.add((client, tx))
            elif kind == 'tx':
                tx, outcome, begin, end, seq = line
                self.endings[client, tx] = Ending(outcome, begin, end, seq)
            elif kind == 'follow':
                seq, tx, follower, followee, state = line
                self.changes[follower].append((client, seq, tx, followee, state))
                if self.owners.setdefault(follower, client) != client:
                    self.errors.append([f'{follower} has two clients'])
            elif kind == 'delete':
                self.deletes.append((client, *line))
            elif kind == 'count':
                self.counts.update(line[0])
            elif kind == 'error':
                self.errors.append(line)

    def ending(self, client, tx):
        """How a transaction has ended; one that nobody knows of may yet have."""
        return self.endings.get((client, tx)) or Ending(UNKNOWN, -math.inf, None, None)


class Follows:
    """What a follower has followed, at any time.

    All changes are of one client, one after the other.
    """

    def __init__(self, history, follower):
        self.owner = history.owners[follower]
        self.changes = []
        self.open = collections.defaultdict(list)       # by transaction
        for client, seq, tx, followee, state in history.changes[follower]:
            ending = history.ending(client, tx)
            end = math.inf if ending.outcome == UNKNOWN else ending.end
            after = math.inf if ending.seq is None else ending.seq
            change = Change(seq, tx, followee, state, ending.begin, end, after)
            self.open[tx].append(change)
            if ending.outcome != ABORTED:
                self.changes.append(change)
        self.changes.sort(key=lambda change: (change.tx_seq, change.seq))
        self.ends = [change.end for change in self.changes]
        self.after = [change.tx_seq for change in self.changes]
        self.versions = [{}]
        for change in self.changes:
            version = dict(self.versions[-1])
            version[change.followee] = change.state
            self.versions.append(version)

    def states(self, client, read):
        """The states that are certain, and for others those that are possible."""
        if client == self.owner:
            version = self.versions[bisect_left(self.after, read.snapshot)]
            own = [change for change in self.open.get(read.tx, ()) if change.seq < read.seq]
            if own:
                version = version | {change.followee: change.state for change in own}
            return version, {}
        first = bisect_left(self.ends, read.begin)
        version = self.versions[first]
        possible = {}
        while first < len(self.changes) and self.changes[first].begin < read.end:
            change = self.changes[first]
            possible.setdefault(change.followee, {version.get(change.followee, NONE)}).add(
                change.state)
            first += 1
        return version, possible


class Timeline:
    """Rows in the order of their keys."""

    def __init__(self, rows):
        self.rows = sorted(rows, key=lambda row: row.key)
        self.keys = [row.key for row in self.rows]

    def between(self, lower, upper):
        """Those from "lower" up to, and without, "upper"."""
        return self.rows[bisect_left(self.keys, lower):bisect_left(self.keys, upper)]


EMPTY = Timeline(())


@dataclass
class Snapshot:
    """What is known of a snapshot besides what is settled."""
    number: int = None
    shown: set = field(default_factory=set)     # ids, of mates too
    hidden: set = field(default_factory=set)


class Model:
    """What each read had to show."""

    def __init__(self, history):
        self.history = history
        self.violations = []
        self.rows = {}
        self.make_rows()
        self.make_removals()
        self.make_seen()
        self.follows = {follower: Follows(history, follower) for follower in history.changes}
        public = [row for row in self.rows.values() if row.committed and row.public]
        self.clock = max((row.key[0] - row.settled / 1000 for row in public), default=0) + MARGIN
        self.all = Timeline(public)
        self.by_actor = timelines(public, lambda row: (row.actor,))
        self.by_target = timelines(public, lambda row: (row.target,))
        self.by_any = timelines(public, Row.objects)

    def report(self, kind, *details):
        self.violations.append((kind, ' '.join(str(detail) for detail in details)))

    # ---- the rows -----------------------------------------------------------

    def make_rows(self):
        final = {}
        for id, us, name, *content in self.history.final:
            if name in final:
                self.report('doubled', name, 'is in the table as', final[name][0], 'and', id)
            final[name] = id, us
            if name not in self.history.attempts:
                self.report('invented', id, name, 'is in the table, and nobody has sent it')
        transactions = collections.defaultdict(list)
        for name, attempts in self.history.attempts.items():
            for row in self.rows_of(name, attempts, final.get(name)):
                senders = set(row.own_tx)
                if row.committed and len(senders) == 1:
                    transactions[senders.pop()].append(row)
        for rows in transactions.values():
            if len(rows) > 1:
                for row in rows:
                    row.mates = rows

    def rows_of(self, name, attempts, final):
        """The rows that a name has had, made from all that were sent with it."""
        found = {}
        begin = math.inf
        unanswered = []
        for attempt in attempts:
            ending = self.history.ending(attempt.client, attempt.tx)
            outcome = ending.outcome
            if outcome != ABORTED:
                begin = min(begin, ending.begin)
            id, us = attempt.id, attempt.us
            if id is None and outcome != ABORTED:
                unanswered.append((attempt, ending))
            if id is None:
                continue
            row = found.get(id) or found.setdefault(id, Row(id, us, attempt.content))
            self.take(row, attempt, ending)
        for attempt, ending in unanswered:
            if final is not None:
                id, us = final
                row = found.get(id) or found.setdefault(id, Row(id, us, attempt.content))
                self.take(row, attempt, ending)
                row.committed = True
            elif ending.outcome == COMMITTED and not any(r.committed for r in found.values()):
                self.report('lost', name, 'was acknowledged and is not in the table')
        committed = [row for row in found.values() if row.committed]
        if len(committed) > 1:
            self.report('doubled', name, 'was acknowledged as', *(row.id for row in committed))
        for row in found.values():
            row.begin = begin
            self.rows[row.id] = row
        return found.values()

    @staticmethod
    def take(row, attempt, ending):
        """What one attempt says about the row."""
        client = attempt.client
        row.own_tx.setdefault((client, attempt.tx), attempt.seq)
        if ending.outcome == ABORTED:
            return
        row.starts[client] = min(row.starts.get(client, math.inf), attempt.seq)
        if ending.outcome == COMMITTED:
            row.committed = True
            row.settled = min(row.settled, ending.end)
            row.own[client] = min(row.own.get(client, math.inf), ending.seq)

    def make_removals(self):
        for client, seq, tx, id in self.history.deletes:
            ending = self.history.ending(client, tx)
            row = self.rows.get(id)
            if row is None or ending.outcome == ABORTED:
                continue
            known = ending.outcome == COMMITTED
            row.removals = (*row.removals, Removal(
                client, ending.begin, ending.end if known else math.inf,
                ending.seq if known else math.inf))

    def make_seen(self):
        """What somebody has seen is there for all who come later."""
        for id, end in self.history.seen.items():
            row = self.rows.get(id)
            if row is not None and row.committed:
                row.settled = min(row.settled, end)
        for client, ids in self.history.seen_by.items():
            for id, snapshot in ids.items():
                row = self.rows.get(id)
                if row is not None and row.committed:
                    row.own[client] = min(row.own.get(client, math.inf), snapshot)

    # ---- the table at the end -----------------------------------------------

    def check_final(self):
        contents = {}
        for id, us, name, *content in self.history.final:
            contents[id] = us, tuple(content)
        for row in self.rows.values():
            if row.id not in contents:
                if row.committed and not row.removals:
                    self.report('lost', describe(row), 'is not in the table')
                continue
            us, content = contents.pop(row.id)
            if not row.committed:
                self.report('aborted', describe(row), 'is in the table')
            if any(removal.end < math.inf for removal in row.removals):
                self.report('deleted', describe(row), 'is in the table')
            if (us, content) != (row.key[0], (row.actor, row.object, row.target, row.public)):
                self.report('altered', describe(row), 'is in the table as', us, content)
        for id in contents:
            self.report('invented', id, 'is in the table, and nobody has sent it')
        self.check_final_follows()
        for error in self.history.errors:
            self.report('error', *error)

    def check_final_follows(self):
        left = dict(self.history.final_follows)
        for follower, follows in self.follows.items():
            for followee, state in follows.versions[-1].items():
                found = left.pop((follower, followee), NONE)
                if found != state and not any(
                        change.end == math.inf and change.followee == followee
                        for change in follows.changes):
                    self.report('follow', follower, followee, 'ends as', found, 'not', state)
        for (follower, followee), state in left.items():
            self.report('follow', follower, followee, 'is in the table, and nobody asked for it')

    # ---- what a read shows --------------------------------------------------

    def must_show(self, client, read, row):
        """Is it settled that the read's snapshot has the row?"""
        if row.removals and self.may_be_removed(client, read, row):
            return False
        if row.settled < read.begin and row.committed:
            return True
        if row.committed and row.own.get(client, math.inf) < read.snapshot:
            return True
        return row.own_tx.get((client, read.tx), math.inf) < read.seq

    def may_show(self, client, read, row):
        """Can the read's snapshot have the row?  Else returns why not."""
        if row.own_tx.get((client, read.tx), math.inf) < read.seq:
            return None
        if not row.committed:
            return 'aborted'
        if row.begin >= read.end:
            return 'early'
        if row.starts.keys() == {client} and row.starts[client] >= read.snapshot:
            return 'early'
        for removal in row.removals:
            if removal.end < read.begin or \
                    (removal.client == client and removal.seq < read.snapshot):
                return 'deleted'
        return None

    @staticmethod
    def may_be_removed(client, read, row):
        return any(removal.begin < read.end and
                   not (removal.client == client and removal.seq > read.snapshot)
                   for removal in row.removals)

    def sources(self, client, read):
        """What a stream is made of: timelines of which all rows are wanted, and
        the objects whose rows are allowed, by actor or in whatever role."""
        kind, argument = read.kind, read.argument
        if kind == 'public':
            return [self.all], None, None
        if kind == 'target':
            return [self.by_target.get(argument, EMPTY)], (), ()
        if kind == 'any':
            return [self.by_any.get(argument, EMPTY)], (), (argument,)
        if kind in ('actor', 'of'):
            actors = [argument] if kind == 'actor' else argument
            return [self.by_actor.get(actor, EMPTY) for actor in actors], actors, ()
        return self.follow_sources(client, read)

    def follow_sources(self, client, read):
        timelines, actors, objects = [], set(), set()
        if read.kind == 'own':
            timelines.append(self.by_actor.get(read.argument, EMPTY))
            actors.add(read.argument)
        if read.argument not in self.follows:
            return timelines, actors, objects
        certain, possible = self.follows[read.argument].states(client, read)
        for followee, states in possible.items():
            if BY_ANY in states:
                objects.add(followee)
            elif BY_ACTOR in states:
                actors.add(followee)
            if NONE not in states:
                timelines.append(self.by_actor.get(followee, EMPTY))
        for followee, state in certain.items():
            if state == NONE or followee in possible:
                continue
            if state == BY_ACTOR:
                actors.add(followee)
                timelines.append(self.by_actor.get(followee, EMPTY))
            else:
                objects.add(followee)
                timelines.append(self.by_any.get(followee, EMPTY))
        return timelines, actors, objects

    def belongs(self, read, row, actors, objects):
        if not row.public:
            return False
        if actors is None:
            return True
        if read.kind == 'target':
            return row.target == read.argument
        return row.actor in actors or row.actor in objects or \
            row.object in objects or row.target in objects


def timelines(rows, objects):
    """A timeline for each object."""
    found = collections.defaultdict(list)
    for row in rows:
        for object in objects(row):
            if object is not None:
                found[object].append(row)
    return {object: Timeline(rows) for object, rows in found.items()}


def describe(row):
    return f'action {row.id} of {row.actor}'


class ClientCheck:
    """Checks what one client has read, in order."""

    def __init__(self, model, client):
        self.model, self.client = model, client
        self.violations = []
        self.counts = collections.Counter()
        self.snapshot = Snapshot()
        self.scan = self.scan_next = None
        self.scan_ids = set()

    def run(self, path):
        for kind, *line in record.read(path):
            if kind == 'read':
                self.check_page(page_of(line))
            elif kind == 'follows':
                self.check_follows(Found(*line))
        return self.violations, self.counts

    def report(self, kind, read, *details):
        self.violations.append((kind, ' '.join(str(detail) for detail in (
            f'client {self.client} read {read.seq}:', *details))))

    def check_page(self, read):
        if self.snapshot.number != read.snapshot:
            self.snapshot = Snapshot(read.snapshot)
        self.counts['reads checked'] += 1
        self.counts['rows checked'] += len(read.ids)
        upper = read.upper or HIGHEST
        timelines, actors, objects = self.model.sources(self.client, read)
        lower = self.check_rows(read, upper, actors, objects)
        if lower is not None:
            self.check_missing(read, timelines, lower, upper)
        if read.scan is not None:
            self.check_scan(read, lower)

    def check_rows(self, read, upper, actors, objects):
        """Is each row one that may be there?  Returns where the page ends."""
        model, client, snapshot = self.model, self.client, self.snapshot
        above = upper
        for id in read.ids:
            row = model.rows.get(id)
            if row is None and (client, read.tx) in model.history.unnamed:
                continue
            if row is None:
                self.report('invented', read, 'shows', id, 'which nobody has sent')
                return None
            if row.key >= above:
                self.report('repeated' if read.ids.count(id) > 1 else 'order', read, 'shows',
                            describe(row), 'not below', above)
            above = row.key
            why = model.may_show(client, read, row)
            if why is not None:
                self.report(why, read, 'shows', describe(row))
            elif id in snapshot.hidden:
                self.report('snapshot', read, 'shows', describe(row),
                            'which its snapshot did not have')
            elif not model.belongs(read, row, actors, objects):
                self.report('unfollowed' if row.public and read.kind in ('user', 'own')
                            else 'stray', read, read.kind, read.argument, 'shows', describe(row))
            elif row.settled >= read.begin and (client, read.tx) not in row.own_tx:
                snapshot.shown.add(id)
                snapshot.shown.update(mate.id for mate in row.mates)
        full = read.limit is not None and len(read.ids) == read.limit
        return above if full else LOWEST

    def check_missing(self, read, timelines, lower, upper):
        """Is each row there that has to be?"""
        model, client, snapshot = self.model, self.client, self.snapshot
        shown = set(read.ids)
        # what is stamped later was not there yet
        upper = min(upper, (read.end / 1000 + model.clock, 0))
        for timeline in timelines:
            for row in timeline.between(lower, upper):
                if row.id in shown:
                    continue
                if model.must_show(client, read, row):
                    self.report('own' if row.settled >= read.begin else 'missed', read,
                                read.kind, read.argument, 'lacks', describe(row))
                    shown.add(row.id)
                elif row.id in snapshot.shown and \
                        not model.may_be_removed(client, read, row):
                    torn = any(mate.id in shown for mate in row.mates)
                    self.report('torn' if torn else 'snapshot', read, 'lacks', describe(row))
                elif (client, read.tx) not in row.own_tx:
                    snapshot.hidden.add(row.id)

    def check_scan(self, read, lower):
        """Pages go on where the one before has ended, and show nothing twice."""
        if self.scan != read.scan:
            self.scan, self.scan_next, self.scan_ids = read.scan, None, set()
        elif read.upper != self.scan_next:
            self.report('pages', read, 'goes on below', read.upper, 'not', self.scan_next)
        twice = self.scan_ids.intersection(read.ids)
        if twice:
            self.report('repeated', read, 'shows again', *twice)
        self.scan_ids.update(read.ids)
        self.scan_next = lower

    def check_follows(self, found):
        self.counts['reads checked'] += 1
        self.counts['rows checked'] += len(found.followees)
        certain, possible = {}, {}
        if found.follower in self.model.follows:
            certain, possible = self.model.follows[found.follower].states(self.client, found)
        if len(set(found.followees)) != len(found.followees):
            self.report('repeated', found, 'of', found.follower, found.followees)
        followees = set(found.followees)
        for followee in followees:
            if certain.get(followee, NONE) == NONE and \
                    not possible.get(followee, {NONE}) - {NONE}:
                self.report('unfollowed', found, found.follower, 'follows', followee)
        for followee, state in certain.items():
            if state != NONE and followee not in followees and \
                    NONE not in possible.get(followee, ()):
                self.report('follow', found, found.follower, 'does not follow', followee)


def page_of(line):
    """A line of a history as a page, its bound as a key."""
    page = Page(*line)
    return page if page.upper is None else page._replace(upper=tuple(page.upper))


model = None    # of the processes that check


def check_client(client):
    return ClientCheck(model, client).run(model.history.paths[client])


def check(folder, processes=1):
    """Returns the violations, as (kind, text), and counts."""
    global model
    model = Model(History(folder))
    model.check_final()
    clients = sorted(model.history.paths)
    if processes > 1:
        with multiprocessing.get_context('fork').Pool(processes) as pool:
            results = pool.map(check_client, clients, chunksize=1)
    else:
        results = [check_client(client) for client in clients]
    violations, counts = list(model.violations), collections.Counter()
    for found, checked in results:
        violations += found
        counts.update(checked)
    counts['actions'] = sum(row.committed for row in model.rows.values())
    counts.update(model.history.counts)
    return violations, counts


def show(violations):
    """Print how many of each kind there are, and the first of them."""
    kinds = collections.Counter(kind for kind, _ in violations)
    for kind, number in kinds.most_common():
        print(f'{kind}: {number}')
        for text in [text for found, text in violations if found == kind][:SHOWN]:
            print(f'    {text}')


if __name__ == '__main__':
    violations, counts = check(sys.argv[1], os.cpu_count())
    show(violations)
    print(dict(counts))
    sys.exit(bool(violations))
