# Streams beside everything else that happens to their tables: writers,
# maintenance, indexes that come and go or are not what they were, a timeout,
# a hundred thousand calls.
#
# compare() reads every stream, whole and in pages, in one REPEATABLE READ
# transaction, and the same by plain SQL from copies of the tables with
# references as text.  It returns where they differ.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use IPC::Run ();
use PostgreSQL::Test::BackgroundPsql;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $comparisons = 100;    # at least, beside writers; of 9 streams each
my $clients = 4;
my $transactions = 300;    # of each writer, again and again
my $rate = 800;    # of transactions per second, so that readers get their turn
my $followees = 100_000;
my $calls = 100_000;

my $node = new_node('main', conf => "autovacuum_naptime = 1s\njit = off\nmax_connections = 30");
my $tempdir = PostgreSQL::Test::Utils::tempdir();
my $began = time;

sub took
{
    diag(sprintf('%s: %.1f s', $_[0], time - $began));
    $began = time;
}

install($node, 'postgres', <<'END_OF_SETUP');
SELECT actstream.register_external('o');
CREATE SCHEMA beside;

INSERT INTO actstream.actions (id, "timestamp", public, actor, verb, action_object, target, data)
SELECT i, CASE WHEN i % 3 = 0 THEN timestamptz '2026-01-01 12:00+00'
               ELSE timestamptz '2026-01-01 00:00+00' + i * 7919 % 1000 * interval '1 minute' END,
       i % 7 > 0, actstream.ref('o', i * 31 % 40), 'did',
       CASE WHEN i % 4 = 0 THEN actstream.ref('o', i * 17 % 40) END,
       CASE WHEN i % 5 > 1 THEN actstream.ref('o', i * 13 % 40) END, '{"k": 1}'
FROM generate_series(1, 2500) AS i;
SELECT setval(pg_get_serial_sequence('actstream.actions', 'id'), 10000);
INSERT INTO actstream.follows (follower, followee, flag, actor_only, started)
SELECT actstream.ref('o', i % 8), actstream.ref('o', i * 7 % 40), (ARRAY['', 'watching'])[1 + i / 41], i % 3 = 0,
       timestamptz '2026-01-01 00:00+00' + i * interval '20 minutes'
FROM generate_series(1, 60) AS i;
VACUUM ANALYZE actstream.actions, actstream.follows;

-- The streams, in a function that keeps its plans
CREATE FUNCTION beside.kept(kind text, o actstream.ref) RETURNS bigint[] LANGUAGE plpgsql AS $$
BEGIN
    RETURN CASE kind
        WHEN 'actor' THEN (SELECT array_agg(id) FROM actstream.actor_stream(o))
        WHEN 'target' THEN (SELECT array_agg(id) FROM actstream.target_stream(o))
        WHEN 'action_object' THEN (SELECT array_agg(id) FROM actstream.action_object_stream(o))
        WHEN 'any' THEN (SELECT array_agg(id) FROM actstream.any_stream(o))
        WHEN 'of' THEN (SELECT array_agg(id) FROM actstream.stream_of(ARRAY[o, 'o:3', 'o:30'], '{actor,target}'))
        WHEN 'model' THEN (SELECT array_agg(id) FROM actstream.model_stream('o'))
        WHEN 'public' THEN (SELECT array_agg(id) FROM actstream.public_stream())
        WHEN 'user' THEN (SELECT array_agg(id) FROM actstream.user_stream(o))
        WHEN 'user since' THEN (SELECT array_agg(id) FROM actstream.user_stream(o, 'watching', true, true)) END;
END
$$;

CREATE TABLE beside.stream (kind text, stream text, plain text);
INSERT INTO beside.stream VALUES
    ('actor', 'actstream.actor_stream($1)', 'a.actor = $1'),
    ('target', 'actstream.target_stream($1)', 'a.target = $1'),
    ('action_object', 'actstream.action_object_stream($1)', 'a.action_object = $1'),
    ('any', 'actstream.any_stream($1)', '$1 IN (a.actor, a.target, a.action_object)'),
    ('of', 'actstream.stream_of(ARRAY[$1, ''o:3'', ''o:30''], ''{actor,target}'')',
     'a.actor IN ($1, ''o:3'', ''o:30'') OR a.target IN ($1, ''o:3'', ''o:30'')'),
    ('model', 'actstream.model_stream(''o'')', 'true'),
    ('public', 'actstream.public_stream()', 'true'),
    ('user', 'actstream.user_stream($1)',
     'EXISTS (SELECT FROM f WHERE f.follower = $1 AND (f.verbs IS NULL OR a.verb = ANY (f.verbs))
                              AND (f.followee = a.actor OR NOT actor_only AND f.followee IN (a.target, a.action_object)))
      AND NOT EXISTS (SELECT FROM m WHERE m.muter = $1 AND m.muted IN (a.actor, a.target, a.action_object) AND (m.verbs IS NULL OR a.verb = ANY (m.verbs)))'),
    ('user since', 'actstream.user_stream($1, ''watching'', true, true)',
     '(a.actor = $1 OR EXISTS (SELECT FROM f WHERE f.follower = $1 AND f.flag = ''watching'' AND a."timestamp" >= f.started AND (f.verbs IS NULL OR a.verb = ANY (f.verbs))
                              AND (f.followee = a.actor OR NOT actor_only AND f.followee IN (a.target, a.action_object))))
      AND NOT EXISTS (SELECT FROM m WHERE m.muter = $1 AND m.muted IN (a.actor, a.target, a.action_object) AND (m.verbs IS NULL OR a.verb = ANY (m.verbs)))');

