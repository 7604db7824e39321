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

/* The sentence of an action, an instant and a language; false if there is none. */
static bool
make_sentence(FunctionCallInfo fcinfo, Sentence *sentence, bool with_links)
{
	SpokenAction *action = palloc(sizeof(SpokenAction));
	char	  **names;
	char	  **urls = NULL;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) ||
		!SpokenActionRead(action, PG_GETARG_HEAPTUPLEHEADER(0)))
		return false;
	if (with_links)
		ObjectNamesAndUrls(action->objects, NUM_OBJECT_WORDS, &names, &urls);
	else
		names = ObjectNames(action->objects, NUM_OBJECT_WORDS);
	SentenceMake(sentence, action, names, urls, PG_GETARG_TIMESTAMPTZ(1),
				 LanguageArg(fcinfo, 2));
	return true;
}

/*
 * sentence
 *		An action in words.
 */
Datum
actstream_sentence(PG_FUNCTION_ARGS)
{
	Sentence	sentence;

	if (!make_sentence(fcinfo, &sentence, false))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(SentenceText(&sentence)));
}

/*
 * sentence_html
 *		The same as HTML.
 */
Datum
actstream_sentence_html(PG_FUNCTION_ARGS)
{
	Sentence	sentence;

	if (!make_sentence(fcinfo, &sentence, true))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(SentenceHtml(&sentence));
}

/*
 * sentence_parts
 *		The same in parts, as jsonb.
 */
Datum
actstream_sentence_parts(PG_FUNCTION_ARGS)
{
	Sentence	sentence;

	if (!make_sentence(fcinfo, &sentence, true))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(SentenceJson(&sentence));
}

/* Actions of which sentences are made together. */
typedef struct SpokenPage
{
	int			nactions;
	Datum	   *rows;
	bool	   *nulls;
	SpokenAction *actions;		/* without a verb where there is nothing to tell */
	char	  **names;			/* of the objects of all of them */
	char	  **urls;
} SpokenPage;

/* Read the actions and look all of their objects up, by one query for each type. */
static void
read_page(SpokenPage *page, ArrayType *array)
{
	const Ref **refs;

	deconstruct_array(array, ARR_ELEMTYPE(array), -1, false, TYPALIGN_DOUBLE,
					  &page->rows, &page->nulls, &page->nactions);
	page->actions = palloc_extended(sizeof(SpokenAction) * page->nactions,
									MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	refs = palloc_extended(sizeof(Ref *) * NUM_OBJECT_WORDS * page->nactions,
						   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < page->nactions; i++)
	{
		SpokenAction *action = &page->actions[i];

		CHECK_FOR_INTERRUPTS();
		if (page->nulls[i])
			continue;
		if (SpokenActionRead(action, DatumGetHeapTupleHeader(page->rows[i])))
			memcpy(&refs[i * NUM_OBJECT_WORDS], action->objects, sizeof(action->objects));
		else
			action->verb = NULL;
	}
	ObjectNamesAndUrls(refs, page->nactions * NUM_OBJECT_WORDS, &page->names, &page->urls);
}

/*
 * sentences
 *		The sentences of many actions, in the order of the array, in all forms.
 */
Datum
actstream_sentences(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	const char *language;
	SpokenPage	page;
	MemoryContext context;
	MemoryContext caller;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	language = LanguageArg(fcinfo, 2);
	read_page(&page, PG_GETARG_ARRAYTYPE_P(0));

	context = AllocSetContextCreate(CurrentMemoryContext, "actstream sentence",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);
	for (int i = 0; i < page.nactions; i++)
	{
		Datum		row[4] = {page.rows[i]};
		bool		isnull[4] = {page.nulls[i], true, true, true};

		CHECK_FOR_INTERRUPTS();
		if (page.actions[i].verb != NULL && !PG_ARGISNULL(1))
		{
			Sentence	sentence;

			SentenceMake(&sentence, &page.actions[i], &page.names[i * NUM_OBJECT_WORDS],
						 &page.urls[i * NUM_OBJECT_WORDS], PG_GETARG_TIMESTAMPTZ(1), language);
			row[1] = CStringGetTextDatum(SentenceText(&sentence));
			row[2] = PointerGetDatum(SentenceHtml(&sentence));
			row[3] = SentenceJson(&sentence);
			memset(&isnull[1], false, 3);
		}
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row, isnull);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return (Datum) 0;
}
