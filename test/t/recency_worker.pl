# The recency map where it is built: by a worker that nothing stops, from rows that
# lack what they should have, in a database that is not the one that had its OID
# before, and by a server that has no memory for it, or not for all sessions.

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
restart_after_crash = off
END_OF_SETTINGS

# An object has acted, and somebody who follows it, and others, does not see more.
my @set_up = (plain_streams(), <<'END_OF_SETUP');
SELECT actstream.register_external('o');
INSERT INTO actstream.actions (actor, verb, target, "timestamp")
SELECT actstream.ref('o', i), 'did', 'o:1', timestamptz '2026-01-01 00:00+00' + i * interval '1 minute' FROM generate_series(1, 1000) AS i;
INSERT INTO actstream.follows (follower, followee) SELECT 'o:5001', actstream.ref('o', i) FROM generate_series(1, 10) AS i;
END_OF_SETUP
my $stream = q{SELECT count(*) FROM (SELECT id FROM actstream.user_stream('o:5001') LIMIT 20) AS s};
my $state = 'SELECT state FROM actstream.recency_stats()';

sub sql
{
    my ($database, @sql) = @_;

    return $node->safe_psql($database, join ';', @sql);
}

sub completes
{
    my ($database, $name) = @_;

    sql($database, $stream);
    ok($node->poll_query_until($database, "SELECT state = 'complete' FROM actstream.recency_stats()"), $name);
    return;
}

#
# Settings that stop what takes long
#

my @names = split /\n/, sql('postgres', q{SELECT name FROM pg_settings WHERE name IN
    ('statement_timeout', 'transaction_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout')});

sql('postgres', 'CREATE DATABASE limited');
install($node, 'limited', @set_up);
sql('postgres', "ALTER DATABASE limited SET $_ = '1ms'") foreach @names;
sql('postgres', 'ALTER DATABASE limited SET default_transaction_isolation = serializable');
# what stops transactions would stop connections, too, before their own settings are read
$node->append_conf('postgresql.conf', join '', map { "$_ = '1ms'\n" } grep { $_ ne 'transaction_timeout' } @names);
$node->restart;
{
    local $ENV{PGOPTIONS} = join ' ', '-c default_transaction_isolation=read\ committed', map { "-c $_=0" } @names;
    completes('limited', 'timeouts do not stop the worker');
}
$node->append_conf('postgresql.conf', join '', map { "$_ = 0\n" } @names);
$node->restart;

#
# A database in which nobody has read a stream, and no map is
#

sql('postgres', 'CREATE DATABASE unread');
install($node, 'unread');
sql('unread', 'CREATE TABLE archive (LIKE actstream.actions INCLUDING ALL)', q{INSERT INTO archive SELECT 1, now(), true, 'o:1', 'did'});
sql('unread', 'ALTER TABLE actstream.actions RENAME TO actions_before',
    q{SET session_replication_role = replica}, q{INSERT INTO actstream.actions_before (actor, verb) VALUES ('o:1', 'did')});
is(sql('unread', 'SELECT (SELECT count(*) FROM archive) + (SELECT count(*) FROM actstream.actions_before)'), 2, 'tables that have the index, where there is no map');

#
# The worker is a superuser, and runs nothing of the owner of the tables
#

sql('postgres', 'CREATE DATABASE owned');
install($node, 'owned', @set_up);
sql('owned', 'CREATE ROLE climber', 'ALTER TABLE actstream.actions OWNER TO climber', 'GRANT CREATE ON SCHEMA public, actstream TO climber', 'GRANT USAGE ON SCHEMA actstream TO climber', 'GRANT SELECT ON actstream.follows, actstream.mutes TO climber');
sql('owned', <<'END_OF_SQL');
CREATE FUNCTION climb() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        ALTER ROLE climber SUPERUSER;
    END IF;
    RETURN true;
