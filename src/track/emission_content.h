/*
 * emission_content.h
 *		The description and the data of an action that is made from the change of a row.
 */
#ifndef ACTSTREAM_EMISSION_CONTENT_H
#define ACTSTREAM_EMISSION_CONTENT_H

#include "track/emission.h"

extern Datum EmissionDescription(const Emission *emission);
extern Datum EmissionData(const Emission *emission);

#endif							/* ACTSTREAM_EMISSION_CONTENT_H */
