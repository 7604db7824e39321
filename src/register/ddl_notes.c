/*
 * ddl_notes.c
 *		What has been noticed of a DDL command while it runs.
 *
 * A command may begin within another one, as an event trigger or a function that the other
 * calls runs it.  Each has notes of its own: neither must take those of the other for its own, and
 * what is done about the notes of the outer one is not to be undone with the inner one.
 */
#include "postgres.h"

#include "base/compat.h"
#include "register/ddl_notes.h"

#include "access/xact.h"
#include "utils/memutils.h"

/* A command, and what has been noted of it.  All of it is in a context of its own. */
typedef struct Command
{
	struct Command *outer;		/* the one in which it has begun, or NULL */
	SubTransactionId subid;		/* in which it has begun */
	MemoryContext context;
	Node	   *statement;		/* or NULL */
	List	   *events;			/* of DdlEvent *, in the order in which they happened */
} Command;

/* the innermost one; NULL if none has begun, or its beginning was not noticed */
static Command *current = NULL;

/* Callback: forget all when the transaction ends, and its memory with it. */
static void
transaction_ends(XactEvent event, void *arg)
{
	current = NULL;
}

/* Callback: forget what was noticed in a subtransaction when it is rolled back. */
static void
subtransaction_ends(SubXactEvent event, SubTransactionId mySubid,
					SubTransactionId parentSubid, void *arg)
{
	bool		aborts = event == SUBXACT_EVENT_ABORT_SUB;

	if (!aborts && event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	while (aborts && current != NULL && current->subid == mySubid)
		DdlNotesEnd();
	for (Command *command = current; command != NULL; command = command->outer)
	{
		ListCell   *lc;

		if (command->subid == mySubid)
			command->subid = parentSubid;
		foreach(lc, command->events)
		{
			DdlEvent   *noted = lfirst(lc);

			if (noted->subid != mySubid)
				continue;
			if (aborts)
				command->events = foreach_delete_current(command->events, lc);
			else
				noted->subid = parentSubid;
		}
	}
}

/*
 * DdlNotesInit
 *		Install the callbacks; called once, when the library is loaded.
 */
void
DdlNotesInit(void)
{
	RegisterXactCallback(transaction_ends, NULL);
	RegisterSubXactCallback(subtransaction_ends, NULL);
}

/*
 * DdlNotesBegin
 *		A command begins; "statement" is copied, and may be NULL.
 */
void
DdlNotesBegin(Node *statement)
{
	MemoryContext context = AllocSetContextCreate(TopTransactionContext, "actstream command",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	Command    *command = palloc0(sizeof(Command));

	command->outer = current;
	command->subid = GetCurrentSubTransactionId();
	command->context = context;
	command->statement = copyObject(statement);
	current = command;
	MemoryContextSwitchTo(oldcontext);
}

/*
 * DdlNotesEnd
 *		The command has ended, or failed: forget it, and go on with the one in which it has begun, if
 *		there is one.
 */
void
DdlNotesEnd(void)
{
	Command    *ended = current;

	if (ended == NULL)
		return;
	current = ended->outer;
	MemoryContextDelete(ended->context);
}

/*
 * DdlNotesStatement
 *		The statement of the command, or NULL.
 */
Node *
DdlNotesStatement(void)
{
	return current == NULL ? NULL : current->statement;
}

static DdlEvent *
add_event(Command *command, DdlEventKind kind, Oid relid)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(command->context);
	DdlEvent   *event = palloc0(sizeof(DdlEvent));

	event->kind = kind;
	event->subid = GetCurrentSubTransactionId();
	event->relid = relid;
	command->events = lappend(command->events, event);
	MemoryContextSwitchTo(oldcontext);
	return event;
}

/*
 * DdlNote
 *		Note what has happened to a table.  The caller fills in what belongs to the kind.
 */
DdlEvent *
DdlNote(DdlEventKind kind, Oid relid)
{
	if (current == NULL)
		DdlNotesBegin(NULL);
	return add_event(current, kind, relid);
}

/*
 * DdlNoteRenaming
 *		Note that the new name of a column has been seen, for the current command and for those in which
 *		it has begun.
 */
void
DdlNoteRenaming(Oid relid, AttrNumber attnum, const char *name)
{
	for (Command *command = current; command != NULL; command = command->outer)
	{
		DdlEvent   *event = add_event(command, COLUMN_RENAMED, relid);

		event->attnum = attnum;
		event->old_name = MemoryContextStrdup(command->context, name);
	}
}

/*
 * DdlNoteText
 *		A copy of a text for the latest event.
 */
char *
DdlNoteText(const char *text)
{
	return MemoryContextStrdup(current->context, text);
}

/* The events of that kind of the current command. */
static List *
events_of_kind(DdlEventKind kind)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (current == NULL)
		return NIL;
	foreach(lc, current->events)
	{
		if (((DdlEvent *) lfirst(lc))->kind == kind)
			result = lappend(result, lfirst(lc));
	}
	return result;
}

