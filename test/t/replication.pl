# Logical replication, where the subscriber takes over the actions of the
# publisher, or emits its own; physical replication, before and after promotion.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use PostgreSQL::Test::BackgroundPsql;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @server = (init => [ allows_streaming => 'logical' ],
    conf => "shared_preload_libraries = 'actstream'\nwal_retrieve_retry_interval = 200ms");
my $publisher = new_node('publisher', @server);
my $subscriber = new_node('subscriber', @server);

my $schema = <<'END';
CREATE TABLE person (id integer PRIMARY KEY, name text);
CREATE TABLE orders (id integer PRIMARY KEY, person integer, at timestamptz);
END
my $registration = <<'END';
SELECT actstream.register('person', name_template => '{name}');
SELECT actstream.register('orders', on_delete => 'cascade');
SELECT actstream.track('orders', 'ordered', 'person:{person}', timestamp_column => 'at');
SELECT actstream.track('orders', 'changed', 'person:{person}', NULL, 'orders:{id}', '{update}', '{person}');
END
my $first = <<'END';
INSERT INTO person SELECT i, 'P' || i FROM generate_series(1, 5) i;
INSERT INTO orders SELECT i, 1 + i % 5, timestamptz '2026-01-01 00:00+00' + i * interval '1 hour' FROM generate_series(1, 20) i;
END
my $later = <<'END';
INSERT INTO orders SELECT i, 1 + i % 5, timestamptz '2026-01-01 00:00+00' + i * interval '1 hour' FROM generate_series(21, 40) i;
BEGIN;
INSERT INTO orders VALUES (50, 1, '2026-02-01 00:00+00');
ROLLBACK;
UPDATE orders SET person = 2, at = '2026-02-02 00:00+00' WHERE id BETWEEN 5 AND 9;
UPDATE orders SET id = 100 WHERE id = 10;
DELETE FROM orders WHERE id > 30;
INSERT INTO person VALUES (6, 'P6');
DELETE FROM person WHERE id = 4;
END

# Actions but for their ids, and streams.
my $actions = 'SELECT actor, verb, action_object, target, "timestamp" > \'2026-03-01\' FROM actstream.actions ORDER BY 1, 2, 3, 4';
my $streams = q{
    SELECT p, (SELECT array_agg(id) FROM actstream.user_stream(p)), (SELECT array_agg(id) FROM actstream.any_stream(p))
    FROM (SELECT actstream.ref_of(p) FROM person p ORDER BY id) AS r (p)};

sub in_both
{
    my ($database, $query, $name) = @_;
    my $expected = $publisher->safe_psql($database, $query);

    isnt($expected, '', "$name: there is something");
    is($subscriber->safe_psql($database, $query), $expected, $name);
}

