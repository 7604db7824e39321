/*
 * track_options.h
 *		The arguments of a trigger made by track(), which say what it does.
 */
#ifndef ACTSTREAM_TRACK_OPTIONS_H
#define ACTSTREAM_TRACK_OPTIONS_H

#include "access/tupdesc.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

/*
 * The arguments of the trigger, all text, so that a dump and \d show what it does.  An
 * absent one is empty.
 */
enum TrackingArg
{
	TRACKING_VERB,
	TRACKING_ACTOR,				/* templates of references */
	TRACKING_ACTION_OBJECT,
	TRACKING_TARGET,
	TRACKING_DESCRIPTION,		/* a template of text */
	TRACKING_PUBLIC,			/* "public" or "private" */
	TRACKING_COLUMNS,			/* name[]: an update counts only if it changes one
								 * of these */
	TRACKING_DATA_COLUMNS,		/* name[]: copied into data */
	TRACKING_TIMESTAMP_COLUMN	/* holds the time of the action */
};

#define NUM_TRACKING_ARGS (TRACKING_TIMESTAMP_COLUMN + 1)

/* instead of a template of a reference: the row itself */
#define SELF_TEMPLATE "{self}"

/* the functions of the triggers, in our schema */
#define TRACKING_FUNCTION	"row_changed"
#define MOVE_FUNCTION		"row_moved"

/* A piece of a template: text, or a column of the row. */
typedef struct TrackingPart
{
	bool		is_column;
	AttrNumber	attnum;			/* InvalidAttrNumber for text, or if the column is gone */
	char	   *text;			/* the text, or the column's name */
} TrackingPart;

/* A template; no parts if it is absent. */
typedef struct TrackingTemplate
{
	bool		is_self;		/* {self}: the row itself */
	bool		is_broken;		/* a column is missing */
	int			nparts;
	TrackingPart *parts;
} TrackingTemplate;

/* The arguments of a trigger, parsed for one table. */
typedef struct Tracking
{
	char	   *verb;
	TrackingTemplate actor;
	TrackingTemplate action_object;
	TrackingTemplate target;
	TrackingTemplate description;
	bool		is_public;
	bool		has_columns;	/* does an update count only if it changes one of these? */
	List	   *columns;		/* of attribute numbers */
	List	   *data_columns;	/* likewise */
	AttrNumber	timestamp_column;	/* or InvalidAttrNumber */
	char	   *problem;		/* names the first missing column, as part of a message;
								 * NULL if none is missing */
} Tracking;

extern char *TrackingColumnsText(List *names);
extern void TrackingParse(Tracking *tracking, char *const *args, int nargs, Relation rel,
						  bool strict);

#endif							/* ACTSTREAM_TRACK_OPTIONS_H */
