/*
 * verb_reading.c
 *		Reading the entries by verb instead of a stream.
 *
 * It is not known how many there are, so as much is spent on collecting them as on the other
 * ways to read, each time twice as much: see src/reader/README.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/source_filter.h"
#include "reader/verb_reading.h"

/*
 * Entries by verb that are collected at first; and rows and entries that are then looked at
 * before as many more are collected.
 */
#define FIRST_VERB_TURN	64

/*
 * VerbReadingPrepare
 *		If only some verbs are wanted, and there is an index for that, prepare to collect the
 *		actions with these; else return false.
 *
 * What is collected is in the current memory context.
 */
bool
VerbReadingPrepare(struct StreamReader *reader, const StreamCall *call)
{
	const VerbList *verbs = call->verbs;

	if (!OidIsValid(reader->tables.verb_index) ||
		(reader->kind != PUBLIC_STREAM && reader->label == NULL && reader->lists.n == 0))
		return false;
	if (verbs == NULL && call->sources != NULL)
		verbs = SourceSetVerbs(call->sources);
	if (verbs == NULL)
		return false;
	if (call->sources != NULL)
		SourceSetIndex(call->sources);
	reader->verbs = VerbEntriesCreate(reader->tables.action, reader->tables.verb_index,
									  reader->snapshot, reader->fetch, verbs, call->newest,
									  call->oldest, &reader->counters.read);
	reader->verb_turn = FIRST_VERB_TURN;
	return true;
}

/* A measure of what was read so far. */
static int64
work_done(const struct StreamReader *reader)
{
	const ReadCounters *counters = &reader->counters.read;

	return counters->time_line_rows + counters->entries_read + counters->heap_fetches;
}

/*
 * VerbReadingIsDue
 *		Has enough been spent on another way to read?
 */
bool
VerbReadingIsDue(const struct StreamReader *reader)
{
	return reader->verbs != NULL && reader->counters.strategy != READ_VERBS &&
		!reader->at_bottom && work_done(reader) - reader->work_before >= reader->verb_turn;
}

/*
 * VerbReadingCollect
 *		Collect more entries, or give up if they are many; true if these are all.
 */
bool
VerbReadingCollect(struct StreamReader *reader)
{
	bool		result = VerbEntriesCollect(reader->verbs, reader->verb_turn);

	if (!result && VerbEntriesAreMany(reader->verbs))
		VerbReadingEnd(reader);
	reader->verb_turn *= 2;
	reader->work_before = work_done(reader);
	return result;
}

/*
 * VerbReadingBegin
 *		Merge what was collected, below what has been read.
 */
void
VerbReadingBegin(struct StreamReader *reader)
{
	int			n;
	ActionEntry *entries = VerbEntriesSort(reader->verbs, reader->below, &n);

	reader->trying = reader->lists.merging = false;
	reader->counters.strategy = READ_VERBS;
	StreamMergeBegin(reader->lists.merge, reader->below, NULL, 1, reader->lists.page, DT_NOBEGIN, 0);
	StreamMergeAddEntries(reader->lists.merge, entries, n);
}

/*
 * VerbReadingEnd
 *		Release what was collected, if anything.
 */
void
VerbReadingEnd(struct StreamReader *reader)
{
	if (reader->verbs != NULL)
		VerbEntriesEnd(reader->verbs);
	reader->verbs = NULL;
}
