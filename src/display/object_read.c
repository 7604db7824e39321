/*
 * object_read.c
 *		Reading the rows that references name, as the current user sees them.
 *
 * All references of a type are read with one query, or few.  The names in a feed come from
 * tables that the reader of the feed has not chosen; any role may have registered them.
 * Code of the table's owner, such as index expressions, generated columns and casts, must
 * not run with the reader's rights.  So the query runs as the owner, confined, and
 * returns text; what the current user may read is checked here first.
 * Columns that the user may not read are not queried, so that no error discloses their
 * existence.
 *
 * Under row-level security, the query has to run as the current user, because policies
 * refer to the current user; but then it can only read, and leaves nothing behind.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/attempt.h"
#include "display/object_read.h"
#include "object/kept_query.h"
#include "object/object_key.h"
#include "object/object_row.h"
#include "object/owner_watch.h"
#include "object/table_role.h"
#include "object/table_warning.h"
#include "ref/ref_ops.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/rls.h"
#include "utils/syscache.h"

/* Compares references, and for equal references their positions. */
static int
compare_positions(const void *a, const void *b, void *arg)
{
	const Ref *const *refs = arg;
	int			i = *(const int *) a;
	int			j = *(const int *) b;
	int			result = RefCompare(refs[i], refs[j]);

	CHECK_FOR_INTERRUPTS();
	return result != 0 ? result : (i > j) - (i < j);
}

/*
 * ObjectBatches
 *		Group references by label: a list of ObjectBatch, in each of which the
 *		references are sorted.
 *
 * References that are NULL are in no batch.
 */
List *
ObjectBatches(const Ref *const *refs, int nrefs)
{
	List	   *result = NIL;
	ObjectBatch *batch = NULL;
	int		   *positions = palloc(sizeof(int) * Max(nrefs, 1));
	const Ref **sorted = palloc(sizeof(Ref *) * Max(nrefs, 1));
	int			n = 0;

	for (int i = 0; i < nrefs; i++)
	{
		if (refs[i] != NULL)
			positions[n++] = i;
	}
	if (n > 1)
		qsort_arg(positions, n, sizeof(int), compare_positions, (void *) refs);

	for (int i = 0; i < n; i++)
	{
		const Ref  *ref = refs[positions[i]];

		CHECK_FOR_INTERRUPTS();
		sorted[i] = ref;
		if (batch == NULL || !RefHasLabel(ref, batch->label, batch->label_len))
		{
			batch = palloc(sizeof(ObjectBatch));
			batch->label = VARDATA_ANY(ref);
			batch->label_len = RefLabelLength(ref);
			batch->nrefs = 0;
			batch->refs = &sorted[i];
			batch->positions = &positions[i];
			result = lappend(result, batch);
		}
		batch->nrefs++;
	}
	return result;
}

/* Is the reference the first of its equals in a sorted batch? */
static bool
is_first(const ObjectBatch *batch, int i)
{
	return i == 0 || RefCompare(batch->refs[i - 1], batch->refs[i]) != 0;
}

/* Remove from an array all nulls and repeated references.  Returns how many are left. */
static int
distinct_refs(const Ref **refs, int nrefs)
{
	bool	   *is_wanted = palloc0(sizeof(bool) * Max(nrefs, 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, ObjectBatches(refs, nrefs))
	{
		const ObjectBatch *batch = lfirst(lc);

		for (int i = 0; i < batch->nrefs; i++)
			is_wanted[batch->positions[i]] = is_first(batch, i);
	}
	for (int i = 0; i < nrefs; i++)
	{
		if (is_wanted[i])
			refs[n++] = refs[i];
	}
	return n;
}

/*
 * ObjectRefsOfArray
 *		The references in an array, each once, in their order; in the current memory
 *		context.  Nulls are not among them.
 */
const Ref **
ObjectRefsOfArray(ArrayType *array, int *nrefs)
{
	Datum	   *elements;
	bool	   *nulls;
	const Ref **refs;

	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_INT,
					  &elements, &nulls, nrefs);
	refs = palloc(sizeof(Ref *) * Max(*nrefs, 1));
	for (int i = 0; i < *nrefs; i++)
		refs[i] = nulls[i] ? NULL : DatumGetRefPP(elements[i]);
	*nrefs = distinct_refs(refs, *nrefs);
	return refs;
}

