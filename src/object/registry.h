/*
 * registry.h
 *		The registry of object types.
 */
#ifndef ACTSTREAM_REGISTRY_H
#define ACTSTREAM_REGISTRY_H

#include "ref/ref.h"
#include "tables/own_tables.h"

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

/* on_delete: what happens to references to a deleted row */
typedef enum OnDelete
{
	ON_DELETE_CASCADE,
	ON_DELETE_SET_NULL,
	ON_DELETE_RESTRICT,
	ON_DELETE_KEEP
} OnDelete;

/*
 * One registered object type, as the cache holds it.
 *
 * The lists and strings are NULL where the column is null.  They live as long as the
 * cache, which any call of the registry's functions may replace: copy what you need
 * across calls.
 */
typedef struct RegisteredType
{
	char		label[REF_MAX_LABEL + 1];	/* hash key */
	Oid			relation;		/* InvalidOid for an external type */
	List	   *key_columns;	/* names (char *), as registered */
	bool		binding_known;	/* are the next two up to date? */
	int			nkeys;			/* 0 if external, or not bound: see binding.c */
	AttrNumber	keys[INDEX_MAX_KEYS];	/* key columns of relation, in key order */
	OnDelete	on_delete;
	bool		checked;
	char	   *name_template;
	char	   *url_template;
} RegisteredType;

/* What locks on labels are for.  Locks for one purpose do not conflict with those for another. */
typedef enum RegistryLock
{
	LABEL_MEANING,				/* what a label without a table means */
	LABEL_REGISTRATION			/* whether a label is registered, and how */
} RegistryLock;

extern void RegistryLockLabel(const char *label, RegistryLock purpose, LOCKMODE lockmode);
extern const RegisteredType *RegistryLookupLabel(const char *label, int len);
extern const RegisteredType *RegistryLookupRef(const Ref *ref);
extern const RegisteredType *RegistryLookupRelation(Oid relation);
extern const RegisteredType *RegistryLookupTable(Oid relation);
extern bool RegistryMeansTheSame(const RegisteredType *a, const RegisteredType *b);
extern char *RegistryLabelHint(const char *label, int len);
extern void RegistryRequireBound(const RegisteredType *type);
extern OnDelete OnDeleteFromText(const char *value);
extern List *NameArrayToList(Datum array);
extern Datum ListToNameArray(List *names);

#endif							/* ACTSTREAM_REGISTRY_H */
