#include "tests/support/wire_samples.h"

#include "tests/support/check.h"
#include "tests/support/wire_golden.h"

#define TEXT(s) SLICE_LIT(s)

static const struct cx_id id1 = {{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}};
static const struct cx_id id2 = {{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}};
static const struct cx_id id5 = {{5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5}};
static const struct cx_id id9 = {{9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}};
static const struct cx_id ids34[] = {
    {{3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3}},
    {{4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4}},
};
static const struct cx_id ids56[] = {
    {{5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5}},
    {{6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6, 6}},
};

static void make_hello_full(struct msg *m)
{
    static struct slice methods[2];
    static struct msg_rule rules[2];
    static struct slice features[1];

    methods[0] = TEXT("POST");
    methods[1] = TEXT("PUT");
    rules[0] = (struct msg_rule){TEXT("hr"), TEXT("https://hr.example/oauth"), methods, 2};
    rules[1] = (struct msg_rule){0};
    features[0] = TEXT("trace");
    m->type = MSG_HELLO;
    m->body.hello =
        (struct msg_hello){TEXT("0.1.0"), id1,   15, id2,        5000000000, TEXT("dc1-host"),
                           2048,          ids34, 2,  {rules, 2}, features,   1};
}

static void make_hello_min(struct msg *m)
{
    m->type = MSG_HELLO;
    m->body.hello = (struct msg_hello){
        .agent_version = TEXT(""), .instance = id1, .ledger = id1, .host = TEXT(""), .capacity = 1};
}

static void make_welcome(struct msg *m)
{
    m->type = MSG_WELCOME;
    m->body.welcome =
        (struct msg_welcome){TEXT("0.1.0"), id9, 10000, 1760000000000, 262144, 1048576};
}

static void make_job_full(struct msg *m)
{
    static const uint32_t statuses[] = {403, 499};
    static struct msg_field fields[2];
    static struct msg_variable variables[2];
    static struct slice secrets[1];

    fields[0] = (struct msg_field){PLACE_PAYLOAD, TEXT("username"), TEXT("{{username}}")};
    fields[1] = (struct msg_field){PLACE_HEADER, TEXT("X-Pin"), TEXT("")};
    variables[0] = (struct msg_variable){TEXT("username"), TEXT("zo\xc3\xab")};
    variables[1] = (struct msg_variable){TEXT("pin"), TEXT("")};
    secrets[0] = TEXT("pin");
    m->type = MSG_JOB;
    m->body.job = (struct msg_job){
        .id = id5,
        .budget_ms = 29750,
        .purpose = PURPOSE_AUTHORIZE,
        .request = {METHOD_POST,
                    TEXT("https://hr.example/token"),
                    ENCODING_FORM,
                    TEXT("order"),
                    fields,
                    2,
                    {CLIENT_SECRET_BASIC_RAW, TEXT("portal"), TEXT("s3"), TEXT("k"), TEXT("c"),
                     ALG_ES256, TEXT("k1"), TEXT("https://a")}},
        .variables = variables,
        .nvariables = 2,
        .secret_variables = secrets,
        .nsecret_variables = 1,
        .expect = {.auth_error_status = statuses, .nauth_error_status = 2, .answer = ENCODING_JSON},
        .trace = true,
        .trace_id = TEXT("4bf92f3577b34da6a3ce929d0e0e4736"),
    };
}

static void make_job_min(struct msg *m)
{
    m->type = MSG_JOB;
    m->body.job = (struct msg_job){
        .id = id5,
        .purpose = PURPOSE_TEST,
        .request = {.method = METHOD_GET,
                    .url = TEXT(""),
                    .encoding = ENCODING_ORACLE_ADF,
                    .client.method = CLIENT_NONE},
    };
}

static void make_job_mapped(struct msg *m)
{
    m->type = MSG_JOB;
    m->body.job = (struct msg_job){
        .id = id5,
        .budget_ms = 1000,
        .purpose = PURPOSE_REFRESH,
        .request = {.method = METHOD_POST,
                    .url = TEXT("u"),
                    .encoding = ENCODING_XML,
                    .client.method = CLIENT_NONE},
        .expect = {.answer = ENCODING_XML,
                   .places = {TEXT("/r/t"), TEXT("/r/f"), TEXT("/r/e"), TEXT("/r/k"), TEXT("/r/ok"),
                              TEXT("true")}},
    };
}

static void make_result_full(struct msg *m)
{
    m->type = MSG_RESULT;
    m->body.result = (struct msg_result){
        .id = id5,
        .outcome = OUTCOME_ISSUED,
        .code = VERDICT_ISSUED,
        .execution = EXECUTION_ANSWERED,
        .status = 200,
        .has_token = true,
        .token = {TEXT("at"), TEXT("Bearer"), true, 3600, TEXT("rt"), TEXT("hr.read"), TEXT("jwt"),
                  TEXT("{}"), true, true, 86400},
        .has_error = true,
        .error = {STAGE_PARSE, TEXT("m"), TEXT("invalid_grant"), TEXT("d"), true, 1500},
        .has_age = true,
        .age_ms = 7,
        .has_timing = true,
        .timing = {1, 2, 3, 4, 5, 6, 7, 28},
    };
}