/* Look up the type of the batch; false unless it is bound to a table. */
static bool
find_type(RegisteredType *result, const ObjectBatch *batch)
{
	const RegisteredType *type = RegistryLookupLabel(batch->label, batch->label_len);

	if (type == NULL || type->nkeys == 0)
		return false;
	*result = *type;
	return true;
}

/* Warn that objects have no names because of the error. */
static void
warn(Oid relid, const ErrorData *error)
{
	char	   *name = get_rel_name(relid);

	/* it may be gone */
	if (name != NULL && TableWarnsStatement(relid))
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("could not read objects of relation \"%s\": %s", name, error->message),
				 error->detail != NULL ? errdetail("%s", error->detail) : 0,
				 error->hint != NULL ? errhint("%s", error->hint) : 0));
}

/* A table to lock, and its owner. */
typedef struct LockJob
{
	Oid			relid;
	Oid			owner;
} LockJob;

/* WatchedFunction */
static void
lock_table(void *arg)
{
	const LockJob *job = arg;

	LockRelationOid(job->relid, AccessShareLock);
}

/* AttemptFunction: wait for a lock on the table, unless that takes too long. */
static void
wait_for_table(void *arg)
{
	const LockJob *job = arg;

	if (!OwnerWatchMayWait(job->owner))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("could not obtain lock on relation \"%s\"", get_rel_name(job->relid))));
	OwnerWatch(job->owner, lock_table, arg);
}

/*
 * Take over a lock from the transaction, to which it belongs since the attempt has ended: else it could
 * not be released before the end of the transaction.
 */
static void
take_over_lock(Oid relid)
{
	ResourceOwner owner = CurrentResourceOwner;

	LockRelationOid(relid, AccessShareLock);
	CurrentResourceOwner = CurTransactionResourceOwner;
	UnlockRelationOid(relid, AccessShareLock);
	CurrentResourceOwner = owner;
}

/* Lock a table for reading, and warn if that fails.  Returns whether it is locked. */
static bool
lock_for_reading(LockJob *job)
{
	ErrorData  *error;

	if (ConditionalLockRelationOid(job->relid, AccessShareLock))
		return true;
	if (IsInParallelMode() || !row_security)
	{
		wait_for_table(job);
		return true;
	}
	error = Attempt(wait_for_table, job);
	if (error != NULL)
	{
		warn(job->relid, error);
		return false;
	}
	take_over_lock(job->relid);
	return true;
}

/* Open the table of an object type, locked for reading; NULL if there is none, or not in time. */
static Relation
open_table(Oid relid)
{
	LockJob		job = {.relid = relid};
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Relation	rel;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	job.owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	if (!lock_for_reading(&job))
		return NULL;
	rel = try_table_open(relid, NoLock);
	if (rel == NULL)
		UnlockRelationOid(relid, AccessShareLock);
	return rel;
}

/*
 * ObjectTableOpen
 *		Open the table of the batch's type; false if there is none.
 *
 * Raises no error, whatever is registered, and whatever rights the current user lacks.
 * The templates of the type are valid until the next look-up in the registry, or the
 * next query.
 */
bool
ObjectTableOpen(ObjectTable *table, const ObjectBatch *batch)
{
	bool		is_table;
	Oid			relid;

	/* we took no lock, which would have processed invalidations */
	AcceptInvalidationMessages();
	if (!find_type(&table->type, batch))
		return false;

	relid = table->type.relation;
	table->rel = open_table(relid);
	if (table->rel == NULL)
		return false;

	/* up to version 15, a rule can turn a table into a view */
	is_table = table->rel->rd_rel->relkind == RELKIND_RELATION ||
		table->rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;

	/* while we waited for the lock, its registration may have changed */
	if (!is_table || !find_type(&table->type, batch) || table->type.relation != relid ||
		!ObjectKeyIsReadable(&table->type, RelationGetDescr(table->rel)))
	{
		table_close(table->rel, AccessShareLock);
		return false;
	}
	table->has_policies = check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED;
	table->reader = table->has_policies ? GetUserId() : table->rel->rd_rel->relowner;
	return true;
}

/*
 * ObjectTableClose
 *		Close the table; what was read remains locked, as after any query.
 */
void
ObjectTableClose(ObjectTable *table)
{
	table_close(table->rel, AccessShareLock);
}

