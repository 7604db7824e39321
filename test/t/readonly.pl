# Readers read and do nothing else: they run in a READ ONLY transaction, where
# they take no lock but those of any query, and on a standby, where they find
# what they find on the primary.  Writers say that they cannot (25006).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use PostgreSQL::Test::BackgroundPsql;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# The final function of a feed is called by the aggregate.
sub feed
{
    my ($aggregate) = @_;

    return qq{SELECT actstream.$aggregate(a, 'tag:example.org,2026:s', 'T', 'http://example.org' ORDER BY a.id)
              FROM actstream.public_stream() a};
}

# A query for each STABLE function, which returns at least one row.
my %readers = (
    ref_of => 'SELECT actstream.ref_of(p) FROM person p',
    current_actor => q{SELECT coalesce(actstream.current_actor()::text, 'nobody')},
    object_exists => q{SELECT actstream_internal.object_exists('person:1')},
    object_type_fault => q{SELECT coalesce(actstream_internal.object_type_fault('person'), 'none')},
    template_fault => q{SELECT actstream_internal.template_fault('{nobody}', 'person')},
    found_indexes => q{SELECT index FROM actstream_internal.found_indexes('actstream.actions')},
    free_name => q{SELECT actstream_internal.free_name('actions')},
    change_triggers => 'SELECT * FROM actstream_internal.change_triggers()',
    changes_are_recorded => 'SELECT actstream_internal.changes_are_recorded()',
    table_parts => 'SELECT part FROM actstream_internal.table_parts() WHERE present',
    require_tables => 'SELECT actstream_internal.require_tables() IS NOT NULL',
    integrity_check => 'SELECT count(*) FROM actstream.integrity_check()',
    tracked => 'SELECT t.*, t.problem IS NULL FROM actstream.tracked() t',
    is_following => q{SELECT actstream.is_following('person:1', 'person:2')},
    followers => q{SELECT actstream.followers('person:2')},
    which_followed => q{SELECT actstream.which_followed('person:1', '{person:1,person:2}')},
    audience => q{SELECT actstream.audience(a) FROM actstream.actions a},
    follower_counts => q{SELECT * FROM actstream.follower_counts('{person:2}')},
    following_counts => q{SELECT * FROM actstream.following_counts('{person:1}')},
    wrong_counts => q{SELECT count(*) FROM actstream_internal.wrong_counts()},
    is_muted => q{SELECT actstream.is_muted('person:3', a) FROM actstream.actions a},
    following => q{SELECT actstream.following('person:1', NULL, '{person}')},
    public_stream => 'SELECT * FROM actstream.public_stream()',
    actor_stream => q{SELECT * FROM actstream.actor_stream('person:1')},
    target_stream => q{SELECT * FROM actstream.target_stream('person:2')},
    action_object_stream => q{SELECT * FROM actstream.action_object_stream('web:1')},
    any_stream => q{SELECT * FROM actstream.any_stream('person:2')},
    model_stream => q{SELECT * FROM actstream.model_stream('web')},
    stream_of => q{SELECT * FROM actstream.stream_of('{person:1,web:1}')},
    display_name => q{SELECT actstream.display_name('person:1')},
    display_all => q{SELECT * FROM actstream.display_all('{person:1,web:1}')},
    url => q{SELECT actstream.url('person:1')},
    expand => q{SELECT actstream.expand('person:1')},
    expand_all => q{SELECT * FROM actstream.expand_all('{person:1,web:1,person:2}')},
    timesince => q{SELECT actstream.timesince('2026-01-01', '2026-01-03')},
    sentence => q{SELECT actstream.sentence(a, a."timestamp", l) FROM actstream.actions a, unnest('{en,de}'::text[]) l},
    sentence_html => q{SELECT actstream.sentence_html(a, a."timestamp") FROM actstream.actions a},
    sentence_parts => q{SELECT actstream.sentence_parts(a, a."timestamp") FROM actstream.actions a},
    sentences => q{SELECT s.sentence FROM actstream.sentences(ARRAY(SELECT a FROM actstream.public_stream() a)) s},
    notifications => q{SELECT (n.action).id, n.seen, n.read FROM actstream.notifications('person:1') n},
    current_notifications => q{SELECT n.read FROM actstream_internal.current_notifications('person:1', '', NULL, NULL, NULL) n},
    archived_notifications => q{SELECT n.read FROM actstream_internal.archived_notifications('person:2', '', NULL, NULL, NULL) n},
    notices => q{SELECT n.id, n.read FROM actstream_internal.notices('person:1', '', NULL, NULL, NULL) n},
    unread => q{SELECT (n.action).id, n.seen, n.read FROM actstream.unread('person:1') n},
    unread_below => q{SELECT n.read FROM actstream_internal.unread_below('person:1', 'mail', NULL) n},
    unread_count => q{SELECT actstream.unread_count('person:1')},
    unseen_count => q{SELECT actstream.unseen_count('person:1')},
    incarnation => q{SELECT actstream_internal.incarnation() IS NOT NULL},
    user_groups => q{SELECT g.verb, g.actions FROM actstream.user_groups('person:1') g},
    group_sentence => q{SELECT actstream.group_sentence(g, g.newest) FROM actstream.user_groups('person:1') g},
    group_sentence_html => q{SELECT actstream.group_sentence_html(g, g.newest) FROM actstream.user_groups('person:1') g},
    group_sentence_parts => q{SELECT actstream.group_sentence_parts(g, g.newest) FROM actstream.user_groups('person:1') g},
    group_sentences => q{SELECT s.sentence FROM actstream.group_sentences(ARRAY(SELECT g FROM actstream.user_groups('person:1') g)) s},
    groups_of => q{SELECT g.verb, g.actions FROM actstream.groups_of('{person:1,web:1}', by => '{verb}') g},
    activity_streams_2_groups_final => q{SELECT actstream.activity_streams_2_groups(g, 'tag:example.org,2026:x', 'T', 'https://example.org/') FROM actstream.groups_of('{person:1,web:1}') g},
    next_groups => q{SELECT * FROM (SELECT actstream_internal.next_groups(t, 1, 'person:1', 'met', NULL, NULL, '{verb}', '1 day', 3, NULL) FROM unnest('{2026-01-01,NULL}'::timestamptz[]) t) g},
    model_start => q{SELECT actstream_internal.model_start('web')},
    recency_stats => q{SELECT state <> '' FROM actstream.recency_stats()},
    atom_feed_final => feed('atom_feed'),
    rss_feed_final => feed('rss_feed'),
    activity_streams_1_final => feed('activity_streams_1'),
    activity_streams_2_final => feed('activity_streams_2'),
    user_stream => q{SELECT * FROM actstream.user_stream('person:1', with_user_activity => true)},
);

