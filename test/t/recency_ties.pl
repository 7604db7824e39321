# Many actions of one instant, as an import brings them: most lists of a stream have one,
# under the same bound, so that the recency map cannot tell which to open.  A page
# is read from the time line then, if that has enough of them.

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
autovacuum = off
jit = off
END_OF_SETTINGS

# 400 objects are followed, which have acted in January; then others have.
install($node, 'postgres', plain_streams(), <<'END_OF_SETUP');
SELECT actstream.register_external('o');
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT actstream.ref('o', i % 400 + 1), 'did', timestamptz '2026-01-01 00:00+00' + i * interval '1 minute'
FROM generate_series(0, 1199) AS i;
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT actstream.ref('o', 10000 + i), 'did', timestamptz '2026-06-01 00:00+00' + i * interval '1 minute'
FROM generate_series(1, 3000) AS i;
INSERT INTO actstream.follows (follower, followee, actor_only)
SELECT 'o:5001', actstream.ref('o', i), true FROM generate_series(1, 400) AS i;
ANALYZE actstream.actions, actstream.follows;
SELECT actstream.recency_build();
END_OF_SETUP

my $session = $node->background_psql('postgres');

# How a page is read, and how many lists are looked at for that; "condition" is for a later one.
sub page
{
    my ($condition) = @_;
    my $plan = $session->query_safe(<<"END");
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF)
SELECT * FROM actstream.user_stream('o:5001') WHERE $condition LIMIT 20
END
    my ($strategy) = $plan =~ /Strategy: ([\w ]+)/;
    my $lists = figure($plan, 'Lists Opened') + figure($plan, 'Newest From Map');

    return "$strategy, " . ($lists <= 40 ? 'few lists' : "$lists lists");
}

sub same
{
    my ($condition) = @_;

    return $session->query_safe('SELECT ' . same_as_plain("user_stream('o:5001') WHERE $condition LIMIT 20"));
}

like(page('true'), qr/few lists$/, 'at first') for 1 .. 2;

# an action of each that is followed, among twenty of others
$node->safe_psql('postgres', <<'END');
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT actstream.ref('o', CASE WHEN i % 20 = 0 THEN i / 20 ELSE 10000 + i % 3000 END), 'was imported', '2026-07-01 00:00+00'
FROM generate_series(20, 8019) AS i
END
is(same('true'), 't', 'the first page after an import');
is(page('true'), 'time line, few lists', "page $_ after an import") for 2 .. 4;
my $middle = q{("timestamp", id) < ('2026-07-01 00:00+00', (SELECT min(id) + 4000 FROM actstream.actions WHERE verb = 'was imported'))};
is(same($middle), 't', 'a page in the middle of it');
is(page($middle), 'time line, few lists', 'how that is read');

# and some more, which are alone
$node->safe_psql('postgres', <<'END');
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT actstream.ref('o', i), 'came later', timestamptz '2026-07-02 00:00+00' + i * interval '1 minute'
FROM generate_series(1, 5) AS i
END
is(same('true'), 't', 'a page that ends in it');
is(page('true'), 'time line, few lists', "how that is read, page $_") for 2 .. 4;

# Bounds that are too high look like those of an import, but the time line tells that they
# are not: the next page lowers them.
my $all = q{SELECT actstream.ref('o', i), 'was wrong', timestamptz '2099-01-01 00:00+00' FROM generate_series(1, 400) AS i};
$node->safe_psql('postgres', $_) foreach (qq{INSERT INTO actstream.actions (actor, verb, "timestamp") $all}) x 2,
    q{DELETE FROM actstream.actions WHERE verb = 'was wrong'}, 'VACUUM actstream.actions';
is(page('true'), 'time line, few lists', 'under bounds that are too high');
is(same('true'), 't', 'the next page');
cmp_ok($node->safe_psql('postgres', 'SELECT lowered FROM actstream.recency_stats()'), '>=', 400, 'lowers them');
is(same('true'), 't', 'and the one after that');

$session->quit;
done_testing();
