"""What a client does: the statement, the line of the history, and how to find out
afterwards whether it was done."""
from datetime import datetime, timedelta

from record import BY_ACTOR, BY_ANY, NONE

MICROSECONDS = '(extract(epoch FROM {}) * 1000000)::bigint'
PAGE = ('SELECT array_agg(p.id), ' + MICROSECONDS.format('min(p."timestamp")') +
        ' FROM (SELECT id, "timestamp" FROM actstream.{}{}{}) p')
BELOW = ' WHERE ("timestamp", id) < ($2::timestamptz, $3::bigint)'

STREAMS = {
    'user': 'user_stream($1::actstream.ref)',
    'own': 'user_stream($1::actstream.ref, with_user_activity => true)',
    'actor': 'actor_stream($1::actstream.ref)',
    'target': 'target_stream($1::actstream.ref)',
    'any': 'any_stream($1::actstream.ref)',
    'of': "stream_of($1::actstream.ref[], '{actor}')",
    'public': 'public_stream()',
}
PAGE_ROWS = 20
LONG_PAGE_ROWS = 500


def streams():
    """The statements that read a first page, another page, and a long one."""
    for kind, call in STREAMS.items():
        # a parameter that a stream has no use for has no type either
        below = BELOW if '$1' in call else BELOW.replace('$2', '$1').replace('$3', '$2')
        limit = f' LIMIT {PAGE_ROWS}'
        yield kind, PAGE.format(call, '', limit)
        yield kind + ' below', PAGE.format(call, below, limit)
        yield kind + ' long', PAGE.format(call, '', f' LIMIT {LONG_PAGE_ROWS}')


STATEMENTS = dict(streams()) | {
    'send': 'SELECT a.id, ' + MICROSECONDS.format('a."timestamp"') +
            " FROM actstream.act_send($1, 'did', $2, $3, NULL, $4, $5, $6, $7) a",
    'follow': "SELECT f.actor_only FROM actstream.follow($1, $2, '', $3, $4, NULL, true, $5) f",
    'unfollow': 'SELECT actstream.unfollow($1, $2)',
    'delete': 'DELETE FROM actstream.actions WHERE id = $1',
    'delete thing': 'DELETE FROM thing WHERE id = $1',
    'following': 'SELECT array_agg(f) FROM actstream.following($1) f',
    'look up send': 'SELECT a.id, ' + MICROSECONDS.format('a."timestamp"') +
                    ' FROM actstream.actions a WHERE a.external_id = $1',
    'look up follow': 'SELECT f.actor_only FROM actstream.follows f'
                      ' WHERE f.follower = $1'
                      ' AND f.followee = $2',
    'look up delete': 'SELECT FROM actstream.actions WHERE id = $1',
    'look up prepared': 'SELECT FROM pg_catalog.pg_prepared_xacts WHERE gid = $1',
}

EPOCH = datetime(1970, 1, 1)


def timestamp(us):
    """A timestamp of SQL, of microseconds."""
    return None if us is None else f'{EPOCH + timedelta(microseconds=us)}+00'


def integers(array):
    return [] if array is None else [int(item) for item in array[1:-1].split(b',')]


class Send:
    """An action is sent.  "named" is whether it has an external id, by which it can
    be looked up, and sent again; otherwise its name stands in its data."""
    counts = 'sends'

    def __init__(self, name, actor, object=None, target=None, public=True, us=None,
                 named=True, again=False):
        self.name, self.actor, self.object, self.target = name, actor, object, target
        self.public, self.given, self.named, self.again = public, us, named, again
        self.id = self.us = None

    def statement(self):
        return ('send', self.actor, self.object, self.target, self.public,
                timestamp(self.given), None if self.named else f'{{"name": "{self.name}"}}',
                self.name if self.named else None)

    def record(self, recorder, place):
        recorder.write('send', place.seq, place.tx, self.name, self.id, self.us,
                       self.actor, self.object, self.target, self.public)

    def answered(self, recorder, place, rows):
        self.id, self.us = (int(value) for value in rows[0])
        self.record(recorder, place)

    unanswered = record

    def look_up(self, session):
        """Was it done?  None if nobody knows."""
        if not self.named:
            return None
        rows = session.call('look up send', self.name)
        if rows:
            self.id, self.us = (int(value) for value in rows[0])
        return bool(rows)


