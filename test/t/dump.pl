# Everything comes back from a dump, whichever way it was made: row for row,
# with the sequence, the streams and the rules.

use strict;
use warnings;

use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my @own_tables = qw(object_type action follow phrase);

my $node = new_node('source');
my $tempdir = PostgreSQL::Test::Utils::tempdir();
my $sqlstate = { extra_params => [ '--set', 'VERBOSITY=sqlstate' ] };

sub new_node
{
    my ($name) = @_;
    my $new = PostgreSQL::Test::Cluster->new($name);

    $new->init(extra => [ '--no-locale', '--encoding=UTF8' ]);
    $new->start;
    return $new;
}

# Runs a program, which must succeed and have nothing to say.
sub runs_quietly
{
    my ($name, @command) = @_;
    my ($out, $err);
    my $success = IPC::Run::run(\@command, '>', \$out, '2>', \$err);

    ok($success && $err eq '', $name) or diag("@command\n$err");
}

sub pg_dump
{
    my ($name, $database, @options) = @_;

    runs_quietly("$name: dump", 'pg_dump', @options, $node->connstr($database));
}

sub load_script
{
    my ($name, $to, $database, $file) = @_;

    runs_quietly("$name: restore", 'psql', '--no-psqlrc', '--quiet', '--output=/dev/null',
        '--set=ON_ERROR_STOP=1', "--file=$file", $to->connstr($database));
}

sub pg_restore
{
    my ($name, $database, @options) = @_;

    runs_quietly("$name: restore", 'pg_restore', '--exit-on-error',
        '--dbname=' . $node->connstr($database), @options);
}

sub create_database
{
    my ($database, $template) = @_;

    $node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE " . ($template // 'template0'));
}

# The full text of a database: all tables, ours and the user's, in an order that
# does not depend on where their rows lie, sequences, privileges and streams.
sub contents_of
{
    my ($from, $database) = @_;
    my $list = sub { split /\n/, $from->safe_psql($database, $_[0]) };
    my $relations = q{
        SELECT c.oid::regclass FROM pg_class c
        WHERE c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace,
                                     'pg_toast'::regnamespace)
          AND NOT c.relispartition AND c.relkind = ANY ('%s')
        ORDER BY c.oid::regclass::text COLLATE "C"};
    my @queries;

    push @queries, map { "SELECT t.* FROM $_ t ORDER BY t::text COLLATE \"C\"" }
        $list->(sprintf $relations, '{r,p,m}');
    push @queries, map { "SELECT '$_', last_value, is_called FROM $_" }
        $list->(sprintf $relations, '{S}');
    push @queries, q{
        SELECT c.oid::regclass, acl::text FROM pg_class c, unnest(c.relacl) acl
        WHERE c.relnamespace = 'actstream'::regnamespace ORDER BY c.oid::regclass::text, acl::text};
    push @queries, q{
        SELECT follower, own, since,
               (SELECT json_agg(a) FROM actstream.user_stream(follower, NULL, own, since) a)
        FROM (SELECT DISTINCT follower FROM actstream.follow) f,
             (VALUES (false), (true)) o (own), (VALUES (false), (true)) s (since)
        ORDER BY 1, 2, 3};
    push @queries, q{
        SELECT r, (SELECT json_agg(a) FROM actstream.any_stream(r) a),
               (SELECT json_agg(a) FROM actstream.stream_of(ARRAY[r]) a)
        FROM (SELECT DISTINCT unnest(ARRAY[actor, action_object, target]) FROM actstream.action) x (r)
        ORDER BY 1};
    push @queries, q{
        SELECT label, (SELECT json_agg(a) FROM actstream.model_stream(label) a)
        FROM actstream.object_type ORDER BY 1};
    push @queries, q{
        SELECT l, id, actstream.sentence(a, '2026-01-10 00:00+00', l)
        FROM actstream.action a, unnest('{en,de-AT,xx}'::text[]) l ORDER BY l, id};
    push @queries, 'SELECT i.* FROM actstream.integrity_check() i ORDER BY i::text';
    push @queries, 'TABLE feed';

    # \echo, or nobody could tell where a table ends
    return $from->safe_psql($database, join "\n", map { "COPY ($_) TO STDOUT;\n\\echo" } @queries);
}

# Like is(), of which the whole text would be too much to read.
sub is_same_text
{
    my ($got, $expected, $name) = @_;
    my %count;

    $count{$_}++ for split /^/, $expected;
    $count{$_}-- for split /^/, $got;
    ok($got eq $expected, $name)
      or diag(map { ($count{$_} > 0 ? '-' : '+') . substr(s/[^ -~]/?/gr, 0, 200) . "\n" }
          grep { $count{$_} } sort keys %count);
}

