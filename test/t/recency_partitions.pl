# The recency map where actions is partitioned by time: it is for the partition with the
# newest actions, and loses nothing when that changes, whatever comes or goes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use PostgreSQL::Test::BackgroundPsql;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('main', conf => <<'END_OF_SETTINGS');
shared_preload_libraries = 'actstream'
autovacuum = off
jit = off
END_OF_SETTINGS

# Objects 1 to 600 act once in May, 1 to 300 in June, and then many others; there is room for July,
# and for what is far in the future.
sub set_up
{
    my ($database, $more) = @_;

    $node->safe_psql('postgres', "CREATE DATABASE $database");
    $node->safe_psql($database, <<'END_OF_SETUP' . plain_streams() . $more);
CREATE EXTENSION actstream;
CREATE TABLE actstream.actions OF actstream.action (PRIMARY KEY (id, "timestamp")) PARTITION BY RANGE ("timestamp");
CREATE TABLE actstream.may PARTITION OF actstream.actions FOR VALUES FROM (MINVALUE) TO ('2026-06-01 00:00+00');
CREATE TABLE actstream.june PARTITION OF actstream.actions FOR VALUES FROM ('2026-06-01 00:00+00') TO ('2026-07-01 00:00+00');
CREATE TABLE actstream.july PARTITION OF actstream.actions FOR VALUES FROM ('2026-07-01 00:00+00') TO ('2026-08-01 00:00+00');
CREATE TABLE actstream.future PARTITION OF actstream.actions FOR VALUES FROM ('2200-01-01 00:00+00') TO (MAXVALUE);
DO 'BEGIN PERFORM actstream.create_tables(); PERFORM actstream.register_external(''o''); END';
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT actstream.ref('o', i), 'may', timestamptz '2026-05-01 00:00+00' + i * interval '1 minute' FROM generate_series(1, 600) i;
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT actstream.ref('o', i), 'june', timestamptz '2026-06-01 00:00+00' + i * interval '1 minute' FROM generate_series(1, 300) i;
INSERT INTO actstream.actions (actor, verb, "timestamp")
SELECT actstream.ref('o', 5000 + i), 'others', timestamptz '2026-06-21 00:00+00' + i * interval '1 minute' FROM generate_series(1, 6000) i;
INSERT INTO actstream.follows (follower, followee) SELECT 'o:9001', actstream.ref('o', i) FROM generate_series(1, 600) i;
INSERT INTO actstream.follows (follower, followee) SELECT 'o:9002', actstream.ref('o', i) FROM generate_series(1, 600, 9) i;
INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES ('o:1', 'future', 'infinity');
ANALYZE actstream.actions, actstream.follows;
END_OF_SETUP
    return;
}

# The verb of the newest action that a stream has below the future, whether all pages are the
# same as in plain SQL, and whether lists were skipped for one.
sub seen
{
    my ($database) = @_;
    my @pages = map { my $follower = $_; map { "user_stream('o:$follower') LIMIT $_" } 1, 5, 20, 100, 'ALL' } 9001, 9002;
    my $out = $node->safe_psql($database, 'SELECT ' . same_as_plain(@pages) . <<'END');
;
SELECT verb FROM actstream.user_stream('o:9001') WHERE verb <> 'future' LIMIT 1;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT * FROM actstream.user_stream('o:9001') WHERE "timestamp" < '2199-01-01' LIMIT 20
END
    my ($same, $verb) = split /\n/, $out;
    my $skipped = 0;

    $skipped += $1 while $out =~ /Lists Skipped: (\d+)/g;
    return join ' ', $verb, $same eq 't' ? 'same' : 'different', $skipped > 0 ? 'skipped' : 'not skipped';
}

sub build
{
    my ($database) = @_;

    return $node->safe_psql($database, 'SELECT actstream.recency_build()');
}

sub build_error
{
    my ($database) = @_;

    $node->psql($database, 'SELECT actstream.recency_build()', stderr => \my $error);
    return $error;
}

sub mapped_is
{
    my ($database, $expected, $name) = @_;

    build($database);
    is(seen($database), $expected, $name);
    return;
}