END
$$;
CREATE FUNCTION hidden(i integer) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN climb(); END';
SET ROLE climber;
CREATE INDEX ON actstream.actions USING actstream_recency (actor, target, action_object, public, "timestamp") WHERE hidden(1);
DROP INDEX actstream.actions_actor_idx;
CREATE INDEX ON actstream.actions (actor, public, "timestamp", id) WHERE hidden(2);
CREATE INDEX ON actstream.actions (actor, public, "timestamp", id);
END_OF_SQL
$node->restart;
sql('owned', 'SET ROLE climber', $stream);
ok($node->poll_query_until('owned', "SELECT state = 'complete' FROM actstream.recency_stats()"), 'the worker completes the map of such a table');
is(sql('owned', q{SELECT rolsuper FROM pg_roles WHERE rolname = 'climber'}), 'f', 'whose owner has no more rights than before');
sql('owned', 'DROP EXTENSION actstream CASCADE', 'DROP OWNED BY climber', 'DROP ROLE climber');

#
# The library by an absolute path
#

SKIP:
{
    my $loaded = '';
    my $pid = sql('postgres', 'SELECT pid FROM pg_stat_activity WHERE backend_type = \'checkpointer\'');

    if (open my $maps, '<', "/proc/$pid/maps")
    {
        while (my $line = <$maps>) { $loaded = $1 if $line =~ m{(/\S+/actstream\.\w+)$}; }
        close $maps;
    }
    skip 'it is not known which file was loaded', 1 if $loaded eq '';
    skip 'functions would be of another file, too', 1 if sql('postgres', 'SHOW server_version_num') >= 180000;

    # another one is the first that the server finds
    my $folder = PostgreSQL::Test::Utils::tempdir();
    my $name = $loaded =~ s{.*/}{}r;
    PostgreSQL::Test::Utils::system_or_bail('cp', $loaded, "$folder/$name");
    my $path = sql('postgres', 'SHOW dynamic_library_path');
    $node->append_conf('postgresql.conf', <<"END_OF_SETTINGS");
shared_preload_libraries = '$loaded'
dynamic_library_path = '$folder:$path'
END_OF_SETTINGS
    $node->restart;
    install($node, 'postgres', @set_up);
    completes('postgres', 'the worker has the library that was preloaded');
    $node->append_conf('postgresql.conf', "shared_preload_libraries = 'actstream'\ndynamic_library_path = '$path'");
    $node->restart;
}
sql('postgres', 'DROP EXTENSION IF EXISTS actstream CASCADE');
install($node, 'postgres', @set_up);

#
# Rows without what they should have
#

sql('postgres', <<'END_OF_SQL');
DROP INDEX actstream.actions_target_idx;
CREATE INDEX actions_target_idx ON actstream.actions (target, public, "timestamp", id);
ALTER TABLE actstream.actions ALTER actor DROP NOT NULL, ALTER public DROP NOT NULL, ALTER "timestamp" DROP NOT NULL, ALTER verb DROP NOT NULL;
SET session_replication_role = replica;
INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ('o:2', 'without target', '2026-02-01');
INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES (NULL, 'without actor', '2026-02-02');
INSERT INTO actstream.actions (actor, verb, public, "timestamp") VALUES ('o:3', 'perhaps public', NULL, '2026-02-03');
INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ('o:4', 'without time', NULL), (NULL, NULL, NULL);
BEGIN;
INSERT INTO actstream.actions (actor, verb, target, "timestamp") VALUES (NULL, 'without actor', 'o:1', '2026-02-02');
ROLLBACK;
END_OF_SQL
is(sql('postgres', 'SELECT actstream.recency_build() > 0'), 't', 'the map is built');
$node->restart;
completes('postgres', 'and by the worker');
foreach my $stream (q{user_stream('o:5001')}, q{any_stream('o:1')}, q{any_stream('o:3')}, q{model_stream('o')}, 'public_stream()')
{
    is(sql('postgres', qq{SELECT array_agg(id) FROM (SELECT id FROM actstream.$stream WHERE "timestamp" IS NOT NULL LIMIT 20) AS s}),
        sql('postgres', qq{SELECT array_agg(id) FROM (SELECT id FROM plain.$stream WHERE "timestamp" IS NOT NULL LIMIT 20) AS s}), $stream);
}
sql('postgres', <<'END_OF_SQL');
ALTER TABLE actstream.follows DROP CONSTRAINT follows_pkey;
CREATE UNIQUE INDEX follow_idx ON actstream.follows (follower, followee, flag) INCLUDE (actor_only, started, verbs);
ALTER TABLE actstream.follows ALTER follower DROP NOT NULL, ALTER followee DROP NOT NULL, ALTER flag DROP NOT NULL,
    ALTER actor_only DROP NOT NULL, ALTER started DROP NOT NULL;