# STABLE, but about transactions that are given here: a standby knows nothing of these.
my %here_alone = (
    stream_position => 'SELECT actstream.stream_position()',
    changes_since => 'SELECT actstream.changes_since(actstream.stream_position())',
);

# A call of each VOLATILE function; it would succeed where one can write.
my %writers = (
    register => q{SELECT actstream.register('document')},
    register_external => q{SELECT actstream.register_external('elsewhere')},
    unregister => q{SELECT actstream.unregister('unused')},
    rebind => q{SELECT actstream.rebind('person', 'person')},
    act_send => q{SELECT actstream.act_send('person:1', 'sent')},
    follow => q{SELECT actstream.follow('person:3', 'person:1')},
    track => q{SELECT actstream.track('person', 'came', 'person:{id}')},
    untrack => q{SELECT actstream.untrack('thing', 'actstream_track')},
    create_tables => q{SELECT actstream.create_tables()},
    drop_binding => q{SELECT actstream_internal.drop_binding('person')},
    lock_tables => q{SELECT actstream_internal.lock_tables()},
    drop_tables => q{SELECT actstream.drop_tables()},
    unfollow => q{SELECT actstream.unfollow('person:1', 'person:2')},
    follow_many => q{SELECT actstream.follow_many('person:3', '{person:1}')},
    unfollow_many => q{SELECT actstream.unfollow_many('person:1', '{person:2}')},
    mark_all_seen => q{SELECT actstream.mark_all_seen('person:1')},
    mark_all_read => q{SELECT actstream.mark_all_read('person:1')},
    mark_read => q{SELECT actstream.mark_read('person:1', '{1}')},
    mark_unread => q{SELECT actstream.mark_unread('person:1', '{1}')},
    archive => q{SELECT actstream.archive('person:1', '{1}')},
    trim_marks => q{SELECT actstream.trim_marks()},
    trim_changes => q{SELECT actstream.trim_changes()},
    record_changes => q{SELECT actstream.record_changes(false)},
    note_gap => 'SELECT actstream_internal.note_gap()',
    recount_followers => q{SELECT actstream.recount_followers()},
    mute => q{SELECT actstream.mute('person:1', 'person:2')},
    unmute => q{SELECT actstream.unmute('person:3', 'person:2')},
    block => q{SELECT actstream.block('person:1', 'person:2')},
    unblock => q{SELECT actstream.unblock('person:1', 'person:2')},
);