static bool
may_use_schema(Relation rel, Oid userid)
{
	return object_aclcheck(NamespaceRelationId, RelationGetNamespace(rel), userid,
						   ACL_USAGE) == ACLCHECK_OK;
}

static bool
may_select(Relation rel, AttrNumber attnum, Oid userid)
{
	Oid			relid = RelationGetRelid(rel);

	return pg_class_aclcheck(relid, userid, ACL_SELECT) == ACLCHECK_OK ||
		pg_attribute_aclcheck(relid, attnum, userid, ACL_SELECT) == ACLCHECK_OK;
}

/*
 * ObjectTableMayReadColumn
 *		Do privileges on the table or column let the current user read the column?
 *		Also false if the role that would read it may not.
 */
bool
ObjectTableMayReadColumn(const ObjectTable *table, AttrNumber attnum)
{
	return may_select(table->rel, attnum, GetUserId()) &&
		may_select(table->rel, attnum, table->reader);
}

/*
 * ObjectTableMayRead
 *		May the current user look for rows of the table by key?
 */
bool
ObjectTableMayRead(const ObjectTable *table)
{
	if (!may_use_schema(table->rel, GetUserId()) || !may_use_schema(table->rel, table->reader))
		return false;
	for (int i = 0; i < table->type.nkeys; i++)
	{
		if (!ObjectTableMayReadColumn(table, table->type.keys[i]))
			return false;
	}
	return true;
}

/*
 * The query for one row: SELECT 1, columns FROM table x WHERE key = $1 …, or for many:
 * SELECT n, columns FROM unnest($1) … WITH ORDINALITY k (k1 …, n) JOIN table x ON key =
 * k.k1 ….
 *
 * ONLY, as for checks of references: a row of an inheritance child is not one of the
 * table's.
 */
static char *
make_sql(const ObjectTable *table, const char *columns, bool many)
{
	int			nkeys = table->type.nkeys;
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s%s FROM ",
					 many ? "k.n" : "'1'::pg_catalog.int8", columns);
	if (many)
	{
		appendStringInfoString(&sql, "ROWS FROM (");
		for (int i = 1; i <= nkeys; i++)
			appendStringInfo(&sql, "%spg_catalog.unnest($%d)", i > 1 ? ", " : "", i);
		appendStringInfoString(&sql, ") WITH ORDINALITY AS k (");
		for (int i = 1; i <= nkeys; i++)
			appendStringInfo(&sql, "k%d, ", i);
		appendStringInfoString(&sql, "n) JOIN ");
	}
	appendStringInfo(&sql, "%s%s AS x %s ",
					 table->rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(table->rel)),
												RelationGetRelationName(table->rel)),
					 many ? "ON" : "WHERE");
	ObjectKeyAppendCondition(&sql, &table->type, RelationGetDescr(table->rel),
							 many ? "k.k%d" : "$%d");
	if (many && table->rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
	{
		/* says nothing new, but tells the planner in which partitions there is nothing to find */
		appendStringInfoString(&sql, " AND ");
		ObjectKeyAppendCondition(&sql, &table->type, RelationGetDescr(table->rel), "ANY ($%d)");
	}
	/* no plan is to serve for both: plans do not know whether forced policies are suspended */
	if (table->has_policies)
		appendStringInfoString(&sql, " -- with policies");
	return sql.data;
}

/* The types of the parameters of the query. */
static void
find_argtypes(const ObjectTable *table, bool many, Oid *argtypes)
{
	for (int i = 0; i < table->type.nkeys; i++)
	{
		Oid			type = ObjectKeyType(RelationGetDescr(table->rel), table->type.keys[i]);

		argtypes[i] = many ? get_array_type(type) : type;
	}
}

/*
 * The arguments of the query, and the positions of the references that they come from.
 * Returns their number; keys that no row can have are left out.
 */
