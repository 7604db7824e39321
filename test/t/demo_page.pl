# The page of the demonstration, in a browser: everything that it should show is
# there, as text, whatever the names hold; nothing runs, nothing is loaded, and
# it can be read on a telephone and in the dark.

use strict;
use warnings;
use utf8;

use Encode qw(decode encode);
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use JSON::PP;
use MIME::Base64;
use PostgreSQL::Test::Utils;
use Test::More;

my ($browser) = grep { -x } map { "$_/chromium" } split /:/, $ENV{PATH};
plan skip_all => 'chromium is not installed' unless $browser;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('demo', init => [ extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ] ], conf => "timezone = 'UTC'");

# The people on the page, and how each is shown.
my %people = (
    1 => ['Ann'],
    2 => ['<script>window.pwned = 1</script>'],
    3 => [q{"Quotes" 'n' &amp; & <b>bold</b>}],
    4 => ['😀 Zoë 東京'],
    5 => ['שלום עולם'],
    6 => [ "a\x07bell\x1b[31m", "a\x{fffd}bell\x{fffd}[31m" ],
    7 => [ 'Long' x 2500 ],
    8 => ['"><img src=x onerror=window.pwned=1>'],
    9 => [ '', 'person:9' ],
    10 => [ "\x{2069}\x{202E}gnp.exe\x{2029}\x{202E}", "\x{202E}gnp.exe \x{202E}" ]);

# What it is about: the verb of each action, which they all do to each other.
my $verb = q{<i>met</i> "&lt;"};

sub sql_literal
{
    return "'" . $_[0] =~ s/'/''/gr . "'";
}

sub psql
{
    return decode('UTF-8', $node->safe_psql('postgres', encode('UTF-8', $_[0])));
}

# Writes a file in UTF-8.
sub write_file
{
    my ($name, $text) = @_;

    append_to_file("$dir/$name", encode('UTF-8', $text));
}

# Runs the browser on a file, and returns what it prints.
sub browse
{
    my ($name, @options) = @_;
    my ($out, $err) = run_command([
        $browser, qw(--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run
          --disable-background-networking --disable-component-update --disable-breakpad
          --disable-extensions --allow-file-access-from-files --hide-scrollbars),
        "--user-data-dir=$dir/profile", '--virtual-time-budget=10000', @options, "file://$dir/$name" ]);

    return decode('UTF-8', $out);
}

# What a page is like in a frame: a script outside of it looks at it.
my $probe = <<'END';
<!DOCTYPE html><meta charset="utf-8"><body><pre id="report"></pre><script>
function channel(c) { c /= 255; return c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4; }
function luminance(rgb) { return .2126 * channel(rgb[0]) + .7152 * channel(rgb[1]) + .0722 * channel(rgb[2]); }
function parts(color) { return color.match(/[\d.]+/g).map(Number); }
function ground(element, view) {
    for (; element; element = element.parentElement) {
        const color = parts(view.getComputedStyle(element).backgroundColor);
        if (color.length < 4 || color[3] > 0) return color;
    }
    return [255, 255, 255];
}
function contrast(element, view) {
    const a = luminance(parts(view.getComputedStyle(element).color)), b = luminance(ground(element, view));
    return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
}
function hasText(element) {
    return [...element.childNodes].some(n => n.nodeType === 3 && n.data.trim() !== '');
}
// Do the elements that are in one line go from left to right?
function inOrder(elements) {
    return elements.slice(1).every((element, i) => {
        const before = [...elements[i].getClientRects()].pop(), after = element.getClientRects()[0];
        return Math.abs(before.top - after.top) > 8 || before.left <= after.left;
    });
}
function look(frame) {
    const view = frame.contentWindow, page = frame.contentDocument, all = [...page.body.querySelectorAll('*')];
    return {
        title: page.title, lang: page.documentElement.lang, mode: page.compatMode, pwned: view.pwned === undefined ? 0 : 1,
        tags: [...new Set(all.map(e => e.localName))].sort(),
        attributes: [...new Set(all.flatMap(e => [...e.attributes].map(a => a.name)))].sort(),
        loaded: view.performance.getEntriesByType('resource').map(e => e.name),
        width: page.documentElement.scrollWidth,
        wide: all.filter(e => e.getBoundingClientRect().right > view.innerWidth + .5).length,
        ground: ground(page.body, view),
        contrast: Math.min(...all.filter(hasText).map(e => contrast(e, view))),
        heading: page.querySelector('h1').textContent,
        main: page.querySelector('main').textContent,
        days: [...page.querySelectorAll('h2 time')].map(e => [e.dateTime, e.textContent]),
        entries: [...page.querySelectorAll('li')].map(e => ({
            sentence: e.querySelector('p').textContent,
            links: [...e.querySelectorAll('a')].map(a => [a.parentElement.className, a.textContent, a.getAttribute('href')]),
            initials: e.querySelector('.avatar').textContent,
            when: [e.querySelector('time').dateTime, e.querySelector('time').textContent],
            said: [...e.querySelectorAll('blockquote')].map(q => q.textContent),
            tags: [...e.querySelectorAll('.tag')].map(t => t.textContent),
            inOrder: inOrder([...e.querySelector('.sentence').children]),
            shown: e.getBoundingClientRect().height > 20 }))
    };
}
const frames = FRAMES;
Promise.all(frames.map(([src, width, scheme]) => new Promise(done => {
    const frame = document.createElement('iframe');
    frame.style = `width: ${width}px; height: 700px; border: 0; color-scheme: ${scheme}`;
    frame.onload = () => done(look(frame));
    frame.src = src;
    document.body.append(frame);
}))).then(reports => {
    document.getElementById('report').textContent =
        btoa(unescape(encodeURIComponent(JSON.stringify(reports))));
});
</script>
END

