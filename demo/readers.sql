-- Three readers, and what they follow: chosen from what was loaded, so that it
-- works with the changelogs of any machine.

INSERT INTO reader VALUES (1, 'Ann'), (2, 'Ben'), (3, 'Cleo');

-- The follows begin in the past: those of Ann and Ben a year before its end, those of
-- Cleo after 95 % of the actions.
SELECT max("timestamp") - interval '1 year' AS last_year,
       percentile_disc(0.95) WITHIN GROUP (ORDER BY "timestamp") AS late
FROM actstream.actions
\gset

-- Ann follows what some maintainers do: those with most releases in the last two years
-- of the changelogs.
SELECT actstream.follow('reader:1', actstream.ref('maintainer', maintainer),
                        "timestamp" => :'last_year')
FROM (SELECT maintainer
      FROM release
      WHERE maintainer IS NOT NULL
        AND released > (SELECT max(released) FROM release) - interval '2 years'
      GROUP BY maintainer ORDER BY count(*) DESC, maintainer LIMIT 5) busiest
\g /dev/null

-- And what is done to some packages, because a package itself does nothing:
-- well-known ones if they are here, else those with most releases.
SELECT actstream.follow('reader:1', actstream.ref('package', package),
                        actor_only => false, "timestamp" => :'last_year')
FROM (SELECT package
      FROM release
      GROUP BY package
      ORDER BY package NOT IN ('bash', 'glibc', 'openssl', 'perl'), count(*) DESC, package
      LIMIT 4) known
\g /dev/null

-- A follow may have a flag. Ben follows the packages with most security uploads
-- for that reason, and watches Ann: anything can follow anything.
SELECT actstream.follow('reader:2', actstream.ref('package', package), 'security',
                        actor_only => false, "timestamp" => :'last_year')
FROM (SELECT package
      FROM release
      GROUP BY package
      ORDER BY count(*) FILTER (WHERE distributions LIKE '%security%') DESC,
               count(*) DESC, package
      LIMIT 6) secured
\g /dev/null
SELECT actstream.follow('reader:2', 'reader:1', 'watching', "timestamp" => :'last_year')
\g /dev/null

-- Cleo follows the busiest maintainers of all time.
SELECT actstream.follow('reader:3', actstream.ref('maintainer', maintainer),
                        "timestamp" => :'late')
FROM (SELECT maintainer
      FROM release
      WHERE maintainer IS NOT NULL
      GROUP BY maintainer ORDER BY count(*) DESC, maintainer LIMIT 10) busiest
\g /dev/null

-- Actions that a program sends one by one. If in doubt it can send one again: with an
-- external_id it is stored once.
SELECT actstream.act_send('reader:1', 'bookmarked',
                          actstream.ref('bug', number), actstream.ref('package', package),
                          external_id => 'bookmark of bug ' || number)
FROM (SELECT number, package FROM bug ORDER BY number DESC LIMIT 2) newest,
     generate_series(1, 2)
\g /dev/null

-- An action that is not public is in no stream.
SELECT actstream.act_send('reader:1', 'bookmarked', actstream.ref('package', name),
                          public => false)
FROM (SELECT min(name) AS name FROM package) p
\g /dev/null
