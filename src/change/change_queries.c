/*
 * change_queries.c
 *		The statements that find what changes_since() tells.
 */
#include "postgres.h"

#include "base/compat.h"
#include "change/change_queries.h"

#include "catalog/pg_type.h"

/* a change of the action of g that this reader is told sooner or later, or was */
#define OF_ACTION(c) \
	c ".transaction OPERATOR(pg_catalog.<>) $1 AND " c ".incarnation OPERATOR(pg_catalog.=) $2" \
	" AND " c ".operation OPERATOR(pg_catalog.<>) 'G' AND " c ".action_id OPERATOR(pg_catalog.=) g.action_id"

/*
 * Its transaction compares with another one.  Compared as rows, which the index by action compares,
 * so that it is read from there on, or up to there.
 */
#define OF_ACTION_AND(c, operator, transaction) \
	OF_ACTION(c) " AND (" c ".action_id, " c ".transaction) OPERATOR(pg_catalog." operator ")" \
	" (g.action_id, " transaction ")"

/* that has not been told when the call begins */
#define UNTOLD(c) \
	"(" c ".transaction OPERATOR(pg_catalog.>=) $9 OR " c ".transaction OPERATOR(pg_catalog.=) ANY ($6))"

/* a version of an action that a change has replaced */
#define OLD_ACTION(c) \
	"(SELECT actstream_internal.action_of(o) FROM (SELECT " c ".action_id AS id," \
	" " c ".\"timestamp\", " c ".old_public AS public, " c ".old_actor AS actor, " c ".old_verb AS verb," \
	" " c ".old_action_object AS action_object, " c ".old_target AS target) AS o)"

/*
 * Has a change of the action of g, for which the condition holds, been told before that of g?  Where
 * the rest of a transaction is told, that is what earlier calls have told; then come those that the
 * position lists, in order; then those that are later.
 */
#define BEFORE_IN_ORDER(condition) \
	"EXISTS (SELECT FROM actstream.changes e WHERE " OF_ACTION_AND("e", "<", "g.transaction") condition ")"
#define BEFORE_REST(condition) \
	"EXISTS (SELECT FROM actstream.changes e WHERE " OF_ACTION_AND("e", "<", "$9") \
	" AND e.transaction OPERATOR(pg_catalog.<>) ALL ($6)" \
	" AND e.transaction OPERATOR(pg_catalog.<>) g.transaction" condition ")"
#define BEFORE_LISTED(condition)	"(" BEFORE_REST(condition) " OR " BEFORE_IN_ORDER(condition) ")"

/*
 * Has the transaction of c made the action?  Not if others had seen it before: then it has been moved to
 * another partition, or inserted in place of one that was deleted.
 */
#define HAS_MADE(c) \
	c ".operation OPERATOR(pg_catalog.=) 'I' AND NOT EXISTS (SELECT FROM actstream.changes s" \
	" WHERE s.transaction OPERATOR(pg_catalog.=) " c ".transaction" \
	" AND s.action_id OPERATOR(pg_catalog.=) " c ".action_id AND s.old_actor IS NOT NULL)"

/*
 * "m", if the action is there: "made", whether it is told as inserted.  That is done by the
 * transaction that has made it: unless one that has found it there is told before.  That one is told
 * as having inserted it, if it is the first.
 */
#define MADE(before) \
	" LEFT JOIN LATERAL (SELECT CASE" \
	" WHEN g.old IS NULL THEN NOT " before(" AND e.recorded OPERATOR(pg_catalog.>) g.recorded") \
	" ELSE NOT " before("") " AND EXISTS (SELECT FROM actstream.changes e WHERE " OF_ACTION_AND("e", ">", "g.transaction") \
	" AND " HAS_MADE("e") " AND " UNTOLD("e") ") END AS made WHERE n.id IS NOT NULL OFFSET 0) AS m ON true"

/*
 * What a transaction has changed is told once for each action, with what the action is now.
 * A row is returned for each action, if only to tell that it has been looked at.  One that
 * came and went in the same transaction, or has gone by a later one, is told then or never.
 *
 *	g	an action that a transaction has changed, "old" being what it was before, as others
 *		have seen it: one version, or null if the transaction has made it
 *	n	what it is now; no row if it is gone, or if policies hide it
 *
 * There is no ORDER BY at the end, which might sort everything before the first row.  The rows stay
 * in the order of g: OFFSET keeps the planner from joining in another way than row by row.
 */
