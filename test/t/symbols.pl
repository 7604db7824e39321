# What other libraries of the server see of this one: what PostgreSQL has to find,
# by names that nobody else has.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use IPC::Run ();
use PostgreSQL::Test::BackgroundPsql;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'there is no nm' unless eval { IPC::Run::run([ 'nm', '--version' ], '>', \my $out, '2>&1') };

my $node = new_node('main');

# wherever the library is installed, a backend that has loaded it knows
my $psql = $node->background_psql('postgres');
my $pid = $psql->query_safe(q{LOAD 'actstream'; SELECT pg_backend_pid()});
my ($library) = slurp_file("/proc/$pid/maps") =~ m{(/\S+/actstream\.so)$}m;
$psql->quit;
ok($library, 'the library is found');

my ($out, $err);
ok(IPC::Run::run([ 'nm', '--dynamic', '--defined-only', '--format=posix', $library ], '>', \$out, '2>', \$err),
    'its symbols are listed')
  or diag($err);
my @symbols = map { (split)[0] } split /\n/, $out;
my @functions = grep { /^actstream_/ } @symbols;
my @others = grep { !/^(pg_finfo_)?actstream_\w+$/ } @symbols;

cmp_ok(@functions, '>', 50, 'functions can be called from SQL');
is_deeply([ sort @others ], [ 'Pg_magic_func', '_PG_init' ], 'all others but two have the prefix');
# those of background workers, besides those that SQL can call
is_deeply([ grep { my $name = $_; !grep { $_ eq "pg_finfo_$name" } @symbols } @functions ],
    [ 'actstream_doorbell_main', 'actstream_recency_main' ], 'nothing else is seen');

# nor does a node of a plan go by a name that another module may use
install($node, 'postgres');
my @nodes = $node->safe_psql('postgres', 'EXPLAIN (COSTS OFF) SELECT * FROM actstream.public_stream()') =~ /Custom Scan \((.*?)\)/g;
is_deeply(\@nodes, ['actstream Stream'], 'the scan of a stream is named after the extension');

$node->stop;
done_testing();
