/*
 * ref_ops.h
 *		Comparison of references.
 */
#ifndef ACTSTREAM_REF_OPS_H
#define ACTSTREAM_REF_OPS_H

#include "ref/ref.h"

extern int	RefCompare(const Ref *a, const Ref *b);

#endif							/* ACTSTREAM_REF_OPS_H */
