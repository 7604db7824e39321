# The doorbell: sessions that listen are notified after commits that change actions, and only
# then, by a background worker that is there only while somebody listens.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use PostgreSQL::Test::BackgroundPsql;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep time);

my $node = new_node('main',
    init => [ allows_streaming => 'logical' ],
    conf => "shared_preload_libraries = 'actstream'\nmax_prepared_transactions = 5\nwal_writer_delay = 10s");

install($node, 'postgres', <<'END');
SELECT actstream.register_external('o');
SELECT actstream.record_changes(true);
SELECT actstream.follow('o:1', 'o:2', send_action => false);
END

sub session
{
    my ($where, $database) = @_;
    return $where->background_psql($database // 'postgres', on_error_stop => 0);
}

# what sessions have been notified of, and was not asked for
my %payloads;

sub listener
{
    my $session = session(@_);

    $payloads{$session} = [];
    ask($session, 'LISTEN actstream');
    return $session;
}

# The output of a query.  A notification may come with that of any.
sub ask
{
    my ($session, $query) = @_;
    my $output = $session->query($query);

    push @{ $payloads{$session} },
        $output =~ /^Asynchronous notification "actstream"(?: with payload "([^"]*)")? received/mg;
    return $output;
}

# The payloads that have come to a session, which waits for one no longer than so many seconds.
sub heard
{
    my ($session, $seconds) = @_;
    my $end = time + $seconds;

    $payloads{$session} //= [];
    while (!@{ $payloads{$session} } && time < $end)
    {
        sleep 0.02;
        ask($session, 'SELECT 1');
    }
    my @heard = splice @{ $payloads{$session} };
    return @heard;
}

# Until nothing more comes
sub quiet
{
    my ($session) = @_;

    1 while heard($session, 0.3);
}

sub send_action
{
    my ($where, $verb) = @_;
    $where->safe_psql('postgres', "SELECT actstream.act_send('o:2', '" . ($verb // 'did') . "')");
}

sub workers
{
    my ($where) = @_;
    return $where->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'actstream doorbell'});
}

sub becomes
{
    my ($where, $count, $name) = @_;
    ok($where->poll_query_until('postgres', qq{SELECT count(*) = $count FROM pg_stat_activity WHERE backend_type = 'actstream doorbell'}), $name);
}

sub switch
{
    my ($setting) = @_;
    $node->append_conf('postgresql.conf', "actstream.doorbell = $setting");
    $node->reload;
}

# off, until it is switched on
my $one = listener($node);
send_action($node);
is(scalar(heard($one, 0.5)), 0, 'off by default');
is(workers($node), 0, '... without a worker');
switch('on');
# the setting reaches sessions when they read it
ok($node->poll_query_until('postgres', q{SHOW actstream.doorbell}, 'on'), 'switched on');
send_action($node, 'rung');
my ($position) = heard($one, 10);
ok(defined $position, 'a session that listened before is notified');
is(workers($node), 1, '... by a worker');
quiet($one);

# what rings, and what does not
my $start = $node->safe_psql('postgres', 'SELECT actstream.stream_position()');
$node->safe_psql('postgres', "CREATE TABLE other (a int); INSERT INTO other VALUES (1); SELECT actstream.follow('o:1', 'o:3', send_action => false)");
$node->safe_psql('postgres', "BEGIN; SELECT actstream.act_send('o:2', 'rolled back'); ROLLBACK");
is(scalar(heard($one, 0.5)), 0, 'what changes no actions, or is rolled back, does not ring');
foreach my $command (
    "INSERT INTO actstream.actions (actor, verb) VALUES ('o:2', 'did')",
    "BEGIN; SAVEPOINT a; SELECT actstream.act_send('o:2', 'did'); RELEASE a; SAVEPOINT b; ROLLBACK TO b; COMMIT",
    "UPDATE actstream.actions SET description = 'x'",
    "DELETE FROM actstream.actions WHERE verb = 'rung'",
    "COPY actstream.actions (actor, verb) FROM PROGRAM 'printf \"o:2\\tcopied\\n\"'",
    "TRUNCATE actstream.actions")
{
    $node->safe_psql('postgres', $command);
    is(scalar(grep { /./ } heard($one, 10)) > 0, 1, "rings: $command");
    quiet($one);
}
$node->safe_psql('postgres', "BEGIN; SELECT actstream.act_send('o:2', 'prepared'); PREPARE TRANSACTION 'p'");
is(scalar(heard($one, 0.5)), 0, 'a prepared transaction does not ring');
$node->safe_psql('postgres', "COMMIT PREPARED 'p'");
($position) = heard($one, 10);
ok(defined $position, '... but when it is committed');
is($node->safe_psql('postgres', "SELECT count(*) FROM actstream.changes_since('$position')"), 0,
    'the payload is a position after that');
