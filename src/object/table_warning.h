/*
 * table_warning.h
 *		Warnings that a session, or a statement, gets once for each table.
 */
#ifndef ACTSTREAM_TABLE_WARNING_H
#define ACTSTREAM_TABLE_WARNING_H

typedef enum TableWarning
{
	WARN_OWNER,					/* its owner may not send actions */
	WARN_ARGUMENTS,				/* the arguments name something that does not exist */
	WARN_VALUE,					/* a value could not be converted */
	WARN_STORE,					/* an action could not be stored */
	WARN_ACTOR,					/* the actor that is set is of no registered type */
	WARN_OBJECT,				/* looking for objects of the table failed */
	WARN_TABLES					/* references to its rows are not kept right */
} TableWarning;

extern bool TableWarnsFirst(Oid table, TableWarning warning);
extern bool TableWarnsStatement(Oid table);

#endif							/* ACTSTREAM_TABLE_WARNING_H */
