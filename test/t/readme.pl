# Every SQL statement of the README runs, in order, and prints what the README
# says; the version is the same wherever it stands.
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $readme = slurp_file('README.md');

my $node = PostgreSQL::Test::Cluster->new('readme');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE readme');
$node->safe_psql('readme',   'CREATE EXTENSION actstream');

# An ```sql block may be followed by a ```text block with its output.
my @examples = $readme =~ /^```sql\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/msg;
cmp_ok(@examples / 2, '>=', 9, 'examples are found');

# One session for all; a marker ends the output of each example.
my $script = "\\set ON_ERROR_STOP 1\n";
for (my $i = 0; $i < @examples; $i += 2)
{
	$script .= "$examples[$i]\n\\echo ---\n";
}

# from a file, and not by psql(), which would change the format
my $file = "$PostgreSQL::Test::Utils::tmp_check/readme.sql";
append_to_file($file, $script);
my ($stdout, $stderr) = run_command(
	[ 'psql', '-X', '-q', '-d', $node->connstr('readme'), '-f', $file ]);
is($stderr, '', 'every statement of the README runs');

my @outputs = split /^---\n/m, "$stdout\n";
for (my $i = 0; $i < @examples; $i += 2)
{
	next unless defined $examples[ $i + 1 ];
	my ($title) = $examples[$i] =~ /^(.*)$/m;
	is($outputs[ $i / 2 ], $examples[ $i + 1 ], "README shows what is printed: $title");
}

$node->stop;

# The control file has the version; META.json, whose format wants three
# numbers, and the changelog follow it.
my ($version) = slurp_file('actstream.control') =~ /^default_version = '([^']+)'/m;
my $meta = decode_json(slurp_file('META.json'));
is($meta->{version}, "$version.0", 'version in META.json');
is($meta->{provides}{actstream}{version}, "$version.0", 'version of what META.json provides');
like(slurp_file('CHANGELOG.md'), qr/^## \Q$version\E\b/m, 'version in CHANGELOG.md');

done_testing();
