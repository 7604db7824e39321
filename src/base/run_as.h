/*
 * run_as.h
 *		Running something as another role, or with fewer rights.
 */
#ifndef ACTSTREAM_RUN_AS_H
#define ACTSTREAM_RUN_AS_H

/* Who ran before; see RunAsBegin(). */
typedef struct RunAs
{
	Oid			userid;
	int			sec_context;
	int			guc_level;		/* of the settings since; 0 if they are left alone */
	bool		read_only;
} RunAs;

/* What the role is restricted to. */
typedef enum RunAsMode
{
	RUN_AS_RESTRICTED,			/* leaves nothing behind for the session's user */
	RUN_AS_READER,				/* that, under policies, and writes nothing */
	RUN_AS_CASCADE				/* of the user's own DML, as a foreign key's */
} RunAsMode;

extern void RunAsBegin(RunAs *before, Oid userid, RunAsMode mode);
extern void RunAsEnd(const RunAs *before);
extern Oid	TableOwner(Oid relid);

#endif							/* ACTSTREAM_RUN_AS_H */
