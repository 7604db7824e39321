/*
 * emission_roles.h
 *		The objects of an action that is made from the change of a row.
 */
#ifndef ACTSTREAM_EMISSION_ROLES_H
#define ACTSTREAM_EMISSION_ROLES_H

#include "track/emission.h"

extern bool EmissionFindRoles(Emission *emission);

#endif							/* ACTSTREAM_EMISSION_ROLES_H */
