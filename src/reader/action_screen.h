/*
 * action_screen.h
 *		What actions refer to, seen on the pages of their table.
 */
#ifndef ACTSTREAM_ACTION_SCREEN_H
#define ACTSTREAM_ACTION_SCREEN_H

#include "reader/action_chunk.h"
#include "ref/ref.h"
#include "tables/table_index.h"

#include "executor/tuptable.h"
#include "utils/relcache.h"

/* What is to be known of an action to tell whether a stream shows it. */
typedef struct ActionRefs
{
	const Ref  *objects[NUM_ACTION_ROLES];	/* by role; NULL if there is none */
	TimestampTz timestamp;
} ActionRefs;

/* Whether an action is wanted.  Only computes: it may lie on a locked page. */
typedef bool (*ActionFilter) (void *arg, const ActionRefs *action);

extern int	ActionScreen(Relation action, ActionEntry *entries, int n,
						 ActionFilter filter, void *arg);
extern bool ActionHasLabel(const ActionRefs *action, const char *label, int label_len);
extern bool ActionRowPasses(TupleTableSlot *row, ActionFilter filter, void *arg);

#endif							/* ACTSTREAM_ACTION_SCREEN_H */
