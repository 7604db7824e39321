/*
 * ddl_notes.h
 *		What has been noticed of a DDL command while it runs.
 */
#ifndef ACTSTREAM_DDL_NOTES_H
#define ACTSTREAM_DDL_NOTES_H

#include "access/attnum.h"
#include "nodes/pg_list.h"

typedef enum DdlEventKind
{
	PARENT_CHANGED,				/* any table was attached to a parent, or detached */
	CHILD_CHANGED,				/* a table was attached to a parent, or detached */
	COLUMN_ALTERED,				/* a column of a registered or tracked table was altered */
	COLUMN_RENAMED,				/* it was seen to have another name, before the command
								 * has ended */
	TRIGGER_LOST,				/* a table loses one of our triggers, perhaps because it
								 * is dropped itself */
	INDEX_LOST,					/* a registered table loses an index */
	PARTITION_LOST,				/* a registered table loses a partition whose rows could
								 * not be read, or need not be because the whole table
								 * seems to be dropped; or whose DROP is to be refused */
	PARTITION_READ				/* a partition of a registered table is being dropped, and
								 * its rows have been seen to */
} DdlEventKind;

/* What a command has done, or is about to do. */
typedef struct DdlEvent
{
	DdlEventKind kind;
	SubTransactionId subid;		/* in which it happened */
	Oid			relid;
	Oid			parent;			/* for CHILD_CHANGED */
	bool		was_partition;	/* for CHILD_CHANGED: was it a partition at that moment? */
	AttrNumber	attnum;			/* for COLUMN_ALTERED and COLUMN_RENAMED */
	char	   *old_name;		/* of the column when it was altered, or was seen last;
								 * for TRIGGER_LOST, name of the table if the trigger
								 * was the one that binds it */
	char	   *refusal;		/* for PARTITION_LOST: message of the error to raise if
								 * the table stays, or NULL */
	char	   *detail;			/* of that error */
} DdlEvent;

extern void DdlNotesInit(void);
extern void DdlNotesBegin(Node *statement);
extern void DdlNotesEnd(void);
extern Node *DdlNotesStatement(void);
extern DdlEvent *DdlNote(DdlEventKind kind, Oid relid);
extern void DdlNoteRenaming(Oid relid, AttrNumber attnum, const char *name);
extern char *DdlNoteText(const char *text);
extern List *DdlNotesColumns(void);
extern List *DdlNotesTake(bool of_drop);
extern bool DdlNotesHas(DdlEventKind kind, Oid relid);

#endif							/* ACTSTREAM_DDL_NOTES_H */
