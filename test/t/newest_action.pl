# The newest action of an object, as the recency map knows it: where it is in the
# table, and that all others are older than the rest.  Whatever has happened to it
# since, no stream is other than in plain SQL.
#
# Each case is about an object of its own, newer than all that is followed besides,
# and older than thousands of actions that nobody follows.  So the first row of the
# stream is of that object, as long as it has one, and comes from the map, from its
# index, or, where the map knows of none, from that of nothing.
#
# Where the map was wrong it is put right by whoever finds that out, so the next who
# reads the same finds the row by the map.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use PostgreSQL::Test::BackgroundPsql;
use PostgreSQL::Test::Utils;
use Test::More;

my $object = 0;    # that of the latest case
my $node = new_node('main', conf => <<'END_OF_SETTINGS');
shared_preload_libraries = 'actstream'
max_prepared_transactions = 10
autovacuum = off
jit = off
END_OF_SETTINGS

install($node, 'postgres', plain_streams(), <<'END_OF_SETUP');
ALTER DATABASE postgres SET search_path = public, actstream;
SELECT actstream.register_external('o');
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT actstream.ref('o', 1000 + i), 'did', timestamptz '2026-01-01 00:00+00' + i * interval '1 minute'
FROM generate_series(1, 100) AS i;
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT actstream.ref('o', 10000 + i), 'did', timestamptz '2026-01-31 00:00+00' + i * interval '1 minute'
FROM generate_series(1, 1000) AS i;
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT actstream.ref('o', 10000 + i), 'did', timestamptz '2027-01-01 00:00+00' + i * interval '1 minute'
FROM generate_series(1, 5000) AS i;
INSERT INTO actstream.follows (follower, followee, actor_only)
SELECT 'o:1', actstream.ref('o', i), false FROM generate_series(1001, 1400) AS i;
INSERT INTO actstream.follows (follower, followee, actor_only, started)
SELECT 'o:2', actstream.ref('o', i), false, '2026-07-01 00:00+00' FROM generate_series(1001, 1400) AS i;
ANALYZE actstream.actions, actstream.follows;
END_OF_SETUP
build();

sub build
{
    return $node->safe_psql('postgres', 'SELECT actstream.recency_build()');
}

# Replaces $o by the object of the case, $p by one that is followed, too, and has
# done nothing, and $t by a time after that of the case before.
sub of_case
{
    my ($sql) = @_;

    my $time = sprintf "timestamptz '2026-02-01 00:00+00' + interval '%d minutes'", $object;
    my ($o, $p) = map { "'o:$_'::actstream.ref" } 1100 + $object, 1300 + $object;
    $sql =~ s/\$o/$o/g;
    $sql =~ s/\$p/$p/g;
    $sql =~ s/\$t/$time/g;
    return $sql;
}

# How the rows of a query were found.
sub found
{
    my ($ask, $query) = @_;

    my $plan = $ask->("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) $query");
    my $known = figure($plan, 'Newest From Map');
    # the time line, if it was tried, counts as one
    my $opened = figure($plan, 'Lists Opened') - ($plan =~ /Strategy: time line/);

    return ("$known from the map", "$opened opened");
}

# In a word, how the first row of the stream was found, and, unless it is the same, how
# it is found afterwards; and whether all pages are those of plain SQL.  "$ask" sends
# a query to a session.
sub first_row
{
    my ($ask, $args) = @_;

    $args //= "'o:1'";
    my $query = "SELECT * FROM actstream.user_stream($args) LIMIT 1";
    my $first = join ', ', found($ask, $query);
    my @pages = map { "user_stream($args) $_" } ('LIMIT 1', 'LIMIT 5', 'LIMIT 200',
        q{WHERE "timestamp" <= $t LIMIT 5}, q{WHERE "timestamp" < $t LIMIT 5},
        q{WHERE "timestamp" < $t - interval '3 minutes' LIMIT 20},
        q{WHERE "timestamp" <= $t + interval '30 seconds' AND "timestamp" > $t - interval '30 seconds'});
    my $same = $ask->(of_case('SELECT ' . same_as_plain(@pages)));
    my $next = join ', ', found($ask, $query);

    return join ', ', $same eq 't' ? 'same' : 'different', $first, $next eq $first ? () : "then $next";
}

