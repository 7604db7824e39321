#!/usr/bin/env python3
"""Fuzz the reference type against a model of its rules.

    ref_fuzz.py CONNINFO [--seed N] [--inputs N] [--pairs N]

CONNINFO names a database that has the extension, and a superuser: stored bytes
are looked at through a cast to bytea, which lives, like all else that is made
here, in a transaction that is rolled back.

Each input is tried in text and in binary form.  The model says whether it is a
reference, which bytes are stored for it, or else which SQLSTATE refuses it.
The accepted ones, and close neighbours of them, then make pairs, on which
operators, hashes, sorts and joins must agree with the model of the order.

Prints a line "PROPERTY: N checked, M wrong" for each property, the first
counter-examples, and exits with 1 if there are any, or a property was never
put to the test.
"""
import argparse
import collections
import random
import re
import struct
import sys
import time
import uuid

from psycopg import pq

MAX_LABEL = 63
MAX_KEY = 1024

TEXT, BINARY = 0, 1

MALFORMED = {TEXT: '22P02', BINARY: '22P03'}
TOO_LONG = '54000'
NOT_IN_REPERTOIRE = '22021'
UNTRANSLATABLE = '22P05'


# --------------------------------------------------------------------------
# The model: written from the documented rules, shares nothing with the C code
# --------------------------------------------------------------------------

LABEL = re.compile(rb'[A-Za-z_][A-Za-z0-9_.-]*')
INTEGER = re.compile(rb'0|-?[1-9][0-9]*')
UUID = re.compile(rb'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}')

INT_MIN, INT_MAX = -2 ** 63, 2 ** 63 - 1

# the order of the kinds of keys
IS_INTEGER, IS_UUID, IS_TEXT = range(3)


class Refused(Exception):
    """An input that is no reference; its argument is the SQLSTATE."""


class Reference:
    """A reference; "data" is what a client sends, "text" what the server has."""
    __slots__ = ('data', 'text', 'label', 'key', 'sort_key')

    def __init__(self, data, text, malformed):
        self.data = data
        self.text = text
        label, colon, key = text.partition(b':')
        if not colon or not LABEL.fullmatch(label):
            raise Refused(malformed)
        if len(label) > MAX_LABEL:
            raise Refused(TOO_LONG)
        if not key:
            raise Refused(malformed)
        if len(key) > MAX_KEY:
            raise Refused(TOO_LONG)
        self.label = label
        self.key = key
        if INTEGER.fullmatch(key) and INT_MIN <= int(key) <= INT_MAX:
            self.sort_key = (label, IS_INTEGER, int(key))
        elif UUID.fullmatch(key):
            self.sort_key = (label, IS_UUID, uuid.UUID(key.decode()).bytes)
        else:
            self.sort_key = (label, IS_TEXT, key)

    def stored(self):
        """The stored bytes but for the header, as ref.h lists them."""
        label, kind, value = self.sort_key
        if kind == IS_UUID:
            return label + b'\x12' + value
        if kind == IS_TEXT:
            return label + b'\x13' + value
        if value < 0:
            size = next(n for n in range(1, 9) if value >= -256 ** n)
            return label + bytes([9 - size]) + (value % 256 ** size).to_bytes(size, 'big')
        size = next(n for n in range(9) if value < 256 ** n)
        return label + bytes([9 + size]) + value.to_bytes(size, 'big')

    def size_in_table(self):
        size = len(self.stored())
        return size + (1 if size + 1 <= 127 else 4)


def to_server(data, client, server):
    """What the server makes of the bytes before the type sees them."""
    end = data.find(b'\0')
    text = data if end < 0 else data[:end]
    wrong = end >= 0
    if client == 'UTF8':
        try:
            text = text.decode('utf-8')
        except UnicodeDecodeError as error:
            text = text[:error.start].decode('utf-8')
            wrong = True
        if server == 'LATIN1':
            try:
                text = text.encode('latin-1')
            except UnicodeEncodeError:
                raise Refused(UNTRANSLATABLE) from None
        else:
            text = text.encode('utf-8')
    if wrong:
        raise Refused(NOT_IN_REPERTOIRE)
    return text


