/*
 * source.h
 *		The objects whose actions a stream shows.
 */
#ifndef ACTSTREAM_SOURCE_H
#define ACTSTREAM_SOURCE_H

#include "datatype/timestamp.h"
#include "executor/tuptable.h"
#include "ref.h"
#include "stream_index.h"
#include "utils/array.h"
#include "utils/snapshot.h"

/* a set of roles: bits 1 << ACTION_BY_… */
typedef uint8 RoleSet;

#define ROLE_BIT(role)	((RoleSet) (1 << (role)))
#define ALL_ROLES		((RoleSet) (ROLE_BIT(NUM_ACTION_ROLES) - 1))

/* An object, and which of the actions are shown that it plays a role in. */
typedef struct Source
{
	Ref		   *object;
	TimestampTz since_actor;	/* the oldest to show where it is the actor */
	TimestampTz since_other;	/* and where it is something else */
	RoleSet		roles;
} Source;

/* Sources, in the order of their objects, each object once. */
typedef struct SourceSet
{
	MemoryContext context;		/* of all that it points to */
	Source	   *sources;
	int			n;
	int			capacity;
	char	   *space;			/* for references: what is left of a block */
	Size		space_left;
} SourceSet;

extern void SourceSetInit(SourceSet *set, MemoryContext context);
extern void SourceSetAdd(SourceSet *set, Ref *object, RoleSet roles);
extern void SourceSetAddArray(SourceSet *set, ArrayType *objects, RoleSet roles);
extern void SourceSetAddFollows(SourceSet *set, Relation follow, Oid index,
								Snapshot snapshot, Ref *follower,
								const text *flag, bool since_follow);
extern int	SourceSetCountLists(const SourceSet *set);
extern bool SourceSetShows(const SourceSet *set, TupleTableSlot *action);

/* the oldest action to show of those where the source plays the role */
static inline TimestampTz
SourceSince(const Source *source, ActionIndex role)
{
	return role == ACTION_BY_ACTOR ? source->since_actor : source->since_other;
}

#endif							/* ACTSTREAM_SOURCE_H */