-- Pages from the beginning, and as many from the middle of what is wanted
CREATE FUNCTION beside.pages(stream text, o actstream.ref, size integer, most integer, wanted bigint[]) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    page   bigint[];
    stamps timestamptz[];
    first  integer;
    stamp  timestamptz;
    last   bigint;
BEGIN
    FOREACH first IN ARRAY ARRAY[0, cardinality(wanted) / 2] LOOP
        IF first = 0 THEN
            stamp := 'infinity';
            last := 9223372036854775807;
        ELSE
            last := wanted[first];
            SELECT a."timestamp" INTO stamp FROM a WHERE id = last;
        END IF;
        FOR n IN 1 .. most LOOP
            EXECUTE format('SELECT coalesce(array_agg(id), ''{}''), array_agg("timestamp")
                            FROM (SELECT id, "timestamp" FROM %s WHERE ("timestamp", id) < ($2, $3) LIMIT %s) AS s', stream, size)
                INTO page, stamps USING o, stamp, last;
            IF page <> wanted[first + 1 : first + size] THEN
                RETURN false;
            END IF;
            EXIT WHEN cardinality(page) < size;
            first := first + size;
            stamp := stamps[size];
            last := page[size];
        END LOOP;
    END LOOP;
    RETURN true;
END
$$;

CREATE FUNCTION beside.compare(i integer, most_pages integer DEFAULT 5) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    o      text := 'o:' || i % 8;
    s      record;
    wanted bigint[];
    got    bigint[];
    differ text;
BEGIN
    IF to_regclass('pg_temp.a') IS NULL THEN
        CREATE TEMP TABLE a (id bigint, "timestamp" timestamptz, verb text, actor text, target text, action_object text);
        CREATE TEMP TABLE f (follower text, followee text, flag text, actor_only boolean, started timestamptz, verbs text[]);
        CREATE TEMP TABLE m (muter text, muted text, verbs text[]);
    END IF;
    DELETE FROM a;
    DELETE FROM f;
    DELETE FROM m;
    INSERT INTO a SELECT id, "timestamp", verb, actor::text, target::text, action_object::text FROM actstream.actions WHERE public;
    INSERT INTO f SELECT follower::text, followee::text, flag, actor_only, started, verbs FROM actstream.follows;
    INSERT INTO m SELECT muter::text, muted::text, verbs FROM actstream.mutes;
    FOR s IN SELECT * FROM beside.stream LOOP
        EXECUTE format('SELECT coalesce(array_agg(id ORDER BY "timestamp" DESC, id DESC), ''{}'') FROM a WHERE %s', s.plain) INTO wanted USING o;
        IF i % 2 = 0 THEN
            got := beside.kept(s.kind, o::actstream.ref);
        ELSE
            EXECUTE format('SELECT array_agg(id) FROM %s', s.stream) INTO got USING o::actstream.ref;
        END IF;
        IF coalesce(got, '{}') <> wanted THEN
            differ := concat_ws(', ', differ, format('%s of %s: %s wanted, %s got', s.kind, o, cardinality(wanted), cardinality(got)));
        END IF;
        IF (i + length(s.kind)) % 3 = 0 AND NOT beside.pages(s.stream, o::actstream.ref, (ARRAY[1, 7, 20])[1 + i % 3], most_pages, wanted) THEN
            differ := concat_ws(', ', differ, format('pages of %s of %s', s.kind, o));
        END IF;
    END LOOP;
    RETURN coalesce(differ, 'same');
END
$$;
END_OF_SETUP

# A session that goes on after an error, and says what it was.
sub session
{
    my $session = $node->background_psql('postgres', on_error_stop => 0);

    $session->set_query_timer_restart;
    $session->query('\set VERBOSITY sqlstate');
    return $session;
}

# The answer to a query, or "ERROR:  SQLSTATE".  Ends an aborted transaction.
sub ask
{
    my ($session, $query) = @_;
    my $answer = $session->query($query);

    if ($session->{stderr} =~ /(ERROR:  \w+)/)
    {
        $answer = $1;
        $session->{stderr} = '';
        $session->query('ROLLBACK;');
        $session->{stderr} = '';
    }
    return $answer;
}

sub compare
{
    my ($session, $i) = @_;

    ask($session, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT beside.compare($i); COMMIT;");
}

my $warm = session();

is(compare($warm, $_), 'same', "nothing happens: $_") foreach 0 .. 8;
took('start');

#
# Writers
#

my $writer = "$tempdir/writer.sql";
append_to_file($writer, <<'END');
\set actor random(0, 39)
\set target random(0, 39)
\set object random(0, 39)
\set first random(1, 2500)
\set second random(1, 2500)
\set hour random(0, 40)
\set what random(1, 15)
\set abort random(1, 6)
BEGIN;
\if :what <= 2
INSERT INTO actstream.actions ("timestamp", actor, verb, action_object, target, public)
VALUES (timestamptz '2026-01-01 00:00+00' + :hour * interval '1 hour', actstream.ref('o', :actor), 'sent',
        actstream.ref('o', :object), actstream.ref('o', :target), :hour % 5 > 0);
\elif :what <= 4
SELECT actstream.act_send(actstream.ref('o', :actor), 'sent', actstream.ref('o', :object), actstream.ref('o', :target), public => :hour % 5 > 0,
        "timestamp" => timestamptz '2026-01-01 00:00+00' + :hour * interval '1 hour');
\elif :what <= 6
UPDATE actstream.actions SET public = NOT public WHERE id IN (:first, :second);
\elif :what = 7
UPDATE actstream.actions SET description = 'again', data = NULL WHERE id = :first;
\elif :what = 8
DELETE FROM actstream.actions WHERE id = :first OR id > 10000 AND id % 10 = :hour % 10;
\elif :what = 9
INSERT INTO actstream.actions (id, "timestamp", actor, verb) VALUES (:first, '2026-01-01 12:00+00', actstream.ref('o', :actor), 'back')
ON CONFLICT (id) DO UPDATE SET "timestamp" = excluded."timestamp" + interval '1 minute', public = true;
\elif :what <= 11
SELECT actstream.follow(actstream.ref('o', :actor % 8), actstream.ref('o', :target), actor_only => :hour % 2 = 0, send_action => :hour % 3 = 0,
        verbs => CASE :hour % 4 WHEN 0 THEN '{sent,back}'::text[] END);
\elif :what = 12
SELECT actstream.mute(actstream.ref('o', :actor % 8), actstream.ref('o', 8 + :target % 32), verbs => CASE :hour % 3 WHEN 0 THEN '{did,sent}'::text[] END);
\elif :what <= 14
DELETE FROM actstream.mutes WHERE muter = actstream.ref('o', :actor % 8) AND muted <> actstream.ref('o', :target);
\else
SELECT actstream.unfollow(actstream.ref('o', :actor % 8), actstream.ref('o', :target), send_action => true);
\endif
\if :abort = 1
ROLLBACK;
\else
COMMIT;
\endif
END

# Starts a program that works beside the reader.
sub start
{
    my (@command) = @_;
    my $job = { out => '', err => '' };

    $job->{harness} = IPC::Run::start(\@command, '<', \undef, '>', \$job->{out}, '2>', \$job->{err});
    return $job;
}

sub start_writers
{
    my ($seed) = @_;

    return start('pgbench', '--no-vacuum', "--client=$clients", '--jobs=2', "--transactions=$transactions",
        "--rate=$rate", "--random-seed=$seed", '--max-tries=1000', "--file=$writer", $node->connstr('postgres'));
}

# Reads until there are enough comparisons and, if a job is given, that is done.
# Returns the answers, counted.
sub read_beside_writers
{
    my ($enough, $job) = @_;
    my ($runs, $i, %answers) = (0, 0);
    my $writers = start_writers(++$runs);
    my @failed;

    while ($i < $enough || $job && $job->{harness}->pumpable)
    {
        $answers{compare($warm, $i++)}++;
        $job->{harness}->pump_nb if $job && $job->{harness}->pumpable;
        $writers->{harness}->pump_nb if $writers->{harness}->pumpable;
        next if $writers->{harness}->pumpable;
        push @failed, $writers->{err} unless $writers->{harness}->finish;
        $writers = start_writers(++$runs);
    }
    push @failed, $writers->{err} unless $writers->{harness}->finish;
    is_deeply(\@failed, [], 'the writers succeed');
    diag("$i comparisons beside $runs times $clients times $transactions transactions");
    return \%answers;
}

my $answers = read_beside_writers($comparisons);
is_deeply([ keys %$answers ], ['same'], 'beside writers, streams are what plain SQL says') or diag(explain($answers));
took('writers');

#
# Writers and maintenance
#

my $maintenance = "$tempdir/maintenance.sql";
append_to_file($maintenance, <<'END') foreach 1 .. 3;
CREATE TABLE beside.other (id integer);
VACUUM actstream.actions;
REINDEX INDEX CONCURRENTLY actstream.actions_actor_idx;
ALTER TABLE beside.other ADD COLUMN a text;
REINDEX INDEX CONCURRENTLY actstream.actions_target_idx;
REINDEX INDEX CONCURRENTLY actstream.follows_pkey;
CREATE INDEX other_idx ON actstream.actions (verb);
CLUSTER actstream.actions USING actions_actor_idx;
REINDEX INDEX CONCURRENTLY actstream.actions_action_object_idx;
DROP INDEX actstream.other_idx;
ALTER TABLE beside.other DROP COLUMN a;
BEGIN;
DROP INDEX actstream.actions_target_idx;
CREATE INDEX actions_target_idx ON actstream.actions (target, public, "timestamp", id) WHERE target IS NOT NULL;
COMMIT;
REINDEX INDEX CONCURRENTLY actstream.actions_timestamp_idx;
REINDEX INDEX CONCURRENTLY actstream.actions_pkey;
REINDEX INDEX CONCURRENTLY actstream.follows_followee_idx;
DROP INDEX actstream.actions_actor_idx;
VACUUM FULL actstream.follows;
CREATE INDEX CONCURRENTLY actions_actor_idx ON actstream.actions (actor, public, "timestamp", id);
ANALYZE actstream.actions;
REINDEX TABLE actstream.actions;
DROP TABLE beside.other;
END

my $job = start('psql', '--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--set=VERBOSITY=verbose', "--file=$maintenance",
    $node->connstr('postgres'));
$answers = read_beside_writers($comparisons / 4, $job);
ok($job->{harness}->finish, 'maintenance succeeds') or diag($job->{err});
is_deeply([ keys %$answers ], ['same'], 'beside maintenance, too') or diag(explain($answers));
is( $node->safe_psql(
        'postgres', q{
CREATE EXTENSION amcheck;
SELECT count(*) FROM (SELECT bt_index_check(indexrelid, heapallindexed => true) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
    WHERE indrelid IN ('actstream.actions'::regclass, 'actstream.follows'::regclass) AND relam = (SELECT oid FROM pg_am WHERE amname = 'btree')) AS checked}),
    '8', 'no row is missing from an index');
took('maintenance');

#
# Cursors that stay open
#

# Cursors of one snapshot; writers, and what maintenance does not wait for their
# end, come between the fetches.  Of the type that is rare so many actions are old that
# its stream, once it has yielded its first rows, stands both on the time line and in
# an index.
{
    my $reader = session();
    my @streams = (q{actstream.user_stream('o:1', NULL, true)}, 'actstream.public_stream()',
        q{actstream.user_stream('o:3') WHERE "timestamp" <= '2026-01-01 12:00+00'}, q{actstream.model_stream('rare')});
    my (@wanted, @got, %waiting);

    $node->safe_psql('postgres', <<'END_OF_RARE');
SELECT actstream.register_external('rare');
INSERT INTO actstream.actions ("timestamp", actor, verb, target)
SELECT CASE WHEN i <= 50 THEN timestamptz '2027-01-01' + i * interval '20 hours' ELSE timestamptz '2025-01-01' + i * interval '1 minute' END,
       actstream.ref('rare', i), 'appeared', 'o:1'
FROM generate_series(1, 5000) AS i;
INSERT INTO actstream.actions ("timestamp", actor, verb)
SELECT timestamptz '2027-01-01' + i * interval '1 hour', 'o:1', 'came between' FROM generate_series(1, 1000) AS i;
END_OF_RARE

    $reader->query('BEGIN ISOLATION LEVEL REPEATABLE READ;');
    @wanted = map { ask($reader, "SELECT string_agg(id::text, ' ') FROM (SELECT id FROM actstream.actions a WHERE a.id IN (SELECT id FROM $_)
            ORDER BY a.\"timestamp\" DESC, a.id DESC) s;") } @streams;
    $reader->query("DECLARE c$_ CURSOR FOR SELECT id FROM $streams[$_];") foreach 0 .. $#streams;
    foreach my $round (1 .. 3)
    {
        $got[$_] .= $reader->query("FETCH 25 FROM c$_;") . "\n" foreach 0 .. $#streams;
        foreach (
            'DELETE FROM actstream.actions WHERE id % 5 = 1',
            'UPDATE actstream.actions SET public = false WHERE id % 5 = 2',
            q{UPDATE actstream.actions SET "timestamp" = "timestamp" + interval '1 day' WHERE id % 5 = 3},
            'DELETE FROM actstream.follows WHERE actor_only',
            'VACUUM actstream.actions',
            q{INSERT INTO actstream.actions ("timestamp", actor, verb) SELECT '2026-01-01 12:00+00', actstream.ref('o', i % 40), 'filled' FROM generate_series(1, 400) i},
            'VACUUM actstream.follows',
            'ANALYZE actstream.actions')
        {
            my (undef, undef, $err) = $node->psql('postgres', "SET statement_timeout = '5s';\n$_;");

            $waiting{$_} = $err if $err;
        }
    }
    is_deeply(\%waiting, {}, 'nobody waits for an open cursor');
    foreach my $i (0 .. $#streams)
    {
        $got[$i] .= $reader->query("FETCH ALL FROM c$i;");
        is(join(' ', split(/\n/, $got[$i])), $wanted[$i], "a cursor sees what there was: $streams[$i]");
        cmp_ok(length($wanted[$i]), '>', 500, '... which is something');
    }
    $reader->query('COMMIT;');
    $reader->quit;
    $node->safe_psql('postgres', q{DELETE FROM actstream.actions WHERE verb IN ('appeared', 'came between')});
}
took('cursors');

#
# Indexes
#

# Without an index, with one that is not valid, and with one of the same name
# that is something else.
my %indexes = (
    'none' => 'SELECT',
    'no actions_pkey' => 'ALTER TABLE actstream.actions DROP CONSTRAINT actions_pkey',
    'no follows_pkey' => 'ALTER TABLE actstream.follows DROP CONSTRAINT follows_pkey',
    (map { ("no $_" => "DROP INDEX actstream.$_") }
            qw(actions_actor_idx actions_target_idx actions_action_object_idx actions_timestamp_idx follows_followee_idx)),
    (map { ("invalid $_" => "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'actstream.$_'::regclass") }
            qw(actions_actor_idx actions_target_idx actions_action_object_idx actions_timestamp_idx follows_pkey follows_followee_idx)),
    (map { ("renamed $_" => "ALTER INDEX actstream.$_ RENAME TO something_else") }
            qw(actions_actor_idx actions_target_idx actions_action_object_idx actions_timestamp_idx follows_pkey)),
    'actions_actor_idx of another column' => 'DROP INDEX actstream.actions_actor_idx;
        CREATE INDEX actions_actor_idx ON actstream.actions (target, public, "timestamp", id)',
    'actions_actor_idx in another order' => 'DROP INDEX actstream.actions_actor_idx;
        CREATE INDEX actions_actor_idx ON actstream.actions (actor, public, "timestamp" DESC, id)',
    'actions_actor_idx of other columns' => 'DROP INDEX actstream.actions_actor_idx;
        CREATE INDEX actions_actor_idx ON actstream.actions (actor, "timestamp")',
    'actions_actor_idx without ids' => 'DROP INDEX actstream.actions_actor_idx;
        CREATE INDEX actions_actor_idx ON actstream.actions (actor, public, "timestamp")',
    'actions_timestamp_idx without ids' => 'DROP INDEX actstream.actions_timestamp_idx;
        CREATE INDEX actions_timestamp_idx ON actstream.actions ("timestamp") WHERE public',
    'actions_actor_idx of an expression' => 'DROP INDEX actstream.actions_actor_idx;
        CREATE INDEX actions_actor_idx ON actstream.actions (actor, (NOT public), "timestamp", id)',
    'actions_actor_idx with a hash' => 'DROP INDEX actstream.actions_actor_idx;
        CREATE INDEX actions_actor_idx ON actstream.actions USING hash (actor)',
    'partial actions_actor_idx' => 'DROP INDEX actstream.actions_actor_idx;
        CREATE INDEX actions_actor_idx ON actstream.actions (actor, public, "timestamp", id) WHERE id % 2 = 0',
    'partial actions_target_idx' => 'DROP INDEX actstream.actions_target_idx;
        CREATE INDEX actions_target_idx ON actstream.actions (target, public, "timestamp", id) WHERE target IS NOT NULL AND action_object IS NULL',
    'actions_timestamp_idx of private actions' => 'DROP INDEX actstream.actions_timestamp_idx;
        CREATE INDEX actions_timestamp_idx ON actstream.actions ("timestamp", id) WHERE NOT public',
    'actions_timestamp_idx of all actions' => 'DROP INDEX actstream.actions_timestamp_idx;
        CREATE INDEX actions_timestamp_idx ON actstream.actions ("timestamp", id)',
    # the first of two that look alike, by its OID; as after REINDEX CONCURRENTLY of ours
    'an older index of all timestamps' => 'DROP INDEX actstream.actions_timestamp_idx;
        CREATE INDEX mine ON actstream.actions ("timestamp", id);
        CREATE INDEX actions_timestamp_idx ON actstream.actions ("timestamp", id) WHERE public',
    'an older index of some timestamps' => 'DROP INDEX actstream.actions_timestamp_idx;
        CREATE INDEX mine ON actstream.actions ("timestamp", id) WHERE public AND id > 100;
        CREATE INDEX actions_timestamp_idx ON actstream.actions ("timestamp", id) WHERE public',
    'an older index of some actors' => 'DROP INDEX actstream.actions_actor_idx;
        CREATE INDEX mine ON actstream.actions (actor, public, "timestamp", id) WHERE public;
        CREATE INDEX actions_actor_idx ON actstream.actions (actor, public, "timestamp", id)',
    'actions_timestamp_idx of ids' => 'DROP INDEX actstream.actions_timestamp_idx;
        CREATE INDEX actions_timestamp_idx ON actstream.actions (id) WHERE public',
    'follows_pkey in another order' => 'ALTER TABLE actstream.follows DROP CONSTRAINT follows_pkey;
        CREATE UNIQUE INDEX follows_pkey ON actstream.follows (followee, follower, flag)',
    'follows_pkey without what it includes' => 'ALTER TABLE actstream.follows DROP CONSTRAINT follows_pkey, ADD CONSTRAINT follows_pkey PRIMARY KEY (follower, followee, flag)',
    'actions of a child table' => q{CREATE TABLE beside.child () INHERITS (actstream.actions);
        INSERT INTO beside.child (id, "timestamp", public, actor, verb, target)
        SELECT 100000 + i, '2026-01-01 12:00+00', true, actstream.ref('o', i % 40), 'inherited', 'o:1' FROM generate_series(1, 100) i},
    'follows of a child table' => q{CREATE TABLE beside.child () INHERITS (actstream.follows);
        INSERT INTO beside.child (follower, followee, flag, actor_only, started)
        SELECT actstream.ref('o', i % 8), actstream.ref('o', i), '', false, '2026-01-01 12:00+00' FROM generate_series(1, 39) i},
);
my $case = 0;
foreach my $name (sort keys %indexes)
{
    my @answers;

    $case++;    # by turns, with plans that were kept and with new ones
    push @answers, ask($warm, "BEGIN; $indexes{$name};");
    push @answers, ask($warm, "SELECT beside.compare($case, 2);");
    $warm->query('ROLLBACK;');
    is_deeply(\@answers, [ '', 'same' ], "indexes: $name");
}

is(compare($warm, $_), 'same', "indexes: all are back, $_") foreach 0 .. 3;

# The tables get a column.  The functions need not know what to do with that, but
# they do not return wrong rows.
foreach my $ddl ('ALTER TYPE actstream.action ADD ATTRIBUTE more text CASCADE', 'ALTER TYPE actstream.action ADD ATTRIBUTE more integer CASCADE',
    'ALTER TYPE actstream.follow ADD ATTRIBUTE more text CASCADE', 'ALTER TABLE actstream.actions NOT OF', 'ALTER TABLE actstream.actions ALTER target SET STATISTICS 5')
{
    my $answer;

    $warm->query("BEGIN; $ddl;");
    $answer = ask($warm, 'SELECT beside.compare(1);');
    diag("$ddl: $answer");
    like($answer, qr/^(same|ERROR:  (?!XX)\w+)$/, $ddl);
    $warm->query('ROLLBACK;');
    $warm->{stderr} = '';
    is(compare($warm, 1), 'same', "$ddl, rolled back");
}

# An index that was built after rows were updated in place has no entry for what
# an older snapshot sees of them.  A transaction that is older must not use it.
{
    my $old = session();
    my ($before, $moved);

    $node->safe_psql('postgres', 'DELETE FROM actstream.actions WHERE id % 4 = 0');
    $node->safe_psql('postgres', 'VACUUM FULL actstream.actions');
    $node->safe_psql('postgres', 'DELETE FROM actstream.actions WHERE id % 4 = 1');
    $node->safe_psql('postgres', 'VACUUM actstream.actions');
    $before = $node->safe_psql('postgres', q{SELECT array_agg(id ORDER BY "timestamp" DESC, id DESC) FROM actstream.actions
            WHERE public AND actor::text = 'o:5'});
    $old->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM actstream.object_types;');
    $moved = $node->safe_psql('postgres', q{
        DROP INDEX actstream.actions_actor_idx, actstream.actions_track_recency_idx;
        BEGIN;
        UPDATE actstream.actions SET actor = 'o:6' WHERE actor::text = 'o:5';
        SELECT pg_stat_get_xact_tuples_hot_updated('actstream.actions'::regclass);
        COMMIT;
        CREATE INDEX actions_actor_idx ON actstream.actions (actor, public, "timestamp", id)});
    cmp_ok($moved, '>', 0, 'rows are updated in place');
    is($node->safe_psql('postgres', q{SELECT indcheckxmin FROM pg_index WHERE indexrelid = 'actstream.actions_actor_idx'::regclass}),
        't', 'the new index is not for older snapshots');
    is(ask($old, q{SELECT array_agg(id) FROM actstream.actor_stream('o:5');}), $before, 'an older snapshot sees the rows as they were');
    is(ask($old, q{SELECT count(*) FROM actstream.any_stream('o:5') WHERE actor::text = 'o:5';}), scalar(split(/,/, $before)), '... whichever stream');
    is(ask($old, 'SELECT beside.compare(5); COMMIT;'), 'same', '... and all others');
    is(compare($old, 6), 'same', 'a newer one as they are');
    $old->quit;
}
took('indexes');

#
# Timeouts
#

$node->safe_psql('postgres', qq{
INSERT INTO actstream.actions ("timestamp", actor, verb)
SELECT timestamptz '2026-01-01 00:00+00' + i * interval '1 second', actstream.ref('o', i), 'did' FROM generate_series(1001, 1000 + $followees) i;
INSERT INTO actstream.follows (follower, followee, actor_only)
SELECT 'o:1000', actstream.ref('o', i), i % 2 = 0 FROM generate_series(1001, 1000 + $followees) i;
ANALYZE actstream.actions, actstream.follows});
took('a follower of many');
{
    my ($late, $of, $states) = (0, '', {});
    my %queries = (
        whole => q{SELECT sum(n) FROM generate_series(1, 1000) g, LATERAL (SELECT count(*) AS n FROM actstream.user_stream('o:1000') s WHERE s.id > -g) s},
        page => q{SELECT count(*) FROM generate_series(1, 100000) g, LATERAL (SELECT * FROM actstream.user_stream('o:1000') s WHERE s.id > -g LIMIT 20) s},
        # there are none, which only the end of the stream tells
        filtered => q{SELECT count(*) FROM generate_series(1, 1000) g, LATERAL (SELECT * FROM actstream.user_stream('o:1000') s WHERE s.verb = 'none' AND s.id > -g LIMIT 1) s},
        sorted => q{SELECT count(*) FROM generate_series(1, 1000) g, LATERAL (SELECT * FROM actstream.user_stream('o:1000') s WHERE s.id > -g ORDER BY s."timestamp", s.id LIMIT 1) s},
        of => qq{SELECT count(*) FROM generate_series(1, 1000) g, LATERAL (SELECT * FROM actstream.stream_of((SELECT array_agg(followee) FROM actstream.follows WHERE follower::text = 'o:1000')) s WHERE s.id > -g) s},
        public => q{SELECT count(*) FROM generate_series(1, 1000) g, LATERAL (SELECT * FROM actstream.public_stream() s WHERE s.verb = 'none' AND s.id > -g LIMIT 1) s},
    );

    foreach my $name (sort keys %queries)
    {
        foreach my $timeout (20, 100, 20, 250)
        {
            my (undef, $out, $err) = $node->psql('postgres', "SET statement_timeout = '${timeout}ms';\n\\timing on\n$queries{$name};",
                on_error_stop => 0, extra_params => [ '--set', 'VERBOSITY=sqlstate' ]);
            my ($ms) = $out =~ /Time: ([\d.]+) ms/;

            $states->{$1}++ if $err =~ /ERROR:  (\w+)/;
            $states->{'answered'}++ unless $err =~ /ERROR/;
            ($late, $of) = ($ms - $timeout, "$name, $timeout ms") if $ms - $timeout > $late;
        }
    }
    is_deeply($states, { 57014 => 4 * keys %queries }, 'a timeout ends every read');
    cmp_ok($late, '<', 1000, '... soon');
    diag(sprintf('at most %.1f ms late (%s)', $late, $of));
}

# There the executor looks for interrupts, too.  Here each query spends nearly all
# of its time within one call of ours, and is to end soon after a third of it.
$node->safe_psql('postgres', "CREATE TABLE beside.many AS SELECT array_agg(actstream.ref('o', i)) AS refs FROM generate_series(1, 10 * $followees) i");
{
    my %queries = (
        # Serializable transactions do not read the time line instead; where there is
        # nothing to be found, the index looks for no interrupts.
        lists => q{SELECT count(*) FROM (SELECT * FROM actstream.stream_of((SELECT refs FROM beside.many), '{target}') LIMIT 1) s},
        # of JSON the server makes jsonb at the end, which it does not interrupt
        feed => q{SELECT length(actstream.atom_feed(a, 'tag:example.org,2026:s', 'T', 'http://example.org')::text) FROM actstream.actions a},
        text => q{SELECT octet_length(actstream.rss_feed(ROW(1, '2026-01-01', true, 'o:1', 'wrote', NULL, NULL, repeat('&', 60000000), NULL, NULL)::actstream.action,
                                                         'tag:example.org,2026:s', 'T', 'http://example.org')::text)},
    );
    my $timed = sub {
        my ($timeout, $query) = @_;
        my (undef, $out, $err) = $node->psql('postgres', "SET default_transaction_isolation = 'serializable';\nSET actstream.enable_recency_map = off;\n"
              . "SET statement_timeout = '${timeout}ms';\n\\timing on\n$query;",
            on_error_stop => 0, extra_params => [ '--set', 'VERBOSITY=sqlstate' ]);

        return ($out =~ /Time: ([\d.]+) ms/, $err =~ /ERROR:  (\w+)/ ? $1 : 'answered');
    };

    foreach my $name (sort keys %queries)
    {
        my ($first) = $timed->(0, $queries{$name});
        my ($second, $answered) = $timed->(0, $queries{$name});
        my $whole = $first < $second ? $first : $second;
        my ($ms, $state) = $timed->(int($whole / 3), $queries{$name});

        is("$answered $state", 'answered 57014', "$name: a timeout ends a long call");
        cmp_ok($ms, '<', $whole * 0.6, "$name: ... soon");
        diag(sprintf('%s: %.0f ms, ended after %.0f ms', $name, $whole, $ms));
    }
}
took('timeouts');

#
# Memory
#

# In one transaction, so that nothing is freed with it
{
    my ($fewer, $more) = split /\n/, ask($warm, qq{
        SET client_min_messages = error;
        CREATE FUNCTION beside.loop(calls integer) RETURNS SETOF bigint LANGUAGE plpgsql AS \$\$
        DECLARE
            r record;
        BEGIN
            FOR i IN 1 .. calls LOOP
                CASE i % 5
                    WHEN 0 THEN PERFORM id FROM actstream.user_stream('o:1001', with_user_activity => true) LIMIT 2;
                    WHEN 1 THEN PERFORM id FROM actstream.actor_stream('o:1002') WHERE "timestamp" < '2026-01-02 00:00+00';
                    WHEN 2 THEN PERFORM id FROM actstream.any_stream('o:1003') WHERE ("timestamp", id) < ('infinity', i) LIMIT 1;
                    WHEN 3 THEN PERFORM id FROM actstream.stream_of('{o:1001,o:1005}', '{actor}') LIMIT 1;
                    ELSE FOR r IN SELECT id FROM actstream.public_stream() LOOP EXIT; END LOOP;
                END CASE;
                IF i % 100 = 0 THEN
                    EXECUTE 'SELECT id FROM actstream.user_stream(\$1) LIMIT 2' USING 'o:2'::actstream.ref;
                    EXECUTE 'SELECT actstream.user_stream(\$1) LIMIT 1' USING 'o:2'::actstream.ref;
                    BEGIN
                        PERFORM 1 / (id - id) FROM actstream.user_stream('o:2') LIMIT 2;
                    EXCEPTION WHEN division_by_zero THEN
                        NULL;
                    END;
                END IF;
                IF i IN (calls / 10, calls) THEN
                    RETURN NEXT (SELECT sum(total_bytes) FROM pg_backend_memory_contexts);
                END IF;
            END LOOP;
        END
        \$\$;
        SELECT * FROM beside.loop($calls);});
    cmp_ok($fewer, '>', 100_000, 'memory is measured');
    cmp_ok($more - $fewer, '<', 1024 * 1024, "memory does not grow with the number of calls");
    diag("$fewer bytes after " . $calls / 10 . " calls, $more after $calls");
}
took('memory');

$warm->quit;
$node->stop;
done_testing();
