# Bounds of the recency map that are too high come down again: a stream that has met
# them is read as before by whoever reads it next, whatever has raised them.  And none
# comes down too far.
#
# Two followers follow 400 objects each that have acted in January, and one so few that
# their lists are read at once.  Rows that are for the year 2099 raise the bounds of all
# that they follow.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use PostgreSQL::Test::BackgroundPsql;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', conf => <<'END_OF_SETTINGS');
shared_preload_libraries = 'actstream'
max_prepared_transactions = 10
autovacuum = off
jit = off
END_OF_SETTINGS

install($node, 'postgres', plain_streams(), <<'END_OF_SETUP');
SELECT actstream.register_external('o'), actstream.register_external('p');
INSERT INTO actstream.actions (actor, verb, target, "timestamp")
SELECT actstream.ref('o', i % 400 + 1), 'did', actstream.ref('o', i % 400 + 1001), timestamptz '2026-01-01 00:00+00' + i * interval '1 minute'
FROM generate_series(0, 1199) AS i;
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT actstream.ref('o', 10000 + i), 'did', timestamptz '2026-06-01 00:00+00' + i * interval '1 minute'
FROM generate_series(1, 3000) AS i;
INSERT INTO actstream.follows (follower, followee, actor_only)
SELECT 'o:5001', actstream.ref('o', i), true FROM generate_series(1, 400) AS i;
INSERT INTO actstream.follows (follower, followee, actor_only)
SELECT 'o:5002', actstream.ref('o', i), false FROM generate_series(1001, 1400) AS i;
INSERT INTO actstream.follows (follower, followee, actor_only)
SELECT 'o:5003', actstream.ref('o', i), true FROM generate_series(1, 10) AS i;
ANALYZE actstream.actions, actstream.follows;
END_OF_SETUP

sub sql
{
    return $node->safe_psql('postgres', join ';', @_);
}

sub build { return sql('SELECT actstream.recency_build()'); }