my $insert = 'INSERT INTO actstream.actions (actor, verb, "timestamp") VALUES';

#
# The partition with the newest actions, but for the far future
#

set_up('p', '');
is($node->safe_psql('p', 'SELECT state FROM actstream.recency_stats()'), 'incomplete', 'nothing is built yet');
like(seen('p'), qr/^june same/, 'pages without it');
ok($node->poll_query_until('p', q{SELECT state = 'complete' FROM actstream.recency_stats()}), 'the map is built');
is(seen('p'), 'june same skipped', 'the stream that was read has had the map built');
is(build('p'), '6300', 'which is for June');

# ways in, each by an object that has done nothing in June
my $object = 300;
foreach my $way (
    "$insert (\$o, \$v, \$t)",
    'INSERT INTO actstream.june (id, "timestamp", actor, verb) VALUES (nextval(pg_get_serial_sequence(\'actstream.actions\', \'id\')), $t, $o, $v)',
    "$insert (\$o, \$v, '2026-05-31 00:00+00'); UPDATE actstream.actions SET \"timestamp\" = \$t WHERE verb = \$v",
    "SET session_replication_role = replica; $insert (\$o, \$v, \$t)",
    "$insert ('o:8000', \$v, \$t); UPDATE actstream.actions SET actor = \$o WHERE verb = \$v",
    "COPY actstream.actions (actor, verb, \"timestamp\") FROM stdin;\n\$c\n\\.\n")
{
    $object++;
    my $time = sprintf '2026-06-20 %02d:%02d:00+00', $object / 60, $object % 60;
    my $sql = $way =~ s/\$c/o:$object\tway $object\t$time/r;

    $sql =~ s/\$o/'o:$object'/g;
    $sql =~ s/\$v/'way $object'/g;
    $sql =~ s/\$t/'$time'/g;
    $node->safe_psql('p', $sql);
    is(seen('p'), "way $object same skipped", $sql);
}
$node->safe_psql('p', "BEGIN; $insert ('o:400', 'never', '2026-06-29 00:00+00'); ROLLBACK");
is(seen('p'), "way $object same skipped", 'what is rolled back');
$node->safe_psql('p', "$insert ('o:401', 'old', '2026-05-30 00:00+00')");
is(seen('p'), "way $object same skipped", 'what is in another partition');

#
# The map changes to another partition
#

# A cursor that has read the future and a row of June on the time line, with the map for June, whose bounds are then lowered
# by readers of July.
$node->safe_psql('p', "$insert ('o:410', 'top', '2026-06-26 00:00+00')");
is(seen('p'), 'top same skipped', 'above what others did');
my $reader = $node->background_psql('p');
# another has lowered bounds, and is closed afterwards
$reader->query_safe(q{SELECT count(*) FROM (SELECT FROM actstream.user_stream('o:9001') LIMIT 20) s});
$node->safe_psql('p', <<"END");
BEGIN;
$insert ('o:510', 'never', '2026-06-29 00:00+00'), ('o:511', 'never', '2026-06-29 00:00+00');
ROLLBACK;
END
$reader->query_safe(q{BEGIN; DECLARE d CURSOR FOR SELECT id FROM actstream.user_stream('o:9001'); MOVE 3 FROM d});
my $wanted = $node->safe_psql('p', q{SELECT array_agg(id) FROM (SELECT id FROM plain.user_stream('o:9001')) s});
$reader->query_safe(<<'END_OF_CURSOR');
DECLARE c CURSOR FOR SELECT id FROM actstream.user_stream('o:9001');
CREATE TEMP TABLE read (n int GENERATED ALWAYS AS IDENTITY, id bigint);
CREATE PROCEDURE pg_temp.read(how_many int) LANGUAGE plpgsql AS $$
DECLARE
    c refcursor := 'c';
    i bigint;
BEGIN
    FOR n IN 1..how_many LOOP
        FETCH c INTO i;
        EXIT WHEN NOT FOUND;
        INSERT INTO read (id) VALUES (i);
    END LOOP;
