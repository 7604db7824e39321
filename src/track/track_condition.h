/*
 * track_condition.h
 *		Conditions of tracking triggers.
 */
#ifndef ACTSTREAM_TRACK_CONDITION_H
#define ACTSTREAM_TRACK_CONDITION_H

#include "nodes/nodes.h"
#include "utils/relcache.h"

typedef enum ConditionMatch
{
	CONDITION_DIFFERS,
	CONDITION_DUMPED,			/* a dump may have made it of the other */
	CONDITION_SAME
} ConditionMatch;

extern Node *TrackConditionParse(const char *condition);
extern void TrackConditionCheck(Relation rel, Node *condition, char *text);
extern char *TrackConditionTryText(Relation rel, const char *stored, ErrorData **error);
extern ConditionMatch TrackConditionCompare(Relation rel, const char *stored, Node *parsed,
											const char *text);

#endif							/* ACTSTREAM_TRACK_CONDITION_H */
