#include "common/core/profile_parts.h"

#include "common/core/body.h"

#include <string.h>

#define AS_WORD(name, text) text,
static const char *const methods[CLIENT_COUNT] = {TERMS_CLIENT(AS_WORD)};
static const char *const algs[ALG_COUNT] = {TERMS_ALG(AS_WORD)};
#undef AS_WORD

enum need { UNUSED, OPTIONAL, REQUIRED };

/* Which member a method takes. */
static const struct {
    const char *name;
    enum need need[CLIENT_COUNT];
} uses[] = {
    {"id",
     {[CLIENT_NONE] = OPTIONAL,
      [CLIENT_SECRET_BASIC] = REQUIRED,
      [CLIENT_SECRET_BASIC_RAW] = REQUIRED,
      [CLIENT_SECRET_POST] = REQUIRED,
      [CLIENT_PRIVATE_KEY_JWT] = REQUIRED,
      [CLIENT_TLS] = REQUIRED}},
    {"secret",
     {[CLIENT_SECRET_BASIC] = REQUIRED,
      [CLIENT_SECRET_BASIC_RAW] = REQUIRED,
      [CLIENT_SECRET_POST] = REQUIRED}},
    {"key", {[CLIENT_PRIVATE_KEY_JWT] = REQUIRED, [CLIENT_TLS] = OPTIONAL}},
    {"certificate", {[CLIENT_TLS] = OPTIONAL}},
    {"alg", {[CLIENT_PRIVATE_KEY_JWT] = OPTIONAL}},
    {"kid", {[CLIENT_PRIVATE_KEY_JWT] = OPTIONAL}},
    {"aud", {[CLIENT_PRIVATE_KEY_JWT] = OPTIONAL}},
};

/* Is the member to be read? It is there, and the method takes it. */
static bool is_used(const struct profile_reader *r, const struct members *m, const char *name)
{
    for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
        if (strcmp(uses[i].name, name) == 0) {
            return uses[i].need[r->p.client_method] != UNUSED && members_get(m, name) != NULL;
        }
    }
    return false;
}

static void check_uses(const struct profile_reader *r, const struct members *m)
{
    const char *method = methods[r->p.client_method];

    for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
        bool is_there = members_get(m, uses[i].name) != NULL;

        if (is_there && uses[i].need[r->p.client_method] == UNUSED) {
            members_fault(m, uses[i].name, "is not used by %s", method);
        } else if (!is_there && uses[i].need[r->p.client_method] == REQUIRED) {
            members_fault(m, uses[i].name, "is required by %s", method);
        }
    }
}

/* Read a secret member into `out`; `stored` is what there was before. */
static void read_secret(struct profile_reader *r, const struct members *m, const char *name,
                        const struct secret *stored, struct secret *out)
{
    size_t max = strcmp(name, "key") == 0 ? PROFILE_PEM_BYTES_MAX : PROFILE_TEMPLATE_BYTES_MAX;
    struct slice text;

    if (!is_used(r, m, name)) {
        return;
    }
    text = profile_read_secret(r, m, name, stored != NULL ? secret_view(stored) : (struct slice){0},
                               max);
    if (!slice_is_absent(text) && secret_set(out, text) != CX_OK) {
        members_fault(m, name, "%s", cx_err_text(CX_E_NOMEM));
    }
}

static char *read_text(const struct profile_reader *r, const struct members *m, const char *name,
                       size_t bytes_max)
{
    char *text = is_used(r, m, name) ? members_text(m, name, bytes_max, NULL) : NULL;

    if (text != NULL && text[0] == '\0') {
        members_fault(m, name, "must not be empty");
    }
    return text;
}

static bool holds(struct slice text, const char *words)
{
    return memmem(text.ptr, text.len, words, strlen(words)) != NULL;
}

/* PEM (RFC 7468), or the agent's secret; a part of either is nothing that can be used. */
static bool is_pem_or_secret(struct slice text, const char *label)
{
    return profile_is_agent_secret(text) || (holds(text, "-----BEGIN ") && holds(text, label));
}

static void check_key(const struct profile_reader *r, const struct members *m)
{
    struct slice key = secret_view(&r->p.client_key);

    if (slice_is_absent(key)) {
        return;
    }
    if (!is_pem_or_secret(key, "PRIVATE KEY-----")) {
        members_fault(m, "key", "must be a private key (PEM), or {{secret:name}} of the agent");
    } else if (holds(key, "ENCRYPTED")) {
        members_fault(m, "key", "must not be encrypted: it is stored encrypted here");
    }
}

