#ifndef CONNECTOR_TESTS_SUPPORT_DISPATCH_MODEL_H
#define CONNECTOR_TESTS_SUPPORT_DISPATCH_MODEL_H

#include "platform/core/dispatch.h"

/* Dispatch under whatever may happen, in any order: thousands of random steps, with a model of what
 * each agent really has beside it. What must hold at every step:
 *
 * - a job is written to a second agent, or to the same one again, only after it was proven that the
 *   one before sent nothing of it: by its own refusal, or since the message was never read;
 * - two jobs with one exclusive key are never with agents at once;
 * - each job that was taken ends exactly once (a failure, a result, or its caller goes), and what a
 *   failure says of the execution is true;
 * - what is outstanding on a tunnel is what the agent was given and has not been acknowledged. */

enum { MODEL_AGENTS = 3, MODEL_JOBS = 800, MODEL_KEYS = 4, MODEL_BUDGET_MS = 400 };

/* Where a job's message is. */
enum place {
    NOWHERE, /* not with an agent: dispatch has it, or it has ended */
    OUTBOX,  /* of a tunnel, not written */
    ON_WAY,  /* written, not read */
    HELD,    /* the agent has it, and has not begun */
    RUNNING  /* the endpoint may have been asked */
};

struct model_job {
    struct cx_id id;
    enum place place;
    unsigned agent; /* that has it, unless NOWHERE */
    int key;        /* -1: none */
    bool is_taken, has_ended, has_caller;
    bool was_sent;    /* the endpoint may have been asked, ever */
    bool is_done;     /* the endpoint has been asked, and its result is there */
    bool is_reported; /* its result has come, and is being stored */
};

struct model_agent {
    struct dispatch_tunnel *tunnel;
    struct cx_id id, ledger;
    bool is_draining;
};

struct model {
    struct dispatch *d;
    struct dispatch_connector *c;
    struct model_agent agents[MODEL_AGENTS];
    struct model_job jobs[MODEL_JOBS];
    size_t njobs;
    uint64_t now_ms, random;
    unsigned step, moved, again, shared, lost;
};

/* A dispatch with one connector whose ports look after the model. */
void model_start(struct model *m, uint64_t seed);
void model_end(struct model *m); /* its tunnels must be down */

/* The next random number; one below n. The same for the same seed everywhere. */
uint64_t model_next(struct model *m);
size_t model_pick(struct model *m, size_t n);

struct cx_id model_id(uint64_t n);

/* Fail the test unless the claim holds. */
void model_check(const struct model *m, bool claim, const char *what);

/* Steps, each of a random job for which it can be: a caller asks; the store answers; a message is
 * written to its tunnel; the agent reads it; it sends the request; it says that it has sent
 * nothing; it reports a result; that is stored, and acknowledged if its agent's tunnel is still
 * there (else the agent reports it again); a caller goes, or its budget is over. */
void model_submit(struct model *m);
void model_store_answers(struct model *m);
void model_write_one(struct model *m);
void model_read_one(struct model *m);
void model_begin_one(struct model *m);
void model_refuse_one(struct model *m);
void model_report_one(struct model *m);
void model_settle_one(struct model *m);
void model_lose_caller(struct model *m);

#endif
