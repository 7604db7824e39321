/*
 * stream_reader.c
 *		Reading a stream from the indexes.
 *
 * Entries come from the time line or from lists, whichever stream_turns.c has chosen.  Here
 * they lead to rows.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/reader_state.h"
#include "reader/source_filter.h"
#include "reader/stream_reader.h"
#include "reader/stream_turns.h"
#include "tables/own_tables.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"

/* Dead rows that are skipped before something is done about them. */
#define FEW_DEAD		32

/*
 * Index entries that a call may look at to lower bounds: enough for some ten thousand
 * lists.
 */
#define LOWERING_BUDGET	65536

/*
 * StreamReaderCreate
 *		Make a reader of one kind of stream from tables that are open.
 *
 * It is in the current memory context and has to be ended before the tables are closed.
 */
StreamReader *
StreamReaderCreate(StreamKind kind, const StreamTables *tables, Snapshot snapshot)
{
	StreamReader *reader;

	reader = palloc0(sizeof(StreamReader));
	reader->kind = kind;
	reader->tables = *tables;
	reader->snapshot = snapshot;
	reader->context = CurrentMemoryContext;
	reader->call_context = AllocSetContextCreate(CurrentMemoryContext, "actstream reader",
												 ALLOCSET_DEFAULT_SIZES);
	reader->filter_context = AllocSetContextCreate(CurrentMemoryContext, "actstream filter",
												   ALLOCSET_SMALL_SIZES);
	reader->fetch = RowFetchCreate(tables->action, snapshot, &reader->counters.read);
	reader->lowerer = RecencyLowererCreate(tables->action, tables->indexes, tables->recency_index);
	reader->time_line = TimeLineCreate(tables->action, tables->indexes[ACTION_BY_TIME], snapshot,
									   reader->fetch, reader->lowerer, &reader->counters.read);
	reader->lists.counters = &reader->counters.read;
	reader->lists.merge = StreamMergeCreate(tables->action, tables->indexes, snapshot,
											reader->fetch, reader->lowerer,
											&reader->counters.read);
	return reader;
}

/*
 * StreamReaderReset
 *		Stop reading, and forget everything that the call pointed to.
 */
void
StreamReaderReset(StreamReader *reader)
{
	StreamTurnsEnd(reader);
	reader->label = NULL;
	reader->lists.sources = NULL;
	reader->lists.n = 0;
	StreamMergeReset(reader->lists.merge);
	RecencyLowererRest(reader->lowerer);
	MemoryContextReset(reader->call_context);
}

/*
 * StreamReaderBegin
 *		Begin to read a stream, of the reader's kind, instead of the one before.
 */
void
StreamReaderBegin(StreamReader *reader, const StreamCall *call)
{
	MemoryContext oldcontext;

	StreamReaderReset(reader);
	oldcontext = MemoryContextSwitchTo(reader->call_context);
	SourceListsBegin(&reader->lists, call->sources, call->newest, call->oldest,
					 Max(call->page, 1));
	reader->below = call->newest;
	reader->at_bottom = reader->has_latest = reader->again = false;
	reader->wanted = reader->lists.page;
	reader->visited_before = reader->counters.read.time_line_rows;
	reader->found = reader->found_before = reader->missed = reader->dead = 0;
	reader->label = call->label;
	reader->label_len = call->label == NULL ? 0 : strlen(call->label);
	if (!call->continued && call->sources != NULL)
		reader->counters.sources += call->sources->n;
	reader->counters.recency_map = false;
	reader->has_map = SourceBoundsMap(&reader->map, reader->tables.action,
									  reader->tables.recency_index, reader->snapshot);
	RecencyLowererBegin(reader->lowerer, LOWERING_BUDGET);
	if (call->sources != NULL && SourceSetFilters(call->sources))
		SourceSetIndex(call->sources);
	StreamTurnsBegin(reader, call);
	MemoryContextSwitchTo(oldcontext);
}

/*
 * next_entry
 *		The next entry, which may have no row; false at the end of the stream.
 */
