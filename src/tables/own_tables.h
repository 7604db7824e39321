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

/* columns of actstream.changes, in order */
#define Anum_change_transaction			1
#define Anum_change_action_id			2
#define Anum_change_timestamp			3
#define Anum_change_recorded			4
#define Anum_change_incarnation			5
#define Anum_change_delay				6
#define Anum_change_operation			7
#define Anum_change_arrived				8
#define Anum_change_old_public			9
#define Anum_change_old_actor			10
#define Anum_change_old_verb			11
#define Anum_change_old_action_object	12
#define Anum_change_old_target			13
#define Natts_change					13

/* columns of actstream.marks, in order */
#define Anum_mark_reader				1
#define Anum_mark_feed					2
#define Anum_mark_seen					3
#define Anum_mark_seen_at				4
#define Anum_mark_seen_snapshot			5
#define Anum_mark_seen_by				6
#define Anum_mark_seen_next				7
#define Anum_mark_read					8
#define Anum_mark_read_at				9
#define Anum_mark_read_snapshot			10
#define Anum_mark_read_by				11
#define Anum_mark_read_next				12
#define Anum_mark_incarnation			13
#define Natts_mark						13

/* columns of actstream.mark_exceptions, in order */
#define Anum_mark_exception_reader		1
#define Anum_mark_exception_feed		2
#define Anum_mark_exception_action_id	3
#define Anum_mark_exception_timestamp	4
#define Anum_mark_exception_read		5
#define Anum_mark_exception_archived	6
#define Anum_mark_exception_until		7
#define Natts_mark_exception			7

/* Later versions may append columns, so these need not be all. */

typedef enum OwnTable
{
	OWN_OBJECT_TYPES,
	OWN_ACTIONS,
	OWN_FOLLOWS,
	OWN_MUTES,
	OWN_PHRASES,
	OWN_FOLLOW_COUNTS,
	OWN_CHANGES,
	OWN_MARKS,
	OWN_MARK_EXCEPTIONS
} OwnTable;

#define NUM_OWN_TABLES (OWN_MARK_EXCEPTIONS + 1)

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
