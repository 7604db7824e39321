/*
 * rel_hook.c
 *		A module that hears of every relation that the planner looks for paths of,
 *		and says so in the server's log.
 */
#include "postgres.h"

#include "fmgr.h"
#include "optimizer/paths.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

static set_rel_pathlist_hook_type next_set_rel_pathlist_hook = NULL;

static void
log_relation(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	if (next_set_rel_pathlist_hook)
		next_set_rel_pathlist_hook(root, rel, rti, rte);
	ereport(LOG, (errmsg_internal("paths of \"%s\"", rte->eref->aliasname)));
}

void
_PG_init(void)
{
	next_set_rel_pathlist_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = log_relation;
}
