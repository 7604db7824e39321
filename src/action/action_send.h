/*
 * action_send.h
 *		Sending an action.
 */
#ifndef ACTSTREAM_ACTION_SEND_H
#define ACTSTREAM_ACTION_SEND_H

#include "tables/own_tables.h"

#define VERB_MAX_CHARS 255

/*
 * A new action; the attribute number is the index + 1.  The id is not set: the table
 * assigns it.
 */
typedef struct NewAction
{
	Datum		values[Natts_action];
	bool		isnull[Natts_action];
} NewAction;

extern void NewActionInit(NewAction *action);
extern void NewActionSet(NewAction *action, AttrNumber attnum, Datum value);
extern void NewActionSetArg(NewAction *action, AttrNumber attnum,
							FunctionCallInfo fcinfo, int arg);
extern void ActionCheckVerb(Datum verb);
extern Datum ActionSend(NewAction *action, bool *isnull);
extern void ActionEmit(NewAction *action, Oid owner, const int64 *id);

#endif							/* ACTSTREAM_ACTION_SEND_H */
