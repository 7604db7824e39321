/*
 * worker.h
 *		Background workers that a backend requests.
 */
#ifndef ACTSTREAM_WORKER_H
#define ACTSTREAM_WORKER_H

extern bool WorkerRequest(const char *function, const char *type);
extern void WorkerConnect(Oid database);

#endif							/* ACTSTREAM_WORKER_H */
