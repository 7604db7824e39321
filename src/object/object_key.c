/*
 * object_key.c
 *		The key columns of a registered table, and the keys of its rows.
 *
 * key_type.c says which types key columns may have, and what the text of a value is.
 * Columns with a nondeterministic collation are excluded: equal values can have
 * different texts.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/column_names.h"
#include "object/key_type.h"
#include "object/object_key.h"
#include "object/registry.h"
#include "ref/ref.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/bitmapset.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(actstream_ref_from_parts);

PG_FUNCTION_INFO_V1(actstream_ref_of);

/*
 * Can a column of this type and collation be part of a key?
 */
static bool
is_key_type(Oid type, Oid collation)
{
	return OidIsValid(KeyType(type)) &&
		(!OidIsValid(collation) || get_collation_isdeterministic(collation));
}

/*
 * ObjectKeyTypeFits
 *		Could the column be part of a key?
 */
bool
ObjectKeyTypeFits(TupleDesc tupdesc, AttrNumber attnum)
{
	Form_pg_attribute att = TupleDescAttr(tupdesc, attnum - 1);

	return is_key_type(att->atttypid, att->attcollation);
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

	if (!ObjectKeyTypeFits(tupdesc, attnum))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("column \"%s\" of type %s cannot be a key column",
						NameStr(att->attname), format_type_be(att->atttypid)),
				 errdetail("The type of a key column must be an integer type, uuid, text, character varying, character, name, citext, an enum, date or a timestamp type, and its collation must be deterministic.")));
}

/*
 * Raise an error for a column that is missing, named twice, nullable, or of a type that
 * a key cannot have.
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
							name, RelationGetRelationName(rel)),
					 errhint("Its columns are %s.", ColumnNames(RelationGetDescr(rel)))));
		if (bms_is_member(attnum, seen))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_COLUMN),
					 errmsg("key column \"%s\" is named more than once", name)));

		ObjectKeyCheckType(RelationGetDescr(rel), attnum);
		if (!column_is_not_null(RelationGetDescr(rel), attnum - 1))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("key column \"%s\" is not marked NOT NULL", name),
					 errhint("Use ALTER TABLE %s ALTER COLUMN %s SET NOT NULL.",
							 quote_identifier(RelationGetRelationName(rel)), quote_identifier(name))));
		seen = bms_add_member(seen, attnum);
	}
}

/*
 * Does the index guarantee uniqueness at any moment, not only at the end of a
 * transaction, and for all rows?
 */
static bool
is_unique_key(Relation index)
{
	Form_pg_index form = index->rd_index;

	return form->indisunique && form->indimmediate && form->indisvalid &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) &&
		heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, NULL);
}

/*
 * Does the index compare its columns as keys are compared?  For example, not one on
 * citext with the operator class of text.
 */
static bool
compares_keys(Relation rel, Relation index)
{
	if (index->rd_rel->relam != BTREE_AM_OID)
		return false;
	for (int i = 0; i < IndexRelationGetNumberOfKeyAttributes(index); i++)
	{
		int			at = index->rd_index->indkey.values[i] - 1;
		Oid			type = KeyType(TupleDescAttr(RelationGetDescr(rel), at)->atttypid);
		Oid			input = index->rd_opcintype[i];

		if (!OidIsValid(type) ||
			get_opfamily_member(index->rd_opfamily[i], input, input,
								BTEqualStrategyNumber) != KeyTypeEquality(type))
			return false;
	}
	return true;
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
 * Raises ERRCODE_FEATURE_NOT_SUPPORTED if there is none that references could use.  The
 * caller holds a lock on "rel".
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
				 errhint("Add a primary key that is not deferrable, or give the columns of a unique index as key_columns.")));
	return columns;
}

/*
 * ObjectKeyIsUnique
 *		Does the table have an index that guarantees, at any moment, that exactly these
 *		columns (char *) are unique?  The columns exist.  The index "without", which
 *		may be InvalidOid, does not count.
 *
 * The caller holds a lock on "rel".
 */
