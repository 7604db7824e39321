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
	bool		is_constraint;	/* CREATE CONSTRAINT TRIGGER; nor does it make such */
	char	   *condition;		/* expression tree as text; NULL if there is none */
	int			nargs;
	char	  **args;
	bool		was_printed;	/* is the next one known? */
	char	   *text;			/* of the condition, see track_triggers.c */
} TrackTrigger;

extern List *TrackTriggers(Oid relid);
extern TrackTrigger *TrackMoveTrigger(List *triggers);
extern bool TrackTriggerIsEnabled(const TrackTrigger *trigger);
extern bool TrackTriggerFires(const TrackTrigger *trigger);
extern char *TrackTriggerProblem(Relation rel, TrackTrigger *trigger, List *triggers);

#endif							/* ACTSTREAM_TRACK_TRIGGERS_H */