quiet($one);

# what it is for: whoever is notified finds what was committed; a bell before the commit is no good
sub told_after_bell
{
    my ($ring_early) = @_;
    my $since = $node->safe_psql('postgres', 'SELECT actstream.stream_position()');
    my $sender = session($node);

    switch($ring_early ? 'off' : 'on');
    sleep 0.1;
    $sender->query("BEGIN; SELECT actstream.act_send('o:2', 'did')");
    $node->safe_psql('postgres', 'NOTIFY actstream') if $ring_early;
    my @early = heard($one, 0.5);
    my $seen_early = $node->safe_psql('postgres', "SELECT count(*) FROM actstream.changes_since('$since')");
    $sender->query('COMMIT');
    $sender->quit;
    my @late = heard($one, $ring_early ? 0.5 : 10);
    return scalar(@early) . " $seen_early " . (@late > 0 ? $node->safe_psql('postgres', "SELECT count(*) FROM actstream.changes_since('$since')") : 'nobody looks');
}
is(told_after_bell(0), '0 0 1', 'notified after the commit, a session finds the change');
is(told_after_bell(1), '1 0 nobody looks', 'notified before the commit, it does not');
switch('on');
sleep 0.1;
quiet($one);

# no more often than every 10 ms
my $begun = time;
$node->safe_psql('postgres', "SELECT actstream.act_send('o:2', 'did');\n" x 500);
my $elapsed = time - $begun;
sleep 0.2;
my @rings;
while (my @more = heard($one, 0.3)) { push @rings, @more }
cmp_ok(scalar @rings, '>', 0, '500 commits ring');
cmp_ok(scalar @rings, '<=', ($elapsed + 0.3) / 0.01 + 2, '... at most every 10 ms');

# who listens: several sessions, other channels, the end of a session
my $two = listener($node);
my $other = session($node);
$other->query('LISTEN other');
quiet($two);
send_action($node);
ok(scalar(heard($one, 10)), 'both sessions are notified, one');
ok(scalar(heard($two, 10)), '... and two');
is(scalar(heard($other, 0.3)), 0, 'one that listens to another channel is not');
$one->query('BEGIN; UNLISTEN actstream; ROLLBACK');
$two->quit;
is(workers($node), 1, 'the worker stays while a session listens');
$one->query('BEGIN; SAVEPOINT a; UNLISTEN actstream; ROLLBACK TO a; COMMIT');
send_action($node);
ok(scalar(heard($one, 10)), 'UNLISTEN in a savepoint that is rolled back changes nothing');
$one->query('DISCARD ALL');
becomes($node, 0, 'without listeners the worker ends');
$one->query('BEGIN; LISTEN actstream; ROLLBACK');
send_action($node);
is(workers($node), 0, 'LISTEN that is rolled back starts none');
$one->query(q{DO $$BEGIN EXECUTE 'LISTEN actstream'; END$$});
becomes($node, 1, 'LISTEN in a function starts one');
$one->query('UNLISTEN *');
becomes($node, 0, 'UNLISTEN * ends it');
$node->safe_psql('postgres', 'CREATE DATABASE doomed');
my $doomed = listener($node, 'doomed');
sleep 0.5;
is(workers($node), 0, 'a database without the extension has none');
$node->safe_psql('doomed', q{
    CREATE EXTENSION actstream;
    DO 'BEGIN PERFORM actstream.create_tables(), actstream.register_external(''o''), actstream.record_changes(true); END';
});
ask($doomed, 'LISTEN actstream');
$node->safe_psql('doomed', q{SELECT actstream.act_send('o:2', 'did')});
ok(scalar(heard($doomed, 10)), '... but when it is there, one that listens again is notified');
$doomed->quit;
is($node->psql('postgres', 'DROP DATABASE doomed'), 0, 'it can be dropped when nobody does');
becomes($node, 0, '... and the worker is gone');

# a session that listens for a moment does not keep the next one waiting
$node->safe_psql('postgres', 'LISTEN actstream');
my $next = listener($node);
ok(scalar(heard($next, 10)), 'after one that is gone, a session is notified at once');
$next->quit;
becomes($node, 0, '... and the worker ends');

# temporary tables are dropped at the end of a session, in a transaction
$node->safe_psql('postgres', 'CREATE TEMPORARY TABLE t (); LISTEN actstream');
sleep 0.5;
becomes($node, 0, 'a session that is gone does not count as one that listens');