#define CHANGES(condition, join, told) \
	"SELECT g.transaction, g.action_id, t.viewer, t.operation, t.action FROM (" \
	"SELECT c.transaction, c.action_id, pg_catalog.min(c.recorded) AS recorded," \
	" pg_catalog.count(*) FILTER (WHERE c.operation OPERATOR(pg_catalog.=) 'D') OPERATOR(pg_catalog.>)" \
	" pg_catalog.count(*) FILTER (WHERE c.operation OPERATOR(pg_catalog.=) 'I') AS deleted," \
	" pg_catalog.array_agg(" OLD_ACTION("c") ") FILTER (WHERE c.old_actor IS NOT NULL) AS old" \
	" FROM actstream.changes c" \
	" WHERE c.transaction OPERATOR(pg_catalog.<>) $1 AND c.incarnation OPERATOR(pg_catalog.=) $2" \
	" AND c.operation OPERATOR(pg_catalog.<>) 'G' AND " condition \
	" GROUP BY c.transaction, c.action_id ORDER BY c.transaction, c.action_id LIMIT $3) AS g" \
	" LEFT JOIN LATERAL (SELECT a.id, actstream_internal.action_of(a) AS action FROM actstream.actions a" \
	" WHERE a.id OPERATOR(pg_catalog.=) g.action_id OFFSET 0) AS n ON true" join \
	" LEFT JOIN LATERAL (" told " OFFSET 0) AS t ON true"

/*
 * Nothing; but the caller must have the rights that those changes take, and on what else is read.  The
 * subquery is not even planned.
 */
#define RIGHTS(changes, others) \
	"SELECT FROM (SELECT FROM (" changes ") AS c" others " OFFSET 0) AS s WHERE false"

#define STATEMENT(text) { \
	.sql = text, \
	.nargs = NUM_ARGS, \
	.argtypes = {XID8OID, INT8OID, INT8OID, XID8OID, INT8OID, XID8ARRAYOID, REF_ARRAY_ARG, \
		XID8OID, XID8OID}, \
	.by_index = true}

/* the rest of a transaction; those that the position lists, and have ended; those that are later */
#define REST	"c.transaction OPERATOR(pg_catalog.=) $4 AND c.action_id OPERATOR(pg_catalog.>) $5"
#define AFTER	"(c.transaction, c.action_id) OPERATOR(pg_catalog.>) ($4, $5)"
#define LISTED	"c.transaction OPERATOR(pg_catalog.=) ANY ($6) AND " AFTER
/* a bound, for there may be many rows of another incarnation, whose ids are higher */
#define LATER	"c.transaction OPERATOR(pg_catalog.<) $8 AND " AFTER

/* of what is gone, a role under policies is told no more than that it is gone */
#define UNDER_POLICIES	"pg_catalog.row_security_active('actstream.actions'::pg_catalog.regclass)"
#define GONE \
	"CASE WHEN " UNDER_POLICIES " THEN (SELECT actstream_internal.action_of(o)" \
	" FROM (SELECT g.action_id AS id, (g.old[1]).\"timestamp\") AS o) ELSE g.old[1] END"

/*
 * "d", a deletion of the action that is told later: the last that has happened to it, by a
 * transaction that has not inserted it again.  It is no fault to find none, for then the action is
 * told as deleted twice.
 */
#define DELETION \
	"FROM actstream.changes d WHERE d.action_id OPERATOR(pg_catalog.=) g.action_id" \
	" AND d.operation OPERATOR(pg_catalog.=) 'D' AND d.transaction OPERATOR(pg_catalog.=)" \
	" (SELECT l.transaction FROM actstream.changes l WHERE " OF_ACTION_AND("l", ">", "g.transaction") \
	" ORDER BY l.action_id DESC, l.transaction DESC LIMIT 1)" \
	" AND (d.transaction OPERATOR(pg_catalog.>=) $9 OR d.transaction OPERATOR(pg_catalog.=) ANY ($6))" \
	" AND NOT EXISTS (SELECT FROM actstream.changes i" \
	" WHERE i.transaction OPERATOR(pg_catalog.=) d.transaction" \
	" AND i.action_id OPERATOR(pg_catalog.=) d.action_id AND i.operation OPERATOR(pg_catalog.=) 'I')"

