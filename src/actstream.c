/*
 * actstream.c
 *		Module entry.
 */
#include "postgres.h"

#include "compat.h"
#include "actor.h"
#include "ddl.h"
#include "feed.h"
#include "follow_list.h"
#include "language.h"
#include "recency.h"
#include "shared_memory.h"
#include "stream_scan.h"

#include "fmgr.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	ActorDefineSetting();
	FeedDefineSetting();
	FollowListDefineSetting();
	LanguageDefineSetting();
	RecencyDefineSetting();
	SharedMemoryInit();
	StreamPlanInit();
	DdlInit();
	MarkGUCPrefixReserved("actstream");
}
