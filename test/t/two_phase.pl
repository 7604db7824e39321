# Nothing is told by NOTIFY, to which there are no rights and which forbids
# PREPARE TRANSACTION: what a prepared transaction has done counts for others,
# and for what sessions keep, from COMMIT PREPARED on.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use PostgreSQL::Test::BackgroundPsql;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', conf => "max_prepared_transactions = 5\nshared_preload_libraries = 'actstream'");

install($node, 'postgres', <<'END');
CREATE TABLE person (id integer PRIMARY KEY, name text);
CREATE TABLE other (id integer PRIMARY KEY);
INSERT INTO person SELECT i, 'P' || i FROM generate_series(1, 5) i;
SELECT actstream.register('person', name_template => '{name}'), actstream.register_external('site');
SELECT actstream.act_send('person:2', 'came'), actstream.follow('person:1', 'person:2', send_action => false);
INSERT INTO actstream.phrases VALUES ('en', 'came', '{actor} came');
SELECT actstream.recency_build();
END

# a session that keeps the registry, phrases and lists of follows
my $session = $node->background_psql('postgres', on_error_stop => 0);
my $stream = q{SELECT string_agg(actstream.sentence(a), ', ') FROM actstream.user_stream('person:1') a;};
is($session->query($stream), 'P2 came', 'a session reads') foreach 1 .. 2;

# everything that stores something
my $work = <<'END';
LISTEN "actstream";
BEGIN;
SELECT actstream.act_send('person:3', 'came'), actstream.follow('person:1', 'person:3', send_action => false);
SELECT actstream.unfollow('person:1', 'person:2');
SELECT actstream.register('other'), actstream.track('other', 'went', 'person:{id}'), actstream.unregister('site');
INSERT INTO other VALUES (3);
UPDATE actstream.phrases SET pattern = '{actor} arrived';
DELETE FROM person WHERE id = 5;
END

foreach my $outcome ('ROLLBACK', 'COMMIT')
{
    my (undef, $out, $err) = $node->psql('postgres', $work =~ s/^LISTEN.*\n//r . "PREPARE TRANSACTION 'p';");

    is($err, '', "$outcome: the transaction is prepared");
    is($session->query($stream), 'P2 came', "$outcome: nothing is seen of it");
    # what it holds is as in any transaction
    is(sqlstates($node, 'postgres', q{SET lock_timeout = '100ms'; SELECT actstream.act_send('person:5', 'came')}),
        '55P03', "$outcome: the row that it deletes is locked");
    if ($outcome eq 'COMMIT')
    {
        # it outlives a crash
        $node->stop('immediate');
        $node->start;
        $session = $node->background_psql('postgres', on_error_stop => 0);
        $session->query($stream);
    }
    $node->safe_psql('postgres', q{SELECT actstream.recency_build()});
    is($session->query($stream), 'P2 came', "$outcome: nor later");
    $node->safe_psql('postgres', "$outcome PREPARED 'p'");
    is($session->query($stream), $outcome eq 'COMMIT' ? 'P3 went other:3 just now, P3 arrived' : 'P2 came', "$outcome PREPARED: it is seen as it ended");
}
is($node->safe_psql('postgres', 'SELECT string_agg(label, \',\' ORDER BY label) FROM actstream.object_types'), 'other,person', 'so is the registry');
is($node->safe_psql('postgres', 'SELECT * FROM actstream.integrity_check()'), '', 'all is as promised');
$session->quit;

# A listener to every channel that there could be hears nothing: no notification
# has been queued at all.
my $queued = $node->safe_psql('postgres', <<'END');
LISTEN actstream;
LISTEN action;
LISTEN follow;
SELECT actstream.act_send('person:1', 'came'), actstream.follow('person:2', 'person:1'), actstream.register_external('site');
SELECT pg_notification_queue_usage();
END
like($queued, qr/^.*\n0$/, 'nothing is notified');
unlike($queued, qr/Asynchronous notification/, 'nobody is told');

$node->stop;
done_testing();