bool
ObjectKeyIsUnique(Relation rel, List *columns, Oid without)
{
	Bitmapset  *wanted = NULL;
	bool		found = false;
	ListCell   *lc;

	foreach(lc, columns)
		wanted = bms_add_member(wanted, get_attnum(RelationGetRelid(rel), lfirst(lc)));
	foreach(lc, RelationGetIndexList(rel))
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		found = found || (lfirst_oid(lc) != without && is_unique_key(index) &&
						  bms_equal(index_attributes(index), wanted) &&
						  compares_keys(rel, index));
		index_close(index, AccessShareLock);
	}
	return found;
}

/*
 * ObjectKeyCheck
 *		Raise an error unless the columns (char *) can be the key of "rel".
 *
 * ERRCODE_UNDEFINED_COLUMN, ERRCODE_DUPLICATE_COLUMN, or ERRCODE_FEATURE_NOT_SUPPORTED
 * if they are not unique, nullable, or of a type that a key cannot have.  The caller
 * holds a lock on "rel".
 */
void
ObjectKeyCheck(Relation rel, List *columns)
{
	check_key_columns(rel, columns);
	if (!ObjectKeyIsUnique(rel, columns, InvalidOid))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("relation \"%s\" has no unique constraint on exactly the key columns",
						RelationGetRelationName(rel)),
				 errhint("Create a unique index on exactly these columns that is neither partial nor deferrable and uses the default operator classes.")));
}

/*
 * ObjectKeyIsReadable
 *		Do the key columns of the type exist in its table, with types that keys can
 *		have?
 *
 * Their numbers come from a trigger of the table, which its owner can replace.
 */
bool
ObjectKeyIsReadable(const RegisteredType *type, TupleDesc tupdesc)
{
	if (type->nkeys < 1 || type->nkeys > INDEX_MAX_KEYS)
		return false;
	for (int i = 0; i < type->nkeys; i++)
	{
		AttrNumber	attnum = type->keys[i];

		if (attnum < 1 || attnum > tupdesc->natts ||
			TupleDescAttr(tupdesc, attnum - 1)->attisdropped ||
			!OidIsValid(KeyType(TupleDescAttr(tupdesc, attnum - 1)->atttypid)))
			return false;
	}
	return true;
}

/*
 * The attribute number of a key column of the type's table in "relid", which is that
 * table or one of its partitions.
 */
static AttrNumber
attribute_in(Oid relid, const RegisteredType *type, int key)
{
	char	   *name;
	AttrNumber	attnum;

	if (relid == type->relation)
		return type->keys[key];
	name = get_attname(type->relation, type->keys[key], true);
	attnum = name == NULL ? InvalidAttrNumber : get_attnum(relid, name);
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
	bool		isnull;
	Datum		value;

	if (attnum < 1 || attnum > tupdesc->natts)
		elog(ERROR, "invalid attribute number %d", attnum);
	ObjectKeyCheckType(tupdesc, attnum);
	value = heap_getattr(row, attnum, tupdesc, &isnull);
	if (isnull)
		return NULL;
	return KeyTypeText(ObjectKeyType(tupdesc, attnum), value);
}

/*
 * ObjectKeyAppendPart
 *		Append a part of a composite key, with "\" before each "," and "\".
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
 * ref(label, VARIADIC key)
 */
Datum
actstream_ref_from_parts(PG_FUNCTION_ARGS)
{
	text	   *label = PG_GETARG_TEXT_PP(0);
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(1);
	Datum	   *parts;
	bool	   *nulls;
	int			n;
	StringInfoData key;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &parts, &nulls, &n);
	initStringInfo(&key);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			PG_RETURN_NULL();
		if (i > 0)
			appendStringInfoChar(&key, ',');
		if (n > 1)
			ObjectKeyAppendPart(&key, TextDatumGetCString(parts[i]));
		else
			appendStringInfoString(&key, TextDatumGetCString(parts[i]));
	}
	PG_RETURN_REF_P(RefFromText(VARDATA_ANY(label), VARSIZE_ANY_EXHDR(label), key.data, key.len));
}

