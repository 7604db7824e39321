/*
 * object_key.c
 *		The columns of a table whose values are the key of a reference.
 *
 * A key column has a type whose text depends on no setting and whose equality
 * is that of the text: integers, uuid, text, varchar and name, and domains
 * over them.  What is excluded has a reason: character(n) ignores trailing
 * blanks, citext and non-deterministic collations ignore more, so that one key
 * would have many texts.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "object_key.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/bitmapset.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(actstream_ref_of);

/*
 * Can a column of this type and collation be part of a key?
 */
static bool
is_key_type(Oid type, Oid collation)
{
	switch (getBaseType(type))
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case UUIDOID:
			return true;
		case TEXTOID:
		case VARCHAROID:
		case NAMEOID:
			return !OidIsValid(collation) ||
				get_collation_isdeterministic(collation);
		default:
			return false;
	}
}

/*
 * ObjectKeyCheckType
 *		Raise ERRCODE_FEATURE_NOT_SUPPORTED unless the column could be part of a
 *		key.
 */
void
ObjectKeyCheckType(TupleDesc tupdesc, AttrNumber attnum)
{
	Form_pg_attribute att = TupleDescAttr(tupdesc, attnum - 1);

	if (!is_key_type(att->atttypid, att->attcollation))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" of type %s cannot be a key column",
						NameStr(att->attname), format_type_be(att->atttypid)),
				 errdetail("Key columns are integers, uuid, text, character varying or name, with a deterministic collation.")));
}

/*
 * Raise an error for a column that is missing, named twice, nullable or of
 * another type than a key may have.
 */
static void
check_key_columns(Relation rel, List *columns)
{
	Bitmapset  *seen = NULL;
	ListCell   *lc;

	foreach(lc, columns)
	{
		char	   *name = lfirst(lc);
		AttrNumber	attnum = get_attnum(RelationGetRelid(rel), name);

		if (attnum <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist",
							name, RelationGetRelationName(rel))));
		if (bms_is_member(attnum, seen))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("key column \"%s\" is named more than once", name)));

		ObjectKeyCheckType(RelationGetDescr(rel), attnum);
		if (!column_is_not_null(RelationGetDescr(rel), attnum - 1))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("key column \"%s\" is not marked NOT NULL", name)));
		seen = bms_add_member(seen, attnum);
	}
}

/*
 * Does the index guarantee, at each moment, that its columns are unique?
 */
static bool
is_unique_key(Relation index)
{
	Form_pg_index form = index->rd_index;

	return form->indisunique && form->indimmediate && form->indisvalid &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, NULL);
}

static Bitmapset *
index_attributes(Relation index)
{
	Bitmapset  *result = NULL;

	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
		result = bms_add_member(result, index->rd_index->indkey.values[i]);
	return result;
}

/*
 * ObjectKeyPrimary
 *		The names (char *) of the columns of the primary key, in its order.
 *
 * Raises ERRCODE_FEATURE_NOT_SUPPORTED if there is none that could serve.
 * The caller holds a lock on "rel".
 */
List *
ObjectKeyPrimary(Relation rel)
{
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_index->indisprimary && is_unique_key(index))
		{
			for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
				columns = lappend(columns,
								  get_attname(RelationGetRelid(rel),
											  index->rd_index->indkey.values[i],
											  false));
		}
		index_close(index, AccessShareLock);
	}

	if (columns == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("relation \"%s\" has no primary key that references could use",
						RelationGetRelationName(rel)),
				 errhint("Add a primary key that is not deferrable, or name unique columns in key_columns.")));
	return columns;
}

/*
 * ObjectKeyIsUnique
 *		Has the table a unique index, at each moment, on exactly these columns (char *),
 *		which exist?
 *
 * The caller holds a lock on "rel".
 */
bool
ObjectKeyIsUnique(Relation rel, List *columns)
{
	Bitmapset  *wanted = NULL;
	bool		found = false;
	ListCell   *lc;

	foreach(lc, columns)
		wanted = bms_add_member(wanted, get_attnum(RelationGetRelid(rel), lfirst(lc)));
	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		found = found || (is_unique_key(index) &&
						  bms_equal(index_attributes(index), wanted));
		index_close(index, AccessShareLock);
	}
	return found;
}

