#include "common/core/profile.h"

#include "tests/support/alloc_any.h"
#include "tests/support/alloc_fail.h"
#include "tests/support/check.h"
#include "tests/support/profile_text.h"

static const char full[] =
    "{'name': 'p', 'type': 'oauth2_password', 'connector': 'c1', 'tenancy': {'tenant': 'acme'},"
    " 'mode': 'pre_authorized', 'form_fields': [{'key': 'username', 'required': true},"
    " {'key': 'n', 'data_type': 'number', 'type': 'password'},"
    " {'key': 'lang', 'visibility': 'hidden', 'value': 'de'}],"
    " 'fields': [{'place': 'path', 'key': 'r', 'value': '{{lang}}'},"
    " {'key': 'X-A', 'value': 'hunter1{{password}}'}],"
    " 'token_url': 'https://{tenant}.example/{r}', 'auth_error_status': [403],"
    " 'client': {'method': 'client_secret_post', 'id': 'i', 'secret': 'hunter2'},"
    " 'credentials': {'username': 'hunter3', 'password': '{{secret:p}}'}}";

/* The form value n is 424242. */
static struct profile_call make_call(const json_t *variables)
{
    return (struct profile_call){.purpose = PURPOSE_AUTHORIZE, .variables = variables};
}

static void profile_read_fails_cleanly_without_memory(void **state)
{
    json_t *json = profile_text_json(full);
    struct profile_input in = {.json = json};
    struct profile p = {0};
    size_t nth = 1;

    (void)state;
    for (;; nth++) {
        struct faults faults;
        bool is_read;

        faults_init(&faults);
        alloc_fail_at(nth);
        is_read = profile_read(&in, &p, &faults, NULL);
        if (!alloc_fail_end()) {
            assert_true(is_read);
            break;
        }
        assert_false(is_read);
        assert_null(p.name);
        assert_true(faults_total(&faults) > 0);
        faults_done(&faults);
    }
    assert_true(nth > 40);
    profile_done(&p);
    json_decref(json);
}

static void profile_make_job_fails_cleanly_without_memory(void **state)
{
    json_t *json = profile_text_json(full);
    json_t *variables = profile_text_json("{'n': 424242}");
    struct profile_input in = {.json = json};
    struct profile_call call = make_call(variables);
    struct profile p = {0};
    struct faults faults;
    struct profile_job made = {0};
    size_t nth = 1;

    (void)state;
    faults_init(&faults);
    assert_true(profile_read(&in, &p, &faults, NULL));
    for (;; nth++) {
        bool is_made;

        faults_init(&faults);
        alloc_fail_at(nth);
        is_made = profile_make_job(&p, &call, &made, &faults);
        if (!alloc_fail_end()) {
            assert_true(is_made);
            break;
        }
        assert_false(is_made);
        assert_null(made.memory);
        assert_true(faults_total(&faults) > 0);
        faults_done(&faults);
    }
    assert_true(nth > 12);
    profile_job_done(&made);
    profile_done(&p);
    json_decref(json);
    json_decref(variables);
}

/* The library's allocations fail too: the whole JSON or none. */
static void profile_to_json_fails_cleanly_without_memory(void **state)
{
    json_t *json;
    struct profile_input in = {0};
    struct profile p = {0};
    struct faults faults;
    json_t *whole;

    (void)state;
    if (!alloc_any_works()) {
        skip();
    }
    json = profile_text_json(full);
    in.json = json;
    faults_init(&faults);
    assert_true(profile_read(&in, &p, &faults, NULL));
    whole = profile_to_json(&p, true);
    for (size_t nth = 1;; nth++) {
        json_t *made;
        struct alloc_seen seen;

        alloc_any_start(nth);
        made = profile_to_json(&p, true);
        if (made == NULL) {
            seen = alloc_any_stop();
            assert_true(seen.has_failed);
            assert_int_equal(seen.freed, seen.calls - 1);
            continue;
        }
        seen = alloc_any_stop();
        assert_true(json_equal(made, whole));
        json_decref(made);
        if (!seen.has_failed) {
            assert_true(nth > 100);
            break;
        }
    }
    json_decref(whole);
    profile_done(&p);
    json_decref(json);
}

static void profile_done_wipes_secrets(void **state)
{
    static const char *const secrets[] = {"hunter2", "hunter3"};
    json_t *json;
    struct profile_input in = {0};

    (void)state;
    if (!alloc_any_works()) {
        skip();
    }
    json = profile_text_json(full);
    in.json = json;
    for (size_t i = 0; i < COUNT_OF(secrets); i++) {
        struct profile p = {0};
        struct faults faults;

        faults_init(&faults);
        alloc_any_start(0);
        alloc_any_watch(secrets[i]);
        assert_true(profile_read(&in, &p, &faults, NULL));
        profile_done(&p);
        assert_int_equal(alloc_any_stop().unwiped, 0);
        alloc_any_watch(NULL);
    }
    json_decref(json);
}

static void profile_job_done_wipes_what_it_made_of_values(void **state)
{
    json_t *json;
    json_t *variables;
    struct profile_input in = {0};
    struct profile_call call;
    struct profile p = {0};
    struct profile_job made = {0};
    struct faults faults;

    (void)state;
    if (!alloc_any_works()) {
        skip();
    }
    json = profile_text_json(full);
    variables = profile_text_json("{'n': 424242}");
    in.json = json;
    call = make_call(variables);
    faults_init(&faults);
    assert_true(profile_read(&in, &p, &faults, NULL));
    alloc_any_start(0);
    alloc_any_watch("424242");
    assert_true(profile_make_job(&p, &call, &made, &faults));
    assert_int_equal(made.job.nvariables, 5);
    profile_job_done(&made);
    assert_int_equal(alloc_any_stop().unwiped, 0);
    alloc_any_start(0);
    alloc_any_watch("hunter1");
    assert_true(profile_make_job(&p, &call, &made, &faults));
    profile_job_done(&made);
    assert_int_equal(alloc_any_stop().unwiped, 0);
    alloc_any_watch(NULL);
    profile_done(&p);
    json_decref(json);
    json_decref(variables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profile_read_fails_cleanly_without_memory),
        cmocka_unit_test(profile_make_job_fails_cleanly_without_memory),
        cmocka_unit_test(profile_to_json_fails_cleanly_without_memory),
        cmocka_unit_test(profile_done_wipes_secrets),
        cmocka_unit_test(profile_job_done_wipes_what_it_made_of_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
