/*
 * actor.h
 *		Who acts, where nothing else says it.
 */
#ifndef ACTSTREAM_ACTOR_H
#define ACTSTREAM_ACTOR_H

#include "ref/ref.h"

extern void ActorDefineSetting(void);
extern Ref *CurrentActor(void);

#endif							/* ACTSTREAM_ACTOR_H */
