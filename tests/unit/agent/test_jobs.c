#include "agent/core/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct cx_id id_of(uint32_t n)
{
    struct cx_id id = {{0}};

    memcpy(id.bytes, &n, sizeof(n));
    id.bytes[15] = 1;
    return id;
}

static struct job *admit_new(struct jobs *jobs, uint32_t n)
{
    struct cx_id id = id_of(n);
    struct job *job = NULL;

    assert_int_equal(jobs_admit(jobs, &id, &job), JOBS_NEW);
    return job;
}

static void give_result(struct jobs *jobs, struct job *job)
{
    struct buf result;

    buf_init(&result, 100);
    assert_int_equal(buf_put_str(&result, "r"), CX_OK);
    jobs_finish(jobs, job, &result, 7);
    buf_done(&result);
}

static void finish(struct jobs *jobs, struct job *job)
{
    jobs_begin(job);
    give_result(jobs, job);
    jobs_saved(job);
}

static void acknowledge(struct jobs *jobs, const struct cx_id *id)
{
    jobs_find(jobs, id)->is_reported = true;
    jobs_acknowledge(jobs, jobs_find_reported(jobs, id));
}

/* The id comes a second time while its job is in each of the states. */
static void jobs_admit_runs_an_id_once_in_its_whole_life(void **state)
{
    struct jobs *jobs = jobs_new(2);
    struct cx_id id = id_of(1);
    struct job *job = admit_new(jobs, 1);
    struct job *again = NULL;
    struct cx_id other = id_of(2);

    (void)state;
    assert_false(jobs_know(jobs, &other));
    assert_true(jobs_know(jobs, &id));
    assert_int_equal(job->state, JOB_RECORDING);
    assert_int_equal(jobs_admit(jobs, &id, &again), JOBS_RUNNING);
    assert_ptr_equal(again, job);
    jobs_begin(job);
    assert_int_equal(job->state, JOB_RUNNING);
    assert_int_equal(jobs_admit(jobs, &id, &again), JOBS_RUNNING);
    give_result(jobs, job);
    assert_int_equal(job->state, JOB_SAVING);
    assert_int_equal(jobs_admit(jobs, &id, &again), JOBS_RUNNING);
    jobs_saved(job);
    again = NULL;
    assert_int_equal(jobs_admit(jobs, &id, &again), JOBS_FINISHED);
    assert_ptr_equal(again, job);
    acknowledge(jobs, &id);
    assert_int_equal(jobs_admit(jobs, &id, &again), JOBS_ACKNOWLEDGED);
    assert_null(jobs_find(jobs, &id));
    assert_true(jobs_know(jobs, &id));
    jobs_free(jobs);
}

static void jobs_count_until_they_are_acknowledged(void **state)
{
    struct jobs *jobs = jobs_new(2);
    struct cx_id third = id_of(3);
    struct cx_id first = id_of(1);
    struct job *job = admit_new(jobs, 1);
    struct job *out = NULL;

    (void)state;
    (void)admit_new(jobs, 2);
    assert_int_equal(jobs_admit(jobs, &third, &out), JOBS_FULL);
    finish(jobs, job);
    assert_int_equal(jobs_running(jobs), 1);
    assert_int_equal(jobs_held(jobs), 2);
    assert_int_equal(jobs_admit(jobs, &third, &out), JOBS_FULL);
    acknowledge(jobs, &first);
    assert_int_equal(jobs_admit(jobs, &third, &out), JOBS_NEW);
    jobs_free(jobs);
}

static void jobs_find_reported_passes_over_what_was_not_reported(void **state)
{
    struct jobs *jobs = jobs_new(4);
    struct cx_id unknown = id_of(9);
    struct cx_id id = id_of(1);
    struct job *job = admit_new(jobs, 1);

    (void)state;
    assert_null(jobs_find_reported(jobs, &unknown));
    assert_null(jobs_find_reported(jobs, &id)); /* is recorded */
    jobs_begin(job);
    assert_null(jobs_find_reported(jobs, &id)); /* runs */
    give_result(jobs, job);
    assert_null(jobs_find_reported(jobs, &id)); /* its result is recorded */
    jobs_saved(job);
    assert_null(jobs_find_reported(jobs, &id)); /* finished, not reported */
    job->is_reported = true;
    assert_ptr_equal(jobs_find_reported(jobs, &id), job);
    jobs_free(jobs);
}

static void jobs_finish_counts_a_job_that_never_began(void **state)
{
    struct jobs *jobs = jobs_new(1);
    struct job *job = admit_new(jobs, 1);

    (void)state;
    assert_int_equal(jobs_running(jobs), 1);
    give_result(jobs, job); /* cancelled while it was recorded */
    assert_int_equal(jobs_running(jobs), 0);
    give_result(jobs, job); /* a second one changes nothing */
    assert_int_equal(jobs_running(jobs), 0);
    assert_int_equal(jobs_held(jobs), 1);
    jobs_free(jobs);
}

static void jobs_restore_holds_more_than_the_capacity(void **state)
{
    struct jobs *jobs = jobs_new(1);
    struct cx_id next = id_of(9);
    struct job *job = NULL;

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        struct cx_id id = id_of(i);

        job = jobs_restore(jobs, &id);
        assert_non_null(job);
        assert_true(job->is_restored);
        assert_int_equal(jobs_admit(jobs, &id, &job), JOBS_RUNNING);
        assert_int_equal(buf_put_str(&job->result, "r"), CX_OK);
        jobs_saved(job);
        assert_null(jobs_restore(jobs, &id)); /* it is held */
    }
    assert_int_equal(jobs_held(jobs), 3);
    assert_int_equal(jobs_running(jobs), 0);
    assert_int_equal(jobs_admit(jobs, &next, &job), JOBS_FULL);
    for (uint32_t i = 0; i < 3; i++) {
        struct cx_id id = id_of(i);

        assert_int_equal(jobs_admit(jobs, &id, &job), JOBS_FINISHED);
        acknowledge(jobs, &id);
    }
    assert_int_equal(jobs_admit(jobs, &next, &job), JOBS_NEW);
    jobs_free(jobs);
}

static void jobs_keep_the_order_in_which_they_came(void **state)
{
    struct jobs *jobs = jobs_new(8);
    const struct job *job;
    uint32_t seen = 0;

    (void)state;
    for (uint32_t i = 0; i < 5; i++) {
        (void)admit_new(jobs, i);
    }
    for (uint32_t i = 0; i < 3; i += 2) { /* the oldest, and one between others */
        struct cx_id id = id_of(i);

        finish(jobs, jobs_find(jobs, &id));
        acknowledge(jobs, &id);
    }
    static const uint32_t want[] = {1, 3, 4};
    for (job = jobs_oldest(jobs); job != NULL; job = jobs_after(job)) {
        struct cx_id id = id_of(want[seen++]);

        assert_true(id_eq(&job->id, &id));
    }
    assert_int_equal(seen, 3);
    assert_int_equal(jobs_running(jobs), 3);
    jobs_free(jobs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_admit_runs_an_id_once_in_its_whole_life),
        cmocka_unit_test(jobs_count_until_they_are_acknowledged),
        cmocka_unit_test(jobs_find_reported_passes_over_what_was_not_reported),
        cmocka_unit_test(jobs_finish_counts_a_job_that_never_began),
        cmocka_unit_test(jobs_restore_holds_more_than_the_capacity),
        cmocka_unit_test(jobs_keep_the_order_in_which_they_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
