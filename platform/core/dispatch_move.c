#include "platform/core/dispatch_internal.h"

#include <stdlib.h>

/* From an agent that has sent nothing to another one. */

enum { MOVE_PART = 4, MOVE_MS = 100 }; /* of the budget: dispatch.h says why */

/* How much a result tells that stopped there: the further it came. 0: no other agent may have the
 * job. */
static int rank_of(enum stage stage)
{
    switch (stage) {
    case STAGE_AGENT:
        return 1;
    case STAGE_RESOLVE:
        return 2;
    case STAGE_PROXY:
        return 3;
    case STAGE_CONNECT:
        return 4;
    case STAGE_TLS:
        return 5;
    case STAGE_NONE:
    case STAGE_POLICY:
    case STAGE_TEMPLATE:
    case STAGE_SECRET:
    case STAGE_SEND:
    case STAGE_WAIT:
    case STAGE_RECEIVE:
    case STAGE_PARSE:
    case STAGE_BUDGET:
    case STAGE_PLATFORM:
    case STAGE_COUNT:
        break;
    }
    return 0;
}

bool dispatch_is_outdone(const struct dispatch_job *job, enum stage stage)
{
    int rank = rank_of(stage);

    return rank > 0 && job->refusals != NULL && rank_of(job->refusal_stage) > rank;
}

static bool has_time(const struct dispatch_job *job, uint64_t now_ms)
{
    uint64_t budget_ms = job->deadline_ms - job->submitted_ms;
    uint64_t least_ms = budget_ms / MOVE_PART > MOVE_MS ? budget_ms / MOVE_PART : MOVE_MS;

    return job->deadline_ms >= now_ms + least_ms;
}

static bool add_refusal(struct dispatch_job *job, enum stage stage)
{
    struct dispatch_refusal *refusal = calloc(1, sizeof(*refusal));

    if (refusal == NULL) {
        return false;
    }
    refusal->agent = job->agent;
    refusal->stage = stage;
    refusal->next = job->refusals;
    job->refusals = refusal;
    return true;
}

bool dispatch_may_move(const struct dispatch_tunnel *t, const struct dispatch_job *job,
                       enum stage stage, uint64_t now_ms)
{
    bool is_with_it = id_eq(&job->agent, &t->agent) &&
                      (job->state == DISPATCH_SENT || job->state == DISPATCH_LOST);

    return is_with_it && job->owner != NULL && rank_of(stage) > 0 && has_time(job, now_ms) &&
           queue_has_other_way(job);
}

bool dispatch_move(struct dispatch_tunnel *t, struct dispatch_job *job, enum stage stage,
                   struct buf *answer, uint64_t now_ms)
{
    bool is_outdone = dispatch_is_outdone(job, stage);

    if (!dispatch_may_move(t, job, stage, now_ms) || !add_refusal(job, stage)) {
        return false;
    }
    if (!is_outdone) {
        job->refusal_agent = job->agent;
        job->refusal_stage = stage;
        buf_take(&job->refusal, answer);
    }
    queue_again(job);
    queue_pump(job->connector);
    return true;
}
