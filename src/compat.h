/*
 * compat.h
 *		Every difference between PostgreSQL majors that actstream meets.
 *
 * Included after postgres.h by each source file.  The code is written against
 * the newest API; what follows gives older servers the same.
 */
#ifndef ACTSTREAM_COMPAT_H
#define ACTSTREAM_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "actstream needs PostgreSQL 15 or later"
#endif

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* 16: input functions can report an error without raising it */
#if PG_VERSION_NUM < 160000
#define ereturn(escontext, dummy_value, ...) \
	do { \
		(void) (escontext); \
		ereport(ERROR, __VA_ARGS__); \
		return dummy_value; \
	} while (0)
#endif

/* 16: one ownership check for all kinds of objects */
#if PG_VERSION_NUM < 160000
#define object_ownercheck(classid, objectid, roleid) \
	(AssertMacro((classid) == RelationRelationId), \
	 pg_class_ownercheck(objectid, roleid))
#endif

#endif							/* ACTSTREAM_COMPAT_H */
