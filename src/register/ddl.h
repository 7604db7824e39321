/*
 * ddl.h
 *		What becomes of references when registered tables are altered or dropped.
 */
#ifndef ACTSTREAM_DDL_H
#define ACTSTREAM_DDL_H

extern void DdlInit(void);

#endif							/* ACTSTREAM_DDL_H */