sub subscribe
{
    my ($database, $tables) = @_;

    $publisher->safe_psql($database, "CREATE PUBLICATION p FOR TABLE $tables");
    $subscriber->safe_psql($database, "CREATE SUBSCRIPTION s_$database CONNECTION '" . $publisher->connstr($database) =~ s{'}{''}gr . "' PUBLICATION p");
    $subscriber->wait_for_subscription_sync($publisher, "s_$database", $database);
}

#
# The subscriber takes over: application tables and actions, follows, counts, phrases,
# both sides track.  Apply workers fire no ordinary triggers.
#

foreach my $node ($publisher, $subscriber)
{
    $node->safe_psql('postgres', "CREATE DATABASE taken; ");
    $node->safe_psql('postgres', "CREATE DATABASE own");
    install($node, $_, $schema, $registration) foreach qw(taken own);
}
$publisher->safe_psql('taken', $first . q{SELECT actstream.follow('person:1', 'person:2', actor_only => false);
    SELECT actstream.follow('person:3', 'orders:7', actor_only => false); INSERT INTO actstream.phrases VALUES ('de', 'ordered', '{actor} bestellt')});
subscribe('taken', 'person, orders, actstream.actions, actstream.follows, actstream.follow_counts, actstream.phrases');
$subscriber->safe_psql('taken', 'SELECT actstream.recency_build()');
in_both('taken', 'TABLE actstream.actions ORDER BY id', 'taken over: the actions from before');
in_both('taken', $streams, 'taken over: streams');

$publisher->safe_psql('taken', $later . q{SELECT actstream.follow('person:5', 'person:2'), actstream.unfollow('person:3', 'orders:7', send_action => true)});
$publisher->wait_for_catchup('s_taken');
in_both('taken', 'TABLE actstream.actions ORDER BY id', 'taken over: all actions, each once');
in_both('taken', 'TABLE actstream.follows ORDER BY follower, followee', 'taken over: follows');
in_both('taken', $streams, 'taken over: streams of new actions, by the map');
is($subscriber->safe_psql('taken', 'SELECT state, streams > 0 FROM actstream.recency_stats()'), 'complete|t', 'taken over: which is in use');
in_both('taken', q{SELECT actstream.sentence(a, "timestamp", 'de') FROM actstream.public_stream() a WHERE verb = 'ordered' LIMIT 1}, 'taken over: phrases');
is($subscriber->safe_psql('taken', 'SELECT * FROM actstream.integrity_check()'), '', 'taken over: all is as promised');

# a session of the subscriber, with its list of follows, hears of them
{
    my $session = $subscriber->background_psql('taken', on_error_stop => 0);
    my $query = q{SELECT string_agg(verb, ',') FROM actstream.user_stream('person:6');};

    is($session->query($query), '', 'taken over: nobody is followed');
    $publisher->safe_psql('taken', q{SELECT actstream.follow('person:6', 'person:6')});
    $publisher->wait_for_catchup('s_taken');
    is($session->query($query), 'started following', 'taken over: a session hears of a follow');
    $publisher->safe_psql('taken', q{SELECT actstream.unfollow('person:6', 'person:6')});
    $publisher->wait_for_catchup('s_taken');
    is($session->query($query), '', 'taken over: and of its end');
    $session->quit;
}

#
# The subscriber emits: application tables only, its triggers fire always.  What they
# refer to is there before they begin.
#

$publisher->safe_psql('own', $first);
$subscriber->safe_psql('own', <<'END');
DO $$
DECLARE t record;
BEGIN
    FOR t IN SELECT tgrelid::regclass AS relation, tgname FROM pg_trigger WHERE tgrelid IN ('person'::regclass, 'orders'::regclass) LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t.relation, t.tgname);
    END LOOP; END
$$;
END
subscribe('own', 'person');
$publisher->safe_psql('own', 'ALTER PUBLICATION p ADD TABLE orders');
$subscriber->safe_psql('own', 'ALTER SUBSCRIPTION s_own REFRESH PUBLICATION');
$subscriber->wait_for_subscription_sync($publisher, 's_own', 'own');
in_both('own', $actions, 'own: the actions of rows from before');
$publisher->safe_psql('own', $later);
$publisher->wait_for_catchup('s_own');
in_both('own', $actions, 'own: all actions, each once, and without those of deleted rows');
$publisher->safe_psql('own', q{INSERT INTO person VALUES (9, 'P9'); DELETE FROM person WHERE id = 9; TRUNCATE orders});
$publisher->wait_for_catchup('s_own');
is($subscriber->safe_psql('own', 'SELECT count(*) FROM actstream.actions'), $publisher->safe_psql('own', 'SELECT count(*) FROM actstream.actions'),
    'own: after TRUNCATE as many');
is($subscriber->safe_psql('own', 'SELECT * FROM actstream.integrity_check()'), '', 'own: all is as promised');

# Without ALWAYS, which is how it was made, it emits nothing.
$subscriber->safe_psql('own', 'ALTER TABLE orders ENABLE TRIGGER actstream_track');
my $before = $subscriber->safe_psql('own', 'SELECT count(*) FROM actstream.actions');
$publisher->safe_psql('own', 'INSERT INTO orders VALUES (200, 1, now())');
$publisher->wait_for_catchup('s_own');
is($subscriber->safe_psql('own', 'SELECT count(*) FROM actstream.actions'), $before, 'an ordinary trigger emits nothing');
is($subscriber->safe_psql('own', 'SELECT id FROM orders WHERE id = 200'), '200', 'of the row that is there');

# The subscriber takes over from its publisher: ids go on where it says so.
{
    $subscriber->safe_psql('taken', 'ALTER SUBSCRIPTION s_taken DISABLE');
    my ($status, undef, $error) = $subscriber->psql('taken', q{SELECT actstream.act_send('person:1', 'took over')});

    isnt($status, 0, 'taken over: the sequence is behind');
    like($error, qr/duplicate key/, 'taken over: and the first action fails');
    $subscriber->safe_psql('taken', q{SELECT setval(pg_get_serial_sequence('actstream.actions', 'id'), max(id)) FROM actstream.actions});
    is($subscriber->safe_psql('taken', q{SELECT verb FROM actstream.act_send('person:1', 'took over')}), 'took over',
        'taken over: actions are sent');
}
$subscriber->stop;

#
# A standby, with the map's memory, and its promotion.
#

my $standby = PostgreSQL::Test::Cluster->new('standby');

$publisher->backup('backup');
$standby->init_from_backup($publisher, 'backup', has_streaming => 1);
$standby->start;
$publisher->safe_psql('taken', q{SELECT actstream.recency_build(); SELECT actstream.act_send('person:2', 'waited')});
$publisher->wait_for_catchup($standby);
my $expected = $publisher->safe_psql('taken', $streams);
is($standby->safe_psql('taken', $streams), $expected, 'standby: the same streams');
is($standby->safe_psql('taken', 'SELECT state FROM actstream.recency_stats()'), 'standby', 'standby: without the map');

my $session = $standby->background_psql('taken', on_error_stop => 0);
is($session->query("$streams;"), $expected, 'standby: in a session');
$publisher->stop;
$standby->promote;
is($session->query("$streams;"), $expected, 'promoted: the same streams in that session');
is($standby->safe_psql('taken', 'SELECT state FROM actstream.recency_stats()') =~ /^(incomplete|being built|complete)$/ ? 1 : 0, 1, 'promoted: there is a map');
$standby->safe_psql('taken', 'SELECT actstream.recency_build()');
is($session->query("$streams;"), $expected, 'promoted: the same streams with the map');
is($standby->safe_psql('taken', 'SELECT state FROM actstream.recency_stats()'), 'complete', 'promoted: it is complete');
$standby->safe_psql('taken', q{SELECT actstream.act_send('person:2', 'went on')});
is($session->query(q{SELECT verb FROM actstream.user_stream('person:1') LIMIT 1;}), 'went on', 'promoted: new actions are seen');
is($standby->safe_psql('taken', 'SELECT * FROM actstream.integrity_check()'), '', 'promoted: all is as promised');
$session->quit;
$standby->stop;

done_testing();
