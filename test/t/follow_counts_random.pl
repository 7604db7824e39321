# Counts of followers are exact: at every snapshot, while many sessions follow, unfollow,
# roll back, delete objects and change their keys; and afterwards.  Sessions with other
# followers never come in each other's way.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $clients = 6;
my $node = new_node('main', conf => "deadlock_timeout = 10ms\nmax_prepared_transactions = 2");
my $tempdir = PostgreSQL::Test::Utils::tempdir();

install($node, 'postgres', <<'SQL');
SELECT actstream.register_external('user'), actstream.register_external('page');
CREATE TABLE doc (id int PRIMARY KEY);
SELECT actstream.register('doc');
INSERT INTO doc SELECT generate_series(1, 6);

-- what is wrong with the counts that a snapshot sees
CREATE VIEW wrong AS
SELECT o.object, f.flag, c.followers,
       (SELECT count(DISTINCT follower) FROM actstream.follows w
        WHERE w.followee = o.object AND (f.flag IS NULL OR w.flag = f.flag)) AS is_right
FROM (SELECT actstream.ref('doc', i) FROM generate_series(1, 20) i
      UNION ALL SELECT actstream.ref('page', i) FROM generate_series(1, 5) i) AS o (object),
     unnest(ARRAY['', 'a', 'b', NULL]) AS f (flag),
     actstream.follower_counts(ARRAY[o.object], f.flag) AS c
WHERE c.followers <> (SELECT count(DISTINCT follower) FROM actstream.follows w
                      WHERE w.followee = o.object AND (f.flag IS NULL OR w.flag = f.flag));

-- one of many things; what the object's end makes impossible is undone
CREATE FUNCTION act(choice int, who int, object int, other int, nflag int) RETURNS void LANGUAGE plpgsql AS
$$
DECLARE
    u actstream.ref := actstream.ref('user', who);
    o actstream.ref := actstream.ref(CASE WHEN other % 4 = 0 THEN 'page' ELSE 'doc' END, object);
    flags text[] := '{"", a, b}';
BEGIN
    IF choice <= 30 THEN
        PERFORM actstream.follow(u, o, flags[nflag], other % 2 = 0, false);
    ELSIF choice <= 45 THEN
        PERFORM actstream.unfollow(u, o, flags[nflag]);
    ELSIF choice <= 52 THEN
        PERFORM actstream.unfollow(u, o, NULL);
    ELSIF choice <= 60 THEN
        PERFORM actstream.follow_many(u, ARRAY(SELECT actstream.ref('page', i) FROM generate_series(1, 5) i ORDER BY i * other % 7), flags[nflag]);
    ELSIF choice <= 66 THEN
        PERFORM actstream.unfollow_many(u, ARRAY[o, actstream.ref('page', other % 5 + 1)], CASE WHEN other % 3 > 0 THEN flags[nflag] END);
    ELSIF choice <= 72 THEN
        -- several flags of a pair in one statement
        INSERT INTO actstream.follows SELECT u, o, f FROM unnest(flags) f
        ON CONFLICT (follower, followee, flag) DO UPDATE SET actor_only = NOT EXCLUDED.actor_only;
    ELSIF choice <= 78 THEN
        UPDATE actstream.follows f SET flag = flags[nflag % 3 + 1]
        WHERE f.follower = u AND f.followee = o AND f.flag = flags[nflag]
          AND NOT EXISTS (SELECT FROM actstream.follows g WHERE g.follower = u AND g.followee = o AND g.flag = flags[nflag % 3 + 1]);
    ELSIF choice <= 82 THEN
        WITH gone AS (DELETE FROM actstream.follows f WHERE f.follower = u AND f.followee = o RETURNING f.*)
        INSERT INTO actstream.follows SELECT g.follower, g.followee, 'a' FROM gone g ON CONFLICT DO NOTHING;
    ELSIF choice <= 88 THEN
        DELETE FROM doc WHERE id = object;
    ELSIF choice <= 94 THEN
        INSERT INTO doc VALUES (object) ON CONFLICT DO NOTHING;
    ELSE
        UPDATE doc SET id = id % 15 + 5 WHERE id = object AND NOT EXISTS (SELECT FROM doc d WHERE d.id = doc.id % 15 + 5);
    END IF;
