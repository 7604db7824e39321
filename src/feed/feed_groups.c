/*
 * feed_groups.c
 *		Groups of actions as a page of a collection of Activity Streams 2.0.
 *
 * A group is a collection itself, whose items are the actions of its sample.  As for feeds of
 * actions, the state of the aggregate holds the rows, and the final function looks up all of
 * their objects at once.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/uri.h"
#include "display/language.h"
#include "display/object_name.h"
#include "display/sentence.h"
#include "feed/feed.h"
#include "feed/feed_activity_streams_2.h"
#include "feed/feed_vocabulary.h"
#include "group/group_cursor.h"
#include "tables/action_group.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/datum.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(actstream_group_feed_collect);
PG_FUNCTION_INFO_V1(actstream_activity_streams_2_groups_final);

/* The state of the aggregate. */
typedef struct GroupFeedState
{
	FeedHead	head;
	List	   *rows;			/* HeapTupleHeader */
} GroupFeedState;

/* A group of the page. */
typedef struct FeedGroup
{
	ActionGroup group;
	SpokenAction spoken;
	char	  **names;			/* of the objects of "spoken" */
	FeedObject **objects;
} FeedGroup;

/* A page of groups. */
typedef struct GroupFeed
{
	const FeedHead *head;
	char	   *authority;		/* NULL if there are no groups */
	TimestampTz updated;
	int			ngroups;
	FeedGroup  *groups;
} GroupFeed;

/*
 * group_feed_collect
 *		Transition function: add the group to the state.
 */
Datum
actstream_group_feed_collect(PG_FUNCTION_ARGS)
{
	MemoryContext aggregate;
	MemoryContext caller;
	GroupFeedState *state = PG_ARGISNULL(0) ? NULL : (GroupFeedState *) PG_GETARG_POINTER(0);

	if (!AggCheckCallContext(fcinfo, &aggregate))
		elog(ERROR, "group_feed_collect called in non-aggregate context");

	caller = MemoryContextSwitchTo(aggregate);
	if (state == NULL)
	{
		state = palloc0(sizeof(GroupFeedState));
		FeedHeadRead(&state->head, fcinfo);
	}
	if (!PG_ARGISNULL(1))
		state->rows = lappend(state->rows,
							  DatumGetPointer(datumCopy(PointerGetDatum(PG_GETARG_HEAPTUPLEHEADER(1)),
														false, -1)));
	MemoryContextSwitchTo(caller);
	PG_RETURN_POINTER(state);
}

