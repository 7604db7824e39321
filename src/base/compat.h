/*
 * compat.h
 *		All differences between major versions of PostgreSQL that actstream has to
 *		handle.
 *
 * Every source file includes this after postgres.h.  The code is written against the
 * newest API, which the definitions here provide on older servers.
 */
#ifndef ACTSTREAM_COMPAT_H
#define ACTSTREAM_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "actstream needs PostgreSQL 15 or later"
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/*
 * 16: symbols of a library are hidden unless marked with PGDLLEXPORT, and
 * PG_FUNCTION_INFO_V1 marks the functions that can be called from SQL
 */
#if PG_VERSION_NUM < 160000
#include "fmgr.h"
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#undef PG_FUNCTION_INFO_V1
#define PG_FUNCTION_INFO_V1(name) \
	extern PGDLLEXPORT Datum name(PG_FUNCTION_ARGS); \
	extern PGDLLEXPORT const Pg_finfo_record *CppConcat(pg_finfo_, name) (void); \
	const Pg_finfo_record * \
	CppConcat(pg_finfo_, name) (void) \
	{ \
		static const Pg_finfo_record info = {1}; \
\
		return &info; \
	} \
	extern int	no_such_variable
#endif

/* 16: input functions can report an error without raising it */
#if PG_VERSION_NUM < 160000
#define ereturn(escontext, dummy_value, ...) \
	do { \
		(void) (escontext); \
		ereport(ERROR, __VA_ARGS__); \
		return dummy_value; \
	} while (0)
#endif

/*
 * 16: so can jsonb_in(): then jsonb_input() returns false.  Before, it raises the
 * error.
 */
#if PG_VERSION_NUM >= 160000
#include "fmgr.h"
#include "nodes/miscnodes.h"
#include "utils/fmgrprotos.h"
#define JSONB_INPUT_IS_SOFT true
static inline bool
jsonb_input(char *text, Datum *result)
{
	ErrorSaveContext escontext = {.type = T_ErrorSaveContext};

	return DirectInputFunctionCallSafe(jsonb_in, text, InvalidOid, -1, (Node *) &escontext,
									   result);
}
#else
#define JSONB_INPUT_IS_SOFT false
#define jsonb_input(text, result) \
	(*(result) = DirectFunctionCall1(jsonb_in, CStringGetDatum(text)), true)
#endif

/* 16: the set of outer joins that can make an expression null is no longer an argument */
#if PG_VERSION_NUM >= 160000
#define expression_pathkey(root, expr, opno, rel, create_it) \
	build_expression_pathkey(root, expr, opno, rel, create_it)
#else
#define expression_pathkey(root, expr, opno, rel, create_it) \
	build_expression_pathkey(root, expr, NULL, opno, rel, create_it)
#endif

/* 19: the hook that sees a relation before its paths are built has another name */
#if PG_VERSION_NUM >= 190000
#include "optimizer/pathnode.h"
#define get_relation_info_hook build_simple_rel_hook
#define get_relation_info_hook_type build_simple_rel_hook_type
#define RELATION_HOOK_ARGS PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte
#define RELATION_HOOK_VALUES root, rel, rte
#else
#define RELATION_HOOK_ARGS PlannerInfo *root, Oid relid, bool inhparent, RelOptInfo *rel
#define RELATION_HOOK_VALUES root, relid, inhparent, rel
#endif

/* 19: the planner's hook has one more argument */
#if PG_VERSION_NUM >= 190000
#define PLANNER_HOOK_ARGS Query *parse, const char *query_string, int cursorOptions, \
	ParamListInfo boundParams, ExplainState *es
#define PLANNER_HOOK_VALUES parse, query_string, cursorOptions, boundParams, es
#else
#define PLANNER_HOOK_ARGS Query *parse, const char *query_string, int cursorOptions, \
	ParamListInfo boundParams
#define PLANNER_HOOK_VALUES parse, query_string, cursorOptions, boundParams
#endif

/* 16: the privileges that a query needs are no longer in its range table entries */
#if PG_VERSION_NUM >= 160000
#include "parser/parse_relation.h"
static inline void
move_permissions(RangeTblEntry *rte, const Query *from, Query *to)
{
	if (rte->perminfoindex == 0)
		return;
	to->rteperminfos = lappend(to->rteperminfos,
							   copyObject(getRTEPermissionInfo(from->rteperminfos, rte)));
	rte->perminfoindex = list_length(to->rteperminfos);
}
#else
#define move_permissions(rte, from, to) ((void) (from), (void) (to))
#endif

/* 16: ownership and privileges are checked by the same functions for all objects */
#if PG_VERSION_NUM < 160000
#include "catalog/pg_namespace.h"
#define object_aclcheck(classid, objectid, roleid, mode) \
	((classid) == NamespaceRelationId ? \
	 pg_namespace_aclcheck(objectid, roleid, mode) : \
	 pg_proc_aclcheck(objectid, roleid, mode))
