-- The demonstration's tables. Nothing in them is made for activity streams:
-- keys of four kinds, foreign keys among them, as any database has.

CREATE EXTENSION actstream;
SELECT actstream.create_tables();

-- the authority in the ids of feed entries
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET actstream.tag_authority = %L', current_database(), 'example.org,2026');
END
$$;

CREATE TABLE maintainer (
    id      uuid PRIMARY KEY,           -- derived from the e-mail address
    name    text NOT NULL,
    email   text NOT NULL UNIQUE
);

CREATE TABLE package (
    name    text PRIMARY KEY            -- of the source package
);

CREATE TABLE release (
    package         text REFERENCES package,
    version         text,
    distributions   text NOT NULL,
    urgency         text,
    maintainer      uuid REFERENCES maintainer,     -- null if the changelog does not say
    released        timestamptz,                    -- likewise
    PRIMARY KEY (package, version)
);

CREATE TABLE bug (
    number  integer PRIMARY KEY,
    package text NOT NULL REFERENCES package        -- that closed it first
);

CREATE TABLE fix (                      -- of a bug in a release
    bug         integer REFERENCES bug,
    package     text,
    version     text,
    maintainer  uuid REFERENCES maintainer,
    fixed       timestamptz,
    PRIMARY KEY (bug, package, version),
    FOREIGN KEY (package, version) REFERENCES release
);

CREATE TABLE reader (
    id      integer PRIMARY KEY,
    name    text NOT NULL
);

-- From here on rows of these tables can act, be acted on, follow and be followed.
SELECT actstream.register('maintainer', name_template => '{name}',
                          url_template => 'https://qa.debian.org/developer.php?email={email}'),
       actstream.register('package', name_template => '{name}',
                          url_template => 'https://tracker.debian.org/pkg/{name}'),
       actstream.register('release', name_template => '{version}',
                          url_template => 'https://tracker.debian.org/pkg/{package}'),
       actstream.register('bug', name_template => '#{number}',
                          url_template => 'https://bugs.debian.org/{number}'),
       actstream.register('reader', name_template => '{name}')
\g /dev/null

-- And from here on a row that is inserted into release or fix, by whatever program,
-- sends an action.
SELECT actstream.track('release', 'released', 'maintainer:{maintainer}', '{self}', 'package:{package}',
                       condition => 'NEW.released IS NOT NULL AND NEW.maintainer IS NOT NULL',
                       data_columns => '{distributions,urgency}', timestamp_column => 'released'),
       actstream.track('fix', 'closed', 'maintainer:{maintainer}', 'bug:{bug}', 'package:{package}',
                       condition => 'NEW.fixed IS NOT NULL AND NEW.maintainer IS NOT NULL',
                       data_columns => '{version}', timestamp_column => 'fixed')
\g /dev/null

-- How their verbs read, in three languages. The name of a release is its version,
-- because its package is always named beside it. Groups of actions often have no version
-- or bug in common, but a number.
INSERT INTO actstream.phrases (language, verb, pattern) VALUES
    ('en', 'released',   '{actor} released[ {action_object} of {target}| {actions} versions of {target}| {actions} versions][ {timesince} ago]'),
    ('en', 'closed',     '{actor} closed[ {action_object} in {target}| {actions} bugs in {target}| {actions} bugs][ {timesince} ago]'),
    ('en', 'bookmarked', '{actor} bookmarked {action_object}[ in {target}][ {timesince} ago]'),
    ('de', 'released',   '{actor} hat[ vor {timesince}] {target} {action_object} veröffentlicht'),
    ('de', 'closed',     '{actor} hat[ vor {timesince}] {action_object} in {target} geschlossen'),
    ('ru', 'released',   '[{timesince} назад: ]{target}, версия {action_object} ({actor})'),
    ('ru', 'closed',     '[{timesince} назад: ]{target}, исправлена ошибка {action_object} ({actor})');

-- A stream of our own: uploads to a security archive, of the packages that a reader
-- follows. It stops at LIMIT as the streams of the extension do.
CREATE FUNCTION security_uploads(reader actstream.ref) RETURNS SETOF actstream.action
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT *
    FROM actstream.stream_of(
             ARRAY(SELECT actstream.following(reader, labels => '{package}')),
             '{target}') a
    WHERE a.verb = 'released' AND a.data->>'distributions' LIKE '%security%';
END;
