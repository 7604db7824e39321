/*
 * reader.c
 *		Reading a stream from the indexes.
 *
 * A stream can be read in two ways.  The time line is walked from the newest
 * action on, and what does not belong to the stream is left out: good if much
 * belongs to it.  Or the lists that the indexes have for the stream's objects
 * are merged: good if they are few.  Which is better depends on the data, so
 * the reader begins on the time line, gives it a number of rows that costs a
 * fraction of opening the lists, and goes on with the lists below the point
 * that it has come to.
 *
 * For all objects of a type there are no lists to merge.  There the reader
 * walks the time line and collects entries by turns, each turn longer, until
 * it has all of the one or has been given enough of the other.
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "label_entries.h"
#include "reader.h"

#include <math.h>

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"

/*
 * What the lists cost, in rows of the time line: opening one, and each row that
 * they yield.  As long as nothing has been found on the time line, a fraction
 * of that is spent on it, so that a try in vain adds little; afterwards all of
 * it, if the page promises to be full by then.
 */
#define LIST_COST		5.0
#define LIST_ROW_COST	2.0
#define TRY_COST		0.5

/* With fewer lists than this the try is not worth its beginning. */
#define MIN_LISTS		16

/* Rows, and entries, of the first turn for a label. */
#define FIRST_TURN		256

/*
 * What a reader of a kind of stream reads.  A table that is NULL is not needed.
 */
typedef struct ReaderTables
{
	Relation	action;
	Oid			indexes[NUM_ACTION_INDEXES];
	Relation	index_rels[NUM_ACTION_INDEXES]; /* held by a reader only */
	Relation	follow;
	Oid			follow_index;
	Relation	follow_index_rel;
} ReaderTables;

struct StreamReader
{
	StreamKind	kind;
	ReaderTables tables;
	Snapshot	snapshot;
	MemoryContext context;		/* of all that lives as long as the reader */
	MemoryContext call_context; /* of the current call */
	StreamMerge *merge;
	ReaderCounters counters;

	/* the current call */
	TimestampTz newest;
	TimestampTz oldest;
	SourceSet	sources;
	char	   *label;			/* of MODEL_STREAM */
	LabelEntries *entries;		/* of it; NULL between calls */
	int64		turn;			/* length of the current turn */
	bool		trying;			/* on the time line, with the lists to come */
	int64		visited;		/* rows of the time line, in this call */
	int64		found;			/* of them, rows of the stream */
	double		page;			/* rows that the query wants, at a guess */
	double		lists_cost;		/* of opening them, in rows of the time line */
};

/* actstream.enable_streamscan: may streams be read from the indexes? */
static bool enable_streamscan = true;

/*
 * ReaderDefineSetting
 *		Called once, when the library is loaded.
 */
void
ReaderDefineSetting(void)
{
	DefineCustomBoolVariable("actstream.enable_streamscan",
							 "Enables reading streams from the indexes.",
							 "Otherwise their SQL forms are planned, or run.",
							 &enable_streamscan,
							 true,
							 PGC_USERSET,
							 0,
							 NULL,
							 NULL,
							 NULL);
}

/*
 * RolesFromArray
 *		The roles that a text[] names; raises an error if one of them is none.
 */
RoleSet
RolesFromArray(ArrayType *roles)
{
	RoleSet		result = 0;
	Datum	   *elems;
	bool	   *nulls;
	int			n;

	deconstruct_array(roles, TEXTOID, -1, false, TYPALIGN_INT, &elems, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *role;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("role must not be null")));
		role = TextDatumGetCString(elems[i]);
		if (strcmp(role, "actor") == 0)
			result |= ROLE_BIT(ACTION_BY_ACTOR);
		else if (strcmp(role, "target") == 0)
			result |= ROLE_BIT(ACTION_BY_TARGET);
		else if (strcmp(role, "action_object") == 0)
			result |= ROLE_BIT(ACTION_BY_ACTION_OBJECT);
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unrecognized role: \"%s\"", role),
					 errhint("Roles are \"actor\", \"action_object\" and \"target\".")));
	}
	return result;
}

/*
 * May the current user read the whole table, and is what its heap holds what
 * a query would show of it?
 */
static bool
table_is_readable(Relation table)
{
	Oid			relid = RelationGetRelid(table);

	return table->rd_rel->relkind == RELKIND_RELATION &&
		table->rd_rel->relpersistence == RELPERSISTENCE_PERMANENT &&
		table->rd_rel->relam == HEAP_TABLE_AM_OID &&
		!table->rd_rel->relhassubclass &&
		(pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK ||
		 pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT, ACLMASK_ALL) == ACLCHECK_OK) &&
		check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED;
}