/* Append a part of a key, which may be composite. */
static void
append_part(StringInfo key, const RegisteredType *type, int i, const char *part)
{
	if (i > 0)
		appendStringInfoChar(key, ',');
	if (type->nkeys > 1)
		ObjectKeyAppendPart(key, part);
	else
		appendStringInfoString(key, part);
}

/*
 * Append the key of a row: the texts of the key columns, with commas between them.
 * Returns the name of a column that is null, else NULL.
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
		append_part(key, type, i, part);
	}
	return NULL;
}

/*
 * The reference to a row of "relid", the table of the type or a partition.
 *
 * Raises ERRCODE_NULL_VALUE_NOT_ALLOWED for a null in the key, and what
 * RefFromText() and RegistryRequireBound() raise.
 */
static Ref *
ref_of_row(const RegisteredType *type, Oid relid, HeapTuple row, TupleDesc tupdesc)
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
 *		The reference to a row of "relid", the table of the type or a partition; NULL if
 *		no reference can have its key: an empty one, one that is too long, or one with a
 *		null.
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
 *		The type in which a key column is compared.
 */
Oid
ObjectKeyType(TupleDesc tupdesc, AttrNumber attnum)
{
	return KeyType(TupleDescAttr(tupdesc, attnum - 1)->atttypid);
}

/*
 * ObjectKeyAppendCondition
 *		Append to a query the condition that the key columns of "x", an alias of the
 *		type's table, equal "other", a format for the number of each, from 1.
 */
void
ObjectKeyAppendCondition(StringInfo sql, const RegisteredType *type, TupleDesc tupdesc,
						 const char *other)
{
	for (int i = 0; i < type->nkeys; i++)
	{
		Form_pg_attribute att = TupleDescAttr(tupdesc, type->keys[i] - 1);

		if (i > 0)
			appendStringInfoString(sql, " AND ");
		KeyTypeAppendEquality(sql, att->atttypid,
							  psprintf("x.%s", quote_identifier(NameStr(att->attname))),
							  KeyType(att->atttypid), psprintf(other, i + 1));
	}
}

/*
 * ObjectKeyDiffers
 *		The condition, for the WHEN clause of a trigger, that a row gets another key:
 *		"NOT (OLD.a = NEW.a AND …)" for columns (char *) that could be a key and are
 *		not null.
 *
 * Not IS DISTINCT FROM, which looks up its operator in search_path, where a user could
 * replace it.
 */
char *
ObjectKeyDiffers(Oid relid, List *key_columns)
{
	StringInfoData condition;
	ListCell   *lc;

	initStringInfo(&condition);
	appendStringInfoString(&condition, "NOT (");
	foreach(lc, key_columns)
	{
		const char *column = quote_identifier(lfirst(lc));
		Oid			type = get_atttype(relid, get_attnum(relid, lfirst(lc)));

		if (foreach_current_index(lc) > 0)
			appendStringInfoString(&condition, " AND ");
		KeyTypeAppendEquality(&condition, type, psprintf("OLD.%s", column),
							  type, psprintf("NEW.%s", column));
	}
	appendStringInfoChar(&condition, ')');
	return condition.data;
}

/*
 * Cut the next part of a composite key off *rest, in place, and remove the backslashes
 * from it.  Returns NULL for an invalid backslash; sets *rest to NULL after the last
 * part.
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
 * ObjectKeySplit
 *		Split the key of "ref" into the texts of the key columns; false if it has
 *		another number of parts.  "parts" has room for INDEX_MAX_KEYS.
 */
bool
ObjectKeySplit(const RegisteredType *type, const Ref *ref, char **parts)
{
	char	   *rest = RefKeyText(ref);

	if (type->nkeys == 1)
	{
		parts[0] = rest;
		return true;
	}
	for (int i = 0; i < type->nkeys; i++)
	{
		parts[i] = rest == NULL ? NULL : next_key_part(&rest);
		if (parts[i] == NULL)
			return false;
	}
	return rest == NULL;
}