END
$$;
CALL pg_temp.read(2);
END_OF_CURSOR
$node->safe_psql('p', "$insert ('o:402', 'july', '2026-07-01 12:00+00'); $insert" =~ s/VALUES$/<<'END'/er);
SELECT actstream.ref('o', 5000 + i), 'july', timestamptz '2026-07-02 00:00+00' + i * interval '1 minute' FROM generate_series(1, 6000) i
END
is(seen('p'), 'july same skipped', 'newer actions in another partition than that of the map');
is(build('p'), '6001', 'the map is for July now');
my $lowered = 'SELECT lowered FROM actstream.recency_stats()';
my $before = $node->safe_psql('p', $lowered);
is(seen('p'), 'july same skipped', 'pages with the map for July');
cmp_ok($node->safe_psql('p', $lowered), '>', $before, 'bounds of June have been lowered');
$reader->query_safe('CALL pg_temp.read(1000000)');
is($reader->query_safe('SELECT array_agg(id ORDER BY n) FROM read'), $wanted, 'a cursor from before misses nothing');
$reader->query_safe('CLOSE d; ROLLBACK');
is($reader->query_safe('SELECT 1'), '1', 'and another is closed');

# back to June, when nothing is left in July
$node->safe_psql('p', q{DELETE FROM actstream.actions WHERE verb IN ('july', 'top'); VACUUM actstream.actions});
mapped_is('p', "way $object same skipped", 'June is the newest again');

#
# Partitions that come and go
#

$node->safe_psql('p', 'ALTER TABLE actstream.actions DETACH PARTITION actstream.june');
is(build('p'), '600', 'June is detached, and the map for May');
is(seen('p'), 'old same not skipped', 'where the newest are all of followees');
$node->safe_psql('p', q{INSERT INTO actstream.june (id, "timestamp", actor, verb) VALUES (1000001, '2026-06-27 00:00+00', 'o:403', 'detached')});
my $attach = q{ALTER TABLE actstream.actions ATTACH PARTITION actstream.june FOR VALUES FROM ('2026-06-01 00:00+00') TO ('2026-07-01 00:00+00')};
$node->safe_psql('p', $attach);
is(seen('p'), 'detached same not skipped', 'June is attached, with a row that it got meanwhile; the map is for May');
mapped_is('p', 'detached same skipped', 'and built for June');
$node->safe_psql('p', <<"END");
ALTER TABLE actstream.actions DETACH PARTITION actstream.june;
INSERT INTO actstream.june (id, "timestamp", actor, verb) VALUES (1000002, '2026-06-27 01:00+00', 'o:404', 'detached again');
$attach
END
is(seen('p'), 'detached again same skipped', 'the same, while the map is for June');
is($node->safe_psql('p', 'SELECT actstream.recency_build()'), '6308', 'and built once more');
$node->psql('p', "BEGIN; ALTER TABLE actstream.actions DETACH PARTITION actstream.june; $attach; SELECT actstream.recency_build()",
    stderr => \my $error);
like($error, qr/cannot build the recency map in a transaction that has locked relation "actions" exclusively/, 'built in the transaction that attaches');
$node->safe_psql('p', <<'END');
CREATE TABLE actstream.august (LIKE actstream.actions INCLUDING DEFAULTS);
INSERT INTO actstream.august (id, "timestamp", actor, verb) VALUES (1000003, '2026-08-02 00:00+00', 'o:405', 'august');
ALTER TABLE actstream.actions ATTACH PARTITION actstream.august FOR VALUES FROM ('2026-08-01 00:00+00') TO ('2026-09-01 00:00+00');
END
is(seen('p'), 'august same skipped', 'a table with rows is attached, while the map is for June');
is(build('p'), '6308', 'which it still is, for a single row is no reason to change');
is(seen('p'), 'august same skipped', 'and pages have both');
$node->safe_psql('p', 'DROP TABLE actstream.august');
is(seen('p'), 'detached again same skipped', 'it is dropped');
$node->safe_psql('p', q{REINDEX INDEX CONCURRENTLY actstream.june_actor_public_timestamp_id_idx});
like(build_error('p'), qr/no recency map for partition "june".*older than others.*REINDEX INDEX CONCURRENTLY actstream.actions_track_recency_idx/s,
    'not built where the index of a role comes after that of the map');