static int
make_arguments(const ObjectTable *table, const ObjectBatch *batch, Datum *args,
			   int *positions)
{
	TupleDesc	tupdesc = RelationGetDescr(table->rel);
	int			nkeys = table->type.nkeys;
	Datum	   *columns = palloc(sizeof(Datum) * nkeys * batch->nrefs);
	int			n = 0;

	for (int i = 0; i < batch->nrefs; i++)
	{
		Datum		values[INDEX_MAX_KEYS];

		CHECK_FOR_INTERRUPTS();
		if (!ObjectKeyParse(&table->type, tupdesc, batch->refs[i], values))
			continue;
		for (int key = 0; key < nkeys; key++)
			columns[key * batch->nrefs + n] = values[key];
		positions[n++] = batch->positions[i];
	}

	for (int key = 0; key < nkeys; key++)
	{
		Datum	   *column = &columns[key * batch->nrefs];
		Oid			type = ObjectKeyType(tupdesc, table->type.keys[key]);
		int16		typlen;
		bool		typbyval;
		char		typalign;

		get_typlenbyvalalign(type, &typlen, &typbyval, &typalign);
		args[key] = batch->nrefs == 1 ? column[0] :
			PointerGetDatum(construct_array(column, n, type, typlen, typbyval, typalign));
	}
	return n;
}

/* A query to run, and what to do with its rows. */
typedef struct ReadJob
{
	const ObjectTable *table;
	TableQuestion question;
	uint64		nrows;			/* of the result */
	const int  *positions;		/* of the keys among the arguments */
	ObjectRowTaker take;
	void	   *arg;
	MemoryContext context;		/* for what is taken */
} ReadJob;

/* WatchedFunction: run the query as the role that reads the table. */
static void
run_query(void *arg)
{
	ReadJob    *job = arg;
	RunAs		before;

	TableRoleBegin(&before, job->table->rel, job->table->has_policies);
	job->nrows = KeptQueryExecute(&job->question);
	RunAsEnd(&before);
}

/* AttemptFunction: read the rows; SPI is connected. */
static void
read_rows(void *arg)
{
	ReadJob    *job = arg;
	MemoryContext oldcontext;

	OwnerWatch(job->table->rel->rd_rel->relowner, run_query, job);
	oldcontext = MemoryContextSwitchTo(job->context);
	for (uint64 i = 0; i < job->nrows; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	tupdesc = SPI_tuptable->tupdesc;
		bool		isnull;
		int64		n = DatumGetInt64(SPI_getbinval(row, tupdesc, 1, &isnull));

		CHECK_FOR_INTERRUPTS();
		job->take(job->arg, job->positions[n - 1], row, tupdesc);
	}
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Do what a ReadJob says.  If that fails, the rows that are not taken yet are left out, with a warning:
 * the owner of one table must not be able to break pages that are about other tables, too.
 *
 * Raises what Attempt() raises.  In parallel workers, where nothing can be attempted, and with
 * row_security = off, which asks for an error, it raises all errors.
 */
static void
attempt_rows(ReadJob *job)
{
	ErrorData  *error;

	if (IsInParallelMode() || !row_security)
	{
		read_rows(job);
		return;
	}
	error = Attempt(read_rows, job);
	if (error != NULL)
		warn(RelationGetRelid(job->table->rel), error);
}

/*
 * ObjectTableRead
 *		Read the rows that the references name, with one query, and pass each to
 *		"take".
 *
 * "columns" are the SQL expressions to read, each preceded by a comma, with qualified
 * names; "x" is the table.  Their types are core's, so that reading the result runs no
 * code of users.  The current user must have the right to read all columns in them, and
 * the key: see above.  "take" is called in the current memory context, in any order, for
 * each row that the user can see.
 */
void
ObjectTableRead(const ObjectTable *table, const ObjectBatch *batch, ReadPurpose purpose,
				const char *columns, ObjectRowTaker take, void *arg)
{
	bool		many = batch->nrefs > 1;
	Datum		args[INDEX_MAX_KEYS];
	Oid			argtypes[INDEX_MAX_KEYS];
	int		   *positions = palloc(sizeof(int) * batch->nrefs);
	ReadJob		job = {
		.table = table,
		.question = {
			.relation = RelationGetRelid(table->rel),
			.purpose = NUM_ROW_QUERIES + 2 * purpose + many,
			.nargs = table->type.nkeys, .argtypes = argtypes, .args = args, .read_only = true
		},
		.positions = positions, .take = take, .arg = arg, .context = CurrentMemoryContext
	};

	if (make_arguments(table, batch, args, positions) == 0)
		return;
	find_argtypes(table, many, argtypes);
	job.question.sql = make_sql(table, columns, many);

	SPI_connect();
	attempt_rows(&job);
	SPI_finish();
}
