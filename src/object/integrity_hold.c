/*
 * integrity_hold.c
 *		Whether a reference holds, without an error.
 *
 * Who stores a reference gets an error if it does not hold, see integrity.c.  Where a
 * reference is only made along with what somebody else writes, an error would be that
 * one's: so this is a question, whose answer is no for whatever goes wrong.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/attempt.h"
#include "base/run_as.h"
#include "object/integrity.h"
#include "object/integrity_hold.h"
#include "object/object_row.h"
#include "object/table_warning.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/rel.h"
#include "utils/rls.h"

/* Whether a reference holds, and what is needed to find out. */
typedef struct HoldQuestion
{
	Relation	rel;
	const RegisteredType *type;
	const Ref  *ref;
	Oid			owner;
	Snapshot	before;
	bool		holds;
} HoldQuestion;

/*
 * May the role see the row, if there is one, as far as row-level security goes?  If
 * "before" is not InvalidSnapshot, as the row was then.
 */
static bool
may_see_row(const HoldQuestion *question, Oid role, Snapshot before)
{
	Relation	rel = question->rel;
	RunAs		as_before;
	bool		result;

	if (check_enable_rls(RelationGetRelid(rel), role, true) != RLS_ENABLED)
		return true;
	if (pg_class_aclcheck(RelationGetRelid(rel), role, ACL_SELECT) != ACLCHECK_OK ||
		object_aclcheck(NamespaceRelationId, RelationGetNamespace(rel), role,
						ACL_USAGE) != ACLCHECK_OK)
		return false;
	RunAsBegin(&as_before, role, RUN_AS_READER);
	result = before == InvalidSnapshot ?
		ObjectRowFind(rel, question->type, question->ref, ROW_QUERY_VISIBLE) :
		ObjectRowWasThere(rel, question->type, question->ref, ROW_QUERY_VISIBLE, before);
	RunAsEnd(&as_before);
	return result;
}

static bool
both_may_see_row(const HoldQuestion *question, Snapshot before)
{
	return may_see_row(question, GetUserId(), before) &&
		(question->owner == GetUserId() || may_see_row(question, question->owner, before));
}

/* AttemptFunction */
static void
find_and_lock(void *arg)
{
	HoldQuestion *question = arg;

	question->holds = both_may_see_row(question, InvalidSnapshot) &&
		ObjectRowFind(question->rel, question->type, question->ref, ROW_QUERY_LOCK);
}

/* AttemptFunction */
static void
find_before(void *arg)
{
	HoldQuestion *question = arg;

	question->holds = both_may_see_row(question, question->before) &&
		ObjectRowWasThere(question->rel, question->type, question->ref, ROW_QUERY_EXISTS,
						  question->before);
}

/*
 * Is there nothing that could raise an error when the row is looked for: no policy, no
 * query, and no snapshot that is too old to lock it?
 */
static bool
is_plain(const HoldQuestion *question)
{
	Oid			relid = RelationGetRelid(question->rel);

	return !IsolationUsesXactSnapshot() &&
		check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED &&
		check_enable_rls(relid, question->owner, true) != RLS_ENABLED;
}

/*
 * Let an AttemptFunction answer.  A row that another transaction has taken away since
 * this one began is one that does not exist, and no reason to warn.
 */
static void
attempt(AttemptFunction function, HoldQuestion *question)
{
	ErrorData  *error = Attempt(function, question);

	if (error == NULL)
		return;
	question->holds = false;
	if (error->sqlerrcode != ERRCODE_T_R_SERIALIZATION_FAILURE &&
		TableWarnsFirst(RelationGetRelid(question->rel), WARN_OBJECT))
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("could not look for objects of relation \"%s\": %s",
						RelationGetRelationName(question->rel), error->message),
				 errdetail("Tracked tables send no actions of such actors, and other actions without them.")));
}

/*
 * Answer the question, and let what raises an error be a no: it is somebody else's
 * statement that would fail.
 */
static bool
holds(HoldQuestion *question)
{
	ProbeResult result = is_plain(question) ?
		ObjectRowProbe(question->rel, question->type, question->ref, ROW_QUERY_LOCK) :
		PROBE_IMPOSSIBLE;

	if (result != PROBE_IMPOSSIBLE)
		question->holds = result == PROBE_PRESENT;
	else
		attempt(find_and_lock, question);
	if (!question->holds && question->type->on_delete == ON_DELETE_KEEP)
		attempt(find_before, question);
	return question->holds;
}

/*
 * IntegrityReferenceHolds
 *		Does what "ref" names exist, and may both the current user and "owner" see it?
 *
 * If so, and its type is checked, the row is locked FOR KEY SHARE, as it is for whoever
 * stores the reference.  A row that is hidden by row-level security is one that does not
 * exist.  One that has been deleted since the snapshot "before" does exist if its type
 * keeps references to what is deleted.
 *
 * Raises no errors but those of waiting for a lock, and of being canceled.
 */
bool
IntegrityReferenceHolds(const Ref *ref, Oid owner, Snapshot before)
{
	HoldQuestion question = {.ref = ref,.owner = owner,.before = before};
	RegisteredType type;

	if (!IntegrityLockTypeOf(ref, RowShareLock, &type))
		return false;
	if (!type.checked)
		return true;
	question.type = &type;
	question.rel = type.nkeys == 0 ? NULL : try_table_open(type.relation, NoLock);
	if (question.rel == NULL)
		return false;
	(void) holds(&question);
	table_close(question.rel, NoLock);
	return question.holds;
}