/* Look up the objects of all groups. */
static void
find_objects(GroupFeed *feed)
{
	int			nrefs = 0;
	int			n = 0;
	const Ref **refs;
	char	  **names;
	char	  **urls;

	for (int i = 0; i < feed->ngroups; i++)
		nrefs += feed->groups[i].spoken.nobjects;
	refs = palloc_extended(sizeof(Ref *) * (nrefs + 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < feed->ngroups; i++)
	{
		const SpokenAction *spoken = &feed->groups[i].spoken;

		memcpy(&refs[n], spoken->objects, sizeof(Ref *) * spoken->nobjects);
		n += spoken->nobjects;
	}
	ObjectNamesAndUrls(refs, nrefs, &names, &urls);
	n = 0;
	for (int i = 0; i < feed->ngroups; i++)
	{
		FeedGroup  *group = &feed->groups[i];

		CHECK_FOR_INTERRUPTS();
		group->names = &names[n];
		group->objects = palloc(sizeof(FeedObject *) * group->spoken.nobjects);
		for (int j = 0; j < group->spoken.nobjects; j++, n++)
			group->objects[j] = FeedObjectMake(feed->authority, feed->head->link, refs[n], names[n],
											   urls[n]);
	}
}

/* The page, as the current user sees it; groups that name no actor are left out. */
static void
make_feed(GroupFeed *feed, const GroupFeedState *state)
{
	ListCell   *lc;

	memset(feed, 0, sizeof(GroupFeed));
	feed->head = &state->head;
	feed->groups = palloc_extended(sizeof(FeedGroup) * (list_length(state->rows) + 1), MCXT_ALLOC_HUGE);
	foreach(lc, state->rows)
	{
		FeedGroup  *group = &feed->groups[feed->ngroups];

		CHECK_FOR_INTERRUPTS();
		if (!ActionGroupRead(&group->group, lfirst(lc)) || !SpokenGroupRead(&group->spoken, lfirst(lc)))
			continue;
		if (feed->ngroups++ == 0 || group->group.newest > feed->updated)
			feed->updated = group->group.newest;
	}
	if (feed->ngroups == 0)
	{
		feed->updated = GetCurrentTransactionStartTimestamp();
		return;
	}
	feed->authority = FeedTagAuthority(feed->head->id);
	find_objects(feed);
}

/* The objects that all actions have in common, as members. */
static void
write_objects(JsonWriter *json, const FeedGroup *group)
{
	const FeedObject *object = group->objects[WORD_ACTION_OBJECT];
	const FeedObject *target = group->objects[WORD_TARGET];

	if (object != NULL)
	{
		JsonKey(json, "object");
		FeedObject2(json, object, FeedType2(object->label));
	}
	if (target != NULL)
	{
		JsonKey(json, "target");
		FeedObject2(json, target, FeedType2(target->label));
	}
}

/* An action of the sample: what is known of it. */
static void
write_action(JsonWriter *json, const GroupFeed *feed, const FeedGroup *group, int64 id)
{
	const char *verb = group->group.verb;
	const char *type = verb == NULL ? NULL : FeedVerb2(verb);

	JsonMark(json, WJB_BEGIN_OBJECT);
	JsonMember(json, "id", psprintf("tag:%s:action/" INT64_FORMAT, feed->authority, id));
	JsonMember(json, "type", type != NULL ? type : "Activity");
	JsonMember(json, "verb", verb);
	if (group->group.objects[ACTION_BY_ACTOR] != NULL)
	{
		JsonKey(json, "actor");
		FeedObject2(json, group->objects[WORD_ACTOR], FeedActorType2(group->objects[WORD_ACTOR]->label));
	}
	write_objects(json, group);
	JsonMark(json, WJB_END_OBJECT);
}

/* The actors of the sample. */
static void
write_actors(JsonWriter *json, const FeedGroup *group)
{
	JsonKey(json, "attributedTo");
	JsonMark(json, WJB_BEGIN_ARRAY);
	for (int i = 0; i < group->spoken.nobjects; i++)
	{
		if (i == WORD_ACTOR || i >= NUM_OBJECT_WORDS)
			FeedObject2(json, group->objects[i], FeedActorType2(group->objects[i]->label));
	}
	JsonMark(json, WJB_END_ARRAY);
}

static void
write_group(JsonWriter *json, const GroupFeed *feed, const FeedGroup *group)
{
	const char *language = feed->head->language != NULL ? feed->head->language : LanguageSetting();

	JsonMark(json, WJB_BEGIN_OBJECT);
	if (group->group.cursor != NULL)
		JsonMember(json, "id", psprintf("tag:%s:group/%s", feed->authority,
										GroupCursorLastGroup(group->group.cursor)));
	JsonMember(json, "type", "OrderedCollection");
	JsonMember(json, "verb", group->group.verb);
	JsonHtmlMember(json, "summary", SentenceTitle(&group->spoken, group->names, language));
	JsonNumberMember(json, "totalItems", group->group.actions);
	JsonMember(json, "published", FeedTime(group->group.oldest));
	JsonMember(json, "updated", FeedTime(group->group.newest));
	write_actors(json, group);
	JsonKey(json, "orderedItems");
	JsonMark(json, WJB_BEGIN_ARRAY);
	for (int i = 0; i < group->group.nids; i++)
		write_action(json, feed, group, group->group.action_sample[i]);
	JsonMark(json, WJB_END_ARRAY);
	JsonMark(json, WJB_END_OBJECT);
}

static void
write_groups(JsonWriter *json, const GroupFeed *feed)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "actstream feed entry",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);

	JsonKey(json, "orderedItems");
	JsonMark(json, WJB_BEGIN_ARRAY);
	for (int i = 0; i < feed->ngroups; i++)
	{
		CHECK_FOR_INTERRUPTS();
		write_group(json, feed, &feed->groups[i]);
		MemoryContextReset(context);
	}
	JsonMark(json, WJB_END_ARRAY);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

/*
 * activity_streams_2_groups
 *		Final function.
 */
Datum
actstream_activity_streams_2_groups_final(PG_FUNCTION_ARGS)
{
	GroupFeed	feed;
	JsonWriter	json;
	const char *last;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "feed function called in non-aggregate context");
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	make_feed(&feed, (const GroupFeedState *) PG_GETARG_POINTER(0));
	last = feed.ngroups == 0 ? NULL : feed.groups[feed.ngroups - 1].group.cursor;
	JsonBegin(&json, WJB_BEGIN_OBJECT);
	FeedContext2(&json, feed.authority);
	JsonMember(&json, "id", feed.head->link);
	JsonMember(&json, "type", "OrderedCollectionPage");
	JsonMember(&json, "name", feed.head->title);
	JsonMember(&json, "partOf", feed.head->id);
	JsonMember(&json, "updated", FeedTime(feed.updated));
	if (last != NULL)
		JsonMember(&json, "next", UriWithParameter(feed.head->link, "before", last));
	write_groups(&json, &feed);
	PG_RETURN_DATUM(JsonEnd(&json, WJB_END_OBJECT));
}
