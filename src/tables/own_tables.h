/*
 * own_tables.h
 *		The tables that the extension works on.
 */
#ifndef ACTSTREAM_OWN_TABLES_H
#define ACTSTREAM_OWN_TABLES_H

#include "access/htup.h"
#include "access/tupdesc.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

/* columns of actstream.object_types, in order */
#define Anum_object_type_label			1
#define Anum_object_type_relation		2
#define Anum_object_type_key_columns	3
#define Anum_object_type_name_template	4
#define Anum_object_type_url_template	5
#define Anum_object_type_on_delete		6
#define Anum_object_type_checked		7
#define Natts_object_type				7

/* columns of actstream.actions, in order */
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

/* columns of actstream.follows, in order */
#define Anum_follow_follower			1
#define Anum_follow_followee			2
#define Anum_follow_flag				3
#define Anum_follow_actor_only			4
#define Anum_follow_started				5
#define Anum_follow_verbs				6
#define Natts_follow					6

/* columns of actstream.mutes, in order */
#define Anum_mute_muter					1
#define Anum_mute_muted					2
#define Anum_mute_verbs					3
#define Anum_mute_until					4
#define Anum_mute_block					5
#define Anum_mute_created				6
#define Natts_mute						6

/* columns of actstream.phrases, in order */
#define Anum_phrase_language			1
#define Anum_phrase_verb				2
#define Anum_phrase_pattern				3
#define Natts_phrase					3

/* columns of actstream.follow_counts, in order */
#define Anum_follow_count_object		1
#define Anum_follow_count_flag			2
#define Anum_follow_count_slot			3
#define Anum_follow_count_followers		4
#define Anum_follow_count_any_flag		5
#define Natts_follow_count				5

/* Later versions may append columns, so these need not be all. */

typedef enum OwnTable
{
	OWN_OBJECT_TYPES,
	OWN_ACTIONS,
	OWN_FOLLOWS,
	OWN_MUTES,
	OWN_PHRASES,
	OWN_FOLLOW_COUNTS
} OwnTable;

#define NUM_OWN_TABLES (OWN_FOLLOW_COUNTS + 1)

extern bool ExtensionExists(void);
extern Oid	OwnSchema(void);
extern Oid	OwnInternalSchema(void);
extern Oid	RefTypeId(void);

extern const char *OwnTableName(OwnTable table);
extern Oid	OwnTableFind(OwnTable table);
extern void OwnTablesRequire(void);
extern void OwnTablesRequireOf(Oid function);
extern bool OwnTableExists(OwnTable table);
extern Oid	OwnTableId(OwnTable table);
extern Relation OwnTableOpen(OwnTable table, LOCKMODE lockmode);
extern Oid	OwnTableOwner(OwnTable table);
extern void OwnTableRequireOwner(OwnTable table);
extern bool IsOwnTable(Oid relid, OwnTable table);
extern bool IsAnyOwnTable(Oid relid);
extern char *OwnRowText(HeapTuple row, TupleDesc tupdesc, AttrNumber column);
extern void OwnRowCheck(TupleDesc tupdesc, OwnTable table);

#endif							/* ACTSTREAM_OWN_TABLES_H */
