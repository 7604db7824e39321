/*
 * uri.h
 *		URIs (RFC 3986) and tag URIs (RFC 4151).
 */
#ifndef ACTSTREAM_URI_H
#define ACTSTREAM_URI_H

#include "lib/stringinfo.h"

extern void UriAppendValue(StringInfo uri, const char *value);
extern char *UriEncode(const char *iri);
extern bool UriIsScript(const char *uri);
extern bool UriIsHarmless(const char *uri);
extern char *UriOfAddress(const char *value);
extern int	UriSchemeLength(const char *uri);
extern bool UriIsWebAddress(const char *uri);
extern char *UriResolve(const char *base, const char *reference);
extern char *UriWithParameter(const char *uri, const char *name, const char *value);
extern int	TagAuthorityLength(const char *text);

#endif							/* ACTSTREAM_URI_H */
