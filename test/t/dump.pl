# Everything comes back from a dump, whichever way it was made, and whoever restores it:
# row for row, and all that the catalogs say of the tables, with the sequence, the streams
# and the rules.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Test::More;

# for the publication
my @server = (init => [ extra => [ '--no-locale', '--encoding=UTF8' ] ], conf => 'wal_level = logical');
my $node = new_node('source', @server);
my $tempdir = PostgreSQL::Test::Utils::tempdir();

# Who dumps and restores, unless that is empty.
my $role = '';

# Runs a program, which must succeed and have nothing to say.
sub runs_quietly
{
    my ($name, @command) = @_;
    my ($out, $err);

    local $ENV{PGUSER} = $role || $ENV{PGUSER};
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

    $node->safe_psql('postgres', "CREATE DATABASE $database OWNER owner TEMPLATE " . ($template // 'template0'));
}

# What an administrator does for a role that is to own the tables, as on a server where
# only he can create the extension.
sub create_prepared
{
    my ($database) = @_;

    create_database($database);
    $node->safe_psql($database, 'CREATE EXTENSION actstream; GRANT USAGE, CREATE ON SCHEMA actstream TO owner');
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
        grep { $_ ne 'actstream.follow_counts' } $list->(sprintf $relations, '{r,p,m}');
    # into how many rows a count is split, and their numbers, are chance
    push @queries, 'SELECT object, flag, sum(followers), sum(any_flag) FROM actstream.follow_counts GROUP BY 1, 2 ORDER BY 1, 2';
    push @queries, map { "SELECT '$_', last_value, is_called FROM $_" }
        $list->(sprintf $relations, '{S}');
    push @queries, q{
        SELECT c.oid::regclass, acl::text FROM pg_class c, unnest(c.relacl) acl
        WHERE c.relnamespace = 'actstream'::regnamespace ORDER BY c.oid::regclass::text, acl::text};
    push @queries, q{
        SELECT follower, own, since,
               (SELECT json_agg(a) FROM actstream.user_stream(follower, NULL, own, since) a)
        FROM (SELECT DISTINCT follower FROM actstream.follows) f,
             (VALUES (false), (true)) o (own), (VALUES (false), (true)) s (since)
        ORDER BY 1, 2, 3};
    push @queries, q{
        SELECT r, (SELECT json_agg(a) FROM actstream.any_stream(r) a),
               (SELECT json_agg(a) FROM actstream.stream_of(ARRAY[r]) a)
        FROM (SELECT DISTINCT unnest(ARRAY[actor, action_object, target]) FROM actstream.actions) x (r)
        ORDER BY 1};
    push @queries, q{
        SELECT label, (SELECT json_agg(a) FROM actstream.model_stream(label) a)
        FROM actstream.object_types ORDER BY 1};
    push @queries, q{
        SELECT l, id, actstream.sentence(a, '2026-01-10 00:00+00', l)
        FROM actstream.actions a, unnest('{en,de-AT,xx}'::text[]) l ORDER BY l, id};
    push @queries, 'SELECT i.* FROM actstream.integrity_check() i ORDER BY i::text';
    push @queries, 'TABLE feed';

    # \echo, or nobody could tell where a table ends
    return $from->safe_psql($database, join "\n", map { "COPY ($_) TO STDOUT;\n\\echo" } @queries);
}

# What the catalogs say of the tables, as pg_dump would tell it: once more dumped, without
# what is of the extension and of one database only.
sub catalog_of
{
    my ($from, $database) = @_;
    my ($dump) = run_command([ 'pg_dump', '--schema-only', $from->connstr($database) ]);

    # settings of the dump, the extension itself and rights on its schema; in an order of its own
    return join "\n\n", sort grep { /^(?!--|SET |SELECT pg_catalog\.set_config|CREATE EXTENSION|COMMENT ON EXTENSION|GRANT .* ON SCHEMA actstream|\\)\S/m }
        map { join "\n", grep { !/^(--|\\(un)?restrict )/ } split /\n/ } split /\n\n+/, $dump;
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
    my ($last, $max, $id);

    is_same_text(contents_of($to, $database), $expected->{contents}, "$name: all is there");
    is_same_text(catalog_of($to, $database), $expected->{catalog}, "$name: and all that is said of tables");
    is($to->safe_psql($database, 'SET ROLE owner; SELECT actstream.create_tables()'), '', "$name: create_tables() misses nothing");
    tenant_sees_own($name, $to, $database);

    # in this order: a failed insert uses up an id
    ($last, $max) = split /\|/, $to->safe_psql($database,
        'SELECT last_value, (SELECT max(id) FROM actstream.actions) FROM actstream.actions_id_seq');
    (undef, $id) = $to->psql($database, q{SELECT id FROM actstream.act_send('person:1', 'came back')});
    cmp_ok($last, '>=', $max, "$name: the sequence is beyond all ids");
    is($id, $last + 1, "$name: a send gets the next id");

    is(sqlstates($to, $database, q{
        SELECT actstream.act_send('nothing:1', 'sent');
        SELECT actstream.follow('person:1', 'nothing:1');
        INSERT INTO actstream.actions (actor, verb, target) VALUES ('person:1', 'sent', 'nothing:1');
        INSERT INTO actstream.follows (follower, followee) VALUES ('nothing:1', 'person:1');
        SELECT actstream.unregister('person')}), '42704 42704 42704 42704 23503', "$name: the rules are kept");
    is($to->safe_psql($database, q{SET ROLE owner; CREATE TABLE late (id integer PRIMARY KEY); INSERT INTO late VALUES (1);
        SELECT label FROM actstream.register('late'); SELECT verb FROM actstream.act_send('late:1', 'began');
        DELETE FROM late; SELECT count(*) FROM actstream.actions WHERE actor::text = 'late:1'}), "late\nbegan\n0", "$name: tables are registered");
}

# A tenant sees his own, and can delete nothing else.
sub tenant_sees_own
{
    my ($name, $to, $database) = @_;
    is($to->safe_psql($database, q{
        SET ROLE tenant;
        SELECT count(*), count(*) FILTER (WHERE data->>'tenant' IS DISTINCT FROM 'tenant') FROM actstream.actions;
        SELECT count(*) FROM actstream.any_stream('person:1');
        BEGIN;
        WITH gone AS (DELETE FROM actstream.actions RETURNING id) SELECT count(*) FROM gone;
        ROLLBACK}), "1|0\n1\n1", "$name: a tenant sees and deletes nothing of others");
}

#
# The database: all sorts of tables ...
#

$node->safe_psql('postgres', 'CREATE ROLE owner LOGIN; CREATE ROLE writer LOGIN; CREATE ROLE tenant');
create_prepared('source');
$node->safe_psql('source', <<'END');
SET ROLE owner;
SELECT actstream.create_tables();

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
SET ROLE owner;
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
FROM (VALUES (NULL, NULL::jsonb, NULL), ('', 'null', '-'),
             (repeat('long ', 3000), jsonb_build_object('a', repeat('b', 10000)),
              (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 32) i)),
             ('x', '{"a": [1, 1e100, "\"\\\u00e9\n", {}], "": null}', 'x')) s (d, j, x);
DELETE FROM actstream.actions WHERE description IN ('number 4', 'x');

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
SELECT actstream.follow('person:1', object, 'some', verbs => ARRAY['x', '見る']) FROM object WHERE n % 11 = 0;

SELECT actstream.mute('person:1', object, CASE WHEN n % 2 = 0 THEN ARRAY['x', 'sent'] END, CASE WHEN n % 3 = 0 THEN timestamptz '2999-12-31' END)
FROM object WHERE n % 13 = 0;
SELECT actstream.block(object, 'person:1') FROM object WHERE object <> 'person:1' ORDER BY n LIMIT 1;

SELECT actstream.mark_all_read('person:1'), actstream.mark_unread('person:1', array_agg(s.id)),
       actstream.archive('person:1', array_agg(s.id) FILTER (WHERE s.id % 2 = 0), until => '2999-12-31'), actstream.mark_all_seen('person:1', 'mail é')
FROM actstream.user_stream('person:1') s;

DROP TABLE dropped;

INSERT INTO actstream.phrases VALUES
    ('de', 'sent', '{actor} hat[ vor {timesince}][ {action_object}] gesendet[ an {target}]'),
    ('', 'said', E'\t{{{actor}}}\n\\N [[{verb}]]'),
    ('de-at', '', '{verb} 東京 😀'),
    ('', '', ' '),
    (repeat('x', 35), repeat('ß', 255), repeat('{actor}', 290)),
    ('en', E'several\nlines\n', '\.');
END

is($node->safe_psql('source', q{SELECT (SELECT count(*) FROM actstream.marks), ARRAY(SELECT DISTINCT block FROM actstream.mutes ORDER BY 1),
        (SELECT bool_or(read = false) AND bool_or(archived) FROM actstream.mark_exceptions), EXISTS (SELECT FROM actstream.follows WHERE verbs IS NOT NULL)}),
    '2|{f,t}|t|t', 'there is something of everything');

# ... and what a user has made of our type and functions.
$node->safe_psql('source', <<'END');
SET ROLE owner;
CREATE TABLE note (
    id integer PRIMARY KEY,
    about actstream.ref NOT NULL DEFAULT 'web:/index.html' CHECK (about <> 'web:0'),
    others actstream.ref[],
    label text GENERATED ALWAYS AS (actstream.ref_label(about)) STORED
);
CREATE INDEX note_about_idx ON note (about) INCLUDE (id) WHERE about >= 'a:0';
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

GRANT SELECT, INSERT, UPDATE, DELETE ON actstream.actions, actstream.follows, actstream.mutes, actstream.object_types, actstream.phrases TO writer;
END

# ... and whatever an owner puts on tables.
$node->safe_psql('source', 'GRANT USAGE ON SCHEMA actstream TO writer, tenant');
$node->safe_psql('source', <<'END');
SET ROLE owner;
SELECT actstream.act_send('person:1', 'came', data => '{"tenant": "tenant"}', "timestamp" => '2026-01-09 00:00+00');
GRANT SELECT, DELETE ON actstream.actions TO tenant;
GRANT UPDATE (description, data), REFERENCES (id) ON actstream.actions TO tenant;
ALTER TABLE actstream.actions ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON actstream.actions TO tenant USING (data->>'tenant' = current_user);
CREATE POLICY careful ON actstream.actions AS RESTRICTIVE FOR DELETE TO tenant USING (public);
CREATE POLICY writer ON actstream.actions TO writer USING (true) WITH CHECK (verb <> 'forged');
ALTER TABLE actstream.follows ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY everybody ON actstream.follows USING (true);
CREATE TABLE audit (id bigint, verb text);
CREATE FUNCTION note_action() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS
    'BEGIN INSERT INTO audit VALUES (NEW.id, NEW.verb); RETURN NULL; END';
CREATE TRIGGER audit AFTER INSERT ON actstream.actions FOR EACH ROW WHEN (NEW.public) EXECUTE FUNCTION note_action();
ALTER TABLE actstream.actions DISABLE TRIGGER audit;
COMMENT ON TRIGGER audit ON actstream.actions IS 'whoever looks';
CREATE INDEX actions_verb_idx ON actstream.actions (verb, "timestamp") INCLUDE (actor) WITH (fillfactor = 70) WHERE public;
CREATE INDEX ON actstream.actions USING gin (data);
ALTER TABLE actstream.actions ADD CONSTRAINT polite CHECK (verb <> 'swore') NOT VALID;
ALTER TABLE actstream.actions SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, toast.autovacuum_enabled = off);
ALTER TABLE actstream.actions ALTER verb SET STATISTICS 500, ALTER actor SET (n_distinct = 1000), ALTER data SET STORAGE EXTERNAL, ALTER description SET COMPRESSION pglz;
ALTER TABLE actstream.actions ALTER public SET DEFAULT false;
ALTER SEQUENCE actstream.actions_id_seq MINVALUE -5;
ALTER TABLE actstream.actions CLUSTER ON actions_actor_idx;
ALTER TABLE actstream.follows REPLICA IDENTITY FULL;
CREATE STATISTICS actstream.actions_verb_stat (dependencies, mcv) ON verb, public FROM actstream.actions;
CREATE VIEW actstream.loud AS SELECT * FROM actstream.actions WHERE verb = upper(verb);
CREATE TABLE reaction (action bigint REFERENCES actstream.actions ON DELETE CASCADE DEFERRABLE, emoji text);
INSERT INTO reaction SELECT id, '👍' FROM actstream.actions WHERE id < 9;
COMMENT ON TABLE actstream.actions IS 'what happens here';
COMMENT ON COLUMN actstream.actions.data IS 'our tenant';
COMMENT ON INDEX actstream.actions_actor_idx IS 'of each';
GRANT SELECT ON actstream.loud TO PUBLIC;
CREATE RULE quiet AS ON INSERT TO actstream.loud DO INSTEAD NOTHING;
CREATE PUBLICATION changes FOR TABLE actstream.actions (id, verb, "timestamp") WHERE (public), TABLE actstream.follows WITH (publish = 'insert');
SELECT actstream.track('"Odd ''Schema"."Group ""A"".b"', 'grew', 'group:{Key Column}', events => '{update}', condition => 'OLD IS DISTINCT FROM NEW');
REFRESH MATERIALIZED VIEW everything;
END

