/*
 * incarnation.h
 *		Which history of which database transaction ids belong to.
 */
#ifndef ACTSTREAM_INCARNATION_H
#define ACTSTREAM_INCARNATION_H

extern int64 Incarnation(void);
extern int64 IncarnationElsewhere(void);

#endif							/* ACTSTREAM_INCARNATION_H */
