/*
 * actstream.c
 *		Module entry.
 */
#include "postgres.h"

#include "compat.h"
#include "actor.h"
#include "follow_list.h"
#include "feed.h"
#include "language.h"
#include "reader.h"
#include "recency.h"
#include "shared_memory.h"
#include "stream_scan.h"

#include "fmgr.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	ActorDefineSetting();
	FollowListDefineSetting();
	FeedDefineSetting();
	LanguageDefineSetting();
	ReaderDefineSetting();
	RecencyDefineSetting();
	SharedMemoryInit();
	StreamPlanInit();
	MarkGUCPrefixReserved("actstream");
}
