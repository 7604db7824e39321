# Many sessions follow and unfollow a few objects at once.  Each new follow has
# sent one action, unless the like was sent within a minute, and nobody has met an
# error but, above READ COMMITTED, that of serialization.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my $clients = 8;
my $transactions = 500;

my $node = new_node('main');

install($node, 'postgres', <<'END');
SELECT actstream.register_external('user');
CREATE TABLE removed (followee actstream.ref, n bigint);
CREATE SEQUENCE tick;
END

# Three follows or so to one unfollow, of one of four objects.  Those of two are far from
# each other in time, those of the others within a minute.
my $script = PostgreSQL::Test::Utils::tempdir() . '/follow.sql';
append_to_file($script, <<'END');
\set followee random(2, 5)
\set choice random(1, 4)
\set second random(0, 59)
\if :choice = 1
INSERT INTO removed SELECT r, actstream.unfollow('user:1', r) FROM actstream.ref('user', :followee) r;
\else
SELECT actstream.follow('user:1', actstream.ref('user', :followee), actor_only => :choice = 2,
    "timestamp" => CASE WHEN :followee < 4 THEN timestamptz '2000-01-01 00:00+00' + nextval('tick') * interval '61 seconds'
                        ELSE timestamptz '2026-01-01 00:00+00' + :second * interval '1 second' END);
\endif
END

foreach my $level ('read committed', 'repeatable read', 'serializable')
{
    my ($out, $err, $success);

    $node->safe_psql('postgres', 'TRUNCATE actstream.actions, actstream.follows, removed');
    {
        local $ENV{PGOPTIONS} = '-c default_transaction_isolation=' . $level =~ s/ /\\ /r;
        $success = IPC::Run::run([ 'pgbench', '--no-vacuum', "--client=$clients", '--jobs=2',
            "--transactions=$transactions", '--random-seed=1', "--file=$script",
            '--max-tries=10000', '--failures-detailed', '--verbose-errors', $node->connstr('postgres') ],
            '>', \$out, '2>', \$err);
    }
    ok($success, "$level: pgbench succeeds") or diag($err);
    like($out, qr{number of transactions actually processed: (\d+)/\1$}m, "$level: all transactions are done");
    like($out, qr/number of failed transactions: 0 /, "$level: no transaction failed");

    # what was tried again
    my @errors = $err =~ /ERROR:  (.*)/g;
    if ($level eq 'read committed')
    {
        is_deeply(\@errors, [], "$level: no error");
    }
    else
    {
        isnt(scalar @errors, 0, "$level: sessions came in each other's way");
        is_deeply([ grep { !/^could not serialize access/ } @errors ], [], "$level: only errors of serialization");
    }
    note(scalar @errors, ' errors');

    is( $node->safe_psql('postgres', <<'END'), "user:2|t|t\nuser:3|t|t", "$level: each new follow sent one action");
SELECT followee, started > 50, started - removed = follows
FROM (VALUES (actstream.ref('user', 2)), (actstream.ref('user', 3))) AS o (followee),
     LATERAL (SELECT count(*) AS started FROM actstream.actions
              WHERE target = followee AND verb = 'started following') AS a,
     LATERAL (SELECT sum(n) AS removed FROM removed r WHERE r.followee = o.followee) AS r,
     LATERAL (SELECT count(*) AS follows FROM actstream.follows f WHERE f.followee = o.followee) AS f
ORDER BY followee
END
    is($node->safe_psql('postgres', q{SELECT target, count(*) FROM actstream.actions WHERE target IN ('user:4', 'user:5') GROUP BY 1 ORDER BY 1}),
        "user:4|1\nuser:5|1", "$level: within a minute, one action was sent");
    is($node->safe_psql('postgres', q{SELECT sum(n) > 50 FROM removed WHERE followee IN ('user:4', 'user:5')}),
        't', "$level: of many follows");
    is($node->safe_psql('postgres', q{SELECT count(*) FROM actstream.actions WHERE verb <> 'started following'}),
        '0', "$level: nothing else was sent");
}

$node->stop;
done_testing();