static void
close_tables(ReaderTables *tables)
{
	for (int i = 0; i < NUM_ACTION_INDEXES; i++)
	{
		if (tables->index_rels[i] != NULL)
			index_close(tables->index_rels[i], NoLock);
	}
	if (tables->follow_index_rel != NULL)
		index_close(tables->follow_index_rel, NoLock);
	if (tables->follow != NULL)
		table_close(tables->follow, NoLock);
	table_close(tables->action, NoLock);
}

/*
 * Open the tables, and lock them until the end of the transaction.  False, and
 * nothing is open, if a reader would not give the current user what a query over
 * the tables does.
 */
static bool
open_tables(StreamKind kind, ReaderTables *tables)
{
	memset(tables, 0, sizeof(ReaderTables));
	if (!enable_streamscan)
		return false;
	tables->action = OwnTableOpen(ActionRelationId(), AccessShareLock);
	if (kind == USER_STREAM)
	{
		tables->follow = OwnTableOpen(FollowRelationId(), AccessShareLock);
		tables->follow_index = FollowIndexFind(tables->follow);
	}
	if (table_is_readable(tables->action) &&
		ActionIndexesFind(tables->action, tables->indexes) &&
		(kind != USER_STREAM ||
		 (table_is_readable(tables->follow) && OidIsValid(tables->follow_index))))
		return true;
	close_tables(tables);
	return false;
}

/*
 * Let no index be dropped, as the session itself still could, before the reader
 * comes to it.
 */
static void
hold_indexes(ReaderTables *tables)
{
	for (int i = 0; i < NUM_ACTION_INDEXES; i++)
		tables->index_rels[i] = index_open(tables->indexes[i], AccessShareLock);
	if (OidIsValid(tables->follow_index))
		tables->follow_index_rel = index_open(tables->follow_index, AccessShareLock);
}

/*
 * StreamReaderUsable
 *		Whether a reader gives the current user what a query over the tables
 *		would.
 *
 * Holds for as long as the tables do not change and the role is the same.
 * Locks the tables until the end of the transaction.
 */
bool
StreamReaderUsable(StreamKind kind)
{
	ReaderTables tables;

	if (!open_tables(kind, &tables))
		return false;
	close_tables(&tables);
	return true;
}

/*
 * StreamReaderCreate
 *		Make a reader of one kind of stream, or return NULL if it would not give
 *		the current user what a query over the tables does.
 *
 * It lives in the current memory context and has to be ended.  Locks the tables
 * until the end of the transaction.
 */
StreamReader *
StreamReaderCreate(StreamKind kind, Snapshot snapshot)
{
	StreamReader *reader;
	ReaderTables tables;

	if (!open_tables(kind, &tables))
		return NULL;
	hold_indexes(&tables);
	reader = palloc0(sizeof(StreamReader));
	reader->kind = kind;
	reader->tables = tables;
	reader->snapshot = snapshot;
	reader->context = CurrentMemoryContext;
	reader->call_context = AllocSetContextCreate(CurrentMemoryContext, "actstream reader",
												 ALLOCSET_DEFAULT_SIZES);
	reader->merge = StreamMergeCreate(reader->tables.action, reader->tables.indexes, snapshot,
									  &reader->counters.merge);
	return reader;
}

/* Filter: an action that one of the sources plays its role in. */
static bool
shows_source(void *arg, TupleTableSlot *row)
{
	return SourceSetShows(&((StreamReader *) arg)->sources, row);
}

/* Filter: an action with an object of the type in any role. */
static bool
shows_label(void *arg, TupleTableSlot *row)
{
	StreamReader *reader = arg;
	int			label_len = strlen(reader->label);

	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		bool		isnull;
		Datum		object = slot_getattr(row, ActionRoleColumns[role], &isnull);

		if (!isnull && RefHasLabel(DatumGetRefPP(object), reader->label, label_len))
			return true;
	}
	return false;
}

static Ref *
ref_arg(const StreamCall *call, int arg)
{
	return DatumGetRefPP(call->args[arg].value);
}

/* A boolean argument, of which null is false. */
static bool
bool_arg(const StreamCall *call, int arg)
{
	return !call->args[arg].isnull && DatumGetBool(call->args[arg].value);
}