sub ask_main
{
    return $node->safe_psql('postgres', $_[0]);
}

my $known = 'same, 1 from the map, 0 opened';
my $opened = 'same, 0 from the map, 1 opened';
my $then_known = ', then 1 from the map, 0 opened';

# What is done to the object of a case, and how its first row is found then.
sub case_is
{
    my ($name, $sql, $wanted) = @_;

    $object++;
    ask_main(of_case($_)) foreach ref $sql ? @$sql : $sql;
    is(first_row(\&ask_main), $wanted, $name);
    return;
}

my $insert = q{INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ($o, 'did', $t)};
my $older = q{INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ($o, 'did', $t - interval '20 seconds')};

case_is('one action', $insert, $known);
is(join(', ', found(\&ask_main, of_case(q{SELECT * FROM actstream.user_stream('o:1') WHERE "timestamp" < $t LIMIT 1}))),
    '1 from the map, 0 opened', 'for a page below it, its list is not opened');
case_is('newer than another', [$older, $insert], $known);
case_is('older than another', [$insert, $older], $known);
case_is('in another role', q{INSERT INTO actstream.actions (actor, verb, action_object, target, "timestamp") VALUES ('o:3', 'did', 'o:4', $o, $t)}, $known);
case_is('in all roles', q{INSERT INTO actstream.actions (actor, verb, action_object, target, "timestamp") VALUES ($o, 'did', $o, $o, $t)},
    'same, 3 from the map, 0 opened');
case_is('of two objects', q{INSERT INTO actstream.actions (actor, verb, target, "timestamp") VALUES ($o, 'did', $p, $t)},
    'same, 2 from the map, 0 opened');
case_is('two of one instant', [$insert, $insert], $opened);
case_is('two within one step', [$insert, q{INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ($o, 'did', $t + interval '1 microsecond')}], $opened);

# it has changed
case_is('changed where it is', [$insert, q{UPDATE actstream.actions SET description = 'new' WHERE actor = $o}], $known);
case_is('changed so twice', [$insert, (q{UPDATE actstream.actions SET description = 'new' WHERE actor = $o}) x 2], $known);
case_is('changed so, and pruned', [$insert, q{UPDATE actstream.actions SET description = 'new' WHERE actor = $o}, 'VACUUM actstream.actions'], $known);
case_is('moved to another place', [$insert, q{UPDATE actstream.actions SET external_id = $o::text WHERE actor = $o}], $opened . $then_known);
case_is('made private', [$older, $insert, q{UPDATE actstream.actions SET public = false WHERE actor = $o AND "timestamp" = $t}], $opened . $then_known);
case_is('made older', [$older, $insert, q{UPDATE actstream.actions SET "timestamp" = "timestamp" - interval '30 seconds' WHERE actor = $o AND "timestamp" = $t}], $opened . $then_known);
case_is('made newer', [$older, $insert, q{UPDATE actstream.actions SET "timestamp" = "timestamp" + interval '10 seconds' WHERE actor = $o AND "timestamp" = $t}], $known);
case_is('given to another', [$insert, q{UPDATE actstream.actions SET actor = $p WHERE actor = $o}], $known);
case_is('in another role now', [$older, $insert, q{UPDATE actstream.actions SET actor = 'o:3', target = $o WHERE actor = $o AND "timestamp" = $t}], $known);

# it is no more
case_is('deleted', [$older, $insert, q{DELETE FROM actstream.actions WHERE actor = $o AND "timestamp" = $t}], $opened . $then_known);
case_is('rolled back', [$older, "BEGIN; $insert; ROLLBACK"], $opened . $then_known);
case_is('rolled back in part', [$older, "BEGIN; SAVEPOINT s; $insert; ROLLBACK TO s; COMMIT"], $opened . $then_known);

