# From one version to the next, ALTER EXTENSION UPDATE and create_tables() lead to
# what a fresh install is, and to the same data.
#
# Each version has an update script from the one before, in sql/; the script of the newest
# is put together when it is built.  That the walk works, and that differences are
# seen, is shown by versions made up here.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use PostgreSQL::Test::Utils;
use Test::More;

my ($newest) = slurp_file('actstream.control') =~ /^default_version = '([^']+)'/m;

# what is there already is nothing that the script may take for its own
my $parts = join '', map { slurp_file($_) } glob 'sql/parts/*.sql';
is(join("\n", grep { /^\s*CREATE\s+(OR\s+REPLACE|[A-Z ]*\bIF\s+NOT\s+EXISTS)\b/i } split /\n/, $parts), '', 'it replaces nothing');

my $node = new_node('main');
my $tempdir = PostgreSQL::Test::Utils::tempdir();

# Everything the catalog says of the extension's members, and of its tables, and of what
# they consist of, without OIDs: a line each.
my $catalog = <<'END';
SET search_path = pg_catalog;
WITH member AS (
    SELECT d.classid, d.objid FROM pg_depend d
    WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
      AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'actstream')
    UNION
    SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relnamespace = 'actstream'::regnamespace
), relation AS (
    SELECT c.* FROM pg_class c JOIN member m ON m.classid = 'pg_class'::regclass AND m.objid = c.oid
), acl (object, acl) AS (
    SELECT pg_describe_object('pg_proc'::regclass, p.oid, 0), coalesce(p.proacl, acldefault('f', p.proowner))
    FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
    UNION ALL
    SELECT pg_describe_object('pg_class'::regclass, r.oid, 0), coalesce(r.relacl, acldefault(CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", r.relowner))
    FROM relation r
    UNION ALL
    SELECT pg_describe_object('pg_type'::regclass, t.oid, 0), coalesce(t.typacl, acldefault('T', t.typowner))
    FROM pg_type t JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
    UNION ALL
    SELECT 'schema actstream', coalesce(n.nspacl, acldefault('n', n.nspowner)) FROM pg_namespace n WHERE n.nspname = 'actstream'
), described (classid, objid, objsubid, detail) AS (
    SELECT classid, objid, 0, NULL FROM member
    UNION ALL
    SELECT 'pg_namespace'::regclass, oid, 0, NULL FROM pg_namespace WHERE nspname = 'actstream'
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 0, CASE p.prokind WHEN 'a' THEN (SELECT (to_jsonb(a) || jsonb_build_object('aggsortop', a.aggsortop::regoperator, 'aggtranstype', a.aggtranstype::regtype))::text FROM pg_aggregate a WHERE a.aggfnoid = p.oid)
                                               ELSE pg_get_functiondef(p.oid) END || ' strict ' || p.proisstrict || ' support ' || p.prosupport
    FROM pg_proc p JOIN member m ON m.classid = 'pg_proc'::regclass AND m.objid = p.oid
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 0,
           concat_ws(' ', t.typlen, t.typtype, t.typcategory, t.typispreferred, t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin,
                     t.typanalyze, t.typsubscript, t.typalign, t.typstorage, t.typcollation)
    FROM pg_type t JOIN member m ON m.classid = 'pg_type'::regclass AND m.objid = t.oid
    UNION ALL
    SELECT 'pg_class'::regclass, r.oid, 0,
           concat_ws(' ', r.relkind, r.relpersistence, r.relrowsecurity, r.relforcerowsecurity, r.relreplident, r.reloptions::text, r.relhasrules, r.relispartition)
    FROM relation r
    UNION ALL
    SELECT 'pg_class'::regclass, r.oid, a.attnum,
           concat_ws(' ', rank() OVER (PARTITION BY r.oid ORDER BY a.attnum), format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
                     a.attstorage, a.attcompression, a.attstattarget, a.attcollation::regcollation, 
                     (SELECT array_agg(o) FROM unnest(a.attoptions) o WHERE o LIKE 'n_distinct%')::text, a.attacl::text, pg_get_expr(d.adbin, d.adrelid))
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    UNION ALL
    SELECT 'pg_constraint'::regclass, c.oid, 0, pg_get_constraintdef(c.oid) || ' ' || c.convalidated || c.connoinherit
    FROM relation r JOIN pg_constraint c ON c.conrelid = r.oid
    UNION ALL
    SELECT 'pg_class'::regclass, i.indexrelid, 0, concat_ws(' ', pg_get_indexdef(i.indexrelid), i.indisvalid, i.indisclustered, i.indisreplident)
    FROM relation r JOIN pg_index i ON i.indrelid = r.oid
    UNION ALL
    SELECT 'pg_trigger'::regclass, t.oid, 0, concat_ws(' ', pg_get_triggerdef(t.oid), t.tgenabled)
    FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
    UNION ALL
    SELECT 'pg_policy'::regclass, p.oid, 0, pg_get_expr(p.polqual, p.polrelid) FROM relation r JOIN pg_policy p ON p.polrelid = r.oid
    UNION ALL
    SELECT 'pg_rewrite'::regclass, w.oid, 0, pg_get_ruledef(w.oid) FROM relation r JOIN pg_rewrite w ON w.ev_class = r.oid
    UNION ALL
    SELECT 'pg_class'::regclass, s.seqrelid, 0, concat_ws(' ', s.seqtypid::regtype, s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache, s.seqcycle)
    FROM relation r JOIN pg_sequence s ON s.seqrelid = r.oid
    UNION ALL
    SELECT 'pg_operator'::regclass, o.oid, 0,
           concat_ws(' ', o.oprcode, o.oprcom::regoperator, o.oprnegate::regoperator, o.oprrest, o.oprjoin, o.oprcanhash, o.oprcanmerge)
    FROM pg_operator o JOIN member m ON m.classid = 'pg_operator'::regclass AND m.objid = o.oid
    UNION ALL
    SELECT 'pg_opclass'::regclass, c.oid, 0, concat_ws(' ', c.opcintype::regtype, c.opcdefault, c.opckeytype::regtype, pg_describe_object('pg_opfamily'::regclass, c.opcfamily, 0))
    FROM pg_opclass c JOIN member m ON m.classid = 'pg_opclass'::regclass AND m.objid = c.oid
    UNION ALL
    SELECT 'pg_opfamily'::regclass, f.oid, 0, pg_describe_object('pg_amop'::regclass, a.oid, 0)
    FROM pg_opfamily f JOIN member m ON m.classid = 'pg_opfamily'::regclass AND m.objid = f.oid JOIN pg_amop a ON a.amopfamily = f.oid
    UNION ALL
    SELECT 'pg_opfamily'::regclass, f.oid, 0, pg_describe_object('pg_amproc'::regclass, a.oid, 0)
    FROM pg_opfamily f JOIN member m ON m.classid = 'pg_opfamily'::regclass AND m.objid = f.oid JOIN pg_amproc a ON a.amprocfamily = f.oid
    UNION ALL
    SELECT 'pg_cast'::regclass, c.oid, 0, concat_ws(' ', c.castcontext, c.castmethod, c.castfunc::regprocedure)
    FROM pg_cast c JOIN member m ON m.classid = 'pg_cast'::regclass AND m.objid = c.oid
    UNION ALL
    SELECT 'pg_event_trigger'::regclass, e.oid, 0, concat_ws(' ', e.evtevent, e.evtfoid::regprocedure, e.evtenabled, e.evttags::text)
    FROM pg_event_trigger e JOIN member m ON m.classid = 'pg_event_trigger'::regclass AND m.objid = e.oid
    UNION ALL
    SELECT 'pg_am'::regclass, a.oid, 0, concat_ws(' ', a.amhandler, a.amtype)
    FROM pg_am a JOIN member m ON m.classid = 'pg_am'::regclass AND m.objid = a.oid
)
SELECT translate(line, E'\n', ' ') FROM (
    SELECT concat_ws(' | ', pg_describe_object(classid, objid, objsubid), detail,
                     CASE objsubid WHEN 0 THEN obj_description(objid, classid::regclass::name) ELSE col_description(objid, objsubid) END) FROM described
    UNION ALL
    SELECT concat_ws(' ', 'acl of', object, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, a.privilege_type, a.is_grantable)
    FROM acl, aclexplode(acl) a
    UNION ALL
    SELECT concat_ws(' ', 'extension', e.extname, e.extversion, e.extrelocatable, e.extnamespace::regnamespace, e.extconfig)
    FROM pg_extension e WHERE e.extname = 'actstream'
) AS l (line)
ORDER BY 1;
END

# What stays: everything in the tables, and what streams show.
my $contents = join "\n", map { "COPY ($_) TO STDOUT;" }
    'SELECT * FROM actstream.object_types ORDER BY label',
    'SELECT * FROM actstream.actions ORDER BY id',
    'SELECT follower, followee, flag, actor_only, started FROM actstream.follows ORDER BY follower, followee',
    'SELECT * FROM actstream.phrases ORDER BY language, verb',
    'SELECT last_value FROM actstream.actions_id_seq',
    q{SELECT id FROM actstream.user_stream('person:1', with_user_activity => true)},
    q{SELECT id, actstream.sentence(a, '2026-02-01 00:00+00') FROM actstream.any_stream('person:2') a};
my $data = <<'END';
CREATE TABLE person (id integer PRIMARY KEY, name text);
CREATE TABLE orders (id integer PRIMARY KEY, person integer, at timestamptz);
INSERT INTO person SELECT i, 'P' || i FROM generate_series(1, 9) i;
SELECT actstream.register('person', name_template => '{name}'), actstream.register('orders', on_delete => 'set null'),
       actstream.track('orders', 'ordered', 'person:{person}', timestamp_column => 'at');
INSERT INTO orders SELECT i, 1 + i % 9, timestamptz '2026-01-01 00:00+00' + i * interval '1 hour' FROM generate_series(1, 90) i;
SELECT actstream.follow('person:1', actstream.ref('person', i), actor_only => i % 2 = 0, "timestamp" => '2026-01-01 00:00+00') FROM generate_series(2, 6) i;
SELECT actstream.act_send('person:3', 'met', NULL, 'person:2', external_id => 'x', "timestamp" => '2026-01-02 00:00+00');
INSERT INTO actstream.phrases VALUES ('en', 'met', '{actor} met {target}');
END
# Views and functions of users must not be in the way of an update.
my $users = <<'END';
CREATE VIEW page AS SELECT id, verb FROM actstream.user_stream('person:1') LIMIT 5;
CREATE FUNCTION met(actstream.ref) RETURNS SETOF actstream.action LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM actstream.actor_stream($1) WHERE verb = 'met'; END;
CREATE TABLE note (about actstream.ref PRIMARY KEY);
END

# What the catalog of a database has more and less than that of a fresh install of that
# version.
sub difference
{
    my ($database, $version) = @_;
    my %difference;
    my $fresh;

    $node->safe_psql('postgres', 'CREATE DATABASE fresh');
    $node->safe_psql('fresh', "CREATE EXTENSION actstream VERSION '$version'; SELECT actstream.create_tables()");
    $fresh = $node->safe_psql('fresh', $catalog);
    $node->safe_psql('postgres', 'DROP DATABASE fresh');
    cmp_ok(scalar(split /\n/, $fresh), '>', 400, 'the catalog has much to say');
    $difference{$_}++ foreach split /\n/, $node->safe_psql($database, $catalog);
    $difference{$_}-- foreach split /\n/, $fresh;
    return map { ($difference{$_} > 0 ? '+' : '-') . $_ } grep { $difference{$_} } sort keys %difference;
}

# Makes a database with one version, and walks to another.
sub walk
{
    my ($from, $to, $name) = @_;
    my $before;

    $node->safe_psql('postgres', 'CREATE DATABASE walked');
    $node->safe_psql('walked', "CREATE EXTENSION actstream VERSION '$from'; SELECT actstream.create_tables()");
    $node->safe_psql('walked', $data . $users);
    $before = $node->safe_psql('walked', $contents);
    $node->safe_psql('walked', "ALTER EXTENSION actstream UPDATE TO '$to'");
    is($node->safe_psql('walked', $contents), $before, "$name: all that was stored is there");
    $node->safe_psql('walked', 'SELECT actstream.create_tables()');
    is($node->safe_psql('walked', "$contents SELECT * FROM actstream.integrity_check()"), $before, "$name: also when the tables are brought up to date");
    is($node->safe_psql('walked', q{SELECT count(*) FROM page; SELECT verb FROM met('person:3')}), "5\nmet", "$name: what users have made works");
    is($node->safe_psql('walked', q{SELECT verb FROM actstream.act_send('person:1', 'went on')}), 'went on', "$name: it goes on");
    is_deeply([ difference('walked', $to) ], [], "$name: it becomes what a fresh install is");
    $node->safe_psql('postgres', 'DROP DATABASE walked');
}

# Each released version that an update script begins with.
my %versions = map { $_ => 1 } $newest, map { m{actstream--(.+)--.+\.sql$} ? $1 : () } glob 'sql/actstream--*--*.sql';

foreach my $version (sort keys %versions)
{
    walk($version, $newest, $version);
}

#
# Versions made up
#

my $sharedir = $node->config_data('--sharedir');
my $destdir = $node->safe_psql('postgres', q{SELECT current_setting('extension_destdir', true)});
my $control_path = $node->safe_psql('postgres', q{SELECT current_setting('extension_control_path', true)});
my ($files) = grep { -e "$_/actstream.control" } map { "$_/extension" }
    (grep { $_ ne '' } split /:/, $control_path =~ s/\$system//r), $destdir . $sharedir, $sharedir;

SKIP:
{
    skip 'this server finds extensions in one directory only', 1
        if $destdir eq '' && $control_path eq '' && !$node->safe_psql('postgres', q{SELECT count(*) > 0 FROM pg_settings WHERE name IN ('extension_destdir', 'extension_control_path')});

    # What an older version lacks, as an edit of the newest script, and what a
    # difference looks like.
    my %lacks = (
        'a function' => [ qr/CREATE FUNCTION actstream\.untrack.*?;\n(COMMENT ON FUNCTION actstream\.track.*?;\n)COMMENT ON FUNCTION actstream\.untrack.*?;\n/s,
            '$1', qr/^-function .*untrack/ ],
        'a body' => [ qr/\Qf.follower OPERATOR(pg_catalog.=) is_following.follower\E/, 'f.follower OPERATOR(pg_catalog.<>) is_following.follower', qr/is_following/ ],
        'a volatility' => [ qr/(FUNCTION actstream\.current_actor\(\) RETURNS actstream\.ref\s+LANGUAGE c) STABLE/, '$1 VOLATILE', qr/current_actor/ ],
        'a REVOKE' => [ qr/REVOKE EXECUTE ON FUNCTION actstream_internal\.ddl_begins\(\) FROM PUBLIC;/, '', qr/acl of .*ddl_begins.* PUBLIC/ ],
        'an attribute' => [ qr/    checked       boolean\n\);/, "    checked       boolean,\n    more          text\n);", qr/column more/ ],
        'a comment' => [ qr/'object types by label'/, q{'types by label'}, qr/types by label/ ],
        'an index' => [ qr/\(followee, follower, flag\)\s+INCLUDE/, '(followee) INCLUDE', qr/follows_followee_idx/ ],
        'a trigger mode' => [ qr/('follow_changed', 'AFTER INSERT OR DELETE OR UPDATE', 'ROW', 'follow_changed',) 'A'/, q{$1 'O'}, qr/table_triggers/ ],
        'an operator clause' => [ qr/, HASHES, MERGES/, ', HASHES', qr/operator =\(actstream\.ref/ ],
        'a support function' => [ qr/,\n    FUNCTION 4 pg_catalog\.btequalimage\(oid\)/, '', qr/operator family/ ],
        'an event trigger mode' => [ qr/ALTER EVENT TRIGGER actstream_table_altered ENABLE ALWAYS;/, '', qr/event trigger actstream_table_altered/ ],
        'a cast context' => [ qr/CREATE CAST \(text AS actstream\.ref\) WITH INOUT AS IMPLICIT/, 'CREATE CAST (text AS actstream.ref) WITH INOUT', qr/cast from text/ ],
    );
    my $script = slurp_file("$files/actstream--$newest.sql");
    my $staged = "$tempdir/stage";
    my $number = 0;
    my %version;

    # Debian's setting is about the library, too
    my $libdir = $node->config_data('--pkglibdir');
    system('mkdir', '-p', "$staged$sharedir/extension", "$staged$libdir") == 0 or die;
    symlink $destdir . "$libdir/actstream.so", "$staged$libdir/actstream.so" or die;
    foreach my $file (glob "$files/actstream*")
    {
        append_to_file("$staged$sharedir/extension/" . ($file =~ s{.*/}{}r), slurp_file($file));
    }
    foreach my $what (sort keys %lacks)
    {
        my ($pattern, $replacement) = @{ $lacks{$what} };
        my $older = $script;

        $version{$what} = '0.0.' . ++$number;
        ok($older =~ s/$pattern/my $first = $1; $replacement =~ s{\$1}{$first}r/e, "there is $what to do without");
        append_to_file("$staged$sharedir/extension/actstream--$version{$what}.sql", $older);
        # which its update forgets
        append_to_file("$staged$sharedir/extension/actstream--$version{$what}--$newest.sql", "SELECT 1;\n");
    }
    # And one to come, whose update does what it should: the type has an attribute more,
    # and so has the table; create_tables() makes an index more, and enables a trigger.
    {
        my $later = $script;
        my ($index) = $later =~ /(        \(46, 'follows', 'index', 'follows_followee_idx',.*?\$\$\),\n)/s;
        my $more = $index =~ s/46/47/r =~ s/follows_followee_idx/follows_weight_idx/gr =~ s/\(followee, follower, flag\)\s+INCLUDE \(actor_only, verbs\)/(weight)/r;

        $later =~ s/(    started    timestamptz,\n    verbs      text\[\])\n\);/$1,\n    weight     real\n);/ or die;
        $later =~ s/\Q$index\E/$index$more/ or die;
        $later =~ s/(\('follows_followee_idx', 'btree',.*?\)),\n/$1,\n        ('follows_weight_idx', 'btree', 'weight', NULL, false),\n/ or die;
        $later =~ s/('follow_check', 'AFTER INSERT OR UPDATE', 'ROW', 'follow_check',) 'O'/$1 'A'/ or die;
        append_to_file("$staged$sharedir/extension/actstream--99.sql", $later);
        my ($functions) = $later =~ /(CREATE FUNCTION actstream_internal\.table_triggers.*?)CREATE FUNCTION actstream_internal\.require_tables/s;
        append_to_file("$staged$sharedir/extension/actstream--$newest--99.sql",
            "ALTER TYPE actstream.follow ADD ATTRIBUTE weight real CASCADE;\n" . $functions =~ s/CREATE FUNCTION/CREATE OR REPLACE FUNCTION/gr);
    }

    $node->append_conf('postgresql.conf', $control_path ne '' ? "extension_control_path = '$staged$sharedir:\$system'" : "extension_destdir = '$staged'");
    $node->restart;
    walk($newest, '99', 'a version to come');
    foreach my $what (sort keys %lacks)
    {
        $node->safe_psql('postgres', 'CREATE DATABASE walked');
        $node->safe_psql('walked', "CREATE EXTENSION actstream VERSION '$version{$what}'; SELECT actstream.create_tables(); ALTER EXTENSION actstream UPDATE");
        my @difference = difference('walked', $newest);
        $node->safe_psql('postgres', 'DROP DATABASE walked');

        ok((grep { /$lacks{$what}[2]/ } @difference), "without $what: the difference is seen") or diag(join "\n", @difference);
        note(join "\n", @difference);
    }
}

$node->stop;
done_testing();
