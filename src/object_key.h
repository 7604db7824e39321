/*
 * object_key.h
 *		The columns of a table whose values are the key of a reference.
 */
#ifndef ACTSTREAM_OBJECT_KEY_H
#define ACTSTREAM_OBJECT_KEY_H

#include "nodes/pg_list.h"
#include "utils/relcache.h"

extern List *ObjectKeyPrimary(Relation rel);
extern void ObjectKeyCheck(Relation rel, List *columns);

#endif							/* ACTSTREAM_OBJECT_KEY_H */
