/*
 * sentence.c
 *		An action in words: "Ann closed It does not fly on acme/rocket 3 hours ago".
 */
#include "postgres.h"

#include "compat.h"
#include "catalog.h"
#include "object_name.h"
#include "sentence.h"
#include "timesince.h"

#include "access/htup_details.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

PG_FUNCTION_INFO_V1(actstream_sentence);

/* The objects of an action, in the order in which a sentence names them. */
static const AttrNumber object_columns[] = {
	Anum_action_actor, Anum_action_action_object, Anum_action_target
};

typedef struct SpokenAction
{
	const Ref  *objects[lengthof(object_columns)];	/* NULL where there is none */
	char	   *verb;
	TimestampTz timestamp;
} SpokenAction;

/*
 * Read what a sentence tells out of a row of actstream.action; false if a part
 * is null that no stored action lacks.
 */
static bool
read_action(SpokenAction *action, HeapTupleHeader header)
{
	TupleDesc	tupdesc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(header),
												 HeapTupleHeaderGetTypMod(header));
	HeapTupleData row;
	Datum		value;
	bool		isnull;
	bool		complete;

	row.t_len = HeapTupleHeaderGetDatumLength(header);
	ItemPointerSetInvalid(&row.t_self);
	row.t_tableOid = InvalidOid;
	row.t_data = header;

	for (int i = 0; i < (int) lengthof(object_columns); i++)
	{
		value = heap_getattr(&row, object_columns[i], tupdesc, &isnull);
		action->objects[i] = isnull ? NULL : DatumGetRefPP(value);
	}
	complete = action->objects[0] != NULL;

	value = heap_getattr(&row, Anum_action_verb, tupdesc, &isnull);
	action->verb = isnull ? NULL : TextDatumGetCString(value);
	complete = complete && !isnull;

	value = heap_getattr(&row, Anum_action_timestamp, tupdesc, &isnull);
	action->timestamp = isnull ? 0 : DatumGetTimestampTz(value);
	complete = complete && !isnull;

	ReleaseTupleDesc(tupdesc);
	return complete;
}

/*
 * SentenceText
 *		An action in words, with the names of its actor, action object and target,
 *		NULL where there is none; without the time if that is NULL.
 */
char *
SentenceText(char **names, const char *verb, const char *time)
{
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfo(&text, "%s %s", names[0], verb);
	if (names[1] != NULL)
		appendStringInfo(&text, " %s", names[1]);
	if (names[2] != NULL)
		appendStringInfo(&text, "%s %s", names[1] != NULL ? " on" : "", names[2]);
	if (time != NULL)
		appendStringInfo(&text, " %s ago", time);
	return text.data;
}

/*
 * sentence
 *		"<actor> <verb> [<action object>] [on <target>] <time> ago", and with a
 *		target alone "<actor> <verb> <target> <time> ago".
 *
 * Without the time if it is for ever ago.
 */
Datum
actstream_sentence(PG_FUNCTION_ARGS)
{
	SpokenAction action;
	char	  **names;
	char	   *time;

	if (!read_action(&action, PG_GETARG_HEAPTUPLEHEADER(0)))
		PG_RETURN_NULL();
	names = ObjectNames(action.objects, lengthof(object_columns));
	time = TimeSince(action.timestamp, PG_GETARG_TIMESTAMPTZ(1));
	PG_RETURN_TEXT_P(cstring_to_text(SentenceText(names, action.verb, time)));
}
