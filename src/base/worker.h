/*
 * worker.h
 *		Background workers that a backend requests.
 */
#ifndef ACTSTREAM_WORKER_H
#define ACTSTREAM_WORKER_H

#include "postmaster/bgworker.h"

extern bool WorkerRequest(const char *function, const char *type, int restart_seconds);
extern void WorkerConnect(Oid database);

#endif							/* ACTSTREAM_WORKER_H */
