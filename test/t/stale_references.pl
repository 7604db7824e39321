# References whose tables are gone never keep anybody from reading statistics or
# making a dump.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main');
my $tempdir = PostgreSQL::Test::Utils::tempdir();

install($node, 'postgres', <<'END');
CREATE TABLE a (id integer PRIMARY KEY);
CREATE TABLE b (x text, y uuid, PRIMARY KEY (x, y));
INSERT INTO a SELECT generate_series(1, 200);
INSERT INTO b SELECT 'k' || i, md5(i::text)::uuid FROM generate_series(1, 200) i;
SELECT actstream.register('a', on_delete => 'keep'), actstream.register('b', on_delete => 'restrict');
SELECT actstream.act_send(actstream.ref_of(a), 'met', actstream.ref_of(b)) FROM a JOIN b ON b.x = 'k' || a.id;
SELECT actstream.act_send('a:1', 'met', 'b:k1,c4ca4238-a0b9-2382-0dcc-509a6f75849b') FROM generate_series(1, 300);
ANALYZE actstream.actions;
DROP TABLE a, b;
END
is($node->safe_psql('postgres', 'SELECT count(*) FROM actstream.object_types WHERE relation IS NULL AND label IN (\'a\', \'b\')'), '2', 'both tables are gone');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stats WHERE schemaname = 'actstream' AND (most_common_vals::text LIKE '%a:1%' OR histogram_bounds::text LIKE '%b:k%')}),
    '>', 0, 'pg_stats shows references');
is($node->safe_psql('postgres', 'ANALYZE actstream.actions; SELECT count(DISTINCT action_object) FROM actstream.actions'), '200', 'they are analyzed, and compared');

my ($out, $err);
ok(IPC::Run::run([ 'pg_dump', '-f', "$tempdir/dump.sql", $node->connstr('postgres') ], '2>', \$err), 'pg_dump succeeds') or diag($err);
like(slurp_file("$tempdir/dump.sql"), qr/\ta:200\tmet\t/, 'and has them');
is($node->safe_psql('postgres', q{SELECT count(actstream.display_name(actor)), count(actstream.url(actor)), count(actstream.expand(actor)) FROM actstream.actions}),
    '500|0|0', 'names are the references, and there are no rows');
is($node->safe_psql('postgres', q{SELECT count(*) FROM actstream.model_stream('b')}), '500', 'streams show them');

$node->stop;
done_testing();
