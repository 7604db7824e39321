# What the documents say is true: every SQL example in them runs, in order, and prints
# what stands there; links lead somewhere; the reference has every function, setting and
# error code, and no other; the version is the same wherever it stands.
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename;
use File::Find;
use IPC::Run ();
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Text by file name; code outside of documents as one text.
my %document;
my $code = '';
find({
        no_chdir => 1,
        preprocess => sub { sort grep { !/^(?:\.git|node_modules|tmp_check|output_iso|.*-results)$/ } @_ },
        wanted => sub {
            my $name = $_ =~ s{^\./}{}r;
            return unless -f $_;
            $document{$name} = slurp_file($_) if $name =~ /\.md$/;
            $code .= slurp_file($_) if $name =~ m{^(?:src/.*\.[ch]|sql/.*\.sql)$};
        } },
    '.');

# The parts of a document: what is in fences, and what is not.
sub split_fences
{
    my @parts = split /^```/m, $_[0];
    my @inside = @parts[ grep { $_ % 2 } 0 .. $#parts ];
    my @outside = @parts[ grep { $_ % 2 == 0 } 0 .. $#parts ];
    return (\@inside, join('', @outside));
}

# The rows of the tables of a document, or of the part of it below a heading, as
# lists of cells; "|" in a cell is written \|.
sub table_rows
{
    my ($file, $heading) = @_;
    my (undef, $text) = split_fences($document{$file});

    ($text) = $text =~ /^#+ \Q$heading\E\n(.*?)(?=^#|\z)/ms or die "no \"$heading\" in $file"
      if defined $heading;
    return map {
        [ map { s/\\\|/|/gr } split /\s*(?<!\\)\|\s*/, s/^\|\s*//r ]
    } grep { !/^\|[-| ]*\|$/ } $text =~ /^(\|.*)$/mg;
}

# All that is in backticks in a text.
sub code_words
{
    return $_[0] =~ /`([^`]+)`/g;
}

#
# Examples
#

# An ```sql block may be followed by a ```text block with its output; a document
# that says <!-- after OTHER --> goes on in the database of that one.
sub examples_of
{
    my ($file) = @_;
    my @examples = $document{$file} =~ /^```sql\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?/msg;
    my $marked = () = $document{$file} =~ /^\s*(?:```|~~~)\s*sql/mgi;

    is(@examples / 2, $marked, "$file: all examples are found");
    return @examples;
}

# The heading of a plan is as wide as its lines, which differ by those decimals.
sub normal_widths
{
    return $_[0] =~ s/^ *QUERY PLAN *\n-+$/QUERY PLAN/mgr;
}

sub run_examples
{
    my ($file) = @_;
    my @examples = examples_of($file);
    my ($before) = $document{$file} =~ /^<!-- after (\S+) -->$/m;
    my @before = $before ? examples_of(dirname($file) . "/$before") : ();

    # roles belong to the whole cluster
    my $node = PostgreSQL::Test::Cluster->new($file =~ s/\W/_/gr);
    # tables are as wide as their characters, not their bytes, in any locale
    $node->init(extra => [ '--no-locale', '--encoding=UTF8' ]);
    # as the README says; what EXPLAIN ANALYZE counts depends on no vacuum
    $node->append_conf('postgresql.conf', "shared_preload_libraries = 'actstream'\nautovacuum = off\ntimezone = 'UTC'");
    $node->start;
    $node->safe_psql('postgres', 'CREATE DATABASE readme');

    # One session for all; a marker ends the output of each example.
    my $script = "\\set SHOW_CONTEXT never\n";
    for (my $i = 0; $i < @before; $i += 2)
    {
        $script .= $before[$i];
    }
    for (my $i = 0; $i < @examples; $i += 2)
    {
        $script .= "\\echo ---\n$examples[$i]\n";
    }

    # not by psql(), which would change the format; what it says of errors stands
    # among the output
    my $output = '';
    IPC::Run::run([ 'psql', '-X', '-q', '-d', $node->connstr('readme') ], '<', \$script, '>&', \$output)
      or BAIL_OUT("$file: psql failed");
    $node->stop;
    # What differs between versions: from 18 on, numbers of rows have decimals; and what
    # PostgreSQL itself says of unknown operators
    $output =~ s/(actual rows=\d+)\.00/$1/g;
    $output =~ s/^(ERROR:  operator .*\nLINE .*\n *\^\n)(?:(?:DETAIL|HINT): .*\n)+/$1/mg;

    my (undef, @outputs) = split /^---\n/m, $output;
    for (my $i = 0; $i < @examples; $i += 2)
    {
        my ($title) = $examples[$i] =~ /^(.*)$/m;
        if (defined $examples[ $i + 1 ])
        {
            is(normal_widths($outputs[ $i / 2 ]), normal_widths($examples[ $i + 1 ]), "$file shows what is printed: $title");
        }
        else
        {
            unlike($outputs[ $i / 2 ], qr/^(ERROR|WARNING|invalid)/m, "$file: it runs: $title");
        }
    }
}

my @with_examples = grep { $document{$_} =~ /^\s*(?:```|~~~)\s*sql/mi } sort keys %document;
cmp_ok(scalar @with_examples, '>=', 5, 'documents with examples: ' . join(' ', @with_examples));
run_examples($_) foreach @with_examples;

my %trouble = map { split /\n/, $_, 2 } $document{'docs/operations.md'} =~ /^### (\d+\. .*?)(?=^##)/msg;
is(join(' ', sort { $a <=> $b } map { (/^(\d+)/)[0] } keys %trouble), '1 2 3 4 5 6 7 8 9 10', 'there are ten troubles');
is_deeply([ grep { $trouble{$_} !~ /^```sql\n/m } sort keys %trouble ], [], 'each has an example');