static void check_certificate(const struct profile_reader *r, const struct members *m)
{
    const char *text = r->p.client_certificate;

    if (text != NULL && !is_pem_or_secret(slice_of_str(text), "CERTIFICATE-----")) {
        members_fault(m, "certificate",
                      "must be a certificate (PEM), or {{secret:name}} of the agent");
    }
    if (is_used(r, m, "certificate") && !is_used(r, m, "key")) {
        members_fault(m, "key", "is required with certificate");
    } else if (r->p.client_method == CLIENT_TLS && !is_used(r, m, "certificate") &&
               is_used(r, m, "key")) {
        members_fault(m, "certificate", "is required with key");
    }
}

static struct slice pem_of(struct slice text)
{
    return profile_is_agent_secret(text) ? (struct slice){0} : text;
}

/* By whoever knows cryptography. */
static void check_pem(const struct profile_reader *r, const struct members *m)
{
    const struct profile_pem pem = {
        .method = r->p.client_method,
        .alg = r->p.client_alg,
        .key = pem_of(secret_view(&r->p.client_key)),
        .certificate = pem_of(slice_of_str(r->p.client_certificate)),
    };
    const char *member = "key";
    struct cx_fail fail = {0};

    if (r->check_pem != NULL && !r->check_pem(&pem, &member, &fail)) {
        members_fault(m, member, "%s", cx_fail_text(&fail));
    }
}

static void read_signing(struct profile_reader *r, const struct members *m)
{
    if (r->p.client_method != CLIENT_PRIVATE_KEY_JWT) {
        return;
    }
    r->p.client_alg = (enum client_alg)members_word(m, "alg", algs, ALG_COUNT, ALG_RS256);
    r->p.client_kid = read_text(r, m, "kid", PROFILE_KID_BYTES_MAX);
    r->p.client_aud = read_text(r, m, "aud", PROFILE_TEMPLATE_BYTES_MAX);
    if (!body_is_carried_by(r->p.method)) {
        members_fault(m, "method",
                      "private_key_jwt needs a payload that is a body: method POST, PUT or PATCH "
                      "(RFC 7521, 4.2)");
    }
}

static void warn_of_authorization(const struct profile_reader *r)
{
    bool is_basic =
        r->p.client_method == CLIENT_SECRET_BASIC || r->p.client_method == CLIENT_SECRET_BASIC_RAW;

    for (size_t i = 0; i < r->p.nfields && is_basic; i++) {
        const struct profile_field *f = &r->p.fields[i];

        if (f->place == PLACE_HEADER && f->key != NULL &&
            slice_eq_nocase(slice_of_str(f->key), SLICE_LIT("authorization"))) {
            profile_warn(r, "client.method",
                         "is not used, since a header field sets Authorization itself");
        }
    }
}

static void read_parts(struct profile_reader *r, const struct members *m)
{
    const struct profile *before = r->before;
    size_t found = faults_total(r->faults);

    check_uses(r, m);
    r->p.client_id = read_text(r, m, "id", PROFILE_TEMPLATE_BYTES_MAX);
    read_signing(r, m); /* before the secrets, which are kept only if it is as it was */
    read_secret(r, m, "secret", before != NULL ? &before->client_secret : NULL,
                &r->p.client_secret);
    read_secret(r, m, "key", before != NULL ? &before->client_key : NULL, &r->p.client_key);
    r->p.client_certificate = read_text(r, m, "certificate", PROFILE_PEM_BYTES_MAX);
    check_key(r, m);
    check_certificate(r, m);
    if (faults_total(r->faults) == found) {
        check_pem(r, m);
    }
    warn_of_authorization(r);
}

void profile_read_client(struct profile_reader *r)
{
    static const char *const names[] = {"method",      "id",  "secret", "key",
                                        "certificate", "alg", "kid",    "aud"};
    const json_t *json = members_get(&r->top, "client");
    struct members m;

    r->p.client_method = CLIENT_NONE;
    if (json == NULL) {
        return;
    }
    members_init(&m, json, "client", r->faults);
    members_check_names(&m, names, sizeof(names) / sizeof(names[0]));
    r->p.client_method = (enum client_method)members_word(
        &m, "method", methods, CLIENT_COUNT,
        members_get(&m, "method") == NULL ? CLIENT_NONE : CLIENT_UNKNOWN);
    if (r->p.client_method != CLIENT_UNKNOWN) {
        read_parts(r, &m);
    }
}
