# Other modules in the same server, a pooler in front of it, and a copy of the
# database: the answers are the same.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', conf => 'cron.database_name = postgres');
my $tempdir = PostgreSQL::Test::Utils::tempdir_short();
my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
my $libdir = $node->config_data('--pkglibdir');
my @modules = grep { -e "$libdir/$_.so" } qw(pgaudit pg_stat_statements auto_explain pg_cron);

# What an application does, and what it is told.  Times are given, so that the
# answers are always the same.
my $setup = <<'END';
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
CREATE SCHEMA shop;
GRANT USAGE ON SCHEMA shop, actstream TO app;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.object_types, actstream.actions, actstream.follows, actstream.mutes, actstream.phrases TO app;
ALTER SCHEMA shop OWNER TO app;
SET ROLE app;
CREATE TABLE shop.person (id integer PRIMARY KEY, name text);
CREATE TABLE shop.orders (id integer PRIMARY KEY, person integer, at timestamptz) PARTITION BY RANGE (id);
CREATE TABLE shop.orders_1 PARTITION OF shop.orders FOR VALUES FROM (1) TO (100);
CREATE TABLE shop.orders_2 PARTITION OF shop.orders FOR VALUES FROM (100) TO (200);
END
my $script = <<'END';
SET ROLE app;
SET timezone = 'UTC';
SET actstream.tag_authority = 'example.org,2026';
SELECT label FROM actstream.register('shop.person', name_template => '{name}', url_template => '/{id}');
SELECT label FROM actstream.register('shop.orders', on_delete => 'set null');
SELECT actstream.track('shop.orders', 'ordered', 'person:{person}', timestamp_column => 'at', data_columns => '{person}');
INSERT INTO shop.person SELECT i, 'P' || i FROM generate_series(1, 20) i;
INSERT INTO shop.orders SELECT i, 1 + i % 20, timestamptz '2026-01-01 00:00+00' + i * interval '1 hour' FROM generate_series(1, 150) i;
SELECT count(actstream.act_send(actstream.ref('person', i % 20 + 1), 'met', NULL, actstream.ref('person', (i * 7) % 20 + 1), external_id => 'x' || i % 90,
                                "timestamp" => timestamptz '2026-01-01 00:00+00' + i * interval '1 day'))
FROM generate_series(1, 120) i;
SELECT count(actstream.follow(actstream.ref('person', i % 5 + 1), actstream.ref('person', i % 20 + 1), actor_only => i % 2 = 0,
                              "timestamp" => '2026-01-01 00:00+00')) FROM generate_series(1, 40) i;
SELECT actstream.act_send('person:99', 'met');
DELETE FROM shop.orders WHERE id < 20;
UPDATE shop.orders SET id = 199 WHERE id = 21;
DROP TABLE shop.orders_1;
SELECT array_agg(id) FROM actstream.user_stream('person:2', with_user_activity => true);
SELECT id, verb, actstream.sentence(a, '2026-12-01 00:00+00') FROM actstream.user_stream('person:1') a WHERE ("timestamp", id) < ('2026-02-01 00:00+00', 0) LIMIT 5;
SELECT array_agg(id) FROM actstream.any_stream('person:3');
SELECT s.id, o.id FROM shop.orders o, LATERAL (SELECT * FROM actstream.action_object_stream(actstream.ref_of(o)) LIMIT 1) s ORDER BY 2 LIMIT 5;
SELECT md5(actstream.atom_feed(a, 'tag:example.org,2026:s', 'T', 'http://example.org' ORDER BY a.id)::text) FROM actstream.public_stream() a;
SELECT md5(actstream.activity_streams_2(a, 'tag:example.org,2026:s', 'T', 'http://example.org' ORDER BY a.id)::text) FROM actstream.public_stream() a;
PREPARE page AS SELECT id FROM actstream.user_stream($1) LIMIT 3;
EXECUTE page('person:4');
EXECUTE page('person:5');
SELECT actstream.unfollow('person:1', 'person:6');
TRUNCATE shop.orders;
SELECT count(*), count(action_object) FROM actstream.actions;
RESET ROLE;
SELECT * FROM actstream.integrity_check();
END

