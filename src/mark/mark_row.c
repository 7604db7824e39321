/*
 * mark_row.c
 *		Marks: the rules that their rows must obey, and how they are compared with actions.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/sql_function.h"
#include "mark/mark_row.h"
#include "object/integrity.h"
#include "tables/own_trigger.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "optimizer/planmain.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* With a reference of maximum length, it must fit into an entry of the primary key. */
#define FEED_MAX_BYTES 255

PG_FUNCTION_INFO_V1(actstream_is_marked);
PG_FUNCTION_INFO_V1(actstream_mark_check);
PG_FUNCTION_INFO_V1(actstream_notifications_support);

/*
 * MarkPlace
 *		Set *place to that of a cursor; false if it is null.
 *
 * Raises ERRCODE_INVALID_PARAMETER_VALUE if it is no cursor.
 */
bool
MarkPlace(Datum cursor, char isnull, ActionPlace *place)
{
	if (isnull == 'n')
		return false;
	*place = ActionPlaceFromText(TextDatumGetCString(cursor));
	return true;
}

/*
 * is_marked("timestamp", id, mark) RETURNS boolean
 *		Is the place not above the mark?
 */
Datum
actstream_is_marked(PG_FUNCTION_ARGS)
{
	ActionPlace place = {PG_GETARG_TIMESTAMPTZ(0), PG_GETARG_INT64(1)};
	ActionPlace mark = ActionPlaceFromText(text_to_cstring(PG_GETARG_TEXT_PP(2)));

	PG_RETURN_BOOL(ActionPlaceCompare(&place, &mark) <= 0);
}

/*
 * MarkCheckFeed
 *		Raise ERRCODE_PROGRAM_LIMIT_EXCEEDED if the name of a feed is too long for an index.
 */
void
MarkCheckFeed(Datum feed)
{
	int			nbytes = VARSIZE_ANY_EXHDR(DatumGetTextPP(feed));

	if (nbytes > FEED_MAX_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("name of feed is too long"),
				 errdetail("The name has %d bytes; the limit is %d.", nbytes, FEED_MAX_BYTES),
				 errhint("A feed is a name of your choice for a list of notifications, such as \"mail\".")));
}

/*
 * MarkFeedArg
 *		The argument of a function that is the name of a feed.  Null stands for the empty name,
 *		as in notices().
 */
Datum
MarkFeedArg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? PointerGetDatum(cstring_to_text("")) : PG_GETARG_DATUM(arg);
}

/* Raise an error unless the column is null or a cursor. */
static void
check_cursor(HeapTuple row, TupleDesc tupdesc, AttrNumber column)
{
	char	   *cursor = OwnRowText(row, tupdesc, column);

	if (cursor != NULL)
		(void) ActionPlaceFromText(cursor);
}

/*
 * Trigger mark_check AFTER INSERT OR UPDATE ON actstream.marks, for each row: the row must be
 * valid, and its reader must exist.
 */
Datum
actstream_mark_check(PG_FUNCTION_ARGS)
{
	static const AttrNumber columns[] = {Anum_mark_reader};
	TupleDesc	tupdesc;
	TriggerData *trigdata = OwnTriggerData(fcinfo, OWN_MARKS, &tupdesc);
	HeapTuple	old;
	HeapTuple	row = IntegrityTriggerRow(trigdata, &old);
	bool		isnull;
	Datum		feed = heap_getattr(row, Anum_mark_feed, tupdesc, &isnull);

	/* null only if the table's owner has dropped the constraint */
	if (!isnull)
		MarkCheckFeed(feed);
	check_cursor(row, tupdesc, Anum_mark_seen);
	check_cursor(row, tupdesc, Anum_mark_read);
	IntegrityCheckRow(trigdata, OWN_MARKS, tupdesc, row, old, columns, lengthof(columns));
	return PointerGetDatum(NULL);
}

/* A call of the internal function with that name and the arguments of notifications(). */
static Node *
replace_call(const FuncExpr *call, const char *name)
{
	FuncExpr   *result = copyObject((FuncExpr *) call);
	Oid			argtypes[] = {RefTypeId(), TEXTOID, TEXTOID, TEXTOID, TEXTOID};

	result->funcid = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
									 PointerGetDatum(buildoidvector(argtypes, lengthof(argtypes))),
									 ObjectIdGetDatum(OwnInternalSchema()));
	if (!OidIsValid(result->funcid))
		return NULL;
	OwnTablesRequireOf(result->funcid);
	result->args = list_delete_nth_cell(result->args, 3);
	return (Node *) result;
}

/* May a call of the function be replaced, for the current user? */
static bool
is_replaceable(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	result = SqlFunctionIsInlinable(tuple) && !FmgrHookIsNeeded(function) &&
		object_aclcheck(ProcedureRelationId, function, GetUserId(), ACL_EXECUTE) == ACLCHECK_OK;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * notifications_support(internal) RETURNS internal
 *		Support function of notifications(): replaces a call by one of a function that reads
 *		the stream, or of one that reads the archive.
 *
 * A plan in which both are possible could not be in the order that the query wants.
 *
 * Whether the call itself is allowed is not asked for any more once it is replaced, so that
 * must be known here, and the plan is for the current user alone, until a GRANT or REVOKE.
 */
Datum
actstream_notifications_support(PG_FUNCTION_ARGS)
{
	SupportRequestSimplify *request = (SupportRequestSimplify *) PG_GETARG_POINTER(0);
	Const	   *archived;

	if (!IsA(request, SupportRequestSimplify) || request->root == NULL ||
		list_length(request->fcall->args) != 6)
		PG_RETURN_POINTER(NULL);
	archived = lfourth(request->fcall->args);
	if (!IsA(archived, Const) || !is_replaceable(request->fcall->funcid))
		PG_RETURN_POINTER(NULL);
	request->root->glob->dependsOnRole = true;
	record_plan_function_dependency(request->root, request->fcall->funcid);
	PG_RETURN_POINTER(replace_call(request->fcall,
								   !archived->constisnull && DatumGetBool(archived->constvalue) ?
								   "archived_notifications" : "current_notifications"));
}
