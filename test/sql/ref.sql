-- The reference type: input, output, construction, parts, storage.
\i test/lib/fresh.sql
\set SHOW_CONTEXT errors

CREATE SCHEMA ref_test;
SET search_path = ref_test, actstream, actstream_internal, public;

--
-- What goes in comes out.  A key that is the canonical text of a bigint or of
-- a uuid is packed, any other is kept as text.  The cast, which is no part of
-- the extension, shows what is stored behind the label: the kind of key in one
-- byte, and the key.
--
CREATE TABLE sample (id int GENERATED ALWAYS AS IDENTITY, r ref);
INSERT INTO sample (r) VALUES
    -- integers
    ('user:0'), ('user:1'), ('user:-1'), ('user:255'), ('user:256'),
    ('user:-256'), ('user:-257'), ('user:123456'), ('user:4294967296'),
    ('user:9223372036854775807'), ('user:-9223372036854775808'),
    -- not integers, or not written as bigint writes them
    ('user:+1'), ('user:007'), ('user:00'), ('user:-0'), ('user:-'), ('user:1.0'),
    ('user:1e3'), ('user: 1'), ('user:1 '), ('user:0x1'), ('user:1_000'),
    ('user:9223372036854775808'), ('user:-9223372036854775809'),
    ('user:18446744073709551616'), ('user:99999999999999999999'),
    -- uuids, and what uuid's own input would take for one
    ('doc:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'),
    ('doc:00000000-0000-0000-0000-000000000000'),
    ('doc:A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'),
    ('doc:{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'),
    ('doc:a0eebc999c0b4ef8bb6d6bb9bd380a11'),
    ('doc:a0eebc99-9c0b-4ef8-bb6d6-bb9bd380a11'),
    ('doc:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1g'),
    ('doc:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a1'),
    -- text
    ('page:index.html'), ('page:https://example.org:8080/a?b=c'), ('page::'),
    ('page::1'), ('page: '), ('page:two words'), ('page:"quoted", {1}'),
    (E'page:back\\slash'), (E'page:two\nlines\ttab'), (E'page:\x01'),
    -- labels
    ('_:1'), ('Z:1'), ('user:x'), ('USER:x'), ('a.b-c_9:x');

SELECT id, r FROM sample ORDER BY id;

BEGIN;
CREATE CAST (ref AS bytea) WITHOUT FUNCTION;
SELECT id, encode(substr(r::bytea, octet_length(ref_label(r)) + 1), 'hex') AS packed,
       pg_column_size(r) AS size
FROM sample ORDER BY id;
ROLLBACK;

SELECT count(*) AS wrong FROM sample
WHERE r IS DISTINCT FROM r::text::ref
   OR NOT record_image_eq(ROW (r), ROW (r::text::ref))
   OR NOT record_image_eq(ROW (r), ROW (ref(ref_label(r), ref_key(r))))
   OR r::text <> ref_label(r) || ':' || ref_key(r)
   OR convert_from(ref_send(r), getdatabaseencoding()) <> r::text;

-- in a table the header takes one byte if that makes 127 bytes at most, else four
CREATE TABLE wide AS SELECT n, ref('x', repeat('k', n)) AS r FROM generate_series(123, 126) n;
SELECT n, pg_column_size(r) FROM wide ORDER BY n;

--
-- Malformed input
--
SELECT ''::ref;
SELECT 'user'::ref;
SELECT '42'::ref;
SELECT repeat('word ', 20)::ref;
SELECT ':42'::ref;
SELECT 'user:'::ref;
SELECT ' user:42'::ref;
SELECT 'user :42'::ref;
SELECT '1user:42'::ref;
SELECT '-user:42'::ref;
SELECT '.user:42'::ref;
SELECT 'public."user":42'::ref;
SELECT (repeat('a b', 30) || ':42')::ref;