/*
 * To whoever asks.  What a policy hides now has gone for the caller, if it has not been deleted
 * since.
 */
#define TOLD \
	"SELECT NULL::actstream.ref AS viewer, CASE WHEN n.id IS NULL THEN 'delete'" \
	" WHEN m.made THEN 'insert' ELSE 'update' END AS operation," \
	" CASE WHEN n.id IS NULL THEN " GONE " ELSE n.action END AS action" \
	" WHERE n.id IS NOT NULL OR (g.old IS NOT NULL AND (g.deleted OR (" UNDER_POLICIES \
	" AND NOT EXISTS (SELECT " DELETION "))))"

/*
 * The viewers in whose streams an action is.  If it has many more followers than there are
 * viewers, each of these is looked up among them; without OFFSET, all would be read.  Otherwise
 * the viewers are a hash table, by IS TRUE, in which each follower is looked up.
 */
#define VIEWERS		"SELECT v.viewer FROM pg_catalog.unnest($7) AS v (viewer)"
#define MANY		"(4 OPERATOR(pg_catalog.*) pg_catalog.cardinality($7))"
#define IN_AUDIENCE(action) \
	"(SELECT w.viewer FROM (SELECT pg_catalog.count(*) OPERATOR(pg_catalog.>) " MANY " AS many" \
	" FROM (SELECT FROM actstream.follows f WHERE f.followee OPERATOR(pg_catalog.=)" \
	" ANY (ARRAY[(" action ").actor, (" action ").target, (" action ").action_object])" \
	" LIMIT " MANY " OPERATOR(pg_catalog.+) 1) AS f) AS k" \
	" CROSS JOIN LATERAL (SELECT f.viewer FROM actstream.audience(" action ") AS f (viewer)" \
	" WHERE NOT k.many AND (f.viewer OPERATOR(pg_catalog.=) ANY (" VIEWERS ")) IS TRUE" \
	" UNION ALL SELECT v.viewer FROM (SELECT DISTINCT v.viewer FROM (" VIEWERS ") AS v) AS v" \
	" CROSS JOIN LATERAL (SELECT FROM actstream.audience(" action ") AS f (viewer)" \
	" WHERE f.viewer OPERATOR(pg_catalog.=) v.viewer OFFSET 0) AS f WHERE k.many) AS w)"

/*
 * "u", if the action is there and this call has told no other change of it, which are "others": of
 * the changes that have not been told when the call begins, whether one has "made" it, and the
 * "versions" that the others have replaced.  $6 is in order.
 */
#define UNTOLD_VERSIONS(others) \
	" LEFT JOIN LATERAL (SELECT pg_catalog.bool_or(" HAS_MADE("c") ") AS made," \
	" pg_catalog.array_agg(DISTINCT " OLD_ACTION("c") ") FILTER (WHERE c.old_actor IS NOT NULL) AS versions" \
	" FROM actstream.changes c WHERE " OF_ACTION_AND("c", ">=", "LEAST($9, g.transaction, ($6)[1])") \
	" AND (" UNTOLD("c") " OR c.transaction OPERATOR(pg_catalog.=) g.transaction)" \
	" AND n.id IS NOT NULL" others " HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0 OFFSET 0) AS u ON true"

/* of those that the position lists, those before; and of the others, these and those before */
#define NO_LISTED \
	" AND NOT EXISTS (SELECT FROM actstream.changes e WHERE " OF_ACTION_AND("e", ">=", "($6)[1]") \
	" AND " OF_ACTION_AND("e", "<", "g.transaction") " AND e.transaction OPERATOR(pg_catalog.=) ANY ($6))"
