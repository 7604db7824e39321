# Notifications while everything changes, compared with a brute force: see
# test/deep/marks.py.  Marks and the record in a prepared transaction, after a crash, and in
# a database into which a dump was restored.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', init => [ allows_streaming => 1 ], conf => "shared_preload_libraries = 'actstream'\nmax_prepared_transactions = 20\nmax_connections = 40");
my $tempdir = PostgreSQL::Test::Utils::tempdir();

# the brute force
$node->safe_psql('postgres', 'CREATE DATABASE deep');
install($node, 'deep', plain_streams());
my ($out, $err);
my $done = IPC::Run::run([ '/usr/bin/python3', 'test/deep/marks.py', $node->connstr('deep'), 3000, 5 ], '>', \$out, '2>', \$err);
ok($done, 'notifications are what a brute force says') or diag($out, $err);
like($out, qr/^operations: 3\d{3} checked, 0 wrong$/m, 'all operations were done');
foreach my $what ('checks', 'late ends by COMMIT PREPARED', 'policies changed', 'snooze', 'back', 'mutes', 'unmutes', 'blocks', 'unfollows')
{
    like($out, qr/^\Q$what\E: [1-9]/m, "$what: some");
}

# a prepared transaction that a crash does not end
install($node, 'postgres', <<'END');
SELECT actstream.register_external('o'), actstream.record_changes(true);
SELECT actstream.follow('o:me', 'o:you', send_action => false);
BEGIN;
SELECT actstream.act_send('o:you', 'late', "timestamp" => '2026-01-01');
PREPARE TRANSACTION 'p';
SELECT actstream.act_send('o:you', 'early', "timestamp" => '2026-01-02');
SELECT actstream.mark_all_read('o:me');
END
my $list = q{SELECT string_agg((n.action).verb || ' ' || n.read, ', ') || ' ' || actstream.unread_count('o:me') FROM actstream.notifications('o:me') AS n};
is($node->safe_psql('postgres', $list), 'early true 0', 'a prepared transaction is not seen');
$node->stop('immediate');
$node->start;
$node->safe_psql('postgres', "COMMIT PREPARED 'p'");
is($node->safe_psql('postgres', $list), 'early true, late false 1', 'it is unread once it is committed');

# In another database transaction ids begin anew, or mean something else: there the time
# decides.
command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-Fc', '-f', "$tempdir/dump" ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
command_ok([ 'pg_restore', '-d', $node->connstr('restored'), "$tempdir/dump" ], 'restore');
is($node->safe_psql('restored', $list), 'early true, late false 1', 'a dump keeps marks and the record');
$node->safe_psql('restored', q{SELECT actstream.act_send('o:you', 'later', "timestamp" => '2026-01-01 12:00')});
is($node->safe_psql('restored', $list), 'early true, later false, late false 2', 'what is sent there below the mark is unread');
is($node->safe_psql('restored', q{SELECT actstream.unseen_count('o:me'), actstream.mark_all_read('o:me')}), '2|2', 'and unseen, until it is marked');
is($node->safe_psql('restored', $list), 'early true, later true, late true 0', 'then all is read');
is($node->safe_psql('restored', 'SELECT count(DISTINCT incarnation) FROM actstream.changes'), '2', 'the record knows where its transactions were');
# what the mark of another database says of seen is kept, by time
is($node->safe_psql('restored', 'SELECT * FROM actstream.integrity_check()'), '', 'all is as promised');

# readers of a standby
my $backup = $node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', $list), $node->safe_psql('postgres', $list), 'a standby reads notifications');
like(sqlstates($standby, 'postgres', q{SELECT actstream.mark_all_read('o:me')}), qr/25006/, 'but marks none');

done_testing();
