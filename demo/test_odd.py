#!/usr/bin/python3
"""Tests that odd changelogs harm nothing but themselves.  Prints TAP.

    test_odd.py                     runs the tests
    test_odd.py --make DIRECTORY    only writes the odd changelogs, to load them
"""

import gzip
import os
import random
import sys
import tempfile
from collections import Counter

import changelogs

JOE = 'Joe Doe <Joe@Example.org>'
DATE = 'Thu, 01 Feb 2024 12:00:00 +0100'


def entry(package, version='1.0', distributions='unstable', change='Closes: #7',
          trailer=f'{JOE}  {DATE}'):
    return (f'{package} ({version}) {distributions}; urgency=HIGH\n\n  * {change}\n\n'
            + (f' -- {trailer}\n\n' if trailer else ''))


# package: (content, versions that are read, those that become actions, oddities)
CASES = {
    'good': (entry('good', '2.0', change='Closes: #3, #1') + entry('good'),
             '2.0 1.0', '2.0 1.0', []),
    'again': (entry('good', '2.0', change='Closes: #3, #1'), '', '', []),
    'crlf': (entry('crlf').replace('\n', '\r\n'), '1.0', '1.0', []),
    'comma': (entry('comma', '1,0') + entry('comma', '0.9'), '0.9', '0.9', ['impossible version']),
    'no-version': (entry('no-version') + 'no-version unstable; urgency=low\n\n  * What?\n\n'
                   f' -- {JOE}  {DATE}\n\n' + entry('no-version', '0.9'),
                   '1.0 0.9', '1.0 0.9', ['stray text']),
    'no-trailer': (entry('no-trailer', '1.1', trailer=None) + entry('no-trailer'),
                   '1.1 1.0', '1.0', ['no maintainer or date']),
    'no-date': (entry('no-date', trailer=JOE), '1.0', '', ['no maintainer or date']),
    'no-email': (entry('no-email', trailer=f'Joe <>  {DATE}'), '1.0', '', ['no maintainer']),
    'long-email': (entry('long-email', trailer=f'Joe <{"x" * 9999}@example.org>  {DATE}'),
                   '1.0', '', ['no maintainer']),
    'cut-entry': (entry('cut-entry')[:50], '1.0', '', ['no maintainer or date']),
    'no-day': (entry('no-day', trailer=f'{JOE}  Sat, 31 Feb 2004 10:00:00 +0000'),
               '1.0', '', ['impossible date']),
    'no-month': (entry('no-month', trailer=f'{JOE}  Sat, 01 Foo 2004 10:00:00 +0000'),
                 '1.0', '', ['impossible date']),
    'no-zone': (entry('no-zone', trailer=f'{JOE}  Sat, 01 May 2004 10:00:00 +9999'),
                '1.0', '', ['impossible date']),
    'last-hour': (entry('last-hour', trailer=f'{JOE}  Fri, 31 Dec 9999 23:00:00 -0200'),
                  '1.0', '', ['impossible date']),
    'future': (entry('future', trailer=f'{JOE}  Fri, 01 Feb 2999 10:00:00 +0000'),
               '1.0', '', ['date in the future']),
    'past': (entry('past', trailer=f'{JOE}  Thu, 01 Jan 1970 00:00:00 +0000'),
             '1.0', '', ['date before Debian']),
    'utc': (entry('utc', trailer=f'{JOE}  Thu, 01 Feb 2024 11:00:00 -0000'), '1.0', '1.0', []),
    'unreleased': (entry('unreleased', distributions='UNRELEASED'), '', '', ['never released']),
    'huge-bug': (entry('huge-bug', change='Closes: #99999999999, #0, #5'), '1.0', '1.0',
                 ['impossible bug'] * 2),
    'vast-bug': (entry('vast-bug', change=f'Closes: #{"9" * 5000}') + entry('vast-bug', '0.9'),
                 '1.0 0.9', '1.0 0.9', ['impossible bug']),
    'long-name': (entry('n' * 2000) + entry('long-name'), '1.0', '1.0', ['name too long']),
    'latin1': (entry('latin1', trailer=f'Jörg Müller <joerg@example.org>  {DATE}').encode('latin-1')
               + entry('latin1', '0.9', change='für Zoë').encode(),
               '1.0 0.9', '1.0 0.9', ['not UTF-8']),
    'utf16': (entry('utf16').encode('utf-16'), '', '', ['not UTF-8', 'NUL bytes', 'stray text']),
    'nul': (entry('nul', trailer=f'J\0e <nul@example.org>  {DATE}'), '1.0', '1.0', ['NUL bytes']),
    'control': (entry('control', trailer=f'J\x1b[31m\te <tab@example.org>  {DATE}'), '1.0', '1.0', []),
    'prose': ('Version 1.0\n  Many things were made better.\n', '', '', ['stray text']),
    'noise': (random.Random(1).randbytes(100_000), '', '',
              ['not UTF-8', 'NUL bytes', 'stray text']),
    'blank': ('\n \n\n', '', '', ['no entry']),
}

