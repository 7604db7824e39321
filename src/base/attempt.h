/*
 * attempt.h
 *		Calling a function and catching its errors.
 */
#ifndef ACTSTREAM_ATTEMPT_H
#define ACTSTREAM_ATTEMPT_H

typedef void (*AttemptFunction) (void *arg);

extern ErrorData *Attempt(AttemptFunction function, void *arg);
extern ErrorData *AttemptLock(AttemptFunction function, void *arg, bool *changed);

#endif							/* ACTSTREAM_ATTEMPT_H */
