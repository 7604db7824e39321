/*
 * position.c
 *		Positions in the record of changes.
 *
 * Ids and timestamps are given when an action is sent, but it can be seen when its
 * transaction commits, and transactions commit in any order.  So a position is a snapshot:
 * what is new is what the snapshot does not see.  Changes are told by transaction in the
 * order of transaction ids, so after any of them, what has been told is again a snapshot.
 *
 * As text it is "INCARNATION:XMAX:XID,XID,...", and "/XID,ID" if a transaction has been told
 * in part.
 */
#include "postgres.h"

#include <inttypes.h>

#include "base/compat.h"
#include "change/incarnation.h"
#include "change/position.h"

#include "access/transam.h"
#include "access/twophase.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

/*
 * A position does not list more transactions than could be in progress when it was made, and when
 * the one before was; and some more, if there could be more of them then.
 */
#define SPARE_TRANSACTIONS	1000

/* Compare transaction ids, for qsort() and bsearch(). */
static int
compare_ids(const void *a, const void *b)
{
	uint64		x = *(const uint64 *) a;
	uint64		y = *(const uint64 *) b;

	return (x > y) - (x < y);
}

/* Read a number, and move past it; false if there is none. */
static bool
parse_number(const char **text, int base, uint64 *number)
{
	char	   *end;

	/* no sign, space or prefix, which strtou64() would skip */
	if (!isxdigit((unsigned char) (*text)[0]) || tolower((unsigned char) (*text)[1]) == 'x')
		return false;
	errno = 0;
	*number = strtou64(*text, &end, base);
	if (end == *text || errno != 0)
		return false;
	*text = end;
	return true;
}

/* Move past this character; false if there is another. */
static bool
parse_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

/* Read "XMAX:XID,XID,..."; false if it is something else, or lists more than can be in progress. */
static bool
parse_snapshot(const char **text, Position *position)
{
	int			most = 2 * (MaxBackends + max_prepared_xacts) + SPARE_TRANSACTIONS;
	int			capacity = 1;

	for (const char *c = *text; *c != '\0' && capacity <= most; c++)
		capacity += *c == ',';
	position->unseen = palloc(capacity * sizeof(uint64));
	if (!parse_number(text, 10, &position->xmax) || !parse_char(text, ':'))
		return false;
	while (isdigit((unsigned char) **text) || position->nunseen > 0)
	{
		uint64		id;

		if (position->nunseen == most || !parse_number(text, 10, &id) || id >= position->xmax ||
			(position->nunseen > 0 && id <= position->unseen[position->nunseen - 1]))
			return false;
		position->unseen[position->nunseen++] = id;
		if (!parse_char(text, ','))
			break;
	}
	return true;
}

/*
 * PositionNow
 *		What the active snapshot sees.
 *
 * This transaction itself has not been seen: it may do more, or roll back.
 */
Position *
PositionNow(void)
{
	Datum		snapshot = DirectFunctionCall1(pg_current_snapshot, (Datum) 0);
	const char *text = DatumGetCString(DirectFunctionCall1(pg_snapshot_out, snapshot));
	Position   *result = palloc0(sizeof(Position));
	uint64		own = U64FromFullTransactionId(GetTopFullTransactionIdIfAny());

	/* its text begins with xmin */
	text = strchr(text, ':') + 1;
	if (!parse_snapshot(&text, result))
		elog(ERROR, "unexpected text of a snapshot");
	if (own != 0 && own < result->xmax)
	{
		result->unseen = repalloc(result->unseen, (result->nunseen + 1) * sizeof(uint64));
		result->unseen[result->nunseen++] = own;
		qsort(result->unseen, result->nunseen, sizeof(uint64), compare_ids);
	}
	return result;
}

/*
 * PositionKeep
 *		Make sure that a crash does not make the ids of transactions that have been seen those
 *		of others.  To be called before a position is given out that is not above "now".
 *
 * After a crash ids are given again from the last one that is found in the log on.  Whoever
 * keeps a position outside of the database may have kept it for longer than the log.  If the
 * end of the last id is on disk, no earlier one is given again; a commit that has been waited
 * for is on disk already.
 */
void
PositionKeep(const Position *now)
{
	TransactionId last = (TransactionId) (now->xmax - 1);

	if (TransactionIdIsNormal(last) && TransactionIdDidCommit(last))
		XLogFlush(TransactionIdGetCommitLSN(last));
	else
	{
		XLogRecPtr	end = GetXLogInsertRecPtr();

		/* at the beginning of a page this is behind its header, which is not there yet */
		if (XLogSegmentOffset(end, wal_segment_size) == SizeOfXLogLongPHD)
			end -= SizeOfXLogLongPHD;
		else if (end % XLOG_BLCKSZ == SizeOfXLogShortPHD)
			end -= SizeOfXLogShortPHD;
		XLogFlush(end);
	}
}