# What is restored equals what was dumped, and goes on where that was left.
sub is_restored
{
    my ($name, $to, $database, $expected) = @_;
    my ($last, $max, $id, $err);

    is_same_text(contents_of($to, $database), $expected, "$name: all is there");

    # in this order: a failed insert uses up an id
    ($last, $max) = split /\|/, $to->safe_psql($database,
        'SELECT last_value, (SELECT max(id) FROM actstream.action) FROM actstream.action_id_seq');
    (undef, $id) = $to->psql($database, q{SELECT id FROM actstream.act_send('person:1', 'came back')});
    cmp_ok($last, '>=', $max, "$name: the sequence is beyond all ids");
    is($id, $last + 1, "$name: a send gets the next id");

    (undef, undef, $err) = $to->psql($database, q{
        SELECT actstream.act_send('nothing:1', 'sent');
        SELECT actstream.follow('person:1', 'nothing:1');
        INSERT INTO actstream.action (actor, verb, target) VALUES ('person:1', 'sent', 'nothing:1');
        INSERT INTO actstream.follow (follower, followee) VALUES ('nothing:1', 'person:1');
        SELECT actstream.unregister('person');}, on_error_stop => 0, %$sqlstate);
    is_deeply([ $err =~ /ERROR:  (\S+)/g ], [ ('42704') x 4, '23503' ], "$name: the rules are kept");
}

# All triggers of our tables have been enabled as ordinary ones.
sub enable_always
{
    my ($name, $database) = @_;
    my @triggers = ([ 'actstream.follow', 'follow_changed' ],
        map { [ "actstream.$_", "${_}_changed" ], [ "actstream.$_", "${_}_changing" ] } qw(object_type phrase));

    is($node->safe_psql($database, 'SELECT problem, relation, detail FROM actstream.integrity_check() ORDER BY detail'),
        join("\n", map { "altered trigger|$_->[0]|$_->[1]" } @triggers),
        "$name: the triggers that were altered are found");
    $node->safe_psql($database, "ALTER TABLE $_->[0] ENABLE ALWAYS TRIGGER $_->[1]") foreach @triggers;
}

#
# The database: all sorts of tables ...
#

$node->safe_psql('postgres', 'CREATE ROLE writer LOGIN');
create_database('source');
$node->safe_psql('source', <<'END');
CREATE EXTENSION actstream;

