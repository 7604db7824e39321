/*
 * table_warning.h
 *		What a session is warned of once for each table.
 */
#ifndef ACTSTREAM_TABLE_WARNING_H
#define ACTSTREAM_TABLE_WARNING_H

typedef enum TableWarning
{
	WARN_OWNER,					/* its owner may not send actions */
	WARN_ARGUMENTS,				/* what the arguments name is not there */
	WARN_VALUE,					/* a value could not be converted */
	WARN_STORE,					/* an action could not be stored */
	WARN_OBJECT,				/* objects of the table could not be looked for */
	WARN_TABLES					/* references to its rows are not kept */
} TableWarning;

extern bool TableWarnsFirst(Oid table, TableWarning warning);

#endif							/* ACTSTREAM_TABLE_WARNING_H */
