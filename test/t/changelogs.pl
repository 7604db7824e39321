# The demonstration's reader of changelogs, on odd ones.  It is a Python program
# that speaks TAP; Debian's interpreter has the library that it needs.
use strict;
use warnings;

$ENV{PYTHONDONTWRITEBYTECODE} = 1;
exec '/usr/bin/python3', 'demo/test_odd.py';
