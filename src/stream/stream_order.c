/*
 * stream_order.c
 *		The order of a stream, as the planner knows it.
 *
 * A stream comes by "timestamp" and id, the latest action first, whether the query asks for an
 * order or not.
 */
#include "postgres.h"

#include "base/compat.h"
#include "stream/stream_order.h"
#include "tables/own_tables.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/tlist.h"
#include "utils/typcache.h"

static const AttrNumber columns[] = {Anum_action_timestamp, Anum_action_id};
static const Oid types[] = {TIMESTAMPTZOID, INT8OID};

static Var *
make_column(RelOptInfo *rel, int i)
{
	return makeVar(rel->relid, columns[i], types[i], -1, InvalidOid, 0);
}

/*
 * StreamOrder
 *		The pathkeys of the stream that is read from the relation, as far as they are useful to
 *		the query unless "whole".
 *
 * In a subquery they are kept completely, because we do not know what outer queries can use;
 * but those of a partition only as far as they are known of the partitioned table.
 */
List *
StreamOrder(PlannerInfo *root, RelOptInfo *rel, bool whole)
{
	List	   *result = NIL;

	for (int i = 0; i < (int) lengthof(columns); i++)
	{
		Oid			operator = lookup_type_cache(types[i], TYPECACHE_GT_OPR)->gt_opr;
		List	   *pathkey = expression_pathkey(root, (Expr *) make_column(rel, i), operator,
												 rel->relids,
												 (whole || root->parent_root != NULL) &&
												 rel->reloptkind == RELOPT_BASEREL);

		if (pathkey == NIL)
			break;
		/* a constant is no part of a sort order */
		if (!EC_MUST_BE_REDUNDANT(linitial_node(PathKey, pathkey)->pk_eclass))
			result = list_concat(result, pathkey);
	}
	return result;
}

/*
 * StreamOrderPath
 *		A path that scans an index and puts the rows in the order of the stream, whether the
 *		query needs that or not.
 *
 * "lookup" may need no values from other relations, which a Sort cannot be known to need.  It is
 * not changed: the result has a copy.
 */
Path *
StreamOrderPath(PlannerInfo *root, RelOptInfo *rel, const IndexPath *lookup)
{
	List	   *pathkeys = StreamOrder(root, rel, true);
	IndexPath  *path = makeNode(IndexPath);
	PathTarget *target;

	memcpy(path, lookup, sizeof(IndexPath));
	/* all rows have the same place */
	if (pathkeys == NIL)
		return &path->path;
	target = path->path.pathtarget = copy_pathtarget(rel->reltarget);
	for (int i = 0; i < (int) lengthof(columns); i++)
		add_new_column_to_pathtarget(target, (Expr *) make_column(rel, i));
	return (Path *) create_projection_path(root, rel,
										   (Path *) create_sort_path(root, rel, &path->path, pathkeys, -1),
										   rel->reltarget);
}