INSERT INTO actstream.follows (follower, followee, flag, actor_only, started) VALUES ('o:5001', NULL, '', true, now()), (NULL, 'o:1', '', true, now()),
    ('o:5001', 'o:500', NULL, true, '2026-01-01'), ('o:5001', 'o:501', '', NULL, '2026-01-01'), ('o:5001', 'o:502', '', false, NULL);
END_OF_SQL
foreach my $args (q{'o:5001'}, q{'o:5001', ''}, q{'o:5001', NULL, false, true})
{
    is(sql('postgres', "SELECT array_agg(id) FROM (SELECT id FROM actstream.user_stream($args)) AS s"),
        sql('postgres', "SELECT array_agg(id) FROM (SELECT id FROM plain.user_stream($args)) AS s"), "user_stream($args), of such follows");
}

#
# Another database of the same OID, and the same database
#

my $create = 'CREATE DATABASE live OID = 777777 TEMPLATE golden';
sql('postgres', 'CREATE DATABASE golden');
install($node, 'golden', @set_up);
sql('postgres', $create);
sql('live', 'SELECT actstream.recency_build()');
is(sql('live', $state), 'complete', 'a database');
sql('postgres', 'DROP DATABASE live');
sql('golden', q{INSERT INTO actstream.actions (actor, verb, "timestamp")
    SELECT actstream.ref('o', 2000 + i), 'did', timestamptz '2026-01-01 00:00+00' + i * interval '1 minute' FROM generate_series(1, 1000) AS i;
    INSERT INTO actstream.follows (follower, followee) SELECT 'o:5002', actstream.ref('o', 2000 + i) FROM generate_series(1, 10) AS i});
sql('postgres', $create);
is(sql('live', $state), 'incomplete', 'another one of the same OID');
is(sql('live', q{SELECT count(*) FROM (SELECT id FROM actstream.user_stream('o:5002') LIMIT 20) AS s}), 10, 'has what is in it');
sql('live', 'SELECT actstream.recency_build()') if sql('live', $state) eq 'incomplete';
ok($node->poll_query_until('live', "SELECT state = 'complete' FROM actstream.recency_stats()"), 'and a map of its own');
is(sql('live', q{SELECT count(*) FROM (SELECT id FROM actstream.user_stream('o:5002') LIMIT 20) AS s}), 10, 'which has it, too');
sql('postgres', 'ALTER DATABASE live CONNECTION LIMIT 100');
completes('live', 'after it was altered');
is(sql('live', q{SELECT count(*) FROM (SELECT id FROM actstream.user_stream('o:5002') LIMIT 20) AS s}), 10, 'it has the same');

#
# Memory that cannot be had
#

SKIP:
{
    skip 'the memory is made when the server starts', 1 if sql('postgres', 'SHOW server_version_num') < 170000;
    skip 'there is no shell that limits what a file takes', 1 if $windows_os;
    $node->append_conf('postgresql.conf', "shared_preload_libraries = ''\nactstream.recency_map_size = '1GB'");
    $node->stop;
    # files as large as a segment of the WAL, and not as the map
    PostgreSQL::Test::Utils::system_or_bail('sh', '-c', 'ulimit -f 131072 && exec pg_ctl --wait --pgdata "$0" --log "$1" start',
        $node->data_dir, $node->logfile);
    $node->_update_pid(1);
    foreach my $session (1 .. 2)
    {
        my ($status, $out, $warnings) = $node->psql('postgres', join(';', q{SELECT verb FROM actstream.act_send('o:1', 'sent')},
            q{INSERT INTO actstream.actions (actor, verb) VALUES ('o:1', 'stored')}, $stream, $state));

        is($status, 0, "session $session");
        my $rows = sql('postgres', $stream =~ s/actstream(?=\.user_stream)/plain/r);
        is($out, "sent\n$rows\nno memory", 'writes, and reads');
        # it is noted for the next ones
        is(scalar(() = $warnings =~ /WARNING:  actstream runs without shared memory/g), $session == 1 ? 1 : 0, 'and the first is warned');
    }
    $node->stop;
    $node->start;
    completes('postgres', 'where there is memory, there is the map');
}

