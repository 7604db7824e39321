/*
 * track_triggers.h
 *		The triggers that track() has made, read from the catalog.
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
	bool		is_clone;		/* is it one that PostgreSQL cloned for a partition? */
	bool		is_move;		/* the trigger that notices moved rows, not a tracking
								 * one */
	int16		type;			/* TRIGGER_TYPE_... */
	char		enabled;		/* TRIGGER_FIRES_... or TRIGGER_DISABLED */
	int			ncolumns;		/* of UPDATE OF; track() gives none */
	char	   *condition;		/* expression tree as text; NULL if there is none */
	int			nargs;
	char	  **args;
} TrackTrigger;

extern List *TrackTriggers(Oid relid);
extern const TrackTrigger *TrackMoveTrigger(Relation rel);
extern bool TrackTriggerIsEnabled(const TrackTrigger *trigger);
extern char *TrackTriggerProblem(Relation rel, const TrackTrigger *trigger);

#endif							/* ACTSTREAM_TRACK_TRIGGERS_H */
