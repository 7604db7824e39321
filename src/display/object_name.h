/*
 * object_name.h
 *		The names and URLs of objects.
 */
#ifndef ACTSTREAM_OBJECT_NAME_H
#define ACTSTREAM_OBJECT_NAME_H

#include "ref/ref.h"

extern char **ObjectNames(const Ref *const *refs, int nrefs);
extern void ObjectNamesAndUrls(const Ref *const *refs, int nrefs,
							   char ***names, char ***urls);

#endif							/* ACTSTREAM_OBJECT_NAME_H */