CREATE TABLE person (
    id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    first_name text
);
CREATE TABLE document (id uuid PRIMARY KEY);
CREATE TABLE "text" (name text PRIMARY KEY);
CREATE TABLE membership (club text, person integer, PRIMARY KEY (person, club));
CREATE TABLE event (region text, id bigint, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE event_north PARTITION OF event FOR VALUES IN ('north');
CREATE TABLE event_rest PARTITION OF event DEFAULT;
CREATE SCHEMA "Odd 'Schema";
CREATE TABLE "Odd 'Schema"."Group ""A"".b" ("Key Column" bigint PRIMARY KEY);
CREATE TABLE dropped (id integer PRIMARY KEY);

SELECT actstream.register('person', name_template => '{first_name}', url_template => '/people/{id}'),
       actstream.register('document', on_delete => 'set null'),
       actstream.register('"text"', label => 'Text-1.0', checked => false),
       actstream.register('membership', on_delete => 'restrict', name_template => '{{{club}}} \ {person}'),
       actstream.register('event', on_delete => 'keep'),
       actstream.register('"Odd ''Schema"."Group ""A"".b"', label => 'group'),
       actstream.register('dropped', checked => false, on_delete => 'keep'),
       actstream.register_external('web', url_template => 'https://example.org/{key}'),
       actstream.register_external(repeat('x', 63));

INSERT INTO person (first_name) SELECT 'Ann' || i FROM generate_series(1, 5) i;
INSERT INTO document SELECT md5(i::text)::uuid FROM generate_series(1, 5) i;
INSERT INTO "text" VALUES ('plain'), (' '), (E'\t\n\r\\.\\N'), ('a:b,c\d'), ('''"$1%s'),
    ('00042'), ('-0'), ('Zürich 東京 😀'), (U&'o\0308'), ('\N'), ('\.'), ('NULL'), (repeat('é', 512));
INSERT INTO membership VALUES ('a,b', 1), ('\', 1), ('', 2), ('c', -3);
INSERT INTO event VALUES ('north', 1), ('south', 1), ('', 9223372036854775807);
INSERT INTO "Odd 'Schema"."Group ""A"".b" VALUES (-9223372036854775808), (0), (9223372036854775807);
INSERT INTO dropped VALUES (1);
END

# ... actions of all kinds, from each to the next, and follows ...
$node->safe_psql('source', <<'END');
CREATE TABLE object (n serial PRIMARY KEY, object actstream.ref NOT NULL);
INSERT INTO object (object)
    SELECT actstream.ref_of(t) FROM person t UNION ALL
    SELECT actstream.ref_of(t) FROM document t UNION ALL
    SELECT actstream.ref_of(t) FROM "text" t UNION ALL
    SELECT actstream.ref_of(t) FROM membership t UNION ALL
    SELECT actstream.ref_of(t) FROM event t UNION ALL
    SELECT actstream.ref_of(t) FROM "Odd 'Schema"."Group ""A"".b" t UNION ALL
    SELECT actstream.ref_of(t) FROM dropped t UNION ALL
    SELECT actstream.ref('web', k) FROM unnest('{1,/index.html}'::text[]) k UNION ALL
    -- at the limits of size, and not to be compressed
    SELECT actstream.ref(repeat('x', 63), o || string_agg(md5(i::text), '' ORDER BY i))
    FROM generate_series(2, 32) i, unnest('{01234567890123456789012345678901,abcdefghijklmnopqrstuvwxyzABCDEF}'::text[]) o
    GROUP BY o;

SELECT actstream.act_send(a.object, 'sent', b.object, c.object, 'number ' || a.n, a.n % 3 > 0,
                          '2026-01-01 00:00:00.000001+00'::timestamptz + a.n % 5 * interval '1 day',
                          jsonb_build_object('n', a.n))
FROM object a JOIN object b ON b.n = a.n + 1 JOIN object c ON c.n = a.n + 2;

SELECT actstream.act_send('person:1', 'waited', "timestamp" => t)
FROM unnest('{infinity,-infinity,"4714-11-24 00:00:00+00 BC","294276-12-31 23:59:59.999999+00"}'::timestamptz[]) t;
SELECT actstream.act_send('person:1', v, description => v, data => to_jsonb(v), external_id => v)
FROM unnest(ARRAY[' ', E'\t\r\n\b', '\', '\N', '\.', 'NULL', E'several\nlines\n', '''";--', '{}',
                  '東京 😀', repeat('ß', 255)]) v;
SELECT actstream.act_send('person:1', 'said', description => d, data => j, external_id => x)
FROM (VALUES (NULL, NULL::jsonb, NULL), ('', 'null', ''),
             (repeat('long ', 3000), jsonb_build_object('a', repeat('b', 10000)),
              (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 32) i)),
             ('x', '{"a": [1, 1e100, "\"\\\u00e9\n", {}], "": null}', 'x')) s (d, j, x);
DELETE FROM actstream.action WHERE description IN ('number 4', 'x');

SELECT actstream.follow(a.object, b.object, CASE WHEN a.n % 4 = 0 THEN 'liking' ELSE '' END, a.n % 2 = 0)
FROM object a JOIN object b ON b.n = a.n + 1;
SELECT actstream.follow('person:1', object, f, false, "timestamp" => t)
FROM object, unnest(ARRAY['watching', ' ', E'\n', '見る', repeat('é', 123)],
                    '{infinity,-infinity,2026-01-02,2026-01-03,1999-12-31}'::timestamptz[]) x (f, t)
WHERE n % 7 = 0;
SELECT actstream.follow(a.object, b.object, substr(string_agg(md5(i::text), ''), 1, 247))
FROM object a, object b, generate_series(1, 8) i
WHERE a.n <> b.n AND actstream.ref_label(a.object) = repeat('x', 63)
  AND actstream.ref_label(b.object) = repeat('x', 63)
GROUP BY a.n, b.n;

DROP TABLE dropped;

INSERT INTO actstream.phrase VALUES
    ('de', 'sent', '{actor} hat[ vor {timesince}][ {action_object}] gesendet[ an {target}]'),
    ('', 'said', E'\t{{{actor}}}\n\\N [[{verb}]]'),
    ('de-at', '', '{verb} 東京 😀'),
    ('', '', ' '),
    (repeat('x', 35), repeat('ß', 255), repeat('{actor}', 2000)),
    ('en', E'several\nlines\n', '\.');
END

