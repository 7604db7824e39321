/*
 * run_as.h
 *		Running something as another role.
 */
#ifndef ACTSTREAM_RUN_AS_H
#define ACTSTREAM_RUN_AS_H

/* Who ran before; see RunAsBegin(). */
typedef struct RunAs
{
	Oid			userid;
	int			sec_context;
} RunAs;

/* What the role is restricted to. */
typedef enum RunAsMode
{
	RUN_AS_RESTRICTED,			/* leaves nothing behind for the session's user */
	RUN_AS_CASCADE				/* of the user's own DML, as a foreign key's */
} RunAsMode;

extern void RunAsBegin(RunAs *before, Oid userid, RunAsMode mode);
extern void RunAsEnd(const RunAs *before);

#endif							/* ACTSTREAM_RUN_AS_H */