/*
 * PositionParse
 *		The position with that text, which has to be of this incarnation of the database.
 */
Position *
PositionParse(const char *text)
{
	Position   *result = palloc0(sizeof(Position));
	uint64		incarnation;
	uint64		last_id = 0;
	bool		valid;

	valid = parse_number(&text, 16, &incarnation) && parse_char(&text, ':') &&
		parse_snapshot(&text, result);
	if (valid && parse_char(&text, '/'))
		valid = parse_number(&text, 10, &result->partly) && parse_char(&text, ',') &&
			parse_number(&text, 16, &last_id) && result->partly < result->xmax &&
			!PositionHasSeen(result, result->partly);
	result->last_id = (int64) last_id;
	if (!valid || *text != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid position in the record of changes"),
				 errhint("Use a position that actstream.stream_position() or actstream.changes_since() has returned.")));
	if ((int64) incarnation != IncarnationElsewhere())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_CURSOR_STATE),
				 errmsg("position is from another incarnation of the database"),
				 errdetail("The database has been restored, copied or upgraded, its server promoted, or its table \"changes\" made anew, since the position was returned."),
				 errhint("Get a new position from actstream.stream_position(), then read again whatever is needed.")));
	return result;
}

/*
 * PositionHasSeen
 *		Does the snapshot of the position see the transaction?
 */
bool
PositionHasSeen(const Position *position, uint64 transaction)
{
	return transaction < position->xmax &&
		(position->nunseen == 0 ||
		 bsearch(&transaction, position->unseen, position->nunseen, sizeof(uint64),
				 compare_ids) == NULL);
}

/*
 * PositionIsWithin
 *		Does the snapshot of "now" see everything that the position has been told?
 *
 * Not if that snapshot was taken before, or if the position comes from a server that had got
 * further than this one.
 */
bool
PositionIsWithin(const Position *position, const Position *now)
{
	if (position->xmax > now->xmax ||
		(position->partly != 0 && !PositionHasSeen(now, position->partly)))
		return false;
	for (int i = 0; i < now->nunseen; i++)
	{
		if (PositionHasSeen(position, now->unseen[i]))
			return false;
	}
	return true;
}

/*
 * PositionAfter
 *		The position of a reader at "from" who was told of what the snapshot of "now" sees
 *		besides, by transaction id, up to this transaction, which need not be seen.
 *
 * A transaction that "from" has been told in part is told first, before any other.
 */
Position *
PositionAfter(const Position *from, const Position *now, uint64 transaction)
{
	Position   *result = palloc0(sizeof(Position));

	result->unseen = palloc((from->nunseen + now->nunseen) * sizeof(uint64) + 1);
	result->xmax = Max(from->xmax, transaction + 1);
	for (int i = 0; i < from->nunseen; i++)
	{
		uint64		id = from->unseen[i];

		if ((id != transaction || !PositionHasSeen(now, id)) &&
			(id > transaction || from->partly == transaction || !PositionHasSeen(now, id)))
			result->unseen[result->nunseen++] = id;
	}
	/* "from" may not have known of these */
	for (int i = 0; i < now->nunseen; i++)
	{
		if (now->unseen[i] >= from->xmax && now->unseen[i] <= transaction)
			result->unseen[result->nunseen++] = now->unseen[i];
	}
	return result;
}

/*
 * PositionWithin
 *		The same, but of this transaction only the changes up to that action were told.
 */
Position *
PositionWithin(const Position *from, const Position *now, uint64 transaction, int64 last_id)
{
	Position   *result = PositionAfter(from, now, transaction);

	result->unseen = repalloc(result->unseen, (result->nunseen + 1) * sizeof(uint64));
	result->unseen[result->nunseen++] = transaction;
	qsort(result->unseen, result->nunseen, sizeof(uint64), compare_ids);
	result->partly = transaction;
	result->last_id = last_id;
	return result;
}

/*
 * PositionText
 *		The text of a position.
 */
char *
PositionText(const Position *position)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%" PRIx64 ":" UINT64_FORMAT ":", (uint64) IncarnationElsewhere(),
					 position->xmax);
	for (int i = 0; i < position->nunseen; i++)
		appendStringInfo(&text, "%s" UINT64_FORMAT, i > 0 ? "," : "", position->unseen[i]);
	if (position->partly != 0)
		appendStringInfo(&text, "/" UINT64_FORMAT ",%" PRIx64, position->partly,
						 (uint64) position->last_id);
	return text.data;
}

/*
 * PositionFree
 *		Free a position.
 */
void
PositionFree(Position *position)
{
	pfree(position->unseen);
	pfree(position);
}