#define object_ownercheck(classid, objectid, roleid) \
	(AssertMacro((classid) == RelationRelationId), \
	 pg_class_ownercheck(objectid, roleid))
#endif

/* 16: all settings are returned as an array of one's own */
#include "utils/guc_tables.h"
static inline struct config_generic **
all_settings(int *n)
{
#if PG_VERSION_NUM >= 160000
	return get_guc_variables(n);
#else
	*n = GetNumConfigOptions();
	return get_guc_variables();
#endif
}

/* 19: what is particular to a type of setting is a member of all */
#if PG_VERSION_NUM >= 190000
#define bool_setting(setting) (&(setting)->_bool)
#define int_setting(setting) (&(setting)->_int)
#define real_setting(setting) (&(setting)->_real)
#else
#define bool_setting(setting) ((struct config_bool *) (setting))
#define int_setting(setting) ((struct config_int *) (setting))
#define real_setting(setting) ((struct config_real *) (setting))
#endif

/* 16: which privileges are checked is no longer said in the range table */
#include "nodes/plannodes.h"
static inline List *
checked_relations(const PlannedStmt *statement)
{
	List	   *result = NIL;
	ListCell   *lc;

#if PG_VERSION_NUM >= 160000
	foreach(lc, statement->permInfos)
		result = lappend_oid(result, lfirst_node(RTEPermissionInfo, lc)->relid);
#else
	foreach(lc, statement->rtable)
	{
		if (lfirst_node(RangeTblEntry, lc)->requiredPerms != 0)
			result = lappend_oid(result, lfirst_node(RangeTblEntry, lc)->relid);
	}
#endif
	return result;
}

/* 18: what is not to be used is no longer a matter of costs */
#if PG_VERSION_NUM >= 180000
#define disable_path(path) ((path)->disabled_nodes++)
#else
#include "optimizer/cost.h"
#define disable_path(path) \
	((path)->startup_cost += disable_cost, (path)->total_cost += disable_cost)
#endif

/* 16: files of relations have another name */
#if PG_VERSION_NUM < 160000
#define rd_firstRelfilelocatorSubid rd_firstRelfilenodeSubid
#endif

/* 17: shared memory can be made late; 19: its init callback has one more argument */
#define HAVE_NAMED_SEGMENTS (PG_VERSION_NUM >= 170000)
#if PG_VERSION_NUM >= 190000
#include "storage/dsm_registry.h"
#define NAMED_SEGMENT_INIT_ARGS void *segment, void *arg
#define named_segment(name, size, init, found) GetNamedDSMSegment(name, size, init, found, NULL)
#elif PG_VERSION_NUM >= 170000
#include "storage/dsm_registry.h"
#define NAMED_SEGMENT_INIT_ARGS void *segment
#define named_segment(name, size, init, found) GetNamedDSMSegment(name, size, init, found)
#else
#define NAMED_SEGMENT_INIT_ARGS void *segment
#define named_segment(name, size, init, found) ((void) (init), *(found) = false, NULL)
#endif

/* 19: arguments say which transactions count */
#if PG_VERSION_NUM >= 190000
#define oldest_active_transaction() GetOldestActiveTransactionId(false, false)
#else
#define oldest_active_transaction() GetOldestActiveTransactionId()
#endif

/* 17: the number of a process is in a variable */
#if PG_VERSION_NUM < 170000
#include "storage/proc.h"
#define MyProcNumber (MyProc->pgprocno)
#endif

/* 17: old_snapshot_threshold is gone: what a snapshot sees is never removed */
#if PG_VERSION_NUM >= 170000
#define snapshots_grow_too_old() false
#else
#include "utils/snapmgr.h"
#define snapshots_grow_too_old() (old_snapshot_threshold >= 0)
#endif

/* 18: an index scan can count its searches for EXPLAIN; 19: scans have flags */
#if PG_VERSION_NUM >= 190000
#define begin_index_scan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0, SO_NONE)
#elif PG_VERSION_NUM >= 180000
#define begin_index_scan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, NULL, nkeys, 0)
#else
#define begin_index_scan(heap, index, snapshot, nkeys) \
	index_beginscan(heap, index, snapshot, nkeys, 0)
#endif
#if PG_VERSION_NUM >= 190000
#define begin_table_scan(rel, snapshot) table_beginscan(rel, snapshot, 0, NULL, SO_NONE)
#else
#define begin_table_scan(rel, snapshot) table_beginscan(rel, snapshot, 0, NULL)
#endif
#if PG_VERSION_NUM >= 190000
#define begin_index_fetch(heap) table_index_fetch_begin(heap, SO_NONE)
#else
#define begin_index_fetch(heap) table_index_fetch_begin(heap)
#endif

