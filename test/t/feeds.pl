# Feeds, read by programs that others wrote: xmllint, Python's feedparser, Perl's
# XML::Feed, and for Activity Streams 2.0 Fedify, which npm installs here.  What
# RFC 4287 and RSS 2.0 demand is checked one by one.

use strict;
use warnings;

use Encode qw(decode encode);
use File::Copy;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;
use XML::Feed;
use XML::LibXML;

my $dir = PostgreSQL::Test::Utils::tempdir();

# Names of objects, by their ids; the actor of each action is called so.
my %names = (
    1 => q{"double" and 'single' quotes},
    2 => q{<b>&amp; & ]]> <!--},
    3 => "\x{1F680} \x{1F469}\x{200D}\x{1F4BB}",
    4 => "\x{645}\x{631}\x{62D}\x{628}\x{627} \x{202E}\x{5E9}\x{5DC}\x{5D5}\x{5DD}",
    5 => "a\x01b\x08c\x0Bd\x1Fe\x{FFFE}f\x{FFFF}g",
    6 => "\x{17C}" x 10000,
);
# A feed in XML has these, and so have the readers of it.
my %xml_names = map { $_ => $names{$_} =~ s/[\x01-\x08\x0B\x0C\x0E-\x1F\x{FFFE}\x{FFFF}]/\x{FFFD}/gr } keys %names;

my $node = new_node('feeds', init => [ extra => [ '--encoding=UTF8', '--locale=C' ] ],
    conf => "actstream.tag_authority = 'example.org,2026'\nsession_preload_libraries = 'auto_explain'\nlc_time = 'C'\n");

