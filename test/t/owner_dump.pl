# What a role that is no superuser can dump and restore, as docs/security.md says.

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
my $tempdir = PostgreSQL::Test::Utils::tempdir();

$node->init;
$node->start;

# Runs a program as a role, the application's unless another is named; returns
# what it says of errors, nothing if it succeeds.
sub run_as
{
    my ($role, @command) = @_;
    my ($out, $err);

    local $ENV{PGUSER} = $role;
    IPC::Run::run(\@command, '>', \$out, '2>', \$err) or return $err || 'failed';
    return $err;
}

my $superuser = $node->safe_psql('postgres', 'SELECT current_user');

# The databases belong to the application; the extension to a superuser.
sub create_database
{
    my ($database) = @_;

    $node->safe_psql('postgres', "CREATE DATABASE $database OWNER app");
}

sub grant
{
    my ($database) = @_;

    $node->safe_psql($database, <<'END');
GRANT USAGE ON SCHEMA actstream TO app;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.object_type, actstream.action, actstream.follow, actstream.phrase TO app;
GRANT SELECT, UPDATE ON SEQUENCE actstream.action_id_seq TO app;
END
}

sub contents_of
{
    my ($database) = @_;

    return $node->safe_psql($database, join "\n\\echo\n", map { "COPY (SELECT t.* FROM $_ t ORDER BY t::text COLLATE \"C\") TO STDOUT;" }
        'actstream.object_type', 'actstream.action', 'actstream.follow', 'actstream.phrase', 'shop.person', 'shop.orders',
        '(SELECT last_value FROM actstream.action_id_seq)', 'actstream.user_stream(\'person:1\')', 'actstream.integrity_check()');
}

$node->safe_psql('postgres', 'CREATE ROLE app LOGIN');
create_database('source');
$node->safe_psql('source', 'CREATE EXTENSION actstream');
grant('source');
is( run_as('app', 'psql', '-X', '-q', '-o', "$tempdir/out", '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('source'), '-c', <<'END'), '', 'the application begins');
CREATE SCHEMA shop;
CREATE TABLE shop.person (id integer PRIMARY KEY, name text);
CREATE TABLE shop.orders (id integer PRIMARY KEY, person integer);
SELECT actstream.register('shop.person', name_template => '{name}'), actstream.register('shop.orders'),
       actstream.track('shop.orders', 'ordered', 'person:{person}');
INSERT INTO shop.person VALUES (1, 'Ann'), (2, 'Ben');
INSERT INTO shop.orders VALUES (1, 2), (2, 2);
SELECT actstream.act_send('person:1', 'came'), actstream.follow('person:1', 'person:2');
INSERT INTO actstream.phrase VALUES ('de', 'came', '{actor} kam');
END

# A dump takes SELECT on everything.
is(run_as('app', 'pg_dump', '-Fc', '-f', "$tempdir/dump", $node->connstr('source')), '', 'the application dumps');

# With all rights it is a whole one; where a policy applies it is none.
$node->safe_psql('source', 'ALTER TABLE actstream.action ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON actstream.action USING (verb <> \'came\')');
like(run_as('app', 'pg_dump', '-Fc', '-f', "$tempdir/part", $node->connstr('source')),
    qr/query would be affected by row-level security policy for table "action"/, 'a dump never leaves out the rows that are hidden');
$node->safe_psql('source', 'DROP POLICY p ON actstream.action; ALTER TABLE actstream.action DISABLE ROW LEVEL SECURITY');
$node->safe_psql('source', 'REVOKE SELECT ON actstream.follow FROM app');
like(run_as('app', 'pg_dump', '-Fc', '-f', "$tempdir/part", $node->connstr('source')),
    qr/permission denied for table follow/, 'nor a table that may not be read');
grant('source');

my $expected = contents_of('source');

# The whole of it takes a superuser ...
create_database('refused');
like(run_as('app', 'pg_restore', '--exit-on-error', '--no-owner', '-d', $node->connstr('refused'), "$tempdir/dump"),
    qr/permission denied to create extension "actstream"/, 'the application cannot make the extension');
create_database('whole');
is(run_as($superuser, 'pg_restore', '--exit-on-error', '-d', $node->connstr('whole'), "$tempdir/dump"), '', 'a superuser restores');
is(contents_of('whole'), $expected, 'a superuser restores all');

# ... or for the schema only, which comes with grants; the application brings the
# rows: its own before there are triggers, ours when the tables can be registered.
create_database('parts');
is(run_as($superuser, 'pg_restore', '--exit-on-error', '--section=pre-data', '-d', $node->connstr('parts'), "$tempdir/dump"), '',
    'a superuser restores what comes before the data');
is(run_as('app', 'pg_restore', '--exit-on-error', '--section=data', '--schema=shop', '-d', $node->connstr('parts'), "$tempdir/dump"), '',
    'the application restores the rows of its tables');
is(run_as('app', 'pg_restore', '--exit-on-error', '--section=post-data', '-d', $node->connstr('parts'), "$tempdir/dump"), '',
    'the application restores what comes after the data, triggers among it');
like(run_as('app', 'pg_restore', '--exit-on-error', '--section=data', '--schema=actstream', '-d', $node->connstr('parts'), "$tempdir/dump"),
    qr/object type "\w+" is not registered/, 'in the order of a dump only the owner of the tables can load them');
is(run_as('app', 'pg_restore', '--exit-on-error', '--section=data', '--table=object_type', '-d', $node->connstr('parts'), "$tempdir/dump"), '',
    'the application restores its object types');
is(run_as('app', 'pg_restore', '--exit-on-error', '--section=data', map({ "--table=$_" } qw(action follow phrase action_id_seq)),
        '-d', $node->connstr('parts'), "$tempdir/dump"), '', 'the application restores actions, follows, phrases and the sequence');
is(contents_of('parts'), $expected, 'all is there');

# Nothing is let through on that way: references are checked.
create_database('forged');
run_as($superuser, 'pg_restore', "--section=$_", '-d', $node->connstr('forged'), "$tempdir/dump") foreach qw(pre-data post-data);
run_as('app', 'pg_restore', '--section=data', '--table=object_type', '-d', $node->connstr('forged'), "$tempdir/dump");
like(run_as('app', 'pg_restore', '--exit-on-error', '--section=data', '--table=action', '-d', $node->connstr('forged'), "$tempdir/dump"),
    qr/object "\w+:\d" does not exist/, 'references to rows that are not there are refused');
like(run_as('app', 'pg_restore', '--exit-on-error', '--section=data', '--table=action', '--disable-triggers', '-d', $node->connstr('forged'), "$tempdir/dump"),
    qr/must be owner of table action/, 'triggers cannot be disabled');
is($node->safe_psql('forged', 'SELECT count(*) FROM actstream.action'), '0', 'nothing was stored');

$node->stop;
done_testing();
