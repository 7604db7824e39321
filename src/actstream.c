/*
 * actstream.c
 *		Module entry.
 */
#include "postgres.h"

#include "compat.h"
#include "actor.h"
#include "reader.h"
#include "stream_scan.h"

#include "fmgr.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	ActorDefineSetting();
	ReaderDefineSetting();
	StreamPlanInit();
	MarkGUCPrefixReserved("actstream");
}