# Which tables the object log of pgaudit names for a statement of an application.
sub audited
{
    my ($sql) = @_;
    my $start = -s $node->logfile;
    my %tables;

    $node->safe_psql('shop', "SET pgaudit.log = 'none'; SET ROLE app; $sql");
    %tables = map { $_ => 1 } substr(slurp_file($node->logfile), $start) =~ /AUDIT: OBJECT,\d+,\d+,READ,SELECT,TABLE,([\w.]+),/g;
    return join ' ', sort keys %tables;
}

# Does it all in a new database; returns the answers and the errors.
sub answers
{
    $node->safe_psql('postgres', 'DROP DATABASE IF EXISTS shop');
    $node->safe_psql('postgres', 'CREATE DATABASE shop');
    $node->safe_psql('shop', $setup);
    my (undef, $out, $err) = $node->psql('shop', $script, on_error_stop => 0);
    return $out . "\n" . join "\n", grep { /ERROR/ } split /\n/, $err;
}

# The object log names each table that a stream reads, if it is to.
sub audit_streams
{
    my ($name) = @_;
    my %reads = map { $_ => 'actstream.actions' } (
        'public_stream()', "actor_stream('person:1')", "target_stream('person:1')", "action_object_stream('person:1')",
        "any_stream('person:1')", "model_stream('person')", "stream_of('{person:1}')");

    $reads{"user_stream('person:2')"} = 'actstream.actions actstream.follows actstream.mutes';
    is(audited('SELECT count(*) FROM actstream.public_stream()'), '', "$name: pgaudit names no table that it is not told to");
    $node->safe_psql('shop', 'GRANT SELECT ON actstream.actions, actstream.follows, actstream.mutes TO auditor');
    foreach my $call (sort keys %reads)
    {
        is(audited("SELECT count(*) FROM actstream.$call"), $reads{$call}, "$name: pgaudit names what $call reads");
        is(audited("SELECT count(s) FROM (SELECT actstream.$call AS s) AS s"), $reads{$call}, "$name: and in a select list");
        is(audited("PREPARE p AS SELECT id FROM actstream.$call LIMIT 1; EXECUTE p"), $reads{$call}, "$name: and if it is prepared");
    }
    is(audited(q{SELECT count(*) FROM actstream.user_stream((SELECT 'person:2'::actstream.ref)) WHERE "timestamp" > now()}),
        'actstream.actions actstream.follows actstream.mutes', "$name: and where nothing is found");
    # rights are checked where a cursor is kept, too, when there is no statement any more
    $node->safe_psql('shop', 'SELECT actstream.record_changes(true)');
    is($node->safe_psql('shop', q{SELECT actstream.stream_position() AS position \gset
        BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT * FROM actstream.changes_since(:'position'); COMMIT; FETCH c}), '',
        "$name: nothing is new, for a cursor that is kept");
    $node->safe_psql('shop', 'SELECT actstream.record_changes(false)');
    $node->safe_psql('shop', 'REVOKE SELECT ON actstream.actions, actstream.follows, actstream.mutes FROM auditor');
    return;
}

sub preload
{
    $node->append_conf('postgresql.conf', "shared_preload_libraries = '" . join(',', @_) . "'");
    $node->restart;
}

$node->safe_psql('postgres', 'CREATE ROLE app LOGIN; CREATE ROLE auditor');
preload('actstream');
my $expected = answers();
note($expected);
cmp_ok(length $expected, '>', 700, 'there are answers');
is(() = $expected =~ /ERROR/g, 1, 'and one error, which is expected');

#
# Modules with hooks in the planner, the executor and utility statements.
#

