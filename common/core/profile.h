#ifndef CONNECTOR_COMMON_CORE_PROFILE_H
#define CONNECTOR_COMMON_CORE_PROFILE_H

#include "common/core/faults.h"
#include "common/core/message.h"
#include "common/core/secret.h"

#include <jansson.h>

enum {
    PROFILE_BUDGET_MS_MIN = 100,
    PROFILE_BUDGET_MS_MAX = 120000,
    PROFILE_BUDGET_MS = 30000,
    PROFILE_FORM_FIELDS_MAX = 64, /* username and password included */
    PROFILE_FIELDS_MAX = 128,
    PROFILE_TEMPLATE_BYTES_MAX = 8192, /* a field's value, the client's id and secret */
    PROFILE_PEM_BYTES_MAX = 16 * 1024, /* the client's key, its certificate */
    PROFILE_KID_BYTES_MAX = 256,
    PROFILE_TEMPLATES_BYTES_MAX = 96 * 1024, /* all of them and the URLs together */
    PROFILE_VALUE_BYTES_MAX = 16 * 1024,     /* a form, context or stored value, a refresh token */
    PROFILE_VARIABLES_BYTES_MAX = 96 * 1024  /* names and values of one call together */
};

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

/* Where the members stand in an answer that does not call them what RFC 6749 does: places
 * (place.h), NULL where there is none. */
struct profile_places {
    char *access_token;
    char *refresh_token;
    char *expires_in;
    char *token_type;
    char *success_at;      /* NULL: no success condition */
    char *success_is;      /* as text, as it is compared */
    json_t *success_value; /* as it was written: text, true, false or a whole number */
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
    char *root;                /* xml: the name of the payload's element; NULL otherwise */
    enum body_encoding answer; /* ENCODING_UNKNOWN: auto */
    struct profile_places places;
    uint32_t *auth_error_status;
    size_t nauth_error_status;
    uint32_t rotation_grace_s;
    enum client_method client_method;
    char *client_id;                  /* NULL: none */
    struct secret client_secret;      /* not set: none */
    struct secret client_key;         /* PEM, or {{secret:name}}; not set: none */
    char *client_certificate;         /* PEM, or {{secret:name}}; NULL: none */
    enum client_alg client_alg;       /* private_key_jwt; ALG_UNKNOWN otherwise */
    char *client_kid;                 /* NULL: none */
    char *client_aud;                 /* template; NULL: the URL */
    struct msg_variable *credentials; /* pre_authorized: stored values; owned, wiped */
    size_t ncredentials;
    uint32_t budget_ms;
};

/* True if `name` may name a profile or a connector: [a-z0-9][a-z0-9._-]{0,62}. */
bool profile_is_name(struct slice name);

/* The client's key and certificate, as far as they are here: PEM texts, absent if there is none or
 * the agent keeps it. */
struct profile_pem {
    enum client_method method;
    enum client_alg alg;
    struct slice key, certificate;
};

/* Are they what the method needs, and do they belong together? What is wrong is in `fail`, which
 * shows nothing of them; *member is "key" or "certificate". */
typedef bool profile_pem_check(const struct profile_pem *pem, const char **member,
                               struct cx_fail *fail);

/* What profile_read reads. Everything borrowed. */
struct profile_input {
    const json_t *json;
    const char *name;             /* from the request's path: a "name" member must agree; NULL: the
                                     member is required */
    profile_pem_check *check_pem; /* NULL: only what they look like is checked */
    const struct profile *before; /* the stored profile of that name; NULL: none */
};