#define NO_LATER \
	" AND (g.action_id OPERATOR(pg_catalog.=) ANY (SELECT e.action_id FROM actstream.changes e" \
	" WHERE e.transaction OPERATOR(pg_catalog.=) ANY ($6) AND e.incarnation OPERATOR(pg_catalog.=) $2" \
	" AND e.operation OPERATOR(pg_catalog.<>) 'G')) IS NOT TRUE" \
	" AND NOT EXISTS (SELECT FROM actstream.changes e WHERE " OF_ACTION_AND("e", ">=", "$9") \
	" AND e.transaction OPERATOR(pg_catalog.<) g.transaction)"

/*
 * To viewers, whose streams the action has come to, has changed in, or has left.
 *
 * What they know of it is not known, as an earlier call may have told the state of that time.  So it
 * is told as inserted, by the first change that a call tells, to those who have not seen all of the
 * versions that there were since; and as deleted by each change of a version that they saw.  What
 * was deleted since, from a version that they saw as they saw this one, is told then.
 */
#define TOLD_TO \
	"SELECT w.viewer, CASE WHEN NOT pg_catalog.bool_or(w.is_in) THEN 'delete'" \
	" WHEN u.made OR pg_catalog.sum(w.known) OPERATOR(pg_catalog.<) pg_catalog.cardinality(u.versions)" \
	" THEN 'insert' ELSE 'update' END AS operation," \
	" CASE WHEN pg_catalog.bool_or(w.is_in) THEN n.action ELSE " GONE " END AS action" \
	" FROM (SELECT a.viewer, true AS is_in, false AS was_in, 0 AS known FROM " IN_AUDIENCE("n.action") " AS a" \
	" UNION ALL" \
	" SELECT a.viewer, false, false, 1 FROM pg_catalog.unnest(u.versions) AS o" \
	" CROSS JOIN LATERAL " IN_AUDIENCE("o::actstream.action") " AS a" \
	" UNION ALL" \
	" SELECT a.viewer, false, true, 0 FROM pg_catalog.unnest(g.old) AS o" \
	" CROSS JOIN LATERAL " IN_AUDIENCE("o::actstream.action") " AS a" \
	" WHERE n.id IS NOT NULL OR g.deleted OR NOT EXISTS (SELECT " DELETION \
	" AND ROW(d.old_public, d.old_actor, d.old_verb, d.old_action_object, d.old_target)" \
	"::pg_catalog.record OPERATOR(pg_catalog.*=)" \
	" ROW(o.public, o.actor, o.verb, o.action_object, o.target)::pg_catalog.record)) AS w" \
	" GROUP BY w.viewer HAVING pg_catalog.bool_or(w.is_in) OR pg_catalog.bool_or(w.was_in) ORDER BY w.viewer"

/* what audience() reads */
#define FOLLOWS_AND_MUTES \
	", (SELECT f.follower, f.followee, f.actor_only, f.verbs, f.flag, m.muter, m.muted, m.verbs, m.until, m.block" \
	" FROM actstream.follows f, actstream.mutes m) AS f"

static SpiPlan for_caller[NUM_PHASES] = {
	STATEMENT(RIGHTS(CHANGES(REST, MADE(BEFORE_REST), TOLD), "")),
	STATEMENT(CHANGES(REST, MADE(BEFORE_REST), TOLD)),
	STATEMENT(CHANGES(LISTED, MADE(BEFORE_LISTED), TOLD)),
	STATEMENT(CHANGES(LATER, MADE(BEFORE_IN_ORDER), TOLD))
};
static SpiPlan for_viewers[NUM_PHASES] = {
	STATEMENT(RIGHTS(CHANGES(REST, UNTOLD_VERSIONS(""), TOLD_TO), FOLLOWS_AND_MUTES)),
	STATEMENT(CHANGES(REST, UNTOLD_VERSIONS(""), TOLD_TO)),
	STATEMENT(CHANGES(LISTED, UNTOLD_VERSIONS(NO_LISTED), TOLD_TO)),
	STATEMENT(CHANGES(LATER, UNTOLD_VERSIONS(NO_LATER), TOLD_TO))
};

/*
 * ChangeQueries
 *		The statements for each phase: for viewers or for whoever calls.
 */
SpiPlan *
ChangeQueries(bool to_viewers)
{
	return to_viewers ? for_viewers : for_caller;
}