#
# Links, files, make targets
#

# The anchors of a document, as they are made of its headings.
sub anchors
{
    my (undef, $text) = split_fences($_[0]);
    my %anchor;

    foreach my $heading ($text =~ /^#+ (.*)$/mg)
    {
        utf8::decode($heading);
        $anchor{ lc($heading =~ s/\[([^]]*)\]\([^)]*\)/$1/gr) =~ s/[^\w\s-]//gr =~ s/\s/-/gr } = 1;
    }
    return \%anchor;
}

my (@dead, @unknown);
my $links = 0;
foreach my $file (sort keys %document)
{
    my ($inside, $outside) = split_fences($document{$file});
    my @fences = $document{$file} =~ /^([ \t]*)```/mg;

    # else what is outside of them is not all looked at
    push @dead, "$file: fences" if @fences % 2 || grep { $_ ne '' } @fences;
    foreach my $link ($outside =~ /\]\(([^)\s]+)\)/g)
    {
        next if $link =~ /^\w+:/;
        my ($path, $anchor) = split /#/, $link, 2;
        my $target = $path eq '' ? $file : dirname($file) . "/$path";
        $links++;
        push @dead, "$file: $link" and next unless -e $target;
        next unless defined $anchor;
        $target = substr(abs_path($target), length(abs_path('.')) + 1);
        push @dead, "$file: $link" unless $document{$target} && anchors($document{$target})->{$anchor};
    }

    # the changelog tells of what there was
    next if $file eq 'CHANGELOG.md';
    foreach my $word (code_words($outside))
    {
        next unless $word =~ m{^(?:demo|docs|examples|sql|src|test|tools)/[\w./*-]+$};
        my @found = glob($word);
        push @unknown, "$file: $word" unless @found && -e $found[0];
    }
    foreach my $target (join('', @$inside, $outside) =~ /^\s*(?:sudo )?make ([a-z][a-z-]*)|`make ([a-z][a-z-]*)/mg)
    {
        push @unknown, "$file: make $target"
          if defined $target && !-e "tools/$target" && $target !~ /^(?:dist|install|installcheck|uninstall)$/;
    }
}
cmp_ok($links, '>', 50, 'links are found');
is_deeply(\@dead, [], 'every link leads somewhere');
is_deeply(\@unknown, [], 'every file and make target that is named exists');

