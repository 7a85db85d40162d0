#include "common/core/report_sent.h"

#include "tests/support/check.h"

#define CLIENT   "cl1ent/+s3cret"
#define PASSWORD "refused"

static const struct msg_variable variables[] = {
    {SLICE_LIT("username"), SLICE_LIT("alice")},
    {SLICE_LIT("password"), SLICE_LIT(PASSWORD)},
};
static const struct slice secret[] = {SLICE_LIT("password")};

static struct msg_job job_of(const char *client_secret)
{
    return (struct msg_job){
        .request.client = {.method = CLIENT_SECRET_POST, .secret = slice_of_str(client_secret)},
        .variables = variables,
        .nvariables = 2,
        .secret_variables = secret,
        .nsecret_variables = 1,
    };
}

static void hide(struct msg_result *r, const char *client_secret, struct report_hidden *hidden)
{
    struct msg_job job = job_of(client_secret);
    struct report_sent sent = {0};

    *hidden = (struct report_hidden){0};
    assert_int_equal(report_sent_keep(&job, &sent), CX_OK);
    report_sent_hide(r, &sent, hidden);
    report_sent_done(&sent);
}

static void report_sent_masks_what_an_endpoint_says_of_a_failure(void **state)
{
    static const struct {
        const char *why, *client, *said, *want, *want_message;
    } rows[] = {
        {"none", CLIENT, "no such user", "no such user", "no such user"},
        {"the client's", CLIENT, "not " CLIENT "!", "not MASKED!", "not MASKED!"},
        {"escaped", CLIENT, "cl1ent%2F%2Bs3cret", "MASKED", "MASKED"},
        {"a variable's: not in our own sentence", CLIENT, "was " PASSWORD, "was MASKED",
         "was " PASSWORD},
        {"no secret", CLIENT, "alice", "alice", "alice"},
        {"a placeholder is none", "{{secret:hr}}", "{{secret:hr}}", "{{secret:hr}}",
         "{{secret:hr}}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct slice said = slice_of_str(rows[i].said);
        struct msg_result r = {.outcome = OUTCOME_REFUSED, .has_error = true};
        struct report_hidden hidden;

        r.error = (struct msg_failure){.message = said, .oauth_error = said};
        r.error.oauth_description = said;
        hide(&r, rows[i].client, &hidden);
        CHECK_TEXT(rows[i].why, r.error.message, rows[i].want_message);
        CHECK_TEXT(rows[i].why, r.error.oauth_error, rows[i].want);
        CHECK_TEXT(rows[i].why, r.error.oauth_description, rows[i].want);
        report_hidden_done(&hidden);
    }
}

static void report_sent_masks_the_clients_in_a_tokens_extra(void **state)
{
    static const struct {
        const char *why, *extra, *want;
    } rows[] = {
        {"none", "{\"a\":[1,\"x\"]}", "{\"a\":[1,\"x\"]}"},
        {"in a value", "{\"a\":\"<" CLIENT ">\"}", "{\"a\":\"<MASKED>\"}"},
        {"a variable's", "{\"a\":\"" PASSWORD "\"}", "{\"a\":\"" PASSWORD "\"}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct msg_result r = {.outcome = OUTCOME_ISSUED, .has_token = true};
        struct report_hidden hidden;

        r.token = (struct msg_token){.access_token = SLICE_LIT("tok"),
                                     .extra = slice_of_str(rows[i].extra)};
        hide(&r, CLIENT, &hidden);
        CHECK_TEXT(rows[i].why, r.token.extra, rows[i].want);
        CHECK(rows[i].why, r.has_token && !r.token.extra_omitted);
        report_hidden_done(&hidden);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_sent_masks_what_an_endpoint_says_of_a_failure),
        cmocka_unit_test(report_sent_masks_the_clients_in_a_tokens_extra),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
