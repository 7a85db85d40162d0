#include "common/core/terms.h"

#include "tests/support/check.h"

/* The words as profiles, the wire and the API have them, each list in its own order; value 0 comes
 * before the first. They are written out here so that a renamed word is noticed. */
static const char *const purposes[] = {"authorize", "refresh", "revoke", "test", "discover"};
static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE", "GET"};
static const char *const encodings[] = {
    "json", "form",           "form_rfc3986",      "xml",       "rss", "csv",
    "text", "multipart_form", "multipart_related", "oracle_adf"};
static const char *const places[] = {"header", "payload", "query", "path"};
static const char *const secret_places[] = {"header", "payload", "client"};
static const char *const algs[] = {"RS256", "PS256", "ES256"};
static const char *const clients[] = {"none",
                                      "client_secret_basic",
                                      "client_secret_basic_raw",
                                      "client_secret_post",
                                      "private_key_jwt",
                                      "tls_client_auth"};
static const char *const outcomes[] = {"issued", "refused", "failed", "cancelled", "revoked"};
static const char *const executions[] = {"not_sent", "sent", "answered"};
static const char *const stages[] = {"policy",  "template", "secret", "resolve", "proxy",
                                     "connect", "tls",      "send",   "wait",    "receive",
                                     "parse",   "budget",   "agent",  "platform"};

/* Verdicts with the API's status for each. */
static const struct {
    const char *word;
    unsigned status;
} verdicts[] = {
    {"issued", 200},
    {"credentials_refused", 422},
    {"client_refused", 422},
    {"request_refused", 422},
    {"endpoint_busy", 502},
    {"endpoint_failed", 502},
    {"redirected", 502},
    {"answer_unreadable", 502},
    {"endpoint_unreachable", 502},
    {"policy_refused", 422},
    {"profile_incomplete", 422},
    {"budget_exceeded", 504},
    {"connector_offline", 503},
    {"connector_full", 429},
    {"agent_lost", 504},
    {"agent_unavailable", 503},
    {"platform_failed", 500},
    {"cancelled", 499},
    {"revoked", 200},
};

/* One enumeration behind a common face. */
#define FACE(word, type)                                                                           \
    static const char *name_of_##word(unsigned v)                                                  \
    {                                                                                              \
        return terms_##word((enum type)v);                                                         \
    }                                                                                              \
    static unsigned value_of_##word(struct slice text)                                             \
    {                                                                                              \
        return (unsigned)terms_##word##_of(text);                                                  \
    }

FACE(purpose, job_purpose)
FACE(method, http_method)
FACE(encoding, body_encoding)
FACE(place, field_place)
FACE(secret_place, secret_place)
FACE(client, client_method)
FACE(alg, client_alg)
FACE(outcome, outcome)
FACE(execution, execution)
FACE(stage, stage)
FACE(verdict, verdict)

static const struct {
    const char *why;
    const char *(*name_of)(unsigned v);
    unsigned (*value_of)(struct slice text);
    const char *const *words; /* NULL: the verdicts */
    unsigned nwords;
    unsigned count;
} lists[] = {
    {"purpose", name_of_purpose, value_of_purpose, purposes, COUNT_OF(purposes), PURPOSE_COUNT},
    {"method", name_of_method, value_of_method, methods, COUNT_OF(methods), METHOD_COUNT},
    {"encoding", name_of_encoding, value_of_encoding, encodings, COUNT_OF(encodings),
     ENCODING_COUNT},
    {"place", name_of_place, value_of_place, places, COUNT_OF(places), PLACE_COUNT},
    {"secret place", name_of_secret_place, value_of_secret_place, secret_places,
     COUNT_OF(secret_places), SECRET_PLACE_COUNT},
    {"client", name_of_client, value_of_client, clients, COUNT_OF(clients), CLIENT_COUNT},
    {"alg", name_of_alg, value_of_alg, algs, COUNT_OF(algs), ALG_COUNT},
    {"outcome", name_of_outcome, value_of_outcome, outcomes, COUNT_OF(outcomes), OUTCOME_COUNT},
    {"execution", name_of_execution, value_of_execution, executions, COUNT_OF(executions),
     EXECUTION_COUNT},
    {"stage", name_of_stage, value_of_stage, stages, COUNT_OF(stages), STAGE_COUNT},
    {"verdict", name_of_verdict, value_of_verdict, NULL, COUNT_OF(verdicts), VERDICT_COUNT},
};

static void terms_translate_every_word_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        CHECK(lists[i].why, lists[i].count == lists[i].nwords + 1);
        for (unsigned v = 1; v <= lists[i].nwords; v++) {
            const char *word =
                lists[i].words != NULL ? lists[i].words[v - 1] : verdicts[v - 1].word;

            CHECK(word, strcmp(lists[i].name_of(v), word) == 0);
            CHECK(word, lists[i].value_of(slice_of_str(word)) == v);
        }
    }
}

static void terms_give_0_for_other_words_and_no_text_for_other_values(void **state)
{
    static const char *const strangers[] = {"",       "unknown", "POST ", "Json", "post",
                                            "ISSUED", "jso",     "jsonx", "\xff"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        for (size_t word = 0; word < COUNT_OF(strangers); word++) {
            CHECK(strangers[word], lists[i].value_of(slice_of_str(strangers[word])) == 0);
        }
        CHECK(lists[i].why, lists[i].value_of((struct slice){NULL, 0}) == 0);
        CHECK(lists[i].why, strcmp(lists[i].name_of(0), "") == 0);
        CHECK(lists[i].why, strcmp(lists[i].name_of(lists[i].count), "") == 0);
        CHECK(lists[i].why, strcmp(lists[i].name_of(0x7fffffff), "") == 0);
    }
    assert_int_equal(terms_method_of(SLICE_LIT("GET\0")), METHOD_UNKNOWN);
}

static void terms_verdict_status_is_the_apis(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(verdicts); i++) {
        CHECK(verdicts[i].word, terms_verdict_status(terms_verdict_of(
                                    slice_of_str(verdicts[i].word))) == verdicts[i].status);
    }
    assert_int_equal(terms_verdict_status(VERDICT_UNKNOWN), 500);
    assert_int_equal(terms_verdict_status(VERDICT_COUNT), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(terms_translate_every_word_both_ways),
        cmocka_unit_test(terms_give_0_for_other_words_and_no_text_for_other_values),
        cmocka_unit_test(terms_verdict_status_is_the_apis),
    };

    return cmocka_run_group_tests_name("terms", tests, NULL, NULL);
}
