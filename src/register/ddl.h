/*
 * ddl.h
 *		What happens to references when registered tables are altered or dropped.
 */
#ifndef ACTSTREAM_DDL_H
#define ACTSTREAM_DDL_H

extern void DdlInit(void);

#endif							/* ACTSTREAM_DDL_H */
