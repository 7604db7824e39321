/*
 * feed.c
 *		The content of a feed in any format: actions with their objects, in order.
 *
 * A feed is an aggregate.  Its state holds the actions, in the aggregate's memory
 * context.  The final function looks up all of their objects at once; it does not change
 * the state, so that it can be called again, as window functions require.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/iso_time.h"
#include "base/uri.h"
#include "display/language.h"
#include "display/object_name.h"
#include "display/sentence.h"
#include "feed/feed.h"
#include "tables/action_row.h"
#include "tables/own_tables.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define AUTHORITY_SETTING "actstream.tag_authority"

PG_FUNCTION_INFO_V1(actstream_feed_collect);

/* The state of the aggregate. */
typedef struct FeedState
{
	FeedHead	head;
	int			nactions;
	int			size;			/* number of actions that there is room for */
	FeedAction *actions;
} FeedState;

/* actstream.tag_authority: an authority as in RFC 4151, or empty */
static char *authority_setting = NULL;

static bool
check_authority(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || (*newval)[0] == '\0' ||
		(*newval)[TagAuthorityLength(*newval)] == '\0')
		return true;
	GUC_check_errdetail("It must be a domain name or an e-mail address, a comma, and a date, as in example.org,2026, or empty.");
	return false;
}

/*
 * FeedDefineSetting
 *		Define the setting; called once, when the library is loaded.
 */
void
FeedDefineSetting(void)
{
	DefineCustomStringVariable(AUTHORITY_SETTING,
							   "Sets the authority in the ids that feeds give to actions and objects.",
							   "A domain name or an e-mail address, a comma, and a date on which it was yours; if empty, the authority in the id of the feed is used.",
							   &authority_setting,
							   "",
							   PGC_USERSET,
							   0,
							   check_authority,
							   NULL,
							   NULL);
}

/*
 * FeedTagAuthority
 *		The authority of the tag: URIs in a feed: that of the setting, else that of the feed's
 *		id.
 *
 * Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE if there is none.
 */
char *
FeedTagAuthority(const char *feed_id)
{
	int			len = 0;

	if (authority_setting != NULL && authority_setting[0] != '\0')
		return pstrdup(authority_setting);

	if (pg_strncasecmp(feed_id, "tag:", 4) == 0)
		len = TagAuthorityLength(feed_id + 4);
	if (len == 0 || feed_id[4 + len] != ':')
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no authority is known for the ids of the feed's entries"),
				 errhint("Set \"%s\" to a domain of yours and a date, as in example.org,2026, or give the feed an id such as tag:example.org,2026:stream.",
						 AUTHORITY_SETTING)));
	return pnstrdup(feed_id + 4, len);
}

/* An argument of the aggregate that describes the feed; an error if it is null. */
static char *
feed_argument(FunctionCallInfo fcinfo, int arg, const char *name)
{
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s of a feed must not be null", name)));
	return text_to_cstring(PG_GETARG_TEXT_PP(arg));
}

/*
 * FeedHeadRead
 *		Read the arguments of the aggregate that describe the feed, from the third on.
 *
 * Raises ERRCODE_NULL_VALUE_NOT_ALLOWED if one is null, or ERRCODE_INVALID_PARAMETER_VALUE.
 */
void
FeedHeadRead(FeedHead *head, FunctionCallInfo fcinfo)
{
	memset(head, 0, sizeof(FeedHead));
	head->id = UriEncode(feed_argument(fcinfo, 2, "id"));
	head->title = feed_argument(fcinfo, 3, "title");
	head->link = UriEncode(feed_argument(fcinfo, 4, "link"));
	if (PG_NARGS() > 5 && !PG_ARGISNULL(5))
	{
		head->language = text_to_cstring(PG_GETARG_TEXT_PP(5));
		LanguageNotice(head->language);
	}

	if (UriSchemeLength(head->id) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("id of a feed must be a URI: \"%s\"", head->id),
				 errhint("Use the address of the feed, or an id such as tag:example.org,2026:stream.")));
	if (!UriIsWebAddress(head->link))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("link of a feed must be an http or https address: \"%s\"", head->link)));
}

static const Ref *
reference(ActionRow *row, AttrNumber column)
{
	bool		isnull;
	Datum		value = ActionRowGet(row, column, &isnull);

	return isnull ? NULL : (const Ref *) PG_DETOAST_DATUM_COPY(value);
}

