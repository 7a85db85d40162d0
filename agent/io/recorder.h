#ifndef CONNECTOR_AGENT_IO_RECORDER_H
#define CONNECTOR_AGENT_IO_RECORDER_H

#include "agent/io/ledger.h"
#include "common/core/message.h"

/* What stands between a job and its request, and between a result and its report: the ledger. Jobs
 * that came in one WebSocket message are recorded in one write, and so are the results of one turn
 * of the loop. */

struct agent;
struct job;
struct recorder;

/* Open the ledger; what an earlier process has left in it becomes finished jobs of a->jobs. Call it
 * before the loop runs. Errors: as ledger_open. */
enum cx_err recorder_new(struct agent *a, struct recorder **out,
                         struct cx_fail *fail) CX_MUST_CHECK;

/* Record what is noted, and close the ledger; results that come from here on are kept nowhere. The
 * agent's jobs must still be there. NULL is fine. */
void recorder_free(struct recorder *r);

/* A new job (JOB_RECORDING). `m` is its message and `bytes` the same as it came; what both point to
 * is borrowed until recorder_start_jobs. */
void recorder_take(struct recorder *r, struct job *job, const struct msg *m, struct slice bytes);

/* At the end of a WebSocket message: record the jobs that it brought, and begin them. */
void recorder_start_jobs(struct recorder *r);

/* Nobody waits any more for a job that is being recorded: it won't begin. */
void recorder_cancel(struct recorder *r, struct job *job);

/* The job has its result (JOB_SAVING): record it, then report it. */
void recorder_save(struct recorder *r, struct job *job);

/* The platform has its result for good. */
void recorder_forget(struct recorder *r, struct job *job);

/* The agent has another identity from now on. Nothing may be held. Error: CX_E_STATE. */
enum cx_err recorder_set_owner(struct recorder *r, const char *owner) CX_MUST_CHECK;

/* Borrowed. */
const struct ledger *recorder_ledger(const struct recorder *r);

#endif
