"""The history: what each client has done and seen, a file for each.

A line is a JSON array, of which the first element says what it is:

    send   seq tx name id us actor object target public
           an action was sent; "id" and "us", its timestamp in microseconds, are
           null if no answer came.  Sent again, it is another line.
    follow seq tx follower followee state
           the follow is now NONE, BY_ACTOR (actor_only) or BY_ANY
    delete seq tx id
           an action was deleted, or what it refers to
    tx     tx outcome begin end seq
           how a transaction has ended: COMMITTED, ABORTED or UNKNOWN.  "begin" is
           the time before the attempt to commit, "end" that after the answer, or
           after the look-up that stood in for it.
    read   seq tx snapshot begin end kind argument upper limit ids scan
           a page of a stream below "upper" [us, id].  "begin" and "end" are those
           of the statement that took the snapshot; reads of one snapshot have the
           same number.  Those of one "scan" are pages that follow each other.
    follows seq tx snapshot begin end follower followees
           what following() has returned
    error  sqlstate message
           a statement was refused that should not have been
    count  {...}
           figures for the report

After the end, final.jsonl has the tables:

    row    id us name actor object target public
    follow follower followee state
    error  ...
           what integrity_check() has found, and transactions that are left prepared

"tx" is a number of the client, "seq" the place of the line in what its session has
done.  A single statement has a "tx" of its own.  Times are nanoseconds of a clock
that all processes share.
"""
import json

COMMITTED, ABORTED, UNKNOWN = 'committed', 'aborted', 'unknown'
NONE, BY_ACTOR, BY_ANY = 0, 1, 2


class Recorder:
    """Writes the history of one client."""

    def __init__(self, path):
        self.file = open(path, 'w', buffering=1 << 16)
        self.encode = json.JSONEncoder(separators=(',', ':')).encode
        self.seq = 0
        self.tx = 0

    def next_seq(self):
        self.seq += 1
        return self.seq

    def next_tx(self):
        self.tx += 1
        return self.tx

    def write(self, *line):
        self.file.write(self.encode(line) + '\n')

    def close(self):
        self.file.close()


def read(path):
    """The lines of a history."""
    with open(path) as file:
        for line in file:
            yield json.loads(line)
