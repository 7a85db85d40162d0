#include "agent/core/jobs.h"

#include "agent/core/recent.h"
#include "common/core/pool.h"

#include <stdlib.h>

enum { BUCKETS = 4096 }; /* twice the largest capacity */

struct jobs {
    struct job *buckets[BUCKETS];
    struct job *oldest, *newest;
    struct recent *recent;
    uint32_t capacity;
    size_t held;
    size_t running;
};

struct jobs *jobs_new(uint32_t capacity)
{
    struct jobs *jobs = calloc(1, sizeof(*jobs));

    if (jobs == NULL) {
        return NULL;
    }
    jobs->capacity = capacity;
    jobs->recent = recent_new();
    if (jobs->recent == NULL) {
        free(jobs);
        return NULL;
    }
    return jobs;
}

static struct job **bucket_of(const struct jobs *jobs, const struct cx_id *id)
{
    return (struct job **)&jobs->buckets[id_hash(id) >> 52];
}

static void job_free(struct job *job)
{
    buf_done(&job->message);
    buf_done(&job->result);
    pool_give(job);
}

void jobs_free(struct jobs *jobs)
{
    struct job *next;

    if (jobs == NULL) {
        return;
    }
    for (struct job *job = jobs->oldest; job != NULL; job = next) {
        next = job->newer;
        job_free(job);
    }
    recent_free(jobs->recent);
    free(jobs);
}

struct job *jobs_find(const struct jobs *jobs, const struct cx_id *id)
{
    struct job *job = *bucket_of(jobs, id);

    while (job != NULL && !id_eq(&job->id, id)) {
        job = job->next;
    }
    return job;
}

bool jobs_know(const struct jobs *jobs, const struct cx_id *id)
{
    return jobs_find(jobs, id) != NULL || recent_has(jobs->recent, id);
}

static struct job *add(struct jobs *jobs, const struct cx_id *id)
{
    struct job **bucket = bucket_of(jobs, id);
    struct job *job = pool_take_zeroed(1, sizeof(*job));

    if (job == NULL) {
        return NULL;
    }
    job->id = *id;
    buf_init(&job->message, MSG_MESSAGE_BYTES_MAX);
    buf_init(&job->result, MSG_MESSAGE_BYTES_MAX);
    job->next = *bucket;
    *bucket = job;
    job->older = jobs->newest;
    if (jobs->newest != NULL) {
        jobs->newest->newer = job;
    } else {
        jobs->oldest = job;
    }
    jobs->newest = job;
    jobs->held++;
    jobs->running++;
    return job;
}

enum jobs_admission jobs_admit(struct jobs *jobs, const struct cx_id *id, struct job **out)
{
    struct job *job = jobs_find(jobs, id);

    if (job != NULL) {
        *out = job;
        return job->state == JOB_FINISHED ? JOBS_FINISHED : JOBS_RUNNING;
    }
    if (recent_has(jobs->recent, id)) {
        return JOBS_ACKNOWLEDGED;
    }
    if (jobs->held >= jobs->capacity || (job = add(jobs, id)) == NULL) {
        return JOBS_FULL;
    }
    *out = job;
    return JOBS_NEW;
}

void jobs_begin(struct job *job)
{
    job->state = JOB_RUNNING;
}

void jobs_finish(struct jobs *jobs, struct job *job, struct buf *result, uint64_t now_ms)
{
    if (job->state == JOB_SAVING || job->state == JOB_FINISHED) {
        return;
    }
    job->state = JOB_SAVING;
    job->finished_ms = now_ms;
    buf_take(&job->result, result);
    jobs->running--;
}

void jobs_saved(struct job *job)
{
    job->state = JOB_FINISHED;
}

struct job *jobs_restore(struct jobs *jobs, const struct cx_id *id)
{
    struct job *job = jobs_find(jobs, id) == NULL ? add(jobs, id) : NULL;

    if (job != NULL) {
        job->state = JOB_SAVING;
        job->is_restored = true;
        jobs->running--;
    }
    return job;
}

static void unlink_job(struct jobs *jobs, struct job *job)
{
    struct job **link = bucket_of(jobs, &job->id);

    while (*link != job) {
        link = &(*link)->next;
    }
    *link = job->next;
    *(job->older != NULL ? &job->older->newer : &jobs->oldest) = job->newer;
    *(job->newer != NULL ? &job->newer->older : &jobs->newest) = job->older;
    jobs->held--;
}

struct job *jobs_find_reported(const struct jobs *jobs, const struct cx_id *id)
{
    struct job *job = jobs_find(jobs, id);

    return job != NULL && job->state == JOB_FINISHED && job->is_reported ? job : NULL;
}

void jobs_acknowledge(struct jobs *jobs, struct job *job)
{
    unlink_job(jobs, job);
    recent_add(jobs->recent, &job->id);
    job_free(job);
}

uint32_t jobs_capacity(const struct jobs *jobs)
{
    return jobs->capacity;
}

size_t jobs_held(const struct jobs *jobs)
{
    return jobs->held;
}

size_t jobs_running(const struct jobs *jobs)
{
    return jobs->running;
}

struct job *jobs_oldest(const struct jobs *jobs)
{
    return jobs->oldest;
}

struct job *jobs_after(const struct job *job)
{
    return job->newer;
}
