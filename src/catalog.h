/*
 * catalog.h
 *		The extension's own tables, and the registry of object types.
 */
#ifndef ACTSTREAM_CATALOG_H
#define ACTSTREAM_CATALOG_H

#include "commands/trigger.h"
#include "nodes/pg_list.h"
#include "ref.h"
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

/* One registered object type, as the cache holds it. */
typedef struct RegisteredType
{
	char		label[REF_MAX_LABEL + 1];	/* hash key */
	Oid			relation;		/* InvalidOid for an external type */
	List	   *key_columns;	/* of char *, in key order; NIL if external */
} RegisteredType;

/* OIDs of what is ours; each raises ERRCODE_UNDEFINED_OBJECT if there is none */
extern Oid	RefTypeId(void);
extern Oid	ObjectTypeRelationId(void);
extern Oid	ActionRelationId(void);
extern Oid	FollowRelationId(void);

extern const RegisteredType *RegistryLookupLabel(const char *label, int len);
extern const RegisteredType *RegistryLookupRelation(Oid relation);
extern bool IsLoadingDump(Relation own_table);
extern TriggerData *OwnTriggerData(FunctionCallInfo fcinfo, Oid relid);
extern List *NameArrayToList(Datum array);

#endif							/* ACTSTREAM_CATALOG_H */