/* 19: a slot can be told that its rows satisfy the constraints of the table */
#if PG_VERSION_NUM >= 190000
#define init_scan_slot(estate, node, tupdesc, ops) \
	ExecInitScanTupleSlot(estate, node, tupdesc, ops, 0)
#else
#define init_scan_slot(estate, node, tupdesc, ops) \
	ExecInitScanTupleSlot(estate, node, tupdesc, ops)
#endif

/* 19: fewer arguments to ask whether conditions select at most one row of a relation */
#if PG_VERSION_NUM >= 190000
#define is_single_row(root, rel) relation_has_unique_index_for(root, rel, NIL, NULL)
#else
#define is_single_row(root, rel) relation_has_unique_index_for(root, rel, NIL, NIL, NIL)
#endif

/* 16: rows of other tables may be locked, too */
#if PG_VERSION_NUM >= 160000
#define init_epq_state(epqstate, estate) EvalPlanQualInit(epqstate, estate, NULL, NIL, -1, NIL)
#else
#define init_epq_state(epqstate, estate) EvalPlanQualInit(epqstate, estate, NULL, NIL, -1)
#endif

/* 18: the functions that print properties in EXPLAIN have their own header */
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#endif

/* 19: the state of building a value includes the value */
#if PG_VERSION_NUM < 190000
#include "utils/jsonb.h"
typedef struct JsonbInState
{
	JsonbValue *result;
	JsonbParseState *parse;
} JsonbInState;

#define pushJsonbValue(state, token, value) \
	((void) ((state)->result = (pushJsonbValue) (&(state)->parse, token, value)))
#endif

/* 19: overflow is reported as a soft error, like others */
#if PG_VERSION_NUM >= 190000
#include "nodes/miscnodes.h"
#include "utils/date.h"
#include "utils/timestamp.h"
static inline TimestampTz
date2timestamptz_opt_overflow(DateADT value, int *overflow)
{
	ErrorSaveContext escontext = {.type = T_ErrorSaveContext};
	TimestampTz result = date2timestamptz_safe(value, (Node *) &escontext);

	*overflow = escontext.error_occurred;
	return result;
}

static inline TimestampTz
timestamp2timestamptz_opt_overflow(Timestamp value, int *overflow)
{
	ErrorSaveContext escontext = {.type = T_ErrorSaveContext};
	TimestampTz result = timestamp2timestamptz_safe(value, (Node *) &escontext);

	*overflow = escontext.error_occurred;
	return result;
}
#endif

/* 19: headers include fewer others */
#if PG_VERSION_NUM >= 190000
#include "utils/tuplestore.h"
#endif

/* 17: the table is passed open */
#if PG_VERSION_NUM >= 170000
#define identity_sequence(rel, attnum) getIdentitySequence(rel, attnum, true)
#else
#define identity_sequence(rel, attnum) getIdentitySequence(RelationGetRelid(rel), attnum, true)
#endif

/* 18: a generated column can be virtual, that is computed when read */
#if PG_VERSION_NUM >= 180000
#define has_virtual_columns(rel) \
	(RelationGetDescr(rel)->constr != NULL && RelationGetDescr(rel)->constr->has_generated_virtual)
#else
#define has_virtual_columns(rel) ((void) (rel), false)
#endif

/* 18: can also return a deferrable primary key */
#if PG_VERSION_NUM >= 180000
#define primary_key_index(rel) RelationGetPrimaryKeyIndex(rel, false)
#else
#define primary_key_index(rel) RelationGetPrimaryKeyIndex(rel)
#endif

/* 18: a NOT NULL constraint can be NOT VALID */
#if PG_VERSION_NUM >= 180000
#define column_is_not_null(tupdesc, i) \
	(TupleDescCompactAttr(tupdesc, i)->attnullability == ATTNULLABLE_VALID)
#else
#define column_is_not_null(tupdesc, i) (TupleDescAttr(tupdesc, i)->attnotnull)
#endif

/* 16: ALTER TABLE subcommands that recurse to children have no subtype of their own */
#if PG_VERSION_NUM >= 160000
#define is_drop_column(cmd) ((cmd)->subtype == AT_DropColumn)
#else
#define is_drop_column(cmd) \
	((cmd)->subtype == AT_DropColumn || (cmd)->subtype == AT_DropColumnRecurse)
#endif

/* 18: triggers in C see virtual generated columns as null */
#if PG_VERSION_NUM >= 180000
#define column_is_virtual(tupdesc, i) \
	(TupleDescAttr(tupdesc, i)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
#define expand_virtual_columns(expr, rel, varno) expand_generated_columns_in_expr(expr, rel, varno)
#else
#define column_is_virtual(tupdesc, i) ((void) (tupdesc), (void) (i), false)
#define expand_virtual_columns(expr, rel, varno) (expr)
#endif

#endif							/* ACTSTREAM_COMPAT_H */