FILES = {       # package: (oddities), for files that are not what they seem
    'empty': ['no entry'], 'not-gzip': ['unreadable file'],
    'directory': ['unreadable file'], 'dangling': ['unreadable file'],
    'linked': [], 'upstream': ['no entry'], 'native': [], 'bare': [],
    'cut': ['damaged file', 'no maintainer or date'], 'flipped': ['damaged file'],
}


def make(directory):
    """Writes the odd changelogs."""
    def path(package, name='changelog.Debian.gz'):
        os.makedirs(os.path.join(directory, package), exist_ok=True)
        return os.path.join(directory, package, name)

    def write(file, content):
        with open(file, 'wb') as stream:
            stream.write(content)

    def packed(content):
        return gzip.compress(content.encode() if isinstance(content, str) else content, mtime=0)

    for package, (content, *_) in CASES.items():
        write(path(package), packed(content))

    write(path('empty'), b'')
    write(path('not-gzip'), entry('not-gzip').encode())
    os.makedirs(os.path.join(path('directory')))
    os.symlink('nowhere', path('dangling'))
    os.symlink('../good/changelog.Debian.gz', path('linked'))
    os.makedirs(os.path.join(directory, 'bare'))
    write(path('upstream', 'changelog.gz'), packed(CASES['prose'][0]))
    write(path('good', 'changelog.gz'), packed(CASES['prose'][0]))
    write(path('native', 'changelog.gz'), packed(entry('native')))
    # Noise between the entries, so that they do not compress to nothing
    noise = random.Random(2)
    many = ''.join(entry(package, f'{n}', change=''.join(noise.choices('abcdefgh ', k=900)))
                   for package in ['cut'] for n in range(200))
    write(path('cut'), packed(many)[:40_000])
    flipped = bytearray(packed(entry('flipped')))
    flipped[-8] ^= 1        # the checksum
    write(path('flipped'), bytes(flipped))


def main():
    if sys.argv[1:2] == ['--make']:
        return make(sys.argv[2])

    number = failed = 0

    def check(ok, name, *diagnosis):
        nonlocal number, failed
        number += 1
        failed += not ok
        print('ok' if ok else 'not ok', number, '-', name)
        if not ok:
            for line in diagnosis:
                print('#', line)

    def equal(got, expected, name):
        check(got == expected, name, f'got      {got!r}', f'expected {expected!r}')

    with tempfile.TemporaryDirectory() as directory:
        make(directory)
        history = changelogs.read(changelogs.find([directory]))

    releases = history.releases.values()
    oddities = {}
    for oddity in history.oddities:
        package = os.path.basename(os.path.dirname(oddity.file))
        oddities.setdefault(package, []).append(oddity.kind)

    for package, (_, read, usable, odd) in CASES.items():
        of = [r for r in releases if r.package == package]
        equal((' '.join(r.version for r in of),
               ' '.join(r.version for r in of if r.is_complete()),
               Counter(oddities.get(package, []))), (read, usable, Counter(odd)), package)
    for package, odd in FILES.items():
        equal(Counter(oddities.get(package, [])), Counter(odd), f'file: {package}')

    def release(package, version='1.0'):
        return history.releases[package, version]

    good = release('good', '2.0')
    equal((good.distributions, good.urgency, good.email, good.name, good.bugs, good.date.isoformat()),
          ('unstable', 'high', 'joe@example.org', 'Joe Doe', [1, 3], '2024-02-01T11:00:00+00:00'),
          'everything of a good entry')
    equal(release('utc').date, good.date, 'a date without a zone is UTC')
    equal(release('crlf').date, good.date, 'carriage returns do no harm')
    equal(release('latin1').name, 'Jörg Müller', 'Latin-1 is read')
    equal(release('nul').name, 'J\N{REPLACEMENT CHARACTER}e', 'NUL is replaced')
    equal(release('huge-bug').bugs, [5], 'a possible bug among impossible ones')
    equal(release('native').is_complete(), True, 'the changelog of a native package')
    equal(release('flipped').is_complete(), True, 'a file with a wrong checksum is used')
    check(50 < sum(r.package == 'cut' and r.is_complete() for r in releases) < 150,
          'a file that was cut is used as far as it goes')
    equal(history.files, len(CASES) + len(FILES) - 2, 'files: no link twice, none in a bare directory')
    print(f'1..{number}')
    return failed and 1


if __name__ == '__main__':
    sys.exit(main())