/*
 * ObjectKeyCheck
 *		Raise an error unless the columns (char *) can be the key of "rel".
 *
 * ERRCODE_UNDEFINED_COLUMN, ERRCODE_DUPLICATE_COLUMN, and for what is not
 * unique, not null or not of a fit type ERRCODE_FEATURE_NOT_SUPPORTED.  The
 * caller holds a lock on "rel".
 */
void
ObjectKeyCheck(Relation rel, List *columns)
{
	check_key_columns(rel, columns);
	if (!ObjectKeyIsUnique(rel, columns))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("relation \"%s\" has no unique constraint on exactly the key columns",
						RelationGetRelationName(rel)),
				 errhint("A unique index that is partial, deferrable or on expressions does not count.")));
}

/*
 * The number that a key column of the type's table has in the rows of "relid",
 * which is that table or one of its partitions.
 */
static AttrNumber
attribute_in(Oid relid, const RegisteredType *type, int key)
{
	char	   *name;
	AttrNumber	attnum;

	if (relid == type->relation)
		return type->keys[key];
	name = get_attname(type->relation, type->keys[key], false);
	attnum = get_attnum(relid, name);
	if (attnum == InvalidAttrNumber)
		elog(ERROR, "partition %u has no column \"%s\"", relid, name);
	return attnum;
}

/*
 * ObjectKeyColumnText
 *		The value of a column that could be part of a key, as text; NULL if it
 *		is null.
 */
char *
ObjectKeyColumnText(HeapTuple row, TupleDesc tupdesc, AttrNumber attnum)
{
	Oid			output;
	bool		isvarlena;
	bool		isnull;
	Datum		value;

	ObjectKeyCheckType(tupdesc, attnum);
	value = heap_getattr(row, attnum, tupdesc, &isnull);
	if (isnull)
		return NULL;

	/* of the base type, so that no code but core's is ever called */
	getTypeOutputInfo(getBaseType(TupleDescAttr(tupdesc, attnum - 1)->atttypid),
					  &output, &isvarlena);
	return OidOutputFunctionCall(output, value);
}

/*
 * ObjectKeyAppendPart
 *		Append a part of a composite key.
 */
void
ObjectKeyAppendPart(StringInfo key, const char *part)
{
	for (; *part != '\0'; part++)
	{
		if (*part == ',' || *part == '\\')
			appendStringInfoChar(key, '\\');
		appendStringInfoChar(key, *part);
	}
}

/*
 * Append the key of a row: the text of the key column, or of several with
 * commas between them.  Returns the name of a column that is null, else NULL.
 */
static const char *
append_key(StringInfo key, const RegisteredType *type, Oid relid, HeapTuple row,
		   TupleDesc tupdesc)
{
	RegistryRequireBound(type);
	for (int i = 0; i < type->nkeys; i++)
	{
		AttrNumber	attnum = attribute_in(relid, type, i);
		char	   *part = ObjectKeyColumnText(row, tupdesc, attnum);

		if (part == NULL)
			return NameStr(TupleDescAttr(tupdesc, attnum - 1)->attname);
		if (i > 0)
			appendStringInfoChar(key, ',');
		if (type->nkeys > 1)
			ObjectKeyAppendPart(key, part);
		else
			appendStringInfoString(key, part);
	}
	return NULL;
}

/*
 * ObjectKeyRef
 *		The reference to a row of "relid", the table of the type or a partition.
 *
 * Raises ERRCODE_NULL_VALUE_NOT_ALLOWED for a null in the key, and what
 * RefFromText() and RegistryRequireBound() raise.
 */
Ref *
ObjectKeyRef(const RegisteredType *type, Oid relid, HeapTuple row, TupleDesc tupdesc)
{
	StringInfoData key;
	const char *null_column;

	initStringInfo(&key);
	null_column = append_key(&key, type, relid, row, tupdesc);
	if (null_column != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("key column \"%s\" of the row is null", null_column)));
	return RefFromText(type->label, strlen(type->label), key.data, key.len);
}

/*
 * ObjectKeyRefIfAny
 *		The same, but NULL if the row's key is one that no reference can have: an
 *		empty, a very long or a null one.
 */
Ref *
ObjectKeyRefIfAny(const RegisteredType *type, Oid relid, HeapTuple row, TupleDesc tupdesc)
{
	StringInfoData key;

	initStringInfo(&key);
	if (append_key(&key, type, relid, row, tupdesc) != NULL ||
		key.len == 0 || key.len > REF_MAX_KEY)
		return NULL;
	return RefFromText(type->label, strlen(type->label), key.data, key.len);
}