# Memory that one session has, and another one cannot get: nobody relies on it then.
SKIP:
{
    skip 'the memory is made when the server starts', 1 if sql('postgres', 'SHOW server_version_num') < 170000;
    skip 'the memory is in no files that can be seen', 1
        if sql('postgres', 'SHOW dynamic_shared_memory_type') ne 'posix' || !-e '/proc/self/maps';

    sql('postgres', 'CREATE DATABASE halves');
    install($node, 'halves', @set_up, <<'END_OF_SQL');
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT actstream.ref('o', 10000 + i), 'did', timestamptz '2026-06-01 00:00+00' + i * interval '1 minute' FROM generate_series(1, 3000) AS i;
INSERT INTO actstream.follows (follower, followee) SELECT 'o:5001', actstream.ref('o', i) FROM generate_series(11, 400) AS i;
END_OF_SQL
    my $having = $node->background_psql('halves');
    my $lacking = $node->background_psql('halves');
    my $first = q{SELECT verb FROM actstream.user_stream('o:5001') LIMIT 1};

    like($having->query_safe('SELECT actstream.recency_build()'), qr/^\d+$/, 'a session has the memory');
    is($having->query_safe("$first; $first; $state"), "did\ndid\ncomplete", 'and reads with it');
    $lacking->query_safe('SELECT 1');
    my %files = map { m{\s(/dev/shm/PostgreSQL\.\d+)$} ? ($1 => 1) : () }
        split /\n/, slurp_file('/proc/' . $having->query_safe('SELECT pg_backend_pid()') . '/maps');
    chmod 0, keys %files;
    # it says so, which is no error
    my ($out) = $lacking->query(q{INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ('o:1', 'acted', '2027-01-01');
        INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ('o:7777', 'sang', '2027-01-02'); } . $state);
    is($out, 'no memory', 'another one has not, but writes');
    is($having->query_safe($first), 'acted', 'which is not lost to the first');
    ($out) = $lacking->query(q{INSERT INTO actstream.follows (follower, followee) VALUES ('o:5001', 'o:7777')});
    is($having->query_safe($first), 'sang', 'nor is a follow');
    is($having->query_safe($state), 'no memory', 'which does without now');
    chmod 0600, keys %files;
    is(sql('halves', $state), 'no memory', 'as all do until the server starts again');
    $_->quit foreach $having, $lacking;
    $node->restart;
    sql('halves', $stream);
    ok($node->poll_query_until('halves', "SELECT state = 'complete' FROM actstream.recency_stats()"), 'and then they have it');
}

#
# A command has locked an index, as DROP EXTENSION does before it locks the table: the worker
# does not wait for it, which could make a deadlock, but comes again later
#

sql('postgres', 'CREATE DATABASE locked');
install($node, 'locked', @set_up);
$node->append_conf('postgresql.conf', "log_min_messages = debug1\n");
$node->restart;
{
    my $reader = $node->background_psql('locked');
    my $locker = $node->background_psql('locked');

    # a plan that is there needs no lock on that index
    $reader->query_safe("SET plan_cache_mode = force_generic_plan; PREPARE page AS $stream; EXPLAIN EXECUTE page");
    $locker->query_safe('BEGIN; REINDEX INDEX actstream.actions_track_recency_idx');
    my $offset = -s $node->logfile;
    is($reader->query_safe('EXECUTE page'), 10, 'a stream without its map');
    ok($node->wait_for_log(qr/background worker "actstream recency map" \(PID \d+\) exited with exit code 0/, $offset),
        'the worker does not wait for an index that is locked');
    $locker->query_safe('ROLLBACK');
    is(sql('locked', $state), 'incomplete', 'and has built nothing');
    ok($node->poll_query_until('locked', "SELECT ($stream) = 10 AND state = 'complete' FROM actstream.recency_stats()"), 'the next one does');
    $_->quit foreach $reader, $locker;
}

done_testing();
