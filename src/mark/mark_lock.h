/*
 * mark_lock.h
 *		Locking what is stored of a reader's notifications.
 */
#ifndef ACTSTREAM_MARK_LOCK_H
#define ACTSTREAM_MARK_LOCK_H

/* the columns of the row that MarkLock() leaves in SPI */
enum
{
	LOCKED_SEEN = 1, LOCKED_READ, LOCKED_READ_AT, LOCKED_READ_SNAPSHOT, LOCKED_READ_NEXT
};

extern void MarkLock(Datum *values, const char *nulls);

#endif							/* ACTSTREAM_MARK_LOCK_H */
