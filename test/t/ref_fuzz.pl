# The reference type against the model in test/fuzz/ref_fuzz.py, under several
# encodings of the server and the client.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $python = $ENV{PYTHON} || '/usr/bin/python3';
my $program = "$FindBin::RealBin/../fuzz/ref_fuzz.py";

plan skip_all => "$python has no psycopg 3"
  unless IPC::Run::run([ $python, '-c', 'from psycopg import pq' ],
    '>', \my $none, '2>&1');

my $node = new_node('main');

# server encoding, client encoding, seed, number of inputs and of pairs
my @runs = (
    [ 'UTF8', 'UTF8', 1, 100_000 ],
    [ 'LATIN1', 'UTF8', 2, 10_000 ],
    [ 'LATIN1', 'LATIN1', 3, 10_000 ],
    [ 'SQL_ASCII', 'SQL_ASCII', 4, 10_000 ]);

foreach my $run (@runs)
{
    my ($server, $client, $seed, $count) = @$run;
    my $database = lc "fuzz_${server}_$client";

    $node->safe_psql('postgres',
        "CREATE DATABASE $database ENCODING '$server' LOCALE 'C' TEMPLATE template0");
    $node->safe_psql($database, 'CREATE EXTENSION actstream');

    my ($out, $err);
    my $success = IPC::Run::run(
        [
            $python, $program,
            $node->connstr($database) . " client_encoding=$client",
            '--seed', $seed, '--inputs', $count, '--pairs', $count
        ],
        '>', \$out, '2>', \$err);

    my @counts = $out =~ /^(.+): (\d+) checked, (\d+) wrong$/mg;
    while (my ($property, $checked, $wrong) = splice(@counts, 0, 3))
    {
        ok($checked > 0 && $wrong == 0, "$server, $client: $property")
          or diag("$checked checked, $wrong wrong");
    }
    ok($success, "$server, $client: no counter-example");
    $success ? note($out) : diag($out, $err);
}

$node->stop;
done_testing();