--
-- Limits
--
SELECT octet_length(ref_label(r)) FROM (SELECT (repeat('l', 63) || ':1')::ref) v (r);
SELECT (repeat('l', 64) || ':1')::ref;
SELECT octet_length(ref_key(r)) FROM (SELECT ('x:' || repeat('k', 1024))::ref) v (r);
SELECT ('x:' || repeat('k', 1025))::ref;
SELECT octet_length(ref_key(r)) FROM (SELECT ('x:' || repeat('1', 1024))::ref) v (r);
SELECT ('x:' || repeat('1', 1025))::ref;
SELECT (repeat('l', 64) || ':')::ref;
SELECT octet_length(r::text) FROM (SELECT (repeat('l', 63) || ':' || repeat('k', 1024))::ref) v (r);

-- The limits count bytes, not characters.  These three bytes are one character
-- of UTF-8 and three of LATIN1, and print as neither.
SELECT convert_from('\xe282ac', getdatabaseencoding()) AS euro \gset
SELECT encode(convert_to(ref_key(('x:' || :'euro')::ref), getdatabaseencoding()), 'hex') AS key;
SELECT octet_length(ref_key(('x:' || repeat(:'euro', 341) || 'k')::ref));
SELECT ('x:' || repeat(:'euro', 341) || 'kk')::ref;
SELECT ('x:k' || repeat(:'euro', 341))::ref = ('x:k' || repeat(:'euro', 341))::ref AS same;
SELECT ('x:' || repeat(:'euro', 342))::ref;

-- ... nor can they be in a label; the message shows no broken character
CREATE FUNCTION complaint(input text, OUT message text, OUT valid boolean) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM input::ref;
EXCEPTION WHEN invalid_text_representation THEN
    message := regexp_replace(SQLERRM, '[^ -~]+', '?', 'g');
    valid := convert_from(convert_to(SQLERRM, getdatabaseencoding()), getdatabaseencoding()) = SQLERRM;
END
$$;
SELECT * FROM complaint('x' || :'euro' || ':1');
SELECT * FROM complaint('x' || repeat(:'euro', 100) || ':1');
SELECT * FROM complaint('x' || repeat(:'euro', 100));

--
-- Constructors and parts
--
SELECT ref('user', 42), ref('user', 42::smallint), ref('user', 42::bigint), ref('user', '42'),
       ref('user', '042'), ref('user', 'forty two'::varchar);
SELECT ref('user', (-9223372036854775808)::bigint), ref('user', 9223372036854775807);
SELECT ref('doc', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid),
       ref('doc', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::text);
-- columns of a composite key
SELECT ref('price', '7', 'EUR'), ref('price', 'a,b', E'c\\d', 'e:f'), ref('price', VARIADIC ARRAY['a,b']), ref('price', '7', NULL) IS NULL AS is_null;
SELECT ref('price', VARIADIC ARRAY[]::text[]);
SELECT ref('price', repeat('x', 1000), repeat('y', 24));
SELECT ref('1', 'a', 'b');
SELECT ref('doc', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid)
     = ref('doc', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::text) AS same,
       ref('user', 42) = ref('user', '42') AS same,
       ref('user', 42) = ref('user', '042') AS differ;
