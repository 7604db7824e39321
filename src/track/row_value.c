/*
 * row_value.c
 *		The value of a column, as text and as jsonb, even if its type raises errors.
 *
 * A type can come with code of users: output functions, and casts to json, which
 * to_jsonb() calls.  Another role may be writing the row, so that code runs as the owner
 * of the table, who chose the type, and an error in it must not make anything else
 * fail.  Catching an error takes a subtransaction; so values that core converts without
 * running such code are converted without one.
 */
#include "postgres.h"

#include "base/compat.h"
#include "base/attempt.h"
#include "base/run_as.h"
#include "base/value_size.h"
#include "track/row_value.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

/*
 * A large value could exhaust memory, or exceed what a string or an array in a jsonb can
 * hold.  Above LARGE_SIZE, the conversion runs in a subtransaction, since it may fail: ten bytes of a
 * numeric can be 131,072 digits.  Above MAX_SIZE, there is none.
 */
#define LARGE_SIZE	(8 * 1024)
#define MAX_SIZE	(64 * 1024 * 1024)

/* A value to convert, how, and the result. */
typedef struct Conversion
{
	Oid			type;			/* the base type of a domain */
	Datum		value;
	char	   *text;
	Jsonb	   *jsonb;
	void		(*convert) (struct Conversion *conversion);
	Oid			owner;
} Conversion;

static void
to_text(Conversion *conversion)
{
	Oid			output;
	bool		isvarlena;

	getTypeOutputInfo(conversion->type, &output, &isvarlena);
	conversion->text = OidOutputFunctionCall(output, conversion->value);
}

static Jsonb *
jsonb_of_string(const char *text)
{
	JsonbValue	string;

	string.type = jbvString;
	string.val.string.val = unconstify(char *, text);
	string.val.string.len = strlen(text);
	return JsonbValueToJsonb(&string);
}

/* As to_jsonb() converts it. */
static void
to_jsonb_value(Conversion *conversion)
{
	FmgrInfo	to_jsonb;

	/* to_jsonb() takes its argument's type from the call expression */
	fmgr_info(F_TO_JSONB, &to_jsonb);
	fmgr_info_set_expr((Node *) makeFuncExpr(F_TO_JSONB, JSONBOID,
											 list_make1(makeNullConst(conversion->type, -1,
																	  InvalidOid)),
											 InvalidOid, InvalidOid,
											 COERCE_EXPLICIT_CALL),
					   &to_jsonb);
	conversion->jsonb = DatumGetJsonbP(FunctionCall1(&to_jsonb, conversion->value));
}

/* The text of the value, as a string. */
static void
to_jsonb_string(Conversion *conversion)
{
	to_text(conversion);
	conversion->jsonb = jsonb_of_string(conversion->text);
}

/* AttemptFunction: convert the value as the owner. */
static void
convert_as_owner(void *arg)
{
	Conversion *conversion = arg;
	RunAs		before;

	RunAsBegin(&before, conversion->owner, RUN_AS_OWNER);
	conversion->convert(conversion);
	RunAsEnd(&before);
}

static ErrorData *
attempt(Conversion *conversion, void convert(Conversion *conversion))
{
	conversion->convert = convert;
	return Attempt(convert_as_owner, conversion);
}

/*
 * Does the output function of the type, or of an array's elements, come with PostgreSQL?
 */
static bool
has_core_output(Oid type)
{
	Oid			element = get_element_type(type);
	Oid			base = getBaseType(OidIsValid(element) ? element : type);

	return base < FirstNormalObjectId || get_typtype(base) == TYPTYPE_ENUM;
}

/* Does the type have a cast to json that to_jsonb() would call? */
static bool
has_json_cast(Oid type)
{
	Oid			function;

	return find_coercion_pathway(JSONOID, type, COERCION_EXPLICIT, &function) ==
		COERCION_PATH_FUNC;
}

static bool
is_json(Oid type)
{
	return type == JSONOID || type == JSONARRAYOID;
}

static ErrorData *
too_large(void)
{
	ErrorData  *error = palloc0(sizeof(ErrorData));

	error->sqlerrcode = ERRCODE_PROGRAM_LIMIT_EXCEEDED;
	error->message = pstrdup(_("value is too large"));
	return error;
}

/*
 * Begin the conversion of a value; false if it is null, or if it is too large, with
 * *error set.
 */
static bool
begin(Conversion *conversion, const RowValue *value, bool *is_large, ErrorData **error)
{
	bool		isnull;
	Size		size;

	memset(conversion, 0, sizeof(*conversion));
	conversion->value = heap_getattr(value->row, value->attnum, value->tupdesc, &isnull);
	if (isnull)
		return false;
	conversion->type = getBaseType(TupleDescAttr(value->tupdesc, value->attnum - 1)->atttypid);
	conversion->owner = value->owner;
	size = ValueSize(conversion->type, conversion->value);
	*is_large = size > LARGE_SIZE;
	if (size <= MAX_SIZE)
		return true;
	*error = too_large();
	return false;
}

/*
 * RowValueText
 *		The text of the value, in the current memory context; NULL if it is null, or if
 *		it cannot be converted, with *error set.
 */
char *
RowValueText(const RowValue *value, ErrorData **error)
{
	Conversion	conversion;
	bool		is_large;

	*error = NULL;
	if (!begin(&conversion, value, &is_large, error))
		return NULL;
	if (!is_large && has_core_output(conversion.type))
		to_text(&conversion);
	else
		*error = attempt(&conversion, to_text);
	return *error == NULL ? conversion.text : NULL;
}

/* Convert the value of a json column; false if jsonb cannot hold it. */
static bool
json_to_jsonb(Conversion *conversion)
{
	Datum		result;

	if (!JSONB_INPUT_IS_SOFT)
		return attempt(conversion, to_jsonb_value) == NULL;
	to_text(conversion);
	if (!jsonb_input(conversion->text, &result))
		return false;
	conversion->jsonb = DatumGetJsonbP(result);
	return true;
}

/*
 * RowValueJsonb
 *		The value as to_jsonb() converts it, in the current memory context; NULL if it
 *		is null, or if it cannot be converted, with *error set.
 *
 * A value that jsonb cannot hold, such as json with "\u0000", becomes a string with its
 * text.
 */
Jsonb *
RowValueJsonb(const RowValue *value, ErrorData **error)
{
	Conversion	conversion;
	bool		is_large;
	bool		done = true;

	*error = NULL;
	if (!begin(&conversion, value, &is_large, error))
		return NULL;
	if (!is_large && conversion.type == JSONOID)
		done = json_to_jsonb(&conversion);
	else if (!is_large && get_typtype(conversion.type) == TYPTYPE_ENUM &&
			 !has_json_cast(conversion.type))
		to_jsonb_string(&conversion);
	else if (!is_large && conversion.type < FirstNormalObjectId && !is_json(conversion.type) &&
			 has_core_output(conversion.type))
		to_jsonb_value(&conversion);
	else
		done = attempt(&conversion, to_jsonb_value) == NULL;
	if (!done)
		*error = attempt(&conversion, to_jsonb_string);
	return *error == NULL ? conversion.jsonb : NULL;
}
