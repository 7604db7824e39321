/*
 * json_text.h
 *		Values of json as jsonb, which cannot hold all of them.
 */
#ifndef ACTSTREAM_JSON_TEXT_H
#define ACTSTREAM_JSON_TEXT_H

#include "utils/jsonb.h"

extern bool JsonTypeMayOverflow(Oid type);
extern Jsonb *JsonTextToJsonb(const char *json);

#endif							/* ACTSTREAM_JSON_TEXT_H */
