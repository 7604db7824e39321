/*
 * confine.h
 *		Confining the code that belongs to tables which are read for somebody else.
 */
#ifndef ACTSTREAM_CONFINE_H
#define ACTSTREAM_CONFINE_H

extern void ConfineInit(void);

#endif							/* ACTSTREAM_CONFINE_H */
