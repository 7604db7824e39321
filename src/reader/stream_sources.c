/*
 * stream_sources.c
 *		What a stream is about: the arguments of the conditions in stream_functions.c.
 *
 * Results are in the current memory context, may point into the arguments, and must not
 * be changed.  No argument causes an error.
 */
#include "postgres.h"

#include "base/compat.h"
#include "reader/followed_sources.h"
#include "reader/source_filter.h"
#include "reader/stream_sources.h"

#include "utils/timestamp.h"

/* A boolean argument; null counts as false. */
static bool
bool_arg(NullableDatum arg)
{
	return !arg.isnull && DatumGetBool(arg.value);
}

/*
 * The sources of in_user_stream().  Its last arguments are arrays of follows and mutes, and
 * null is an empty one.  With "kept_follows" the session's kept list is used instead.
 */
static SourceSet *
sources_of_user(const NullableDatum *args, bool kept_follows, Snapshot snapshot)
{
	static const SourceTerm own = {.roles = ROLE_BIT(ACTION_BY_ACTOR), .since = DT_NOBEGIN};
	FollowListKey key = {0};
	SourceSet  *sources;
	SourceSet  *hidden;

	if (args[0].isnull)
		return NULL;
	key.follower = DatumGetRefPP(args[0].value);
	key.flag = args[1].isnull ? NULL : DatumGetTextPP(args[1].value);
	key.with_own = bool_arg(args[2]);
	key.since_follow = bool_arg(args[3]);
	if (kept_follows)
		return FollowListGet(&key, snapshot);
	sources = SourceSetCreate(key.since_follow);
	if (!args[4].isnull)
		FollowedSourcesFromRows(sources, DatumGetArrayTypeP(args[4].value));
	if (key.with_own)
		SourceSetAdd(sources, key.follower, &own);
	hidden = SourceSetCreate(false);
	if (!args[5].isnull)
		MutedSourcesFromRows(hidden, DatumGetArrayTypeP(args[5].value), key.follower);
	SourceSetHide(sources, hidden);
	return sources;
}

/* The sources of in_stream_of(). */
static SourceSet *
sources_of_objects(NullableDatum objects, NullableDatum roles)
{
	SourceSet  *sources = SourceSetCreate(false);
	RoleSet		known = roles.isnull ? 0 : DatumGetInt32(roles.value) & ALL_ROLES;

	if (!objects.isnull && known != 0)
		SourceSetAddArray(sources, DatumGetArrayTypeP(objects.value), known);
	return sources;
}

/* The label of in_model_stream(), which is that of the reference. */
static const char *
label_of(NullableDatum arg)
{
	Ref		   *ref;

	if (arg.isnull)
		return NULL;
	ref = DatumGetRefPP(arg.value);
	return pnstrdup(VARDATA_ANY(ref), RefLabelLength(ref));
}

/*
 * StreamSubjectOf
 *		What a condition asks for, by the arguments that follow those of the row.
 *
 * With "kept_follows" (see STREAM_KEPT_FOLLOWS) the follows are from FollowListGet().
 */
StreamSubject
StreamSubjectOf(StreamKind kind, const NullableDatum *args, bool kept_follows,
				Snapshot snapshot)
{
	StreamSubject result = {NULL, NULL};

	switch (kind)
	{
		case PUBLIC_STREAM:
			break;
		case MODEL_STREAM:
			result.label = label_of(args[0]);
			break;
		case STREAM_OF:
			result.sources = sources_of_objects(args[0], args[1]);
			break;
		case USER_STREAM:
			result.sources = sources_of_user(args, kept_follows, snapshot);
			break;
	}
	return result;
}

/*
 * StreamSubjectShows
 *		Is an action, which has a timestamp, about this?  Sources have been indexed.
 */
bool
StreamSubjectShows(const StreamSubject *subject, const ActionRefs *action)
{
	if (subject->label != NULL)
		return ActionHasLabel(action, subject->label, strlen(subject->label));
	return subject->sources != NULL && SourceSetShows(subject->sources, action);
}
