/*
 * stream_sql.c
 *		Reading a stream by the SQL form of its function.
 *
 * Each stream function has a twin in plain SQL, of the same arguments, whose
 * name ends in "_sql".  It is run here row by row, by the current user, with
 * all that the executor checks.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "stream_sql.h"

#include "access/table.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

struct StreamSql
{
	FmgrInfo	function;
	ReturnSetInfo result;
	TupleDesc	tupdesc;
	TupleTableSlot *row;
	bool		done;
	FunctionCallInfo fcinfo;
	int			nargs;
};

/*
 * StreamSqlFunction
 *		The function that is the SQL form of a stream function.
 */
Oid
StreamSqlFunction(Oid function)
{
	int			nargs;
	Oid		   *argtypes;
	char	   *name = psprintf("%s_sql", get_func_name(function));

	(void) get_func_signature(function, &argtypes, &nargs);
	return LookupFuncName(list_make2(makeString(get_namespace_name(get_func_namespace(function))),
									 makeString(name)),
						  nargs, argtypes, false);
}

/*
 * StreamSqlCreate
 *		Prepare to run the SQL form of a stream function.
 *
 * It lives in the current memory context, until the end of which it has to be
 * ended.  What runs is stopped when "econtext" is rescanned or shut down.
 */
StreamSql *
StreamSqlCreate(Oid function, ExprContext *econtext)
{
	StreamSql  *sql = palloc0(sizeof(StreamSql));
	Oid			twin = StreamSqlFunction(function);
	AclResult	aclresult = object_aclcheck(ProcedureRelationId, twin, GetUserId(), ACL_EXECUTE);
	Relation	action = OwnTableOpen(ActionRelationId(), AccessShareLock);

	if (aclresult != ACLCHECK_OK)
		aclcheck_error(aclresult, OBJECT_FUNCTION, get_func_name(twin));
	sql->tupdesc = CreateTupleDescCopy(RelationGetDescr(action));
	table_close(action, NoLock);
	sql->row = MakeSingleTupleTableSlot(sql->tupdesc, &TTSOpsVirtual);

	fmgr_info(twin, &sql->function);
	sql->nargs = sql->function.fn_nargs;
	sql->result.type = T_ReturnSetInfo;
	sql->result.econtext = econtext;
	sql->result.expectedDesc = sql->tupdesc;
	/* SQL functions want the choice, and choose the first without preference */
	sql->result.allowedModes = SFRM_ValuePerCall | SFRM_Materialize;
	sql->fcinfo = palloc0(SizeForFunctionCallInfo(sql->nargs));
	InitFunctionCallInfoData(*sql->fcinfo, &sql->function, sql->nargs, InvalidOid,
							 NULL, (Node *) &sql->result);
	sql->done = true;
	return sql;
}

/*
 * StreamSqlBegin
 *		Begin to run the function.
 *
 * What "call" points to has to stay until the end.  The bounds of the call are
 * for its reader to keep: here nothing knows of them.
 */
void
StreamSqlBegin(StreamSql *sql, const StreamCall *call)
{
	for (int i = 0; i < sql->nargs; i++)
		sql->fcinfo->args[i] = call->args[i];
	sql->done = false;
}

/*
 * StreamSqlNext
 *		The next row, or NULL at the end.
 *
 * It has the columns of actstream.action, and is valid until the next call or
 * the reset of the current memory context.
 */
TupleTableSlot *
StreamSqlNext(StreamSql *sql)
{
	Datum		row;

	if (sql->done)
		return NULL;
	sql->fcinfo->isnull = false;
	sql->result.isDone = ExprSingleResult;
	sql->result.returnMode = SFRM_ValuePerCall;
	row = FunctionCallInvoke(sql->fcinfo);
	Assert(sql->result.returnMode == SFRM_ValuePerCall);
	if (sql->result.isDone != ExprMultipleResult)
	{
		sql->done = true;
		return NULL;
	}
	ExecStoreHeapTupleDatum(row, sql->row);
	return sql->row;
}

/*
 * StreamSqlEnd
 *		Release what is held here.
 */
void
StreamSqlEnd(StreamSql *sql)
{
	ExecDropSingleTupleTableSlot(sql->row);
}
