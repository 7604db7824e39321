/*
 * action_plain.h
 *		Whether storing an action can fail.
 */
#ifndef ACTSTREAM_ACTION_PLAIN_H
#define ACTSTREAM_ACTION_PLAIN_H

extern bool ActionIdIfPlain(int64 *id);

#endif							/* ACTSTREAM_ACTION_PLAIN_H */