EXCEPTION WHEN foreign_key_violation OR unique_violation THEN
    NULL;
END
$$;
SQL

# A transaction of one to three actions, some rolled back, wholly or to a savepoint.  When
# it is tried again after a deadlock, the pause lets whoever it was in the way of go first;
# otherwise it could be the victim again and again.
append_to_file("$tempdir/mix.sql", <<'END');
\set shape random(1, 10)
\set c1 random(1, 100)
\set c2 random(1, 100)
\set c3 random(1, 100)
\set u1 random(1, 5)
\set u2 random(1, 5)
\set o1 random(1, 8)
\set o2 random(1, 8)
\set x random(1, 100)
\set f1 random(1, 3)
\set f2 random(1, 3)
\set pause random(100, 2000)
BEGIN;
\sleep :pause us
SELECT act(:c1, :u1, :o1, :x, :f1);
\if :shape > 3
SAVEPOINT s;
SELECT act(:c2, :u2, :o2, :x, :f2);
\if :shape > 7
ROLLBACK TO s;
\endif
SELECT act(:c3, :u1, :o1, :x, :f2);
\endif
\if :shape = 6
ROLLBACK;
\else
COMMIT;
\endif
END

sub pgbench_args
{
    my ($level, $script, $transactions, @more) = @_;

    return [ 'pgbench', '--no-vacuum', "--client=$clients", '--jobs=2', "--transactions=$transactions",
        '--random-seed=1', "--file=$script", '--failures-detailed', '--verbose-errors', @more, $node->connstr('postgres') ];
}

