/*
 * doorbell.h
 *		Telling a background worker that actions have changed.
 */
#ifndef ACTSTREAM_DOORBELL_H
#define ACTSTREAM_DOORBELL_H

extern void DoorbellInit(void);
extern void DoorbellNote(void);

#endif							/* ACTSTREAM_DOORBELL_H */
