# Pages of groups while others write: actions that are new, that come late with an old
# timestamp, and that are deleted, between the pages and during them.  No group is shown twice,
# and none is left out that was there all the time.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{SEED} // 7;
my $node = new_node('main', conf => "shared_preload_libraries = 'actstream'\ntimezone = 'UTC'");
note("seed $seed");

# Groups are of one target, over a day.  Each has an action that stays, with the verb "stays",
# so it is there all the time; others come and go, and move it.
install($node, 'postgres', q{
SELECT actstream.register_external('o');
SELECT actstream.follow('o:reader', 'o:actor', send_action => false);
CREATE FUNCTION fill(days integer, groups integer) RETURNS void LANGUAGE sql AS $$
    TRUNCATE actstream.actions;
    INSERT INTO actstream.actions ("timestamp", public, actor, verb, target)
    SELECT timestamptz '2026-01-01' + d * interval '1 day' + random() * interval '23 hours', true, 'o:actor', 'stays', 'o:' || g
    FROM generate_series(1, days) d, generate_series(1, groups) g;
$$;
-- n changes of groups up to that number; more than there are begin new ones
CREATE FUNCTION churn(n integer, days integer, groups integer, late boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..n LOOP
        CASE floor(random() * CASE WHEN late THEN 4 ELSE 1 END)
        WHEN 0 THEN      -- a new action, at the top
            INSERT INTO actstream.actions ("timestamp", public, actor, verb, target)
            SELECT greatest(max("timestamp"), timestamptz '2026-01-01' + days * interval '1 day' + interval '23 hours') + interval '1 millisecond',
                   true, 'o:actor', 'came', 'o:' || 1 + floor(random() * groups)
            FROM actstream.actions;
        WHEN 1 THEN      -- one that is late
            INSERT INTO actstream.actions ("timestamp", public, actor, verb, target)
            VALUES (timestamptz '2026-01-01' + (1 + random() * (days - 0.05)) * interval '1 day', true, 'o:actor', 'late', 'o:' || 1 + floor(random() * groups));
        ELSE             -- one that goes
            DELETE FROM actstream.actions
            WHERE id = (SELECT id FROM actstream.actions WHERE verb <> 'stays' ORDER BY "timestamp" DESC OFFSET floor(random() * 10) LIMIT 1);
        END CASE;
    END LOOP;
END
$$;
CREATE PROCEDURE churn_for_ever(days integer, groups integer) LANGUAGE plpgsql AS $$
BEGIN
    LOOP
        PERFORM churn(1 + floor(random() * 4)::integer, days, groups, true);
        COMMIT;
    END LOOP;
END
$$;
});

# Reads all pages; between them calls $between.  Returns the groups in the order in which they
# were shown.
sub pages
{
    my ($psql, $size, $between) = @_;
    my @shown;
    my $before = 'NULL';

    for (;;)
    {
        my @rows = split /\n/, $psql->(qq{SELECT to_char(newest, 'YYYY-MM-DD') || ' ' || target::text || '|' || cursor
            FROM actstream.user_groups('o:reader', '{target}', before => $before) LIMIT $size});
        last unless @rows;
        push @shown, map { (split /\|/)[0] } @rows;
        $before = "'" . (split /\|/, $rows[-1])[1] . "'";
        $between->();
    }
    return @shown;
}

# The groups that were shown twice, and those that should have been shown and were not.
sub faults
{
    my ($days, $groups, @shown) = @_;
    my %count;
    my @faults;

    $count{$_}++ foreach @shown;
    push @faults, map { "twice: $_" } grep { $count{$_} > 1 } sort keys %count;
    foreach my $day (1 .. $days)
    {
        my $date = sprintf '2026-01-%02d', $day + 1;
        push @faults, map { "lost: $date o:$_" } grep { !$count{"$date o:$_"} } 1 .. $groups;
    }
    return @faults;
}

my $psql = sub { return $node->safe_psql('postgres', $_[0]) };

# Between the pages; up to 128 groups of a day are remembered, whatever happens.
my ($npages, $nmoved, @faults) = (0, 0);
foreach my $run (1 .. 12)
{
    my ($days, $groups, $size) = (3, 20 + 5 * $run, (3, 7, 20)[ $run % 3 ]);

    $psql->("SELECT setseed(" . ($seed + $run) / 1000 . "); SELECT fill($days, $groups); SELECT churn(100, $days, $groups, true)");
    my @shown = pages($psql, $size, sub {
        $npages++;
        $psql->("SELECT setseed(" . ($seed + $run + $npages / 10) / 1000 . "); SELECT churn(20, $days, $groups + 10, true)");
    });
    push @faults, faults($days, $groups, @shown);
}
cmp_ok($npages, '>', 150, "pages were read ($npages)");
is_deeply(\@faults, [], 'changes between pages: nothing twice, nothing lost');

# During the pages
$psql->('SELECT fill(2, 60)');
my @writers = map {
    IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', 'CALL churn_for_ever(2, 80)' ],
        '<', '/dev/null', '>', '/dev/null', '2>', '/dev/null')
} 1 .. 3;
my $changed = 0;
@faults = ();
foreach my $run (1 .. 25)
{
    my $before = $psql->('SELECT max(id) FROM actstream.actions');

    push @faults, faults(2, 60, pages($psql, 9, sub { }));
    $changed += $psql->('SELECT max(id) FROM actstream.actions') - $before;
}
$psql->(q{SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE query LIKE 'CALL churn_for_ever%'});
$_->finish foreach @writers;
cmp_ok($changed, '>', 1000, "others wrote meanwhile ($changed actions)");
is_deeply(\@faults, [], 'changes during pages: nothing twice, nothing lost');

# More groups of a day than are remembered: new actions move none.
$psql->('SELECT setseed(0.3); SELECT fill(2, 600)');
my @shown = pages($psql, 50, sub { $psql->('SELECT churn(40, 2, 700, false)') });
is_deeply([ faults(2, 600, @shown) ], [], 'many groups, new actions between pages: nothing twice, nothing lost');

# ... and of late ones and deletes, those that move a group past less than 32 others
$psql->('SELECT setseed(0.4); SELECT fill(1, 600)');
@shown = pages($psql, 50, sub {
    $psql->(q{
        INSERT INTO actstream.actions ("timestamp", public, actor, verb, target)
        SELECT above."timestamp" + interval '1 microsecond', true, 'o:actor', 'late', a.target
        FROM (SELECT *, row_number() OVER (ORDER BY "timestamp" DESC) AS n FROM actstream.actions WHERE verb = 'stays') a
        JOIN (SELECT *, row_number() OVER (ORDER BY "timestamp" DESC) AS n FROM actstream.actions WHERE verb = 'stays') above ON above.n = a.n - 12
        WHERE random() < 0.1;
        DELETE FROM actstream.actions WHERE verb = 'late' AND random() < 0.5;
    });
});
is_deeply([ faults(1, 600, @shown) ], [], 'many groups, moved a little between pages: nothing twice, nothing lost');

# Cursors do not grow without end.
is($psql->(q{SELECT max(length(cursor)) <= 1600, count(*) FROM actstream.user_groups('o:reader', '{target}')}), 't|600', 'a cursor has at most 1600 characters');

$node->stop;
done_testing();
