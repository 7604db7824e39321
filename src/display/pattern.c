/*
 * pattern.c
 *		Patterns of sentences, with {actor}, {verb} and so on.
 *
 * A pattern is a template whose text may have optional sections: "[ on {target}]"
 * appears only if there is a target, and of "[ {action_object} on {target}| {target}]"
 * the first alternative is used whose words all have values.  "[[", "]]" and, in a
 * section, "||" stand for the characters themselves.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/template.h"
#include "display/pattern.h"

#include "miscadmin.h"

static const char *const word_names[] = {
	[WORD_ACTOR] = "actor",
	[WORD_VERB] = "verb",
	[WORD_ACTION_OBJECT] = "action_object",
	[WORD_TARGET] = "target",
	[WORD_TIMESINCE] = "timesince"
};

/* A piece of a pattern: literal text, or a word in braces. */
typedef struct Piece
{
	char	   *text;			/* NULL if it is a word */
	PatternWord word;
} Piece;

/*
 * A part of a pattern: an optional section in brackets, or the text between two of them.
 */
typedef struct Section
{
	bool		is_optional;
	List	   *alternatives;	/* List of Piece; only one unless optional */
} Section;

/* State of the parser. */
typedef struct PatternReader
{
	List	   *sections;		/* the finished ones */
	Section    *section;		/* the current one */
	List	   *pieces;			/* of its current alternative */
	StringInfoData text;		/* of the current piece */
	const char *fault;			/* what is wrong; NULL if nothing is, so far */
	const char *hint;
} PatternReader;

static void
set_fault(PatternReader *reader, const char *fault, const char *hint)
{
	if (reader->fault != NULL)
		return;
	reader->fault = fault;
	reader->hint = hint;
}

static void
set_bracket_fault(PatternReader *reader, const char *fault)
{
	set_fault(reader, fault,
			  _("Write [...|...] around optional parts, and [[ or ]] for a literal bracket."));
}

static PatternWord
find_word(PatternReader *reader, const char *name)
{
	for (int i = 0; i < NUM_PATTERN_WORDS; i++)
	{
		if (strcmp(word_names[i], name) == 0)
			return i;
	}
	set_fault(reader, psprintf(_("{%s} is not known."), name),
			  _("Use {actor}, {verb}, {action_object}, {target} or {timesince}."));
	return WORD_ACTOR;
}

static void
end_text(PatternReader *reader)
{
	Piece	   *piece;

	if (reader->text.len == 0)
		return;
	piece = palloc0(sizeof(Piece));
	piece->text = pstrdup(reader->text.data);
	reader->pieces = lappend(reader->pieces, piece);
	resetStringInfo(&reader->text);
}

static void
end_alternative(PatternReader *reader)
{
	end_text(reader);
	reader->section->alternatives = lappend(reader->section->alternatives, reader->pieces);
	reader->pieces = NIL;
}

static void
begin_section(PatternReader *reader, bool is_optional)
{
	reader->section = palloc0(sizeof(Section));
	reader->section->is_optional = is_optional;
}

static void
end_section(PatternReader *reader)
{
	end_alternative(reader);
	reader->sections = lappend(reader->sections, reader->section);
}

static void
read_bracket(PatternReader *reader, char c)
{
	bool		opens = c == '[';

	if (opens && reader->section->is_optional)
		set_bracket_fault(reader, _("A \"[\" is nested in another."));
	if (!opens && !reader->section->is_optional)
		set_bracket_fault(reader, _("A \"]\" has no matching \"[\"."));
	end_section(reader);
	begin_section(reader, opens);
}

static void
read_text(PatternReader *reader, const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
	{
		bool		is_special = *p == '[' || *p == ']' ||
			(*p == '|' && reader->section->is_optional);

		CHECK_FOR_INTERRUPTS();
		if (!is_special)
			appendStringInfoChar(&reader->text, *p);
		else if (p[1] == *p)
			appendStringInfoChar(&reader->text, *p++);
		else if (*p == '|')
			end_alternative(reader);
		else
			read_bracket(reader, *p);
	}
}

static void
read_word(PatternReader *reader, const char *name)
{
	Piece	   *piece = palloc0(sizeof(Piece));

	end_text(reader);
	piece->word = find_word(reader, name);
	reader->pieces = lappend(reader->pieces, piece);
}

/* Parse the pattern, given as parts of a template. */
static List *
read_pattern(PatternReader *reader, const List *parts)
{
	ListCell   *lc;

	initStringInfo(&reader->text);
	begin_section(reader, false);
	foreach(lc, parts)
	{
		TemplatePart *part = lfirst(lc);

		if (part->is_column)
			read_word(reader, part->text);
		else
			read_text(reader, part->text);
	}
	if (reader->section->is_optional)
		set_bracket_fault(reader, _("A \"[\" is not closed."));
	end_section(reader);
	return reader->sections;
}

/*
 * PatternParse
 *		Parse a pattern, for PatternFill(); in the current memory context.
 *
 * Raises ERRCODE_INVALID_PARAMETER_VALUE if it is malformed.
 */
List *
PatternParse(const char *pattern)
{
	PatternReader reader = {0};
	List	   *sections = read_pattern(&reader, TemplateParse(pattern));

	if (reader.fault != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("malformed pattern: \"%s\"", pattern),
				 errdetail_internal("%s", reader.fault),
				 errhint("%s", reader.hint)));
	return sections;
}

/*
 * PatternTryParse
 *		The same, but NIL if it is malformed.
 */
List *
PatternTryParse(const char *pattern)
{
	PatternReader reader = {0};
	List	   *parts;
	List	   *sections;

	if (!TemplateTryParse(pattern, &parts))
		return NIL;
	sections = read_pattern(&reader, parts);
	return reader.fault == NULL ? sections : NIL;
}

static bool
is_complete(const List *pieces, const char *const *words)
{
	ListCell   *lc;

	foreach(lc, pieces)
	{
		Piece	   *piece = lfirst(lc);

		if (piece->text == NULL && words[piece->word] == NULL)
			return false;
	}
	return true;
}

static void
append_pieces(StringInfo text, const List *pieces, const char *const *words)
{
	ListCell   *lc;

	foreach(lc, pieces)
	{
		Piece	   *piece = lfirst(lc);
		const char *value = piece->text != NULL ? piece->text : words[piece->word];

		if (value != NULL)
			appendStringInfoString(text, value);
	}
}

/*
 * PatternFill
 *		Append the pattern, filled with "words", which are indexed by PatternWord;
 *		those that have no value are NULL.
 */
void
PatternFill(StringInfo text, const List *pattern, const char *const *words)
{
	ListCell   *lc;

	foreach(lc, pattern)
	{
		Section    *section = lfirst(lc);
		ListCell   *alternative;

		foreach(alternative, section->alternatives)
		{
			if (section->is_optional && !is_complete(lfirst(alternative), words))
				continue;
			append_pieces(text, lfirst(alternative), words);
			break;
		}
	}
}