/*
 * ObjectKeyParse
 *		The values of the key columns of the row that "ref" names, in the types that
 *		ObjectKeyType() returns.
 *
 * Returns false if no row can have that key.  "tupdesc" is that of the type's table;
 * "values" has room for INDEX_MAX_KEYS.
 */
bool
ObjectKeyParse(const RegisteredType *type, TupleDesc tupdesc, const Ref *ref,
			   Datum *values)
{
	char	   *parts[INDEX_MAX_KEYS];

	if (!ObjectKeyIsReadable(type, tupdesc) || !ObjectKeySplit(type, ref, parts))
		return false;
	for (int i = 0; i < type->nkeys; i++)
	{
		if (!KeyTypeParse(ObjectKeyType(tupdesc, type->keys[i]), parts[i], &values[i]))
			return false;
	}
	return true;
}

/* The form of the type's key, for hints, such as "owner,name". */
static char *
key_form(const RegisteredType *type, TupleDesc tupdesc)
{
	StringInfoData form;

	initStringInfo(&form);
	for (int i = 0; i < type->nkeys; i++)
		appendStringInfo(&form, "%s%s", i > 0 ? "," : "",
						 NameStr(TupleDescAttr(tupdesc, type->keys[i] - 1)->attname));
	return form.data;
}

/* What is wrong with a part of a key that is not a value of the column's type. */
static char *
part_hint(Form_pg_attribute att, const char *part)
{
	const char *example = KeyTypeExample(KeyType(att->atttypid));

	if (example == NULL)
		return psprintf(_("Key column \"%s\" is of type %s, which has no value \"%s\"."),
						NameStr(att->attname), format_type_be(att->atttypid), part);
	return psprintf(_("Key column \"%s\" is of type %s; write its values as in \"%s\"."),
					NameStr(att->attname), format_type_be(att->atttypid), example);
}

/*
 * ObjectKeyHint
 *		A hint for the error that an object does not exist: how to write its key, if no
 *		row can have the key as it is written; else NULL.
 *
 * It discloses nothing about the rows of the table, whose descriptor "tupdesc" is.
 */
char *
ObjectKeyHint(const RegisteredType *type, TupleDesc tupdesc, const Ref *ref)
{
	char	   *parts[INDEX_MAX_KEYS];
	StringInfoData key;

	if (!ObjectKeyIsReadable(type, tupdesc))
		return NULL;
	if (!ObjectKeySplit(type, ref, parts))
		return psprintf(_("The key of \"%s\" has the form \"%s\". Write \"\\\" before each \",\" or \"\\\" within a part."),
						type->label, key_form(type, tupdesc));

	initStringInfo(&key);
	for (int i = 0; i < type->nkeys; i++)
	{
		char	   *part = KeyTypeCanonicalText(ObjectKeyType(tupdesc, type->keys[i]), parts[i]);

		if (part == NULL)
			return part_hint(TupleDescAttr(tupdesc, type->keys[i] - 1), parts[i]);
		append_part(&key, type, i, part);
	}
	if (strcmp(key.data, RefKeyText(ref)) == 0)
		return NULL;
	return psprintf(_("Write it as \"%s:%s\"."), type->label, key.data);
}

static bool
is_table(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	return relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE;
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
				 errmsg("argument is not a row of a table"),
				 errhint("Pass a whole row, as in: SELECT actstream.ref_of(u) FROM users u.")));
	/* we took no lock, which would have processed invalidations */
	AcceptInvalidationMessages();
	(void) OwnTableId(OWN_OBJECT_TYPES);
	type = RegistryLookupTable(relid);
	if (type == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("relation \"%s\" is not registered", get_rel_name(relid)),
				 is_table(relid) ?
				 errhint("Use actstream.register(), or actstream.ref() with a label and a key.") :
				 errhint("Use actstream.ref() with a label and a key.")));

	tupdesc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
									 HeapTupleHeaderGetTypMod(header));
	row.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&row.t_self);
	row.t_tableOid = InvalidOid;
	row.t_data = header;

	result = ref_of_row(type, relid, &row, tupdesc);
	ReleaseTupleDesc(tupdesc);
	PG_RETURN_REF_P(result);
}