static void make_result_min(struct msg *m)
{
    m->type = MSG_RESULT;
    m->body.result = (struct msg_result){.id = id5,
                                         .outcome = OUTCOME_FAILED,
                                         .code = VERDICT_BUDGET_EXCEEDED,
                                         .execution = EXECUTION_SENT};
}

static void make_result_discovered(struct msg *m)
{
    m->type = MSG_RESULT;
    m->body.result = (struct msg_result){.id = id5,
                                         .outcome = OUTCOME_ISSUED,
                                         .code = VERDICT_ISSUED,
                                         .execution = EXECUTION_ANSWERED,
                                         .status = 200,
                                         .document = TEXT("{\"issuer\":\"https://a\"}")};
}

static void make_result_traced(struct msg *m)
{
    static const struct slice detail[] = {TEXT("a"), TEXT("b")};
    static const struct msg_hop hops[] = {
        {TEXT("template"), 3, TEXT("POST https://a/t"), detail, 2, false, {NULL, 0}},
        {TEXT("policy"), 0, TEXT("no"), NULL, 0, true, TEXT("add a rule")},
    };

    m->type = MSG_RESULT;
    m->body.result = (struct msg_result){.id = id5,
                                         .outcome = OUTCOME_FAILED,
                                         .code = VERDICT_POLICY_REFUSED,
                                         .execution = EXECUTION_NOT_SENT,
                                         .trace = hops,
                                         .ntrace = 2};
}

static void make_ack_full(struct msg *m)
{
    m->type = MSG_ACK;
    m->body.ack = (struct msg_ack){ids56, 2};
}

static void make_ack_min(struct msg *m)
{
    m->type = MSG_ACK;
}

static void make_cancel(struct msg *m)
{
    m->type = MSG_CANCEL;
    m->body.cancel.id = id5;
}

static void make_drain(struct msg *m)
{
    m->type = MSG_DRAIN;
    m->body.drain = (struct msg_drain){TEXT("restart"), 30000};
}

static void make_renew(struct msg *m)
{
    m->type = MSG_RENEW;
    m->body.renew.csr = TEXT("\x30\x00");
}

static void make_renewed_certificate(struct msg *m)
{
    m->type = MSG_RENEWED;
    m->body.renewed.certificate = TEXT("PEM");
}

static void make_renewed_error(struct msg *m)
{
    m->type = MSG_RENEWED;
    m->body.renewed.error_code = TEXT("refused");
    m->body.renewed.error_message = TEXT("no");
}

static void make_error_full(struct msg *m)
{
    m->type = MSG_ERROR;
    m->body.error = (struct msg_error){TEXT("not_stored"), TEXT("disk"), true, id5};
}

static void make_error_min(struct msg *m)
{
    m->type = MSG_ERROR;
    m->body.error = (struct msg_error){.code = TEXT("protocol"), .message = TEXT("")};
}

static void make_policy(struct msg *m)
{
    static struct msg_rule rule;

    rule = (struct msg_rule){.name = TEXT("hr")};
    m->type = MSG_POLICY;
    m->body.policy = (struct msg_policy){&rule, 1};
}

const struct wire_sample wire_samples[] = {
    {"hello with all", GOLDEN_HELLO_FULL, make_hello_full},
    {"hello with as little as may be", GOLDEN_HELLO_MIN, make_hello_min},
    {"welcome", GOLDEN_WELCOME_FULL, make_welcome},
    {"job with all", GOLDEN_JOB_FULL, make_job_full},
    {"job with as little as may be", GOLDEN_JOB_MIN, make_job_min},
    {"job with a mapped answer", GOLDEN_JOB_MAPPED, make_job_mapped},
    {"result with all", GOLDEN_RESULT_FULL, make_result_full},
    {"result with as little as may be", GOLDEN_RESULT_MIN, make_result_min},
    {"result of a discovery", GOLDEN_RESULT_DISCOVERED, make_result_discovered},
    {"result with a trace", GOLDEN_RESULT_TRACED, make_result_traced},
    {"ack of two", GOLDEN_ACK_FULL, make_ack_full},
    {"ack of none", GOLDEN_ACK_MIN, make_ack_min},
    {"cancel", GOLDEN_CANCEL, make_cancel},
    {"drain", GOLDEN_DRAIN, make_drain},
    {"renew", GOLDEN_RENEW, make_renew},
    {"renewed with a certificate", GOLDEN_RENEWED_CERTIFICATE, make_renewed_certificate},
    {"renewed with an error", GOLDEN_RENEWED_ERROR, make_renewed_error},
    {"error about a job", GOLDEN_ERROR_FULL, make_error_full},
    {"error about none", GOLDEN_ERROR_MIN, make_error_min},
    {"policy", GOLDEN_POLICY, make_policy},
};

const size_t wire_samples_count = COUNT_OF(wire_samples);

void wire_sample_make(const char *why, struct msg *m)
{
    memset(m, 0, sizeof(*m));
    for (size_t i = 0; i < wire_samples_count; i++) {
        if (strcmp(wire_samples[i].why, why) == 0) {
            wire_samples[i].make(m);
            return;
        }
    }
    fail_msg("no sample \"%s\"", why);
}