my %test = map { basename($_) => 1 } glob('test/*/*');
is_deeply([ grep { !$test{$_} } $document{'test/SECURITY.md'} =~ /`([\w-]+\.(?:sql|spec|pl))`/g ],
    [], 'every test that is named exists');

# What the demonstration's README shows is what it asks.
my ($transcript) = @{ (split_fences($document{'demo/README.md'}))[0] };
my $shown = slurp_file('demo/show.sql');
my @titles = $transcript =~ /^(?:─)+ (.*?) ─/mg;
cmp_ok(scalar @titles, '>', 3, 'titles of the transcript are found');
is_deeply([ grep { index($shown, "─ $_ ─") < 0 } @titles ], [], 'titles of the transcript are those of show.sql');

#
# The reference
#

my $node = PostgreSQL::Test::Cluster->new('reference');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'actstream'");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION actstream');

# Functions with what a call takes and gives, written as in the reference
my $signatures = $node->safe_psql('postgres', q{
    SELECT p.proname || '(' || regexp_replace(pg_get_function_arguments(p.oid), '(, )?OUT .*', '') || ') → ' || pg_get_function_result(p.oid)
    FROM pg_proc p
    JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
    WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'actstream')
    ORDER BY 1});
$signatures =~ s/timestamp with time zone/timestamptz/g;
$signatures =~ s/(?:actstream|pg_catalog)\.//g;
$signatures =~ s/::[a-z]+(?:\[\])?//g;
$signatures =~ s/ DEFAULT / = /g;
$signatures =~ s/= NULL/= null/g;
my %signature = map { $_ => 1 } split /\n/, $signatures;
my %function = map { (/^(\w+)/)[0] => 1 } keys %signature;

