#ifndef CONNECTOR_AGENT_CORE_JOBS_H
#define CONNECTOR_AGENT_CORE_JOBS_H

#include "agent/core/ledger_slot.h"
#include "common/core/buf.h"
#include "common/core/message.h"

/* The jobs that this agent holds: running, or finished and not yet acknowledged. A job that comes a
 * second time is never run a second time. Bounded by the agent's capacity. Pure. */

enum job_state {
    JOB_RECORDING, /* on its way into the ledger: not begun */
    JOB_RUNNING,
    JOB_SAVING,  /* has its result, which is on its way into the ledger: not to be reported yet */
    JOB_FINISHED /* its result may be reported */
};

struct executor_run;

struct job {
    struct cx_id id;
    enum job_state state;
    bool is_reported; /* its result was queued on a tunnel at least once */
    bool was_cut;     /* its result was sent once more in its short form */
    bool is_restored; /* of an earlier process: nobody knows its result's age */
    char trace_id[MSG_TRACE_ID_CHARS + 1]; /* of the call that asked, for the log; "" if none */
    unsigned tunnel;          /* that the job came on, or its result was last sent on */
    uint64_t arrived_us;      /* monotonic: when its budget began */
    uint64_t finished_ms;     /* monotonic */
    struct executor_run *run; /* while it runs (common/io/executor.h) */
    struct buf message;       /* as it came, while it waits for the ledger; else empty */
    struct buf result;        /* the encoded `result` message, once there is one: its bytes stay
                                 where they are, the ledger reads them */
    struct ledger_slot slot;  /* its place in the ledger */
    struct job *waiting;      /* the next that waits for the ledger; whoever waits owns the chain */
    struct job *next;         /* in its bucket; private */
    struct job *newer, *older; /* all jobs, by arrival; private */
};

struct jobs;

/* capacity: 1 to MSG_CAPACITY_MAX jobs held at once. NULL if out of memory. */
struct jobs *jobs_new(uint32_t capacity);
void jobs_free(struct jobs *jobs); /* wipes what is held */

enum jobs_admission {
    JOBS_NEW,          /* *out is the new job, to be recorded and run */
    JOBS_RUNNING,      /* known, and has no result to report yet: its one result follows */
    JOBS_FINISHED,     /* known and finished: send *out's result again */
    JOBS_ACKNOWLEDGED, /* known, and its result is with the platform: ignore it */
    JOBS_FULL          /* over capacity, or out of memory: refuse it */
};
enum jobs_admission jobs_admit(struct jobs *jobs, const struct cx_id *id, struct job **out);

/* It is held, or was acknowledged: never to be run (again). */
bool jobs_know(const struct jobs *jobs, const struct cx_id *id);

/* NULL if it is not held. */
struct job *jobs_find(const struct jobs *jobs, const struct cx_id *id);

/* The job of an earlier process that is still to be reported: JOB_SAVING, its result yet to be
 * filled in, held whatever the capacity is. NULL: out of memory, or it is held. */
struct job *jobs_restore(struct jobs *jobs, const struct cx_id *id);

/* It is in the ledger, and its request may be sent. */
void jobs_begin(struct job *job);

/* The job has its result (moved out of `result`): it is JOB_SAVING until jobs_saved. */
void jobs_finish(struct jobs *jobs, struct job *job, struct buf *result, uint64_t now_ms);

/* Its result is in the ledger, and may be reported. */
void jobs_saved(struct job *job);

/* The job whose result was reported, for which an `ack` counts; NULL: there is none. */
struct job *jobs_find_reported(const struct jobs *jobs, const struct cx_id *id);

/* The platform has the result of such a job for good: forget the job (it is freed), remember its
 * id. */
void jobs_acknowledge(struct jobs *jobs, struct job *job);

uint32_t jobs_capacity(const struct jobs *jobs);
size_t jobs_held(const struct jobs *jobs);
size_t jobs_running(const struct jobs *jobs); /* without a result yet */

/* Jobs in the order in which they came: the oldest, and the one after. */
struct job *jobs_oldest(const struct jobs *jobs);
struct job *jobs_after(const struct job *job);

#endif