/* Fill in the sources of a stream that has a follower. */
static void
collect_follows(StreamReader *reader, const StreamCall *call)
{
	if (call->args[0].isnull)
		return;
	SourceSetAddFollows(&reader->sources, reader->tables.follow,
						reader->tables.follow_index, reader->snapshot, ref_arg(call, 0),
						call->args[1].isnull ? NULL : DatumGetTextPP(call->args[1].value),
						bool_arg(call, 3));
	if (bool_arg(call, 2))
		SourceSetAdd(&reader->sources, ref_arg(call, 0), ROLE_BIT(ACTION_BY_ACTOR));
}

/* Fill in the sources of a stream of given objects. */
static void
collect_objects(StreamReader *reader, const StreamCall *call)
{
	RoleSet		roles = call->args[1].isnull ? 0 :
		RolesFromArray(DatumGetArrayTypeP(call->args[1].value));

	if (!call->args[0].isnull && roles != 0)
		SourceSetAddArray(&reader->sources, DatumGetArrayTypeP(call->args[0].value), roles);
}

/* Fill in what the stream is about. */
static void
collect_sources(StreamReader *reader, const StreamCall *call)
{
	static const RoleSet roles[NUM_STREAM_KINDS] = {
		[ACTOR_STREAM] = ROLE_BIT(ACTION_BY_ACTOR),
		[TARGET_STREAM] = ROLE_BIT(ACTION_BY_TARGET),
		[ACTION_OBJECT_STREAM] = ROLE_BIT(ACTION_BY_ACTION_OBJECT),
		[ANY_STREAM] = ALL_ROLES
	};

	SourceSetInit(&reader->sources, reader->call_context);
	switch (call->kind)
	{
		case PUBLIC_STREAM:
			break;
		case MODEL_STREAM:
			if (!call->args[0].isnull)
			{
				reader->label = TextDatumGetCString(call->args[0].value);
				RefCheckLabel(reader->label, strlen(reader->label));
			}
			break;
		case STREAM_OF:
			collect_objects(reader, call);
			break;
		case USER_STREAM:
			collect_follows(reader, call);
			break;
		default:
			if (!call->args[0].isnull)
				SourceSetAdd(&reader->sources, ref_arg(call, 0), roles[call->kind]);
	}
	reader->counters.sources += reader->sources.n;
}

/* Read the time line from "newest" on. */
static void
begin_time_line(StreamReader *reader, TimestampTz newest, RowFilter filter)
{
	reader->counters.strategy = READ_TIME_LINE;
	StreamMergeBegin(reader->merge, 1, filter, reader);
	StreamMergeAddList(reader->merge, ACTION_BY_TIME, NULL, newest, reader->oldest);
}

/* Merge the lists of the sources from "newest" on. */
static void
begin_lists(StreamReader *reader, TimestampTz newest)
{
	StreamMergeBegin(reader->merge, SourceSetCountLists(&reader->sources), NULL, NULL);
	for (ActionIndex role = 0; role < NUM_ACTION_ROLES; role++)
	{
		for (int i = 0; i < reader->sources.n; i++)
		{
			Source	   *source = &reader->sources.sources[i];

			CHECK_FOR_INTERRUPTS();
			if (source->roles & ROLE_BIT(role))
				StreamMergeAddList(reader->merge, role, source->object, newest,
								   Max(reader->oldest, SourceSetSince(&reader->sources, i, role)));
		}
	}
}

/* Merge what was collected for the label, from "newest" on. */
static void
begin_entries(StreamReader *reader, TimestampTz newest)
{
	int			n;
	ActionEntry *entries = LabelEntriesSort(reader->entries, newest, reader->oldest, &n);

	StreamMergeBegin(reader->merge, 1, NULL, NULL);
	StreamMergeAddEntries(reader->merge, entries, n);
}

static void
end_call(StreamReader *reader)
{
	if (reader->entries != NULL)
		LabelEntriesEnd(reader->entries);
	reader->entries = NULL;
	reader->label = NULL;
	reader->trying = false;
	reader->counters.strategy = READ_NOTHING;
	StreamMergeBegin(reader->merge, 0, NULL, NULL);
	MemoryContextReset(reader->call_context);
}

/*
 * Begin on the time line, or with the lists if those are too few to ask.
 *
 * A serializable transaction that has read the end of the time line conflicts
 * with every action that is sent, so it reads its lists.
 */
static void
begin_sources(StreamReader *reader)
{
	int			nlists = SourceSetCountLists(&reader->sources);

	if (nlists == 0)
		return;
	if (nlists < MIN_LISTS || IsolationIsSerializable())
	{
		begin_lists(reader, reader->newest);
		reader->counters.strategy = READ_LISTS;
		return;
	}
	reader->lists_cost = nlists * LIST_COST;
	reader->trying = true;
	SourceSetIndex(&reader->sources);
	begin_time_line(reader, reader->newest, shows_source);
}

