/*
 * actstream.c
 *		Initialization when the library is loaded.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/confine.h"
#include "base/shared_memory.h"
#include "change/doorbell.h"
#include "display/language.h"
#include "feed/feed.h"
#include "reader/follow_list.h"
#include "recency/recency_map.h"
#include "register/ddl.h"
#include "stream/stream_plan.h"
#include "tables/spi_plan.h"
#include "track/actor.h"

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
	ConfineInit();
	SpiPlanInit();
	SharedMemoryInit();
	DoorbellInit();
	StreamPlanInit();
	DdlInit();
	MarkGUCPrefixReserved("actstream");
}