/*
 * ObjectKeyType
 *		The type that a key column is compared in.
 */
Oid
ObjectKeyType(TupleDesc tupdesc, AttrNumber attnum)
{
	Oid			type = getBaseType(TupleDescAttr(tupdesc, attnum - 1)->atttypid);

	return type == VARCHAROID ? TEXTOID : type;
}

/*
 * The value of type "type" that has exactly this text; false if there is none.
 */
static bool
parse_key_part(Oid type, const char *text, Datum *value)
{
	int			len = strlen(text);
	int64		integer;
	pg_uuid_t	uuid;

	switch (type)
	{
		case INT2OID:
			if (!RefParseInteger(text, len, &integer) ||
				integer < PG_INT16_MIN || integer > PG_INT16_MAX)
				return false;
			*value = Int16GetDatum((int16) integer);
			return true;
		case INT4OID:
			if (!RefParseInteger(text, len, &integer) ||
				integer < PG_INT32_MIN || integer > PG_INT32_MAX)
				return false;
			*value = Int32GetDatum((int32) integer);
			return true;
		case INT8OID:
			if (!RefParseInteger(text, len, &integer))
				return false;
			*value = Int64GetDatum(integer);
			return true;
		case UUIDOID:
			if (!RefParseUuid(text, len, &uuid))
				return false;
			*value = PointerGetDatum(memcpy(palloc(sizeof(uuid)), &uuid, sizeof(uuid)));
			return true;
		case NAMEOID:
			if (len >= NAMEDATALEN)
				return false;
			*value = DirectFunctionCall1(namein, CStringGetDatum(text));
			return true;
		case TEXTOID:
			*value = CStringGetTextDatum(text);
			return true;
		default:
			return false;		/* the column's type was changed */
	}
}

/*
 * Cut the next part of a composite key off *rest, in place, and take the
 * backslashes out of it.  Returns NULL for a backslash that does not belong
 * there; sets *rest to NULL behind the last part.
 */
static char *
next_key_part(char **rest)
{
	char	   *part = *rest;
	char	   *to = part;
	char	   *from = part;

	while (*from != '\0' && *from != ',')
	{
		if (*from == '\\')
		{
			from++;
			if (*from != ',' && *from != '\\')
				return NULL;
		}
		*to++ = *from++;
	}
	*rest = *from == ',' ? from + 1 : NULL;
	*to = '\0';
	return part;
}

/*
 * ObjectKeyParse
 *		The values of the key columns of the row that "ref" names, of the types
 *		that ObjectKeyType() tells.
 *
 * Returns false if no row can have that key.  "tupdesc" is that of the type's
 * table; "values" has room for type->nkeys.
 */
bool
ObjectKeyParse(const RegisteredType *type, TupleDesc tupdesc, const Ref *ref,
			   Datum *values)
{
	char	   *rest = RefKeyText(ref);

	for (int i = 0; i < type->nkeys; i++)
	{
		char	   *part;

		if (rest == NULL)
			return false;
		if (type->nkeys == 1)
		{
			part = rest;
			rest = NULL;
		}
		else
			part = next_key_part(&rest);
		if (part == NULL ||
			!parse_key_part(ObjectKeyType(tupdesc, type->keys[i]), part, &values[i]))
			return false;
	}
	return rest == NULL;
}

/*
 * actstream_ref_of
 *		The reference to a row of a registered table.
 */
Datum
actstream_ref_of(PG_FUNCTION_ARGS)
{
	HeapTupleHeader header = PG_GETARG_HEAPTUPLEHEADER(0);
	Oid			relid = get_typ_typrelid(HeapTupleHeaderGetTypeId(header));
	const RegisteredType *type;
	TupleDesc	tupdesc;
	HeapTupleData row;
	Ref		   *result;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("not a row of a table"),
				 errhint("Give a whole row, such as u in: SELECT actstream.ref_of(u) FROM users u.")));
	/* no lock that we took has brought us news */
	AcceptInvalidationMessages();
	type = RegistryLookupTable(relid);
	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\" is not registered", get_rel_name(relid)),
				 errhint("Use actstream.register().")));

	tupdesc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
									 HeapTupleHeaderGetTypMod(header));
	row.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&row.t_self);
	row.t_tableOid = InvalidOid;
	row.t_data = header;

	result = ObjectKeyRef(type, relid, &row, tupdesc);
	ReleaseTupleDesc(tupdesc);
	PG_RETURN_REF_P(result);
}