/* Begin the first turn on the time line. */
static void
begin_label(StreamReader *reader)
{
	reader->entries = LabelEntriesCreate(reader->tables.action, reader->tables.indexes,
										 reader->snapshot, reader->label, &reader->counters.merge);
	reader->turn = FIRST_TURN;
	reader->trying = true;
	begin_time_line(reader, reader->newest, shows_label);
}

/*
 * StreamReaderBegin
 *		Begin to read a stream, of the reader's kind, and forget what was read
 *		before.
 *
 * What "call" points to need not stay.
 */
void
StreamReaderBegin(StreamReader *reader, const StreamCall *call)
{
	MemoryContext oldcontext;

	Assert(call->kind == reader->kind);
	end_call(reader);
	oldcontext = MemoryContextSwitchTo(reader->call_context);
	reader->newest = call->newest;
	reader->oldest = call->oldest;
	reader->page = Max(call->page, 1);
	reader->visited = reader->found = 0;
	collect_sources(reader, call);
	if (call->kind == PUBLIC_STREAM)
		begin_time_line(reader, reader->newest, NULL);
	else if (call->kind == MODEL_STREAM && reader->label != NULL)
		begin_label(reader);
	else
		begin_sources(reader);
	MemoryContextSwitchTo(oldcontext);
}

/*
 * try_is_over
 *		Whether the time line has been given enough.
 */
static bool
try_is_over(StreamReader *reader)
{
	double		wanted;

	if (reader->label != NULL)
		return reader->visited >= reader->turn;
	if (reader->visited < reader->lists_cost * (TRY_COST / LIST_COST))
		return false;
	if (reader->found == 0 ||
		reader->visited > reader->lists_cost + LIST_ROW_COST * reader->found)
		return true;
	/* rows to the end of the page, if they go on to be found like this */
	wanted = reader->page - fmod(reader->found, reader->page);
	return wanted * reader->visited / reader->found > reader->lists_cost + LIST_ROW_COST * wanted;
}

/*
 * end_try
 *		The time line has been given enough: go on with the lists, or give it
 *		another turn.
 */
static void
end_try(StreamReader *reader)
{
	TimestampTz newest = StreamMergePosition(reader->merge);

	if (reader->label != NULL && !LabelEntriesCollect(reader->entries, reader->turn))
	{
		reader->turn *= 2;
		return;
	}
	reader->trying = false;
	reader->counters.strategy = READ_BOTH;
	if (newest == DT_NOBEGIN)
		StreamMergeBegin(reader->merge, 0, NULL, NULL);
	else if (reader->label != NULL)
		begin_entries(reader, newest - 1);
	else
		begin_lists(reader, newest - 1);
}

static int64
count_visits(StreamReader *reader)
{
	return reader->counters.merge.heap_fetches + reader->counters.merge.heap_skips;
}

/*
 * next_row
 *		The next row of the stream, or NULL at its end.
 *
 * On the time line the budget is looked at between the rows of different
 * times, so that nothing of one time is left behind.
 */
static TupleTableSlot *
next_row(StreamReader *reader)
{
	for (;;)
	{
		int64		before = count_visits(reader);
		TupleTableSlot *row = StreamMergeNextRow(reader->merge);

		if (reader->counters.strategy == READ_TIME_LINE)
		{
			int64		visits = count_visits(reader) - before;

			reader->visited += visits;
			reader->counters.time_line_rows += visits;
		}
		if (row != NULL)
		{
			reader->found++;
			return row;
		}
		if (reader->trying && try_is_over(reader))
			end_try(reader);
		CHECK_FOR_INTERRUPTS();
		if (!StreamMergeNextGroup(reader->merge))
			return NULL;
	}
}

/*
 * StreamReaderNext
 *		The next row of the stream, or NULL at its end.
 *
 * It has the columns of the table, and is valid until the next call.
 */
TupleTableSlot *
StreamReaderNext(StreamReader *reader)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(reader->context);
	TupleTableSlot *row = next_row(reader);

	MemoryContextSwitchTo(oldcontext);
	return row;
}

/*
 * StreamReaderGetCounters
 *		What the reader has done so far.
 */
const ReaderCounters *
StreamReaderGetCounters(StreamReader *reader)
{
	return &reader->counters;
}

/*
 * StreamReaderEnd
 *		Release what the reader holds, except for locks.
 */
void
StreamReaderEnd(StreamReader *reader)
{
	end_call(reader);
	StreamMergeEnd(reader->merge);
	close_tables(&reader->tables);
	MemoryContextDelete(reader->call_context);
	pfree(reader);
}