my $primary = new_node('primary', init => [ allows_streaming => 1 ], conf => "shared_preload_libraries = 'actstream'");
my $standby = PostgreSQL::Test::Cluster->new('standby');

$primary->backup('backup');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;

install($primary, 'postgres', plain_streams(), <<'END');
CREATE TABLE person (id integer PRIMARY KEY, name text);
CREATE TABLE document (id uuid PRIMARY KEY);
CREATE TABLE thing (id integer PRIMARY KEY);
INSERT INTO person VALUES (1, 'Ann'), (2, 'Bob'), (3, 'Cid');
INSERT INTO thing VALUES (1);
SELECT actstream.register('person', name_template => '{name}', url_template => '/people/{id}'),
       actstream.register('thing'), actstream.track('thing', 'came', 'thing:{id}'),
       actstream.register_external('web', url_template => 'https://example.org/{key}'),
       actstream.register_external('unused');
SELECT actstream.follow('person:1', 'person:2', actor_only => false),
       actstream.follow('person:2', 'person:3', 'liking');
SELECT actstream.mute('person:3', 'person:2');
INSERT INTO actstream.phrases VALUES ('de', 'liked', '{actor} mag {action_object}');
SELECT actstream.act_send('person:1', 'liked', 'web:1', 'person:2'),
       actstream.act_send('person:2', 'wrote', 'web:2', public => false),
       actstream.act_send('person:3', 'sent', 'web:3', 'person:2', data => '{"a": 1}', external_id => 'x');
SELECT actstream.archive('person:2', ARRAY(SELECT id FROM actstream.user_stream('person:2')));
SELECT actstream.mark_all_read('person:1', 'mail');
SELECT actstream.mark_unread('person:1', ARRAY(SELECT id FROM actstream.user_stream('person:1')), 'mail');
SELECT actstream.recency_build(), actstream.record_changes(true);
END
$primary->wait_for_catchup($standby);

# The names of the functions of the extension with that volatility.
sub functions_that_are
{
    my ($volatility) = @_;

    return [ split /\n/, $primary->safe_psql('postgres', qq{
        SELECT DISTINCT p.proname COLLATE "C"
        FROM pg_proc p JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
        WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
          AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'actstream')
          AND p.provolatile = '$volatility'
          AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype,
                                   'index_am_handler'::regtype)
        ORDER BY 1}) ];
}

# Give each function that is missing here a query above.
is_deeply([ sort keys %readers, keys %here_alone ], functions_that_are('s'), 'this test knows all STABLE functions');
is_deeply([ sort keys %writers, 'recency_build', 'set_actor' ], functions_that_are('v'), 'this test knows all VOLATILE functions');

foreach my $name (sort keys %readers)
{
    my $expected = $primary->safe_psql('postgres', $readers{$name});
    my ($status, $out, $err);

    isnt($expected, '', "$name returns something");

    ($status, $out, $err) = $standby->psql('postgres', $readers{$name});
    is("$status $out$err", "0 $expected", "$name on the standby");

    ($status, $out, $err) = $primary->psql('postgres', "BEGIN READ ONLY; $readers{$name};");
    is("$status $out$err", "0 $expected", "$name in a READ ONLY transaction");

    # where it could write
    is( $primary->safe_psql('postgres', qq{
            \\o /dev/null
            BEGIN;
            $readers{$name};
            \\o
            SELECT pg_current_xact_id_if_assigned(), locktype, mode FROM pg_locks
            WHERE pid = pg_backend_pid() AND mode <> 'AccessShareLock' AND locktype <> 'virtualxid'
               OR pg_current_xact_id_if_assigned() IS NOT NULL}),
        '', "$name takes no lock and no transaction id");
}