# where it was there is another one
foreach my $what (
    [ 'of another object', q{INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ('o:3', 'did', $t)} ],
    [ 'of another time', q{INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ($o, 'did', $t - interval '10 seconds')} ],
    [ 'that is private', q{INSERT INTO actstream.actions (actor, verb, public, "timestamp") VALUES ($o, 'did', false, $t)} ],
    [ 'that is the like of it', $insert ])
{
    my ($name, $sql) = @$what;
    my $place = q{SELECT ctid FROM actstream.actions WHERE "timestamp" BETWEEN $t - interval '15 seconds' AND $t};

    $object++;
    # the last one of the table, so that its place is the next to be taken
    ask_main(of_case($_)) foreach 'VACUUM FULL actstream.actions', $older, $insert;
    my $before = ask_main(of_case($place));
    ask_main(of_case($_)) foreach q{DELETE FROM actstream.actions WHERE actor = $o AND "timestamp" = $t},
        'VACUUM (TRUNCATE off, INDEX_CLEANUP on) actstream.actions', $sql;
    is(ask_main(of_case($place)), $before, "an action $name has taken the place");
    is(first_row(\&ask_main), $opened . $then_known, "so another one $name");
}

# the table has another form
$object++;
ask_main(of_case($_)) foreach 'VACUUM FULL actstream.actions', $older, $insert, q{DELETE FROM actstream.actions WHERE actor = $o AND "timestamp" < $t},
    'VACUUM FULL actstream.actions', $insert;
is(first_row(\&ask_main), $opened, 'it has moved, and where it was there is its like');
build();
is(first_row(\&ask_main), $opened, 'which the indexes know, too');
$object++;
ask_main(of_case($insert));
ask_main('CLUSTER actstream.actions USING actions_pkey');
is(first_row(\&ask_main), $known, 'a table that was rewritten as it was');
ask_main('CREATE INDEX by_time ON actstream.actions ("timestamp" DESC); CLUSTER actstream.actions USING by_time; DROP INDEX actstream.by_time');
is(first_row(\&ask_main), $opened . $then_known, 'a table in another order');
ask_main('CREATE TABLE kept AS TABLE actstream.actions');
ask_main('TRUNCATE actstream.actions');
is(first_row(\&ask_main) =~ /^same/, 1, 'an empty table');
ask_main(q{INSERT INTO actstream.actions OVERRIDING SYSTEM VALUE SELECT * FROM kept WHERE actor::text ~ 'o:1[0-9]{4}' LIMIT 1000});
is(first_row(\&ask_main) =~ /^same, 0 from the map, [1-9]/, 1, 'a shorter table');
ask_main('INSERT INTO actstream.actions OVERRIDING SYSTEM VALUE SELECT * FROM kept ON CONFLICT DO NOTHING; DROP TABLE kept');
is(first_row(\&ask_main) =~ /^same/, 1, 'a table with other rows in all places');

# what is known from the indexes, and known again
$node->restart;
build();
is(first_row(\&ask_main), $known, 'after a start');
build();
is(first_row(\&ask_main), $known, 'built again');
case_is('since the start', [$older, $insert], $known);
build();
is(first_row(\&ask_main), $known, 'raised before the map is built');
$object++;
ask_main(of_case($_)) foreach $older, $insert, q{DELETE FROM actstream.actions WHERE actor = $o AND "timestamp" = $t};
$node->restart;
build();
is(first_row(\&ask_main), $known, 'an entry of one that was deleted is the newest of the index');
ask_main('VACUUM actstream.actions');
$node->restart;
build();
is(first_row(\&ask_main), $known, 'and when it is gone');

