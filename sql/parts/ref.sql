------------------------------------------------------------------------------
-- References
------------------------------------------------------------------------------

CREATE TYPE actstream.ref;

CREATE FUNCTION actstream_internal.ref_in(cstring) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_in';
CREATE FUNCTION actstream_internal.ref_out(actstream.ref) RETURNS cstring
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_out';
CREATE FUNCTION actstream_internal.ref_recv(internal) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_recv';
CREATE FUNCTION actstream_internal.ref_send(actstream.ref) RETURNS bytea
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_send';

-- "main" rather than "plain", which would not use one-byte headers
CREATE TYPE actstream.ref (
    INPUT = actstream_internal.ref_in,
    OUTPUT = actstream_internal.ref_out,
    RECEIVE = actstream_internal.ref_recv,
    SEND = actstream_internal.ref_send,
    INTERNALLENGTH = variable,
    ALIGNMENT = int4,
    STORAGE = main
);

COMMENT ON TYPE actstream.ref IS 'reference to an object: a label and a key, written label:key';
COMMENT ON FUNCTION actstream_internal.ref_in(cstring) IS 'I/O';
COMMENT ON FUNCTION actstream_internal.ref_out(actstream.ref) IS 'I/O';
COMMENT ON FUNCTION actstream_internal.ref_recv(internal) IS 'I/O';
COMMENT ON FUNCTION actstream_internal.ref_send(actstream.ref) IS 'I/O';

-- Drivers and ORMs give parameters and expressions the types text and varchar.
CREATE CAST (text AS actstream.ref) WITH INOUT AS IMPLICIT;
CREATE CAST (varchar AS actstream.ref) WITH INOUT AS IMPLICIT;
CREATE CAST (actstream.ref AS text) WITH INOUT AS ASSIGNMENT;
COMMENT ON CAST (text AS actstream.ref) IS 'label:key to reference';
COMMENT ON CAST (varchar AS actstream.ref) IS 'label:key to reference';
COMMENT ON CAST (actstream.ref AS text) IS 'reference to label:key';

CREATE FUNCTION actstream.ref(label text, key bigint) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_from_bigint';
CREATE FUNCTION actstream.ref(label text, key uuid) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_from_uuid';
CREATE FUNCTION actstream.ref(label text, key text) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_from_text';
CREATE FUNCTION actstream.ref(label text, VARIADIC key text[]) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_from_parts';
COMMENT ON FUNCTION actstream.ref(text, bigint) IS 'make a reference from a label and an integer key';
COMMENT ON FUNCTION actstream.ref(text, uuid) IS 'make a reference from a label and a uuid key';
COMMENT ON FUNCTION actstream.ref(text, text) IS 'make a reference from a label and a text key';
COMMENT ON FUNCTION actstream.ref(text, text[]) IS 'make a reference from a label and the columns of a composite key';

CREATE FUNCTION actstream.ref_of(record) RETURNS actstream.ref
    LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_of';
COMMENT ON FUNCTION actstream.ref_of(record) IS 'reference to a row of a registered table';

CREATE FUNCTION actstream.ref_label(actstream.ref) RETURNS text
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_label';
CREATE FUNCTION actstream.ref_key(actstream.ref) RETURNS text
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_key';
COMMENT ON FUNCTION actstream.ref_label(actstream.ref) IS 'label of a reference';
COMMENT ON FUNCTION actstream.ref_key(actstream.ref) IS 'key of a reference, as text';

-- ref >= label_start(l) AND ref < label_stop(l): the references with label l, in a form
-- that an index can serve
CREATE FUNCTION actstream.label_start(label text) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_label_start';
CREATE FUNCTION actstream.label_stop(label text) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_label_stop';
COMMENT ON FUNCTION actstream.label_start(text) IS 'least reference with the label';
COMMENT ON FUNCTION actstream.label_stop(text) IS 'least reference that is greater than all with the label';

