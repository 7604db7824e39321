/*
 * pattern.c
 *		Patterns of sentences, with {actor}, {verb} and so on.
 *
 * A pattern is a template whose text may have optional sections: "[ on {target}]"
 * appears only if there is a target, and of "[ {action_object} on {target}| {target}]"
 * the first alternative is used whose words all have values.  "[[", "]]" and, in a
 * section, "||" stand for the characters themselves.
 *
 * An alternative with {timesince} as its only word, such as " vor {timesince}", says when
 * it was, and can say "just now" instead.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/template.h"
#include "display/pattern.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

static const char *const word_names[] = {
	[WORD_ACTOR] = "actor",
	[WORD_ACTION_OBJECT] = "action_object",
	[WORD_TARGET] = "target",
	[WORD_VERB] = "verb",
	[WORD_TIMESINCE] = "timesince",
	[WORD_ACTORS] = "actors",
	[WORD_ACTIONS] = "actions",
	[WORD_SEVERAL] = "several"
};

/* A piece of a pattern: literal text, or a word in braces. */
typedef struct Piece
{
	int			word;			/* PatternWord, or NO_WORD */
	char	   *text;			/* if it is no word */

	/* of {timesince}, if "just now" can stand for it and these; else NULL */
	char	   *before;
	char	   *after;
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
			  _("Use {actor}, {verb}, {action_object}, {target} or {timesince}, and for groups {actors}, {actions} or {several}."));
	return WORD_ACTOR;
}

static List *
append_text(List *pieces, const char *text, int len)
{
	Piece	   *piece;

	if (len == 0)
		return pieces;
	piece = palloc0(sizeof(Piece));
	piece->word = NO_WORD;
	piece->text = pnstrdup(text, len);
	return lappend(pieces, piece);
}

static void
end_text(PatternReader *reader)
{
	reader->pieces = append_text(reader->pieces, reader->text.data, reader->text.len);
	resetStringInfo(&reader->text);
}

/* Is the character at the start of the text a letter or a digit, of any script? */
static bool
is_letter(const char *text)
{
	unsigned char c = *text;

	if (!IS_HIGHBIT_SET(c))
		return isalnum(c);
	if (GetDatabaseEncoding() == PG_UTF8)
	{
		pg_wchar	codepoint = utf8_to_unicode((const unsigned char *) text);

		/* punctuation of Latin 1, of all scripts, and of Chinese and Japanese */
		return !(codepoint < 0xC0 || (codepoint >= 0x2000 && codepoint < 0x2070) ||
				 (codepoint >= 0x3000 && codepoint < 0x3040) ||
				 (codepoint >= 0xFF00 && codepoint < 0xFF10));
	}
	return true;
}

/* Where the first letter or digit of a text is; at its end if it has none. */
static int
letters_begin(const char *text)
{
	const char *p = text;

	while (*p != '\0' && !is_letter(p))
		p += pg_encoding_mblen(GetDatabaseEncoding(), p);
	return p - text;
}

/* Where the last one ends; at the beginning if it has none. */
static int
letters_end(const char *text)
{
	int			end = 0;

	for (const char *p = text; *p != '\0';)
	{
		bool		at_letter = is_letter(p);

		CHECK_FOR_INTERRUPTS();
		p += pg_encoding_mblen(GetDatabaseEncoding(), p);
		if (at_letter)
			end = p - text;
	}
	return end;
}

/*
 * If an alternative names {timesince} and nothing else, make one piece of it and the
 * words around it; the blanks and punctuation at the ends stay what they are.
 */
static List *
join_time(List *pieces)
{
	const char *texts[2] = {"", ""};	/* before and after */
	Piece	   *time = NULL;
	List	   *result;
	ListCell   *lc;
	int			begin;
	int			end;

	foreach(lc, pieces)
	{
		Piece	   *piece = lfirst(lc);

		if (piece->word == NO_WORD)
			texts[time != NULL ? 1 : 0] = piece->text;
		else if (piece->word == WORD_TIMESINCE && time == NULL)
			time = piece;
		else
			return pieces;
	}
	if (time == NULL)
		return pieces;

	begin = letters_begin(texts[0]);
	end = letters_end(texts[1]);
	time->before = pstrdup(texts[0] + begin);
	time->after = pnstrdup(texts[1], end);
	result = append_text(NIL, texts[0], begin);
	result = lappend(result, time);
	return append_text(result, texts[1] + end, strlen(texts[1]) - end);
}

static void
end_alternative(PatternReader *reader)
{
	end_text(reader);
	if (reader->section->is_optional)
		reader->pieces = join_time(reader->pieces);
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
	List	   *parts;
	List	   *sections = NIL;

	reader.fault = TemplateRead(pattern, &parts);
	reader.hint = _("Write {actor}, {verb}, {action_object}, {target}, {timesince} for the words of a sentence, {{ and }} for braces.");
	if (reader.fault == NULL)
		sections = read_pattern(&reader, parts);
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

		if (piece->word != NO_WORD && words[piece->word] == NULL)
			return false;
	}
	return true;
}

/* What a piece says; NULL for a word that there is not. */
static const char *
piece_text(const Piece *piece, const char *const *words, const char *just_now)
{
	if (piece->word == NO_WORD)
		return piece->text;
	if (piece->before == NULL || words[piece->word] == NULL)
		return words[piece->word];
	return just_now != NULL ? just_now :
		psprintf("%s%s%s", piece->before, words[piece->word], piece->after);
}

static List *
append_parts(List *parts, const List *pieces, const char *const *words, const char *just_now)
{
	ListCell   *lc;

	foreach(lc, pieces)
	{
		Piece	   *piece = lfirst(lc);
		const char *text = piece_text(piece, words, just_now);
		PatternPart *part;

		if (text == NULL || piece->word == WORD_SEVERAL)
			continue;
		part = palloc(sizeof(PatternPart));
		part->word = part->object = piece->word;
		part->text = text;
		parts = lappend(parts, part);
	}
	return parts;
}

/*
 * PatternFill
 *		The pattern filled with "words", which are indexed by PatternWord; those that have
 *		no value are NULL.  "just_now", unless it is NULL, takes the place of the time.
 *
 * Returns a list of PatternPart in the current memory context, which point to texts of the
 * pattern and of the words.
 */
List *
PatternFill(const List *pattern, const char *const *words, const char *just_now)
{
	List	   *parts = NIL;
	ListCell   *lc;

	foreach(lc, pattern)
	{
		Section    *section = lfirst(lc);
		ListCell   *alternative;

		foreach(alternative, section->alternatives)
		{
			if (section->is_optional && !is_complete(lfirst(alternative), words))
				continue;
			parts = append_parts(parts, lfirst(alternative), words, just_now);
			break;
		}
	}
	return parts;
}

/*
 * PatternWordName
 *		The word as it is written, without its braces.
 */
const char *
PatternWordName(PatternWord word)
{
	return word_names[word];
}
