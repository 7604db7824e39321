# A page waits for locks of owners who are not trusted: no longer than a moment in all, however many
# there are, and its session can end meanwhile.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');

install($node, 'postgres', <<'END_OF_SETUP');
CREATE ROLE owner;
CREATE ROLE reader;
GRANT USAGE ON SCHEMA actstream TO reader;
CREATE TABLE guarded (id int PRIMARY KEY, name text);
INSERT INTO guarded VALUES (1, 'Guarded');
CREATE TABLE guard_1 ();
CREATE TABLE guard_2 ();
CREATE TABLE guard_3 ();
GRANT SELECT ON guarded, guard_1, guard_2, guard_3 TO reader;
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
CREATE POLICY guards ON guarded
    USING (NOT EXISTS (SELECT FROM guard_1) AND NOT EXISTS (SELECT FROM guard_2) AND NOT EXISTS (SELECT FROM guard_3));
SELECT FROM actstream.register('guarded', name_template => '{name}');
ALTER TABLE guarded OWNER TO owner;
ALTER TABLE guard_1 OWNER TO owner;
ALTER TABLE guard_2 OWNER TO owner;
ALTER TABLE guard_3 OWNER TO owner;
END_OF_SETUP

my $name = "SELECT actstream.display_name('guarded:1')";

# The locks are released one after the other, each in less time than the page waits.
my $locker = $node->background_psql('postgres');
$locker->query_safe($_) foreach 'BEGIN', map { ("SAVEPOINT s_$_", "LOCK TABLE guard_$_") } 3, 2, 1;
my $page = $node->background_psql('postgres');
$page->query_safe('SET ROLE reader');
$page->query_until(qr/asked/, "\\echo asked\n$name;\n");
foreach my $number (1 .. 3)
{
    $node->poll_query_until('postgres', "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted) OR EXISTS (SELECT FROM pg_stat_activity WHERE state = 'idle' AND query ~ 'display_name')");
    $locker->query_safe('SELECT pg_sleep(0.7)');
    $locker->query_safe("ROLLBACK TO s_$number");
}
like($page->query('SELECT 1'), qr/^guarded:1\n/, 'a page does not wait for each lock anew');
$locker->quit;
$page->quit;
is($node->safe_psql('postgres', "SET ROLE reader; $name"), 'Guarded', 'another session has the name');

# A session is ended while its look-up waits, and others go on.
my $checkpointer = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'";
my $before = $node->safe_psql('postgres', $checkpointer);
my $ended = 0;
foreach (1 .. 20)
{
    my $lock = $node->background_psql('postgres');
    $lock->query_safe('BEGIN; LOCK TABLE guarded');
    my $reader = $node->background_psql('postgres', on_error_stop => 0);
    my $pid = $reader->query_safe('SET ROLE reader; SELECT pg_backend_pid()');
    $reader->query_until(qr/asked/, "\\echo asked\n$name;\n");
    $node->poll_query_until('postgres', "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $pid AND NOT granted)");
    $ended += $node->safe_psql('postgres', "SELECT pg_terminate_backend($pid, 10000)::int");
    eval { $reader->quit };
    $lock->quit;
}
is($ended, 20, 'sessions are ended');
is($node->safe_psql('postgres', $checkpointer), $before, 'and the server is not');

done_testing();
