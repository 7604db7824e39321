/*
 * sentence_functions.c
 *		The SQL functions that tell of actions.
 *
 * A function that is called for a row knows nothing of the other rows, and reading on
 * would read rows that a LIMIT, a filter or a policy keeps from the caller.  So those of
 * one action look its objects up by themselves, and sentences() is given a whole page.
 */
#include "postgres.h"

#include "base/compat.h"
#include "display/language.h"
#include "display/object_name.h"
#include "display/sentence.h"
#include "display/sentence_html.h"
#include "display/sentence_json.h"
#include "display/timesince.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(actstream_sentence);
PG_FUNCTION_INFO_V1(actstream_sentence_html);
PG_FUNCTION_INFO_V1(actstream_sentence_parts);
PG_FUNCTION_INFO_V1(actstream_sentences);
PG_FUNCTION_INFO_V1(actstream_group_sentence);
PG_FUNCTION_INFO_V1(actstream_group_sentence_html);
PG_FUNCTION_INFO_V1(actstream_group_sentence_parts);
PG_FUNCTION_INFO_V1(actstream_group_sentences);

/* The sentence of an action or a group, an instant and a language; false if there is none. */
static bool
make_sentence(FunctionCallInfo fcinfo, SpokenReader read, Sentence *sentence, bool with_links)
{
	SpokenAction *action = palloc(sizeof(SpokenAction));
	char	  **names;
	char	  **urls = NULL;

	if (PG_ARGISNULL(0) ||
		!read(action, PG_GETARG_HEAPTUPLEHEADER(0)))
		return false;
	if (with_links)
		ObjectNamesAndUrls(action->objects, action->nobjects, &names, &urls);
	else
		names = ObjectNames(action->objects, action->nobjects);
	SentenceMake(sentence, action, names, urls, NowArg(fcinfo, 1),
				 LanguageArg(fcinfo, 2));
	return true;
}

/* As text. */
static Datum
sentence(FunctionCallInfo fcinfo, SpokenReader read)
{
	Sentence	sentence;

	if (!make_sentence(fcinfo, read, &sentence, false))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(SentenceText(&sentence)));
}

/* As HTML. */
static Datum
sentence_html(FunctionCallInfo fcinfo, SpokenReader read)
{
	Sentence	sentence;

	if (!make_sentence(fcinfo, read, &sentence, true))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(SentenceHtml(&sentence));
}

/* In parts, as jsonb. */
static Datum
sentence_parts(FunctionCallInfo fcinfo, SpokenReader read)
{
	Sentence	sentence;

	if (!make_sentence(fcinfo, read, &sentence, true))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(SentenceJson(&sentence));
}

/*
 * sentence, sentence_html, sentence_parts
 *		An action in words, or a group.
 */
Datum
actstream_sentence(PG_FUNCTION_ARGS)
{
	return sentence(fcinfo, SpokenActionRead);
}

Datum
actstream_group_sentence(PG_FUNCTION_ARGS)
{
	return sentence(fcinfo, SpokenGroupRead);
}

Datum
actstream_sentence_html(PG_FUNCTION_ARGS)
{
	return sentence_html(fcinfo, SpokenActionRead);
}

Datum
actstream_group_sentence_html(PG_FUNCTION_ARGS)
{
	return sentence_html(fcinfo, SpokenGroupRead);
}

Datum
actstream_sentence_parts(PG_FUNCTION_ARGS)
{
	return sentence_parts(fcinfo, SpokenActionRead);
}

Datum
actstream_group_sentence_parts(PG_FUNCTION_ARGS)
{
	return sentence_parts(fcinfo, SpokenGroupRead);
}

/* Actions or groups of which sentences are made together. */
typedef struct SpokenPage
{
	int			nactions;
	Datum	   *rows;
	bool	   *nulls;
	SpokenAction *actions;		/* without objects where there is nothing to tell */
	char	  **names;			/* of the objects of all of them */
	char	  **urls;
} SpokenPage;

/* Read the actions and look all of their objects up, by one query for each type. */
static void
read_page(SpokenPage *page, SpokenReader read, ArrayType *array)
{
	const Ref **refs;
	int			nrefs = 0;
	int			n = 0;

	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_DOUBLE,
					  &page->rows, &page->nulls, &page->nactions);
	page->actions = palloc_extended(sizeof(SpokenAction) * page->nactions,
									MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < page->nactions; i++)
	{
		SpokenAction *action = &page->actions[i];

		CHECK_FOR_INTERRUPTS();
		if (page->nulls[i] || !read(action, DatumGetHeapTupleHeader(page->rows[i])))
			action->nobjects = 0;
		nrefs += action->nobjects;
	}
	refs = palloc_extended(sizeof(Ref *) * (nrefs + 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < page->nactions; i++)
	{
		const SpokenAction *action = &page->actions[i];

		if (action->nobjects > 0)
			memcpy(&refs[n], action->objects, sizeof(Ref *) * action->nobjects);
		n += action->nobjects;
	}
	ObjectNamesAndUrls(refs, nrefs, &page->names, &page->urls);
}

/* The sentences of many actions or groups, in the order of the array, in all forms. */
static Datum
sentences(FunctionCallInfo fcinfo, SpokenReader read)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const char *language;
	SpokenPage	page;
	int			object = 0;		/* the first of the action */
	MemoryContext context;
	MemoryContext caller;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	language = LanguageArg(fcinfo, 2);
	read_page(&page, read, PG_GETARG_ARRAYTYPE_P(0));

	context = AllocSetContextCreate(CurrentMemoryContext, "actstream sentence",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	for (int i = 0; i < page.nactions; i++)
	{
		Datum		row[4] = {page.rows[i]};
		bool		isnull[4] = {page.nulls[i], true, true, true};

		CHECK_FOR_INTERRUPTS();
		if (page.actions[i].nobjects > 0)
		{
			Sentence	sentence;

			SentenceMake(&sentence, &page.actions[i], &page.names[object], &page.urls[object],
						 NowArg(fcinfo, 1), language);
			row[1] = CStringGetTextDatum(SentenceText(&sentence));
			row[2] = PointerGetDatum(SentenceHtml(&sentence));
			row[3] = SentenceJson(&sentence);
			memset(&isnull[1], false, 3);
		}
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row, isnull);
		object += page.actions[i].nobjects;
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/*
 * sentences
 *		A page of actions, or of groups, in words.
 */
Datum
actstream_sentences(PG_FUNCTION_ARGS)
{
	return sentences(fcinfo, SpokenActionRead);
}

Datum
actstream_group_sentences(PG_FUNCTION_ARGS)
{
	return sentences(fcinfo, SpokenGroupRead);
}