# --------------------------------------------------------------------------
# Inputs
# --------------------------------------------------------------------------

LETTERS = b'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
LABEL_START = LETTERS + b'_'
LABEL_CHARS = LABEL_START + b'0123456789.-'
LABELS = [b'user', b'user', b'user', b'user-', b'user_', b'user.', b'userz', b'use', b'USER', b'u', b'_',
          b'page', b'doc', b'auth.user', b'a-b.c_d']
BAD_LABELS = [b'', b' ', b'1', b'-', b'.', b'1a', b'-a', b'.a', b' a', b'a ', b'a b', b'a"', b'a/b', b'a@b',
              b'a[b', b'a`b', b'a{b', b'a,b', b'\xc3\xa9', b'us\xc3\xa9r', b'\xe7']
BAD_BYTES = [b'\0', b'\x80', b'\xff', b'\xc0\x80', b'\xc3', b'\xe2\x82', b'\xed\xa0\x80', b'\xf4\x90\x80\x80',
             b'\xf0\x9f\x98']
CHARACTERS = [c.encode() for c in 'aZ09 :,\\-._+\t\n"\'{}()%\x01\x7f\x80\xa0é\xff\u0100ß\u20ac\ufffd\uffff\U0001f600']


class Inputs:
    """Seeded inputs: most of them references, or nearly so."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def bytes_of(self, alphabet, size):
        return bytes(self.rng.choices(alphabet, k=size))

    def length_near(self, limit):
        return limit + self.rng.choice((-2, -1, -1, 0, 0, 0, 1, 1, 2))

    def label(self):
        dice = self.rng.random()
        if dice < 0.6:
            return self.rng.choice(LABELS)
        if dice < 0.75:
            return self.bytes_of(LABEL_START, 1) + self.bytes_of(LABEL_CHARS, self.rng.randrange(8))
        if dice < 0.92:
            size = self.length_near(MAX_LABEL)
            last = self.bytes_of(b'zzy-Z_9', self.rng.randrange(3))
            return (self.bytes_of(LABEL_START, 1) + self.bytes_of(LABEL_CHARS, size))[:size - len(last)] + last
        if dice < 0.99:
            return self.rng.choice(BAD_LABELS)
        return self.bytes_of(LABEL_CHARS, self.rng.randrange(64, 300))

    def integer(self):
        dice = self.rng.random()
        if dice < 0.08:
            return self.rng.choice((INT_MIN - 1, INT_MIN, INT_MAX, INT_MAX + 1, 2 ** 64 - 1, 2 ** 64))
        if dice < 0.25:
            return self.rng.randrange(-300, 300)
        if dice < 0.6:
            return self.rng.choice((-1, 1)) * 2 ** self.rng.randrange(66) + self.rng.randrange(-2, 3)
        if dice < 0.7:
            return self.rng.choice((-1, 1)) * 10 ** self.rng.randrange(21) + self.rng.randrange(-2, 3)
        return self.rng.choice((-1, 1)) * self.rng.getrandbits(self.rng.randrange(1, 66))

    def odd_integer(self):
        text = str(self.integer())
        return self.rng.choice(('+%s', '0%s', '-%s', '-0%s', ' %s', '%s ', '%s\n', '%s.0', '%se0', '0x%s',
                                '%s_0', '%s0', '%s\x01', "'%s'")) % text

    def uuid(self):
        dice = self.rng.random()
        if dice < 0.1:
            return '00000000-0000-0000-0000-%012x' % self.rng.randrange(4)
        if dice < 0.15:
            return 'ffffffff-ffff-ffff-ffff-%012x' % (2 ** 48 - 1 - self.rng.randrange(4))
        return str(uuid.UUID(int=self.rng.getrandbits(128)))

    def odd_uuid(self):
        text = self.uuid()
        at = self.rng.randrange(36)
        return self.rng.choice((text.upper(), text.replace('-', ''), '{%s}' % text, text[:-1], text + '0',
                                text[:at] + 'g' + text[at + 1:], text[:at] + '-' + text[at + 1:],
                                text[:at] + text[at + 1:] + '0', text[:at] + 'A' + text[at + 1:],
                                text[:at] + ' ' + text[at + 1:], text[:13] + text[14:18] + '-' + text[18:]))

    def text(self):
        dice = self.rng.random()
        if dice < 0.5:
            return b''.join(self.rng.choices(CHARACTERS, k=self.rng.randrange(12)))
        if dice < 0.7:
            return self.bytes_of(LABEL_CHARS, self.rng.randrange(1, 40))
        if dice < 0.75:
            return self.bytes_of(range(256), self.rng.randrange(1, 10))
        size = self.length_near(MAX_KEY)
        dice = self.rng.random()
        if dice < 0.3:
            return b'9' * size
        if dice < 0.6:
            return self.bytes_of(LABEL_CHARS, size)
        character = self.rng.choice(CHARACTERS)
        text = character * (size // len(character))
        return text + b'x' * (size - len(text))

    def key(self):
        dice = self.rng.random()
        if dice < 0.35:
            return str(self.integer()).encode()
        if dice < 0.45:
            return self.odd_integer().encode()
        if dice < 0.6:
            return self.uuid().encode()
        if dice < 0.7:
            return self.odd_uuid().encode()
        return self.text()

    def mutated(self, data):
        for _ in range(self.rng.choice((1, 1, 1, 2, 3))):
            at = self.rng.randrange(len(data) + 1)
            to = at + self.rng.randrange(1, 9)
            dice = self.rng.randrange(9)
            if dice == 0 and data:                      # flip a bit
                at %= len(data)
                data = data[:at] + bytes([data[at] ^ 1 << self.rng.randrange(8)]) + data[at + 1:]
            elif dice == 1:                             # any byte
                data = data[:at] + self.bytes_of(range(256), 1) + data[at:]
            elif dice == 2:                             # what no encoding, or not each, allows
                data = data[:at] + self.rng.choice(BAD_BYTES) + data[at:]
            elif dice == 3:                             # a character
                data = data[:at] + self.rng.choice(CHARACTERS) + data[at:]
            elif dice == 4:
                data = data[:at] + data[to:]
            elif dice == 5:                             # duplicate a part
                data = data[:to] + data[at:]
            elif dice == 6:                             # cut, often at a limit
                data = data[:self.rng.choice((at, 63, 64, 65, 1026, 1027))]
            elif dice == 7:                             # move the colon
                data = data.replace(b':', b'', 1)
                data = data[:at] + b':' + data[at:]
            else:
                data = data.swapcase()
        return data

    def input(self):
        data = self.label() + b':' + self.key()
        return self.mutated(data) if self.rng.random() < 0.35 else data

    def neighbour(self, reference):
        """The text of something close to the reference, or equal to it."""
        label, key = reference.data.split(b':', 1)
        kind = reference.sort_key[1]
        dice = self.rng.randrange(10)
        if dice < 3:
            pass
        elif dice == 3:
            label = self.rng.choice((label + self.bytes_of(LABEL_CHARS, 1), label[:-1], label.swapcase(),
                                     label[:-1] + self.bytes_of(LABEL_CHARS, 1)))
        elif kind == IS_INTEGER:
            number = int(key)
            other = self.rng.choice((number - 1, number + 1, -number, ~number, number * 256, number // 256,
                                     number ^ 255, self.integer()))
            key = self.rng.choice(('%d', '%d', '%d', '%d', '0%d', '%d ')).encode() % other
        elif kind == IS_UUID:
            number = reference.sort_key[2]
            other = (int.from_bytes(number, 'big') + self.rng.choice((-1, 1, 256, 2 ** 64))) % 2 ** 128
            key = self.rng.choice((str(uuid.UUID(int=other)).encode(), key.upper(), key[:-1], number[15:]))
        else:
            key = self.rng.choice((key[:-1], key + b'\x01', key + b'a', key[:-1] + b'z', key[1:], key.swapcase(),
                                   str(self.integer()).encode()))
        return label + b':' + key


# --------------------------------------------------------------------------
# Checks
# --------------------------------------------------------------------------

PROPERTIES = ('text input', 'binary input', 'text output', 'binary output',
              'stored bytes, text input', 'stored bytes, binary input', 'stored bytes, input of output',
              'stored bytes, constructor', 'label', 'key',
              'equality', 'order', 'comparison function', 'same bytes where equal', 'hash where equal',
              'extended hash with seed 0', 'hash of the stored bytes', 'few hash collisions',
              'no extended hash collisions', 'interval of a label', 'output from a table', 'size in a table',
              'sort', 'external sort', 'index order', 'joins and groups')


def shortened(value):
    text = repr(value)
    return text if len(text) <= 300 else '%s...%s (%d bytes)' % (text[:120], text[-120:], len(value))


class Checks:
    SHOWN = 5

    def __init__(self):
        self.checked = dict.fromkeys(PROPERTIES, 0)
        self.wrong = dict.fromkeys(PROPERTIES, 0)

    def check(self, what, ok, *example):
        self.checked[what] += 1
        if not ok:
            self.wrong[what] += 1
            if self.wrong[what] <= self.SHOWN:
                print('%s, counter-example:' % what, *map(shortened, example))

    def equal(self, what, actual, expected, *example):
        self.check(what, actual == expected, *example, 'is', actual, 'should be', expected)

    def report(self):
        for what in PROPERTIES:
            print('%s: %d checked, %d wrong' % (what, self.checked[what], self.wrong[what]))
        return all(self.checked.values()) and not any(self.wrong.values())


class ServerError(Exception):
    """What should never fail did."""


class Session:
    """A connection, spoken to in the terms of the protocol."""

    def __init__(self, conninfo):
        self.conn = pq.PGconn.connect(conninfo.encode())
        if self.conn.status != pq.ConnStatus.OK:
            raise ServerError(conninfo, self.conn.error_message.decode(errors='replace'))
        self.execute("SET client_min_messages = error")
        self.client = self.value("SHOW client_encoding")
        self.server = self.value("SHOW server_encoding")

    def execute(self, sql):
        result = self.conn.exec_(sql.encode())
        if result.status not in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK,
                                 pq.ExecStatus.COPY_IN, pq.ExecStatus.COPY_OUT):
            raise ServerError(sql, result.error_message.decode(errors='replace'))
        return result

    def value(self, sql):
        return self.execute(sql).get_value(0, 0).decode()

    def prepare(self, name, sql, *types):
        result = self.conn.prepare(name.encode(), sql.encode(), types)
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise ServerError(sql, result.error_message.decode(errors='replace'))

    def run(self, name, values, formats):
        """The SQLSTATE, and the binary values of the row."""
        result = self.conn.exec_prepared(name.encode(), values, formats, BINARY)
        if result.status == pq.ExecStatus.TUPLES_OK:
            return '00000', [result.get_value(0, i) for i in range(result.nfields)]
        state = result.error_field(pq.DiagnosticField.SQLSTATE)
        if state is None:
            raise ServerError(values, self.conn.error_message.decode(errors='replace'))
        return state.decode(), None

    def copy_in(self, sql, rows):
        """COPY ... FROM STDIN (FORMAT binary), of rows of bytes."""
        self.execute(sql)
        self.conn.put_copy_data(b'PGCOPY\n\xff\r\n\0' + struct.pack('!ii', 0, 0))
        for row in rows:
            self.conn.put_copy_data(struct.pack('!h', len(row)) +
                                    b''.join(struct.pack('!i', len(field)) + field for field in row))
        self.conn.put_copy_data(struct.pack('!h', -1))
        self.conn.put_copy_end()
        result = self.conn.get_result()
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise ServerError(sql, result.error_message.decode(errors='replace'))
        while self.conn.get_result():
            pass

    def copy_out(self, query):
        """The rows of a query, as lists of texts that need no escapes."""
        self.execute('COPY (%s) TO STDOUT' % query)
        while True:
            size, data = self.conn.get_copy_data(0)
            if size < 0:
                break
            yield bytes(data).rstrip(b'\n').decode().split('\t')
        result = self.conn.get_result()
        if result.status != pq.ExecStatus.COMMAND_OK:
            raise ServerError(query, result.error_message.decode(errors='replace'))
        while self.conn.get_result():
            pass


def fuzz_inputs(session, inputs, count, checks):
    """Try the inputs; return those that are references."""
    ref = int(session.value("SELECT 'actstream.ref'::regtype::oid"))
    session.prepare('input', 'SELECT $1', ref)
    session.prepare('accepted',
                    'SELECT $1, $1::text, $1::bytea, $2::bytea, actstream_internal.ref_in(actstream_internal.ref_out($1))::bytea, '
                    'actstream.ref_label($1), actstream.ref_key($1), '
                    'actstream.ref(actstream.ref_label($1), actstream.ref_key($1))::bytea', ref, ref)
    verdicts = collections.Counter()
    accepted = []

    for _ in range(count):
        data = inputs.input()
        try:
            reference = Reference(data, to_server(data, session.client, session.server), None)
        except Refused as refusal:
            code = refusal.args[0]
            verdicts[code or 'malformed'] += 1
            # libpq takes a text parameter to end at a zero byte
            for form in (TEXT, BINARY) if b'\0' not in data else (BINARY,):
                session.execute('SAVEPOINT s')
                state, _ = session.run('input', [data], [form])
                session.execute('ROLLBACK TO s; RELEASE s')
                checks.equal(('text input', 'binary input')[form], state, code or MALFORMED[form], data)
            continue

        verdicts[('integer', 'uuid', 'text')[reference.sort_key[1]]] += 1
        accepted.append(reference)
        session.execute('SAVEPOINT s')
        state, row = session.run('accepted', [data, data], [TEXT, BINARY])
        if row is None:
            session.execute('ROLLBACK TO s')
        session.execute('RELEASE s')
        checks.equal('text input', state, '00000', data)
        checks.equal('binary input', state, '00000', data)
        if row is None:
            continue
        sent, text, by_text, by_binary, again, label, key, made = row
        label_text, _, key_text = data.partition(b':')
        stored = reference.stored()
        checks.equal('binary output', sent, data, data)
        checks.equal('text output', text, data, data)
        checks.equal('stored bytes, text input', by_text, stored, data)
        checks.equal('stored bytes, binary input', by_binary, stored, data)
        checks.equal('stored bytes, input of output', again, stored, data)
        checks.equal('stored bytes, constructor', made, stored, data)
        checks.equal('label', label, label_text, data)
        checks.equal('key', key, key_text, data)

    print('inputs by verdict of the model:', ', '.join('%s %d' % v for v in verdicts.most_common()))
    return accepted


def make_pairs(session, inputs, references, count):
    def close_to(reference):
        while True:
            data = inputs.neighbour(reference)
            try:
                return Reference(data, to_server(data, session.client, session.server), None)
            except Refused:
                pass

    pairs = []
    while len(pairs) < count:
        a = inputs.rng.choice(references)
        dice = inputs.rng.random()
        if dice < 0.7:
            b = close_to(a)
        elif dice < 0.8:
            b = close_to(close_to(a))
        else:
            b = inputs.rng.choice(references)
        pairs.append((a, b))
    return pairs


def fuzz_pairs(session, pairs, checks):
    session.execute('CREATE TABLE pair (id int, a actstream.ref, b actstream.ref)')
    session.copy_in('COPY pair FROM STDIN (FORMAT binary)',
                    ((struct.pack('!i', i), a.data, b.data) for i, (a, b) in enumerate(pairs)))
    session.execute('ANALYZE pair')

    distinct, hashes, wide_hashes = set(), set(), set()
    equal_pairs = 0
    query = '''SELECT id, a = b, a <> b, a < b, a <= b, a > b, a >= b, b < a,
                      actstream_internal.ref_cmp(a, b), actstream_internal.ref_cmp(b, a), a::bytea = b::bytea,
                      actstream_internal.ref_hash(a), actstream_internal.ref_hash(b),
                      actstream_internal.ref_hash_extended(a, 0), actstream_internal.ref_hash_extended(b, 0),
                      actstream_internal.ref_hash_extended(a, id), actstream_internal.ref_hash_extended(b, id),
                      hash_record(ROW (a::bytea)) = actstream_internal.ref_hash(a)
                      AND hash_record_extended(ROW (a::bytea), id) = actstream_internal.ref_hash_extended(a, id),
                      a >= actstream.label_start(actstream.ref_label(b))
                      AND a < actstream.label_stop(actstream.ref_label(b)),
                      encode(actstream_internal.ref_send(a), 'hex'), pg_column_size(a)
               FROM pair'''
    for row in session.copy_out(query):
        a, b = pairs[int(row[0])]
        flags = [field == 't' for field in row[1:8]]
        less, same = a.sort_key < b.sort_key, a.sort_key == b.sort_key
        example = a.data, b.data
        checks.equal('equality', flags[0:2], [same, not same], *example)
        checks.equal('order', flags[2:7],
                     [less, less or same, not less and not same, not less, not less and not same], *example)
        order = -1 if less else 0 if same else 1
        checks.equal('comparison function',
                     [(n > 0) - (n < 0) for n in (int(row[8]), int(row[9]))], [order, -order], *example)
        checks.equal('same bytes where equal', row[10] == 't', same, *example)
        hash_a, hash_b, wide_a, wide_b, seeded_a, seeded_b = map(int, row[11:17])
        if same:
            checks.check('hash where equal', (hash_a, wide_a, seeded_a) == (hash_b, wide_b, seeded_b), *example)
        checks.check('extended hash with seed 0', (hash_a - wide_a) % 2 ** 32 == 0, a.data, hash_a, wide_a)
        checks.check('hash of the stored bytes', row[17] == 't', a.data)
        checks.equal('interval of a label', row[18] == 't', a.label == b.label, *example)
        checks.equal('output from a table', bytes.fromhex(row[19]),
                     a.data if session.client == session.server else a.text.decode('latin-1').encode(), a.data)
        # a row of two long keys is toasted
        if a.size_in_table() + b.size_in_table() < 1900:
            checks.equal('size in a table', int(row[20]), a.size_in_table(), a.data)
        equal_pairs += same
        distinct |= {a.sort_key, b.sort_key}
        hashes |= {hash_a, hash_b}
        wide_hashes |= {wide_a, wide_b}
    print('pairs: %d equal, %d of one label, %d distinct references' %
          (equal_pairs, sum(a.label == b.label for a, b in pairs), len(distinct)))

    # two of n values share one of 2^32 hashes about n^2 / 2^33 times
    checks.check('few hash collisions', len(hashes) >= len(distinct) * 0.999, len(hashes), len(distinct))
    checks.check('no extended hash collisions', len(wide_hashes) == len(distinct), len(wide_hashes), len(distinct))

    fuzz_sorts(session, pairs, checks)
    fuzz_joins(session, pairs, checks)


def fuzz_sorts(session, pairs, checks):
    """The sort by the server, in its several ways, of all that is in pairs."""
    session.execute('CREATE TABLE sorted AS SELECT 2 * id AS id, a AS r FROM pair '
                    'UNION ALL SELECT 2 * id + 1, b FROM pair')

    def sort(what, direction=''):
        last = None
        rows = 0
        for n, in session.copy_out('SELECT id FROM sorted ORDER BY r ' + direction):
            this = pairs[int(n) // 2][int(n) % 2]
            if last is not None:
                ends = (this, last) if direction else (last, this)
                checks.check(what, ends[0].sort_key <= ends[1].sort_key, last.data, this.data)
            last = this
            rows += 1
        checks.equal(what, rows, 2 * len(pairs), 'number of rows')

    session.execute("SET LOCAL work_mem = '256MB'")
    sort('sort')
    sort('sort', 'DESC')
    session.execute("SET LOCAL work_mem = '1MB'")
    sort('external sort')
    session.execute("RESET work_mem")
    session.execute('CREATE INDEX ON sorted (r)')
    session.execute('SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off')
    sort('index order')
    session.execute('RESET enable_sort; RESET enable_seqscan; RESET enable_bitmapscan')


def fuzz_joins(session, pairs, checks):
    left = collections.Counter(a.sort_key for a, _ in pairs)
    right = {b.sort_key for _, b in pairs}
    expected = sum(count for key, count in left.items() if key in right)
    for method in ('hashjoin', 'mergejoin'):
        for other in ('hashjoin', 'mergejoin', 'nestloop'):
            session.execute('SET LOCAL enable_%s = %s' % (other, 'on' if other == method else 'off'))
        actual = session.value('SELECT count(*) FROM pair p WHERE EXISTS (SELECT FROM pair q WHERE q.b = p.a)')
        checks.equal('joins and groups', int(actual), expected, method)
    for method in ('enable_hashagg', 'enable_sort'):
        session.execute('SET LOCAL enable_hashagg = off; SET LOCAL enable_sort = off; SET LOCAL %s = on' % method)
        actual = session.value('SELECT count(*) FROM (SELECT a FROM pair GROUP BY a) s')
        checks.equal('joins and groups', int(actual), len(left), method)


def fuzz(session, options, checks):
    print('seed %d, %d inputs, %d pairs, server encoding %s, client encoding %s' %
          (options.seed, options.inputs, options.pairs, session.server, session.client))
    if session.server not in ('UTF8', 'LATIN1', 'SQL_ASCII') or session.client not in ('UTF8', session.server):
        sys.exit('the model does not know these encodings')

    inputs = Inputs(options.seed)
    started = time.monotonic()
    session.execute('BEGIN')
    session.execute('CREATE CAST (actstream.ref AS bytea) WITHOUT FUNCTION')
    session.execute('CREATE SCHEMA ref_fuzz; SET LOCAL search_path = ref_fuzz, actstream')
    references = fuzz_inputs(session, inputs, options.inputs, checks)
    halfway = time.monotonic()
    fuzz_pairs(session, make_pairs(session, inputs, references, options.pairs), checks)
    session.execute('ROLLBACK')
    print('seconds: %.1f for inputs, %.1f for pairs' % (halfway - started, time.monotonic() - halfway))


def main():
    parser = argparse.ArgumentParser(description='Fuzz the reference type.')
    parser.add_argument('conninfo', nargs='?', default='')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--inputs', type=int, default=100000)
    parser.add_argument('--pairs', type=int, default=100000)
    options = parser.parse_args()

    checks = Checks()
    try:
        fuzz(Session(options.conninfo), options, checks)
    except ServerError as error:
        print('error:', *map(shortened, error.args))
        checks.report()
        sys.exit(1)
    if not checks.report():
        sys.exit(1)


if __name__ == '__main__':
    main()