SELECT ref_label('user:42'), ref_key('user:42'), ref_key('user:-1'), ref_key('page:a:b'),
       ref_key('doc:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
SELECT ref(NULL, 42), ref('user', NULL::bigint), ref('user', NULL::uuid), ref('user', NULL::text),
       NULL::ref, ref_label(NULL), ref_key(NULL), ref_of(NULL), label_start(NULL), label_stop(NULL);

SELECT ref('user:x', 1);
SELECT ref('', 1);
SELECT ref('', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid);
SELECT ref('user', '');
SELECT ref(repeat('l', 64), 1);
SELECT ref(repeat('l', 64), 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid);
SELECT ref('user', repeat('k', 1025));
\set VERBOSITY sqlstate
SELECT ref('user', 1.5);
\set VERBOSITY default

--
-- Casts and arrays
--
SELECT 'user:42'::text::ref, CAST('user:42'::varchar AS ref), 'user:42'::ref::text || '!' AS text;
CREATE TABLE assigned (r ref, t text);
INSERT INTO assigned SELECT 'user:' || n, ref('user', n) FROM generate_series(1, 2) n;
SELECT * FROM assigned ORDER BY r;
SELECT r FROM assigned WHERE r = t::ref ORDER BY r;
SELECT r FROM assigned WHERE r = t ORDER BY r;

SELECT '{user:1,"page:a,b",NULL,"page:\"x\""}'::ref[];
SELECT ARRAY['user:2', 'user:10']::ref[] @> ARRAY['user:10']::ref[] AS contains,
       'user:2'::ref = ANY ('{user:1,user:2}') AS any,
       array_position('{user:1,user:2}'::ref[], 'user:2') AS position,
       '{user:2,user:10}'::ref[] < '{user:10}'::ref[] AS less;
SELECT array_agg(u ORDER BY u) FROM unnest('{user:10,page:1,user:2,user:x}'::ref[]) u;

--
-- All references with a label lie from label_start up to, and not including,
-- label_stop; both are references themselves.
--
SELECT label_start('user'), label_stop('user');
SELECT replace(replace(label_start(l)::text, repeat('a', 50), '<50a>'), repeat('z', 50), '<50z>') AS start,
       replace(replace(label_stop(l)::text, repeat('a', 50), '<50a>'), repeat('z', 50), '<50z>') AS stop
FROM (VALUES (1, repeat('a', 62)), (2, repeat('a', 62) || 'z'), (3, repeat('a', 61) || 'zz'),
             (4, repeat('a', 63)), (5, repeat('a', 62) || '-'), (6, repeat('a', 62) || '.'),
             (7, repeat('a', 62) || '9'), (8, repeat('a', 62) || 'Z'), (9, repeat('a', 62) || '_'),
             (10, 'Z' || repeat('z', 62)), (11, '_' || repeat('z', 62)), (12, repeat('z', 62)),
             (13, 'y' || repeat('z', 62))) v (n, l)
ORDER BY n;
SELECT label_stop(repeat('z', 63));
SELECT label_start('no label');
SELECT label_stop('');
SELECT label_stop(repeat('l', 64));

-- every label against every reference: the interval holds its own and no other
WITH label AS (
    SELECT l FROM unnest('{a,a-,a.,a0,a_,aZ,az,b,A,_,Z,z,zz}'::text[]) l
    UNION ALL
    SELECT repeat('a', 62) || l FROM unnest('{-,.,0,9,A,Z,_,a,z}'::text[]) l
    UNION ALL
    SELECT repeat('z', 62) || l FROM unnest('{-,Z,y}'::text[]) l
), reference AS (
    SELECT l, ref(l, k) AS r
    FROM label, unnest(ARRAY['-9223372036854775808', '-1', '0', '9223372036854775807',
                             'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'a', repeat('z', 1024)]) k
)
SELECT count(*) AS pairs, count(*) FILTER (WHERE label.l = reference.l) AS inside,
       count(*) FILTER (WHERE (r >= label_start(label.l) AND r < label_stop(label.l))
                              <> (label.l = reference.l)) AS wrong
FROM label, reference;

--
-- References to rows of registered tables
--
CREATE DOMAIN code AS text CHECK (VALUE <> 'never');
CREATE DOMAIN short_code AS code;
CREATE TABLE k2 (id int2 PRIMARY KEY);
CREATE TABLE k4 (id int4 PRIMARY KEY, other text);
CREATE TABLE k8 (id int8 PRIMARY KEY);
CREATE TABLE kuuid (id uuid PRIMARY KEY);
CREATE TABLE ktext (id text PRIMARY KEY);
CREATE TABLE kvarchar (id varchar(20) PRIMARY KEY);
CREATE TABLE kname (id name PRIMARY KEY);
CREATE TABLE kdomain (id short_code PRIMARY KEY);
CREATE TABLE kmany (gone int, a text, b int, c text, PRIMARY KEY (c, b, a));
ALTER TABLE kmany DROP COLUMN gone;
CREATE TABLE part (id int, region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE part_eu (region text NOT NULL, id int NOT NULL);
ALTER TABLE part ATTACH PARTITION part_eu FOR VALUES IN ('eu');
CREATE TABLE part_rest PARTITION OF part DEFAULT PARTITION BY LIST (region);
CREATE TABLE part_us PARTITION OF part_rest FOR VALUES IN ('us');
CREATE TABLE unregistered (id int PRIMARY KEY);
CREATE TYPE pair AS (id int, other text);

CREATE TABLE kother (id int PRIMARY KEY, code uuid NOT NULL UNIQUE);

SELECT (register(t::regclass)).label
FROM unnest('{k2,k4,k8,kuuid,ktext,kvarchar,kname,kdomain,kmany,part}'::text[]) t;
SELECT (register('kother', 'other.name', '{code}')).label;

INSERT INTO k2 VALUES (-32768), (7);
INSERT INTO k4 VALUES (-2147483648, 'x'), (7, 'x');
INSERT INTO k8 VALUES (-9223372036854775808), (7);
INSERT INTO kuuid VALUES ('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11');
INSERT INTO ktext VALUES ('7'), ('07'), ('a:b,c\d'), ('never');
INSERT INTO kvarchar VALUES ('7'), ('a b ');
INSERT INTO kname VALUES ('7'), ('pg_class');
INSERT INTO kdomain VALUES ('7'), ('x:y');
INSERT INTO kmany VALUES ('a', 1, 'c'), ('x,y', 2, ','), ('x\', -3, '\,'), ('', 4, ''), ('5', 5, '5');
INSERT INTO kother VALUES (1, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
INSERT INTO part VALUES (1, 'eu'), (2, 'us');

SELECT ref_of(t) AS r FROM k2 t UNION ALL
SELECT ref_of(t) FROM k4 t UNION ALL
SELECT ref_of(t) FROM k8 t UNION ALL
SELECT ref_of(t) FROM kuuid t UNION ALL
SELECT ref_of(t) FROM ktext t UNION ALL
SELECT ref_of(t) FROM kvarchar t UNION ALL
SELECT ref_of(t) FROM kname t UNION ALL
SELECT ref_of(t) FROM kdomain t UNION ALL
SELECT ref_of(t) FROM kmany t UNION ALL
SELECT ref_of(t) FROM kother t
ORDER BY r;

-- whatever the type of the column, the reference is what its text makes it
SELECT count(*), bool_and(ref_of(t) = ('k2:' || id)::ref AND ref_of(t) = ref('k2', id)) AS same FROM k2 t;
SELECT count(*), bool_and(ref_of(t) = ref('kuuid', id) AND ref_of(t) = ref('kuuid', id::text)) AS same FROM kuuid t;
SELECT count(*), bool_and(ref_of(t) = ref('ktext', id)) AS same FROM ktext t;

-- rows of a partitioned table, also when read from a partition, whose columns
-- may have another order
SELECT ref_of(t) FROM part t ORDER BY 1;
SELECT ref_of(t) FROM part_eu t;
SELECT ref_of(t) FROM part_rest t;
SELECT ref_of(t) FROM part_us t;

-- rows that are not read from a table but have its type
SELECT ref_of(ROW (8, 'x')::k4), ref_of(u) FROM (SELECT t FROM k4 t WHERE id = 7) s (u);

-- whole row of an outer join that found nothing
SELECT ref_of(t) FROM (VALUES (1)) v LEFT JOIN k4 t ON false;

-- renaming the table does not matter
ALTER TABLE kname RENAME TO kname2;
SELECT ref_of(t) FROM kname2 t ORDER BY 1;

SELECT ref_of(ROW (1, 'x'));
SELECT ref_of(ROW (1, 'x')::pair);
SELECT ref_of(t) FROM (SELECT 1 AS id) t;
SELECT ref_of(ROW (1)::unregistered);
SELECT ref_of(ROW (NULL, 'x')::k4);
SELECT ref_of(NULL::k4);
SELECT ref_of(ROW ('')::ktext);
SELECT ref_of(ROW (repeat('k', 1025))::ktext);
SELECT ref_of(ROW (repeat(',', 512), 0, '')::kmany);
SELECT octet_length(ref_of(ROW (repeat(',', 510), 0, '')::kmany)::text);
ALTER TABLE k4 RENAME COLUMN id TO number;
SELECT ref_of(t) FROM k4 t;

--
-- Values that are compressed, or stored out of line, are what they were
--
CREATE FUNCTION noise(n int) RETURNS ref LANGUAGE sql
    RETURN (SELECT ref('x', string_agg(encode(sha256(convert_to(n || ' ' || i, 'UTF8')), 'hex'), '' ORDER BY i))
            FROM generate_series(1, 16) i);
CREATE TABLE toasted AS
SELECT ref('x', repeat('k', 1024)) AS r0, noise(1) AS r1, noise(2) AS r2, noise(3) AS r3, noise(4) AS r4,
       noise(5) AS r5, noise(6) AS r6, noise(7) AS r7, noise(8) AS r8;
SELECT pg_column_size(r0) < 1000 AS compressed,
       pg_relation_size((SELECT reltoastrelid FROM pg_class WHERE oid = 'toasted'::regclass)) > 0 AS out_of_line
FROM toasted;
SELECT bool_and(stored = fresh AND stored <= fresh AND NOT stored <> fresh AND ref_cmp(stored, fresh) = 0
                AND stored::text = fresh::text AND ref_send(stored) = ref_send(fresh)
                AND ref_label(stored) = ref_label(fresh) AND ref_key(stored) = ref_key(fresh)
                AND ref_hash(stored) = ref_hash(fresh)
                AND ref_hash_extended(stored, 1) = ref_hash_extended(fresh, 1)) AS same
FROM toasted, noise(1) AS n1, noise(8) AS n8,
     LATERAL (VALUES (r0, ref('x', repeat('k', 1024))), (r1, n1), (r8, n8)) v (stored, fresh);

--
-- COPY
--
INSERT INTO sample (r) SELECT ref('wide', repeat(k, 1024)) FROM unnest('{1,k}'::text[]) k;
INSERT INTO sample (r) VALUES (NULL);
CREATE TABLE copied (format text, id int, r ref);
ALTER TABLE copied ALTER format SET DEFAULT 'text';
\copy sample TO 'results/ref.data'
\copy copied (id, r) FROM 'results/ref.data'
ALTER TABLE copied ALTER format SET DEFAULT 'csv';
\copy sample TO 'results/ref.data' (FORMAT csv, FORCE_QUOTE *)
\copy copied (id, r) FROM 'results/ref.data' (FORMAT csv)
ALTER TABLE copied ALTER format SET DEFAULT 'binary';
\copy sample TO 'results/ref.data' (FORMAT binary)
\copy copied (id, r) FROM 'results/ref.data' (FORMAT binary)
SELECT format, count(*), bool_and(record_image_eq(ROW (s.r), ROW (c.r))) AS same
FROM sample s JOIN copied c USING (id) GROUP BY format ORDER BY format COLLATE "C";

-- malformed input of COPY
CREATE TABLE sink (r ref);
COPY sink FROM stdin;
user:1
user
\.
SELECT count(*) FROM sink;

-- From version 16 on, input reports its errors without raising them.  Before,
-- there is nothing to test.
SELECT current_setting('server_version_num')::int >= 160000 AS soft \gset
\if :soft
SELECT bool_and(pg_input_is_valid(input, 'ref') = (code IS NULL)
                AND (pg_input_error_info(input, 'ref')).sql_error_code IS NOT DISTINCT FROM code) AS soft_errors_ok
FROM (VALUES ('user:42', NULL), ('x:' || repeat('k', 1024), NULL), ('', '22P02'), ('user', '22P02'),
             ('1:1', '22P02'), ('user:', '22P02'), (repeat('l', 64) || ':1', '54000'),
             ('x:' || repeat('k', 1025), '54000')) v (input, code) \gset
\else
\set soft_errors_ok t
\endif
\echo soft errors ok: :soft_errors_ok

SET client_min_messages = warning;
DROP SCHEMA ref_test CASCADE;
