#!/usr/bin/python3
"""Debian's changelogs, read into releases.  Knows no database.

    changelogs.py DIRECTORY...

prints what the DIRECTORY/PACKAGE/changelog.Debian.gz hold, a release a line,
as TSV: package, version, distributions, urgency, date, e-mail, name, bugs.
What is odd in them goes to standard error, a line each: file, kind, detail.
Nothing in a changelog is fatal: what can be used of it is used.
"""

import codecs
import csv
import gzip
import logging
import os
import sys
import zlib
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import NamedTuple, Optional

from debian import changelog

MAX_KEY = 1024                  # bytes of a reference's key
MAX_EMAIL = 320                 # bytes, as RFC 3696 counts
MAX_BUG = 2**31 - 1             # an SQL integer
DEBIAN_BEGAN = datetime(1993, 8, 16, tzinfo=timezone.utc)


class Oddity(NamedTuple):
    file: str
    kind: str
    detail: str


@dataclass
class Release:
    """One entry of a changelog: a version of a source package."""
    package: str
    version: str
    distributions: str
    urgency: Optional[str]
    date: Optional[datetime]
    email: Optional[str]
    name: Optional[str]
    bugs: list[int]

    @property
    def key(self):
        return self.package, self.version

    def is_complete(self):
        return self.date is not None and self.email is not None


@dataclass
class History:
    """Everything that was read."""
    files: int = 0
    entries: int = 0
    releases: dict[tuple[str, str], Release] = field(default_factory=dict)
    oddities: list[Oddity] = field(default_factory=list)


class Listener(logging.Handler):
    """Collects what the library has to say about the text it parses."""

    def __init__(self):
        super().__init__()
        self.messages = []
        logger = logging.getLogger('debian.changelog')
        logger.addHandler(self)
        logger.propagate = False

    def emit(self, record):
        self.messages.append(record.getMessage())

    def take(self):
        messages, self.messages = self.messages, []
        return messages


listener = Listener()

# Changelogs older than UTF-8 keep lines in Latin-1; they are often mixed.
codecs.register_error(
    'latin-1', lambda e: (e.object[e.start:e.end].decode('latin-1'), e.end))


def find(directories):
    """The changelogs in the directories, each real file once, in name order.

    A native package has its Debian changelog in changelog.gz; elsewhere that
    is upstream's.
    """
    files = {}
    for directory in directories:
        for package in sorted(os.listdir(directory)):
            for name in 'changelog.Debian.gz', 'changelog.gz':
                file = os.path.join(directory, package, name)
                if os.path.lexists(file):
                    files.setdefault(os.path.realpath(file), file)
                    break
    return list(files.values())


def read(files, now=None):
    """The history that the files tell."""
    now = now or datetime.now(timezone.utc)
    history = History()
    seen = set()
    for file in files:
        def odd(kind, detail=''):
            history.oddities.append(Oddity(file, kind, detail))

        history.files += 1
        known_oddities = len(history.oddities)
        entries = split(text_of(file, odd))
        for heading, text in entries:
            if heading:
                history.entries += 1
            # Binary packages of one source carry the same entries.
            if text in seen:
                continue
            seen.add(text)
            for release in parse(text, now, odd):
                known = history.releases.get(release.key)
                if not known or release.is_complete() and not known.is_complete():
                    history.releases[release.key] = release
        if len(history.oddities) == known_oddities and not any(h for h, _ in entries):
            odd('no entry')
    return history


def text_of(file, odd):
    """The text of a changelog, as much of it as can be had."""
    chunks = []
    try:
        with gzip.open(file) as stream:
            while chunk := stream.read1(1 << 16):
                chunks.append(chunk)
    except (OSError, EOFError, zlib.error) as error:
        odd('damaged file' if chunks else 'unreadable file',
            getattr(error, 'strerror', None) or str(error))
    data = b''.join(chunks)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        odd('not UTF-8', f'byte 0x{data[error.start]:02x} at {error.start}')
        text = data.decode(errors='latin-1')
    if '\0' in text:
        odd('NUL bytes', f'{text.count(chr(0))} of them')
        text = text.replace('\0', '\N{REPLACEMENT CHARACTER}')
    return text


def split(text):
    """The text cut before every heading, as pairs (begins with one, text).

    What is wrong with an entry then harms that entry only, and an entry that
    was seen elsewhere need not be parsed again.
    """
    entries = [(False, [])]
    for line in text.splitlines():
        if changelog.topline.match(line):
            entries.append((True, []))
        entries[-1][1].append(line)
    return [(heading, '\n'.join(lines)) for heading, lines in entries
            if any(line.strip() for line in lines)]


def parse(text, now, odd):
    """The releases in the text: one, or none."""
    blocks = [block for block in changelog.Changelog(text) if block.package]
    complaints = listener.take()
    if not blocks and complaints:
        odd('stray text', complaints[0])
    releases = (release_of(block, complaints, now, odd) for block in blocks)
    return [release for release in releases if release]


def release_of(block, complaints, now, odd):
    """The release that the library's block describes; None if it is of no use."""
    try:
        package, version = block.package, str(block.version)
    except ValueError as error:
        odd('impossible version', f'{block.package}: {error}')
        return None
    title = f'{package} {version}'
    because = f': {complaints[0]}' if complaints else ''

    if len(f'{package},{version}'.encode()) > MAX_KEY:
        odd('name too long', title[:60] + '...')
        return None
    if block.distributions.upper() == 'UNRELEASED':
        odd('never released', title)
        return None

    name = email = date = None
    author = changelog.maintainerre.match(block.author or '')
    if author:
        name, email = author.group(1).strip(), author.group(2).strip().lower()
    if not email or len(email.encode()) > MAX_EMAIL:
        odd('no maintainer or date' if not block.date else 'no maintainer', title + because)
        name = email = None
    elif not block.date:
        odd('no date', title + because)
    elif because:
        odd('stray text', title + because)

    if block.date:
        try:
            date = utc(parsedate_to_datetime(block.date))
        except (ValueError, TypeError, OverflowError):
            odd('impossible date', f'{title}: {block.date.strip()}')
        if date and not DEBIAN_BEGAN <= date <= now:
            odd('date in the future' if date > now else 'date before Debian',
                f'{title}: {block.date.strip()}')
            date = None

    return Release(
        package, version, block.distributions,
        None if block.urgency == 'unknown' else block.urgency.lower(),
        date, email, name or email, bugs_of(block, title, odd))


def utc(date):
    # A date without a zone ends in '-0000': it is UTC already.
    return date.astimezone(timezone.utc) if date.tzinfo else date.replace(tzinfo=timezone.utc)


def bugs_of(block, title, odd):
    """The numbers of the bugs that the block closes, each once."""
    try:
        numbers = set(block.bugs_closed)
    except ValueError as error:         # of too many digits for an int
        odd('impossible bug', f'{title}: {error}')
        return []
    for number in numbers:
        if not 0 < number <= MAX_BUG:
            odd('impossible bug', f'{title}: #{number}')
    return sorted(n for n in numbers if 0 < n <= MAX_BUG)


def main(directories):
    if not directories:
        sys.exit(__doc__)
    history = read(find(directories))
    out = csv.writer(sys.stdout, delimiter='\t', lineterminator='\n')
    for r in history.releases.values():
        out.writerow((r.package, r.version, r.distributions, r.urgency,
                      r.date and r.date.isoformat(), r.email, r.name,
                      ','.join(map(str, r.bugs))))
    for oddity in history.oddities:
        print(*filter(None, oddity), sep=': ', file=sys.stderr)


if __name__ == '__main__':
    main(sys.argv[1:])
