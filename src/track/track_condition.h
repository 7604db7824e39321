/*
 * track_condition.h
 *		Conditions of tracking triggers.
 */
#ifndef ACTSTREAM_TRACK_CONDITION_H
#define ACTSTREAM_TRACK_CONDITION_H

#include "nodes/nodes.h"
#include "utils/relcache.h"

extern Node *TrackConditionParse(const char *condition);
extern void TrackConditionCheck(Relation rel, Node *condition, char *text);
extern char *TrackConditionText(Relation rel, Node *condition);
extern bool TrackConditionIs(Relation rel, char *stored, Node *parsed);

#endif							/* ACTSTREAM_TRACK_CONDITION_H */
