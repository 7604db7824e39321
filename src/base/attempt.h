/*
 * attempt.h
 *		Calling a function and catching its errors.
 */
#ifndef ACTSTREAM_ATTEMPT_H
#define ACTSTREAM_ATTEMPT_H

typedef void (*AttemptFunction) (void *arg);

extern bool ErrorIsOfServer(const ErrorData *error);
extern ErrorData *Attempt(AttemptFunction function, void *arg);

#endif							/* ACTSTREAM_ATTEMPT_H */