/*
 * Read an action from a row, into the current memory context; false if a column is null
 * that is not null in any stored action.
 */
static bool
read_action(FeedAction *action, HeapTupleHeader header)
{
	ActionRow	row;
	bool		no_id;
	bool		no_timestamp;
	bool		complete;

	ActionRowBegin(&row, header);
	action->id = DatumGetInt64(ActionRowGet(&row, Anum_action_id, &no_id));
	action->timestamp = DatumGetTimestampTz(ActionRowGet(&row, Anum_action_timestamp,
														 &no_timestamp));
	action->objects[FEED_ACTOR] = reference(&row, Anum_action_actor);
	action->verb = ActionRowText(&row, Anum_action_verb);
	complete = !no_id && !no_timestamp && action->objects[FEED_ACTOR] != NULL &&
		action->verb != NULL;
	if (complete)
	{
		action->objects[FEED_OBJECT] = reference(&row, Anum_action_action_object);
		action->objects[FEED_TARGET] = reference(&row, Anum_action_target);
		action->description = ActionRowText(&row, Anum_action_description);
	}
	ActionRowEnd(&row);
	return complete;
}

/*
 * feed_collect
 *		Transition function of all feeds: add the action to the state.
 *
 * The first row, which may have no action, determines id, title and link.
 */
Datum
actstream_feed_collect(PG_FUNCTION_ARGS)
{
	MemoryContext aggregate;
	MemoryContext caller;
	FeedState  *state = PG_ARGISNULL(0) ? NULL : (FeedState *) PG_GETARG_POINTER(0);

	if (!AggCheckCallContext(fcinfo, &aggregate))
		elog(ERROR, "feed_collect called in non-aggregate context");

	caller = MemoryContextSwitchTo(aggregate);
	if (state == NULL)
	{
		state = palloc0(sizeof(FeedState));
		FeedHeadRead(&state->head, fcinfo);
	}
	if (!PG_ARGISNULL(1))
	{
		if (state->nactions == state->size)
		{
			state->size = Max(state->size * 2, 32);
			state->actions = state->actions == NULL ?
				palloc(sizeof(FeedAction) * state->size) :
				repalloc_huge(state->actions, sizeof(FeedAction) * state->size);
		}
		if (read_action(&state->actions[state->nactions], PG_GETARG_HEAPTUPLEHEADER(1)))
			state->nactions++;
	}
	MemoryContextSwitchTo(caller);
	PG_RETURN_POINTER(state);
}

/* When the feed last changed: the time of its newest action, or now if it has none. */
static TimestampTz
time_of_update(const FeedState *state)
{
	TimestampTz updated;

	if (state->nactions == 0)
		return GetCurrentTransactionStartTimestamp();
	updated = state->actions[0].timestamp;
	for (int i = 1; i < state->nactions; i++)
		updated = Max(updated, state->actions[i].timestamp);
	return updated;
}

/*
 * FeedOfAggregate
 *		The feed in the state of the aggregate, as the current user sees it, in the
 *		current memory context; for final functions.  NULL if the aggregate got no
 *		rows.
 */
Feed *
FeedOfAggregate(FunctionCallInfo fcinfo)
{
	const FeedState *state;
	const Ref **refs;
	Feed	   *feed;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "feed function called in non-aggregate context");
	if (PG_ARGISNULL(0))
		return NULL;
	state = (const FeedState *) PG_GETARG_POINTER(0);

	feed = palloc0(sizeof(Feed));
	feed->id = state->head.id;
	feed->title = state->head.title;
	feed->link = state->head.link;
	feed->self = UriIsWebAddress(feed->id) ? feed->id : NULL;
	feed->language = state->head.language != NULL ? state->head.language : LanguageSetting();
	feed->updated = time_of_update(state);
	feed->nactions = state->nactions;
	feed->actions = state->actions;
	if (feed->nactions == 0)
		return feed;

	feed->authority = FeedTagAuthority(feed->id);
	refs = palloc_extended(sizeof(Ref *) * NUM_FEED_ROLES * state->nactions, MCXT_ALLOC_HUGE);
	for (int i = 0; i < state->nactions; i++)
	{
		CHECK_FOR_INTERRUPTS();
		memcpy(&refs[i * NUM_FEED_ROLES], state->actions[i].objects,
			   sizeof(Ref *) * NUM_FEED_ROLES);
	}
	ObjectNamesAndUrls(refs, state->nactions * NUM_FEED_ROLES, &feed->names, &feed->urls);
	return feed;
}

