-- Comparison, hashing, sorting and indexing of references.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS actstream CASCADE;
CREATE EXTENSION actstream;
RESET client_min_messages;

-- all the operator classes are complete and consistent
SELECT a.amname, c.opcname, amvalidate(c.oid)
FROM pg_opclass c JOIN pg_am a ON a.oid = c.opcmethod
WHERE c.opcnamespace = 'actstream'::regnamespace
ORDER BY a.amname COLLATE "C", c.opcname COLLATE "C";

CREATE SCHEMA ref_test;
SET search_path = ref_test, actstream, actstream_internal, public;

-- Only what works on bytes alone and cannot fail is leakproof.
SELECT proname, pg_get_function_identity_arguments(oid) AS arguments, provolatile AS volatile,
       proparallel AS parallel, proisstrict AS strict, proleakproof AS leakproof
FROM pg_proc
WHERE pronamespace IN ('actstream'::regnamespace, 'actstream_internal'::regnamespace) AND proname ~ '^(ref|label)(_|$)'
ORDER BY proname COLLATE "C", pg_get_function_identity_arguments(oid) COLLATE "C";

--
-- Order: by label, byte for byte; then integers by value, uuids, and texts,
-- byte for byte
--
CREATE TABLE ordered (rank int, r ref);
INSERT INTO ordered (rank, r)
SELECT row_number() OVER (), r::ref FROM unnest(ARRAY[
    -- labels, a shorter one before those that it begins
    'A:1', 'Z:1', '_:1', 'a:1', 'a:x', 'a-:1', 'a-a:1', 'a.:1', 'a0:1', 'aA:1', 'a_:1', 'aa:1', 'b:1',
    -- integers
    'n:-9223372036854775808', 'n:-9223372036854775807',
    'n:-72057594037927937', 'n:-72057594037927936',
    'n:-281474976710657', 'n:-281474976710656',
    'n:-1099511627777', 'n:-1099511627776',
    'n:-4294967297', 'n:-4294967296',
    'n:-16777217', 'n:-16777216', 'n:-65537', 'n:-65536', 'n:-257', 'n:-256', 'n:-255',
    'n:-129', 'n:-128', 'n:-127', 'n:-10', 'n:-9', 'n:-2', 'n:-1',
    'n:0', 'n:1', 'n:2', 'n:9', 'n:10', 'n:127', 'n:128', 'n:255', 'n:256', 'n:257',
    'n:65535', 'n:65536', 'n:16777215', 'n:16777216', 'n:4294967295', 'n:4294967296',
    'n:1099511627775', 'n:1099511627776', 'n:281474976710655', 'n:281474976710656',
    'n:72057594037927935', 'n:72057594037927936',
    'n:9223372036854775806', 'n:9223372036854775807',
    -- uuids
    'n:00000000-0000-0000-0000-000000000000', 'n:00000000-0000-0000-0000-000000000001',
    'n:0fffffff-ffff-ffff-ffff-ffffffffffff', 'n:a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    'n:ffffffff-ffff-ffff-ffff-ffffffffffff',
    -- texts
    E'n:\x01', E'n:\t', 'n: ', 'n:+1', 'n:-', 'n:-0', 'n:-9223372036854775809', 'n:00', 'n:007',
    'n:18446744073709551616', 'n:9223372036854775808', 'n::', 'n:A',
    'n:A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'n:B', 'n:_', 'n:a', 'n:a ', 'n:a a', 'n:aa', 'n:b',
    'n:' || repeat('c', 1023), 'n:' || repeat('c', 1024)
    ]) WITH ORDINALITY u (r, n);

