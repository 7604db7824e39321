# A session that loads the library late: when a statement is planned that has a
# stream.  Its first one is read from the indexes, in whatever form.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use PostgreSQL::Test::Utils;
use Test::More;

# after the settings of all tests, which preload it
my $node = new_node('main', conf => "shared_preload_libraries = ''\njit = off");

install($node, 'postgres', <<'END_OF_SETUP');
SELECT actstream.register_external('o');
INSERT INTO actstream.actions (id, "timestamp", actor, verb, target)
SELECT i, timestamptz '2026-01-01 00:00+00' + i * interval '1 minute', actstream.ref('o', i % 10), 'did', actstream.ref('o', i % 7)
FROM generate_series(1, 10000) AS i;
INSERT INTO actstream.follows (follower, followee) SELECT 'o:1', actstream.ref('o', i) FROM generate_series(2, 4) AS i;
CREATE TABLE reader (ref actstream.ref, id int);
INSERT INTO reader VALUES ('o:1', 1), ('o:2', 2);
VACUUM ANALYZE actstream.actions, actstream.follows, reader;
CREATE VIEW own_view AS SELECT * FROM actstream.user_stream('o:1');
CREATE FUNCTION own_sql(actstream.ref) RETURNS SETOF actstream.action LANGUAGE sql STABLE AS
    'SELECT * FROM actstream.user_stream($1) WHERE verb = ''did''';
CREATE FUNCTION whoever() RETURNS actstream.ref LANGUAGE plpgsql AS 'BEGIN RETURN ''o:1''; END';
CREATE FUNCTION looped() RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    result bigint[] = '{}';
    a actstream.action;
BEGIN
    FOR a IN SELECT * FROM actstream.user_stream('o:1') LOOP
        result := result || a.id;
        EXIT WHEN cardinality(result) = 10;
    END LOOP;
    RETURN result;
END
$$;
CREATE ROLE reader LOGIN;
GRANT USAGE ON SCHEMA actstream TO reader;
GRANT SELECT ON actstream.actions, actstream.follows, actstream.mutes, reader, own_view TO reader;
CREATE POLICY half ON actstream.actions USING (id % 2 = 0);
CREATE POLICY whole ON actstream.follows USING (true);
END_OF_SETUP

# What is prepared before it, the statement, and whether EXPLAIN shows how it is read.
my @forms = (
    [ 'a literal', '', q{SELECT id FROM actstream.user_stream('o:1') LIMIT 10}, 1 ],
    [ 'a parameter', '', q{SELECT id FROM actstream.user_stream($1) LIMIT 10}, 0 ],
    [ 'a subquery', '', q{SELECT id FROM actstream.user_stream((SELECT ref FROM reader WHERE id = 1)) LIMIT 10}, 1 ],
    [ 'a column', '', q{SELECT s.id FROM reader r, LATERAL (SELECT * FROM actstream.user_stream(r.ref) LIMIT 10) s WHERE r.id = 1}, 1 ],
    [ 'a volatile function', '', q{SELECT id FROM actstream.user_stream(whoever()) LIMIT 10}, 1 ],
    [ 'a select list', '', q{SELECT (s).id FROM (SELECT actstream.user_stream('o:1') AS s LIMIT 10) s}, 0 ],
    [ 'a cursor', 'BEGIN; DECLARE c CURSOR FOR SELECT id FROM actstream.user_stream(\'o:1\')', 'FETCH 10 FROM c', 0 ],
    [ 'a view', '', 'SELECT id FROM own_view LIMIT 10', 1 ],
    [ 'a loop', '', 'SELECT unnest(looped())', 0 ],
    [ 'a function', '', q{SELECT id FROM own_sql('o:1') LIMIT 10}, 1 ],
    [ 'a sorted page', '', q{SELECT id FROM actstream.user_stream('o:1') ORDER BY "timestamp" DESC, id DESC LIMIT 10}, 1 ],
    [ 'a union', '', q{SELECT id FROM (SELECT * FROM actstream.actor_stream('o:2') UNION ALL SELECT * FROM actstream.target_stream('o:2')
        ORDER BY "timestamp" DESC, id DESC LIMIT 10) s}, 1 ],
    [ 'a model', '', q{SELECT id FROM actstream.model_stream('o') LIMIT 10}, 1 ],
    [ 'all', '', q{SELECT id FROM actstream.public_stream() LIMIT 10}, 1 ]);

# Few rows of the table are visited, also for what lies under the policy: of the same
# stream, at most twice as many as with a literal, which comes first.  Pages are of ten rows,
# for so many a loop takes at once.
my $visits = q{SELECT pg_stat_get_xact_tuples_fetched('actstream.actions'::regclass) + pg_stat_get_xact_tuples_returned('actstream.actions'::regclass)};

foreach my $policies ('DISABLE', 'ENABLE')
{
    $node->safe_psql('postgres', "ALTER TABLE actstream.$_ $policies ROW LEVEL SECURITY") foreach qw(actions follows);
    my $most = 60;
    foreach my $form (@forms)
    {
        my ($name, $before, $query, $shown) = @$form;
        my $as = lc($policies) . 'd policies';
        my @run = $query =~ /\$1/ ? ("PREPARE p AS $query", q{EXECUTE p('o:1')}) : ($before, $query);
        my @out = split /\n/, $node->safe_psql('postgres', join(';', grep { $_ } 'BEGIN', @run[ 0, 1 ], $visits) =~ s/^BEGIN;BEGIN/BEGIN/r,
            extra_params => [ '-U', 'reader' ]);
        my $visited = pop @out;

        is(scalar @out, 10, "$name, with $as: a page");
        cmp_ok($visited, '<=', $query =~ /(?:actor|model|public)_stream/ ? 60 : $most, "$name, with $as: read from the indexes");
        $most = 2 * $visited if $name eq 'a literal';
        like($node->safe_psql('postgres', "EXPLAIN $query", extra_params => [ '-U', 'reader' ]),
            qr/Custom Scan \(actstream Stream\) on actions/, "$name, with $as: and shown so") if $shown;
    }
}

$node->stop;
done_testing();
