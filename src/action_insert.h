/*
 * action_insert.h
 *		Storing one action without a statement.
 */
#ifndef ACTSTREAM_ACTION_INSERT_H
#define ACTSTREAM_ACTION_INSERT_H

#include "action.h"

extern bool ActionInsert(NewAction *action, Datum *row);
extern bool ActionInsertIsPlain(void);

#endif							/* ACTSTREAM_ACTION_INSERT_H */
