# The documents for contributors name what is there: each path, file, function and word in
# `code style` is one of the sources, tests or tools.

use strict;
use warnings;

use File::Find;
use PostgreSQL::Test::Utils;
use Test::More;

my @documents = ('CONTRIBUTING.md', 'docs/architecture.md', 'src/reader/README', 'src/recency/README');

# Every file, by its path, and the text of those that words are looked for in.
my (@paths, $text);
find({ no_chdir => 1, wanted => sub { push @paths, s{^\./}{}r if -f } },
    grep { -e } qw(Makefile actstream.control META.json CHANGELOG.md docs examples expected sql src test tools));
$text .= slurp_file($_)
    foreach grep { m{^(Makefile|META\.json|actstream\.control|(src|sql|tools)/.*)$} && !m{README$|\.(o|so|bc)$} } @paths;

# Is there a file, or a folder, with this path, or this path below some folder?  "*" is
# any text.
sub path_exists
{
    my ($path) = @_;
    my $pattern = join '[^/]*', map { quotemeta } split /\*/, $path, -1;

    return $path =~ m{/$} ? grep { m{^$pattern} } @paths : grep { m{(?:^|/)$pattern$} } @paths;
}

# What is wrong with a word in code style, in a document of that folder; undef if nothing is.
sub fault
{
    my ($word) = @_;

    if ($word =~ /^make\b/)
    {
        my (undef, @arguments) = split ' ', $word;
        my @missing = grep { !/=/ && $text !~ /^#   make \Q$_\E\b/m } @arguments;

        return @missing ? "no target in \"$word\"" : undef;
    }
    return $text =~ /^\Q$1\E\(/m || $text =~ /FUNCTION actstream\.\Q$1\E\(/ ? undef : "no function $word"
        if $word =~ /^(\w+)\(\)$/;
    return path_exists($word) ? undef : "no file $word"
        if $word =~ m{^[\w.*/-]+(?:/|\.(?:c|h|sql|pl|spec|md|sh|py|json|control))$} || $word =~ m{^src/[\w/]+$};
    return $text =~ /\b\Q$word\E\b/ ? undef : "no word $word" if $word =~ /^\w+$/;
    return undef;
}

foreach my $document (@documents)
{
    my $code = slurp_file($document) =~ s/^```.*?^```//msgr;
    my @words = $code =~ /`([^`\n]+)`/g;

    cmp_ok(scalar @words, '>', 20, "$document has words in code style");
    is_deeply([ map { fault($_) // () } @words ], [], "$document names what is there");
}

# What the test is to find
is(fault('src/reader/merges.c'), 'no file src/reader/merges.c', 'a file that is not there');
is(fault('stream*bounds.sql'), undef, 'a pattern of one that is');
is(fault('StreamMergeBegun()'), 'no function StreamMergeBegun()', 'a function that is not');
is(fault('StreamMergeBegin()'), undef, 'one that is');
is(fault('NO_SUCH_WORD'), 'no word NO_SUCH_WORD', 'a word that is not');
is(fault('make chek'), 'no target in "make chek"', 'a target that is not');

done_testing();
