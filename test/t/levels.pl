# The plan of the sources: an include goes to the same folder or to a lower level, files
# form no circle, and what a header declares is defined in the file of the same name.
#
# src/LEVELS has the folders from the highest level to the lowest.

use strict;
use warnings;

use PostgreSQL::Test::Utils;
use Test::More;

my $root = 'src';

# What is wrong with sources, by level of folder and text by path.
sub faults
{
    my ($level, $text) = @_;
    my (%includes, @faults);

    foreach my $path (sort keys %$text)
    {
        my $unit = $path =~ s/\.[ch]$//r;

        push @faults, "$path is in no folder of the plan" unless defined $level->{ folder($path) };
        foreach my $header ($text->{$path} =~ /^#include "([^"]+)"/mg)
        {
            next unless exists $text->{$header};    # a header of PostgreSQL
            my $included = $header =~ s/\.h$//r;
            my ($from, $to) = (folder($path), folder($header));

            next if $included eq $unit;
            push @faults, "$path includes $header, which is not below it"
                unless $from eq $to || ($level->{$from} // 0) < ($level->{$to} // 0);
            $includes{$unit}{$included} = 1;
        }
    }
    push @faults, circles(\%includes);
    foreach my $header (grep { /\.h$/ } sort keys %$text)
    {
        my $source = $text->{ $header =~ s/h$/c/r } // '';

        foreach my $name ($text->{$header} =~ /^extern [^;(]*?(\w+)\s*\(/mg)
        {
            push @faults, "$header declares $name(), which is defined elsewhere"
                unless $source =~ /^\Q$name\E\(/m;
        }
        foreach my $name ($text->{$header} =~ /^extern [^;(]*?(\w+)(?:\[[^;]*\])?;/mg)
        {
            push @faults, "$header declares $name, which is defined elsewhere"
                unless $source =~ /^(?!extern\b)\w[^;()]*\b\Q$name\E\b[^;()]*[=;]/m;
        }
    }
    return @faults;
}

sub folder { return $_[0] =~ m{^(.*)/} ? $1 : '.'; }

# Files that include each other: take away what includes nothing that is left, until
# only circles, and what includes these, remain.
sub circles
{
    my ($includes) = @_;
    my %left = map { $_ => { %{ $includes->{$_} } } } keys %$includes;

    while (my @leaves = grep { my $unit = $_; !grep { exists $left{$_} } keys %{ $left{$unit} } } keys %left)
    {
        delete @left{@leaves};
    }
    # nor is what no remaining file includes part of one
    while (my @tops = grep { my $unit = $_; !grep { $_->{$unit} } values %left } keys %left)
    {
        delete @left{@tops};
    }
    return %left ? 'circle of ' . join ', ', sort keys %left : ();
}

# The folders of the plan, by level, 0 for the highest.
sub read_levels
{
    my %level;
    my $number = 0;

    foreach my $line (split /\n/, slurp_file("$root/LEVELS"))
    {
        next if $line =~ /^(#|$)/;
        $level{$_} = $number foreach split ' ', $line;
        $number++;
    }
    return %level;
}

my %level = read_levels();
my %text = map { m{^\Q$root\E/(.*)} ? ($1 => slurp_file($_)) : () } glob "$root/*.[ch] $root/*/*.[ch]";

cmp_ok(keys %text, '>', 100, 'there are sources');
is_deeply([ faults(\%level, \%text) ], [], 'the sources keep to the plan');

# What the test is to find
my %plan = ('.' => 0, upper => 1, beside => 1, lower => 2);
my %good = (
    'main.c' => qq{#include "upper/a.h"\n},
    'upper/a.h' => "extern int\tGetA(void);\n",
    'upper/a.c' => qq{#include "upper/a.h"\n#include "lower/b.h"\nint\nGetA(void)\n},
    'beside/c.h' => "extern void MakeC(int n);\n",
    'beside/c.c' => qq{#include "beside/c.h"\nvoid\nMakeC(int n)\n},
    'lower/b.h' => "typedef int B;\n",
    'lower/d.h' => "typedef int D;\n");

sub faults_with { my %change = @_; return join '; ', faults(\%plan, { %good, %change }); }

is(faults_with(), '', 'no fault');
like(faults_with('lower/b.h' => qq{#include "upper/a.h"\n}), qr{^lower/b\.h includes upper/a\.h, which is not below it}, 'an include that goes up');
is(faults_with('upper/a.c' => $good{'upper/a.c'} . qq{#include "beside/c.h"\n}), 'upper/a.c includes beside/c.h, which is not below it', 'one that goes to a neighbour');
is(faults_with('lower/b.h' => qq{#include "lower/d.h"\n}, 'lower/d.h' => qq{#include "lower/b.h"\n}), 'circle of lower/b, lower/d', 'a circle');
is(faults_with('beside/c.c' => "int x;\n"), 'beside/c.h declares MakeC(), which is defined elsewhere', 'a declaration without its definition');
is(faults_with('beside/c.h' => "extern int c;\n", 'beside/c.c' => "extern int c;\n"), 'beside/c.h declares c, which is defined elsewhere', 'a variable without its definition');
is(faults_with('other/e.c' => "int x;\n"), 'other/e.c is in no folder of the plan', 'a folder without a level');

done_testing();
