/*
 * stream_sources.c
 *		The objects that a call of a stream is about.
 */
#include "postgres.h"

#include "compat.h"
#include "follow_list.h"
#include "stream_sources.h"

static Ref *
ref_arg(const StreamCall *call, int arg)
{
	return DatumGetRefPP(call->args[arg].value);
}

/* A boolean argument, of which null is false. */
static bool
bool_arg(const StreamCall *call, int arg)
{
	return !call->args[arg].isnull && DatumGetBool(call->args[arg].value);
}

/* The sources of a stream that has a follower. */
static SourceSet *
collect_follows(const StreamCall *call, const StreamTables *tables, Snapshot snapshot)
{
	FollowListKey key = {0};

	if (call->args[0].isnull)
		return NULL;
	key.follower = ref_arg(call, 0);
	key.flag = call->args[1].isnull ? NULL : DatumGetTextPP(call->args[1].value);
	key.with_own = bool_arg(call, 2);
	key.since_follow = bool_arg(call, 3);
	return FollowListGet(&key, tables->follow, tables->follow_index, snapshot);
}

/* The sources of a stream of given objects. */
static SourceSet *
collect_objects(const StreamCall *call)
{
	SourceSet  *sources = SourceSetCreate();
	RoleSet		roles = call->args[1].isnull ? 0 :
		RolesFromArray(DatumGetArrayTypeP(call->args[1].value));

	if (!call->args[0].isnull && roles != 0)
		SourceSetAddArray(sources, DatumGetArrayTypeP(call->args[0].value), roles);
	return sources;
}

/* The source of a stream of one object. */
static SourceSet *
collect_object(const StreamCall *call)
{
	static const RoleSet roles[NUM_STREAM_KINDS] = {
		[ACTOR_STREAM] = ROLE_BIT(ACTION_BY_ACTOR),
		[TARGET_STREAM] = ROLE_BIT(ACTION_BY_TARGET),
		[ACTION_OBJECT_STREAM] = ROLE_BIT(ACTION_BY_ACTION_OBJECT),
		[ANY_STREAM] = ALL_ROLES
	};
	SourceSet  *sources = SourceSetCreate();

	if (!call->args[0].isnull)
		SourceSetAdd(sources, ref_arg(call, 0), roles[call->kind]);
	return sources;
}

/*
 * StreamSourcesCollect
 *		The sources of a stream, or NULL if it is not about objects, or about none.
 *
 * They are not to be changed, and stay until the current memory context is reset.
 */
SourceSet *
StreamSourcesCollect(const StreamCall *call, const StreamTables *tables, Snapshot snapshot)
{
	switch (call->kind)
	{
		case PUBLIC_STREAM:
		case MODEL_STREAM:
			return NULL;
		case STREAM_OF:
			return collect_objects(call);
		case USER_STREAM:
			return collect_follows(call, tables, snapshot);
		default:
			return collect_object(call);
	}
}
