/*
 * table_role.h
 *		The role as which rows of a registered table are looked up.
 */
#ifndef ACTSTREAM_TABLE_ROLE_H
#define ACTSTREAM_TABLE_ROLE_H

#include "base/run_as.h"

#include "utils/relcache.h"

extern bool TableRoleIsTrusted(Oid role);
extern void TableRoleBegin(RunAs *before, Relation rel, bool under_policies);

#endif							/* ACTSTREAM_TABLE_ROLE_H */
