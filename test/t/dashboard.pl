# The dashboard of examples/dashboard, in browsers: what it shows is what the database has,
# also after the gateway or the server was killed; its buttons work; it can be read on a
# telephone and in the dark.

use strict;
use warnings;
use utf8;

use Encode qw(decode encode);
use FindBin;
use lib "$FindBin::RealBin/../lib";
use Actstream;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($chromium) = grep { -x } map { "$_/chromium" } split /:/, $ENV{PATH};
plan skip_all => 'chromium is not installed' unless $chromium;

my $dir = PostgreSQL::Test::Utils::tempdir();
my $timer = IPC::Run::timeout(10 * $PostgreSQL::Test::Utils::timeout_default);

#
# The programs, with the versions of package-lock.json
#

system('cp', '-r', glob('examples/dashboard/*'), 'test/dashboard/browser.mjs', $dir) == 0 or die 'cp';
run_log([ 'npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', $dir, '--cache', "$dir/cache" ])
    or BAIL_OUT('npm');

#
# The demonstration's tables, with few rows.  Ann follows Ada and Bob, Ben what is done to
# a package, Cleo nobody.
#

my ($ada, $bob, $eve) = map { "maintainer:00000000-0000-4000-8000-00000000000$_" } 1 .. 3;
my $evil = '<img src=x onerror="window.pwned = 1"><script>window.pwned = 1</script>';

my $node = new_node('dashboard',
    init => [ extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ] ],
    conf => "shared_preload_libraries = 'actstream'\nactstream.doorbell = on");

sub psql
{
    return decode('UTF-8', $node->safe_psql('postgres', encode('UTF-8', $_[0])));
}

psql(slurp_file('demo/schema.sql') . slurp_file('examples/dashboard/setup.sql') . qq{
    INSERT INTO maintainer VALUES ('@{[ substr $ada, 11 ]}', 'Ada', 'ada'), ('@{[ substr $bob, 11 ]}', 'Bob', 'bob'), ('@{[ substr $eve, 11 ]}', '$evil', 'eve');
    INSERT INTO package VALUES ('tar'), ('vim');
    INSERT INTO reader VALUES (1, 'Ann'), (2, 'Ben'), (3, 'Cleo');
    SELECT actstream.register_external('site', url_template => '{key}');
    SELECT actstream.follow('reader:1', followee, send_action => false) FROM unnest('{$ada,$bob}'::actstream.ref[]) followee;
    SELECT actstream.follow('reader:2', 'package:tar', actor_only => false, send_action => false);
    SELECT actstream.act_send(CASE n % 2 WHEN 0 THEN '$ada' ELSE '$bob' END, 'changed', target => CASE n % 3 WHEN 0 THEN 'package:tar' ELSE 'package:vim' END,
                              description => n::text, "timestamp" => now() - (1000 - n) * interval '1 hour')
    FROM generate_series(1, 60) n;
    SELECT actstream.act_send('$eve', 'looked at', target => 'package:vim', "timestamp" => now() - interval '945 hours');
    SELECT actstream.mark_all_read('reader:1')});

