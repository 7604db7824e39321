/*
 * ref.h
 *		The reference type: a label and a key that name an object.
 *
 * On disk a reference is a varlena.  Its payload is
 *
 *		label bytes | kind byte | key bytes
 *
 * The kind byte tells how the key is packed.  Every kind is smaller than any byte that
 * a label can contain, so the first byte below '-' ends the label.  The order of the
 * type is that of memcmp() on the payloads, the shorter first on a tie: by label, then
 * integers by value, then uuids, then text by bytes.
 *
 *		0x01 .. 0x08	negative integer in 8 .. 1 bytes
 *		0x09 .. 0x11	non-negative integer in 0 .. 8 bytes
 *		0x12			uuid in 16 bytes
 *		0x13			text, 1 to REF_MAX_KEY bytes
 *
 * Integers are big-endian in the fewest bytes that hold them; negative ones are the low
 * bytes of their two's complement.  A key that is the canonical text of a signed 64-bit
 * integer or of a uuid is always packed as such, so equal references have equal bytes,
 * and nothing here ever consults a catalog, a collation or a setting.
 */
#ifndef ACTSTREAM_REF_H
#define ACTSTREAM_REF_H

#include "fmgr.h"
#include "utils/uuid.h"

typedef struct varlena Ref;

/*
 * A label defaults to the name of a table, hence NAMEDATALEN - 1.  But it is a
 * constant, as the limit must not differ between servers that exchange references.
 */
#define REF_MAX_LABEL	63

/*
 * Two references and a flag must fit in one entry of a btree index, which
 * holds at most 2704 bytes with 8 kB pages.
 */
#define REF_MAX_KEY		1024

/* largest size of a reference in memory: header, label, kind and key */
#define REF_MAX_SIZE	(VARHDRSZ + REF_MAX_LABEL + 1 + REF_MAX_KEY)

/* what a label may be, for the detail of an error */
#define REF_LABEL_RULE \
	"A label consists of letters, digits, \"_\", \".\" and \"-\", and begins with a letter or \"_\"."

/* smallest byte of a label; all kinds are smaller */
#define LABEL_MIN_CHAR	'-'

#define DatumGetRefPP(X)	((Ref *) PG_DETOAST_DATUM_PACKED(X))
#define PG_GETARG_REF_PP(n)	DatumGetRefPP(PG_GETARG_DATUM(n))
#define PG_RETURN_REF_P(x)	PG_RETURN_POINTER(x)

extern Datum actstream_ref_in(PG_FUNCTION_ARGS);

extern bool RefIsWellFormed(const char *str);
extern bool RefLabelIsWellFormed(const char *label, int len);
extern void RefCheckLabel(const char *label, int len);
extern Ref *RefFromInteger(const char *label, int label_len, int64 key);
extern Ref *RefFromText(const char *label, int label_len, const char *key, int key_len);
extern Ref *RefAfterLabel(const char *label, int label_len);
extern int	RefLabelLength(const Ref *ref);
extern char *RefToText(const Ref *ref);
extern char *RefKeyText(const Ref *ref);
extern bool RefParseInteger(const char *str, int len, int64 *result);
extern bool RefParseUuid(const char *str, int len, pg_uuid_t *result);

/*
 * RefHasLabel
 *		Does the reference have this label?
 */
static inline bool
RefHasLabel(const Ref *ref, const char *label, int label_len)
{
	const char *data = VARDATA_ANY(ref);

	return (int) VARSIZE_ANY_EXHDR(ref) > label_len &&
		(unsigned char) data[label_len] < LABEL_MIN_CHAR &&
		memcmp(data, label, label_len) == 0;
}

#endif							/* ACTSTREAM_REF_H */