is($node->safe_psql('source', 'SELECT relation IS NULL FROM actstream.object_types WHERE label = \'dropped\''),
    't', 'the registry keeps the label of a table that is gone');
is($node->safe_psql('source', 'SELECT * FROM actstream.integrity_check()'), '', 'all is as promised');

my $expected = { contents => contents_of($node, 'source'), catalog => catalog_of($node, 'source') };
like($expected->{catalog}, qr/^\QCREATE TABLE actstream.actions OF actstream.action\E/m, 'tables are dumped as what they are');

#
# Into another server, whose OIDs are others.
#

{
    my $other = new_node('other', @server);
    my $relation = q{SELECT 'actstream.actions'::regclass::oid};
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

# The tables are loaded side by side, in one order or the other; event triggers are in the
# database meanwhile.
pg_dump('directory', 'source', '--format=directory', '--jobs=2', "--file=$tempdir/directory");
foreach my $i (1 .. 3)
{
    create_database("directory$i");
    pg_restore("directory $i", "directory$i", '--jobs=' . 2 * $i, "$tempdir/directory");
    # indexes are made side by side, too: that of the recency map has to be the last one
    $node->safe_psql("directory$i", 'SET ROLE owner; SELECT actstream.create_tables()');
    is_restored("directory $i", $node, "directory$i", $expected);
}

create_database('template', 'source');
is_restored('template', $node, 'template', $expected);

# Part by part.
create_database('sections');
pg_restore("section $_", 'sections', "--section=$_", "$tempdir/custom") foreach qw(pre-data data post-data);
is_restored('sections', $node, 'sections', $expected);

# The schema of the extension by itself, and what refers to others without them.
create_prepared('part');
$node->safe_psql('part', 'SET ROLE owner; CREATE TABLE person (id integer PRIMARY KEY, first_name text); INSERT INTO person VALUES (1);
    CREATE FUNCTION note_action() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$');
pg_dump('schema actstream', 'source', '--schema=actstream', '--data-only', '--table=actstream.phrases', "--file=$tempdir/only.sql");
pg_dump('schema actstream', 'source', '--schema=actstream', '--schema-only', "--file=$tempdir/only_schema.sql");
load_script('schema actstream', $node, 'part', "$tempdir/only_schema.sql");
load_script('phrases', $node, 'part', "$tempdir/only.sql");
is($node->safe_psql('part', q{SET ROLE owner; SELECT actstream.create_tables(); SELECT count(*) FROM actstream.phrases;
    SELECT label FROM actstream.register('person'); SELECT verb FROM actstream.act_send('person:1', 'began'); SELECT actor FROM actstream.public_stream()}),
    "6\nperson\nbegan\nperson:1", 'schema actstream: a database to work in, with the defaults of the source');

#
# By who owns the database, and the tables in it, and is no superuser.
#

# whom no policy may keep from reading, or pg_dump has nothing to do with it
$role = 'owner';
{
    my ($out, $err);
    local $ENV{PGUSER} = $role;

    IPC::Run::run([ 'pg_dump', "--file=$tempdir/forced", $node->connstr('source') ], '>', \$out, '2>', \$err);
    like($err, qr/query would be affected by row-level security policy for table "follows"/, 'no dump of the rows that an owner sees who forces policies upon himself');
}
$node->safe_psql('source', 'ALTER TABLE actstream.follows NO FORCE ROW LEVEL SECURITY');
$expected->{catalog} = catalog_of($node, 'source');
pg_dump('by its owner', 'source', '--format=custom', '--no-comments', "--file=$tempdir/owner");
# comments of their own
pg_dump('by its owner, with comments', 'source', '--format=custom', "--file=$tempdir/owner_comments");
{
    my ($list) = run_command([ 'pg_restore', '--list', "$tempdir/owner_comments" ]);

    append_to_file("$tempdir/owner_list", join "\n", grep { !/ (COMMENT - EXTENSION|ACL - SCHEMA) actstream / } split /\n/, $list);
}
foreach my $jobs (1, 3)
{
    my $database = "owner$jobs";

    create_prepared($database);
    # who may use the schema is granted by the owner of that
    $node->safe_psql($database, 'GRANT USAGE ON SCHEMA actstream TO writer, tenant');
    pg_restore($database, $database, "--jobs=$jobs", "--use-list=$tempdir/owner_list", "$tempdir/owner_comments");
    is($node->safe_psql($database, 'SET ROLE owner; SELECT actstream.create_tables()'), '', "$database: the indexes are in order") if $jobs == 1;
    $node->safe_psql($database, 'SET ROLE owner; SELECT actstream.create_tables()');
    is_restored($database, $node, $database, $expected);
}
create_prepared('owner_plain');
$node->safe_psql('owner_plain', 'GRANT USAGE ON SCHEMA actstream TO writer, tenant');
runs_quietly('plain: made of it', 'pg_restore', '--file=' . "$tempdir/owner.sql", "--use-list=$tempdir/owner_list", "$tempdir/owner_comments");
load_script('plain, by its owner', $node, 'owner_plain', "$tempdir/owner.sql");
is_restored('plain, by its owner', $node, 'owner_plain', $expected);
$role = '';

#
# Data into a database that has the schema, and a registry that is empty; whose tables have
# other OIDs.
#

create_database('empty');
pg_dump('custom', 'source', '--format=custom', "--file=$tempdir/again");
pg_dump('schema', 'source', '--schema-only', "--file=$tempdir/schema.sql");
load_script('schema', $node, 'empty', "$tempdir/schema.sql");
is($node->safe_psql('empty', 'SELECT count(*) FROM actstream.object_types'), '0', 'schema: the registry is empty');

# A test database, as frameworks make them: triggers are there, registrations are not.
create_database('structure', 'empty');
is($node->safe_psql('structure', q{SET ROLE owner;
    INSERT INTO person (first_name) VALUES ('Ann'), ('Ben'); UPDATE person SET id = 9 WHERE id = 2; DELETE FROM person WHERE id = 9;
    INSERT INTO "Odd 'Schema"."Group ""A"".b" VALUES (1); UPDATE "Odd 'Schema"."Group ""A"".b" SET "Key Column" = 2; TRUNCATE event;
    SELECT count(*) FROM actstream.actions;
    SELECT label FROM actstream.register('person'); SELECT verb FROM actstream.act_send('person:1', 'came'); DELETE FROM person;
    SELECT count(*) FROM actstream.actions}), "0\nperson\ncame\n0", 'a test database works');

pg_dump('data only', 'source', '--data-only', "--file=$tempdir/data.sql");
create_database('data', 'empty');
{
    my ($out, $err);

    IPC::Run::run([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$tempdir/data.sql", $node->connstr('data') ], '>', \$out, '2>', \$err);
    like($err, qr/ERROR:  object type "\w+" is not registered/, 'data only: triggers are in the way, as they are of foreign keys');
}
foreach my $options (['--disable-triggers'], [ '--disable-triggers', '--inserts' ])
{
    my $name = "data only @$options";
    my $database = 'data' . @$options;

    create_database($database, 'empty');
    pg_dump($name, 'source', '--data-only', @$options, "--file=$tempdir/$database.sql");
    load_script($name, $node, $database, "$tempdir/$database.sql");
    $node->safe_psql($database, 'REFRESH MATERIALIZED VIEW everything');
    # core enables triggers as ordinary ones, whatever they were
    is($node->safe_psql($database, 'SELECT problem, relation, detail FROM actstream.integrity_check() ORDER BY detail'),
        join("\n", map { "altered trigger|actstream.$_" } 'follows|follow_changed', 'mutes|mute_changed', 'object_types|object_type_changed', 'object_types|object_type_changing',
            'phrases|phrase_changed', 'phrases|phrase_changing'), "$name: the triggers that were altered are found");
    is($node->safe_psql($database, q{SET ROLE owner; SELECT count(*) FROM actstream.create_tables(); ALTER TABLE actstream.actions DISABLE TRIGGER audit}), '6', "$name: and repaired");
    is_restored($name, $node, $database, $expected);
}

# Or with the parameter that an administrator can grant.
create_database('replica', 'empty');
pg_restore('as a replica', 'replica', '--data-only', '--disable-triggers', "$tempdir/again");
SKIP:
{
    skip 'parameters can be granted from 15 on', 1 if $node->pg_version < 15;
    create_database('granted', 'empty');
    $node->safe_psql('postgres', 'GRANT SET ON PARAMETER session_replication_role TO owner');
    local $ENV{PGOPTIONS} = '-c session_replication_role=replica';
    $role = 'owner';
    pg_restore('as a replica, by the owner', 'granted', '--data-only', "$tempdir/owner");
    $role = '';
}
$node->safe_psql('granted', 'REFRESH MATERIALIZED VIEW everything');
is_restored('as a replica, by the owner', $node, 'granted', $expected);

#
# Binary COPY, within one database: the registry holds OIDs.
#

create_database('copy', 'source');
$node->safe_psql('copy', join "\n", map { "COPY $_ TO '$tempdir/$_' (FORMAT binary);" } qw(actstream.actions actstream.follows object));
$node->safe_psql('copy', join "\n", 'TRUNCATE actstream.actions, actstream.follows, object, reaction;',
    (map { "COPY $_ FROM '$tempdir/$_' (FORMAT binary);" } qw(actstream.actions actstream.follows object)),
    q{INSERT INTO reaction SELECT id, '👍' FROM actstream.actions WHERE id < 9});
is_same_text(contents_of($node, 'copy'), $expected->{contents}, 'binary COPY: all is there');

#
# A database in which nothing has happened yet, and whose extension belongs to
# another superuser than the one who restores.
#

create_database('new');
create_database('new_restored');
$node->safe_psql('new', 'CREATE ROLE keeper SUPERUSER; SET ROLE keeper; CREATE EXTENSION actstream; SELECT actstream.create_tables()');
pg_dump('new', 'new', "--file=$tempdir/new.sql");
load_script('new', $node, 'new_restored', "$tempdir/new.sql");
my (undef, $id) = $node->psql('new_restored', q{
    DO $$ BEGIN PERFORM actstream.register_external('person'); END $$;
    SELECT id FROM actstream.act_send('person:1', 'began');});
is($id, '1', 'new: the first id is 1');

#
# A registered table that the dump lacks: what it takes to have all labels back.
#

create_database('member');
create_database('member_restored');
$node->safe_psql('member', q{
    CREATE EXTENSION actstream; SELECT actstream.create_tables();
    CREATE TABLE kept (id int PRIMARY KEY); CREATE TABLE lost (id int PRIMARY KEY);
    SELECT actstream.register('kept'), actstream.register('lost');
    CREATE EXTENSION citext; ALTER EXTENSION citext ADD TABLE lost});
pg_dump('member', 'member', '--format=custom', "--file=$tempdir/member");
my ($out, $err);
ok(!IPC::Run::run([ 'pg_restore', '--dbname=' . $node->connstr('member_restored'), "$tempdir/member" ], '>', \$out, '2>', \$err),
    'without a registered table: an error');
like($err, qr/COPY failed for table "object_types": ERROR:  relation "public\.lost" does not exist/, 'without a registered table: it is named');
$node->safe_psql('member_restored', 'CREATE TABLE lost (id int PRIMARY KEY)');
pg_restore('without a registered table: the rows alone', 'member_restored', '--data-only', '--table=object_types', "$tempdir/member");
is($node->safe_psql('member_restored', q{
    INSERT INTO kept VALUES (1); SELECT FROM actstream.act_send('kept:1', 'came'); DELETE FROM kept;
    SELECT count(*) FROM actstream.actions; SELECT label || ' ' || problem FROM actstream.integrity_check() WHERE label = 'kept'}), '0',
    'without a registered table: the others are as before');

$node->stop;
done_testing();