/* Read and check a profile whole: every fault goes to `faults` with its field
 * ("form_fields[2].key"), what was found (never a secret) and what is allowed; a name that is not
 * known names its nearest neighbour.
 *
 * A secret given as {"set": true} is kept from `before` only while URLs, method, fields, tenancy,
 * connector and the client's method are unchanged, or whoever may edit a profile could have its
 * secret sent to themselves; otherwise that is a fault, which says what changed.
 *
 * username and password stand in front of the form fields unless they are named; a field "password"
 * is of type password unless it says otherwise. A stored credential is a value as it is, or
 * {{secret:name}} and nothing else. The client's id and secret are templates, like the URLs and the
 * fields' values: a literal "{{" is written "{{{{" there.
 *
 * What this version can't do (other client methods) is a fault that says so. `warnings` (faults
 * too; may be NULL) tells what is allowed and unwise: no connector, http, a method other than POST,
 * a secret in a URL, {{secret:…}} without a connector, …
 *
 * True if there was no fault; `out` is then filled (profile_done) and otherwise untouched. Running
 * out of memory is a fault as well. Pure. */
bool profile_read(const struct profile_input *in, struct profile *out, struct faults *faults,
                  struct faults *warnings);

/* Wipe and free; safe on a zeroed struct and on a second call. */
void profile_done(struct profile *p);

/* As JSON, every member spelled out; profile_read takes it back. The client's secret and the
 * credentials show as {"set": true}; with `with_secrets`, as they are (for sealing in the store
 * alone). One that is made of placeholders only ({{secret:…}}) is no secret of ours, and shows. A
 * new reference, or NULL if out of memory. */
json_t *profile_to_json(const struct profile *p, bool with_secrets);

/* One call of a profile. Everything borrowed. */
struct profile_call {
    enum job_purpose purpose;     /* PURPOSE_AUTHORIZE, PURPOSE_TEST (the same), PURPOSE_REFRESH, or
                                     PURPOSE_REVOKE, of a profile that has a revocation URL */
    const json_t *variables;      /* object: the form's values; NULL: none */
    const json_t *context;        /* object: dynamic values; NULL: none */
    struct slice tenant;          /* absent: the profile's */
    struct slice refresh_token;   /* PURPOSE_REFRESH */
    struct slice revoked_token;   /* PURPOSE_REVOKE */
    struct slice token_type_hint; /* likewise: "access_token", "refresh_token"; absent: none */
    uint32_t budget_ms;           /* for the agent */
    bool trace;
    struct cx_id id;
};

/* A job made from a profile and a call: slices point into both, and into its own memory. */
struct profile_job {
    struct msg_job job;
    void *memory; /* owns the arrays; wiped */
};

/* Make it. Every fault goes to `faults`, by name ("variables.pin", "context.session", "tenant",
 * "refresh_token", "token", "token_type_hint"), values never shown.
 *
 * Values are strings in UTF-8 without NUL. A form field of data type boolean also takes true and
 * false, one of type number a JSON integer; other JSON numbers are refused, since their digits
 * would not survive: they are given as strings. In `variables` stand the form's values; a dynamic
 * value (a name that a template of the profile refers to and that is no form field) may stand in
 * `context` or in `variables`. Any other name is a fault, and so are a value for a hidden,
 * read-only or stored form field, a name in both, a tenant for a profile without tenancy, and
 * another tenant than the profile's in mode pre_authorized: its credentials are not the caller's to
 * send elsewhere.
 *
 * The payload of the password grant is grant_type, then the form's values which no field, URL or
 * client member of this grant refers to; of the refresh grant_type and refresh_token. A payload
 * field of one of those keys takes its place; one whose key is "" is the payload alone (content
 * type text), so that a refresh is a fault unless a URL holds its token. Then come the profile's
 * fields, in order. A required form value must be there for the password grant, and be more than
 * ""; any value that a template of this grant refers to must be there for either. That of a
 * revocation (RFC 7009, 2.1) is token and token_type_hint; of the profile's payload fields none but
 * the client's own (client_id, client_secret, client_assertion, client_assertion_type). `variables`
 * of the job are what its templates refer to and nothing else; secret_variables those of them that
 * are of type password, stored credentials or the call's token.
 *
 * True if there was no fault; then profile_job_done frees. Pure. */
bool profile_make_job(const struct profile *p, const struct profile_call *call,
                      struct profile_job *out, struct faults *faults);

/* Safe on a zeroed struct and on a second call. */
void profile_job_done(struct profile_job *j);

#endif
