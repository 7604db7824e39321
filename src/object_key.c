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
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/bitmapset.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

PG_FUNCTION_INFO_V1(ref_of);

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
 * The attribute numbers of "columns", in a set.
 *
 * Raises an error for a column that is missing, named twice, nullable or of
 * another type than a key may have.
 */
static Bitmapset *
key_attributes(Relation rel, List *columns)
{
	Bitmapset  *result = NULL;
	ListCell   *lc;

	foreach(lc, columns)
	{
		char	   *name = lfirst(lc);
		AttrNumber	attnum = get_attnum(RelationGetRelid(rel), name);
		Form_pg_attribute att;

		if (attnum <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of relation \"%s\" does not exist",
							name, RelationGetRelationName(rel))));
		if (bms_is_member(attnum, result))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("key column \"%s\" is named more than once", name)));

		att = TupleDescAttr(RelationGetDescr(rel), attnum - 1);
		if (!is_key_type(att->atttypid, att->attcollation))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("column \"%s\" of type %s cannot be a key column",
							name, format_type_be(att->atttypid)),
					 errdetail("Key columns are integers, uuid, text, character varying or name, with a deterministic collation.")));
		if (!att->attnotnull)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("key column \"%s\" is not marked NOT NULL", name)));
		result = bms_add_member(result, attnum);
	}
	return result;
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
	Bitmapset  *wanted = key_attributes(rel, columns);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		found = found || (is_unique_key(index) &&
						  bms_equal(index_attributes(index), wanted));
		index_close(index, AccessShareLock);
	}

	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("relation \"%s\" has no unique constraint on exactly the key columns",
						RelationGetRelationName(rel)),
				 errhint("A unique index that is partial, deferrable or on expressions does not count.")));
}

/*
 * The registered type of the table that rows of type "rowtype" come from: the
 * table's own, or that of the partitioned table it belongs to.
 */
static const RegisteredType *
object_type_of_row(Oid rowtype)
{
	Oid			relid = get_typ_typrelid(rowtype);
	const RegisteredType *type;

	if (!OidIsValid(relid))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("not a row of a table"),
				 errhint("Give a whole row, such as u in: SELECT actstream.ref_of(u) FROM users u.")));

	type = RegistryLookupRelation(relid);
	if (type == NULL && get_rel_relispartition(relid))
	{
		ListCell   *lc;

		foreach(lc, get_partition_ancestors(relid))
		{
			type = RegistryLookupRelation(lfirst_oid(lc));
			if (type != NULL)
				break;
		}
	}
	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("table \"%s\" is not registered", get_rel_name(relid)),
				 errhint("Use actstream.register().")));
	return type;
}

/*
 * The number of the column, or 0.
 */
static AttrNumber
column_number(TupleDesc tupdesc, const char *name)
{
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, i);

		if (!att->attisdropped && namestrcmp(&att->attname, name) == 0)
			return i + 1;
	}
	return InvalidAttrNumber;
}

/*
 * The value of a key column of a row, as text.
 */
static char *
key_column_text(HeapTuple row, TupleDesc tupdesc, const char *name)
{
	AttrNumber	attnum = column_number(tupdesc, name);
	Form_pg_attribute att;
	Oid			output;
	bool		isvarlena;
	bool		isnull;
	Datum		value;

	if (attnum == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("row has no key column \"%s\"", name),
				 errhint("Register the table again.")));

	att = TupleDescAttr(tupdesc, attnum - 1);
	if (!is_key_type(att->atttypid, att->attcollation))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" of type %s cannot be a key column",
						name, format_type_be(att->atttypid))));

	value = heap_getattr(row, attnum, tupdesc, &isnull);
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("key column \"%s\" of the row is null", name)));

	/* of the base type, so that no code but core's is ever called */
	getTypeOutputInfo(getBaseType(att->atttypid), &output, &isvarlena);
	return OidOutputFunctionCall(output, value);
}

/*
 * Append a part of a composite key.
 */
static void
append_key_part(StringInfo key, const char *part)
{
	for (; *part != '\0'; part++)
	{
		if (*part == ',' || *part == '\\')
			appendStringInfoChar(key, '\\');
		appendStringInfoChar(key, *part);
	}
}

/*
 * The key of a row: the text of its column, or of its columns with commas
 * between them.
 */
static char *
key_of_row(HeapTuple row, TupleDesc tupdesc, List *columns)
{
	StringInfoData key;
	ListCell   *lc;

	if (list_length(columns) == 1)
		return key_column_text(row, tupdesc, linitial(columns));

	initStringInfo(&key);
	foreach(lc, columns)
	{
		if (foreach_current_index(lc) > 0)
			appendStringInfoChar(&key, ',');
		append_key_part(&key, key_column_text(row, tupdesc, lfirst(lc)));
	}
	return key.data;
}

/*
 * ref_of
 *		The reference to a row of a registered table.
 */
Datum
ref_of(PG_FUNCTION_ARGS)
{
	HeapTupleHeader header = PG_GETARG_HEAPTUPLEHEADER(0);
	const RegisteredType *type = object_type_of_row(HeapTupleHeaderGetTypeId(header));
	TupleDesc	tupdesc;
	HeapTupleData row;
	char	   *key;

	tupdesc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
									 HeapTupleHeaderGetTypMod(header));
	row.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&row.t_self);
	row.t_tableOid = InvalidOid;
	row.t_data = header;

	key = key_of_row(&row, tupdesc, type->key_columns);
	ReleaseTupleDesc(tupdesc);

	PG_RETURN_REF_P(RefFromText(type->label, strlen(type->label),
								key, strlen(key)));
}
