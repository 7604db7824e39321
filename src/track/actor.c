/*
 * actor.c
 *		The setting actstream.actor: the actor of actions that give no other.
 *
 * The setting is context, not identity: every role that can run SQL can set it.  To
 * restrict which actors a role may use, define policies on actstream.actions.
 */
#include "postgres.h"

#include "base/compat.h"
#include "object/registry.h"
#include "track/actor.h"

#include "utils/builtins.h"
#include "utils/guc.h"

#define ACTOR_SETTING "actstream.actor"

PG_FUNCTION_INFO_V1(actstream_set_actor);
PG_FUNCTION_INFO_V1(actstream_current_actor);

/* actstream.actor: a reference, or empty for none */
static char *actor_setting = NULL;

static bool
check_actor(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || (*newval)[0] == '\0' || RefIsWellFormed(*newval))
		return true;
	GUC_check_errdetail("It must be a reference, written label:key, or empty.");
	return false;
}

/*
 * ActorDefineSetting
 *		Define the setting; called once, when the library is loaded.
 */
void
ActorDefineSetting(void)
{
	DefineCustomStringVariable(ACTOR_SETTING,
							   "Sets the actor of tracked changes that give no other.",
							   "A reference, written label:key; empty for none.",
							   &actor_setting,
							   "",
							   PGC_USERSET,
							   0,
							   check_actor,
							   NULL,
							   NULL);
}

/*
 * CurrentActor
 *		The actor that is set, or NULL.
 */
Ref *
CurrentActor(void)
{
	const char *colon;

	if (actor_setting == NULL || actor_setting[0] == '\0')
		return NULL;
	colon = strchr(actor_setting, ':');
	return RefFromText(actor_setting, colon - actor_setting,
					   colon + 1, strlen(colon + 1));
}

/*
 * set_actor(ref, is_local): null means none.
 *
 * Raises ERRCODE_UNDEFINED_OBJECT for a label that is not registered: tracked tables would send
 * nothing, and say so once.
 */
Datum
actstream_set_actor(PG_FUNCTION_ARGS)
{
	Ref		   *actor = PG_ARGISNULL(0) ? NULL : PG_GETARG_REF_PP(0);
	char	   *value = actor == NULL ? "" : RefToText(actor);
	bool		is_local = PG_ARGISNULL(1) || PG_GETARG_BOOL(1);

	if (actor != NULL && RegistryLookupRef(actor) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("object type \"%.*s\" is not registered", RefLabelLength(actor),
						VARDATA_ANY(actor)),
				 errdetail("The actor is \"%s\".", value),
				 errhint("%s", RegistryLabelHint(VARDATA_ANY(actor), RefLabelLength(actor)))));
	(void) set_config_option(ACTOR_SETTING, value, PGC_USERSET, PGC_S_SESSION,
							 is_local ? GUC_ACTION_LOCAL : GUC_ACTION_SET,
							 true, 0, false);
	PG_RETURN_VOID();
}

/*
 * current_actor()
 */
Datum
actstream_current_actor(PG_FUNCTION_ARGS)
{
	Ref		   *actor = CurrentActor();

	if (actor == NULL)
		PG_RETURN_NULL();
	PG_RETURN_REF_P(actor);
}
