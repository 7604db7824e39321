/*
 * actor.h
 *		The setting actstream.actor: the actor of actions that give no other.
 */
#ifndef ACTSTREAM_ACTOR_H
#define ACTSTREAM_ACTOR_H

#include "ref/ref.h"

extern void ActorDefineSetting(void);
extern Ref *CurrentActor(void);

#endif							/* ACTSTREAM_ACTOR_H */
