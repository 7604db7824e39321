# pg_upgrade brings everything over.  It makes the members of an extension one by
# one, in an order of its own, which it does from a major to itself as well.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $old = PostgreSQL::Test::Cluster->new('old');
my $new = PostgreSQL::Test::Cluster->new('new');
my $bindir = $old->config_data('--bindir');

foreach my $node ($old, $new)
{
    $node->init;
    $node->append_conf('postgresql.conf', "shared_preload_libraries = 'actstream'");
}
$old->start;
install($old, 'postgres', <<'END');
CREATE TABLE person (id integer PRIMARY KEY, name text);
CREATE TABLE orders (id integer PRIMARY KEY, person integer, at timestamptz) PARTITION BY RANGE (id);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (50);
CREATE TABLE orders_2 PARTITION OF orders FOR VALUES FROM (50) TO (500);
CREATE TABLE gone (id uuid PRIMARY KEY);
INSERT INTO person SELECT i, 'P' || i FROM generate_series(1, 9) i;
INSERT INTO gone VALUES ('6f1c3a52-0c39-4f9e-8d6c-2b1f0a7c9e11');
SELECT actstream.register('person', name_template => '{name}'), actstream.register('orders', on_delete => 'set null'),
       actstream.register('gone', on_delete => 'keep'), actstream.register_external('site'),
       actstream.track('orders', 'ordered', 'person:{person}', timestamp_column => 'at');
INSERT INTO orders SELECT i, 1 + i % 9, timestamptz '2026-01-01 00:00+00' + i * interval '1 hour' FROM generate_series(1, 99) i;
SELECT actstream.act_send('person:1', 'saw', 'gone:6f1c3a52-0c39-4f9e-8d6c-2b1f0a7c9e11', 'site:zürich', data => '{"k": 1}', external_id => 'x');
SELECT actstream.follow(actstream.ref('person', 1 + i % 3), actstream.ref('person', 1 + i % 9), f, i % 2 = 0)
FROM generate_series(1, 20) i, unnest('{"",watching}'::text[]) f;
INSERT INTO actstream.phrases VALUES ('de', 'saw', '{actor} sah {target}');
DROP TABLE gone;
CREATE TABLE note (about actstream.ref PRIMARY KEY, others actstream.ref[]);
INSERT INTO note SELECT DISTINCT ON (actor) actor, ARRAY[action_object, target] FROM actstream.actions ORDER BY actor, id;
CREATE INDEX ON note USING hash (about);
CREATE VIEW page AS SELECT * FROM actstream.user_stream('person:1') LIMIT 20;
CREATE ROLE app;
GRANT USAGE ON SCHEMA actstream TO app;
GRANT SELECT ON actstream.actions TO app;
END

my $contents = join "\n", map { "COPY ($_) TO STDOUT;" }
    map({ "SELECT t.* FROM $_ t ORDER BY t::text COLLATE \"C\"" } qw(actstream.object_types actstream.actions actstream.follows actstream.phrases note page)),
    'SELECT last_value FROM actstream.actions_id_seq',
    'SELECT p, (SELECT array_agg(id) FROM actstream.user_stream(p)), (SELECT array_agg(id) FROM actstream.any_stream(p)),
            (SELECT array_agg(f ORDER BY f) FROM actstream.followers(p) f), (SELECT array_agg(f ORDER BY f) FROM actstream.following(p) f)
     FROM (SELECT actstream.ref_of(p) FROM person p) r (p) ORDER BY p',
    q{SELECT actstream.sentence(a, '2026-02-01 00:00+00', 'de') FROM actstream.public_stream() a},
    q{SELECT c.oid::regclass, c.relacl FROM pg_class c WHERE c.relnamespace = 'actstream'::regnamespace ORDER BY c.relname},
    q{SELECT p.oid::regprocedure, p.proacl FROM pg_proc p WHERE p.pronamespace IN ('actstream'::regnamespace, 'actstream_internal'::regnamespace) ORDER BY p.oid::regprocedure::text},
    q{SELECT t.tgrelid::regclass, t.tgname, t.tgenabled FROM pg_trigger t WHERE NOT t.tgisinternal ORDER BY t.tgrelid::regclass::text, t.tgname},
    q{SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'},
    'SELECT * FROM actstream.integrity_check()';
my $before = $old->safe_psql('postgres', $contents);
cmp_ok(length $before, '>', 5000, 'there is something to bring over');
$old->stop;

chdir PostgreSQL::Test::Utils::tempdir();
command_ok(
    [ 'pg_upgrade', '--no-sync', '--old-datadir', $old->data_dir, '--new-datadir', $new->data_dir, '--old-bindir', $bindir, '--new-bindir', $bindir,
        '--socketdir', $new->host, '--old-port', $old->port, '--new-port', $new->port ],
    'pg_upgrade succeeds');

$new->start;
is_deeply([ split /\n/, $new->safe_psql('postgres', $contents) ], [ split /\n/, $before ], 'all is there');
$new->safe_psql('postgres', 'SELECT actstream.recency_build()');
is_deeply([ split /\n/, $new->safe_psql('postgres', $contents) ], [ split /\n/, $before ], 'also with the recency map');
is($new->safe_psql('postgres', 'SELECT state FROM actstream.recency_stats()'), 'complete', 'which there is');
is($new->safe_psql('postgres', q{INSERT INTO orders VALUES (400, 2, now()); SELECT action_object FROM actstream.actor_stream('person:2') LIMIT 1}), 'orders:400', 'it goes on');
my (undef, undef, $err) = $new->psql('postgres', q{SELECT actstream.act_send('person:99', 'came')});
like($err, qr/object "person:99" does not exist/, 'its rules hold');
$new->safe_psql('postgres', 'DELETE FROM person WHERE id = 3; DROP TABLE orders_1');
is($new->safe_psql('postgres', 'SELECT * FROM actstream.integrity_check()'), '', 'also for what is deleted or dropped');
$new->stop;

done_testing();