foreach my $name (sort keys %writers)
{
    is(sqlstates($standby, 'postgres', $writers{$name}), '25006', "$name on the standby");
    is(sqlstates($primary, 'postgres', "BEGIN READ ONLY; $writers{$name}"), '25006', "$name in a READ ONLY transaction");
}

foreach my $name (sort keys %here_alone)
{
    is(sqlstates($standby, 'postgres', $here_alone{$name}), '25006', "$name on the standby");
    is(sqlstates($primary, 'postgres', "BEGIN READ ONLY; $here_alone{$name}"), '', "$name in a READ ONLY transaction");
}

# A session of the standby has read the registry, and hears of its change.
{
    my $session = $standby->background_psql('postgres', on_error_stop => 0);
    my $query = 'SELECT actstream.ref_of(t) FROM thing t;';

    is($session->query($query), 'thing:1', 'a session of the standby reads the registry');
    $primary->safe_psql('postgres', q{SELECT actstream.unregister('thing'), actstream.register('thing', 'other')});
    $primary->wait_for_catchup($standby);
    is($session->query($query), 'other:1', 'it reads it anew when that has changed');

    $session->query('BEGIN ISOLATION LEVEL REPEATABLE READ;');
    is($session->query('SELECT count(*) FROM person;'), '3', 'a transaction has its snapshot');
    $primary->safe_psql('postgres', q{SELECT actstream.unregister('other'), actstream.register('thing')});
    $primary->wait_for_catchup($standby);
    is($session->query($query), 'thing:1', 'it reads the registry anew within the transaction');
    $session->query('COMMIT;');

    $query = q{SELECT actstream.sentence(a, language => 'de') FROM actstream.actions a WHERE verb = 'liked';};
    is($session->query($query), 'Ann mag web:1', 'it reads the phrases');
    $primary->safe_psql('postgres', q{UPDATE actstream.phrases SET pattern = '{action_object} gefällt {actor}'});
    $primary->wait_for_catchup($standby);
    is($session->query($query), 'web:1 gefällt Ann', 'it reads them anew when they have changed');
    $session->quit;
}

# What is restored by then is what the primary has.
foreach my $table (qw(object_types actions follows phrases))
{
    my $query = "COPY (SELECT t.* FROM actstream.$table t ORDER BY t::text) TO STDOUT";

    is($standby->safe_psql('postgres', $query), $primary->safe_psql('postgres', $query), "$table on the standby");
}

# Many index entries of dead rows: a standby has to leave them as they are, and the
# page is the same.
$primary->safe_psql('postgres', q{
    BEGIN;
    INSERT INTO actstream.actions (actor, verb, target)
    SELECT 'person:1', 'undone', 'person:2' FROM generate_series(1, 500);
    ROLLBACK});
$primary->wait_for_catchup($standby);
foreach my $stream (qw(public_stream actor_stream any_stream user_stream))
{
    my $expected = $standby->safe_psql('postgres', $readers{$stream} =~ s/actstream(?=\.\w+_stream)/plain/r);

    foreach my $time (qw(first second))
    {
        is($standby->safe_psql('postgres', $readers{$stream}), $expected, "$stream past dead rows on the standby, $time time");
    }
}

# Once it is promoted, one can write there, and the sequence goes on.  A transaction that began
# before cannot have a position: its snapshot does not tell what was in progress.
$primary->safe_psql('postgres', 'SELECT actstream.record_changes(true)');
$primary->wait_for_catchup($standby);
my $older = $standby->background_psql('postgres', on_error_stop => 0);
$older->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1;');
$standby->promote;
$older->query('\set VERBOSITY sqlstate');
$older->query('SELECT actstream.stream_position();');
like($older->{stderr}, qr/ERROR:  40001/, 'a transaction that began during recovery has no position');
$older->{stderr} = '';
$older->query('ROLLBACK;');
is($older->query('SELECT actstream.stream_position() IS NOT NULL;'), 't', '... the next one has');
$older->quit;
is( $standby->safe_psql('postgres', q{
        SELECT id > (SELECT max(id) FROM actstream.actions)
        FROM actstream.act_send('person:1', 'went on')}),
    't', 'after promotion, an action gets a new id');

$standby->stop;
$primary->stop;
done_testing();