is(seen('p'), 'detached again same skipped', 'but used, as it was built before');
$node->safe_psql('p', "$insert ('o:405', 'july again', '2026-07-03 00:00+00')");
like(build_error('p'), qr/no recency map for partition "june"/, 'nor for a later partition with few actions instead');
is(seen('p'), 'july again same skipped', 'which does not take its place');
$node->safe_psql('p', q{DELETE FROM actstream.actions WHERE verb = 'july again'; VACUUM actstream.actions});
$node->safe_psql('p', 'REINDEX INDEX CONCURRENTLY actstream.actions_track_recency_idx');
is(build('p'), '6308', 'until that is made anew, too');
$node->safe_psql('p', q{CREATE TABLE actstream.august PARTITION OF actstream.actions FOR VALUES FROM ('2026-08-01 00:00+00') TO ('2026-09-01 00:00+00')});
$node->safe_psql('p', 'REINDEX INDEX CONCURRENTLY actstream.august_actor_public_timestamp_id_idx');
is(build('p'), '6308', 'an empty partition does not matter');
is($node->safe_psql('p', <<'END'), '0', 'no lock on an index is kept without the one on its table');
BEGIN;
DO 'BEGIN PERFORM actstream.recency_build(); END';
SELECT count(*)
FROM pg_locks l JOIN pg_index i ON i.indexrelid = l.relation
WHERE l.pid = pg_backend_pid() AND i.indrelid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'actstream.actions'::regclass) AND
      NOT EXISTS (SELECT FROM pg_locks t WHERE t.pid = l.pid AND t.relation = i.indrelid);
END
$node->safe_psql('p', 'DROP TABLE actstream.august');
$node->safe_psql('p', "$insert ('o:406', 'reindexed', '2026-06-28 00:00+00')");
is(seen('p'), 'reindexed same skipped', 'and raised');
$node->safe_psql('p', q{DROP INDEX actstream.actions_track_recency_idx});
is(seen('p'), 'reindexed same not skipped', 'nothing raises it any more');
is($node->safe_psql('p', 'SELECT state FROM actstream.recency_stats()'), 'no index', 'as the statistics say');
$node->safe_psql('p', "$insert ('o:407', 'without', '2026-06-28 01:00+00')");
is($node->safe_psql('p', 'SELECT * FROM actstream.create_tables()'), 'index actions_track_recency_idx of table actions', 'the index is made again');
is(seen('p'), 'without same not skipped', 'after rows that have raised nothing');
mapped_is('p', 'without same skipped', 'built');

# An index that becomes valid with the last of its partitions
my $old = $node->background_psql('p');
$node->safe_psql('p', 'DROP INDEX actstream.actions_track_recency_idx');
my $columns = 'USING actstream_recency (actor, target, action_object, public, "timestamp")';
$node->safe_psql('p', "CREATE INDEX raising ON ONLY actstream.actions $columns");
is($old->query_safe('SELECT state FROM actstream.recency_stats()'), 'no index', 'not on all partitions yet');
foreach my $partition (split /\n/, $node->safe_psql('p', q{SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'actstream.actions'::regclass}))
{
    $node->safe_psql('p', "CREATE INDEX raising_$partition ON actstream.$partition $columns; ALTER INDEX actstream.raising ATTACH PARTITION actstream.raising_$partition");
}
is($old->query_safe('SELECT state FROM actstream.recency_stats()'), 'incomplete', 'on all, as an old session notices');
$old->quit;
mapped_is('p', 'without same skipped', 'built with that');
$node->restart;
like(seen('p'), qr/^without same/, 'a restart forgets it');
ok($node->poll_query_until('p', q{SELECT state = 'complete' FROM actstream.recency_stats()}), 'the map is built');
is(seen('p'), 'without same skipped', 'and a stream asks for it again');

