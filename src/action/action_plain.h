/*
 * action_plain.h
 *		Whether the table of actions can refuse an action.
 */
#ifndef ACTSTREAM_ACTION_PLAIN_H
#define ACTSTREAM_ACTION_PLAIN_H

extern bool ActionIdIfPlain(int64 *id);

#endif							/* ACTSTREAM_ACTION_PLAIN_H */
