# The recency map and the kept lists of follows: nothing is lost by them,
# whichever way an action or a follow comes into its table.
#
# Each way brings one action of an object that has long done nothing, older than
# thousands of actions that nobody here follows.  A stream that relies on a bound
# that was not raised does not show it.

use strict;
use warnings;
use feature 'state';

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use PostgreSQL::Test::BackgroundPsql;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tempdir = PostgreSQL::Test::Utils::tempdir();
my $object = 0;    # the one that acts next
my $node = new_node('main', init => [ allows_streaming => 'logical' ], conf => <<'END_OF_SETTINGS');
shared_preload_libraries = 'actstream'
max_prepared_transactions = 10
autovacuum = off
jit = off
restart_after_crash = off
END_OF_SETTINGS

# Objects 1 to 1000 have acted in January, each in all roles, and others in June.
# Three followers follow 400, 700 and 1000, a fourth 1000 as actors only.
sub set_up
{
    my ($database, $to) = @_;

    install($to // $node, $database, plain_streams(), <<'END_OF_SETUP');
SELECT actstream.register_external('o');
INSERT INTO actstream.actions (actor, verb, action_object, target, "timestamp")
SELECT actstream.ref('o', i), 'did', actstream.ref('o', 1 + i * 7 % 1000), actstream.ref('o', 1 + i * 13 % 1000),
       timestamptz '2026-01-01 00:00+00' + i * interval '1 minute'
FROM generate_series(1, 1000) AS i;
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT actstream.ref('o', 10000 + i), 'did', timestamptz '2026-06-01 00:00+00' + i * interval '1 minute'
FROM generate_series(1, 5000) AS i;
INSERT INTO actstream.follows (follower, followee, actor_only)
SELECT actstream.ref('o', 5000 + f), actstream.ref('o', i), false
FROM generate_series(1, 3) AS f, generate_series(1, 100 + f * 300) AS i;
INSERT INTO actstream.follows (follower, followee, actor_only)
SELECT 'o:5004', actstream.ref('o', i), true FROM generate_series(1, 1000) AS i;
ANALYZE actstream.actions, actstream.follows;
END_OF_SETUP
    return;
}

# Whether the map was complete, skipped lists, and lost nothing: pages of several
# sizes of each follower, by one statement.
sub seen
{
    my ($to, $database) = @_;
    my @pages = map { my $follower = $_; map { "user_stream('o:$follower') LIMIT $_" } 1, 5, 20, 'ALL' } 5001 .. 5003;
    my $out = $to->safe_psql($database, 'SELECT ' . same_as_plain(@pages) . <<'END');
;
SELECT state FROM actstream.recency_stats();
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT * FROM actstream.user_stream('o:5003') LIMIT 5
END
    my ($same, $state) = split /\n/, $out;

    return join ' ', $state, $same eq 't' ? 'same' : 'different', (figure($out, 'Lists Skipped') // 0) > 0 ? 'skipped' : 'not skipped';
}

sub first_verb
{
    my ($to, $database) = @_;

    return $to->safe_psql($database, q{SELECT verb FROM actstream.user_stream('o:5001') LIMIT 1});
}

# Replaces $o by the next object, and $t by a time after that of the one before.
sub of_next_object
{
    my ($sql) = @_;

    $object++;
    my $time = sprintf "timestamptz '2026-02-01 00:00+00' + interval '%d minutes'", $object;
    $sql =~ s/\$o/'o:$object'::actstream.ref/g;
    $sql =~ s/\$t/$time/g;
    return $sql;
}

# A way of the verb $name brings an action, which is then the first of the stream.
sub comes_by
{
    my ($name, $way, $to, $database) = @_;

    $to //= $node;
    $database //= 'postgres';
    if (ref $way) { $way->(); }
    else { $to->safe_psql($database, of_next_object($way =~ s/\$v/'$name'/gr)); }
    is(seen($to, $database) . ', ' . first_verb($to, $database), "complete same skipped, $name", $name);
    return;
}

sub build
{
    my ($to, $database) = @_;

    return ($to // $node)->safe_psql($database // 'postgres', 'SELECT actstream.recency_build()');
}

sub state_is
{
    my ($expected, $name, $to, $database) = @_;

    is(($to // $node)->safe_psql($database // 'postgres', 'SELECT state FROM actstream.recency_stats()'), $expected, $name);
    return;
}

# What a session keeps with its list, bounds: it hears of few raises one by one, of
# many by reading all bounds again, and of more than are remembered, too.
sub keeps_bounds
{
    my ($name) = @_;

    state $others = 1000000;    # of whom nobody has heard
    my $keeper = $node->background_psql('postgres');
    # the newest rows, and pages for which more are read
    my $page = join("\n       AND ",
        map { sprintf("(SELECT array_agg(id) FROM (SELECT id FROM actstream.user_stream('o:5004') %s LIMIT 20) AS s)\n"
              . "       = (SELECT array_agg(id) FROM (SELECT id FROM plain.user_stream('o:5004') %s LIMIT 20) AS s)", $_, $_) }
        '', 'WHERE id % 2 = 0', 'WHERE id % 2 = 1', 'WHERE id % 50 = 0');
    $page = "SELECT $page,\n" . <<'END';
       (SELECT verb FROM actstream.user_stream('o:5004') LIMIT 1)
END
    foreach my $raises (0, 1, 50, 200, 1000, 20000)
    {
        like($keeper->query_safe($page), qr/^t/, "$name: read once more, as many as before") for 1 .. 2;
        $node->safe_psql('postgres', of_next_object(<<"END"));
INSERT INTO actstream.actions (actor, verb, action_object, target, "timestamp")
SELECT actstream.ref('o', i), 'raises', actstream.ref('o', i), actstream.ref('o', i), '2026-01-15 00:00+00'
FROM generate_series($others + 1, $others + $raises) AS i;
INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES (\$o, 'after $raises', \$t)
END
        $others += $raises;
        is($keeper->query_safe($page), "t|after $raises", "$name: after $raises objects have raised their bounds");
    }

    # each followee in turn, whatever shares a line with it
    foreach my $turn (1 .. 10)
    {
        my $same = $keeper->query_safe(of_next_object(<<'END') =~ s/\$page/$page/gr);
BEGIN;
INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ($o, 'in turn', $t);
COMMIT;
$page
END
        is($same, 't|in turn', "$name: what object $object does");
    }
    $keeper->query_safe('BEGIN');
    $keeper->query_safe(of_next_object(q{INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ($o, 'own', $t)}));
    is($keeper->query_safe($page), 't|own', "$name: after the session itself has");
    $keeper->query_safe('ROLLBACK');
    is($keeper->query_safe($page), 't|in turn', "$name: and taken it back");
    $keeper->quit;
    return;
}

# What plain servers keep: rows, in whatever state, and not the map
sub same_without_map
{
    my ($state, $name) = @_;

    is(seen($node, 'postgres'), "$state same not skipped", $name);
    return;
}

#
# Ways into the table
#

set_up('postgres');
state_is('incomplete', 'not built yet');
is(build(), '8000', 'pairs of an object and a role');
is(seen($node, 'postgres'), 'complete same skipped', 'what was there');

my $insert = 'INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ($o, $v, $t)';

comes_by('insert', $insert);
comes_by('several rows', 'INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES (\'o:10001\', $v, $t), ($o, $v, $t), (\'o:10002\', $v, $t)');
comes_by('as target', 'INSERT INTO actstream.actions (actor, verb, target, "timestamp") VALUES (\'o:10001\', $v, $o, $t)');
comes_by('as action object', 'INSERT INTO actstream.actions (actor, verb, action_object, "timestamp") VALUES (\'o:10001\', $v, $o, $t)');
comes_by('act_send', 'SELECT actstream.act_send($o, $v, "timestamp" => $t)');

# an action that is not to be seen, or old, or of others, until it is changed
sub becomes
{
    my ($name, $row, $set) = @_;

    $node->safe_psql('postgres', "INSERT INTO actstream.actions (actor, verb, \"timestamp\", public) VALUES ($row)" =~ s/\$v/'$name'/r);
    comes_by($name, "UPDATE actstream.actions SET $set WHERE verb = \$v");
    return;
}

becomes('update of timestamp', q{'o:90', $v, '2025-01-01', true}, '"timestamp" = $t, actor = $o');
becomes('update of timestamp alone', q{'o:91', $v, '2025-01-01', true}, '"timestamp" = $t');
becomes('update of actor', q{'o:10001', $v, timestamptz '2026-02-01 00:00+00' + interval '8 minutes', true}, 'actor = $o');
becomes('update of target', q{'o:10001', $v, timestamptz '2026-02-01 00:00+00' + interval '9 minutes', true}, 'target = $o');
becomes('update of action object', q{'o:10001', $v, timestamptz '2026-02-01 00:00+00' + interval '10 minutes', true}, 'action_object = $o');
becomes('update of public', q{'o:92', $v, timestamptz '2026-02-01 00:00+00' + interval '11 minutes', false}, 'public = true');

comes_by('on conflict do nothing', $insert . ' ON CONFLICT DO NOTHING');
comes_by('on conflict do update', <<'END');
INSERT INTO actstream.actions (actor, verb, "timestamp", external_id) VALUES ('o:10001', 'before', '2025-01-01', 'x');
INSERT INTO actstream.actions (actor, verb, "timestamp", external_id) VALUES ('o:10001', $v, $t, 'x')
ON CONFLICT (external_id) WHERE external_id IS NOT NULL
DO UPDATE SET actor = $o, verb = excluded.verb, "timestamp" = excluded."timestamp"
END
comes_by('merge insert', <<'END');
MERGE INTO actstream.actions a USING (SELECT $t AS t) AS s ON a."timestamp" = s.t
WHEN NOT MATCHED THEN INSERT (actor, verb, "timestamp") VALUES ($o, $v, s.t)
END
comes_by('merge update', <<'END');
MERGE INTO actstream.actions a USING (SELECT 'merge insert' AS verb) AS s ON a.verb = s.verb
WHEN MATCHED THEN UPDATE SET actor = $o, verb = $v, "timestamp" = $t
END

# a line of COPY for the next object
sub copy_lines
{
    my ($name, $table) = @_;
    my $line = of_next_object('$o$t');
    my ($o) = $line =~ /'(o:\d+)'/;

    append_to_file("$tempdir/$name", "$o\t$name\t2026-02-01 0" . int($object / 60) . sprintf(":%02d:00+00\n", $object % 60));
    return qq{\\copy $table (actor, verb, "timestamp") FROM '$tempdir/$name'};
}

comes_by('copy', sub { $node->safe_psql('postgres', copy_lines('copy', 'actstream.actions')); });
comes_by('replica role', "SET session_replication_role = replica; $insert");
comes_by('triggers disabled', "ALTER TABLE actstream.actions DISABLE TRIGGER ALL; $insert; ALTER TABLE actstream.actions ENABLE TRIGGER ALL");
comes_by('tracked table', <<'END');
CREATE TABLE task (id bigint PRIMARY KEY, at timestamptz);
SELECT actstream.register('task');
SELECT actstream.track('task', $v, actor => $o::text, timestamp_column => 'at');
INSERT INTO task VALUES (1, $t)
END
comes_by('savepoint', "BEGIN; SAVEPOINT a; $insert; RELEASE a; COMMIT");
comes_by('after rolled back work', <<"END");
BEGIN;
SAVEPOINT a;
INSERT INTO actstream.actions (actor, verb, "timestamp") SELECT actstream.ref('o', i), 'never', '2027-01-01' FROM generate_series(301, 350) i;
ROLLBACK TO a;
$insert;
COMMIT
END
cmp_ok($node->safe_psql('postgres', 'SELECT false_opens FROM actstream.recency_stats()'), '>', 0, 'what was rolled back has left bounds too high');
comes_by('infinity', <<"END");
INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ('o:95', 'first', '-infinity'), ('o:20000', 'last', 'infinity');
$insert
END

foreach my $rewriting (
    'VACUUM FULL actstream.actions',
    'CLUSTER actstream.actions USING actions_pkey',
    'ALTER TABLE actstream.actions SET UNLOGGED; ALTER TABLE actstream.actions SET LOGGED',
    'VACUUM (FREEZE) actstream.actions',
    'REINDEX TABLE actstream.actions')
{
    comes_by($rewriting, "$rewriting; $insert");
}
foreach my $index (split /\n/, $node->safe_psql('postgres', q{SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'actstream.actions'::regclass}))
{
    comes_by("REINDEX INDEX CONCURRENTLY $index",
        sub {
            $node->safe_psql('postgres', "REINDEX INDEX CONCURRENTLY $index");
            state_is('incomplete', 'an index of another OID') if $index =~ /recency/;
            build() if $index =~ /recency/;
            $node->safe_psql('postgres', of_next_object($insert =~ s/\$v/'REINDEX INDEX CONCURRENTLY $index'/r));
        });
}

#
# Other sources of rows
#

$node->safe_psql('postgres', 'CREATE DATABASE source');
install($node, 'source');
$node->safe_psql('source', 'CREATE PUBLICATION p FOR TABLE actstream.actions');
$node->safe_psql('source', q{SELECT pg_create_logical_replication_slot('s', 'pgoutput')});
$node->safe_psql('source', q{SELECT actstream.register_external('o'); SELECT setval(pg_get_serial_sequence('actstream.actions', 'id'), 1000000)});
my $connstr = $node->connstr("source") =~ s{'}{''}gr;
$node->safe_psql('postgres', "CREATE SUBSCRIPTION s CONNECTION '$connstr' PUBLICATION p WITH (create_slot = false, slot_name = 's', copy_data = false)");
foreach my $way ([ 'applied insert' => $insert ],
    [ 'applied update' => q{UPDATE actstream.actions SET verb = $v, "timestamp" = $t WHERE verb = 'applied insert'} ],
    [ 'applied change of roles' => q{UPDATE actstream.actions SET verb = $v, target = $o, "timestamp" = $t WHERE verb = 'applied update'} ])
{
    my ($name, $sql) = @$way;

    comes_by($name,
        sub {
            $node->safe_psql('source', of_next_object($sql =~ s/\$v/'$name'/r));
            $node->wait_for_catchup('s');
        });
}
$node->safe_psql('postgres', 'DROP SUBSCRIPTION s');
comes_by('pg_restore',
    sub {
        $node->safe_psql('source', 'DELETE FROM actstream.actions');
        $node->safe_psql('source', of_next_object($insert =~ s/\$v/'pg_restore'/r));
        $node->command_ok([ 'pg_dump', '-Fc', '-f', "$tempdir/dump", $node->connstr('source') ], 'pg_dump');
        $node->command_ok([ 'pg_restore', '--data-only', '--disable-triggers', '--schema=actstream', '--table=actions',
            '-d', $node->connstr('postgres'), "$tempdir/dump" ], 'pg_restore --disable-triggers');
    });

#
# What the map can do without: its index, memory, the start of the server
#

$node->safe_psql('postgres', 'DROP INDEX actstream.actions_track_recency_idx');
same_without_map('no index', 'no index');
$node->safe_psql('postgres', of_next_object($insert =~ s/\$v/'not noticed'/r));
$node->safe_psql('postgres', 'CREATE INDEX again ON actstream.actions USING actstream_recency (actor, target, action_object, public, "timestamp")');
state_is('incomplete', 'a new index');
build();
is(seen($node, 'postgres') . ', ' . first_verb($node, 'postgres'), 'complete same skipped, not noticed', 'what came between the two indexes');

my $without = 'SET actstream.enable_recency_map = off; ';
is($node->safe_psql('postgres', $without . q{EXPLAIN (ANALYZE, COSTS OFF) SELECT * FROM actstream.user_stream('o:5003') LIMIT 5}) =~ /Lists Skipped/,
    '', 'the map can be turned off');

#
# While it is built
#

# A session that has begun to build the map, and has yet to read the last index
# when its process is stopped; and the process
sub half_built
{
    my $lock = $node->background_psql('postgres');
    my $builder = $node->background_psql('postgres', on_error_stop => 0);
    my $process = $builder->query_safe('SELECT pg_backend_pid()');

    $node->safe_psql('postgres', 'REINDEX INDEX CONCURRENTLY actstream.again');
    is($builder->query_safe('SELECT state FROM actstream.recency_stats()'), 'incomplete', 'to be built');
    # it finds the indexes now, so that it does not have to look at the locked one
    $builder->query_safe('EXPLAIN SELECT * FROM actstream.public_stream()');
    $lock->query_safe('BEGIN; ALTER INDEX actstream.actions_action_object_idx SET TABLESPACE pg_default');
    $builder->query_until(qr/begun/, "\\echo begun\nSELECT actstream.recency_build();\n");
    ok($node->poll_query_until('postgres', <<"END"), 'half of it');
SELECT count(*) = 2 FROM pg_locks
WHERE pid = $process AND (relation, granted) IN (('actstream.actions_target_idx'::regclass, true), ('actstream.actions_action_object_idx'::regclass, false))
END
    kill 'STOP', $process;
    $lock->query_safe('ROLLBACK');
    $lock->quit;
    return ($builder, $process);
}

my ($builder, $process) = half_built();
same_without_map('being built', 'while it is built');
$node->safe_psql('postgres', of_next_object($insert =~ s/\$v/'meanwhile'/r));
same_without_map('being built', 'what comes meanwhile');
is(first_verb($node, 'postgres'), 'meanwhile', 'it is there');
my $second = $node->background_psql('postgres');
$second->query_until(qr/begun/, "\\echo begun\nSELECT actstream.recency_build();\n");
ok($node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'object' AND NOT granted)}), 'a second builder waits');
kill 'CONT', $process;
like($builder->query_safe('SELECT 1'), qr/^\d{4,}\n1$/, 'it is built');
like($second->query_safe('SELECT 1'), qr/^\d{4,}\n1$/, 'and again');
$second->quit;
$builder->quit;
is(seen($node, 'postgres') . ', ' . first_verb($node, 'postgres'), 'complete same skipped, meanwhile', 'by an index that had been read');
foreach my $end ('pg_cancel_backend', 'pg_terminate_backend')
{
    ($builder, $process) = half_built();
    state_is('being built', "$end: before");
    $node->safe_psql('postgres', "SELECT $end($process)");
    kill 'CONT', $process;
    ok($node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $process AND state = 'active')"), "$end: the builder is stopped");
    state_is('incomplete', "$end: after");
    eval { $builder->quit; };    # psql has gone with a session that was terminated
    build();
    comes_by($end, $insert);
}

# a copy of the database, which has the same index by its OID
$node->safe_psql('postgres', 'CREATE TABLE dropped ()');
$node->safe_psql('template1', 'CREATE DATABASE twin TEMPLATE postgres STRATEGY file_copy');
state_is('incomplete', 'a copied database', $node, 'twin');
build($node, 'twin');
comes_by('in a copied database', $insert, $node, 'twin');
$node->safe_psql('twin', 'DROP EXTENSION actstream CASCADE; DROP TABLE task');
set_up('twin');
state_is('incomplete', 'an extension that was made anew', $node, 'twin');
build($node, 'twin');
comes_by('after DROP EXTENSION', $insert, $node, 'twin');
comes_by('copy freeze',
    sub {
        my $copy = copy_lines('copy freeze', 'actstream.actions');

        # the old rows, too
        $node->safe_psql('twin', qq{\\copy actstream.actions (actor, verb, "timestamp") TO '$tempdir/old'});
        $node->safe_psql('twin', "BEGIN; TRUNCATE actstream.actions;\n"
              . qq{\\copy actstream.actions (actor, verb, "timestamp") FROM '$tempdir/old' (FREEZE)\n$copy (FREEZE)\nCOMMIT});
    },
    $node, 'twin');
$node->safe_psql('postgres', 'DROP DATABASE twin');
$node->safe_psql('postgres', 'CREATE DATABASE twin');
set_up('twin');
state_is('incomplete', 'a database of the same name', $node, 'twin');
$node->safe_psql('postgres', 'DROP DATABASE twin');

# prepared before a crash, committed after
my $prepared = of_next_object($insert =~ s/\$v/'commit prepared'/r);
$node->safe_psql('postgres', "BEGIN; $prepared; PREPARE TRANSACTION 'p'");
$node->stop('immediate');
$node->start;
state_is('incomplete', 'after a crash');
build();
is(seen($node, 'postgres'), 'complete same skipped', 'built anew');
$node->safe_psql('postgres', "COMMIT PREPARED 'p'");
is(seen($node, 'postgres') . ', ' . first_verb($node, 'postgres'), 'complete same skipped, commit prepared', 'commit prepared');
comes_by('after a crash', $insert);

# What comes to a list after its bound was read, and below the first rows that are
# wanted, leaves the place where a stream goes on as it is.  The bounds of 9101 to
# 9107 are too high, so that those of the others are not enough for a page.
$node->safe_psql('postgres', 'CREATE DATABASE late');
set_up('late');
build($node, 'late');
$node->safe_psql('late', <<'END');
INSERT INTO actstream.follows (follower, followee, actor_only) SELECT 'o:9001', actstream.ref('o', 9100 + i), true FROM generate_series(1, 15) AS i;
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT 'o:9101', 'did ' || i, timestamptz '2026-01-01 01:00+00' - i * interval '1 minute' FROM generate_series(1, 4) AS i;
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT actstream.ref('o', 9100 + i), 'began', timestamptz '2025-01-01 00:00+00' - i * interval '1 minute' FROM generate_series(2, 15) AS i;
BEGIN;
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT actstream.ref('o', 9100 + i), 'undone', timestamptz '2026-01-01 00:00+00'
       + CASE WHEN i < 8 THEN '100 minutes' WHEN i = 8 THEN '45 minutes' WHEN i < 13 THEN '40 minutes' ELSE '30 minutes' END::interval
FROM generate_series(1, 15) AS i;
ROLLBACK;
VACUUM actstream.actions;
END
my $slow = $node->background_psql('late');
$slow->query_safe(q{BEGIN; DECLARE c CURSOR FOR SELECT verb FROM actstream.user_stream('o:9001') LIMIT 6});
is($slow->query_safe('FETCH 2 FROM c'), "did 1\ndid 2", 'the first rows of a stream');
$node->safe_psql('late', q{INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ('o:9108', 'came late', '2026-01-01 00:58:30+00')});
is($slow->query_safe('FETCH ALL FROM c'), "did 3\ndid 4\nbegan\nbegan", 'each of the others is there once');
$slow->query_safe('COMMIT');
$slow->quit;

$node->append_conf('postgresql.conf', "actstream.recency_map_size = '512kB'");
$node->restart;
build();
comes_by('shared bounds', $insert);
cmp_ok($node->safe_psql('postgres', 'SELECT shared_lines FROM actstream.recency_stats()'), '>', 0, 'bounds are shared in a small map');
keeps_bounds('shared bounds');

# without asking: the first stream asks for a worker
$node->append_conf('postgresql.conf', "actstream.recency_map_size = '8MB'");
$node->restart;
$node->safe_psql('postgres', q{SELECT id FROM actstream.user_stream('o:5003') LIMIT 1});
ok($node->poll_query_until('postgres', q{SELECT state = 'complete' FROM actstream.recency_stats()}), 'a worker completes the map');
comes_by('another size', $insert);
keeps_bounds('another size');

#
# Lists of follows: each statement of a session that keeps one, and of one with
# an older snapshot, sees what its snapshot sees
#

my $both = <<'END';
SELECT CASE WHEN a = b THEN a::text ELSE a || ' instead of ' || b END
FROM (SELECT (SELECT count(*) FROM actstream.user_stream('o:5001', 'kept')) AS a,
             (SELECT count(*) FROM plain.user_stream('o:5001', 'kept')) AS b) AS s
END
my $change = sub { $node->safe_psql('postgres', $_[0]); };
my $more = q{INSERT INTO actstream.follows (follower, followee, flag) VALUES ('o:5001', 'o:%d', 'kept')};

is($node->safe_psql('postgres', 'SELECT follow_lists FROM actstream.recency_stats()'), 't', 'lists of follows are kept');
$change->(q{INSERT INTO actstream.actions (actor, verb, "timestamp") SELECT actstream.ref('o', 6000 + i), 'kept', '2025-01-01' FROM generate_series(1, 200) AS i});
my $warm = $node->background_psql('postgres');
my $count = 0;

sub both_are
{
    my ($session, $expected, $name) = @_;

    is($session->query_safe($both), $expected, $name);
    return;
}

both_are($warm, 0, 'nobody followed');
foreach my $way (
    [ 'follow' => q{SELECT actstream.follow('o:5001', 'o:6001', 'kept', send_action => false)}, 1 ],
    [ 'insert' => sprintf($more, 6002), 2 ],
    [ 'unfollow' => q{SELECT actstream.unfollow('o:5001', 'o:6001', 'kept')}, 1 ],
    [ 'update' => q{UPDATE actstream.follows SET followee = 'o:7000' WHERE flag = 'kept'}, 0 ],
    [ 'update of follower, away' => q{UPDATE actstream.follows SET followee = 'o:6003', follower = 'o:5002' WHERE flag = 'kept'}, 0 ],
    [ 'update of follower, back' => q{UPDATE actstream.follows SET follower = 'o:5001' WHERE flag = 'kept'}, 1 ],
    [ 'rolled back' => 'BEGIN; ' . sprintf($more, 6004) . '; ROLLBACK', 1 ],
    [ 'savepoint rolled back' => 'BEGIN; SAVEPOINT a; ' . sprintf($more, 6004) . '; ROLLBACK TO a; ' . sprintf($more, 6005) . '; COMMIT', 2 ],
    [ 'replica role' => 'SET session_replication_role = replica; ' . sprintf($more, 6006), 3 ],
    [ 'trigger disabled and enabled' => 'ALTER TABLE actstream.follows DISABLE TRIGGER follow_changed; ' . sprintf($more, 6007)
          . '; ALTER TABLE actstream.follows ENABLE ALWAYS TRIGGER follow_changed', 4 ],
    [ 'trigger disabled' => 'ALTER TABLE actstream.follows DISABLE TRIGGER follow_changed', 4 ],
    [ 'with it disabled' => sprintf($more, 6008), 5 ],
    [ 'trigger enabled' => 'ALTER TABLE actstream.follows ENABLE ALWAYS TRIGGER follow_changed', 5 ],
    [ 'with it enabled' => sprintf($more, 6009), 6 ],
    [ 'prepare' => 'BEGIN; ' . sprintf($more, 6010) . q{; PREPARE TRANSACTION 'f'}, 6 ],
    [ 'commit prepared' => q{COMMIT PREPARED 'f'}, 7 ],
    [ 'copy' => qq{\\copy actstream.follows (follower, followee, flag) FROM PROGRAM 'printf "o:5001\\to:6011\\tkept\\n"'}, 8 ],
    [ 'delete' => q{DELETE FROM actstream.follows WHERE flag = 'kept' AND followee <> 'o:6003'}, 1 ])
{
    my ($name, $sql, $expected) = @$way;

    my $snapshot = $node->background_psql('postgres');
    $snapshot->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
    both_are($snapshot, $count, "$name: before");
    $warm->query_safe("BEGIN; DECLARE c CURSOR FOR SELECT id FROM actstream.user_stream('o:5001', 'kept')") unless $sql =~ /^ALTER|PREPARE/;
    $change->($sql);
    unless ($sql =~ /^ALTER|PREPARE/)
    {
        my $rows = () = $warm->query_safe('FETCH ALL FROM c') =~ /^\d+$/mg;
        is($rows, $count, "$name: a cursor that was open");
        both_are($warm, $expected, "$name: in the same transaction");
        $warm->query_safe('COMMIT');
    }
    both_are($warm, $expected, "$name: the next statement");
    both_are($snapshot, $count, "$name: a snapshot from before");
    $snapshot->quit;
    both_are($warm, $expected, "$name: once more");
    $count = $expected;
}

# How often a session has to read a list of follows from its index
sub list_reads
{
    my ($session) = @_;
    my $scans = q{SELECT pg_stat_get_xact_numscans('actstream.follows_pkey'::regclass)};
    my @out = split /\n/, $session->query_safe("BEGIN; $scans; SELECT count(*) FROM actstream.user_stream('o:5001', 'kept'); $scans; COMMIT");

    return $out[2] - $out[0];
}

# Who keeps the trigger from hearing of changes is noted when he does so.  That is
# before his commit, so that there is no moment in which changes can be seen that
# were not heard of, but not yet what the relation cache says of them.
my $restore = <<'END';
CREATE OR REPLACE TRIGGER follow_changed AFTER INSERT OR UPDATE OR DELETE ON actstream.follows
FOR EACH ROW EXECUTE FUNCTION actstream_internal.follow_changed();
ALTER TABLE actstream.follows ENABLE ALWAYS TRIGGER follow_changed
END
my $silencer = $node->background_psql('postgres');
my $followee = 6100;
foreach my $silence (
    'ALTER TABLE actstream.follows DISABLE TRIGGER follow_changed',
    'ALTER TABLE actstream.follows DISABLE TRIGGER ALL',
    'ALTER TABLE actstream.follows ENABLE TRIGGER follow_changed',
    'CREATE OR REPLACE TRIGGER follow_changed AFTER DELETE ON actstream.follows FOR EACH ROW EXECUTE FUNCTION actstream_internal.follow_changed()')
{
    my $unheard = 'SET session_replication_role = replica; ' . sprintf($more, ++$followee);

    is(list_reads($warm), 0, "$silence: a list is kept");
    $silencer->query_safe("BEGIN; $silence; $unheard");
    is(list_reads($warm), 1, "$silence: it is not used") for 1 .. 2;
    both_are($warm, $count, "$silence: nothing has changed yet");
    $silencer->query_safe('ROLLBACK');
    is(list_reads($warm), 1, "$silence: rolled back: it is read again");
    is(list_reads($warm), 0, "$silence: rolled back: and kept");
    $silencer->query_safe("BEGIN; $silence; $unheard; COMMIT");
    both_are($warm, ++$count, "$silence: the follow is seen");
    is(list_reads($warm), 1, "$silence: no list is kept") for 1 .. 2;
    $silencer->query_safe(sprintf($more, ++$followee));
    both_are($warm, ++$count, "$silence: nor needed");
    $silencer->query_safe("RESET session_replication_role; $restore");
    is(list_reads($warm), 1, "$silence: undone: it is read again");
    is(list_reads($warm), 0, "$silence: undone: and kept");
}
$silencer->quit;
$change->(q{DELETE FROM actstream.follows WHERE flag = 'kept' AND followee <> 'o:6003'});
both_are($warm, 1, 'all of them go');
$warm->query_safe('BEGIN; ' . sprintf($more, 6020) . '; SAVEPOINT a; ' . sprintf($more, 6021));
both_are($warm, 3, 'own changes');
$warm->query_safe('ROLLBACK TO a');
both_are($warm, 2, 'a savepoint rolled back');
$warm->query_safe('ROLLBACK');
both_are($warm, 1, 'all rolled back');
$warm->query_safe('DISCARD ALL');
both_are($warm, 1, 'DISCARD ALL');
$warm->query_safe(q{SET actstream.follow_cache_size = '64kB'});
is($warm->query_safe(<<'END'), '0', 'more lists than there is memory for, at the same time');
SELECT count(*)
FROM generate_series(5001, 5003) AS f, generate_series(1, 4) AS again,
     LATERAL (SELECT array(SELECT id FROM actstream.user_stream(actstream.ref('o', f)) LIMIT 20) AS one,
                     array(SELECT id FROM plain.user_stream(actstream.ref('o', f)) LIMIT 20) AS two) AS pages
WHERE one <> two
END
$change->('BEGIN; ' . sprintf($more, 6030) . q{; PREPARE TRANSACTION 'f'});
$warm->quit;
$node->stop('immediate');
$node->start;
build();
$warm = $node->background_psql('postgres');
both_are($warm, 1, 'prepared before a crash');
both_are($warm, 1, 'and once more');
$change->(q{COMMIT PREPARED 'f'});
both_are($warm, 2, 'committed after the crash');
both_are($warm, 2, 'which stays');
$change->('BEGIN; CREATE TEMP TABLE f ON COMMIT DROP AS SELECT * FROM actstream.follows; TRUNCATE actstream.follows;'
      . q{ INSERT INTO actstream.follows SELECT * FROM f WHERE flag = ''; COMMIT});
both_are($warm, 0, 'truncate');
$warm->quit;

#
# A standby, and its promotion
#

# The row that is to be deleted comes onto a page with room.  From a full one,
# whoever reads it on the primary would remove the row, for which the standby
# would wait until nobody sees it there any more.
$node->safe_psql('postgres', <<'SQL');
DO $$
DECLARE
    place tid;
BEGIN
    LOOP
        INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ('o:1', 'filled', '2020-01-01') RETURNING ctid INTO place;
        EXIT WHEN place::text LIKE '%,1)';
    END LOOP;
END
$$
SQL
my $standby = PostgreSQL::Test::Cluster->new('standby');
$node->backup('backup');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', 'max_standby_streaming_delay = -1');
$standby->start;
$node->safe_psql('postgres', of_next_object($insert =~ s/\$v/'replayed'/r));
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is(seen($standby, 'postgres') . ', ' . first_verb($standby, 'postgres'), 'standby same not skipped, replayed', 'standby');
is($standby->psql('postgres', 'SELECT actstream.recency_build()'), 3, 'no map is built on a standby');

# A row that a snapshot of the standby sees is deleted.  The index entry is
# marked dead, and its page written to the log.
my $old = $standby->background_psql('postgres');
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
$old->query_safe('SELECT count(*) FROM actstream.actions');
$node->safe_psql('postgres', q{DELETE FROM actstream.actions WHERE verb = 'replayed'});
my $by_index = 'SET enable_seqscan = off; SET enable_bitmapscan = off; ' .
    "SELECT count(*) FROM actstream.actions WHERE actor = 'o:$object' AND public";
$node->safe_psql('postgres', $by_index) for 1 .. 2;
$node->safe_psql('postgres', 'CHECKPOINT');
$node->safe_psql('postgres', qq{INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ('o:$object', 'old', '2020-01-01')});
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
$standby->promote;
build($standby);
comes_by('after promotion', $insert, $standby);
is($old->query_safe(<<'END'), 't|replayed', 'a snapshot from before the promotion');
SELECT pages.one = pages.two, one[1]
FROM (SELECT array(SELECT verb FROM actstream.user_stream('o:5001') LIMIT 5) AS one,
             array(SELECT verb FROM plain.user_stream('o:5001') LIMIT 5) AS two) AS pages
END
$old->quit;
$standby->stop('immediate');

#
# More databases than the map has entries for
#

# All but two of the 256 are the first one by other names, with a link to its
# folder, and are only read.
my $many = new_node('many', conf => "shared_preload_libraries = 'actstream'\nautovacuum = off\njit = off");
my $data = $many->data_dir;

set_up('postgres', $many);
build($many);
$many->safe_psql('postgres', "CREATE DATABASE $_ TEMPLATE postgres STRATEGY file_copy") foreach 'first', 'last';
my $first = $many->safe_psql('postgres', q{SELECT oid FROM pg_database WHERE datname = 'first'});
my @others = map { $first + 1000 + $_ } 1 .. 254;
$many->safe_psql('postgres', <<"END");
SET allow_system_table_mods = on;
CREATE TEMP TABLE d AS SELECT * FROM pg_database WHERE oid = $first;
DO \$\$BEGIN
    FOR n IN 1 .. 254 LOOP
        UPDATE d SET oid = $first + 1000 + n, datname = 'other' || n;
        INSERT INTO pg_database SELECT * FROM d;
    END LOOP;
END\$\$
END
symlink "$data/base/$first", "$data/base/$_" or die foreach @others;
$many->safe_psql('first', join '', map { "\\connect other$_\nSELECT actstream.recency_stats();\n" } 1 .. 254);

# the last one but one is the last that has an entry
build($many, 'first');
comes_by('in the last entry', $insert, $many, 'first');
my $crowded = $many->background_psql('last');
is(seen($many, 'last'), 'too many databases same not skipped', 'no entry is left');
$many->safe_psql('last', of_next_object($insert =~ s/\$v/'crowded'/r));
is(seen($many, 'last') . ', ' . first_verb($many, 'last'), 'too many databases same not skipped, crowded', 'and an action is seen');
is($crowded->query_safe('SELECT state FROM actstream.recency_stats()'), 'too many databases', 'a session that has none');
fails_with('53400', 'SELECT actstream.recency_build()', 'no place to build it in', $many, 'last');
$many->safe_psql('postgres', 'DROP DATABASE first');
is($crowded->query_safe('SELECT state FROM actstream.recency_stats()'), 'incomplete', 'the same session has one, of a database that was dropped');
$crowded->quit;
build($many, 'last');
is(seen($many, 'last') . ', ' . first_verb($many, 'last'), 'complete same skipped, crowded', 'what came without an entry');
comes_by('after DROP DATABASE', $insert, $many, 'last');
comes_by('as before', $insert, $many);
$many->stop('immediate');

#
# Rights; for other people's tables see recency_rights.sql
#

sub fails_with
{
    my ($code, $sql, $name, $to, $database) = @_;

    is(sqlstates($to // $node, $database // 'postgres', $sql), $code, $name);
    return;
}

$node->safe_psql('postgres', <<'END');
CREATE ROLE stranger;
CREATE SCHEMA strange AUTHORIZATION stranger;
GRANT USAGE ON SCHEMA actstream TO stranger;
GRANT SELECT ON actstream.actions TO stranger;
END
my $as_stranger = "SET ROLE stranger; SET search_path = strange;";
fails_with('42501', "$as_stranger SET actstream.enable_recency_map = off", 'the switch is for superusers');
fails_with('42501', "$as_stranger SELECT actstream.recency_build()", 'as is recency_build()');
$node->safe_psql('postgres', 'DROP OWNED BY stranger; DROP ROLE stranger');

#
# Without memory
#

$node->append_conf('postgresql.conf', 'actstream.recency_map_size = 0');
$node->restart;
same_without_map('no memory', 'size 0');
fails_with('55000', 'SELECT actstream.recency_build()', 'no map to build');
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
SKIP:
{
    skip 'shared memory can be had later', 1
        if $node->safe_psql('postgres', 'SHOW server_version_num') >= 170000;
    same_without_map('not preloaded', 'not preloaded');
}
$node->stop;

done_testing();
