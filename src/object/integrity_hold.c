/*
 * integrity_hold.c
 *		Whether the object of a reference exists, answered without an error.
 *
 * A statement that stores a reference fails if the object does not exist, see
 * integrity.c.  But where a trigger makes a reference from a row that a user writes, an
 * error would fail that user's statement.  So these functions return false for whatever
 * goes wrong.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/attempt.h"
#include "base/run_as.h"
#include "object/integrity.h"
#include "object/integrity_hold.h"
#include "object/object_row.h"
#include "object/owner_watch.h"
#include "object/table_warning.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/rel.h"
#include "utils/rls.h"

/* What to check, with what, and the result. */
typedef struct HoldQuestion
{
	Relation	rel;
	const RegisteredType *type;
	const Ref  *ref;
	Oid			owner;
	Snapshot	before;
	Snapshot	seen_with;		/* InvalidSnapshot: now */
	bool		holds;
} HoldQuestion;

/*
 * Does row-level security let the role see the row, if there is one?  If "before" is not
 * InvalidSnapshot, that is about the row as that snapshot sees it.
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

/*
 * May the owner of what refers to the row see it?  Policies are not evaluated as that role, who is
 * not there, unless the role that has written them could act as that role anyway.
 */
static bool
owner_may_see_row(const HoldQuestion *question, Snapshot before)
{
	Relation	rel = question->rel;

	return check_enable_rls(RelationGetRelid(rel), question->owner, true) != RLS_ENABLED ||
		(has_privs_of_role(rel->rd_rel->relowner, question->owner) &&
		 may_see_row(question, question->owner, before));
}

/* WatchedFunction: may both the current user and the owner see the row?  The answer is in "holds". */
static void
look_for_both(void *arg)
{
	HoldQuestion *question = arg;

	/* the owner first, as for that role no query may be needed */
	question->holds = (question->owner == GetUserId() ||
					   owner_may_see_row(question, question->seen_with)) &&
		may_see_row(question, GetUserId(), question->seen_with);
}

/*
 * May both see the row, as of then?  Unlike the object itself, what a policy refers to may be locked by
 * anybody, so that is not waited for as long as it takes.
 */
static bool
both_may_see_row(HoldQuestion *question, Snapshot before)
{
	question->seen_with = before;
	OwnerWatch(question->rel->rd_rel->relowner, look_for_both, question);
	return question->holds;
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
 * Is it certain that looking for the row raises no error: no policy, no query, and no
 * snapshot that could be too old to lock the row?
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
 * Check with an AttemptFunction, which sets question->holds; an error means false.  A
 * row that another transaction has deleted or updated since this one began counts as
 * missing, without a warning.
 */
static void
attempt(AttemptFunction function, HoldQuestion *question)
{
	bool		changed;
	ErrorData  *error = AttemptLock(function, question, &changed);

	if (error == NULL)
		return;
	question->holds = false;
	if (!changed &&
		TableWarnsFirst(RelationGetRelid(question->rel), WARN_OBJECT))
		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("could not look up objects in relation \"%s\": %s",
						RelationGetRelationName(question->rel), error->message),
				 errdetail("Tracked tables send no actions with such an object as the actor, and leave it out of other actions.")));
}

/*
 * Set question->holds, and return it.  An error counts as false: it would fail a
 * statement that is not ours.
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
 *		Does the object that "ref" names exist, and may both the current user and
 *		"owner" see it?
 *
 * If so, and if its type is checked, locks the row FOR KEY SHARE, as storing the
 * reference does.  A row that row-level security hides counts as missing.  A row that
 * was deleted after the snapshot "before" counts as present if its type keeps references
 * to deleted rows.
 *
 * Raises no errors except those of waiting for a lock and of query cancellation.
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