$node->safe_psql('p', 'DROP INDEX actstream.actions_actor_idx; CREATE INDEX ON actstream.actions (actor, public, "timestamp", id)');
like(build_error('p'), qr/no recency map for partition "june".*Call actstream.create_tables\(\)/s, 'an index of all partitions is made again');
is($node->safe_psql('p', 'SELECT * FROM actstream.create_tables()'), 'index actions_track_recency_idx of table actions', 'and so the one of the map');
mapped_is('p', 'without same skipped', 'and built');

# A row that is ahead of time does not take the map away from where pages are read.
$node->safe_psql('p', <<"END");
CREATE TABLE actstream.soon PARTITION OF actstream.actions FOR VALUES FROM (now() + interval '1 hour') TO ('2200-01-01 00:00+00');
$insert ('o:408', 'soon', now() + interval '2 hours');
END
my $pairs = build('p');
cmp_ok($pairs, '>', 6000, 'an action is dated ahead');
is(seen('p'), 'soon same skipped', 'the map is for June');

#
# While it is being built
#

# The database's row is changed again and again, so that the next session forgets that the map is complete.
$node->safe_psql('p', "$insert" =~ s/VALUES$/<<'END'/er);
SELECT actstream.ref('o', 10000 + i), 'many', timestamptz '2026-06-02 00:00+00' + i * interval '1 second' FROM generate_series(1, 100000) i
END
build('p');
$node->safe_psql('p', <<'END_OF_SETUP');
CREATE TABLE stop ();
-- does something, in transactions of their own, until there is a row in "stop"
CREATE PROCEDURE repeat(what text) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..100000 LOOP
        EXIT WHEN EXISTS (SELECT FROM stop);
        EXECUTE what USING i;
        COMMIT;
    END LOOP;
END
$$;
END_OF_SETUP
my ($builder, $writer) = map { $node->background_psql('p') } 1 .. 2;
$builder->query_until(qr/begun/, "\\echo begun\nCALL repeat('SELECT actstream.recency_build(), \$1');\n");
$writer->query_until(qr/begun/, <<'END');
\echo begun
CALL repeat($$INSERT INTO actstream.actions (actor, verb, "timestamp")
              VALUES (actstream.ref('o', 10000 + $1), 'while built', timestamptz '2026-06-29 00:00+00' + $1 * interval '1 millisecond')$$);
END
foreach my $round (1 .. 20)
{
    $node->safe_psql('postgres', 'GRANT CONNECT ON DATABASE p TO PUBLIC');
    $node->safe_psql('p', 'SELECT id FROM actstream.public_stream() LIMIT 1');
}
$node->safe_psql('p', 'INSERT INTO stop DEFAULT VALUES');
$_->quit foreach $builder, $writer;
is($node->safe_psql('p', <<'END'), '0', 'what is sent while it is built is shown');
SELECT count(*)
FROM actstream.actions a
WHERE verb = 'while built' AND (SELECT s.id FROM actstream.actor_stream(a.actor) s LIMIT 1) <> a.id
END
is($node->safe_psql('p', 'SELECT state FROM actstream.recency_stats()'), 'complete', 'with the map');
my $granting = $node->background_psql('p');
$granting->query_safe('BEGIN; GRANT CONNECT ON DATABASE p TO PUBLIC; SELECT id FROM actstream.public_stream() LIMIT 1');
is($node->safe_psql('p', 'SELECT state FROM actstream.recency_stats()'), 'complete', 'also beside a transaction that has changed the database');
$granting->query_safe('ROLLBACK');
$granting->quit;

$node->safe_psql('postgres', 'CREATE DATABASE fresh');
is($node->safe_psql('fresh', <<'END'), "incomplete\n0", 'in the transaction that has changed a database without a map');
BEGIN;
GRANT CONNECT ON DATABASE fresh TO PUBLIC;
CREATE EXTENSION actstream;
DO 'BEGIN PERFORM actstream.create_tables(); END';
SELECT state FROM actstream.recency_stats();
COMMIT;
BEGIN;
GRANT CONNECT ON DATABASE fresh TO PUBLIC;
SELECT actstream.recency_build();
COMMIT;
END