/*
 * A copy of an event, in the current memory context, with the last of the names that its column had
 * been seen to get; "renames" are the events for that.
 */
static DdlEvent *
copy_event(const DdlEvent *event, List *renames)
{
	DdlEvent   *result = palloc(sizeof(DdlEvent));
	ListCell   *lc;

	*result = *event;
	foreach(lc, renames)
	{
		const DdlEvent *rename = lfirst(lc);

		if (event->kind == COLUMN_ALTERED && rename->relid == event->relid &&
			rename->attnum == event->attnum)
			result->old_name = rename->old_name;
	}
	if (event->old_name != NULL)
		result->old_name = pstrdup(result->old_name);
	if (event->refusal != NULL)
		result->refusal = pstrdup(event->refusal);
	if (event->detail != NULL)
		result->detail = pstrdup(event->detail);
	return result;
}

/*
 * DdlNotesColumns
 *		Copies of the events about columns of the current command, which stay.
 */
List *
DdlNotesColumns(void)
{
	List	   *renames = events_of_kind(COLUMN_RENAMED);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, events_of_kind(COLUMN_ALTERED))
		result = lappend(result, copy_event(lfirst(lc), renames));
	return result;
}

static bool
is_of_drop(const DdlEvent *event)
{
	return event->kind >= TRIGGER_LOST;
}

/*
 * DdlNotesTake
 *		Take the events of a DROP, or the others, of the current command.
 *
 * The result is in the current memory context, for a command may end before its beginning was
 * noticed, if event triggers are disabled, and take the memory of another with it.
 */
List *
DdlNotesTake(bool of_drop)
{
	List	   *renames = events_of_kind(COLUMN_RENAMED);
	List	   *result = NIL;
	List	   *left = NIL;
	MemoryContext oldcontext;
	ListCell   *lc;

	if (current == NULL)
		return NIL;
	foreach(lc, current->events)
	{
		if (is_of_drop(lfirst(lc)) == of_drop)
			result = lappend(result, copy_event(lfirst(lc), renames));
	}
	oldcontext = MemoryContextSwitchTo(current->context);
	foreach(lc, current->events)
	{
		if (is_of_drop(lfirst(lc)) != of_drop)
			left = lappend(left, lfirst(lc));
	}
	list_free(current->events);
	current->events = left;
	MemoryContextSwitchTo(oldcontext);
	return result;
}

/*
 * DdlNotesHas
 *		Has such an event of the table been noted for the current command?
 */
bool
DdlNotesHas(DdlEventKind kind, Oid relid)
{
	ListCell   *lc;

	if (current == NULL)
		return false;
	foreach(lc, current->events)
	{
		DdlEvent   *event = lfirst(lc);

		if (event->kind == kind && event->relid == relid)
			return true;
	}
	return false;
}