my @rows = table_rows('docs/reference.md');
my %documented = map { $_ => 1 } grep { /^\w+\(.* → / } map { code_words($_->[0] // '') } @rows;
my %internal = map { $_ => 1 } grep { /^\w+$/ } map { code_words($_->[1]) } table_rows('docs/reference.md', 'Internal functions');

cmp_ok(scalar keys %documented, '>', 40, 'functions of the reference are found');
is_deeply([ grep { !$signature{$_} } sort keys %documented ], [], 'functions of the reference are as it says');
is_deeply([ grep { !$documented{$_} && !$internal{ (/^(\w+)/)[0] } } sort keys %signature ],
    [], 'the reference has all functions');
is_deeply([ grep { !$function{$_} } sort keys %internal ], [], 'so it is with internal ones');
is_deeply([ grep { my $f = $_; $internal{$f} && grep { /^$f\(/ } keys %documented } sort keys %function ],
    [], 'no function is both');

# Any other call that a document names, too
my %called;
foreach my $file (sort keys %document)
{
    $called{$1} = $file while $document{$file} =~ /\bactstream\.(\w+)\(/g;
}
is_deeply([ map { "$called{$_}: $_()" } grep { !$function{$_} } sort keys %called ], [], 'functions that are named exist');

# Columns of what functions return, and of the tables' rows
my $columns = $node->safe_psql('postgres', q{
    SELECT DISTINCT a.name
    FROM pg_proc p, unnest(p.proargnames, p.proargmodes) AS a (name, mode)
    WHERE p.pronamespace = 'actstream'::regnamespace AND a.mode IN ('o', 't') AND p.proname IN ('recency_stats', 'tracked', 'integrity_check', 'expand_all')
    UNION
    SELECT a.attname
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'actstream'::regnamespace AND c.relkind = 'c' AND a.attnum > 0
    ORDER BY 1});
my %word = map { $_ => 1 } map { /(\w+)/g } map { code_words((split_fences($document{"docs/$_.md"}))[1]) } qw(reference operations);
is_deeply([ grep { !$word{$_} } split /\n/, $columns ], [], 'columns are explained');
my %column = map { $_ => 1 } split /\n/, $columns;
is_deeply([ grep { !$column{$_} } map { code_words($_->[0]) } table_rows('docs/operations.md', 'Statistics of the map') ],
    [], 'columns of recency_stats() that are named exist');

# Settings: name, default, context
is(join("\n", sort map { join '|', map { s/`//gr } @{$_}[ 0 .. 2 ] } grep { $_->[0] =~ /^`actstream\./ } @rows),
    $node->safe_psql('postgres', q{
        LOAD 'actstream';
        SELECT name, current_setting(name), context FROM pg_settings WHERE name LIKE 'actstream.%' ORDER BY name COLLATE "C"}),
    'settings, their defaults and contexts');

# Words of EXPLAIN, states of the map, problems of integrity_check()
foreach my $heading ('Plans', 'States of the map')
{
    my @words = grep { $_ ne 'Filter' } map { code_words($_->[0]) } grep { $_->[0] =~ /^`/ } table_rows('docs/operations.md', $heading);
    cmp_ok(scalar @words, '>=', 8, "$heading: words are found");
    is_deeply([ grep { index($code, "\"$_\"") < 0 } @words ], [], "$heading: words are those of the code");
}
my ($check) = $code =~ /^CREATE FUNCTION actstream\.integrity_check\(\)(.*?)^\$\$;/ms;
is(join(', ', sort map { code_words($_->[0]) } grep { $_->[0] =~ /^`/ && @$_ == 3 && $_->[0] !~ /→/ } table_rows('docs/reference.md', 'Administration')),
    join(', ', sort { $a cmp $b } keys %{ { map { $_ => 1 } grep { !/^referred/ } $check =~ /(?:SELECT|THEN|ELSE)\s+'([a-z ]+)'/g } }),
    'problems of integrity_check()');

# Error codes: what is raised, and the names of conditions
my %errcode = slurp_file(`pg_config --includedir-server` =~ s/\n//r . '/utils/errcodes.h') =~
  /^#define ERRCODE_(\w+) MAKE_SQLSTATE\(([^)]*)\)/mg;
s/\W//g foreach values %errcode;
my %named = map { $errcode{$_} => 1 } grep { $errcode{$_} } $code =~ /\bERRCODE_(\w+)/g;
my %raised = map { $errcode{$_} => 1 } $code =~ /errcode\(ERRCODE_(\w+)/g;
delete $raised{XX000};
my %condition = map { $_->[0] => $_->[1] =~ s/`//gr } grep { $_->[0] =~ /^\w{5}$/ } table_rows('docs/reference.md', 'Error codes');
is_deeply([ grep { !$named{$_} } sort keys %condition ], [], 'error codes of the reference are raised');
is_deeply([ grep { !$condition{$_} } sort keys %raised ], [], 'the reference has all error codes');
delete $condition{'01000'};		# which RAISE takes for a level
$node->safe_psql('postgres', q{
    CREATE FUNCTION sqlstate(condition text) RETURNS text LANGUAGE plpgsql AS $$
    BEGIN
        EXECUTE format('DO %L', 'BEGIN RAISE ' || condition || '; END');
        RETURN NULL;
    EXCEPTION WHEN OTHERS OR query_canceled THEN
        RETURN SQLSTATE;
    END $$});
is( $node->safe_psql('postgres', 'SELECT sqlstate(c) FROM unnest(ARRAY[' . join(', ', map { "'$condition{$_}'" } sort keys %condition) . ']) c'),
    join("\n", sort keys %condition),
    'names of conditions');
$node->stop;

# The control file has the version; META.json, whose format wants three
# numbers, and the changelog follow it.
my ($version) = slurp_file('actstream.control') =~ /^default_version = '([^']+)'/m;
my $meta = decode_json(slurp_file('META.json'));
is($meta->{version}, "$version.0", 'version in META.json');
is($meta->{provides}{actstream}{version}, "$version.0", 'version of what META.json provides');
like($document{'CHANGELOG.md'}, qr/^## \Q$version\E\b/m, 'version in CHANGELOG.md');

done_testing();