# Sends an action, as other programs do.
sub act
{
    my ($actor, $verb, $target, $more) = @_;

    return psql(qq{SELECT id FROM actstream.act_send('$actor', '$verb', target => '$target'} . ($more // '') . ')');
}

#
# The gateway, and the browsers
#

my $port = PostgreSQL::Test::Cluster::get_free_port();
my ($gateway, $gateway_said) = (undef, '');

sub start_gateway
{
    local %ENV = (%ENV, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres', PGUSER => 'dashboard', PORT => $port);

    $gateway_said = '';
    $gateway = IPC::Run::start([ 'node', "$dir/server.js" ], '>', \$gateway_said, '2>', "$dir/gateway.log", $timer);
    $gateway->pump until $gateway_said =~ /\n/;
}

sub kill_gateway
{
    $gateway->signal('KILL');
    $gateway->finish;
}

my ($in, $out, $browsers_said) = ('', '', '');
$ENV{CHROMIUM} = $chromium;
my $browsers = IPC::Run::start([ 'node', "$dir/browser.mjs" ], '<', \$in, '>', \$out, '2>', \$browsers_said, $timer);

# Runs JavaScript in browser.mjs, and returns its result.
sub browse
{
    my ($script) = @_;

    $in .= JSON::PP->new->ascii->allow_nonref->encode($script) . "\n";
    $browsers->pump until $out =~ s/^(.*)\n//;
    my $answer = decode_json($1);
    die "$answer->{error}\nin: $script\n$browsers_said" if defined $answer->{error};
    return $answer->{value};
}

# Do pages come to show that?
sub shows
{
    my ($what, $expected, $name) = @_;

    return is_deeply(browse("return until('$what', " . JSON::PP->new->canonical->ascii->encode($expected) . ')'), $expected, $name);
}

# Do pages come to show the streams of their readers, and each action once?  Each page has
# a reader, and the oldest action that it shows.
my (%reader, %oldest);

sub show_streams
{
    my ($name, @pages) = @_;

    shows('ids', {
            map { $_ => psql(qq{
                SELECT string_agg(id::text, ' ' ORDER BY "timestamp" DESC, id DESC) FROM actstream.user_stream('$reader{$_}')
                WHERE ("timestamp", id) >= (SELECT "timestamp", id FROM actstream.actions WHERE id = $oldest{$_})})
            } @pages ? @pages : sort keys %reader
        }, $name);
}

# Takes note of the oldest action that each page shows, after it has been loaded.
sub measure
{
    $oldest{$_} = (split / /, browse("return look.ids(pages.$_)"))[-1] foreach @_;
}

sub open_page
{
    my ($page, $browser, $reader, $options) = @_;

    browse("await open('$page', shared.$browser, 'http://127.0.0.1:$port/?reader=$reader', " . ($options // '{}') . '); pages.' . $page . '.evaluate(() => { window.untouched = true; })');
    $reader{$page} = $reader;
    measure($page);
}

# Waits until buttons have that label, in both windows.
sub await_label
{
    my ($label) = @_;

    browse('await Promise.all([pages.ann, pages.ann_too].map((page) => page.getByRole("button", { name: '
        . JSON::PP->new->allow_nonref->encode($label) . ', exact: true }).first().waitFor()))');
    measure(qw(ann ann_too));
}

sub click
{
    my ($page, $label, $where) = @_;

    browse("await pages.$page" . ($where // '') . '.getByRole("button", { name: ' . JSON::PP->new->ascii->allow_nonref->encode($label) . ', exact: true }).first().click()');
}

start_gateway();
browse("shared.$_ = await browser()") foreach qw(one two);
open_page('ann', 'one', 'reader:1');
open_page('ann_too', 'two', 'reader:1');
open_page('ben', 'two', 'reader:2');
show_streams('streams, newest first');
is(browse('return (await look.ids(pages.ann)).split(" ").length'), 20, 'one page of one');

#
# Actions that are sent, changed and deleted
#

my $sent = act($ada, 'improved', 'package:vim');
show_streams('an action is shown to whom it concerns', qw(ann ann_too));
like(browse('return (await look.entries(pages.ann))[0]'), qr/^Ada improved vim$/, 'with its sentence');
act($ada, 'mended', 'package:tar');
act($eve, 'broke', 'package:tar');
show_streams('and to nobody else');
unlike(join("\n", @{ browse('return look.entries(pages.ben)') }), qr/improved/, 'which a page without it shows');

psql(qq{UPDATE actstream.actions SET description = 'better' WHERE id = $sent});
browse(q{await Promise.all(['ann', 'ann_too'].map((name) => pages[name].getByText('better').waitFor()))});
is(browse('return (await look.entries(pages.ann))[1]'), 'Ada improved vim: better', 'an action that is changed');
psql(qq{DELETE FROM actstream.actions WHERE id = $sent});
show_streams('one that is deleted');
psql(q{UPDATE actstream.actions SET public = false WHERE verb = 'mended'});
show_streams('one that becomes private');
psql(q{UPDATE actstream.actions SET public = true WHERE verb = 'mended'});
show_streams('and public again');
act($bob, 'planned', 'package:vim', ', "timestamp" => now() - interval \'948 hours\'');
show_streams('one that comes late to its place');
psql("INSERT INTO actstream.actions (actor, verb, target) SELECT '$ada', 'did', 'package:tar' FROM generate_series(1, 30);
      DELETE FROM actstream.actions WHERE id % 3 = 0 AND verb = 'did'");
show_streams('many at once');

#
# Buttons, badge, groups, pages
#

my $unread = psql(q{SELECT actstream.unread_count('reader:1')});
cmp_ok($unread, '>', 20, 'there are unread actions');
shows('badge', { ann => "$unread new", ann_too => "$unread new" }, 'the badge');
click('ann', 'Mark all as read');
shows('badge', { ann => '', ann_too => '' }, 'it goes, in both windows');
act($ada, 'returned', 'package:vim');
shows('badge', { ann => '1 new', ann_too => '1 new' }, 'and comes again');

# the groups as the database tells them, without how long ago
sub groups
{
    my ($reader) = @_;

    return [ map { s/ (?:just now|\d+ \w+(?:, \d+ \w+)? ago)$//r } split /\n/, psql(qq{
        SELECT actstream.group_sentence(g) FROM actstream.user_groups('$reader', '{actor,verb}', '30 days') g LIMIT 6}) ];
}
shows('groups', { ann => groups('reader:1'), ben => groups('reader:2') }, 'groups');

click('ann', "Follow $evil");
await_label("Following $evil");
show_streams('a new follow, in both windows');
like(browse('return (await look.entries(pages.ann_too)).join("\n")'), qr/\Q$evil\E broke tar/, 'with what was done before it');
click('ann', "Following $evil");
await_label("Follow $evil");
show_streams('which ends');
is(browse('return pages.ann.evaluate(() => document.activeElement.getAttribute("aria-label"))'), "Follow $evil", 'the button keeps the focus');
browse('await pages.ann.locator("#entries summary").first().click()');
click('ann', 'Mute Ada', '.locator("#entries")');
await_label('Muted Ada');
act($ada, 'shouted', 'package:vim');
act($bob, 'whispered', 'package:vim');
show_streams('a mute, in both windows');
is_deeply([ grep { /^Ada/ } @{ browse('return look.entries(pages.ann_too)') } ], [], 'which hides what was done before and after it');
click('ann_too', 'Muted Ada');
await_label('Mute Ada');
show_streams('and ends');

while (browse('return pages.ann.locator("#more").isVisible()'))
{
    my $shown = browse('return pages.ann.locator("#entries > li").count()');
    click('ann', 'Next page');
    browse("await pages.ann.waitForFunction((n) => document.querySelectorAll('#entries > li').length > n, $shown)");
}
$oldest{ann} = psql(q{SELECT id FROM actstream.user_stream('reader:1') ORDER BY "timestamp", id LIMIT 1});
show_streams('page after page, until the end of the stream');

#
# The gateway is killed, and the server crashes.  Pages are not loaded again.
#

sub requests
{
    return browse(q{return Object.fromEntries(Object.entries(pages).map(([name, { requests }]) => [name, requests.filter((path) => path.endsWith('/page')).length]))});
}
my $requests = requests();

kill_gateway();
shows('state', { map { $_ => 'Connecting again …' } keys %reader }, 'pages say that the gateway is gone');
act($ada, "came while nobody listened, $_", 'package:tar') foreach 1 .. 5;
psql(q{DELETE FROM actstream.actions WHERE verb = 'whispered'});
start_gateway();
show_streams('what happened while the gateway was dead');

act($bob, 'spoke before the crash', 'package:tar');
$node->stop('immediate');
shows('state', { map { $_ => 'Waiting for the database …' } keys %reader }, 'pages say that the database is gone');
$node->start;
act($bob, 'spoke after the crash', 'package:tar');
show_streams('what happened around a crash of the server');
shows('state', { map { $_ => 'Live' } keys %reader }, 'and pages say that all is well');

kill_gateway();
act($ada, 'came just before the crash', 'package:tar');
$node->stop('immediate');
start_gateway();
$node->start;
act($ada, 'came just after the crash', 'package:tar');
show_streams('what happened while both were dead');
is_deeply(requests(), $requests, 'no page was loaded again');

# A position from before what has been trimmed is of no use: the page is loaded again.
kill_gateway();
act($ada, 'was forgotten', 'package:tar');
psql(q{SELECT actstream.trim_changes('0')});
start_gateway();
act($ada, 'was remembered', 'package:tar');
browse(q{await Promise.all(Object.values(pages).map((page) => page.locator('#entries').getByText('was remembered').waitFor()))});
measure(sort keys %reader);
show_streams('what happened while the record of changes was trimmed');
is(browse(q{return (await look.entries(pages.ben))[1]}), 'Ada was forgotten tar', 'also before that');

#
# Names, verbs and addresses that attack
#

psql(qq{SELECT actstream.follow('reader:3', '$eve', send_action => false)});
open_page('cleo', 'one', 'reader:3', '{ viewport: { width: 360, height: 740 }, colorScheme: "dark" }');
act($eve, '<b>stole</b>', 'site:javascript:window.pwned=1', qq{, description => '</blockquote>$evil'});
act($eve, 'sold', 'site:https://example.org/');
show_streams('hostile actions');
is_deeply(browse('return (await look.entries(pages.cleo)).slice(0, 2)'),
    [ "$evil sold site:https://example.org/", "$evil <b>stole</b> site:javascript:window.pwned=1: </blockquote>$evil" ], 'markup is shown as text');
click('cleo', 'Next page') if browse('return pages.cleo.locator("#more").isVisible()');
is_deeply(browse(q{return pages.cleo.evaluate(() => [window.pwned ?? 0, document.querySelectorAll('#entries :is(img, script, b)').length,
    [...document.querySelectorAll('a')].filter((a) => a.protocol !== 'https:').length])}), [ 0, 0, 0 ], 'nothing of it runs, or is an element or a link');

#
# A telephone in the dark
#

browse('await pages.cleo.locator("#entries summary").first().click(); await pages.cleo.locator(".menu button").first().waitFor()');
is(browse('return pages.cleo.evaluate(() => document.documentElement.scrollWidth)'), 360, 'nothing is wider than a telephone');
is_deeply(browse(q{return pages.cleo.locator('body *:not(.unseen)').evaluateAll((all) => all.filter((e) => e.getBoundingClientRect().right > 360.5).map((e) => e.outerHTML))}),
    [], 'and nothing reaches out of it');
my ($dark, $light) = map { browse("return brightness(shared.one, await pages.$_.screenshot({ path: '$dir/$_.png' }))") } qw(cleo ann);
cmp_ok($dark, '<', 60, 'its picture is dark');
cmp_ok($light, '>', 200, 'that of another window is light');

#
# All of them, at the end
#

is_deeply(browse('return Object.values(pages).flatMap(({ complaints }) => complaints)'), [], 'the browsers have not complained');
is(browse('return (await Promise.all(Object.values(pages).map((page) => page.evaluate(() => window.untouched === true)))).filter((untouched) => !untouched).length'),
    0, 'no window was reloaded');
is(psql(q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dashboard live'}), 1, 'all have been served by one connection');

browse('await Promise.all([shared.one, shared.two].map((browser) => browser.close()))');
$browsers->kill_kill;
kill_gateway();
$node->stop;
done_testing();
