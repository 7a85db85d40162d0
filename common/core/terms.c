#include "common/core/terms.h"

#define AS_TEXT(name, text)           text,
#define AS_TEXT3(name, text, status)  text,
#define AS_STATUS(name, text, status) status,

static const char *const purposes[] = {TERMS_PURPOSE(AS_TEXT)};
static const char *const methods[] = {TERMS_METHOD(AS_TEXT)};
static const char *const encodings[] = {TERMS_ENCODING(AS_TEXT)};
static const char *const places[] = {TERMS_PLACE(AS_TEXT)};
static const char *const secret_places[] = {TERMS_SECRET_PLACE(AS_TEXT)};
static const char *const clients[] = {TERMS_CLIENT(AS_TEXT)};
static const char *const algs[] = {TERMS_ALG(AS_TEXT)};
static const char *const outcomes[] = {TERMS_OUTCOME(AS_TEXT)};
static const char *const executions[] = {TERMS_EXECUTION(AS_TEXT)};
static const char *const stages[] = {TERMS_STAGE(AS_TEXT)};
static const char *const verdicts[] = {TERMS_VERDICT(AS_TEXT3)};
static const unsigned verdict_statuses[] = {TERMS_VERDICT(AS_STATUS)};

static unsigned find(struct slice word, const char *const *names, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        if (slice_eq_str(word, names[i])) {
            return i;
        }
    }
    return 0;
}

static const char *name_of(unsigned v, const char *const *names, unsigned count)
{
    return v < count ? names[v] : "";
}

/* One pair of functions a table: name of a value, value of a word. */
#define DEFINE_TERMS(word, type, table, count)                                                     \
    const char *terms_##word(enum type v)                                                          \
    {                                                                                              \
        return name_of((unsigned)v, table, count);                                                 \
    }                                                                                              \
    enum type terms_##word##_of(struct slice text)                                                 \
    {                                                                                              \
        return (enum type)find(text, table, count);                                                \
    }

DEFINE_TERMS(purpose, job_purpose, purposes, PURPOSE_COUNT)
DEFINE_TERMS(method, http_method, methods, METHOD_COUNT)
DEFINE_TERMS(encoding, body_encoding, encodings, ENCODING_COUNT)
DEFINE_TERMS(place, field_place, places, PLACE_COUNT)
DEFINE_TERMS(secret_place, secret_place, secret_places, SECRET_PLACE_COUNT)
DEFINE_TERMS(client, client_method, clients, CLIENT_COUNT)
DEFINE_TERMS(alg, client_alg, algs, ALG_COUNT)
DEFINE_TERMS(outcome, outcome, outcomes, OUTCOME_COUNT)
DEFINE_TERMS(execution, execution, executions, EXECUTION_COUNT)
DEFINE_TERMS(stage, stage, stages, STAGE_COUNT)
DEFINE_TERMS(verdict, verdict, verdicts, VERDICT_COUNT)

unsigned terms_verdict_status(enum verdict v)
{
    return (unsigned)v < VERDICT_COUNT ? verdict_statuses[v] : 500;
}

bool terms_is_success(enum outcome v)
{
    return v == OUTCOME_ISSUED || v == OUTCOME_REVOKED;
}