/*
 * FeedObjectMake
 *		An object in a feed with that authority and link; NULL for none.  "url" may be NULL.
 */
FeedObject *
FeedObjectMake(const char *authority, const char *link, const Ref *ref, char *name, const char *url)
{
	FeedObject *object;
	StringInfoData id;

	if (ref == NULL)
		return NULL;
	object = palloc(sizeof(FeedObject));
	object->name = name;
	object->url = url == NULL ? NULL : UriResolve(link, UriEncode(url));
	object->label = pnstrdup(VARDATA_ANY(ref), RefLabelLength(ref));

	initStringInfo(&id);
	appendStringInfo(&id, "tag:%s:object/%s:", authority, object->label);
	UriAppendValue(&id, RefKeyText(ref));
	object->id = id.data;
	return object;
}

/*
 * FeedEntryGet
 *		An action as an entry of the feed; in the current memory context, although
 *		parts of it point into the feed.
 */
FeedEntry *
FeedEntryGet(const Feed *feed, int i)
{
	const FeedAction *action = &feed->actions[i];
	FeedEntry  *entry = palloc(sizeof(FeedEntry));
	static const FeedRole by_interest[] = {FEED_OBJECT, FEED_TARGET, FEED_ACTOR};
	SpokenAction spoken = {NUM_FEED_ROLES, feed->actions[i].objects, action->verb, action->timestamp, 1, 1};

	CHECK_FOR_INTERRUPTS();
	entry->id = psprintf("tag:%s:action/" INT64_FORMAT, feed->authority, action->id);
	entry->title = SentenceTitle(&spoken, &feed->names[i * NUM_FEED_ROLES], feed->language);
	entry->verb = action->verb;
	entry->description = action->description;
	entry->published = action->timestamp;
	for (int role = 0; role < NUM_FEED_ROLES; role++)
	{
		int			n = i * NUM_FEED_ROLES + role;

		entry->objects[role] = FeedObjectMake(feed->authority, feed->link, action->objects[role],
											  feed->names[n], feed->urls[n]);
	}

	entry->url = NULL;
	for (int n = 0; n < NUM_FEED_ROLES && entry->url == NULL; n++)
	{
		const FeedObject *object = entry->objects[by_interest[n]];

		entry->url = object != NULL ? object->url : NULL;
	}
	if (entry->url == NULL)
		entry->url = feed->link;
	return entry;
}

/*
 * The time, or the nearest one in the years 1 to 9999, the only ones that feeds can
 * represent.
 */
static TimestampTz
time_to_show(TimestampTz timestamp)
{
	/* days since 2000 */
	const int64 first = date2j(1, 1, 1) - POSTGRES_EPOCH_JDATE;
	const int64 end = date2j(10000, 1, 1) - POSTGRES_EPOCH_JDATE;

	if (timestamp < first * USECS_PER_DAY)
		return first * USECS_PER_DAY;
	if (timestamp >= end * USECS_PER_DAY)
		return end * USECS_PER_DAY - USECS_PER_SEC;
	return timestamp;
}

/*
 * FeedTime
 *		The time in the format of RFC 3339: 2026-03-01T09:00:00Z
 */
char *
FeedTime(TimestampTz timestamp)
{
	return IsoTimestamp(time_to_show(timestamp), true);
}

/*
 * FeedMailTime
 *		The time in the format of RFC 822, with a year of four digits: Sun, 01 Mar 2026
 *		09:00:00 GMT
 */
char *
FeedMailTime(TimestampTz timestamp)
{
	struct pg_tm tm;
	fsec_t		fsec;

	if (timestamp2tm(time_to_show(timestamp), NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("timestamp out of range")));
	return psprintf("%.3s, %02d %s %04d %02d:%02d:%02d GMT",
					days[j2day(date2j(tm.tm_year, tm.tm_mon, tm.tm_mday))],
					tm.tm_mday, months[tm.tm_mon - 1], tm.tm_year,
					tm.tm_hour, tm.tm_min, tm.tm_sec);
}