# A worker that waited for a lock would be followed by others.
$node->restart;
my $holder = $node->background_psql('p');
$holder->query_safe('BEGIN; LOCK TABLE actstream.actions IN ACCESS EXCLUSIVE MODE; SELECT count(*) FROM actstream.public_stream()');
sleep 2;
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type LIKE 'actstream%'}), 'a worker does not wait for a lock');
$holder->query_safe('ROLLBACK');
$holder->quit;

#
# The owner's functions in the key of the table run as the owner
#

$node->safe_psql('postgres', 'CREATE DATABASE k; CREATE ROLE keeper LOGIN');
$node->safe_psql('k', <<'END_OF_KEY');
CREATE EXTENSION actstream;
GRANT USAGE, CREATE ON SCHEMA actstream TO keeper;
GRANT CREATE ON SCHEMA public TO keeper;
SET ROLE keeper;
DO 'BEGIN PERFORM actstream.create_tables(); END';
ALTER TABLE actstream.actions RENAME TO old_actions;
CREATE TABLE ran (as_whom name);
CREATE FUNCTION note() RETURNS void LANGUAGE plpgsql VOLATILE AS 'BEGIN INSERT INTO public.ran VALUES (current_user); END';
CREATE FUNCTION nothing(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN PERFORM public.note(); RETURN 0; END';
CREATE TABLE actstream.actions OF actstream.action PARTITION BY RANGE ("timestamp", (id + public.nothing(0)));
CREATE TABLE actstream.all_of_them PARTITION OF actstream.actions FOR VALUES FROM (MINVALUE, MINVALUE) TO (MAXVALUE, MAXVALUE);
CREATE INDEX ON actstream.actions (actor, public, "timestamp", id);
CREATE INDEX ON actstream.actions (target, public, "timestamp", id) WHERE target IS NOT NULL;
CREATE INDEX ON actstream.actions (action_object, public, "timestamp", id) WHERE action_object IS NOT NULL;
CREATE INDEX ON actstream.actions ("timestamp", id) WHERE public;
CREATE INDEX ON actstream.actions USING actstream_recency (actor, target, action_object, public, "timestamp");
INSERT INTO actstream.actions (id, actor, verb, "timestamp", public) VALUES (1, 'o:1', 'came', '2026-01-01', true);
END_OF_KEY
$node->safe_psql('k', 'SELECT actstream.recency_build()');
is($node->safe_psql('k', q{SELECT DISTINCT as_whom FROM ran}), 'keeper', 'also when a superuser builds the map');
$node->restart;
$node->safe_psql('k', 'SET ROLE keeper; SELECT id FROM actstream.public_stream() LIMIT 1');
ok($node->poll_query_until('k', q{SELECT state = 'complete' FROM actstream.recency_stats()}), 'the worker builds it');
is($node->safe_psql('k', q{SELECT DISTINCT as_whom FROM ran}), 'keeper', 'as the owner, too');

#
# Where no partition is the newest
#

set_up('q', q{CREATE TABLE actstream.rest PARTITION OF actstream.actions DEFAULT;});
like(build_error('q'), qr/no recency map for relation "actions".*without a default partition/s, 'not with a default partition');
is($node->safe_psql('q', 'SELECT state FROM actstream.recency_stats()'), 'partitions', 'nor by a worker');
is(seen('q'), 'june same not skipped', 'pages without the map');
$node->safe_psql('q', q{ALTER TABLE actstream.actions DETACH PARTITION actstream.rest});
mapped_is('q', 'june same skipped', 'it is detached');
$node->safe_psql('postgres', 'CREATE DATABASE h');
is($node->safe_psql('h', <<'END'), '0', 'no index for the map where actions is not partitioned by time');
CREATE EXTENSION actstream;
CREATE TABLE actstream.actions OF actstream.action (PRIMARY KEY (id)) PARTITION BY HASH (id);
CREATE TABLE actstream.one PARTITION OF actstream.actions FOR VALUES WITH (MODULUS 1, REMAINDER 0);
DO 'BEGIN PERFORM actstream.create_tables(); END';
SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = indexrelid JOIN pg_am m ON m.oid = c.relam WHERE amname = 'actstream_recency';
END

done_testing();