# Looks at pages in frames: [file, width, color scheme].
sub look_at
{
    my $frames = encode_json([@_]);
    my $out;

    write_file('probe.html', $probe =~ s/FRAMES/$frames/r);
    $out = browse('probe.html', '--dump-dom');
    my ($report) = $out =~ m{<pre id="report">([^<]+)</pre>} or die "no report:\n$out";
    return @{ decode_json(decode_base64($report)) };
}

#
# A stream of hostile names.
#

install($node, 'postgres', slurp_file('demo/page.sql'));
psql(q{
    CREATE TABLE person (id integer PRIMARY KEY, name text);
    INSERT INTO person VALUES } . join(', ', map { "($_, " . sql_literal($people{$_}[0]) . ')' } sort { $a <=> $b } keys %people) . q{;
    SELECT actstream.register('person', name_template => '{name}', url_template => 'https://example.org/{id}?{name}'),
           actstream.register_external('place');
    INSERT INTO actstream.phrases VALUES ('en', 'went', '[To {target} ]went {actor}[ "{action_object}"][, {timesince} ago]');
    INSERT INTO actstream.actions ("timestamp", actor, verb, action_object, target, description, data)
    SELECT '2026-02-28 12:00+00'::timestamptz + id * interval '2 hours', actstream.ref('person', id), } . sql_literal($verb) . q{,
           actstream.ref('person', id % 10 + 1), CASE WHEN id % 2 = 0 THEN actstream.ref('place', id) END,
           CASE id WHEN 2 THEN '</blockquote><script>window.pwned = 1</script>' WHEN 4 THEN '' END,
           CASE id WHEN 3 THEN jsonb_build_object('distributions', '<em>&', 'version', '') END
    FROM person;
    INSERT INTO actstream.actions ("timestamp", actor, verb, target, action_object)
    VALUES ('2026-03-05 00:00+00', 'person:1', 'went', 'place:1', 'person:3'),
           ('2026-03-04 00:00+00', 'person:1', 'went', NULL, NULL);
    SELECT actstream.follow('person:2', 'person:1', send_action => false)});

# The file of the page of the actions that the condition selects.
sub page_of
{
    my ($name, $condition, $groups, $unread) = @_;
    my $more = ($groups ? ", ARRAY(SELECT g FROM $groups g)" : '') . ($unread ? ", unread => $unread" : '');

    write_file($name, psql(qq{
        SELECT page('person:2', ARRAY(SELECT a FROM actstream.public_stream() a WHERE $condition),
                    '2026-03-05 12:00+00'$more)}) . "\n");
    return $name;
}

page_of('hostile.html', "verb <> 'went'");
page_of('phrase.html', "verb = 'went'", undef, 7);
page_of('empty.html', 'false', undef, 100);
page_of('groups.html', 'false', q{actstream.groups_of('{person:1,person:2,person:3,person:4,person:5,person:8}', '{actor}', '{verb}', '30 days', 6)});

my ($narrow, $dark, $wide, $phrase, $empty, $groups) = look_at([ 'hostile.html', 360, 'light' ], [ 'hostile.html', 360, 'dark' ],
    [ 'hostile.html', 1200, 'light' ], [ 'phrase.html', 800, 'light' ], [ 'empty.html', 360, 'light' ], [ 'groups.html', 360, 'dark' ]);

#
# What is there.
#

my %name = map { $_ => $people{$_}[-1] } keys %people;
my @newest_first = reverse 1 .. 10;