# How many lists a page of a stream opens, and how many of its first rows the map knows:
# that of actors, in a session that keeps nothing, and that of targets.
sub cost
{
    my ($ask) = @_;
    my @cost;

    foreach my $follower (5001, 5002)
    {
        my $plan = $ask->("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM actstream.user_stream('o:$follower') LIMIT 20");
        my $opened = figure($plan, 'Lists Opened') - ($plan =~ /Strategy: time line/);

        push @cost, "$opened opened, " . (figure($plan, 'Newest From Map') // 0) . ' known';
    }
    return join '; ', @cost;
}

# Whether pages are those of plain SQL, by one statement.
sub same
{
    my ($ask) = @_;
    my @streams = map { ("user_stream('o:$_') LIMIT 20", "user_stream('o:$_') LIMIT 500") } 5001 .. 5003;

    push @streams, 'public_stream() LIMIT 20', q{model_stream('p') LIMIT 20};
    return $ask->('SELECT ' . same_as_plain(@streams)) eq 't' ? 'same' : 'different';
}

my $poison = q{INSERT INTO actstream.actions (actor, verb, target, "timestamp")
    SELECT actstream.ref('o', i), 'poison', actstream.ref('o', 1000 + i), '2099-01-01' FROM generate_series(1, 400) AS i};
my $delete = q{DELETE FROM actstream.actions WHERE verb = 'poison'};
my $as_ever = '0 opened, 20 known; 0 opened, 20 known';

# What raises the bounds costs one page; the next one is as it was, in whichever session.
sub comes_down
{
    my ($name, @sql) = @_;
    my $keeper = $node->background_psql('postgres');
    my $ask = sub { $keeper->query_safe($_[0]) };

    cost($ask) for 1 .. 2;
    $node->safe_psql('postgres', $_) foreach @sql;
    is(same(\&sql), 'same', "$name: first page");
    is(same($ask), 'same', "$name: first page of a session that has kept bounds");
    is(cost(\&sql), $as_ever, "$name: next page");
    is(cost($ask), $as_ever, "$name: next page of that session");
    $keeper->quit;
    return;
}

build();
is(cost(\&sql), $as_ever, 'at first');
comes_down('rolled back', "BEGIN; $poison; ROLLBACK");
cmp_ok(sql('SELECT lowered FROM actstream.recency_stats()'), '>=', 800, 'that is counted');
comes_down('rolled back twice', "BEGIN; $poison; $poison; ROLLBACK");
comes_down('rolled back to a savepoint', "BEGIN; SAVEPOINT s; $poison; ROLLBACK TO s; COMMIT");
comes_down('deleted', $poison, $delete);
comes_down('deleted, and removed by VACUUM', $poison, $delete, 'VACUUM actstream.actions');
comes_down('changed to another time', $poison, q{UPDATE actstream.actions SET "timestamp" = '2020-01-01' WHERE verb = 'poison'}, $delete);
comes_down('changed to another object', $poison, q{UPDATE actstream.actions SET actor = 'o:1', target = 'o:1001' WHERE verb = 'poison'}, $delete);
comes_down('made private', $poison, q{UPDATE actstream.actions SET public = false WHERE verb = 'poison'}, $delete);
comes_down('at the end of time', "BEGIN; @{[ $poison =~ s/2099-01-01/infinity/r ]}; ROLLBACK");
comes_down('a moment after the newest', "BEGIN; @{[ $poison =~ s/'2099-01-01'/timestamptz '2026-01-01 20:00+00'/r ]}; ROLLBACK");
comes_down('of objects that are deleted altogether',
    q{INSERT INTO actstream.actions (actor, verb, "timestamp") SELECT actstream.ref('o', i), 'poison', '2026-05-01' FROM generate_series(1, 100) AS i},
    'VACUUM actstream.actions', $delete, 'VACUUM actstream.actions');

# the one command
sql("BEGIN; $poison; ROLLBACK");
build();
is(cost(\&sql), $as_ever, 'recency_build() lowers them');
sql($poison);
sql($delete);
build();
is(cost(\&sql), $as_ever, 'so it does with those of rows that were deleted');
sql($poison);
sql($delete);
$node->restart;
build();
is(cost(\&sql), $as_ever, 'and these are not raised again after a start');

# rows that others see, or may see
{
    my $writer = $node->background_psql('postgres');
    my $reader = $node->background_psql('postgres');
    my $old = sub { $reader->query_safe($_[0]) };

    $writer->query_safe("BEGIN; $poison");
    foreach my $page (1 .. 2)
    {
        is(same(\&sql), 'same', "while they are being stored, page $page");
        my @opened = cost(\&sql) =~ /(\d+) opened/g;
        my @without = cost(sub { sql('SET actstream.enable_recency_map = off', @_) }) =~ /(\d+) opened/g;
        cmp_ok($opened[$_], '<=', $without[$_] + 100, 'and not many more lists are opened than without the map') foreach 0, 1;
    }
    $writer->query_safe("PREPARE TRANSACTION 'p'");
    is(same(\&sql), 'same', 'prepared');
    build();
    is(same(\&sql), 'same', 'and the map built');
    sql("COMMIT PREPARED 'p'");
    is(same(\&sql), 'same', 'and committed');
    $reader->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
    $reader->query_safe('SELECT 1 FROM actstream.actions LIMIT 1');
    sql($delete);
    is(same(\&sql), 'same', 'deleted');
    build();
    is(same($old), 'same', 'to a snapshot from before');
    is($reader->query_safe(q{SELECT count(*) FROM (SELECT verb FROM actstream.user_stream('o:5001') LIMIT 20) AS s WHERE verb = 'poison'}),
        20, 'which still sees them');
    $reader->query_safe('COMMIT');
    is(same($old), 'same', 'and does not any more');
    is(same(\&sql), 'same', 'nor does anybody');
    is(cost(\&sql), $as_ever, 'so the bounds come down');
    $writer->quit;
    $reader->quit;
}

# What a transaction sees of the table may not be what is left of it.
foreach my $change (
    'TRUNCATE actstream.actions',
    'CLUSTER actstream.actions USING actions_pkey',
    'REINDEX TABLE actstream.actions',
    'DELETE FROM actstream.actions',
    q{UPDATE actstream.actions SET public = false})
{
    my $session = $node->background_psql('postgres');
    my $ask = sub { $session->query_safe($_[0]) };

    $session->query_safe("BEGIN; $change");
    is(same($ask), 'same', "$change: in the transaction");
    $session->query_safe('ROLLBACK');
    is(same($ask), 'same', "$change: when it is rolled back");
    is(same(\&sql), 'same', "$change: in another session");
    $session->quit;
}
my (undef, undef, $error) = $node->psql('postgres', 'BEGIN; TRUNCATE actstream.actions; SELECT actstream.recency_build()');
like($error, qr/ERROR:  cannot build the recency map in a transaction that has locked relation "actions" exclusively/,
    'the map is not built of a table that was truncated just now');

# the time line: rows of nobody who is followed
my $others = q{INSERT INTO actstream.actions (actor, verb, "timestamp")
    SELECT actstream.ref('o', 10000 + i % 1000), 'poison', timestamptz '2099-01-01' - i * interval '1 second' FROM generate_series(1, 5000) AS i};
sql(q{INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ('p:1', 'came', '2026-08-01')});
foreach my $case ([ 'rolled back' => "BEGIN; $others; ROLLBACK" ], [ 'deleted' => "$others; $delete" ])
{
    my ($name, $sql) = @$case;
    my $plan = sub { sql("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT * FROM actstream.$_[0] LIMIT 1") };

    sql($sql);
    is(same(\&sql), 'same', "time line: $name");
    foreach my $stream ('public_stream()', q{model_stream('p')})
    {
        my ($read) = $plan->($stream) =~ /Index Entries Read: (\d+)/;

        cmp_ok($read, '<=', 100, "$stream begins where there is something");
    }
}
sql(q{INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ('o:9999', 'is last', '2030-01-01')});
is(sql('SELECT verb FROM actstream.public_stream() LIMIT 1'), 'is last', 'and with what came since');

# Where rows raise bounds before they come into the index, these wait for writers.
sql('REINDEX INDEX CONCURRENTLY actstream.actions_actor_idx');
{
    my $writer = $node->background_psql('postgres');

    $writer->query_safe(q{BEGIN; INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ('o:10001', 'goes on', '2026-01-01')});
    sql("BEGIN; $poison; ROLLBACK");
    is(same(\&sql), 'same', 'an index that is later than the recency index');
    like(cost(\&sql), qr/^[^;]* 0 known; 0 opened, 20 known$/, 'by which nothing is lowered while somebody writes');
    $writer->query_safe('COMMIT');
    is(same(\&sql), 'same', 'nor too far then');
    is(cost(\&sql), $as_ever, 'but lowered');
    $writer->quit;
}

done_testing();