# the worker is replaced when it ends, and does not miss what was committed meanwhile
ask($one, 'LISTEN actstream');
becomes($node, 1, 'a worker');
quiet($one);
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'actstream doorbell'});
send_action($node);
ok(scalar(heard($one, 15)), 'a worker that was terminated comes back');
$node->stop('immediate');
$node->start;
send_action($node);
$one = listener($node);
ok(scalar(heard($one, 10)), 'after a crash, whoever listens is notified at once');
quiet($one);
# transactions that were not waited for are lost, and their ids given again
foreach my $end ('COMMIT', 'ROLLBACK')
{
    my $since = $node->safe_psql('postgres', "BEGIN; SELECT pg_current_xact_id(); $end; SELECT actstream.stream_position()") =~ s/.*\n//r;
    $node->stop('immediate');
    $node->start;
    send_action($node);
    is($node->safe_psql('postgres', "SELECT count(*) FROM actstream.changes_since('$since')"), 1,
        "a position after $end is still right after a crash");
}
$one = listener($node);
quiet($one);
switch('off');
becomes($node, 0, 'switched off, the worker ends');
switch('on');
sleep 0.2;
send_action($node);
ok(scalar(heard($one, 10)), 'switched on again, it comes back');

# a subscriber's changes ring there, prepared ones too
{
    my $subscriber = new_node('subscriber',
        conf => "shared_preload_libraries = 'actstream'\nactstream.doorbell = on\nmax_prepared_transactions = 5");
    install($subscriber, 'postgres', q{SELECT actstream.register_external('o'); SELECT actstream.record_changes(true);});
    $node->safe_psql('postgres', 'CREATE PUBLICATION p FOR TABLE actstream.actions');
    my $there = listener($subscriber);
    $subscriber->safe_psql('postgres',
        q{CREATE SUBSCRIPTION s CONNECTION $$} . $node->connstr('postgres') . q{$$ PUBLICATION p WITH (copy_data = off, two_phase = on)});
    $subscriber->wait_for_subscription_sync($node, 's');
    quiet($there);
    my $since = $subscriber->safe_psql('postgres', 'SELECT actstream.stream_position()');
    send_action($node, 'replicated');
    ok(scalar(heard($there, 20)), 'what a publisher sends rings');
    quiet($there);
    $node->safe_psql('postgres', "BEGIN; SELECT actstream.act_send('o:2', 'replicated 2'); PREPARE TRANSACTION 'p2'");
    $node->wait_for_catchup('s');
    quiet($there);
    $node->safe_psql('postgres', "COMMIT PREPARED 'p2'");
    ok(scalar(heard($there, 20)), 'so does a prepared transaction when it is committed there');
    is($subscriber->safe_psql('postgres', "SELECT string_agg(operation || ' ' || (action).verb, ', ') FROM actstream.changes_since('$since')"),
        'insert replicated, insert replicated 2', '... and they are told');
    $there->quit;
    $subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION s');
    $subscriber->stop;
}

# a standby has no positions; after its promotion the old ones are refused
$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
$node->safe_psql('postgres', "BEGIN; SELECT actstream.act_send('o:2', 'prepared before'); PREPARE TRANSACTION 'p3'");
$node->wait_for_catchup($standby);
$position = $node->safe_psql('postgres', 'SELECT actstream.stream_position()');
is(sqlstates($standby, 'postgres', "SELECT actstream.stream_position(); SELECT actstream.changes_since('$position')"),
    '25006 25006', 'on a standby positions are refused');
$node->stop;
$standby->promote;
is(sqlstates($standby, 'postgres', "SELECT actstream.changes_since('$position')"), '24000', 'one from before a promotion, too');
$one = listener($standby);
becomes($standby, 1, 'a promoted server has a worker for who listens');
quiet($one);
$position = $standby->safe_psql('postgres', 'SELECT actstream.stream_position()');
$standby->safe_psql('postgres', "COMMIT PREPARED 'p3'");
is($standby->safe_psql('postgres', "SELECT operation || ' ' || (action).verb FROM actstream.changes_since('$position')"),
    'insert prepared before', 'what was prepared before the promotion is told');
quiet($one);
send_action($standby);
ok(scalar(heard($one, 10)), '... and rings');
$one->quit;
$standby->stop;

# without what it needs
my $poor = new_node('poor', conf => "shared_preload_libraries = 'actstream'\nactstream.doorbell = on\nmax_worker_processes = 0");
install($poor, 'postgres', q{SELECT actstream.register_external('o'); SELECT actstream.record_changes(true);});
my (undef, undef, $warning) = $poor->psql('postgres', 'LISTEN actstream');
like($warning, qr/no background worker is free/, 'without a free worker, a warning');
$poor->append_conf('postgresql.conf', "shared_preload_libraries = ''\nmax_worker_processes = 8");
$poor->restart;
$one = listener($poor);
send_action($poor);
is(scalar(heard($one, 0.5)), 0, 'not preloaded, nothing rings');
$one->quit;

done_testing();