static bool
next_entry(StreamReader *reader, ActionEntry *entry)
{
	do
	{
		if (!StreamTurnsNext(reader, entry))
			return false;
	} while (reader->again && ActionEntryCompare(entry, &reader->latest) >= 0);
	reader->again = false;
	reader->latest = *entry;
	reader->has_latest = true;
	reader->below = entry->place;
	reader->at_bottom = !ActionPlaceGoDown(&reader->below);
	return ActionPlaceCompare(&entry->place, &reader->lists.oldest) >= 0;
}

/*
 * The row of the latest entry is dead to all transactions.
 *
 * Nothing can be done about that on a standby.
 */
static void
skip_dead(StreamReader *reader, const ActionEntry *entry)
{
	if (++reader->dead <= FEW_DEAD || TransactionStartedDuringRecovery())
		return;
	if (reader->counters.strategy == READ_TIME_LINE)
		TimeLineClean(reader->time_line, entry);
	else
		StreamMergeClean(reader->lists.merge);
}

/*
 * Where only some verbs are wanted, is the row, to which an entry has led, one of these?  Entries
 * by verb may be of private actions, those of lists of any verb.
 */
static bool
passes_as_verb(StreamReader *reader, TupleTableSlot *row)
{
	bool		by_verb = reader->counters.strategy == READ_TIME_LINE;
	bool		isnull;
	Datum		value = slot_getattr(row, by_verb ? Anum_action_public : Anum_action_verb, &isnull);

	return !isnull &&
		(by_verb ? DatumGetBool(value) : VerbLineHas(reader->verbs, DatumGetTextPP(value)));
}

/* Is the row, to which an entry has led, shown? */
static bool
is_wanted(StreamReader *reader, TupleTableSlot *row)
{
	ActionFilter filter = StreamTurnsFilter(reader);
	MemoryContext oldcontext;
	bool		result;

	if (filter == NULL && reader->verbs == NULL)
		return true;
	oldcontext = MemoryContextSwitchTo(reader->filter_context);
	result = (reader->verbs == NULL || passes_as_verb(reader, row)) &&
		(filter == NULL || ActionRowPasses(row, filter, reader));
	MemoryContextSwitchTo(oldcontext);
	MemoryContextReset(reader->filter_context);
	if (!result)
		reader->counters.rows_filtered++;
	return result;
}

/*
 * next_row
 *		The next row of the stream, or NULL at its end.
 */
static TupleTableSlot *
next_row(StreamReader *reader)
{
	ActionEntry entry;

	while (next_entry(reader, &entry))
	{
		TupleTableSlot *row;
		bool		dead;

		CHECK_FOR_INTERRUPTS();
		if (!ItemPointerIsValid(&entry.tid))
			continue;
		row = RowFetchVisible(reader->fetch, &entry.tid, &dead);
		reader->missed += row == NULL;
		if (row == NULL && reader->counters.strategy != READ_TIME_LINE)
			StreamMergeMissed(reader->lists.merge, dead);
		if (dead)
			skip_dead(reader, &entry);
		if (row == NULL || !is_wanted(reader, row))
			continue;
		reader->found++;
		if (--reader->wanted <= 0)
			reader->wanted += reader->lists.page;
		return row;
	}
	return NULL;
}

/*
 * StreamReaderNext
 *		The next row of the stream, or NULL at its end.
 *
 * The row has the columns of the table, and is valid until the next call.
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
	reader->counters.lists_skipped = reader->lists.skipped_before + SourceListsSkipped(&reader->lists);
	return &reader->counters;
}

/*
 * StreamReaderEnd
 *		Release what the reader holds, except for locks.
 */
void
StreamReaderEnd(StreamReader *reader)
{
	StreamReaderReset(reader);
	StreamMergeEnd(reader->lists.merge);
	TimeLineEnd(reader->time_line);
	RecencyLowererEnd(reader->lowerer);
	RowFetchEnd(reader->fetch);
	MemoryContextDelete(reader->filter_context);
	MemoryContextDelete(reader->call_context);
	pfree(reader);
}