is($wide->{title}, "$name{2}’s stream", 'the title');
is($wide->{heading}, "$name{2}’s stream", 'the heading');
is($phrase->{heading}, "$name{2}’s stream7 new", 'a badge');
is($empty->{heading}, "$name{2}’s stream99+ new", 'a badge of many');
is($wide->{lang}, 'en', 'the language');
is($wide->{mode}, 'CSS1Compat', 'the browser takes it as the HTML of today');
is_deeply($wide->{days}, [ [ '2026-03-01', 'Sunday, 1 March 2026' ], [ '2026-02-28', 'Saturday, 28 February 2026' ] ],
    'the days');
is(scalar @{ $wide->{entries} }, 10, 'the number of entries');
is_deeply([ map { $_->{sentence} } @{ $wide->{entries} } ],
    [ map { "$name{$_} $verb $name{$_ % 10 + 1}" . ($_ % 2 ? '' : " on place:$_") . ' 4 days, ' . (24 - 2 * $_) . ' hours ago' } @newest_first ],
    'the sentences');
is_deeply([ grep { !$_->{inOrder} } @{ $wide->{entries} } ], [], 'no name turns the direction of what follows');
is_deeply([ map { $_->{links}[0] } @{ $wide->{entries} } ],
    [ map {
        my $query = encode('UTF-8', $people{$_}[0]) =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ger;
        [ 'actor', $name{$_}, "https://example.org/$_?$query" ]
    } @newest_first ], 'the links to actors');
is_deeply([ map { scalar @{ $_->{links} } } @{ $wide->{entries} } ], [ (2) x 10 ], 'places have no URL, and no link');
is_deeply([ map { $_->{initials} } @{ $wide->{entries} } ], [ qw(G P IO L A שע Z東 QB S1 A) ], 'the initials');
is_deeply($wide->{entries}[9]{when}, [ '2026-02-28T14:00:00Z', '4 days, 22 hours ago' ], 'the time');
is_deeply([ map { @{ $_->{said} } } @{ $wide->{entries} } ], ['</blockquote><script>window.pwned = 1</script>'],
    'the description');
is_deeply([ map { @{ $_->{tags} } } @{ $wide->{entries} } ], ['<em>&'], 'the tags');
is_deeply([ map { $_->{sentence} } @{ $phrase->{entries} } ], [ qq{To place:1 went Ann "$name{3}", 12 hours ago}, 'went Ann, 1 day, 12 hours ago' ],
    'the phrase of the verb decides on the order of words');
is_deeply([ map { $_->{sentence} } @{ $groups->{entries} } ],
    [ 'went Ann, 12 hours ago', join(', ', map { $name{$_} } 8, 5, 4, 3, 2) . " and $name{1} $verb (6) 4 days, 8 hours ago" ],
    'the groups');
is_deeply([ map { @{ $_->{tags} } } @{ $groups->{entries} } ], [ '2 actions', '6 actions' ], 'how many actions they are of');
like($empty->{main}, qr/^Nothing has happened yet\.$/, 'an empty stream');

#
# What is not.
#

foreach my $look ([ 'narrow', $narrow, 360 ], [ 'dark', $dark, 360 ], [ 'wide', $wide, 1200 ], [ 'with phrases', $phrase, 800 ],
    [ 'empty', $empty, 360 ], [ 'groups', $groups, 360 ])
{
    my ($name, $page, $width) = @$look;

    is($page->{pwned}, 0, "$name: nothing runs");
    is_deeply($page->{loaded}, [], "$name: nothing is loaded");
    is_deeply([ grep { !/^(a|bdi|blockquote|div|h1|h2|header|li|main|ol|p|section|span|time)$/ } @{ $page->{tags} } ],
        [], "$name: no other elements");
    is_deeply([ grep { !/^(aria-hidden|class|datetime|href)$/ } @{ $page->{attributes} } ],
        [], "$name: no other attributes");
    is($page->{width}, $width, "$name: nothing is wider than the window");
    is($page->{wide}, 0, "$name: nothing reaches out of it");
    is_deeply([ grep { !$_->{shown} } @{ $page->{entries} } ], [], "$name: all entries are shown");
    cmp_ok($page->{contrast}, '>=', 4.5, "$name: every text stands out from its ground");
}
cmp_ok($narrow->{ground}[0], '>', 200, 'it is light');
cmp_ok($dark->{ground}[0], '<', 60, 'or dark');

# It can be taken a picture of: a PNG of that size, with something on it.
browse('hostile.html', "--screenshot=$dir/page.png", '--window-size=800,1000');
my $png = slurp_file("$dir/page.png");
is(join('x', unpack('x16 NN', $png)), '800x1000', 'a picture of it');
cmp_ok(length $png, '>', 20000, 'with something on it');

$node->stop;
done_testing();