SELECT count(*) AS pairs,
       count(*) FILTER (WHERE (a.r < b.r) <> (a.rank < b.rank)) AS lt,
       count(*) FILTER (WHERE (a.r <= b.r) <> (a.rank <= b.rank)) AS le,
       count(*) FILTER (WHERE (a.r = b.r) <> (a.rank = b.rank)) AS eq,
       count(*) FILTER (WHERE (a.r >= b.r) <> (a.rank >= b.rank)) AS ge,
       count(*) FILTER (WHERE (a.r > b.r) <> (a.rank > b.rank)) AS gt,
       count(*) FILTER (WHERE (a.r <> b.r) <> (a.rank <> b.rank)) AS ne,
       count(*) FILTER (WHERE sign(ref_cmp(a.r, b.r)) <> sign(a.rank - b.rank)) AS cmp,
       count(*) FILTER (WHERE (ref_hash(a.r) = ref_hash(b.r)) <> (a.rank = b.rank)) AS hash,
       count(*) FILTER (WHERE a.rank = b.rank
                        AND (ref_hash_extended(a.r, 0) & x'ffffffff'::bigint)
                            <> (ref_hash(b.r)::bigint & x'ffffffff'::bigint)) AS hash_extended
FROM ordered a, ordered b;
SELECT count(*) FILTER (WHERE rank <> up) AS ascending, count(*) FILTER (WHERE rank <> down) AS descending
FROM (SELECT rank, row_number() OVER (ORDER BY r) AS up,
             count(*) OVER () + 1 - row_number() OVER (ORDER BY r DESC) AS down
      FROM ordered) s;
-- Rows are in the hash partition that their hash says, so it must never change:
-- it is that of the stored bytes, seen here through a cast.
BEGIN;
CREATE CAST (ref AS bytea) WITHOUT FUNCTION;
SELECT count(*) FILTER (WHERE ref_hash(r) <> hash_record(ROW (r::bytea))) AS hash,
       count(*) FILTER (WHERE ref_hash_extended(r, 42) <> hash_record_extended(ROW (r::bytea), 42)) AS hash_extended
FROM ordered;
ROLLBACK;
SELECT NULL < 'a:1'::ref AS lt, 'a:1'::ref = NULL AS eq, ref_cmp(NULL, 'a:1') AS cmp, ref_hash(NULL) AS hash;


--
-- Joins and aggregates: however they are executed, the answer is that of the
-- same query on texts
--
CREATE TABLE item (id int PRIMARY KEY, r ref);
INSERT INTO item
SELECT n, CASE n % 5
              WHEN 0 THEN ref('user', n % 70 - 35)
              WHEN 1 THEN ref('page', 'p' || n % 40)
              WHEN 2 THEN ref('doc', overlay('00000000-0000-0000-0000-000000000000'
                                             PLACING lpad((n % 30)::text, 4, '0') FROM 1)::uuid)
              WHEN 3 THEN ref('user', n)
          END
FROM generate_series(1, 1000) n;
CREATE TABLE other AS SELECT id, r FROM item WHERE id % 3 = 0;
ANALYZE item, other;