# The one value of a query, as characters.
sub value
{
    my ($sql, $db) = @_;

    return decode('utf8', $node->safe_psql($db // 'postgres', encode('utf8', $sql)), Encode::FB_CROAK);
}

# What a program prints when it reads a text.
sub output_of
{
    my ($text, @command) = @_;
    my ($in, $out, $err) = (encode('utf8', $text), '', '');

    IPC::Run::run(\@command, '<', \$in, '>', \$out, '2>', \$err) or diag("@command: $err");
    return $out;
}

install($node, 'postgres', q{
CREATE TABLE person (id integer PRIMARY KEY, name text);
SELECT actstream.register('person', name_template => '{name}', url_template => '/people/{id}'),
       actstream.register_external('web', name_template => '{key}', url_template => 'https://{key}/?a=1&b="2"');
});
foreach my $id (sort keys %names)
{
    my $name = $names{$id} =~ s/'/''/gr;
    value("INSERT INTO person VALUES ($id, '$name');
           SELECT actstream.act_send('person:$id', 'liked', 'web:example.com', 'person:$id',
                                     CASE WHEN $id > 1 THEN '$name' END, \"timestamp\" => '2026-03-0$id 09:00:0$id+00')");
}

sub feed
{
    my ($function, $id, $db) = @_;

    return value(qq{SELECT actstream.$function(a, '$id', 'What''s "new" <&>', 'https://example.org/ann/'
                                               ORDER BY a."timestamp" DESC, a.id DESC)
                    FROM actstream.public_stream() a}, $db);
}

my %feeds = map { $_ => feed($_, 'https://example.org/ann.xml') }
    qw(atom_feed rss_feed activity_streams_1 activity_streams_2);

# An entry as it must be, of the action of that id.
sub expected
{
    my ($id) = @_;

    return {
        id => "tag:example.org,2026:action/$id",
        title => "$xml_names{$id} liked example.com on $xml_names{$id}",
        link => 'https://example.com/?a=1&b=%222%22',
        author => $xml_names{$id},
        published => [ 2026, 3, $id, 9, 0, $id ],
    };
}

foreach my $function (qw(atom_feed rss_feed))
{
    my ($xml, $said) = (encode('utf8', $feeds{$function}), '');
    my $accepted = IPC::Run::run([ 'xmllint', '--noout', '--nonet', '-' ], '<', \$xml, '>&', \$said);
    ok($accepted && $said eq '', "$function: xmllint has nothing to say") or diag($said);
    ok(eval { XML::LibXML->load_xml(string => encode('utf8', $feeds{$function})) }, "$function is well-formed");

    # feedparser
    my $read = decode_json(output_of($feeds{$function}, 'python3', 'test/feeds/read_feed.py'));
    is($read->{bozo}, '', "$function: no bozo");
    is($read->{version}, $function eq 'atom_feed' ? 'atom10' : 'rss20', "$function: feedparser knows the format");
    is($read->{feed}{title}, q{What's "new" <&>}, "$function: feedparser's title");
    is($read->{feed}{link}, 'https://example.org/ann/', "$function: feedparser's link");
    is(scalar(grep { $_->[0] eq 'self' && $_->[1] eq 'https://example.org/ann.xml' } @{ $read->{links} }), 1, "$function: feedparser's link to itself");
    is(scalar(@{ $read->{entries} }), 6, "$function: feedparser's entries");
    foreach my $id (1 .. 6)
    {
        my $entry = $read->{entries}[ 6 - $id ];
        my $content = delete $entry->{content};
        is_deeply($entry, expected($id), "$function: feedparser's entry $id");
        my $text = $id == 1 ? undef : $xml_names{$id};
        $text = $text =~ s/&/&amp;/gr =~ s/</&lt;/gr =~ s/>/&gt;/gr if defined $text && $function eq 'rss_feed';
        is($content, $text, "$function: feedparser's content of entry $id");
    }

    # XML::Feed
    my $bytes = encode('utf8', $feeds{$function});
    my $feed = XML::Feed->parse(\$bytes);
    ok($feed, "$function: XML::Feed reads it") or diag(XML::Feed->errstr);
    is($feed->title, q{What's "new" <&>}, "$function: XML::Feed's title");
    is($feed->link, 'https://example.org/ann/', "$function: XML::Feed's link");
    my @entries = $feed->entries;
    is(scalar(@entries), 6, "$function: XML::Feed's entries");
    foreach my $id (1 .. 6)
    {
        my $entry = $entries[ 6 - $id ];
        # its fields are bytes or characters, as it happens
        is_deeply({ (map { $_ => utf8::is_utf8($entry->$_) ? $entry->$_ : decode('utf8', $entry->$_) } qw(id title link author)),
                    published => [ map { $entry->issued->$_ } qw(year month day hour minute second) ] },
            expected($id), "$function: XML::Feed's entry $id");
    }
}

# What RFC 4287 demands; each is a title and an XPath expression that is true.
my $dated = '[string-length() >= 20 and substring(., 5, 1) = "-" and substring(., 11, 1) = "T" and substring(., string-length()) = "Z"]';
my @atom_musts = (
    [ 'the document element is atom:feed', '/a:feed' ],
    [ '4.1.1: each entry has an author, or the feed has one', 'not(//a:entry[not(a:author)]) or /a:feed/a:author' ],
    [ '4.1.1: exactly one atom:id', 'count(/a:feed/a:id) = 1' ],
    [ '4.1.1: exactly one atom:title', 'count(/a:feed/a:title) = 1' ],
    [ '4.1.1: exactly one atom:updated', 'count(/a:feed/a:updated) = 1' ],
    [ '4.1.1: a link to itself (SHOULD)', 'count(/a:feed/a:link[@rel = "self"]) = 1' ],
    [ '4.1.1: no two alternate links of one type', 'count(/a:feed/a:link[@rel = "alternate"]) = 1' ],
    [ '4.1.1: at most one generator, icon, logo, rights, subtitle', 'not(//a:generator | //a:icon | //a:logo | //a:rights | //a:subtitle)' ],
    [ '4.1.2: exactly one atom:id in each entry', 'not(//a:entry[count(a:id) != 1])' ],
    [ '4.1.2: exactly one atom:title in each entry', 'not(//a:entry[count(a:title) != 1])' ],
    [ '4.1.2: exactly one atom:updated in each entry', 'not(//a:entry[count(a:updated) != 1])' ],
    [ '4.1.2: at most one atom:published in each entry', 'not(//a:entry[count(a:published) > 1])' ],
    [ '4.1.2: at most one atom:content in each entry', 'not(//a:entry[count(a:content) > 1])' ],
    [ '4.1.2: an alternate link where there is no content', 'not(//a:entry[not(a:content)][not(a:link[@rel = "alternate"])])' ],
    [ '4.1.2: no two alternate links of one type in an entry', 'not(//a:entry[count(a:link[@rel = "alternate"]) > 1])' ],
    [ '4.1.2: at most one rights, source, summary', 'not(//a:rights | //a:source | //a:summary)' ],
    [ '4.1.3: content of type text has no child elements', 'not(//a:content[@type != "text" or *])' ],
    [ '3.1: text constructs of type text have no child elements', 'not(//a:title[@type != "text" or *])' ],
    [ '3.2: exactly one name in each person', 'not(//a:author[count(a:name) != 1])' ],
    [ '3.2: at most one uri and e-mail address in each person', 'not(//a:author[count(a:uri) > 1 or count(a:email) > 1])' ],
    [ '3.3: dates are of RFC 3339, with T and Z', "count(//a:updated$dated | //a:published$dated) = count(//a:updated | //a:published)" ],
    [ '4.2.6: ids are unique', 'not(/a:feed/a:entry[a:id = preceding-sibling::a:entry/a:id]) and not(/a:feed/a:id = //a:entry/a:id)' ],
    [ '4.2.6: ids are absolute', 'not(//a:id[not(starts-with(., "tag:example.org,2026:") or starts-with(., "https://"))])' ],
    [ '4.2.7: links have an href', 'not(//a:link[not(@href)])' ],
    [ '4.2.7: addresses are absolute', 'not(//a:link[not(starts-with(@href, "https://"))])' ],
    [ '4.2.7: rel is a registered name', 'not(//a:link[@rel != "alternate" and @rel != "self"])' ],
    [ '6.4: no element of Atom is where none may be', 'not(//a:author/a:*[not(self::a:name or self::a:uri)] | //a:entry/a:*[not(self::a:id or self::a:title or self::a:published or self::a:updated or self::a:author or self::a:link or self::a:content)] | /a:feed/a:*[not(self::a:id or self::a:title or self::a:updated or self::a:link or self::a:entry)])' ],
    [ 'activity: each entry has a verb', 'not(//a:entry[count(s:verb) != 1])' ],
    [ 'activity: each entry has its object and target', 'not(//a:entry[count(s:object) != 1 or count(s:target) != 1])' ],
    [ 'activity: each object has id, title and type', 'not((//s:object | //s:target)[not(a:id and a:title and s:object-type)])' ],
    [ 'activity: each author has a type', 'not(//a:author[not(s:object-type = "person")])' ],
);
my @rss_musts = (
    [ 'the document element is rss, version 2.0', '/rss[@version = "2.0"]' ],
    [ 'exactly one channel', 'count(/rss/channel) = 1 and count(/rss/*) = 1' ],
    [ 'the channel has one title', 'count(/rss/channel/title[. != ""]) = 1' ],
    [ 'the channel has one link, an address', 'count(/rss/channel/link[starts-with(., "https://")]) = 1' ],
    [ 'the channel has one description', 'count(/rss/channel/description[. != ""]) = 1' ],
    [ 'no element is twice in the channel', 'count(/rss/channel/lastBuildDate) = 1' ],
    [ 'each item has a title or a description', 'not(//item[not(title or description)])' ],
    [ 'no element is twice in an item', 'not(//item[count(title) > 1 or count(link) > 1 or count(guid) > 1 or count(pubDate) > 1 or count(description) > 1])' ],
    [ 'links of items are addresses', 'not(//item[not(starts-with(link, "https://"))])' ],
    [ 'a guid that is no address says so', 'not(//guid[not(@isPermaLink = "false")])' ],
    [ 'guids are unique', 'not(//item[guid = preceding-sibling::item/guid])' ],
    [ 'there is no author, which would be an e-mail address', 'not(//author | //managingEditor | //webMaster)' ],
    [ 'elements are those of RSS, or in a namespace', 'not(//*[namespace-uri() = ""][not(self::rss or self::channel or self::title or self::link or self::description or self::lastBuildDate or self::item or self::guid or self::pubDate)])' ],
);

sub check_musts
{
    my ($text, $what, @musts) = @_;
    my $xpath = XML::LibXML::XPathContext->new(XML::LibXML->load_xml(string => encode('utf8', $text)));

    $xpath->registerNs(a => 'http://www.w3.org/2005/Atom');
    $xpath->registerNs(s => 'http://activitystrea.ms/spec/1.0/');
    ok($xpath->findvalue("boolean($_->[1])") eq 'true', "$what: $_->[0]") foreach @musts;
    return $xpath;
}

check_musts($feeds{atom_feed}, 'Atom', @atom_musts);
my $rss = check_musts($feeds{rss_feed}, 'RSS', @rss_musts);
my $day = qr/(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/;
my $month = qr/(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)/;
is(scalar(grep { $_->textContent !~ /^$day, \d\d $month \d{4} \d\d:\d\d:\d\d GMT$/ } $rss->findnodes('//pubDate | //lastBuildDate')),
    0, 'RSS: dates are of RFC 822, with years of four digits');

# without entries they are feeds all the same
foreach my $function (qw(atom_feed rss_feed))
{
    my $empty = value(qq{SELECT actstream.$function(a, 'https://example.org/empty.xml', 'Nothing', 'https://example.org/')
                         FROM (SELECT) one LEFT JOIN actstream.actor_stream('person:0') a ON true});
    my $read = decode_json(output_of($empty, 'python3', 'test/feeds/read_feed.py'));

    is($read->{bozo} . scalar(@{ $read->{entries} }), '0', "$function: an empty feed is read");
    check_musts($empty, "$function, empty", $function eq 'atom_feed' ? @atom_musts[ 0 .. 26 ] : @rss_musts);
}

# Activity Streams 1.0
my $streams_1 = decode_json(encode('utf8', $feeds{activity_streams_1}));
is($streams_1->{items}[ 6 - $_ ]{actor}{displayName}, $names{$_}, "activity_streams_1: actor $_") foreach 1 .. 6;

# Activity Streams 2.0: Node comes with Fedify, as Debian's may be too old; that npm
# may be, too, does not link it.
copy("test/feeds/$_", $dir) or die "$_: $!" foreach qw(package.json package-lock.json read_page.mjs);
output_of('', 'npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', $dir, '--cache', "$dir/cache");
append_to_file("$dir/page.json", encode('utf8', $feeds{activity_streams_2}));
my ($node_bin) = glob "$dir/node_modules/node-linux-*/bin/node";
my $read = eval { decode_json(output_of('', $node_bin, "$dir/read_page.mjs", "$dir/page.json")) };
ok($read, 'Fedify reads the page');
is_deeply([ @$read{qw(type id name partOf)} ],
    [ 'OrderedCollectionPage', 'https://example.org/ann/', q{What's "new" <&>}, 'https://example.org/ann.xml' ], 'Fedify: the page');
is($read->{next}, 'https://example.org/ann/?before=0002eef176cb86400000000000000001', 'Fedify: the next page');
is($read->{prev}, 'https://example.org/ann/?after=0002ef560c4cb1800000000000000006', 'Fedify: the previous page');
foreach my $id (1 .. 6)
{
    my $html = $names{$id} =~ s/&/&amp;/gr =~ s/</&lt;/gr =~ s/>/&gt;/gr;
    my $person = { type => 'Person', id => "https://example.org/people/$id", name => $names{$id}, url => "https://example.org/people/$id" };
    my $url = 'https://example.com/?a=1&b=%222%22';

    is_deeply($read->{items}[ 6 - $id ],
        {   type => 'Like', id => "tag:example.org,2026:action/$id", url => $url,
            summary => "$html liked example.com on $html", published => "2026-03-0${id}T09:00:0${id}Z",
            mediaType => $id > 1 ? 'text/plain' : undef, $id > 1 ? (content => $names{$id}) : (),
            actor => $person, target => $person,
            object => { type => 'Object', id => $url, name => 'example.com', url => $url } },
        "Fedify: activity $id");
}

# Groups, of which each is a collection
my $grouped = value(q{
SELECT actstream.activity_streams_2_groups(g, 'https://example.org/groups', 'What''s "new" <&>', 'https://example.org/ann/')
FROM (SELECT * FROM actstream.groups_of('{web:example.com}', by => '{verb,action_object}', span => '7 days') LIMIT 2) g});
copy('test/feeds/read_groups.mjs', $dir) or die "read_groups.mjs: $!";
append_to_file("$dir/groups.json", encode('utf8', $grouped));
$read = eval { decode_json(output_of('', $node_bin, "$dir/read_groups.mjs", "$dir/groups.json")) };
ok($read, 'Fedify reads the page of groups') or diag($grouped);
is_deeply([ @$read{qw(type id name partOf)} ],
    [ 'OrderedCollectionPage', 'https://example.org/ann/', q{What's "new" <&>}, 'https://example.org/groups' ], 'Fedify: the page of groups');
like($read->{next}, qr{^https://example\.org/ann/\?before=[A-Za-z0-9_-]+$}, 'Fedify: the next page of groups');
is(scalar @{ $read->{items} }, 2, 'Fedify: the groups');
foreach my $group (0, 1)
{
    # of a week: five actions, three of them in the sample; the one of the week before
    my ($total, $oldest, @ids) = $group == 0 ? (5, 2, 6, 5, 4) : (1, 1, 1);
    my $html = join(', ', map { $names{$_} } @ids) . ($group == 0 ? ' and 2 others liked example.com' : " liked example.com on $names{1}");
    my $web = { type => 'Object', id => 'https://example.com/?a=1&b=%222%22', name => 'example.com', url => 'https://example.com/?a=1&b=%222%22' };
    my $item = $read->{items}[$group];

    $html = $html =~ s/&/&amp;/gr =~ s/</&lt;/gr =~ s/>/&gt;/gr;
    like(delete $item->{id}, qr/^tag:example\.org,2026:group\/[0-9a-f-]+$/, "Fedify: the id of group $group");
    is_deeply($item,
        {   type => 'OrderedCollection', totalItems => $total, summary => $html,
            published => "2026-03-0${oldest}T09:00:0${oldest}Z", updated => "2026-03-0$ids[0]T09:00:0$ids[0]Z",
            actors => [ map { { type => 'Person', id => "https://example.org/people/$_", name => $names{$_}, url => "https://example.org/people/$_" } } @ids ],
            items => [ map { { type => 'Like', id => "tag:example.org,2026:action/$_", object => $web } } @ids ] },
        "Fedify: group $group");
}

# A page of 30 actions over 4 types is read by 4 queries, names and URLs together.
value(q{
CREATE TABLE team (id integer PRIMARY KEY, name text);
CREATE TABLE issue (id integer PRIMARY KEY, name text);
CREATE TABLE repo (id integer PRIMARY KEY, name text);
INSERT INTO team SELECT i, 'Team ' || i FROM generate_series(1, 30) i;
INSERT INTO issue SELECT i, 'Issue ' || i FROM generate_series(1, 30) i;
INSERT INTO repo SELECT i, 'Repo ' || i FROM generate_series(1, 30) i;
INSERT INTO person SELECT i, 'Person ' || i FROM generate_series(11, 40) i;
SELECT actstream.register(t, name_template => '{name}', url_template => '/{name}') FROM unnest('{team,issue,repo}'::regclass[]) t;
SELECT actstream.register('person', name_template => '{name}', url_template => '/{name}');
SELECT actstream.act_send(actstream.ref('person', 10 + i), 'did', actstream.ref('issue', i), actstream.ref((ARRAY['team', 'repo'])[1 + i % 2], i))
FROM generate_series(1, 30) i;
});
foreach my $function (qw(atom_feed rss_feed activity_streams_1 activity_streams_2))
{
    my $offset = -s $node->logfile;

    like(value(qq{SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on;
                  SELECT actstream.$function(a, 'https://example.org/f', 'T', 'https://example.org/')
                  FROM (SELECT * FROM actstream.public_stream() LIMIT 30) a}),
        qr/Person 11.*Issue 1\b/s, "$function: a page of 30 actions over 4 types");
    my @queries = slurp_file($node->logfile, $offset) =~ /Query Text: SELECT k\.n, (.*)/g;
    is(scalar(@queries), 4, "$function: 4 queries") or diag(join "\n", @queries);
}

# Of a long text a feed holds no more than a few copies at a time: itself as it was given,
# as the aggregate keeps it, and as it is written.
SKIP:
{
    skip 'the memory of a process cannot be read here', 4 unless -r '/proc/self/status';

    my $peak = sub {
        my ($function, $bytes) = @_;
        my ($length, $kilobytes) = split /\n/, value(qq{
            SELECT length($function(ROW(1, '2026-03-01', true, 'web:x', 'wrote', NULL, NULL, repeat('a', $bytes), NULL, NULL)::actstream.action,
                                    'tag:example.org,2026:f', 'T', 'https://example.org/')::text);
            SELECT (regexp_match(pg_read_file('/proc/self/status'), 'VmHWM:\\s+(\\d+)'))[1];});

        cmp_ok($length, '>', $bytes, "$function of $bytes bytes") if $bytes > 1;
        return 1024 * $kilobytes;
    };
    foreach my $function (qw(actstream.atom_feed actstream.rss_feed))
    {
        my $bytes = 40_000_000;
        my $times = ($peak->($function, $bytes) - $peak->($function, 1)) / $bytes;

        cmp_ok($times, '<', 6, "$function: the memory for a few copies");
        diag(sprintf('%s: %.1f times the text', $function, $times));
    }
}

# What a value cannot hold is said to be too long.
foreach ([ 'rss_feed', q{E'\r'}, 110_000_000, qr/ERROR:  54000: text is too long$/m ],
    [ 'activity_streams_2', q{'a'}, 270_000_000, qr/ERROR:  54000: text is too long for jsonb$/m ])
{
    my ($function, $character, $bytes, $error) = @$_;
    my (undef, undef, $err) = $node->psql('postgres', qq{\\set VERBOSITY verbose
        SELECT actstream.$function(ROW(1, '2026-03-01', true, 'web:x', 'wrote', NULL, NULL, repeat($character, $bytes), NULL, NULL)::actstream.action,
                                   'tag:example.org,2026:f', 'T', 'https://example.org/') IS NULL});

    like($err, $error, "$function: what is too long for a value");
}
$node->stop;

# A database in another encoding
$node = new_node('latin1', init => [ extra => [ '--encoding=LATIN1', '--locale=C' ] ],
    conf => "actstream.tag_authority = 'example.org,2026'\nclient_encoding = 'UTF8'\n");
$ENV{PGCLIENTENCODING} = 'UTF8';
install($node, 'postgres', encode('utf8', qq{
CREATE TABLE person (id integer PRIMARY KEY, name text);
INSERT INTO person VALUES (1, '\x{E9}\x{FC} <&>" ' || chr(7));
SELECT actstream.register('person', name_template => '{name}', url_template => '/\x{E9}/{name}');
SELECT actstream.act_send('person:1', 'did', description => '\x{DF}');
}));
foreach my $function (qw(atom_feed rss_feed))
{
    my $text = feed($function, 'https://example.org/\x{F6}.xml');
    my $read = decode_json(output_of($text, 'python3', 'test/feeds/read_feed.py'));

    is_deeply([ $read->{bozo}, @{ $read->{entries}[0] }{qw(author title link content)} ],
        [ '', qq{\x{E9}\x{FC} <&>" ?}, qq{\x{E9}\x{FC} <&>" ? did}, 'https://example.org/%C3%A9/%C3%A9%C3%BC%20%3C%26%3E%22%20%07', "\x{DF}" ],
        "$function in LATIN1");
}
foreach my $function (qw(activity_streams_1 activity_streams_2))
{
    my $read = decode_json(encode('utf8', feed($function, 'https://example.org/f')));
    my $item = ($read->{items} // $read->{orderedItems})->[0];

    is($item->{actor}{displayName} // $item->{actor}{name}, qq{\x{E9}\x{FC} <&>" \x07}, "$function in LATIN1");
}
# and rows with characters that it lacks
is(value(q{
    CREATE TABLE doc (id integer PRIMARY KEY, j json);
    INSERT INTO doc VALUES (1, '"\\u00e9"'), (2, '"\\u20ac"'), (3, '"\\ud83d\\ude80"');
    SELECT FROM actstream.register('doc');
    SELECT string_agg(value->>'j', ' ') FROM actstream.expand_all('{doc:1,doc:2,doc:3}')}) =~ s/^\n//r,
    qq{\x{E9} "\\u20ac" "\\ud83d\\ude80"}, 'a json in LATIN1');
# and keys with bytes that stand for no character
$node->safe_psql('postgres', q{CREATE DATABASE win1252 ENCODING 'WIN1252' TEMPLATE template0 LOCALE 'C'});
install($node, 'win1252', q{SELECT actstream.register_external('e', url_template => '/x/{key}');
    SELECT id FROM actstream.act_send(actstream.ref('e', chr(233) || chr(129) || 'x'), 'did')});
is($node->safe_psql('win1252', q{SELECT actstream.url(a.actor), s.html ~ '%C3%A9%EF%BF%BDx'
    FROM actstream.public_stream() a, actstream.sentences(ARRAY[a]) s}), '/x/%C3%A9%EF%BF%BDx|t', 'a URL in WIN1252');
$node->stop;

done_testing();
