# Clients, as applications use them: each of the programs in test/clients does the same
# things, as a role of a tenant under row-level security, and finds the same; what
# docs/clients.md shows of them is what runs here.

use strict;
use warnings;

use File::Copy;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $document = slurp_file('docs/clients.md');

# Their titles, in the document too; how they are run; what the document calls their
# language.
my @python = '/usr/bin/python3';
my @node = 'node';
my @clients = (
    [ 'psycopg 3', 'python', @python, 'test/clients/psycopg_3.py' ],
    [ 'psycopg2', 'python', @python, 'test/clients/psycopg_2.py' ],
    [ 'Django', 'python', @python, 'test/clients/django_app.py' ],
    [ 'SQLAlchemy', 'python', @python, 'test/clients/sqlalchemy_app.py' ],
    [ 'node-postgres', 'js', @node, "$dir/node_postgres.mjs", 'many' ],
    [ 'postgres.js', 'js', @node, "$dir/postgres_js.mjs" ],
    [ 'PostGraphile', 'js', @node, "$dir/postgraphile.mjs" ],
    [ 'JDBC', 'java', '/usr/lib/jvm/default-java/bin/java', '-cp', '/usr/share/java/postgresql.jar', 'test/clients/Jdbc.java' ],
    [ 'ActiveRecord', 'ruby', 'ruby', 'test/clients/active_record.rb' ],
);
my %pooled = map { $_ => 1 } ('psycopg2', 'Django', 'SQLAlchemy', 'node-postgres');

# What each of them prints
my @posts = map { "post:00000000-0000-4000-8000-00000000000$_" } 1 .. 3;
my @steps = (
    [ 'register', 'post' ],
    [ 'send', "person:acme,2 wrote $posts[2] page:1" ],
    [ 'follow', 'person:acme,1 person:acme,2' ],
    [ 'page', "$posts[2] $posts[1]" ],
    [ 'next page', $posts[0] ],
    [ 'array', "@posts" ],
    [ 'action', 'person:acme,2 published page:2 3 true' ],
    [ 'filter', '4 5 5' ],
    [ 'policy', '0 42501' ],
);

#
# The server, with a database that each client gets a copy of.  Clients make characters of
# what is in UTF-8; JDBC has no sockets but those of TCP.
#

my $node = new_node('clients',
    init => [ extra => [ '--encoding=UTF8', '--locale=C' ] ],
    conf => "shared_preload_libraries = 'actstream'\nlisten_addresses = '127.0.0.1'");
$node->safe_psql('postgres', "CREATE ROLE $_ LOGIN") foreach qw(app acme umbra);
$node->safe_psql('postgres', 'CREATE DATABASE shop');
$node->safe_psql('shop', slurp_file('test/clients/setup.sql'));

# Node does not look for modules where it runs, but where the program is.
copy("test/clients/$_", $dir) or die "$_: $!"
    foreach map { s|.*/||r } glob('test/clients/*.mjs'), glob('test/clients/*.json');
run_log([ 'npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', $dir, '--cache', "$dir/cache" ]);

# Runs a client on a server, and returns what it prints: values by the names of steps.
sub output_of
{
    my ($title, $host, $port, @command) = @_;
    my $database = lc($title =~ s/\W/_/gr);
    my ($out, $err) = ('', '');

    $node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE shop");
    local %ENV = (%ENV, PGHOST => $host, PGPORT => $port, PGDATABASE => $database);
    delete $ENV{PGUSER};
    my $ended_well = IPC::Run::run([ 'timeout', $PostgreSQL::Test::Utils::timeout_default, @command ], '>', \$out, '2>', \$err);
    ok($ended_well, "$title: it ends well") or diag($err);
    return map { /^([\w ]+):(?: (.*))?$/ ? ($1 => $2 // '') : () } split /\n/, $out;
}

# Checks that a client does all that it should, and says in the document's table what it
# does.
sub check_steps
{
    my ($title, %output) = @_;
    my @done;

    foreach my $step (@steps)
    {
        my ($name, $expected) = @$step;
        # each language has a word of its own for it
        my $got = lc($output{$name} // 'nothing');
        push @done, is($got, $expected, "$title: $name") ? 'yes' : 'no';
    }
    my $row = join ' | ', $title, @done;
    like($document, qr/^\| \Q$row\E \|/m, "$title: the document says so");
}

#
# Each of them
#

my %output;
foreach my $client (@clients)
{
    my ($title, $language, @command) = @$client;

    $output{$title} = { output_of($title, $node->host, $node->port, @command) };
    check_steps($title, %{ $output{$title} });

    # what the document shows
    my $program = (grep { -f } @command)[-1];
    my @examples = slurp_file($program) =~ m{^ *(?://|\#)\ example\n(.*?)^ *(?://|\#)\ end\n}msg;
    foreach my $example (@examples)
    {
        my ($indent) = $example =~ /^( *)/;
        $example =~ s/^$indent//mg;
    }
    my ($section) = $document =~ /^## \Q$title\E\n(.*?)(?=^## |\z)/ms;
    is(join("\n", ($section // '') =~ /^```$language\n(.*?)^```$/msg), join("\n", @examples), "$title: what the document shows");
}

# node-postgres pages through many actions
is($output{'node-postgres'}{"pages of one $_"}, '100000 100000 100', "node-postgres: 100,000 actions of one $_, each once")
    foreach qw(instant statement);

# PostGraphile offers what people are to call, and nothing takes another's name
is_deeply([ map { $output{PostGraphile}{$_} } 'not offered', 'internal', 'complaints' ],
    [ '', '', '' ], 'PostGraphile offers each function, no internal one, and complains of no names');
like($output{PostGraphile}{'tables alone'}, qr/\ballActions allChangeEntries allFollowEntries\b/, 'PostGraphile offers the tables alone');

#
# Some of them behind a pooler that gives one connection to many clients, a transaction
# each
#

append_to_file("$dir/users.txt", qq{"app" ""\n"acme" ""\n});
append_to_file("$dir/pgbouncer.ini", <<"END");
[databases]
* = host=@{[ $node->host ]} port=@{[ $node->port ]}
[pgbouncer]
listen_addr =
listen_port = @{[ $node->port ]}
unix_socket_dir = $dir
auth_type = trust
auth_file = $dir/users.txt
pool_mode = transaction
default_pool_size = 1
logfile = $dir/pgbouncer.log
END
my ($out, $err) = ('', '');
my $pooler = IPC::Run::start([ '/usr/sbin/pgbouncer', '-q', "$dir/pgbouncer.ini" ], '>', "$dir/out", '2>&1');
foreach (1 .. 300)
{
    last if IPC::Run::run([ 'pg_isready', '-q', '-h', $dir, '-p', $node->port ]);
    select undef, undef, undef, 0.1;
}
foreach my $client (grep { $pooled{ $_->[0] } } @clients)
{
    my ($title, $language, @command) = @$client;

    $title .= ' and pgbouncer';
    check_steps($title, output_of($title, $dir, $node->port, grep { $_ ne 'many' } @command));
}
$pooler->signal('INT');
$pooler->finish;

$node->stop;
done_testing();
