# What several TAP tests need.  Such a test says
#
#   use FindBin;
#   use lib "$FindBin::RealBin/../lib";
#   use Actstream;

package Actstream;

use strict;
use warnings;

use Exporter 'import';
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(new_node install plain_streams figure same_as_plain sqlstates);

# Returns a server that runs.  Options: "init", an array of arguments of init(), and
# "conf", lines of postgresql.conf.
sub new_node
{
    my ($name, %options) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name);

    $node->init(@{ $options{init} // [] });
    $node->append_conf('postgresql.conf', $options{conf}) if defined $options{conf};
    $node->start;
    return $node;
}

# Makes the extension and its tables in a database, and runs the scripts that follow.
sub install
{
    my ($node, $database, @scripts) = @_;

    $node->safe_psql($database, join "\n", 'CREATE EXTENSION actstream;', "DO 'BEGIN PERFORM actstream.create_tables(); END';", @scripts);
    return;
}

# A script that makes the streams in plain SQL, in the schema "plain".
sub plain_streams
{
    return slurp_file("$FindBin::RealBin/../lib/plain_streams.sql") =~ s/^\\set ECHO .*\n//mgr;
}

# A condition that is true if each stream, "user_stream('o:1') LIMIT 20" for example,
# has the same ids in the same order as in plain SQL.
sub same_as_plain
{
    my (@streams) = @_;

    return join "\n    AND ", map {
        my $stream = $_;

        join ' IS NOT DISTINCT FROM ', map { "(SELECT array_agg(id) FROM (SELECT id FROM $_.$stream) AS s)" } qw(actstream plain)
    } @streams;
}

# A figure of a stream in the text of EXPLAIN (ANALYZE), such as "Lists Opened"; undefined
# if it is not there.
sub figure
{
    my ($plan, $name) = @_;

    return $plan =~ /\Q$name\E: (\d+)/ ? $1 : undef;
}

# The SQLSTATEs of the errors that a script meets, with a space between two.
sub sqlstates
{
    my ($node, $database, $script) = @_;
    my (undef, undef, $err) = $node->psql($database, $script, on_error_stop => 0,
        extra_params => [ '--set', 'VERBOSITY=sqlstate' ]);

    return join ' ', $err =~ /ERROR:  (\w+)/g;
}

1;