SKIP:
{
    skip 'there are none of the modules', 1 if !@modules;
    diag('there is no pgaudit: not tried with it') if !grep { $_ eq 'pgaudit' } @modules;
    diag('there is no pg_cron: not tried with it') if !grep { $_ eq 'pg_cron' } @modules;
    $node->append_conf('postgresql.conf', <<'END');
pgaudit.log = 'all'
pgaudit.log_relation = on
pgaudit.log_parameter = on
pgaudit.role = 'auditor'
pg_stat_statements.track = 'all'
auto_explain.log_min_duration = 0
auto_explain.log_analyze = on
auto_explain.log_verbose = on
auto_explain.log_nested_statements = on
END

    foreach my $order ([ 'actstream', @modules ], [ @modules, 'actstream' ], [ reverse(@modules) ])
    {
        my $name = join ', ', @$order;
        my $log_start;    # the last order is without actstream, which is then loaded late

        preload(@$order);
        foreach my $module (grep { /pgaudit|pg_cron|statements/ } @modules)
        {
            $node->safe_psql('postgres', "CREATE EXTENSION IF NOT EXISTS $module");
        }
        $log_start = -s $node->logfile;
        is(answers(), $expected, "$name: the same answers");
        my $sent_start = -s $node->logfile;
        $node->safe_psql('shop', q{BEGIN; SELECT actstream.act_send('person:3', 'audited'); ROLLBACK});

        # they were at work
        my $log = substr(slurp_file($node->logfile), $log_start);
        foreach my $module (@modules)
        {
            like($log, qr/AUDIT: SESSION,.*actstream\.user_stream/, "$name: pgaudit has logged a stream") if $module eq 'pgaudit';
            audit_streams($name) if $module eq 'pgaudit';
            like(substr(slurp_file($node->logfile), $sent_start), qr/AUDIT: SESSION,.*WRITE,INSERT,TABLE,actstream\.action/,
                "$name: and an action that is sent") if $module eq 'pgaudit';
            like($log, qr/Custom Scan \(actstream Stream\)/, "$name: auto_explain has logged the scan of a stream") if $module eq 'auto_explain';
            cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_statements WHERE query LIKE '%actstream.user_stream%'}),
                '>', 0, "$name: pg_stat_statements has counted streams") if $module eq 'pg_stat_statements';
            is($node->safe_psql('postgres', q{SELECT cron.schedule('stream', '0 0 1 1 *', 'SELECT actstream.recency_build()') > 0}),
                't', "$name: pg_cron has a job") if $module eq 'pg_cron';
        }
        unlike($log, qr/PANIC|terminated by signal|TRAP/, "$name: no crash");
    }
}

# None of these looks at the paths of a relation, as we do: a module that does is
# asked, too, whether it comes first or last.
{
    my $include = $node->config_data('--includedir-server');
    my $module = "$tempdir/rel_hook.so";
    my $err;

    ok(IPC::Run::run([ $ENV{CC} || 'gcc', '-shared', '-fPIC', "-I$include", '-o', $module, "$FindBin::RealBin/../lib/rel_hook.c" ],
            '2>', \$err), 'a module with a hook of its own') or diag($err);
    chmod 0755, $module;
    foreach my $order ([ 'actstream', $module ], [ $module, 'actstream' ])
    {
        my $name = $order->[0] eq $module ? 'before ours' : 'after ours';
        my $log_start;

        preload(@$order);
        $log_start = -s $node->logfile;
        is(answers(), $expected, "$name: the same answers");
        like(substr(slurp_file($node->logfile), $log_start), qr/paths of "user_stream"/, "$name: it has been asked about a stream");
    }
}
preload('actstream');
is(answers(), $expected, 'the same answers without them again');

#
# A copy of the database.
#

