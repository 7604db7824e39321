/*
 * json_text.h
 *		Converting json to jsonb, which cannot hold every value of json.
 */
#ifndef ACTSTREAM_JSON_TEXT_H
#define ACTSTREAM_JSON_TEXT_H

#include "utils/jsonb.h"

extern bool JsonTypeMayOverflow(Oid type);
extern Jsonb *JsonTextToJsonb(const char *json);

#endif							/* ACTSTREAM_JSON_TEXT_H */
