/*
 * mark_actions.h
 *		Exceptions from marks: notifications that are read, unread, archived or snoozed one by
 *		one.
 */
#ifndef ACTSTREAM_MARK_ACTIONS_H
#define ACTSTREAM_MARK_ACTIONS_H

extern int64 MarkActions(const Datum *values, const char *nulls, Datum actions, bool read);

#endif							/* ACTSTREAM_MARK_ACTIONS_H */