CREATE FUNCTION plan_nodes(query text, pattern text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
    RETURN (SELECT string_agg(m[1], ', ')
            FROM regexp_matches(plan::text, '"(?:Node Type|Strategy)": "(' || pattern || ')"', 'g') m);
END
$$;

CREATE FUNCTION join_by(method text, OUT plan text, OUT rows bigint, OUT digest numeric) LANGUAGE plpgsql AS $$
DECLARE
    query text := 'SELECT count(*), sum(a.id * 1000 + b.id) FROM item a JOIN other b USING (r)';
BEGIN
    PERFORM set_config('enable_nestloop', (method = 'Nested Loop')::text, true),
            set_config('enable_hashjoin', (method = 'Hash Join')::text, true),
            set_config('enable_mergejoin', (method = 'Merge Join')::text, true);
    plan := plan_nodes(query, 'Nested Loop|Hash Join|Merge Join');
    EXECUTE query INTO rows, digest;
END
$$;
SELECT j.* FROM unnest('{Nested Loop,Hash Join,Merge Join}'::text[]) method, join_by(method) j;
SELECT count(*), sum(a.id * 1000 + b.id) FROM item a JOIN other b ON a.r::text = b.r::text;

CREATE FUNCTION group_by(method text, OUT plan text, OUT groups bigint, OUT digest numeric) LANGUAGE plpgsql AS $$
DECLARE
    query text := 'SELECT count(*), sum(n * first) FROM (SELECT count(*) AS n, min(id) AS first FROM item GROUP BY r) s';
BEGIN
    PERFORM set_config('enable_hashagg', (method = 'Hashed')::text, true),
            set_config('enable_sort', (method = 'Sorted')::text, true);
    plan := plan_nodes(query, 'Hashed|Sorted');
    EXECUTE query INTO groups, digest;
END
$$;
SELECT g.* FROM unnest('{Hashed,Sorted}'::text[]) method, group_by(method) g;
SELECT count(*), sum(n * first) FROM (SELECT count(*) AS n, min(id) AS first FROM item GROUP BY r::text) s;
SELECT count(DISTINCT r), count(DISTINCT r::text) FROM item;

SELECT DISTINCT r FROM item WHERE r < 'user:6' ORDER BY r;
SELECT r, count(*) FROM item WHERE r > 'user:5' GROUP BY r HAVING count(*) > 1 ORDER BY r DESC;
SELECT r FROM item GROUP BY r ORDER BY r DESC NULLS LAST LIMIT 3;
SELECT r FROM item WHERE r IN ('user:3', 'user:03', 'page:p1') GROUP BY r ORDER BY r;

--
-- Indexes
--
SET enable_seqscan = off;
SET enable_bitmapscan = off;
CREATE INDEX item_btree ON item (r);
EXPLAIN (COSTS OFF) SELECT id FROM item WHERE r = 'user:25';
SELECT count(*), min(id), max(id) FROM item WHERE r = 'user:25';
EXPLAIN (COSTS OFF) SELECT id FROM item WHERE r > 'user:-10' AND r <= 'user:3';
SELECT r, count(*) FROM item WHERE r > 'user:-10' AND r <= 'user:3' GROUP BY r ORDER BY r;
EXPLAIN (COSTS OFF) SELECT id FROM item WHERE r >= label_start('page') AND r < label_stop('page');
SELECT count(*), min(ref_key(r) COLLATE "C") FROM item WHERE r >= label_start('page') AND r < label_stop('page');
EXPLAIN (COSTS OFF) SELECT id, r FROM item ORDER BY r DESC LIMIT 3;
SELECT r FROM item WHERE r IS NOT NULL ORDER BY r DESC LIMIT 3;
DROP INDEX item_btree;

CREATE INDEX item_hash ON item USING hash (r);
EXPLAIN (COSTS OFF) SELECT id FROM item WHERE r = 'user:25';
SELECT count(*), min(id), max(id) FROM item WHERE r = 'user:25';
-- each reference is found again
SELECT count(*), count(*) FILTER (WHERE found IS DISTINCT FROM expected) AS wrong
FROM (SELECT i.id, (SELECT count(*) FROM item o WHERE o.r = i.r) AS found,
             count(*) OVER (PARTITION BY i.r::text) AS expected
      FROM item i WHERE i.r IS NOT NULL) s;
DROP INDEX item_hash;
RESET enable_seqscan;
RESET enable_bitmapscan;

CREATE TABLE once (r ref PRIMARY KEY);
INSERT INTO once VALUES ('user:42'), ('user:042'), ('USER:42'), ('user:x');
INSERT INTO once VALUES (ref('user', 42));
INSERT INTO once VALUES ('user:42'), ('user:43') ON CONFLICT DO NOTHING RETURNING r;
-- two references of the greatest length share an entry of an index
CREATE TABLE two (a ref, b ref, PRIMARY KEY (a, b));
INSERT INTO two
SELECT r, r FROM (SELECT ref(repeat('l', 63), string_agg(encode(sha256(n::text::bytea), 'hex'), '')) AS r
                  FROM generate_series(1, 16) n) s;
SELECT octet_length(a::text), octet_length(b::text) FROM two;

--
-- Statistics
--
CREATE TABLE measured (r ref);
INSERT INTO measured
SELECT ref('user', 7) FROM generate_series(1, 300) UNION ALL
SELECT ref('page', 'home') FROM generate_series(1, 200) UNION ALL
SELECT ref('doc', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11') FROM generate_series(1, 100) UNION ALL
SELECT ref('user', n) FROM generate_series(-200, -1) n UNION ALL
SELECT NULL FROM generate_series(1, 200);
ALTER TABLE measured ALTER r SET STATISTICS 5;
ANALYZE measured;
SELECT null_frac, n_distinct, most_common_vals, most_common_freqs, histogram_bounds
FROM pg_stats WHERE tablename = 'measured' AND schemaname = 'ref_test';

--
-- Hash partitions
--
CREATE TABLE parted (id int, r ref) PARTITION BY HASH (r);
CREATE TABLE parted0 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 0);
CREATE TABLE parted1 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 1);
CREATE TABLE parted2 PARTITION OF parted FOR VALUES WITH (MODULUS 3, REMAINDER 2);
INSERT INTO parted SELECT * FROM item;
SELECT count(*), count(DISTINCT tableoid) AS partitions FROM parted;
SELECT count(*) AS split FROM (SELECT FROM parted GROUP BY r::text HAVING count(DISTINCT tableoid) > 1) s;
SELECT plan_nodes('SELECT * FROM parted WHERE r = ''user:25''', '[^"]* Scan');
SELECT count(*), min(id), max(id) FROM parted WHERE r = 'user:25';

