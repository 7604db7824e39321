/*
 * confine.h
 *		Confining what belongs to tables that are read for somebody else.
 */
#ifndef ACTSTREAM_CONFINE_H
#define ACTSTREAM_CONFINE_H

extern void ConfineInit(void);
extern void ConfineFor(Oid owner);

#endif							/* ACTSTREAM_CONFINE_H */