foreach my $strategy ('wal_log', 'file_copy')
{
    my $query = q{SELECT (SELECT array_agg(id) FROM actstream.public_stream()), (SELECT array_agg(id) FROM actstream.user_stream('person:2'))};
    my $before = $node->safe_psql('shop', $query);

    $node->safe_psql('shop', 'SELECT actstream.recency_build()');
    $node->safe_psql('postgres', "CREATE DATABASE copy TEMPLATE shop STRATEGY $strategy");
    is($node->safe_psql('copy', $query), $before, "$strategy: the copy has the same streams");
    is($node->safe_psql('copy', 'SELECT * FROM actstream.integrity_check()'), '', "$strategy: all is as promised there");
    $node->safe_psql('copy', 'SELECT actstream.recency_build()');
    $node->safe_psql('copy', q{SELECT actstream.act_send('person:3', 'copied'), actstream.follow('person:2', 'person:3')});
    is($node->safe_psql('copy', q{SELECT verb FROM actstream.user_stream('person:2') WHERE verb = 'copied'}), 'copied', "$strategy: it goes its own way");
    is($node->safe_psql('copy', q{DELETE FROM shop.person WHERE id = 3; SELECT count(*) FROM actstream.any_stream('person:3')}), '0', "$strategy: its rules hold");
    is($node->safe_psql('shop', $query), $before, "$strategy: which the original does not notice");
    $node->safe_psql('postgres', 'DROP DATABASE copy');
}

#
# A pooler that gives one connection to many clients, a transaction each.
#

