/*
 * action_screen.h
 *		Filtering actions by what they refer to, on the pages of their table.
 */
#ifndef ACTSTREAM_ACTION_SCREEN_H
#define ACTSTREAM_ACTION_SCREEN_H

#include "reader/action_chunk.h"
#include "ref/ref.h"
#include "tables/table_index.h"

#include "executor/tuptable.h"
#include "utils/relcache.h"

/* What decides whether a stream shows an action. */
typedef struct ActionRefs
{
	const Ref  *objects[NUM_ACTION_ROLES];	/* by role; NULL if there is none */
	const text *verb;			/* likewise */
	TimestampTz timestamp;
} ActionRefs;

/*
 * Is the action wanted?  The function only computes: the action may be on a locked
 * page.
 */
typedef bool (*ActionFilter) (void *arg, const ActionRefs *action);

extern int	ActionScreen(Relation action, ActionEntry *entries, int n,
						 ActionFilter filter, void *arg);
extern bool ActionHasLabel(const ActionRefs *action, const char *label, int label_len);
extern bool ActionRowPasses(TupleTableSlot *row, ActionFilter filter, void *arg);

#endif							/* ACTSTREAM_ACTION_SCREEN_H */
