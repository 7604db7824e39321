/*
 * sql_function.c
 *		Functions in SQL that the planner puts in place of their calls.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/sql_function.h"

#include "access/htup_details.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"

/*
 * SqlFunctionIsInlinable
 *		Is the function still as it was created, so that its body may be put in place of a call?
 *
 * Its owner may have changed how it is to be executed.
 */
bool
SqlFunctionIsInlinable(HeapTuple proc)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(proc);

	return form->prolang == SQLlanguageId && !form->prosecdef && !form->proisstrict &&
		form->provolatile != PROVOLATILE_VOLATILE &&
		heap_attisnull(proc, Anum_pg_proc_proconfig, NULL) &&
		heap_attisnull(proc, Anum_pg_proc_prosqlbody, NULL);
}