CREATE FUNCTION actstream_internal.ref_eq(actstream.ref, actstream.ref) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_eq';
CREATE FUNCTION actstream_internal.ref_ne(actstream.ref, actstream.ref) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_ne';
CREATE FUNCTION actstream_internal.ref_lt(actstream.ref, actstream.ref) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_lt';
CREATE FUNCTION actstream_internal.ref_le(actstream.ref, actstream.ref) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_le';
CREATE FUNCTION actstream_internal.ref_gt(actstream.ref, actstream.ref) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_gt';
CREATE FUNCTION actstream_internal.ref_ge(actstream.ref, actstream.ref) RETURNS boolean
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_ge';
CREATE FUNCTION actstream_internal.ref_cmp(actstream.ref, actstream.ref) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_cmp';
CREATE FUNCTION actstream_internal.ref_sortsupport(internal) RETURNS void
    LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_sortsupport';
CREATE FUNCTION actstream_internal.ref_hash(actstream.ref) RETURNS integer
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_hash';
CREATE FUNCTION actstream_internal.ref_hash_extended(actstream.ref, bigint) RETURNS bigint
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_hash_extended';

-- In pg_catalog they are found whatever search_path is.
CREATE OPERATOR pg_catalog.= (
    FUNCTION = actstream_internal.ref_eq, LEFTARG = actstream.ref, RIGHTARG = actstream.ref,
    COMMUTATOR = OPERATOR(pg_catalog.=), NEGATOR = OPERATOR(pg_catalog.<>),
    RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR pg_catalog.<> (
    FUNCTION = actstream_internal.ref_ne, LEFTARG = actstream.ref, RIGHTARG = actstream.ref,
    COMMUTATOR = OPERATOR(pg_catalog.<>), NEGATOR = OPERATOR(pg_catalog.=),
    RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR pg_catalog.< (
    FUNCTION = actstream_internal.ref_lt, LEFTARG = actstream.ref, RIGHTARG = actstream.ref,
    COMMUTATOR = OPERATOR(pg_catalog.>), NEGATOR = OPERATOR(pg_catalog.>=),
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR pg_catalog.<= (
    FUNCTION = actstream_internal.ref_le, LEFTARG = actstream.ref, RIGHTARG = actstream.ref,
    COMMUTATOR = OPERATOR(pg_catalog.>=), NEGATOR = OPERATOR(pg_catalog.>),
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR pg_catalog.> (
    FUNCTION = actstream_internal.ref_gt, LEFTARG = actstream.ref, RIGHTARG = actstream.ref,
    COMMUTATOR = OPERATOR(pg_catalog.<), NEGATOR = OPERATOR(pg_catalog.<=),
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR pg_catalog.>= (
    FUNCTION = actstream_internal.ref_ge, LEFTARG = actstream.ref, RIGHTARG = actstream.ref,
    COMMUTATOR = OPERATOR(pg_catalog.<=), NEGATOR = OPERATOR(pg_catalog.<),
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);

COMMENT ON FUNCTION actstream_internal.ref_eq(actstream.ref, actstream.ref) IS 'implementation of = operator';
COMMENT ON FUNCTION actstream_internal.ref_ne(actstream.ref, actstream.ref) IS 'implementation of <> operator';
COMMENT ON FUNCTION actstream_internal.ref_lt(actstream.ref, actstream.ref) IS 'implementation of < operator';
COMMENT ON FUNCTION actstream_internal.ref_le(actstream.ref, actstream.ref) IS 'implementation of <= operator';
COMMENT ON FUNCTION actstream_internal.ref_gt(actstream.ref, actstream.ref) IS 'implementation of > operator';
COMMENT ON FUNCTION actstream_internal.ref_ge(actstream.ref, actstream.ref) IS 'implementation of >= operator';
COMMENT ON FUNCTION actstream_internal.ref_cmp(actstream.ref, actstream.ref) IS 'less-equal-greater';
COMMENT ON FUNCTION actstream_internal.ref_sortsupport(internal) IS 'sort support';
COMMENT ON FUNCTION actstream_internal.ref_hash(actstream.ref) IS 'hash';
COMMENT ON FUNCTION actstream_internal.ref_hash_extended(actstream.ref, bigint) IS 'hash';
COMMENT ON OPERATOR pg_catalog.= (actstream.ref, actstream.ref) IS 'equal';
COMMENT ON OPERATOR pg_catalog.<> (actstream.ref, actstream.ref) IS 'not equal';
COMMENT ON OPERATOR pg_catalog.< (actstream.ref, actstream.ref) IS 'less than';
COMMENT ON OPERATOR pg_catalog.<= (actstream.ref, actstream.ref) IS 'less than or equal';
COMMENT ON OPERATOR pg_catalog.> (actstream.ref, actstream.ref) IS 'greater than';
COMMENT ON OPERATOR pg_catalog.>= (actstream.ref, actstream.ref) IS 'greater than or equal';

CREATE OPERATOR FAMILY actstream.ref_ops USING btree;
CREATE OPERATOR FAMILY actstream.ref_ops USING hash;

CREATE OPERATOR CLASS actstream.ref_ops
    DEFAULT FOR TYPE actstream.ref USING btree FAMILY actstream.ref_ops AS
    OPERATOR 1 pg_catalog.<,
    OPERATOR 2 pg_catalog.<=,
    OPERATOR 3 pg_catalog.=,
    OPERATOR 4 pg_catalog.>=,
    OPERATOR 5 pg_catalog.>,
    FUNCTION 1 actstream_internal.ref_cmp(actstream.ref, actstream.ref),
    FUNCTION 2 actstream_internal.ref_sortsupport(internal),
    FUNCTION 4 pg_catalog.btequalimage(oid);

CREATE OPERATOR CLASS actstream.ref_ops
    DEFAULT FOR TYPE actstream.ref USING hash FAMILY actstream.ref_ops AS
    OPERATOR 1 pg_catalog.=,
    FUNCTION 1 actstream_internal.ref_hash(actstream.ref),
    FUNCTION 2 actstream_internal.ref_hash_extended(actstream.ref, bigint);

CREATE FUNCTION actstream_internal.ref_smaller(actstream.ref, actstream.ref) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_smaller';
CREATE FUNCTION actstream_internal.ref_larger(actstream.ref, actstream.ref) RETURNS actstream.ref
    LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE AS 'MODULE_PATHNAME', 'actstream_ref_larger';
CREATE AGGREGATE pg_catalog.min(actstream.ref) (
    SFUNC = actstream_internal.ref_smaller, STYPE = actstream.ref, COMBINEFUNC = actstream_internal.ref_smaller,
    SORTOP = OPERATOR(pg_catalog.<), PARALLEL = safe
);
CREATE AGGREGATE pg_catalog.max(actstream.ref) (
    SFUNC = actstream_internal.ref_larger, STYPE = actstream.ref, COMBINEFUNC = actstream_internal.ref_larger,
    SORTOP = OPERATOR(pg_catalog.>), PARALLEL = safe
);
COMMENT ON FUNCTION actstream_internal.ref_smaller(actstream.ref, actstream.ref) IS 'smaller of two';
COMMENT ON FUNCTION actstream_internal.ref_larger(actstream.ref, actstream.ref) IS 'larger of two';
COMMENT ON AGGREGATE pg_catalog.min(actstream.ref) IS 'least reference';
COMMENT ON AGGREGATE pg_catalog.max(actstream.ref) IS 'greatest reference';

COMMENT ON OPERATOR FAMILY actstream.ref_ops USING btree IS 'references by label, then by key';
COMMENT ON OPERATOR FAMILY actstream.ref_ops USING hash IS 'references';
COMMENT ON OPERATOR CLASS actstream.ref_ops USING btree IS 'references by label, then by key';
COMMENT ON OPERATOR CLASS actstream.ref_ops USING hash IS 'references';
