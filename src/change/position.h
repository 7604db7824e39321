/*
 * position.h
 *		Positions in the record of changes.
 */
#ifndef ACTSTREAM_POSITION_H
#define ACTSTREAM_POSITION_H

/*
 * What has been told: everything that a snapshot sees, and perhaps the first changes of one
 * transaction that it does not see.  Transaction ids are those of the top level, and
 * FullTransactionIds.
 */
typedef struct Position
{
	uint64		xmax;			/* transactions from here on have not been seen */
	int			nunseen;		/* of those before, these have not; in ascending order */
	uint64	   *unseen;
	uint64		partly;			/* a transaction that has been told in part, or 0 */
	int64		last_id;		/* of its changes, those up to this action */
} Position;

extern Position *PositionNow(void);
extern void PositionKeep(const Position *now);
extern Position *PositionParse(const char *text);
extern Position *PositionAfter(const Position *from, const Position *now, uint64 transaction);
extern Position *PositionWithin(const Position *from, const Position *now, uint64 transaction,
								int64 last_id);
extern bool PositionIsWithin(const Position *position, const Position *now);
extern bool PositionHasSeen(const Position *position, uint64 transaction);
extern char *PositionText(const Position *position);
extern void PositionFree(Position *position);

#endif							/* ACTSTREAM_POSITION_H */