--
-- A greater sort, by abbreviated keys in memory, on tapes and into an index,
-- against one of the parts that the references were made of
--
CREATE TABLE many AS
SELECT label, i, u, t, CASE WHEN i IS NOT NULL THEN ref(label, i) WHEN u IS NOT NULL THEN ref(label, u)
                            ELSE ref(label, t) END AS r
FROM (SELECT (ARRAY['u', 'u-', 'ux', 'user', 'User', 'a_rather_long_label'])[1 + h % 6] AS label,
             CASE WHEN h % 7 < 4 THEN (h - 2147483648) << (h % 33)::int END AS i,
             CASE WHEN h % 7 = 4 THEN encode(substr(sha256(h::text::bytea), 1, 16), 'hex')::uuid END AS u,
             CASE WHEN h % 7 > 4 THEN repeat('t', (h % 13)::int) || ' ' || h % 1000 END AS t
      FROM (SELECT n::bigint * 2654435761 % 4294967296 AS h FROM generate_series(1, 20000) n) s) s;
SELECT count(*), count(i) AS integers, count(u) AS uuids, count(t) AS texts, count(DISTINCT r) AS "distinct",
       count(DISTINCT label) AS labels
FROM many;
CREATE FUNCTION sorted(OUT rows bigint, OUT wrong bigint) LANGUAGE sql AS $$
    SELECT count(*), count(*) FILTER (WHERE a.r <> b.r)
    FROM (SELECT r, row_number() OVER (ORDER BY r) FROM many) a
    JOIN (SELECT r, row_number() OVER (ORDER BY label COLLATE "C", i NULLS LAST, u NULLS LAST, t COLLATE "C")
          FROM many) b USING (row_number)
$$;
SELECT * FROM sorted();
SET work_mem = '64kB';
SELECT * FROM sorted();
RESET work_mem;
CREATE INDEX many_idx ON many (r);
SET enable_sort = off;
SET enable_seqscan = off;
SELECT plan_nodes('SELECT r FROM many ORDER BY r', '[^"]*');
SELECT * FROM sorted();
RESET enable_sort;
RESET enable_seqscan;

-- the least and the greatest: by the index, by groups, by workers
SELECT min(r) = (SELECT r FROM many ORDER BY r LIMIT 1) AS least, max(r) = (SELECT r FROM many ORDER BY r DESC LIMIT 1) AS greatest FROM many;
VACUUM ANALYZE many;
SELECT plan_nodes('SELECT min(r), max(r) FROM many', '[^"]*Scan');
SELECT min(r), max(r) FROM (VALUES (NULL::ref), ('user:10'), ('user:9'), ('user:x'), ('use:a'), (NULL)) v (r);
SELECT min(r), max(r) FROM many WHERE false;
DROP INDEX many_idx;
SELECT label, min(r) = (array_agg(r ORDER BY r))[1] AS least, max(r) = (array_agg(r ORDER BY r DESC))[1] AS greatest
FROM many GROUP BY label ORDER BY label COLLATE "C";
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT plan_nodes('SELECT min(r), max(r) FROM many', 'Gather|[^"]*Scan');
SELECT min(r), max(r) FROM many;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;

SET client_min_messages = warning;
DROP SCHEMA ref_test CASCADE;