# others see it, or do not
{
    my $session = $node->background_psql('postgres');
    my $ask = sub { $session->query_safe($_[0]) };

    $object++;
    ask_main(of_case($older));
    $session->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
    is(first_row($ask), $known, 'an older snapshot, before');
    ask_main(of_case($insert));
    is(first_row($ask), $opened, 'an older snapshot, after');
    is(first_row(\&ask_main), $known, 'a newer snapshot');
    $session->query_safe('COMMIT');
    is(first_row($ask), $known, 'and so in the session');

    $object++;
    $session->query_safe(of_case("BEGIN; $older; $insert"));
    is(first_row($ask), $known, 'to who has not yet committed');
    # of two lists, for a page of one; as there is nothing in the first, of more
    my $others = 'same, 1 from the map, 2 opened';
    is(first_row(\&ask_main), $others, 'to others meanwhile');
    $session->query_safe("PREPARE TRANSACTION 'p'");
    is(first_row(\&ask_main), $others, 'prepared');
    ask_main("COMMIT PREPARED 'p'");
    is(first_row(\&ask_main), $known, 'and committed');
    $session->quit;
}

# without a timestamp, where that is allowed
ask_main('ALTER TABLE actstream.actions ALTER "timestamp" DROP NOT NULL');
case_is('none', [$insert, $older, q{INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ($o, 'did', $t - interval '10 seconds')}], $known);
ask_main(of_case(q{SET session_replication_role = replica; INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ($o, 'did', NULL)}));
foreach my $when ('before a start', 'after it')
{
    my $same = same_as_plain(q{user_stream('o:1') WHERE "timestamp" < '2030-01-01' LIMIT 20});

    is(ask_main("SELECT $same"), 't', "others are there, $when");
    is(ask_main(of_case(q{SELECT count(*) FROM (SELECT * FROM actstream.user_stream('o:1') UNION ALL SELECT * FROM actstream.any_stream($o)
                  UNION ALL SELECT * FROM actstream.model_stream('o') UNION ALL SELECT * FROM actstream.public_stream()) AS s
                  WHERE "timestamp" IS NULL})), 0, "and it is not, $when");
    $node->restart;
    build();
}
ask_main('DELETE FROM actstream.actions WHERE "timestamp" IS NULL');
ask_main('ALTER TABLE actstream.actions ALTER "timestamp" SET NOT NULL');

# who shows only what came since
case_is('long before the follow', $insert, $known);
is(first_row(\&ask_main, q{'o:2', NULL, false, true}), 'same, 0 from the map, 0 opened', 'before the follow');
ask_main(of_case($_)) foreach q{INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ($o, 'did', '2026-07-01 00:00:00+00')};
is(first_row(\&ask_main, q{'o:2', NULL, false, true}), $known, 'of the same instant as the follow');
$object++;
ask_main(of_case(q{INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ($o, 'did', '2026-06-30 23:59:59.999999+00')}));
is(first_row(\&ask_main, q{'o:2', NULL, false, true}) =~ /^same/, 1, 'a microsecond before');
ask_main(q{DELETE FROM actstream.follows WHERE follower = 'o:2'});
ask_main(of_case(q{INSERT INTO actstream.follows (follower, followee, actor_only, started)
                   SELECT 'o:2', followee, false, '2026-07-01 00:00+00'
                   FROM (SELECT $o UNION ALL SELECT actstream.ref('o', i) FROM generate_series(1300, 1400) AS i) AS f (followee)}));
is(first_row(\&ask_main, q{'o:2', NULL, false, true}), 'same, 0 from the map, 1 opened', 'and nothing else');

# times that a bound can only say so much about; the time line would tell all of them
ask_main(q{INSERT INTO actstream.actions (actor, verb, "timestamp") SELECT 'o:9999', 'did', 'infinity' FROM generate_series(1, 500)});
foreach my $time ('1600-01-01', '1700-01-01', '2269-01-01', '2300-01-01', '10000-01-01', 'infinity', '0044-03-15 BC', '-infinity')
{
    $object++;
    ask_main(of_case(qq{INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES (\$o, 'did', '$time')})) foreach 1 .. 2;
    ask_main(of_case(qq{INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES (\$p, 'did', '$time')}));
    is(first_row(\&ask_main) =~ /^same/, 1, "at $time");
}

done_testing();
