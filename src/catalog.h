/*
 * catalog.h
 *		The extension's own tables, and the registry of object types.
 */
#ifndef ACTSTREAM_CATALOG_H
#define ACTSTREAM_CATALOG_H

#include "commands/trigger.h"
#include "nodes/pg_list.h"
#include "ref.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

/* columns of actstream.object_type, in order */
#define Anum_object_type_label			1
#define Anum_object_type_relation		2
#define Anum_object_type_key_columns	3
#define Anum_object_type_name_template	4
#define Anum_object_type_url_template	5
#define Anum_object_type_on_delete		6
#define Anum_object_type_checked		7
#define Natts_object_type				7

/* columns of actstream.action, in order */
#define Anum_action_id					1
#define Anum_action_timestamp			2
#define Anum_action_public				3
#define Anum_action_actor				4
#define Anum_action_verb				5
#define Anum_action_action_object		6
#define Anum_action_target				7
#define Anum_action_description			8
#define Anum_action_data				9
#define Anum_action_external_id			10
#define Natts_action					10

/* columns of actstream.follow, in order */
#define Anum_follow_follower			1
#define Anum_follow_followee			2
#define Anum_follow_flag				3
#define Anum_follow_actor_only			4
#define Anum_follow_started				5
#define Natts_follow					5

/* columns of actstream.phrase, in order */
#define Anum_phrase_language			1
#define Anum_phrase_verb				2
#define Anum_phrase_pattern				3

/* on_delete: what becomes of references to a row that is gone */
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
 * The lists and strings, NULL where there is none, live as long as the cache, which
 * any call of the registry's functions may replace.
 */
typedef struct RegisteredType
{
	char		label[REF_MAX_LABEL + 1];	/* hash key */
	Oid			relation;		/* InvalidOid for an external type */
	List	   *key_columns;	/* names (char *), as registered */
	bool		binding_known;	/* has it been looked at since the table changed? */
	int			nkeys;			/* 0 if external, or not bound: see binding.c */
	AttrNumber	keys[INDEX_MAX_KEYS];	/* key columns of relation, in key order */
	OnDelete	on_delete;
	bool		checked;
	char	   *name_template;
	char	   *url_template;
} RegisteredType;

/* OIDs of what is ours; each raises ERRCODE_UNDEFINED_OBJECT if there is none */
extern Oid	OwnSchema(void);
extern Oid	RefTypeId(void);
extern Oid	ObjectTypeRelationId(void);
extern Oid	ActionRelationId(void);
extern Oid	FollowRelationId(void);
extern Oid	PhraseRelationId(void);

extern Relation OwnTableOpen(Oid relid, LOCKMODE lockmode);
extern Oid	OwnTablesOwner(void);
extern bool ExtensionIsComplete(void);

extern const RegisteredType *RegistryLookupLabel(const char *label, int len);
extern const RegisteredType *RegistryLookupRelation(Oid relation);
extern const RegisteredType *RegistryLookupTable(Oid relation);
extern void RegistryRequireBound(const RegisteredType *type);
extern bool IsLoadingDump(Relation own_table);
extern TriggerData *OwnTriggerData(FunctionCallInfo fcinfo, Oid relid);
extern bool HasOwnTrigger(Relation rel, const char *function, int16 events, char enabled,
						  bool alone);
extern OnDelete OnDeleteFromText(const char *value);
extern List *NameArrayToList(Datum array);
extern Datum ListToNameArray(List *names);

#endif							/* ACTSTREAM_CATALOG_H */
