/*
 * value_size.h
 *		How large a value is.
 */
#ifndef ACTSTREAM_VALUE_SIZE_H
#define ACTSTREAM_VALUE_SIZE_H

extern Size ValueSize(Oid type, Datum value);

#endif							/* ACTSTREAM_VALUE_SIZE_H */
