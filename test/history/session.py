"""A connection that sends many statements before it waits for the first answer."""
import time

from psycopg import pq

COMMANDS = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class Lost(Exception):
    """The connection is gone; of what was not answered the outcome is unknown."""


class Refused(Exception):
    """The server has refused a statement; the argument is its SQLSTATE."""


def now():
    """Nanoseconds of the clock that all processes of the machine share."""
    return time.monotonic_ns()


class Session:
    """A connection with named statements, {name: SQL}, prepared."""

    def __init__(self, conninfo, statements):
        self.connection = pq.PGconn.connect(conninfo.encode())
        if self.connection.status != pq.ConnStatus.OK:
            raise Lost(self.connection.error_message.decode())
        for name, text in statements.items():
            self.check(self.connection.prepare(name.encode(), text.encode()))

    def close(self):
        self.connection.finish()

    def check(self, result):
        """The result if it is one; Lost or Refused if it is an error."""
        if result is not None and result.status in COMMANDS:
            return result
        state = result and result.error_field(pq.DiagnosticField.SQLSTATE)
        if self.connection.status != pq.ConnStatus.OK or not state or \
                state[:4] == b'57P0':
            raise Lost(result and result.error_message.decode())
        raise Refused(state.decode(), result.error_message.decode())

    @staticmethod
    def rows(result):
        return [[result.get_value(row, column) for column in range(result.nfields)]
                for row in range(result.ntuples)]

    def query(self, text):
        """Run a simple statement; returns its rows, in bytes."""
        return self.rows(self.check(self.connection.exec_(text.encode())))

    def call(self, name, *arguments):
        """Run a named statement; returns its rows, in bytes."""
        return self.rows(self.check(self.connection.exec_prepared(
            name.encode(), [encode(argument) for argument in arguments])))

    def calls(self, statements):
        """Run named statements, each a transaction, all sent at once.

        Yields for each its rows or the exception that it has met.  After a Lost
        all others are Lost, too.
        """
        self.connection.enter_pipeline_mode()
        try:
            for name, *arguments in statements:
                self.connection.send_query_prepared(
                    name.encode(), [encode(argument) for argument in arguments])
                self.connection.pipeline_sync()
        except Exception as error:      # psycopg has no narrower class for it
            for _ in statements:
                yield Lost(str(error))
            return
        lost = None
        for _ in statements:
            if lost is None:
                try:
                    yield self.answer()
                    continue
                except Refused as error:
                    yield error
                    continue
                except Lost as error:
                    lost = error
            yield lost
        if lost is None:
            self.connection.exit_pipeline_mode()

    def answer(self):
        """The rows of the next statement of a pipeline, once it has committed.

        Rows come before the end of the transaction, which can fail still.
        """
        rows = error = None
        ends = 0
        while True:
            result = self.connection.get_result()
            ends = 0 if result is not None else ends + 1
            if ends > 1:
                raise Lost('no end of the transaction')
            if result is None:
                continue
            if result.status == pq.ExecStatus.PIPELINE_SYNC:
                break
            try:
                rows = self.rows(self.check(result))
            except Refused as refused:
                error = error or refused
        if error is not None:
            raise error
        return rows


def encode(value):
    return value if value is None or isinstance(value, bytes) else str(value).encode()
