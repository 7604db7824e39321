/*
 * run_as.h
 *		Running code as another role, or with fewer rights.
 */
#ifndef ACTSTREAM_RUN_AS_H
#define ACTSTREAM_RUN_AS_H

/*
 * In the security context, none of PostgreSQL's flags, but kept, restored after errors, and passed on
 * to functions with SECURITY DEFINER and to parallel workers, as these are.
 */
#define SECURITY_CONFINED	0x40000000

/* What RunAsEnd() restores. */
typedef struct RunAs
{
	Oid			userid;
	int			sec_context;
	int			guc_level;		/* nesting level of settings; 0: none was begun */
	bool		read_only;
} RunAs;

/* How the code is restricted. */
typedef enum RunAsMode
{
	RUN_AS_RESTRICTED,			/* leaves nothing behind for the session user */
	RUN_AS_LOOKUP,				/* the same, and is confined: see confine.c */
	RUN_AS_OWNER,				/* the same as RUN_AS_RESTRICTED, but obeys forced policies */
	RUN_AS_READER,				/* the same, but obeys policies and is read only */
	RUN_AS_CONFINED_READER,		/* the same as RUN_AS_READER, and is confined */
	RUN_AS_CASCADE				/* like a foreign key's action on the user's own DML */
} RunAsMode;

extern void RunAsBegin(RunAs *before, Oid userid, RunAsMode mode);
extern void RunAsEnd(const RunAs *before);
extern Oid	TableOwner(Oid relid);

#endif							/* ACTSTREAM_RUN_AS_H */