# ... and what a user has made of our type and functions.
$node->safe_psql('source', <<'END');
CREATE TABLE note (
    id integer PRIMARY KEY,
    about actstream.ref NOT NULL DEFAULT 'web:/index.html' CHECK (about OPERATOR(actstream.<>) 'web:0'),
    others actstream.ref[],
    label text GENERATED ALWAYS AS (actstream.ref_label(about)) STORED
);
CREATE INDEX note_about_idx ON note (about) INCLUDE (id) WHERE about OPERATOR(actstream.>=) 'a:0';
CREATE INDEX ON note USING hash (about);
INSERT INTO note (id) VALUES (1);
INSERT INTO note SELECT n + 1, object, ARRAY[object, NULL, 'web:1'] FROM object;

CREATE FUNCTION followed_by(person integer) RETURNS SETOF actstream.action LANGUAGE sql STABLE
    BEGIN ATOMIC
        SELECT * FROM actstream.stream_of(ARRAY(SELECT actstream.following(actstream.ref('person', person))));
    END;
CREATE VIEW feed AS SELECT * FROM followed_by(1);
CREATE MATERIALIZED VIEW everything AS SELECT * FROM actstream.public_stream();

CREATE FUNCTION send(actor actstream.ref) RETURNS text LANGUAGE sql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    RETURN actstream.ref_label((actstream.act_send(actor, 'sent')).actor);

GRANT USAGE ON SCHEMA actstream TO writer;
GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.action, actstream.follow, actstream.object_type, actstream.phrase TO writer;
END

is($node->safe_psql('source', 'SELECT relation IS NULL FROM actstream.object_type WHERE label = \'dropped\''),
    't', 'the registry keeps the label of a table that is gone');
is($node->safe_psql('source', 'SELECT * FROM actstream.integrity_check()'), '', 'all is as promised');

my $expected = contents_of($node, 'source');

#
# Into another server, whose OIDs are others.
#

{
    my $other = new_node('other');
    my $relation = q{SELECT 'actstream.action'::regclass::oid};
    my $script;

    runs_quietly('pg_dumpall: dump', 'pg_dumpall', "--file=$tempdir/all.sql", '--dbname=' . $node->connstr('postgres'));

    # the role that restores is there
    my $superuser = $other->safe_psql('postgres', 'SELECT quote_ident(current_user)');
    $script = slurp_file("$tempdir/all.sql");
    $script =~ s/^CREATE ROLE \Q$superuser\E;$//m;
    append_to_file("$tempdir/all_but_role.sql", $script);

    # each large object takes one
    $other->safe_psql('postgres', 'SELECT lo_unlink(lo_create(0)) FROM generate_series(1, 5000)');
    load_script('pg_dumpall', $other, 'postgres', "$tempdir/all_but_role.sql");
    isnt($other->safe_psql('source', $relation), $node->safe_psql('source', $relation), 'pg_dumpall: OIDs differ');
    is_restored('pg_dumpall', $other, 'source', $expected);
    $other->stop;
}

#
# Whole databases.
#

foreach my $options ([], ['--inserts'], [ '--column-inserts', '--rows-per-insert=7' ])
{
    my $name = "plain @$options";
    my $database = 'plain' . @$options;

    create_database($database);
    pg_dump($name, 'source', @$options, "--file=$tempdir/$database.sql");
    load_script($name, $node, $database, "$tempdir/$database.sql");
    is_restored($name, $node, $database, $expected);
}

create_database('custom');
pg_dump('custom', 'source', '--format=custom', "--file=$tempdir/custom");
pg_restore('custom', 'custom', "$tempdir/custom");
is_restored('custom', $node, 'custom', $expected);

# The tables are loaded side by side, in one order or the other.
foreach my $i (1 .. 3)
{
    create_database("directory$i");
    pg_dump("directory $i", 'source', '--format=directory', '--jobs=2', "--file=$tempdir/directory$i");
    pg_restore("directory $i", "directory$i", '--jobs=2', "$tempdir/directory$i");
    is_restored("directory $i", $node, "directory$i", $expected);
}

#
# Data into a database that has the schema, and a registry that is empty.
#

create_database('empty');
pg_dump('schema', 'source', '--schema-only', "--file=$tempdir/schema.sql");
load_script('schema', $node, 'empty', "$tempdir/schema.sql");
is($node->safe_psql('empty', 'SELECT count(*) FROM actstream.object_type'), '0', 'schema: the registry is empty');

