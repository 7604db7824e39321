/*
 * confine.h
 *		Confining the code of owners whose tables are read for somebody else.
 */
#ifndef ACTSTREAM_CONFINE_H
#define ACTSTREAM_CONFINE_H

#include "base/run_as.h"

typedef void (*ConfinedFunction) (void *arg);

extern void ConfineInit(void);
extern void Confine(Oid userid, RunAsMode mode, Oid owner, ConfinedFunction function, void *arg);

#endif							/* ACTSTREAM_CONFINE_H */
