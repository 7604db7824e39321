# Every SQL statement of the README, and of what it says about security, runs, in
# order, and prints what stands there; the version is the same wherever it stands.
use strict;
use warnings;
use IPC::Run ();
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

foreach my $file ('README.md', 'docs/security.md')
{
	# roles belong to the whole cluster
	my $node = PostgreSQL::Test::Cluster->new($file =~ s/\W/_/gr);
	# tables are as wide as their characters, not their bytes, in any locale
	$node->init(extra => [ '--no-locale', '--encoding=UTF8' ]);
	$node->start;
	$node->safe_psql('postgres', 'CREATE DATABASE readme');
	$node->safe_psql('readme',   'CREATE EXTENSION actstream') if $file eq 'README.md';

	# An ```sql block may be followed by a ```text block with its output.
	my @examples = slurp_file($file) =~ /^```sql\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/msg;
	cmp_ok(@examples / 2, '>=', 4, "$file: examples are found");

	# One session for all; a marker ends the output of each example.
	my $script = "\\set SHOW_CONTEXT never\n";
	for (my $i = 0; $i < @examples; $i += 2)
	{
		$script .= "$examples[$i]\n\\echo ---\n";
	}

	# not by psql(), which would change the format; what it says of errors stands
	# among the output
	my $output = '';
	IPC::Run::run([ 'psql', '-X', '-q', '-d', $node->connstr('readme') ], '<', \$script, '>&', \$output)
	  or BAIL_OUT("$file: psql failed");

	my @outputs = split /^---\n/m, "$output\n";
	for (my $i = 0; $i < @examples; $i += 2)
	{
		my ($title) = $examples[$i] =~ /^(.*)$/m;
		if (defined $examples[ $i + 1 ])
		{
			is($outputs[ $i / 2 ], $examples[ $i + 1 ], "$file shows what is printed: $title");
		}
		else
		{
			unlike($outputs[ $i / 2 ], qr/^(ERROR|WARNING|invalid)/m, "$file: it runs: $title");
		}
	}
	$node->stop;
}

# The control file has the version; META.json, whose format wants three
# numbers, and the changelog follow it.
my ($version) = slurp_file('actstream.control') =~ /^default_version = '([^']+)'/m;
my $meta = decode_json(slurp_file('META.json'));
is($meta->{version}, "$version.0", 'version in META.json');
is($meta->{provides}{actstream}{version}, "$version.0", 'version of what META.json provides');
like(slurp_file('CHANGELOG.md'), qr/^## \Q$version\E\b/m, 'version in CHANGELOG.md');

done_testing();
