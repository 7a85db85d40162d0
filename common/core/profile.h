#ifndef CONNECTOR_COMMON_CORE_PROFILE_H
#define CONNECTOR_COMMON_CORE_PROFILE_H

#include "common/core/faults.h"
#include "common/core/message.h"
#include "common/core/secret.h"

#include <jansson.h>

enum { PROFILE_BUDGET_MS_MIN = 100, PROFILE_BUDGET_MS_MAX = 120000, PROFILE_BUDGET_MS = 30000 };

enum profile_mode { PROFILE_USER, PROFILE_PRE_AUTHORIZED };
enum profile_data_type {
    PROFILE_STRING,
    PROFILE_NUMBER,
    PROFILE_BOOLEAN,
    PROFILE_DATE,
    PROFILE_EMAIL,
    PROFILE_URL
};
enum profile_visibility { PROFILE_VISIBLE, PROFILE_HIDDEN, PROFILE_READ_ONLY };

struct profile_form_field {
    char *title;
    char *key;
    char *hint;       /* "" if none */
    bool is_password; /* its value is secret wherever it goes */
    bool is_required;
    enum profile_data_type data_type;
    enum profile_visibility visibility;
    char *value; /* of a hidden or read-only field; NULL otherwise */
};

struct profile_field {
    enum field_place place;
    char *key;
    char *value; /* template */
};

/* An authorization profile: how a token is asked for. Owns everything. */
struct profile {
    char *name;      /* slug: [a-z0-9][a-z0-9._-]{0,62} */
    char *connector; /* NULL: none */
    bool has_tenancy;
    char *tenant; /* NULL: each call gives one */
    enum profile_mode mode;
    struct profile_form_field *form_fields; /* username and password included */
    size_t nform_fields;
    struct profile_field *fields;
    size_t nfields;
    char *token_url;
    char *refresh_url;    /* "" is the token URL */
    char *revocation_url; /* "" if none */
    enum http_method method;
    enum body_encoding content_type;
    enum body_encoding answer; /* ENCODING_UNKNOWN: auto */
    uint32_t *auth_error_status;
    size_t nauth_error_status;
    uint32_t rotation_grace_s;
    enum client_method client_method;
    char *client_id;                  /* NULL: none */
    struct secret client_secret;      /* not set: none */
    struct msg_variable *credentials; /* pre_authorized: stored values; owned, wiped */
    size_t ncredentials;
    uint32_t budget_ms;
};

/* Read and check a profile whole: every fault goes to `faults` with its field
 * ("form_fields[2].key"), what was found and what is allowed; a name that is not known names its
 * nearest neighbour. `name` is the one in the path of the request (a "name" member must agree);
 * NULL: the member is required. `before` (may be NULL): the stored profile of that name. A secret
 * given as {"set": true} is kept from it only while URLs, method, fields, tenancy, connector and
 * the client's method are unchanged; otherwise that is a fault which says so. What this version
 * can't do (encodings other than form, methods other than POST, other client methods, a mapped
 * answer) is a fault that says so. `warnings` (faults too): http URLs, secrets in a URL's query,
 * {{secret:…}} … True if there was no fault; `out` is then filled (profile_done) and otherwise
 * untouched. */
bool profile_read(const json_t *json, const char *name, const struct profile *before,
                  struct profile *out, struct faults *faults, struct faults *warnings);

void profile_done(struct profile *p);

/* As JSON. Secrets show as {"set": true}; with `with_secrets`, as they are (for sealing in the
 * store alone). A new reference, or NULL if out of memory. */
json_t *profile_to_json(const struct profile *p, bool with_secrets);

/* One call of a profile. Everything borrowed. */
struct profile_call {
    enum job_purpose purpose;   /* PURPOSE_AUTHORIZE or PURPOSE_REFRESH */
    const json_t *variables;    /* object of strings: the form's values; NULL: none */
    const json_t *context;      /* object of strings: dynamic values; NULL: none */
    struct slice tenant;        /* absent: the profile's */
    struct slice refresh_token; /* PURPOSE_REFRESH */
    uint32_t budget_ms;         /* for the agent */
    bool trace;
    struct cx_id id;
};

/* A job made from a profile and a call: slices point into both, and into its own memory. */
struct profile_job {
    struct msg_job job;
    void *memory; /* owns the arrays */
};

/* Make it. Every fault goes to `faults`, by name (a value that breaks its data type or is missing,
 * a name that is neither form field nor referred to, a missing tenant or one that is no host label,
 * …), values never shown. The payload is grant_type, the form's values that no field refers to,
 * then the payload fields in order; one of those keys as a payload field replaces it. True if there
 * was no fault; then profile_job_done frees. */
bool profile_make_job(const struct profile *p, const struct profile_call *call,
                      struct profile_job *out, struct faults *faults);

void profile_job_done(struct profile_job *j);

#endif
