#include "agent/core/jobs.h"
#include "agent/core/recent.h"

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

static void finish(struct jobs *jobs, struct job *job)
{
    struct buf result;

    buf_init(&result, 100);
    assert_int_equal(buf_put_str(&result, "r"), CX_OK);
    jobs_finish(jobs, job, &result, 7);
    buf_done(&result);
}

static void jobs_admit_runs_an_id_once_in_its_whole_life(void **state)
{
    struct jobs *jobs = jobs_new(2);
    struct cx_id id = id_of(1);
    struct job *job = admit_new(jobs, 1);
    struct job *again = NULL;

    (void)state;
    assert_int_equal(jobs_admit(jobs, &id, &again), JOBS_RUNNING);
    assert_ptr_equal(again, job);
    finish(jobs, job);
    again = NULL;
    assert_int_equal(jobs_admit(jobs, &id, &again), JOBS_FINISHED);
    assert_ptr_equal(again, job);
    job->is_reported = true;
    assert_true(jobs_acknowledge(jobs, &id));
    assert_int_equal(jobs_admit(jobs, &id, &again), JOBS_ACKNOWLEDGED);
    assert_null(jobs_find(jobs, &id));
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
    job->is_reported = true;
    assert_true(jobs_acknowledge(jobs, &first));
    assert_int_equal(jobs_admit(jobs, &third, &out), JOBS_NEW);
    jobs_free(jobs);
}

static void jobs_acknowledge_ignores_what_was_not_reported(void **state)
{
    struct jobs *jobs = jobs_new(4);
    struct cx_id unknown = id_of(9);
    struct cx_id id = id_of(1);
    struct job *job = admit_new(jobs, 1);

    (void)state;
    assert_false(jobs_acknowledge(jobs, &unknown));
    assert_false(jobs_acknowledge(jobs, &id)); /* runs */
    finish(jobs, job);
    assert_false(jobs_acknowledge(jobs, &id)); /* finished, not reported */
    assert_ptr_equal(jobs_find(jobs, &id), job);
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
    jobs_forget(jobs, jobs_after(jobs_after(jobs_oldest(jobs)))); /* 2 */
    jobs_forget(jobs, jobs_oldest(jobs));                         /* 0 */
    static const uint32_t want[] = {1, 3, 4};
    for (job = jobs_oldest(jobs); job != NULL; job = jobs_after(job)) {
        struct cx_id id = id_of(want[seen++]);

        assert_true(id_eq(&job->id, &id));
    }
    assert_int_equal(seen, 3);
    assert_int_equal(jobs_running(jobs), 3);
    jobs_free(jobs);
}

static void recent_remembers_the_last_65536_ids(void **state)
{
    struct recent *r = recent_new();

    (void)state;
    for (uint32_t i = 0; i < RECENT_IDS + 10; i++) {
        struct cx_id id = id_of(i);

        recent_add(r, &id);
        recent_add(r, &id); /* twice changes nothing */
    }
    for (uint32_t i = 0; i < RECENT_IDS + 10; i++) {
        struct cx_id id = id_of(i);

        assert_int_equal(recent_has(r, &id), i >= 10);
    }
    recent_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_admit_runs_an_id_once_in_its_whole_life),
        cmocka_unit_test(jobs_count_until_they_are_acknowledged),
        cmocka_unit_test(jobs_acknowledge_ignores_what_was_not_reported),
        cmocka_unit_test(jobs_keep_the_order_in_which_they_came),
        cmocka_unit_test(recent_remembers_the_last_65536_ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
