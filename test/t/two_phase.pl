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

# What has not ended is stepped over once: a page does not look for the same rows in each list.
$node->safe_psql('postgres', <<'END');
SET client_min_messages = warning;
SELECT actstream.register_external('site');
INSERT INTO actstream.actions (actor, verb, "timestamp") SELECT actstream.ref('site', i % 500), 'did', now() - i * interval '1 minute' FROM generate_series(1, 5000) i;
INSERT INTO actstream.follows (follower, followee) SELECT 'site:f', actstream.ref('site', i) FROM generate_series(0, 499) i;
ANALYZE actstream.actions, actstream.follows;
SELECT actstream.recency_build();
BEGIN;
INSERT INTO actstream.actions (actor, verb) SELECT actstream.ref('site', i % 500), 'imported' FROM generate_series(1, 5000) i;
PREPARE TRANSACTION 'import';
END
my $plan = $node->safe_psql('postgres', q{SET max_parallel_workers_per_gather = 0;
    EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT * FROM actstream.user_stream('site:f') LIMIT 20});
like($plan, qr/Strategy: time line$/m, 'beside an import, a page is read from the time line');
cmp_ok($plan =~ /Invisible Rows: (\d+)/ && $1, '<', 5500, 'which steps over it once');
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'import'});

# A lock that somebody else's code does not wait for: without lock_timeout, it is not the user
# who does not want to wait, and the row that was written stays.
$node->safe_psql('postgres', <<'END');
CREATE TABLE barred (id integer PRIMARY KEY);
CREATE TABLE locked (id integer PRIMARY KEY);
INSERT INTO locked VALUES (1);
CREATE ROLE two_phase_owner;
CREATE SCHEMA theirs AUTHORIZATION two_phase_owner;
GRANT USAGE ON SCHEMA theirs TO PUBLIC;
GRANT USAGE ON SCHEMA actstream TO two_phase_owner;
GRANT ALL ON actstream.object_types TO two_phase_owner;
SET ROLE two_phase_owner;
CREATE FUNCTION theirs.impatient() RETURNS boolean LANGUAGE plpgsql SET lock_timeout = '1ms' AS
'BEGIN PERFORM FROM public.barred; RETURN true; END';
CREATE TABLE theirs.thing (id integer PRIMARY KEY);
INSERT INTO theirs.thing VALUES (1);
GRANT SELECT ON theirs.thing TO PUBLIC;
ALTER TABLE theirs.thing ENABLE ROW LEVEL SECURITY;
CREATE POLICY impatient ON theirs.thing USING (theirs.impatient());
SELECT actstream.register('theirs.thing');
RESET ROLE;
CREATE FUNCTION at_once() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM FROM public.locked FOR UPDATE NOWAIT; RETURN NEW; END';
CREATE ROLE two_phase_writer;
CREATE TABLE post (id integer PRIMARY KEY, thing integer);
CREATE TABLE gone (id integer PRIMARY KEY);
INSERT INTO gone VALUES (1);
SELECT actstream.register('gone'), actstream.act_send('person:1', 'saw', target => 'gone:1');
SELECT actstream.track('post', 'posted', 'person:1', NULL, 'thing:{thing}');
GRANT ALL ON post TO two_phase_writer;
GRANT SELECT ON barred TO PUBLIC;
END
$node->safe_psql('postgres', "BEGIN; LOCK TABLE barred; SELECT FROM locked FOR UPDATE; PREPARE TRANSACTION 'locks'");
{
    my (undef, undef, $err) = $node->psql('postgres', 'SET ROLE two_phase_writer; INSERT INTO post VALUES (1, 1)');

    like($err, qr/^\S+ WARNING:  could not look up objects in relation "thing": cannot call function "impatient"/, 'a policy that does not wait: a warning');
    is($node->safe_psql('postgres', q{SELECT count(*) FROM post}), '1', '... and the row is there');
    $node->safe_psql('postgres', 'CREATE TRIGGER at_once BEFORE INSERT OR UPDATE OR DELETE ON actstream.actions FOR EACH ROW EXECUTE FUNCTION at_once()');
    (undef, undef, $err) = $node->psql('postgres', 'INSERT INTO post VALUES (2)');
    like($err, qr/WARNING:  .*could not obtain lock on row|WARNING:  .*could not obtain lock on relation/, 'a trigger that does not wait: a warning');
    is($node->safe_psql('postgres', q{SELECT count(*) FROM post}), '2', '... and the row is there');
    (undef, undef, $err) = $node->psql('postgres', 'DROP TABLE gone');
    like($err, qr/WARNING:  .*could not obtain lock/, 'DROP TABLE: a warning');
    is($node->safe_psql('postgres', q{SELECT to_regclass('gone') IS NULL}), 't', '... and it is gone');
    is(sqlstates($node, 'postgres', q{SET lock_timeout = '5s'; INSERT INTO post VALUES (3)}), '55P03', 'who wants to wait no longer gets an error');
}
$node->safe_psql('postgres', q{COMMIT PREPARED 'locks'; DROP TRIGGER at_once ON actstream.actions});

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