foreach my $options ([], ['--disable-triggers'], ['--inserts'])
{
    my $name = "data only @$options";
    my $database = 'data' . ($options->[0] // '') =~ s/\W//gr;

    create_database($database, 'empty');
    pg_dump($name, 'source', '--data-only', @$options, "--file=$tempdir/$database.sql");
    load_script($name, $node, $database, "$tempdir/$database.sql");
    $node->safe_psql($database, 'REFRESH MATERIALIZED VIEW everything');
    enable_always($name, $database) if grep { $_ eq '--disable-triggers' } @$options;
    is_restored($name, $node, $database, $expected);
}

# Our tables in each order that pg_restore could choose.
{
    my @list = split /^/, (run_command([ 'pg_restore', '--list', "$tempdir/custom" ]))[0];
    my $ours = qr/ TABLE DATA actstream (\w+) /;
    my %entry = map { /$ours/ ? ($1 => $_) : () } @list;

    is_deeply([ sort keys %entry ], [ sort @own_tables ], 'the dump holds all of our tables');
    # phrases refer to nothing, and nothing to them
    foreach my $order ([ 3, 0, 1, 2 ], [ 0, 3, 2, 1 ], [ 1, 0, 3, 2 ], [ 1, 2, 0, 3 ], [ 2, 0, 1, 3 ], [ 3, 2, 1, 0 ])
    {
        my $database = join '_', 'order', @$order;
        my $name = join ', ', @own_tables[@$order];
        my @ordered = @entry{ @own_tables[@$order] };

        append_to_file("$tempdir/$database", join '', map { /$ours/ ? shift @ordered : $_ } @list);
        create_database($database, 'empty');
        pg_restore($name, $database, '--data-only', "--use-list=$tempdir/$database", "$tempdir/custom");
        $node->safe_psql($database, 'REFRESH MATERIALIZED VIEW everything');
        is_restored($name, $node, $database, $expected);
    }
}

#
# Binary COPY, within one database: the registry holds OIDs.
#

create_database('copy', 'source');
$node->safe_psql('copy', join "\n", map { "COPY $_ TO '$tempdir/$_' (FORMAT binary);" }
    (map { "actstream.$_" } @own_tables), 'object');
$node->safe_psql('copy', join "\n", 'TRUNCATE actstream.action, actstream.follow, object;',
    map { "COPY $_ FROM '$tempdir/$_' (FORMAT binary);" } qw(actstream.action actstream.follow object));
is_same_text(contents_of($node, 'copy'), $expected, 'binary COPY: all is there');
$node->safe_psql('copy', join "\n", 'SET check_function_bodies = off;',
    'TRUNCATE actstream.action, actstream.follow, actstream.phrase; DELETE FROM actstream.object_type;',
    map { "COPY actstream.$_ FROM '$tempdir/actstream.$_' (FORMAT binary);" } reverse @own_tables);
is_restored('binary COPY with the registry', $node, 'copy', $expected);

#
# A database in which nothing has happened yet, and whose extension belongs to
# another superuser than the one who restores.
#

create_database('new');
create_database('new_restored');
$node->safe_psql('new', 'CREATE ROLE keeper SUPERUSER; SET ROLE keeper; CREATE EXTENSION actstream');
pg_dump('new', 'new', "--file=$tempdir/new.sql");
load_script('new', $node, 'new_restored', "$tempdir/new.sql");
my (undef, $id) = $node->psql('new_restored', q{
    DO $$ BEGIN PERFORM actstream.register_external('person'); END $$;
    SELECT id FROM actstream.act_send('person:1', 'began');});
is($id, '1', 'new: the first id is 1');

#
# The way around the rules that dumps take is for the owner of the tables only.
#

my (undef, undef, $err) = $node->psql('source', <<'END',
SET check_function_bodies = off;
INSERT INTO actstream.action (actor, verb) VALUES ('nothing:1', 'inserted');
COPY actstream.action (actor, verb) FROM STDIN;
nothing:1	copied
\.
UPDATE actstream.action SET target = 'nothing:1' WHERE id = 1;
SELECT actstream.act_send('nothing:1', 'sent');
SELECT actstream.follow('person:1', 'nothing:1');
INSERT INTO actstream.object_type (label, relation, key_columns) VALUES ('nothing', 'note', '{id}');
UPDATE actstream.object_type SET relation = 'note' WHERE label = 'person';
SELECT actstream.register('note', 'nothing');
-- a function that runs as the owner of the tables, but not for that
SELECT send('nothing:1');
END
    on_error_stop => 0, extra_params => [ '--username=writer', @{ $sqlstate->{extra_params} } ]);
is_deeply([ $err =~ /ERROR:  (\S+)/g ], [ ('42704') x 5, ('42501') x 3, '42704' ],
    'check_function_bodies takes an ordinary user nowhere');
# ids aside: failed inserts have used some up
is_same_text(contents_of($node, 'source') =~ s/^actstream\.action_id_seq\t\K\d+//mr,
    $expected =~ s/^actstream\.action_id_seq\t\K\d+//mr, 'and nothing was written');

$node->stop;
done_testing();
