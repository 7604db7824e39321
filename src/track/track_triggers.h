/*
 * track_triggers.h
 *		The triggers that track() has made, as the catalog has them.
 */
#ifndef ACTSTREAM_TRACK_TRIGGERS_H
#define ACTSTREAM_TRACK_TRIGGERS_H

#include "nodes/pg_list.h"
#include "utils/relcache.h"

typedef struct TrackTrigger
{
	Oid			oid;
	Oid			relation;
	char	   *name;
	bool		is_clone;		/* for a partition, of one of the partitioned table */
	bool		is_move;		/* the one that notices moved rows, not a tracking one */
	int16		type;			/* TRIGGER_TYPE_... */
	char		enabled;
	char	   *condition;		/* expression tree as text; NULL if there is none */
	int			nargs;
	char	  **args;
} TrackTrigger;

extern List *TrackTriggers(Oid relid);
extern char *TrackTriggerProblem(Relation rel, const TrackTrigger *trigger);

#endif							/* ACTSTREAM_TRACK_TRIGGERS_H */
