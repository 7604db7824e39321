-- A stream as a page of HTML that is complete in itself: no script, and nothing to load.
--
-- The sentences come as HTML from actstream.sentences(), all of a page at once; the XML
-- functions of PostgreSQL make the rest, and so escape whatever a text holds. They write an
-- element without content as <a/>, which HTML takes for the start of one: none here is
-- without.

-- A text that can be shown: shortened to a reasonable length, and without the
-- characters that XML cannot hold.
CREATE FUNCTION shown(t text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
RETURN regexp_replace(CASE WHEN length(t) > 160 THEN left(t, 159) || '…' ELSE t END,
                      '[\x01-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]', '�', 'g');

-- A circle in one of eight colours, with the first letters of the first and of the last
-- word of a name.
CREATE FUNCTION avatar(object actstream.ref, name text) RETURNS xml
LANGUAGE sql IMMUTABLE
RETURN xmlelement(NAME span, xmlattributes('avatar c' || (hashtext(object::text) & 7) AS class, 'true' AS "aria-hidden"),
                  coalesce(nullif(upper(concat(substring(name FROM '[[:alnum:]]'),
                                               substring(name FROM '\s[^[:alnum:]\s]*([[:alnum:]])[^\s]*$'))), ''), '#'));

-- An action: who, the sentence, and what else there is to say.
CREATE FUNCTION entry(a actstream.action, html text, parts jsonb) RETURNS xml
LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
    SELECT xmlelement(NAME li, xmlattributes('entry' AS class),
               avatar(a.actor, jsonb_path_query_first(parts, '$[*] ? (@.role == "actor").name') #>> '{}'),
               xmlelement(NAME div, xmlattributes('told' AS class),
                   xmlelement(NAME p, xmlattributes('sentence' AS class), xmlparse(CONTENT html)),
                   CASE WHEN a.description <> ''
                        THEN xmlelement(NAME blockquote, xmlelement(NAME bdi, shown(a.description))) END,
                   (SELECT xmlelement(NAME p, xmlattributes('tags' AS class),
                                      xmlagg(xmlelement(NAME span, xmlattributes('tag' AS class), shown(t)) ORDER BY n))
                    FROM unnest(ARRAY[a.data->>'distributions', a.data->>'version'])
                         WITH ORDINALITY tags (t, n)
                    WHERE t <> '' HAVING count(*) > 0)));
END;

-- The actions of each day, newest first.
CREATE FUNCTION days(actions actstream.action[], now timestamptz) RETURNS xml
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT xmlagg(xmlelement(NAME section,
                      xmlelement(NAME h2, xmlelement(NAME time, xmlattributes(day AS datetime),
                                                     to_char(day, 'FMDay, FMDD FMMonth YYYY'))),
                      xmlelement(NAME ol, entries)) ORDER BY day DESC)
    FROM (SELECT (action)."timestamp"::date AS day,
                 xmlagg(entry(action, html, parts) ORDER BY (action)."timestamp" DESC, (action).id DESC) AS entries
          FROM actstream.sentences(actions, now, 'en') GROUP BY day) d;
END;

-- The groups of a reader's stream, newest first: whom each is of, and the sentence.
CREATE FUNCTION grouped(groups actstream.action_group[], now timestamptz) RETURNS xml
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT xmlelement(NAME section, xmlattributes('groups' AS class),
               xmlelement(NAME h2, 'In groups'),
               xmlelement(NAME ol,
                   xmlagg(xmlelement(NAME li, xmlattributes('entry' AS class),
                              avatar((action_group).actor_sample[1], jsonb_path_query_first(parts, '$[*] ? (@.role == "actor").name') #>> '{}'),
                              xmlelement(NAME div, xmlattributes('told' AS class),
                                  xmlelement(NAME p, xmlattributes('sentence' AS class), xmlparse(CONTENT html)),
                                  xmlelement(NAME p, xmlattributes('tags' AS class),
                                      xmlelement(NAME span, xmlattributes('tag' AS class),
                                                 (action_group).actions || CASE (action_group).actions WHEN 1 THEN ' action' ELSE ' actions' END)))) ORDER BY n)))
    FROM actstream.group_sentences(groups, now, 'en') WITH ORDINALITY s (action_group, sentence, html, parts, n)
    WHERE html IS NOT NULL
    HAVING count(*) > 0;
END;

-- The number of unread notifications, if there are any.
CREATE FUNCTION badge(unread integer) RETURNS xml
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN unread > 0
            THEN xmlelement(NAME span, xmlattributes('badge' AS class),
                            CASE WHEN unread < 100 THEN unread::text ELSE '99+' END || ' new') END;

CREATE FUNCTION stylesheet() RETURNS text
LANGUAGE sql IMMUTABLE
RETURN $css$
:root { color-scheme: light dark;
    --ground: #f3f4f7; --card: #ffffff; --ink: #1b1f24; --soft: #59636e; --line: #e3e6ea;
    --link: #0a58ca; --tag: #eef0f4; }
@media (prefers-color-scheme: dark) { :root {
    --ground: #0e1116; --card: #171b22; --ink: #e8ebf0; --soft: #9aa5b3; --line: #272d37;
    --link: #8ab8ff; --tag: #232934; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 2.5rem 1rem 4rem; background: var(--ground); color: var(--ink);
    font: 1rem/1.5 Inter, system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, DejaVu Sans, sans-serif;
    overflow-wrap: anywhere; }
main, header { max-width: 44rem; margin: 0 auto; }
header { display: flex; align-items: center; gap: 1.125rem; }
header .avatar { width: 4rem; height: 4rem; font-size: 1.5rem; }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; letter-spacing: -.02em; font-weight: 700; }
.badge { display: inline-block; margin-left: .625rem; padding: 0 .625rem; border-radius: 1rem; background: #b3261e; color: #ffffff;
    font-size: .875rem; line-height: 1.5rem; letter-spacing: 0; white-space: nowrap; vertical-align: middle; }
header p { margin: .25rem 0 0; color: var(--soft); font-size: .9375rem; }
h2 { margin: 2rem 0 .625rem .25rem; font-size: .8125rem; font-weight: 600; letter-spacing: .02em; color: var(--soft); }
ol { list-style: none; margin: 0; padding: 0; background: var(--card); border: 1px solid var(--line);
    border-radius: .875rem; overflow: hidden; box-shadow: 0 1px 2px rgb(0 0 0 / .04); }
.entry { display: flex; gap: .875rem; padding: .9375rem 1.125rem; }
.entry + .entry { border-top: 1px solid var(--line); }
.told { flex: 1; min-width: 0; }
.told p { margin: 0; }
.avatar { flex: none; display: inline-flex; align-items: center; justify-content: center;
    width: 2.5rem; height: 2.5rem; border-radius: 50%; color: #ffffff;
    font-size: .875rem; font-weight: 600; letter-spacing: .02em; }
.c0 { background: #3d4fd6; } .c1 { background: #0b7285; } .c2 { background: #2b7a3d; } .c3 { background: #8a5a00; }
.c4 { background: #b3372f; } .c5 { background: #a32f72; } .c6 { background: #7440b8; } .c7 { background: #4a5b6c; }
a { color: var(--link); text-decoration: none; }
a:hover, a:focus-visible { text-decoration: underline; text-underline-offset: .2em; }
.sentence { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 6; overflow: hidden; }
.actor, .actor a { color: var(--ink); font-weight: 600; }
.action_object { font-weight: 500; }
.sentence time { color: var(--soft); font-size: .8125rem; white-space: nowrap; }
.told .tags { display: flex; flex-wrap: wrap; gap: .25rem .5rem; margin-top: .1875rem; color: var(--soft); }
.tag { padding: 0 .5rem; border-radius: 1rem; background: var(--tag); font-size: .75rem; line-height: 1.25rem; }
blockquote { margin: .375rem 0; padding: .125rem 0 .125rem .75rem; border-left: 3px solid var(--line); color: var(--soft); }
.empty { padding: 2rem; text-align: center; color: var(--soft); }
@media (max-width: 30rem) { body { padding: 1.5rem .75rem 3rem; } .entry { padding: .875rem; gap: .75rem; }
    header .avatar { width: 3.25rem; height: 3.25rem; font-size: 1.25rem; } h1 { font-size: 1.375rem; } }
@media print { body { background: none; padding: 0; } }
$css$;

-- The page of a reader's stream, with the groups of it at the end.  "unread" is how many
-- notifications have not been read, counted up to 100.
CREATE FUNCTION page(reader actstream.ref, actions actstream.action[], now timestamptz DEFAULT now(),
                     groups actstream.action_group[] DEFAULT NULL, unread integer DEFAULT 0) RETURNS text
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT '<!DOCTYPE html>' || E'\n' || xmlelement(NAME html, xmlattributes('en' AS lang),
        xmlelement(NAME head,
            xmlelement(NAME meta, xmlattributes('utf-8' AS charset)),
            xmlelement(NAME meta, xmlattributes('viewport' AS name, 'width=device-width, initial-scale=1' AS content)),
            -- names are text and nothing else; should that ever fail, the browser runs nothing and loads nothing
            xmlelement(NAME meta, xmlattributes('Content-Security-Policy' AS "http-equiv",
                                                $$default-src 'none'; style-src 'unsafe-inline'$$ AS content)),
            xmlelement(NAME title, title),
            xmlelement(NAME style, stylesheet())),
        xmlelement(NAME body,
            xmlelement(NAME header,
                avatar(reader, name),
                xmlelement(NAME div,
                    xmlelement(NAME h1, xmlelement(NAME bdi, title), badge(unread)),
                    xmlelement(NAME p, format('%s followed · %s newest actions',
                                              (SELECT count(*) FROM actstream.following(reader)),
                                              coalesce(cardinality(actions), 0))))),
            xmlelement(NAME main,
                coalesce(days(actions, now), xmlelement(NAME p, xmlattributes('empty' AS class), 'Nothing has happened yet.')),
                grouped(groups, now))))::text
    FROM (SELECT name, shown(name) || '’s stream' AS title FROM actstream.display_name(reader) name) t;
END;