class Follow:
    """A follow begins, changes or ends."""
    counts = 'follows'

    def __init__(self, follower, followee, state, before, us, tells):
        self.follower, self.followee, self.state = follower, followee, state
        self.before, self.us, self.tells = before, us, tells

    def statement(self):
        if self.state == NONE:
            return 'unfollow', self.follower, self.followee
        return ('follow', self.follower, self.followee, self.state == BY_ACTOR,
                self.tells, timestamp(self.us))

    def record(self, recorder, place):
        recorder.write('follow', place.seq, place.tx, self.follower, self.followee, self.state)
        if self.tells and self.before == NONE:
            recorder.write('send', place.seq, place.tx,
                           started_name(self.follower, self.followee, self.us),
                           None, self.us, self.follower, None, self.followee, True)

    def answered(self, recorder, place, rows):
        self.record(recorder, place)

    unanswered = record

    def look_up(self, session):
        rows = session.call('look up follow', self.follower, self.followee)
        found = NONE if not rows else BY_ACTOR if rows[0][0] == b't' else BY_ANY
        return found == self.state


def started_name(follower, followee, us):
    """The name of the action that a follow sends."""
    return f'{follower} {followee} {us}'


class Delete:
    """An action is deleted, alone or with the thing that it refers to."""
    counts = 'deletes'

    def __init__(self, id, thing=None):
        self.id, self.thing = id, thing

    def statement(self):
        if self.thing is None:
            return 'delete', self.id
        return 'delete thing', self.thing

    def record(self, recorder, place):
        recorder.write('delete', place.seq, place.tx, self.id)

    def answered(self, recorder, place, rows):
        self.record(recorder, place)

    unanswered = record

    def look_up(self, session):
        return not session.call('look up delete', self.id)


class Read:
    """A page of a stream, below "upper" [us, id] if that is not null."""
    counts = 'reads'

    def __init__(self, kind, argument=None, upper=None, scan=None, long=False):
        self.kind, self.argument, self.upper, self.scan = kind, argument, upper, scan
        self.limit = LONG_PAGE_ROWS if long else PAGE_ROWS
        self.ids, self.last = [], None

    def statement(self):
        arguments = [] if self.kind == 'public' else [
            '{' + ','.join(self.argument) + '}' if self.kind == 'of' else self.argument]
        if self.limit == LONG_PAGE_ROWS:
            return (self.kind + ' long', *arguments)
        if self.upper is None:
            return (self.kind, *arguments)
        return (self.kind + ' below', *arguments, timestamp(self.upper[0]), self.upper[1])

    def answered(self, recorder, place, rows):
        self.ids = integers(rows[0][0])
        self.last = [int(rows[0][1]), self.ids[-1]] if self.ids else None
        self.record(recorder, place)

    def record(self, recorder, place):
        recorder.write('read', place.seq, place.tx, place.snapshot, place.begin, place.end,
                       self.kind, self.argument, self.upper, self.limit, self.ids, self.scan)

    def unanswered(self, recorder, place):
        pass


class Fetch(Read):
    """The next rows of a cursor, which goes on below the ones before."""

    @staticmethod
    def declare(kind, argument):
        stream = STREAMS[kind].replace('$1', f"'{argument}'")
        return ('DECLARE pages CURSOR FOR SELECT id, ' + MICROSECONDS.format('"timestamp"') +
                f' FROM actstream.{stream}')

    def fetch(self, session, rows):
        self.limit = rows
        found = session.query(f'FETCH {rows} FROM pages')
        self.ids = [int(row[0]) for row in found]
        self.last = [int(found[-1][1]), self.ids[-1]] if found else None


class Following:
    """What a reader follows."""
    counts = 'reads'

    def __init__(self, follower):
        self.follower = follower

    def statement(self):
        return 'following', self.follower

    def answered(self, recorder, place, rows):
        array = rows[0][0]
        followees = [] if array is None else array.decode()[1:-1].split(',')
        recorder.write('follows', place.seq, place.tx, place.snapshot, place.begin, place.end,
                       self.follower, followees)

    def unanswered(self, recorder, place):
        pass