foreach my $level ('read committed', 'repeatable read', 'serializable')
{
    my ($out, $err) = ('', '');
    my $checks = 0;
    my @wrong;

    local $ENV{PGOPTIONS} = '-c default_transaction_isolation=' . $level =~ s/ /\\ /r;
    my $run = IPC::Run::start(pgbench_args($level, "$tempdir/mix.sql", 500, '--max-tries=100000'), '>', \$out, '2>', \$err);
    while ($run->pumpable)
    {
        $run->pump_nb;
        my $found = $node->safe_psql('postgres', 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM wrong; COMMIT');
        push @wrong, $found if $found ne '';
        $checks++;
        last if !$run->pumpable;
        usleep(1000);
    }
    ok($run->finish, "$level: pgbench succeeds") or diag($err);
    is_deeply(\@wrong, [], "$level: counts are right at every snapshot ($checks)");
    is($node->safe_psql('postgres', 'SELECT * FROM wrong'), '', "$level: they are right afterwards");
    is($node->safe_psql('postgres', q{SELECT problem, object, detail FROM actstream.integrity_check()}), '', "$level: integrity_check() finds nothing");
    is_deeply([ grep { !/^(could not serialize access|deadlock detected)/ } $err =~ /ERROR:  (.*)/g ], [],
        "$level: only errors of serialization, and of changing the same follows in another order");
    note(scalar(my @errors = $err =~ /ERROR:  (.*)/g), ' errors, ', scalar(my @deadlocks = $err =~ /ERROR:  deadlock/g), ' deadlocks');
    cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM actstream.follows'), '>', 10, "$level: there are follows");
}

# Other followers, the same objects: nobody waits, nothing fails, whatever the level and
# the order.  Each transaction follows several objects, in an order of its own.
$node->safe_psql('postgres', 'TRUNCATE actstream.follows');
append_to_file("$tempdir/apart.sql", <<'END');
\set u :client_id * 1000000 + random(1, 999999)
\set o1 random(1, 3)
\set o2 random(1, 3)
\set n random(1, 5)
BEGIN;
SELECT actstream.follow(actstream.ref('user', :u), actstream.ref('page', :o1), 'a', send_action => false);
SELECT actstream.follow(actstream.ref('user', :u), actstream.ref('page', :o2), send_action => false);
SELECT actstream.follow_many(actstream.ref('user', :u + 100000000), ARRAY(SELECT actstream.ref('page', i * :n % 5 + 1) FROM generate_series(1, 5) i));
\sleep 50 ms
COMMIT;
END
foreach my $level ('read committed', 'repeatable read', 'serializable')
{
    my ($out, $err) = ('', '');

    local $ENV{PGOPTIONS} = '-c lock_timeout=20 -c default_transaction_isolation=' . $level =~ s/ /\\ /r;
    IPC::Run::run(pgbench_args($level, "$tempdir/apart.sql", 40), '>', \$out, '2>', \$err);
    is_deeply([ $err =~ /ERROR:  (.*)/g ], [], "$level: followers of the same objects neither wait nor fail");
    like($out, qr/number of transactions actually processed: 240\/240$/m, "$level: all transactions are done");
}
is($node->safe_psql('postgres', 'SELECT * FROM wrong'), '', 'their counts are right');
cmp_ok($node->safe_psql('postgres', q{SELECT max(n) FROM (SELECT count(*) AS n FROM actstream.follow_counts GROUP BY object, flag) AS s}), '<=', 4 * $clients,
    'a count has about as many slots as there were sessions');

# One follower follows the same objects with another flag in each session: whoever is
# second waits, but neither fails, for both take them in the same order.
append_to_file("$tempdir/pair.sql", <<'END');
\set flag random(1, 3)
\set n random(1, 5)
SELECT actstream.follow_many('user:1', ARRAY(SELECT actstream.ref('page', i * :n % 5 + 1) FROM generate_series(1, 5) i), :client_id || 'x');
SELECT actstream.follow('user:1', 'page:2', :client_id || 'y', send_action => false);
SELECT actstream.unfollow('user:1', 'page:2', :client_id || 'y');
SELECT actstream.unfollow_many('user:1', ARRAY(SELECT actstream.ref('page', i * :n % 5 + 1) FROM generate_series(1, 5) i), :client_id || 'x');
END
{
    my ($out, $err) = ('', '');

    IPC::Run::run(pgbench_args('read committed', "$tempdir/pair.sql", 300), '>', \$out, '2>', \$err);
    is_deeply([ $err =~ /ERROR:  (.*)/g ], [], 'a follower with several flags at once: no error');
    is($node->safe_psql('postgres', 'SELECT * FROM wrong'), '', 'a follower with several flags at once: the counts are right');
}

# A prepared transaction keeps a slot; others go on.
$node->safe_psql('postgres', q{BEGIN; SELECT actstream.follow('user:9000000', 'page:1', send_action => false); PREPARE TRANSACTION 'p'});
$node->safe_psql('postgres', q{SET lock_timeout = 20; SELECT actstream.follow('user:9000001', 'page:1', send_action => false)});
is($node->safe_psql('postgres', 'SELECT * FROM wrong'), '', 'beside a prepared transaction');
$node->restart;
$node->safe_psql('postgres', q{COMMIT PREPARED 'p'});
is($node->safe_psql('postgres', 'SELECT * FROM wrong'), '', 'and after it has been committed');

# When it is quiet again, one slot is enough.
$node->safe_psql('postgres', q{SELECT actstream.follow('user:9000002', actstream.ref('page', i), send_action => false) FROM generate_series(1, 5) i});
is($node->safe_psql('postgres', q{SELECT max(n) FROM (SELECT count(*) AS n FROM actstream.follow_counts WHERE flag = '' AND object >= 'page:1' GROUP BY object, flag) AS s}), '1',
    'slots that are free are added up');

done_testing();
