#ifndef CONNECTOR_AGENT_CORE_JOBS_H
#define CONNECTOR_AGENT_CORE_JOBS_H

#include "common/core/buf.h"
#include "common/core/message.h"

/* The jobs that this agent holds: running, or finished and not yet acknowledged. A job that comes a
 * second time is never run a second time. Bounded by the agent's capacity. Pure. */

enum job_state { JOB_RUNNING, JOB_FINISHED };

struct executor_run;

struct job {
    struct cx_id id;
    enum job_state state;
    bool is_reported;                      /* its result was queued on a tunnel at least once */
    bool was_cut;                          /* its result was sent once more in its short form */
    char trace_id[MSG_TRACE_ID_CHARS + 1]; /* of the call that asked, for the log; "" if none */
    unsigned tunnel;           /* that the job came on, or its result was last sent on */
    uint64_t finished_ms;      /* monotonic */
    struct executor_run *run;  /* while it runs (common/io/executor.h) */
    struct buf result;         /* the encoded `result` message, once finished */
    struct job *next;          /* in its bucket; private */
    struct job *newer, *older; /* all jobs, by arrival; private */
};

struct jobs;

/* capacity: 1 to MSG_CAPACITY_MAX jobs held at once. NULL if out of memory. */
struct jobs *jobs_new(uint32_t capacity);
void jobs_free(struct jobs *jobs); /* wipes what is held */

enum jobs_admission {
    JOBS_NEW,          /* *out is the new job, to be run */
    JOBS_RUNNING,      /* known and running: its one result follows */
    JOBS_FINISHED,     /* known and finished: send *out's result again */
    JOBS_ACKNOWLEDGED, /* known, and its result is with the platform: ignore it */
    JOBS_FULL          /* over capacity, or out of memory: refuse it */
};
enum jobs_admission jobs_admit(struct jobs *jobs, const struct cx_id *id, struct job **out);

/* NULL if it is not held. */
struct job *jobs_find(const struct jobs *jobs, const struct cx_id *id);

/* The job has its result (moved out of `result`). */
void jobs_finish(struct jobs *jobs, struct job *job, struct buf *result, uint64_t now_ms);

/* The platform has the result for good: forget the job, remember its id. False if it isn't held or
 * still runs (an `ack` for what was never reported is ignored). */
bool jobs_acknowledge(struct jobs *jobs, const struct cx_id *id);

/* A new job that could not be begun: as if it had never come. */
void jobs_forget(struct jobs *jobs, struct job *job);

uint32_t jobs_capacity(const struct jobs *jobs);
size_t jobs_held(const struct jobs *jobs);
size_t jobs_running(const struct jobs *jobs);

/* Jobs in the order in which they came: the oldest, and the one after. */
struct job *jobs_oldest(const struct jobs *jobs);
struct job *jobs_after(const struct job *job);

#endif