my ($pgbouncer) = grep { -x } '/usr/sbin/pgbouncer', map { "$_/pgbouncer" } split /:/, $ENV{PATH};
SKIP:
{
    skip 'pgbouncer is not installed', 1 if !$pgbouncer;

    my $port = $node->port;
    my $pooler;

    append_to_file("$tempdir/users.txt", qq{"app" ""\n"$superuser" ""\n});
    append_to_file("$tempdir/pgbouncer.ini", <<"END");
[databases]
shop = host=@{[ $node->host ]} port=$port dbname=shop
[pgbouncer]
listen_addr =
listen_port = $port
unix_socket_dir = $tempdir
auth_type = trust
auth_file = $tempdir/users.txt
pool_mode = transaction
default_pool_size = 1
ignore_startup_parameters = extra_float_digits
logfile = $tempdir/pgbouncer.log
END
    $pooler = IPC::Run::start([ $pgbouncer, '-q', "$tempdir/pgbouncer.ini" ], '>', "$tempdir/out", '2>&1');

    # Each call is a client; returns what it is told, and errors as SQLSTATE.
    my $client = sub {
        my ($sql) = @_;
        my ($out, $err);

        IPC::Run::run([ 'psql', '-X', '-A', '-t', '-q', '-h', $tempdir, '-p', $port, '-U', 'app', '-d', 'shop', '-v', 'VERBOSITY=sqlstate' ],
            '<', \$sql, '>', \$out, '2>', \$err);
        return join ' ', split /\n/, $out . ($err =~ s/^.*(ERROR:)/$1/mgr);
    };

    # until it answers
    foreach (1 .. 300)
    {
        last if IPC::Run::run([ 'pg_isready', '-q', '-h', $tempdir, '-p', $port ]);
        select undef, undef, undef, 0.1;
    }
    my $pid = $client->('SELECT pg_backend_pid();');
    like($pid, qr/^\d+$/, 'pgbouncer answers') or diag(slurp_file("$tempdir/pgbouncer.log"));

    # who acts is forgotten at the end of the transaction
    $client->(q{CREATE TABLE shop.note (id integer PRIMARY KEY); SELECT actstream.register('shop.note'); SELECT actstream.track('shop.note', 'noted');});
    is($client->(q{BEGIN; SELECT actstream.set_actor('person:1'); INSERT INTO shop.note VALUES (1); COMMIT; SELECT pg_backend_pid();}) =~ s/\s//gr,
        $pid, 'a client says who acts, within its transaction');
    is($client->(q{SELECT actstream.current_actor() IS NULL;}), 't', 'the next client on that connection is nobody');
    is($client->(q{INSERT INTO shop.note VALUES (2);}), 'ERROR:  23502', 'and cannot act as the one before');
    is($client->(q{SELECT actor, verb FROM actstream.action_object_stream('note:1');}),
        'person:1|noted', 'the action is that of the first');
    # what is said for the session stays on the connection: why it is not the default
    $client->(q{SELECT actstream.set_actor('person:2', false);});
    is($client->(q{SELECT actstream.current_actor(), pg_backend_pid();}), "person:2|$pid", 'is_local => false is handed on');
    is($client->(q{SELECT actstream.set_actor(NULL, false); SELECT actstream.current_actor() IS NULL;}) =~ s/\s//gr, 't', 'until somebody takes it back');

    # lists of follows are kept by the connection, and are those of each client
    my $stream = q{SELECT array_agg(id) FROM (SELECT id FROM actstream.user_stream('%s') LIMIT 10) s;};
    foreach my $follower ('person:4', 'person:5', 'person:4')
    {
        is($client->(sprintf $stream, $follower), $node->safe_psql('shop', sprintf $stream, $follower), "the stream of $follower");
    }
    $client->(q{SELECT actstream.follow('person:4', 'note:1', actor_only => false);});
    is($client->(q{SELECT verb FROM actstream.user_stream('person:4') WHERE verb = 'noted';}), 'noted', 'a follow of one client counts for the next');
    $node->safe_psql('shop', q{SELECT actstream.unfollow('person:4', 'note:1')});
    is($client->(q{SELECT verb FROM actstream.user_stream('person:4') WHERE verb = 'noted';}), '', 'and so does what happens elsewhere');

    # statements that are prepared by one transaction are there for the next
    $client->(q{PREPARE one AS SELECT id FROM actstream.user_stream($1) LIMIT 1;});
    is($client->(q{EXECUTE one('person:5');}), $node->safe_psql('shop', q{SELECT id FROM actstream.user_stream('person:5') LIMIT 1}), 'a prepared statement');
    $node->safe_psql('shop', 'REVOKE SELECT ON actstream.follows FROM app');
    is($client->(q{EXECUTE one('person:5');}), 'ERROR:  42501', 'asks for rights anew');
    $node->safe_psql('shop', 'GRANT SELECT ON actstream.follows, actstream.mutes TO app');

    # by the extended protocol, many at once
    my ($out, $err);
    append_to_file("$tempdir/page.sql", "\\set n random(1, 5)\nSELECT id FROM actstream.user_stream(actstream.ref('person', :n)) LIMIT 5;\n"
          . "BEGIN;\nSELECT actstream.set_actor(actstream.ref('person', :n));\n"
          . "SELECT 1 / (actstream.current_actor() = actstream.ref('person', :n))::int;\nCOMMIT;\n");
    ok(IPC::Run::run([ 'pgbench', '-n', '-M', 'extended', '-c', '5', '-t', '100', '-f', "$tempdir/page.sql", '-h', $tempdir, '-p', $port, '-U', 'app', 'shop' ],
            '>', \$out, '2>', \$err), 'five clients at once, each its own actor') or diag($err);

    $pooler->signal('INT');
    $pooler->finish;
}

#
# What extensions bring for tables of an owner who is not trusted: access methods work, functions that
# execute what they are told do not.
#

SKIP:
{
    skip 'no contrib modules here', 3 if grep { !-e "$libdir/$_.so" } qw(bloom tablefunc dict_snowball);

    $node->safe_psql('postgres', 'CREATE DATABASE brought');
    $node->safe_psql('brought', <<'END_OF_BROUGHT');
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
CREATE EXTENSION bloom;
CREATE EXTENSION tablefunc;
CREATE ROLE bringer;
CREATE ROLE guest;
GRANT USAGE ON SCHEMA actstream TO guest;
CREATE TABLE thing (id integer PRIMARY KEY, name text, a integer);
INSERT INTO thing VALUES (1, 'Thing', 1);
CREATE INDEX ON thing USING bloom (a);
SELECT actstream.register('thing', name_template => '{name}');
ALTER TABLE thing OWNER TO bringer;
GRANT SELECT ON thing TO guest;
END_OF_BROUGHT
    my $name = sub {
        my ($policy) = @_;

        $node->safe_psql('brought', "ALTER TABLE thing ENABLE ROW LEVEL SECURITY; DROP POLICY IF EXISTS p ON thing; CREATE POLICY p ON thing USING ($policy)") if $policy;
        return $node->safe_psql('brought', q{SET client_min_messages = error; SET ROLE guest; SELECT actstream.display_name('thing:1')});
    };
    is($name->(), 'Thing', 'a table with an index of another access method');
    is($name->(q{to_tsvector('english', name) @@ to_tsquery('english', 'things')}), 'Thing', 'a policy that searches text');
    is($name->(q{EXISTS (SELECT FROM crosstab('SELECT ''a'', ''b'', 1::text') AS t (a text, b text))}), 'thing:1', 'one with a function that executes a text');
}

#
# A partition that is in another database: a row that moves there is still one that
# changes.
#

SKIP:
{
    skip 'no postgres_fdw here', 1 unless -e "$libdir/postgres_fdw.so";

    $node->safe_psql('postgres', 'CREATE DATABASE elsewhere; CREATE DATABASE here');
    $node->safe_psql('elsewhere', 'CREATE TABLE far (id integer, note text)');
    $node->safe_psql('here', sprintf <<'END', $node->host, $node->port);
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
CREATE EXTENSION postgres_fdw;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '%s', port '%s', dbname 'elsewhere');
CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere;
CREATE TABLE item (id integer, note text) PARTITION BY RANGE (id);
CREATE TABLE near PARTITION OF item FOR VALUES FROM (1) TO (10);
CREATE FOREIGN TABLE far PARTITION OF item FOR VALUES FROM (10) TO (100) SERVER elsewhere;
-- read by a policy of an owner who is not trusted
CREATE ROLE keeper;
CREATE ROLE visitor;
GRANT USAGE ON SCHEMA actstream TO visitor;
CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS (password_required 'false');
ALTER SERVER elsewhere OPTIONS (ADD use_remote_estimate 'true');
CREATE TABLE reaching (id integer PRIMARY KEY, name text);
INSERT INTO reaching VALUES (1, 'Reached');
SELECT actstream.register('reaching', name_template => '{name}');
ALTER TABLE reaching ENABLE ROW LEVEL SECURITY;
CREATE POLICY far ON reaching USING (NOT EXISTS (SELECT FROM far WHERE id < 0));
GRANT SELECT ON far, reaching TO visitor, keeper;
ALTER TABLE reaching OWNER TO keeper;
SELECT actstream.register_external('item'),
       actstream.track('item', 'happened', 'item:{id}', NULL, events => '{insert,update,delete}', data_columns => '{id,note}'),
       actstream.track('item', 'grew', 'item:{id}', NULL, events => '{update}', condition => 'NEW.id > OLD.id');
INSERT INTO item VALUES (1, 'a'), (2, 'b'), (11, 'far');
UPDATE item SET id = id + 20 WHERE id < 10;
BEGIN;
INSERT INTO item VALUES (3, 'c');
UPDATE item SET id = 13 WHERE id = 3;
INSERT INTO item VALUES (14, 'd'), (15, 'e');
COMMIT;
END
    is($node->safe_psql('here', q{SELECT string_agg(actor || ' ' || verb || coalesce(' ' || data::text, ''), E'\n' ORDER BY id) FROM actstream.actions}),
        join("\n",
            'item:1 happened {"id": 1, "note": "a"}',
            'item:2 happened {"id": 2, "note": "b"}',
            'item:11 happened {"id": 11, "note": "far"}',
            'item:21 happened {"id": [1, 21], "note": ["a", "a"]}',
            'item:21 grew',
            'item:22 happened {"id": [2, 22], "note": ["b", "b"]}',
            'item:22 grew',
            'item:3 happened {"id": 3, "note": "c"}',
            'item:13 happened {"id": [3, 13], "note": ["c", "c"]}',
            'item:13 grew',
            'item:14 happened {"id": 14, "note": "d"}',
            'item:15 happened {"id": 15, "note": "e"}'),
        'rows that move to a foreign partition');
    is($node->safe_psql('here', q{SET client_min_messages = error; SET ROLE visitor; SELECT name FROM reaching; SELECT postgres_fdw_disconnect_all(); SELECT actstream.display_name('reaching:1'); SELECT count(*) FROM postgres_fdw_get_connections()}),
        "Reached\nt\nreaching:1\n0", 'a foreign table is not connected to for who reads a name');
}

$node->stop;
done_testing();
